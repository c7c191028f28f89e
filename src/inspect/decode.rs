//! Decode: what carriers hold, within a budget. Content encodings (gzip, deflate, br, zstd, stacked), base64 and hex.

use super::finding::UninspectedReason;
use super::{RuleSet, text};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;
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

impl Budget {
    /// The same, with no more than so many decoded bytes.
    #[must_use]
    pub fn at_most(self, decoded_bytes_max: usize) -> Self {
        Self { decoded_bytes_max: self.decoded_bytes_max.min(decoded_bytes_max), ..self }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { decoded_bytes_max: 64 << 20, carrier_depth_max: 4, inflate_ratio_max: 200 }
    }
}

/// Undoes a body's content encodings, last first (RFC 9110, section 8.4), and a gzip or zstd stream that nothing
/// declared: whole or not at all. What it takes is taken from `left`.
///
/// # Errors
/// [`UninspectedReason::Encoding`] for one that isn't known, [`UninspectedReason::TooDeep`] for a stack over
/// [`ENCODINGS_MAX`], [`UninspectedReason::BrokenEncoding`] for a stream that is broken, cut, or has surplus bytes,
/// [`UninspectedReason::Bomb`] over the ratio or the budget.
pub fn content<'b>(
    encodings: &str,
    body: &'b [u8],
    budget: &Budget,
    left: &mut usize,
) -> Result<Cow<'b, [u8]>, UninspectedReason> {
    let declared: Vec<Coding> = encodings
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("identity"))
        .map(|word| Coding::of(word).ok_or(UninspectedReason::Encoding))
        .collect::<Result<_, _>>()?;
    let mut declared = declared.into_iter().rev();
    let mut bytes = Cow::Borrowed(body);
    for _ in 0..=ENCODINGS_MAX {
        let told = declared.next();
        let Some(coding) = told.or_else(|| Coding::sniff(&bytes)) else { return Ok(bytes) };
        let plain = match coding.undo(&bytes, budget, *left) {
            // Two bytes alone tell of zlib: a text may begin so.
            Err(UninspectedReason::BrokenEncoding) if told.is_none() && coding == Coding::Deflate => {
                return Ok(bytes);
            }
            plain => plain?,
        };
        *left = left.saturating_sub(plain.len());
        bytes = Cow::Owned(plain);
    }
    Err(UninspectedReason::TooDeep)
}

/// Whether a body begins as a coded one that nothing declared.
#[must_use]
pub fn seems_coded(body: &[u8]) -> bool {
    Coding::sniff(body).is_some()
}

/// One content encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn of(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Brotli,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }

    fn sniff(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(&[0x1F, 0x8B, 8]) {
            Some(Self::Gzip)
        } else if bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
            Some(Self::Zstd)
        } else if matches!(bytes, [0x78, 0x01 | 0x5E | 0x9C | 0xDA, ..]) {
            Some(Self::Deflate)
        } else {
            None
        }
    }

    fn undo(self, bytes: &[u8], budget: &Budget, left: usize) -> Result<Vec<u8>, UninspectedReason> {
        use flate2::read::{DeflateDecoder, ZlibDecoder};
        let limit = left.min(bytes.len().saturating_mul(budget.inflate_ratio_max).max(1 << 20));
        match self {
            Self::Gzip => gunzip(bytes, limit),
            // The name says zlib (RFC 1950); there are senders that mean the bare stream.
            Self::Deflate => {
                let mut zlib = ZlibDecoder::new(bytes);
                match whole(&mut zlib, bytes.len(), limit) {
                    Err(UninspectedReason::BrokenEncoding) => {
                        let mut bare = DeflateDecoder::new(bytes);
                        let plain = whole(&mut bare, bytes.len(), limit)?;
                        all_read(bare.total_in(), bytes).map(|()| plain)
                    }
                    plain => all_read(zlib.total_in(), bytes).and(plain),
                }
            }
            Self::Brotli => unbrotli(bytes, limit),
            Self::Zstd => {
                no_frame_is_skipped(bytes)?;
                let mut reader = zstd::stream::read::Decoder::with_buffer(bytes)
                    .map_err(|_| UninspectedReason::BrokenEncoding)?;
                reader.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| UninspectedReason::BrokenEncoding)?;
                whole(reader, bytes.len(), limit)
            }
        }
    }
}

