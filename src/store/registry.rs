//! The registry of test people in control.db: who they are by keyed hashes alone, who proposed and who approved them.
//! Beside it, what the gateway remembers of people that it refused or keeps seeing, so that they can be proposed.

use super::{Control, StoreError};
use crate::inspect::finding::Person;
use crate::inspect::known::{Print, Tag};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Tuples of one person, each with the word of what agrees.
pub type Tags = Vec<(String, Tag)>;

/// What a person is remembered by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Tuples that a listing has.
    pub tags: Tags,
    /// What fingerprints of the person would be.
    pub prints: Vec<Print>,
}

impl Marks {
    /// Those of somebody in a message.
    #[must_use]
    pub fn of(person: &Person) -> Self {
        let tags = person.tags.iter().map(|(word, tag)| ((*word).to_owned(), *tag)).collect();
        Self { tags, prints: person.prints.clone() }
    }
}

/// A person to be proposed.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Who it is.
    pub marks: Marks,
    /// Where the person comes from: `file:` and the start of its hash, `request:` and its id, `learned:` and a connection.
    pub source: String,
    /// Who proposes.
    pub added_by: String,
    /// Unix seconds.
    pub expires: i64,
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposed {
    /// Waits for a second person's approval, under this id.
    Pending(String),
    /// Stands in the registry already, pending or approved.
    Already,
    /// The registry has as many people as it may.
    Full,
}

/// A registered person, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestPerson {
    /// Random.
    pub id: String,
    /// As in [`Proposal`].
    pub source: String,
    /// Who proposed.
    pub added_by: String,
    /// Who approved; `None`: pending, clears nothing.
    pub approved_by: Option<String>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds.
    pub expires: i64,
    /// How many tuples of each kind, in words.
    pub tuples: String,
}

/// What became of an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approved {
    /// Counts from now on.
    Yes,
    /// Whoever proposed can't approve.
    SamePerson,
    /// There is no such id that is pending.
    Unknown,
}

/// Something to remember of a message.
#[derive(Debug, Clone)]
pub enum Note {
    /// A refusal told this id of its heaviest person.
    Refused {
        /// Random: tells nothing.
        id: String,
        /// The person.
        marks: Marks,
    },
    /// A connection sent an unknown person so many times.
    Seen {
        /// The connection.
        connection: String,
        /// The person.
        marks: Marks,
        /// How often, since the last time.
        times: u32,
    },
}

