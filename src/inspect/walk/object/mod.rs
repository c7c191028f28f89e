//! JSON of no known kind, whose keys are all that tells, and the Redox data models, which have rows of their own. XML of
//! no known kind is read in the shape of JSON ([`shaped`]).
//!
//! - Takes: a document, and the key names of `config/fields/json-keys.toml` as a [`Table`] (its notation is told there);
//!   for Redox with the rows of `config/fields/redox.toml` before them.
//! - Gives: every string, number and boolean once. A string that no key name covers is text with its key as cue, a number
//!   a quantity; every key that isn't in the table is told as unknown.
//! - Persons: the nearest object in an array that has a name or a birth date of its own, else the root; each object
//!   under a relative's key is one more. What stands under a provider's or an organisation's key is nobody's.
//! - In doubt: text.
//! - Cost: two passes over a flat tape, a short allocation for each key.

mod oauth;
mod table;
mod xml;

#[cfg(test)]
mod tests;

pub(super) use table::Carry;
pub use table::Table;
#[cfg(test)]
pub(super) use table::normal as normal_key;
pub use xml::shaped;

use super::json::{JSON_DEPTH_MAX, MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use super::{Declared, Leaf, PersonId, Reads, Role, Sink, WalkError};
use crate::inspect::check::date;
use crate::inspect::field::listed;
use crate::inspect::kind::{Kind, Whose};
use std::borrow::Cow;
use std::collections::BTreeSet;
use table::{Row, normal};

/// Walks a document.
///
/// # Errors
/// As [`Tape::read`]; the sink was told nothing then.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    walk_tape(&Tape::read(doc, JSON_DEPTH_MAX)?, table, sink);
    Ok(())
}

/// Whether a value is a document of the Redox data models: `Meta` tells the model and the event.
#[must_use]
pub fn is_redox(tape: &Tape<'_>, node: NodeId) -> bool {
    tape.kind(node) == NodeKind::Object
        && tape.get(node, "Meta").is_some_and(|meta| {
            tape.kind(meta) == NodeKind::Object
                && tape.get(meta, "DataModel").is_some()
                && tape.get(meta, "EventType").is_some()
        })
}

/// Walks a document that is read already.
pub fn walk_tape(tape: &Tape<'_>, table: &Table, sink: &mut dyn Sink) {
    let mut walk = Walk {
        tape,
        table,
        exchange: oauth::Exchange::of(tape),
        own: BTreeSet::new(),
        roles: Vec::new(),
        announced: 0,
        frames: Vec::new(),
    };
    walk.own = walk.objects_with_a_person();
    walk.run(sink);
}

struct Walk<'t, 'd> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    /// What of an OAuth exchange the document is.
    exchange: oauth::Exchange,
    /// Objects in arrays that are a person of their own.
    own: BTreeSet<NodeId>,
    roles: Vec<Role>,
    announced: usize,
    frames: Vec<Frame>,
}

/// An object or array that is open.
#[derive(Clone)]
struct Frame {
    object: NodeId,
    after: NodeId,
    /// Its key in normal form; an element has its array's.
    key: String,
    whose: Side,
    /// Made when it has something to say.
    person: Slot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Individual,
    Relative,
    Nobody,
}

/// Where an open container's person is kept: in the frame of this depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Made(PersonId),
    /// To be made by this frame.
    Due(Role),
    /// That of the frame above.
    Above,
}

