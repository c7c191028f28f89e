//! Redaction: denies by default, and keeps the format. A stored JSON, XML, HL7v2, X12, CSV, form or multipart payload is
//! still that format; what no walker can read is told by size, type and keyed digest alone.
//!
//! Structure is taken from the document by its own syntax here, and every value between is masked unless the walker
//! said of just these bytes that they may stay: a leaf that a walker missed is masked, not kept. Request and reply are
//! treated alike.

mod asked;
mod body;
mod credential;
mod flat;
mod head;
mod hl7v2;
mod interchange;
mod json;
mod leaf;
mod operators;
mod parts;
mod spots;
mod telecom;
mod told;
mod xml;

use super::{Draft, Redacted, View, seal};
use crate::inspect::Findings;
use crate::org::Flag;
use crate::secrets::TokenKeys;
pub use credential::{has_shape, is_credential};
use leaf::Redactor;

#[cfg(test)]
mod tests;

/// What inspection found in a message that was streamed: `None` where nothing was left to inspect.
pub struct Late {
    /// What its environment is for.
    pub flag: Option<Flag>,
    /// In the request.
    pub request: Option<Findings>,
    /// In the reply.
    pub reply: Option<Findings>,
}

/// Makes the stored form of a message; inspects request and reply first where that was left for here.
#[must_use]
pub fn redact(mut draft: Draft, keys: &TokenKeys) -> (Redacted, Late) {
    let reply = draft.reply.as_ref().filter(|reply| reply.inspect);
    let late = Late {
        flag: draft.flag,
        request: draft.inspect.then(|| told::inspect(&draft)),
        reply: reply.map(|reply| told::inspect_reply(&draft, reply)),
    };
    if let Some(findings) = late.request.as_ref().or(draft.findings.as_ref()) {
        told::tell(&mut draft.entry, findings);
    }
    draft.entry.reply = late.reply.as_ref().or(draft.reply_findings.as_ref()).map(told::told);
    draft.entry.trace = draft.trace.as_deref().map(|id| keys.trace(id));
    draft.entry.ceiling = draft.ceiling;
    // Originals are sealed beside the linked form alone.
    draft.seal = draft.seal.filter(|_| draft.ceiling >= View::Linked);
    let mut tokens = Vec::new();
    let (mut payload, mut sealed) = (None, None);
    if draft.ceiling >= View::Shape {
        let (made, originals) = stored(&draft, keys, &mut tokens);
        payload = Some(made);
        if let Some(seals) = draft.seal.take() {
            match seal::seal(&seals, &draft.entry, originals) {
                Ok(made) => sealed = made,
                // What isn't sealed isn't said to be.
                Err(_) => payload = Some(stored(&draft, keys, &mut tokens).0),
            }
        }
    }
    if draft.ceiling < View::Linked {
        tokens.clear();
    }
    tokens.sort_unstable();
    tokens.dedup();
    (Redacted::new(draft.entry, payload, tokens, sealed), late)
}

/// The stored form, and the originals that are to be sealed: none where the draft has nothing that seals them.
fn stored(draft: &Draft, keys: &TokenKeys, tokens: &mut Vec<String>) -> (Vec<u8>, seal::Originals) {
    // What a `shape` caller's message may leave on disk.
    let shapes_alone = draft.ceiling < View::Masked;
    let mut out = leaf::Pieces::of(draft.bytes() * 2, shapes_alone);
    Redactor::new(draft, keys, tokens).payload(draft, &mut out);
    out.end()
}
