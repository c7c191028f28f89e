//! The rules that messages are judged by: a site's files over the built-in ones, with the modes of each environment.

use crate::config::{self, Config};
use crate::decide::Thresholds;
use crate::inspect::RuleSet;
use crate::tune;
use std::collections::HashMap;
use std::sync::Arc;

/// One set for the gateway, and one more for each environment that has modes of its own.
#[derive(Clone)]
pub struct Rules {
    base: Arc<RuleSet>,
    own: HashMap<Arc<str>, Arc<RuleSet>>,
}

impl Rules {
    /// Reads the rules files that a configuration names, and checks them; its environments take their thresholds.
    ///
    /// # Errors
    /// Everything that is wrong with them, a line each.
    pub fn load(config: &mut Config) -> Result<Self, Vec<String>> {
        let changes = config::rules::load(&config.rule_files())?;
        let checked = tune::check(&changes)
            .map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>())?;
        let mut strangers = Vec::new();
        for environment in &config.environments {
            if let Err(ids) = tune::check::modes_known(&environment.modes, &checked.raw) {
                let told =
                    |id| format!("environment `{}`.rule_modes: there is no rule `{id}`", environment.name);
                strangers.extend(ids.iter().map(told));
            }
        }
        if !strangers.is_empty() {
            return Err(strangers);
        }
        config.take_thresholds(&Thresholds::of(&checked.raw.thresholds));
        let with_modes = config.environments.iter().filter(|e| !e.modes.is_empty());
        let own = with_modes.map(|e| (e.name.clone(), checked.rules.with_modes(&e.modes))).collect();
        Ok(Self { base: checked.rules, own })
    }

    /// The rules of an environment.
    #[must_use]
    pub fn of(&self, environment: Option<&Arc<str>>) -> &Arc<RuleSet> {
        environment.and_then(|name| self.own.get(name)).unwrap_or(&self.base)
    }

    /// The rules of environments without modes of their own.
    #[must_use]
    pub const fn base(&self) -> &Arc<RuleSet> {
        &self.base
    }
}
