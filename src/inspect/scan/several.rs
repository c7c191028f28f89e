//! Several rules at one place: an automaton of all of them reads on once, and tells which of them match there. Most places
//! that the gate lets several through begin a match of none: `Continue` may be a town, a street or a clinic.

use super::rule;
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};

/// The automaton. Its states are made as texts lead to them.
pub(super) struct Several {
    dfa: DFA,
    /// By pattern, the rule.
    rules: Box<[u16]>,
}

impl Several {
    /// Of these rules, each with its pattern. `None` where they are too large together.
    pub(super) fn new<'p>(rules: impl Iterator<Item = (u16, &'p str)>) -> Option<Self> {
        let (mut numbers, mut patterns) = (Vec::new(), Vec::new());
        for (number, pattern) in rules {
            numbers.push(number);
            patterns.push(syntax::parse(pattern).ok()?);
        }
        let thompson = NFA::config().which_captures(WhichCaptures::None).nfa_size_limit(Some(NFA_BYTES_MAX));
        let nfa = NFA::compiler().configure(thompson).build_many_from_hir(&patterns).ok()?;
        let config = Config::new().cache_capacity(CACHE_BYTES_MAX);
        Some(Self { dfa: rule::lazy(nfa, MatchKind::All, config)?, rules: numbers.into() })
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
                    for pattern in 0..dfa.match_len(cache, state) {
                        matching.keep(*self.rules.get(dfa.match_pattern(cache, state, pattern).as_usize())?);
                    }
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
            for pattern in 0..dfa.match_len(cache, state) {
                matching.keep(*self.rules.get(dfa.match_pattern(cache, state, pattern).as_usize())?);
            }
        }
        Some(())
    }
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

/// What its states may take, for each thread that searches; beyond it they are made anew.
const CACHE_BYTES_MAX: usize = 4 << 20;
