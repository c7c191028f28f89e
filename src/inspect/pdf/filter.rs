//! Filters of streams (ISO 32000-1, section 7.4), within what there is room for.

use super::file::File;
use super::object::{Dict, Object, hex_digit, is_blank};
use crate::inspect::finding::UninspectedReason;
use std::borrow::Cow;
use std::io::Read;

/// Undoes the filters of a stream, in order. `limit` is the most that any of them may give.
///
/// # Errors
/// [`UninspectedReason::Encoding`] for a filter that isn't known, [`UninspectedReason::BrokenEncoding`] for a stream that
/// breaks off or goes on behind its end, [`UninspectedReason::Bomb`] over the limit, and what pictures and keys are.
pub(super) fn undone<'b>(
    file: &File<'_>,
    dict: &Dict,
    raw: &'b [u8],
    limit: usize,
) -> Result<Cow<'b, [u8]>, UninspectedReason> {
    let at = |long: &str, short: &str| file.of(dict, long).or_else(|| file.of(dict, short));
    let filters = at("Filter", "F").map(std::slice::from_ref).unwrap_or_default();
    let filters = filters.first().and_then(Object::list).unwrap_or(filters);
    let parameters = at("DecodeParms", "DP").map(std::slice::from_ref).unwrap_or_default();
    let parameters = parameters.first().and_then(Object::list).unwrap_or(parameters);
    if filters.len() > FILTERS_MAX {
        return Err(UninspectedReason::TooDeep);
    }
    let mut bytes = Cow::Borrowed(raw);
    for (number, filter) in filters.iter().enumerate() {
        let name = file.resolved(filter).and_then(Object::name).unwrap_or_default();
        let parameters = parameters.get(number).and_then(|p| file.resolved(p)).and_then(Object::dict);
        let plain = match name {
            b"FlateDecode" | b"Fl" => inflated(&bytes, limit)?,
            b"LZWDecode" | b"LZW" => {
                let early = parameters.and_then(|p| p.get("EarlyChange")).and_then(Object::count) != Some(0);
                lzw(&bytes, early, limit)?
            }
            b"ASCIIHexDecode" | b"AHx" => hex(&bytes)?,
            b"ASCII85Decode" | b"A85" => ascii85(&bytes, limit)?,
            b"RunLengthDecode" | b"RL" => runs(&bytes, limit)?,
            b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode" => {
                return Err(UninspectedReason::Picture);
            }
            b"Crypt" => return Err(UninspectedReason::Encrypted),
            _ => return Err(UninspectedReason::Encoding),
        };
        bytes = Cow::Owned(
            match parameters.filter(|_| matches!(name, b"FlateDecode" | b"Fl" | b"LZWDecode" | b"LZW")) {
                Some(parameters) => predicted(plain, parameters)?,
                None => plain,
            },
        );
    }
    Ok(bytes)
}

