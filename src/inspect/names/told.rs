//! What is said of a patient by name: an age, what patients do, what is done to them, what ails them.

use super::after::{
    AFTER_BYTES, NEAR_BYTES, head_word, is_age, is_public, tokens, window_after, window_before,
};
use super::words::{CUE_BYTES, Cue, LOWER_BYTES, Words, lower, term_words};
use crate::inspect::walk::start_of;
use std::ops::Range;

/// Whether what stands around a full name is said of a patient: an age (`, 46,`, `(46)`), what patients do or what is done to
/// them (`c/o`, `tested positive`), what somebody has (`has asthma`), or an act, a question, an order or a heading beside what
/// ails somebody (`admit … for DKA`, `Can … take ibuprofen?`, `start insulin on …`, `…: seizure`).
pub(super) fn is_patients(text: &str, name: &Range<usize>, words: &Words) -> bool {
    let told = Told::of(text, name, words);
    told.is_of_an_age() || told.is_said() || (told.is_told() && !told.is_of_work())
}

/// The same of a name of which the lists know a part alone: never in a sentence of work.
pub(super) fn is_likely_patients(text: &str, name: &Range<usize>, words: &Words) -> bool {
    let told = Told::of(text, name, words);
    !told.is_of_work() && (told.is_of_an_age() || told.is_said() || told.is_told())
}

/// Whether it is said of a full name whose words are all of the language, too, what is said of patients alone: not what a
/// house has or needs. `Hope House has insulin.`
pub(super) fn is_surely_patients(text: &str, name: &Range<usize>, words: &Words) -> bool {
    let said = window_after(text, name.end, SAID_BYTES);
    let mut both = said.trim_start_matches(' ').split(' ').map(|w| w.trim_end_matches([',', '.', ';', ')']));
    let (one, two) = (both.next().unwrap_or_default(), both.next().unwrap_or_default());
    let acts = said.starts_with(' ')
        && (words.patient_acts.contains(one) || words.patient_acts.contains(&format!("{one} {two}")));
    let before = window_before(text, name.start, NEAR_BYTES).trim_end_matches(' ');
    let last = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    let seen = words.sees.contains(&*lower(last, &mut [0; LOWER_BYTES]));
    (acts || seen || bare_age(said).is_some()) && is_patients(text, name, words)
}

/// What is said around a full name.
struct Told<'t> {
    words: &'t Words,
    /// What stands before it in its sentence.
    before: &'t str,
    /// Whether nothing else stands before it in its line, or nothing but a label.
    heads: bool,
    /// What stands behind it, and behind `'s`.
    behind: &'t str,
    /// Whether `'s` does.
    owned: bool,
    /// What of that is in its sentence.
    said: &'t str,
}

impl<'t> Told<'t> {
    fn of(text: &'t str, name: &Range<usize>, words: &'t Words) -> Self {
        let behind = window_after(text, name.end, PATIENT_BYTES);
        let owned = ["'s ", "’s "].iter().find_map(|mark| behind.strip_prefix(mark));
        let (behind, owned) = (owned.unwrap_or(behind), owned.is_some());
        let end = ENDS.iter().filter_map(|end| behind.find(end)).min().unwrap_or(behind.len());
        let window = window_before(text, name.start, NEAR_BYTES);
        let start = ENDS.iter().filter_map(|end| Some(window.rfind(end)? + end.len())).max();
        Self {
            words,
            before: window.get(start.unwrap_or(0)..).unwrap_or_default(),
            heads: heads(text, name.start),
            behind,
            owned,
            said: behind.get(..end).unwrap_or_default(),
        }
    }

    /// Whether an age or a weight stands right behind.
    fn is_of_an_age(&self) -> bool {
        if self.owned {
            return false;
        }
        bare_age(self.behind).is_some()
            || is_weight(self.behind)
            || self.is_behind_an_age()
            || aged(self.behind).is_some_and(|(behind, enclosed)| {
                let capital = enclosed && behind.starts_with(char::is_uppercase);
                (capital || self.tells(first(behind, AGED_WORDS))) && !self.is_of_work()
            })
    }

