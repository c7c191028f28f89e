//! Names of files and folders that say who is in them: `/scans/OKAFOR_DARNELL_19620622/ct.dcm`,
//! `darnell-okafor-1962-06-22.pdf`, `Okafor, Darnell 06-22-1962.pdf`. A birth date behind a separator is one only where a name
//! stands right before it: most names of files have a day in them, and say of nobody when he was born.

use super::super::after::{window_after, window_before};
use super::super::is_half_listed;
use super::super::list::Lists;
use crate::inspect::check::date;
use crate::inspect::kind::{Kind, Points};
use crate::inspect::text::Hit;
use std::ops::Range;
use std::sync::Arc;

/// The names before birth dates; takes away what only a name would have made a birth date.
pub(super) fn names(text: &str, hits: &mut Vec<Hit>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    hits.retain_mut(|hit| {
        let by_name = RULES.contains(&&*hit.rule);
        let blank = || matches!(text.as_bytes().get(..hit.span.start), Some([.., b' ']));
        let in_a_title = (by_name || hit.kind == Kind::ServiceDate) && blank();
        if in_a_title && !ends_a_title(text, hit) {
            return !by_name;
        }
        if !by_name && !in_a_title && hit.kind != Kind::BirthDate {
            return true;
        }
        let Some(name) = name_before(text, hit.span.start, in_a_title) else { return !by_name };
        if in_a_title && !by_name {
            (hit.kind, hit.points, hit.rule, hit.labelled) =
                (Kind::BirthDate, Points(40), Arc::from(RULES[0]), true);
        }
        found.push(name);
        true
    });
    found
}

/// Whether a day of a year in which those who are seen were born stands at the end of a file's name.
fn ends_a_title(text: &str, hit: &Hit) -> bool {
    let behind = window_after(text, hit.span.end, ENDING_BYTES_MAX);
    if behind.starts_with('/') {
        return true;
    }
    let ending = behind.strip_prefix('.').unwrap_or_default();
    let letters = ending.bytes().take_while(u8::is_ascii_alphanumeric).count();
    let day = || date::parse(text.get(hit.span.clone())?);
    (3..=4).contains(&letters) && day().is_some_and(|day| (BORN_MIN..BORN_MAX).contains(&day.year))
}

/// The two words that stand before a value with one separator between each, where they are a name in one order or the other.
fn name_before(text: &str, value: usize, blanks: bool) -> Option<Range<usize>> {
    let window = window_before(text, value, NEAR_BYTES);
    let start = value - window.len();
    let separates = |c: char| matches!(c, '_' | '-' | '^' | '.') || blanks && c == ' ';
    let before = |end: usize| {
        let front = window.get(..end)?;
        let front = front.strip_suffix(separates)?;
        let front = if blanks { front.strip_suffix(',').unwrap_or(front) } else { front };
        let letters = |c: char| c.is_alphabetic() || c == '\'';
        let from = front.rfind(|c| !letters(c)).map_or(0, |at| at + front.get(at..).map_or(1, first_bytes));
        (from < front.len()).then_some(from..front.len())
    };
    let label = |word: &Range<usize>| {
        let word = window.get(word.clone()).unwrap_or_default();
        // `DOB`, an initial
        LABELS.iter().any(|label| label.eq_ignore_ascii_case(word)) || word.chars().count() == 1
    };
    let mut last = before(window.len())?;
    while label(&last) {
        last = before(last.start)?;
    }
    let mut first = before(last.start)?;
    if label(&first) {
        first = before(first.start)?;
    }
    let (one, other) = (window.get(first.clone())?, window.get(last.clone())?);
    (is_a_name(one, other) || is_a_name(other, one)).then_some(start + first.start..start + last.end)
}

