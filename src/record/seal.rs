//! Originals beside the stored form, sealed: what a placeholder stands for, by part and in the order of its leaves.
//!
//! They exist in production alone, where an owner turned sealing on for the connection, and are opened one field at a time
//! by break-glass. Credentials are not among them, and neither is what no walker could read.

use super::{Entry, Piece, StoredPayload};
use crate::payload::PayloadText;
use crate::secrets::{SealError, SealKeys, SealOf};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering::Relaxed;

/// Originals of a message. Holds payload: no `Debug`.
#[derive(Serialize, Deserialize)]
pub struct Originals(Vec<Part>);

#[derive(Serialize, Deserialize)]
struct Part {
    #[serde(rename = "n")]
    name: String,
    /// Of each leaf that has one: its number in the part, from 0, and the value as it was sent.
    #[serde(rename = "v")]
    values: Vec<(usize, String)>,
}

impl Originals {
    /// Takes them out of a payload, which has none behind that.
    fn taken(payload: &mut StoredPayload) -> Self {
        let mut parts = Vec::new();
        for part in &mut payload.parts {
            let mut values = Vec::new();
            let leaves = part.pieces.iter_mut().filter_map(|piece| match piece {
                Piece::Leaf { sealed, original, .. } => Some((sealed, original)),
                Piece::Text(_) => None,
            });
            for (n, (sealed, original)) in leaves.enumerate() {
                if let Some(text) = original.take() {
                    *sealed = true;
                    values.push((n, text.expose().to_owned()));
                }
            }
            if !values.is_empty() {
                parts.push(Part { name: part.name.clone(), values });
            }
        }
        Self(parts)
    }

    /// Opens what was sealed of the same record.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(keys: &SealKeys, entry: &Entry, sealed: &[u8]) -> Result<Self, SealError> {
        let packed = of(entry, |of| keys.open(of, sealed))?;
        let json = zstd::bulk::decompress(&packed, ORIGINAL_BYTES_MAX).map_err(|_| SealError::Broken)?;
        serde_json::from_slice(&json).map_err(|_| SealError::Broken)
    }

    /// The original of one leaf.
    #[must_use]
    pub fn field(&self, part: &str, leaf: usize) -> Option<PayloadText> {
        let part = self.0.iter().find(|p| p.name == part)?;
        part.values.iter().find(|(n, _)| *n == leaf).map(|(_, text)| PayloadText::from(text.as_str()))
    }
}

/// Seals the originals of a payload, which has none behind that; `None` where there are none, or it can't be done: that is
/// counted, and the record kept without.
pub(super) fn seal(keys: &SealKeys, entry: &Entry, payload: &mut StoredPayload) -> Option<Vec<u8>> {
    let originals = Originals::taken(payload);
    if originals.0.is_empty() {
        return None;
    }
    let json = serde_json::to_vec(&originals).ok()?;
    let sealed = zstd::bulk::compress(&json, ZSTD_LEVEL)
        .map_err(|_| SealError::Cipher)
        .and_then(|packed| of(entry, |of| keys.seal(of, packed)));
    match sealed {
        Ok(sealed) => {
            keys.sealed.fetch_add(1, Relaxed);
            Some(sealed)
        }
        Err(error) => {
            keys.count_failed(&error);
            // What isn't sealed isn't said to be.
            let leaves = payload.parts.iter_mut().flat_map(|part| &mut part.pieces);
            leaves.for_each(|piece| {
                if let Piece::Leaf { sealed, .. } = piece {
                    *sealed = false;
                }
            });
            None
        }
    }
}

fn of<T>(entry: &Entry, f: impl FnOnce(SealOf<'_>) -> T) -> T {
    let day = crate::clock::day(entry.started_ms);
    f(SealOf { environment: &entry.environment, day: &day, record: &entry.id })
}

/// Of one record, before compression: bodies have a limit far below.
const ORIGINAL_BYTES_MAX: usize = 1 << 30;
const ZSTD_LEVEL: i32 = 3;
