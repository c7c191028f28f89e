//! How long something took, in buckets: what a histogram of metrics is made of.

use crate::counted::add;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Times of one thread. Only it adds; anybody may read.
#[derive(Debug, Default)]
pub struct Times {
    /// Those up to each of [`BOUNDS`] and over the one before, then those over the last.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    sum_ns: AtomicU64,
}

impl Times {
    /// Adds one.
    pub fn took(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let at = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(at) {
            add(bucket, 1);
        }
        add(&self.sum_ns, u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many of them are in a bucket.
    #[must_use]
    pub fn in_bucket(&self, at: usize) -> u64 {
        self.buckets.get(at).map_or(0, |bucket| bucket.load(Relaxed))
    }

    /// All of them together, nanoseconds.
    #[must_use]
    pub fn sum_ns(&self) -> u64 {
        self.sum_ns.load(Relaxed)
    }
}

/// Upper bounds of buckets, seconds.
pub const BOUNDS: [f64; 14] =
    [0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_whose_bound_it_does_not_pass() {
        let times = Times::default();
        for (micros, at) in [(0, 0), (10, 0), (11, 1), (30_000_000, 13), (30_000_001, 14)] {
            let before = times.in_bucket(at);
            times.took(Duration::from_micros(micros));
            assert_eq!(times.in_bucket(at), before + 1, "{micros}");
        }
        assert_eq!(times.sum_ns(), 60_000_022_000);
    }
}
