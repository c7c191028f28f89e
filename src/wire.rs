//! What HTTP/1.1 is written with, read strictly: classes of bytes, lengths, chunks. Both directions read by it: requests on
//! their way in (`listen`), replies on theirs (`forward`).

use bytes::BytesMut;

/// A body in chunks, followed byte by byte (RFC 9112, section 7.1): extensions and trailers are legal, a bare LF is not.
#[derive(Debug, Default)]
pub(crate) struct Chunked {
    at: At,
    left: u64,
    digits: u8,
    /// Bytes of extensions and of trailers so far.
    extras: usize,
    /// What is legal, and written by nobody who sends to us: blanks behind a size, zeros before it, extensions of many chunks.
    is_lenient: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
    #[default]
    Size,
    /// Blanks behind a size.
    Blank,
    Extension,
    SizeLf,
    Data,
    DataLf,
    LineStart,
    Name,
    Value,
    ValueLf,
    LastLf,
    End,
}

/// How far a body in chunks has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chunks {
    /// More is to come.
    Open,
    /// Its last byte was taken.
    Ended,
    /// The next byte has no place in it.
    Broken,
}

impl Chunked {
    /// One of a reply: upstreams write what is legal in more ways, and nobody is led astray by it, as its bytes are written
    /// anew behind here.
    pub(crate) fn of_reply() -> Self {
        Self { is_lenient: true, ..Self::default() }
    }

    /// Reads on, to its end at most; gives how many bytes it took.
    pub(crate) fn take(&mut self, input: &[u8]) -> (usize, Chunks) {
        let mut taken = 0;
        while let Some(rest) = input.get(taken..)
            && let Some(&first) = rest.first()
        {
            if self.at == At::Data && self.left > 0 {
                let data = (rest.len() as u64).min(self.left);
                self.left -= data;
                taken += usize::try_from(data).unwrap_or(rest.len());
                continue;
            }
            let Some(at) = self.next(first) else { return (taken, Chunks::Broken) };
            self.at = at;
            taken += 1;
            if at == At::End {
                return (taken, Chunks::Ended);
            }
        }
        (taken, Chunks::Open)
    }

