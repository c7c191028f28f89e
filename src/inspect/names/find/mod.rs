//! The recogniser of names: runs of capitalised words, judged by what introduces them, what follows, and the name lists.
//!
//! Evidence decides, in this order: a cue before (`Patient`, `Mr.`, `my wife`), an identifier behind (`, DOB …`), given and
//! family name of the lists, and single given names for little weight. Providers, facilities and eponyms are passed over.

mod capitals;
mod files;
mod mention;
mod scripts;
mod small;
mod worth;

use super::after::{
    After, is_numbered, is_on_record, is_public, is_reached, speaks_of_one, window_after, window_before,
};
use super::list::{Lists, Standing};
use super::run::{
    Shape, Word, goes_on, is_lone, is_patronymic, is_upper_particle, may_begin, run, run_from, word,
};
use super::told::{is_likely_patients, is_patients};
use super::words::{CUE_BYTES, Cue, LOWER_BYTES, Words, lower};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::rules::AloneNearby;
use crate::inspect::simd::{BLOCK, Sets};
use crate::inspect::text::Hit;
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, LazyLock};

/// What speaks for a run of words being a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// Two words and more behind a cue.
    Cued,
    /// Two words and more with an identifier, birth date or age right behind.
    Identified,
    /// Given and family name of the lists in small letters, right before what was found of a record.
    SmallRecorded,
    /// Given and family name of the lists.
    Listed,
    /// Words of which the last is a family name of the lists.
    Likely,
    /// A given name with an initial.
    Initialled,
    /// One or more words behind an honorific.
    Honorific,
    /// One word behind a cue.
    CuedSingle,
    /// One word behind a label of family names.
    CuedFamily,
    /// One given name of the list, without a cue.
    Given,
}

/// A rule of the recogniser, as written in `config/detectors/names.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stable id, never reused.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// The document it follows.
    pub source: String,
    /// What it finds.
    pub kind: Kind,
    /// What speaks for the name.
    pub evidence: Evidence,
    /// Points for one person, without and with words near that speak of an individual.
    pub points: AloneNearby,
}

/// The recogniser with its rules and words.
pub struct Recogniser {
    rules: Vec<(Arc<str>, Rule)>,
    lists: &'static Lists,
}

impl Recogniser {
    /// One with these rules.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let rules = rules.into_iter().map(|r| (Arc::from(r.id.as_str()), r)).collect();
        Self { rules, lists: Lists::built_in() }
    }

    /// The ids of its rules.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|(id, _)| &**id)
    }

    /// Whether a rule finds names with what is on record right behind.
    #[must_use]
    pub fn is_on_record(&self, id: &str) -> bool {
        self.rules.iter().any(|(own, rule)| **own == *id && rule.evidence == Evidence::Identified)
    }

    /// The points that a rule gives a listed name where words near it speak of an individual.
    pub(super) fn of_one(&self, id: &str) -> Option<Points> {
        let rule = self.rules.iter().find(|(own, rule)| **own == *id && rule.evidence == Evidence::Listed);
        rule.map(|(_, rule)| rule.points.nearby)
    }

    /// Adds the names in `text`; `label` names the text and counts as a cue before its first word.
    pub fn find(&self, text: &str, label: &str, words: &Words, hits: &mut Vec<Hit>) {
        let (mut at, mut words_of_run) = (0, Vec::new());
        capitals(text, |start| {
            if start < at {
                return;
            }
            let Some(first) = word(text, start, self.lists) else { return };
            let look = Look { text, label, words, lists: self.lists, run: &[] };
            if is_lone(text, &first) && look.is_nobody(&first) {
                at = first.span.end;
                return;
            }
            run_from(text, first, self.lists, &mut words_of_run);
            let run = words_of_run.as_slice();
            let look = Look { run, ..look };
            let mut i = 0;
            while i < run.len() {
                let (taken, found) = look.at(i);
                if let Some((span, evidence)) = found
                    && let Some(hit) = self.hit(text, span, evidence, words)
                {
                    hits.push(hit);
                }
                i += taken.max(1);
            }
            at = run.last().map_or(start, |w| w.span.end).max(start + 1);
        });
        for span in scripts::names(text, label, words) {
            hits.extend(self.hit(text, span, Evidence::Cued, words));
        }
    }

    /// Adds the names in small letters that stand right before one of these hits, and the word for it, and those that names of
    /// files have before a birth date.
    pub fn find_small(&self, text: &str, words: &Words, hits: &mut Vec<Hit>) {
        let filed = files::names(text, hits);
        let filed = filed.into_iter().filter_map(|span| self.hit(text, span, Evidence::SmallRecorded, words));
        hits.extend(filed.collect::<Vec<Hit>>());
        let named: Vec<Hit> = small::names(text, hits)
            .filter_map(|span| self.hit(text, span, Evidence::SmallRecorded, words))
            .collect();
        hits.extend(named);
    }

    fn hit(&self, text: &str, span: Range<usize>, evidence: Evidence, words: &Words) -> Option<Hit> {
        let (id, rule) = self.rules.iter().find(|(_, r)| r.evidence == evidence)?;
        let lists_alone = matches!(evidence, Evidence::Listed | Evidence::Likely);
        let one = speaks_of_one(text, &span, words) && !(lists_alone && is_public(text, &span, words));
        let points = if one { rule.points.nearby } else { rule.points.alone };
        (points > Points(0)).then(|| Hit { span, kind: rule.kind, points, rule: id.clone(), labelled: true })
    }
}

