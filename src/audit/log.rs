//! The files: `audit/<yyyy-mm>.jsonl` below the data folder, the head, the lock.

use super::backwards::{begins_behind, hash_at};
use super::chain::{self, Tail};
use super::head::Head;
use super::outside::{Outside, Teller};
use super::{Event, Known};
use crate::durable;
use crate::secrets::SigningKey;
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Why the audit can't be opened or written: what an event is about must not be answered then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// A file can't be read or written.
    #[error("an audit file can't be used: {0}")]
    File(io::ErrorKind),
    /// The log ends before its signed head or what is known of it, has another event there, or its end can't be read:
    /// somebody cut or changed it.
    #[error("the audit was cut or changed: `phigate audit verify` tells where; nothing is appended to it")]
    Broken,
}

impl From<io::Error> for AuditError {
    fn from(error: io::Error) -> Self {
        Self::File(error.kind())
    }
}

/// How long it is kept, and where its end is told besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// Days that a month's file is kept behind its end. Default: six years (45 CFR 164.316(b)(2)(i)).
    pub retention_days: u32,
    /// A file elsewhere that takes the signed head every `anchor_every` events.
    pub anchor_file: Option<PathBuf>,
    /// Others that are told it as often.
    pub outside: Vec<Outside>,
    /// Events from one such line to the next. Default 100.
    pub anchor_every: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self { retention_days: 2192, anchor_file: None, outside: Vec::new(), anchor_every: 100 }
    }
}

/// The log.
pub struct Audit {
    folder: PathBuf,
    key: SigningKey,
    keep: Keep,
    open: Mutex<Open>,
    teller: Option<Teller>,
    /// Heads that the anchor file didn't take, and whether the last was one.
    unwritten: AtomicU64,
    is_unwritten: AtomicBool,
}

struct Open {
    lock: File,
    /// The month that was last appended to, its length and the last line then.
    seen: Option<(PathBuf, u64, Tail)>,
    anchored: u64,
    /// The last that others were given.
    told: u64,
    /// The last event that this process saw, or was told of: a log that ends before it, or has another there, was cut.
    known: Known,
}

