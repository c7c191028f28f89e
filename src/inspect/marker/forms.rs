//! Forms of values: what tells by its letters and digits alone that it is no value of its kind, a generator's, or nobody's.

use super::Sign;
use crate::inspect::check::digits;
use crate::inspect::kind::Kind;

/// What stands in square brackets, and in quotes inside them; all of what doesn't.
pub(super) fn inside_brackets(value: &str) -> &str {
    match value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => {
            inside.trim_matches(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"' | '\'' | '*'))
        }
        None => value,
    }
}

/// A name part that ends in two or three digits behind at least two letters: `medhurst46`.
pub(super) fn has_digit_tail(word: &str) -> bool {
    let digits = word.bytes().rev().take_while(u8::is_ascii_digit).count();
    (2..=3).contains(&digits)
        && word.len() >= digits + 2
        && word.bytes().take(2).all(|b| b.is_ascii_alphabetic())
}

/// Whether a value is no value of its kind at all: a label or a word where a number is due, a place in a message of a
/// mapping (`PID-3.1`), the system of numbers instead of one.
pub(in crate::inspect) fn cannot_be(kind: Kind, value: &str) -> bool {
    let number = matches!(
        kind,
        Kind::Ssn
            | Kind::Mbi
            | Kind::Mrn
            | Kind::MemberId
            | Kind::Account
            | Kind::Passport
            | Kind::DriverLicence
    );
    let has_digit = || value.bytes().any(|b| b.is_ascii_digit()) || !value.is_ascii();
    match kind {
        Kind::Email => !value.contains(['@', '\u{FF20}', '\u{FE6B}', '%']) && !is_spelled_out(value),
        // `owner/repository`
        Kind::FullName if is_slug(value) => true,
        _ if number => !has_digit() || is_place(value) || is_oid(value),
        // What counts up inside a message: no visit has so short a number.
        Kind::VisitNumber => value.len() <= 2 && value.bytes().all(|b| b.is_ascii_digit()),
        Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::BirthDate | Kind::Phone => {
            is_place(value)
        }
        _ => false,
    }
}

/// An address whose marks are words: `okafor at mailbox dot org`, `[at] mailbox [dot] org`.
fn is_spelled_out(value: &str) -> bool {
    let has = |marks: &[&str]| marks.iter().any(|mark| value.contains(mark));
    has(&[" at ", " AT "]) && has(&[" dot ", " DOT "])
        || value.starts_with(['[', '(', '{']) && has(&["at]", "at)", "at}", "AT]", "AT)", "AT}"])
}

/// Two words in small letters with a slash between, and what names of people don't have in one of them: what repositories are
/// called.
fn is_slug(value: &str) -> bool {
    let is_joined = |c: char| c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    value.split_once('/').is_some_and(|(owner, name)| {
        let is_word =
            |part: &str| part.len() > 1 && part.chars().all(|c| c.is_ascii_lowercase() || is_joined(c));
        is_word(owner) && is_word(name) && value.contains(is_joined)
    })
}

/// A place of HL7v2: `PID-3`, `PID-5.1`.
fn is_place(value: &str) -> bool {
    let Some((segment, field)) = value.split_once('-') else { return false };
    segment.len() == 3
        && segment.starts_with(|c: char| c.is_ascii_uppercase())
        && segment.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && (1..=8).contains(&field.len())
        && field.starts_with(|c: char| c.is_ascii_digit())
        && field.split('.').all(|n| (1..=2).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
}

/// `2.16.840.1.113883.4.1`, with or without `urn:oid:`: the system of numbers.
fn is_oid(value: &str) -> bool {
    let arcs = value.strip_prefix("urn:oid:").unwrap_or(value);
    arcs.split('.').count() >= 5
        && arcs
            .split('.')
            .all(|arc| !arc.is_empty() && arc.len() <= 12 && arc.bytes().all(|b| b.is_ascii_digit()))
}

pub(super) fn is_masked(value: &str) -> bool {
    value.bytes().filter(|b| matches!(b, b'*' | b'x' | b'X' | b'#')).count() >= 3
}

/// What a value shows beside the signs that mask the rest of it.
pub(super) struct Shown<'v> {
    value: &'v str,
    /// Letters and digits.
    pub(super) characters: usize,
}

/// What is shown of a masked value; `None` of most values, which have no such sign.
pub(super) fn shown(value: &str) -> Option<Shown<'_>> {
    let is_mask = |b: u8| matches!(b, b'*' | b'#');
    if !value.bytes().any(is_mask) {
        return None;
    }
    let masks = value.bytes().filter(|b| is_mask(*b)).count();
    let characters = value.chars().filter(|c| c.is_alphanumeric()).count();
    // What stands between them is written in bold: `**4471**`.
    let is_bold = value.bytes().next().is_some_and(is_mask) && value.bytes().next_back().is_some_and(is_mask);
    (masks >= MASKS_MIN && !is_bold).then_some(Shown { value, characters })
}

