//! Walkers of JSON against a slow, obvious tree: every string, number and boolean comes once, with its value, its bytes
//! and its place. Over the samples, where they are, and over trees made by a seeded generator.

use super::json::{JSON_DEPTH_MAX, Tape};
use super::named::reference::shared;
use super::object::{self, normal_key};
use super::{Declared, Leaf, PersonId, Role, Sink, dicom, fhir};
use crate::inspect::RuleSet;
use serde_json::{Map, Value, json};
use std::ops::Range;

/// Place, value and bytes of each leaf.
#[derive(Default)]
struct Keep {
    persons: u32,
    leaves: Vec<(String, String, Range<usize>)>,
}

impl Sink for Keep {
    fn person(&mut self, id: PersonId, _: Role) {
        assert_eq!(id.0, self.persons, "persons come in order");
        self.persons += 1;
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        assert!(leaf.person == PersonId::NOBODY || leaf.person.0 < self.persons, "nobody was announced");
        self.leaves.push((place(), leaf.value.to_string(), leaf.span.clone()));
    }

    fn clinical(&mut self, _: PersonId) {}
    fn declared(&mut self, _: Declared, _: &dyn Fn() -> String) {}
    fn unknown_key(&mut self, _: &str, _: Range<usize>, _: PersonId, _: &dyn Fn() -> String) {}
}

/// Leaves of a tree: place, by what a key is called there, and value.
fn leaves(tree: &Value, root: &str, called: &dyn Fn(&str) -> String) -> Vec<(String, String)> {
    match tree {
        Value::Null => Vec::new(),
        Value::String(text) => vec![(root.to_owned(), text.clone())],
        Value::Object(members) => members
            .iter()
            .flat_map(|(key, v)| leaves(v, &format!("{root}.{}", called(key)), called))
            .collect(),
        Value::Array(elements) => {
            let each = elements.iter().enumerate();
            each.flat_map(|(n, v)| leaves(v, &format!("{root}[{n}]"), called)).collect()
        }
        leaf => vec![(root.to_owned(), leaf.to_string())],
    }
}

/// Demands that a walker told what the tree has.
fn agree(doc: &str, kept: &Keep, root: &str, called: &dyn Fn(&str) -> String) {
    let tree: Value = serde_json::from_str(doc.trim_start_matches('\u{feff}')).expect("JSON");
    let mut theirs = leaves(&tree, root, called);
    theirs.retain(|(_, value)| !value.is_empty());
    let mut ours = Vec::new();
    for (place, value, span) in kept.leaves.iter().filter(|(_, value, _)| !value.is_empty()) {
        let raw = doc.get(span.clone()).expect("inside");
        let quoted = doc.get(..span.start).is_some_and(|before| before.ends_with('"'));
        let again: Value = serde_json::from_str(&if quoted { format!("\"{raw}\"") } else { raw.to_owned() })
            .expect("a value");
        // A token's payload is told in the place of the token.
        let said = again.as_str().map_or_else(|| again.to_string(), str::to_owned);
        assert!(said == *value || said.split('.').any(|part| part == value), "{place}");
        ours.push((place.clone(), said));
    }
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

fn tape(doc: &str) -> Tape<'_> {
    Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).expect("JSON")
}

fn by_object(doc: &str, table: &object::Table) {
    let mut kept = Keep::default();
    object::walk_tape(&tape(doc), table, &mut kept);
    agree(doc, &kept, "$", &|key| match normal_key(key) {
        known if table.has(&known) => known,
        _ => "*".to_owned(),
    });
}

fn by_fhir(doc: &str) {
    let mut kept = Keep::default();
    let table = &RuleSet::built_in().fhir;
    fhir::walk_tape(&tape(doc), table, None, &mut kept);
    let tree: Value = serde_json::from_str(doc).expect("JSON");
    let root = tree["resourceType"].as_str().filter(|kind| table.knows(kind)).unwrap_or("*");
    agree(doc, &kept, root, &|key| if table.shows(key) { key.to_owned() } else { "*".to_owned() });
}

fn by_dicom(doc: &str) {
    let mut kept = Keep::default();
    let table = &RuleSet::built_in().dicom;
    dicom::walk_tape(&tape(doc), table, &mut kept);
    agree(doc, &kept, "$", &|key| dicom::called(key, table));
}

/// Numbers that look random, the same for the same seed.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % n as u64).expect("small")
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn tree(&mut self, depth: usize, keys: &[&str]) -> Value {
        match self.below(if depth == 0 { 5 } else { 9 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(100_000)),
            3 | 4 => json!(self.one(&[
                "Okafor",
                "1962-06-22",
                "a \"quoted\" \u{e9}",
                "x\\y\n",
                "patient/1",
                "E08738432"
            ])),
            5 => Value::Array((0..self.below(4)).map(|_| self.tree(depth - 1, keys)).collect()),
            _ => self.object(depth, keys),
        }
    }

    fn object(&mut self, depth: usize, keys: &[&str]) -> Value {
        let mut members = Map::new();
        for _ in 0..self.below(6) {
            let key = self.one(keys).to_owned();
            let value = self.tree(depth.saturating_sub(1), keys);
            members.insert(key, value);
        }
        Value::Object(members)
    }
}

