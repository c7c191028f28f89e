//! Names in capitals: behind a label they need be on no list, and capitals may be one part of a name.

use super::super::after::{window_after, window_before};
use super::super::run::{Shape, Word};
use super::super::words::{CUE_BYTES, Cue, LOWER_BYTES, Set, lower};
use super::Look;

impl Look<'_> {
    /// Whether a label's value, whose word `end` is the first one behind the name, is a thing's: a word of it is one that
    /// substances, tests and organisms have, or one of medicine that nobody is called by. A given name that is no plain
    /// word leaves it a name where the other is somebody's, too, and what people are called by needs a second such word:
    /// `Dean Factor`, `Kit Harrow`.
    pub(super) fn is_a_things(&self, name: &[Word], end: usize) -> bool {
        let given = name.iter().any(|word| word.standing.given && !word.standing.word);
        let is_of = |word: &Word, set: &Set| set.contains(&*lower(self.own(word), &mut [0; LOWER_BYTES]));
        let substance =
            |word: &&Word| is_of(word, &self.words.substances) || is_of(word, &self.words.everyday);
        let substances = name.iter().filter(substance).count();
        let is_things = |word: &Word, given: bool| {
            let mut buffer = [0; LOWER_BYTES];
            let lower = lower(self.own(word), &mut buffer);
            let is_called = word.standing.given || word.standing.family;
            let is_substance = self.words.substances.contains(&*lower);
            let is_other = || self.words.is_clinical(&lower) || self.words.things.contains(&*lower);
            (is_substance && !is_called) || substances > 1 || (!is_called && !given && is_other())
        };
        if self.is_a_town(name) {
            return true;
        }
        // `Knee Arthroscopy`: what follows one word goes on with it.
        let next = self.run.get(end).filter(|next| name.len() == 1 && !next.comma);
        let next_is_things = |next: &Word| {
            let mut buffer = [0; LOWER_BYTES];
            let telling = self.words.telling.contains(&*lower(self.own(next), &mut buffer));
            next.shape != Shape::Initial && (telling || is_things(next, false))
        };
        name.iter().any(|word| is_things(word, given)) || next.is_some_and(next_is_things)
    }

    /// Whether two words and more are a town of the list, and no given name before a family name that is no plain word.
    fn is_a_town(&self, name: &[Word]) -> bool {
        let [first, .., last] = name else { return false };
        let joined = self.text.get(first.span.start..last.span.end).unwrap_or_default();
        let is_pair = first.standing.given && last.standing.family && !last.standing.word;
        !is_pair && self.lists.is_city(joined)
    }

    /// Whether it is a name in capitals that no list has, behind a colon: two words and more that can be spoken, none of
    /// them of the language or of medicine, and no heading that goes on.
    pub(super) fn is_in_capitals(&self, name: &[Word]) -> bool {
        let Some(first) = name.first() else { return false };
        let before = window_before(self.text, first.span.start, CUE_BYTES);
        let head = before.trim_end_matches([' ', '\t', '"', '\'', '*', '`', '(', '[']);
        let own = head.is_empty() && !self.label.is_empty();
        let label = head.trim_end_matches([':', '=', '|']).trim_end_matches([' ', '"', '\'', '*', '`']);
        let mut buffer = [0; LOWER_BYTES];
        let label = lower(if own { self.label } else { label }, &mut buffer);
        let whose = label.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        (own || head.ends_with([':', '=', '|']))
            && matches!(whose, "name" | "patient" | "pt" | "member" | "subscriber" | "insured" | "resident")
            && self.may_be_unlisted(name)
            && name.iter().filter(|w| w.shape != Shape::Initial).all(|w| is_spoken(self.own(w)))
            && (!self.goes_on_upper(name) || self.is_before_label(name))
    }

    /// Whether what goes on in capitals behind a name is the next label, or a sex: `MBEKI THABO ID: 338201`.
    fn is_before_label(&self, name: &[Word]) -> bool {
        let Some(end) = name.last().map(|word| word.span.end) else { return false };
        let behind = window_after(self.text, end, LABEL_BYTES).trim_start_matches(' ');
        let length = behind.find(|c: char| !c.is_alphanumeric()).unwrap_or(behind.len());
        let (word, rest) = behind.split_at(length);
        let mut buffer = [0; LOWER_BYTES];
        rest.starts_with([':', '#', '='])
            || matches!(word, "MALE" | "FEMALE")
            || self.words.identified_by.contains(&*lower(word, &mut buffer))
    }

    /// Whether a word in capitals may go on a name that is written otherwise, behind a word for a person: `Patient: Maria
    /// VANDROSK`. Shorter ones are abbreviations.
    pub(super) fn is_of_capitals(&self, word: &Word, cue: Option<Cue>) -> bool {
        let own = self.own(word);
        matches!(cue, Some(Cue::Person | Cue::Label | Cue::Honorific))
            && own.len() >= CAPITALS_BYTES_MIN
            && is_spoken(own)
            && self.is_unlisted(word)
    }

    /// Whether a word may go on a name that began in capitals, behind a word for a person: `Patient: VANDROSK Maria`.
    pub(super) fn is_behind_capitals(&self, i: usize, word: &Word, cue: Option<Cue>) -> bool {
        let family = self.run.get(i);
        let mut buffer = [0; LOWER_BYTES];
        let lower = lower(self.own(word), &mut buffer);
        matches!(cue, Some(Cue::Person | Cue::Label | Cue::Honorific))
            && family.is_some_and(|w| is_spoken(self.own(w)) && self.is_unlisted(w))
            && word.standing.given
            && !word.standing.word
            && !self.words.acts.contains(&*lower)
    }
}

/// Whether a word in capitals can be spoken, as abbreviations mostly can't: three letters and more, one of them a vowel.
fn is_spoken(word: &str) -> bool {
    word.len() >= 3 && word.contains(|c: char| !c.is_ascii() || "AEIOUYaeiouy".contains(c))
}

/// Shorter words in capitals behind a name are mostly abbreviations: `NKDA`.
const CAPITALS_BYTES_MIN: usize = 5;
/// How far behind a name in capitals the next label is looked for.
const LABEL_BYTES: usize = 24;