impl Shown<'_> {
    /// Whether each word shows its first letter at most, and masks the rest.
    pub(super) fn are_initials(&self) -> bool {
        let words = || self.value.split(|c: char| !(c.is_alphanumeric() || matches!(c, '*' | '#')));
        words().filter(|word| !word.is_empty()).all(|word| {
            let masked = word.trim_start_matches(char::is_alphanumeric);
            word.chars().count() - masked.chars().count() <= 1
                && masked.len() >= MASKS_MIN
                && masked.bytes().all(|b| matches!(b, b'*' | b'#'))
        })
    }

    /// Whether a date shows a year, or a day or a month of no year.
    pub(super) fn is_a_year_at_most(&self) -> bool {
        let runs = self.value.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
        runs.map(str::len).sum::<usize>() <= YEAR_DIGITS && self.characters <= YEAR_DIGITS
    }
}

const MASKS_MIN: usize = 2;
const YEAR_DIGITS: usize = 4;

/// Noughts alone, too few to be typed as a dummy: `0`.
pub(super) fn is_nought(value: &str) -> bool {
    value.len() <= 3 && value.bytes().all(|b| b == b'0')
}

/// `smart-1288992`: what SMART's sandbox numbers its people by.
pub(super) fn is_smart_id(value: &str) -> bool {
    let number = value.strip_prefix("smart-").unwrap_or_default();
    number.len() >= 6 && number.bytes().all(|b| b.is_ascii_digit())
}

/// 8-4-4-4-12 hex digits, with or without `urn:uuid:`.
#[must_use]
pub fn is_uuid(value: &str) -> bool {
    let v = value.strip_prefix("urn:uuid:").unwrap_or(value).as_bytes();
    v.len() == 36
        && v.iter()
            .enumerate()
            .all(|(i, b)| if matches!(i, 8 | 13 | 18 | 23) { *b == b'-' } else { b.is_ascii_hexdigit() })
}

/// Nine digits in 999: the area in which Synthea numbers its people, and which no one else is given. Nine nines are typed.
pub(super) fn is_in_generators_area(v: &str) -> bool {
    let digits = digits::only(v);
    digits.len() == 9
        && digits.starts_with(b"999")
        && !digits::all_same(&digits)
        && v.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Kinds of numbers that registers count up, of which somebody has the first.
pub(super) const fn is_counted_up(kind: Kind) -> bool {
    matches!(kind, Kind::Mrn | Kind::MemberId | Kind::Account | Kind::OtherId)
}

/// A user of CMS's sandbox: `BBUser00000` to `BBUser39999` (CMS Blue Button, 2023).
pub(super) fn is_sandbox_user(v: &str) -> bool {
    let number = v.strip_prefix("BBUser").unwrap_or_default();
    number.len() == 5 && number.bytes().all(|b| b.is_ascii_digit()) && number < "40000"
}

/// What CMS's synthetic rows have for the number before the MBI: `MBP000201A`, `T01000000A` and up.
pub(super) fn is_synthetic_hicn(v: &str) -> bool {
    let digits = |front: &str| {
        let number = v.strip_prefix(front).and_then(|v| v.strip_suffix('A'));
        number.filter(|number| number.bytes().all(|b| b.is_ascii_digit())).map(str::len)
    };
    digits("MBP") == Some(6) || digits("T0") == Some(7)
}

pub(super) fn is_synthea_licence(v: &str) -> bool {
    v.len() == 9 && v.starts_with("S999") && v.bytes().skip(1).all(|b| b.is_ascii_digit())
}

pub(super) fn is_synthea_passport(v: &str) -> bool {
    let inner = v.strip_prefix('X').and_then(|v| v.strip_suffix('X'));
    inner.is_some_and(|d| d.len() >= 6 && d.bytes().all(|b| b.is_ascii_digit()))
}

/// Documentation ranges are a dummy; private, loopback and link-local ones are nobody's (RFC 5737, 3849, 9637, 1918).
pub(super) fn ip_sign(v: &str) -> Sign {
    let (reserved, private) = match v.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => (
            ip.is_documentation(),
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        ),
        Ok(std::net::IpAddr::V6(ip)) => {
            let s = ip.segments();
            (
                (s[0] == 0x2001 && s[1] == 0xdb8) || s[0] & 0xfff0 == 0x3ff0,
                ip.is_loopback() || ip.is_unspecified() || s[0] & 0xfe00 == 0xfc00 || s[0] & 0xffc0 == 0xfe80,
            )
        }
        Err(_) => (false, false),
    };
    match (reserved, private) {
        (true, _) => Sign::Sure,
        (_, true) => Sign::Placeholder,
        _ => Sign::None,
    }
}
