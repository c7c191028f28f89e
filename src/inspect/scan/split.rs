//! Where the group `v` of a match lies, without capturing: captures cost some twenty times what a match does.
//!
//! A pattern of the form `A(?P<v>B)C` is cut into its parts. Wherever `A` ends in front of what `BC` can match up to the
//! match's end, the group may begin; where that is one place alone, it does begin there, whatever the preferences of the
//! regex are. The same goes for its end. Where `A` or `C` has one length, nothing has to be read. Where there are more places,
//! or a byte that isn't ASCII, the regex has to tell.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::{Hir, HirKind};
use std::ops::Range;

/// The parts of a pattern.
pub(super) struct Split {
    before: Before,
    end: End,
}

/// Where the group begins in a match.
enum Before {
    /// So many bytes behind the match's start: what stands before the group has no other length.
    Length(usize),
    /// Where this ends, and the group with what follows can begin.
    Parts { before: Part, rest: Part, edge: Option<Edge> },
}

/// The last byte of what stands before the group, where that is always the same one, and how long all of it may be.
struct Edge {
    byte: u8,
    bytes_max: usize,
}

/// Where the group ends in a match.
enum End {
    /// So many bytes before the match's end: what follows has no other length.
    Length(usize),
    /// Where the group can end, and this can begin.
    Parts { group: Part, after: Part },
}

/// What the automata have learnt.
#[derive(Default)]
pub(super) struct Learnt {
    before: Option<Cache>,
    rest: Option<Cache>,
    group: Option<Cache>,
    after: Option<Cache>,
}

/// How much was told of where a part may end.
enum Read {
    /// All there is.
    Whole,
    /// It may end behind what was read, too.
    More,
}

/// A part's automaton: it tells of each place where the part may end.
struct Part(Box<DFA>);

impl Split {
    /// `None` where the group isn't at the top of the pattern.
    pub(super) fn new(pattern: &Hir, group: &str) -> Option<Self> {
        let HirKind::Concat(parts) = pattern.kind() else { return None };
        let is_group =
            |part: &Hir| matches!(part.kind(), HirKind::Capture(c) if c.name.as_deref() == Some(group));
        let at = parts.iter().position(is_group)?;
        let concat = |range: &[Hir]| Hir::concat(range.to_vec());
        let (before, after) = (concat(parts.get(..at)?), concat(parts.get(at + 1..)?));
        Some(Self {
            before: match only_length(&before) {
                Some(length) => Before::Length(length),
                None => Before::Parts {
                    edge: Edge::of(&before),
                    before: Part::new(&before)?,
                    rest: Part::new(&concat(parts.get(at..)?))?,
                },
            },
            end: match only_length(&after) {
                Some(length) => End::Length(length),
                None => {
                    End::Parts { group: Part::new(&concat(parts.get(at..=at)?))?, after: Part::new(&after)? }
                }
            },
        })
    }

    /// Whether `fits` says of a place where the group may begin, in a match that begins at `at`, that it may, or whether
    /// that can't be told: what stands before the group is read, and no more.
    pub(super) fn may_begin(
        &self,
        text: &[u8],
        at: usize,
        learnt: &mut Learnt,
        fits: impl Fn(usize) -> bool,
    ) -> bool {
        let before = match &self.before {
            Before::Length(length) => return fits(at + length),
            Before::Parts { edge: Some(edge), .. } if edge.places(text, at).all(|at| !fits(at)) => {
                return false;
            }
            Before::Parts { before, .. } => before,
        };
        let (mut starts, end) = (Places::default(), text.len().min(at + BEFORE_BYTES_MAX));
        match before.ends(text, at..end, &mut learnt.before, &mut |at| starts.push(at)) {
            Some(Read::Whole) => starts.all().is_none_or(|starts| starts.iter().any(|start| fits(*start))),
            Some(Read::More) | None => true,
        }
    }

    /// Where the group lies in a match of the whole; `None` where that takes the regex to tell.
    pub(super) fn group(
        &self,
        text: &[u8],
        whole: &Range<usize>,
        learnt: &mut Learnt,
    ) -> Option<Range<usize>> {
        let start = match &self.before {
            Before::Length(length) => whole.start + length,
            Before::Parts { before, rest, .. } => {
                let mut starts = Places::default();
                before.ends(text, whole.clone(), &mut learnt.before, &mut |at| starts.push(at))?;
                starts.only(|at| rest.ends_at(text, at..whole.end, &mut learnt.rest))?
            }
        };
        let end = match &self.end {
            End::Length(length) => whole.end.checked_sub(*length)?,
            End::Parts { group, after } => {
                let mut ends = Places::default();
                group.ends(text, start..whole.end, &mut learnt.group, &mut |at| ends.push(at))?;
                ends.only(|at| after.ends_at(text, at..whole.end, &mut learnt.after))?
            }
        };
        Some(start..end)
    }
}

impl Edge {
    fn of(before: &Hir) -> Option<Self> {
        let HirKind::Concat(parts) = before.kind() else { return None };
        let Some(HirKind::Literal(last)) = parts.last().map(Hir::kind) else { return None };
        let bytes_max = before.properties().maximum_len().filter(|bytes| *bytes <= EDGE_BYTES_MAX)?;
        Some(Self { byte: *last.0.last()?, bytes_max })
    }

