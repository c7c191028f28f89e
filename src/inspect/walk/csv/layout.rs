//! How a flat text is laid out: what divides it, where its head is, and what its columns are.

use super::column::{Column, Group, Meaning, are_names, is_name, may_be_asked, unknown};
use super::directory;
use super::fixed;
use super::reader::{CELLS_MAX, Cell, Dialect, Records, Start};
use super::shape;
use super::table::Table;
use crate::inspect::kind::Kind;
use crate::inspect::names;
use crate::inspect::walk::object;
use crate::inspect::walk::staff::Part;
use std::borrow::Cow;
use std::ops::Range;

/// The layout of one document.
pub(super) struct Layout<'t> {
    pub(super) dialect: Dialect,
    /// The record that names the columns, counted from where the table begins.
    head: Option<usize>,
    /// By place.
    pub(super) columns: Vec<Column<'t>>,
    /// Whether each record is a name and a value: a sheet of one person on its side.
    pub(super) sideways: bool,
    /// Whether names without anything of a person are things'.
    pub(super) things: bool,
    /// What each column is in a list of users, staff or clinicians; `None` where one is no such list's.
    pub(super) staff: Option<Vec<Part>>,
}

impl<'t> Layout<'t> {
    /// Looks at the first records.
    pub(super) fn of(doc: &[u8], table: &'t Table, keys: &'t object::Table) -> Self {
        Self::with_sample(doc, table, keys).0
    }

    /// The same, with what it looked at.
    fn with_sample<'d>(doc: &'d [u8], table: &'t Table, keys: &'t object::Table) -> (Self, Sample<'d>) {
        let candidates = Dialect::fixed(doc, table, keys)
            .or_else(|| fixed::without_a_head(doc.get(..doc.len().min(BYTES)).unwrap_or_default()))
            .into_iter()
            .chain(declared(doc).or(Some(Dialect::Delimited(b','))));
        let candidates = candidates.chain(DELIMITERS.iter().map(|d| Dialect::Delimited(*d)));
        let mut best: Option<(Score, Dialect, Sample<'_>, Option<usize>)> = None;
        for dialect in candidates {
            // What divides nothing fits no better than what came before.
            if best.is_some() && !dialect.may_divide(doc) {
                continue;
            }
            let sample = Sample::of(doc, &dialect);
            let (head, known) = sample.head(table, keys);
            let score = sample.score(known);
            if best.as_ref().is_none_or(|(before, ..)| score > *before) {
                best = Some((score, dialect, sample, head));
            }
        }
        let Some((_, dialect, sample, head)) = best else {
            let layout = Self {
                dialect: Dialect::Delimited(b','),
                head: None,
                columns: Vec::new(),
                sideways: false,
                things: false,
                staff: None,
            };
            return (layout, Sample { rows: Vec::new() });
        };
        let sideways = sample.is_sideways(table, keys, head);
        let head = head.filter(|_| !sideways);
        let head_cells = head.and_then(|at| sample.rows.get(at)).into_iter().flat_map(|(_, cells)| cells);
        let names: Vec<String> = head_cells.map(|name| object::normal_key(name)).collect();
        let mut columns: Vec<Column<'t>> = match head.and_then(|at| sample.rows.get(at)) {
            Some((_, cells)) => cells.iter().map(|name| table.column(keys, name)).collect(),
            None => Vec::new(),
        };
        if !sideways && !columns.iter().any(|column| column.tells()) {
            let shapes = shape::shapes(&sample.values(head), &names);
            columns.resize_with(columns.len().max(shapes.len()), unknown);
            for (column, shape) in columns.iter_mut().zip(shapes) {
                if let Some(shape) = shape {
                    *column = table.shaped(shape);
                }
            }
        }
        settle_holders(&mut columns);
        let values = Values(head.and_then(|at| sample.rows.get(at + 1..)).unwrap_or_default());
        directory::settle(&mut columns, &names, values);
        let staff = names.iter().map(|name| Part::of(name)).collect();
        let things = directory::lists_things(&columns, values);
        let head = head.and_then(|at| sample.rows.get(at)).map(|(number, _)| *number);
        (Self { dialect, head, columns, sideways, things, staff }, sample)
    }
}

