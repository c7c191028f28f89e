//! What is stored of the dev corpora, inspected again: what Safe Harbor lets stay is all that is found in it.

use super::tests::{body, redacted};
use super::*;
use crate::inspect::decode::Budget;
use crate::inspect::finding::Counted;
use crate::inspect::kind::Kind;
use crate::inspect::{Inspector, Message, RuleSet};

fn content_type(format: &str) -> &'static str {
    match format {
        "fhir-json" => "application/fhir+json",
        "hl7v2" => "x-application/hl7-v2+er7",
        "x12" => "application/edi-x12",
        "redox-json" => "application/json",
        "csv" => "text/csv",
        "form" => "application/x-www-form-urlencoded",
        "ccda" => "text/xml",
        _ => "text/plain",
    }
}

/// A year, three digits of a ZIP code (45 CFR 164.514(b)(2)(i)(B), (C)), and what it doesn't list at all: sex and the like.
fn may_stay(kind: Kind, value: &str) -> bool {
    let digits = |n| value.len() == n && value.bytes().all(|b| b.is_ascii_digit());
    match kind {
        Kind::BirthDate | Kind::DeathDate | Kind::ServiceDate => digits(4),
        Kind::Zip => digits(3),
        Kind::Trait => true,
        _ => false,
    }
}

#[test]
fn what_is_stored_holds_nothing_that_is_found_again() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora/dev");
    let Ok(text) = std::fs::read_to_string(format!("{folder}/messages.jsonl")) else {
        assert!(std::env::var("CI").is_err(), "the corpora are missing");
        return println!("skipped: no corpora");
    };
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let (mut seen, mut left) = (0, Vec::new());
    for line in text.lines().step_by(5) {
        let line: serde_json::Value = serde_json::from_str(line).expect("a record");
        let format = line["format"].as_str().expect("a format");
        let sent = line["text"].as_str().expect("a text");
        let stored = body(&redacted(content_type(format), sent.as_bytes(), View::Linked), View::Linked);
        let message =
            Message { content_type: content_type(format), body: stored.as_bytes(), ..Message::default() };
        for f in inspector.message(&message).findings {
            let value = stored.get(f.span.clone()).unwrap_or_default();
            if f.counted == Counted::Yes && f.points.0 > 0 && !may_stay(f.kind, value) {
                left.push(format!("{format}: {} of {} points, {} bytes", f.rule, f.points.0, value.len()));
            }
        }
        seen += 1;
    }
    assert!(seen > 250, "{seen}");
    left.sort();
    left.dedup();
    assert!(left.is_empty(), "{}", left.join("\n"));
}
