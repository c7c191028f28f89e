//! Readers' tokens in control.db: looked up by the id that they show, compared by keyed hash, rotated whole or not at all,
//! and forgotten long after their end.

use super::{Control, Fresh, MemberRow, StoreError};
use rusqlite::{Connection, OptionalExtension, Row, params};
use subtle::ConstantTimeEq;

/// A reader's token, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// What the token shows of itself.
    pub id: String,
    /// The reader.
    pub name: String,
    /// Environments and the role in each; of a member's token those that the member has now.
    pub roles: Vec<(String, String)>,
    /// The member whose it is; `None` for a token with roles of its own.
    pub member: Option<String>,
    /// The member's role in the organization.
    pub org_role: Option<String>,
    /// Unix seconds.
    pub created: i64,
    /// Unix seconds; `None`: no end.
    pub expires: Option<i64>,
    /// Unix seconds; `None`: not revoked.
    pub revoked: Option<i64>,
    /// Who else knows it.
    pub known: Known,
}

/// Who knows a token besides whoever has it, and what it doesn't give for that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Members who made it for another, and those who know the token that they made it with.
    pub to: Vec<String>,
    /// Whether it gives no role in production: who made it may not act there.
    pub below_production: bool,
}

impl Known {
    /// Whether this member knows it.
    #[must_use]
    pub fn is_to(&self, member: &str) -> bool {
        self.to.iter().any(|known| known == member)
    }
}

/// What a token gives, and until when.
#[derive(Debug, Clone, Default)]
pub struct NewToken<'t> {
    /// The reader, as the audit shows it.
    pub name: &'t str,
    /// Environments and the role in each; none for a member's.
    pub roles: &'t [(String, String)],
    /// The member whose it is.
    pub member: Option<&'t str>,
    /// Unix seconds; `None`: no end.
    pub expires: Option<i64>,
    /// Who else knows it.
    pub known: Known,
}

/// When a token ends that comes in the place of another. Unix seconds; `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Then, whatever the other's end.
    Asked(Option<i64>),
    /// Then, and with the other at the latest.
    WithTheOld(Option<i64>),
}

/// A token in the place of another.
#[derive(Clone, PartialEq, Eq)]
pub struct Rotated {
    /// Its id.
    pub id: String,
    /// Itself: shown once.
    pub token: String,
    /// Unix seconds; `None`: no end.
    pub expires: Option<i64>,
}

impl Control {
    /// Makes a reader's token; gives its id and the token itself, which is shown once.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create_token(
        &self,
        name: &str,
        roles: &[(String, String)],
        now: i64,
        expires: Option<i64>,
    ) -> Result<(String, String), StoreError> {
        let fresh = Fresh::token()?;
        let id = fresh.id().to_owned();
        Ok((id, self.keep_token(fresh, &NewToken { name, roles, expires, ..NewToken::default() }, now)?))
    }

    /// Makes a token that has whatever roles its member has when it is used.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create_member_token(
        &self,
        member: &MemberRow,
        now: i64,
        expires: Option<i64>,
    ) -> Result<(String, String), StoreError> {
        self.create_known_token(member, now, expires, Known::default())
    }

    /// The same, of one that others know.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create_known_token(
        &self,
        member: &MemberRow,
        now: i64,
        expires: Option<i64>,
        known: Known,
    ) -> Result<(String, String), StoreError> {
        let fresh = Fresh::token()?;
        let id = fresh.id().to_owned();
        let new = NewToken { name: &member.name, roles: &[], member: Some(&member.id), expires, known };
        Ok((id, self.keep_token(fresh, &new, now)?))
    }

    /// Keeps a token that was drawn before; gives it. It holds from now on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn keep_token(&self, fresh: Fresh, new: &NewToken<'_>, now: i64) -> Result<String, StoreError> {
        let hash = self.hash(&fresh.credential);
        let roles = serde_json::to_string(new.roles).map_err(|_| StoreError::Broken)?;
        self.with(|c| {
            let tx = c.unchecked_transaction()?;
            insert(&tx, &fresh.id, &hash, &roles, new, now)?;
            tx.commit()
        })?;
        Ok(fresh.credential)
    }

    /// Every token, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.with(|c| c.prepare(&format!("{ROW} ORDER BY created, id"))?.query_map([], row)?.collect())
    }

    /// One token by its id, whether or not it holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn token(&self, id: &str) -> Result<Option<TokenRow>, StoreError> {
        self.with(|c| c.prepare_cached(&format!("{ROW} WHERE id = ?1"))?.query_row([id], row).optional())
    }

    /// The reader of a token; unknown, wrong, expired and revoked look the same, and take as long.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reader(&self, token: &str, now: i64) -> Result<Option<TokenRow>, StoreError> {
        let hash = self.hash(token);
        let id = token.split('_').nth(1).unwrap_or_default();
        let found: Option<(Vec<u8>, bool)> = self.with(|c| {
            c.prepare_cached(
                "SELECT hash, revoked IS NULL AND (expires IS NULL OR ?2 < expires) FROM reader_token WHERE id = ?1",
            )?
            .query_row(params![id, now], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
        })?;
        // Where there is none, with what is nobody's hash: whoever asks can't tell the difference.
        let (stored, holds) = found.unwrap_or_default();
        let stored: [u8; 32] = stored.try_into().unwrap_or_default();
        if !(bool::from(hash.ct_eq(&stored)) && holds) {
            return Ok(None);
        }
        // A member's roles are those of now, whatever they were when the token was made.
        let Some(mut row) = self.token(id)? else { return Ok(None) };
        if let Some(member) = &row.member {
            let Some(member) = self.member(member)? else { return Ok(None) };
            if self.is_signed_out(&member.id, now)? {
                return Ok(None);
            }
            row.roles = member.roles;
            row.org_role = Some(member.org_role);
        }
        Ok(Some(row))
    }

    /// Makes a token in the place of another, which ends after `overlap` seconds: both or neither. `None` where the other
    /// doesn't hold any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn rotate_token(
        &self,
        id: &str,
        now: i64,
        overlap: i64,
        until: Until,
    ) -> Result<Option<Rotated>, StoreError> {
        let fresh = Fresh::token()?;
        let hash = self.hash(&fresh.credential);
        self.with(|c| {
            let tx = c.unchecked_transaction()?;
            let old = tx
                .query_row(
                    &format!("{ROW} WHERE id = ?1 AND revoked IS NULL AND (expires IS NULL OR ?2 < expires)"),
                    params![id, now],
                    |at| Ok((row(at)?, at.get::<_, String>(2)?)),
                )
                .optional()?;
            let Some((old, roles)) = old else { return Ok(None) };
            let expires = match until {
                Until::Asked(at) => at,
                Until::WithTheOld(at) => earliest(at, old.expires),
            };
            // Whoever knows the old one may be who asks.
            let (name, member, known) = (&old.name, old.member.as_deref(), old.known);
            let new = NewToken { name, roles: &[], member, expires, known };
            insert(&tx, &fresh.id, &hash, &roles, &new, now)?;
            tx.execute(
                "UPDATE reader_token SET expires = min(coalesce(expires, ?2), ?2) WHERE id = ?1",
                params![id, now.saturating_add(overlap)],
            )?;
            tx.commit()?;
            Ok(Some(Rotated { id: fresh.id.clone(), token: fresh.credential.clone(), expires }))
        })
    }
}

