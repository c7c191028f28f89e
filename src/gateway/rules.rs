//! The rules that messages are judged by: a site's files over the built-in ones, with the rules and modes of each
//! environment.

use crate::config::{self, Config, Connection};
use crate::decide::Thresholds;
use crate::inspect::RuleSet;
use crate::inspect::rules::Changes;
use crate::inspect::suppress::{Suppression, Suppressions};
use crate::store::suppressions::SuppressionRow;
use crate::tune::{self, Checked};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Rules of one environment, as text.
#[derive(Debug, Clone)]
pub struct OwnRules {
    /// The environment.
    pub environment: Arc<str>,
    /// What problems are told with.
    pub name: String,
    /// As a rules file's.
    pub text: String,
}

/// One set for the gateway, and one more for each environment that has modes or rules of its own.
#[derive(Clone)]
pub struct Rules {
    base: Arc<RuleSet>,
    own: HashMap<Arc<str>, Arc<RuleSet>>,
    /// By connection, where false positives of it are accepted.
    suppressing: HashMap<Arc<str>, Arc<RuleSet>>,
    /// Findings that each suppression covered since the start, by its id: of those that ended, too.
    covered: HashMap<String, Arc<AtomicU64>>,
}

impl Rules {
    /// Reads the rules files that a configuration names, and the texts of single environments, and checks them; its
    /// environments take their thresholds.
    ///
    /// # Errors
    /// Everything that is wrong with them, a line each.
    pub fn load(config: &mut Config, texts: &[OwnRules]) -> Result<Self, Vec<String>> {
        let changes = config::rules::load(&config.rule_files())?;
        let base = checked(&changes)?;
        config.take_thresholds(&Thresholds::of(&base.raw.thresholds));
        let (mut problems, mut own) = (Vec::new(), HashMap::new());
        for environment in config.environments.clone() {
            let texts: Vec<&OwnRules> = texts.iter().filter(|t| t.environment == environment.name).collect();
            let own_changes = match texts.is_empty() {
                true => Ok(None),
                false => with_texts(changes.clone(), &texts).map(Some),
            };
            let here = own_changes.and_then(|changes| {
                let here = changes.as_ref().map(checked).transpose()?;
                Ok((changes, here))
            });
            let (here_changes, here) = match here {
                Ok(here) => here,
                Err(wrong) => {
                    problems.extend(wrong);
                    continue;
                }
            };
            if let Some(here) = &here {
                config.take_thresholds_in(&environment.name, &Thresholds::of(&here.raw.thresholds));
            }
            let rules = here.as_ref().unwrap_or(&base);
            let idle = tune::check::idle_modes(&environment.modes, &rules.raw);
            let told = |(_, why)| format!("environment `{}`.rule_modes: {why}", environment.name);
            problems.extend(idle.into_iter().map(told));
            let changes = here_changes.as_ref().unwrap_or(&changes);
            problems.extend(config::rules::idle_thresholds(
                &environment,
                changes,
                &Thresholds::of(&rules.raw.thresholds),
            ));
            if here.is_some() || !environment.modes.is_empty() {
                own.insert(environment.name.clone(), rules.rules.with_modes(&environment.modes));
            }
        }
        if problems.is_empty() {
            Ok(Self { base: base.rules, own, suppressing: HashMap::new(), covered: HashMap::new() })
        } else {
            Err(problems)
        }
    }

    /// The rules of an environment.
    #[must_use]
    pub fn of(&self, environment: Option<&Arc<str>>) -> &Arc<RuleSet> {
        environment.and_then(|name| self.own.get(name)).unwrap_or(&self.base)
    }

    /// The rules that judge a connection's messages; without a connection those of the environment.
    #[must_use]
    pub fn judging(&self, environment: Option<&Arc<str>>, connection: Option<&Arc<str>>) -> &Arc<RuleSet> {
        connection.and_then(|name| self.suppressing.get(name)).unwrap_or_else(|| self.of(environment))
    }

    /// The same rules with these suppressions in place of those before; what they covered under the old rules goes on being counted.
    #[must_use]
    pub fn suppressed_by(
        mut self,
        rows: &[SuppressionRow],
        connections: &[Arc<Connection>],
        old: Option<&Self>,
    ) -> Self {
        self.covered = old.map(|old| old.covered.clone()).unwrap_or_default();
        self.suppressing.clear();
        for connection in connections {
            let holds = |row: &&SuppressionRow| {
                *row.environment == *connection.environment
                    && (row.connection.is_empty() || *row.connection == *connection.name)
            };
            let covered = &mut self.covered;
            let one = |row: &SuppressionRow| Suppression {
                rule: Arc::from(row.rule.as_str()),
                place: row.place.clone(),
                until: row.until,
                covered: covered.entry(row.id.clone()).or_default().clone(),
            };
            let here = Suppressions::new(rows.iter().filter(holds).map(one));
            if !here.is_empty() {
                let rules = self.of(Some(&connection.environment)).suppressing(here);
                self.suppressing.insert(connection.name.clone(), rules);
            }
        }
        self
    }

    /// How many findings a suppression covered since the start.
    #[must_use]
    pub fn covered(&self, suppression: &str) -> u64 {
        self.covered.get(suppression).map_or(0, |covered| covered.load(Relaxed))
    }

    /// The rules of environments without modes of their own.
    #[must_use]
    pub const fn base(&self) -> &Arc<RuleSet> {
        &self.base
    }
}

fn checked(changes: &Changes) -> Result<Checked, Vec<String>> {
    tune::check(changes).map_err(|wrong| wrong.iter().map(ToString::to_string).collect())
}

/// The changes of files with those of texts behind them.
fn with_texts(mut changes: Changes, texts: &[&OwnRules]) -> Result<Changes, Vec<String>> {
    let mut problems = Vec::new();
    for text in texts {
        match config::rules::parse(&text.name, &text.text) {
            Ok(edits) => {
                changes.edits.extend(edits);
                changes.texts.push(text.text.clone());
            }
            Err(wrong) => problems.extend(wrong.iter().map(|problem| format!("{}: {problem}", text.name))),
        }
    }
    if problems.is_empty() { Ok(changes) } else { Err(problems) }
}
