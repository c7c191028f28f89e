//! Sealing of connections and break-glass in control.db: who turned it on and when; who asked for originals, why, what
//! became of it, and who looked at it behind that. Nothing of the originals is here.

use super::{Control, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Whether a connection's originals are sealed, as it was last set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingRow {
    /// Connection by name.
    pub connection: String,
    /// Its environment.
    pub environment: String,
    /// Whether they are.
    pub is_on: bool,
    /// The member who set it so.
    pub member: String,
    /// That member's name.
    pub name: String,
    /// Members who know the token that it was done with: they may have done it.
    pub known_to: Vec<String>,
    /// Unix seconds.
    pub at: i64,
    /// Counts changes of all connections.
    pub version: i64,
}

/// What a break-glass is asked for.
#[derive(Debug, Clone)]
pub struct GlassWish {
    /// The environment.
    pub environment: String,
    /// The member's id.
    pub member: String,
    /// The member's name.
    pub name: String,
    /// The member's role there.
    pub role: String,
    /// Ids of the records.
    pub records: Vec<String>,
    /// Why.
    pub reason: String,
    /// Where it is written down.
    pub ticket: String,
    /// For how long.
    pub minutes: u32,
    /// Fields at most.
    pub reveals_max: u32,
}

/// A break-glass, as it is kept.
#[derive(Debug, Clone)]
pub struct Glass {
    /// Random.
    pub id: String,
    /// What was asked for.
    pub wish: GlassWish,
    /// How far it is.
    pub state: GlassState,
    /// Unix seconds.
    pub opened: i64,
    /// When it ended or ends by itself, Unix seconds.
    pub ends: i64,
    /// Fields that were shown.
    pub reveals: u32,
    /// Who looked at it, what they found, and when; `None`: nobody yet.
    pub review: Option<Review>,
}

/// What somebody else said of a break-glass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The reviewer's name.
    pub by: String,
    /// `justified` or `not_justified`.
    pub outcome: String,
    /// Free text.
    pub note: String,
    /// Unix seconds.
    pub at: i64,
}

/// How far a break-glass is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlassState {
    /// Asked for; the notice isn't delivered yet.
    Opening,
    /// Fields can be shown.
    Open,
    /// Over; stands for review.
    Ended,
    /// The notice couldn't be delivered: it never opened, and needs no review.
    Failed,
}

/// What became of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opening {
    /// Noted under this id.
    Noted(String),
    /// Another of that environment is open, or awaits review.
    Awaits(String),
}

impl GlassState {
    const ALL: [Self; 4] = [Self::Opening, Self::Open, Self::Ended, Self::Failed];

    /// The word, as it is stored and answered.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Open => "open",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

impl Control {
    /// How sealing stands for every connection that it was ever turned on for, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sealing(&self) -> Result<Vec<SealingRow>, StoreError> {
        self.with(|c| {
            c.prepare(
                "SELECT connection, environment, is_on, member, name, at, seq, known_to FROM sealing
                 WHERE seq IN (SELECT max(seq) FROM sealing GROUP BY connection) ORDER BY connection",
            )?
            .query_map([], |row| {
                Ok(SealingRow {
                    connection: row.get(0)?,
                    environment: row.get(1)?,
                    is_on: row.get(2)?,
                    member: row.get(3)?,
                    name: row.get(4)?,
                    at: row.get(5)?,
                    version: row.get(6)?,
                    // Ids have no blanks.
                    known_to: row.get::<_, String>(7)?.split_whitespace().map(str::to_owned).collect(),
                })
            })?
            .collect()
        })
    }

