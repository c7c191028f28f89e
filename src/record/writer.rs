//! The writer: one thread that redacts drafts and writes them in batches. A message waits for it where its record has to be
//! kept and the queue is full, and for a moment only ([`Recorder::would_keep`]).

use super::room::Room;
use super::{Draft, Late, redact};
use crate::secrets::TokenKeys;
use crate::store::retention::Class;
use crate::store::wall_clock::WallClock;
use crate::store::{RecordSink, Unkept};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Limits of the queue.
#[derive(Debug, Clone, Copy)]
pub struct RecorderConfig {
    /// Records that may wait. Default 8,192; further ones are dropped and counted, or refused before.
    pub queue_records_max: usize,
    /// Their bytes. Default 64 MiB; the same.
    pub queue_bytes_max: usize,
}

/// Counters of the record path.
#[derive(Debug, Default)]
pub struct RecordStats {
    /// Records that are durable.
    pub written: AtomicU64,
    /// Records that found the queue full.
    pub dropped_queue: AtomicU64,
    /// Records that the store didn't take.
    pub dropped_store: AtomicU64,
    /// Records that wait.
    pub queue_records: AtomicU64,
    /// Their bytes.
    pub queue_bytes: AtomicU64,
    /// Environments whose records the store doesn't take.
    failing: Failing,
}

/// Environments whose records the store doesn't take.
#[derive(Debug, Default)]
struct Failing {
    /// Whether there are any: asked for each message.
    any: AtomicBool,
    /// By name, which the configuration bounds.
    environments: Mutex<BTreeMap<String, Fails>>,
}

#[derive(Debug)]
struct Fails {
    /// When the next message may try.
    next: Instant,
    /// What fails: that a refusal's record was taken says nothing of a forwarded message's.
    classes: BTreeSet<Class>,
}

impl Failing {
    /// Whether records of `environment` were not taken the last time.
    fn has(&self, environment: &str) -> bool {
        self.any.load(Relaxed) && self.lock().contains_key(environment)
    }

    /// Whether a message of `environment` may pass: all of them, or one a second while its records aren't taken.
    fn lets_pass(&self, environment: &str, now: Instant) -> bool {
        if !self.any.load(Relaxed) {
            return true;
        }
        match self.lock().get_mut(environment) {
            None => true,
            Some(fails) if now < fails.next => false,
            // Under the lock: nobody else tries in the same second.
            Some(fails) => {
                fails.next = now + TRY_AGAIN;
                true
            }
        }
    }

    /// Gives whether all its records were taken until now.
    fn add(&self, environment: &str, class: Class, now: Instant) -> bool {
        let mut all = self.lock();
        self.any.store(true, Relaxed);
        let is_new = !all.contains_key(environment);
        let fresh = || Fails { next: now + TRY_AGAIN, classes: BTreeSet::new() };
        all.entry(environment.to_owned()).or_insert_with(fresh).classes.insert(class);
        is_new
    }

    /// Gives whether all its records are taken again.
    fn remove(&self, environment: &str, class: Class) -> bool {
        if !self.any.load(Relaxed) {
            return false;
        }
        let mut all = self.lock();
        let Some(fails) = all.get_mut(environment) else { return false };
        fails.classes.remove(&class);
        let is_over = fails.classes.is_empty();
        if is_over {
            all.remove(environment);
            self.any.store(!all.is_empty(), Relaxed);
        }
        is_over
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Fails>> {
        self.environments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Order {
    Write(Box<Draft>),
    Flush(SyncSender<()>),
    Stop,
}

/// Offers drafts to the writer's thread.
#[derive(Clone)]
pub struct Recorder {
    orders: SyncSender<Order>,
    stats: Arc<RecordStats>,
    room: Arc<Room>,
}

/// Told of what inspection found in messages that were streamed, with their environment.
pub type OnLate = Box<dyn Fn(&str, &Late) + Send>;

impl Recorder {
    /// Starts the writer's thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        config: RecorderConfig,
        sink: impl RecordSink + 'static,
        keys: TokenKeys,
        clock: Arc<WallClock>,
        on_late: OnLate,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (orders, received) = sync_channel(config.queue_records_max);
        let stats = Arc::new(RecordStats::default());
        let room = Arc::new(Room::new(config, stats.clone()));
        let writer = Writer { sink, keys, stats: stats.clone(), room: room.clone(), clock, on_late };
        let thread =
            std::thread::Builder::new().name("records".to_owned()).spawn(move || writer.run(&received))?;
        Ok((Self { orders, stats, room }, thread))
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> &RecordStats {
        &self.stats
    }

    /// Whether the queue would take another record now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.room.is_some()
    }

    /// Whether a record of `environment` would be kept, as far as is known: the queue has room, or gets some in a moment,
    /// and the store takes its records. While it doesn't, one message a second is let try, whose record tells.
    pub async fn would_keep(&self, environment: &str) -> bool {
        // Without a wait where it isn't known that the writer goes on.
        let has_room = match self.stats.failing.has(environment) {
            true => self.has_room(),
            // In a box: few messages ever wait.
            false => self.room.is_free() || Box::pin(self.room.soon()).await,
        };
        has_room && self.stats.failing.lets_pass(environment, Instant::now())
    }

    /// Whether records of some environment were not taken the last time.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.stats.failing.any.load(Relaxed)
    }

    /// Offers a draft; where the queue is full it is dropped and counted.
    pub fn offer(&self, draft: Draft) {
        let bytes = draft.bytes() as u64;
        if !self.has_room() {
            self.stats.dropped_queue.fetch_add(1, Relaxed);
            return;
        }
        self.stats.queue_records.fetch_add(1, Relaxed);
        self.stats.queue_bytes.fetch_add(bytes, Relaxed);
        if self.orders.try_send(Order::Write(Box::new(draft))).is_err() {
            self.stats.queue_records.fetch_sub(1, Relaxed);
            self.stats.queue_bytes.fetch_sub(bytes, Relaxed);
            self.stats.dropped_queue.fetch_add(1, Relaxed);
        }
    }

    /// Whether to offer the draft of a message that was refused because its record would not be kept; one that isn't is
    /// counted as dropped. Callers that try again at once would keep the queue full with such records: they go only where
    /// there is ample room.
    #[must_use]
    pub fn takes_unkept(&self) -> bool {
        let takes = self.room.is_ample();
        self.stats.dropped_queue.fetch_add(u64::from(!takes), Relaxed);
        takes
    }

    /// Waits until everything offered before is durable or counted as dropped.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.orders.send(Order::Flush(done)).is_ok() {
            // An end without an answer is an end all the same.
            let _ = wait.recv();
        }
    }

    /// Has the writer end once everything offered before is written.
    pub fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
    }
}

