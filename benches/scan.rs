//! How fast is inspection? MB/s of CPU time by format and size, on bodies made here.
//!
//!     cargo bench --bench scan

#![allow(clippy::print_stdout)]

mod common;

use common::{bundle, cpu, note, oru, row};
use phigate::inspect::decode::Budget;
use phigate::inspect::{Inspector, Message, RuleSet};

fn main() {
    let quick = common::is_test();
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    println!("{:<12} {:>10} {:>12} {:>10}", "body", "bytes", "µs CPU", "MB/s");
    for size in [4 << 10, 64 << 10] {
        for (name, content_type, body) in [
            ("fhir-json", "application/fhir+json", bundle(size)),
            ("hl7v2", "x-application/hl7-v2+er7", oru(size)),
            ("text", "text/plain", note(size)),
        ] {
            let rounds = if quick { 1 } else { (64 << 20) / (body.len() * 16) };
            let message = Message { content_type, body: body.as_bytes(), ..Message::default() };
            let found = inspector.message(&message);
            assert!(found.points().0 > 0, "{name}: the bench finds nothing");
            let best = (0..if quick { 1 } else { 5 })
                .map(|_| {
                    let start = cpu();
                    for _ in 0..rounds {
                        std::hint::black_box(inspector.message(std::hint::black_box(&message)));
                    }
                    (cpu() - start) / rounds as f64
                })
                .fold(f64::MAX, f64::min);
            row(name, body.len(), best);
        }
    }
}
