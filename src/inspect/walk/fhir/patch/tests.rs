use super::super::tests::{Keep, field_table};
use super::*;
use crate::inspect::RuleSet;
use crate::inspect::walk::xml;

fn walked(declared: &str, aim: &str, doc: &str) -> Keep {
    let table = Table::new(&field_table()).unwrap();
    let tape = Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap();
    let patched = patched(&tape, declared, aim, &table).expect("a patch").expect("of no great depth");
    let mut keep = Keep::default();
    patched.walk(&tape, &table, &RuleSet::built_in().objects, &mut keep);
    for leaf in &keep.leaves {
        let raw = doc.get(leaf.span.clone()).expect("inside the document");
        let inside = raw == leaf.value || leaf.place.ends_with("resourceType") || raw.contains(&leaf.value);
        assert!(inside || raw.contains('\\'), "{}: {raw}", leaf.place);
    }
    keep
}

fn row(keep: &Keep, value: &str) -> String {
    keep.of(value).row.as_ref().map(|row| row.0.clone()).unwrap_or_default()
}

#[test]
fn a_bare_value_is_what_its_pointer_says() {
    let keep = walked(
        "application/json-patch+json",
        "Patient",
        r#"[{"op":"test","path":"/birthDate","value":"1962-06-22"},
            {"op":"replace","path":"/name/0/family","value":"Okafor"},
            {"op":"add","path":"/name/0/given/-","value":"Darnell"},
            {"op":"add","path":"/telecom/1/system","value":"email"},
            {"op":"add","path":"/telecom/1/value","value":"d.okafor@mail.test"},
            {"op":"add","path":"/identifier/-","value":{"type":{"coding":[{"code":"SS"}]},"value":"412-21-3456"}},
            {"op":"move","from":"/gender","path":"/extension/0"},{"op":"remove","path":"/photo"}]"#,
    );
    assert_eq!(row(&keep, "1962-06-22"), "fhir-r4.patient-birth-date");
    assert_eq!(row(&keep, "Okafor"), "fhir-r4.patient-family");
    assert_eq!(row(&keep, "Darnell"), "fhir-r4.patient-given");
    assert_eq!(row(&keep, "412-21-3456"), "fhir-r4.patient-ssn");
    assert!(row(&keep, "d.okafor@mail.test").contains("email"), "{}", row(&keep, "d.okafor@mail.test"));
    assert_eq!(keep.of("Okafor").place, "Patient.name[0].family");
    assert_eq!(keep.of("/gender").place, "*[6].from");
    let person = keep.of("Okafor").person;
    assert!(["1962-06-22", "Darnell", "412-21-3456"].iter().all(|value| keep.of(value).person == person));
}

#[test]
fn a_whole_object_stands_at_its_place() {
    let keep = walked(
        "application/json",
        "Patient",
        r#"[{"op":"add","path":"/contact","value":[{"name":{"family":"Nguyen"}}]},{"op":"replace","path":"","value":{"birthDate":"1971-02-03","ssn 9":"x"}}]"#,
    );
    assert_eq!(keep.of("Nguyen").place, "Patient.contact[0].name.family");
    assert_ne!(keep.of("Nguyen").person, keep.of("1971-02-03").person);
    assert_eq!(keep.unknown, [("ssn 9".to_owned(), "Patient.*".to_owned())]);
}

