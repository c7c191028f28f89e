//! Bare values: their bytes alone say that they are read as they are written and carry nothing, whatever they mean. Most
//! codes, dates, numbers and names are such, and a look at each byte costs less than to ask for each disguise and each
//! document.

use crate::inspect::simd::Sets;
use crate::inspect::{embedded, written};
use std::sync::LazyLock;

/// Whether a value is read as it is written: nothing that [`crate::inspect::disguise`] undoes is in it.
pub(super) fn is_as_written(text: &str) -> bool {
    is_plain(text) || weigh(text).is_some()
}

/// Whether besides it is no document and has none in it, nor a message, a search, markup, or what is packed.
pub(super) fn is_bare(text: &str) -> bool {
    is_plain(text)
        || weigh(text).is_some_and(|sum| sum < MARK)
            && embedded::whole(text).is_none()
            && embedded::base64_runs(text).is_empty()
            && embedded::hex_runs(text).is_empty()
            && embedded::documents(text).runs.is_empty()
            && written::messages(text).is_empty()
}

/// Whether it is short, and of letters, few digits and plain punctuation alone: as most cells, names and codes are. It costs a
/// look at one block.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() > PLAIN_BYTES_MAX {
        return false;
    }
    let [marks, digits, blanks, letters] = SETS.of(bytes, 0);
    // Three digits and more that stand one by one.
    let spelled = digits & blanks << 1 & digits << 2 & blanks << 3 & digits << 4;
    // So many letters in a row: as in `embedded`, which asks for more.
    let packed = [1, 2, 4, 8].iter().fold(letters, |row, by| row & (row >> by));
    marks | spelled | packed == 0 && digits.count_ones() <= PLAIN_DIGITS_MAX && !may_begin_document(bytes)
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

/// What the bytes of a short text weigh together; `None` where one may be a disguise, or all together may.
fn weigh(text: &str) -> Option<u64> {
    if text.len() > BARE_BYTES_MAX {
        return None;
    }
    let sum: u64 = text.bytes().map(|b| WEIGHTS[usize::from(b)]).sum();
    let many = |weight: u64| sum / weight % (BLANK / DIGIT);
    // Digits that are spelled one by one have blanks between, and a number of nine that is spaced out has a word for it.
    let plain = many(DIGIT) < SPELLED_DIGITS_MIN
        || many(BLANK) == 0 && (many(DIGIT) < SSN_DIGITS || many(ESS) < SSN_ESSES_MIN);
    (sum < SIGN && plain).then_some(sum)
}

/// What disguises, documents, searches and markup are made of and a plain text doesn't have; digits; blanks; what
/// base64 and hex digits are made of.
static SETS: LazyLock<Sets<4>> = LazyLock::new(|| {
    let is_mark = |b: u8| {
        !(b.is_ascii_graphic() || b == b' ')
            || matches!(b, b'%' | b'&' | b'\\' | b'_' | b'{' | b'|' | b'?' | b'<' | b'=')
    };
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    Sets::new([is_mark as fn(u8) -> bool, |b| b.is_ascii_digit(), |b| b == b' ', is_letter])
});

/// What each byte weighs.
static WEIGHTS: [u64; 256] = {
    let mut weights = [0; 256];
    let mut byte = 0;
    while byte < weights.len() {
        weights[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT,
            b' ' => BLANK,
            b's' | b'S' => ESS,
            b'a'..=b'z' | b'A'..=b'Z' => 0,
            b'.' | b',' | b':' | b';' | b'/' | b'-' | b'#' | b'(' | b')' | b'[' | b']' | b'\'' | b'*'
            | b'^' => 0,
            b'{' | b'}' | b'<' | b'>' | b'|' | b'"' | b'@' | b'!' | b'$' | b'~' | b'`' => MARK,
            _ => SIGN,
        };
        byte += 1;
    }
    weights
};

/// Shorter than bytes in hex digits with blanks between, than an interchange in a text, and than a block.
const PLAIN_BYTES_MAX: usize = 46;
/// Fewer than a social security number has, which may be spaced out.
const PLAIN_DIGITS_MAX: u32 = 8;

