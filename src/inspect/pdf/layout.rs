//! Layout: pieces of text with their places are put together to lines and paragraphs, as somebody reads the page.

use super::content::Matrix;
use std::collections::BTreeMap;

/// Where a piece of text stands: on axes along its own direction.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Its direction, in steps of 5 degrees.
    turn: i16,
    x: f64,
    y: f64,
    size: f64,
    /// An em, which is narrower where letters are.
    em: f64,
}

impl Place {
    /// The place of text that this matrix draws at size 1.
    pub(super) fn of(matrix: &Matrix) -> Self {
        let [a, b, c, d, e, f] = *matrix;
        let em = a.hypot(b);
        let (cos, sin) = if em > 0.0 { (a / em, b / em) } else { (1.0, 0.0) };
        let turn = (sin.atan2(cos).to_degrees() / 5.0).round() as i16 % 72;
        let size = c.hypot(d).max(f64::MIN_POSITIVE);
        Self { turn, x: e * cos + f * sin, y: f * cos - e * sin, size, em: em.max(f64::MIN_POSITIVE) }
    }
}

struct Piece {
    place: Place,
    end: f64,
    text: String,
    /// Where its last part began, on the page and in its text.
    last: (f64, usize),
    /// Where its last letter begins.
    tail: f64,
}

/// A line, its pieces from left to right.
struct Line {
    y: f64,
    size: f64,
    pieces: Vec<Piece>,
}

/// A page as it is drawn.
#[derive(Default)]
pub(super) struct Canvas {
    pieces: Vec<Piece>,
    /// Curves that were drawn, and straight lines and boxes.
    pub(super) curves: usize,
    pub(super) segments: usize,
    /// Letters and digits that were read.
    pub(super) letters: usize,
    /// Characters that nobody knows, in words and by themselves.
    pub(super) unread: usize,
    pub(super) signs: usize,
}

impl Canvas {
    /// Puts down a piece of text so wide; its last letter begins so far from its end. Gives what it takes to keep.
    #[must_use]
    pub(super) fn show(&mut self, place: Place, width: f64, last_width: f64, text: String) -> usize {
        self.letters += text.chars().filter(|c| c.is_alphanumeric()).count();
        let (end, em) = (place.x + width, place.em);
        if let Some(last) = self.pieces.last_mut()
            && last.place.turn == place.turn
            && (last.place.y - place.y).abs() < SAME_LINE * place.size
            && (last.place.size - place.size).abs() < 0.1 * place.size
        {
            // The same letter once more at its place, or beside it by a hair: bold.
            if (last.last.0 - place.x).abs() < SAME_PLACE * em && last.text.get(last.last.1..) == Some(&text)
            {
                return 0;
            }
            let gap = (place.x - last.end) / em;
            if gap.abs() < BLANK && gap > -0.5 * BLANK && !is_one(&last.text) {
                last.last = (place.x, last.text.len());
                last.text.push_str(&text);
                last.end = last.end.max(end);
                last.tail = end - last_width;
                return 0;
            }
        }
        self.pieces.push(Piece { place, end, text, last: (place.x, 0), tail: end - last_width });
        size_of::<Piece>()
    }

    /// Its text: line by line from the top, each turned text by itself.
    pub(super) fn text(self) -> String {
        let mut turned: BTreeMap<(i16, i16), Vec<Piece>> = BTreeMap::new();
        for piece in self.pieces {
            // Upright text first.
            turned.entry((piece.place.turn.abs(), piece.place.turn)).or_default().push(piece);
        }
        let mut out = String::new();
        for pieces in turned.into_values() {
            arrange(pieces, &mut out);
            out.push_str("\n\n");
        }
        out
    }
}

fn is_one(text: &str) -> bool {
    text.chars().nth(1).is_none()
}

fn arrange(mut pieces: Vec<Piece>, out: &mut String) {
    pieces.sort_by(|one, other| other.place.y.total_cmp(&one.place.y));
    let mut lines = Vec::new();
    let mut rest = pieces.into_iter().peekable();
    while let Some(first) = rest.next() {
        let (y, mut size) = (first.place.y, first.place.size);
        let near = ON_LINE * size;
        let mut line = vec![first];
        // What stands a little lower is on the same line, as letters of another size are.
        while let Some(next) = rest.next_if(|next| y - next.place.y < near.min(next.place.size)) {
            size = size.max(next.place.size);
            line.push(next);
        }
        line.sort_by(|one, other| one.place.x.total_cmp(&other.place.x));
        lines.push(Line { y, size, pieces: line });
    }
    let mut above: Option<(f64, f64)> = None;
    for line in in_columns(lines, 0) {
        if let Some((last, last_size)) = above {
            let step = (last - line.y) / line.size.max(last_size);
            out.push_str(if step > PARAGRAPH { "\n\n" } else { "\n" });
        }
        above = Some((line.y, line.size));
        write_line(&line.pieces, out);
    }
}

/// Lines in the order in which they are read: where prose is set in columns the left one goes before the right one, up to the
/// next line that lies over both. Tables stay as they are: their cells are short.
fn in_columns(lines: Vec<Line>, depth: usize) -> Vec<Line> {
    let Some(gutter) = gutter(&lines).filter(|_| depth < COLUMNS_DEPTH) else { return lines };
    let (mut out, mut left, mut right) = (Vec::new(), Vec::new(), Vec::new());
    let flush = |left: &mut Vec<Line>, right: &mut Vec<Line>| -> Vec<Line> {
        let mut both = in_columns(std::mem::take(left), depth + 1);
        both.append(&mut in_columns(std::mem::take(right), depth + 1));
        both
    };
    for line in lines {
        if line.pieces.iter().any(|piece| piece.place.x < gutter && piece.end > gutter) {
            out.append(&mut flush(&mut left, &mut right));
            out.push(line);
            continue;
        }
        let (y, size) = (line.y, line.size);
        let (before, behind): (Vec<_>, Vec<_>) = line.pieces.into_iter().partition(|p| p.place.x < gutter);
        left.extend(Some(before).filter(|p| !p.is_empty()).map(|pieces| Line { y, size, pieces }));
        right.extend(Some(behind).filter(|p| !p.is_empty()).map(|pieces| Line { y, size, pieces }));
    }
    out.append(&mut flush(&mut left, &mut right));
    out
}

