//! The value behind the name of a field: where it ends, and whether it is like one of its kind.

use crate::inspect::check::{date, digits, mbi, record, ssn};
use crate::inspect::kind::Kind;
use crate::inspect::marker::Sign;
use crate::inspect::names;
use crate::inspect::names::list::Lists;
use crate::inspect::rules::RuleSet;
use crate::inspect::walk::object::is_part_of_a_name;
use std::ops::Range;

/// What stands between a name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// `:`
    Colon,
    /// `=`
    Equals,
    /// `=>`
    Arrow,
    /// The end of a tag.
    Tags,
    /// `?`
    Question,
    /// `";s:8:` of PHP.
    Serialized,
}

/// The value of a field of `kind` that begins at `at` or a little behind it.
pub(super) fn value_of(
    text: &str,
    at: usize,
    between: Between,
    kind: Kind,
    key: &str,
    rules: &RuleSet,
) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = at;
    if between == Between::Arrow {
        at += 1;
    }
    at = begin(bytes, at, between)?;
    if between == Between::Tags {
        let end = at + memchr::memchr(b'<', bytes.get(at..)?.get(..VALUE_BYTES_MAX.min(bytes.len() - at))?)?;
        return whole(text, at..end, kind, key, rules);
    }
    let quote = bytes.get(at).copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    if let Some(quote) = quote {
        return whole(text, quoted(bytes, at + 1, quote)?, kind, key, rules);
    }
    if matches!(kind, Kind::BirthDate | Kind::DeathDate)
        && let Some(inside) = made_by_a_call(bytes, at)
    {
        return whole(text, inside, kind, key, rules);
    }
    let bare = bare(bytes, at);
    let value = text.get(bare.clone())?;
    let length = leading(text, bare.clone(), value, kind, key, rules)?;
    let length = value.get(..length)?.trim_end().len();
    // `lastName: Required`, `last name? It is …`: behind a colon or a question nothing else stands.
    let strict = matches!(between, Between::Colon | Between::Question) && is_name(kind);
    let rest = text.get(at + length..bare.end.max(at + length))?.trim();
    (length > 0 && (!strict || rest.is_empty())).then_some(at..at + length)
}

/// Where a value begins behind blanks, `string(10) ` of PHP, a letter that marks a string, and the bracket of a list.
fn begin(bytes: &[u8], at: usize, between: Between) -> Option<usize> {
    let over_lines = matches!(between, Between::Arrow | Between::Question);
    let blanks = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default().iter().take(BLANKS_MAX);
        at + rest
            .take_while(|b| matches!(b, b' ' | b'\t') || over_lines && matches!(b, b'\r' | b'\n'))
            .count()
    };
    let mut at = blanks(at);
    if between == Between::Serialized {
        let length = bytes.get(at..)?.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        at += length + 1;
    }
    let rest = bytes.get(at..)?;
    if let Some(inside) = rest.strip_prefix(b"string(") {
        let length = inside.iter().take(4).take_while(|b| b.is_ascii_digit()).count();
        if inside.get(length) == Some(&b')') {
            at = blanks(at + b"string(".len() + length + 1);
        }
    } else if let Some(word) = WRAPPERS.iter().find(|word| rest.starts_with(word)) {
        at += word.len();
    } else if let Some(call) = call(rest).filter(|_| between == Between::Equals) {
        at += call;
    } else if matches!(rest, [b'u' | b'b' | b'r' | b'@' | b'[', b'"' | b'\'', ..]) {
        at += 1;
    }
    if bytes.get(at) == Some(&b'\\') && bytes.get(at + 1).is_some_and(|b| matches!(b, b'"' | b'\'')) {
        at += 1;
    }
    bytes.get(at).map(|_| at)
}

