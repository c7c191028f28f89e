//! control.db: its file, and API keys; readers' tokens are in `tokens.rs`, test people in `registry.rs`. Credentials are 256 random bits, shown once and stored as keyed hashes.

use super::StoreError;
use super::sqlite::{check_version, database};
use crate::audit::Known;
use crate::secrets::{self, Pepper};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Keys and tokens of a data folder.
pub struct Control {
    connection: Mutex<Connection>,
    pepper: Pepper,
    /// Changes of one's own that a gateway has to take over: SQLite tells those of others alone.
    own_changes: AtomicI64,
}

/// An API key, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// What the key shows of itself.
    pub id: String,
    /// The one environment that it is for.
    pub environment: String,
    /// The caller's name.
    pub name: String,
    /// The caller's role.
    pub role: String,
    /// Keyed hash.
    pub hash: [u8; 32],
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds; `None`: no end.
    pub expires: Option<i64>,
    /// Unix seconds; `None`: not revoked.
    pub revoked: Option<i64>,
}

/// A credential that was drawn and opens nothing yet: its id can be written down before it does.
pub struct Fresh {
    pub(super) id: String,
    pub(super) credential: String,
}

impl Fresh {
    /// An API key to be.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn key() -> Result<Self, StoreError> {
        credential("phk")
    }

    /// A reader's token to be.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn token() -> Result<Self, StoreError> {
        credential("pht")
    }

    /// What it shows of itself.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Control {
    /// Opens the file below `data_dir`, or makes it, but none in the place of one that is lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(data_dir: &Path, pepper: Pepper) -> Result<Self, StoreError> {
        if Self::is_lost(data_dir) {
            return Err(StoreError::ControlLost);
        }
        Self::renew(data_dir, pepper)
    }

    /// Whether there is none, or nothing in it, though the audit tells that there was.
    #[must_use]
    pub fn is_lost(data_dir: &Path) -> bool {
        let has_bytes = |path: &Path| std::fs::metadata(path).is_ok_and(|found| found.len() > 0);
        if has_bytes(&data_dir.join("control.db")) {
            return false;
        }
        let audit = std::fs::read_dir(data_dir.join("audit")).into_iter().flatten().flatten();
        let mut audit = audit.map(|entry| entry.path());
        audit.any(|path| {
            let is_head = path.ends_with("head.json");
            has_bytes(&path) && (is_head || path.extension().is_some_and(|ending| ending == "jsonl"))
        })
    }

    /// How far the audit went, as it was remembered last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn audit_known(&self) -> Result<Known, StoreError> {
        let kept = self.with(|c| {
            c.query_row("SELECT seq, hash FROM audit_end", [], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })?;
        let (seq, hash): (i64, Option<String>) = match kept {
            Some(kept) => kept,
            // Up to version 6, the number alone.
            None => (self.setting("audit_known")?.unwrap_or_default(), None),
        };
        Ok(Known { seq: u64::try_from(seq).unwrap_or_default(), hash })
    }

    /// Remembers it, where it isn't further already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remember_audit(&self, known: &Known) -> Result<(), StoreError> {
        let before = self.audit_known()?;
        // The number alone says less.
        let is_more = known.seq > before.seq || known.seq == before.seq && before.hash.is_none();
        if is_more { self.reset_audit(known) } else { Ok(()) }
    }

    /// Remembers it whatever was remembered: somebody accepted a loss.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reset_audit(&self, known: &Known) -> Result<(), StoreError> {
        let seq = i64::try_from(known.seq).unwrap_or(i64::MAX);
        self.with(|c| {
            c.execute(
                "INSERT OR REPLACE INTO audit_end(only_one, seq, hash) VALUES (1, ?1, ?2)",
                params![seq, known.hash],
            )
        })?;
        Ok(())
    }

    /// Opens the file below `data_dir`, or makes it, whatever was there: somebody said so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn renew(data_dir: &Path, pepper: Pepper) -> Result<Self, StoreError> {
        std::fs::create_dir_all(data_dir).map_err(|e| StoreError::File(e.kind()))?;
        let mut connection = Connection::open(data_dir.join("control.db")).map_err(database)?;
        connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(database)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(database)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(database)?;
        // Commands and a gateway write side by side: each waits for the other from its beginning. One that only becomes a
        // writer half-way is turned away at once.
        connection.set_transaction_behavior(TransactionBehavior::Immediate);
        if check_version(&connection, SCHEMA_VERSION)? < SCHEMA_VERSION {
            upgrade(&connection).map_err(database)?;
        }
        Ok(Self { connection: Mutex::new(connection), pepper, own_changes: AtomicI64::new(0) })
    }

    pub(super) fn with<T>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        f(&self.connection.lock().unwrap_or_else(PoisonError::into_inner)).map_err(database)
    }

    /// Two numbers that change when another connection has changed the file, or this one what a gateway takes over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn version(&self) -> Result<(i64, i64), StoreError> {
        let others = self.with(|c| c.pragma_query_value(None, "data_version", |row| row.get(0)))?;
        Ok((others, self.own_changes.load(Relaxed)))
    }

    pub(super) fn changed(&self) {
        self.own_changes.fetch_add(1, Relaxed);
    }

    /// The keyed hash of a credential.
    #[must_use]
    pub fn hash(&self, credential: &str) -> [u8; 32] {
        self.pepper.hash(credential)
    }

    /// Makes an API key; gives its id and the key itself, which is shown once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create_key(
        &self,
        environment: &str,
        name: &str,
        role: &str,
        now: i64,
        expires: Option<i64>,
    ) -> Result<(String, String), StoreError> {
        let fresh = Fresh::key()?;
        let id = fresh.id().to_owned();
        Ok((id, self.keep_key(fresh, environment, name, role, now, expires)?))
    }

    /// Keeps a key that was drawn before; gives it. It holds from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_key(
        &self,
        fresh: Fresh,
        environment: &str,
        name: &str,
        role: &str,
        now: i64,
        expires: Option<i64>,
    ) -> Result<String, StoreError> {
        let hash = self.pepper.hash(&fresh.credential);
        self.with(|c| {
            c.execute(
                "INSERT INTO api_key(id, environment, name, role, hash, created, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![fresh.id, environment, name, role, hash.as_slice(), now, expires],
            )
        })?;
        Ok(fresh.credential)
    }

    /// Every key, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.with(|c| {
            c.prepare("SELECT id, environment, name, role, hash, created, expires, revoked FROM api_key ORDER BY created, id")?
                .query_map([], |row| {
                    Ok(KeyRow {
                        id: row.get(0)?,
                        environment: row.get(1)?,
                        name: row.get(2)?,
                        role: row.get(3)?,
                        hash: row.get::<_, Vec<u8>>(4)?.try_into().unwrap_or_default(),
                        created: row.get(5)?,
                        expires: row.get(6)?,
                        revoked: row.get(7)?,
                    })
                })?
                .collect()
        })
    }

    /// Whether a key or token has this id and isn't revoked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_revocable(&self, id: &str) -> Result<bool, StoreError> {
        self.with(|c| {
            c.prepare(
                "SELECT 1 FROM api_key WHERE id = ?1 AND revoked IS NULL
                 UNION ALL SELECT 1 FROM reader_token WHERE id = ?1 AND revoked IS NULL",
            )?
            .exists([id])
        })
    }

    /// Revokes a key or token by its id; gives whether there was one that wasn't revoked before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn revoke(&self, id: &str, now: i64) -> Result<bool, StoreError> {
        let changed = self.with(|c| {
            let keys = c.execute(
                "UPDATE api_key SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL",
                params![id, now],
            )?;
            Ok(keys
                + c.execute(
                    "UPDATE reader_token SET revoked = ?2 WHERE id = ?1 AND revoked IS NULL",
                    params![id, now],
                )?)
        })?;
        Ok(changed > 0)
    }
}

