//! Who asks without a token that holds, or signs in and fails: each is counted, and written down in the audit, though not so
//! many that whoever guesses fills its disk.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Requests that were refused for want of a token.
#[derive(Default)]
pub struct Strangers {
    refused: Arc<AtomicU64>,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    began: Option<Instant>,
    /// Written down since then.
    events: u32,
    /// Not written down since the last that was.
    untold: u64,
}

/// What is written down of one: why, and how many before it were not.
pub(super) fn reason(why: &str, untold: u64) -> String {
    match untold {
        0 => why.to_owned(),
        untold => format!("{why}; {untold} such requests before it were not written down"),
    }
}

impl Strangers {
    /// Counted in `refused`.
    #[must_use]
    pub fn new(refused: Arc<AtomicU64>) -> Self {
        Self { refused, told: Mutex::default() }
    }

    /// Counts one at `now`. Where it is to be written down, gives how many before it were not.
    pub(super) fn take(&self, now: Instant) -> Option<u64> {
        self.refused.fetch_add(1, Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.began.is_none_or(|began| now.saturating_duration_since(began) >= EVERY) {
            (told.began, told.events) = (Some(now), 0);
        }
        if told.events >= EVENTS_MAX {
            told.untold += 1;
            return None;
        }
        told.events += 1;
        Some(std::mem::take(&mut told.untold))
    }
}

/// Events of so long a time.
const EVERY: Duration = Duration::from_secs(60);
const EVENTS_MAX: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_ten_a_minute_written_down_with_how_many_were_not() {
        let refused = Arc::new(AtomicU64::new(0));
        let strangers = Strangers::new(refused.clone());
        let begin = Instant::now();
        let told: Vec<Option<u64>> = (0..50).map(|_| strangers.take(begin)).collect();
        assert!(told[..10].iter().all(|one| *one == Some(0)) && told[10..].iter().all(Option::is_none));
        assert_eq!(strangers.take(begin + EVERY), Some(40));
        assert_eq!(strangers.take(begin + EVERY), Some(0));
        assert_eq!(refused.load(Relaxed), 52);
    }
}