impl Control {
    /// What would become of a proposal, and under which id: nothing is changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn proposable(&self, person: &Proposal, now: i64) -> Result<Proposed, StoreError> {
        let people_max = self.people_max()?;
        let id = random_id("tp")?;
        self.with(|c| would_be(c, &id, person, people_max, now))
    }

    /// Proposes a person under an id of [`Control::proposable`]; nothing is cleared by that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn propose(&self, id: &str, person: &Proposal, now: i64) -> Result<Proposed, StoreError> {
        let people_max = self.people_max()?;
        self.with(|c| {
            let tx = c.unchecked_transaction()?;
            tx.execute("DELETE FROM test_tuple WHERE person IN (SELECT id FROM test_person WHERE expires <= ?1)", [now])?;
            tx.execute("DELETE FROM test_person WHERE expires <= ?1", [now])?;
            let outcome = would_be(&tx, id, person, people_max, now)?;
            if outcome == Proposed::Pending(id.to_owned()) {
                tx.execute(
                    "INSERT INTO test_person(id, source, added_by, created, expires, prints) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        id,
                        person.source,
                        person.added_by,
                        now,
                        person.expires,
                        packed_prints(&person.marks.prints)
                    ],
                )?;
                for (kind, tag) in &person.marks.tags {
                    tx.execute(
                        "INSERT OR IGNORE INTO test_tuple(tag, person, kind) VALUES (?1, ?2, ?3)",
                        params![tag.0.as_slice(), id, kind],
                    )?;
                }
            }
            tx.commit()?;
            Ok(outcome)
        })
    }

    /// What would become of an approval, and what fingerprints of the person would be.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn approvable(&self, id: &str, by: &str, now: i64) -> Result<(Approved, Vec<Print>), StoreError> {
        let found: Option<(String, Option<Vec<u8>>)> = self.with(|c| {
            c.query_row(
                "SELECT added_by, prints FROM test_person WHERE id = ?1 AND approved_by IS NULL AND expires > ?2",
                params![id, now],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
        })?;
        let Some((added_by, prints)) = found else { return Ok((Approved::Unknown, Vec::new())) };
        let prints = unpacked_prints(&prints.unwrap_or_default());
        Ok(match added_by.eq_ignore_ascii_case(by) {
            true => (Approved::SamePerson, prints),
            false => (Approved::Yes, prints),
        })
    }

    /// Approves a pending person. Who approves isn't who proposed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn approve(&self, id: &str, by: &str, now: i64) -> Result<Approved, StoreError> {
        let (approved, _) = self.approvable(id, by, now)?;
        if approved == Approved::Yes {
            self.with(|c| {
                c.execute(
                    "UPDATE test_person SET approved_by = ?2, approved = ?3 WHERE id = ?1 AND approved_by IS NULL",
                    params![id, by, now],
                )
            })?;
        }
        Ok(approved)
    }

    /// Takes a person out; gives whether there was one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove_person(&self, id: &str) -> Result<bool, StoreError> {
        self.with(|c| {
            let tx = c.unchecked_transaction()?;
            tx.execute("DELETE FROM test_tuple WHERE person = ?1", [id])?;
            let removed = tx.execute("DELETE FROM test_person WHERE id = ?1", [id])?;
            tx.commit()?;
            Ok(removed > 0)
        })
    }

    /// Every registered person, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn test_people(&self) -> Result<Vec<TestPerson>, StoreError> {
        self.with(|c| {
            c.prepare(
                "SELECT id, source, added_by, approved_by, created, expires,
                     (SELECT group_concat(kind || ' ' || n, ', ') FROM
                         (SELECT kind, count(*) AS n FROM test_tuple WHERE person = p.id GROUP BY kind ORDER BY kind))
                 FROM test_person p ORDER BY created, id",
            )?
            .query_map([], |row| {
                Ok(TestPerson {
                    id: row.get(0)?,
                    source: row.get(1)?,
                    added_by: row.get(2)?,
                    approved_by: row.get(3)?,
                    created: row.get(4)?,
                    expires: row.get(5)?,
                    tuples: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
                })
            })?
            .collect()
        })
    }

    /// Tuples of approved people that haven't expired, each with its end in Unix seconds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn listed(&self, now: i64) -> Result<Vec<(Tag, i64)>, StoreError> {
        self.with(|c| {
            c.prepare(
                "SELECT t.tag, max(p.expires) FROM test_tuple t JOIN test_person p ON p.id = t.person
                 WHERE p.approved_by IS NOT NULL AND p.expires > ?1 GROUP BY t.tag",
            )?
            .query_map([now], |row| Ok((tag(row.get(0)?), row.get(1)?)))?
            .collect()
        })
    }

    /// How many people the registry may have.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn people_max(&self) -> Result<i64, StoreError> {
        Ok(self.setting("people_max")?.unwrap_or(PEOPLE_MAX))
    }

    /// A number that gateway and commands share.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn setting(&self, name: &str) -> Result<Option<i64>, StoreError> {
        self.with(|c| {
            c.query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| row.get(0)).optional()
        })
    }

    /// Sets it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set(&self, name: &str, value: i64) -> Result<(), StoreError> {
        self.with(|c| {
            c.execute("INSERT OR REPLACE INTO setting(name, value) VALUES (?1, ?2)", params![name, value])
        })?;
        Ok(())
    }

    /// Keeps notes; the oldest beyond [`NOTES_MAX`] of a kind go, and those over their time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remember(&self, notes: &[Note], now: i64) -> Result<(), StoreError> {
        self.with(|c| {
            let tx = c.unchecked_transaction()?;
            for note in notes {
                match note {
                    Note::Refused { id, marks } => {
                        tx.execute(
                            "INSERT OR IGNORE INTO refused_person(id, tags, at, prints) VALUES (?1, ?2, ?3, ?4)",
                            params![id, packed(&marks.tags), now, packed_prints(&marks.prints)],
                        )?;
                    }
                    Note::Seen { connection, marks, times } => {
                        let Some((_, first)) = marks.tags.first() else { continue };
                        let prints = packed_prints(&marks.prints);
                        tx.execute(
                            "INSERT INTO seen_person(connection, tag, tags, times, first, last, prints) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)
                             ON CONFLICT(connection, tag) DO UPDATE SET times = times + ?4, last = ?5, tags = ?3, prints = ?6",
                            params![connection, first.0.as_slice(), packed(&marks.tags), times, now, prints],
                        )?;
                    }
                }
            }
            tidy(&tx, now)?;
            tx.commit()
        })
    }

    /// The person behind an id that a refusal told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refused_person(&self, id: &str, now: i64) -> Result<Option<Marks>, StoreError> {
        self.with(|c| {
            c.query_row(
                "SELECT tags, prints FROM refused_person WHERE id = ?1 AND at > ?2",
                params![id, now - REFUSED_SECONDS],
                marks,
            )
            .optional()
        })
    }

    /// Unknown people that a connection sent at least so many times, most often first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn seen_people(
        &self,
        connection: &str,
        times: u32,
        now: i64,
    ) -> Result<Vec<(Marks, u32)>, StoreError> {
        self.with(|c| {
            c.prepare(
                "SELECT tags, prints, times FROM seen_person WHERE connection = ?1 AND times >= ?2 AND last > ?3 ORDER BY times DESC",
            )?
            .query_map(params![connection, times, now - SEEN_SECONDS], |row| {
                Ok((marks(row)?, row.get(2)?))
            })?
            .collect()
        })
    }

    /// Connections whose unknown people are counted.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn seen_connections(&self) -> Result<Vec<String>, StoreError> {
        self.with(|c| {
            c.prepare("SELECT DISTINCT connection FROM seen_person ORDER BY connection")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }
}

