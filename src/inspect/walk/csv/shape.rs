//! What columns hold by what their values look like over rows: where no line names them.
//!
//! A shape counts where four in five of a column's values have it. Capitalised words are names only beside an identifier
//! that is a person's and nothing else's (number, address, phone, birth date), and one column of words alone is none
//! unless each value is two or three of them: products and towns are capitalised, too.

use crate::inspect::check::date::{self, Date};
use crate::inspect::check::{digits, mbi, phone};
use crate::inspect::marker::Sign;
use crate::inspect::names;
use std::collections::HashSet;

/// The shape of each column (as the table's rows name it), by its values in some rows. `heads` are what the columns are
/// called, in normal form, where a line says it.
pub(super) fn shapes(columns: &[Vec<&str>], heads: &[String]) -> Vec<Option<&'static str>> {
    let facts: Vec<Facts> = columns.iter().map(|values| Facts::of(values)).collect();
    let mut out: Vec<Option<&'static str>> = facts.iter().map(|facts| facts.alone).collect();
    let has = |out: &[Option<&str>], shape: &str| out.contains(&Some(shape));
    let addressed = facts.iter().any(|facts| facts.state) || has(&out, "street");
    for (at, facts) in facts.iter().enumerate() {
        let next_is_state = columns.get(at + 1).is_some() && is_state(&facts_at(columns, at + 1));
        if facts.zip && addressed && facts.alone.is_none() {
            set(&mut out, at, "zip");
        } else if facts.town && next_is_state {
            set(&mut out, at, "city");
        }
    }
    // Of what is called the date of something else a date alone is none of a birth.
    let is_of_birth = |(at, belief): &(usize, Belief)| {
        *belief == Belief::Spread || !heads.get(*at).is_some_and(|head| dates_something(head))
    };
    let birth = birth_dates(&facts).filter(is_of_birth);
    if let Some((at, _)) = birth {
        set(&mut out, at, "birth-date");
    }
    let strong = ["ssn", "mbi", "phone", "email", "street"].iter().any(|shape| has(&out, shape))
        || matches!(birth, Some((_, Belief::Spread)));
    // One date alone is a birth date only where names stand beside it, and names need more than a date of care.
    let dated = strong || birth.is_some();
    let named = dated && name_columns(&facts, &mut out);
    if let (Some((at, Belief::Alone)), false) = (birth, named) {
        set(&mut out, at, "date");
    }
    if strong || named {
        for (at, facts) in facts.iter().enumerate() {
            if facts.number && out.get(at).is_some_and(Option::is_none) {
                set(&mut out, at, "id");
            }
        }
    }
    out
}

/// Whether a column is called after when something was or is to be, and not after a birth.
fn dates_something(head: &str) -> bool {
    let born = ["birth", "born", "dob", "bday", "bdate"].iter().any(|word| head.contains(word));
    !born && ["date", "day", "time", "stamp", "on", "at", "dt"].iter().any(|end| head.ends_with(end))
}

/// What was seen of one column.
struct Facts {
    /// What it is whatever stands beside it.
    alone: Option<&'static str>,
    /// Years, where it is of dates.
    dates: Vec<Date>,
    zip: bool,
    state: bool,
    /// One capitalised word each, no town.
    words: bool,
    /// As much, and names of towns among them: `Mobile` is a plain word, too.
    town: bool,
    /// Two or three capitalised words each.
    full: bool,
    /// A number of five digits and more that differs from row to row.
    number: bool,
}