impl Layout<'_> {
    /// The number of the record that names the columns of a table that begins there.
    pub(super) fn head(&self, start: Start) -> Option<usize> {
        self.head.map(|head| start.number + head)
    }

    /// Whether a record names the columns of another table than this one, which began at `start`: names alone, two of which
    /// and no fewer than half tell something, each another thing. No row of a list of what columns mean does
    /// (`dob,Date of Birth,date`).
    pub(super) fn ends_before(
        &self,
        number: usize,
        start: Start,
        (doc, cells): (&[u8], &[Cell]),
        (table, keys): (&Table, &object::Table),
    ) -> bool {
        let first = self.head(start).unwrap_or(start.number + 1);
        if cells.len() < 2 || number <= first || self.sideways {
            return false;
        }
        let name = |cell: &Cell| Some(cell.value(doc)).filter(|name| name.is_empty() || is_name(name));
        // Most rows have a number or a date.
        let Some(names) = cells.iter().map(name).collect::<Option<Vec<_>>>() else { return false };
        let columns: Vec<Column<'_>> = names.iter().map(|name| table.column(keys, name)).collect();
        let mut words: Vec<&str> =
            columns.iter().filter(|column| column.tells()).map(|column| column.word.as_str()).collect();
        let (known, filled) = (words.len(), names.iter().filter(|name| !name.is_empty()).count());
        words.sort_unstable();
        words.dedup();
        let own = self.columns.iter().map(|column| &column.word);
        known >= 2
            && words.len() == known
            && known * 2 >= filled
            && filled * 2 > cells.len()
            && !columns.iter().map(|column| &column.word).eq(own)
    }
}

/// Whether a text that nobody declared is flat: every line has the same delimiters, and the first names columns, of which
/// the tables know some, or there are people's names beside what else they have. Prose has neither.
pub(super) fn recognise(doc: &[u8], table: &Table, keys: &object::Table) -> bool {
    // Most texts that are asked are values of one line.
    if memchr::memchr2(b'\n', b'\r', doc).is_none() {
        return false;
    }
    let mut lines = doc.split(|b| matches!(b, b'\n' | b'\r')).filter(|line| !line.trim_ascii().is_empty());
    let Some(first) = lines.next().filter(|line| line.len() <= HEAD_BYTES_MAX) else { return false };
    let second = lines.next().filter(|line| line.len() <= HEAD_BYTES_MAX);
    let is_divided = |second| {
        is_even([first, second])
            || fixed::without_a_head(doc.get(..doc.len().min(BYTES)).unwrap_or_default()).is_some()
    };
    has_head(doc, first, table, keys) || second.is_some_and(is_divided) && lists_people(doc, table, keys)
}

/// Whether two lines are divided by as many of some delimiter, those in quotes counted.
fn is_even(lines: [&[u8]; 2]) -> bool {
    DELIMITERS.iter().any(|delimiter| {
        let [first, second] = lines.map(|line| line.iter().filter(|b| *b == delimiter).count());
        first == second && first + 1 >= COLUMNS_MIN
    })
}

