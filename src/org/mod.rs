//! Org: who may do what. Roles are data: the tables here are the preset.

use crate::record::View;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum CallerRole {
    /// An integration's own connection: a key's default.
    Connection,
    /// Another company.
    Partner,
    /// Something that sends made-up messages; refused in production.
    TestHarness,
    /// Nobody known.
    #[value(skip)]
    Nobody,
}

/// The most revealing form that a message may be stored in, or that it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceiling {
    /// The caller may not send here.
    Refused,
    /// Stored at this view at most.
    View(View),
}

impl CallerRole {
    /// The word, as in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Partner => "partner",
            Self::TestHarness => "test-harness",
            Self::Nobody => "nobody",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::Connection, Self::Partner, Self::TestHarness].into_iter().find(|r| r.as_str() == word)
    }

    /// The ceiling of its messages in an environment of this flag.
    #[must_use]
    pub const fn ceiling(self, flag: Flag) -> Ceiling {
        match (self, flag) {
            (Self::TestHarness, Flag::Production) => Ceiling::Refused,
            (Self::Connection | Self::TestHarness, _) => Ceiling::View(View::Linked),
            (Self::Partner, Flag::Production) => Ceiling::View(View::Shape),
            (Self::Partner, _) => Ceiling::View(View::Masked),
            (Self::Nobody, _) => Ceiling::View(View::Metadata),
        }
    }
}

/// What a person may do in one environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum ReaderRole {
    /// Reads metadata.
    Viewer,
    /// Helps callers.
    Support,
    /// Builds integrations.
    Engineer,
    /// Tunes rules.
    Security,
    /// Checks what others did.
    Auditor,
}

/// How a reader's role shows a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Every part at this view at most.
    View(View),
    /// Masked where findings are, shape elsewhere.
    Findings,
}

impl ReaderRole {
    /// Every role.
    pub const ALL: &[Self] = &[Self::Viewer, Self::Support, Self::Engineer, Self::Security, Self::Auditor];

    /// The word, as in tokens and the audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Engineer => "engineer",
            Self::Security => "security",
            Self::Auditor => "auditor",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.as_str() == word)
    }

    /// How it sees payloads in an environment of this flag.
    #[must_use]
    pub const fn sight(self, flag: Flag) -> Sight {
        match (self, flag) {
            (Self::Viewer | Self::Auditor, _) => Sight::View(View::Metadata),
            (Self::Support | Self::Engineer, Flag::Production) => Sight::View(View::Masked),
            (Self::Support | Self::Engineer, _) => Sight::View(View::Linked),
            (Self::Security, _) => Sight::Findings,
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

    #[test]
    fn nobody_reads_originals_in_production() {
        for role in ReaderRole::ALL {
            assert!(
                !matches!(role.sight(Flag::Production), Sight::View(View::Linked | View::Clear)),
                "{role:?}"
            );
        }
    }
}
