//! Walkers: one for each format. A walker reads a document once and tells a [`Sink`] its leaves: decoded value, raw
//! byte span, the field-table row that covers it, and whose it is. It judges nothing; scoring and redaction are sinks.

use super::field::Field;
use std::borrow::Cow;
use std::ops::Range;

/// A person of one document, numbered by the walker from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonId(pub u32);

impl PersonId {
    /// Values that belong to no one in particular: providers, organisations, structure.
    pub const NOBODY: Self = Self(u32::MAX);
}

/// How a leaf's value is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads<'a> {
    /// By its row: one value of the row's kind.
    Value,
    /// Free text: scan it. Also any string that no row and no safe class covers.
    Text,
    /// XHTML narrative: tags taken out, entities decoded, then free text.
    Xhtml,
    /// Base64 of a document of this media type (empty: unknown; sniff it).
    Base64(&'a str),
    /// Hex digits of a document of this media type.
    Hex(&'a str),
    /// A URL or a query string: parameters are judged by the query rows.
    Query,
    /// A code of a code system, a flag, a unit, a status: kept in records where its value passes as one.
    Code,
    /// A number that measures something.
    Quantity,
    /// A time or date that is nobody's: message times, versions.
    Time,
    /// An opaque id of the machine's own: control ids, resource ids, versions.
    Opaque,
    /// A name, an address or a number of a provider or organisation: nobody's PHI; masked in records.
    Public,
}

/// The last names of a place.
#[derive(Debug, Clone, Copy)]
pub struct Ends<'n> {
    /// Of the element around.
    pub above: &'n str,
    /// Of the element.
    pub element: &'n str,
}

/// One leaf of a document.
#[derive(Clone)]
pub struct Leaf<'a> {
    /// The value's raw bytes in the document: quotes, delimiters and tags excluded.
    pub span: Range<usize>,
    /// The value with the format's escapes undone.
    pub value: Cow<'a, str>,
    /// The row that covers it, if one does.
    pub field: Option<&'a Field>,
    /// Whose it is.
    pub person: PersonId,
    /// How to read it.
    pub reads: Reads<'a>,
    /// Words that name it to nearby-word rules: the key, the label, the question.
    pub cue: &'a str,
}

/// The beginning of a text, of no more bytes than these.
#[must_use]
pub fn start_of(text: &str, bytes_max: usize) -> &str {
    let end = bytes_max.min(text.len());
    // No character has more than four bytes.
    (0..4).find_map(|back| text.get(..end.checked_sub(back)?)).unwrap_or_default()
}

/// Of a cue no more bytes are looked at.
pub const CUE_BYTES_MAX: usize = 256;

/// What a person of a document is to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The individual.
    Patient,
    /// A relative, guarantor or insured of this patient: the patient himself where name or number agrees.
    RelativeOf(PersonId),
    /// A relative of somebody who isn't in the document.
    Relative,
}

/// What a sender declared of a message: never points, clears nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declared {
    /// Says it is test data.
    Test,
    /// Says it is production data.
    Production,
}

/// Who listens to a walker. A place is asked for only where it is needed: it is text made of field-table words
/// and indices, with `*` for every other key.
pub trait Sink {
    /// A person begins. Ids come in order; a leaf never names a person that wasn't announced.
    fn person(&mut self, id: PersonId, role: Role);
    /// One leaf.
    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String);
    /// A number that no row covers, with what its element and the one around it are called in its place, where the walker has
    /// these at hand: the whole place takes more to make.
    fn number_in(&mut self, leaf: &Leaf<'_>, _names: Ends<'_>, place: &dyn Fn() -> String) {
        self.leaf(leaf, place);
    }
    /// Clinical content of this person begins here.
    fn clinical(&mut self, person: PersonId);
    /// The sender declared a mode here.
    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String);
    /// A key (element, column, segment) that the format doesn't know: payload, too.
    fn unknown_key(&mut self, key: &str, span: Range<usize>, person: PersonId, place: &dyn Fn() -> String);
    /// Whether it has nothing to ask of a leaf that no row covers and that reads so: then it need not be told. Most leaves
    /// of most documents are codes, numbers and times, and what a leaf is told with costs more than to ask. What it has
    /// nothing to ask of, it asks nothing of when the same comes again in the document.
    fn passes_over(&self, _reads: Reads<'_>, _value: &str) -> bool {
        false
    }
    /// Whether it makes a difference to it whose a leaf is, and what it is called. Where it makes none, walkers may tell a
    /// leaf that no row covers as nobody's, and of all but texts and numbers without a cue: to find these out may cost more
    /// than all else of it.
    fn asks_whose(&self) -> bool {
        true
    }
    /// How many things it has made of what it was told so far; `None` where that isn't known. A field of which it made
    /// nothing needn't be told when it comes again, word for word, in the same column and of the same people.
    fn made(&self) -> Option<usize> {
        None
    }
    /// What is told from here on stands in this record of its person; 0: in what all of them share. Two records that name
    /// different people say nothing of each other's being made up.
    fn record(&mut self, _record: u32) {}
    /// Content that the document leads to and doesn't hold, of this media type: nobody has read it.
    fn elsewhere(&mut self, _media_type: &'static str, _place: &dyn Fn() -> String) {}
}

/// Why a walker could not read a document to its end. What it told its sink before holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WalkError {
    /// Not of the format, or broken. The offset is in bytes.
    #[error("malformed at byte {at}")]
    Malformed {
        /// Where reading stopped.
        at: usize,
    },
    /// Nested deeper than the limit.
    #[error("nested deeper than {max} levels")]
    TooDeep {
        /// The limit.
        max: usize,
    },
    /// Has more than is told apart, or would have to be read more often than the limit allows.
    #[error("more than {max}")]
    TooMuch {
        /// The limit.
        max: usize,
    },
    /// Not UTF-8 where the format wants it.
    #[error("not UTF-8 at byte {at}")]
    NotUtf8 {
        /// Where the first bad byte is.
        at: usize,
    },
}

pub mod json;
pub mod arranged;
pub mod shifted;
pub mod xml;
pub mod shape;
pub mod fhir;
pub mod hl7v2;
pub mod x12;
pub mod cda;
pub mod object;
pub mod dicom;
pub mod csv;
pub mod named;
pub mod ncpdp;
pub mod xds;
mod staff;
#[cfg(test)]
mod trees;

pub(in crate::inspect) use object::is_an_organisation;
pub(in crate::inspect) use staff::{is_a_form_of_staff, is_a_private_mailbox, is_a_role_of_staff};