    /// `44 yo …`, `a 61-year-old woman, …`
    fn is_behind_an_age(&self) -> bool {
        let Some(before) = self.before.strip_suffix(' ') else { return false };
        let mut words = before.rsplit(' ').map(|word| word.trim_end_matches(','));
        let (Some(last), before) = (words.next(), words.next().unwrap_or_default()) else { return false };
        let last = last.to_ascii_lowercase();
        let numbered = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
        self.words.is_individual(&last) && (numbered(&last) || numbered(before))
    }

    /// Whether what patients do, or have, is said right behind.
    fn is_said(&self) -> bool {
        let Some(said) = self.behind.strip_prefix(' ').filter(|_| !self.owned) else { return false };
        let mut buffer = [0; LOWER_BYTES];
        let said = lower(start_of(said, SAID_BYTES), &mut buffer);
        let said = said.split(['.', ';', ':', '\n', '?']).next().unwrap_or_default();
        let mut both = said.split(' ').map(|w| w.trim_end_matches([',', ')']));
        let (one, two) = (both.next().unwrap_or_default(), both.next().unwrap_or_default());
        self.words.patient_acts.contains(one)
            || self.words.patient_acts.contains(&format!("{one} {two}"))
            || (matches!(one, "has" | "had" | "takes" | "took" | "needs" | "needed")
                && !self.is_on_duty()
                && said
                    .split(|c: char| !(c.is_alphanumeric() || c == '-'))
                    .skip(1)
                    .take(HAS_WORDS)
                    .take_while(|w| !EXPERTISE.contains(w))
                    .any(|w| self.words.is_clinical(w) || self.words.telling.contains(w)))
    }

    /// Whether an act before or behind, a question, an order, a dash or `'s` goes with what ails somebody.
    fn is_told(&self) -> bool {
        if self.owned {
            return self.tells(first(self.said, OWNED_WORDS)) || self.is_owned_report() || self.is_relayed();
        }
        self.is_headed()
            || (self.is_act() || self.is_seen() || self.is_asked() || self.is_reached_about())
                && self.tells(self.said)
            || self.is_ordered()
            || self.is_done_for()
            || self.is_relayed()
            || self.is_addressed()
    }

    /// `Saw … today`, `family of …`
    fn is_seen(&self) -> bool {
        let Some(before) = self.before.strip_suffix(' ') else { return false };
        let before = before.to_lowercase();
        before.ends_with("family of") || self.words.sees.contains(last_word(&before))
    }

    /// `… came in with`, `…, seen for`
    fn is_act(&self) -> bool {
        let mut two = term_words(self.said).take(2).map(|(_, word)| word.to_ascii_lowercase());
        let (one, two) = (two.next().unwrap_or_default(), two.next().unwrap_or_default());
        let gap = self.said.len() - self.said.trim_start_matches([' ', ',', '(', ')']).len();
        (1..=2).contains(&gap)
            && !self.is_on_duty()
            && (self.words.told_acts.contains(&one) || self.words.told_acts.contains(&format!("{one} {two}")))
    }

    /// Whether who is named has to do with what ails others: `is on call for stroke`, `takes sepsis calls`, `has a trial for
    /// lymphoma`, `needs insulin for the crash cart`.
    fn is_on_duty(&self) -> bool {
        let end = [",", " and "].iter().filter_map(|end| self.said.find(end)).min();
        let said = self.said.get(..end.unwrap_or(self.said.len())).unwrap_or_default();
        let said = first(said, DUTY_WORDS);
        let mut last = "";
        term_words(said).any(|(_, word)| {
            let last = std::mem::replace(&mut last, word);
            let follows = |before: &[&str]| before.iter().any(|own| last.eq_ignore_ascii_case(own));
            match &*lower(word, &mut [0; LOWER_BYTES]) {
                "call" | "duty" => follows(&["on"]),
                "calls" => self.words.is_clinical(&lower(last, &mut [0; LOWER_BYTES])) || self.tells(last),
                "for" => follows(&["trial", "trials"]),
                _ => false,
            }
        }) || self.words.work.has(said)
    }

