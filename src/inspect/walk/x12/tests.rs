use super::super::{Declared, Leaf, PersonId, Role, Sink, WalkError};
use super::{Separators, Table, can_read, grammar, recognise, reference, segments, separators, walk};
use crate::inspect::field::FieldTable;
use crate::inspect::finding::UninspectedReason;
use crate::inspect::kind::Kind;
use crate::inspect::{Budget, Findings, Inspector, Message, RuleSet};
use std::fs;
use std::ops::Range;
use std::path::PathBuf;

mod envelope;
mod owners;
mod samples;

const ROWS: &str = include_str!("../../../../config/fields/x12.toml");

#[derive(Debug, Clone)]
struct Told {
    place: String,
    value: String,
    rule: String,
    reads: String,
    person: PersonId,
    span: Range<usize>,
}

#[derive(Default)]
struct Listener {
    leaves: Vec<Told>,
    persons: Vec<Role>,
    clinical: Vec<PersonId>,
    declared: Vec<(Declared, String)>,
    unknown: Vec<(String, String)>,
}

impl Sink for Listener {
    fn person(&mut self, id: PersonId, role: Role) {
        assert_eq!(id.0 as usize, self.persons.len());
        self.persons.push(role);
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        assert!(leaf.person == PersonId::NOBODY || (leaf.person.0 as usize) < self.persons.len());
        self.leaves.push(Told {
            place: place(),
            value: leaf.value.to_string(),
            rule: leaf.field.map_or("", |field| field.id.strip_prefix("x12.").unwrap()).to_owned(),
            reads: format!("{:?}", leaf.reads),
            person: leaf.person,
            span: leaf.span.clone(),
        });
    }

    fn clinical(&mut self, person: PersonId) {
        assert!((person.0 as usize) < self.persons.len());
        self.clinical.push(person);
    }

    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
        self.declared.push((mode, place()));
    }

    fn unknown_key(&mut self, key: &str, _: Range<usize>, _: PersonId, place: &dyn Fn() -> String) {
        self.unknown.push((key.to_owned(), place()));
    }
}

impl Listener {
    fn at(&self, place: &str) -> &Told {
        self.leaves.iter().find(|leaf| leaf.place == place).unwrap_or_else(|| panic!("no leaf at {place}"))
    }

    fn rule(&self, place: &str) -> (&str, &str) {
        let leaf = self.at(place);
        (leaf.rule.as_str(), leaf.reads.as_str())
    }

    fn of(&self, place: &str) -> u32 {
        self.at(place).person.0
    }
}

fn table() -> Table {
    Table::new(&FieldTable::parse(ROWS).unwrap()).unwrap()
}

fn told(doc: &[u8]) -> (Listener, Result<(), WalkError>) {
    let mut listener = Listener::default();
    let end = walk(doc, &table(), &mut listener);
    (listener, end)
}

/// An interchange of one set of these segments, with the usual separators.
fn interchange(kind: &str, body: &str) -> String {
    format!(
        "ISA*00*          *00*          *ZZ*A              *ZZ*B              *260101*1200*^*00501*000000001*0*P*:~\
         GS*HC*A*B*20260101*1200*1*X*005010~ST*{kind}*0001~{body}SE*9*0001~GE*1*1~IEA*1*000000001~"
    )
}

fn set(kind: &str, body: &str) -> Listener {
    let (listener, end) = told(interchange(kind, body).as_bytes());
    assert_eq!(end, Ok(()));
    listener
}

fn inspect(content_type: &str, body: &[u8]) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&Message {
        content_type,
        body,
        ..Message::default()
    })
}

fn reasons(findings: &Findings) -> Vec<UninspectedReason> {
    findings.uninspected.iter().map(|u| u.reason).collect()
}

/// The folder of published samples beside the checkout; absent, tests that want it are passed over outside CI.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(folder);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{folder} is missing");
    eprintln!("passed over: 0 samples of {folder}");
    None
}

fn samples() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = shared("samples/x12") else { return Vec::new() };
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}
