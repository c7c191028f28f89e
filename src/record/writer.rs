//! The writer: one thread that redacts drafts and writes them in batches. The message never waits for it.

use super::{Draft, redact};
use crate::inspect::Findings;
use crate::secrets::TokenKeys;
use crate::store::RecordSink;
use crate::store::retention::ClockWatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Limits of the queue.
#[derive(Debug, Clone, Copy)]
pub struct RecorderConfig {
    /// Records that may wait. Default 8,192; further ones are dropped and counted, or refused before.
    pub queue_records_max: usize,
    /// Their bytes. Default 64 MiB; the same.
    pub queue_bytes_max: usize,
}

/// Whether the clock is where it has to be: while it isn't, retention removes nothing.
#[derive(Debug, Default)]
pub struct ClockState(AtomicBool);

impl ClockState {
    /// Whether it jumped by more than an hour, and isn't back.
    #[must_use]
    pub fn has_jumped(&self) -> bool {
        self.0.load(Relaxed)
    }
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
    /// The clock, as the writer sees it.
    pub clock: ClockState,
    /// When the store last failed to take records, in Unix milliseconds; 0 while it takes them.
    failing_since_ms: AtomicU64,
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
    config: RecorderConfig,
}

/// Told of what inspection found in messages that were streamed, with their environment.
pub type OnLate = Box<dyn Fn(&str, &Findings) + Send>;

impl Recorder {
    /// Starts the writer's thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        config: RecorderConfig,
        sink: impl RecordSink + 'static,
        keys: TokenKeys,
        on_late: OnLate,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (orders, received) = sync_channel(config.queue_records_max);
        let stats = Arc::new(RecordStats::default());
        let writer = Writer { sink, keys, stats: stats.clone(), on_late, failing: false };
        let thread =
            std::thread::Builder::new().name("records".to_owned()).spawn(move || writer.run(&received))?;
        Ok((Self { orders, stats, config }, thread))
    }

    /// Counters.
    #[must_use]
    pub fn stats(&self) -> &RecordStats {
        &self.stats
    }

    /// Whether the queue would take another record now.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.stats.queue_records.load(Relaxed) < self.config.queue_records_max as u64
            && self.stats.queue_bytes.load(Relaxed) < self.config.queue_bytes_max as u64
    }

    /// Whether a record would be kept now, as far as is known: the queue has room, and the store takes records. While it
    /// doesn't, one message a second is let try.
    #[must_use]
    pub fn would_keep(&self) -> bool {
        let failing = self.stats.failing_since_ms.load(Relaxed);
        self.has_room() && (failing == 0 || crate::clock::unix_ms().abs_diff(failing) >= TRY_AGAIN_MS)
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
    on_late: OnLate,
    failing: bool,
}

impl<S: RecordSink> Writer<S> {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut tidied = Instant::now();
        let watch = ClockWatch::new(tidied, crate::clock::unix_ms());
        self.sink.tidy(true);
        loop {
            let mut batch = Vec::new();
            let mut flushed = Vec::new();
            let mut stop = false;
            match orders.recv_timeout(LOOK_EVERY) {
                Ok(order) => self.take(order, &mut batch, &mut flushed, &mut stop),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stop = true,
            }
            let until = Instant::now() + BATCH_TIME;
            while !stop && flushed.is_empty() && !batch.is_empty() && batch.len() < BATCH_RECORDS {
                match orders.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(order) => self.take(order, &mut batch, &mut flushed, &mut stop),
                    Err(_) => break,
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
                self.sink.tidy(self.look_at(&watch));
            } else if batch.is_empty() {
                self.look_at(&watch);
            }
        }
    }

    /// Whether the clock is right; says so when that changes.
    fn look_at(&self, watch: &ClockWatch) -> bool {
        let is_right = watch.is_right(Instant::now(), crate::clock::unix_ms());
        if self.stats.clock.0.swap(!is_right, Relaxed) == is_right {
            match is_right {
                true => tracing::info!("The clock is back: retention goes on."),
                false => tracing::error!("The clock jumped by more than an hour: retention removes nothing."),
            }
        }
        is_right
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
                        if let Some(findings) = late {
                            (self.on_late)(&redacted.entry().environment, &findings);
                        }
                        batch.push(redacted);
                    }
                    Err(_) => {
                        self.stats.dropped_store.fetch_add(1, Relaxed);
                    }
                }
                self.stats.queue_records.fetch_sub(1, Relaxed);
                self.stats.queue_bytes.fetch_sub(bytes, Relaxed);
            }
            Order::Flush(done) => flushed.push(done),
            Order::Stop => *stop = true,
        }
    }

    fn write(&mut self, batch: &[super::Redacted]) {
        if batch.is_empty() {
            return;
        }
        match self.sink.append(batch) {
            Ok(()) => {
                self.stats.written.fetch_add(batch.len() as u64, Relaxed);
                self.stats.failing_since_ms.store(0, Relaxed);
                if std::mem::take(&mut self.failing) {
                    tracing::info!("The record store takes records again.");
                }
            }
            Err(error) => {
                self.stats.dropped_store.fetch_add(batch.len() as u64, Relaxed);
                self.stats.failing_since_ms.store(crate::clock::unix_ms(), Relaxed);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(error = %error, "Records are dropped: the store doesn't take them.");
                }
            }
        }
    }
}

/// Records that are written together, and how long the first of them waits for others.
const BATCH_RECORDS: usize = 256;
const BATCH_TIME: Duration = Duration::from_millis(5);
const TIDY_EVERY: Duration = Duration::from_secs(600);
/// How often the clock is looked at, where no records come.
const LOOK_EVERY: Duration = Duration::from_secs(5);
const TRY_AGAIN_MS: u64 = 1_000;
