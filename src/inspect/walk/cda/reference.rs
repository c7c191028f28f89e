//! The walker against a slow, obvious reference over the samples, and the rows against the published field map. Both
//! need `../shared`: skipped with a printed line where it is absent, and failed there where `CI` is `true`.

use super::tests::{Keep, field_table, table};
use super::*;
use crate::inspect::{Inspector, Message, RuleSet, decode::Budget};
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[test]
fn every_leaf_of_the_samples_comes_once_with_its_value_and_span() {
    let table = table();
    let samples = samples();
    for (name, text) in &samples {
        let mut keep = Keep::default();
        walk(text.as_bytes(), &table, &mut keep).unwrap();
        let mut theirs = leaves(text, &table);
        let mut ours: Vec<_> = keep
            .leaves
            .iter()
            .filter(|leaf| {
                leaf.place.contains('@') || leaf.place.ends_with(')') || !is_narrative(&leaf.place)
            })
            .map(|leaf| (leaf.place.clone(), leaf.value.clone()))
            .collect();
        for (_, value) in theirs
            .iter_mut()
            .chain(&mut ours)
            .filter(|(place, _)| place.contains("/telecom") && place.ends_with("/@value"))
        {
            *value = value.split_once(':').map_or(value.as_str(), |(_, rest)| rest).trim().to_owned();
        }
        ours.sort();
        theirs.sort();
        let differ = ours.iter().zip(&theirs).find(|(a, b)| a != b);
        assert!(differ.is_none() && ours.len() == theirs.len(), "{name}: {differ:?}");
        let tape = Tape::read(text.as_bytes(), XML_DEPTH_MAX).unwrap();
        for node in tape.nodes().filter(|n| tape.kind(*n) == NodeKind::Text) {
            let (span, trim) = (tape.span(node), tape.raw(node).trim());
            let start = span.start + tape.raw(node).find(trim).unwrap();
            let holding =
                keep.leaves.iter().filter(|l| l.span.start <= start && start + trim.len() <= l.span.end);
            assert_eq!(holding.count(), 1, "{name}: text at byte {start}");
        }
    }
    assert!(samples.is_empty() || samples.len() == 74, "{} files", samples.len());
}

#[test]
fn every_row_of_the_field_map_is_carried_out() {
    let Some(shared) = shared("the field map") else { return };
    let map: toml::Table =
        toml::from_str(&std::fs::read_to_string(shared.join("formats/phi-field-map.toml")).unwrap()).unwrap();
    let theirs = map["format"]["cda"]["field"].as_array().unwrap();
    let ours = field_table();
    let word = |debug: String| debug.to_lowercase();
    for row in theirs {
        let path = row["path"].as_str().unwrap();
        let agrees = ours.field.iter().filter(|field| field.row == path).any(|field| {
            field.kind.as_str() == row["kind"].as_str().unwrap()
                && i64::from(field.points.0) == row["weight"].as_integer().unwrap()
                && word(format!("{:?}", field.whose)) == row["who"].as_str().unwrap()
                && word(format!("{:?}", field.redact)) == row["redact"].as_str().unwrap()
        });
        assert!(agrees, "no row for {path} says what it says");
    }
    for field in &ours.field {
        assert!(
            theirs.iter().any(|row| row["path"].as_str() == Some(&field.row)),
            "{} names no row",
            field.id
        );
    }
}

