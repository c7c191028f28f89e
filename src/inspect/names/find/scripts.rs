//! Names in scripts without capitals, Chinese, Korean, Arabic and others: behind a cue alone.

use super::super::after::window_before;
use super::super::words::{CUE_BYTES, Cue, LOWER_BYTES, Words, lower};
use std::ops::Range;

/// The names in `text`; `label` names the text.
pub(super) fn names(text: &str, label: &str, words: &Words) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // The highest byte, rather than the first that is high: so it is asked of many at once.
    if text.bytes().fold(0, u8::max) < FIRST_BYTE {
        return found; // as most texts
    }
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|t| t.find(is_uncased)).map(|step| at + step) {
        let rest = text.get(start..).unwrap_or_default();
        let length =
            rest.find(|c: char| !(is_uncased(c) || matches!(c, ' ' | '·' | '・'))).unwrap_or(rest.len());
        let run = rest.get(..length).unwrap_or_default().trim_end();
        at = start + length.max(1);
        if !may_be(run) {
            continue;
        }
        let mut buffer = [0; LOWER_BYTES];
        let before = lower(window_before(text, start, CUE_BYTES), &mut buffer);
        let cue = match before.trim().is_empty() && !label.is_empty() {
            true => words.cue(&format!("{}: ", label.to_lowercase())),
            false => words.cue(&before),
        };
        if matches!(cue, Some(Cue::Person | Cue::Intro | Cue::Label | Cue::Honorific)) {
            found.push(start..start + run.len());
        }
    }
    found
}

/// Whether a run is as long as names are: two to four signs, or up to four words of letters.
fn may_be(run: &str) -> bool {
    let signs = run.chars().filter(|c| is_uncased(*c)).count();
    match run.chars().all(|c| is_sign(c) || c == ' ') {
        true => (2..=SIGNS_MAX).contains(&signs),
        false => (2..=LETTERS_MAX).contains(&signs) && run.split(' ').count() <= WORDS_MAX,
    }
}

fn is_uncased(c: char) -> bool {
    c >= FIRST_CHAR && c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase()
}

/// Chinese characters and Korean syllables: each is a good part of a name.
fn is_sign(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}')
}

/// Hebrew is the first script without capitals.
const FIRST_CHAR: char = '\u{0590}';
/// What its characters, and all behind, begin with in UTF-8.
const FIRST_BYTE: u8 = 0xD6;
const SIGNS_MAX: usize = 4;
const LETTERS_MAX: usize = 40;
const WORDS_MAX: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    #[test]
    fn names_behind_a_cue_are_found_in_any_script() {
        let words = &RuleSet::built_in().words;
        let of = |text: &str| -> Vec<String> {
            names(text, "", words).into_iter().map(|span| text[span].to_owned()).collect()
        };
        assert_eq!(of("Patient: 김민준 DOB 6/4/1937"), ["김민준"]);
        assert_eq!(of("患者: 王小明, DOB"), ["王小明"]);
        assert_eq!(of("Patient: محمد علي DOB"), ["محمد علي"]);
        assert_eq!(of("name: 김 민준"), ["김 민준"]);
        assert!(of("see 王小明 there").is_empty());
        assert!(of("Patient: 这是一个很长的句子没有名字").is_empty());
        assert_eq!(names("王小明", "name", words).first(), Some(&(0..9)));
    }
}