fn first_bytes(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

/// Whether two words are a given name and a family name by the lists, of which one at least is no plain word; or where both
/// have capitals a given name and a word that is none of the language.
fn is_a_name(given: &str, family: &str) -> bool {
    let lists = Lists::built_in();
    let (one, other) = (lists.standing(given), lists.standing(family));
    let is_a_town = || {
        let (given, family) = (given.to_lowercase(), family.to_lowercase());
        lists.is_city(&format!("{given} {family}")) || lists.is_city(&format!("{family} {given}"))
    };
    let capitals = [given, family].iter().all(|word| word.starts_with(char::is_uppercase));
    let listed = other.family && !(one.word && other.word);
    let half = || !one.word && capitals && is_half_listed(&format!("{given} {family}").to_lowercase());
    one.given && (listed || half()) && !is_a_town()
}

/// The rules of birth dates that nothing but a name before them tells.
const RULES: [&str; 2] = ["text.file-birth-date", "text.file-birth-day"];
const LABELS: &[&str] = &["dob", "born", "d.o.b", "birthdate"];
/// Years of birth of those who are seen, and not of what is filed.
const BORN_MIN: u16 = 1910;
const BORN_MAX: u16 = 2010;
/// How far before a value the name is looked for, and how much of what follows tells of a file.
const NEAR_BYTES: usize = 64;
const ENDING_BYTES_MAX: usize = 6;

#[cfg(test)]
mod tests {
    use crate::inspect::kind::Kind;
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    fn told(text: &str) -> Vec<(Kind, &str)> {
        let hits = scan(text, "", RuleSet::built_in());
        hits.into_iter().map(|hit| (hit.kind, &text[hit.span])).collect()
    }

    #[test]
    fn a_name_before_a_birth_date_in_the_name_of_a_file_is_whose_it_is() {
        for (text, name, day) in [
            ("/scans/OKAFOR_DARNELL_19620622/ct.dcm", "OKAFOR_DARNELL", "19620622"),
            ("stored darnell-okafor-1962-06-22.pdf in 3 ms", "darnell-okafor", "1962-06-22"),
            ("s3://a/2024/Okafor_Darnell_W_06221962.tif", "Okafor_Darnell", "06221962"),
            ("OKAFOR^DARNELL^19620622.dcm", "OKAFOR^DARNELL", "19620622"),
            ("Okafor_Darnell_DOB_06221962.pdf", "Okafor_Darnell", "06221962"),
            ("C:\\\\scans\\\\Okafor, Darnell 06-22-1962.pdf", "Okafor, Darnell", "06-22-1962"),
            ("/scans/denise_marsh_22.06.1962/", "denise_marsh", "22.06.1962"),
            ("Okafor_Darnell 1962-06-22.pdf", "Okafor_Darnell", "1962-06-22"),
            ("Okafor_Jan_22061962.tif", "Okafor_Jan", "22061962"),
            ("OKONDJO_DENISE_19620622.tif", "OKONDJO_DENISE", "19620622"),
        ] {
            let told = told(text);
            assert!(told.contains(&(Kind::FullName, name)), "{text}: {told:?}");
            let is_day =
                |(kind, value): &(Kind, &str)| matches!(kind, Kind::BirthDate | Kind::Mrn) && *value == day;
            assert!(told.iter().any(is_day), "{text}: {told:?}");
        }
    }

    #[test]
    fn days_of_files_that_are_nobodys_are_no_birth_dates() {
        for text in [
            "release_notes_20040526.md",
            "/var/log/smith_api_20240101.log",
            "patient_portal_export_20040526.csv",
            "backup-1999-12-31.tar.gz",
            "darnell-1962-06-22.pdf",
            "grant-report-2004-05-26.pdf",
            "/scans/darnell-okafor/series-2004-05-26.dcm",
            "quarterly report 06-22-2004.pdf",
            "moved on 2004-05-26",
            "san-diego-2003-05-06.jpg",
            "hurricane-katrina-2005-08-29.txt",
        ] {
            let told = told(text);
            assert!(told.iter().all(|(kind, _)| *kind != Kind::BirthDate), "{text}: {told:?}");
        }
    }
}
