//! What was found in short texts: a document says the same dates, numbers and names in many of its cells, and
//! what was found once in a text with its cue is found there again.
//!
//! An entry is compared to its last byte. The last two of a hash stay, and all are kept no longer than the message.

use crate::inspect::hash::Keyed;
use crate::inspect::text::Hit;
use std::hash::{BuildHasher, Hasher};

/// Texts with what was found in them.
#[derive(Default)]
pub(super) struct Heard {
    keyed: Keyed,
    /// By hash; of two the one that came last is first. Empty until there is one.
    slots: Vec<[Option<Entry>; WAYS]>,
}

struct Entry {
    text: Box<str>,
    cue: Box<str>,
    hits: Box<[Hit]>,
}

impl Heard {
    /// What was found in this text with this cue, if it is known.
    pub(super) fn find(&self, text: &str, cue: &str) -> Option<Vec<Hit>> {
        if self.slots.is_empty() || text.len() + cue.len() > HEARD_BYTES_MAX {
            return None;
        }
        let mut entries = self.slots.get(self.place(text, cue))?.iter().flatten();
        let entry = entries.find(|entry| *entry.text == *text && *entry.cue == *cue)?;
        Some(entry.hits.to_vec())
    }

    /// Keeps what was found in a text; of one in which nothing was, and of long ones, nothing is kept.
    pub(super) fn learn(&mut self, text: &str, cue: &str, hits: &[Hit]) {
        if hits.is_empty() || text.len() + cue.len() > HEARD_BYTES_MAX {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || [None, None]);
        }
        let place = self.place(text, cue);
        if let Some(slot) = self.slots.get_mut(place) {
            slot.rotate_right(1);
            slot[0] = Some(Entry { text: text.into(), cue: cue.into(), hits: hits.into() });
        }
    }

    fn place(&self, text: &str, cue: &str) -> usize {
        let mut hasher = self.keyed.build_hasher();
        hasher.write(text.as_bytes());
        hasher.write(cue.as_bytes());
        usize::try_from(hasher.finish() % SLOTS as u64).unwrap_or(0)
    }
}

/// Texts of one hash that are kept beside each other: with one, two that come by turns would never be known.
const WAYS: usize = 2;
/// Hashes of texts of which it is kept what was found; a power of two.
const SLOTS: usize = 128;
/// Longer ones with their cues seldom come again.
const HEARD_BYTES_MAX: usize = 48;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::RuleSet;
    use crate::inspect::text::scan;

    #[test]
    fn what_was_found_is_known_by_all_of_a_text_and_its_cue() {
        let mut heard = Heard::default();
        let rules = RuleSet::built_in();
        assert!(heard.find("05/12/1962", "DOB").is_none());
        let hits = scan("05/12/1962", "DOB", rules);
        assert!(!hits.is_empty());
        heard.learn("05/12/1962", "DOB", &hits);
        assert_eq!(heard.find("05/12/1962", "DOB"), Some(hits));
        for (text, cue) in
            [("05/12/1962", "Date"), ("05/12/1963", "DOB"), ("05/12/1962D", "OB"), ("05/12/1962", "")]
        {
            assert!(heard.find(text, cue).is_none(), "{text} {cue}");
        }
    }

    #[test]
    fn two_of_one_place_are_known_beside_each_other() {
        let mut heard = Heard::default();
        let hits = scan("05/12/1962", "DOB", RuleSet::built_in());
        let same = |n: &usize| heard.place(&format!("text {n}"), "") == heard.place("text 0", "");
        let others: Vec<usize> = (1..).filter(same).take(2).collect();
        for (n, known) in
            [(0, [true, false, false]), (others[0], [true, true, false]), (others[1], [false, true, true])]
        {
            heard.learn(&format!("text {n}"), "", &hits);
            let texts = [0, others[0], others[1]].map(|n| heard.find(&format!("text {n}"), "").is_some());
            assert_eq!(texts, known);
        }
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for() {
        let mut heard = Heard::default();
        let rules = RuleSet::built_in();
        let hits = scan("05/12/1962", "DOB", rules);
        for n in 0..10_000 {
            heard.learn(&format!("text {n}"), "", &hits);
        }
        assert_eq!(heard.slots.len(), SLOTS);
        assert!(heard.find("text 10000", "").is_none());
        let long = "x".repeat(HEARD_BYTES_MAX + 1);
        heard.learn(&long, "", &hits);
        assert!(heard.find(&long, "").is_none());
    }
}
