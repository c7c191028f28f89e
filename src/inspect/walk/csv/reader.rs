//! Records and cells of delimited text (RFC 4180 and what is in use): raw spans, quotes left out.

use std::borrow::Cow;
use std::ops::Range;

/// How a text is divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Cells between this byte, quotes around them where they are needed.
    Delimited(u8),
    /// Cells at these characters of a line; the last goes on to its end.
    Fixed(Vec<Range<usize>>),
}

/// One cell: its raw bytes without quotes and blanks around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) span: Range<usize>,
    /// Whether it stands in quotes: then two of them are one.
    pub(super) quoted: bool,
}

impl Cell {
    /// What it says: UTF-8, or else Latin-1.
    pub(super) fn value<'d>(&self, doc: &'d [u8]) -> Cow<'d, str> {
        let raw = doc.get(self.span.clone()).unwrap_or_default();
        let text = match std::str::from_utf8(raw) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(raw.iter().map(|b| char::from(*b)).collect()),
        };
        if self.quoted && memchr::memmem::find(raw, b"\"\"").is_some() {
            return Cow::Owned(text.replace("\"\"", "\""));
        }
        text
    }
}

/// The records of a text, one at a time.
#[derive(Debug, Clone)]
pub(super) struct Records<'d, 'l> {
    doc: &'d [u8],
    dialect: &'l Dialect,
    at: usize,
    number: usize,
    /// Where a quote opened that never closes; behind it quotes are letters like any other.
    unclosed: Option<usize>,
    /// Whether a record had more cells than are told apart.
    cut: bool,
}

/// Where a record begins, and how many stand before it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    pub(super) at: usize,
    pub(super) number: usize,
}

impl<'d, 'l> Records<'d, 'l> {
    pub(super) fn new(doc: &'d [u8], dialect: &'l Dialect) -> Self {
        Self::from(doc, dialect, Start::default())
    }

    /// Those of a document from one on.
    pub(super) fn from(doc: &'d [u8], dialect: &'l Dialect, Start { at, number }: Start) -> Self {
        let mark = if at == 0 && doc.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        Self { doc, dialect, at: at + mark, number, unclosed: None, cut: false }
    }

    /// Where the next record begins.
    pub(super) const fn start(&self) -> Start {
        Start { at: self.at, number: self.number }
    }

    /// Reads the next record into `cells`, and gives its number, from 1 as spreadsheets count; `None` at the end.
    pub(super) fn next(&mut self, cells: &mut Vec<Cell>) -> Option<usize> {
        cells.clear();
        if self.at >= self.doc.len() {
            return None;
        }
        self.number += 1;
        match self.dialect {
            Dialect::Delimited(delimiter) => self.delimited(*delimiter, cells),
            Dialect::Fixed(columns) => self.fixed(columns, cells),
        }
        Some(self.number)
    }

    /// Where a quote opened that never closes.
    pub(super) const fn unclosed(&self) -> Option<usize> {
        self.unclosed
    }

    /// Whether a record had more cells than are told apart.
    pub(super) const fn is_cut(&self) -> bool {
        self.cut
    }

