//! Character sets that a message declares: whether what is read is what the receiver will read.
//!
//! Walkers read UTF-8, and Latin-1 where a text isn't UTF-8. A set whose bytes below 128 are ASCII's loses nothing by that
//! as long as no others occur. UTF-7, ISO-2022-JP and EBCDIC say other letters with the same bytes: a name in them is one that no
//! walker sees, and so the body counts as unread, whatever was found in it.

use super::parts::parameters;

/// What is known of a character set by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8, ASCII in it.
    Utf8,
    /// Latin-1, read as windows-1252, as every browser and most receivers do.
    Latin1,
    /// Any whose first 128 characters are ASCII's.
    OtherAscii,
    /// Bytes that could mean something else than ASCII.
    Unknown,
}

impl Charset {
    /// By its name or a usual alias, in any case ([WHATWG Encoding](https://encoding.spec.whatwg.org/#names-and-labels),
    /// without the ones that shift).
    #[must_use]
    pub fn of(name: &str) -> Self {
        // Programs write `latin-1`, `ISO8859_1`, `utf_8` and `x-sjis`.
        let mut name = name.trim().to_ascii_lowercase();
        name.retain(|c| c.is_ascii_alphanumeric());
        let name = name.strip_prefix("cs").or_else(|| name.strip_prefix('x')).unwrap_or(&name);
        match name {
            // UTF-16 said by bytes that show otherwise: common where a text was made in memory and sent as UTF-8.
            "" | "utf8" | "utf8mb4" | "unicode11utf8" | "usascii" | "ascii" | "ansix341968" | "iso646us"
            | "utf16" | "utf16le" | "utf16be" => Self::Utf8,
            "iso88591" | "isolatin1" | "latin1" | "l1" | "windows1252" | "cp1252" => Self::Latin1,
            // Whatever its bytes are: read as far as they are UTF-8.
            "binary" | "8bit" => Self::OtherAscii,
            "koi8r" | "koi8u" | "macintosh" | "macroman" | "eucjp" | "euckr" | "euccn" | "gbk" | "gb2312"
            | "gb18030" | "cp936" | "ms936" | "big5" | "big5hkscs" | "shiftjis" | "sjis" | "mssjis"
            | "windows874" | "windows31j" | "cp932" | "ms932" | "cp949" | "tis620" | "viscii" => {
                Self::OtherAscii
            }
            other => {
                let is_one = |(begin, numbers): &(&str, std::ops::RangeInclusive<u16>)| {
                    let number = other.strip_prefix(begin).and_then(|number| number.parse().ok());
                    number.is_some_and(|number: u16| numbers.contains(&number))
                };
                if FAMILIES.iter().any(is_one) { Self::OtherAscii } else { Self::Unknown }
            }
        }
    }
}

/// Sets of a family, by their numbers: each is ASCII up to 127.
const FAMILIES: &[(&str, std::ops::RangeInclusive<u16>)] = &[
    ("iso8859", 2..=16),
    ("isolatin", 2..=9),
    ("latin", 2..=10),
    ("windows", 1250..=1258),
    ("cp", 1250..=1258),
];

/// Whether a body of this `Content-Type` is read as its receiver reads it.
#[must_use]
pub fn reads(content_type: &str, body: &[u8]) -> bool {
    // Most types have no parameter, and most that have one say UTF-8.
    let mut first: Option<String> = None;
    for (name, value) in parameters(content_type) {
        match &first {
            _ if name.eq_ignore_ascii_case("charset*") => return false,
            _ if !name.eq_ignore_ascii_case("charset") => {}
            None => first = Some(value),
            // Of two that differ one receiver takes the first, and another the last.
            Some(first) if !value.eq_ignore_ascii_case(first) => return false,
            Some(_) => {}
        }
    }
    let Some(first) = first else { return true };
    // The bytes of a form show nothing: `%00`.
    if is_utf16(&first) && memchr::memmem::find(body, b"%00").is_some() {
        return false;
    }
    match Charset::of(&first) {
        Charset::Utf8 | Charset::Latin1 => true,
        // Many bytes in a row that are UTF-8 by chance don't occur: the type is what lies.
        Charset::OtherAscii => std::str::from_utf8(body).is_ok(),
        Charset::Unknown => false,
    }
}

fn is_utf16(charset: &str) -> bool {
    let letters = charset.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase());
    letters.take(5).eq(*b"utf16")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_say_other_letters_than_ascii_are_not_read() {
        for charset in ["utf-7", "UTF-7", "iso-2022-jp", "hz-gb-2312", "ibm037", "cp500", "x-user-defined"] {
            assert!(!reads(&format!("text/plain; charset={charset}"), b"+AFMAUwBO-"), "{charset}");
        }
        for charset in ["", "utf-8", "\"UTF-8\"", "us-ascii", "iso-8859-1", "windows-1252"] {
            assert!(reads(&format!("text/plain; charset={charset}"), b"M\xFCller"), "{charset}");
        }
        for charset in ["latin-1", "ISO8859_1", "utf_8", "us_ascii", "ANSI_X3.4-1968", "windows1252"] {
            assert!(reads(&format!("text/plain; charset={charset}"), b"M\xFCller"), "{charset}");
        }
        assert!(reads("text/plain", b"M\xFCller"));
        assert!(reads("text/plain; format=flowed", b"M\xFCller"));
    }

    #[test]
    fn a_set_beyond_latin_is_read_as_far_as_it_is_ascii() {
        for charset in ["Shift_JIS", "x-sjis", "shift-jis", "iso-8859-15", "latin-2", "cp1250", "binary"] {
            assert!(reads(&format!("text/plain;charset={charset}"), b"hello"), "{charset}");
        }
        assert!(
            !reads("text/plain;charset=cp037", b"hello")
                && !reads("text/plain;charset=iso-8859-17", b"hello")
        );
        assert!(!reads("text/plain;charset=Shift_JIS", b"\x83n\x83\x8D\x81["));
        assert!(reads("text/csv; header=present; charset=iso-8859-2", "M\u{fc}ller".as_bytes()));
    }
}
