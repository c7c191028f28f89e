//! Bytes to nodes by their tokens: what [`super::reader`] does, without looking at the bytes of strings one by one.

use super::again::{Copied, Shapes, slot};
use super::{KeyKind, NOTHING, Node, NodeKind};
use crate::inspect::simd::{self, Lanes};

/// Reads a document whose length fits in 32 bits, and tells which nodes are as others before them. `None`: it is in doubt,
/// or this processor has no quick way; then [`super::reader`] is to say.
pub(super) fn read(lanes: Lanes, doc: &[u8], depth_max: usize) -> Option<(Vec<Node>, Vec<Copied>)> {
    let mut tokens = simd::tokens(lanes, doc)?;
    if let Some(rest) = doc.strip_prefix(b"\xEF\xBB\xBF") {
        // A byte order mark is the head of a run: nothing may go on with it.
        matches!(rest.first()?, b' ' | b'\t' | b'\n' | b'\r' | b'{' | b'[' | b'"').then_some(())?;
        *tokens.blocks.first_mut()? &= !0b111;
    }
    let mut nodes = Vec::with_capacity(doc.len() / BYTES_A_NODE + 4);
    let mut shapes = Shapes::new();
    values(doc, &tokens.blocks, depth_max, &mut nodes, &mut shapes)?;
    if !tokens.escapes.is_empty() {
        escapes(doc, &tokens.escapes, &mut nodes)?;
    }
    Some((nodes, shapes.copies))
}

/// Reads all values, as if no string had an escape. A value's node is there as soon as its key is read, so that what the
/// loop has to remember is little and stays in registers.
fn values(
    doc: &[u8],
    blocks: &[u64],
    depth_max: usize,
    nodes: &mut Vec<Node>,
    shapes: &mut Shapes,
) -> Option<()> {
    let mut reader = Reader { doc, blocks: blocks.get(1..)?.iter(), block: 0, bits: *blocks.first()? };
    let mut open: Vec<Open> = Vec::with_capacity(DEPTH_FIRST); // bounded by depth_max
    let mut token = reader.next()?;
    nodes.push(element(0, 0, 0));
    loop {
        // The value of the last node begins at the token.
        let id = u32::try_from(nodes.len()).ok()?.checked_sub(1)?;
        let node = nodes.last_mut()?;
        node.start = token.at;
        match token.byte {
            b'"' => {
                node.kind = NodeKind::String;
                node.start = token.at + 1;
                node.end = reader.next_at()?; // of what is inside nothing is a token but the end
            }
            b'{' | b'[' => {
                let object = token.byte == b'{';
                node.kind = if object { NodeKind::Object } else { NodeKind::Array };
                if open.len() >= depth_max {
                    return None;
                }
                let slot = match node.key {
                    KeyKind::Element => open.last().map_or(0, |array| array.slot),
                    _ => slot(doc, node.key_start..node.key_end),
                };
                if object && let Some(end) = shapes.again((doc, blocks), slot, token.at, open.len(), nodes) {
                    reader.go_on(blocks, end);
                    shapes.ended(slot, id, open.len());
                } else if let Some(node) = nodes.last_mut()
                    && {
                        token = reader.next()?;
                        token.byte == closing(object)
                    }
                {
                    node.end = token.at + 1;
                } else {
                    open.push(Open { id, object, elements: 0, slot });
                    if object {
                        token = reader.key(token, id, nodes)?;
                    } else {
                        nodes.push(element(0, id, id + 1));
                    }
                    continue;
                }
            }
            b't' => (node.kind, node.end) = (NodeKind::Bool, word(doc, token.at, b"true")?),
            b'f' => (node.kind, node.end) = (NodeKind::Bool, word(doc, token.at, b"false")?),
            b'n' => (node.kind, node.end) = (NodeKind::Null, word(doc, token.at, b"null")?),
            _ => (node.kind, node.end) = (NodeKind::Number, number(doc, token.at)?),
        }
        // A value ended before the next token.
        loop {
            let Some(container) = open.last_mut() else {
                return reader.next().is_none().then_some(());
            };
            token = reader.next()?;
            if token.byte == b',' {
                token = reader.next()?;
                if container.object {
                    token = reader.key(token, container.id, nodes)?;
                } else {
                    container.elements += 1;
                    nodes.push(element(container.elements, container.id, u32::try_from(nodes.len()).ok()?));
                }
                break;
            }
            if token.byte != closing(container.object) {
                return None;
            }
            let after = u32::try_from(nodes.len()).ok()?;
            let node = nodes.get_mut(container.id as usize)?;
            node.end = token.at + 1;
            node.after = after;
            let Open { id, object, slot, .. } = *container;
            open.pop();
            if object {
                shapes.ended(slot, id, open.len());
            }
        }
    }
}