    /// How far it has read.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    fn delimited(&mut self, delimiter: u8, cells: &mut Vec<Cell>) {
        loop {
            let start = self.at;
            let room = cells.len() < CELLS_MAX;
            self.cut |= !room;
            let quoted = if room { self.quoted(start, delimiter) } else { None };
            let (cell, end) = match quoted {
                Some(found) => found,
                None => {
                    let rest = self.doc.get(start..).unwrap_or_default();
                    // A record with too many cells ends in one that has all the rest.
                    let stop = if room {
                        memchr::memchr3(delimiter, b'\n', b'\r', rest)
                    } else {
                        memchr::memchr2(b'\n', b'\r', rest)
                    };
                    let end = start + stop.unwrap_or(rest.len());
                    (Cell { span: self.unquoted(self.trimmed(start..end)), quoted: false }, end)
                }
            };
            cells.push(cell);
            self.at = end + 1;
            if self.doc.get(end) != Some(&delimiter) {
                if self.doc.get(end..end + 2) == Some(b"\r\n") {
                    self.at = end + 2;
                }
                return;
            }
            if self.at >= self.doc.len() {
                cells.push(Cell { span: self.doc.len()..self.doc.len(), quoted: false });
                return;
            }
        }
    }

    /// A cell in quotes that begins at `start`, and where its delimiter or line end stands. A quote inside that neither
    /// is doubled nor ends the cell is a letter: programs write `"6'2" tall"`. A cell with such a quote ends in its line, or
    /// its first quote is a letter as well, as in `"Bud" Smith`: it would take the next rows in up to any later quote.
    fn quoted(&mut self, start: usize, delimiter: u8) -> Option<(Cell, usize)> {
        let blank =
            |at: usize| self.doc.get(at).is_some_and(|b| *b == b' ' || *b == b'\t' && delimiter != b'\t');
        let mut open = start;
        while blank(open) {
            open += 1;
        }
        // Spreadsheets keep leading zeros as a formula: `="00123"`.
        if self.doc.get(open..open + 2) == Some(b"=\"") {
            open += 1;
        }
        if self.doc.get(open) != Some(&b'"') || self.unclosed.is_some() {
            return None;
        }
        let mut at = open + 1;
        let mut line_end = self.doc.len();
        while let Some(next) = memchr::memchr(b'"', self.doc.get(at..).unwrap_or_default()) {
            let close = at + next;
            if close > line_end {
                return None;
            }
            if self.doc.get(close + 1) == Some(&b'"') {
                at = close + 2;
                continue;
            }
            let mut behind = close + 1;
            while blank(behind) {
                behind += 1;
            }
            match self.doc.get(behind) {
                Some(b) if *b != delimiter && !matches!(b, b'\n' | b'\r') => {
                    at = close + 1;
                    if line_end == self.doc.len() {
                        let rest = self.doc.get(at..).unwrap_or_default();
                        line_end = at + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                    }
                }
                _ => {
                    let cell = Cell { span: self.trimmed(open + 1..close), quoted: true };
                    return Some((cell, behind));
                }
            }
        }
        self.unclosed = Some(open);
        None
    }

    fn fixed(&mut self, columns: &[Range<usize>], cells: &mut Vec<Cell>) {
        let start = self.at;
        let rest = self.doc.get(start..).unwrap_or_default();
        let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let end = start + length;
        self.at = if self.doc.get(end..end + 2) == Some(b"\r\n") { end + 2 } else { end + 1 };
        let line = self.doc.get(start..end).unwrap_or_default();
        // Columns are counted in characters: bytes that go on with one aren't counted.
        let mut character = 0;
        let mut column = 0;
        let mut from = start;
        for (index, byte) in line.iter().enumerate() {
            if byte & 0xC0 == 0x80 {
                continue;
            }
            while let Some(next) = columns.get(column + 1)
                && next.start == character
            {
                // A line that goes on through a column's begin is no row: a title, a sum, `2 rows selected.` Columns may
                // touch, as a birth date and a sex do.
                let touches = columns.get(column).is_some_and(|before| before.end == next.start);
                if !touches && index.checked_sub(1).and_then(|at| line.get(at)).is_some_and(|b| *b != b' ') {
                    cells.clear();
                    cells.push(Cell { span: self.trimmed(start..end), quoted: false });
                    return;
                }
                cells.push(Cell { span: self.trimmed(from..start + index), quoted: false });
                from = start + index;
                column += 1;
            }
            character += 1;
        }
        cells.push(Cell { span: self.trimmed(from..end), quoted: false });
        // Where columns touch, as those that no line names may, a short line is the first or last record.
        let may_touch = || columns.windows(2).any(|pair| matches!(pair, [a, b] if a.end == b.start));
        if cells.len() * 2 <= columns.len() && may_touch() {
            cells.clear();
            cells.push(Cell { span: self.trimmed(start..end), quoted: false });
        }
    }

    /// A cell without single quotes around it, as dumps of databases write them.
    fn unquoted(&self, span: Range<usize>) -> Range<usize> {
        match self.doc.get(span.clone()) {
            Some([b'\'', .., b'\'']) => span.start + 1..span.end - 1,
            _ => span,
        }
    }

    fn trimmed(&self, span: Range<usize>) -> Range<usize> {
        let raw = self.doc.get(span.clone()).unwrap_or_default();
        let blank = |b: &&u8| b.is_ascii_whitespace();
        let front = raw.iter().take_while(blank).count();
        let back = raw.iter().rev().take_while(blank).count().min(raw.len() - front);
        span.start + front..span.end - back
    }
}

