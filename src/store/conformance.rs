//! What every engine has to pass: written against the traits, run here for SQLite.

use super::retention::Keep;
use super::sqlite::Records;
use super::{Query, ReadScope, RecordReader, RecordSink, StoreError, Unkept};
use crate::inspect::RuleSet;
use crate::inspect::decode::Budget;
use crate::payload::{Payload, PayloadText};
use crate::record::{Draft, Entry, Redacted, View, redact, render};
use crate::secrets::{SealKeys, TokenKeys};
use std::sync::{Arc, LazyLock};

pub(super) fn record(environment: &str, decision: &str, body: &str) -> Redacted {
    sealed_record(environment, decision, body, None)
}

fn sealed_record(environment: &str, decision: &str, body: &str, seal: Option<Arc<SealKeys>>) -> Redacted {
    redacted(entry(environment, decision), body, seal)
}

pub(super) fn record_of(entry: Entry) -> Redacted {
    redacted(entry, "{}", None)
}

pub(super) fn entry(environment: &str, decision: &str) -> Entry {
    let id = crate::clock::new_id();
    Entry {
        started_ms: crate::clock::id_ms(&id).expect("a time"),
        id,
        duration_us: 7,
        environment: environment.into(),
        decision: decision.into(),
        request_bytes: 8,
        reply_bytes: 9,
        ..Entry::default()
    }
}

fn redacted(entry: Entry, body: &str, seal: Option<Arc<SealKeys>>) -> Redacted {
    let draft = Draft {
        entry,
        ceiling: View::Linked,
        flag: None,
        findings: None,
        reply_findings: None,
        reply: None,
        inspect: true,
        cut: false,
        unseen: false,
        trace: Some("0af7651916cd43dd8448eb211c80319c".into()),
        target: PayloadText::from("/x"),
        headers: Vec::new(),
        content_type: "application/json".into(),
        content_encoding: String::new(),
        body: Payload::from(body.as_bytes().to_vec()),
        known: None,
        rules: RuleSet::built_in().clone(),
        budget: Budget::default(),
        seal,
    };
    static KEYS: LazyLock<TokenKeys> = LazyLock::new(|| TokenKeys::ephemeral().expect("random"));
    redact(draft, &KEYS).0
}

fn scope(names: &[&str]) -> ReadScope {
    ReadScope { environments: names.iter().map(|n| (*n).to_owned()).collect() }
}

/// Takes a writer and a reader of the same, empty store, and what keeps an environment's records from being written
/// (`true`), or no more (`false`).
fn conforms(sink: &mut dyn RecordSink, reader: &dyn RecordReader, keep_out: &dyn Fn(&str, bool)) {
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
        assert_eq!((&stored.entry, stored.payload), (record.entry(), record.payload()));
    }
    // Scope.
    let b = records.iter().find(|r| r.entry().environment == "b").expect("one");
    assert!(reader.show(&scope(&["a"]), &b.entry().id).expect("reads").is_none());
    assert!(reader.show(&all, "nonsense").expect("reads").is_none());
    assert_eq!(reader.search(&scope(&["a"]), &Query::default()).expect("reads").entries.len(), 20);
    assert_eq!(reader.search(&scope(&[]), &Query::default()).expect("reads").entries.len(), 0);
    // A cursor that is none isn't taken for the beginning.
    let id = &records[0].entry().id;
    for after in ["", "nonsense", "next", "0", &id.to_uppercase(), &id.replace('-', ""), "190c0de"] {
        let query = Query { after: Some(after.to_owned()), ..Query::default() };
        assert_eq!(reader.search(&all, &query).err(), Some(super::StoreError::BadCursor), "{after}");
    }
    let refused = Query { decision: Some("refused".into()), kind: Some("mrn".into()), ..Query::default() };
    assert_eq!(reader.search(&all, &refused).expect("reads").entries.len(), 15);
    let named = Query { environment: Some("b".into()), ..Query::default() };
    assert_eq!(reader.search(&all, &named).expect("reads").entries.len(), 10);
    // Pages: each once, newest first.
    let want = |fits: &dyn Fn(&&Redacted) -> bool| {
        let mut want: Vec<String> = records.iter().filter(fits).map(|r| r.entry().id.clone()).collect();
        want.sort();
        want.reverse();
        want
    };
    assert_eq!(pages(reader, &all, Query::default()), want(&|_| true));
    // By token, in bounds of time or without.
    let tokens = records[1].tokens();
    let (begin, end) = (records[0].entry().started_ms, records[29].entry().started_ms);
    for (from, to) in
        [(0, u64::MAX >> 1), (begin, end), (begin + 1, end + 1), (end, begin), (1 << 60, 1 << 61)]
    {
        let query = Query { tokens: Some(tokens.to_vec()), ..Query::default() };
        let query = Query { from_ms: Some(from), to_ms: Some(to), ..query };
        let fits = |r: &&Redacted| {
            r.tokens().iter().any(|t| tokens.contains(t)) && (from..to).contains(&r.entry().started_ms)
        };
        assert_eq!(pages(reader, &all, query), want(&fits), "{from} to {to}");
    }
    let absent = Query { tokens: Some(vec!["0".repeat(32), String::new()]), ..Query::default() };
    assert_eq!(pages(reader, &all, absent), Vec::<String>::new());
    // Sealed originals: of their record and scope alone.
    let dir = tempfile::tempdir().expect("dir");
    let seal = Arc::new(SealKeys::new([1; 32], dir.path()));
    let sealed = sealed_record("a", "forwarded", "{\"mrn\":\"E08738432\"}", Some(seal));
    sink.append(std::slice::from_ref(&sealed)).expect("takes it");
    let id = &sealed.entry().id;
    assert!(sealed.sealed().is_some());
    assert_eq!(reader.sealed(&all, id).expect("reads").as_deref(), sealed.sealed());
    assert_eq!(reader.sealed(&scope(&["b"]), id), Ok(None));
    assert_eq!(reader.sealed(&all, &b.entry().id), Ok(None));
    assert_eq!(reader.sealed(&all, "nonsense"), Ok(None));
    // What one environment loses is told by its place, and costs no other anything: whichever is written first.
    for bad in ["0", "z"] {
        keep_out(bad, true);
        let batch: Vec<Redacted> = ["a", bad, "b", bad, "a"].map(|e| record(e, "forwarded", "{}")).into();
        let unkept = sink.append(&batch).expect_err("some can't be kept");
        assert_eq!(unkept.records, [1, 3], "{unkept:?}");
        let wide = scope(&["a", "b", bad]);
        let is_kept = |n: usize| reader.show(&wide, &batch[n].entry().id).is_ok_and(|found| found.is_some());
        assert_eq!([0, 1, 2, 3, 4].map(is_kept), [true, false, true, false, true]);
        keep_out(bad, false);
        assert_eq!(sink.append(&batch), Ok(()));
        assert!((0..5).all(is_kept));
    }
}

