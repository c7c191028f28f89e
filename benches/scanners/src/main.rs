//! How fast is the search for matches beside dd-sensitive-data-scanner? CPU time on the bodies of `benches/scan.rs`, by the
//! built-in text rules that both take. Its matches aren't ours: of rules that overlap it keeps one, so its count is told.

#![allow(clippy::print_stdout)]

#[path = "../../common/bodies.rs"]
mod bodies;

use bodies::{bundle, ccda, note, oru};
use dd_sds::{RegexRuleConfig, RootRuleConfig, Scanner};
use phigate::inspect::RuleSet;
use phigate::inspect::scan::Engine;
use std::hint::black_box;
use std::time::Duration;

fn main() {
    let built_in: Vec<&str> = RuleSet::built_in().detectors.iter().map(|d| d.pattern()).collect();
    let all = built_in.len();
    let patterns: Vec<&str> =
        built_in.into_iter().filter(|pattern| scanner(std::slice::from_ref(pattern)).is_some()).collect();
    let engine = Engine::new(patterns.iter().copied()).expect("compiled before");
    let scanner = scanner(&patterns).expect("each compiled by itself");
    println!("{} of {all} rules", patterns.len());
    println!(
        "{:<12} {:<28} {:>10} {:>12} {:>10} {:>8}",
        "body", "scanner", "matches", "µs CPU", "MB/s", "ratio"
    );
    for (name, body) in
        [("fhir-json", bundle(BYTES)), ("ccda", ccda(BYTES)), ("hl7v2", oru(BYTES)), ("text", note(BYTES))]
    {
        let mut first = None;
        let mut measure = |way: &str, rounds: u32, work: &dyn Fn() -> usize| {
            let matches = work();
            let seconds = best_of(rounds, work);
            let first = *first.get_or_insert(seconds);
            let speed = body.len() as f64 / seconds / 1e6;
            println!(
                "{name:<12} {way:<28} {matches:>10} {:>12.1} {speed:>10.1} {:>8.2}",
                seconds * 1e6,
                seconds / first
            );
        };
        measure("one pass", 100, &|| {
            let mut matches = 0;
            engine.search(black_box(&body), &mut |_, _| {
                matches += 1;
                true
            });
            matches
        });
        measure("dd-sensitive-data-scanner", 3, &|| {
            let mut event = black_box(&body).clone(); // it takes what it may redact
            scanner.scan(&mut event).expect("scans").len()
        });
    }
}

/// A scanner for these rules; `None` where it takes one of them not.
fn scanner(patterns: &[&str]) -> Option<Scanner> {
    let rules: Vec<_> =
        patterns.iter().map(|pattern| RootRuleConfig::new(RegexRuleConfig::new(pattern).build())).collect();
    // Over its time-out it gives up, and would seem quick.
    Scanner::builder(&rules).with_async_scan_timeout(Duration::from_secs(600)).build().ok()
}

/// CPU seconds of one round, the best of five.
fn best_of(rounds: u32, work: &dyn Fn() -> usize) -> f64 {
    let once = || {
        let start = cpu();
        for _ in 0..rounds {
            black_box(work());
        }
        (cpu() - start) / f64::from(rounds)
    };
    (0..5).map(|_| once()).fold(f64::MAX, f64::min)
}

fn cpu() -> f64 {
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

const BYTES: usize = 64 << 10;
