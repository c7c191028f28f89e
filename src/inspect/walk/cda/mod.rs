//! CDA R2 and C-CDA R2.1: documents and their parts to leaves.
//!
//! - Takes: a [`Tape`] of XML, and the rows of `config/fields/cda.toml` as a [`Table`] (the notation is told at its top;
//!   names and roles are in `cda-names.toml`).
//! - Gives: every attribute, text, comment and processing instruction once, in the order of the document, with its row, its
//!   person and how it reads. The narrative comes block by block: a paragraph, an item, a cell is one text, with the
//!   head of its column as cue; a row of two cells is one, a label and its value.
//! - Persons: the first recordTarget is the document's patient, each further one somebody else; each entity of the
//!   patient's side is a relative (roles of `cda-names.toml`), each provider and organisation nobody. An author or
//!   informant that has an id of the patient's is the patient. The patient is announced when a first leaf needs one.
//! - Places: `ClinicalDocument/recordTarget/patientRole/id[2]/@extension`; names that CDA doesn't have show as `*`.
//! - In doubt: text. Below an unknown name everything is text, whatever it is called.
//! - Cost: one pass over a flat tape. What a name is to CDA is asked once for each name of the document (`called.rs`), and
//!   which rows may cover a path, its tags counted, once for each path (`paths.rs`, by the automaton of `steps.rs`). A code,
//!   a time, a quantity of which the sink has nothing to ask is not told. No recursion.

mod again;
mod called;
mod frame;
mod names;
mod path;
mod paths;
mod steps;
mod table;
mod leaf;
mod narrative;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod slow;

pub(crate) use table::NAMES;
pub use table::Table;

use super::xml::{NodeId, NodeKind, Tape, XML_DEPTH_MAX};
use super::{PersonId, Role, Sink, WalkError};
use again::{Around, Of, Silent};
use called::{Called, Calls};
use frame::{Counts, Frame, Owner, Places};
use names::{Name, Part};
use narrative::Lines;
use paths::{PathId, Paths};
use std::borrow::Cow;

/// Whether a document is a ClinicalDocument, or a part of one: a section, an entry, a header's element, in the
/// namespace of HL7 v3 or, as snippets have it, in none.
#[must_use]
pub fn recognise(tape: &Tape<'_>) -> bool {
    let root = tape.root();
    match (tape.local(root), tape.namespace(root).as_deref()) {
        ("ClinicalDocument", None | Some(HL7_V3)) => true,
        (local, None | Some(HL7_V3)) if PARTS.contains(&local) => {
            // Common words: the attributes of HL7 v3 tell.
            tape.nodes().take(NODES_LOOKED_AT_MAX).any(|id| match tape.kind(id) {
                NodeKind::Element => matches!(tape.local(id), "templateId" | "patientRole"),
                NodeKind::Attribute => matches!(tape.local(id), "classCode" | "moodCode" | "codeSystem"),
                _ => false,
            })
        }
        _ => false,
    }
}

/// Reads a document and tells `sink` its leaves.
///
/// # Errors
/// As [`Tape::read`]; the sink was told nothing then.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    walk_tape(&Tape::read(doc, XML_DEPTH_MAX)?, table, sink);
    Ok(())
}

/// Walks a document that is read already.
pub fn walk_tape(tape: &Tape<'_>, table: &Table, sink: &mut dyn Sink) {
    Walk {
        tape,
        table,
        sink,
        calls: Calls::new(tape, &table.names),
        paths: Paths::new(table),
        counts: Counts::default(),
        places: Places::default(),
        known: None,
        frames: Vec::new(),
        lines: Lines::default(),
        patient: None,
        targets: 0,
        announced: 0,
        patient_ids: Vec::new(),
        silent: Silent::new(tape),
        told: 0,
    }
    .run();
}

struct Walk<'t, 'd, 's> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    sink: &'s mut dyn Sink,
    calls: Calls,
    paths: Paths<'t>,
    counts: Counts,
    places: Places,
    /// The declaration of a namespace that was asked about last, and whether it is a known one.
    known: Option<(NodeId, bool)>,
    /// Bounded by the tape's depth.
    frames: Vec<Frame>,
    lines: Lines<'t>,
    /// The document's patient, once announced.
    patient: Option<PersonId>,
    /// How many recordTargets came so far.
    targets: u32,
    /// How many persons the sink knows.
    announced: u32,
    /// Root and extension of the first patient's ids; bounded by [`PATIENT_IDS_MAX`].
    patient_ids: Vec<(String, String)>,
    silent: Silent<'t, 'd>,
    /// How often the sink was told what it made something of, or may have.
    told: usize,
}

