//! Fingerprints: files of filters, each sealed with the key that its tags were made with, and never with the key in it.

use crate::inspect::known::{Filter, FilterError, Tag, Tuple};
use crate::secrets::{PeopleKey, Secrets, SecretsError};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// The fingerprints that are asked: those taken here, and those that were brought here.
#[derive(Clone, Default)]
pub struct Prints {
    /// Taken by this gateway's own production environment.
    pub seen: Option<(PeopleKey, Arc<Filter>)>,
    /// Taken elsewhere.
    pub imported: Option<Arc<Imported>>,
}

/// Fingerprints taken elsewhere, with their key.
pub struct Imported {
    /// The key that came with them.
    pub key: PeopleKey,
    /// The filter.
    pub filter: Filter,
}

/// Why fingerprints can't be had. The operator's to fix.
#[derive(Debug, thiserror::Error)]
pub enum PrintsError {
    /// A file can't be read or written.
    #[error("fingerprints file {path}: {kind}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word for why.
        kind: io::ErrorKind,
    },
    /// Cut, changed, or made with another key.
    #[error("fingerprints file {0} is cut short, was changed, or doesn't belong to this key")]
    Seal(PathBuf),
    /// There is a file, and no key for it.
    #[error("fingerprints file {0} has no key beside it")]
    NoKey(PathBuf),
    /// Its key.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

impl Prints {
    /// Whether a fingerprint agrees.
    #[must_use]
    pub fn has(&self, tuple: &Tuple<'_>) -> bool {
        let has = |(key, filter): (&PeopleKey, &Filter)| {
            filter.count() > 0 && filter.has(&Tag(key.hash(&tuple.parts())))
        };
        self.filters().any(has)
    }

    /// Each with its key.
    pub fn filters(&self) -> impl Iterator<Item = (&PeopleKey, &Filter)> {
        let seen = self.seen.iter().map(|(key, filter)| (key, &**filter));
        seen.chain(self.imported.iter().map(|imported| (&imported.key, &imported.filter)))
    }

    /// Their keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &PeopleKey> {
        self.filters().map(|(key, _)| key)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.seen.as_ref().map_or(0, |(_, f)| f.count())
            + self.imported.as_ref().map_or(0, |i| i.filter.count())
    }

    /// Whether there is none.
    #[must_use]
    pub fn are_empty(&self) -> bool {
        self.count() == 0
    }
}

impl Imported {
    /// What was brought to this data folder, if anything was.
    ///
    /// # Errors
    /// [`PrintsError`].
    pub fn read(data_dir: &Path) -> Result<Option<Self>, PrintsError> {
        let (file, key) = imported_files(data_dir);
        if !file.exists() {
            return Ok(None);
        }
        let key = PeopleKey::read(&key)?.ok_or(PrintsError::NoKey(file.clone()))?;
        Ok(read_prints(&file, &key)?.map(|filter| Self { key, filter }))
    }
}

/// Where the fingerprints taken here are kept.
#[must_use]
pub fn seen_file(data_dir: &Path) -> PathBuf {
    data_dir.join("fingerprints").join("seen.bin")
}

/// Where those that were brought here are kept, and their key.
#[must_use]
pub fn imported_files(data_dir: &Path) -> (PathBuf, PathBuf) {
    let key = Secrets::folder(data_dir).join("fingerprints-imported.key");
    (data_dir.join("fingerprints").join("imported.bin"), key)
}

/// Reads a filter; `None` where there is no such file.
///
/// # Errors
/// [`PrintsError`].
pub fn read_prints(path: &Path, key: &PeopleKey) -> Result<Option<Filter>, PrintsError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(PrintsError::File { path: path.to_owned(), kind: e.kind() }),
    };
    let broken = || PrintsError::Seal(path.to_owned());
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(broken)?;
    let (seal, filter) = rest.split_first_chunk::<32>().ok_or_else(broken)?;
    if !bool::from(key.seal(filter).ct_eq(seal)) {
        return Err(broken());
    }
    Filter::from_bytes(filter).map(Some).map_err(|FilterError::Broken| broken())
}

/// Writes a filter with its seal, whole or not at all.
///
/// # Errors
/// [`PrintsError::File`].
pub fn write_prints(path: &Path, key: &PeopleKey, filter: &Filter) -> Result<(), PrintsError> {
    let failed = |e: io::Error| PrintsError::File { path: path.to_owned(), kind: e.kind() };
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let bytes = filter.to_bytes();
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(failed)?;
    file.write_all(MAGIC)
        .and_then(|()| file.write_all(&key.seal(&bytes)))
        .and_then(|()| file.write_all(&bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&fresh, path))
        .map_err(failed)
}

const MAGIC: &[u8] = b"phigate-fingerprints-1\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_with_its_own_key_alone_and_not_where_it_was_changed() {
        let dir = tempfile::tempdir().expect("dir");
        let key = |name: &str| Secrets::open_or_create(&dir.path().join(name)).expect("made").fingerprints;
        let (one, other) = (key("a"), key("b"));
        let path = dir.path().join("a").join("fingerprints").join("seen.bin");
        let filter = Filter::new(100);
        filter.add(&Tag([9; 32]));
        write_prints(&path, &one, &filter).expect("writes");
        assert!(read_prints(&path, &one).expect("reads").expect("is there").has(&Tag([9; 32])));
        assert!(matches!(read_prints(&path, &other), Err(PrintsError::Seal(_))));
        let mut bytes = fs::read(&path).expect("reads");
        *bytes.last_mut().expect("bytes") ^= 1;
        fs::write(&path, bytes).expect("writes");
        assert!(matches!(read_prints(&path, &one), Err(PrintsError::Seal(_))));
        assert!(read_prints(&dir.path().join("none"), &one).expect("reads").is_none());
    }
}
