//! The walker against hand-written documents, a slow reference and broken input.

use super::*;
use crate::inspect::field::FieldTable;
use crate::inspect::kind::Kind;
use crate::inspect::walk::{Declared, Leaf, Reads, Role};
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
    pub(super) declared: Vec<String>,
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
            reads: match leaf.reads {
                Reads::Base64(media) => format!("Base64 {media}"),
                reads => format!("{reads:?}"),
            },
            cue: leaf.cue.to_owned(),
        });
    }

    fn clinical(&mut self, person: PersonId) {
        self.check(person);
        self.clinical.push(person);
    }

    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
        assert_eq!(mode, Declared::Test);
        self.declared.push(place());
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

    pub(super) fn at(&self, place: &str) -> &Kept {
        let mut found = self.leaves.iter().filter(|leaf| leaf.place == place);
        found.next().unwrap_or_else(|| panic!("nothing at {place}: {:#?}", self.leaves))
    }

    /// The first leaf of this value.
    pub(super) fn of(&self, value: &str) -> &Kept {
        self.leaves.iter().find(|leaf| leaf.value == value).expect("a leaf of this value")
    }

    pub(super) fn row(&self, place: &str) -> (&str, Kind, u16) {
        let (id, kind, points) = self.at(place).row.as_ref().unwrap_or_else(|| panic!("no row at {place}"));
        (id.trim_start_matches("fhir-r4."), *kind, *points)
    }

    fn reads(&self, place: &str) -> &str {
        &self.at(place).reads
    }

    fn person(&self, place: &str) -> PersonId {
        self.at(place).person
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

pub(super) fn field_table() -> FieldTable {
    FieldTable::parse(include_str!("../../../../config/fields/fhir-r4.toml")).unwrap()
}

pub(super) fn walked(doc: &str) -> Keep {
    keep_by(doc, &field_table())
}

pub(super) fn keep_by(doc: &str, rows: &FieldTable) -> Keep {
    let table = Table::new(rows).unwrap();
    let mut keep = Keep::default();
    walk(doc.as_bytes(), &table, &mut keep).unwrap();
    keep
}

#[test]
fn rows_of_a_patient_weigh_as_the_map_says() {
    let kept = walked(
        r#"{"resourceType":"Patient","id":"p1","identifier":[
            {"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:x","value":"00123"},
            {"system":"http://hl7.org/fhir/sid/us-ssn","value":"212-55-0187"},
            {"type":{"coding":[{"code":"NNNLD"}]},"value":"738472983"},
            {"type":{"coding":[{"code":"NIIP"}]},"assigner":{"display":"Acme Health Insurance Co."},"value":"N1"},
            {"type":{"coding":[{"code":"NIIP"}]},"assigner":{"display":"Acme"},"value":"N2"}],
        "name":[{"use":"official","family":"Ashdown","given":["Mara","J."],"text":"Mara J. Ashdown"}],
        "telecom":[{"system":"phone","value":"(608) 301-7742"},{"system":"email","value":"m@ashdown.net"},{"value":"x"}],
        "gender":"female","birthDate":"1961-04-12",
        "_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"1961-04-12T14:35:45-05:00"}]},
        "address":[{"line":["12 Weir Rd"],"city":"Lodi","district":"Dane","state":"WI","postalCode":"53555",
          "period":{"start":"1974-12-25"},
          "extension":[{"url":"http://hl7.org/fhir/StructureDefinition/geolocation","extension":[{"url":"latitude","valueDecimal":43.314}]}]}],
        "photo":[{"contentType":"image\/jpeg","data":"AAAA"}],
        "extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName","valueString":"Quill"},
          {"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race","extension":[{"url":"ombCategory","valueCoding":{"system":"urn:oid:2","code":"2106-3","display":"White"}}]}],
        "contact":[{"name":{"family":"Ashdown","given":["Tom"]},"telecom":[{"system":"phone","value":"608-301-7743"}]}],
        "generalPractitioner":[{"reference":"Practitioner/7","display":"Dr Ono"}],
        "managingOrganization":{"display":"Lodi Clinic"}}"#,
    );
    assert_eq!(kept.row("Patient.identifier[0].value"), ("patient-mrn", Kind::Mrn, 60));
    assert_eq!(kept.row("Patient.identifier[1].value"), ("patient-ssn-system", Kind::Ssn, 100));
    assert_eq!(kept.row("Patient.identifier[2].value"), ("patient-national", Kind::NationalId, 90));
    assert_eq!(kept.row("Patient.identifier[3].value"), ("patient-payer", Kind::MemberId, 70));
    assert_eq!(kept.row("Patient.identifier[4].value"), ("patient-other-id", Kind::OtherId, 40));
    assert_eq!(kept.row("Patient.name[0].family"), ("patient-family", Kind::FamilyName, 30));
    assert_eq!(kept.row("Patient.name[0].given[1]"), ("patient-given", Kind::GivenName, 20));
    assert_eq!(kept.row("Patient.telecom[0].value").1, Kind::Phone);
    assert_eq!(kept.row("Patient.telecom[1].value").1, Kind::Email);
    assert_eq!(kept.row("Patient.telecom[2].value").1, Kind::Phone);
    assert_eq!(kept.row("Patient.birthDate"), ("patient-birth-date", Kind::BirthDate, 40));
    assert_eq!(kept.row("Patient._birthDate.extension[0].valueDateTime").0, "patient-birth-time");
    assert_eq!(kept.row("Patient.address[0].postalCode"), ("patient-zip", Kind::Zip, 15));
    assert_eq!(kept.row("Patient.address[0].extension[0].extension[0].valueDecimal").1, Kind::Coordinates);
    assert_eq!(kept.row("Patient.address[0].period.start").2, 0);
    assert_eq!(kept.row("Patient.photo[0].data").1, Kind::Photo);
    assert_eq!(kept.reads("Patient.photo[0].data"), "Base64 image/jpeg");
    assert_eq!(
        kept.row("Patient.extension[0].valueString"),
        ("mothers-maiden-name", Kind::MotherMaidenName, 30)
    );
    assert_eq!(kept.row("Patient.extension[1].extension[0].valueCoding.code").1, Kind::Trait);
    assert_eq!(kept.row("Patient.contact[0].name.given[0]"), ("contact-name", Kind::Relative, 50));
    assert_eq!(kept.row("Patient.contact[0].telecom[0].value").1, Kind::Phone);
    assert_eq!(kept.reads("Patient.generalPractitioner[0].display"), "Public");
    assert_eq!(kept.reads("Patient.managingOrganization.display"), "Public");
    assert_eq!(kept.reads("Patient.identifier[3].assigner.display"), "Public");
    assert_eq!(kept.roles, [Role::Patient, Role::RelativeOf(PersonId(0))]);
    assert_eq!(kept.person("Patient.contact[0].telecom[0].value"), PersonId(1));
    assert_eq!(kept.points().get(&PersonId(1)), Some(&90));
    assert!(kept.unknown.is_empty(), "{:?}", kept.unknown);
}