/// The length of a call's name and its bracket before a text in quotes: `TO_DATE('1977-03-13', …)`.
fn call(rest: &[u8]) -> Option<usize> {
    let name =
        rest.iter().take(CALL_BYTES_MAX).take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    (name > 0 && matches!(rest.get(name..), Some([b'(', b'\'', ..]))).then_some(name + 1)
}

/// Whether a call that makes something of a text or of numbers stands behind a mark.
pub(super) fn is_made(bytes: &[u8], at: usize) -> bool {
    let at = at + usize::from(bytes.get(at) == Some(&b' '));
    bytes.get(at).is_some_and(u8::is_ascii_alphabetic) && made_by_a_call(bytes, at).is_some()
}

/// What a call that makes a date is given: `datetime.date(1992, 3, 3)`, `new Date('1992-03-03')`.
fn made_by_a_call(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = bytes.get(at..)?;
    let skipped = if rest.starts_with(b"new ") { b"new ".len() } else { 0 };
    let name = rest.get(skipped..)?.iter().take(CALL_BYTES_MAX).take_while(|b| is_part(**b)).count();
    let open = skipped + name;
    let is_call = name > 0 && rest.get(skipped)?.is_ascii_alphabetic() && rest.get(open) == Some(&b'(');
    let start = at + open + 1;
    let first = *bytes.get(start).filter(|_| is_call)?;
    if matches!(first, b'"' | b'\'') {
        return quoted(bytes, start + 1, first);
    }
    let given = bytes.get(start..bytes.len().min(start + CALL_BYTES_MAX))?;
    let end = given.iter().position(|b| !(b.is_ascii_digit() || matches!(b, b',' | b' ')))?;
    (given.get(end) == Some(&b')')).then_some(start..start + end)
}

/// What stands between quotes, or up to the end of a text that is cut off.
fn quoted(bytes: &[u8], start: usize, quote: u8) -> Option<Range<usize>> {
    let rest = bytes.get(start..)?;
    let near = rest.get(..rest.len().min(VALUE_BYTES_MAX))?;
    let end = match memchr::memchr2(quote, b'\n', near) {
        Some(end) => end,
        None if near.len() == rest.len() => rest.len(),
        None => return None,
    };
    let escaped = near.get(..end)?.last() == Some(&b'\\');
    Some(start..start + end - usize::from(escaped))
}

/// What may be the value where no quote stands: up to what ends one, and before the next name of a field.
fn bare(bytes: &[u8], start: usize) -> Range<usize> {
    let rest = bytes.get(start..).unwrap_or_default();
    let near = rest.get(..rest.len().min(VALUE_BYTES_MAX)).unwrap_or_default();
    let ends =
        |b: &u8| matches!(b, b'\n' | b'\r' | b'\t' | b',' | b';' | b'&' | b'|') || b"()[]{}<>\"".contains(b);
    let mut end = near.iter().position(ends).unwrap_or(near.len());
    if end > 0 && near.get(end) == Some(&b'(') && is_part(near.get(end - 1).copied().unwrap_or_default()) {
        end = 0; // `firstName=String(…)`, a call
    }
    // A phone number begins with a bracket, or has one behind its country.
    if near.get(end) == Some(&b'(') {
        let number = near.iter().take_while(|b| b.is_ascii_digit() || b" ()+.-".contains(b)).count();
        end = end.max(number);
    }
    let mut from = 0;
    while let Some(mark) = memchr::memchr2(b'=', b':', near.get(from..end).unwrap_or_default()) {
        let mark = from + mark;
        let word = near.get(..mark).unwrap_or_default().iter().rev().take_while(|b| is_part(**b)).count();
        let begins = mark - word;
        let name = near.get(begins).is_some_and(u8::is_ascii_alphabetic) && word > 0;
        if name && begins > 0 && near.get(begins - 1) == Some(&b' ') {
            end = begins;
            break;
        }
        from = mark + 1;
    }
    start..start + end
}

const fn is_part(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')
}

