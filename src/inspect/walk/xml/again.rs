//! Start tags that are written as one before them, byte for byte: templates, codes and states of acts come over and over.
//! Such a one is not read again: its nodes are those of the other, moved.
//!
//! A tag is held against the last one that has the same name and goes on alike. One that declares a namespace is held
//! against none, and nothing against it.

use super::names::{NameId, eight};
use super::{Node, NodeKind};

/// Start tags that came before, by their name and the first bytes behind it.
pub(super) struct Tags {
    /// A power of two of them; where two tags have the same the last stays.
    last: Vec<Last>,
    /// Tags that are written as others.
    pub(super) copies: Vec<Copied>,
}

/// An element whose start tag is written as that of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) element: u32,
    /// The first of those that are so written.
    pub(super) of: u32,
}

/// A start tag that has come.
#[derive(Clone, Copy)]
struct Last {
    /// Where it stands, from its name up to its last byte.
    start: u32,
    length: u32,
    element: u32,
    /// The first that is written so.
    of: u32,
    attributes: u32,
    empty: bool,
    /// Whether any of its names has a prefix.
    prefixed: bool,
}

/// A start tag's place in the table.
#[derive(Clone, Copy)]
pub(super) struct Slot(usize);

/// How a tag goes on that was found to be written as another.
pub(super) struct Again {
    /// The first byte behind it.
    pub(super) end: usize,
    pub(super) empty: bool,
    pub(super) prefixed: bool,
}

impl Tags {
    /// Of a document.
    pub(super) fn new(doc: &[u8]) -> Self {
        let none =
            Last { start: 0, length: 0, element: 0, of: 0, attributes: 0, empty: false, prefixed: false };
        let slots = (doc.len() / BYTES_A_SLOT).next_power_of_two().clamp(SLOTS_MIN, SLOTS_MAX);
        Self { last: vec![none; slots], copies: Vec::new() }
    }

    /// Where a tag of this name is kept, behind whose name `at` stands.
    #[inline]
    pub(super) fn slot(&self, doc: &[u8], name: NameId, at: usize) -> Slot {
        // Who chooses tags that share one gains nothing but that all are read.
        let words = eight(doc, at) ^ eight(doc, at + 8).rotate_left(29) ^ (name.index() as u64) << 7;
        Slot((words.wrapping_mul(MIX) >> 40) as usize & (self.last.len() - 1))
    }

    /// Pushes the attributes of the last node, an element whose name begins at `start`, where its tag is written as
    /// another.
    #[inline]
    pub(super) fn again(
        &mut self,
        doc: &[u8],
        slot: Slot,
        start: usize,
        nodes: &mut Vec<Node>,
    ) -> Option<Again> {
        let last = self.last.get_mut(slot.0).filter(|last| last.length > 0)?;
        let (other, length) = (last.start as usize, last.length as usize);
        let end = start + length;
        if doc.get(start..end)? != doc.get(other..other + length)? {
            return None;
        }
        let on = u32::try_from(start - other).ok()?;
        let (first, id) = (last.element as usize + 1, nodes.len());
        let element = u32::try_from(id).ok()?.checked_sub(1)?;
        nodes.extend_from_within(first..first + last.attributes as usize);
        for (after, node) in (element + 2..).zip(nodes.get_mut(id..).unwrap_or_default()) {
            (node.parent, node.after) = (element, after);
            node.name_start += on;
            node.start += on;
            node.end += on;
        }
        self.copies.push(Copied { element, of: last.of });
        (last.start, last.element) = (last.start + on, element);
        Some(Again { end, empty: last.empty, prefixed: last.prefixed })
    }

    /// A start tag with attributes was read that begins with its name at `start` and ends before `end`; the nodes of the
    /// attributes are the last, and none of them declares anything.
    #[inline]
    pub(super) fn read(
        &mut self,
        slot: Slot,
        element: u32,
        (start, end): (usize, usize),
        nodes: &[Node],
        (empty, prefixed): (bool, bool),
    ) {
        let attributes = nodes.len().saturating_sub(element as usize + 1);
        debug_assert!(
            nodes.iter().rev().take(attributes).all(|node| node.kind == NodeKind::Attribute),
            "what was read last are the element's attributes"
        );
        let numbers = (u32::try_from(start), u32::try_from(end - start), u32::try_from(attributes));
        if let (Some(slot), (Ok(start), Ok(length), Ok(attributes))) = (self.last.get_mut(slot.0), numbers) {
            *slot = Last { start, length, element, of: element, attributes, empty, prefixed };
        }
    }
}

// Whether every tag is read: tests hold what is read against it.
#[cfg(test)]
thread_local!(pub(super) static FORGETS: std::cell::Cell<bool> = const { std::cell::Cell::new(false) });

