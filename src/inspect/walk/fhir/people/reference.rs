//! References: to resources of the document by `fullUrl`, `Type/id`, `#contained` and identifier, and out of it.

use super::super::names::{Category, Name};
use super::{Lead, NO_LEAD, Owner, People, Resource, Target};
use crate::inspect::walk::json::{NodeId, NodeKind};
use crate::inspect::walk::{PersonId, Role};
use std::borrow::Cow;

impl<'d> People<'_, 'd> {
    /// What a Reference object inside a resource leads to.
    pub(in super::super) fn lead(&mut self, object: NodeId, number: usize) -> Lead {
        if let Some((read, lead)) = self.resources.get(number).and_then(|resource| resource.led)
            && read == object
        {
            return lead;
        }
        if self.tape.kind(object) != NodeKind::Object {
            return NO_LEAD;
        }
        let (doc, words) = (self.doc, &self.doc.table.words);
        let declared = doc.string(object, words.kind).map(|kind| self.names.resource(&kind));
        if let Some(reference) = doc.string(object, words.reference) {
            return self.resolve_again(reference, declared.unwrap_or(Name::UNKNOWN), number);
        }
        let target = match declared {
            Some(kind) if kind != Name::UNKNOWN => Target::Resource(kind),
            _ => Target::Unknown,
        };
        let person = doc.get(object, words.identifier).and_then(|identifier| self.holder(identifier));
        match person {
            Some(person) if target == Target::Unknown => {
                Lead { target: Target::Resource(words.patient), person: Some(person) }
            }
            _ => Lead { target, person },
        }
    }

    /// The patient of the document that has this identifier.
    fn holder(&self, identifier: NodeId) -> Option<PersonId> {
        let words = &self.doc.table.words;
        let (system, person) = self.identifiers.get(&self.doc.string(identifier, words.value)?)?;
        match (system, self.doc.string(identifier, words.system)) {
            (Some(theirs), Some(ours)) if *theirs != ours => None,
            _ => Some(*person),
        }
    }

    /// As [`Self::resolve`], unless it is what was resolved last.
    fn resolve_again(&mut self, reference: Cow<'d, str>, declared: Name, number: usize) -> Lead {
        if let Some((known, of, lead)) = &self.resolved
            && *known == reference
            && *of == declared
        {
            return *lead;
        }
        let lead = self.resolve(&reference, declared, number);
        // What stands inside a resource is another in each.
        if self.patients_known && !reference.starts_with('#') {
            self.resolved = Some((reference, declared, lead));
        }
        lead
    }

    fn resolve(&mut self, reference: &str, declared: Name, number: usize) -> Lead {
        if let Some(id) = reference.strip_prefix('#') {
            let container = self.container(number);
            let found = if id.is_empty() {
                Some(container)
            } else {
                self.contained.get(&(container, Cow::Borrowed(id))).copied()
            };
            return match found {
                Some(found) => self.lead_to(found),
                None => self.unresolved(&format!("{container}{reference}"), declared),
            };
        }
        let reference = match memchr::memchr(b'_', reference.as_bytes()) {
            Some(_) => reference.split_once("/_history/").map_or(reference, |(head, _)| head),
            None => reference,
        };
        if let Some(found) = self.by_url.get(reference) {
            return self.lead_to(*found);
        }
        let asks = memchr::memchr(b'?', reference.as_bytes());
        let asks = asks.and_then(|at| Some((reference.get(..at)?, reference.get(at + 1..)?)));
        if let Some((path, query)) = asks {
            let kind = self.names.resource(path.rsplit('/').next().unwrap_or_default());
            let value = query.split('&').find_map(|part| part.strip_prefix("identifier="));
            let value = value.map(|v| v.rsplit('|').next().unwrap_or_default());
            let person = value.and_then(|v| self.identifiers.get(v)).map(|(_, person)| *person);
            if person.is_some() && self.is_person(kind) {
                return Lead { target: Target::Resource(kind), person };
            }
            return self.unresolved(reference, if kind == Name::UNKNOWN { declared } else { kind });
        }
        let tail = tail(reference);
        let kind = self.names.resource(tail.split_once('/').map_or("", |(kind, _)| kind));
        if kind == Name::UNKNOWN {
            return self.unresolved(reference, declared);
        }
        // Where the tail is the whole reference, it was asked for.
        let found = if tail.len() < reference.len() { self.by_url.get(tail) } else { None };
        match found {
            Some(found) => self.lead_to(*found),
            None => self.unresolved(tail, kind),
        }
    }

    /// Has a reference that leads out of the document lead to this person.
    pub(super) fn leads_to(&mut self, reference: &str, person: PersonId) {
        let tail = tail(reference.split_once("/_history/").map_or(reference, |(head, _)| head));
        self.absent.entry(tail.to_owned()).or_insert(person);
    }

    /// A reference that leads out of the document.
    fn unresolved(&mut self, key: &str, kind: Name) -> Lead {
        let role = match self.names.category(kind) {
            None => return Lead { target: Target::Unknown, person: None },
            Some(Category::Patient) => Role::Patient,
            Some(Category::Related) => Role::Relative,
            Some(_) => return Lead { target: Target::Resource(kind), person: None },
        };
        let person = match self.absent.get(key) {
            Some(person) => *person,
            None => {
                let person = self.person(role);
                self.absent.insert(key.to_owned(), person);
                person
            }
        };
        Lead { target: Target::Resource(kind), person: Some(person) }
    }

    fn lead_to(&self, found: usize) -> Lead {
        let Some((kind, category)) = self.resources.get(found).map(|r| (r.kind, r.category)) else {
            return NO_LEAD;
        };
        let target = if kind == Name::UNKNOWN { Target::Unknown } else { Target::Resource(kind) };
        let person = match category {
            Category::Patient | Category::Related | Category::Person => self.settled(found),
            _ => None,
        };
        Lead { target, person }
    }

    pub(super) fn settled(&self, number: usize) -> Option<PersonId> {
        match self.resources.get(number)?.owner {
            Owner::Known(person) => Some(person),
            Owner::Nobody => Some(PersonId::NOBODY),
            _ => None,
        }
    }

    fn is_person(&self, kind: Name) -> bool {
        matches!(self.names.category(kind), Some(Category::Patient | Category::Related | Category::Person))
    }

    /// The outermost resource but Bundles and Parameters: what `#id` refers into.
    pub(super) fn container(&self, number: usize) -> usize {
        let mut at = number;
        while let Some(Resource { container: Some(container), .. }) = self.resources.get(at) {
            at = *container;
        }
        at
    }
}

/// `Patient/id` of a reference: its last two segments.
fn tail(reference: &str) -> &str {
    let mut slashes = memchr::memrchr_iter(b'/', reference.as_bytes());
    match (slashes.next(), slashes.next()) {
        (Some(_), Some(second)) => reference.get(second + 1..).unwrap_or(reference),
        _ => reference,
    }
}
