//! SQLite: `records/<environment>/<yyyy-mm-dd>.db`, WAL, `synchronous=FULL`. Payloads of a batch are one zstd block;
//! entries stay apart, so that a search reads no payload, and what many of them share is written once. Retention unlinks
//! files.

use super::open_files::OpenFiles;
use super::retention::{Class, DayFile, Keep, expire, files, make_room, set_aside};
use super::wall_clock::DAY_MS;
use super::{Page, Query, ReadScope, RecordReader, RecordSink, StoreError, Stored, Unkept};
use super::{record_file, token_runs};
use crate::inspect::hash::Keyed;
use crate::record::{Entry, Redacted};
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Writes and reads below one folder.
#[derive(Debug, Clone)]
pub struct Records {
    folder: PathBuf,
    keep: Keep,
    readers: OpenFiles,
    /// Damaged files that were set aside.
    set_aside: Arc<AtomicU64>,
    /// Environments and days of which readers found records damaged: each is told once.
    damaged: Arc<Mutex<BTreeSet<(String, String)>>>,
}

/// The one writer.
pub struct Writer {
    records: Records,
    open: HashMap<PathBuf, Open>,
    /// Compresses blocks: made once, since its tables are larger than most of them. `None` until the first.
    packer: Option<zstd::bulk::Compressor<'static>>,
    /// When the space was measured last, and whether there was some left.
    measured: Option<(Instant, bool)>,
}

/// A file that is written to.
struct Open {
    connection: Connection,
    /// Days since 1970.
    day: u64,
    shared: KnownShared,
}

/// What entries of a file share and where it is written: by hash, one in the place of another. What isn't known any more is
/// written again.
struct KnownShared(Vec<Option<Box<(Entry, i64)>>>);

impl KnownShared {
    fn new() -> Self {
        Self(vec![None; SHARED_KNOWN])
    }

    /// Where it is written; asks `write` to, where that isn't known.
    fn get(
        &mut self,
        entry: &Entry,
        write: impl FnOnce() -> Result<i64, StoreError>,
    ) -> Result<i64, StoreError> {
        let hash = Keyed::default().hash_one(entry.shared());
        let place = &mut self.0[hash as usize % SHARED_KNOWN];
        if let Some(known) = place
            && known.0.shared() == entry.shared()
        {
            return Ok(known.1);
        }
        let id = write()?;
        *place = Some(Box::new((entry.clone(), id)));
        Ok(id)
    }
}

impl Records {
    /// Records below `data_dir`.
    #[must_use]
    pub fn new(data_dir: &Path, keep: Keep) -> Self {
        Self {
            folder: data_dir.join("records"),
            keep,
            readers: OpenFiles::default(),
            set_aside: Arc::default(),
            damaged: Arc::default(),
        }
    }

    /// Of how many days, of all environments, readers found damaged records.
    #[must_use]
    pub fn damaged(&self) -> usize {
        self.damaged.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Writes into the program's log that records of a day are damaged, the first time.
    fn tell_damage(&self, environment: &str, day: &str) {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        if damaged.len() < DAMAGED_MAX && damaged.insert((environment.to_owned(), day.to_owned())) {
            tracing::error!(
                environment,
                day,
                "Records of this day are damaged: searches leave out what can't be read."
            );
        }
    }

    /// How many damaged files its writer set aside.
    #[must_use]
    pub fn set_aside(&self) -> Arc<AtomicU64> {
        self.set_aside.clone()
    }

    /// The writer.
    #[must_use]
    pub fn writer(&self) -> Writer {
        Writer { records: self.clone(), open: HashMap::new(), packer: None, measured: None }
    }

    /// Removes files that retention no longer keeps at `now_ms`; gives which. For whoever has no writer, which does it
    /// in [`RecordSink::tidy`].
    pub fn expire(&self, now_ms: u64) -> Vec<PathBuf> {
        let removed = expire(&self.folder, &self.keep, now_ms);
        self.readers.forget(&removed);
        removed
    }

    fn file(&self, environment: &str, started_ms: u64, class: Class) -> PathBuf {
        // Names of environments are checked words: lower case, digits, dashes.
        self.folder.join(environment).join(class.file_name(&crate::clock::day(started_ms)))
    }

    /// Reads a file, where there is one.
    fn read<T>(
        &self,
        path: &Path,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.readers.with(path, || record_file::open(path), f)
    }
}

/// Records of a batch that go into one file, and their places in the batch.
type InFile<'b> = (Vec<usize>, Vec<&'b Redacted>);

