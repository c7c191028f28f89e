//! Scan: where rules match in a text, all rules at once.
//!
//! - Takes: patterns in regex syntax, compiled once, and a text.
//! - Gives: what `regex` gives rule by rule: matches are leftmost-first and don't overlap; a match that its judge
//!   refuses restarts one byte later. Of each rule by place; rules among each other in no order.
//! - How: places where no rule can begin by their byte and the one before are passed over, 64 at once; of the rest most
//!   by their first three bytes. At what is left one automaton of all rules reads on until no rule is left, or a few are.
//!   Of several another tells in one reading which match there; then each of these decides itself. The regexes are the
//!   specification: tests demand the same of both.
//! - Cost: linear; a rule that has read more than the text goes on by its regex alone. Allocates where rules match.

mod chance;
mod gate;
mod heads;
mod rule;
mod several;
mod split;
#[cfg(test)]
mod tests;

use super::simd::{Lanes, Starts};
use gate::Gate;
pub(in crate::inspect) use gate::{Firsts, is_word};
use heads::Heads;
use regex_automata::util::pool::{Pool, PoolGuard};
use rule::{Caches, Match, Road};
pub(in crate::inspect) use rule::{NFA_BYTES_MAX, Rule};
use several::Several;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// Compiled rules.
pub struct Engine {
    rules: Vec<Arc<Rule>>,
    /// Where any of those rules may begin that are looked for from their starts, and which.
    starts: Starts,
    heads: Heads,
    gate: Gate,
    /// Rules that are looked for around a byte, by that byte.
    around: Vec<(u8, Vec<Around>)>,
    /// Rules that their regex finds alone.
    plain: Vec<usize>,
    lanes: Lanes,
    /// Rules that are looked for from their starts, all at once: made when a place may begin several.
    several: OnceLock<Option<Several>>,
    /// What searches have learnt: each takes one, and puts it back.
    caches: Pool<Caches, NoCaches>,
}

/// Makes caches that know nothing.
type NoCaches = Box<dyn Fn() -> Caches + Send + Sync>;

/// A rule that is looked for around a byte that each of its matches has.
struct Around {
    rule: usize,
    /// At most so many bytes from the match's start, the byte included.
    reach: usize,
    gate: Gate,
}

/// Whether a match is one: asked for each, with its rule's number and its group `v` (or all of it).
pub type Judge<'j> = dyn FnMut(usize, Range<usize>) -> bool + 'j;

impl Engine {
    /// Compiles patterns; `v` is the group that is the value.
    ///
    /// # Errors
    /// The number of the pattern that is no regex or too large.
    pub fn new<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<Self, usize> {
        let mut rules = Vec::new();
        for (number, pattern) in patterns.into_iter().enumerate() {
            rules.push(Arc::new(Rule::new(pattern).ok_or(number)?));
        }
        Ok(Self::of(rules))
    }

    /// That of rules that were compiled; engines may share them.
    pub(in crate::inspect) fn of(rules: Vec<Arc<Rule>>) -> Self {
        let (mut from_start, mut around, mut plain) = (Vec::new(), BTreeMap::new(), Vec::new());
        for (number, rule) in (0u16..).zip(&rules) {
            match &rule.road {
                Road::Start => from_start.push((number, &rule.nfa)),
                Road::Around(byte, reach) => around.entry(*byte).or_insert_with(Vec::new).push(Around {
                    rule: usize::from(number),
                    reach: *reach,
                    gate: Gate::new(&[(number, &rule.nfa)]),
                }),
                Road::Plain => plain.push(usize::from(number)),
            }
        }
        let gate = Gate::new(&from_start);
        let (starts, heads) = (Starts::new(&gate.firsts()), Heads::new(&gate));
        let count = rules.len();
        let caches = Pool::new(Box::new(move || Caches {
            rules: std::iter::repeat_with(|| None).take(count).collect(),
            several: None,
            here: Vec::new(),
            states: Vec::new(),
        }) as _);
        let (around, several) = (around.into_iter().collect(), OnceLock::new());
        Self { rules, starts, heads, gate, around, plain, lanes: Lanes::best(), several, caches }
    }

    /// Asks `judge` of each match in `text`.
    pub fn search(&self, text: &str, judge: &mut Judge<'_>) {
        for rule in &self.plain {
            self.by_regex(*rule, text, 0, judge);
        }
        let mut caches = self.caches.get();
        let (here, states) = (std::mem::take(&mut caches.here), std::mem::take(&mut caches.states));
        let mut progress = Progress { caches, states, furthest: 0, here, read: 0 };
        let bytes = text.as_bytes();
        for (byte, rules) in &self.around {
            if let Some(first) = memchr::memchr(*byte, bytes) {
                rules
                    .iter()
                    .for_each(|rule| self.search_around(rule, (*byte, first), text, &mut progress, judge));
            }
        }
        self.starts.each(self.lanes, bytes, |block, places| {
            let mut places = self.heads.among(bytes, block, places);
            while places != 0 {
                let at = block + places.trailing_zeros() as usize;
                places &= places - 1;
                progress.here.clear();
                self.gate.at(bytes, at, &mut progress.here);
                if !progress.here.is_empty() {
                    self.try_several(text, at, &mut progress, judge);
                }
            }
        });
        progress.put_back();
    }

