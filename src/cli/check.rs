//! `phigate check`: every problem of a configuration file, of what it leads to and of rules files at once, without
//! binding anything or running a command.

use super::{out, test};
use crate::config::{self, Config};
use crate::decide::Thresholds;
use crate::durable::Why;
use crate::inspect::rules::{Changes, Mode};
use crate::run::{missing, outdated};
use crate::tune::{self, Checked};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate check` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; the rules files that it names are checked with it.
    #[arg(required_unless_present = "rules")]
    file: Option<PathBuf>,
    /// Ask for nothing that stands on the machine that runs it: certificates, keys, variables, folders.
    #[arg(long)]
    offline: bool,
    /// Check a rules file, or a folder of them, beside the configuration's. May be given again.
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
}

/// Runs it. Exit code 0: good, or nothing but warnings, 78 (`EX_CONFIG`): problems, 2: the file can't be read.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let (mut problems, mut warnings, mut config) = (Vec::new(), Vec::new(), None);
    if let Some(file) = &args.file {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                out::complain(format!("phigate check: {}: {}", file.display(), Why(error.kind())));
                return ExitCode::from(2);
            }
        };
        // What is wrong in it keeps nobody from being told what is wrong behind it.
        let (read, wrong) = Config::read(&text);
        problems.extend(wrong.iter().map(|p| format!("{}: {p}", file.display())));
        config = Some(read.beside(file));
    }
    if let (Some(config), Some(file)) = (&config, &args.file) {
        let told = config::overlapping(config);
        warnings.extend(told.iter().map(|told| format!("{}: warning: {told}", file.display())));
    }
    if let (Some(config), Some(file), false) = (&config, &args.file, args.offline) {
        problems.extend(missing(config, false).iter().map(|p| format!("{}: {p}", file.display())));
        for told in outdated(config, crate::clock::unix_ms() / 1000) {
            match told.is_wrong {
                true => problems.push(format!("{}: {}", file.display(), told.text)),
                false => warnings.push(format!("{}: warning: {}", file.display(), told.text)),
            }
        }
    }
    let own = config.as_ref().map(Config::rule_files).unwrap_or_default();
    let (mut files, gone): (Vec<PathBuf>, Vec<PathBuf>) = own.into_iter().partition(|path| path.exists());
    if let (Some(config), Some(file)) = (&config, &args.file) {
        let line = config.lines.before("rules.files");
        let told = |path: &PathBuf| {
            let (file, path) = (file.display(), path.display());
            format!("{file}: {line}rules.files: {path}: there is no such file or folder")
        };
        problems.extend(gone.iter().map(told));
    }
    files.extend(args.rules.iter().cloned());
    let rules = rules(&files, config.as_ref(), args.file.as_deref(), &mut problems);
    warnings.iter().for_each(out::line);
    if let (Some(rules), true) = (rules, problems.is_empty()) {
        if let (Some(config), Some(file)) = (config, &args.file) {
            out::line(format!(
                "{}: good. {} environments, {} listeners, {} connections.",
                file.display(),
                config.environments.len(),
                config.listeners.len(),
                config.connections.len()
            ));
        }
        out::line(rules);
        return ExitCode::SUCCESS;
    }
    problems.iter().for_each(out::line);
    let s = if problems.len() == 1 { "" } else { "s" };
    out::complain(format!("{} problem{s}.", problems.len()));
    ExitCode::from(EX_CONFIG)
}

/// What there is to say of the rules, where they are good.
fn rules(
    files: &[PathBuf],
    config: Option<&Config>,
    file: Option<&Path>,
    problems: &mut Vec<String>,
) -> Option<String> {
    let changes = match config::rules::load(files) {
        Ok(changes) => changes,
        Err(wrong) => {
            problems.extend(wrong);
            return None;
        }
    };
    let checked = match tune::check(&changes) {
        Ok(checked) => checked,
        Err(wrong) => {
            problems.extend(wrong.iter().map(ToString::to_string));
            return None;
        }
    };
    problems.extend(test::others(&checked, &changes));
    let thresholds = Thresholds::of(&checked.raw.thresholds);
    for environment in config.iter().flat_map(|config| &config.environments) {
        let file = file.map(|file| format!("{}: ", file.display())).unwrap_or_default();
        for (id, why) in tune::check::idle_modes(&environment.modes, &checked.raw) {
            let key = format!("environment `{}`.rule_modes", environment.name);
            let line = config.map(|config| config.lines.before(&format!("{key}.{id}"))).unwrap_or_default();
            problems.push(format!("{file}{line}{key}: {why}"));
        }
        let idle = config::rules::idle_thresholds(environment, &changes, &thresholds);
        problems.extend(idle.iter().map(|problem| format!("{file}{problem}")));
    }
    if config.is_none() {
        problems.extend(config::rules::idle_by_themselves(&changes, &thresholds));
    }
    let passed_over = config::rules::passed_over(files);
    let passed_over = match passed_over.is_empty() {
        true => String::new(),
        false => format!(" Not read: {}.", passed_over.join(", ")),
    };
    Some(summary(&checked, &changes) + &passed_over)
}

fn summary(checked: &Checked, changes: &Changes) -> String {
    let modes = |mode| checked.raw.modes.iter().filter(|(_, m)| *m == mode).count();
    format!(
        "rules: good. {} rules, {} changed or added by {} files; {} in shadow, {} off; version {}.",
        checked.raw.ids().count(),
        changes.edits.len(),
        changes.texts.len(),
        modes(Mode::Shadow),
        modes(Mode::Off),
        checked.rules.version
    )
}

/// sysexits.h: something was found in an unconfigured or misconfigured state.
pub const EX_CONFIG: u8 = 78;
