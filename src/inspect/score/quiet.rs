//! Quiet values: those in which nothing was found. Messages say the same words, codes, displays and notes over and over;
//! what was looked through once and held nothing is not looked through again, in this message or in those behind it.
//!
//! A thread keeps no value, only 128 bits of each: a hash of all its bytes, of its cue, and of the rules that looked for
//! something in it, under keys that each process draws anew. So nobody can choose a value that passes for another, and
//! by chance one in 2^115 does. They are kept in a table of one size; what came last stays.

use crate::inspect::disguise::Plain;
use crate::inspect::hash::{Keys, folded};
use crate::inspect::rules::RuleSet;
use crate::inspect::{embedded, text, vocab};
use std::cell::RefCell;

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

/// What is known to hold nothing by rules of one number.
pub(super) struct Quiet {
    keys: Keys,
    rules: u64,
}

/// A value with its cue and the rules that found nothing in it. That of nobody is of noughts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark(u64, u64);

thread_local! {
    /// Those that this thread knows; in a set the one that came last is first. Empty until there is one.
    static KNOWN: RefCell<Vec<[Mark; WAYS]>> = const { RefCell::new(Vec::new()) };
}

/// How a value was looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// As a code: whatever it is called.
    Code,
    /// As a text, with its cue.
    Text,
}

impl Quiet {
    /// Of what rules of this number find.
    pub(super) fn new(rules: u64) -> Self {
        Self { keys: Keys::of_process(), rules }
    }

    /// What a value with its cue is known by; of long ones nothing is known.
    pub(super) fn mark(&self, how: As, value: &str, cue: &str) -> Option<Mark> {
        // They aren't hashed, either.
        (value.len() + cue.len() <= VALUE_BYTES_MAX).then(|| self.hashed(how, value, cue))
    }

    fn hashed(&self, how: As, value: &str, cue: &str) -> Mark {
        let Keys(mut one, one_key, mut other, other_key) = self.keys;
        let mut mix = |word: u64| {
            one = folded(one ^ word, one_key);
            other = folded(other ^ word, other_key);
        };
        mix(self.rules);
        mix(u64::from(how.number()) ^ (value.len() as u64) << 8 ^ (cue.len() as u64) << 32);
        for bytes in [value.as_bytes(), cue.as_bytes()] {
            let (eights, rest) = bytes.as_chunks::<8>();
            eights.iter().for_each(|eight| mix(u64::from_le_bytes(*eight)));
            match bytes.last_chunk::<8>() {
                Some(last) if !rest.is_empty() => mix(u64::from_le_bytes(*last)),
                Some(_) => {}
                None => mix(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))),
            }
        }
        Mark(folded(one, one_key), folded(other, other_key))
    }
}

impl Mark {
    /// Whether its value is known to hold nothing.
    pub(super) fn is_quiet(self) -> bool {
        #[cfg(test)]
        if FORGETS.get() {
            return false;
        }
        KNOWN.with_borrow_mut(|known| {
            let Some(set) = known.get_mut(self.set()) else { return false };
            let way = set.iter().position(|other| *other == self);
            way.inspect(|way| set.swap(0, *way)).is_some()
        })
    }

    /// Keeps that its value holds nothing.
    pub(super) fn keep(self) {
        KNOWN.with_borrow_mut(|known| {
            if known.is_empty() {
                known.resize(SETS, [Self::default(); WAYS]);
            }
            if let Some(set) = known.get_mut(self.set()) {
                set.rotate_right(1);
                set[0] = self;
            }
        });
    }

    /// The set that it is kept in.
    fn set(self) -> usize {
        usize::try_from(self.0 >> (64 - SETS.trailing_zeros())).unwrap_or(0)
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

// Whether nothing is known in this thread: tests hold what is found against it.
#[cfg(test)]
thread_local!(pub(super) static FORGETS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });

/// An odd number whose product all bits reach.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
/// Values of a hash that are kept beside each other.
const WAYS: usize = 2;
/// A power of two: with the ways 128 KiB of a thread.
const SETS: usize = 4096;
/// Longer values with their cues seldom come again.
const VALUE_BYTES_MAX: usize = 256;

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

    fn knows(quiet: &Quiet, how: As, value: &str, cue: &str) -> bool {
        quiet.mark(how, value, cue).is_some_and(Mark::is_quiet)
    }

    fn learn(quiet: &Quiet, how: As, value: &str, cue: &str) {
        quiet.mark(how, value, cue).into_iter().for_each(Mark::keep);
    }

    #[test]
    fn a_value_is_known_by_all_its_bytes_and_how_it_was_read() {
        let quiet = Quiet::new(u64::MAX - 1);
        assert!(!knows(&quiet, As::Code, "", ""));
        learn(&quiet, As::Code, "http://loinc.org", "");
        learn(&quiet, As::Text, "Glucose", "display");
        assert!(knows(&quiet, As::Code, "http://loinc.org", ""));
        assert!(knows(&quiet, As::Text, "Glucose", "display"));
        for (how, value, cue) in [
            (As::Text, "http://loinc.org", ""),
            (As::Code, "http://loinc.orh", ""),
            (As::Code, "http://loinc.or", "g"),
            (As::Text, "Glucose", "text"),
            (As::Text, "Glucosed", "isplay"),
            (As::Code, "", ""),
        ] {
            assert!(!knows(&quiet, how, value, cue), "{value} {cue}");
        }
        // Another message knows it; one that other rules judge doesn't.
        assert!(knows(&Quiet::new(u64::MAX - 1), As::Text, "Glucose", "display"));
        assert!(!knows(&Quiet::new(u64::MAX - 2), As::Text, "Glucose", "display"));
    }

    #[test]
    fn no_other_value_passes_for_one_whatever_shares_its_set() {
        let quiet = Quiet::new(u64::MAX - 3);
        for n in 0..20_000 {
            learn(&quiet, As::Text, &format!("value {n}"), "cue");
        }
        assert_eq!(KNOWN.with_borrow(Vec::len), SETS);
        for n in 20_000..60_000 {
            assert!(!knows(&quiet, As::Text, &format!("value {n}"), "cue"));
        }
        // By chance three of them share a set once in 140,000 runs.
        assert!((19_990..20_000).all(|n| knows(&quiet, As::Text, &format!("value {n}"), "cue")));
        learn(&quiet, As::Code, &"x".repeat(VALUE_BYTES_MAX + 1), "");
        assert!(!knows(&quiet, As::Code, &"x".repeat(VALUE_BYTES_MAX + 1), ""));
    }

    #[test]
    fn marks_of_values_that_differ_a_little_differ_in_both_halves() {
        let quiet = Quiet::new(1);
        let texts = (0..64).map(|n| "x".repeat(n)).chain((0..20_000).map(|n| format!("{n:08}{n:08}")));
        let marks: Vec<Mark> = texts.map(|text| quiet.hashed(As::Text, &text, "")).collect();
        let count =
            |half: fn(&Mark) -> u64| marks.iter().map(half).collect::<std::collections::HashSet<_>>().len();
        assert_eq!((count(|mark| mark.0), count(|mark| mark.1)), (marks.len(), marks.len()));
        let mut sets = vec![0_usize; 64];
        marks.iter().for_each(|mark| sets[mark.set() / (SETS / 64)] += 1);
        assert!(sets.iter().all(|n| (150..500).contains(n)), "{sets:?}");
    }
}