/// A whole value, without blanks around it, if it is like one of its kind.
pub(super) fn whole(
    text: &str,
    span: Range<usize>,
    kind: Kind,
    key: &str,
    rules: &RuleSet,
) -> Option<Range<usize>> {
    let value = text.get(span.clone())?;
    let trimmed = value.trim();
    let start = span.start + (value.len() - value.trim_start().len());
    fits(kind, trimmed, key, rules).then_some(start..start + trimmed.len())
}

/// Whether a whole value is like one of its kind.
pub(super) fn fits(kind: Kind, value: &str, key: &str, rules: &RuleSet) -> bool {
    !value.is_empty()
        && value.len() <= VALUE_BYTES_MAX
        && match kind {
            Kind::FamilyName | Kind::GivenName | Kind::MotherMaidenName => is_a_part(value, rules),
            Kind::FullName => is_full(value, key, rules),
            Kind::BirthDate | Kind::DeathDate => {
                // `6/9/66`
                let least = if value.matches(['/', '-', '.']).count() == 2 { 4 } else { 5 };
                value.len() <= DATE_BYTES_MAX && digits::count(value) >= least && date::parse(value).is_some()
            }
            Kind::Ssn => ssn::is_dashed(value) || value.len() == 9 && digits::count(value) == 9,
            Kind::Mbi => mbi::has_form(value) || mbi::sign(value) == Sign::Sure,
            Kind::Phone | Kind::Fax => {
                let plain = |b: u8| b.is_ascii_digit() || b" +-().x".contains(&b);
                value.bytes().all(plain) && (10..=13).contains(&digits::count(value))
            }
            Kind::Email => {
                value.split_once('@').is_some_and(|(_, host)| host.contains('.'))
                    && !value.contains([' ', '/'])
            }
            Kind::Street => {
                value.starts_with(|c: char| c.is_ascii_digit())
                    && value
                        .split_whitespace()
                        .nth(1)
                        .is_some_and(|word| word.starts_with(char::is_alphanumeric))
                    && value.chars().any(char::is_alphabetic)
            }
            Kind::City => {
                value.split_whitespace().count() <= 3 && is_capital(value) && names::is_person(value)
            }
            Kind::Zip => {
                let plain = value.bytes().all(|b| b.is_ascii_digit() || b == b'-');
                plain && matches!(value.len(), 5 | 10) && value.bytes().take(5).all(|b| b.is_ascii_digit())
            }
            _ => is_a_number(kind, value),
        }
}

/// How much of a value without quotes is one of its kind.
fn leading(
    text: &str,
    bare: Range<usize>,
    value: &str,
    kind: Kind,
    key: &str,
    rules: &RuleSet,
) -> Option<usize> {
    let words = match kind {
        Kind::FullName => {
            let length = name_words(value, FULL_WORDS_MAX);
            // `OKONJO, ADAEZE` goes on behind the comma.
            let register = register(text, &bare, value, length);
            let mut whole = bare.start..bare.start + register.unwrap_or(length);
            whole.end = whole.end.min(text.len());
            let name = text.get(whole)?;
            return fits(kind, name, key, rules).then_some(name.len());
        }
        Kind::FamilyName | Kind::MotherMaidenName => PART_WORDS_MAX,
        Kind::GivenName => GIVEN_WORDS_MAX,
        Kind::Street => return fits(kind, value.trim_end(), key, rules).then_some(value.trim_end().len()),
        Kind::BirthDate | Kind::DeathDate | Kind::Phone | Kind::Fax => {
            let ends = [Some(1), Some(2), Some(3), Some(4), None];
            return ends.into_iter().find_map(|count| {
                let end = count.map_or(value.len(), |count| words_end(value, count));
                let head = value.get(..end)?.trim_end().trim_end_matches('.');
                fits(kind, head, key, rules).then_some(head.len())
            });
        }
        Kind::City => 3,
        _ => 1,
    };
    let end =
        if is_name(kind) || kind == Kind::City { name_words(value, words) } else { words_end(value, 1) };
    let head = value.get(..end)?.trim_end_matches('.');
    fits(kind, head, key, rules).then_some(head.len())
}

