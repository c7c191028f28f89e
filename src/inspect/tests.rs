use super::finding::{Counted, UninspectedReason};
use super::kind::Kind;
use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
fn spans_of_a_document_in_xml_are_of_its_bytes_with_references_and_without() {
    let document = |head: &str, street: &str, note: &str| {
        format!(
            r#"{head}<ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id root="1.2.3" extension="E08738432"/><addr><streetAddressLine>{street}</streetAddressLine></addr></patientRole></recordTarget><component><section><title>Plan</title><text>{note}</text></section></component></ClinicalDocument>"#
        )
    };
    let note = "Patient: Darnell Okafor, DOB 06/22/1962";
    let latin1 = r#"<?xml version="1.0" encoding="ISO-8859-1"?>"#;
    for (head, street, before) in [
        ("", "3733 Peachtree Pl", ""),
        ("", "3733 Peachtree &amp; Pl", "A &lt; B. "),
        ("", "3733 Pêachtree Pl", "é. "),
        (latin1, "3733 Pêachtree Pl", "é. "),
        (latin1, "3733 Peachtree Pl", "&#233; é. "),
    ] {
        let text = document(head, street, &format!("{before}{note}"));
        let bytes: Vec<u8> = match head {
            "" => text.into_bytes(),
            _ => text.chars().map(|c| u8::try_from(u32::from(c)).expect("of Latin-1")).collect(),
        };
        let found = inspect("text/xml", &bytes);
        let raw = |kind: Kind| {
            let of: Vec<_> = found.findings.iter().filter(|f| f.kind == kind).collect();
            of.iter().map(|f| score::latin1(&bytes[f.span.clone()]).0).collect::<Vec<String>>()
        };
        let as_sent = |text: &str| match head {
            "" => score::latin1(text.as_bytes()).0,
            _ => text.to_owned(),
        };
        assert_eq!(raw(Kind::Street), [as_sent(street)], "{head} {before}");
        assert_eq!(raw(Kind::FullName), ["Darnell Okafor"], "{head} {before}");
        assert_eq!(raw(Kind::BirthDate), ["06/22/1962"], "{head} {before}");
    }
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
    assert_eq!(reasons(&inspect("text/xml", b"<a>")), [UninspectedReason::Malformed]);
    assert_eq!(reasons(&inspect("image/png", b"\x89PNG\r\n\x1a\n\0\0")), [UninspectedReason::OpaqueType]);
    assert_eq!(
        reasons(&inspect("application/json", &gzip(PATIENT.as_bytes())[..40])),
        [UninspectedReason::BrokenEncoding]
    );
    let br = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_encoding: "compress",
        body: b"xx",
        ..Message::default()
    });
    assert_eq!(reasons(&br), [UninspectedReason::Encoding]);
    assert_eq!(reasons(&inspect("", b"")), []);
    // `SSN 412-21-3456` in UTF-7, and a part and a carrier that say so of themselves.
    assert_eq!(
        reasons(&inspect("text/plain; charset=UTF-7", b"+AFMAUwBO 412+AC0-21+AC0-3456")),
        [UninspectedReason::Charset]
    );
    let part = b"--x\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+AFMAUwBO\r\n--x--\r\n";
    assert_eq!(reasons(&inspect("multipart/mixed; boundary=x", part)), [UninspectedReason::Charset]);
    let carrier = br#"{"resourceType":"DocumentReference","content":[{"attachment":{
        "contentType":"text/plain; charset=utf-7","data":"K0FGTUFVd0JP"}}]}"#;
    assert_eq!(reasons(&inspect("application/fhir+json", carrier)), [UninspectedReason::Charset]);
}

