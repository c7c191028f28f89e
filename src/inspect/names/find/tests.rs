use crate::inspect::kind::Kind;
use crate::inspect::rules::RuleSet;

fn found(text: &str) -> Vec<(String, String)> {
    let rules = RuleSet::built_in();
    let mut hits = Vec::new();
    rules.names.find(text, "", &rules.words, &mut hits);
    hits.iter().map(|h| (h.rule.trim_start_matches("text.name-").to_owned(), text[h.span.clone()].to_owned())).collect()
}
