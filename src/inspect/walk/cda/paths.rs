//! The paths of a document. Two of which the table says the same, whatever may come below them, are one: they are
//! told apart by the steps of its automaton that end there and above. A document has hundreds of sequences of
//! names and a few dozen such places; what the table says of each is asked once.

use super::names::{Name, Part};
use super::path::Aim;
use super::steps::StepId;
use super::table::{Carry, Table};
use crate::inspect::field::Field;
use crate::inspect::hash::{Keyed, Map};
use std::hash::BuildHasher;
use std::ops::Range;

/// Paths of which the table says the same, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathId(u32);

impl PathId {
    /// Outside the root, and wherever no step ends.
    pub(super) const OUTSIDE: Self = Self(0);
}

/// The paths of one document. A row that may cover a leaf is one whose path fits.
pub(super) struct Paths<'t> {
    table: &'t Table,
    /// What each path goes on from, and with which name and tags.
    numbers: Numbers<(PathId, Name, u64)>,
    /// Where those lead, by number.
    entered: Vec<PathId>,
    /// The same of which tags are asked for.
    askers: Numbers<(PathId, Name, u64)>,
    asked: Vec<u64>,
    known: Vec<Known>,
    /// Steps of the automaton that end at each path, one path behind the other.
    ends: Vec<StepId>,
    /// By a hash of the steps that end there, and of those asked for below; of two with one hash the last.
    places: Map<u64, PathId>,
    keyed: Keyed,
    /// A bit for each step, those of one path at a time.
    marked: Vec<u64>,
    /// Paths with what is aimed at there.
    aims: Numbers<(PathId, Aim)>,
    aimed: Vec<Range<u32>>,
    rows: Vec<(&'t Field, Carry)>,
}

/// What is known of a path.
struct Known {
    /// The steps that end there.
    ends: Range<u32>,
    /// Bits of the steps that end at the path or above, and are asked for below.
    within: u64,
    part: Option<Part>,
    /// Whether no row covers anything there.
    bare: bool,
    /// Where an element leads of which no step has the name, once asked.
    beside: Option<PathId>,
}

impl<'t> Paths<'t> {
    pub(super) fn new(table: &'t Table) -> Self {
        let mut paths = Self {
            table,
            numbers: Numbers::default(),
            entered: Vec::with_capacity(64),
            askers: Numbers::default(),
            asked: Vec::new(),
            known: Vec::with_capacity(64),
            ends: Vec::new(),
            places: Map::default(),
            keyed: Keyed::default(),
            marked: vec![0; table.steps.len().div_ceil(64)],
            aims: Numbers::default(),
            aimed: Vec::new(),
            rows: Vec::new(),
        };
        paths.place(Name::UNKNOWN, 0, 0); // outside
        paths
    }

    /// The tags that decide where an element of this name leads that lies at the end of `before`.
    pub(super) fn asks(&mut self, before: PathId, name: Name) -> u64 {
        if !self.table.tags.ask_of(name) {
            return 0; // as of most names
        }
        let number = self.askers.of((before, name, 0)) as usize;
        if number == self.asked.len() {
            self.mark(before, true);
            let marked = &self.marked;
            let asks = self.table.steps.asks(name, self.within(before), |step| is_marked(marked, step));
            self.asked.push(asks);
            self.mark(before, false);
        }
        self.asked.get(number).copied().unwrap_or(u64::MAX)
    }

    /// The path of an element of this name and these tags that lies at the end of `before`.
    pub(super) fn enter(&mut self, before: PathId, name: Name, tags: u64) -> PathId {
        if !self.table.steps.has(name) {
            return self.beside(before, name);
        }
        let number = self.numbers.of((before, name, tags)) as usize;
        if number == self.entered.len() {
            let path = self.add(before, name, tags);
            self.entered.push(path);
        }
        self.entered.get(number).copied().unwrap_or(PathId::OUTSIDE)
    }

    /// The path of an element at which no step ends.
    fn beside(&mut self, before: PathId, name: Name) -> PathId {
        if let Some(beside) = self.known(before).and_then(|known| known.beside) {
            return beside;
        }
        let beside = self.place(name, self.ends.len(), self.within(before));
        if let Some(known) = self.known.get_mut(before.0 as usize) {
            known.beside = Some(beside);
        }
        beside
    }

    fn add(&mut self, before: PathId, name: Name, tags: u64) -> PathId {
        let mut within = self.within(before);
        let from = self.ends.len();
        self.mark(before, true);
        let (steps, marked, ends) = (&self.table.steps, &self.marked, &mut self.ends);
        steps.here((name, tags), within, |step| is_marked(marked, step), |step| ends.push(step));
        self.mark(before, false);
        for step in self.ends.get(from..).unwrap_or_default() {
            within |= self.table.steps.kept(*step);
        }
        self.place(name, from, within)
    }

