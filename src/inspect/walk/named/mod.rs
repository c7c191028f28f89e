//! XML formats whose elements are known by name: one walk for all, with a table and a [`Dialect`] for each.
//!
//! - Takes: a tape, and rows in this notation. `at` is words of a path from the root to a value, the first and any between
//!   left out: `Patient/Name/LastName`, `id/@extension`. A row covers all below its last word, too; the row whose last
//!   word is nearest to the value wins, then one with conditions, then more words, then more points. `when.systems` asks
//!   for the `root` beside, `when.types` for what the dialect says of the type, or with a colon for how the value begins.
//! - Gives: every attribute, text, comment and instruction once. A text that comments or CDATA sections cut is one.
//! - Persons: who is told of where no element begins a person is the document's patient. What stands under a provider's or an
//!   organisation's element is nobody's.
//! - In doubt: text. Places are words of the table; any other name is `*`.
//! - Cost: one pass over a flat tape, no recursion; a look at up to 8 levels for each value.

mod table;
mod value;
#[cfg(test)]
pub(super) mod reference;

pub(super) use table::Carry;
pub use table::Table;

use super::shape::{Member, members, says_something, whole};
use super::xml::{NodeId, NodeKind, Tape};
use super::{Declared, Leaf, PersonId, Reads, Role, Sink};
use crate::inspect::field::Field;
use crate::inspect::kind::{Kind, Whose};
use std::borrow::Cow;
use std::fmt::Write;
use table::{Beside, Row, Word};
use value::Value;

/// What differs between formats.
pub trait Dialect {
    /// What an element is called in the table.
    fn word<'t>(&self, tape: &'t Tape<'_>, element: NodeId) -> Cow<'t, str> {
        Cow::Borrowed(tape.local(element))
    }

    /// What tells the types of the values in an element.
    fn types(&self, tape: &Tape<'_>, element: NodeId) -> Vec<String>;

    /// What a declaration's value says.
    fn declares(&self, value: &str) -> Option<Declared>;

    /// The media type of the base64 in an element; empty where it isn't known.
    fn media(&self, tape: &Tape<'_>, element: NodeId) -> String;
}

/// Walks a document.
pub fn walk(tape: &Tape<'_>, table: &Table, dialect: &dyn Dialect, sink: &mut dyn Sink) {
    let (frames, path, roles) = (Vec::new(), Vec::new(), Vec::new());
    Walk { tape, table, dialect, frames, path, roles, announced: 0, sink }.run();
}

struct Walk<'t, 'd, 's> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    dialect: &'s dyn Dialect,
    frames: Vec<Frame<'t>>,
    /// Of the open elements.
    path: Vec<Word>,
    roles: Vec<Role>,
    announced: usize,
    sink: &'s mut dyn Sink,
}

/// An element that is open.
struct Frame<'t> {
    element: NodeId,
    after: NodeId,
    public: bool,
    person: Slot,
    members: Vec<Member<'t>>,
    /// Its number among the elements of its name, where it isn't the only one.
    number: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Made(PersonId),
    /// To be made when it has something to say.
    Due(Role),
    /// That of the element above.
    Above,
}

impl<'t> Walk<'t, '_, '_> {
    fn run(mut self) {
        let tape = self.tape;
        for id in tape.nodes().skip(1) {
            while self.frames.last().is_some_and(|frame| frame.after <= id) {
                self.frames.pop();
                self.path.pop();
            }
            match tape.kind(id) {
                NodeKind::Element => self.enter(id),
                NodeKind::Attribute if says_something(tape, id) => self.attribute(id),
                NodeKind::Text if !self.frames.last().is_some_and(Frame::is_leaf) => {
                    self.leaf(Value::of(tape, tape.written(id), tape.is_escaped(id)), id);
                }
                NodeKind::Comment | NodeKind::Instruction => self.comment(id),
                _ => {}
            }
        }
    }

