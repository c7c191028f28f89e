//! What stands around a name: what follows it, and words near that speak of one individual.

use super::run::Word;
use super::words::{LOWER_BYTES, Words, lower};
use crate::inspect::check::ssn;
use std::ops::Range;

/// What follows a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Nothing,
    /// `, MD`: it was a provider's.
    Credential,
    /// `disease`, `Hospital`: it was the name of a thing.
    Thing,
    /// `called`, `may be reached`: it does what only people do.
    Act,
    /// `, DOB`, `(MRN`, `, 45yo`: it is somebody's on record.
    Identified,
}

impl After {
    /// What stands behind `last`, the last word of a name.
    pub(super) fn of(text: &str, last: &Word, words: &Words) -> Self {
        let mut rest = window_after(text, last.span.end, AFTER_BYTES);
        if last.possessive {
            rest = rest.get(1..).and_then(|t| t.trim_start_matches('’').get(1..)).unwrap_or_default();
        }
        // A dash between blanks parts what ails somebody from the name: `Anna Kowalski - fracture of hip`.
        let behind = if rest.starts_with(" - ") { "" } else { rest.trim_start_matches([' ', '-']) };
        let mut buffer = [0; LOWER_BYTES];
        let next = lower(head_word(behind), &mut buffer);
        let is_practice = || {
            let second = behind.get(next.len()..).unwrap_or_default().trim_start_matches(' ');
            PRACTICES.iter().any(|word| head_word(second).eq_ignore_ascii_case(word))
        };
        // `Study date 4 Jul`: the next label.
        let is_label = || {
            let second = behind.get(next.len()..).unwrap_or_default().strip_prefix(' ').unwrap_or_default();
            behind.starts_with(char::is_uppercase) && matches!(head_word(second), "date" | "Date" | "DATE")
        };
        let is_company = || COMPANIES.iter().any(|company| rest.starts_with(company));
        if is_company() || words.things.contains(&*next) && !is_label() || &*next == "family" && is_practice()
        {
            return Self::Thing;
        }
        if last.possessive {
            return Self::Nothing;
        }
        let behind = rest.trim_start_matches([' ', ',', '(', ';', '|', '-', '\t', '—', '–']);
        let credential = behind.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-'))).next();
        let credential = lower(credential.unwrap_or_default().trim_end_matches('.'), &mut buffer);
        let degree = DEGREES.iter().find_map(|degree| behind.strip_prefix(degree)?.strip_prefix(", "));
        let second = || {
            let second = degree?.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-'))).next();
            let second = second?.trim_end_matches('.');
            let upper = second.bytes().filter(u8::is_ascii_uppercase).count() >= 2;
            Some(upper && words.provider_after.contains(&*lower(second, &mut [0; LOWER_BYTES])))
        };
        if behind.len() < rest.len()
            && (words.provider_after.contains(&*credential) || second().unwrap_or_default())
        {
            return Self::Credential;
        }
        let next = lower(head_word(behind), &mut buffer);
        if words.identified_by.contains(&*next) || is_age(behind) || is_birth(behind) || is_banner(behind) {
            return Self::Identified;
        }
        if heads_address(text, last) {
            return Self::Identified;
        }
        if Self::may_be_act(rest, words) {
            let mut both = rest.trim_start_matches(' ').split(' ');
            let (one, two) = (both.next().unwrap_or_default(), both.next().unwrap_or_default());
            if words.acts.contains(head_word(one))
                || words.acts.contains(&format!("{one} {}", head_word(two)))
            {
                return Self::Act;
            }
        }
        Self::Nothing
    }

