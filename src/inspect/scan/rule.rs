//! One rule: its automaton, and whether it matches from a position on.

use super::head::{Head, heads, required};
use super::pack::likelihood;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::meta;
use regex_automata::nfa::thompson::{NFA, WhichCaptures};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, Input};
use std::ops::Range;

/// A compiled pattern.
pub(super) struct Rule {
    regex: meta::Regex,
    /// The group `v`, or 0 for the whole match.
    group: usize,
    /// Of ASCII alone: gives up at any other byte. `None` where it would be too large.
    small: Option<dense::DFA<Vec<u32>>>,
    /// How it is looked for.
    pub(super) road: Road,
    /// Whether its matches can be long.
    long: bool,
}

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
    /// Compiles a pattern; `None` where it is no regex or too large. Its small automaton may take `bytes_max`.
    pub(super) fn new(pattern: &str, bytes_max: usize) -> Option<Self> {
        let config = meta::Config::new().nfa_size_limit(Some(NFA_BYTES_MAX));
        let regex = meta::Builder::new().configure(config).build(pattern).ok()?;
        let group = regex.group_info().to_index(regex_automata::PatternID::ZERO, "v").unwrap_or(0);
        let thompson = NFA::config().which_captures(WhichCaptures::None).nfa_size_limit(Some(NFA_BYTES_MAX));
        let nfa = NFA::compiler().configure(thompson).build(pattern).ok()?;
        let length = syntax::parse(pattern).ok()?.properties().maximum_len();
        let long = length.is_none_or(|max| max > LONG);
        Some(Self { small: small(&nfa, bytes_max.min(DFA_BYTES_MAX)), road: road(&nfa), regex, group, long })
    }

    /// Bytes that its small automaton takes.
    pub(super) fn small_bytes(&self) -> usize {
        self.small.as_ref().map_or(0, dense::DFA::memory_usage)
    }

    /// The first match that begins at `at` or later.
    pub(super) fn find(&self, text: &str, at: usize) -> Option<Match> {
        self.search(&Input::new(text).range(at..))
    }

    /// The match that begins right at `at`. Adds to `read` what it cost, in bytes.
    pub(super) fn find_here(&self, text: &str, at: usize, read: &mut usize) -> Option<Match> {
        let end = self.end(text.as_bytes(), at, read);
        #[cfg(test)]
        READ.set(READ.get() + *read);
        match end {
            End::No => None,
            End::At(end) if self.group == 0 => Some(Match { start: at, value: at..end }),
            End::At(_) => self.search(&Input::new(text).range(at..).anchored(Anchored::Yes)),
            End::Unknown => {
                // How far the regex reads isn't told: as far as it may.
                *read += if self.long { text.len() / REREAD_MAX } else { 64 };
                self.search(&Input::new(text).range(at..).anchored(Anchored::Yes))
            }
        }
    }

    /// Where the match that begins right at `at` ends.
    fn end(&self, text: &[u8], at: usize, read: &mut usize) -> End {
        let Some(dfa) = &self.small else { return End::Unknown };
        let behind = at.checked_sub(1).and_then(|before| text.get(before)).copied();
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(behind);
        let Ok(mut state) = dfa.start_state(&config) else { return End::Unknown };
        let mut end = End::No;
        for (here, byte) in text.iter().enumerate().skip(at) {
            state = dfa.next_state(state, *byte);
            if dfa.is_special_state(state) {
                // A match is told one byte late.
                if dfa.is_match_state(state) {
                    end = End::At(here);
                } else if dfa.is_dead_state(state) {
                    *read += here - at;
                    return end;
                } else if dfa.is_quit_state(state) {
                    *read += here - at;
                    return End::Unknown;
                }
            }
        }
        *read += text.len() - at;
        if dfa.is_match_state(dfa.next_eoi_state(state)) { End::At(text.len()) } else { end }
    }

    fn search(&self, input: &Input<'_>) -> Option<Match> {
        if self.group == 0 {
            let whole = self.regex.search(input)?;
            return Some(Match { start: whole.start(), value: whole.range() });
        }
        let mut slots: Vec<Option<NonMaxUsize>> = vec![None; 2 * self.group + 2];
        self.regex.search_slots(input, &mut slots)?;
        let slot = |at: usize| slots.get(at).copied().flatten().map(NonMaxUsize::get);
        let (start, end) = (slot(0)?, slot(1)?);
        let value = slot(2 * self.group).zip(slot(2 * self.group + 1)).map_or(start..end, |(a, b)| a..b);
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

fn small(nfa: &NFA, bytes_max: usize) -> Option<dense::DFA<Vec<u32>>> {
    let mut config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .unicode_word_boundary(true)
        .dfa_size_limit(Some(bytes_max))
        .determinize_size_limit(Some(bytes_max * 8));
    for byte in 0x80..=u8::MAX {
        config = config.quit(byte, true);
    }
    dense::Builder::new().configure(config).build_from_nfa(nfa).ok()
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

/// Size of a rule's table of states.
const DFA_BYTES_MAX: usize = 512 << 10;
