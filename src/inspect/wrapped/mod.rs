//! JSON: which of its formats a document is, and the documents inside JSON of no known kind: a resource of FHIR, a data set
//! of DICOM or a Redox message as an object in an event, a batch or an answer. Each is read by its own rows, and the
//! envelope around them, without them, as what it is.
//!
//! - Resources of one envelope are read as one document, so that their references lead from one to the other.
//! - The envelope tells of the documents' patient where they have one alone.
//! - An answer to a GraphQL request says the type of its resources by the field: `{"data":{"PatientList":[…]}}`.
//! - Cost: documents that have none of the words are passed over; else one pass more, and the tape copied once.

use super::RuleSet;
use super::format::Format;
use super::walk::arranged::Arranged;
use super::walk::json::{NodeId, NodeKind, Piece, Tape};
use super::walk::shifted::Shifted;
use super::walk::{PersonId, Sink, dicom, fhir, object};
use std::collections::HashMap;
use std::ops::Range;

/// Walks a document by the format that it is of. Gives that format.
pub(crate) fn walk(tape: &Tape<'_>, rules: &RuleSet, sink: &mut dyn Sink) -> Format {
    if fhir::recognise(tape) {
        fhir::walk_tape(tape, &rules.fhir, Some(&rules.objects), sink);
        return Format::FhirJson;
    }
    if fhir::recognise_cds_hooks(tape) {
        fhir::walk_tape(tape, &rules.fhir, Some(&rules.objects), sink);
    } else if dicom::recognise(tape) {
        dicom::walk_tape(tape, &rules.dicom, sink);
    } else if object::is_redox(tape, NodeId::ROOT) {
        object::walk_tape(tape, &rules.redox, sink);
        return Format::Redox;
    } else {
        match Wrapped::find(tape, rules) {
            Some(wrapped) => wrapped.walk(tape, rules, sink),
            None => match object::joined(tape).as_ref().and_then(Arranged::tape) {
                Some(joined) => object::walk_tape(&joined, &rules.objects, sink),
                None => object::walk_tape(tape, &rules.objects, sink),
            },
        }
    }
    Format::Json
}

/// Whether JSON of no known kind holds a document of a known one.
pub(crate) fn holds_any(tape: &Tape<'_>, rules: &RuleSet) -> bool {
    Wrapped::find(tape, rules).is_some()
}

/// The documents that JSON of no known kind holds.
#[derive(Default)]
struct Wrapped {
    /// All of them, in order.
    all: Vec<Piece>,
    fhir: Vec<Piece>,
    dicom: Vec<Piece>,
    redox: Vec<Piece>,
}

impl Wrapped {
    /// `None` where there are none.
    fn find(tape: &Tape<'_>, rules: &RuleSet) -> Option<Self> {
        let answers = answers(tape, rules);
        // A key with escapes could be any.
        let may_hold = !answers.is_empty()
            || ["resourceType", "\"vr\"", "DataModel", "\\u00"].iter().any(|word| tape.contains(word));
        if !may_hold {
            return None;
        }
        let mut found = Self::default();
        let mut next = NodeId::ROOT;
        for id in tape.nodes() {
            if id < next || tape.kind(id) != NodeKind::Object {
                continue;
            }
            let kind = answers.get(&id).cloned();
            let into = if kind.is_some() || is_resource(tape, id, rules) {
                &mut found.fhir
            } else if dicom::is_data_set(tape, id) {
                &mut found.dicom
            } else if object::is_redox(tape, id) {
                &mut found.redox
            } else {
                continue;
            };
            into.push(Piece { node: id, kind: kind.clone() });
            found.all.push(Piece { node: id, kind });
            next = tape.after(id);
        }
        (!found.all.is_empty()).then_some(found)
    }

    fn walk(&self, tape: &Tape<'_>, rules: &RuleSet, sink: &mut dyn Sink) {
        let (mut persons, mut patients) = (0, Vec::new());
        let mut inner = |read: &dyn Fn(&mut dyn Sink)| {
            let mut first = None;
            let mut shifted = Shifted::new(&mut persons, &mut first, sink);
            read(&mut shifted);
            patients.extend(shifted.patients());
        };
        if !self.fhir.is_empty() {
            inner(&|sink| {
                fhir::walk_tape(&tape.of_pieces(&self.fhir), &rules.fhir, Some(&rules.objects), sink)
            });
        }
        if !self.dicom.is_empty() {
            inner(&|sink| dicom::walk_tape(&tape.of_pieces(&self.dicom), &rules.dicom, sink));
        }
        for message in &self.redox {
            let message = std::slice::from_ref(message);
            inner(&|sink| object::walk_tape(&tape.of_pieces(message), &rules.redox, sink));
        }
        let mut whose: Option<PersonId> = match patients.as_slice() {
            [alone] => Some(*alone),
            _ => None,
        };
        let mut envelope = Shifted::new(&mut persons, &mut whose, sink);
        object::walk_tape(&tape.without(&self.all), &rules.objects, &mut envelope);
    }
}

/// Whether an object says that it is a resource, and is one.
fn is_resource(tape: &Tape<'_>, object: NodeId, rules: &RuleSet) -> bool {
    tape.string(object, "resourceType")
        .is_some_and(|kind| fhir::is_alike(tape, object, &kind, &rules.fhir, &rules.objects))
}

/// The resources of an answer to a GraphQL request, each with where its type is said.
fn answers(tape: &Tape<'_>, rules: &RuleSet) -> HashMap<NodeId, Range<usize>> {
    let mut found = HashMap::new();
    let Some(data) = tape.get(NodeId::ROOT, "data").filter(|data| tape.kind(*data) == NodeKind::Object)
    else {
        return found;
    };
    let says_answer =
        |key: NodeId| ["data", "errors", "extensions"].iter().any(|word| tape.key_is(key, word));
    if !tape.children(NodeId::ROOT).all(says_answer) {
        return found;
    }
    for field in tape.children(data) {
        let key = tape.key(field).unwrap_or_default();
        let kind = LISTS.iter().find_map(|end| key.strip_suffix(end)).unwrap_or(&key);
        let Some(at) = tape.key_span(field).filter(|at| at.len() == key.len() && rules.fhir.knows(kind))
        else {
            continue;
        };
        let at = at.start..at.start + kind.len();
        for object in objects(tape, field) {
            if tape.get(object, "resourceType").is_none()
                && fhir::is_alike(tape, object, kind, &rules.fhir, &rules.objects)
            {
                found.insert(object, at.clone());
            }
        }
    }
    found
}

/// The objects that a field answers with: itself, its elements, or what stands in the edges of a connection.
fn objects(tape: &Tape<'_>, field: NodeId) -> Vec<NodeId> {
    let each = |node: NodeId| match tape.kind(node) {
        NodeKind::Array => tape.children(node).collect(),
        _ => vec![node],
    };
    let edges = ["edges", "nodes"].iter().find_map(|word| tape.get(field, word));
    let found = each(edges.unwrap_or(field)).into_iter();
    let node = |object| ["resource", "node"].iter().find_map(|word| tape.get(object, word));
    found.map(|object| edges.and_then(|_| node(object)).unwrap_or(object)).collect()
}

/// What the schema of FHIR puts behind a type where a field answers with several (FHIR R4, Using GraphQL).
const LISTS: &[&str] = &["List", "Connection"];

#[cfg(test)]
mod tests;
