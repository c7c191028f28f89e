//! Rows that are arrays: `{"columns": ["mrn", "dob"], "rows": [["E44…", "1967-11-02"]]}`, a first row that names the
//! columns, cells that are objects of one value (`{"v": "…"}`), names and values of one record in two arrays. Each cell has
//! the name of its column for a key then, and each row is an element like any other.
//!
//! - In doubt: no table. A head is told by the rules of flat tables.
//! - Cost: the first element of each array is looked at; a table is read once.

use crate::inspect::walk::csv;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use std::borrow::Cow;

/// A column: where its name stands, what it is called in the key table, and its cells.
pub(super) type Column = (NodeId, String, Vec<NodeId>);

/// The columns of an array that is the rows of a table, or one row of it; none of any other.
pub(super) fn columns(tape: &Tape<'_>, id: NodeId) -> Vec<Column> {
    let Some(first) = tape.children(id).next() else { return Vec::new() };
    let Some(row) = cells_of(tape, first) else { return record(tape, id) };
    let width = tape.children(row).take(WIDTH_MAX + 1).count();
    if !(2..=WIDTH_MAX).contains(&width) || tape.children(row).any(|cell| scalar(tape, cell).is_none()) {
        return Vec::new();
    }
    if let Some(heads) = beside(tape, id, width) {
        return filled(tape, heads, tape.children(id));
    }
    let mut rows = tape.children(id);
    let heads = rows.next().and_then(|_| heads(tape, row));
    // A list of what there is in each of some lists has no row but heads.
    match (heads, rows.next()) {
        (Some(heads), Some(second)) => filled(tape, heads, std::iter::once(second).chain(rows)),
        _ => Vec::new(),
    }
}

/// One record whose names stand in another array: `{"columnnames": […], "columnvalues": […]}`.
fn record(tape: &Tape<'_>, id: NodeId) -> Vec<Column> {
    let named = |keys: &[&str], id: NodeId| {
        tape.plain_key(id).is_some_and(|key| keys.iter().any(|k| key.eq_ignore_ascii_case(k.as_bytes())))
    };
    if !named(VALUES, id) {
        return Vec::new();
    }
    let width = tape.children(id).take(WIDTH_MAX + 1).count();
    let Some(parent) = tape.parent(id).filter(|_| (2..=WIDTH_MAX).contains(&width)) else {
        return Vec::new();
    };
    let mut lists = tape.children(parent).take(MEMBERS_LOOKED_AT_MAX).filter(|at| named(NAMES, *at));
    let heads = lists.find_map(|list| heads(tape, list).filter(|heads| heads.len() == width));
    let Some(heads) = heads else { return Vec::new() };
    let cells = tape.children(id);
    heads.into_iter().zip(cells).map(|((head, name), cell)| (head, name, vec![cell])).collect()
}

/// Heads and the cells under them.
fn filled(tape: &Tape<'_>, heads: Vec<Head>, rows: impl Iterator<Item = NodeId>) -> Vec<Column> {
    let mut columns: Vec<Column> = heads.into_iter().map(|(head, name)| (head, name, Vec::new())).collect();
    for row in rows.filter_map(|row| cells_of(tape, row)) {
        for (cell, (_, _, cells)) in tape.children(row).zip(&mut columns) {
            cells.push(cell);
        }
    }
    columns
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

/// Heads that stand beside the rows: an array of as many words, or of objects with a name each; or in an object there.
fn beside(tape: &Tape<'_>, rows: NodeId, width: usize) -> Option<Vec<Head>> {
    let parent = tape.parent(rows)?;
    let fits = |at: NodeId| {
        (at != rows && tape.kind(at) == NodeKind::Array)
            .then(|| heads(tape, at))
            .flatten()
            .filter(|heads| heads.len() == width)
    };
    let mut members = tape.children(parent).take(MEMBERS_LOOKED_AT_MAX);
    members.find_map(|member| match tape.kind(member) {
        NodeKind::Object => tape.children(member).take(MEMBERS_LOOKED_AT_MAX).find_map(fits),
        _ => fits(member),
    })
}

/// Where a column's name stands, and what it is called in the key table.
type Head = (NodeId, String);

/// The names of columns that an array has, if they are that.
fn heads(tape: &Tape<'_>, list: NodeId) -> Option<Vec<Head>> {
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
    let called = csv::heads(&names)?;
    Some(nodes.into_iter().zip(called).collect())
}

/// Of a table with more columns none is looked at.
const WIDTH_MAX: usize = 512;
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
