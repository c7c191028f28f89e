//! People in the head of a work mail and beside a commit: `From: Caleb Kapoor <caleb.kapoor@mercyregional.net>` is who writes.
//!
//! - Each has a mailbox of an organisation right behind the name; a mailbox that anybody may have is an individual's.
//! - The whole text is asked, the body below the head with it: whoever writes of one individual, or of himself and of health,
//!   of an errand or of care, may be a patient who writes from work.
//! - In doubt: an individual's.

use super::beside::{is_individuals, is_name, tokens};
use super::words::{LOWER_BYTES, Words, lower};
use crate::inspect::kind::Kind;
use crate::inspect::text::Hit;
use crate::inspect::walk::is_a_private_mailbox;
use std::ops::Range;

/// Takes the names and mailboxes of who writes out of `hits`, found in `whole` at `piece`.
pub(in crate::inspect) fn leave(whole: &str, piece: &Range<usize>, hits: &mut Vec<Hit>, words: &Words) {
    // Each mailbox asks the whole text.
    if whole.len() > MAIL_BYTES_MAX {
        return;
    }
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

/// What an individual writes for.
const ERRANDS: &[&str] = &[
    "appointment",
    "appointments",
    "appt",
    "biopsy",
    "prescription",
    "prescriptions",
    "referral",
    "refill",
    "refills",
    "results",
    "rx",
    "surgery",
];
/// Lines of the head of a mail that name people.
const HEADS: &[&str] = &["from", "to", "cc", "bcc", "sender", "reply-to"];
/// Longer texts are no mail: who is in them stays somebody.
const MAIL_BYTES_MAX: usize = 16 << 10;
/// A head has no more lines.
const HEAD_LINES_MAX: usize = 12;
/// Short and whole names of commits.
const COMMIT_BYTES_MIN: usize = 4;
const COMMIT_BYTES_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Inspector, Message, RuleSet};

    fn points(text: &str) -> u16 {
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
