//! What stands beside what was found in a text: a telephone number right behind a name is that person's, and the address of
//! an office is nobody's.

use super::after::{tokens_of, window_after};
use super::list::Lists;
use super::window_before;
use super::words::{LOWER_BYTES, Words, lower};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::text::Hit;
use crate::inspect::walk::start_of;
use std::cell::LazyCell;
use std::collections::HashSet;
use std::ops::Range;

/// Weighs hits of one text, in order and without overlaps, by what stands beside them.
pub(in crate::inspect) fn beside(text: &str, mut hits: Vec<Hit>, words: &Words) -> Vec<Hit> {
    if hits.iter().any(|hit| is_contact(hit.kind)) {
        name_contacts(text, &mut hits);
        super::staff::leave(text, &mut hits, words);
        leave_offices(text, &mut hits, words);
        unlabel_offices(text, &mut hits, words);
    } else if hits.iter().any(|hit| is_name(hit.kind)) && !hits.iter().any(is_numbered) {
        super::titles::leave(text, &mut hits, words);
    }
    hits
}

/// A number right behind a name, and an address with the name in its mailbox, need no label.
fn name_contacts(text: &str, hits: &mut [Hit]) {
    let names: Vec<Range<usize>> =
        hits.iter().filter(|hit| is_name(hit.kind)).map(|hit| hit.span.clone()).collect();
    // Asked for by mail addresses alone.
    let parts = LazyCell::new(|| -> HashSet<String> {
        let own = names.iter().filter_map(|name| text.get(name.clone()));
        own.flat_map(super::folded).filter(|part| part.len() >= NAME_BYTES_MIN).collect()
    });
    for hit in hits.iter_mut().filter(|hit| !hit.labelled) {
        let own = match hit.kind {
            Kind::Phone => {
                let before = names.partition_point(|name| name.end <= hit.span.start);
                before.checked_sub(1).and_then(|at| names.get(at)).is_some_and(|name| {
                    let between = text.get(name.end..hit.span.start);
                    between.is_some_and(|t| t.len() <= GAP_BYTES_MAX && t.chars().all(is_gap))
                })
            }
            Kind::Email => {
                let value = text.get(hit.span.clone()).unwrap_or_default();
                let mailbox = value.split('@').next().unwrap_or_default().to_lowercase();
                let mailbox = start_of(&mailbox, MAILBOX_BYTES_MAX);
                let has_from = |from: usize| {
                    (from + NAME_BYTES_MIN..=mailbox.len())
                        .any(|to| mailbox.get(from..to).is_some_and(|part| parts.contains(part)))
                };
                !parts.is_empty() && (0..mailbox.len()).any(has_from)
            }
            _ => false,
        };
        if own {
            hit.labelled = true;
            hit.points = hit.points.max(hit.kind.points());
        }
    }
}

/// Takes the points from addresses and numbers of an office: where nothing in the text is an individual's, and a word for a
/// place of work stands before them or in their sentence.
fn leave_offices(text: &str, hits: &mut [Hit], words: &Words) {
    if hits.iter().any(is_individuals) {
        return;
    }
    // A street may be called after a hospital; a hospital is one.
    let inside = |at: usize| {
        let next = hits.partition_point(|hit| hit.span.end <= at);
        hits.get(next).is_some_and(|hit| is_contact(hit.kind) && hit.span.start <= at)
    };
    let mut first_office = None;
    let mut offices = Vec::new();
    let mut before = "";
    for (at, own) in tokens(text) {
        let mut buffer = [0; LOWER_BYTES];
        let word = lower(own, &mut buffer);
        let before = std::mem::replace(&mut before, own);
        if (words.is_individual(&word) && !is_anybodys(before, &word)) || words.at_home.contains(&*word) {
            return;
        }
        let invites =
            || &*word == "us" && ["visit", "find", "contact"].iter().any(|w| before.eq_ignore_ascii_case(w));
        let heads = || {
            words.practices.contains(&*word)
                && (heads_letter(text, at, own, before) || is_called(text, at, own, before))
        };
        if (words.offices.contains(&*word) || invites() || heads()) && !inside(at) {
            first_office.get_or_insert(at);
            offices.push(at);
        }
    }
    let Some(first) = first_office else { return };
    let placed = hits.iter().any(|hit| matches!(hit.kind, Kind::Street | Kind::Phone));
    for hit in hits.iter_mut().filter(|hit| is_contact(hit.kind)) {
        if hit.kind == Kind::Email && !(placed && is_function(text.get(hit.span.clone()).unwrap_or_default()))
        {
            continue;
        }
        let in_sentence = || {
            let next = offices.partition_point(|at| *at < hit.span.start);
            let end = sentence_end(text, hit.span.end);
            offices.get(next).is_some_and(|at| *at < end)
        };
        if first < hit.span.start || in_sentence() {
            hit.points = Points(0);
        }
    }
}

