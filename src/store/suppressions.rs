//! Suppressions in control.db: accepted false positives, with who asked, who approved and until when.

use super::{Control, StoreError};
use rusqlite::{Row, params};

/// A suppression, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SuppressionRow {
    /// Random.
    pub id: String,
    /// The environment that it is for.
    pub environment: String,
    /// The connection; empty: all of the environment.
    pub connection: String,
    /// The rule whose findings count for nothing.
    pub rule: String,
    /// The place without indices; empty: everywhere.
    pub place: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The member who asked for it; empty: a machine.
    pub member: String,
    /// Who asked for it.
    pub by: String,
    /// Unix seconds.
    pub at: i64,
    /// Unix seconds; from then on it holds no more.
    pub until: i64,
    /// `pending`, `approved`, or `ended`: declined, withdrawn or taken back.
    pub state: String,
    /// Who approved it, or ended it.
    pub decided_by: Option<String>,
}

impl Control {
    /// Keeps a wish; gives its id, or `None` where there are [`SUPPRESSIONS_MAX`] already that may hold.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn propose_suppression(&self, wanted: &SuppressionRow) -> Result<Option<String>, StoreError> {
        let id = super::registry::random_id("sp")?;
        let made = self.with(|c| {
            c.execute(
                "INSERT INTO suppression(id, environment, connection, rule, place, reason, owner, member, by, at, until, state)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'pending'
                 WHERE (SELECT count(*) FROM suppression WHERE state <> 'ended' AND until > ?10) < ?12",
                params![
                    id,
                    wanted.environment,
                    wanted.connection,
                    wanted.rule,
                    wanted.place,
                    wanted.reason,
                    wanted.owner,
                    wanted.member,
                    wanted.by,
                    wanted.at,
                    wanted.until,
                    SUPPRESSIONS_MAX,
                ],
            )
        })?;
        Ok((made > 0).then_some(id))
    }

    /// Has a pending one hold; gives whether it was pending and its time isn't over.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn approve_suppression(&self, id: &str, by: &str, now: i64) -> Result<bool, StoreError> {
        let done = self.with(|c| {
            c.execute(
                "UPDATE suppression SET state = 'approved', decided_by = ?2 WHERE id = ?1 AND state = 'pending' AND until > ?3",
                params![id, by, now],
            )
        })?;
        self.took(done)
    }

    /// Ends one that is pending or approved; gives whether it was.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_suppression(&self, id: &str, by: &str) -> Result<bool, StoreError> {
        let done = self.with(|c| {
            c.execute(
                "UPDATE suppression SET state = 'ended', decided_by = ?2 WHERE id = ?1 AND state <> 'ended'",
                params![id, by],
            )
        })?;
        self.took(done)
    }

    /// The newest, up to [`SUPPRESSIONS_SHOWN`], newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn suppressions(&self) -> Result<Vec<SuppressionRow>, StoreError> {
        self.with(|c| {
            c.prepare(&format!("{ROWS} ORDER BY seq DESC LIMIT ?1"))?
                .query_map([SUPPRESSIONS_SHOWN], row_of)?
                .collect()
        })
    }

    /// One of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn suppression(&self, id: &str) -> Result<Option<SuppressionRow>, StoreError> {
        let found: Vec<SuppressionRow> =
            self.with(|c| c.prepare(&format!("{ROWS} WHERE id = ?1"))?.query_map([id], row_of)?.collect())?;
        Ok(found.into_iter().next())
    }

    /// Those that hold at `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn suppressing(&self, now: i64) -> Result<Vec<SuppressionRow>, StoreError> {
        self.with(|c| {
            c.prepare(&format!("{ROWS} WHERE state = 'approved' AND until > ?1 ORDER BY seq"))?
                .query_map([now], row_of)?
                .collect()
        })
    }

    /// Tells the gateway where something changed.
    fn took(&self, rows: usize) -> Result<bool, StoreError> {
        if rows > 0 {
            self.changed();
        }
        Ok(rows > 0)
    }
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<SuppressionRow> {
    Ok(SuppressionRow {
        id: row.get(0)?,
        environment: row.get(1)?,
        connection: row.get(2)?,
        rule: row.get(3)?,
        place: row.get(4)?,
        reason: row.get(5)?,
        owner: row.get(6)?,
        member: row.get(7)?,
        by: row.get(8)?,
        at: row.get(9)?,
        until: row.get(10)?,
        state: row.get(11)?,
        decided_by: row.get(12)?,
    })
}

const ROWS: &str =
    "SELECT id, environment, connection, rule, place, reason, owner, member, by, at, until, state, decided_by
    FROM suppression";

/// Pending ones and those that hold, of all environments.
pub const SUPPRESSIONS_MAX: i64 = 1000;
/// In a list.
pub const SUPPRESSIONS_SHOWN: i64 = 2000;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS suppression (
        seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, environment TEXT NOT NULL, connection TEXT NOT NULL,
        rule TEXT NOT NULL, place TEXT NOT NULL, reason TEXT NOT NULL, owner TEXT NOT NULL, member TEXT NOT NULL,
        by TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL, state TEXT NOT NULL, decided_by TEXT
    );
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    #[test]
    fn one_holds_from_its_approval_to_its_end_or_its_time() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let control =
            Control::open(&data, Secrets::open_or_create(&data).expect("secrets").pepper).expect("opens");
        let wanted = SuppressionRow {
            environment: "staging".to_owned(),
            rule: "text.mrn".to_owned(),
            at: 100,
            until: 200,
            ..SuppressionRow::default()
        };
        let id = control.propose_suppression(&wanted).expect("writes").expect("room");
        let holds = |now| control.suppressing(now).expect("reads").len();
        let before = control.version().expect("reads");
        assert_eq!(
            (holds(150), control.approve_suppression(&id, "bob", 200)),
            (0, Ok(false)),
            "its time is over"
        );
        assert_eq!(control.approve_suppression(&id, "bob", 150), Ok(true));
        assert_ne!(control.version().expect("reads"), before, "a gateway takes it over");
        assert_eq!(control.approve_suppression(&id, "eve", 150), Ok(false), "once");
        assert_eq!((holds(199), holds(200)), (1, 0));
        assert_eq!(control.end_suppression(&id, "ann"), Ok(true));
        assert_eq!((holds(150), control.end_suppression(&id, "ann")), (0, Ok(false)));
        let kept = control.suppression(&id).expect("reads").expect("there");
        assert_eq!((kept.state.as_str(), kept.decided_by.as_deref()), ("ended", Some("ann")));
        assert_eq!(control.approve_suppression(&id, "bob", 150), Ok(false), "what was ended stays so");
        assert_eq!(control.suppression("sp_0"), Ok(None));
        // Ended ones and those whose time is over take no room.
        for _ in 0..SUPPRESSIONS_MAX {
            assert!(control.propose_suppression(&wanted).expect("writes").is_some());
        }
        assert_eq!(control.propose_suppression(&wanted), Ok(None));
        let later = SuppressionRow { at: 300, until: 400, ..wanted };
        assert!(control.propose_suppression(&later).expect("writes").is_some());
    }
}