/// Reads to the end. A body of no bytes is no stream of any coding.
fn whole(reader: impl Read, packed: usize, limit: usize) -> Result<Vec<u8>, UninspectedReason> {
    let mut out = Vec::with_capacity(packed.saturating_mul(4).min(limit));
    match reader.take(limit as u64 + 1).read_to_end(&mut out) {
        Ok(_) if out.len() > limit => Err(UninspectedReason::Bomb),
        Ok(_) if packed > 0 => Ok(out),
        _ => Err(UninspectedReason::BrokenEncoding),
    }
}

/// Member by member, so that what their headers say besides is seen: a comment, or a file name that is no name of a file,
/// would be passed on unread.
fn gunzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UninspectedReason> {
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(4).min(limit));
    let mut rest = bytes;
    loop {
        let mut member = flate2::bufread::GzDecoder::new(rest);
        let room = limit - out.len();
        let read = (&mut member).take(room as u64 + 1).read_to_end(&mut out);
        if out.len() > limit {
            return Err(UninspectedReason::Bomb);
        }
        let header = read.ok().and(member.header()).ok_or(UninspectedReason::BrokenEncoding)?;
        let has_more = header.comment().is_some()
            || header.extra().is_some_and(|extra| extra.len() > GZIP_EXTRA_BYTES_MAX)
            || header.filename().is_some_and(|name| !is_file_name(name));
        if has_more {
            return Err(UninspectedReason::BrokenEncoding);
        }
        rest = member.into_inner();
        if rest.is_empty() {
            return Ok(out);
        }
    }
}

/// Whether a name that a header says (RFC 1952: Latin-1) is one that programs give to files, or any in which nothing is found.
fn is_file_name(name: &[u8]) -> bool {
    let dashes = name
        .windows(4)
        .filter(|four| matches!(four, [b'-', a, b, b'-'] if a.is_ascii_digit() && b.is_ascii_digit()));
    let ssn = dashes.count() > 0 && name.iter().filter(|b| b.is_ascii_digit()).count() == 9;
    let is_programs =
        || name.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/'));
    let says_nothing = || {
        let name: String = name.iter().map(|b| char::from(*b)).collect();
        !name.contains(char::is_control) && text::scan(&name, "", RuleSet::built_in()).is_empty()
    };
    name.len() <= FILE_NAME_BYTES_MAX && !ssn && (is_programs() || says_nothing())
}

/// Frames that readers skip (RFC 8878, section 3.1.2) may hold anything.
fn no_frame_is_skipped(bytes: &[u8]) -> Result<(), UninspectedReason> {
    let mut rest = bytes;
    while !rest.is_empty() {
        if matches!(rest, [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..]) {
            return Err(UninspectedReason::BrokenEncoding);
        }
        let frame = zstd::zstd_safe::find_frame_compressed_size(rest)
            .map_err(|_| UninspectedReason::BrokenEncoding)?;
        rest = rest.get(frame.max(1)..).unwrap_or_default();
    }
    Ok(())
}

/// Whether bytes are a whole zlib stream, or inflate to more than is tried.
#[must_use]
pub fn is_zlib(bytes: &[u8]) -> bool {
    let mut zlib = flate2::read::ZlibDecoder::new(bytes);
    match whole(&mut zlib, bytes.len(), ZLIB_TRIED_BYTES_MAX) {
        Ok(_) => zlib.total_in() == bytes.len() as u64,
        // What inflates to so much is one: who undoes it tells of bombs.
        Err(reason) => reason == UninspectedReason::Bomb,
    }
}

