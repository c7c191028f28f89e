//! The walker against hand-written documents and broken input.

use super::*;
use crate::inspect::field::FieldTable;
use crate::inspect::finding::{Findings, UninspectedReason};
use crate::inspect::kind::Kind;
use crate::inspect::walk::{Declared, Leaf};
use crate::inspect::{Inspector, Message, RuleSet, decode::Budget, format::Format};
use std::collections::BTreeMap;
use std::ops::Range;

/// A leaf kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) place: String,
    pub(super) value: String,
    pub(super) span: Range<usize>,
    pub(super) row: Option<(String, Kind, u16)>,
    pub(super) person: PersonId,
    pub(super) reads: String,
    pub(super) cue: String,
}

/// A sink that keeps all it is told.
#[derive(Debug, Default)]
pub(super) struct Keep {
    pub(super) roles: Vec<Role>,
    pub(super) leaves: Vec<Kept>,
    pub(super) clinical: Vec<PersonId>,
    pub(super) unknown: Vec<(String, String)>,
}

impl Sink for Keep {
    fn person(&mut self, id: PersonId, role: Role) {
        assert_eq!(id.0 as usize, self.roles.len(), "persons come in order");
        self.roles.push(role);
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        self.check(leaf.person);
        self.leaves.push(Kept {
            place: place(),
            value: leaf.value.clone().into_owned(),
            span: leaf.span.clone(),
            row: leaf.field.map(|f| (f.id.clone(), f.kind, f.points.0)),
            person: leaf.person,
            reads: format!("{:?}", leaf.reads),
            cue: leaf.cue.to_owned(),
        });
    }

    fn clinical(&mut self, person: PersonId) {
        self.check(person);
        self.clinical.push(person);
    }

    fn declared(&mut self, _: Declared, _: &dyn Fn() -> String) {
        panic!("CDA has no such flag");
    }

    fn unknown_key(&mut self, key: &str, _: Range<usize>, person: PersonId, place: &dyn Fn() -> String) {
        self.check(person);
        self.unknown.push((key.to_owned(), place()));
    }
}

impl Keep {
    fn check(&self, person: PersonId) {
        let known = person == PersonId::NOBODY || (person.0 as usize) < self.roles.len();
        assert!(known, "a person that wasn't announced");
    }

    /// The only leaf whose place ends so.
    fn at(&self, end: &str) -> &Kept {
        let found: Vec<_> = self.leaves.iter().filter(|leaf| leaf.place.ends_with(end)).collect();
        assert_eq!(found.len(), 1, "{end}: {:#?}", self.leaves);
        found[0]
    }

    fn row(&self, end: &str) -> (&str, Kind, u16) {
        let (id, kind, points) = self.at(end).row.as_ref().unwrap_or_else(|| panic!("no row at {end}"));
        (id.trim_start_matches("cda."), *kind, *points)
    }

    /// Points of each person, each kind once.
    fn points(&self) -> BTreeMap<PersonId, u16> {
        let mut kinds: BTreeMap<(PersonId, Kind), u16> = BTreeMap::new();
        for leaf in &self.leaves {
            if let Some((_, kind, points)) = &leaf.row {
                let held = kinds.entry((leaf.person, *kind)).or_default();
                *held = (*held).max(*points);
            }
        }
        let mut sums = BTreeMap::new();
        for ((person, _), points) in kinds {
            *sums.entry(person).or_default() += points;
        }
        sums
    }
}

pub(super) fn table() -> Table {
    Table::new(&field_table()).unwrap()
}

pub(super) fn field_table() -> FieldTable {
    FieldTable::parse(include_str!("../../../../config/fields/cda.toml")).unwrap()
}

fn walked(doc: &str) -> Keep {
    let mut keep = Keep::default();
    walk(doc.as_bytes(), &table(), &mut keep).unwrap();
    let holds =
        |leaf: &Kept| doc.get(leaf.span.clone()).is_some_and(|raw| raw.is_empty() == leaf.value.is_empty());
    assert!(keep.leaves.iter().all(holds), "spans lie in the document");
    keep
}

/// A document with this header and body.
pub(super) fn document(header: &str, sections: &str) -> String {
    let component = |s: &str| format!("<component><structuredBody>{s}</structuredBody></component>");
    let body = if sections.is_empty() { String::new() } else { component(sections) };
    format!(
        "<ClinicalDocument xmlns=\"urn:hl7-org:v3\" xmlns:sdtc=\"urn:hl7-org:sdtc\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{header}{body}</ClinicalDocument>"
    )
}

fn inspected(doc: &str) -> Findings {
    let message = Message { content_type: "text/xml", body: doc.as_bytes(), ..Message::default() };
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message)
}

