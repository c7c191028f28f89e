//! What an XML document holds, found slowly by another reader; and a sink that keeps all it is told.

use crate::inspect::kind::{Kind, Redact, Whose};
use crate::inspect::walk::{Declared, Leaf, PersonId, Reads, Role, Sink};
use quick_xml::events::Event;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A leaf kept.
#[derive(Debug, Clone)]
pub(in crate::inspect::walk) struct Kept {
    pub(in crate::inspect::walk) place: String,
    pub(in crate::inspect::walk) value: String,
    pub(in crate::inspect::walk) span: Range<usize>,
    pub(in crate::inspect::walk) row: Option<(String, Kind, u16)>,
    pub(in crate::inspect::walk) person: PersonId,
    pub(in crate::inspect::walk) reads: String,
}

/// A sink that keeps all it is told.
#[derive(Debug, Default)]
pub(in crate::inspect::walk) struct Keep {
    pub(in crate::inspect::walk) roles: Vec<Role>,
    pub(in crate::inspect::walk) leaves: Vec<Kept>,
    pub(in crate::inspect::walk) clinical: Vec<PersonId>,
    pub(in crate::inspect::walk) declared: Vec<(Declared, String)>,
    pub(in crate::inspect::walk) unknown: Vec<String>,
}

impl Sink for Keep {
    fn person(&mut self, id: PersonId, role: Role) {
        assert_eq!(id.0 as usize, self.roles.len(), "persons come in order");
        self.roles.push(role);
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        assert!(leaf.person == PersonId::NOBODY || (leaf.person.0 as usize) < self.roles.len());
        self.leaves.push(Kept {
            place: place(),
            value: leaf.value.clone().into_owned(),
            span: leaf.span.clone(),
            row: leaf.field.map(|f| (f.id.clone(), f.kind, f.points.0)),
            person: leaf.person,
            reads: match leaf.reads {
                Reads::Base64(media) => format!("Base64 {media}"),
                reads => format!("{reads:?}"),
            },
        });
    }

    fn clinical(&mut self, person: PersonId) {
        assert!((person.0 as usize) < self.roles.len());
        self.clinical.push(person);
    }

    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
        self.declared.push((mode, place()));
    }

    fn unknown_key(&mut self, key: &str, _: Range<usize>, _: PersonId, _: &dyn Fn() -> String) {
        self.unknown.push(key.to_owned());
    }
}

impl Keep {
    /// The leaf of a value.
    pub(in crate::inspect::walk) fn of(&self, value: &str) -> &Kept {
        self.leaves
            .iter()
            .find(|leaf| leaf.value == value)
            .unwrap_or_else(|| panic!("no {value}: {:#?}", self.leaves))
    }

    /// The row of a value, without the format, and its person.
    pub(in crate::inspect::walk) fn row(&self, value: &str) -> (&str, PersonId) {
        let kept = self.of(value);
        let id = kept.row.as_ref().map_or("", |(id, ..)| id.split_once('.').map_or("", |(_, id)| id));
        (id, kept.person)
    }
}

/// Attributes, texts and comments of a document, in an order of their own.
pub(in crate::inspect::walk) fn values(doc: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(doc.trim_start_matches('\u{feff}'));
    let undone = |raw: &str| quick_xml::escape::unescape(raw).unwrap().into_owned();
    let mut out = Vec::new();
    let mut open: Vec<(Vec<String>, bool)> = vec![(Vec::new(), true)];
    // quick-xml gives references as events of their own: one run of text is put together again.
    let mut run: Option<String> = None;
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Text(text) => run.get_or_insert_default().push_str(text),
            Event::GeneralRef(reference) => {
                let name: &str = reference;
                run.get_or_insert_default().push_str(&format!("&{name};"));
            }
            _ => {
                if let Some(text) =
                    run.take().filter(|text| !text.trim_matches([' ', '\t', '\r', '\n']).is_empty())
                {
                    open.last_mut().unwrap().0.push(undone(&text));
                }
            }
        }
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                for attribute in tag.attributes() {
                    let attribute = attribute.unwrap();
                    let value = undone(&attribute.value);
                    let declares = attribute.key.as_ref().starts_with("xmlns");
                    if !declares || !["http://", "urn:"].iter().any(|known| value.starts_with(known)) {
                        out.push(value);
                    }
                }
                open.last_mut().unwrap().1 = true;
                if matches!(event, Event::Start(_)) {
                    open.push((Vec::new(), false));
                }
            }
            Event::End(_) => {
                let (texts, elements) = open.pop().unwrap();
                if elements {
                    out.extend(texts)
                } else if !texts.is_empty() {
                    out.push(texts.concat())
                }
            }
            Event::CData(text) => open.last_mut().unwrap().0.push(text.to_string()),
            Event::Comment(text) => out.push(text.to_string()),
            Event::PI(text) => out.push(text.content().trim_start().to_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    out.sort();
    out
}

/// Demands a row of ours for each row of a format of the published map, and none else but those for what `extra` begins.
pub(in crate::inspect::walk) fn rows_are_carried_out(
    shared: &Path,
    format: &str,
    ours: &[crate::inspect::field::Field],
    asked: impl Fn(&str) -> bool,
) {
    let map = std::fs::read_to_string(shared.join("formats/phi-field-map.toml")).unwrap();
    let map: toml::Table = toml::from_str(&map).unwrap();
    let theirs = map["format"][format]["field"].as_array().unwrap();
    let mut count = 0;
    for row in theirs {
        let text = |key: &str| row[key].as_str().unwrap().to_owned();
        if !asked(&text("path")) {
            continue;
        }
        let wanted = (text("kind"), row["weight"].as_integer().unwrap(), text("who"), text("redact"));
        let mine: Vec<_> = ours
            .iter()
            .filter(|field| field.row == text("path"))
            .map(|field| {
                (
                    field.kind.as_str().to_owned(),
                    i64::from(field.points.0),
                    whose_word(field.whose).to_owned(),
                    redact_word(field.redact).to_owned(),
                )
            })
            .collect();
        // A whole name is carried out by its parts where the format writes it in parts alone.
        let part = |kind: &str, points| mine.iter().any(|m| m.0 == kind && m.1 == points);
        let in_parts = wanted.0 == "full-name" && part("family-name", 30) && part("given-name", 20);
        assert!(in_parts || mine.contains(&wanted), "{}: wanted {wanted:?}, got {mine:?}", text("path"));
        count += 1;
    }
    assert!(count > 0);
    let strangers = ours
        .iter()
        .filter(|field| field.points.0 > 0 && field.kind != Kind::ServiceDate)
        .filter(|field| !theirs.iter().any(|row| row["path"].as_str() == Some(&field.row)));
    let strangers: Vec<_> = strangers.map(|field| &field.id).collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}

/// The shared folder, where it is there.
pub(in crate::inspect::walk) fn shared(what: &str) -> Option<PathBuf> {
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