#[test]
fn the_target_tells_of_whom() {
    let doc = r#"[{"op":"replace","path":"/name/0/family","value":"Okafor"}]"#;
    assert_eq!(walked("", "Practitioner", doc).of("Okafor").person, PersonId::NOBODY);
    assert_eq!(row(&walked("", "", doc), "Okafor"), "fhir-r4.patient-family");
    let own = walked("", "Patient", r#"[{"op":"replace","path":"/user/lastName","value":"Okafor"}]"#);
    assert_eq!(own.of("Okafor").row.as_ref().map(|row| row.1.as_str()), Some("family-name"));
}

#[test]
fn odd_operations_lose_nothing() {
    let keep = walked(
        "application/json-patch+json",
        "Patient",
        r#"["loose",{"op":"add","path":"/a~1b/0/7","value":"deep","note":"said","x":{"y":"z"}},{"op":"add"},{"path":"/1/2","value":[1]}]"#,
    );
    let mut values: Vec<_> = keep.leaves.iter().map(|leaf| leaf.value.as_str()).collect();
    values.retain(|value| !matches!(*value, "add" | "/1/2" | "/a~1b/0/7" | "Patient"));
    assert_eq!(values, ["loose", "deep", "said", "z", "1"]);
    assert_eq!(keep.of("deep").reads, "Text");
    let deep = format!(r#"[{{"op":"add","path":"{}","value":1}}]"#, "/a".repeat(200));
    let tape = Tape::read(deep.as_bytes(), JSON_DEPTH_MAX).unwrap();
    let table = Table::new(&field_table()).unwrap();
    assert!(matches!(patched(&tape, "", "", &table), Some(Err(WalkError::TooDeep { .. }))));
}

#[test]
fn a_merge_patch_is_a_part_of_its_resource() {
    let doc = r#"{"birthDate":"1962-06-22","name":[{"family":"Okafor"}],"gender":null}"#;
    for aim in ["Patient", ""] {
        let keep = walked("application/merge-patch+json; charset=utf-8", aim, doc);
        assert_eq!(row(&keep, "1962-06-22"), "fhir-r4.patient-birth-date", "{aim}");
        assert_eq!(keep.of("Okafor").person, keep.of("1962-06-22").person);
    }
    let tape = Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap();
    assert!(patched(&tape, "application/json", "Patient", &Table::new(&field_table()).unwrap()).is_none());
}

#[test]
fn a_fhirpath_patch_tells_type_and_element() {
    let doc = r#"{"resourceType":"Parameters","parameter":[
      {"name":"operation","part":[{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},
        {"name":"name","valueString":"birthDate"},{"name":"value","valueDate":"1962-06-22"}]},
      {"name":"operation","part":[{"name":"type","valueCode":"replace"},
        {"name":"path","valueString":"Patient.name.where(family = 'Okafor').given[0]"},{"name":"value","valueString":"Darnell"}]},
      {"name":"operation","part":[{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient"},{"name":"name","valueString":"contact"},
        {"name":"value","part":[{"name":"name","valueHumanName":{"text":"Ann Nguyen"}},{"name":"telecom","part":[{"name":"system","valueCode":"phone"},{"name":"value","valueString":"617 555 0199"}]}]}]},
      {"name":"operation","part":[{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.deceased"},{"name":"value","valueDateTime":"2024-05-06"}]}]}"#;
    let keep = walked("application/fhir+json", "", doc);
    assert_eq!(row(&keep, "1962-06-22"), "fhir-r4.patient-birth-date");
    assert_eq!(
        (row(&keep, "Okafor"), row(&keep, "Darnell")),
        ("fhir-r4.patient-family".into(), "fhir-r4.patient-given".into())
    );
    assert_eq!(keep.of("Ann Nguyen").place, "Patient.contact.name.text");
    assert_ne!(keep.of("Ann Nguyen").person, keep.of("Okafor").person);
    assert!(row(&keep, "617 555 0199").contains("phone"), "{}", row(&keep, "617 555 0199"));
    assert_eq!(keep.of("2024-05-06").place, "Patient.deceasedDateTime");
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"resource":{doc},"request":{{"method":"PATCH","url":"Patient/1"}}}}]}}"#
    );
    assert_eq!(row(&walked("", "", &bundle), "1962-06-22"), "fhir-r4.patient-birth-date");
}

#[test]
fn what_a_fhirpath_compares_says_what_the_value_beside_it_is() {
    let change = |path: &str, value: &str| {
        format!(
            r#"{{"resourceType":"Parameters","parameter":[{{"name":"operation","part":[{{"name":"type","valueCode":"replace"}},{{"name":"path","valueString":"{path}"}},{{"name":"value","valueString":"{value}"}}]}}]}}"#
        )
    };
    let telecom = |system: &str| format!("Patient.telecom.where(system='{system}').value");
    let email = walked("application/fhir+json", "", &change(&telecom("email"), "a.okonkwo@gmail.com"));
    assert_eq!(row(&email, "a.okonkwo@gmail.com"), "fhir-r4.patient-email");
    let phone = walked("application/fhir+json", "", &change(&telecom("phone"), "617 432 0199"));
    assert_eq!(row(&phone, "617 432 0199"), "fhir-r4.patient-phone");
    // What is compared and replaced stands twice.
    let both =
        walked("application/fhir+json", "", &change("Patient.name.where(family='Okafor').family", "Okonkwo"));
    assert_eq!(
        (row(&both, "Okafor"), row(&both, "Okonkwo")),
        ("fhir-r4.patient-family".into(), "fhir-r4.patient-family".into())
    );
}

#[test]
fn a_fhirpath_patch_in_xml_is_one_too() {
    let doc = r#"<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/><part><name value="type"/><valueCode value="replace"/></part>
      <part><name value="path"/><valueString value="Patient.birthDate"/></part><part><name value="value"/><valueDate value="1962-06-22"/></part></parameter></Parameters>"#;
    let table = Table::new(&field_table()).unwrap();
    let xml = xml::Tape::read(doc.as_bytes(), 64).unwrap();
    let tape = super::super::shaped(&xml, &table).unwrap();
    let patch = patched(&tape, "application/fhir+xml", "", &table).expect("a patch").unwrap();
    let mut keep = Keep::default();
    patch.walk(&tape, &table, &RuleSet::built_in().objects, &mut keep);
    assert_eq!(row(&keep, "1962-06-22"), "fhir-r4.patient-birth-date");
    assert_eq!(doc.get(keep.of("1962-06-22").span.clone()), Some("1962-06-22"));
}

#[test]
fn other_documents_are_none() {
    let table = Table::new(&field_table()).unwrap();
    for doc in [
        r#"[{"op":"eq","path":"/a"}]"#,
        r#"[{"op":"add","path":"a.b"}]"#,
        "[]",
        "{}",
        r#"{"resourceType":"Parameters","parameter":[{"name":"patient"}]}"#,
        r#"{"resourceType":"Bundle","type":"collection"}"#,
    ] {
        let tape = Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap();
        assert!(patched(&tape, "application/json", "Patient", &table).is_none(), "{doc}");
    }
}