const PATIENT: &str = r#"<recordTarget><patientRole>
  <id root="2.16.840.1.113883.3.505.1" extension="E08738432"/>
  <addr use="HP"><streetAddressLine> 12 Weir &amp; Co. Rd
  </streetAddressLine><city>Lodi</city><county>Dane</county><state>WI</state><postalCode>53555</postalCode></addr>
  <telecom value="tel: (608) 301-7742"/>
  <patient><name use="L"><given>Mara</given><given>J.</given><family>Ash&#100;own</family><suffix>Jr</suffix></name>
    <administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1" displayName="Female"/>
    <birthTime value="19610412"/></patient></patientRole></recordTarget>"#;

#[test]
fn the_rows_of_a_patient_weigh_as_the_map_says() {
    let kept = walked(&document(PATIENT, ""));
    let role = |end: &str| format!("recordTarget/patientRole/{end}");
    assert_eq!(kept.row(&role("id/@extension")), ("patient-id", Kind::Mrn, 60));
    assert_eq!(kept.at(&role("id/@root")).reads, "Opaque");
    assert_eq!(kept.row(&role("addr/streetAddressLine")), ("patient-street", Kind::Street, 40));
    assert_eq!(kept.at(&role("addr/streetAddressLine")).value, "12 Weir & Co. Rd");
    assert_eq!(kept.row(&role("addr/city")).2, 5);
    assert_eq!(kept.row(&role("addr/county")).2, 5);
    assert_eq!(kept.row(&role("addr/postalCode")), ("patient-zip", Kind::Zip, 15));
    assert_eq!(kept.at(&role("addr/state")).reads, "Code");
    assert_eq!(kept.row(&role("telecom/@value")), ("patient-phone", Kind::Phone, 40));
    assert_eq!(kept.at(&role("telecom/@value")).value, "(608) 301-7742");
    assert_eq!(kept.row(&role("patient/name/given")), ("patient-given", Kind::GivenName, 20));
    assert_eq!(kept.row(&role("patient/name/given[2]")).0, "patient-given");
    assert_eq!(kept.row(&role("patient/name/family")), ("patient-family", Kind::FamilyName, 30));
    assert_eq!(kept.at(&role("patient/name/family")).value, "Ashdown");
    assert_eq!(kept.row(&role("patient/birthTime/@value")), ("patient-birth-date", Kind::BirthDate, 40));
    assert_eq!(kept.roles, [Role::Patient]);
    assert!(kept.unknown.is_empty(), "{:?}", kept.unknown);
}

#[test]
fn roots_tell_what_an_id_is() {
    let ids = [
        ("2.16.840.1.113883.4.1", Some(("patient-ssn", Kind::Ssn, 100))),
        ("2.16.840.1.113883.4.927", Some(("patient-mbi", Kind::Mbi, 100))),
        ("2.16.840.1.113883.4.572", Some(("patient-hicn", Kind::Mbi, 100))),
        ("2.16.840.1.113883.4.3.25", Some(("patient-licence", Kind::DriverLicence, 90))),
        ("2.16.840.1.113883.4.330.840", Some(("patient-passport", Kind::Passport, 100))),
        ("2.16.840.1.113883.4.30", Some(("patient-id", Kind::Mrn, 60))),
        ("2.16.840.1.113883.4.39", Some(("patient-id", Kind::Mrn, 60))),
        (
            "2.999.5\" assigningAuthorityName=\"US Social Security Administration",
            Some(("patient-ssn-authority", Kind::Ssn, 100)),
        ),
        ("2.999.5\" nullFlavor=\"NI", None),
    ];
    for (root, expected) in ids {
        let extension = if expected.is_some() { "extension=\"A1\"" } else { "" };
        let id = format!(
            "<recordTarget><patientRole><id root=\"{root}\" {extension}/></patientRole></recordTarget>"
        );
        let kept = walked(&document(&id, ""));
        match expected {
            Some(expected) => assert_eq!(kept.row("id/@extension"), expected),
            None => assert!(kept.leaves.iter().all(|leaf| leaf.row.is_none())),
        }
    }
}

