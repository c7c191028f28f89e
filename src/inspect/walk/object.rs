//! JSON of no known kind: key names are cues. A person is the nearest object in a list, or else the whole document.

use super::json::{JSON_DEPTH_MAX, NodeKind, Tape};
use super::{Leaf, PersonId, Reads, Role, Sink, WalkError};
use crate::inspect::field::{Field, FieldTable, listed};
use std::collections::HashMap;
use std::fmt::Write;

/// Rows by key name.
pub struct Table {
    keys: HashMap<String, Vec<Field>>,
}

impl Table {
    /// Compiles the rows; `at` holds key names in lower case without punctuation.
    ///
    /// # Errors
    /// The id of a row with another key name.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut keys: HashMap<String, Vec<Field>> = HashMap::new();
        for field in &table.field {
            for at in &field.at {
                if *at != folded(at) {
                    return Err(format!("row `{}`: `at` has a key that isn't folded", field.id));
                }
                keys.entry(at.clone()).or_default().push(field.clone());
            }
        }
        for rows in keys.values_mut() {
            rows.sort_by_key(|f| f.when.types.is_empty());
        }
        Ok(Self { keys })
    }

    /// The row of a key name as written, where no type stands beside it.
    #[must_use]
    pub fn lookup(&self, key: &str) -> Option<&Field> {
        self.find(key, &[])
    }

    fn find(&self, key: &str, types: &[String]) -> Option<&Field> {
        self.keys
            .get(&folded(key))?
            .iter()
            .find(|f| f.when.types.is_empty() || types.iter().any(|t| listed(&f.when.types, t)))
    }
}

/// Walks a document.
///
/// # Errors
/// [`WalkError`] before anything was told: the document is parsed whole first.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    let tape = Tape::parse(doc, JSON_DEPTH_MAX)?;
    let mut walker = Walker { tape: &tape, table, sink, next: 0, place: Vec::new() };
    let person = walker.announce(Role::Patient);
    walker.value(tape.root(), None, Whom { person, role: Role::Patient, public: false }, "");
    Ok(())
}

#[derive(Clone, Copy)]
struct Whom {
    person: PersonId,
    role: Role,
    public: bool,
}

enum Step {
    Word(String),
    Unknown,
    Index(usize),
}

struct Walker<'t, 'd> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    sink: &'t mut dyn Sink,
    next: u32,
    place: Vec<Step>,
}

impl Walker<'_, '_> {
    fn announce(&mut self, role: Role) -> PersonId {
        let person = PersonId(self.next);
        self.next += 1;
        self.sink.person(person, role);
        person
    }

    fn value(&mut self, at: usize, parent: Option<usize>, whom: Whom, key: &str) {
        let tape = self.tape;
        match tape.kind(at) {
            NodeKind::Object => self.object(at, whom),
            NodeKind::Array => {
                // Repetitions of one person's own things (identifiers, phones) stay that person's.
                let people = !is_own_list(key) && tape.children(at).any(|c| tape.kind(c) == NodeKind::Object);
                for (index, item) in tape.children(at).enumerate() {
                    self.place.push(Step::Index(index));
                    let whom = if people { Whom { person: self.announce(whom.role), ..whom } } else { whom };
                    self.value(item, parent, whom, key);
                    self.place.pop();
                }
            }
            NodeKind::String | NodeKind::Number => self.leaf(at, parent, whom, key),
            NodeKind::Bool | NodeKind::Null => {}
        }
    }

    fn object(&mut self, at: usize, whom: Whom) {
        let tape = self.tape;
        for child in tape.children(at) {
            let key = tape.key(child);
            let plain = folded(&key);
            let known = self.table.keys.contains_key(&plain) || is_structure(&plain);
            if known {
                self.place.push(Step::Word(plain.clone()));
            } else {
                self.place.push(Step::Unknown);
                let place = &self.place;
                self.sink.unknown_key(&key, tape.key_span(child), whom.person, &|| written(place));
            }
            let mut inner = whom;
            inner.public |= is_public(&plain);
            if is_relative(&plain)
                && matches!(tape.kind(child), NodeKind::Object | NodeKind::Array)
                && whom.role == Role::Patient
            {
                inner.role = Role::RelativeOf(whom.person);
                if tape.kind(child) == NodeKind::Object {
                    inner.person = self.announce(inner.role);
                }
            }
            if is_clinical(&plain) && tape.children(child).next().is_some() {
                self.sink.clinical(whom.person);
            }
            self.value(child, Some(at), inner, &key);
            self.place.pop();
        }
    }

