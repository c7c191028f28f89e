//! A document: interchanges, groups, transaction sets, segments; what an envelope that is wrong or cut does.

use super::super::{Declared, Leaf, PersonId, Reads, Sink, WalkError};
use super::conditions::Code;
use super::people::{Follows, Name, People};
use super::place::{Label, Place};
use super::segment::Current;
use super::separators::{Segment, Separators, segments};
use super::table::Table;
use crate::inspect::check::digits;
use crate::inspect::kind::Whose;
use std::borrow::Cow;
use std::ops::Range;

/// State of one reading.
pub(super) struct Walk<'d, 's> {
    pub(super) doc: &'d [u8],
    pub(super) table: &'d Table,
    pub(super) sink: &'s mut dyn Sink,
    pub(super) marks: Separators,
    pub(super) people: People<'d>,
    set: u32,
    /// The segment of a patient's that an acknowledgement quotes from.
    pub(super) quoted: Option<Code>,
    /// Where in its transaction set that stands.
    quoted_at: u32,
    /// Loops of nobody's in the sets that it answers.
    others: &'static [&'static str],
    envelope: Envelope,
    /// Segments of each id so far; the last counts unknown ones.
    counts: Vec<u32>,
    /// Where the first thing stands that no envelope has.
    trouble: Option<usize>,
}

/// What is open.
#[derive(Default)]
struct Envelope {
    interchange: bool,
    group: bool,
    set: bool,
    /// A document that begins with a group or set.
    fragment: bool,
}

impl<'d, 's> Walk<'d, 's> {
    pub(super) fn new(doc: &'d [u8], marks: Separators, table: &'d Table, sink: &'s mut dyn Sink) -> Self {
        Self {
            doc,
            table,
            sink,
            marks,
            people: People::default(),
            set: 0,
            quoted: None,
            quoted_at: 0,
            others: CLAIM_OTHERS,
            envelope: Envelope::default(),
            counts: vec![0; table.len() + 1],
            trouble: None,
        }
    }

    pub(super) fn run(mut self) -> Result<(), WalkError> {
        for (n, (marks, segment)) in segments(self.doc, self.marks).enumerate() {
            self.marks = marks;
            self.segment(&segment, n == 0);
        }
        let open = self.envelope.interchange || self.envelope.group || self.envelope.set;
        match self.trouble.or(open.then_some(self.doc.len())) {
            Some(at) => Err(WalkError::Malformed { at }),
            None => Ok(()),
        }
    }

    fn segment(&mut self, segment: &Segment, first: bool) {
        let raw = self.doc.get(segment.span.clone()).unwrap_or_default();
        let length = memchr::memchr(self.marks.element, raw).unwrap_or(raw.len());
        let written = raw.get(..length).unwrap_or_default();
        let id = self.marks.decode(written);
        let id = id.trim();
        let number = self.table.number(id);
        let label = self.table.label(number);
        let elements = (segment.span.start + length + 1).min(segment.span.end)..segment.span.end;
        let mut current = Current {
            label,
            number,
            elements,
            data: segment.data.clone(),
            follows: follows(label),
            place: Place { set: 0, segment: label, occurrence: 1, element: 0, repetition: 1, component: 0 },
        };
        let in_place = self.envelop(label, id, first);
        if self.trouble.is_none() && (!in_place || segment.length_lies) {
            self.trouble = Some(segment.span.start);
        }
        self.begin(&current);
        let in_set = self.envelope.set && label != Label::Known(*b"ST ");
        current.place.set = if in_set { self.set } else { 0 };
        current.place.occurrence = self.count(number);
        if label == Label::Unknown {
            self.tell_unknown(&current, segment.span.start..segment.span.start + length);
        }
        self.tell_clinical(&current);
        self.tell_elements(&current);
        if label == Label::Known(*b"ISA") {
            self.tell_declared(&current);
        }
        if label == Label::Known(*b"SE ") {
            self.envelope.set = false;
            self.people.begin_set();
        }
    }

    /// A segment id that the standard doesn't have, or text that went astray.
    fn tell_unknown(&mut self, current: &Current, span: Range<usize>) {
        let person = self.person(current);
        let value = self.value(span.clone());
        let place = current.place;
        if span.len() <= ID_BYTES_MAX {
            self.sink.unknown_key(&value, span, person, &|| place.to_string());
        } else {
            let leaf = Leaf { span, value, field: None, person, reads: Reads::Text, cue: "" };
            self.sink.leaf(&leaf, &|| place.to_string());
        }
    }

