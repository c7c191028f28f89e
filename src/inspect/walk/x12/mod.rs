//! X12 005010 (HIPAA transactions): interchanges to leaves (ASC X12.5, X12.6 and the TR3 guides).
//!
//! - Takes: a document of one or more interchanges, or a group or transaction set without its interchange, and the
//!   compiled [`Table`].
//! - Gives: each filled element (of a composite: each component) as a leaf: raw span without the blanks around it,
//!   value with releases and line wraps undone, row, person.
//! - Persons: HL levels 22, 23 and PT, INS, CLP and ENT begin one, NM1 names one. NM1*IL is the subscriber, QC and 03
//!   the patient, IL of another cover somebody else: the same person where the full names agree, or the numbers where
//!   one of them has no full name. S1, GD and the like are relatives, and he himself where name or number agrees.
//!   N2, N3, N4, PER, REF belong to whom the last NM1 or N1 named, all else to the person of the level.
//! - Rows: `at` and `when` as `config/fields/x12.toml` says.
//! - Places: `NM1[3]-03`, `ST[2]:HI-01.4`; a segment that the standard doesn't have is `*`.
//! - BIN and BDS: the length tells where the data ends; it is a carrier.
//! - In doubt: text, to be scanned; a name of unknown role is a relative's. An envelope that is wrong or cut is
//!   [`WalkError::Malformed`], told at the end: all that can be read is read before.
//! - Cost: one pass, and a look at most 64 segments ahead where another cover or a paid claim begins;
//!   allocates for wrapped, released, Latin-1 and binary values only.

mod binary;
mod conditions;
mod document;
mod grammar;
mod people;
mod place;
mod reading;
mod segment;
mod separators;
mod table;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use separators::skip_blanks;
pub(crate) use separators::{Segment, Separators, segments};
pub use table::Table;

use super::{Sink, WalkError};

/// Whether a document is an X12 interchange: after a byte order mark and blanks it begins with a header that declares
/// its separators; or a group or transaction set of health care without it.
#[must_use]
pub fn recognise(doc: &[u8]) -> bool {
    header(doc).is_some_and(|(_, rest)| {
        Separators::declared(rest).is_some() || begins_set(rest) && Separators::guessed(rest).is_some()
    })
}

/// `ST*837*`, `GS*HC*`.
fn begins_set(rest: &[u8]) -> bool {
    let Some((id, behind)) = rest.split_at_checked(2) else { return false };
    let Some((mark, behind)) = behind.split_first() else { return false };
    let length = if id == b"ST" { 3 } else { 2 };
    let code = behind.get(..length).and_then(|code| std::str::from_utf8(code).ok()).unwrap_or_default();
    let known = match id {
        b"ST" => SETS.contains(&code),
        b"GS" => GROUPS.contains(&code),
        _ => false,
    };
    known && !mark.is_ascii_alphanumeric() && behind.get(length) == Some(mark)
}

/// Transaction sets, and the groups that they come in.
const SETS: [&str; 15] =
    ["269", "270", "271", "274", "275", "276", "277", "278", "820", "824", "834", "835", "837", "997", "999"];
const GROUPS: [&str; 11] = ["HS", "HB", "HR", "HN", "HI", "HC", "HP", "BE", "RA", "PI", "FA"];

/// Reads a document and tells `sink` its leaves.
///
/// # Errors
/// [`WalkError::Malformed`] where nothing can be read, since separators are missing, and where an envelope is wrong or
/// cut: then `sink` was told all there is. [`can_read`] tells the two apart.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    let marks = separators(doc).ok_or(WalkError::Malformed { at: header(doc).map_or(0, |(at, _)| at) })?;
    document::Walk::new(doc, marks, table, sink).run()
}

/// Whether a document's separators are known: then [`walk`] tells all of it, even if its envelope is broken.
#[must_use]
pub fn can_read(doc: &[u8]) -> bool {
    separators(doc).is_some()
}

/// The separators of the first interchange, or those that a fragment shows.
pub(crate) fn separators(doc: &[u8]) -> Option<Separators> {
    let (_, rest) = header(doc)?;
    Separators::declared(rest).map(|(marks, _)| marks).or_else(|| Separators::guessed(rest))
}

fn header(doc: &[u8]) -> Option<(usize, &[u8])> {
    let at = skip_blanks(doc, 0, None)?;
    Some((at, doc.get(at..)?))
}
