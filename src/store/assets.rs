//! Assets and promotions in control.db: texts of one environment each, with every version that there ever was.

use super::{Control, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// What names an asset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AssetKey {
    /// `connection`, `rules` or `profile`.
    pub kind: String,
    /// The environment.
    pub environment: String,
    /// The name: one of its kind and environment.
    pub name: String,
}

/// One version of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetVersion {
    /// Which.
    pub key: AssetKey,
    /// From 1 on.
    pub version: i64,
    /// What it says; `None`: it was removed.
    pub text: Option<String>,
    /// Its own cases, as `phigate test` reads them.
    pub tests: String,
    /// What whoever made it says of it.
    pub note: String,
    /// Who made it.
    pub by: String,
    /// Unix seconds.
    pub at: i64,
    /// The asset and version that it was promoted from.
    pub from: Option<(AssetKey, i64)>,
}

/// A promotion, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// Random.
    pub id: String,
    /// What is promoted.
    pub from: AssetKey,
    /// Which version of it.
    pub version: i64,
    /// What it is to be.
    pub to: AssetKey,
    /// The version of that when it was proposed; 0: there was none.
    pub to_version: i64,
    /// The text as it is to be.
    pub text: String,
    /// Why.
    pub reason: String,
    /// The member who proposed it; empty: a machine.
    pub member: String,
    /// Who proposed it.
    pub by: String,
    /// Unix seconds.
    pub at: i64,
    /// `pending`, `promoted` or `declined`.
    pub state: String,
    /// Who decided.
    pub decided_by: Option<String>,
    /// The version that it made.
    pub made: Option<i64>,
}

impl Control {
    /// The newest version of each asset, removed ones too, by key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn assets(&self) -> Result<Vec<AssetVersion>, StoreError> {
        self.with(|c| {
            c.prepare(&format!(
                "{VERSIONS} WHERE seq IN (SELECT max(seq) FROM asset GROUP BY kind, environment, name)
                 ORDER BY kind, environment, name"
            ))?
            .query_map([], version_of)?
            .collect()
        })
    }

    /// A number that changes with every version that is made.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn assets_made(&self) -> Result<i64, StoreError> {
        self.with(|c| c.query_row("SELECT coalesce(max(seq), 0) FROM asset", [], |row| row.get(0)))
    }

    /// Every version of one asset, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn asset(&self, key: &AssetKey) -> Result<Vec<AssetVersion>, StoreError> {
        self.with(|c| {
            c.prepare(&format!(
                "{VERSIONS} WHERE kind = ?1 AND environment = ?2 AND name = ?3 ORDER BY version DESC"
            ))?
            .query_map(params![key.kind, key.environment, key.name], version_of)?
            .collect()
        })
    }

    /// Makes the version that follows on `new.version`; gives whether that still was the newest (0: there was none).
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn make_asset(&self, new: &AssetVersion) -> Result<bool, StoreError> {
        let made = self.with(|c| make(c, new))?;
        if made {
            self.changed();
        }
        Ok(made)
    }

    /// Keeps a proposal; gives its id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn propose_promotion(&self, wanted: &Promotion) -> Result<String, StoreError> {
        let id = super::registry::random_id("pr")?;
        self.with(|c| {
            c.execute(
                "INSERT INTO promotion(id, kind, environment, name, version, to_environment, to_name, to_version, text,
                     reason, member, by, at, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'pending')",
                params![
                    id,
                    wanted.from.kind,
                    wanted.from.environment,
                    wanted.from.name,
                    wanted.version,
                    wanted.to.environment,
                    wanted.to.name,
                    wanted.to_version,
                    wanted.text,
                    wanted.reason,
                    wanted.member,
                    wanted.by,
                    wanted.at,
                ],
            )
        })?;
        Ok(id)
    }

    /// Makes the version that a pending promotion wants; gives whether it was pending, and its target as it was then.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn promote(&self, promotion: &Promotion, by: &str, new: &AssetVersion) -> Result<bool, StoreError> {
        let done = self.with(|c| {
            let tx = c.unchecked_transaction()?;
            let taken = tx.execute(
                "UPDATE promotion SET state = 'promoted', decided_by = ?2, made = ?3 WHERE id = ?1 AND state = 'pending'",
                params![promotion.id, by, new.version + 1],
            )?;
            if taken == 0 || !make(&tx, new)? {
                return Ok(false);
            }
            tx.commit()?;
            Ok(true)
        })?;
        if done {
            self.changed();
        }
        Ok(done)
    }

    /// Declines a pending promotion, or withdraws it; gives whether it was pending.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn decline_promotion(&self, id: &str, by: &str) -> Result<bool, StoreError> {
        let done = self.with(|c| {
            c.execute(
                "UPDATE promotion SET state = 'declined', decided_by = ?2 WHERE id = ?1 AND state = 'pending'",
                params![id, by],
            )
        })?;
        Ok(done > 0)
    }

    /// The newest promotions, up to [`PROMOTIONS_SHOWN`], newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn promotions(&self) -> Result<Vec<Promotion>, StoreError> {
        self.with(|c| promotions(c, None))
    }

    /// One promotion.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn promotion(&self, id: &str) -> Result<Option<Promotion>, StoreError> {
        Ok(self.with(|c| promotions(c, Some(id)))?.pop())
    }
}

