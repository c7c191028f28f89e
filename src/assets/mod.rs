//! Assets: connections, rules and redaction profiles of one environment each, kept with their versions in control.db, beside
//! what the configuration file owns.
//!
//! - Takes: the file's configuration, and the newest version of each asset.
//! - Gives: one configuration, with the rules and profiles of each environment; what keeps an asset from promotion.
//! - In doubt: nothing is taken over. What was there before stays, and whoever asked is told why.
//! - Cost: rules are compiled and their cases run once for each environment with rules of its own, and only where assets or
//!   the file changed.

mod promote;

pub use promote::unfit;

use crate::config::Config;
use crate::config::assets::{Profile, connection, profile};
use crate::gateway::{OwnRules, Rules};
use crate::org::CallerRole;
use crate::store::assets::AssetVersion;
use std::collections::HashMap;
use std::sync::Arc;

/// What an asset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Kind {
    /// A way to an upstream: the keys of `[[connection]]` but `name` and `environment`.
    Connection,
    /// Rules: a rules file's text.
    Rules,
    /// A redaction profile: caller roles, and the most that is stored of their messages.
    Profile,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Connection, Self::Rules, Self::Profile];

    /// The word, as in paths and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Rules => "rules",
            Self::Profile => "profile",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The file's configuration with assets in it.
#[derive(Clone)]
pub struct Applied {
    /// With their connections.
    pub config: Config,
    /// With theirs in their environments.
    pub rules: Rules,
    /// By environment.
    pub profiles: HashMap<Arc<str>, Profile>,
}

/// Puts assets into the file's configuration; removed ones are left out.
///
/// # Errors
/// Everything that is wrong, a line each.
pub fn apply(base: &Config, assets: &[AssetVersion]) -> Result<Applied, Vec<String>> {
    let mut problems = Vec::new();
    let (mut connections, mut rules) = (Vec::new(), Vec::new());
    let mut profiles: HashMap<Arc<str>, Profile> = HashMap::new();
    for asset in assets {
        let (Some(text), key) = (&asset.text, &asset.key) else { continue };
        let Some(environment) = base.environment(&key.environment) else {
            problems.push(format!("{}: there is no such environment any more", named(asset)));
            continue;
        };
        let mut told = |wrong: Vec<crate::config::Problem>| {
            problems.extend(wrong.iter().map(|problem| format!("{}: {problem}", named(asset))));
        };
        match Kind::of(&key.kind) {
            Some(Kind::Connection) => match connection(text, &key.name, &key.environment) {
                Ok(connection) => connections.push(connection),
                Err(wrong) => told(wrong),
            },
            Some(Kind::Profile) => match profile(text) {
                Ok(profile) => {
                    let nobody = CallerRole::Nobody;
                    let is_known = |name: &&str| {
                        base.caller_roles.iter().chain([&nobody]).any(|role| role.as_str() == *name)
                    };
                    let strangers = profile.roles().filter(|name| !is_known(name));
                    problems.extend(
                        strangers.map(|name| format!("{}: there is no caller role `{name}`", named(asset))),
                    );
                    let before = profiles.remove(&environment.name).unwrap_or_default();
                    profiles.insert(environment.name.clone(), before.and(profile));
                }
                Err(wrong) => told(wrong),
            },
            Some(Kind::Rules) => rules.push(OwnRules {
                environment: environment.name.clone(),
                name: named(asset),
                text: text.clone(),
            }),
            None => problems.push(format!("{}: a kind of a later version", named(asset))),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let config = base.with_connections(connections);
    let mut config = config.map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let rules = Rules::load(&mut config, &rules)?;
    Ok(Applied { config, rules, profiles })
}

/// The assets as they would be with a new version of one.
#[must_use]
pub fn with(mut assets: Vec<AssetVersion>, new: AssetVersion) -> Vec<AssetVersion> {
    assets.retain(|asset| asset.key != new.key);
    assets.push(new);
    assets
}

fn named(asset: &AssetVersion) -> String {
    format!("{} `{}` of `{}`", asset.key.kind, asset.key.name, asset.key.environment)
}
