//! JSON as a flat tape: every value with its raw span, in document order, strictly by RFC 8259. No recursion over the
//! input, and no copy of it.

use super::WalkError;
use std::borrow::Cow;
use std::ops::Range;

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// `{…}`; members follow, up to the node's `next`.
    Object,
    /// `[…]`; items follow, up to the node's `next`.
    Array,
    /// `"…"`; the span is without its quotes.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// `null`.
    Null,
}

/// One value. 32 bytes.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Whether the string has an escape.
    pub escaped: bool,
    key_escaped: bool,
    has_key: bool,
    start: u32,
    end: u32,
    key_start: u32,
    key_end: u32,
    /// Index of the first node behind this one and all inside it.
    pub next: u32,
}

/// A parsed document.
pub struct Tape<'d> {
    doc: &'d [u8],
    nodes: Vec<Node>,
}

impl<'d> Tape<'d> {
    /// Parses a whole document; a byte order mark in front is passed over. `depth_max` bounds nesting.
    ///
    /// # Errors
    /// [`WalkError`], with the offset where reading stopped.
    pub fn parse(doc: &'d [u8], depth_max: usize) -> Result<Self, WalkError> {
        if u32::try_from(doc.len()).is_err() {
            return Err(WalkError::Malformed { at: 0 });
        }
        if let Err(error) = std::str::from_utf8(doc) {
            return Err(WalkError::NotUtf8 { at: error.valid_up_to() });
        }
        let mut parser = Parser {
            doc,
            at: if doc.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 },
            nodes: Vec::with_capacity(doc.len() / 24),
        };
        parser.document(depth_max)?;
        Ok(Self { doc, nodes: parser.nodes })
    }

    /// The document's value.
    #[must_use]
    pub fn root(&self) -> usize {
        0
    }

    /// A node.
    #[must_use]
    pub fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// What a node is.
    #[must_use]
    pub fn kind(&self, at: usize) -> NodeKind {
        self.nodes.get(at).map_or(NodeKind::Null, |n| n.kind)
    }

    /// Members or items of a node; none of a leaf.
    pub fn children(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let end = match self.nodes.get(at) {
            Some(n) if matches!(n.kind, NodeKind::Object | NodeKind::Array) => n.next as usize,
            _ => at,
        };
        let mut child = at + 1;
        std::iter::from_fn(move || {
            let this = child;
            child = self.nodes.get(this).filter(|_| this < end)?.next as usize;
            Some(this)
        })
    }

    /// Every member of an object with this key: duplicates too.
    pub fn members<'s>(&'s self, at: usize, key: &'s str) -> impl Iterator<Item = usize> + 's {
        let object = self.kind(at) == NodeKind::Object;
        self.children(at).filter(move |c| object && self.key(*c) == key)
    }

    /// The first member with this key.
    #[must_use]
    pub fn member(&self, at: usize, key: &str) -> Option<usize> {
        self.members(at, key).next()
    }

    /// Text of a member that is a string.
    #[must_use]
    pub fn text_of(&self, at: usize, key: &str) -> Option<Cow<'d, str>> {
        self.members(at, key).find(|m| self.kind(*m) == NodeKind::String).map(|m| self.text(m))
    }

    /// Raw bytes of a node: a string's without its quotes.
    #[must_use]
    pub fn span(&self, at: usize) -> Range<usize> {
        self.nodes.get(at).map_or(0..0, |n| n.start as usize..n.end as usize)
    }

    /// Raw bytes of a member's key, without its quotes.
    #[must_use]
    pub fn key_span(&self, at: usize) -> Range<usize> {
        self.nodes.get(at).map_or(0..0, |n| n.key_start as usize..n.key_end as usize)
    }

    /// Whether a node is a member of an object.
    #[must_use]
    pub fn has_key(&self, at: usize) -> bool {
        self.nodes.get(at).is_some_and(|n| n.has_key)
    }

    /// A member's key, escapes undone; empty for items.
    #[must_use]
    pub fn key(&self, at: usize) -> Cow<'d, str> {
        match self.nodes.get(at) {
            Some(n) if n.has_key => self.decode(n.key_start..n.key_end, n.key_escaped),
            _ => Cow::Borrowed(""),
        }
    }

    /// A leaf's text, escapes undone: of a number or word, as it stands.
    #[must_use]
    pub fn text(&self, at: usize) -> Cow<'d, str> {
        self.nodes.get(at).map_or(Cow::Borrowed(""), |n| self.decode(n.start..n.end, n.escaped))
    }

    fn decode(&self, span: Range<u32>, escaped: bool) -> Cow<'d, str> {
        let raw = self.doc.get(span.start as usize..span.end as usize).unwrap_or_default();
        let raw = std::str::from_utf8(raw).unwrap_or_default();
        if escaped { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) }
    }
}

