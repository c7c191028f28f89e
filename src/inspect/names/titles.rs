//! Titles and departments beside a name: `Caleb Kapoor, HR Manager, 602-302-3417` works there, and is nobody.
//!
//! - A title is behind the name, on the line below it, or right before it: a word for a job with nothing but ranks and
//!   departments before it, or a department that treats nobody. What somebody does for a living elsewhere is no title.
//! - The author whom to write to about a publication has one, too. A clinical word in the name of a service (`asthma program`)
//!   tells nobody's health.
//! - Whoever may be cared for stays one: where health or a word for an individual is told in the sentence, or health behind it,
//!   or both anywhere in the text. Where the text is about work (`work.rs`), health says nothing of them.
//! - In doubt: an individual's.

use super::beside::{is_contact, is_name, tokens};
use super::words::{Cue, LOWER_BYTES, Words, lower};
use super::work::is_of_work;
use super::{folded, window_after, window_before};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::text::Hit;
use crate::inspect::walk::is_a_private_mailbox;
use std::ops::Range;

/// Takes the names and contacts of those out who have a title; `hits` are in order and don't overlap.
pub(super) fn leave(text: &str, hits: &mut Vec<Hit>, words: &Words) {
    // Each title asks the text behind it.
    if text.len() > TEXT_BYTES_MAX {
        return;
    }
    let places: Vec<Range<usize>> =
        hits.iter().filter(|hit| hit.kind == Kind::Facility).map(|hit| hit.span.clone()).collect();
    let titled: Vec<Titled> = hits
        .iter()
        .filter(|hit| is_name(hit.kind) && hit.points > Points(0))
        .filter_map(|hit| Titled::of(text, &hit.span, words))
        .take(TITLED_MAX)
        .collect();
    if titled.is_empty() {
        return;
    }
    let works = is_of_work(text, words);
    let titled: Vec<Titled> =
        titled.into_iter().filter(|titled| titled.is_nobody(text, &places, works, words)).collect();
    if titled.is_empty() || !(works || titled.iter().all(|t| t.leads) || !tells_of_somebody(text, words)) {
        return;
    }
    let value = |hit: &Hit| text.get(hit.span.clone()).unwrap_or_default();
    let mut left = vec![false; hits.len()];
    for Titled { name, title, .. } in &titled {
        let called = folded(text.get(name.clone()).unwrap_or_default());
        let own = |hit: &Hit| is_name(hit.kind) && folded(value(hit)) == called;
        let mine: Vec<usize> = (0..hits.len()).filter(|at| hits.get(*at).is_some_and(own)).collect();
        let spoken = mine.iter().filter_map(|at| hits.get(*at)).any(|hit| {
            hit.span != *name && tells(text, sentence(text, &hit.span), &[], words) != Tells::Nothing
        });
        if spoken {
            continue;
        }
        let from = name.end.max(title.end);
        let end = reached_to(text, from, words);
        let behind = hits.partition_point(|hit| hit.span.start < name.end);
        let contacts: Vec<usize> = (behind..hits.len())
            .take_while(|at| {
                hits.get(*at).is_some_and(|hit| hit.span.start < end && (!is_name(hit.kind) || own(hit)))
            })
            .filter(|at| hits.get(*at).is_some_and(|hit| is_contact(hit.kind)))
            .collect();
        let private = |at: &usize| {
            hits.get(*at).is_some_and(|hit| hit.kind == Kind::Email && is_a_private_mailbox(value(hit)))
        };
        if contacts.iter().any(private) {
            continue;
        }
        for at in mine.into_iter().chain(contacts) {
            if let Some(slot) = left.get_mut(at) {
                *slot = true;
            }
        }
    }
    let mut left = left.into_iter();
    hits.retain(|_| !left.next().unwrap_or_default());
}

/// A name with a title.
struct Titled {
    name: Range<usize>,
    title: Range<usize>,
    /// Whether who has it leads a meeting: what is told there is of others.
    leads: bool,
}

