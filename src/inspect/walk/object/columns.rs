//! Columns that are arrays: `{"first_name": ["Renita", null], "dob": [null, "1981-05-23"]}`. Each place is a person.
//!
//! - In doubt: one person. Each member is a column of as many plain values, or one value that tells of nobody.

use super::side::Side;
use super::{Walk, says_none};
use crate::inspect::kind::Kind;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use crate::inspect::walk::{PersonId, Role, Sink};

impl Walk<'_, '_> {
    /// The person of a value in a column.
    pub(super) fn listed(&mut self, id: NodeId) -> Option<PersonId> {
        let at = self.tape.element(id)?;
        let object = self.object_of_columns()?;
        Some(self.person_of_row(object, at))
    }

    /// Tells clinical content of each row that has a value in the column that is open, if it is one.
    pub(super) fn tell_clinical_of_rows(&mut self, sink: &mut dyn Sink) -> bool {
        let (Some(object), Some(column)) =
            (self.object_of_columns(), self.frames.last().map(|frame| frame.object))
        else {
            return false;
        };
        for (at, cell) in self.tape.children(column).enumerate() {
            let says = match self.tape.kind(cell) {
                NodeKind::String => !says_none(&self.tape.value(cell)),
                NodeKind::Bool => self.tape.raw(cell) == "true",
                kind => kind == NodeKind::Number,
            };
            if says {
                let person = self.person_of_row(object, at);
                self.announce(sink);
                sink.clinical(person);
            }
        }
        true
    }

    /// The object of which the open array is a column.
    fn object_of_columns(&self) -> Option<NodeId> {
        let mut open = self.frames.iter().rev();
        let (column, above) = (open.next()?, open.next()?);
        let kinds = (self.tape.kind(column.object), self.tape.kind(above.object));
        if column.whose != Side::Individual || kinds != (NodeKind::Array, NodeKind::Object) {
            return None;
        }
        let is_one = *above.beside.columns.get_or_init(|| self.has_columns(above.object));
        is_one.then_some(above.object)
    }

    fn person_of_row(&mut self, object: NodeId, at: usize) -> PersonId {
        if let Some(person) = self.listed.get(&(object, at)) {
            return *person;
        }
        let person =
            PersonId(u32::try_from(self.roles.len()).expect("persons are fewer than 32 bits can count"));
        self.roles.push(Role::Patient);
        self.listed.insert((object, at), person);
        person
    }

    /// Whether an object is a table of columns: all its arrays have as many values, and two and more of them, one of what
    /// each person has one of, are of individuals. Somebody's own lists stand beside his name.
    fn has_columns(&self, object: NodeId) -> bool {
        let (mut rows, mut columns, mut single) = (None, 0, false);
        let mut members = self.tape.children(object);
        for child in members.by_ref().take(MEMBERS_LOOKED_AT_MAX) {
            let key = self.keys.get(child);
            let fits = match self.tape.kind(child) {
                NodeKind::Array => {
                    let cells = self.plain_cells(child);
                    columns += usize::from(key.kind.is_some());
                    single |= matches!(key.kind, Some(Kind::BirthDate | Kind::Ssn | Kind::Mrn | Kind::Mbi));
                    cells.is_some_and(|cells| *rows.get_or_insert(cells) == cells)
                }
                NodeKind::Object => false,
                NodeKind::Null => true,
                NodeKind::String | NodeKind::Number | NodeKind::Bool => {
                    let words = self.tape.value(child).split_whitespace().nth(WORDS_MAX).is_none();
                    words && key.kind.is_none() && !key.is_clinical
                }
            };
            if !fits {
                return false;
            }
        }
        columns >= 2 && single && members.next().is_none()
    }

    /// How many values an array has that may be a column.
    fn plain_cells(&self, array: NodeId) -> Option<usize> {
        let mut cells = 0;
        for cell in self.tape.children(array).take(ROWS_MAX + 1) {
            if matches!(self.tape.kind(cell), NodeKind::Object | NodeKind::Array) {
                return None;
            }
            cells += 1;
        }
        (2..=ROWS_MAX).contains(&cells).then_some(cells)
    }
}

/// Of longer columns all is one person's.
const ROWS_MAX: usize = 100_000;
/// A text of more words may tell of somebody.
const WORDS_MAX: usize = 3;
