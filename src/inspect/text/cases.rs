//! The cases of `tests/data/detectors/`: each rule finds what its cases say, and each has one of either kind.

use super::scan;
use crate::inspect::rules::RuleSet;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    rule: String,
    text: String,
    finds: Vec<String>,
    why: String,
}

fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/detectors");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of cases") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file of cases");
        all.extend(toml::from_str::<File>(&text).expect("cases parse").case);
    }
    all
}

fn rules() -> BTreeSet<String> {
    let rules = RuleSet::built_in();
    rules.detectors.iter().map(|d| d.id.to_string()).chain(rules.names.ids().map(str::to_owned)).collect()
}

#[test]
fn each_rule_finds_what_its_cases_say() {
    let mut wrong = Vec::new();
    for case in cases() {
        let hits = scan(&case.text, "", RuleSet::built_in());
        let found: Vec<&str> =
            hits.iter().filter(|h| *h.rule == case.rule).map(|h| &case.text[h.span.clone()]).collect();
        if found != case.finds {
            let others: Vec<(&str, &str)> =
                hits.iter().map(|h| (&*h.rule, &case.text[h.span.clone()])).collect();
            wrong.push(format!(
                "{} ({}): found {found:?}, wanted {:?}; all: {others:?}",
                case.rule, case.why, case.finds
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_rule_can_fire_and_has_a_case_where_it_does_not() {
    let cases = cases();
    let of = |fires: bool| -> BTreeSet<String> {
        cases.iter().filter(|c| c.finds.is_empty() != fires).map(|c| c.rule.clone()).collect()
    };
    assert_eq!(of(true), rules(), "rules with a case that fires");
    assert_eq!(of(false), rules(), "rules with a case that doesn't");
}
