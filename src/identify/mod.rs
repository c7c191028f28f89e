//! Identify: who sent a message.
//!
//! - Takes: the request's headers, the listener, and the keys and issuers of the snapshot.
//! - Gives: a [`Caller`]; nobody known is a caller too, where the listener allows it.
//! - In doubt: refuses, before any of the body is read. Unknown, expired, revoked and doubled keys get one answer.
//! - Cost: one keyed hash where a key was sent.

mod jwks;
mod jwt;

pub use jwks::{Fetched, KeySet, KeySets, NoKeys, fetch_keys};
pub use jwt::Tokens;

use crate::config::{Callers, Identity, Listener};
use crate::org::CallerRole;
use crate::reason::Reason;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
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
        static NAME: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("nobody"));
        Self { name: NAME.clone(), role: CallerRole::Nobody, environment: None }
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

/// Callers that are known by a name in their certificate.
#[derive(Debug, Default)]
pub struct Identities(HashMap<Box<str>, Caller>);

impl Identities {
    /// Those of a checked configuration.
    #[must_use]
    pub fn new(identities: &[Arc<Identity>]) -> Self {
        let caller = |i: &Identity| Caller {
            name: i.name.clone(),
            role: i.role.clone(),
            environment: Some(i.environment.clone()),
        };
        Self(identities.iter().map(|i| (i.certificate.clone(), caller(i))).collect())
    }

    /// Whose certificate these names stand in; `None` where nobody is known by it.
    ///
    /// # Errors
    /// Two of the names are two callers.
    pub fn caller(&self, names: &[Box<str>]) -> Result<Option<&Caller>, Reason> {
        let mut known = names.iter().filter_map(|name| self.0.get(name));
        let first = known.next();
        if known.any(|other| Some(other) != first) { Err(Reason::CredentialInvalid) } else { Ok(first) }
    }
}

/// Who sent a message with these headers; `certificate` is who its connection's certificate says.
/// `in_authorization` says that a connection of the listener takes its key
/// there, `is_free` that the message needs none; `now` gives Unix seconds, and is asked where there is a key.
///
/// # Errors
/// [`Reason::CredentialMissing`], [`Reason::CredentialInvalid`], and [`Reason::EnvironmentMismatch`] where key and
/// certificate belong to two environments: the sender's to fix.
pub fn caller(
    headers: &HeaderMap,
    certificate: Option<&Caller>,
    listener: &Listener,
    (keys, tokens): (&Keys, &Tokens),
    (in_authorization, is_free): (bool, bool),
    now: impl FnOnce() -> i64,
) -> Result<Caller, Reason> {
    let mut keys_sent = Vec::new();
    // A look at each name takes less than looking this one up.
    for (_, key) in headers.iter().filter(|(name, _)| **name == KEY_HEADER) {
        keys_sent.push(key.to_str().map_err(|_| Reason::CredentialInvalid)?);
    }
    if in_authorization {
        let values = headers.get_all(http::header::AUTHORIZATION).iter();
        keys_sent.extend(values.filter_map(|v| key_in_authorization(v.to_str().ok()?)));
    }
    if keys_sent.len() > 1 {
        return Err(Reason::CredentialInvalid);
    }
    match (keys_sent.first(), certificate) {
        (Some(key), certificate) => {
            let key = key.trim();
            let caller = match Tokens::is_token(key) {
                true => tokens.caller(key, now()),
                false => keys.caller(key, now()).cloned(),
            };
            let caller = caller.ok_or(Reason::CredentialInvalid)?;
            match certificate {
                Some(other) if other.environment != caller.environment => Err(Reason::EnvironmentMismatch),
                _ => Ok(caller),
            }
        }
        (None, Some(caller)) => Ok(caller.clone()),
        (None, None) if listener.callers == Callers::Any || is_free => Ok(Caller::nobody()),
        (None, None) => Err(Reason::CredentialMissing),
    }
}

/// Whether a caller is known by a key in `Authorization`, and by nothing else that it sent as one.
#[must_use]
pub fn came_in_authorization(headers: &HeaderMap, caller: &Caller) -> bool {
    let is_key = |value: &HeaderValue| value.to_str().is_ok_and(|v| key_in_authorization(v).is_some());
    caller.role != CallerRole::Nobody
        && !headers.contains_key(KEY_HEADER)
        && headers.get_all(http::header::AUTHORIZATION).iter().any(is_key)
}

/// Whether a message is a browser's question whether it may send another: it has no body, and can't have a key (Fetch
/// Standard, CORS-preflight request).
#[must_use]
pub fn is_preflight(head: &http::request::Parts) -> bool {
    head.method == http::Method::OPTIONS
        && head.headers.contains_key(http::header::ORIGIN)
        && head.headers.contains_key(http::header::ACCESS_CONTROL_REQUEST_METHOD)
        && !head.headers.contains_key(http::header::TRANSFER_ENCODING)
        && head.headers.get(http::header::CONTENT_LENGTH).is_none_or(|length| length == "0")
}

