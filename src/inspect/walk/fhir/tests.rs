use super::*;
use crate::inspect::RuleSet;
use crate::inspect::field::FieldTable;
use std::collections::BTreeMap;
use std::io::Read;

/// Keeps what it is told.
#[derive(Default)]
struct Kept {
    leaves: Vec<(String, String, Option<String>, PersonId)>,
    spans: Vec<std::ops::Range<usize>>,
    clinical: Vec<PersonId>,
    people: Vec<Role>,
    unknown: Vec<String>,
}

impl Sink for Kept {
    fn person(&mut self, id: PersonId, role: Role) {
        assert_eq!(id.0 as usize, self.people.len(), "ids come in order");
        self.people.push(role);
    }
    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        assert!(leaf.person == PersonId::NOBODY || (leaf.person.0 as usize) < self.people.len());
        self.leaves.push((
            place(),
            leaf.value.clone().into_owned(),
            leaf.field.map(|f| f.id.clone()),
            leaf.person,
        ));
        self.spans.push(leaf.span.clone());
    }
    fn clinical(&mut self, person: PersonId) {
        self.clinical.push(person);
    }
    fn declared(&mut self, _: Declared, _: &dyn Fn() -> String) {}
    fn unknown_key(&mut self, key: &str, _: std::ops::Range<usize>, _: PersonId, _: &dyn Fn() -> String) {
        self.unknown.push(key.to_owned());
    }
}

fn walked(doc: &str) -> Kept {
    let mut kept = Kept::default();
    walk(doc.as_bytes(), &RuleSet::built_in().fhir, &mut kept).expect("walks");
    kept
}

fn row<'k>(kept: &'k Kept, value: &str) -> &'k str {
    let leaf = kept.leaves.iter().find(|l| l.1 == value).expect("a leaf");
    leaf.2.as_deref().unwrap_or("none")
}

#[test]
fn rows_are_found_by_path_type_and_system() {
    let kept = walked(
        r#"{"resourceType":"Patient","id":"p","name":[{"family":"F","given":["G"]}],"birthDate":"1962-06-22",
        "identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"m"},{"system":"http://hl7.org/fhir/sid/us-ssn","value":"s"},{"value":"o"}],
        "telecom":[{"system":"email","value":"e"},{"system":"phone","value":"t"}],
        "contact":[{"name":{"family":"K"},"telecom":[{"system":"phone","value":"kt"}]}],
        "text":{"div":"<div>x</div>"}}"#,
    );
    for (value, id) in [
        ("F", "fhir-r4.patient-name-family"),
        ("G", "fhir-r4.patient-name-given"),
        ("1962-06-22", "fhir-r4.patient-birth-date"),
        ("m", "fhir-r4.patient-identifier-mr"),
        ("s", "fhir-r4.patient-identifier-ssn-system"),
        ("o", "fhir-r4.patient-identifier-any"),
        ("e", "fhir-r4.patient-email"),
        ("t", "fhir-r4.patient-phone"),
        ("K", "fhir-r4.contact-name"),
        ("kt", "fhir-r4.contact-phone"),
        ("<div>x</div>", "fhir-r4.narrative"),
    ] {
        assert_eq!(row(&kept, value), id, "{value}");
    }
    assert_eq!(kept.people, [Role::Patient, Role::RelativeOf(PersonId(0))]);
}

#[test]
fn resources_belong_to_whom_they_refer_to() {
    let kept = walked(
        r#"{"resourceType":"Bundle","entry":[
        {"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"a"}},
        {"fullUrl":"http://h/fhir/Patient/b","resource":{"resourceType":"Patient","id":"b"}},
        {"resource":{"resourceType":"Condition","subject":{"reference":"urn:uuid:1"},"note":[{"text":"one"}]}},
        {"resource":{"resourceType":"Observation","subject":{"reference":"Patient/b","display":"B Name"},"valueString":"two"}},
        {"resource":{"resourceType":"Observation","subject":{"reference":"http://h/fhir/Patient/b"},"valueString":"three"}},
        {"resource":{"resourceType":"Observation","subject":{"reference":"Patient/else"},"performer":[{"reference":"Practitioner/x","display":"Dr D"}],"valueString":"four"}}]}"#,
    );
    let person = |value: &str| kept.leaves.iter().find(|l| l.1 == value).expect("leaf").3;
    let (a, b) = (person("one"), person("two"));
    assert_ne!(a, b);
    assert_eq!(person("three"), b);
    assert_eq!(person("B Name"), b);
    assert_eq!(row(&kept, "B Name"), "fhir-r4.subject-display");
    assert!(![a, b].contains(&person("four")));
    assert_eq!(row(&kept, "Dr D"), "none");
    assert!(kept.clinical.contains(&a) && kept.clinical.contains(&b));
}

#[test]
fn unknown_keys_are_told_and_never_shown() {
    let kept = walked(r#"{"resourceType":"Patient","MRN-12345":{"x9":"v"}}"#);
    assert_eq!(kept.unknown, ["MRN-12345", "x9"]);
    assert_eq!(kept.leaves.last().expect("leaf").0, "Patient.*.*");
}

fn shared(path: &str) -> Option<std::path::PathBuf> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").is_err(), "shared files are absent under CI");
    None
}