impl Facts {
    fn of(values: &[&str]) -> Self {
        let filled: Vec<&str> = values.iter().copied().filter(|v| !v.is_empty()).collect();
        let most = |test: &dyn Fn(&str) -> bool| {
            !filled.is_empty() && filled.iter().filter(|v| test(v)).count() * 5 >= filled.len() * 4
        };
        let dates: Vec<Date> = filled.iter().filter_map(|v| full_date(v)).collect();
        let of_dates = !filled.is_empty() && dates.len() * 5 >= filled.len() * 4;
        let different: HashSet<&str> = filled.iter().copied().collect();
        let alone = if most(&is_ssn) {
            Some("ssn")
        } else if most(&|v| mbi::has_form(v) || mbi::sign(v) == Sign::Sure) {
            Some("mbi")
        } else if most(&is_email) {
            Some("email")
        } else if of_dates {
            Some("date")
        } else if most(&is_phone) || filled.len() >= PLAIN_PHONES_MIN && most(&is_plain_phone) {
            Some("phone")
        } else if most(&is_street) {
            Some("street")
        } else {
            None
        };
        Self {
            dates: if alone == Some("date") { dates } else { Vec::new() },
            zip: most(&is_zip),
            state: most(&|v| STATES.contains(&v)),
            words: alone.is_none() && most(&is_word) && different.len() * 2 >= filled.len(),
            town: alone.is_none() && most(&is_capitalised),
            full: alone.is_none() && most(&is_full_name) && different.len() * 2 >= filled.len(),
            // A provider's number is no patient's.
            number: alone.is_none()
                && most(&is_number)
                && different.len() == filled.len()
                && !most(&|v| digits::npi(v)),
            alone,
        }
    }
}

/// Why a column of dates is one of birth dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Belief {
    /// They lie a generation apart, or well before every other date: dates of care of one extract don't.
    Spread,
    /// It is the only column of dates, and the rows are too few to lie apart.
    Alone,
}

fn birth_dates(facts: &[Facts]) -> Option<(usize, Belief)> {
    let years = |facts: &Facts| {
        let years: Vec<i32> = facts.dates.iter().map(|d| i32::from(d.year)).collect();
        let (low, high) = (years.iter().min().copied()?, years.iter().max().copied()?);
        let mean = years.iter().sum::<i32>() / i32::try_from(years.len()).ok()?;
        Some((low, high, mean))
    };
    let mut dated: Vec<(usize, (i32, i32, i32))> =
        facts.iter().enumerate().filter_map(|(at, facts)| Some((at, years(facts)?))).collect();
    dated.sort_by_key(|(_, (_, _, mean))| *mean);
    match dated.as_slice() {
        [(at, (low, high, _)), ..] if high - low >= GENERATION => Some((*at, Belief::Spread)),
        [(at, (_, _, mean)), (_, (_, _, next)), ..] if next - mean >= BEFORE_CARE => {
            Some((*at, Belief::Spread))
        }
        [(at, _)] if facts.get(*at).is_some_and(|facts| facts.dates.len() < SPREAD_ROWS) => {
            Some((*at, Belief::Alone))
        }
        _ => None,
    }
}

/// Marks the columns of names; `false` where there are none.
fn name_columns(facts: &[Facts], out: &mut [Option<&'static str>]) -> bool {
    let free = |out: &[Option<&str>], at: usize| out.get(at).is_some_and(Option::is_none);
    let words = |at: usize| facts.get(at).is_some_and(|facts| facts.words);
    if let Some(at) =
        (0..facts.len()).find(|at| words(*at) && words(at + 1) && free(out, *at) && free(out, at + 1))
    {
        set(out, at, "family");
        let mut next = at + 1;
        // A middle name may follow.
        while next <= at + 2 && words(next) && free(out, next) {
            set(out, next, "given");
            next += 1;
        }
        return true;
    }
    let full = |at: &usize| facts.get(*at).is_some_and(|facts| facts.full) && free(out, *at);
    match (0..facts.len()).find(full) {
        Some(at) => {
            set(out, at, "name");
            true
        }
        None => false,
    }
}

fn set(out: &mut [Option<&'static str>], at: usize, shape: &'static str) {
    if let Some(slot) = out.get_mut(at) {
        *slot = Some(shape);
    }
}

fn facts_at<'v>(columns: &[Vec<&'v str>], at: usize) -> Vec<&'v str> {
    columns.get(at).into_iter().flatten().copied().filter(|v| !v.is_empty()).collect()
}

/// Whether most of the values are letters of states.
pub(super) fn is_state(values: &[&str]) -> bool {
    !values.is_empty() && values.iter().filter(|v| STATES.contains(*v)).count() * 5 >= values.len() * 4
}

