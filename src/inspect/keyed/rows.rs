//! Rows under names of columns inside a text: `INSERT INTO patients (last_name, dob) VALUES ('Okonjo', '1992-03-03')`, what
//! `COPY … FROM stdin` of PostgreSQL reads, the boxes that clients of databases draw, and tables pasted below a sentence.

use super::value::{fits, whole};
use super::{Told, row_of, tell};
use crate::inspect::field::Field;
use crate::inspect::kind::Kind;
use crate::inspect::names;
use crate::inspect::rules::RuleSet;
use crate::inspect::text::Hit;
use crate::inspect::walk::csv;
use std::borrow::Cow;
use std::ops::Range;

/// Adds what rows in `text` tell to `hits`: each row by itself.
pub(super) fn add(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    if bytes.len() < TABLE_BYTES_MIN {
        return;
    }
    if memchr::memchr(b'(', bytes).is_some() {
        if ends_of(bytes, VALUES).next().is_some() {
            inserts(text, rules, hits);
        }
        violated(text, rules, hits);
        let mut read = 0;
        for at in ends_of(bytes, COPY) {
            if at >= read {
                read = copied(text, at, rules, hits);
            }
        }
    }
    pasted(text, rules, hits);
    if memchr::memchr(b'|', bytes).is_some() {
        boxed(text, rules, hits);
        expanded(text, rules, hits);
    }
}

/// Whether only tables of providers have a column of this name.
pub(super) fn is_providers(key: &str) -> bool {
    PROVIDERS.iter().any(|word| key.eq_ignore_ascii_case(word))
}

/// The rows of tables of providers in `text`: by the table's name and by a column that only they have. A table with a column
/// that only an individual has is none.
pub(super) fn of_providers(text: &str, rules: &RuleSet) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut rows = Vec::new();
    for at in ends_of(bytes, INTO) {
        let Some(head) = head(text, at).filter(|head| lists_providers(head, rules)) else { continue };
        let Some(mut at) = values_behind(bytes, head.end) else { continue };
        loop {
            at = blanks(bytes, at);
            if !matches!(bytes.get(at), Some(b'(' | b',')) {
                break;
            }
            if bytes.get(at) == Some(&b'(') {
                let (_, Some(end)) = tuple(bytes, at + 1, b')') else { break };
                rows.push(at..end);
                at = end;
            } else {
                at += 1;
            }
        }
    }
    rows
}

/// Whether a table lists providers.
fn lists_providers(head: &Head<'_>, rules: &RuleSet) -> bool {
    let name = head.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let is_one = |word: &str| DIRECTORIES.contains(&word.strip_suffix('s').unwrap_or(word));
    let fits = |word: &str| is_one(word) || BESIDE_DIRECTORIES.contains(&word);
    let plain = |key: &str| key.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    let keys = || head.columns.split(',').map(plain);
    let of_an_individual = |key: String| {
        row_of(rules, &key).is_some_and(|row| {
            row.kind.tells_who() && !matches!(row.kind, Kind::FamilyName | Kind::GivenName | Kind::FullName)
                || matches!(row.kind, Kind::Account | Kind::ClaimId | Kind::VisitNumber)
        })
    };
    words.clone().any(is_one)
        && words.all(fits)
        && keys().any(|key| PROVIDERS.contains(&&*key))
        && !keys().any(of_an_individual)
}

/// The ends of a word, in any case, where it stands alone. It is looked for by the letter at `rare`.
pub(super) fn ends_of<'b>(
    bytes: &'b [u8],
    (word, rare): (&'b [u8], usize),
) -> impl Iterator<Item = usize> + 'b {
    let letter = word.get(rare).copied().unwrap_or_default();
    memchr::memchr2_iter(letter, letter.to_ascii_lowercase(), bytes).filter_map(move |found| {
        let start = found.checked_sub(rare)?;
        let end = start + word.len();
        let is_part = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at)).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
        };
        let is_it = bytes.get(start..end)?.eq_ignore_ascii_case(word);
        (is_it && !is_part(start.checked_sub(1)) && !is_part(Some(end))).then_some(end)
    })
}

/// Names of columns with their rows of the table.
pub(super) struct Columns<'t> {
    columns: Vec<Option<(&'t Field, String)>>,
    /// Whether only what says who somebody is counts: programs have users.
    of_users: bool,
}

