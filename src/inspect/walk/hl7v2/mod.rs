//! HL7 v2.x, ER7 (pipes), and its XML (`xml.rs`): messages and batches to leaves (v2.5.1 chapter 2, with the truncation character of v2.7).
//!
//! - Takes: a document of one or more messages, framed or not, and the compiled [`Table`].
//! - Gives: each filled subcomponent as a leaf: raw span, value with escapes undone, row, person. Delimiters,
//!   empty values and the null `""` give none.
//! - Persons: a PID owns all up to the next PID or MSH, and what comes before the first PID of a message belongs to
//!   it, too; each NK1 and GT1, and each IN1 with its IN2, is a relative; a query (QPD, QRD, QRF) is a person of
//!   its own. Announced when a first leaf needs them.
//! - Rows: `at` is `PID-3.1`, `PID-19`, `QPD-3+`, `QRF-*` or `Z*`; `as` and `when` as `config/fields/hl7v2.toml` says.
//! - Places: `PID-5.1`, `OBX[3]-5[2].1.2`, `MSH[2]:PID-19`; a Z segment is `Z*`, one that the standard doesn't have `*`.
//! - Z segments: a field with the form of a number, a name, an address or a telephone of the standard is read as PID's.
//! - In doubt: text, to be scanned. Unknown escapes stay as written; bytes that aren't UTF-8 are read as Latin-1.
//! - Cost: one pass; allocates for values with escapes or Latin-1 only.

mod attachment;
mod columns;
mod contact;
mod encoding;
mod grammar;
mod message;
mod place;
mod query;
mod question;
mod reading;
mod segment;
mod site;
mod table;
mod xml;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub(crate) use encoding::{Separators, is_header, next_segment, pieces};
pub use place::{err_location, of_err_location};
pub use table::Table;
pub use xml::{is_known_element, recognise_xml, walk_xml};

use super::{Sink, WalkError, object};

/// Whether a document is one of HL7v2 in ER7: after a byte order mark, frame start and blank lines it begins with a
/// header segment.
#[must_use]
pub fn recognise(doc: &[u8]) -> bool {
    encoding::begins_with_header(doc)
}

/// Reads a document and tells `sink` its leaves. What a result's question names is asked of the key table, where one is
/// given.
///
/// # Errors
/// [`WalkError::Malformed`] where a header is missing or its separators can't be read.
pub fn walk(
    doc: &[u8],
    table: &Table,
    objects: Option<&object::Table>,
    sink: &mut dyn Sink,
) -> Result<(), WalkError> {
    if !recognise(doc) {
        return Err(WalkError::Malformed { at: next_segment(doc, 0).map_or(0, |span| span.start) });
    }
    message::Walk::new(doc, table, objects, sink).run()
}

/// What is shorter breaks off among the separators that its header declares, before the first field behind them (MSH-1, MSH-2).
pub const HEADER_BYTES_MIN: usize = b"MSH|^~".len() + 1;

/// Whether the standard has a segment of this name: then records and places may show it.
#[must_use]
pub fn is_known_segment(name: &str) -> bool {
    use std::collections::HashSet;
    use std::sync::OnceLock;
    static NAMES: OnceLock<HashSet<[u8; 3]>> = OnceLock::new();
    let names =
        NAMES.get_or_init(|| grammar::segments().map(|(id, _)| id).chain(grammar::untold()).collect());
    name.as_bytes().try_into().is_ok_and(|id: [u8; 3]| names.contains(&id))
}