impl RecordSink for Writer {
    fn append(&mut self, batch: &[Redacted]) -> Result<(), Unkept> {
        if !self.has_room() {
            return Err(Unkept { records: (0..batch.len()).collect(), error: StoreError::OverBudget });
        }
        let mut by_file: BTreeMap<(&str, u64, Class), InFile<'_>> = BTreeMap::new();
        for (place, record) in batch.iter().enumerate() {
            let entry = record.entry();
            let file = (&*entry.environment, entry.started_ms / DAY_MS, Class::of(&entry.decision));
            let (places, records) = by_file.entry(file).or_default();
            places.push(place);
            records.push(record);
        }
        let mut unkept: Option<Unkept> = None;
        for ((environment, day, class), (places, records)) in by_file {
            let path = self.records.file(environment, day * DAY_MS, class);
            let mut done = self.append_to(&path, day, &records);
            let mut tries = 1;
            while matches!(&done, Err(error) if error.is_busy()) && tries < BUSY_TRIES_MAX {
                // Another process writes, as one does that takes this one's place, or has it locked: the queue has room meanwhile.
                self.open.remove(&path);
                done = self.append_to(&path, day, &records);
                tries += 1;
            }
            if let Err(error) = done {
                // The file may be gone or full: opened anew next time. The others may be well.
                self.open.remove(&path);
                unkept.get_or_insert(Unkept { records: Vec::new(), error }).records.extend(places);
            }
        }
        match unkept {
            None => Ok(()),
            Some(mut unkept) => {
                unkept.records.sort_unstable();
                Err(unkept)
            }
        }
    }

    fn tidy(&mut self, now_ms: Option<u64>) {
        if let Some(now_ms) = now_ms {
            let removed = self.records.expire(now_ms);
            removed.iter().for_each(|path| drop(self.open.remove(path)));
            self.close_before(now_ms.saturating_sub(LATE_MS) / DAY_MS);
        }
        self.measured = None;
        // Where the clock can't tell which days are over.
        if self.open.len() > OPEN_FILES_MAX {
            self.open.clear();
        }
    }
}

impl Writer {
    /// Closes files of days that are over, and makes their index fit for searches alone.
    fn close_before(&mut self, day: u64) {
        for (_, mut open) in self.open.extract_if(|_, open| open.day < day) {
            let settled = open
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(database)
                .and_then(|transaction| {
                    token_runs::settle(&transaction)?;
                    transaction.commit().map_err(database)
                });
            if let Err(error) = settled {
                tracing::warn!(
                    error = %error,
                    "The index of a past day stays in many parts: searches by value take longer there."
                );
            }
        }
    }

    /// Closes files that were removed: open ones would keep their space.
    fn forget(&mut self, removed: &[PathBuf]) {
        removed.iter().for_each(|path| drop(self.open.remove(path)));
        self.records.readers.forget(removed);
    }

    /// Whether records are within their space; measured once a second at most, and made where it can be.
    fn has_room(&mut self) -> bool {
        let bytes_max = self.records.keep.disk_bytes_max;
        if bytes_max == 0 {
            return true;
        }
        match self.measured {
            Some((at, has_room)) if at.elapsed() < MEASURE_EVERY => has_room,
            _ => {
                let today = crate::clock::day(crate::clock::unix_ms());
                let (removed, has_room) = make_room(&self.records.folder, bytes_max, &today);
                self.forget(&removed);
                self.measured = Some((Instant::now(), has_room));
                has_room
            }
        }
    }

