//! Keyed text: values that stand behind the name of a field in a text. `memberDob=1971-04-30` in a line of a log,
//! `{'first_nm': 'Zdenka'` of a program, JSON that is cut off, `[dob] => 1971-04-30`, `<lastName>…</lastName>`, the
//! question of a form (`Date of birth? 5/5/1995`), the answer in a conversation (`turns.rs`), a label on the line above, rows
//! under names of columns, lines of fields without such names (`fixed.rs`), what a statement of SQL compares (`sql.rs`), and
//! parameters that stand apart from the names of their columns (`bound.rs`).
//!
//! Names are looked up in the rows for keys of JSON, as those of query parameters are; a value counts with its row's kind
//! and points where it is like one of that kind. What is only an address, an account or a visit counts beside somebody's
//! name, birth date or number. Most words before a `:` or `=` are told from names of fields by three letters of theirs.
//! Cost: linear in the text; a table is asked for words that end as one of its keys does.

pub(super) mod bound;
mod fixed;
pub(super) mod providers;
mod rows;
mod sql;
mod turns;
mod value;
#[cfg(test)]
mod tests;

use super::field::{Field, FieldTable};
use super::kind::{Kind, Whose};
use super::rules::RuleSet;
use super::text::Hit;
use std::ops::Range;
use value::{Between, value_of, whole};

/// How the keys of a table end: what no key of it ends in is none.
#[derive(Debug)]
pub struct Ends(Box<[u64; ENDS / 64]>);

impl Ends {
    /// The ends of a table's keys, of those rows that tell of individuals.
    ///
    /// # Errors
    /// Never: it gives what others do that are made of a table's rows and may find one wrong.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut ends = Self(Box::new([0; ENDS / 64]));
        let rows = table.field.iter().filter(|field| field.reads.is_empty() && is_individuals(field));
        for at in rows.flat_map(|field| &field.at) {
            ends.add(at.rsplit('.').next().unwrap_or(at));
        }
        BEHIND_OWNERS.iter().for_each(|end| ends.add(end));
        Ok(ends)
    }

    fn add(&mut self, key: &str) {
        if let Some(end) = end_of(key.as_bytes())
            && let Some(word) = self.0.get_mut(end / 64)
        {
            *word |= 1 << (end % 64);
        }
    }

    /// Whether some key ends as this one does.
    fn may_have(&self, key: &[u8]) -> bool {
        end_of(key).and_then(|end| Some(self.0.get(end / 64)? >> (end % 64) & 1 == 1)).unwrap_or(false)
    }
}

/// The last three letters of a key, without digits behind them and what Salesforce puts there.
fn end_of(key: &[u8]) -> Option<usize> {
    let key = [&b"__c"[..], b"__pc"].iter().find_map(|custom| key.strip_suffix(*custom)).unwrap_or(key);
    let letters = key.iter().rev().filter(|b| b.is_ascii_alphanumeric());
    let mut letters = letters.skip_while(|b| b.is_ascii_digit()).map(|b| usize::from(b & 31));
    Some(letters.next()? << 10 | letters.next()? << 5 | letters.next()?)
}

/// A value that a key tells.
struct Told<'t> {
    span: Range<usize>,
    field: &'t Field,
}

/// Adds what keys in `text` tell to `hits`.
pub(super) fn add(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    let mut told = Vec::new();
    marked(text, rules, &mut told);
    asked(text, rules, &mut told);
    below(text, rules, &mut told);
    bound::pairs(text, rules, &mut told);
    sql::compared(text, rules, &mut told);
    turns::answers(text, rules, &mut told);
    fixed::lines(text, rules, &mut told);
    fixed::records(text, rules, &mut told);
    tell(told, hits);
    // Each table is somebody's or nobody's by its own columns.
    rows::add(text, rules, hits);
    if memchr::memchr3(b'?', b'%', b'$', text.as_bytes()).is_some() {
        bound::add(text, rules, hits);
    }
}