#[test]
fn names_in_one_piece_and_further_ids_are_the_patients_too() {
    let kept = walked(&document(
        r#"<recordTarget><patientRole><telecom value="mailto:m@ashdown.net"/><telecom value="fax:6083017743"/>
        <telecom value="m.ash@clinic.direct"/><telecom value="http://ashdown.net/me"/>
        <patient><name>Mara <!-- was Quill --> Ashdown</name><sdtc:deceasedTime value="20240102"/>
        <birthplace><place><addr><city>Ely</city></addr></place></birthplace></patient>
        <sdtc:identifiedBy><sdtc:alternateIdentification><sdtc:id root="1.2.3" extension="77"/></sdtc:alternateIdentification></sdtc:identifiedBy>
        </patientRole></recordTarget>"#,
        "",
    ));
    let emails: Vec<_> = kept.leaves.iter().filter(|l| l.place.contains("telecom")).collect();
    let told: Vec<_> = emails.iter().map(|l| (l.row.as_ref().unwrap().1, l.value.as_str())).collect();
    let expected = [
        (Kind::Email, "m@ashdown.net"),
        (Kind::Fax, "6083017743"),
        (Kind::Email, "m.ash@clinic.direct"),
        (Kind::Url, "http://ashdown.net/me"),
    ];
    assert_eq!(told, expected);
    let name: Vec<_> = kept.leaves.iter().filter(|l| l.place.ends_with("patient/name")).collect();
    assert!(name.iter().all(|l| l.row.as_ref().unwrap().1 == Kind::FullName));
    assert_eq!(name.iter().map(|l| l.value.as_str()).collect::<Vec<_>>(), ["Mara", "Ashdown"]);
    assert_eq!(kept.row("name/comment()").0, "comment");
    assert_eq!(kept.row("deceasedTime/@value"), ("patient-death-date", Kind::DeathDate, 30));
    assert_eq!(kept.row("birthplace/place/addr/city"), ("birth-place", Kind::BirthPlace, 10));
    assert_eq!(kept.row("alternateIdentification/id/@extension").1, Kind::Mrn);
}

#[test]
fn providers_and_organisations_are_public() {
    let person = r#"<assignedPerson><name><given>Anita</given><family>Iyer</family></name></assignedPerson>"#;
    let entity = format!(
        r#"<id root="2.16.840.1.113883.4.6" extension="1952374528"/><id root="2.16.840.1.113883.4.1" extension="412213456"/>
        <addr><streetAddressLine>1 Clinic Way</streetAddressLine></addr><telecom value="tel:608-301-9999"/>{person}
        <representedOrganization><name>Lodi Clinic</name></representedOrganization>"#
    );
    let header = format!(
        r#"<recordTarget><patientRole><id extension="1" root="1.2"/><providerOrganization><id root="1.3" extension="99"/><name>Lodi Clinic</name></providerOrganization></patientRole></recordTarget>
        <author><time value="20240102"/><assignedAuthor>{entity}</assignedAuthor></author>
        <dataEnterer><assignedEntity>{entity}</assignedEntity></dataEnterer>
        <informant><assignedEntity>{entity}</assignedEntity></informant>
        <custodian><assignedCustodian><representedCustodianOrganization><name>HIE</name><telecom value="tel:1"/></representedCustodianOrganization></assignedCustodian></custodian>
        <informationRecipient><intendedRecipient><informationRecipient><name>Dr Ono</name></informationRecipient></intendedRecipient></informationRecipient>
        <legalAuthenticator><assignedEntity>{entity}</assignedEntity></legalAuthenticator>
        <participant typeCode="REF"><associatedEntity classCode="PROV">{entity}</associatedEntity></participant>
        <documentationOf><serviceEvent><effectiveTime><low value="20240102"/></effectiveTime><performer><assignedEntity>{entity}</assignedEntity></performer></serviceEvent></documentationOf>
        <componentOf><encompassingEncounter><id root="1.4" extension="V123"/><effectiveTime value="20240103"/>
          <encounterParticipant><assignedEntity>{entity}</assignedEntity></encounterParticipant>
          <location><healthCareFacility><location><name>East Wing</name></location></healthCareFacility></location></encompassingEncounter></componentOf>"#
    );
    let kept = walked(&document(&header, ""));
    let told = |l: &&Kept| l.person != PersonId::NOBODY && l.reads != "Code";
    let patients: Vec<_> = kept.leaves.iter().filter(told).collect();
    let places: Vec<_> = patients.iter().map(|l| l.place.trim_start_matches("ClinicalDocument/")).collect();
    let expected = [
        "recordTarget/patientRole/id/@extension",
        "documentationOf/serviceEvent/effectiveTime/low/@value",
        "componentOf/encompassingEncounter/id/@extension",
        "componentOf/encompassingEncounter/effectiveTime/@value",
    ];
    assert_eq!(places, expected);
    assert_eq!(kept.row("encompassingEncounter/id/@extension"), ("visit-number", Kind::VisitNumber, 40));
    assert_eq!(
        kept.row("encompassingEncounter/effectiveTime/@value"),
        ("service-date", Kind::ServiceDate, 10)
    );
    assert_eq!(kept.at("author/time/@value").reads, "Time");
    assert_eq!(kept.row("author/assignedAuthor/assignedPerson/name/family"), ("provider", Kind::Provider, 0));
    assert_eq!(kept.row("author/assignedAuthor/id[2]/@extension"), ("provider-ssn", Kind::ProviderSsn, 0));
    assert_eq!(kept.row("providerOrganization/name").0, "provider-organisation");
}

