//! Checks of a site's rules: whether each can fire, fires where nobody else does, and has cases that show it.

use super::cases::{Case, Suite, Wants};
use super::trial::{Outcome, Trials};
use crate::inspect::rules::{Changes, Edit, Mode, Modes, Raw, RuleSet, What, Wrong};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Rules that were checked: as written, and compiled.
pub struct Checked {
    /// As written.
    pub raw: Raw,
    /// Compiled.
    pub rules: Arc<RuleSet>,
}

/// The built-in rules with a site's changes, checked by the changed rules' own cases.
///
/// # Errors
/// Everything that is wrong.
pub fn check(changes: &Changes) -> Result<Checked, Vec<Wrong>> {
    let raw = changes.applied()?;
    if changes.is_empty() {
        return Ok(Checked { raw, rules: RuleSet::built_in().clone() });
    }
    let rules = RuleSet::of(&raw, changes)?;
    let suite = Suite::of(&raw, changes);
    let mut wrong = Vec::new();
    let changed: BTreeSet<&str> = changes.edits.iter().map(|edit| edit.id.as_str()).collect();
    for (id, fires) in suite.missing(&raw).into_iter().filter(|(id, _)| changed.contains(id)) {
        let which =
            if fires { "in which it finds something: cases.find" } else { "that it passes: cases.pass" };
        wrong.push(changes.wrong(id, format!("has no case {which}")));
    }
    for edit in &changes.edits {
        wrong.extend(shadows(edit, &raw).map(|what| changes.wrong(&edit.id, what)));
        wrong.extend(idle_points(edit, &raw).map(|what| changes.wrong(&edit.id, what)));
    }
    let trials = Trials::new(&raw, &rules);
    let mut number = (0, "");
    for case in suite.cases.iter().filter(|case| changed.contains(case.rule.as_str())) {
        number = if number.1 == case.rule { (number.0 + 1, number.1) } else { (1, &case.rule) };
        let outcome = trials.run(case);
        if !outcome.holds {
            wrong
                .push(changes.wrong(&case.rule, told(case, &named(&case.rule, number.0, changes), &outcome)));
        }
    }
    drop(trials);
    if wrong.is_empty() { Ok(Checked { raw, rules }) } else { Err(wrong) }
}

/// Whether the rules that weren't changed still do what their cases say: a change may have taken their values.
#[must_use]
pub fn others(checked: &Checked, changes: &Changes) -> Vec<Wrong> {
    if changes.is_empty() {
        return Vec::new();
    }
    let changed: BTreeSet<&str> = changes.edits.iter().map(|edit| edit.id.as_str()).collect();
    let trials = Trials::new(&checked.raw, &checked.rules);
    let mut wrong = Vec::new();
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for case in
        Suite::of(&checked.raw, changes).cases.iter().filter(|case| !changed.contains(case.rule.as_str()))
    {
        let outcome = trials.run(case);
        if outcome.holds {
            continue;
        }
        let (fires, rule) = (case.wants.fires(), case.rule.as_str());
        let thieves = changed.iter().filter(|id| outcome.others.contains(**id));
        let mut problems: Vec<Wrong> = thieves
            .map(|id| {
                let what = match fires {
                    true => format!("shadows `{rule}`: with it, a case of that rule finds nothing of it"),
                    false => format!("makes `{rule}` fire where it should not"),
                };
                changes.wrong(id, what)
            })
            .collect();
        if problems.is_empty() {
            problems
                .push(changes.wrong(rule, "with these changes, a case of this rule doesn't hold".to_owned()));
        }
        for problem in problems {
            if told.insert((problem.rule.clone(), problem.what.clone())) {
                wrong.push(problem);
            }
        }
    }
    wrong
}

/// Modes by id that nothing could have: each id, and why.
#[must_use]
pub fn idle_modes(modes: &Modes, raw: &Raw) -> Vec<(String, String)> {
    let known: BTreeSet<&str> = raw.ids().collect();
    let idle = |id: &str| match raw.without_mode(id) {
        Some(why) => Some(format!("`{id}`: {why}")),
        None if !known.contains(id) => Some(format!("there is no rule `{id}`")),
        None => None,
    };
    modes.iter().filter_map(|(id, _)| Some((id.to_owned(), idle(id)?))).collect()
}

/// A case by its number, and by where a change has it: those of `find` come before those of `pass`.
fn named(rule: &str, number: usize, changes: &Changes) -> String {
    let own = changes.edits.iter().rfind(|edit| edit.id == rule).map(|edit| &edit.cases);
    let at = number.saturating_sub(1);
    match own {
        Some(own) if at < own.find.len() => format!("{number} (cases.find[{at}])"),
        Some(own) if at < own.find.len() + own.pass.len() => {
            format!("{number} (cases.pass[{}])", at - own.find.len())
        }
        _ => number.to_string(),
    }
}

fn told(case: &Case, number: &str, outcome: &Outcome) -> String {
    let others = || outcome.others.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ");
    match case.wants {
        Wants::Nothing => format!("case {number}: fires where it should pass"),
        _ if outcome.fired => format!("case {number}: finds something else than the case says"),
        _ if outcome.others.is_empty() => {
            format!("can't fire: nothing is found in case {number}, where it should")
        }
        _ => format!("can't fire: what it should find in case {number} is found by {}", others()),
    }
}

/// Points that a changed detector never gives, or gives the wrong way round.
fn idle_points(edit: &Edit, raw: &Raw) -> Option<String> {
    let What::Detector(change) = &edit.what else { return None };
    let own = raw.detectors.iter().find(|d| d.id == edit.id)?;
    let is_given = change.points.as_ref().is_some_and(|points| points.nearby > points.alone);
    let has_words = !own.nearby.is_empty() || !own.nearby_lists.is_empty();
    if is_given && !has_words {
        return Some("points.nearby would change nothing: there are no `nearby` words".to_owned());
    }
    let asks = change.points.is_some() || change.nearby.is_some() || change.nearby_lists.is_some();
    let lowers = asks && has_words && own.points.nearby < own.points.alone;
    lowers.then(|| {
        let (alone, nearby) = (own.points.alone.0, own.points.nearby.0);
        format!("points.nearby ({nearby}) is less than points.alone ({alone}): nearby words raise belief, `unless_before` are words that clear")
    })
}

/// The rule that says the same as a changed one.
fn shadows(edit: &Edit, raw: &Raw) -> Option<String> {
    if edit.mode == Some(Mode::Off) {
        return None;
    }
    let acts = |id: &str| raw.modes.of(id) != Mode::Off;
    match &edit.what {
        What::Detector(_) => {
            let own = raw.detectors.iter().find(|d| d.id == edit.id)?;
            let twin = raw.detectors.iter().find(|d| {
                d.id != own.id && acts(&d.id) && d.pattern == own.pattern && d.validate == own.validate
            })?;
            Some(format!("shadows `{}`: both have the same pattern", twin.id))
        }
        What::Field(change) if change.at.is_some() || change.when.is_some() => {
            let (format, own) = raw.field(&edit.id)?;
            let table = raw.tables.iter().find(|table| table.format == format)?;
            table
                .field
                .iter()
                .filter(|row| row.id != own.id && row.when == own.when && acts(&row.id))
                .find_map(|row| {
                    let at = own.at.iter().find(|at| row.at.contains(at))?;
                    Some(format!("shadows `{}`: both are at {at}, under the same conditions", row.id))
                })
        }
        _ => None,
    }
}
