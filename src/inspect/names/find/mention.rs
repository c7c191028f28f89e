//! Names that no label introduces and that need be on no list: of whom a letter, a result or a call is, and whose chart it is.

use super::super::after::{is_public, speaks_of_one, window_after, window_before};
use super::super::run::{Shape, Word};
use super::super::words::{CUE_BYTES, LOWER_BYTES, lower};
use super::{Evidence, Look};
use std::ops::Range;

impl Look<'_> {
    /// Whose chart, labs or mother it is: `Anna Kowalski's chart`.
    pub(super) fn owner(&self, name: &[Word]) -> Option<Evidence> {
        let last = name.last().filter(|last| last.possessive && name.len() > 1)?;
        let behind = window_after(self.text, last.span.end, OWNED_BYTES);
        let behind = behind.trim_start_matches(['\'', '’']).get(1..)?.strip_prefix(' ')?;
        let owned = behind.split(|c: char| !(c.is_alphanumeric() || c == '-')).next().unwrap_or_default();
        let mut buffer = [0; LOWER_BYTES];
        let is_owned = self.words.belongings.contains(&*lower(owned, &mut buffer));
        let first = name.first()?.standing;
        let listed = first.given && last.standing.family && !(first.word && last.standing.word);
        (is_owned && (listed || self.may_be_unlisted(name))).then_some(Evidence::Cued)
    }

    /// Whether a small word before, and what is spoken of around, make words a name: `letter to Anna Kowalski`, `results of
    /// …`. `listed` is what the lists say; the run's word `end` is the first one behind.
    pub(super) fn mentioned(&self, name: &[Word], end: usize, listed: Option<Evidence>) -> Option<Evidence> {
        let (first, last) = (name.first()?, name.last()?);
        let span = first.span.start..last.span.end;
        let goes_on = self.run.get(end).is_some_and(|word| !word.comma) || self.is_numbered(last);
        let is_listed = listed == Some(Evidence::Listed);
        if name.iter().any(|w| w.shape == Shape::Upper) || !(is_listed || self.may_be_unlisted(name)) {
            return None;
        }
        let mut buffer = [0; LOWER_BYTES];
        let before = lower(window_before(self.text, span.start, CUE_BYTES), &mut buffer);
        let line = before.trim_end_matches(['*', '_', '`', '"', '“', '(', '[']);
        let line = line.rsplit(['\n', '.', ';']).next().unwrap_or_default();
        let mut words = line.rsplit(|c: char| !(c.is_alphanumeric() || c == '/')).filter(|w| !w.is_empty());
        let small = words.next()?;
        let small = if small == "w/" { "with" } else { small };
        if !line.ends_with([' ', ':']) || !self.words.mentions.contains(small) {
            return None;
        }
        let directed = matches!(small, "to" | "from" | "with");
        let about = match directed {
            true => words.next().is_some_and(|word| self.words.letters.contains(word)),
            false => words.any(|word| self.words.papers.contains(word)),
        };
        if goes_on && !is_listed {
            return None;
        }
        if about && !is_public(self.text, &span, self.words) {
            return Some(Evidence::Cued);
        }
        if is_listed {
            return None;
        }
        // `to` and `from` lead to places and companies more often than to people.
        let one = match directed {
            true => self.is_on_record(&span),
            false => speaks_of_one(self.text, &span, self.words),
        };
        match (one, directed) {
            (true, _) => Some(Evidence::Cued),
            (false, true) => None,
            (false, false) => Some(Evidence::Likely),
        }
    }

    /// Whether a word for what is on record of a patient stands near: `DOB`, `MRN`.
    fn is_on_record(&self, span: &Range<usize>) -> bool {
        let near = |part: &str| {
            let mut words = part.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
            words.any(|word| matches!(word.as_str(), "dob" | "mrn" | "ssn" | "born"))
        };
        near(window_before(self.text, span.start, RECORD_BYTES))
            || near(window_after(self.text, span.end, RECORD_BYTES))
    }

    /// Whether a short number stands right behind, as behind streets and models: `Rua Diadema 1903`.
    fn is_numbered(&self, last: &Word) -> bool {
        let behind = self.text.get(last.span.end..).and_then(|t| t.strip_prefix(' ')).unwrap_or_default();
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        let next = behind.get(digits..).and_then(|t| t.chars().next());
        (1..=5).contains(&digits) && next.is_none_or(|c| matches!(c, ',' | '\n' | '\r' | ' '))
    }

    /// Whether words may be a name that no list has: two to four, written as names are, of which none is a plain word, a
    /// place, or something that medicine speaks of.
    pub(super) fn may_be_unlisted(&self, name: &[Word]) -> bool {
        let whole = || name.iter().filter(|w| w.shape != Shape::Initial);
        (2..=WORDS_MAX).contains(&whole().count()) && whole().all(|word| self.is_unlisted(word))
    }

    /// Whether one word may be of a name that no list has.
    pub(super) fn is_unlisted(&self, word: &Word) -> bool {
        let mut buffer = [0; LOWER_BYTES];
        let own = self.own(word);
        let lower = lower(own, &mut buffer);
        let known = word.standing.given || word.standing.family;
        !word.standing.word
            && !self.is_eponym(word)
            && !self.words.is_clinical(&lower)
            && !self.words.wide_places.contains(&*lower)
            && !self.words.things.contains(&*lower)
            && !self.words.substances.contains(&*lower)
            && (known || !self.lists.is_city(own))
    }
}

/// How far around a name what is on record is looked for.
const RECORD_BYTES: usize = 70;
/// How far behind a name what it owns is looked for.
const OWNED_BYTES: usize = 28;
/// Longest name that is taken without a list: longer ones are of things.
const WORDS_MAX: usize = 4;