/// Adds what is told together: what is of no individual by itself counts beside what is.
fn tell(told: Vec<Told<'_>>, hits: &mut Vec<Hit>) {
    let somebody = told.iter().any(|told| told.field.kind.tells_who());
    for Told { span, field } in told {
        if somebody || field.kind.tells_who() {
            let (kind, points) = (field.kind, field.points);
            hits.push(Hit { span, kind, points, rule: field.rule(), labelled: true });
        }
    }
}

/// The row of a key, if it is an individual's.
fn row_of<'t>(rules: &'t RuleSet, key: &str) -> Option<&'t Field> {
    if !rules.keyed.may_have(key.as_bytes()) || key.len() > KEY_BYTES_MAX {
        return None;
    }
    let table = &rules.objects;
    let below = || {
        let (above, last) = key.rsplit_once('.')?;
        let above = above.rsplit('.').next().unwrap_or_default();
        HOLDERS
            .iter()
            .any(|holder| holder.eq_ignore_ascii_case(above))
            .then(|| table.lookup_below(above, last))?
    };
    // `PID.5` is a place of HL7v2, which has detectors.
    if key.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("pid")) {
        return None;
    }
    table.lookup(key).or_else(below).filter(|field| is_individuals(field) && !is_staffs(field.kind, key))
}

/// Whether a key of a name says that it is somebody's who works with the program: `employee.firstName`.
fn is_staffs(kind: Kind, key: &str) -> bool {
    let names = matches!(kind, Kind::FamilyName | Kind::GivenName | Kind::FullName);
    names && {
        let key = key.to_ascii_lowercase();
        STAFF.iter().any(|word| key.contains(word))
    }
}

/// Values behind `=`, `:` and `=>`, and in elements.
fn marked<'t>(text: &str, rules: &'t RuleSet, told: &mut Vec<Told<'t>>) {
    let bytes = text.as_bytes();
    for mark in memchr::memchr3_iter(b'=', b':', b'>', bytes) {
        // Most words end as no key does.
        let near = bytes.get(mark.saturating_sub(ENDING_BYTES_MAX)..mark).unwrap_or_default();
        let (near, serialized) = match near.strip_suffix(SERIALIZED) {
            Some(near) => (near, true),
            None => (near, false),
        };
        let end = near.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
        if !rules.keyed.may_have(near.get(..end).unwrap_or_default()) {
            continue;
        }
        let Some(Before { key, between, plain }) = (match serialized {
            true => key_before(bytes, mark + 1 - SERIALIZED.len()),
            false => key_before(bytes, mark),
        }) else {
            continue;
        };
        let between = if serialized { Between::Serialized } else { between };
        let Some(key) = text.get(key) else { continue };
        if let Some(field) = row_of(rules, key)
            && (!plain || matches!(field.kind, Kind::Street | Kind::City | Kind::Zip))
            && let Some(span) = value_of(text, mark + 1, between, field.kind, key, rules)
        {
            told.push(Told { span, field });
        }
    }
}

/// The name of a field that ends before a mark.
struct Before {
    key: Range<usize>,
    /// What stands between it and its value.
    between: Between,
    /// Whether it is a word of a language, and what it stands in alone says that it is a name of a field: `city = "Hilo"`.
    plain: bool,
}