/// An odd number whose product all bits reach.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
/// Of a short document few are needed.
const BYTES_A_SLOT: usize = 128;
const SLOTS_MIN: usize = 16;
const SLOTS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::super::{Tape, XML_DEPTH_MAX};
    use super::*;

    /// All that a tape tells of each node, or where it is refused.
    fn told(text: &str, forgets: bool) -> (String, usize) {
        FORGETS.set(forgets);
        let read = Tape::read(text.as_bytes(), XML_DEPTH_MAX);
        FORGETS.set(false);
        match read {
            Err(error) => (format!("{error:?}"), 0),
            Ok(tape) => {
                let node = |id| {
                    let names = (tape.kind(id), tape.name(id), tape.name_span(id), tape.declaration(id));
                    let held =
                        (tape.parent(id), tape.after(id), tape.span(id), tape.value(id), tape.is_cdata(id));
                    format!("{names:?} {held:?} {:?}", tape.namespace(id))
                };
                (tape.nodes().map(node).collect::<Vec<_>>().join("\n"), tape.copies.len())
            }
        }
    }

    #[test]
    fn what_is_written_again_is_read_as_it_would_be_alone() {
        let tags = [
            r#"<code code="8480-6" codeSystem="2.16.840.1.113883.6.1"/>"#,
            r#"<code code="8480-6" codeSystem="2.16.840.1.113883.6.2"/>"#,
            r#"<code code="8480-6" codeSystem="2.16.840.1.113883.6.1" >x</code>"#,
            r#"<code code="8480-6" codeSystem="2.16.840.1.113883.6.1">"#,
            r#"<code code="8480-6" code="8480-6"/>"#,
            r#"<code code="8480-6"codeSystem="1"/>"#,
            r#"<codes code="8480-6" codeSystem="2.16.840.1.113883.6.1"/>"#,
            r#"<value xsi:type="PQ" value="1"/>"#,
            r#"<value xsi:type="PQ" value="1&amp;2"/>"#,
            r#"<x:value value="1"/>"#,
            r#"<x:value xsi:type="PQ" x:value="1" value="2">&lt;</x:value>"#,
            r#"<a xmlns="urn:a" b="1"/>"#,
            r#"<a xmlns="urn:a" b="1"><x:value value="1"/><value xsi:type="PQ" value="1"/></a>"#,
            r#"<a xmlns:x="urn:x"><x:value value="1"/><value xsi:type="PQ" value="1"/></a>"#,
            "<a b='>'/>",
            "<a b='>'></a>",
            "<a b='1'><a b='1'><a b='1'/></a></a>",
            "<a b = '1'/>",
            "<a/>",
            "<a />",
            "<b>",
            "</b>",
            "<!-- k -->",
            "<![CDATA[<a b='1'/>]]>",
            "x",
            "\n",
        ];
        let mut state = 5_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % n
        };
        let (mut copies, mut refused) = (0, 0);
        for round in 0..4000 {
            // Few of them, so that they come again; the last ones are cut somewhere.
            let few: Vec<&str> = (0..1 + below(6)).map(|_| tags[below(tags.len())]).collect();
            let inside: String = (0..below(30)).map(|_| few[below(few.len())]).collect();
            let mut text = format!("<r xmlns:xsi=\"urn:s\">{inside}</r>");
            if round % 8 == 0 {
                text.truncate(below(text.len()));
            }
            let (again, plain) = (told(&text, false), told(&text, true));
            assert_eq!(again.0, plain.0, "{text}");
            assert_eq!(plain.1, 0);
            copies += again.1;
            refused += usize::from(!again.0.contains('\n'));
        }
        assert!(copies > 1000 && (400..3600).contains(&refused), "{copies} {refused}");
    }

    #[test]
    fn samples_are_read_alike_whether_tags_are_known_or_not() {
        let shared = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
        if !shared.exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "samples are missing");
            return println!("skipped: no ../shared");
        }
        let mut copies = 0;
        for folder in ["ccda", "fhir-r4-xml"] {
            for file in std::fs::read_dir(shared.join(folder)).unwrap() {
                let Ok(text) = std::fs::read_to_string(file.unwrap().path()) else { continue };
                let (again, plain) = (told(&text, false), told(&text, true));
                assert!(again.0 == plain.0, "{folder}");
                copies += again.1;
            }
        }
        assert!(copies > 1000, "{copies}");
    }

    #[test]
    fn a_copy_is_told_with_the_first_that_is_written_so() {
        let text = r#"<r><a b="1"/><a b="2"/><a b="1"/><c/><a b="1">x</a><a b="1"/></r>"#;
        let tape = Tape::read(text.as_bytes(), XML_DEPTH_MAX).unwrap();
        let copies: Vec<_> = (0..).map_while(|number| tape.written_again(number)).collect();
        let text_of = |id| text.get(tape.name_span(id).start..).unwrap();
        assert!(!copies.is_empty());
        for (copy, of) in copies {
            assert!(
                of < copy
                    && text_of(of).starts_with(r#"a b="1"/>"#)
                    && text_of(copy).starts_with(r#"a b="1"/>"#)
            );
        }
    }
}
