//! The paths of a document: each sequence of names and tags is numbered once, and what the table says of it is asked
//! once. A document of a hundred observations has a hundred codes at one path.

use super::frame::Frame;
use super::names::{Name, Part};
use super::path::Aim;
use super::table::{Carry, Table};
use crate::inspect::field::Field;
use crate::inspect::hash::Map;
use std::ops::Range;

/// A path, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PathId(u32);

impl PathId {
    /// Outside the root.
    pub(super) const OUTSIDE: Self = Self(u32::MAX);
}

/// The paths of one document. A row that may cover a leaf is one whose path fits.
pub(super) struct Paths<'t> {
    table: &'t Table,
    numbers: Map<(PathId, Name, u64), PathId>,
    parts: Vec<Option<Part>>,
    /// By the number of the path and of what is aimed at.
    aimed: Map<u64, Range<usize>>,
    rows: Vec<(&'t Field, Carry)>,
}

impl<'t> Paths<'t> {
    pub(super) fn new(table: &'t Table) -> Self {
        Self { table, numbers: Map::default(), parts: Vec::new(), aimed: Map::default(), rows: Vec::new() }
    }

    /// The path of the innermost of these elements, which lies at the end of `before`.
    pub(super) fn enter(&mut self, before: PathId, frames: &[Frame]) -> PathId {
        let Some(top) = frames.last() else { return PathId::OUTSIDE };
        let next = PathId(u32::try_from(self.parts.len()).unwrap_or(u32::MAX - 1));
        let key = (before, top.name, top.tags);
        if let Some(id) = self.numbers.get(&key) {
            return *id;
        }
        self.numbers.insert(key, next);
        self.parts.push(self.table.part(frames));
        next
    }

    /// Which part the innermost element of a path plays, where it plays one of its own.
    pub(super) fn part(&self, path: PathId) -> Option<Part> {
        self.parts.get(path.0 as usize).copied().flatten()
    }

    /// The rows whose paths fit a leaf of the innermost of these elements, heaviest first.
    pub(super) fn rows(&mut self, path: PathId, aim: Aim, frames: &[Frame]) -> &[(&'t Field, Carry)] {
        let at = match aim {
            Aim::Element => 0,
            Aim::Below => 1,
            Aim::Attribute(name) => 2 + u64::from(name.0),
        };
        let key = u64::from(path.0) << 32 | at;
        let range = match self.aimed.get(&key) {
            Some(range) => range.clone(),
            None => {
                let from = self.rows.len();
                self.rows.extend(self.table.rows(aim, frames));
                self.aimed.insert(key, from..self.rows.len());
                from..self.rows.len()
            }
        };
        self.rows.get(range).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::Counts;
    use super::super::tests::table;
    use super::*;
    use crate::inspect::walk::xml::NodeId;

    #[test]
    fn a_path_has_one_number_and_says_what_the_table_says() {
        let table = table();
        let mut paths = Paths::new(&table);
        let mut counts = Counts::default();
        let words = ["ClinicalDocument", "recordTarget", "patientRole", "patient", "name", "family"];
        let mut seen = Vec::new();
        for _ in 0..2 {
            let mut frames: Vec<Frame> = Vec::new();
            let mut path = PathId::OUTSIDE;
            for (depth, word) in words.iter().enumerate() {
                let name = table.names.element(word);
                let node = NodeId::DOCUMENT;
                let frame = Frame::new(node, node, name, 0, frames.last(), &mut counts);
                frames.push(frame);
                path = paths.enter(path, &frames);
                seen.push(path);
                assert_eq!(paths.part(path), table.part(&frames), "{word}");
                let theirs: Vec<_> = table.rows(Aim::Element, &frames).map(|(row, _)| &row.id).collect();
                let ours: Vec<_> =
                    paths.rows(path, Aim::Element, &frames).iter().map(|(row, _)| &row.id).collect();
                assert_eq!(ours, theirs, "{word}");
                assert_eq!(ours.is_empty(), depth < 4, "{word}");
            }
        }
        assert_eq!(seen.first(), seen.get(words.len()));
        assert_eq!(seen.get(..words.len()), seen.get(words.len()..));
        assert_eq!(paths.parts.len(), words.len());
    }
}
