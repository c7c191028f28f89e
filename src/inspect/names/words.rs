//! The word lists of text inspection: what introduces a person, what makes a name somebody else's or nobody's.

use super::hints::{Beginnings, Endings, Outlines};
use crate::inspect::hash::{Keyed, Map};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashSet;

/// What stands before a name and says of whom it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cue {
    /// A provider's: `Dr.`, `attending`. The name is nobody's PHI.
    Provider,
    /// One of staff's, with a colon or an equals sign behind: `Scheduler:`. Somebody's all the same where an identifier stands
    /// right behind.
    Staff,
    /// A place's: `at`. What follows is a facility.
    Place,
    /// `Mr.`: a family name or a full name follows.
    Honorific,
    /// `patient`: a person follows, if the words look like one.
    Person,
    /// `my name is`, `his wife`, `Dear`: a person follows, even by a name that no list has.
    Intro,
    /// As `Intro`, but only with a colon or an equals sign behind: `From:`.
    Label,
    /// A label of a thing's name, `drug_name`: somebody's all the same where an identifier stands right behind.
    #[serde(skip)]
    ThingsName,
    /// A label of a provider's name, `physician name`: a patient's where an identifier stands right behind.
    #[serde(skip)]
    ProvidersName,
}

impl Cue {
    /// Whether it is one only behind a colon or an equals sign.
    const fn needs_a_mark(self) -> bool {
        matches!(self, Self::Label | Self::Staff)
    }
}

/// Words, lower case.
pub type Set = HashSet<String, Keyed>;
type Cues = Map<String, Vec<(String, Cue)>>;

/// A list as written in `config/words.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordList {
    /// Stable id, never reused: `words.things`. Lists of a site have ids of their own.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// Where the words come from.
    pub source: String,
    /// What the words say of whom a name behind them is.
    pub cue: Option<Cue>,
    /// A text in which the list changes what is found.
    pub finds: String,
    /// A text in which it doesn't.
    pub passes: String,
    /// The words, lower case.
    pub words: Vec<String>,
}

