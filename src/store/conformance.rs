//! What every engine has to pass: written against the traits, run here for SQLite.

use super::sqlite::Records;
use super::{Query, ReadScope, RecordReader, RecordSink};
use crate::inspect::RuleSet;
use crate::inspect::decode::Budget;
use crate::payload::{Payload, PayloadText};
use crate::record::{Draft, Entry, Redacted, View, redact};
use crate::secrets::TokenKeys;

fn record(environment: &str, decision: &str, body: &str) -> Redacted {
    let id = crate::clock::new_id();
    let entry = Entry {
        started_ms: crate::clock::id_ms(&id).expect("a time"),
        id,
        environment: environment.into(),
        decision: decision.into(),
        ..Entry::default()
    };
    let draft = Draft {
        entry,
        ceiling: View::Linked,
        flag: None,
        findings: None,
        reply_findings: None,
        reply: None,
        inspect: true,
        cut: false,
        trace: None,
        target: PayloadText::from("/x"),
        headers: Vec::new(),
        content_type: "application/json".into(),
        content_encoding: String::new(),
        body: Payload::from(body.as_bytes().to_vec()),
        known: None,
        rules: RuleSet::built_in().clone(),
        budget: Budget::default(),
    };
    redact(draft, &TokenKeys::ephemeral().expect("random")).0
}

fn scope(names: &[&str]) -> ReadScope {
    ReadScope { environments: names.iter().map(|n| (*n).to_owned()).collect() }
}

/// Takes a writer and a reader of the same, empty store.
fn conforms(sink: &mut dyn RecordSink, reader: &dyn RecordReader) {
    let all = scope(&["a", "b"]);
    assert!(reader.search(&all, &Query::default()).expect("an empty store reads").entries.is_empty());
    let records: Vec<Redacted> = (0..30)
        .map(|n| {
            record(
                if n % 3 == 0 { "b" } else { "a" },
                if n % 2 == 0 { "refused" } else { "forwarded" },
                "{\"mrn\":\"E08738432\"}",
            )
        })
        .collect();
    sink.append(&records).expect("takes a batch");
    // Twice is once.
    sink.append(&records[..5]).expect("takes it again");
    for record in &records {
        let stored = reader.show(&all, &record.entry().id).expect("reads").expect("is there");
        assert_eq!((&stored.entry, stored.payload.as_ref()), (record.entry(), record.payload()));
    }
    // Scope.
    let b = records.iter().find(|r| r.entry().environment == "b").expect("one");
    assert!(reader.show(&scope(&["a"]), &b.entry().id).expect("reads").is_none());
    assert!(reader.show(&all, "nonsense").expect("reads").is_none());
    assert_eq!(reader.search(&scope(&["a"]), &Query::default()).expect("reads").entries.len(), 20);
    assert_eq!(reader.search(&scope(&[]), &Query::default()).expect("reads").entries.len(), 0);
    let refused = Query { decision: Some("refused".into()), kind: Some("mrn".into()), ..Query::default() };
    assert_eq!(reader.search(&all, &refused).expect("reads").entries.len(), 15);
    let named = Query { environment: Some("b".into()), ..Query::default() };
    assert_eq!(reader.search(&all, &named).expect("reads").entries.len(), 10);
    // Pages: each once, newest first.
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = reader
            .search(&all, &Query { limit: Some(7), after: after.clone(), ..Query::default() })
            .expect("reads");
        seen.extend(page.entries.into_iter().map(|e| e.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut want: Vec<String> = records.iter().map(|r| r.entry().id.clone()).collect();
    want.sort();
    want.reverse();
    assert_eq!(seen, want);
}

#[test]
fn sqlite_conforms() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), 30);
    conforms(&mut records.writer(), &records);
}

#[test]
fn a_file_of_a_later_version_is_told_and_left_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), 30);
    let one = record("a", "refused", "{}");
    records.writer().append(std::slice::from_ref(&one)).expect("writes");
    let file = dir.path().join("records/a").join(format!("{}.db", crate::clock::day(one.entry().started_ms)));
    rusqlite::Connection::open(&file).expect("opens").pragma_update(None, "user_version", 99).expect("sets");
    assert_eq!(records.writer().append(&[record("a", "refused", "{}")]), Err(super::StoreError::Newer(99)));
    assert_eq!(records.search(&scope(&["a"]), &Query::default()).err(), Some(super::StoreError::Newer(99)));
}

#[test]
fn retention_unlinks_files_of_past_days_and_nothing_else() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), 30);
    let today = record("a", "refused", "{}");
    records.writer().append(std::slice::from_ref(&today)).expect("writes");
    let folder = dir.path().join("records/a");
    for name in ["2020-01-01.db", "2020-01-01.db-wal", "2020-01-01.txt"] {
        std::fs::write(folder.join(name), b"").expect("writes");
    }
    records.writer().tidy();
    let exists = |name: &str| folder.join(name).exists();
    assert!(!exists("2020-01-01.db") && !exists("2020-01-01.db-wal") && exists("2020-01-01.txt"));
    assert!(records.show(&scope(&["a"]), &today.entry().id).expect("reads").is_some());
}
