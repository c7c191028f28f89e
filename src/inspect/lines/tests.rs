//! Lines alone and together, broken ones, and the samples against each line by itself.

use super::super::finding::{Findings, UninspectedReason};
use super::super::{Budget, Message, RuleSet};
use super::*;
use std::io::Read;
use std::path::Path;

fn inspect(content_type: &str, body: &[u8]) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_type,
        body,
        ..Message::default()
    })
}

const OKAFOR: &str =
    r#"{"resourceType":"Patient","name":[{"family":"Okafor","given":["Darnell"]}],"birthDate":"1962-06-22"}"#;

#[test]
fn a_line_is_a_person_and_lines_never_add_up() {
    let lines = "{\"resourceType\":\"Patient\",\"id\":\"a\",\"name\":[{\"family\":\"Okafor\",\"given\":[\"D\"]}]}\n{\"resourceType\":\"Patient\",\"id\":\"a\",\"birthDate\":\"1962-06-22\"}\n";
    let found = inspect("application/fhir+ndjson", lines.as_bytes());
    assert_eq!((found.format, found.points().0, found.persons.len()), (format::Format::Ndjson, 50, 2));
    let one = inspect("application/fhir+ndjson", format!("{OKAFOR}\r\n\r\n{{\"a\":1}}\r\n").as_bytes());
    assert_eq!(one.points().0, 90);
    assert_eq!(one.findings[0].place, "line 1 > Patient.name[0].family");
}

#[test]
fn places_and_spans_are_those_of_the_file() {
    let lines = format!("{{\"a\":1}}\n\n{OKAFOR}\n{{\"note\":\"x \\u0041 SSN 412-21-3456\"}}\n");
    let found = inspect("", lines.as_bytes());
    let at =
        |rule: &str| found.findings.iter().find(|f| &*f.rule == rule).unwrap_or_else(|| panic!("{rule}"));
    assert_eq!(&lines[at("fhir-r4.patient-family").span.clone()], "Okafor");
    assert_eq!(at("fhir-r4.patient-family").place, "line 3 > Patient.name[0].family");
    assert_eq!(&lines[at("text.ssn").span.clone()], "412-21-3456");
    assert_eq!(at("text.ssn").place, "line 4 > $.note");
}

#[test]
fn a_broken_line_is_told_and_the_rest_is_read() {
    let lines = format!("{{\"a\":1}}\n{{\"ssn\": \"412-21-3456\", \n{OKAFOR}\n");
    let found = inspect("application/x-ndjson", lines.as_bytes());
    assert_eq!(found.uninspected.len(), 1);
    assert_eq!(
        (found.uninspected[0].reason, found.uninspected[0].place.as_str()),
        (UninspectedReason::Malformed, "line 2")
    );
    assert_eq!(found.points().0, 100, "the broken line is scanned as text");
    assert_eq!(found.persons.iter().filter(|p| p.points.0 == 90).count(), 1);
}

#[test]
fn lines_of_json_are_known_without_a_word() {
    for body in ["{\"a\":1}\n{\"b\":2}", "[1]\n[2]\n", "\u{feff}{\"a\":1}\r\n\r\n{\"b\":2}\r\n"] {
        for declared in ["", "application/json", "text/plain", "application/octet-stream"] {
            assert_eq!(
                format::Format::of(declared, body.as_bytes()),
                format::Format::Ndjson,
                "{declared} {body}"
            );
        }
    }
    for body in
        ["{\"a\":\n{\"b\":2}}", "[{\"a\":1},\n{\"b\":2}]", "{\n\"a\":{}\n}", "{\"a\":1}\n", "[\n[1]\n,[2]\n]"]
    {
        assert_eq!(format::Format::of("", body.as_bytes()), format::Format::Json, "{body}");
    }
    assert_eq!(
        inspect("application/json-seq", b"\x1e{\"ssn\":\"412-21-3456\"}\n\x1e{\"a\":1}\n").points().0,
        100
    );
}

#[test]
fn what_a_line_carries_is_read_as_its_own() {
    use base64::Engine;
    let note = base64::engine::general_purpose::STANDARD.encode("Patient: Darnell Okafor  DOB: 06/22/1962");
    let line = format!(
        r#"{{"resourceType":"DocumentReference","content":[{{"attachment":{{"contentType":"text/plain","data":"{note}"}}}}]}}"#
    );
    let found = inspect("application/fhir+ndjson", format!("{{\"a\":1}}\n{line}\n").as_bytes());
    assert!(found.points().0 >= 90);
    assert!(found.findings.iter().all(|f| f.place.starts_with("line 2 > ")), "{:?}", found.findings);
    let from = 8 + line.find(&note).expect("there");
    assert!(found.findings.iter().all(|f| f.span == (from..from + note.len())));
}