    /// The path at which the steps end that stand from `from` on; an element of this name is the first to be there.
    fn place(&mut self, name: Name, from: usize, within: u64) -> PathId {
        let ends = self.ends.get(from..).unwrap_or_default();
        let hash = self.keyed.hash_one((ends, within));
        let is_same = |path: &&PathId| {
            let known = self.known(**path);
            known.is_some_and(|known| known.within == within && self.ends_of(known) == ends)
        };
        if let Some(path) = self.places.get(&hash).filter(is_same).copied() {
            self.ends.truncate(from);
            return path;
        }
        let path = PathId(small(self.known.len()));
        self.places.insert(hash, path);
        let bare = ends.is_empty() && !self.table.covers_below(within);
        let ends = small(from)..small(self.ends.len());
        self.known.push(Known { ends, within, part: None, bare, beside: None });
        self.mark(path, true);
        let part = self.table.part(name, |step| is_marked(&self.marked, step));
        self.mark(path, false);
        if let Some(known) = self.known.last_mut() {
            known.part = part;
        }
        path
    }

    /// Which part the innermost element of a path plays, where it plays one of its own.
    pub(super) fn part(&self, path: PathId) -> Option<Part> {
        self.known(path).and_then(|known| known.part)
    }

    /// Whether there may be rows for an attribute: at most paths there are none, and of most attributes nowhere
    /// any.
    pub(super) fn may_cover(&self, path: PathId, attribute: Name) -> bool {
        let known = self.known(path).filter(|known| !known.bare);
        known.is_some_and(|known| self.table.aims_at(attribute) || self.table.covers_below(known.within))
    }