/// Undoes the escapes of a string that has been checked; lone surrogates become U+FFFD.
fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        let mut taken = 2;
        match escape.as_bytes().get(1) {
            Some(b'n') => out.push('\n'),
            Some(b't') => out.push('\t'),
            Some(b'r') => out.push('\r'),
            Some(b'b') => out.push('\u{8}'),
            Some(b'f') => out.push('\u{c}'),
            Some(b'u') => {
                let unit =
                    |from: usize| escape.get(from..from + 4).and_then(|h| u16::from_str_radix(h, 16).ok());
                let high = unit(2).unwrap_or(0xFFFD);
                taken = 6;
                let low = if escape.get(6..8) == Some("\\u") { unit(8) } else { None };
                let pair = low.map(|low| char::decode_utf16([high, low]).next());
                match (char::from_u32(high.into()), pair) {
                    (Some(c), _) => out.push(c),
                    (None, Some(Some(Ok(c)))) => {
                        out.push(c);
                        taken = 12;
                    }
                    _ => out.push('\u{FFFD}'),
                }
            }
            Some(other) => out.push(char::from(*other)),
            None => {}
        }
        rest = escape.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

struct Parser<'d> {
    doc: &'d [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Parser<'_> {
    fn document(&mut self, depth_max: usize) -> Result<(), WalkError> {
        let mut open: Vec<usize> = Vec::new();
        loop {
            // A value is due here, or the end of an empty container.
            self.blanks();
            let inside = open.last().and_then(|o| self.nodes.get(*o)).map(|n| n.kind);
            let opened_now = open.last().is_some_and(|o| *o + 1 == self.nodes.len());
            let closing = match inside {
                Some(NodeKind::Object) => b'}',
                _ => b']',
            };
            let mut ended = false;
            if inside.is_some() && opened_now && self.peek() == Some(closing) {
                self.at += 1;
                self.close(&mut open);
                ended = true;
            }
            if !ended {
                let key = if inside == Some(NodeKind::Object) { Some(self.key()?) } else { None };
                if let Some(container) = self.value(key)? {
                    if open.len() >= depth_max {
                        return Err(WalkError::TooDeep { max: depth_max });
                    }
                    open.push(container);
                    continue;
                }
            }
            // Behind a value: a comma, or ends of containers.
            loop {
                self.blanks();
                let Some(container) = open.last().and_then(|o| self.nodes.get(*o)).map(|n| n.kind) else {
                    return if self.at == self.doc.len() { Ok(()) } else { self.bad() };
                };
                match (self.peek(), container) {
                    (Some(b','), _) => {
                        self.at += 1;
                        self.blanks();
                        if matches!(self.peek(), Some(b'}' | b']')) {
                            return self.bad();
                        }
                        break;
                    }
                    (Some(b'}'), NodeKind::Object) | (Some(b']'), NodeKind::Array) => {
                        self.at += 1;
                        self.close(&mut open);
                    }
                    _ => return self.bad(),
                }
            }
        }
    }

    fn close(&mut self, open: &mut Vec<usize>) {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let end = u32::try_from(self.at).unwrap_or(u32::MAX);
        if let Some(node) = open.pop().and_then(|at| self.nodes.get_mut(at)) {
            node.next = next;
            node.end = end;
        }
    }

    fn key(&mut self) -> Result<(Range<usize>, bool), WalkError> {
        if self.peek() != Some(b'"') {
            return self.bad();
        }
        let key = self.string()?;
        self.blanks();
        if self.peek() != Some(b':') {
            return self.bad();
        }
        self.at += 1;
        self.blanks();
        Ok(key)
    }

    /// Pushes a value; gives its index where it is a container that is now open.
    fn value(&mut self, key: Option<(Range<usize>, bool)>) -> Result<Option<usize>, WalkError> {
        let start = self.at;
        let (kind, span, escaped) = match self.peek() {
            Some(b'{') => (NodeKind::Object, start..start, false),
            Some(b'[') => (NodeKind::Array, start..start, false),
            Some(b'"') => {
                let (span, escaped) = self.string()?;
                (NodeKind::String, span, escaped)
            }
            Some(b'-' | b'0'..=b'9') => (NodeKind::Number, self.number()?, false),
            Some(b't') => (NodeKind::Bool, self.word(b"true")?, false),
            Some(b'f') => (NodeKind::Bool, self.word(b"false")?, false),
            Some(b'n') => (NodeKind::Null, self.word(b"null")?, false),
            _ => return self.bad(),
        };
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let index = self.nodes.len();
        let (key_span, key_escaped, has_key) =
            key.map_or((0..0, false, false), |(span, escaped)| (span, escaped, true));
        self.nodes.push(Node {
            kind,
            escaped,
            key_escaped,
            has_key,
            start: small(span.start),
            end: small(span.end),
            key_start: small(key_span.start),
            key_end: small(key_span.end),
            next: small(index + 1),
        });
        let container = matches!(kind, NodeKind::Object | NodeKind::Array);
        if container {
            self.at += 1;
        }
        Ok(container.then_some(index))
    }

    fn string(&mut self) -> Result<(Range<usize>, bool), WalkError> {
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        loop {
            let rest = self.doc.get(at..).unwrap_or_default();
            let Some(stop) = rest.iter().position(|b| matches!(b, b'"' | b'\\') || *b < 0x20) else {
                self.at = self.doc.len();
                return self.bad();
            };
            at += stop;
            match self.doc.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok((start..at, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    let length = match self.doc.get(at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u')
                            if self
                                .doc
                                .get(at + 2..at + 6)
                                .is_some_and(|h| h.iter().all(u8::is_ascii_hexdigit)) =>
                        {
                            6
                        }
                        _ => {
                            self.at = at;
                            return self.bad();
                        }
                    };
                    at += length;
                }
                _ => {
                    self.at = at;
                    return self.bad();
                }
            }
        }
    }

    fn number(&mut self) -> Result<Range<usize>, WalkError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.doc.get(self.at - whole) == Some(&b'0')) {
            return self.bad();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return self.bad();
            }
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return self.bad();
            }
        }
        Ok(start..self.at)
    }

    fn digits(&mut self) -> usize {
        let rest = self.doc.get(self.at..).unwrap_or_default();
        let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += n;
        n
    }

    fn word(&mut self, word: &[u8]) -> Result<Range<usize>, WalkError> {
        let start = self.at;
        if !self.doc.get(start..).is_some_and(|rest| rest.starts_with(word)) {
            return self.bad();
        }
        self.at += word.len();
        Ok(start..self.at)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.doc.get(self.at).copied()
    }

    fn bad<T>(&self) -> Result<T, WalkError> {
        Err(WalkError::Malformed { at: self.at })
    }
}