/// Whether records without a head have as many cells each, among them names that people have and what only an individual has.
fn lists_people(doc: &[u8], table: &Table, keys: &object::Table) -> bool {
    let (layout, Sample { rows }) = Layout::with_sample(doc, table, keys);
    if layout.head.is_some() || layout.sideways {
        return false;
    }
    let width = rows.first().map_or(0, |(_, cells)| cells.len());
    let is_cell = |cell: &Cow<'_, str>| cell.chars().count() < VALUE_CHARS;
    let even = |(_, cells): &Row<'_>| cells.len() == width && cells.iter().all(is_cell);
    if rows.len() < 2 || width < COLUMNS_MIN || !rows.iter().all(even) {
        return false;
    }
    let lists = names::list::Lists::built_in();
    let listed = |name: &&str| {
        name.split([' ', ',']).map(|word| lists.standing(word)).any(|word| word.given || word.family)
    };
    let values = Values(&rows);
    let columns = || layout.columns.iter().enumerate();
    let named = columns()
        .filter(|(_, column)| column.meaning.is_name())
        .any(|(at, _)| values.of(at).filter(listed).count() * 2 >= rows.len());
    // Staff have telephones, and days on which they were hired.
    named
        && columns().any(|(at, column)| match directory::kind(column) {
            Some(Kind::Ssn | Kind::Mbi) => true,
            Some(Kind::BirthDate) => {
                let mut dates = values.of(at).filter_map(shape::full_date);
                dates.any(|date| date.year <= BORN_BY)
            }
            _ => false,
        })
}

/// Whether the first line names columns, and the others are divided as it is.
fn has_head(doc: &[u8], first: &[u8], table: &Table, keys: &object::Table) -> bool {
    let first = String::from_utf8_lossy(first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first));
    let names = |delimiter: u8| {
        let names = || first.split(char::from(delimiter)).map(|name| name.trim_matches(['"', ' ', '\'']));
        let known = || names().take(CELLS_MAX).filter(|name| table.column(keys, name).tells()).count();
        names().take(COLUMNS_MIN).count() == COLUMNS_MIN
            && names().all(|name| is_name(name) || may_be_asked(name))
            && matches!(known(), known @ 1.. if are_names(names(), known))
    };
    if !DELIMITERS.iter().any(|delimiter| names(*delimiter)) && Dialect::fixed(doc, table, keys).is_none() {
        return false;
    }
    let (layout, sample) = Layout::with_sample(doc, table, keys);
    let Some(head) = layout.head else { return false };
    let Some((at, (_, cells))) = sample.rows.iter().enumerate().find(|(_, (number, _))| *number == head)
    else {
        return false;
    };
    let known = layout.columns.iter().filter(|column| column.tells()).count();
    let named = cells.iter().filter(|name| !name.is_empty()).count();
    let below = sample.rows.get(at + 1..).unwrap_or_default();
    // A last line may tell how many there are.
    let same = below.iter().filter(|(_, row)| row.len() == cells.len()).count();
    let even = matches!(layout.dialect, Dialect::Fixed(_))
        || same > 0 && same + 1 >= below.len()
        || same * 10 >= below.len() * 9;
    let programs =
        || cells.len() > COLUMNS_MIN && below.len() >= 2 && cells.iter().all(|name| !name.contains(' '));
    at == 0
        && cells.len() >= COLUMNS_MIN
        && are_names(cells.iter().map(AsRef::as_ref), known)
        && (known >= 2 && (known * 2 >= named || below.len() >= 2 && known * 4 >= named)
            || known == 1 && programs())
        && !below.is_empty()
        && even
}

/// Who holds a plan is the individual, unless the file names an individual beside him.
fn settle_holders(columns: &mut [Column<'_>]) {
    let names = |group: Option<&Group>, columns: &[Column<'_>]| {
        columns.iter().any(|column| column.group.as_ref() == group && column.meaning.is_name())
    };
    let mut individual = names(None, columns);
    let mut at = 0;
    while let Some(column) = columns.get(at) {
        at += 1;
        let Some(group) = column.group.clone().filter(|group| group.holder) else { continue };
        let named = names(Some(&group), columns);
        if named && individual {
            // One person more: settled.
            let settled = Group { holder: false, ..group.clone() };
            for column in columns.iter_mut().filter(|column| column.group.as_ref() == Some(&group)) {
                column.group = Some(settled.clone());
            }
        } else {
            individual |= named;
            for column in columns.iter_mut().filter(|column| column.group.as_ref() == Some(&group)) {
                column.group = None;
            }
        }
    }
}

/// What the first records say, where they are known.
#[derive(Clone, Copy, Default)]
pub(super) struct Values<'s>(&'s [Row<'s>]);

impl<'s> Values<'s> {
    /// Those of a column.
    pub(super) fn of(self, column: usize) -> impl Iterator<Item = &'s str> {
        let values = self.0.iter().filter_map(move |(_, cells)| cells.get(column).map(AsRef::as_ref));
        values.filter(|value| !value.is_empty())
    }
}

/// How well a dialect fits: known names first, then cells in records of the same number of them.
type Score = (usize, usize);

/// A record's number, and what its cells say or begin with.
type Row<'d> = (usize, Vec<Cow<'d, str>>);

