//! Documents of JSON:API (1.1): resources tell in `included` what others link to, so that a name lies in one of them and the
//! birth date in another. What is linked is put where the link stands, under the key that says whose it is; what nobody links
//! to, and which itself links to an individual, is put with that individual.
//!
//! - Gives nothing where a document has no links: it is read as it stands.
//! - Each resource is put in one place. Cost: documents that have no `included` are passed over; others are copied once.

use crate::inspect::hash::Map;
use crate::inspect::walk::arranged::{Arranged, Arranger, Name};
use crate::inspect::walk::json::{NodeId, NodeKind, Tape};
use std::collections::BTreeSet;

/// The document with its resources where their links stand.
pub(in crate::inspect) fn joined(tape: &Tape<'_>) -> Option<Arranged> {
    if !tape.contains("\"included\"") || tape.kind(NodeId::ROOT) != NodeKind::Object {
        return None;
    }
    let included = tape.get(NodeId::ROOT, INCLUDED).filter(|list| tape.kind(*list) == NodeKind::Array)?;
    let data = tape.get(NodeId::ROOT, DATA)?;
    let mut resources = Resources { tape, data, included, ..Resources::new(tape) };
    resources.find_links()?;
    let mut arranger = Arranger::default();
    arranger.open(NodeKind::Object, Name::Root, &tape.span(NodeId::ROOT));
    // What all begins with first.
    let others = tape.children(NodeId::ROOT).filter(|member| ![data, included].contains(member));
    for member in std::iter::once(data).chain(others).chain(std::iter::once(included)) {
        resources.copy(&mut arranger, member);
    }
    arranger.close();
    Some(arranger.done())
}

struct Resources<'t, 'd> {
    tape: &'t Tape<'d>,
    data: NodeId,
    included: NodeId,
    /// All of them by type and id.
    by_name: Map<(String, String), NodeId>,
    /// Those that some link leads to.
    linked: BTreeSet<NodeId>,
    /// Of an individual, those that link to him and that nothing links to.
    behind: Map<usize, Vec<NodeId>>,
    /// Those that have their place.
    placed: BTreeSet<NodeId>,
    depth: usize,
}

impl<'t, 'd> Resources<'t, 'd> {
    fn new(tape: &'t Tape<'d>) -> Self {
        Self {
            tape,
            data: NodeId::ROOT,
            included: NodeId::ROOT,
            by_name: Map::default(),
            linked: BTreeSet::new(),
            behind: Map::default(),
            placed: BTreeSet::new(),
            depth: 0,
        }
    }

    /// `None` where there are none.
    fn find_links(&mut self) -> Option<()> {
        let tape = self.tape;
        let included: Vec<NodeId> = tape.children(self.included).collect();
        let first = match tape.kind(self.data) {
            NodeKind::Array => tape.children(self.data).collect(),
            _ => vec![self.data],
        };
        for resource in first.iter().chain(&included) {
            if let Some(name) = name_of(tape, *resource) {
                self.by_name.entry(name).or_insert(*resource);
            }
        }
        let mut links = Vec::new();
        for resource in first.iter().chain(&included) {
            for target in self.links_of(*resource) {
                links.push((*resource, target));
                self.linked.insert(target);
            }
        }
        // Whoever is first in the document has his place there.
        self.placed.extend(first);
        for (resource, target) in &links {
            if !self.linked.contains(resource)
                && !self.placed.contains(resource)
                && is_an_individual(tape, *target)
            {
                self.behind.entry(target.index()).or_default().push(*resource);
            }
        }
        (!links.is_empty()).then_some(())
    }

    /// The resources that one links to.
    fn links_of(&self, resource: NodeId) -> Vec<NodeId> {
        let tape = self.tape;
        let Some(relationships) = tape.get(resource, RELATIONSHIPS) else { return Vec::new() };
        let data = tape.children(relationships).filter_map(|relationship| tape.get(relationship, DATA));
        let each = data.flat_map(|data| match tape.kind(data) {
            NodeKind::Array => tape.children(data).collect(),
            _ => vec![data],
        });
        let target = |link| self.by_name.get(&name_of(tape, link)?).copied();
        each.filter_map(target).filter(|target| *target != resource).collect()
    }

    /// Copies a value with all that it holds, links as what they lead to.
    fn copy(&mut self, arranger: &mut Arranger, node: NodeId) {
        let tape = self.tape;
        let (key, at) = (tape.key(node), tape.key_span(node).unwrap_or_default());
        let name = match (&key, tape.element(node)) {
            (Some(key), _) => Name::Word(key, &at),
            (None, number) => Name::Element(number.unwrap_or_default()),
        };
        arranger.copy_but(tape, node, name, &mut |arranger, node| self.write(arranger, node));
    }

    /// Writes what stands instead of a container's members.
    fn write(&mut self, arranger: &mut Arranger, node: NodeId) -> bool {
        let tape = self.tape;
        if node == self.included {
            for resource in tape.children(node) {
                if !self.placed.contains(&resource) {
                    self.placed.insert(resource);
                    self.copy(arranger, resource);
                }
            }
            return true;
        }
        if let Some(target) = self.target(node).filter(|target| !self.placed.contains(target)) {
            if self.depth >= LINKS_DEPTH_MAX {
                return false;
            }
            self.placed.insert(target);
            self.members(arranger, target);
            return true;
        }
        if self.behind.contains_key(&node.index()) {
            self.members(arranger, node);
            return true;
        }
        false
    }