    /// Places behind such a byte at which the group of a match that begins at `at` may begin, and others.
    fn places(&self, text: &[u8], at: usize) -> impl Iterator<Item = usize> {
        let near = text.get(at..text.len().min(at + self.bytes_max)).unwrap_or_default();
        near.iter().zip(at + 1..).filter(|(byte, _)| **byte == self.byte).map(|(_, behind)| behind)
    }
}

impl Part {
    fn new(part: &Hir) -> Option<Self> {
        let thompson = NFA::config()
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(super::rule::NFA_BYTES_MAX));
        let nfa = NFA::compiler().configure(thompson).build_from_hir(part).ok()?;
        let dfa = super::rule::lazy(nfa, MatchKind::All, super::rule::small())?;
        Some(Self(Box::new(dfa)))
    }

    /// Tells each place in `range` at which the part, begun at its start, may end, and whether it may behind. `None` where
    /// it can't.
    fn ends(
        &self,
        text: &[u8],
        range: Range<usize>,
        cache: &mut Option<Cache>,
        told: &mut dyn FnMut(usize),
    ) -> Option<Read> {
        let Self(dfa) = self;
        let cache = cache.get_or_insert_with(|| dfa.create_cache());
        let behind = range.start.checked_sub(1).and_then(|before| text.get(before)).copied();
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(behind);
        let mut state = dfa.start_state(cache, &config).ok()?;
        let near = text.get(range.start..text.len().min(range.end + 1)).unwrap_or_default();
        for (at, byte) in (range.start..).zip(near) {
            state = dfa.next_state(cache, state, *byte).ok()?;
            if state.is_tagged() {
                // A match is told one byte late.
                if state.is_match() {
                    told(at);
                } else if state.is_dead() {
                    return Some(Read::Whole);
                } else if state.is_quit() {
                    return None;
                }
            }
        }
        if range.end < text.len() {
            return Some(Read::More);
        }
        if dfa.next_eoi_state(cache, state).ok()?.is_match() {
            told(text.len());
        }
        Some(Read::Whole)
    }

    /// Whether the part, begun at the start of `range`, may end at its end. `None` where it can't tell.
    fn ends_at(&self, text: &[u8], range: Range<usize>, cache: &mut Option<Cache>) -> Option<bool> {
        let (mut found, end) = (false, range.end);
        self.ends(text, range, cache, &mut |at| found |= at == end)?;
        Some(found)
    }
}

/// How many bytes each match has, where that is one number.
fn only_length(part: &Hir) -> Option<usize> {
    let of = part.properties();
    of.minimum_len().filter(|least| of.maximum_len() == Some(*least))
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

    /// `None` where there are too many.
    fn all(&self) -> Option<&[usize]> {
        self.at.get(..self.count)
    }

    /// The one for which `fits` says yes: of one alone it isn't asked, as the whole is known to match.
    fn only(&self, mut fits: impl FnMut(usize) -> Option<bool>) -> Option<usize> {
        let places = self.all()?;
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

/// Longer beginnings have too many such bytes in them.
const EDGE_BYTES_MAX: usize = 24;
/// How far a group's beginning is looked for.
const BEFORE_BYTES_MAX: usize = 64;

/// More places cost more than the regex.
const PLACES_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;
    use regex_automata::util::syntax;

    #[test]
    fn no_match_whose_group_may_begin_so_is_passed_over() {
        let patterns = [
            r"\b(?:with|mother is|for)[.:]? (?P<v>[a-z]{2,9})\b",
            r"\b(?:with|mother is|for)[.:]?\s(?P<v>[a-z]{2,9})\b",
            r"(?:of the|seen by) +(?P<v>[a-z]{2,9}) x?",
        ];
        let pieces = [
            "with ",
            "mother is ",
            "for",
            ": ",
            " ",
            "ann",
            "anna of the ",
            "seen by ",
            "bo",
            "x",
            "é",
            ". ",
        ];
        let mut state = 5_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % n
        };
        let (mut found, mut passed) = (0, 0);
        for pattern in patterns {
            let split = Split::new(&syntax::parse(pattern).unwrap(), "v").unwrap();
            let regex = Regex::new(pattern).unwrap();
            let mut learnt = Learnt::default();
            for _ in 0..2000 {
                let text: String = (0..8).map(|_| pieces[below(pieces.len())]).collect();
                let fits = |at: usize| text.get(at..).is_some_and(|value| value.starts_with("ann"));
                for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
                    let here =
                        regex.captures_at(&text, at).filter(|found| found.get(0).unwrap().start() == at);
                    let begins = here.map(|found| found.name("v").unwrap().start());
                    let may = split.may_begin(text.as_bytes(), at, &mut learnt, fits);
                    found += usize::from(begins.is_some_and(fits));
                    passed += usize::from(!may);
                    assert!(may || !begins.is_some_and(fits), "{pattern} at {at} of {text}");
                }
            }
        }
        assert!(found > 300 && passed > 10_000, "{found} {passed}");
    }
}