    /// What a word of things says behind `last`, the last word of a name behind a cue: before a number it is a label itself
    /// (`HOSPITAL NO: 4471203`, `Insurance: Aetna`), and behind two blanks it is of another field. Behind `somebodys` name it
    /// is what ails them where it is in small letters or has its number (`stage IV`).
    pub(super) fn of_a_value(text: &str, last: &Word, somebodys: bool) -> Self {
        let rest = window_after(text, last.span.end, FIELD_BYTES);
        let behind = rest.trim_start_matches(' ');
        let mut buffer = [0; LOWER_BYTES];
        let lower = lower(behind, &mut buffer);
        let thing =
            ["hospital", "clinic"].iter().find_map(|thing| lower.strip_prefix(thing)?.strip_prefix(' '));
        let numbered = thing.is_some_and(|next| {
            next.starts_with('#') || matches!(head_word(next), "no" | "nr" | "nbr" | "num" | "number")
        });
        match rest.len() - behind.len() {
            _ if last.possessive => Self::Thing,
            _ if numbered => Self::Identified,
            1 if is_labelled(behind) || somebodys && is_in_small_letters(behind) => Self::Nothing,
            0 | 1 => Self::Thing,
            _ => Self::Nothing,
        }
    }

    /// Whether an act may follow, by how what stands behind a name begins.
    pub(super) fn may_be_act(behind: &str, words: &Words) -> bool {
        behind.starts_with(' ') && words.may_be_act(behind.trim_start_matches(' '))
    }
}

/// Whether a text begins with a word in small letters, or a stage or grade with its number: `stage IV`, `Grade 3`.
fn is_in_small_letters(text: &str) -> bool {
    let word = head_word(text);
    let number = text.get(word.len()..).unwrap_or_default().trim_start_matches(' ');
    let numbered = || {
        let number = head_word(number);
        !number.is_empty() && number.len() <= STAGE_BYTES_MAX && is_stage(number)
    };
    text.starts_with(char::is_lowercase)
        || ["stage", "grade"].iter().any(|of| word.eq_ignore_ascii_case(of)) && numbered()
}

/// `IV`, `3b`
fn is_stage(number: &str) -> bool {
    let digits = number.trim_end_matches(['a', 'b', 'c', 'A', 'B', 'C']);
    let all = |is: fn(u8) -> bool| digits.bytes().all(is);
    !digits.is_empty() && (all(|b| b.is_ascii_digit()) || all(|b| matches!(b, b'I' | b'V')))
}

/// Whether a text begins with a label of two words at most: `Cell:`, `Medical record #`.
fn is_labelled(text: &str) -> bool {
    let label = text.split([':', '#', '=']).next().unwrap_or_default();
    label.len() < text.len()
        && label.split(' ').filter(|word| !word.is_empty()).count() <= 2
        && label.chars().all(|c| c.is_alphabetic() || c == ' ')
}

/// Whether the line ends behind the name, and the next one begins with a house number: the head of an address.
fn heads_address(text: &str, last: &Word) -> bool {
    let rest = window_after(text, last.span.end, AFTER_BYTES);
    let below = rest.trim_start_matches([' ', '\r', '\n', '>']);
    let gap = rest.get(..rest.len() - below.len()).unwrap_or_default();
    let number = below.bytes().take_while(u8::is_ascii_digit).count();
    let name = below.get(number..).and_then(|t| t.strip_prefix(' ')).and_then(|t| t.chars().next());
    gap.contains('\n') && (1..=6).contains(&number) && name.is_some_and(char::is_alphanumeric)
}

/// `M | 56`, as rows have it: a sex and an age with a line, a stroke or a comma between.
fn is_sex_and_age(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(['M', 'F']) else { return false };
    let age = rest.trim_start_matches([' ', '|', '/', ',']);
    let between = rest.get(..rest.len() - age.len()).unwrap_or_default();
    let digits = age.bytes().take_while(u8::is_ascii_digit).count();
    let ends = age.get(digits..).is_some_and(|t| t.is_empty() || t.starts_with([' ', '|', '/', ',', '\n']));
    between.contains(['|', '/', ',']) && between.len() <= 3 && (1..=3).contains(&digits) && ends
}

