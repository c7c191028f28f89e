//! Who works there, told in a text: a name and how to reach it are nobody's behind a role (`nurse: …, phone …`), and behind a
//! word for whom to ask (`Questions: …`) where a mailbox of an organisation has the name in it; so are those beside a title
//! (`titles.rs`).
//!
//! - A line or a sentence is looked at by itself; a text that tells what only an individual has is passed over as a whole, and
//!   so is a sentence with a word for an individual (`patient`, `her`, `my`) or of clinical content. Beside a matter of work
//!   (`interface`, `order set`) one of the last two may stand, and no mailbox need.
//! - Whom something is escalated to, who is paged, who is on call, and who is to be called with questions is staff without a
//!   mailbox.
//! - A mailbox that anybody may have is somebody's, whatever stands before it.
//! - In doubt: an individual's.

use super::beside::{is_contact, is_individuals, is_name, sentence_end, tokens};
use super::titles;
use super::window_before;
use super::words::{Cue, LOWER_BYTES, Words, lower};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::text::Hit;
use crate::inspect::walk::is_a_private_mailbox;
use std::ops::Range;

/// Takes the names and contacts of staff out; `hits` are in order and don't overlap.
pub(super) fn leave(text: &str, hits: &mut Vec<Hit>, words: &Words) {
    if hits.iter().any(|hit| is_individuals(hit) && !is_name(hit.kind)) {
        return;
    }
    titles::leave(text, hits, words);
    let mut staffs: Vec<Range<usize>> = Vec::new();
    let mut read = 0;
    for hit in hits.iter().filter(|hit| is_contact(hit.kind)) {
        if hit.span.start < read {
            continue;
        }
        let clause = clause(text, &hit.span);
        read = clause.end.max(hit.span.end);
        let from = hits.partition_point(|hit| hit.span.start < clause.start);
        let count =
            hits.get(from..).unwrap_or_default().iter().take_while(|hit| hit.span.end <= clause.end).count();
        let own = hits.get(from..from + count).unwrap_or_default();
        if let Some(from) = staffs_from(text, &clause, own, words) {
            staffs.push(from..clause.end);
        }
    }
    hits.retain(|hit| {
        let theirs =
            || staffs.iter().any(|staffs| staffs.start <= hit.span.start && hit.span.end <= staffs.end);
        !(is_contact(hit.kind) || is_name(hit.kind)) || !theirs()
    });
}

/// The line or sentence around a place.
fn clause(text: &str, at: &Range<usize>) -> Range<usize> {
    let before = window_before(text, at.start, CLAUSE_BYTES_MAX);
    let starts = ["? ", "! ", "\n", "; "];
    let start = starts.iter().filter_map(|end| Some(before.rfind(end)? + end.len())).max().unwrap_or(0);
    // `Contact Dr. Hahn`
    let is_title =
        |at: &usize| TITLES.iter().any(|title| before.get(..*at).is_some_and(|t| t.ends_with(title)));
    let mut stops = before.rmatch_indices(". ").map(|(at, _)| at);
    let start = start.max(stops.find(|at| !is_title(at)).map_or(0, |at| at + 2));
    at.start - (before.len() - start)..sentence_end(text, at.end)
}