#[test]
fn a_picture_of_nobody_is_passed_over_and_any_other_is_told() {
    let picture = STANDARD.encode([b"\xFF\xD8\xFF\xE0\0\x10JFIF\0".as_slice(), &[7; 64]].concat());
    let pdf = STANDARD.encode(b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n1 0 obj\n");
    let photo = |kind: &str, data: &str| {
        let body = format!(
            r#"{{"resourceType":"{kind}","photo":[{{"contentType":"image/jpeg","data":"{data}"}}]}}"#
        );
        !inspect("application/fhir+json", body.as_bytes()).uninspected.is_empty()
    };
    assert!(!photo("Practitioner", &picture) && photo("Practitioner", &pdf));
    assert!(photo("Patient", &picture) && photo("Person", &picture));
    let binary = format!(r#"{{"resourceType":"Binary","contentType":"image/jpeg","data":"{picture}"}}"#);
    assert!(!inspect("application/fhir+json", binary.as_bytes()).uninspected.is_empty());
}

#[test]
fn a_header_that_breaks_off_in_its_separators_leaves_nothing_unread() {
    for (body, read) in [("MSH|^~", true), ("MSH", true), ("MSH|^~\\&", true), ("MSH|^^\\&|A|B", false)] {
        let found = inspect("application/hl7-v2", body.as_bytes());
        assert_eq!(found.uninspected.is_empty(), read, "{body}");
    }
    assert_eq!(inspect("application/hl7-v2", b"MSH1234").format, Format::Hl7v2);
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

#[test]
fn entries_of_a_log_are_people_of_their_own() {
    let log = "2024-05-01T10:00:00Z WARN no match for Harold Brown ssn=412-21-3456\n\
               2024-05-01T10:00:01Z WARN no match for Denise Castillo dob=03/04/1951\n\
               2024-05-01T10:00:02Z INFO took 12 ms\n";
    let findings = inspect("text/plain", log.as_bytes());
    let points: Vec<u16> = findings.persons.iter().map(|p| p.points.0).collect();
    assert_eq!(points, [150, 90], "{:?}", findings.findings);
    assert_eq!(findings.findings.last().map(|f| f.place.as_str()), Some("line 2"));
}

#[test]
fn a_person_known_from_text_alone_is_judged_by_the_text() {
    let json = |ssn: &str| {
        let body =
            format!(r#"{{"level":"ERROR","msg":"No match for Harold Brown ssn={ssn} dob=1975-04-12"}}"#);
        inspect("application/json", body.as_bytes()).points().0
    };
    assert_eq!(json("000-27-9931"), 0);
    assert_eq!(json("412-21-3456"), 190);
    // Beside a patient's fields a text may speak of somebody else.
    let both = r#"{"patient":{"ssn":"000-27-9931"},"note":"sister Denise Castillo, SSN 412-21-3456"}"#;
    assert!(inspect("application/json", both.as_bytes()).points().0 >= 100);
}

#[test]
fn a_number_in_a_text_that_spells_test_stands_by_itself_and_zeros_do_not() {
    let points = |number: &str| {
        let line =
            format!("cannot parse segment PID|1||{number}^^^MGH^MR||Okafor^Darnell||19810801|F at offset 1");
        inspect("text/plain", line.as_bytes()).points().0
    };
    assert_eq!(points("TEST-0033"), 0);
    assert_eq!(points("00000000"), 90);
    assert_eq!(points("83793294"), 150);
}

#[test]
fn displays_of_codes_name_nobody() {
    let coding = |display: &str| {
        let body = format!(
            r#"{{"resourceType":"Condition","subject":{{"reference":"Patient/1"}},
            "code":{{"coding":[{{"system":"http://snomed.info/sct","code":"1","display":"{display}"}}]}}}}"#
        );
        let findings = inspect("application/fhir+json", body.as_bytes());
        findings.findings.iter().filter(|f| f.kind == Kind::FullName).count()
    };
    assert_eq!(coding("Marcus Gunn pupil"), 0);
}

#[test]
fn weights_of_text_block_one_patient_and_pass_guidelines() {
    let points = |text: &str| inspect("text/plain", text.as_bytes()).points().0;
    let clinical = |text: &str| inspect("text/plain", text.as_bytes()).persons.iter().any(|p| p.clinical);
    let question = "Treatment of a 34-year-old female with lupus, Anna S., seen at Methodist Hospital on April 12, 2023?";
    assert!(points(question) >= 50 && clinical(question));
    let guideline = "Parkinson's disease and Lewy body dementia differ. Use the Wells score before D-dimer. Mayo Clinic \
                     guideline of March 2021, authors: Robert Johnson, MD; Maria Gonzalez, PhD.";
    assert!(points(guideline) < 50);
}

#[test]
fn a_document_inside_a_string_is_walked_and_its_spans_lead_to_where_it_stands() {
    let inner = r#"{"patient": {"firstName": "Carlos", "lastName": "Núñez", "ssn": "272-03-8562"}}"#;
    let outer = serde_json::json!({"eventId": "7", "payload": inner}).to_string();
    // Twice inside: a string in a string.
    let twice = serde_json::json!({"event": outer}).to_string();
    for body in [&outer, &twice] {
        let found = inspect("application/json", body.as_bytes());
        assert!(found.points().0 >= 150, "{}", found.points());
        let spans: Vec<&str> =
            found.findings.iter().filter(|f| f.kind == Kind::Ssn).map(|f| &body[f.span.clone()]).collect();
        assert_eq!(spans, ["272-03-8562"]);
        let name = found.findings.iter().find(|f| f.kind == Kind::FamilyName).expect("a name");
        assert!(body[name.span.clone()].ends_with("ez"), "the escape is led back");
        assert!(name.place.starts_with("$.* > $"), "{}", name.place);
    }
    let hl7 =
        "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|P|2.5\rPID|1||E08738432^^^H^MR||OKAFOR^DARNELL||19620622";
    let body = serde_json::json!({"message": hl7}).to_string();
    let found = inspect("application/json", body.as_bytes());
    assert!(found.points().0 >= 150);
    let number = found.findings.iter().find(|f| f.kind == Kind::Mrn).expect("a number");
    assert_eq!(&body[number.span.clone()], "E08738432");
}

#[test]
fn base64_in_a_text_and_a_token_s_claims_are_read() {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    let note = STANDARD.encode("Patient: Harold Brown, DOB 06/22/1962, MRN E08738432");
    let found = inspect("text/plain", format!("attached:\n{note}\nregards").as_bytes());
    assert!(found.points().0 >= 150);
    let claims = URL_SAFE_NO_PAD.encode(
        r#"{"given_name":"Harold","family_name":"Brown","birthdate":"1962-06-22","ssn":"412-21-3456"}"#,
    );
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let body = serde_json::json!({"note": format!("{head}.{claims}.c2lnbmF0dXJl")}).to_string();
    assert!(inspect("application/json", body.as_bytes()).points().0 >= 100);
    let picture = STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01");
    let found = inspect(
        "application/json",
        serde_json::json!({"x": format!("data:;base64,{picture}")}).to_string().as_bytes(),
    );
    assert_eq!(found.uninspected[0].reason, UninspectedReason::OpaqueType);
}

#[test]
fn utf_16_and_disguised_values_are_read() {
    let units = PATIENT.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for body in [[b"\xFF\xFE".as_slice(), &units].concat(), units] {
        assert!(inspect("application/fhir+json; charset=utf-16", &body).points().0 >= 90);
    }
    for ssn in [
        "\u{FF14}\u{FF11}\u{FF12}-21-3456",
        "412\u{200B}-21-34\u{AD}56",
        "412&#45;21&#45;3456",
        "4 1 2 2 1 3 4 5 6",
    ] {
        let found = inspect("text/plain", format!("Patient SSN {ssn} on file").as_bytes());
        assert_eq!(found.points().0, 100, "{ssn}");
    }
    // A field's value, too: by itself it would be no nine digits.
    let field = serde_json::json!({"ssn": "\u{FF14}\u{FF11}\u{FF12}-21-3456"}).to_string();
    assert_eq!(inspect("application/json", field.as_bytes()).points().0, 100);
}

#[test]
fn findings_in_a_claim_that_is_not_ascii_lead_to_its_bytes() {
    // A field of no known kind is text; its first letters take one byte each, and two in a text.
    let body = b"999999D0B1PCN000000010112345678900     20260629SW00000000\x1e\x1cAM01\x1cCX01\x1cZZ\xC3\x83\xE9\xE9\xE9 patient SSN 412-21-3456\x1cC51";
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let found = inspector.message(&Message { content_type: "text/plain", body, ..Message::default() });
    assert_eq!(found.format, Format::Telecom);
    let spans: Vec<&[u8]> =
        found.findings.iter().filter(|f| f.kind.as_str() == "ssn").map(|f| &body[f.span.clone()]).collect();
    assert_eq!(spans, [b"412-21-3456"]);
}

#[test]
fn keys_with_an_owner_in_front_say_what_the_key_says() {
    let points = |body: &str| inspect("application/json", body.as_bytes()).points().0;
    assert_eq!(points(r#"{"subscriberSSN":"412886193","subscriberLastName":"Whitfield"}"#), 130);
    let split =
        r#"{"PatientLastName":"Whitfield","PatientFirstName":"Harold","PatientDateOfBirth":"1951-08-09"}"#;
    assert_eq!(points(split), 90);
    assert_eq!(points(r#"{"name":{"first":"Marisol","last":"Quintanilla"},"dob":"1968-03-14"}"#), 90);
    // A program's own, and words that only begin so.
    assert_eq!(points(r#"{"clientEmail":"svc","pattern":"a","ptr":"b","personality":"c"}"#), 0);
}

#[test]
fn a_label_beside_a_value_or_around_it_says_what_it_is() {
    let found = |body: &str| inspect("application/json", body.as_bytes());
    let pairs = r#"{"fields":[{"name":"mrn","value":"48210377"},{"name":"dob","value":"1951-08-09"},
        {"name":"lastName","value":"Whitfield"}]}"#;
    assert_eq!(found(pairs).points().0, 130);
    let wrapped = r#"{"mrn":{"value":"48210377","system":"x"},"birthDate":{"value":"1968-03-14"}}"#;
    assert_eq!(found(wrapped).points().0, 100);
    // Two forms in a list are two people.
    let forms = r#"[{"fields":[{"name":"lastName","value":"Whitfield"},{"name":"dob","value":"1951-08-09"}]},
        {"fields":[{"name":"lastName","value":"Abernathy"},{"name":"ssn","value":"517-30-8844"}]}]"#;
    let mut points: Vec<u16> = found(forms).persons.iter().map(|person| person.points.0).collect();
    points.sort_unstable();
    assert_eq!(points, [70, 130]);
    let xml = "<Patient><LastName>Whitfield</LastName><SSN>412-88-6193</SSN></Patient>";
    assert_eq!(inspect("text/xml", xml.as_bytes()).points().0, 130);
}

#[test]
fn a_form_s_answers_are_of_the_kinds_that_it_asks() {
    let form = r#"{"resourceType":"QuestionnaireResponse","status":"completed","item":[
        {"linkId":"1","text":"Full name","answer":[{"valueString":"Harold Whitfield"}]},
        {"linkId":"2","text":"Date of birth","answer":[{"valueDate":"1951-08-09"}]},
        {"linkId":"3","text":"Social Security Number","answer":[{"valueString":"412-88-6193"}]}]}"#;
    assert_eq!(inspect("application/fhir+json", form.as_bytes()).points().0, 190);
}

#[test]
fn a_number_in_a_name_is_no_dummy_and_is_read() {
    let body = r#"{"resourceType":"Observation","status":"final","code":{"text":"HIV 1 Ab"},
        "subject":{"reference":"Patient/8827","display":"WHITFIELD, HAROLD (MRN 48210377)"}}"#;
    let found = inspect("application/fhir+json", body.as_bytes());
    assert_eq!(found.points().0, 115);
    assert!(found.findings.iter().any(|finding| finding.kind == kind::Kind::Mrn));
}

#[test]
fn references_that_search_are_read_as_queries() {
    let body = r#"{"resourceType":"Condition","subject":{"reference":"Patient?identifier=http://hosp.org/mrn|48210377"},
        "code":{"text":"HIV disease"}}"#;
    let found = inspect("application/fhir+json", body.as_bytes());
    assert!(found.points().0 >= 60, "{:?}", found.points());
    let log = "\"GET /fhir/Patient?family=Whitfield&given=Harold&birthdate=1951-08-09 HTTP/1.1\" 200";
    assert_eq!(inspect("text/plain", log.as_bytes()).points().0, 90);
}

#[test]
fn forms_in_text_are_read_by_their_labels() {
    let points = |text: &str| inspect("text/plain", text.as_bytes()).points().0;
    assert_eq!(points("First name: Harold\nLast name: Whitfield\nDOB: 08/09/1951\n"), 90);
    assert_eq!(points("- **Name**: Marisol Quintanilla\n- **DOB**: 03/14/1968\n- **MRN**: 48210377\n"), 150);
    assert!(points("WHITFIELD,HAROLD J  DOB: 08/09/1951  ACC: A7718203") >= 90);
}

#[test]
fn json_and_xml_inside_of_texts_are_read_as_such() {
    let log = r#"2024-03-02 10:15:00 INFO request body {"firstName":"Harold","lastName":"Whitfield","dateOfBirth":"1951-08-09","phone":"6142937718"} done"#;
    let found = inspect("text/plain", log.as_bytes());
    assert_eq!(found.points().0, 130);
    let name = found.findings.iter().find(|finding| finding.kind == kind::Kind::FamilyName).expect("found");
    assert_eq!(&log[name.span.clone()], "Whitfield");
    let body = r#"{"id":"c-1","description":"<Patient><LastName>Whitfield</LastName><FirstName>Harold</FirstName><DateOfBirth>1951-08-09</DateOfBirth><SSN>412-88-6193</SSN></Patient>"}"#;
    assert_eq!(inspect("application/json", body.as_bytes()).points().0, 190);
    // A program's own JSON in a log is left as text.
    let other = r#"INFO config {"name":"gateway","address":"0.0.0.0:80","retries":3}"#;
    let found = inspect("text/plain", other.as_bytes());
    let rules: Vec<_> = found.findings.iter().map(|finding| &*finding.rule).collect();
    assert_eq!(rules, Vec::<&str>::new());
}

#[test]
fn hl7v2_in_xml_is_read_as_in_pipes() {
    let v2 = r#"<?xml version="1.0"?><ORU_R01 xmlns="urn:hl7-org:v2xml"><MSH><MSH.1>|</MSH.1><MSH.2>^~\&amp;</MSH.2><MSH.9><MSG.1>ORU</MSG.1><MSG.2>R01</MSG.2></MSH.9></MSH>
<ORU_R01.PATIENT_RESULT><PID><PID.3><CX.1>48210377</CX.1><CX.5>MR</CX.5></PID.3><PID.5><XPN.1><FN.1>O&apos;Quintanilla</FN.1></XPN.1><XPN.2>Marisol</XPN.2></PID.5><PID.7><TS.1>19680314</TS.1></PID.7><PID.19>412886193</PID.19></PID>
<OBX><OBX.2>TX</OBX.2><OBX.5>Call her wife at 312-749-2204 | today</OBX.5></OBX></ORU_R01.PATIENT_RESULT></ORU_R01>"#;
    let mirth = "<HL7Message><PID><PID.3><PID.3.1>48210377</PID.3.1></PID.3><PID.5><PID.5.1>Quintanilla</PID.5.1><PID.5.2>Marisol</PID.5.2></PID.5><PID.7><PID.7.1>19680314</PID.7.1></PID.7></PID></HL7Message>";
    let found = inspect("text/xml", v2.as_bytes());
    let by_rule = |rule: &str| {
        let finding = found.findings.iter().find(|finding| &*finding.rule == rule);
        finding.map(|finding| (&v2[finding.span.clone()], finding.place.as_str()))
    };
    assert_eq!(by_rule("hl7v2.pid-19"), Some(("412886193", "PID-19")));
    assert_eq!(by_rule("hl7v2.pid-7"), Some(("19680314", "PID-7")));
    assert_eq!(by_rule("hl7v2.pid-5.2"), Some(("Marisol", "PID-5.2")));
    assert_eq!(by_rule("hl7v2.pid-5.1"), Some(("O&apos;Quintanilla", "PID-5.1")));
    assert_eq!(by_rule("text.phone").map(|(value, _)| value), Some("312-749-2204"));
    assert_eq!(inspect("text/xml", mirth.as_bytes()).points().0, 150);
}

#[test]
fn a_text_under_a_value_s_label_is_read_as_text() {
    for body in [
        r#"{"type":"email","content":"Patient Harold Brown, DOB 06/22/1962, SSN 412-21-3457, seen for asthma"}"#,
        r#"{"email":{"to":"a","text":"Patient Harold Brown, DOB 06/22/1962, SSN 412-21-3457"}}"#,
        r#"{"mrn":"BROWN, HAROLD DOB 06/22/1962, SSN 412-21-3457"}"#,
        r#"{"email":"Harold Brown, DOB 06/22/1962, SSN 412-21-3457"}"#,
    ] {
        assert!(inspect("application/json", body.as_bytes()).points().0 >= 140, "{body}");
    }
    let labelled = r#"[{"mrn":"TEST-0001","firstName":{"label":"First name","value":"Zztest"}},
        {"firstName":{"label":"First name","value":"Harold"},"lastName":{"label":"Last name","value":"Brown"},
        "dob":{"label":"DOB","value":"1962-06-22"}}]"#;
    assert_eq!(inspect("application/json", labelled.as_bytes()).points().0, 90);
}

