//! Text to nodes: one pass, with a stack of open elements instead of recursion. Names are numbered on the way (`names.rs`).

use super::again::{Again, Copied, Slot, Tags};
use super::cursor::{Cursor, MARKS, is_space, not_a_character};
use super::names::{NameId, Names, Spelling};
use super::{NO_NODE, Node, NodeKind};
use crate::inspect::walk::WalkError;
use std::ops::Range;

/// What a document was read into.
pub(super) struct Read {
    pub(super) nodes: Vec<Node>,
    pub(super) names: Vec<Spelling>,
    /// The number of the root element.
    pub(super) root: u32,
    /// Elements whose start tags are written as others, in order.
    pub(super) copies: Vec<Copied>,
}

/// Reads a document whose length fits in 32 bits.
pub(super) fn read(text: &str, depth_max: usize) -> Result<Read, WalkError> {
    let marks = MARKS.blocks(text.as_bytes());
    if let Some(at) = not_a_character(text.as_bytes(), &marks) {
        return Err(WalkError::Malformed { at });
    }
    let mut reader = Reader {
        cursor: Cursor { text, marks: &marks, at: 0, colon: 0 },
        doc: text.as_bytes(),
        depth_max,
        nodes: Vec::with_capacity(text.len() / BYTES_A_NODE + 4),
        names: Names::new(text.as_bytes()),
        tags: Tags::new(text.as_bytes()),
        element: NameId::NONE,
        open: Vec::new(),
        scope: Vec::new(),
        default: NO_NODE,
        root: None,
    };
    reader.document()?;
    let root = reader.root.ok_or(WalkError::Malformed { at: text.len() })?;
    let (names, copies) = (reader.names.into_spellings(), reader.tags.copies);
    Ok(Read { nodes: reader.nodes, names, root, copies })
}

struct Reader<'d> {
    cursor: Cursor<'d>,
    doc: &'d [u8],
    depth_max: usize,
    nodes: Vec<Node>,
    names: Names<'d>,
    tags: Tags,
    /// The name of the element that began last.
    element: NameId,
    /// Bounded by `depth_max`.
    open: Vec<Open>,
    /// Namespace declarations in force, the nearest last; bounded by [`DECLARATIONS_MAX`].
    scope: Vec<Declaration>,
    /// The attribute that declares what names without a prefix have, or [`NO_NODE`].
    default: u32,
    root: Option<u32>,
}

/// An element that isn't closed yet.
#[derive(Clone, Copy)]
struct Open {
    id: u32,
    /// How many declarations were in force before it.
    declarations: usize,
}

/// `xmlns` or `xmlns:prefix`.
struct Declaration {
    /// Where the prefix stands; empty for the default namespace.
    prefix: Range<usize>,
    /// The attribute.
    node: u32,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(), WalkError> {
        self.push(NodeKind::Document, NOTHING, 0..self.doc.len());
        if self.doc.starts_with(super::encoding::BOM) {
            self.cursor.at = super::encoding::BOM.len();
        }
        if self.cursor.starts_with("<?xml") && self.doc.get(self.cursor.at + 5).copied().is_some_and(is_space)
        {
            self.declaration()?;
        }
        let mut doctype = false;
        while self.cursor.at < self.doc.len() {
            if self.cursor.peek() != Some(b'<') {
                self.run()?;
                continue;
            }
            match self.doc.get(self.cursor.at + 1) {
                Some(b'/') => self.end_tag()?,
                Some(b'?') => self.instruction()?,
                Some(b'!') if self.cursor.starts_with("<!--") => self.comment()?,
                Some(b'!') if self.cursor.starts_with("<![CDATA[") => self.cdata()?,
                Some(b'!') if self.cursor.starts_with("<!DOCTYPE") && self.root.is_none() && !doctype => {
                    self.doctype()?;
                    doctype = true;
                }
                _ => self.start_tag()?,
            }
        }
        if !self.open.is_empty() {
            return Err(self.cursor.malformed());
        }
        let after = to_u32(self.nodes.len());
        if let Some(document) = self.nodes.first_mut() {
            document.after = after;
        }
        Ok(())
    }