    /// Where the byte leads; `None` where it has no place.
    fn next(&mut self, byte: u8) -> Option<At> {
        Some(match (self.at, byte) {
            (At::Size, b'0') if self.is_lenient && self.left == 0 && self.digits > 0 => {
                self.extra(At::Size)?
            }
            (At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.digits < 15 => {
                self.digits += 1;
                self.left = self.left * 16 + u64::from(char::from(byte).to_digit(16)?);
                At::Size
            }
            (At::Size | At::Blank | At::Extension, b'\r') if self.digits > 0 => At::SizeLf,
            (At::Size | At::Blank, b';') if self.digits > 0 => At::Extension,
            (At::Size | At::Blank, b' ' | b'\t') if self.is_lenient && self.digits > 0 => {
                self.extra(At::Blank)?
            }
            (At::Extension, _) if byte.is_ascii() && is_value_byte(byte) => self.extra(At::Extension)?,
            (At::SizeLf, b'\n') if self.left == 0 => At::LineStart,
            (At::SizeLf, b'\n') => At::Data,
            (At::Data, b'\r') => At::DataLf, // all of the chunk is through
            (At::DataLf, b'\n') => {
                self.digits = 0;
                if self.is_lenient {
                    self.extras = 0;
                }
                At::Size
            }
            (At::LineStart, b'\r') => At::LastLf,
            (At::LineStart | At::Name, _) if is_token_byte(byte) => self.extra(At::Name)?,
            (At::Name, b':') => At::Value,
            (At::Value, b'\r') => At::ValueLf,
            (At::Value, _) if is_value_byte(byte) => self.extra(At::Value)?,
            (At::ValueLf, b'\n') => At::LineStart,
            (At::LastLf, b'\n') => At::End,
            _ => return None,
        })
    }

    /// Reads on in all of `bytes`, and leaves in it what is data. Lines of trailers go to `trailers`. What comes behind the
    /// end has no place there.
    pub(crate) fn unwrap(&mut self, bytes: &mut BytesMut, trailers: &mut Vec<u8>) -> Chunks {
        let (mut read, mut kept) = (0, 0);
        let mut chunks = Chunks::Open;
        while let Some(&byte) = bytes.get(read) {
            if chunks == Chunks::Ended {
                return Chunks::Broken;
            }
            if self.at == At::Data && self.left > 0 {
                let rest = bytes.len() - read;
                let data = usize::try_from(self.left).map_or(rest, |left| left.min(rest));
                bytes.copy_within(read..read + data, kept);
                (read, kept) = (read + data, kept + data);
                self.left -= data as u64;
                continue;
            }
            let Some(next) = self.next(byte) else { return Chunks::Broken };
            if matches!(next, At::Name | At::Value | At::ValueLf) || self.at == At::ValueLf {
                trailers.push(byte);
            }
            self.at = next;
            read += 1;
            if next == At::End {
                chunks = Chunks::Ended;
            }
        }
        bytes.truncate(kept);
        chunks
    }

    /// Whether its end was read.
    pub(crate) fn is_ended(&self) -> bool {
        self.at == At::End
    }

    fn extra(&mut self, at: At) -> Option<At> {
        self.extras += 1;
        (self.extras <= EXTRAS_BYTES_MAX).then_some(at)
    }
}

/// Chunk extensions and trailers of one body, or in a reply of one chunk. hyper's own limits are 16 KiB of a body for either.
const EXTRAS_BYTES_MAX: usize = 8 * 1024;

/// The one reading of a length: digits, and no more than a file can have.
pub(crate) fn parse_length(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 19 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = digits.iter().fold(0_u64, |sum, d| sum.wrapping_mul(10).wrapping_add(u64::from(d - b'0')));
    (length <= LENGTH_MAX).then_some(length)
}

/// Whether all bytes are of a class.
pub(crate) fn all(bytes: &[u8], class: u8) -> bool {
    bytes.iter().fold(class, |left, b| left & CLASSES[usize::from(*b)]) == class
}

/// How many bytes at the beginning are of a class.
pub(crate) fn leading(bytes: &[u8], class: u8) -> usize {
    bytes.iter().position(|b| CLASSES[usize::from(*b)] & class == 0).unwrap_or(bytes.len())
}

/// Whether a name of token bytes is `known`, which has small letters and hyphens alone.
pub(crate) fn is_name(name: &[u8], known: &[u8]) -> bool {
    // No token byte but a letter's other case, or the byte itself, becomes one of those.
    name.len() == known.len() && name.iter().zip(known).all(|(byte, known)| byte | 0x20 == *known)
}

fn is_token_byte(b: u8) -> bool {
    CLASSES[usize::from(b)] & TOKEN != 0
}

pub(crate) fn is_value_byte(b: u8) -> bool {
    CLASSES[usize::from(b)] & VALUE != 0
}

/// RFC 9110, section 5.6.2.
pub(crate) const TOKEN: u8 = 1;
/// RFC 9110, section 5.5: no controls but the tab.
pub(crate) const VALUE: u8 = 2;
/// RFC 3986, section 3.3: what `http::Uri` takes.
pub(crate) const PATH: u8 = 4;
/// A query with its question mark.
pub(crate) const QUERY: u8 = 8;
/// What can't be read in two ways in a path: no escape, parameter, backslash or dot.
pub(crate) const PLAIN: u8 = 16;
/// What methods are written in: all that are registered have capitals and hyphens alone.
pub(crate) const METHOD: u8 = 32;

const fn class(is_of: bool, class: u8) -> u8 {
    if is_of { class } else { 0 }
}

/// The classes that each byte is of.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut b = 0_u8;
    loop {
        let is_token = b.is_ascii_alphanumeric()
            || matches!(b, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
        let is_value = b == b'\t' || (b >= b' ' && b != 0x7f);
        let is_target = b.is_ascii_graphic() && !matches!(b, b'#' | b'<' | b'>');
        let is_path = is_target && !matches!(b, b'`' | b'?');
        let is_query = is_target && b != b'"';
        let is_plain = !matches!(b, b'%' | b'\\' | 0 | b';' | b'.');
        classes[b as usize] = class(b.is_ascii_uppercase() || matches!(b, b'-' | b'_'), METHOD)
            | class(is_token, TOKEN)
            | class(is_value, VALUE)
            | class(is_path, PATH)
            | class(is_query, QUERY)
            | class(is_plain, PLAIN);
        if b == u8::MAX {
            break;
        }
        b += 1;
    }
    classes
};

const LENGTH_MAX: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legal_chunks_that_nobody_writes_are_read_in_replies_alone() {
        let zeros = "0".repeat(40);
        let extension = "x".repeat(EXTRAS_BYTES_MAX / 2);
        let many: String = (0..3).map(|_| format!("1;{extension}\r\na\r\n")).collect();
        let read = |mut chunked: Chunked, body: &str| chunked.take(body.as_bytes()).1;
        for body in [
            "3 ;x=y\r\nabc\r\n0\r\n\r\n",
            "3\t \r\nabc\r\n0 \r\n\r\n",
            "1     \r\na\r\n0\r\n\r\n",
            &format!("{zeros}3\r\nabc\r\n{zeros}\r\n\r\n"),
            &format!("{many}0\r\n\r\n"),
        ] {
            assert_eq!(read(Chunked::of_reply(), body), Chunks::Ended, "{body:?}");
            assert_eq!(read(Chunked::default(), body), Chunks::Broken, "{body:?}");
        }
        let flood = "0".repeat(EXTRAS_BYTES_MAX + 2);
        for body in [
            " 3\r\nabc\r\n0\r\n\r\n",
            "3 3\r\nabc\r\n0\r\n\r\n",
            "3 x\r\nabc\r\n0\r\n\r\n",
            "3 \nabc\r\n0\r\n\r\n",
            "1000000000000000\r\n",
            &format!("1;{}", "x".repeat(EXTRAS_BYTES_MAX + 1)),
            &format!("1{}", " ".repeat(EXTRAS_BYTES_MAX + 1)),
            &flood,
        ] {
            assert_eq!(read(Chunked::of_reply(), body), Chunks::Broken, "{body:?}");
        }
    }