/// Whether words that no name has end one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bars {
    All,
    None,
}

/// One run in its text.
struct Look<'t> {
    text: &'t str,
    label: &'t str,
    words: &'t Words,
    lists: &'t Lists,
    run: &'t [Word],
}

impl Look<'_> {
    /// Whether the only word of a run is no name: as most capitalised words are. [`Self::at`] says the same.
    fn is_nobody(&self, only: &Word) -> bool {
        let Standing { given, family, word } = only.standing;
        (word && !given && !family)
            || only.shape == Shape::Initial
            || (!self.may_stand_alone(only) && self.cue(only, 0).is_none())
    }

    /// What begins at word `i`: how many words it takes, and the name if it is one.
    fn at(&self, i: usize) -> (usize, Option<(Range<usize>, Evidence)>) {
        let nothing = (1, None);
        let Some(first) = self.run.get(i) else { return nothing };
        let is_plain = first.standing.word && !first.standing.given && !first.standing.family;
        if is_plain && !self.is_called_so(i) {
            return nothing; // as most capitalised words are
        }
        if first.shape == Shape::Initial && self.run.len() == 1 {
            return nothing;
        }
        let cue = self.whose(self.cue(first, i), i);
        if first.standing.word
            && !is_plain
            && !first.standing.given
            && !(first.standing.family && (cue.is_some() || self.heads_register(i)))
            || self.is_upper_particle(i)
        {
            return nothing;
        }
        let end = self.extent(i, cue, Bars::All);
        let strong = matches!(cue, Some(Cue::Honorific | Cue::Person | Cue::Intro | Cue::Label));
        if !strong && end == i + 1 && !self.may_stand_alone(first) {
            return nothing; // as most of the rest are
        }
        let barred = self.is_barred(first);
        let past_bars = self.past_bars(i, end, cue, barred);
        if barred && past_bars.is_none() {
            return nothing;
        }
        let end = past_bars.unwrap_or(end);
        let name = self.run.get(i..end).unwrap_or_default();
        let (Some(last), taken) = (name.last(), end - i) else { return nothing };
        if let Some(evidence) = self.owner(name) {
            return (taken, Some((first.span.start..last.span.end, evidence)));
        }
        let after = match After::of(self.text, last, self.words) {
            After::Thing
                if strong
                    && (taken > 1 || cue == Some(Cue::Honorific))
                    && self.is_somebodys_before_a_thing(name, cue) =>
            {
                After::of_a_value(self.text, last, true)
            }
            After::Thing if matches!(cue, Some(Cue::Person | Cue::Label)) && taken > 1 => {
                After::of_a_value(self.text, last, false)
            }
            after => after,
        };
        let identified = || after == After::Identified || is_on_record(self.text, last);
        if cue == Some(Cue::Label) && self.is_a_things(name, end) && !identified() {
            return (taken, None);
        }
        if cue == Some(Cue::Provider) || after == After::Credential {
            return (taken, None);
        }
        if after == After::Thing || (cue == Some(Cue::Place) && after != After::Identified) {
            return (taken, None);
        }
        let joined = self.text.get(first.span.start..last.span.end).unwrap_or_default();
        if !strong
            && after != After::Act
            && (self.lists.is_city(joined)
                || self.is_city_in_state(joined)
                || self.words.wide_places.contains(&*lower(joined, &mut [0; LOWER_BYTES])))
        {
            return (taken, None);
        }
        if let (Some(Cue::Person | Cue::Label), [only]) = (cue, name)
            && let Some(end) = self.joined(only)
        {
            return (taken, Some((first.span.start..end, Evidence::Cued)));
        }
        let evidence = if strong { self.cued(name, cue, after) } else { self.listed(name, after) };
        let evidence = match evidence {
            None | Some(Evidence::CuedSingle) if strong && name.len() == 1 => self.part(first, i, evidence),
            None | Some(Evidence::Likely | Evidence::Listed) if !strong => {
                self.mentioned(name, end, evidence).or(evidence)
            }
            evidence => evidence,
        };
        let span = first.span.start..last.span.end;
        let evidence = match evidence {
            Some(Evidence::Listed) if self.is_on_file(&span, last) => Some(Evidence::Identified),
            Some(Evidence::Likely) if self.is_likely_patient(name, &span) => Some(Evidence::Identified),
            evidence => evidence,
        };
        (taken, evidence.map(|e| (span, e)))
    }

    /// Whether it is a town of the list and its state: `Baltimore, Maryland`.
    fn is_city_in_state(&self, joined: &str) -> bool {
        joined.split_once(", ").is_some_and(|(city, state)| {
            let state = lower(state, &mut [0; LOWER_BYTES]).into_owned();
            self.lists.is_city(city) && self.words.wide_places.contains(&state)
        })
    }

    /// Whether a name behind a cue is no eponym's whatever stands behind it: `Patient: Anna Kowalski rash on trunk`. Where the
    /// cue says less than that a patient follows, both lists have to know it.
    fn is_somebodys_before_a_thing(&self, name: &[Word], cue: Option<Cue>) -> bool {
        let (Some(first), Some(last)) = (name.first(), name.last()) else { return false };
        let (given, family) = if last.comma { (last, first) } else { (first, last) };
        let named = given.standing.given && !given.standing.word && !self.is_eponym(given);
        let listed = named && family.standing.family;
        let whole = || name.iter().filter(|word| word.shape != Shape::Initial);
        listed
            || matches!(cue, Some(Cue::Person | Cue::Honorific))
                && !whole().any(|word| word.standing.word || self.is_eponym(word))
    }

    /// Whether word `i` is a family name in capitals before a comma and a given name that is no word: `BANKS, MARGARET`.
    fn heads_register(&self, i: usize) -> bool {
        let upper = |w: &&Word| w.shape == Shape::Upper;
        let given = self.run.get(i + 1).filter(upper).filter(|given| given.comma);
        self.run.get(i).is_some_and(|family| upper(&family))
            && given.is_some_and(|given| given.standing.given && !given.standing.word)
    }

    /// Whether a plain word before a family name of the list is a part of the name that stands behind a patient's label:
    /// `Patient: Nil Patel, 61`, `Mr. Bin Saleh`.
    fn is_called_so(&self, i: usize) -> bool {
        let (Some(word), Some(next)) = (self.run.get(i), self.run.get(i + 1)) else { return false };
        let family = next.standing.family && !next.standing.word && !next.comma && next.shape == Shape::Title;
        if word.shape != Shape::Title || !family || self.is_barred(word) {
            return false;
        }
        let strong = || self.cue(word, i);
        if is_patronymic(self.own(word).as_bytes()) {
            return matches!(strong(), Some(Cue::Honorific | Cue::Person | Cue::Label | Cue::Intro));
        }
        let behind = self.text.get(next.span.end..).unwrap_or_default();
        let ends = behind.is_empty() || behind.starts_with([',', ';', '(', '|', '\n', '\r', '\t']);
        let before = window_before(self.text, word.span.start, CUE_BYTES);
        let mut buffer = [0; LOWER_BYTES];
        let lower = lower(self.own(word), &mut buffer);
        let does = self.words.acts.contains(&*lower) || self.words.sees.contains(&*lower);
        ends && !does
            && before.trim_end_matches(' ').ends_with(':')
            && !self.words.is_clinical(&lower)
            && strong() == Some(Cue::Person)
    }

    /// Whether word `i` is a particle in capitals before another word of a family name: `DE LA CRUZ`.
    fn is_upper_particle(&self, i: usize) -> bool {
        let next = self.run.get(i + 1).is_some_and(|next| !next.comma && next.shape == Shape::Upper);
        next && self.run.get(i).is_some_and(|word| is_upper_particle(self.own(word).as_bytes()))
    }

    /// Whether a listed name has its telephone number right behind, or what is said of patients.
    fn is_on_file(&self, span: &Range<usize>, last: &Word) -> bool {
        is_reached(self.text, last)
            || (is_patients(self.text, span, self.words) && !is_public(self.text, span, self.words))
    }

    /// Whether what is said of patients is said of a name of which the lists know the family name alone, and no word is one of
    /// anything else: `Venkatesh Iyer tested positive`.
    fn is_likely_patient(&self, name: &[Word], span: &Range<usize>) -> bool {
        self.may_be_unlisted(name)
            && is_likely_patients(self.text, span, self.words)
            && !is_public(self.text, span, self.words)
    }

    /// Whether one word that no cue introduces may be a name: as a given name, or by what it does.
    fn may_stand_alone(&self, word: &Word) -> bool {
        let behind = || self.text.get(word.span.end..).unwrap_or_default();
        word.shape == Shape::Title
            && ((word.standing.given && !word.standing.word) || After::may_be_act(behind(), self.words))
    }

    /// What a label that says of what a name is makes of the one at word `i`: whoever has an identifier right behind is an
    /// individual, whatever the label says.
    fn whose(&self, cue: Option<Cue>, i: usize) -> Option<Cue> {
        if cue == Some(Cue::Honorific) {
            return cue.filter(|_| !self.is_no_title(i));
        }
        if !matches!(cue, Some(Cue::ThingsName | Cue::ProvidersName | Cue::Staff)) {
            return cue;
        }
        let last = self.extent(i, Some(Cue::Label), Bars::All).checked_sub(1).and_then(|at| self.run.get(at));
        match cue {
            _ if last.is_some_and(|last| is_numbered(self.text, last)) => Some(Cue::Label),
            Some(Cue::Staff) if last.is_some_and(|last| self.is_ill(last)) => Some(Cue::Label),
            Some(Cue::ProvidersName | Cue::Staff) => Some(Cue::Provider),
            _ => None,
        }
    }

    /// Whether the sentence goes on behind `last`, the last word of a name, with what ails somebody.
    fn is_ill(&self, last: &Word) -> bool {
        let line = window_after(self.text, last.span.end, BOTH_BYTES).split('\n').next().unwrap_or_default();
        let sentence = line.split(". ").next().unwrap_or_default();
        sentence.split(|c: char| !(c.is_alphanumeric() || c == '-')).any(|word| {
            let mut buffer = [0; LOWER_BYTES];
            let word = lower(word, &mut buffer);
            self.words.telling.contains(&*word) || self.words.is_clinical(&word)
        })
    }

    /// Whether what stands before word `i` is magnetic resonance, mass spectrometry or milliseconds, and no title: `MR KNEE
    /// LEFT`, `2210 ms Billed`. Nobody is told of behind it by a name or by what is on record.
    fn is_no_title(&self, i: usize) -> bool {
        let Some(first) = self.run.get(i) else { return false };
        let known = |word: &Word| (word.standing.given || word.standing.family) && !word.standing.word;
        let before = window_before(self.text, first.span.start, CUE_BYTES).trim_end_matches(' ');
        // `Devon Clarke, MS, CGC`: a degree.
        if before.ends_with("MS,") {
            return true;
        }
        if let Some(number) = before.strip_suffix(" ms") {
            return number.ends_with(|c: char| c.is_ascii_digit()) && !known(first);
        }
        let is_short = ["MR", "MS"].iter().any(|short| before.ends_with(short));
        let name = self.run.get(i..self.extent(i, Some(Cue::Honorific), Bars::None)).unwrap_or_default();
        is_short
            && self.words.scanned.contains(&*lower(self.own(first), &mut [0; LOWER_BYTES]))
            && !name.iter().any(|word| word.standing.given && !word.standing.word)
            && !name.iter().any(|word| {
                After::of(self.text, word, self.words) == After::Identified || is_on_record(self.text, word)
            })
    }

    /// Where the name at word `i` ends, of which one of two words is one that no name has, as lists go. Somebody is called
    /// by it all the same behind a cue and before an identifier, where the other is no word of anything else: `Patient: Amir
    /// Dad, DOB`. A drug's may be a given name behind a cue alone, or before an identifier, where the other is one that only
    /// people are called by: `Patient: Senna Ruiz`.
    fn past_bars(&self, i: usize, end: usize, cue: Option<Cue>, barred: bool) -> Option<usize> {
        let first = self.run.get(i)?;
        let is_label =
            |w: &Word| self.words.identified_by.contains(&*lower(self.own(w), &mut [0; LOWER_BYTES]));
        let next = || self.run.get(end).filter(|next| self.is_barred(next) && !is_label(next));
        if !barred && (end > i + 1 || next().is_none()) {
            return None; // as in most names
        }
        let person = matches!(cue, Some(Cue::Person | Cue::Label | Cue::Honorific));
        let wide = self.extent(i, cue, Bars::None);
        let name = self.run.get(i..wide).filter(|name| !name.iter().any(is_label))?;
        let known = |w: &Word| (w.standing.given || w.standing.family) && !w.standing.word;
        let is_drugs = self.is_a_drugs(first) && name.len() > 1;
        let identified =
            name.last().is_some_and(|last| After::of(self.text, last, self.words) == After::Identified);
        let is_recorded = || identified || name.last().is_some_and(|last| is_on_record(self.text, last));
        let others = || name.iter().filter(|word| word.shape != Shape::Initial && !self.is_barred(word));
        let is_somebodys = match person && identified {
            _ if (person || cue == Some(Cue::Intro) || is_recorded()) && self.is_named_too(name, cue) => true,
            true => others().any(|word| known(word) || self.is_unlisted(word)),
            false => is_drugs && (person || identified) && others().any(known),
        };
        is_somebodys.then_some(wide)
    }

    /// Whether a name of two words has a month, or a word of places, where people have it as a name, and the other word is
    /// nothing but a name: `June Miller`, `Linda Ward`. Behind a word for a patient, or before a birth date or a record
    /// number, the other may be a word, too: `Patient April Banks`.
    fn is_named_too(&self, name: &[Word], cue: Option<Cue>) -> bool {
        let mut words = name.iter().filter(|word| word.shape != Shape::Initial);
        let (Some(first), Some(last), None) = (words.next(), words.next(), words.next()) else {
            return false;
        };
        let (given, family) = if last.comma { (last, first) } else { (first, last) };
        let too = |word: &Word| self.words.names_too.contains(&*lower(self.own(word), &mut [0; LOWER_BYTES]));
        let cued = matches!(cue, Some(Cue::Person | Cue::Honorific));
        let sure = cued || is_on_record(self.text, last);
        let known = |word: &Word| !self.is_barred(word) && (sure || !word.standing.word);
        // `Patient: Sunday Okafor`, `Patient: Kim Do`; `Kim DO` is a provider.
        let elsewhere = |word: &Word| {
            (word.shape == Shape::Title || word.span == first.span)
                && self.words.names_elsewhere.contains(&*lower(self.own(word), &mut [0; LOWER_BYTES]))
        };
        let other = |word: &Word| {
            !self.is_barred(word) && (word.standing.given || word.standing.family || self.is_unlisted(word))
        };
        if cued && (elsewhere(first) && other(last) || elsewhere(last) && other(first)) {
            return true;
        }
        given.standing.given
            && family.standing.family
            && (too(given) && known(family) || too(family) && known(given))
    }

    /// Where the name that begins at word `i` ends: behind its last word.
    fn extent(&self, i: usize, cue: Option<Cue>, bars: Bars) -> usize {
        let mut end = i + 1;
        let mut commas = 0;
        while let Some(word) = self.run.get(end) {
            let is_barred = bars == Bars::All && self.is_barred(word);
            if end - i == NAME_WORDS_MAX || is_barred || self.is_suffix(word) {
                break;
            }
            if word.comma {
                // `Last, First` and no more than that.
                if commas > 0 || !self.is_reversed(i, end, cue) {
                    break;
                }
                commas += 1;
            }
            let s = word.standing;
            if s.word && !s.family && !s.given {
                break;
            }
            // `Halvard Nystrom Down syndrome`
            if end > i + 1 && self.is_eponym(word) && After::of(self.text, word, self.words) == After::Thing {
                break;
            }
            // Shapes don't mix but for initials: `Maria Gomez RN`, `NOTE Maria`.
            let shapes = (self.run.get(i).map(|w| w.shape), word.shape);
            if shapes == (Some(Shape::Title), Shape::Upper) && !s.family && !self.is_of_capitals(word, cue) {
                break;
            }
            if shapes == (Some(Shape::Upper), Shape::Title) && !self.is_behind_capitals(i, word, cue) {
                break;
            }
            end += 1;
        }
        if self.run.get(end).is_some_and(|w| self.is_suffix(w)) {
            end += 1;
        }
        end
    }

    /// Whether the words from `i`, with a comma before word `at`, are a family name before its given name.
    fn is_reversed(&self, i: usize, at: usize, cue: Option<Cue>) -> bool {
        let (Some(family), Some(given)) = (self.run.get(i..at), self.run.get(at)) else { return false };
        if family.len() > 2 {
            return false;
        }
        if given.shape == Shape::Initial {
            // `Patient: Ortiz, R., 61 yo`
            let only = family.iter().all(|w| w.standing.family && !w.standing.word);
            return cue == Some(Cue::Person) && only && family.len() == 1;
        }
        let labelled = matches!(cue, Some(Cue::Person | Cue::Label));
        let upper = given.shape == Shape::Upper;
        // `IVANCHENKO, OKSANA  DOB`
        let unlisted = || {
            let told = given.standing.given && !given.standing.word && self.own(given).len() > 2;
            told && family.iter().all(|w| w.shape == Shape::Upper && self.is_unlisted(w))
        };
        let is_one =
            || is_on_record(self.text, given) || After::of(self.text, given, self.words) == After::Identified;
        let recorded = || upper && is_one() && unlisted();
        let known = family.iter().all(|w| w.standing.family && (upper || !w.standing.word));
        let named = given.standing.given || (upper && !given.standing.word);
        (labelled && (given.standing.given || !given.standing.word))
            || recorded()
            || (known && named && (upper || !given.standing.word))
    }

    fn cue(&self, first: &Word, i: usize) -> Option<Cue> {
        let before = window_before(self.text, first.span.start, CUE_BYTES);
        if i == 0 && !self.label.is_empty() && first.span.start < CUE_BYTES && before.trim().is_empty() {
            return self.words.cue(&format!("{}: ", self.label.to_lowercase()));
        }
        if !self.words.may_end_in_cue(before) {
            return None;
        }
        self.words.cue(&lower(before, &mut [0; LOWER_BYTES]))
    }

    /// The part of a name that what stands before one word is a label of: `Last name: `, `"surname": `, `firstName=`. A
    /// word of which the lists told nothing (`known`) needs a label that says "name", or both parts of one.
    fn part(&self, first: &Word, i: usize, known: Option<Evidence>) -> Option<Evidence> {
        let mut buffer = [0; LOWER_BYTES];
        let before = lower(window_before(self.text, first.span.start, CUE_BYTES), &mut buffer);
        let own = i == 0 && before.trim().is_empty();
        let label = if own { Cow::Owned(self.label.to_lowercase()) } else { before };
        let head = label.trim_end_matches([' ', '\t', '"', '\'', '*', '`', '[', '>']);
        let named = head.strip_suffix(" is").unwrap_or(head).trim_end_matches([':', '=', '|']);
        let marked = own || named.len() < head.len() || label.ends_with('>');
        let named = named.trim_end_matches([' ', '"', '\'', '*', '`']);
        let is = |labels: &[&str]| {
            labels.iter().any(|word| {
                named.strip_suffix(word).is_some_and(|rest| {
                    // `patientFirstName`
                    !rest.ends_with(|c: char| c.is_alphanumeric()) || word.len() >= COMPOUND_BYTES_MIN
                })
            })
        };
        let (evidence, bare) = match (is(FAMILY_LABELS), is(GIVEN_LABELS)) {
            (true, _) => (Evidence::CuedFamily, is(&["last", "family"])),
            (_, true) => (Evidence::CuedSingle, is(&["first", "given"])),
            _ => return known,
        };
        if is_staffs(named) || is_staffs_label(named) {
            return None; // nobody's, whatever the lists know of it
        }
        let is_one = marked && (known.is_some() || !bare || self.has_both(first));
        if is_one { Some(evidence) } else { known }
    }

    /// Whether both parts of a name are labelled around a word: `first=… last=…`.
    fn has_both(&self, word: &Word) -> bool {
        let before = window_before(self.text, word.span.start, BOTH_BYTES).to_lowercase();
        let behind = window_after(self.text, word.span.end, BOTH_BYTES).to_lowercase();
        let both = |one: &str, other: &str| {
            [(&before, &behind), (&before, &before)].iter().any(|(a, b)| {
                (a.contains(one) && b.contains(other)) || (a.contains(other) && b.contains(one))
            })
        };
        both("first", "last") || both("given", "family")
    }

    /// Where a name ends of which another part is joined to its first word: `Kowalski,Anna`, `Kowalski , Anna`.
    fn joined(&self, first: &Word) -> Option<usize> {
        let rest = self.text.get(first.span.end..)?;
        let glue = [" , ", ","].iter().find(|glue| rest.starts_with(**glue))?;
        let mut second = Vec::new();
        let start = first.span.end + glue.len();
        if !self.text.get(start..)?.starts_with(char::is_uppercase) {
            return None;
        }
        run(self.text, start, self.lists, &mut second);
        let second = second.first()?;
        let plain = |word: &Word| word.standing.word && !word.standing.given;
        let known = |word: &Word| (word.standing.given || word.standing.family) && !word.standing.word;
        let fits = second.shape == first.shape && !self.is_barred(second);
        (fits && !plain(first) && !plain(second) && (known(first) || known(second)))
            .then_some(second.span.end)
    }

    fn own(&self, word: &Word) -> &str {
        self.text.get(word.own..word.span.end).unwrap_or_default()
    }

    fn is_barred(&self, word: &Word) -> bool {
        if word.shape == Shape::Initial {
            return false;
        }
        let own = self.own(word);
        let mut buffer = [0; LOWER_BYTES];
        let lower = lower(own, &mut buffer);
        if self.words.telling.contains(&*lower) {
            return true;
        }
        match own.is_ascii() {
            true => self.words.not_names.contains(&*lower),
            false => self.words.not_names.contains(&lower.replace('’', "'")),
        }
    }

    /// Whether it is a word of one drug, disease or procedure.
    fn is_a_drugs(&self, word: &Word) -> bool {
        let mut buffer = [0; LOWER_BYTES];
        word.shape != Shape::Initial && self.words.telling.contains(&*lower(self.own(word), &mut buffer))
    }

    fn is_eponym(&self, word: &Word) -> bool {
        let mut buffer = [0; LOWER_BYTES];
        self.own(word).split('-').all(|part| self.words.eponyms.contains(&*lower(part, &mut buffer)))
    }

    fn is_suffix(&self, word: &Word) -> bool {
        matches!(self.own(word), "Jr" | "JR" | "Sr" | "SR" | "II" | "III" | "IV")
    }
}