impl<'t> Walk<'t, '_, '_> {
    fn run(mut self) {
        let mut nodes = self.tape.nodes();
        while let Some(id) = nodes.next() {
            while self.frames.last().is_some_and(|frame| frame.after <= id) {
                self.leave();
            }
            match self.tape.kind(id) {
                NodeKind::Document => {}
                NodeKind::Element => {
                    let attributes = self.tape.attribute_names(id).count();
                    self.element(id, attributes);
                    if attributes > 0 {
                        nodes.nth(attributes - 1);
                    }
                }
                NodeKind::Attribute => {} // its element's
                NodeKind::Text => self.text(id),
                NodeKind::Comment | NodeKind::Instruction => self.comment(id),
            }
        }
        while !self.frames.is_empty() {
            self.leave();
        }
    }

    /// An element and its attributes, of which there are so many.
    fn element(&mut self, id: NodeId, attributes: usize) {
        if attributes == 0 {
            return self.enter(id);
        }
        let tape = self.tape;
        let first = self.silent.first(id);
        let above = self.frames.last().filter(|above| above.is_outside() && !above.unknown).map(Around::of);
        // One that holds nothing; what its name is to CDA is what it was of the first.
        let lone = above.filter(|_| {
            tape.after(id).index() == id.index() + 1 + attributes
                && tape.declaration(id) == tape.declaration(first)
        });
        if let Some((above, top)) = lone.zip(self.frames.last())
            && self.silent.is(first, Of::Element, above)
        {
            self.counts.next(top, self.called(id).element);
            return;
        }
        let before = self.told;
        self.enter(id);
        let Some((around, outside)) = self.frames.last().map(|top| (Around::of(top), top.is_outside()))
        else {
            return;
        };
        if !self.silent.is(first, Of::Attributes, around) {
            let before = self.told;
            tape.attributes(id).for_each(|attribute| self.attribute(attribute));
            if self.told == before {
                self.silent.learn(first, Of::Attributes, around);
            }
        }
        if let Some(above) = lone.filter(|_| outside && self.told == before) {
            self.silent.learn(first, Of::Element, above);
        }
    }

    fn enter(&mut self, id: NodeId) {
        let (tape, table) = (self.tape, self.table);
        let called = *self.called(id);
        let local = called.local;
        let name = if self.is_known(id) { called.element } else { Name::UNKNOWN };
        let narrative = self.narrative(name, &called, id);
        self.begin_lines(narrative, local);
        let above = self.frames.last();
        let before = above.map_or(PathId::OUTSIDE, |above| above.path);
        let asks = self.paths.asks(before, name);
        let tags = table.tags.of(tape, &self.calls, id, asks, &table.words);
        let path = self.paths.enter(before, name, tags);
        let mut frame = Frame::new(id, tape.after(id), (name, local), above, &mut self.counts);
        frame.narrative = narrative;
        frame.of_target |= name == table.words.record_target;
        frame.path = path;
        self.frames.push(frame);
        if name == Name::UNKNOWN {
            self.told += 1;
            let person = self.owner();
            let (frames, names, places) = (&self.frames, &table.names, &self.places);
            self.sink
                .unknown_key(tape.name(id), tape.name_span(id), person, &|| places.of(frames, names, ""));
        }
        if let Some(part) = self.paths.part(path) {
            self.told += 1;
            let owner = self.entering(id, local, part);
            if let Some(frame) = self.frames.last_mut() {
                frame.owner = owner;
            }
        }
        self.tell_clinical(id, local);
    }

    fn leave(&mut self) {
        self.end_lines();
        if let Some(frame) = self.frames.pop() {
            self.counts.leave(&frame);
            self.places.leave(self.frames.len());
        }
    }

    /// What an element or attribute is called.
    fn called(&self, id: NodeId) -> &Called {
        self.calls.of(self.tape, id)
    }

    /// The number of its name in the table, without its prefix.
    fn local(&self, id: NodeId) -> Name {
        self.called(id).local
    }