/// The ids of all pages.
fn pages(reader: &dyn RecordReader, scope: &ReadScope, query: Query) -> Vec<String> {
    let mut query = Query { limit: Some(7), ..query };
    let mut seen = Vec::new();
    loop {
        let page = reader.search(scope, &query).expect("reads");
        seen.extend(page.entries.into_iter().map(|e| e.id));
        query.after = page.next;
        if query.after.is_none() {
            return seen;
        }
    }
}

#[test]
fn sqlite_conforms() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), Keep::days(30));
    conforms(&mut records.writer(), &records, &|environment, out| {
        // A file where the folder has to be.
        let folder = dir.path().join("records").join(environment);
        if out { std::fs::write(folder, b"") } else { std::fs::remove_file(folder) }.expect("as wanted");
    });
}

#[test]
fn a_file_of_a_later_version_is_told_and_left_alone() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), Keep::days(30));
    let one = record("a", "refused", "{}");
    records.writer().append(std::slice::from_ref(&one)).expect("writes");
    let file = dir
        .path()
        .join("records/a")
        .join(format!("{}.refused.db", crate::clock::day(one.entry().started_ms)));
    rusqlite::Connection::open(&file).expect("opens").pragma_update(None, "user_version", 99).expect("sets");
    let batch = ["a", "b", "a"].map(|e| record(e, "refused", "{}"));
    let error = StoreError::Newer(99);
    assert_eq!(records.writer().append(&batch), Err(Unkept { records: vec![0, 2], error }));
    assert!(records.show(&scope(&["b"]), &batch[1].entry().id).expect("reads").is_some());
    assert_eq!(records.search(&scope(&["a"]), &Query::default()).err(), Some(error));
}

#[test]
fn a_file_that_is_just_being_made_has_nothing_yet() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), Keep::days(30));
    let one = record("a", "forwarded", "{}");
    let folder = dir.path().join("records/a");
    std::fs::create_dir_all(&folder).expect("folder");
    let file = folder.join(format!("{}.db", crate::clock::day(one.entry().started_ms)));
    // What a reader may see between the file and its tables.
    rusqlite::Connection::open(&file)
        .expect("opens")
        .pragma_update(None, "journal_mode", "WAL")
        .expect("sets");
    let all =
        |records: &Records| records.search(&scope(&["a"]), &Query::default()).expect("reads").entries.len();
    assert_eq!(
        (all(&records), records.show(&scope(&["a"]), &one.entry().id).map(|r| r.is_none())),
        (0, Ok(true))
    );
    records.writer().append(std::slice::from_ref(&one)).expect("writes");
    assert_eq!(all(&records), 1);
}