/// What a zlib stream holds (RFC 1950). Line ends may stand behind it.
fn inflated(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UninspectedReason> {
    let mut zlib = flate2::bufread::ZlibDecoder::new(bytes);
    let mut out = Vec::with_capacity(bytes.len().saturating_mul(4).min(limit));
    let read = (&mut zlib).take(limit as u64 + 1).read_to_end(&mut out);
    if out.len() > limit {
        return Err(UninspectedReason::Bomb);
    }
    let rest = usize::try_from(zlib.total_in()).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    match read {
        Ok(_) if rest.iter().all(|b| is_blank(*b)) => Ok(out),
        _ => Err(UninspectedReason::BrokenEncoding),
    }
}

/// Codes of 9 to 12 bits (ISO 32000-1, section 7.4.4): each adds one to a table of strings.
fn lzw(bytes: &[u8], early: bool, limit: usize) -> Result<Vec<u8>, UninspectedReason> {
    let broken = || UninspectedReason::BrokenEncoding;
    let mut out: Vec<u8> = Vec::new();
    // Where in `out` each string stands: a string is the one before it and its next byte.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let (mut width, mut held, mut bits, mut last) = (9, 0_u32, 0, None::<(usize, usize)>);
    let mut at = 0;
    loop {
        while bits < width {
            // Without its end mark a stream is whole, too, where no more than a few bits are left.
            let Some(byte) = bytes.get(at) else { return Err(broken()) };
            held = held << 8 | u32::from(*byte);
            bits += 8;
            at += 1;
        }
        bits -= width;
        let code = (held >> bits & ((1 << width) - 1)) as usize;
        held &= (1 << bits) - 1;
        match code {
            256 => {
                table.clear();
                (width, last) = (9, None);
                continue;
            }
            257 => {
                let rest = bytes.get(at..).unwrap_or_default();
                return if rest.iter().all(|b| is_blank(*b)) { Ok(out) } else { Err(broken()) };
            }
            _ => {}
        }
        let from = out.len();
        if code < 256 {
            out.push(code as u8);
        } else {
            let known = table.get(code - 258).copied();
            let (start, length) = match (known, last) {
                (Some(known), _) => known,
                (None, Some((start, length))) if code - 258 == table.len() => (start, length + 1),
                _ => return Err(broken()),
            };
            if out.len() + length > limit {
                return Err(UninspectedReason::Bomb);
            }
            // The string that is being made may reach into itself.
            for n in start..start + length {
                let byte = *out.get(n).ok_or_else(broken)?;
                out.push(byte);
            }
        }
        if out.len() > limit {
            return Err(UninspectedReason::Bomb);
        }
        if let Some((start, length)) = last
            && table.len() < 4096 - 258
        {
            table.push((start, length + 1));
        }
        last = Some((from, out.len() - from));
        let next = table.len() + 258 + usize::from(early) + 1;
        width = match next {
            0..=512 => 9,
            513..=1024 => 10,
            1025..=2048 => 11,
            _ => 12,
        };
    }
}

fn hex(bytes: &[u8]) -> Result<Vec<u8>, UninspectedReason> {
    let mut out = Vec::with_capacity(bytes.len() / 2);
    let mut high = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (hex_digit(*byte), high.take()) {
            (Some(low), Some(high)) => out.push(high << 4 | low),
            (Some(digit), None) => high = Some(digit),
            (None, held) if is_blank(*byte) => high = held,
            (None, held) if *byte == b'>' => {
                out.extend(held.map(|high| high << 4));
                let rest = bytes.get(at + 1..).unwrap_or_default();
                return if rest.iter().all(|b| is_blank(*b)) {
                    Ok(out)
                } else {
                    Err(UninspectedReason::BrokenEncoding)
                };
            }
            _ => return Err(UninspectedReason::BrokenEncoding),
        }
    }
    Err(UninspectedReason::BrokenEncoding)
}