struct Writer<S> {
    sink: S,
    keys: TokenKeys,
    stats: Arc<RecordStats>,
    room: Arc<Room>,
    clock: Arc<WallClock>,
    on_late: OnLate,
}

impl<S: RecordSink> Writer<S> {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut tidied = Instant::now();
        self.sink.tidy(self.clock.right_ms());
        loop {
            let mut batch = Vec::new();
            let mut flushed = Vec::new();
            let mut stop = false;
            match orders.recv_timeout(TIDY_EVERY.saturating_sub(tidied.elapsed())) {
                Ok(order) => self.take(order, &mut batch, &mut flushed, &mut stop),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stop = true,
            }
            let until = Instant::now() + BATCH_TIME;
            while !stop && flushed.is_empty() && !batch.is_empty() && batch.len() < BATCH_RECORDS {
                match orders.try_recv() {
                    Ok(order) => self.take(order, &mut batch, &mut flushed, &mut stop),
                    Err(TryRecvError::Empty) => match until.checked_duration_since(Instant::now()) {
                        // Where it waited for the next one, each would wake it, by a call of the system on its message's way.
                        Some(left) => std::thread::sleep(left.min(NAP)),
                        None => break,
                    },
                    Err(TryRecvError::Disconnected) => break,
                }
            }
            self.write(&batch);
            for done in flushed {
                let _ = done.send(());
            }
            if stop {
                return;
            }
            if tidied.elapsed() >= TIDY_EVERY {
                tidied = Instant::now();
                self.sink.tidy(self.clock.right_ms());
            }
        }
    }

    fn take(
        &self,
        order: Order,
        batch: &mut Vec<super::Redacted>,
        flushed: &mut Vec<SyncSender<()>>,
        stop: &mut bool,
    ) {
        match order {
            Order::Write(draft) => {
                let bytes = draft.bytes() as u64;
                // A panic in a walker costs one record, not the writer.
                let keys = &self.keys;
                match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| redact(*draft, keys))) {
                    Ok((redacted, late)) => {
                        (self.on_late)(&redacted.entry().environment, &late);
                        batch.push(redacted);
                    }
                    Err(_) => {
                        self.stats.dropped_store.fetch_add(1, Relaxed);
                    }
                }
                self.stats.queue_records.fetch_sub(1, Relaxed);
                self.stats.queue_bytes.fetch_sub(bytes, Relaxed);
                self.room.made();
            }
            Order::Flush(done) => flushed.push(done),
            Order::Stop => *stop = true,
        }
    }

    fn write(&mut self, batch: &[super::Redacted]) {
        if batch.is_empty() {
            return;
        }
        let unkept = self.sink.append(batch).err();
        let lost: &[usize] = unkept.as_ref().map_or(&[], |unkept| &unkept.records);
        self.stats.written.fetch_add(batch.len().saturating_sub(lost.len()) as u64, Relaxed);
        self.stats.dropped_store.fetch_add(lost.len() as u64, Relaxed);
        let mut failed: BTreeMap<(&str, Class), bool> = BTreeMap::new();
        for (place, record) in batch.iter().enumerate() {
            let entry = record.entry();
            *failed.entry((&entry.environment, Class::of(&entry.decision))).or_default() |=
                lost.binary_search(&place).is_ok();
        }
        for ((environment, class), failed) in failed {
            match &unkept {
                Some(Unkept { error, .. }) if failed => {
                    if self.stats.failing.add(environment, class, Instant::now()) {
                        tracing::error!(environment, error = %error, "Records are dropped: the store doesn't take them.");
                    }
                }
                _ => {
                    if self.stats.failing.remove(environment, class) {
                        tracing::info!(environment, "The record store takes records again.");
                    }
                }
            }
        }
    }
}

