//! Columns that are arrays: `{"first_name": ["Renita", null], "dob": [null, "1981-05-23"]}`. Each place is a person.

use super::side::Side;
use super::{Walk, tells_who};
use crate::inspect::kind::Kind;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use crate::inspect::walk::{PersonId, Role};

impl Walk<'_, '_> {
    /// The person of a value in a column.
    pub(super) fn listed(&mut self, id: NodeId) -> Option<PersonId> {
        let at = self.tape.element(id)?;
        let above = self.frames.len().checked_sub(2).and_then(|above| self.frames.get(above))?;
        if self.side() != Side::Individual || self.tape.kind(above.object) != NodeKind::Object {
            return None;
        }
        let (object, rows) = (above.object, *above.beside.columns.get_or_init(|| self.rows_of(above.object)));
        if at >= rows? {
            return None;
        }
        if let Some(person) = self.listed.get(&(object, at)) {
            return Some(*person);
        }
        let person =
            PersonId(u32::try_from(self.roles.len()).expect("persons are fewer than 32 bits can count"));
        self.roles.push(Role::Patient);
        self.listed.insert((object, at), person);
        Some(person)
    }

    /// How many rows the columns of an object have: two and more members are arrays of as many values, and one of them is
    /// of what each person has one of. Somebody's own lists stand beside his name.
    fn rows_of(&self, object: NodeId) -> Option<usize> {
        let (mut rows, mut columns, mut single) = (None, 0, false);
        for child in self.tape.children(object).take(MEMBERS_LOOKED_AT_MAX) {
            let Some(kind) = self.table.an_individuals(self.keys.name(child)).map(|field| field.kind) else {
                continue;
            };
            match self.tape.kind(child) {
                NodeKind::Array => {
                    let plain =
                        |cell: NodeId| !matches!(self.tape.kind(cell), NodeKind::Object | NodeKind::Array);
                    let cells =
                        self.tape.children(child).take(ROWS_MAX + 1).take_while(|cell| plain(*cell)).count();
                    if !(2..=ROWS_MAX).contains(&cells) || rows.is_some_and(|rows| rows != cells) {
                        return None;
                    }
                    rows = Some(cells);
                    columns += 1;
                    single |= matches!(kind, Kind::BirthDate | Kind::Ssn | Kind::Mrn | Kind::Mbi);
                }
                NodeKind::String | NodeKind::Number if tells_who(kind) => return None,
                _ => {}
            }
        }
        rows.filter(|_| columns >= 2 && single)
    }
}

/// Of longer columns all is one person's.
const ROWS_MAX: usize = 100_000;
