//! Paths: the places of a document's elements, each kind of place numbered once. A Bundle of a thousand Observations has
//! a thousand codings at one path, and which rows may cover them is asked once.
//!
//! A path is made of names of R4 alone, so a thread keeps those that it has seen from one document to the next.

use super::names::{Class, Name};
use super::table::{Row, Step, Table};
use std::cell::Cell;

/// A path from its resource, or from the top where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path(u32);

impl Path {
    /// Outside any resource; the first that is numbered.
    pub(super) const OUTSIDE: Self = Self(0);

    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The paths of a document, and those of the ones before.
pub(super) struct Paths<'t> {
    table: &'t Table,
    seen: Seen,
}

/// Paths by the names of one table.
#[derive(Default)]
struct Seen {
    /// That of the table: no other has it.
    vocabulary: u32,
    known: Vec<Known>,
    /// Rows of the paths that were asked for, as the table numbers them.
    rows: Vec<u32>,
    /// The steps of the path that is asked for.
    steps: Vec<Step>,
    /// A power of two of them, at most half of them taken.
    slots: Vec<Slot>,
}

/// A path where its hash says.
#[derive(Clone, Copy)]
struct Slot {
    /// The path before and the step, in one.
    key: u64,
    path: u32,
}

impl Slot {
    /// No path has this key: no name has the number.
    const FREE: Self = Self { key: u64::MAX, path: FREE };
}

#[derive(Clone)]
struct Known {
    /// The path before the step; [`FREE`]: this is the top of a resource, whose type is the step's name.
    before: u32,
    step: Step,
    resource: Name,
    rows: Rows,
    /// How its values read by their element alone; [`Class::Unknown`] where more says so.
    class: Class,
}

/// Where the rows of a path stand among those of all.
#[derive(Clone, Copy)]
struct Rows {
    /// [`FREE`]: nobody has asked.
    start: u32,
    end: u32,
}

impl Rows {
    const UNASKED: Self = Self { start: FREE, end: FREE };
    const NONE: Self = Self { start: 0, end: 0 };
}

thread_local! {
    /// What the last document's walk has seen, while no other has it.
    static SEEN: Cell<Option<Box<Seen>>> = const { Cell::new(None) };
}

impl<'t> Paths<'t> {
    pub(super) fn new(table: &'t Table) -> Self {
        let vocabulary = table.names.vocabulary();
        let kept = SEEN.take().filter(|seen| seen.vocabulary == vocabulary);
        if let Some(seen) = kept {
            return Self { table, seen: *seen };
        }
        let slots = vec![Slot::FREE; SLOTS_FIRST];
        let seen = Seen { vocabulary, known: Vec::with_capacity(64), slots, ..Seen::default() };
        let mut paths = Self { table, seen };
        paths.top(Name::UNKNOWN);
        paths
    }

    /// The top of a resource of a type.
    pub(super) fn top(&mut self, resource: Name) -> Path {
        self.number(FREE, Step { name: resource, url: Name::UNKNOWN })
    }

    /// One step on.
    #[inline]
    pub(super) fn step(&mut self, before: Path, step: Step) -> Path {
        self.number(before.0, step)
    }

    /// How a value at a path reads by its element alone, where no row may cover it: [`Class::Unknown`] where more is to be
    /// looked at. `None` where a row may.
    #[inline]
    pub(super) fn uncovered(&mut self, path: Path) -> Option<Class> {
        let known = self.seen.known.get(path.index());
        let (rows, class) = known.map_or((Rows::NONE, Class::Unknown), |known| (known.rows, known.class));
        let rows = if rows.start == FREE { self.seen.find_rows(path, self.table) } else { rows };
        (rows.start == rows.end).then_some(class)
    }

    /// The rows that may cover a value at a path that was asked for before, best first.
    pub(super) fn rows(&self, path: Path) -> impl Iterator<Item = &'t Row> + use<'_, 't> {
        let rows = self.seen.known.get(path.index()).map_or(Rows::NONE, |known| known.rows);
        let numbers = self.seen.rows.get(rows.start as usize..rows.end as usize).unwrap_or_default();
        numbers.iter().filter_map(|number| self.table.row(*number))
    }

    #[inline]
    fn number(&mut self, before: u32, step: Step) -> Path {
        let key = key(before, step);
        let mask = self.seen.slots.len().wrapping_sub(1);
        let mut at = hash(key) & mask;
        // Half of the slots are free: this ends.
        while let Some(slot) = self.seen.slots.get(at) {
            if slot.key == key {
                return Path(slot.path);
            }
            if slot.path == FREE {
                break;
            }
            at = (at + 1) & mask;
        }
        self.seen.new_path(before, step, at, self.table)
    }
}

impl Drop for Paths<'_> {
    fn drop(&mut self) {
        let seen = std::mem::take(&mut self.seen);
        if seen.known.len() <= PATHS_KEPT_MAX {
            // A thread that ends keeps nothing.
            let _ = SEEN.try_with(|kept| kept.set(Some(Box::new(seen))));
        }
    }
}

