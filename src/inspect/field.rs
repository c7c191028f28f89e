//! Field tables: which field of which format carries which identifier, as executable rows. The tables are TOML in
//! `config/fields/`, compiled in; every row names the row of the published field map that it carries out.

use super::kind::{Kind, Points, Redact, Whose};
use serde::Deserialize;
use std::sync::{Arc, OnceLock};

/// One row: where, what, how much, whose.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Stable id, never reused: `hl7v2.pid-5.1`. This is the rule id that refusals and records show.
    pub id: String,
    /// The row of the field map that this row carries out, word for word. Several rows may share one.
    pub row: String,
    /// Where the value is, in the walker's notation (each walker's page tells its own).
    pub at: Vec<String>,
    /// Conditions on the value's siblings; a row with conditions wins over one without.
    #[serde(default)]
    pub when: When,
    /// How the value reads: a datatype or `text`, `base64`, `query` (each walker's page tells its own).
    #[serde(default, rename = "as")]
    pub reads: String,
    /// What it is.
    pub kind: Kind,
    /// Points for one person.
    pub points: Points,
    /// Whose it is.
    pub whose: Whose,
    /// What redaction does with it.
    pub redact: Redact,
    /// The id, to be shared by what is found.
    #[serde(skip)]
    rule: OnceLock<Arc<str>>,
}

impl Field {
    /// A row that covers nothing yet, for one of a site's own.
    #[must_use]
    pub fn blank(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            row: String::new(),
            at: Vec::new(),
            when: When::default(),
            reads: String::new(),
            kind: Kind::OtherId,
            points: Points(0),
            whose: Whose::Patient,
            redact: Redact::Drop,
            rule: OnceLock::new(),
        }
    }

    /// The id, shared.
    #[must_use]
    pub fn rule(&self) -> Arc<str> {
        self.rule.get_or_init(|| Arc::from(self.id.as_str())).clone()
    }
}

/// Conditions on siblings. Empty lists ask nothing; a trailing `*` is a prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Identifier type (HL7 table 0203), telecom use or equipment, OBX-2 value type, as the row's format has it.
    pub types: Vec<String>,
    /// Identifier system, authority or telecom system.
    pub systems: Vec<String>,
    /// Resource types that a reference beside it may lead to.
    pub reference: Vec<String>,
}

/// The rows of one format.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldTable {
    /// Format name, as in the field map: `fhir-r4`, `hl7v2`, `fhir-url`.
    pub format: String,
    /// The documents that the rows follow.
    pub source: String,
    /// The rows.
    pub field: Vec<Field>,
}

impl FieldTable {
    /// Reads a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|e| e.message().to_owned())
    }

    /// These rows, and those of another table behind them.
    #[must_use]
    pub fn before(mut self, other: Self) -> Self {
        self.field.extend(other.field);
        self
    }
}

/// Whether `value` is one of `list`; an entry with a trailing `*` is a prefix, one with a leading `*` an ending, and case
/// doesn't matter.
#[must_use]
pub fn listed(list: &[String], value: &str) -> bool {
    list.iter().any(|entry| match (entry.strip_suffix('*'), entry.strip_prefix('*')) {
        (Some(prefix), _) => value.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)),
        (None, Some(suffix)) => {
            let from = value.len().checked_sub(suffix.len());
            from.and_then(|from| value.get(from..)).is_some_and(|tail| tail.eq_ignore_ascii_case(suffix))
        }
        (None, None) => entry.eq_ignore_ascii_case(value),
    })
}