const fn is_name(kind: Kind) -> bool {
    matches!(kind, Kind::FamilyName | Kind::GivenName | Kind::MotherMaidenName | Kind::FullName)
}

/// Where the first so many words end.
fn words_end(value: &str, count: usize) -> usize {
    let mut ends = value.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    ends.nth(count - 1).unwrap_or(value.len())
}

/// Where the first words end that are written as those of a name are: one in small letters stands first, or joins two.
fn name_words(value: &str, count: usize) -> usize {
    let mut end = 0;
    let mut at = 0;
    for (number, word) in value.split(' ').enumerate() {
        let stop = at + word.len();
        let capital = word.starts_with(char::is_uppercase);
        let joins = PARTICLES.contains(&word);
        if word.is_empty() || number >= count || !(capital || number == 0 || joins) {
            break;
        }
        if capital || number == 0 {
            end = stop;
        }
        at = stop + 1;
    }
    end
}

/// The end of a name whose given name stands behind a comma, counted from its start.
fn register(text: &str, bare: &Range<usize>, value: &str, family: usize) -> Option<usize> {
    let behind = text.get(bare.start + value.len()..)?.strip_prefix(',')?;
    if value.trim_end().len() != family {
        return None;
    }
    let given = behind.strip_prefix(' ').unwrap_or(behind);
    let skipped = value.len() + 1 + (behind.len() - given.len());
    let head = names::window_after(given, 0, NAME_BYTES_MAX);
    let length = name_words(head.split(['\n', ',', ';', '|', ')', '"']).next()?, GIVEN_WORDS_MAX);
    let name = head.get(..length)?;
    let next = head.get(length..)?.trim_start();
    let is_key = name.contains(['=', ':']) || next.starts_with(['=', ':']);
    (length > 0 && !is_key && name.starts_with(char::is_uppercase)).then_some(skipped + length)
}

/// Whether a value is a part of a name: no word that stands for none, and of a word in small letters a list knows.
fn is_a_part(value: &str, rules: &RuleSet) -> bool {
    let value = value.trim_end_matches(',');
    let capital = value.split_whitespace().any(|word| word.starts_with(char::is_uppercase));
    is_part_of_a_name(value)
        && value.chars().filter(|c| c.is_alphabetic()).count() >= 2
        && value.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '-' | '\'' | '\u{2019}'))
        && (capital || is_known(value))
        && is_nothing_else(value, rules)
}

/// Whether a value is the whole of a name: two words at least.
fn is_full(value: &str, key: &str, rules: &RuleSet) -> bool {
    let spaced = value.replace([',', '^'], " ");
    let count = spaced.split_whitespace().count();
    let plain = |c: char| c.is_alphabetic() || matches!(c, ' ' | '.' | '-' | '\'' | '\u{2019}');
    if !(2..=5).contains(&count) || value.len() > NAME_BYTES_MAX || !spaced.chars().all(plain) {
        return false;
    }
    if !is_capital(&spaced) {
        return names::is_listed(&spaced);
    }
    // What a program or a company is called by, too.
    let key = key.to_ascii_lowercase();
    let may_be_things =
        ["client", "legal", "full", "person", "employee"].iter().any(|word| key.contains(word));
    is_nothing_else(&spaced, rules) && (!may_be_things || spaced.split_whitespace().any(is_known))
}

/// Whether people are called by a word, and nothing else is.
pub(super) fn is_known(word: &str) -> bool {
    let standing = Lists::built_in().standing(word);
    (standing.given || standing.family) && !standing.word
}

/// Whether all words but those that join begin with a capital.
fn is_capital(value: &str) -> bool {
    value.split_whitespace().all(|word| word.starts_with(char::is_uppercase) || PARTICLES.contains(&word))
}