/// What becomes of a proposal of this id, beside those that haven't expired.
fn would_be(
    c: &Connection,
    id: &str,
    person: &Proposal,
    people_max: i64,
    now: i64,
) -> rusqlite::Result<Proposed> {
    let mut known = c.prepare(
        "SELECT 1 FROM test_tuple t JOIN test_person p ON p.id = t.person WHERE t.tag = ?1 AND p.expires > ?2",
    )?;
    let mut all_known = true;
    for (_, tag) in &person.marks.tags {
        all_known &= known.exists(params![tag.0.as_slice(), now])?;
    }
    if all_known {
        return Ok(Proposed::Already);
    }
    let count: i64 =
        c.query_row("SELECT count(*) FROM test_person WHERE expires > ?1", [now], |row| row.get(0))?;
    Ok(if count >= people_max { Proposed::Full } else { Proposed::Pending(id.to_owned()) })
}

/// The first two columns: tags and prints.
fn marks(row: &Row<'_>) -> rusqlite::Result<Marks> {
    let prints: Option<Vec<u8>> = row.get(1)?;
    Ok(Marks {
        tags: unpacked(&row.get::<_, Vec<u8>>(0)?),
        prints: unpacked_prints(&prints.unwrap_or_default()),
    })
}

fn tidy(c: &Connection, now: i64) -> rusqlite::Result<()> {
    c.execute("DELETE FROM refused_person WHERE at <= ?1", [now - REFUSED_SECONDS])?;
    c.execute("DELETE FROM seen_person WHERE last <= ?1", [now - SEEN_SECONDS])?;
    c.execute(
        "DELETE FROM refused_person WHERE rowid IN (SELECT rowid FROM refused_person ORDER BY rowid DESC LIMIT -1 OFFSET ?1)",
        [NOTES_MAX],
    )?;
    c.execute(
        "DELETE FROM seen_person WHERE rowid IN (SELECT rowid FROM seen_person ORDER BY last DESC, rowid DESC LIMIT -1 OFFSET ?1)",
        [NOTES_MAX],
    )?;
    Ok(())
}

/// An id that tells nothing: `prefix_` and 64 random bits.
///
/// # Errors
/// [`StoreError::Broken`]: the system gives no random bytes.
pub fn random_id(prefix: &str) -> Result<String, StoreError> {
    let bytes = crate::secrets::random().map_err(|_| StoreError::Broken)?;
    Ok(bytes.iter().take(8).fold(format!("{prefix}_"), |id, b| format!("{id}{b:02x}")))
}

/// A word's length, the word, the hash; one after the other.
fn packed(tags: &Tags) -> Vec<u8> {
    let mut out = Vec::new();
    for (word, tag) in tags {
        out.push(u8::try_from(word.len()).unwrap_or(0));
        out.extend(word.bytes().take(usize::from(u8::try_from(word.len()).unwrap_or(0))));
        out.extend(tag.0);
    }
    out
}