impl Titled {
    fn of(text: &str, name: &Range<usize>, words: &Words) -> Option<Self> {
        let titled = |title, leads| Some(Self { name: name.clone(), title, leads });
        // A name in the form of registers runs into a title: `Caleb Kapoor, Research Coordinator`.
        let within = text.get(name.clone())?;
        if let Some((own, rest)) = within.split_once(", ")
            && own.contains(' ')
            && let Some(length) = title(text.get(name.end - rest.len()..)?, words)
        {
            let start = name.end - rest.len();
            return titled(start..start + length, false);
        }
        let behind = window_after(text, name.end, TITLE_BYTES_MAX);
        let gap =
            behind.len() - behind.trim_start_matches([' ', ',', '(', '|', '-', '–', '—', '\r', '\n']).len();
        let separator = behind.get(..gap).unwrap_or_default();
        let below = separator.matches('\n').count();
        if !separator.trim_matches(' ').is_empty() && below < 2 {
            let start = name.end + gap;
            let rest = behind.get(gap..).unwrap_or_default();
            // What stands on the line below is a title where the name has a line, or the end of one, to itself.
            if let Some(length) = title(rest, words) {
                return titled(start..start + length, false);
            }
            let first = head(rest);
            let is_chair = || words.chairs.contains(&*lower(first, &mut [0; LOWER_BYTES]));
            if separator.contains('(')
                && rest.get(first.len()..).is_some_and(|t| t.starts_with(')'))
                && is_chair()
            {
                return titled(start..start + first.len(), true);
            }
        }
        let before = window_before(text, name.start, TITLE_BYTES_MAX);
        // An entry of a directory: `cn=Caleb Kapoor,ou=Nursing,dc=mercy`.
        let is = |text: &str, words: &[&str]| words.iter().any(|word| text.starts_with(word));
        if before.ends_with("cn=") || before.ends_with("CN=") {
            let entry = is(behind, &[",ou=", ",OU=", ",dc=", ",DC=", ",o=", ",O="]);
            return if entry { titled(name.end..name.end, false) } else { None };
        }
        if is_an_author(before, behind) {
            return titled(name.start..name.start, true);
        }
        // Who signed in: `name="Caleb Kapoor" role=nurse`.
        let line = behind.split('\n').next().unwrap_or_default();
        if let Some((between, role)) = line.split_once("role=") {
            let quote = usize::from(role.starts_with('"'));
            let role = head(role.get(quote..).unwrap_or_default());
            let cue = words.cue(&format!("{}: ", role.to_lowercase()));
            let start = name.end + between.len();
            if matches!(cue, Some(Cue::Provider | Cue::Staff)) {
                return titled(start..start + "role=".len() + quote + role.len(), false);
            }
        }
        let length = title_before(before, words)?;
        let next = lower(head(behind.trim_start_matches(' ')), &mut [0; LOWER_BYTES]).into_owned();
        // `CEO Caleb Kapoor called the result encouraging`: who speaks for a company says something.
        let speaks = || {
            let title = before.get(before.len() - length..).unwrap_or_default().trim_end_matches([' ', ':']);
            SPEAKS.contains(&&*next) && words.callings.contains(&*lower(title, &mut [0; LOWER_BYTES]))
        };
        let acts = behind.starts_with(' ') && words.acts.contains(&*next) && !speaks();
        if acts { None } else { titled(name.start - length..name.start, false) }
    }

    /// Whether nothing in its sentence or behind it says that somebody is cared for.
    fn is_nobody(&self, text: &str, places: &[Range<usize>], works: bool, words: &Words) -> bool {
        let whole = self.name.start.min(self.title.start)..self.name.end.max(self.title.end);
        let sentence = sentence(text, &whole);
        let told = tells(text, sentence, std::slice::from_ref(&self.title), words);
        (told == Tells::Nothing || works && told == Tells::Health)
            && (self.leads
                || works
                || !matches!(tells(text, whole.end..text.len(), places, words), Tells::Health | Tells::Both))
    }
}

/// Whether who is named answers for a publication, by mail, at the head of a sentence: `Correspondence to Caleb Kapoor, …@…`.
/// What is told there is of others.
fn is_an_author(before: &str, behind: &str) -> bool {
    let Some(lead) = AUTHORS.iter().find_map(|cue| before.strip_suffix(cue)) else { return false };
    let sentence = behind.get(..super::beside::sentence_end(behind, 0)).unwrap_or_default();
    sentence.contains('@') && (lead.is_empty() || lead.ends_with(['\n', '*']) || lead.ends_with(". "))
}

