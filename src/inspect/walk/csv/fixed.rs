//! Columns of fixed width that no line names: where every line has blanks at the same places.

use super::reader::Dialect;
use super::shape::{full_date, is_state};
use std::ops::Range;

/// The columns of lines of which most are as long and blank at the same places. Lines that are much shorter are a file's
/// first and last records. `None` where there are too few, or where something else divides them.
pub(super) fn without_a_head(doc: &[u8]) -> Option<Dialect> {
    let lines: Vec<&[u8]> = lines(doc).take(LINES).collect();
    // Most texts have no such line among the first.
    if !lines.iter().take(3).any(|line| may_be_a_row(line)) {
        return None;
    }
    let longest = lines.iter().map(|line| line.len()).max().unwrap_or_default();
    let rows: Vec<&[u8]> = lines.iter().copied().filter(|line| line.len() * 4 >= longest * 3).collect();
    let others = lines.len() - rows.len();
    if rows.len() < ROWS_MIN || others > OTHERS_MAX || longest > LINE_BYTES_MAX || !may_have_columns(&rows) {
        return None;
    }
    let rows: Vec<Vec<char>> =
        rows.iter().map(|row| String::from_utf8_lossy(row).chars().collect()).collect();
    let is_blank = |at: usize| rows.iter().all(|row| row.get(at).is_none_or(|c| *c == ' '));
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    let mut columns: Vec<Range<usize>> = Vec::new();
    let mut gap = GAP_MIN;
    for at in 0..width {
        if is_blank(at) {
            gap += 1;
            continue;
        }
        match columns.last_mut() {
            Some(column) if gap < GAP_MIN => column.end = at + 1,
            _ => columns.push(at..at + 1),
        }
        gap = 0;
    }
    // Where a file has a first or last record, each begins with its type.
    if let Some(first) = columns.first_mut().filter(|_| others > 0) {
        let kind = kind(&rows).min(first.end - 1);
        first.start = kind;
        columns.splice(..0, (kind > 0).then_some(0..kind));
    }
    let columns: Vec<Range<usize>> = columns.into_iter().flat_map(|column| parted(column, &rows)).collect();
    (columns.len() >= COLUMNS_MIN).then_some(Dialect::Fixed(columns))
}

/// The lines of a text that aren't blank, without blanks at their ends.
fn lines(doc: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(doc);
    let lines = std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr2(b'\n', b'\r', text);
        rest = end.and_then(|end| text.get(end + 1..));
        text.get(..end.unwrap_or(text.len()))
    });
    lines.map(<[u8]>::trim_ascii_end).filter(|line| !line.is_empty())
}

/// Whether all rows are blank somewhere between their first and last columns, or have a date before all that could be cut
/// into columns without a blank. It is asked of the bytes, since most texts are turned away by it.
fn may_have_columns(rows: &[&[u8]]) -> bool {
    if !rows.iter().all(|row| row.is_ascii()) {
        return true;
    }
    let width = rows.iter().map(|row| row.len()).max().unwrap_or_default();
    let is_blank = |at: usize| rows.iter().all(|row| row.get(at).is_none_or(|b| *b == b' '));
    let front = (0..width).find(|at| !is_blank(*at)).unwrap_or(width);
    let mut gap = 0;
    let has_gap = (front..width).any(|at| {
        gap = if is_blank(at) { gap + 1 } else { 0 };
        gap >= GAP_MIN
    });
    let is_dated = |row: &&[u8]| {
        let head = row.get(front..).unwrap_or_default();
        let head = head.get(..TYPE_CHARS_MAX + 8).unwrap_or(head);
        head.windows(8).any(|eight| eight.iter().all(u8::is_ascii_digit))
    };
    has_gap || rows.iter().all(is_dated)
}

/// The columns that a head names, of values that stand below their names or begin a little before them, as those under a
/// centred name do. `None` where a value goes on from one name's place to the next's: these are no columns.
pub(super) fn under_a_head(names: &[Range<usize>], rows: &[Vec<char>]) -> Option<Vec<Range<usize>>> {
    let is_blank = |at: usize| rows.iter().all(|row| row.get(at).is_none_or(|c| *c == ' '));
    let mut columns: Vec<Range<usize>> = Vec::with_capacity(names.len());
    for name in names {
        let start = match columns.last() {
            Some(before) => (before.end + 1..=name.start).rev().find(|start| is_blank(start - 1))?,
            None => (1..=name.start).rev().find(|start| is_blank(start - 1)).unwrap_or(0),
        };
        // What stands before the first one's values is the number of the row.
        let is_numbered = |row: &Vec<char>| row.iter().take(start).any(|c| *c != ' ');
        if columns.is_empty() && rows.iter().any(is_numbered) {
            columns.push(0..start);
        }
        columns.push(start..name.end);
    }
    Some(columns)
}

