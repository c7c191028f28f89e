//! Who writes to whom: people in the head of a work mail and beside a commit (`From: Caleb Kapoor <caleb.kapoor@mercyregional.net>`),
//! and colleagues who write about work (`work.rs`), in heads, greetings, signatures, and behind labels of tickets and minutes.
//!
//! - In a head that tells nothing of work, each has a mailbox of an organisation right behind the name; a mailbox that anybody
//!   may have is an individual's.
//! - The whole text is asked, the body below the head with it: whoever writes of one individual, or of himself and of health,
//!   of an errand or of care, may be a patient who writes from work.
//! - Colleagues are nobody only where no other full name stands in the text: it may be of whom they write.
//! - In doubt: an individual's.

use super::after::window_before;
use super::beside::{is_individuals, is_name, tokens};
use super::folded;
use super::titles::SPEAKS;
use super::words::{CUE_BYTES, Cue, LOWER_BYTES, Words, lower};
use super::work::{ERRANDS, is_of_work};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::text::{Hit, Piece};
use crate::inspect::walk::is_a_private_mailbox;
use std::collections::HashSet;
use std::ops::Range;

/// Takes the names and mailboxes of who writes out of what was found in each of the pieces of `whole`.
pub(in crate::inspect) fn leave(whole: &str, pieces: &[Piece], found: &mut [Vec<Hit>], words: &Words) {
    // Each mailbox asks the whole text.
    if whole.len() > MAIL_BYTES_MAX {
        return;
    }
    for (piece, hits) in pieces.iter().zip(&mut *found) {
        leave_writers(whole, &piece.span, hits, words);
    }
    leave_colleagues(whole, pieces, found, words);
    super::sheets::leave(whole, pieces, found, words);
}

/// Takes the names of colleagues and their mailboxes out.
fn leave_colleagues(whole: &str, pieces: &[Piece], found: &mut [Vec<Hit>], words: &Words) {
    let all = || found.iter().flatten();
    let is_somebodys = |hit: &Hit| is_individuals(hit) && !is_name(hit.kind);
    if !all().any(|hit| is_name(hit.kind)) || all().any(is_somebodys) || !is_of_work(whole, words) {
        return;
    }
    let at = |piece: &Piece, hit: &Hit| piece.span.start + hit.span.start..piece.span.start + hit.span.end;
    let names = || {
        pieces.iter().zip(&*found).flat_map(|(piece, hits)| {
            hits.iter().filter(|hit| is_name(hit.kind)).map(move |hit| (hit, at(piece, hit)))
        })
    };
    let called = |span: &Range<usize>| folded(whole.get(span.clone()).unwrap_or_default());
    let lines: Vec<Range<usize>> =
        names().filter_map(|(_, span)| colleagues_line(whole, &span, words)).collect();
    let is_theirs =
        |span: &Range<usize>| lines.iter().any(|own| own.start <= span.start && span.end <= own.end);
    let colleagues: HashSet<Vec<String>> =
        names().filter(|(_, span)| is_theirs(span)).map(|(_, span)| called(&span)).collect();
    let is_another = |hit: &Hit, span: &Range<usize>| {
        hit.kind == Kind::FullName && hit.points >= SOMEBODY && !colleagues.contains(&called(span))
    };
    if colleagues.is_empty() || names().any(|(hit, span)| is_another(hit, &span)) {
        return;
    }
    for (piece, hits) in pieces.iter().zip(found) {
        hits.retain(|hit| {
            let span = at(piece, hit);
            let own = || whole.get(span.clone()).unwrap_or_default();
            let mailbox = || hit.kind == Kind::Email && is_theirs(&span) && !is_a_private_mailbox(own());
            !(mailbox() || is_name(hit.kind) && (is_theirs(&span) || colleagues.contains(&called(&span))))
        });
    }
}

