//! The gate: which rules may begin at a place, told by the first bytes there, for all rules at once.
//!
//! An automaton of all rules, made once: its states are those that first bytes lead to, up to [`DEPTH_MAX`] of them, and
//! it goes on for as long as further bytes lead to one of these. Where it says that no rule begins, none does; a rule that
//! it lets through is tried by its own automaton. Looks (`\b`, `^`) count at the start, where the byte before tells of them;
//! further on they are taken to hold.

use super::chance::frequency;
use crate::inspect::hash::Map;
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;
use std::collections::HashMap;
use std::rc::Rc;

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
        match at.checked_sub(1).and_then(|before| text.get(before)) {
            None => Self::Nothing,
            Some(b'\n') => Self::LineEnd,
            Some(b) if is_word(*b) => Self::Word,
            Some(b) if b.is_ascii() => Self::Other,
            Some(_) => Self::High,
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

    /// Tells `found` of each rule that may begin at `at`.
    pub(super) fn at(&self, text: &[u8], at: usize, found: &mut dyn FnMut(u16)) {
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

    fn tell(&self, list: Option<u32>, found: &mut dyn FnMut(u16)) {
        let list = list.and_then(|list| self.lists.get(list as usize));
        list.into_iter().flatten().for_each(|rule| found(*rule));
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

/// Makes the automaton, level by level. What messages hardly ever begin with is not told apart further.
struct Builder<'n> {
    rules: &'n [(u16, &'n NFA)],
    /// For each byte its class, and for each class one of its bytes.
    class: [u8; 256],
    bytes: Vec<u8>,
    /// Of each class, how often its bytes are seen.
    shares: Vec<f64>,
    nodes: Vec<Node>,
    numbers: Map<(u16, u32), u32>,
    closures: Map<(u16, u32), Closure>,
    next: Vec<u32>,
    lists: Map<Box<[u16]>, u32>,
    /// Where the automaton can be, and what stands for it: a row that any further byte may lead to again.
    known: Map<Set, u32>,
}

/// A state of a rule that reads a byte.
struct Node {
    /// The rule, an index of `rules`.
    rule: u16,
    state: u32,
    /// By class, where it leads: made when first asked.
    leads: Option<Leads>,
}

/// What a state leads to without a byte: the nodes that are reached, or none where the rule ends.
type Closure = Rc<[u32]>;

/// By class of bytes, what a state leads to.
type Leads = Rc<[(u8, Closure)]>;

/// Where the automaton can be: nodes, in order, and the rules that are let through.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Set {
    alive: Vec<u32>,
    through: Vec<u16>,
}

/// Sets of one level, each with how often a place is there.
#[derive(Default)]
struct Level {
    numbers: Map<Set, u32>,
    shares: Vec<f64>,
}

