//! Rows that are arrays: `{"columns": ["mrn", "dob"], "rows": [["E44…", "1967-11-02"]]}`, a first row that names the
//! columns, cells that are objects of one value (`{"v": "…"}`), names and values of one record in two arrays. Each cell has
//! the name of its column for a key then, and each row is an element like any other.
//!
//! - In doubt: no table. A head is told by the rules of flat tables.
//! - Cost: the first elements of each array are looked at; a table is read once, and so are the arrays beside one.

use super::Table;
use super::keys::Key;
use crate::inspect::hash::Map;
use crate::inspect::walk::csv;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use std::borrow::Cow;

/// Finds the tables of a document.
pub(super) struct Tables<'t, 'd> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    /// By parent, and whether it is one of a record.
    offers: Map<(usize, bool), Offer>,
}

/// What a parent has to offer as heads: looked for once, however many tables it has.
struct Offer {
    /// Arrays by how many values they have.
    lists: Map<usize, Vec<NodeId>>,
    /// By how many columns, the key of the first of them; `None` where no list names so many.
    columns: Map<usize, Option<u32>>,
}

impl<'t, 'd> Tables<'t, 'd> {
    pub(super) fn new(tape: &'t Tape<'d>, table: &'t Table) -> Self {
        Self { tape, table, offers: Map::default() }
    }

    /// Gives the cells of an array that is the rows of a table, or one row of it, the keys of their columns.
    pub(super) fn name_cells(&mut self, id: NodeId, keys: &mut Vec<Key<'t>>, numbers: &mut [u32]) {
        let tape = self.tape;
        let Some(first) = tape.children(id).next() else { return };
        let mut found = None;
        let (mut is_table, mut width) = (false, 0);
        // The first rows: one may be empty, or shorter than the others.
        for row in tape.children(id).take(ROWS_LOOKED_AT_MAX).filter_map(|row| cells_of(tape, row)) {
            is_table = true;
            let cells = tape.children(row).take(WIDTH_MAX + 1).count();
            if (2..=WIDTH_MAX).contains(&cells) && std::mem::replace(&mut width, cells) != cells {
                found = self.heads_beside(id, cells, false, keys).map(|column| (column, cells));
            }
            if found.is_some() {
                break;
            }
        }
        if !is_table {
            if let Some(column) = self.record(id, keys) {
                name_row(tape, id, column, numbers);
            }
            return;
        }
        // A list of what there is in each of some lists has no row but heads.
        let own = || {
            tape.children(id).nth(1)?;
            let heads = heads(tape, cells_of(tape, first)?, self.table)?;
            let width = heads.len();
            Some((added(heads, self.table, keys)?, width))
        };
        let skipped = usize::from(found.is_none());
        let Some(columns) = found.or_else(own) else { return };
        for row in tape.children(id).skip(skipped).filter_map(|row| cells_of(tape, row)) {
            name_row(tape, row, columns, numbers);
        }
    }

    /// One record whose names stand in another array: `{"columnnames": […], "columnvalues": […]}`.
    fn record(&mut self, id: NodeId, keys: &mut Vec<Key<'t>>) -> Option<(u32, usize)> {
        if !is_called(self.tape, VALUES, id) {
            return None;
        }
        let width = self.tape.children(id).take(WIDTH_MAX + 1).count();
        if !(2..=WIDTH_MAX).contains(&width) {
            return None;
        }
        Some((self.heads_beside(id, width, true, keys)?, width))
    }

    /// The key of the first of so many columns that are named beside an array: by an array of as many words, or of objects
    /// with a name each; or in an object there.
    fn heads_beside(
        &mut self,
        id: NodeId,
        width: usize,
        record: bool,
        keys: &mut Vec<Key<'t>>,
    ) -> Option<u32> {
        let (tape, table) = (self.tape, self.table);
        let parent = tape.parent(id)?;
        let offer = self
            .offers
            .entry((parent.index(), record))
            .or_insert_with(|| Offer { lists: lists_of(tape, parent, record), columns: Map::default() });
        let Offer { lists, columns } = offer;
        *columns.entry(width).or_insert_with(|| {
            let mut lists = lists.get(&width).into_iter().flatten();
            lists.find_map(|list| heads(tape, *list, table)).and_then(|heads| added(heads, table, keys))
        })
    }
}