/// What a line says of a colleague from the name at `name` on: behind a label of heads, tickets or minutes, in a greeting,
/// above what somebody wrote, and below a closing.
fn colleagues_line(whole: &str, name: &Range<usize>, words: &Words) -> Option<Range<usize>> {
    let start = whole.get(..name.start)?.rfind('\n').map_or(0, |at| at + 1);
    let end = whole.get(name.end..)?.find('\n').map_or(whole.len(), |at| name.end + at);
    let before = whole.get(start..name.start)?.trim_start_matches(['>', ' ', '*', '-']);
    let behind = whole.get(name.end..end)?.trim();
    if is_a_private_mailbox(behind) {
        return None;
    }
    let is_label = |label: &str| {
        let label = label.trim_matches(['*', ' ']);
        HEADS.iter().chain(LABELS).any(|own| label.eq_ignore_ascii_case(own))
    };
    // `Due Monday. Owner: Caleb Kapoor.`
    let sentence = before.rsplit(". ").next().unwrap_or_default();
    if sentence.split_once(':').is_some_and(|(label, _)| is_label(label)) {
        return Some(name.start..end);
    }
    // `Caleb Kapoor said go-live is Monday.`
    if SPEAKS.contains(&behind.split(' ').next().unwrap_or_default()) {
        return Some(name.clone());
    }
    let greeting = before.trim_end_matches([' ', ',']);
    let greets = GREETINGS.iter().any(|word| greeting.eq_ignore_ascii_case(word));
    let wrote = behind.ends_with("wrote:");
    let closed = || {
        let above = whole.get(..start).unwrap_or_default().trim_end_matches(['\n', '\r', ' ']);
        let line = above.rsplit('\n').next().unwrap_or_default();
        let closing = lower(window_before(line, line.len(), CUE_BYTES), &mut [0; LOWER_BYTES]).into_owned();
        line.len() <= CUE_BYTES
            && (CLOSINGS.contains(&closing.trim_end_matches(','))
                || words.cue(&format!("{closing}: ")) == Some(Cue::Intro))
    };
    let signs = before.is_empty() && behind.is_empty() && closed();
    (greets || wrote || signs).then_some(name.start..end)
}

/// Takes the names and mailboxes of who writes out of `hits`, found in `whole` at `piece`.
fn leave_writers(whole: &str, piece: &Range<usize>, hits: &mut Vec<Hit>, words: &Words) {
    let text = whole.get(piece.clone()).unwrap_or_default();
    let mailboxes = || hits.iter().filter(|hit| hit.kind == Kind::Email);
    if mailboxes().next().is_none() || hits.iter().any(|hit| is_individuals(hit) && !is_name(hit.kind)) {
        return;
    }
    let mut writers: Vec<Writer> = mailboxes().filter_map(|hit| writer(text, &hit.span, hits)).collect();
    if writers.iter().any(|writer| !writer.commits) && is_of_an_individual(whole, words) {
        writers.retain(|writer| writer.commits);
    }
    hits.retain(|hit| {
        !writers.iter().any(|own| own.span.start <= hit.span.start && hit.span.end <= own.span.end)
    });
}

/// A name with its mailbox.
struct Writer {
    span: Range<usize>,
    /// Whether it is a commit's, of whose author nothing is told, whatever it changes.
    commits: bool,
}

