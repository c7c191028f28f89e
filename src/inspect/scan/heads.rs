//! Heads: whether any rule may begin with three bytes, before the gate's automaton is asked. Most words of a text are
//! told to begin no match by two looks at a small table.

use super::gate::{Before, Gate, Step};
use crate::inspect::simd::{BLOCK, Places};
use std::collections::{HashMap, HashSet};

/// Three bytes that matches begin with, roughly: bytes share codes, so that some pass that begin none. What begins a match passes.
pub(super) struct Heads {
    /// Where a line begins.
    line: Thirds,
    /// Behind another byte that is no word character.
    outside: Thirds,
    /// Behind one.
    inside: Thirds,
}

/// For each code of the first byte and the second: a bit for each code of the third.
type Thirds = Box<[u64; FIRSTS * OTHERS]>;

impl Heads {
    /// Those that `gate` doesn't turn away.
    pub(super) fn new(gate: &Gate) -> Self {
        let is_first = |byte: &u8| (0..*byte).all(|before| !gate.is_same(before, *byte));
        let classes: Vec<Class> = (0..=u8::MAX).filter(is_first).map(|b| Class::of(gate, b)).collect();
        // Of each row what leads on from it: many rows lead to the same.
        let mut known = HashMap::new();
        let mut behind = |befores: &[Before]| {
            let (mut thirds, mut seen): (Thirds, _) = (Box::new([0; FIRSTS * OTHERS]), HashSet::new());
            for before in befores.iter().copied() {
                for first in &classes {
                    match gate.step(gate.start(before), first.byte) {
                        Step::Dead => {}
                        Step::Through => mark(&mut thirds, first.firsts, u64::MAX, u64::MAX),
                        Step::On(row) if !seen.insert((row, first.byte)) => {}
                        Step::On(row) => {
                            for second in &classes {
                                let third = match gate.step(row, second.byte) {
                                    Step::Dead => continue,
                                    Step::Through => u64::MAX,
                                    Step::On(row) => {
                                        *known.entry(row).or_insert_with(|| on(gate, row, &classes))
                                    }
                                };
                                mark(&mut thirds, first.firsts, second.others, third);
                            }
                        }
                    }
                }
            }
            thirds
        };
        Self {
            line: behind(&[Before::Nothing, Before::LineEnd]),
            outside: behind(&[Before::Other, Before::High]),
            inside: behind(&[Before::Word]),
        }
    }

    /// Those of the places of a block, which begins at `from`, at which a match may begin; a bit each.
    #[inline]
    pub(super) fn among(&self, text: &[u8], from: usize, places: Places) -> u64 {
        let rest = text.get(from..).unwrap_or_default();
        let Places { all, line, inside } = places;
        among(&self.outside, rest, all & !(line | inside))
            | among(&self.inside, rest, all & inside)
            | among(&self.line, rest, all & line)
    }
}

/// Those of some places of a text that a table lets pass.
#[inline]
fn among(thirds: &Thirds, text: &[u8], mut open: u64) -> u64 {
    let mut left = 0;
    match text.first_chunk::<{ BLOCK + 2 }>() {
        Some(near) => {
            while open != 0 {
                let lane = open.trailing_zeros() as usize % BLOCK;
                open &= open - 1;
                left |= may_begin(thirds, [near[lane], near[lane + 1], near[lane + 2]]) << lane;
            }
        }
        None => {
            while open != 0 {
                let lane = open.trailing_zeros() as usize % BLOCK;
                open &= open - 1;
                // What the text's end cuts off passes.
                let three = text.get(lane..).and_then(|rest| rest.first_chunk());
                left |= three.map_or(1, |three| may_begin(thirds, *three)) << lane;
            }
        }
    }
    left
}

/// 1 where a match may begin with three bytes.
#[inline]
fn may_begin(thirds: &Thirds, [first, second, third]: [u8; 3]) -> u64 {
    let second = usize::from(OTHER_CODES[usize::from(second)]) % OTHERS;
    thirds[first_code(first) * OTHERS + second] >> OTHER_CODES[usize::from(third)] & 1
}

fn mark(table: &mut Thirds, firsts: u128, seconds: u64, thirds: u64) {
    for first in (0..FIRSTS).filter(|code| firsts >> code & 1 == 1) {
        for second in (0..OTHERS).filter(|code| seconds >> code & 1 == 1) {
            table[first * OTHERS + second] |= thirds;
        }
    }
}

/// The codes of the bytes that lead on from a row.
fn on(gate: &Gate, row: u32, classes: &[Class]) -> u64 {
    let leads = classes.iter().filter(|class| gate.step(row, class.byte) != Step::Dead);
    leads.fold(0, |codes, class| codes | class.others)
}

/// The codes of bytes that a gate doesn't tell apart.
struct Class {
    byte: u8,
    /// As first bytes, a bit each.
    firsts: u128,
    /// As second and third ones.
    others: u64,
}

impl Class {
    fn of(gate: &Gate, byte: u8) -> Self {
        let all = (0..=u8::MAX).filter(|other| gate.is_same(byte, *other));
        let codes = all.map(|b| (1 << first_code(b), 1 << OTHER_CODES[usize::from(b)]));
        let (firsts, others) = codes.fold((0, 0), |(firsts, others), (f, o)| (firsts | f, others | o));
        Self { byte, firsts, others }
    }
}

/// What is ASCII is its own code.
fn first_code(byte: u8) -> usize {
    usize::from(byte).min(FIRSTS - 1)
}

/// Letters have a code each, in either case.
static OTHER_CODES: [u8; 256] = {
    let mut codes = [0; 256];
    let mut byte = 0u8;
    loop {
        codes[byte as usize] = match byte {
            b'a'..=b'z' => byte - b'a',
            b'A'..=b'Z' => 26 + byte - b'A',
            b'0'..=b'9' => 52,
            b' ' => 53,
            b'\n' | b'\r' => 54,
            b'\t' => 55,
            _ => 56 + byte % 8,
        };
        if byte == u8::MAX {
            break codes;
        }
        byte += 1;
    }
};

/// Codes of first bytes.
const FIRSTS: usize = 128;
/// Codes of second and third bytes.
const OTHERS: usize = 64;
