//! Requests written from trees by a seeded generator: each literal of an argument is told once, with its value and its
//! bytes, however deep it lies and whatever is written between, and nothing else is.

use super::{Rules, walk_text};
use crate::inspect::RuleSet;
use crate::inspect::url::Tables;
use crate::inspect::walk::{Declared, Leaf, PersonId, Role, Sink};
use std::fmt::Write as _;
use std::ops::Range;

/// Value and bytes of each leaf that has any.
#[derive(Default)]
struct Keep(Vec<(String, Range<usize>)>);

impl Sink for Keep {
    fn person(&mut self, _: PersonId, _: Role) {}
    fn leaf(&mut self, leaf: &Leaf<'_>, _: &dyn Fn() -> String) {
        if !leaf.span.is_empty() {
            self.0.push((leaf.value.to_string(), leaf.span.clone()));
        }
    }
    fn clinical(&mut self, _: PersonId) {}
    fn declared(&mut self, _: Declared, _: &dyn Fn() -> String) {}
    fn unknown_key(&mut self, _: &str, _: Range<usize>, _: PersonId, _: &dyn Fn() -> String) {}
}

/// Writes requests, and keeps what each literal says and where it stands.
struct Writer {
    seed: u64,
    text: String,
    literals: Vec<(String, Range<usize>)>,
}

impl Writer {
    fn dice(&mut self, sides: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).expect("fits") % sides
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.dice(words.len())]
    }

    fn blank(&mut self) {
        let blank = self.pick(&[" ", "\n", ", ", "\t", " # said aside\n"]);
        if blank.contains('#') {
            let start = self.text.len() + 2;
            self.literals.push((" said aside".to_owned(), start..start + 11));
        }
        self.text += blank;
    }

    /// A literal as it is written, and what it says; the bytes between the quotes are its place.
    fn literal(&mut self, before: &str, written: &str, behind: &str, says: &str) {
        self.text += before;
        let start = self.text.len();
        self.text += written;
        self.literals.push((says.to_owned(), start..self.text.len()));
        self.text += behind;
    }

    fn value(&mut self, depth: usize) {
        let n = self.dice(1000);
        match self.dice(if depth > 3 { 5 } else { 8 }) {
            0 => self.literal("\"", &format!("word {n}"), "\"", &format!("word {n}")),
            1 => self.literal("\"", &format!("\\\"q\\u0041\\\\{n}"), "\"", &format!("\"qA\\{n}")),
            2 => self.literal("\"\"\"", &format!("a \"b\" {n}."), "\"\"\"", &format!("a \"b\" {n}.")),
            3 => self.literal("", &format!("-{n}.5e3"), "", &format!("-{n}.5e3")),
            4 => {
                let word = self.pick(&["true", "false", "ACTIVE", "final"]);
                self.literal("", word, "", word);
            }
            5 => {
                self.text.push('[');
                for _ in 0..self.dice(3) {
                    self.value(depth + 1);
                    self.blank();
                }
                self.text.push(']');
            }
            6 => {
                self.text.push('{');
                for _ in 0..1 + self.dice(3) {
                    let key = self.pick(&["name", "family", "x_1", "birthDate", "lastName"]);
                    self.text += key;
                    self.text.push(':');
                    self.value(depth + 1);
                    self.blank();
                }
                self.text.push('}');
            }
            _ => self.text += "$unset",
        }
    }

    fn fields(&mut self, depth: usize) {
        self.text += "{ ";
        for _ in 0..1 + self.dice(3) {
            let field =
                self.pick(&["PatientList", "users", "a: Patient", "ObservationList", "createUser", "name"]);
            self.text += field;
            if self.dice(3) > 0 {
                self.text.push('(');
                for _ in 0..1 + self.dice(3) {
                    let name = self.pick(&["family", "birthdate", "input", "id", "res"]);
                    let _ = write!(self.text, "{name}: ");
                    self.value(0);
                    self.blank();
                }
                self.text.push(')');
            }
            self.blank();
            if depth < 3 && self.dice(2) == 0 {
                self.fields(depth + 1);
            }
        }
        self.text += "} ";
    }
}

#[test]
fn each_literal_of_a_random_request_is_told_once_with_its_bytes() {
    let rules = RuleSet::built_in();
    let tables = Tables { queries: &rules.queries, objects: &rules.objects };
    let rules = Rules { tables: &tables, fhir: &rules.fhir };
    let mut told = 0;
    for seed in 0..2000 {
        let mut writer = Writer { seed, text: String::new(), literals: Vec::new() };
        writer.fields(0);
        let mut kept = Keep::default();
        walk_text(&writer.text, &|at| at, rules, &mut kept).expect("GraphQL");
        let (mut ours, mut theirs) = (kept.0, writer.literals);
        ours.sort_by_key(|(_, at)| at.start);
        theirs.sort_by_key(|(_, at)| at.start);
        assert_eq!(ours, theirs, "{}", writer.text);
        told += theirs.len();
    }
    assert!(told > 10_000, "{told}");
}
