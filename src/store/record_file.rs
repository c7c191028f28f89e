//! A file of records: its tables, and what a row of them says.

use super::sqlite::{check_version, database};
use super::{Query, StoreError, Stored, token_runs};
use crate::inspect::hash::Map;
use crate::record::{Entry, StoredPayload};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, TransactionBehavior, params};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Opens a file to read; `None` while it is being made.
pub(super) fn open(path: &Path) -> Result<Option<Connection>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(database)?;
    connection.busy_timeout(Duration::from_secs(5)).map_err(database)?;
    // Many are open at once: the system keeps what is read.
    connection.pragma_update(None, "cache_size", READ_CACHE_KIB).map_err(database)?;
    let version = check_version(&connection, SCHEMA_VERSION)?;
    Ok((version > 0).then_some(connection))
}

/// Gives the entries of a file that are within the query's time and have its tokens, newest first, until `next` wants no
/// more; `None` for one that is damaged. `connection`: within a transaction.
pub(super) fn search(
    connection: &Connection,
    environment: &str,
    query: &Query,
    after: Option<(u64, &str)>,
    mut next: impl FnMut(Option<Entry>) -> bool,
) -> Result<(), StoreError> {
    let version = version(connection)?;
    let columns = columns(version);
    let mut shared = Map::default();
    let far = i64::MAX as u64;
    let (from_ms, to_ms) = (query.from_ms.unwrap_or(0), query.to_ms.unwrap_or(far));
    let (last_ms, last_id) = after.unwrap_or((far, ""));
    if let Some(tokens) = &query.tokens
        && version >= TOKEN_RUNS_SINCE
    {
        let tokens: Vec<u128> = tokens.iter().filter_map(|token| token_runs::number(token)).collect();
        // What an id begins with is its time.
        let from = |ms: u64| u128::from(ms) << ID_TIME_AT;
        let before = after.and_then(|(_, id)| token_runs::number(id)).unwrap_or(u128::MAX);
        let ids = from(from_ms.min(ID_TIME_MAX))..from(to_ms.min(ID_TIME_MAX)).min(before);
        let mut statement =
            connection.prepare_cached(&format!("SELECT {columns} FROM record {BY_ID}")).map_err(database)?;
        for id in token_runs::find(connection, &tokens, &ids)? {
            let ms = (id >> ID_TIME_AT) as i64;
            let id = uuid::Uuid::from_u128(id).hyphenated().to_string();
            let read = |row: &rusqlite::Row<'_>| Ok(entry(row, environment, connection, &mut shared));
            let entry = statement.query_row(params![ms, id], read).optional().map_err(database)?;
            if !next(entry.flatten()) {
                break;
            }
        }
        return Ok(());
    }
    let tokens = query.tokens.as_deref().map(|tokens| serde_json::json!(tokens).to_string());
    let sql = format!("SELECT {columns} {}", if tokens.is_some() { BY_TOKEN } else { BY_TIME });
    let mut statement = connection.prepare_cached(&sql).map_err(database)?;
    let mut rows = statement
        .query(params![from_ms as i64, to_ms as i64, last_ms as i64, last_id, tokens])
        .map_err(database)?;
    while let Some(row) = rows.next().map_err(database)?
        && next(entry(row, environment, connection, &mut shared))
    {}
    Ok(())
}

/// One record of a file. `connection`: within a transaction.
pub(super) fn show(
    connection: &Connection,
    environment: &str,
    started_ms: u64,
    id: &str,
) -> Result<Option<Stored>, StoreError> {
    let sql = format!("SELECT {}{WITH_PAYLOAD} {BY_ID}", columns(version(connection)?));
    let mut statement = connection.prepare_cached(&sql).map_err(database)?;
    let row = statement
        .query_row(params![started_ms as i64, id], |row| {
            Ok((
                entry(row, environment, connection, &mut Map::default()),
                row.get::<_, i64>(8)?,
                row.get::<_, i64>(9)?,
                row.get::<_, Option<Vec<u8>>>(10)?,
                row.get::<_, Option<i64>>(11)?,
            ))
        })
        .optional()
        .map_err(database)?;
    let Some((entry, start, length, packed, bytes)) = row else { return Ok(None) };
    let entry = entry.ok_or(StoreError::Broken)?;
    // What is known besides the payload is told without it.
    let payload = packed.map(|packed| unpack(&packed, bytes.unwrap_or(0), start, length));
    let payload_is_damaged = matches!(payload, Some(Err(_)));
    Ok(Some(Stored { entry, payload: payload.and_then(Result::ok), payload_is_damaged }))
}

