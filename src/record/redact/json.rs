//! JSON by its own syntax.

use super::head::is_credential;
use super::leaf::{Pieces, Redactor, SECRET, fixed, leaf};
use crate::record::Piece;

impl Redactor<'_> {
    /// JSON by its own syntax: keys that the walker knew, punctuation, words and nothing else stay.
    pub(super) fn json(&self, doc: &[u8]) -> Vec<Piece> {
        let mut out = Pieces::default();
        let mut credential = false;
        let mut at = if doc.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        while let Some(b) = doc.get(at) {
            match b {
                b'"' => {
                    let start = at + 1;
                    let mut end = start;
                    while doc.get(end).is_some_and(|b| *b != b'"') {
                        end += if doc.get(end) == Some(&b'\\') { 2 } else { 1 };
                    }
                    let end = end.min(doc.len());
                    let behind = doc.get(end + 1..).unwrap_or_default();
                    let is_key = behind.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':');
                    out.text("\"");
                    if is_key {
                        let key =
                            doc.get(start..end).and_then(|k| std::str::from_utf8(k).ok()).unwrap_or("*");
                        credential = is_credential(key);
                        let known = credential || ENVELOPE.contains(&key);
                        if !known && (self.unknown_keys.contains_key(&start) || !is_plain(key)) {
                            out.leaf(leaf("key", end - start, "*", None, false));
                        } else {
                            out.text(key);
                        }
                    } else if credential && start < end {
                        out.leaf(fixed(SECRET, false));
                        credential = false;
                    } else if start < end {
                        out.leaf(self.piece(start..end, "string"));
                    }
                    out.text("\"");
                    at = end + 1;
                }
                b'-' | b'0'..=b'9' => {
                    let rest = doc.get(at..).unwrap_or_default();
                    let length =
                        rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
                    // A masked number is written as a string, so that the document stays JSON.
                    out.leaf(match self.piece(at..at + length, "number") {
                        Piece::Leaf { shape, masked, token, found, sealed, original } => {
                            let is_number = masked.parse::<f64>().is_ok();
                            Piece::Leaf {
                                shape: format!("\"{shape}\"").into(),
                                masked: if is_number { masked } else { format!("\"{masked}\"").into() },
                                token: token.filter(|_| is_number),
                                found,
                                sealed,
                                original,
                            }
                        }
                        text => text,
                    });
                    at += length;
                }
                b if is_syntax(*b) => {
                    let rest = doc.get(at..).unwrap_or_default();
                    let length = rest.iter().take_while(|b| is_syntax(**b)).count();
                    let run = rest.get(..length).unwrap_or_default();
                    out.text(std::str::from_utf8(run).unwrap_or_default());
                    at += length;
                }
                _ => at += 1,
            }
        }
        out.end()
    }
}

/// Punctuation, blanks, and the letters of `true`, `false` and `null`.
const fn is_syntax(b: u8) -> bool {
    matches!(
        b,
        b'{' | b'}'
            | b'['
            | b']'
            | b':'
            | b','
            | b' '
            | b'\t'
            | b'\r'
            | b'\n'
            | b't'
            | b'r'
            | b'u'
            | b'e'
            | b'f'
            | b'a'
            | b'l'
            | b's'
            | b'n'
    )
}

/// Whether a known key has nothing but letters, digits and what joins words: what else is in it, nobody looked at.
fn is_plain(key: &str) -> bool {
    key.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-. $@:".contains(&b))
}

/// By which a Redox message is known to be one.
const ENVELOPE: [&str; 3] = ["Meta", "DataModel", "EventType"];
