//! The keys of a document: each is read once, however often it stands there.

use super::Table;
use super::likely::FITTED;
use super::pairs::says_nothing;
use super::rows::Tables;
use super::side::Says;
use super::table::{Row, Rows, normal};
use crate::inspect::hash::Map;
use crate::inspect::kind::Kind;
use crate::inspect::marker::is_uuid;
use crate::inspect::walk::json::{NodeId, NodeKind, Tape};
use crate::inspect::walk::staff::{self, Part};
use std::borrow::Cow;
use std::cell::OnceCell;

/// The keys of a document. Cost: 4 bytes a value, and each different key once.
pub(super) struct Keys<'t> {
    /// By node; an element has its array's, and the document none.
    numbers: Vec<u32>,
    /// By number.
    keys: Vec<Key<'t>>,
    none: Key<'t>,
    /// Whether a form may tell what it asks apart from the answers.
    pub(super) asks: bool,
}

/// A key, and what is asked of it at each value that has it.
#[derive(Default)]
pub(super) struct Key<'t> {
    /// In normal form.
    pub(super) name: Box<str>,
    /// What the table has for it, and for all below it.
    pub(super) rows: Rows<'t>,
    pub(super) below: Vec<&'t Row>,
    /// Whether it holds clinical content.
    pub(super) is_clinical: bool,
    /// The word for a relative in front of it, where it has no row of its own.
    pub(super) relative: Option<&'static str>,
    /// Whether the table has it.
    pub(super) is_known: bool,
    /// Whether it doesn't say what its value is.
    pub(super) says_nothing: bool,
    /// Whether it says what a value in the object under it may be: `"ssn": {"number": "…"}`.
    pub(super) tells: bool,
    /// Whether its value has to look like one of its kind: it has other meanings, too.
    pub(super) fitted: bool,
    /// What of an individual it names, whatever stands beside it.
    pub(super) kind: Option<Kind>,
    /// What a value of it may say of whose the object is.
    pub(super) says: Says,
    /// Of the key of one of several things what those of the others have, too: `record1`, `record2`; ids.
    pub(super) entry: Option<Box<str>>,
    /// Whether its column is nobody's, whatever it is called.
    pub(super) is_nobodys: bool,
    /// What of somebody who works there it names, by his role in front: `providerPhone`.
    pub(super) of_a_role: Option<Kind>,
    /// Where it stands if it is the head of a column.
    pub(super) head: Option<NodeId>,
    /// Whether it is the name of a column in a statement that stands elsewhere.
    pub(super) is_bound: bool,
    /// What it is in an entry of a list of users, staff or clinicians: asked of few.
    pub(super) part: OnceCell<Option<Part>>,
    /// Whether what stands under it is an individual's, whatever it has: asked of few.
    pub(super) individuals: OnceCell<bool>,
}

/// What a key in normal form says, whatever the document. Of the table's own keys it is found out once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    is_known: bool,
    says_nothing: bool,
    tells: bool,
    fitted: bool,
    kind: Option<Kind>,
    says: Says,
    is_clinical: bool,
    relative: Option<&'static str>,
    /// Whether the table has it wherever it stands.
    has_alone: bool,
}

impl Facts {
    pub(super) fn of(name: &str, table: &Table) -> Self {
        let is_known = table.has(name);
        Self {
            is_known,
            says_nothing: says_nothing(name),
            tells: matches!(name, "name" | "names") || is_known && table.names_a_value(name),
            fitted: FITTED.contains(&name),
            kind: table.an_individuals(name).map(|field| field.kind),
            says: Says::of(name),
            is_clinical: table.is_clinical(name),
            relative: table.relatives_word(name),
            has_alone: table.has_alone(name),
        }
    }
}

impl<'t> Keys<'t> {
    pub(super) fn of(tape: &'t Tape<'_>, table: &'t Table) -> Self {
        let mut keys = Vec::new();
        let mut numbers = vec![NO_KEY; tape.len()];
        let mut known: Map<Cow<'_, str>, u32> = Map::default();
        let mut tables = Tables::new(tape, table);
        for id in tape.nodes() {
            match tape.kind(id) {
                NodeKind::Array => tables.name_cells(id, &mut keys, &mut numbers),
                NodeKind::Object => tables.name_bound(id, &mut keys, &mut numbers),
                _ => {}
            }
            // A cell of a table has its column's.
            if numbers.get(id.index()).is_some_and(|column| *column != NO_KEY) {
                continue;
            }
            let number = match tape.key(id) {
                None => {
                    let above = tape.parent(id).and_then(|array| numbers.get(array.index()));
                    above.copied().unwrap_or(NO_KEY)
                }
                Some(key) => *known.entry(key).or_insert_with_key(|key| {
                    keys.push(Key::of(key, table));
                    u32::try_from(keys.len() - 1).unwrap_or(NO_KEY)
                }),
            };
            if let Some(slot) = numbers.get_mut(id.index()) {
                *slot = number;
            }
        }
        let asks = keys.iter().any(|key| ASKING.contains(&&*key.name));
        Self { numbers, keys, none: Key::default(), asks }
    }