/// Word lists of text inspection, lower case.
pub struct Words {
    /// Words that no name has: labels, roles, facilities.
    pub not_names: Set,
    /// Words right behind a name that make it a provider's.
    pub provider_after: Set,
    /// Words of clinical content.
    pub clinical: Set,
    /// Words of clinical content of which one tells somebody's health.
    pub telling: Set,
    /// Terms of clinical content of which one, said of somebody who is named as a patient, tells health.
    pub named: Terms,
    /// Terms of care, orders and notes of which one beside a patient tells health; they say of nobody that he is one.
    pub care: Terms,
    /// Vital signs and laboratory values, of which one with a number behind does.
    pub measured: Terms,
    /// Labels of diagnoses and of reasons for care.
    pub clinical_labels: Terms,
    /// Endings of words of clinical content.
    pub clinical_endings: Vec<String>,
    /// How words of clinical content are built, those of which one tells and others.
    clinical_outlines: Outlines,
    /// The last three letters of those endings; `None` where one of them has fewer.
    clinical_last: Option<Endings>,
    /// Words, one or two, right behind a name that say what only people do.
    pub acts: Set,
    act_beginnings: Beginnings,
    /// Words behind a name that make it the name of a thing: `disease`, `score`, `hospital`.
    pub things: Set,
    /// Words before `name` that make the label a thing's: `drug_name`.
    thing_labels: Set,
    /// Words that only substances, tests, procedures and organisms have: behind `name:` they make it a thing's.
    pub substances: Set,
    /// Such words that people are called by, too: they make a thing's of it beside another one.
    pub everyday: Set,
    /// Words of `not_names` that people are called by, too.
    pub names_too: Set,
    /// Words of `not_names` that are given and family names in other languages.
    pub names_elsewhere: Set,
    /// Words right behind a full name that say what a patient does, or what is done to one: `c/o`, `tested positive`.
    pub patient_acts: Set,
    /// Words right behind a full name that are said of a patient where the sentence goes on with health.
    pub told_acts: Set,
    /// Words right before a full name that are said of a patient where the sentence goes on with health.
    pub sees: Set,
    /// Words right before a full name by which somebody is told something: a patient, where it is of his own health.
    pub(super) relays: Set,
    /// What is ordered for one patient: whoever stands behind one and `for` is one.
    pub(super) orders: Set,
    /// Words that say what patients do, behind a question or an advice: `Can … take`, `Tell … to stop`.
    pub patient_does: Set,
    /// Words of orders, doses and results that go to whoever is named behind them: `start … on`.
    pub order_acts: Set,
    /// Words of systems and supplies: a sentence with one is of no patient by its grammar alone.
    pub systems: Set,
    /// Words of work, learning and public life: a sentence with one is of no patient by its grammar alone.
    pub matters: Set,
    /// Names that medicine uses for things; a cue makes them a person's.
    pub eponyms: Set,
    /// Parts of the body, and how they are looked at.
    pub(super) scanned: Set,
    /// States and countries: too wide to say where somebody lives.
    pub wide_places: Set,
    /// Words that say that one individual is spoken of; looked for near a name.
    individual: Set,
    /// Which bytes those end with: most words with a number before them, dates and numbers above all, end with none.
    individual_last: [bool; 256],
    /// Words right behind a name that say it is somebody's on record: `dob`, `mrn`.
    pub identified_by: Set,
    /// Words for places of work: addresses and numbers behind them are an office's.
    pub offices: Set,
    /// Last words of what practices are called.
    pub(super) practices: Set,
    /// Words that say that an address or a number is an individual's.
    pub at_home: Set,
    /// How sheets of those who work somewhere begin.
    pub(super) sheets: Set,
    /// What mailboxes of functions and departments are called by.
    pub(in crate::inspect) mailboxes: Set,
    /// Words for whom to ask, and whose a program is.
    pub(super) asked: Set,
    /// Words for whom to call, where a matter of work is told.
    pub(super) called: Set,
    /// Matters of work: systems, meetings, deliveries.
    pub(super) work: Terms,
    /// Last words of titles of people who work somewhere.
    pub(super) jobs: Set,
    /// Such words by which nobody but staff is called, with no other word before them.
    pub(super) callings: Set,
    /// What stands in titles before them: ranks, departments.
    pub(super) ranks: Set,
    /// Last words of departments that treat nobody.
    pub(super) departments: Set,
    /// Who leads a meeting or speaks at one.
    pub(super) chairs: Set,
    /// Small words that somebody may stand behind who is spoken of: `for`, `about`.
    pub mentions: Set,
    /// Words for papers and errands that are about one individual: `referral`, `voicemail`.
    pub papers: Set,
    /// Words right before `to` or `from` that are said of letters and calls to one individual.
    pub letters: Set,
    /// What an individual has, right behind a name with `'s`: `chart`, `labs`.
    pub belongings: Set,
    /// Acts of authors and of people whom medicine remembers, right behind a name.
    pub public_acts: Set,
    /// What stands before the name of whoever wrote or speaks.
    pub public_roles: Set,
    /// Cues by their last word, each with its whole phrase, longest first.
    cues: Cues,
    cue_endings: Endings,
}

