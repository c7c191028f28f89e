//! Rows under names of columns inside a text: `INSERT INTO patients (last_name, dob) VALUES ('Okonjo', '1992-03-03')`, what
//! `COPY … FROM stdin` of PostgreSQL reads, and the boxes that clients of databases draw.

use super::value::fits;
use super::{Told, row_of, tell};
use crate::inspect::field::Field;
use crate::inspect::rules::RuleSet;
use crate::inspect::text::Hit;
use memchr::memmem::Finder;
use std::ops::Range;
use std::sync::LazyLock;

/// Adds what rows in `text` tell to `hits`: each row by itself.
pub(super) fn add(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    if bytes.len() < TABLE_BYTES_MIN {
        return;
    }
    if memchr::memchr(b'(', bytes).is_some() {
        for finder in INTO.iter() {
            // What was read is read once; one that nothing ends, a few times.
            let (mut read, mut unended) = (0, 0);
            for at in finder.find_iter(bytes) {
                if at >= read && unended < UNENDED_MAX {
                    let end = inserted(text, at + finder.needle().len(), rules, hits);
                    unended += usize::from(end == bytes.len());
                    read = if end == bytes.len() { read } else { end };
                }
            }
        }
        for finder in COPY.iter() {
            let mut read = 0;
            for at in finder.find_iter(bytes) {
                if at >= read {
                    read = copied(text, at + finder.needle().len(), rules, hits);
                }
            }
        }
    }
    if memchr::memchr(b'|', bytes).is_some() {
        boxed(text, rules, hits);
    }
}

/// Names of columns with their rows of the table.
struct Columns<'t> {
    columns: Vec<Option<(&'t Field, String)>>,
    /// Whether only what says who somebody is counts: programs have users.
    of_users: bool,
}

impl<'t> Columns<'t> {
    /// Of a table that tells of individuals by its name, which may be empty, and its columns.
    fn of<'n>(name: &str, names: impl Iterator<Item = &'n str>, rules: &'t RuleSet) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        if NOBODYS.iter().any(|word| name.contains(word)) {
            return None;
        }
        let mut columns = Vec::new();
        for key in names.take(COLUMNS_MAX) {
            let key =
                key.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '[' | ']' | '\''));
            if PROVIDERS.iter().any(|word| key.eq_ignore_ascii_case(word)) {
                return None;
            }
            columns.push(row_of(rules, key).map(|field| (field, key.to_owned())));
        }
        let told = columns.iter().flatten().filter(|(field, _)| field.kind.tells_who()).count();
        let of_users = ["user", "account"].iter().any(|word| name.contains(word));
        (told > 0).then_some(Self { columns, of_users })
    }

    /// What the cells of one row tell.
    fn tell(&self, text: &str, cells: &[Range<usize>], rules: &RuleSet, hits: &mut Vec<Hit>) {
        let mut told = Vec::new();
        for (column, cell) in self.columns.iter().zip(cells) {
            let Some((field, key)) = column.as_ref().filter(|(f, _)| !self.of_users || f.kind.tells_who())
            else {
                continue;
            };
            let Some(raw) = text.get(cell.clone()) else { continue };
            let value = raw.trim();
            if fits(field.kind, value, key, rules) {
                let start = cell.start + (raw.len() - raw.trim_start().len());
                told.push(Told { span: start..start + value.len(), field });
            }
        }
        tell(told, hits);
    }
}

/// The columns of a table that is named here, in brackets, and where these end.
fn head<'t>(text: &str, at: usize, rules: &'t RuleSet) -> Option<(Columns<'t>, usize)> {
    let rest = text.get(at..)?;
    let is_name =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'"' | b'`' | b'[' | b']' | b' ');
    let open = rest.bytes().take(NAME_BYTES_MAX).take_while(is_name).count();
    let name = rest.get(..open)?;
    let list = rest.get(open..)?.trim_start().strip_prefix('(')?;
    let start = text.len() - list.len();
    let near = list.as_bytes().get(..list.len().min(LIST_BYTES_MAX))?;
    let end = memchr::memchr3(b')', b'(', b';', near)?;
    let list = list.get(..end).filter(|_| near.get(end) == Some(&b')'))?;
    Some((Columns::of(name, list.split(','), rules)?, start + end + 1))
}

/// `INSERT INTO name (columns) VALUES (…), (…)`. Gives where it ends.
fn inserted(text: &str, at: usize, rules: &RuleSet, hits: &mut Vec<Hit>) -> usize {
    let Some((columns, end)) = head(text, at, rules) else { return at };
    let bytes = text.as_bytes();
    let mut at = blanks(bytes, end);
    if !bytes.get(at..at + VALUES.len()).is_some_and(|word| word.eq_ignore_ascii_case(VALUES)) {
        return at;
    }
    at += VALUES.len();
    loop {
        at = blanks(bytes, at);
        if bytes.get(at) != Some(&b'(') {
            return at;
        }
        let (cells, end) = tuple(bytes, at + 1);
        columns.tell(text, &cells, rules, hits);
        at = blanks(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at += 1;
        }
    }
}