    /// The key of a value.
    pub(super) fn get(&self, id: NodeId) -> &Key<'t> {
        let number = self.numbers.get(id.index()).copied().unwrap_or(NO_KEY);
        self.keys.get(number as usize).unwrap_or(&self.none)
    }

    /// The same in normal form.
    pub(super) fn name(&self, id: NodeId) -> &str {
        &self.get(id).name
    }
}

impl<'t> Key<'t> {
    /// What it is in an entry of a list of users, staff or clinicians.
    pub(super) fn part(&self) -> Option<Part> {
        *self.part.get_or_init(|| Part::of(&self.name))
    }

    /// Whether what stands under it is an individual's, whatever it has.
    pub(super) fn is_an_individuals(&self) -> bool {
        *self.individuals.get_or_init(|| staff::is_an_individuals_key(&self.name))
    }

    pub(super) fn of(key: &str, table: &'t Table) -> Self {
        let name = normal(key).into_boxed_str();
        let facts = table.facts(&name).unwrap_or_else(|| Facts::of(&name, table));
        let Facts { is_known, says_nothing, tells, fitted, kind, says, is_clinical, relative, has_alone } =
            facts;
        let (rows, below) = (table.look_up(&name), table.below(&name).collect());
        let entry = if has_alone { None } else { entry(key) };
        let (part, individuals) = (OnceCell::new(), OnceCell::new());
        let is_nobodys = !is_known && kind.is_none() && is_a_places(&name);
        let of_a_role = if is_known || kind.is_some() { None } else { of_a_role(&name) };
        Self {
            name,
            rows,
            below,
            is_clinical,
            relative,
            is_known,
            says_nothing,
            tells,
            fitted,
            kind,
            says,
            entry,
            is_nobodys,
            of_a_role,
            head: None,
            is_bound: false,
            part,
            individuals,
        }
    }
}

/// Whether a key is how a place of work, or what is serviced, is called, reached or found: `clinicPhone`, `facilityAddress`.
fn is_a_places(key: &str) -> bool {
    let reached = |(places, by): &(&[&str], &[&str])| {
        places.iter().any(|place| key.strip_prefix(place).is_some_and(|own| by.contains(&own)))
    };
    [(WORKPLACES, FOUND_BY), (WORKPLACES, REACHED_BY), (KEEPERS, REACHED_BY)].iter().any(reached)
}

/// What of somebody who works there a key (in normal form) names, or how a place is reached that serves: `orderingProviderPhone`,
/// `createdByEmail`, `labFax`. Not who asks or writes: that may be a patient.
pub(in crate::inspect) fn of_a_role(key: &str) -> Option<Kind> {
    let (end, kind) = match key.as_bytes().last()? {
        b'e' => {
            let ends =
                [("phone", Kind::Phone), ("firstname", Kind::GivenName), ("lastname", Kind::FamilyName)];
            ends.into_iter().chain([("name", Kind::FullName)]).find(|(end, _)| key.ends_with(end))?
        }
        b'l' => ("email", Kind::Email),
        b'r' => ("phonenumber", Kind::Phone),
        b's' => ("emailaddress", Kind::Email),
        b'x' => ("fax", Kind::Fax),
        _ => return None,
    };
    let front = key.strip_suffix(end)?;
    let front = ["office", "work", "contact", "full"]
        .iter()
        .find_map(|word| front.strip_suffix(word))
        .unwrap_or(front);
    let is_one =
        ROLES.iter().any(|role| front == *role || role.len() >= ROLE_BYTES_MIN && front.ends_with(role));
    (is_one && !PEOPLE.iter().any(|word| front.contains(word))).then_some(kind)
}

/// What the keys of several things have in common, of a key that looks like one of them: a number behind a word that isn't
/// a step's, an id, one letter.
fn entry(key: &str) -> Option<Box<str>> {
    let plain = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = key.bytes().filter(u8::is_ascii_digit).count();
    let letter = key.len() == 1 && key.bytes().all(|b| b.is_ascii_alphabetic());
    if letter || is_uuid(key) {
        return Some("".into());
    }
    if plain.len() < key.len() && !plain.bytes().any(|b| b.is_ascii_digit()) {
        let word = normal(plain);
        return (!STEPS.contains(&word.as_str())).then(|| word.into_boxed_str());
    }
    let id = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    (id && digits >= ID_DIGITS_MIN && digits * 2 >= key.len()).then(|| "#".into())
}

/// Parts of a form, which tell of one person.
const STEPS: &[&str] = &[
    "step", "section", "page", "part", "screen", "q", "question", "field", "group", "panel", "tab", "item",
    "block", "s", "address", "name", "phone", "form",
];
const ID_DIGITS_MIN: usize = 4;

/// More than the values of a tape.
const NO_KEY: u32 = u32::MAX;

/// What a form keeps its questions under.
const ASKING: &[&str] =
    &["label", "labels", "question", "questions", "questiontext", "ref", "title", "titles"];