const KEYS: &[&str] = &[
    "name",
    "firstName",
    "Patient",
    "address",
    "value",
    "identifier",
    "type",
    "label",
    "guarantor",
    "provider",
    "Ann's key 7",
    "access_token",
    "active",
    "iss",
    "sub",
    "scope",
    "id_token",
    "extension",
    "birthDate",
    "_birthDate",
    "resourceType",
    "contained",
    "reference",
    "subject",
    "data",
    "contentType",
    "k\"q",
];

#[test]
fn objects_of_no_known_kind_and_tokens_agree_with_a_tree() {
    let rules = RuleSet::built_in();
    let mut seeded = Seeded(1);
    for _ in 0..2_000 {
        let doc = seeded.object(6, KEYS).to_string();
        by_object(&doc, &rules.objects);
        by_object(&doc, &rules.redox);
    }
    by_object(
        r#"{"access_token":"x","patient":"p1","id_token":"e30.eyJzdWIiOiJ4In0.c2ln","expires_in":3600}"#,
        &rules.objects,
    );
}

#[test]
fn redox_samples_agree_with_a_tree() {
    let Some(shared) = shared("the samples") else { return };
    let mut files = 0;
    for entry in std::fs::read_dir(shared.join("samples/redox-json")).expect("reads") {
        let doc = std::fs::read_to_string(entry.expect("an entry").path()).expect("text");
        let doc = doc.trim_start_matches('\u{feff}');
        by_object(doc, &RuleSet::built_in().redox);
        by_object(doc, &RuleSet::built_in().objects);
        files += 1;
    }
    assert!(files > 20, "{files}");
}

#[test]
fn cds_hooks_and_resources_of_any_shape_agree_with_a_tree() {
    let mut seeded = Seeded(2);
    for _ in 0..1_000 {
        let (resource, prefetch) = (seeded.object(5, KEYS), seeded.object(4, KEYS));
        let hook = json!({"hook": "order-sign", "hookInstance": "d1577c69", "fhirAuthorization": {"access_token": "t"},
            "context": {"patientId": "p1", "drafts": {"resourceType": "Bundle", "entry": [{"resource": resource}]}},
            "prefetch": {"who": {"resourceType": "Patient", "id": "p1", "name": [{"family": "Okafor"}]}, "odd key": prefetch}});
        by_fhir(&hook.to_string());
        let cards = json!({"cards": [{"summary": "due", "source": {"label": "x"}, "suggestions": [{"label": "y", "actions": [{"resource": resource}]}]}]});
        by_fhir(&cards.to_string());
    }
}

#[test]
fn data_sets_of_dicom_agree_with_a_tree() {
    let mut seeded = Seeded(3);
    let tags =
        ["00100010", "00100020", "00100030", "00081140", "00400275", "00091001", "7FE00010", "00404001"];
    for _ in 0..1_000 {
        let mut sets = Vec::new();
        for _ in 0..=seeded.below(3) {
            let mut set = Map::new();
            for _ in 0..=seeded.below(5) {
                let vr = seeded.one(&["PN", "LO", "DA", "SQ", "UI", "OW", "DS"]);
                let member = seeded.one(&["Value", "Value", "BulkDataURI", "InlineBinary", "odd"]);
                let value = seeded.tree(3, &["Alphabetic", "00100010", "vr", "Value", "odd key"]);
                set.insert(seeded.one(&tags).to_owned(), json!({"vr": vr, member: value}));
            }
            sets.push(Value::Object(set));
        }
        by_dicom(&Value::Array(sets).to_string());
    }
}

#[test]
fn patches_tell_every_value_of_theirs_once() {
    let rules = RuleSet::built_in();
    let mut seeded = Seeded(4);
    let paths = [
        "/name/0/family",
        "/name/0/given/-",
        "/telecom/1",
        "/birthDate",
        "",
        "/0/x",
        "/a~1b/3/4",
        "/extension/0/valueString",
        "/ssn 7",
    ];
    for number in 0..2_000 {
        let mut operations = Vec::new();
        for _ in 0..=seeded.below(4) {
            let (op, path) = (seeded.one(&["add", "replace", "test", "move"]), seeded.one(&paths));
            operations
                .push(json!({"op": op, "path": path, "value": seeded.tree(4, KEYS), "from": "/gender"}));
        }
        let doc = Value::Array(operations).to_string();
        let tape = tape(&doc);
        let aim = if number % 2 == 0 { "Patient" } else { "" };
        let patch =
            fhir::patched(&tape, "application/json", aim, &rules.fhir).expect("a patch").expect("not deep");
        let mut kept = Keep::default();
        patch.walk(&tape, &rules.fhir, &rules.objects, &mut kept);
        // What the document doesn't spell out has no bytes.
        kept.leaves.retain(|(_, _, span)| !span.is_empty());
        let tree: Value = serde_json::from_str(&doc).expect("JSON");
        let sorted = |mut values: Vec<String>| {
            values.retain(|value| !value.is_empty());
            values.sort();
            values
        };
        let theirs = leaves(&tree, "", &|_| String::new()).into_iter().map(|(_, value)| value).collect();
        let ours = kept.leaves.into_iter().map(|(_, value, _)| value).collect();
        assert_eq!(sorted(ours), sorted(theirs), "{doc}");
    }
}
