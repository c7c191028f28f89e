//! Bytes to nodes by their tokens: what [`super::reader`] does, without looking at the bytes of strings one by one.

use super::reader::{Key, Open};
use super::{KeyKind, Node, NodeKind};
use crate::inspect::simd::{self, Lanes};

/// Reads a document whose length fits in 32 bits. `None`: it is in doubt, or this processor has no quick way; then
/// [`super::reader`] is to say.
pub(super) fn read(lanes: Lanes, doc: &[u8], depth_max: usize) -> Option<Vec<Node>> {
    let mut tokens = simd::tokens(lanes, doc)?;
    if let Some(rest) = doc.strip_prefix(b"\xEF\xBB\xBF") {
        // A byte order mark is the head of a run: nothing may go on with it.
        matches!(rest.first()?, b' ' | b'\t' | b'\n' | b'\r' | b'{' | b'[' | b'"').then_some(())?;
        *tokens.blocks.first_mut()? &= !0b111;
    }
    let many: usize = tokens.blocks.iter().map(|bits| bits.count_ones() as usize).sum();
    let mut blocks = tokens.blocks.iter();
    let bits = *blocks.next()?;
    let mut reader = Reader {
        doc,
        blocks,
        block: 0,
        bits,
        escapes: &tokens.escapes,
        nodes: Vec::with_capacity(many / TOKENS_A_NODE + 4),
    };
    reader.document(depth_max)?;
    Some(reader.nodes)
}

struct Reader<'d> {
    doc: &'d [u8],
    blocks: std::slice::Iter<'d, u64>,
    /// Where the block begins that is being read, and its tokens that are left.
    block: u32,
    bits: u64,
    /// Escapes that are left.
    escapes: &'d [u32],
    nodes: Vec<Node>,
}

/// A token and where it is.
#[derive(Clone, Copy)]
struct Token {
    at: u32,
    byte: u8,
}