fn ascii85(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UninspectedReason> {
    let bytes = bytes.trim_ascii_start();
    let bytes = bytes.strip_prefix(b"<~").unwrap_or(bytes);
    let mut out = Vec::with_capacity(bytes.len() / 5 * 4);
    let (mut word, mut count) = (0_u64, 0_usize);
    for (at, byte) in bytes.iter().enumerate() {
        if out.len() > limit {
            return Err(UninspectedReason::Bomb);
        }
        match byte {
            b'!'..=b'u' => {
                word = word * 85 + u64::from(byte - b'!');
                count += 1;
                if count == 5 {
                    let word = u32::try_from(std::mem::take(&mut word));
                    out.extend(word.map_err(|_| UninspectedReason::BrokenEncoding)?.to_be_bytes());
                    count = 0;
                }
            }
            b'z' if count == 0 => out.extend([0; 4]),
            b'~' => {
                if count > 0 {
                    let padded = (count..5).fold(word, |word, _| word * 85 + 84);
                    let word = u32::try_from(padded).map_err(|_| UninspectedReason::BrokenEncoding)?;
                    out.extend(word.to_be_bytes().iter().take(count - 1));
                }
                let rest = bytes.get(at + 1..).unwrap_or_default();
                let is_end = rest.iter().all(|b| is_blank(*b) || *b == b'>');
                return if is_end { Ok(out) } else { Err(UninspectedReason::BrokenEncoding) };
            }
            byte if is_blank(*byte) => {}
            _ => break,
        }
    }
    Err(UninspectedReason::BrokenEncoding)
}

fn runs(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UninspectedReason> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(length) = bytes.get(at) {
        if out.len() > limit {
            return Err(UninspectedReason::Bomb);
        }
        match *length {
            128 => {
                let rest = bytes.get(at + 1..).unwrap_or_default();
                let is_end = rest.iter().all(|b| is_blank(*b));
                return if is_end { Ok(out) } else { Err(UninspectedReason::BrokenEncoding) };
            }
            length @ ..128 => {
                let run = bytes.get(at + 1..at + 2 + usize::from(length));
                out.extend_from_slice(run.ok_or(UninspectedReason::BrokenEncoding)?);
                at += 2 + usize::from(length);
            }
            length => {
                let byte = *bytes.get(at + 1).ok_or(UninspectedReason::BrokenEncoding)?;
                out.resize(out.len() + 257 - usize::from(length), byte);
                at += 2;
            }
        }
    }
    // Some writers leave the end mark out.
    Ok(out)
}

/// Undoes what was done to a picture's rows, and to tables of objects, before they were packed (section 7.4.4.4).
fn predicted(bytes: Vec<u8>, parameters: &Dict) -> Result<Vec<u8>, UninspectedReason> {
    let of = |key: &str, or: usize| parameters.get(key).and_then(Object::count).unwrap_or(or);
    let (colors, bits, columns) = (of("Colors", 1), of("BitsPerComponent", 8), of("Columns", 1));
    let predictor = of("Predictor", 1);
    if predictor < 2 {
        return Ok(bytes);
    }
    if colors > 64 || bits > 16 || columns > 1 << 24 {
        return Err(UninspectedReason::Encoding);
    }
    let pixel = (colors * bits).div_ceil(8).max(1);
    let row = (colors * bits * columns).div_ceil(8).max(1);
    if predictor == 2 {
        if bits != 8 {
            return Err(UninspectedReason::Encoding);
        }
        let mut out = bytes;
        for line in out.chunks_mut(row) {
            for at in pixel..line.len() {
                let left = line.get(at - pixel).copied().unwrap_or_default();
                if let Some(byte) = line.get_mut(at) {
                    *byte = byte.wrapping_add(left);
                }
            }
        }
        return Ok(out);
    }
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.chunks(row + 1) {
        let Some((kind, line)) = line.split_first() else { break };
        let from = out.len();
        for (at, byte) in line.iter().enumerate() {
            let own = |back: usize| out.get(back).copied().unwrap_or_default();
            let left = if at >= pixel { own(from + at - pixel) } else { 0 };
            let above = if from >= row { own(from - row + at) } else { 0 };
            let corner = if from >= row && at >= pixel { own(from - row + at - pixel) } else { 0 };
            let guess = match kind {
                0 => 0,
                1 => left,
                2 => above,
                3 => ((u16::from(left) + u16::from(above)) / 2) as u8,
                4 => paeth(left, above, corner),
                _ => return Err(UninspectedReason::BrokenEncoding),
            };
            out.push(byte.wrapping_add(guess));
        }
    }
    Ok(out)
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let guess = a + b - c;
    let (to_a, to_b, to_c) = ((guess - a).abs(), (guess - b).abs(), (guess - c).abs());
    if to_a <= to_b && to_a <= to_c {
        left
    } else if to_b <= to_c {
        above
    } else {
        corner
    }
}

/// Filters of one stream.
const FILTERS_MAX: usize = 6;
