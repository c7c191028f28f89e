//! Whose each resource is: found before the walk, since a Bundle may tell of its patient last.
//!
//! One person for each Patient (by `Patient.id`, `fullUrl`, `urn:uuid:`, `#contained`); a resource that names its
//! subject belongs to that; a contained one to its container; a reference to a Patient that isn't in the document is
//! one person for each distinct reference. What names no subject belongs to the only patient of the document, else
//! to a person of its own, made when it has something to say.

use crate::inspect::walk::json::{NodeId, NodeKind, Tape};
use crate::inspect::walk::{PersonId, Role};
mod reference;

use super::keys::Doc;
use super::names::{Category, Name, Names};
use crate::inspect::hash::Map;
use std::borrow::Cow;

/// The resources of a document and their persons.
pub(super) struct People<'t, 'd> {
    doc: Doc<'t, 'd>,
    tape: &'t Tape<'d>,
    names: &'t Names,
    resources: Vec<Resource<'d>>,
    /// The resource that comes next in the walk.
    next: usize,
    /// `fullUrl`, `Patient/id`, to the resource's number.
    by_url: Map<Cow<'d, str>, usize>,
    /// Container's number and id.
    contained: Map<(usize, Cow<'d, str>), usize>,
    /// Identifier values of patients.
    identifiers: Map<Cow<'d, str>, (Option<Cow<'d, str>>, PersonId)>,
    /// References to patients that aren't in the document.
    absent: Map<String, PersonId>,
    /// Relatives inside a resource: Patient.contact by its node, and the resource's own.
    relatives: Map<NodeId, PersonId>,
    roles: Vec<Role>,
    only: Option<PersonId>,
    stray: Option<PersonId>,
    /// The reference that was resolved last, with the type that was declared, once the document's people are known: most
    /// resources have the subject of the one before.
    resolved: Option<(Cow<'d, str>, Name, Lead)>,
    patients_known: bool,
}

struct Resource<'d> {
    node: NodeId,
    kind: Name,
    category: Category,
    container: Option<usize>,
    id: Option<Cow<'d, str>>,
    owner: Owner,
    /// Type that its subject leads to: `None` without a subject.
    subject: Target,
    /// The Reference that was read for that, and what it leads to: the walk asks for it again.
    led: Option<(NodeId, Lead)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Not asked for yet: the only patient's, or its own.
    Unasked,
    /// As before, but its subject is no person: its own.
    Apart,
    Known(PersonId),
    /// Of the resource that contains it.
    Container(usize),
    Nobody,
}

/// What a Reference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// There is no Reference.
    None,
    /// Its type can't be told.
    Unknown,
    /// A resource type.
    Resource(Name),
}

/// A Reference read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lead {
    pub(super) target: Target,
    pub(super) person: Option<PersonId>,
}

/// What the walker asks of a resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) number: usize,
    pub(super) kind: Name,
    pub(super) category: Category,
    pub(super) subject: Target,
}

const NO_LEAD: Lead = Lead { target: Target::None, person: None };

impl<'t, 'd> People<'t, 'd> {
    /// Finds the resources of a document and joins them to persons.
    pub(super) fn find(doc: Doc<'t, 'd>) -> Self {
        let mut people = Self {
            doc,
            tape: doc.tape,
            names: &doc.table.names,
            resources: Vec::new(),
            next: 0,
            by_url: Map::default(),
            contained: Map::default(),
            identifiers: Map::default(),
            absent: Map::default(),
            relatives: Map::default(),
            roles: Vec::new(),
            only: None,
            stray: None,
            resolved: None,
            patients_known: false,
        };
        people.list_resources();
        people.index();
        people.patients();
        people.patients_known = true;
        people.only_patient_and_subjects();
        people
    }

    /// The resource that this object is, if it is one; objects are asked for in the order of the document.
    pub(super) fn resource(&mut self, node: NodeId) -> Option<Facts> {
        while self.resources.get(self.next).is_some_and(|resource| resource.node < node) {
            self.next += 1;
        }
        let number = self.next;
        let resource = self.resources.get(number).filter(|resource| resource.node == node)?;
        Some(Facts { number, kind: resource.kind, category: resource.category, subject: resource.subject })
    }

