//! Members of the organization in control.db: people, one role in the organization each, at most one in each
//! environment. A member's version counts its changes, so that two who change it at once don't undo each other.

use super::{Control, StoreError};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// A member, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Random.
    pub id: String,
    /// As the audit shows it; nobody else's.
    pub name: String,
    /// In the organization.
    pub org_role: String,
    /// Environments and the role in each.
    pub roles: Vec<(String, String)>,
    /// Unix seconds.
    pub created: i64,
    /// Changes since it was made.
    pub version: i64,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It holds.
    Yes,
    /// Somebody changed the member since it was read.
    Stale,
    /// There is no such member.
    Unknown,
    /// An organization without an owner could never have one again.
    LastOwner,
}

impl Control {
    /// Makes a member; `None` where the name is somebody's.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn create_member(&self, name: &str, org_role: &str, now: i64) -> Result<Option<String>, StoreError> {
        let id = super::registry::random_id("mb")?;
        let made = self.with(|c| {
            c.execute(
                "INSERT OR IGNORE INTO member(id, name, org_role, created, version) \
                 SELECT ?1, ?2, ?3, ?4, 1 WHERE NOT EXISTS (SELECT 1 FROM member WHERE lower(name) = lower(?2))",
                params![id, name, org_role, now],
            )
        })?;
        Ok((made > 0).then_some(id))
    }

    /// Every member, by name.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn members(&self) -> Result<Vec<MemberRow>, StoreError> {
        self.with(|c| rows(c, None))
    }

    /// One member.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn member(&self, id: &str) -> Result<Option<MemberRow>, StoreError> {
        Ok(self.with(|c| rows(c, Some(id)))?.pop())
    }

    /// Gives a member another role in the organization, if it is still at this version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_org_role(&self, id: &str, role: &str, version: i64) -> Result<Changed, StoreError> {
        self.change(id, version, |tx| {
            if role != OWNER && is_last_owner(tx, id)? {
                return Ok(Changed::LastOwner);
            }
            tx.execute("UPDATE member SET org_role = ?2 WHERE id = ?1", params![id, role])?;
            Ok(Changed::Yes)
        })
    }

    /// Gives a member a role in an environment, or takes it, if it is still at this version.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn set_environment_role(
        &self,
        id: &str,
        environment: &str,
        role: Option<&str>,
        version: i64,
    ) -> Result<Changed, StoreError> {
        self.change(id, version, |tx| {
            match role {
                Some(role) => tx.execute(
                    "INSERT OR REPLACE INTO membership(member, environment, role) VALUES (?1, ?2, ?3)",
                    params![id, environment, role],
                )?,
                None => tx.execute(
                    "DELETE FROM membership WHERE member = ?1 AND environment = ?2",
                    params![id, environment],
                )?,
            };
            Ok(Changed::Yes)
        })
    }

    /// Removes a member with its roles, and revokes its tokens.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove_member(&self, id: &str, version: i64, now: i64) -> Result<Changed, StoreError> {
        self.change(id, version, |tx| {
            if is_last_owner(tx, id)? {
                return Ok(Changed::LastOwner);
            }
            tx.execute("DELETE FROM membership WHERE member = ?1", [id])?;
            tx.execute("DELETE FROM sign_in WHERE member = ?1", [id])?;
            tx.execute("DELETE FROM member WHERE id = ?1", [id])?;
            tx.execute(
                "UPDATE reader_token SET revoked = ?2 WHERE member = ?1 AND revoked IS NULL",
                params![id, now],
            )?;
            Ok(Changed::Yes)
        })
    }

    fn change(
        &self,
        id: &str,
        version: i64,
        f: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Changed>,
    ) -> Result<Changed, StoreError> {
        self.with(|c| {
            let tx = c.unchecked_transaction()?;
            let now: Option<i64> = tx
                .query_row("SELECT version FROM member WHERE id = ?1", [id], |row| row.get(0))
                .optional()?;
            let changed = match now {
                None => Changed::Unknown,
                Some(now) if now != version => Changed::Stale,
                Some(_) => {
                    let changed = f(&tx)?;
                    if changed == Changed::Yes {
                        tx.execute("UPDATE member SET version = version + 1 WHERE id = ?1", [id])?;
                    }
                    changed
                }
            };
            if changed == Changed::Yes {
                tx.commit()?;
            }
            Ok(changed)
        })
    }
}