impl Words {
    /// The lists that the recogniser knows by name; others are left to the detectors that name them.
    #[must_use]
    pub fn of(lists: &[WordList]) -> Self {
        let words = |id: &'static str| {
            lists.iter().filter(move |list| list.id == id).flat_map(|list| list.words.iter().cloned())
        };
        let mut cues = Cues::default();
        for list in lists {
            for (phrase, cue) in list.words.iter().zip(list.cue.iter().cycle()) {
                // As `cue` cuts the last word off: `signed-off-by` ends in `by`.
                let last = phrase.rsplit(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’');
                let last = last.into_iter().next().unwrap_or_default().to_owned();
                cues.entry(last).or_default().push((phrase.clone(), *cue));
            }
        }
        for phrases in cues.values_mut() {
            phrases.sort_by_key(|(phrase, _)| std::cmp::Reverse(phrase.len()));
        }
        let clinical = || words("words.clinical").chain(words("words.clinical-telling"));
        let clinical_endings: Vec<String> = words("words.clinical-endings").collect();
        let are_long = clinical_endings.iter().all(|ending| ending.len() >= HINT_BYTES);
        let acts: Set = words("words.acts").chain(words("words.acts-two")).collect();
        Self {
            not_names: words("words.not-names").collect(),
            provider_after: words("words.provider-after").collect(),
            clinical: words("words.clinical").collect(),
            telling: words("words.clinical-telling").collect(),
            named: Terms::of(words("words.clinical-named")),
            care: Terms::of(words("words.clinical-care")),
            measured: Terms::of(words("words.clinical-measured")),
            clinical_labels: Terms::of(words("words.clinical-labels")),
            clinical_outlines: Outlines::of(clinical().collect::<Vec<_>>().iter().map(String::as_str)),
            clinical_last: are_long.then(|| Endings::of(clinical_endings.iter().map(String::as_str))),
            clinical_endings,
            act_beginnings: Beginnings::of(acts.iter().map(String::as_str)),
            acts,
            things: words("words.things").collect(),
            thing_labels: words("words.thing-labels").collect(),
            substances: words("words.substances").collect(),
            everyday: words("words.substances-everyday").collect(),
            names_too: words("words.names-too").collect(),
            names_elsewhere: words("words.names-elsewhere").collect(),
            patient_acts: words("words.patient-acts").collect(),
            told_acts: words("words.patient-acts-told").collect(),
            sees: words("words.patient-sees").collect(),
            relays: words("words.patient-relays").collect(),
            orders: words("words.patient-orders").collect(),
            patient_does: words("words.patient-does").collect(),
            order_acts: words("words.patient-order-acts").collect(),
            systems: words("words.systems").collect(),
            matters: words("words.public-matters").collect(),
            eponyms: words("words.eponyms").collect(),
            scanned: words("words.scanned").collect(),
            wide_places: words("words.wide-places").collect(),
            individual_last: last_bytes(words("words.individual")),
            individual: words("words.individual").collect(),
            identified_by: words("words.identified-by").collect(),
            cue_endings: Endings::of(
                cues.keys().map(String::as_str).chain(PARTS.iter().chain(TITLES).copied()),
            ),
            offices: words("words.offices").collect(),
            practices: words("words.practices").collect(),
            at_home: words("words.at-home").collect(),
            mailboxes: words("words.mailbox-functions").collect(),
            asked: words("words.asked").collect(),
            sheets: words("words.staff-sheets").collect(),
            called: words("words.asked-of-work").collect(),
            work: Terms::of(words("words.work-matters")),
            jobs: words("words.jobs").collect(),
            callings: words("words.jobs-alone").collect(),
            ranks: words("words.job-ranks").collect(),
            departments: words("words.departments").collect(),
            chairs: words("words.chairs").collect(),
            mentions: words("words.mentions").collect(),
            papers: words("words.papers").collect(),
            letters: words("words.letters").collect(),
            belongings: words("words.belongings").collect(),
            public_acts: words("words.public-acts").collect(),
            public_roles: words("words.public-roles").collect(),
            cues,
        }
    }

    /// Whether what stands behind a name may begin with an act: most doesn't.
    pub(super) fn may_be_act(&self, behind: &str) -> bool {
        self.act_beginnings.may_begin(behind)
    }

    /// Whether `word`, in either case, may be of clinical content, telling or not: most isn't.
    #[must_use]
    pub fn may_be_clinical(&self, word: &str) -> bool {
        self.clinical_outlines.may_have(word)
            || (word.len() >= CLINICAL_BYTES_MIN
                && self.clinical_last.as_ref().is_none_or(|last| last.may_end(word.as_bytes())))
    }

