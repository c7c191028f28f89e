//! The name lists: which words people are called by, which of them are plain words, and which are towns.
//!
//! Compiled in, read once. A look-up folds the word into three machine words and finds them in a table: no allocation.

use crate::inspect::hash::Keyed;
use std::collections::HashSet;
use std::sync::OnceLock;

/// What the lists say of one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// A given name of the censuses.
    pub given: bool,
    /// One of the more frequent family names of the censuses.
    pub family: bool,
    /// Also, or only, an English word.
    pub word: bool,
}

/// The lists by folded bytes.
pub struct Lists {
    words: Table,
    given_heads: Heads,
    cities: HashSet<&'static [u8], Keyed>,
}

impl Lists {
    /// The lists that are compiled in.
    pub fn built_in() -> &'static Self {
        static LISTS: OnceLock<Lists> = OnceLock::new();
        LISTS.get_or_init(|| {
            let (mut words, mut given_heads) = (Table::default(), Heads::default());
            for word in lines(GIVEN) {
                words.add(word, |standing| standing.given = true);
                given_heads.add(first_eight(word, word.len()));
            }
            lines(FAMILY).for_each(|word| words.add(word, |standing| standing.family = true));
            lines(WORDS).for_each(|word| words.add(word, |standing| standing.word = true));
            Self { words, given_heads, cities: lines(CITIES).collect() }
        })
    }

    /// What the lists say of `word`. Digits at its end don't count; of a hyphenated word each part counts, and it is a
    /// plain word only if all of its parts are.
    #[must_use]
    pub fn standing(&self, word: &str) -> Standing {
        let word = match word.as_bytes().last() {
            Some(b'0'..=b'9') => word.trim_end_matches(|c: char| c.is_ascii_digit()),
            _ => word,
        };
        let mut buffer = [0; WORD_BYTES_MAX];
        let whole = match fold(word, &mut buffer) {
            Folded::Plain => return self.words.of(&key(&buffer)), // as most are
            Folded::Other => self.words.of(&key(&buffer)),
            Folded::Not => Standing::default(),
        };
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

    /// Whether a word of letters of ASCII that begins with `head`, [`first_eight`] of it, may be a given name.
    pub(super) fn may_be_given(&self, head: u64) -> bool {
        self.given_heads.may_have(head)
    }

    /// What they say of the word of so many bytes that `text` begins with: one of nothing but letters of ASCII, as most are.
    pub(super) fn standing_of_letters(&self, text: &[u8], length: usize) -> Standing {
        if length > WORD_BYTES_MAX {
            return Standing::default();
        }
        let mut key = Key::default();
        for (part, at) in key.iter_mut().zip((0..length).step_by(8)) {
            *part = first_eight(text.get(at..).unwrap_or_default(), length - at);
        }
        self.words.of(&key)
    }

    fn part(&self, word: &str) -> Standing {
        let mut buffer = [0; WORD_BYTES_MAX];
        match fold(word, &mut buffer) {
            Folded::Plain | Folded::Other => self.words.of(&key(&buffer)),
            Folded::Not => Standing::default(),
        }
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

/// The first eight letters, small ones, of a word of `length` bytes that `text` begins with; noughts behind a shorter one.
/// `length` is one and more, and the word nothing but letters of ASCII.
pub(super) fn first_eight(text: &[u8], length: usize) -> u64 {
    let own = u64::MAX >> (64 - 8 * length.clamp(1, 8));
    (eight_bytes(text) | SMALL_LETTERS) & own
}

/// How many of the first eight bytes of `text` are letters of ASCII without another byte before them.
pub(super) fn letters_of_eight(text: &[u8]) -> usize {
    let eight = eight_bytes(text);
    let low = (eight | SMALL_LETTERS) & !HIGH_BITS;
    // A byte's high bit is set where it is one of `a` to `z`: no sum of seven bits carries into the next byte.
    let from_a = low + EACH * (0x80 - b'a' as u64);
    let past_z = low + EACH * (0x7F - b'z' as u64);
    let others = !(from_a & !past_z & !eight) & HIGH_BITS;
    (others.trailing_zeros() / 8) as usize
}

/// The first eight bytes, the first of them the lowest; noughts behind fewer.
fn eight_bytes(text: &[u8]) -> u64 {
    match text.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => text.iter().rev().fold(0, |eight, letter| eight << 8 | u64::from(*letter)),
    }
}

/// A bit for each of the first eight letters that words begin with, by their hash: most other words are told to be none of
/// them by that.
struct Heads(Box<[u64; 1 << (HEAD_BITS - 6)]>);

impl Default for Heads {
    fn default() -> Self {
        Self(Box::new([0; 1 << (HEAD_BITS - 6)]))
    }
}

impl Heads {
    fn add(&mut self, head: u64) {
        let (at, bit) = Self::slot(head);
        self.0[at] |= bit;
    }

    fn may_have(&self, head: u64) -> bool {
        let (at, bit) = Self::slot(head);
        self.0[at] & bit != 0
    }

    fn slot(head: u64) -> (usize, u64) {
        let hash = head.wrapping_mul(MIX) >> (64 - HEAD_BITS);
        ((hash >> 6) as usize, 1 << (hash & 63))
    }
}

/// A word, folded, with noughts behind it.
type Key = [u64; WORD_BYTES_MAX / 8];

/// What is said of each word: each stands at its hash or right behind where others stand. About half is taken.
struct Table(Box<[(Key, Standing)]>);

impl Default for Table {
    fn default() -> Self {
        Self(vec![(Key::default(), Standing::default()); SLOTS].into())
    }
}

impl Table {
    fn add(&mut self, word: &[u8], say: fn(&mut Standing)) {
        let mut buffer = [0; WORD_BYTES_MAX];
        // A longer one is never asked for.
        let Some(slot) = buffer.get_mut(..word.len()) else { return };
        slot.copy_from_slice(word);
        let key = key(&buffer);
        if let Some((known, standing)) = Self::slot(&key, &self.0).and_then(|at| self.0.get_mut(at)) {
            *known = key;
            say(standing);
        }
    }

    fn of(&self, key: &Key) -> Standing {
        Self::slot(key, &self.0)
            .and_then(|at| self.0.get(at))
            .map(|(_, standing)| *standing)
            .unwrap_or_default()
    }

    /// The slot of a word, or the free one where it would stand.
    fn slot(key: &Key, slots: &[(Key, Standing)]) -> Option<usize> {
        let mixed = key.iter().fold(0_u64, |hash, part| (hash.rotate_left(29) ^ part).wrapping_mul(MIX));
        let mut at = usize::try_from((mixed ^ mixed >> 32).wrapping_mul(MIX) >> 40).unwrap_or(0) % SLOTS;
        for _ in 0..SLOTS {
            let (known, _) = slots.get(at)?;
            if known == key || *known == Key::default() {
                return Some(at);
            }
            at = (at + 1) % SLOTS;
        }
        None
    }
}

fn key(folded: &[u8; WORD_BYTES_MAX]) -> Key {
    let (eights, _) = folded.as_chunks::<8>();
    let mut key = Key::default();
    key.iter_mut().zip(eights).for_each(|(part, eight)| *part = u64::from_le_bytes(*eight));
    key
}

/// The lists' texts, for the digest of all rules.
pub const TEXTS: [&str; 4] = [GIVEN, FAMILY, WORDS, CITIES];

fn lines(text: &'static str) -> impl Iterator<Item = &'static [u8]> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(str::as_bytes)
}

/// How a word was folded.
enum Folded {
    /// It was nothing but plain letters.
    Plain,
    /// It had marks or punctuation.
    Other,
    /// It is empty, longer than any entry, or of another script.
    Not,
}

/// Puts a word in `buffer`, lower case, without marks and punctuation: `O'Brien` is `obrien`, `Núñez` is `nunez`.
fn fold(word: &str, buffer: &mut [u8; WORD_BYTES_MAX]) -> Folded {
    if let Some(slots) = buffer.get_mut(..word.len()).filter(|slots| !slots.is_empty()) {
        let mut plain = true;
        slots.copy_from_slice(word.as_bytes());
        for slot in slots.iter_mut() {
            // A small letter where it is a letter at all.
            *slot |= 0x20;
            plain &= slot.is_ascii_lowercase();
        }
        if plain {
            return Folded::Plain;
        }
        slots.fill(0);
    }
    let mut length = 0;
    for c in word.chars() {
        let folded = match c {
            'a'..='z' => c as u8,
            'A'..='Z' => c.to_ascii_lowercase() as u8,
            '\'' | '’' | '-' | '.' | ' ' => continue,
            c => match plain_letter(c) {
                Some(letter) => letter,
                None => return Folded::Not,
            },
        };
        let Some(slot) = buffer.get_mut(length) else { return Folded::Not };
        *slot = folded;
        length += 1;
    }
    if length > 0 { Folded::Other } else { Folded::Not }
}

/// The plain letter under a Latin letter with marks.
pub(in crate::inspect) fn plain_letter(c: char) -> Option<u8> {
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
/// A power of two; the lists have about half as many words.
const SLOTS: usize = 1 << 17;
/// Odd, and its bits are spread evenly.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
/// 32 KiB of bits: about one in fourteen other words passes.
const HEAD_BITS: u32 = 18;
/// One in each of eight bytes.
const EACH: u64 = 0x0101_0101_0101_0101;
/// The bit that no letter of ASCII has, in each of eight.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// The bit that makes letters small ones, in each of eight.
const SMALL_LETTERS: u64 = 0x2020_2020_2020_2020;
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
    fn no_given_name_is_told_to_be_none_by_its_first_letters() {
        let lists = Lists::built_in();
        for name in lines(GIVEN) {
            let text = [&name.to_ascii_uppercase(), b" and more".as_slice()].concat();
            assert!(lists.may_be_given(first_eight(name, name.len())));
            assert!(lists.may_be_given(first_eight(&text, name.len())));
        }
        let words: Vec<&[u8]> =
            lines(WORDS).filter(|word| !lists.standing_of_letters(word, word.len()).given).collect();
        let passed = words.iter().filter(|word| lists.may_be_given(first_eight(word, word.len()))).count();
        assert!(words.len() > 4000 && passed * 12 < words.len(), "{passed} of {}", words.len());
    }

    #[test]
    fn letters_are_counted_up_to_the_first_other_byte() {
        let slowly = |text: &[u8]| text.iter().take(8).take_while(|b| b.is_ascii_alphabetic()).count();
        for byte in 0..=u8::MAX {
            for at in 0..10 {
                let mut text = *b"aZkzAqMbyX";
                text[at] = byte;
                for end in 0..=text.len() {
                    assert_eq!(
                        letters_of_eight(&text[..end]),
                        slowly(&text[..end]),
                        "{byte} at {at} of {end}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_table_holds_what_the_lists_say_and_finds_it_fast() {
        let lists = Lists::built_in();
        let taken: Vec<bool> = lists.words.0.iter().map(|(key, _)| *key != Key::default()).collect();
        let row = taken.split(|taken| !taken).map(<[bool]>::len).max();
        assert!(taken.iter().filter(|taken| **taken).count() * 2 < SLOTS * 11 / 10);
        assert!(row < Some(64), "{row:?}");
        for (text, said) in [
            (GIVEN, (|s: Standing| s.given) as fn(Standing) -> bool),
            (FAMILY, |s| s.family),
            (WORDS, |s| s.word),
        ] {
            let entries: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
            assert!(entries.iter().all(|word| said(lists.part(word))));
            // And of no word what none of them says.
            let has = |word: &str| entries.binary_search(&word).is_ok();
            for other in [GIVEN, FAMILY, WORDS].iter().flat_map(|text| text.lines()).step_by(7) {
                let other = other.trim_start_matches('#').trim();
                if other.bytes().all(|b| b.is_ascii_lowercase()) {
                    assert_eq!(said(lists.part(other)), has(other), "{other}");
                    let more = format!("{other}x");
                    assert_eq!(said(lists.part(&more)), has(&more), "{more}");
                }
            }
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
    fn a_word_of_letters_stands_as_it_does_alone_whatever_is_behind() {
        let lists = Lists::built_in();
        let mut told = 0;
        for word in [GIVEN, FAMILY, WORDS].iter().flat_map(|text| text.lines()).step_by(5) {
            if word.bytes().all(|b| b.is_ascii_lowercase()) {
                let upper = word.to_ascii_uppercase();
                let standing = lists.standing(word);
                for text in
                    [word.to_owned(), format!("{word} Okafor, seen today"), format!("{upper}X"), upper]
                {
                    assert_eq!(lists.standing_of_letters(text.as_bytes(), word.len()), standing, "{text}");
                }
                told += usize::from(standing != Standing::default());
            }
        }
        assert!(told > 5000 && lists.standing_of_letters(&[b'a'; 60], 60) == Standing::default());
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