    /// Writes the members of a resource, and what links to it.
    fn members(&mut self, arranger: &mut Arranger, resource: NodeId) {
        let tape = self.tape;
        self.depth += 1;
        for member in tape.children(resource) {
            self.copy(arranger, member);
        }
        for other in self.behind.remove(&resource.index()).unwrap_or_default() {
            if self.depth >= LINKS_DEPTH_MAX || !self.placed.insert(other) {
                continue;
            }
            let (kind, at) = (tape.get(other, TYPE), tape.span(other));
            let word = kind.map_or(Default::default(), |kind| tape.value(kind));
            let word_at = kind.map_or(at.clone(), |kind| tape.span(kind));
            arranger.open(NodeKind::Object, Name::Word(&word, &word_at), &at);
            self.members(arranger, other);
            arranger.close();
        }
        self.depth -= 1;
    }

    /// What an object links to: `{"type": "people", "id": "9"}` below `relationships`.
    fn target(&self, node: NodeId) -> Option<NodeId> {
        let tape = self.tape;
        let data = if tape.element(node).is_some() { tape.parent(node)? } else { node };
        if !tape.key_is(data, DATA) || !tape.key_is(tape.parent(tape.parent(data)?)?, RELATIONSHIPS) {
            return None;
        }
        self.by_name.get(&name_of(tape, node)?).copied()
    }
}

/// The type and the id of a resource or a link.
fn name_of(tape: &Tape<'_>, node: NodeId) -> Option<(String, String)> {
    if tape.kind(node) != NodeKind::Object {
        return None;
    }
    let text = |key: &str| {
        let value = tape.get(node, key)?;
        let is_plain = matches!(tape.kind(value), NodeKind::String | NodeKind::Number);
        is_plain.then(|| tape.value(value).into_owned())
    };
    Some((text(TYPE)?, text(ID)?))
}

/// Whether a resource is an individual by its type.
fn is_an_individual(tape: &Tape<'_>, resource: NodeId) -> bool {
    let kind = tape.string(resource, TYPE).unwrap_or_default().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
    has(INDIVIDUALS) && !has(COLLEAGUES)
}

const DATA: &str = "data";
const INCLUDED: &str = "included";
const RELATIONSHIPS: &str = "relationships";
const TYPE: &str = "type";
const ID: &str = "id";
/// Links of links are followed so far: what lies beyond stays where it is.
const LINKS_DEPTH_MAX: usize = 8;
const INDIVIDUALS: &[&str] = &[
    "patient",
    "person",
    "people",
    "member",
    "beneficiar",
    "subscriber",
    "individual",
    "enrollee",
    "client",
    "insured",
    "resident",
];
const COLLEAGUES: &[&str] = &["staff", "team", "personnel"];

#[cfg(test)]
mod tests {
    use super::super::found::each;

    /// A document of one resource and what it includes.
    fn document(first: &str, included: &str) -> String {
        format!(r#"{{"data":{first},"included":[{included}]}}"#)
    }

    #[test]
    fn a_name_and_what_is_linked_to_it_are_one_persons() {
        let person = r#"{"type":"people","id":"9","attributes":{"firstName":"Ottilie","lastName":"Quispe"}}"#;
        let record = r#"{"type":"records","id":"4","attributes":{"dob":"1971-04-02"},"relationships":{"person":{"data":{"type":"people","id":"9"}}}}"#;
        let holder = r#"{"type":"people","id":"9","attributes":{"name":"Ottilie Quispe"},"relationships":{"record":{"data":{"type":"records","id":"4"}}}}"#;
        let number = r#"{"type":"records","id":"4","attributes":{"dob":"1971-04-02"}}"#;
        let link = r#"{"type":"visits","id":"2","attributes":{},"relationships":{"record":{"data":{"type":"records","id":"4"}}}}"#;
        each(
            &[
                &document(record, person),
                &document(holder, number),
                &document(person, record),
                &document(link, &format!("{person},{record}")),
                &document(&format!("[{link}]"), &format!("{record},{person}")),
                &format!(r#"{{"included":[{person}],"data":{record}}}"#),
            ],
            true,
        );
        let other = person.replace("\"9\"", "\"8\"");
        let provider = r#"{"type":"visits","id":"2","attributes":{"dob":"1971-04-02"},"relationships":{"provider":{"data":{"type":"people","id":"9"}}}}"#;
        each(&[&document(provider, person), &document(number, &other)], false);
    }

    #[test]
    fn links_that_lead_in_a_circle_come_to_an_end() {
        let circle = r#"{"type":"people","id":"9","attributes":{"name":"Ottilie Quispe"},"relationships":{"record":{"data":{"type":"records","id":"4"}}}},{"type":"records","id":"4","attributes":{"dob":"1971-04-02"},"relationships":{"person":{"data":{"type":"people","id":"9"}}}}"#;
        each(&[&document("[]", circle)], true);
    }
}
