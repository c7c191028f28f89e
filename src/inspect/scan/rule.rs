//! One rule: its automaton, and whether it matches from a position on.

use super::chance::{chance, first_chance};
use super::gate::{Gate, closure, leads};
use super::split::{Learnt, Split};
use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::meta;
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;
use std::ops::Range;
use std::sync::OnceLock;

/// A compiled pattern.
pub(in crate::inspect) struct Rule {
    pattern: Box<str>,
    /// Built when a match is first asked for: most rules never see one.
    exact: OnceLock<Exact>,
    /// Of ASCII alone: gives up at any other byte. Its states are made as texts lead to them.
    small: Option<DFA>,
    pub(super) nfa: NFA,
    /// How it is looked for.
    pub(super) road: Road,
    /// Whether its matches can be long.
    long: bool,
    /// Whether a value of it may begin so; else it is refused.
    begins: Option<Begins>,
}

/// Whether a text may begin with a value that is accepted.
pub(in crate::inspect) type Begins = fn(&str) -> bool;

/// The rule's regex, which decides.
struct Exact {
    regex: meta::Regex,
    /// The group `v`, or 0 for the whole match.
    group: usize,
    /// Tells the group's place where that takes no preference.
    split: Option<Split>,
}

/// What automata have learnt, and lists that searches fill.
pub(super) struct Caches {
    /// Those of each rule that was asked.
    pub(super) rules: Vec<Option<Box<Known>>>,
    /// That of all rules.
    pub(super) several: Option<Cache>,
    /// Empty between searches, as is the next: no more than there are rules.
    pub(super) here: Vec<u16>,
    pub(super) states: Vec<super::State>,
}

/// What a rule's automata have learnt.
pub(super) struct Known {
    small: Option<Cache>,
    split: Learnt,
}

/// How a rule is looked for.
pub(super) enum Road {
    /// At places where the gate lets it through.
    Start,
    /// Around a byte that each match has among its first so many, and that is rare.
    Around(u8, usize),
    /// By the regex alone.
    Plain,
}

/// Where a match ends.
enum End {
    No,
    At(usize),
    /// The small automaton can't tell.
    Unknown,
}

/// A match.
pub(super) struct Match {
    /// Where it begins.
    pub(super) start: usize,
    /// The group `v`, or all of it.
    pub(super) value: Range<usize>,
}

