//! Messages by hand, as the profiles' examples have them, against a slow reference, and against the published field map.

use super::*;
use crate::inspect::field::FieldTable;
use crate::inspect::walk::named::reference::{Keep, rows_are_carried_out, shared, values};
use crate::inspect::walk::xml::{XML_DEPTH_MAX, unescape};
use crate::inspect::walk::{PersonId, Role};

fn rows() -> FieldTable {
    FieldTable::parse(include_str!("../../../../config/fields/xds-xcpd.toml")).unwrap()
}

/// What is told of a message; all of it, and each value where it stands.
fn walked(doc: &str) -> Keep {
    let table = Table::new(&rows()).unwrap();
    let tape = Tape::read(doc.as_bytes(), XML_DEPTH_MAX).unwrap();
    assert!(recognise(&tape));
    let mut keep = Keep::default();
    walk_tape(&tape, &table, &mut keep);
    for leaf in &keep.leaves {
        assert_eq!(unescape(doc.get(leaf.span.clone()).unwrap()), leaf.value);
    }
    keep
}

const QUERY: &str = r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header><a:MessageID
  xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:1</a:MessageID><w:Security xmlns:w="http://docs.oasis-open.org/wss">
  <saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Attribute Name="urn:oasis:names:tc:xspa:1.0:subject:subject-id">
    <saml:AttributeValue>Dr Walter Brown</saml:AttributeValue></saml:Attribute><saml:Attribute
    Name="urn:oasis:names:tc:xacml:2.0:resource:resource-id"><saml:AttributeValue>R55^^^&amp;1.2.3&amp;ISO</saml:AttributeValue>
  </saml:Attribute></saml:Assertion></w:Security></s:Header><s:Body>
  <PRPA_IN201305UV02 xmlns="urn:hl7-org:v3" ITSVersion="XML_1.0"><id root="1.2.840" extension="CTL-7"/><creationTime value="20240102030405"/>
  <processingCode code="T"/><sender typeCode="SND"><device><telecom value="http://sender.example"/><id root="1.2" extension="dev"/></device></sender>
  <controlActProcess><queryByParameter><queryId root="1.2" extension="Q9"/><parameterList>
   <livingSubjectAdministrativeGender><value code="M"/><semanticsText>LivingSubject.administrativeGender</semanticsText></livingSubjectAdministrativeGender>
   <livingSubjectBirthTime><value value="19630804"/></livingSubjectBirthTime>
   <livingSubjectId><value root="2.16.840.1.113883.4.1" extension="412550187"/></livingSubjectId>
   <livingSubjectId><value root="1.2.840.114350" extension="34827G409"/></livingSubjectId>
   <livingSubjectName><value><given>Jim</given><family>Jones</family></value></livingSubjectName>
   <patientAddress><value><streetAddressLine>3443 South Beach Ave</streetAddressLine><city>Columbus</city><postalCode>43215</postalCode></value></patientAddress>
   <patientTelecom><value value="tel:+1-614-555-7742"/></patientTelecom><patientTelecom><value value="mailto:j@jones.net"/></patientTelecom>
   <mothersMaidenName><value><family>Quill</family></value></mothersMaidenName>
  </parameterList></queryByParameter></controlActProcess></PRPA_IN201305UV02></s:Body></s:Envelope>"#;

#[test]
fn a_query_is_about_one_person() {
    let kept = walked(QUERY);
    let person = kept.of("Jim").person;
    for (value, row) in [
        ("M", "query-gender"),
        ("19630804", "query-birth-date"),
        ("412550187", "query-id-ssn"),
        ("34827G409", "query-id"),
        ("Jones", "query-name-family"),
        ("3443 South Beach Ave", "query-address-street"),
        ("43215", "query-address-zip"),
        ("+1-614-555-7742", "query-telecom"),
        ("j@jones.net", "query-telecom-email"),
        ("Quill", "query-maiden"),
        ("R55", "resource-id"),
    ] {
        assert_eq!(kept.row(value), (row, person), "{value}");
    }
    assert_eq!(kept.roles, [Role::Patient]);
    assert_eq!(
        (kept.row("Dr Walter Brown").0, kept.of("Dr Walter Brown").reads.as_str()),
        ("security", "Value")
    );
    assert_eq!(kept.of("CTL-7").reads, "Opaque");
    assert_eq!(kept.of("dev").person, PersonId::NOBODY);
    assert_eq!(kept.declared.first().map(|d| d.0), Some(Declared::Test));
    assert_eq!(
        kept.of("Jones").place,
        "Envelope.Body.PRPA_IN201305UV02.controlActProcess.queryByParameter.parameterList.livingSubjectName.value.family"
    );
    assert_eq!(
        kept.of("412550187").place,
        "Envelope.Body.PRPA_IN201305UV02.controlActProcess.queryByParameter.parameterList.livingSubjectId[0].value.@extension"
    );
    let pix = walked(
        r#"<PRPA_IN201309UV02 xmlns="urn:hl7-org:v3"><patientIdentifier><value root="1.2" extension="X1"/></patientIdentifier></PRPA_IN201309UV02>"#,
    );
    assert_eq!(pix.row("X1").0, "pix-id");
}

