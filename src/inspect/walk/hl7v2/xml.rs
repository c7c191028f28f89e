//! HL7 v2.x in its XML encoding (v2.xml, release 2) and as interface engines write it: `PID.5/XPN.1/FN.1`, `PID.5/PID.5.1`.
//!
//! It is written in pipes and walked as such: the rows, persons and places are those of ER7, spans lead back to the
//! document. What stands outside of segments, and every attribute, is told as text, nobody's.

use super::{Table, is_known_segment, walk};
use crate::inspect::url::Moved;
use crate::inspect::walk::xml::{NodeId, NodeKind, Tape};
use crate::inspect::walk::{Leaf, PersonId, Reads, Sink, WalkError};
use std::collections::BTreeMap;
use std::ops::Range;

/// Whether a document is a message in XML: an element has a segment's name, and holds a field of it (`PID`, `PID.5`).
#[must_use]
pub fn recognise_xml(tape: &Tape<'_>) -> bool {
    tape.nodes()
        .filter(|id| tape.kind(*id) == NodeKind::Element)
        .take(ELEMENTS_LOOKED_AT_MAX)
        .any(|id| is_segment(tape, id))
}

/// Reads a document and tells `sink` its leaves.
///
/// # Errors
/// As [`walk`]; what stands outside of segments was told then.
pub fn walk_xml(tape: &Tape<'_>, table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    let mut pipes = Pipes::default();
    let mut next = NodeId::DOCUMENT;
    // Tags are longer than pipes: a message whose pipes are longer than it counts empty fields up.
    let document = tape.span(NodeId::DOCUMENT).end.max(tape.span(tape.root()).end);
    for id in tape.nodes() {
        if pipes.text.len() > document + PIPES_MORE_BYTES_MAX {
            return Err(WalkError::Malformed { at: tape.span(id).start });
        }
        match tape.kind(id) {
            NodeKind::Element if id >= next && is_segment(tape, id) => {
                pipes.segment(tape, id);
                next = tape.after(id);
            }
            NodeKind::Attribute if !tape.is_declaration(id) => beside(tape, id, sink),
            NodeKind::Text if id >= next => beside(tape, id, sink),
            NodeKind::Comment => beside(tape, id, sink),
            NodeKind::Instruction if tape.name(id) != "xml" => beside(tape, id, sink),
            _ => {}
        }
    }
    for id in std::mem::take(&mut pipes.beside) {
        beside(tape, id, sink);
    }
    let Pipes { text, origins, .. } = pipes;
    if text.len() > document + PIPES_MORE_BYTES_MAX {
        return Err(WalkError::Malformed { at: 0 });
    }
    let to = |at: usize| origins.get(at).or(origins.last()).map_or(0, |origin| *origin as usize);
    walk(text.as_bytes(), table, None, &mut Moved { to: &to, sink })
}