/// So many bytes are counted apart in one sum.
const BARE_BYTES_MAX: usize = 200;
const DIGIT: u64 = 1;
const BLANK: u64 = 1 << 8;
/// The letter that every word for a social security number has twice.
const ESS: u64 = 1 << 16;
/// What a document, a message or markup is told by.
const MARK: u64 = 1 << 24;
/// What may be a disguise, or begin one.
const SIGN: u64 = 1 << 32;
/// Fewer digits aren't taken for a number that is spelled.
const SPELLED_DIGITS_MIN: u64 = 7;
const SSN_DIGITS: u64 = 9;
const SSN_ESSES_MIN: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::disguise::Plain;

    /// What it stands for, asked one by one.
    fn is_bare_asked(text: &str) -> bool {
        Plain::of(text).is_as_written()
            && embedded::whole(text).is_none()
            && written::messages(text).is_empty()
            && written::searches(text).is_empty()
            && embedded::json_runs(text).is_empty()
            && (memchr::memchr(b'{', text.as_bytes()).is_none() || Plain::unquoted(text).is_none())
            && embedded::documents(text).runs.is_empty()
            && embedded::base64_runs(text).is_empty()
            && embedded::hex_runs(text).is_empty()
            && !embedded::has_markup(text)
    }

    #[test]
    fn what_is_bare_has_nothing_that_is_asked_for() {
        let pieces = [
            "ssn ",
            "SS#",
            "social security ",
            "4 1 7 ",
            "417/62/8093",
            "4 1 2 2 1 3 4 5 6",
            "4.1.7.6.2.8.0.9.3",
            "MSH|^~\\&|A\rPID|1",
            "Patient?name=Anna+Brown",
            "%41%42%43",
            "&#65;",
            "\\u0041",
            "_a_",
            "{\"a\":1}",
            "<b>x</b>",
            "=?UTF-8?Q?a=2C?=",
            "aGVsbG8gd29ybGQgYW5kIGFsbA==",
            "48656c6c6f20776f726c6420616e6420616c6c",
            "ISA*00*",
            "x",
            " ",
            "http://loinc.org",
            "2025-05-04T14:47:31Z",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "Glucose [Mass/volume]",
            "é",
            "\n",
            "--a",
        ];
        let mut state = 11_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let (mut bare, mut plain) = (0, 0);
        for _ in 0..20_000 {
            let text: String = (0..=next(4)).map(|_| pieces[next(pieces.len())]).collect();
            if is_as_written(&text) {
                assert!(Plain::of(&text).is_as_written(), "{text}");
                plain += 1;
            }
            if is_bare(&text) {
                assert!(is_bare_asked(&text), "{text}");
                bare += 1;
            }
        }
        assert!(bare > 500 && plain > bare, "{bare} of {plain}");
    }

    #[test]
    fn usual_values_are_bare_and_disguises_are_not() {
        for text in
            ["urn:uuid:obs-12", "Glucose", "2025-05-04", "1-800-555-0142", "Systolic blood pressure", ""]
        {
            assert!(is_bare(text), "{text}");
        }
        for text in ["4 1 2 2 1 3 4 5 6", "ssn:417/62/8093", "a%41", "first_name", "Núñez", "Patient?name=x"]
        {
            assert!(!is_as_written(text), "{text}");
        }
        assert!(is_as_written("a <b> c") && !is_bare("a <b> c"));
        assert!(!is_as_written(&"1".repeat(BARE_BYTES_MAX + 1)));
    }

    #[test]
    fn what_cells_and_codes_say_is_plain() {
        for text in
            ["", "Glucose [Mass/volume] in Serum or Plasma", "88 mg/dL", "05/12/2025", "4 x 1", "Okafor"]
        {
            assert!(is_plain(text) && is_bare_asked(text), "{text}");
        }
    }

    #[test]
    fn what_may_hold_something_is_not_plain() {
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
            assert!(!is_plain(text), "{text}");
        }
    }

    #[test]
    fn of_any_plain_text_nothing_is_undone_or_set_aside() {
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
        let mut plain = 0;
        for round in 0..60_000 {
            // Fewer of the last in most.
            let many = if round % 3 == 0 { pieces.len() } else { pieces.len() - 11 };
            let text: String = (0..below(14)).filter_map(|_| pieces.get(below(many))).copied().collect();
            if is_plain(&text) {
                plain += 1;
                assert!(is_bare_asked(&text), "{text}");
            }
        }
        assert!(plain > 5000, "{plain}");
    }
}