    /// The value of the attribute of this name, which has no prefix.
    fn attr(&self, element: NodeId, name: Name) -> Option<Cow<'t, str>> {
        self.calls.attribute(self.tape, element, name).map(|attribute| self.tape.value(attribute))
    }

    /// Whether an element has no namespace or one that CDA and its users have.
    fn is_known(&mut self, id: NodeId) -> bool {
        let declaration = self.tape.declaration(id);
        if let Some((declaration, (asked, known))) = declaration.zip(self.known)
            && declaration == asked
        {
            return known;
        }
        let known = self.tape.namespace(id).is_none_or(|uri| is_known_namespace(&uri));
        self.known = declaration.map(|declaration| (declaration, known));
        known
    }

    /// Whose the innermost element is, which plays a part.
    fn entering(&mut self, id: NodeId, local: Name, part: Part) -> Owner {
        let words = &self.table.words;
        if (local == words.assigned_author || local == words.assigned_entity) && self.is_patient(id) {
            return Owner::Patient;
        }
        match part {
            Part::Patients => Owner::Patient,
            Part::Nobody => Owner::Nobody,
            Part::Relative => {
                let patient = self.patient();
                Owner::Person(self.announce(Role::RelativeOf(patient)))
            }
            Part::Patient => {
                self.targets = self.targets.saturating_add(1);
                if self.targets == 1 {
                    self.keep_ids(id);
                    Owner::Patient
                } else {
                    Owner::Person(self.announce(Role::Patient))
                }
            }
        }
    }

    /// Remembers the ids of the patient's role, by which an author may turn out to be the patient.
    fn keep_ids(&mut self, target: NodeId) {
        let (tape, words) = (self.tape, &self.table.words);
        let role = tape.elements(target).find(|child| self.local(*child) == words.patient_role);
        let ids =
            role.into_iter().flat_map(|role| tape.elements(role)).filter(|id| self.local(*id) == words.id);
        let ids = ids.take(PATIENT_IDS_MAX).filter_map(|id| {
            let (root, extension) = (self.attr(id, words.root)?, self.attr(id, words.extension)?);
            Some((root.into_owned(), extension.into_owned()))
        });
        let ids = ids.collect();
        self.patient_ids = ids;
    }

    /// Whether an author's or informant's id is one of the patient's.
    fn is_patient(&self, entity: NodeId) -> bool {
        let (tape, words) = (self.tape, &self.table.words);
        let mut ids = tape.elements(entity).filter(|id| self.local(*id) == words.id).take(PATIENT_IDS_MAX);
        ids.any(|id| {
            let (root, extension) = (self.attr(id, words.root), self.attr(id, words.extension));
            self.patient_ids
                .iter()
                .any(|(r, e)| root.as_deref() == Some(r.as_str()) && extension.as_deref() == Some(e.as_str()))
        })
    }

    /// Clinical content: a section with entries or text, but the payer's; a body that isn't XML.
    fn tell_clinical(&mut self, id: NodeId, local: Name) {
        let (tape, words) = (self.tape, &self.table.words);
        let clinical = match local {
            local if local == words.non_xml_body => true,
            local if local == words.section => {
                let mut filled = false;
                let mut payer = false;
                for child in tape.elements(id) {
                    match self.local(child) {
                        local if local == words.code => {
                            payer |= self.attr(child, words.code).as_deref() == Some(PAYERS);
                        }
                        local if local == words.entry => filled = true,
                        local if local == words.text => filled |= tape.children(child).next().is_some(),
                        _ => {}
                    }
                }
                filled && !payer
            }
            _ => false,
        };
        if clinical {
            self.told += 1;
            let person = self.patient();
            self.sink.clinical(person);
        }
    }

    /// Whose the innermost element is; announced on demand.
    fn owner(&mut self) -> PersonId {
        match self.frames.last().map_or(Owner::Patient, |frame| frame.owner) {
            Owner::Patient => self.patient(),
            Owner::Person(person) => person,
            Owner::Nobody => PersonId::NOBODY,
        }
    }

    /// The document's patient; announced on demand.
    fn patient(&mut self) -> PersonId {
        if let Some(patient) = self.patient {
            return patient;
        }
        let patient = self.announce(Role::Patient);
        self.patient = Some(patient);
        patient
    }

    fn announce(&mut self, role: Role) -> PersonId {
        let person = PersonId(self.announced);
        self.announced += 1;
        self.sink.person(person, role);
        person
    }
}

/// HL7 v3's own namespaces and those of its users' extensions.
fn is_known_namespace(uri: &str) -> bool {
    uri.starts_with("urn:hl7-org:") || uri.starts_with("urn:ihe:")
}

const HL7_V3: &str = "urn:hl7-org:v3";

/// Elements that stand at the top of a snippet.
const PARTS: &[&str] = &[
    "recordTarget",
    "component",
    "structuredBody",
    "section",
    "entry",
    "documentationOf",
    "componentOf",
    "author",
    "informant",
    "participant",
    "custodian",
    "legalAuthenticator",
    "act",
    "encounter",
    "observation",
    "organizer",
    "procedure",
    "substanceAdministration",
    "supply",
];

/// How far a part is looked through for what makes it one.
const NODES_LOOKED_AT_MAX: usize = 256;

/// Ids of a patient or an author that are compared.
const PATIENT_IDS_MAX: usize = 16;

/// LOINC: payment sources.
const PAYERS: &str = "48768-6";
