//! Work: whether a text is about systems, meetings and deliveries, as people write who work together: `the interface is down`.
//!
//! - It has a matter of work (`words.work-matters`), and speaks of no individual.
//! - Whoever writes of himself and of health, or of an errand, in one sentence, is an individual, whatever else is told; so is
//!   who is told what is theirs: `your Humira`.
//! - In doubt: no work.

use super::beside::{is_anybodys, tokens};
use super::titles::is_generic;
use super::words::{LOWER_BYTES, Words, lower};

/// Whether a text is about work, and about nobody who is cared for.
pub(in crate::inspect) fn is_of_work(text: &str, words: &Words) -> bool {
    text.len() <= WORK_BYTES_MAX && words.work.has(text) && !text.split("\n\n").any(|p| speaks(p, words))
}

/// Whether a paragraph speaks of an individual, or of who writes together with health or an errand.
fn speaks(paragraph: &str, words: &Words) -> bool {
    let mut before = "";
    paragraph.split(['.', '?', '!', ';']).any(|sentence| {
        let (mut own, mut health) = (false, false);
        tokens(sentence).any(|(at, word)| {
            let behind = sentence.get(at + word.len()..).unwrap_or_default();
            let before = std::mem::replace(&mut before, word);
            let mut buffer = [0; LOWER_BYTES];
            let word = lower(word, &mut buffer);
            own |= WHOSE.contains(&&*word);
            health |= words.is_clinical(&word) || words.telling.contains(&*word) || ERRANDS.contains(&&*word);
            own && health
                || words.is_individual(&word) && !is_generic(&word, behind) && !is_anybodys(before, &word)
        })
    })
}

/// Who writes, and whose it is that is written to.
const WHOSE: &[&str] =
    &["i", "my", "me", "mine", "i'm", "i’m", "i've", "i’ve", "i'd", "i’d", "your", "yours"];
/// What an individual writes for.
pub(super) const ERRANDS: &[&str] = &[
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
/// Longer texts are no mail and no ticket.
const WORK_BYTES_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    #[test]
    fn colleagues_write_of_systems_and_meetings() {
        let words = &RuleSet::built_in().words;
        for text in [
            "The ORU feed for glucose is down again.",
            "Sepsis committee: next meeting on Monday",
            "add insulin glargine to order set",
            "I am out until Monday. The lab results interface is down.",
            "Two-identifier check per patient goes live with the cutover; patient safety first.",
        ] {
            assert!(is_of_work(text, words), "{text}");
        }
    }

    #[test]
    fn whoever_speaks_of_somebody_does_not() {
        let words = &RuleSet::built_in().words;
        for text in [
            "Please call back, glucose 412.",
            "The interface lost the patient's glucose.",
            "Interface down, but she has sepsis.",
            "My insulin is out, and the portal interface is down.",
            "The interface is down. Can I have a refill?",
            "The committee did not approve your Humira.",
        ] {
            assert!(!is_of_work(text, words), "{text}");
        }
    }
}
