//! Who signed in as which member, in control.db: issuer and subject to a member, and until when.

use super::{Control, StoreError};
use rusqlite::{OptionalExtension, params};

/// Somebody who signs in, and what that makes a member.
#[derive(Debug, Clone)]
pub struct SigningIn<'s> {
    /// Who says who it is.
    pub issuer: &'s str,
    /// Who it is there.
    pub subject: &'s str,
    /// The name of a member that is new.
    pub name: &'s str,
    /// The role in the organization; `None`: as it is.
    pub org_role: Option<&'s str>,
    /// Environments, and the role in each that the person has from now on: `None` where there is none.
    pub roles: &'s [(String, Option<String>)],
    /// Unix seconds until which that holds. One that is over at once revokes the member's tokens.
    pub until: i64,
}

impl Control {
    /// The member that a person signed in as before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signed_in_as(&self, issuer: &str, subject: &str) -> Result<Option<String>, StoreError> {
        self.with(|c| {
            c.query_row(
                "SELECT member FROM sign_in WHERE issuer = ?1 AND subject = ?2",
                params![issuer, subject],
                |row| row.get(0),
            )
            .optional()
        })
    }

    /// Makes the member where there is none, gives and takes its roles, and notes until when it is signed in; gives its id.
    /// `None` where the name of a new one is somebody's: whoever that is, it isn't this person.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn sign_in(&self, person: &SigningIn<'_>, now: i64) -> Result<Option<String>, StoreError> {
        let fresh = super::registry::random_id("mb")?;
        self.with(|c| {
            let tx = c.unchecked_transaction()?;
            let known: Option<String> = tx
                .query_row(
                    "SELECT member FROM sign_in WHERE issuer = ?1 AND subject = ?2",
                    params![person.issuer, person.subject],
                    |row| row.get(0),
                )
                .optional()?;
            let id = match known {
                Some(id) => id,
                None => {
                    let made = tx.execute(
                        "INSERT OR IGNORE INTO member(id, name, org_role, created, version) \
                         SELECT ?1, ?2, 'member', ?3, 0 WHERE NOT EXISTS (SELECT 1 FROM member WHERE lower(name) = lower(?2))",
                        params![fresh, person.name, now],
                    )?;
                    if made == 0 {
                        return Ok(None);
                    }
                    fresh
                }
            };
            for (environment, role) in person.roles {
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
            }
            // An owner was made by an owner, and stays one.
            tx.execute(
                "UPDATE member SET version = version + 1,
                     org_role = CASE WHEN org_role = 'owner' THEN org_role ELSE coalesce(?2, org_role) END WHERE id = ?1",
                params![id, person.org_role],
            )?;
            tx.execute(
                "INSERT OR REPLACE INTO sign_in(issuer, subject, member, until) VALUES (?1, ?2, ?3, ?4)",
                params![person.issuer, person.subject, id, person.until],
            )?;
            if person.until <= now {
                tx.execute(
                    "UPDATE reader_token SET revoked = ?2 WHERE member = ?1 AND revoked IS NULL",
                    params![id, now],
                )?;
            }
            tx.commit()?;
            Ok(Some(id))
        })
    }

    /// Whether a member signs in, now or before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn signs_in(&self, member: &str) -> Result<bool, StoreError> {
        self.with(|c| c.prepare("SELECT 1 FROM sign_in WHERE member = ?1")?.exists([member]))
    }

    /// Whether a member's sign-in is over: tokens of one who never signs in have no such end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn is_signed_out(&self, member: &str, now: i64) -> Result<bool, StoreError> {
        let until: Option<i64> = self.with(|c| {
            c.query_row("SELECT max(until) FROM sign_in WHERE member = ?1", [member], |row| row.get(0))
        })?;
        Ok(until.is_some_and(|until| until <= now))
    }
}

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS sign_in (
        issuer TEXT NOT NULL, subject TEXT NOT NULL, member TEXT NOT NULL, until INTEGER NOT NULL,
        PRIMARY KEY (issuer, subject)
    );
    CREATE INDEX IF NOT EXISTS sign_in_member ON sign_in(member);
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;
    use crate::store::Changed;

    #[test]
    fn a_person_is_one_member_whose_roles_and_tokens_hold_as_long_as_the_sign_in() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let control =
            Control::open(&data, Secrets::open_or_create(&data).expect("secrets").pepper).expect("opens");
        let roles = |role: Option<&str>| vec![("staging".to_owned(), role.map(str::to_owned))];
        let sign_in = |subject: &str, role: Option<&str>, until| {
            let roles = roles(role);
            let person = SigningIn {
                issuer: "https://idp.example",
                subject,
                name: "ann",
                org_role: Some("admin"),
                roles: &roles,
                until,
            };
            control.sign_in(&person, 10).expect("writes")
        };
        let ann = sign_in("u1", Some("support"), 100).expect("new");
        assert_eq!(sign_in("u2", Some("support"), 100), None, "the name is somebody else's");
        assert_eq!(control.signed_in_as("https://idp.example", "u1"), Ok(Some(ann.clone())));
        assert_eq!(control.signed_in_as("https://other.example", "u1"), Ok(None));
        let member = || control.member(&ann).expect("reads").expect("there");
        assert_eq!((member().org_role, member().roles.len(), member().version), ("admin".to_owned(), 1, 1));
        let (_, token) = control.create_member_token(&member(), 10, None).expect("made");
        let known = |now| control.reader(&token, now).expect("reads").is_some();
        assert!(known(99) && !known(100), "no token outlives the sign-in");
        assert_eq!(sign_in("u1", None, 200), Some(ann.clone()));
        assert!(known(199) && member().roles.is_empty());
        // One that is over ends the tokens, whatever comes later.
        sign_in("u1", None, 10);
        sign_in("u1", None, 200);
        assert!(!known(150));
        // An owner stays one; who is removed is gone with the sign-in.
        assert_eq!(control.set_org_role(&ann, "owner", 4), Ok(Changed::Yes));
        sign_in("u1", None, 200);
        assert_eq!(member().org_role, "owner");
        control.create_member("olga", "owner", 10).expect("made");
        assert_eq!(control.remove_member(&ann, 6, 20), Ok(Changed::Yes));
        assert_eq!(control.signed_in_as("https://idp.example", "u1"), Ok(None));
    }
}
