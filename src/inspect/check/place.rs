//! Places in running text: towns, places of care, street lines that only their surroundings tell.

use crate::inspect::names;
use crate::inspect::names::list::Lists;
use crate::inspect::names::words::Words;

/// Whether `value` is a town of the list.
#[must_use]
pub fn is_known_city(value: &str) -> bool {
    Lists::built_in().is_city(value)
}

/// Whether `value` can be a place smaller than a state: no state, no country, no word for something else.
#[must_use]
pub fn is_local(value: &str, words: &Words) -> bool {
    let lower = value.to_lowercase();
    let known = Lists::built_in().is_city(value);
    !words.wide_places.contains(&lower)
        && (known || !words.eponyms.contains(&lower))
        && !names::is_listed(&lower)
        && (known || lower.split([' ', '-']).all(|w| !words.not_names.contains(w) || COMPASS.contains(&w)))
}

/// Whether `value`, capitalised words behind a verb of care, can name a place of care.
#[must_use]
pub fn is_facility(value: &str, words: &Words) -> bool {
    let lower = value.to_lowercase();
    let mut parts = lower.split([' ', '.']).filter(|w| !w.is_empty());
    let first = parts.next().unwrap_or_default();
    let alone = parts.next().is_none();
    let asked = ASKING.contains(&first) && lower.split_whitespace().count() == 2;
    let journal = lower == "j med" || lower.ends_with(" j med");
    let taught = first == "university" && !CARE.iter().any(|c| lower.contains(c));
    !words.wide_places.contains(&lower)
        && !taught
        && !asked
        && !journal
        && !PEOPLE.contains(&first)
        && !TIMES.contains(&first)
        && !(ANYWHERE.contains(&first) && lower.split_whitespace().count() == 2)
        && !(alone && (words.not_names.contains(first) || first.len() < 3))
        && !names::is_listed(&lower)
}

/// Whether `value` reads as a street line: behind the house number, or two of them, a word with a letter, and no measure or time.
#[must_use]
pub fn is_street_line(value: &str) -> bool {
    let digit = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let mut parts = value.split_whitespace();
    let number = parts.next().unwrap_or_default();
    let name = parts.next().filter(|w| !w.bytes().all(|b| b.is_ascii_digit())).or_else(|| parts.next());
    let name = name.unwrap_or_default();
    digit(number)
        && name.chars().any(char::is_alphabetic)
        && !MEASURES.contains(&name.trim_end_matches(['.', ',']).to_lowercase().as_str())
}

const COMPASS: &[&str] = &["north", "south", "east", "west", "new", "united", "city", "town", "village"];
/// Words that stand before any hospital: `Which hospital`.
const ASKING: &[&str] = &[
    "which", "what", "whose", "any", "each", "every", "this", "that", "the", "your", "our", "my", "his",
    "her", "their", "no", "another", "if", "when", "does", "is",
];
/// Words before `clinic` or `health` that make it no place's name.
const ANYWHERE: &[&str] =
    &["and", "or", "flu", "school", "vaccine", "covid", "employee", "student", "public"];
const CARE: &[&str] = &["hospital", "medical", "clinic", "health"];
const PEOPLE: &[&str] = &["dr", "doctor", "mr", "mrs", "ms", "prof", "professor", "miss"];
const TIMES: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "spring",
    "summer",
    "winter",
    "autumn",
];
const MEASURES: &[&str] = &[
    "mg", "mcg", "g", "kg", "ml", "l", "mm", "cm", "m", "lb", "lbs", "oz", "am", "pm", "a", "to", "of",
    "and", "or", "for", "in", "on", "at", "years", "year", "months", "weeks", "days", "day", "hours",
    "minutes", "percent", "units", "times", "x", "mg/dl", "other", "more", "people", "patients", "tablets",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::RuleSet;

    #[test]
    fn towns_are_local_and_states_and_labels_are_not() {
        let words = &RuleSet::built_in().words;
        for good in ["Remniku", "El Paso", "New Ulm", "West Bend", "Mobile"] {
            assert!(is_local(good, words), "{good}");
        }
        for bad in ["Texas", "Canada", "Patient Portal", "New Jersey", "Robert Johnson", "Apgar"] {
            assert!(!is_local(bad, words), "{bad}");
        }
    }

    #[test]
    fn places_of_care_are_no_times_people_or_abbreviations() {
        let words = &RuleSet::built_in().words;
        for good in
            ["UCSF", "Our Lady Hospital", "Cedars-Sinai", "Mount Sinai", "St. Luke's Hospital", "Mayo Clinic"]
        {
            assert!(is_facility(good, words), "{good}");
        }
        for bad in ["January", "Dr", "ED", "ICU", "Emily Clark", "France", "University of Nicosia"] {
            assert!(!is_facility(bad, words), "{bad}");
        }
        for bad in [
            "Which hospital",
            "Your Clinic",
            "N Engl J Med",
            "J Med",
            "AND clinic",
            "Flu clinic",
            "School Health",
        ] {
            assert!(!is_facility(bad, words), "{bad}");
        }
    }

    #[test]
    fn street_lines_are_no_measures() {
        assert!(is_street_line("12 rose cottage"));
        assert!(is_street_line("846 31 Rue Al Imam"));
        for bad in ["40 mg", "12 of them", "7 days later", "rose cottage"] {
            assert!(!is_street_line(bad), "{bad}");
        }
    }
}
