//! XML 1.0 with namespaces read into a flat tape: a node for each element, attribute, run of text, comment and
//! processing instruction, in the order of the document, with the raw span of what it holds. Strict: what isn't well
//! formed is refused with the place where it stops.
//!
//! - Takes: bytes; a byte order mark in front is passed over. UTF-8, and Latin-1 or windows-1252 where declared.
//! - Gives: [`Tape`]. Spans are in the bytes as they came. Nothing is decoded before it is asked for. Blanks between
//!   tags make no node; prefixes that nobody declared are let pass, with no namespace (fragments have them).
//! - Never: entities of a document's own, or anything fetched. A DOCTYPE with an internal subset is refused, one
//!   without is an instruction, and a reference that is none of the five or a character's number is malformed.
//! - In doubt: [`WalkError`]; there is no half tape.
//! - Cost: one pass, no recursion, no allocation but the tape: 32 bytes a node, at most 13 times the document.

mod again;
mod encoding;
mod escape;
mod cursor;
mod names;
mod reader;
mod written;

#[cfg(test)]
mod tests;

pub use escape::{reference, unescape};
pub use names::NameId;
pub use written::begins;

use super::WalkError;
use encoding::Decoded;
use names::Spelling;
use std::borrow::Cow;
use std::ops::Range;

/// How deep elements may nest by default.
pub const XML_DEPTH_MAX: usize = 128;

/// Among how many attributes of an element one is looked for by its name.
pub const ATTRIBUTES_LOOKED_AT_MAX: usize = 128;

/// A node of a [`Tape`], by number: 0 is the document itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The document: holds the root element and the comments around it.
    pub const DOCUMENT: Self = Self(0);

    /// Its place on the tape; an element's own number is less than those of all that it holds.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// The whole; there is one, the first.
    Document,
    /// `<name …>…</name>`
    Element,
    /// `name="value"`, a namespace declaration among them. Follows its element on the tape.
    Attribute,
    /// A run of text, or what a CDATA section holds.
    Text,
    /// What stands between `<!--` and `-->`.
    Comment,
    /// What stands behind the target of `<?target …?>`, or behind the word of `<!DOCTYPE …>`.
    Instruction,
}

#[derive(Clone, Copy)]
struct Node {
    /// In the text: of an attribute without quotes, of an element what stands between its tags.
    start: u32,
    end: u32,
    name_start: u32,
    parent: u32,
    /// The first node after this one and all that it holds.
    after: u32,
    /// The attribute that declares the namespace, or [`NO_NODE`].
    namespace: u32,
    name: NameId,
    kind: NodeKind,
    escaped: bool,
    cdata: bool,
}

/// A document read.
pub struct Tape<'d> {
    doc: Decoded<'d>,
    nodes: Vec<Node>,
    names: Vec<Spelling>,
    root: u32,
    copies: Vec<again::Copied>,
}

impl<'d> Tape<'d> {
    /// Reads a whole document.
    ///
    /// # Errors
    /// [`WalkError::NotUtf8`] for encodings that aren't read, [`WalkError::TooDeep`], and [`WalkError::Malformed`] for
    /// all else, among it a document of 2 GiB and more.
    pub fn read(doc: &'d [u8], depth_max: usize) -> Result<Self, WalkError> {
        if doc.len() > DOCUMENT_BYTES_MAX {
            return Err(WalkError::Malformed { at: DOCUMENT_BYTES_MAX });
        }
        let doc = encoding::decode(doc)?;
        if u32::try_from(doc.text.len()).is_err() {
            return Err(WalkError::Malformed { at: DOCUMENT_BYTES_MAX });
        }
        match reader::read(&doc.text, depth_max) {
            Ok(read) => {
                Ok(Self { nodes: read.nodes, names: read.names, root: read.root, copies: read.copies, doc })
            }
            Err(WalkError::Malformed { at }) => Err(WalkError::Malformed { at: doc.origin(at) }),
            Err(error) => Err(error),
        }
    }

