use super::*;

#[test]
fn built_in_rules_compile_and_ids_are_unique() {
    let raw = Raw::built_in();
    assert_eq!(RuleSet::compile(&raw, None).err(), None);
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
fn each_rule_says_what_it_is_and_what_it_follows() {
    let raw = Raw::built_in();
    let mut told: Vec<(&str, &str, &str)> = Vec::new();
    told.extend(raw.detectors.iter().map(|r| (&*r.id, &*r.about, &*r.source)));
    told.extend(raw.names.iter().map(|r| (&*r.id, &*r.about, &*r.source)));
    told.extend(raw.repeats.iter().map(|r| (&*r.id, &*r.about, &*r.source)));
    told.extend(raw.words.iter().map(|r| (&*r.id, &*r.about, &*r.source)));
    told.extend(raw.markers.iter().map(|r| (&*r.id, &*r.about, &*r.source)));
    told.extend(raw.weights.iter().map(|r| (&*r.id, &*r.about, &*r.source)));
    told.extend(raw.thresholds.iter().map(|r| (&*r.id, &*r.about, &*r.source)));
    let rows = raw.tables.iter().flat_map(|t| t.field.iter().map(|row| (&*row.id, &*row.row, &*t.source)));
    told.extend(rows);
    assert_eq!(told.len(), raw.ids().count());
    assert!(raw.ids().all(|id| raw.describe(id).is_some_and(|lines| lines.len() >= 3)));
    let empty: Vec<_> =
        told.iter().filter(|(_, about, source)| about.is_empty() || source.is_empty()).collect();
    assert!(empty.is_empty(), "{empty:?}");
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

fn inspected(rules: &RuleSet, text: &str) -> crate::inspect::Findings {
    use crate::inspect::{Inspector, Message, decode::Budget};
    Inspector::new(rules, Budget::default(), 2026).message(&Message {
        content_type: "text/plain",
        body: text.as_bytes(),
        ..Message::default()
    })
}

fn with_mode(rule: &str, mode: Mode) -> Arc<RuleSet> {
    let mut modes = Modes::default();
    modes.set(rule, mode);
    RuleSet::built_in().with_modes(&modes)
}

#[test]
fn a_rule_that_is_off_finds_nothing_and_one_in_shadow_adds_nothing() {
    use crate::inspect::finding::Counted;
    let text = "Patient: Harold Brown, SSN 412-21-3456";
    let acting = inspected(RuleSet::built_in(), text);
    let (points, ssn) = (acting.points(), "text.ssn");
    assert!(points.0 >= 150 && acting.persons[0].shadow_points == points);
    let off = with_mode(ssn, Mode::Off);
    let found = inspected(&off, text);
    assert!(found.findings.iter().all(|f| &*f.rule != ssn) && found.points().0 == points.0 - 100);
    let shadow = with_mode(ssn, Mode::Shadow);
    let found = inspected(&shadow, text);
    let finding = found.findings.iter().find(|f| &*f.rule == ssn).expect("still found");
    assert_eq!((finding.counted, found.points().0), (Counted::Shadow, points.0 - 100));
    assert_eq!(found.persons[0].shadow_points, points);
    assert!(off.version != shadow.version && off.version != RuleSet::built_in().version);
    assert!(Arc::ptr_eq(&off.engine, &RuleSet::built_in().engine), "what isn't changed is shared");
}

#[test]
fn a_row_that_is_off_or_in_shadow_adds_nothing() {
    let rules = with_mode("hl7v2.pid-19", Mode::Shadow);
    let text = "MSH|^~\\&|A|B|C|D|20240501100000||ADT^A04|7|P|2.5.1\rPID|||||||||||||||||||412-21-3456";
    let found = inspected(&rules, text);
    assert_eq!((found.points().0, found.persons[0].shadow_points.0), (0, 100));
    let rules = with_mode("hl7v2.pid-19", Mode::Off);
    assert_eq!(inspected(&rules, text).persons.len(), 0);
}

#[test]
fn a_rule_in_shadow_takes_nothing_from_one_that_acts() {
    let text = "call (915) 927-8377 now";
    let acting = inspected(RuleSet::built_in(), text);
    let all: Vec<String> = RuleSet::built_in().detectors.iter().map(|d| d.id.to_string()).collect();
    let mut modes = Modes::default();
    all.iter().filter(|id| *id != "text.phone").for_each(|id| modes.set(id, Mode::Shadow));
    let found = inspected(&RuleSet::built_in().with_modes(&modes), text);
    assert_eq!(found.points(), acting.points());
}
