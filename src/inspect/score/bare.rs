//! Bare texts: short ones of letters, digits and plain punctuation, as most cells, names and codes are. Nothing
//! in them can be a disguise, a document, a search or encoded bytes, so that none of these has to be looked for.

use crate::inspect::simd::Sets;
use std::sync::LazyLock;

/// Whether a text is bare: it is read as it is written, and carries nothing.
pub(super) fn is_bare(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() > BARE_BYTES_MAX {
        return false;
    }
    let [marks, digits, blanks, letters] = SETS.of(bytes, 0);
    // Three digits and more that stand one by one.
    let spelled = digits & blanks << 1 & digits << 2 & blanks << 3 & digits << 4;
    // So many letters in a row: as in `embedded`, which asks for more.
    let packed = [1, 2, 4, 8].iter().fold(letters, |row, by| row & (row >> by));
    marks | spelled | packed == 0 && digits.count_ones() <= DIGITS_MAX && !may_begin_document(bytes)
}

/// Whether it begins as a document does of which no line has to end: JSON, a multipart body, HL7v2, X12.
fn may_begin_document(bytes: &[u8]) -> bool {
    match bytes.trim_ascii_start() {
        [b'[' | b'-', ..] => true,
        [b'M' | b'm' | b'F' | b'f' | b'B' | b'b' | b'I' | b'i', next, ..] => {
            matches!(next, b'S' | b's' | b'H' | b'h')
        }
        _ => false,
    }
}

/// What disguises, documents, searches and markup are made of and a bare text doesn't have; digits; blanks; what
/// base64 and hex digits are made of.
static SETS: LazyLock<Sets<4>> = LazyLock::new(|| {
    let is_mark = |b: u8| {
        !(b.is_ascii_graphic() || b == b' ')
            || matches!(b, b'%' | b'&' | b'\\' | b'_' | b'{' | b'|' | b'?' | b'<' | b'=')
    };
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    Sets::new([is_mark as fn(u8) -> bool, |b| b.is_ascii_digit(), |b| b == b' ', is_letter])
});

/// Shorter than bytes in hex digits with blanks between, than an interchange in a text, and than a block.
const BARE_BYTES_MAX: usize = 46;
/// Fewer than a social security number has, which may be spaced out.
const DIGITS_MAX: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::disguise::Plain;
    use crate::inspect::{embedded, written};

    /// What is asked of a text that isn't bare.
    fn holds_nothing(text: &str) -> bool {
        Plain::of(text).is_as_written()
            && Plain::unquoted(text).is_none()
            && embedded::whole(text).is_none()
            && embedded::json_runs(text).is_empty()
            && embedded::document_runs(text).is_empty()
            && embedded::base64_runs(text).is_empty()
            && embedded::hex_runs(text).is_empty()
            && written::messages(text).is_empty()
            && written::searches(text).is_empty()
            && !embedded::has_markup(text)
    }

    #[test]
    fn what_cells_and_codes_say_is_bare() {
        for text in
            ["", "Glucose [Mass/volume] in Serum or Plasma", "88 mg/dL", "05/12/2025", "4 x 1", "Okafor"]
        {
            assert!(is_bare(text) && holds_nothing(text), "{text}");
        }
    }

    #[test]
    fn what_may_hold_something_is_not() {
        for text in [
            "first_name",
            "50%",
            "ssn 4 1 7 6 2 8 0 9 3",
            "SSN 417/62/8093",
            "MSH|^~\\&|LAB",
            "MSH^LAB^GH^2.5.1",
            "ISA*00*",
            "[{\"a\": 1}]",
            "{\"a\": 1}",
            "--a",
            "Patient?name=x",
            "<b>x</b>",
            "SGFyb2xkIEJyb3duLCAxOTYy",
            "Núñez",
            "one\ntwo",
        ] {
            assert!(!is_bare(text), "{text}");
        }
    }

    #[test]
    fn of_any_bare_text_nothing_is_undone_or_set_aside() {
        let mut state = 7_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or(0) % n
        };
        let pieces = [
            "a",
            "Z",
            "4",
            "1 2",
            " ",
            "  ",
            "-",
            "--",
            "/",
            ":",
            "+",
            ".",
            "^",
            "*",
            "~",
            "[",
            "]",
            "}",
            "\"",
            "'",
            "#",
            "MSH",
            "ISA",
            "FHS",
            "BHS",
            "ST*837*",
            "ssn",
            "SS#",
            "social security ",
            "417628093",
            "deadbeef",
            "x",
            "SGFyb2xk",
            "\n",
            "%41",
            "&#65;",
            "_",
            "{",
            "|",
            "?",
            "=",
            "<",
            "\u{AD}",
            "é",
        ];
        let mut bare = 0;
        for round in 0..60_000 {
            // Fewer of the last in most.
            let many = if round % 3 == 0 { pieces.len() } else { pieces.len() - 11 };
            let text: String = (0..below(14)).filter_map(|_| pieces.get(below(many))).copied().collect();
            if is_bare(&text) {
                bare += 1;
                assert!(holds_nothing(&text), "{text}");
            }
        }
        assert!(bare > 5000, "{bare}");
    }
}
