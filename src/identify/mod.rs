//! Identify: who sent a message.
//!
//! - Takes: the request's headers, the listener, and the keys of the snapshot.
//! - Gives: a [`Caller`]; nobody known is a caller too, where the listener allows it.
//! - In doubt: refuses, before any of the body is read. Unknown, expired, revoked and doubled keys get one answer.
//! - Cost: one keyed hash where a key was sent.

use crate::config::{Callers, Listener};
use crate::org::CallerRole;
use crate::reason::Reason;
use http::HeaderMap;
use std::collections::HashMap;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// A caller, as far as the gateway knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its name; `nobody` where nothing says.
    pub name: Arc<str>,
    /// What it may do.
    pub role: CallerRole,
    /// The one environment of its key.
    pub environment: Option<Arc<str>>,
}

impl Caller {
    /// Nobody known.
    #[must_use]
    pub fn nobody() -> Self {
        Self { name: Arc::from("nobody"), role: CallerRole::Nobody, environment: None }
    }
}

/// A key as the snapshot holds it: never the key itself.
#[derive(Clone)]
pub struct KnownKey {
    /// Keyed hash of the whole key.
    pub hash: [u8; 32],
    /// Whose it is.
    pub caller: Caller,
    /// Unix seconds; `None` for no end.
    pub expires: Option<i64>,
}

/// The keyed hash that keys are stored under.
pub type KeyHash = Box<dyn Fn(&str) -> [u8; 32] + Send + Sync>;

/// Every key that isn't revoked, by the id that it shows.
pub struct Keys {
    by_id: HashMap<String, KnownKey>,
    hash: KeyHash,
}

impl Keys {
    /// Keys by id, and the keyed hash that they are stored under.
    #[must_use]
    pub fn new(by_id: HashMap<String, KnownKey>, hash: KeyHash) -> Self {
        Self { by_id, hash }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    fn caller(&self, key: &str, now: i64) -> Option<&Caller> {
        let id = key.strip_prefix("phk_").and_then(|rest| rest.split('_').next()).unwrap_or_default();
        // The hash is made whether the id is known or not, so that both take the same time.
        let hash = (self.hash)(key);
        let known = self.by_id.get(id);
        let stored = known.map_or([0; 32], |k| k.hash);
        let equal = bool::from(hash.ct_eq(&stored));
        known.filter(|k| equal && k.expires.is_none_or(|end| now < end)).map(|k| &k.caller)
    }
}

/// Who sent a message with these headers. `in_authorization` says that a connection of the listener takes its key
/// there; `now` is Unix seconds.
///
/// # Errors
/// [`Reason::CredentialMissing`] and [`Reason::CredentialInvalid`]: the sender's to fix.
pub fn caller(
    headers: &HeaderMap,
    listener: &Listener,
    keys: &Keys,
    in_authorization: bool,
    now: i64,
) -> Result<Caller, Reason> {
    let mut sent = headers.get_all(KEY_HEADER).iter();
    let key = match (sent.next(), sent.next()) {
        (Some(_), Some(_)) => return Err(Reason::CredentialInvalid),
        (Some(key), None) => Some(key.to_str().map_err(|_| Reason::CredentialInvalid)?),
        _ if in_authorization => headers
            .get(http::header::AUTHORIZATION)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.strip_prefix("Bearer "))
            .filter(|v| v.starts_with("phk_")),
        _ => None,
    };
    match key {
        Some(key) => keys.caller(key.trim(), now).cloned().ok_or(Reason::CredentialInvalid),
        None if listener.callers == Callers::Any => Ok(Caller::nobody()),
        None => Err(Reason::CredentialMissing),
    }
}

/// The gateway's own credential header; never forwarded.
pub const KEY_HEADER: &str = "phigate-key";

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn listener(callers: Callers) -> Listener {
        Listener {
            name: Arc::from("l"),
            address: ([127, 0, 0, 1], 0).into(),
            environment: None,
            callers,
            path_environment: true,
        }
    }

    fn keys() -> Keys {
        let hash = |key: &str| {
            let mut out = [0; 32];
            for (i, b) in key.bytes().enumerate() {
                out[i % 32] ^= b.rotate_left(u32::try_from(i % 7).expect("small"));
            }
            out
        };
        let known = |key: &str, expires| KnownKey {
            hash: hash(key),
            caller: Caller {
                name: Arc::from("lab"),
                role: CallerRole::Connection,
                environment: Some(Arc::from("staging")),
            },
            expires,
        };
        let by_id = [
            ("a".to_owned(), known("phk_a_secret", None)),
            ("b".to_owned(), known("phk_b_secret", Some(100))),
        ];
        Keys::new(by_id.into(), Box::new(hash))
    }

    fn with(values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for v in values {
            map.append(KEY_HEADER, HeaderValue::from_str(v).expect("value"));
        }
        map
    }

    #[test]
    fn a_known_key_names_its_caller_and_environment() {
        let got =
            caller(&with(&["phk_a_secret"]), &listener(Callers::Keys), &keys(), false, 50).expect("known");
        assert_eq!((&*got.name, got.environment.as_deref()), ("lab", Some("staging")));
    }

    #[test]
    fn wrong_unknown_expired_and_doubled_keys_get_one_answer() {
        for sent in [
            &["phk_a_other"][..],
            &["phk_z_secret"],
            &["phk_b_secret"],
            &["phk_a_secret", "phk_a_secret"],
            &["x"],
        ] {
            let got = caller(&with(sent), &listener(Callers::Any), &keys(), false, 100);
            assert_eq!(got, Err(Reason::CredentialInvalid), "{sent:?}");
        }
    }

    #[test]
    fn nobody_known_passes_only_where_the_listener_says_so() {
        assert_eq!(caller(&with(&[]), &listener(Callers::Any), &keys(), false, 0), Ok(Caller::nobody()));
        assert_eq!(
            caller(&with(&[]), &listener(Callers::Keys), &keys(), false, 0),
            Err(Reason::CredentialMissing)
        );
    }
}