impl<'n> Builder<'n> {
    fn new(rules: &'n [(u16, &'n NFA)]) -> Self {
        let mut builder = Self {
            rules,
            class: [0; 256],
            bytes: Vec::new(),
            shares: Vec::new(),
            nodes: Vec::new(),
            numbers: Map::default(),
            closures: Map::default(),
            next: Vec::new(),
            lists: Map::default(),
            known: Map::default(),
        };
        builder.classes();
        builder
    }

    /// Bytes that no rule tells apart are of one class.
    fn classes(&mut self) {
        let mut known: HashMap<Vec<u8>, u8> = HashMap::new();
        for byte in 0..=u8::MAX {
            let told: Vec<u8> = self.rules.iter().map(|(_, nfa)| nfa.byte_classes().get(byte)).collect();
            let fresh = u8::try_from(known.len()).expect("one for each byte before this at most");
            let class = *known.entry(told).or_insert(fresh);
            if usize::from(class) == self.bytes.len() {
                self.bytes.push(byte);
                self.shares.push(0.0);
            }
            self.class[usize::from(byte)] = class;
            self.shares[usize::from(class)] += frequency(byte);
        }
    }

    fn build(mut self) -> Gate {
        let columns = self.bytes.len();
        let (mut starts, mut rows, mut level) = ([DEAD; BEFORE], Vec::new(), Level::default());
        for (before, share) in Before::ALL {
            let row = self.push_row(&Set::default());
            for column in 0..columns {
                let set = self.first(before, self.bytes[column]);
                let share = share * self.shares[column];
                self.next[row as usize + column] = level.number(set, share);
            }
            starts[before as usize] = row;
            rows.push(row);
        }
        for depth in 2.. {
            let resolved = self.resolve(level, depth > DEPTH_MAX);
            for row in rows {
                for cell in self.next.iter_mut().skip(row as usize).take(columns) {
                    *cell = resolved.get(*cell as usize).map_or(DEAD, |(to, _, _)| *to);
                }
            }
            level = Level::default();
            rows = Vec::new();
            for (to, share, set) in resolved {
                let Some(set) = set else { continue };
                let row = to & ROW;
                for (column, set) in self.step(&set.alive) {
                    let share = share * self.shares[usize::from(column)];
                    self.next[row as usize + usize::from(column)] = level.number(set, share);
                }
                rows.push(row);
            }
            if rows.is_empty() {
                break;
            }
        }
        let mut lists: Vec<(Box<[u16]>, u32)> = self.lists.into_iter().collect();
        lists.sort_unstable_by_key(|(_, number)| *number);
        let lists = lists.into_iter().map(|(list, _)| list).collect();
        Gate { class: self.class, next: self.next, starts, lists, columns }
    }

    /// What stands for each set of a level: its row if it has one, a new one with the set where it is worth one.
    fn resolve(&mut self, level: Level, is_last: bool) -> Vec<(u32, f64, Option<Set>)> {
        let Level { numbers, shares } = level;
        let mut sets: Vec<(u32, Set)> = numbers.into_iter().map(|(set, number)| (number, set)).collect();
        sets.sort_unstable_by_key(|(number, _)| *number);
        sets.into_iter()
            .zip(shares)
            .map(|((_, set), share)| {
                if let Some(to) = self.known.get(&set) {
                    (*to, share, None)
                } else if set.alive.is_empty() || is_last || share < SHARE_MIN || self.next.len() > CELLS_MAX
                {
                    (self.leaf(set), share, None)
                } else {
                    let flag = if set.through.is_empty() { 0 } else { THROUGH };
                    let to = flag | self.push_row(&set);
                    self.known.insert(set.clone(), to);
                    (to, share, Some(set))
                }
            })
            .collect()
    }

    /// All rules that are left are let through.
    fn leaf(&mut self, set: Set) -> u32 {
        let mut rules = self.open(&set);
        rules.extend(set.through);
        rules.sort_unstable();
        rules.dedup();
        if rules.is_empty() { DEAD } else { LEAF | self.list(&rules) }
    }

    /// The rules that have to be read on.
    fn open(&self, set: &Set) -> Vec<u16> {
        let of = |node: &u32| {
            let node = self.nodes.get(*node as usize)?;
            self.rules.get(usize::from(node.rule)).map(|(rule, _)| *rule)
        };
        let mut rules: Vec<u16> = set.alive.iter().filter_map(of).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// What the first byte leads to: what stands around the start tells which looks hold there.
    fn first(&mut self, before: Before, byte: u8) -> Set {
        let is_word = |byte: u8| byte.is_ascii().then(|| is_word(byte));
        let (left, right) = match before {
            Before::High => (None, is_word(byte)),
            before => (Some(before == Before::Word), is_word(byte)),
        };
        // What isn't ASCII may be a word character or not.
        let bounds = left.zip(right).map(|(left, right)| left != right);
        let holds = |look: Look| match look {
            Look::Start => before == Before::Nothing,
            Look::StartLF => matches!(before, Before::Nothing | Before::LineEnd),
            Look::WordAscii | Look::WordUnicode => bounds != Some(false),
            Look::WordAsciiNegate | Look::WordUnicodeNegate => bounds != Some(true),
            _ => true,
        };
        let mut set = Set::default();
        for (index, (_, nfa)) in (0..).zip(self.rules) {
            let (states, _) = closure(nfa, nfa.start_anchored().as_u32(), &holds);
            for target in states.into_iter().filter_map(|state| leads(nfa, state, byte)) {
                let closure = self.closure(index, target);
                self.reach(index, &closure, &mut set);
            }
        }
        self.tidy(set)
    }

    /// What each class of bytes leads to.
    fn step(&mut self, from: &[u32]) -> Vec<(u8, Set)> {
        let mut to: Vec<Option<Set>> = vec![None; self.bytes.len()];
        for node in from {
            let Some((rule, leads)) = self.leads(*node) else { continue };
            for (column, closure) in leads.iter() {
                if let Some(slot) = to.get_mut(usize::from(*column)) {
                    self.reach(rule, closure, slot.get_or_insert_default());
                }
            }
        }
        let columns = (0..=u8::MAX).zip(to);
        columns.filter_map(|(column, set)| Some((column, self.tidy(set?)))).collect()
    }

    /// Where a node leads, by class; what leads nowhere is left out.
    fn leads(&mut self, number: u32) -> Option<(u16, Leads)> {
        let Node { rule, state, leads: known } = self.nodes.get(number as usize)?;
        let (rule, state) = (*rule, *state);
        if let Some(known) = known {
            return Some((rule, known.clone()));
        }
        let (_, nfa) = self.rules.get(usize::from(rule))?;
        let bytes = self.bytes.clone();
        let columns = (0..=u8::MAX).zip(bytes);
        let made: Leads = columns
            .filter_map(|(column, byte)| Some((column, self.closure(rule, leads(nfa, state, byte)?))))
            .collect();
        self.nodes.get_mut(number as usize)?.leads = Some(made.clone());
        Some((rule, made))
    }

    fn closure(&mut self, rule: u16, state: u32) -> Closure {
        if let Some(known) = self.closures.get(&(rule, state)) {
            return known.clone();
        }
        let (states, ends) = match self.rules.get(usize::from(rule)) {
            Some((_, nfa)) => closure(nfa, state, &|_| true),
            None => (Vec::new(), true),
        };
        let made: Closure = match ends {
            true => Rc::new([]),
            false => states.into_iter().map(|state| self.node(rule, state)).collect(),
        };
        self.closures.insert((rule, state), made.clone());
        made
    }

    fn node(&mut self, rule: u16, state: u32) -> u32 {
        let fresh = u32::try_from(self.nodes.len()).expect("automata are bounded");
        let number = *self.numbers.entry((rule, state)).or_insert(fresh);
        if number == fresh {
            self.nodes.push(Node { rule, state, leads: None });
        }
        number
    }

    fn reach(&self, rule: u16, closure: &Closure, set: &mut Set) {
        if closure.is_empty() {
            set.through.extend(self.rules.get(usize::from(rule)).map(|(rule, _)| *rule));
        } else {
            set.alive.extend_from_slice(closure);
        }
    }

    /// Sorted; a rule that is let through needn't be read on.
    fn tidy(&self, mut set: Set) -> Set {
        set.through.sort_unstable();
        set.through.dedup();
        set.alive.sort_unstable();
        set.alive.dedup();
        if !set.through.is_empty() {
            let through = &set.through;
            set.alive.retain(|node| {
                let rule = self.nodes.get(*node as usize).and_then(|n| self.rules.get(usize::from(n.rule)));
                rule.is_some_and(|(rule, _)| through.binary_search(rule).is_err())
            });
        }
        set
    }

    fn push_row(&mut self, set: &Set) -> u32 {
        let row = u32::try_from(self.next.len()).expect("rows are bounded");
        self.next.resize(self.next.len() + self.bytes.len(), DEAD);
        let lists = [self.list(&set.through), self.list(&self.open(set))];
        self.next.extend(lists);
        row
    }

    fn list(&mut self, rules: &[u16]) -> u32 {
        let fresh = u32::try_from(self.lists.len()).expect("lists are bounded as rows are");
        *self.lists.entry(rules.into()).or_insert(fresh)
    }
}

impl Level {
    /// The number of a set; the empty one has none.
    fn number(&mut self, set: Set, share: f64) -> u32 {
        if set.alive.is_empty() && set.through.is_empty() {
            return DEAD;
        }
        let fresh = u32::try_from(self.shares.len()).expect("sets are bounded");
        let number = *self.numbers.entry(set).or_insert(fresh);
        match self.shares.get_mut(number as usize) {
            Some(known) => *known += share,
            None => self.shares.push(share),
        }
        number
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
/// What fewer places begin with is not told apart further.
const SHARE_MIN: f64 = 4e-7;
/// Size beyond which no further byte is looked at.
const CELLS_MAX: usize = 1 << 20;
const BEFORE: usize = 5;

/// What an entry of `next` is: a row (of plain ones no bit is set), one that lets rules through, or a list of them
/// behind which there is no more.
const PLAIN: u32 = THROUGH;
const THROUGH: u32 = 1 << 30;
const LEAF: u32 = 1 << 31;
const ROW: u32 = THROUGH - 1;
/// No rule.
const DEAD: u32 = u32::MAX;
