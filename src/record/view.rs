//! Views: what a reader gets of the stored form, made by taking away.

use super::{Piece, StoredPayload};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

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
    /// The original values: only ever sealed, and no role's.
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
    each_part(payload, |piece| written(piece, view))
}

fn written(piece: &Piece, view: View) -> String {
    match piece {
        Piece::Text(text) => text.clone(),
        Piece::Leaf { shape, .. } if view == View::Shape => shape.to_string(),
        Piece::Leaf { masked, token: Some(token), .. } if view >= View::Linked => linked(masked, token),
        Piece::Leaf { masked, .. } => masked.to_string(),
    }
}

/// The security reader's form: masked where findings are, shape elsewhere. `ceiling` bounds it as any other.
#[must_use]
pub fn render_findings(payload: &StoredPayload, ceiling: View) -> Vec<(String, String)> {
    if ceiling < View::Shape {
        return Vec::new();
    }
    each_part(payload, |piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Leaf { masked, found: true, .. } if ceiling >= View::Masked => masked.to_string(),
        Piece::Leaf { shape, .. } => shape.to_string(),
    })
}

/// A leaf whose original is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SealedField {
    /// Its part and its number there: `body/12`.
    pub field: String,
    /// What is shown in its place.
    pub shows: String,
    /// Where that begins in the part's text, in characters.
    pub at: usize,
}

/// Leaves whose originals are sealed, as they stand in what [`render`] gives at the same view.
#[must_use]
pub fn sealed_fields(payload: &StoredPayload, view: View) -> Vec<SealedField> {
    let mut out = Vec::new();
    // Numbers go on where a part comes again, as a repeated header does.
    let mut leaves: HashMap<&str, usize> = HashMap::new();
    for part in payload.parts.iter().filter(|_| view >= View::Shape) {
        let mut at = 0;
        let leaf = leaves.entry(&part.name).or_default();
        for piece in &part.pieces {
            let shows = written(piece, view);
            let length = shows.chars().count();
            if let Piece::Leaf { sealed, .. } = piece {
                if *sealed {
                    out.push(SealedField { field: format!("{}/{leaf}", part.name), shows, at });
                }
                *leaf += 1;
            }
            at += length;
        }
    }
    out
}

/// Whether the original of one leaf of a part is sealed.
#[must_use]
pub fn is_sealed(payload: &StoredPayload, part: &str, leaf: usize) -> bool {
    let parts = payload.parts.iter().filter(|p| p.name == part);
    let mut leaves = parts.flat_map(|p| &p.pieces).filter_map(|piece| match piece {
        Piece::Leaf { sealed, .. } => Some(*sealed),
        Piece::Text(_) => None,
    });
    leaves.nth(leaf).unwrap_or(false)
}

/// `[mrn]` and a token to `[mrn:token]`; where the format has another meaning for the colon, a token brings its mark.
fn linked(masked: &str, token: &str) -> String {
    let mark = if token.starts_with(|c: char| c.is_ascii_punctuation()) { "" } else { ":" };
    match masked.strip_suffix(']') {
        Some(open) => format!("{open}{mark}{token}]"),
        None => masked.to_owned(),
    }
}

fn each_part(payload: &StoredPayload, write: impl Fn(&Piece) -> String) -> Vec<(String, String)> {
    payload.parts.iter().map(|part| (part.name.clone(), part.pieces.iter().map(&write).collect())).collect()
}
