//! A document in another arrangement: values of one document, put where another document would have them, so that the
//! walker of that document reads them. Each key and value keeps its place in the document that it came from.
//!
//! - Cost: the values and keys are copied once; no recursion.

use super::json::{Builder, Key, NodeId, NodeKind, Origins, Tape};
use std::ops::Range;

/// Writes an [`Arranged`] document, value by value.
#[derive(Default)]
pub struct Arranger {
    text: String,
    /// Byte of the text, and byte of the document that it stands for; in order.
    origins: Vec<(usize, usize)>,
    steps: Vec<Step>,
    depth: usize,
    deepest: usize,
}

/// What a value is called in the new arrangement.
#[derive(Debug, Clone, Copy)]
pub enum Name<'n> {
    /// It is the whole document.
    Root,
    /// By this word, which the document has at this place.
    Word(&'n str, &'n Range<usize>),
    /// The element of an array with this number.
    Element(usize),
}

enum Step {
    Open(NodeKind, Key, Range<usize>),
    Close,
    Value(NodeKind, Key, Range<usize>),
}

impl Arranger {
    /// Begins an object or an array, which stands for what the document has at `at`.
    pub fn open(&mut self, kind: NodeKind, name: Name<'_>, at: &Range<usize>) {
        let (key, span) = (self.key(name), self.put(" ", at));
        self.steps.push(Step::Open(kind, key, span));
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
    }

    /// Ends what began last.
    pub fn close(&mut self) {
        self.steps.push(Step::Close);
        self.depth = self.depth.saturating_sub(1);
    }

    /// A value with its escapes undone, which the document has at `at`.
    pub fn value(&mut self, kind: NodeKind, name: Name<'_>, value: &str, at: &Range<usize>) {
        let (key, span) = (self.key(name), self.put(value, at));
        self.steps.push(Step::Value(kind, key, span));
    }

    /// A value of a tape with all that it holds.
    pub fn copy(&mut self, tape: &Tape<'_>, node: NodeId, name: Name<'_>) {
        self.copy_but(tape, node, name, &mut |_, _| false);
    }

    /// The same, where `instead` writes some of the values in another way and says so.
    pub fn copy_but(
        &mut self,
        tape: &Tape<'_>,
        node: NodeId,
        name: Name<'_>,
        instead: &mut dyn FnMut(&mut Self, NodeId) -> bool,
    ) {
        let mut open = Vec::new();
        if self.enter(tape, node, name, instead) {
            open.push(tape.children(node));
        }
        while let Some(children) = open.last_mut() {
            let Some(child) = children.next() else {
                open.pop();
                self.close();
                continue;
            };
            let (key, at) = (tape.key(child), tape.key_span(child).unwrap_or_default());
            let name = match (&key, tape.element(child)) {
                (Some(key), _) => Name::Word(key, &at),
                (None, number) => Name::Element(number.unwrap_or_default()),
            };
            if self.enter(tape, child, name, instead) {
                open.push(tape.children(child));
            }
        }
    }

    /// Writes one value; says whether it has begun and is to be filled.
    fn enter(
        &mut self,
        tape: &Tape<'_>,
        node: NodeId,
        name: Name<'_>,
        instead: &mut dyn FnMut(&mut Self, NodeId) -> bool,
    ) -> bool {
        let (kind, at) = (tape.kind(node), tape.span(node));
        if !matches!(kind, NodeKind::Object | NodeKind::Array) {
            self.value(kind, name, &tape.value(node), &at);
            return false;
        }
        // What stands instead is called as what it replaces.
        self.open(kind, name, &at);
        if instead(self, node) {
            self.close();
            return false;
        }
        true
    }

    /// How deep it nests at its deepest.
    #[must_use]
    pub const fn deepest(&self) -> usize {
        self.deepest
    }

    /// What was written.
    #[must_use]
    pub fn done(self) -> Arranged {
        Arranged { text: self.text, origins: self.origins, steps: self.steps }
    }

