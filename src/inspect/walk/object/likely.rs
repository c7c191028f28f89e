//! Whether a value is like one of its kind: where a key doesn't say it by itself.

use crate::inspect::check::{date, digits, mbi, ssn};
use crate::inspect::kind::Kind;
use crate::inspect::marker::Sign;
use crate::inspect::names;

/// Whether a value is one of its kind and nothing else, of which nothing but a label beside it or a key above it tells. What has
/// more in it is read as text, so that what stands beside such a value is found, too.
pub(super) fn fits(kind: Kind, value: &str) -> bool {
    // `07/07/1960 (65 yrs)`
    let remark = |inside: &str| digits(inside) < NUMBER_DIGITS_MIN && !names::is_listed(inside);
    let value = match value.trim_end().strip_suffix(')').and_then(|front| front.rsplit_once('(')) {
        Some((front, inside)) if remark(inside) && !front.trim().is_empty() => front.trim_end(),
        _ => value,
    };
    let words = value.split_whitespace().count();
    let has_digit = value.bytes().any(|b| b.is_ascii_digit());
    if kind != Kind::Ssn
        && value.len() >= SSN_BYTES
        && has_digit
        && value.split([' ', ',', ';', ':', '|']).any(ssn::is_dashed)
    {
        return false;
    }
    match kind {
        Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::MotherMaidenName => {
            words <= 6 && !has_digit && !value.contains(['.', ';', '\n'])
        }
        Kind::BirthDate | Kind::DeathDate | Kind::ServiceDate => {
            let timed = words <= 1 || value.contains(':');
            let short = digits(value) <= DATE_DIGITS_MAX + AGE_DIGITS_MAX;
            words <= 4 && (short || timed) && date::parse(value).is_some()
        }
        Kind::Email => words == 1 && value.matches('@').count() == 1,
        Kind::Street | Kind::City | Kind::County | Kind::Zip => {
            let is_date = |word: &str| word.len() >= DATE_DIGITS_MAX && date::parse(word).is_some();
            words <= 12
                && value.len() <= 80
                && digits(value) <= ADDRESS_DIGITS_MAX
                && !value.contains('@')
                && !value.split_whitespace().any(is_date)
        }
        Kind::Phone | Kind::Fax => {
            // An extension, or what sort of line it is.
            let letters = value.chars().filter(|c| c.is_alphabetic()).count();
            words <= 6
                && value.len() <= 40
                && (PHONE_DIGITS_MIN..=PHONE_DIGITS_MAX).contains(&digits(value))
                && letters <= PHONE_LETTERS_MAX
                && date::parse(value).is_none()
        }
        // One word with digits, or groups of digits: a second number may be another's, and words may be a name.
        _ => {
            // What assigns it may stand behind, as HL7's CX in an assertion has it: `M0071089^^^&2.16.840.1.113883.3.4&ISO`.
            let value = value.split_once("^^^&").map_or(value, |(number, _)| number);
            let words = value.split_whitespace().count();
            let grouped = || value.bytes().all(|b| b.is_ascii_digit() || matches!(b, b' ' | b'-'));
            // `W88120394 / group 88123`
            let long =
                |word: &&str| digits(word) > 0 && (digits(word) > GROUP_DIGITS_MAX || word.contains('-'));
            let numbered = || value.split_whitespace().filter(|word| digits(word) > 0).count();
            let further =
                || value.split_whitespace().filter(|word| digits(word) > 0).skip(1).any(|w| long(&w));
            let named = || {
                let words: Vec<&str> = value.split_whitespace().filter(|word| digits(word) == 0).collect();
                words.windows(2).any(|two| names::is_listed(&two.join(" ")))
            };
            let one = || (1..=2).contains(&numbered()) && !further() && !named();
            (words <= 1 || words <= 4 && (grouped() || one())) && value.len() <= 40 && has_digit
        }
    }
}