    /// `<?xml version="1.0" encoding="…" standalone="…"?>`
    fn declaration(&mut self) -> Result<(), WalkError> {
        self.cursor.at += "<?xml".len();
        let mut seen = 0;
        loop {
            let blank = self.cursor.space();
            if self.cursor.starts_with("?>") && seen > 0 {
                self.cursor.at += 2;
                return Ok(());
            }
            let known = DECLARATION_WORDS.iter().skip(seen).position(|word| self.cursor.starts_with(word));
            let Some(word) = known.map(|k| k + seen).filter(|word| blank && (seen > 0 || *word == 0)) else {
                return Err(self.cursor.malformed());
            };
            seen = word + 1;
            self.cursor.at += DECLARATION_WORDS.get(word).map_or(0, |w| w.len());
            self.cursor.equals()?;
            let (value, escaped) = self.cursor.quoted()?;
            let value = self.doc.get(value).unwrap_or_default();
            let fits = match word {
                0 => value
                    .strip_prefix(b"1.")
                    .is_some_and(|v| !v.is_empty() && v.iter().all(u8::is_ascii_digit)),
                1 => !value.is_empty(),
                _ => value == b"yes" || value == b"no",
            };
            if escaped || !fits {
                return Err(self.cursor.malformed());
            }
        }
    }

    /// `<!DOCTYPE name PUBLIC "…" "…">`: no internal subset, so that no entity is ever declared, and what it points at
    /// is never fetched. What it says is an instruction's text.
    fn doctype(&mut self) -> Result<(), WalkError> {
        let word = self.cursor.at + "<!".len()..self.cursor.at + "<!DOCTYPE".len();
        self.cursor.at = word.end;
        if !self.cursor.space() {
            return Err(self.cursor.malformed());
        }
        let from = self.cursor.at;
        self.cursor.name()?;
        let blank = self.cursor.space();
        let literals = match () {
            () if self.cursor.starts_with("SYSTEM") => 1,
            () if self.cursor.starts_with("PUBLIC") => 2,
            () => 0,
        };
        if literals > 0 {
            if !blank {
                return Err(self.cursor.malformed());
            }
            self.cursor.at += "SYSTEM".len();
            for _ in 0..literals {
                let quote = if self.cursor.space() { self.cursor.peek() } else { None };
                let Some(quote @ (b'"' | b'\'')) = quote else { return Err(self.cursor.malformed()) };
                self.cursor.at += 1;
                self.cursor.past(memchr::memchr(quote, self.cursor.rest()), 1)?;
            }
            self.cursor.space();
        }
        if self.cursor.peek() != Some(b'>') {
            return Err(self.cursor.malformed());
        }
        let name = self.names.number(word.clone(), 0).ok_or_else(|| self.cursor.malformed())?;
        self.push(NodeKind::Instruction, (name, word.start), from..self.cursor.at);
        self.cursor.at += 1;
        Ok(())
    }

    /// Text up to the next tag. Blanks between tags make no node.
    fn run(&mut self) -> Result<(), WalkError> {
        let from = self.cursor.at;
        self.cursor.blanks();
        if self.cursor.peek().is_none_or(|b| b == b'<') {
            return Ok(());
        }
        let mut escaped = false;
        loop {
            self.cursor.at = self.cursor.mark(self.cursor.at).unwrap_or(self.doc.len());
            match self.cursor.peek() {
                Some(b'&') => {
                    escaped = true;
                    self.cursor.reference()?;
                }
                Some(b']') if self.cursor.starts_with("]]>") => return Err(self.cursor.malformed()),
                Some(b']' | b'"') => self.cursor.at += 1,
                _ => break,
            }
        }
        if self.open.is_empty() {
            self.cursor.at = from;
            return Err(self.cursor.malformed());
        }
        self.push_in(self.innermost(), NodeKind::Text, NOTHING, from..self.cursor.at, escaped);
        Ok(())
    }

