//! A tape in the shape of JSON of a document that is written otherwise, so that what reads JSON reads it too. Keys and
//! values stay where the document has them.

use super::word::{NO_VOCABULARY, Word};
use super::{KeyKind, Node, NodeId, NodeKind, Tape};
use std::ops::Range;

/// Makes a [`Tape`], value by value in the order in which JSON would have them.
pub struct Builder<'d> {
    text: &'d str,
    origins: Option<&'d dyn Origins>,
    unescape: fn(&str) -> String,
    nodes: Vec<Node>,
    open: Vec<u32>,
}

/// What a value is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// It is the whole document.
    Root,
    /// By the document at this span.
    At(Range<usize>),
    /// In a word that the document doesn't spell out.
    Said(Said),
    /// The element of an array with this number.
    Element(usize),
}

/// A key that the document doesn't spell out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// `resourceType`: the type of a resource that is named by its element.
    ResourceType,
    /// `value`: what stands in an element that has more.
    Value,
    /// `comment`
    Comment,
}

impl Said {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ResourceType => "resourceType",
            Self::Value => "value",
            Self::Comment => "comment",
        }
    }
}

/// Where a document's bytes stand that aren't where its text has them: Latin-1 read as UTF-8.
pub trait Origins {
    /// The place in the document of byte `at` of the text.
    fn origin(&self, at: usize) -> usize;
}

impl<'d> Builder<'d> {
    /// One for a text of up to 4 GiB, and how the escapes of its values are undone; `origins` where the text isn't
    /// the document as it came.
    #[must_use]
    pub fn new(
        text: &'d str,
        origins: Option<&'d dyn Origins>,
        unescape: fn(&str) -> String,
    ) -> Option<Self> {
        u32::try_from(text.len()).ok()?;
        Some(Self { text, origins, unescape, nodes: Vec::new(), open: Vec::new() })
    }

    /// Begins an object or an array that lies at this span.
    pub fn open(&mut self, kind: NodeKind, key: &Key, span: Range<usize>) {
        let id = small(self.nodes.len());
        self.push(kind, key, span, false);
        self.open.push(id);
    }

    /// Ends what began last.
    pub fn close(&mut self) {
        let after = small(self.nodes.len());
        if let Some(node) = self.open.pop().and_then(|id| self.nodes.get_mut(id as usize)) {
            node.after = after;
        }
    }

    /// A value at this span; `escaped` where its escapes are to be undone.
    pub fn value(&mut self, kind: NodeKind, key: &Key, span: Range<usize>, escaped: bool) {
        self.push(kind, key, span, escaped);
    }

    /// How many arrays and objects are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// The tape, if there is a value on it.
    #[must_use]
    pub fn tape(mut self) -> Option<Tape<'d>> {
        while !self.open.is_empty() {
            self.close();
        }
        let fits = u32::try_from(self.nodes.len()).is_ok();
        (fits && !self.nodes.is_empty()).then_some(Tape {
            text: self.text,
            origins: self.origins,
            unescape: self.unescape,
            words_of: NO_VOCABULARY,
            is_json: false,
            nodes: self.nodes,
            copies: Vec::new(),
        })
    }

    fn push(&mut self, kind: NodeKind, key: &Key, span: Range<usize>, escaped: bool) {
        let (key, key_start, key_end) = match key {
            Key::Root => (KeyKind::Element, 0, 0),
            Key::At(at) => (KeyKind::Plain, small(at.start), small(at.end)),
            Key::Said(word) => (KeyKind::Said(*word), small(span.start), small(span.end)),
            Key::Element(number) => (KeyKind::Element, small(*number), 0),
        };
        self.nodes.push(Node {
            kind,
            escaped,
            key,
            word: Word::NONE,
            start: small(span.start),
            end: small(span.end),
            key_start,
            key_end,
            parent: self.open.last().copied().unwrap_or(small(NodeId::ROOT.index())),
            after: small(self.nodes.len() + 1),
        });
    }
}

/// Offsets lie in the document, and a document of so many values would be longer than one may be.
pub(super) fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_made_by_hand_reads_as_one_of_json() {
        let text = "Patient name=A&amp;B given x y";
        let mut builder = Builder::new(text, None, |raw| raw.replace("&amp;", "&")).unwrap();
        builder.open(NodeKind::Object, &Key::Root, 0..30);
        builder.value(NodeKind::String, &Key::Said(Said::ResourceType), 0..7, false);
        builder.value(NodeKind::String, &Key::At(8..12), 13..20, true);
        builder.open(NodeKind::Array, &Key::At(21..26), 21..30);
        builder.value(NodeKind::String, &Key::Element(0), 27..28, false);
        builder.value(NodeKind::String, &Key::Element(1), 29..30, false);
        let tape = builder.tape().unwrap();
        assert_eq!(tape.string(NodeId::ROOT, "resourceType").unwrap(), "Patient");
        assert_eq!(tape.string(NodeId::ROOT, "name").unwrap(), "A&B");
        let given = tape.get(NodeId::ROOT, "given").unwrap();
        let elements: Vec<_> =
            tape.children(given).map(|id| (tape.element(id), tape.value(id).into_owned())).collect();
        assert_eq!(elements, [(Some(0), "x".to_owned()), (Some(1), "y".to_owned())]);
        assert_eq!(tape.key_span(tape.get(NodeId::ROOT, "resourceType").unwrap()), Some(0..7));
        assert!(Builder::new("", None, str::to_owned).unwrap().tape().is_none());
    }
}
