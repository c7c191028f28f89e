//! Parameters that stand apart from the names of their columns, as programs log what they ask a database: `INSERT INTO patients
//! (last_name, dob) VALUES (?, ?)` and below it `('Okonjo', '1992-03-03')`; `WHERE last_name = ? AND dob = ?` and its
//! `params: […]`; the lines that Hibernate writes for each; and pairs (`["last_name", "Okonjo"]`).
//!
//! - A list is a statement's where it stands close behind and has as many values as that has question marks.
//! - Cost: linear in the text; what stands behind a statement is looked through for so many of them.

use super::rows::{Columns, Head, INTO, blanks, ends_of, head, is_nobodys, quote_end, tuple, values_behind};
use super::value::whole;
use super::{KEY_BYTES_MAX, Told, row_of};
use crate::inspect::names;
use crate::inspect::rules::RuleSet;
use crate::inspect::text::Hit;
use crate::inspect::walk::start_of;
use std::ops::Range;

/// Adds what the parameters of statements in `text` tell to `hits`.
pub(super) fn add(text: &str, rules: &RuleSet, hits: &mut Vec<Hit>) {
    for statement in statements(text).iter().take(STATEMENTS_MAX) {
        let count = statement.columns.len();
        let Some(cells) = listed(text, statement.end, count)
            .or_else(|| lines(text, statement.end, count))
            .or_else(|| listed_before(text, statement.start, count))
        else {
            continue;
        };
        if let Some(columns) = Columns::of(statement.table, statement.columns.iter().copied(), rules) {
            columns.tell(text, &cells, rules, hits);
        }
    }
}

/// What stands in pairs: `["last_name", "Okonjo"]`, `('dob', '1992-03-03')`.
pub(super) fn pairs<'t>(text: &str, rules: &'t RuleSet, told: &mut Vec<Told<'t>>) {
    let bytes = text.as_bytes();
    // Texts have fewer quotes than brackets.
    for opens in memchr::memchr2_iter(b'"', b'\'', bytes) {
        let Some([b'[' | b'(', quote]) = opens.checked_sub(1).and_then(|at| bytes.get(at..=opens)) else {
            continue;
        };
        let from = opens + 1;
        let near = bytes.get(from..bytes.len().min(from + KEY_BYTES_MAX + 1)).unwrap_or_default();
        let Some(end) = memchr::memchr(*quote, near).map(|end| from + end) else { continue };
        let comma = blanks(bytes, end + 1);
        let value = blanks(bytes, comma + 1);
        let key = text.get(from..end).unwrap_or_default();
        if bytes.get(comma) != Some(&b',') || !matches!(bytes.get(value), Some(b'"' | b'\'')) {
            continue;
        }
        let near = bytes.get(..bytes.len().min(value + PAIR_BYTES_MAX)).unwrap_or_default();
        let stop = quote_end(near, value + 1, bytes.get(value).copied().unwrap_or_default());
        let is_pair = matches!(bytes.get(stop + 1), Some(b']' | b')'));
        if is_pair
            && let Some(field) = row_of(rules, key)
            && let Some(span) = whole(text, value + 1..stop, field.kind, key, rules)
        {
            told.push(Told { span, field });
        }
    }
}

/// The names of as many columns as there are values, of a statement whose values stand elsewhere: in another member of the
/// document that holds it.
pub(in crate::inspect) fn columns(statement: &str, count: usize) -> Option<Vec<&str>> {
    let all = statements(start_of(statement, STATEMENT_BYTES_MAX));
    let mut asked = all.into_iter().take(STATEMENTS_MAX).filter(|asked| !is_nobodys(asked.table));
    let columns = asked.find(|asked| asked.columns.len() == count)?.columns;
    let quotes = |c: char| c.is_whitespace() || matches!(c, '"' | '`' | '[' | ']' | '\'');
    Some(columns.into_iter().map(|column| column.trim_matches(quotes)).collect())
}

/// A statement with question marks for its values.
struct Statement<'t> {
    table: &'t str,
    columns: Vec<&'t str>,
    start: usize,
    end: usize,
}

