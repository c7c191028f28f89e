//! NDJSON: a JSON document a line (FHIR Bulk Data Access, export file format; JSON Lines; RFC 7464 with its marks).
//!
//! Each line is a document of its own: its people are never those of another, and what it carries is read before the
//! next line. A line that doesn't parse is told with its number, scanned as text, and the rest is read all the same.

use super::offsets::Escapes;
use super::score::Scorer;
use super::walk::fhir;
use super::{Inspector, format, wrapped};
use std::ops::Range;

impl<'r> Inspector<'r> {
    pub(super) fn ndjson(&self, bytes: &[u8], scorer: &mut Scorer<'r>, left: &mut usize) {
        let stand = scorer.stand();
        scorer.ends();
        for (number, at) in lines(bytes) {
            let line = bytes.get(at.clone()).unwrap_or_default();
            scorer.piece(&stand, at, true, false, &format!("line {number}"));
            scorer.carried_raw(Escapes::Json, line);
            match fhir::read(line, &self.rules.fhir) {
                Ok(tape) => {
                    scorer.links(&tape);
                    wrapped::walk(&tape, self.rules, scorer);
                }
                Err(error) => {
                    self.unread_walk(
                        error,
                        format::known_media_type("application/x-ndjson"),
                        line,
                        scorer,
                        false,
                    );
                }
            }
            self.carriers(scorer, left);
            scorer.ends();
        }
    }
}

/// The lines that hold something, with their numbers from 1: white space and the marks of RFC 7464 aside.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let blank = |b: &u8| b.is_ascii_whitespace() || *b == RECORD_SEPARATOR;
    let start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
    let mut at = start;
    let mut number = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default();
            let from = at;
            // CR LF is one end.
            let step = if rest.get(end..end + 2) == Some(b"\r\n") { 2 } else { 1 };
            at += end + step;
            number += 1;
            if let Some(first) = line.iter().position(|b| !blank(b)) {
                let last = line.iter().rposition(|b| !blank(b)).unwrap_or(first);
                return Some((number, from + first..from + last + 1));
            }
        }
        None
    })
}

/// Whether the first line is a JSON value from its first to its last byte and another begins behind it: no single JSON
/// document has such lines, since no value follows another without a comma.
pub(super) fn recognise(bytes: &[u8]) -> bool {
    let mut lines = lines(bytes).filter_map(|(_, at)| bytes.get(at));
    let opens = |line: &[u8]| line.first().is_some_and(|b| matches!(b, b'{' | b'['));
    let whole = |line: &[u8]| {
        matches!((line.first(), line.last()), (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')))
    };
    lines.next().is_some_and(whole) && lines.next().is_some_and(opens)
}

const BOM: &[u8] = b"\xEF\xBB\xBF";
const RECORD_SEPARATOR: u8 = 0x1E;

#[cfg(test)]
mod tests;
