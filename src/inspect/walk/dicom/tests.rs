use super::*;
use crate::inspect::field::FieldTable;
use crate::inspect::walk::Declared;
use std::ops::Range;

const ROWS: &str = include_str!("../../../../config/fields/dicomweb.toml");

#[derive(Default)]
struct Keep {
    persons: u32,
    /// Place, value, rule, person, how it reads.
    leaves: Vec<(String, String, String, PersonId, String)>,
    clinical: Vec<PersonId>,
    unknown: Vec<String>,
}

impl Sink for Keep {
    fn person(&mut self, id: PersonId, _: Role) {
        assert_eq!(id.0, self.persons);
        self.persons += 1;
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        assert!(leaf.person == PersonId::NOBODY || leaf.person.0 < self.persons);
        self.leaves.push((
            place(),
            leaf.value.to_string(),
            leaf.field.map_or("", |f| f.id.trim_start_matches("dicom.")).to_owned(),
            leaf.person,
            format!("{:?}", leaf.reads),
        ));
    }

    fn clinical(&mut self, person: PersonId) {
        self.clinical.push(person);
    }

    fn declared(&mut self, _: Declared, _: &dyn Fn() -> String) {}

    fn unknown_key(&mut self, key: &str, _: Range<usize>, _: PersonId, _: &dyn Fn() -> String) {
        self.unknown.push(key.to_owned());
    }
}

impl Keep {
    fn of(&self, value: &str) -> (&str, &str, PersonId, &str) {
        let (place, _, rule, person, reads) =
            self.leaves.iter().find(|l| l.1 == value).expect("a leaf of this value");
        (place, rule, *person, reads)
    }
}

fn walked(doc: &str) -> Keep {
    let tape = Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap();
    assert!(recognise(&tape));
    let mut keep = Keep::default();
    walk_tape(&tape, &Table::new(&FieldTable::parse(ROWS).unwrap()).unwrap(), &mut keep);
    keep
}

const STUDIES: &str = r#"[
 {"00100010":{"vr":"PN","Value":[{"Alphabetic":"Okafor^Darnell","Ideographic":"山田"}]},"00100020":{"vr":"LO","Value":["E087"]},
  "00100030":{"vr":"DA","Value":["19620622"]},"00080090":{"vr":"PN","Value":[{"Alphabetic":"Iyer^Anita"}]},
  "00101002":{"vr":"SQ","Value":[{"00100020":{"vr":"LO","Value":["W333"]}}]},"00201208":{"vr":"IS","Value":[5]},
  "00081030":{"vr":"LO","Value":["CT chest"]},"00091001":{"vr":"LO","Value":["Darnell O."]},"0020000D":{"vr":"UI","Value":["1.2.3"]},
  "7FE00010":{"vr":"OW","BulkDataURI":"https://pacs.example/bulk/1"},"00080060":{"vr":"CS","Value":["CT"]}},
 {"00100020":{"vr":"LO","Value":["E087"]},"00080050":{"vr":"SH","Value":["A-77"]}},
 {"00100020":{"vr":"LO","Value":["E088"]}}]"#;

#[test]
fn attributes_are_judged_by_tag_and_people_by_patient_id() {
    let kept = walked(STUDIES);
    let (place, rule, patient, _) = kept.of("Okafor^Darnell");
    assert_eq!((place, rule), ("$[0].00100010.Value[0].Alphabetic", "name"));
    for (value, rule, reads) in [
        ("山田", "name", "Value"),
        ("E087", "id", "Value"),
        ("19620622", "birth-date", "Value"),
        ("W333", "other-id", "Value"),
        ("CT chest", "clinical-text", "Text"),
        ("Darnell O.", "private", "Text"),
        ("1.2.3", "uid", "Opaque"),
        ("A-77", "accession", "Value"),
    ] {
        assert_eq!((kept.of(value).1, kept.of(value).2, kept.of(value).3), (rule, patient, reads), "{value}");
    }
    assert_eq!((kept.of("Iyer^Anita").1, kept.of("Iyer^Anita").2), ("physician", PersonId::NOBODY));
    assert_eq!((kept.of("5").3, kept.of("CT").3), ("Quantity", "Code"));
    assert_eq!(kept.of("https://pacs.example/bulk/1").3, "Query");
    assert_eq!(kept.of("Darnell O.").0, "$[0].*.Value[0]");
    assert_ne!(kept.of("E088").2, patient);
    assert_eq!((kept.persons, kept.clinical.contains(&patient)), (2, true));
    assert_eq!(kept.unknown, [""; 0]);
}

#[test]
fn other_json_is_none() {
    for doc in ["{}", "[]", "7", r#"{"00100010":"x"}"#, r#"{"00100010":{"vr":"PN"},"name":"x"}"#] {
        assert!(!recognise(&Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap()), "{doc}");
    }
}

#[test]
fn every_leaf_comes_once_and_any_member_is_taken() {
    let doc = r#"{"00100010":{"vr":"PN","Value":["x",{"odd key 7":["y",null,true]}]},"00404001":{"vr":7}}"#;
    let kept = walked(doc);
    let values: Vec<_> = kept.leaves.iter().map(|l| l.1.as_str()).collect();
    assert_eq!(values, ["PN", "x", "y", "true", "7"]);
    assert_eq!(kept.unknown, ["odd key 7"]);
}

