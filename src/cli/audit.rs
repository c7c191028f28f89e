//! `phigate audit`: verify and export what people did. Reads the files; an outsider with the log and the public key can
//! do the same.

use super::keys::{audited, finish, known, open};
use super::out;
use crate::audit::{self, RepairError, Report, audit_event, events, repair, verify, verify_by};
use crate::secrets::{Secrets, VerifyingKey};
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
    /// Sign the end of the log anew where its head (`head.json`) was lost, if the log verifies without it; it says so.
    Repair {
        /// The file elsewhere that takes the signed head: a log that was cut against it is not signed.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
        /// Go on where events that the gateway knew of are gone for good: the log says so, and from where to where. What is
        /// left of it has to verify; where it doesn't, put it away from the folder first.
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
            Command::Repair { anchor, accept_loss: false } => repaired(&args.data, anchor.as_deref()),
            Command::Repair { anchor, accept_loss: true } => accepted(&args.data, anchor.as_deref()),
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
    let is_own = Secrets::folder(data).join("audit.key").exists() && data.join("control.db").exists();
    let known = if is_own { known(data)? } else { 0 };
    let mut report = verify_by(&folder, &keys, anchor).map_err(|e| unreadable(&folder, &e))?;
    let last = report.range.map_or(0, |(_, last)| last);
    if known > last {
        report.problems.push(format!("cut: the gateway knew {known} events, the log ends at {last}"));
    }
    let range = report.range.map_or_else(String::new, |(first, last)| format!(", {first} to {last}"));
    out::line(format!("{} events{range}; held against {} anchors.", report.events, report.anchors));
    report.problems.iter().chain(&report.notes).for_each(out::line);
    if report.problems.is_empty() {
        out::line("Nothing was changed, cut or reordered.");
    }
    Ok(ExitCode::from(u8::from(!report.problems.is_empty())))
}

fn repaired(data: &Path, anchor: Option<&Path>) -> Result<ExitCode, String> {
    own_key(data)?;
    let key = Secrets::audit_key(data).map_err(|e| e.to_string())?;
    match repair(data, key, anchor) {
        Ok(Some(seq)) => out::line(format!("The head was signed anew at {seq}; the log says so.")),
        Ok(None) => out::line("The head is good: nothing was changed."),
        Err(RepairError::Wrong(problems)) => {
            problems.iter().for_each(out::line);
            out::complain("The log doesn't verify: nothing was signed.");
            return Ok(ExitCode::from(1));
        }
        Err(error) => return Err(error.to_string()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Goes on behind a loss.
fn accepted(data: &Path, anchor: Option<&Path>) -> Result<ExitCode, String> {
    let (folder, key) = (data.join("audit"), own_key(data)?);
    let known = known(data)?;
    // Where nothing is left there is no folder, either.
    let report = match folder.exists() {
        true => verify(&folder, &key, anchor).map_err(|e| unreadable(&folder, &e))?,
        false => Report::default(),
    };
    let last = report.range.map_or(0, |(_, last)| last);
    if last >= known {
        out::line("Nothing that the gateway knew of is gone.");
        return Ok(ExitCode::SUCCESS);
    }
    let is_empty = report.events == 0 && !folder.join("head.json").exists();
    if !is_empty && !report.problems.is_empty() {
        report.problems.iter().for_each(out::line);
        out::complain("What is left doesn't verify: put it away from the folder first.");
        return Ok(ExitCode::from(1));
    }
    let control = open(data)?;
    let set = |seq: u64| {
        control.set(audit::KNOWN, i64::try_from(seq).unwrap_or(i64::MAX)).map_err(|e| e.to_string())
    };
    set(last)?;
    if let Err(error) = audited(data, "audit_lost", "", &format!("{} to {known}", last + 1)) {
        set(known)?;
        return Err(error);
    }
    out::line(format!("{} to {known} are gone; the log says so, and goes on.", last + 1));
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
