//! One segment: its fields, repetitions, components and subcomponents to leaves.

use super::super::{Declared, Leaf, PersonId, Reads, object};
use super::columns::{self, Column};
use super::contact::Contact;
use super::encoding::{FieldAt, find, pieces};
use super::grammar::{self, Datatype};
use super::message::Walk;
use super::place::{Label, Place};
use super::query::Query;
use super::reading::{component_of, reads, tag};
use super::site::Told;
use super::table::{FieldPlan, Seen, Segment, Table, nobodys};
use crate::inspect::field::Field;
use crate::inspect::kind::{Kind, Whose};
use std::ops::Range;

/// The segment that is being read.
pub(super) struct Current<'d> {
    pub(super) label: Label,
    /// Of a segment of the standard.
    pub(super) number: Option<usize>,
    pub(super) plan: Option<&'d Segment>,
    /// Where its fields are, and the number of the first: 3 in a header, 1 elsewhere.
    pub(super) fields: Range<usize>,
    pub(super) first_field: u32,
    pub(super) place: Place,
}

impl Current<'_> {
    pub(super) fn is(&self, id: &[u8; 3]) -> bool {
        self.label == Label::Known(*id)
    }

    fn is_any(&self, ids: &[&[u8; 3]]) -> bool {
        ids.iter().any(|id| self.is(id))
    }
}

/// What is known of a segment whose fields are told.
struct Telling<'q> {
    /// What an OBX asks.
    question: &'q str,
    /// The query whose parameters these are.
    asked: Option<Query>,
    /// The relative whom SCH-12 names.
    contact: Option<&'static Contact>,
    owner: Owner,
    is_result: bool,
    /// Whether no field is read otherwise than its plan says.
    all_ordinary: bool,
    /// Whose a Z segment is.
    site: Told,
}

impl Telling<'_> {
    /// Of most segments.
    fn ordinary() -> Self {
        Self {
            question: "",
            asked: None,
            contact: None,
            owner: Owner::Segment,
            is_result: false,
            all_ordinary: true,
            site: Told::default(),
        }
    }

    /// OBX-5.
    fn is_answer(&self, number: u32) -> bool {
        self.is_result && number == 5
    }
}

/// One repetition of a field, and how to read it.
pub(super) struct Repetition<'a> {
    /// Where it is.
    pub(super) span: Range<usize>,
    /// Whether it is one value without separators and escapes, as most are.
    pub(super) plain: bool,
    pub(super) plan: &'a FieldPlan,
    pub(super) datatype: &'static Datatype,
    pub(super) whose: Owner,
    /// The question of an OBX.
    pub(super) cue: &'a str,
    /// Which components of the plan those here stand for.
    pub(super) stands_for: StandsFor,
}

/// Which component of the plan a component of a repetition stands for.
#[derive(Clone, Copy)]
pub(super) enum StandsFor {
    /// Itself.
    Itself,
    /// One less: parameters whose name takes the first component.
    OneLess,
    /// Always this one.
    Always(u32),
    /// The components of XCN read as number, family name, given names: this one and no other.
    Only {
        /// Component of the repetition.
        here: u32,
        /// Component of the plan.
        there: u32,
    },
}

/// Whose the values of a repetition are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// As rows and segment say.
    Segment,
    /// The patient's.
    Patient,
    /// The person's whom a query asks for.
    Queried,
    /// The relative's whom SCH-12 names.
    Contact,
}