    /// The rows whose paths fit a leaf of the innermost element, which has this name, heaviest first.
    pub(super) fn rows(&mut self, path: PathId, aim: Aim, name: Name) -> &[(&'t Field, Carry)] {
        let found = self.find(path, aim, name);
        self.found(found)
    }

    /// Where those rows are.
    pub(super) fn find(&mut self, path: PathId, aim: Aim, name: Name) -> Range<u32> {
        if self.known(path).is_none_or(|known| known.bare) {
            return 0..0;
        }
        let number = self.aims.of((path, aim)) as usize;
        if number == self.aimed.len() {
            let (table, within) = (self.table, self.within(path));
            self.mark(path, true);
            let from = small(self.rows.len());
            let marked = &self.marked;
            self.rows.extend(table.rows(aim, name, within, |step| is_marked(marked, step)));
            self.aimed.push(from..small(self.rows.len()));
            self.mark(path, false);
        }
        self.aimed.get(number).cloned().unwrap_or_default()
    }

    /// The rows that were found.
    pub(super) fn found(&self, range: Range<u32>) -> &[(&'t Field, Carry)] {
        self.rows.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    fn known(&self, path: PathId) -> Option<&Known> {
        self.known.get(path.0 as usize)
    }

    fn ends_of(&self, known: &Known) -> &[StepId] {
        self.ends.get(known.ends.start as usize..known.ends.end as usize).unwrap_or_default()
    }

    fn within(&self, path: PathId) -> u64 {
        self.known(path).map_or(0, |known| known.within)
    }

    /// Sets or takes back the bits of the steps that end at a path.
    fn mark(&mut self, path: PathId, set: bool) {
        let ends = self.known(path).map(|known| known.ends.clone()).unwrap_or_default();
        for step in self.ends.get(ends.start as usize..ends.end as usize).unwrap_or_default() {
            if let Some(word) = self.marked.get_mut(usize::from(step / 64)) {
                let bit = 1 << (step % 64);
                *word = if set { *word | bit } else { *word & !bit };
            }
        }
    }
}

fn is_marked(marked: &[u64], step: StepId) -> bool {
    marked.get(usize::from(step / 64)).is_some_and(|word| word >> (step % 64) & 1 != 0)
}

/// Numbers for keys, from 0 in the order in which they come first.
struct Numbers<K> {
    keyed: Keyed,
    keys: Vec<K>,
    /// A power of two of numbers, at most half of them taken; [`FREE`] is none.
    slots: Vec<u32>,
}

impl<K> Default for Numbers<K> {
    fn default() -> Self {
        Self { keyed: Keyed::default(), keys: Vec::with_capacity(64), slots: vec![FREE; SLOTS_FIRST] }
    }
}

impl<K: Copy + PartialEq + Words> Numbers<K> {
    fn of(&mut self, key: K) -> u32 {
        let mut at = self.first(&key);
        // Half of the slots are free: this ends.
        while let Some(number) = self.slots.get(at).copied().filter(|number| *number != FREE) {
            if self.keys.get(number as usize) == Some(&key) {
                return number;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        let number = small(self.keys.len());
        self.keys.push(key);
        match self.keys.len() * 2 > self.slots.len() {
            true => self.grow(),
            false => self.put(at, number),
        }
        number
    }

    fn first(&self, key: &K) -> usize {
        let (one, other) = key.words();
        (self.keyed.pair(one, other) >> 32) as usize & (self.slots.len() - 1)
    }

    fn put(&mut self, mut at: usize, number: u32) {
        while self.slots.get(at).is_some_and(|slot| *slot != FREE) {
            at = (at + 1) & (self.slots.len() - 1);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = number;
        }
    }

    fn grow(&mut self) {
        self.slots = vec![FREE; self.slots.len() * 2];
        for number in 0..self.keys.len() {
            if let Some(at) = self.keys.get(number).map(|key| self.first(key)) {
                self.put(at, small(number));
            }
        }
    }
}

/// A key in two words.
trait Words {
    fn words(&self) -> (u64, u64);
}

impl Words for (PathId, Name, u64) {
    fn words(&self) -> (u64, u64) {
        (u64::from(self.0.0) << 32 | u64::from(self.1.0), self.2)
    }
}

impl Words for (PathId, Aim) {
    fn words(&self) -> (u64, u64) {
        let aim = match self.1 {
            Aim::Element => 0,
            Aim::Below => 1,
            Aim::Attribute(name) => 2 + u64::from(name.0),
        };
        (u64::from(self.0.0), aim)
    }
}

/// Paths, and what is aimed at, are fewer than the document's nodes, which are numbered in 32 bits.
fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(FREE)
}

const FREE: u32 = u32::MAX;
const SLOTS_FIRST: usize = 256;

#[cfg(test)]
mod tests {
    use super::super::tests::table;
    use super::*;

    #[test]
    fn a_path_has_one_number_and_says_what_the_table_says() {
        let table = table();
        let mut paths = Paths::new(&table);
        let words = ["ClinicalDocument", "recordTarget", "patientRole", "patient", "name", "family"];
        let mut seen = Vec::new();
        for _ in 0..2 {
            let mut path = PathId::OUTSIDE;
            for (depth, word) in words.iter().enumerate() {
                let name = table.names.element(word);
                path = paths.enter(path, name, 0);
                seen.push(path);
                assert_eq!(paths.rows(path, Aim::Element, name).is_empty(), depth < 4, "{word}");
            }
        }
        assert_eq!(seen.first(), seen.get(words.len()));
        assert_eq!(seen.get(..words.len()), seen.get(words.len()..));
        // Of the root the table says nothing.
        assert_eq!(seen.first(), Some(&PathId::OUTSIDE));
        assert_eq!(paths.known.len(), words.len());
    }

    #[test]
    fn paths_are_one_where_no_row_tells_them_apart() {
        let table = table();
        let mut paths = Paths::new(&table);
        let mut at = |words: &[&str]| {
            let start = PathId::OUTSIDE;
            words.iter().fold(start, |path, word| paths.enter(path, table.names.element(word), 0))
        };
        let section = at(&["ClinicalDocument", "component", "section"]);
        assert_eq!(at(&["section", "code", "translation"]), section);
        let target = at(&["ClinicalDocument", "recordTarget", "patientRole", "id"]);
        assert_ne!(target, section);
        assert_eq!(at(&["recordTarget", "patientRole", "id"]), target);
        assert_ne!(at(&["recordTarget", "patientRole", "patient", "id"]), target);
    }

    #[test]
    fn tags_are_asked_for_where_a_path_depends_on_them() {
        let table = table();
        let mut paths = Paths::new(&table);
        let [entity, role] = ["playingEntity", "participantRole"].map(|word| table.names.element(word));
        assert_eq!(paths.asks(PathId::OUTSIDE, entity), 0);
        let asks = paths.asks(PathId::OUTSIDE, role);
        assert_ne!(asks, 0);
        assert_eq!(paths.asks(PathId::OUTSIDE, role), asks);
        let plain = paths.enter(PathId::OUTSIDE, role, 0);
        assert!(
            (0..64).map(|bit| asks & 1 << bit).any(|tag| paths.enter(PathId::OUTSIDE, role, tag) != plain)
        );
        assert!(
            (0..64).map(|bit| !asks & 1 << bit).all(|tag| paths.enter(PathId::OUTSIDE, role, tag) == plain)
        );
    }
}