    /// Writes into a file; a damaged one is set aside for a new one, and tells no later record from being kept.
    fn append_to(&mut self, path: &Path, day: u64, records: &[&Redacted]) -> Result<(), StoreError> {
        match self.append_as_it_is(path, day, records) {
            Err(error) if error.is_damage() => {
                self.open.remove(path);
                self.records.readers.forget(&[path.to_owned()]);
                set_aside(path)?;
                self.records.set_aside.fetch_add(1, Relaxed);
                tracing::error!(
                    error = %error,
                    "A record file is damaged: it was renamed to *.broken, and a new one is written."
                );
                self.append_as_it_is(path, day, records)
            }
            done => done,
        }
    }

    fn append_as_it_is(&mut self, path: &Path, day: u64, records: &[&Redacted]) -> Result<(), StoreError> {
        if !self.open.contains_key(path) {
            let open = Open { connection: record_file::create(path)?, day, shared: KnownShared::new() };
            self.open.insert(path.to_owned(), open);
        }
        let Open { connection, shared, .. } = self.open.get_mut(path).ok_or(StoreError::Broken)?;
        let packer = match &mut self.packer {
            Some(packer) => packer,
            none => {
                none.insert(zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(|e| StoreError::File(e.kind()))?)
            }
        };
        let payloads = records.iter().map(|record| record.payload_bytes().unwrap_or_default());
        let mut block = Vec::with_capacity(payloads.clone().map(<[u8]>::len).sum());
        let mut places = Vec::with_capacity(records.len());
        for payload in payloads {
            places.push((block.len(), payload.len()));
            block.extend_from_slice(payload);
        }
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(database)?;
        let block_id = if block.is_empty() {
            None
        } else {
            let packed = packer.compress(&block).map_err(|e| StoreError::File(e.kind()))?;
            transaction
                .prepare_cached("INSERT INTO block(bytes, zstd) VALUES (?1, ?2)")
                .and_then(|mut s| s.insert(params![block.len() as i64, packed]))
                .map(Some)
                .map_err(database)?
        };
        let mut put_record = transaction.prepare_cached("INSERT OR IGNORE INTO record(started_ms, id, entry, block, start, length, shared, duration_us, request_bytes, reply_bytes, trace) VALUES (?1, ?2, '', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)").map_err(database)?;
        let mut tokens = Vec::new();
        let mut json = Vec::new();
        for (record, (start, length)) in records.iter().zip(places) {
            let entry = record.entry();
            let shared = shared.get(entry, || {
                json.clear();
                entry.write_shared(&mut json).map_err(|_| StoreError::Broken)?;
                let text = std::str::from_utf8(&json).map_err(|_| StoreError::Broken)?;
                transaction
                    .prepare_cached("INSERT INTO shared(entry) VALUES (?1)")
                    .and_then(|mut s| s.insert([text]))
                    .map_err(database)
            })?;
            let block_id = block_id.filter(|_| length > 0);
            put_record
                .execute(params![
                    entry.started_ms as i64,
                    entry.id,
                    block_id,
                    start as i64,
                    length as i64,
                    shared,
                    entry.duration_us as i64,
                    entry.request_bytes as i64,
                    entry.reply_bytes as i64,
                    entry.trace
                ])
                .map_err(database)?;
            if let Some(sealed) = record.sealed() {
                transaction
                    .prepare_cached("INSERT OR IGNORE INTO sealed(id, bytes) VALUES (?1, ?2)")
                    .and_then(|mut s| s.execute(params![entry.id, sealed]))
                    .map_err(database)?;
            }
            if !record.tokens().is_empty() {
                let number = |text| token_runs::number(text).ok_or(StoreError::Broken);
                let id = number(&entry.id)?;
                for token in record.tokens() {
                    tokens.push((number(token)?, id));
                }
            }
        }
        drop(put_record);
        token_runs::add(&transaction, &mut tokens)?;
        transaction.commit().map_err(database)
    }
}

