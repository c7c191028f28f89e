//! Room in the writer's queue, and who waits for it: a message that has to leave a record is held back for a moment
//! rather than refused, so that a short pause of the writer shows as delay. One comes with each process that takes
//! another's place: both write into the same files, one after the other.

use super::{RecordStats, RecorderConfig};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// What the queue takes, and what waits in it.
pub(super) struct Room {
    config: RecorderConfig,
    stats: Arc<RecordStats>,
    waiting: AtomicUsize,
    made: Notify,
    wait: Duration,
}

impl Room {
    pub(super) fn new(config: RecorderConfig, stats: Arc<RecordStats>) -> Self {
        Self { config, stats, waiting: AtomicUsize::new(0), made: Notify::new(), wait: WAIT }
    }

    /// Whether there is room for another record.
    pub(super) fn is_some(&self) -> bool {
        self.is_under(self.config.queue_records_max, self.config.queue_bytes_max)
    }

    /// Whether so much is free that all who may wait go on at once, and messages on their way leave their records, too: no
    /// place is kept free for anybody.
    pub(super) fn is_ample(&self) -> bool {
        let RecorderConfig { queue_records_max: records, queue_bytes_max: bytes } = self.config;
        self.is_under(records - records / 4, bytes - bytes / 4)
    }

    fn is_under(&self, records_max: usize, bytes_max: usize) -> bool {
        self.stats.queue_records.load(Relaxed) < records_max as u64
            && self.stats.queue_bytes.load(Relaxed) < bytes_max as u64
    }

    /// Whether there is some, and nobody waits for it who came before.
    pub(super) fn is_free(&self) -> bool {
        self.waiting.load(Relaxed) == 0 && self.is_some()
    }

    /// Waits until there is ample room, for a while; gives whether there is.
    pub(super) async fn soon(&self) -> bool {
        if self.is_ample() {
            return true;
        }
        let Some(_one) = Waiting::enter(self) else { return false };
        let until = Instant::now() + self.wait;
        loop {
            // Before the look: what is told between the two isn't missed.
            let made = self.made.notified();
            if self.is_ample() {
                return true;
            }
            if timeout_at(until, made).await.is_err() {
                // Not whether there is some: all who waited for as long would take the one place.
                return self.is_ample();
            }
        }
    }

    /// The writer took a record out.
    pub(super) fn made(&self) {
        if self.is_ample() {
            self.made.notify_waiters();
        }
    }
}

/// One who waits, until it is dropped.
struct Waiting<'r>(&'r Room);

impl<'r> Waiting<'r> {
    /// `None` where an eighth of the queue waits: ample room is twice that, for records of messages on their way.
    fn enter(room: &'r Room) -> Option<Self> {
        let one = Self(room);
        let before = room.waiting.fetch_add(1, Relaxed);
        (before < (room.config.queue_records_max / 8).max(1)).then_some(one)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

/// Longer than the writers of two processes were seen to hold each other up in take-overs under load; callers of a store that
/// stalls for longer are told so.
const WAIT: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    fn room(records: usize) -> Room {
        let config = RecorderConfig { queue_records_max: records, queue_bytes_max: 1 << 20 };
        Room::new(config, Arc::default())
    }

    #[tokio::test]
    async fn who_waits_goes_on_once_there_is_ample_room_and_those_who_come_later_wait_behind() {
        let room = room(8);
        room.stats.queue_records.store(8, Relaxed);
        let mut first = pin!(room.soon());
        assert!(poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx).is_pending())).await);
        assert!(!room.soon().await, "one of eight may wait");
        room.stats.queue_records.store(6, Relaxed);
        room.made();
        assert!(room.is_some() && !room.is_free(), "it isn't first");
        assert!(poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx).is_pending())).await);
        room.stats.queue_records.store(5, Relaxed);
        room.made();
        assert!(first.await);
        assert!(room.is_free());
    }

    #[tokio::test]
    async fn a_writer_that_stalls_is_waited_for_no_longer_than_that() {
        let room = Room { wait: Duration::from_millis(20), ..room(8) };
        room.stats.queue_records.store(8, Relaxed);
        let begun = Instant::now();
        assert!(!room.soon().await);
        assert!(begun.elapsed() >= room.wait);
        room.stats.queue_records.store(7, Relaxed);
        assert!(!room.soon().await, "one place is none for all who waited");
        assert!(room.is_free(), "who left doesn't wait any more");
        room.stats.queue_records.store(5, Relaxed);
        let _others = [Waiting::enter(&room), Waiting::enter(&room)];
        assert!(room.soon().await, "who comes to ample room waits behind nobody");
    }
}
