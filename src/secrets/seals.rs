//! Keys of sealed originals: one for each environment and day, in a file of its own beside the data folder, wrapped by a
//! key that stands elsewhere. A day's file removed, what it sealed can't be opened by anybody: not by whoever has the
//! wrapping key, and not from a backup of the data folder, which holds no keys.

use super::{Key, SecretsError, random};
use crate::durable;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Why originals can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The key of that day is gone: its retention is over, it was shredded, or it stayed on another machine.
    #[error("the key of that day is gone: what it sealed can't be opened any more")]
    Gone,
    /// The key of that day was wrapped by another key, or its file was changed.
    #[error("the key of that day can't be unwrapped with the key of [sealing]")]
    Wrapped,
    /// What is sealed was changed, or stands in another record.
    #[error("what is sealed isn't whole")]
    Broken,
    /// The cipher refused. It never does, for texts of a record's size.
    #[error("the cipher refused")]
    Cipher,
    /// The files of keys.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Seals and opens, with keys of days. Keys are read for each record and not kept: a shredded one is gone at once.
pub struct SealKeys {
    wrapping: Key,
    folder: PathBuf,
    /// Originals that were sealed.
    pub sealed: AtomicU64,
    /// Originals that couldn't be: their records were kept without.
    pub failed: AtomicU64,
}

/// What a seal is about: it can't be opened as anything else's.
#[derive(Debug, Clone, Copy)]
pub struct SealOf<'s> {
    /// Environment by name: a checked word.
    pub environment: &'s str,
    /// `yyyy-mm-dd`, of the record's start.
    pub day: &'s str,
    /// The record's id.
    pub record: &'s str,
}

impl SealKeys {
    /// Keys beside `data_dir`, wrapped by `wrapping`.
    #[must_use]
    pub fn new(wrapping: [u8; 32], data_dir: &Path) -> Self {
        let folder = folder(data_dir);
        Self { wrapping: Key(wrapping), folder, sealed: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }

    /// Seals bytes; the day's key is made where it is the first.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&self, of: SealOf<'_>, plain: Vec<u8>) -> Result<Vec<u8>, SealError> {
        let path = path(&self.folder, of.environment, of.day);
        let (id, key) = match self.day_key(of, &path) {
            Err(SealError::Gone) => self.make_day_key(of, &path)?,
            found => found?,
        };
        let sealed = encrypt(&key, &of.context(&id), plain)?;
        Ok([&[VERSION], id.as_slice(), &sealed].concat())
    }

    /// Opens what [`SealKeys::seal`] gave.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(&self, of: SealOf<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let (id, rest) = headed(sealed).ok_or(SealError::Broken)?;
        let (now, key) = self.day_key(of, &path(&self.folder, of.environment, of.day))?;
        // Another key of that day was made after its own was shredded.
        if now != id {
            return Err(SealError::Gone);
        }
        decrypt(&key, &of.context(&id), rest).ok_or(SealError::Broken)
    }

    fn day_key(&self, of: SealOf<'_>, path: &Path) -> Result<(KeyId, Key), SealError> {
        let wrapped = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(SealError::Gone),
            Err(e) => return Err(SecretsError::File { path: path.to_owned(), kind: e.kind() }.into()),
        };
        let (id, rest) = headed(&wrapped).ok_or(SealError::Wrapped)?;
        let plain = decrypt(&self.wrapping, &of.key_context(&id), rest).ok_or(SealError::Wrapped)?;
        Ok((id, Key(plain.try_into().map_err(|_| SealError::Wrapped)?)))
    }

    fn make_day_key(&self, of: SealOf<'_>, path: &Path) -> Result<(KeyId, Key), SealError> {
        let failed = |e: io::Error| SecretsError::File { path: path.to_owned(), kind: e.kind() };
        let key = Key(random()?);
        let mut id = KeyId::default();
        id.iter_mut().zip(random()?).for_each(|(to, from)| *to = from);
        let wrapped = encrypt(&self.wrapping, &of.key_context(&id), key.0.to_vec())?;
        let folder = path.parent().unwrap_or(&self.folder);
        durable::create_folder(folder, 0o700).map_err(failed)?;
        let made = super::write_new(path, &[&[VERSION], id.as_slice(), &wrapped].concat())?;
        // Two processes: whoever was first wins, and both read his.
        if made { Ok((id, key)) } else { self.day_key(of, path) }
    }

    /// Counts one that couldn't be sealed; said the first time.
    pub fn count_failed(&self, error: &SealError) {
        if self.failed.fetch_add(1, Relaxed) == 0 {
            tracing::error!(error = %error, "Originals can't be sealed: their records are kept without them.");
        }
    }
}

impl SealOf<'_> {
    fn context(&self, key: &KeyId) -> Vec<u8> {
        self.bound(b"record", key, self.record)
    }

    fn key_context(&self, key: &KeyId) -> Vec<u8> {
        self.bound(b"key", key, "")
    }

    /// Parts with their lengths, so that no two texts are the same.
    fn bound(&self, what: &[u8], key: &KeyId, record: &str) -> Vec<u8> {
        let parts = [what, key, self.environment.as_bytes(), self.day.as_bytes(), record.as_bytes()];
        let with_length = |part: &&[u8]| [&(part.len() as u64).to_be_bytes()[..], part].concat();
        parts.iter().flat_map(with_length).collect()
    }
}

/// Whether there is a key of one environment and day.
#[must_use]
pub fn is_there(data_dir: &Path, environment: &str, day: &str) -> bool {
    day_files(&folder(data_dir)).iter().any(|(name, of, _)| name == environment && of == day)
}

