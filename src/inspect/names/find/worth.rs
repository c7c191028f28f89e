//! What a name is worth by what introduces it, by the lists, and by what stands behind it.

use super::super::after::{After, goes_on_as_one, is_on_record, is_public};
use super::super::run::{Shape, Word, is_upper_particle};
use super::super::told::{is_patients, is_surely_patients};
use super::super::words::{Cue, LOWER_BYTES, lower};
use super::{Evidence, Look};

impl Look<'_> {
    pub(super) fn cued(&self, name: &[Word], cue: Option<Cue>, after: After) -> Option<Evidence> {
        let first = name.first()?;
        let full = name.iter().filter(|w| w.shape != Shape::Initial).count() >= 2;
        let known = name.iter().any(|w| w.standing.given || w.standing.family);
        if cue == Some(Cue::Honorific) {
            return Some(if full { Evidence::Cued } else { Evidence::Honorific });
        }
        // Capitals in a row are headings and abbreviations, unless a list knows one of them.
        let told = matches!(cue, Some(Cue::Person | Cue::Label))
            && (self.is_of_a_register(name) || self.is_in_capitals(name));
        if name.iter().all(|w| w.shape == Shape::Upper) && !known && after != After::Identified && !told {
            return None;
        }
        if full {
            // Plain words need to be a given and a family name, too: `Grace Church`, not `A REAL PERSON`.
            let plain = name.iter().filter(|w| w.shape != Shape::Initial).all(|w| w.standing.word);
            let both = name.iter().any(|w| w.standing.given) && name.iter().any(|w| w.standing.family);
            return (!plain || both).then_some(Evidence::Cued);
        }
        if name.len() > 1 {
            let family = name.iter().find(|w| w.shape != Shape::Initial);
            let solid = family.is_some_and(|w| w.standing.family && !w.standing.word);
            return match first.shape {
                // `Patient: R. Ortiz`, `Patient: Ortiz, R.`
                _ if solid
                    && cue == Some(Cue::Person)
                    && (first.shape == Shape::Initial || self.is_of_a_register(name)) =>
                {
                    Some(Evidence::Cued)
                }
                Shape::Initial => self.initialled(name, known, after),
                _ => Some(Evidence::Initialled),
            };
        }
        let solid = (first.standing.given || first.standing.family) && !first.standing.word;
        let intro = cue == Some(Cue::Intro) && first.shape == Shape::Title;
        (solid || (intro && (first.standing.given || !first.standing.word))).then_some(Evidence::CuedSingle)
    }

    /// What speaks for an initial and a family name behind a cue: `pt E. Falkenrath`. It need be on no list.
    pub(super) fn initialled(&self, name: &[Word], known: bool, after: After) -> Option<Evidence> {
        let family = name.iter().find(|w| w.shape != Shape::Initial)?;
        let may_be = known || self.is_unlisted(family);
        match after {
            After::Identified if may_be => Some(Evidence::Identified),
            _ if known => Some(Evidence::Initialled),
            _ => may_be.then_some(Evidence::CuedFamily),
        }
    }

    /// Whether it has the form of registers, `FAMILY, GIVEN`, and no word of it is one of the language or of medicine.
    pub(super) fn is_of_a_register(&self, name: &[Word]) -> bool {
        let is_plain = |word: &Word| {
            word.standing.word || self.words.is_clinical(&lower(self.own(word), &mut [0; LOWER_BYTES]))
        };
        name.get(1).is_some_and(|second| second.comma) && !name.iter().any(is_plain)
    }

    pub(super) fn listed(&self, name: &[Word], after: After) -> Option<Evidence> {
        let first = name.first()?;
        let last = name.iter().rev().find(|w| w.shape != Shape::Initial && !self.is_suffix(w))?;
        let spelled = || name.iter().filter(|w| w.shape != Shape::Initial);
        // `Denver II` is one name, unless it is said of somebody.
        let is_said = || {
            let end = name.last().map_or(last.span.end, |word| word.span.end);
            after != After::Nothing || is_patients(self.text, &(first.span.start..end), self.words)
        };
        let full =
            spelled().count() >= 2 && (spelled().filter(|w| !self.is_suffix(w)).count() >= 2 || is_said());
        // `Murphy sign` is told by its second word; `Miller Fisher` and `Mann-Whitney` by all of them.
        let eponym = name.iter().filter(|w| w.shape != Shape::Initial).all(|w| self.is_eponym(w))
            || self.own(first).contains('-') && self.is_eponym(first);
        let upper = name.iter().any(|w| w.shape == Shape::Upper);
        let solid_given = first.standing.given && !first.standing.word;
        let solid_family = last.standing.family && !last.standing.word;
        let reversed = name.iter().skip(1).any(|w| w.comma);
        // `NGUYEN, DUC  DOB`: a register has one name that no list has.
        let is_registered =
            || reversed && name.iter().any(|w| w.standing.given || w.standing.family) && !eponym;
        // `BOSTON, MA  PHONE` is a town in its state.
        let in_capitals = || {
            reversed
                && name.iter().all(|w| w.shape == Shape::Upper)
                && self.own(last).len() > 2
                && !self.lists.is_city(self.own(first))
                && is_on_record(self.text, last)
        };
        let recorded = || after == After::Identified || in_capitals();
        // `ASTRID LINDQVIST 21F`: a given name of the list before a word of none.
        let is_half_listed =
            || solid_given && name.len() == 2 && self.is_unlisted(last) && self.own(last).len() > 2;
        if full
            && recorded()
            && !name.iter().all(|w| w.standing.word)
            && (!upper || solid_family || is_registered() || is_half_listed())
        {
            return Some(Evidence::Identified);
        }
        // `Summer Rice, 58F`: two plain words are a given and a family name before what is on record.
        let is_pair = || match reversed {
            true => first.standing.family && last.standing.given,
            false => first.standing.given && last.standing.family,
        };
        if after == After::Identified && !upper && name.len() == 2 && full && !eponym && is_pair() {
            return Some(Evidence::Identified);
        }
        // `L. Broadnax, 54F`, `Saw J. Whitlock today for gout`
        if first.shape == Shape::Initial && name.len() == 2 && solid_family && !eponym && !upper {
            let span = first.span.start..last.span.end;
            let is_one = after == After::Identified || is_patients(self.text, &span, self.words);
            return is_one.then_some(Evidence::CuedFamily);
        }
        let acts = after == After::Act && name.iter().all(|w| !w.standing.word || upper) && !eponym;
        if full {
            let given_behind = last.standing.given && first.standing.family;
            let pair = if reversed || (upper && given_behind) {
                given_behind || (reversed && acts)
            } else {
                first.standing.given && (last.standing.family || (solid_given && !upper))
            };
            let solid = solid_given || solid_family || (reversed && !last.standing.word);
            // Capitals need both words sure: headings are full of words that somebody is called by.
            let sure = if upper {
                solid && (solid_family || reversed || !first.standing.word) && !self.goes_on_upper(name)
            } else {
                solid
            };
            if pair && sure && !eponym {
                return Some(Evidence::Listed);
            }
            // `We admitted Mark Long for sepsis.`, `An antibiotic for Mark Young? He has a UTI.`
            if pair && !eponym && !upper && name.len() == 2 {
                let span = first.span.start..last.span.end;
                let public = || is_public(self.text, &span, self.words);
                if is_surely_patients(self.text, &span, self.words) && !public() {
                    return Some(Evidence::Identified);
                }
                if goes_on_as_one(self.text, &span) && !public() {
                    return Some(Evidence::Listed);
                }
            }
            let likely =
                !upper && !eponym && solid_family && !first.standing.word && first.shape == Shape::Title;
            return (likely || (!upper && (acts || self.is_foreign(name)))).then_some(Evidence::Likely);
        }
        if upper {
            return None;
        }
        if name.len() > 1 && solid_given {
            return Some(Evidence::Initialled);
        }
        (name.len() == 1 && ((solid_given && !eponym) || acts)).then_some(Evidence::Given)
    }

    /// Whether a word has letters that English doesn't write, and none is a plain word or an eponym.
    fn is_foreign(&self, name: &[Word]) -> bool {
        let marked = |w: &Word| self.own(w).chars().any(|c| c.is_alphabetic() && !c.is_ascii());
        name.iter().any(marked) && !name.iter().any(|w| w.standing.word || self.is_eponym(w))
    }

    /// Whether words in capitals stand right before or behind: then it is a heading.
    pub(super) fn goes_on_upper(&self, name: &[Word]) -> bool {
        let bounds = (name.first().map(|w| w.span.start), name.last().map(|w| w.span.end));
        let (Some(start), Some(end)) = bounds else { return false };
        let upper = |w: &str| w.len() > 1 && w.bytes().all(|b| b.is_ascii_uppercase());
        let before = self.text.get(..start).and_then(|t| t.strip_suffix(' '));
        let before = before.and_then(|t| t.rsplit(|c: char| !c.is_alphanumeric()).next());
        let before = before.filter(|word| !is_upper_particle(word.as_bytes()));
        let after = self.text.get(end..).and_then(|t| t.strip_prefix(' '));
        let after = after.and_then(|t| t.split(|c: char| !c.is_alphanumeric()).next());
        before.is_some_and(upper) || after.is_some_and(upper)
    }
}
