//! Decode: what carriers hold, within a budget. gzip as a content encoding or inside base64; base64 and hex.

use super::finding::UninspectedReason;
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::io::Read;

/// How much carried data is read.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Decoded bytes of one message, all carriers together. Default 64 MiB.
    pub decoded_bytes_max: usize,
    /// Carriers inside carriers. Default 4.
    pub carrier_depth_max: u8,
    /// Inflated to deflated bytes, once 1 MiB is reached. Default 200.
    pub inflate_ratio_max: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { decoded_bytes_max: 64 << 20, carrier_depth_max: 4, inflate_ratio_max: 200 }
    }
}

/// Inflates one or more gzip members (RFC 1952), whole or not at all.
///
/// # Errors
/// [`UninspectedReason::BrokenEncoding`] for a stream that is broken or cut, [`UninspectedReason::Bomb`] over the
/// ratio or the budget.
pub fn gunzip(bytes: &[u8], budget: &Budget, left: usize) -> Result<Vec<u8>, UninspectedReason> {
    let limit = left.min(bytes.len().saturating_mul(budget.inflate_ratio_max).max(1 << 20));
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(4).min(limit));
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(limit as u64 + 1);
    match reader.read_to_end(&mut out) {
        Ok(_) if out.len() > limit => Err(UninspectedReason::Bomb),
        Ok(_) => Ok(out),
        Err(_) => Err(UninspectedReason::BrokenEncoding),
    }
}

/// Whether bytes begin as gzip does.
#[must_use]
pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B, 8])
}

/// Decodes base64: standard or URL alphabet, with or without padding, blanks and line ends passed over.
/// `None` where it is none.
#[must_use]
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let clean: Vec<u8> = text
        .bytes()
        .filter(|b| !b.is_ascii_whitespace())
        .map(|b| match b {
            b'-' => b'+',
            b'_' => b'/',
            b => b,
        })
        .collect();
    ENGINE.decode(clean).ok()
}

/// Decodes hex digits. `None` where it is none.
#[must_use]
pub fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| !b.is_ascii_whitespace())
        .map(|b| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    digits
        .len()
        .is_multiple_of(2)
        .then(|| digits.chunks(2).map(|c| c.iter().fold(0, |n, d| n << 4 | d)).collect())
}

/// Undoes percent-encoding; `plus` as blank where forms are read. Broken escapes stay as they are.
#[must_use]
pub fn percent(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(b) = bytes.get(i) {
        let nibble = |at: usize| {
            bytes.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok())
        };
        match (b, nibble(i + 1), nibble(i + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                i += 3;
            }
            (b'+', ..) if plus => {
                out.push(b' ');
                i += 1;
            }
            _ => {
                out.push(*b);
                i += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(bytes).expect("memory");
        out.finish().expect("memory")
    }

    #[test]
    fn gzip_is_read_whole_or_not_at_all() {
        let b = Budget::default();
        let packed = gzip(b"PID|1");
        assert_eq!(gunzip(&packed, &b, 1 << 20).as_deref(), Ok(b"PID|1".as_slice()));
        assert_eq!(gunzip(&packed[..packed.len() - 4], &b, 1 << 20), Err(UninspectedReason::BrokenEncoding));
    }

    #[test]
    fn a_bomb_is_refused_by_ratio_and_by_budget() {
        let packed = gzip(&vec![0; 8 << 20]);
        assert_eq!(gunzip(&packed, &Budget::default(), 64 << 20), Err(UninspectedReason::Bomb));
        assert_eq!(gunzip(&gzip(&[7; 4096]), &Budget::default(), 100), Err(UninspectedReason::Bomb));
    }

    #[test]
    fn carriers_decode() {
        assert_eq!(base64("SGVs\nbG8").as_deref(), Some(b"Hello".as_slice()));
        assert_eq!(base64("no base64!"), None);
        assert_eq!(hex("48 65").as_deref(), Some(b"He".as_slice()));
        assert_eq!(percent("a%20b+c%zz", true), "a b c%zz");
    }
}