#[test]
fn resources_join_their_patient_and_others_stay_apart() {
    let kept = walked(
        r##"{"resourceType":"Bundle","type":"collection","timestamp":"2024-01-02T03:04:05Z","entry":[
        {"resource":{"resourceType":"Observation","subject":{"reference":"Patient/b"},"valueString":"seen with Ann"}},
        {"fullUrl":"urn:uuid:0001","resource":{"resourceType":"Patient","name":[{"family":"Alpha"}],"identifier":[{"system":"urn:m","value":"77"}]}},
        {"fullUrl":"https://s.example/fhir/Patient/b","resource":{"resourceType":"Patient","id":"b","name":[{"family":"Beta"}]}},
        {"resource":{"resourceType":"Condition","subject":{"reference":"urn:uuid:0001","display":"A. Alpha"}}},
        {"resource":{"resourceType":"Condition","subject":{"identifier":{"system":"urn:m","value":"77"}}}},
        {"resource":{"resourceType":"Procedure","subject":{"reference":"https://s.example/fhir/Patient/b/_history/2"}}},
        {"resource":{"resourceType":"Encounter","subject":{"reference":"Patient/z","display":"Zed Zeta"},"reasonCode":[{"text":"cough"}]}},
        {"resource":{"resourceType":"Coverage","beneficiary":{"reference":"Patient/z"},"subscriberId":"S1"}},
        {"resource":{"resourceType":"MedicationRequest","subject":{"reference":"#p"},"contained":[
           {"resourceType":"Patient","id":"p","name":[{"text":"Pia"}]},{"resourceType":"Medication","id":"m","code":{"text":"aspirin"}}]}},
        {"resource":{"resourceType":"RelatedPerson","patient":{"reference":"Patient/b"},"name":[{"family":"Beta"}],"birthDate":"1950"}},
        {"resource":{"resourceType":"Practitioner","name":[{"family":"Ono"}],"telecom":[{"value":"555"}],"birthDate":"1959-03-11"}},
        {"resource":{"resourceType":"Basic","code":{"text":"whatever"}}}]}"##,
    );
    let at = |entry: usize, rest: &str| kept.person(&format!("Bundle.entry[{entry}].resource.{rest}"));
    let (alpha, beta) = (at(1, "name[0].family"), at(2, "name[0].family"));
    assert_ne!(alpha, beta);
    assert_eq!(at(0, "valueString"), beta);
    assert_eq!(at(3, "subject.display"), alpha);
    assert_eq!(at(4, "subject.identifier.value"), alpha);
    assert_eq!(at(5, "subject.reference"), beta);
    let zeta = at(6, "subject.display");
    assert!(![alpha, beta].contains(&zeta));
    assert_eq!(at(6, "reasonCode[0].text"), zeta);
    assert_eq!(at(7, "subscriberId"), zeta);
    let pia = at(8, "contained[0].name[0].text");
    assert_eq!(at(8, "contained[1].code.text"), pia);
    let relative = at(9, "name[0].family");
    assert_eq!(kept.roles.get(relative.0 as usize), Some(&Role::RelativeOf(beta)));
    assert_eq!(kept.row("Bundle.entry[9].resource.birthDate").2, 5);
    assert_eq!(at(10, "name[0].family"), PersonId::NOBODY);
    assert_eq!(kept.reads("Bundle.entry[10].resource.telecom[0].value"), "Public");
    assert_eq!(kept.row("Bundle.entry[10].resource.name[0].family").0, "provider");
    let other = at(11, "code.text");
    assert!(![alpha, beta, zeta, pia, relative, PersonId::NOBODY].contains(&other));
    assert_eq!(kept.clinical, [beta, alpha, alpha, beta, zeta, pia]);
    assert_eq!(kept.reads("Bundle.timestamp"), "Time");
    assert_eq!(kept.row("Bundle.entry[3].resource.subject.display"), ("subject-display", Kind::FullName, 50));
    assert_eq!(kept.row("Bundle.entry[4].resource.subject.identifier.value").1, Kind::Mrn);
    assert_eq!(
        kept.row("Bundle.entry[0].resource.subject.reference"),
        ("subject-reference", Kind::ResourceId, 5)
    );
}