    /// Turns a connection's sealing on or off, if it still stands at `row.version` (0: it was never set). Gives whether it
    /// did.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_sealing(&self, row: &SealingRow) -> Result<bool, StoreError> {
        let changed = self.with(|c| {
            c.execute(
                "INSERT INTO sealing(connection, environment, is_on, member, name, at, known_to)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?8 WHERE ?7 = coalesce((SELECT max(seq) FROM sealing WHERE connection = ?1), 0)",
                params![
                    row.connection, row.environment, row.is_on, row.member, row.name, row.at, row.version,
                    row.known_to.join(" ")
                ],
            )
        })?;
        if changed > 0 {
            self.changed();
        }
        Ok(changed > 0)
    }

    /// Whether a member, by id and name, turned sealing on in an environment since a time, or may have: whoever leaves and is
    /// a member again has another id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn turned_sealing_on(
        &self,
        (member, name): (&str, &str),
        environment: &str,
        since: i64,
    ) -> Result<bool, StoreError> {
        self.with(|c| {
            c.prepare(
                "SELECT 1 FROM sealing WHERE environment = ?2 AND is_on = 1 AND at > ?3
                 AND (member = ?1 OR lower(name) = lower(?4) OR instr(' ' || known_to || ' ', ' ' || ?1 || ' ') > 0)",
            )?
            .exists(params![member, environment, since, name])
        })
    }

    /// Notes a wish, where no other of its environment is open or awaits review.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn begin_glass(&self, wish: &GlassWish, now: i64) -> Result<Opening, StoreError> {
        let id = super::registry::random_id("bg")?;
        let records = serde_json::to_string(&wish.records).map_err(|_| StoreError::Broken)?;
        self.with(|c| {
            let tx = c.unchecked_transaction()?;
            let other: Option<String> = tx
                .query_row(
                    "SELECT id FROM break_glass WHERE environment = ?1 AND state <> 'failed' AND reviewed IS NULL",
                    [&wish.environment],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(other) = other {
                return Ok(Opening::Awaits(other));
            }
            tx.execute(
                "INSERT INTO break_glass(id, environment, member, name, role, records, reason, ticket, minutes, reveals_max,
                     reveals, state, opened, ends)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 'opening', ?11, ?12)",
                params![
                    id,
                    wish.environment,
                    wish.member,
                    wish.name,
                    wish.role,
                    records,
                    wish.reason,
                    wish.ticket,
                    wish.minutes,
                    wish.reveals_max,
                    now,
                    now + i64::from(wish.minutes) * 60,
                ],
            )?;
            tx.commit()?;
            Ok(Opening::Noted(id.clone()))
        })
    }

    /// Brings one from a state to another; gives whether it was there. What ends, ends at `now`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn move_glass(
        &self,
        id: &str,
        from: GlassState,
        to: GlassState,
        now: i64,
    ) -> Result<bool, StoreError> {
        let ends = matches!(to, GlassState::Ended).then_some(now);
        let moved = self.with(|c| {
            c.execute(
                "UPDATE break_glass SET state = ?3, ends = min(ends, coalesce(?4, ends)) WHERE id = ?1 AND state = ?2",
                params![id, from.as_str(), to.as_str(), ends],
            )
        })?;
        Ok(moved > 0)
    }

    /// Ends all that are open: whoever starts anew doesn't know how long they still had.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn end_all_glass(&self, now: i64) -> Result<usize, StoreError> {
        self.with(|c| {
            c.execute("UPDATE break_glass SET state = 'failed' WHERE state = 'opening'", [])?;
            c.execute(
                "UPDATE break_glass SET state = 'ended', ends = min(ends, ?1) WHERE state = 'open'",
                [now],
            )
        })
    }

    /// Has fail what has been opening for more than `seconds_max`, or from a time that is still to come: nobody is at it
    /// any more. Gives how many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn fail_stuck_glass(&self, now: i64, seconds_max: i64) -> Result<usize, StoreError> {
        self.with(|c| {
            c.execute(
                "UPDATE break_glass SET state = 'failed' WHERE state = 'opening' AND abs(opened - ?1) > ?2",
                [now, seconds_max],
            )
        })
    }

    /// Counts one reveal, durably; gives whether there was one left.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count_reveal(&self, id: &str) -> Result<bool, StoreError> {
        let counted = self.with(|c| {
            c.execute(
                "UPDATE break_glass SET reveals = reveals + 1 WHERE id = ?1 AND state = 'open' AND reveals < reveals_max",
                [id],
            )
        })?;
        Ok(counted > 0)
    }

    /// Keeps what somebody else said of one that is over; gives whether it awaited that.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn review_glass(&self, id: &str, review: &Review) -> Result<bool, StoreError> {
        let changed = self.with(|c| {
            c.execute(
                "UPDATE break_glass SET reviewed_by = ?2, outcome = ?3, note = ?4, reviewed = ?5
                 WHERE id = ?1 AND state = 'ended' AND reviewed IS NULL AND name <> ?2",
                params![id, review.by, review.outcome, review.note, review.at],
            )
        })?;
        Ok(changed > 0)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn glass(&self, id: &str) -> Result<Option<Glass>, StoreError> {
        Ok(self.with(|c| glasses(c, Some(id)))?.pop())
    }

    /// The newest, up to [`GLASS_SHOWN`], newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn glasses(&self) -> Result<Vec<Glass>, StoreError> {
        self.with(|c| glasses(c, None))
    }
}