/// The name and the mailbox of who writes, around a mailbox of an organisation.
fn writer(text: &str, mailbox: &Range<usize>, hits: &[Hit]) -> Option<Writer> {
    let start = text.get(..mailbox.start)?.rfind('\n').map_or(0, |at| at + 1);
    let before = text.get(start..mailbox.start)?;
    if let Some(holder) = holds_rights(text, start..mailbox.start, mailbox, hits) {
        return Some(Writer { span: holder, commits: true });
    }
    if is_a_private_mailbox(text.get(mailbox.clone())?) {
        return None;
    }
    let label = before.trim_start_matches(['>', ' ']).split(':').next().unwrap_or_default();
    let heads = HEADS.iter().any(|head| label.eq_ignore_ascii_case(head)) && is_a_head(text);
    if heads {
        return Some(Writer { span: start..mailbox.end, commits: false });
    }
    // `53d4ffa51ca0 Caleb Sandoval <caleb.sandoval@mercyregional.net> 2025-02-11 fix: …`
    let name = hits.iter().rev().find(|hit| is_name(hit.kind) && hit.span.end <= mailbox.start)?;
    let joined = text.get(name.span.end..mailbox.start)?.trim_start_matches(' ') == "<";
    let commit =
        text.get(start..name.span.start)?.trim_end_matches(' ').rsplit(' ').next().unwrap_or_default();
    let is_hash = (COMMIT_BYTES_MIN..=COMMIT_BYTES_MAX).contains(&commit.len())
        && commit.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        && commit.bytes().any(|b| b.is_ascii_digit())
        && commit.bytes().any(|b| b.is_ascii_lowercase());
    (joined && is_hash).then_some(Writer { span: name.span.start..mailbox.end, commits: true })
}

/// Whoever wrote a program, from his name to his mailbox, whosever that is: `Copyright 2019-2024 Caleb Kapoor <ck@lakeshore.org>`,
/// `authors = ["Caleb Kapoor <ck@lakeshore.org>"]`. Nobody tells so of a patient.
fn holds_rights(
    text: &str,
    line: Range<usize>,
    mailbox: &Range<usize>,
    hits: &[Hit],
) -> Option<Range<usize>> {
    let front = |end: usize| {
        let marks = |c: char| c.is_whitespace() || matches!(c, '/' | '*' | '#' | ';' | '-' | '"');
        Some(text.get(line.start..end)?.trim_start_matches(marks))
    };
    // A list in the description of a package.
    if let Some((key, list)) = front(mailbox.start)?.split_once('[')
        && PACKAGES.contains(&key.trim_end_matches([' ', '=', ':', '"']))
        && !list.contains(']')
    {
        let own = list.rfind(['"', '\'']).map_or(0, |at| list.len() - at - 1);
        return Some(mailbox.start - own..mailbox.end);
    }
    let name = hits.iter().rev().find(|hit| is_name(hit.kind) && hit.span.end <= mailbox.start)?;
    let joined = text.get(name.span.end..mailbox.start)?.trim_start_matches(' ');
    let front = front(name.span.start).filter(|_| matches!(joined, "<" | "("))?;
    let is_right = |word: &str| RIGHTS.iter().any(|own| word.eq_ignore_ascii_case(own));
    let is_year = |c: char| c.is_ascii_digit() || matches!(c, '-' | '–' | ',');
    let claims = front.split(' ').next().is_some_and(is_right)
        && front.split_whitespace().all(|word| is_right(word) || word.chars().all(is_year));
    claims.then_some(name.span.start..mailbox.end)
}

/// Whether a text has who writes and what about, or whom to, each on a line: the head of a mail.
fn is_a_head(text: &str) -> bool {
    let has = |heads: &[&str]| {
        text.lines().take(HEAD_LINES_MAX).any(|line| {
            let label = line.trim_start_matches(['>', ' ']).split(':').next().unwrap_or_default();
            heads.iter().any(|head| label.eq_ignore_ascii_case(head))
        })
    };
    has(&["from"]) && has(&["to", "subject"])
}

/// Whether a text speaks of an individual, or of health and what is done about it by who writes.
fn is_of_an_individual(text: &str, words: &Words) -> bool {
    let (mut own, mut health, mut errand) = (false, 0, false);
    for (_, word) in tokens(text) {
        let mut buffer = [0; LOWER_BYTES];
        let word = lower(word, &mut buffer);
        if words.is_individual(&word) {
            return true;
        }
        own |= words.at_home.contains(&*word);
        health += u8::from(health < 2 && (words.is_clinical(&word) || words.telling.contains(&*word)));
        errand |= ERRANDS.contains(&&*word);
    }
    own && (health > 0 || errand) || health > 0 && errand
}