#[test]
fn another_record_of_a_patient_is_the_patient_s() {
    let kept = walked(
        r#"{"resourceType":"Bundle","type":"collection","entry":[
        {"resource":{"resourceType":"Patient","id":"a","birthDate":"1950-10-08","link":[{"type":"replaces","other":{"reference":"Patient/old","display":"Nadine Kowalczyk"}}]}},
        {"resource":{"resourceType":"Patient","id":"b","birthDate":"1951-10-08","link":[{"type":"seealso","other":{"reference":"Patient/a"}}]}},
        {"resource":{"resourceType":"Condition","subject":{"reference":"https://s.example/fhir/Patient/old/_history/2"}}}]}"#,
    );
    let at = |entry: usize, rest: &str| kept.person(&format!("Bundle.entry[{entry}].resource.{rest}"));
    let a = at(0, "birthDate");
    assert_eq!(at(0, "link[0].other.display"), a);
    assert_eq!(kept.row("Bundle.entry[0].resource.link[0].other.display").2, 50);
    assert_eq!(at(2, "subject.reference"), a);
    // Both are in the document: they are told apart, as any two are.
    assert_ne!(at(1, "birthDate"), a);
}

#[test]
fn references_that_come_again_lead_where_they_did_and_others_do_not() {
    let kept = walked(
        r##"{"resourceType":"Bundle","type":"collection","entry":[
        {"resource":{"resourceType":"Procedure","subject":{"reference":"Patient/z"},"note":[{"text":"one"}]}},
        {"resource":{"resourceType":"Procedure","subject":{"reference":"Patient/z"},"note":[{"text":"two"}]}},
        {"resource":{"resourceType":"Procedure","subject":{"reference":"x/1","type":"Patient"},"note":[{"text":"three"}]}},
        {"resource":{"resourceType":"Procedure","subject":{"reference":"x/1","type":"Group"},"note":[{"text":"four"}]}},
        {"resource":{"resourceType":"Procedure","subject":{"reference":"#p"},"note":[{"text":"five"}],
           "contained":[{"resourceType":"Patient","id":"p"}]}},
        {"resource":{"resourceType":"Procedure","subject":{"reference":"#p"},"note":[{"text":"six"}],
           "contained":[{"resourceType":"Patient","id":"p"}]}}]}"##,
    );
    let whose: Vec<PersonId> =
        (0..6).map(|entry| kept.person(&format!("Bundle.entry[{entry}].resource.note[0].text"))).collect();
    assert_eq!(whose[0], whose[1]);
    let others: std::collections::BTreeSet<_> = whose[1..].iter().copied().collect();
    assert_eq!(others.len(), 5, "{whose:?}");
}

