//! People: who is known. The registry of test people and the fingerprints of real ones, in memory for the message's way;
//! [`crate::inspect::known`] says what agrees.

mod notebook;
mod prints;

pub use notebook::{Notebook, PrintFile};
pub use prints::{Imported, Prints, PrintsError, read_prints, seen_file, write_prints};

use crate::inspect::known::{Filter, Known, Print, Remember, Tag, Tuple};
use crate::secrets::{PeopleKey, Secrets};
use crate::store::{Control, StoreError};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Registry and fingerprints as they are now. The snapshot has one.
pub struct People {
    key: PeopleKey,
    listed: HashMap<Tag, i64>,
    prints: Prints,
    /// Keys of fingerprints that may be asked of somebody later, with their ids.
    print_keys: Vec<([u8; 8], PeopleKey)>,
    remember: Remember,
}

/// What fingerprints say of somebody of whom nothing but hashes is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Production hasn't seen them.
    Unseen,
    /// Production knows them.
    Real,
    /// There are fingerprints of a key that wasn't there when the hashes were made.
    Unasked,
}

/// Why registry or fingerprints can't be had. The operator's to fix.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// control.db.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of fingerprints.
    #[error(transparent)]
    Prints(#[from] PrintsError),
}

impl People {
    /// What `control` lists now, with these fingerprints.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(
        control: &Control,
        key: PeopleKey,
        prints: Prints,
        remember: Remember,
    ) -> Result<Self, StoreError> {
        let listed = control.listed(now())?.into_iter().collect();
        let print_keys = prints.keys().map(|key| (key.id(), key.clone())).collect();
        Ok(Self { key, listed, prints, print_keys, remember })
    }

    /// All that the data folder holds, for a command.
    ///
    /// # Errors
    /// [`PeopleError`].
    pub fn of_folder(
        data_dir: &Path,
        control: &Control,
        secrets: &Secrets,
        remember: Remember,
    ) -> Result<Self, PeopleError> {
        let seen = read_prints(&seen_file(data_dir), &secrets.fingerprints)?;
        let prints = Prints {
            seen: seen.map(|filter| (secrets.fingerprints.clone(), Arc::new(filter))),
            imported: Imported::read(data_dir)?.map(Arc::new),
        };
        let mut people = Self::load(control, secrets.people.clone(), prints, remember)?;
        // Before the first fingerprint is taken, too.
        let own = (secrets.fingerprints.id(), secrets.fingerprints.clone());
        if people.print_keys.iter().all(|(id, _)| *id != own.0) {
            people.print_keys.push(own);
        }
        Ok(people)
    }

    /// Tuples that are listed.
    #[must_use]
    pub fn listed_count(&self) -> usize {
        self.listed.len()
    }

    /// Asks the fingerprints of somebody who was seen before.
    #[must_use]
    pub fn ask(&self, prints: &[Print]) -> Asked {
        let mut told = Asked::Unseen;
        for (key, filter) in self.prints.filters().filter(|(_, filter)| filter.count() > 0) {
            let (key, mut is_asked) = (key.id(), false);
            for print in prints.iter().filter(|print| print.key == key) {
                is_asked = true;
                if filter.has(&print.tag) {
                    return Asked::Real;
                }
            }
            if !is_asked {
                told = Asked::Unasked;
            }
        }
        told
    }

    /// Fingerprints that are asked.
    #[must_use]
    pub fn prints(&self) -> &Prints {
        &self.prints
    }
}

impl Known for People {
    fn is_listed(&self, tuple: &Tuple<'_>) -> bool {
        // The clock is asked only where the tuple is found: nearly never.
        !self.listed.is_empty() && self.listed.get(&self.tag(tuple)).is_some_and(|end| now() < *end)
    }

    fn is_real(&self, tuple: &Tuple<'_>) -> bool {
        self.prints.has(tuple)
    }

    fn tag(&self, tuple: &Tuple<'_>) -> Tag {
        Tag(self.key.hash(&tuple.parts()))
    }

    fn asked_later(&self, tuple: &Tuple<'_>, out: &mut Vec<Print>) {
        let print = |(id, key): &([u8; 8], PeopleKey)| Print { key: *id, tag: Tag(key.hash(&tuple.parts())) };
        out.extend(self.print_keys.iter().map(print));
    }

    fn remember(&self) -> Remember {
        self.remember
    }

    fn knows_anybody(&self) -> bool {
        !self.listed.is_empty() || !self.prints.are_empty()
    }
}

/// What takes fingerprints in production: everybody but the organization's own test people.
pub struct Taker {
    people: Arc<People>,
    key: PeopleKey,
}

impl Taker {
    /// One that hashes with `key`.
    #[must_use]
    pub fn new(people: Arc<People>, key: PeopleKey) -> Self {
        Self { people, key }
    }
}

impl Known for Taker {
    fn is_listed(&self, tuple: &Tuple<'_>) -> bool {
        self.people.is_listed(tuple)
    }

    fn is_real(&self, _: &Tuple<'_>) -> bool {
        false
    }

    fn tag(&self, tuple: &Tuple<'_>) -> Tag {
        Tag(self.key.hash(&tuple.parts()))
    }

    fn remember(&self) -> Remember {
        Remember::Everybody
    }

    fn knows_anybody(&self) -> bool {
        self.people.listed_count() > 0
    }
}

/// An empty filter or the one that was kept.
///
/// # Errors
/// [`PrintsError`].
pub fn open_seen(data_dir: &Path, key: &PeopleKey, capacity: u64) -> Result<Filter, PrintsError> {
    let kept = read_prints(&seen_file(data_dir), key)?;
    if let Some(kept) = &kept
        && kept.capacity() != capacity.max(64)
    {
        tracing::warn!(
            capacity = kept.capacity(),
            configured = capacity,
            "Fingerprints keep the size that their file has: fingerprints_max takes effect once the file is removed."
        );
    }
    Ok(kept.unwrap_or_else(|| Filter::new(capacity)))
}

fn now() -> i64 {
    i64::try_from(crate::clock::unix_ms() / 1000).unwrap_or(i64::MAX)
}
