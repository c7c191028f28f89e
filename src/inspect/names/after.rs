//! What stands around a name: what follows it, and words near that speak of one individual.

use super::run::Word;
use super::words::{LOWER_BYTES, Words, lower};
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
        let behind = rest.trim_start_matches([' ', '-']);
        let mut buffer = [0; LOWER_BYTES];
        let next = lower(head_word(behind), &mut buffer);
        if words.things.contains(&*next) {
            return Self::Thing;
        }
        if last.possessive {
            return Self::Nothing;
        }
        let behind = rest.trim_start_matches([' ', ',', '(', ';', '|', '-', '\t', '—', '–']);
        let credential = behind.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-'))).next();
        let credential = lower(credential.unwrap_or_default().trim_end_matches('.'), &mut buffer);
        if behind.len() < rest.len() && words.provider_after.contains(&*credential) {
            return Self::Credential;
        }
        let next = lower(head_word(behind), &mut buffer);
        if words.identified_by.contains(&*next) || is_age(behind) {
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

    /// Whether an act may follow, by how what stands behind a name begins.
    pub(super) fn may_be_act(behind: &str, words: &Words) -> bool {
        behind.starts_with(' ') && words.may_be_act(behind.trim_start_matches(' '))
    }
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

/// `45yo`, `45-year-old`, `a 45 y/o`, `is a 45-year-old`, `45 M`.
fn is_age(text: &str) -> bool {
    let text = text.strip_prefix("is ").unwrap_or(text);
    let text = text.strip_prefix("a ").or_else(|| text.strip_prefix("an ")).unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=3).contains(&digits) {
        return false;
    }
    let unit = text.get(digits..).unwrap_or_default().trim_start_matches([' ', '-']).to_ascii_lowercase();
    ["yo", "y/o", "y.o", "yr", "year", "mo ", "month"].iter().any(|u| unit.starts_with(u))
        || matches!(unit.as_bytes(), [b'm' | b'f'] | [b'm' | b'f', b' ' | b',' | b')' | b'.', ..])
}

/// Whether words around `span` say that one individual is spoken of.
pub(super) fn speaks_of_one(text: &str, span: &Range<usize>, words: &Words) -> bool {
    let says = |part: &str| {
        let mut buffer = [0; LOWER_BYTES];
        let part = lower(part, &mut buffer);
        part.split(|c: char| !(c.is_alphanumeric() || c == '/')).any(|w| words.is_individual(w))
    };
    says(window_before(text, span.start, NEAR_BYTES)) || says(window_after(text, span.end, NEAR_BYTES))
}

fn head_word(text: &str) -> &str {
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

/// How far behind a name what identifies it is looked for.
const AFTER_BYTES: usize = 28;
/// How far around a name words that speak of an individual are looked for.
const NEAR_BYTES: usize = 70;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    #[test]
    fn ages_are_told_from_other_numbers() {
        for age in ["45yo", "45-year-old", "a 45 y/o", "is a 67-year-old", "45 M", "6 months old"] {
            assert!(is_age(age), "{age}");
        }
        for other in ["45 mg", "1234yo", "year", "45 Main St"] {
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
    }
}
