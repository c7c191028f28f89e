//! Lines of fields without a head that says which. Of a fixed width: `0044819223VANDROSK            QELTOR         L19460211F8412
//! SYCAMORE AVE`; what tells them is a family name, a given name and a date, each in its place, with a sex beside the date. With
//! marks between them: `D|Mensah|Kwame|19640504|XYJ386793100`, in files whose records are of several kinds, so that no column
//! says anything; there the lists have to know one of the names.
//!
//! In doubt: no names. Cost: lines with two blanks in a row, or with a mark, are read once.

use super::value::{fits, is_known};
use super::{Told, row_of};
use crate::inspect::check::date;
use crate::inspect::kind::Kind;
use crate::inspect::rules::RuleSet;
use std::ops::Range;

/// Adds what such lines tell.
pub(super) fn lines<'t>(text: &str, rules: &'t RuleSet, told: &mut Vec<Told<'t>>) {
    let bytes = text.as_bytes();
    let blanks = memchr::memmem::Finder::new(b"  ");
    let mut at = 0;
    while let Some(gap) = bytes.get(at..).and_then(|rest| blanks.find(rest)) {
        let Range { start, end } = line_around(bytes, at, at + gap);
        if (LINE_BYTES_MIN..=LINE_BYTES_MAX).contains(&(end - start))
            && let Some(line) = text.get(start..end)
            && let Some(Line { family, given, birth }) = Line::of(line)
        {
            let value = |at: &Range<usize>| line.get(at.clone()).unwrap_or_default();
            let is_name = fits(Kind::FamilyName, value(&family), "lastname", rules)
                && fits(Kind::GivenName, value(&given), "firstname", rules);
            for (key, span) in [("lastname", family), ("firstname", given), ("dob", birth)] {
                if let Some(field) = row_of(rules, key).filter(|_| is_name) {
                    told.push(Told { span: start + span.start..start + span.end, field });
                }
            }
        }
        at = end;
    }
}

/// Adds what records with marks between their fields tell.
pub(super) fn records<'t>(text: &str, rules: &'t RuleSet, told: &mut Vec<Told<'t>>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(mark) = bytes.get(at..).and_then(|rest| memchr::memchr3(b'|', b'\t', b',', rest)) {
        let mark = at + mark;
        // Between the words of a sentence blanks stand behind commas.
        if matches!(bytes.get(mark..), Some([b',', b' ', ..])) {
            at = memchr::memchr(b'\n', bytes.get(mark..).unwrap_or_default())
                .map_or(bytes.len(), |end| mark + end);
            continue;
        }
        let Range { start, end } = line_around(bytes, at, mark);
        at = end;
        let Some(line) = text.get(start..end).filter(|line| line.len() <= LINE_BYTES_MAX) else { continue };
        let delimiter = bytes.get(mark).copied().map_or('|', char::from);
        if delimiter == ',' && (line.contains(", ") || line.matches(',').count() < COMMAS_MIN) {
            continue;
        }
        let mut cells: Vec<Range<usize>> = Vec::new();
        let mut from = start;
        for cell in line.split(delimiter) {
            cells.push(from..from + cell.len());
            from += cell.len() + 1;
        }
        for three in cells.windows(3) {
            let [family, given, birth] = three else { continue };
            let value = |at: &Range<usize>| text.get(at.clone()).unwrap_or_default();
            let one = |at: &Range<usize>| !value(at).contains(' ') && is_known(value(at));
            if fits(Kind::BirthDate, value(birth), "dob", rules)
                && (one(family) || one(given))
                && fits(Kind::FamilyName, value(family), "lastname", rules)
                && fits(Kind::GivenName, value(given), "firstname", rules)
            {
                for (key, span) in [("lastname", family), ("firstname", given), ("dob", birth)] {
                    if let Some(field) = row_of(rules, key) {
                        told.push(Told { span: span.clone(), field });
                    }
                }
                break;
            }
        }
    }
}

/// The line that has a byte, no line before `from`.
fn line_around(bytes: &[u8], from: usize, at: usize) -> Range<usize> {
    let start =
        memchr::memrchr(b'\n', bytes.get(from..at).unwrap_or_default()).map_or(from, |end| from + end + 1);
    let end = memchr::memchr(b'\n', bytes.get(at..).unwrap_or_default()).map_or(bytes.len(), |end| at + end);
    start..end
}

/// Where somebody stands in a line.
struct Line {
    family: Range<usize>,
    given: Range<usize>,
    birth: Range<usize>,
}