impl Audit {
    /// Opens the log below `data_dir`, or makes it.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(data_dir: &Path, key: SigningKey) -> Result<Self, AuditError> {
        Self::open_keeping(data_dir, key, Keep::default())
    }

    /// The same, kept as configured.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open_keeping(data_dir: &Path, key: SigningKey, keep: Keep) -> Result<Self, AuditError> {
        let folder = folder(data_dir);
        durable::create_folder(&folder, 0o777)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join("lock"))?;
        let places = keep.outside.clone();
        let teller = (!places.is_empty()).then(|| Teller::start(places)).transpose()?;
        let open = Mutex::new(Open { lock, seen: None, anchored: 0, told: 0, known: Known::default() });
        let (unwritten, is_unwritten) = (AtomicU64::new(0), AtomicBool::new(false));
        let audit = Self { folder, key, keep, open, teller, unwritten, is_unwritten };
        audit.take_over(data_dir)?;
        audit.expect(&Known::default())?;
        Ok(audit)
    }

    /// Has it go as far as somebody remembers who isn't part of it, at least.
    ///
    /// # Errors
    /// [`AuditError::Broken`] where it ends before that, or has another event there: nothing is appended to it from then on.
    pub fn expect(&self, remembered: &Known) -> Result<(), AuditError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Open { lock, known, .. } = &mut *open;
        let (tail, is_there) = locked(lock, || {
            let tail = self.whole(known)?;
            let is_there = self.has(remembered, &tail)?;
            Ok((tail, is_there))
        })?;
        *known = if is_there { tail.known() } else { remembered.clone() };
        if is_there { Ok(()) } else { Err(AuditError::Broken) }
    }

    /// The last event that is known here: for whoever remembers it.
    #[must_use]
    pub fn known(&self) -> Known {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).known.clone()
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes an event; when it returns, the event is durable.
    ///
    /// # Errors
    /// The event isn't durable: what it is about must not be answered.
    pub fn write(&self, event: &Event<'_>) -> Result<(), AuditError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Open { lock, seen, anchored, told, known } = &mut *open;
        locked(lock, || {
            let tail = match seen.take() {
                // Nobody else wrote since.
                Some((last, length, tail))
                    if fs::metadata(&last).is_ok_and(|m| m.len() == length)
                        && self.segments()?.last() == Some(&last) =>
                {
                    tail
                }
                _ => self.whole(known)?,
            };
            let path = self.path_of(&event.time)?;
            let (tail, before, length) = self.append(&path, event, tail)?;
            let head = Head::of(&tail, &event.time, &self.key);
            if let Err(error) = head.write(&self.folder) {
                // What the event is about isn't done: the line goes, unless the head stands and is only not durable yet.
                let is_behind = |now: Option<Head>| now.is_none_or(|now| now.seq < tail.seq);
                if Head::read(&self.folder).is_ok_and(is_behind) {
                    taken_back(&path, before); // else the next start finds a head that lags by one
                }
                return Err(error.into());
            }
            self.anchor(&head, anchored);
            self.tell(&head, told);
            *known = tail.known();
            *seen = Some((path, length, tail));
            Ok(())
        })
    }

    /// Has the anchors take the end that others wrote since, commands among them, which know of none: where it is due, as
    /// behind an event of one's own.
    ///
    /// # Errors
    /// [`AuditError`]: the log can't be gone on with, which the next event tells, too.
    pub fn anchor_others(&self) -> Result<(), AuditError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Open { lock, anchored, told, known, .. } = &mut *open;
        locked(lock, || {
            let tail = self.whole(known)?;
            // One that lags is not the end: the next event has it written.
            if let Some(head) = Head::read(&self.folder)?.filter(|head| head.seq == tail.seq) {
                self.anchor(&head, anchored);
                self.tell(&head, told);
            }
            *known = tail.known();
            Ok(())
        })
    }

    /// Removes months whose retention is over at `now_ms`, and says in the log how far: what is left begins behind that.
    /// Gives how many. For whoever holds the configuration, and while the clock is right: what is removed is gone.
    ///
    /// # Errors
    /// [`AuditError::Broken`] where a file that bears such a month's name is another's: nothing is removed then. Any other can
    /// be tried again.
    pub fn retire(&self, now_ms: u64) -> Result<usize, AuditError> {
        let days = self.keep.retention_days;
        let kept_ms = u64::from(days).saturating_mul(86_400_000);
        let oldest = crate::clock::day(now_ms.saturating_sub(kept_ms));
        let month = oldest.get(..7).unwrap_or_default();
        let (past, left): (Vec<PathBuf>, Vec<PathBuf>) =
            self.segments()?.into_iter().partition(|path| month_of(path) < month);
        if past.is_empty() {
            return Ok(0);
        }
        let end = self.end_of(&past, left.first())?;
        let object = format!("{} {}", end.seq, end.hash);
        self.write(&Event {
            time: crate::clock::rfc3339(now_ms),
            principal: "phigate",
            action: "audit_retired",
            object: &object,
            decision: "allowed",
            reason: &format!("{RETIRED_BEFORE}{month}: retention_days {days}"),
            ..Event::default()
        })?;
        // The oldest first: where this stops in between, the next time goes on.
        for path in &past {
            match fs::remove_file(path) {
                // Another gateway was quicker.
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        Ok(past.len())
    }

    /// Where files end that are to be removed, and whether they are what their names say: no event in them is younger than
    /// its file's month, and what is left follows them. Whoever renames a file has it removed nowhere.
    fn end_of(&self, past: &[PathBuf], next: Option<&PathBuf>) -> Result<Tail, AuditError> {
        let mut end: Option<Tail> = None;
        for path in past {
            for line in lines(path)? {
                let line = chain::open(&line?, None).map_err(|_| AuditError::Broken)?;
                let follows = end.as_ref().is_none_or(|end| line.prev == end.hash);
                if !follows || chain::month(&line.value) > month_of(path) {
                    return Err(AuditError::Broken);
                }
                end = Some(line.tail);
            }
        }
        let end = end.ok_or(AuditError::Broken)?;
        if let Some(next) = next
            && let Some(first) = lines(next)?.next()
        {
            let first = chain::open(&first?, None).map_err(|_| AuditError::Broken)?;
            if first.prev != end.hash {
                return Err(AuditError::Broken);
            }
        }
        Ok(end)
    }

    /// Gives the new end, and how long the file was before and is now.
    fn append(&self, path: &Path, event: &Event<'_>, tail: Tail) -> Result<(Tail, u64, u64), AuditError> {
        let (tail, line) = chain::seal(event, &tail, &self.key).ok_or(AuditError::Broken)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let before = file.metadata()?.len();
        // A new month's file has to have its name kept, too.
        let named = || if before == 0 { durable::sync(&self.folder) } else { Ok(()) };
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).and_then(|()| named());
        if let Err(error) = written {
            // Half a line is taken back; where even that fails it is passed over as torn.
            drop(file);
            taken_back(path, before);
            return Err(error.into());
        }
        Ok((tail, before, before + line.len() as u64))
    }

    fn anchor(&self, head: &Head, anchored: &mut u64) {
        let Some(path) = &self.keep.anchor_file else { return };
        if *anchored == 0 {
            *anchored = super::head::anchors(path)
                .ok()
                .and_then(|all| all.into_iter().flatten().map(|head| head.seq).max())
                .unwrap_or(0);
        }
        if head.seq >= anchored.saturating_add(self.keep.anchor_every) || *anchored == 0 {
            match head.anchor(path) {
                Ok(()) => {
                    *anchored = head.seq;
                    self.is_unwritten.store(false, Relaxed);
                }
                // Tried again at the next event.
                Err(error) => {
                    self.unwritten.fetch_add(1, Relaxed);
                    self.is_unwritten.store(true, Relaxed);
                    let (path, error) = (path.display(), error.kind());
                    tracing::error!(path = %path, error = %error, "The audit's anchor file can't be written.");
                }
            }
        }
    }

    /// Gives the head to the thread that tells others: the first of this process, and then every so many events.
    fn tell(&self, head: &Head, told: &mut u64) {
        let Some(teller) = &self.teller else { return };
        if (*told == 0 || head.seq >= told.saturating_add(self.keep.anchor_every))
            && let Ok(line) = head.line()
        {
            teller.tell(line);
            *told = head.seq;
        }
    }

    /// Heads that the anchor file and others didn't take.
    #[must_use]
    pub fn anchor_failures(&self) -> u64 {
        self.teller.as_ref().map_or(0, Teller::failures) + self.unwritten.load(Relaxed)
    }

    /// Whether the anchor file didn't take the last head that it was due.
    #[must_use]
    pub fn is_anchor_failing(&self) -> bool {
        self.is_unwritten.load(Relaxed)
    }

    /// The last line of the log. Where something had to be cut off behind it, that is told in the log first.
    fn whole(&self, known: &Known) -> Result<Tail, AuditError> {
        let mut cut = Vec::new();
        let tail = self.tail(known, &mut cut);
        if cut.is_empty() {
            return tail;
        }
        let object = format!("{} bytes, sha256:{}", cut.len(), chain::hash(&cut));
        tracing::warn!(cut = %object, "The audit ended with what is no whole line: it was cut off.");
        let tail = tail?;
        let event = Event {
            time: crate::clock::rfc3339(crate::clock::unix_ms()),
            principal: "phigate",
            action: "audit_end_cut_off",
            object: &object,
            decision: "allowed",
            reason: if chain::may_begin(&cut) {
                "a line that was not written whole"
            } else {
                "no line of ours"
            },
            ..Event::default()
        };
        let path = self.path_of(&event.time)?;
        let (tail, ..) = self.append(&path, &event, tail)?;
        Head::of(&tail, &event.time, &self.key).write(&self.folder)?;
        Ok(tail)
    }

    /// The file that an event is written into: a clock that went back doesn't open an older month.
    fn path_of(&self, time: &str) -> Result<PathBuf, AuditError> {
        let path = self.month(time);
        Ok(self.segments()?.last().filter(|last| **last > path).cloned().unwrap_or(path))
    }

    /// The last whole line of the log, which the signed head must not be ahead of, nor what is known, whose event it has to have.
    /// What stands behind it is taken away, and given in `cut`.
    fn tail(&self, known: &Known, cut: &mut Vec<u8>) -> Result<Tail, AuditError> {
        let mut tail = Tail::none();
        for path in self.segments()?.iter().rev() {
            if let Some(last) = last_line(path, cut)? {
                tail = last;
                break;
            }
        }
        if !self.has(known, &tail)? {
            return Err(AuditError::Broken);
        }
        match Head::read(&self.folder) {
            Ok(Some(head)) if head.seq > tail.seq => Err(AuditError::Broken),
            Ok(Some(head)) if head.seq == tail.seq && head.hash != tail.hash => Err(AuditError::Broken),
            Ok(Some(_)) => Ok(tail),
            // A log whose head is gone was never written by one that stopped in between.
            Ok(None) if tail.seq <= 1 => Ok(tail),
            Ok(None) => Err(AuditError::Broken),
            Err(_) => Err(AuditError::Broken),
        }
    }

    /// Whether a log that ends so has the event that is known. What others wrote since is read, and no more.
    fn has(&self, known: &Known, tail: &Tail) -> Result<bool, AuditError> {
        let Some(hash) = known.hash.as_ref().filter(|_| tail.seq >= known.seq) else {
            return Ok(tail.seq >= known.seq);
        };
        if tail.seq == known.seq {
            return Ok(tail.hash == *hash);
        }
        match hash_at(&self.folder, known.seq)? {
            Some(there) => Ok(there == *hash),
            None => Ok(begins_behind(&self.folder, known.seq)?),
        }
    }

    fn segments(&self) -> Result<Vec<PathBuf>, AuditError> {
        Ok(segments(&self.folder)?)
    }

    fn month(&self, time: &str) -> PathBuf {
        self.folder.join(format!("{}.jsonl", time.get(..7).unwrap_or("0000-00")))
    }

    /// The unchained log of earlier versions is kept beside, and its hash is the first thing that this one tells.
    fn take_over(&self, data_dir: &Path) -> Result<(), AuditError> {
        let old = data_dir.join("audit.jsonl");
        if !old.exists() {
            return Ok(());
        }
        let object = format!("sha256:{}", chain::hash(&fs::read(&old)?));
        fs::rename(&old, self.folder.join("unchained.log"))?;
        self.write(&Event {
            time: crate::clock::rfc3339(crate::clock::unix_ms()),
            principal: "phigate",
            action: "audit_taken_over",
            object: &object,
            decision: "allowed",
            ..Event::default()
        })
    }
}

