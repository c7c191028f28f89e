//! `phigate check`: every problem of a configuration file at once, without binding or opening anything.

use super::out;
use crate::config::Config;
use std::path::PathBuf;
use std::process::ExitCode;

/// What `phigate check` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file.
    file: PathBuf,
}

/// Runs it. Exit code 0: good, 78 (`EX_CONFIG`): problems, 2: the file can't be read.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let text = match std::fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(error) => {
            out::complain(format!("phigate check: {}: {}", args.file.display(), error.kind()));
            return ExitCode::from(2);
        }
    };
    match Config::parse(&text) {
        Ok(config) => {
            out::line(format!(
                "{}: good. {} environments, {} listeners, {} connections.",
                args.file.display(),
                config.environments.len(),
                config.listeners.len(),
                config.connections.len()
            ));
            ExitCode::SUCCESS
        }
        Err(problems) => {
            for problem in &problems {
                out::line(format!("{}: {problem}", args.file.display()));
            }
            out::complain(format!("{} problems.", problems.len()));
            ExitCode::from(EX_CONFIG)
        }
    }
}

/// sysexits.h: something was found in an unconfigured or misconfigured state.
pub const EX_CONFIG: u8 = 78;