/// `45yo`, `45-year-old`, `a 45 y/o`, `is a 45-year-old`, `45 M`.
pub(super) fn is_age(text: &str) -> bool {
    if is_sex_and_age(text) {
        return true;
    }
    let text = text.strip_prefix("is ").unwrap_or(text);
    let text = match text.strip_prefix("a ").or_else(|| text.strip_prefix("an ")) {
        // `a very pleasant 61-year-old`
        Some(rest) => {
            let start = rest.find(|c: char| !(c.is_ascii_lowercase() || c == ' ')).unwrap_or(0);
            let words = rest.get(..start).unwrap_or_default();
            let few = words.is_empty() || words.ends_with(' ') && words.matches(' ').count() <= 3;
            if few { rest.get(start..).unwrap_or_default() } else { rest }
        }
        None => text,
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=3).contains(&digits) {
        return false;
    }
    let unit = text.get(digits..).unwrap_or_default().trim_start_matches([' ', '-']).to_ascii_lowercase();
    ["yo", "y/o", "y.o", "yr", "year", "mo ", "month"].iter().any(|u| unit.starts_with(u))
        || matches!(unit.as_bytes(), [b'm' | b'f'] | [b'm' | b'f', b' ' | b',' | b')' | b'.', ..])
}

/// Whether a text begins with a date and a sex, as banners of records do: `08/25/1969 F`.
fn is_banner(text: &str) -> bool {
    let date = text.split(' ').next().unwrap_or_default();
    let is_date = (8..=10).contains(&date.len())
        && date.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'-'))
        && date.bytes().filter(|b| !b.is_ascii_digit()).count() == 2;
    let sex = text.get(date.len()..).unwrap_or_default().trim_start_matches([' ', '(']);
    is_date && matches!(head_word(sex), "F" | "M" | "Female" | "Male" | "FEMALE" | "MALE" | "female" | "male")
}

/// Whether the sentence ends with the name, and the next one goes on with a word for one: `… for Mark Young? He has`.
pub(super) fn goes_on_as_one(text: &str, name: &Range<usize>) -> bool {
    let behind = window_after(text, name.end, AFTER_BYTES);
    let next = behind.trim_start_matches(['.', '?', '!']).trim_start_matches([' ', '\n']);
    behind.starts_with(['.', '?', '!']) && matches!(head_word(next), "He" | "She" | "His" | "Her")
}

/// Whether words around `span` say that one individual is spoken of.
pub(super) fn speaks_of_one(text: &str, span: &Range<usize>, words: &Words) -> bool {
    let mut buffer = [0; LOWER_BYTES];
    let before = lower(window_before(text, span.start, NEAR_BYTES), &mut buffer);
    if tokens(&before).any(|(_, w)| words.is_individual(w)) {
        return true;
    }
    let mut buffer = [0; LOWER_BYTES];
    let after = lower(window_after(text, span.end, NEAR_BYTES), &mut buffer);
    let found: Vec<(usize, &str)> = tokens(&after).collect();
    let mut one = found.iter().enumerate().filter(|(_, (_, w))| words.is_individual(w));
    one.any(|(number, _)| !is_anybody(&after, &found, number))
}

/// Whether word `number` of what stands behind a name is said of anybody, and not of who was named: `a patient`, `a
/// 45-year-old man`, `the patient with …`. A name's own description isn't: `, a 45-year-old man`, `is a woman`.
fn is_anybody(after: &str, found: &[(usize, &str)], number: usize) -> bool {
    let at = |number: Option<usize>| number.and_then(|n| found.get(n)).copied().unwrap_or_default();
    let (place, word) = at(Some(number));
    if !ANYBODY.contains(&word) && !word.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let (the_place, the) = at(number.checked_sub(1));
    if number > 0 && the == "the" {
        return matches!(at(Some(number + 1)).1, "with" | "who" | "whose") && the_place > OWN_BYTES;
    }
    (1..=ARTICLE_WORDS_MAX).filter_map(|back| found.get(number.checked_sub(back)?)).any(
        |(article_at, article)| {
            let joined =
                after.get(*article_at..place).is_some_and(|t| !t.contains(['.', ',', ';', ':', '\n']));
            let own = after.get(..*article_at).is_some_and(|t| {
                matches!(
                    t.trim_matches([' ', ',', '(', '-', '–', '—']),
                    "" | "is" | "was" | "who is" | "who was"
                )
            });
            joined && !own && matches!(*article, "a" | "an" | "any" | "each" | "every" | "your" | "another")
        },
    )
}

