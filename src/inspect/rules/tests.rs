use super::*;

#[test]
fn built_in_rules_compile_and_ids_are_unique() {
    let raw = Raw::built_in();
    assert!(RuleSet::compile(&raw, None).is_ok());
    let mut ids: Vec<&str> = raw.ids().collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "a rule id is used twice");
    let retired = raw::retired();
    assert_eq!(retired.len(), 3);
    assert!(retired.iter().all(|gone| !ids.contains(&gone.as_str())), "a retired id is used again");
}

#[test]
fn word_lists_are_lower_case() {
    let words = &RuleSet::built_in().words;
    assert!(words.all_single().iter().all(|w| **w == w.to_lowercase()));
}

#[test]
fn every_list_is_one_that_the_code_asks_for() {
    let raw = Raw::built_in();
    let counted: usize = raw.words.iter().map(|list| list.words.len()).sum();
    assert_eq!(Words::of(&raw.words).all_single().len(), counted);
}