/// A date of the calendar with a day, from 1850 to 2100, in digits.
pub(super) fn full_date(value: &str) -> Option<Date> {
    let plain = value
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'/' | b'.' | b':' | b' ' | b'T' | b'Z'));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    if !plain || digits < 6 || value.len() > 26 {
        return None;
    }
    date::parse(value).filter(|d| d.day > 0 && (1850..2100).contains(&d.year))
}

fn is_ssn(value: &str) -> bool {
    let v = value.as_bytes();
    v.len() == 11
        && v.iter().enumerate().all(|(i, b)| {
            if matches!(i, 3 | 6) { matches!(b, b'-' | b' ' | b'.') } else { b.is_ascii_digit() }
        })
}

fn is_email(value: &str) -> bool {
    value.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.contains('@') && !value.contains(char::is_whitespace)
    })
}

fn is_phone(value: &str) -> bool {
    let separated = value.bytes().any(|b| matches!(b, b'-' | b'(' | b'.' | b' ' | b'+'));
    // `12585-3390-04` is a drug's.
    let groups =
        || value.split('-').map(str::len).eq([5, 4, 2]) || value.split('-').map(str::len).eq([5, 3, 2]);
    separated
        && !groups()
        && value.bytes().all(|b| b.is_ascii_digit() || b"+-(). x".contains(&b))
        && phone::has_form(value.split('x').next().unwrap_or(value))
}

/// Ten digits that can be dialled in North America.
fn is_plain_phone(value: &str) -> bool {
    let v = value.as_bytes();
    v.len() == 10
        && v.iter().all(u8::is_ascii_digit)
        && [0, 3].iter().all(|at| v.get(*at).is_some_and(|b| *b >= b'2'))
}

fn is_street(value: &str) -> bool {
    let mut words = value.split_whitespace();
    let house = words.next().is_some_and(|w| w.len() <= 7 && w.starts_with(|c: char| c.is_ascii_digit()));
    let kind = |w: &str| {
        let w = w.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
        STREETS.contains(&w.as_str())
    };
    let box_office = value.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("po box"));
    box_office || house && words.any(kind)
}

fn is_zip(value: &str) -> bool {
    let (head, tail) = value.split_once('-').unwrap_or((value, "0000"));
    let plain = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| b.is_ascii_digit());
    plain(head, 5) && plain(tail, 4)
}

/// A capitalised word, as a name is written: `Smith`, `O'Brien`, `St. Clair`, `NÚÑEZ`, `Medhurst46`.
fn is_word(value: &str) -> bool {
    is_capitalised(value) && names::is_person(value)
}

fn is_capitalised(value: &str) -> bool {
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 2
        && value.starts_with(char::is_uppercase)
        && value.chars().all(|c| c.is_alphanumeric() || matches!(c, '\'' | '\u{2019}' | '-' | ' ' | '.'))
        && value.chars().filter(char::is_ascii_digit).count() <= 4
        && value.split(' ').count() <= 2
        && !STATES.contains(&value)
}

/// `Smith, John`, `John Smith`, `John Q. Smith`.
fn is_full_name(value: &str) -> bool {
    let mut words = 0;
    for word in value.split([' ', ',']).filter(|w| !w.is_empty()) {
        words += 1;
        if !word.starts_with(char::is_uppercase)
            || !word.chars().all(|c| c.is_alphanumeric() || "'\u{2019}-.".contains(c))
        {
            return false;
        }
    }
    (2..=4).contains(&words) && names::is_person(value)
}

