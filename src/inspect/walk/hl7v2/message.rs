//! Messages and whose their segments are.

use super::super::{PersonId, Role, Sink, WalkError, object};
use super::columns::Columns;
use super::encoding::{FieldAt, Marks, Separators, USUAL, is_header, next_segment, pieces, segment_start};
use super::grammar::{Datatype, TEXT};
use super::place::{Label, Place};
use super::question::Question;
use super::segment::Current;
use super::table::{Segment, Table};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

/// State of one reading.
pub(super) struct Walk<'d, 's> {
    pub(super) doc: &'d [u8],
    /// The same as text, where it is UTF-8 from end to end: asked once, not for each value.
    pub(super) text: Option<&'d str>,
    pub(super) table: &'d Table,
    pub(super) objects: Option<&'d object::Table>,
    pub(super) sink: &'s mut dyn Sink,
    pub(super) separators: Separators,
    marks: Marks,
    /// Whether any value may have an escape in it.
    escapes: bool,
    /// How often the document was looked through for that.
    looked: u32,
    /// The segment id that was looked up last, and its number.
    known: ([u8; 3], Option<usize>),
    /// The type that OBX-2 named last.
    pub(super) result: (&'d str, &'static Datatype),
    /// What the OBX that was read last asks.
    pub(super) question: Option<Question<'d>>,
    /// The current segment's id, or what a header declares, and its first fields, up to [`FIELDS_KEPT`].
    pub(super) ahead: Vec<FieldAt>,
    /// Where those behind them begin, if there are any.
    pub(super) behind: Option<usize>,
    /// Where the current message begins.
    pub(super) message_start: usize,
    /// The year in which it was sent, once it was looked for.
    pub(super) sent: OnceCell<Option<u16>>,
    /// Whether it may tell of anybody, once that was looked for.
    tells_of_somebody: OnceCell<bool>,
    message: u32,
    /// Segments of each id so far in this message; the last two count Z segments and unknown ones.
    counts: Vec<u32>,
    persons: Persons,
    /// Whether an order or a result came after the PID.
    pub(super) in_order: bool,
    pub(super) columns: Columns,
    /// The segment that was read last, if another may go on with it.
    before: Option<Before<'d>>,
}

/// What is known of a segment by its id, and its fields.
struct Before<'d> {
    label: Label,
    number: Option<usize>,
    plan: Option<&'d Segment>,
    occurrence: u32,
    fields: Range<usize>,
    first_field: u32,
}

impl<'d, 's> Walk<'d, 's> {
    pub(super) fn new(
        doc: &'d [u8],
        table: &'d Table,
        objects: Option<&'d object::Table>,
        sink: &'s mut dyn Sink,
    ) -> Self {
        Self {
            doc,
            text: std::str::from_utf8(doc).ok(),
            table,
            objects,
            sink,
            separators: USUAL,
            marks: USUAL.marks(),
            escapes: true,
            looked: 0,
            known: (*b"   ", None),
            result: ("", TEXT),
            question: None,
            ahead: Vec::new(),
            behind: None,
            message_start: 0,
            sent: OnceCell::new(),
            tells_of_somebody: OnceCell::new(),
            message: 0,
            counts: vec![0; table.len() + 2],
            persons: Persons::default(),
            in_order: false,
            columns: Columns::default(),
            before: None,
        }
    }

    pub(super) fn run(mut self) -> Result<(), WalkError> {
        let mut at = 0;
        while let Some(start) = segment_start(self.doc, at) {
            at = self.segment(start)?;
        }
        Ok(())
    }

    /// Reads the segment that begins at `start`. Gives where it ends.
    fn segment(&mut self, start: usize) -> Result<usize, WalkError> {
        let third = self.header(start)?;
        let end = self.look_ahead(start, third);
        let id_end = self.ahead.first().map_or(end, |id| id.span.end);
        let (first_field, id) = match third {
            Some(_) => (3, start..start + 3),
            None => (1, start..id_end),
        };
        let id = self.doc.get(id).unwrap_or_default();
        let fields = (id_end + 1).min(end)..end;
        let number = match <[u8; 3]>::try_from(id) {
            Ok(id) if id == self.known.0 => self.known.1,
            Ok(id) => {
                self.known = (id, self.table.number(&id));
                self.known.1
            }
            Err(_) => None,
        };
        let known = number.and_then(|n| self.table.segment(n));
        let label = match (known, id) {
            (Some(segment), _) => Label::Known(segment.id),
            (None, [b'Z' | b'z', a, b]) if a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric() => {
                Label::Site
            }
            _ => Label::Unknown,
        };
        let of = match self.continued(id, &fields) {
            Some(of) => of,
            None => {
                self.begin(label, start);
                let occurrence = self.count(number, label);
                Before { label, number, plan: known, occurrence, fields: fields.clone(), first_field }
            }
        };
        let Before { label, number, plan, occurrence, first_field, .. } = of;
        self.before = third.is_none().then_some(of);
        let current = Current {
            label,
            number,
            plan,
            fields: fields.clone(),
            first_field,
            place: Place {
                message: self.message,
                segment: label,
                occurrence,
                field: 0,
                repetition: 1,
                component: 0,
                subcomponent: 0,
            },
        };
        if label == Label::Unknown {
            let key = self.separators.decode(id);
            let person = self.patient();
            self.sink.unknown_key(&key, start..start + id.len(), person, &|| current.place.text());
        }
        self.tell_clinical(&current);
        if !fields.is_empty() {
            self.tell_fields(&current);
        }
        Ok(end)
    }