/// From where on the names and contacts of a clause are staff's.
fn staffs_from(text: &str, clause: &Range<usize>, hits: &[Hit], words: &Words) -> Option<usize> {
    let value = |hit: &Hit| text.get(hit.span.clone()).unwrap_or_default();
    if hits.iter().any(|hit| hit.kind == Kind::Email && is_a_private_mailbox(value(hit))) {
        return None;
    }
    let inside = text.get(clause.clone())?;
    let mut names = hits.iter().filter(|hit| is_name(hit.kind) && hit.points > Points(0));
    let named = names.next().map(|name| name.span.start);
    let (mut role, mut beside, mut asked, mut papers, mut office) = (None, false, None, false, false);
    // `For radiology interface issues with lab results call …`: what ails a system ails nobody.
    let works = words.work.has(inside);
    // Nobody is told of what ails himself: `Escalate chest pain calls to Caleb Kapoor at …`.
    let escalates = named.is_some_and(|named| is_escalated_to(text, clause.start..named));
    let answers = || named.is_some_and(|named| is_called_with_questions(text, clause.start..named));
    let (mut own, mut health) = (false, false);
    for (at, word) in tokens(inside) {
        let (start, end) = (clause.start + at, clause.start + at + word.len());
        if hits.iter().any(|hit| hit.span.contains(&start)) {
            continue;
        }
        let mut buffer = [0; LOWER_BYTES];
        let word = lower(word, &mut buffer);
        own |= words.at_home.contains(&*word);
        let of_others = escalates && named.is_some_and(|named| start < named);
        // `lab director`
        let titles = || {
            let behind = inside.get(at + word.len()..).unwrap_or_default();
            let next = tokens(behind).next().map_or("", |(_, next)| next);
            words.ranks.contains(&*word) && words.jobs.contains(&*lower(next, &mut [0; LOWER_BYTES]))
        };
        health |=
            !of_others && (words.is_clinical(&word) && !titles() || works && words.telling.contains(&*word));
        if words.is_individual(&word) || (own || health) && !(works && own != health) {
            return None;
        }
        papers |= words.papers.contains(&*word);
        office |= asked.is_some() && words.offices.contains(&*word);
        if words.asked.contains(&*word) || works && words.called.contains(&*word) {
            asked.get_or_insert(end);
        }
        let head = window_before(text, end, ROLE_BYTES_MAX).to_lowercase();
        if matches!(words.cue(&format!("{head}: ")), Some(Cue::Provider | Cue::Staff)) {
            role.get_or_insert(end);
            beside |= named.and_then(|named| text.get(end..named)).is_some_and(|gap| gap.trim().is_empty());
        }
    }
    let listed = named.is_some_and(|named| is_on_call(text, clause.start..named));
    if (escalates || (listed || answers()) && !papers) && !own && !health {
        return named;
    }
    let addressed = || hits.iter().any(|hit| hit.kind == Kind::Email && hit.labelled);
    match (role, asked) {
        (Some(_), _) if named.is_none() => role,
        (_, Some(_)) if works && named.is_none_or(|named| Some(named) >= asked) => asked,
        // `contact the Privacy Office, 267-351-4000, victor.rosenthal@stbrendans.org`
        (None, Some(_)) if named.is_none() && office && !papers => asked,
        // By the mailbox of whom is named, or a team before the name: `Contact interface team Bruno Mbeki`.
        // Who is to be reached about an appointment or results is cared for.
        (_, Some(_)) if named >= asked && !papers && (addressed() || beside) => asked,
        _ => None,
    }
}

/// Whether something is escalated to who is named behind: `Escalate chest pain calls to `, `Escalate to the interface lead, `.
fn is_escalated_to(text: &str, before: Range<usize>) -> bool {
    let before = text.get(before).unwrap_or_default().to_ascii_lowercase();
    let mut all = tokens(&before).map(|(_, word)| word);
    let escalates = matches!(all.next(), Some("escalate" | "escalation" | "escalations"));
    let whom = before.rsplit_once(" to ").map(|(_, whom)| whom);
    let titled = || {
        whom.is_some_and(|whom| {
            (whom.is_empty() || whom.ends_with([' ', '('])) && tokens(whom).count() <= TITLE_WORDS_MAX
        })
    };
    escalates && (before.ends_with(": ") || titled())
}

/// Whether a list of who is on call begins before a name, or it is told that who is named is the one, or is paged:
/// `On-call list: `, `the on-call engineer (`, `Page `.
fn is_on_call(text: &str, before: Range<usize>) -> bool {
    let before = text.get(before).unwrap_or_default().to_ascii_lowercase().replace('-', " ");
    let label = before.trim_end_matches(' ').strip_suffix(':').unwrap_or_default();
    let list = label.rsplit_once(' ').filter(|(_, last)| ROSTERS.contains(last));
    let last = before.rsplit([',', ':']).next().unwrap_or_default();
    let behind = |cue: &str| last.rsplit_once(cue).map(|(_, behind)| behind);
    list.is_some_and(|(whose, _)| whose.ends_with("on call"))
        || last.trim_start() == "page "
        || behind("on call ")
            .is_some_and(|whom| whom.ends_with('(') && tokens(whom).count() <= TITLE_WORDS_MAX)
}

/// Whether who is named is to be called by whoever has questions: `Questions? Call `.
fn is_called_with_questions(text: &str, before: Range<usize>) -> bool {
    let asked = window_before(text, before.start, ROLE_BYTES_MAX).trim_end().to_ascii_lowercase();
    let call = text.get(before).unwrap_or_default().to_ascii_lowercase();
    asked.ends_with("questions?")
        && matches!(&*call, "call " | "contact " | "please call " | "please contact ")
}

