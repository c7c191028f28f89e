//! Store: the redacted account to disk, and back to readers.
//!
//! - Takes: [`Redacted`] records, in batches.
//! - Gives: them back, inside a [`ReadScope`]: environments that the reader has a role in.
//! - In doubt: an error; a record counts as kept only when its batch is durable.
//! - Cost: disk; on threads of its own.
//!
//! One engine: SQLite, a file for each environment and day. `conformance.rs` holds what any other has to pass.

pub mod assets;
pub mod backup;
pub mod control;
pub mod members;
mod open_files;
mod record_file;
pub mod registry;
pub mod retention;
pub mod sealing;
pub mod sign_ins;
pub mod suppressions;
pub mod sqlite;
pub mod wall_clock;
mod token_runs;
pub mod tokens;
#[cfg(test)]
mod conformance;

pub use control::{Control, Fresh, KeyRow};
pub use members::{Changed, MemberRow};
pub use tokens::{Known, NewToken, Rotated, TokenRow, Until};

use crate::record::{Entry, Redacted, StoredPayload};
use std::collections::BTreeMap;
use std::io;

/// Why the store failed. No text of a library is shown: it might quote what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A file or folder can't be had.
    #[error("a store file can't be used: {0}")]
    File(io::ErrorKind),
    /// SQLite refused; the number is its extended result code.
    #[error("the database refused: code {0}{why}", why = why(*.0))]
    Database(i32),
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// Records take up all the space that `disk_bytes_max` gives them, and the newest day is all that is left.
    #[error("records.disk_bytes_max is used up")]
    OverBudget,
    /// control.db is gone or empty, and the audit beside it tells of what stood in it. The operator's to put back.
    #[error(
        "control.db is gone or empty, and the audit beside it isn't: put it back (a backup has it, phigate restore), or begin anew by `phigate secrets renew`. Then keys, tokens, members and test people are to be made anew."
    )]
    ControlLost,
    /// The file was written by a later version.
    #[error("the file has schema version {0}, which is newer than this program's")]
    Newer(i64),
    /// A search is to go on behind what is no record's id. The caller's fault.
    #[error("a cursor isn't a record's id")]
    BadCursor,
    /// What was read back isn't what is written there.
    #[error("a stored record can't be read back")]
    Broken,
}

/// What a result code means to whoever can do something about it.
fn why(code: i32) -> &'static str {
    match code & 0xFF {
        5 | 6 => " (another process has the file locked)",
        8 => " (the file can't be written)",
        10 => " (its disk can't be read or written)",
        11 | 26 => " (the file is damaged)",
        14 => " (the file can't be opened)",
        _ => "",
    }
}

/// SQLite's extended result code of a write that failed, but for ENOSPC.
const IOERR_WRITE: i32 = 778;

impl StoreError {
    /// Whether a file is none of a database, or one that contradicts itself: others may be well.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        // SQLITE_CORRUPT and SQLITE_NOTADB; the primary code is the lower byte of the extended one.
        matches!(self, Self::Database(code) if matches!(code & 0xFF, 11 | 26))
    }

    /// Whether what can't be written has no room: a full disk, a quota, or the limit on a file's size, of which SQLite says as
    /// of other failures that a file can't be written.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self {
            Self::Full | Self::Database(IOERR_WRITE) => true,
            Self::File(kind) => matches!(kind, StorageFull | QuotaExceeded | FileTooLarge),
            _ => false,
        }
    }

    /// Whether what was read is damaged, a file or one record of it: readers go on with the others.
    #[must_use]
    pub fn is_unreadable(&self) -> bool {
        self.is_damage() || *self == Self::Broken
    }
}

impl StoreError {
    /// Whether somebody else had the file for too long: trying again may help.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        // SQLITE_BUSY and SQLITE_LOCKED.
        matches!(self, Self::Database(code) if matches!(code & 0xFF, 5 | 6))
    }
}

/// What of a batch isn't kept. The rest of it is, and durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} records aren't kept: {error}", .records.len())]
pub struct Unkept {
    /// Which, by their place in the batch, ascending.
    pub records: Vec<usize>,
    /// Why the first that failed aren't.
    pub error: StoreError,
}

/// Takes records. One writer.
pub trait RecordSink: Send {
    /// Writes a batch; when it returns, the batch is durable. What can't be kept of one environment keeps nothing of
    /// another from being written.
    ///
    /// # Errors
    /// [`Unkept`].
    fn append(&mut self, batch: &[Redacted]) -> Result<(), Unkept>;

    /// Removes what retention no longer keeps, and what is over the space there is for records. `now_ms`: the time, Unix
    /// milliseconds; `None` where the clock isn't right, and nothing is too old.
    fn tidy(&mut self, now_ms: Option<u64>);
}

/// Gives records back.
pub trait RecordReader: Send + Sync {
    /// Entries that fit, newest first, and where to go on.
    ///
    /// # Errors
    /// [`StoreError`]; [`StoreError::BadCursor`] where `after` is no record's id.
    fn search(&self, scope: &ReadScope, query: &Query) -> Result<Page, StoreError>;