fn make(c: &Connection, new: &AssetVersion) -> rusqlite::Result<bool> {
    let key = &new.key;
    let newest: Option<i64> = c
        .query_row(
            "SELECT max(version) FROM asset WHERE kind = ?1 AND environment = ?2 AND name = ?3",
            params![key.kind, key.environment, key.name],
            |row| row.get(0),
        )
        .optional()?
        .flatten();
    if newest.unwrap_or(0) != new.version {
        return Ok(false);
    }
    let (from, from_version) =
        new.from.as_ref().map_or((None, None), |(key, version)| (Some(key), Some(version)));
    c.execute(
        "INSERT INTO asset(kind, environment, name, version, text, tests, note, by, at, from_environment, from_name, from_version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            key.kind,
            key.environment,
            key.name,
            new.version + 1,
            new.text,
            new.tests,
            new.note,
            new.by,
            new.at,
            from.map(|key| &key.environment),
            from.map(|key| &key.name),
            from_version,
        ],
    )?;
    Ok(true)
}

fn version_of(row: &Row<'_>) -> rusqlite::Result<AssetVersion> {
    let kind: String = row.get(0)?;
    let from: (Option<String>, Option<String>, Option<i64>) = (row.get(9)?, row.get(10)?, row.get(11)?);
    let from = match from {
        (Some(environment), Some(name), Some(version)) => {
            Some((AssetKey { kind: kind.clone(), environment, name }, version))
        }
        _ => None,
    };
    Ok(AssetVersion {
        key: AssetKey { kind, environment: row.get(1)?, name: row.get(2)? },
        version: row.get(3)?,
        text: row.get(4)?,
        tests: row.get(5)?,
        note: row.get(6)?,
        by: row.get(7)?,
        at: row.get(8)?,
        from,
    })
}

fn promotions(c: &Connection, id: Option<&str>) -> rusqlite::Result<Vec<Promotion>> {
    c.prepare(
        "SELECT id, kind, environment, name, version, to_environment, to_name, to_version, text, reason, member, by, at,
             state, decided_by, made
         FROM promotion WHERE ?1 IS NULL OR id = ?1 ORDER BY at DESC, rowid DESC LIMIT ?2",
    )?
    .query_map(params![id, PROMOTIONS_SHOWN], |row| {
        let kind: String = row.get(1)?;
        Ok(Promotion {
            id: row.get(0)?,
            from: AssetKey { kind: kind.clone(), environment: row.get(2)?, name: row.get(3)? },
            version: row.get(4)?,
            to: AssetKey { kind, environment: row.get(5)?, name: row.get(6)? },
            to_version: row.get(7)?,
            text: row.get(8)?,
            reason: row.get(9)?,
            member: row.get(10)?,
            by: row.get(11)?,
            at: row.get(12)?,
            state: row.get(13)?,
            decided_by: row.get(14)?,
            made: row.get(15)?,
        })
    })?
    .collect()
}