/// The name of a field that ends before a mark, and what stands between it and its value.
fn key_before(bytes: &[u8], mark: usize) -> Option<Before> {
    let at = |at: usize| bytes.get(at).copied();
    let before = at(mark.checked_sub(1)?)?;
    let between = match at(mark)? {
        // A sign of Markdown or of a program behind a tag is none.
        b'>' => Between::Tags,
        b':' if before == b':' || matches!(at(mark + 1), Some(b':' | b'=' | b'/')) => return None,
        b'=' if b"=!<>+-*/~".contains(&before) || matches!(at(mark + 1), Some(b'=' | b'~')) => return None,
        b'=' if at(mark + 1) == Some(b'>') => Between::Arrow,
        b'=' => Between::Equals,
        _ => Between::Colon,
    };
    let (mut end, mut closed, mut called) = (mark, false, false);
    if between != Between::Tags {
        let from = mark.saturating_sub(CLOSING_BYTES_MAX);
        for b in bytes.get(from..mark)?.iter().rev() {
            match b {
                b' ' | b'\t' if !closed => {}
                b':' if end == mark && between == Between::Equals => {} // `:=`
                b'"' | b'\'' | b'`' | b'\\' | b']' => closed = true,
                // `UPPER(last_name) = `
                b')' if !closed && between == Between::Equals => (closed, called) = (true, true),
                _ => break,
            }
            end -= 1;
        }
    }
    let from = end.saturating_sub(KEY_BYTES_MAX + 1);
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let word = bytes.get(from..end)?;
    let length = word.iter().rev().take_while(|b| is_part(b)).count();
    if !(KEY_BYTES_MIN..=KEY_BYTES_MAX).contains(&length) {
        return None;
    }
    let word = word.get(word.len() - length..)?;
    let skipped = word.iter().take_while(|b| !b.is_ascii_alphabetic()).count();
    let (word, start) = (word.get(skipped..)?, end - length + skipped);
    let opens = start.checked_sub(1).and_then(at);
    let named = match between {
        Between::Tags => matches!(opens, Some(b'<' | b':')),
        _ if called => {
            let function = start.checked_sub(2).and_then(at);
            opens == Some(b'(') && function.is_some_and(|b| b.is_ascii_alphabetic())
        }
        _ if closed => matches!(opens, Some(b'"' | b'\'' | b'`' | b'[' | b':')),
        // Words of prose before a colon are the labels that detectors know.
        Between::Colon => is_identifier(word),
        _ => is_identifier(word) || end == mark,
    };
    // `dob: new Date("1992-03-03")`: no prose goes on so.
    let made = !named && between == Between::Colon && value::is_made(bytes, mark + 1);
    let plain = !named && !made && !closed && between != Between::Tags && heads_line(bytes, start, mark);
    let is_key = (named || made || plain) && word.len() >= KEY_BYTES_MIN;
    is_key.then_some(Before { key: start..end, between, plain })
}

/// Whether nothing but a blank or the dash of a list stands before a word on its line, or a quote opens behind its mark.
fn heads_line(bytes: &[u8], start: usize, mark: usize) -> bool {
    let before = bytes.get(start.saturating_sub(INDENT_BYTES_MAX)..start).unwrap_or_default();
    let head = before.iter().rposition(|b| !matches!(b, b' ' | b'\t' | b'-'));
    let is_head = head.map_or(before.len() < INDENT_BYTES_MAX, |at| before.get(at) == Some(&b'\n'));
    let opens =
        matches!(bytes.get(mark + 1..).unwrap_or_default(), [b'"' | b'\'', ..] | [b' ', b'"' | b'\'', ..]);
    is_head || opens
}

/// Whether a word is written as names of fields are, and no word of a language is: `birthDate`, `birth_date`.
fn is_identifier(word: &[u8]) -> bool {
    word.windows(2).any(|two| {
        matches!(two, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase())
            || matches!(two, [_, b'_' | b'.' | b'-'])
    })
}

/// Answers behind a question that is the name of a field: `Patient's last name? Fothergill`.
fn asked<'t>(text: &str, rules: &'t RuleSet, told: &mut Vec<Told<'t>>) {
    let bytes = text.as_bytes();
    for mark in memchr::memchr_iter(b'?', bytes) {
        let from = mark.saturating_sub(QUESTION_BYTES_MAX);
        let before = bytes.get(from..mark).unwrap_or_default();
        if !rules.keyed.may_have(before) {
            continue;
        }
        let is_word = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b' ' | b'\'' | b'#' | b'/');
        let length = before.iter().rev().take_while(|b| is_word(b)).count();
        // A longer question asks something else.
        if length == before.len() && from > 0 {
            continue;
        }
        let Some(question) = text.get(mark - length..mark) else { continue };
        let question = ["confirm", "your", "the", "their", "his", "her"]
            .iter()
            .find_map(|word| question.rsplit_once(&format!(" {word} ")))
            .map_or(question, |(_, behind)| behind)
            .replace("'s ", " ");
        if let Some(field) = row_of(rules, &question)
            && let Some(span) = value_of(
                text,
                turns::answer(text, mark + 1).unwrap_or(mark + 1),
                Between::Question,
                field.kind,
                &question,
                rules,
            )
        {
            told.push(Told { span, field });
        }
    }
}

