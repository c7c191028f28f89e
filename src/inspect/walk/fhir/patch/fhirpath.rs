//! FHIRPath Patch (FHIR R4, FHIRPath Patch): `Parameters` whose `operation`s name an element by a path and give it a value,
//! of one part or built of many. In a batch each stands in an entry.

use super::super::names::{Name, Names};
use super::{Called, leaves};
use crate::inspect::walk::arranged::Arranger;
use crate::inspect::walk::json::{Children, MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use std::collections::HashSet;
use std::ops::Range;

/// Writes the document with each patch in it as the resource that it changes; `false`: there is none in it.
pub(super) fn arrange(
    tape: &Tape<'_>,
    names: &Names,
    aim: &str,
    out: &mut Arranger,
    rest: &mut Vec<NodeId>,
) -> bool {
    let patches = patches(tape);
    if patches.is_empty() {
        return false;
    }
    out.copy_but(tape, NodeId::ROOT, Called::Root, &mut |out, node| {
        let patch = patches.contains(&node);
        if patch {
            Patch { tape, names, out, rest: &mut *rest }.resource(node, aim);
        }
        patch
    });
    true
}

/// The patches of a document: itself, or in the entries of a batch.
fn patches(tape: &Tape<'_>) -> HashSet<NodeId> {
    let root = NodeId::ROOT;
    let kind = tape.string(root, "resourceType");
    let mut found = HashSet::new();
    match kind.as_deref() {
        Some("Parameters") => found.extend(Some(root).filter(|root| is_patch(tape, *root))),
        Some("Bundle")
            if tape.string(root, "type").is_some_and(|kind| matches!(&*kind, "batch" | "transaction")) =>
        {
            let entries = tape.get(root, "entry").into_iter().flat_map(|list| tape.children(list));
            let resources = entries.filter_map(|entry| tape.get(entry, "resource"));
            found.extend(resources.filter(|resource| is_patch(tape, *resource)));
        }
        _ => {}
    }
    found
}

fn is_patch(tape: &Tape<'_>, resource: NodeId) -> bool {
    tape.string(resource, "resourceType").is_some_and(|kind| kind == "Parameters")
        && tape.get(resource, "parameter").is_some_and(|list| {
            let mut operations = tape.children(list).peekable();
            operations.peek().is_some()
                && operations
                    .all(|operation| tape.string(operation, "name").is_some_and(|name| name == "operation"))
        })
}

struct Patch<'t, 'd, 'o> {
    tape: &'t Tape<'d>,
    names: &'t Names,
    out: &'o mut Arranger,
    rest: &'o mut Vec<NodeId>,
}

