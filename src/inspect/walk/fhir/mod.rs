//! FHIR R4 in JSON, and in XML, which is read in the shape of JSON ([`shaped`]).
//!
//! - Takes: a document, and the rows of `config/fields/fhir-r4.toml` as a [`Table`] (the notation of `at`, `when` and
//!   `as` is told at its top).
//! - Gives: every string, number and boolean once, in the order of the document, with its row, its person and how it
//!   reads. What no row covers reads by its element (`config/fields/fhir-r4-names.toml`), and what isn't known to be
//!   safe reads as text. A leaf's row counts whatever the leaf `reads` as: a photograph has points, and is decoded too.
//! - In doubt: text. Below an unknown key everything is text, whatever it is called. Of two `resourceType`s in one
//!   object the one that tells more counts.
//! - Cost: two passes over a flat tape whose keys are numbers (`keys.rs`): resources find their people (`people`), leaves
//!   are told. Members are looked for by number, and which rows may cover a path is asked once for each path of the
//!   document (`paths.rs`). No recursion, no allocation for a leaf but what an escape or a label needs. A tape whose
//!   keys weren't looked up when it was made is copied first.

mod alike;
mod keys;
mod names;
mod paths;
mod passed;
mod people;
mod repeats;
mod place;
mod table;
mod context;
mod labelled;
mod leaf;
mod cue;
mod cds_hooks;
mod xml;
mod patch;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod reference;

pub use alike::is_alike;
pub use cds_hooks::recognise_cds_hooks;
pub use patch::{Patched, diff, is_patch_key, patched};
pub use place::expression;
pub use table::Table;
pub use xml::{recognise_xml, shaped};

use super::json::{JSON_DEPTH_MAX, NodeId, NodeKind, Tape};
use super::{PersonId, Sink, WalkError, object};
use context::{Frame, Scope};
use keys::Doc;
use leaf::Beside;
use names::{Category, Name};
use passed::Passed;
use paths::Paths;
use people::{Facts, Lead, People};
use place::Memo;
use repeats::{Opened, Opens, Repeats};
use std::cell::{Cell, RefCell};
use table::Step;

/// Whether a document is FHIR: an object with a string `resourceType` at the top, or an array of such.
#[must_use]
pub fn recognise(tape: &Tape<'_>) -> bool {
    let resource = |node| tape.string(node, "resourceType").is_some();
    match tape.kind(NodeId::ROOT) {
        NodeKind::Object => resource(NodeId::ROOT),
        NodeKind::Array => {
            let mut elements = tape.children(NodeId::ROOT).peekable();
            elements.peek().is_some() && elements.all(resource)
        }
        _ => false,
    }
}

/// Reads JSON; of what is FHIR the keys are looked up at once.
///
/// # Errors
/// As [`Tape::read`].
pub fn read<'d>(doc: &'d [u8], table: &Table) -> Result<Tape<'d>, WalkError> {
    let tape = Tape::read(doc, JSON_DEPTH_MAX)?;
    Ok(if recognise(&tape) { tape.by(table.vocabulary()) } else { tape })
}

/// Walks a document by the rows of FHIR alone.
///
/// # Errors
/// As [`Tape::read`]; the sink was told nothing then.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    walk_tape(&read(doc, table)?, table, None, sink);
    Ok(())
}

/// Walks a document that is read already. What no row covers is asked of the key table by its label or its unknown key.
pub fn walk_tape(tape: &Tape<'_>, table: &Table, objects: Option<&object::Table>, sink: &mut dyn Sink) {
    let copy = (!tape.is_read_by(table.vocabulary())).then(|| tape.clone().by(table.vocabulary()));
    let tape = copy.as_ref().unwrap_or(tape);
    let doc = Doc { tape, table };
    let people = People::find(doc);
    let paths = Paths::new(table);
    Walk {
        doc,
        tape,
        table,
        objects,
        people,
        announced: 0,
        paths,
        passed: Passed::new(),
        repeats: Repeats::new(),
        led: None,
        beside: Cell::new(None),
        labels: RefCell::new(None),
        told: Memo::default(),
        sink,
    }
    .run();
}