/// The length of a title at the start of `rest`.
fn title(rest: &str, words: &Words) -> Option<usize> {
    let mut ranked = false;
    let mut last = 0;
    for (number, (at, word)) in tokens(rest).take(TITLE_WORDS_MAX).enumerate() {
        let between = rest.get(last..at).unwrap_or_default();
        let joined = number == 0 || matches!(between, " " | " & " | " - ");
        if !joined || (number == 0 && at > 0) {
            return None;
        }
        let mut buffer = [0; LOWER_BYTES];
        let own = lower(word, &mut buffer);
        let end = at + word.len();
        let behind = rest.get(end..).unwrap_or_default();
        // The last word: nothing of the same phrase goes on behind it, unless it says of what.
        let closes = !behind.starts_with(' ') || goes_on_elsewhere(behind.trim_start_matches(' '));
        if words.callings.contains(&*own) && closes {
            return Some(end);
        }
        if words.jobs.contains(&*own) && closes {
            let of = behind.trim_start_matches([',', ' ', '-']);
            let of = of.strip_prefix("of ").or(of.strip_prefix("for ")).unwrap_or(of);
            let department = || {
                words.ranks.contains(&*lower(head(of), &mut [0; LOWER_BYTES]))
                    || is_department(head(of), words)
            };
            if ranked || (word.starts_with(char::is_uppercase) && department()) {
                return Some(end);
            }
        }
        let ends = behind.is_empty() || behind.starts_with([',', ')', '\n', '\r', ';', '|', '.']);
        if ends && is_department(word, words) {
            return Some(end);
        }
        if !words.ranks.contains(&*own) {
            return None;
        }
        ranked = true;
        last = end;
    }
    None
}

/// The length of a title that ends right before a name: `AP contact `, `Vendor rep `.
fn title_before(before: &str, words: &Words) -> Option<usize> {
    let phrase = before.strip_suffix(": ").or(before.strip_suffix(' '))?;
    let mut last = phrase.len();
    let mut found = None;
    for (number, word) in phrase.rsplit(' ').take(TITLE_WORDS_MAX).enumerate() {
        let mut buffer = [0; LOWER_BYTES];
        let own = lower(word, &mut buffer);
        let start = last.checked_sub(word.len())?;
        match number {
            0 if words.callings.contains(&*own) => return Some(before.len() - start),
            0 if words.jobs.contains(&*own) => {}
            0 => return None,
            _ if words.ranks.contains(&*own) => found = Some(before.len() - start),
            _ => break,
        }
        last = start.saturating_sub(1);
    }
    found
}

/// Whether a title ends right before `name`.
pub(in crate::inspect) fn is_titled(text: &str, name: &Range<usize>, words: &Words) -> bool {
    title_before(window_before(text, name.start, TITLE_BYTES_MAX), words).is_some()
}

/// Whether a capitalised word is a department's that treats nobody.
fn is_department(word: &str, words: &Words) -> bool {
    word.starts_with(char::is_uppercase) && words.departments.contains(&*lower(word, &mut [0; LOWER_BYTES]))
}

/// Whether what stands behind a blank begins no further word of a title.
fn goes_on_elsewhere(behind: &str) -> bool {
    let word = head(behind);
    word.is_empty()
        || word.starts_with(|c: char| c.is_ascii_digit())
        // `Integration Analyst II`
        || matches!(word, "I" | "II" | "III" | "IV")
        || ["of", "for", "at", "in", "with", "and", "on", "ext", "x", "or", "is", "will", "to", "from"]
            .iter()
            .any(|other| word.eq_ignore_ascii_case(other))
}

fn head(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '-')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The line or sentence around a place, as far as titles go.
fn sentence(text: &str, at: &Range<usize>) -> Range<usize> {
    let before = window_before(text, at.start, SENTENCE_BYTES_MAX);
    let start =
        [". ", "? ", "! ", "\n", "; "].iter().filter_map(|end| Some(before.rfind(end)? + end.len())).max();
    at.start - (before.len() - start.unwrap_or(0))..super::beside::sentence_end(text, at.end)
}

