//! `phigate secrets`: keys that stand beside the data folder.

use super::keys::{audited, finish};
use super::out;
use crate::secrets::{Secrets, TokenKeys};
use std::path::PathBuf;
use std::process::ExitCode;

/// What `phigate secrets` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's data folder (`data_dir`).
    #[arg(long, value_name = "FOLDER", default_value = "phigate-data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum Command {
    /// Make a new key of tokens; records made with the old one are still found by value. The gateway takes it at its next
    /// start.
    RotateTokens,
    /// Forget the old keys of tokens, once the retention of their records is over.
    ForgetPastTokens,
}

/// Runs it. Exit code 0: done, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        Secrets::open_or_create(&args.data).map_err(|e| e.to_string())?;
        let folder = Secrets::folder(&args.data);
        let (action, done) = match args.command {
            Command::RotateTokens => ("rotate_token_key", TokenKeys::rotate(&folder)),
            Command::ForgetPastTokens => ("remove_past_token_keys", TokenKeys::forget_past(&folder)),
        };
        done.map_err(|e| e.to_string())?;
        audited(&args.data, action, "", "tokens.key")?;
        out::complain("Done. A running gateway takes it at its next start.");
        Ok(ExitCode::SUCCESS)
    };
    finish("secrets", run())
}
