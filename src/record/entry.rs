//! What a record is made of, before and after redaction.

use super::{StoredPayload, View};
use crate::inspect::decode::Budget;
use crate::inspect::known::Known;
use crate::inspect::{Findings, RuleSet};
use crate::org::Flag;
use crate::payload::{Payload, PayloadText};
use crate::secrets::SealKeys;
use serde::{Deserialize, Serialize};
use std::hash::Hash;
use std::sync::Arc;

/// What is known of a message besides its payload. Words from our tables and the configuration, numbers, and nothing
/// that a caller wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// UUID of version 7.
    pub id: String,
    /// When the head was whole, Unix milliseconds.
    pub started_ms: u64,
    /// Until the reply's body ended, microseconds.
    pub duration_us: u64,
    /// The environment, or `unresolved`.
    pub environment: String,
    /// The connection, where one was resolved.
    pub connection: Option<String>,
    /// The listener.
    pub listener: String,
    /// The caller's name, or `nobody`.
    pub caller: String,
    /// The caller's role.
    pub caller_role: String,
    /// The method, or `OTHER`.
    pub method: String,
    /// What became of it: `forwarded`, `would_refuse`, `refused`, `withheld`, `failed`.
    pub decision: String,
    /// Why, where it wasn't simply forwarded.
    pub reason: Option<String>,
    /// Status of the reply.
    pub status: u16,
    /// Format of the body, as inspection told.
    pub format: String,
    /// Media type of the request, of the list that we write down.
    pub request_type: String,
    /// Media type of the reply.
    pub reply_type: String,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the reply's body.
    pub reply_bytes: u64,
    /// Points of the heaviest person.
    pub points: u16,
    /// People that were told apart.
    pub persons: u32,
    /// What was found, by rule.
    pub found: Vec<Found>,
    /// What stayed unread, by reason.
    pub uninspected: Vec<String>,
    /// What inspection told of the reply, where it was inspected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<Told>,
    /// The keyed form of the W3C trace id that it carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Which rules judged.
    pub rule_set: String,
    /// The most revealing form that is stored.
    pub ceiling: View,
    /// Whether originals are sealed beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sealed: bool,
}

/// What an entry shares with most others of its connection, as a store writes it once for all of them: without what is
/// empty, and without what each has of its own, which is read where an earlier version wrote it here.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Entry")]
struct Shared {
    #[serde(default, skip_serializing)]
    id: String,
    #[serde(default, skip_serializing)]
    started_ms: u64,
    #[serde(default, skip_serializing)]
    duration_us: u64,
    #[serde(default, skip_serializing)]
    environment: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    connection: Option<String>,
    #[serde(default, skip_serializing_if = "is_empty")]
    listener: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    caller: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    caller_role: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    method: String,
    decision: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "is_empty")]
    status: u16,
    #[serde(default, skip_serializing_if = "is_empty")]
    format: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    request_type: String,
    #[serde(default, skip_serializing_if = "is_empty")]
    reply_type: String,
    #[serde(default, skip_serializing)]
    request_bytes: u64,
    #[serde(default, skip_serializing)]
    reply_bytes: u64,
    #[serde(default, skip_serializing_if = "is_empty")]
    points: u16,
    #[serde(default, skip_serializing_if = "is_empty")]
    persons: u32,
    #[serde(default, skip_serializing_if = "is_empty")]
    found: Vec<Found>,
    #[serde(default, skip_serializing_if = "is_empty")]
    uninspected: Vec<String>,
    #[serde(default, skip_serializing_if = "is_empty")]
    reply: Option<Told>,
    #[serde(default, skip_serializing)]
    trace: Option<String>,
    #[serde(default, skip_serializing_if = "is_empty")]
    rule_set: String,
    ceiling: View,
    #[serde(default, skip_serializing_if = "is_empty")]
    sealed: bool,
}

