//! Callers by signed token: a JWT of an issuer that the configuration names, with keys that the issuer publishes.
//!
//! - Takes: the token, as it came in `Phigate-Key`.
//! - Gives: the [`Caller`]: the issuer's name and the token's subject, in the issuer's one environment.
//! - In doubt: nobody. The algorithm is pinned, symmetric ones can't be; `iss`, `aud`, `exp` and `sub` have to be there, and
//!   the key id has to be one of the issuer's. All faults look the same to the sender.
//! - Cost: a signature's check for a token that is new, one SHA-256 for one that was seen.

use super::Caller;
use super::jwks::KeySet;
use crate::config::Issuer;
use dashmap::DashMap;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Every issuer whose tokens are taken.
#[derive(Default)]
pub struct Tokens {
    issuers: Vec<Known>,
    seen: DashMap<[u8; 32], Seen>,
}

struct Known {
    issuer: Arc<Issuer>,
    keys: Arc<KeySet>,
    validation: Validation,
}

/// A token whose signature was good, until it ends or its issuer's keys change.
#[derive(Clone)]
struct Seen {
    caller: Caller,
    not_before: i64,
    end: i64,
    keys_of: Arc<KeySet>,
    round: u64,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    #[serde(default)]
    sub: String,
    #[serde(default)]
    exp: i64,
    #[serde(default)]
    nbf: i64,
    #[serde(default)]
    iat: Option<i64>,
}

impl Tokens {
    /// Issuers of a configuration, each with its keys.
    #[must_use]
    pub fn new(issuers: impl Iterator<Item = (Arc<Issuer>, Arc<KeySet>)>) -> Self {
        let known = |(issuer, keys): (Arc<Issuer>, Arc<KeySet>)| {
            let first = issuer.algorithms.first().copied().unwrap_or_default();
            let mut validation = Validation::new(first);
            validation.set_audience(&[&issuer.audience]);
            validation.set_issuer(&[&issuer.issuer]);
            validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
            validation.leeway = issuer.leeway_s;
            validation.validate_nbf = true;
            Known { issuer, keys, validation }
        };
        Self { issuers: issuers.map(known).collect(), seen: DashMap::new() }
    }

    /// Whether a credential has a token's shape.
    #[must_use]
    pub fn is_token(credential: &str) -> bool {
        !credential.starts_with("phk_") && credential.split('.').count() == 3
    }

    /// Whose token that is; `now` is Unix seconds. `None`: nobody's, for whatever reason.
    #[must_use]
    pub fn caller(&self, token: &str, now: i64) -> Option<Caller> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(seen) = self.seen.get(&digest).map(|seen| seen.clone()) {
            if seen.not_before <= now && now < seen.end && seen.round == seen.keys_of.round() {
                return Some(seen.caller);
            }
            self.seen.remove(&digest);
        }
        let seen = self.check(token, now)?;
        let caller = seen.caller.clone();
        if self.seen.len() >= SEEN_MAX {
            self.seen.clear();
        }
        self.seen.insert(digest, seen);
        Some(caller)
    }

    fn check(&self, token: &str, now: i64) -> Option<Seen> {
        let unchecked: Claims = insecure_decode_claims(token).ok()?;
        let header = decode_header(token).ok()?;
        let kid = header.kid?;
        self.issuers.iter().filter(|known| known.issuer.issuer == unchecked.iss).find_map(|known| {
            if !known.issuer.algorithms.contains(&header.alg) {
                return None;
            }
            let round = known.keys.round();
            let key = known.keys.key(&kid)?;
            // The library takes one family at a time; that the key is of it is checked with the signature.
            let validation = Validation { algorithms: vec![header.alg], ..known.validation.clone() };
            let claims = decode::<Claims>(token, &key, &validation).ok()?.claims;
            known.caller(&claims, now).map(|caller| {
                let leeway = i64::try_from(known.issuer.leeway_s).unwrap_or(0);
                Seen {
                    caller,
                    not_before: claims.nbf.saturating_sub(leeway),
                    end: claims.exp.saturating_add(leeway),
                    keys_of: known.keys.clone(),
                    round,
                }
            })
        })
    }
}

impl Known {
    fn caller(&self, claims: &Claims, now: i64) -> Option<Caller> {
        let issuer = &self.issuer;
        let life = claims.exp.saturating_sub(claims.iat.unwrap_or(now));
        let is_listed = issuer.subjects.is_empty() || issuer.subjects.contains(&claims.sub);
        let is_good = (1..=SUBJECT_BYTES_MAX).contains(&claims.sub.len())
            && claims.sub.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@:/".contains(&b));
        if !is_listed || !is_good || life > i64::try_from(issuer.life_max_s).unwrap_or(i64::MAX) {
            return None;
        }
        Some(Caller {
            name: Arc::from(format!("{}:{}", issuer.name, claims.sub)),
            role: issuer.role.clone(),
            environment: Some(issuer.environment.clone()),
        })
    }
}

/// Larger ones are no token of anybody who means well.
const TOKEN_BYTES_MAX: usize = 8 << 10;
/// Shown in records, as names of callers are.
const SUBJECT_BYTES_MAX: usize = 128;
/// Tokens that are remembered; all are forgotten over it.
const SEEN_MAX: usize = 10_000;