    /// One rule by its regex alone, from a place on.
    fn by_regex(&self, number: usize, text: &str, mut at: usize, judge: &mut Judge<'_>) {
        let Some(rule) = self.rules.get(number).filter(|_| at <= text.len()) else { return };
        while let Some(found) = rule.find(text, at) {
            at = after(&found, judge(number, found.value.clone()), text);
            if at >= text.len() {
                break;
            }
        }
    }

    /// One rule around each such byte; the first stands at a place that is known.
    fn search_around(
        &self,
        around: &Around,
        (byte, first): (u8, usize),
        text: &str,
        progress: &mut Progress<'_>,
        judge: &mut Judge<'_>,
    ) {
        let bytes = text.as_bytes();
        let behind = bytes.get(first..).unwrap_or_default();
        let mut next = 0;
        for byte in memchr::memchr_iter(byte, behind).map(|at| first + at) {
            let first = (byte + 1).saturating_sub(around.reach).max(next);
            for at in first..=byte {
                progress.here.clear();
                around.gate.at(bytes, at, &mut progress.here);
                if !progress.here.is_empty() {
                    self.try_here(around.rule, text, at, progress, judge);
                }
            }
            next = byte + 1;
        }
    }

    /// The rules that may begin at a place.
    fn try_several(&self, text: &str, at: usize, progress: &mut Progress<'_>, judge: &mut Judge<'_>) {
        if progress.here.len() > 1
            && progress.read <= text.len() + READ_FREE
            && let Some(several) = self.several()
        {
            let Progress { here, read, caches, .. } = progress;
            several.keep_matching(text.as_bytes(), at, &mut caches.several, read, here);
        }
        let mut next = 0;
        while let Some(rule) = progress.here.get(next) {
            self.try_here(usize::from(*rule), text, at, progress, judge);
            next += 1;
        }
    }

    fn several(&self) -> Option<&Several> {
        let from_start = || {
            let rules = (0u16..).zip(&self.rules);
            rules.filter(|(_, rule)| matches!(rule.road, Road::Start)).map(|(at, rule)| (at, &rule.nfa))
        };
        self.several.get_or_init(|| Several::new(from_start())).as_ref()
    }

    fn try_here(
        &self,
        number: usize,
        text: &str,
        at: usize,
        progress: &mut Progress<'_>,
        judge: &mut Judge<'_>,
    ) {
        let Some(rule) = self.rules.get(number) else { return };
        if progress.is_past(number, at) {
            return;
        }
        let mut read = 0;
        let Some(cache) = progress.caches.rules.get_mut(number) else { return };
        let found = rule.find_here(text, at, cache, &mut read);
        if found.is_none() && read <= SHORT {
            return; // the usual case keeps no books
        }
        let state = progress.of(number);
        if let Some(found) = found {
            state.next = after(&found, judge(number, found.value.clone()), text);
        }
        state.read += read;
        if state.read > text.len() + READ_FREE {
            let next = std::mem::replace(&mut state.next, usize::MAX);
            self.by_regex(number, text, next.max(at + 1), judge);
        }
        let next = state.next;
        progress.furthest = progress.furthest.max(next);
    }
}

/// Where a rule goes on behind a match: behind its value, or one character later where it was refused.
fn after(found: &Match, accepted: bool, text: &str) -> usize {
    if accepted {
        return found.value.end.max(found.start + 1);
    }
    let mut at = found.start + 1;
    while at < text.len() && !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// What is known of the rules that have matched or read much.
struct Progress<'e> {
    caches: PoolGuard<'e, Caches, NoCaches>,
    states: Vec<State>,
    /// The furthest of their next places: beyond it there is no need to look.
    furthest: usize,
    /// The rules that may begin at the place that is looked at.
    here: Vec<u16>,
    /// What all rules at once have read, in bytes: where that is more than the text, each goes on by itself.
    read: usize,
}

struct State {
    rule: usize,
    /// Where its next match may begin.
    next: usize,
    /// What it has read, in bytes.
    read: usize,
}

impl Progress<'_> {
    /// Gives the lists back, empty, so that the next search need not make them.
    fn put_back(self) {
        let Self { mut caches, mut here, mut states, .. } = self;
        here.clear();
        states.clear();
        (caches.here, caches.states) = (here, states);
    }

    /// Whether the rule goes on behind `at` only.
    fn is_past(&self, rule: usize, at: usize) -> bool {
        at < self.furthest && self.states.iter().any(|state| state.rule == rule && at < state.next)
    }

    fn of(&mut self, rule: usize) -> &mut State {
        let at = self.states.iter().position(|state| state.rule == rule).unwrap_or(self.states.len());
        if at == self.states.len() {
            self.states.push(State { rule, next: 0, read: 0 });
        }
        self.states.get_mut(at).expect("it is there or was pushed right now")
    }
}

/// A check that reads no more than so many bytes isn't counted.
const SHORT: usize = 64;

/// What a rule may read beyond the length of the text before its regex goes on alone.
const READ_FREE: usize = 16 << 10;