fn statements(text: &str) -> Vec<Statement<'_>> {
    let bytes = text.as_bytes();
    let mut asked = asked(text);
    for at in ends_of(bytes, INTO) {
        let Some(Head { name, columns, end }) = head(text, at) else { continue };
        let Some(open) = values_behind(bytes, end).map(|at| blanks(bytes, at)) else { continue };
        if bytes.get(open) != Some(&b'(') {
            continue;
        }
        // What is never closed isn't looked for to the end of the text.
        let near = bytes.get(..bytes.len().min(open + BOUND_BYTES_MAX)).unwrap_or_default();
        let (cells, Some(end)) = tuple(near, open + 1, b')') else { continue };
        let is_open = |cell: &Range<usize>| text.get(cell.clone()).is_some_and(|cell| is_open(cell.trim()));
        if !cells.is_empty() && cells.iter().all(is_open) {
            let columns = columns.split(',').take(cells.len()).collect();
            asked.push(Statement { table: name, columns, end, start: at });
        }
    }
    asked
}

/// Whether a cell is filled from elsewhere: `?`, `%s`, `$1`, `@p0`, `:dob`.
fn is_open(cell: &str) -> bool {
    let named = || {
        cell.strip_prefix(['$', '@', ':']).is_some_and(|name| !name.is_empty() && name.bytes().all(is_word))
    };
    matches!(cell, "?" | "%s") || named()
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Conditions and assignments with a question mark: `last_name = ? AND dob=?`; those that stand close are one statement's.
fn asked(text: &str) -> Vec<Statement<'_>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Statement<'_>> = Vec::new();
    for mark in memchr::memchr3_iter(b'?', b'$', b'%', bytes) {
        // `$2`, `%s`
        let behind = bytes.get(mark + 1..).unwrap_or_default();
        let length = match bytes.get(mark) {
            Some(b'$') => behind.iter().take(3).take_while(|b| b.is_ascii_digit()).count(),
            Some(b'%') => usize::from(behind.first() == Some(&b's')),
            _ => 0,
        };
        let end = mark + 1 + length;
        if bytes.get(mark) != Some(&b'?') && length == 0 {
            continue;
        }
        let before = names::window_before(text, mark, KEY_BYTES_MAX).trim_end();
        let ends = |word: &str| {
            let name = before.len().checked_sub(word.len())?;
            before.get(name..)?.eq_ignore_ascii_case(word).then_some(name)
        };
        let Some(name) = ends("=").or_else(|| ends(" like")) else { continue };
        let name = before.get(..name).unwrap_or_default().trim_end().trim_end_matches(['"', '`', ']']);
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let column = name.get(name.rfind(|c| !is_part(c)).map_or(0, |at| at + 1)..).unwrap_or_default();
        match found.last_mut() {
            Some(last) if mark - last.end <= CONDITION_BYTES_MAX && last.columns.len() < COLUMNS_MAX => {
                last.columns.push(column);
                last.end = end;
            }
            _ => found.push(Statement { table: "", columns: vec![column], end, start: mark }),
        }
    }
    found
}

/// The first list of so many values behind a statement.
fn listed(text: &str, end: usize, count: usize) -> Option<Vec<Range<usize>>> {
    let near = names::window_after(text, end, BOUND_BYTES_MAX);
    let bytes = text.as_bytes().get(..end + near.len())?;
    let opens = memchr::memchr2_iter(b'[', b'(', near.as_bytes()).take(LISTS_MAX);
    opens.map(|at| end + at).find_map(|open| {
        let close = if bytes.get(open) == Some(&b'[') { b']' } else { b')' };
        let (cells, end) = tuple(bytes, open + 1, close);
        (end.is_some() && cells.len() == count).then_some(cells)
    })
}

/// The last list of so many numbered values before a statement, on its line: `params: [1='Okonjo', 2='1992-03-03'] insert …`.
fn listed_before(text: &str, start: usize, count: usize) -> Option<Vec<Range<usize>>> {
    let near = names::window_before(text, start, BOUND_BYTES_MAX);
    let near = near.get(near.rfind('\n').map_or(0, |at| at + 1)..)?;
    let open = start - near.len() + near.rfind("[1=")?;
    let bytes = text.as_bytes().get(..start)?;
    let close = open + memchr::memchr(b']', bytes.get(open..)?)?;
    let mut cells = Vec::new();
    let mut at = open + 1;
    for cell in text.get(at..close)?.split(", ") {
        let own = cell.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('=')?;
        let value = own.trim_matches('\'');
        let from = at + (cell.len() - own.len()) + usize::from(own.starts_with('\''));
        cells.push(from..from + value.len());
        at += cell.len() + 2;
    }
    (cells.len() == count).then_some(cells)
}

