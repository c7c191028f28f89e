//! Trials: cases, run.
//!
//! A detector fires where it finds something. A row fires where it covers a value, and any other rule (a row that makes
//! persons, a word list) where something else is told without it: it is taken out, and the case is run again.

use super::Wants;
use super::cases::{Case, Input, Message};
use crate::decide::Thresholds;
use crate::inspect::decode::Budget;
use crate::inspect::kind::{Kind, Points};
use crate::inspect::marker::Judged;
use crate::inspect::rules::{Raw, RuleSet};
use crate::inspect::text::{self, Hit};
use crate::inspect::trace::Trace;
use crate::inspect::{self, Inspector, health};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What came of a case.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Whether it holds.
    pub holds: bool,
    /// Whether the rule fired.
    pub fired: bool,
    /// The other rules that found something.
    pub others: BTreeSet<String>,
}

/// Runs cases by one set of rules.
pub struct Trials<'r> {
    raw: &'r Raw,
    rules: &'r RuleSet,
    /// Rows that covered a value in a case: where they cover none, they do nothing.
    covering: RefCell<BTreeSet<String>>,
    /// The rules without the one that was asked for last; `None` where what is left doesn't compile.
    without: RefCell<(String, Option<Arc<RuleSet>>)>,
}

impl<'r> Trials<'r> {
    /// By these rules, which were made of `raw`.
    #[must_use]
    pub fn new(raw: &'r Raw, rules: &'r RuleSet) -> Self {
        Self { raw, rules, covering: RefCell::default(), without: RefCell::default() }
    }

    /// Runs one.
    #[must_use]
    pub fn run(&self, case: &Case) -> Outcome {
        let rule = case.rule.as_str();
        match &case.input {
            Input::Text(text) => {
                let hits = text::scan(text, "", self.rules);
                let own: Vec<&str> = hits
                    .iter()
                    .filter(|h| *h.rule == *rule)
                    .filter_map(|h| text.get(h.span.clone()))
                    .collect();
                let fired = match self.rules.is_detector(rule) {
                    true => !own.is_empty(),
                    false => self.matters(rule, |rules| told(text, rules)),
                };
                let holds = match &case.wants {
                    Wants::Finds(finds) => own == *finds,
                    wants => fired == wants.fires(),
                };
                Outcome { holds, fired, others: others(rule, hits.iter().map(|hit| &*hit.rule)) }
            }
            Input::Message(message) => {
                let (found, trace) = inspected(message, self.rules);
                let weighs = self.raw.weights.iter().any(|weight| weight.id == rule);
                if weighs || self.raw.repeats.iter().any(|repeat| repeat.id == rule) {
                    let fired = match weighs {
                        true => self.matters(rule, |rules| inspected(message, rules).0),
                        false => found.iter().any(|(found, ..)| **found == *rule),
                    };
                    return Outcome { holds: fired == case.wants.fires(), fired, others: BTreeSet::new() };
                }
                let covers = trace.rows.contains(rule);
                if covers {
                    self.covering.borrow_mut().insert(rule.to_owned());
                }
                // A row with points has to end in a finding, too.
                let weighs = self.raw.field(rule).is_some_and(|(_, row)| row.points > Points(0));
                let told = !weighs || found.iter().any(|(found, ..)| **found == *rule);
                let structure = || !self.covering.borrow().contains(rule);
                let fired =
                    covers && told || structure() && self.matters(rule, |rules| inspected(message, rules).1);
                let others = others(rule, trace.rows.iter().map(|row| &**row));
                Outcome { holds: fired == case.wants.fires(), fired, others }
            }
            Input::Number(number) => {
                let fired = Thresholds::of(&self.raw.thresholds).acts(rule, *number);
                Outcome { holds: fired == case.wants.fires(), fired, others: BTreeSet::new() }
            }
            Input::Value(kind, value) => {
                let fired = self.matters(rule, |rules| judged(*kind, value, rules));
                Outcome { holds: fired == case.wants.fires(), fired, others: BTreeSet::new() }
            }
        }
    }

    /// Whether something else is told without the rule.
    fn matters<T: PartialEq>(&self, rule: &str, told: impl Fn(&RuleSet) -> T) -> bool {
        let mut without = self.without.borrow_mut();
        if without.0 != rule {
            *without = (rule.to_owned(), self.raw.without(rule, self.rules));
        }
        let (_, rules) = &*without;
        // What doesn't compile without a word list needs it: a detector that would have no nearby words left.
        rules.as_ref().map_or(self.raw.field(rule).is_none(), |rules| told(rules) != told(self.rules))
    }
}

fn others<'h>(rule: &str, found: impl Iterator<Item = &'h str>) -> BTreeSet<String> {
    found.filter(|other| *other != rule).map(str::to_owned).collect()
}

fn told(text: &str, rules: &RuleSet) -> (Vec<Hit>, usize, bool) {
    let hits = text::scan(text, "", rules);
    let tells = health::tells(text, &hits, rules);
    (text::of_whole(text, hits, rules), text::clinical_words(text, rules), tells)
}

fn judged(kind: Option<Kind>, value: &str, rules: &RuleSet) -> (Option<Judged>, bool) {
    let judged = kind.map(|kind| rules.markers.judge(kind, value, POINTS, THIS_YEAR));
    (judged, rules.markers.is_generator_system(value))
}

/// Rule, points and person of a finding.
type Found = (Arc<str>, Points, Option<usize>);

/// What is found in a message, and what walkers told.
fn inspected(message: &Message, rules: &RuleSet) -> (Vec<Found>, Trace) {
    let (path, query) = message.target.split_once('?').unwrap_or((&message.target, ""));
    let headers: Vec<(&str, &str)> =
        message.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let inspector = Inspector::new(rules, Budget::default(), THIS_YEAR);
    let (findings, trace) = inspector.traced(&inspect::Message {
        path,
        query,
        headers: &headers,
        content_type: &message.content_type,
        body: message.body.as_bytes(),
        ..inspect::Message::default()
    });
    (findings.findings.into_iter().map(|f| (f.rule, f.points, f.person)).collect(), trace)
}

/// What a value is judged to weigh: no weight is more.
const POINTS: Points = Points(1000);

/// Cases don't age.
const THIS_YEAR: u16 = 2026;

#[cfg(test)]
mod tests;