/// The sealed originals of a record.
pub(super) fn sealed(connection: &Connection, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
    if version(connection)? < SEALS_SINCE {
        return Ok(None);
    }
    let mut statement =
        connection.prepare_cached("SELECT bytes FROM sealed WHERE id = ?1").map_err(database)?;
    statement.query_row([id], |row| row.get(0)).optional().map_err(database)
}

/// The entry of a row that begins with [`columns`]; `None` where it is damaged. What entries share is read once for a search.
fn entry(
    row: &rusqlite::Row<'_>,
    environment: &str,
    connection: &Connection,
    shared: &mut Map<i64, Option<Entry>>,
) -> Option<Entry> {
    let text = |n| row.get_ref(n).ok()?.as_str_or_null().ok();
    let number = |n| u64::try_from(row.get_ref(n).ok()?.as_i64().ok()?).ok();
    let entry = match row.get_ref(3).ok()?.as_i64_or_null().ok()? {
        None => Entry::read_shared(text(0)??)?,
        Some(id) => Entry {
            duration_us: number(4)?,
            request_bytes: number(5)?,
            reply_bytes: number(6)?,
            trace: text(7)?.map(str::to_owned),
            ..shared.entry(id).or_insert_with(|| read_shared(connection, id)).clone()?
        },
    };
    Some(Entry {
        id: text(2)??.to_owned(),
        started_ms: number(1)?,
        environment: environment.to_owned(),
        ..entry
    })
}

fn read_shared(connection: &Connection, id: i64) -> Option<Entry> {
    let mut statement = connection.prepare_cached("SELECT entry FROM shared WHERE id = ?1").ok()?;
    let read = |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_str().ok().and_then(Entry::read_shared));
    statement.query_row([id], read).ok()?
}

/// What an entry is made from, in a file of a version.
fn columns(version: i64) -> &'static str {
    match version {
        SHARED_SINCE.. => {
            "record.entry, record.started_ms, record.id, record.shared, duration_us, request_bytes, reply_bytes, trace"
        }
        _ => "record.entry, record.started_ms, record.id, NULL, 0, 0, 0, NULL",
    }
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(database)
}

fn unpack(packed: &[u8], bytes: i64, start: i64, length: i64) -> Result<StoredPayload, StoreError> {
    let small = |n: i64| usize::try_from(n).map_err(|_| StoreError::Broken);
    let block = zstd::bulk::decompress(packed, small(bytes)?).map_err(|_| StoreError::Broken)?;
    let (start, length) = (small(start)?, small(length)?);
    let end = start.checked_add(length).ok_or(StoreError::Broken)?;
    let stored = block.get(start..end).ok_or(StoreError::Broken)?;
    StoredPayload::read(stored).ok_or(StoreError::Broken)
}

pub(super) fn create(path: &Path) -> Result<Connection, StoreError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|e| StoreError::File(e.kind()))?;
    }
    let mut connection = Connection::open(path).map_err(database)?;
    connection.busy_handler(Some(look_again)).map_err(database)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(database)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(database)?;
    connection.pragma_update(None, "wal_autocheckpoint", LOG_PAGES_MAX).map_err(database)?;
    if check_version(&connection, SCHEMA_VERSION)? == SCHEMA_VERSION {
        return Ok(connection);
    }
    // Whole or not at all: a reader may come in between. It waits for another writer from its beginning: one that only
    // becomes a writer half-way is turned away at once.
    let tx = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate).map_err(database)?;
    let earlier = version(&tx)?;
    if (1..SHARED_SINCE).contains(&earlier) {
        tx.execute_batch(ADD_SHARED).map_err(database)?;
    }
    tx.execute_batch(SCHEMA).map_err(database)?;
    if (1..TOKEN_RUNS_SINCE).contains(&earlier) {
        put_tokens_in_runs(&tx)?;
    }
    tx.commit().map_err(database)?;
    Ok(connection)
}