/// Whether a label says whose name it is that is nobody's PHI: `providerFirstName`, `ordering_doctor_last_name`.
fn is_staffs(label: &str) -> bool {
    let whole = label.rsplit([' ', ',', ';', '{', '(', '\n', '&', '?']).next().unwrap_or_default();
    [
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
        "prov_",
        "practitioner",
        "clinician",
        "surgeon",
        "therapist",
        "healthcareprincipal",
    ]
    .iter()
    .any(|word| whole.contains(word))
}

/// The same of a label in words: `Provider last name`.
fn is_staffs_label(label: &str) -> bool {
    let mut words = label.rsplit(' ').filter(|word| !word.is_empty());
    let part = words.next().unwrap_or_default();
    let (second, third) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let whose = if part == "name" { third } else { second };
    matches!(
        whose,
        "provider"
            | "physician"
            | "doctor"
            | "prescriber"
            | "practitioner"
            | "clinician"
            | "surgeon"
            | "nurse"
    )
}

/// Tells each place where a name could begin, in order.
fn capitals(text: &str, mut told: impl FnMut(usize)) {
    let bytes = text.as_bytes();
    let mut goes_on = 0;
    CAPITALS.any(bytes, |block, [capitals, bars]| {
        let mut places = capitals & !(bars << 1 | goes_on);
        goes_on = bars >> (BLOCK - 1);
        while places != 0 {
            let at = block + places.trailing_zeros() as usize;
            places &= places - 1;
            let is_plain = |at: usize| bytes.get(at).is_some_and(u8::is_ascii);
            let is_capital =
                is_plain(at) || text.get(at..).and_then(|t| t.chars().next()).is_some_and(char::is_uppercase);
            // What isn't ASCII before it is no bar of these.
            if is_capital && (at.checked_sub(1).is_none_or(is_plain) || may_begin(text, at)) {
                told(at);
            }
        }
        false // on to the end
    });
}