/// Runs `f` while nobody writes the audit of a data folder: it can be copied whole.
///
/// # Errors
/// The lock can't be had.
pub fn while_still<T>(data_dir: &Path, f: impl FnOnce() -> T) -> io::Result<T> {
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder(data_dir).join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(f()) // given back with the file
}

/// Makes a file as long as it was. One that a month's first event was to begin goes: a younger month's file that is there
/// takes all that is written later.
fn taken_back(path: &Path, before: u64) {
    // What stays, a next start cuts off as torn.
    let _ = match before {
        0 => fs::remove_file(path),
        before => OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(before)),
    };
}

/// Where the audit of a data folder stands.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("audit")
}

/// The files of a log, oldest first.
pub(super) fn segments(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut out: Vec<PathBuf> = fs::read_dir(folder)?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "jsonl"))
        .collect();
    out.sort();
    Ok(out)
}

/// The month that a file is named after.
pub(super) fn month_of(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

/// The lines of a file, without their ends.
fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Vec<u8>>>> {
    Ok(BufReader::new(File::open(path)?).split(b'\n'))
}

/// Runs `f` while no other process writes.
fn locked<T>(lock: &File, f: impl FnOnce() -> Result<T, AuditError>) -> Result<T, AuditError> {
    flock(lock, FlockOperation::LockExclusive).map_err(io::Error::from)?;
    let done = f();
    // It is given back with the file at the latest.
    let _ = flock(lock, FlockOperation::Unlock);
    done
}

/// The last whole line of a file. What a stop in the middle of writing left behind it is taken away: nobody was answered.
fn last_line(path: &Path, cut: &mut Vec<u8>) -> Result<Option<Tail>, AuditError> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LINE_BYTES_MAX * 2);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LINE_BYTES_MAX * 2).read_to_end(&mut bytes)?;
    let Some(end) = memchr::memrchr(b'\n', &bytes) else {
        if length > 0 && from == 0 {
            cut.extend_from_slice(&bytes);
            OpenOptions::new().write(true).open(path)?.set_len(0)?;
            return Ok(None);
        }
        return if length == 0 { Ok(None) } else { Err(AuditError::Broken) };
    };
    let torn = (bytes.len() - end - 1) as u64;
    if torn > 0 {
        cut.extend_from_slice(bytes.get(end + 1..).unwrap_or_default());
        OpenOptions::new().write(true).open(path)?.set_len(length - torn)?;
    }
    let whole = bytes.get(..end).unwrap_or_default();
    let start = memchr::memrchr(b'\n', whole).map_or(0, |at| at + 1);
    let line = chain::open(whole.get(start..).unwrap_or_default(), None).map_err(|_| AuditError::Broken)?;
    Ok(Some(line.tail))
}

/// What the reason of `audit_retired` begins with; the first month that was kept follows.
pub(super) const RETIRED_BEFORE: &str = "before ";
/// Longer than any line that is ever written: names and ids are bounded, reasons too.
const LINE_BYTES_MAX: u64 = 64 * 1024;