    /// What an addendum goes on with: its first field is the rest of the last one of the segment before (v2.5.1 section
    /// 2.10.2), and each further one follows.
    fn continued(&self, id: &[u8], fields: &Range<usize>) -> Option<Before<'d>> {
        let of = self.before.as_ref().filter(|_| id == b"ADD" && !fields.is_empty())?;
        let separators = memchr::memchr_iter(self.separators.field, self.doc.get(of.fields.clone())?).count();
        let last = of.first_field + u32::try_from(separators).ok()?;
        Some(Before { fields: fields.clone(), first_field: last, ..*of })
    }

    /// Reads by the separators of the segment that begins at `start`, if that is a header: then its third
    /// field begins where this gives.
    fn header(&mut self, start: usize) -> Result<Option<usize>, WalkError> {
        // Most segments begin otherwise.
        if !self.doc.get(start).is_some_and(|c| matches!(c.to_ascii_uppercase(), b'M' | b'F' | b'B')) {
            return Ok(None);
        }
        let segment = next_segment(self.doc, start).and_then(|span| self.doc.get(span)).unwrap_or_default();
        if !is_header(segment) {
            return Ok(None);
        }
        let malformed = WalkError::Malformed { at: start };
        let (separators, third) = Separators::declared(segment).ok_or(malformed)?;
        self.declare(separators, start + third);
        Ok(Some(start + third))
    }

    /// Reads by these separators from here on.
    fn declare(&mut self, separators: Separators, from: usize) {
        if self.looked > 0 && separators == self.separators {
            return;
        }
        self.columns.forget();
        self.question = None;
        self.marks = separators.marks();
        self.separators = separators;
        self.looked += 1;
        // Each look goes through the whole rest: a document of messages that all declare others isn't looked through for each.
        let rest = self.doc.get(from..).unwrap_or_default();
        self.escapes = separators
            .escape
            .is_some_and(|escape| self.looked > LOOKS_MAX || memchr::memchr(escape, rest).is_some());
    }

    /// Finds the first fields of a segment, once for all who ask for them. Gives where it ends.
    fn look_ahead(&mut self, start: usize, third: Option<usize>) -> usize {
        self.ahead.clear();
        if let Some(third) = third {
            self.ahead.push(FieldAt { span: start..third.saturating_sub(1), plain: false });
        }
        let (end, behind) =
            self.marks.segment(self.doc, third.unwrap_or(start), FIELDS_KEPT + 1, &mut self.ahead);
        self.behind = behind;
        end
    }

    /// The field that comes next in a segment: the one kept at `at`, or the first behind them.
    pub(super) fn next_field(&mut self, at: usize) -> Option<FieldAt> {
        if let Some(field) = self.ahead.get(at + 1) {
            return Some(field.clone());
        }
        let (field, next) = self.marks.field(self.doc, self.behind?);
        self.behind = next;
        Some(field)
    }

    /// What a segment's id changes before its fields are read.
    fn begin(&mut self, label: Label, start: usize) {
        let Label::Known(id) = label else { return };
        match &id {
            b"MSH" | b"FHS" | b"BHS" => {
                self.columns.forget();
                self.persons.reset();
                self.in_order = false;
                self.message_start = start;
                self.sent.take();
                self.tells_of_somebody.take();
                if &id == b"MSH" {
                    self.message += 1;
                    self.counts.fill(0);
                }
            }
            b"PID" => {
                self.columns.forget();
                self.persons.patient_begins();
                self.in_order = false;
            }
            b"NK1" | b"GT1" | b"IN1" => {
                self.columns.forget();
                self.persons.relative = None;
            }
            b"ORC" | b"OBR" | b"OBX" | b"RXO" | b"RXE" | b"RXD" | b"RXG" | b"RXA" => self.in_order = true,
            // Of a store's goods: what is noted behind them is no finding.
            b"RQD" | b"RQ1" => self.in_order = false,
            _ => {}
        }
    }

    fn count(&mut self, number: Option<usize>, label: Label) -> u32 {
        let other = self.table.len() + usize::from(label == Label::Unknown);
        match self.counts.get_mut(number.unwrap_or(other)) {
            Some(count) => {
                *count = count.saturating_add(1);
                *count
            }
            None => 1,
        }
    }

    /// A field of the current segment, as a span. For looking ahead.
    pub(super) fn field_span(&self, current: &Current<'_>, number: u32) -> Option<Range<usize>> {
        if let Some(field) = self.field_ahead(current, number) {
            return Some(field.span.clone());
        }
        let nth = usize::try_from(number.checked_sub(current.first_field)?).ok()?;
        match nth < FIELDS_KEPT {
            true => None,
            false => pieces(self.doc, current.fields.clone(), Some(self.separators.field)).nth(nth),
        }
    }

    /// The same, where it is among the first.
    pub(super) fn field_ahead(&self, current: &Current<'_>, number: u32) -> Option<&FieldAt> {
        let nth = usize::try_from(number.checked_sub(current.first_field)?).ok()?;
        self.ahead.get(nth + 1)
    }

    /// The value of these bytes; `plain`: without separators and escapes.
    pub(super) fn value(&self, span: Range<usize>, plain: bool) -> Cow<'d, str> {
        match self.text.filter(|_| plain || !self.escapes).and_then(|text| text.get(span.clone())) {
            Some(text) => Cow::Borrowed(text),
            None => self.separators.decode(self.doc.get(span).unwrap_or_default()),
        }
    }

    /// The datatype that OBX-2 names: mostly the one that the OBX before named.
    pub(super) fn result_type(&mut self, name: &'d str) -> &'static Datatype {
        if self.result.0 != name {
            self.result = (name, Datatype::of_result(name));
        }
        self.result.1
    }

    /// Whether the message has a segment of a patient, or one of a site, which may be his: without one its orders and
    /// appointments are nobody's (time that is blocked, goods for a store). Looked for once in a message, and up to the next.
    pub(super) fn tells_of_somebody(&self) -> bool {
        self.persons.pid_seen
            || *self.tells_of_somebody.get_or_init(|| {
                let id = |start: usize| self.doc.get(start..).and_then(<[u8]>::first_chunk::<3>);
                let starts = std::iter::successors(Some(self.message_start), |start| {
                    segment_start(self.doc, next_segment(self.doc, *start)?.end)
                });
                let ids = starts.filter_map(id).map(|id| id.map(|c| c.to_ascii_uppercase()));
                let mut inside = ids.skip(1).take_while(|id| id != b"MSH");
                inside.any(|id| matches!(&id, b"PID" | b"NK1" | b"GT1" | b"IN1" | b"MRG" | [b'Z', ..]))
            })
    }

    /// The patient whose segments these are; announced on demand.
    pub(super) fn patient(&mut self) -> PersonId {
        if let Some(id) = self.persons.patient {
            return id;
        }
        let id = self.announce(Role::Patient);
        self.persons.patient = Some(id);
        id
    }

    /// The patient, if he was announced: for values that say nothing about who somebody is.
    pub(super) fn patient_if_any(&self) -> PersonId {
        self.persons.patient.unwrap_or(PersonId::NOBODY)
    }

    /// The person of the current NK1, GT1, or IN1 with IN2.
    pub(super) fn relative(&mut self) -> PersonId {
        if let Some(id) = self.persons.relative {
            return id;
        }
        let id = self.announce_relative();
        self.persons.relative = Some(id);
        id
    }

    /// The person whom a query asks for.
    pub(super) fn queried(&mut self) -> PersonId {
        if let Some(id) = self.persons.queried {
            return id;
        }
        let id = self.announce(Role::Patient);
        self.persons.queried = Some(id);
        id
    }

    /// The relative whom SCH-12 names.
    pub(super) fn contact(&mut self) -> PersonId {
        if let Some(id) = self.persons.contact {
            return id;
        }
        let id = self.announce_relative();
        self.persons.contact = Some(id);
        id
    }

    fn announce_relative(&mut self) -> PersonId {
        let role = if self.persons.pid_seen || self.persons.patient.is_some() {
            Role::RelativeOf(self.patient())
        } else {
            Role::Relative
        };
        self.announce(role)
    }

    fn announce(&mut self, role: Role) -> PersonId {
        self.columns.forget();
        let id = PersonId(self.persons.next);
        self.persons.next += 1;
        self.sink.person(id, role);
        id
    }
}