/// The earlier of two ends, where `None` is none.
#[must_use]
pub fn earliest(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    [one, other].into_iter().flatten().min()
}

/// Writes a row, and forgets those whose end is long past. `roles` is JSON.
fn insert(
    c: &Connection,
    id: &str,
    hash: &[u8; 32],
    roles: &str,
    new: &NewToken<'_>,
    now: i64,
) -> rusqlite::Result<()> {
    c.execute(
        "DELETE FROM reader_token WHERE coalesce(min(revoked, expires), revoked, expires) < ?1",
        [now.saturating_sub(KEPT_SECONDS)],
    )?;
    c.execute(
        "INSERT INTO reader_token(id, name, roles, hash, created, expires, member, known_to, below_production)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            id, new.name, roles, hash.as_slice(), now, new.expires, new.member, new.known.to.join(" "),
            new.known.below_production
        ],
    )
    .map(drop)
}

fn row(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    let roles: String = row.get(2)?;
    Ok(TokenRow {
        id: row.get(0)?,
        name: row.get(1)?,
        // Unreadable: none.
        roles: serde_json::from_str(&roles).unwrap_or_default(),
        member: row.get(6)?,
        org_role: None,
        created: row.get(3)?,
        expires: row.get(4)?,
        revoked: row.get(5)?,
        known: Known {
            // Ids have no blanks.
            to: row.get::<_, String>(7)?.split_whitespace().map(str::to_owned).collect(),
            below_production: row.get(8)?,
        },
    })
}

const ROW: &str =
    "SELECT id, name, roles, created, expires, revoked, member, known_to, below_production FROM reader_token";