impl<'t> Columns<'t> {
    /// Of a table that tells of individuals by its name, which may be empty, and its columns.
    pub(super) fn of<'n>(
        name: &str,
        names: impl Iterator<Item = &'n str>,
        rules: &'t RuleSet,
    ) -> Option<Self> {
        if is_nobodys(name) {
            return None;
        }
        let name = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let mut columns = Vec::new();
        for key in names.take(INSERTED_MAX) {
            let key =
                key.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '`' | '[' | ']' | '\''));
            if is_providers(key) {
                return None;
            }
            columns.push(row_of(rules, key).map(|field| (field, key.to_owned())));
        }
        let told = columns.iter().flatten().filter(|(field, _)| field.kind.tells_who()).count();
        let of_users = has(&["user", "account"]);
        (told > 0).then_some(Self { columns, of_users })
    }

    /// What the cells of one row tell.
    pub(super) fn tell(&self, text: &str, cells: &[Range<usize>], rules: &RuleSet, hits: &mut Vec<Hit>) {
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

/// Whether a table lists nobody's data by its name: that of its schema says of nobody whose it is.
pub(super) fn is_nobodys(table: &str) -> bool {
    let name = table.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    has(NOBODYS) && !has(INDIVIDUALS)
}

/// A table that is named, with its columns in brackets behind it.
pub(super) struct Head<'t> {
    pub(super) name: &'t str,
    pub(super) columns: &'t str,
    /// Where the list of columns ends.
    pub(super) end: usize,
}

/// What is named at `at`, behind a word of SQL.
pub(super) fn head(text: &str, at: usize) -> Option<Head<'_>> {
    let rest = text.get(at..)?;
    let is_name = |b: &u8| {
        b.is_ascii_alphanumeric()
            || b.is_ascii_whitespace()
            || matches!(b, b'_' | b'.' | b'"' | b'`' | b'[' | b']' | b'$' | b'-')
    };
    let open = rest.bytes().take(NAME_BYTES_MAX).take_while(is_name).count();
    let name = rest.get(..open)?.trim();
    let list = rest.get(open..)?.strip_prefix('(')?;
    let start = text.len() - list.len();
    let near = list.as_bytes().get(..list.len().min(INSERTED_BYTES_MAX))?;
    let end = memchr::memchr3(b')', b'(', b';', near)?;
    let columns = list.get(..end).filter(|_| near.get(end) == Some(&b')'))?;
    Some(Head { name, columns, end: start + end + 1 })
}

/// Where `VALUES` ends that stands behind a list of columns.
pub(super) fn values_behind(bytes: &[u8], end: usize) -> Option<usize> {
    let (word, _) = VALUES;
    let start = blanks(bytes, end);
    bytes.get(start..start + word.len())?.eq_ignore_ascii_case(word).then_some(start + word.len())
}

/// Every `INSERT INTO name (columns) VALUES (…), (…)`. None goes on into the next: what one lacks to its end hides no other.
fn inserts(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    let statements = ends_of(bytes, INTO).filter_map(|at| {
        let head = head(text, at)?;
        let rows = values_behind(bytes, head.end)?;
        Some((at, head, rows))
    });
    let mut statements = statements.peekable();
    let (mut unended, mut looked) = (0, 0);
    while let Some((_, head, rows)) = statements.next() {
        let next = statements.peek().map_or(bytes.len(), |(next, ..)| *next);
        if let Some(columns) = Columns::of(head.name, head.columns.split(','), rules) {
            let mut tell = |cells: Vec<Range<usize>>, end| {
                let cells = cells.into_iter().map(|cell| match parameter(text, &cell, end, &mut looked) {
                    Some(value) => value,
                    None => cell,
                });
                columns.tell(text, &cells.collect::<Vec<_>>(), rules, hits);
            };
            inserted(text, rows, next.max(rows), &mut unended, &mut tell);
        }
    }
    let mut statements = ends_of(bytes, INTO).peekable();
    while let Some(at) = statements.next() {
        let Some((name, rows)) = nameless(text, at) else { continue };
        let next = statements.peek().map_or(bytes.len(), |next| *next);
        let mut cells = Vec::new();
        inserted(text, rows, next.max(rows), &mut unended, &mut |row, _| {
            if cells.len() < SHAPED_ROWS_MAX {
                cells.push(row);
            }
        });
        shaped(text, name, &cells, rules, hits);
    }
}