#[test]
fn a_place_is_the_same_whatever_was_told_before() {
    let table = Table::new(&field_table()).unwrap();
    for doc in [
        r#"{"resourceType":"Bundle","link":[{"url":"a"}],"entry":[{"resource":{"resourceType":"Patient","name":[{"given":["b","c"]}],
            "contained":[{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Basic","id":"d"}},{"resource":{"id":"e"}}]}]}},
            {"fullUrl":"f","resource":{"resourceType":"Basic","id":"g","x":{"y":[[1,{"z":2}]]}}}],"total":1}"#,
        r#"[{"resourceType":"Patient","name":[{"family":"a"}]},{"resourceType":"Basic","id":"b"}]"#,
    ] {
        let tape = Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap().by(table.vocabulary());
        let doc = Doc { tape: &tape, table: &table };
        let nodes: Vec<NodeId> = tape.nodes().collect();
        let told = Memo::default();
        for id in nodes.iter().chain(nodes.iter().rev()).chain(nodes.iter().step_by(3)) {
            assert_eq!(place::place(doc, *id, &told), place::place(doc, *id, &Memo::default()));
        }
    }
}

#[test]
fn text_without_a_subject_belongs_to_the_only_patient() {
    let kept = walked(
        r#"{"resourceType":"Bundle","link":[{"relation":"self","url":"https://s.example/Patient?family=Alpha"}],"entry":[
        {"resource":{"resourceType":"Basic","code":{"text":"whatever"}}},
        {"resource":{"resourceType":"Device","serialNumber":"S-9"}},
        {"resource":{"resourceType":"Device","patient":{"reference":"Patient/1"},"serialNumber":"S-9"}},
        {"resource":{"resourceType":"Patient","id":"1","identifier":[{"value":"1"}]}}]}"#,
    );
    assert_eq!(kept.person("Bundle.link[0].url"), PersonId(0));
    assert_eq!(kept.reads("Bundle.link[0].url"), "Query");
    assert_eq!(kept.person("Bundle.entry[0].resource.code.text"), PersonId(0));
    assert_eq!(kept.roles.len(), 1);
    assert!(kept.at("Bundle.entry[1].resource.serialNumber").row.is_none());
    assert_eq!(kept.row("Bundle.entry[2].resource.serialNumber").1, Kind::Device);
    assert_eq!(
        kept.row("Bundle.entry[2].resource.patient.reference"),
        ("subject-reference-number", Kind::Mrn, 60)
    );
}