/// Whether a value can hardly be anything else than its kind, under a key that nobody knows.
pub(super) fn is_surely(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Ssn => ssn::is_dashed(value) || value.len() == 9 && digits(value) == 9,
        Kind::Mbi => mbi::has_form(value) || mbi::sign(value) == Sign::Sure,
        Kind::BirthDate | Kind::DeathDate => {
            digits(value) >= 5 && value.split_whitespace().count() <= 4 && date::parse(value).is_some()
        }
        Kind::FullName => is_name(value),
        Kind::Phone | Kind::Fax => is_phone(value) && value.len() > 10,
        _ => false,
    }
}

/// Whether a value is a number that somebody was given: one word with a few digits.
pub(super) fn is_number(value: &str) -> bool {
    (NUMBER_DIGITS_MIN..=NUMBER_BYTES_MAX).contains(&digits(value))
        && value.len() <= NUMBER_BYTES_MAX
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether a value is two to four words as people's names are.
pub(super) fn is_name(value: &str) -> bool {
    let mut words = 0;
    let capital = value.split_whitespace().all(|word| {
        words += 1;
        word.starts_with(char::is_uppercase)
            && word.chars().all(|c| c.is_alphabetic() || matches!(c, '.' | ',' | '-' | '\'' | '\u{2019}'))
    });
    capital && (2..=4).contains(&words) && value.len() <= NAME_BYTES_MAX && names::is_person(value)
}

/// Whether one word, or few, may be a name or a part of one.
pub(in crate::inspect) fn is_part_of_a_name(value: &str) -> bool {
    value.len() <= NAME_BYTES_MAX
        && fits(Kind::FamilyName, value)
        && value.starts_with(char::is_alphabetic)
        && value.split_whitespace().count() <= 3
        && !value.contains(['/', ':', '_', '='])
}

/// Whether a value is ten to thirteen digits with what people write between them.
pub(super) fn is_phone(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_digit() || b" +-().".contains(&b)) && (10..=13).contains(&digits(value))
}

/// Whether a value is like one of its kind, of a key of [`FITTED`].
pub(super) fn fits_its_key(key: &str, kind: Kind, value: &str) -> bool {
    match kind {
        Kind::BirthDate => date::parse(value).is_some() && digits(value) >= 5,
        Kind::Phone => {
            digits(value) >= PHONE_DIGITS_MIN && !value.contains('/') && date::parse(value).is_none()
        }
        Kind::FamilyName | Kind::GivenName => is_part_of_a_name(value),
        Kind::Street => {
            value.bytes().any(|b| b.is_ascii_digit())
                && value.split_whitespace().nth(1).is_some()
                && fits(Kind::Street, value)
        }
        Kind::OtherId if key == "icn" => value.len() == 17 && value.as_bytes().get(10) == Some(&b'V'),
        _ => is_number(value),
    }
}

fn digits(value: &str) -> usize {
    digits::count(value)
}

/// Keys of the table that are something else as often: by their value.
pub(super) const FITTED: &[&str] = &[
    "birth",
    "bth",
    "subjectname",
    "born",
    "cell",
    "unitnumber",
    "icn",
    "ph",
    "residence",
    "nir",
    "nom",
    "nombre",
    "nome",
    "pid31",
    "pid51",
    "pid52",
    "pid71",
    "pid191",
];
const NAME_BYTES_MAX: usize = 60;
const PHONE_DIGITS_MIN: usize = 7;
/// With a country's code and an extension.
const PHONE_DIGITS_MAX: usize = 18;
/// `ext.`, `(mobile)`.
const PHONE_LETTERS_MAX: usize = 8;
/// Of a date without a time; behind it an age may stand: `03/10/1984 55Y`.
const DATE_DIGITS_MAX: usize = 8;
const AGE_DIGITS_MAX: usize = 3;
/// A group's number is shorter than somebody's.
const GROUP_DIGITS_MAX: usize = 6;
/// A house's, a flat's and the nine of a ZIP code.
const ADDRESS_DIGITS_MAX: usize = 14;
const SSN_BYTES: usize = 11;
const NUMBER_DIGITS_MIN: usize = 4;
const NUMBER_BYTES_MAX: usize = 20;
