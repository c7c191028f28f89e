//! `phigate keys`: API keys of callers. Shown once, stored as keyed hashes.

use super::names::{AgainstConfig, OfConfig};
use super::out;
use crate::audit::{Audit, Event};
use crate::org::CallerRole;
use crate::secrets::Secrets;
use crate::store::{Control, Fresh, StoreError};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate keys` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's data folder (`data_dir`): without it that of `--config`, else phigate-data.
    #[arg(long, value_name = "FOLDER", global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a key for one environment and one caller role, and print it: it is shown once.
    Create {
        /// The environment that the key is for.
        #[arg(long)]
        environment: String,
        /// What the caller is: connection, partner, test-harness, or a caller role of the configuration.
        #[arg(long, default_value = "connection")]
        role: String,
        /// The caller's name, as records show it.
        #[arg(long)]
        name: String,
        /// Days until it expires; without it, never.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_days: Option<u32>,
        #[command(flatten)]
        against: AgainstConfig,
    },
    /// List keys: never the key itself.
    List {
        #[command(flatten)]
        of: OfConfig,
    },
    /// Revoke a key by its id; a running gateway knows within a second.
    Revoke {
        /// The key's id: what stands between the first two `_` of it.
        id: String,
        #[command(flatten)]
        of: OfConfig,
    },
}

/// Runs it. Exit code 0: done, 1: no such key, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let names = match &args.command {
            Command::Create { against, .. } => against.names()?,
            Command::List { of } | Command::Revoke { of, .. } => of.names()?,
        };
        let data = &names.data(args.data.as_deref());
        if !matches!(args.command, Command::Create { .. }) {
            there(data)?;
        }
        let control = open(data)?;
        let now = now();
        match &args.command {
            Command::Create { environment, role, name, expires_days, .. } => {
                let (name, role) = (checked(name)?, checked(role)?);
                if role == CallerRole::Nobody.as_str() {
                    return Err("nobody is whoever has no key".to_owned());
                }
                names.caller_role(role)?;
                let expires = expires_days.map(|days| now + i64::from(days) * 86_400);
                let environment = checked(environment)?;
                names.environment(environment)?;
                let fresh = Fresh::key().map_err(|e| e.to_string())?;
                let id = fresh.id().to_owned();
                audited(data, "create_key", environment, &id)?;
                let made = control.keep_key(fresh, environment, name, role, now, expires);
                let key = done(data, ("create_key", environment, &id), made)?;
                out::complain(format!("Key {id} of {name}: {role} in {environment}. It is shown this once."));
                out::line(key);
            }
            Command::List { .. } => {
                for key in control.keys().map_err(|e| e.to_string())? {
                    let state = state(key.revoked, key.expires, now);
                    out::line(format!(
                        "{}  {:<20} {:<14} {:<20} {state}",
                        key.id, key.environment, key.role, key.name
                    ));
                }
            }
            Command::Revoke { id, .. } => return revoke(&control, data, id, now),
        }
        Ok(ExitCode::SUCCESS)
    };
    finish("keys", run())
}

pub(super) fn finish(command: &str, result: Result<ExitCode, String>) -> ExitCode {
    result.unwrap_or_else(|problem| {
        out::complain(format!("phigate {command}: {problem}"));
        ExitCode::from(2)
    })
}

/// Whether there is a data folder, for what only reads or changes one: nothing is made by a name that was mistyped.
pub(super) fn there(data: &Path) -> Result<(), String> {
    // What is lost is told by whoever opens it.
    match data.join("control.db").exists() || Control::is_lost(data) {
        true => Ok(()),
        false => {
            Err(format!("{}: no data folder of a gateway, there is no control.db in it", data.display()))
        }
    }
}

pub(super) fn open(data: &Path) -> Result<Control, String> {
    // A name that was mistyped makes one, too.
    if there(data).is_err() {
        out::complain(format!("{}: there is no data folder, a new one is made.", data.display()));
    }
    let secrets = Secrets::open_or_create(data).map_err(|e| e.to_string())?;
    Control::open(data, secrets.pepper).map_err(|e| e.to_string())
}

pub(super) fn revoke(control: &Control, data: &Path, id: &str, now: i64) -> Result<ExitCode, String> {
    let none = || {
        out::complain("There is no such id that isn't revoked.");
        Ok(ExitCode::from(1))
    };
    // Asked before, so that the audit names nothing that somebody made up.
    if !control.is_revocable(id).map_err(|e| e.to_string())? {
        return none();
    }
    audited(data, "revoke", "", id)?;
    if !done(data, ("revoke", "", id), control.revoke(id, now))? {
        return none();
    }
    out::complain("Revoked.");
    Ok(ExitCode::SUCCESS)
}

/// Writes down what is about to be done: what can't be written down isn't done.
pub(super) fn audited(data: &Path, action: &str, environment: &str, object: &str) -> Result<(), String> {
    written(data, action, environment, object, ("allowed", ""))
}

/// Writes down that something was refused, and why.
pub(super) fn refused(data: &Path, action: &str, object: &str, reason: &str) -> Result<(), String> {
    written(data, action, "", object, ("refused", reason))
}

/// Writes down that what was written down before came to nothing.
pub(super) fn failed(data: &Path, (action, environment, object): (&str, &str, &str)) -> Result<(), String> {
    written(data, action, environment, object, ("failed", ""))
}

/// Does what was written down; where that fails, it is written down, too.
pub(super) fn done<T>(
    data: &Path,
    (action, environment, object): (&str, &str, &str),
    result: Result<T, StoreError>,
) -> Result<T, String> {
    result.map_err(|error| match failed(data, (action, environment, object)) {
        Ok(()) => error.to_string(),
        Err(_) => format!("{error}; the audit says that {action} was allowed, and can't say that it failed"),
    })
}

fn written(
    data: &Path,
    action: &str,
    environment: &str,
    object: &str,
    (decision, reason): (&str, &str),
) -> Result<(), String> {
    let event = Event {
        time: crate::clock::rfc3339(crate::clock::unix_ms()),
        principal: "command line",
        action,
        environment,
        object,
        decision,
        reason,
        ..Event::default()
    };
    let secrets = Secrets::open_or_create(data).map_err(|e| e.to_string())?;
    let control = open(data)?;
    let known = control.audit_known().map_err(|e| e.to_string())?;
    let ended = Audit::open(data, secrets.audit)
        .and_then(|a| a.expect(&known).and_then(|()| a.write(&event)).map(|()| a.known()))
        .map_err(|e| format!("the audit can't be written: {e}"))?;
    // The event is durable: where its number can't be remembered, the next one's is.
    let _ = control.remember_audit(&ended);
    Ok(())
}

pub(super) fn state(revoked: Option<i64>, expires: Option<i64>, now: i64) -> String {
    match (revoked, expires) {
        (Some(_), _) => "revoked".to_owned(),
        (None, Some(end)) if end <= now => "expired".to_owned(),
        (None, Some(end)) => format!("expires {}", crate::clock::day(u64::try_from(end).unwrap_or(0) * 1000)),
        (None, None) => "active".to_owned(),
    }
}

/// Names that records and labels may show.
pub(super) fn checked(name: &str) -> Result<&str, String> {
    let good = (1..=60).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b));
    if good { Ok(name) } else { Err("names have 1 to 60 letters, digits and - _ . @".to_owned()) }
}

pub(super) fn now() -> i64 {
    i64::try_from(crate::clock::unix_ms() / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_and_failed_is_written_down_as_that() {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("data");
        drop(open(&data).expect("makes"));
        audited(&data, "create_token", "", "tk_1").expect("writes");
        let failed = done::<()>(&data, ("create_token", "", "tk_1"), Err(StoreError::Broken));
        assert!(failed.is_err());
        assert_eq!(done(&data, ("create_token", "", "tk_2"), Ok(3)), Ok(3));
        let events = crate::audit::events(&data.join("audit")).expect("reads");
        let told: Vec<_> = events.iter().map(|e| (e["object"].as_str(), e["decision"].as_str())).collect();
        assert_eq!(told, [(Some("tk_1"), Some("allowed")), (Some("tk_1"), Some("failed"))]);
    }
}
