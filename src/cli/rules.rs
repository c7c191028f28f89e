//! Where commands that judge take their rules from: the built-in ones, a configuration's files, `--rules`.

use crate::config::{self, Config};
use crate::decide::Thresholds;
use crate::inspect::rules::Changes;
use crate::tune::{self, Checked};
use std::path::{Path, PathBuf};

/// Arguments of commands that judge.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Sources {
    /// A gateway's configuration: its rules, and its environments by name.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// A rules file, or a folder of them, beside the built-in rules (and the configuration's). May be given again.
    #[arg(long, value_name = "PATH")]
    pub(super) rules: Vec<PathBuf>,
}

/// What was taken.
pub struct Loaded {
    /// The rules.
    pub(super) checked: Checked,
    /// The changes that made them.
    pub(super) changes: Changes,
    /// The configuration.
    pub(super) config: Option<Config>,
    /// The thresholds of the rules, for flags.
    pub(super) thresholds: Thresholds,
}

/// Reads and checks all of it.
///
/// # Errors
/// Everything that is wrong, a line each.
pub fn load(sources: &Sources) -> Result<Loaded, Vec<String>> {
    let mut config = sources.config.as_deref().map(read).transpose()?;
    let mut files = config.as_ref().map(Config::rule_files).unwrap_or_default();
    files.extend(sources.rules.iter().cloned());
    let changes = config::rules::load(&files)?;
    let checked =
        tune::check(&changes).map_err(|wrong| wrong.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let thresholds = Thresholds::of(&checked.raw.thresholds);
    let idle: Vec<String> = match &config {
        Some(config) => {
            let of = |e| config::rules::idle_thresholds(e, &changes, &thresholds);
            config.environments.iter().flat_map(|e| of(e)).collect()
        }
        None => config::rules::idle_by_themselves(&changes, &thresholds),
    };
    if !idle.is_empty() {
        return Err(idle);
    }
    if let Some(config) = &mut config {
        config.take_thresholds(&thresholds);
    }
    Ok(Loaded { checked, changes, config, thresholds })
}

fn read(file: &Path) -> Result<Config, Vec<String>> {
    let name = file.display();
    let text = std::fs::read_to_string(file).map_err(|e| vec![format!("{name}: {}", e.kind())])?;
    let told =
        |problems: Vec<config::Problem>| problems.iter().map(|p| format!("{name}: {p}")).collect::<Vec<_>>();
    Ok(Config::parse(&text).map_err(told)?.beside(file))
}