#[test]
fn persons_of_the_patients_side_are_told_apart() {
    let name = |family: &str| format!("<name><given>Tom</given><family>{family}</family></name>");
    let header = format!(
        r#"<recordTarget><patientRole><id root="1.2" extension="77"/><patient>{0}<guardian><id root="2.16.840.1.113883.4.1" extension="212550187"/>
          <telecom value="tel:608-301-7743"/><guardianPerson>{1}</guardianPerson><guardianOrganization><name>County</name></guardianOrganization></guardian></patient></patientRole></recordTarget>
        <author><assignedAuthor><id root="1.2" extension="77"/><telecom value="tel:608-301-7744"/></assignedAuthor></author>
        <author><assignedAuthor><id root="1.9" extension="5"/><code code="SPS" codeSystem="2.16.840.1.113883.5.111"/><assignedPerson>{2}</assignedPerson></assignedAuthor></author>
        <informant><relatedEntity classCode="PRS"><relatedPerson>{3}</relatedPerson></relatedEntity></informant>
        <participant typeCode="IND"><associatedEntity classCode="NOK"><addr><city>Ely</city></addr><associatedPerson>{4}</associatedPerson></associatedEntity></participant>
        <participant typeCode="HLD"><associatedEntity classCode="POLHOLD"><id root="1.5" extension="W998"/></associatedEntity></participant>
        <recordTarget><patientRole><patient>{5}</patient></patientRole></recordTarget>"#,
        name("A"),
        name("B"),
        name("C"),
        name("D"),
        name("E"),
        name("F"),
    );
    let kept = walked(&document(&header, ""));
    let relative = Role::RelativeOf(PersonId(0));
    assert_eq!(kept.roles, [Role::Patient, relative, relative, relative, relative, relative, Role::Patient]);
    let families: Vec<_> = kept.leaves.iter().filter(|l| l.place.ends_with("name/family")).collect();
    let whose: Vec<_> = families.iter().map(|l| (l.person.0, l.row.as_ref().unwrap().1)).collect();
    let others = (1..5).map(|n| (n, Kind::Relative));
    let expected: Vec<_> =
        [(0, Kind::FamilyName)].into_iter().chain(others).chain([(6, Kind::FamilyName)]).collect();
    assert_eq!(whose, expected);
    assert_eq!(kept.row("guardian/id/@extension"), ("guardian-ssn", Kind::Ssn, 100));
    assert_eq!(kept.points().get(&PersonId(1)), Some(&190));
    assert_eq!(kept.at("author/assignedAuthor/telecom/@value").person, PersonId(0));
    assert_eq!(kept.row("participant[2]/associatedEntity/id/@extension"), ("holder-id", Kind::MemberId, 70));
    assert_eq!(kept.at("guardianOrganization/name").reads, "Public");
}

#[test]
fn coverage_tells_member_subscriber_guarantor_and_payer() {
    let name = "<name><given>Tom</given><family>Ashdown</family></name>";
    let section = format!(
        r#"<component><section><code code="48768-6"/><entry><act><entryRelationship><act>
        <id root="1.7" extension="GRP1"/>
        <performer><assignedEntity><id root="1.8" extension="P1"/><code code="PAYOR"/><telecom value="tel:1-800-301-1000"/><representedOrganization><name>Good Health</name></representedOrganization></assignedEntity></performer>
        <performer><assignedEntity><id root="1.8" extension="G1"/><code code="GUAR"/><telecom value="tel:608-301-7745"/><assignedPerson>{name}</assignedPerson></assignedEntity></performer>
        <performer><assignedEntity><id root="1.8" extension="G2"/><code code="GUAR"/><representedOrganization><name>County</name></representedOrganization></assignedEntity></performer>
        <participant typeCode="COV"><participantRole><id root="1.8" extension="M1"/><playingEntity>{name}<sdtc:birthTime value="19610412"/></playingEntity></participantRole></participant>
        <participant typeCode="HLD"><participantRole><id root="2.16.840.1.113883.4.927" extension="1EG4TE5MK73"/><addr><streetAddressLine>1 X</streetAddressLine></addr><playingEntity>{name}</playingEntity></participantRole></participant>
        </act></entryRelationship></act></entry></section></component>"#
    );
    let kept = walked(&document(PATIENT, &section));
    assert_eq!(kept.row("performer/assignedEntity/telecom/@value"), ("payer", Kind::Organisation, 0));
    assert_eq!(kept.row("performer[2]/assignedEntity/id/@extension"), ("guarantor-id", Kind::OtherId, 40));
    assert_eq!(
        kept.row("performer[2]/assignedEntity/assignedPerson/name/given"),
        ("guarantor-name", Kind::Relative, 50)
    );
    assert_eq!(kept.at("performer[3]/assignedEntity/id/@extension").reads, "Public");
    assert_eq!(kept.row("participant/participantRole/id/@extension"), ("member-id", Kind::MemberId, 70));
    assert_eq!(kept.row("participant/participantRole/playingEntity/name/family").1, Kind::FamilyName);
    assert_eq!(kept.row("participant/participantRole/playingEntity/birthTime/@value").1, Kind::BirthDate);
    assert_eq!(kept.at("participant/participantRole/id/@extension").person, PersonId(0));
    assert_eq!(kept.row("participant[2]/participantRole/id/@extension"), ("member-mbi", Kind::Mbi, 100));
    assert_eq!(kept.row("participant[2]/participantRole/addr/streetAddressLine").0, "subscriber-street");
    assert_eq!(kept.at("participant[2]/participantRole/playingEntity/name/given").person, PersonId(2));
    assert_eq!(kept.row("act/entryRelationship/act/id/@extension"), ("entry-id", Kind::OtherId, 10));
    assert!(kept.clinical.is_empty(), "payers are no clinical content");
}