/// Records that are written together, and how long the first of them waits for others.
const BATCH_RECORDS: usize = 256;
const BATCH_TIME: Duration = Duration::from_millis(5);
/// How long it doesn't look for further ones: whoever flushes waits as long.
const NAP: Duration = Duration::from_millis(1);
const TIDY_EVERY: Duration = Duration::from_secs(600);
const TRY_AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Redacted;
    use crate::record::tests::draft;
    use crate::record::view::View;
    use crate::store::StoreError;

    #[test]
    fn while_records_are_not_taken_one_message_a_second_tries_whatever_came_of_the_last() {
        let failing = Failing::default();
        let begun = Instant::now();
        let pass = |environment: &str, ms: u64| {
            let now = begun + Duration::from_millis(ms);
            (0..100).filter(|_| failing.lets_pass(environment, now)).count()
        };
        assert_eq!(pass("a", 0), 100);
        assert!(failing.add("a", Class::Passed, begun));
        assert_eq!((pass("a", 0), pass("a", 999)), (0, 0));
        assert_eq!(pass("b", 0), 100, "another environment");
        assert!(failing.has("a") && !failing.has("b"));
        assert_eq!((pass("a", 1_000), pass("a", 1_999), pass("a", 2_000), pass("a", 9_000)), (1, 0, 1, 1));
        assert!(!failing.add("a", Class::Passed, begun + Duration::from_millis(9_100)), "it failed already");
        assert_eq!((pass("a", 9_999), pass("a", 10_000)), (0, 1));
        assert!(failing.remove("a", Class::Passed) && !failing.remove("a", Class::Passed));
        assert_eq!(pass("a", 10_000), 100);
    }

    #[test]
    fn only_one_of_many_threads_tries() {
        let failing = Failing::default();
        let begun = Instant::now();
        failing.add("a", Class::Passed, begun);
        let now = begun + TRY_AGAIN;
        let tried = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..1_000 {
                        tried.fetch_add(u64::from(failing.lets_pass("a", now)), Relaxed);
                    }
                });
            }
        });
        assert_eq!(tried.load(Relaxed), 1);
    }

    #[test]
    fn a_refusal_s_record_that_is_taken_ends_nothing_for_forwarded_messages() {
        let failing = Failing::default();
        let now = Instant::now();
        assert!(failing.add("a", Class::Passed, now) && !failing.add("a", Class::Refused, now));
        assert!(!failing.remove("a", Class::Refused) && !failing.lets_pass("a", now));
        assert!(failing.remove("a", Class::Passed) && failing.lets_pass("a", now));
    }

    /// Takes nothing of the environment that it is given.
    struct Picky(Arc<Mutex<String>>);

    impl RecordSink for Picky {
        fn append(&mut self, batch: &[Redacted]) -> Result<(), Unkept> {
            let bad = self.0.lock().expect("lock").clone();
            let records = (0..batch.len()).filter(|n| batch[*n].entry().environment == bad);
            let records: Vec<usize> = records.collect();
            if records.is_empty() { Ok(()) } else { Err(Unkept { records, error: StoreError::Full }) }
        }

        fn tidy(&mut self, _: Option<u64>) {}
    }

    #[test]
    fn what_one_environment_loses_is_counted_alone_and_holds_up_no_other() {
        let dir = tempfile::tempdir().expect("dir");
        let bad = Arc::new(Mutex::new("a".to_owned()));
        let (recorder, thread) = Recorder::start(
            RecorderConfig { queue_records_max: 100, queue_bytes_max: 1 << 20 },
            Picky(bad.clone()),
            TokenKeys::ephemeral().expect("random"),
            Arc::new(WallClock::start(dir.path())),
            Box::new(|_, _| {}),
        )
        .expect("starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let would_keep = |environment: &str| runtime.block_on(recorder.would_keep(environment));
        let offer = |environment: &str| {
            let mut draft = draft("text/plain", b"x", View::Shape);
            draft.entry.environment = environment.into();
            recorder.offer(draft);
        };
        let counts = || {
            recorder.flush();
            let stats = recorder.stats();
            (stats.written.load(Relaxed), stats.dropped_store.load(Relaxed))
        };
        ["a", "b", "b", "a", "b"].into_iter().for_each(offer);
        assert_eq!(counts(), (3, 2));
        assert!(!would_keep("a") && would_keep("b"));
        offer("b");
        assert_eq!(counts(), (4, 2));
        assert!(!would_keep("a"), "what b has kept says nothing of it");
        bad.lock().expect("lock").clear();
        offer("a");
        assert_eq!(counts(), (5, 2));
        assert!(would_keep("a") && would_keep("a"));
        recorder.stop();
        thread.join().expect("ends");
    }
}