#[test]
fn a_file_of_an_earlier_version_is_read_as_it_is_and_brought_up_when_it_is_written_to() {
    for earlier in [1_i64, 2, 3, 4] {
        let dir = tempfile::tempdir().expect("dir");
        let records = Records::new(dir.path(), Keep::days(30));
        let [one, two] =
            ["E08738432", "E08738433"].map(|mrn| record("a", "forwarded", &format!("{{\"mrn\":\"{mrn}\"}}")));
        records.writer().append(std::slice::from_ref(&one)).expect("writes");
        let day = crate::clock::day(one.entry().started_ms);
        let file = dir.path().join("records/a").join(format!("{day}.db"));
        let open = || rusqlite::Connection::open(&file).expect("opens");
        let version =
            || open().pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0)).expect("reads");
        let connection = open();
        if earlier == 1 {
            // What it was before there were sealed originals.
            connection.execute_batch("DROP TABLE sealed").expect("drops");
        }
        if earlier < 4 {
            // Entries were whole.
            let entry = serde_json::to_string(one.entry()).expect("writes");
            connection.execute("UPDATE record SET entry = ?1", [entry]).expect("sets");
            for column in ["shared", "duration_us", "request_bytes", "reply_bytes", "trace"] {
                connection.execute_batch(&format!("ALTER TABLE record DROP COLUMN {column}")).expect("drops");
            }
            connection.execute_batch("DROP TABLE shared").expect("drops");
        }
        // Tokens were rows.
        connection.execute_batch(OLD_TOKENS).expect("makes");
        for token in one.tokens() {
            let row = rusqlite::params![token, one.entry().started_ms as i64, one.entry().id];
            connection.execute("INSERT INTO token VALUES (?1, ?2, ?3)", row).expect("writes");
        }
        if earlier < 3 {
            // Payloads were JSON.
            let block = zstd::bulk::compress(OLD_PAYLOAD.as_bytes(), 3).expect("packs");
            let bytes = OLD_PAYLOAD.len() as i64;
            connection
                .execute("UPDATE block SET zstd = ?1, bytes = ?2", rusqlite::params![block, bytes])
                .expect("sets");
            connection.execute("UPDATE record SET start = 0, length = ?1", [bytes]).expect("sets");
        }
        connection.pragma_update(None, "user_version", earlier).expect("sets");
        drop(connection);
        let show = |record: &Redacted| {
            let stored = records.show(&scope(&["a"]), &record.entry().id).expect("reads").expect("is there");
            assert_eq!(&stored.entry, record.entry());
            render(&stored.payload.expect("has one"), View::Masked)
        };
        let as_it_was = match earlier {
            1 | 2 => vec![("target".to_owned(), "/[mrn]".to_owned())],
            _ => one.payload().map(|payload| render(&payload, View::Masked)).expect("has one"),
        };
        assert_eq!(show(&one), as_it_was);
        assert_eq!(records.sealed(&scope(&["a"]), &one.entry().id), Ok(None));
        let is_found = |record: &Redacted| {
            assert!(!record.tokens().is_empty());
            record.tokens().iter().all(|token| {
                let query = Query { tokens: Some(vec![token.clone()]), ..Query::default() };
                let page = records.search(&scope(&["a"]), &query).expect("reads");
                page.entries == [record.entry().clone()]
            })
        };
        assert!(is_found(&one) && !is_found(&two));
        assert_eq!(version(), earlier, "a reader changes nothing");
        records.writer().append(std::slice::from_ref(&two)).expect("writes");
        assert_eq!((version(), records.sealed(&scope(&["a"]), &one.entry().id)), (5, Ok(None)));
        assert_eq!(show(&one), as_it_was);
        assert!(is_found(&one) && is_found(&two));
        assert_eq!(Some(show(&two)), two.payload().map(|payload| render(&payload, View::Masked)));
    }
}

/// As versions before 5 had them.
const OLD_TOKENS: &str = "
    DROP TABLE token_run;
    DROP TABLE token_piece;
    CREATE TABLE token (
        token TEXT NOT NULL, started_ms INTEGER NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (token, started_ms, id)
    ) WITHOUT ROWID;
";

/// As versions 1 and 2 had it.
const OLD_PAYLOAD: &str = r#"{"parts":[{"n":"target","p":["/",{"s":"text:5-8","m":"[mrn]","t":"t1"}]}]}"#;