impl<'d> Walk<'d, '_> {
    /// Tells the sink where clinical content begins.
    pub(super) fn tell_clinical(&mut self, current: &Current<'_>) {
        let Label::Known(id) = current.label else { return };
        let asks: &[u32] = match &id {
            b"DG1" | b"AL1" | b"IAM" | b"PRB" | b"PR1" | b"RXA" | b"RXE" | b"RXO" | b"RXD" | b"RXG"
            | b"RXC" | b"ODS" | b"GOL" | b"TXA" => &[],
            b"OBX" => &[3, 5],
            b"NTE" if self.in_order => &[3],
            b"FT1" => &[19, 25],
            b"OBR" => &[4],
            b"PV2" | b"AIS" => &[3],
            b"PDA" => &[1, 2],
            _ => return,
        };
        let filled = |n: u32| self.field_span(current, n).is_some_and(|span| !self.is_blank(span));
        let clinical =
            if asks.is_empty() { current.fields.len() > 2 } else { asks.iter().any(|n| filled(*n)) };
        if clinical {
            let person = self.patient();
            self.sink.clinical(person);
        }
    }

    /// Tells the sink every leaf of a segment.
    pub(super) fn tell_fields(&mut self, current: &Current<'d>) {
        let is_result = current.is(b"OBX");
        let question = if is_result { self.question(current) } else { None };
        let telling = match question.as_deref() {
            _ if !is_result => self.telling(current),
            question => Telling { question: question.unwrap_or_default(), is_result, ..Telling::ordinary() },
        };
        let segment = current.number.filter(|_| telling.all_ordinary);
        let mut columns = segment.map(|segment| self.columns.take(segment)).unwrap_or_default();
        for (at, number) in (current.first_field..).enumerate() {
            let Some(field) = self.next_field(at) else { break };
            if field.span.is_empty() {
                continue;
            }
            let era = self.columns.era();
            if columns.get(at).is_some_and(|column| column.stood(self.doc, &field.span, era)) {
                continue;
            }
            let (span, made) = (field.span.clone(), self.sink.made());
            self.tell_field(current, &telling, number, field);
            // Results are read by what their question and their type are.
            if segment.is_some()
                && !telling.is_answer(number)
                && made.is_some()
                && made == self.sink.made()
                && era == self.columns.era()
            {
                columns::learn(&mut columns, at, Column::of(self.doc, span, era));
            }
        }
        if let Some(segment) = segment {
            self.columns.put_back(segment, columns);
        }
        if current.is(b"MSH") {
            self.tell_declared(current);
        }
    }

    /// What is known of a segment that is no OBX.
    fn telling(&self, current: &Current<'_>) -> Telling<'static> {
        let contact = if current.is(b"SCH") { self.find_contact(current) } else { None };
        Telling {
            asked: self.query_name(current),
            contact,
            owner: if current.is_any(&[b"QPD", b"QRD", b"QRF"]) { Owner::Queried } else { Owner::Segment },
            all_ordinary: contact.is_none() && !current.is_any(&[b"QPD", b"QRD", b"QRF"]),
            site: if current.label == Label::Site { self.site(&current.fields) } else { Told::default() },
            ..Telling::ordinary()
        }
    }

    /// Tells the sink every leaf of a field.
    fn tell_field(&mut self, current: &Current<'d>, telling: &Telling<'_>, number: u32, field: FieldAt) {
        let table = self.table;
        let FieldAt { span: field, plain } = field;
        let mut place = Place { field: number, ..current.place };
        let mut plan = match (current.label, current.plan) {
            (Label::Known(_), Some(segment)) => segment.field(number),
            (Label::Site, _) => match self.form(&field, &telling.site) {
                Some((id, number)) => table.field(id, number),
                None => table.site(),
            },
            _ => table.blank(),
        };
        let mut datatype = plan.datatype;
        let result_type = telling.is_answer(number).then(|| self.plain_field(current, 2));
        if let Some(name) = result_type {
            datatype = self.result_type(name);
        }
        if let Some((id, aim)) = telling.asked.and_then(|query| query.aim(number)) {
            plan = table.field(id, aim);
            datatype = plan.datatype;
        }
        let (whose, stands_for) = (telling.owner, StandsFor::Itself);
        if plain && telling.all_ordinary && result_type.is_none() {
            // One value: most fields.
            let whole = Repetition { span: field.clone(), plain, plan, datatype, whose, cue: "", stands_for };
            if plan.has_rows() {
                return self.tell_components(&whole, [""; 3], place);
            }
            // Of codes, counts and times.
            let reads = reads(None, datatype, 1, self.doc.get(field.clone()).unwrap_or_default());
            return self.tell_leaf(field, None, reads, &whole, place);
        }
        let repeats = self.separators.repetition.filter(|_| !plain);
        for (repetition, span) in (1..).zip(pieces(self.doc, field, repeats)) {
            place.repetition = repetition;
            let whole = Repetition { span, plain, plan, datatype, whose, cue: "", stands_for };
            if let Some(name) = result_type {
                self.tell_result(Repetition { cue: telling.question, ..whole }, name, place);
            } else if telling.all_ordinary {
                self.tell_repetition(&whole, place);
            } else if current.is(b"QPD") && number > 2 && self.doc.get(whole.span.start) == Some(&b'@') {
                self.tell_parameter(whole, place);
            } else if current.is(b"QRD") && number == 8 {
                self.tell_number_and_name(&whole, &Contact::PID, place);
            } else if current.is(b"QRF") && number == 5 {
                self.tell_filter(&whole, place);
            } else if let Some(contact) = telling.contact.filter(|_| (12..=14).contains(&number)) {
                self.tell_contact(whole, contact, place);
            } else {
                self.tell_repetition(&whole, place);
            }
        }
    }

    fn tell_declared(&mut self, current: &Current<'_>) {
        let declared = match self.plain_field(current, 11) {
            "T" | "D" | "N" | "V" => Declared::Test,
            "P" => Declared::Production,
            _ => return,
        };
        let place = Place { field: 11, ..current.place };
        self.sink.declared(declared, &|| place.text());
    }

    /// OBX-5.
    fn tell_result(&mut self, whole: Repetition<'_>, name: &str, place: Place) {
        if name == "ED" {
            return self.tell_attachment(&whole, place);
        }
        if let Some(field) = self.asked(&whole, name) {
            return self.tell_leaf(whole.span.clone(), Some(field), Reads::Value, &whole, place);
        }
        // A number says of what type it is in any field.
        let typed = if name == "CX" { self.component(&whole.span, 5) } else { "" };
        let types = [name, typed, ""];
        self.tell_components(&whole, types, place);
    }

    /// The row of the key table that a question names, of a value in a type without components.
    fn asked(&self, whole: &Repetition<'_>, name: &str) -> Option<&'d Field> {
        let objects: &'d object::Table = self.objects?;
        let row = &self.question.as_ref()?.row;
        // Most questions name none.
        if matches!(row.get(), Some(None))
            || !PLAIN_TYPES.contains(&name)
            || whole.span.len() > ANSWER_BYTES_MAX
        {
            return None;
        }
        let row = (*row.get_or_init(|| objects.of_label(head(whole.cue))))?;
        object::Table::fits(row, &self.value(whole.span.clone(), whole.plain)).then_some(row)
    }

    pub(super) fn tell_repetition(&mut self, whole: &Repetition<'_>, place: Place) {
        let types = match whole.datatype.name {
            _ if whole.plain => [""; 3],
            "CX" => [self.component(&whole.span, 5), "", ""],
            "XTN" => [self.component(&whole.span, 2), self.component(&whole.span, 3), ""],
            _ => [""; 3],
        };
        self.tell_components(whole, types, place);
    }

    pub(super) fn tell_components(&mut self, whole: &Repetition<'_>, types: [&str; 3], place: Place) {
        let is_name = matches!(whole.datatype.name, "XPN" | "PN");
        if whole.plain {
            // One component of one subcomponent, as most are.
            let place = Place { component: 0, subcomponent: 0, ..place };
            if let Some(judged) = whole.stands_for.judged(1)
                && !self.is_blank(whole.span.clone())
            {
                let (row, reads) = self.judged(&whole.span, judged, is_name, whole, types);
                self.tell_leaf(whole.span.clone(), row, reads, whole, place);
            }
            return;
        }
        let several = self.several(&whole.span);
        let unsplit = is_name && (2..4).all(|n| self.component(&whole.span, n).is_empty());
        for (number, component) in
            (1..).zip(pieces(self.doc, whole.span.clone(), Some(self.separators.component)))
        {
            let Some(judged) = whole.stands_for.judged(number) else { continue };
            if self.is_blank(component.clone()) {
                continue;
            }
            let place = Place { component: if several { number } else { 0 }, ..place };
            let (row, reads) = self.judged(&component, judged, unsplit, whole, types);
            if judged == LOCAL_NUMBER
                && whole.datatype.name == "XTN"
                && let Some(field) = row
                && self.tell_with_area(&component, field, reads, whole, place)
            {
                continue;
            }
            self.tell_leaves(component, row, reads, whole, place);
        }
    }

    /// Tells a local number with its area's code, which stands before it (XTN.6 and .7): together they are the number. Gives
    /// whether it did.
    fn tell_with_area(
        &mut self,
        local: &Range<usize>,
        field: &Field,
        reads: Reads<'_>,
        whole: &Repetition<'_>,
        place: Place,
    ) -> bool {
        let area = self.component(&whole.span, LOCAL_NUMBER as usize - 1);
        let of = |text: &str, digits: usize| {
            text.len() <= LOCAL_BYTES_MAX && text.bytes().filter(u8::is_ascii_digit).count() == digits
        };
        let written = self.written(local.clone());
        if !of(area, 3) || !of(written, 7) {
            return false;
        }
        let mut value = String::with_capacity(area.len() + written.len() + 2);
        let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).map(char::from).collect::<String>();
        value.push_str(&digits(area));
        for (at, digit) in digits(written).chars().enumerate() {
            if matches!(at, 0 | 3) {
                value.push('-');
            }
            value.push(digit);
        }
        let person = self.owner(Some(field), reads, whole.whose, place.segment);
        let leaf = Leaf {
            span: local.clone(),
            value: value.into(),
            field: Some(field),
            person,
            reads,
            cue: whole.cue,
        };
        self.sink.leaf(&leaf, &|| place.text());
        true
    }

    /// The row of a component and how it reads; `judged` is the component of the plan that it stands for.
    fn judged(
        &self,
        component: &Range<usize>,
        judged: u32,
        unsplit: bool,
        whole: &Repetition<'_>,
        types: [&str; 3],
    ) -> (Option<&'d Field>, Reads<'static>) {
        let raw = self.doc.get(component.clone()).unwrap_or_default();
        let judged = component_of(whole.datatype.name, judged, raw);
        let table: &'d Table = self.table;
        let [one, other, _] = types;
        let types = [one, other, tag(whole.datatype.name, raw, unsplit && judged == 1)];
        let row = if !whole.plan.may_cover(types) {
            None // codes, units, times: most fields
        } else if whole.plan.asks_beside() {
            table.row(whole.plan, &Seen { types, ..self.seen(whole, judged) })
        } else {
            let datatype = whole.datatype;
            table.row(whole.plan, &Seen { component: judged, datatype, types, systems: [""; 4], words: "" })
        };
        (row.map(|(row, _)| row), reads(row.map(|(_, carry)| carry), whole.datatype, judged, raw))
    }

    /// The subcomponents of a component.
    pub(super) fn tell_leaves(
        &mut self,
        component: Range<usize>,
        row: Option<&Field>,
        reads: Reads<'_>,
        whole: &Repetition<'_>,
        place: Place,
    ) {
        let separator = self.separators.subcomponent.filter(|_| !whole.plain);
        let several = separator.is_some_and(|s| self.holds(&component, s));
        for (number, span) in (1..).zip(pieces(self.doc, component, separator)) {
            let place = Place { subcomponent: if several { number } else { 0 }, ..place };
            self.tell_leaf(span, row, reads, whole, place);
        }
    }

    pub(super) fn tell_leaf(
        &mut self,
        span: Range<usize>,
        row: Option<&Field>,
        reads: Reads<'_>,
        whole: &Repetition<'_>,
        place: Place,
    ) {
        if self.is_blank(span.clone()) {
            return;
        }
        let value = self.value(span.clone(), whole.plain);
        // Of a catalogue, a directory or a price list: nobody is cared for in it.
        let (row, reads) = match place.segment {
            Label::Site if self.tells_master_files() => (None, Reads::Public),
            Label::Known(id) if grammar::is_of_master_files(&id) && self.tells_master_files() => {
                (None, Reads::Public)
            }
            Label::Known(id)
                if row.is_some_and(|row| numbers_care(&id, row)) && !self.tells_of_somebody() =>
            {
                (None, Reads::Public)
            }
            _ => (row, reads),
        };
        if row.is_none() && self.sink.passes_over(reads, &value) {
            return;
        }
        let person = self.owner(row, reads, whole.whose, place.segment);
        let leaf = Leaf { span, value, field: row, person, reads, cue: whole.cue };
        self.sink.leaf(&leaf, &|| place.text());
    }

    fn owner(&mut self, row: Option<&Field>, reads: Reads<'_>, owner: Owner, segment: Label) -> PersonId {
        if row.is_some_and(nobodys) || matches!(reads, Reads::Public | Reads::Opaque | Reads::Time) {
            return PersonId::NOBODY;
        }
        if row.is_none() && matches!(reads, Reads::Code | Reads::Quantity) {
            return self.patient_if_any();
        }
        let of_relative = match segment {
            Label::Known(id) => match (&id, row) {
                (b"NK1" | b"GT1", _) => true,
                (b"IN1" | b"IN2", Some(row)) => row.whose == Whose::Relative,
                _ => false,
            },
            _ => false,
        };
        match owner {
            Owner::Queried => self.queried(),
            Owner::Contact => self.contact(),
            Owner::Segment if of_relative => self.relative(),
            Owner::Segment | Owner::Patient => self.patient(),
        }
    }

    pub(super) fn seen<'a>(&self, whole: &Repetition<'a>, component: u32) -> Seen<'a>
    where
        'd: 'a,
    {
        let systems = if whole.datatype.name == "CX" && component == 1 && !whole.plain {
            let authority = self.component(&whole.span, 4);
            let (name, oid) = match self.separators.subcomponent {
                Some(s) => authority.split_once(char::from(s)).unwrap_or((authority, "")),
                None => (authority, ""),
            };
            [name, oid, self.component(&whole.span, 9), self.component(&whole.span, 10)]
        } else {
            [""; 4]
        };
        Seen { component, datatype: whole.datatype, types: [""; 3], systems, words: head(whole.cue) }
    }

    /// A field's first component as written; empty where it has none.
    fn plain_field(&self, current: &Current<'_>, number: u32) -> &'d str {
        match self.field_ahead(current, number) {
            Some(FieldAt { span, plain: true }) if !self.is_blank(span.clone()) => self.written(span.clone()),
            _ => self.field_span(current, number).map_or("", |span| self.component(&span, 1)),
        }
    }

    /// A component as written, by its number from 1; empty where there is none. For types and authorities.
    pub(super) fn component(&self, span: &Range<usize>, number: usize) -> &'d str {
        pieces(self.doc, span.clone(), Some(self.separators.component))
            .nth(number.saturating_sub(1))
            .filter(|span| !self.is_blank(span.clone()))
            .map_or("", |span| self.written(span))
    }

    /// These bytes as text; empty where they are none.
    fn written(&self, span: Range<usize>) -> &'d str {
        match self.text {
            Some(text) => text.get(span),
            None => self.doc.get(span).and_then(|raw| std::str::from_utf8(raw).ok()),
        }
        .unwrap_or_default()
    }

    /// Empty, or the null `""`.
    pub(super) fn is_blank(&self, span: Range<usize>) -> bool {
        matches!(self.doc.get(span), None | Some(b"" | b"\"\""))
    }

    pub(super) fn several(&self, span: &Range<usize>) -> bool {
        self.holds(span, self.separators.component)
    }

    fn holds(&self, span: &Range<usize>, separator: u8) -> bool {
        self.doc.get(span.clone()).is_some_and(|raw| find(separator, raw).is_some())
    }
}

