//! Values that may stay clear in records: a closed vocabulary, and a few forms that hold no identifier.

use super::hash::Keyed;
use serde::Deserialize;
use std::borrow::Cow;
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

/// A code, status, unit or system where it may stay clear: it is of the vocabulary, or a LOINC or ICD code by form.
#[must_use]
pub fn safe_code(value: &str) -> Option<Cow<'static, str>> {
    let word = vocabulary().get(value).map(|word| Cow::Borrowed(word.as_str()));
    word.or_else(|| (is_loinc(value) || is_icd10(value)).then(|| Cow::Owned(value.to_owned())))
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
    let [number @ .., b'-', check] = value.as_bytes() else { return false };
    let mut digits = [0; LOINC_DIGITS_MAX];
    let count = number.len() + 1;
    let Some(code) = digits.get_mut(..count).filter(|_| !number.is_empty()) else { return false };
    code.iter_mut().zip(number.iter().chain([check])).for_each(|(place, digit)| *place = *digit);
    code.iter().all(u8::is_ascii_digit) && super::check::digits::luhn(code)
}

/// `E11`, `E11.9`, `S72.001A`: a letter, two characters, and up to four behind a dot.
fn is_icd10(value: &str) -> bool {
    let [letter, digit, character, more @ ..] = value.as_bytes() else { return false };
    let tail = match more {
        [] => more,
        [b'.', tail @ ..] => tail,
        _ => return false,
    };
    letter.is_ascii_uppercase()
        && digit.is_ascii_digit()
        && character.is_ascii_alphanumeric()
        && tail.len() <= 4
        && tail.iter().enumerate().all(|(i, b)| b.is_ascii_digit() || (i == 3 && b.is_ascii_uppercase()))
}

/// Five, and the one that checks them.
const LOINC_DIGITS_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_known_form_stay_and_numbers_of_people_do_not() {
        for safe in ["final", "MR", "http://loinc.org", "2345-7", "E11.9", "S72.001A", "E11", "E11.", "mg/dL"]
        {
            assert_eq!(safe_code(safe).as_deref(), Some(safe));
        }
        for masked in [
            "E08738432",
            "2345-8",
            "-0",
            "123456-6",
            "E1",
            "E112",
            "E11x9",
            "E11.12345",
            "Smith",
            "http://loinc.org/x",
            "FINAL",
            "412-21-3456",
            "",
        ] {
            assert_eq!(safe_code(masked), None, "{masked}");
        }
        assert!(is_safe_quantity("-12.5"));
        assert!(!is_safe_quantity("1234567"));
        assert!(!is_safe_quantity("12 mg"));
    }
}
