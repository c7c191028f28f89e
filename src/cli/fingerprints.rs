//! `phigate fingerprints`: from production to lower environments. The filter and its key are two files: the filter alone
//! can't be asked, the key alone knows nobody. They travel by different ways, and meet in the lower environment's folders.

use super::keys::{audited, finish, now, open, there};
use super::out;
use crate::people::{Imported, read_prints, seen_file, write_prints};
use crate::run::IMPORTED;
use crate::secrets::{PeopleKey, Secrets};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate fingerprints` takes.
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
    /// Write the fingerprints that production took here to FILE, and their key to FILE.key. Carry the two by different
    /// ways: whoever has both can ask whether production knows a person.
    Export {
        /// Where to; neither file may exist.
        file: PathBuf,
    },
    /// Take over fingerprints and their key; a running gateway asks them within a second. Those that were imported
    /// before are replaced.
    Import {
        /// What `export` wrote.
        file: PathBuf,
        /// The key, where it isn't FILE.key.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

/// Runs it. Exit code 0: done, 1: there is nothing to export, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let result = match &args.command {
        Command::Export { file } => export(&args.data, file),
        Command::Import { file, key } => {
            import(&args.data, file, &key.clone().unwrap_or_else(|| with_key(file)))
        }
    };
    finish("fingerprints", result)
}

fn export(data: &Path, file: &Path) -> Result<ExitCode, String> {
    there(data)?;
    let secrets = Secrets::open_or_create(data).map_err(|e| e.to_string())?;
    let Some(filter) = read_prints(&seen_file(data), &secrets.fingerprints).map_err(|e| e.to_string())?
    else {
        out::complain(
            "There are no fingerprints: they are taken where a production [[environment]] has fingerprints = true.",
        );
        return Ok(ExitCode::from(1));
    };
    let key = with_key(file);
    for path in [file, &key] {
        if path.exists() {
            return Err(format!("{} exists", path.display()));
        }
    }
    audited(data, "fingerprints_export", "", &filter.count().to_string())?;
    write_prints(file, &secrets.fingerprints, &filter).map_err(|e| e.to_string())?;
    secrets.fingerprints.write(&key).map_err(|e| e.to_string())?;
    out::complain(format!(
        "{} fingerprints to {}, their key to {}. Carry the two by different ways, and remove both once they are imported.",
        filter.count(),
        file.display(),
        key.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn import(data: &Path, file: &Path, key: &Path) -> Result<ExitCode, String> {
    let control = open(data)?;
    let key = PeopleKey::read(key)
        .map_err(|e| e.to_string())?
        .ok_or_else(|| format!("no key at {}", key.display()))?;
    let filter = read_prints(file, &key)
        .map_err(|e| e.to_string())?
        .ok_or_else(|| format!("no fingerprints at {}", file.display()))?;
    audited(data, "fingerprints_import", "", &filter.count().to_string())?;
    let count = filter.count();
    Imported { key, filter }.keep(data).map_err(|e| e.to_string())?;
    let before = control.setting(IMPORTED).map_err(|e| e.to_string())?.unwrap_or(0);
    control.set(IMPORTED, now().max(before + 1)).map_err(|e| e.to_string())?;
    out::complain(format!("{count} fingerprints are asked from now on."));
    Ok(ExitCode::SUCCESS)
}

fn with_key(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}
