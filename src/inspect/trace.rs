//! Trace: what walkers told of a message, for tests of rules. It holds rules, bytes' places and roles, and no value.

use super::field::Field;
use super::walk::{Declared, Leaf, PersonId, Role};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// What was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// The rows that covered a leaf.
    pub rows: BTreeSet<Arc<str>>,
    /// Each thing that was told, in order.
    told: Vec<String>,
}

impl Trace {
    pub(super) fn person(&mut self, id: PersonId, role: Role) {
        self.tell(|| format!("person {id:?} {role:?}"));
    }

    pub(super) fn leaf(&mut self, leaf: &Leaf<'_>) {
        let rule = leaf.field.map(Field::rule);
        let shown = rule.as_deref().unwrap_or("none").to_owned();
        // What a carrier reads as has its declared type in it: that isn't kept.
        let reads = std::mem::discriminant(&leaf.reads);
        self.tell(|| format!("leaf {:?} {shown} {:?} {reads:?}", leaf.span, leaf.person));
        self.rows.extend(rule);
    }

    pub(super) fn clinical(&mut self, person: PersonId) {
        self.tell(|| format!("clinical {person:?}"));
    }

    pub(super) fn declared(&mut self, mode: Declared) {
        self.tell(|| format!("declared {mode:?}"));
    }

    pub(super) fn unknown_key(&mut self, span: &Range<usize>, person: PersonId) {
        self.tell(|| format!("unknown key {span:?} {person:?}"));
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if self.told.len() < TOLD_MAX {
            self.told.push(what());
        }
    }
}

/// Things that are kept of one message.
const TOLD_MAX: usize = 1 << 16;
