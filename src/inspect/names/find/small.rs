//! Names that nothing but what stands behind them tells: in small letters, right before a birth date or a number that was
//! found, and the word for it. `linda miller dob 3/4/1961`

use super::super::after::window_before;
use super::super::is_listed;
use crate::inspect::kind::Kind;
use crate::inspect::text::Hit;
use std::ops::Range;

/// Where they stand.
pub(super) fn names(text: &str, hits: &[Hit]) -> impl Iterator<Item = Range<usize>> {
    let recorded = hits.iter().filter(|hit| hit.labelled && is_of_a_record(hit.kind));
    recorded.filter_map(|hit| name(text, hit.span.start))
}

/// The name before a value's word, if it is one by the lists.
fn name(text: &str, value: usize) -> Option<Range<usize>> {
    let window = window_before(text, value, NEAR_BYTES);
    let before = window.trim_end_matches([' ', ':', '#', '=', '.', '"', '\'']);
    let before = LABELS.iter().find_map(|label| without(before, label))?;
    let named = before.trim_end_matches([' ', ',', '(', ';', '-']);
    let end = value - window.len() + named.len();
    let is_small = |word: &&str| word.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'\''));
    let two: usize = named.rsplit(' ').take_while(is_small).take(2).map(|word| word.len() + 1).sum();
    let start = end - two.checked_sub(1)?.min(named.len());
    let is_name = named.len() < before.len() && text.get(start..end).is_some_and(is_listed);
    is_name.then_some(start..end)
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
        ] {
            assert_eq!(found(text).as_deref(), Some("linda miller"), "{text}");
        }
        for text in [
            "dob 3/4/1961",
            "linda dob 3/4/1961",
            "rose garden dob 3/4/1961",
            "linda miller 3/4/1961",
            "é dob 3/4/1961",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
