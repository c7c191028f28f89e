//! Secrets: keys of hashes and tokens. They stand beside the data folder, in files of their own (0600 in a folder of
//! 0700), made at first start; never in a store file, and never printed.

mod seals;
mod signing;
mod tokens;

pub use seals::{SealError, SealKeys, SealOf, expire, is_there, shred};
pub use signing::{SigningKey, VerifyingKey};
pub use tokens::TokenKeys;

use crate::durable;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Why secrets can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// A file can't be read or made. The operator's to fix.
    #[error("secrets file {path}: {kind}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word for why.
        kind: io::ErrorKind,
    },
    /// A file isn't 32 bytes. A cut file is not replaced: tokens and keys made with it would be lost.
    #[error("secrets file {0} is not 32 bytes long; restore it from a backup")]
    Length(PathBuf),
    /// Files are gone, and what was made with them isn't: new ones would make it worthless without a word.
    #[error(
        "{} gone, and what was made with it stands in {data_dir}: put it back from where it is kept, or have a new one made by `phigate secrets renew --data {data_dir}`. Then {}.",
        names(.lost), means(.lost)
    )]
    Lost {
        /// Which.
        lost: Vec<LostKey>,
        /// The data folder.
        data_dir: PathBuf,
    },
    /// The system has no randomness.
    #[error("the system gives no random bytes")]
    Random,
}

/// A key that is gone, and was in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostKey {
    /// Its file.
    pub path: PathBuf,
    /// What holds once there is a new one.
    pub means: &'static str,
}

fn names(lost: &[LostKey]) -> String {
    let names: Vec<_> = lost.iter().map(|lost| lost.path.display().to_string()).collect();
    format!("{} {}", names.join(", "), if lost.len() == 1 { "is" } else { "are" })
}

fn means(lost: &[LostKey]) -> String {
    lost.iter().map(|lost| lost.means).collect::<Vec<_>>().join(", ")
}

/// A key of 256 bits. No `Debug` but its name.
#[derive(Clone)]
struct Key([u8; 32]);

/// The keyed hash that credentials are stored under.
#[derive(Clone)]
pub struct Pepper(Key);

/// The key that tuples of people are hashed with: see [`crate::inspect::known`].
#[derive(Clone)]
pub struct PeopleKey {
    key: Key,
    /// The hash with the key taken in: made once, since tuples are asked on a message's way.
    keyed: Hmac<Sha256>,
}

/// All secrets of a data folder.
pub struct Secrets {
    /// For credentials.
    pub pepper: Pepper,
    /// For tokens.
    pub tokens: TokenKeys,
    /// For the audit.
    pub audit: SigningKey,
    /// For the registry of test people.
    pub people: PeopleKey,
    /// For fingerprints of real people: a key of its own, since it travels with them.
    pub fingerprints: PeopleKey,
}

impl Secrets {
    /// Opens the secrets beside `data_dir`, or makes them, but none in the place of one that was in use.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn open_or_create(data_dir: &Path) -> Result<Self, SecretsError> {
        let lost = Self::lost(data_dir);
        if lost.is_empty() {
            Self::renew(data_dir)
        } else {
            Err(SecretsError::Lost { lost, data_dir: data_dir.to_owned() })
        }
    }

    /// The same, and makes new ones where some are lost: somebody said so.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn renew(data_dir: &Path) -> Result<Self, SecretsError> {
        let folder = Self::folder(data_dir);
        durable::create_folder(&folder, 0o700)
            .map_err(|e| SecretsError::File { path: folder.clone(), kind: e.kind() })?;
        Ok(Self {
            pepper: Pepper(key(&folder.join(PEPPER))?),
            tokens: TokenKeys::open_or_create(&folder)?,
            audit: SigningKey::open_or_create(&folder.join(AUDIT))?,
            people: PeopleKey::new(key(&folder.join(PEOPLE))?),
            fingerprints: PeopleKey::new(key(&folder.join(FINGERPRINTS))?),
        })
    }

    /// Keys that aren't there, though what was made with them is.
    #[must_use]
    pub fn lost(data_dir: &Path) -> Vec<LostKey> {
        let folder = Self::folder(data_dir);
        let has_bytes = |path: &str| fs::metadata(data_dir.join(path)).is_ok_and(|found| found.len() > 0);
        let has_control = has_bytes("control.db");
        let uses = [
            (PEPPER, has_control, "no API key and no token of a reader is known any more"),
            (PEOPLE, has_control, "nobody is on the list of test people any more"),
            (tokens::NOW, holds(&data_dir.join("records"), "db"), "no record is found by a value any more"),
            (
                AUDIT,
                holds(&data_dir.join("audit"), "jsonl"),
                "the audit until now is verified by the old public key alone",
            ),
            (
                FINGERPRINTS,
                has_bytes("fingerprints/seen.bin"),
                "the fingerprints in fingerprints/seen.bin can't be asked, and are to be removed",
            ),
        ];
        let lost = uses.into_iter().filter(|(name, is_used, _)| *is_used && !folder.join(name).exists());
        lost.map(|(name, _, means)| LostKey { path: folder.join(name), means }).collect()
    }

    /// The key that the audit beside is signed with, and none of the others.
    ///
    /// # Errors
    /// [`SecretsError`]; also where it isn't there.
    pub fn audit_key(data_dir: &Path) -> Result<SigningKey, SecretsError> {
        let path = Self::folder(data_dir).join(AUDIT);
        match path.exists() {
            true => SigningKey::open_or_create(&path),
            false => Err(SecretsError::File { path, kind: io::ErrorKind::NotFound }),
        }
    }

    /// Where the secrets of a data folder stand: `phigate-data-secrets` beside `phigate-data`.
    #[must_use]
    pub fn folder(data_dir: &Path) -> PathBuf {
        let mut name =
            data_dir.file_name().map(std::ffi::OsStr::to_os_string).unwrap_or_else(|| "phigate".into());
        name.push("-secrets");
        data_dir.with_file_name(name)
    }
}