impl Seen {
    #[cold]
    fn find_rows(&mut self, path: Path, table: &Table) -> Rows {
        let Some(known) = self.known.get_mut(path.index()) else { return Rows::NONE };
        known.rows = Rows::NONE;
        let (resource, last, before) = (known.resource, known.step.name, known.before);
        let before_last = self.known.get(before as usize).filter(|known| known.before != FREE);
        let before_last = before_last.map_or(Name::UNKNOWN, |known| known.step.name);
        if !table.may_cover(resource, before_last, last) {
            return Rows::NONE;
        }
        self.steps.clear();
        let mut at = path.0;
        while let Some(known) = self.known.get(at as usize).filter(|known| known.before != FREE) {
            self.steps.push(known.step);
            at = known.before;
        }
        self.steps.reverse();
        let start = small(self.rows.len());
        self.rows.extend(table.rows(resource, &self.steps));
        let rows = Rows { start, end: small(self.rows.len()) };
        if let Some(known) = self.known.get_mut(path.index()) {
            known.rows = rows;
        }
        rows
    }

    /// Numbers a path that nobody has asked for, in this slot.
    #[cold]
    fn new_path(&mut self, before: u32, step: Step, at: usize, table: &Table) -> Path {
        let number = small(self.known.len());
        let above = self.known.get(before as usize);
        let resource = above.map_or(step.name, |above| above.resource);
        let class = table.names.class_alone(step.name);
        self.known.push(Known { before, step, resource, rows: Rows::UNASKED, class });
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Slot { key: key(before, step), path: number };
        }
        if self.known.len() * 2 > self.slots.len() {
            self.grow();
        }
        Path(number)
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let taken = std::mem::replace(&mut self.slots, vec![Slot::FREE; mask + 1]);
        for slot in taken.into_iter().filter(|slot| slot.path != FREE) {
            let mut at = hash(slot.key) & mask;
            while self.slots.get(at).is_some_and(|slot| slot.path != FREE) {
                at = (at + 1) & mask;
            }
            if let Some(free) = self.slots.get_mut(at) {
                *free = slot;
            }
        }
    }
}

#[inline]
fn key(before: u32, step: Step) -> u64 {
    u64::from(before) << 32 | u64::from(step.name.number()) << 16 | u64::from(step.url.number())
}

#[inline]
fn hash(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}

/// Paths of a document are fewer than its values, which are numbered in 32 bits.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(FREE)
}

const FREE: u32 = u32::MAX;
const SLOTS_FIRST: usize = 256;
/// Where a document had more, what comes behind it begins anew.
const PATHS_KEPT_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use super::super::tests::field_table;
    use super::*;

    #[test]
    fn each_path_has_one_number_and_the_rows_of_the_table() {
        let table = Table::new(&field_table()).unwrap();
        let mut paths = Paths::new(&table);
        let step = |word: &str| Step { name: table.names.element(word), url: Name::UNKNOWN };
        let patient = table.names.resource("Patient");
        let deep: Vec<Step> = ["contact", "name", "family"].into_iter().map(step).collect();
        for _ in 0..2 {
            let mut path = paths.top(patient);
            for (number, step) in deep.iter().enumerate() {
                path = paths.step(path, *step);
                let rows = table.rows(patient, &deep[..=number]).filter_map(|row| table.row(row));
                let theirs: Vec<_> = rows.map(|row| &row.field.id).collect();
                assert_eq!(paths.uncovered(path).is_none(), !theirs.is_empty());
                let ours: Vec<_> = paths.rows(path).map(|row| &row.field.id).collect();
                assert_eq!(ours, theirs);
            }
            assert!(paths.rows(path).next().is_some());
        }
        assert_eq!(paths.seen.known.len(), 5);
        for (word, class) in [("status", Class::Code), ("versionId", Class::Opaque)] {
            let basic = paths.top(table.names.resource("Basic"));
            let meta = paths.step(basic, step("meta"));
            let path = paths.step(meta, step(word));
            assert_eq!(paths.uncovered(path), Some(class), "{word}");
        }
        assert_eq!(paths.top(Name::UNKNOWN), Path::OUTSIDE);
    }

    #[test]
    fn many_paths_stay_apart() {
        let table = Table::new(&field_table()).unwrap();
        let mut paths = Paths::new(&table);
        let step = Step { name: table.names.element("item"), url: Name::UNKNOWN };
        let numbers = |paths: &mut Paths<'_>| {
            let mut path = Path::OUTSIDE;
            (0..2000)
                .map(|_| {
                    path = paths.step(path, step);
                    path.0
                })
                .collect::<Vec<_>>()
        };
        let first = numbers(&mut paths);
        assert_eq!(first, numbers(&mut paths));
        assert!(first.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn paths_are_kept_for_the_same_table_and_no_more_than_there_is_room_for() {
        let (table, other) = (Table::new(&field_table()).unwrap(), Table::new(&field_table()).unwrap());
        let item = |table: &Table| Step { name: table.names.element("item"), url: Name::UNKNOWN };
        let go = |table: &Table, steps: usize| {
            let mut paths = Paths::new(table);
            let before = paths.seen.known.len();
            let mut path = Path::OUTSIDE;
            for _ in 0..steps {
                path = paths.step(path, item(table));
                let rows = paths.uncovered(path).is_none();
                assert_eq!(rows, paths.rows(path).next().is_some());
            }
            before
        };
        assert_eq!((go(&table, 7), go(&table, 9), go(&table, 0)), (1, 8, 10));
        assert_eq!((go(&other, 3), go(&other, 0), go(&table, 0)), (1, 4, 1));
        assert_eq!((go(&table, PATHS_KEPT_MAX + 1), go(&table, 0)), (1, 1));
    }
}