/// Cells of one record that are told apart: as many as a sheet of a spreadsheet has columns.
pub(super) const CELLS_MAX: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, delimiter: u8) -> Vec<Vec<String>> {
        let dialect = Dialect::Delimited(delimiter);
        let mut records = Records::new(text.as_bytes(), &dialect);
        let (mut out, mut cells) = (Vec::new(), Vec::new());
        while records.next(&mut cells).is_some() {
            out.push(cells.iter().map(|cell| cell.value(text.as_bytes()).into_owned()).collect());
        }
        out
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_doubled_quotes() {
        let text = "a,\"b,1\",\"c \"\"x\"\"\"\r\n\"two\nlines\" , d ,\r\n";
        assert_eq!(read(text, b','), [["a", "b,1", "c \"x\""], ["two\nlines", "d", ""]]);
    }

    #[test]
    fn line_ends_are_cr_lf_or_both_and_marks_of_byte_order_are_none() {
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(read(&format!("\u{feff}a;b{end}c;d"), b';'), [["a", "b"], ["c", "d"]]);
        }
    }

    #[test]
    fn stray_quotes_are_letters_and_formulas_keep_their_zeros() {
        assert_eq!(
            read("6'2\",\"a \"b\" c\",=\"0012\"\nx,y,z", b','),
            [["6'2\"", "a \"b\" c", "0012"], ["x", "y", "z"]]
        );
        let dialect = Dialect::Delimited(b',');
        let mut records = Records::new(b"a,\"b\nc,\"d,e", &dialect);
        let mut cells = Vec::new();
        assert_eq!(records.next(&mut cells), Some(1));
        assert_eq!(cells.len(), 2);
        assert_eq!(records.next(&mut cells), Some(2));
        assert_eq!((cells.len(), records.unclosed()), (3, Some(2)));
    }

    #[test]
    fn a_quote_that_only_begins_a_cell_takes_in_no_other_row() {
        let rows = read("1,\"Bud\" S,x\n2,b,c\n3,\"Al\",d\n'4','e',''", b',');
        assert_eq!(rows, [["1", "\"Bud\" S", "x"], ["2", "b", "c"], ["3", "Al", "d"], ["4", "e", ""]]);
        assert_eq!(
            read("\"6'2\" tall\",b\n\"two\nlines\",c", b','),
            [["6'2\" tall", "b"], ["two\nlines", "c"]]
        );
    }

    #[test]
    fn a_record_of_too_many_cells_ends_in_one_that_has_the_rest() {
        let text = ",".repeat(3 * CELLS_MAX) + "end\nx";
        let records = read(&text, b',');
        assert_eq!((records.len(), records[0].len()), (2, CELLS_MAX + 1));
        assert!(records[0][CELLS_MAX].ends_with("end"));
    }

    #[test]
    fn fixed_columns_are_counted_in_characters() {
        let dialect = Dialect::Fixed(vec![0..5, 6..12]);
        let text = "N\u{fa}\u{f1}ez Ethan\n2 rows selected\nx";
        let mut records = Records::new(text.as_bytes(), &dialect);
        let mut cells = Vec::new();
        records.next(&mut cells);
        let values: Vec<_> = cells.iter().map(|c| c.value(text.as_bytes()).into_owned()).collect();
        assert_eq!(values, ["N\u{fa}\u{f1}ez", "Ethan"]);
        records.next(&mut cells);
        assert_eq!(cells.len(), 1, "a line across columns is one cell");
        // But not where columns touch.
        let dialect = Dialect::Fixed(vec![0..6, 6..12]);
        Records::new(b"190212M Ethan", &dialect).next(&mut cells);
        assert_eq!(cells.len(), 2);
    }
}
