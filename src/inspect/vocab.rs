//! Values that may stay clear in records: a closed vocabulary, and a few forms that hold no identifier.

use super::hash::Keyed;
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::OnceLock;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    words: Vec<String>,
    systems: Vec<String>,
}

fn vocabulary() -> &'static HashSet<String, Keyed> {
    static WORDS: OnceLock<HashSet<String, Keyed>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let raw: Raw = toml::from_str(include_str!("../../config/safe-values.toml"))
            .expect("the built-in vocabulary parses: a test parses it");
        raw.words.into_iter().chain(raw.systems).collect()
    })
}

/// The whole vocabulary.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    vocabulary().iter().map(String::as_str)
}

/// Whether a code, status, unit or system may stay clear: it is of the vocabulary, or a LOINC or ICD code by form.
#[must_use]
pub fn is_safe_code(value: &str) -> bool {
    vocabulary().contains(value) || is_loinc(value) || is_icd10(value)
}

/// Whether a measured number may stay clear: at most six digits, so that no record number passes for one.
#[must_use]
pub fn is_safe_quantity(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    (1..=6).contains(&digits)
        && value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'<' | b'>'))
}

/// `12345-6`, whose last digit is a Luhn digit over the others (LOINC Users' Guide, appendix C).
fn is_loinc(value: &str) -> bool {
    let Some((number, check)) = value.split_once('-') else { return false };
    let plain = |s: &str, max: usize| (1..=max).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
    plain(number, 5)
        && plain(check, 1)
        && super::check::digits::luhn(&[number.as_bytes(), check.as_bytes()].concat())
}

/// `E11`, `E11.9`, `S72.001A`: a letter, two characters, and up to four behind a dot.
fn is_icd10(value: &str) -> bool {
    let (head, tail) = value.split_once('.').unwrap_or((value, ""));
    matches!(head.as_bytes(), [l, d, c] if l.is_ascii_uppercase() && d.is_ascii_digit() && c.is_ascii_alphanumeric())
        && tail.len() <= 4
        && tail.bytes().enumerate().all(|(i, b)| b.is_ascii_digit() || (i == 3 && b.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_known_form_stay_and_numbers_of_people_do_not() {
        for safe in ["final", "MR", "http://loinc.org", "2345-7", "E11.9", "S72.001A", "mg/dL"] {
            assert!(is_safe_code(safe), "{safe}");
        }
        for masked in ["E08738432", "2345-8", "Smith", "http://loinc.org/x", "FINAL", "412-21-3456", ""] {
            assert!(!is_safe_code(masked), "{masked}");
        }
        assert!(is_safe_quantity("-12.5"));
        assert!(!is_safe_quantity("1234567"));
        assert!(!is_safe_quantity("12 mg"));
    }
}
