//! Bare values: their bytes alone say that they are read as they are written and carry nothing, whatever they mean. Most
//! codes, dates, numbers and names are such, and a look at each byte costs less than to ask for each disguise and each
//! document.

use crate::inspect::embedded;

/// Whether a value is read as it is written: nothing that [`crate::inspect::disguise`] undoes is in it.
pub(super) fn is_as_written(text: &str) -> bool {
    weigh(text).is_some()
}

/// Whether besides it is no document and has none in it, nor a message, a search, markup, or what is packed.
pub(super) fn is_bare(text: &str) -> bool {
    weigh(text).is_some_and(|sum| sum < MARK)
        && embedded::whole(text).is_none()
        && embedded::base64_runs(text).is_empty()
        && embedded::hex_runs(text).is_empty()
        && embedded::document_runs(text).is_empty()
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
    use crate::inspect::written;

    /// What it stands for, asked one by one.
    fn is_bare_asked(text: &str) -> bool {
        Plain::of(text).is_as_written()
            && embedded::whole(text).is_none()
            && written::messages(text).is_empty()
            && written::searches(text).is_empty()
            && embedded::json_runs(text).is_empty()
            && Plain::unquoted(text).is_none()
            && embedded::document_runs(text).is_empty()
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
}