/// The columns that a head names, of values that touch: each begins right below its name, as the dates of birth show.
pub(super) fn touching(
    names: Vec<Range<usize>>,
    rows: &[Vec<char>],
    is_birth: impl Fn(&Range<usize>) -> bool,
) -> Option<Vec<Range<usize>>> {
    let ends = names.iter().skip(1).map(|next| next.start).chain([usize::MAX]);
    let columns: Vec<Range<usize>> = names.iter().zip(ends).map(|(name, end)| name.start..end).collect();
    let born = names.iter().zip(&columns).find(|(name, _)| is_birth(name)).map(|(_, column)| column)?;
    let is_day = |row: &Vec<char>| {
        let value: String = row.iter().take(born.end).skip(born.start).collect();
        full_date(value.trim()).is_some()
    };
    rows.iter().all(is_day).then_some(columns)
}

/// Whether a line has blanks as columns have, and nothing that divides cells.
fn may_be_a_row(line: &[u8]) -> bool {
    let gaps = line.windows(GAP_MIN + 1).filter(|w| matches!(w, [b' ', b' ', last] if *last != b' ')).count();
    let commas = line.iter().filter(|b| **b == b',').count();
    gaps >= 2
        && commas < 2
        && !line.iter().any(|b| matches!(b, b'\t' | b'|' | b';' | b'^' | b'~' | b'{' | b'<'))
}

/// The length of what all rows begin with, a record's type: letters before a digit, or one character.
fn kind(rows: &[Vec<char>]) -> usize {
    let first = |at: usize| rows.first().and_then(|row| row.get(at)).filter(|c| c.is_ascii_alphanumeric());
    let alike = |at: &usize| first(*at).is_some_and(|c| rows.iter().all(|row| row.get(*at) == Some(c)));
    let length = (0..TYPE_CHARS_MAX).take_while(alike).count();
    let letters = (0..length).all(|at| first(at).is_some_and(char::is_ascii_alphabetic));
    let digits_follow = rows.iter().all(|row| row.get(length).is_some_and(char::is_ascii_digit));
    if letters && digits_follow { length } else { length.min(1) }
}

/// A column, in parts where every row has a date of eight digits before the letter of a sex there, or a state before its
/// ZIP code.
fn parted(column: Range<usize>, rows: &[Vec<char>]) -> Vec<Range<usize>> {
    let all = |test: &dyn Fn(&str) -> bool| {
        rows.iter().all(|row| {
            let value: String = row.iter().take(column.end).skip(column.start).collect();
            test(value.trim_end())
        })
    };
    let digits =
        |text: Option<&str>| text.is_some_and(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()));
    let dated = |value: &str| {
        let behind = value.get(8..).map(str::as_bytes);
        digits(value.get(..8))
            && matches!(behind, Some([b'M' | b'F' | b'U' | b'X'] | [b'M' | b'F' | b'U' | b'X', b' ', ..]))
    };
    let zipped = |value: &str| {
        value.get(..2).is_some_and(|state| is_state(&[state])) && digits(value.get(2..7)) && value.len() >= 7
    };
    let cut = |places: &[usize]| {
        let ends = places.iter().map(|at| column.start + at).chain([column.end]);
        let mut start = column.start;
        ends.map(|end| std::mem::replace(&mut start, end)..end).filter(|part| !part.is_empty()).collect()
    };
    if all(&dated) {
        cut(&[8, 9])
    } else if all(&zipped) {
        cut(&[2])
    } else {
        vec![column]
    }
}

const LINES: usize = 64;
/// Two lines may be alike by chance; two people are a file of people.
const ROWS_MIN: usize = 2;
/// Lines that are no rows: a file's first and last records.
const OTHERS_MAX: usize = 2;
const COLUMNS_MIN: usize = 4;
/// Blanks between columns: one stands in values, too.
const GAP_MIN: usize = 2;
const TYPE_CHARS_MAX: usize = 3;
const LINE_BYTES_MAX: usize = 4 << 10;
