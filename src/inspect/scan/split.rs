//! Where the group `v` of a match lies, without capturing: captures cost some twenty times what a match does.
//!
//! A pattern of the form `A(?P<v>B)C` is cut into its parts. Wherever `A` ends in front of what `BC` can match up to the
//! match's end, the group may begin; where that is one place alone, it does begin there, whatever the preferences of the
//! regex are. The same goes for its end. Where there are more places, or a byte that isn't ASCII, the regex has to tell.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Hir, HirKind};
use std::ops::Range;

/// The parts of a pattern.
pub(super) struct Split {
    before: Part,
    /// The group and what follows.
    rest: Part,
    /// The group and what follows it; none where the group's end is the match's.
    ends: Option<[Part; 2]>,
}

/// What the automata have learnt.
#[derive(Default)]
pub(super) struct Learnt {
    before: Option<Cache>,
    rest: Option<Cache>,
    group: Option<Cache>,
    after: Option<Cache>,
}

/// A part's automaton: it tells of each place where the part may end.
struct Part(DFA);

impl Split {
    /// `None` where the group isn't at the top of the pattern.
    pub(super) fn new(pattern: &Hir, group: &str) -> Option<Self> {
        let HirKind::Concat(parts) = pattern.kind() else { return None };
        let is_group =
            |part: &Hir| matches!(part.kind(), HirKind::Capture(c) if c.name.as_deref() == Some(group));
        let at = parts.iter().position(is_group)?;
        let concat = |range: &[Hir]| Hir::concat(range.to_vec());
        let after = concat(parts.get(at + 1..)?);
        let ends = match after.properties().maximum_len() {
            Some(0) => None,
            _ => Some([Part::new(&concat(parts.get(at..=at)?))?, Part::new(&after)?]),
        };
        Some(Self {
            before: Part::new(&concat(parts.get(..at)?))?,
            rest: Part::new(&concat(parts.get(at..)?))?,
            ends,
        })
    }

    /// Where the group lies in a match of the whole; `None` where that takes the regex to tell.
    pub(super) fn group(
        &self,
        text: &[u8],
        whole: &Range<usize>,
        learnt: &mut Learnt,
    ) -> Option<Range<usize>> {
        let Learnt { before, rest, group, after } = learnt;
        let mut starts = Places::default();
        self.before.ends(text, whole.clone(), before, &mut |at| starts.push(at))?;
        let start = starts.only(|at| self.rest.ends_at(text, at..whole.end, rest))?;
        let Some([value, behind]) = &self.ends else { return Some(start..whole.end) };
        let mut ends = Places::default();
        value.ends(text, start..whole.end, group, &mut |at| ends.push(at))?;
        let end = ends.only(|at| behind.ends_at(text, at..whole.end, after))?;
        Some(start..end)
    }
}

impl Part {
    fn new(part: &Hir) -> Option<Self> {
        let thompson = NFA::config()
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(super::rule::NFA_BYTES_MAX));
        let nfa = NFA::compiler().configure(thompson).build_from_hir(part).ok()?;
        super::rule::lazy(nfa, MatchKind::All, super::rule::small()).map(Self)
    }

    /// Tells each place in `range` at which the part, begun at its start, may end. `None` where it can't.
    fn ends(
        &self,
        text: &[u8],
        range: Range<usize>,
        cache: &mut Option<Cache>,
        told: &mut dyn FnMut(usize),
    ) -> Option<()> {
        let Self(dfa) = self;
        let cache = cache.get_or_insert_with(|| dfa.create_cache());
        let behind = range.start.checked_sub(1).and_then(|before| text.get(before)).copied();
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(behind);
        let mut state = dfa.start_state(cache, &config).ok()?;
        for (at, byte) in text.iter().enumerate().take(range.end + 1).skip(range.start) {
            state = dfa.next_state(cache, state, *byte).ok()?;
            if state.is_tagged() {
                // A match is told one byte late.
                if state.is_match() {
                    told(at);
                } else if state.is_dead() {
                    return Some(());
                } else if state.is_quit() {
                    return None;
                }
            }
        }
        if range.end >= text.len() && dfa.next_eoi_state(cache, state).ok()?.is_match() {
            told(text.len());
        }
        Some(())
    }

    /// Whether the part, begun at the start of `range`, may end at its end. `None` where it can't tell.
    fn ends_at(&self, text: &[u8], range: Range<usize>, cache: &mut Option<Cache>) -> Option<bool> {
        let (mut found, end) = (false, range.end);
        self.ends(text, range, cache, &mut |at| found |= at == end)?;
        Some(found)
    }
}

/// Places that a part may end at: few, or it isn't worth it.
#[derive(Default)]
struct Places {
    at: [usize; PLACES_MAX],
    count: usize,
}

impl Places {
    fn push(&mut self, at: usize) {
        if let Some(slot) = self.at.get_mut(self.count) {
            *slot = at;
        }
        self.count += 1;
    }

    /// The one for which `fits` says yes: of one alone it isn't asked, as the whole is known to match.
    fn only(&self, mut fits: impl FnMut(usize) -> Option<bool>) -> Option<usize> {
        let places = self.at.get(..self.count)?;
        if let [at] = places {
            return Some(*at);
        }
        let mut only = None;
        for at in places {
            if fits(*at)? && only.replace(*at).is_some() {
                return None;
            }
        }
        only
    }
}

/// More places cost more than the regex.
const PLACES_MAX: usize = 8;
