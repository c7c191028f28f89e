//! Flat tables: CSV (RFC 4180) and its relatives, and columns of fixed width, under a rule line or a head, or without one.
//!
//! - Takes: a text, the column names of `config/fields/csv-columns.toml` as a [`Table`], and the key table of objects.
//! - Gives: every cell once. A column that a name tells has its row; without any name that the tables know, columns are
//!   judged by what their values look like over the first rows (`shape.rs`); all other cells are text with the column's
//!   name as cue. Judging whole columns tells a list of people from a list of products, which a cell alone can't.
//! - Persons: each record is one; columns that begin with a relative's word are one more each. Lines in front of the
//!   head are one. A file may have several tables, each with its head. Providers' and organisations' columns are nobody's.
//!   Rows whose `name` is a thing's are nobody's (`directory.rs`), and those of clinicians and of staff (`walk/staff.rs`).
//! - In doubt: text. A record with more cells than the head has names is read both ways.
//! - Errors: [`WalkError::Malformed`] for a quote that never closes, after the rest was told with quotes as letters, and
//!   [`WalkError::TooMuch`] for a record of more than 16,384 cells, after what goes beyond was told as one, and for more
//!   than 64 tables.
//! - Cost: one pass; the head and the first rows are looked at once for each delimiter. Memory for one record.

mod column;
mod directory;
mod fixed;
mod layout;
mod reader;
mod shape;
mod table;

#[cfg(test)]
mod tests;

pub(super) use column::words;
pub use table::Table;

use super::object::{self, Carry};
use super::staff::{Entry, Part};
use super::{Leaf, PersonId, Reads, Role, Sink, WalkError};
use crate::inspect::field::Field;
use crate::inspect::kind::{Kind, Whose};
use crate::inspect::marker::is_uuid;
use crate::inspect::names;
use column::{Column, Meaning};
use layout::Layout;
use reader::{CELLS_MAX, Cell, Records, Start};
use std::borrow::Cow;
use std::ops::Range;

/// Whether a text that nobody declared is a flat table, beyond doubt.
#[must_use]
pub fn recognise(doc: &[u8]) -> bool {
    let rules = crate::inspect::RuleSet::built_in();
    layout::recognise(doc, &rules.columns, &rules.objects)
}

/// Walks a document.
///
/// # Errors
/// As the page says: the sink was told everything then.
pub fn walk(doc: &[u8], table: &Table, keys: &object::Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    let (mut unclosed, mut too_much, mut persons) = (None, None, 0);
    let mut at = Some(Start::default());
    let mut tables = 0..TABLES_MAX;
    while let Some(start) = at.take() {
        let layout = Layout::of(doc.get(start.at..).unwrap_or_default(), table, keys);
        let mut records = Records::from(doc, &layout.dialect, start);
        let is_last = tables.next().is_none();
        let mut walk = Walk::new(doc, &layout, (table, keys), persons, sink);
        at = walk.table(start, &mut records, is_last);
        persons = walk.persons;
        unclosed = unclosed.or(records.unclosed());
        let many_tables = walk.is_cut.then_some(TABLES_MAX);
        too_much = too_much.or(many_tables).or(records.is_cut().then_some(CELLS_MAX));
    }
    let malformed = unclosed.map(|at| WalkError::Malformed { at });
    let too_much = too_much.map(|max| WalkError::TooMuch { max });
    malformed.or(too_much).map_or(Ok(()), Err)
}

/// What columns hold that nothing names, by what their values look like.
pub(in crate::inspect) fn shaped<'t>(columns: &[Vec<&str>], table: &'t Table) -> Vec<Option<&'t Field>> {
    let field = |shape: Option<&str>| match table.shaped(shape?).meaning {
        Meaning::Field(field, _) => Some(field),
        _ => None,
    };
    shape::shapes(columns, &[]).into_iter().map(field).collect()
}

