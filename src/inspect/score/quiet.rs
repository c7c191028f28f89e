//! Quiet values: those of one message in which nothing was found. Documents say the same words, codes and systems over
//! and over; what was looked through once and held nothing is known by its bytes and not looked through again.
//!
//! An entry is the whole value with its cue, compared to the last byte: a hash alone decides nothing. Both are kept no
//! longer than the message, in a bounded buffer.

use crate::inspect::disguise::Plain;
use crate::inspect::hash::Keyed;
use crate::inspect::rules::RuleSet;
use crate::inspect::{embedded, text, vocab};
use std::collections::HashSet;

/// Codes in which these rules find nothing, whatever stands around them.
pub(in crate::inspect) type Silent = HashSet<&'static str, Keyed>;

/// Those of the safe vocabulary: asked once for a rule set, since nearly every message has some of them.
pub(in crate::inspect) fn silent(rules: &RuleSet) -> Silent {
    // Nothing here may ask for the built-in rule set: it is being made.
    let is_silent = |code: &&str| {
        !embedded::may_be_document(code.as_bytes())
            && Plain::of(code).is_as_written()
            && embedded::base64_runs(code).is_empty()
            && !text::may_tell(code, rules)
    };
    vocab::words().filter(is_silent).collect()
}

/// What is known to hold nothing.
#[derive(Default)]
pub(super) struct Quiet {
    /// By hash; the last value of a hash stays. Empty until there is one.
    slots: Vec<Slot>,
    /// Values with their cues, one behind the other.
    bytes: Vec<u8>,
}

/// How a value was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// As a code: whatever it is called.
    Code,
    /// As a text, with its cue.
    Text,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    start: u32,
    value: u16,
    cue: u16,
    /// 0: free.
    kind: u8,
}

impl Quiet {
    /// Whether this value is known to hold nothing.
    pub(super) fn knows(&self, how: As, value: &str, cue: &str) -> bool {
        #[cfg(test)]
        if FORGETS.get() {
            return false;
        }
        let (value, cue) = (value.as_bytes(), cue.as_bytes());
        if value.len() + cue.len() > VALUE_BYTES_MAX {
            return false; // and isn't hashed
        }
        let Some(slot) = self.slots.get(place(how, value, cue)) else { return false };
        let start = slot.start as usize;
        let (middle, end) =
            (start + usize::from(slot.value), start + usize::from(slot.value) + usize::from(slot.cue));
        slot.kind == how.number()
            && self.bytes.get(start..middle) == Some(value)
            && self.bytes.get(middle..end) == Some(cue)
    }

    /// Keeps that this value holds nothing; long ones aren't kept.
    pub(super) fn learn(&mut self, how: As, value: &str, cue: &str) {
        let (value, cue) = (value.as_bytes(), cue.as_bytes());
        if value.len() + cue.len() > VALUE_BYTES_MAX || self.bytes.len() > BYTES_MAX {
            return;
        }
        if self.slots.is_empty() {
            self.slots.resize(SLOTS, Slot::default());
            self.bytes.reserve(BYTES_FIRST);
        }
        let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        let entry = Slot {
            start: u32::try_from(self.bytes.len()).unwrap_or(u32::MAX),
            value: length(value),
            cue: length(cue),
            kind: how.number(),
        };
        if let Some(slot) = self.slots.get_mut(place(how, value, cue)) {
            *slot = entry;
            self.bytes.extend_from_slice(value);
            self.bytes.extend_from_slice(cue);
        }
    }
}

impl As {
    const fn number(self) -> u8 {
        match self {
            Self::Code => 1,
            Self::Text => 2,
        }
    }
}

/// The slot of a value: a hash of its first and last bytes, eight at a time.
fn place(how: As, value: &[u8], cue: &[u8]) -> usize {
    let mut hash = u64::from(how.number()) ^ (value.len() as u64) << 8 ^ (cue.len() as u64) << 32;
    let mut mix = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for bytes in [value, cue] {
        let (eights, rest) = bytes.as_chunks::<8>();
        eights.iter().for_each(|eight| mix(u64::from_le_bytes(*eight)));
        mix(match bytes.last_chunk::<8>() {
            Some(last) if !rest.is_empty() => u64::from_le_bytes(*last),
            Some(_) => 0,
            None => rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        });
    }
    usize::try_from(hash >> (64 - SLOTS.trailing_zeros())).unwrap_or(0)
}

// Whether nothing is known in this thread: tests hold what is found against it.
#[cfg(test)]
thread_local!(pub(super) static FORGETS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });

/// A power of two.
const SLOTS: usize = 512;
/// Room that is made at once.
const BYTES_FIRST: usize = 4 << 10;
/// Longer values with their cues seldom come again.
const VALUE_BYTES_MAX: usize = 256;
/// What is kept of one message.
const BYTES_MAX: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_by_all_its_bytes_and_how_it_was_read() {
        let mut quiet = Quiet::default();
        assert!(!quiet.knows(As::Code, "", ""));
        quiet.learn(As::Code, "http://loinc.org", "");
        quiet.learn(As::Text, "Glucose", "display");
        assert!(quiet.knows(As::Code, "http://loinc.org", ""));
        assert!(quiet.knows(As::Text, "Glucose", "display"));
        for (how, value, cue) in [
            (As::Text, "http://loinc.org", ""),
            (As::Code, "http://loinc.orh", ""),
            (As::Code, "http://loinc.or", "g"),
            (As::Text, "Glucose", "text"),
            (As::Text, "Glucosed", "isplay"),
            (As::Code, "", ""),
        ] {
            assert!(!quiet.knows(how, value, cue), "{value} {cue}");
        }
    }

    #[test]
    fn no_other_value_passes_for_one_whatever_shares_its_slot() {
        let mut quiet = Quiet::default();
        for n in 0..20_000 {
            quiet.learn(As::Text, &format!("value {n}"), "cue");
        }
        assert!(quiet.bytes.len() <= BYTES_MAX + VALUE_BYTES_MAX);
        for n in 20_000..60_000 {
            assert!(!quiet.knows(As::Text, &format!("value {n}"), "cue"));
        }
        quiet.learn(As::Code, &"x".repeat(VALUE_BYTES_MAX + 1), "");
        assert!(!quiet.knows(As::Code, &"x".repeat(VALUE_BYTES_MAX + 1), ""));
    }
}
