//! The ID token (OpenID Connect Core 1.0, section 3.1.3.7) to a person.

use super::{Person, SignInError};
use crate::config::sign_in::SignIn;
use crate::identify::KeySet;
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde_json::{Map, Value};

/// The claims of a token that was made for this client and attempt, and is signed by a key of the set.
pub(super) fn claims(
    token: &str,
    jwks: &[u8],
    settings: &SignIn,
    nonce: &str,
) -> Result<Map<String, Value>, SignInError> {
    let wrong = SignInError::Token;
    let keys = KeySet::default();
    keys.take(jwks).map_err(|_| SignInError::Provider("keys"))?;
    let header = decode_header(token).map_err(|_| wrong("it is none"))?;
    // A symmetric one could be made by whoever knows our secret.
    if !ALGORITHMS.contains(&header.alg) {
        return Err(wrong("its algorithm isn't one of public keys"));
    }
    let kid = header.kid.ok_or(wrong("it names no key"))?;
    let key = keys.key(&kid).ok_or(wrong("its key isn't one of the provider's"))?;
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[&settings.client_id]);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
    validation.leeway = LEEWAY_S;
    let claims = decode::<Map<String, Value>>(token, &key, &validation)
        .map_err(|_| wrong("signature, issuer, audience or time"))?
        .claims;
    if claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
        return Err(wrong("it is of another attempt"));
    }
    let has_others = claims.get("aud").and_then(Value::as_array).is_some_and(|all| all.len() > 1);
    let party = claims.get("azp").and_then(Value::as_str);
    if party.is_some_and(|party| party != settings.client_id) || (has_others && party.is_none()) {
        return Err(wrong("it is for another client"));
    }
    Ok(claims)
}

/// Who the claims are of.
pub(super) fn person(claims: &Map<String, Value>, settings: &SignIn) -> Result<Person, SignInError> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let subject = text("sub").filter(|sub| !sub.is_empty() && sub.len() <= 255);
    let is_verified =
        settings.name_claim != "email" || claims.get("email_verified") != Some(&Value::Bool(false));
    let name = text(&settings.name_claim).filter(|name| is_verified && crate::admin::is_name(name));
    let groups = match claims.get(&settings.groups_claim) {
        Some(Value::Array(groups)) => groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(group)) => vec![group.clone()],
        _ => Vec::new(),
    };
    Ok(Person {
        issuer: settings.issuer.clone(),
        subject: subject.ok_or(SignInError::Token("it names nobody"))?.to_owned(),
        name: name.ok_or(SignInError::Name)?.to_owned(),
        groups,
    })
}

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// How far clocks may differ, seconds.
const LEEWAY_S: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::jwk::{Jwk, JwkSet};
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;
    use std::path::PathBuf;

    fn settings() -> SignIn {
        SignIn {
            issuer: "https://idp.example".to_owned(),
            ca: PathBuf::new(),
            client_id: "phigate".to_owned(),
            client_secret: None,
            redirect: None,
            scopes: Vec::new(),
            name_claim: "email".to_owned(),
            groups_claim: "groups".to_owned(),
            session_hours: 8,
            groups: Vec::new(),
        }
    }

    fn now() -> i64 {
        i64::try_from(crate::clock::unix_ms() / 1000).expect("small")
    }

    fn good() -> Value {
        json!({"iss": "https://idp.example", "sub": "u1", "aud": "phigate", "exp": now() + 300, "nonce": "n", "email": "ann@acme.example", "groups": ["a", 7]})
    }

    struct Signer(EncodingKey, Jwk);

    impl Signer {
        fn new() -> Self {
            let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
            let key = EncodingKey::from_ec_der(pair.serialized_der());
            let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).expect("a public key");
            public.common.key_id = Some("k".to_owned());
            Self(key, public)
        }

        fn jwks(&self) -> Vec<u8> {
            serde_json::to_vec(&JwkSet { keys: vec![self.1.clone()] }).expect("JSON")
        }

        fn sign(&self, claims: &Value) -> String {
            let header = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::ES256) };
            encode(&header, claims, &self.0).expect("signs")
        }
    }

    #[test]
    fn a_token_for_this_client_and_attempt_names_a_person() {
        let signer = Signer::new();
        let claims = claims(&signer.sign(&good()), &signer.jwks(), &settings(), "n").expect("good");
        let person = person(&claims, &settings()).expect("somebody");
        assert_eq!(
            (&*person.subject, &*person.name, person.groups),
            ("u1", "ann@acme.example", vec!["a".to_owned()])
        );
    }

    #[test]
    fn every_other_token_names_nobody() {
        let signer = Signer::new();
        let refused =
            |claims: &Value| super::claims(&signer.sign(claims), &signer.jwks(), &settings(), "n").is_err();
        for (claim, value) in [
            ("iss", json!("https://other.example")),
            ("aud", json!("other")),
            ("aud", json!(["phigate", "other"])),
            ("azp", json!("other")),
            ("exp", json!(now() - 120)),
            ("exp", Value::Null),
            ("sub", Value::Null),
            ("nonce", json!("m")),
            ("nonce", Value::Null),
        ] {
            let mut claims = good();
            claims[claim] = value;
            if claims[claim].is_null() {
                claims.as_object_mut().expect("an object").remove(claim);
            }
            assert!(refused(&claims), "{claims}");
        }
        let mut both = good();
        both["aud"] = json!(["phigate", "other"]);
        both["azp"] = json!("phigate");
        assert!(!refused(&both));
        // Another's key, a secret's, no signature, no token.
        let token = signer.sign(&good());
        assert!(super::claims(&token, &Signer::new().jwks(), &settings(), "n").is_err());
        let symmetric = Header { kid: Some("k".to_owned()), ..Header::new(Algorithm::HS256) };
        let symmetric = encode(&symmetric, &good(), &EncodingKey::from_secret(b"x")).expect("signs");
        assert!(super::claims(&symmetric, &signer.jwks(), &settings(), "n").is_err());
        let body = token.split('.').nth(1).expect("claims");
        for none in ["", "a.b.c", &format!("eyJhbGciOiJub25lIiwia2lkIjoiayJ9.{body}.")] {
            assert!(super::claims(none, &signer.jwks(), &settings(), "n").is_err());
        }
    }

    #[test]
    fn a_name_is_one_that_was_verified_and_that_a_member_may_have() {
        let of = |change: (&str, Value)| {
            let mut claims = good();
            claims[change.0] = change.1;
            person(claims.as_object().expect("an object"), &settings()).map(|p| p.name).ok()
        };
        assert_eq!(of(("email_verified", json!(true))).as_deref(), Some("ann@acme.example"));
        assert_eq!(of(("email_verified", json!(false))), None);
        for name in [json!("Ann Smith"), json!(""), json!(7), json!("x".repeat(61))] {
            assert_eq!(of(("email", name.clone())), None, "{name}");
        }
    }
}
