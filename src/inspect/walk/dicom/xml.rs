//! DICOM in XML, put in the arrangement of its JSON: `DicomAttribute`s are members by their tag, `Value`, `PersonName` and
//! `Item` elements of their list. What is none of these is told as text, nobody's.

use super::super::arranged::{Arranger, Name};
use super::super::json;
use super::super::xml::{NodeId, NodeKind, Tape};
use super::super::{Leaf, PersonId, Reads, Sink};
use super::table::{Table, Tag};
use super::{is_keyword, is_vr};
use std::ops::Range;

/// Whether a document is a data set in XML: by the name of its root.
#[must_use]
pub fn recognise_xml(tape: &Tape<'_>) -> bool {
    tape.local(tape.root()) == ROOT
}

/// Whether the model has an element of this name: then records may show it.
#[must_use]
pub fn is_known_element(name: &str) -> bool {
    ELEMENTS.contains(&name)
}

/// Walks a document.
pub fn walk_xml(tape: &Tape<'_>, table: &Table, sink: &mut dyn Sink) {
    let mut arrange = Arrange { tape, out: Arranger::default(), open: Vec::new(), beside: Vec::new() };
    arrange.run();
    let Arrange { out, beside, .. } = arrange;
    let arranged = out.done();
    if let Some(data_set) = arranged.tape() {
        super::walk_tape(&data_set, table, sink);
    }
    for id in beside {
        let value = tape.value(id);
        let reads = if is_of_the_model(tape, id, &value) { Reads::Code } else { Reads::Text };
        let person = PersonId::NOBODY;
        let leaf = Leaf { span: tape.span(id), value, field: None, person, reads, cue: "" };
        sink.leaf(&leaf, &|| "*".to_owned());
    }
}

/// Whether an attribute of XML says what the model wants it to say.
fn is_of_the_model(tape: &Tape<'_>, id: NodeId, value: &str) -> bool {
    let number = || value.len() <= NUMBER_BYTES_MAX && value.bytes().all(|b| b.is_ascii_digit());
    tape.kind(id) == NodeKind::Attribute
        && match tape.name(id) {
            "tag" => Tag::of(value).is_some(),
            "vr" => is_vr(value),
            "keyword" => is_keyword(value),
            "number" => number(),
            _ => false,
        }
}

struct Arrange<'t> {
    tape: &'t Tape<'t>,
    out: Arranger,
    open: Vec<Open>,
    /// What has no place in the arrangement.
    beside: Vec<NodeId>,
}

/// An element that is open.
struct Open {
    after: NodeId,
    /// Whether its list is open, and how many elements that has.
    list: Option<usize>,
}

impl Arrange<'_> {
    fn run(&mut self) {
        let tape = self.tape;
        let mut next = NodeId::DOCUMENT;
        for id in tape.nodes().skip(1) {
            while self.open.last().is_some_and(|open| open.after <= id) {
                self.close();
            }
            match tape.kind(id) {
                NodeKind::Element if id >= next => next = self.element(id).unwrap_or(next),
                // Of what was taken as one text.
                NodeKind::Element | NodeKind::Text if id < next => {}
                NodeKind::Attribute if tape.is_declaration(id) => {}
                NodeKind::Instruction if tape.name(id) == "xml" => {}
                _ => self.beside.push(id),
            }
        }
        while !self.open.is_empty() {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.open.pop().is_some_and(|open| open.list.is_some()) {
            self.out.close();
        }
        self.out.close();
    }

    /// Arranges an element. Gives the first node behind it, where it was taken whole.
    fn element(&mut self, id: NodeId) -> Option<NodeId> {
        let tape = self.tape;
        let (name, at) = (tape.local(id), tape.name_span(id));
        if self.open.is_empty() {
            self.enter(id, Name::Root);
            return None;
        }
        match name {
            "DicomAttribute" => {
                let tag = tape.attr_id(id, "tag").or_else(|| tape.attr_id(id, "keyword"));
                let (key, key_at) =
                    tag.map_or((name.into(), at.clone()), |tag| (tape.value(tag), tape.span(tag)));
                self.enter(id, Name::Word(&key, &key_at));
                if let Some(vr) = tape.attr_id(id, "vr") {
                    self.value(Name::Word("vr", &tape.name_span(vr)), &tape.value(vr), &tape.span(vr));
                }
                None
            }
            "BulkData" => {
                if let Some(uri) = tape.attr_id(id, "uri").or_else(|| tape.attr_id(id, "uuid")) {
                    self.value(Name::Word("BulkDataURI", &at), &tape.value(uri), &tape.span(uri));
                }
                None
            }
            "Value" | "PersonName" | "Item" => {
                let number = self.number(&at)?;
                self.named(id, Name::Element(number))
            }
            _ => self.named(id, Name::Word(name, &at)),
        }
    }

    /// The number of the next element of the list that is open, or begins.
    fn number(&mut self, at: &Range<usize>) -> Option<usize> {
        let open = self.open.last_mut()?;
        let count = open.list.unwrap_or_default();
        if open.list.replace(count + 1).is_none() {
            self.out.open(json::NodeKind::Array, Name::Word("Value", at), at);
        }
        Some(count)
    }

    /// An element with others in it as an object, else its text.
    fn named(&mut self, id: NodeId, name: Name<'_>) -> Option<NodeId> {
        let tape = self.tape;
        if tape.local(id) == "Item" || tape.elements(id).next().is_some() {
            self.enter(id, name);
            return None;
        }
        let mut texts = tape.children(id).filter(|child| tape.kind(*child) == NodeKind::Text);
        let span = match (texts.next(), texts.next()) {
            (Some(text), None) => tape.span(text),
            _ => tape.span(id),
        };
        self.value(name, &tape.text_of(id), &span);
        Some(tape.after(id))
    }

    fn enter(&mut self, id: NodeId, name: Name<'_>) {
        self.out.open(json::NodeKind::Object, name, &self.tape.span(id));
        self.open.push(Open { after: self.tape.after(id), list: None });
    }

    fn value(&mut self, name: Name<'_>, value: &str, at: &Range<usize>) {
        self.out.value(json::NodeKind::String, name, value, at);
    }
}

const ROOT: &str = "NativeDicomModel";
/// PS3.19, table A.1.5-2.
const ELEMENTS: &[&str] = &[
    ROOT,
    "DicomAttribute",
    "Value",
    "PersonName",
    "Item",
    "BulkData",
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
const NUMBER_BYTES_MAX: usize = 6;