/// The table and where the rows begin of a statement that names no columns: `INSERT INTO tbl_member VALUES (…), (…)`.
fn nameless(text: &str, at: usize) -> Option<(&str, usize)> {
    let rest = text.get(at..)?;
    let open = memchr::memchr(b'(', rest.as_bytes().get(..rest.len().min(NAME_BYTES_MAX))?)?;
    let front = rest.get(..open)?.trim_end();
    let name = front.get(..front.len().checked_sub(VALUES.0.len())?)?;
    let is_it = front.get(name.len()..)?.as_bytes().eq_ignore_ascii_case(VALUES.0);
    let name = name.trim().trim_matches(['"', '`', '[', ']']);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.\"`[]$-".contains(&b);
    (is_it && !name.is_empty() && name.bytes().all(plain)).then_some((name, at + open))
}

/// Rows of a table of individuals whose columns nothing names: by what the values look like.
fn shaped(text: &str, name: &str, rows: &[Vec<Range<usize>>], rules: &RuleSet, hits: &mut Vec<Hit>) {
    let name = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    if !INDIVIDUALS.iter().any(|word| name.contains(word)) {
        return;
    }
    let width = rows.first().map_or(0, Vec::len).min(COLUMNS_MAX);
    let value = |cell: &Range<usize>| text.get(cell.clone()).unwrap_or_default().trim();
    let values: Vec<Vec<&str>> =
        (0..width).map(|at| rows.iter().filter_map(|row| row.get(at)).map(value).collect()).collect();
    let mut fields = csv::shaped(&values, &rules.columns);
    // Ten digits are a number of anybody's; where all can be one that a phone has, they are that.
    let is_phone = |value: &&str| {
        let begins = |at: usize| matches!(value.as_bytes().get(at), Some(b'2'..=b'9'));
        value.len() == 10 && value.bytes().all(|b| b.is_ascii_digit()) && begins(0) && begins(3)
    };
    for (field, values) in fields.iter_mut().zip(&values) {
        if field.is_some_and(|field| field.kind == Kind::Mrn) && values.iter().all(is_phone) {
            *field = row_of(rules, "phone");
        }
    }
    for row in rows {
        let mut told = Vec::new();
        for (field, cell) in fields.iter().zip(row) {
            let Some(field) = field.filter(|_| !value(cell).is_empty()) else { continue };
            told.push(Told { span: cell.clone(), field });
        }
        tell(told, hits);
    }
}

/// What PostgreSQL logs of a parameter, behind the statement or before it: `parameters: $1 = 'Okonjo', $2 = '1992-03-03'`.
fn parameter(text: &str, cell: &Range<usize>, end: usize, looked: &mut usize) -> Option<Range<usize>> {
    let name = text.get(cell.clone())?.trim();
    let number = name.strip_prefix('$')?;
    if number.is_empty() || number.len() > 3 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    *looked += 1;
    if *looked > PARAMETERS_MAX {
        return None;
    }
    let key = format!("{name} = '");
    let behind = || Some(end + names::window_after(text, end, PARAMETERS_BYTES_MAX).find(&key)?);
    let before = || {
        let near = names::window_before(text, cell.start, PARAMETERS_BYTES_MAX);
        Some(cell.start - near.len() + near.rfind(&key)?)
    };
    let start = behind().or_else(before)? + key.len();
    Some(start..quote_end(text.as_bytes(), start, b'\''))
}

/// What PostgreSQL says of a row that is there already: `Key (last_name, birth_date)=(Okonjo, 1992-03-03) already exists`.
fn violated(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    for at in memchr::memmem::find_iter(bytes, b")=(") {
        let near = names::window_before(text, at, LIST_BYTES_MAX);
        let Some((_, list)) = near.rsplit_once("Key (") else { continue };
        let Some(columns) = Columns::of("", list.split(','), rules) else { continue };
        let start = at + b")=(".len();
        let rest = names::window_after(text, start, LIST_BYTES_MAX);
        let rest = rest.split_once(')').map_or(rest, |(cells, _)| cells);
        columns.tell(text, &cells(rest, start, ','), rules, hits);
    }
}