    fn leaf(&mut self, at: usize, parent: Option<usize>, whom: Whom, key: &str) {
        let tape = self.tape;
        let types: Vec<String> = ["IDType", "idType", "type", "Type", "system"]
            .iter()
            .filter_map(|k| parent.and_then(|p| tape.text_of(p, k)).map(std::borrow::Cow::into_owned))
            .collect();
        let field = if whom.public { None } else { self.table.find(key, &types) };
        let value = tape.text(at);
        let reads = match field {
            Some(_) => Reads::Value,
            None if tape.kind(at) == NodeKind::Number => Reads::Quantity,
            None if whom.public => Reads::Public,
            None => match folded(key).as_str() {
                "code" | "codeset" | "codesystem" | "status" | "type" | "idtype" | "datamodel"
                | "eventtype" | "units" | "unit" | "sex" => Reads::Code,
                "eventdatetime" | "timestamp" | "createdat" | "updatedat" => Reads::Time,
                "filecontents" | "content" | "data" | "base64" if looks_like_base64(&value) => {
                    Reads::Base64("")
                }
                "url" | "uri" | "href" => Reads::Query,
                _ => Reads::Text,
            },
        };
        let place = &self.place;
        let leaf = Leaf { span: tape.span(at), value, field, person: whom.person, reads, cue: key };
        self.sink.leaf(&leaf, &|| written(place));
    }
}

/// Lower case, letters and digits only.
#[must_use]
pub fn folded(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn looks_like_base64(value: &str) -> bool {
    value.len() >= 64
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'))
}

/// Lists whose items are one person's own things.
fn is_own_list(key: &str) -> bool {
    matches!(
        folded(key).as_str(),
        "identifiers"
            | "identifier"
            | "ids"
            | "phones"
            | "phonenumber"
            | "phonenumbers"
            | "emailaddresses"
            | "emails"
            | "addresses"
            | "names"
            | "aliases"
            | "extensions"
            | "results"
            | "diagnoses"
            | "problems"
            | "medications"
            | "allergies"
            | "notes"
            | "orders"
            | "procedures"
            | "insurances"
            | "vaccinations"
            | "vitalsigns"
            | "observations"
            | "codes"
    )
}

/// Below such a key everything is a provider's, an organisation's or a system's.
fn is_public(key: &str) -> bool {
    [
        "provider",
        "practitioner",
        "physician",
        "facility",
        "organization",
        "organisation",
        "hospital",
        "payer",
        "plan",
        "company",
        "pharmacy",
        "location",
        "source",
        "destination",
        "destinations",
        "sender",
        "receiver",
        "meta",
        "author",
        "performer",
        "orderingprovider",
        "attendingprovider",
        "referringprovider",
        "visitprovider",
        "department",
        "careteam",
        "staff",
        "lab",
        "producer",
        "manufacturer",
        "verifiedby",
        "administeringprovider",
        "enteredby",
        "responsibleprovider",
        "authenticator",
    ]
    .contains(&key)
        || key.ends_with("provider")
        || key.ends_with("providers")
}

/// Below such a key is a relative.
fn is_relative(key: &str) -> bool {
    matches!(
        key,
        "contacts"
            | "guarantor"
            | "insured"
            | "insureds"
            | "nextofkin"
            | "emergencycontact"
            | "emergencycontacts"
            | "spouse"
            | "guardian"
            | "subscriber"
            | "policyholder"
    )
}

/// Such a key tells of health.
fn is_clinical(key: &str) -> bool {
    matches!(
        key,
        "diagnoses"
            | "diagnosis"
            | "problems"
            | "results"
            | "orders"
            | "medications"
            | "medication"
            | "allergies"
            | "procedures"
            | "vaccinations"
            | "notes"
            | "note"
            | "media"
            | "observations"
            | "symptoms"
            | "conditions"
    )
}

/// Key names that places may show though no row has them.
fn is_structure(key: &str) -> bool {
    is_public(key)
        || is_relative(key)
        || is_clinical(key)
        || is_own_list(key)
        || matches!(
            key,
            "patient"
                | "demographics"
                | "patients"
                | "person"
                | "address"
                | "visit"
                | "idtype"
                | "type"
                | "items"
                | "data"
                | "entry"
                | "resource"
                | "code"
                | "status"
                | "test"
                | "datamodel"
                | "eventtype"
                | "eventdatetime"
        )
}

fn written(place: &[Step]) -> String {
    let mut out = String::new();
    for step in place {
        match step {
            Step::Index(i) => {
                let _ = write!(out, "[{i}]");
            }
            Step::Word(word) => {
                let _ = write!(out, "{}{word}", if out.is_empty() { "" } else { "." });
            }
            Step::Unknown => out.push_str(if out.is_empty() { "*" } else { ".*" }),
        }
    }
    out
}