    /// Whether `word`, in lower case, is of clinical content.
    #[must_use]
    pub fn is_clinical(&self, word: &str) -> bool {
        self.clinical.contains(word)
            || (word.len() >= CLINICAL_BYTES_MIN
                && self.clinical_endings.iter().any(|e| word.ends_with(e.as_str())))
    }

    /// Whether `word`, in lower case, says that one individual is spoken of: by itself, or with a number before it.
    #[must_use]
    pub fn is_individual(&self, word: &str) -> bool {
        let (first, last) = (word.as_bytes().first(), word.as_bytes().last());
        let numbered = first.is_some_and(u8::is_ascii_digit)
            && last.is_some_and(|last| self.individual_last[usize::from(*last)]);
        self.individual.contains(word)
            || (numbered && self.individual.iter().any(|i| word.ends_with(i.as_str())))
    }

    /// Whether `before`, in either case, may end in a cue: most doesn't.
    pub(super) fn may_end_in_cue(&self, before: &str) -> bool {
        let head = before.trim_end_matches(is_between);
        let led = head.ends_with("...");
        let head = head.trim_end_matches('.');
        let head = if led { head.trim_end_matches(is_between) } else { head };
        self.cue_endings.may_end(head.as_bytes())
    }

    /// The cue that `before` ends in. `before` is lower case; blanks and light punctuation may follow the cue.
    #[must_use]
    pub fn cue(&self, before: &str) -> Option<Cue> {
        let head = before.trim_end_matches(is_between);
        let gap = before.get(head.len()..).unwrap_or_default();
        // `Name ........ Brown`
        let led = head.ends_with("...");
        let labelled =
            led || gap.contains([':', '=', '|', '>', '→', '：']) || is_heading(head, gap, before.len());
        // A line's end parts a cue from a name, unless it is a label or a greeting's comma.
        if gap.matches('\n').count() > 2 || (gap.contains('\n') && !labelled && !gap.starts_with(',')) {
            return None;
        }
        let head = head.trim_end_matches('.');
        let head = if led { head.trim_end_matches(is_between) } else { head };
        let start = head
            .rfind(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
            .map_or(0, |at| at + head.get(at..).and_then(|s| s.chars().next()).map_or(1, char::len_utf8));
        let last = head.get(start..)?;
        if is_title(last) && self.is_patients(head.get(..start)?) {
            return Some(Cue::Person);
        }
        let is_phrase = |phrase: &str| {
            let rest = head.strip_suffix(phrase);
            rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
        };
        let phrases = self.cues.get(last).map(Vec::as_slice).unwrap_or_default();
        let found =
            phrases.iter().find(|(phrase, cue)| (!cue.needs_a_mark() || labelled) && is_phrase(phrase));
        let Some((phrase, cue)) = found else {
            // `patientFirstName: `
            return (labelled && PARTS.iter().any(|part| last.ends_with(part))).then_some(Cue::Label);
        };
        // `Seen with Grace Kim, MD. Minh Tran, DOB …`: a title behind a name ends it, and so does the end of a sentence.
        let ends_another = || {
            let front = head.get(..start).unwrap_or_default().trim_end_matches(' ');
            let behind = before.get(head.len()..).unwrap_or_default();
            self.provider_after.contains(last) && (front.ends_with(',') || behind.starts_with(". "))
        };
        if *cue == Cue::Provider && ends_another() {
            return None;
        }
        // `Patient, John`: a comma goes with a cue; `at, John` isn't one.
        if *cue == Cue::Place && !gap.trim().is_empty() {
            return None;
        }
        match phrase.as_str() {
            "name" => Some(self.whose_name(head.strip_suffix("name").unwrap_or_default())),
            _ => Some(*cue),
        }
    }

    /// What the words before `name` make of the label: `drug_name` is a thing's and `physician name` a provider's. A
    /// heading that runs into a label is no part of it: `LIPID PANEL Name`.
    fn whose_name(&self, before: &str) -> Cue {
        let is_inside = |c: char| c.is_alphanumeric() || c == '\'' || c == '’';
        let of = before.strip_suffix([' ', '_', '-']).unwrap_or_default();
        let joined = !before.ends_with(' ');
        let word = of.rsplit(|c: char| !is_inside(c)).next().unwrap_or_default();
        let lead = of.get(..of.len() - word.len()).unwrap_or_default();
        let own = lead.rsplit(|c: char| !(is_inside(c) || matches!(c, ' ' | '_' | '-'))).next();
        let is_things = |word: &str| self.thing_labels.contains(word);
        let leads = own.unwrap_or_default().split([' ', '_', '-']).filter(|w| !w.is_empty());
        if is_things(word) && (joined || leads.clone().all(is_things)) {
            return Cue::ThingsName;
        }
        let is_word = |(phrase, cue): &(String, Cue)| phrase == word && *cue == Cue::Provider;
        let provider = self.cues.get(word).is_some_and(|phrases| phrases.iter().any(is_word));
        if provider { Cue::ProvidersName } else { Cue::Label }
    }

    /// Whether what stands before a title is a label of patients: `Patient: Dr. Brown` isn't treated by himself.
    fn is_patients(&self, before: &str) -> bool {
        let label = before.trim_end_matches(' ');
        label.ends_with([':', '='])
            && ["patient", "patient name", "pt", "pt name"].iter().any(|of| {
                let rest = label.trim_end_matches([' ', ':', '=']).strip_suffix(of);
                rest.is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
            })
    }

    /// Every list of single words, for checks.
    #[must_use]
    pub fn all_single(&self) -> Vec<&str> {
        [
            &self.provider_after,
            &self.clinical,
            &self.acts,
            &self.things,
            &self.thing_labels,
            &self.substances,
            &self.everyday,
            &self.names_too,
            &self.names_elsewhere,
            &self.patient_acts,
            &self.told_acts,
            &self.sees,
            &self.relays,
            &self.orders,
            &self.patient_does,
            &self.order_acts,
            &self.systems,
            &self.matters,
            &self.eponyms,
            &self.scanned,
            &self.wide_places,
            &self.identified_by,
            &self.individual,
            &self.telling,
            &self.offices,
            &self.practices,
            &self.at_home,
            &self.asked,
            &self.mailboxes,
            &self.called,
            &self.sheets,
            &self.jobs,
            &self.callings,
            &self.ranks,
            &self.departments,
            &self.chairs,
            &self.mentions,
            &self.papers,
            &self.letters,
            &self.belongings,
            &self.public_acts,
            &self.public_roles,
        ]
        .into_iter()
        .flatten()
        .chain(&self.not_names)
        .chain(&self.clinical_endings)
        .chain(&self.named.listed)
        .chain(&self.care.listed)
        .chain(&self.measured.listed)
        .chain(&self.clinical_labels.listed)
        .chain(&self.work.listed)
        .map(String::as_str)
        .chain(self.cues.values().flatten().map(|(phrase, _)| phrase.as_str()))
        .collect()
    }
}

/// Terms of one word or more, by their first word; `-itis` is an ending of words.
pub struct Terms {
    listed: Vec<String>,
    by_first: Map<String, Vec<Vec<String>>>,
    endings: Vec<String>,
    firsts: Outlines,
    /// `None` where one of the endings is too short to be told.
    lasts: Option<Endings>,
}

impl Terms {
    fn of(terms: impl Iterator<Item = String>) -> Self {
        let listed: Vec<String> = terms.collect();
        let mut by_first = Map::<String, Vec<Vec<String>>>::default();
        let (endings, whole): (Vec<&String>, Vec<&String>) = listed.iter().partition(|t| t.starts_with('-'));
        for term in whole {
            let mut words = term.split(' ').map(str::to_owned);
            let first = words.next().unwrap_or_default();
            by_first.entry(first).or_default().push(words.collect());
        }
        let endings: Vec<String> =
            endings.into_iter().map(|e| e.trim_start_matches('-').to_owned()).collect();
        let firsts = Outlines::of(by_first.keys().map(String::as_str));
        let are_long = endings.iter().all(|ending| ending.len() >= HINT_BYTES);
        let lasts = are_long.then(|| Endings::of(endings.iter().map(String::as_str)));
        Self { listed, by_first, endings, firsts, lasts }
    }

