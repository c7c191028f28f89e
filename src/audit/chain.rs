//! One line of the audit: `{"hash":…,"sig":…,"seq":…,"prev":…,…}`. The hash is SHA-256 over the very bytes behind the
//! signature, so that nothing has to be written anew to be verified; each names the one before.

use super::{Event, Known};
use crate::secrets::{SigningKey, VerifyingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The last line there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) seq: u64,
    pub(super) hash: String,
}

impl Tail {
    /// Before the first line.
    pub(super) fn none() -> Self {
        Self { seq: 0, hash: "0".repeat(HASH_LENGTH) }
    }

    /// What whoever remembers it has to keep.
    pub(super) fn known(&self) -> Known {
        Known { seq: self.seq, hash: (self.seq > 0).then(|| self.hash.clone()) }
    }
}

#[derive(Serialize)]
struct Body<'e> {
    seq: u64,
    prev: &'e str,
    #[serde(flatten)]
    event: &'e Event<'e>,
}

/// The line of an event behind `tail`, with its end.
pub(super) fn seal(event: &Event<'_>, tail: &Tail, key: &SigningKey) -> Option<(Tail, String)> {
    let seq = tail.seq.checked_add(1)?;
    let json = serde_json::to_string(&Body { seq, prev: &tail.hash, event }).ok()?;
    let behind = json.strip_prefix('{')?;
    let hash = hash(behind.as_bytes());
    let signature = STANDARD.encode(key.sign(&statement(&hash)));
    Some((Tail { seq, hash: hash.clone() }, format!("{HASH}{hash}{SIGNATURE}{signature}{BEHIND}{behind}\n")))
}

/// A line that was read back.
pub(super) struct Line {
    pub(super) tail: Tail,
    pub(super) prev: String,
    /// All that it says.
    pub(super) value: Value,
}

/// What is wrong with one line by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Its hash isn't that of its bytes, or it isn't a line at all.
    Changed,
    /// Its hash wasn't signed by this key.
    Signature,
}

/// Reads a line without its end.
pub(super) fn open(line: &[u8], key: Option<&VerifyingKey>) -> Result<Line, Wrong> {
    let (hash_at, signature, behind) = divided(line).ok_or(Wrong::Changed)?;
    if hash(behind.as_bytes()) != hash_at {
        return Err(Wrong::Changed);
    }
    let signature = STANDARD.decode(signature).map_err(|_| Wrong::Changed)?;
    if key.is_some_and(|key| !key.verifies(&statement(hash_at), &signature)) {
        return Err(Wrong::Signature);
    }
    let value: Value = serde_json::from_slice(line).map_err(|_| Wrong::Changed)?;
    let seq = value.get("seq").and_then(Value::as_u64).ok_or(Wrong::Changed)?;
    let prev = value.get("prev").and_then(Value::as_str).ok_or(Wrong::Changed)?.to_owned();
    Ok(Line { tail: Tail { seq, hash: hash_at.to_owned() }, prev, value })
}

/// The month of an event's time; empty where it says none.
pub(super) fn month(event: &Value) -> &str {
    event.get("time").and_then(Value::as_str).and_then(|time| time.get(..7)).unwrap_or_default()
}

/// Whether bytes may be the beginning of a line.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let length = bytes.len().min(HASH.len());
    bytes.get(..length) == HASH.as_bytes().get(..length)
}

fn divided(line: &[u8]) -> Option<(&str, &str, &str)> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix(HASH)?;
    let (hash, rest) = rest.split_at_checked(HASH_LENGTH)?;
    let rest = rest.strip_prefix(SIGNATURE)?;
    let (signature, rest) = rest.split_at_checked(SIGNATURE_LENGTH)?;
    Some((hash, signature, rest.strip_prefix(BEHIND)?))
}

pub(super) fn hash(bytes: &[u8]) -> String {
    crate::secrets::hex(&Sha256::digest(bytes))
}

fn statement(hash: &str) -> Vec<u8> {
    format!("phigate audit event\n{hash}").into_bytes()
}

const HASH: &str = "{\"hash\":\"";
const SIGNATURE: &str = "\",\"sig\":\"";
const BEHIND: &str = "\",";
const HASH_LENGTH: usize = 64;
const SIGNATURE_LENGTH: usize = 88;