fn unpacked(mut bytes: &[u8]) -> Tags {
    let mut out = Vec::new();
    while let Some((length, rest)) = bytes.split_first() {
        let Some((word, rest)) = rest.split_at_checked(usize::from(*length)) else { break };
        let Some((tag, rest)) = rest.split_first_chunk::<32>() else { break };
        out.push((String::from_utf8_lossy(word).into_owned(), Tag(*tag)));
        bytes = rest;
    }
    out
}

/// A key's id and a hash, one after the other.
fn packed_prints(prints: &[Print]) -> Vec<u8> {
    prints.iter().flat_map(|print| print.key.into_iter().chain(print.tag.0)).collect()
}

fn unpacked_prints(mut bytes: &[u8]) -> Vec<Print> {
    let mut out = Vec::new();
    while let Some((key, rest)) = bytes.split_first_chunk::<8>() {
        let Some((tag, rest)) = rest.split_first_chunk::<32>() else { break };
        out.push(Print { key: *key, tag: Tag(*tag) });
        bytes = rest;
    }
    out
}

/// Adds what earlier versions' tables don't have.
pub(super) fn upgrade(connection: &Connection) -> rusqlite::Result<()> {
    for table in ["test_person", "refused_person", "seen_person"] {
        let has_prints = connection
            .prepare("SELECT 1 FROM pragma_table_info(?1) WHERE name = 'prints'")?
            .exists([table])?;
        if !has_prints {
            connection.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN prints BLOB"))?;
        }
    }
    Ok(())
}

/// A stored hash; one of another length agrees with nobody.
fn tag(bytes: Vec<u8>) -> Tag {
    Tag(bytes.try_into().unwrap_or_default())
}