    /// Whether somebody asks what who is named may or should do: `Can … take`, `Should … stop`.
    fn is_asked(&self) -> bool {
        let Some(before) = self.before.strip_suffix(' ') else { return false };
        let asks = ASKS.contains(&&*last_word(before).to_ascii_lowercase());
        asks && self.is_done(self.said.trim_start_matches(' '))
    }

    /// Whether who is named is to be told what to do, or of a result: `Tell … to stop`, `Call … about the`.
    fn is_reached_about(&self) -> bool {
        let Some(before) = self.before.strip_suffix(' ') else { return false };
        let Some((small, rest)) = self.said.trim_start_matches(' ').split_once(' ') else { return false };
        let about = match small {
            "to" => self.is_done(rest),
            "about" => self.is_result(rest),
            _ => false,
        };
        about && REACHES.contains(&&*last_word(before).to_ascii_lowercase()) && !self.is_of_another()
    }

    /// Whether a text is of a result or of what ails somebody, and of nothing else: `the abnormal mammogram`.
    fn is_result(&self, text: &str) -> bool {
        let end = [",", ".", " and ", " on ", " from "].iter().filter_map(|end| text.find(end)).min();
        let thing = text.get(..end.unwrap_or(text.len())).unwrap_or_default();
        let last = last_word(thing.trim_end_matches(' '));
        let results = matches!(last, "result" | "results");
        self.tells(if results { thing } else { last }) && term_words(thing).count() <= RESULT_WORDS
    }

    /// Whether a text begins with what patients do.
    fn is_done(&self, text: &str) -> bool {
        let word = term_words(text).next().map_or("", |(_, word)| word);
        self.words.patient_does.contains(&*lower(word, &mut [0; LOWER_BYTES]))
    }

    /// Whether an order, a dose or a result before goes to who is named: `start insulin on …`, `dose of amoxicillin for …`,
    /// `Lab called: K 6.8 on …`.
    fn is_ordered(&self) -> bool {
        let Some((line, small)) = self.before.strip_suffix(' ').and_then(|before| before.rsplit_once(' '))
        else {
            return false;
        };
        let ordered =
            |(_, word): (usize, &str)| self.words.order_acts.contains(&*lower(word, &mut [0; LOWER_BYTES]));
        let is_order = || term_words(line).any(ordered) || line.to_ascii_lowercase().contains("d/c");
        // `K 6.8`, `troponin positive`
        let value = last_of(line);
        let is_number = value.contains('.') && value.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let is_value = is_number || FOUND.contains(&value);
        match small {
            "on" if is_value => self.tells(line) || is_number && is_order(),
            "on" | "for" | "in" => is_order() && self.tells(line),
            _ => false,
        }
    }

    /// Whether what one patient gets is for who is named: `Rx for … sent`, `EKG on …: STEMI`.
    fn is_done_for(&self) -> bool {
        let Some((line, small)) = self.before.strip_suffix(' ').and_then(|before| before.rsplit_once(' '))
        else {
            return false;
        };
        let order = last_of(line).trim_start_matches(|c: char| !c.is_alphanumeric());
        (matches!(small, "for" | "of") || small == "on" && self.behind.starts_with(':'))
            && self.words.orders.contains(&*lower(order, &mut [0; LOWER_BYTES]))
    }

    /// Whether who is named is told of his or her own health: `Text … that her biopsy is benign`, `How do I tell …'s family
    /// that he has ALS?`
    fn is_relayed(&self) -> bool {
        let last = last_word(self.before.trim_end_matches(' '));
        let clause = self.said.split_once("that ").filter(|(lead, _)| lead.split_whitespace().count() < 2);
        clause.is_some_and(|(_, clause)| ONES.contains(&head_word(clause)) && self.tells(clause))
            && self.words.relays.contains(&*lower(last, &mut [0; LOWER_BYTES]))
    }