    /// Whether a term may begin with `word`, in either case: most don't.
    fn may_begin(&self, word: &str) -> bool {
        // A single letter and what isn't ASCII have no outline.
        word.len() == 1
            || !word.is_ascii()
            || self.firsts.may_have(word)
            || word.len() >= CLINICAL_BYTES_MIN
                && self.lasts.as_ref().is_none_or(|lasts| lasts.may_end(word.as_bytes()))
    }

    /// Where each term of `text` ends, in either case; `words` are those of the text ([`term_words`]).
    pub(in crate::inspect) fn ends_among<'t>(
        &'t self,
        text: &'t str,
        words: impl Iterator<Item = (usize, &'t str)> + 't,
    ) -> impl Iterator<Item = usize> + 't {
        words.filter(|(_, word)| self.may_begin(word)).filter_map(move |(at, word)| {
            let mut buffer = [0; LOWER_BYTES];
            let own = lower(word, &mut buffer);
            let end = at + word.len();
            if let Some(tails) = self.by_first.get(&*own) {
                return tails.iter().find_map(|tail| follow(text, end, tail));
            }
            let ended = own.len() >= CLINICAL_BYTES_MIN && self.endings.iter().any(|e| own.ends_with(&**e));
            ended.then_some(end)
        })
    }

    /// Whether `text` has one of the terms.
    pub(in crate::inspect) fn has(&self, text: &str) -> bool {
        self.ends_among(text, term_words(text)).next().is_some()
    }

