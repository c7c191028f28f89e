//! A Bloom filter of tags: says of a tag that was never put in that it was with a chance of one in four million, and never
//! that one wasn't which was. Adding and asking need no lock.

use super::Tag;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A set of tags that can be asked and added to, but not listed.
pub struct Filter {
    words: Vec<AtomicU64>,
    capacity: u64,
    count: AtomicU64,
}

/// Why bytes are no filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Cut short, or something else.
    #[error("not a file of fingerprints, or one that is cut short")]
    Broken,
}

impl Filter {
    /// An empty one for so many tags: 4 bytes each.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let capacity = capacity.max(64);
        let words = (capacity * BITS_EACH).div_ceil(64);
        Self { words: (0..words).map(|_| AtomicU64::new(0)).collect(), capacity, count: AtomicU64::new(0) }
    }

    /// Adds a tag. `false` where the filter is full: the tag isn't kept then, since every further one makes all answers
    /// worse.
    pub fn add(&self, tag: &Tag) -> bool {
        if self.has(tag) {
            return true;
        }
        if self.count.load(Relaxed) >= self.capacity {
            return false;
        }
        for at in self.places(tag) {
            if let Some(word) = self.words.get(at / 64) {
                word.fetch_or(1 << (at % 64), Relaxed);
            }
        }
        self.count.fetch_add(1, Relaxed);
        true
    }

    /// Whether a tag was added, as far as can be told.
    #[must_use]
    pub fn has(&self, tag: &Tag) -> bool {
        self.places(tag)
            .all(|at| self.words.get(at / 64).is_some_and(|w| w.load(Relaxed) >> (at % 64) & 1 == 1))
    }

    /// Adds all that another of the same capacity has, of whose tags so many are here already; gives whether it is of it. Both
    /// may have some of the others: they count twice.
    pub fn join(&self, other: &Self, already: u64) -> bool {
        if self.capacity != other.capacity || self.words.len() != other.words.len() {
            return false;
        }
        for (word, others) in self.words.iter().zip(&other.words) {
            word.fetch_or(others.load(Relaxed), Relaxed);
        }
        self.count.fetch_add(other.count().saturating_sub(already), Relaxed);
        true
    }

    /// How many were added.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// How many it takes.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Its bytes: capacity, count and bits.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.words.len() * 8);
        out.extend(self.capacity.to_le_bytes());
        out.extend(self.count().to_le_bytes());
        for word in &self.words {
            out.extend(word.load(Relaxed).to_le_bytes());
        }
        out
    }

    /// One from its bytes.
    ///
    /// # Errors
    /// [`FilterError::Broken`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FilterError> {
        let number = |at: usize| -> Result<u64, FilterError> {
            let bytes = bytes.get(at..at + 8).ok_or(FilterError::Broken)?;
            Ok(u64::from_le_bytes(bytes.try_into().map_err(|_| FilterError::Broken)?))
        };
        let (capacity, count) = (number(0)?, number(8)?);
        let rest = bytes.get(16..).ok_or(FilterError::Broken)?;
        let words = capacity.checked_mul(BITS_EACH).ok_or(FilterError::Broken)?.div_ceil(64);
        if rest.len() as u64 != words * 8 || words == 0 {
            return Err(FilterError::Broken);
        }
        let word = |b: &[u8]| AtomicU64::new(b.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)));
        Ok(Self { words: rest.chunks(8).map(word).collect(), capacity, count: AtomicU64::new(count) })
    }

    /// Where a tag's bits stand: by double hashing (Kirsch and Mitzenmacher, 2006); the tag is a hash already.
    fn places(&self, tag: &Tag) -> impl Iterator<Item = usize> {
        let half = |from: usize| {
            let bytes = tag.0.iter().skip(from).take(8);
            bytes.fold(0u64, |n, b| n << 8 | u64::from(*b))
        };
        let (one, two, bits) = (half(0), half(8) | 1, self.words.len() as u128 * 64);
        (0..HASHES).map(move |i| {
            let hash = one.wrapping_add(i.wrapping_mul(two)).wrapping_add(i * i * i);
            // Below the number of bits, which is a length in memory times 64.
            usize::try_from((u128::from(hash) * bits) >> 64).unwrap_or(0)
        })
    }
}

/// Bits for each tag, and bits set by each: (1 - e^(-22/32))^22 is 2.1e-7.
const BITS_EACH: u64 = 32;
const HASHES: u64 = 22;

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(n: u64) -> Tag {
        let mut state = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut out = [0; 32];
        for chunk in out.chunks_mut(8) {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            chunk.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
        }
        Tag(out)
    }

    #[test]
    fn what_was_added_is_found_and_a_full_filter_errs_less_than_once_in_a_million() {
        let filter = Filter::new(10_000);
        assert!((0..10_000).all(|n| filter.add(&tag(n))));
        assert!((0..10_000).all(|n| filter.has(&tag(n))));
        let wrong = (1_000_000..3_000_000).filter(|n| filter.has(&tag(*n))).count();
        assert!(wrong <= 2, "{wrong} of two million");
    }

    #[test]
    fn a_full_filter_takes_no_more_and_says_so() {
        let filter = Filter::new(64);
        assert!((0..64).all(|n| filter.add(&tag(n))));
        assert!(!filter.add(&tag(100)) && !filter.has(&tag(100)));
        assert!(filter.add(&tag(1)), "what it has it still takes");
    }

    #[test]
    fn bytes_come_back_and_broken_ones_are_told() {
        let filter = Filter::new(100);
        filter.add(&tag(7));
        let bytes = filter.to_bytes();
        let back = Filter::from_bytes(&bytes).expect("reads");
        assert!(back.has(&tag(7)) && !back.has(&tag(8)) && back.count() == 1);
        for cut in [0, 8, 15, 16, bytes.len() - 1] {
            assert!(Filter::from_bytes(&bytes[..cut]).is_err());
        }
        let mut lying = bytes.clone();
        lying[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Filter::from_bytes(&lying).is_err());
    }
}
