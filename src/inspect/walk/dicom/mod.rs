//! DICOM in JSON (PS3.18 annex F) and in XML (PS3.19 annex A): answers of DICOMweb searches, and metadata of studies.
//!
//! - Takes: a document, and the rows of `config/fields/dicomweb.toml` as a [`Table`] (its notation is told there).
//! - Gives: every string, number and boolean once. What no row covers reads by its value representation.
//! - Persons: one for each data set at the top; data sets with the same patient id are of one.
//! - In doubt: text. Attributes of private groups are text, whatever they say they are.
//! - Cost: one pass over a flat tape.

mod keywords;
mod table;
mod xml;

#[cfg(test)]
mod tests;

pub use table::Table;
pub use xml::{is_known_element, recognise_xml, walk_xml};

use super::json::{JSON_DEPTH_MAX, MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use super::{Leaf, PersonId, Reads, Role, Sink, WalkError};
use crate::inspect::kind::{Kind, Whose};
use std::borrow::Cow;
use std::collections::HashMap;
use table::{Row, Tag};

/// Whether a document is DICOM JSON: a data set, or a list of them.
#[must_use]
pub fn recognise(tape: &Tape<'_>) -> bool {
    match tape.kind(NodeId::ROOT) {
        NodeKind::Object => is_data_set(tape, NodeId::ROOT),
        NodeKind::Array => tape.children(NodeId::ROOT).next().is_some_and(|first| is_data_set(tape, first)),
        _ => false,
    }
}

/// Whether a value is a data set: an object whose members are all eight hex digits, or what the standard calls them, with
/// an object that tells a value representation.
#[must_use]
pub fn is_data_set(tape: &Tape<'_>, node: NodeId) -> bool {
    if tape.kind(node) != NodeKind::Object {
        return false;
    }
    let mut known = false;
    for member in tape.children(node) {
        let key = tape.key(member).unwrap_or_default();
        known |= Tag::called(&key).is_some();
        let is_attribute = match Tag::of(&key) {
            Some(_) => tape.get(member, "vr").is_some(),
            None => is_keyword(&key) && tape.string(member, "vr").is_some_and(|vr| is_vr(&vr)),
        };
        if !is_attribute {
            return false;
        }
    }
    known
}

/// Whether it is in the form of an attribute's keyword (PS3.6): `PatientBirthDate`.
fn is_keyword(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_uppercase()) && key.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether it is in the form of a value representation (PS3.5, section 6.2).
fn is_vr(vr: &str) -> bool {
    vr.len() == 2 && vr.bytes().all(|b| b.is_ascii_uppercase())
}

/// Walks a document.
///
/// # Errors
/// As [`Tape::read`]; the sink was told nothing then.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    walk_tape(&Tape::read(doc, JSON_DEPTH_MAX)?, table, sink);
    Ok(())
}

/// Walks a document that is read already.
pub fn walk_tape(tape: &Tape<'_>, table: &Table, sink: &mut dyn Sink) {
    Walk { tape, table, sink, open: Vec::new(), by_id: HashMap::new(), person: None, persons: 0 }.run();
}

struct Walk<'t, 'd, 's> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    sink: &'s mut dyn Sink,
    /// Attributes that are open, outermost first.
    open: Vec<Open>,
    /// Persons by patient id.
    by_id: HashMap<Cow<'d, str>, PersonId>,
    /// Of the data set at the top that is being read.
    person: Option<PersonId>,
    persons: u32,
}

struct Open {
    node: NodeId,
    after: NodeId,
    tag: Tag,
    row: Option<usize>,
}

impl<'t> Walk<'t, '_, '_> {
    fn run(mut self) {
        let list = self.tape.kind(NodeId::ROOT) == NodeKind::Array;
        for id in self.tape.nodes() {
            while self.open.last().is_some_and(|open| open.after <= id) {
                self.open.pop();
            }
            let top = if list { self.tape.parent(id) == Some(NodeId::ROOT) } else { id == NodeId::ROOT };
            if top {
                self.person = None;
            }
            let key = self.tape.key(id);
            let tag = key.as_deref().and_then(|key| self.tag(id, key));
            if let Some(key) = &key {
                self.tell_unknown(id, key, tag);
            }
            match (self.tape.kind(id), tag) {
                (NodeKind::Object | NodeKind::Array, Some(tag)) => self.enter(id, tag),
                (NodeKind::Object | NodeKind::Array | NodeKind::Null, _) => {}
                (NodeKind::String | NodeKind::Number | NodeKind::Bool, _) => self.leaf(id),
            }
        }
    }

