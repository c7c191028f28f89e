//! XML of no known kind: its element and attribute names say what JSON's keys say, so it is read in the shape of JSON,
//! by the same key names.

use super::Table;
use super::table::normal;
use crate::inspect::walk::json::{self, Key, MEMBERS_LOOKED_AT_MAX, Said};
use crate::inspect::walk::shape::{self, Shape};
use crate::inspect::walk::xml::{NodeId, Tape};

/// A document in the shape of JSON: an object with the root element. `None` only for more than 32 bits can count.
#[must_use]
pub fn shaped<'d>(tape: &'d Tape<'_>, table: &Table) -> Option<json::Tape<'d>> {
    shape::shaped(tape, &AnyShape { table })
}

struct AnyShape<'t> {
    table: &'t Table,
}

impl Shape for AnyShape<'_> {
    fn is_list(&self, _: &str, _: &str) -> bool {
        false
    }

    fn is_number(&self, _: &str, _: &str) -> bool {
        false
    }

    fn has_resources(&self) -> bool {
        false
    }

    fn is_markup(&self, _: &Tape<'_>, _: NodeId) -> bool {
        false
    }

    /// `<field name="dob">…` is called as its label says, `<ssn checked="yes">…` as the element, anything else `value`.
    fn inner(&self, tape: &Tape<'_>, element: NodeId) -> Option<Key> {
        let label = tape.attributes(element).take(MEMBERS_LOOKED_AT_MAX).find(|attribute| {
            LABELS.contains(&normal(tape.local(*attribute)).as_str())
                && !tape.is_escaped(*attribute)
                && self.table.names_a_value(&normal(tape.raw(*attribute)))
        });
        Some(match label {
            Some(label) => Key::At(tape.written(label)),
            None if self.table.names_a_value(&normal(tape.local(element))) => {
                Key::At(tape.local_written(element))
            }
            None => Key::Said(Said::Value),
        })
    }
}

/// Attributes that name what an element holds.
pub(super) const LABELS: &[&str] =
    &["name", "key", "field", "label", "fieldname", "attributename", "tag", "id", "code"];

#[cfg(test)]
mod tests;
