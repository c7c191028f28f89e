//! FHIR R4 as JSON: resources, Bundles, contained resources, references by display, extensions, Parameters.
//!
//! `at` of its rows is a path from the resource without indices (`Patient.name.family`), or the end of one in any
//! resource (`*.subject.display`); indices and the resource's own place are in the place that is told.
//!
//! One person for each Patient resource. A resource with `subject`, `patient`, `beneficiary`, `individual` or `for`
//! belongs to whom that leads to; one without belongs to the document's only patient, or is nobody's.

mod elements;
mod people;
mod table;
#[cfg(test)]
mod tests;

pub use table::Table;

use super::json::{JSON_DEPTH_MAX, NodeKind, Tape};
use super::{Declared, Leaf, PersonId, Reads, Role, Sink, WalkError};
use crate::inspect::field::Field;
use elements::{Class, class_of};
use people::People;
use std::fmt::Write;
use table::Beside;

/// Whether a document is a FHIR resource, or a list of them, by its first `resourceType`.
#[must_use]
pub fn recognise(doc: &[u8]) -> bool {
    memchr::memmem::find(doc, b"\"resourceType\"").is_some()
        && Tape::parse(doc, JSON_DEPTH_MAX).is_ok_and(|tape| {
            let is_resource = |at| tape.text_of(at, "resourceType").is_some();
            is_resource(tape.root())
                || (tape.kind(tape.root()) == NodeKind::Array && tape.children(tape.root()).any(is_resource))
        })
}

/// Walks a document.
///
/// # Errors
/// [`WalkError`] before anything was told: the document is parsed whole first.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    let tape = Tape::parse(doc, JSON_DEPTH_MAX)?;
    let people = People::of(&tape, sink);
    let mut walker = Walker { tape: &tape, table, people, sink, place: Vec::new(), path: String::new() };
    let root = tape.root();
    if tape.kind(root) == NodeKind::Array {
        for (index, item) in tape.children(root).enumerate() {
            walker.place.push(Step::Index(index));
            walker.value(item, None, &Scope::outside(), "");
            walker.place.pop();
        }
    } else {
        walker.value(root, None, &Scope::outside(), "");
    }
    Ok(())
}

/// The resource that a value stands in.
#[derive(Clone)]
struct Scope {
    resource: String,
    person: PersonId,
    provider: bool,
}

impl Scope {
    fn outside() -> Self {
        Self { resource: String::new(), person: PersonId::NOBODY, provider: false }
    }
}

#[derive(Clone)]
enum Step {
    Word(String),
    Unknown,
    Index(usize),
}

struct Walker<'t, 'd> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    people: People,
    sink: &'t mut dyn Sink,
    /// From the document's root: what a place is written from.
    place: Vec<Step>,
    /// From the resource: what rows are looked up by.
    path: String,
}

impl Walker<'_, '_> {
    /// `parent` is the object that a value or its list stands in.
    fn value(&mut self, at: usize, parent: Option<usize>, scope: &Scope, cue: &str) {
        match self.tape.kind(at) {
            NodeKind::Object => match self.tape.text_of(at, "resourceType") {
                Some(kind) => self.resource(at, &kind, scope),
                None => self.object(at, scope, cue),
            },
            NodeKind::Array => {
                for (index, item) in self.tape.children(at).enumerate() {
                    self.place.push(Step::Index(index));
                    self.value(item, parent, scope, cue);
                    self.place.pop();
                }
            }
            NodeKind::String | NodeKind::Number => self.leaf(at, parent, scope, cue),
            NodeKind::Bool | NodeKind::Null => {}
        }
    }

    fn resource(&mut self, at: usize, kind: &str, outer: &Scope) {
        let person = self.subject(at, kind, outer);
        let scope =
            Scope { resource: kind.to_owned(), person, provider: elements::is_provider_resource(kind) };
        if elements::is_clinical(kind) && person != PersonId::NOBODY && self.has_reason(at, kind) {
            self.sink.clinical(person);
        }
        let path = std::mem::replace(
            &mut self.path,
            if elements::is_resource(kind) { kind.to_owned() } else { "*".to_owned() },
        );
        let root = self.place.is_empty();
        if root {
            self.place.push(if elements::is_resource(kind) {
                Step::Word(kind.to_owned())
            } else {
                Step::Unknown
            });
        }
        self.labels(at);
        self.object(at, &scope, "");
        if root {
            self.place.pop();
        }
        self.path = path;
    }