/// What the index of tokens of an earlier version has.
fn put_tokens_in_runs(transaction: &Transaction<'_>) -> Result<(), StoreError> {
    let mut statement = transaction.prepare("SELECT token, id FROM token").map_err(database)?;
    let mut rows = statement.query([]).map_err(database)?;
    let mut pairs = Vec::new();
    while let Some(row) = rows.next().map_err(database)? {
        let number = |n| token_runs::number(row.get_ref(n).ok()?.as_str().ok()?);
        pairs.extend(number(0).zip(number(1)));
        if pairs.len() == PAIRS_AT_ONCE {
            token_runs::add(transaction, &mut pairs)?;
            pairs.clear();
        }
    }
    token_runs::add(transaction, &mut pairs)?;
    drop(rows);
    transaction.execute_batch("DROP TABLE token").map_err(database)
}

/// Waits for another writer, which has the file between its batches alone where it is another process that is drained.
/// SQLite's own wait grows to a tenth of a second, and would miss those moments one after the other.
fn look_again(looks: i32) -> bool {
    let goes_on = looks < BUSY_LOOKS;
    if goes_on {
        std::thread::sleep(BUSY_PAUSE);
    }
    goes_on
}

// Behind `SELECT` and [`columns`].
const WITH_PAYLOAD: &str =
    ", start, length, zstd, bytes FROM record LEFT JOIN block ON block.id = record.block";
const BY_ID: &str = "WHERE started_ms = ?1 AND record.id = ?2";
const BY_TIME: &str = "FROM record WHERE started_ms >= ?1 AND started_ms < ?2 \
    AND (started_ms < ?3 OR (started_ms = ?3 AND id < ?4)) AND ?5 IS NULL ORDER BY started_ms DESC, id DESC";
/// By the index of tokens that versions before [`TOKEN_RUNS_SINCE`] had: as long as there are records with one of them.
const BY_TOKEN: &str = "FROM (SELECT DISTINCT started_ms, id FROM token WHERE token IN (SELECT value FROM json_each(?5)) \
    AND started_ms >= ?1 AND started_ms < ?2 AND (started_ms < ?3 OR (started_ms = ?3 AND id < ?4))) JOIN record USING (started_ms, id) \
    ORDER BY started_ms DESC, id DESC";
/// 1: records, blocks, tokens. 2: and sealed originals. 3: payloads as they read, not as JSON. 4: what entries share apart
/// from them. 5: tokens in runs. A file is brought up when it is written to, and read as it is.
const SCHEMA_VERSION: i64 = 5;
const SEALS_SINCE: i64 = 2;
const SHARED_SINCE: i64 = 4;
const TOKEN_RUNS_SINCE: i64 = 5;
/// To a table of records of an earlier version; those in it have their entry whole.
const ADD_SHARED: &str = "
    ALTER TABLE record ADD COLUMN shared INTEGER;
    ALTER TABLE record ADD COLUMN duration_us INTEGER;
    ALTER TABLE record ADD COLUMN request_bytes INTEGER;
    ALTER TABLE record ADD COLUMN reply_bytes INTEGER;
    ALTER TABLE record ADD COLUMN trace TEXT;
";
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, zstd BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS record (
        started_ms INTEGER NOT NULL, id TEXT NOT NULL, entry TEXT NOT NULL,
        block INTEGER, start INTEGER NOT NULL, length INTEGER NOT NULL,
        shared INTEGER, duration_us INTEGER, request_bytes INTEGER, reply_bytes INTEGER, trace TEXT,
        PRIMARY KEY (started_ms, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS token_run (id INTEGER PRIMARY KEY, pairs INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS token_piece (id INTEGER PRIMARY KEY, pairs BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS shared (id INTEGER PRIMARY KEY, entry TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS sealed (id TEXT PRIMARY KEY, bytes BLOB NOT NULL);
    PRAGMA user_version = 5;
";
/// Negative: KiB, not pages.
const READ_CACHE_KIB: i64 = -256;
/// Of an index that is written anew: 8 MiB.
const PAIRS_AT_ONCE: usize = 262_144;
/// Of a record's id: its time in milliseconds stands above these bits.
const ID_TIME_AT: u32 = 80;
const ID_TIME_MAX: u64 = (1 << 48) - 1;
/// After so many pages in a file's log they are written to their places: 16 MiB. Tokens lie anywhere in their index, and the
/// more of them come together, the fewer pages of it are written.
const LOG_PAGES_MAX: i64 = 4_096;
/// Five seconds.
const BUSY_LOOKS: i32 = if cfg!(test) { 50 } else { 2_500 };
const BUSY_PAUSE: Duration = Duration::from_millis(2);