impl Patch<'_, '_, '_> {
    fn resource(&mut self, patch: NodeId, aim: &str) {
        let tape = self.tape;
        let operations = tape.get(patch, "parameter");
        let mut paths = operations
            .into_iter()
            .flat_map(|list| tape.children(list))
            .filter_map(|operation| self.part(operation, "path"))
            .filter_map(|part| value(tape, part));
        let said = paths.find_map(|path| {
            let path = tape.value(path);
            let first = path.split(['.', '[', '(']).next().unwrap_or_default().trim();
            (self.names.resource(first) != Name::UNKNOWN).then(|| first.to_owned())
        });
        let aim = Some(aim).filter(|aim| self.names.resource(aim) != Name::UNKNOWN).unwrap_or("Patient");
        let start = tape.span(patch).start;
        let start = start..start;
        let kind = said.as_deref().unwrap_or(aim);
        self.out.value(NodeKind::String, Called::Word("resourceType", &start), kind, &start);
        for member in tape.children(patch) {
            let key = tape.key(member).unwrap_or_default();
            match &*key {
                "resourceType" => leaves(tape, member, self.rest),
                "parameter" => {
                    for operation in tape.children(member) {
                        self.operation(operation);
                    }
                }
                _ => self.copy(member, &key),
            }
        }
    }

    fn operation(&mut self, operation: NodeId) {
        let tape = self.tape;
        let path = self.part(operation, "path").and_then(|part| value(tape, part));
        let at = path.map_or_else(|| tape.span(operation), |path| tape.span(path));
        let path = path.map(|path| read(&tape.value(path))).unwrap_or_default();
        let mut steps = path.steps;
        let named = self.part(operation, "name").and_then(|part| value(tape, part));
        let last = match named {
            Some(name) => Some(Step { name: tape.value(name).into_owned(), index: None }),
            None => steps.pop(),
        };
        let last = last.unwrap_or_else(|| Step { name: "value".to_owned(), index: None });
        let above = steps.last().map_or(String::new(), |step| step.name.clone());
        // `telecom.where(system='email').value`: what is compared says what the value beside it is.
        let mut beside = Vec::new();
        let valued = self.part(operation, "value").is_some();
        for (compared, literal) in path.literals {
            let Some((named, above)) = compared.split_last() else { continue };
            if valued && above == steps && named.name != last.name {
                beside.push((named.name.clone(), literal));
                continue;
            }
            let last = named;
            self.go(above, &at);
            self.out.value(NodeKind::String, Called::Word(&last.name, &at), &literal, &at);
            self.back(above);
        }
        for member in tape.children(operation) {
            let key = tape.key(member).unwrap_or_default();
            if key != "part" {
                match &*key {
                    "name" => leaves(tape, member, self.rest),
                    _ => self.copy(member, &key),
                }
                continue;
            }
            for part in tape.children(member) {
                if tape.string(part, "name").is_some_and(|name| name == "value") {
                    self.go(&steps, &at);
                    for (name, literal) in beside.drain(..) {
                        self.out.value(NodeKind::String, Called::Word(&name, &at), &literal, &at);
                    }
                    self.value(part, last.clone(), at.clone(), above.clone());
                    self.back(&steps);
                } else {
                    leaves(tape, part, self.rest);
                }
            }
        }
    }

    /// The value of an operation under the name of its element: one of a type, or parts of parts.
    fn value(&mut self, part: NodeId, step: Step, at: Range<usize>, above: String) {
        let tape = self.tape;
        let mut open: Vec<(Children<'_, '_>, String)> = Vec::new();
        let mut next = Some((part, step, at));
        loop {
            let above = open.last().map_or(above.clone(), |(_, name)| name.clone());
            let (part, step, at) = match (next.take(), open.last_mut()) {
                (Some(next), _) => next,
                (None, None) => return,
                (None, Some((parts, _))) => match parts.next() {
                    Some(part) => self.named(part),
                    None => {
                        open.pop();
                        self.out.close();
                        continue;
                    }
                },
            };
            for member in tape.children(part) {
                let key = tape.key(member).unwrap_or_default();
                match &*key {
                    "name" => leaves(tape, member, self.rest),
                    "part" => {
                        self.out.open(NodeKind::Object, Called::Word(&step.name, &at), &tape.span(member));
                        open.push((tape.children(member), step.name.clone()));
                    }
                    key => self.typed(member, key, &step, &at, &above),
                }
            }
        }
    }

    /// `value[x]` under the name of its element; a choice of types says its type: `deceasedBoolean`.
    fn typed(&mut self, member: NodeId, key: &str, step: &Step, at: &Range<usize>, above: &str) {
        let tape = self.tape;
        let Some(suffix) = key.strip_prefix("value") else { return self.copy(member, key) };
        let choice = format!("{}{suffix}", step.name);
        // The value of a telecom, an identifier, a quantity has one type.
        let may_be_choice = step.name != "value" || CHOOSING.contains(&above);
        let is_choice = may_be_choice && self.names.element(&choice) != Name::UNKNOWN;
        let name = if is_choice { choice.as_str() } else { step.name.as_str() };
        match step.index {
            None => self.out.copy(tape, member, Called::Word(name, at)),
            Some(number) => {
                self.out.open(NodeKind::Array, Called::Word(name, at), at);
                self.out.copy(tape, member, Called::Element(number));
                self.out.close();
            }
        }
    }

    fn named(&self, part: NodeId) -> (NodeId, Step, Range<usize>) {
        let name = self.tape.get(part, "name");
        let at = self.tape.span(name.unwrap_or(part));
        let name = name.map(|name| self.tape.value(name).into_owned()).unwrap_or_default();
        (part, Step { name, index: None }, at)
    }

    /// A member under its own key.
    fn copy(&mut self, member: NodeId, key: &str) {
        let at = self.tape.key_span(member).unwrap_or_default();
        self.out.copy(self.tape, member, Called::Word(key, &at));
    }

    fn part(&self, operation: NodeId, name: &str) -> Option<NodeId> {
        let parts = self.tape.get(operation, "part")?;
        let mut parts = self.tape.children(parts).take(MEMBERS_LOOKED_AT_MAX);
        parts.find(|part| self.tape.string(*part, "name").is_some_and(|said| said == name))
    }

    fn go(&mut self, steps: &[Step], at: &Range<usize>) {
        for step in steps {
            let name = Called::Word(&step.name, at);
            match step.index {
                None => self.out.open(NodeKind::Object, name, at),
                Some(number) => {
                    self.out.open(NodeKind::Array, name, at);
                    self.out.open(NodeKind::Object, Called::Element(number), at);
                }
            }
        }
    }

    fn back(&mut self, steps: &[Step]) {
        for step in steps {
            self.out.close();
            if step.index.is_some() {
                self.out.close();
            }
        }
    }
}