/// Words for places of work, and for those who keep things running: what is served may be somebody's home.
const WORKPLACES: &[&str] = &["clinic", "facility", "hospital", "laboratory", "pharmacy", "practice"];
const KEEPERS: &[&str] = &["helpdesk", "service", "servicedesk", "supplier", "support", "vendor"];
/// Those who give care, keep records or run a place, and who serves. Not `contact`, `user`, `owner`, `author` and `requester`:
/// patients are those, too; nor `employer`, whose number is told of whoever works for it.
const ROLES: &[&str] = &[
    "approvedby",
    "assignedto",
    "attending",
    "carecoordinator",
    "caremanager",
    "casemanager",
    "caseworker",
    "clinician",
    "coordinator",
    "createdby",
    "dentist",
    "director",
    "doctor",
    "enteredby",
    "hygienist",
    "insurer",
    "interpreter",
    "lab",
    "laboratory",
    "manager",
    "modifiedby",
    "navigator",
    "nurse",
    "orderedby",
    "payer",
    "payor",
    "pcp",
    "performedby",
    "pharmacist",
    "phlebotomist",
    "physician",
    "practitioner",
    "prescriber",
    "provider",
    "radiologist",
    "receptionist",
    "recruiter",
    "registrar",
    "reviewedby",
    "scheduler",
    "signedby",
    "socialworker",
    "staff",
    "supervisor",
    "surgeon",
    "technician",
    "therapist",
    "updatedby",
    "verifiedby",
];
/// A shorter word ends others.
const ROLE_BYTES_MIN: usize = 5;
/// Whose a key is with such a word in front, whoever gives him care.
const PEOPLE: &[&str] = &["patient", "member", "subscriber", "insured", "guarantor"];
const FOUND_BY: &[&str] = &["addr", "address", "street", "streetaddress"];
const REACHED_BY: &[&str] = &[
    "contact",
    "contactemail",
    "contactname",
    "contactphone",
    "email",
    "fax",
    "faxnumber",
    "phone",
    "phonenumber",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::RuleSet;
    use crate::inspect::walk::json::JSON_DEPTH_MAX;

    #[test]
    fn a_role_in_front_says_whose_it_is() {
        for (key, kind) in [
            ("providerphone", Kind::Phone),
            ("orderingproviderphone", Kind::Phone),
            ("createdbyemail", Kind::Email),
            ("labfax", Kind::Fax),
            ("nursename", Kind::FullName),
            ("primarycaremanageremail", Kind::Email),
        ] {
            assert_eq!(of_a_role(key), Some(kind), "{key}");
        }
        let others = "phone homephone workphone emergencycontactphone collabphone useremail requesteremail \
                      providerpatientphone patientprovidername employerphone providernote providerid";
        for key in others.split_ascii_whitespace() {
            assert_eq!(of_a_role(key), None, "{key}");
        }
    }

    #[test]
    fn each_value_has_its_key_and_an_element_its_arrays() {
        let doc = br#"{"Last-Name":"a","value":[["b"],{"last_n\u0061me":1}],"zzz":null,"Last-Name":2}"#;
        let tape = Tape::read(doc, JSON_DEPTH_MAX).unwrap();
        let keys = Keys::of(&tape, &RuleSet::built_in().objects);
        let names: Vec<&str> = tape.nodes().map(|id| keys.name(id)).collect();
        assert_eq!(
            names,
            ["", "lastname", "value", "value", "value", "value", "lastname", "zzz", "lastname"]
        );
        assert_eq!(keys.keys.len(), 4, "as written; a key that stands twice is kept once");
        let told: Vec<_> = keys.keys.iter().map(|key| (key.is_known, key.says_nothing)).collect();
        assert_eq!(told, [(true, false), (true, true), (true, false), (false, false)]);
    }

    #[test]
    fn a_key_has_the_rows_that_say_something_of_it_wherever_it_stands() {
        let table = &RuleSet::built_in().objects;
        let doc = br#"{"lastName":1,"subscriberSSN":1,"strLastName":1,"providerLastName":1,"DOB1":1,"zzz":1,"diagnosis":1}"#;
        let tape = Tape::read(doc, JSON_DEPTH_MAX).unwrap();
        let keys = Keys::of(&tape, table);
        let told: Vec<_> = tape
            .nodes()
            .skip(1)
            .map(|id| {
                let key = keys.get(id);
                let kind = key.rows.inside("").next().map(|row| row.field.kind.as_str());
                (kind, key.rows.only_end_it(), key.is_clinical)
            })
            .collect();
        let expected = [
            (Some("family-name"), false, false),
            (Some("ssn"), false, false),
            (Some("family-name"), true, false),
            (None, false, false),
            (Some("birth-date"), true, false),
            (None, false, false),
            (None, false, true),
        ];
        assert_eq!(told, expected);
        for (parent, key) in [("pid", "3"), ("pid", "51"), ("patient", "id"), ("patient", "name"), ("", "id")]
        {
            let of = Key::of(key, table);
            let rows = of.rows.inside(parent).map(|row| &row.field.id);
            assert!(rows.eq(table.rows(parent, key).map(|row| &row.field.id)), "{parent}.{key}");
        }
        let apart = |parent: &str, key: &str| Key::of(key, table).rows.inside(parent).count();
        assert!(apart("pid", "3") > apart("", "3"));
    }
}