/// The arrays that a parent, or an object in it, has: those that name the values of a record, or all.
fn lists_of(tape: &Tape<'_>, parent: NodeId, record: bool) -> Map<usize, Vec<NodeId>> {
    let mut lists: Map<usize, Vec<NodeId>> = Map::default();
    let mut add = |list: NodeId| {
        let width = tape.children(list).take(WIDTH_MAX + 1).count();
        if (2..=WIDTH_MAX).contains(&width) {
            lists.entry(width).or_default().push(list);
        }
    };
    for member in tape.children(parent).take(MEMBERS_LOOKED_AT_MAX) {
        match tape.kind(member) {
            NodeKind::Array if !record || is_called(tape, NAMES, member) => add(member),
            NodeKind::Object if !record => {
                let members = tape.children(member).take(MEMBERS_LOOKED_AT_MAX);
                members.filter(|list| tape.kind(*list) == NodeKind::Array).for_each(&mut add);
            }
            _ => {}
        }
    }
    lists
}

fn is_called(tape: &Tape<'_>, keys: &[&str], id: NodeId) -> bool {
    tape.plain_key(id).is_some_and(|key| keys.iter().any(|k| key.eq_ignore_ascii_case(k.as_bytes())))
}

/// Adds the keys of columns; gives the number of the first.
fn added<'t>(heads: Vec<Head>, table: &'t Table, keys: &mut Vec<Key<'t>>) -> Option<u32> {
    let first = u32::try_from(keys.len()).ok()?;
    keys.extend(heads.into_iter().map(|(head, (name, is_nobodys))| Key {
        head: Some(head),
        is_nobodys,
        ..Key::of(&name, table)
    }));
    Some(first)
}

/// Gives the cells of a row the keys of their columns: so many from this one on.
fn name_row(tape: &Tape<'_>, row: NodeId, (first, width): (u32, usize), numbers: &mut [u32]) {
    for (cell, number) in tape.children(row).take(width).zip(first..) {
        if let Some(known) = numbers.get_mut(cell.index()) {
            *known = number;
        }
    }
}

/// The array of a row's cells: the row, or the one member that it has (`{"f": […]}`).
fn cells_of(tape: &Tape<'_>, row: NodeId) -> Option<NodeId> {
    match tape.kind(row) {
        NodeKind::Array => Some(row),
        NodeKind::Object => {
            let mut members = tape.children(row);
            members.next().filter(|only| members.next().is_none() && tape.kind(*only) == NodeKind::Array)
        }
        _ => None,
    }
}

/// The value of a cell: itself, or what an object of one member holds.
fn scalar(tape: &Tape<'_>, cell: NodeId) -> Option<NodeId> {
    let mut at = cell;
    for _ in 0..CELL_DEPTH {
        if !matches!(tape.kind(at), NodeKind::Object | NodeKind::Array) {
            return Some(at);
        }
        let mut members = tape.children(at);
        let Some(only) = members.next() else { return Some(at) };
        at = Some(only).filter(|_| members.next().is_none())?;
    }
    None
}

/// Where a column's name stands, what it is called in the key table, and whether it is nobody's.
type Head = (NodeId, (String, bool));

/// The names of columns that an array has, if they are that.
fn heads(tape: &Tape<'_>, list: NodeId, table: &Table) -> Option<Vec<Head>> {
    let mut nodes = Vec::new();
    for child in tape.children(list).take(WIDTH_MAX + 1) {
        let name = match tape.kind(child) {
            NodeKind::Object => {
                let mut members = tape.children(child).take(MEMBERS_LOOKED_AT_MAX);
                members.find(|m| HEADS.iter().any(|key| tape.key_is(*m, key))).or_else(|| scalar(tape, child))
            }
            _ => Some(child),
        };
        nodes.push(name.filter(|name| tape.kind(*name) == NodeKind::String)?);
    }
    let names: Vec<Cow<'_, str>> = nodes.iter().map(|node| tape.value(*node)).collect();
    let called = csv::heads(&names, table)?;
    Some(nodes.into_iter().zip(called).collect())
}

/// Of a table with more columns none is looked at: as many as a sheet of a spreadsheet has.
const WIDTH_MAX: usize = 16_384;
/// Rows among which one is looked for that is as wide as the heads beside it.
const ROWS_LOOKED_AT_MAX: usize = 16;
/// `{"Data": {"text": "…"}}`.
const CELL_DEPTH: usize = 3;
/// What a column's own name is called where columns are objects.
const HEADS: &[&str] =
    &["name", "columnName", "column_name", "Name", "field", "label", "fieldName", "headerName"];
/// Names and values of one record, side by side.
const NAMES: &[&str] =
    &["columnnames", "column_names", "columns", "headers", "header", "fields", "names", "keys", "labels"];
const VALUES: &[&str] = &[
    "columnvalues",
    "column_values",
    "values",
    "row",
    "data",
    "record",
    "cells",
    "vals",
    "oldvalues",
    "newvalues",
    "keyvalues",
];
