//! The walker against a slow, obvious reference over the samples, and the rows against the published field map. Both
//! need `../shared`: skipped with a printed line where it is absent, and failed there where `CI` is `true`.

use super::tests::{Keep, field_table};
use super::*;
use crate::inspect::kind::{Redact, Whose};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

#[test]
fn every_leaf_of_the_samples_comes_once_with_its_value_and_span() {
    let Some(shared) = shared("the samples") else { return };
    let table = Table::new(&field_table()).unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(shared.join("samples/fhir-r4-json")).unwrap() {
        let path = entry.unwrap().path();
        let doc = read(&path);
        let text = std::str::from_utf8(&doc).unwrap();
        let tree: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        let mut keep = Keep::default();
        walk(&doc, &table, &mut keep).unwrap();
        let mut theirs = Vec::new();
        let root = tree.get("resourceType").and_then(Value::as_str).unwrap_or("*");
        tree_leaves(&tree, &mut root.to_owned(), &mut theirs);
        let mut ours = Vec::new();
        for leaf in &keep.leaves {
            let raw = text.get(leaf.span.clone()).unwrap();
            let again = serde_json::from_str(&format!("\"{raw}\"")).map(Value::String).unwrap();
            let quoted = text.as_bytes().get(leaf.span.start.wrapping_sub(1)) == Some(&b'"');
            let value = if quoted { again } else { serde_json::from_str(raw).unwrap() };
            if let Value::String(value) = &value {
                assert_eq!(*value, leaf.value, "{}", path.display());
            }
            ours.push((leaf.place.clone(), value.to_string()));
        }
        let known = |key: &str| table.names.element(key) != Name::UNKNOWN;
        for (place, _) in &mut theirs {
            *place = starred(place, known, table.names.resource(root) != Name::UNKNOWN);
        }
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs, "{}", path.display());
        assert!(!keep.leaves.iter().any(|leaf| leaf.reads == "Hex"));
        files += 1;
    }
    assert!(files > 200, "{files} files");
}

#[test]
fn every_row_of_the_field_map_is_carried_out() {
    let Some(shared) = shared("the field map") else { return };
    let map: toml::Table =
        toml::from_str(&std::fs::read_to_string(shared.join("formats/phi-field-map.toml")).unwrap()).unwrap();
    let theirs = map["format"]["fhir-r4"]["field"].as_array().unwrap();
    let ours = field_table();
    for row in theirs {
        let path = row["path"].as_str().unwrap();
        let wanted = (
            row["kind"].as_str().unwrap(),
            row["weight"].as_integer().unwrap(),
            row["who"].as_str().unwrap(),
            row["redact"].as_str().unwrap(),
        );
        let mine: Vec<_> = ours
            .field
            .iter()
            .filter(|field| field.row == path)
            .map(|field| {
                // `-` is no value of its own: what it holds is judged by its own rows
                let redact = if wanted.3 == "-" { "-" } else { redact_word(field.redact) };
                (field.kind.as_str(), i64::from(field.points.0), whose_word(field.whose), redact)
            })
            .collect();
        assert!(mine.contains(&wanted), "{path}: wanted {wanted:?}, got {mine:?}");
    }
    let strangers: Vec<_> = ours
        .field
        .iter()
        .filter(|field| !field.row.starts_with("Beyond the map: "))
        .filter(|field| !theirs.iter().any(|row| row["path"].as_str() == Some(&field.row)))
        .map(|field| &field.id)
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    let mut ids: Vec<_> = ours.field.iter().map(|field| &field.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), ours.field.len(), "ids are used once");
}

#[test]
fn names_cover_the_samples() {
    let Some(shared) = shared("the samples") else { return };
    let table = Table::new(&field_table()).unwrap();
    let mut unknown = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(shared.join("samples/fhir-r4-json")).unwrap() {
        let mut keep = Keep::default();
        walk(&read(&entry.unwrap().path()), &table, &mut keep).unwrap();
        unknown.extend(keep.unknown.into_iter().map(|(key, _)| key));
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn cut_samples_are_refused_at_every_byte() {
    let Some(shared) = shared("the samples") else { return };
    let table = Table::new(&field_table()).unwrap();
    for name in [
        "hl7-Patient-example.json",
        "hl7-Bundle-bundle-transaction.json",
        "mstools-patient-special-content.json",
    ] {
        let doc = read(&shared.join("samples/fhir-r4-json").join(name));
        let end = doc.trim_ascii_end().len();
        for at in 0..end {
            let cut = doc.get(..at).unwrap();
            assert!(walk(cut, &table, &mut Keep::default()).is_err(), "{name} cut at {at}");
        }
    }
}

/// Strings, numbers and booleans of a tree with their paths.
fn tree_leaves(value: &Value, path: &mut String, out: &mut Vec<(String, String)>) {
    let length = path.len();
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (key, member) in members {
                path.push_str(&format!(".{}", key.replace('.', "\u{1}")));
                tree_leaves(member, path, out);
                path.truncate(length);
            }
        }
        Value::Array(elements) => {
            for (number, element) in elements.iter().enumerate() {
                path.push_str(&format!("[{number}]"));
                tree_leaves(element, path, out);
                path.truncate(length);
            }
        }
        leaf => out.push((path.clone(), leaf.to_string())),
    }
}

/// The path with `*` for unknown keys.
fn starred(path: &str, known: impl Fn(&str) -> bool, root: bool) -> String {
    let mut steps = path.split('.');
    let first = steps.next().unwrap();
    let mut out = if root { first.to_owned() } else { first.replacen(|c| c != '[', "*", 1) };
    for step in steps {
        let (key, number) = step.split_at(step.find('[').unwrap_or(step.len()));
        out.push('.');
        out.push_str(if known(key) { key } else { "*" });
        out.push_str(number);
    }
    out
}

fn read(path: &Path) -> Vec<u8> {
    let raw = std::fs::read(path).unwrap();
    if path.extension().is_some_and(|end| end == "gz") {
        let mut doc = Vec::new();
        flate2::read::GzDecoder::new(&raw[..]).read_to_end(&mut doc).unwrap();
        return doc;
    }
    raw
}

fn shared(what: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "../shared is absent");
    println!("skipped 1 test: ../shared is absent ({what})");
    None
}

fn whose_word(whose: Whose) -> &'static str {
    match whose {
        Whose::Patient => "patient",
        Whose::Relative => "relative",
        Whose::Provider => "provider",
        Whose::Organisation => "organisation",
        Whose::Any => "any",
    }
}

fn redact_word(redact: Redact) -> &'static str {
    match redact {
        Redact::Drop => "drop",
        Redact::Mask => "mask",
        Redact::Hash => "hash",
        Redact::Year => "year",
        Redact::Zip3 => "zip3",
        Redact::Keep => "keep",
    }
}