impl Rule {
    /// Compiles a pattern; `None` where it is no regex or too large.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        Self::of(pattern, &syntax::parse(pattern).ok()?)
    }

    /// The same of one that was parsed; `None` where it is too large.
    pub(in crate::inspect) fn of(pattern: &str, hir: &Hir) -> Option<Self> {
        let thompson = NFA::config().which_captures(WhichCaptures::None).nfa_size_limit(Some(NFA_BYTES_MAX));
        let nfa = NFA::compiler().configure(thompson).build_from_hir(hir).ok()?;
        let long = hir.properties().maximum_len().is_none_or(|max| max > LONG);
        let road = if hir.properties().minimum_len() == Some(0) { Road::Plain } else { road(&nfa) };
        Some(Self {
            pattern: pattern.into(),
            exact: OnceLock::new(),
            small: lazy(nfa.clone(), MatchKind::LeftmostFirst, small()),
            nfa,
            road,
            long,
            begins: None,
        })
    }

    /// The same, which passes over what is refused by the beginning of its value: a match of such isn't read to its end, and
    /// no judge is asked.
    pub(in crate::inspect) fn asking(self, begins: Option<Begins>) -> Self {
        Self { begins, ..self }
    }

    /// In regex syntax.
    pub(in crate::inspect) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether the empty text is a match.
    pub(in crate::inspect) fn fits_nothing(&self) -> bool {
        matches!(self.road, Road::Plain) && self.find("", 0).is_some()
    }

    /// The first match that begins at `at` or later.
    pub(super) fn find(&self, text: &str, at: usize) -> Option<Match> {
        self.search(&Input::new(text).range(at..))
    }

    /// The match that begins right at `at`. Adds to `read` what it cost, in bytes.
    pub(super) fn find_here(
        &self,
        text: &str,
        at: usize,
        known: &mut Option<Box<Known>>,
        read: &mut usize,
    ) -> Option<Match> {
        let known = known.get_or_insert_with(|| {
            Box::new(Known { small: self.small.as_ref().map(DFA::create_cache), split: Learnt::default() })
        });
        if let Some(begins) = self.begins
            && let Some(split) = &self.exact().split
            && !split.may_begin(text.as_bytes(), at, &mut known.split, |at| text.get(at..).is_none_or(begins))
        {
            return None; // it would be refused
        }
        let end = self.end(text.as_bytes(), at, &mut known.small, read);
        #[cfg(test)]
        READ.set(READ.get() + *read);
        match end {
            End::No => None,
            End::At(end) if self.exact().group == 0 => Some(Match { start: at, value: at..end }),
            End::At(end) => self.group(text, at..end, &mut known.split),
            End::Unknown => {
                // How far the regex reads isn't told: as far as it may.
                *read += if self.long { text.len() / REREAD_MAX } else { 64 };
                self.search(&Input::new(text).range(at..).anchored(Anchored::Yes))
            }
        }
    }

    /// A match with its group `v`.
    fn group(&self, text: &str, whole: Range<usize>, learnt: &mut Learnt) -> Option<Match> {
        let split = self.exact().split.as_ref();
        match split.and_then(|split| split.group(text.as_bytes(), &whole, learnt)) {
            Some(value) => Some(Match { start: whole.start, value }),
            None => self.search(&Input::new(text).range(whole.start..).anchored(Anchored::Yes)),
        }
    }

    /// Where the match that begins right at `at` ends.
    fn end(&self, text: &[u8], at: usize, cache: &mut Option<Cache>, read: &mut usize) -> End {
        let Some((dfa, cache)) = self.small.as_ref().zip(cache.as_mut()) else { return End::Unknown };
        let behind = at.checked_sub(1).and_then(|before| text.get(before)).copied();
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(behind);
        let Ok(mut state) = dfa.start_state(cache, &config) else { return End::Unknown };
        let mut end = End::No;
        for (here, byte) in (at..).zip(text.get(at..).unwrap_or_default()) {
            state = match dfa.next_state(cache, state, *byte) {
                Ok(next) => next,
                Err(_) => {
                    *read += here - at;
                    return End::Unknown;
                }
            };
            if state.is_tagged() {
                // A match is told one byte late.
                if state.is_match() {
                    end = End::At(here);
                } else if state.is_dead() {
                    *read += here - at;
                    return end;
                } else if state.is_quit() {
                    *read += here - at;
                    return End::Unknown;
                }
            }
        }
        *read += text.len() - at;
        match dfa.next_eoi_state(cache, state) {
            Ok(last) if last.is_match() => End::At(text.len()),
            Ok(_) => end,
            Err(_) => End::Unknown,
        }
    }

    fn exact(&self) -> &Exact {
        self.exact.get_or_init(|| {
            // No limit here: the automaton is within its own, and groups add little.
            let regex = meta::Regex::new(&self.pattern).expect("the pattern was parsed and compiled before");
            let group = regex.group_info().to_index(regex_automata::PatternID::ZERO, "v").unwrap_or(0);
            let split = (group != 0)
                .then(|| syntax::parse(&self.pattern).ok().and_then(|hir| Split::new(&hir, "v")))
                .flatten();
            Exact { regex, group, split }
        })
    }

    fn search(&self, input: &Input<'_>) -> Option<Match> {
        let Exact { regex, group, .. } = self.exact();
        if *group == 0 {
            let whole = regex.search(input)?;
            return Some(Match { start: whole.start(), value: whole.range() });
        }
        let mut slots: Vec<Option<NonMaxUsize>> = vec![None; 2 * group + 2];
        regex.search_slots(input, &mut slots)?;
        let slot = |at: usize| slots.get(at).copied().flatten().map(NonMaxUsize::get);
        let (start, end) = (slot(0)?, slot(1)?);
        let value = slot(2 * group).zip(slot(2 * group + 1)).map_or(start..end, |(a, b)| a..b);
        Some(Match { start, value })
    }
}

