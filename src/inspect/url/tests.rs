use crate::inspect::decode::Budget;
use crate::inspect::field::FieldTable;
use crate::inspect::finding::Counted;
use crate::inspect::{Findings, Inspector, Message, RuleSet};
use std::collections::BTreeMap;

fn inspect(message: &Message<'_>) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(message)
}

fn kinds(findings: &Findings) -> Vec<&'static str> {
    findings.findings.iter().filter(|f| f.counted == Counted::Yes).map(|f| f.kind.as_str()).collect()
}

#[test]
fn a_search_by_name_and_birth_date_is_one_person() {
    let found = inspect(&Message {
        path: "/fhir/Patient",
        query: "family=Okafor&given=Darnell&birthdate=eq1962-06-22",
        ..Message::default()
    });
    assert_eq!(kinds(&found), ["family-name", "given-name", "birth-date"]);
    assert_eq!(found.points().0, 90);
}

#[test]
fn systems_prefixes_modifiers_and_chains_are_read() {
    for (path, query, kind) in [
        ("/fhir/Patient", "identifier=http%3A%2F%2Fhl7.org%2Ffhir%2Fsid%2Fus-ssn%7C412-21-3456", "ssn"),
        ("/fhir/Patient", "identifier=urn:x|E08738432", "mrn"),
        ("/fhir/Patient", "family:exact=Okafor", "family-name"),
        ("/fhir/Observation", "patient.name=Darnell%20Okafor", "full-name"),
        ("/fhir/Observation", "patient:Patient.identifier=E08738432", "mrn"),
        ("/api/people", "dob=1962-06-22", "birth-date"),
        ("/dicom-web/studies", "00100020=E08738432", "mrn"),
        ("/dicom-web/studies", "00100030=19620622", "birth-date"),
    ] {
        let found = inspect(&Message { path, query, ..Message::default() });
        assert_eq!(kinds(&found), [kind], "{query}");
    }
}

#[test]
fn a_search_that_names_nobody_finds_nobody() {
    let found = inspect(&Message {
        path: "/fhir/R4/Observation",
        query: "code=http://loinc.org|7107-4&_count=50&status=final&date=ge2024-01-01",
        ..Message::default()
    });
    assert_eq!(found.points().0, 0, "{:?}", kinds(&found));
    let found = inspect(&Message { path: "/fhir/Organization", query: "name=Mercy", ..Message::default() });
    assert_eq!(found.points().0, 0);
}

#[test]
fn headers_that_repeat_a_query_are_read() {
    let found = inspect(&Message {
        path: "/fhir/Patient",
        headers: &[
            ("if-none-exist", "identifier=urn:x|E08738432"),
            ("x-forwarded-for", "203.0.113.9, 81.2.69.142"),
        ],
        ..Message::default()
    });
    assert_eq!(kinds(&found), ["mrn", "ip"]);
    let value = "Halvorsen%20%C3%98";
    let found = inspect(&Message { headers: &[("x-last-name", value)], ..Message::default() });
    let spans: Vec<_> = found.findings.iter().map(|f| f.span.clone()).collect();
    assert_eq!((kinds(&found), spans), (vec!["family-name"], vec![0..value.len(); 1]), "as it is written");
}

#[test]
fn a_place_shows_words_of_our_tables_and_no_other_part_of_a_name() {
    for (query, place) in [
        ("family:exact=Okafor", "family.exact"),
        ("patient:Patient.identifier=E08738432", "patient.Patient.identifier"),
        ("Okafor412213456.ssn=412-21-3456", "*.ssn"),
        ("form[Okafor][ssn]=412-21-3456", "*.*.ssn"),
        ("subject:Okafor.identifier=E08738432", "subject.*.identifier"),
    ] {
        let found = inspect(&Message { path: "/fhir/Patient", query, ..Message::default() });
        let places: Vec<&str> = found.findings.iter().map(|f| f.place.as_str()).collect();
        assert!(places.contains(&place), "{query}: {places:?}");
    }
}

#[test]
fn our_rows_carry_out_every_row_of_the_field_map() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/formats/phi-field-map.toml");
    let Ok(text) = std::fs::read_to_string(path) else {
        assert!(std::env::var("CI").is_err(), "the field map is absent under CI");
        eprintln!("skipped 15 rows: no field map here");
        return;
    };
    let map: toml::Value = toml::from_str(&text).expect("TOML");
    let ours = FieldTable::parse(include_str!("../../../config/fields/fhir-url.toml")).expect("table");
    let mut by_row: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for field in &ours.field {
        by_row.entry(field.row.as_str()).or_default().push(field);
    }
    let rows = map["format"]["fhir-url"]["field"].as_array().expect("rows");
    for row in rows {
        let get = |key: &str| row.get(key).and_then(|v| v.as_str()).unwrap_or_default();
        if get("path") == "$match, $member-match Parameters" {
            continue; // a body: the rows of FHIR carry it out
        }
        let mine = by_row.get(get("path")).unwrap_or_else(|| panic!("no row for `{}`", get("path")));
        let agrees = mine.iter().any(|f| {
            f.kind.as_str() == get("kind")
                && i64::from(f.points.0) == row["weight"].as_integer().unwrap_or(-1)
        });
        // The repeated URL weighs by what it repeats: its row has kind `url` and weight 0, as ours.
        assert!(agrees, "no row of ours has kind and weight of `{}`", get("path"));
    }
}

#[test]
fn credentials_are_a_scheme_with_a_token_or_parameters_and_no_words() {
    for value in [
        "Bearer eyJhbGciOiJSUzI1NiJ9.eyJzY29wZSI6InN5c3RlbS8qLnJlYWQifQ.c2ln",
        "Basic dXNlcjpzZWNyZXQ=",
        "Negotiate",
        "Digest username=\"lab\", realm=\"hub\", nonce=\"dcd98b\"",
        "AWS4-HMAC-SHA256 Credential=AKIA/20250504/s3, SignedHeaders=host, Signature=ab12",
    ] {
        assert!(super::is_protocols("Authorization", value), "{value}");
    }
    let words = "Bearer Darnell Okafor, SSN 412-21-3456";
    assert!(
        !super::is_protocols("authorization", words) && !super::is_protocols("proxy-authorization", words)
    );
}

#[test]
fn a_name_in_brackets_is_that_of_whom_stands_before_them() {
    for query in [
        "patient[name]=Tane+Hohepa&patient[dob]=1960-01-02",
        "member%5Bname%5D=Tane+Hohepa&member%5Bdob%5D=1960-01-02",
        "full_names[]=Tane+Hohepa&dobs[]=1960-01-02",
        "full_names%5B%5D=Tane+Hohepa&dobs%5B%5D=1960-01-02",
    ] {
        let found = inspect(&Message { path: "/intake", query, ..Message::default() });
        assert_eq!(kinds(&found), ["full-name", "birth-date"], "{query}");
    }
    for query in
        ["provider[name]=Tane+Hohepa&provider[npi]=1093817465", "list[name]=Blue+Heron", "file[name]=a.txt"]
    {
        let found = inspect(&Message { path: "/intake", query, ..Message::default() });
        assert!(!kinds(&found).contains(&"full-name"), "{query}");
    }
}