/// Whether the encoding has an element of this name: then records may show it.
#[must_use]
pub fn is_known_element(name: &str) -> bool {
    let mut parts = name.split('.');
    let head = parts.next().unwrap_or_default();
    let numbered = |part: &str, digits: usize| {
        (1..=digits).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    let code =
        |part: &str| part.len() <= 3 && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if name.contains('.') {
        // `PID.3`, `PID.3.1`, `PID.3.4.2`
        let first = parts.next().is_some_and(|part| numbered(part, 3));
        return code(head) && first && parts.clone().count() <= 2 && parts.all(|part| numbered(part, 2));
    }
    // `ADT_A01`
    is_known_segment(head)
        || head == "HL7Message"
        || head.split_once('_').is_some_and(|(kind, event)| {
            kind.len() == 3
                && code(kind)
                && event.len() == 3
                && code(event)
                && event.ends_with(|c: char| c.is_ascii_digit())
        })
}

fn is_segment(tape: &Tape<'_>, id: NodeId) -> bool {
    let name = tape.local(id);
    is_known_segment(name)
        && tape.elements(id).next().is_some_and(|field| {
            tape.local(field).strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
        })
}

/// The texts in an element, those of elements in it among them.
fn texts_of(tape: &Tape<'_>, id: NodeId) -> Vec<NodeId> {
    let (mut texts, mut open) = (Vec::new(), vec![id]);
    while let Some(node) = open.pop() {
        if tape.kind(node) == NodeKind::Text {
            texts.push(node);
        }
        let from = open.len();
        open.extend(tape.children(node));
        open.get_mut(from..).unwrap_or_default().reverse();
    }
    texts
}

/// What no field holds.
fn beside(tape: &Tape<'_>, id: NodeId, sink: &mut dyn Sink) {
    let value = tape.value(id);
    if !value.trim().is_empty() {
        let cue = if tape.kind(id) == NodeKind::Attribute { tape.local(id) } else { "" };
        let leaf = Leaf {
            span: tape.span(id),
            value,
            field: None,
            person: PersonId::NOBODY,
            reads: Reads::Text,
            cue,
        };
        sink.leaf(&leaf, &|| "*".to_owned());
    }
}

/// A message written in pipes.
#[derive(Default)]
struct Pipes {
    text: String,
    /// Where each byte of the text stands in the document.
    origins: Vec<u32>,
    /// Texts of segments that are no field's.
    beside: Vec<NodeId>,
    /// Where the value ended that was written last.
    end: Option<usize>,
}

impl Pipes {
    fn segment(&mut self, tape: &Tape<'_>, id: NodeId) {
        let name = tape.local(id);
        let at = tape.name_span(id).start;
        if name == "MSH" || self.text.is_empty() {
            self.mark("MSH|^~\\&", at);
            if name != "MSH" {
                self.mark("\r", at);
            }
        }
        if name != "MSH" {
            self.mark(name, at);
        }
        // The header's first two are the separators themselves.
        let first = if name == "MSH" { 3 } else { 1 };
        let fields = self.numbered(tape, id, FIELDS_MAX);
        let last = fields.keys().next_back().copied().unwrap_or(0);
        for field in fields.range(..first).flat_map(|(_, fields)| fields) {
            let is_separator =
                |text: &NodeId| tape.value(*text).trim().bytes().all(|b| b.is_ascii_punctuation());
            self.beside.extend(texts_of(tape, *field).into_iter().filter(|text| !is_separator(text)));
        }
        for number in first..=last {
            self.mark("|", at);
            for (repeat, field) in fields.get(&number).into_iter().flatten().enumerate() {
                if repeat > 0 {
                    self.mark("~", at);
                }
                self.level(tape, *field, &["^", "&"]);
            }
        }
        self.mark("\r", at);
    }

    /// A value, or what it consists of, parted by the first of `marks`, and that in turn by the next.
    fn level(&mut self, tape: &Tape<'_>, id: NodeId, marks: &[&str]) {
        let at = tape.span(id).start;
        let parts = match marks {
            [] => BTreeMap::new(),
            _ => self.numbered(tape, id, PARTS_MAX),
        };
        let Some((mark, deeper)) = marks.split_first().filter(|_| !parts.is_empty()) else {
            return self.value(tape, id);
        };
        let last = parts.keys().next_back().copied().unwrap_or(0);
        for number in 1..=last {
            if number > 1 {
                self.mark(mark, at);
            }
            for part in parts.get(&number).into_iter().flatten() {
                self.level(tape, *part, deeper);
            }
        }
    }

    /// The elements of an element by the number that their names end in; what has none is kept for later.
    fn numbered(&mut self, tape: &Tape<'_>, id: NodeId, max: usize) -> BTreeMap<usize, Vec<NodeId>> {
        let mut numbered: BTreeMap<usize, Vec<NodeId>> = BTreeMap::new();
        for child in tape.elements(id) {
            let number = tape.local(child).rsplit('.').next().and_then(|n| n.parse().ok());
            match number.filter(|number| (1..=max).contains(number)) {
                Some(number) => numbered.entry(number).or_default().push(child),
                None => self.beside.extend(texts_of(tape, child)),
            }
        }
        if !numbered.is_empty() {
            self.beside.extend(tape.children(id).filter(|child| tape.kind(*child) == NodeKind::Text));
        }
        numbered
    }

    /// The texts of an element, with what pipes mean escaped.
    fn value(&mut self, tape: &Tape<'_>, id: NodeId) {
        for text in texts_of(tape, id) {
            self.text(&tape.value(text), tape.span(text));
        }
    }

    fn text(&mut self, value: &str, span: Range<usize>) {
        self.end = None;
        // What is written as it is read leads back byte by byte.
        let same = value.len() == span.len();
        for (at, c) in value.char_indices() {
            let origin = if same { span.start + at } else { span.start };
            let mut buffer = [0; 4];
            let written = match c {
                '|' => "\\F\\",
                '^' => "\\S\\",
                '~' => "\\R\\",
                '\\' => "\\E\\",
                '&' => "\\T\\",
                '\r' | '\n' => "\\.br\\",
                c => c.encode_utf8(&mut buffer),
            };
            self.mark(written, origin);
        }
        self.end = Some(span.end);
    }

    /// Writes a mark, which stands at the end of the value before it, where there is one.
    fn mark(&mut self, mark: &str, at: usize) {
        let at = self.end.take().unwrap_or(at);
        self.text.push_str(mark);
        self.origins.resize(self.text.len(), u32::try_from(at).unwrap_or(u32::MAX));
    }
}

/// A message names its first segment soon.
const ELEMENTS_LOOKED_AT_MAX: usize = 64;
/// No segment has more fields.
const FIELDS_MAX: usize = 200;
/// How much longer than a document its pipes may be: a header that it doesn't have, and small messages.
const PIPES_MORE_BYTES_MAX: usize = 64 << 10;
/// No field has more components.
const PARTS_MAX: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_encoding_are_known_and_nobodys_is() {
        for name in ["PID", "PID.5", "XPN.1", "PID.5.1", "CX.4.2", "ADT_A01", "HL7Message", "OBX.5"] {
            assert!(is_known_element(name), "{name}");
        }
        for name in [
            "Okafor",
            "OKA.FOR",
            "OKAFOR_DARNELL",
            "ABC_OKA",
            "PID.412.213.456",
            "PID.1.2.3.4",
            "MRN",
            "A.x",
            "",
        ] {
            assert!(!is_known_element(name), "{name}");
        }
    }
}