struct Walk<'t, 'd, 's> {
    doc: Doc<'t, 'd>,
    tape: &'t Tape<'d>,
    table: &'t Table,
    objects: Option<&'t object::Table>,
    people: People<'t, 'd>,
    /// How many persons the sink knows.
    announced: usize,
    paths: Paths<'t>,
    passed: Passed<'d>,
    repeats: Repeats<'d>,
    /// The Reference that was read last.
    led: Option<(NodeId, Lead)>,
    /// The object that was looked through last for what conditions ask.
    beside: Cell<Option<(NodeId, Beside)>>,
    /// The form item or parameter that was looked at last, and the words of its labels.
    labels: RefCell<Option<(NodeId, Vec<String>)>>,
    told: Memo,
    sink: &'s mut dyn Sink,
}

impl Walk<'_, '_, '_> {
    fn run(mut self) {
        let tape = self.tape;
        let mut frames: Vec<Frame> = Vec::with_capacity(FRAMES_FIRST); // bounded by the tape's depth
        let mut next = NodeId::ROOT;
        while let Some(id) = tape.at(next) {
            next = id.next();
            while let Some(frame) = frames.last()
                && frame.after <= id
            {
                self.repeats.closes(tape, frame);
                frames.pop();
            }
            let above = frames.last().unwrap_or(&Frame::OUTSIDE);
            let (name, unknown) = self.name(id, above);
            let kind = tape.kind(id);
            match kind {
                NodeKind::Object | NodeKind::Array => {
                    let opened = match self.opens(id, name, above) {
                        Opens::New(opened) => opened,
                        Opens::Again { spoke } => {
                            if spoke {
                                self.person(above);
                                self.announce();
                            }
                            next = tape.after(id);
                            continue;
                        }
                    };
                    let after = tape.after(id);
                    let frame = match kind {
                        NodeKind::Object => self.enter_object(id, name, unknown, above, opened),
                        _ => Frame { after, name, unknown, opened, ..*above },
                    };
                    frames.push(frame);
                }
                NodeKind::Null => {}
                NodeKind::String | NodeKind::Number | NodeKind::Bool => {
                    self.leaf(id, name, unknown, above, &frames);
                }
            }
        }
    }

    /// The name of a value's key (an array's elements have the array's), and whether it is in unknown land.
    fn name(&mut self, id: NodeId, above: &Frame) -> (Name, bool) {
        let name = if above.resource.is_none() { self.doc.outside(id) } else { self.doc.element(id) };
        if name != Name::UNKNOWN {
            return (name, above.unknown);
        }
        let (Some(span), Some(key)) = (self.tape.key_span(id), self.tape.key(id)) else {
            return (above.name, above.unknown);
        };
        self.repeats.stir();
        let person = self.person(above);
        self.announce();
        let doc = self.doc;
        let told = &self.told;
        self.sink.unknown_key(&key, span, person, &|| place::place(doc, id, told));
        (name, true)
    }

    /// Whether an object or an array says again what was said before.
    #[inline]
    fn opens(&mut self, id: NodeId, name: Name, above: &Frame) -> Opens {
        if !Repeats::may_be_one(self.tape, id) {
            return Opens::New(Opened::ONCE);
        }
        let member = self.paths.step(above.path, Step { name, url: Name::UNKNOWN });
        self.repeats.opens(self.tape, id, member, above.scope)
    }

    fn enter_object(
        &mut self,
        id: NodeId,
        name: Name,
        unknown: bool,
        above: &Frame,
        opened: Opened,
    ) -> Frame {
        let words = &self.table.words;
        let extension = name == words.extension || name == words.modifier_extension;
        let url = if extension { self.extension_url(id) } else { Name::UNKNOWN };
        let (after, depth) = (self.tape.after(id), above.depth + 1);
        let mut frame = Frame { object: id, after, name, depth, unknown, opened, ..*above };
        if let Some(facts) = self.people.resource(id) {
            frame.contained = name == words.contained;
            self.repeats.stir();
            self.enter_resource(&mut frame, facts);
            return frame;
        }
        if above.resource.is_none() && above.depth == 0 {
            frame.base = 1; // an envelope: paths begin inside it
            return frame;
        }
        frame.path = self.paths.step(above.path, Step { name, url });
        if self.is_owned_apart(&mut frame, above) {
            self.repeats.stir();
        }
        frame
    }

    /// Whether an element may be somebody else's than what is around it; then the frame says whose, and on whose side.
    fn is_owned_apart(&mut self, frame: &mut Frame, above: &Frame) -> bool {
        let (words, id, name) = (&self.table.words, frame.object, frame.name);
        let Some(facts) = above.resource else { return false };
        let top = above.depth == above.base;
        if facts.kind == words.patient && name == words.contact && top {
            frame.person = Some(self.people.relative(id, facts.number));
        } else if facts.category == Category::Definition && words.is_contact(name) {
            frame.scope = Scope::Provider;
        } else if name == words.identifier && !top {
            let lead = self.lead(above);
            if lead.target != people::Target::Unknown || words.is_provider(above.name) {
                frame.scope = self.scope_of(lead, above);
                frame.person = lead.person.or(frame.person);
            }
            frame.target = lead.target;
        } else if name == words.agent
            && top
            && let Some(who) = self.doc.get(id, words.who)
        {
            // Who acted: what else is told of the agent is this one's.
            let lead = self.people.lead(who, facts.number);
            frame.scope = self.scope_of(lead, above);
            frame.person = lead.person.or(frame.person);
            frame.target = lead.target;
        } else {
            return false;
        }
        true
    }

    fn enter_resource(&mut self, frame: &mut Frame, facts: Facts) {
        frame.base = frame.depth;
        frame.path = self.paths.top(facts.kind);
        frame.resource = Some(facts);
        frame.person = None;
        frame.target = facts.subject;
        frame.unknown = false;
        frame.scope = match facts.category {
            Category::Provider => Scope::Provider,
            Category::Definition => Scope::Definition,
            Category::Person if self.people.owner(facts.number) == PersonId::NOBODY => Scope::Provider,
            Category::Patient if self.people.owner(facts.number) == PersonId::NOBODY => Scope::Nobody,
            _ => Scope::Own,
        };
        if self.is_clinical(frame.object, facts) {
            let person = self.people.owner(facts.number);
            if person != PersonId::NOBODY {
                self.announce();
                self.sink.clinical(person);
            }
        }
    }

    fn is_clinical(&self, resource: NodeId, facts: Facts) -> bool {
        let words = &self.table.words;
        let has = |keys: &[Name]| keys.iter().any(|key| self.doc.get(resource, *key).is_some());
        if [words.claim, words.benefit, words.claim_response].contains(&facts.kind) {
            return has(&[words.item]);
        }
        // Visits and messages are, where they tell why.
        let tells_why = [
            words.encounter,
            words.appointment,
            words.episode,
            words.communication,
            words.communication_request,
        ];
        if tells_why.contains(&facts.kind) {
            return has(&[words.reason_code, words.reason_reference, words.reason, words.diagnosis]);
        }
        facts.category == Category::Clinical
    }

    /// Whose an element is.
    fn person(&mut self, frame: &Frame) -> PersonId {
        match (frame.scope, frame.person, frame.resource) {
            (Scope::Provider | Scope::Nobody, _, _) => PersonId::NOBODY,
            // What defines or describes is nobody's, unless it lies inside of what is somebody's.
            (Scope::Definition, None, _) if !frame.contained => PersonId::NOBODY,
            (_, Some(person), _) => person,
            (_, None, Some(facts)) => self.people.owner(facts.number),
            (_, None, None) => self.people.stray(),
        }
    }

    /// What the Reference object that is open leads to.
    fn lead(&mut self, frame: &Frame) -> Lead {
        if let Some((object, lead)) = self.led
            && object == frame.object
        {
            return lead;
        }
        let lead = self.people.lead(frame.object, frame.resource.map_or(usize::MAX, |facts| facts.number));
        self.led = Some((frame.object, lead));
        lead
    }

    /// Whose side a Reference leads to.
    fn scope_of(&self, lead: Lead, frame: &Frame) -> Scope {
        let provider = match lead.target {
            people::Target::Resource(kind) => match self.table.names.category(kind) {
                Some(Category::Provider) => true,
                Some(Category::Patient | Category::Related | Category::Person) => {
                    return if lead.person == Some(PersonId::NOBODY) { Scope::Nobody } else { Scope::Own };
                }
                _ => false,
            },
            people::Target::Unknown => self.table.words.is_provider(frame.name),
            people::Target::None => false,
        };
        if provider { Scope::Provider } else { frame.scope }
    }

    /// The end of an extension's url, as a name.
    fn extension_url(&self, extension: NodeId) -> Name {
        self.table.extension(&self.doc.string(extension, self.table.words.url).unwrap_or_default())
    }

    /// Tells the sink of persons that it doesn't know yet.
    fn announce(&mut self) {
        while let Some(role) = self.people.role(self.announced) {
            let id = u32::try_from(self.announced).expect("persons are numbered in 32 bits");
            self.sink.person(PersonId(id), role);
            self.announced += 1;
        }
    }
}

/// Most documents nest no deeper.
const FRAMES_FIRST: usize = 16;