/// Whether a folder, or one in it, has a file of a kind with something in it.
fn holds(folder: &Path, extension: &str) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => holds(&entry.path(), extension),
        Ok(_) => {
            let is_it = entry.path().extension().is_some_and(|e| e == extension);
            is_it && entry.metadata().is_ok_and(|found| found.len() > 0)
        }
        Err(_) => false,
    })
}

impl Pepper {
    /// The keyed hash of a credential.
    #[must_use]
    pub fn hash(&self, credential: &str) -> [u8; 32] {
        self.0.mac(&[b"credential", credential.as_bytes()])
    }
}

impl PeopleKey {
    fn new(key: Key) -> Self {
        let keyed = key.keyed();
        Self { key, keyed }
    }

    /// The keyed hash of a tuple's parts.
    #[must_use]
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(self.keyed.clone(), parts)
    }

    /// Which key this is: tells nothing of it.
    #[must_use]
    pub fn id(&self) -> [u8; 8] {
        let whole = mac(self.keyed.clone(), &[b"id"]);
        whole.first_chunk().copied().unwrap_or_default()
    }

    /// The seal of a file that was made with this key.
    #[must_use]
    pub fn seal(&self, bytes: &[u8]) -> [u8; 32] {
        mac(self.keyed.clone(), &[b"file", bytes])
    }

    /// Reads one from a file; `None` where there is no such file.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn read(path: &Path) -> Result<Option<Self>, SecretsError> {
        match fs::read(path) {
            Ok(bytes) => {
                let key = bytes.try_into().map_err(|_| SecretsError::Length(path.to_owned()))?;
                Ok(Some(Self::new(Key(key))))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(SecretsError::File { path: path.to_owned(), kind: e.kind() }),
        }
    }

    /// Writes it to a file for its owner alone (0600), whole or not at all; what stood there is replaced.
    ///
    /// # Errors
    /// [`SecretsError::File`].
    pub fn write(&self, path: &Path) -> Result<(), SecretsError> {
        let failed = |e: io::Error| SecretsError::File { path: path.to_owned(), kind: e.kind() };
        // A name of its own: what a stop left behind stands in nobody's way.
        let fresh = path.with_extension(format!("new-{}", hex16(&random()?)));
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(failed)?;
        let written = file.write_all(&self.key.0).and_then(|()| file.sync_all());
        let named = || fs::rename(&fresh, path).and_then(|()| durable::sync(path.parent().unwrap_or(path)));
        written.and_then(|()| named()).map_err(|e| {
            // Nothing of a key stays behind.
            let _ = fs::remove_file(&fresh);
            failed(e)
        })
    }
}

impl Key {
    /// HMAC-SHA-256 over parts, each with its length in front.
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        mac(self.keyed(), parts)
    }

    fn keyed(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.0).expect("HMAC takes keys of any length")
    }
}

/// The first 128 bits in hex.
fn hex16(bytes: &[u8]) -> String {
    hex(bytes.get(..16).unwrap_or(bytes))
}

/// Bytes in hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        out.push(digit(b >> 4));
        out.push(digit(b & 15));
        out
    })
}

fn mac(mut mac: Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// 256 random bits.
///
/// # Errors
/// [`SecretsError::Random`].
pub fn random() -> Result<[u8; 32], SecretsError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| SecretsError::Random)?;
    Ok(bytes)
}

