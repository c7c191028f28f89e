//! The people of a document inside a request: its first is the field's, others are new ones.

use crate::inspect::walk::{Declared, Leaf, PersonId, Role, Sink};
use std::ops::Range;

/// A sink that numbers people anew.
pub(super) struct Shifted<'s> {
    /// How many people the request has.
    persons: &'s mut u32,
    /// The field's, once it has one.
    first: &'s mut Option<PersonId>,
    /// Ours, by the document's numbers.
    known: Vec<PersonId>,
    sink: &'s mut dyn Sink,
}

impl<'s> Shifted<'s> {
    pub(super) fn new(persons: &'s mut u32, first: &'s mut Option<PersonId>, sink: &'s mut dyn Sink) -> Self {
        Self { persons, first, known: Vec::new(), sink }
    }

    fn ours(&self, person: PersonId) -> PersonId {
        self.known.get(person.0 as usize).copied().unwrap_or(PersonId::NOBODY)
    }
}

impl Sink for Shifted<'_> {
    fn person(&mut self, _: PersonId, role: Role) {
        if self.known.is_empty()
            && let Some(first) = *self.first
        {
            self.known.push(first);
            return;
        }
        let person = PersonId(*self.persons);
        *self.persons += 1;
        if self.known.is_empty() {
            *self.first = Some(person);
        }
        let role = match role {
            Role::RelativeOf(of) => Role::RelativeOf(self.ours(of)),
            role => role,
        };
        self.known.push(person);
        self.sink.person(person, role);
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        let person = self.ours(leaf.person);
        self.sink.leaf(&Leaf { person, ..leaf.clone() }, place);
    }

    fn clinical(&mut self, person: PersonId) {
        self.sink.clinical(self.ours(person));
    }

    fn elsewhere(&mut self, media_type: &'static str, place: &dyn Fn() -> String) {
        self.sink.elsewhere(media_type, place);
    }

    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
        self.sink.declared(mode, place);
    }

    fn unknown_key(&mut self, key: &str, span: Range<usize>, person: PersonId, place: &dyn Fn() -> String) {
        self.sink.unknown_key(key, span, self.ours(person), place);
    }
}
