//! Packing: heads into eight buckets, whose classes are told by the nibbles of each byte.
//!
//! A bucket holds many heads, and what it lets through at each position is the product of the nibbles of all of them:
//! more than each head asks for, never less. Heads that ask for much the same share a bucket.

use super::head::{Class, HEAD_BYTES_MAX, Head};
use std::sync::LazyLock;

/// For each of the first bytes and each nibble, the buckets that take it.
pub(super) struct Tables {
    /// By the low nibble; twice over, as wide shuffles want them.
    pub(super) low: [[u8; 32]; HEAD_BYTES_MAX],
    /// By the high nibble, the same.
    pub(super) high: [[u8; 32]; HEAD_BYTES_MAX],
    /// Buckets all whose heads begin a word.
    pub(super) word_start: u8,
}

/// How many buckets there are: a bit each.
pub(super) const BUCKETS: usize = 8;

/// Spreads heads over buckets, by number.
pub(super) fn pack(heads: &[Head]) -> [Vec<usize>; BUCKETS] {
    let mut order: Vec<usize> = (0..heads.len()).collect();
    order.sort_by_key(|at| heads.get(*at).map(|head| (head.word_start, first_bytes(head))));
    let mut clusters: Vec<Cluster> =
        order.into_iter().filter_map(|at| heads.get(at).map(|head| Cluster::of(at, head))).collect();
    // Many heads: neighbours first, so that the cost of all pairs stays small.
    while clusters.len() > PAIRED_MAX {
        let mut rest = std::mem::take(&mut clusters).into_iter();
        while let Some(mut one) = rest.next() {
            if let Some(other) = rest.next() {
                one.join(&other);
            }
            clusters.push(one);
        }
    }
    gather(&mut clusters);
    let mut out: [Vec<usize>; BUCKETS] = Default::default();
    out.iter_mut().zip(clusters).for_each(|(bucket, cluster)| *bucket = cluster.heads);
    out
}

impl Tables {
    pub(super) fn new(heads: &[Head], buckets: &[Vec<usize>; BUCKETS]) -> Self {
        let (low, high) = ([[0; 32]; HEAD_BYTES_MAX], [[0; 32]; HEAD_BYTES_MAX]);
        let mut tables = Self { low, high, word_start: 0 };
        for (bit, bucket) in (0..BUCKETS).map(|n| 1u8 << n).zip(buckets) {
            let members = || bucket.iter().filter_map(|at| heads.get(*at));
            if members().all(|head| head.word_start) {
                tables.word_start |= bit;
            }
            for nibbles in members().map(Nibbles::of) {
                for (at, (low, high)) in nibbles.0.into_iter().enumerate() {
                    for n in 0..32 {
                        tables.low[at][n] |= if low & 1 << (n % 16) == 0 { 0 } else { bit };
                        tables.high[at][n] |= if high & 1 << (n % 16) == 0 { 0 } else { bit };
                    }
                }
            }
        }
        tables
    }
}

/// For each position the low and the high nibbles that are taken, a bit each.
#[derive(Clone, Copy)]
struct Nibbles([(u16, u16); HEAD_BYTES_MAX]);

impl Nibbles {
    /// Behind its end a head takes all.
    fn of(head: &Head) -> Self {
        let mut out = [(u16::MAX, u16::MAX); HEAD_BYTES_MAX];
        for (slot, class) in out.iter_mut().zip(&head.classes) {
            *slot = class.bytes().fold((0, 0), |(low, high), b| (low | 1 << (b & 15), high | 1 << (b >> 4)));
        }
        Self(out)
    }

    fn join(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = (mine.0 | theirs.0, mine.1 | theirs.1);
        }
    }
}

/// Heads that share a bucket.
struct Cluster {
    heads: Vec<usize>,
    nibbles: Nibbles,
    word_start: bool,
    cost: f64,
}

impl Cluster {
    fn of(at: usize, head: &Head) -> Self {
        let nibbles = Nibbles::of(head);
        Self { heads: vec![at], nibbles, word_start: head.word_start, cost: cost(&nibbles, head.word_start) }
    }

