//! One rule: its automaton, and whether it matches from a position on.

use super::head::{Head, heads, required};
use super::pack::likelihood;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::meta;
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, Input};
use std::ops::Range;
use std::sync::OnceLock;

/// A compiled pattern.
pub(super) struct Rule {
    pattern: Box<str>,
    /// Built when a match is first asked for: most rules never see one.
    exact: OnceLock<Exact>,
    /// Of ASCII alone: gives up at any other byte. Its states are made as texts lead to them.
    small: Option<DFA>,
    /// How it is looked for.
    pub(super) road: Road,
    /// Whether its matches can be long.
    long: bool,
}

/// The rule's regex, which decides.
struct Exact {
    regex: meta::Regex,
    /// The group `v`, or 0 for the whole match.
    group: usize,
}

/// What automata have learnt, a cache for each rule that was asked.
pub(super) type Caches = Vec<Option<Cache>>;

/// How a rule is looked for.
pub(super) enum Road {
    /// At candidates.
    Heads(Vec<Head>),
    /// Around a byte that each match has among its first so many, and that is rare.
    Around(u8, usize, Vec<Head>),
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
        let thompson = NFA::config().which_captures(WhichCaptures::None).nfa_size_limit(Some(NFA_BYTES_MAX));
        let hir = syntax::parse(pattern).ok()?;
        let nfa = NFA::compiler().configure(thompson).build_from_hir(&hir).ok()?;
        let long = hir.properties().maximum_len().is_none_or(|max| max > LONG);
        let (road, small) = (road(&nfa), small(nfa));
        Some(Self { pattern: pattern.into(), exact: OnceLock::new(), small, road, long })
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
        cache: &mut Option<Cache>,
        read: &mut usize,
    ) -> Option<Match> {
        let end = self.end(text.as_bytes(), at, cache, read);
        #[cfg(test)]
        READ.set(READ.get() + *read);
        match end {
            End::No => None,
            End::At(end) if self.exact().group == 0 => Some(Match { start: at, value: at..end }),
            End::At(_) => self.search(&Input::new(text).range(at..).anchored(Anchored::Yes)),
            End::Unknown => {
                // How far the regex reads isn't told: as far as it may.
                *read += if self.long { text.len() / REREAD_MAX } else { 64 };
                self.search(&Input::new(text).range(at..).anchored(Anchored::Yes))
            }
        }
    }

    /// Where the match that begins right at `at` ends.
    fn end(&self, text: &[u8], at: usize, cache: &mut Option<Cache>, read: &mut usize) -> End {
        let Some(dfa) = &self.small else { return End::Unknown };
        let cache = cache.get_or_insert_with(|| dfa.create_cache());
        let behind = at.checked_sub(1).and_then(|before| text.get(before)).copied();
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(behind);
        let Ok(mut state) = dfa.start_state(cache, &config) else { return End::Unknown };
        let mut end = End::No;
        for (here, byte) in text.iter().enumerate().skip(at) {
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
            Exact { regex, group }
        })
    }

    fn search(&self, input: &Input<'_>) -> Option<Match> {
        let Exact { regex, group } = self.exact();
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
    let heads = heads(nfa);
    if heads.is_empty() {
        return Road::Plain;
    }
    let vague = heads.iter().any(|head| likelihood(head) > VAGUE);
    let around = RARE.iter().filter(|_| vague).find_map(|b| required(nfa, *b).map(|reach| (*b, reach)));
    match around {
        Some((byte, reach)) => Road::Around(byte, reach, heads),
        None if heads.iter().any(|head| likelihood(head) > HOPELESS) => Road::Plain,
        None => Road::Heads(heads),
    }
}

fn small(nfa: NFA) -> Option<DFA> {
    let mut config = DFA::config()
        .unicode_word_boundary(true)
        .cache_capacity(CACHE_BYTES_MAX)
        .skip_cache_capacity_check(true);
    for byte in 0x80..=u8::MAX {
        config = config.quit(byte, true);
    }
    DFA::builder().configure(config).build_from_nfa(nfa).ok()
}

// What small automata have read in this thread: tests hold it against the text's length.
#[cfg(test)]
thread_local!(pub(super) static READ: std::cell::Cell<usize> = const { std::cell::Cell::new(0) });

/// Bytes that messages have few of.
const RARE: &[u8] = b"@";

/// Likelier heads are better replaced.
const VAGUE: f64 = 0.01;

/// Likelier heads leave too much to check.
const HOPELESS: f64 = 0.15;

/// Matches of more bytes are long.
const LONG: usize = 4096;

/// How often a text is read by one rule before the regex alone goes on.
pub(super) const REREAD_MAX: usize = 16;

/// Size of a rule's automaton.
const NFA_BYTES_MAX: usize = 1 << 20;

/// What a rule's states may take, for each thread that searches; beyond it they are made anew.
const CACHE_BYTES_MAX: usize = 256 << 10;
