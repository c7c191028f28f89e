//! How long does a search take by the token of a value, by those that it has as a value of any kind, and by time? Over a store that is made for it once:
//!
//!     RECORDS=10000000 cargo bench --bench search
//!
//! in `target/search-<records>`: thirty days of one environment, two records of each patient. Wall-clock time of each search,
//! in a process that has it open, and of the first.

#![allow(clippy::print_stdout)]

mod common;

use phigate::inspect::RuleSet;
use phigate::inspect::decode::Budget;
use phigate::inspect::kind::Kind;
use phigate::payload::{Payload, PayloadText};
use phigate::record::{Draft, Entry, Redacted, View, redact};
use phigate::secrets::TokenKeys;
use phigate::store::retention::Keep;
use phigate::store::sqlite::Records;
use phigate::store::{Query, ReadScope, RecordReader, RecordSink};
use std::path::{Path, PathBuf};
use std::time::Instant;

fn main() {
    let records = std::env::var("RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20_000_u64);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(format!("search-{records}"));
    let keys = keys(&folder);
    if !folder.join("whole").exists() {
        make(&folder, &keys, records);
    }
    let reader = Records::new(&folder, Keep::days(36_500));
    let scope = ReadScope { environments: vec!["production".to_owned()] };
    let searches = if common::is_test() { 10 } else { 500 };
    println!("{records} records, {searches} searches");
    let any: Vec<&str> =
        Kind::ALL.iter().filter(|kind| kind.may_be_token()).map(|kind| kind.as_str()).collect();
    // The first search of all opens the files.
    for kinds in [&["mrn"][..], &any] {
        let mut times: Vec<f64> = Vec::new();
        let mut found = 0;
        for n in 0..searches {
            // Patients all over the store.
            let mrn = mrn((n * 7_919 + 13) % (records / 2).max(1));
            let tokens = kinds.iter().map(|kind| keys.token("production", kind, &mrn)).collect();
            let query = Query { tokens: Some(tokens), ..Query::default() };
            let start = Instant::now();
            let page = reader.search(&scope, &query).expect("reads");
            times.push(start.elapsed().as_secs_f64());
            found += page.entries.len();
        }
        let first = times.first().copied().unwrap_or(0.0);
        times.sort_by(f64::total_cmp);
        let at = |of_100: usize| times.get(times.len() * of_100 / 100).copied().unwrap_or(0.0) * 1e3;
        println!(
            "by {:<2} tokens, {found} found: {:>8.2} ms the first, {:.2} median, {:.2} 99th of 100",
            kinds.len(),
            first * 1e3,
            at(50),
            at(99)
        );
    }
    let start = Instant::now();
    let page = reader.search(&scope, &Query::default()).expect("reads");
    println!(
        "{:<36} {:>10.2} ms",
        format!("the newest {}", page.entries.len()),
        start.elapsed().as_secs_f64() * 1e3
    );
}

/// Kept with the store: another start finds what this one made.
fn keys(folder: &Path) -> TokenKeys {
    let data: PathBuf = folder.join("keys");
    phigate::secrets::Secrets::open_or_create(&data).expect("keys").tokens
}

fn make(folder: &Path, keys: &TokenKeys, records: u64) {
    let start = Instant::now();
    let mut writer = Records::new(folder, Keep::days(36_500)).writer();
    let days_ms = 30 * 86_400_000_u64;
    let first_ms = phigate::clock::unix_ms() - days_ms;
    let mut batch: Vec<Redacted> = Vec::new();
    for n in 0..records {
        let at_ms = first_ms + n * days_ms / records;
        batch.push(redact(draft(at_ms, n % (records / 2).max(1)), keys).0);
        if batch.len() == 256 || n + 1 == records {
            writer.append(&batch).expect("writes");
            batch.clear();
        }
        if n % (records / 60).max(1) == 0 {
            writer.tidy(Some(at_ms));
        }
    }
    drop(writer);
    std::fs::write(folder.join("whole"), "").expect("writes");
    println!("made in {:.0} s", start.elapsed().as_secs_f64());
}

fn draft(at_ms: u64, patient: u64) -> Draft {
    let at = uuid::Timestamp::from_unix(
        uuid::NoContext,
        at_ms / 1000,
        u32::try_from(at_ms % 1000).expect("small") * 1_000_000,
    );
    let id = uuid::Uuid::new_v7(at).to_string();
    let entry = Entry {
        started_ms: phigate::clock::id_ms(&id).expect("a time"),
        id,
        environment: "production".into(),
        connection: Some("ehr-production".into()),
        listener: "production".into(),
        caller: "ehr".into(),
        caller_role: "connection".into(),
        method: "POST".into(),
        decision: "forwarded".into(),
        status: 200,
        format: "json".into(),
        request_type: "application/json".into(),
        reply_type: "application/json".into(),
        rule_set: RuleSet::built_in().version.clone(),
        ..Entry::default()
    };
    Draft {
        entry,
        ceiling: View::Linked,
        flag: None,
        findings: None,
        reply_findings: None,
        reply: None,
        inspect: false,
        cut: false,
        unseen: false,
        trace: None,
        target: PayloadText::from("/x"),
        headers: Vec::new(),
        content_type: "application/json".into(),
        content_encoding: String::new(),
        body: Payload::from(format!("{{\"mrn\":\"{}\"}}", mrn(patient)).into_bytes()),
        known: None,
        rules: RuleSet::built_in().clone(),
        budget: Budget::default(),
        seal: None,
    }
}

fn mrn(patient: u64) -> String {
    format!("E{patient:08}")
}
