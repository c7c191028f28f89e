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