/// Words that greet a colleague, at the head of a line.
const GREETINGS: &[&str] = &["hi", "hello", "hey", "good morning", "good afternoon", "thanks", "thank you"];
/// Words of a closing that begin sentences, too.
const CLOSINGS: &[&str] = &["best"];
/// A full name of so many points may be of whom colleagues write.
const SOMEBODY: Points = Points(40);
/// What stands before whoever has the rights, and what a package calls those who wrote it.
const RIGHTS: &[&str] = &["copyright", "(c)", "©", "by"];
const PACKAGES: &[&str] = &["authors", "maintainers", "contributors"];
/// Lines of the head of a mail that name people.
const HEADS: &[&str] = &["from", "to", "cc", "bcc", "sender", "reply-to"];
/// Labels of tickets and minutes: who asks, who reported, who met. Not who calls or uses what patients do, too.
const LABELS: &[&str] = &[
    "owner",
    "requested by",
    "requester",
    "requestor",
    "reported by",
    "reporter",
    "submitted by",
    "opened by",
    "assigned to",
    "attendees",
    "present",
    "absent",
    "invitees",
    "minutes by",
    "site contact",
    "technical contact",
];
/// Longer texts are no mail: who is in them stays somebody.
pub(in crate::inspect) const MAIL_BYTES_MAX: usize = 16 << 10;
/// A head has no more lines.
const HEAD_LINES_MAX: usize = 12;
/// Short and whole names of commits.
const COMMIT_BYTES_MIN: usize = 4;
const COMMIT_BYTES_MAX: usize = 40;