/// Whether the name at `span` is an author's, a speaker's or of somebody whom medicine remembers.
pub(super) fn is_public(text: &str, span: &Range<usize>, words: &Words) -> bool {
    let mut buffer = [0; LOWER_BYTES];
    let before = lower(window_before(text, span.start, ROLE_BYTES), &mut buffer);
    let before = before.rsplit(['.', ';', '\n']).next().unwrap_or_default();
    if tokens(before).any(|(_, word)| words.public_roles.contains(word)) {
        return true;
    }
    let mut behind = window_after(text, span.end, NEAR_BYTES);
    // `Maria Garcia and John Smith report`
    if let Some(second) = behind.strip_prefix(" and ") {
        let names = second.split_inclusive(' ').take_while(|word| word.starts_with(char::is_uppercase));
        behind = second.get(names.map(str::len).sum()..).unwrap_or_default();
    }
    let next = head_word(behind.trim_start_matches([' ', ',']));
    words.public_acts.contains(next)
        || (before.trim_end() == "as" && matches!(next, "said" | "wrote" | "put"))
}

/// Whether a birth date, a record number or a social security number is told right behind `last`, the last word of a name,
/// in its line: `, DOB 04/02/1971`.
pub(super) fn is_numbered(text: &str, last: &Word) -> bool {
    let behind = window_after(text, last.span.end, AFTER_BYTES);
    let behind = behind.trim_start_matches([' ', ',', '(', ';', '|', '-', '\t', '—', '–', '.']);
    let mut buffer = [0; LOWER_BYTES];
    let behind = lower(behind, &mut buffer);
    let next = head_word(&behind);
    matches!(next, "dob" | "d.o.b" | "birthdate" | "born" | "mrn" | "ssn")
        || is_birth(&behind)
        || is_of_last_century(&behind)
}

/// Whether a text begins with a date of the last century: nobody signs with one.
fn is_of_last_century(text: &str) -> bool {
    let date = text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '/' | '-' | '.'))).next();
    let mut parts = date.unwrap_or_default().trim_end_matches('.').split(['/', '-', '.']);
    let (first, second, last) = (parts.next(), parts.next(), parts.next());
    let is_year = |part: &str| part.len() == 4 && part.starts_with("19");
    let is_day = |part: Option<&str>| part.is_some_and(|part| (1..=2).contains(&part.len()));
    is_day(second) && (first.is_some_and(is_year) || is_day(first) && last.is_some_and(is_year))
}

/// Whether a text begins with the words for a birth date.
fn is_birth(text: &str) -> bool {
    let begins = |words: &str| text.get(..words.len()).is_some_and(|head| head.eq_ignore_ascii_case(words));
    ["date of birth", "birth date"].into_iter().any(begins)
}

/// Whether the line of `last`, the last word of a name, or the next one, goes on with what is on record of somebody: a word
/// for a birth date or for a number of a person, or a social security number.
pub(super) fn is_on_record(text: &str, last: &Word) -> bool {
    let behind = window_after(text, last.span.end, RECORD_BYTES);
    let end = behind.match_indices('\n').nth(1).map_or(behind.len(), |(at, _)| at);
    let behind = behind.get(..end).unwrap_or_default();
    let mut buffer = [0; LOWER_BYTES];
    tokens(&lower(behind, &mut buffer)).any(|(_, word)| ON_RECORD.contains(&word))
        || tokens_of(behind, |c| c.is_ascii_digit() || c == '-').any(|(_, number)| ssn::is_dashed(number))
        || is_reached(text, last)
}

