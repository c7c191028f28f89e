//! What counts only right behind something else: a date behind a full name is its bearer's birth date.

use super::check::date;
use super::kind::{Kind, Points};
use super::names::words::Words;
use super::names::{self, window_after};
use super::text::Hit;
use std::ops::Range;

/// Adds to `hits` each of `followers` that stands right behind one of them of its kind: first the dates behind a name,
/// then the numbers beside a birth date, as the head of a record has them (`Okafor, Darnell | E08738432 | 06/22/1962`). Who has
/// a title before the name signs with a date of this century.
pub(super) fn add(text: &str, followers: Vec<(Kind, Hit)>, hits: &mut Vec<Hit>, words: &Words) {
    if followers.is_empty() {
        return;
    }
    let (numbers, dates): (Vec<_>, Vec<_>) =
        followers.into_iter().partition(|(kind, _)| *kind == Kind::BirthDate);
    let mut between: Vec<Range<usize>> = Vec::new();
    let names = Ends::of(hits);
    let signs = |name: &Range<usize>, date: &Hit| {
        let date = text.get(date.span.clone()).unwrap_or_default();
        let is_recent =
            date.split(|c: char| !c.is_ascii_digit()).any(|n| n.len() >= 4 && n.starts_with("20"));
        is_recent && names::is_titled(text, name, words)
    };
    let new: Vec<Hit> = dates
        .into_iter()
        .filter(|(kind, hit)| {
            let before = names.before(text, *kind, hit);
            between.extend(before.clone().map(|name| name.end..hit.span.start));
            before.is_some_and(|name| !signs(&name, hit))
                && !heads_life(text.get(hit.span.end..).unwrap_or_default())
        })
        .map(|(_, hit)| hit)
        .collect();
    // Nobody but a patient has a birth date behind the name: then the name is one, whatever it is told by.
    let named = hits.iter().enumerate().filter(|(_, hit)| hit.kind == Kind::FullName && hit.points >= LEAST);
    let mut names: Vec<(usize, usize)> = named.map(|(at, hit)| (hit.span.end, at)).collect();
    names.sort_unstable();
    for follower in new.iter().filter(|hit| hit.kind == Kind::BirthDate) {
        let before = names.partition_point(|(end, _)| *end <= follower.span.start);
        let nearest = before.checked_sub(1).and_then(|at| names.get(at));
        if let Some(name) = nearest.and_then(|(_, at)| hits.get_mut(*at)) {
            name.points = name.points.max(WITH_BIRTH_DATE);
        }
    }
    hits.extend(new);
    let born = Ends::of(hits);
    let is_beside = |(kind, hit): &(Kind, Hit)| {
        let lies_in = |gap: &Range<usize>| gap.start <= hit.span.start && hit.span.end <= gap.end;
        between.iter().any(lies_in) || born.before(text, *kind, hit).is_some()
    };
    hits.extend(numbers.into_iter().filter(is_beside).map(|(_, hit)| hit));
}

/// Where hits stand that are worth something, in order of their ends, and of what kind they are.
struct Ends(Vec<(Range<usize>, Kind)>);

impl Ends {
    fn of(hits: &[Hit]) -> Self {
        let sure = hits.iter().filter(|hit| hit.points >= LEAST);
        let mut ends: Vec<_> = sure.map(|hit| (hit.span.clone(), hit.kind)).collect();
        ends.sort_unstable_by_key(|(span, kind)| (span.end, *kind));
        Self(ends)
    }

    /// The one of a kind that a hit stands right behind.
    fn before(&self, text: &str, kind: Kind, hit: &Hit) -> Option<Range<usize>> {
        let before = self.0.partition_point(|(span, _)| span.end <= hit.span.start);
        let near = self.0.get(..before)?.iter().rev();
        near.take_while(|(span, _)| hit.span.start - span.end <= GAP_BYTES_MAX)
            .filter(|(_, of)| *of == kind)
            .map(|(span, _)| span.clone())
            .find(|span| {
                let gap = text.get(span.end..hit.span.start).unwrap_or_default();
                is_gap(gap, kind) || hit.kind == Kind::Mrn && is_age_gap(gap)
            })
    }
}

/// Whether no more than a sex stands between a name and what belongs to it, on one line; of a name's date there may be a
/// number on record, too, set apart by more than a blank.
fn is_gap(gap: &str, kind: Kind) -> bool {
    if gap.contains(['\n', '\r', '.', '=']) {
        return false;
    }
    let (mut sexes, mut numbers, mut labels) = (0, 0, 0);
    for word in gap.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()) {
        match word {
            word if SEXES.iter().any(|sex| sex.eq_ignore_ascii_case(word)) => sexes += 1,
            word if is_on_record(word) => numbers += 1,
            word if LABELS.iter().any(|label| label.eq_ignore_ascii_case(word)) => labels += 1,
            _ => return false,
        }
    }
    match numbers {
        0 => sexes <= 1 && labels == 0 && gap.len() <= SEX_BYTES_MAX,
        1 => {
            kind == Kind::FullName
                && sexes + labels <= 1
                && (gap.contains(['|', '/', ',', ';', '(', '[', '#', '\t']) || gap.contains("  "))
        }
        _ => false,
    }
}

