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
        let name = name.trim().to_ascii_lowercase();
        match name.as_str() {
            // UTF-16 said by bytes that show otherwise: common where a text was made in memory and sent as UTF-8.
            "" | "utf-8" | "utf8" | "unicode-1-1-utf-8" | "us-ascii" | "ascii" | "utf-16" | "utf-16le"
            | "utf-16be" => Self::Utf8,
            "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "l1" | "windows-1252" | "cp1252" => {
                Self::Latin1
            }
            "koi8-r" | "koi8-u" | "macintosh" | "euc-jp" | "euc-kr" | "gbk" | "gb2312" | "gb18030"
            | "big5" | "shift_jis" | "windows-874" | "windows-31j" => Self::OtherAscii,
            other
                if ["iso-8859-", "iso8859-", "iso_8859-", "windows-125", "cp125"]
                    .iter()
                    .any(|begin| other.starts_with(begin)) =>
            {
                Self::OtherAscii
            }
            _ => Self::Unknown,
        }
    }
}

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
    charset.trim().get(..6).is_some_and(|begin| begin.eq_ignore_ascii_case("utf-16"))
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
        assert!(reads("text/plain", b"M\xFCller"));
        assert!(reads("text/plain; format=flowed", b"M\xFCller"));
    }

    #[test]
    fn a_set_beyond_latin_is_read_as_far_as_it_is_ascii() {
        assert!(reads("text/plain;charset=Shift_JIS", b"hello"));
        assert!(!reads("text/plain;charset=Shift_JIS", b"\x83n\x83\x8D\x81["));
        assert!(reads("text/csv; header=present; charset=iso-8859-2", "M\u{fc}ller".as_bytes()));
    }
}
