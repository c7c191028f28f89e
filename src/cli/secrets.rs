//! `phigate secrets`: keys that stand beside the data folder.

use super::keys::{audited, checked, finish, there};
use super::out;
use crate::secrets::{self, Secrets, TokenKeys};
use crate::store::Control;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What `phigate secrets` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's data folder (`data_dir`).
    #[arg(long, value_name = "FOLDER", default_value = "phigate-data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Command {
    /// Make a new key of tokens; records made with the old one are still found by value. The gateway takes it at its next
    /// start.
    RotateTokens,
    /// Forget the old keys of tokens, once the retention of their records is over.
    ForgetPastTokens,
    /// Make new keys, and a new control.db, in the place of those that are lost for good: a gateway doesn't start without
    /// them. What was made with the old ones is worth nothing then. Where nothing is lost, nothing is done.
    Renew,
    /// Remove the key of a day: what it sealed can't be opened by anybody from then on. It can't be undone.
    Shred {
        /// The environment.
        #[arg(long)]
        environment: String,
        /// The day: 2026-01-02.
        #[arg(long)]
        day: String,
    },
}

/// Runs it. Exit code 0: done, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        there(&args.data)?;
        if !matches!(args.command, Command::Renew) {
            Secrets::open_or_create(&args.data).map_err(|e| e.to_string())?;
        }
        let folder = Secrets::folder(&args.data);
        // The event comes first: a key that changes does so with a word.
        let done = match &args.command {
            Command::Renew => return renewed(&args.data),
            Command::Shred { environment, day } => return shredded(&args.data, environment, day),
            Command::RotateTokens => {
                audited(&args.data, "rotate_token_key", "", "tokens.key")?;
                TokenKeys::rotate(&folder)
            }
            Command::ForgetPastTokens => {
                audited(&args.data, "remove_past_token_keys", "", "tokens.key")?;
                TokenKeys::forget_past(&folder)
            }
        };
        done.map_err(|e| e.to_string())?;
        out::complain("Done. A running gateway takes it at its next start.");
        Ok(ExitCode::SUCCESS)
    };
    finish("secrets", run())
}

/// Makes what is lost anew, and says so in the audit.
fn renewed(data: &Path) -> Result<ExitCode, String> {
    let (lost, is_control_lost) = (Secrets::lost(data), Control::is_lost(data));
    let made = lost.iter().filter_map(|lost| lost.path.file_name()?.to_str());
    let made: Vec<&str> = made.chain(is_control_lost.then_some("control.db")).collect();
    if made.is_empty() {
        out::complain("Nothing is lost: nothing was made.");
        return Ok(ExitCode::SUCCESS);
    }
    let renewed = || -> Result<(), String> {
        let secrets = Secrets::renew(data).map_err(|e| e.to_string())?;
        Control::renew(data, secrets.pepper).map_err(|e| e.to_string())?;
        audited(data, "renew_secrets", "", &made.join(" "))
    };
    // The event is signed with a key that may be one of them. Where it can't be written, or not all can be made, they are as
    // lost as before: a gateway would start with what is there.
    if let Err(problem) = renewed() {
        let control = ["control.db", "control.db-wal", "control.db-shm"].map(|name| data.join(name));
        let control = control.into_iter().filter(|_| is_control_lost);
        let left = lost.iter().map(|lost| lost.path.clone()).chain(control).filter(|path| !removed(path));
        let left: Vec<String> = left.map(|path| path.display().to_string()).collect();
        return Err(match left.is_empty() {
            true => problem,
            false => format!("{problem}; remove what was made by hand: {}", left.join(", ")),
        });
    }
    for lost in &lost {
        out::complain(format!("{} is a new one: {}.", lost.path.display(), lost.means));
    }
    if is_control_lost {
        out::complain("control.db is a new one: there are no keys, tokens, members and test people.");
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a file isn't there any more.
fn removed(path: &Path) -> bool {
    match std::fs::remove_file(path) {
        Ok(()) => true,
        Err(e) => e.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Removes a day's key of sealed originals. The event comes first: a key that is gone is gone with a word.
fn shredded(data: &Path, environment: &str, day: &str) -> Result<ExitCode, String> {
    let is_day = day.len() == 10 && OffsetDateTime::parse(&format!("{day}T00:00:00Z"), &Rfc3339).is_ok();
    let environment = checked(environment)?;
    if !is_day {
        return Err("--day wants a day: 2026-01-02".to_owned());
    }
    let none = || {
        out::complain("There is no key of that environment and day.");
        Ok(ExitCode::from(1))
    };
    // Asked before, so that the audit tells of no key that never was.
    if !secrets::is_there(data, environment, day) {
        return none();
    }
    audited(data, "shred_seal_key", environment, day)?;
    if !secrets::shred(data, environment, day).map_err(|e| e.to_string())? {
        return none();
    }
    out::complain("Gone. What it sealed can't be opened any more.");
    Ok(ExitCode::SUCCESS)
}