impl Line {
    fn of(line: &str) -> Option<Self> {
        let bytes = line.as_bytes();
        let mut at = 0;
        while let Some(found) = bytes.get(at..)?.iter().position(u8::is_ascii_digit) {
            let from = at + found;
            let run = bytes.get(from..)?.iter().take_while(|b| b.is_ascii_digit()).count();
            at = from + run;
            // Behind a letter, or alone: digits in front of it would be of another field.
            if run == DATE_DIGITS && is_sexed(bytes, from, at) && date::parse(line.get(from..at)?).is_some() {
                let Some((family, given)) = names_before(line, from) else { continue };
                return Some(Self { family, given, birth: from..at });
            }
        }
        None
    }
}

/// Whether a sex stands right beside a date: `19460211F8412`, `19460211 F `, `F19460211`.
fn is_sexed(bytes: &[u8], from: usize, to: usize) -> bool {
    let sex = |at: usize| bytes.get(at).is_some_and(|b| matches!(b, b'M' | b'F' | b'U'));
    let letter = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphabetic);
    let behind = to + usize::from(bytes.get(to) == Some(&b' '));
    sex(behind) && !letter(behind + 1)
        || from >= 2 && sex(from - 1) && bytes.get(from - 2).is_some_and(|b| *b == b' ')
}

/// The family name and the given name that end before a place, with at least two blanks somewhere behind one of them.
fn names_before(line: &str, at: usize) -> Option<(Range<usize>, Range<usize>)> {
    let part = |c: char| c.is_alphabetic() || matches!(c, '\'' | '’' | '-');
    let last = |end: usize| {
        let head = line.get(..end)?;
        let own = head.trim_end_matches(' ');
        let before = own.char_indices().rev().find(|(_, c)| !part(*c));
        let from = before.map_or(0, |(at, c)| at + c.len_utf8());
        Some((from..own.len(), end - own.len()))
    };
    let (mut given, mut gap) = last(at)?;
    // An initial, or the sex.
    if given.len() == 1 {
        let (before, padding) = last(given.start)?;
        (given, gap) = (before, gap.max(padding));
    }
    let (mut family, padding) = last(given.start)?;
    gap = gap.max(padding);
    // `VAN DYKE`
    if padding >= 2
        && let Some((first, 1)) = last(family.start)
        && first.len() >= 2
    {
        family.start = first.start;
    }
    let is_name = |name: &Range<usize>| {
        name.len() >= 2 && line.get(name.clone()).is_some_and(|name| name.starts_with(char::is_uppercase))
    };
    (gap >= 2 && padding >= 1 && is_name(&family) && is_name(&given)).then_some((family, given))
}

/// With fewer commas a line is none of a table.
const COMMAS_MIN: usize = 4;
const DATE_DIGITS: usize = 8;
const LINE_BYTES_MIN: usize = 24;
const LINE_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use crate::inspect::kind::Kind;
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn told(text: &str) -> Vec<&str> {
        let hits = scan(text, "", RuleSet::built_in());
        let own = |kind| matches!(kind, Kind::FamilyName | Kind::GivenName | Kind::BirthDate);
        hits.iter()
            .filter(|hit| own(hit.kind) && hit.rule.starts_with("json."))
            .map(|hit| &text[hit.span.clone()])
            .collect()
    }

    #[test]
    fn a_line_of_fixed_fields_tells_of_somebody() {
        for line in [
            "0044819223VANDROSK            QELTOR         L19460211F8412 SYCAMORE AVE         DAYTON         OH45405",
            "0044819223 VANDROSK             QELTOR        L 19460211 F 8412 SYCAMORE AVE",
            "HDR20260104\n4481 VANDROSK  QELTOR         F19460211 XQH884120937\nTRL1",
        ] {
            assert_eq!(told(line), ["VANDROSK", "QELTOR", "19460211"], "{line}");
        }
        let van = "0044819223VAN DYKE            QELTOR          19460211M19 PARK PL            DAYTON";
        assert_eq!(told(van), ["VAN DYKE", "QELTOR", "19460211"]);
    }

    #[test]
    fn a_record_among_others_tells_of_somebody() {
        let file = "H|20260501|CLAIMS\nD|Mensah|Kwame|19640504|XYJ386793100|G40.909|120.00\nT|1\n";
        assert_eq!(told(file), ["Mensah", "Kwame", "19640504"]);
        assert_eq!(told(&file.replace('|', ",")), ["Mensah", "Kwame", "19640504"]);
        for other in ["D|Lipitor|Tablet|20240504|40", "D|Epic|Bridges|2024-05-04", "D|Mensah|20240504|Kwame"]
        {
            assert_eq!(told(other), [""; 0], "{other}");
        }
    }

    #[test]
    fn lines_of_other_things_tell_of_nobody() {
        for line in [
            "4410-22  FOLEY CATHETER    16FR      20260104  40",
            "00071-0155  LIPITOR       TABLET      20240101EA 90",
            "HARGROVE   BEATRICE   closed 20260104",
            "                              20260104F                     ",
        ] {
            assert_eq!(told(line), [""; 0], "{line}");
        }
    }
}