fn road(nfa: &NFA) -> Road {
    let gate = Gate::new(&[(0, nfa)]);
    let chance = chance(&gate);
    let is_vague = chance > VAGUE || first_chance(&gate) > COMMON;
    let around = RARE.iter().filter(|_| is_vague).find_map(|b| required(nfa, *b).map(|reach| (*b, reach)));
    match around {
        Some((byte, reach)) => Road::Around(byte, reach),
        None if chance > HOPELESS => Road::Plain,
        None => Road::Start,
    }
}

/// A byte that every match has, among its first so many bytes; the automaton without the byte can't end.
fn required(nfa: &NFA, byte: u8) -> Option<usize> {
    let mut seen = [false; 256];
    let fresh =
        |b: &u8| *b != byte && !std::mem::replace(&mut seen[usize::from(nfa.byte_classes().get(*b))], true);
    let bytes: Vec<u8> = (0..=u8::MAX).filter(fresh).collect();
    let mut states = closure(nfa, nfa.start_anchored().as_u32(), &|_| true);
    for reach in 1..=REACH_MAX {
        if states.1 {
            return None;
        }
        let lead = |state: &u32| bytes.iter().filter_map(|b| leads(nfa, *state, *b)).collect::<Vec<u32>>();
        let mut targets: Vec<u32> = states.0.iter().flat_map(lead).collect();
        targets.sort_unstable();
        targets.dedup();
        if targets.is_empty() {
            return Some(reach);
        }
        states = (Vec::new(), false);
        for target in targets {
            let (more, ends) = closure(nfa, target, &|_| true);
            states.0.extend(more);
            states.1 |= ends;
        }
        states.0.sort_unstable();
        states.0.dedup();
    }
    None
}

/// An automaton whose states are made as texts lead to them; it gives up at what isn't ASCII.
pub(super) fn lazy(nfa: NFA, kind: MatchKind, config: Config) -> Option<DFA> {
    let mut config = config.match_kind(kind).unicode_word_boundary(true).skip_cache_capacity_check(true);
    for byte in 0x80..=u8::MAX {
        config = config.quit(byte, true);
    }
    DFA::builder().configure(config).build_from_nfa(nfa).ok()
}

/// How the automaton of one rule is made.
pub(super) fn small() -> Config {
    DFA::config().cache_capacity(CACHE_BYTES_MAX)
}

// What small automata have read in this thread: tests hold it against the text's length.
#[cfg(test)]
thread_local!(pub(super) static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

/// Bytes that messages have few of.
const RARE: &[u8] = b"@";

/// A rule that begins at more of all places is better looked for around a byte.
const VAGUE: f64 = 0.01;

/// So is one that begins with bytes of more of all places: blanks, whatever follows.
const COMMON: f64 = 0.15;

/// A rule that begins at more of all places is left to its regex.
const HOPELESS: f64 = 0.15;

/// How far a byte may lie from the start that a rule is looked for by.
const REACH_MAX: usize = 256;

/// Matches of more bytes are long.
const LONG: usize = 4096;

/// How often a text is read by one rule before the regex alone goes on.
pub(super) const REREAD_MAX: usize = 16;

/// Size of a rule's automaton.
pub(in crate::inspect) const NFA_BYTES_MAX: usize = 1 << 20;

/// What a rule's states may take, for each thread that searches; beyond it they are made anew.
const CACHE_BYTES_MAX: usize = 256 << 10;