/// Words of what somebody is on call or in charge for.
const TITLE_WORDS_MAX: usize = 4;
/// What who is on call is listed in.
const ROSTERS: &[&str] = &["list", "roster", "rota", "schedule"];
/// What ends in a full stop and ends no sentence.
const TITLES: &[&str] = &["Dr", "Mr", "Mrs", "Ms", "Prof", "St", "ext", "Ext", "EXT"];
/// How far before a contact its clause is looked for.
const CLAUSE_BYTES_MAX: usize = 240;
/// Words of a role have no more.
const ROLE_BYTES_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn points(text: &str) -> u16 {
        scan(text, "", RuleSet::built_in()).iter().map(|hit| hit.points.0).sum()
    }

    #[test]
    fn whoever_works_there_is_nobody_with_his_number_and_mailbox() {
        for text in [
            "nurse: Esteban Hahn, phone 360-748-2291, email ehahn@spregional.org",
            "scheduler: Qeltor Vandrosk, phone 360-748-2291, email qeltor.vandrosk@spregional.org",
            "Please contact Dr. Haruka Hahn at (228) 425-5445 or haruka.hahn@cascadeortho.org.",
            "Maintenance Sunday 02:00. Questions: Priscilla Fitzwilliam, 406-265-1471, priscilla.fitzwilliam@spregional.org.",
            "owner: \"Marguerite Vasquez <marguerite.vasquez@cascadeortho.org>\"",
            "Contact Bruno Vasquez (bruno.vasquez@spregional.org, 641-729-4350) for changes",
            "Contact Bruno Vasquez at ext. 4412 or bvasquez@spregional.org.",
            "For urgent radiology interface issues with lab results contact Bruno Vasquez at (641) 729-4350.",
            "If the pharmacy module is in downtime call me at (641) 729-4350.",
            "Please email Bruno Vasquez (bruno.vasquez@spregional.org) or call 641-729-4350 about the sepsis alerts.",
            "oncall: \"+13183646206\"",
            "Escalate chest pain calls to Bruno Vasquez at 641-729-4350.",
            "Escalate critical lab results to Bruno Vasquez at 641-729-4350.",
            "On-call list: Bruno Vasquez 641-729-4350, backup Nadia Brandt. Escalate sepsis alerts at once.",
            "Escalate to the integration lead, Bruno Vasquez, 641-729-4350.",
            "Page Bruno Vasquez 641-729-4350 if it grows.",
            "If the channel stops, page on-call integration (Bruno Vasquez, 641-729-4350).",
            "If channel ADT_IN stops, call Bruno Vasquez at 641-729-4350 and note the queue depth.",
            "Questions? Call Bruno Vasquez at 641-729-4350.",
            "Troponin T replaces troponin I. Contact Bruno Vasquez, PhD, lab director, 641-729-4350.",
            "To schedule a demo, call Bruno Vasquez at 641-729-4350 or e-mail bvasquez@lakeshore.org",
            "Job posting: medical assistant. Send CV to Bruno Vasquez, hr@lakeshore.org, 641-729-4350.",
        ] {
            assert_eq!(points(text), 0, "{text}");
        }
    }

    #[test]
    fn whoever_is_cared_for_stays_one() {
        for text in [
            // An individual's mailbox, or none with the name in it.
            "nurse: Esteban Hahn, phone 360-748-2291, email esteban.hahn@gmail.com",
            "Questions: Priscilla Fitzwilliam, 406-265-1471, pfitz77@gmail.com",
            "Contact Bruno Vasquez (641-729-4350) for changes",
            "Call Bruno Vasquez at 641-729-4350, bruno.vasquez@spregional.org",
            // Somebody else is named behind the role.
            "nurse: Esteban Hahn called Mary Johnson, phone 360-748-2291, email mary.johnson@spregional.org",
            "scheduler: Esteban Hahn, DOB 04/02/1971, phone 360-748-2291",
            // An individual is spoken of.
            "Contact the patient Bruno Vasquez (bruno.vasquez@spregional.org, 641-729-4350)",
            "Questions about her biopsy: Bruno Vasquez, bruno.vasquez@spregional.org, 641-729-4350",
            "Contact Bruno Vasquez, MRN 48210377 (bruno.vasquez@spregional.org, 641-729-4350)",
            "Contact Bruno Vasquez (bruno.vasquez@spregional.org, 641-729-4350) about the appointment",
            "Manager: Bruno Vasquez, HIV positive, phone 641-729-4350, bruno.vasquez@spregional.org",
            "Call Bruno Vasquez at 641-729-4350 about his interface order, bruno.vasquez@spregional.org",
            "My insulin order is stuck in the interface, contact Bruno Vasquez, 641-729-4350, bruno.vasquez@gmail.com",
            "Call Bruno Vasquez at 641-729-4350: biopsy shows melanoma",
            "Escalation: Bruno Vasquez, 641-729-4350, chest pain",
            "Escalate her chest pain to Bruno Vasquez at 641-729-4350.",
            "Call-back list: Bruno Vasquez 641-729-4350, chest pain",
            "On-call list: Bruno Vasquez 641-729-4350, chest pain",
            "Page her at work: Bruno Vasquez 641-729-4350",
            "Escalate: the patient in 4, Bruno Vasquez, 641-729-4350",
            "Questions? Call Bruno Vasquez at 641-729-4350 about his biopsy",
            "Call Bruno Vasquez at 641-729-4350 to reschedule.",
            // Another sentence.
            "Nurse line closed. Bruno Vasquez, 641-729-4350, bruno.vasquez@spregional.org",
        ] {
            assert!(points(text) >= 80, "{text}: {}", points(text));
        }
    }
}