/// Whether a telephone number stands close behind `last`, the last word of a name, in groups or with a word for it; one
/// that everybody may call free of charge is an office's.
pub(super) fn is_reached(text: &str, last: &Word) -> bool {
    let behind = window_after(text, last.span.end, REACH_BYTES);
    let Some(start) = behind.find(|c: char| c.is_ascii_digit() || c == '+') else { return false };
    let (before, number) = behind.split_at(start);
    let length =
        number.find(|c: char| !(c.is_ascii_digit() || " ().-/+".contains(c))).unwrap_or(number.len());
    let number = number.get(..length).unwrap_or_default();
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix('1').unwrap_or(&digits);
    let free =
        ["800", "888", "877", "866", "855", "844", "833"].iter().any(|code| national.starts_with(code));
    let grouped = number.trim_end_matches([' ', '.']).contains([' ', '.', '-', ')', '+']);
    let labelled = tokens(&before.to_lowercase()).any(|(_, word)| {
        matches!(word, "phone" | "ph" | "tel" | "telephone" | "cell" | "mobile" | "number" | "call" | "text")
    });
    (10..=15).contains(&digits.len())
        && !free
        && number.matches('/').count() < 2 // `01/14/2025 06:12`
        && (grouped || labelled)
        && before.len() <= if labelled { REACH_BYTES } else { GAP_BYTES_MAX }
        && !before.contains([';', '.'])
}

/// Degrees that are no credential by themselves: before another one they are.
const DEGREES: &[&str] = &["PT", "OT", "BA", "BS", "MA", "MS", "MBA", "MHA"];
/// How companies are called that have a name of a person.
const COMPANIES: &[&str] = &[" and Company", " & Company", " & Co.", " and Sons", " & Sons"];
/// What offices are called behind `Family`.
const PRACTICES: &[&str] = &["practice", "medicine", "dentistry", "physicians", "dental", "healthcare"];

/// Words of letters, digits and strokes, with their places.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    tokens_of(text, |c| c.is_alphanumeric() || c == '/')
}

/// Runs of such characters, with their places.
pub(super) fn tokens_of(
    text: &str,
    is_inside: impl Fn(char) -> bool + Copy,
) -> impl Iterator<Item = (usize, &str)> {
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = first_at(text, next, is_inside);
        next = first_at(text, start, |c| !is_inside(c));
        text.get(start..next).filter(|word| !word.is_empty()).map(|word| (start, word))
    })
}

/// Where the first such character from `at` on stands; the text's end where there is none.
fn first_at(text: &str, mut at: usize, is: impl Fn(char) -> bool) -> usize {
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        let c = match byte.is_ascii() {
            true => char::from(*byte),
            false => text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or_default(),
        };
        if is(c) {
            break;
        }
        at += c.len_utf8();
    }
    at
}

pub(super) fn head_word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '.')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default().trim_end_matches('.')
}

/// The last `bytes` of `text` before `end`, or less at a character's bound.
pub(in crate::inspect) fn window_before(text: &str, end: usize, bytes: usize) -> &str {
    let mut start = end.saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..end).unwrap_or_default()
}

/// The first `bytes` of `text` from `start` on, or less at a character's bound.
pub(in crate::inspect) fn window_after(text: &str, start: usize, bytes: usize) -> &str {
    let mut end = (start + bytes).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(start..end).unwrap_or_default()
}