#[test]
fn look_alikes_read_as_what_they_are() {
    let kept = walked(
        r#"{"resourceType":"Observation","id":"123456789","meta":{"versionId":"3","lastUpdated":"2024-05-06T07:08:09Z",
         "tag":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActReason","code":"HTEST","display":"test health data"}]},
        "status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}],"text":"Rate of J. Doe"},
        "text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
        "performer":[{"reference":"Practitioner/1","display":"Dr Ono"}],"valueQuantity":{"value":72,"unit":"beats/min"},
        "effectiveDateTime":"2024-05-05","component":[{"code":{"text":"Call back number"},"valueString":"608 301 7742"}],
        "note":[{"text":"met her son"}],"extension":[{"url":"http://x.example/ext/nickname","valueString":"Mimi"}]}"#,
    );
    assert_eq!(kept.reads("Observation.id"), "Opaque");
    assert_eq!(kept.reads("Observation.meta.versionId"), "Opaque");
    assert_eq!(kept.reads("Observation.meta.lastUpdated"), "Time");
    assert!(kept.at("Observation.meta.lastUpdated").row.is_none());
    assert_eq!(kept.declared, ["Observation.meta.tag[0].code"]);
    assert_eq!(kept.reads("Observation.code.coding[0].code"), "Code");
    assert_eq!(kept.reads("Observation.code.coding[0].display"), "Code");
    assert_eq!(kept.reads("Observation.code.text"), "Text");
    assert_eq!(kept.at("Observation.code.text").cue, "code");
    assert_eq!(kept.reads("Observation.text.div"), "Xhtml");
    assert_eq!(kept.reads("Observation.performer[0].display"), "Public");
    assert_eq!(kept.row("Observation.performer[0].display").0, "provider-reference");
    assert_eq!(kept.reads("Observation.valueQuantity.value"), "Quantity");
    assert_eq!(kept.reads("Observation.valueQuantity.unit"), "Code");
    assert_eq!(kept.row("Observation.effectiveDateTime").1, Kind::ServiceDate);
    assert_eq!(kept.at("Observation.component[0].valueString").cue, "Call back number");
    assert_eq!(kept.at("Observation.note[0].text").cue, "note");
    assert_eq!(kept.at("Observation.extension[0].valueString").cue, "nickname");
}

#[test]
fn unknown_keys_are_told_shown_as_stars_and_their_values_are_text() {
    let kept = walked(
        r#"{"resourceType":"Patient","smith_john":{"code":"123-45-6789","status":"x","n":212550187},"name":[{"nick name":"Bo"}]}"#,
    );
    assert_eq!(
        kept.unknown,
        [
            ("smith_john".to_owned(), "Patient.*".to_owned()),
            ("n".to_owned(), "Patient.*.*".to_owned()),
            ("nick name".to_owned(), "Patient.name[0].*".to_owned())
        ]
    );
    for leaf in kept.leaves.iter().filter(|leaf| leaf.place.contains('*')) {
        assert_eq!((leaf.reads.as_str(), leaf.person), ("Text", PersonId(0)));
    }
}

#[test]
fn forms_tell_demographics_by_their_labels() {
    let kept = walked(
        r#"{"resourceType":"QuestionnaireResponse","item":[{"linkId":"1","text":"Patient's date of birth","answer":[{"valueDate":"1961-04-12"}]},
        {"linkId":"2","text":"Name of the drug","answer":[{"valueString":"aspirin"}]},
        {"linkId":"g","item":[{"linkId":"last-name","answer":[{"valueString":"Ashdown"}]}]}]}"#,
    );
    assert_eq!(kept.row("QuestionnaireResponse.item[0].answer[0].valueDate").1, Kind::BirthDate);
    assert_eq!(kept.row("QuestionnaireResponse.item[1].answer[0].valueString").1, Kind::FreeText);
    assert_eq!(kept.at("QuestionnaireResponse.item[1].answer[0].valueString").cue, "Name of the drug");
    assert_eq!(kept.row("QuestionnaireResponse.item[2].item[0].answer[0].valueString").1, Kind::FamilyName);
}

