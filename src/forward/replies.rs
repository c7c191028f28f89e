//! What one thread counts of each upstream: replies by their status, how long they took, messages on their way.

use super::ForwardError;
use crate::counted::{Shown, add};
use crate::timed::Times;
use http::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// One thread's counters of one upstream. Only that thread adds; anybody may read. They outlive the configuration: what is
/// counted goes on where its name comes again.
#[derive(Debug)]
pub struct ReplyCounters {
    /// The upstream's name, which is its connection's.
    pub upstream: Arc<str>,
    /// Messages by what came of them, in the order of [`STATUSES`].
    came: [AtomicU64; STATUSES.len()],
    /// From sending to the reply's head.
    pub times: Times,
    /// Messages on their way, until the end of their reply's body.
    pub under_way: Shown,
}

impl ReplyCounters {
    pub(super) fn new(upstream: Arc<str>) -> Self {
        Self { upstream, came: Default::default(), times: Times::default(), under_way: Shown::default() }
    }

    /// So many messages were answered so.
    #[must_use]
    pub fn came(&self, at: usize) -> u64 {
        self.came.get(at).map_or(0, |count| count.load(Relaxed))
    }

    /// The head of a reply came.
    pub(super) fn replied(&self, status: StatusCode, time: Duration) {
        self.count(usize::from(status.as_u16() / 100).saturating_sub(1));
        self.times.took(time);
    }

    /// None came. Counted where that says something of the upstream, or of the way there.
    pub(super) fn failed(&self, error: &ForwardError) {
        match error {
            ForwardError::RequestBody { .. } | ForwardError::NoRoom { .. } | ForwardError::Busy { .. } => {}
            _ => self.count(NONE),
        }
    }

    fn count(&self, at: usize) {
        if let Some(count) = self.came.get(at.min(NONE)) {
            add(count, 1);
        }
    }
}

/// What comes of a message: the hundreds of its reply's status, or no reply.
pub const STATUSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];
const NONE: usize = STATUSES.len() - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listen::BodyError;

    #[test]
    fn a_message_counts_once_by_what_came_of_it() {
        let counters = ReplyCounters::new(Arc::from("ehr"));
        for status in [101, 200, 204, 302, 404, 503, 599] {
            counters.replied(StatusCode::from_u16(status).expect("one"), Duration::from_millis(2));
        }
        let upstream = || Arc::from("ehr");
        counters.failed(&ForwardError::Connect { upstream: upstream() });
        counters.failed(&ForwardError::HeadTimeout { upstream: upstream(), limit_ms: 1 });
        // No fault of the upstream's.
        counters.failed(&ForwardError::RequestBody { upstream: upstream(), error: BodyError::CutShort });
        counters.failed(&ForwardError::NoRoom { upstream: upstream() });
        assert_eq!([0, 1, 2, 3, 4, 5].map(|at| counters.came(at)), [1, 2, 1, 1, 2, 2]);
        assert_eq!(counters.times.in_bucket(5), 7);
    }
}