/// Bytes that names may begin with, and those that they can't stand behind, as far as they are ASCII.
static CAPITALS: LazyLock<Sets<2>> = LazyLock::new(|| {
    Sets::new([
        |b: u8| b.is_ascii_uppercase() || !b.is_ascii(),
        |b: u8| b.is_ascii() && goes_on(char::from(b)),
    ])
});
/// Longest name: `Maria del Carmen Lopez de Garcia Ruiz` has five words with their particles.
const NAME_WORDS_MAX: usize = 5;
/// What a field of a given name is called.
const GIVEN_LABELS: &[&str] = &[
    "first name",
    "first_name",
    "firstname",
    "first",
    "given name",
    "given_name",
    "givenname",
    "given names",
    "given",
    "forename",
    "fname",
    "middle name",
    "middle_name",
    "middlename",
];
/// What a field of a family name is called.
const FAMILY_LABELS: &[&str] = &[
    "last name",
    "last_name",
    "lastname",
    "last",
    "family name",
    "family_name",
    "familyname",
    "family",
    "surname",
    "lname",
];
/// Labels of this length may stand behind a word for whose they are: `patientFirstName`.
const COMPOUND_BYTES_MIN: usize = 7;
/// How far around a part of a name the label of the other is looked for.
const BOTH_BYTES: usize = 60;

#[cfg(test)]
mod tests;