#[test]
fn entries_tell_dates_ids_devices_and_relatives() {
    let kept = walked(&document(
        "",
        r##"<component><section><templateId root="2.16.840.1.113883.10.20.22.2.23" extension="2014-06-09"/><id root="1.2" extension="S1"/><entry><procedure classCode="PROC"><id root="1.3" extension="A1"/>
        <code code="80146002" codeSystem="2.16.840.1.113883.6.96" displayName="Appendectomy"/><text><reference value="#p1"/></text>
        <effectiveTime xsi:type="IVL_TS"><low value="20240102"/><high nullFlavor="UNK"/></effectiveTime>
        <author><time value="20240104"/><assignedAuthor><id nullFlavor="NI"/></assignedAuthor></author>
        <participant typeCode="DEV"><participantRole classCode="MANU"><id root="2.16.840.1.113883.3.3719" extension="(01)00848486001048(21)bi1234"/><scopingEntity><desc>Acme Medical</desc></scopingEntity></participantRole></participant>
        <participant typeCode="LOC"><participantRole classCode="SDLOC"><telecom value="tel:608-301-1000"/><playingEntity><name>East Wing</name></playingEntity></participantRole></participant>
        <participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT"><name>Penicillin</name></playingEntity></participantRole></participant>
        <participant typeCode="IND"><participantRole classCode="IND"><code code="MTH" codeSystem="2.16.840.1.113883.5.111"/><playingEntity><name>Mia Jones</name></playingEntity></participantRole></participant>
        <entryRelationship><observation><code code="29308-4" displayName="Comment"/><value xsi:type="ST">call at 608-301-7742</value></observation></entryRelationship>
        <entryRelationship><observation><value xsi:type="PQ" value="72.5" unit="kg"/></observation></entryRelationship>
        <entryRelationship><observation><value xsi:type="ST" value="not a number"/></observation></entryRelationship>
        </procedure></entry><entry><organizer><subject><relatedSubject classCode="PRS"><code code="FTH"/><subject><name>Lucas Valieri</name><sdtc:id root="1.4" extension="F1"/><birthTime value="19300101"/></subject></relatedSubject></subject></organizer></entry></section></component>"##,
    ));
    assert_eq!(kept.at("section/templateId/@extension").reads, "Opaque");
    assert_eq!(kept.at("section/id/@extension").reads, "Opaque");
    assert_eq!(kept.row("procedure/id/@extension"), ("entry-id", Kind::OtherId, 10));
    assert_eq!(kept.at("procedure/code/@displayName").reads, "Opaque");
    assert_eq!(kept.at("observation/code/@displayName").reads, "Code", "nobody knows whose code it is");
    assert!(kept.at("participant[3]/participantRole/playingEntity/name").row.is_none(), "a substance");
    assert_eq!(kept.at("reference/@value").reads, "Opaque");
    assert_eq!(kept.row("effectiveTime/low/@value"), ("service-date", Kind::ServiceDate, 10));
    assert_eq!(kept.row("author/time/@value").1, Kind::ServiceDate);
    assert_eq!(kept.row("participantRole/id/@extension"), ("device-udi", Kind::Device, 40));
    assert_eq!(kept.at("scopingEntity/desc").reads, "Public");
    assert_eq!(kept.at("participant[2]/participantRole/telecom/@value").reads, "Public");
    assert_eq!(kept.at("observation/value").cue, "Comment");
    assert_eq!(kept.at("entryRelationship[2]/observation/value/@value").reads, "Quantity");
    assert_eq!(kept.at("entryRelationship[3]/observation/value/@value").reads, "Text");
    assert_eq!(kept.row("subject/relatedSubject/subject/name"), ("family-name", Kind::Relative, 50));
    assert_eq!(kept.row("relatedSubject/subject/birthTime/@value").1, Kind::BirthDate);
    assert_eq!(
        kept.row("participant[4]/participantRole/playingEntity/name"),
        ("related-name", Kind::Relative, 50)
    );
    assert_eq!(kept.at("relatedSubject/subject/id/@extension").person, PersonId(2));
    let relative = Role::RelativeOf(PersonId(0));
    assert_eq!(kept.roles, [Role::Patient, relative, relative]);
    assert_eq!(kept.clinical, [PersonId(0)]);
}