    /// Whose a resource is; makes a person of its own where nothing tells.
    pub(super) fn owner(&mut self, number: usize) -> PersonId {
        let mut at = number;
        let mut only = self.only;
        while let Some(resource) = self.resources.get(at) {
            match resource.owner {
                Owner::Known(person) => return person,
                Owner::Nobody => return PersonId::NOBODY,
                Owner::Container(container) => at = container, // a container comes before: this ends
                Owner::Unasked => break,
                Owner::Apart => {
                    only = None;
                    break;
                }
            }
        }
        let person = match only {
            Some(person) => person,
            None => self.person(Role::Patient),
        };
        if let Some(resource) = self.resources.get_mut(at) {
            resource.owner = Owner::Known(person);
            self.resolved = None; // it may have led there
        }
        person
    }

    /// The relative that stands at a node (Patient.contact, FamilyMemberHistory) of a resource.
    pub(super) fn relative(&mut self, node: NodeId, number: usize) -> PersonId {
        if let Some(person) = self.relatives.get(&node) {
            return *person;
        }
        let role = match self.owner(number) {
            PersonId::NOBODY => return PersonId::NOBODY,
            patient => Role::RelativeOf(patient),
        };
        let person = self.person(role);
        self.relatives.insert(node, person);
        person
    }

    /// The relative that a resource itself tells of: FamilyMemberHistory.
    pub(super) fn relative_of_resource(&mut self, number: usize) -> PersonId {
        match self.resources.get(number).map(|resource| resource.node) {
            Some(node) => self.relative(node, number),
            None => PersonId::NOBODY,
        }
    }

    /// Who has what stands outside any resource.
    pub(super) fn stray(&mut self) -> PersonId {
        if let Some(person) = self.stray.or(self.only) {
            return person;
        }
        let person = self.person(Role::Patient);
        self.stray = Some(person);
        person
    }

    /// The role of a person, by number; `None` past the last one made.
    pub(super) fn role(&self, number: usize) -> Option<Role> {
        self.roles.get(number).copied()
    }

    /// Whether an identifier of this patient has the value.
    pub(super) fn is_identifier_of(&self, value: &str, person: PersonId) -> bool {
        self.identifiers.get(value).is_some_and(|(_, holder)| *holder == person)
    }

    fn person(&mut self, role: Role) -> PersonId {
        let id = u32::try_from(self.roles.len()).expect("persons are fewer than the document's bytes");
        self.roles.push(role);
        PersonId(id)
    }

    /// Every object with a resourceType, in order, with the resource that contains it.
    fn list_resources(&mut self) {
        let (tape, doc, words) = (self.tape, self.doc, &self.doc.table.words);
        let mut found: Vec<(NodeId, Name)> = Vec::with_capacity(RESOURCES_FIRST);
        for node in tape.nodes() {
            if doc.key_is(node, words.resource_type)
                && tape.kind(node) == NodeKind::String
                && let Some(object) = tape.parent(node)
            {
                found.push((object, self.names.resource(&tape.value(node))));
            }
        }
        found.sort_by_key(|(object, _)| *object);
        self.resources.reserve(found.len());
        let mut open: Vec<(usize, NodeId)> = Vec::new();
        for (node, kind) in found {
            if let Some(last) = self.resources.last_mut().filter(|last| last.node == node) {
                last.merge(kind, self.names); // two resourceTypes: the one that tells more
                continue;
            }
            while open.last().is_some_and(|(_, after)| *after <= node) {
                open.pop();
            }
            let held = tape
                .parent(node)
                .is_some_and(|list| doc.key_is(node, words.contained) || doc.key_is(list, words.contained));
            let container = open.last().map(|(number, _)| *number).filter(|_| held);
            open.push((self.resources.len(), tape.after(node)));
            let category = self.names.category(kind).unwrap_or(Category::Other);
            let owner = if category == Category::Provider { Owner::Nobody } else { Owner::Unasked };
            let id = doc.string(node, words.id);
            self.resources.push(Resource {
                node,
                kind,
                category,
                container,
                id,
                owner,
                subject: Target::None,
                led: None,
            });
        }
    }