/// Where what reaches somebody with a title ends: at a blank line, or a word for an individual.
fn reached_to(text: &str, from: usize, words: &Words) -> usize {
    let rest = window_after(text, from, REACHED_BYTES_MAX);
    let rest = rest.split("\n\n").next().unwrap_or_default();
    let stop = tokens(rest).find(|(_, word)| {
        let mut buffer = [0; LOWER_BYTES];
        let word = lower(word, &mut buffer);
        words.is_individual(&word) || words.papers.contains(&*word) || words.at_home.contains(&*word)
    });
    from + stop.map_or(rest.len(), |(at, _)| at)
}

/// What words of a text tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Nothing,
    /// Of an individual.
    Somebody,
    /// Of health, or of what is done about it.
    Health,
    Both,
}

fn tells(text: &str, span: Range<usize>, but: &[Range<usize>], words: &Words) -> Tells {
    let part = text.get(span.clone()).unwrap_or_default();
    let (mut somebody, mut health) = (false, false);
    for (at, word) in tokens(part) {
        if but.iter().any(|but| but.contains(&(span.start + at))) {
            continue;
        }
        let mut buffer = [0; LOWER_BYTES];
        let word = lower(word, &mut buffer);
        let generic = || is_generic(&word, part.get(at + word.len()..).unwrap_or_default());
        somebody |= (words.is_individual(&word) && !generic()) || words.at_home.contains(&*word);
        health |= (words.is_clinical(&word) || words.telling.contains(&*word))
            && !names_a_service(part.get(at + word.len()..).unwrap_or_default());
    }
    match (somebody, health) {
        (true, true) => Tells::Both,
        (true, false) => Tells::Somebody,
        (false, true) => Tells::Health,
        (false, false) => Tells::Nothing,
    }
}

/// Whether what stands behind a clinical word makes it the name of a service: `asthma program`, `insulin pump training`.
pub(super) fn names_a_service(behind: &str) -> bool {
    let mut last = 0;
    tokens(behind).take(SERVICE_WORDS_MAX).any(|(at, word)| {
        let joined = behind.get(last..at) == Some(" ");
        last = if joined { at + word.len() } else { behind.len() };
        joined && SERVICES.iter().any(|service| word.eq_ignore_ascii_case(service))
    })
}

/// Whether a word for an individual is said of all patients: `patient safety`.
pub(super) fn is_generic(word: &str, behind: &str) -> bool {
    word == "patient"
        && GENERIC.contains(&&*lower(head(behind.trim_start_matches(' ')), &mut [0; LOWER_BYTES]))
}

/// Whether a text speaks of an individual and of health, or of an errand of theirs: `my refill`.
fn tells_of_somebody(text: &str, words: &Words) -> bool {
    let errand = || {
        tokens(text).any(|(_, word)| {
            let mut buffer = [0; LOWER_BYTES];
            words.papers.contains(&*lower(word, &mut buffer))
        })
    };
    match tells(text, 0..text.len(), &[], words) {
        Tells::Both => true,
        Tells::Somebody => errand(),
        Tells::Health | Tells::Nothing => false,
    }
}

/// What stands before the name of who answers for a publication.
const AUTHORS: &[&str] = &[
    "Correspondence to ",
    "Correspondence to: ",
    "Correspondence: ",
    "Corresponding author: ",
    "Corresponding Author: ",
];
/// What is reported of whoever has a title.
pub(super) const SPEAKS: &[&str] = &["called", "said", "says", "told"];
/// What an organisation runs about what ails people.
const SERVICES: &[&str] =
    &["program", "programme", "programmes", "programs", "registry", "training", "trainings"];
/// A clinical word and a service have one word between them at most.
const SERVICE_WORDS_MAX: usize = 2;
/// What is said of all patients.
const GENERIC: &[&str] = &["access", "data", "experience", "information", "safety", "services"];
/// In longer paragraphs, and of more names in one, each stays somebody.
const TEXT_BYTES_MAX: usize = 8 << 10;
const TITLED_MAX: usize = 32;
/// How far a title is read.
const TITLE_BYTES_MAX: usize = 80;
/// Words of one.
const TITLE_WORDS_MAX: usize = 6;
/// How far back the sentence of a name is followed.
const SENTENCE_BYTES_MAX: usize = 240;
/// How far behind a title what reaches somebody is looked for.
const REACHED_BYTES_MAX: usize = 240;

