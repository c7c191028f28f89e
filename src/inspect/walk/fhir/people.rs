//! Who a resource is about: patients of the document by id, full URL and containment, and those it only refers to.

use super::super::json::{NodeKind, Tape};
use super::super::{PersonId, Role, Sink};
use std::collections::HashMap;

/// People of one document.
pub(super) struct People {
    by_reference: HashMap<String, PersonId>,
    by_resource: HashMap<usize, PersonId>,
    patients: u32,
    next: u32,
}

impl People {
    /// Announces every patient of the document.
    pub(super) fn of(tape: &Tape<'_>, sink: &mut dyn Sink) -> Self {
        let mut people =
            Self { by_reference: HashMap::new(), by_resource: HashMap::new(), patients: 0, next: 0 };
        let mut waiting = vec![(tape.root(), None::<String>)];
        while let Some((at, full_url)) = waiting.pop() {
            if tape.text_of(at, "resourceType").is_some_and(|t| t == "Patient") && !is_animal(tape, at) {
                let person = people.announce(Role::Patient, sink);
                people.patients += 1;
                people.by_resource.insert(at, person);
                if let Some(id) = tape.text_of(at, "id") {
                    people.by_reference.insert(format!("Patient/{id}"), person);
                    people.by_reference.insert(format!("#{id}"), person);
                }
                if let Some(url) = full_url {
                    people.by_reference.insert(url, person);
                }
            }
            let full_url = tape.text_of(at, "fullUrl").map(std::borrow::Cow::into_owned);
            for child in tape.children(at) {
                if matches!(tape.kind(child), NodeKind::Object | NodeKind::Array) {
                    let url = if tape.key(child) == "resource" { full_url.clone() } else { None };
                    waiting.push((child, url));
                }
            }
        }
        people
    }

    /// The person of a Patient resource.
    pub(super) fn of_patient(&self, resource: usize) -> Option<PersonId> {
        self.by_resource.get(&resource).copied()
    }

    /// The only patient of the document, if there is exactly one.
    pub(super) fn only(&self) -> Option<PersonId> {
        (self.patients == 1).then(|| self.by_resource.values().next().copied()).flatten()
    }

    /// The person that a reference leads to: of the document, or one that is only referred to.
    pub(super) fn referred(&mut self, reference: &str, sink: &mut dyn Sink) -> PersonId {
        let reference = reference.split("/_history").next().unwrap_or(reference);
        if let Some(person) = self.by_reference.get(reference) {
            return *person;
        }
        let relative = tail(reference);
        if let Some(person) = self.by_reference.get(relative) {
            return *person;
        }
        let person = self.announce(Role::Patient, sink);
        self.by_reference.insert(relative.to_owned(), person);
        person
    }

    /// A new person.
    pub(super) fn announce(&mut self, role: Role, sink: &mut dyn Sink) -> PersonId {
        let person = PersonId(self.next);
        self.next += 1;
        sink.person(person, role);
        person
    }

    /// Whether a reference leads to a patient of the document, whatever its form.
    pub(super) fn knows(&self, reference: &str) -> bool {
        self.by_reference.contains_key(reference) || self.by_reference.contains_key(tail(reference))
    }
}

/// `Patient/1` of `https://host/fhir/Patient/1`.
pub(super) fn tail(reference: &str) -> &str {
    let mut slashes = reference.rmatch_indices('/').map(|(at, _)| at);
    match (slashes.next(), slashes.next()) {
        (Some(_), Some(second)) => reference.get(second + 1..).unwrap_or(reference),
        _ => reference,
    }
}

/// No individual under HIPAA.
fn is_animal(tape: &Tape<'_>, patient: usize) -> bool {
    tape.members(patient, "animal").next().is_some()
        || tape.members(patient, "extension").flat_map(|list| tape.children(list)).any(|extension| {
            tape.text_of(extension, "url")
                .is_some_and(|url| url == "http://hl7.org/fhir/StructureDefinition/patient-animal")
        })
}
