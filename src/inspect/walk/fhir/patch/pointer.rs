//! JSON Patch (RFC 6902): each value at the place that its JSON Pointer (RFC 6901) names.

use super::{Called, members};
use crate::inspect::walk::arranged::Arranger;
use crate::inspect::walk::json::{NodeId, NodeKind, Tape};
use std::borrow::Cow;

/// The first element of each operation's path.
pub(super) fn firsts<'t>(tape: &'t Tape<'_>) -> impl Iterator<Item = String> + 't {
    let paths = tape.children(NodeId::ROOT).filter_map(|operation| tape.string(operation, "path"));
    paths.filter_map(|path| steps(&path).next())
}

/// Writes the values of a patch into the object that is open; `rest` gets what it says of itself.
pub(super) fn arrange(tape: &Tape<'_>, out: &mut Arranger, rest: &mut Vec<NodeId>) {
    // Operations behind each other on members of one object write into one object.
    let mut open: Vec<Open> = Vec::new();
    for operation in tape.children(NodeId::ROOT) {
        if tape.kind(operation) != NodeKind::Object {
            close(out, &mut open, 0);
            out.copy(tape, operation, Called::Element(0));
            continue;
        }
        let path = tape.get(operation, "path").filter(|path| tape.kind(*path) == NodeKind::String);
        let at = path.map_or_else(|| tape.span(operation), |path| tape.span(path));
        let pointer = path.map_or(Cow::Borrowed(""), |path| tape.value(path));
        let mut steps: Vec<String> = steps(&pointer).take(STEPS_MAX).collect();
        let last = steps.pop();
        go(out, &mut open, &steps, last.as_deref(), &at);
        let mut strange = Vec::new();
        for member in tape.children(operation) {
            let key = tape.key(member).unwrap_or_default();
            match (&*key, &last) {
                ("op" | "path" | "from", _) => super::leaves(tape, member, rest),
                ("value", Some(last)) => out.copy(tape, member, called(last, &at)),
                ("value", None) if tape.kind(member) == NodeKind::Object => members(tape, member, out),
                ("value", None) => out.copy(tape, member, Called::Element(0)),
                _ => strange.push((member, key)),
            }
        }
        if !strange.is_empty() {
            close(out, &mut open, 0);
        }
        for (member, key) in strange {
            out.copy(tape, member, Called::Word(&key, &tape.key_span(member).unwrap_or_default()));
        }
    }
    close(out, &mut open, 0);
}

/// An object or array on the way to a value.
struct Open {
    step: String,
    kind: NodeKind,
}

/// Opens what lies between the resource and the value, but what is open already.
fn go(
    out: &mut Arranger,
    open: &mut Vec<Open>,
    steps: &[String],
    last: Option<&str>,
    at: &std::ops::Range<usize>,
) {
    let kind = |number: usize| {
        let next = steps.get(number + 1).map(String::as_str).or(last);
        if next.is_some_and(|next| index(next).is_some()) { NodeKind::Array } else { NodeKind::Object }
    };
    let same = open
        .iter()
        .zip(steps)
        .enumerate()
        .take_while(|(number, (open, step))| {
            open.step == **step && step.as_str() != "-" && open.kind == kind(*number)
        })
        .count();
    close(out, open, same);
    for (number, step) in steps.iter().enumerate().skip(same) {
        out.open(kind(number), called(step, at), at);
        open.push(Open { step: step.clone(), kind: kind(number) });
    }
}

fn close(out: &mut Arranger, open: &mut Vec<Open>, length: usize) {
    while open.len() > length {
        open.pop();
        out.close();
    }
}

fn called<'s>(step: &'s str, at: &'s std::ops::Range<usize>) -> Called<'s> {
    match index(step) {
        Some(number) => Called::Element(number),
        None => Called::Word(step, at),
    }
}

/// The number of an array's element; `-` is the one behind the last.
fn index(step: &str) -> Option<usize> {
    if step == "-" {
        return Some(0);
    }
    let digits = !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| step.parse().ok().filter(|number| *number <= INDEX_MAX).unwrap_or(0))
}

/// The steps of a pointer, its escapes undone; numbers in front say nothing of a resource.
fn steps(pointer: &str) -> impl Iterator<Item = String> {
    let pointer = pointer.strip_prefix('/').unwrap_or(pointer);
    let steps = pointer.split('/').filter(move |_| !pointer.is_empty());
    steps.skip_while(|step| index(step).is_some()).map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// A longer pointer reaches deeper than documents may nest.
const STEPS_MAX: usize = 256;
/// A higher number of an element isn't shown.
const INDEX_MAX: usize = 9_999;