/// Undoes deflate of bytes that nothing tells it of (RFC 1951): SAML's requests, CDA's `DF`. `None` where it is none to the
/// last byte.
#[must_use]
pub fn bare_deflate(bytes: &[u8], budget: &Budget, left: &mut usize) -> Option<Vec<u8>> {
    let limit = (*left).min(bytes.len().saturating_mul(budget.inflate_ratio_max).max(1 << 20));
    let mut bare = flate2::read::DeflateDecoder::new(bytes);
    let plain = whole(&mut bare, bytes.len(), limit);
    // Also what came of trying is charged.
    *left = left.saturating_sub(usize::try_from(bare.total_out()).unwrap_or(usize::MAX));
    let plain = plain.ok().filter(|plain| !plain.is_empty())?;
    all_read(bare.total_in(), bytes).ok()?;
    Some(plain)
}

/// Whether bytes that nothing tells of hold a text, packed by deflate without a header or brotli: neither begins with a mark.
/// They do where they are such a stream to the last byte, and what it holds is written.
#[must_use]
pub fn is_packed_text(bytes: &[u8]) -> bool {
    let mut left = bytes.len().saturating_mul(PACKED_TEXT_RATIO_MAX);
    let mut bare = flate2::read::DeflateDecoder::new(bytes);
    let inflated = whole(&mut bare, bytes.len(), left);
    inflated.is_ok_and(|text| is_written(&text) && all_read(bare.total_in(), bytes).is_ok())
        || bare_brotli(bytes, &mut left).is_some()
}

/// Undoes brotli of bytes that nothing tells it of. `None` where it is none to the last byte, or what it holds isn't written.
#[must_use]
pub fn bare_brotli(bytes: &[u8], left: &mut usize) -> Option<Vec<u8>> {
    let limit = (*left).min(bytes.len().saturating_mul(PACKED_TEXT_RATIO_MAX));
    let text = unbrotli(bytes, limit).ok().filter(|text| is_written(text))?;
    *left = left.saturating_sub(text.len());
    Some(text)
}

fn is_written(text: &[u8]) -> bool {
    let is_control = |c: char| c.is_control() && !c.is_ascii_whitespace();
    text.len() >= PACKED_TEXT_BYTES_MIN
        && std::str::from_utf8(text).is_ok_and(|text| !text.contains(is_control))
}