/// People that the registry may have where nothing else is configured.
pub const PEOPLE_MAX: i64 = 10_000;
/// Notes of each kind that are kept.
pub const NOTES_MAX: i64 = 10_000;
/// How long the id of a refusal leads to its person.
const REFUSED_SECONDS: i64 = 86_400;
/// How long an unknown person is remembered after the last time it was sent.
const SEEN_SECONDS: i64 = 30 * 86_400;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS test_person (
        id TEXT PRIMARY KEY, source TEXT NOT NULL, added_by TEXT NOT NULL, approved_by TEXT,
        created INTEGER NOT NULL, approved INTEGER, expires INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS test_tuple (
        tag BLOB NOT NULL, person TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (tag, person)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS test_tuple_person ON test_tuple(person);
    CREATE TABLE IF NOT EXISTS refused_person (id TEXT PRIMARY KEY, tags BLOB NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE IF NOT EXISTS seen_person (
        connection TEXT NOT NULL, tag BLOB NOT NULL, tags BLOB NOT NULL, times INTEGER NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (connection, tag)
    );
    CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    fn control(dir: &tempfile::TempDir) -> Control {
        let data = dir.path().join("data");
        Control::open(&data, Secrets::open_or_create(&data).expect("secrets").pepper).expect("opens")
    }

    fn marks(n: u8) -> Marks {
        let print = |key: u8| Print { key: [key; 8], tag: Tag([n; 32]) };
        Marks { tags: vec![("name-birth".to_owned(), Tag([n; 32]))], prints: vec![print(1), print(2)] }
    }

    fn person(n: u8, added_by: &str) -> Proposal {
        Proposal {
            marks: marks(n),
            source: "file:abc".to_owned(),
            added_by: added_by.to_owned(),
            expires: 1000,
        }
    }

    fn pending(control: &Control, n: u8) -> String {
        let Ok(Proposed::Pending(id)) = control.proposable(&person(n, "ann"), 10) else {
            panic!("not taken")
        };
        assert_eq!(control.propose(&id, &person(n, "ann"), 10), Ok(Proposed::Pending(id.clone())));
        id
    }

    #[test]
    fn a_pending_person_counts_once_somebody_else_approved_and_until_it_expires() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(&dir);
        let id = pending(&control, 1);
        assert_eq!(control.propose("tp_2", &person(1, "bob"), 10), Ok(Proposed::Already));
        assert_eq!(control.listed(10).expect("reads"), []);
        assert_eq!(control.approve(&id, "ANN", 11), Ok(Approved::SamePerson));
        assert_eq!(control.listed(11).expect("reads"), []);
        assert_eq!(control.approvable(&id, "bob", 11), Ok((Approved::Yes, marks(1).prints)));
        assert_eq!(control.approve(&id, "bob", 11), Ok(Approved::Yes));
        assert_eq!(control.approve(&id, "bob", 11), Ok(Approved::Unknown));
        assert_eq!(control.listed(999).expect("reads"), [(Tag([1; 32]), 1000)]);
        assert_eq!(control.listed(1000).expect("reads"), []);
        assert!(control.remove_person(&id).expect("writes") && !control.remove_person(&id).expect("writes"));
    }

    #[test]
    fn the_registry_ends_at_its_limit_and_an_expired_person_makes_room() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(&dir);
        control.set("people_max", 2).expect("writes");
        pending(&control, 1);
        pending(&control, 2);
        assert_eq!(control.proposable(&person(3, "ann"), 10), Ok(Proposed::Full));
        assert_eq!(control.propose("tp_3", &person(3, "ann"), 10), Ok(Proposed::Full));
        let later = Proposal { expires: 5000, ..person(3, "ann") };
        assert!(matches!(control.proposable(&later, 1000), Ok(Proposed::Pending(_))));
        assert_eq!(control.test_people().expect("reads").len(), 2, "asking changes nothing");
        assert_eq!(control.propose("tp_3", &later, 1000), Ok(Proposed::Pending("tp_3".to_owned())));
        assert_eq!(control.test_people().expect("reads").len(), 1);
    }

    #[test]
    fn notes_are_kept_for_their_time_and_up_to_their_number() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(&dir);
        let mut marks = marks(7);
        marks.tags.push(("name-birth".to_owned(), Tag([8; 32])));
        let seen = Note::Seen { connection: "lab".to_owned(), marks: marks.clone(), times: 2 };
        let refused = |id: String| Note::Refused { id, marks: marks.clone() };
        control.remember(&[seen.clone(), seen, refused("a".to_owned())], 10).expect("writes");
        assert_eq!(control.refused_person("a", 11), Ok(Some(marks.clone())));
        assert_eq!(control.refused_person("a", 10 + REFUSED_SECONDS), Ok(None));
        assert_eq!(control.seen_people("lab", 4, 11), Ok(vec![(marks.clone(), 4)]));
        assert_eq!(control.seen_connections(), Ok(vec!["lab".to_owned()]));
        assert_eq!(control.seen_people("lab", 5, 11), Ok(vec![]));
        assert_eq!(control.seen_people("other", 1, 11), Ok(vec![]));
        let many: Vec<Note> = (0..NOTES_MAX).map(|n| refused(format!("r{n}"))).collect();
        control.remember(&many, 12).expect("writes");
        assert_eq!(control.refused_person("a", 12), Ok(None), "the oldest makes room");
        assert!(control.refused_person("r0", 12).expect("reads").is_some());
    }

    #[test]
    fn a_file_of_the_first_version_is_brought_up_with_its_keys() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        std::fs::create_dir_all(&data).expect("made");
        let _ = Secrets::open_or_create(&data).expect("made at its first start");
        let old = Connection::open(data.join("control.db")).expect("opens");
        old.execute_batch(
            "CREATE TABLE api_key (id TEXT PRIMARY KEY, environment TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
                hash BLOB NOT NULL, created INTEGER NOT NULL, expires INTEGER, revoked INTEGER);
             CREATE TABLE reader_token (id TEXT PRIMARY KEY, name TEXT NOT NULL, roles TEXT NOT NULL, hash BLOB NOT NULL,
                created INTEGER NOT NULL, expires INTEGER, revoked INTEGER);
             INSERT INTO api_key VALUES ('a', 'staging', 'lab', 'connection', zeroblob(32), 1, NULL, NULL);
             PRAGMA user_version = 1;",
        )
        .expect("an old file");
        drop(old);
        let control = control(&dir);
        assert_eq!(control.keys().expect("reads")[0].name, "lab");
        pending(&control, 1);
        let version: i64 =
            control.with(|c| c.pragma_query_value(None, "user_version", |r| r.get(0))).expect("reads");
        assert_eq!(version, 8);
        assert_eq!((control.sealing(), control.assets()), (Ok(Vec::new()), Ok(Vec::new())));
        assert_eq!(control.suppressions(), Ok(Vec::new()));
    }
}
