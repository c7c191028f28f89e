//! Scan: where rules match in a text, all rules at once.
//!
//! - Takes: patterns in regex syntax, compiled once, and a text.
//! - Gives: what `regex` gives rule by rule: matches are leftmost-first and don't overlap; a match that its judge
//!   refuses restarts one byte later. Of each rule by place; rules among each other in no order.
//! - How: each rule tells how its matches can begin (heads); positions where no rule can begin are passed over, 32 at
//!   once; at the rest the rule itself decides. The regexes are the specification: tests demand the same of both.
//! - Cost: linear; a rule that has read more than the text goes on by its regex alone. Allocates where rules match.

mod head;
mod pack;
mod rule;
mod simd;
#[cfg(test)]
mod tests;

use head::{HEAD_BYTES_MAX, Head, is_word};
use pack::{BUCKETS, Tables};
use regex_automata::util::pool::{Pool, PoolGuard};
use rule::{Caches, Match, Road, Rule};
use simd::{BANKS_MAX, Candidates, Lanes};
use std::ops::Range;

/// Compiled rules.
pub struct Engine {
    rules: Vec<Rule>,
    /// Rules that are looked for at candidates are spread over banks, all heads of each in one.
    tables: Vec<Tables>,
    /// The same banks: for each bucket its heads, 64 at a time.
    groups: Vec<Buckets>,
    /// Rules that are looked for around a byte.
    around: Vec<Around>,
    plain: Vec<usize>,
    lanes: Lanes,
    /// What searches have learnt: each takes one, and puts it back.
    caches: Pool<Caches, NoCaches>,
}

/// Makes caches that know nothing.
type NoCaches = Box<dyn Fn() -> Caches + Send + Sync>;

type Buckets = [Vec<Group>; BUCKETS];

/// A rule that is looked for around a byte that each of its matches has.
struct Around {
    rule: usize,
    byte: u8,
    /// At most so many bytes from the match's start, the byte included.
    reach: usize,
    heads: Vec<Head>,
}