/// The longest number of a stage: `IIIb`.
const STAGE_BYTES_MAX: usize = 4;
/// How far behind a labelled name the next field is looked for.
const FIELD_BYTES: usize = 60;
/// How far behind a name what identifies it is looked for.
pub(super) const AFTER_BYTES: usize = 28;
/// Words for people that are said of anybody, too.
const ANYBODY: &[&str] = &[
    "patient",
    "pt",
    "man",
    "woman",
    "boy",
    "girl",
    "gentleman",
    "lady",
    "male",
    "female",
    "old",
    "yo",
    "y/o",
    "resident",
];
/// How many words stand between an article and what it goes with: `a pleasant 45 year old`.
const ARTICLE_WORDS_MAX: usize = 4;
/// `the patient` this close behind a name is who was named: `, the patient with …`.
const OWN_BYTES: usize = 2;
/// How far before a name a word for its author's part is looked for.
const ROLE_BYTES: usize = 24;
/// How far behind a name, and a word like those of things, what is on record is looked for.
const RECORD_BYTES: usize = 80;
/// Words for what is on record of a person.
const ON_RECORD: &[&str] =
    &["dob", "birth", "birthdate", "born", "mrn", "ssn", "phone", "telephone", "tel", "cell", "mobile"];
/// How far behind a name its telephone number is looked for.
const REACH_BYTES: usize = 44;
/// Between a name and a number without a word for it: `, (`, ` / (`.
const GAP_BYTES_MAX: usize = 4;
/// How far around a name words that speak of an individual are looked for.
pub(super) const NEAR_BYTES: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    #[test]
    fn ages_are_told_from_other_numbers() {
        for age in [
            "45yo",
            "45-year-old",
            "a 45 y/o",
            "is a 67-year-old",
            "45 M",
            "6 months old",
            "M | 56 | 4",
            "F, 61",
        ] {
            assert!(is_age(age), "{age}");
        }
        for other in ["45 mg", "1234yo", "year", "45 Main St", "M 56", "F, 6112", "Main, 12"] {
            assert!(!is_age(other), "{other}");
        }
    }

    #[test]
    fn one_individual_is_told_by_words_near() {
        let words = &RuleSet::built_in().words;
        let near = |text: &str| {
            let at = text.find("Anna").expect("there");
            speaks_of_one(text, &(at..at + 4), words)
        };
        assert!(near("a 34yo with MS, Anna"));
        assert!(near("the patient Anna"));
        assert!(!near("written by Anna in June"));
        for text in
            ["Anna is a 45 year old man", "Anna, a pleasant elderly woman", "Anna came. The patient has"]
        {
            assert!(near(text), "{text}");
        }
        for text in [
            "Anna and John report a 45-year-old man with asthma",
            "Anna on the dose for a patient with CKD",
            "by Anna. Topic: the patient with heart failure",
        ] {
            assert!(!near(text), "{text}");
        }
    }

    #[test]
    fn authors_and_speakers_are_public() {
        let words = &RuleSet::built_in().words;
        let public = |text: &str| {
            let at = text.find("Anna Lee").expect("there");
            is_public(text, &(at..at + 8), words)
        };
        for text in [
            "Speaker: Anna Lee. Topic",
            "Reviewer Anna Lee: the dose",
            "Anna Lee and Mary Ann Smith report a woman",
            "Anna Lee operated on a woman",
            "As Anna Lee said, listen",
        ] {
            assert!(public(text), "{text}");
        }
        for text in
            ["Anna Lee reports pain", "Anna Lee and Mary Smith came in", "As said Anna Lee came", "Anna Lee"]
        {
            assert!(!public(text), "{text}");
        }
    }

    #[test]
    fn a_number_close_behind_reaches_who_is_named() {
        let reached = |text: &str| {
            let mut run = Vec::new();
            super::super::run::run(text, 0, super::super::list::Lists::built_in(), &mut run);
            is_reached(text, run.get(1).expect("two words"))
        };
        for text in [
            "Anna Lee 917-443-0682",
            "Anna Lee (917) 443-0682",
            "Anna Lee called, cell 9174430682",
            "Anna Lee\n917-443-0682",
        ] {
            assert!(reached(text), "{text}");
        }
        for text in [
            "Anna Lee 1-800-443-0682",
            "Anna Lee, NPI 1881660219",
            "Anna Lee. Fax 917-443-0682",
            "Anna Lee 9174430682",
            "Anna Lee 01/14/2025 06:12",
        ] {
            assert!(!reached(text), "{text}");
        }
    }
}