/// Who is whom in the current message.
#[derive(Default)]
struct Persons {
    next: u32,
    patient: Option<PersonId>,
    pid_seen: bool,
    relative: Option<PersonId>,
    queried: Option<PersonId>,
    contact: Option<PersonId>,
}

impl Persons {
    fn reset(&mut self) {
        *self = Self { next: self.next, ..Self::default() };
    }

    /// The first PID of a message takes over what came before it; each further one is somebody else.
    fn patient_begins(&mut self) {
        if self.pid_seen {
            self.patient = None;
        }
        self.pid_seen = true;
        self.relative = None;
    }
}

/// So many fields of a segment are found before the first is told. No segment of the standard has more.
const FIELDS_KEPT: usize = 64;
/// How often escapes are looked for in the rest of a document.
const LOOKS_MAX: u32 = 4;

#[cfg(test)]
mod tests {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Inspector, Message, RuleSet};

    /// The points of the heaviest person, and whether something clinical is told of him.
    fn heaviest(kind: &str, segments: &str) -> (u32, bool) {
        let body = format!("MSH|^~\\&|A|B|C|D|20250611143022||{kind}|7712033196|P|2.5.1\r{segments}\r");
        let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
            content_type: "x-application/hl7-v2+er7",
            body: body.as_bytes(),
            ..Message::default()
        });
        let people = found.persons.iter().map(|p| (u32::from(p.points.0), p.clinical));
        people.max().unwrap_or_default()
    }

    const SLOT: &str = "SCH|8752923|8752924|||||Recheck|OFFICE|30|min|^^30^202504020900^202504020930\rRGS|1\r\
                        AIS|1||99213^Office visit^CPT";

    #[test]
    fn appointments_and_orders_of_a_message_without_a_patient_are_nobodys() {
        assert_eq!(heaviest("SIU^S12", SLOT).0, 0);
        let goods = "ORC|NW|88213477^MMIS\rRQD|1|88012^Gauze 4x4\rNTE|1||Deliver to Angela Stroud";
        assert!(!heaviest("OMS^O05", goods).1);
        assert_eq!(heaviest("OMS^O05", "ORC|NW|88213477^MMIS\rRQD|1|88012^Gauze 4x4").0, 0);
        assert_eq!(heaviest("ORU^R01", "OBR|1|88213477||24323-8^CMP^LN").0, 20, "somebody's");
        // Whoever is told of has them, wherever he stands, and so has who was left blank.
        for patient in ["PID|1", "PID|1||8834127^^^SJ^MR", "ZPT|1|Okonedo^Hannah"] {
            assert!(heaviest("SIU^S12", &format!("{SLOT}\r{patient}")).0 >= 50, "{patient}");
            assert!(heaviest("SIU^S12", &format!("{patient}\r{SLOT}")).0 >= 50, "{patient}");
        }
        // That of the next message is another's.
        let next = "MSH|^~\\&|A|B|C|D|20250611143022||ADT^A08|7712033197|P|2.5.1\rPID|1||8834127^^^SJ^MR";
        assert_eq!(heaviest("SIU^S12", &format!("{SLOT}\r{next}")).0, 60);
    }

    #[test]
    fn an_addendum_goes_on_with_the_segment_before() {
        let whole = "PID|1||8834127^^^SJ^MR||Okonedo^Hannah||19710509";
        let points = heaviest("ADT^A08", whole);
        assert_eq!(points.0, 150);
        for parts in [
            "PID|1||8834127^^^SJ^MR|\rADD||Okonedo^Hannah||19710509",
            "PID|1||8834127^^^SJ^MR||\rADD|Okonedo^Hannah|\rADD||19710509",
        ] {
            assert_eq!(heaviest("ADT^A08", parts), points, "{parts}");
        }
        assert_eq!(heaviest("SIU^S12", "ADD||Okonedo^Hannah"), heaviest("SIU^S12", "QQQ||Okonedo^Hannah"));
    }

    #[test]
    fn places_and_tests_of_master_files_are_nobodys() {
        let place = "LOC|CLINIC4|Surgery Center|C|Lakewalk^L|1502 London Rd^^Duluth^MN^55812|(218)728-0600~^NET^Internet^lw@lakewalk.org";
        let test = "OM1|1|24323-8^CMP^LN|ST|Y|LAB|CMP|Metabolic|||||||||||(612)873-2200||Mayo^D|3050 Superior Dr NW^^Rochester^MN^55901";
        let staff = "STF|1|77|Okonedo^Hannah|P|F|19710509|A||(218)786-4411^^PH|12 Elm St^^Duluth^MN^55805";
        assert_eq!(heaviest("MFN^M02", staff).0, 0);
        for segments in [place, test] {
            assert_eq!(heaviest("MFN^M05", segments).0, 0, "{segments}");
            // In any other message it may be anything.
            assert!(heaviest("ADT^A08", segments).0 >= 70, "{segments}");
        }
        assert!(heaviest("MFN^M05", &format!("{place}\rPID|1||8834127^^^SJ^MR|Okonedo^Hannah")).0 >= 60);
    }
}
