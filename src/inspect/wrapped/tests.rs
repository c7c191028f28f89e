use crate::inspect::decode::Budget;
use crate::inspect::{Findings, Inspector, Message, RuleSet};

fn inspect(body: &str) -> Findings {
    let message = Message { content_type: "application/json", body: body.as_bytes(), ..Message::default() };
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message)
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"1","name":[{"family":"Halvorsen","given":["Rosalind"]}],"birthDate":"1971-04-02"}"#;
const OBSERVATION: &str = r#"{"resourceType":"Observation","code":{"text":"HIV Ab"},"subject":{"reference":"Patient/1","display":"Halvorsen, Rosalind"}}"#;
const DICOM: &str = r#"{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Halvorsen^Rosalind"}]},"00100020":{"vr":"LO","Value":["8834127"]},"00100030":{"vr":"DA","Value":["19710402"]}}"#;
const REDOX: &str = r#"{"Meta":{"DataModel":"PatientAdmin","EventType":"Arrival"},"Patient":{"Identifiers":[{"ID":"E08738432","IDType":"MR"}],"Demographics":{"FirstName":"Rosalind","LastName":"Halvorsen","DOB":"1971-04-02"}}}"#;

/// What messaging puts around a document.
fn envelopes(inner: &str) -> [String; 4] {
    [
        format!(r#"{{"specversion":"1.0","type":"made","source":"/a","id":"9","data":{inner}}}"#),
        format!(r#"{{"detail-type":"made","detail":{inner}}}"#),
        format!(r#"{{"records":[{{"key":null,"value":{inner}}}]}}"#),
        format!(r#"{{"resource":{inner}}}"#),
    ]
}

#[test]
fn documents_in_an_envelope_are_judged_as_they_are_by_themselves() {
    for inner in [PATIENT, OBSERVATION, DICOM, REDOX] {
        let bare = inspect(inner);
        for body in envelopes(inner) {
            let found = inspect(&body);
            assert_eq!(found.points(), bare.points(), "{body}");
            let clinical = |found: &Findings| found.persons.iter().any(|person| person.clinical);
            assert_eq!(clinical(&found), clinical(&bare), "{body}");
            let rules = |found: &Findings| found.findings.iter().map(|f| f.rule.clone()).collect::<Vec<_>>();
            assert_eq!(rules(&found), rules(&bare), "{body}");
        }
    }
    let body = envelopes(PATIENT)[2].clone();
    let found = inspect(&body);
    let family = found.findings.iter().find(|f| &*f.rule == "fhir-r4.patient-family").expect("a row of FHIR");
    assert_eq!(
        (body.get(family.span.clone()), &*family.place),
        (Some("Halvorsen"), "Patient.name[0].family")
    );
}

#[test]
fn a_provider_in_an_envelope_is_no_patient() {
    let provider = r#"{"resourceType":"Practitioner","name":[{"family":"Halvorsen","given":["Rosalind"]}],"birthDate":"1971-04-02","telecom":[{"system":"phone","value":"612-377-4419"}]}"#;
    for body in envelopes(provider) {
        assert_eq!(inspect(&body).points().0, 0, "{body}");
    }
}

#[test]
fn resources_of_one_envelope_lead_to_each_other_and_the_envelope_to_their_patient() {
    let body = format!(r#"{{"patient":{PATIENT},"results":[{OBSERVATION}],"memberId":"W8834127"}}"#);
    let found = inspect(&body);
    assert_eq!(found.persons.len(), 1, "{:?}", found.persons);
    assert!(found.persons[0].clinical && found.points().0 >= 150, "{:?}", found.persons);
    // Of two patients the envelope's is neither.
    let two = PATIENT.replace("\"1\"", "\"2\"").replace("Halvorsen", "Okafor");
    let found = inspect(&format!(r#"{{"batch":[{PATIENT},{two}],"memberId":"W8834127"}}"#));
    assert_eq!((found.points().0, found.persons.len()), (90, 3), "{:?}", found.persons);
}

#[test]
fn what_is_only_called_a_resource_is_judged_by_its_keys() {
    let own = r#""firstName":"Rosalind","lastName":"Halvorsen","dateOfBirth":"1971-04-02","mrn":"QX7719204""#;
    let plain = inspect(&format!(r#"{{"data":{{{own}}}}}"#));
    let called = inspect(&format!(r#"{{"data":{{"resourceType":"Patient",{own}}}}}"#));
    assert!(plain.points().0 >= 150);
    assert_eq!(plain.points(), called.points());
}

#[test]
fn answers_to_graphql_say_the_type_by_the_field() {
    let patient =
        r#"{"id":"1","name":[{"family":"Halvorsen","given":["Rosalind"]}],"birthDate":"1971-04-02"}"#;
    let provider = patient.replace("1971", "1972");
    for body in [
        format!(r#"{{"data":{{"PatientList":[{patient}]}}}}"#),
        format!(r#"{{"data":{{"Patient":{patient},"PractitionerList":[{provider}]}},"errors":[]}}"#),
        format!(r#"{{"data":{{"PatientConnection":{{"count":1,"edges":[{{"resource":{patient}}}]}}}}}}"#),
    ] {
        let found = inspect(&body);
        assert_eq!(found.points().0, 90, "{body}");
        let birth = found.findings.iter().find(|f| &*f.rule == "fhir-r4.patient-birth-date").expect("one");
        assert_eq!(body.get(birth.span.clone()), Some("1971-04-02"));
    }
}

#[test]
fn data_sets_are_known_by_keyword_and_in_xml_too() {
    let bare = inspect(DICOM).points();
    let words = DICOM
        .replace("00100010", "PatientName")
        .replace("00100020", "PatientID")
        .replace("00100030", "PatientBirthDate");
    assert_eq!(inspect(&words).points(), bare);
    let xml = r#"<?xml version="1.0"?><NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM">
        <DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1"><Alphabetic><FamilyName>Halvorsen</FamilyName><GivenName>Rosalind</GivenName></Alphabetic></PersonName></DicomAttribute>
        <DicomAttribute tag="00100020" vr="LO" keyword="PatientID"><Value number="1">8834127</Value></DicomAttribute>
        <DicomAttribute tag="00100030" vr="DA" keyword="PatientBirthDate"><Value number="1">19710402</Value></DicomAttribute>
        <DicomAttribute tag="00101002" vr="SQ" keyword="OtherPatientIDsSequence"><Item number="1"><DicomAttribute tag="00100020" vr="LO" keyword="PatientID"><Value number="1">W&#51;33</Value></DicomAttribute></Item></DicomAttribute>
        <DicomAttribute tag="00080090" vr="PN" keyword="ReferringPhysicianName"><PersonName number="1"><Alphabetic><FamilyName>Iyer</FamilyName></Alphabetic></PersonName></DicomAttribute>
        </NativeDicomModel>"#;
    let message =
        Message { content_type: "application/dicom+xml", body: xml.as_bytes(), ..Message::default() };
    let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message);
    let of = |rule: &str| {
        let spans = found.findings.iter().filter(|f| &*f.rule == rule).map(|f| f.span.clone());
        spans.map(|span| xml.get(span).unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(of("dicom.name"), ["Halvorsen", "Rosalind"]);
    assert_eq!((of("dicom.id"), of("dicom.birth-date")), (vec!["8834127"], vec!["19710402"]));
    assert_eq!(of("dicom.other-id"), ["W&#51;33"]);
    assert!(found.points() >= bare && found.persons.len() == 1, "{:?}", found.persons);
    assert!(found.uninspected.is_empty());
}
