//! Originals beside the stored form, sealed: what a placeholder stands for, by part and in the order of its leaves.
//!
//! They exist in production alone, where an owner turned sealing on for the connection, and are opened one field at a time
//! by break-glass. Credentials are not among them, and neither is what no walker could read.

use super::Entry;
use crate::payload::PayloadText;
use crate::secrets::{SealError, SealKeys, SealOf};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering::Relaxed;

/// Originals of a message. Holds payload: no `Debug`.
#[derive(Default, Serialize, Deserialize)]
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
    /// Keeps a value of a part as it was sent, by its number there; parts come one after the other.
    pub(super) fn keep(&mut self, part: [&str; 2], number: usize, raw: &[u8]) {
        let name = part.concat();
        if self.0.last().is_none_or(|last| last.name != name) {
            self.0.push(Part { name, values: Vec::new() });
        }
        if let Some(part) = self.0.last_mut() {
            part.values.push((number, String::from_utf8_lossy(raw).into_owned()));
        }
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

    /// Every original, with its part and the number of its leaf there. Payload: for comparing, not for showing.
    pub fn each(&self) -> impl Iterator<Item = (&str, usize, PayloadText)> {
        self.0.iter().flat_map(|part| {
            part.values.iter().map(|(leaf, text)| (&*part.name, *leaf, PayloadText::from(text.as_str())))
        })
    }

    /// The original of one leaf.
    #[must_use]
    pub fn field(&self, part: &str, leaf: usize) -> Option<PayloadText> {
        // Headers may stand there several times, between others.
        let mut values = self.0.iter().filter(|p| p.name == part).flat_map(|p| &p.values);
        values.find(|(n, _)| *n == leaf).map(|(_, text)| PayloadText::from(text.as_str()))
    }
}

/// Seals originals; `None` where there are none.
///
/// # Errors
/// [`SealError`], which is counted.
pub(super) fn seal(
    keys: &SealKeys,
    entry: &Entry,
    originals: Originals,
) -> Result<Option<Vec<u8>>, SealError> {
    if originals.0.is_empty() {
        return Ok(None);
    }
    let json = serde_json::to_vec(&originals).map_err(|_| SealError::Cipher);
    let sealed = json
        .and_then(|json| zstd::bulk::compress(&json, ZSTD_LEVEL).map_err(|_| SealError::Cipher))
        .and_then(|packed| of(entry, |of| keys.seal(of, packed)));
    match &sealed {
        Ok(_) => drop(keys.sealed.fetch_add(1, Relaxed)),
        Err(error) => keys.count_failed(error),
    }
    sealed.map(Some)
}

fn of<T>(entry: &Entry, f: impl FnOnce(SealOf<'_>) -> T) -> T {
    let day = crate::clock::day(entry.started_ms);
    f(SealOf { environment: &entry.environment, day: &day, record: &entry.id })
}

/// Of one record, before compression: bodies have a limit far below.
const ORIGINAL_BYTES_MAX: usize = 1 << 30;
const ZSTD_LEVEL: i32 = 3;
