//! Quiet values: those of one message in which nothing was found. Documents say the same words, codes and systems over
//! and over; what was looked through once and held nothing is known by its bytes and not looked through again.
//!
//! An entry is the whole value with its cue, compared to the last byte: a hash alone decides nothing. Both are kept no
//! longer than the message, in a bounded buffer.

use crate::inspect::disguise::Plain;
use crate::inspect::rules::RuleSet;
use crate::inspect::{embedded, text, vocab};

/// Codes in which these rules find nothing, whatever stands around them. Nearly each code of a message is asked for here: they
/// are told apart by their first and last eight bytes and their length, and then compared.
#[derive(Default)]
pub(in crate::inspect) struct Silent {
    /// A power of two, at most half of them taken; an empty one is free.
    slots: Box<[&'static str]>,
}

impl Silent {
    fn of(codes: &[&'static str]) -> Self {
        let mut silent = Self { slots: vec![""; (codes.len() * 2).next_power_of_two()].into() };
        for code in codes {
            let (Ok(at) | Err(at)) = silent.place(code);
            silent.slots.iter_mut().skip(at).take(1).for_each(|slot| *slot = code);
        }
        silent
    }

    /// Whether this code is one.
    pub(super) fn contains(&self, code: &str) -> bool {
        !code.is_empty() && self.place(code).is_ok()
    }

    /// Where the code is, or would be.
    #[inline]
    fn place(&self, code: &str) -> Result<usize, usize> {
        let bytes = code.as_bytes();
        let (first, last) = match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => (bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0),
        };
        let mixed = (first ^ last.rotate_left(23) ^ (bytes.len() as u64) << 56).wrapping_mul(MIX);
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = (mixed >> 32) as usize & mask;
        // Half of the slots are free: this ends.
        while let Some(slot) = self.slots.get(at).filter(|slot| !slot.is_empty()) {
            if *slot == code {
                return Ok(at);
            }
            at = (at + 1) & mask;
        }
        Err(at)
    }
}

/// Those of the safe vocabulary: asked once for a rule set, since nearly every message has some of them.
pub(in crate::inspect) fn silent(rules: &RuleSet) -> Silent {
    // Nothing here may ask for the built-in rule set: it is being made.
    let is_silent = |code: &&str| {
        !embedded::may_be_document(code.as_bytes())
            && Plain::of(code).is_as_written()
            && embedded::base64_runs(code).is_empty()
            && !text::may_tell(code, rules)
    };
    Silent::of(&vocab::words().filter(is_silent).collect::<Vec<_>>())
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
    let mut mix = |word: u64| hash = (hash.rotate_left(5) ^ word).wrapping_mul(MIX);
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

/// An odd number whose product all bits reach.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
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
    fn a_code_is_silent_by_all_its_bytes() {
        let codes: Vec<&str> = vocab::words().collect();
        let (silent, few) = (
            Silent::of(&codes),
            Silent::of(&["http://loinc.org", "http://loinc.org", "final", "vital-signs"]),
        );
        assert!(codes.len() > 300 && codes.iter().all(|code| silent.contains(code)));
        for code in &codes {
            let at = silent.place(code).unwrap();
            let (mut first, mut steps) = (at, 0);
            // Codes that share a place stand behind each other: they are few.
            while first > 0 && !silent.slots[first - 1].is_empty() {
                (first, steps) = (first - 1, steps + 1);
            }
            assert!(steps < 64, "{code}: {steps}");
            let other = format!("{code}x");
            assert_eq!(silent.contains(&other), codes.contains(&other.as_str()));
        }
        assert!(few.contains("http://loinc.org") && few.contains("vital-signs"));
        for other in ["http://loinc.or", "http://LOINC.org", "http://lo-nc.org", "", "\0", "final-signs"] {
            assert!(!few.contains(other), "{other}");
        }
        assert!(!Silent::default().contains("final") && !Silent::of(&[]).contains("final"));
    }

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