/// The values that Hibernate logs behind a statement, a line for each: `binding parameter [1] as [VARCHAR] - [Okonjo]`,
/// `binding parameter (1:VARCHAR) <- [Okonjo]`.
fn lines(text: &str, end: usize, count: usize) -> Option<Vec<Range<usize>>> {
    let near = names::window_after(text, end, BOUND_BYTES_MAX);
    let mut cells = vec![None; count];
    let mut at = end;
    for line in near.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let Some((_, own)) = line.split_once(BINDING) else { continue };
        let number = own.trim_start_matches(['[', '(']);
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let number = number.get(..digits).and_then(|digits| digits.parse::<usize>().ok());
        let line = line.trim_end();
        let value = line.rfind("- [").filter(|_| line.ends_with(']')).map(|at| at + "- [".len());
        if let (Some(value), Some(slot)) =
            (value, number.and_then(|number| cells.get_mut(number.checked_sub(1)?)))
        {
            slot.get_or_insert(start + value..start + line.len() - 1);
        }
    }
    cells.into_iter().collect()
}

/// A longer value of a pair is none of a person's.
const PAIR_BYTES_MAX: usize = 256;
const BINDING: &str = "binding parameter ";
/// How far a row of question marks goes, and how far behind a statement its values are looked for, in so many lists.
const BOUND_BYTES_MAX: usize = 2048;
const LISTS_MAX: usize = 8;
/// A longer statement is read so far.
const STATEMENT_BYTES_MAX: usize = 16 * 1024;
/// Statements of one text.
const STATEMENTS_MAX: usize = 16;
/// Between two conditions of a statement there is no more.
const CONDITION_BYTES_MAX: usize = 160;
const COLUMNS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use crate::inspect::kind::Kind;
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn told(text: &str) -> Vec<&str> {
        let hits = scan(text, "", RuleSet::built_in());
        let labelled =
            hits.iter().filter(|hit| hit.labelled && hit.kind != Kind::GivenName || hit.points.0 >= 20);
        labelled.map(|hit| &text[hit.span.clone()]).collect()
    }

    #[test]
    fn parameters_are_told_behind_their_statement() {
        for text in [
            "INFO engine INSERT INTO patient (last_name, dob, mrn) VALUES (?, ?, ?)\nINFO engine [generated in 0.00012s] ('Quispe', '1972-12-12', '3919891')",
            "cur.execute('INSERT INTO patient (last_name, dob, mrn) VALUES (%s, %s, %s)', [\"Quispe\", \"1972-12-12\", \"3919891\"])",
            "SELECT * FROM patient WHERE last_name=? AND dob = ? OR mrn LIKE ? -- params: ['Quispe', '1972-12-12', '3919891']",
            "insert into patient (last_name, dob, mrn) values (?, ?, ?)\nbinding parameter [1] as [VARCHAR] - [Quispe]\nbinding parameter [2] as [DATE] - [1972-12-12]\nbinding parameter [3] as [VARCHAR] - [3919891]\n",
            "insert into patient (last_name, dob, mrn) values (?, ?, ?)\n12:01 TRACE binding parameter (1:VARCHAR) <- [Quispe]\n12:01 TRACE binding parameter (2:DATE) <- [1972-12-12]\n12:01 TRACE binding parameter (3:VARCHAR) <- [3919891]",
            "SELECT * FROM patient WHERE last_name=$1 AND dob = $2 AND mrn = $3 -- PARAMETERS: [\"Quispe\", \"1972-12-12\", \"3919891\"]",
            "DEBUG SQL bind params: [1='Quispe', 2='1972-12-12', 3='3919891'] insert into patient (last_name, dob, mrn) values (?,?,?)",
            "INSERT INTO \"patients\" (\"last_name\", \"dob\", \"mrn\") VALUES ($1, $2, $3)  [[\"last_name\", \"Quispe\"], [\"dob\", \"1972-12-12\"], [\"mrn\", \"3919891\"]]",
        ] {
            assert_eq!(told(text), ["Quispe", "1972-12-12", "3919891"], "{text}");
        }
    }

    #[test]
    fn a_list_that_is_no_statements_tells_nothing() {
        for text in [
            "INSERT INTO patient (last_name, dob, mrn) VALUES (?, ?, ?) took [0.1, 7]",
            "INSERT INTO provider (last_name, npi, phone) VALUES (?, ?, ?) ('Quispe', '1497758544', '3919891')",
            "SELECT id FROM t WHERE status = ? AND kind = ? params: ['Quispe', '1972-12-12']",
            "[\"last_name\", \"first_name\"], (\"dob\", \"mrn\")",
        ] {
            assert_eq!(told(text), [""; 0], "{text}");
        }
    }
}
