//! FHIR in XML tells what the same document in JSON tells.

use super::super::tests::{Keep, Kept, field_table};
use super::super::{Table, walk, walk_tape};
use super::*;
use crate::inspect::walk::Role;
use crate::inspect::walk::xml::XML_DEPTH_MAX;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

fn walked(doc: &[u8]) -> Keep {
    let table = Table::new(&field_table()).unwrap();
    let tape = xml::Tape::read(doc, XML_DEPTH_MAX).unwrap();
    let mut keep = Keep::default();
    walk_tape(&shaped(&tape, &table).unwrap(), &table, None, &mut keep);
    keep
}

#[test]
fn a_patient_reads_as_in_json() {
    let doc = r#"<?xml version="1.0"?><!-- of Ann's record --><f:Patient xmlns:f="http://hl7.org/fhir"><f:id value="p1"/>
        <f:text><f:status value="generated"/><div xmlns="http://www.w3.org/1999/xhtml"><p>Ann Ashdown</p></div></f:text>
        <f:identifier><f:type><f:coding><f:code value="MR"/></f:coding></f:type><f:value value="00123"/></f:identifier>
        <f:name id="n1"><f:family value="D&apos;Arcy &#38; Co"><f:extension url="http://x.example/own-prefix"><f:valueString
          value="VV"/></f:extension></f:family><f:given value="Ann"/><f:given value="B."/></f:name>
        <f:birthDate value="1961-04-12"/><f:deceasedBoolean value="false"/><f:multipleBirthInteger value="2"/>
        <f:contact><f:name><f:family>Ashdown</f:family></f:name></f:contact></f:Patient>"#;
    let kept = walked(doc.as_bytes());
    let at = |place: &str| kept.at(place).clone();
    let raw = |kept: &Kept| doc.get(kept.span.clone()).unwrap();
    assert_eq!(kept.row("Patient.identifier[0].value").0, "patient-mrn");
    let family = at("Patient.name[0].family");
    assert_eq!((family.value.as_str(), raw(&family)), ("D'Arcy & Co", "D&apos;Arcy &#38; Co"));
    assert_eq!(at("Patient.name[0].family.extension[0].valueString").cue, "own-prefix");
    assert_eq!(at("Patient.name[0].given[1]").value, "B.");
    assert_eq!(at("Patient.name[0].id").reads, "Opaque");
    assert_eq!(at("Patient.resourceType").value, "Patient");
    let narrative = at("Patient.text.div");
    assert_eq!((narrative.reads.as_str(), raw(&narrative)), ("Xhtml", "<p>Ann Ashdown</p>"));
    assert_eq!(at("Patient.deceasedBoolean").reads, "Code");
    assert_eq!(at("Patient.multipleBirthInteger").reads, "Quantity");
    assert_eq!(kept.row("Patient.contact[0].name.family").0, "contact-name");
    assert_eq!(
        (at("Patient.comment").reads.as_str(), raw(&at("Patient.comment"))),
        ("Text", " of Ann's record ")
    );
    assert!(kept.unknown.is_empty(), "{:?}", kept.unknown);
}

#[test]
fn resources_stand_in_place_of_what_holds_them() {
    let kept = walked(
        br##"<Bundle xmlns="http://hl7.org/fhir"><entry><fullUrl value="urn:uuid:1"/><resource><Patient><name><family value="Beta"/>
        </name></Patient></resource></entry><entry><resource><Observation><contained><Patient><id value="p"/><name><text value="Pia"/>
        </name></Patient></contained><contained><Device><id value="d"/></Device></contained><subject><reference value="#p"/>
        </subject><valueString value="x"/></Observation></resource></entry><entry><resource><Condition><subject><reference
        value="urn:uuid:1"/></subject></Condition></resource></entry></Bundle>"##,
    );
    let person = |place: &str| kept.at(place).person;
    let pia = person("Bundle.entry[1].resource.contained[0].name[0].text");
    assert_eq!(person("Bundle.entry[1].resource.valueString"), pia);
    let beta = person("Bundle.entry[0].resource.name[0].family");
    assert_ne!(beta, pia);
    assert_eq!(kept.clinical, [pia, beta]);
}

#[test]
fn what_fhir_has_no_place_for_is_told_all_the_same() {
    let kept = walked(
        br#"<Patient xmlns="http://hl7.org/fhir" xmlns:a="urn:someone:ann"><name nick="Mimi">called Mi<family value="Q"/></name>
        <ssn value="412-21-3456"/><name><given value="R"/></name></Patient>"#,
    );
    let values: Vec<_> = kept.leaves.iter().map(|leaf| (leaf.place.as_str(), leaf.value.as_str())).collect();
    for wanted in [
        ("Patient.*", "urn:someone:ann"),
        ("Patient.name[0].*", "Mimi"),
        ("Patient.name[0].value", "called Mi"),
        ("Patient.name[0].family", "Q"),
        ("Patient.*", "412-21-3456"),
        ("Patient.name[1].given[0]", "R"),
    ] {
        assert!(values.contains(&wanted), "{wanted:?} of {values:?}");
    }
}

#[test]
fn fhir_is_known_by_its_namespace_and_without_one_by_its_declared_type() {
    let table = Table::new(&field_table()).unwrap();
    let known = |doc: &str, declared| {
        recognise_xml(&xml::Tape::read(doc.as_bytes(), XML_DEPTH_MAX).unwrap(), declared, &table)
    };
    assert!(known("<Patient xmlns='http://hl7.org/fhir'/>", false));
    assert!(known("<f:Patient xmlns:f='http://hl7.org/fhir'/>", false));
    assert!(known("<Patient/>", true));
    assert!(!known("<Patient/>", false));
    assert!(!known("<Patients/>", true));
    assert!(!known("<Patient xmlns='urn:x'/>", true));
}

