//! Encodings: what the bytes of a document say in characters, and the way back to the bytes.
//!
//! UTF-8 is read where it lies. Latin-1 and windows-1252 are turned into UTF-8 as a whole, with the places of the
//! characters beyond ASCII remembered. All else that isn't pure ASCII is refused.

use crate::inspect::charset::Charset;
use crate::inspect::walk::WalkError;
use std::borrow::Cow;

/// A document in UTF-8, and where its characters stood before.
pub(super) struct Decoded<'d> {
    pub(super) text: Cow<'d, str>,
    wide: Vec<Wide>,
}

/// A character that took one byte before, and more now.
struct Wide {
    /// Offset behind it in the text.
    text: u32,
    /// Offset behind it in the document.
    doc: u32,
}

impl Decoded<'_> {
    /// Whether the text isn't the document's own bytes.
    pub(super) fn is_transcoded(&self) -> bool {
        matches!(self.text, Cow::Owned(_))
    }

    /// Where byte `at` of the text, the first of a character, stood in the document.
    pub(super) fn origin(&self, at: usize) -> usize {
        let before = self.wide.partition_point(|w| w.text as usize <= at);
        match before.checked_sub(1).and_then(|last| self.wide.get(last)) {
            Some(wide) => wide.doc as usize + (at - wide.text as usize),
            None => at,
        }
    }
}

/// Reads the bytes in the encoding that they show and declare.
pub(super) fn decode(doc: &[u8]) -> Result<Decoded<'_>, WalkError> {
    if doc.starts_with(&[0xFE, 0xFF]) || doc.starts_with(&[0xFF, 0xFE]) {
        return Err(WalkError::NotUtf8 { at: 0 });
    }
    let declared = if doc.starts_with(BOM) { None } else { declared(doc) };
    match declared.map_or(Charset::Utf8, Charset::of) {
        Charset::Utf8 => {}
        Charset::Latin1 if !doc.is_ascii() => return Ok(latin1(doc)),
        // Bytes that could mean something else than ASCII, UTF-7 for one.
        Charset::Unknown => return Err(WalkError::NotUtf8 { at: 0 }),
        Charset::OtherAscii if !doc.is_ascii() => {
            return Err(WalkError::NotUtf8 { at: doc.iter().position(|b| !b.is_ascii()).unwrap_or(0) });
        }
        Charset::Latin1 | Charset::OtherAscii => {}
    }
    let text = std::str::from_utf8(doc).map_err(|e| WalkError::NotUtf8 { at: e.valid_up_to() })?;
    Ok(Decoded { text: Cow::Borrowed(text), wide: Vec::new() })
}

/// The name after `encoding=` in the declaration that `doc` begins with.
fn declared(doc: &[u8]) -> Option<&str> {
    let head = doc.get(..doc.len().min(DECLARATION_LOOKED_AT_MAX))?;
    let inside = head.strip_prefix(b"<?xml")?;
    let inside = inside.get(..memchr::memmem::find(inside, b"?>")?)?;
    let at = memchr::memmem::find(inside, b"encoding")? + b"encoding".len();
    let value = inside.get(at..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let quote = *value.first()?;
    let name = value.get(1..)?;
    std::str::from_utf8(name.get(..memchr::memchr(quote, name)?)?).ok()
}

fn latin1(doc: &[u8]) -> Decoded<'static> {
    let mut text = String::with_capacity(doc.len() + doc.len() / 8);
    let mut wide = Vec::new();
    for (at, byte) in doc.iter().enumerate() {
        let c = match byte {
            0x80..=0x9F => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{FFFD}'),
            byte => char::from(*byte),
        };
        text.push(c);
        if !c.is_ascii()
            && let (Ok(text), Ok(doc)) = (u32::try_from(text.len()), u32::try_from(at + 1))
        {
            wide.push(Wide { text, doc });
        }
    }
    Decoded { text: Cow::Owned(text), wide }
}

pub(super) const BOM: &[u8] = b"\xEF\xBB\xBF";

/// A declaration is shorter than this.
const DECLARATION_LOOKED_AT_MAX: usize = 512;

/// What windows-1252 has at 0x80 to 0x9F (WHATWG Encoding, index windows-1252).
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8D}', 'Ž', '\u{8F}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9D}', 'ž', 'Ÿ',
];