    /// The same of a text whose words are known.
    pub(in crate::inspect) fn are_among(&self, text: &str, words: &[(usize, &str)]) -> bool {
        self.ends_among(text, words.iter().copied()).next().is_some()
    }
}

/// Words with what stands inside terms, with their places.
pub(in crate::inspect) fn term_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    super::after::tokens_of(text, |c| c.is_alphanumeric() || matches!(c, '-' | '\'' | '’'))
        .map(|(at, token)| match token.as_bytes() {
            [first, .., last] if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() => (at, token),
            _ => {
                let word = token.trim_start_matches(['-', '\'', '’']);
                (at + token.len() - word.len(), word.trim_end_matches(['-', '\'', '’']))
            }
        })
        .filter(|(_, word)| !word.is_empty() && word.len() <= TERM_BYTES_MAX)
}

/// Where the other words of a term end that goes on at `end`.
fn follow(text: &str, mut end: usize, tail: &[String]) -> Option<usize> {
    for word in tail {
        let rest = text.get(end..)?;
        let next = rest.trim_start_matches([' ', '.', '-', '/', '\n', '\r']);
        if !(1..=2).contains(&(rest.len() - next.len())) {
            return None;
        }
        let own = next.get(..word.len()).filter(|own| own.eq_ignore_ascii_case(word))?;
        if next.get(own.len()..)?.starts_with(char::is_alphanumeric) {
            return None;
        }
        end += rest.len() - next.len() + own.len();
    }
    Some(end)
}

/// What may stand between a cue and a name.
fn is_between(c: char) -> bool {
    matches!(c, ' ' | '\t' | '"' | '\'' | '“' | '‘' | '(' | ',' | '*' | '-' | '\n' | '\r' | ':' | '=')
        || matches!(c, '|' | '[' | '{' | '>' | '`' | '–' | '—' | '→' | '：')
}

