//! The stored form: pieces, so that every lower view is made by taking away, without parsing anything again.
//! `packed` tells how it is written; what serde reads is what earlier versions wrote.

use serde::Deserialize;
use std::borrow::Cow;

/// A message's payload as it is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct StoredPayload {
    /// Target, headers, body: in this order.
    pub parts: Vec<Part>,
}

/// One part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Part {
    /// `target`, `header <known name>` or `body`.
    #[serde(rename = "n")]
    pub name: String,
    /// What it is made of, in order.
    #[serde(rename = "p")]
    pub pieces: Vec<Piece>,
}

/// A piece of a part.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
        #[serde(rename = "t", default)]
        token: Option<String>,
        /// Whether a detector or a row found something in it.
        #[serde(rename = "f", default)]
        found: bool,
        /// Whether its original is sealed beside the record.
        #[serde(rename = "o", default)]
        sealed: bool,
    },
}
