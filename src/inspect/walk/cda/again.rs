//! Start tags that are written as one before them (see `xml/again.rs`), and of which that one told nothing: templates,
//! codes and states of acts. Where everything that decides what is told of a tag is the same, nothing is told of it again, and
//! nothing is asked.

use super::super::xml::{NodeId, Tape};
use super::frame::{Frame, Owner};
use super::paths::PathId;

/// What stands around a tag and has a say in what is told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Around {
    path: PathId,
    owner: Owner,
    of_target: bool,
    unknown: bool,
}

/// Tags of which nothing was told.
pub(super) struct Silent<'t, 'd> {
    tape: &'t Tape<'d>,
    /// How many copies of the tape lie behind.
    passed: usize,
    /// By the element, a power of two of them: what its tag stands in, or what the attributes of it do.
    known: Vec<Option<(NodeId, Of, Around)>>,
}

/// What nothing was told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A whole element that holds nothing.
    Element,
    /// The attributes of one.
    Attributes,
}

impl Around {
    /// What an element stands in, or its attributes do.
    pub(super) const fn of(frame: &Frame) -> Self {
        Self { path: frame.path, owner: frame.owner, of_target: frame.of_target, unknown: frame.unknown }
    }
}

impl<'t, 'd> Silent<'t, 'd> {
    pub(super) fn new(tape: &'t Tape<'d>) -> Self {
        let slots = (tape.len() / NODES_A_SLOT).next_power_of_two().clamp(SLOTS_MIN, SLOTS_MAX);
        Self { tape, passed: 0, known: vec![None; slots] }
    }

    /// The first element whose tag is written as this one's: often itself. They are asked for in order.
    #[inline]
    pub(super) fn first(&mut self, id: NodeId) -> NodeId {
        while let Some((element, of)) = self.tape.written_again(self.passed).filter(|(e, _)| *e <= id) {
            self.passed += 1;
            if element == id {
                return of;
            }
        }
        id
    }

    /// Whether nothing was told of a tag that is so written, where it stood in the same.
    #[inline]
    pub(super) fn is(&self, first: NodeId, of: Of, around: Around) -> bool {
        self.known.get(self.slot(first, of)) == Some(&Some((first, of, around)))
    }

    /// Nothing was told.
    #[inline]
    pub(super) fn learn(&mut self, first: NodeId, of: Of, around: Around) {
        let slot = self.slot(first, of);
        self.known.get_mut(slot).into_iter().for_each(|slot| *slot = Some((first, of, around)));
    }

    /// What comes far behind in a document has the slot of what came before.
    fn slot(&self, first: NodeId, of: Of) -> usize {
        (first.index() * 2 + of as usize) & (self.known.len() - 1)
    }
}