/// Nesting that is read: `json_depth_max`, levels. Deeper documents are `uninspected`, `too_deep`.
pub const JSON_DEPTH_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_serde_json_on_what_is_json() {
        for doc in [
            "{}",
            "[]",
            " [1, 2.5e-3, -0] ",
            r#"{"a":[{}, [], "x\u00e9\ud83d\ude00\n"], "b":null}"#,
            "\"x\"",
            "true",
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "1.",
            "-",
            "[1 2]",
            "{\"a\":1}x",
            "\"\u{1}\"",
            "nul",
            "[}",
            r#""\x""#,
            r#""\u12""#,
            "[[]",
        ] {
            let ours = Tape::parse(doc.as_bytes(), 128).is_ok();
            assert_eq!(ours, serde_json::from_str::<serde_json::Value>(doc).is_ok(), "{doc}");
        }
    }

    #[test]
    fn strings_decode_and_spans_point_at_them() {
        let doc = r#"{"k\u0041":"a\"b\u00e9\ud83d\ude00","n":-1.5,"k":2,"k":3}"#;
        let tape = Tape::parse(doc.as_bytes(), 128).expect("JSON");
        let first = tape.children(0).next().expect("member");
        assert_eq!((tape.key(first).as_ref(), tape.text(first).as_ref()), ("kA", "a\"bé😀"));
        assert_eq!(tape.members(0, "k").count(), 2);
        assert_eq!(&doc[tape.span(tape.member(0, "n").expect("n"))], "-1.5");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert_eq!(Tape::parse(deep.as_bytes(), 128).err(), Some(WalkError::TooDeep { max: 128 }));
        assert!(Tape::parse(("[".repeat(128) + &"]".repeat(128)).as_bytes(), 128).is_ok());
    }
}