/// The first records.
struct Sample<'d> {
    rows: Vec<Row<'d>>,
}

impl<'d> Sample<'d> {
    fn of(doc: &'d [u8], dialect: &Dialect) -> Self {
        let mut records = Records::new(doc, dialect);
        let mut cells = Vec::new();
        let mut rows = Vec::new();
        while rows.len() < ROWS
            && records.at() < BYTES
            && let Some(number) = records.next(&mut cells)
        {
            let blank = cells.iter().all(|cell| cell.span.is_empty());
            // A title, a sum, or the first or last record of a file.
            let is_other = matches!(dialect, Dialect::Fixed(columns) if cells.len() * 2 <= columns.len());
            if !blank && !is_other && !is_rule(&cells, doc) && !is_declaration(&cells, doc, number) {
                let value = |cell: &Cell| match cell.value(doc) {
                    Cow::Borrowed(text) => Cow::Borrowed(beginning(text)),
                    Cow::Owned(text) => Cow::Owned(beginning(&text).to_owned()),
                };
                rows.push((number, cells.iter().map(value).collect()));
            }
        }
        Self { rows }
    }

    fn score(&self, known: usize) -> Score {
        let mut widths: Vec<usize> = self.rows.iter().map(|(_, cells)| cells.len()).collect();
        widths.sort_unstable();
        let common = widths.chunk_by(|a, b| a == b).max_by_key(|same| same.len()).unwrap_or_default();
        let width = common.first().copied().unwrap_or_default();
        let even = common.len() * 10 >= self.rows.len() * 7;
        // A dialect that divides nothing fits everything.
        (if width > 1 { known } else { 0 }, if width > 1 && even { width * common.len() } else { 0 })
    }

    /// The record that names the columns, and how many the tables know: words, of which they know some, and no value
    /// among them; or names that programs write. Titles may stand in front.
    fn head(&self, table: &Table, keys: &object::Table) -> (Option<usize>, usize) {
        let width = self.rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or_default();
        for (at, (_, cells)) in self.rows.iter().take(HEAD_ROWS).enumerate() {
            let filled = cells.iter().filter(|name| !name.is_empty()).count();
            if filled * 2 > width && cells.iter().all(|name| is_name(name) || may_be_asked(name)) {
                let known = cells.iter().filter(|name| table.column(keys, name).tells()).count();
                let are_names = are_names(cells.iter().map(AsRef::as_ref), known);
                if are_names && (known >= 2 || known == 1 && filled <= 3) {
                    return (Some(at), known);
                }
            }
            // Titles are narrow: behind a full row that is no head there is none.
            if filled * 4 > width * 3 {
                break;
            }
        }
        let programs = self.rows.first().is_some_and(|(_, cells)| {
            cells.len() > 1
                && cells.iter().all(|name| is_name(name) && name.len() <= 40)
                && cells.iter().any(|name| name.contains('_') || !name.starts_with(char::is_uppercase))
        });
        (programs.then_some(0), 0)
    }

    /// Whether records are a known name and a value each.
    fn is_sideways(&self, table: &Table, keys: &object::Table, head: Option<usize>) -> bool {
        // What looks like a head may be the first name and its value.
        let is_a_pair = |(_, cells): &Row<'_>| matches!(cells.as_slice(), [name, value, ..] if table.column(keys, name).tells() && !table.column(keys, value).tells());
        if head.is_some_and(|at| at > 0 || !self.rows.first().is_some_and(is_a_pair)) {
            return false;
        }
        let pairs = self.rows.iter().filter(|(_, cells)| {
            matches!(cells.as_slice(), [name, ..] if is_name(name.trim_end_matches(':')) && table.column(keys, name.trim_end_matches(':')).tells())
        });
        let narrow = self.rows.iter().all(|(_, cells)| cells.iter().filter(|c| !c.is_empty()).count() <= 2);
        let pairs = pairs.count();
        let least = if head.is_some() { 3 } else { 2 };
        narrow && pairs >= least && pairs * 2 >= self.rows.len()
    }

