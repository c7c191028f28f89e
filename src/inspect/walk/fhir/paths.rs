//! Paths: the places of a document's elements, each kind of place numbered once. A Bundle of a thousand Observations has
//! a thousand codings at one path, and which rows may cover them is asked once.

use super::names::{Class, Name};
use super::table::{Row, Step, Table};

/// A path from its resource, or from the top where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path(u32);

impl Path {
    /// Outside any resource; [`Paths::new`] numbers it first.
    pub(super) const OUTSIDE: Self = Self(0);
}

/// The paths of one document.
pub(super) struct Paths<'t> {
    table: &'t Table,
    known: Vec<Known>,
    /// Rows of the paths that were asked for.
    rows: Vec<&'t Row>,
    /// The steps of the path that is asked for.
    steps: Vec<Step>,
    /// A power of two of numbers of paths, at most half of them taken; [`FREE`] is none.
    slots: Vec<u32>,
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

impl<'t> Paths<'t> {
    pub(super) fn new(table: &'t Table) -> Self {
        let (known, slots) = (Vec::with_capacity(64), vec![FREE; SLOTS_FIRST]);
        let mut paths = Self { table, known, rows: Vec::new(), steps: Vec::new(), slots };
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
        let known = self.known.get(path.0 as usize);
        let (rows, class) = known.map_or((Rows::NONE, Class::Unknown), |known| (known.rows, known.class));
        let rows = if rows.start == FREE { self.find_rows(path) } else { rows };
        (rows.start == rows.end).then_some(class)
    }

    /// The rows that may cover a value at a path that was asked for before, best first.
    pub(super) fn rows(&self, path: Path) -> &[&'t Row] {
        let rows = self.known.get(path.0 as usize).map_or(Rows::NONE, |known| known.rows);
        self.rows.get(rows.start as usize..rows.end as usize).unwrap_or_default()
    }

    #[cold]
    fn find_rows(&mut self, path: Path) -> Rows {
        let Some(known) = self.known.get_mut(path.0 as usize) else { return Rows::NONE };
        known.rows = Rows::NONE;
        let (resource, last, before) = (known.resource, known.step.name, known.before);
        let before_last = self.known.get(before as usize).filter(|known| known.before != FREE);
        let before_last = before_last.map_or(Name::UNKNOWN, |known| known.step.name);
        if !self.table.may_cover(resource, before_last, last) {
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
        self.rows.extend(self.table.rows(resource, &self.steps));
        let rows = Rows { start, end: small(self.rows.len()) };
        if let Some(known) = self.known.get_mut(path.0 as usize) {
            known.rows = rows;
        }
        rows
    }

    #[inline]
    fn number(&mut self, before: u32, step: Step) -> Path {
        let mask = self.slots.len() - 1;
        let mut at = hash(before, step) & mask;
        // Half of the slots are free: this ends.
        while let Some(number) = self.slots.get(at).copied().filter(|number| *number != FREE) {
            if self.known.get(number as usize).is_some_and(|k| k.before == before && k.step == step) {
                return Path(number);
            }
            at = (at + 1) & mask;
        }
        self.new_path(before, step, at)
    }

    /// Numbers a path that nobody has asked for, in this slot.
    fn new_path(&mut self, before: u32, step: Step, at: usize) -> Path {
        let number = small(self.known.len());
        let above = self.known.get(before as usize);
        let resource = above.map_or(step.name, |above| above.resource);
        let class = self.table.names.class_alone(step.name);
        self.known.push(Known { before, step, resource, rows: Rows::UNASKED, class });
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = number;
        }
        if self.known.len() * 2 > self.slots.len() {
            self.grow();
        }
        Path(number)
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![FREE; mask + 1];
        for (number, known) in (0..).zip(&self.known) {
            let mut at = hash(known.before, known.step) & mask;
            while slots.get(at).is_some_and(|slot| *slot != FREE) {
                at = (at + 1) & mask;
            }
            if let Some(slot) = slots.get_mut(at) {
                *slot = number;
            }
        }
        self.slots = slots;
    }
}

#[inline]
fn hash(before: u32, step: Step) -> usize {
    let word = u64::from(before) << 32 | (step.name.index() as u64) << 16 | step.url.index() as u64;
    (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}

/// Paths are fewer than the document's values, which are numbered in 32 bits.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(FREE)
}

const FREE: u32 = u32::MAX;
const SLOTS_FIRST: usize = 256;

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
                let theirs: Vec<_> = table.rows(patient, &deep[..=number]).map(|r| &r.field.id).collect();
                assert_eq!(paths.uncovered(path).is_none(), !theirs.is_empty());
                let ours: Vec<_> = paths.rows(path).iter().map(|row| &row.field.id).collect();
                assert_eq!(ours, theirs);
            }
            assert!(!paths.rows(path).is_empty());
        }
        assert_eq!(paths.known.len(), 5);
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
}