/// `prefix_id_secret` with 256 random bits.
fn credential(prefix: &str) -> Result<Fresh, StoreError> {
    let bytes = || secrets::random().map_err(|_| StoreError::Broken);
    let id: String = bytes()?.iter().take(5).map(|b| format!("{b:02x}")).collect();
    // The secret's own alphabet has `_`: it stands last, so that the id ends at the second one.
    let credential = format!("{prefix}_{id}_{}", URL_SAFE_NO_PAD.encode(bytes()?));
    Ok(Fresh { id, credential })
}

/// Makes what a file doesn't have yet, whole or not at all.
fn upgrade(connection: &Connection) -> rusqlite::Result<()> {
    let tx = connection.unchecked_transaction()?;
    tx.execute_batch(SCHEMA)?;
    tx.execute_batch(super::registry::SCHEMA)?;
    super::registry::upgrade(&tx)?;
    tx.execute_batch(super::members::SCHEMA)?;
    tx.execute_batch(super::sealing::SCHEMA)?;
    tx.execute_batch(super::assets::SCHEMA)?;
    tx.execute_batch(super::sign_ins::SCHEMA)?;
    tx.execute_batch(super::suppressions::SCHEMA)?;
    let has_member =
        tx.prepare("SELECT 1 FROM pragma_table_info('reader_token') WHERE name = 'member'")?.exists([])?;
    if !has_member {
        tx.execute_batch("ALTER TABLE reader_token ADD COLUMN member TEXT")?;
    }
    let has_known =
        tx.prepare("SELECT 1 FROM pragma_table_info('reader_token') WHERE name = 'known_to'")?.exists([])?;
    if !has_known {
        tx.execute_batch(
            "ALTER TABLE reader_token ADD COLUMN known_to TEXT NOT NULL DEFAULT '';
             ALTER TABLE reader_token ADD COLUMN below_production INTEGER NOT NULL DEFAULT 0",
        )?;
    }
    let tells_who_knew =
        tx.prepare("SELECT 1 FROM pragma_table_info('sealing') WHERE name = 'known_to'")?.exists([])?;
    if !tells_who_knew {
        tx.execute_batch("ALTER TABLE sealing ADD COLUMN known_to TEXT NOT NULL DEFAULT ''")?;
    }
    tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    tx.commit()
}