fn glasses(c: &Connection, id: Option<&str>) -> rusqlite::Result<Vec<Glass>> {
    c.prepare(
        "SELECT id, environment, member, name, role, records, reason, ticket, minutes, reveals_max, state, opened, ends,
             reveals, reviewed_by, outcome, note, reviewed
         FROM break_glass WHERE ?1 IS NULL OR id = ?1 ORDER BY opened DESC, rowid DESC LIMIT ?2",
    )?
    .query_map(params![id, GLASS_SHOWN], glass_of)?
    .collect()
}

fn glass_of(row: &Row<'_>) -> rusqlite::Result<Glass> {
    let (records, state): (String, String) = (row.get(5)?, row.get(10)?);
    let reviewed: Option<i64> = row.get(17)?;
    let review = match reviewed {
        Some(at) => Some(Review { by: row.get(14)?, outcome: row.get(15)?, note: row.get(16)?, at }),
        None => None,
    };
    Ok(Glass {
        id: row.get(0)?,
        wish: GlassWish {
            environment: row.get(1)?,
            member: row.get(2)?,
            name: row.get(3)?,
            role: row.get(4)?,
            // Unreadable: of no record.
            records: serde_json::from_str(&records).unwrap_or_default(),
            reason: row.get(6)?,
            ticket: row.get(7)?,
            minutes: row.get(8)?,
            reveals_max: row.get(9)?,
        },
        // A word of a later version is one that nothing can be shown by.
        state: GlassState::ALL.into_iter().find(|s| s.as_str() == state).unwrap_or(GlassState::Ended),
        opened: row.get(11)?,
        ends: row.get(12)?,
        reveals: row.get(13)?,
        review,
    })
}