/// How long a token is listed behind its end: 90 days.
const KEPT_SECONDS: i64 = 90 * 86_400;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    fn control(dir: &std::path::Path) -> Control {
        let data = dir.join("data");
        Control::open(&data, Secrets::open_or_create(&data).expect("secrets").pepper).expect("opens")
    }

    fn roles() -> Vec<(String, String)> {
        vec![("staging".to_owned(), "viewer".to_owned())]
    }

    #[test]
    fn a_rotated_token_holds_for_the_overlap() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(dir.path());
        let (id, old) = control.create_token("ann", &roles(), 0, None).expect("made");
        let fresh = control.rotate_token(&id, 100, 50, Until::WithTheOld(None));
        let fresh = fresh.expect("rotates").expect("holds");
        let known = |token: &str, now| control.reader(token, now).expect("reads").map(|row| row.roles);
        assert_eq!((known(&old, 149), known(&old, 150)), (Some(roles()), None));
        assert_eq!((known(&fresh.token, 1000), fresh.expires), (Some(roles()), None));
        assert!(control.rotate_token(&id, 150, 50, Until::Asked(None)).expect("asks").is_none());
    }

    #[test]
    fn a_rotated_token_ends_with_the_old_one_unless_it_may_outlive_it() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(dir.path());
        for (until, ends) in [
            (Until::WithTheOld(None), Some(500)),
            (Until::WithTheOld(Some(900)), Some(500)),
            (Until::WithTheOld(Some(200)), Some(200)),
            (Until::Asked(Some(900)), Some(900)),
            (Until::Asked(None), None),
        ] {
            let (id, _) = control.create_token("ann", &roles(), 0, Some(500)).expect("made");
            let fresh = control.rotate_token(&id, 100, 50, until).expect("rotates").expect("holds");
            assert_eq!(fresh.expires, ends, "{until:?}");
            assert_eq!(control.token(&fresh.id).expect("reads").expect("there").expires, ends, "{until:?}");
            // The old one has a new end; whoever has it makes nothing of it that outlives that.
            let again = control.rotate_token(&id, 120, 50, Until::WithTheOld(None));
            assert_eq!(again.expect("rotates").expect("holds").expires, Some(150));
        }
    }

    #[test]
    fn who_knows_a_token_knows_what_comes_in_its_place() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(dir.path());
        let id = control.create_member("ann", "member", 1).expect("made").expect("new");
        let member = control.member(&id).expect("reads").expect("there");
        let known = Known { to: vec!["mb_1".to_owned(), "mb_2".to_owned()], below_production: true };
        let (id, _) = control.create_known_token(&member, 0, None, known.clone()).expect("made");
        let fresh = control.rotate_token(&id, 100, 50, Until::Asked(None)).expect("rotates").expect("holds");
        for id in [&id, &fresh.id] {
            assert_eq!(control.token(id).expect("reads").expect("there").known, known);
        }
        assert!(known.is_to("mb_2") && !known.is_to("mb_"));
        let own = control.create_member_token(&member, 0, None).expect("made").0;
        assert_eq!(control.token(&own).expect("reads").expect("there").known, Known::default());
    }

    #[test]
    fn a_rotation_that_fails_half_way_changes_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(dir.path());
        let (id, old) = control.create_token("ann", &roles(), 0, None).expect("made");
        let trigger = "CREATE TRIGGER no BEFORE UPDATE ON reader_token BEGIN SELECT raise(ABORT, 'no'); END";
        control.with(|c| c.execute_batch(trigger)).expect("made");
        assert!(control.rotate_token(&id, 100, 50, Until::Asked(None)).is_err());
        assert_eq!(control.tokens().expect("reads").len(), 1);
        assert!(control.reader(&old, 1000).expect("reads").is_some());
    }

    #[test]
    fn a_token_is_known_by_all_of_it_and_not_by_the_id_that_it_shows() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(dir.path());
        let (ann, token) = control.create_token("ann", &roles(), 0, None).expect("made");
        let (bob, other) = control.create_token("bob", &roles(), 0, None).expect("made");
        let known = |token: &str| control.reader(token, 5).expect("reads").map(|row| row.name);
        assert_eq!((known(&token).as_deref(), known(&other).as_deref()), (Some("ann"), Some("bob")));
        for wrong in [
            token.replace(&ann, &bob),
            token.replace("pht_", "phk_"),
            format!("{token}x"),
            format!("pht_{ann}_"),
            format!("pht_{ann}"),
            ann.clone(),
            "__".to_owned(),
            String::new(),
        ] {
            assert_eq!(known(&wrong), None, "{wrong}");
        }
        // A row whose hash can't be read is nobody's.
        control.with(|c| c.execute("UPDATE reader_token SET hash = x''", [])).expect("written");
        assert_eq!(known(&token), None);
    }

    #[test]
    fn rows_are_forgotten_long_after_their_end_and_no_sooner() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(dir.path());
        let make =
            |name: &str, now, expires| control.create_token(name, &roles(), now, expires).expect("made").0;
        let revoked = make("revoked", 0, None);
        make("expired", 0, Some(1000));
        make("lasts", 0, None);
        make("expires", 0, Some(KEPT_SECONDS * 3));
        assert!(control.revoke(&revoked, 900).expect("writes"));
        let names = || {
            let mut names: Vec<String> =
                control.tokens().expect("reads").into_iter().map(|t| t.name).collect();
            names.sort();
            names
        };
        make("new", 900 + KEPT_SECONDS, None);
        assert_eq!(names(), ["expired", "expires", "lasts", "new", "revoked"]);
        make("new2", 1001 + KEPT_SECONDS, None);
        assert_eq!(names(), ["expires", "lasts", "new", "new2"]);
    }
}