/// What the columns of these names are called in the key table, and which are nobody's; `None` where they are no head. Rows
/// that are arrays have columns, too, and tables within a text.
pub(in crate::inspect) fn heads(names: &[Cow<'_, str>], keys: &object::Table) -> Option<Vec<(String, bool)>> {
    let table = &crate::inspect::RuleSet::built_in().columns;
    if names.len() < 2 || !names.iter().all(|name| column::is_name(name) || column::may_be_asked(name)) {
        return None;
    }
    let mut columns: Vec<Column<'_>> = names.iter().map(|name| table.column(keys, name)).collect();
    let known = columns.iter().filter(|column| column.tells()).count();
    if known < 2 || !column::are_names(names.iter().map(AsRef::as_ref), known) {
        return None;
    }
    let normal: Vec<String> = names.iter().map(|name| object::normal_key(name)).collect();
    directory::settle(&mut columns, &normal, layout::Values::default());
    let called = |(column, name): (&Column<'_>, &Cow<'_, str>)| {
        (column.key().unwrap_or(name).to_owned(), matches!(column.meaning, Meaning::Public))
    };
    Some(columns.iter().zip(names).map(called).collect())
}

/// The cells of a document with record and column (from 0) and their place in its syntax, for who writes it again: bytes
/// between them are delimiters, quotes, blanks and line ends.
pub(crate) fn cells(doc: &[u8], table: &Table, keys: &object::Table, told: &mut Told<'_>) {
    let mut cells = Vec::new();
    let mut at = Some(Start::default());
    let mut tables = 0..TABLES_MAX;
    while let Some(start) = at.take() {
        let layout = Layout::of(doc.get(start.at..).unwrap_or_default(), table, keys);
        let head = layout.head(start);
        let is_last = tables.next().is_none();
        let mut records = Records::from(doc, &layout.dialect, start);
        loop {
            let next = records.start();
            let Some(number) = records.next(&mut cells) else { break };
            if !is_last && layout.ends_before(number, start, (doc, &cells), (table, keys)) {
                at = Some(next);
                break;
            }
            for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.span.is_empty()) {
                let column =
                    layout.columns.get(at).filter(|column| head == Some(number) && column.word != "*");
                told((number, at), cell.span.clone(), column.map(|column| column.word.as_str()));
            }
        }
    }
}

/// Tables of one document whose heads are looked for.
const TABLES_MAX: usize = 64;

/// Who is told record and column of a cell, its bytes, and its name where it is a name of the table.
type Told<'t> = dyn FnMut((usize, usize), Range<usize>, Option<&str>) + 't;

struct Walk<'t, 'd, 's> {
    doc: &'d [u8],
    table: &'t Table,
    keys: &'t object::Table,
    layout: &'d Layout<'t>,
    /// The column that tells rows of organisations.
    organisations: Option<usize>,
    /// The column of names that may be things'.
    called: Option<usize>,
    /// Column names as written: cues.
    names: Vec<String>,
    persons: u32,
    row: Row,
    /// Year, month and day of a birth date, where columns of their own tell them; and the row of the whole.
    parts: Option<([usize; 3], Column<'t>)>,
    /// Whether more tables begin than are told apart.
    is_cut: bool,
    sink: &'s mut dyn Sink,
}

/// Who and what was told of the record that is open.
#[derive(Default)]
struct Row {
    person: Option<PersonId>,
    groups: Vec<(String, PersonId)>,
    clinical: bool,
    /// It is an organisation's or staff's: nobody's.
    public: bool,
    staff: bool,
}

impl<'t, 'd, 's> Walk<'t, 'd, 's> {
    fn new(
        doc: &'d [u8],
        layout: &'d Layout<'t>,
        (table, keys): (&'t Table, &'t object::Table),
        persons: u32,
        sink: &'s mut dyn Sink,
    ) -> Self {
        Self {
            doc,
            table,
            keys,
            organisations: directory::name_column(&layout.columns),
            called: directory::called_column(&layout.columns),
            layout,
            names: Vec::new(),
            persons,
            row: Row::default(),
            parts: None,
            is_cut: false,
            sink,
        }
    }

