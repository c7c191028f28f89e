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
//! - Cost: two passes over a flat tape: names become numbers, leaves are told. Which rows may cover a path, its tags counted,
//!   is asked once for each path of the document (`paths.rs`), and costs its rows times its depth, both bounded. No recursion.

mod frame;
mod names;
mod path;
mod paths;
mod table;
mod leaf;
mod narrative;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod reference;

pub(crate) use table::NAMES;
pub use table::Table;

use super::xml::{NodeId, NodeKind, Tape, XML_DEPTH_MAX};
use super::{PersonId, Role, Sink, WalkError};
use frame::{Counts, Frame, Owner, place};
use names::{Name, Part};
use narrative::Lines;
use paths::{PathId, Paths};

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
    let numbered = |id| match tape.kind(id) {
        NodeKind::Element | NodeKind::Attribute => table.names.find(tape.local(id)),
        _ => Name::UNKNOWN,
    };
    Walk {
        tape,
        table,
        sink,
        locals: tape.nodes().map(numbered).collect(),
        paths: Paths::new(table),
        counts: Counts::default(),
        known: None,
        frames: Vec::new(),
        lines: Lines::default(),
        patient: None,
        targets: 0,
        announced: 0,
        patient_ids: Vec::new(),
    }
    .run();
}

struct Walk<'t, 'd, 's> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    sink: &'s mut dyn Sink,
    /// For each node the number of its name without prefix, an element's or an attribute's.
    locals: Vec<Name>,
    paths: Paths<'t>,
    counts: Counts,
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
}

impl Walk<'_, '_, '_> {
    fn run(mut self) {
        for id in self.tape.nodes() {
            while self.frames.last().is_some_and(|frame| frame.after <= id) {
                self.leave();
            }
            match self.tape.kind(id) {
                NodeKind::Document => {}
                NodeKind::Element => self.enter(id),
                NodeKind::Attribute => self.attribute(id),
                NodeKind::Text => self.text(id),
                NodeKind::Comment | NodeKind::Instruction => self.comment(id),
            }
        }
        while !self.frames.is_empty() {
            self.leave();
        }
    }

    fn enter(&mut self, id: NodeId) {
        let (tape, table) = (self.tape, self.table);
        let local = self.local(id);
        let name = if self.is_known(id) { table.names.as_element(local) } else { Name::UNKNOWN };
        let narrative = self.narrative(name, local, id);
        self.begin_lines(narrative, id);
        let tags = table.tags.of(tape, id, name, &table.names, table.words.code);
        let above = self.frames.last();
        let before = above.map_or(PathId::OUTSIDE, |above| above.path);
        let mut frame = Frame::new(id, tape.after(id), name, tags, above, &mut self.counts);
        frame.narrative = narrative;
        frame.of_target |= name == table.words.record_target;
        self.frames.push(frame);
        let path = self.paths.enter(before, &self.frames);
        if let Some(frame) = self.frames.last_mut() {
            frame.path = path;
        }
        if name == Name::UNKNOWN {
            let person = self.owner();
            let (frames, names) = (&self.frames, &table.names);
            self.sink.unknown_key(tape.name(id), tape.name_span(id), person, &|| place(frames, names, ""));
        }
        if let Some(part) = self.paths.part(path) {
            let owner = self.entering(id, part);
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
        }
    }

    /// The number of the name of an element or attribute, without its prefix.
    fn local(&self, id: NodeId) -> Name {
        self.locals.get(id.index()).copied().unwrap_or(Name::UNKNOWN)
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
    fn entering(&mut self, id: NodeId, part: Part) -> Owner {
        let local = self.tape.local(id);
        if matches!(local, "assignedAuthor" | "assignedEntity") && self.is_patient(id) {
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
        let tape = self.tape;
        let role = tape.elements(target).find(|child| tape.local(*child) == "patientRole");
        let ids = role.into_iter().flat_map(|role| tape.elements(role)).filter(|id| tape.local(*id) == "id");
        for id in ids.take(PATIENT_IDS_MAX) {
            if let (Some(root), Some(extension)) = (tape.attr(id, "root"), tape.attr(id, "extension")) {
                self.patient_ids.push((root.into_owned(), extension.into_owned()));
            }
        }
    }

    /// Whether an author's or informant's id is one of the patient's.
    fn is_patient(&self, entity: NodeId) -> bool {
        let tape = self.tape;
        let mut ids = tape.elements(entity).filter(|id| tape.local(*id) == "id").take(PATIENT_IDS_MAX);
        ids.any(|id| {
            let (root, extension) = (tape.attr(id, "root"), tape.attr(id, "extension"));
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
                    match tape.local(child) {
                        "code" => payer |= tape.attr(child, "code").as_deref() == Some(PAYERS),
                        "entry" => filled = true,
                        "text" => filled |= tape.children(child).next().is_some(),
                        _ => {}
                    }
                }
                filled && !payer
            }
            _ => false,
        };
        if clinical {
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
