//! Places: `NM1[3]-03`, `ST[2]:HI-01[2].4`, made of segment ids that the standard has and of numbers.

use std::fmt;

/// Where a leaf is. Formatted only where somebody asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Transaction set of the document, from 1; 0 outside of one.
    pub(super) set: u32,
    /// Segment id; `*` for one the standard doesn't have.
    pub(super) segment: Label,
    /// Which of the segments of this id in the set (of envelope segments: in the document), from 1.
    pub(super) occurrence: u32,
    /// Element number; 0 stands for the segment itself.
    pub(super) element: u32,
    /// Repetition, from 1.
    pub(super) repetition: u32,
    /// Component, from 1; 0 where there is one only.
    pub(super) component: u32,
}

/// What a segment is called in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// A segment of the standard.
    Known(Id),
    /// Anything else: its name is payload.
    Unknown,
}

/// A segment id, filled up with blanks: `NM1`, `N1 `.
pub(super) type Id = [u8; 3];

/// The id that a word is, in capitals.
pub(super) fn id(word: &str) -> Option<Id> {
    let mut id = *b"   ";
    if !(2..=3).contains(&word.len()) {
        return None;
    }
    for (slot, c) in id.iter_mut().zip(word.bytes()) {
        *slot = c.to_ascii_uppercase();
    }
    Some(id)
}

impl Label {
    /// The id; that of no segment where it is unknown.
    pub(super) fn id(self) -> Id {
        match self {
            Self::Known(id) => id,
            Self::Unknown => *b"*  ",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id().iter().filter(|c| **c != b' ').try_for_each(|c| write!(f, "{}", char::from(*c)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.set > 1 {
            write!(f, "ST[{}]:", self.set)?;
        }
        write!(f, "{}", self.segment)?;
        if self.occurrence > 1 {
            write!(f, "[{}]", self.occurrence)?;
        }
        if self.element > 0 {
            write!(f, "-{:02}", self.element)?;
        }
        if self.repetition > 1 {
            write!(f, "[{}]", self.repetition)?;
        }
        if self.component > 0 {
            write!(f, ".{}", self.component)?;
        }
        Ok(())
    }
}
