//! A quick hash for tables of one message: a folded product with a key that is drawn anew for each process, so that a
//! sender can't choose values that collide.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::OnceLock;

/// A map by this hash.
pub type Map<K, V> = HashMap<K, V, Keyed>;

/// Makes hashers.
#[derive(Debug, Clone, Copy)]
pub struct Keyed(u64, u64);

impl Default for Keyed {
    fn default() -> Self {
        static KEYS: OnceLock<(u64, u64)> = OnceLock::new();
        let (one, other) = *KEYS.get_or_init(|| {
            let random = RandomState::new();
            (random.hash_one(1_u8), random.hash_one(2_u8) | 1)
        });
        Self(one, other)
    }
}

/// Two pairs of keys, for a hash of twice the bits: each pair is what the hash begins with, and what it multiplies by.
#[derive(Clone, Copy)]
pub struct Keys(pub u64, pub u64, pub u64, pub u64);

impl Keys {
    /// Those of the process.
    #[must_use]
    pub fn of_process() -> Self {
        static KEYS: OnceLock<Keys> = OnceLock::new();
        *KEYS.get_or_init(|| {
            let random = RandomState::new();
            let key = |n: u8| random.hash_one(n);
            Self(key(1), key(2) | 1, key(3), key(4) | 1)
        })
    }
}

/// The high half of a product, which all bits reach, onto the low one.
#[must_use]
#[inline]
pub fn folded(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product as u64) ^ ((product >> 64) as u64)
}

impl Keyed {
    /// The hash of two words, in one product: for tables that are asked at each name of a document.
    #[must_use]
    #[inline]
    pub fn pair(self, one: u64, other: u64) -> u64 {
        folded(one ^ self.0, other ^ self.1)
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding { state: self.0, key: self.1 }
    }
}

/// Hashes by folded products: the high half of each, which all bits reach, onto the low one.
pub struct Folding {
    state: u64,
    key: u64,
}

impl Folding {
    fn mix(&mut self, word: u64) {
        self.state = folded(self.state ^ word, self.key) ^ self.key.rotate_left(23);
    }
}

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        let (eights, rest) = bytes.as_chunks::<8>();
        eights.iter().for_each(|eight| self.mix(u64::from_le_bytes(*eight)));
        let last = rest.iter().fold(bytes.len() as u64, |word, byte| word << 8 | u64::from(*byte));
        self.mix(last);
    }

    fn write_u8(&mut self, n: u8) {
        self.mix(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.mix(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.mix(n);
    }

    fn write_usize(&mut self, n: usize) {
        self.mix(n as u64);
    }

    fn finish(&self) -> u64 {
        folded(self.state, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_differ_a_little_are_spread_over_all_buckets() {
        let keyed = Keyed::default();
        let mut buckets = [0_usize; 256];
        for n in 0..25_600 {
            let hash = keyed.hash_one(format!("Patient/{n}"));
            buckets[(hash >> 56) as usize] += 1;
            assert_eq!(hash, keyed.hash_one(format!("Patient/{n}")));
        }
        assert!(buckets.iter().all(|n| (20..300).contains(n)), "{buckets:?}");
        let mut seen: Vec<u64> = (0..10_000_u32).map(|n| keyed.hash_one(n)).collect();
        seen.extend((0..64).map(|n| keyed.hash_one("x".repeat(n))));
        let pairs = (0..100).flat_map(|one| (0..100).map(move |other| keyed.pair(one << 32, other)));
        seen.extend(pairs);
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