/// Up to 64 heads of a bucket, a bit each.
struct Group {
    /// For each of the first bytes, the heads that take it.
    takes: Box<[[u64; 256]; HEAD_BYTES_MAX]>,
    /// For each of the first bytes, the heads that ask for one.
    asks: [u64; HEAD_BYTES_MAX],
    word_start: u64,
    rules: Vec<usize>,
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
            rules.push(Rule::new(pattern).ok_or(number)?);
        }
        Ok(Self::of(rules))
    }

    fn of(rules: Vec<Rule>) -> Self {
        let (mut by_heads, mut around, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for (number, rule) in rules.iter().enumerate() {
            match &rule.road {
                Road::Heads(heads) => by_heads.push((number, heads.as_slice())),
                Road::Around(byte, reach, heads) => {
                    around.push(Around { rule: number, byte: *byte, reach: *reach, heads: heads.clone() });
                }
                Road::Plain => plain.push(number),
            }
        }
        let (tables, groups) = banks(by_heads).into_iter().unzip();
        let count = rules.len();
        let caches = Pool::new(Box::new(move || std::iter::repeat_with(|| None).take(count).collect()) as _);
        Self { rules, tables, groups, around, plain, lanes: Lanes::best(), caches }
    }

    /// Asks `judge` of each match in `text`.
    pub fn search(&self, text: &str, judge: &mut Judge<'_>) {
        for rule in &self.plain {
            self.by_regex(*rule, text, 0, judge);
        }
        let mut progress = Progress { caches: self.caches.get(), states: Vec::new(), furthest: 0 };
        for around in &self.around {
            self.search_around(around, text, &mut progress, judge);
        }
        let mut found = Candidates::new();
        for (tables, groups) in self.tables.chunks(BANKS_MAX).zip(self.groups.chunks(BANKS_MAX)) {
            let mut at = 0;
            while at < text.len() {
                at = simd::candidates(self.lanes, tables, text.as_bytes(), at, &mut found);
                for (at, (bank, buckets)) in found.iter() {
                    if let Some(bank) = groups.get(usize::from(bank)) {
                        self.check(bank, text, at, buckets, &mut progress, judge);
                    }
                }
            }
        }
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

    fn search_around(&self, around: &Around, text: &str, progress: &mut Progress<'_>, judge: &mut Judge<'_>) {
        let bytes = text.as_bytes();
        let mut next = 0;
        for byte in memchr::memchr_iter(around.byte, bytes) {
            let first = (byte + 1).saturating_sub(around.reach).max(next);
            for at in (first..=byte).filter(|at| around.heads.iter().any(|head| head.fits(bytes, *at))) {
                self.try_here(around.rule, text, at, progress, judge);
            }
            next = byte + 1;
        }
    }

    /// The rules that may begin at a candidate.
    fn check(
        &self,
        bank: &Buckets,
        text: &str,
        at: usize,
        mut buckets: u8,
        progress: &mut Progress<'_>,
        judge: &mut Judge<'_>,
    ) {
        let bytes = text.as_bytes();
        let in_word = at.checked_sub(1).and_then(|before| bytes.get(before)).is_some_and(|b| is_word(*b));
        while buckets != 0 {
            let bucket = bank.get(buckets.trailing_zeros() as usize);
            buckets &= buckets - 1;
            for group in bucket.into_iter().flatten() {
                let mut heads = if in_word { !group.word_start } else { u64::MAX };
                for (depth, (takes, asks)) in group.takes.iter().zip(group.asks).enumerate() {
                    heads &= bytes.get(at + depth).map_or(!asks, |b| takes[usize::from(*b)]);
                    if heads == 0 {
                        break;
                    }
                }
                while heads != 0 {
                    if let Some(rule) = group.rules.get(heads.trailing_zeros() as usize) {
                        self.try_here(*rule, text, at, progress, judge);
                    }
                    heads &= heads - 1;
                }
            }
        }
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
        let Some(cache) = progress.caches.get_mut(number) else { return };
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

/// Spreads rules over banks, those that begin alike together.
fn banks(mut rules: Vec<(usize, &[Head])>) -> Vec<(Tables, Buckets)> {
    rules.sort_by_key(|(_, heads)| heads.iter().map(|h| (h.word_start, pack::first_bytes(h))).min());
    let mut banks = Vec::new();
    let (mut heads, mut owners): (Vec<Head>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut rules = rules.into_iter().peekable();
    while let Some((number, own)) = rules.next() {
        heads.extend_from_slice(own);
        owners.resize(heads.len(), number);
        if rules.peek().is_none_or(|(_, next)| heads.len() + next.len() > BANK_HEADS_MAX) {
            banks.push(bank(&heads, &owners));
            heads.clear();
            owners.clear();
        }
    }
    banks
}

fn bank(heads: &[Head], owners: &[usize]) -> (Tables, Buckets) {
    let buckets = pack::pack(heads);
    let tables = Tables::new(heads, &buckets);
    let groups = buckets.map(|mut bucket| {
        bucket.sort_unstable();
        bucket.chunks(64).map(|members| Group::new(members, heads, owners)).collect()
    });
    (tables, groups)
}

impl Group {
    fn new(members: &[usize], heads: &[Head], owners: &[usize]) -> Self {
        let mut group = Self {
            takes: Box::new([[0; 256]; HEAD_BYTES_MAX]),
            asks: [0; HEAD_BYTES_MAX],
            word_start: 0,
            rules: members.iter().filter_map(|at| owners.get(*at).copied()).collect(),
        };
        for (bit, head) in
            members.iter().filter_map(|at| heads.get(*at)).enumerate().map(|(n, h)| (1 << n, h))
        {
            group.word_start |= if head.word_start { bit } else { 0 };
            for depth in 0..HEAD_BYTES_MAX {
                let class = head.classes.get(depth);
                group.asks[depth] |= if class.is_some() { bit } else { 0 };
                for (byte, takes) in (0..=u8::MAX).zip(&mut group.takes[depth]) {
                    *takes |= if class.is_none_or(|class| class.has(byte)) { bit } else { 0 };
                }
            }
        }
        group
    }
}

/// What is known of the rules that have matched or read much.
struct Progress<'e> {
    caches: PoolGuard<'e, Caches, NoCaches>,
    states: Vec<State>,
    /// The furthest of their next places: beyond it there is no need to look.
    furthest: usize,
}

struct State {
    rule: usize,
    /// Where its next match may begin.
    next: usize,
    /// What it has read, in bytes.
    read: usize,
}

impl Progress<'_> {
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

/// Heads of one bank: with more, buckets let too much through.
const BANK_HEADS_MAX: usize = 160;

/// A check that reads no more than so many bytes isn't counted.
const SHORT: usize = 64;

/// What a rule may read beyond the length of the text before its regex goes on alone.
const READ_FREE: usize = 16 << 10;