fn is_empty<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Entry {
    /// What it shares with most others of its connection: two entries that are alike in this differ in id, time, environment,
    /// duration, sizes and trace alone.
    pub(crate) fn shared(&self) -> impl Hash + PartialEq + '_ {
        let Self {
            id: _,
            started_ms: _,
            duration_us: _,
            environment: _,
            connection,
            listener,
            caller,
            caller_role,
            method,
            decision,
            reason,
            status,
            format,
            request_type,
            reply_type,
            request_bytes: _,
            reply_bytes: _,
            points,
            persons,
            found,
            uninspected,
            reply,
            trace: _,
            rule_set,
            ceiling,
            sealed,
        } = self;
        (
            (connection, listener, caller, caller_role, method, decision, reason, status),
            (format, request_type, reply_type, points, persons, found, uninspected, reply),
            (rule_set, ceiling, sealed),
        )
    }

    /// Writes the same as JSON.
    ///
    /// # Errors
    /// As `serde_json`'s writer.
    pub(crate) fn write_shared(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        Shared::serialize(self, &mut serde_json::Serializer::new(out))
    }

    /// Reads what [`Entry::write_shared`] wrote, the rest of it empty; or all of an entry, as earlier versions wrote it. `None`
    /// for anything else.
    pub(crate) fn read_shared(written: &str) -> Option<Self> {
        let mut text = serde_json::Deserializer::from_str(written);
        let entry = Shared::deserialize(&mut text).ok()?;
        text.end().ok()?;
        Some(entry)
    }
}

/// What inspection told of a reply.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Told {
    /// Format of the body.
    pub format: String,
    /// Points of the heaviest person.
    pub points: u16,
    /// People that were told apart.
    pub persons: u32,
    /// What was found, by rule.
    pub found: Vec<Found>,
    /// What stayed unread, by reason.
    pub uninspected: Vec<String>,
}

/// Detections of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Found {
    /// The rule's id.
    pub rule: String,
    /// What it found.
    pub kind: String,
    /// How often.
    pub count: u32,
    /// Most points of one of them.
    pub points: u16,
    /// How many of them counted for nothing by a suppression.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub suppressed: u32,
}

// As serde asks for it.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// A message's end, with what its record is made from. Holds payload: no `Debug`.
pub struct Draft {
    /// What is known besides the payload.
    pub entry: Entry,
    /// The most revealing form that may be stored.
    pub ceiling: View,
    /// The environment's flag, where one was resolved.
    pub flag: Option<Flag>,
    /// What inspection told, where it ran before the message went on.
    pub findings: Option<Findings>,
    /// The same of the reply.
    pub reply_findings: Option<Findings>,
    /// Whether the copy is still to be inspected: a streamed message.
    pub inspect: bool,
    /// Whether the copy is not the whole body.
    pub cut: bool,
    /// Whether more of it passed than was copied.
    pub unseen: bool,
    /// The W3C trace id that it carried.
    pub trace: Option<String>,
    /// Path and query.
    pub target: PayloadText,
    /// Header names and values, but those of the protocol.
    pub headers: Vec<(String, String)>,
    /// As sent.
    pub content_type: String,
    /// As sent.
    pub content_encoding: String,
    /// The body, or the copy of its first bytes.
    pub body: Payload,
    /// What came back, where a copy of it is there.
    pub reply: Option<ReplyCopy>,
    /// Who is known, to the inspection that was left for the record: `None` where nobody is asked for.
    pub known: Option<Arc<dyn Known>>,
    /// What judged it.
    pub rules: Arc<RuleSet>,
    /// How much carried data is read.
    pub budget: Budget,
    /// What seals its originals; `None` where none are kept.
    pub seal: Option<Arc<SealKeys>>,
}

/// A reply's head and body, or the copy of its first bytes. Holds payload: no `Debug`.
#[derive(Default)]
pub struct ReplyCopy {
    /// Header names and values, but those of the protocol.
    pub headers: Vec<(String, String)>,
    /// As sent.
    pub content_type: String,
    /// As sent.
    pub content_encoding: String,
    /// The body, or the copy of its first bytes.
    pub body: Payload,
    /// Whether the copy is not the whole body.
    pub cut: bool,
    /// Whether more of it passed than was copied.
    pub unseen: bool,
    /// Whether the copy is still to be inspected: a streamed reply.
    pub inspect: bool,
}

