//! The column table compiled for reading, and what a column's name says.

use super::column::{
    Column, Group, Meaning, NAME_BYTES_MAX, is_only_an_individuals, known, meaning, unknown,
    without_brackets, words,
};
use crate::inspect::field::{Field, FieldTable};
use crate::inspect::kind::Whose;
use crate::inspect::walk::object::{self, Carry};
use std::collections::HashMap;

/// Column names beside those of the key table, ready for reading: made once, used for every document.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    by_name: HashMap<Box<str>, Vec<usize>>,
    prefixes: HashMap<Box<str>, usize>,
    by_shape: HashMap<Box<str>, usize>,
}

#[derive(Debug)]
struct Row {
    field: Field,
    role: Role,
}

/// The `as` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// As in the key table.
    Carry(Carry),
    /// The individual's own: `patient_`, `home_`.
    Own,
    /// The individual or who holds the plan: its own person where the file names another beside it.
    Holder,
    /// One of two rows of a column that has a number or a name.
    Number,
    Name,
}

impl Table {
    /// Compiles the rows of a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut compiled = Self {
            rows: Vec::new(),
            by_name: HashMap::new(),
            prefixes: HashMap::new(),
            by_shape: HashMap::new(),
        };
        for (index, field) in table.field.iter().enumerate() {
            let role = Role::parse(&field.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", field.id, field.reads))?;
            compiled.rows.push(Row { field: field.clone(), role });
            for at in &field.at {
                let letters = at.trim_start_matches('=').trim_end_matches('+');
                if letters.is_empty()
                    || !letters.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                {
                    return Err(format!("{}: no column name: {at}", field.id));
                }
                if at.starts_with('=') {
                    compiled.by_shape.insert(letters.into(), index);
                } else if at.ends_with('+') {
                    compiled.prefixes.insert(letters.into(), index);
                } else {
                    compiled.by_name.entry(letters.into()).or_default().push(index);
                }
            }
        }
        Ok(compiled)
    }

    /// What a column is by its name.
    pub(super) fn column<'t>(&'t self, keys: &'t object::Table, name: &str) -> Column<'t> {
        let name = without_brackets(name);
        let found = self.resolve(keys, &words(&name));
        if found.word != "*" {
            return found;
        }
        // `patients.last_name`, `p.dob`: what stands in front is a table's name.
        match name.rsplit_once(['.', ':', '/']) {
            Some((_, last)) => self.resolve(keys, &words(last)),
            None => found,
        }
    }

    /// What a column is whose values look so.
    pub(super) fn shaped(&self, shape: &str) -> Column<'_> {
        match self.by_shape.get(shape).and_then(|row| self.rows.get(*row)) {
            Some(row) => known(Meaning::Field(&row.field, Carry::Value), "*"),
            None => unknown(),
        }
    }

    /// The row of an id that a machine made.
    pub(super) fn opaque(&self) -> Option<&Field> {
        self.by_shape.get("opaque-id").and_then(|row| self.rows.get(*row)).map(|row| &row.field)
    }

    fn resolve<'t>(&'t self, keys: &'t object::Table, words: &[String]) -> Column<'t> {
        let words = words.get(..words.len().min(WORDS_MAX)).unwrap_or_default();
        let key = words.concat();
        if key.is_empty() || key.len() > NAME_BYTES_MAX {
            return unknown();
        }
        if let Some(column) = self.exact(keys, &key) {
            return column;
        }
        // `phone2`, `address_line_3`
        let plain = key.trim_end_matches(|c: char| c.is_ascii_digit());
        if plain.len() < key.len()
            && let Some(column) = self.exact(keys, plain)
        {
            return column;
        }
        if let Some(column) = self.prefixed(keys, words) {
            return column;
        }
        if let Some((last, front)) = words.split_last()
            && !front.is_empty()
            && NOISE.contains(&last.trim_end_matches(|c: char| c.is_ascii_digit()))
        {
            return self.resolve(keys, front);
        }
        let public = keys.says_public(&key) && !FREE_TEXT.iter().any(|word| key.contains(word));
        if public { known(Meaning::Public, "provider") } else { unknown() }
    }

    fn exact<'t>(&'t self, keys: &'t object::Table, key: &str) -> Option<Column<'t>> {
        let rows: Vec<&Row> =
            self.by_name.get(key).into_iter().flatten().filter_map(|row| self.rows.get(*row)).collect();
        let row = |role: Role| rows.iter().find(|row| row.role == role).map(|row| &row.field);
        if let (Some(number), Some(name)) = (row(Role::Number), row(Role::Name)) {
            return Some(known(Meaning::NumberOrName(number, name), key));
        }
        if let Some((field, carry)) = rows.iter().find_map(|row| match row.role {
            Role::Carry(carry) => Some((&row.field, carry)),
            _ => None,
        }) {
            let mut column = known(meaning(field, carry), key);
            if carry == Carry::Relative {
                column.group = Some(Group { prefix: key.to_owned(), holder: false });
            }
            return Some(column);
        }
        match keys.column(key) {
            // Containers of the key table: a flat table has none.
            Some((_, Carry::Relative | Carry::Public | Carry::Listing | Carry::Own)) | None => None,
            Some((field, carry)) => Some(known(meaning(field, carry), key)),
        }
    }

    fn prefixed<'t>(&'t self, keys: &'t object::Table, words: &[String]) -> Option<Column<'t>> {
        for at in (1..words.len()).rev() {
            let (front, rest) = words.split_at(at);
            let prefix = front.concat();
            if let Some(row) = self.prefixes.get(prefix.as_str()).and_then(|row| self.rows.get(*row))
                && let Some(column) = self.under(row, &prefix, self.resolve(keys, rest), Some(rest))
            {
                return Some(column);
            }
        }
        // `PATNAME`: no word ends in sight, so what is left must be a name of the table itself.
        let [word] = words else { return None };
        (2..word.len()).rev().find_map(|at| {
            let (prefix, rest) = (word.get(..at)?, word.get(at..)?);
            let row = self.prefixes.get(prefix).and_then(|row| self.rows.get(*row))?;
            self.under(row, prefix, self.exact(keys, rest)?, None)
        })
    }

    /// What a column is that begins with a word of the table: the rest tells, and the word says whose.
    fn under<'t>(
        &'t self,
        row: &Row,
        prefix: &str,
        rest: Column<'t>,
        words: Option<&[String]>,
    ) -> Option<Column<'t>> {
        let rest_is_text =
            words.is_none_or(|words| words.iter().any(|word| FREE_TEXT.contains(&word.as_str())));
        let words = words.is_some();
        let word = if rest.word == "*" { prefix.to_owned() } else { format!("{prefix}{}", rest.word) };
        let is_known = rest.word != "*";
        match row.role {
            Role::Carry(Carry::Public) => match rest.meaning {
                // A provider's note tells of the patient, and an organisation has no record number.
                Meaning::Field(_, Carry::Text | Carry::Base64) | Meaning::Clinical => {
                    Some(Column { word, ..rest })
                }
                Meaning::Field(field, _)
                    if row.field.whose == Whose::Organisation && is_only_an_individuals(field.kind) =>
                {
                    Some(Column { word, ..rest })
                }
                // What isn't known is read as text, whoever it tells of; but what begins with such a whole word is theirs.
                Meaning::Unknown if WHOLE_WORDS.contains(&prefix) && !rest_is_text => {
                    Some(known(Meaning::Public, prefix))
                }
                Meaning::Unknown => words.then(unknown),
                _ => Some(known(Meaning::Public, &word)),
            },
            Role::Own => is_known.then_some(Column { word, ..rest }),
            Role::Holder | Role::Carry(Carry::Relative) => {
                let group = Some(Group { prefix: prefix.to_owned(), holder: row.role == Role::Holder });
                is_known.then_some(Column { word, group, ..rest })
            }
            _ => None,
        }
    }
}

