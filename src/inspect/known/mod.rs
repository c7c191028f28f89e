//! Known people: whether somebody is one of the organization's registered test people, or a real person that production
//! has seen. Free of I/O: who holds registry and fingerprints answers through [`Known`].
//!
//! People are known by *tuples* of what agrees about them (name, birth date, number), and a tuple only as one keyed hash
//! over all of it: a field by itself is never hashed, since few birth dates and numbers are possible.

mod filter;
mod tuple;

#[cfg(test)]
mod formats;

pub use filter::{Filter, FilterError};
pub use tuple::{Facts, Tuple};

use std::fmt;

/// The keyed hash of a tuple.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(pub [u8; 32]);

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tag")
    }
}

/// What a fingerprint of the same person could be, by the key that it would be made with: asked later, when nobody has the
/// values any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// Which key.
    pub key: [u8; 8],
    /// The hash of a tuple.
    pub tag: Tag,
}

/// Whose tuples inspection gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remember {
    /// Nobody's.
    Nobody,
    /// Of people that nothing marks as made up, and that nothing knows.
    Unknown,
    /// Everybody's but a listed person's.
    Everybody,
}

/// Who is known.
pub trait Known: Send + Sync {
    /// Whether the registry of test people has the tuple: approved, and not expired.
    fn is_listed(&self, tuple: &Tuple<'_>) -> bool;
    /// Whether a real person with this tuple was seen in production.
    fn is_real(&self, tuple: &Tuple<'_>) -> bool;
    /// The tuple's hash, to remember a person by.
    fn tag(&self, tuple: &Tuple<'_>) -> Tag;
    /// Adds what fingerprints of the tuple would be.
    fn asked_later(&self, _: &Tuple<'_>, _: &mut Vec<Print>) {}
    /// Whose tuples are to be given back.
    fn remember(&self) -> Remember;
    /// Whether there is anybody to be found.
    fn knows_anybody(&self) -> bool;
}

/// What is known of one person.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Agrees with a listed person.
    pub(super) listed: bool,
    /// Pieces of evidence, by their index, that the listing has.
    pub(super) listed_values: Vec<usize>,
    /// Agrees with a fingerprint.
    pub(super) real: bool,
}

impl Standing {
    /// Of a person with these facts.
    pub(super) fn of(facts: &Facts, known: &dyn Known) -> Self {
        if !known.knows_anybody() {
            return Self::default();
        }
        let mut standing =
            Self { real: facts.candidates(&mut |tuple| known.is_real(tuple)), ..Self::default() };
        if standing.real {
            return standing;
        }
        standing.listed_values = facts.numbers_with(&mut |tuple| known.is_listed(tuple));
        standing.listed =
            !standing.listed_values.is_empty() || facts.alone(&mut |tuple| known.is_listed(tuple));
        standing
    }

    /// Whether a listing clears this piece of evidence: one that it has, or one that weighs little.
    pub(super) fn clears(&self, at: usize, full: u16) -> bool {
        full < UNLISTED_COUNTS_FROM || self.listed_values.contains(&at)
    }
}

/// A value of so many points counts beside a listed person, where the listing doesn't have it.
const UNLISTED_COUNTS_FROM: u16 = 60;