    #[test]
    fn a_name_is_known_in_either_case_and_no_other_token_is_it() {
        for known in [&b"content-length"[..], b"host", b"transfer-encoding"] {
            assert!(is_name(known, known) && is_name(&known.to_ascii_uppercase(), known));
            assert!(!is_name(&known[1..], known) && !is_name(b"", known));
            for at in 0..known.len() {
                for byte in (0..=255).filter(|byte| is_token_byte(*byte)) {
                    let mut name = known.to_vec();
                    name[at] = byte;
                    assert_eq!(is_name(&name, known), name.eq_ignore_ascii_case(known), "{byte:#x} at {at}");
                }
            }
        }
    }

    #[test]
    fn chunks_are_unwrapped_however_they_are_cut() {
        let body = b"3;x=y\r\na\r\n\r\nA\r\n0123456789\r\n0\r\nT: v\r\nU:\r\n\r\n";
        for piece in 1..=body.len() {
            let (mut chunked, mut followed) = (Chunked::of_reply(), Chunked::of_reply());
            let (mut data, mut trailers) = (Vec::new(), Vec::new());
            for piece in body.chunks(piece) {
                let mut bytes = BytesMut::from(piece);
                assert_eq!(chunked.unwrap(&mut bytes, &mut trailers), followed.take(piece).1);
                data.extend_from_slice(&bytes);
            }
            assert_eq!(
                (&data[..], &trailers[..]),
                (&b"a\r\n0123456789"[..], &b"T: v\r\nU:\r\n"[..]),
                "{piece}"
            );
            assert_eq!(chunked.at, At::End);
        }
        let unwrap = |body: &[u8]| Chunked::of_reply().unwrap(&mut BytesMut::from(body), &mut Vec::new());
        assert_eq!(unwrap(b"0\r\n\r\n"), Chunks::Ended);
        assert_eq!(unwrap(b"0\r\n\r\nH"), Chunks::Broken, "what comes behind");
        assert_eq!(unwrap(b"1\r\nab"), Chunks::Broken);
    }

    #[test]
    fn the_classes_of_bytes_are_those_of_their_grammars() {
        for byte in 0_u8..=255 {
            let one = [byte];
            assert_eq!(is_token_byte(byte), http::Method::from_bytes(&one).is_ok(), "token {byte:#x}");
            assert_eq!(is_value_byte(byte), http::HeaderValue::from_bytes(&one).is_ok(), "value {byte:#x}");
            // Anywhere among others.
            assert_eq!(all(&[b'a', byte, b'a'], TOKEN), is_token_byte(byte), "{byte:#x}");
        }
        assert!(all(b"", TOKEN));
    }
}
