//! X12 by its own separators: known segment names and separators stay.

use super::leaf::{Notation, Pieces, Redactor, fixed};
use crate::inspect::finding::UninspectedReason;
use crate::inspect::walk::x12::{Segment, Separators, segments, separators};
use crate::record::packed::Word;
use std::ops::Range;

impl Redactor<'_> {
    /// A stored interchange is still one: every value between separators is what may be stored of it.
    pub(super) fn interchange(&self, doc: &[u8], out: &mut Pieces) {
        let Some(first) = separators(doc) else {
            return out.unread(doc.len(), UninspectedReason::Malformed.as_str(), None);
        };
        let mut syntax = vec![first.terminator, first.element];
        syntax.extend([first.repetition, first.component].into_iter().flatten());
        out.notation(Notation::Joined(syntax));
        for (marks, segment) in segments(doc, first) {
            self.segment(doc, &marks, &segment, out);
            if segment.next <= doc.len() {
                separator(marks.terminator, out);
            }
            if matches!(doc.get(segment.next), Some(b'\r' | b'\n')) {
                out.text("\n");
            }
        }
        out.notation(Notation::Plain);
    }

    fn segment(&self, doc: &[u8], marks: &Separators, segment: &Segment, out: &mut Pieces) {
        let simple = segment.data.as_ref().map_or(segment.span.end, |data| data.start.saturating_sub(1));
        let mut header = false;
        let elements =
            marks.pieces(doc, segment.span.start..simple.max(segment.span.start), Some(marks.element));
        for (n, span) in elements.enumerate() {
            if n > 0 {
                separator(marks.element, out);
            }
            let raw = doc.get(span.clone()).unwrap_or_default();
            match (n, std::str::from_utf8(raw)) {
                (0, Ok(id)) if self.rules.x12.knows(id) => {
                    header = id == "ISA";
                    out.text(id);
                }
                // A legal name, so that it stays an interchange; no table has it.
                (0, _) => out.leaf(fixed("ZZ")),
                // The separators themselves, which are no values.
                (11 | 16, _) if header && raw.len() == 1 => raw.iter().for_each(|b| separator(*b, out)),
                _ => self.element(doc, marks, span, out),
            }
        }
        if let Some(data) = segment.data.clone() {
            separator(marks.element, out);
            out.leaf(self.shown(data, Word::Binary));
        }
    }

    /// An element that was told whole, or its repetitions and components.
    fn element(&self, doc: &[u8], marks: &Separators, span: Range<usize>, out: &mut Pieces) {
        let whole = trimmed(doc, span.clone());
        if whole.is_empty() {
            return;
        }
        if self.said.get(whole.start).is_some_and(|said| said.end == whole.end) {
            return out.leaf(self.shown(whole, Word::Text));
        }
        for (r, repetition) in marks.pieces(doc, span, marks.repetition).enumerate() {
            if let (1.., Some(mark)) = (r, marks.repetition) {
                separator(mark, out);
            }
            for (c, component) in marks.pieces(doc, repetition, marks.component).enumerate() {
                if let (1.., Some(mark)) = (c, marks.component) {
                    separator(mark, out);
                }
                let component = trimmed(doc, component);
                if !component.is_empty() {
                    out.leaf(self.shown(component, Word::Text));
                }
            }
        }
    }
}

fn separator(mark: u8, out: &mut Pieces) {
    out.text(char::from(mark).encode_utf8(&mut [0; 4]));
}

/// Without the blanks and line ends around it, as the walker tells values.
fn trimmed(doc: &[u8], span: Range<usize>) -> Range<usize> {
    let raw = doc.get(span.clone()).unwrap_or_default();
    let start = span.start + raw.len() - raw.trim_ascii_start().len();
    start..start + raw.trim_ascii().len()
}