#[test]
fn what_stands_in_the_separators_of_hl7v2_in_xml_is_read() {
    let body = "<ACK><MSH><MSH.1>|</MSH.1><MSH.2>Harold Brown SSN 412-21-3457</MSH.2></MSH></ACK>";
    assert!(inspect("text/xml", body.as_bytes()).points().0 >= 100);
    let counted = format!("<M>{}</M>", "<PID><PID.200/></PID>".repeat(4000));
    let found = inspect("text/xml", counted.as_bytes());
    assert_eq!(
        found.uninspected.iter().map(|u| u.reason).collect::<Vec<_>>(),
        [UninspectedReason::Malformed]
    );
}

#[test]
fn what_is_found_in_a_resource_has_its_place_with_escapes_and_without() {
    let body = |note: &str| {
        format!(
            r#"{{"resourceType":"Observation","code":{{"text":"x"}},"note":[{{"text":"{note}ssn 412-88-6193"}}]}}"#
        )
    };
    for note in ["", "seen, ", "seen,\\n\\u00e9 ", "é, "] {
        let body = body(note);
        let found = inspect("application/fhir+json", body.as_bytes());
        let ssn = found.findings.iter().find(|finding| finding.kind == kind::Kind::Ssn).expect("found");
        assert_eq!(body.get(ssn.span.clone()), Some("412-88-6193"), "{note}");
    }
}

#[test]
fn a_text_that_only_looks_like_a_document_is_a_text() {
    let reasons = |found: &Findings| found.uninspected.iter().map(|u| u.reason).collect::<Vec<_>>();
    for text in [
        "MSH| is the header segment",
        r"MSH|^~\\\\&|A|B|C|D|20250101||MFN^M02|1|P|2.3\\nMFE|MUP|1|20250101|1093817465",
        r#"<Practitioner xmlns=\"http://hl7.org/fhir\"><name><family value=\"Hahn\"/>..."#,
    ] {
        let body = format!(r#"{{"msg":"{text}"}}"#);
        assert_eq!(reasons(&inspect("application/json", body.as_bytes())), [], "{body}");
    }
    // What may be a patient's is said to be unread.
    let cut = r#"{"msg":"<Patient xmlns=\"http://hl7.org/fhir\"><name><family value=\"Hahn\"/>..."}"#;
    assert_eq!(reasons(&inspect("application/json", cut.as_bytes())), [UninspectedReason::Malformed]);
    // And what is found in the text counts.
    let told = r#"{"msg":"MSH| of Harold Brown, DOB 06/22/1962, SSN 412-21-3456"}"#;
    assert!(inspect("application/json", told.as_bytes()).points().0 >= 90);
}
