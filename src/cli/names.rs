//! Names that a command is given and that a gateway's configuration has to have: asked where the configuration is told.

use super::out;
use crate::config::Config;
use crate::org::{CallerRole, Roles};
use crate::spelling::closest;
use std::path::{Path, PathBuf};

/// The configuration that names are held against.
#[derive(Debug, clap::Args)]
pub struct AgainstConfig {
    /// The gateway's configuration file: environments and roles that it doesn't have are refused.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// For what only asks where a gateway keeps things.
#[derive(Debug, clap::Args)]
pub struct OfConfig {
    /// The gateway's configuration file, for its `data_dir`.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl OfConfig {
    /// Reads the configuration, where one is told.
    pub(super) fn names(&self) -> Result<Names, String> {
        Ok(Names { config: self.config.as_deref().map(read).transpose()? })
    }
}

/// What is known of a gateway's names.
#[derive(Default)]
pub(super) struct Names {
    /// Its configuration, and where that stands.
    config: Option<(PathBuf, Config)>,
}

impl AgainstConfig {
    /// Reads the configuration, where one is told.
    pub(super) fn names(&self) -> Result<Names, String> {
        Ok(Names { config: self.config.as_deref().map(read).transpose()? })
    }
}

fn read(file: &Path) -> Result<(PathBuf, Config), String> {
    let told = |problem: &dyn std::fmt::Display| format!("{}: {problem}", file.display());
    let text = std::fs::read_to_string(file).map_err(|e| told(&e.kind()))?;
    let config = Config::parse(&text).map_err(|problems| match problems.first() {
        Some(first) => told(first),
        None => told(&"not a configuration"),
    })?;
    Ok((file.to_owned(), config))
}

impl Names {
    /// The data folder: the one that was told, or the configuration's, or that of the working folder.
    pub(super) fn data(&self, told: Option<&Path>) -> PathBuf {
        let configured = || self.config.as_ref().map(|(_, config)| config.data_dir.as_path());
        told.or_else(configured).unwrap_or(Path::new(DATA)).to_owned()
    }

    /// An environment.
    pub(super) fn environment(&self, name: &str) -> Result<(), String> {
        match &self.config {
            Some((file, config)) => {
                has("environment", name, config.environments.iter().map(|e| &*e.name).collect(), Some(file))
            }
            None => {
                out::complain(format!(
                    "Whether the gateway has an environment `{name}` isn't known here; --config FILE asks its configuration."
                ));
                Ok(())
            }
        }
    }

    /// A role of callers.
    pub(super) fn caller_role(&self, name: &str) -> Result<(), String> {
        let preset = || CallerRole::PRESET.iter().map(CallerRole::as_str).collect();
        match &self.config {
            Some((file, config)) => {
                let known = config.caller_roles.iter().map(CallerRole::as_str).collect();
                has("caller role", name, known, Some(file))
            }
            None => {
                warned(has("caller role", name, preset(), None), name, "[[caller_role]]");
                Ok(())
            }
        }
    }

    /// A role of readers.
    pub(super) fn role(&self, name: &str) -> Result<(), String> {
        match &self.config {
            Some((file, config)) => {
                has("role", name, config.roles.iter().map(|role| &*role.name).collect(), Some(file))
            }
            None => {
                let preset = Roles::with(Vec::new());
                let known = preset.iter().map(|role| &*role.name).collect();
                warned(has("role", name, known, None), name, "[[role]]");
                Ok(())
            }
        }
    }
}

fn warned(known: Result<(), String>, name: &str, table: &str) {
    if let Err(problem) = known {
        out::complain(format!("{problem}: `{name}` has to be a {table} of the gateway's configuration."));
    }
}

fn has(what: &str, name: &str, known: Vec<&str>, file: Option<&Path>) -> Result<(), String> {
    if known.contains(&name) {
        return Ok(());
    }
    let close = closest(name, known).map_or(String::new(), |word| format!(" (did you mean `{word}`?)"));
    let place = file.map_or("by default".to_owned(), |file| format!("in {}", file.display()));
    Err(format!("there is no {what} `{name}` {place}{close}"))
}

/// A gateway's own default for `data_dir`.
const DATA: &str = "phigate-data";