#[test]
fn our_rows_carry_out_every_row_of_the_field_map() {
    let Some(path) = shared("formats/phi-field-map.toml") else {
        eprintln!("skipped 61 rows: no field map here");
        return;
    };
    let map: toml::Value = toml::from_str(&std::fs::read_to_string(path).expect("reads")).expect("TOML");
    let ours = FieldTable::parse(include_str!("../../../../config/fields/fhir-r4.toml")).expect("table");
    let mut by_row: BTreeMap<&str, Vec<&Field>> = BTreeMap::new();
    for field in &ours.field {
        by_row.entry(&field.row).or_default().push(field);
    }
    for theirs in map["format"]["fhir-r4"]["field"].as_array().expect("rows") {
        let get = |key: &str| theirs.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let mine = by_row.remove(get("path")).unwrap_or_else(|| panic!("no row for `{}`", get("path")));
        let agrees = mine.iter().any(|f| {
            f.kind.as_str() == get("kind")
                && i64::from(f.points.0) == theirs["weight"].as_integer().unwrap_or(-1)
                && format!("{:?}", f.whose).to_lowercase() == get("who")
                && (get("redact") == "-" || format!("{:?}", f.redact).to_lowercase() == get("redact"))
        });
        assert!(agrees, "no row of ours has kind, weight, who and redact of `{}`", get("path"));
    }
    assert!(by_row.is_empty(), "rows of ours that carry out none of theirs: {:?}", by_row.keys());
}

/// Slow and obvious: a tree with paths. Every string and number, in document order.
fn reference(value: &serde_json::Value, path: &str, out: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Object(members) => {
            members.iter().for_each(|(k, v)| reference(v, &format!("{path}.{k}"), out))
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, v)| reference(v, &format!("{path}[{i}]"), out))
        }
        serde_json::Value::String(text) if !text.is_empty() => out.push((path.to_owned(), text.clone())),
        serde_json::Value::Number(_) => out.push((path.to_owned(), String::new())),
        _ => {}
    }
}

#[test]
fn the_walker_agrees_with_a_tree_on_the_samples() {
    let Some(folder) = shared("samples/fhir-r4-json") else {
        eprintln!("skipped 282 samples: none here");
        return;
    };
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("reads") {
        let path = file.expect("entry").path();
        let mut bytes = std::fs::read(&path).expect("reads");
        if crate::inspect::decode::is_gzip(&bytes) {
            let mut out = Vec::new();
            flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut out).expect("gzip");
            bytes = out;
        }
        let text = std::str::from_utf8(&bytes).expect("UTF-8").trim_start_matches('\u{feff}');
        let Ok(tree) = serde_json::from_str::<serde_json::Value>(text) else { continue };
        if !recognise(&bytes) {
            continue;
        }
        let mut kept = Kept::default();
        walk(&bytes, &RuleSet::built_in().fhir, &mut kept).expect("walks");
        let mut want = Vec::new();
        reference(&tree, tree["resourceType"].as_str().unwrap_or_default(), &mut want);
        let mut want: Vec<_> =
            want.into_iter().map(|(p, v)| (p.trim_start_matches('.').to_owned(), v)).collect();
        let mut have: Vec<(String, String)> = kept
            .leaves
            .iter()
            .zip(&kept.spans)
            .filter(|(leaf, _)| !leaf.1.is_empty())
            .map(|(leaf, span)| {
                let raw = std::str::from_utf8(&bytes[span.clone()]).expect("UTF-8");
                let is_string =
                    bytes.get(span.end) == Some(&b'"') && span.start > 0 && bytes[span.start - 1] == b'"';
                if is_string {
                    assert_eq!(
                        serde_json::from_str::<String>(&format!("\"{raw}\"")).expect("string"),
                        leaf.1
                    );
                }
                (leaf.0.clone(), if is_string { leaf.1.clone() } else { String::new() })
            })
            .collect();
        // The tree knows no unknown keys: places with `*` are compared by value alone.
        let blur = |list: &mut Vec<(String, String)>, unknown: bool| {
            if unknown {
                list.iter_mut().for_each(|(p, _)| p.clear());
            }
            list.sort();
        };
        let unknown = have.iter().any(|(p, _)| p.contains('*'));
        blur(&mut have, unknown);
        blur(&mut want, unknown);
        assert_eq!(have.len(), want.len(), "{}", path.display());
        assert!(have == want, "{}", path.display());
        seen += 1;
    }
    assert!(seen > 250, "{seen}");
}

#[test]
fn a_document_cut_anywhere_is_an_error_and_no_panic() {
    let doc = r#"{"resourceType":"Patient","name":[{"family":"F\u00e9","given":["G"]}],"birthDate":"1962"}"#;
    for end in 0..doc.len() {
        let mut kept = Kept::default();
        assert!(walk(&doc.as_bytes()[..end], &RuleSet::built_in().fhir, &mut kept).is_err(), "{end}");
        assert!(kept.leaves.is_empty());
    }
}