    fn enter(&mut self, id: NodeId) {
        let tape = self.tape;
        let word = self.table.word(&self.dialect.word(tape, id));
        let number =
            self.frames.last_mut().and_then(|frame| Member::number(&mut frame.members, tape.local(id)));
        let public = self.is_public();
        let first = if self.frames.is_empty() { Slot::Due(Role::Patient) } else { Slot::Above };
        self.path.push(word);
        let (element, after, members) = (id, tape.after(id), members(tape, id));
        self.frames.push(Frame { element, after, public, person: first, members, number });
        let table = self.table;
        let begins: Vec<Carry> = table.begins(&self.path).collect();
        for carry in begins {
            self.begin(carry);
        }
        if word == Word::UNKNOWN {
            self.unknown(tape.local(id), id);
        }
        if self.frames.last().is_some_and(Frame::is_leaf) {
            let mut texts = tape.children(id).filter(|child| tape.kind(*child) == NodeKind::Text);
            if let Some(first) = texts.next() {
                let (written, escaped) = whole(tape, first, texts.last().unwrap_or(first));
                self.leaf(Value::of(tape, written, escaped), id);
            }
        }
    }

    fn begin(&mut self, carry: Carry) {
        let due = match carry {
            Carry::Public => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.public = true;
                }
                return;
            }
            Carry::Clinical => {
                let person = self.person();
                if person != PersonId::NOBODY {
                    self.announce();
                    self.sink.clinical(person);
                }
                return;
            }
            Carry::Relative => match self.person() {
                PersonId::NOBODY => return,
                patient => Role::RelativeOf(patient),
            },
            _ => Role::Patient,
        };
        if let Some(frame) = self.frames.last_mut() {
            frame.person = Slot::Due(due);
        }
    }

    fn attribute(&mut self, id: NodeId) {
        let tape = self.tape;
        let word = self.table.word(&format!("@{}", tape.local(id)));
        self.path.push(word);
        if word == Word::UNKNOWN {
            self.unknown(tape.local(id), id);
        }
        self.leaf(Value::of(tape, tape.written(id), tape.is_escaped(id)), id);
        self.path.pop();
    }

    fn comment(&mut self, id: NodeId) {
        let value = Value::of(self.tape, self.tape.written(id), false);
        let person = self.person();
        self.tell(&value, None, person, Reads::Text, "comment");
    }

    fn leaf(&mut self, value: Value<'t>, id: NodeId) {
        let tape = self.tape;
        let element = self.frames.last().map_or(id, |frame| frame.element);
        let types = self.dialect.types(tape, element);
        let root = tape.attr(element, "root");
        let beside = Beside { value: value.decoded(), types: &types, system: root.as_deref() };
        let (table, public) = (self.table, self.is_public());
        let row = table.value(&self.path, &beside, |row| row.holds(public));
        if row.is_some_and(|row| row.carry == Carry::Pid) {
            return self.pid(&value, id);
        }
        let value = match row.map(|row| row.carry) {
            Some(Carry::Cx) => value.component(),
            Some(Carry::Value) => value.without_scheme(),
            _ => value,
        };
        self.judged(&value, row, element, tape.local(id));
    }

    /// `PID-5|Doe^Ann~Roe^Ann`: each component by its row.
    fn pid(&mut self, value: &Value<'t>, id: NodeId) {
        let (label, parts) = value.pid();
        let (table, public) = (self.table, self.is_public());
        if let Some(label) = label {
            self.tell(&label, None, PersonId::NOBODY, Reads::Opaque, "");
        }
        for (word, part) in parts {
            self.path.push(table.word(&word));
            let types = part.types();
            let beside = Beside { value: part.decoded(), types: &types, system: part.system() };
            let row = table.value(&self.path, &beside, |row| row.carry != Carry::Pid && row.holds(public));
            self.judged(&part, row, id, &word);
            self.path.pop();
        }
    }

    fn judged(&mut self, value: &Value<'t>, row: Option<&'t Row>, element: NodeId, cue: &str) {
        let decoded = value.decoded();
        let person = match row.map(|row| row.field.whose) {
            Some(Whose::Provider | Whose::Organisation) => PersonId::NOBODY,
            _ => self.person(),
        };
        if row.is_some_and(|row| row.field.kind == Kind::DeclaredMode)
            && let Some(mode) = self.dialect.declares(decoded.trim())
        {
            let place = self.place();
            self.sink.declared(mode, &|| place.clone());
        }
        let digits = decoded.bytes().any(|c| c.is_ascii_digit());
        let media;
        let reads = match row.map(|row| row.carry) {
            Some(Carry::Text) => Reads::Text,
            Some(Carry::Code) => Reads::Code,
            Some(Carry::Opaque) => Reads::Opaque,
            Some(Carry::Time) if digits => Reads::Time,
            Some(Carry::Quantity) if is_quantity(decoded) => Reads::Quantity,
            Some(Carry::Value | Carry::Cx) => Reads::Value,
            Some(Carry::Base64) => {
                media = self.dialect.media(self.tape, element);
                Reads::Base64(&media)
            }
            _ if self.is_public() => Reads::Public,
            _ => Reads::Text,
        };
        self.tell(value, row.map(|row| &row.field), person, reads, cue);
    }

    fn tell(
        &mut self,
        value: &Value<'t>,
        field: Option<&'t Field>,
        person: PersonId,
        reads: Reads<'_>,
        cue: &str,
    ) {
        self.announce();
        let (span, value) = (value.span(), Cow::Borrowed(value.decoded()));
        let (table, frames, path) = (self.table, &self.frames, &self.path);
        self.sink.leaf(&Leaf { span, value, field, person, reads, cue }, &|| place(table, frames, path));
    }

    fn unknown(&mut self, name: &str, id: NodeId) {
        let person = self.person();
        self.announce();
        let (table, frames, path) = (self.table, &self.frames, &self.path);
        self.sink.unknown_key(name, self.tape.name_span(id), person, &|| place(table, frames, path));
    }

    fn is_public(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.public)
    }

    fn place(&self) -> String {
        place(self.table, &self.frames, &self.path)
    }

    /// Whose the open element is.
    fn person(&mut self) -> PersonId {
        if self.frames.last().is_none_or(|frame| frame.public) {
            return PersonId::NOBODY;
        }
        let next =
            PersonId(u32::try_from(self.roles.len()).expect("persons are fewer than the document's bytes"));
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
        PersonId::NOBODY
    }

    fn announce(&mut self) {
        while let Some(role) = self.roles.get(self.announced) {
            let id = u32::try_from(self.announced).expect("persons are fewer than the document's bytes");
            self.sink.person(PersonId(id), *role);
            self.announced += 1;
        }
    }
}

impl Frame<'_> {
    /// Whether no element stands in it.
    fn is_leaf(&self) -> bool {
        self.members.is_empty()
    }
}

/// Words from the root: `Message.Body.NewRx.Patient.Name[1].LastName`.
fn place(table: &Table, frames: &[Frame<'_>], path: &[Word]) -> String {
    let mut out = String::new();
    for (at, word) in path.iter().enumerate() {
        if at > 0 {
            out.push('.');
        }
        out.push_str(table.spelled(*word));
        if let Some(number) = frames.get(at).and_then(|frame| frame.number) {
            let _ = write!(out, "[{number}]"); // writing to a String doesn't fail
        }
    }
    out
}

/// Digits that measure something.
fn is_quantity(value: &str) -> bool {
    value.len() <= QUANTITY_BYTES_MAX
        && value.bytes().any(|c| c.is_ascii_digit())
        && value.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'-' | b'+' | b'E' | b'e'))
}

/// Longer numbers measure nothing.
const QUANTITY_BYTES_MAX: usize = 16;