/// Whether a cue is a line of its own that names what stands on the next one: `Patient Name`.
fn is_heading(head: &str, gap: &str, bytes: usize) -> bool {
    let line = match head.rfind('\n') {
        Some(end) => head.get(end + 1..).unwrap_or_default(),
        None if bytes < CUE_BYTES => head,
        None => return false,
    };
    let line = line.trim_start_matches(|c: char| is_between(c) || c == '#');
    gap.matches('\n').count() == 1
        && matches!(line, "patient" | "patient name" | "patient's name" | "pt name" | "name" | "full name")
}

fn is_title(word: &str) -> bool {
    TITLES.contains(&word)
}

/// The bytes that these words end with.
fn last_bytes(words: impl Iterator<Item = String>) -> [bool; 256] {
    let mut last = [false; 256];
    for word in words {
        match word.as_bytes().last() {
            Some(byte) => last[usize::from(*byte)] = true,
            None => return [true; 256], // any word ends with it
        }
    }
    last
}

/// `word` in lower case, in `buffer` where it is short and ASCII, as most are.
pub(in crate::inspect) fn lower<'b>(word: &str, buffer: &'b mut [u8; LOWER_BYTES]) -> Cow<'b, str> {
    match buffer.get_mut(..word.len()).filter(|_| word.is_ascii()) {
        Some(slot) => {
            slot.copy_from_slice(word.as_bytes());
            slot.make_ascii_lowercase();
            std::str::from_utf8(slot).map_or_else(|_| Cow::Owned(word.to_lowercase()), Cow::Borrowed)
        }
        None => Cow::Owned(word.to_lowercase()),
    }
}

/// Bytes of most words, and of what stands before a name.
pub(in crate::inspect) const LOWER_BYTES: usize = 80;
/// Longest word of a term.
const TERM_BYTES_MAX: usize = 40;
/// Endings of words are told by so many letters.
const HINT_BYTES: usize = 3;