/// Whether an age stands between a name and a number on record, with or without a sex: `  85M  `, ` | M | 56 | `.
fn is_age_gap(gap: &str) -> bool {
    let words = || gap.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let is_sex = |word: &&str| SEXES.iter().any(|sex| sex.eq_ignore_ascii_case(word));
    let is_age = |word: &&str| {
        let digits = word.trim_end_matches(['M', 'F', 'm', 'f']);
        let all = digits.bytes().all(|b| b.is_ascii_digit());
        all && (1..=3).contains(&digits.len()) && word.len() - digits.len() <= 1
    };
    let (ages, sexes) = (words().filter(is_age).count(), words().filter(is_sex).count());
    let all = words().count() == ages + sexes;
    !gap.contains(['\n', '\r', '.', '=']) && all && ages == 1 && sexes <= 1 && gap.len() <= AGE_BYTES_MAX
}

/// Whether a word may be a number of a person's record: digits, with a few letters in front.
fn is_on_record(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase());
    word.len() - digits.len() <= 3
        && (5..=12).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a second date follows behind a dash: `(4 June 1937 - 6 May 1999)` is of an encyclopaedia.
fn heads_life(rest: &str) -> bool {
    let rest = window_after(rest, 0, LIFE_BYTES_MAX);
    let Some(rest) = rest.trim_start().strip_prefix(['-', '\u{2013}', '\u{2014}']) else { return false };
    let mut words = rest.split_whitespace().map(|w| w.trim_end_matches([',', '.', ')']));
    let (one, two) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    one.starts_with(|c: char| c.is_ascii_digit()) || date::is_day_of_year(&format!("{one} {two}"))
}

/// How far a second date is looked for.
const LIFE_BYTES_MAX: usize = 64;
/// What a full name is worth beside a birth date.
const WITH_BIRTH_DATE: Points = Points(50);
/// A name that is worth less may be anything.
const LEAST: Points = Points(30);
/// How far a value may stand behind.
const GAP_BYTES_MAX: usize = 36;
/// How much may stand between where there is no number.
const SEX_BYTES_MAX: usize = 12;
/// The same with an age.
const AGE_BYTES_MAX: usize = 18;
/// What stands before a number in the head of a record.
const LABELS: &[&str] = &["mrn", "id", "no", "rec"];
const SEXES: &[&str] = &["m", "f", "male", "female", "w", "x", "u", "nb"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::{RuleSet, text};

    #[test]
    fn a_name_before_a_birth_date_is_one_whatever_it_is_told_by() {
        for listed in
            ["Wanda Kessler 06/22/1962", "WANDA KESSLER 06/22/1962", "Wanda Kessler | 06/22/1962 | F"]
        {
            let hits = text::scan(listed, "", RuleSet::built_in());
            let points: u16 = hits.iter().map(|hit| hit.points.0).sum();
            assert_eq!((hits.len(), points), (2, 90), "{listed}");
        }
    }

    #[test]
    fn who_has_a_title_signs_with_a_date() {
        let born = |text: &str| {
            text::scan(text, "", RuleSet::built_in()).iter().any(|hit| hit.kind == Kind::BirthDate)
        };
        for text in ["Lab Manager Wanda Kessler, 04/18/2018", "Approved: Wanda Kessler, May 28, 2018"] {
            assert!(!born(text), "{text}");
        }
        for text in [
            "Wanda Kessler, 04/18/2018",
            "Lab Manager Wanda Kessler, 04/18/1998",
            "Approved: Wanda Kessler, 5/28/1958",
        ] {
            assert!(born(text), "{text}");
        }
    }

    #[test]
    fn no_more_than_a_sex_stands_between() {
        for gap in [" ", ", ", " F ", ", F, ", " (", " [", " | ", " / ", " - ", ", male, "] {
            assert!(is_gap(gap, Kind::FullName) && is_gap(gap, Kind::BirthDate), "{gap}");
        }
        for gap in [" seen ", "\n", " F M ", ". ", "=", " on ", " Z474 / "] {
            assert!(!is_gap(gap, Kind::FullName), "{gap}");
        }
    }

    #[test]
    fn between_a_name_and_its_date_there_may_be_a_number() {
        for gap in [" | E08738432 | ", " / Z4740651 / ", ", MRN 8873843, ", "  8873843  F ", " (8873843) "] {
            assert!(is_gap(gap, Kind::FullName) && !is_gap(gap, Kind::BirthDate), "{gap}");
        }
        for gap in [" 8873843 ", " | 8873843 | 8873844 | ", " | 8873843\n", " | room 8873843 | ", " | ID | "]
        {
            assert!(!is_gap(gap, Kind::FullName), "{gap}");
        }
    }

    #[test]
    fn an_age_may_stand_before_a_number() {
        for gap in ["  85M  ", " | M | 56 | ", ", 56 F, ", " (61M) "] {
            assert!(is_age_gap(gap), "{gap}");
        }
        for gap in ["  ", " M ", "  85M 12  ", " 8512 ", "\n85M ", " room 12 "] {
            assert!(!is_age_gap(gap), "{gap}");
        }
    }

    #[test]
    fn two_dates_with_a_dash_are_a_life() {
        for rest in [" - 6 May 1999)", " \u{2013} April 8, 1969", "-1999"] {
            assert!(heads_life(rest), "{rest}");
        }
        for rest in [" - asthma", ", asthma", "", " - May be seen"] {
            assert!(!heads_life(rest), "{rest}");
        }
    }
}