#[test]
fn the_narrative_is_read_line_by_line() {
    let doc = document(
        "",
        r##"<component><section><text>Seen with <content styleCode="Bold">Ann</content> Roe.<br/>Next
        <paragraph ID="p1">call <content>608&#45;301</content>-7742</paragraph>
        <list><item>one</item><item><!-- Bob Fox -->two<![CDATA[<three> & four]]></item></list>
        <table><thead><tr><th>Medication</th><th>Provider</th><th>Start</th></tr></thead>
        <tbody><tr><td>aspirin</td><td>Dr. Ono, 1 Clinic Way</td><td>2024</td></tr></tbody></table>
        <table><tbody><tr><th>Date of birth</th><td>April 12, 1961</td></tr>
        <tr><th>Patient</th><td>Mara <content>Ashdown</content></td><th>SSN</th><td>412-21-3456</td></tr>
        <tr><td>a<list><item>b</item></list></td><td>c</td></tr></tbody></table></text></section></component>"##,
    );
    let kept = walked(&doc);
    let told: Vec<_> = kept
        .leaves
        .iter()
        .filter(|l| l.place.contains("section/text") && !l.place.contains('@'))
        .map(|l| (l.value.as_str(), l.reads.as_str(), l.cue.as_str()))
        .collect();
    let expected = [
        ("Seen with <content styleCode=\"Bold\">Ann</content> Roe.", "Xhtml", ""),
        ("Next", "Text", ""),
        ("call <content>608&#45;301</content>-7742", "Xhtml", ""),
        ("one", "Text", ""),
        ("Bob Fox", "Text", ""),
        ("two", "Text", ""),
        ("<three> & four", "Text", ""),
        ("Medication", "Text", ""),
        ("Provider", "Text", ""),
        ("Start", "Text", ""),
        ("aspirin", "Text", "Medication"),
        ("Dr. Ono, 1 Clinic Way", "Public", "Provider"),
        ("2024", "Text", "Start"),
        ("Date of birth</th><td>April 12, 1961", "Xhtml", ""),
        ("Patient</th><td>Mara <content>Ashdown", "Xhtml", ""),
        ("SSN</th><td>412-21-3456", "Xhtml", ""),
        ("a", "Text", ""),
        ("b", "Text", ""),
        ("c", "Text", ""),
    ];
    assert_eq!(told, expected);
    let narrative = |l: &&Kept| l.row.as_ref().is_some_and(|(id, _, _)| id == "cda.narrative");
    assert_eq!(kept.leaves.iter().filter(narrative).count(), 17);
    let found = inspected(&doc);
    let words: Vec<_> = found.findings.iter().map(|f| (f.kind, doc.get(f.span.clone()).unwrap())).collect();
    assert!(words.contains(&(Kind::BirthDate, "April 12, 1961")), "{words:?}");
    assert!(words.contains(&(Kind::FullName, "Mara <content>Ashdown")), "{words:?}");
    // A place in the middle of marked-up text; across a tag nothing is one number.
    assert!(!words.iter().any(|(_, word)| word.contains("Clinic Way")), "{words:?}");
}

#[test]
fn the_head_of_a_column_tells_what_its_cells_are() {
    let kept = walked(&document(
        "",
        r##"<component><section><text><table><thead><tr><th>Patient name</th><th>MRN #</th><th>Date of birth</th><th>Member ID:</th></tr></thead>
        <tbody><tr><td>Mara Ashdown</td><td>E0873</td><td>04/12/1961</td><td>see card</td></tr></tbody></table></text></section></component>"##,
    ));
    assert_eq!(kept.row("tbody/tr/td"), ("column-name", Kind::FullName, 50));
    assert_eq!(kept.row("tbody/tr/td[2]"), ("column-mrn", Kind::Mrn, 60));
    assert_eq!(kept.row("tbody/tr/td[3]"), ("column-birth-date", Kind::BirthDate, 40));
    assert_eq!(kept.row("tbody/tr/td[4]").0, "narrative", "no number");
    assert_eq!(kept.row("thead/tr/th[2]").0, "narrative");
    assert_eq!(kept.at("tbody/tr/td").reads, "Text", "whatever else a cell holds is found, too");
}