/// How far before a name its cue may begin.
pub(super) const CUE_BYTES: usize = 40;
/// Parts of names as programs call them; a word for whose may stand before them: `patientFirstName`.
const TITLES: &[&str] = &["dr", "doctor", "prof", "professor", "rev", "reverend", "sgt", "capt", "sr", "hon"];
/// Parts of names that labels end in, whatever stands before them.
const PARTS: &[&str] = &[
    "firstname",
    "givenname",
    "forename",
    "fname",
    "middlename",
    "lastname",
    "familyname",
    "surname",
    "lname",
    "fullname",
    "patientname",
];
/// Shorter words with an ending of the list are plain words: `coma`, `program`.
const CLINICAL_BYTES_MIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    #[test]
    fn an_individual_is_told_by_a_word_or_by_one_behind_a_number() {
        let words = &RuleSet::built_in().words;
        let plain = |word: &str| {
            words.individual.contains(word)
                || (word.starts_with(|c: char| c.is_ascii_digit())
                    && words.individual.iter().any(|i| word.ends_with(i.as_str())))
        };
        let others = ["", "1", "05/12/1962", "e", "\u{e9}", "61f", "1\u{e9}"].map(str::to_owned);
        let all: Vec<String> = words.individual.iter().cloned().chain(others).collect();
        assert!(all.len() > 20);
        for word in &all {
            for word in [
                word.clone(),
                format!("45{word}"),
                format!("4-{word}"),
                format!("x{word}"),
                format!("4{word}9"),
            ] {
                assert_eq!(words.is_individual(&word), plain(&word), "{word}");
            }
        }
        assert!(words.is_individual("45yo") && !words.is_individual("452"));
    }

    #[test]
    fn no_cue_is_passed_over_by_its_ending() {
        let words = &RuleSet::built_in().words;
        let gaps = [
            "",
            " ",
            ": ",
            ". ",
            "... ",
            " ........ ",
            ",\n",
            "\n",
            " (",
            " [",
            " | **",
            " > ",
            " “",
            "’ ",
            "'",
            "\u{a0}",
            "= \"",
            "—",
            "：",
        ];
        let compounds = PARTS.iter().map(|part| format!("patient{part}"));
        let titles = TITLES.iter().map(|title| format!("patient: {title}"));
        let phrases = words.cues.values().flatten().map(|(phrase, _)| phrase.clone());
        for phrase in phrases.chain(compounds).chain(titles) {
            for gap in gaps {
                for before in [format!("{phrase}{gap}"), format!("So, {phrase}{gap}")] {
                    let lower = before.to_lowercase();
                    for written in [&before, &before.to_uppercase()] {
                        let found = words.cue(&lower).is_none() || words.may_end_in_cue(written);
                        assert!(found, "{before}");
                    }
                }
            }
        }
        assert!(!words.may_end_in_cue("lungs clear, no edema. "));
    }

    #[test]
    fn cues_are_read_with_what_stands_between() {
        let words = &RuleSet::built_in().words;
        assert_eq!(words.cue("seen today. patient: "), Some(Cue::Person));
        assert_eq!(words.cue("mr. "), Some(Cue::Honorific));
        assert_eq!(words.cue("attending: dr. "), Some(Cue::Provider));
        assert_eq!(words.cue("my name is "), Some(Cue::Intro));
        assert_eq!(words.cue("thanks,\n"), Some(Cue::Intro));
        assert_eq!(words.cue("from: "), Some(Cue::Label));
        assert_eq!(words.cue("from "), None);
        assert_eq!(words.cue("signed-off-by: "), Some(Cue::Provider));
        assert_eq!(words.cue("impatient "), None);
        assert_eq!(words.cue("| patient | **"), Some(Cue::Person));
        assert_eq!(words.cue("patient ["), Some(Cue::Person));
        assert_eq!(words.cue("name ........ "), Some(Cue::Label));
        assert_eq!(words.cue("| name | "), Some(Cue::Label));
        assert_eq!(words.cue("patient name\n"), Some(Cue::Person));
        assert_eq!(words.cue("asthma\nname\n"), Some(Cue::Label));
        assert_eq!(words.cue("ask the patient\n"), None);
        assert_eq!(words.cue("drug_name: "), Some(Cue::ThingsName));
        assert_eq!(words.cue("lab test name: "), Some(Cue::ThingsName));
        assert_eq!(words.cue("seen today; drug name: "), Some(Cue::ThingsName));
        assert_eq!(words.cue("| medication name | "), Some(Cue::ThingsName));
        assert_eq!(words.cue("specimen name: "), Some(Cue::Label));
        assert_eq!(words.cue("lipid panel name: "), Some(Cue::Label));
        assert_eq!(words.cue("the drug. name: "), Some(Cue::Label));
        assert_eq!(words.cue("nick name: "), Some(Cue::Label));
        assert_eq!(words.cue("physician name: "), Some(Cue::ProvidersName));
        assert_eq!(words.cue("patientfirstname: "), Some(Cue::Label));
        assert_eq!(words.cue("patientfirstname "), None);
        assert_eq!(words.cue("patient: dr. "), Some(Cue::Person));
        assert_eq!(words.cue("pt name: rev. "), Some(Cue::Person));
        assert_eq!(words.cue("patient seen: dr. "), Some(Cue::Provider));
        assert_eq!(words.cue("seen with grace kim, md. "), None);
        assert_eq!(words.cue("grace kim, md - "), None);
        assert_eq!(words.cue("report from day rn. "), None);
        assert_eq!(words.cue("day rn: "), Some(Cue::Provider));
        assert_eq!(words.cue("患者: "), Some(Cue::Person));
        assert_eq!(words.cue("the patient\n"), None);
        assert_eq!(words.cue(""), None);
    }
}
