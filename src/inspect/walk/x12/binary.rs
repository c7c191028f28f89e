//! BIN and BDS: documents in binary segments (275: C-CDA, PDF, images). The length tells where the data ends.

use super::super::{Leaf, Reads};
use super::conditions::{Code, Seen};
use super::document::Walk;
use super::place::Place;
use super::segment::Current;
use super::table::Plan;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::ops::Range;

impl<'d> Walk<'d, '_> {
    /// The data of a binary segment: base64 as it stands, other bytes brought into it, which is how carriers travel.
    pub(super) fn tell_data(
        &mut self,
        data: Range<usize>,
        plan: &Plan,
        seen: Seen,
        current: &Current,
        place: Place,
    ) {
        let raw = self.doc.get(data.clone()).unwrap_or_default();
        if raw.is_empty() {
            return;
        }
        let is_base64 = seen.code == Code::of("B64") || looks_like_base64(raw);
        let value = match std::str::from_utf8(raw) {
            Ok(text) if is_base64 => Cow::Borrowed(text),
            _ => Cow::Owned(STANDARD.encode(raw)),
        };
        let row = self.table.row(plan, &seen).map(|(row, _)| row);
        let person = self.person(current);
        let leaf = Leaf { span: data, value, field: row, person, reads: Reads::Base64(""), cue: "" };
        self.sink.leaf(&leaf, &|| place.to_string());
    }
}

/// Letters, digits and line ends alone, and padded: text has blanks and marks.
fn looks_like_base64(raw: &[u8]) -> bool {
    let mut count = 0_usize;
    raw.iter().all(|c| match c {
        b'\r' | b'\n' => true,
        _ => {
            count += 1;
            c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'=')
        }
    }) && count >= BASE64_BYTES_MIN
        && count.is_multiple_of(4)
}

/// Shorter data is a word.
const BASE64_BYTES_MIN: usize = 24;