/// How many are listed.
pub const PROMOTIONS_SHOWN: i64 = 1000;

const VERSIONS: &str = "SELECT kind, environment, name, version, text, tests, note, by, at, from_environment, from_name, \
    from_version FROM asset";

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS asset (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, environment TEXT NOT NULL, name TEXT NOT NULL,
        version INTEGER NOT NULL, text TEXT, tests TEXT NOT NULL, note TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
        from_environment TEXT, from_name TEXT, from_version INTEGER, UNIQUE (kind, environment, name, version)
    );
    CREATE TABLE IF NOT EXISTS promotion (
        id TEXT PRIMARY KEY, kind TEXT NOT NULL, environment TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
        to_environment TEXT NOT NULL, to_name TEXT NOT NULL, to_version INTEGER NOT NULL, text TEXT NOT NULL,
        reason TEXT NOT NULL, member TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, state TEXT NOT NULL,
        decided_by TEXT, made INTEGER
    );
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    #[test]
    fn versions_follow_on_each_other_and_a_promotion_makes_one_once() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let control =
            Control::open(&data, Secrets::open_or_create(&data).expect("secrets").pepper).expect("opens");
        let key = |environment: &str| AssetKey {
            kind: "rules".to_owned(),
            environment: environment.to_owned(),
            name: "site".to_owned(),
        };
        let new = |environment, version, text: Option<&str>, from| AssetVersion {
            key: key(environment),
            version,
            text: text.map(str::to_owned),
            tests: String::new(),
            note: String::new(),
            by: "ann".to_owned(),
            at: 10,
            from,
        };
        let (before, seen) = (control.version().expect("reads"), control.assets_made().expect("reads"));
        assert_eq!(control.make_asset(&new("staging", 0, Some("one"), None)), Ok(true));
        assert_eq!(control.make_asset(&new("staging", 0, Some("other"), None)), Ok(false));
        assert_eq!(control.make_asset(&new("staging", 1, Some("two"), None)), Ok(true));
        assert!(control.version().expect("reads") != before && control.assets_made().expect("reads") != seen);
        let versions = control.asset(&key("staging")).expect("reads");
        assert_eq!(versions.iter().map(|v| v.version).collect::<Vec<_>>(), [2, 1]);
        let wanted = Promotion {
            id: String::new(),
            from: key("staging"),
            version: 2,
            to: key("production"),
            to_version: 0,
            text: "two".to_owned(),
            reason: "ticket".to_owned(),
            member: "mb_1".to_owned(),
            by: "ann".to_owned(),
            at: 10,
            state: "pending".to_owned(),
            decided_by: None,
            made: None,
        };
        let id = control.propose_promotion(&wanted).expect("writes");
        let pending = control.promotion(&id).expect("reads").expect("there");
        assert_eq!(pending, Promotion { id: id.clone(), ..wanted });
        let made = new("production", 0, Some("two"), Some((key("staging"), 2)));
        assert_eq!(control.promote(&pending, "bob", &made), Ok(true));
        assert_eq!(control.promote(&pending, "bob", &made), Ok(false), "once");
        assert_eq!(control.decline_promotion(&id, "bob"), Ok(false));
        let done = control.promotion(&id).expect("reads").expect("there");
        assert_eq!((&*done.state, done.made, done.decided_by.as_deref()), ("promoted", Some(1), Some("bob")));
        let now = control.assets().expect("reads");
        assert_eq!(now[0], AssetVersion { version: 1, ..made });
        assert_eq!(control.make_asset(&new("production", 1, None, None)), Ok(true));
        assert_eq!(control.assets().expect("reads")[0].text, None, "removed, and still told");
    }
}