fn is_number(value: &str) -> bool {
    let count = digits::count(value);
    count >= 4
        && (5..=40).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Years between the oldest and the youngest that dates of care of one extract don't span.
const GENERATION: i32 = 15;
/// Years by which birth dates lie before dates of care in the mean.
const BEFORE_CARE: i32 = 3;
/// Rows from which on birth dates lie a generation apart.
const SPREAD_ROWS: usize = 5;
/// Fewer ten-digit numbers that could be dialled are chance.
const PLAIN_PHONES_MIN: usize = 5;
const STREETS: &[&str] = &[
    "st",
    "street",
    "ave",
    "avenue",
    "rd",
    "road",
    "blvd",
    "boulevard",
    "dr",
    "drive",
    "ln",
    "lane",
    "ct",
    "court",
    "pl",
    "place",
    "way",
    "ter",
    "terrace",
    "cir",
    "circle",
    "pkwy",
    "parkway",
    "hwy",
    "highway",
    "trl",
    "trail",
    "sq",
    "square",
    "loop",
    "pike",
    "route",
    "rte",
    "run",
    "row",
    "alley",
    "bend",
    "crossing",
    "plaza",
    "walk",
];
const STATES: &[&str] = &[
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS",
    "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC",
    "ND", "OH", "OK", "OR", "PA", "PR", "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI",
    "WY",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[&str]) -> Vec<&'static str> {
        let rows: Vec<Vec<&str>> = rows.iter().map(|row| row.split('|').collect()).collect();
        let columns: Vec<Vec<&str>> =
            (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
        called(&columns, &[])
    }

    fn called(columns: &[Vec<&str>], heads: &[&str]) -> Vec<&'static str> {
        let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
        shapes(columns, &heads).into_iter().map(|shape| shape.unwrap_or("")).collect()
    }

    #[test]
    fn a_date_of_something_else_is_no_birth_date_beside_a_name() {
        let rows: Vec<Vec<&str>> = vec![vec!["2024-06-11"], vec!["Ruth Ellingsworth"]];
        assert_eq!(called(&rows, &[]), ["birth-date", "name"]);
        for head in ["date", "deploydate", "inspectedon", "startedat"] {
            assert_eq!(called(&rows, &[head, "owner"]), ["date", ""], "{head}");
        }
        for head in ["bornon", "birthday", "x", ""] {
            assert_eq!(called(&rows, &[head, "owner"]), ["birth-date", "name"], "{head}");
        }
    }

    #[test]
    fn a_patient_list_without_a_head_is_told_by_its_values() {
        assert_eq!(
            of(&[
                "E08738432|Hope|Siobhan|2002-10-22|F|434-94-7525|4333 Lakeview Ct|Mobile|AL|36602-9764|775-604-9447|s.hope@icloud.com",
                "MRN7147200|Petrov|Curtis|1983-02-21|M|117-11-1647|9653 N Cedar St|El Paso|TX|93721|918-753-8017|c.petrov@icloud.com",
            ]),
            ["id", "family", "given", "birth-date", "", "ssn", "street", "city", "", "zip", "phone", "email"]
        );
    }

    #[test]
    fn catalogues_and_lab_lists_have_no_names() {
        assert_eq!(of(&["7107-4|LOINC|Glucose|47193", "19552-1|LOINC|Sodium|22561"]), ["", "", "", ""]);
        let orders: Vec<String> =
            ["Ferritin|Roche", "Prolactin|Abbott", "Cortisol|Siemens", "Lipase|Sysmex", "Amylase|Beckman"]
                .iter()
                .enumerate()
                .map(|(at, words)| format!("A1002{at}|{words}|2024-03-0{}", at + 1))
                .collect();
        let orders: Vec<&str> = orders.iter().map(String::as_str).collect();
        assert_eq!(of(&orders), ["", "", "", "date"]);
        assert_eq!(of(&orders[..1])[1..], ["family", "given", "birth-date"], "one line can be anybody's");
        assert_eq!(of(&["A10023|Glucose|98|mg/dL|2024-03-01", "A10024|Sodium|140|mmol/L|2024-03-02"])[1], "");
    }

    #[test]
    fn whole_names_count_beside_a_number_or_an_address() {
        assert_eq!(of(&["Smith, John|212-55-0187", "Wong, Siobhan|212-55-0188"]), ["name", "ssn"]);
        assert_eq!(of(&["John Smith|12", "Ann Wong|13"]), ["", ""]);
    }

    #[test]
    fn dates_of_care_are_no_birth_dates() {
        assert_eq!(
            of(&["Hope|Ann|1962-01-02|2024-03-01", "Wong|Bo|1970-01-02|2024-04-01"])[2..],
            ["birth-date", "date"]
        );
        assert_eq!(of(&["x1|2024-03-01", "x2|2024-04-01"]), ["", "date"]);
    }
}