/// A number that is said to be an office's tells nothing of the individual whom the text is about, whatever it looks like:
/// `Questions? Call the clinic at …`, `our front desk: …`. It is weighed as any, and no label of theirs.
fn unlabel_offices(text: &str, hits: &mut [Hit], words: &Words) {
    for hit in hits.iter_mut().filter(|hit| hit.labelled && matches!(hit.kind, Kind::Phone | Kind::Fax)) {
        let before = window_before(text, hit.span.start, OFFICE_BYTES_MAX);
        let ends = [". ", "? ", "! ", "\n", "; "].iter();
        let from = ends.filter_map(|end| Some(before.rfind(end)? + end.len())).max().unwrap_or(0);
        let mut is_offices = false;
        for (_, word) in tokens(before.get(from..).unwrap_or_default()) {
            let mut buffer = [0; LOWER_BYTES];
            let word = lower(word, &mut buffer);
            if words.is_individual(&word) || words.at_home.contains(&*word) {
                is_offices = false;
            } else if words.offices.contains(&*word) || matches!(&*word, "our" | "us") {
                is_offices = true;
            }
        }
        hit.labelled &= !is_offices;
    }
}

/// Whether a word ends a line of capitalised words, as in what a practice is called: `Great Basin Oncology`.
fn heads_letter(text: &str, at: usize, own: &str, before: &str) -> bool {
    let capital = |word: &str| word.starts_with(char::is_uppercase);
    let behind = text.get(at + own.len()..).unwrap_or_default().trim_start_matches([' ', ',']);
    capital(own) && capital(before) && behind.starts_with(['\n', '\r'])
}

/// Whether a word ends what a practice is called, whose number stands behind: `Call Great Basin Oncology at 360-748-2291`.
fn is_called(text: &str, at: usize, own: &str, before: &str) -> bool {
    let capital = |word: &str| word.starts_with(char::is_uppercase);
    let behind = text.get(at + own.len()..).unwrap_or_default();
    let number = behind.strip_prefix(" at ").unwrap_or_default().trim_start_matches(['(', '+']);
    capital(own) && capital(before) && number.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a word for an individual is said of anybody: `two visitors per patient`, `a patient's name`.
pub(super) fn is_anybodys(before: &str, word: &str) -> bool {
    let is = |words: &[&str]| words.iter().any(|other| before.eq_ignore_ascii_case(other));
    is(&["per", "each", "every", "any"]) && word.starts_with("patient")
        || is(&["a", "any"]) && matches!(word, "patient's" | "patient’s")
}

/// Whether a mailbox is called after what it is for, by one word that nobody is called by.
fn is_function(address: &str) -> bool {
    let mailbox = address.split('@').next().unwrap_or_default();
    let standing = Lists::built_in().standing(mailbox);
    mailbox.bytes().all(|b| b.is_ascii_alphabetic()) && !standing.given && !standing.family
}

/// Words of letters and what stands inside them, with their places.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = (usize, &str)> {
    tokens_of(text, |c| c.is_alphanumeric() || matches!(c, '\'' | '’' | '/'))
}

/// Where the sentence ends that goes on at `at`.
pub(super) fn sentence_end(text: &str, at: usize) -> usize {
    let rest = window_after(text, at, SENTENCE_BYTES_MAX);
    let ends = [". ", "? ", "! ", "\n", "; "].iter().filter_map(|end| rest.find(end)).min();
    at + ends.unwrap_or(rest.len())
}

fn is_gap(c: char) -> bool {
    matches!(c, ' ' | ',' | '(' | ':' | ';' | '-' | '/' | '|' | '\t' | '\r' | '\n' | '–' | '—')
}

pub(super) const fn is_name(kind: Kind) -> bool {
    matches!(kind, Kind::FullName | Kind::FamilyName | Kind::GivenName)
}

/// What an office has, too.
pub(super) const fn is_contact(kind: Kind) -> bool {
    matches!(kind, Kind::Street | Kind::City | Kind::Zip | Kind::Phone | Kind::Fax | Kind::Email)
}

