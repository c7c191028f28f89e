//! Patches: what is sent to change a resource, read in the arrangement of that resource, so that its rows judge a bare
//! value: `/birthDate` of a patch to `Patient/123` is `Patient.birthDate`.
//!
//! - JSON Patch (RFC 6902) by its type or its shape, FHIRPath Patch (`Parameters` with `operation`s, in batches as well),
//!   and JSON Merge Patch (RFC 7386) by its type.
//! - XML Patch (RFC 5261), whose `sel`s are read as pointers and its document as a JSON Patch ([`diff()`]).
//! - The type of the resource is that of the request's target, or the one that a FHIRPath begins with; a patch that tells
//!   none is a `Patient`'s where it names an element of that, and else an object's whose keys are all that tells.
//! - Whose: one resource's. What a patch says of itself (`op`, `path`) is nobody's, and read as codes.

mod diff;
mod fhirpath;
mod pointer;

#[cfg(test)]
mod tests;

pub use diff::diff;

use super::Table;
use super::names::{Name, Names};
use crate::inspect::walk::arranged::{Arranged, Arranger, Name as Called};
use crate::inspect::walk::json::{JSON_DEPTH_MAX, NodeId, NodeKind, Tape};
use crate::inspect::walk::{Leaf, PersonId, Reads, Sink, WalkError, object};
use std::fmt::Write;

/// A patch in the arrangement of what it changes.
pub struct Patched {
    arranged: Arranged,
    of_a_resource: bool,
    /// What it says of itself.
    rest: Vec<NodeId>,
}

/// Reads a document as a patch: `None` where it is none. `aim` is the resource type that the request's target names.
///
/// # Errors
/// [`WalkError::TooDeep`] where it reaches deeper than documents may nest.
pub fn patched(
    tape: &Tape<'_>,
    declared: &str,
    aim: &str,
    table: &Table,
) -> Option<Result<Patched, WalkError>> {
    let names = &table.names;
    let declares = |word: &str| {
        let essence = declared.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case(word)
    };
    let mut rest = Vec::new();
    let mut out = Arranger::default();
    let of_a_resource = if is_json_patch(tape, declares("application/json-patch+json")) {
        let kind = aimed(names, aim, pointer::firsts(tape));
        begin(&mut out, tape, kind);
        pointer::arrange(tape, &mut out, &mut rest);
        out.close();
        kind.is_some()
    } else if declares("application/merge-patch+json") && is_partial(tape) {
        let kind = aimed(names, aim, tape.children(NodeId::ROOT).filter_map(|child| tape.key(child)));
        begin(&mut out, tape, kind);
        members(tape, NodeId::ROOT, &mut out);
        out.close();
        kind.is_some()
    } else {
        fhirpath::arrange(tape, names, aim, &mut out, &mut rest).then_some(true)?
    };
    if out.deepest() > JSON_DEPTH_MAX {
        return Some(Err(WalkError::TooDeep { max: JSON_DEPTH_MAX }));
    }
    Some(Ok(Patched { arranged: out.done(), of_a_resource, rest }))
}

impl Patched {
    /// Walks it. `tape` is the document that it was read from.
    pub fn walk(&self, tape: &Tape<'_>, table: &Table, objects: &object::Table, sink: &mut dyn Sink) {
        if let Some(arranged) = self.arranged.tape() {
            if self.of_a_resource {
                super::walk_tape(&arranged, table, Some(objects), sink);
            } else {
                object::walk_tape(&arranged, objects, sink);
            }
        }
        for id in &self.rest {
            let key = tape.key(*id).unwrap_or_default();
            let place = || place(tape, &table.names, *id);
            let known = is_known(&table.names, &key);
            if !known && let Some(span) = tape.key_span(*id) {
                sink.unknown_key(&key, span, PersonId::NOBODY, &place);
            }
            if matches!(tape.kind(*id), NodeKind::Object | NodeKind::Array | NodeKind::Null) {
                continue;
            }
            let (value, reads) = (tape.value(*id), if known { Reads::Code } else { Reads::Text });
            let person = PersonId::NOBODY;
            sink.leaf(&Leaf { span: tape.span(*id), value, field: None, person, reads, cue: &key }, &place);
        }
    }
}

