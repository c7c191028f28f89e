//! Multipart bodies: forms, related parts, encodings, what is broken.

use super::super::finding::{Findings, UninspectedReason};
use super::super::{Budget, Message, RuleSet};
use super::*;

fn inspect(content_type: &str, body: &str) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_type,
        body: body.as_bytes(),
        ..Message::default()
    })
}

fn field(name: &str, value: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn reasons(found: &Findings) -> Vec<UninspectedReason> {
    found.uninspected.iter().map(|u| u.reason).collect()
}

const FORM: &str = "multipart/form-data; boundary=b";
const RELATED: &str = "multipart/related; boundary=\"b\"; type=\"application/xop+xml\"";

#[test]
fn fields_of_a_form_are_one_person_by_the_key_table() {
    let body = field("last_name", "Okafor")
        + &field("firstName", "Darnell")
        + &field("dob", "1962-06-22")
        + &field("x", "SSN 412-21-3456")
        + "--b--\r\n";
    let found = inspect(FORM, &body);
    assert_eq!((found.persons.len(), found.points().0), (1, 190));
    let at =
        |rule: &str| found.findings.iter().find(|f| &*f.rule == rule).unwrap_or_else(|| panic!("{rule}"));
    assert_eq!(
        (&body[at("json.family").span.clone()], at("json.family").place.as_str()),
        ("Okafor", "part 1 > last_name")
    );
    assert_eq!(
        (&body[at("text.ssn").span.clone()], at("text.ssn").place.as_str()),
        ("412-21-3456", "part 4 > *")
    );
    assert!(found.uninspected.is_empty());
}

#[test]
fn the_form_is_about_whom_its_only_document_is_about() {
    let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\r\nContent-Type: application/fhir+json\r\n\r\n{\"resourceType\":\"Patient\",\"birthDate\":\"1962-06-22\"}\r\n";
    let one = inspect(FORM, &(field("lastname", "Okafor") + &field("firstname", "Darnell") + file + "--b--"));
    assert_eq!((one.persons.len(), one.points().0), (1, 110), "name 50, birth date 40, file name 20");
    let two = inspect(FORM, &(field("lastname", "Okafor") + file + file + "--b--"));
    assert_eq!(two.persons.len(), 3);
}

#[test]
fn file_names_and_strange_headers_are_payload() {
    let body = "--b\r\nContent-Disposition: form-data; name=f; filename*=UTF-8''Patient%20Darnell%20Okafor.txt\r\nX-Note: SSN 412-21-3456\r\n\r\nhello there\r\n--b--";
    let found = inspect(FORM, body);
    let rules: Vec<_> = found.findings.iter().map(|f| &*f.rule).collect();
    assert!(
        rules.contains(&"json.file-name")
            && rules.contains(&"text.ssn")
            && rules.iter().any(|rule| rule.starts_with("text.name-")),
        "{rules:?}"
    );
    assert!(found.findings.iter().all(|f| !f.place.contains("Okafor")));
}

#[test]
fn transfer_encodings_are_undone() {
    use base64::Engine;
    let note = "Patient: Darnell Okafor  DOB: 06/22/1962";
    let part = |encoding: &str, text: &str| {
        format!(
            "--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{text}\r\n--b--\r\n"
        )
    };
    let base64 = inspect(RELATED, &part("BASE64", &base64::engine::general_purpose::STANDARD.encode(note)));
    assert!(base64.points().0 >= 90);
    let quoted = note.replace(':', "=3A").replace("Okafor", "Oka=\r\nfor");
    assert!(inspect(RELATED, &part("quoted-printable", &quoted)).points().0 >= 90);
    assert_eq!(reasons(&inspect(RELATED, &part("x-uuencode", note))), [UninspectedReason::Encoding]);
    assert_eq!(
        reasons(&inspect(RELATED, &part("base64", "!!!! 412-21-3456"))),
        [UninspectedReason::Malformed]
    );
    assert!(inspect(RELATED, &part("base64", "!!!! SSN 412-21-3456")).points().0 >= 60);
}

#[test]
fn parts_in_parts_are_read_to_a_depth() {
    let mut body = "SSN 412-21-3456".to_owned();
    let mut content_type = "text/plain".to_owned();
    for depth in 0..7 {
        let mark = format!("m{depth}");
        body = format!("--{mark}\r\nContent-Type: {content_type}\r\n\r\n{body}\r\n--{mark}--\r\n");
        content_type = format!("multipart/mixed; boundary={mark}");
        let found = inspect(&content_type, &body);
        assert!(found.points().0 >= 60, "depth {depth}");
        assert_eq!(reasons(&found).contains(&UninspectedReason::TooDeep), depth > 3, "depth {depth}");
        let ssn = found.findings.iter().find(|f| &*f.rule == "text.ssn").expect("found");
        assert_eq!(&body[ssn.span.clone()], "412-21-3456");
    }
}

#[test]
fn a_missing_or_wrong_boundary_is_told_and_the_parts_are_read() {
    let body = field("ssn", "412-21-3456") + "--b--\r\n";
    for content_type in
        ["multipart/form-data", "multipart/form-data; boundary=zzz", "multipart/form-data; boundary="]
    {
        let found = inspect(content_type, &body);
        assert_eq!(
            (reasons(&found).as_slice(), found.points().0),
            ([UninspectedReason::Malformed].as_slice(), 100),
            "{content_type}"
        );
    }
    let text = inspect("multipart/mixed; boundary=zzz", "SSN 412-21-3456");
    assert_eq!((reasons(&text), text.points().0), (vec![UninspectedReason::Malformed], 100));
    let open = inspect(FORM, &field("ssn", "412-21-3456"));
    assert_eq!((reasons(&open), open.points().0), (vec![UninspectedReason::Malformed], 100));
    assert_eq!(reasons(&inspect("", &body)), [], "nothing was declared, and all was read");
    let around = inspect(FORM, &format!("SSN 412-21-3456\r\n{}--b--\r\nMRN: E08738432\r\n", field("x", "y")));
    assert_eq!(around.findings.len(), 2, "what stands around the parts is read");
}

#[test]
fn batches_of_http_are_read_as_requests() {
    let body = "--b\r\nContent-Type: application/http\r\n\r\nPOST /fhir/Patient?family=Okafor HTTP/1.1\r\nContent-Type: application/fhir+json\r\nX-Who: SSN 412-21-3456\r\n\r\n{\"resourceType\":\"Patient\",\"birthDate\":\"1962-06-22\"}\r\n--b--";
    let found = inspect("multipart/mixed; boundary=b", body);
    let kinds: Vec<_> = found.findings.iter().map(|f| f.kind.as_str()).collect();
    assert!(["family-name", "ssn", "birth-date"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");
    let family = found.findings.iter().find(|f| f.kind.as_str() == "family-name").expect("found");
    assert_eq!(&body[family.span.clone()], "Okafor");
}

#[test]
fn cut_anywhere_nothing_panics_and_a_cut_is_told() {
    let body = field("last_name", "Okafor")
        + "--b\r\nContent-Type: text/csv\r\n\r\nmrn,dob\r\nE1,1962-06-22\r\n--b--\r\n";
    for at in 0..body.len() - 4 {
        let found = inspect(FORM, &body[..at]);
        assert!(at == 0 || reasons(&found).contains(&UninspectedReason::Malformed), "cut at {at}");
    }
}

#[test]
fn a_finding_in_a_header_of_a_part_leads_to_its_bytes() {
    let body = b"--b\r\nX-Patient-SSN:  412-21-3456\r\n\r\nx\r\n--b\r\nX-Note: \xE9\xE9\xE9\xE9 patient SSN 412-21-3456\r\n\r\nx\r\n--b--\r\n";
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let found = inspector.message(&Message {
        content_type: "multipart/form-data; boundary=b",
        body,
        ..Message::default()
    });
    let spans: Vec<&[u8]> =
        found.findings.iter().filter(|f| f.kind.as_str() == "ssn").map(|f| &body[f.span.clone()]).collect();
    assert_eq!(spans.first(), Some(&&b"412-21-3456"[..]));
    assert!(spans.iter().all(|span| span.ends_with(b"412-21-3456")), "of what isn't ASCII the whole value");
    assert_eq!(spans.len(), 2);
}

#[test]
fn what_is_found_in_a_file_name_leads_to_its_bytes() {
    for (name, ssn) in [
        (r#"filename="Asante_SSN359-57-1703.pdf""#, "359-57-1703"),
        ("filename=Asante_SSN359-57-1703.pdf", "359-57-1703"),
        ("filename*=UTF-8''Asante%20%20SSN%20359-57-1703.pdf", "359-57-1703"),
        ("filename*=UTF-8''Asante%20SSN359%2D57-1703.pdf", "359%2D57-1703"),
    ] {
        let body =
            format!("--b\r\nContent-Disposition: form-data; name=\"f\"; {name}\r\n\r\nMRI\r\n--b--\r\n");
        let found = inspect(FORM, &body);
        let of = |kind: &str| {
            let found = found.findings.iter().filter(|f| f.kind.as_str() == kind);
            found.map(|f| body[f.span.clone()].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of("ssn"), [ssn], "{name}");
        let file = of("file-name");
        assert!(file.len() == 1 && file[0].starts_with("Asante") && file[0].ends_with(".pdf"), "{file:?}");
    }
}