    /// Tells the records of one table. Gives where the next one begins: files that were put together have a head each.
    fn table(&mut self, start: Start, records: &mut Records<'_, '_>, is_last: bool) -> Option<Start> {
        let (doc, layout) = (self.doc, self.layout);
        let mut cells = Vec::new();
        let head = layout.head(start);
        loop {
            let next = records.start();
            let number = records.next(&mut cells)?;
            if layout::is_rule(&cells, doc) || layout::is_declaration(&cells, doc, number) {
                continue;
            }
            let is_others = || layout.ends_before(number, start, (doc, &cells), (self.table, self.keys));
            match head {
                Some(head) if number == head => self.head(number, &cells),
                Some(head) if number < head => self.title(number, &cells),
                Some(_) if self.is_head_again(&cells) => {}
                None if layout.sideways => self.sideways(number, &cells),
                _ if is_others() => {
                    if !is_last {
                        return Some(next);
                    }
                    self.is_cut = true;
                    self.record(number, &cells);
                }
                _ => self.record(number, &cells),
            }
        }
    }

    /// Names of the table stay unsaid; any other is payload.
    fn head(&mut self, number: usize, cells: &[Cell]) {
        self.row = Row::default();
        self.names = cells.iter().map(|cell| cell.value(self.doc).into_owned()).collect();
        self.parts = self.birth_in_parts();
        for (at, cell) in cells.iter().enumerate() {
            if self.column(at).is_none_or(|column| column.word == "*") && !cell.span.is_empty() {
                let person = self.person();
                let name = cell.value(self.doc);
                self.sink.unknown_key(&name, cell.span.clone(), person, &|| place(number, at, None));
            }
        }
        self.row = Row::default();
    }