impl<'t> Walk<'t, '_> {
    fn run(&mut self, sink: &mut dyn Sink) {
        for id in self.tape.nodes() {
            self.leave(id);
            let key = self.key_of(id);
            match self.tape.kind(id) {
                NodeKind::Object | NodeKind::Array => {
                    self.tell_unknown(id, &key, sink);
                    self.enter(id, key, true);
                    self.tell_clinical(sink);
                }
                NodeKind::Null => self.tell_unknown(id, &key, sink),
                NodeKind::String | NodeKind::Number | NodeKind::Bool => {
                    self.tell_unknown(id, &key, sink);
                    self.leaf(id, &key, sink);
                }
            }
        }
    }

    /// The objects in arrays that have a name or a birth date, not counting what relatives, providers and objects
    /// in arrays inside them have.
    fn objects_with_a_person(&mut self) -> BTreeSet<NodeId> {
        let mut own = BTreeSet::new();
        for id in self.tape.nodes() {
            self.leave(id);
            let key = self.key_of(id);
            match self.tape.kind(id) {
                NodeKind::Object | NodeKind::Array => self.enter(id, key, false),
                NodeKind::String if self.side() == Side::Individual => {
                    let names = |row: &Row| {
                        matches!(
                            row.field.kind,
                            Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::BirthDate
                        )
                    };
                    if self.row(id, &key).is_some_and(names) {
                        // A label and its value in a list are no person: that is who has the list.
                        let pairs = self.frames.last().is_some_and(|f| self.is_element(f.object))
                            && self.own_row(id, &key).is_none()
                            && self.label(id, &key).is_some();
                        let mut elements = self.frames.iter().rev().filter(|f| self.is_element(f.object));
                        let Some(frame) = elements.nth(usize::from(pairs)) else { continue };
                        own.insert(frame.object);
                    }
                }
                _ => {}
            }
        }
        self.frames.clear();
        own
    }

    fn leave(&mut self, id: NodeId) {
        while self.frames.last().is_some_and(|frame| frame.after <= id) {
            self.frames.pop();
        }
    }

    fn enter(&mut self, id: NodeId, key: String, persons: bool) {
        let tape = self.tape;
        let object = tape.kind(id) == NodeKind::Object;
        let above = self.frames.last();
        // Claims of a user who is a practitioner are nobody's.
        let user = if self.exchange.is_of_a_provider { Side::Nobody } else { Side::Individual };
        let mut whose = above.map_or(user, |frame| frame.whose);
        if tape.element(id).is_none() && whose != Side::Nobody {
            for row in self.table.below(&key) {
                match row.carry {
                    Carry::Public => whose = Side::Nobody,
                    Carry::Relative if whose == Side::Individual => whose = Side::Relative,
                    _ => {}
                }
            }
        }
        let begins_relative = object
            && whose == Side::Relative
            && above.is_some_and(|f| {
                f.whose == Side::Individual || (self.is_element(id) && self.is_relatives_list(f))
            });
        let mut person = if above.is_none() { Slot::Due(Role::Patient) } else { Slot::Above };
        if persons && begins_relative {
            person = Slot::Due(Role::RelativeOf(self.person()));
        } else if self.own.contains(&id) {
            person = Slot::Due(Role::Patient);
        }
        self.frames.push(Frame { object: id, after: tape.after(id), key, whose, person });
    }

    /// Whether an open array is the list under a relative's key itself.
    fn is_relatives_list(&self, frame: &Frame) -> bool {
        self.tape.kind(frame.object) == NodeKind::Array
            && self.table.below(&frame.key).any(|row| row.carry == Carry::Relative)
    }

    fn leaf(&mut self, id: NodeId, key: &str, sink: &mut dyn Sink) {
        let tape = self.tape;
        let row = self.row(id, key);
        let person = match row.map(|row| row.field.whose) {
            Some(Whose::Provider | Whose::Organisation) => PersonId::NOBODY,
            _ => self.person(),
        };
        self.announce(sink);
        let value = tape.value(id);
        let place = || self.place(id);
        if let Some(mode) = row.filter(|row| row.field.kind == Kind::DeclaredMode).map(|_| &*value) {
            match mode {
                "true" => sink.declared(Declared::Test, &place),
                "false" => sink.declared(Declared::Production, &place),
                _ => {}
            }
        }
        let media = match row {
            Some(row) if row.carry == Carry::Base64 => self.media(id),
            _ => Cow::Borrowed(""),
        };
        let payload = match row {
            Some(row) if row.carry == Carry::Jwt => oauth::payload(&value).map(str::to_owned),
            _ => None,
        };
        let reads = match (row.map(|row| row.carry), tape.kind(id)) {
            (_, NodeKind::Bool) => Reads::Code,
            (Some(Carry::Base64), _) if is_base64(&value) => Reads::Base64(&media),
            (Some(Carry::Jwt), _) if payload.is_some() => Reads::Base64("application/json"),
            (Some(Carry::Jwt), _) => Reads::Value,
            (Some(Carry::Opaque), _) => Reads::Opaque,
            (Some(Carry::Time), _) if value.bytes().any(|c| c.is_ascii_digit()) => Reads::Time,
            (Some(Carry::Value), _) => Reads::Value,
            (_, NodeKind::Number) => Reads::Quantity,
            _ if self.side() == Side::Nobody => Reads::Public,
            _ => Reads::Text,
        };
        let value = payload.map_or(value, Cow::Owned);
        let cue = self.cue(id, key);
        let field = row.map(|row| &row.field);
        sink.leaf(&Leaf { span: tape.span(id), value, field, person, reads, cue: &cue }, &place);
    }

    /// The best row of a key whose conditions hold; of a key that says nothing but `value` that of the label beside it,
    /// else that of the key above: `{"name": "dob", "value": "…"}`, `"mrn": {"value": "…"}`.
    fn row(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        self.own_row(id, key).or_else(|| {
            if !VALUE_KEYS.contains(&key) {
                return None; // as most keys
            }
            let row = self.labelled(id, key).or_else(|| self.wrapped())?;
            // A letter under `email` isn't an address: what isn't like a value of its kind is read as text.
            fits(row.field.kind, &self.tape.value(id)).then_some(row)
        })
    }

    fn labelled(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        let label = self.label(id, key)?;
        self.value_row("", &normal(&self.tape.value(label)))
    }

    fn wrapped(&self) -> Option<&'t Row> {
        let frame = self.frames.last()?;
        let above = self.frames.len().checked_sub(2).and_then(|at| self.frames.get(at));
        self.value_row(above.map_or("", |frame| frame.key.as_str()), &frame.key)
    }

    /// The row of a key that holds one value, whatever stands beside it.
    fn value_row(&self, parent: &str, key: &str) -> Option<&'t Row> {
        let side = self.side();
        self.table.rows(parent, key).find(|row| {
            let field = &row.field;
            row.carry == Carry::Value
                && !(side == Side::Nobody && matches!(field.whose, Whose::Patient | Whose::Relative))
                && field.when.systems.is_empty()
                && field.when.types.is_empty()
        })
    }

    fn own_row(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        let side = self.side();
        let (parent, object) = match self.frames.last() {
            // an element's parent is the object that holds its array
            Some(frame) if self.tape.element(id).is_some() => {
                let above = self.frames.len().checked_sub(2).and_then(|at| self.frames.get(at));
                (above.map_or("", |f| f.key.as_str()), frame.object)
            }
            Some(frame) => (frame.key.as_str(), frame.object),
            None => ("", NodeId::ROOT),
        };
        self.table.rows(parent, key).find(|row| {
            let field = &row.field;
            !(side == Side::Nobody && matches!(field.whose, Whose::Patient | Whose::Relative))
                && row.carry != Carry::Clinical
                && (field.when.systems.is_empty() || self.exchange.is_any(&field.when.systems))
                && (field.when.types.is_empty() || self.is_typed(object, &field.when.types))
        })
    }

    fn is_typed(&self, object: NodeId, types: &[String]) -> bool {
        let tape = self.tape;
        let beside = tape.children(object).take(MEMBERS_LOOKED_AT_MAX);
        beside.filter(|child| tape.kind(*child) == NodeKind::String).any(|child| {
            let key = tape.key(child).map(|key| normal(&key)).unwrap_or_default();
            TYPE_KEYS.contains(&key.as_str()) && listed(types, &tape.value(child))
        })
    }

    /// The type that stands beside a file.
    fn media(&self, id: NodeId) -> Cow<'t, str> {
        let tape = self.tape;
        let beside = tape.parent(id).into_iter().flat_map(|object| tape.children(object));
        let beside = beside.take(MEMBERS_LOOKED_AT_MAX);
        let mut types = beside.filter(|child| {
            tape.kind(*child) == NodeKind::String
                && tape.key(*child).is_some_and(|key| MEDIA_KEYS.contains(&normal(&key).as_str()))
        });
        types.next().map_or(Cow::Borrowed(""), |child| tape.value(child))
    }

    /// The key; of a key that says nothing the label beside it, else the key above. `normal_key` is the key in normal form.
    fn cue(&self, id: NodeId, normal_key: &str) -> Cow<'t, str> {
        let tape = self.tape;
        let key = |mut at: NodeId| loop {
            if let Some(key) = tape.key(at) {
                return key;
            }
            match tape.parent(at) {
                Some(parent) => at = parent,
                None => return Cow::Borrowed(""),
            }
        };
        let own = key(id);
        if !VALUE_KEYS.contains(&normal_key) {
            return own;
        }
        let Some(object) = self.frames.last().map(|frame| frame.object) else { return own };
        self.label(id, normal_key).map_or_else(|| key(object), |label| tape.value(label))
    }

    /// The label beside a value whose key says nothing.
    fn label(&self, id: NodeId, normal_key: &str) -> Option<NodeId> {
        let (tape, object) =
            (self.tape, self.frames.last().filter(|_| VALUE_KEYS.contains(&normal_key))?.object);
        tape.children(object).take(MEMBERS_LOOKED_AT_MAX).find(|child| {
            *child != id
                && tape.kind(*child) == NodeKind::String
                && tape.key(*child).is_some_and(|key| LABEL_KEYS.contains(&normal(&key).as_str()))
        })
    }

    fn key_of(&self, id: NodeId) -> String {
        match self.tape.key(id) {
            Some(key) => normal(&key),
            None => self.frames.last().map(|frame| frame.key.clone()).unwrap_or_default(),
        }
    }

    fn side(&self) -> Side {
        self.frames.last().map_or(Side::Individual, |frame| frame.whose)
    }

    fn is_element(&self, id: NodeId) -> bool {
        self.tape.element(id).is_some()
    }

    /// Whose the open container is.
    fn person(&mut self) -> PersonId {
        if self.side() == Side::Nobody {
            return PersonId::NOBODY;
        }
        let next =
            PersonId(u32::try_from(self.roles.len()).expect("persons are fewer than 32 bits can count"));
        for frame in self.frames.iter_mut().rev() {
            match frame.person {
                Slot::Made(person) => return person,
                Slot::Due(role) => {
                    frame.person = Slot::Made(next);
                    self.roles.push(role);
                    return next;
                }
                Slot::Above => {}
            }
        }
        if self.roles.is_empty() {
            self.roles.push(Role::Patient); // the document is one value
        }
        PersonId(0)
    }

    fn announce(&mut self, sink: &mut dyn Sink) {
        while let Some(role) = self.roles.get(self.announced) {
            let id = u32::try_from(self.announced).expect("persons are fewer than 32 bits can count");
            sink.person(PersonId(id), *role);
            self.announced += 1;
        }
    }

    fn tell_unknown(&mut self, id: NodeId, key: &str, sink: &mut dyn Sink) {
        let (Some(span), Some(raw)) = (self.tape.key_span(id), self.tape.key(id)) else { return };
        if !self.table.has(key) {
            let person = self.person();
            self.announce(sink);
            sink.unknown_key(&raw, span, person, &|| self.place(id));
        }
    }

    /// Clinical content begins where a container under such a key holds something.
    fn tell_clinical(&mut self, sink: &mut dyn Sink) {
        let Some(frame) = self.frames.last() else { return };
        let holds = self.tape.children(frame.object).next().is_some();
        let keyed = self.tape.key_span(frame.object).is_some();
        let clinical = holds && keyed && self.table.below(&frame.key).any(|row| row.carry == Carry::Clinical);
        if !clinical {
            return;
        }
        let person = self.person();
        if person != PersonId::NOBODY {
            self.announce(sink);
            sink.clinical(person);
        }
    }

    /// Keys of the table, `*` for any other.
    fn place(&self, id: NodeId) -> String {
        let mut steps = Vec::new();
        let mut at = id;
        while let Some(parent) = self.tape.parent(at) {
            steps.push(match (self.tape.element(at), self.tape.key(at)) {
                (Some(number), _) => format!("[{number}]"),
                (None, key) => match normal(&key.unwrap_or_default()) {
                    known if self.table.has(&known) => format!(".{known}"),
                    _ => ".*".to_owned(),
                },
            });
            at = parent;
        }
        steps.push("$".to_owned());
        steps.into_iter().rev().collect()
    }
}

