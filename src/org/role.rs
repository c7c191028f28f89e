//! Roles of people and of machines on the admin side: what each sees and may do, by an environment's flag.

use super::{Flag, Permission};
use crate::record::View;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How a role shows a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Every part at this view at most.
    View(View),
    /// Masked where findings are, shape elsewhere.
    Findings,
}

/// What a role sees and may do in environments of one flag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// How it shows payloads.
    pub sight: Sight,
    /// What it may do.
    pub may: BTreeSet<Permission>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: Arc<str>,
    /// In development, staging, production.
    pub grants: [Grant; 3],
}

/// Every role there is: the preset and the organization's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles(Vec<Arc<Role>>);

/// What a change of a role gives and takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// Permissions and views that are new.
    pub gained: Vec<String>,
    /// Permissions and views that are gone.
    pub lost: Vec<String>,
}

impl Grant {
    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self { sight: Sight::View(View::None), may: BTreeSet::new() }
    }
}

impl Sight {
    /// The word, as in configuration and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View(view) => view.as_str(),
            Self::Findings => "findings",
        }
    }

    /// The sight of a word: originals are nobody's by a role.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let views = [View::None, View::Metadata, View::Shape, View::Masked, View::Linked];
        if word == "findings" {
            return Some(Self::Findings);
        }
        views.into_iter().find(|view| view.as_str() == word).map(Self::View)
    }

    /// The most that is shown of any part.
    #[must_use]
    pub const fn most(self) -> View {
        match self {
            Self::View(view) => view,
            Self::Findings => View::Masked,
        }
    }
}

impl Role {
    /// What it gives in environments of this flag.
    #[must_use]
    pub const fn grant(&self, flag: Flag) -> &Grant {
        let [development, staging, production] = &self.grants;
        match flag {
            Flag::Development => development,
            Flag::Staging => staging,
            Flag::Production => production,
        }
    }
}

impl Roles {
    /// The preset with more roles: one of its names is not taken anew.
    #[must_use]
    pub fn with(own: Vec<Role>) -> Self {
        let mut roles = crate::config::preset_roles();
        for role in own {
            if !roles.iter().any(|known| known.name == role.name) {
                roles.push(role);
            }
        }
        Self(roles.into_iter().map(Arc::new).collect())
    }

    /// A role by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Role>> {
        self.0.iter().find(|role| &*role.name == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.0.iter()
    }

    /// Their names, for messages.
    #[must_use]
    pub fn names(&self) -> String {
        self.0.iter().map(|role| &*role.name).collect::<Vec<_>>().join(", ")
    }
}

impl Change {
    /// From one grant to another.
    #[must_use]
    pub fn between(before: &Grant, after: &Grant) -> Self {
        let words =
            |set: BTreeSet<&Permission>| set.into_iter().map(|p| p.as_str().to_owned()).collect::<Vec<_>>();
        let mut change = Self {
            gained: words(after.may.iter().filter(|p| !before.may.contains(p)).collect()),
            lost: words(before.may.iter().filter(|p| !after.may.contains(p)).collect()),
        };
        if before.sight != after.sight {
            change.gained.push(format!("view {}", after.sight.as_str()));
            change.lost.push(format!("view {}", before.sight.as_str()));
        }
        change
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preset_is_the_table() {
        let roles = Roles::with(Vec::new());
        let sees = |name: &str, flag| roles.get(name).expect("a role").grant(flag).sight;
        let may = |name: &str, flag, what| roles.get(name).expect("a role").grant(flag).may.contains(&what);
        use Flag::{Development, Production, Staging};
        use Permission as P;
        for flag in [Development, Staging, Production] {
            for name in ["viewer", "auditor"] {
                assert_eq!(sees(name, flag), Sight::View(View::Metadata));
            }
            assert_eq!(sees("security", flag), Sight::Findings);
            for name in ["metrics", "pipeline"] {
                assert!(!may(name, flag, P::ReadRecords));
            }
            assert!(may("auditor", flag, P::AuditAll) && !may("engineer", flag, P::AuditAll));
            assert!(may("support", flag, P::SearchValues) && !may("viewer", flag, P::SearchValues));
            assert!(!may("security", flag, P::SearchValues) && !may("auditor", flag, P::SearchValues));
            assert!(
                may("security", flag, P::EnforceRules)
                    && may("engineer", flag, P::EnforceRules) == (flag == Development)
            );
            assert_eq!(may("support", flag, P::WriteAssets), flag != Production);
            assert_eq!(may("engineer", flag, P::SearchValues), flag != Production);
            assert_eq!(may("engineer", flag, P::DraftRules), flag != Production);
        }
        for name in ["support", "engineer"] {
            assert_eq!(sees(name, Production), Sight::View(View::Masked));
            assert_eq!(sees(name, Staging), Sight::View(View::Linked));
        }
    }

    #[test]
    fn nobody_reads_originals_by_a_role() {
        assert_eq!(Sight::of("clear"), None);
        for role in Roles::with(Vec::new()).iter() {
            for grant in &role.grants {
                assert!(grant.sight.most() < View::Clear, "{}", role.name);
            }
            let most = role.grant(Flag::Production).sight.most();
            assert!(most < View::Linked, "{}", role.name);
        }
    }

    #[test]
    fn a_change_lists_what_is_gained_and_lost() {
        let roles = Roles::with(Vec::new());
        let grant = |name: &str| roles.get(name).expect("a role").grant(Flag::Production);
        let up = Change::between(grant("viewer"), grant("support"));
        assert!(
            up.gained.contains(&"values.search".to_owned()) && up.gained.contains(&"view masked".to_owned())
        );
        assert_eq!(up.lost, ["findings.count", "view metadata"]);
        assert_eq!(Change::between(grant("viewer"), grant("viewer")), Change::default());
    }
}