/// Whether no word is one that programs write where a name will stand, that no name has, or that is a field's name.
fn is_nothing_else(value: &str, rules: &RuleSet) -> bool {
    let placeholder = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        NO_NAMES.iter().any(|no| no.eq_ignore_ascii_case(word)) || rules.objects.is_an_individuals(word)
    };
    let joins = |word: &&str| PARTICLES.contains(word);
    // `van der Merwe`: what joins is a word by itself.
    let mut own = value.split_whitespace().skip_while(joins).peekable();
    own.peek().is_some()
        && !value.split_whitespace().any(placeholder)
        && own
            .filter(|word| !joins(word))
            .all(|word| names::is_person_by(word, &rules.words) && names::may_be(word))
}

/// Whether a value is a number that somebody was given: one word, and no digest or time.
fn is_a_number(kind: Kind, value: &str) -> bool {
    let count = digits::count(value);
    let plain = value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let least = match kind {
        Kind::Mrn => 4,
        _ => 5,
    };
    plain
        && value.len() <= NUMBER_BYTES_MAX
        && count >= least
        && record::is_number(value)
        && !is_digest(value)
        && value.bytes().filter(u8::is_ascii_alphabetic).count() <= NUMBER_LETTERS_MAX
}

/// Whether it is written as the number of a machine: hex digits in small letters.
fn is_digest(value: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
    value.len() >= DIGEST_BYTES_MIN && value.bytes().all(hex) && value.bytes().any(|b| b.is_ascii_lowercase())
}

/// What joins the words of a name.
const PARTICLES: &[&str] = &[
    "de", "del", "la", "van", "von", "der", "den", "da", "di", "du", "dos", "das", "do", "ter", "bin", "al",
    "el", "y",
];
/// Types and placeholders.
const NO_NAMES: &[&str] = &[
    "string",
    "str",
    "text",
    "varchar",
    "varchar2",
    "nvarchar",
    "char",
    "character",
    "null",
    "none",
    "nil",
    "undefined",
    "nan",
    "true",
    "false",
    "bool",
    "boolean",
    "int",
    "integer",
    "number",
    "object",
    "any",
    "optional",
    "required",
    "value",
    "self",
    "this",
    "req",
    "request",
    "body",
    "missing",
    "invalid",
    "empty",
    "blank",
    "redacted",
    "masked",
    "hidden",
    "removed",
    "unknown",
    "default",
    "field",
    "column",
    "varying",
    "date",
    "datetime",
    "not",
    "is",
    "must",
    "should",
    "na",
    "tbd",
    "todo",
    "yes",
    "no",
    "on",
    "off",
    "asc",
    "desc",
    "and",
    "or",
    "eq",
    "like",
    "name",
    "first",
    "last",
    "middle",
    "family",
    "given",
    "surname",
    "firstname",
    "lastname",
    "patient",
    "member",
    "user",
    "admin",
    "test",
    "schema",
    "types",
    "type",
    "dto",
    "entity",
    "input",
    "props",
    "state",
    "params",
    "query",
    "faker",
];
/// Words in front of a value in a dump.
const WRAPPERS: &[&[u8]] = &[b"Some(", b"Optional[", b"Optional(", b"Just "];
/// A longer value is none of an individual's.
pub(super) const VALUE_BYTES_MAX: usize = 120;
const NAME_BYTES_MAX: usize = 60;
const DATE_BYTES_MAX: usize = 36;
const NUMBER_BYTES_MAX: usize = 24;
const NUMBER_LETTERS_MAX: usize = 6;
const DIGEST_BYTES_MIN: usize = 12;
/// The longest name of a function of SQL.
const CALL_BYTES_MAX: usize = 24;
const BLANKS_MAX: usize = 12;
const FULL_WORDS_MAX: usize = 4;
const PART_WORDS_MAX: usize = 3;
const GIVEN_WORDS_MAX: usize = 2;
