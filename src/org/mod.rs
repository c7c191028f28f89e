//! Org: who may do what. Roles are data: `config/roles.toml` is the preset of people's, the table here that of callers.

mod permission;
mod principal;
mod role;

pub use permission::Permission;
pub use principal::{OrgRole, Principal};
pub use role::{Change, Grant, Role, Roles, Sight};

use crate::record::View;
use std::sync::Arc;

/// What an environment is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flag {
    /// Where software is made.
    Development,
    /// Where it is tried.
    Staging,
    /// Where real patient data belongs.
    Production,
}

impl Flag {
    /// The word, as in configuration and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Where messages are counted and recorded that never got an environment: no environment has this name, and a reader
/// may have a role in it as in any other.
pub const UNRESOLVED: &str = "unresolved";

/// What a caller is: the most revealing form that its messages may be stored in depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CallerRole {
    /// An integration's own connection: a key's default.
    Connection,
    /// Another company.
    Partner,
    /// Something that sends made-up messages; refused in production.
    TestHarness,
    /// Nobody known.
    Nobody,
    /// One of the organization's own.
    Own(Arc<OwnCallerRole>),
}

/// A caller role that the configuration adds.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct OwnCallerRole {
    /// Its name.
    pub name: Box<str>,
    /// In development, staging, production.
    pub ceilings: [Ceiling; 3],
}

/// The most revealing form that a message may be stored in, or that it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ceiling {
    /// The caller may not send here.
    Refused,
    /// Stored at this view at most.
    View(View),
}

impl CallerRole {
    /// Those that credentials may have, of every organization.
    pub const PRESET: [Self; 3] = [Self::Connection, Self::Partner, Self::TestHarness];

    /// The word, as in records.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Connection => "connection",
            Self::Partner => "partner",
            Self::TestHarness => "test-harness",
            Self::Nobody => "nobody",
            Self::Own(own) => &own.name,
        }
    }

    /// The ceiling of its messages in an environment of this flag.
    #[must_use]
    pub fn ceiling(&self, flag: Flag) -> Ceiling {
        match (self, flag) {
            (Self::TestHarness, Flag::Production) => Ceiling::Refused,
            (Self::Connection | Self::TestHarness, _) => Ceiling::View(View::Linked),
            (Self::Partner, Flag::Production) => Ceiling::View(View::Shape),
            (Self::Partner, _) => Ceiling::View(View::Masked),
            (Self::Nobody, _) => Ceiling::View(View::Metadata),
            (Self::Own(own), flag) => {
                let [development, staging, production] = own.ceilings;
                match flag {
                    Flag::Development => development,
                    Flag::Staging => staging,
                    Flag::Production => production,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_are_the_preset() {
        use Flag::{Development, Production, Staging};
        let view = |v| Ceiling::View(v);
        for (role, development, staging, production) in [
            (CallerRole::Connection, view(View::Linked), view(View::Linked), view(View::Linked)),
            (CallerRole::Partner, view(View::Masked), view(View::Masked), view(View::Shape)),
            (CallerRole::TestHarness, view(View::Linked), view(View::Linked), Ceiling::Refused),
            (CallerRole::Nobody, view(View::Metadata), view(View::Metadata), view(View::Metadata)),
        ] {
            assert_eq!(
                (role.ceiling(Development), role.ceiling(Staging), role.ceiling(Production)),
                (development, staging, production)
            );
        }
    }
}