/// What only an individual has; a given name by itself may be a place's: `Mercy`, `Jude`.
pub(super) const fn is_persons(hit: &Hit) -> bool {
    !is_contact(hit.kind)
        && !matches!(
            hit.kind,
            Kind::GivenName | Kind::Provider | Kind::Facility | Kind::Url | Kind::Ip | Kind::ServiceDate
        )
}

/// The same without a device: what an office buys has a serial number, too.
pub(super) const fn is_individuals(hit: &Hit) -> bool {
    is_persons(hit) && !matches!(hit.kind, Kind::Device)
}

/// What only an individual has beside a name.
const fn is_numbered(hit: &Hit) -> bool {
    is_individuals(hit) && !is_name(hit.kind)
}

/// Between a name and its number: `, (`.
const GAP_BYTES_MAX: usize = 4;
/// The longest mailbox (RFC 5321, section 4.5.3.1.1).
const MAILBOX_BYTES_MAX: usize = 64;
/// How far before a number it is looked for whose it is.
const OFFICE_BYTES_MAX: usize = 80;
/// How far a sentence is followed.
const SENTENCE_BYTES_MAX: usize = 400;
/// Shorter words stand in any mailbox.
const NAME_BYTES_MIN: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn points(text: &str) -> u16 {
        let hits = scan(text, "", RuleSet::built_in());
        hits.iter()
            .filter(|hit| hit.kind != Kind::Facility && hit.kind != Kind::GivenName)
            .map(|hit| hit.points.0)
            .sum()
    }

    #[test]
    fn an_offices_number_says_nothing_of_the_individual() {
        let phone = "937-555-0100";
        let about = "Patient: Thando Mbeki, DOB 9/30/1983, has RUQ pain.";
        for offices in ["Questions? Call the clinic at", "Our front desk:", "Pharmacy phone", "Call us at"] {
            assert!(!labelled(&format!("{about} {offices} {phone}."), phone), "{offices}");
        }
        for own in ["Phone", "Call the office, or his cell", "Seen at the clinic. Reach him at", "Home phone"]
        {
            assert!(labelled(&format!("{about} {own} {phone}."), phone), "{own}");
        }
    }

    fn labelled(text: &str, value: &str) -> bool {
        let hits = scan(text, "", RuleSet::built_in());
        hits.iter().any(|hit| hit.labelled && &text[hit.span.clone()] == value)
    }

    #[test]
    fn an_office_is_nobody() {
        for text in [
            "Eastlake Hospital, 251 E Huron St, Chicago, IL 60611, 312-926-2000. We treat cancer.",
            "Clinic hours 8-5. Address: 4400 Pine Ave, Tucson, AZ 85712. Tel: 520-881-2200.",
            "Office: 200 Clarendon Street, Boston, MA 02116. Phone 617-572-6000. help@acmehealth.io",
            "After the operation call Northside Orthopedics at 617-227-4410 if fever is over 101.",
            "Call 617-227-4410 at our imaging center, 77 Beacon St, Boston.",
            "Contact: Mercy Clinic Billing, 900 Elm Street, Toledo OH 43604, phone 419-251-3232",
        ] {
            assert_eq!(points(text), 0, "{text}");
        }
    }

    #[test]
    fn who_lives_somewhere_is_somebody() {
        for text in [
            "Lives at 77 Beacon St, Boston, MA 02115, 617-443-0682; seen at the clinic.",
            "Please deliver to 77 Hospital Rd, Boston, MA 02115, phone 617-443-0682.",
            "Clinic visit of the patient: 77 Beacon St, Boston, MA 02115, 617-443-0682.",
            "Lab results to latoya.nez9@icloud.com, clinic",
            "Clinic note. DOB 6/4/1937, 77 Beacon St, Boston, MA 02115, 617-443-0682",
        ] {
            assert!(points(text) >= 50, "{text}");
        }
    }

    #[test]
    fn contacts_are_told_by_a_name_beside_them() {
        assert!(labelled("Patient Anna Kowalski, 917-443-0682", "917-443-0682"));
        assert!(labelled("Anna Kowalski: a.kowalski@gmail.com", "a.kowalski@gmail.com"));
        assert!(labelled("phone 917-443-0682", "917-443-0682"));
        assert!(!labelled("Patient Anna Kowalski. Part 917-443-0682", "917-443-0682"));
        assert!(!labelled("Patient Anna Kowalski, by svc@clinic.org", "svc@clinic.org"));
    }
}