/// How many are listed.
pub const GLASS_SHOWN: i64 = 1000;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS sealing (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, connection TEXT NOT NULL, environment TEXT NOT NULL, is_on INTEGER NOT NULL,
        member TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS break_glass (
        id TEXT PRIMARY KEY, environment TEXT NOT NULL, member TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
        records TEXT NOT NULL, reason TEXT NOT NULL, ticket TEXT NOT NULL, minutes INTEGER NOT NULL,
        reveals_max INTEGER NOT NULL, reveals INTEGER NOT NULL, state TEXT NOT NULL, opened INTEGER NOT NULL,
        ends INTEGER NOT NULL, reviewed_by TEXT, outcome TEXT, note TEXT, reviewed INTEGER
    );
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    fn control(dir: &tempfile::TempDir) -> Control {
        let data = dir.path().join("data");
        Control::open(&data, Secrets::open_or_create(&data).expect("secrets").pepper).expect("opens")
    }

    fn wish(environment: &str) -> GlassWish {
        GlassWish {
            environment: environment.to_owned(),
            member: "mb_1".to_owned(),
            name: "ann".to_owned(),
            role: "support".to_owned(),
            records: vec!["r-1".to_owned()],
            reason: "ticket".to_owned(),
            ticket: "T-1".to_owned(),
            minutes: 15,
            reveals_max: 2,
        }
    }

    fn noted(control: &Control, now: i64) -> String {
        match control.begin_glass(&wish("production"), now).expect("writes") {
            Opening::Noted(id) => id,
            Opening::Awaits(id) => panic!("{id} stands in its way"),
        }
    }

    #[test]
    fn none_is_new_in_an_environment_until_somebody_else_reviewed_the_last() {
        use GlassState::{Ended, Failed, Open, Opening as Begun};
        let dir = tempfile::tempdir().expect("dir");
        let control = control(&dir);
        let failed = noted(&control, 100);
        assert_eq!(control.begin_glass(&wish("production"), 100), Ok(Opening::Awaits(failed.clone())));
        assert!(matches!(control.begin_glass(&wish("other"), 100), Ok(Opening::Noted(_))));
        assert_eq!(control.move_glass(&failed, Begun, Failed, 100), Ok(true));
        let id = noted(&control, 100);
        assert_eq!(control.count_reveal(&id), Ok(false), "it isn't open yet");
        assert_eq!(control.move_glass(&id, Begun, Open, 100), Ok(true));
        let counted: Vec<bool> = (0..3).map(|_| control.count_reveal(&id).expect("writes")).collect();
        assert_eq!(counted, [true, true, false]);
        let review = |by: &str| Review {
            by: by.to_owned(),
            outcome: "justified".into(),
            note: String::new(),
            at: 300,
        };
        assert_eq!(control.review_glass(&id, &review("bob")), Ok(false), "it is still open");
        assert_eq!(control.move_glass(&id, Open, Ended, 200), Ok(true));
        assert_eq!(control.count_reveal(&id), Ok(false));
        assert_eq!(control.begin_glass(&wish("production"), 250), Ok(Opening::Awaits(id.clone())));
        assert_eq!(control.review_glass(&id, &review("ann")), Ok(false), "not one's own");
        assert_eq!(control.review_glass(&id, &review("bob")), Ok(true));
        assert_eq!(control.review_glass(&id, &review("eve")), Ok(false), "once");
        let kept = control.glass(&id).expect("reads").expect("there");
        assert_eq!((kept.ends, kept.reveals, kept.review.map(|r| r.by)), (200, 2, Some("bob".to_owned())));
        noted(&control, 400);
    }

    #[test]
    fn a_new_start_ends_what_is_open() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(&dir);
        let id = noted(&control, 100);
        control.move_glass(&id, GlassState::Opening, GlassState::Open, 100).expect("writes");
        assert_eq!(control.end_all_glass(130), Ok(1));
        let kept = control.glass(&id).expect("reads").expect("there");
        assert_eq!((kept.state, kept.ends), (GlassState::Ended, 130));
    }

    #[test]
    fn what_has_been_opening_for_too_long_fails_and_stands_in_nobodys_way() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(&dir);
        let id = noted(&control, 100);
        assert_eq!(control.fail_stuck_glass(160, 60), Ok(0), "somebody may still be at it");
        assert_eq!(control.fail_stuck_glass(161, 60), Ok(1));
        assert_eq!(control.glass(&id).expect("reads").expect("there").state, GlassState::Failed);
        let id = noted(&control, 1000);
        assert_eq!(control.fail_stuck_glass(900, 60), Ok(1), "the clock was set back");
        let id2 = noted(&control, 100);
        assert_eq!(control.move_glass(&id2, GlassState::Opening, GlassState::Open, 100), Ok(true));
        assert_eq!(control.fail_stuck_glass(1000, 60), Ok(0), "it opened");
        assert_ne!(id, id2);
    }

    #[test]
    fn sealing_is_set_from_the_version_that_was_read_and_remembers_who_turned_it_on() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(&dir);
        let row = |is_on, version| SealingRow {
            connection: "lab".to_owned(),
            environment: "production".to_owned(),
            is_on,
            member: "mb_1".to_owned(),
            name: "ann".to_owned(),
            known_to: vec!["mb_7".to_owned()],
            at: 100,
            version,
        };
        let before = control.version().expect("reads");
        assert_eq!(control.set_sealing(&row(true, 0)), Ok(true));
        assert_ne!(control.version().expect("reads"), before, "a gateway takes it over");
        assert_eq!(control.set_sealing(&row(false, 0)), Ok(false));
        let version = control.sealing().expect("reads")[0].version;
        assert_eq!(control.set_sealing(&row(false, version)), Ok(true));
        assert!(!control.sealing().expect("reads")[0].is_on);
        let by = |member, name, environment, since| {
            control.turned_sealing_on((member, name), environment, since).expect("reads")
        };
        assert!(by("mb_1", "x", "production", 99) && !by("mb_1", "x", "production", 100));
        assert!(!by("mb_2", "x", "production", 0) && !by("mb_1", "x", "other", 0));
        assert!(by("mb_9", "Ann", "production", 0), "the same under another id");
        assert!(by("mb_7", "x", "production", 0) && !by("mb_", "x", "production", 0), "who knows the token");
    }
}
