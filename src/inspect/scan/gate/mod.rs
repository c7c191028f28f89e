//! The gate: which rules may begin at a place, told by the first bytes there, for all rules at once.
//!
//! An automaton of all rules, made once: its states are those that first bytes lead to, up to [`DEPTH_MAX`] of them, and
//! it goes on for as long as further bytes lead to one of these. Where it says that no rule begins, none does; a rule that
//! it lets through is tried by its own automaton. Looks (`\b`, `^`) count at the start, where the byte before tells of them;
//! further on they are taken to hold.

mod build;

use build::Builder;
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;

/// The automaton.
pub(super) struct Gate {
    /// For each byte its class, a column of `next`.
    class: [u8; 256],
    /// For each state, a row: what each class leads to.
    next: Vec<u32>,
    /// The row to begin with, by what stands before.
    starts: [u32; BEFORE],
    /// Rules that are let through together. Which of them a row lets through stands behind its columns, and then those
    /// that it leaves open.
    lists: Vec<Box<[u16]>>,
    /// How many classes there are.
    columns: usize,
}

/// What stands before a place: the start of the text, the end of a line, another ASCII byte that is no word character,
/// one that is, a byte that isn't ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Before {
    Nothing,
    LineEnd,
    Other,
    Word,
    High,
}

/// What a byte leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// No rule begins so.
    Dead,
    /// A rule is let through.
    Through,
    /// A row.
    On(u32),
}

/// Bytes that a match may begin with.
pub(in crate::inspect) struct Firsts {
    /// Behind the end of a line.
    pub(in crate::inspect) line: [bool; 256],
    /// Behind what is no ASCII word character.
    pub(in crate::inspect) outside: [bool; 256],
    /// Behind an ASCII word character.
    pub(in crate::inspect) inside: [bool; 256],
}

impl Before {
    pub(super) fn of(text: &[u8], at: usize) -> Self {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        before.map_or(Self::Nothing, |before| BEFORE_OF[usize::from(*before)])
    }

    const fn of_byte(byte: u8) -> Self {
        match byte {
            b'\n' => Self::LineEnd,
            byte if is_word(byte) => Self::Word,
            0..0x80 => Self::Other,
            0x80.. => Self::High,
        }
    }

    /// All, each with how many places have it before them.
    pub(super) const ALL: [(Self, f64); BEFORE] = [
        (Self::Nothing, 0.01),
        (Self::LineEnd, 0.02),
        (Self::Other, 0.2),
        (Self::Word, 0.76),
        (Self::High, 0.01),
    ];
}

impl Gate {
    /// The gate of these rules, each with its number.
    pub(super) fn new(rules: &[(u16, &NFA)]) -> Self {
        Builder::new(rules).build()
    }

    /// Adds to `found` each rule that may begin at `at`.
    pub(super) fn at(&self, text: &[u8], at: usize, found: &mut Vec<u16>) {
        let rest = text.get(at..).unwrap_or_default();
        let near = rest.get(..READ_MAX).unwrap_or(rest);
        let mut row = self.start(Before::of(text, at));
        for byte in near {
            let to = self.to(row, *byte);
            if to < PLAIN {
                row = to;
            } else if to == DEAD {
                return;
            } else if to & LEAF != 0 {
                return self.tell(Some(to & ROW), found);
            } else {
                row = to & ROW;
                self.tell(self.next.get(row as usize + self.columns).copied(), found);
            }
        }
        if near.len() < rest.len() {
            self.tell(self.next.get(row as usize + self.columns + 1).copied(), found);
        }
    }

    fn tell(&self, list: Option<u32>, found: &mut Vec<u16>) {
        let list = list.and_then(|list| self.lists.get(list as usize));
        found.extend_from_slice(list.map_or(&[], |list| list));
    }

    /// The row to begin with.
    pub(super) fn start(&self, before: Before) -> u32 {
        self.starts[before as usize]
    }

    /// What a byte leads to from a row.
    pub(super) fn step(&self, row: u32, byte: u8) -> Step {
        match self.to(row, byte) {
            DEAD => Step::Dead,
            to if to < PLAIN => Step::On(to),
            _ => Step::Through,
        }
    }

    #[inline]
    fn to(&self, state: u32, byte: u8) -> u32 {
        let at = state as usize + usize::from(self.class[usize::from(byte)]);
        self.next.get(at).copied().unwrap_or(DEAD)
    }

    /// Whether no rule tells these bytes apart.
    pub(super) fn is_same(&self, one: u8, other: u8) -> bool {
        self.class[usize::from(one)] == self.class[usize::from(other)]
    }

    /// What matches may begin with.
    pub(super) fn firsts(&self) -> Firsts {
        let leads = |before: [Before; 2]| {
            std::array::from_fn(|byte| {
                let begins = |before: Before| {
                    u8::try_from(byte).is_ok_and(|byte| self.to(self.start(before), byte) != DEAD)
                };
                before.into_iter().any(begins)
            })
        };
        Firsts {
            line: leads([Before::Nothing, Before::LineEnd]),
            outside: leads([Before::Other, Before::High]),
            inside: leads([Before::Word; 2]),
        }
    }
}

/// The states that read a byte, and whether the rule ends, where `holds` says which looks do.
pub(super) fn closure(nfa: &NFA, from: u32, holds: &dyn Fn(Look) -> bool) -> (Vec<u32>, bool) {
    let (mut seen, mut waiting, mut out, mut ends) = (Vec::new(), vec![from], Vec::new(), false);
    while let Some(state) = waiting.pop() {
        if seen.contains(&state) {
            continue;
        }
        seen.push(state);
        let to = |id: &StateID| id.as_u32();
        match at(nfa, state) {
            State::Look { look, next } => waiting.extend(holds(*look).then(|| to(next))),
            State::Union { alternates } => waiting.extend(alternates.iter().map(to)),
            State::BinaryUnion { alt1, alt2 } => waiting.extend([to(alt1), to(alt2)]),
            State::Capture { next, .. } => waiting.push(to(next)),
            State::Match { .. } => ends = true,
            State::Fail => {}
            State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => out.push(state),
        }
    }
    out.sort_unstable();
    (out, ends)
}

fn at(nfa: &NFA, state: u32) -> &State {
    let state = usize::try_from(state).ok().and_then(|state| StateID::new(state).ok());
    nfa.state(state.expect("it came from the automaton"))
}

pub(super) fn leads(nfa: &NFA, state: u32, byte: u8) -> Option<u32> {
    let next = match at(nfa, state) {
        State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
        State::Sparse(sparse) => sparse.matches_byte(byte),
        State::Dense(dense) => dense.matches_byte(byte),
        _ => None,
    };
    next.map(|next| next.as_u32())
}

pub(in crate::inspect) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many bytes it makes new states for.
pub(super) const DEPTH_MAX: usize = 8;
/// How many it reads: what is open then is let through.
const READ_MAX: usize = 40;
const BEFORE: usize = 5;

/// What each byte is to the place behind it.
static BEFORE_OF: [Before; 256] = {
    let mut all = [Before::High; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        // In a constant an index is checked when it is compiled.
        all[byte as usize] = Before::of_byte(byte);
        byte += 1;
    }
    all
};

/// What an entry of `next` is: a row (of plain ones no bit is set), one that lets rules through, or a list of them
/// behind which there is no more.
const PLAIN: u32 = THROUGH;
const THROUGH: u32 = 1 << 30;
const LEAF: u32 = 1 << 31;
const ROW: u32 = THROUGH - 1;
/// No rule.
const DEAD: u32 = u32::MAX;