/// What `psql` writes with `\x`: `-[ RECORD 1 ]---`, and a line for each column of the row.
fn expanded(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(RECORD)) {
        at += found + RECORD.len();
        let mut told = Vec::new();
        let mut lines = text.get(at..).unwrap_or_default().split_inclusive('\n');
        at += lines.next().map_or(0, str::len);
        let mut is_providers_own = false;
        for line in lines {
            let Some((key, value)) = line.split_once('|').filter(|_| !line.starts_with('-')) else { break };
            let start = at + key.len() + 1;
            at += line.len();
            let key = key.trim();
            is_providers_own |= is_providers(key);
            if let Some(field) = row_of(rules, key)
                && let Some(span) = whole(text, start..start + value.len(), field.kind, key, rules)
            {
                told.push(Told { span, field });
            }
        }
        if !is_providers_own {
            tell(told, hits);
        }
    }
}

/// The rows of one statement from `at` on, where the next one begins at `next`.
fn inserted(
    text: &str,
    mut at: usize,
    next: usize,
    unended: &mut usize,
    tell: &mut dyn FnMut(Vec<Range<usize>>, usize),
) {
    let bytes = text.as_bytes();
    let own = bytes.get(..next).unwrap_or_default();
    loop {
        at = blanks(own, at);
        if own.get(at) != Some(&b'(') {
            return;
        }
        let (mut cells, mut end) = tuple(own, at + 1, b')');
        // Another statement may stand in a text of this one: then its row goes on behind.
        if end.is_none() && next < bytes.len() && *unended < UNENDED_MAX {
            *unended += 1;
            let (more, behind) = tuple(bytes, at + 1, b')');
            if behind.is_some() {
                (cells, end) = (more, behind);
            }
        }
        tell(cells, end.unwrap_or(next));
        at = blanks(own, end.unwrap_or(next));
        if own.get(at) == Some(&b',') {
            at += 1;
        }
    }
}

/// The cells of a tuple, and where it ends, if it does. A text in quotes is a cell, also inside a call: `TO_DATE('1992-03-03', …)`.
pub(super) fn tuple(bytes: &[u8], start: usize, close: u8) -> (Vec<Range<usize>>, Option<usize>) {
    let (mut cells, mut at, mut depth) = (Vec::new(), start, 0_usize);
    let (mut from, mut text) = (start, None);
    let byte = |at: usize| bytes.get(at).copied();
    while let Some(b) = byte(at) {
        match b {
            // In a list of a program a text has either quotes.
            b'\'' | b'"' if b == b'\'' || close == b']' => {
                let end = quote_end(bytes, at + 1, b);
                text = text.or(Some(at + 1..end));
                at = end;
            }
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth == 0 && (b == b',' || b == close) => {
                cells.push(text.take().unwrap_or(from..at));
                if b == close {
                    return (cells, Some(at + 1));
                }
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    // The text is cut off.
    cells.push(text.unwrap_or(from..bytes.len()));
    (cells, None)
}

/// Where a text in quotes ends: two quotes are one of the text.
pub(super) fn quote_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start;
    while let Some(found) = memchr::memchr2(quote, b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        let doubled = bytes.get(at + 1) == Some(&quote);
        match bytes.get(at) {
            Some(b) if *b == quote && !doubled => return at,
            _ => at += 2,
        }
    }
    bytes.len()
}

/// `COPY name (columns) FROM stdin;` and its lines. Gives where they end.
fn copied(text: &str, at: usize, rules: &RuleSet, hits: &mut Vec<Hit>) -> usize {
    let Some(Head { name, columns, end }) = head(text, at) else { return at };
    let Some(columns) = Columns::of(name, columns.split(','), rules) else { return end };
    let bytes = text.as_bytes();
    let mut at = end;
    for word in [&b"FROM"[..], b"STDIN"] {
        at = blanks(bytes, at);
        if !bytes.get(at..at + word.len()).is_some_and(|found| found.eq_ignore_ascii_case(word)) {
            return end;
        }
        at += word.len();
    }
    let options = bytes.get(at..bytes.len().min(at + NAME_BYTES_MAX)).unwrap_or_default();
    let Some(line) = memchr::memchr(b'\n', options) else { return end };
    at += line + 1;
    for line in text.get(at..).unwrap_or_default().split('\n') {
        let is_next = line.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("COPY "));
        if matches!(line.trim_end(), "" | "\\.") || is_next {
            return at;
        }
        let delimiter = if line.contains('\t') { '\t' } else { ',' };
        columns.tell(text, &cells(line, at, delimiter), rules, hits);
        at += line.len() + 1;
    }
    text.len()
}

/// Lines below one of names of columns, with commas or tabs between them.
fn pasted(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    let mut open: Option<(Columns<'_>, char, usize)> = None;
    let mut at = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let line = text.get(at..end).unwrap_or_default().trim_end_matches('\r');
        let start = at;
        at = end + 1;
        if let Some((columns, delimiter, width)) = &open {
            let cells = cells(line, start, *delimiter);
            if cells.len() == *width {
                columns.tell(text, &cells, rules, hits);
                continue;
            }
        }
        open = pasted_head(line, rules);
    }
}

/// The columns that a line names, what is between them, and how many there are. Most lines have more than a name before their
/// first comma, or none.
fn pasted_head<'t>(line: &str, rules: &'t RuleSet) -> Option<(Columns<'t>, char, usize)> {
    let near = line.as_bytes().get(..line.len().min(COLUMN_BYTES_MAX)).unwrap_or_default();
    let first = memchr::memchr2(b',', b'\t', near)?;
    let delimiter = if near.get(first) == Some(&b'\t') { '\t' } else { ',' };
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"_ -./#\t,?:%()&'*+@".contains(&b);
    if line.len() > LIST_BYTES_MAX || !line.bytes().all(is_part) {
        return None;
    }
    let names: Vec<Cow<'_, str>> = line.split(delimiter).map(|name| Cow::Borrowed(name.trim())).collect();
    let is_short = |name: &Cow<'_, str>| !name.is_empty() && name.len() <= COLUMN_BYTES_MAX;
    if !(PASTED_COLUMNS_MIN..=COLUMNS_MAX).contains(&names.len()) || !names.iter().all(is_short) {
        return None;
    }
    if names.iter().any(|name| is_providers(name)) {
        return None;
    }
    let heads = csv::heads(&names, &rules.objects)?;
    let told = heads.iter().map(|(key, nobodys)| if *nobodys { "" } else { key.as_str() });
    Some((Columns::of("", told, rules)?, delimiter, names.len()))
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

pub(super) fn blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes.get(at..).unwrap_or_default().iter().take_while(|b| b.is_ascii_whitespace()).count()
}

