//! XML Patch (RFC 5261) of a resource, as a JSON Patch: `sel="f:Patient/f:name[1]/f:family/@value"` is `/name/0/family`.

use super::super::Table;
use super::super::names::Name as Word;
use crate::inspect::walk::arranged::{Arranged, Arranger, Name};
use crate::inspect::walk::json;
use crate::inspect::walk::xml::{NodeId, NodeKind, Tape};
use std::ops::Range;

/// Reads a document as a patch of a resource, and the resource type that it names (empty: none); `None` where it is none.
#[must_use]
pub fn diff(tape: &Tape<'_>, table: &Table) -> Option<(Arranged, String)> {
    let root = tape.root();
    if tape.local(root) != "diff" {
        return None;
    }
    let operations: Vec<NodeId> = tape.elements(root).collect();
    let mut selected = operations.iter().filter_map(|operation| tape.attr(*operation, "sel"));
    let kind = selected.find_map(|sel| {
        let first = steps(&sel).into_iter().next()?;
        (table.names.resource(&first) != Word::UNKNOWN).then_some(first)
    });
    let of_fhir = || tape.attributes(root).any(|attribute| tape.raw(attribute) == NAMESPACE);
    if kind.is_none() && !of_fhir() {
        return None;
    }
    let kind = kind.unwrap_or_default();
    let mut out = Arranger::default();
    out.open(json::NodeKind::Array, Name::Root, &tape.span(root));
    for (number, operation) in operations.into_iter().enumerate() {
        out.open(json::NodeKind::Object, Name::Element(number), &tape.span(operation));
        Operation { tape, out: &mut out, kind: &kind }.write(operation);
        out.close();
    }
    out.close();
    Some((out.done(), kind))
}

struct Operation<'t, 'o> {
    tape: &'t Tape<'t>,
    out: &'o mut Arranger,
    kind: &'o str,
}

impl Operation<'_, '_> {
    fn write(&mut self, id: NodeId) {
        let tape = self.tape;
        self.value("op", tape.local(id), &tape.name_span(id));
        let holds = tape.elements(id).next().is_some();
        let mut path = Vec::new();
        for attribute in tape.attributes(id).filter(|attribute| !tape.is_declaration(*attribute)) {
            let value = tape.value(attribute);
            if tape.name(attribute) != "sel" {
                let added =
                    value.strip_prefix('@').filter(|name| tape.name(attribute) == "type" && *name != "value");
                path.extend(added.map(str::to_owned));
                self.value(tape.name(attribute), &value, &tape.span(attribute));
                continue;
            }
            let mut steps = steps(&value);
            if steps.first().is_some_and(|first| *first == self.kind) {
                steps.remove(0);
            }
            // What replaces an element stands beside its neighbours.
            if holds && tape.local(id) == "replace" {
                while steps.pop().is_some_and(|step| step.bytes().all(|b| b.is_ascii_digit())) {}
            }
            path.splice(0..0, steps);
            let at = tape.span(attribute);
            // The words of a condition may be anybody's.
            if value.contains(['\'', '"']) {
                self.value("sel", &value, &at);
            }
        }
        let path: String = path.iter().map(|step| format!("/{step}")).collect();
        let at = tape.attr_id(id, "sel").map_or_else(|| tape.name_span(id), |sel| tape.span(sel));
        self.value("path", &path, &at);
        if holds {
            self.out.open(json::NodeKind::Object, Name::Word("value", &tape.span(id)), &tape.span(id));
            self.elements(id);
            self.out.close();
        } else {
            for text in tape.children(id) {
                self.value("value", &tape.value(text), &tape.span(text));
            }
        }
    }

    /// What an element holds, into the object that is open.
    fn elements(&mut self, id: NodeId) {
        let tape = self.tape;
        let mut open: Vec<(NodeId, NodeId)> = Vec::new();
        for child in tape.nodes().skip(id.index() + 1).take_while(|child| *child < tape.after(id)) {
            while open.last().is_some_and(|(_, after)| *after <= child) {
                open.pop();
                self.out.close();
            }
            let at = tape.span(child);
            match tape.kind(child) {
                NodeKind::Element => {
                    let name_at = tape.name_span(child);
                    let value = tape.attr_id(child, VALUE);
                    let has_more = tape.children(child).next().is_some()
                        || tape
                            .attributes(child)
                            .any(|other| Some(other) != value && !tape.is_declaration(other));
                    let mut name = tape.local(child).to_owned();
                    if let Some(value) = value {
                        let called = Name::Word(&name, &name_at);
                        let (text, at) = (tape.value(value), tape.span(value));
                        self.out.value(json::NodeKind::String, called, &text, &at);
                        name.insert(0, '_');
                    }
                    if value.is_none() || has_more {
                        self.out.open(json::NodeKind::Object, Name::Word(&name, &name_at), &at);
                        open.push((child, tape.after(child)));
                    }
                }
                NodeKind::Attribute if tape.is_declaration(child) || tape.name(child) == VALUE => {}
                NodeKind::Attribute if open.last().map(|(element, _)| *element) != tape.parent(child) => {}
                NodeKind::Attribute => self.value(tape.local(child), &tape.value(child), &at),
                _ => self.value("text", &tape.value(child), &at),
            }
        }
        while open.pop().is_some() {
            self.out.close();
        }
    }