#[test]
fn carriers_read_as_what_they_carry() {
    let kept = walked(
        r#"{"resourceType":"Parameters","parameter":[{"name":"ssn","valueString":"212-55-0187"},
        {"name":"p","resource":{"resourceType":"DocumentReference","subject":{"reference":"Patient/9"},
          "content":[{"attachment":{"contentType":"text/plain","data":"AAAA","title":"ASHDOWN_MARA.pdf","url":"https://x.example/a?n=Mara"}}]}},
        {"name":"q","resource":{"resourceType":"AuditEvent","entity":[{"query":"aHR0cA=="}]}},
        {"name":"d","resource":{"resourceType":"Observation","valueSampledData":{"origin":{"value":1},"data":"1 2 E 4"}}}]}"#,
    );
    let text = kept.at("Parameters.parameter[0].valueString");
    assert_eq!(text.reads, "Value");
    assert_eq!(kept.row("Parameters.parameter[0].valueString").1, Kind::Ssn);
    let attachment = "Parameters.parameter[1].resource.content[0].attachment";
    assert_eq!(kept.reads(&format!("{attachment}.data")), "Base64 text/plain");
    assert_eq!(kept.row(&format!("{attachment}.title")).1, Kind::FileName);
    assert_eq!(kept.reads(&format!("{attachment}.url")), "Query");
    assert_eq!(kept.reads("Parameters.parameter[2].resource.entity[0].query"), "Base64 text/x-fhir-query");
    assert_eq!(kept.reads("Parameters.parameter[3].resource.valueSampledData.data"), "Quantity");
}

#[test]
fn animals_are_no_individuals_and_a_person_is_whom_it_links_to() {
    let animal = walked(
        r#"{"resourceType":"Patient","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-animal","extension":[]}],
        "name":[{"family":"Coxington","given":["Kenzi"]}],"birthDate":"2010-03-23","contact":[{"name":{"family":"Cox"}}]}"#,
    );
    assert!(animal.leaves.iter().all(|leaf| leaf.person == PersonId::NOBODY && leaf.row.is_none()));
    assert!(animal.roles.is_empty());
    let provider = walked(
        r#"{"resourceType":"Person","name":[{"family":"Ono"}],"link":[{"target":{"reference":"Practitioner/1"}}]}"#,
    );
    assert_eq!(provider.reads("Person.name[0].family"), "Public");
    let patient = walked(
        r#"{"resourceType":"Person","name":[{"family":"Ash"}],"link":[{"target":{"reference":"Patient/1"}}]}"#,
    );
    assert_eq!(patient.row("Person.name[0].family").2, 30);
    assert_eq!(patient.roles, [Role::Patient]);
}

#[test]
fn two_resource_types_in_one_object_hide_nothing() {
    for doc in [
        r#"{"resourceType":"Organization","resourceType":"Patient","name":[{"family":"Ash"}]}"#,
        r#"{"resourceType":"Patient","name":[{"family":"Ash"}],"resource\u0054ype":"Organization"}"#,
    ] {
        assert_eq!(walked(doc).row("Patient.name[0].family".replace("Patient", &root(doc)).as_str()).2, 30);
    }
    fn root(doc: &str) -> String {
        if doc.starts_with(r#"{"resourceType":"Org"#) { "Organization".into() } else { "Patient".into() }
    }
}

#[test]
fn broken_documents_tell_where_and_never_panic() {
    let doc = r#"{"resourceType":"Patient","id":"p","name":[{"family":"Ash\u00e9","given":["M"]}],"active":true,"x":-1.5e3,
        "contained":[{"resourceType":"Practitioner","id":"é"}],"link":[{"other":{"reference":"\#p"}}]}"#
        .replace("\\#", "#");
    let table = Table::new(&field_table()).unwrap();
    walk(doc.as_bytes(), &table, &mut Keep::default()).unwrap();
    for at in 0..doc.len() {
        let cut = doc.as_bytes().get(..at).unwrap();
        assert!(walk(cut, &table, &mut Keep::default()).is_err(), "cut at {at}");
        for byte in *b"\x00\"\\{}[],:9ue\xff" {
            let mut bad = doc.clone().into_bytes();
            bad[at] = byte;
            let _ = walk(&bad, &table, &mut Keep::default());
        }
    }
    let bomb = format!("{{\"resourceType\":\"Bundle\",\"entry\":{}", "[".repeat(100_000));
    assert_eq!(
        walk(bomb.as_bytes(), &table, &mut Keep::default()),
        Err(WalkError::TooDeep { max: JSON_DEPTH_MAX })
    );
}

