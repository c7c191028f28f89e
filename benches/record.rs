//! What does a record cost? CPU µs and bytes on disk for each, through inspection, redaction, compression and durable
//! batches.
//!
//!     cargo bench --bench record
//!
//! With `RECORDS=300000`: of so many, in one file. It costs more than of 10,240, where the index of tokens is deeper.

#![allow(clippy::print_stdout)]

mod common;

use common::{bundle, cpu};
use phigate::inspect::RuleSet;
use phigate::inspect::decode::Budget;
use phigate::payload::{Payload, PayloadText};
use phigate::record::{Draft, Entry, Found, View, redact};
use phigate::secrets::TokenKeys;
use phigate::store::RecordSink;
use phigate::store::retention::Keep;
use phigate::store::sqlite::Records;

fn main() {
    let records = std::env::var("RECORDS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_240_u32);
    let batch = if common::is_test() { 8 } else { 256 };
    let batches = if common::is_test() { 1 } else { records.div_ceil(batch) };
    let folder = tempfile::tempdir().expect("folder");
    let keys = TokenKeys::ephemeral().expect("random");
    let mut writer = Records::new(folder.path(), Keep::days(30)).writer();
    let body = bundle(4 << 10);
    let (mut redacting, mut storing) = (0.0, 0.0);
    // The rules are compiled once for a process.
    drop(redact(draft(&body), &keys));
    for _ in 0..batches {
        let drafts: Vec<_> =
            (0..batch).map(|n| draft(&body.replace("E08738432", &format!("E{n:08}")))).collect();
        let start = cpu();
        let records: Vec<_> = drafts.into_iter().map(|draft| redact(draft, &keys).0).collect();
        redacting += cpu() - start;
        let start = cpu();
        writer.append(&records).expect("writes");
        storing += cpu() - start;
    }
    let each = f64::from(batches * batch);
    drop(writer);
    let disk: u64 = walk(folder.path());
    println!("{:<36} {:>10.1} µs CPU", "redaction of 4 KiB (it walks it anew)", redacting / each * 1e6);
    println!("{:<36} {:>10.1} µs CPU", "compression and durable store", storing / each * 1e6);
    println!("{:<36} {:>10.0} bytes", "on disk", disk as f64 / each);
}

fn draft(body: &str) -> Draft {
    let id = phigate::clock::new_id();
    let started_ms = phigate::clock::id_ms(&id).expect("a time");
    Draft {
        // What a message that was inspected and forwarded has.
        entry: Entry {
            id,
            started_ms,
            duration_us: 4_127,
            environment: "production".into(),
            connection: Some("ehr-production".into()),
            listener: "production".into(),
            caller: "ehr".into(),
            caller_role: "connection".into(),
            method: "POST".into(),
            decision: "forwarded".into(),
            status: 201,
            format: "fhir-json".into(),
            request_type: "application/fhir+json".into(),
            reply_type: "application/fhir+json".into(),
            request_bytes: body.len() as u64,
            reply_bytes: 512,
            points: 90,
            persons: 1,
            found: ["fhir-patient-name", "fhir-patient-birth", "fhir-patient-mrn"].map(found).into(),
            rule_set: RuleSet::built_in().version.clone(),
            ..Entry::default()
        },
        ceiling: View::Linked,
        flag: None,
        findings: None,
        reply_findings: None,
        reply: None,
        inspect: false,
        cut: false,
        unseen: false,
        trace: None,
        target: PayloadText::from("/fhir"),
        headers: Vec::new(),
        content_type: "application/fhir+json".into(),
        content_encoding: String::new(),
        body: Payload::from(body.as_bytes().to_vec()),
        known: None,
        rules: RuleSet::built_in().clone(),
        budget: Budget::default(),
        seal: None,
    }
}

fn found(rule: &str) -> Found {
    Found { rule: rule.into(), kind: "name".into(), count: 1, points: 40, suppressed: 0 }
}

fn walk(folder: &std::path::Path) -> u64 {
    std::fs::read_dir(folder)
        .expect("reads")
        .flatten()
        .map(|e| if e.path().is_dir() { walk(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) })
        .sum()
}
