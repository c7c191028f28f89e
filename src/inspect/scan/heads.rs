//! Heads: whether any rule may begin with three bytes, before the gate's automaton is asked. Most words of a text are
//! told to begin no match by two looks at a small table.

use super::gate::{Before, Gate, Step};
use crate::inspect::simd::BLOCK;
use std::collections::HashSet;

/// Three bytes that matches begin with, roughly: bytes share codes, so that some pass that begin none. What begins a match passes.
pub(super) struct Heads {
    /// For each code of the first byte and the second: a bit for each code of the third.
    thirds: Box<[u32; FIRSTS * OTHERS]>,
}

impl Heads {
    /// Those that `gate` doesn't turn away.
    pub(super) fn new(gate: &Gate) -> Self {
        let mut heads = Self { thirds: Box::new([0; FIRSTS * OTHERS]) };
        let is_first = |byte: &u8| (0..*byte).all(|before| !gate.is_same(before, *byte));
        let classes: Vec<Class> = (0..=u8::MAX).filter(is_first).map(|b| Class::of(gate, b)).collect();
        let mut seen = HashSet::new();
        for before in Before::ALL.map(|(before, _)| before) {
            for first in &classes {
                let seconds = match gate.step(gate.start(before), first.byte) {
                    Step::Dead => continue,
                    Step::Through => vec![(u32::MAX, u32::MAX)],
                    Step::On(row) if !seen.insert((row, first.byte)) => continue,
                    Step::On(row) => {
                        classes.iter().map(|c| (c.others, thirds(gate, row, c, &classes))).collect()
                    }
                };
                seconds.into_iter().for_each(|(seconds, thirds)| heads.mark(first.firsts, seconds, thirds));
            }
        }
        heads
    }

    fn mark(&mut self, firsts: u128, seconds: u32, thirds: u32) {
        for first in (0..FIRSTS).filter(|code| firsts >> code & 1 == 1) {
            for second in (0..OTHERS).filter(|code| seconds >> code & 1 == 1) {
                self.thirds[first * OTHERS + second] |= thirds;
            }
        }
    }

    /// Those of the places of a block, which begins at `from`, at which a match may begin; a bit each.
    #[inline]
    pub(super) fn among(&self, text: &[u8], from: usize, places: u64) -> u64 {
        let rest = text.get(from..).unwrap_or_default();
        let (mut open, mut left) = (places, 0);
        match rest.first_chunk::<{ BLOCK + 2 }>() {
            Some(near) => {
                while open != 0 {
                    let lane = open.trailing_zeros() as usize % BLOCK;
                    open &= open - 1;
                    left |= self.may_begin([near[lane], near[lane + 1], near[lane + 2]]) << lane;
                }
            }
            None => {
                while open != 0 {
                    let lane = open.trailing_zeros() as usize % BLOCK;
                    open &= open - 1;
                    // What the text's end cuts off passes.
                    let three = rest.get(lane..).and_then(|rest| rest.first_chunk());
                    left |= three.map_or(1, |three| self.may_begin(*three)) << lane;
                }
            }
        }
        left
    }

    /// 1 where a match may begin with three bytes.
    #[inline]
    fn may_begin(&self, [first, second, third]: [u8; 3]) -> u64 {
        let second = usize::from(OTHER_CODES[usize::from(second)]) % OTHERS;
        u64::from(self.thirds[first_code(first) * OTHERS + second] >> OTHER_CODES[usize::from(third)] & 1)
    }
}

/// The codes of bytes that a gate doesn't tell apart.
struct Class {
    byte: u8,
    /// As first bytes, a bit each.
    firsts: u128,
    /// As second and third ones.
    others: u32,
}

impl Class {
    fn of(gate: &Gate, byte: u8) -> Self {
        let all = (0..=u8::MAX).filter(|other| gate.is_same(byte, *other));
        let codes = all.map(|b| (1 << first_code(b), 1 << OTHER_CODES[usize::from(b)]));
        let (firsts, others) = codes.fold((0, 0), |(firsts, others), (f, o)| (firsts | f, others | o));
        Self { byte, firsts, others }
    }
}

/// The codes of third bytes behind a row and a second byte.
fn thirds(gate: &Gate, row: u32, second: &Class, classes: &[Class]) -> u32 {
    match gate.step(row, second.byte) {
        Step::Dead => 0,
        Step::Through => u32::MAX,
        Step::On(row) => classes
            .iter()
            .filter(|third| gate.step(row, third.byte) != Step::Dead)
            .fold(0, |codes, third| codes | third.others),
    }
}

/// What is ASCII is its own code.
fn first_code(byte: u8) -> usize {
    usize::from(byte).min(FIRSTS - 1)
}

/// Letters have a code each, whatever their case.
static OTHER_CODES: [u8; 256] = {
    let mut codes = [0; 256];
    let mut byte = 0u8;
    loop {
        codes[byte as usize] = match byte {
            b'a'..=b'z' => byte - b'a',
            b'A'..=b'Z' => byte - b'A',
            b'0'..=b'9' => 26,
            b' ' => 27,
            _ => 28 + byte % 4,
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
const OTHERS: usize = 32;