impl Draft {
    /// Bytes that it holds, for the queue's limit.
    #[must_use]
    pub fn bytes(&self) -> usize {
        512 + self.body.len()
            + self.target.expose().len()
            + self.headers.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>()
            + self.reply.as_ref().map_or(0, |reply| reply.body.len())
    }
}

/// The one stored form of a message: [`super::redact()`] alone makes one.
///
/// ```compile_fail
/// fn forge(entry: phigate::record::Entry) -> phigate::record::Redacted {
///     phigate::record::Redacted { entry, payload: None, tokens: Vec::new(), sealed: None } // private fields
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Redacted {
    entry: Entry,
    /// As it is written: a batch of records in pieces would be ten times as large, and cold when it is written.
    payload: Option<Vec<u8>>,
    tokens: Vec<String>,
    sealed: Option<Vec<u8>>,
}

impl Redacted {
    pub(super) fn new(
        mut entry: Entry,
        payload: Option<Vec<u8>>,
        tokens: Vec<String>,
        sealed: Option<Vec<u8>>,
    ) -> Self {
        entry.sealed = sealed.is_some();
        Self { entry, payload, tokens, sealed }
    }

    /// What is known besides the payload.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The stored form of the payload, where the ceiling allows one.
    #[must_use]
    pub fn payload(&self) -> Option<StoredPayload> {
        StoredPayload::read(self.payload.as_deref()?)
    }

    /// The same as it is written, for [`StoredPayload::read`].
    #[must_use]
    pub fn payload_bytes(&self) -> Option<&[u8]> {
        self.payload.as_deref()
    }

    /// Keyed tokens that it can be found by.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The originals, sealed; `None` where none are kept.
    #[must_use]
    pub fn sealed(&self) -> Option<&[u8]> {
        self.sealed.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_entries_share_reads_as_it_was_written() {
        let told = Told { format: "hl7v2".into(), points: 3, ..Told::default() };
        let found = Found { rule: "fhir-1".into(), kind: "mrn".into(), count: 2, points: 40, suppressed: 1 };
        let full = Entry {
            id: "0".into(),
            started_ms: 1,
            duration_us: 2,
            environment: "a".into(),
            connection: Some("c".into()),
            listener: "l".into(),
            caller: "k".into(),
            caller_role: "r".into(),
            method: "POST".into(),
            decision: "forwarded".into(),
            reason: Some("phi".into()),
            status: 200,
            format: "fhir-json".into(),
            request_type: "t".into(),
            reply_type: "u".into(),
            request_bytes: 3,
            reply_bytes: 4,
            points: 40,
            persons: 1,
            found: vec![found],
            uninspected: vec!["malformed".into()],
            reply: Some(told),
            trace: Some("w".into()),
            rule_set: "1".into(),
            ceiling: View::Linked,
            sealed: true,
        };
        let bare = Entry { id: "0".into(), started_ms: 1, environment: "a".into(), ..Entry::default() };
        for entry in [&full, &bare] {
            let mut written = Vec::new();
            entry.write_shared(&mut written).expect("writes");
            // As earlier versions wrote it.
            let whole = serde_json::to_vec(entry).expect("writes");
            for (written, is_whole) in [(written, false), (whole, true)] {
                let text = String::from_utf8(written).expect("text");
                let read = Entry::read_shared(&text).expect("reads");
                assert!(read.shared() == entry.shared());
                assert_eq!(read == *entry, is_whole);
                assert_eq!(Entry::read_shared(&text[..text.len() - 1]), None);
                assert_eq!(Entry::read_shared(&format!("{text}x")), None);
            }
        }
        let mut written = Vec::new();
        bare.write_shared(&mut written).expect("writes");
        assert_eq!(String::from_utf8(written).expect("text"), r#"{"decision":"","ceiling":"metadata"}"#);
        let mut other = full.clone();
        (other.duration_us, other.trace, other.id) = (7, None, "1".into());
        assert!(other.shared() == full.shared());
        other.found[0].count = 3;
        assert!(other.shared() != full.shared());
    }
}
