//! `[[issuer]]`: whose signed tokens are taken, and what their bearers are.

use super::callers::caller_role;
use super::reader::{Problems, Table};
use super::sections::name;
use crate::forward::{Remote, SYSTEM_CA};
use crate::org::CallerRole;
use jsonwebtoken::Algorithm;
use std::path::PathBuf;
use std::sync::Arc;

/// An issuer of tokens: its bearers are callers of one environment, with one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// Its name, which is the first part of its callers' names.
    pub name: Arc<str>,
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`, or one of them.
    pub audience: String,
    /// Where its public keys are.
    pub jwks: JwksSource,
    /// Algorithms that its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// The environment of its callers.
    pub environment: Arc<str>,
    /// Their role.
    pub role: CallerRole,
    /// The claims `sub` that are taken; none: any.
    pub subjects: Vec<String>,
    /// Seconds that clocks may differ.
    pub leeway_s: u64,
    /// Seconds that a token may live in all.
    pub life_max_s: u64,
    /// Seconds until its keys are fetched again.
    pub refresh_s: u64,
}

/// Where public keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JwksSource {
    /// In a file, from the configuration's folder on.
    File(PathBuf),
    /// At a URL.
    Url(Remote),
}

/// Reads one.
pub(super) fn issuer(
    mut t: Table<'_, '_>,
    roles: &[CallerRole],
    problems: &mut Problems,
) -> Option<Arc<Issuer>> {
    let name = name(&mut t, "issuer", problems);
    let issuer = t.required("issuer", "the claim `iss` of its tokens", problems).map(|(text, _)| text);
    let audience = t.required("audience", "the claim `aud` of its tokens", problems).map(|(text, _)| text);
    let ca = t.text("ca", problems).map_or_else(|| PathBuf::from(SYSTEM_CA), |(path, _)| PathBuf::from(path));
    let jwks = t.required("jwks", JWKS_WANTED, problems).and_then(|(text, span)| {
        let source = source(&text, ca);
        if source.is_none() {
            problems.add(Some(span), t.key("jwks"), JWKS_WANTED, format!("`{text}`"));
        }
        source
    });
    let mut algorithms = Vec::new();
    for (text, span) in t.list("algorithms", problems) {
        match ALGORITHMS.iter().find(|(word, _)| *word == text) {
            Some((_, algorithm)) => algorithms.push(*algorithm),
            None => {
                let words: Vec<_> = ALGORITHMS.iter().map(|(word, _)| *word).collect();
                let wanted = format!("some of {}", words.join(", "));
                problems.add(Some(span), t.key("algorithms"), wanted, format!("`{text}`"));
            }
        }
    }
    if t.value("algorithms").is_none() {
        algorithms = vec![Algorithm::RS384, Algorithm::ES384];
    }
    let environment =
        t.required("environment", "the name of an environment", problems).map(|(e, _)| Arc::from(e));
    let role = caller_role(&mut t, roles, problems);
    let subjects = t.list("subjects", problems).into_iter().map(|(text, _)| text).collect();
    let leeway_s = t.number("leeway_s", 30, 0..601, "seconds", problems);
    let life_max_s = t.number("life_max_s", 3_600, 1..86_401, "seconds", problems);
    let refresh_s = t.number("refresh_s", 600, 10..86_401, "seconds", problems);
    t.done(problems);
    Some(Arc::new(Issuer {
        name: name?,
        issuer: issuer?,
        audience: audience?,
        jwks: jwks?,
        algorithms,
        environment: environment?,
        role,
        subjects,
        leeway_s,
        life_max_s,
        refresh_s,
    }))
}

fn source(text: &str, ca: PathBuf) -> Option<JwksSource> {
    if let Some(path) = text.strip_prefix("file:") {
        return (!path.is_empty()).then(|| JwksSource::File(PathBuf::from(path)));
    }
    Remote::parse(text, ca).map(JwksSource::Url)
}

/// Of public keys only: with a shared secret whoever checks a token could make one.
const ALGORITHMS: &[(&str, Algorithm)] = &[
    ("RS256", Algorithm::RS256),
    ("RS384", Algorithm::RS384),
    ("RS512", Algorithm::RS512),
    ("PS256", Algorithm::PS256),
    ("PS384", Algorithm::PS384),
    ("PS512", Algorithm::PS512),
    ("ES256", Algorithm::ES256),
    ("ES384", Algorithm::ES384),
    ("EdDSA", Algorithm::EdDSA),
];
const JWKS_WANTED: &str =
    "where its public keys are: an https:// URL (http:// on this machine), or file:PATH";