fn is_last_owner(c: &Connection, id: &str) -> rusqlite::Result<bool> {
    let others: i64 =
        c.query_row("SELECT count(*) FROM member WHERE org_role = 'owner' AND id <> ?1", [id], |row| {
            row.get(0)
        })?;
    let is_owner = c.prepare("SELECT 1 FROM member WHERE id = ?1 AND org_role = 'owner'")?.exists([id])?;
    Ok(is_owner && others == 0)
}

fn rows(c: &Connection, id: Option<&str>) -> rusqlite::Result<Vec<MemberRow>> {
    let mut members: Vec<MemberRow> = c
        .prepare("SELECT id, name, org_role, created, version FROM member WHERE ?1 IS NULL OR id = ?1 ORDER BY name")?
        .query_map([id], |row| {
            Ok(MemberRow {
                id: row.get(0)?,
                name: row.get(1)?,
                org_role: row.get(2)?,
                roles: Vec::new(),
                created: row.get(3)?,
                version: row.get(4)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut roles =
        c.prepare("SELECT environment, role FROM membership WHERE member = ?1 ORDER BY environment")?;
    for member in &mut members {
        member.roles = roles
            .query_map([&member.id], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
    }
    Ok(members)
}

const OWNER: &str = "owner";

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS member (
        id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, org_role TEXT NOT NULL, created INTEGER NOT NULL,
        version INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS membership (
        member TEXT NOT NULL, environment TEXT NOT NULL, role TEXT NOT NULL, PRIMARY KEY (member, environment)
    ) WITHOUT ROWID;
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    fn control(dir: &std::path::Path) -> Control {
        let data = dir.join("data");
        Control::open(&data, Secrets::open_or_create(&data).expect("secrets").pepper).expect("opens")
    }

    #[test]
    fn a_members_token_has_the_roles_that_the_member_has_when_it_is_used() {
        let dir = tempfile::tempdir().expect("dir");
        let control = control(dir.path());
        let id = control.create_member("ann", "owner", 1).expect("made").expect("new");
        for taken in ["ann", "Ann", "ANN"] {
            assert_eq!(control.create_member(taken, "member", 1).expect("asks"), None, "{taken}");
        }
        let member = control.member(&id).expect("reads").expect("there");
        let (_, token) = control.create_member_token(&member, 1, None).expect("made");
        let roles = || control.reader(&token, 5).expect("reads").map(|row| row.roles);
        assert_eq!(roles(), Some(Vec::new()));
        assert_eq!(control.set_environment_role(&id, "staging", Some("viewer"), 1), Ok(Changed::Yes));
        assert_eq!(roles(), Some(vec![("staging".into(), "viewer".into())]));
        assert_eq!(control.set_environment_role(&id, "staging", None, 1), Ok(Changed::Stale));
        assert_eq!(control.set_environment_role("mb_x", "staging", None, 1), Ok(Changed::Unknown));
        assert_eq!(control.remove_member(&id, 2, 5), Ok(Changed::LastOwner));
        assert_eq!(control.set_org_role(&id, "admin", 2), Ok(Changed::LastOwner));
        let other = control.create_member("bob", "owner", 1).expect("made").expect("new");
        assert_eq!(control.remove_member(&id, 2, 5), Ok(Changed::Yes));
        assert_eq!(roles(), None);
        assert_eq!(control.members().expect("reads").len(), 1);
        assert_eq!(control.member(&other).expect("reads").expect("there").version, 1);
    }
}