fn key(path: &Path) -> Result<Key, SecretsError> {
    let failed = |e: io::Error| SecretsError::File { path: path.to_owned(), kind: e.kind() };
    match fs::read(path) {
        Ok(bytes) => bytes.try_into().map(Key).map_err(|_| SecretsError::Length(path.to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let bytes = random()?;
            // Two processes at first start: whoever was first wins, and both read his.
            if write_new(path, &bytes)? { Ok(Key(bytes)) } else { key(path) }
        }
        Err(e) => Err(failed(e)),
    }
}

/// Writes a file that isn't there yet, for its owner alone; gives whether it wasn't. It is written whole under another
/// name first: a crash leaves no cut key behind. It is durable before anything is made with it.
fn write_new(path: &Path, bytes: &[u8]) -> Result<bool, SecretsError> {
    let failed = |e: io::Error| SecretsError::File { path: path.to_owned(), kind: e.kind() };
    // A name of its own: what a crash left behind stands in nobody's way.
    let fresh = path.with_extension(format!("new-{}", hex16(&random()?)));
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(failed)?;
    let linked = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| {
        match fs::hard_link(&fresh, path) {
            Ok(()) => Ok(true),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(e) => Err(e),
        }
    });
    // Nothing of a key stays behind.
    fs::remove_file(&fresh).map_err(failed)?;
    // Whoever was first: both use it.
    linked
        .and_then(|was_first| durable::sync(path.parent().unwrap_or(path)).map(|()| was_first))
        .map_err(failed)
}

const PEPPER: &str = "pepper.key";
const AUDIT: &str = "audit.key";
const PEOPLE: &str = "people.key";
const FINGERPRINTS: &str = "fingerprints.key";

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn secrets_are_made_once_for_the_owner_alone() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let one = Secrets::open_or_create(&data).expect("made");
        let two = Secrets::open_or_create(&data).expect("opened");
        assert_eq!(one.pepper.hash("x"), two.pepper.hash("x"));
        let mode = |p: &Path| fs::metadata(p).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&Secrets::folder(&data)), 0o700);
        assert_eq!(mode(&Secrets::folder(&data).join("pepper.key")), 0o600);
        assert!(!data.exists(), "secrets don't stand in the data folder");
    }

    #[test]
    fn a_key_s_file_is_durable_in_its_folder_before_it_is_used() {
        let dir = tempfile::tempdir().expect("dir");
        durable::tests::synced();
        key(&dir.path().join("a.key")).expect("made");
        assert_eq!(durable::tests::synced(), [dir.path()]);
        let data = dir.path().join("data");
        Secrets::open_or_create(&data).expect("made");
        assert!(durable::tests::synced().contains(&dir.path().to_owned()), "the folder's own name");
    }

    #[test]
    fn a_lost_key_that_was_in_use_is_an_error_until_somebody_has_a_new_one_made() {
        let uses = [
            ("pepper.key", "control.db"),
            ("people.key", "control.db"),
            ("tokens.key", "records/one/2026-01-02.db"),
            ("audit.key", "audit/2026-01.jsonl"),
            ("fingerprints.key", "fingerprints/seen.bin"),
        ];
        for (name, made) in uses {
            let dir = tempfile::tempdir().expect("dir");
            let data = dir.path().join("data");
            Secrets::open_or_create(&data).expect("made");
            let path = Secrets::folder(&data).join(name);
            let made = data.join(made);
            fs::create_dir_all(made.parent().expect("a folder")).expect("made");
            fs::write(&made, b"").expect("writes");
            fs::remove_file(&path).expect("removes");
            Secrets::open_or_create(&data).expect("nothing was made with it");
            fs::remove_file(&path).expect("removes");
            fs::write(&made, b"x").expect("writes");
            let error = Secrets::open_or_create(&data).err().expect("it is lost").to_string();
            assert!(error.contains(name) && error.contains("phigate secrets renew"), "{error}");
            assert!(!path.exists(), "{name}: none is made");
            Secrets::renew(&data).expect("made");
            Secrets::open_or_create(&data).expect("it is there");
        }
    }

    #[test]
    fn a_cut_key_is_an_error_and_is_not_replaced() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        Secrets::open_or_create(&data).expect("made");
        let path = Secrets::folder(&data).join("tokens.key");
        fs::write(&path, b"short").expect("writes");
        assert!(matches!(Secrets::open_or_create(&data), Err(SecretsError::Length(_))));
        assert_eq!(fs::read(&path).expect("reads"), b"short");
    }
}