/// Removes the key of one environment and day; gives whether there was one.
///
/// # Errors
/// [`SecretsError::File`].
pub fn shred(data_dir: &Path, environment: &str, day: &str) -> Result<bool, SecretsError> {
    let wanted = |(name, of, _): &(String, String, PathBuf)| name == environment && of == day;
    let Some((.., path)) = day_files(&folder(data_dir)).into_iter().find(wanted) else { return Ok(false) };
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(e) => Err(SecretsError::File { path, kind: e.kind() }),
    }
}

/// Removes keys of days before `day`, of all environments; gives how many.
#[must_use]
pub fn expire(data_dir: &Path, day: &str) -> usize {
    let old = day_files(&folder(data_dir)).into_iter().filter(|(_, of, _)| of.as_str() < day);
    old.filter(|(.., path)| match fs::remove_file(path) {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(kind = %error.kind(), "A key of sealed originals past its retention can't be removed.");
            false
        }
    })
    .count()
}

fn folder(data_dir: &Path) -> PathBuf {
    super::Secrets::folder(data_dir).join("seals")
}

fn path(folder: &Path, environment: &str, day: &str) -> PathBuf {
    folder.join(environment).join(format!("{day}.key"))
}

/// Environment, day and path of each key.
fn day_files(folder: &Path) -> Vec<(String, String, PathBuf)> {
    let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten();
    let mut out = Vec::new();
    for environment in list(folder) {
        let Ok(name) = environment.file_name().into_string() else { continue };
        for file in list(&environment.path()) {
            let path = file.path();
            let is_key = path.extension().is_some_and(|extension| extension == "key");
            let day = path.file_stem().filter(|_| is_key).and_then(|stem| stem.to_str());
            if let Some(day) = day.map(str::to_owned) {
                out.push((name.clone(), day, path));
            }
        }
    }
    out
}

/// Version and key id off the front.
fn headed(bytes: &[u8]) -> Option<(KeyId, &[u8])> {
    let rest = bytes.strip_prefix(&[VERSION])?;
    let (id, rest) = rest.split_first_chunk()?;
    Some((*id, rest))
}

/// Nonce, then ciphertext and tag.
fn encrypt(key: &Key, context: &[u8], mut bytes: Vec<u8>) -> Result<Vec<u8>, SealError> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, &key.0).map_err(|_| SealError::Cipher)?;
    let nonce =
        key.seal_in_place_append_tag(Aad::from(context), &mut bytes).map_err(|_| SealError::Cipher)?;
    Ok([nonce.as_ref().as_slice(), &bytes].concat())
}

fn decrypt(key: &Key, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, &key.0).ok()?;
    let mut bytes = rest.to_vec();
    let plain = key.open_in_place(nonce, Aad::from(context), &mut bytes).ok()?.len();
    bytes.truncate(plain);
    Some(bytes)
}

type KeyId = [u8; 8];
const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    const OF: SealOf<'static> = SealOf { environment: "production", day: "2026-01-02", record: "r-1" };

    fn keys(dir: &tempfile::TempDir) -> SealKeys {
        SealKeys::new([7; 32], &dir.path().join("data"))
    }

    #[test]
    fn what_is_sealed_opens_as_that_records_alone_and_with_its_own_key() {
        let dir = tempfile::tempdir().expect("dir");
        let sealed = keys(&dir).seal(OF, b"made up".to_vec()).expect("seals");
        assert!(memchr::memmem::find(&sealed, b"made up").is_none());
        assert_eq!(keys(&dir).open(OF, &sealed).expect("opens"), b"made up");
        assert_ne!(keys(&dir).seal(OF, b"made up".to_vec()).expect("seals"), sealed, "a nonce of its own");
        let of = |record| SealOf { record, ..OF };
        assert!(matches!(keys(&dir).open(of("r-2"), &sealed), Err(SealError::Broken)));
        let other = SealOf { environment: "other", ..OF };
        keys(&dir).seal(other, Vec::new()).expect("seals");
        assert!(matches!(keys(&dir).open(other, &sealed), Err(SealError::Gone)));
        let stranger = SealKeys::new([8; 32], &dir.path().join("data"));
        assert!(matches!(stranger.open(OF, &sealed), Err(SealError::Wrapped)));
        assert!(matches!(stranger.seal(OF, Vec::new()), Err(SealError::Wrapped)), "nothing is replaced");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(keys(&dir).open(OF, &changed).is_err(), "{at}");
            assert!(keys(&dir).open(OF, &sealed[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn a_shredded_or_expired_days_key_opens_nothing_and_a_new_one_neither() {
        let dir = tempfile::tempdir().expect("dir");
        let data = dir.path().join("data");
        let keys = keys(&dir);
        let sealed = keys.seal(OF, b"made up".to_vec()).expect("seals");
        assert!(!shred(&data, "production", "2026-01-01").expect("asks"));
        assert!(!shred(&data, "../production", "2026-01-02").expect("asks"), "names, no paths");
        assert!(shred(&data, "production", "2026-01-02").expect("removes"));
        assert!(matches!(keys.open(OF, &sealed), Err(SealError::Gone)));
        let again = keys.seal(OF, b"made up".to_vec()).expect("a new key");
        assert!(matches!(keys.open(OF, &sealed), Err(SealError::Gone)));
        assert_eq!(
            (expire(&data, "2026-01-02"), expire(&data, "2026-01-03"), expire(&data, "2026-01-03")),
            (0, 1, 0)
        );
        assert!(matches!(keys.open(OF, &again), Err(SealError::Gone)));
    }
}