#[test]
fn what_is_carried_is_decoded() {
    let letter = "UGF0aWVudDogTWFyYSBBc2hkb3duLCBET0IgMDQvMTIvMTk2MSwgU1NOIDQxMi0yMS0zNDU2"; // a letter about the patient
    let body = |text: &str| {
        format!(
            "<ClinicalDocument xmlns=\"urn:hl7-org:v3\"><component><nonXMLBody>{text}</nonXMLBody></component></ClinicalDocument>"
        )
    };
    let doc = body(&format!("<text mediaType=\"text/plain\" representation=\"B64\">\n{letter}\n</text>"));
    let kept = walked(&doc);
    assert_eq!(kept.row("nonXMLBody/text"), ("body", Kind::Attachment, 0));
    assert_eq!(kept.at("nonXMLBody/text").reads, "Base64(\"text/plain\")");
    assert_eq!(kept.clinical, [PersonId(0)]);
    let found = inspected(&doc);
    assert_eq!(found.format, Format::Ccda);
    assert!(found.points().0 >= 190, "{:?}", found.points());
    let ssn = found.findings.iter().find(|f| f.kind == Kind::Ssn).unwrap();
    assert_eq!(doc.get(ssn.span.clone()), Some(letter));
    let plain = body("<text mediaType=\"text/plain\">Patient: Mara Ashdown</text>");
    assert_eq!(walked(&plain).at("nonXMLBody/text").reads, "Text");
    let media = document(
        "",
        "<component><section><entry><observationMedia><value mediaType=\"image/png\" representation=\"B64\">iVBORw0KGgo=</value></observationMedia></entry></section></component>",
    );
    assert_eq!(walked(&media).row("observationMedia/value").0, "media");
    assert_eq!(inspected(&media).uninspected[0].reason, UninspectedReason::OpaqueType);
}

#[test]
fn what_cda_does_not_know_is_text_under_a_star() {
    let kept = walked(&document(
        r#"<recordTarget><patientRole><x:mrn xmlns:x="urn:else" no="Mara"><name>Ashdown</name></x:mrn><y:name xmlns:y="urn:other">Mara</y:name><id mrn="7"/></patientRole></recordTarget>"#,
        "",
    ));
    let keys: Vec<_> = kept.unknown.iter().map(|(key, place)| (key.as_str(), place.as_str())).collect();
    let role = "ClinicalDocument/recordTarget/patientRole";
    let expected = [
        ("x:mrn", format!("{role}/*")),
        ("no", format!("{role}/*/@*")),
        ("y:name", format!("{role}/*[2]")),
        ("mrn", format!("{role}/id/@*")),
    ];
    assert!(keys.iter().map(|(k, p)| (*k, p.to_string())).eq(expected), "{keys:?}");
    let texts = kept.leaves.iter().filter(|l| l.reads == "Text").map(|l| l.value.as_str());
    assert!(texts.eq(["Mara", "Ashdown", "Mara", "7"]));
    assert!(kept.leaves.iter().all(|l| l.row.is_none()));
}

#[test]
fn documents_and_their_parts_are_recognised_and_other_xml_is_not() {
    let is = |doc: &str| recognise(&Tape::read(doc.as_bytes(), 9).unwrap());
    for doc in [
        "<ClinicalDocument xmlns='urn:hl7-org:v3'/>",
        "<c:ClinicalDocument xmlns:c='urn:hl7-org:v3'/>",
        "<ClinicalDocument/>",
        "<section><templateId root='1.2'/></section>",
        "<recordTarget><patientRole/></recordTarget>",
        "<component xmlns='urn:hl7-org:v3'><section><entry><act moodCode='EVN'/></entry></section></component>",
    ] {
        assert!(is(doc), "{doc}");
    }
    for doc in [
        "<ClinicalDocument xmlns='urn:else'/>",
        "<section><p>text</p></section>",
        "<PRPA_IN201305UV02 xmlns='urn:hl7-org:v3'><id root='1.2'/></PRPA_IN201305UV02>",
        "<Patient xmlns='http://hl7.org/fhir'/>",
        "<author>Mara</author>",
    ] {
        assert!(!is(doc), "{doc}");
    }
}

