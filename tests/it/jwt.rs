//! Callers by signed token: what is taken, what isn't, and where keys come from.

use crate::support::{Gate, Upstream, connect, read_http};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// A key of an issuer, and its public half as it is published.
pub(crate) struct Signer {
    key: EncodingKey,
    pub(crate) public: Jwk,
}

impl Signer {
    pub(crate) fn new(kid: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("a key");
        let key = EncodingKey::from_ec_der(pair.serialized_der());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES384).expect("a public key");
        public.common.key_id = Some(kid.to_owned());
        Self { key, public }
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES384);
        header.kid.clone_from(&self.public.common.key_id);
        encode(&header, claims, &self.key).expect("signs")
    }
}

fn publish(path: &Path, keys: &[&Signer]) {
    let set = JwkSet { keys: keys.iter().map(|signer| signer.public.clone()).collect() };
    std::fs::write(path, serde_json::to_vec(&set).expect("JSON")).expect("writes");
}

pub(crate) fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    i64::try_from(now.as_secs()).expect("small")
}

fn claims() -> Value {
    json!({ "iss": "https://idp.example", "sub": "lab-feed", "aud": "https://gate.example", "iat": now(), "exp": now() + 300, "jti": "1" })
}

fn issuer(jwks: &str, more: &str) -> String {
    format!(
        "[[issuer]]\nname = \"idp\"\nissuer = \"https://idp.example\"\naudience = \"https://gate.example\"\njwks = \"{jwks}\"\nenvironment = \"staging\"\n{more}\n"
    )
}

/// A gateway that takes tokens of `signer`, whose keys are in a file.
fn start(signer: &Signer, more: &str) -> (Gate, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("jwks.json");
    publish(&file, &[signer]);
    (Gate::also(&issuer(&format!("file:{}", file.display()), more)), folder)
}

fn ask(gate: &Gate, environment: usize, token: &str) -> (u16, String) {
    let mut stream = connect(gate.address(environment));
    write!(stream, "GET /fhir/metadata HTTP/1.1\r\nHost: a\r\nPhigate-Key: {token}\r\n\r\n").expect("writes");
    let reply = read_http(&mut stream, false).expect("an answer");
    (reply.status(), reply.header("phigate-reason").to_owned())
}

#[test]
fn a_good_token_names_its_caller_and_environment_and_stays_here() {
    let signer = Signer::new("k1");
    let (gate, _folder) = start(&signer, "");
    for _ in 0..2 {
        assert_eq!(ask(&gate, 1, &signer.sign(&claims())).0, 200);
        let message = gate.upstreams[1].take().pop().expect("a message");
        assert_eq!(message.header("phigate-key"), "");
    }
    gate.running().flush_records();
    let found = gate.admin("/v1/records?environment=staging", &gate.token(&[("staging", "viewer")]));
    let text = String::from_utf8(found.body).expect("text");
    assert!(text.contains("\"idp:lab-feed\""), "{text}");
    assert_eq!(ask(&gate, 2, &signer.sign(&claims())), (403, "environment_mismatch".to_owned()));
    assert_eq!(gate.metric("phigate_issuer_keys{issuer=\"idp\"}"), 1);
}