    fn value(&mut self, key: &str, value: &str, at: &Range<usize>) {
        self.out.value(json::NodeKind::String, Name::Word(key, at), value, at);
    }
}

/// The steps of an XPath without prefixes and conditions; the number of an element, from 0, is a step of its own.
fn steps(sel: &str) -> Vec<String> {
    let (mut steps, mut depth, mut word, mut condition) = (Vec::new(), 0_usize, String::new(), String::new());
    let mut end = |word: &mut String, condition: &mut String| {
        let name = word.rsplit(':').next().unwrap_or_default();
        if !matches!(name, "" | "@value" | "." | "text()") {
            steps.push(name.strip_prefix('@').unwrap_or(name).to_owned());
        }
        if let Ok(number) = condition.parse::<usize>() {
            steps.push(number.saturating_sub(1).to_string());
        }
        word.clear();
        condition.clear();
    };
    for c in sel.chars().take(SEL_CHARS_MAX) {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => end(&mut word, &mut condition),
            _ if depth > 0 => condition.push(c),
            _ => word.push(c),
        }
    }
    end(&mut word, &mut condition);
    steps
}

const VALUE: &str = "value";
const NAMESPACE: &str = "http://hl7.org/fhir";
/// A longer path reaches deeper than documents may nest.
const SEL_CHARS_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::decode::Budget;
    use crate::inspect::{Inspector, Message, RuleSet};

    #[test]
    fn steps_are_those_of_a_pointer() {
        assert_eq!(steps("f:Patient/f:birthDate/@value"), ["Patient", "birthDate"]);
        assert_eq!(steps("/f:Patient/f:name[2]/f:given[1]/@value"), ["Patient", "name", "1", "given", "0"]);
        assert_eq!(
            steps("Patient/telecom[system/@value='phone']/value/@value"),
            ["Patient", "telecom", "value"]
        );
        assert!(steps("").is_empty());
    }

    fn found(body: &str) -> Vec<(String, &str, u16)> {
        let message = Message {
            content_type: "application/xml-patch+xml",
            body: body.as_bytes(),
            ..Message::default()
        };
        let findings =
            Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message).findings;
        findings
            .iter()
            .map(|f| (f.rule.to_string(), body.get(f.span.clone()).unwrap_or_default(), f.points.0))
            .collect()
    }

    #[test]
    fn values_are_judged_by_the_rows_of_what_they_change() {
        let patch = r#"<diff xmlns:f="http://hl7.org/fhir"><replace sel="f:Patient/f:birthDate/@value">1971-04-02</replace>
            <replace sel="f:Patient/f:name[1]/f:family/@value">Halvor&#115;en</replace>
            <add sel="f:Patient/f:name[1]"><given xmlns="http://hl7.org/fhir" value="Rosalind"/></add>
            <replace sel="f:Patient/f:address[1]"><address xmlns="http://hl7.org/fhir"><line value="77 Beacon St"/><city value="Boston"/></address></replace></diff>"#;
        let found = found(patch);
        for (rule, value) in [
            ("fhir-r4.patient-birth-date", "1971-04-02"),
            ("fhir-r4.patient-family", "Halvor&#115;en"),
            ("fhir-r4.patient-given", "Rosalind"),
        ] {
            assert!(found.iter().any(|f| f.0 == rule && f.1 == value), "{rule}: {found:?}");
        }
        assert!(
            found.iter().any(|f| f.1 == "77 Beacon St") && found.iter().any(|f| f.1 == "Boston"),
            "{found:?}"
        );
    }

    #[test]
    fn a_patch_of_something_else_is_none() {
        for doc in ["<diff><replace sel=\"a/b\">x</replace></diff>", "<a/>"] {
            let tape = Tape::read(doc.as_bytes(), 128).unwrap();
            assert!(diff(&tape, &RuleSet::built_in().fhir).is_none(), "{doc}");
        }
    }
}
