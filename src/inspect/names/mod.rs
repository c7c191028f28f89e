//! Names: whether words can be a person's name, and where names stand in a text.

mod after;
mod beside;
mod find;
mod hints;
mod lone;
mod mail;
pub mod list;
mod run;
mod sheets;
mod staff;
mod titles;
mod told;
pub mod words;
mod work;

pub(super) use after::{window_after, window_before};
pub(super) use beside::beside;
pub use find::{Evidence, Recogniser, Rule};
pub(super) use lone::raise as raise_lone;
pub(super) use mail::{MAIL_BYTES_MAX, leave as leave_writers};
pub(super) use run::with_particles;
pub(super) use titles::is_titled;
pub(super) use told::is_patient;
pub(super) use work::is_of_work;

use super::walk::start_of;
use words::Words;

/// Whether no word of `value` is one that only labels, roles and facilities have.
#[must_use]
pub fn is_person(value: &str) -> bool {
    is_person_by(value, &super::rules::RuleSet::built_in().words)
}

/// The same, by a word list.
#[must_use]
pub fn is_person_by(value: &str, words: &Words) -> bool {
    let mut parts = 0;
    for word in value.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty()) {
        parts += 1;
        let lower = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        if words.not_names.contains(&lower) {
            return false;
        }
    }
    parts > 0
}

/// Whether `value` is two or three words, the first a given name and the last a family name of the lists, neither of
/// them a plain word: for names that aren't capitalised. With a comma the family name is the first of two.
#[must_use]
pub fn is_listed(value: &str) -> bool {
    let lists = list::Lists::built_in();
    let mut words = value.split_whitespace();
    if let Some((family, given)) = value.split_once(", ") {
        let (family, given) = (lists.standing(family), lists.standing(given));
        return family.family && !family.word && given.given && !given.word;
    }
    // Most words are no given name.
    if !words.next().map(|w| lists.standing(w)).is_some_and(|given| given.given && !given.word) {
        return false;
    }
    let family = match (words.next(), words.next(), words.next()) {
        (Some(family), None, _) | (Some(_), Some(family), None) => lists.standing(family),
        _ => return false,
    };
    // `santa clara` is a town.
    family.family && !family.word && !lists.is_city(value)
}

/// Whether `value` is two words in small letters, the first a given name of the lists or the last a family name, and neither
/// of them a plain word, nor a short one or one that ends as verbs do where no list has it.
#[must_use]
pub fn is_half_listed(value: &str) -> bool {
    let lists = list::Lists::built_in();
    let mut words = value.split_whitespace().map(|word| (word, lists.standing(word)));
    let (Some(first), Some(last), None) = (words.next(), words.next(), words.next()) else { return false };
    let may_be = |(word, standing): (&str, list::Standing)| {
        let known = standing.given || standing.family;
        // `linda dob`, `leilani rescheduled`
        let may_be_unlisted =
            || word.len() >= UNLISTED_BYTES_MIN && !VERBS.iter().any(|end| word.ends_with(end));
        !standing.word && (known || may_be_unlisted())
    };
    (first.1.given || last.1.family) && may_be(first) && may_be(last) && !lists.is_city(value)
}

/// Whether `value` is a family name of the lists that is no plain word.
#[must_use]
pub fn is_listed_family(value: &str) -> bool {
    let standing = list::Lists::built_in().standing(value);
    standing.family && !standing.word
}

/// Whether `value` is a given name of the lists and no plain word.
#[must_use]
pub fn is_listed_given(value: &str) -> bool {
    let standing = list::Lists::built_in().standing(value);
    standing.given && !standing.word
}

/// Words with a capital each.
pub fn titled(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
    };
    name.split(' ').map(word).collect::<Vec<String>>().join(" ")
}

/// Whether a name with carets between its parts has a family name of the list and a given name of the list, and no plain word
/// for either: `OKAFOR^DARNELL^W`.
#[must_use]
pub fn is_listed_with_carets(value: &str) -> bool {
    let lists = list::Lists::built_in();
    let mut parts = value.split('^').map(|part| lists.standing(part));
    let (Some(family), Some(given)) = (parts.next(), parts.next()) else { return false };
    family.family && !family.word && given.given && !given.word
}

/// Whether `value` is two words with an underline between, of which one is a given name of the lists, and none is a plain word
/// or one that no name has: `Okafor_Darnell`.
#[must_use]
pub fn is_joined(value: &str, words: &Words) -> bool {
    let lists = list::Lists::built_in();
    let Some((first, second)) = value.split_once('_') else { return false };
    let (one, other) = (lists.standing(first), lists.standing(second));
    let barred = |word: &str| words.not_names.contains(&word.to_lowercase());
    !one.word && !other.word && (one.given || other.given) && !barred(first) && !barred(second)
}