    /// Whether a letter tells whom it is for of something of theirs: `Dear …, your biopsy was positive`, `…, you have a DVT`.
    fn is_addressed(&self) -> bool {
        let last = last_word(self.before.trim_end_matches(' '));
        let greets =
            GREETINGS.contains(&&*lower(last, &mut [0; LOWER_BYTES])) || self.behind.starts_with(", you");
        greets && {
            let behind = self.behind.to_lowercase();
            let mut theirs = THEIRS.iter().filter_map(|word| behind.split_once(word));
            theirs.any(|(_, theirs)| self.tells(first(theirs, ADDRESSED_WORDS)))
                && !is_of_work(&behind, self.words)
        }
    }

    /// Whether what ails somebody is all that is said of who is named, at the head of a line: `… - breast cancer`, `…: seizure`,
    /// `… HIV positive`.
    fn is_headed(&self) -> bool {
        if [" - ", " – ", " — "].iter().any(|dash| self.said.starts_with(dash)) {
            return self.tells(first(self.said, HEADED_WORDS));
        }
        let said = |mark: &str, ends: &[&str]| {
            let said = self.behind.strip_prefix(mark).filter(|_| self.heads)?;
            let end = ends.iter().filter_map(|end| said.find(end)).min().unwrap_or(said.len());
            said.get(..end)
        };
        // A sentence is said by who is named, or of what is there: `Anna Kowalski: MRI is down`.
        let is_list = |said: &str| {
            let verbs = |(_, word): (usize, &str)| VERBS.contains(&&*lower(word, &mut [0; LOWER_BYTES]));
            !term_words(said).any(verbs) && !is_of_work(said, self.words)
        };
        let told = |mark, ends, count| {
            said(mark, ends).is_some_and(|said| self.tells(first(said, count)) && is_list(said))
        };
        told(": ", ENDS, HEADED_WORDS) || told("; ", &[". ", "\n", "?"], LISTED_WORDS) || told(" ", ENDS, 1)
    }

    /// `'s pathology report: invasive carcinoma`
    fn is_owned_report(&self) -> bool {
        let mut clinical = term_words(self.said).map(|(_, word)| word.to_lowercase());
        clinical.next().is_some_and(|word| self.words.is_clinical(&word))
            && clinical.any(|word| self.words.is_clinical(&word))
    }

    /// Whether one word of a text tells health.
    fn tells(&self, part: &str) -> bool {
        let telling =
            |(_, word): (usize, &str)| self.words.telling.contains(&*lower(word, &mut [0; LOWER_BYTES]));
        self.words.named.has(part) || term_words(part).any(telling)
    }

    /// Whether the sentence speaks of somebody else who is cared for.
    fn is_of_another(&self) -> bool {
        term_words(self.said).any(|(_, word)| matches!(&*word.to_lowercase(), "patient" | "pt" | "patient's"))
    }

    /// Whether the sentence is of work, of learning or of public life; the word for what is done to who is named says nothing of
    /// that: `Book …`.
    fn is_of_work(&self) -> bool {
        let before = if self.is_seen() { without_last(self.before) } else { self.before };
        is_of_work(self.said, self.words) || is_of_work(before, self.words)
    }
}

/// Whether a text is of work, of learning or of public life. `in clinic today`, `to the hospital`: where somebody was seen is no
/// work of theirs.
pub(super) fn is_of_work(text: &str, words: &Words) -> bool {
    let mut before = String::new();
    term_words(text).any(|(_, word)| {
        let word = word.to_lowercase();
        let seen_at = words.offices.contains(&word) && PLACED.contains(&&*before);
        let is_works = !seen_at && (words.matters.contains(&word) || words.systems.contains(&word));
        before = word;
        is_works
    })
}

