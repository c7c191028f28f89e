//! The stored form: pieces, so that every lower view is made by taking away, without parsing anything again.

use crate::payload::PayloadText;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A message's payload as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPayload {
    /// Target, headers, body: in this order.
    pub parts: Vec<Part>,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// `target`, `header <known name>` or `body`.
    #[serde(rename = "n")]
    pub name: String,
    /// What it is made of, in order.
    #[serde(rename = "p")]
    pub pieces: Vec<Piece>,
}

/// A piece of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    /// Syntax of the format, and words of our tables.
    Text(String),
    /// A value.
    Leaf {
        /// What it is and how long about: `text:9-16`.
        #[serde(rename = "s")]
        shape: Cow<'static, str>,
        /// A placeholder (`[mrn]`), or the value where it may stay.
        #[serde(rename = "m")]
        masked: Cow<'static, str>,
        /// A keyed token, where kind and ceiling allow one.
        #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        /// Whether a detector or a row found something in it.
        #[serde(rename = "f", default, skip_serializing_if = "std::ops::Not::not")]
        found: bool,
        /// Whether its original is sealed beside the record.
        #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
        sealed: bool,
        /// The original on its way to the seal: taken out before anything is stored, and never written.
        #[serde(skip)]
        original: Option<PayloadText>,
    },
}

impl StoredPayload {
    /// As it is written: just what serde makes of it, by hand, since a message has hundreds of pieces.
    #[must_use]
    pub(super) fn json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(JSON_BYTES_FIRST);
        out.extend_from_slice(b"{\"parts\":[");
        for (n, part) in self.parts.iter().enumerate() {
            out.extend_from_slice(if n > 0 { b",{\"n\":" } else { b"{\"n\":" });
            string(&part.name, &mut out);
            out.extend_from_slice(b",\"p\":[");
            for (n, piece) in part.pieces.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                piece.json(&mut out);
            }
            out.extend_from_slice(b"]}");
        }
        out.extend_from_slice(b"]}");
        out
    }
}

impl Piece {
    fn json(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => string(text, out),
            Self::Leaf { shape, masked, token, found, sealed, original: _ } => {
                out.extend_from_slice(b"{\"s\":");
                cow(shape, out);
                out.extend_from_slice(b",\"m\":");
                cow(masked, out);
                if let Some(token) = token {
                    out.extend_from_slice(b",\"t\":");
                    string(token, out);
                }
                if *found {
                    out.extend_from_slice(b",\"f\":true");
                }
                if *sealed {
                    out.extend_from_slice(b",\"o\":true");
                }
                out.push(b'}');
            }
        }
    }
}

/// A string of JSON; what is borrowed for ever is a word of ours, and has nothing to be escaped.
#[expect(clippy::ptr_arg, reason = "whether it is borrowed is what is asked")]
fn cow(text: &Cow<'static, str>, out: &mut Vec<u8>) {
    match text {
        Cow::Borrowed(word) if word.len() <= WORD_BYTES_MAX => {
            debug_assert!(word.bytes().all(|b| ESCAPES[usize::from(b)] == 0), "a word of ours is plain");
            out.push(b'"');
            out.extend_from_slice(word.as_bytes());
            out.push(b'"');
        }
        text => string(text, out),
    }
}

/// A string of JSON.
fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(plain) = rest.iter().position(|b| ESCAPES[usize::from(*b)] != 0) {
        let (before, from) = rest.split_at(plain);
        let Some((byte, behind)) = from.split_first() else { break };
        out.extend_from_slice(before);
        match ESCAPES[usize::from(*byte)] {
            b'u' => {
                let hex = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', hex(byte >> 4), hex(*byte)]);
            }
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
        rest = behind;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// The letter behind the backslash; 0: none is needed.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x08] = b'b';
    escapes[b'\t' as usize] = b't';
    escapes[b'\n' as usize] = b'n';
    escapes[0x0C] = b'f';
    escapes[b'\r' as usize] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

/// Placeholders and shapes are shorter.
const WORD_BYTES_MAX: usize = 40;
/// A first guess at the stored form of a message of some KiB.
const JSON_BYTES_FIRST: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_serde_writes_it_and_read_back() {
        let odd: String = (0..0x80_u8).map(char::from).chain("é\u{2028}日\u{1F600}".chars()).collect();
        let leaf = |token: Option<&str>, found, sealed| Piece::Leaf {
            shape: "string:5-8".into(),
            masked: odd.clone().into(),
            token: token.map(str::to_owned),
            found,
            sealed,
            original: None,
        };
        let pieces = vec![
            Piece::Text(odd.clone()),
            leaf(None, false, false),
            leaf(Some("t_\"1"), true, false),
            leaf(None, true, true),
            Piece::Text(String::new()),
        ];
        let parts = vec![
            Part { name: "target".to_owned(), pieces: Vec::new() },
            Part { name: odd.clone(), pieces: pieces.clone() },
            Part { name: "body".to_owned(), pieces },
        ];
        for payload in [StoredPayload::default(), StoredPayload { parts }] {
            let json = payload.json();
            assert_eq!(String::from_utf8_lossy(&json), serde_json::to_string(&payload).unwrap());
            assert_eq!(serde_json::from_slice::<StoredPayload>(&json).unwrap(), payload);
        }
    }
}
