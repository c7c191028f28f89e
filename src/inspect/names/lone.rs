//! Names of both lists that stand by themselves: a line of its own above a note, or below what somebody tells of his own health,
//! and the last name before a paragraph that goes on with `He` or `Her`. Who is named so is spoken of.
//!
//! A first line may be an author's: where what stands below is of work, of learning or of public life, it is.

use super::after::{is_public, window_after, window_before};
use super::told::is_of_work;
use super::words::{LOWER_BYTES, Words, lower, term_words};
use crate::inspect::kind::Kind;
use crate::inspect::rules::RuleSet;
use crate::inspect::text::{Hit, clinical_words};
use std::ops::Range;

/// Gives names of `hits`, found in `whole` at `piece`, the points of somebody who is spoken of; `may_go_on` says that `He` may be
/// nobody who was named before. Tells whether one has signed what he tells of himself.
pub(in crate::inspect) fn raise(
    whole: &str,
    piece: &Range<usize>,
    hits: &mut [Hit],
    may_go_on: bool,
    rules: &RuleSet,
) -> bool {
    let Some(last) = hits.iter().rposition(|hit| hit.kind == Kind::FullName) else { return false };
    let text = whole.get(piece.clone()).unwrap_or_default();
    let first = hits.iter().position(|hit| hit.kind == Kind::FullName).unwrap_or(last);
    let mut signed = false;
    for (number, hit) in hits.iter_mut().enumerate().filter(|(number, _)| [first, last].contains(number)) {
        let Some(spoken_of) = rules.names.of_one(&hit.rule).filter(|points| *points > hit.points) else {
            continue;
        };
        let at = piece.start + hit.span.start..piece.start + hit.span.end;
        let lone = is_a_line(whole, &at);
        let signs = lone && is_a_signature(whole, &at, rules);
        if signs
            || lone && heads_a_note(whole, &at, rules)
            || may_go_on
                && number == last
                && is_gone_on_about(whole, piece.end, &rules.words)
                && !is_public(text, &hit.span, &rules.words)
        {
            hit.points = spoken_of;
        }
        signed |= signs;
    }
    signed
}

/// Whether nothing else stands in the line.
fn is_a_line(whole: &str, at: &Range<usize>) -> bool {
    let before = window_before(whole, at.start, LINE_BYTES).trim_end_matches([' ', '-', '*', '#', '~', '_']);
    let behind = window_after(whole, at.end, LINE_BYTES).trim_start_matches([' ', '*', '_', '.']);
    (before.is_empty() || before.ends_with('\n')) && (behind.is_empty() || behind.starts_with(['\n', '\r']))
}

/// Whether the line is the first of a note.
fn heads_a_note(whole: &str, at: &Range<usize>, rules: &RuleSet) -> bool {
    let note = window_after(whole, at.end, NOTE_BYTES);
    let nothing = window_before(whole, at.start, LINE_BYTES).trim().trim_matches(['*', '#', '_']).is_empty();
    nothing && at.start <= LINE_BYTES && clinical_words(note, rules) >= 2 && !is_of_work(note, &rules.words)
}

/// Whether the line is the last, below what somebody tells of his own health.
fn is_a_signature(whole: &str, at: &Range<usize>, rules: &RuleSet) -> bool {
    let nothing = window_after(whole, at.end, NOTE_BYTES).trim().trim_matches(['*', '_', '.']).is_empty();
    nothing && tells_his_own(window_before(whole, at.start, NOTE_BYTES), &rules.words)
}

/// Whether somebody tells of his own health: `my A1c was`, `I have asthma`.
fn tells_his_own(text: &str, words: &Words) -> bool {
    let mut sentences = text.split(['.', '?', '!', ';', '\n']);
    sentences.any(|sentence| {
        let (mut own, mut has, mut speaks) = (0, 0, false);
        term_words(sentence).any(|(_, word)| {
            let mut buffer = [0; LOWER_BYTES];
            let word = lower(word, &mut buffer);
            let telling = words.telling.contains(&*word) || words.named.has(&word);
            let health = has > 0 && telling || own > 0 && (telling || words.is_clinical(&word));
            own = if &*word == "my" { OWN_WORDS } else { own.saturating_sub(1) };
            let begins =
                matches!(&*word, "i'm" | "i’m" | "i've" | "i’ve") || speaks && HAVING.contains(&&*word);
            has = if begins { HAS_WORDS } else { has.saturating_sub(1) };
            speaks = matches!(&*word, "i" | "still" | "also") && (speaks || &*word == "i");
            health
        }) && !is_of_work(sentence, words)
    })
}

/// Whether the paragraph behind goes on about one individual: `He has …`, `Her biopsy …`.
fn is_gone_on_about(whole: &str, from: usize, words: &Words) -> bool {
    let behind = window_after(whole, from, SENTENCE_BYTES).trim_start();
    let word = behind.split(' ').next().unwrap_or_default();
    word.len() < behind.len()
        && matches!(word, "He" | "She" | "His" | "Her")
        && !is_of_work(behind.split(". ").next().unwrap_or_default(), words)
}

/// How far around a name its line is looked at.
const LINE_BYTES: usize = 8;
/// How far what stands above or below is looked at.
const NOTE_BYTES: usize = 600;
/// How far behind a paragraph the next one is looked at.
const SENTENCE_BYTES: usize = 160;
/// Words behind `my` of which one is of health.
const OWN_WORDS: usize = 3;
/// Words behind `I have` of which one tells health.
const HAS_WORDS: usize = 4;
/// What is said behind `I` of one's own health.
const HAVING: &[&str] = &[
    "am", "feel", "felt", "get", "got", "had", "have", "missed", "need", "ran", "started", "stopped", "take",
    "took", "use", "used", "was",
];

#[cfg(test)]
mod tests {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Inspector, Message, RuleSet};

    /// The points of whoever has most, and whether health is told of them.
    fn judged(text: &str) -> (u16, bool) {
        let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
        let message = Message { content_type: "text/plain", body: text.as_bytes(), ..Message::default() };
        let persons = inspector.message(&message).persons;
        persons.iter().map(|person| (person.points.0, person.clinical)).max().unwrap_or_default()
    }

    #[test]
    fn a_name_alone_above_a_note_or_below_what_its_bearer_tells_is_spoken_of() {
        for text in [
            "Wanda Kessler\n\nHIV and hepatitis C, on ART.",
            "Wanda Kessler\nseizure overnight, EEG pending, Keppra loaded",
            "Hi,\n\nMy A1c was 9.1 and I am out of insulin.\n\nWanda Kessler",
            "I am out of insulin since Friday.\n\nWanda Kessler\n",
            "Hi Tom,\n\nPlease call Wanda Kessler.\n\nHer HIV test is positive.\n\nKaren Whitfield",
        ] {
            assert_eq!(judged(text), (50, true), "{text}");
        }
    }

    #[test]
    fn who_writes_of_work_is_not() {
        for text in [
            "Wanda Kessler\n\nDiabetes educators of our clinic met for a lecture on insulin.",
            "The insulin feed is down again, I saw the alert.\n\nWanda Kessler",
            "Hi Karen,\n\nthe sepsis alert fires twice. Can you look?\n\nWanda Kessler",
            "Please call Wanda Kessler.\n\nThe HIV test is positive.",
            "My insulin alert fires twice.\n\nWanda Kessler",
            "I tested the insulin field.\n\nWanda Kessler",
            "Please welcome Wanda Kessler.\n\nShe has ten years of experience in diabetes care.",
        ] {
            assert!(judged(text).0 < 50, "{text}: {:?}", judged(text));
        }
    }
}