/// Marks the keys and strings that have escapes, and says whether all of these are any.
fn escapes(doc: &[u8], escapes: &[u32], nodes: &mut [Node]) -> Option<()> {
    let mut left = escapes.iter().copied().peekable();
    // Outside of strings none is left: there it would have begun a value, or gone on with one.
    let mut has_any = |end: u32| {
        let mut any = false;
        while let Some(at) = left.next_if(|at| *at < end) {
            escape(doc, at)?;
            any = true;
        }
        Some(any)
    };
    for node in nodes {
        if node.key == KeyKind::Plain && has_any(node.key_end)? {
            node.key = KeyKind::Escaped;
        }
        if node.kind == NodeKind::String {
            node.escaped = has_any(node.end)?;
        }
    }
    Some(())
}

struct Reader<'d> {
    doc: &'d [u8],
    blocks: std::slice::Iter<'d, u64>,
    /// Where the block begins that is being read, and its tokens that are left.
    block: u32,
    bits: u64,
}

/// A container that is open.
struct Open {
    id: u32,
    object: bool,
    /// Values of an array so far.
    elements: u32,
    /// Under which objects of its key are known; of an array those in it.
    slot: u8,
}

/// A token and where it is.
#[derive(Clone, Copy)]
struct Token {
    at: u32,
    byte: u8,
}

impl<'d> Reader<'d> {
    /// Pushes a node for the key that begins at the token. Gives the token that its value begins at.
    #[inline(always)]
    fn key(&mut self, token: Token, parent: u32, nodes: &mut Vec<Node>) -> Option<Token> {
        if token.byte != b'"' {
            return None;
        }
        let (key_start, key_end) = (token.at + 1, self.next_at()?);
        if self.next()?.byte != b':' {
            return None;
        }
        let id = u32::try_from(nodes.len()).ok()?;
        nodes.push(Node { key: KeyKind::Plain, key_start, key_end, ..element(0, parent, id) });
        self.next()
    }

    /// Goes on at a byte further on, or behind the last.
    fn go_on(&mut self, blocks: &'d [u64], at: u32) {
        let block = at as usize / simd::BLOCK;
        self.block = at - at % simd::BLOCK as u32;
        self.bits = blocks.get(block).map_or(0, |bits| bits & u64::MAX << (at as usize % simd::BLOCK));
        self.blocks = blocks.get(block + 1..).unwrap_or_default().iter();
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

const fn closing(object: bool) -> u8 {
    if object { b'}' } else { b']' }
}

/// The node of an array's element, or of the root, whose value isn't read yet.
#[inline(always)]
const fn element(number: u32, parent: u32, id: u32) -> Node {
    Node { key_start: number, parent, after: id + 1, ..NOTHING }
}

/// That an escape is one.
fn escape(doc: &[u8], at: u32) -> Option<()> {
    let at = at as usize;
    match doc.get(at + 1)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
        b'u' => doc.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(()),
        _ => None,
    }
}

pub(super) fn word(doc: &[u8], at: u32, word: &[u8]) -> Option<u32> {
    let rest = doc.get(at as usize..)?.strip_prefix(word)?;
    ended(doc, doc.len() - rest.len())
}

pub(super) fn number(doc: &[u8], from: u32) -> Option<u32> {
    let from = from as usize;
    let digits = |at: usize| {
        let rest = doc.get(at..).unwrap_or_default();
        let many = rest.iter().take_while(|c| c.is_ascii_digit()).count();
        (many > 0).then_some(at + many)
    };
    let is = |at: usize, set: &[u8]| doc.get(at).is_some_and(|byte| set.contains(byte));
    let whole = from + usize::from(is(from, b"-"));
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

/// A value with its key, in compact documents: a first guess.
const BYTES_A_NODE: usize = 16;
/// Most documents nest no deeper.
const DEPTH_FIRST: usize = 16;
