//! Views: what a reader gets of the stored form, made by taking away.

use super::{Piece, StoredPayload};
use serde::{Deserialize, Serialize};

/// How much of a record is shown, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// The record doesn't appear.
    None,
    /// What is known besides the payload.
    #[default]
    Metadata,
    /// Structure in words of our tables; each leaf is its type and length class.
    Shape,
    /// Safe leaves clear; each identifier a typed placeholder.
    Masked,
    /// As masked; placeholders of high-entropy kinds carry a keyed token.
    Linked,
    /// The original values: only ever sealed, and not in this version.
    Clear,
}

impl View {
    /// The word, as in answers and the audit.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Metadata => "metadata",
            Self::Shape => "shape",
            Self::Masked => "masked",
            Self::Linked => "linked",
            Self::Clear => "clear",
        }
    }
}

/// Parts of a stored payload at a view, each with its name; none below [`View::Shape`].
#[must_use]
pub fn render(payload: &StoredPayload, view: View) -> Vec<(String, String)> {
    if view < View::Shape {
        return Vec::new();
    }
    each_part(payload, |piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Leaf { shape, .. } if view == View::Shape => shape.clone(),
        Piece::Leaf { masked, token: Some(token), .. } if view >= View::Linked => linked(masked, token),
        Piece::Leaf { masked, .. } => masked.clone(),
    })
}

/// The security reader's form: masked where findings are, shape elsewhere. `ceiling` bounds it as any other.
#[must_use]
pub fn render_findings(payload: &StoredPayload, ceiling: View) -> Vec<(String, String)> {
    if ceiling < View::Shape {
        return Vec::new();
    }
    each_part(payload, |piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Leaf { masked, found: true, .. } if ceiling >= View::Masked => masked.clone(),
        Piece::Leaf { shape, .. } => shape.clone(),
    })
}

/// `[mrn]` and a token to `[mrn:token]`.
fn linked(masked: &str, token: &str) -> String {
    match masked.strip_suffix(']') {
        Some(open) => format!("{open}:{token}]"),
        None => masked.to_owned(),
    }
}

fn each_part(payload: &StoredPayload, write: impl Fn(&Piece) -> String) -> Vec<(String, String)> {
    payload.parts.iter().map(|part| (part.name.clone(), part.pieces.iter().map(&write).collect())).collect()
}
