//! Rows that are arrays: `{"columns": ["mrn", "dob"], "rows": [["E44…", "1967-11-02"]]}`, a first row that names the
//! columns, cells that are objects of one value (`{"v": "…"}`), names and values of one record in two arrays, a statement of
//! SQL and its parameters. Each cell has the name of its column for a key then, and each row is an element like any other.
//!
//! - In doubt: no table. A head is told by the rules of flat tables.
//! - Cost: the first elements of each array are looked at; a table is read once, and so are the arrays beside one.

use super::Table;
use super::keys::Key;
use crate::inspect::hash::Map;
use crate::inspect::keyed::bound::columns;
use crate::inspect::walk::csv;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use std::borrow::Cow;

/// Finds the tables of a document.
pub(super) struct Tables<'t, 'd> {
    tape: &'t Tape<'d>,
    table: &'t Table,
    /// By parent, and whether it is one of a record.
    offers: Map<(usize, bool), Offer>,
    /// The statements of SQL that an object has, by the object: read once, however many lists of parameters there are.
    statements: Map<usize, Vec<(NodeId, Cow<'d, str>)>>,
    /// By statement and how many parameters, the key of the first of their columns; `None` where it has others.
    bound: Map<(usize, usize), Option<u32>>,
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
        Self { tape, table, offers: Map::default(), statements: Map::default(), bound: Map::default() }
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
            } else {
                self.name_bound(id, keys, numbers);
            }
            return;
        }
        if found.is_none() && (2..=WIDTH_MAX).contains(&width) {
            found = self.bound(id, width, keys).map(|column| (column, width));
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

    /// Gives the parameters of a statement, in an array or by their numbers (`{"1": "Okonjo"}`), the keys of the columns that they
    /// are for.
    pub(super) fn name_bound(&mut self, id: NodeId, keys: &mut Vec<Key<'t>>, numbers: &mut [u32]) {
        let tape = self.tape;
        if !is_called(tape, PARAMETERS, id) {
            return;
        }
        let width = tape.children(id).take(WIDTH_MAX + 1).count();
        let is_number = |child| tape.plain_key(child).is_none_or(|key| key.iter().all(u8::is_ascii_digit));
        if (2..=WIDTH_MAX).contains(&width)
            && tape.children(id).all(is_number)
            && let Some(column) = self.bound(id, width, keys)
        {
            name_row(tape, id, (column, width), numbers);
        }
    }

    /// The key of the first of so many columns that a statement names whose values these are: `{"sql": "INSERT INTO patients
    /// (name, dob) VALUES (?, ?)", "params": […]}`. It stands beside them, or beside the object that they lie in.
    fn bound(&mut self, id: NodeId, width: usize, keys: &mut Vec<Key<'t>>) -> Option<u32> {
        let (tape, table) = (self.tape, self.table);
        let near = std::iter::successors(tape.parent(id), |at| tape.parent(*at)).take(STATEMENT_CLIMB_MAX);
        for parent in near.filter(|parent| tape.kind(*parent) == NodeKind::Object) {
            let statements =
                self.statements.entry(parent.index()).or_insert_with(|| statements_of(tape, parent));
            for (statement, text) in statements {
                let columns = self.bound.entry((statement.index(), width)).or_insert_with(|| {
                    let names = columns(text, width)?;
                    let names: Vec<Cow<'_, str>> = names.into_iter().map(Cow::Borrowed).collect();
                    let called = csv::heads(&names, table)?;
                    let heads = called.into_iter().map(|called| (*statement, called)).collect();
                    let first = added(heads, table, keys)?;
                    keys.iter_mut().skip(first as usize).for_each(|key| key.is_bound = true);
                    Some(first)
                });
                if columns.is_some() {
                    return *columns;
                }
            }
        }
        None
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

/// The texts that an object has which begin as a statement of SQL does.
fn statements_of<'d>(tape: &Tape<'d>, object: NodeId) -> Vec<(NodeId, Cow<'d, str>)> {
    let is_one = |member: &NodeId| {
        let head = tape.value_head(*member);
        let text = head.trim_start_matches(|c: char| c.is_whitespace() || c == '\'');
        let word = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        tape.kind(*member) == NodeKind::String
            && text.get(..word).is_some_and(|word| VERBS.iter().any(|verb| verb.eq_ignore_ascii_case(word)))
    };
    let statements = tape.children(object).take(MEMBERS_LOOKED_AT_MAX).filter(is_one).take(STATEMENTS_MAX);
    statements.map(|statement| (statement, tape.value(statement))).collect()
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
    let mut name = |node: NodeId, number| {
        if let Some(known) = numbers.get_mut(node.index()) {
            *known = number;
        }
    };
    let mut column = 0;
    for cell in tape.children(row).take(width) {
        column = place_of(tape, cell).map_or(column, |place| place.max(column));
        let Some(number) = u32::try_from(column).ok().filter(|_| column < width) else { return };
        name(cell, first + number);
        // `<c><is><t>…`: what the text is called says nothing of it.
        if tape.kind(cell) == NodeKind::Object
            && let Some(text) = scalar(tape, cell).filter(|text| is_called(tape, TEXTS, *text))
        {
            name(text, first + number);
        }
        column += 1;
    }
}

/// The place that a cell says it has in its row, where empty ones before it are left out: `ss:Index` of SpreadsheetML.
fn place_of(tape: &Tape<'_>, cell: NodeId) -> Option<usize> {
    if tape.kind(cell) != NodeKind::Object {
        return None;
    }
    let mut members = tape.children(cell).take(CELL_MEMBERS_MAX);
    let index = members.find(|member| tape.key_is(*member, "Index"))?;
    tape.value(index).parse::<usize>().ok()?.checked_sub(1)
}

/// The array of a row's cells: the row, or in an object the one member that it has (`{"f": […]}`), or the one that is called
/// so (`{"id": 7, "cells": […]}`).
fn cells_of(tape: &Tape<'_>, row: NodeId) -> Option<NodeId> {
    match tape.kind(row) {
        NodeKind::Array => Some(row),
        NodeKind::Object => {
            let mut members = tape.children(row).take(CELL_MEMBERS_MAX).enumerate();
            let array = members.find(|(_, member)| tape.kind(*member) == NodeKind::Array);
            let (at, array) = array?;
            let is_alone = at == 0 && members.next().is_none();
            (is_alone || is_called(tape, CELLS, array)).then_some(array)
        }
        _ => None,
    }
}

/// The value of a cell: itself, or what an object of one member holds, or of several the one that is called so.
fn scalar(tape: &Tape<'_>, cell: NodeId) -> Option<NodeId> {
    let mut at = cell;
    for _ in 0..CELL_DEPTH {
        if !matches!(tape.kind(at), NodeKind::Object | NodeKind::Array) {
            return Some(at);
        }
        let mut members = tape.children(at);
        let Some(only) = members.next() else { return Some(at) };
        let is_alone = members.next().is_none();
        let named = || {
            let members = || tape.children(at).take(CELL_MEMBERS_MAX);
            CELL_VALUES.iter().find_map(|key| members().find(|member| tape.key_is(*member, key)))
        };
        at = if is_alone { only } else { named()? };
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
/// What a row's cells are called beside other members, and a cell's value: SpreadsheetML, the sheets of Office Open XML and
/// OpenDocument, sheets that services offer.
const CELLS: &[&str] = &["cells", "cell", "c", "values", "table-cell", "columns", "row", "data"];
const CELL_VALUES: &[&str] = &["Data", "value", "v", "is", "t", "p", "text"];
/// What its text is called that is none.
const TEXTS: &[&str] = &["p", "t"];
/// Of a row or a cell with more members none is looked at.
const CELL_MEMBERS_MAX: usize = 16;
/// What a column's own name is called where columns are objects.
const HEADS: &[&str] =
    &["name", "columnName", "column_name", "Name", "field", "label", "fieldName", "headerName", "title"];
/// What the values of a statement are called, how far from it they lie, and how it begins.
const PARAMETERS: &[&str] = &[
    "params",
    "parameters",
    "args",
    "arguments",
    "binds",
    "bindings",
    "bindvars",
    "bind",
    "replacements",
    "type_casted_binds",
    "values",
    "data",
    "db.params",
    "db.parameters",
    "db.sql.params",
    "queryparams",
    "query_params",
    "sqlparams",
    "sql_params",
];
const STATEMENT_CLIMB_MAX: usize = 2;
const STATEMENTS_MAX: usize = 4;
const VERBS: &[&str] =
    &["insert", "update", "select", "delete", "merge", "replace", "with", "execute", "call"];
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

#[cfg(test)]
mod tests {
    use super::super::found::{each, inspect, is_refused};

    /// Writes a cell around its text.
    type Cell<'c> = &'c dyn Fn(&str) -> String;

    #[test]
    fn rows_of_sheets_have_the_names_of_their_columns() {
        let sheet = |head: &[&str], row: &[&str], cell: Cell<'_>, line: &str| {
            let cells = |all: &[&str]| all.iter().map(|text| cell(text)).collect::<String>();
            format!(
                "<sheet><{line} at='1'>{}</{line}><{line} at='2'>{}</{line}></sheet>",
                cells(head),
                cells(row)
            )
        };
        let cells: [(Cell<'_>, &str); 3] = [
            (&|text| format!("<Cell s='b'><Data Type='String'>{text}</Data></Cell>"), "Row"),
            (&|text| format!("<c r='A1' t='inlineStr'><is><t>{text}</t></is></c>"), "row"),
            (&|text| format!("<table-cell value-type='string'><p>{text}</p></table-cell>"), "table-row"),
        ];
        for (cell, line) in cells {
            let real = sheet(&["Name", "DOB"], &["Ottilie Quispe", "1971-04-02"], cell, line);
            assert!(is_refused(&inspect("application/xml", &real)), "{real}");
            let provider = sheet(&["Provider", "NPI"], &["Ottilie Quispe", "1497758544"], cell, line);
            let system = sheet(&["Server", "Port"], &["gateway", "8080"], cell, line);
            for other in [provider, system] {
                assert!(!is_refused(&inspect("application/xml", &other)), "{other}");
            }
        }
        let gap = "<t><Row><Cell><Data>Name</Data></Cell><Cell><Data>Remark</Data></Cell><Cell><Data>DOB</Data></Cell></Row>\
            <Row><Cell><Data>Ottilie Quispe</Data></Cell><Cell Index='3'><Data>1971-04-02</Data></Cell></Row></t>";
        assert!(is_refused(&inspect("application/xml", gap)));
    }

    #[test]
    fn rows_with_more_than_their_cells_are_rows() {
        each(
            &[
                r#"[{"type":"head","values":["Name","DOB"]},{"type":"row","values":["Ottilie Quispe","1971-04-02"]}]"#,
                r#"{"rows":[{"id":1,"cells":["Name","DOB"]},{"id":2,"cells":["Ottilie Quispe","1971-04-02"]}]}"#,
                r#"{"columns":[{"id":1,"title":"Name"},{"id":2,"title":"DOB"}],"rows":[{"id":7,"cells":[{"columnId":1,"value":"Ottilie Quispe"},{"columnId":2,"value":"1971-04-02"}]}]}"#,
            ],
            true,
        );
        each(
            &[r#"{"rows":[{"id":1,"cells":["Name","Built"]},{"id":2,"cells":["gateway","1971-04-02"]}]}"#],
            false,
        );
    }

    #[test]
    fn a_statement_names_its_parameters() {
        let insert = "INSERT INTO clinic.patients (last_name, first_name, dob) VALUES";
        let values = r#"["Quispe","Ottilie","1971-04-02"]"#;
        each(
            &[
                &format!(r#"{{"sql":"{insert} (?, ?, ?)","params":{values}}}"#),
                &format!(r#"{{"statement":"{insert} ($1, $2, $3)","parameters":{values}}}"#),
                &format!(r#"{{"query":"{insert} (@p0, @p1, @p2)","batch":[{values},{values}]}}"#),
                &format!(
                    r#"{{"crumbs":[{{"message":"{insert} (%s, %s, %s)","data":{{"params":{values}}}}}]}}"#
                ),
                &format!(
                    r#"{{"sql":"{insert} (?, ?, ?)","params":{{"1":"Quispe","2":"Ottilie","3":"1971-04-02"}}}}"#
                ),
                r#"{"sql":"SELECT id FROM patients WHERE last_name = %s AND first_name = %s AND dob = %s","args":["Quispe","Ottilie","1971-04-02"]}"#,
            ],
            true,
        );
        each(
            &[
                &format!(r#"{{"sql":"{insert} (?, ?, ?)","params":["Zztest","Patient","1900-01-01"]}}"#),
                &format!(
                    r#"{{"sql":"INSERT INTO providers (last_name, first_name, dob) VALUES (?, ?, ?)","params":{values}}}"#
                ),
                r#"{"sql":"INSERT INTO jobs (name, started, state) VALUES (?, ?, ?)","params":["nightly","2024-05-26","done"]}"#,
                r#"{"message":"select a plan","data":{"params":["Ottilie","2024-05-26"]}}"#,
            ],
            false,
        );
    }
}