    /// One record. `None` where there is none in the scope: absent and out of scope look the same.
    ///
    /// # Errors
    /// [`StoreError`].
    fn show(&self, scope: &ReadScope, id: &str) -> Result<Option<Stored>, StoreError>;

    /// The sealed originals of one record. `None` where there are none in the scope.
    ///
    /// # Errors
    /// [`StoreError`].
    fn sealed(&self, scope: &ReadScope, id: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// How many entries fit, by the beginning of their bucket of so many milliseconds and by decision.
    ///
    /// # Errors
    /// [`StoreError`].
    fn counts(
        &self,
        scope: &ReadScope,
        query: &Query,
        bucket_ms: u64,
    ) -> Result<BTreeMap<(u64, String), u64>, StoreError> {
        let mut query = Query { limit: Some(1000), ..query.clone() };
        let mut counts = BTreeMap::new();
        loop {
            let page = self.search(scope, &query)?;
            if !page.unread.is_empty() {
                return Err(StoreError::Broken); // fewer than there are would be no count
            }
            for entry in page.entries {
                let bucket = entry.started_ms - entry.started_ms % bucket_ms.max(1);
                *counts.entry((bucket, entry.decision)).or_default() += 1;
            }
            let Some(next) = page.next else { return Ok(counts) };
            query.after = Some(next);
        }
    }
}

/// Environments that a reader may read: no call goes without.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadScope {
    /// Their names.
    pub environments: Vec<String>,
}

/// What to look for. Empty fields ask nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// One environment of the scope.
    pub environment: Option<String>,
    /// From this time on, Unix milliseconds.
    pub from_ms: Option<u64>,
    /// Before this time, Unix milliseconds.
    pub to_ms: Option<u64>,
    /// Connection by name.
    pub connection: Option<String>,
    /// Caller by name.
    pub caller: Option<String>,
    /// What became of the message.
    pub decision: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Status of the reply.
    pub status: Option<u16>,
    /// A rule that found something, in the request or its reply.
    pub rule: Option<String>,
    /// A kind that was found.
    pub kind: Option<String>,
    /// Any of these keyed forms of a trace id.
    pub traces: Option<Vec<String>>,
    /// Any of these tokens.
    pub tokens: Option<Vec<String>>,
    /// Entries at most: 1 to 1,000. Default 50.
    pub limit: Option<usize>,
    /// Go on behind this record: a [`Page::next`].
    pub after: Option<String>,
}

impl Query {
    /// Entries at most.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit.unwrap_or(50).clamp(1, 1000)
    }

    /// Whether an entry fits.
    #[must_use]
    pub fn fits(&self, entry: &Entry) -> bool {
        let same =
            |want: &Option<String>, have: Option<&str>| want.as_deref().is_none_or(|w| have == Some(w));
        let found = || entry.found.iter().chain(entry.reply.iter().flat_map(|reply| &reply.found));
        same(&self.connection, entry.connection.as_deref())
            && same(&self.caller, Some(&entry.caller))
            && same(&self.decision, Some(&entry.decision))
            && same(&self.reason, entry.reason.as_deref())
            && self
                .traces
                .as_ref()
                .is_none_or(|wanted| entry.trace.as_ref().is_some_and(|t| wanted.contains(t)))
            && self.status.is_none_or(|s| s == entry.status)
            && self.rule.as_ref().is_none_or(|r| found().any(|f| f.rule == *r))
            && self.kind.as_ref().is_none_or(|k| found().any(|f| f.kind == *k))
    }
}

/// The time in Unix milliseconds and the id of the record to go on behind; `None` from the beginning.
///
/// # Errors
/// [`StoreError::BadCursor`]: it isn't written as records' ids are.
pub fn cursor(after: Option<&str>) -> Result<Option<(u64, &str)>, StoreError> {
    let Some(id) = after else { return Ok(None) };
    // Ids are compared as they are written: another spelling of one would stand elsewhere.
    let is_ours = id.len() == ID_LENGTH && !id.bytes().any(|b| b.is_ascii_uppercase());
    let ms = crate::clock::id_ms(id).filter(|_| is_ours).ok_or(StoreError::BadCursor)?;
    Ok(Some((ms, id)))
}

/// Of a record's id: a UUID in lower case with its dashes.
const ID_LENGTH: usize = 36;

/// Entries of a search.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Newest first.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
    /// Environments and days of which some records, or all, can't be read: their files are damaged.
    pub unread: Vec<(String, String)>,
}

/// A record as it is kept.
#[derive(Debug, Clone)]
pub struct Stored {
    /// What is known besides the payload.
    pub entry: Entry,
    /// The stored form.
    pub payload: Option<StoredPayload>,
    /// There is one, and it can't be read.
    pub payload_is_damaged: bool,
}
