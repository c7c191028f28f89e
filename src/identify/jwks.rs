//! Public keys of issuers: read from a file, or fetched from where the issuer publishes them and fetched again.

use crate::background::{Background, Stopped};
use crate::config::{Issuer, JwksSource};
use crate::forward::Remote;
use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, JwkSet, PublicKeyUse};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One issuer's keys, as they were last read. Those that are fetched outlive reloads.
#[derive(Default)]
pub struct KeySet {
    keys: ArcSwap<HashMap<String, DecodingKey>>,
    round: AtomicU64,
    /// A token named a key that isn't here.
    is_wanted: AtomicBool,
    /// Fetches that gave no keys.
    pub failures: AtomicU64,
}

impl KeySet {
    /// Changes whenever the keys do.
    #[must_use]
    pub fn round(&self) -> u64 {
        self.round.load(Relaxed)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.keys.load().len()
    }

    /// The key with this id. Where there is none the issuer is asked again, in a while.
    #[must_use]
    pub fn key(&self, id: &str) -> Option<DecodingKey> {
        let key = self.keys.load().get(id).cloned();
        if key.is_none() {
            self.is_wanted.store(true, Relaxed);
        }
        key
    }

    /// Takes over a set of keys: those with an id that sign, and that everybody may know.
    ///
    /// # Errors
    /// It is none, or none of its keys can be used.
    pub fn take(&self, text: &[u8]) -> Result<(), NoKeys> {
        let set: JwkSet = serde_json::from_slice(text).map_err(|_| NoKeys)?;
        let is_public = |jwk: &jsonwebtoken::jwk::Jwk| {
            !matches!(jwk.algorithm, AlgorithmParameters::OctetKey(_) | AlgorithmParameters::Other(_))
                && jwk.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature)
        };
        let keys = set.keys.iter().filter(|jwk| is_public(jwk));
        let keys: HashMap<String, DecodingKey> = keys
            .filter_map(|jwk| Some((jwk.common.key_id.clone()?, DecodingKey::from_jwk(jwk).ok()?)))
            .take(KEYS_MAX)
            .collect();
        if keys.is_empty() {
            return Err(NoKeys);
        }
        self.keys.store(Arc::new(keys));
        self.round.fetch_add(1, Relaxed);
        Ok(())
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeySet({} keys)", self.count())
    }
}

/// What was read holds no key that could be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no JWKS with at least one public signing key that has an id")]
pub struct NoKeys;

/// The keys of all issuers that are fetched, by where they come from, across reloads.
#[derive(Default)]
pub struct KeySets(Mutex<HashMap<JwksSource, Arc<KeySet>>>);

impl KeySets {
    /// The keys of a source, a new set where there is none; a file is read at once, into a set of its own: what another
    /// configuration has of it stays as it is, should this one not be taken over.
    ///
    /// # Errors
    /// The file can't be read, or holds none.
    pub fn of(&self, source: &JwksSource, folder: &Path) -> Result<Arc<KeySet>, NoKeys> {
        if let JwksSource::File(path) = source {
            let set = KeySet::default();
            set.take(&std::fs::read(folder.join(path)).map_err(|_| NoKeys)?)?;
            return Ok(Arc::new(set));
        }
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(sets.entry(source.clone()).or_default().clone())
    }
}

/// An issuer whose keys are fetched.
pub type Fetched = (Arc<Issuer>, Arc<KeySet>);

/// Starts the thread that fetches; `issuers` gives those of the configuration that runs now.
///
/// # Errors
/// The system's, where it has no thread to give.
pub fn fetch_keys(issuers: impl Fn() -> Vec<Fetched> + Send + 'static) -> std::io::Result<Background> {
    Background::start("jwks", |stopped| fetch_all(issuers, stopped))
}

async fn fetch_all(issuers: impl Fn() -> Vec<Fetched>, mut stopped: Stopped) {
    let mut last: HashMap<Arc<str>, (Instant, bool)> = HashMap::new();
    loop {
        for (issuer, keys) in issuers() {
            let JwksSource::Url(remote) = &issuer.jwks else { continue };
            let due = match last.get(&issuer.name) {
                None => true,
                Some((at, was_good)) => {
                    let is_wanted = !was_good || keys.is_wanted.load(Relaxed);
                    let pause = if is_wanted { WANTED_AGAIN } else { Duration::from_secs(issuer.refresh_s) };
                    at.elapsed() >= pause
                }
            };
            if !due {
                continue;
            }
            keys.is_wanted.store(false, Relaxed);
            let found = tokio::select! {
                found = fetch(remote) => found,
                _ = stopped.changed() => return,
            };
            let is_good = found.is_some_and(|text| keys.take(&text).is_ok());
            if !is_good {
                keys.failures.fetch_add(1, Relaxed);
                tracing::warn!(
                    issuer = &*issuer.name,
                    "The keys of an issuer can't be fetched; the old ones stay."
                );
            }
            last.insert(issuer.name.clone(), (Instant::now(), is_good));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// One GET.
async fn fetch(remote: &Remote) -> Option<Bytes> {
    let mut request = Request::new(Bytes::new());
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let (status, body) = remote.ask(request).await?;
    (status == StatusCode::OK).then_some(body)
}

const KEYS_MAX: usize = 100;
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After a failure, or where a token names an unknown key: no oftener, or anybody could have us ask.
const WANTED_AGAIN: Duration = Duration::from_secs(10);
