//! Words that people give with what they do: the audit keeps them, so none may hold what detectors find.

use super::answers::{bad, problem};
use crate::inspect::{RuleSet, text};
use axum::http::StatusCode;
use axum::response::Response;

/// A reason: trimmed, and there at all where one is needed.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
pub(super) fn reason(text: &str, is_needed: bool) -> Result<&str, Response> {
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
    if !text::scan(text, "", RuleSet::built_in()).is_empty() {
        let detail = "The reason itself holds likely PHI: name a ticket, not the person.";
        return Err(problem(StatusCode::BAD_REQUEST, "reason_holds_phi", detail));
    }
    Ok(text)
}

/// A ticket's name.
// As above.
#[allow(clippy::result_large_err)]
pub(super) fn ticket(text: &str) -> Result<&str, Response> {
    let text = text.trim();
    let good = (1..=TICKET_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.#/".contains(&b));
    if !good {
        return Err(bad("a ticket of 1 to 60 letters, digits and - _ . # /"));
    }
    if !text::scan(text, "", RuleSet::built_in()).is_empty() {
        let detail = "The ticket's name itself holds likely PHI: name a ticket, not the person.";
        return Err(problem(StatusCode::BAD_REQUEST, "ticket_holds_phi", detail));
    }
    Ok(text)
}

/// Whether a text repeats a value, however it is written.
pub(super) fn repeats(text: &str, value: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    plain(text).contains(&plain(value))
}

const REASON_CHARS_MIN: usize = 4;
const REASON_CHARS_MAX: usize = 500;
const TICKET_CHARS_MAX: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_names_and_no_values() {
        for good in ["INC-4711", "#12", "CHG0041234", "ops/2026-17"] {
            assert!(ticket(good).is_ok(), "{good}");
        }
        for bad in ["512-44-1234", "", "a b"] {
            assert!(ticket(bad).is_err(), "{bad}");
        }
        assert!(repeats("for E-087 38432, again", "e08738432") && !repeats("ticket 4711", "E08738432"));
    }
}
