//! What is walked inside a value: its places lie in the value's.

use crate::inspect::walk::{Declared, Leaf, PersonId, Role, Sink};
use std::ops::Range;

/// A sink that puts a place around every place.
pub(in crate::inspect) struct Within<'s> {
    pub(in crate::inspect) place: &'s str,
    pub(in crate::inspect) sink: &'s mut dyn Sink,
}

impl Sink for Within<'_> {
    fn person(&mut self, id: PersonId, role: Role) {
        self.sink.person(id, role);
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        self.sink.leaf(leaf, &|| format!("{} > {}", self.place, place()));
    }

    fn clinical(&mut self, person: PersonId) {
        self.sink.clinical(person);
    }

    fn elsewhere(&mut self, media_type: &'static str, place: &dyn Fn() -> String) {
        self.sink.elsewhere(media_type, &|| format!("{} > {}", self.place, place()));
    }

    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
        self.sink.declared(mode, &|| format!("{} > {}", self.place, place()));
    }

    fn unknown_key(&mut self, key: &str, span: Range<usize>, person: PersonId, place: &dyn Fn() -> String) {
        self.sink.unknown_key(key, span, person, &|| format!("{} > {}", self.place, place()));
    }
}
