//! Words that people give with what they do: the audit keeps them, so none may hold what detectors find.

use super::answers::{bad, problem};
use crate::inspect::rules::Mode;
use crate::inspect::{RuleSet, text};
use axum::http::StatusCode;
use axum::response::Response;

/// A reason: trimmed, and there at all where one is needed. `rules` are those of the environment that it is given for.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
pub(super) fn reason<'t>(text: &'t str, is_needed: bool, rules: &RuleSet) -> Result<&'t str, Response> {
    let text = text.trim();
    if is_needed && text.chars().count() < REASON_CHARS_MIN {
        return Err(problem(
            StatusCode::BAD_REQUEST,
            "reason_needed",
            "This needs a reason of four letters at least.",
        ));
    }
    if text.chars().count() > REASON_CHARS_MAX || text.contains(char::is_control) {
        return Err(bad("a reason of at most 500 characters, without control characters"));
    }
    if is_found(text, rules) {
        let detail = "The reason itself holds likely PHI: name a ticket, not the person.";
        return Err(problem(StatusCode::BAD_REQUEST, "reason_holds_phi", detail));
    }
    Ok(text)
}

/// A ticket's name. `rules` as above.
// As above.
#[allow(clippy::result_large_err)]
pub(super) fn ticket<'t>(text: &'t str, rules: &RuleSet) -> Result<&'t str, Response> {
    let text = text.trim();
    let good = (1..=TICKET_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.#/".contains(&b));
    if !good {
        return Err(bad("a ticket of 1 to 60 letters, digits and - _ . # /"));
    }
    if is_found(text, rules) {
        let detail = "The ticket's name itself holds likely PHI: name a ticket, not the person.";
        return Err(problem(StatusCode::BAD_REQUEST, "ticket_holds_phi", detail));
    }
    Ok(text)
}

/// Whether detectors find something: ours, whatever a site made of them, or those that the site enforces.
fn is_found(text: &str, rules: &RuleSet) -> bool {
    let enforced = |rule: &str| rules.modes.of(rule) == Mode::Enforce;
    !text::scan(text, "", RuleSet::built_in()).is_empty()
        || text::scan(text, "", rules).iter().any(|hit| enforced(&hit.rule))
}

/// Whether a text repeats a value, however it is written.
pub(super) fn repeats(text: &str, value: &str) -> bool {
    plain(text).contains(&plain(value))
}

/// Whether a text repeats what a value of a record says of somebody: a part of a name, a number, or all of it. Words that any
/// text has, as a status or a title, are no such thing.
pub(super) fn tells_of(text: &str, value: &str, is_name: bool) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect()
    };
    let is_number = |word: &String| word.len() >= NUMBER_MIN && word.bytes().any(|b| b.is_ascii_digit());
    let (said, of_value) = (words(text), words(value));
    let whole = plain(value);
    let has_words = of_value.iter().filter(|word| !word.is_empty()).count() > 1;
    let is_own = is_number(&whole) || has_words && whole.len() >= TEXT_MIN;
    let part_of_name =
        |word: &String| is_name && word.chars().count() >= NAME_CHARS_MIN && said.contains(word);
    (is_own && repeats(text, value))
        || of_value.iter().any(part_of_name)
        || said.iter().any(|word| is_number(word) && of_value.contains(word))
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

const REASON_CHARS_MIN: usize = 4;
const REASON_CHARS_MAX: usize = 500;
const TICKET_CHARS_MAX: usize = 60;
/// Shorter parts of a name are words of any text.
const NAME_CHARS_MIN: usize = 3;
/// Letters and digits of a number that is somebody's.
const NUMBER_MIN: usize = 5;
/// Letters and digits of several words that are no chance.
const TEXT_MIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::rules::Changes;

    #[test]
    fn tickets_are_names_and_no_values() {
        for good in ["INC-4711", "#12", "CHG0041234", "ops/2026-17"] {
            assert!(ticket(good, RuleSet::built_in()).is_ok(), "{good}");
        }
        for bad in ["512-44-1234", "", "a b"] {
            assert!(ticket(bad, RuleSet::built_in()).is_err(), "{bad}");
        }
        assert!(repeats("for E-087 38432, again", "e08738432") && !repeats("ticket 4711", "E08738432"));
    }

    #[test]
    fn what_a_site_enforces_is_no_reason_either() {
        let site = |mode: &str| {
            let text = format!(
                "[[detector]]\nid = \"acme.badge\"\nabout = \"Badge\"\nsource = \"handbook\"\nkind = \"other-id\"\nmode = \"{mode}\"\npattern = 'BG-[0-9]{{6}}'\npoints = {{ alone = 95, nearby = 0 }}\n"
            );
            let edits = crate::config::rules::parse("site", &text).expect("good");
            let changes = Changes { edits, texts: vec![text] };
            RuleSet::with(&changes).unwrap_or_else(|_| panic!("compiles"))
        };
        let said = "the badge BG-402817 was lost";
        assert!(reason(said, true, RuleSet::built_in()).is_ok());
        assert!(
            reason(said, true, &site("enforce")).is_err() && ticket("BG-402817", &site("enforce")).is_err()
        );
        assert!(reason(said, true, &site("shadow")).is_ok());
    }

    #[test]
    fn names_and_numbers_of_a_record_are_told_apart_from_any_words() {
        for (text, value, is_name) in [
            ("chart of Okafor", "Okafor", true),
            ("chart of OKAFOR, again", "Darnell Okafor", true),
            ("E-087 38432", "E08738432", false),
            ("xE08738432x", "E08738432", false),
            ("badge BG402817", "visitor with badge BG402817 seen", false),
            ("born 1962-06-22", "1962-06-22", false),
            ("who lives at 12 Elm Street", "12 Elm Street", false),
        ] {
            assert!(tells_of(text, value, is_name), "{text}: {value}");
        }
        for (text, value, is_name) in [
            ("wrong patient shown", "wrong", false),
            ("wrong patient shown", "patient", false),
            ("a chart of May 2026", "2026", false),
            ("a chart of Al", "Al", true),
            ("planning of it", "Ann", true),
            ("ticket 12", "12", false),
            ("wrong patient shown", "", true),
        ] {
            assert!(!tells_of(text, value, is_name), "{text}: {value}");
        }
    }
}
