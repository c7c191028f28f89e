//! Fingerprints: files of filters, each sealed with the key that its tags were made with, and never with the key in it.

use crate::durable;
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
        Ok(Self::found(data_dir)?.map(|(found, _)| found))
    }

    /// Brings them to a data folder, in the place of what was brought before. Where it stops in between, those from before
    /// are still there, or these are: the key comes first, beside the one that the filter there was made with, and takes its
    /// place once the filter is there.
    ///
    /// # Errors
    /// [`PrintsError`].
    pub fn keep(&self, data_dir: &Path) -> Result<(), PrintsError> {
        let files = ImportedFiles::of(data_dir);
        files.settle(Self::found(data_dir)?.map(|(_, which)| which))?;
        self.key.write(&files.next_key)?;
        write_prints(&files.filter, &self.key, &self.filter)?;
        files.settle(Some(Which::Next))
    }

    /// What is there, and where its key stands.
    fn found(data_dir: &Path) -> Result<Option<(Self, Which)>, PrintsError> {
        let ImportedFiles { filter: file, key, next_key } = ImportedFiles::of(data_dir);
        if !file.exists() {
            return Ok(None);
        }
        let mut why = PrintsError::NoKey(file.clone());
        // The key of an import that has just come to its end has the other's name meanwhile: asked once more.
        for (key, which) in [(&key, Which::Own), (&next_key, Which::Next), (&key, Which::Own)] {
            let Some(key) = PeopleKey::read(key)? else { continue };
            match read_prints(&file, &key) {
                Ok(found) => return Ok(found.map(|filter| (Self { key, filter }, which))),
                Err(error) => why = error,
            }
        }
        Err(why)
    }
}

/// Where the fingerprints taken here are kept.
#[must_use]
pub fn seen_file(data_dir: &Path) -> PathBuf {
    data_dir.join("fingerprints").join("seen.bin")
}

/// Where those that were brought here are kept, their key, and that of an import that isn't done yet.
struct ImportedFiles {
    filter: PathBuf,
    key: PathBuf,
    next_key: PathBuf,
}

/// Which key what was brought here is read with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    Own,
    Next,
}

impl ImportedFiles {
    fn of(data_dir: &Path) -> Self {
        let secrets = Secrets::folder(data_dir);
        Self {
            filter: data_dir.join("fingerprints").join("imported.bin"),
            key: secrets.join("fingerprints-imported.key"),
            next_key: secrets.join("fingerprints-imported-next.key"),
        }
    }

    /// Gives the key that is in use its name, where an import stopped before it did.
    fn settle(&self, which: Option<Which>) -> Result<(), PrintsError> {
        if which != Some(Which::Next) {
            return Ok(());
        }
        let renamed = fs::rename(&self.next_key, &self.key)
            .and_then(|()| durable::sync(self.key.parent().unwrap_or(&self.key)));
        renamed.map_err(|e| PrintsError::File { path: self.key.clone(), kind: e.kind() })
    }
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
        .and_then(|()| durable::sync(path.parent().unwrap_or(path)))
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

    #[test]
    fn an_import_that_stops_anywhere_leaves_what_was_there_or_what_it_brought() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        Secrets::open_or_create(&data).expect("made");
        let brought = |n: u8| {
            let key = Secrets::open_or_create(&dir.path().join(n.to_string())).expect("made").fingerprints;
            let filter = Filter::new(100);
            filter.add(&Tag([n; 32]));
            Imported { key, filter }
        };
        let there = || {
            let found = Imported::read(&data).expect("reads").expect("is there");
            (1..=3).find(|n| found.filter.has(&Tag([*n; 32])) && found.key.id() == brought(*n).key.id())
        };
        let files = ImportedFiles::of(&data);
        assert!(Imported::read(&data).expect("reads").is_none());
        let (one, two, three) = (brought(1), brought(2), brought(3));
        // The first one, which stopped before it brought any.
        one.key.write(&files.next_key).expect("writes");
        assert!(Imported::read(&data).expect("reads").is_none());
        one.keep(&data).expect("brings");
        assert_eq!(there(), Some(1));
        // Behind the key, and behind the filter.
        two.key.write(&files.next_key).expect("writes");
        assert_eq!(there(), Some(1));
        write_prints(&files.filter, &two.key, &two.filter).expect("writes");
        assert_eq!(there(), Some(2));
        // The next one, which stops behind its key.
        files.settle(Imported::found(&data).expect("reads").map(|(_, which)| which)).expect("settles");
        three.key.write(&files.next_key).expect("writes");
        assert_eq!(there(), Some(2));
        three.keep(&data).expect("brings");
        assert_eq!(there(), Some(3));
        assert!(!files.next_key.exists(), "no key is left over");
    }
}
