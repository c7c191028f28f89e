//! The people of a document inside another: its first is one who is known there, others are new ones.

use super::{Declared, Leaf, PersonId, Role, Sink};
use std::ops::Range;

/// A sink that numbers people anew.
pub struct Shifted<'s> {
    /// How many people the outer document has.
    persons: &'s mut u32,
    /// Who the first is, once there is one.
    first: &'s mut Option<PersonId>,
    /// The outer document's, by the inner's numbers.
    known: Vec<PersonId>,
    /// Patients among them.
    patients: Vec<PersonId>,
    sink: &'s mut dyn Sink,
}

impl<'s> Shifted<'s> {
    /// One for an inner document whose first person is `first`, where that is known; new people count on from `persons`.
    pub fn new(persons: &'s mut u32, first: &'s mut Option<PersonId>, sink: &'s mut dyn Sink) -> Self {
        Self { persons, first, known: Vec::new(), patients: Vec::new(), sink }
    }

    /// The patients that the document told of.
    #[must_use]
    pub fn patients(self) -> Vec<PersonId> {
        self.patients
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
        if role == Role::Patient {
            self.patients.push(person);
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

    fn record(&mut self, record: u32) {
        self.sink.record(record);
    }

    fn passes_over(&self, reads: super::Reads<'_>, value: &str) -> bool {
        self.sink.passes_over(reads, value)
    }

    fn asks_whose(&self) -> bool {
        self.sink.asks_whose()
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
