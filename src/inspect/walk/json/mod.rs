//! JSON (RFC 8259) read into a flat tape: a node for each value, in the order of the document, with the raw span of
//! the value and of its key. Strict: what isn't JSON to the letter is refused with the place where it stops.
//!
//! - Takes: bytes; a byte order mark in front is passed over.
//! - Gives: [`Tape`]. Duplicate keys all stay visible, and nothing is decoded before it is asked for.
//! - In doubt: [`WalkError`]; there is no half tape.
//! - Cost: one pass, no recursion, no allocation but the tape: 32 bytes a value, at most 16 times the document. A walker
//!   that asks for members by number has each key looked up once more (`Vocabulary`).

mod again;
mod escape;
mod quick;
mod reader;
mod build;
mod piece;
mod word;

#[cfg(test)]
mod tests;

pub use build::{Builder, Key, Origins, Said};
pub use escape::unescape;
pub use piece::Piece;
pub(in crate::inspect::walk) use word::{NO_VOCABULARY, Vocabulary, Word};

use super::{CUE_BYTES_MAX, WalkError, start_of};
use crate::inspect::simd::Lanes;
use std::borrow::Cow;
use std::ops::Range;

/// How deep arrays and objects may nest by default.
pub const JSON_DEPTH_MAX: usize = 128;

/// Among how many members of an object one is looked for by its key.
pub const MEMBERS_LOOKED_AT_MAX: usize = 128;

/// A value of a [`Tape`], by number: 0 is the whole document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The whole document.
    pub const ROOT: Self = Self(0);

    /// The value behind it, which it may hold; may be past the last.
    #[must_use]
    pub(in crate::inspect::walk) const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Its place on the tape; a container's own number is less than those of all that it holds.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// `{}`
    Object,
    /// `[]`
    Array,
    /// `"…"`
    String,
    /// A number, of any size.
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
struct Node {
    kind: NodeKind,
    escaped: bool,
    key: KeyKind,
    /// What the key is called by number.
    word: Word,
    /// Raw bytes: of a string without its quotes, of a container with its brackets.
    start: u32,
    end: u32,
    /// The key's raw bytes without quotes; of an array's element, its number in `key_start`.
    key_start: u32,
    key_end: u32,
    parent: u32,
    /// The first node after this one and all that it holds.
    after: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Element,
    Plain,
    Escaped,
    /// A word that the document doesn't spell out.
    Said(Said),
}

/// A document read.
#[derive(Clone)]
pub struct Tape<'d> {
    text: &'d str,
    /// Where the text stood before it was decoded; `None`: the same.
    origins: Option<&'d dyn Origins>,
    /// Undoes the escapes of a value.
    unescape: fn(&str) -> String,
    /// The vocabulary in which its keys were looked up.
    words_of: u32,
    /// Whether its text is JSON, and says all that is on it.
    is_json: bool,
    nodes: Vec<Node>,
    /// Runs of them that have the keys of others, in order.
    copies: Vec<again::Copied>,
}

impl<'d> Tape<'d> {
    /// Reads a whole document.
    ///
    /// # Errors
    /// [`WalkError::NotUtf8`], [`WalkError::TooDeep`], and [`WalkError::Malformed`] for all else, among it a document
    /// of 4 GiB and more.
    pub fn read(doc: &'d [u8], depth_max: usize) -> Result<Self, WalkError> {
        let text = std::str::from_utf8(doc).map_err(|e| WalkError::NotUtf8 { at: e.valid_up_to() })?;
        if u32::try_from(doc.len()).is_err() {
            return Err(WalkError::Malformed { at: u32::MAX as usize });
        }
        let (nodes, copies) = match quick::read(Lanes::best(), doc, depth_max) {
            Some(read) => read,
            None => (reader::read(doc, depth_max)?, Vec::new()), // tells where it stops
        };
        Ok(Self { text, origins: None, unescape, words_of: NO_VOCABULARY, is_json: true, nodes, copies })
    }

    /// The same document, whose bytes stand elsewhere: in a string, a query.
    #[must_use]
    pub fn moved(self, origins: &'d dyn Origins) -> Self {
        Self { origins: Some(origins), ..self }
    }