    /// Values by column, behind the head.
    fn values(&self, head: Option<usize>) -> Vec<Vec<&str>> {
        let from = head.map_or(0, |at| at + 1);
        let rows = self.rows.get(from..).unwrap_or_default();
        let width = rows.iter().map(|(_, cells)| cells.len()).max().unwrap_or_default();
        (0..width)
            .map(|at| rows.iter().map(|(_, cells)| cells.get(at).map_or("", AsRef::as_ref)).collect())
            .collect()
    }
}

/// The first characters of a cell.
fn beginning(text: &str) -> &str {
    if text.len() <= VALUE_CHARS {
        return text;
    }
    let end = text.char_indices().nth(VALUE_CHARS).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

impl Dialect {
    /// Whether any record has more than a cell.
    fn may_divide(&self, doc: &[u8]) -> bool {
        match self {
            Self::Delimited(delimiter) => memchr::memchr(*delimiter, doc).is_some(),
            Self::Fixed(_) => true,
        }
    }

    /// Columns of fixed width: by a rule line (`----- ------`), or by a head of known words with blanks between them
    /// that the lines below have as well.
    fn fixed(doc: &[u8], table: &Table, keys: &object::Table) -> Option<Self> {
        let doc = doc.get(..doc.len().min(BYTES)).unwrap_or_default();
        let lines = || {
            doc.split(|b| matches!(b, b'\n' | b'\r'))
                .map(<[u8]>::trim_ascii_end)
                .filter(|line| !line.is_empty())
        };
        let rule = lines().take(HEAD_ROWS).find(|line| {
            line.len() >= 5
                && line.iter().all(|b| matches!(b, b'-' | b'=' | b' '))
                && line.split(|b| *b == b' ').filter(|run| run.len() >= 2).count() >= 2
        });
        let columns = match rule {
            // A rule that is as short as the names says nothing of the values.
            Some(rule) if !is_narrow(&runs(rule, 1), lines().skip_while(|line| *line != rule).skip(1)) => {
                runs(rule, 1)
            }
            _ => {
                // Titles may stand in front.
                let named = |head: &[u8]| {
                    let mut columns = runs(head, 2);
                    if let Some(first) = columns.first_mut() {
                        first.start = head.iter().take_while(|b| **b == b' ').count();
                    }
                    let name = |at: &Range<usize>| std::str::from_utf8(head.get(at.clone())?).ok();
                    let names = columns.iter().filter_map(name);
                    let known =
                        names.filter(|name| is_name(name) && table.column(keys, name).tells()).count();
                    let is_head = (2..=COLUMNS_MAX).contains(&columns.len()) && known >= 2;
                    (is_head && known * 2 >= columns.len() && !head.iter().any(|b| DELIMITERS.contains(b)))
                        .then_some(columns)
                };
                let titles = lines().take(TITLES_MAX + 1).position(|line| runs(line, 2).len() > 1)?;
                let is_title = |line: &[u8]| line.len() <= TITLE_BYTES_MAX && !line.contains(&b':');
                if !lines().take(titles).all(is_title) {
                    return None;
                }
                let head = lines().nth(titles)?;
                let columns = named(head)?;
                let name = |at: &Range<usize>| std::str::from_utf8(head.get(at.clone())?).ok();
                let is_drawn = |line: &&[u8]| line.iter().all(|b| matches!(b, b'-' | b'=' | b'_' | b' '));
                let below = || lines().skip(titles + 1).filter(|line| !is_drawn(line)).take(ROWS);
                // A last line may be no row.
                let is_row = |line: &&[u8]| runs(line, 2).len() > 1;
                let is_divided = below().any(|line| is_row(&line));
                let below: Vec<Vec<char>> = below()
                    .filter(|line| !is_divided || is_row(line))
                    .map(|line| String::from_utf8_lossy(line).chars().collect())
                    .collect();
                if below.is_empty() {
                    return None;
                }
                let is_birth = |at: &Range<usize>| {
                    let field = name(at).map(|name| table.column(keys, name).meaning);
                    matches!(field, Some(Meaning::Field(field, _)) if field.kind == Kind::BirthDate)
                };
                fixed::under_a_head(&columns, &below)
                    .or_else(|| fixed::touching(columns, &below, is_birth))?
            }
        };
        (columns.len() > 1 && columns.len() <= COLUMNS_MAX).then_some(Self::Fixed(columns))
    }
}

/// Whether a line below a rule goes on in a gap of it, where its next run begins.
fn is_narrow<'d>(rule: &[Range<usize>], below: impl Iterator<Item = &'d [u8]>) -> bool {
    let is_cut = |line: &[u8]| {
        let gaps = rule.windows(2).filter_map(|two| match two {
            [a, b] => Some(a.end..b.start),
            _ => None,
        });
        let filled = |gap: Range<usize>| line.get(gap).is_some_and(|gap| gap.iter().any(|b| *b != b' '));
        gaps.filter(|gap| filled(gap.clone())).count() * 2 >= rule.len()
    };
    let mut below = below.take(ROWS).filter(|line| !line.is_empty()).peekable();
    below.peek().is_some() && below.all(is_cut)
}

