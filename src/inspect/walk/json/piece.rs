//! Pieces of a document as documents of their own, and the document without them: what stands where it stood.

use super::build::small;
use super::word::{NO_VOCABULARY, Word};
use super::{KeyKind, Node, NodeId, NodeKind, Said, Tape};
use std::ops::Range;

/// A value that is to be a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The value.
    pub node: NodeId,
    /// Where the document says of what resource type it is, if the value itself doesn't.
    pub kind: Option<Range<usize>>,
}

impl<'d> Tape<'d> {
    /// One value as a document, or a list of several, in order.
    #[must_use]
    pub fn of_pieces(&self, pieces: &[Piece]) -> Self {
        let mut nodes = Vec::new();
        if pieces.len() != 1 {
            let whole = self.node(NodeId::ROOT);
            nodes.push(Node { kind: NodeKind::Array, key: KeyKind::Element, word: Word::NONE, ..*whole });
        }
        for (number, piece) in pieces.iter().enumerate() {
            self.copy(piece, number, &mut nodes);
        }
        let after = small(nodes.len());
        if let Some(root) = nodes.first_mut() {
            root.after = after;
            root.parent = 0;
        }
        // A word that is said is in no vocabulary yet.
        let is_said = pieces.iter().any(|piece| piece.kind.is_some());
        let words_of = if is_said { NO_VOCABULARY } else { self.words_of };
        Self { words_of, is_json: self.is_json && !is_said, nodes, copies: Vec::new(), ..*self }
    }

    fn copy(&self, piece: &Piece, number: usize, nodes: &mut Vec<Node>) {
        let (first, root) = (piece.node.0, *self.node(piece.node));
        let base = small(nodes.len());
        let said = u32::from(piece.kind.is_some());
        let moved = |at: u32| if at > first { at - first + base + said } else { base };
        nodes.push(Node {
            key: KeyKind::Element,
            word: Word::NONE,
            key_start: small(number),
            key_end: 0,
            parent: 0,
            after: moved(root.after),
            ..root
        });
        if let Some(at) = &piece.kind {
            let (start, end) = (small(at.start), small(at.end));
            nodes.push(Node {
                kind: NodeKind::String,
                escaped: false,
                key: KeyKind::Said(Said::ResourceType),
                word: Word::NONE,
                start,
                end,
                key_start: start,
                key_end: end,
                parent: base,
                after: base + 2,
            });
        }
        let inside = piece.node.index() + 1..root.after as usize;
        let inside = self.nodes.get(inside).unwrap_or_default();
        nodes.extend(inside.iter().map(|node| Node {
            parent: moved(node.parent),
            after: moved(node.after),
            ..*node
        }));
    }

    /// The document with `null` in the place of each of these values, which are in order and apart from each other.
    #[must_use]
    pub fn without(&self, pieces: &[Piece]) -> Self {
        let mut moved = Vec::with_capacity(self.nodes.len() + 1);
        let (mut kept, mut next, mut left) = (0_u32, 0, pieces.iter().peekable());
        let mut blank = vec![false; self.nodes.len()];
        for at in 0..self.count() {
            moved.push(kept);
            if at < next {
                continue; // in a piece
            }
            if left.next_if(|piece| piece.node.0 == at).is_some() {
                next = self.node(NodeId(at)).after;
                if let Some(flag) = blank.get_mut(at as usize) {
                    *flag = true;
                }
            }
            kept += 1;
        }
        moved.push(kept);
        let to = |at: u32| moved.get(at as usize).copied().unwrap_or(kept);
        let mut nodes = Vec::with_capacity(kept as usize);
        let mut next = 0;
        for (at, (node, blank)) in (0..self.count()).zip(self.nodes.iter().zip(blank)) {
            if at < next {
                continue;
            }
            let (parent, after) = (to(node.parent), to(node.after));
            if blank {
                next = node.after;
                nodes.push(Node { kind: NodeKind::Null, parent, after, ..*node });
            } else {
                nodes.push(Node { parent, after, ..*node });
            }
        }
        Self { is_json: false, nodes, copies: Vec::new(), ..*self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::walk::json::JSON_DEPTH_MAX;

    const DOC: &str =
        r#"{"a":[1,{"b":{"c":"x","d":[2,3]}},{"e":"y"}],"PatientList":{"f":[{"g":"z"}]},"h":true}"#;

    /// A tape in words: what it would be if it were written.
    fn written(tape: &Tape<'_>, id: NodeId) -> String {
        let list = || tape.children(id).map(|child| written(tape, child)).collect::<Vec<_>>().join(",");
        let key = tape.key(id).map_or(String::new(), |key| format!("\"{key}\":"));
        let value = match tape.kind(id) {
            NodeKind::Object => format!("{{{}}}", list()),
            NodeKind::Array => format!("[{}]", list()),
            NodeKind::String => format!("\"{}\"", tape.value(id)),
            NodeKind::Null => "null".to_owned(),
            _ => tape.raw(id).to_owned(),
        };
        key + &value
    }

    fn at(tape: &Tape<'_>, raw: &str) -> Piece {
        Piece { node: tape.nodes().find(|id| tape.raw(*id) == raw).unwrap(), kind: None }
    }

    #[test]
    fn pieces_are_documents_and_what_is_left_is_one() {
        let tape = Tape::read(DOC.as_bytes(), JSON_DEPTH_MAX).unwrap();
        let pieces = [at(&tape, r#"{"c":"x","d":[2,3]}"#), at(&tape, r#"{"f":[{"g":"z"}]}"#)];
        let one = tape.of_pieces(&pieces[..1]);
        assert_eq!(written(&one, NodeId::ROOT), r#"{"c":"x","d":[2,3]}"#);
        let c = one.get(NodeId::ROOT, "c").unwrap();
        assert_eq!((DOC.get(one.span(c)), one.parent(c)), (Some("x"), Some(NodeId::ROOT)));
        let both = tape.of_pieces(&pieces);
        assert_eq!(written(&both, NodeId::ROOT), r#"[{"c":"x","d":[2,3]},{"f":[{"g":"z"}]}]"#);
        let numbers: Vec<_> = both.children(NodeId::ROOT).map(|id| both.element(id)).collect();
        assert_eq!(numbers, [Some(0), Some(1)]);
        let rest = tape.without(&pieces);
        assert_eq!(
            written(&rest, NodeId::ROOT),
            r#"{"a":[1,{"b":null},{"e":"y"}],"PatientList":null,"h":true}"#
        );
        let h = rest.get(NodeId::ROOT, "h").unwrap();
        assert_eq!((rest.parent(h), rest.nodes().count()), (Some(NodeId::ROOT), 9));
        assert_eq!(written(&tape.without(&[]), NodeId::ROOT), DOC);
    }

    #[test]
    fn the_type_is_said_where_the_document_says_it() {
        let tape = Tape::read(DOC.as_bytes(), JSON_DEPTH_MAX).unwrap();
        let start = DOC.find("PatientList").unwrap();
        let piece = Piece { kind: Some(start..start + 7), ..at(&tape, r#"{"g":"z"}"#) };
        let one = tape.of_pieces(&[piece]);
        assert_eq!(written(&one, NodeId::ROOT), r#"{"resourceType":"Patient","g":"z"}"#);
        assert_eq!(one.string(NodeId::ROOT, "resourceType").unwrap(), "Patient");
    }
}