    fn cdata(&mut self) -> Result<(), WalkError> {
        if self.open.is_empty() {
            return Err(self.cursor.malformed());
        }
        self.cursor.at += "<![CDATA[".len();
        let span = self.cursor.past(memchr::memmem::find(self.cursor.rest(), b"]]>"), 3)?;
        if !span.is_empty() {
            let id = self.push(NodeKind::Text, NOTHING, span);
            self.node_mut(id).cdata = true;
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), WalkError> {
        self.cursor.at += "<!--".len();
        let rest = self.cursor.rest();
        let end = memchr::memchr_iter(b'-', rest).find(|at| rest.get(at + 1) == Some(&b'-'));
        let span = self.cursor.past(end, 2)?;
        if self.cursor.peek() != Some(b'>') {
            return Err(self.cursor.malformed());
        }
        self.cursor.at += 1;
        self.push(NodeKind::Comment, NOTHING, span);
        Ok(())
    }

    fn instruction(&mut self) -> Result<(), WalkError> {
        self.cursor.at += "<?".len();
        let start = self.cursor.at;
        let name = self.name()?;
        if self.names.text(name).eq_ignore_ascii_case(b"xml") {
            return Err(self.cursor.malformed());
        }
        if !self.cursor.space() && !self.cursor.starts_with("?>") {
            return Err(self.cursor.malformed());
        }
        let span = self.cursor.past(memchr::memmem::find(self.cursor.rest(), b"?>"), 2)?;
        self.push(NodeKind::Instruction, (name, start), span);
        Ok(())
    }

    fn start_tag(&mut self) -> Result<(), WalkError> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.cursor.malformed());
        }
        self.cursor.at += 1;
        let start = self.cursor.at;
        let name = self.element_name()?;
        if self.open.len() >= self.depth_max {
            return Err(WalkError::TooDeep { max: self.depth_max });
        }
        let id = self.push(NodeKind::Element, (name, start), 0..0);
        self.root.get_or_insert(id);
        self.open.push(Open { id, declarations: self.scope.len() });
        if self.cursor.peek() == Some(b'>') {
            self.cursor.at += 1;
            self.tag_ends(id, false, self.has_prefix(name));
            return Ok(());
        }
        let slot = self.tags.slot(self.doc, name, self.cursor.at);
        if let Some(again) = self.again(slot, start) {
            self.cursor.at = again.end;
            self.tag_ends(id, again.empty, again.prefixed);
            return Ok(());
        }
        let declarations = self.scope.len();
        // A bit for each name that an attribute may have: few share one.
        let (mut seen, mut twice, mut prefixed) = (0_u64, false, self.has_prefix(name));
        let mut before = name;
        let empty = loop {
            let blank = self.cursor.space();
            match self.cursor.peek() {
                Some(b'>') => break false,
                Some(b'/') if self.cursor.starts_with("/>") => break true,
                _ if blank => {
                    let (name, has_prefix) = self.attribute(id, before)?;
                    before = name;
                    let bit = 1 << (name.index() % 64);
                    twice |= seen & bit != 0;
                    seen |= bit;
                    prefixed |= has_prefix;
                }
                _ => return Err(self.cursor.malformed()),
            }
        };
        if twice {
            self.no_attribute_twice(id)?;
        }
        self.cursor.at += if empty { 2 } else { 1 };
        if self.scope.len() > declarations {
            self.find_default();
        } else if self.nodes.len() > id as usize + 1 {
            self.tags.read(slot, id, (start, self.cursor.at), &self.nodes, (empty, prefixed));
        }
        self.tag_ends(id, empty, prefixed);
        Ok(())
    }

    /// The start tag, whose name begins at `start`, as another that was read.
    #[inline]
    fn again(&mut self, slot: Slot, start: usize) -> Option<Again> {
        #[cfg(test)]
        if super::again::FORGETS.get() {
            return None;
        }
        self.tags.again(self.doc, slot, start, &mut self.nodes)
    }

    /// Behind a start tag.
    #[inline]
    fn tag_ends(&mut self, id: u32, empty: bool, prefixed: bool) {
        let (start, namespace) = (to_u32(self.cursor.at), self.default);
        let node = self.node_mut(id);
        (node.start, node.namespace) = (start, namespace);
        if prefixed {
            self.namespaces(id);
        }
        if empty {
            self.close(self.cursor.at);
        }
    }

    fn has_prefix(&self, name: NameId) -> bool {
        self.names.spelling(name).colon() > 0
    }

    /// Past an element's name: the one that is expected behind the element before, or any.
    fn element_name(&mut self) -> Result<NameId, WalkError> {
        let start = self.cursor.at;
        let ends = |at: usize| matches!(self.doc.get(at), Some(b' ' | b'>' | b'/' | b'\n' | b'\r' | b'\t'));
        let name = match self.names.element_at(self.element, start).filter(|(_, length)| ends(start + length))
        {
            Some((name, length)) => {
                self.cursor.at += length;
                name
            }
            None => {
                let name = self.name()?;
                self.names.expect_element(self.element, name);
                name
            }
        };
        self.element = name;
        Ok(name)
    }

    /// Past a name: one that was read before, or letter by letter.
    fn name(&mut self) -> Result<NameId, WalkError> {
        if let Some((name, length)) = self.names.known_at(self.cursor.at) {
            self.cursor.at += length;
            return Ok(name);
        }
        let name = self.cursor.name()?;
        self.names.number(name, self.cursor.colon).ok_or_else(|| self.cursor.malformed())
    }

    /// An attribute that stands behind one of the name `before`, or right behind the element's name: its name, and whether
    /// that has a prefix.
    fn attribute(&mut self, element: u32, before: NameId) -> Result<(NameId, bool), WalkError> {
        let start = self.cursor.at;
        let expected = self.names.attribute_at(before, start);
        let plain =
            expected.and_then(|(name, length)| Some((name, self.cursor.plain_value(start + length)?)));
        let (name, span, escaped) = match plain {
            Some((name, span)) => (name, span, false),
            None => {
                let read = self.any_attribute(start)?;
                self.names.expect_attribute(before, read.0);
                read
            }
        };
        let id = self.push_in(element, NodeKind::Attribute, (name, start), span, escaped);
        let spelling = *self.names.spelling(name);
        if spelling.declares {
            if self.scope.len() >= DECLARATIONS_MAX {
                return Err(self.cursor.malformed());
            }
            let whole = spelling.whole();
            let prefix = whole.start + spelling.skipped().max("xmlns".len())..whole.end;
            self.scope.push(Declaration { prefix, node: id });
        }
        Ok((name, spelling.colon() > 0))
    }

    /// Past an attribute: its name, where its value stands, whether that has references.
    fn any_attribute(&mut self, start: usize) -> Result<(NameId, Range<usize>, bool), WalkError> {
        let known = self.names.known_at(start);
        let plain = known.and_then(|(name, length)| Some((name, self.cursor.plain_value(start + length)?)));
        if let Some((name, span)) = plain {
            return Ok((name, span, false));
        }
        let name = self.name()?;
        self.cursor.equals()?;
        let (span, escaped) = self.cursor.quoted()?;
        Ok((name, span, escaped))
    }

    fn no_attribute_twice(&self, element: u32) -> Result<(), WalkError> {
        let attributes = self.nodes.get(element as usize + 1..).unwrap_or_default();
        let mut names: Vec<usize> = attributes.iter().map(|a| a.name.index()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            Err(self.cursor.malformed())
        } else {
            Ok(())
        }
    }

    /// Finds the declaration of the element's namespace and of those of its attributes that have a prefix.
    fn namespaces(&mut self, element: u32) {
        for id in element..to_u32(self.nodes.len()) {
            let Some(node) = self.nodes.get(id as usize) else { return };
            let spelling = self.names.spelling(node.name);
            let namespace = match spelling.colon() {
                0 if node.kind == NodeKind::Attribute => continue,
                0 => self.default,
                _ => self.declaration_of(self.doc.get(spelling.prefix()).unwrap_or_default()),
            };
            self.node_mut(id).namespace = namespace;
        }
    }

    fn find_default(&mut self) {
        self.default = self.declaration_of(b"");
    }

    /// The attribute that declares the namespace of a prefix here, or [`NO_NODE`].
    fn declaration_of(&self, prefix: &[u8]) -> u32 {
        let found = self.scope.iter().rev().find(|d| self.doc.get(d.prefix.clone()) == Some(prefix));
        found.map_or(NO_NODE, |declaration| declaration.node)
    }

    fn end_tag(&mut self) -> Result<(), WalkError> {
        let end = self.cursor.at;
        let Some(open) = self.open.last().copied() else { return Err(self.cursor.malformed()) };
        self.cursor.at += 2;
        let name = self.nodes.get(open.id as usize).map_or(NameId::NONE, |node| node.name);
        let start = self.cursor.at;
        let plain = self.names.stands_at(name, start).map(|length| start + length);
        match plain.filter(|at| self.doc.get(*at) == Some(&b'>')) {
            Some(at) => self.cursor.at = at,
            None => {
                let written = self.cursor.name()?;
                if Some(self.names.text(name)) != self.doc.get(written) {
                    return Err(WalkError::Malformed { at: end });
                }
                self.cursor.space();
                if self.cursor.peek() != Some(b'>') {
                    return Err(self.cursor.malformed());
                }
            }
        }
        self.cursor.at += 1;
        self.close(end);
        Ok(())
    }

    /// Closes the element that was opened last; what it holds ends at `end`.
    fn close(&mut self, end: usize) {
        let after = to_u32(self.nodes.len());
        if let Some(open) = self.open.pop() {
            if self.scope.len() > open.declarations {
                self.scope.truncate(open.declarations);
                self.find_default();
            }
            let node = self.node_mut(open.id);
            node.end = to_u32(end);
            node.after = after;
        }
    }

    /// The element that is open, or the document.
    #[inline]
    fn innermost(&self) -> u32 {
        self.open.last().map_or(0, |open| open.id)
    }

    /// One node more in the innermost: its name's number and where it stands.
    fn push(&mut self, kind: NodeKind, name: (NameId, usize), span: Range<usize>) -> u32 {
        self.push_in(self.innermost(), kind, name, span, false)
    }

    #[inline]
    fn push_in(
        &mut self,
        parent: u32,
        kind: NodeKind,
        (name, name_start): (NameId, usize),
        span: Range<usize>,
        escaped: bool,
    ) -> u32 {
        let id = to_u32(self.nodes.len());
        self.nodes.push(Node {
            start: to_u32(span.start),
            end: to_u32(span.end),
            name_start: to_u32(name_start),
            parent,
            after: id + 1,
            namespace: NO_NODE,
            name,
            kind,
            escaped,
            cdata: false,
        });
        id
    }

    fn node_mut(&mut self, id: u32) -> &mut Node {
        self.nodes.get_mut(id as usize).expect("a node that was pushed before")
    }
}

/// Offsets and counts stay below the text's length.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).expect("the text's length fits in 32 bits: checked before reading")
}

/// What a declaration may say, in order; the first is demanded.
const DECLARATION_WORDS: [&str; 3] = ["version", "encoding", "standalone"];

/// Namespace declarations in force at one time; each name looks through them.
const DECLARATIONS_MAX: usize = 256;

/// Of what has no name.
const NOTHING: (NameId, usize) = (NameId::NONE, 0);

/// A first guess: C-CDA without blanks has a node in about twenty bytes.
const BYTES_A_NODE: usize = 16;