    fn index(&mut self) {
        // Each has an id, and in a Bundle a full URL.
        self.by_url.reserve(2 * self.resources.len());
        let words = &self.doc.table.words;
        for (number, resource) in self.resources.iter().enumerate() {
            if let Some(container) = resource.container {
                let outermost = self.container(container);
                if let Some(id) = &resource.id {
                    self.contained.entry((outermost, id.clone())).or_insert(number);
                }
                continue;
            }
            if let Some(kind) = self.doc.string(resource.node, words.resource_type)
                && let Some(id) = &resource.id
            {
                let mut reference = String::with_capacity(kind.len() + 1 + id.len());
                reference.push_str(&kind);
                reference.push('/');
                reference.push_str(id);
                self.by_url.entry(Cow::Owned(reference)).or_insert(number);
            }
            if let Some(url) = self.full_url(resource.node) {
                self.by_url.entry(url).or_insert(number);
            }
        }
    }

    fn full_url(&self, node: NodeId) -> Option<Cow<'d, str>> {
        let words = &self.doc.table.words;
        let entry = self.tape.parent(node).filter(|_| self.doc.key_is(node, words.resource))?;
        self.doc.string(entry, words.full_url)
    }

    /// A person for each Patient, RelatedPerson and Person, in this order, since the later lead to the earlier.
    fn patients(&mut self) {
        for number in 0..self.resources.len() {
            let Some(resource) = self.resources.get(number).filter(|r| r.category == Category::Patient)
            else {
                continue;
            };
            let node = resource.node;
            let first = match (&resource.id, resource.container) {
                (Some(id), None) => self.by_url.get(format!("Patient/{id}").as_str()).copied(),
                _ => None,
            };
            let owner = match first.filter(|first| *first < number).and_then(|first| self.settled(first)) {
                Some(person) => Owner::Known(person),
                None if self.is_animal(node) => Owner::Nobody,
                None => Owner::Known(self.person(Role::Patient)),
            };
            self.own(number, owner);
            if let Owner::Known(person) = owner {
                self.index_identifiers(node, person);
                self.other_records(node, person);
            }
        }
        for wanted in [Category::Related, Category::Person] {
            for number in 0..self.resources.len() {
                let Some(resource) = self.resources.get(number).filter(|r| r.category == wanted) else {
                    continue;
                };
                let node = resource.node;
                let owner = if wanted == Category::Related {
                    self.related(node, number)
                } else {
                    self.linked(node, number)
                };
                self.own(number, owner);
            }
        }
    }

    /// Other records of a patient (`Patient.link.other`: of the same individual), where they aren't in the document: a reference
    /// to one leads to him.
    fn other_records(&mut self, node: NodeId, person: PersonId) {
        let (tape, doc, words) = (self.tape, self.doc, &self.doc.table.words);
        let links = doc.get(node, words.link).into_iter().flat_map(|list| tape.children(list));
        for other in links.filter_map(|link| doc.get(link, words.other)) {
            if let Some(reference) = doc.string(other, words.reference) {
                self.leads_to(&reference, person);
            }
        }
    }

    fn related(&mut self, node: NodeId, number: usize) -> Owner {
        let patient = self
            .doc
            .get(node, self.doc.table.words.subject_patient)
            .and_then(|patient| self.lead(patient, number).person);
        match patient {
            Some(PersonId::NOBODY) => Owner::Nobody,
            Some(patient) => Owner::Known(self.person(Role::RelativeOf(patient))),
            None => Owner::Known(self.person(Role::Relative)),
        }
    }

    /// A Person is the patient that it links to; a practitioner's is nobody's.
    fn linked(&mut self, node: NodeId, number: usize) -> Owner {
        let (tape, doc, words) = (self.tape, self.doc, &self.doc.table.words);
        let mut provider = false;
        let links = doc.get(node, words.link).into_iter().flat_map(|list| tape.children(list));
        for target in links.filter_map(|link| doc.get(link, words.target)) {
            let lead = self.lead(target, number);
            if let Some(person) = lead.person {
                return Owner::Known(person);
            }
            if let Target::Resource(kind) = lead.target {
                provider |= self.names.category(kind) == Some(Category::Provider);
            }
        }
        if provider { Owner::Nobody } else { Owner::Known(self.person(Role::Patient)) }
    }

    /// Joins every other resource to its subject; then it is known whether the document has one patient only.
    fn only_patient_and_subjects(&mut self) {
        for number in 0..self.resources.len() {
            let Some(resource) = self.resources.get(number).filter(|r| r.owner == Owner::Unasked) else {
                continue;
            };
            let (node, container) = (resource.node, resource.container);
            let led = self.subject(node, number);
            let lead = led.map_or(NO_LEAD, |(_, lead)| lead);
            let owner = match (lead.person, container) {
                (Some(PersonId::NOBODY), _) => Owner::Nobody,
                (Some(person), _) => Owner::Known(person),
                (None, Some(container)) => Owner::Container(container),
                (None, None) if matches!(lead.target, Target::Resource(_)) => Owner::Apart,
                (None, None) => Owner::Unasked,
            };
            if let Some(resource) = self.resources.get_mut(number) {
                resource.owner = owner;
                resource.subject = lead.target;
                resource.led = led;
                let is_led_to =
                    matches!(resource.category, Category::Patient | Category::Related | Category::Person);
                if is_led_to {
                    self.resolved = None;
                }
            }
        }
        let mut patients =
            self.roles.iter().zip(0..).filter(|(role, _)| **role == Role::Patient).map(|(_, n)| PersonId(n));
        self.only = patients.next().filter(|_| patients.next().is_none());
    }

    /// Whom a resource is about: the first reference that leads to a person, else the first that stands.
    fn subject(&mut self, node: NodeId, number: usize) -> Option<(NodeId, Lead)> {
        let (tape, doc, words) = (self.tape, self.doc, &self.doc.table.words);
        let mut first = None;
        for key in &words.subjects {
            for object in doc.all(node, *key).flat_map(|value| each(tape, value)) {
                let lead = self.lead(object, number);
                if lead.person.is_some() {
                    return Some((object, lead));
                }
                if first.is_none() && lead.target != Target::None {
                    first = Some((object, lead));
                }
            }
        }
        if first.is_some() {
            return first;
        }
        for (outer, inner) in &words.further {
            for object in doc.all(node, *outer).flat_map(|value| each(tape, value)) {
                let object = inner.map_or(Some(object), |inner| doc.get(object, inner));
                if let Some(object) = object.filter(|o| doc.get(*o, words.reference).is_some()) {
                    let lead = self.lead(object, number);
                    if lead.person.is_some() {
                        return Some((object, lead));
                    }
                }
            }
        }
        None
    }

    fn own(&mut self, number: usize, owner: Owner) {
        if let Some(resource) = self.resources.get_mut(number) {
            resource.owner = owner;
            self.resolved = None;
        }
    }

    fn index_identifiers(&mut self, node: NodeId, person: PersonId) {
        let (tape, doc, words) = (self.tape, self.doc, &self.doc.table.words);
        for identifier in doc.get(node, words.identifier).into_iter().flat_map(|value| each(tape, value)) {
            if let Some(value) = doc.string(identifier, words.value) {
                let system = doc.string(identifier, words.system);
                self.identifiers.entry(value).or_insert((system, person));
            }
        }
    }

    fn is_animal(&self, node: NodeId) -> bool {
        let (tape, doc, words) = (self.tape, self.doc, &self.doc.table.words);
        doc.get(node, words.extension).is_some_and(|list| {
            tape.children(list)
                .any(|e| doc.string(e, words.url).is_some_and(|url| url.ends_with("/patient-animal")))
        })
    }
}

impl Resource<'_> {
    fn merge(&mut self, kind: Name, names: &Names) {
        let category = names.category(kind).unwrap_or(Category::Other);
        let strict = |category| match category {
            Category::Patient => 4,
            Category::Related => 3,
            Category::Person => 2,
            Category::Clinical | Category::Other => 1,
            Category::Provider | Category::Definition => 0,
        };
        if strict(category) > strict(self.category) {
            self.kind = kind;
            self.category = category;
            self.owner = Owner::Unasked;
        }
    }
}

/// A value, or each of a list.
fn each<'t>(tape: &'t Tape<'_>, value: NodeId) -> impl Iterator<Item = NodeId> + 't {
    let list = tape.kind(value) == NodeKind::Array;
    let one = (!list).then_some(value);
    one.into_iter().chain(list.then(|| tape.children(value)).into_iter().flatten())
}

/// Most documents have no more.
const RESOURCES_FIRST: usize = 16;