#[test]
fn names_cover_the_samples() {
    let table = table();
    let mut unknown = std::collections::BTreeSet::new();
    for (_, text) in samples() {
        let mut keep = Keep::default();
        walk(text.as_bytes(), &table, &mut keep).unwrap();
        unknown.extend(keep.unknown.into_iter().map(|(key, _)| key));
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn who_is_named_in_a_sample_is_found_and_who_is_not_the_patient_is_let_pass() {
    let Some(shared) = shared("the samples") else { return };
    let manifest = std::fs::read_to_string(shared.join("samples/manifest.tsv")).unwrap();
    for line in manifest.lines().filter(|line| line.starts_with("ccda/")) {
        let mut columns = line.split('\t');
        let (name, subject) = (columns.next().unwrap(), columns.nth(1).unwrap());
        let body = std::fs::read(shared.join("samples").join(name)).unwrap();
        let message = Message { content_type: "text/xml", body: &body, ..Message::default() };
        let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message);
        let of_patient = |rule: &str| rule.starts_with("cda.patient-");
        match subject {
            "patient" => {
                assert!(found.findings.iter().any(|f| of_patient(&f.rule)), "{name}");
                // HL7's examples of made-up people say so by their values.
                let made_up = found.persons.iter().any(|p| p.made_up.is_some());
                assert!(made_up || found.points().0 >= 50, "{name}");
            }
            // A comment of the file may name its example's people: in text, and not enough to refuse it.
            "none" | "provider-or-organisation" => {
                let policy = crate::decide::Policy::of(crate::org::Flag::Development);
                assert_eq!(crate::decide::verdict(&found, &policy, &[]).reason, None, "{name}");
            }
            _ => assert!(!found.findings.iter().any(|f| of_patient(&f.rule)), "{name}"),
        }
    }
}

/// Attributes, comments and texts outside narratives with their places, by another reader.
fn leaves(text: &str, table: &Table) -> Vec<(String, String)> {
    let mut reader = quick_xml::Reader::from_str(text.trim_start_matches('\u{feff}'));
    reader.config_mut().expand_empty_elements = true;
    let undone = |raw: &str| quick_xml::escape::unescape(raw).unwrap().into_owned();
    let (mut path, mut counts, mut out) = (Vec::<String>::new(), vec![HashMap::new()], Vec::new());
    let mut run = String::new();
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Text(text) => {
                run.push_str(text);
                continue;
            }
            Event::GeneralRef(name) => {
                run.push_str(&format!("&{};", &**name));
                continue;
            }
            _ => {
                let told = undone(std::mem::take(&mut run).trim_ascii());
                if !told.is_empty() && !is_narrative(&path.join("/")) {
                    out.push((path.join("/"), told));
                }
            }
        }
        let here =
            |rest: &str| if path.is_empty() { rest.to_owned() } else { format!("{}/{rest}", path.join("/")) };
        match event {
            Event::Start(tag) => {
                let step = step(&tag, table, counts.last_mut().unwrap());
                path.push(step);
                counts.push(HashMap::new());
                for attribute in tag.attributes() {
                    let attribute = attribute.unwrap();
                    let key = attribute.key.as_ref().to_owned();
                    let local = key.rsplit(':').next().unwrap();
                    let known = !key.starts_with("xmlns") && table.names.attribute(local).is_some();
                    let place = format!("{}/@{}", path.join("/"), if known { local } else { "*" });
                    out.push((place, undone(&attribute.value)));
                }
            }
            Event::End(_) => {
                path.pop();
                counts.pop();
            }
            Event::Comment(comment) => out.push((here("comment()"), comment.trim_ascii().to_owned())),
            Event::PI(pi) => out.push((here("comment()"), pi.content().trim_ascii().to_owned())),
            Event::Eof => break,
            _ => {}
        }
    }
    out.retain(|(_, value)| !value.is_empty());
    out
}

fn step(tag: &BytesStart<'_>, table: &Table, counts: &mut HashMap<String, u32>) -> String {
    let local = tag.local_name().as_ref().to_owned();
    let name = if table.names.element(&local) == Name::UNKNOWN { "*".to_owned() } else { local };
    let count = counts.entry(name.clone()).or_insert(0);
    *count += 1;
    if *count > 1 { format!("{name}[{count}]") } else { name }
}

/// Whether a place lies in a narrative: in a `text`, but for a body that isn't XML.
fn is_narrative(place: &str) -> bool {
    let steps: Vec<_> = place.split('/').map(|step| step.split('[').next().unwrap()).collect();
    let at = steps.iter().position(|step| *step == "text");
    at.is_some_and(|at| at == 0 || steps[at - 1] != "nonXMLBody")
}

fn samples() -> Vec<(String, String)> {
    let Some(shared) = shared("the samples") else { return Vec::new() };
    let files = std::fs::read_dir(shared.join("samples/ccda")).unwrap();
    let paths = files.map(|entry| entry.unwrap().path());
    paths.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap())).collect()
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