    /// Whether a segment may stand where it stands.
    fn envelop(&mut self, label: Label, id: &str, first: bool) -> bool {
        let open = &mut self.envelope;
        open.fragment |= first && matches!(&label.id(), b"GS " | b"ST ");
        match &label.id() {
            b"ISA" => {
                let fits = !(open.interchange || open.group || open.set || open.fragment);
                *open = Envelope { interchange: true, ..Envelope::default() };
                fits
            }
            b"IEA" => {
                let fits = open.interchange && !open.group && !open.set;
                *open = Envelope::default();
                fits
            }
            b"GS " => {
                let fits = (open.interchange || open.fragment) && !open.group && !open.set;
                (open.group, open.set) = (true, false);
                fits
            }
            b"GE " => {
                let fits = open.group && !open.set;
                (open.group, open.set) = (false, false);
                fits
            }
            b"ST " => {
                let fits = (open.group || open.fragment) && !open.set;
                open.set = true;
                fits
            }
            b"SE " => open.set,
            b"TA1" | b"TA3" | b"ISB" | b"ISE" => open.interchange,
            _ => open.set && is_segment_id(id),
        }
    }

    /// What a segment changes before its elements are read: sets, levels, claims, names.
    fn begin(&mut self, current: &Current) {
        let element = |n: u32| self.plain(current, n);
        match &current.label.id() {
            b"ST " => {
                self.set = self.set.saturating_add(1);
                let kept =
                    ENVELOPE.map(|id| self.table.number(id).and_then(|n| Some((n, *self.counts.get(n)?))));
                self.counts.fill(0);
                for (number, count) in kept.into_iter().flatten() {
                    if let Some(slot) = self.counts.get_mut(number) {
                        *slot = count;
                    }
                }
                self.people.begin_set();
            }
            b"ISA" | b"GS " => self.people.begin_set(),
            b"HL " => self.people.level(element(3), element(1), element(2)),
            b"INS" if !self.people.has_levels() => self.people.member(),
            b"ENT" if matches!(element(2), "2L" | "2K") => self.people.leave(),
            b"ENT" => self.people.member(),
            b"CLP" => self.people.paid_claim(self.named_ahead(current, "QC")),
            b"CLM" => self.people.claim(),
            b"SBR" => self.people.cover(self.named_ahead(current, "IL")),
            b"PLB" => self.people.leave(),
            b"AK1" => self.others = others_of(element(1)),
            b"AK2" => {
                self.others = others_of(element(1));
                self.people.begin_set();
                self.quoted_at = 0;
            }
            b"IK3" | b"AK3" => self.quote(element(1), element(2), element(3)),
            // A 997 needn't say which loop it is: a provider's own number says that it is his.
            b"IK4" | b"AK4" if element(2) == "67" && digits::npi(element(4)) => self.quoted = None,
            b"NM1" => {
                let name = name_of(element);
                let whose = self.entity(element(1), element(2), element(8));
                self.people.name(element(1), whose, name);
            }
            b"N1 " => {
                let name = Name { number: element(4), ..Name::default() };
                let whose = self.table.entity(element(1)).unwrap_or(Whose::Organisation);
                self.people.name(element(1), whose, name);
            }
            b"LX " | b"HD " | b"COB" | b"DSB" | b"EB " | b"EQ " | b"UM " | b"HCR" | b"SVC" | b"SVD"
            | b"STC" | b"TRN" | b"IDC" | b"LS " | b"LE " | b"RMR" | b"BIN" | b"BDS" | b"CAT" => {
                self.people.back()
            }
            _ => {}
        }
    }

    /// A segment that an acknowledgement finds wrong: who and where in which loop. What stands far from the last one is of
    /// somebody else.
    fn quote(&mut self, segment: &str, position: &str, within: &str) {
        let position = position.parse().unwrap_or(0);
        if self.quoted_at == 0 || position < self.quoted_at || position - self.quoted_at > LOOP_SEGMENTS_MAX {
            self.people.member();
        }
        self.quoted_at = position;
        let others = self.others.iter().any(|id| within.starts_with(id));
        self.quoted = if others { None } else { Code::of(segment) };
    }

    /// Whose a name is that no row lists: a provider's where it is an organisation or bears a provider's number, and
    /// in doubt a relative's.
    fn entity(&self, code: &str, kind: &str, number_by: &str) -> Whose {
        let doubt = || {
            if kind == "2" || PROVIDER_NUMBERS.contains(&number_by) {
                Whose::Provider
            } else {
                Whose::Relative
            }
        };
        self.table.entity(code).unwrap_or_else(doubt)
    }