#[test]
fn samples_say_the_same_in_xml_as_in_json() {
    let Some(shared) = shared("the samples") else { return };
    let table = Table::new(&field_table()).unwrap();
    let (mut files, mut exact) = (0, 0);
    for entry in std::fs::read_dir(shared.join("samples/fhir-r4-json")).unwrap() {
        let path = entry.unwrap().path();
        let doc = read(&path);
        let text = std::str::from_utf8(&doc).unwrap();
        let tree: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        let Some(kind) = tree.get("resourceType").and_then(Value::as_str) else { continue };
        let mut in_json = Keep::default();
        walk(tree.to_string().as_bytes(), &table, &mut in_json).unwrap();
        let mut written = String::new();
        write(kind, &tree, true, &mut written);
        let written = written.replacen('>', " xmlns=\"http://hl7.org/fhir\">", 1);
        let in_xml = walked(written.as_bytes());
        // A few of the samples have in JSON one object where R4 has a list.
        exact += usize::from(told(&in_xml, "") == told(&in_json, ""));
        let (ours, theirs) = (told(&in_xml, "[0]"), told(&in_json, "[0]"));
        let other = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
        assert!(other.is_none() && ours.len() == theirs.len(), "{}: {other:#?}", path.display());
        for leaf in &in_xml.leaves {
            let raw = written.get(leaf.span.clone()).unwrap();
            assert_eq!(xml::unescape(raw), xml::unescape(&leaf.value), "{}", path.display());
        }
        files += 1;
    }
    assert!(files > 200 && exact + 10 > files, "{exact} of {files} files");
}

type Told = (String, String, String, String, String, String, usize);

/// All that was told, in an order of its own, persons numbered by it. XML has no key for a primitive's extensions,
/// and of narrative it tells what stands inside the `div`.
fn told(keep: &Keep, without: &str) -> Vec<Told> {
    let mut told: Vec<_> = keep
        .leaves
        .iter()
        .map(|leaf| {
            let place = leaf.place.replace("._", ".");
            let person = leaf.person.0 as usize;
            let role = keep.roles.get(person).map_or("nobody", |role| match role {
                Role::Patient => "patient",
                Role::RelativeOf(_) => "relative of",
                Role::Relative => "relative",
            });
            let clinical = keep.clinical.contains(&leaf.person);
            (
                if without.is_empty() { place } else { place.replace(without, "") },
                // JSON has the tag of the narrative in its value, XML around it.
                if leaf.cue == "div" { String::new() } else { leaf.value.clone() },
                format!("{:?}", leaf.row),
                leaf.reads.clone(),
                leaf.cue.trim_start_matches('_').to_owned(),
                format!("{role} {clinical}"),
                person,
            )
        })
        .collect();
    told.sort();
    let mut persons: Vec<usize> = Vec::new();
    for told in &mut told {
        let known = persons.iter().position(|person| *person == told.6);
        told.6 = known.unwrap_or_else(|| {
            persons.push(told.6);
            persons.len() - 1
        });
    }
    told
}

/// A value as XML has it (FHIR R4, section 2.1.4), slowly.
fn write(name: &str, value: &Value, resource: bool, out: &mut String) {
    let Value::Object(members) = value else {
        match value {
            Value::String(text) => out.push_str(&format!("<{name} value=\"{}\"/>", escaped(text))),
            value => out.push_str(&format!("<{name} value=\"{value}\"/>")),
        }
        return;
    };
    out.push_str(&format!("<{name}"));
    let attribute = |key: &str| !resource && (key == "id" || key == "url" && name.ends_with("xtension"));
    for (key, value) in members {
        if attribute(key) {
            out.push_str(&format!(" {key}=\"{}\"", escaped(value.as_str().unwrap())));
        }
    }
    out.push('>');
    for (key, value) in members {
        let more = members.get(&format!("_{key}"));
        let alone = key.strip_prefix('_').filter(|key| !members.contains_key(*key));
        match (key.as_str(), value) {
            ("resourceType", _) => {}
            (key, _) if attribute(key) || (key.starts_with('_') && alone.is_none()) => {}
            ("div", Value::String(markup)) => out.push_str(markup),
            (_, Value::Array(list)) => {
                for (number, value) in list.iter().enumerate() {
                    let more = more.and_then(|more| more.get(number));
                    member(alone.unwrap_or(key), value, more, out);
                }
            }
            (key, value) => member(alone.unwrap_or(key), value, more, out),
        }
    }
    out.push_str(&format!("</{name}>"));
}

fn member(name: &str, value: &Value, more: Option<&Value>, out: &mut String) {
    let more = more.filter(|more| !more.is_null());
    if let Some(kind) = value.get("resourceType").and_then(Value::as_str) {
        out.push_str(&format!("<{name}>"));
        write(kind, value, true, out);
        out.push_str(&format!("</{name}>"));
    } else if let Some(more) = more {
        let from = out.len();
        write(name, more, false, out);
        if !value.is_null() {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            out.insert_str(from + 1 + name.len(), &format!(" value=\"{}\"", escaped(&text)));
        }
    } else {
        write(name, value, false, out);
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;");
    text.replace('\r', "&#13;").replace('\n', "&#10;").replace('\t', "&#9;")
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