#[test]
fn spans_are_raw_bytes_whatever_the_escapes() {
    let doc = document(
        "",
        "<component><section><text>SSN &#x34;12&#45;21-3456 &amp; more</text></section></component>",
    );
    let found = inspected(&doc);
    let ssn = found.findings.iter().find(|f| f.kind == Kind::Ssn).unwrap();
    assert_eq!(doc.get(ssn.span.clone()), Some("&#x34;12&#45;21-3456"));
    let latin1 = b"<?xml version='1.0' encoding='ISO-8859-1'?><ClinicalDocument xmlns='urn:hl7-org:v3'><title>M\xfcller \xe9 SSN 412-21-3456</title></ClinicalDocument>";
    let message = Message { content_type: "text/xml", body: latin1, ..Message::default() };
    let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message);
    let ssn = found.findings.iter().find(|f| f.kind == Kind::Ssn).unwrap();
    assert_eq!(latin1.get(ssn.span.clone()), Some(b"412-21-3456".as_slice()));
}

#[test]
fn xml_that_is_broken_is_told_and_read_as_text() {
    for (doc, reason) in [
        ("<ClinicalDocument>SSN 412-21-3456", UninspectedReason::Malformed),
        ("<!DOCTYPE a [<!ENTITY b 'x'>]><a>SSN 412-21-3456</a>", UninspectedReason::Malformed),
        ("<?xml version='1.0' encoding='UTF-7'?><a>SSN 412-21-3456</a>", UninspectedReason::Charset),
    ] {
        let found = inspected(doc);
        assert_eq!(found.uninspected[0].reason, reason);
        assert!(found.findings.iter().any(|f| f.kind == Kind::Ssn), "{doc}");
    }
}

#[test]
fn a_generator_is_known_by_its_system_and_clears_nobody_alone() {
    let synthea = |id: &str, phone: &str, name: &str| {
        document(
            &format!(
                r#"<recordTarget><patientRole><id root="2.16.840.1.113883.19.5" extension="{id}" assigningAuthorityName="https://github.com/synthetichealth/synthea"/>
                <telecom value="tel:{phone}"/><patient><name><given>Ana{name}</given><family>Ro{name}</family></name><birthTime value="19610412"/></patient></patientRole></recordTarget>"#
            ),
            "",
        )
    };
    let points = |doc: &str| inspected(doc).points().0;
    let uuid = "05266676-5787-4ca2-86b6-375371e559a9";
    assert_eq!(points(&synthea(uuid, "555-607-7186", "142")), 0);
    assert!(points(&synthea("E08738432", "608-301-7742", "")) >= 90);
    assert!(points(&synthea(uuid, "608-301-7742", "")) >= 90);
}

#[test]
fn every_cut_of_a_document_is_refused() {
    let doc = document(PATIENT, "<component><section><text>x</text></section></component>");
    let table = table();
    for at in 0..doc.len() {
        assert!(walk(&doc.as_bytes()[..at], &table, &mut Keep::default()).is_err());
    }
}

#[test]
fn ten_thousand_entries_take_no_quadratic_time() {
    let entry = "<entry><act classCode='ACT'><id root='1.2' extension='A1'/><effectiveTime value='20240102'/><x/></act></entry>";
    let doc = document("", &format!("<component><section>{}</section></component>", entry.repeat(30_000)));
    let kept = walked(&doc);
    assert_eq!(kept.leaves.iter().filter(|l| l.row.is_some()).count(), 60_000);
    assert_eq!(kept.leaves.last().unwrap().place.matches("entry[30000]").count(), 1);
}

#[test]
fn ten_thousand_relatives_take_no_quadratic_time() {
    let relative = "<participant><associatedEntity classCode='NOK'><associatedPerson><name>Ann Roe</name></associatedPerson></associatedEntity></participant>";
    let found = inspected(&document(&format!("{PATIENT}{}", relative.repeat(20_000)), ""));
    assert_eq!(found.persons.len(), 20_001);
}

#[test]
fn a_document_changed_anywhere_is_walked_or_refused_and_spans_stay_in_it() {
    let section = "<component><section><code code='1'/><text>a<table><tr><th>SSN</th><td>412-21-3456</td></tr></table></text><entry><act><time value='20240102'/></act></entry></section></component>";
    let doc = document(PATIENT, section).into_bytes();
    let table = table();
    let mut walked = 0;
    for (at, byte) in (0..doc.len()).flat_map(|at| b"<>&/'x ".map(|byte| (at, byte))) {
        let mut changed = doc.clone();
        changed[at] = byte;
        let mut keep = Keep::default();
        if walk(&changed, &table, &mut keep).is_ok() {
            assert!(keep.leaves.iter().all(|l| l.span.start <= l.span.end && l.span.end <= changed.len()));
            walked += 1;
        }
    }
    assert!(walked > 1000, "{walked}");
}