/// The cells of a tuple, and where it ends. A text in quotes is a cell, also inside a call: `TO_DATE('1992-03-03', …)`.
fn tuple(bytes: &[u8], start: usize) -> (Vec<Range<usize>>, usize) {
    let (mut cells, mut at, mut depth) = (Vec::new(), start, 0_usize);
    let (mut from, mut text) = (start, None);
    let byte = |at: usize| bytes.get(at).copied();
    while let Some(b) = byte(at) {
        match b {
            b'\'' => {
                let end = quote_end(bytes, at + 1);
                text = text.or(Some(at + 1..end));
                at = end;
            }
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b',' | b')' if depth == 0 => {
                cells.push(text.take().unwrap_or(from..at));
                if b == b')' {
                    return (cells, at + 1);
                }
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    // The text is cut off.
    cells.push(text.unwrap_or(from..bytes.len()));
    (cells, bytes.len())
}

/// Where a text in quotes ends: two quotes are one of the text.
fn quote_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(found) = memchr::memchr2(b'\'', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        let doubled = bytes.get(at + 1) == Some(&b'\'');
        match bytes.get(at) {
            Some(b'\'') if !doubled => return at,
            _ => at += 2,
        }
    }
    bytes.len()
}

/// `COPY name (columns) FROM stdin;` and its lines. Gives where they end.
fn copied(text: &str, at: usize, rules: &RuleSet, hits: &mut Vec<Hit>) -> usize {
    let Some((columns, end)) = head(text, at, rules) else { return at };
    let behind = text.as_bytes().get(end..text.len().min(end + NAME_BYTES_MAX)).unwrap_or_default();
    let from_here = behind.to_ascii_lowercase().trim_ascii_start().starts_with(b"from stdin");
    let Some(line) = memchr::memchr(b'\n', behind).filter(|_| from_here) else { return end };
    let mut at = end + line + 1;
    for line in text.get(at..).unwrap_or_default().split('\n') {
        if matches!(line.trim_end(), "" | "\\.") || line.starts_with("COPY ") {
            return at;
        }
        let delimiter = if line.contains('\t') { '\t' } else { ',' };
        columns.tell(text, &cells(line, at, delimiter), rules, hits);
        at += line.len() + 1;
    }
    text.len()
}

/// `+----+`, a line of names, `+----+`, and lines of values up to another.
fn boxed(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    let is_rule =
        |line: &str| line.starts_with("+-") && line.bytes().all(|b| matches!(b, b'+' | b'-' | b'\r'));
    let mut columns: Option<Columns<'_>> = None;
    let mut at = 0;
    // Rules of the box so far: names stand behind the first, values behind the second.
    let mut rules_seen = 0;
    for line in text.split('\n') {
        let start = at + line.len() - line.trim_start().len();
        at += line.len() + 1;
        let line = line.trim();
        if is_rule(line) {
            rules_seen += 1;
        } else if let Some(row) = line.strip_prefix('|').filter(|_| rules_seen > 0) {
            let row = row.strip_suffix('|').unwrap_or(row);
            match (rules_seen, &columns) {
                (1, None) => columns = Columns::of("", row.split('|'), rules),
                (2, Some(columns)) => columns.tell(text, &cells(row, start + 1, '|'), rules, hits),
                _ => {}
            }
        } else {
            (rules_seen, columns) = (0, None);
        }
        if rules_seen > 2 {
            (rules_seen, columns) = (1, None); // the next box begins
        }
    }
}

/// The cells of a line that begins at `at`.
fn cells(line: &str, mut at: usize, delimiter: char) -> Vec<Range<usize>> {
    let each = line.split(delimiter).take(COLUMNS_MAX);
    each.map(|cell| {
        let start = at;
        at += cell.len() + 1;
        start..start + cell.len()
    })
    .collect()
}

fn blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_whitespace()).count()
}

static INTO: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| [Finder::new("INTO "), Finder::new("into ")]);
static COPY: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| [Finder::new("COPY "), Finder::new("copy ")]);
const VALUES: &[u8] = b"VALUES";
/// Tables of those who aren't individuals here.
const NOBODYS: &[&str] = &[
    "provider",
    "doctor",
    "physician",
    "practitioner",
    "clinician",
    "nurse",
    "staff",
    "prescriber",
    "pharmac",
    "vendor",
    "hospital",
    "facilit",
    "organi",
    "clinic",
];
/// Columns that only tables of providers have.
const PROVIDERS: &[&str] =
    &["npi", "npi_number", "npinumber", "provider_npi", "dea", "dea_number", "specialty", "taxonomy"];
/// A shorter text has no such table.
const TABLE_BYTES_MIN: usize = 40;
const NAME_BYTES_MAX: usize = 128;
/// Lists of values that nothing ends.
const UNENDED_MAX: usize = 16;
const LIST_BYTES_MAX: usize = 4096;
const COLUMNS_MAX: usize = 256;