/// Whether nothing stands before a place in its line but marks, numbers and labels: `Subject: FW: `, `1. `, `A: `.
fn heads(text: &str, at: usize) -> bool {
    let before = window_before(text, at, NEAR_BYTES);
    let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
    if line.len() == before.len() && before.len() < at {
        return false;
    }
    let label = line.trim_end_matches(|c: char| !c.is_alphanumeric());
    let gap = line.get(label.len()..).unwrap_or_default();
    !label.contains(|c: char| c.is_alphabetic())
        || (gap.contains([':', '=']) || gap.contains(" - "))
            && term_words(label).count() <= LABEL_WORDS_MAX
            && !label.contains(['.', ';', '?', '!'])
}

/// What stands behind the last blank of a text.
fn last_of(text: &str) -> &str {
    text.rsplit(' ').next().unwrap_or_default()
}

/// What stands before the last word of a text.
fn without_last(text: &str) -> &str {
    text.trim_end_matches(' ').rsplit_once(' ').map_or("", |(before, _)| before)
}

/// The last word of a text.
fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

/// The first words of a text, and what stands between.
fn first(text: &str, count: usize) -> &str {
    let end = term_words(text).nth(count).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// Whether the full name at `name` is a patient's by what introduces it, or by what is said of it.
pub(in crate::inspect) fn is_patient(text: &str, name: &Range<usize>, words: &Words) -> bool {
    let before = window_before(text, name.start, CUE_BYTES);
    let mut buffer = [0; LOWER_BYTES];
    let before = lower(before, &mut buffer);
    let relative = || {
        let last = before.trim_end_matches([' ', ',', ':']).rsplit(|c: char| !c.is_alphanumeric()).next();
        last.is_some_and(|word| words.is_individual(word) && !matches!(word, "mr" | "mrs" | "ms"))
    };
    match words.cue(&before) {
        Some(Cue::Person) => true,
        Some(Cue::Intro) if relative() => true,
        Some(Cue::Label) if is_described(text, name) => true,
        Some(Cue::Provider | Cue::Staff | Cue::ThingsName | Cue::ProvidersName) => false,
        _ => {
            let aged = || {
                let behind = window_after(text, name.end, AFTER_BYTES);
                is_age(behind.trim_start_matches([' ', ',', '(']))
            };
            (aged() || is_patients(text, name, words)) && !is_public(text, name, words)
        }
    }
}

/// Whether the line goes on behind a name with a label of what somebody is: `Sex:F Age:40`.
fn is_described(text: &str, name: &Range<usize>) -> bool {
    let behind = window_after(text, name.end, DESCRIBED_BYTES).split('\n').next().unwrap_or_default();
    tokens(behind).any(|(at, word)| {
        let marked = behind.get(at + word.len()..).is_some_and(|rest| rest.starts_with([':', '=']));
        marked && ["sex", "gender", "age"].iter().any(|label| word.eq_ignore_ascii_case(label))
    })
}

/// The age that stands alone behind a name, between commas or in brackets: not where a page or a second number follows.
fn bare_age(behind: &str) -> Option<u8> {
    let (rest, close) = match behind.strip_prefix(" (") {
        Some(rest) => (rest, ')'),
        None => (behind.strip_prefix(", ")?, ','),
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let age = rest.get(..digits)?.parse().ok().filter(|age| (1..=109).contains(age))?;
    let behind = rest.get(digits..)?.strip_prefix(close)?;
    let word = behind.strip_prefix(' ')?;
    (!rest.starts_with('0') && word.starts_with(|c: char| c.is_lowercase())).then_some(age)
}

/// What stands behind an age that stands alone behind a name, and whether commas or brackets enclose that: `, 61, HIV`,
/// ` 61 HIV`.
fn aged(behind: &str) -> Option<(&str, bool)> {
    let (rest, close) = match (behind.strip_prefix(" ("), behind.strip_prefix(", ")) {
        (Some(rest), _) => (rest, ')'),
        (_, Some(rest)) => (rest, ','),
        _ => (behind.strip_prefix(' ')?, ','),
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..digits)?.parse::<u8>().ok().filter(|age| (1..=109).contains(age))?;
    let behind = rest.get(digits..)?;
    let closed = behind.strip_prefix(close);
    let word = closed.unwrap_or(behind).strip_prefix(' ')?;
    (!rest.starts_with('0')).then_some((word, closed.is_some()))
}

/// Whether a weight stands right behind a name: `, 12 kg`.
fn is_weight(behind: &str) -> bool {
    let rest = behind.strip_prefix(", ").or_else(|| behind.strip_prefix(" ("));
    let Some(rest) = rest.filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) else { return false };
    let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start_matches(' ');
    let behind = ["kg", "kilos", "lbs", "lb", "pounds"].iter().find_map(|word| unit.strip_prefix(word));
    behind.is_some_and(|behind| !behind.starts_with(|c: char| c.is_alphanumeric() || c == ' '))
}

/// How far behind a name what ails somebody is looked for.
const PATIENT_BYTES: usize = 120;
/// What letters and messages begin with, before a name.
const GREETINGS: &[&str] = &["dear", "hello", "hi"];
/// Behind one of these stands what is of whom a letter is for.
const THEIRS: &[&str] = &[" your ", "\nyour ", " you have ", "\nyou have ", " you had ", " you need "];
/// How many words behind are looked at for what that is.
const ADDRESSED_WORDS: usize = 3;
/// How far behind a name what is said of a patient is looked for.
const SAID_BYTES: usize = 60;
/// Words behind `'s` of which one says what ails somebody.
const OWNED_WORDS: usize = 3;
/// Where a sentence ends, as far as names go.
const ENDS: &[&str] = &[". ", ".\n", "\n", ";", "?", "!"];
/// Words behind an age of which one says what ails somebody.
const AGED_WORDS: usize = 2;
/// Words behind a semicolon of which one does.
const LISTED_WORDS: usize = 6;
/// The longest name of a result.
const RESULT_WORDS: usize = 4;
/// What a test is found to be, right before `on` and a name.
const FOUND: &[&str] = &["abnormal", "critical", "elevated", "high", "low", "negative", "positive"];
/// Verbs of sentences; lists of findings have none.
const VERBS: &[&str] = &["are", "is", "was", "were", "will"];
/// The longest label before a name that heads a line.
const LABEL_WORDS_MAX: usize = 4;
/// Words right before a full name of whom a question is.
const ASKS: &[&str] =
    &["can", "could", "did", "does", "has", "is", "may", "might", "should", "was", "will", "would"];
/// Words right before the name of whom a clinician wants told something.
const REACHES: &[&str] =
    &["advise", "call", "inform", "instruct", "message", "notify", "phone", "remind", "tell", "text"];
/// Words before the place where somebody was seen.
const PLACED: &[&str] = &["in", "at", "to", "from", "the", "our"];
/// Words for one who was named before.
const ONES: &[&str] = &["she", "he", "her", "his"];
/// How far behind a labelled name the labels of sex and age are looked for.
const DESCRIBED_BYTES: usize = 40;
/// What somebody has who knows about a disease: `20 years of experience in diabetes education`.
const EXPERTISE: &[&str] = &["experience", "expertise", "background", "interest", "interests"];
/// How many words behind a name say that its owner is on duty.
const DUTY_WORDS: usize = 8;
/// Words behind a dash of which one does.
const HEADED_WORDS: usize = 4;
/// Words behind `has` of which one is of clinical content.
const HAS_WORDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_without_a_unit_stands_alone() {
        for (behind, age) in [
            (", 46, has asthma", Some(46)),
            (" (46) came in", Some(46)),
            (" (7) c/o pain", Some(7)),
            (", 46, 233-239", None),
            (" (46)", None),
            (" (46), (47)", None),
            (", 462, of", None),
            (", 046, of", None),
            (" 46, of", None),
        ] {
            assert_eq!(bare_age(behind), age, "{behind}");
        }
    }
}