    fn enter(&mut self, id: NodeId, tag: Tag) {
        let concept = if tag.is_of_content() { self.concept(id) } else { None };
        let row = concept.or_else(|| self.table.row(self.open.last().map(|open| open.tag), tag));
        self.open.push(Open { node: id, after: self.tape.after(id), tag, row });
        let clinical = row.and_then(|row| self.table.get(row)).is_some_and(|row| row.carry.is_clinical());
        if clinical && self.tape.get(id, "Value").is_some() {
            let person = self.person(id);
            self.sink.clinical(person);
        }
    }

    /// The row of a content item by the concept that names it: who the subject of a report is, and who observed (PS3.16,
    /// TID 1003 and 1007).
    fn concept(&self, attribute: NodeId) -> Option<usize> {
        let tape = self.tape;
        let item = tape.parent(attribute)?;
        let member = |of: NodeId, names: [&str; 2]| {
            let mut members = tape.children(of).take(MEMBERS_LOOKED_AT_MAX);
            members.find(|child| tape.key(*child).is_some_and(|key| names.contains(&&*key)))
        };
        let first = |of: NodeId, names| tape.children(tape.get(member(of, names)?, "Value")?).next();
        let code = first(item, ["0040A043", "ConceptNameCodeSequence"])?;
        let said = |names| first(code, names).map(|value| tape.value(value));
        let designator = said(["00080102", "CodingSchemeDesignator"]);
        let known =
            said(["00080100", "CodeValue"]).filter(|_| designator.is_some_and(|of| of.trim() == "DCM"));
        // A site's own code may have the standard's words.
        known
            .and_then(|code| self.table.concept(code.trim()))
            .or_else(|| self.table.concept(said(["00080104", "CodeMeaning"])?.trim()))
    }

    /// The tag of an attribute by its key; what is no attribute has none.
    fn tag(&self, id: NodeId, key: &str) -> Option<Tag> {
        let by_word = || Tag::called(key).filter(|_| self.tape.get(id, "vr").is_some());
        Tag::of(key).or_else(by_word)
    }

    /// Tells a key that is none of the format's, whatever stands under it.
    fn tell_unknown(&mut self, id: NodeId, key: &str, tag: Option<Tag>) {
        // An attribute says what it is: what else has eight hex digits for a key may be somebody's number.
        let is_tag = |tag| self.table.has(tag) || self.tape.get(id, "vr").is_some();
        if MEMBERS.contains(&key) || tag.is_some_and(is_tag) {
            return;
        }
        if let Some(span) = self.tape.key_span(id) {
            let person = self.person(id);
            let (tape, table) = (self.tape, self.table);
            let place = || place(tape, table, id);
            self.sink.unknown_key(key, span, person, &place);
        }
    }

    fn leaf(&mut self, id: NodeId) {
        let (tape, table) = (self.tape, self.table);
        let value = tape.value(id);
        let (member, row, vr) = match self.open.last() {
            Some(open) => (
                self.member(id, open.node),
                open.row.and_then(|row| table.get(row)),
                tape.string(open.node, "vr").unwrap_or_default(),
            ),
            None => (Cow::Borrowed(""), None, Cow::Borrowed("")),
        };
        let private = self.open.iter().any(|open| open.tag.is_private());
        let row = self.private_name(&vr, &member, &value, private).or(row);
        let reads = match (&*member, row.map(|row| row.carry)) {
            ("vr", _) => Reads::Code,
            ("BulkDataURI", _) => Reads::Query,
            ("InlineBinary", _) => Reads::Base64(""),
            _ if private && row.is_none_or(|row| row.field.kind != Kind::FullName) => Reads::Text,
            (_, Some(carry)) => carry.reads(),
            (_, None) => by_vr(&vr, tape.kind(id)),
        };
        let row = row.filter(|_| member != "vr");
        let person = match row.map(|row| row.field.whose) {
            Some(Whose::Provider | Whose::Organisation) => PersonId::NOBODY,
            _ if member == "vr" => PersonId::NOBODY,
            _ => self.person(id),
        };
        let field = row.map(|row: &Row| &row.field);
        let cue = tape.key(id).unwrap_or_default();
        let leaf = Leaf { span: tape.span(id), value, field, person, reads, cue: &cue };
        let place = || place(tape, table, id);
        self.sink.leaf(&leaf, &place);
        if member == "BulkDataURI" {
            self.sink.elsewhere("application/dicom", &place);
        }
    }