impl StandsFor {
    fn judged(self, number: u32) -> Option<u32> {
        match self {
            Self::Itself => Some(number),
            Self::OneLess => (number > 1).then(|| number - 1),
            Self::Always(component) => (number > 1).then_some(component),
            Self::Only { here, there } => (number == here).then_some(there),
        }
    }
}

/// Whether a row of a segment is the number or the date of an order or of an appointment. Not of what is asked of a laboratory:
/// that is about somebody, whatever was left out.
fn numbers_care(segment: &[u8; 3], row: &Field) -> bool {
    matches!(row.kind, Kind::VisitNumber | Kind::OrderNumber | Kind::ServiceDate)
        && matches!(segment, b"SCH" | b"AIS" | b"ORC")
}

/// The beginning of a question: its words are looked through for every value.
fn head(text: &str) -> &str {
    let mut end = text.len().min(QUESTION_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Where XTN has the local number, right behind the area's code.
const LOCAL_NUMBER: u32 = 7;
/// Longer text is no local number.
const LOCAL_BYTES_MAX: usize = 16;
/// Types of results that are one value; of DT the rows say it.
const PLAIN_TYPES: [&str; 9] = ["ST", "TX", "FT", "NM", "DTM", "TS", "IS", "ID", ""];
/// Numbers, names and addresses are shorter.
const ANSWER_BYTES_MAX: usize = 100;
/// Words of an OBX-3 are looked for up to here.
const QUESTION_BYTES_MAX: usize = 256;