/// Whether `text` may begin with a value that [`is_listed`]: not where its first word is no given name.
#[must_use]
pub fn may_begin_listed(text: &str) -> bool {
    let lists = list::Lists::built_in();
    // Most words are letters with a blank behind, and begin as no given name does.
    let bytes = text.as_bytes();
    let letters = list::letters_of_eight(bytes);
    let may_be = letters > 0 && lists.may_be_given(list::first_eight(bytes, letters));
    if !may_be && letters > 0 && bytes.get(letters) == Some(&b' ') {
        return false;
    }
    let length = bytes.iter().take(FIRST_BYTES_MAX).take_while(|b| b.is_ascii_alphabetic()).count();
    let first = match bytes.split_at_checked(length) {
        Some(([_, ..], [b' ', ..])) if !may_be => return false,
        Some(([_, ..], [b' ', ..])) => lists.standing_of_letters(bytes, length),
        _ => {
            let head = start_of(text, FIRST_BYTES_MAX).trim_start();
            // What is one word to the end of the text may go on, or is nobody's name.
            let Some((first, _)) = head.split_once(char::is_whitespace) else { return true };
            if let Some(family) = first.strip_suffix(',') {
                return is_listed_family(family);
            }
            lists.standing(first)
        }
    };
    first.given && !first.word
}

/// Whether no word of `value` is a plain word that nobody is called by.
#[must_use]
pub fn may_be(value: &str) -> bool {
    let lists = list::Lists::built_in();
    value.split_whitespace().map(|w| lists.standing(w)).all(|s| !s.word || s.given || s.family)
}

/// Whether `value`, a parameter's, can be a part of a name: letters first, joined by what joins names, with no more than four
/// digits at its end. Percent codes count as letters.
#[must_use]
pub fn is_part(value: &str) -> bool {
    let head = value.trim_end_matches(|c: char| c.is_ascii_digit());
    let coded = value.contains('%');
    head.starts_with(|c: char| c.is_alphabetic() || c == '%')
        && (coded || value.len() - head.len() <= 4)
        && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '%' | '+' | '-' | '\'' | '.'))
        && (coded || head.chars().all(|c| !c.is_ascii_digit()))
}

/// The words of a name, folded, for comparing: `O'Brien, Mary` is `mary` and `obrien`, sorted.
#[must_use]
pub fn folded(value: &str) -> Vec<String> {
    let mut words: Vec<String> = value
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '^' | '/' | '.'))
        .map(|w| w.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>())
        .filter(|w| !w.is_empty())
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// Shorter words that no list has are mostly labels.
const UNLISTED_BYTES_MIN: usize = 4;
/// Endings of verbs, and of words made of others.
const VERBS: &[&str] = &["ed", "ing", "ies", "ly", "tion"];
/// A first word is looked for in so many bytes.
const FIRST_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_facilities_are_no_names() {
        assert!(is_person("Harold Brown"));
        assert!(!is_person("Mercy General Hospital"));
        assert!(!is_person("Date Of Birth"));
    }

    #[test]
    fn small_letters_need_both_lists() {
        assert!(is_listed("patricia desrosiers"));
        assert!(!is_listed("will hope"));
        assert!(!is_listed("blood pressure"));
        assert!(!is_listed("patricia"));
        assert!(!is_listed("santa clara"));
        assert!(is_listed("desrosiers, patricia"));
        assert!(!is_listed("patricia, desrosiers"));
        assert!(!is_listed("pressure, patricia"));
    }

    #[test]
    fn one_word_of_a_name_may_be_of_no_list() {
        for name in ["leilani lindqvist", "subramaniam chaudhary", "linda ahmed"] {
            assert!(is_half_listed(name), "{name}");
        }
        for other in [
            "leilani pressure",
            "ambulated jackson",
            "leilani ambulated",
            "leilani dob",
            "leilani",
            "xyloph zyxoph",
        ] {
            assert!(!is_half_listed(other), "{other}");
        }
    }

    #[test]
    fn what_begins_no_listed_name_is_none_however_it_ends() {
        let words =
            ["patricia", "will", "desrosiers", "hope", "blood", "o'brien", "núñez", "a", "x-ray", "\u{2009}"];
        let mut refused = 0;
        for first in words {
            for (between, second) in
                [" ", "  ", "\n", "\u{A0}", "-", "", ", "].into_iter().flat_map(|b| words.map(|w| (b, w)))
            {
                let text = format!("{first}{between}{second} smith of it");
                let may = may_begin_listed(&text);
                refused += usize::from(!may);
                let ends = (0..=text.len()).filter_map(|end| text.get(..end));
                assert!(may || !ends.into_iter().any(is_listed), "{text:?}");
            }
        }
        assert!(refused > 100, "{refused}");
        assert!(!may_begin_listed("dyspnea on exertion") && may_begin_listed("patricia desrosiers"));
        assert!(may_begin_listed("") && may_begin_listed(&"x".repeat(100)));
    }

    #[test]
    fn plain_words_are_no_names_and_unknown_words_may_be() {
        assert!(may_be("declan kowalski"));
        assert!(may_be("hope church"));
        assert!(!may_be("verified with"));
    }

    #[test]
    fn parameters_hold_names_and_not_codes() {
        assert!(is_part("O%27Brien"));
        assert!(is_part("Thompson742"));
        assert!(is_part("St.+Clair"));
        assert!(!is_part("CVE-2023-23918"));
        assert!(!is_part("12345"));
    }

    #[test]
    fn folding_sorts_and_drops_punctuation() {
        assert_eq!(folded("O'Brien, Mary"), ["mary", "obrien"]);
    }
}