#[test]
fn whatever_is_wrong_with_a_token_it_is_nobodys_and_the_answer_is_one() {
    let (signer, other) = (Signer::new("k1"), Signer::new("k2"));
    let (gate, _folder) = start(&signer, "subjects = [\"lab-feed\"]");
    let with = |key: &str, value: Value| {
        let mut claims = claims();
        claims[key] = value;
        signer.sign(&claims)
    };
    let without = |key: &str| {
        let mut claims = claims();
        claims.as_object_mut().expect("an object").remove(key);
        signer.sign(&claims)
    };
    let good = signer.sign(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let unsigned = "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ"; // {"alg":"none","kid":"k1"}
    let mut symmetric = Header::new(Algorithm::HS384);
    symmetric.kid = Some("k1".to_owned());
    let public = serde_json::to_vec(&signer.public).expect("JSON");
    let forger = Signer { public: signer.public.clone(), key: other.key.clone() };
    let wrong = [
        with("aud", json!("https://other.example")),
        with("iss", json!("https://other.example")),
        with("exp", json!(now() - 60)),
        with("nbf", json!(now() + 600)),
        with("exp", json!(now() + 90_000)),
        with("sub", json!("somebody-else")),
        without("exp"),
        without("aud"),
        without("sub"),
        without("iss"),
        other.sign(&claims()),
        forger.sign(&claims()),
        format!("{unsigned}.{}.", parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], parts[2].chars().skip(4).collect::<String>()),
        encode(&symmetric, &claims(), &EncodingKey::from_secret(&public)).expect("signs"),
        format!("{}.{}.{}", parts[0], "e30", parts[2]),
        "a.b.c".to_owned(),
        format!("{}.{}.{}", parts[0], "A".repeat(9_000), parts[2]),
    ];
    for (at, token) in wrong.iter().enumerate() {
        assert_eq!(ask(&gate, 1, token), (401, "credential_invalid".to_owned()), "token {at}");
    }
    assert_eq!(ask(&gate, 1, &good).0, 200);
    assert!(gate.upstreams[1].take().len() == 1);
}

#[test]
fn a_key_that_is_gone_takes_its_tokens_with_it() {
    let (first, second) = (Signer::new("k1"), Signer::new("k2"));
    let (gate, folder) = start(&first, "");
    let (old, new) = (first.sign(&claims()), second.sign(&claims()));
    assert_eq!((ask(&gate, 1, &old).0, ask(&gate, 1, &new).0), (200, 401));
    publish(&folder.path().join("jwks.json"), &[&second]);
    gate.running().reload(&gate.config).expect("good");
    assert_eq!((ask(&gate, 1, &old).0, ask(&gate, 1, &new).0), (401, 200));
    std::fs::write(folder.path().join("jwks.json"), "{}").expect("writes");
    assert!(gate.running().reload(&gate.config).is_err(), "a set without keys isn't taken over");
    assert_eq!(ask(&gate, 1, &new).0, 200);
}

#[test]
fn a_configuration_that_is_refused_changes_the_keys_of_no_issuer() {
    let (first, second) = (Signer::new("k1"), Signer::new("k2"));
    let (mut gate, folder) = start(&first, "");
    let (file, other) = (folder.path().join("jwks.json"), folder.path().join("other.json"));
    publish(&other, &[&first]);
    let another = issuer(&format!("file:{}", other.display()), "").replace("\"idp\"", "\"other\"");
    gate.config += &another.replace("https://idp.example", "https://other.example");
    gate.running().reload(&gate.config).expect("good");
    publish(&file, &[&second]);
    std::fs::write(&other, "{}").expect("writes");
    assert!(gate.running().reload(&gate.config).is_err());
    let (old, new) = (first.sign(&claims()), second.sign(&claims()));
    assert_eq!((ask(&gate, 1, &old).0, ask(&gate, 1, &new).0), (200, 401));
    publish(&other, &[&second]);
    gate.running().reload(&gate.config).expect("good");
    assert_eq!((ask(&gate, 1, &old).0, ask(&gate, 1, &new).0), (401, 200));
}

#[test]
fn keys_are_fetched_from_where_the_issuer_publishes_them() {
    let signer = Signer::new("k1");
    let published = Upstream::start();
    let set = serde_json::to_string(&JwkSet { keys: vec![signer.public.clone()] }).expect("JSON");
    published.answer(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{set}", set.len()).as_bytes());
    let gate = Gate::also(&issuer(&format!("http://{}/jwks?of=idp", published.address), ""));
    let begun = std::time::Instant::now();
    while gate.metric("phigate_issuer_keys{issuer=\"idp\"}") == 0 {
        assert!(begun.elapsed().as_secs() < 20, "never fetched");
    }
    assert_eq!(published.take().pop().expect("a message").target(), "/jwks?of=idp");
    assert_eq!(ask(&gate, 1, &signer.sign(&claims())).0, 200);
}
