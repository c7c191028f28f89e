//! The name lists: which words people are called by, which of them are plain words, and which are towns.
//!
//! Compiled in, read once. A look-up folds the word into a small buffer and hashes it: no allocation.

use crate::inspect::hash::{Keyed, Map};
use std::collections::HashSet;
use std::sync::OnceLock;

/// What the lists say of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// A given name of the census.
    pub given: bool,
    /// One of the more frequent family names of the census.
    pub family: bool,
    /// Also, or only, an English word.
    pub word: bool,
}

/// The lists by folded bytes.
pub struct Lists {
    words: Map<&'static [u8], Standing>,
    cities: HashSet<&'static [u8], Keyed>,
}

impl Lists {
    /// The lists that are compiled in.
    pub fn built_in() -> &'static Self {
        static LISTS: OnceLock<Lists> = OnceLock::new();
        LISTS.get_or_init(|| {
            let mut words: Map<&[u8], Standing> = Map::default();
            lines(GIVEN).for_each(|word| words.entry(word).or_default().given = true);
            lines(FAMILY).for_each(|word| words.entry(word).or_default().family = true);
            lines(WORDS).for_each(|word| words.entry(word).or_default().word = true);
            Self { words, cities: lines(CITIES).collect() }
        })
    }

    /// What the lists say of `word`. Digits at its end don't count; of a hyphenated word each part counts, and it is a
    /// plain word only if all of its parts are.
    #[must_use]
    pub fn standing(&self, word: &str) -> Standing {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let whole = self.part(word);
        if !word.contains('-') {
            return whole;
        }
        word.split('-').filter(|p| !p.is_empty()).map(|p| self.part(p)).fold(
            Standing { word: true, ..whole },
            |all, part| Standing {
                given: all.given || part.given,
                family: all.family || part.family,
                word: all.word && part.word,
            },
        )
    }

    fn part(&self, word: &str) -> Standing {
        let mut buffer = [0; WORD_BYTES_MAX];
        let known = fold(word, &mut buffer).and_then(|folded| self.words.get(folded));
        known.copied().unwrap_or_default()
    }

    /// Whether `place`, one to four words with single blanks, is a town of the list.
    #[must_use]
    pub fn is_city(&self, place: &str) -> bool {
        let mut buffer = [0; PLACE_BYTES_MAX];
        let bytes = place.as_bytes();
        let Some(slot) = buffer.get_mut(..bytes.len()) else { return false };
        slot.copy_from_slice(bytes);
        slot.make_ascii_lowercase();
        self.cities.contains(&*slot)
    }
}

/// The lists' texts, for the digest of all rules.
pub const TEXTS: [&str; 4] = [GIVEN, FAMILY, WORDS, CITIES];

fn lines(text: &'static str) -> impl Iterator<Item = &'static [u8]> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::as_bytes)
}

/// Lower case, without marks and punctuation: `O'Brien` is `obrien`, `Núñez` is `nunez`. `None` where it is empty, longer than
/// any entry, or of another script.
fn fold<'b>(word: &str, buffer: &'b mut [u8; WORD_BYTES_MAX]) -> Option<&'b [u8]> {
    if !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphabetic()) {
        let plain = buffer.get_mut(..word.len())?;
        plain.copy_from_slice(word.as_bytes());
        plain.make_ascii_lowercase();
        return Some(plain);
    }
    let mut length = 0;
    for c in word.chars() {
        let folded = match c {
            'a'..='z' => c as u8,
            'A'..='Z' => c.to_ascii_lowercase() as u8,
            '\'' | '’' | '-' | '.' | ' ' => continue,
            c => plain_letter(c)?,
        };
        *buffer.get_mut(length)? = folded;
        length += 1;
    }
    buffer.get(..length).filter(|b| !b.is_empty())
}

/// The plain letter under a Latin letter with marks.
fn plain_letter(c: char) -> Option<u8> {
    Some(match c {
        'À'..='Å' | 'à'..='å' | 'Ā'..='ą' => b'a',
        'Ç' | 'ç' | 'Ć'..='č' => b'c',
        'Ď'..='đ' | 'Ð' | 'ð' => b'd',
        'È'..='Ë' | 'è'..='ë' | 'Ē'..='ě' => b'e',
        'Ĝ'..='ģ' => b'g',
        'Ì'..='Ï' | 'ì'..='ï' | 'Ĩ'..='ı' => b'i',
        'Ķ' | 'ķ' => b'k',
        'Ĺ'..='ł' => b'l',
        'Ñ' | 'ñ' | 'Ń'..='ň' => b'n',
        'Ò'..='Ö' | 'Ø' | 'ò'..='ö' | 'ø' | 'Ō'..='ő' => b'o',
        'Ŕ'..='ř' => b'r',
        'Ś'..='š' | 'Ș' | 'ș' | 'ß' => b's',
        'Ţ'..='ť' | 'Ț' | 'ț' => b't',
        'Ù'..='Ü' | 'ù'..='ü' | 'Ũ'..='ų' => b'u',
        'Ý' | 'ý' | 'ÿ' | 'Ÿ' => b'y',
        'Ź'..='ž' => b'z',
        _ => return None,
    })
}

const GIVEN: &str = include_str!("../../../config/names/given.txt");
const FAMILY: &str = include_str!("../../../config/names/family.txt");
const WORDS: &str = include_str!("../../../config/names/words.txt");
const CITIES: &str = include_str!("../../../config/names/cities.txt");

/// Longer words are in no list.
const WORD_BYTES_MAX: usize = 24;
/// Longer places are in no list.
const PLACE_BYTES_MAX: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(word: &str) -> (bool, bool, bool) {
        let s = Lists::built_in().standing(word);
        (s.given, s.family, s.word)
    }

    #[test]
    fn lists_are_sorted_lower_case_and_of_their_sizes() {
        for (text, least) in TEXTS.iter().zip([5_000, 20_000, 5_000, 300]) {
            let rows: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
            assert!(rows.len() >= least);
            assert!(rows.windows(2).all(|w| w[0] < w[1]), "sorted, none twice");
            assert!(rows.iter().all(|r| *r == r.to_lowercase() && !r.is_empty()));
            assert!(text.starts_with('#'), "tells its source");
        }
    }

    #[test]
    fn words_fold_marks_apostrophes_and_digits_away() {
        assert_eq!(of("Zoë").0, of("Zoe").0);
        assert_eq!(of("O'Brien"), (false, true, false));
        assert_eq!(of("NÚÑEZ").1, of("nunez").1);
        assert!(of("Miguel333").0);
    }

    #[test]
    fn names_that_are_words_say_so() {
        assert_eq!(of("Hope"), (true, true, true));
        assert!(!of("Patricia").2);
        assert!(of("Continue").2);
    }

    #[test]
    fn hyphenated_names_are_judged_by_their_parts() {
        assert!(of("Robinson-Kim").1);
        assert!(!of("Robinson-Kim").2);
        assert!(of("left-right").2);
    }

    #[test]
    fn towns_are_told_by_their_whole_name() {
        let lists = Lists::built_in();
        assert!(lists.is_city("El Paso"));
        assert!(!lists.is_city("Paso"));
        assert!(!lists.is_city("a place name that is longer than any"));
    }
}
