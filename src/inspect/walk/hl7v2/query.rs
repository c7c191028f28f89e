//! Parameters of QPD (HL7 v2.5.1 §5.5.4) and filters of QRF (v2.3.1 §5.10.5.4): judged as the fields of the person that they
//! ask for.

use super::super::Reads;
use super::encoding::pieces;
use super::message::Walk;
use super::place::Place;
use super::segment::{Current, Repetition, StandsFor};

impl Walk<'_, '_> {
    /// QPD: `@PID.5.1^SMITH`, judged as the field that it names.
    pub(super) fn tell_parameter(&mut self, whole: Repetition<'_>, place: Place) {
        let name = self.component(&whole.span, 1);
        let mut words = name.trim_start_matches('@').split('.');
        let id: Option<[u8; 3]> = words.next().and_then(|id| id.as_bytes().try_into().ok());
        let field: Option<u32> = words.next().and_then(|n| n.parse().ok());
        let component: Option<u32> = words.next().and_then(|n| n.parse().ok());
        let several = self.several(&whole.span);
        let label = pieces(self.doc, whole.span.clone(), Some(self.separators.component)).next();
        let known = id.is_some_and(|id| self.table.number(&id).is_some());
        if let Some(label) = label {
            let place = Place { component: u32::from(several), ..place };
            let reads = if known && several { Reads::Code } else { Reads::Text };
            let row = self.table.row(whole.plan, &self.seen(&whole, 1)).map(|(row, _)| row);
            self.tell_leaves(label.clone(), row, reads, &whole, place);
        }
        let plan = match (id.map(|id| id.map(|c| c.to_ascii_uppercase())), field) {
            (Some(id), Some(field)) if known => self.table.field(id, field),
            _ => whole.plan,
        };
        let stands_for = component.map_or(StandsFor::OneLess, StandsFor::Always);
        let datatype = plan.datatype;
        let kind =
            if component.is_none() && datatype.name == "CX" { self.component(&whole.span, 6) } else { "" };
        self.tell_components(&Repetition { plan, datatype, stands_for, ..whole }, [kind, "", ""], place);
    }

    /// QRF-5: who is asked for, by what a registry takes in its place (of VXQ a social security number, a birth date, names of the
    /// parents), told by its form: the standard leaves the places open.
    pub(super) fn tell_filter(&mut self, whole: &Repetition<'_>, place: Place) {
        let value = self.doc.get(whole.span.clone()).unwrap_or_default();
        let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
        let plain = value.iter().all(|b| b.is_ascii_digit() || *b == b'-');
        let field = match digits {
            SSN_DIGITS if plain => 19,
            DATE_DIGITS if digits == value.len() => 7,
            0 if self.several(&whole.span) => 5,
            _ => return self.tell_repetition(whole, place),
        };
        let plan = self.table.field(*b"PID", field);
        self.tell_repetition(
            &Repetition { plan, datatype: plan.datatype, span: whole.span.clone(), ..*whole },
            place,
        );
    }

    /// What a QPD without names in its parameters asks for.
    pub(super) fn query_name(&self, current: &Current<'_>) -> Option<Query> {
        if !current.is(b"QPD") {
            return None;
        }
        Query::named(self.doc.get(self.field_span(current, 1)?)?)
    }
}

const SSN_DIGITS: usize = 9;
const DATE_DIGITS: usize = 8;

/// Queries whose parameters stand at fixed fields.
#[derive(Clone, Copy)]
pub(super) enum Query {
    /// PIX: QPD-3 is a patient identifier (IHE ITI-9).
    Pix,
    /// Immunization history: identifiers, name, mother's maiden name, birth date, sex, address, phone (CDC Z34, Z44).
    Immunization,
}

impl Query {
    fn named(qpd1: &[u8]) -> Option<Self> {
        let begins = |word: &[u8]| qpd1.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
        if begins(b"IHE PIX") || begins(b"Q23") || begins(b"QRY_Q23") {
            return Some(Self::Pix);
        }
        (begins(b"Z34") || begins(b"Z44")).then_some(Self::Immunization)
    }

    /// The field whose rows judge a field of QPD.
    pub(super) fn aim(self, field: u32) -> Option<([u8; 3], u32)> {
        let pid = match (self, field) {
            (_, 3) => 3,
            (Self::Pix, _) => return None,
            (Self::Immunization, 4..=7) => field + 1,
            (Self::Immunization, 8) => 11,
            (Self::Immunization, 9) => 13,
            _ => return None,
        };
        Some((*b"PID", pid))
    }
}