/// Words of SQL, each with the place of the letter by which it is looked for.
pub(super) const INTO: (&[u8], usize) = (b"INTO", 0);
const COPY: (&[u8], usize) = (b"COPY", 2);
const VALUES: (&[u8], usize) = (b"VALUES", 0);
/// Tables of individuals, whatever else their names say: `hospital_patients`.
const INDIVIDUALS: &[&str] =
    &["patient", "member", "subscriber", "enrollee", "beneficiar", "insured", "dependent", "resident"];
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
/// Tables of providers, and what else stands in their names.
const DIRECTORIES: &[&str] = &["provider", "practitioner", "physician", "prescriber", "clinician", "doctor"];
const BESIDE_DIRECTORIES: &[&str] =
    &["tbl", "t", "dim", "stg", "staging", "master", "ref", "raw", "directory", "list", "info", "data"];
/// Columns that only tables of providers have.
const PROVIDERS: &[&str] =
    &["npi", "npi_number", "npinumber", "provider_npi", "dea", "dea_number", "specialty", "taxonomy"];
/// A shorter text has no such table.
const TABLE_BYTES_MIN: usize = 40;
const NAME_BYTES_MAX: usize = 128;
/// Lists of values that nothing ends.
const UNENDED_MAX: usize = 16;
/// Parameters that are looked for in one text, and how far.
const PARAMETERS_MAX: usize = 512;
const PARAMETERS_BYTES_MAX: usize = 4096;
/// Rows whose columns nothing names.
const SHAPED_ROWS_MAX: usize = 256;
const RECORD: &str = "-[ RECORD ";
/// The list of columns of an `INSERT`: no database has a table of more.
const INSERTED_MAX: usize = 4096;
const INSERTED_BYTES_MAX: usize = 128 << 10;
const LIST_BYTES_MAX: usize = 4096;
const COLUMNS_MAX: usize = 256;
/// Fewer names between commas are words of a sentence.
const PASTED_COLUMNS_MIN: usize = 3;
/// The longest name of a column.
const COLUMN_BYTES_MAX: usize = 32;
