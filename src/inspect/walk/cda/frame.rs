//! What the walk knows where it stands, and places in words.

use super::super::PersonId;
use super::super::xml::NodeId;
use super::names::{Name, Names};
use std::fmt::Write;

/// An element that is open.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) node: NodeId,
    /// The first node behind it.
    pub(super) after: NodeId,
    pub(super) name: Name,
    /// Which of the elements of this name beside it, from 1.
    number: u32,
    /// What conditions may ask of it.
    pub(super) tags: u64,
    pub(super) owner: Owner,
    /// Below a name that CDA doesn't have.
    pub(super) unknown: bool,
    pub(super) narrative: Narrative,
    /// Elements in it so far, by name.
    counts: Vec<(Name, u32)>,
}

/// Whose what an element holds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The document's patient's.
    Patient,
    /// This person's.
    Person(PersonId),
    /// A provider's, an organisation's: nobody's PHI.
    Nobody,
}

/// How an element stands in the narrative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrative {
    /// Not in it.
    Outside,
    /// Its text stands apart from what is around it.
    Block,
    /// A row of labels, each with its value behind it.
    Pairs,
    /// The label: its value goes on in the same line.
    Label,
    /// Part of the line that it stands in.
    Inline,
}

impl Frame {
    /// An element in `above`, or the root.
    pub(super) fn new(node: NodeId, after: NodeId, name: Name, tags: u64, above: Option<&mut Self>) -> Self {
        let frame = |number, owner, unknown| Self {
            node,
            after,
            name,
            number,
            tags,
            owner,
            unknown: unknown || name == Name::UNKNOWN,
            narrative: Narrative::Outside,
            counts: Vec::new(),
        };
        match above {
            Some(above) => frame(above.count(name), above.owner, above.unknown),
            None => frame(1, Owner::Patient, false),
        }
    }

    /// The number of the next element of this name.
    fn count(&mut self, name: Name) -> u32 {
        match self.counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => {
                *count = count.saturating_add(1);
                *count
            }
            None => {
                self.counts.push((name, 1)); // at most one for each name of the table
                1
            }
        }
    }
}

/// `ClinicalDocument/recordTarget/patientRole/id[2]`, and what hangs on it.
pub(super) fn place(frames: &[Frame], names: &Names, rest: &str) -> String {
    let mut place = String::new();
    for frame in frames {
        if !place.is_empty() {
            place.push('/');
        }
        place.push_str(names.word(frame.name));
        if frame.number > 1 {
            let _ = write!(place, "[{}]", frame.number); // writing to a String doesn't fail
        }
    }
    if !rest.is_empty() && !place.is_empty() {
        place.push('/');
    }
    place + rest
}