    /// How many values there are; at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a document is a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every value, containers before what they hold.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.count()).map(NodeId)
    }

    /// The value of this number, if there is one.
    #[inline]
    pub(in crate::inspect::walk) fn at(&self, id: NodeId) -> Option<NodeId> {
        (id.index() < self.nodes.len()).then_some(id)
    }

    /// Whether it is JSON as it stands: then values of the same bytes are the same.
    pub(in crate::inspect::walk) fn is_json(&self) -> bool {
        self.is_json
    }

    /// What the value is.
    #[must_use]
    #[inline]
    pub fn kind(&self, id: NodeId) -> NodeKind {
        self.node(id).kind
    }

    /// The raw bytes of the value: of a string without its quotes.
    #[must_use]
    pub fn span(&self, id: NodeId) -> Range<usize> {
        self.origin(self.written(id))
    }

    /// The raw bytes of the key without its quotes; `None` in an array and at the root. Of a key that the document
    /// doesn't spell out, those of its value.
    #[must_use]
    pub fn key_span(&self, id: NodeId) -> Option<Range<usize>> {
        self.key_written(id).map(|at| self.origin(at))
    }

    /// The value as written: of a string without its quotes.
    #[must_use]
    #[inline]
    pub fn raw(&self, id: NodeId) -> &'d str {
        self.text.get(self.written(id)).unwrap_or_default()
    }

    /// How many bytes of the text it has.
    #[inline]
    pub(in crate::inspect::walk) fn raw_bytes(&self, id: NodeId) -> usize {
        self.written(id).len()
    }

    /// The value as it is read, where it has no escapes.
    #[inline]
    pub(in crate::inspect::walk) fn plain_value(&self, id: NodeId) -> Option<&'d str> {
        let node = self.node(id);
        if node.escaped { None } else { self.text.get(node.start as usize..node.end as usize) }
    }

    /// The value with its escapes undone; of all but strings as written.
    #[must_use]
    #[inline]
    pub fn value(&self, id: NodeId) -> Cow<'d, str> {
        let raw = self.raw(id);
        if self.node(id).escaped { Cow::Owned((self.unescape)(raw)) } else { Cow::Borrowed(raw) }
    }

    /// The key with its escapes undone.
    #[must_use]
    pub fn key(&self, id: NodeId) -> Option<Cow<'d, str>> {
        self.key_of(self.node(id))
    }

    fn key_of(&self, node: &Node) -> Option<Cow<'d, str>> {
        if node.key == KeyKind::Element {
            return None;
        }
        let raw = self.text.get(node.key_start as usize..node.key_end as usize)?;
        Some(match node.key {
            KeyKind::Escaped => Cow::Owned((self.unescape)(raw)),
            KeyKind::Said(said) => Cow::Borrowed(said.word()),
            _ => Cow::Borrowed(raw),
        })
    }

    /// The beginning of the key, as a cue: whole where it has no escapes.
    #[must_use]
    pub fn key_head(&self, id: NodeId) -> Option<Cow<'d, str>> {
        match self.node(id).key {
            KeyKind::Escaped => Some(self.head(self.text.get(self.key_written(id)?)?)),
            _ => self.key(id),
        }
    }

    /// The beginning of the value, as a cue: whole where it has no escapes.
    #[must_use]
    pub fn value_head(&self, id: NodeId) -> Cow<'d, str> {
        let raw = self.raw(id);
        if self.node(id).escaped { self.head(raw) } else { Cow::Borrowed(raw) }
    }

    /// The beginning of what is written with escapes, cut before one that may not be whole.
    fn head(&self, raw: &str) -> Cow<'d, str> {
        if raw.len() <= HEAD_BYTES_MAX {
            return Cow::Owned((self.unescape)(raw));
        }
        let whole = start_of(raw, HEAD_BYTES_MAX - ESCAPE_BYTES_MAX).len();
        let head = start_of(raw, HEAD_BYTES_MAX);
        let end =
            head.get(whole..).and_then(|last| last.find(['\\', '&'])).map_or(head.len(), |at| whole + at);
        Cow::Owned((self.unescape)(head.get(..end).unwrap_or_default()))
    }

    /// The bytes of a key that has no escapes; `None` for all others.
    #[inline]
    pub(in crate::inspect::walk) fn plain_key(&self, id: NodeId) -> Option<&'d [u8]> {
        let node = self.node(id);
        if node.key != KeyKind::Plain {
            return None;
        }
        self.text.as_bytes().get(node.key_start as usize..node.key_end as usize)
    }

    /// Whether the key, escapes undone, is this.
    #[must_use]
    #[inline]
    pub fn key_is(&self, id: NodeId, key: &str) -> bool {
        match self.node(id).key {
            KeyKind::Element => false,
            KeyKind::Plain => self.plain_key(id) == Some(key.as_bytes()),
            KeyKind::Said(said) => key == said.word(),
            KeyKind::Escaped => self.key(id).is_some_and(|k| k == key),
        }
    }

    /// What the key is called in the vocabulary in which the keys were looked up.
    #[inline]
    pub(in crate::inspect::walk) fn word(&self, id: NodeId) -> Word {
        self.node(id).word
    }

    /// The number of an array's element, from 0.
    #[must_use]
    pub fn element(&self, id: NodeId) -> Option<usize> {
        let parent = self.parent(id)?;
        (self.kind(parent) == NodeKind::Array).then_some(self.node(id).key_start as usize)
    }

    /// The container that holds it.
    #[must_use]
    #[inline]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        (id != NodeId::ROOT).then(|| NodeId(self.node(id).parent))
    }

    /// The first node after this one and all that it holds; may be past the last.
    #[must_use]
    #[inline]
    pub fn after(&self, id: NodeId) -> NodeId {
        NodeId(self.node(id).after)
    }

    /// What a container holds directly, in order.
    #[inline]
    pub fn children(&self, id: NodeId) -> Children<'_, 'd> {
        Children { tape: self, next: id.0 + 1, after: self.node(id).after }
    }

    /// The first member of this key, among the first [`MEMBERS_LOOKED_AT_MAX`]: so that an object of a million
    /// members doesn't cost a million look-ups of a million each.
    #[must_use]
    pub fn get(&self, id: NodeId, key: &str) -> Option<NodeId> {
        if self.kind(id) != NodeKind::Object {
            return None;
        }
        self.children(id).take(MEMBERS_LOOKED_AT_MAX).find(|child| self.key_is(*child, key))
    }

    /// The value of the first member of this key that is a string: one of another kind before it hides it from no parser.
    #[must_use]
    pub fn string(&self, id: NodeId, key: &str) -> Option<Cow<'d, str>> {
        if self.kind(id) != NodeKind::Object {
            return None;
        }
        let is_it = |child: &NodeId| self.kind(*child) == NodeKind::String && self.key_is(*child, key);
        self.children(id).take(MEMBERS_LOOKED_AT_MAX).find(is_it).map(|child| self.value(child))
    }

    /// Whether these letters stand anywhere in the text, as they are.
    #[must_use]
    pub fn contains(&self, letters: &str) -> bool {
        memchr::memmem::find(self.text.as_bytes(), letters.as_bytes()).is_some()
    }

    /// Where the value stands in the text.
    #[inline]
    fn written(&self, id: NodeId) -> Range<usize> {
        let node = self.node(id);
        node.start as usize..node.end as usize
    }

    /// Where the key stands in the text.
    fn key_written(&self, id: NodeId) -> Option<Range<usize>> {
        let node = self.node(id);
        (node.key != KeyKind::Element).then_some(node.key_start as usize..node.key_end as usize)
    }

    fn origin(&self, at: Range<usize>) -> Range<usize> {
        match self.origins {
            Some(origins) => origins.origin(at.start)..origins.origin(at.end),
            None => at,
        }
    }

    fn count(&self) -> u32 {
        u32::try_from(self.nodes.len())
            .expect("nodes are fewer than the document's bytes, which fit in 32 bits")
    }

    #[inline]
    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0 as usize).unwrap_or(&NOTHING)
    }
}

impl std::fmt::Debug for Tape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tape({} values of {} bytes)", self.nodes.len(), self.text.len())
    }
}

/// What a container holds directly: [`Tape::children`].
#[derive(Debug)]
pub struct Children<'t, 'd> {
    tape: &'t Tape<'d>,
    next: u32,
    after: u32,
}

impl Iterator for Children<'_, '_> {
    type Item = NodeId;

    #[inline]
    fn next(&mut self) -> Option<NodeId> {
        if self.next >= self.after {
            return None;
        }
        let id = NodeId(self.next);
        self.next = self.tape.node(id).after;
        Some(id)
    }
}

/// Of a cue with escapes so much is read.
const HEAD_BYTES_MAX: usize = 4 * CUE_BYTES_MAX;
/// The longest escape, a pair of surrogates.
const ESCAPE_BYTES_MAX: usize = 12;

const NOTHING: Node = Node {
    kind: NodeKind::Null,
    escaped: false,
    key: KeyKind::Element,
    word: Word::NONE,
    start: 0,
    end: 0,
    key_start: 0,
    key_end: 0,
    parent: 0,
    after: u32::MAX,
};
