use super::finding::{Counted, UninspectedReason};
use super::*;
use base64::Engine;
use std::io::Write;

fn inspect(content_type: &str, body: &[u8]) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_type,
        body,
        ..Message::default()
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","name":[{"family":"Okafor","given":["Darnell"]}],
 "birthDate":"1962-06-22","identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"E08738432"}]}"#;

#[test]
fn a_fhir_patient_adds_up_and_two_do_not() {
    let one = inspect("application/fhir+json", PATIENT.as_bytes());
    assert_eq!(one.points().0, 150); // name 50, birth date 40, record number 60
    let bundle = r#"{"resourceType":"Bundle","entry":[
        {"resource":{"resourceType":"Patient","id":"a","name":[{"family":"Okafor"}]}},
        {"resource":{"resourceType":"Patient","id":"b","birthDate":"1962-06-22"}}]}"#;
    let two = inspect("application/fhir+json", bundle.as_bytes());
    assert_eq!(two.points().0, 40, "{:?}", two.persons);
    assert_eq!(two.persons.len(), 2);
}

#[test]
fn an_hl7v2_patient_adds_up() {
    let adt =
        "MSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\rPID|1||E08738432^^^H^MR||OKAFOR^DARNELL||19620622|M\r";
    assert_eq!(inspect("x-application/hl7-v2+er7", adt.as_bytes()).points().0, 155);
}

#[test]
fn one_dummy_clears_itself_and_all_dummies_clear_the_person() {
    let person = |ssn: &str, mrn: &str| {
        format!(
            r#"{{"resourceType":"Patient","name":[{{"family":"Okafor","given":["Darnell"]}}],"birthDate":"1962-06-22",
            "identifier":[{{"type":{{"coding":[{{"code":"SS"}}]}},"value":"{ssn}"}},{{"type":{{"coding":[{{"code":"MR"}}]}},"value":"{mrn}"}}]}}"#
        )
    };
    let mixed = inspect("application/fhir+json", person("000-12-3456", "E08738432").as_bytes());
    assert_eq!(mixed.points().0, 150);
    let dummies = inspect("application/fhir+json", person("000-12-3456", "TEST-0001").as_bytes());
    assert_eq!(
        dummies.points().0,
        0,
        "{:?}",
        dummies.findings.iter().map(|f| (f.kind, f.points, f.counted)).collect::<Vec<_>>()
    );
    assert!(dummies.findings.iter().any(|f| f.counted == Counted::MadeUp(finding::MadeUp::ValueBorne)));
}

#[test]
fn carriers_are_entered() {
    let note = "Patient: Darnell Okafor  DOB: 06/22/1962  MRN: E08738432 admitted with dyspnea";
    let doc = |data: String| {
        format!(
            r#"{{"resourceType":"DocumentReference","status":"current","content":[{{"attachment":{{"contentType":"text/plain","data":"{data}"}}}}]}}"#
        )
    };
    let engine = base64::engine::general_purpose::STANDARD;
    let plain = inspect("application/fhir+json", doc(engine.encode(note)).as_bytes());
    assert!(plain.points().0 >= 90, "{}", plain.points());
    let packed = inspect("application/fhir+json", doc(engine.encode(gzip(note.as_bytes()))).as_bytes());
    assert!(packed.points().0 >= 90);
    let whole = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_type: "application/fhir+json",
        content_encoding: "gzip",
        body: &gzip(PATIENT.as_bytes()),
        ..Message::default()
    });
    assert_eq!(whole.points().0, 150);
}

#[test]
fn what_cannot_be_read_is_said() {
    let reasons = |f: &Findings| f.uninspected.iter().map(|u| u.reason).collect::<Vec<_>>();
    assert_eq!(reasons(&inspect("application/json", b"{\"a\": ")), [UninspectedReason::Malformed]);
    assert_eq!(reasons(&inspect("text/xml", b"<a/>")), [UninspectedReason::NoWalker]);
    assert_eq!(reasons(&inspect("image/png", b"\x89PNG\r\n\x1a\n\0\0")), [UninspectedReason::OpaqueType]);
    assert_eq!(
        reasons(&inspect("application/json", &gzip(PATIENT.as_bytes())[..40])),
        [UninspectedReason::BrokenEncoding]
    );
    let br = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_encoding: "br",
        body: b"xx",
        ..Message::default()
    });
    assert_eq!(reasons(&br), [UninspectedReason::Encoding]);
    assert_eq!(reasons(&inspect("", b"")), []);
}

#[test]
fn malformed_json_is_still_scanned() {
    let found = inspect("application/json", br#"{"ssn": "412-21-3456", "mrn": "#);
    assert!(found.points().0 >= 60);
}

#[test]
fn form_bodies_are_read_by_key_names() {
    let found = inspect(
        "application/x-www-form-urlencoded",
        b"firstName=Olga&lastName=Nguyen&phone=%28915%29+927-8377&mrn=6524841&reason=new+patient",
    );
    assert!(found.points().0 >= 150, "{}", found.points());
}

#[test]
fn people_of_a_text_are_paragraphs() {
    let text = "Patient: Darnell Okafor, seen today.\n\nPatient: Olga Nguyen, DOB 06/22/1962.\n\nDarnell Okafor called (915) 927-8377 back.";
    let found = inspect("text/plain", text.as_bytes());
    assert_eq!(found.persons.len(), 2, "{:?}", found.persons);
}
