//! What has to be there after a power loss: told to the disk before anything leans on it.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Has the disk keep a file's bytes, or which names a folder has.
///
/// # Errors
/// The system's: it may not be kept.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)?.sync_all()?;
    #[cfg(test)]
    tests::SYNCED.with_borrow_mut(|all| all.push(path.to_owned()));
    Ok(())
}

/// Makes a folder with those above it, where they aren't there yet, each durable in the one above.
///
/// # Errors
/// The system's.
pub(crate) fn create_folder(path: &Path, mode: u32) -> io::Result<()> {
    let missing = path.ancestors().take_while(|at| !at.as_os_str().is_empty() && !at.exists());
    let missing: Vec<&Path> = missing.collect();
    fs::DirBuilder::new().recursive(true).mode(mode).create(path)?;
    for parent in missing.iter().filter_map(|made| made.parent()) {
        match sync(parent) {
            // What we may write to and not read can't be asked.
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Why a file can't be had, in the words that people look for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Why(pub io::ErrorKind);

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            io::ErrorKind::NotFound => f.write_str("no such file"),
            // Of files that are read as text.
            io::ErrorKind::InvalidData => f.write_str("it is no text in UTF-8"),
            other => other.fmt(f),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::path::PathBuf;

    thread_local! {
        /// What this thread had kept since it was last asked.
        pub(super) static SYNCED: RefCell<Vec<PathBuf>> = const { RefCell::new(Vec::new()) };
    }

    /// What this thread had kept since the last call, in order.
    pub(crate) fn synced() -> Vec<PathBuf> {
        SYNCED.take()
    }

    #[test]
    fn folders_that_are_made_are_kept_in_the_one_above() {
        let dir = tempfile::tempdir().expect("dir");
        let deep = dir.path().join("a/b");
        synced();
        create_folder(&deep, 0o700).expect("makes");
        assert_eq!(synced(), [dir.path().join("a"), dir.path().to_owned()]);
        create_folder(&deep, 0o700).expect("is there");
        assert_eq!(synced(), Vec::<PathBuf>::new());
    }
}
