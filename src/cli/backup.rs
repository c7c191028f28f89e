//! `phigate backup` and `phigate restore`: a data folder to another folder and back, without its keys.

use super::keys::{audited, finish, there};
use super::out;
use crate::secrets::Secrets;
use crate::store::backup::{Copied, backup, restore};
use std::path::PathBuf;
use std::process::ExitCode;

/// What `phigate backup` takes.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The gateway's data folder (`data_dir`); the gateway may run.
    #[arg(long, value_name = "FOLDER", default_value = "phigate-data")]
    data: PathBuf,
    /// Where to: a folder that is empty or absent.
    to: PathBuf,
}

/// What `phigate restore` takes.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// A folder that `phigate backup` wrote.
    from: PathBuf,
    /// The data folder to make: empty or absent. No gateway runs on it.
    #[arg(long, value_name = "FOLDER", default_value = "phigate-data")]
    data: PathBuf,
}

/// Writes a backup. Exit code 0: done, 2: error.
#[must_use]
pub fn run(args: &BackupArgs) -> ExitCode {
    let done = || {
        there(&args.data)?;
        let copied = backup(&args.data, &args.to).map_err(|e| e.to_string())?;
        audited(&args.data, "backup", "", "")?;
        told("backed up", copied);
        let keys = Secrets::folder(&args.data);
        out::complain(format!("The keys aren't in it: keep {} apart from it.", keys.display()));
        Ok(ExitCode::SUCCESS)
    };
    finish("backup", done())
}

/// Makes a data folder from a backup. Exit code 0: done, 2: error.
#[must_use]
pub fn run_restore(args: &RestoreArgs) -> ExitCode {
    let done = || {
        let copied = restore(&args.from, &args.data).map_err(|e| e.to_string())?;
        told("restored", copied);
        let keys = Secrets::folder(&args.data);
        if !keys.exists() {
            out::complain(format!(
                "There are no keys in {}: put those of the backed up gateway there, without them it doesn't start. Where they are gone for good, `phigate secrets renew --data {}` makes new ones: no API key, token or record token is known then.",
                keys.display(),
                args.data.display()
            ));
            return Ok(ExitCode::SUCCESS);
        }
        audited(&args.data, "restore", "", "")?;
        Ok(ExitCode::SUCCESS)
    };
    finish("restore", done())
}

fn told(what: &str, Copied { files, bytes }: Copied) {
    out::complain(format!("{files} files, {bytes} bytes {what}."));
}
