//! A place in a text, and the small words of XML that begin there.

use super::escape::reference;
use crate::inspect::simd::{BLOCK, Sets};
use crate::inspect::walk::WalkError;
use std::ops::Range;
use std::sync::LazyLock;

/// Where reading stands.
pub(super) struct Cursor<'d> {
    pub(super) text: &'d str,
    /// Of each block of the text the bytes of [`MARKS`].
    pub(super) marks: &'d [[u64; 3]],
    pub(super) at: usize,
    /// Where in the name that was read last the colon stands; 0: there is none.
    pub(super) colon: usize,
}

impl<'d> Cursor<'d> {
    /// Past `"…"` or `'…'`: what stands between, and whether it has references.
    pub(super) fn quoted(&mut self) -> Result<(Range<usize>, bool), WalkError> {
        let Some(quote @ (b'"' | b'\'')) = self.peek() else { return Err(self.malformed()) };
        self.at += 1;
        let from = self.at;
        let mut escaped = false;
        loop {
            self.at += memchr::memchr3(quote, b'&', b'<', self.rest()).unwrap_or(self.rest().len());
            match self.peek() {
                Some(b'&') => {
                    escaped = true;
                    self.reference()?;
                }
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok((from..self.at - 1, escaped));
                }
                _ => return Err(self.malformed()), // `<`, or the end
            }
        }
    }

    /// Past `="…"` that begins at `at`, where it has neither blanks before nor references in the value: most
    /// attributes are so. What stands between.
    #[inline]
    pub(super) fn plain_value(&mut self, at: usize) -> Option<Range<usize>> {
        let doc = self.text.as_bytes();
        if doc.get(at..at + 2)? != b"=\"" {
            return None;
        }
        let from = at + 2;
        let mut end = from;
        loop {
            end = self.mark(end)?;
            match doc.get(end) {
                Some(b'"') => {
                    self.at = end + 1;
                    return Some(from..end);
                }
                Some(b']') => end += 1,
                _ => return None,
            }
        }
    }

    /// The first of what ends values and texts at `at` or behind it.
    #[inline]
    pub(super) fn mark(&self, at: usize) -> Option<usize> {
        self.next(at, |[marks, ..]| *marks)
    }

    #[inline]
    fn next(&self, at: usize, of: impl Fn(&[u64; 3]) -> u64) -> Option<usize> {
        let mut block = at / BLOCK;
        let mut bits = of(self.marks.get(block)?) & u64::MAX << (at % BLOCK);
        while bits == 0 {
            block += 1;
            bits = of(self.marks.get(block)?);
        }
        Some(block * BLOCK + bits.trailing_zeros() as usize)
    }

    pub(super) fn reference(&mut self) -> Result<(), WalkError> {
        let (_, length) = self.text.get(self.at..).and_then(reference).ok_or_else(|| self.malformed())?;
        self.at += length;
        Ok(())
    }

    /// Past a name with at most one colon inside (Namespaces in XML 1.0, section 4).
    pub(super) fn name(&mut self) -> Result<Range<usize>, WalkError> {
        let from = self.at;
        self.colon = 0;
        loop {
            let part = self.at;
            // Letters come most.
            self.at += self.rest().iter().take_while(|b| b.is_ascii_alphabetic()).count();
            while let Some(c) = self.text.as_bytes().get(self.at) {
                if c.is_ascii_alphabetic() || *c == b'_' {
                    self.at += 1;
                } else if c.is_ascii() {
                    if self.at == part || !(c.is_ascii_digit() || matches!(c, b'-' | b'.')) {
                        break;
                    }
                    self.at += 1;
                } else {
                    let c = self.text.get(self.at..).and_then(|t| t.chars().next());
                    let Some(c) = c.filter(|c| is_name_char(*c, self.at == part)) else { break };
                    self.at += c.len_utf8();
                }
            }
            if self.at == part || self.at - from > NAME_BYTES_MAX {
                return Err(self.malformed());
            }
            if self.peek() != Some(b':') || part != from {
                return Ok(from..self.at);
            }
            self.colon = self.at - from;
            self.at += 1;
        }
    }

    pub(super) fn equals(&mut self) -> Result<(), WalkError> {
        self.space();
        if self.peek() != Some(b'=') {
            return Err(self.malformed());
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Past blanks; whether there were any.
    #[inline]
    pub(super) fn space(&mut self) -> bool {
        let from = self.at;
        // Mostly a letter or a sign of the tag stands here.
        while self.peek().is_some_and(|b| b <= b' ' && is_space(b)) {
            self.at += 1;
        }
        self.at > from
    }

    /// The same over more of them.
    pub(super) fn blanks(&mut self) {
        self.at = self.next(self.at, |[.., others]| *others).unwrap_or(self.text.len());
    }

    /// What stands before `found` in the rest; past it and `length` bytes more.
    pub(super) fn past(&mut self, found: Option<usize>, length: usize) -> Result<Range<usize>, WalkError> {
        let found = found.ok_or_else(|| self.malformed())?;
        let from = self.at;
        self.at += found + length;
        Ok(from..from + found)
    }

    #[inline]
    pub(super) fn rest(&self) -> &'d [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    #[inline]
    pub(super) fn starts_with(&self, word: &str) -> bool {
        self.rest().starts_with(word.as_bytes())
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn malformed(&self) -> WalkError {
        WalkError::Malformed { at: self.at }
    }
}

/// The first place of what no document may hold: control characters, U+FFFE, U+FFFF (XML 1.0, section 2.2).
/// `marks` are those of the document.
pub(super) fn not_a_character(doc: &[u8], marks: &[[u64; 3]]) -> Option<usize> {
    let controls = marks.iter().enumerate().find(|(_, [_, controls, _])| *controls != 0);
    let control =
        controls.map(|(block, [_, controls, _])| block * BLOCK + controls.trailing_zeros() as usize);
    let is_other = |at: &usize| matches!(doc.get(at + 1..at + 3), Some([0xBF, 0xBE | 0xBF]));
    let other = memchr::memchr_iter(0xEF, doc).find(is_other);
    control.into_iter().chain(other).min()
}

pub(super) const fn is_space(b: u8) -> bool {
    (b == b' ') | (b == b'\t') | (b == b'\n') | (b == b'\r')
}

/// Whether a character beyond ASCII may begin a name, or stand in one (XML 1.0, section 2.3).
fn is_name_char(c: char, first: bool) -> bool {
    let begins = matches!(c,
        '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}');
    begins || !first && matches!(c, '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// What ends values and texts, or may not stand in them as it is; control characters; all but blanks and
/// those.
pub(super) static MARKS: LazyLock<Sets<3>> = LazyLock::new(|| {
    let is_mark = |b: u8| matches!(b, b'"' | b'&' | b'<' | b']');
    let is_control = |b: u8| b < 0x20 && !is_space(b);
    Sets::new([is_mark as fn(u8) -> bool, is_control, |b| b > b' '])
});
/// Longer names are refused.
const NAME_BYTES_MAX: usize = 1024;
