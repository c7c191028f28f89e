//! The notebook: what is remembered of people, written by a thread of its own. A message never waits for it.

use super::{seen_file, write_prints};
use crate::inspect::finding::Person;
use crate::inspect::known::{Filter, Tag};
use crate::secrets::PeopleKey;
use crate::store::Control;
use crate::store::registry::{Marks, Note, random_id};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Takes notes of people, and fingerprints in production.
#[derive(Clone)]
pub struct Notebook {
    orders: SyncSender<Order>,
    prints: Option<Arc<Filter>>,
    counts: Arc<Counts>,
}

/// What was not taken, and what was.
#[derive(Debug, Default)]
struct Counts {
    dropped: AtomicU64,
    full: AtomicU64,
    changed: AtomicBool,
}

enum Order {
    Note(Note),
    Flush(SyncSender<()>),
    Stop,
}

/// The filter of fingerprints, and what keeps it.
pub struct PrintFile {
    /// Where, in this data folder.
    pub data_dir: PathBuf,
    /// Its key.
    pub key: PeopleKey,
    /// The filter.
    pub filter: Arc<Filter>,
}

impl Notebook {
    /// Starts its thread.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        control: Arc<Control>,
        prints: Option<PrintFile>,
    ) -> std::io::Result<(Self, std::thread::JoinHandle<()>)> {
        let (orders, received) = sync_channel(QUEUE_MAX);
        let counts = Arc::new(Counts::default());
        let filter = prints.as_ref().map(|p| p.filter.clone());
        let writer = Writer { control, prints, counts: counts.clone(), failing: false };
        let thread =
            std::thread::Builder::new().name("people".to_owned()).spawn(move || writer.run(&received))?;
        Ok((Self { orders, prints: filter, counts }, thread))
    }

    /// Remembers a refused person for a day, under the id that it gives; `None` where nobody would remember.
    #[must_use]
    pub fn refused(&self, person: &Person) -> Option<String> {
        if person.tags.is_empty() {
            return None;
        }
        let id = random_id("rq").ok()?;
        self.note(Note::Refused { id: id.clone(), marks: Marks::of(person) }).then_some(id)
    }

    /// Counts an unknown person of a connection.
    pub fn seen(&self, connection: &str, person: &Person) {
        if !person.tags.is_empty() {
            let marks = Marks::of(person);
            self.note(Note::Seen { connection: connection.to_owned(), marks, times: 1 });
        }
    }

    /// Takes fingerprints.
    pub fn take(&self, tags: &[(&'static str, Tag)]) {
        let Some(filter) = &self.prints else { return };
        for (_, tag) in tags {
            if filter.add(tag) {
                self.counts.changed.store(true, Relaxed);
            } else {
                self.counts.full.fetch_add(1, Relaxed);
            }
        }
    }

    /// Notes that found the queue full or could not be kept, and fingerprints that found the filter full.
    #[must_use]
    pub fn dropped(&self) -> (u64, u64) {
        (self.counts.dropped.load(Relaxed), self.counts.full.load(Relaxed))
    }

    /// Waits until everything noted before is kept.
    pub fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.orders.send(Order::Flush(done)).is_ok() {
            // An end without an answer is an end all the same.
            let _ = wait.recv();
        }
    }

    /// Has the thread end once everything noted before is kept.
    pub fn stop(&self) {
        let _ = self.orders.send(Order::Stop);
    }

    fn note(&self, note: Note) -> bool {
        let taken = self.orders.try_send(Order::Note(note)).is_ok();
        if !taken {
            self.counts.dropped.fetch_add(1, Relaxed);
        }
        taken
    }
}

struct Writer {
    control: Arc<Control>,
    prints: Option<PrintFile>,
    counts: Arc<Counts>,
    failing: bool,
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        let mut saved = Instant::now();
        loop {
            let mut refused = Vec::new();
            let mut seen: HashMap<(String, Tag), (Marks, u32)> = HashMap::new();
            let mut flushed = Vec::new();
            let mut stop = false;
            let until = Instant::now() + BATCH_TIME;
            while !stop && flushed.is_empty() && refused.len() + seen.len() < QUEUE_MAX {
                match orders.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(Order::Note(note @ Note::Refused { .. })) => refused.push(note),
                    Ok(Order::Note(Note::Seen { connection, marks, times })) => {
                        if let Some(&(_, first)) = marks.tags.first() {
                            seen.entry((connection, first)).or_insert((marks, 0)).1 += times;
                        }
                    }
                    Ok(Order::Flush(done)) => flushed.push(done),
                    Ok(Order::Stop) => stop = true,
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) => break,
                    Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => stop = true,
                }
            }
            let seen = seen.into_iter().map(|((connection, _), (marks, times))| Note::Seen {
                connection,
                marks,
                times,
            });
            let notes: Vec<Note> = refused.into_iter().chain(seen).collect();
            self.keep(&notes);
            if stop || !flushed.is_empty() || saved.elapsed() >= SAVE_EVERY {
                saved = Instant::now();
                self.save();
            }
            for done in flushed {
                let _ = done.send(());
            }
            if stop {
                return;
            }
        }
    }

    fn keep(&mut self, notes: &[Note]) {
        if notes.is_empty() {
            return;
        }
        match self.control.remember(notes, super::now()) {
            Ok(()) => self.failing = false,
            Err(error) => {
                self.counts.dropped.fetch_add(notes.len() as u64, Relaxed);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(error = %error, "Notes of people are dropped: the control file doesn't take them.");
                }
            }
        }
    }

    fn save(&self) {
        let Some(prints) = &self.prints else { return };
        if self.counts.changed.swap(false, Relaxed)
            && let Err(error) = write_prints(&seen_file(&prints.data_dir), &prints.key, &prints.filter)
        {
            self.counts.changed.store(true, Relaxed);
            tracing::error!(error = %error, "Fingerprints can't be kept; they are tried again.");
        }
    }
}

/// Notes that wait; further ones are dropped and counted.
const QUEUE_MAX: usize = 4096;
const BATCH_TIME: Duration = Duration::from_millis(250);
/// How often fingerprints are written; those of this time are lost where the process is killed.
const SAVE_EVERY: Duration = Duration::from_secs(10);
