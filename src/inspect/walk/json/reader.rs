//! Bytes to nodes: one pass, with a stack of open containers instead of recursion.

use super::word::Word;
use super::{KeyKind, Node, NodeKind};
use crate::inspect::walk::WalkError;

/// Reads a document whose length fits in 32 bits.
pub(super) fn read(doc: &[u8], depth_max: usize) -> Result<Vec<Node>, WalkError> {
    let mut reader =
        Reader { doc, at: 0, depth_max, nodes: Vec::with_capacity(doc.len() / BYTES_A_NODE + 4) };
    if doc.starts_with(b"\xEF\xBB\xBF") {
        reader.at = 3;
    }
    reader.document()?;
    Ok(reader.nodes)
}

struct Reader<'d> {
    doc: &'d [u8],
    at: usize,
    depth_max: usize,
    nodes: Vec<Node>,
}

/// What the key of the next value is.
#[derive(Clone, Copy)]
struct Key {
    kind: KeyKind,
    start: u32,
    end: u32,
}

/// A container that is open.
#[derive(Clone, Copy)]
struct Open {
    id: u32,
    object: bool,
    /// Values of an array so far.
    elements: u32,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(), WalkError> {
        let mut open: Vec<Open> = Vec::new(); // bounded by depth_max
        let mut key = Key { kind: KeyKind::Element, start: 0, end: 0 };
        'value: loop {
            // A value begins here.
            self.space();
            let parent = open.last().map_or(0, |open| open.id);
            let id = to_u32(self.nodes.len());
            if let Some(object) = self.value(key, parent)? {
                if open.len() >= self.depth_max {
                    return Err(WalkError::TooDeep { max: self.depth_max });
                }
                self.space();
                if self.peek() == Some(if object { b'}' } else { b']' }) {
                    self.at += 1;
                    self.close(id);
                } else {
                    open.push(Open { id, object, elements: 0 });
                    key = if object { self.key()? } else { Key { kind: KeyKind::Element, start: 0, end: 0 } };
                    continue 'value;
                }
            }
            // A value ended here.
            loop {
                self.space();
                let Some(container) = open.last_mut() else {
                    return if self.at == self.doc.len() { Ok(()) } else { Err(self.malformed()) };
                };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        container.elements += 1;
                        key = if container.object {
                            self.key()?
                        } else {
                            Key { kind: KeyKind::Element, start: container.elements, end: 0 }
                        };
                        continue 'value;
                    }
                    Some(b'}') if container.object => self.at += 1,
                    Some(b']') if !container.object => self.at += 1,
                    _ => return Err(self.malformed()),
                }
                let id = container.id;
                self.close(id);
                open.pop();
            }
        }
    }

    /// Pushes the value that begins here; of a container that stays open whether it is an object.
    #[inline(always)]
    fn value(&mut self, key: Key, parent: u32) -> Result<Option<bool>, WalkError> {
        let from = self.at;
        let (kind, escaped, start, end) = match self.peek() {
            Some(b'"') => {
                let (start, end, escaped) = self.string()?;
                (NodeKind::String, escaped, start, end)
            }
            Some(c @ (b'{' | b'[')) => {
                self.at += 1;
                let kind = if c == b'{' { NodeKind::Object } else { NodeKind::Array };
                (kind, false, from, from)
            }
            Some(b't') => (NodeKind::Bool, false, from, self.word(b"true")?),
            Some(b'f') => (NodeKind::Bool, false, from, self.word(b"false")?),
            Some(b'n') => (NodeKind::Null, false, from, self.word(b"null")?),
            _ => (NodeKind::Number, false, from, self.number()?),
        };
        let after = to_u32(self.nodes.len() + 1);
        self.nodes.push(Node {
            kind,
            escaped,
            key: key.kind,
            word: Word::NONE,
            start: to_u32(start),
            end: to_u32(end),
            key_start: key.start,
            key_end: key.end,
            parent,
            after,
        });
        Ok(match kind {
            NodeKind::Object => Some(true),
            NodeKind::Array => Some(false),
            _ => None,
        })
    }

    fn key(&mut self) -> Result<Key, WalkError> {
        if self.peek() != Some(b'"') {
            return Err(self.malformed());
        }
        let (start, end, escaped) = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.malformed());
        }
        self.at += 1;
        let kind = if escaped { KeyKind::Escaped } else { KeyKind::Plain };
        Ok(Key { kind, start: to_u32(start), end: to_u32(end) })
    }

    fn close(&mut self, id: u32) {
        let (end, after) = (to_u32(self.at), to_u32(self.nodes.len()));
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.end = end;
            node.after = after;
        }
    }

    /// Past the string at the cursor: start and end without quotes, and whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<(usize, usize, bool), WalkError> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok((start, end, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                    match self.peek() {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
                        Some(b'u') => {
                            let hex = self.doc.get(self.at + 1..self.at + 5);
                            if !hex.is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit)) {
                                return Err(self.malformed());
                            }
                            self.at += 5;
                        }
                        _ => return Err(self.malformed()),
                    }
                }
                _ => return Err(self.malformed()), // a control character, or the end
            }
        }
    }

    /// Past all that is neither quote nor backslash nor control character, eight bytes at a time.
    #[inline(always)]
    fn plain(&mut self) {
        while let Some(eight) = self.doc.get(self.at..self.at + 8).and_then(|b| <[u8; 8]>::try_from(b).ok()) {
            let word = u64::from_le_bytes(eight);
            let hits = has_zero(word ^ (ONES * 0x22)) | has_zero(word ^ (ONES * 0x5C)) | has_control(word);
            if hits != 0 {
                self.at += (hits.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|c| c != b'"' && c != b'\\' && c >= 0x20) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Result<usize, WalkError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return Err(self.malformed()),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(self.at)
    }

    fn digits(&mut self) -> Result<(), WalkError> {
        let from = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == from { Err(self.malformed()) } else { Ok(()) }
    }

    fn word(&mut self, word: &[u8]) -> Result<usize, WalkError> {
        if self.doc.get(self.at..self.at + word.len()) != Some(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(self.at)
    }

    #[inline(always)]
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.doc.get(self.at).copied()
    }

    fn malformed(&self) -> WalkError {
        WalkError::Malformed { at: self.at }
    }
}

/// Offsets and counts stay below the document's length.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).expect("the document's length fits in 32 bits: checked before reading")
}

/// The high bit of the lowest zero byte (and perhaps of bytes above it).
const fn has_zero(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The high bit of the lowest byte under 0x20 (and perhaps of bytes above it).
const fn has_control(word: u64) -> u64 {
    word.wrapping_sub(ONES * 0x20) & !word & HIGHS
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// A first guess: FHIR in one line has a value in about so many bytes.
const BYTES_A_NODE: usize = 16;
