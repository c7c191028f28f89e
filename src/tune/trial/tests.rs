use super::*;
use crate::inspect::rules::Changes;
use crate::tune::Suite;

#[test]
fn each_rule_has_a_case_that_fires_and_one_that_does_not() {
    let raw = Raw::built_in();
    let suite = Suite::of(&raw, &Changes::default());
    assert_eq!(suite.missing(&raw), []);
    let known: BTreeSet<&str> = raw.ids().collect();
    let strangers: Vec<&str> =
        suite.cases.iter().map(|case| case.rule.as_str()).filter(|rule| !known.contains(rule)).collect();
    assert!(strangers.is_empty(), "cases of no rule: {strangers:?}");
}

#[test]
fn each_case_of_the_built_in_rules_holds() {
    let raw = Raw::built_in();
    let trials = Trials::new(&raw, RuleSet::built_in());
    let mut wrong = Vec::new();
    for case in Suite::of(&raw, &Changes::default()).cases {
        let outcome = trials.run(&case);
        if !outcome.holds {
            let says = if case.wants.fires() { "should find" } else { "should pass" };
            wrong.push(format!(
                "{} {says}: {:?} ({}); others: {:?}",
                case.rule, case.input, case.why, outcome.others
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
