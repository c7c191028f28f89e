//! Record files that readers have open: opening one costs more than a search in it.

use super::StoreError;
use rusqlite::Connection;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections that nobody uses at the moment, one of each file.
#[derive(Clone, Default)]
pub(super) struct OpenFiles(Arc<Mutex<HashMap<PathBuf, Kept>>>);

struct Kept {
    connection: Connection,
    file: (u64, u64),
}

impl OpenFiles {
    /// Uses a file's connection, the kept one or a new one; `None` where there is no such file, or `open` gives none.
    pub(super) fn with<T>(
        &self,
        path: &Path,
        open: impl FnOnce() -> Result<Option<Connection>, StoreError>,
        f: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let Some(file) = identity(path) else { return Ok(None) };
        let kept = self.lock().remove(path).filter(|kept| kept.file == file);
        let kept = match kept {
            Some(kept) => kept,
            None => match open()? {
                Some(connection) => Kept { connection, file },
                None => return Ok(None),
            },
        };
        let found = f(&kept.connection)?;
        // Retention may have taken it meanwhile: an open file would keep its space.
        if identity(path) == Some(file) {
            let mut all = self.lock();
            if all.len() < KEPT_MAX || all.contains_key(path) {
                all.insert(path.to_owned(), kept);
            } else if let Some(oldest) = all.keys().min().cloned() {
                // By name: the oldest day, more or less.
                all.remove(&oldest);
                all.insert(path.to_owned(), kept);
            }
        }
        Ok(Some(found))
    }

    /// Closes files that were removed.
    pub(super) fn forget(&self, removed: &[PathBuf]) {
        let mut all = self.lock();
        removed.iter().for_each(|path| drop(all.remove(path)));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for OpenFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenFiles({})", self.lock().len())
    }
}

/// Device and inode: a file of the same name may be another.
fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// Files that are kept open: two for each day of two months.
const KEPT_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_file_is_opened_once_and_anew_where_it_is_another() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("a.db");
        let files = OpenFiles::default();
        let opened = Cell::new(0);
        let open = || {
            opened.set(opened.get() + 1);
            Connection::open(&path).map(Some).map_err(super::super::sqlite::database)
        };
        let ask = || {
            let version =
                |c: &Connection| c.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
            files.with(&path, open, |c| version(c).map_err(super::super::sqlite::database)).expect("reads")
        };
        assert_eq!((ask(), opened.get()), (None, 0), "there is none");
        let make = |version: i64| {
            let connection = Connection::open(&path).expect("opens");
            connection.pragma_update(None, "user_version", version).expect("sets");
        };
        make(1);
        assert_eq!((ask(), ask(), opened.get()), (Some(1), Some(1), 1));
        fs::remove_file(&path).expect("removes");
        assert_eq!((ask(), opened.get()), (None, 1));
        make(2);
        assert_eq!((ask(), opened.get()), (Some(2), 2));
        files.forget(std::slice::from_ref(&path));
        assert_eq!((ask(), opened.get()), (Some(2), 3));
    }
}