#[test]
fn recognises_resources_and_lists_of_them() {
    let recognised = |doc: &str| recognise(&Tape::read(doc.as_bytes(), 8).unwrap());
    assert!(recognised(r#"{"a":1,"resourceType":"Patient"}"#));
    assert!(recognised(r#"[{"resourceType":"Patient"},{"resourceType":"X"}]"#));
    assert!(!recognised(r#"{"resourceType":1}"#) && !recognised("[]") && !recognised("7"));
    assert!(!recognised(r#"{"a":{"resourceType":"Patient"}}"#));
}

#[test]
fn an_object_of_very_many_members_costs_no_square() {
    let table = Table::new(&field_table()).unwrap();
    let members = "\"value\":\"\",\"display\":\"\",".repeat(50_000);
    let doc = format!(r#"{{"resourceType":"Patient","identifier":[{{{members}"x":1}}]}}"#);
    let begun = std::time::Instant::now();
    walk(doc.as_bytes(), &table, &mut Keep::default()).unwrap();
    assert!(begun.elapsed().as_secs() < 20, "a square of this takes minutes");
}

#[test]
fn what_comes_again_is_told_as_if_it_had_not_been_there_before() {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Inspector, Message, RuleSet};
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let found = |resources: &[String]| {
        let entries: Vec<_> = resources.iter().map(|r| format!(r#"{{"resource":{r}}}"#)).collect();
        let body = format!(r#"{{"resourceType":"Bundle","entry":[{}]}}"#, entries.join(","));
        let content_type = "application/fhir+json";
        let message = Message { content_type, body: body.as_bytes(), ..Message::default() };
        let findings = inspector.message(&message).findings;
        let told = |f: &crate::inspect::finding::Finding| {
            (f.rule.to_string(), f.place.clone(), f.points, f.counted, body[f.span.clone()].to_owned())
        };
        findings.iter().map(told).collect::<Vec<_>>()
    };
    let observation = |member: &str| {
        format!(
            r#"{{"resourceType":"Observation","code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4","display":"Heart rate at rest, sitting"}}]}},{member}}}"#
        )
    };
    for member in [
        r#""subject":{"display":"Hannah Okonedo"}"#,
        r##""performer":[{"reference":"#p","display":"Hannah Okonedo"}],"contained":[{"resourceType":"Patient","id":"p"}]"##,
        r#""category":[{"coding":[{"code":"541-72-6638"}],"text":"SSN 541-72-6638"}]"#,
        r#""meta":{"security":[{"system":"x","code":"HTEST"}]},"valueString":"call Hannah Okonedo, 617-432-2291""#,
        r#""component":[{"code":{"text":"MRN"},"valueString":"881203"}]"#,
        r#""unheard":{"of":{"ssn":"541-72-6638"}}"#,
        r#""extension":[{"url":"https://acme.org/patient-mrn","valueString":"881203"}]"#,
        r#""identifier":[{"system":"http://hl7.org/fhir/sid/us-ssn","value":"541-72-6638"}]"#,
    ] {
        let resource = observation(member);
        // Blanks tell the same apart.
        let apart = |blanks: &str| resource.replace("\":", &format!("\":{blanks}"));
        let again = found(&[resource.clone(), resource.clone(), resource.clone()]);
        assert_eq!(again, found(&[resource.clone(), apart(" "), apart("  ")]), "{member}");
        assert!(!again.is_empty(), "{member}");
    }
}