/// By the stream interface, since the reader of this crate passes over bytes behind the end.
fn unbrotli(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UninspectedReason> {
    use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new(alloc(), alloc(), alloc());
    let (mut left, mut at) = (bytes.len(), 0);
    let (mut out, mut piece) = (Vec::new(), vec![0; BROTLI_PIECE_BYTES.min(limit.saturating_add(1))]);
    loop {
        let (mut room, mut made, mut total) = (piece.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut left, &mut at, bytes, &mut room, &mut made, &mut piece, &mut total, &mut state,
        );
        out.extend_from_slice(piece.get(..made).unwrap_or_default());
        match result {
            _ if out.len() > limit => return Err(UninspectedReason::Bomb),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::ResultSuccess => return all_read(at as u64, bytes).map(|()| out),
            // It is all here: what needs more was cut.
            BrotliResult::NeedsMoreInput | BrotliResult::ResultFailure => {
                return Err(UninspectedReason::BrokenEncoding);
            }
        }
    }
}

/// Bytes behind a stream's end would be passed on unread.
fn all_read(read: u64, bytes: &[u8]) -> Result<(), UninspectedReason> {
    if read == bytes.len() as u64 { Ok(()) } else { Err(UninspectedReason::BrokenEncoding) }
}

/// Reads UTF-16 with a byte order mark, or without one where every other byte of its beginning is zero, and UTF-32 where
/// three of four are; `None` where it is another text.
///
/// # Errors
/// [`UninspectedReason::Charset`] where it breaks off, or has half a surrogate pair or what is no character.
#[must_use]
pub fn wide(bytes: &[u8]) -> Option<Result<String, UninspectedReason>> {
    let head = bytes.get(..bytes.len().min(UTF16_HEAD_BYTES)).unwrap_or_default();
    let is_of = |zeros: [bool; 4]| {
        let fits = |four: &[u8]| four.iter().zip(zeros).all(|(byte, zero)| (*byte == 0) == zero);
        head.len() >= 8 && head.chunks_exact(4).skip(1).all(fits)
    };
    for (zeros, read) in [
        ([false, true, true, true], u32::from_le_bytes as fn([u8; 4]) -> u32),
        ([true, true, true, false], u32::from_be_bytes),
    ] {
        if is_of(zeros) {
            let (fours, odd) = bytes.as_chunks::<4>();
            let text: Option<String> = fours.iter().map(|four| char::from_u32(read(*four))).collect();
            let text = text.map(|text| text.trim_start_matches('\u{feff}').to_owned());
            return Some(text.filter(|_| odd.is_empty()).ok_or(UninspectedReason::Charset));
        }
    }
    let zeros = |odd: usize| head.len() >= 4 && head.chunks_exact(2).all(|pair| pair.get(odd) == Some(&0));
    let (rest, is_little) = match bytes {
        [0xFF, 0xFE, rest @ ..] => (rest, true),
        [0xFE, 0xFF, rest @ ..] => (rest, false),
        _ if zeros(1) && !zeros(0) => (bytes, true),
        _ if zeros(0) && !zeros(1) => (bytes, false),
        _ => return None,
    };
    let read = if is_little { u16::from_le_bytes } else { u16::from_be_bytes };
    let (pairs, odd) = rest.as_chunks::<2>();
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| read(*pair))).collect();
    Some(text.ok().filter(|_| odd.is_empty()).ok_or(UninspectedReason::Charset))
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

/// Decodes hex digits, blanks passed over. `None` where it is none.
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

/// Undoes quoted-printable (RFC 2045, section 6.7). What is no escape stays as it is.
#[must_use]
pub fn quoted_printable(bytes: &[u8]) -> Vec<u8> {
    let digit = |at: usize| {
        bytes.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok())
    };
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(b) = bytes.get(at) {
        at += match (b, digit(at + 1), digit(at + 2)) {
            (b'=', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                3
            }
            // The line goes on: blanks may stand in front of its end.
            (b'=', ..) => {
                let rest = bytes.get(at + 1..).unwrap_or_default();
                let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                match rest.get(blanks..).unwrap_or_default() {
                    [b'\r', b'\n', ..] => blanks + 3,
                    [b'\n' | b'\r', ..] => blanks + 2,
                    _ => {
                        out.push(b'=');
                        1
                    }
                }
            }
            (b, ..) => {
                out.push(*b);
                1
            }
        };
    }
    out
}

/// Undoes percent-encoding; `plus` as blank where forms are read. Broken escapes stay as they are.
#[must_use]
pub fn percent(text: &str, plus: bool) -> String {
    let out = percent_bytes(text, plus);
    String::from_utf8(out).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned())
}

/// Whether escapes hold a character in more bytes than it takes (`%C0%AE` for a dot), which lenient readers take for that
/// character (RFC 3629, section 10). Other character sets have no such pairs in words.
#[must_use]
pub fn is_overlong(text: &str) -> bool {
    let is_next = |b: u8| matches!(b, 0x80..=0xbf);
    text.contains('%')
        && percent_bytes(text, false).windows(2).any(|pair| match *pair {
            [0xc0 | 0xc1, next] => is_next(next),
            [0xe0, next] => matches!(next, 0x80..=0x9f),
            [0xf0, next] => matches!(next, 0x80..=0x8f),
            _ => false,
        })
}

