//! JSON by its own syntax.

use super::credential::{is_credential, may_hold_more, names_credential};
use super::leaf::{Pieces, Redactor, SECRET, fixed, leaf};
use crate::inspect::walk::json::{NodeId, NodeKind, Tape};
use crate::record::Piece;
use std::borrow::Cow;
use std::ops::Range;

impl Redactor<'_> {
    /// JSON by its own syntax: keys that the walker knew, punctuation, words and nothing else stay.
    pub(super) fn json(&self, tape: &Tape<'_>, doc: &[u8]) -> Vec<Piece> {
        let mut out = Pieces::of(tape.len());
        let doc = std::str::from_utf8(doc).unwrap_or_default(); // it is: a tape was read of it
        let text = |span: Range<usize>| doc.get(span).unwrap_or_default();
        // All before this node stands under a credential's key.
        let mut secret = NodeId::ROOT;
        // Up to where it is written: what lies between keys and values is punctuation, blanks, `true`, `false` and `null`.
        let mut at = if doc.starts_with('\u{FEFF}') { 3 } else { 0 };
        for id in tape.nodes() {
            if let Some(span) = tape.key_span(id) {
                out.text(text(at..span.start));
                at = span.end;
                let key = text(span.clone());
                let name = tape.key(id).unwrap_or_default();
                if names_credential(&name) && !(may_hold_more(&name) && holds_more(tape, id)) {
                    secret = secret.max(tape.after(id));
                }
                let known = is_credential(key) || ENVELOPE.contains(&key);
                if !known && (self.unknown_keys.contains_key(&span.start) || !is_plain(key)) {
                    out.leaf(leaf("key", span.len(), "*", None, false));
                } else {
                    out.text(key);
                }
            }
            let span = tape.span(id);
            let leaf = match tape.kind(id) {
                NodeKind::String if span.is_empty() => continue,
                NodeKind::String if id < secret => fixed(SECRET, false),
                NodeKind::Number | NodeKind::Bool if id < secret => fixed(quoted(SECRET.into()), false),
                NodeKind::String => self.piece(span.clone(), "string"),
                NodeKind::Number => self.number(span.clone()),
                NodeKind::Object | NodeKind::Array | NodeKind::Bool | NodeKind::Null => continue,
            };
            out.text(text(at..span.start));
            out.leaf(leaf);
            at = span.end;
        }
        out.text(text(at..doc.len()));
        out.end()
    }

    /// A masked number is written as a string, so that the document stays JSON.
    fn number(&self, span: Range<usize>) -> Piece {
        match self.piece(span, "number") {
            Piece::Leaf { shape, masked, token, found, sealed, original } => {
                let is_number = masked.parse::<f64>().is_ok();
                Piece::Leaf {
                    shape: quoted(shape),
                    masked: if is_number { masked } else { quoted(masked) },
                    token: token.filter(|_| is_number),
                    found,
                    sealed,
                    original,
                }
            }
            text => text,
        }
    }
}

/// Whether it is an object, or a list that begins with one.
fn holds_more(tape: &Tape<'_>, id: NodeId) -> bool {
    let is_object = |id| tape.kind(id) == NodeKind::Object;
    is_object(id) || tape.kind(id) == NodeKind::Array && tape.children(id).next().is_some_and(is_object)
}

fn quoted(text: Cow<'static, str>) -> Cow<'static, str> {
    ["\"", &text, "\""].concat().into()
}

/// Whether a known key has nothing but letters, digits and what joins words: what else is in it, nobody looked at.
fn is_plain(key: &str) -> bool {
    key.bytes().all(|b| PLAIN[usize::from(b)])
}

/// Letters, digits, and what joins words.
const PLAIN: [bool; 256] = {
    let (mut plain, mut b) = ([false; 256], 0_u8);
    while b < 0x80 {
        plain[b as usize] =
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b' ' | b'$' | b'@' | b':');
        b += 1;
    }
    plain
};

/// By which a Redox message is known to be one.
const ENVELOPE: [&str; 3] = ["Meta", "DataModel", "EventType"];
