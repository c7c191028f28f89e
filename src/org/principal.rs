//! Who asks the admin side, and the one function that says what he may.

use super::{Flag, Grant, Permission, Role};
use std::sync::Arc;

/// What somebody is to the organization as a whole. It gives nothing in any environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum OrgRole {
    /// Makes owners and admins, and all that an admin may.
    Owner,
    /// Assigns people to environments.
    Admin,
    /// Belongs to it.
    Member,
}

impl OrgRole {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Owner, Self::Admin, Self::Member];

    /// The word, as in answers and the audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.as_str() == word)
    }

    /// Whether it reads and writes members.
    #[must_use]
    pub const fn manages_members(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }

    /// Whether it may give this role of the organization to somebody, or take it.
    #[must_use]
    pub const fn assigns(self, role: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => matches!(role, Self::Member),
            Self::Member => false,
        }
    }
}

/// A person or machine that asks, with the role in each environment that exists.
#[derive(Debug, Clone)]
pub struct Principal {
    /// As the audit names it.
    pub name: String,
    /// The member's id; `None` for a token of its own.
    pub member: Option<String>,
    /// The credential's id.
    pub token: String,
    /// In the organization.
    pub org: OrgRole,
    /// In environments.
    pub roles: Vec<(String, Flag, Arc<Role>)>,
}

impl Principal {
    /// What it has in an environment, if that gives this permission. The one place that decides; whether there is such
    /// an environment at all makes no difference to who has no role in it.
    #[must_use]
    pub fn may(&self, what: Permission, environment: &str) -> Option<(&Grant, &Role)> {
        let (_, flag, role) = self.roles.iter().find(|(name, ..)| name == environment)?;
        let grant = role.grant(*flag);
        grant.may.contains(&what).then_some((grant, &**role))
    }

    /// The environments in which it has this permission.
    #[must_use]
    pub fn where_may(&self, what: Permission) -> Vec<String> {
        let names = self.roles.iter().map(|(name, ..)| name);
        names.filter(|name| self.may(what, name).is_some()).cloned().collect()
    }

    /// The flag of an environment that it has a role in.
    #[must_use]
    pub fn flag(&self, environment: &str) -> Option<Flag> {
        self.roles.iter().find(|(name, ..)| name == environment).map(|(_, flag, _)| *flag)
    }

    /// Its role in an environment, in words; empty where it has none.
    #[must_use]
    pub fn role_in(&self, environment: &str) -> &str {
        self.roles.iter().find(|(name, ..)| name == environment).map_or("", |(.., role)| &role.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::Roles;

    #[test]
    fn an_owner_has_nothing_in_an_environment_without_a_role_there() {
        let roles = Roles::with(Vec::new());
        let mut owner = Principal {
            name: "ann".into(),
            member: Some("m".into()),
            token: "t".into(),
            org: OrgRole::Owner,
            roles: Vec::new(),
        };
        for what in Permission::ALL {
            assert!(owner.may(*what, "production").is_none() && owner.where_may(*what).is_empty());
        }
        owner.roles.push(("staging".into(), Flag::Staging, roles.get("viewer").expect("a role").clone()));
        assert_eq!(owner.where_may(Permission::ReadRecords), ["staging"]);
        assert!(owner.may(Permission::SearchValues, "staging").is_none());
    }

    #[test]
    fn admins_make_members_and_owners_make_all() {
        assert!(OrgRole::Owner.assigns(OrgRole::Owner) && OrgRole::Admin.assigns(OrgRole::Member));
        assert!(!OrgRole::Admin.assigns(OrgRole::Admin) && !OrgRole::Member.assigns(OrgRole::Member));
    }
}