fn percent_bytes(text: &str, plus: bool) -> Vec<u8> {
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
    out
}

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Content encodings in one another.
pub const ENCODINGS_MAX: usize = 4;
/// How much of a text without a mark is looked at.
const UTF16_HEAD_BYTES: usize = 64;
const BROTLI_PIECE_BYTES: usize = 16 << 10;
/// 8 MiB, the most that a sender may ask for (RFC 9659).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// Of a gzip member: room for what tools that index their files put there.
const GZIP_EXTRA_BYTES_MAX: usize = 16;
/// A longer name says more than a file is called.
const FILE_NAME_BYTES_MAX: usize = 120;
/// What a stream in a text inflates to at most while it is asked whether it is one.
const ZLIB_TRIED_BYTES_MAX: usize = 64 << 10;
/// Texts of messages are packed to a fifth, or a little less: what is tried costs no more.
const PACKED_TEXT_RATIO_MAX: usize = 16;
/// By chance a few bytes are such a stream.
const PACKED_TEXT_BYTES_MIN: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        out.write_all(bytes).expect("memory");
        out.finish().expect("memory")
    }

    fn undo(encodings: &str, body: &[u8]) -> Result<Vec<u8>, UninspectedReason> {
        content(encodings, body, &Budget::default(), &mut (64 << 20)).map(Cow::into_owned)
    }

    /// `PID|1|412-21-3456`, made by the brotli command.
    const BROTLI: &[u8] = &[
        0x0b, 0x08, 0x80, 0x50, 0x49, 0x44, 0x7c, 0x31, 0x7c, 0x34, 0x31, 0x32, 0x2d, 0x32, 0x31, 0x2d, 0x33,
        0x34, 0x35, 0x36, 0x03,
    ];

    #[test]
    fn each_coding_is_read_whole_or_not_at_all() {
        let text: &[u8] = b"PID|1|412-21-3456";
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(text).expect("memory");
        let mut bare = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        bare.write_all(text).expect("memory");
        let zstd = zstd::stream::encode_all(text, 3).expect("memory");
        let packed = [
            ("gzip", gzip(text)),
            ("X-GZIP", gzip(text)),
            ("", gzip(text)),
            ("deflate", zlib.finish().expect("memory")),
            ("deflate", bare.finish().expect("memory")),
            ("br", BROTLI.to_vec()),
            ("zstd", zstd.clone()),
            ("identity", zstd),
        ];
        for (word, bytes) in packed {
            assert_eq!(undo(word, &bytes).as_deref(), Ok(text), "{word}");
            for cut in 1..bytes.len() {
                let found = undo(word, &bytes[..cut]);
                let unread = found == Err(UninspectedReason::BrokenEncoding);
                // Nothing says that a few first bytes are a stream.
                assert!(unread || (matches!(word, "" | "identity") && cut < 4), "{word} cut at {cut}");
            }
            if !matches!(word, "" | "identity") {
                let surplus = [bytes.as_slice(), b" SSN 412-21-3456"].concat();
                assert_eq!(undo(word, &surplus), Err(UninspectedReason::BrokenEncoding), "{word} and more");
                assert_eq!(undo(word, text), Err(UninspectedReason::BrokenEncoding), "{word}: plain");
                assert_eq!(undo(word, b""), Err(UninspectedReason::BrokenEncoding), "{word}: nothing");
            }
        }
        assert_eq!(undo("compress", b"x"), Err(UninspectedReason::Encoding));
    }

    #[test]
    fn what_stands_beside_a_stream_is_not_passed_over() {
        let with = |builder: flate2::GzBuilder| {
            let mut out = builder.write(Vec::new(), flate2::Compression::default());
            out.write_all(b"ok").expect("memory");
            out.finish().expect("memory")
        };
        let new = flate2::GzBuilder::new;
        for packed in [
            with(new().comment("Ann Roe, SSN 412-21-3456")),
            with(new().filename("Ann Roe 06-22-1962.txt")),
            with(new().filename("412-21-3456.txt")),
            with(new().filename("SSN 412 21 3456.txt")),
            with(new().extra(b"SSN 412-21-3456, 06/22/1962".to_vec())),
            [gzip(b"a"), with(new().comment("x"))].concat(),
        ] {
            assert_eq!(undo("gzip", &packed), Err(UninspectedReason::BrokenEncoding));
        }
        for packed in [
            with(new().filename("adt_20250102-1.hl7")),
            with(new().filename("test data (2).json")),
            with(new().filename(*b"r\xE9sultat@2025.json")),
            with(new().extra(vec![1; 6])),
        ] {
            assert_eq!(undo("gzip", &packed).as_deref(), Ok(b"ok".as_slice()));
        }
        assert_eq!(undo("gzip", &[gzip(b"a"), gzip(b"b")].concat()).as_deref(), Ok(b"ab".as_slice()));
        let zstd = zstd::stream::encode_all(b"ok".as_slice(), 3).expect("memory");
        let skipped = [&[0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0], b"Roe".as_slice()].concat();
        assert_eq!(undo("zstd", &[zstd.clone(), zstd.clone()].concat()).as_deref(), Ok(b"okok".as_slice()));
        for packed in [[skipped.clone(), zstd.clone()].concat(), [zstd, skipped].concat()] {
            assert_eq!(undo("zstd", &packed), Err(UninspectedReason::BrokenEncoding));
        }
    }

    #[test]
    fn a_text_that_is_packed_without_a_mark_is_known_by_what_it_holds() {
        use flate2::{Compression, write::DeflateEncoder};
        let text = b"{\"family\": \"Okafor\", \"birthDate\": \"1962-06-22\", \"ssn\": \"412-21-3456\"}";
        let deflated = |bytes: &[u8]| {
            let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
            deflate.write_all(bytes).expect("memory");
            deflate.finish().expect("memory")
        };
        assert!(is_packed_text(&deflated(text)));
        assert!(
            !is_packed_text(&[&deflated(text)[..], b"x"].concat()) && !is_packed_text(&deflated(&[7; 100]))
        );
        let brotli = base64("CyKAeyJmYW1pbHkiOiAiT2thZm9yIiwgImJpcnRoRGF0ZSI6ICIxOTYyLTA2LTIyIiwgInNzbiI6ICI0MTItMjEtMzQ1NiJ9Aw==").expect("base64"); // made by the brotli command
        let mut left = 1000;
        assert!(is_packed_text(&brotli));
        assert_eq!(bare_brotli(&brotli, &mut left).as_deref(), Some(&text[..]));
        assert_eq!((left, bare_brotli(&brotli, &mut 10)), (1000 - text.len(), None), "it is charged");
        // Neither digests nor keys are such.
        let mut state = 3_u64;
        for length in (48..400).step_by(4) {
            let random = std::iter::repeat_with(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            });
            assert!(!is_packed_text(&random.take(length).collect::<Vec<u8>>()), "{length}");
        }
    }

    #[test]
    fn zlib_and_bare_deflate_are_read_where_nothing_tells_of_them() {
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        zlib.write_all(b"SSN 412-21-3456").expect("memory");
        let zlib = zlib.finish().expect("memory");
        assert_eq!(undo("", &zlib).as_deref(), Ok(b"SSN 412-21-3456".as_slice()));
        assert!(is_zlib(&zlib) && !is_zlib(&zlib[..zlib.len() - 1]));
        let mut bomb = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        bomb.write_all(&vec![0; 64 << 20]).expect("memory");
        assert!(is_zlib(&bomb.finish().expect("memory")), "who undoes it tells of bombs");
        let bare = &zlib[2..zlib.len() - 4];
        let plain = bare_deflate(bare, &Budget::default(), &mut 1000);
        assert_eq!(plain.as_deref(), Some(b"SSN 412-21-3456".as_slice()));
        assert_eq!(bare_deflate(&[bare, b"x"].concat(), &Budget::default(), &mut 1000), None);
        assert_eq!(undo("", b"x^2 + y").as_deref(), Ok(b"x^2 + y".as_slice()));
    }

    #[test]
    fn stacked_codings_are_undone_last_first_and_to_a_depth() {
        let zstd = |bytes: &[u8]| zstd::stream::encode_all(bytes, 3).expect("memory");
        assert_eq!(undo("gzip, zstd", &zstd(&gzip(b"a"))).as_deref(), Ok(b"a".as_slice()));
        assert_eq!(undo("zstd", &zstd(&gzip(b"a"))).as_deref(), Ok(b"a".as_slice()), "one isn't declared");
        let mut deep = b"a".to_vec();
        for _ in 0..=ENCODINGS_MAX {
            deep = gzip(&deep);
        }
        assert_eq!(undo("", &deep), Err(UninspectedReason::TooDeep));
    }

    #[test]
    fn a_bomb_is_refused_by_ratio_and_by_budget() {
        let zeros = vec![0; 8 << 20];
        assert_eq!(undo("gzip", &gzip(&zeros)), Err(UninspectedReason::Bomb));
        assert_eq!(
            undo("zstd", &zstd::stream::encode_all(&*zeros, 3).expect("memory")),
            Err(UninspectedReason::Bomb)
        );
        let packed = gzip(&[7; 4096]);
        let found = content("gzip", &packed, &Budget::default(), &mut 100);
        assert_eq!(found, Err(UninspectedReason::Bomb));
    }

    #[test]
    fn a_zstd_frame_that_wants_more_memory_than_a_sender_may_ask_for_is_not_read() {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).expect("encoder");
        encoder.window_log(27).expect("set");
        encoder.write_all(&[1; 100]).expect("memory");
        let packed = encoder.finish().expect("memory");
        assert_eq!(undo("zstd", &packed), Err(UninspectedReason::BrokenEncoding));
    }

    #[test]
    fn utf16_is_read_in_both_orders_with_and_without_its_mark() {
        let units =
            |read: fn(u16) -> [u8; 2], text: &str| text.encode_utf16().flat_map(read).collect::<Vec<u8>>();
        for text in ["\u{FEFF}Caf\u{e9} \u{1F600}", "{\"a\":1}"] {
            let plain = text.trim_start_matches('\u{FEFF}').to_owned();
            assert_eq!(wide(&units(u16::to_le_bytes, text)), Some(Ok(plain.clone())));
            assert_eq!(wide(&units(u16::to_be_bytes, text)), Some(Ok(plain)));
        }
        for text in ["PID|1|412-21-3456", "\u{feff}name Ødegård"] {
            let plain = text.trim_start_matches('\u{feff}').to_owned();
            let little: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
            let big: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
            assert_eq!(wide(&little), Some(Ok(plain.clone())), "{text}");
            assert_eq!(wide(&big), Some(Ok(plain)), "{text}");
            assert_eq!(wide(&little[..little.len() - 1]), Some(Err(UninspectedReason::Charset)), "{text}");
        }
        assert_eq!(wide(b"\xFF\xFEa\0b"), Some(Err(UninspectedReason::Charset)));
        assert_eq!(wide(b"\xFF\xFE\x00\xD8"), Some(Err(UninspectedReason::Charset)));
        for other in [b"abcd".as_slice(), b"", b"\0\0\0\0", b"a\0", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"] {
            assert_eq!(wide(other), None);
        }
    }

    #[test]
    fn carriers_decode() {
        assert_eq!(base64("SGVs\nbG8").as_deref(), Some(b"Hello".as_slice()));
        assert_eq!(base64("no base64!"), None);
        assert_eq!(hex("48 65").as_deref(), Some(b"He".as_slice()));
        assert_eq!(hex("48:65"), None);
        assert_eq!(percent("a%20b+c%zz", true), "a b c%zz");
        assert_eq!(quoted_printable(b"M=C3=BCller=\r\n 1=2 = x"), "M\u{fc}ller 1=2 = x".as_bytes());
    }
}