impl Reader<'_> {
    fn document(&mut self, depth_max: usize) -> Option<()> {
        let mut open: Vec<Open> = Vec::new(); // bounded by depth_max
        let mut key = Key { kind: KeyKind::Element, start: 0, end: 0 };
        let mut token = self.next()?;
        loop {
            // A value begins at the token.
            let id = u32::try_from(self.nodes.len()).ok()?;
            let parent = open.last().map_or(0, |open| open.id);
            if let Some(object) = self.value(token, key, parent, id)? {
                if open.len() >= depth_max {
                    return None;
                }
                token = self.next()?;
                if token.byte == if object { b'}' } else { b']' } {
                    self.close(id, token.at)?;
                } else {
                    open.push(Open { id, object, elements: 0 });
                    (key, token) = if object { self.key(token)? } else { (element(0), token) };
                    continue;
                }
            }
            // A value ended before the next token.
            loop {
                let Some(container) = open.last_mut() else {
                    return self.next().is_none().then_some(());
                };
                token = self.next()?;
                match token.byte {
                    b',' if container.object => {
                        let first = self.next()?;
                        (key, token) = self.key(first)?;
                        break;
                    }
                    b',' => {
                        container.elements += 1;
                        key = element(container.elements);
                        token = self.next()?;
                        break;
                    }
                    b'}' if container.object => {}
                    b']' if !container.object => {}
                    _ => return None,
                }
                let id = container.id;
                self.close(id, token.at)?;
                open.pop();
            }
        }
    }

    /// The key that begins at the token, and the token that its value begins at.
    #[inline(always)]
    fn key(&mut self, token: Token) -> Option<(Key, Token)> {
        let (start, end, escaped) = self.string(token)?;
        if self.next()?.byte != b':' {
            return None;
        }
        let kind = if escaped { KeyKind::Escaped } else { KeyKind::Plain };
        Some((Key { kind, start, end }, self.next()?))
    }

    /// Pushes the value that begins at the token; of a container whether it is an object.
    #[inline(always)]
    fn value(&mut self, token: Token, key: Key, parent: u32, id: u32) -> Option<Option<bool>> {
        let (kind, start, end, escaped) = match token.byte {
            b'"' => {
                let (start, end, escaped) = self.string(token)?;
                (NodeKind::String, start, end, escaped)
            }
            b'{' => (NodeKind::Object, token.at, token.at, false),
            b'[' => (NodeKind::Array, token.at, token.at, false),
            b't' => (NodeKind::Bool, token.at, word(self.doc, token, b"true")?, false),
            b'f' => (NodeKind::Bool, token.at, word(self.doc, token, b"false")?, false),
            b'n' => (NodeKind::Null, token.at, word(self.doc, token, b"null")?, false),
            _ => (NodeKind::Number, token.at, number(self.doc, token)?, false),
        };
        self.nodes.push(Node {
            kind,
            escaped,
            key: key.kind,
            start,
            end,
            key_start: key.start,
            key_end: key.end,
            parent,
            after: id + 1,
        });
        Some(match kind {
            NodeKind::Object => Some(true),
            NodeKind::Array => Some(false),
            _ => None,
        })
    }

    #[inline(always)]
    fn close(&mut self, id: u32, bracket: u32) -> Option<()> {
        let after = u32::try_from(self.nodes.len()).ok()?;
        let node = self.nodes.get_mut(id as usize)?;
        node.end = bracket + 1;
        node.after = after;
        Some(())
    }

    /// Start and end of the string that begins at the token, without quotes, and whether it has escapes.
    #[inline(always)]
    fn string(&mut self, token: Token) -> Option<(u32, u32, bool)> {
        if token.byte != b'"' {
            return None;
        }
        let (start, end) = (token.at + 1, self.next_at()?); // of what is inside nothing is a token but the end
        let mut escaped = false;
        while let Some((at, rest)) = self.escapes.split_first()
            && *at < end
        {
            self.escapes = rest;
            escape(self.doc, *at)?;
            escaped = true;
        }
        Some((start, end, escaped))
    }

    #[inline(always)]
    fn next(&mut self) -> Option<Token> {
        let at = self.next_at()?;
        Some(Token { at, byte: *self.doc.get(at as usize)? })
    }

    #[inline(always)]
    fn next_at(&mut self) -> Option<u32> {
        while self.bits == 0 {
            self.bits = *self.blocks.next()?;
            self.block += simd::BLOCK as u32;
        }
        let at = self.block + self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        Some(at)
    }
}

// These don't hold the reader, so that it may stay in registers.

/// That an escape is one.
fn escape(doc: &[u8], at: u32) -> Option<()> {
    let at = at as usize;
    match doc.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
        b'u' => doc.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(()),
        _ => None,
    }
}

fn word(doc: &[u8], token: Token, word: &[u8]) -> Option<u32> {
    let rest = doc.get(token.at as usize..)?.strip_prefix(word)?;
    ended(doc, doc.len() - rest.len())
}

fn number(doc: &[u8], token: Token) -> Option<u32> {
    let from = token.at as usize;
    let digits = |at: usize| {
        let rest = doc.get(at..).unwrap_or_default();
        let many = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        (many > 0).then_some(at + many)
    };
    let is = |at: usize, set: &[u8]| doc.get(at).is_some_and(|byte| set.contains(byte));
    let whole = from + usize::from(token.byte == b'-');
    let mut at = if is(whole, b"0") { whole + 1 } else { digits(whole)? };
    if is(at, b".") {
        at = digits(at + 1)?;
    }
    if is(at, b"eE") {
        at += 1 + usize::from(is(at + 1, b"+-"));
        at = digits(at)?;
    }
    ended(doc, at)
}

/// The end of a word or a number, if it is one: nothing of the same run comes behind it.
fn ended(doc: &[u8], at: usize) -> Option<u32> {
    match doc.get(at) {
        None | Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b'}' | b']') => u32::try_from(at).ok(),
        _ => None,
    }
}

const fn element(number: u32) -> Key {
    Key { kind: KeyKind::Element, start: number, end: 0 }
}

/// A member has six tokens, an element of an array two or three: a first guess.
const TOKENS_A_NODE: usize = 5;