impl Role {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "own" => Self::Own,
            "holder" => Self::Holder,
            "number" => Self::Number,
            "name" => Self::Name,
            "" => Self::Carry(Carry::Value),
            "text" => Self::Carry(Carry::Text),
            "opaque" => Self::Carry(Carry::Opaque),
            "time" => Self::Carry(Carry::Time),
            "public" => Self::Carry(Carry::Public),
            "relative" => Self::Carry(Carry::Relative),
            "clinical" => Self::Carry(Carry::Clinical),
            _ => return None,
        })
    }
}

/// Words of columns that tell of anybody.
pub(super) const FREE_TEXT: &[&str] = &[
    "note",
    "notes",
    "comment",
    "comments",
    "text",
    "narrative",
    "message",
    "description",
    "remark",
    "remarks",
    "reason",
    "instructions",
    "info",
    "detail",
    "details",
    "patient",
    "patients",
];
/// Whole words for those who give care: whatever follows is theirs.
const WHOLE_WORDS: &[&str] = &["provider", "physician", "practitioner", "prescriber"];
/// Words behind a name that add nothing.
const NOISE: &[&str] = &[
    "number", "no", "num", "nbr", "nr", "value", "val", "txt", "text", "field", "column", "raw", "old", "new",
];
const WORDS_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    fn meant(name: &str) -> (String, String, String) {
        let rules = RuleSet::built_in();
        let column = rules.columns.column(&rules.objects, name);
        let kind = match column.meaning {
            Meaning::Field(field, _) => field.kind.as_str().to_owned(),
            Meaning::NumberOrName(number, _) => format!("{} or name", number.kind.as_str()),
            other => format!("{other:?}").to_lowercase(),
        };
        (kind, column.group.map(|g| g.prefix).unwrap_or_default(), column.word)
    }

    fn kind(name: &str) -> String {
        meant(name).0
    }

    #[test]
    fn names_of_real_exports_are_told_apart() {
        for (name, wanted) in [
            ("MRN", "mrn"),
            ("pat_mrn_id", "mrn"),
            ("PAT_ID", "mrn"),
            ("Patient Last Name", "family-name"),
            ("PatientFirstName", "given-name"),
            ("PATNAME", "full-name"),
            ("patients.dob", "birth-date"),
            ("p.dob", "birth-date"),
            ("DOB (MM/DD/YYYY)", "birth-date"),
            ("BENE_BIRTH_DT", "birth-date"),
            ("BENE_SRNM_NAME", "family-name"),
            ("CLM_ID", "claim-id"),
            ("recip_address_zip", "zip"),
            ("phone_2", "phone"),
            ("SSN#", "ssn"),
            ("ssn_num", "ssn"),
            ("Home Phone", "phone"),
            ("facility_mrn", "mrn"),
            ("hospital_no", "mrn"),
            ("specimen_id", "order-number"),
            ("Vaccination Date", "service-date"),
            ("subscriber_id", "member-id"),
            ("patient", "mrn or name"),
            ("name", "full-name"),
            ("visit_date", "service-date"),
            ("BIRTHDATE", "birth-date"),
            ("bdt", "birth-date"),
            ("Geb.-Datum", "birth-date"),
            ("Data de nascimento", "birth-date"),
            ("F. Nacimiento", "birth-date"),
            ("Pr\u{e9}nom", "given-name"),
            ("Imi\u{119}", "given-name"),
            ("Imi\u{119} i nazwisko", "full-name"),
            ("Nom et pr\u{e9}nom", "full-name"),
            ("PESEL", "national-id"),
            ("Pt", "mrn or name"),
        ] {
            assert_eq!(kind(name), wanted, "{name}");
        }
    }

    #[test]
    fn providers_organisations_and_systems_are_nobodys() {
        for name in [
            "attending_name",
            "npi",
            "provider_last_name",
            "ProviderPhone",
            "referring_provider",
            "PCP",
            "pcp_name",
            "facility_name",
            "facility_address",
            "hospital_city",
            "ordering_physician",
            "payer_name",
            "pharmacy_phone",
            "AT_PHYSN_NPI",
            "created_by",
            "provider_ssn",
            "rendering_provider_dob",
            "lab_name",
            "practice_name",
        ] {
            assert_eq!(kind(name), "public", "{name}");
        }
    }

    #[test]
    fn relatives_are_groups_of_their_own() {
        assert_eq!(
            meant("guarantor_last_name"),
            ("family-name".into(), "guarantor".into(), "guarantorlastname".into())
        );
        assert_eq!(meant("Mother's First Name").1, "mothers");
        assert_eq!(meant("emergency_contact_phone").1, "emergencycontact");
        assert_eq!(meant("subscriber_dob").1, "subscriber");
        assert_eq!(
            meant("mothers_maiden_name"),
            ("mother-maiden-name".into(), String::new(), "mothersmaidenname".into())
        );
    }

    #[test]
    fn clinical_columns_and_unknown_ones_are_told() {
        for name in [
            "diagnosis",
            "dx_code",
            "ICD10",
            "medication_name",
            "drug_name",
            "lab_result",
            "cvx_code",
            "loinc",
            "Diagnose",
            "Diagn\u{f3}stico",
            "rozpoznanie",
        ] {
            assert_eq!(kind(name), "clinical", "{name}");
        }
        for name in
            ["code", "system", "display", "count", "type", "status", "labels", "x", "", "ptype", "memory"]
        {
            assert_eq!(kind(name), "unknown", "{name}");
        }
    }
}
