//! What counts only right behind something else: a date behind a full name is its bearer's birth date.

use super::check::date;
use super::kind::{Kind, Points};
use super::names::window_after;
use super::text::Hit;

/// Adds to `hits` each of `followers` that stands right behind one of them of its kind.
pub(super) fn add(text: &str, followers: Vec<(Kind, Hit)>, hits: &mut Vec<Hit>) {
    if followers.is_empty() {
        return;
    }
    let sure = hits.iter().filter(|hit| hit.points >= LEAST);
    let mut ends: Vec<(usize, Kind)> = sure.map(|hit| (hit.span.end, hit.kind)).collect();
    ends.sort_unstable();
    let follows = |kind: Kind, hit: &Hit| {
        let before = ends.partition_point(|(end, _)| *end <= hit.span.start);
        let near = ends.get(..before).unwrap_or_default().iter().rev();
        near.take_while(|(end, _)| hit.span.start - end <= GAP_BYTES_MAX)
            .any(|(end, of)| *of == kind && text.get(*end..hit.span.start).is_some_and(is_gap))
            && !heads_life(text.get(hit.span.end..).unwrap_or_default())
    };
    let new: Vec<Hit> =
        followers.into_iter().filter(|(kind, hit)| follows(*kind, hit)).map(|(_, hit)| hit).collect();
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
}

/// Whether no more than a sex stands between a name and what belongs to it, on one line.
fn is_gap(gap: &str) -> bool {
    let mut words = gap.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    let sex = words.next().is_none_or(|w| SEXES.iter().any(|sex| sex.eq_ignore_ascii_case(w)));
    sex && words.next().is_none() && !gap.contains(['\n', '\r', '.', '='])
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
const GAP_BYTES_MAX: usize = 12;
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
    fn no_more_than_a_sex_stands_between() {
        for gap in [" ", ", ", " F ", ", F, ", " (", " [", " | ", " / ", " - ", ", male, "] {
            assert!(is_gap(gap), "{gap}");
        }
        for gap in [" seen ", "\n", " F M ", ". ", "=", " on "] {
            assert!(!is_gap(gap), "{gap}");
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