#[test]
fn every_row_of_the_field_map_is_carried_out() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/formats/phi-field-map.toml");
    let Ok(map) = std::fs::read_to_string(path) else {
        assert!(std::env::var("CI").is_err(), "the field map is missing");
        println!("skipped: no field map");
        return;
    };
    let map: toml::Value = toml::from_str(&map).unwrap();
    let theirs = map["format"]["dicomweb"]["field"].as_array().unwrap();
    let ours = FieldTable::parse(ROWS).unwrap();
    // Queries are judged by json-keys.toml, which has keywords and tags.
    for row in theirs.iter().filter(|row| !row["path"].as_str().unwrap().starts_with("QIDO-RS")) {
        let path = row["path"].as_str().unwrap();
        let word = |key: &str| row[key].as_str().unwrap();
        let found = ours.field.iter().filter(|field| field.row == path).any(|f| {
            f.kind.as_str() == word("kind")
                && i64::from(f.points.0) == row["weight"].as_integer().unwrap()
                && format!("{:?}", f.whose).eq_ignore_ascii_case(word("who"))
                && format!("{:?}", f.redact).eq_ignore_ascii_case(word("redact"))
        });
        assert!(found, "{path}");
    }
    for field in ours.field.iter().filter(|field| !field.row.starts_with("Beyond the map: ")) {
        assert!(theirs.iter().any(|row| row["path"].as_str() == Some(&field.row)), "{}", field.id);
    }
}

#[test]
fn a_key_that_is_none_of_the_formats_is_told_whatever_stands_under_it() {
    for value in ["\"x\"", "7", "true", "null", "{}", "[]", "{\"vr\":1}", "[\"x\",{\"vr\":\"x\"}]"] {
        let doc = format!(
            r#"[{{"00100020":{{"vr":"LO","Value":["7"],"Okonjo 7":{value}}},"00081140":{{"vr":"SQ","Value":[{{"Okonjo 7":{value}}}]}}}},{{"73044171":{{"Value":["x"]}},"73044172":"x","00100020":"x"}}]"#
        );
        assert_eq!(walked(&doc).unknown, ["Okonjo 7", "Okonjo 7", "73044171", "73044172"], "{doc}");
    }
    let kept =
        walked(r#"[{"00091001":{"vr":"LO","Value":["x"]},"7FE00010":{"vr":"OW","BulkDataURI":"/x"}}]"#);
    assert_eq!(kept.unknown, [""; 0], "attributes say what they are");
}

#[test]
fn a_persons_name_in_a_vendors_own_attribute_is_the_patients() {
    let kept = walked(
        r#"[{"00091010":{"vr":"LO","Value":["VANTERPOOL^RENITA"]},"00091011":{"vr":"LO","Value":["AX^12"]},
            "00091012":{"vr":"PN","Value":[{"Alphabetic":"Okafor^Darnell"}]}}]"#,
    );
    assert_eq!(kept.of("VANTERPOOL^RENITA").1, kept.of("Okafor^Darnell").1);
    assert_ne!(kept.of("VANTERPOOL^RENITA").1, kept.of("AX^12").1);
    assert_eq!(kept.of("Okafor^Darnell").3, "Value");
}

#[test]
fn who_the_subject_of_a_report_is_and_who_observed_is_told_by_concepts() {
    let item = |code: &str, scheme: &str, value: &str| {
        format!(
            r#"{{"0040A043":{{"vr":"SQ","Value":[{{"00080100":{{"vr":"SH","Value":["{code}"]}},"00080102":{{"vr":"SH","Value":["{scheme}"]}}}}]}},{value}}}"#
        )
    };
    let name = |name: &str| format!(r#""0040A123":{{"vr":"PN","Value":[{{"Alphabetic":"{name}"}}]}}"#);
    let text = |text: &str| format!(r#""0040A160":{{"vr":"UT","Value":["{text}"]}}"#);
    let items = [
        item("121029", "DCM", &name("Okwuosa^Tchinwe")),
        item("121030", "DCM", &text("48213377")),
        item("121031", "DCM", r#""0040A121":{"vr":"DA","Value":["19420525"]}"#),
        item("121008", "DCM", &name("Iyer^Anita")),
        item("121030", "99ACME", &text("no id")),
        item("121071", "DCM", &text("7 mm nodule")),
    ];
    let kept = walked(&format!(r#"[{{"0040A730":{{"vr":"SQ","Value":[{}]}}}}]"#, items.join(",")));
    for (value, rule) in [
        ("Okwuosa^Tchinwe", "name"),
        ("48213377", "id"),
        ("19420525", "birth-date"),
        ("Iyer^Anita", "physician"),
        ("no id", "content"),
        ("7 mm nodule", "content"),
    ] {
        assert_eq!(kept.of(value).1, rule, "{value}");
    }
    assert_eq!(kept.of("Iyer^Anita").2, PersonId::NOBODY);
    assert_eq!(kept.of("48213377").3, "Value");
    let meant = r#"[{"0040A730":{"vr":"SQ","Value":[{"ConceptNameCodeSequence":{"vr":"SQ","Value":[{"CodeMeaning":{"vr":"LO","Value":["Subject ID"]}}]},"TextValue":{"vr":"UT","Value":["48213378"]}}]}}]"#;
    assert_eq!(walked(meant).of("48213378").1, "id");
    let kept = walked(
        r#"[{"00400100":{"vr":"SQ","Value":[{"00400006":{"vr":"PN","Value":[{"Alphabetic":"Stroud^Valerie"}]}}]}}]"#,
    );
    assert_eq!((kept.of("Stroud^Valerie").1, kept.of("Stroud^Valerie").2), ("physician", PersonId::NOBODY));
}