    /// A line in front of the head: a report's title, whom it is about, when it was made.
    fn title(&mut self, number: usize, cells: &[Cell]) {
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.span.is_empty()) {
            let person = self.person();
            let before = at.checked_sub(1).and_then(|at| cells.get(at)).map(|cell| cell.value(self.doc));
            self.text(number, at, cell, person, &before.unwrap_or_default());
        }
    }

    /// Files that were put together repeat their head.
    fn is_head_again(&self, cells: &[Cell]) -> bool {
        cells.len() == self.names.len()
            && cells.iter().zip(&self.names).all(|(cell, name)| cell.value(self.doc) == name.as_str())
    }

    fn record(&mut self, number: usize, cells: &[Cell]) {
        self.row = Row::default();
        if let [only] = cells
            && self.layout.columns.len() > 1
            && memchr::memchr(b' ', self.doc.get(only.span.clone()).unwrap_or_default()).is_some()
        {
            // A line of words in a table of columns: a title, a sum, `(2 rows)`.
            let person = self.person();
            return self.text(number, 0, only, person, "");
        }
        let name = self.organisations.and_then(|at| cells.get(at));
        let called = self.called.and_then(|at| cells.get(at));
        self.row.public = name.is_some_and(|cell| directory::is_organisation(&cell.value(self.doc)))
            || called.is_some_and(|cell| directory::is_a_thing(&cell.value(self.doc), self.layout.things));
        self.row.staff = self.layout.staff.as_ref().is_some_and(|parts| self.is_staffs(parts, cells));
        let ragged = cells.len() > self.layout.columns.len() && !self.names.is_empty();
        let birth = self.birth(cells);
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.span.is_empty()) {
            let column = self.column(at).cloned();
            let name = self.names.get(at).cloned().unwrap_or_default();
            match &birth {
                Some((date, column)) if self.parts.as_ref().is_some_and(|(parts, _)| parts.contains(&at)) => {
                    self.value(number, (at, cell), Cow::Borrowed(date), column, &name, ragged);
                }
                _ => self.cell(number, at, cell, column.as_ref(), &name, ragged),
            }
        }
    }

    /// Whether a record is an entry of such a list by what it says itself.
    fn is_staffs(&self, parts: &[Part], cells: &[Cell]) -> bool {
        let mut entry = Entry::default();
        for (at, part) in parts.iter().enumerate() {
            entry.hear(*part, &cells.get(at).map(|cell| cell.value(self.doc)).unwrap_or_default());
        }
        cells.len() <= parts.len() && entry.is_one("")
    }

    /// The columns of `dob_yyyy`, `dob_mm` and `dob_dd`, and what the whole is.
    fn birth_in_parts(&self) -> Option<([usize; 3], Column<'t>)> {
        let names: Vec<String> = self.names.iter().map(|name| object::normal_key(name)).collect();
        let find = |suffix: &str, stem: &str| {
            names.iter().position(|name| name.strip_suffix(suffix).is_some_and(|front| front == stem))
        };
        BIRTHS.iter().find_map(|stem| {
            let parts = object::DATE_PARTS.iter().find_map(|[year, month, day]| {
                Some([find(year, stem)?, find(month, stem)?, find(day, stem)?])
            })?;
            Some((parts, self.table.column(self.keys, "dob")))
        })
    }

    /// The birth date that a record tells in three cells.
    fn birth(&self, cells: &[Cell]) -> Option<(String, Column<'t>)> {
        let (parts, column) = self.parts.as_ref()?;
        let part = |at: usize| cells.get(at)?.value(self.doc).trim().parse::<u16>().ok();
        let [year, month, day] = parts.map(part);
        Some((object::date_of(year?, month?, day?)?, column.clone()))
    }

    /// A record that is a name and its value. A name that comes again begins another person.
    fn sideways(&mut self, number: usize, cells: &[Cell]) {
        let Some(first) = cells.first() else { return };
        let name = first.value(self.doc).trim_end_matches(':').to_owned();
        let column = self.table.column(self.keys, &name);
        if !column.tells() {
            for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.span.is_empty()) {
                let person = self.person();
                self.text(number, at, cell, person, if at > 0 { name.as_str() } else { "" });
            }
            return;
        }
        if self.names.contains(&column.word) {
            self.names.clear();
            self.row = Row::default();
        }
        self.names.push(column.word.clone());
        for (at, cell) in cells.iter().enumerate().skip(1).filter(|(_, cell)| !cell.span.is_empty()) {
            // A list of columns with what they mean isn't a person: numbers have digits.
            let digits = cell.value(self.doc).bytes().any(|b| b.is_ascii_digit());
            let column = Some(&column).filter(|column| digits || !column.is_number());
            self.cell(number, at, cell, column, &name, false);
        }
    }

    fn cell(
        &mut self,
        number: usize,
        at: usize,
        cell: &Cell,
        column: Option<&Column<'t>>,
        name: &str,
        ragged: bool,
    ) {
        let value = cell.value(self.doc);
        let Some(column) = column else {
            let person = self.person();
            return self.text(number, at, cell, person, name);
        };
        self.value(number, (at, cell), value, column, name, ragged);
    }

    fn value(
        &mut self,
        number: usize,
        (at, cell): (usize, &Cell),
        value: Cow<'_, str>,
        column: &Column<'t>,
        name: &str,
        ragged: bool,
    ) {
        let public = match column.meaning {
            Meaning::Field(_, Carry::Text | Carry::Base64) => false,
            Meaning::Field(..) => self.row.public || self.row.staff,
            // All columns of such a list are known; what is written out may still be about somebody.
            Meaning::Unknown => self.row.staff && value.split_whitespace().nth(3).is_none(),
            _ => false,
        };
        let person = match (&column.meaning, &column.group) {
            (Meaning::Public, _) => PersonId::NOBODY,
            _ if public => PersonId::NOBODY,
            (Meaning::Field(field, _), _) if matches!(field.whose, Whose::Provider | Whose::Organisation) => {
                PersonId::NOBODY
            }
            (_, Some(group)) => self.relative(&group.prefix),
            _ => self.person(),
        };
        let (field, reads) = match column.meaning {
            _ if public => (None, Reads::Public),
            Meaning::Field(field, carry) => reading(field, carry, &value),
            // A warehouse's own id names nobody outside of it.
            Meaning::NumberOrName(..) if is_uuid(&value) => (self.table.opaque(), Reads::Value),
            Meaning::NumberOrName(number, name) => {
                let is_number = value.bytes().any(|b| b.is_ascii_digit()) && !is_numbered_name(&value);
                (Some(if is_number { number } else { name }), Reads::Value)
            }
            Meaning::Public => (None, Reads::Public),
            Meaning::Clinical => {
                if !self.row.clinical {
                    self.row.clinical = true;
                    self.sink.clinical(person);
                }
                (None, Reads::Text)
            }
            Meaning::Unknown => (None, Reads::Text),
        };
        // A thing's name is no cue of a person's, but for what the lists know as somebody's.
        let may_be_things = field.is_none() && name.ends_with(['e', 'E']);
        let is_things = may_be_things && object::is_called_by_a_thing(&object::normal_key(name));
        let name = if is_things && !names::is_listed(&value) { "" } else { name };
        // Cells of a record with too many may stand under the wrong name.
        let reads = if ragged { Reads::Text } else { reads };
        let leaf = Leaf { span: cell.span.clone(), value, field, person, reads, cue: name };
        self.sink.leaf(&leaf, &|| place(number, at, Some(column)));
    }

    fn text(&mut self, number: usize, at: usize, cell: &Cell, person: PersonId, cue: &str) {
        let value = cell.value(self.doc);
        let leaf = Leaf { span: cell.span.clone(), value, field: None, person, reads: Reads::Text, cue };
        self.sink.leaf(&leaf, &|| place(number, at, None));
    }

    fn column(&self, at: usize) -> Option<&Column<'t>> {
        self.layout.columns.get(at)
    }

    /// Whom the open record is about.
    fn person(&mut self) -> PersonId {
        if let Some(person) = self.row.person {
            return person;
        }
        let person = self.announce(Role::Patient);
        self.row.person = Some(person);
        person
    }

    fn relative(&mut self, prefix: &str) -> PersonId {
        let of = self.person();
        if let Some((_, person)) = self.row.groups.iter().find(|(group, _)| group == prefix) {
            return *person;
        }
        let person = self.announce(Role::RelativeOf(of));
        self.row.groups.push((prefix.to_owned(), person));
        person
    }

    fn announce(&mut self, role: Role) -> PersonId {
        let person = PersonId(self.persons);
        self.persons = self.persons.saturating_add(1).min(u32::MAX - 1);
        self.sink.person(person, role);
        person
    }
}

