//! Backup and restore of a data folder: each database as of one moment, the audit as of another, a manifest.
//!
//! Keys stand beside the data folder and are never part of a backup: whoever has the one hasn't the other, and what a key
//! that was dropped since opened stays shut.

use super::StoreError;
use super::sqlite::database;
use crate::audit;
use crate::durable;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

/// Why there is no backup, or nothing was restored. Names files of the folder, and nothing inside them.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file or folder can't be read or made.
    #[error("{path}: {kind}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word for why.
        kind: io::ErrorKind,
    },
    /// A database can't be read.
    #[error("{path}: {error}")]
    Database {
        /// Which.
        path: PathBuf,
        /// Why.
        error: StoreError,
    },
    /// The target has something in it: nothing is written over.
    #[error("{0} is not empty")]
    NotEmpty(PathBuf),
    /// There is no manifest, or it isn't one.
    #[error("{0} is no backup: its manifest.json is absent or can't be read")]
    NoManifest(PathBuf),
    /// A file isn't what the manifest says.
    #[error("{0} is not as it was backed up: nothing was restored")]
    Differs(PathBuf),
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    phigate: String,
    made: String,
    files: Vec<Listed>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    path: String,
    bytes: u64,
    sha256: String,
}

/// Writes a backup of `data_dir` to the folder `to`, which has to be empty or absent. The gateway may run.
///
/// # Errors
/// [`BackupError`]; what was written until then has no manifest, and so is no backup.
pub fn backup(data_dir: &Path, to: &Path) -> Result<Copied, BackupError> {
    let mut files = files(data_dir)?;
    make_empty(to)?;
    // Those of the audit are listed while nobody writes it.
    files.retain(|path| !path.starts_with(AUDIT));
    for path in &files {
        copy(&data_dir.join(path), &to.join(path))?;
    }
    if data_dir.join(AUDIT).exists() {
        for held in held_audit(data_dir)? {
            held.copy(to)?;
            files.push(held.path);
        }
    }
    files.sort();
    sync_folders(to, files.iter().map(PathBuf::as_path))?;
    let listed: Vec<Listed> = files.iter().map(|path| listed(to, path)).collect::<Result<_, _>>()?;
    let copied = Copied { files: listed.len(), bytes: listed.iter().map(|file| file.bytes).sum() };
    let manifest = Manifest {
        phigate: env!("CARGO_PKG_VERSION").to_owned(),
        made: crate::clock::rfc3339(crate::clock::unix_ms()),
        files: listed,
    };
    let text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    let path = to.join(MANIFEST);
    fs::write(&path, text).map_err(failed(&path))?;
    sync(&path)?;
    sync(to)?;
    Ok(copied)
}

/// Makes the data folder that was backed up to `from`; `data_dir` has to be empty or absent. Every file is checked
/// before the first is written.
///
/// # Errors
/// [`BackupError`].
pub fn restore(from: &Path, data_dir: &Path) -> Result<Copied, BackupError> {
    let none = || BackupError::NoManifest(from.to_owned());
    let text = fs::read(from.join(MANIFEST)).map_err(|_| none())?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| none())?;
    for file in &manifest.files {
        let path = Path::new(&file.path);
        let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        let found = if is_inside { listed(from, path).ok() } else { None };
        if found.is_none_or(|found| (found.bytes, &found.sha256) != (file.bytes, &file.sha256)) {
            return Err(BackupError::Differs(from.join(&file.path)));
        }
    }
    make_empty(data_dir)?;
    for file in &manifest.files {
        copy_bytes(&from.join(&file.path), &data_dir.join(&file.path))?;
    }
    sync_folders(data_dir, manifest.files.iter().map(|file| Path::new(&file.path)))?;
    Ok(Copied { files: manifest.files.len(), bytes: manifest.files.iter().map(|file| file.bytes).sum() })
}

/// What belongs to a data folder, by path inside it: not what SQLite keeps beside its databases, nor sockets and locks.
fn files(data_dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        let full = data_dir.join(&folder);
        for entry in fs::read_dir(&full).map_err(failed(&full))?.flatten() {
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(failed(&full))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && !name.ends_with("-wal") && !name.ends_with("-shm") && name != "lock" {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// A file of the audit as it was at one moment: what is appended to it, or takes its name, since then is no part of it.
struct Held {
    path: PathBuf,
    file: fs::File,
    bytes: u64,
}

/// Opens and measures the audit's files while nobody writes: that is all that writers wait for.
fn held_audit(data_dir: &Path) -> Result<Vec<Held>, BackupError> {
    let held = audit::while_still(data_dir, || {
        let inside = files(&data_dir.join(AUDIT))?;
        inside
            .into_iter()
            .map(|path| {
                let path = Path::new(AUDIT).join(path);
                let full = data_dir.join(&path);
                let file = fs::File::open(&full).map_err(failed(&full))?;
                let bytes = file.metadata().map_err(failed(&full))?.len();
                Ok(Held { path, file, bytes })
            })
            .collect()
    });
    held.map_err(failed(&data_dir.join(AUDIT)))?
}

impl Held {
    fn copy(&self, to: &Path) -> Result<(), BackupError> {
        let to = to.join(&self.path);
        make_parent(&to)?;
        let copied = fs::File::create(&to).and_then(|mut copy| {
            copy.set_permissions(self.file.metadata()?.permissions())?;
            io::copy(&mut (&self.file).take(self.bytes), &mut copy)
        });
        copied.map_err(failed(&to))?;
        sync(&to)
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), BackupError> {
    if from.extension().is_none_or(|e| e != "db") {
        return copy_bytes(from, to);
    }
    make_parent(to)?;
    let failed = |error| BackupError::Database { path: from.to_owned(), error: database(error) };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags).map_err(failed)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(failed)?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()]).map(drop).map_err(failed)?;
    // SQLite leaves that to us here.
    sync(to)
}

fn copy_bytes(from: &Path, to: &Path) -> Result<(), BackupError> {
    make_parent(to)?;
    fs::copy(from, to).map(drop).map_err(failed(from))?;
    sync(to)
}

/// Has the disk keep the names of files, by path inside `to`: what a manifest tells of is there after a power loss.
fn sync_folders<'f>(to: &Path, files: impl Iterator<Item = &'f Path>) -> Result<(), BackupError> {
    let folders: BTreeSet<&Path> = files.flat_map(|path| path.ancestors().skip(1)).collect();
    folders.into_iter().try_for_each(|folder| sync(&to.join(folder)))
}