/// Where a gap goes down between two columns of prose: over most of the lines that have one, each with so many letters on
/// both sides.
fn gutter(lines: &[Line]) -> Option<f64> {
    let mut ends: Vec<(f64, i32)> = Vec::new();
    for line in lines {
        for pair in line.pieces.windows(2) {
            let [one, next] = pair else { continue };
            if next.place.x - one.end > GUTTER * next.place.em {
                ends.extend([(one.end, 1), (next.place.x, -1)]);
            }
        }
    }
    ends.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let (mut open, mut most, mut at) = (0, 0, 0.0);
    for pair in ends.windows(2) {
        let [(from, step), (to, _)] = pair else { continue };
        open += step;
        if open > most {
            (most, at) = (open, (from + to) / 2.0);
        }
    }
    let (mut both, mut letters) = (0, (0, 0));
    for line in lines {
        let before = line.pieces.partition_point(|piece| piece.place.x < at);
        let (before, behind) = line.pieces.split_at_checked(before)?;
        let count = |pieces: &[Piece]| pieces.iter().map(|piece| piece.text.len()).sum::<usize>();
        if before.last().is_some_and(|last| last.end < at) && !behind.is_empty() {
            both += 1;
            letters = (letters.0 + count(before), letters.1 + count(behind));
        }
    }
    let is_prose = both >= COLUMN_LINES_MIN && letters.0.min(letters.1) >= both * COLUMN_LETTERS_MIN;
    is_prose.then_some(at)
}

fn write_line(line: &[Piece], out: &mut String) {
    // Of letters that stand by themselves the gaps between words are wider than those between letters.
    let gaps = letter_gaps(line);
    let mut last: Option<&Piece> = None;
    for (piece, letter_gap) in line.iter().zip(gaps) {
        let mut text = piece.text.as_str();
        if let Some(before) = last {
            let is_at = |at: f64| (at - piece.place.x).abs() < SAME_PLACE * piece.place.em;
            // The same text once more at its place.
            if is_at(before.place.x) && before.text == piece.text {
                continue;
            }
            // A letter in two halves, each with what stands beside it.
            let first = text.chars().next();
            if is_at(before.tail) && first.is_some() && before.text.chars().next_back() == first {
                text = text.get(first.map_or(0, char::len_utf8)..).unwrap_or_default();
            }
            let em = piece.place.em.min(before.place.em);
            let gap = (piece.place.x - before.end) / em;
            let is_blank = out.ends_with(' ') || text.starts_with(' ');
            let blank = if letter_gap > BLANK { letter_gap + LETTERS_BLANK } else { BLANK };
            if gap > COLUMN.max(blank) {
                out.push_str("  ");
            } else if gap > blank && !is_blank {
                out.push(' ');
            }
        }
        out.push_str(text);
        last = Some(piece);
    }
}

/// Of each piece of a line the gap that lies before it if it goes on with a word whose letters stand apart: half of them in
/// a row of letters are no wider. 0 where it is no such letter.
fn letter_gaps(line: &[Piece]) -> Vec<f64> {
    let mut out = vec![0.0; line.len()];
    let mut at = 0;
    while at < line.len() {
        let run = line.iter().skip(at).take_while(|piece| is_one(piece.text.trim())).count();
        if run >= LETTERS_MIN {
            let letters = line.get(at..at + run).unwrap_or_default();
            let gaps = letters.windows(2).filter_map(|pair| match pair {
                [one, next] => Some((next.place.x - one.end) / next.place.em.min(one.place.em)),
                _ => None,
            });
            let mut gaps: Vec<f64> = gaps.collect();
            gaps.sort_by(f64::total_cmp);
            let middle = gaps.get(gaps.len() / 2).copied().unwrap_or_default().clamp(0.0, LETTER_GAP_MAX);
            out.iter_mut().skip(at + 1).take(run - 1).for_each(|gap| *gap = middle);
        }
        at += run.max(1);
    }
    out
}

/// A gap of so much of an em is a blank: fonts have a quarter, and lines that are set tight a little less.
const BLANK: f64 = 0.17;
/// The same between words whose letters stand apart, and more than between the letters: some are narrow, and set by a grid.
const LETTERS_BLANK: f64 = 0.45;
/// One of so much is between columns.
const COLUMN: f64 = 2.0;
/// So near in ems: the same place.
const SAME_PLACE: f64 = 0.12;
/// So much of the size lower: the same base line.
const SAME_LINE: f64 = 0.05;
/// So much lower: the same line.
const ON_LINE: f64 = 0.4;
/// A step of more than so many sizes leaves a line blank.
const PARAGRAPH: f64 = 1.8;
/// So wide a gap, in ems, may lie between columns of prose; so many lines have it, so many letters on each of its sides.
const GUTTER: f64 = 0.8;
const COLUMN_LINES_MIN: usize = 6;
const COLUMN_LETTERS_MIN: usize = 25;
/// Columns in columns: four of them.
const COLUMNS_DEPTH: usize = 2;
/// Letters in a row that stand by themselves.
const LETTERS_MIN: usize = 4;
/// Letters further apart aren't one word's.
const LETTER_GAP_MAX: f64 = 1.5;