/// Whether a document is a JSON Patch: a list of operations with a path each.
fn is_json_patch(tape: &Tape<'_>, declared: bool) -> bool {
    let operation = |node| {
        tape.string(node, "op").is_some_and(|op| OPERATIONS.contains(&&*op))
            && tape.string(node, "path").is_some_and(|path| path.is_empty() || path.starts_with('/'))
    };
    tape.kind(NodeId::ROOT) == NodeKind::Array
        && (declared || tape.children(NodeId::ROOT).next().is_some_and(operation))
}

/// Whether it is an object that doesn't say of what type it is.
fn is_partial(tape: &Tape<'_>) -> bool {
    tape.kind(NodeId::ROOT) == NodeKind::Object && tape.get(NodeId::ROOT, "resourceType").is_none()
}

/// The resource type that a patch changes, by the target's and the elements at the top that it names.
fn aimed<'a>(
    names: &Names,
    aim: &'a str,
    mut firsts: impl Iterator<Item = impl AsRef<str>>,
) -> Option<&'a str> {
    if names.resource(aim) != Name::UNKNOWN {
        return firsts.any(|first| names.element(first.as_ref()) != Name::UNKNOWN).then_some(aim);
    }
    firsts.any(|first| OF_A_PATIENT.contains(&first.as_ref())).then_some("Patient")
}

/// Begins the resource, or an object of no known type.
fn begin(out: &mut Arranger, tape: &Tape<'_>, kind: Option<&str>) {
    let span = tape.span(NodeId::ROOT);
    let start = span.start..span.start;
    out.open(NodeKind::Object, Called::Root, &span);
    if let Some(kind) = kind {
        out.value(NodeKind::String, Called::Word("resourceType", &start), kind, &start);
    }
}

/// The members of an object, copied into the object that is open.
fn members(tape: &Tape<'_>, object: NodeId, out: &mut Arranger) {
    for child in tape.children(object) {
        let at = tape.key_span(child).unwrap_or_default();
        out.copy(tape, child, Called::Word(&tape.key(child).unwrap_or_default(), &at));
    }
}

/// The strings, numbers and booleans of a value, and whatever has a key.
fn leaves(tape: &Tape<'_>, node: NodeId, out: &mut Vec<NodeId>) {
    let mut open = vec![tape.children(node)];
    if !matches!(tape.kind(node), NodeKind::Object | NodeKind::Array) {
        return out.push(node);
    }
    while let Some(children) = open.last_mut() {
        match children.next() {
            None => drop(open.pop()),
            Some(child) => {
                let holds = matches!(tape.kind(child), NodeKind::Object | NodeKind::Array);
                if holds {
                    open.push(tape.children(child));
                }
                if tape.key_span(child).is_some() || !holds && tape.kind(child) != NodeKind::Null {
                    out.push(child);
                }
            }
        }
    }
}

fn is_known(names: &Names, key: &str) -> bool {
    matches!(key, "op" | "path" | "from" | "value" | "resourceType") || names.element(key) != Name::UNKNOWN
}

/// Whether a key may stand in a patch: a word of its own, or one of the tables of what it changes.
#[must_use]
pub fn is_patch_key(key: &str, table: &Table, objects: &object::Table) -> bool {
    is_known(&table.names, key) || objects.has_key(key)
}

/// The place in the patch: `*[2].path`.
fn place(tape: &Tape<'_>, names: &Names, id: NodeId) -> String {
    let mut steps = Vec::new();
    let mut at = id;
    while let Some(parent) = tape.parent(at) {
        steps.push(at);
        at = parent;
    }
    let mut place = "*".to_owned();
    for step in steps.into_iter().rev() {
        let key = tape.key(step).unwrap_or_default();
        let _ = match tape.element(step) {
            Some(number) => write!(place, "[{number}]"),
            None if is_known(names, &key) => write!(place, ".{key}"),
            None => write!(place, ".*"),
        }; // writing to a String doesn't fail
    }
    place
}

/// RFC 6902, section 4.
const OPERATIONS: &[&str] = &["add", "remove", "replace", "move", "copy", "test"];

/// Elements that tell a patient where no target does.
const OF_A_PATIENT: &[&str] = &[
    "identifier",
    "name",
    "telecom",
    "gender",
    "birthDate",
    "_birthDate",
    "deceasedBoolean",
    "deceasedDateTime",
    "address",
    "maritalStatus",
    "photo",
    "contact",
    "communication",
    "generalPractitioner",
    "managingOrganization",
    "extension",
];