#[test]
fn retention_unlinks_files_of_past_days_and_nothing_else() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), Keep::days(30));
    let today = record("a", "refused", "{}");
    records.writer().append(std::slice::from_ref(&today)).expect("writes");
    let folder = dir.path().join("records/a");
    for name in ["2020-01-01.db", "2020-01-01.db-wal", "2020-01-01.txt"] {
        std::fs::write(folder.join(name), b"").expect("writes");
    }
    records.writer().tidy(Some(crate::clock::unix_ms()));
    let exists = |name: &str| folder.join(name).exists();
    assert!(!exists("2020-01-01.db") && !exists("2020-01-01.db-wal") && exists("2020-01-01.txt"));
    assert!(records.show(&scope(&["a"]), &today.entry().id).expect("reads").is_some());
}

#[test]
fn a_clock_that_jumped_makes_nothing_old() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), Keep::days(30));
    records.writer().append(&[record("a", "forwarded", "{}")]).expect("writes");
    let old = dir.path().join("records/a/2020-01-01.db");
    std::fs::write(&old, b"").expect("writes");
    records.writer().tidy(None);
    assert!(old.exists());
    records.writer().tidy(Some(crate::clock::unix_ms()));
    assert!(!old.exists());
}

#[test]
fn over_the_space_for_records_old_days_go_and_then_nothing_is_taken() {
    let dir = tempfile::tempdir().expect("dir");
    let small = Keep { disk_bytes_max: 150_000, ..Keep::days(3_000) };
    let records = Records::new(dir.path(), small);
    let old = dir.path().join("records/a/2020-01-01.db");
    std::fs::create_dir_all(old.parent().expect("folder")).expect("folder");
    std::fs::write(&old, vec![0; 149_000]).expect("writes");
    let mut writer = records.writer();
    let mut one = || writer.append(&[record("a", "forwarded", "{}")]);
    one().expect("there is room");
    writer_waits();
    one().expect("room was made");
    assert!(!old.exists());
    // As a clock that was wrong leaves it: it costs nothing of today's.
    let file = |day: &str| dir.path().join(format!("records/a/{day}.refused.db"));
    std::fs::write(file("2999-01-01"), vec![0; 200_000]).expect("writes");
    let one = || records.writer().append(&[record("a", "forwarded", "{}")]);
    assert_eq!(one(), Ok(()));
    assert!(!file("2999-01-01").exists());
    let today = crate::clock::day(crate::clock::unix_ms());
    std::fs::write(file(&today), vec![0; 200_000]).expect("writes");
    assert_eq!(one(), Err(Unkept { records: vec![0], error: StoreError::OverBudget }));
    std::fs::remove_file(file(&today)).expect("removes");
    assert_eq!(one(), Ok(()), "by itself, once there is room");
}

/// The space is measured once a second.
fn writer_waits() {
    std::thread::sleep(std::time::Duration::from_millis(1_050));
}

/// What a crash leaves: the log cut at any byte of its last batch. What was acknowledged before is there.
#[test]
fn a_file_that_is_cut_inside_its_last_batch_opens_with_all_that_came_before() {
    let dir = tempfile::tempdir().expect("dir");
    let records = Records::new(dir.path(), Keep::days(30));
    let mut writer = records.writer();
    let first: Vec<Redacted> = (0..3).map(|_| record("a", "forwarded", "{\"mrn\":\"E08738432\"}")).collect();
    writer.append(&first).expect("writes");
    let day = crate::clock::day(first[0].entry().started_ms);
    let file = |folder: &std::path::Path, suffix: &str| folder.join(format!("records/a/{day}.db{suffix}"));
    let before = std::fs::metadata(file(dir.path(), "-wal")).expect("a log").len();
    let last = record("a", "forwarded", "{}");
    if crate::clock::day(last.entry().started_ms) != day {
        return; // midnight has passed between: another file
    }
    writer.append(std::slice::from_ref(&last)).expect("writes");
    let log = std::fs::read(file(dir.path(), "-wal")).expect("reads");
    let (before, end) = (usize::try_from(before).expect("small"), log.len());
    assert!(end > before);
    for cut in (before..=end).step_by(13).chain([end]) {
        let copy = tempfile::tempdir().expect("dir");
        std::fs::create_dir_all(copy.path().join("records/a")).expect("folder");
        std::fs::copy(file(dir.path(), ""), file(copy.path(), "")).expect("copies");
        std::fs::write(file(copy.path(), "-wal"), &log[..cut]).expect("writes");
        let records = Records::new(copy.path(), Keep::days(30));
        for record in &first {
            let stored = records.show(&scope(&["a"]), &record.entry().id).expect("opens");
            assert!(stored.is_some_and(|s| s.payload == record.payload()), "cut at {cut}");
        }
        records.writer().append(&[self::record("a", "forwarded", "{}")]).expect("goes on");
    }
}
