//! Whose a data folder is: one gateway's at a time. The lock is the open file's, so that the process which follows gets it
//! with the listening sockets, and has it for as long as it needs it, whatever becomes of the one before.

use super::RunError;
use crate::listen::HandedSocket;
use rustix::fs::{FlockOperation, flock};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Held while a gateway runs on a data folder. Commands don't ask for it.
pub(super) struct Lock(Option<OwnedFd>);

impl Lock {
    /// That of the process before, or a new one.
    ///
    /// # Errors
    /// [`RunError::Running`], and [`RunError::Io`] where the file can't be had.
    pub(super) fn take(data_dir: &Path, handed: &mut Vec<HandedSocket>) -> Result<Self, RunError> {
        if let Some(before) = handed.extract_if(.., |handed| handed.name == NAME).next() {
            return Ok(Self(Some(before.socket)));
        }
        let path = data_dir.join("lock"); // by this name a backup leaves it out
        let failed = |error: io::Error| RunError::Io {
            what: format!("{} can't be made", path.display()),
            kind: error.kind(),
        };
        crate::durable::create_folder(data_dir, 0o777).map_err(failed)?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = OwnedFd::from(file.map_err(failed)?);
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(Some(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(RunError::Running(data_dir.to_owned())),
            Err(error) => {
                let kind = io::Error::from(error).kind();
                tracing::warn!(%kind, "The data folder can't be locked here: a second gateway on it would not be noticed.");
                Ok(Self(None))
            }
        }
    }

    /// The same lock once more, for the process that follows.
    pub(super) fn copy(&self) -> Option<HandedSocket> {
        let socket = self.0.as_ref()?.try_clone().ok()?;
        Some(HandedSocket { name: NAME.to_owned(), address: String::new(), socket })
    }
}

/// No listener's name.
const NAME: &str = ":lock";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_gateway_s_and_goes_over_with_its_sockets() {
        let folder = tempfile::tempdir().expect("folder");
        let data = folder.path().join("data");
        let take = |handed: &mut Vec<HandedSocket>| Lock::take(&data, handed);
        let one = take(&mut Vec::new()).expect("free");
        assert!(matches!(take(&mut Vec::new()), Err(RunError::Running(path)) if path == data));
        let mut handed = vec![one.copy().expect("a copy")];
        let next = take(&mut handed).expect("handed over");
        assert!(handed.is_empty());
        drop(one);
        assert!(take(&mut Vec::new()).is_err(), "the next one has it");
        drop(next);
        take(&mut Vec::new()).expect("free again");
    }
}