/// What columns of the parts of a birth date begin with.
const BIRTHS: &[&str] = &["dob", "birth", "birthdate", "dateofbirth", "patientdob", "ptdob"];

/// Whether a value is words of letters with up to three digits behind each, as a generator numbers names, and no number of
/// words: `Haruto364 Brzezinski942`.
fn is_numbered_name(value: &str) -> bool {
    let mut words = 0;
    let is_word = |word: &str| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        let plain = |c: char| c.is_alphabetic() || matches!(c, '\'' | '\u{2019}' | '-' | '.');
        word.len() - letters.len() <= NAME_DIGITS_MAX && letters.len() > 1 && letters.chars().all(plain)
    };
    value.split([' ', ',']).filter(|word| !word.is_empty()).all(|word| {
        words += 1;
        is_word(word) && word.starts_with(char::is_uppercase)
    }) && words > 1
}

/// A generator writes no more behind a name.
const NAME_DIGITS_MAX: usize = 3;

/// How a value under a row reads.
fn reading<'f>(field: &'f Field, carry: Carry, value: &str) -> (Option<&'f Field>, Reads<'static>) {
    match carry {
        Carry::Text => (Some(field), Reads::Text),
        Carry::Base64 if value.len() >= 16 => (Some(field), Reads::Base64("")),
        Carry::Opaque => (Some(field), Reads::Opaque),
        Carry::Value if field.kind == Kind::VisitNumber && is_uuid(value) => (None, Reads::Opaque),
        // `Serum` is what a specimen is, and no number of it.
        Carry::Value if field.kind == Kind::OrderNumber && !value.bytes().any(|b| b.is_ascii_digit()) => {
            (None, Reads::Text)
        }
        Carry::Time if value.bytes().any(|b| b.is_ascii_digit()) => (Some(field), Reads::Time),
        // A column named for a relative has a name in it, or a word like `yes`.
        Carry::Relative => match value.split_whitespace().count() >= 2 {
            true => (Some(field), Reads::Text),
            false => (None, Reads::Text),
        },
        Carry::Time | Carry::Base64 => (None, Reads::Text),
        _ => (Some(field), Reads::Value),
    }
}

/// `row 3, column dob`: words of the tables and indices.
fn place(number: usize, at: usize, column: Option<&Column<'_>>) -> String {
    let word: Cow<'_, str> = match column {
        Some(column) if column.word != "*" => Cow::Borrowed(&column.word),
        _ => Cow::Owned(format!("*[{}]", at + 1)),
    };
    format!("row {number}, column {word}")
}