/// Values below labels that have a line each, as pages are copied: `Member Id` and under it `ZGP433515148`. Names
/// only where there are two: one word on a line may be anything's title. A form that asks for a provider's number is his.
fn below<'t>(text: &str, rules: &'t RuleSet, told: &mut Vec<Told<'t>>) {
    let bytes = text.as_bytes();
    let mut pairs = Vec::new();
    for end in memchr::memchr_iter(b'\n', bytes) {
        let from = end.saturating_sub(QUESTION_BYTES_MAX);
        let before = bytes.get(from..end).unwrap_or_default().trim_ascii_end();
        let before = before.strip_suffix(b":").unwrap_or(before);
        if !rules.keyed.may_have(before) {
            continue;
        }
        let is_word =
            |b: &u8| b.is_ascii_alphabetic() || matches!(b, b' ' | b'\'' | b'#' | b'/' | b'_' | b'.');
        let length = before.iter().rev().take_while(|b| is_word(b)).count();
        let stop = from + before.len();
        let heads = stop == length || bytes.get(stop - length - 1) == Some(&b'\n');
        let Some(label) = text.get(stop - length..stop).filter(|_| heads) else { continue };
        let next = end + 1;
        let line = bytes.get(next..).unwrap_or_default();
        let line = memchr::memchr(b'\n', line).unwrap_or(line.len());
        if let Some(field) = row_of(rules, label.trim())
            && let Some(span) = whole(text, next..next + line, field.kind, label, rules)
        {
            pairs.push(Told { span, field });
        }
    }
    let is_providers = || text.lines().any(|line| rows::is_providers(line.trim().trim_end_matches(':')));
    let is_name = |kind| matches!(kind, Kind::FamilyName | Kind::GivenName | Kind::FullName);
    if pairs.len() < 2 {
        pairs.retain(|told| !is_name(told.field.kind));
    }
    if !pairs.is_empty() && !is_providers() {
        told.append(&mut pairs);
    }
}

/// Whether a row is an individual's, of a kind that texts are looked through for.
fn is_individuals(field: &Field) -> bool {
    matches!(field.whose, Whose::Patient | Whose::Relative)
        && (field.kind.tells_who()
            || matches!(
                field.kind,
                Kind::Phone
                    | Kind::Fax
                    | Kind::Email
                    | Kind::Street
                    | Kind::City
                    | Kind::Zip
                    | Kind::Account
                    | Kind::ClaimId
                    | Kind::VisitNumber
                    | Kind::DriverLicence
            ))
}

/// Objects of an individual's whose members tell of them, however deep they lie.
const HOLDERS: &[&str] = &["patient", "member", "subscriber", "insured", "name", "address", "demographics"];
/// Words for those whose names in a text are nobody's PHI.
const STAFF: &[&str] = &[
    "provider",
    "doctor",
    "physician",
    "prescriber",
    "attending",
    "referring",
    "nurse",
    "staff",
    "author",
    "pcp",
    "user",
    "employee",
    "agent",
    "operator",
    "clinician",
    "pharmac",
    "committer",
    "assignee",
    "reporter",
];
/// Three letters of five bits each.
const ENDS: usize = 1 << 15;
/// Ends of keys that stand in no row: `patientFirst`, `memberNbr`.
const BEHIND_OWNERS: &[&str] = &["first", "last", "nbr", "number"];
/// A longer word is no name of a field; a shorter one has no three letters.
const KEY_BYTES_MAX: usize = 48;
const KEY_BYTES_MIN: usize = 3;
/// How far before a mark the last three letters of a key are looked for: Salesforce and digits may stand behind them.
const ENDING_BYTES_MAX: usize = 16;
/// Quotes, brackets and blanks between a key and its mark.
const CLOSING_BYTES_MAX: usize = 6;
/// How far a name of a field is looked for to be the first of its line.
const INDENT_BYTES_MAX: usize = 24;
/// What stands between a name and the mark before its value's length in what PHP serializes:
/// `s:11:"patient_mrn";s:8:"00864259"`.
const SERIALIZED: &[u8] = b"\";s";
/// How far before its mark a question is looked for.
const QUESTION_BYTES_MAX: usize = 48;