    /// The row of the patient's name for a person's name in a vendor's own attribute: by its representation, or written
    /// as such names are.
    fn private_name(&self, vr: &str, member: &str, value: &str, private: bool) -> Option<&'t Row> {
        let name = match vr {
            "PN" => !value.is_empty(),
            "LO" | "SH" | "LT" | "UN" => is_caret_name(value),
            _ => false,
        };
        if !(private && name && member == "Value") {
            return None;
        }
        let row = self.table.row(None, Tag::of("00100010")?)?;
        self.table.get(row)
    }

    /// The member of the attribute's object that a value stands in: `vr`, `Value`, `BulkDataURI`, `InlineBinary`.
    fn member(&self, id: NodeId, attribute: NodeId) -> Cow<'t, str> {
        let tape = self.tape;
        let mut at = id;
        while let Some(parent) = tape.parent(at) {
            if parent == attribute {
                return tape.key(at).unwrap_or_default();
            }
            at = parent;
        }
        Cow::Borrowed("")
    }

    /// The person of the data set at the top that holds a value.
    fn person(&mut self, id: NodeId) -> PersonId {
        if let Some(person) = self.person {
            return person;
        }
        let known = self.patient_id(id).and_then(|key| match self.by_id.get(&key) {
            Some(person) => Some(*person),
            None => {
                self.by_id.insert(key, PersonId(self.persons));
                None
            }
        });
        let person = known.unwrap_or_else(|| {
            let person = PersonId(self.persons);
            self.persons += 1;
            self.sink.person(person, Role::Patient);
            person
        });
        self.person = Some(person);
        person
    }

    fn patient_id(&self, id: NodeId) -> Option<Cow<'static, str>> {
        let mut top = id;
        while let Some(parent) = self.tape.parent(top) {
            if parent == NodeId::ROOT && self.tape.kind(NodeId::ROOT) == NodeKind::Array {
                break;
            }
            top = parent;
        }
        let attribute = self.tape.get(top, "00100020").or_else(|| self.tape.get(top, "PatientID"))?;
        let values = self.tape.get(attribute, "Value")?;
        let value = self.tape.value(self.tape.children(values).next()?).trim().to_owned();
        (!value.is_empty()).then_some(Cow::Owned(value))
    }
}

/// Tags and members of the format, `*` for any other key.
fn place(tape: &Tape<'_>, table: &Table, id: NodeId) -> String {
    let mut steps = Vec::new();
    let mut at = id;
    while let Some(parent) = tape.parent(at) {
        steps.push(match (tape.element(at), tape.key(at)) {
            (Some(number), _) => format!("[{number}]"),
            (None, key) => format!(".{}", called(&key.unwrap_or_default(), table)),
        });
        at = parent;
    }
    steps.push("$".to_owned());
    steps.into_iter().rev().collect()
}

/// A key as places show it.
pub(super) fn called(key: &str, table: &Table) -> String {
    if MEMBERS.contains(&key) {
        return key.to_owned();
    }
    Tag::called(key).filter(|tag| table.has(*tag)).map_or_else(|| "*".to_owned(), |tag| tag.to_string())
}

/// Whether a key may be one of the format's: a tag or a member.
#[must_use]
pub fn is_key(key: &str) -> bool {
    MEMBERS.contains(&key) || Tag::called(key).is_some()
}

/// `VANTERPOOL^RENITA`: words in capitals, or that begin with one, around a caret.
fn is_caret_name(value: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '\'' | ' ' | '.'))
    };
    let mut parts = value.trim_end_matches('^').split('^');
    let family = parts.next().is_some_and(|part| part.chars().count() >= 2 && word(part));
    let given = parts.next().is_some_and(|part| part.chars().count() >= 2 && word(part));
    family && given && parts.all(|part| part.is_empty() || word(part))
}

/// How a value reads by its representation where no row covers it (PS3.5, section 6.2).
fn by_vr(vr: &str, kind: NodeKind) -> Reads<'static> {
    match (vr, kind) {
        (_, NodeKind::Bool) | ("CS" | "AT", _) => Reads::Code,
        ("UI", _) => Reads::Opaque,
        ("DA" | "TM" | "DT", _) => Reads::Time,
        ("DS" | "IS" | "FL" | "FD" | "SL" | "SS" | "SV" | "UL" | "US" | "UV", NodeKind::Number) => {
            Reads::Quantity
        }
        _ => Reads::Text,
    }
}

/// Members of an attribute's object and of a name's.
const MEMBERS: &[&str] = &[
    "vr",
    "Value",
    "BulkDataURI",
    "InlineBinary",
    "Alphabetic",
    "Ideographic",
    "Phonetic",
    "FamilyName",
    "GivenName",
    "MiddleName",
    "NamePrefix",
    "NameSuffix",
];