    fn joined_cost(&self, other: &Self) -> f64 {
        let mut nibbles = self.nibbles;
        nibbles.join(&other.nibbles);
        cost(&nibbles, self.word_start && other.word_start)
    }

    fn join(&mut self, other: &Self) {
        self.nibbles.join(&other.nibbles);
        self.word_start &= other.word_start;
        self.heads.extend(&other.heads);
        self.cost = cost(&self.nibbles, self.word_start);
    }
}

/// Joins the pair that costs least, until there are no more clusters than buckets.
fn gather(clusters: &mut Vec<Cluster>) {
    let mut costs: Vec<Vec<f64>> = clusters
        .iter()
        .map(|one| clusters.iter().map(|other| one.joined_cost(other) - one.cost - other.cost).collect())
        .collect();
    while clusters.len() > BUCKETS {
        let mut best = (f64::MAX, 0, 1);
        for (one, row) in costs.iter().enumerate() {
            for (other, cost) in row.iter().enumerate().skip(one + 1) {
                if *cost < best.0 {
                    best = (*cost, one, other);
                }
            }
        }
        let (_, one, other) = best;
        let gone = clusters.swap_remove(other);
        costs.swap_remove(other);
        costs.iter_mut().for_each(|row| {
            row.swap_remove(other);
        });
        clusters[one].join(&gone);
        for at in 0..clusters.len() {
            let cost = clusters[one].joined_cost(&clusters[at]) - clusters[one].cost - clusters[at].cost;
            costs[one][at] = cost;
            costs[at][one] = cost;
        }
    }
}

/// How likely a head begins at a position of a text.
pub(super) fn likelihood(head: &Head) -> f64 {
    cost(&Nibbles::of(head), head.word_start)
}

/// How likely a position of a text is let through.
fn cost(nibbles: &Nibbles, word_start: bool) -> f64 {
    let begins = if word_start { 0.2 } else { 1.0 };
    nibbles.0.iter().fold(begins, |cost, (low, high)| {
        let [first, second] = low.to_le_bytes().map(usize::from);
        let rows = (0..8).filter(|row| high & 1 << row != 0);
        let ascii: f64 = rows.map(|row| FREQUENCIES[row][0][first] + FREQUENCIES[row][1][second]).sum();
        cost * (ascii + if high >> 8 == 0 { 0.0 } else { 0.01 }).min(1.0)
    })
}

/// For each high nibble, and each set of low nibbles in the lower and the upper half, how often such bytes are seen.
static FREQUENCIES: LazyLock<[[[f64; 256]; 2]; 8]> = LazyLock::new(|| {
    let mut out = [[[0.0; 256]; 2]; 8];
    for (row, halves) in (0u8..).zip(&mut out) {
        for (half, sums) in (0u8..).zip(halves) {
            for (set, sum) in (0u8..=u8::MAX).zip(sums) {
                let members = (0..8).filter(|bit| set & 1 << bit != 0);
                *sum = members.map(|bit| frequency(row << 4 | half << 3 | bit)).sum();
            }
        }
    }
    out
});

/// How often a byte is seen in messages, roughly.
fn frequency(byte: u8) -> f64 {
    match byte {
        b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 0.045,
        b'a'..=b'z' => 0.014,
        b' ' => 0.09,
        b'0'..=b'9' => 0.012,
        b'A'..=b'Z' => 0.006,
        b'"' | b'|' | b'/' | b'.' | b'-' | b':' | b',' | b'<' | b'>' => 0.012,
        b'@' => 0.0005,
        _ => 0.002,
    }
}

/// For sorting: what a head begins with.
pub(super) fn first_bytes(head: &Head) -> Vec<u8> {
    head.classes.iter().filter_map(|class: &Class| class.bytes().next()).collect()
}

/// Up to so many clusters, all pairs are weighed.
const PAIRED_MAX: usize = 160;
