//! FHIR rows, compiled: by path from the resource, and by the end of a path.

use crate::inspect::field::{Field, FieldTable, listed};
use std::collections::HashMap;

/// The rows.
pub struct Table {
    exact: HashMap<String, Vec<Field>>,
    ends: HashMap<String, Vec<Field>>,
}

/// What stands beside a value.
#[derive(Default)]
pub(super) struct Beside {
    /// Type codes.
    pub(super) types: Vec<String>,
    /// Systems.
    pub(super) systems: Vec<String>,
    /// Resource type that the reference leads to; empty where there is no reference; `None` where it can't be told.
    pub(super) reference: Option<String>,
}

impl Table {
    /// Compiles the rows.
    ///
    /// # Errors
    /// The id of a row whose `at` is in no known notation.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut out = Self { exact: HashMap::new(), ends: HashMap::new() };
        for field in &table.field {
            for at in &field.at {
                match at.strip_prefix("*.") {
                    Some(end) => out.ends.entry(end.to_owned()).or_default().push(field.clone()),
                    None if at.contains('.') => out.exact.entry(at.clone()).or_default().push(field.clone()),
                    None => return Err(format!("row `{}`: `at` is no path", field.id)),
                }
            }
        }
        for rows in out.exact.values_mut().chain(out.ends.values_mut()) {
            rows.sort_by_key(|f| {
                f.when.types.is_empty() && f.when.systems.is_empty() && f.when.reference.is_empty()
            });
        }
        Ok(out)
    }

    /// The row of a path (`Patient.name.family`), by what stands beside the value; asked for only where rows differ.
    pub(super) fn find(&self, path: &str, beside: &dyn Fn() -> Beside) -> Option<&Field> {
        let rows = self.exact.get(path);
        // Ends of three and of two elements, and of one.
        let mut from_end = path.rmatch_indices('.').map(|(at, _)| at + 1);
        let ends = [from_end.next(), from_end.next(), from_end.next()];
        let by_end = ends.iter().rev().flatten().filter_map(|at| self.ends.get(path.get(*at..)?));
        let mut known = None;
        rows.into_iter().chain(by_end).find_map(|rows| {
            rows.iter().find(|field| {
                let when = &field.when;
                if when.types.is_empty() && when.systems.is_empty() && when.reference.is_empty() {
                    return true;
                }
                let beside = known.get_or_insert_with(beside);
                let any = |wanted: &[String], have: &[String]| {
                    wanted.is_empty() || have.iter().any(|h| listed(wanted, h))
                };
                any(&when.types, &beside.types)
                    && any(&when.systems, &beside.systems)
                    && (when.reference.is_empty()
                        || beside.reference.as_ref().is_some_and(|r| when.reference.iter().any(|w| w == r)))
            })
        })
    }
}
