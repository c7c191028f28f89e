//! How likely a rule begins at a place of a message, roughly: it decides how the rule is looked for.

use super::gate::{Before, DEPTH_MAX, Gate, Step};
use std::collections::BTreeMap;

/// The share of places at which the gate lets a rule through.
pub(super) fn chance(gate: &Gate) -> f64 {
    let starts = [(Before::Other, 0.2), (Before::Word, 0.8)];
    let mut open: BTreeMap<u32, f64> = BTreeMap::new();
    for (before, share) in starts {
        *open.entry(gate.start(before)).or_default() += share;
    }
    let mut through = 0.0;
    for _ in 0..DEPTH_MAX {
        let mut next: BTreeMap<u32, f64> = BTreeMap::new();
        for (row, share) in open {
            for byte in 0..0x80u8 {
                let share = share * frequency(byte);
                match gate.step(row, byte) {
                    Step::Dead => {}
                    Step::Through => through += share,
                    Step::On(row) => *next.entry(row).or_default() += share,
                }
            }
        }
        open = next;
    }
    through + open.values().sum::<f64>()
}

/// The share of places at which a byte stands that a rule may begin with, outside of words.
pub(super) fn first_chance(gate: &Gate) -> f64 {
    let row = gate.start(Before::Other);
    (0..0x80u8).filter(|byte| gate.step(row, *byte) != Step::Dead).map(frequency).sum()
}

/// How often a byte is seen in messages, roughly.
pub(super) fn frequency(byte: u8) -> f64 {
    match byte {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 0.045,
        b'a'..=b'z' => 0.014,
        b' ' => 0.09,
        b'0'..=b'9' => 0.03,
        b'A'..=b'Z' => 0.008,
        b'"' | b'|' | b'/' | b'.' | b'-' | b':' | b',' | b'<' | b'>' => 0.012,
        b'@' => 0.0005,
        _ => 0.002,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::nfa::thompson::NFA;

    #[test]
    fn what_begins_with_any_word_is_likelier_than_what_begins_with_one() {
        let gate = |pattern: &str| Gate::new(&[(0, &NFA::new(pattern).unwrap())]);
        let of = |pattern: &str| chance(&gate(pattern));
        let (any, word, digits) = (of(r"\b\w+@"), of(r"\bpatient id"), of(r"\b[0-9]{3}-[0-9]{2}"));
        assert!(any > 0.05, "{any}");
        assert!(word < 1e-6 && digits < 1e-4, "{word} {digits}");
        let first = |pattern: &str| first_chance(&gate(pattern));
        let (blank, word) = (first("(?:^|[^a-z])(?:help|info)@"), first(r"\bpatient id"));
        assert!(blank > 0.2 && word < 0.02, "{blank} {word}");
    }
}
