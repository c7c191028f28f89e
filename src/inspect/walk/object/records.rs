//! Which record of a person a value stands in. Whatever an object holds counts for whoever the document tells of; but what
//! says that a person is made up says so of its own record alone: a dummy mailbox of the sender's, or the name of a test
//! user beside, tells nothing of the patient.
//!
//! A record is an object that names somebody, or says when somebody was born, with all that is in it. What stands in none is
//! every record's, but for what lies apart: beside an object that is a patient's by its key, under a key that is nobody's
//! word for a part of a patient (`support`, `meta`).

use super::Walk;
use crate::inspect::kind::Kind;
use crate::inspect::walk::json::{NodeId, NodeKind};
use std::collections::BTreeSet;

/// The records of a document.
#[derive(Default)]
pub(super) struct Records {
    /// Objects that name somebody, or say when somebody was born.
    named: BTreeSet<NodeId>,
    /// Whether one of them is a patient's by its key.
    of_a_patient: bool,
}

/// The record that what an open container holds stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    /// None of its own.
    Shared,
    /// That of this object.
    Of(NodeId),
    /// None that a patient has.
    Apart,
}

impl Record {
    /// Its number for the sink.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Shared => 0,
            Self::Of(object) => u32::try_from(object.index() + 1).unwrap_or(u32::MAX - 1),
            Self::Apart => u32::MAX,
        }
    }
}

impl Records {
    /// Takes note of a value of this kind in the open containers.
    pub(super) fn note(&mut self, walk: &Walk<'_, '_>, kind: Kind) {
        if !matches!(kind, Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::BirthDate) {
            return;
        }
        // A name in parts is its owner's: `"name": {"family": …}`.
        let is_owner = |object: &NodeId| {
            walk.tape.kind(*object) == NodeKind::Object && !walk.keys.name(*object).ends_with("name")
        };
        let mut above = walk.frames.iter().rev().map(|frame| frame.object);
        if let Some(object) = above.find(is_owner) {
            self.named.insert(object);
        }
        self.of_a_patient |= is_a_patients(walk);
    }

    /// Whether all stands in one record or in none.
    pub(super) fn is_one(&self) -> bool {
        self.named.len() < 2 && !self.of_a_patient
    }

    /// The record of what stands in a container that is entered now, below `above`.
    pub(super) fn of(&self, walk: &Walk<'_, '_>, container: NodeId, above: Record) -> Record {
        if self.named.contains(&container) {
            return Record::Of(container);
        }
        let holds_one = || self.named.range(container..walk.tape.after(container)).next().is_some();
        let is_apart = || {
            self.of_a_patient
                && !is_a_patients(walk)
                && walk.tape.element(container).is_none()
                && walk.tape.parent(container).is_some()
                && (!walk.keys.get(container).is_known || SYSTEMS.contains(&walk.keys.name(container)))
                && !holds_one()
        };
        match above {
            Record::Shared if is_apart() => Record::Apart,
            above => above,
        }
    }
}

/// Whether an open container is a patient's by its key.
fn is_a_patients(walk: &Walk<'_, '_>) -> bool {
    walk.frames.iter().any(|frame| PATIENTS.contains(&&*frame.key.name))
}

/// Keys of an object that is a patient's.
const PATIENTS: &[&str] = &["patient", "member", "subject", "beneficiary", "enrollee", "resident"];
/// Keys of what is a system's, whatever else they are a word for.
const SYSTEMS: &[&str] =
    &["meta", "metadata", "from", "sender", "owner", "support", "config", "source", "system"];