/// The string that a part gives.
fn value(tape: &Tape<'_>, part: NodeId) -> Option<NodeId> {
    let mut members = tape.children(part).take(MEMBERS_LOOKED_AT_MAX);
    members.find(|member| {
        tape.kind(*member) == NodeKind::String
            && tape.key(*member).is_some_and(|key| key.starts_with("value"))
    })
}

/// An element of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: String,
    index: Option<usize>,
}

/// A FHIRPath read: `Patient.name.where(family = 'Okafor').given[0]`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Path {
    steps: Vec<Step>,
    /// What it compares with, and the element that it compares.
    literals: Vec<(Vec<Step>, String)>,
}

/// Reads elements, numbers and literals; what is no element (functions, operators) says nothing of the place.
fn read(path: &str) -> Path {
    let mut out = Path::default();
    let mut depth = 0_usize;
    let mut inner: Vec<Step> = Vec::new();
    let mut chars = path.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' | '"' => {
                let mut literal = String::new();
                while let Some((_, inside)) = chars.next() {
                    match inside {
                        '\\' => literal.extend(chars.next().map(|(_, escaped)| escaped)),
                        end if end == c => break,
                        inside => literal.push(inside),
                    }
                }
                let above = out.steps.iter().chain(&inner).take(STEPS_MAX).cloned().collect();
                out.literals.push((above, literal));
            }
            '(' => {
                depth += 1;
                // `where(` is no element.
                if depth == 1 {
                    drop(out.steps.pop())
                } else {
                    drop(inner.pop())
                }
                inner.clear();
            }
            ')' => {
                depth = depth.saturating_sub(1);
                inner.clear();
            }
            '[' => {
                let digits: String = std::iter::from_fn(|| chars.next_if(|(_, c)| c.is_ascii_digit()))
                    .map(|(_, c)| c)
                    .collect();
                let steps = if depth == 0 { &mut out.steps } else { &mut inner };
                if let Some(step) = steps.last_mut() {
                    step.index = digits.parse().ok().filter(|number| *number <= INDEX_MAX).or(Some(0));
                }
            }
            c if c.is_alphanumeric() || c == '_' => {
                let mut name = c.to_string();
                while let Some((_, c)) = chars.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    name.push(c);
                }
                let steps = if depth == 0 { &mut out.steps } else { &mut inner };
                let is_type = at == 0 && c.is_ascii_uppercase();
                if !is_type && steps.len() < STEPS_MAX {
                    steps.push(Step { name, index: None });
                }
            }
            // What comes next is compared with something else.
            '&' | '|' | ' ' if depth > 0 && chars.peek().is_some_and(|(_, c)| c.is_alphabetic()) => {
                inner.clear()
            }
            _ => {}
        }
    }
    out
}

/// What has a `value[x]`; nothing above it: Observation and Parameters.
const CHOOSING: &[&str] = &["", "component", "extension", "modifierExtension", "answer", "parameter", "part"];
/// A longer path reaches deeper than documents may nest.
const STEPS_MAX: usize = 256;
/// A higher number of an element isn't shown.
const INDEX_MAX: usize = 9_999;