/// The runs of a line between `blanks` and more blanks, the first from the line's begin.
fn runs(line: &[u8], blanks: usize) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut gap = usize::MAX;
    for (at, b) in line.iter().enumerate() {
        if *b == b' ' {
            gap = gap.saturating_add(1);
            continue;
        }
        match out.last_mut() {
            Some(run) if gap < blanks => run.end = at + 1,
            _ => out.push(at..at + 1),
        }
        gap = 0;
    }
    if let Some(first) = out.first_mut() {
        first.start = 0;
    }
    out
}

/// `sep=;` in the first line, as spreadsheets write.
fn declared(doc: &[u8]) -> Option<Dialect> {
    let doc = doc.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(doc);
    let delimiter = *doc.strip_prefix(b"sep=")?.first()?;
    DELIMITERS.contains(&delimiter).then_some(Dialect::Delimited(delimiter))
}

pub(super) fn is_declaration(cells: &[Cell], doc: &[u8], number: usize) -> bool {
    number == 1 && cells.first().is_some_and(|cell| cell.value(doc).starts_with("sep="))
}

/// A record of lines drawn: `-----+----`, `|---|---|`.
pub(super) fn is_rule(cells: &[Cell], doc: &[u8]) -> bool {
    let mut drawn = false;
    let plain = cells.iter().all(|cell| {
        let raw = doc.get(cell.span.clone()).unwrap_or_default();
        drawn |= raw.len() >= 2;
        raw.iter().all(|b| matches!(b, b'-' | b'=' | b'+' | b':' | b' '))
    });
    plain && drawn
}

const DELIMITERS: &[u8] = b",;\t|^~";
/// Records looked at, and bytes of them.
const ROWS: usize = 64;
const BYTES: usize = 64 << 10;
const VALUE_CHARS: usize = 120;
/// Titles in front of a head without a rule that tells columns: longer ones, and those with a label, are a text's.
const TITLES_MAX: usize = 4;
const TITLE_BYTES_MAX: usize = 80;
/// Records among which the head is looked for.
const HEAD_ROWS: usize = 10;
const HEAD_BYTES_MAX: usize = 8 << 10;
const COLUMNS_MIN: usize = 3;
/// Of the birth dates of a few people one is as old as this.
const BORN_BY: u16 = 2000;
const COLUMNS_MAX: usize = 1024;
