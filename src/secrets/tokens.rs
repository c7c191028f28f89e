//! Keys of tokens: one for each environment, derived from one secret; and those before it, by which older records are
//! still found until their retention is over.

use super::{Key, SecretsError, hex16, key, mac, random};
use crate::durable;
use hmac::Hmac;
use sha2::Sha256;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Keys of tokens: one for each environment, derived from one secret.
#[derive(Clone)]
pub struct TokenKeys {
    now: Key,
    past: Vec<Key>,
    /// What the key of now is for each environment that was asked for: every token of a message begins with it.
    derived: Arc<Mutex<Vec<Derived>>>,
}

/// An environment and its key.
type Derived = (String, Hmac<Sha256>);

impl TokenKeys {
    pub(super) fn open_or_create(folder: &Path) -> Result<Self, SecretsError> {
        let path = folder.join(PAST);
        let past = match fs::read(&path) {
            Ok(bytes) if bytes.len().is_multiple_of(32) => {
                bytes.chunks_exact(32).filter_map(|key| key.try_into().ok()).map(Key).collect()
            }
            Ok(_) => return Err(SecretsError::Length(path)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(SecretsError::File { path, kind: e.kind() }),
        };
        Ok(Self::of(key(&folder.join(NOW))?, past))
    }

    fn of(now: Key, past: Vec<Key>) -> Self {
        Self { now, past, derived: Arc::default() }
    }

    /// The token of a value: 128 bits in hex. Same value, kind and environment: same token.
    #[must_use]
    pub fn token(&self, environment: &str, kind: &str, value: &str) -> String {
        let mut derived = self.derived.lock().unwrap_or_else(PoisonError::into_inner);
        let keyed = match derived.iter().find(|(known, _)| known == environment) {
            Some((_, keyed)) => keyed.clone(),
            None => {
                let keyed = of(&self.now, environment).keyed();
                if derived.len() < DERIVED_MAX {
                    derived.push((environment.to_owned(), keyed.clone()));
                }
                keyed
            }
        };
        drop(derived);
        token(keyed, kind, value)
    }

    /// Every token that a value may have: by the key of now and by those before it.
    #[must_use]
    pub fn all(&self, environment: &str, kind: &str, value: &str) -> Vec<String> {
        self.keys().map(|key| token(of(key, environment).keyed(), kind, value)).collect()
    }

    /// The keyed form of a trace id, the same in every environment: what a trace goes through is one thing.
    #[must_use]
    pub fn trace(&self, id: &str) -> String {
        trace(&self.now, id)
    }

    /// Every keyed form that a trace id may have.
    #[must_use]
    pub fn traces(&self, id: &str) -> Vec<String> {
        self.keys().map(|key| trace(key, id)).collect()
    }

    /// The digest of a body that nothing reads: 128 bits in hex. Same body and environment: same digest.
    #[must_use]
    pub fn digest(&self, environment: &str, body: &[u8]) -> String {
        hex16(&of(&self.now, environment).mac(&[b"body", body]))
    }

    /// Keys that nobody has: for trying things out.
    ///
    /// # Errors
    /// [`SecretsError::Random`].
    pub fn ephemeral() -> Result<Self, SecretsError> {
        Ok(Self::of(Key(random()?), Vec::new()))
    }

    /// Puts a new key in the place of the one of now, which stays for searches. Holds from the next start.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn rotate(folder: &Path) -> Result<(), SecretsError> {
        let old = Self::open_or_create(folder)?;
        // The past first: a stop in between leaves the key of now in both places, and loses none.
        let past = [&old.now].into_iter().chain(&old.past).filter(|key| key.0 != [0; 32]);
        write(&folder.join(PAST), &past.flat_map(|key| key.0).collect::<Vec<u8>>())?;
        write(&folder.join(NOW), &random()?)
    }

    /// Forgets the keys before the one of now: what they made isn't found by value any more.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn forget_past(folder: &Path) -> Result<(), SecretsError> {
        write(&folder.join(PAST), &[])
    }

    fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.now).chain(&self.past)
    }
}

fn token(keyed: Hmac<Sha256>, kind: &str, value: &str) -> String {
    let normal: String = value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect();
    hex16(&mac(keyed, &[kind.as_bytes(), normal.as_bytes()]))
}

fn trace(key: &Key, id: &str) -> String {
    hex16(&key.mac(&[b"trace", id.trim().to_ascii_lowercase().as_bytes()]))
}

fn of(key: &Key, environment: &str) -> Key {
    Key(key.mac(&[b"environment", environment.as_bytes()]))
}

/// Writes a file for its owner alone, whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Result<(), SecretsError> {
    let failed = |e: io::Error| SecretsError::File { path: path.to_owned(), kind: e.kind() };
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(failed)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&fresh, path)).map_err(|e| {
        // Nothing of a key stays behind.
        let _ = fs::remove_file(&fresh);
        failed(e)
    })?;
    // Before records are made with it.
    durable::sync(path.parent().unwrap_or(path)).map_err(failed)
}

/// A configuration has fewer environments.
const DERIVED_MAX: usize = 64;
pub(super) const NOW: &str = "tokens.key";
const PAST: &str = "tokens.past";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_by_environment_and_kind_and_not_by_punctuation() {
        let keys = TokenKeys::ephemeral().expect("random");
        assert_eq!(keys.token("a", "mrn", "E-08 738"), keys.token("a", "mrn", "e08738"));
        assert_ne!(keys.token("a", "mrn", "E08738"), keys.token("b", "mrn", "E08738"));
        assert_ne!(keys.token("a", "mrn", "E08738"), keys.token("a", "account", "E08738"));
        // Asked for once more, and of a copy: what is remembered of an environment is its own.
        for environment in ["a", "b", "a"] {
            assert_eq!(keys.all(environment, "mrn", "E1"), [keys.clone().token(environment, "mrn", "E1")]);
        }
    }

    #[test]
    fn after_a_rotation_old_tokens_are_still_found_until_they_are_forgotten() {
        let dir = tempfile::tempdir().expect("dir");
        let open = || TokenKeys::open_or_create(dir.path()).expect("opens");
        let one = open().token("a", "mrn", "E1");
        durable::tests::synced();
        TokenKeys::rotate(dir.path()).expect("rotates");
        assert!(
            durable::tests::synced().contains(&dir.path().to_owned()),
            "no token is made with one that may be lost"
        );
        let two = open().token("a", "mrn", "E1");
        TokenKeys::rotate(dir.path()).expect("rotates");
        let all = open().all("a", "mrn", "E1");
        assert_eq!((all.len(), &all[1..]), (3, [two, one].as_slice()));
        TokenKeys::forget_past(dir.path()).expect("forgets");
        assert_eq!(open().all("a", "mrn", "E1"), [open().token("a", "mrn", "E1")]);
    }
}