/// The key of ours in a value of `Authorization`; the scheme's name is any case (RFC 9110, section 11.1).
pub(crate) fn key_in_authorization(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    Some(token.trim()).filter(|t| scheme.eq_ignore_ascii_case("bearer") && t.starts_with("phk_"))
}

/// The gateway's own credential header; never forwarded.
pub const KEY_HEADER: HeaderName = HeaderName::from_static("phigate-key");

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(callers: Callers) -> Listener {
        Listener {
            name: Arc::from("l"),
            address: std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into(),
            unix_mode: 0o600,
            environment: None,
            callers,
            path_environment: true,
            environment_header: None,
            hosts: Vec::new(),
            proxy_protocol: Vec::new(),
            cors_preflight: true,
            cors_origins: Vec::new(),
            http2_cleartext: false,
            tls: None,
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
        let got = caller(
            &with(&["phk_a_secret"]),
            None,
            &listener(Callers::Keys),
            (&keys(), &Tokens::default()),
            (false, false),
            || 50,
        )
        .expect("known");
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
            let got = caller(
                &with(sent),
                None,
                &listener(Callers::Any),
                (&keys(), &Tokens::default()),
                (false, false),
                || 100,
            );
            assert_eq!(got, Err(Reason::CredentialInvalid), "{sent:?}");
        }
    }

    #[test]
    fn a_key_in_authorization_is_taken_where_a_connection_says_so_and_two_keys_are_none() {
        let sent = |values: &[(&'static str, &str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in values {
                map.append(*name, HeaderValue::from_str(value).expect("value"));
            }
            move |yes| {
                caller(
                    &map,
                    None,
                    &listener(Callers::Keys),
                    (&keys(), &Tokens::default()),
                    (yes, false),
                    || 50,
                )
                .map(|c| c.name.to_string())
            }
        };
        for scheme in ["Bearer", "bearer"] {
            let sent = sent(&[("authorization", &format!("{scheme} phk_a_secret"))]);
            assert_eq!((sent(true).as_deref(), sent(false)), (Ok("lab"), Err(Reason::CredentialMissing)));
        }
        let a = "Bearer phk_a_secret";
        for doubled in [
            [("authorization", a), ("authorization", a)],
            [("authorization", a), ("phigate-key", "phk_a_secret")],
        ] {
            assert_eq!(sent(&doubled)(true), Err(Reason::CredentialInvalid));
        }
        assert_eq!(sent(&[("authorization", "Bearer theirs")])(true), Err(Reason::CredentialMissing));
    }

    #[test]
    fn a_certificate_is_a_credential_and_has_to_agree_with_a_key() {
        let identity = |name: &str, environment: &str| Identity {
            name: Arc::from(name),
            certificate: format!("dns:{name}.example").into(),
            environment: Arc::from(environment),
            role: CallerRole::Partner,
        };
        let known = [identity("one", "staging"), identity("two", "production")].map(Arc::new);
        let identities = Identities::new(&known);
        let names = |names: &[&str]| names.iter().map(|n| Box::from(*n)).collect::<Vec<Box<str>>>();
        let of = |wanted: &[&str]| identities.caller(&names(wanted)).map(|c| c.cloned());
        let one = of(&["dns:other.example", "dns:one.example"]).expect("one").expect("known");
        let two = of(&["dns:two.example"]).expect("one").expect("known");
        assert_eq!(of(&["dns:other.example"]), Ok(None));
        assert_eq!(of(&["dns:one.example", "dns:two.example"]), Err(Reason::CredentialInvalid));
        let sent = |headers: &HeaderMap, certificate: &Caller| {
            caller(
                headers,
                Some(certificate),
                &listener(Callers::Keys),
                (&keys(), &Tokens::default()),
                (false, false),
                || 50,
            )
            .map(|c| c.name.to_string())
        };
        assert_eq!(sent(&with(&[]), &one).as_deref(), Ok("one"));
        assert_eq!(sent(&with(&["phk_a_secret"]), &one).as_deref(), Ok("lab"));
        assert_eq!(sent(&with(&["phk_a_secret"]), &two), Err(Reason::EnvironmentMismatch));
        assert_eq!(sent(&with(&["x"]), &one), Err(Reason::CredentialInvalid));
    }

    #[test]
    fn nobody_known_passes_only_where_the_listener_says_so() {
        assert_eq!(
            caller(
                &with(&[]),
                None,
                &listener(Callers::Any),
                (&keys(), &Tokens::default()),
                (false, false),
                || 0
            ),
            Ok(Caller::nobody())
        );
        assert_eq!(
            caller(
                &with(&[]),
                None,
                &listener(Callers::Keys),
                (&keys(), &Tokens::default()),
                (false, false),
                || 0
            ),
            Err(Reason::CredentialMissing)
        );
    }
}
