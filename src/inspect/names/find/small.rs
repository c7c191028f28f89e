//! Names that nothing but what stands behind them tells: in small letters, right before a birth date or a number that was
//! found, and the word for it, or right before a date or a telephone number. `linda miller dob 3/4/1961`

use super::super::after::window_before;
use super::super::{is_half_listed, is_listed, may_begin_listed};
use crate::inspect::kind::Kind;
use crate::inspect::text::Hit;
use std::ops::Range;

/// Where they stand.
pub(super) fn names(text: &str, hits: &[Hit]) -> impl Iterator<Item = Range<usize>> {
    hits.iter().filter_map(|hit| match hit.kind {
        kind if hit.labelled && is_of_a_record(kind) => name(text, hit.span.start),
        Kind::BirthDate | Kind::ServiceDate | Kind::Phone => right_before(text, hit.span.start),
        _ => None,
    })
}

/// The name that ends right before a value, with a comma or a bracket between at most.
fn right_before(text: &str, value: usize) -> Option<Range<usize>> {
    let window = window_before(text, value, NEAR_BYTES);
    let gap = window.len() - window.trim_end_matches([' ', ',', '(']).len();
    let named = window.get(..window.len() - gap).filter(|_| (1..=GAP_BYTES_MAX).contains(&gap))?;
    two_before(text, named, value - gap, |name| {
        is_listed(name) || is_half_listed(name) && may_begin_listed(name)
    })
}

/// The name before a value's word, if it is one by the lists.
fn name(text: &str, value: usize) -> Option<Range<usize>> {
    let window = window_before(text, value, NEAR_BYTES);
    let before = window.trim_end_matches([' ', ':', '#', '=', '.', '"', '\'']);
    let before = LABELS.iter().find_map(|label| without(before, label))?;
    let named = before.trim_end_matches([' ', ',', '(', ';', '-']);
    let name = two_before(text, named, value - window.len() + named.len(), is_listed);
    name.filter(|_| named.len() < before.len())
}

/// The two last words of `named`, which ends at `end`, where they are in small letters and a name.
fn two_before(text: &str, named: &str, end: usize, is_name: impl Fn(&str) -> bool) -> Option<Range<usize>> {
    let is_small = |word: &&str| word.chars().all(|c| c.is_lowercase() || matches!(c, '-' | '\''));
    let two: usize = named.rsplit(' ').take_while(is_small).take(2).map(|word| word.len() + 1).sum();
    let start = end - two.checked_sub(1)?.min(named.len());
    text.get(start..end).is_some_and(is_name).then_some(start..end)
}

/// What stands before a label at the end of a text.
fn without<'t>(text: &'t str, label: &str) -> Option<&'t str> {
    let (before, end) = text.split_at_checked(text.len().checked_sub(label.len())?)?;
    end.eq_ignore_ascii_case(label).then_some(before)
}

/// What only who is on record has.
const fn is_of_a_record(kind: Kind) -> bool {
    matches!(kind, Kind::BirthDate | Kind::Mrn | Kind::Ssn | Kind::Mbi | Kind::MemberId)
}

const LABELS: &[&str] = &["date of birth", "birth date", "birthdate", "d.o.b", "dob", "born", "mrn", "ssn"];
/// Between a name and a date: `, (`.
const GAP_BYTES_MAX: usize = 3;
/// How far before a value its word and the name are looked for.
const NEAR_BYTES: usize = 72;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;
    use crate::inspect::text::scan;

    #[test]
    fn a_name_in_small_letters_stands_before_the_word_for_what_is_on_record() {
        let found = |text: &str| {
            let hits = scan(text, "", RuleSet::built_in());
            hits.into_iter().find(|hit| hit.kind == Kind::FullName).map(|hit| text[hit.span].to_owned())
        };
        for text in [
            "linda miller dob 3/4/1961 needs a refill",
            "spoke to linda miller, dob: 3/4/1961, about it",
            "linda miller (date of birth 3/4/1961)",
            "linda miller mrn 00482103",
            "linda miller DOB 3/4/1961",
            "does linda miller 3/4/1961 qualify",
            "linda miller, 3/4/1961",
            "does linda kjærgaard 3/4/1961 qualify",
            "linda miller (917) 443-0682",
        ] {
            let name = found(text).unwrap_or_default();
            assert!(matches!(&*name, "linda miller" | "linda kjærgaard"), "{text}: {name}");
        }
        for text in [
            "dob 3/4/1961",
            "linda dob 3/4/1961",
            "rose garden dob 3/4/1961",
            "rose garden 3/4/1961",
            "é dob 3/4/1961",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