    /// Whose a resource is.
    fn subject(&mut self, at: usize, kind: &str, outer: &Scope) -> PersonId {
        if let Some(person) = self.people.of_patient(at) {
            return person;
        }
        for key in ["subject", "patient", "beneficiary", "individual", "for"] {
            let Some(subject) = self.tape.member(at, key) else { continue };
            let reference = self.tape.text_of(subject, "reference");
            if let Some(reference) = reference.filter(|r| {
                self.people.knows(r) || people::tail(r).starts_with("Patient/") || r.starts_with("urn:uuid:")
            }) {
                let person = self.people.referred(&reference, self.sink);
                if kind == "RelatedPerson" {
                    return self.people.announce(Role::RelativeOf(person), self.sink);
                }
                return person;
            }
            if self.tape.text_of(subject, "display").is_some()
                || self.tape.member(subject, "identifier").is_some()
            {
                return self.people.announce(Role::Patient, self.sink);
            }
        }
        if elements::is_provider_resource(kind) || elements::is_container(kind) {
            return PersonId::NOBODY;
        }
        match kind {
            "RelatedPerson" => self.people.announce(Role::Relative, self.sink),
            // Contained belongs to its container; else to the only patient there is.
            _ if outer.person != PersonId::NOBODY && !outer.resource.is_empty() => outer.person,
            _ => match self.people.only() {
                Some(person) => person,
                None => self.people.announce(Role::Patient, self.sink),
            },
        }
    }

    /// An Encounter or Appointment is clinical content only with a reason, a claim only with items.
    fn has_reason(&self, at: usize, kind: &str) -> bool {
        let any = |keys: &[&str]| keys.iter().any(|k| self.tape.member(at, k).is_some());
        match kind {
            "Encounter" | "Appointment" => any(&["reasonCode", "reasonReference", "diagnosis", "reason"]),
            "Claim" | "ExplanationOfBenefit" => any(&["item", "diagnosis"]),
            _ => true,
        }
    }

    /// Security labels and tags that say test: read both.
    fn labels(&mut self, at: usize) {
        let tape = self.tape;
        let Some(meta) = tape.member(at, "meta") else { return };
        let codings = ["security", "tag"]
            .into_iter()
            .flat_map(|key| tape.members(meta, key))
            .flat_map(|list| tape.children(list));
        let codes: Vec<_> = codings.filter_map(|coding| tape.text_of(coding, "code")).collect();
        if codes.iter().any(|c| c == "HTEST") {
            let place = &self.place;
            self.sink.declared(Declared::Test, &|| format!("{}.meta", written(place)));
        }
    }

    fn object(&mut self, at: usize, scope: &Scope, cue: &str) {
        let tape = self.tape;
        let length = self.path.len();
        let is_contact = self.path == "Patient.contact";
        let contact;
        let scope = if is_contact && scope.person != PersonId::NOBODY {
            let person = self.people.announce(Role::RelativeOf(scope.person), self.sink);
            contact = Scope { person, ..scope.clone() };
            &contact
        } else {
            scope
        };
        let label =
            ["text", "display", "url", "linkId", "name", "title"].iter().find_map(|k| tape.text_of(at, k));
        for child in tape.children(at) {
            let key = tape.key(child);
            let known = elements::is_element(&key);
            if known {
                self.place.push(Step::Word(key.clone().into_owned()));
            } else {
                self.place.push(Step::Unknown);
                let place = &self.place;
                self.sink.unknown_key(&key, tape.key_span(child), scope.person, &|| written(place));
            }
            let _ = write!(self.path, ".{}", if known { key.as_ref() } else { "*" });
            // What names a value to nearby words: the question's or code's text, else the key.
            let named = match label.as_deref() {
                Some(label) if matches!(key.as_ref(), "answer" | "item") || key.starts_with("value") => label,
                _ if matches!(key.as_ref(), "value" | "valueString" | "text" | "answer" | "extension")
                    && !cue.is_empty() =>
                {
                    cue
                }
                _ => &key,
            };
            self.value(child, Some(at), scope, named);
            self.path.truncate(length);
            self.place.pop();
        }
    }

    fn leaf(&mut self, at: usize, parent: Option<usize>, scope: &Scope, cue: &str) {
        let tape = self.tape;
        let demographic = elements::asks_a_demographic(cue);
        let beside = || self.beside(parent, scope, demographic);
        let field = if scope.provider && scope.resource != "Practitioner" {
            None
        } else {
            self.table.find(&self.path, &beside)
        };
        let value = tape.text(at);
        let name = tape_key(tape, at, &self.place).into_owned();
        let media_type = parent.and_then(|p| tape.text_of(p, "contentType")).unwrap_or_default();
        let reads = match field {
            Some(field) => reads_of(field, &media_type, &value),
            None => match class_of(&name, &self.path) {
                Class::Base64 => Reads::Base64(&media_type),
                _ if tape.kind(at) == NodeKind::Number => Reads::Quantity,
                Class::Code => Reads::Code,
                Class::Time => Reads::Time,
                Class::Opaque => Reads::Opaque,
                Class::Query => Reads::Query,
                Class::Display => self.display(parent),
                Class::Text if scope.provider => Reads::Public,
                Class::Text => Reads::Text,
            },
        };
        let person = self.person_of(parent, &name, scope);
        let place = &self.place;
        let leaf = Leaf { span: tape.span(at), value, field, person, reads, cue };
        self.sink.leaf(&leaf, &|| written(place));
    }