    /// How many nodes there are; at least two.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a document has a root.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Every node: elements before what they hold, attributes right behind their element.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.count()).map(NodeId)
    }

    /// Of the elements whose start tags are written, byte for byte, as those of others, this one in order, with the first that
    /// is so written. Not all such are told.
    #[must_use]
    pub fn written_again(&self, number: usize) -> Option<(NodeId, NodeId)> {
        self.copies.get(number).map(|copied| (NodeId(copied.element), NodeId(copied.of)))
    }

    /// The root element.
    #[must_use]
    pub fn root(&self) -> NodeId {
        NodeId(self.root)
    }

    /// What the node is.
    #[must_use]
    #[inline]
    pub fn kind(&self, id: NodeId) -> NodeKind {
        self.node(id).kind
    }

    /// The name as written, prefix included; of an instruction its target; empty for text and comments.
    #[must_use]
    pub fn name(&self, id: NodeId) -> &str {
        self.doc.text.get(self.spelling(self.name_id(id)).whole()).unwrap_or_default()
    }

    /// The name without its prefix.
    #[must_use]
    pub fn local(&self, id: NodeId) -> &str {
        self.local_of(self.name_id(id))
    }

    /// The prefix; empty where there is none.
    #[must_use]
    pub fn prefix(&self, id: NodeId) -> &str {
        self.prefix_of(self.name_id(id))
    }

    /// The raw bytes of the name, prefix included.
    #[must_use]
    pub fn name_span(&self, id: NodeId) -> Range<usize> {
        let start = self.node(id).name_start as usize;
        self.origins(start..start + self.spelling(self.name_id(id)).length())
    }

    /// The number of the name as written.
    #[must_use]
    #[inline]
    pub fn name_id(&self, id: NodeId) -> NameId {
        self.node(id).name
    }

    /// Every name of the document, in order of its number: that of what has none, then each where it came first.
    pub fn names(&self) -> impl Iterator<Item = NameId> + use<> {
        (0..u32::try_from(self.names.len()).unwrap_or(0)).map(NameId::of)
    }

    /// A name without its prefix.
    #[must_use]
    pub fn local_of(&self, name: NameId) -> &str {
        let spelling = self.spelling(name);
        let whole = spelling.whole();
        self.doc.text.get(whole.start + spelling.skipped()..whole.end).unwrap_or_default()
    }

    /// The prefix of a name; empty where there is none.
    #[must_use]
    pub fn prefix_of(&self, name: NameId) -> &str {
        self.doc.text.get(self.spelling(name).prefix()).unwrap_or_default()
    }

    /// Whether an attribute of this name declares a namespace.
    #[must_use]
    pub fn declares(&self, name: NameId) -> bool {
        self.spelling(name).declares
    }

    /// The namespace of an element, or of an attribute with a prefix; `None` where none is declared.
    #[must_use]
    pub fn namespace(&self, id: NodeId) -> Option<Cow<'_, str>> {
        if self.prefix(id) == "xml" {
            return Some(Cow::Borrowed("http://www.w3.org/XML/1998/namespace"));
        }
        let declaration = NodeId(self.node(id).namespace);
        let uri = self.nodes.get(declaration.index()).map(|_| self.value(declaration))?;
        (!uri.is_empty()).then_some(uri)
    }

    /// The attribute that declares the namespace of an element, or of an attribute with a prefix.
    #[must_use]
    #[inline]
    pub fn declaration(&self, id: NodeId) -> Option<NodeId> {
        let declaration = self.node(id).namespace;
        (declaration != NO_NODE).then_some(NodeId(declaration))
    }

    /// Whether this attribute declares a namespace.
    #[must_use]
    pub fn is_declaration(&self, id: NodeId) -> bool {
        self.kind(id) == NodeKind::Attribute && self.declares(self.name_id(id))
    }

    /// The raw bytes in the document: of an attribute without quotes, of an element what stands between its tags, of
    /// text, comments and instructions without what encloses them.
    #[must_use]
    pub fn span(&self, id: NodeId) -> Range<usize> {
        let node = self.node(id);
        self.origins(node.start as usize..node.end as usize)
    }

    /// What stands at [`Self::span`], as written.
    #[must_use]
    #[inline]
    pub fn raw(&self, id: NodeId) -> &str {
        let node = self.node(id);
        self.doc.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    /// The value with its references undone; of all but attributes and text as written. Line ends stay as they are.
    #[must_use]
    #[inline]
    pub fn value(&self, id: NodeId) -> Cow<'_, str> {
        let raw = self.raw(id);
        if self.node(id).escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) }
    }

    /// Whether a text stands in a CDATA section: no `&` in it begins a reference.
    #[must_use]
    pub fn is_cdata(&self, id: NodeId) -> bool {
        self.node(id).cdata
    }

    /// What stands from the beginning of one node's text to the end of a later one's, tags between them included, and
    /// its raw bytes; `None` where the document's characters aren't the raw ones.
    #[must_use]
    pub fn between(&self, first: NodeId, last: NodeId) -> Option<(Range<usize>, &str)> {
        let span = self.node(first).start as usize..self.node(last).end as usize;
        (!self.doc.is_transcoded())
            .then(|| self.doc.text.get(span.clone()))
            .flatten()
            .map(|text| (span, text))
    }

    /// Whether the document's characters aren't the raw bytes.
    #[must_use]
    pub fn is_transcoded(&self) -> bool {
        self.doc.is_transcoded()
    }

    /// All text that an element holds, at any depth, without comments; costs a look at each node in it.
    #[must_use]
    pub fn text_of(&self, id: NodeId) -> Cow<'_, str> {
        let mut texts = (id.0..self.node(id).after).map(NodeId).filter(|n| self.kind(*n) == NodeKind::Text);
        let Some(first) = texts.next() else { return Cow::Borrowed("") };
        let mut text = self.value(first);
        for more in texts {
            text.to_mut().push_str(&self.value(more));
        }
        text
    }

    /// What holds it: of an attribute its element. `None` for the document.
    #[must_use]
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        (id != NodeId::DOCUMENT).then(|| NodeId(self.node(id).parent))
    }

    /// The first node after this one and all that it holds; may be past the last.
    #[must_use]
    #[inline]
    pub fn after(&self, id: NodeId) -> NodeId {
        NodeId(self.node(id).after)
    }

    /// What an element holds directly, in order, attributes left out.
    pub fn children(&self, id: NodeId) -> Children<'_, 'd> {
        let attributes = u32::try_from(self.attribute_names(id).count()).unwrap_or(0);
        Children { tape: self, next: id.0 + 1 + attributes, after: self.node(id).after }
    }

    /// The elements that an element holds directly.
    pub fn elements(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<'_, 'd> {
        self.children(id).filter(|child| self.kind(*child) == NodeKind::Element)
    }

    /// An element's attributes, in order.
    pub fn attributes(&self, id: NodeId) -> impl Iterator<Item = NodeId> + use<'_, 'd> {
        self.attribute_names(id).map(|(attribute, _)| attribute)
    }

    /// The same with the numbers of their names.
    #[inline]
    pub fn attribute_names(&self, id: NodeId) -> impl Iterator<Item = (NodeId, NameId)> + use<'_, 'd> {
        let node = self.node(id);
        let end = if node.kind == NodeKind::Element { node.after as usize } else { 0 };
        let inside = self.nodes.get(id.index() + 1..end).unwrap_or_default();
        let attributes = inside.iter().take_while(|node| node.kind == NodeKind::Attribute);
        (id.0 + 1..).map(NodeId).zip(attributes.map(|node| node.name))
    }

    /// The attribute of this name as written, among the first [`ATTRIBUTES_LOOKED_AT_MAX`].
    #[must_use]
    pub fn attr_id(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self.attributes(id).take(ATTRIBUTES_LOOKED_AT_MAX).find(|attribute| self.name(*attribute) == name)
    }

    /// The value of the attribute of this name.
    #[must_use]
    pub fn attr(&self, id: NodeId, name: &str) -> Option<Cow<'_, str>> {
        self.attr_id(id, name).map(|attribute| self.value(attribute))
    }

    fn origins(&self, range: Range<usize>) -> Range<usize> {
        self.doc.origin(range.start)..self.doc.origin(range.end)
    }

    fn count(&self) -> u32 {
        u32::try_from(self.nodes.len())
            .expect("nodes are fewer than the document's bytes, which fit in 32 bits")
    }

    #[inline]
    fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.index()).unwrap_or(&NOTHING)
    }

    fn spelling(&self, name: NameId) -> &Spelling {
        self.names.get(name.index()).unwrap_or(&Spelling::NOTHING)
    }
}

impl std::fmt::Debug for Tape<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tape({} nodes of {} bytes)", self.nodes.len(), self.doc.text.len())
    }
}

/// What an element holds directly: [`Tape::children`].
#[derive(Debug)]
pub struct Children<'t, 'd> {
    tape: &'t Tape<'d>,
    next: u32,
    after: u32,
}

impl Iterator for Children<'_, '_> {
    type Item = NodeId;

    fn next(&mut self) -> Option<NodeId> {
        if self.next >= self.after {
            return None;
        }
        let id = NodeId(self.next);
        self.next = self.tape.node(id).after;
        Some(id)
    }
}

/// Longer documents are refused: offsets take 32 bits.
const DOCUMENT_BYTES_MAX: usize = 1 << 31;

const NO_NODE: u32 = u32::MAX;

const NOTHING: Node = Node {
    start: 0,
    end: 0,
    name_start: 0,
    parent: 0,
    after: u32::MAX,
    namespace: NO_NODE,
    name: NameId::NONE,
    kind: NodeKind::Text,
    escaped: false,
    cdata: false,
};