    fn key(&mut self, name: Name<'_>) -> Key {
        match name {
            Name::Root => Key::Root,
            Name::Word(word, at) => Key::At(self.put(word, at)),
            Name::Element(number) => Key::Element(number),
        }
    }

    fn put(&mut self, text: &str, at: &Range<usize>) -> Range<usize> {
        let start = self.text.len();
        self.origins.push((start, at.start));
        self.text.push_str(text);
        let end = self.text.len();
        if !text.is_empty() {
            self.origins.push((end, at.end));
        }
        self.text.push('\n');
        start..end
    }
}

/// A document in another arrangement.
pub struct Arranged {
    text: String,
    origins: Vec<(usize, usize)>,
    steps: Vec<Step>,
}

impl Arranged {
    /// The document to read; `None` where nothing was written, or more than 32 bits can count.
    #[must_use]
    pub fn tape(&self) -> Option<Tape<'_>> {
        let mut builder = Builder::new(&self.text, Some(self), str::to_owned)?;
        for step in &self.steps {
            match step {
                Step::Open(kind, key, span) => builder.open(*kind, key, span.clone()),
                Step::Close => builder.close(),
                Step::Value(kind, key, span) => builder.value(*kind, key, span.clone(), false),
            }
        }
        builder.tape()
    }
}

impl Origins for Arranged {
    fn origin(&self, at: usize) -> usize {
        let next = self.origins.partition_point(|(from, _)| *from <= at);
        let Some((from, origin)) = next.checked_sub(1).and_then(|last| self.origins.get(last)) else {
            return 0;
        };
        let end = self.origins.get(next).map_or(*origin, |(_, end)| *end);
        (origin + (at - from)).min(end.max(*origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::walk::json::JSON_DEPTH_MAX;

    #[test]
    fn keys_and_values_keep_their_places() {
        let doc = r#"{"a":{"b\n":["x",{"c":1}],"d":"y\u0041"},"e":true}"#;
        let tape = Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap();
        let mut arranger = Arranger::default();
        arranger.open(NodeKind::Object, Name::Root, &(0..doc.len()));
        arranger.value(NodeKind::String, Name::Word("new", &(1..4)), "said", &(0..0));
        let a = tape.get(NodeId::ROOT, "a").unwrap();
        arranger.copy(&tape, a, Name::Word("moved", &(2..3)));
        arranger.close();
        assert_eq!(arranger.deepest(), 4);
        let arranged = arranger.done();
        let new = arranged.tape().unwrap();
        assert_eq!(new.string(NodeId::ROOT, "new").unwrap(), "said");
        let moved = new.get(NodeId::ROOT, "moved").unwrap();
        assert_eq!(new.key_span(moved), Some(2..3));
        assert_eq!(new.string(moved, "d").unwrap(), "yA");
        let raw = |id| doc.get(new.span(id)).unwrap();
        assert_eq!(raw(new.get(moved, "d").unwrap()), r"y\u0041");
        let list = new.get(moved, "b\n").unwrap();
        let elements: Vec<_> = new.children(list).collect();
        assert_eq!((elements.len(), new.element(elements[1]), raw(elements[0])), (2, Some(1), "x"));
        assert_eq!(raw(new.get(elements[1], "c").unwrap()), "1");
    }

    #[test]
    fn what_stands_instead_keeps_its_name() {
        let doc = r#"[{"old":"x"},"y"]"#;
        let tape = Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap();
        let mut arranger = Arranger::default();
        arranger.copy_but(&tape, NodeId::ROOT, Name::Root, &mut |out, node| {
            let Some(old) = tape.get(node, "old") else { return false };
            out.copy(&tape, old, Name::Word("new", &(3..6)));
            true
        });
        let arranged = arranger.done();
        let new = arranged.tape().unwrap();
        let elements: Vec<_> = new.children(NodeId::ROOT).collect();
        assert_eq!(new.string(elements[0], "new").unwrap(), "x");
        assert_eq!(new.value(elements[1]), "y");
    }

    #[test]
    fn nothing_is_no_document() {
        assert!(Arranger::default().done().tape().is_none());
    }
}