impl RecordReader for Records {
    fn search(&self, scope: &ReadScope, query: &Query) -> Result<Page, StoreError> {
        let limit = query.limit();
        let mut entries: Vec<Entry> = Vec::new();
        let mut unread = BTreeSet::new();
        let after = super::cursor(query.after.as_deref())?;
        let asked = |e: &&String| query.environment.as_ref().is_none_or(|wanted| wanted == *e);
        for environment in scope.environments.iter().filter(asked) {
            let mut here = 0;
            // Files of one day are read together: their records lie side by side.
            let mut last_day = String::new();
            for DayFile { day, path, is_set_aside, .. } in files(&self.folder, environment) {
                if here > limit && day != last_day {
                    break;
                }
                last_day.clone_from(&day);
                let out = |ms: Option<u64>, before: bool| {
                    ms.is_some_and(|ms| {
                        if before { day < crate::clock::day(ms) } else { day > crate::clock::day(ms) }
                    })
                };
                if out(query.from_ms, true) || out(query.to_ms, false) || out(after.map(|a| a.0), false) {
                    continue;
                }
                if is_set_aside {
                    unread.insert((environment.clone(), day));
                    continue;
                }
                let mut found = Vec::new();
                match self.found_in(&path, environment, query, after, &mut found) {
                    Ok(true) => {}
                    // One damaged record, or day, keeps nobody from the others.
                    Ok(false) => {
                        self.tell_damage(environment, &day);
                        unread.insert((environment.clone(), day));
                    }
                    Err(error) => return Err(error),
                }
                here += found.len();
                entries.append(&mut found);
            }
        }
        entries.sort_by(|a, b| (b.started_ms, &b.id).cmp(&(a.started_ms, &a.id)));
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = if more { entries.last().map(|e| e.id.clone()) } else { None };
        Ok(Page { entries, next, unread: unread.into_iter().collect() })
    }