    /// A reference's own fields belong to whom it leads to.
    fn person_of(&mut self, parent: Option<usize>, name: &str, scope: &Scope) -> PersonId {
        if matches!(name, "reference" | "display")
            && let Some(reference) = parent.and_then(|p| self.tape.text_of(p, "reference"))
            && (self.people.knows(&reference) || people::tail(&reference).starts_with("Patient/"))
        {
            return self.people.referred(&reference, self.sink);
        }
        scope.person
    }

    /// `display` of a coding is a code's; of a reference to a provider it is public; else it may be anybody's name.
    fn display(&self, parent: Option<usize>) -> Reads<'static> {
        let Some(parent) = parent else { return Reads::Text };
        if self.tape.member(parent, "code").is_some() || self.tape.member(parent, "system").is_some() {
            return Reads::Code;
        }
        let leads_to_provider = self.tape.text_of(parent, "reference").is_some_and(|r| {
            let kind = people::tail(&r).split('/').next().unwrap_or_default().to_owned();
            elements::is_provider_resource(&kind)
        });
        let by_role = self.place.iter().rev().find_map(|s| match s {
            Step::Word(w) if w != "display" => Some(elements::names_a_provider(w)),
            _ => None,
        });
        if leads_to_provider || by_role == Some(true) { Reads::Public } else { Reads::Text }
    }

    fn beside(&self, parent: Option<usize>, scope: &Scope, demographic: bool) -> Beside {
        let tape = self.tape;
        let Some(parent) = parent else { return Beside::default() };
        let mut out = Beside::default();
        for kind in tape.members(parent, "type") {
            for coding in tape.members(kind, "coding").flat_map(|list| tape.children(list)) {
                out.types.extend(tape.text_of(coding, "code").map(std::borrow::Cow::into_owned));
            }
            out.types.extend(tape.text_of(kind, "text").map(std::borrow::Cow::into_owned));
        }
        if out.types.iter().any(|t| t == "NIIP") && tape.member(parent, "assigner").is_some() {
            out.types = vec!["NIIP+payer".to_owned()];
        }
        if demographic {
            out.types.push("demographic".to_owned());
        }
        if scope.resource == "Device" && scope.person != PersonId::NOBODY {
            out.types.push("with-patient".to_owned());
        }
        for key in ["system", "url"] {
            out.systems.extend(tape.text_of(parent, key).map(std::borrow::Cow::into_owned));
        }
        out.reference = match tape.text_of(parent, "reference") {
            Some(r) if self.people.knows(&r) => Some("Patient".to_owned()),
            Some(r) if people::tail(&r).contains('/') => {
                people::tail(&r).split('/').next().map(str::to_owned)
            }
            Some(_) => None,
            None => Some(tape.text_of(parent, "type").map(std::borrow::Cow::into_owned).unwrap_or_default()),
        };
        out
    }
}

fn reads_of<'m>(field: &Field, media_type: &'m str, value: &str) -> Reads<'m> {
    match field.reads.as_str() {
        "text" => Reads::Text,
        "xhtml" => Reads::Xhtml,
        "base64" => Reads::Base64(media_type),
        "base64-query" => Reads::Base64("text/x-fhir-query"),
        "query" => Reads::Query,
        "reference" => Reads::Opaque,
        _ if value.is_empty() => Reads::Opaque,
        _ => Reads::Value,
    }
}

/// The element's name: its own key, or that of the array it stands in.
fn tape_key<'a>(tape: &'a Tape<'_>, at: usize, place: &'a [Step]) -> std::borrow::Cow<'a, str> {
    if tape.has_key(at) {
        return tape.key(at);
    }
    place
        .iter()
        .rev()
        .find_map(|s| match s {
            Step::Word(w) => Some(std::borrow::Cow::Borrowed(w.as_str())),
            _ => None,
        })
        .unwrap_or_default()
}

/// `Bundle.entry[0].resource.name[1].family`, with `*` for keys that aren't elements.
fn written(place: &[Step]) -> String {
    let mut out = String::new();
    for step in place {
        match step {
            Step::Index(i) => {
                let _ = write!(out, "[{i}]");
                continue;
            }
            _ if out.is_empty() => {}
            _ => out.push('.'),
        }
        out.push_str(match step {
            Step::Word(word) => word,
            _ => "*",
        });
    }
    out
}