/// Whether a value is like one of its kind, of which nothing but a label beside it or a key above it tells.
fn fits(kind: Kind, value: &str) -> bool {
    let words = value.split_whitespace().count();
    let has_digit = value.bytes().any(|b| b.is_ascii_digit());
    match kind {
        Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::MotherMaidenName => {
            words <= 6 && !has_digit && !value.contains(['.', ';', '\n'])
        }
        Kind::BirthDate | Kind::DeathDate | Kind::ServiceDate => words <= 4 && date::parse(value).is_some(),
        Kind::Email => words == 1 && value.contains('@'),
        Kind::Street | Kind::City | Kind::County | Kind::Zip => words <= 12 && value.len() <= 80,
        _ => words <= 4 && value.len() <= 40 && has_digit,
    }
}

/// Whether it can be base64 of something: long enough, and of its letters only.
fn is_base64(value: &str) -> bool {
    value.len() >= 8
        && value.bytes().all(|c| {
            c.is_ascii_alphanumeric()
                || c.is_ascii_whitespace()
                || matches!(c, b'+' | b'/' | b'=' | b'-' | b'_')
        })
}

const TYPE_KEYS: &[&str] = &["idtype", "type", "identifiertype", "typecode", "system", "kind", "valuetype"];
const MEDIA_KEYS: &[&str] = &["contenttype", "mimetype", "mediatype", "filetype"];
const VALUE_KEYS: &[&str] =
    &["value", "answer", "text", "content", "val", "data", "valuestring", "stringvalue", "valuedate", "s"];
const LABEL_KEYS: &[&str] = &["label", "question", "key", "field", "name", "code", "description", "type"];
