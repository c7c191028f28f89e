//! The notebook: what is remembered of people, written by a thread of its own. A message never waits for it.

use super::{PrintsError, read_prints, seen_file, write_prints};
use crate::inspect::finding::Person;
use crate::inspect::known::{Filter, Tag};
use crate::secrets::PeopleKey;
use crate::store::Control;
use crate::store::registry::{Marks, Note, random_id};
use rustix::fs::{FlockOperation, flock};
use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
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
        let taken_over = prints.as_ref().map_or(0, |p| p.filter.count());
        let writer =
            Writer { control, prints, kept: None, taken_over, counts: counts.clone(), failing: false };
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
    /// The file of fingerprints as it was left here.
    kept: Option<Identity>,
    /// How many of the file's fingerprints are here, too.
    taken_over: u64,
    counts: Arc<Counts>,
    failing: bool,
}

/// Which file stands under a name, and since when: another process writes another.
type Identity = (u64, i64, i64);

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

    /// Writes fingerprints, and takes over those that another process wrote: through a take-over two of them do.
    fn save(&mut self) {
        let Some(prints) = &self.prints else { return };
        let file = seen_file(&prints.data_dir);
        let has_new = self.counts.changed.swap(false, Relaxed);
        if !has_new && identity(&file) == self.kept {
            return;
        }
        let saved = alone(&file, || {
            if identity(&file) != self.kept {
                match read_prints(&file, &prints.key) {
                    Ok(Some(others)) if prints.filter.join(&others, self.taken_over) => {
                        self.taken_over = others.count();
                    }
                    Err(error @ PrintsError::File { .. }) => return Err(error),
                    // One that is broken is replaced.
                    _ => {}
                }
            }
            if has_new {
                self.taken_over = prints.filter.count();
                write_prints(&file, &prints.key, &prints.filter)?;
            }
            self.kept = identity(&file);
            Ok(())
        });
        if let Err(error) = saved {
            self.counts.changed.fetch_or(has_new, Relaxed);
            tracing::error!(error = %error, "Fingerprints can't be kept; they are tried again.");
        }
    }
}

fn identity(file: &Path) -> Option<Identity> {
    let found = fs::metadata(file).ok()?;
    Some((found.ino(), found.mtime(), found.mtime_nsec()))
}

/// Runs `f` while no other process writes the file.
fn alone(file: &Path, f: impl FnOnce() -> Result<(), PrintsError>) -> Result<(), PrintsError> {
    let path = file.with_file_name("lock");
    let failed = |e: io::Error| PrintsError::File { path: path.clone(), kind: e.kind() };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let lock = lock.map_err(failed)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|e| failed(e.into()))?;
    f() // given back with the file
}

/// Notes that wait; further ones are dropped and counted.
const QUEUE_MAX: usize = 4096;
const BATCH_TIME: Duration = Duration::from_millis(250);
/// How often fingerprints are written; those of this time are lost where the process is killed.
const SAVE_EVERY: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::open_seen;
    use crate::secrets::Secrets;

    #[test]
    fn through_a_take_over_no_fingerprint_is_lost_whoever_writes_last() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let secrets = Secrets::open_or_create(&data).expect("made");
        let control = Arc::new(Control::open(&data, secrets.pepper).expect("opens"));
        let key = secrets.fingerprints;
        let start = || {
            let filter = Arc::new(open_seen(&data, &key, 100).expect("opens"));
            let file = PrintFile { data_dir: data.clone(), key: key.clone(), filter: filter.clone() };
            let (notebook, thread) = Notebook::start(control.clone(), Some(file)).expect("starts");
            (notebook, thread, filter)
        };
        let take = |notebook: &Notebook, n: u8| notebook.take(&[("name-birth", Tag([n; 32]))]);
        let (before, its_thread, _) = start();
        take(&before, 1);
        before.flush();
        let (next, thread, filter) = start();
        // What comes to the one that drains, before and behind what comes to the next.
        take(&before, 2);
        before.flush();
        take(&next, 3);
        next.flush();
        take(&before, 4);
        before.stop();
        its_thread.join().expect("ends");
        next.flush();
        assert_eq!((1..=5).filter(|n| filter.has(&Tag([*n; 32]))).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(filter.count(), 4);
        next.stop();
        thread.join().expect("ends");
        let kept = open_seen(&data, &key, 100).expect("opens");
        assert_eq!((1..=5).filter(|n| kept.has(&Tag([*n; 32]))).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
