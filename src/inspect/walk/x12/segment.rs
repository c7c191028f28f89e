//! One segment: its elements, repetitions and components to leaves.

use super::super::{Leaf, PersonId, Reads};
use super::conditions::{Code, Seen, Subject};
use super::document::Walk;
use super::people::Follows;
use super::place::{Label, Place};
use super::reading::reads;
use super::table::{Plan, nobodys};
use crate::inspect::check::mbi;
use crate::inspect::field::Field;
use crate::inspect::marker::Sign;
use std::ops::Range;

/// The segment that is being read.
pub(super) struct Current {
    pub(super) label: Label,
    /// Its number in the table.
    pub(super) number: Option<usize>,
    pub(super) elements: Range<usize>,
    /// The data of a binary segment.
    pub(super) data: Option<Range<usize>>,
    pub(super) follows: Follows,
    pub(super) place: Place,
}

impl<'d> Walk<'d, '_> {
    /// Tells the sink every leaf of a segment.
    pub(super) fn tell_elements(&mut self, current: &Current) {
        let table = self.table;
        // What an acknowledgement quotes is told by the number of its data element.
        let quotes = matches!(&current.label.id(), b"IK4" | b"AK4");
        let code = Code::of(self.plain(current, if quotes { 2 } else { 1 }));
        let quoted = self.quoted.filter(|_| quotes);
        let subject = self.people.subject(current.follows);
        let is_name = current.label.id() == *b"NM1";
        // Whoever is treated, or has a given name, is a person, whatever NM102 says.
        let is_treated =
            || matches!(self.plain(current, 1), "QC" | "03") || !self.plain(current, 4).is_empty();
        let no_person =
            is_name && matches!(subject, Subject::Patient) && self.plain(current, 2) == "2" && !is_treated();
        let before_data = match &current.data {
            Some(data) => current.elements.start..data.start.saturating_sub(1).max(current.elements.start),
            None => current.elements.clone(),
        };
        let marks = self.marks;
        let mut before = None;
        let mut element = 0;
        for span in marks.pieces(self.doc, before_data, Some(marks.element)) {
            element += 1;
            let plan = table.element(current.number, element);
            let organisation = no_person && matches!(element, 3..=7 | 12);
            let subject = if organisation { Subject::Organisation } else { subject };
            let seen = Seen { component: 1, code, systems: [before, None, quoted], subject };
            let place = Place { element, ..current.place };
            if plan.classes.is_composite() {
                self.tell_composite(span.clone(), plan, seen, current, place);
            } else {
                self.tell_value(span.clone(), plan, seen, current, place);
            }
            before = Code::of(self.word(span));
        }
        if let Some(data) = current.data.clone() {
            let plan = table.element(current.number, element + 1);
            let seen = Seen { component: 1, code, systems: [before, None, quoted], subject };
            self.tell_data(data, plan, seen, current, Place { element: element + 1, ..current.place });
        }
    }

    /// Repetitions and components.
    fn tell_composite(
        &mut self,
        span: Range<usize>,
        plan: &Plan,
        seen: Seen,
        current: &Current,
        place: Place,
    ) {
        let marks = self.marks;
        for (repetition, span) in (1..).zip(marks.pieces(self.doc, span, marks.repetition)) {
            let several = marks.pieces(self.doc, span.clone(), marks.component).nth(1).is_some();
            let mut before = None;
            for (component, span) in (1..).zip(marks.pieces(self.doc, span, marks.component)) {
                let seen = Seen { component, systems: [before, None, None], ..seen };
                let place = Place { repetition, component: if several { component } else { 0 }, ..place };
                self.tell_value(span.clone(), plan, seen, current, place);
                before = Code::of(self.word(span));
            }
        }
    }

    fn tell_value(&mut self, span: Range<usize>, plan: &Plan, seen: Seen, current: &Current, place: Place) {
        let span = self.trimmed(span);
        if span.is_empty() {
            return;
        }
        let value = self.value(span.clone());
        // A number with a letter that CMS never uses is another payer's, but for the `S` of its synthetic rows.
        let synthetic = value.as_bytes().get(1) == Some(&b'S') && mbi::sign(&value) == Sign::Sure;
        let is_mbi = mbi::has_form(&value) || synthetic;
        let form = is_mbi.then(|| Code::of("mbi")).flatten();
        let seen = Seen { systems: [seen.systems[0], form, seen.systems[2]], ..seen };
        let found = self.table.row(plan, &seen);
        let reads = reads(found.map(|(_, carry)| carry), plan.classes, seen.component, &value);
        let row = found.map(|(row, _)| row);
        let person = self.owner(row, reads, current);
        let leaf = Leaf { span, value, field: row, person, reads, cue: "" };
        self.sink.leaf(&leaf, &|| place.to_string());
    }

    pub(super) fn owner(&mut self, row: Option<&Field>, reads: Reads<'_>, current: &Current) -> PersonId {
        if row.is_some_and(nobodys) || matches!(reads, Reads::Public | Reads::Opaque | Reads::Time) {
            return PersonId::NOBODY;
        }
        if row.is_none_or(|row| row.points.0 == 0) && matches!(reads, Reads::Code | Reads::Quantity) {
            return self.people.person_if_any(current.follows);
        }
        self.person(current)
    }

    /// A span without the blanks and line ends around it.
    fn trimmed(&self, span: Range<usize>) -> Range<usize> {
        let raw = self.doc.get(span.clone()).unwrap_or_default();
        let before = raw.len() - raw.trim_ascii_start().len();
        let start = span.start + before;
        start..start + raw.trim_ascii().len()
    }
}