/// 1: keys and tokens. 2: and the registry of test people. 3: and members. 4: and sealing, break-glass, assets,
/// promotions and sign-ins. 5: and suppressions. 6: and who else knows a token. 7: and the audit's end with its hash, and
/// what fingerprints have of test people. 8: and who knew the token that sealing was turned on with. Opening brings a file up.
const SCHEMA_VERSION: i64 = 8;
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS api_key (
        id TEXT PRIMARY KEY, environment TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, hash BLOB NOT NULL,
        created INTEGER NOT NULL, expires INTEGER, revoked INTEGER
    );
    CREATE TABLE IF NOT EXISTS reader_token (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, roles TEXT NOT NULL, hash BLOB NOT NULL,
        created INTEGER NOT NULL, expires INTEGER, revoked INTEGER
    );
    CREATE TABLE IF NOT EXISTS audit_end (
        only_one INTEGER PRIMARY KEY CHECK (only_one = 1), seq INTEGER NOT NULL, hash TEXT
    );
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    #[test]
    fn a_lost_file_is_not_begun_anew_unless_somebody_says_so() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let pepper = || Secrets::open_or_create(&data).expect("secrets").pepper;
        std::fs::create_dir_all(data.join("audit")).expect("makes");
        Control::open(&data, pepper()).expect("nothing was there");
        std::fs::write(data.join("audit/head.json"), "{}").expect("writes");
        Control::open(&data, pepper()).expect("it is there");
        let damages: [fn(&Path) -> std::io::Result<()>; 2] =
            [|path| std::fs::remove_file(path), |path| std::fs::write(path, "")];
        for damage in damages {
            damage(&data.join("control.db")).expect("done");
            assert_eq!(Control::open(&data, pepper()).err(), Some(StoreError::ControlLost));
            Control::renew(&data, pepper()).expect("made");
            Control::open(&data, pepper()).expect("it is there");
        }
        // The log tells as much as its head does.
        std::fs::rename(data.join("audit/head.json"), data.join("audit/2026-11.jsonl")).expect("renames");
        std::fs::remove_file(data.join("control.db")).expect("removes");
        assert!(Control::is_lost(&data));
    }

    #[test]
    fn the_audits_end_is_remembered_with_its_hash_and_goes_back_only_where_a_loss_was_accepted() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let pepper = Secrets::open_or_create(&data).expect("secrets").pepper;
        let control = Control::open(&data, pepper).expect("opens");
        let known = |seq, hash: Option<&str>| Known { seq, hash: hash.map(str::to_owned) };
        assert_eq!(control.audit_known(), Ok(Known::default()));
        control.set("audit_known", 7).expect("as version 6 did");
        assert_eq!(control.audit_known(), Ok(known(7, None)));
        for (told, then) in [
            (known(6, Some("a")), known(7, None)),
            (known(7, Some("b")), known(7, Some("b"))),
            (known(7, Some("c")), known(7, Some("b"))),
            (known(9, Some("d")), known(9, Some("d"))),
        ] {
            control.remember_audit(&told).expect("writes");
            assert_eq!(control.audit_known(), Ok(then));
        }
        control.reset_audit(&known(3, Some("e"))).expect("writes");
        assert_eq!(control.audit_known(), Ok(known(3, Some("e"))));
    }

    #[test]
    fn a_start_and_a_change_wait_for_another_writer() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let pepper = || Secrets::open_or_create(&data).expect("secrets").pepper;
        let one = Control::open(&data, pepper()).expect("opens");
        let other = Connection::open(data.join("control.db")).expect("opens");
        let while_written = |f: &mut (dyn FnMut() + Send)| {
            other.execute_batch("BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS other (x)").expect("writes");
            let (told, wait) = std::sync::mpsc::sync_channel::<()>(1);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    f();
                    told.send(()).expect("heard");
                });
                let early = wait.recv_timeout(std::time::Duration::from_millis(200));
                other.execute_batch("COMMIT").expect("ends");
                early
            })
        };
        let _ = while_written(&mut || drop(Control::open(&data, pepper()).expect("opens")));
        let created = while_written(&mut || {
            one.with(|c| {
                let tx = c.unchecked_transaction()?;
                tx.query_row("SELECT count(*) FROM api_key", [], |row| row.get::<_, i64>(0))?;
                tx.execute("DELETE FROM api_key", [])?;
                tx.commit()
            })
            .expect("it waits");
        });
        assert!(created.is_err(), "it waited");
    }

    #[test]
    fn credentials_are_known_until_they_are_revoked_and_never_stored() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let control =
            Control::open(&data, Secrets::open_or_create(&data).expect("secrets").pepper).expect("opens");
        let (id, token) =
            control.create_token("ann", &[("staging".into(), "viewer".into())], 10, Some(100)).expect("made");
        assert_eq!(control.reader(&token, 50).expect("reads").expect("known").name, "ann");
        assert_eq!(control.reader(&token, 100).expect("reads"), None);
        assert_eq!(control.reader("pht_x_y", 50).expect("reads"), None);
        assert!(control.revoke(&id, 60).expect("writes"));
        assert_eq!(control.reader(&token, 61).expect("reads"), None);
        let (_, key) = control.create_key("staging", "lab", "connection", 10, None).expect("made");
        assert_eq!(control.keys().expect("reads")[0].hash, control.hash(&key));
        for file in std::fs::read_dir(&data).expect("reads") {
            let bytes = std::fs::read(file.expect("entry").path()).expect("reads");
            for secret in [&token, &key] {
                assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none());
            }
        }
    }
}