#[test]
fn lines_and_tables_in_strings_are_read_where_they_stand() {
    let body = r#"{"table":"mrn,last_name,dob\nE08738432,\"Hope\",2002-10-22\n","lines":"{\"lastName\":\"Okafor\"}\n{\"ssn\":\"412-21-3456\"}\n"}"#;
    let found = inspect("application/json", body.as_bytes());
    let told: Vec<_> =
        found.findings.iter().map(|f| (f.kind.as_str(), &body[f.span.clone()], f.place.as_str())).collect();
    for wanted in [
        ("family-name", "Hope", "$.* > row 2, column lastname"),
        ("birth-date", "2002-10-22", "$.* > row 2, column dob"),
        ("family-name", "Okafor", "$.* > line 1 > $.lastname"),
        ("ssn", "412-21-3456", "$.* > line 2 > $.ssn"),
    ] {
        assert!(told.contains(&wanted), "{wanted:?}: {told:?}");
    }
}

#[test]
fn bulk_counts_people_not_lines() {
    let line = |patient: usize| {
        format!(
            r#"{{"resourceType":"Observation","subject":{{"reference":"Patient/p{patient}"}},"valueQuantity":{{"value":1}}}}"#
        )
    };
    let policy = crate::decide::Policy::of(crate::org::Flag::Development);
    let reason = |people: usize| {
        let lines: Vec<String> = (0..120).map(|n| line(n % people)).collect();
        let found = inspect("application/fhir+ndjson", lines.join("\n").as_bytes());
        crate::decide::verdict(&found, &policy, &[]).reason
    };
    assert_eq!(reason(25), None);
    assert_eq!(reason(26), Some(crate::reason::Reason::Bulk));
}

#[test]
fn a_generator_on_one_line_says_nothing_of_the_next() {
    let person = |system: &str| {
        format!(
            r#"{{"resourceType":"Patient","name":[{{"family":"Hope24","given":["Ann7"]}}],"birthDate":"1962-06-22","identifier":[{{"system":"{system}","type":{{"coding":[{{"code":"MR"}}]}},"value":"38a84474-839e-4089-8f75-91c010f6723d"}},{{"type":{{"coding":[{{"code":"DL"}}]}},"value":"S99912345"}}],"telecom":[{{"system":"phone","value":"(415) 867-2309"}}]}}"#
        )
    };
    let synthea = person("https://github.com/synthetichealth/synthea");
    let other = person("urn:x");
    let found = inspect("application/fhir+ndjson", format!("{synthea}\n{other}\n").as_bytes());
    let alone = inspect("application/fhir+json", other.as_bytes());
    assert_eq!(found.persons[0].points.0, 0);
    assert_eq!((found.persons[1].points, found.persons[1].points.0 > 0), (alone.points(), true));
}

#[test]
fn the_samples_line_by_line_say_what_the_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/fhir-ndjson");
    if !folder.is_dir() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "../shared is absent");
        println!("skipped 1 test: ../shared is absent (the samples)");
        return;
    }
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("reads") {
        let path = entry.expect("reads").path();
        let mut doc = std::fs::read(&path).expect("reads");
        if path.extension().is_some_and(|end| end == "gz") {
            let mut inflated = Vec::new();
            flate2::read::GzDecoder::new(&doc[..]).read_to_end(&mut inflated).expect("inflates");
            doc = inflated;
        }
        let whole = inspect("application/fhir+ndjson", &doc);
        let told = |f: &super::super::finding::Finding, place: String, by: usize| {
            (f.rule.to_string(), f.points, place, f.span.start + by..f.span.end + by)
        };
        let mut theirs: Vec<_> = whole.findings.iter().map(|f| told(f, f.place.clone(), 0)).collect();
        let mut ours = Vec::new();
        let mut points = Vec::new();
        let mut at = 0;
        for (index, line) in doc.split(|b| *b == b'\n').enumerate() {
            let blanks = line.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let body = line.trim_ascii();
            let is_json = serde_json::from_slice::<serde_json::Value>(body).is_ok();
            if !body.is_empty() {
                let one = inspect(if is_json { "application/json" } else { "text/plain" }, body);
                ours.extend(
                    one.findings
                        .iter()
                        .map(|f| told(f, format!("line {} > {}", index + 1, f.place), at + blanks)),
                );
                points.extend(one.persons.iter().map(|p| (p.points, p.clinical, p.made_up)));
                assert!(
                    is_json
                        != whole.uninspected.iter().any(|u| u.place == format!("line {}", index + 1)
                            && u.reason == UninspectedReason::Malformed)
                );
            }
            at += line.len() + 1;
        }
        ours.sort_by_key(|f| format!("{f:?}"));
        theirs.sort_by_key(|f| format!("{f:?}"));
        assert_eq!(ours, theirs, "{}", path.display());
        let together: Vec<_> = whole.persons.iter().map(|p| (p.points, p.clinical, p.made_up)).collect();
        assert_eq!(points, together, "{}", path.display());
        files += 1;
    }
    assert!(files >= 20);
}