    fn show(&self, scope: &ReadScope, id: &str) -> Result<Option<Stored>, StoreError> {
        let Some(started_ms) = crate::clock::id_ms(id) else { return Ok(None) };
        // It may be in another file than the one that is damaged.
        let mut damaged = None;
        for environment in &scope.environments {
            for class in Class::ALL {
                let path = self.file(environment, started_ms, class);
                match self.show_in(&path, environment, started_ms, id) {
                    Ok(None) => {}
                    Err(error) if error.is_unreadable() => {
                        self.tell_damage(environment, &crate::clock::day(started_ms));
                        damaged = Some(error);
                    }
                    Ok(Some(stored)) => {
                        if stored.payload_is_damaged {
                            self.tell_damage(environment, &crate::clock::day(started_ms));
                        }
                        return Ok(Some(stored));
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        damaged.map_or(Ok(None), Err)
    }

    fn sealed(&self, scope: &ReadScope, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(started_ms) = crate::clock::id_ms(id) else { return Ok(None) };
        for environment in &scope.environments {
            // Refused messages have none.
            let path = self.file(environment, started_ms, Class::Passed);
            let sealed = self.read(&path, |connection| record_file::sealed(connection, id))?;
            let sealed = sealed.flatten();
            if sealed.is_some() {
                return Ok(sealed);
            }
        }
        Ok(None)
    }
}

impl Records {
    /// Adds the entries of one file that fit, one more than the limit at most. Gives whether all of them could be read: those
    /// before a damaged place are there, and those behind a damaged record, too.
    fn found_in(
        &self,
        path: &Path,
        environment: &str,
        query: &Query,
        after: Option<(u64, &str)>,
        found: &mut Vec<Entry>,
    ) -> Result<bool, StoreError> {
        let mut is_whole = true;
        let read = self.read(path, |connection| {
            // One moment of the file: it may be brought up meanwhile.
            let connection = &*connection.unchecked_transaction().map_err(database)?;
            record_file::search(connection, environment, query, after, |entry| {
                match entry {
                    Some(entry) if query.fits(&entry) => found.push(entry),
                    Some(_) => {}
                    None => is_whole = false,
                }
                found.len() <= query.limit()
            })
        });
        match read {
            Ok(_) => Ok(is_whole),
            Err(error) if error.is_unreadable() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// One record of one file.
    fn show_in(
        &self,
        path: &Path,
        environment: &str,
        started_ms: u64,
        id: &str,
    ) -> Result<Option<Stored>, StoreError> {
        let shown = self.read(path, |connection| {
            let connection = &*connection.unchecked_transaction().map_err(database)?;
            record_file::show(connection, environment, started_ms, id)
        })?;
        Ok(shown.flatten())
    }
}

/// Gives the version of a file; refuses later ones.
pub(super) fn check_version(connection: &Connection, newest: i64) -> Result<i64, StoreError> {
    let version: i64 =
        connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(database)?;
    if version > newest { Err(StoreError::Newer(version)) } else { Ok(version) }
}

pub(super) fn database(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error() {
        // The memory that processes share is a file, too, and made at a start.
        Some(e) if e.code == ErrorCode::DiskFull || e.extended_code == IOERR_SHMSIZE => StoreError::Full,
        Some(e) => StoreError::Database(e.extended_code),
        None => StoreError::Broken,
    }
}

/// That SQLite could not make the file of its shared memory as large as it has to be.
const IOERR_SHMSIZE: i32 = 4874;
const ZSTD_LEVEL: i32 = 3;
/// How often a batch is tried where another process has the file locked, each time for as long as a lock is waited for: half a
/// minute together.
const BUSY_TRIES_MAX: u32 = 6;
const MEASURE_EVERY: Duration = Duration::from_secs(1);
/// Of a file that is written to, for as many kinds of messages as most connections together have; about a KiB each.
const SHARED_KNOWN: usize = 256;
const OPEN_FILES_MAX: usize = 16;
/// A message that came before midnight may end after it.
const LATE_MS: u64 = 3_600_000;
/// Days that are remembered as damaged.
const DAMAGED_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance::{entry, record, record_of};
    use std::fs;

    #[test]
    fn a_disk_without_room_for_the_shared_memory_is_full() {
        let failed = |code| database(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None));
        for code in [13, IOERR_SHMSIZE] {
            assert_eq!(failed(code), StoreError::Full);
        }
        assert_eq!((failed(778), failed(778).is_no_space()), (StoreError::Database(778), true));
        assert!(!failed(11).is_no_space());
    }

    /// What damage makes of a file.
    type Damage = fn(&Path);

    #[test]
    fn a_writer_that_opens_while_another_one_writes_waits_for_it() {
        let dir = tempfile::tempdir().expect("dir");
        let records = Records::new(dir.path(), Keep::days(30));
        let one = record("a", "forwarded", "{}");
        let path = records.file("a", one.entry().started_ms, Class::Passed);
        for is_new in [true, false] {
            if is_new {
                fs::create_dir_all(path.parent().expect("a folder")).expect("makes");
                let fresh = Connection::open(&path).expect("opens");
                fresh.pragma_update(None, "journal_mode", "WAL").expect("set");
            }
            let other = Connection::open(&path).expect("opens");
            other.execute_batch("BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS other (x)").expect("writes");
            std::thread::scope(|scope| {
                scope.spawn(move || {
                    std::thread::sleep(Duration::from_millis(200)); // longer than one try takes here
                    other.execute_batch("COMMIT").expect("ends");
                });
                records.writer().append(std::slice::from_ref(&one)).expect("it waits");
            });
        }
        let scope = ReadScope { environments: vec!["a".to_owned()] };
        assert!(records.show(&scope, &one.entry().id).expect("reads").is_some());
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_keeps_neither_writers_nor_readers_from_the_rest() {
        let damages: [Damage; 3] = [
            |path| {
                let mut bytes = fs::read(path).expect("reads");
                bytes.iter_mut().take(160).for_each(|b| *b = b'G');
                fs::write(path, bytes).expect("writes");
            },
            |path| fs::write(path, vec![7; 8192]).expect("writes"),
            |path| {
                let mut bytes = fs::read(path).expect("reads");
                bytes.iter_mut().skip(100).for_each(|b| *b = 0xA5);
                fs::write(path, bytes).expect("writes");
            },
        ];
        for damage in damages {
            let dir = tempfile::tempdir().expect("dir");
            let records = Records::new(dir.path(), Keep::days(30));
            let batch = ["a", "b"].map(|environment| record(environment, "forwarded", "{}"));
            let one = &batch[0];
            records.writer().append(&batch).expect("takes");
            let scope = ReadScope { environments: vec!["a".to_owned(), "b".to_owned()] };
            let search = || records.search(&scope, &Query::default()).expect("goes on");
            let counts = || records.counts(&scope, &Query::default(), 86_400_000);
            assert_eq!((search().entries.len(), search().unread), (2, vec![]));
            assert_eq!(counts().expect("counts").values().sum::<u64>(), 2);
            let path = records.file("a", one.entry().started_ms, Class::Passed);
            damage(&path);
            records.readers.forget(std::slice::from_ref(&path));
            let day = crate::clock::day(one.entry().started_ms);
            let page = search();
            assert_eq!((page.entries.len(), page.unread), (1, vec![("a".to_owned(), day.clone())]));
            assert!(counts().is_err(), "fewer than there are would be no count");
            let show = |entry: &Entry| records.show(&scope, &entry.id).map(|stored| stored.is_some());
            assert_eq!(show(batch[1].entry()), Ok(true), "it lies in another file");
            assert!(show(one.entry()).is_err(), "what lies in the damaged one isn't told to be absent");
            let late = record("a", "forwarded", "{}");
            records.writer().append(std::slice::from_ref(&late)).expect("takes into a new one");
            let page = search();
            assert_eq!((page.entries.len(), page.unread), (2, vec![("a".to_owned(), day)]));
            assert!(records.show(&scope, &late.entry().id).expect("reads").is_some());
            assert_eq!(records.set_aside().load(Relaxed), 1);
            assert!(path.with_extension("db.broken").exists());
            records.expire(one.entry().started_ms + 40 * 86_400_000);
            assert!(!path.with_extension("db.broken").exists(), "retention takes it, too");
        }
    }

    #[test]
    fn what_entries_share_is_written_once_and_again_where_it_was_forgotten() {
        let dir = tempfile::tempdir().expect("dir");
        let records = Records::new(dir.path(), Keep::days(30));
        let of_caller = |caller: String| record_of(Entry { caller, ..entry("a", "forwarded") });
        let mut writer = records.writer();
        // One kind alone: of two, one may stand in the other's place.
        let alike: Vec<Redacted> = (0..100).map(|_| of_caller("c".to_owned())).collect();
        alike.chunks(30).for_each(|batch| writer.append(batch).expect("takes"));
        let file = records.file("a", alike[0].entry().started_ms, Class::Passed);
        let written = || {
            let connection = Connection::open(&file).expect("opens");
            connection
                .query_row("SELECT count(*) FROM shared", [], |row| row.get::<_, i64>(0))
                .expect("counts")
        };
        assert_eq!(written(), 1);
        let many: Vec<Redacted> = (0..3 * SHARED_KNOWN).map(|n| of_caller(format!("m{n}"))).collect();
        writer.append(&many).expect("takes");
        assert_eq!(written(), 1 + many.len() as i64);
        let scope = ReadScope { environments: vec!["a".to_owned()] };
        for one in alike.iter().chain(&many) {
            let stored = records.show(&scope, &one.entry().id).expect("reads").expect("is there");
            assert_eq!(&stored.entry, one.entry());
        }
        let all = Query { limit: Some(1000), ..Query::default() };
        let found = records.search(&scope, &all).expect("reads").entries;
        assert!(found.iter().rev().eq(alike.iter().chain(&many).map(Redacted::entry)));
    }

    #[test]
    fn a_file_is_closed_an_hour_after_its_day_and_takes_a_late_record() {
        let dir = tempfile::tempdir().expect("dir");
        let records = Records::new(dir.path(), Keep::days(30));
        let mut writer = records.writer();
        // A batch each, and so a run.
        let mut all: Vec<Redacted> =
            (0..6).map(|_| record("a", "forwarded", "{\"mrn\":\"E08738432\"}")).collect();
        all.chunks(1).for_each(|one| writer.append(one).expect("takes"));
        let day = all[0].entry().started_ms / DAY_MS;
        if all[5].entry().started_ms / DAY_MS != day {
            return; // midnight has passed between: another file
        }
        let file = records.file("a", day * DAY_MS, Class::Passed);
        let parts = || {
            let connection = Connection::open(&file).expect("opens");
            connection
                .query_row("SELECT count(*) FROM token_run", [], |row| row.get::<_, i64>(0))
                .expect("counts")
        };
        let midnight = (day + 1) * DAY_MS;
        for now_ms in [None, Some(midnight + LATE_MS - 1)] {
            writer.tidy(now_ms);
            assert_eq!((writer.open.len(), parts()), (1, 6));
        }
        writer.tidy(Some(midnight + LATE_MS));
        assert_eq!((writer.open.len(), parts()), (0, 1));
        let late = record("a", "forwarded", "{\"mrn\":\"E08738432\"}");
        writer.append(std::slice::from_ref(&late)).expect("takes");
        all.push(late);
        let query = Query { tokens: Some(all[0].tokens().to_vec()), ..Query::default() };
        let scope = ReadScope { environments: vec!["a".to_owned()] };
        let found = records.search(&scope, &query).expect("reads").entries;
        assert!(found.iter().rev().eq(all.iter().map(Redacted::entry)));
    }

    #[test]
    fn a_damaged_record_or_payload_hides_no_other() {
        let dir = tempfile::tempdir().expect("dir");
        let records = Records::new(dir.path(), Keep::days(30));
        // A block each.
        let all: Vec<Redacted> = (0..5).map(|_| record("a", "forwarded", "{\"parts\":[]}")).collect();
        let mut writer = records.writer();
        all.chunks(1).for_each(|one| writer.append(one).expect("takes"));
        let path = records.file("a", all[0].entry().started_ms, Class::Passed);
        let connection = Connection::open(&path).expect("opens");
        let spoil =
            |sql: &str, id: &str| assert_eq!(connection.execute(sql, [id]).expect("writes"), 1, "{sql}");
        spoil("UPDATE record SET shared = 9 WHERE id = ?1", &all[2].entry().id);
        spoil("UPDATE record SET shared = NULL, entry = '{\"id\":' WHERE id = ?1", &all[4].entry().id);
        spoil(
            "UPDATE block SET zstd = x'00112233' WHERE id = (SELECT block FROM record WHERE id = ?1)",
            &all[3].entry().id,
        );
        let scope = ReadScope { environments: vec!["a".to_owned()] };
        let page = records.search(&scope, &Query::default()).expect("goes on");
        let day = crate::clock::day(all[0].entry().started_ms);
        assert_eq!((page.entries.len(), page.unread), (3, vec![("a".to_owned(), day)]));
        assert_eq!(records.damaged(), 1, "told once a day");
        let show = |n: usize| {
            let stored = records.show(&scope, &all[n].entry().id).map(|stored| stored.expect("is there"));
            stored.map(|stored| (stored.payload.is_some(), stored.payload_is_damaged))
        };
        assert_eq!(show(1), Ok((true, false)));
        assert_eq!((show(2), show(4)), (Err(StoreError::Broken), Err(StoreError::Broken)));
        assert_eq!(show(3), Ok((false, true)), "what is known besides it is told");
    }
}