#[test]
fn each_subject_of_an_answer_is_a_person() {
    let subject = |id: &str, family: &str| {
        format!(
            r#"<subject><registrationEvent><subject1><patient><id root="1.2" extension="{id}"/><patientPerson><name><family>{family}</family></name>
            <telecom value="tel:614555{id}"/><administrativeGenderCode code="F"/><birthTime value="19500101"/><addr><city>Lodi</city></addr>
            <asOtherIDs><id root="2.16.840.1.113883.4.1" extension="S{id}"/><scopingOrganization><id root="9" extension="org{id}"/></scopingOrganization></asOtherIDs>
            <personalRelationship><relationshipHolder1><name><given>Kid{id}</given></name></relationshipHolder1></personalRelationship>
            </patientPerson><providerOrganization><name>Clinic {id}</name></providerOrganization></patient></subject1></registrationEvent></subject>"#
        )
    };
    let doc = format!(
        "<PRPA_IN201306UV02 xmlns='urn:hl7-org:v3'><processingCode code='P'/>{}{}</PRPA_IN201306UV02>",
        subject("7001", "Alpha"),
        subject("7002", "Beta")
    );
    let kept = walked(&doc);
    let (alpha, beta) = (kept.of("Alpha").person, kept.of("Beta").person);
    assert_ne!(alpha, beta);
    for (id, person) in [("7001", alpha), ("7002", beta)] {
        assert_eq!(kept.row(id), ("patient-id", person));
        assert_eq!(kept.row(&format!("S{id}")), ("patient-id-ssn", person));
        assert_eq!(kept.row(&format!("614555{id}")), ("person-telecom", person));
        let kid = kept.of(&format!("Kid{id}")).person;
        assert_eq!(kept.roles.get(kid.0 as usize), Some(&Role::RelativeOf(person)));
        assert_eq!(kept.of(&format!("org{id}")).person, PersonId::NOBODY);
        assert_eq!(kept.of(&format!("Clinic {id}")).reads, "Public");
    }
    assert_eq!(kept.declared.first().map(|d| d.0), Some(Declared::Production));
}

#[test]
fn directories_of_care_services_are_nobodys() {
    let kept = walked(
        r#"<CSD xmlns="urn:ihe:iti:csd:2013"><providerDirectory><provider entityID="urn:uuid:1"><demographic><name><surname>Hensley</surname></name>
        <contactPoint><codedType code="BP">218-786-4411</codedType></contactPoint><dateOfBirth>1971-05-09</dateOfBirth></demographic></provider></providerDirectory></CSD>"#,
    );
    for value in ["Hensley", "218-786-4411", "1971-05-09"] {
        assert_eq!(
            (kept.of(value).person, kept.of(value).reads.as_str()),
            (PersonId::NOBODY, "Public"),
            "{value}"
        );
    }
}

const SUBMISSION: &str = r#"<xdsb:ProvideAndRegisterDocumentSetRequest xmlns:xdsb="urn:ihe:iti:xds-b:2007"><lcm:SubmitObjectsRequest
 xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"><rim:RegistryObjectList xmlns:rim="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">
 <rim:ExtrinsicObject id="Doc1" mimeType="text/xml" objectType="urn:uuid:7edca82f"><rim:Slot name="creationTime"><rim:ValueList><rim:Value>20051224</rim:Value></rim:ValueList></rim:Slot>
  <rim:Slot name="sourcePatientId"><rim:ValueList><rim:Value>ST-1000^^^&amp;1.3.6.1.4.1&amp;ISO</rim:Value></rim:ValueList></rim:Slot>
  <rim:Slot name="sourcePatientInfo"><rim:ValueList><rim:Value>PID-3|ST-1000^^^&amp;1.3.6.1.4.1&amp;ISO~412550187^^^&amp;2.16.840.1.113883.4.1&amp;ISO</rim:Value>
   <rim:Value>PID-5|Doe&amp;Roe^John^^^</rim:Value><rim:Value>PID-7|19560527</rim:Value><rim:Value>PID-8|M</rim:Value>
   <rim:Value>PID-11|100 Main St^^Metropolis^Il^44130^USA</rim:Value></rim:ValueList></rim:Slot>
  <rim:Name><rim:LocalizedString value="Physical of John"/></rim:Name>
  <rim:Classification classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"><rim:Slot name="authorPerson"><rim:ValueList><rim:Value>^Dopplemeyer^Sherry</rim:Value></rim:ValueList></rim:Slot></rim:Classification>
  <rim:Classification classificationScheme="urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d"><rim:Slot name="authorPerson"><rim:ValueList><rim:Value>^Doe^Johnny</rim:Value></rim:ValueList></rim:Slot>
   <rim:Slot name="authorRole"><rim:ValueList><rim:Value>Patient</rim:Value></rim:ValueList></rim:Slot></rim:Classification>
  <rim:Classification classificationScheme="urn:uuid:f0306f51-975f-434e-a61c-c59651d33983" nodeRepresentation="34133-9"><rim:Name><rim:LocalizedString value="Summary"/></rim:Name></rim:Classification>
  <rim:ExternalIdentifier identificationScheme="urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427" value="SELF-5^^^&amp;1.3.6&amp;ISO"><rim:Name><rim:LocalizedString value="XDSDocumentEntry.patientId"/></rim:Name></rim:ExternalIdentifier>
  <rim:ExternalIdentifier identificationScheme="urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab" value="1.42.20"/>
 </rim:ExtrinsicObject></rim:RegistryObjectList></lcm:SubmitObjectsRequest><xdsb:Document id="Doc1">PENsaW5pY2FsRG9jdW1lbnQvPg==</xdsb:Document></xdsb:ProvideAndRegisterDocumentSetRequest>"#;

