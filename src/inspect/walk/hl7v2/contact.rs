//! SCH-12, the placer contact: the patient, a relative or the guarantor where name, phone or number agrees with PID,
//! NK1 or GT1 of the same message; else a provider.

use super::super::Reads;
use super::encoding::{is_header, next_segment, pieces};
use super::message::Walk;
use super::place::Place;
use super::segment::{Current, Owner, Repetition, StandsFor};
use std::ops::Range;

/// The fields of a person's segment that a contact is compared with, and then judged as.
#[derive(Debug)]
pub(super) struct Contact {
    pub(super) segment: [u8; 3],
    pub(super) number: u32,
    pub(super) name: u32,
    pub(super) phone: u32,
    pub(super) street: u32,
}

impl Contact {
    /// The patient.
    pub(super) const PID: Self = Self { segment: *b"PID", number: 3, name: 5, phone: 13, street: 11 };
    const NK1: Self = Self { segment: *b"NK1", number: 33, name: 2, phone: 5, street: 4 };
    const GT1: Self = Self { segment: *b"GT1", number: 2, name: 3, phone: 6, street: 5 };

    pub(super) fn is_patient(&self) -> bool {
        self.segment == Self::PID.segment
    }
}

impl Walk<'_, '_> {
    /// SCH-12 to SCH-14, when they name somebody of the message.
    pub(super) fn tell_contact(&mut self, whole: Repetition<'_>, contact: &'static Contact, place: Place) {
        let whose = if contact.is_patient() { Owner::Patient } else { Owner::Contact };
        let whole = Repetition { whose, ..whole };
        let aim = match place.field {
            13 => contact.phone,
            14 => contact.street,
            _ => return self.tell_number_and_name(&whole, contact, place),
        };
        let plan = self.table.field(contact.segment, aim);
        self.tell_repetition(&Repetition { plan, datatype: plan.datatype, ..whole }, place);
    }

    /// XCN of a person: number, family name, given name, middle name.
    pub(super) fn tell_number_and_name(&mut self, whole: &Repetition<'_>, contact: &Contact, place: Place) {
        let number = self.table.field(contact.segment, contact.number);
        let name = self.table.field(contact.segment, contact.name);
        for (plan, here, there) in [(number, 1, 1), (name, 2, 1), (name, 3, 2), (name, 4, 3)] {
            let only = Repetition {
                span: whole.span.clone(),
                plan,
                datatype: plan.datatype,
                stands_for: StandsFor::Only { here, there },
                ..*whole
            };
            self.tell_components(&only, [""; 3], place);
        }
        let several = self.several(&whole.span);
        let rest = pieces(self.doc, whole.span.clone(), Some(self.separators.component));
        for (n, component) in (1..).zip(rest).skip(4) {
            let place = Place { component: if several { n } else { 0 }, ..place };
            self.tell_leaves(component, None, Reads::Text, whole, place);
        }
    }

    /// Whom SCH-12 and SCH-13 name, if it is somebody of this message: looks through the whole of it, since SCH
    /// stands before PID.
    pub(super) fn find_contact(&self, sch: &Current<'_>) -> Option<&'static Contact> {
        let named = self.field_span(sch, 12).filter(|span| !self.is_blank(span.clone()));
        let phone = self.field_span(sch, 13).filter(|span| !self.is_blank(span.clone()));
        if named.is_none() && phone.is_none() {
            return None;
        }
        if sch.place.occurrence > LOOKS_MAX {
            return Some(&Contact::PID);
        }
        let named = named.unwrap_or(0..0);
        let phone = phone.unwrap_or(0..0);
        let mut at = self.message_start;
        let mut best = None;
        while let Some(span) = next_segment(self.doc, at) {
            let bytes = self.doc.get(span.clone()).unwrap_or_default();
            if is_header(bytes) && span.start > self.message_start {
                break;
            }
            at = span.end;
            for contact in [&Contact::PID, &Contact::NK1, &Contact::GT1] {
                let begins = bytes.get(..3).is_some_and(|id| id.eq_ignore_ascii_case(&contact.segment));
                if begins
                    && (best.is_none() || contact.is_patient())
                    && self.agrees(&span, contact, &named, &phone)
                {
                    best = Some(contact);
                }
            }
            if best.is_some_and(Contact::is_patient) {
                break;
            }
        }
        best
    }

    fn agrees(
        &self,
        segment: &Range<usize>,
        contact: &Contact,
        named: &Range<usize>,
        phone: &Range<usize>,
    ) -> bool {
        let number = self.component(named, 1);
        let phone = self.component(phone, 1).as_bytes();
        let (family, given) = (self.component(named, 2), self.component(named, 3));
        let repetitions = |field: u32| {
            let nth = usize::try_from(field).unwrap_or(usize::MAX);
            let span =
                pieces(self.doc, segment.clone(), Some(self.separators.field)).nth(nth).unwrap_or(0..0);
            pieces(self.doc, span, self.separators.repetition)
        };
        let same = |a: &str, b: &str| !a.is_empty() && a.eq_ignore_ascii_case(b);
        repetitions(contact.number).any(|rep| same(number, self.component(&rep, 1)))
            || repetitions(contact.name)
                .any(|rep| same(family, self.surname(&rep)) && same(given, self.component(&rep, 2)))
            || repetitions(contact.phone).any(|rep| same_phone(phone, self.component(&rep, 1).as_bytes()))
    }

    /// The first subcomponent of a family name.
    fn surname(&self, span: &Range<usize>) -> &str {
        let family = self.component(span, 1);
        match self.separators.subcomponent {
            Some(s) => family.split_once(char::from(s)).map_or(family, |(surname, _)| surname),
            None => family,
        }
    }
}

fn same_phone(a: &[u8], b: &[u8]) -> bool {
    fn digits(text: &[u8]) -> impl Iterator<Item = &u8> {
        text.iter().filter(|c| c.is_ascii_digit())
    }
    a.len() <= PHONE_BYTES_MAX && digits(a).count() >= PHONE_DIGITS_MIN && digits(a).eq(digits(b))
}

/// Longer text is no phone number.
const PHONE_BYTES_MAX: usize = 64;
/// A message has one SCH. So many are looked up, each through the whole message; any further is taken for the patient's.
const LOOKS_MAX: u32 = 4;
/// Fewer digits are an extension.
const PHONE_DIGITS_MIN: usize = 7;
