//! Several rules at one place: an automaton of all of them reads on once, and tells which of them match there. Most places
//! that the gate lets several through begin a match of none: `Continue` may be a town, a street or a clinic.

use super::rule;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{Builder, NFA, State, Transition};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

/// The automaton. Its states are made as texts lead to them.
pub(super) struct Several {
    dfa: DFA,
    /// By pattern, the rule.
    rules: Box<[u16]>,
}

impl Several {
    /// Of these rules, each with its automaton. `None` where they are too large together.
    pub(super) fn new<'n>(rules: impl Iterator<Item = (u16, &'n NFA)>) -> Option<Self> {
        let (rules, automata): (Vec<u16>, Vec<&NFA>) = rules.unzip();
        let nfa = joined(automata.into_iter())?;
        let config = Config::new().cache_capacity(CACHE_BYTES_MAX);
        Some(Self { dfa: rule::lazy(nfa, MatchKind::All, config)?, rules: rules.into() })
    }

    /// Those of `rules` that match right at `at` go on, the others are taken out. Adds to `read` what it cost, in bytes.
    /// All stay where it can't tell.
    pub(super) fn keep_matching(
        &self,
        text: &[u8],
        at: usize,
        cache: &mut Option<Cache>,
        read: &mut usize,
        rules: &mut Vec<u16>,
    ) {
        let cache = cache.get_or_insert_with(|| self.dfa.create_cache());
        let mut matching = Matching { rules, kept: 0 };
        if self.read(text, at, cache, read, &mut matching).is_some() {
            let kept = matching.kept;
            rules.truncate(kept);
        }
    }

    /// `None` where it can't tell.
    fn read(
        &self,
        text: &[u8],
        at: usize,
        cache: &mut Cache,
        read: &mut usize,
        matching: &mut Matching<'_>,
    ) -> Option<()> {
        let dfa = &self.dfa;
        let behind = at.checked_sub(1).and_then(|before| text.get(before)).copied();
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(behind);
        let mut state = dfa.start_state(cache, &config).ok()?;
        for byte in text.get(at..)? {
            *read += 1;
            state = dfa.next_state(cache, state, *byte).ok()?;
            if state.is_tagged() {
                if state.is_match() {
                    self.matched(cache, state, matching);
                    if matching.are_all() {
                        return Some(());
                    }
                } else if state.is_dead() {
                    return Some(());
                } else if state.is_quit() {
                    return None;
                }
            }
        }
        let state = dfa.next_eoi_state(cache, state).ok()?;
        if state.is_match() {
            self.matched(cache, state, matching);
        }
        Some(())
    }

    fn matched(&self, cache: &Cache, state: LazyStateID, matching: &mut Matching<'_>) {
        let patterns = (0..self.dfa.match_len(cache, state)).map(|n| self.dfa.match_pattern(cache, state, n));
        patterns
            .filter_map(|pattern| self.rules.get(pattern.as_usize()))
            .for_each(|rule| matching.keep(*rule));
    }
}

/// One automaton of several, each a pattern of its own; `None` where they are too large together. They are copied: to compile
/// their patterns anew takes five times as long.
fn joined<'n>(automata: impl Iterator<Item = &'n NFA>) -> Option<NFA> {
    let mut builder = Builder::new();
    builder.set_size_limit(Some(NFA_BYTES_MAX)).ok()?;
    let mut starts = Vec::new();
    for nfa in automata {
        builder.start_pattern().ok()?;
        let start = copy(&mut builder, nfa)?;
        builder.finish_pattern(start).ok()?;
        starts.push(start);
    }
    let start = builder.add_union(starts).ok()?;
    builder.build(start, start).ok()
}

/// Copies the states of an automaton, and gives where it starts.
fn copy(builder: &mut Builder, nfa: &NFA) -> Option<StateID> {
    // States are numbered as they are added, so that each keeps its distance to the first.
    let before = builder.add_fail().ok()?;
    let moved = |id: StateID| StateID::new(before.as_usize() + 1 + id.as_usize()).unwrap_or(before);
    let transition = |trans: &Transition| Transition { next: moved(trans.next), ..*trans };
    for state in nfa.states() {
        let added = match state {
            State::ByteRange { trans } => builder.add_range(transition(trans)),
            State::Sparse(sparse) => builder.add_sparse(sparse.transitions.iter().map(transition).collect()),
            State::Dense(dense) => {
                let of = |byte| Some(Transition { start: byte, end: byte, next: dense.matches_byte(byte)? });
                let all = (0..=u8::MAX).filter_map(of);
                builder.add_sparse(all.map(|trans| transition(&trans)).collect())
            }
            State::Look { look, next } => builder.add_look(moved(*next), *look),
            State::Union { alternates } => {
                builder.add_union(alternates.iter().map(|id| moved(*id)).collect())
            }
            State::BinaryUnion { alt1, alt2 } => builder.add_union(vec![moved(*alt1), moved(*alt2)]),
            State::Capture { next, .. } => builder.add_union(vec![moved(*next)]),
            State::Fail => builder.add_fail(),
            State::Match { .. } => builder.add_match(),
        };
        added.ok()?;
    }
    Some(moved(nfa.start_anchored()))
}

/// Rules that may match, those that do in front.
struct Matching<'r> {
    rules: &'r mut Vec<u16>,
    kept: usize,
}

impl Matching<'_> {
    fn keep(&mut self, rule: u16) {
        let open = self.rules.get(self.kept..).unwrap_or_default();
        if let Some(at) = open.iter().position(|open| *open == rule) {
            self.rules.swap(self.kept, self.kept + at);
            self.kept += 1;
        }
    }

    fn are_all(&self) -> bool {
        self.kept == self.rules.len()
    }
}

/// Size of the automaton of all rules.
const NFA_BYTES_MAX: usize = 16 << 20;

/// What its states may take, for each thread that searches; beyond it they are made anew, which takes longer than all the rest
/// of a search. They are made as texts lead to them: most threads need a part of it.
const CACHE_BYTES_MAX: usize = 32 << 20;