/// Of a short document few are needed.
const NODES_A_SLOT: usize = 4;
const SLOTS_MIN: usize = 16;
const SLOTS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::super::tests::{Keep, document, table};
    use super::super::{Sink, walk};
    use crate::inspect::walk::{Declared, Leaf, PersonId, Role};
    use std::ops::Range;

    /// A sink that makes something of some of the leaves, and tells so or not.
    struct Picks {
        tells: bool,
        told: usize,
        keep: Keep,
    }

    impl Sink for Picks {
        fn person(&mut self, id: PersonId, role: Role) {
            self.keep.person(id, role);
        }

        fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
            self.told += 1;
            // By all that it is told but where and whose it is.
            let row = leaf.field.map(|field| field.id.as_str());
            let all = format!("{:?} {row:?} {} {}", leaf.reads, leaf.value, leaf.cue);
            if all.bytes().fold(7_u32, |sum, byte| sum * 31 % 65_521 + u32::from(byte)) % 4 == 0 {
                self.keep.leaf(leaf, place);
            }
        }

        fn clinical(&mut self, person: PersonId) {
            self.keep.clinical(person);
        }

        fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
            self.keep.declared(mode, place);
        }

        fn unknown_key(
            &mut self,
            key: &str,
            span: Range<usize>,
            person: PersonId,
            place: &dyn Fn() -> String,
        ) {
            self.keep.unknown_key(key, span, person, place);
        }

        fn made(&self) -> Option<usize> {
            self.tells.then_some(self.keep.leaves.len())
        }
    }

    /// What it makes of a document, and how many leaves it is told.
    fn made(doc: &str, tells: bool) -> (String, usize) {
        let mut sink = Picks { tells, told: 0, keep: Keep::default() };
        walk(doc.as_bytes(), &table(), &mut sink).unwrap();
        (format!("{:#?}", sink.keep), sink.told)
    }

    #[test]
    fn what_nothing_is_made_of_makes_no_difference_when_it_comes_again() {
        let parts = [
            r#"<code code="8480-6" codeSystem="2.16.840.1.113883.6.1" displayName="Pressure"/>"#,
            r#"<code code="8480-6" codeSystem="1.2" displayName="Pressure"/>"#,
            r#"<id root="1.2.3" extension="77"/>"#,
            r#"<id root="2.16.840.1.113883.4.1" extension="412213456"/>"#,
            r#"<statusCode code="completed"/>"#,
            r#"<effectiveTime value="20250503"/>"#,
            r#"<effectiveTime><low value="20250503"/></effectiveTime>"#,
            r#"<value xsi:type="PQ" value="1"/>"#,
            r#"<telecom value="tel:608-301-7742" use="HP"/>"#,
            r#"<x:value value="1" other="2"/>"#,
            r#"<x:code code="8480-6" xmlns:x="urn:other"/>"#,
            r#"<sdtc:code code="8480-6"/>"#,
            r#"<text><table><tr ID="a"><td ID="b">x</td><td ID="b">y</td></tr></table></text>"#,
            r#"<text mediaType="text/plain"/>"#,
            r#"<nonXMLBody><text mediaType="text/plain"/></nonXMLBody>"#,
            r#"<templateId root="2.16.840.1.113883.10.20.22.4.2"/>"#,
            r#"<name use="L">Ann</name>"#,
            r#"<templateId root="2.16.840.1.113883.10.20.22.4.2" extension=""><!-- k --></templateId>"#,
        ];
        let around = [
            ("<recordTarget><patientRole>", "</patientRole></recordTarget>"),
            ("<author><assignedAuthor>", "</assignedAuthor></author>"),
            (r#"<participant typeCode="COV"><participantRole>"#, "</participantRole></participant>"),
            (r#"<participant typeCode="HLD"><participantRole>"#, "</participantRole></participant>"),
            (r#"<informant><relatedEntity classCode="PRS">"#, "</relatedEntity></informant>"),
            (r#"<entry><observation classCode="OBS" moodCode="EVN">"#, "</observation></entry>"),
            (r#"<section classCode="DOCSECT">"#, "</section>"),
            (r#"<entry xmlns="urn:other"><observation classCode="OBS">"#, "</observation></entry>"),
            (r#"<unheard of="1">"#, "</unheard>"),
            ("", ""),
        ];
        let mut state = 3_u64;
        let mut below = |n: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % n
        };
        let (mut told, mut all) = (0, 0);
        for _ in 0..400 {
            let few: Vec<&str> = (0..1 + below(5)).map(|_| parts[below(parts.len())]).collect();
            let mut body = String::new();
            for _ in 0..1 + below(12) {
                let (before, behind) = around[below(around.len())];
                let inside: String = (0..below(8)).map(|_| few[below(few.len())]).collect();
                body.push_str(&format!("{before}{inside}{behind}"));
            }
            let doc = document(&body, "");
            let (some, every) = (made(&doc, true), made(&doc, false));
            assert_eq!(some.0, every.0, "{doc}");
            (told, all) = (told + some.1, all + every.1);
        }
        assert!(told * 5 < all * 4, "{told} of {all}");
    }

    #[test]
    fn samples_tell_alike_whether_what_is_silent_is_known_or_not() {
        let shared = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples/ccda");
        if !shared.exists() {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "samples are missing");
            return println!("skipped: no ../shared");
        }
        for file in std::fs::read_dir(shared).unwrap() {
            let path = file.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            if path.extension().is_some_and(|e| e == "xml") {
                assert!(made(&text, true).0 == made(&text, false).0, "{}", path.display());
            }
        }
    }
}
