//! `phigate audit`: verify and export what people did. Reads the files; an outsider with the log and the public key can
//! do the same.

use super::keys::{finish, open};
use super::out;
use crate::audit::{Known, RepairError, Repaired, accept_loss, audit_event, events, repair, verify_by};
use crate::secrets::{Secrets, VerifyingKey};
use crate::store::Control;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate audit` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's data folder (`data_dir`).
    #[arg(long, value_name = "FOLDER", default_value = "phigate-data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell every change, cut (of the tail, too) and reorder.
    Verify {
        /// The public key in hex, as `phigate audit key` prints it; without it, that of the data folder's secrets. Given
        /// again for each key that was renewed: events from before are verified by the earlier one alone.
        #[arg(long, value_name = "HEX")]
        key: Vec<String>,
        /// The file elsewhere that takes the signed head (`[audit] anchor_file`).
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Print all events, a line each, oldest first.
    Export {
        /// In which form.
        #[arg(long, default_value = "json")]
        format: Format,
    },
    /// Sign the end of the log anew where its head (`head.json`) was lost, if the log verifies without it, and has all that
    /// the gateway (control.db) and the anchors know of; it says so.
    Repair {
        /// The file elsewhere that takes the signed head: a log that was cut against it is not signed.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
        /// Go on where events that the gateway, the head or an anchor knew of are gone for good, or control.db is: the log
        /// says so, and from where to where. What is left of it has to verify by itself; where it doesn't, put it away from
        /// the folder first.
        #[arg(long)]
        accept_loss: bool,
    },
    /// Print the public key: keep it where the log is not.
    Key,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// As they are kept.
    Json,
    /// FHIR R4 AuditEvent resources.
    Fhir,
}

/// Runs it. Exit code 0: done, or nothing is wrong; 1: something is; 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let folder = args.data.join("audit");
        match &args.command {
            Command::Verify { key, anchor } => verified(&args.data, key, anchor.as_deref()),
            Command::Export { format } => {
                for line in events(&folder).map_err(|e| unreadable(&folder, &e))? {
                    out::line(match format {
                        Format::Json => line.to_string(),
                        Format::Fhir => audit_event(&line).to_string(),
                    });
                }
                Ok(ExitCode::SUCCESS)
            }
            Command::Repair { anchor, accept_loss } => repaired(&args.data, anchor.as_deref(), *accept_loss),
            Command::Key => {
                out::line(own_key(&args.data)?.hex());
                Ok(ExitCode::SUCCESS)
            }
        }
    };
    finish("audit", run())
}

fn verified(data: &Path, keys: &[String], anchor: Option<&Path>) -> Result<ExitCode, String> {
    let folder = data.join("audit");
    let parsed = |hex: &String| VerifyingKey::parse(hex).ok_or("--key wants 64 hex digits");
    let keys = match keys {
        [] => vec![own_key(data)?],
        keys => keys.iter().map(parsed).collect::<Result<_, _>>()?,
    };
    // Before the log is read, which may grow meanwhile.
    let is_own = Secrets::folder(data).join("audit.key").exists();
    let is_control_lost = is_own && Control::is_lost(data);
    let known = match is_own && data.join("control.db").exists() && !is_control_lost {
        true => open(data)?.audit_known().map_err(|e| e.to_string())?,
        false => Known::default(),
    };
    let mut report = verify_by(&folder, &keys, anchor, &known).map_err(|e| unreadable(&folder, &e))?;
    if is_control_lost {
        report.problems.push(CONTROL_LOST.to_owned());
    }
    let range = report.range.map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
    out::line(format!("{} events{range}; held against {} anchors.", report.events, report.anchors));
    report.problems.iter().chain(&report.told).chain(&report.notes).for_each(out::line);
    if report.problems.is_empty() {
        out::line(match report.told.is_empty() {
            true => "Nothing was changed, cut or reordered.",
            false => "But for what the log tells itself, nothing was changed, cut or reordered.",
        });
    }
    Ok(ExitCode::from(u8::from(!report.problems.is_empty())))
}

fn repaired(data: &Path, anchor: Option<&Path>, is_loss_accepted: bool) -> Result<ExitCode, String> {
    own_key(data)?;
    let key = Secrets::audit_key(data).map_err(|e| e.to_string())?;
    let is_control_lost = Control::is_lost(data);
    if is_control_lost && !is_loss_accepted {
        out::line(CONTROL_LOST);
        out::complain(
            "Nothing was signed: --accept-loss does, or `phigate secrets renew` where the head is there.",
        );
        return Ok(ExitCode::from(1));
    }
    let control = if is_control_lost { None } else { Some(open(data)?) };
    let known = control.as_ref().map(Control::audit_known).transpose().map_err(|e| e.to_string())?;
    let known = known.unwrap_or_default();
    let done = match is_loss_accepted {
        false => repair(data, key, anchor, &known),
        true => accept_loss(data, key, anchor, &known),
    };
    let ended = match done {
        Ok(Repaired::Nothing) if is_loss_accepted => {
            out::line("Nothing that the gateway knew of is gone.");
            return Ok(ExitCode::SUCCESS);
        }
        Ok(Repaired::Nothing) => {
            out::line("The head is good: nothing was changed.");
            return Ok(ExitCode::SUCCESS);
        }
        Ok(Repaired::Head(seq, ended)) => {
            out::line(format!("The head was signed anew at {seq}; the log says so."));
            ended
        }
        Ok(Repaired::Loss(lost, ended)) => {
            out::line(format!("{lost}: gone; the log says so, and goes on."));
            ended
        }
        Err(RepairError::Wrong(problems)) => {
            problems.iter().for_each(out::line);
            out::complain(match is_loss_accepted {
                true => "What is left doesn't verify: put it away from the folder first.",
                false => "The log doesn't verify: nothing was signed.",
            });
            return Ok(ExitCode::from(1));
        }
        Err(error) => return Err(error.to_string()),
    };
    if let Some(control) = control {
        control.reset_audit(&ended).map_err(|e| e.to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn own_key(data: &Path) -> Result<VerifyingKey, String> {
    if !Secrets::folder(data).join("audit.key").exists() {
        return Err("there is no audit key beside the data folder: --key takes the public one".to_owned());
    }
    Ok(Secrets::audit_key(data).map_err(|e| e.to_string())?.public())
}

fn unreadable(folder: &Path, error: &std::io::Error) -> String {
    format!("{}: {}", folder.display(), error.kind())
}

/// What tells how far the log went isn't there.
const CONTROL_LOST: &str = "control.db is gone: nothing but an anchor can tell how far the log went";