#[cfg(test)]
pub(super) mod tests {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Inspector, Message, RuleSet};

    /// The points of the heaviest person of a text.
    pub(in crate::inspect::names) fn points(text: &str) -> u16 {
        let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
        let message = Message { content_type: "text/plain", body: text.as_bytes(), ..Message::default() };
        inspector.message(&message).persons.iter().map(|person| person.points.0).max().unwrap_or(0)
    }

    #[test]
    fn who_writes_a_work_mail_or_commits_is_nobody() {
        for text in [
            "From: Bruno Hahn <bruno.hahn@spregional.org>\nTo: Nadia Brandt <nadia.brandt@spregional.org>\nSubject: Sprint planning\n\nSee agenda.",
            "git log: 53d4ffa51ca0 Bruno Hahn <bruno.hahn@spregional.org> fix: null DOB in export",
            "commit 53d4 Bruno Hahn <bruno.hahn@spregional.org> fix diabetes banner",
        ] {
            assert_eq!(points(text), 0, "{text}");
        }
    }

    #[test]
    fn colleagues_who_write_about_work_are_nobody() {
        for text in [
            "From: Bruno Hahn\nTo: Nadia Brandt\nSent: 03/04/2024\nSubject: Re: downtime\n\nLab results are queued; pharmacy printed the MARs.",
            "From: Bruno Hahn <bruno.hahn@spregional.org>\nTo: Nadia Brandt <nbrandt@spregional.org>\nSubject: Re: lab results interface\n\nThe ORU feed for glucose is down again.",
            "Hi Nadia,\nthe sepsis alert fires twice. Can you look?\nThanks,\nBruno Hahn",
            "On Mon, Mar 4, 2024 at 9:12 AM Bruno Hahn <bhahn@spregional.org> wrote:\n> The glucose results are missing in staging",
            "cc: Bruno Hahn, Nadia Brandt\nRe: sepsis committee, diabetes task force",
            "Retro: interface cutover. What didn't: 3 duplicates of lab results. Owner: Bruno Hahn. Due Monday",
            "P&T committee\nPresent: Nadia Brandt, PharmD; Bruno Hahn\nVancomycin go-live, hypoglycemia trend",
        ] {
            assert!(points(text) < 40, "{text}: {}", points(text));
        }
        // A number in a signature weighs as any.
        let signed = "Hi Nadia,\n\nOwen Sandoval said go-live of the oncology interface is 6/15. My cell is 641-729-4350.\n\nBest,\nBruno Hahn\nIntegration Analyst II | Lakeshore Imaging Center\n7700 Floyd Curl Dr | Lafayette\nO: 865-482-2463";
        assert!(points(signed) < 90, "{}", points(signed));
    }

    #[test]
    fn of_whom_colleagues_write_is_somebody() {
        let from = "From: Nadia Brandt\nTo: Owen Sandoval\nSubject: lab interface";
        for text in [
            // A patient is named, told by a word for one, or tells of himself.
            format!("{from}\n\nThe results of Bruno Hahn with sepsis are missing."),
            "Hi Nadia,\nBruno Hahn said his glucose is missing in the interface.".to_owned(),
            format!("{from}\n\nThe patient has sepsis, and no glucose."),
            format!("{from}\n\nMy glucose is missing."),
            format!("{from}\n\nGlucose is missing, MRN 48210377."),
            // Nothing of work.
            "Hi Nadia,\nsepsis is back, fever 39.\nThanks,\nBruno Hahn".to_owned(),
            "From: Bruno Hahn\nTo: Cardiology\nSubject: refill\n\nPlease refill lisinopril.".to_owned(),
            "Caller: Bruno Hahn. Interface of the insulin pump is broken".to_owned(),
        ] {
            assert!(points(&text) >= 50, "{text}: {}", points(&text));
        }
    }

    #[test]
    fn whoever_has_the_rights_of_a_program_is_nobody() {
        for text in [
            "Copyright 2019 Bruno Hahn <bruno@hahnsoft.io>",
            "# Copyright (c) 2019-2024 Bruno Hahn <bruno.hahn@gmail.com>",
            " * Copyright 2019, 2021 by Bruno Hahn (bruno@hahnsoft.io)",
            "authors = [\"Bruno Hahn <bruno@hahnsoft.io>\", \"Nadia Brandt <nadia@brandt.dev>\"]",
        ] {
            assert!(points(text) < 50, "{text}: {}", points(text));
        }
        for text in [
            "Copy to 2019 Bruno Hahn <bruno@hahnsoft.io>",
            "Bruno Hahn <bruno@hahnsoft.io>",
            "patients = [\"Bruno Hahn <bruno@hahnsoft.io>\"]",
            "Copyright 2019 Bruno Hahn <bruno.hahn@gmail.com>, DOB 04/02/1971, MRN 48210377",
        ] {
            assert!(points(text) >= 80, "{text}: {}", points(text));
        }
    }

    #[test]
    fn whoever_writes_of_himself_or_of_one_individual_stays_one() {
        let from = "From: Bruno Hahn <bruno.hahn@spregional.org>\nTo: Cardiology";
        for text in [
            format!("{from}\nSubject: chest pain\n\nI still have chest pain after the stent."),
            format!("{from}\nSubject: refill\n\nPlease refill lisinopril and metformin."),
            format!("{from}\nSubject: appointment\n\nCan I come on Tuesday?"),
            format!("{from}\nSubject: transfer\n\nThe patient is on his way."),
            "From: Bruno Hahn <bruno.hahn@gmail.com>\nTo: Lab\nSubject: New assay\n\nGo-live Monday."
                .to_owned(),
            // No mail, and no commit.
            "From: Bruno Hahn <bruno.hahn@spregional.org>".to_owned(),
            "room 4112 Bruno Hahn <bruno.hahn@spregional.org>".to_owned(),
        ] {
            assert!(points(&text) >= 80, "{text}: {}", points(&text));
        }
    }
}
