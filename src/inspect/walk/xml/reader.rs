//! Text to nodes: one pass, with a stack of open elements instead of recursion.

use super::escape::reference;
use super::{NO_NODE, Node, NodeKind};
use crate::inspect::walk::WalkError;
use std::ops::Range;

/// Reads a document whose length fits in 32 bits: the nodes, and the number of the root element.
pub(super) fn read(text: &str, depth_max: usize) -> Result<(Vec<Node>, u32), WalkError> {
    if let Some(at) = not_a_character(text.as_bytes()) {
        return Err(WalkError::Malformed { at });
    }
    let mut reader = Reader {
        text,
        doc: text.as_bytes(),
        at: 0,
        depth_max,
        nodes: Vec::with_capacity(text.len() / BYTES_A_NODE + 4),
        open: Vec::new(),
        scope: Vec::new(),
        root: None,
    };
    reader.document()?;
    let root = reader.root.ok_or(WalkError::Malformed { at: text.len() })?;
    Ok((reader.nodes, root))
}

struct Reader<'d> {
    text: &'d str,
    doc: &'d [u8],
    at: usize,
    depth_max: usize,
    nodes: Vec<Node>,
    /// Bounded by `depth_max`.
    open: Vec<Open>,
    /// Namespace declarations in force, the nearest last; bounded by [`DECLARATIONS_MAX`].
    scope: Vec<Declaration>,
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
        self.push(NodeKind::Document, 0..0, 0..self.doc.len())?;
        if self.doc.starts_with(super::encoding::BOM) {
            self.at = super::encoding::BOM.len();
        }
        if self.starts_with("<?xml") && self.doc.get(self.at + 5).copied().is_some_and(is_space) {
            self.declaration()?;
        }
        let mut doctype = false;
        while self.at < self.doc.len() {
            if self.peek() != Some(b'<') {
                self.run()?;
                continue;
            }
            match self.doc.get(self.at + 1) {
                Some(b'/') => self.end_tag()?,
                Some(b'?') => self.instruction()?,
                Some(b'!') if self.starts_with("<!--") => self.comment()?,
                Some(b'!') if self.starts_with("<![CDATA[") => self.cdata()?,
                Some(b'!') if self.starts_with("<!DOCTYPE") && self.root.is_none() && !doctype => {
                    self.doctype()?;
                    doctype = true;
                }
                _ => self.start_tag()?,
            }
        }
        if !self.open.is_empty() {
            return Err(self.malformed());
        }
        let after = to_u32(self.nodes.len());
        if let Some(document) = self.nodes.first_mut() {
            document.after = after;
        }
        Ok(())
    }

    /// `<?xml version="1.0" encoding="…" standalone="…"?>`
    fn declaration(&mut self) -> Result<(), WalkError> {
        self.at += "<?xml".len();
        let mut seen = 0;
        loop {
            let blank = self.space();
            if self.starts_with("?>") && seen > 0 {
                self.at += 2;
                return Ok(());
            }
            let known = DECLARATION_WORDS.iter().skip(seen).position(|word| self.starts_with(word));
            let Some(word) = known.map(|k| k + seen).filter(|word| blank && (seen > 0 || *word == 0)) else {
                return Err(self.malformed());
            };
            seen = word + 1;
            self.at += DECLARATION_WORDS.get(word).map_or(0, |w| w.len());
            self.equals()?;
            let (value, escaped) = self.quoted()?;
            let value = self.doc.get(value).unwrap_or_default();
            let fits = match word {
                0 => value
                    .strip_prefix(b"1.")
                    .is_some_and(|v| !v.is_empty() && v.iter().all(u8::is_ascii_digit)),
                1 => !value.is_empty(),
                _ => value == b"yes" || value == b"no",
            };
            if escaped || !fits {
                return Err(self.malformed());
            }
        }
    }

    /// `<!DOCTYPE name PUBLIC "…" "…">`: no internal subset, so that no entity is ever declared, and what it points at
    /// is never fetched.
    fn doctype(&mut self) -> Result<(), WalkError> {
        self.at += "<!DOCTYPE".len();
        if !self.space() {
            return Err(self.malformed());
        }
        self.name()?;
        let blank = self.space();
        let literals = match () {
            () if self.starts_with("SYSTEM") => 1,
            () if self.starts_with("PUBLIC") => 2,
            () => 0,
        };
        if literals > 0 {
            if !blank {
                return Err(self.malformed());
            }
            self.at += "SYSTEM".len();
            for _ in 0..literals {
                let quote = if self.space() { self.peek() } else { None };
                let Some(quote @ (b'"' | b'\'')) = quote else { return Err(self.malformed()) };
                self.at += 1;
                self.past(memchr::memchr(quote, self.rest()), 1)?;
            }
            self.space();
        }
        if self.peek() != Some(b'>') {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(())
    }

    /// Text up to the next tag. Blanks between tags make no node.
    fn run(&mut self) -> Result<(), WalkError> {
        let from = self.at;
        let mut escaped = false;
        loop {
            self.at += memchr::memchr3(b'<', b'&', b']', self.rest()).unwrap_or(self.rest().len());
            match self.peek() {
                Some(b'&') => {
                    escaped = true;
                    self.reference()?;
                }
                Some(b']') if self.starts_with("]]>") => return Err(self.malformed()),
                Some(b']') => self.at += 1,
                _ => break,
            }
        }
        let span = from..self.at;
        if self.doc.get(span.clone()).is_some_and(|run| run.iter().all(|b| is_space(*b))) {
            return Ok(());
        }
        if self.open.is_empty() {
            self.at = from;
            return Err(self.malformed());
        }
        let id = self.push(NodeKind::Text, 0..0, span)?;
        self.node_mut(id).escaped = escaped;
        Ok(())
    }

    fn cdata(&mut self) -> Result<(), WalkError> {
        if self.open.is_empty() {
            return Err(self.malformed());
        }
        self.at += "<![CDATA[".len();
        let span = self.past(memchr::memmem::find(self.rest(), b"]]>"), 3)?;
        if !span.is_empty() {
            self.push(NodeKind::Text, 0..0, span)?;
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), WalkError> {
        self.at += "<!--".len();
        let span = self.past(memchr::memmem::find(self.rest(), b"--"), 2)?;
        if self.peek() != Some(b'>') {
            return Err(self.malformed());
        }
        self.at += 1;
        self.push(NodeKind::Comment, 0..0, span)?;
        Ok(())
    }

    fn instruction(&mut self) -> Result<(), WalkError> {
        self.at += "<?".len();
        let name = self.name()?;
        if self.doc.get(name.clone()).is_some_and(|n| n.eq_ignore_ascii_case(b"xml")) {
            return Err(self.malformed());
        }
        if !self.space() && !self.starts_with("?>") {
            return Err(self.malformed());
        }
        let span = self.past(memchr::memmem::find(self.rest(), b"?>"), 2)?;
        self.push(NodeKind::Instruction, name, span)?;
        Ok(())
    }

    fn start_tag(&mut self) -> Result<(), WalkError> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.malformed());
        }
        self.at += 1;
        let name = self.name()?;
        if self.open.len() >= self.depth_max {
            return Err(WalkError::TooDeep { max: self.depth_max });
        }
        let id = self.push(NodeKind::Element, name, 0..0)?;
        self.root.get_or_insert(id);
        self.open.push(Open { id, declarations: self.scope.len() });
        let empty = loop {
            let blank = self.space();
            match self.peek() {
                Some(b'>') => break false,
                Some(b'/') if self.starts_with("/>") => break true,
                _ if blank => self.attribute(id)?,
                _ => return Err(self.malformed()),
            }
        };
        self.no_attribute_twice(id)?;
        self.namespaces(id);
        self.at += if empty { 2 } else { 1 };
        self.node_mut(id).start = to_u32(self.at);
        if empty {
            self.close(self.at);
        }
        Ok(())
    }

    fn attribute(&mut self, element: u32) -> Result<(), WalkError> {
        let name = self.name()?;
        self.equals()?;
        let (span, escaped) = self.quoted()?;
        let id = self.push(NodeKind::Attribute, name.clone(), span)?;
        self.node_mut(id).escaped = escaped;
        self.node_mut(id).parent = element;
        let prefix = match self.text.get(name.clone()) {
            Some("xmlns") => name.end..name.end,
            Some(n) if n.starts_with("xmlns:") => name.start + "xmlns:".len()..name.end,
            _ => return Ok(()),
        };
        if self.scope.len() >= DECLARATIONS_MAX {
            return Err(self.malformed());
        }
        self.scope.push(Declaration { prefix, node: id });
        Ok(())
    }

    fn no_attribute_twice(&self, element: u32) -> Result<(), WalkError> {
        let attributes = self.nodes.get(element as usize + 1..).unwrap_or_default();
        if attributes.len() < 2 {
            return Ok(());
        }
        let mut names: Vec<&[u8]> =
            attributes.iter().map(|a| self.doc.get(a.name()).unwrap_or_default()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) { Err(self.malformed()) } else { Ok(()) }
    }

    /// Finds the declaration of the element's namespace and of those of its attributes that have a prefix.
    fn namespaces(&mut self, element: u32) {
        for id in element..to_u32(self.nodes.len()) {
            let Some(node) = self.nodes.get(id as usize) else { return };
            if node.kind == NodeKind::Attribute && node.colon == 0 {
                continue;
            }
            let prefix = self.doc.get(node.prefix()).unwrap_or_default();
            let found = self.scope.iter().rev().find(|d| self.doc.get(d.prefix.clone()) == Some(prefix));
            if let Some(declaration) = found {
                self.node_mut(id).namespace = declaration.node;
            }
        }
    }

    fn end_tag(&mut self) -> Result<(), WalkError> {
        let end = self.at;
        let Some(open) = self.open.last().copied() else { return Err(self.malformed()) };
        self.at += 2;
        let name = self.name()?;
        let opened = self.nodes.get(open.id as usize).and_then(|n| self.doc.get(n.name()));
        if opened != self.doc.get(name) {
            return Err(WalkError::Malformed { at: end });
        }
        self.space();
        if self.peek() != Some(b'>') {
            return Err(self.malformed());
        }
        self.at += 1;
        self.close(end);
        Ok(())
    }

    /// Closes the element that was opened last; what it holds ends at `end`.
    fn close(&mut self, end: usize) {
        let after = to_u32(self.nodes.len());
        if let Some(open) = self.open.pop() {
            self.scope.truncate(open.declarations);
            let node = self.node_mut(open.id);
            node.end = to_u32(end);
            node.after = after;
        }
    }

    /// Past `"…"` or `'…'`: what stands between, and whether it has references.
    fn quoted(&mut self) -> Result<(Range<usize>, bool), WalkError> {
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

    fn reference(&mut self) -> Result<(), WalkError> {
        let (_, length) = self.text.get(self.at..).and_then(reference).ok_or_else(|| self.malformed())?;
        self.at += length;
        Ok(())
    }

    /// Past a name with at most one colon inside (Namespaces in XML 1.0, section 4).
    fn name(&mut self) -> Result<Range<usize>, WalkError> {
        let from = self.at;
        loop {
            let part = self.at;
            while let Some(c) = self.doc.get(self.at) {
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
            self.at += 1;
        }
    }

    fn equals(&mut self) -> Result<(), WalkError> {
        self.space();
        if self.peek() != Some(b'=') {
            return Err(self.malformed());
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Past blanks; whether there were any.
    fn space(&mut self) -> bool {
        let from = self.at;
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
        self.at > from
    }

    /// What stands before `found` in the rest; past it and `length` bytes more.
    fn past(&mut self, found: Option<usize>, length: usize) -> Result<Range<usize>, WalkError> {
        let found = found.ok_or_else(|| self.malformed())?;
        let from = self.at;
        self.at += found + length;
        Ok(from..from + found)
    }

    fn push(&mut self, kind: NodeKind, name: Range<usize>, span: Range<usize>) -> Result<u32, WalkError> {
        let id = u32::try_from(self.nodes.len()).map_err(|_| self.malformed())?;
        let colon = self.doc.get(name.clone()).and_then(|n| memchr::memchr(b':', n)).unwrap_or(0);
        self.nodes.push(Node {
            start: to_u32(span.start),
            end: to_u32(span.end),
            name_start: to_u32(name.start),
            name_length: u16::try_from(name.len()).map_err(|_| self.malformed())?,
            colon: u16::try_from(colon).map_err(|_| self.malformed())?,
            parent: self.open.last().map_or(0, |open| open.id),
            after: id + 1,
            namespace: NO_NODE,
            kind,
            escaped: false,
        });
        Ok(id)
    }

    fn node_mut(&mut self, id: u32) -> &mut Node {
        self.nodes.get_mut(id as usize).expect("a node that was pushed before")
    }

    fn rest(&self) -> &[u8] {
        self.doc.get(self.at..).unwrap_or_default()
    }

    fn starts_with(&self, word: &str) -> bool {
        self.rest().starts_with(word.as_bytes())
    }

    fn peek(&self) -> Option<u8> {
        self.doc.get(self.at).copied()
    }

    fn malformed(&self) -> WalkError {
        WalkError::Malformed { at: self.at }
    }
}

/// The first place of what no document may hold: control characters, U+FFFE, U+FFFF (XML 1.0, section 2.2).
fn not_a_character(doc: &[u8]) -> Option<usize> {
    let control = doc.iter().position(|b| *b < 0x20 && !is_space(*b));
    let other =
        memchr::memmem::find_iter(doc, b"\xEF\xBF").find(|at| matches!(doc.get(at + 2), Some(0xBE | 0xBF)));
    control.into_iter().chain(other).min()
}

const fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a character beyond ASCII may begin a name, or stand in one (XML 1.0, section 2.3).
fn is_name_char(c: char, first: bool) -> bool {
    let begins = matches!(c,
        '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}'
        | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}');
    begins || !first && matches!(c, '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Offsets and counts stay below the text's length.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).expect("the text's length fits in 32 bits: checked before reading")
}

/// What a declaration may say, in order; the first is demanded.
const DECLARATION_WORDS: [&str; 3] = ["version", "encoding", "standalone"];

/// Namespace declarations in force at one time; each name looks through them.
const DECLARATIONS_MAX: usize = 256;

/// Longer names are refused.
const NAME_BYTES_MAX: usize = 1024;

/// A first guess: C-CDA has a node in about so many bytes.
const BYTES_A_NODE: usize = 24;