#[cfg(test)]
mod tests {
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn points(text: &str) -> u16 {
        let hits = scan(text, "", RuleSet::built_in());
        hits.iter()
            .filter(|hit| super::is_name(hit.kind) || super::is_contact(hit.kind))
            .map(|h| h.points.0)
            .sum()
    }

    #[test]
    fn whoever_has_a_title_works_there() {
        for text in [
            "Contact: Priscilla Hahn, HR Manager, (602) 302-3417.",
            "Contact: Priscilla Hahn, Nurse Recruiter, (602) 302-3417.",
            "Contact: Priscilla Hahn, Purchasing, (602) 302-3417.",
            "Contact: Priscilla Hahn (Research Coordinator), (602) 302-3417.",
            "Forms are in the binder.\nThanks,\nPriscilla Hahn\nClinical Informatics Specialist\no: 602-302-3417",
            "The tab is blank.\nRegards,\nPriscilla Hahn\nSenior Analyst, Revenue Cycle\npriscilla.hahn@spregional.org | 602-302-3417",
            "Can we meet about the dashboard?\nPriscilla Hahn\nDirector, Analytics\n602-302-3417",
            "New user: Priscilla Hahn, phlebotomist, priscilla.hahn@spregional.org",
            "Due 5/6/2023. AP contact Priscilla Hahn (602) 302-3400.",
            "level=info msg=\"login\" name=\"Priscilla Hahn\" role=nurse",
            "ldap: cn=Priscilla Hahn,ou=Nursing,dc=mercy,dc=net mail=phahn@mercy.net telephoneNumber=602-302-3417",
            "Sales rep Priscilla Hahn, 602-302-3400, priscilla.hahn@spregional.org",
            "Care coordinator: Priscilla Hahn, priscilla.hahn@spregional.org, asthma program",
            "Nurse manager Priscilla Hahn, 602-302-3417, handles insulin pump training.",
            "Thanks,\nPriscilla Hahn\nStroke Coordinator",
            "Correspondence to Priscilla Hahn, priscilla.hahn@spregional.org. Background: Asthma in her patients.",
        ] {
            assert_eq!(points(text), 0, "{text}");
        }
    }

    #[test]
    fn whoever_is_cared_for_stays_one_whatever_his_title() {
        for text in [
            "Patient: Priscilla Hahn, HR Manager, (602) 302-3417.",
            "Contact: Priscilla Hahn, HR Manager, diabetic, (602) 302-3417.",
            "Contact: Priscilla Hahn, HR Manager, DOB 3/4/1971, (602) 302-3417.",
            "Contact: Priscilla Hahn, HR Manager, (602) 302-3417. Has pneumonia.",
            "My refill hasn't come.\nThanks,\nPriscilla Hahn\nProject Manager\n602-302-3417",
            "Contact: Priscilla Hahn, HR Manager, (602) 302-3417, priscilla.hahn@gmail.com",
            // What anybody does, and what anybody is treated by.
            "Contact: Priscilla Hahn, engineer, (602) 302-3417",
            "Contact: Priscilla Hahn, Cardiology, (602) 302-3417",
            "Contact: Priscilla Hahn, lab results, (602) 302-3417",
            "Care coordinator: Priscilla Hahn, priscilla.hahn@spregional.org, asthma on prednisone",
            "Send correspondence to Priscilla Hahn, priscilla.hahn@spregional.org. Asthma",
            "Correspondence to Priscilla Hahn, priscilla.hahn@gmail.com. Asthma",
            // Somebody else's.
            "Lab Manager Anna Kowalski: call Priscilla Hahn, 602-302-3417",
            "Emergency contact Priscilla Hahn, 602-302-3417",
        ] {
            assert!(points(text) >= 80, "{text}: {}", points(text));
        }
    }
}