#[test]
fn a_document_entry_tells_of_its_patient() {
    let kept = walked(SUBMISSION);
    let person = kept.of("John").person;
    for (value, row) in [
        ("20051224", "service-time"),
        ("ST-1000", "source-patient-id"),
        ("412550187", "pid-3-ssn"),
        ("Doe&Roe", "pid-5-family"),
        ("John", "pid-5-given"),
        ("19560527", "pid-7"),
        ("M", "pid-8"),
        ("100 Main St", "pid-11"),
        ("Metropolis", "pid-11-city"),
        ("44130", "pid-11-zip"),
        ("Physical of John", "title"),
        ("^Doe^Johnny", "patient-author"),
        ("SELF-5", "affinity-id"),
    ] {
        assert_eq!(kept.row(value), (row, person), "{value}");
    }
    let ids: Vec<_> = kept.leaves.iter().filter(|leaf| leaf.value == "ST-1000").collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids.last().and_then(|leaf| leaf.row.clone()).map(|row| row.0), Some("xds.pid-3".to_owned()));
    assert_eq!(kept.of("^Dopplemeyer^Sherry").person, PersonId::NOBODY);
    assert_eq!(kept.of("Summary").reads, "Code");
    assert_eq!(kept.of("1.42.20").reads, "Opaque");
    assert_eq!(kept.of("XDSDocumentEntry.patientId").reads, "Code");
    assert_eq!(kept.of("PENsaW5pY2FsRG9jdW1lbnQvPg==").reads, "Base64 text/xml");
    assert!(kept.clinical.contains(&person));
}

#[test]
fn stored_queries_carry_the_id() {
    let kept = walked(
        r#"<query:AdhocQueryRequest xmlns:query="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"><AdhocQuery id="urn:uuid:14d4"><Slot
        name="$XDSDocumentEntryPatientId"><ValueList><Value>'st3498702^^^&amp;1.3.6.1&amp;ISO'</Value></ValueList></Slot><Slot name="$Odd">
        <ValueList><Value>('x')</Value></ValueList></Slot></AdhocQuery></query:AdhocQueryRequest>"#,
    );
    assert_eq!(kept.row("st3498702").0, "query-patient-id");
    assert_eq!(kept.of("('x')").reads, "Text");
}

#[test]
fn nothing_stays_untold() {
    for doc in [QUERY, SUBMISSION] {
        let mut known: Vec<String> = walked(doc).leaves.into_iter().map(|leaf| leaf.value).collect();
        for value in values(doc) {
            let told = known.iter().position(|known| *known == value);
            // Parts of HL7 v2 values come one by one.
            let in_parts = || value.split(['|', '^', '~', ':']).any(|part| known.contains(&part.to_owned()));
            match told {
                Some(at) => drop(known.swap_remove(at)),
                None => assert!(value.contains(['|', '^', ':']) && in_parts(), "{value}"),
            }
        }
    }
}

#[test]
fn other_envelopes_are_not_taken() {
    let known = |doc: &str| recognise(&Tape::read(doc.as_bytes(), XML_DEPTH_MAX).unwrap());
    assert!(!known("<Envelope><Body><GetPatient xmlns='urn:x'/></Body></Envelope>"));
    assert!(!known("<ClinicalDocument xmlns='urn:hl7-org:v3'/>"));
    assert!(known(
        "<Envelope><Body><x:RetrieveDocumentSetRequest xmlns:x='urn:ihe:iti:xds-b:2007'/></Body></Envelope>"
    ));
}

#[test]
fn every_row_of_the_field_map_is_carried_out() {
    let Some(shared) = shared("the field map") else { return };
    rows_are_carried_out(&shared, "xds-xcpd", &rows().field, |_| true);
}