fn sync(path: &Path) -> Result<(), BackupError> {
    durable::sync(path).map_err(failed(path))
}

fn make_parent(path: &Path) -> Result<(), BackupError> {
    path.parent().map_or(Ok(()), |parent| fs::create_dir_all(parent).map_err(failed(parent)))
}

fn make_empty(folder: &Path) -> Result<(), BackupError> {
    durable::create_folder(folder, 0o777).map_err(failed(folder))?;
    match fs::read_dir(folder).map_err(failed(folder))?.next() {
        None => Ok(()),
        Some(_) => Err(BackupError::NotEmpty(folder.to_owned())),
    }
}

fn listed(folder: &Path, path: &Path) -> Result<Listed, BackupError> {
    let full = folder.join(path);
    let mut file = fs::File::open(&full).map_err(failed(&full))?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).map_err(failed(&full))? {
            0 => break,
            count => {
                hash.update(buffer.get(..count).unwrap_or_default());
                bytes += count as u64;
            }
        }
    }
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Listed { path: path.to_string_lossy().into_owned(), bytes, sha256 })
}

fn failed(path: &Path) -> impl Fn(io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::File { path: path.clone(), kind: error.kind() }
}

const MANIFEST: &str = "manifest.json";
/// The folder of the audit, in a data folder.
const AUDIT: &str = "audit";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Audit, Event, verify};
    use crate::secrets::SigningKey;

    #[test]
    fn what_was_copied_is_durable_with_its_name_before_the_manifest_tells_of_it() {
        let dir = tempfile::tempdir().expect("dir");
        let (data, to, back) = (dir.path().join("data"), dir.path().join("to"), dir.path().join("back"));
        fs::create_dir_all(data.join("deep/er")).expect("folders");
        fs::write(data.join("deep/er/seen.bin"), b"x").expect("writes");
        Connection::open(data.join("a.db"))
            .and_then(|c| c.execute_batch("CREATE TABLE t (x)"))
            .expect("made");
        durable::tests::synced();
        backup(&data, &to).expect("backs up");
        let synced = durable::tests::synced();
        let at = |path: &str| synced.iter().rposition(|synced| *synced == to.join(path));
        for path in ["deep/er/seen.bin", "a.db", "deep/er", "deep"] {
            assert!(at(path).is_some() && at(path) < at(MANIFEST), "{path}: {synced:?}");
        }
        assert!(at(MANIFEST) < at(""), "and its own name: {synced:?}");
        restore(&to, &back).expect("restores");
        let synced = durable::tests::synced();
        for path in ["deep/er/seen.bin", "a.db", "deep/er", "deep", ""] {
            assert!(synced.contains(&back.join(path)), "{path}: {synced:?}");
        }
    }

    #[test]
    fn the_audit_is_copied_as_of_one_moment_and_written_meanwhile() {
        let dir = tempfile::tempdir().expect("dir");
        let (data, to) = (dir.path().join("data"), dir.path().join("to"));
        let key = SigningKey::ephemeral().expect("key");
        let audit = Audit::open(&data, key.clone()).expect("opens");
        let write = |object: &str, month: &str| {
            let event = Event { time: format!("{month}-01T10:00:00Z"), object, ..Event::default() };
            audit.write(&event).expect("writes");
        };
        write("before", "2026-10");
        let held = held_audit(&data).expect("opens");
        // Another month too, and a file that retention takes away.
        write("behind", "2026-10");
        write("behind", "2026-11");
        fs::remove_file(data.join("audit/2026-10.jsonl")).expect("removes");
        held.iter().for_each(|held| held.copy(&to).expect("copies"));
        let report = verify(&to.join(AUDIT), &key.public(), None).expect("reads");
        assert_eq!((report.events, report.problems), (1, vec![]));
        assert!(fs::read_to_string(to.join("audit/2026-10.jsonl")).expect("reads").contains("before"));
    }
}