    /// Whom the NM1 of this code names that follows in the same claim, if one does.
    fn named_ahead(&self, current: &Current, code: &str) -> Option<Name<'d>> {
        let mut at = current.elements.end;
        for _ in 0..AHEAD_MAX {
            let segment = self.marks.next_segment(self.doc, at)?;
            at = segment.next;
            let raw = self.doc.get(segment.span.clone())?;
            let length = memchr::memchr(self.marks.element, raw)?;
            match raw.get(..length)? {
                b"NM1" => {
                    let start = segment.span.start + length + 1;
                    let piece = |n: u32| {
                        self.marks
                            .pieces(self.doc, start..segment.span.end, Some(self.marks.element))
                            .nth(n.saturating_sub(1) as usize)
                            .map_or("", |span| self.word(span))
                    };
                    if piece(1) == code {
                        return Some(name_of(piece));
                    }
                }
                b"CLM" | b"CLP" | b"LX" | b"SBR" | b"HL" | b"SVC" | b"SE" | b"PLB" => return None,
                _ => {}
            }
        }
        None
    }

    fn tell_clinical(&mut self, current: &Current) {
        let clinical =
            matches!(&current.label.id(), b"HI " | b"SV1" | b"SV2" | b"SV3" | b"SVC" | b"BIN" | b"BDS");
        if clinical && !current.elements.is_empty() {
            let person = self.people.person(Follows::Level, self.sink);
            self.sink.clinical(person);
        }
    }

    fn tell_declared(&mut self, current: &Current) {
        let declared = match self.plain(current, 15) {
            "T" => Declared::Test,
            "P" => Declared::Production,
            _ => return,
        };
        let place = Place { element: 15, ..current.place };
        self.sink.declared(declared, &|| place.to_string());
    }

    fn count(&mut self, number: Option<usize>) -> u32 {
        let at = number.unwrap_or(self.table.len());
        match self.counts.get_mut(at) {
            Some(count) => {
                *count = count.saturating_add(1);
                *count
            }
            None => 1,
        }
    }

    /// An element as written, by its number from 1; empty where there is none. For codes and names.
    pub(super) fn plain(&self, current: &Current, number: u32) -> &'d str {
        let Some(nth) = usize::try_from(number).ok().and_then(|n| n.checked_sub(1)) else { return "" };
        self.marks
            .pieces(self.doc, current.elements.clone(), Some(self.marks.element))
            .nth(nth)
            .map_or("", |span| self.word(span))
    }

    /// A piece as written, without blanks around it; empty where it isn't UTF-8.
    pub(super) fn word(&self, span: Range<usize>) -> &'d str {
        self.doc.get(span).and_then(|raw| std::str::from_utf8(raw).ok()).unwrap_or_default().trim()
    }

    /// The value of a piece.
    pub(super) fn value(&self, span: Range<usize>) -> Cow<'d, str> {
        self.marks.decode(self.doc.get(span).unwrap_or_default())
    }

    /// The person to whom a value of the segment belongs.
    pub(super) fn person(&mut self, current: &Current) -> PersonId {
        self.people.person(current.follows, self.sink)
    }
}

fn follows(label: Label) -> Follows {
    match &label.id() {
        b"NM1" | b"N1 " | b"N2 " | b"N3 " | b"N4 " | b"NX1" | b"NX2" | b"PER" | b"REF" | b"PRV" => {
            Follows::Named
        }
        b"DMG" => Follows::Person,
        _ => Follows::Level,
    }
}

/// What the elements of an NM1 say of who it is.
fn name_of<'d>(element: impl Fn(u32) -> &'d str) -> Name<'d> {
    Name { family: element(3), given: element(4), suffix: element(7), number: element(9) }
}

fn is_segment_id(id: &str) -> bool {
    (2..=3).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.bytes().all(|c| c.is_ascii_alphanumeric())
}

/// Segments that are counted through the whole document.
const ENVELOPE: [&str; 9] = ["ISA", "IEA", "GS", "GE", "ST", "TA1", "TA3", "ISB", "ISE"];
/// NM108 and the like: numbers that only providers and organisations have.
const PROVIDER_NUMBERS: [&str; 12] = ["XX", "24", "FI", "46", "PI", "XV", "SV", "BS", "BD", "BP", "PP", "UP"];

/// Loops of submitters, receivers, providers, payers and employers in a set of this number (AK201), or in those of a group of
/// this code (AK101): the same loop has other people in each.
fn others_of(set: &str) -> &'static [&'static str] {
    match set {
        "270" | "HS" | "271" | "HB" => &["2000A", "2000B", "2100A", "2100B", "2120"],
        "276" | "HR" | "277" | "HN" => &["2000A", "2000B", "2000C", "2100A", "2100B", "2100C"],
        "278" | "HI" => &["2000A", "2000B", "2010A", "2010B", "2010E", "2010F"],
        "834" | "BE" => &["1000", "2100D", "2100E", "2310", "2330"],
        "835" | "HP" => &["1000"],
        _ => CLAIM_OTHERS,
    }
}

/// Those of a claim (837).
const CLAIM_OTHERS: &[&str] = &[
    "1000", "2010AA", "2010AB", "2010AC", "2010BB", "2310", "2330B", "2330C", "2330D", "2330E", "2330F",
    "2330G", "2330H", "2330I", "2420",
];

/// Segments that tell of one person stand this close.
const LOOP_SEGMENTS_MAX: u32 = 10;
/// So many segments are looked through for a name: a claim's adjustments stand before it.
const AHEAD_MAX: usize = 64;
/// A longer first element is no segment id.
const ID_BYTES_MAX: usize = 3;
