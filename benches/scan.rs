//! How fast is inspection? MB/s of CPU time by format and size, on bodies made here. Then the search for all text rules
//! alone, beside other ways to the same matches, and beside 500 more rules; memchr of a byte that isn't there is the limit.
//!
//!     cargo bench --bench scan
//!
//! Names of rows behind `--` measure those alone. `benches/scanners/run` sets another scanner beside the search.

#![allow(clippy::print_stdout)]

mod common;

use common::{bundle, ccda, cpu, note, notes, oru, row};
use phigate::inspect::decode::Budget;
use phigate::inspect::scan::Engine;
use phigate::inspect::{Inspector, Message, RuleSet};
use regex::{Regex, RegexSet};
use std::hint::black_box;

fn main() {
    let quick = common::is_test();
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    println!("{:<12} {:>10} {:>12} {:>10}", "body", "bytes", "µs CPU", "MB/s");
    for size in [4 << 10, 64 << 10] {
        for (name, content_type, body) in [
            ("fhir-json", "application/fhir+json", bundle(size)),
            ("fhir-notes", "application/fhir+json", notes(size)),
            ("ccda", "text/xml", ccda(size)),
            ("hl7v2", "x-application/hl7-v2+er7", oru(size)),
            ("text", "text/plain", note(size)),
        ]
        .into_iter()
        .filter(|(name, ..)| is_wanted(name))
        {
            let found = whole(&inspector, name, content_type, body.as_bytes(), quick);
            // Nobody is in the notes.
            assert!(found > 0 || name == "fhir-notes", "{name}: the bench finds nothing");
        }
    }
    samples(&inspector, quick);
    if !std::env::args().any(|arg| arg == "--whole-only") {
        rules(quick);
    }
}

/// One body through the whole inspection; gives the points of its heaviest person.
fn whole(inspector: &Inspector<'_>, name: &str, content_type: &str, body: &[u8], quick: bool) -> u16 {
    let rounds = if quick { 1 } else { ((64 << 20) / (body.len() * 16)).max(1) };
    let message = Message { content_type, body, ..Message::default() };
    let found = inspector.message(&message);
    let best = best_of(if quick { 1 } else { 5 }, rounds, || {
        black_box(inspector.message(black_box(&message)));
    });
    row(name, body.len(), best);
    found.points().0
}

/// Whether a row is among those that were asked for, or none was.
fn is_wanted(name: &str) -> bool {
    let mut asked = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).peekable();
    asked.peek().is_none() || asked.any(|arg| arg == name)
}

/// Messages as published, where the folder of samples is there: bodies made here repeat themselves.
fn samples(inspector: &Inspector<'_>, quick: bool) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/samples");
    for (name, content_type, file) in SAMPLES.iter().filter(|(name, ..)| is_wanted(name)) {
        match std::fs::read(format!("{folder}/{file}")) {
            Ok(body) => drop(whole(inspector, name, content_type, &body, quick)),
            Err(_) => println!("{name:<12} skipped: no such sample"),
        }
    }
}

/// Large ones; some are printed with blanks.
const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "synthea",
        "application/fhir+json",
        "fhir-r4-json/synthea-Luisa710_Carranza218_2feb4fc9-0b59-4d72-bc87-aafcf11083d9.json",
    ),
    ("hl7-lri", "application/fhir+json", "fhir-r4-json/hl7-Bundle-lri-example.json"),
    ("hl7-101", "application/fhir+json", "fhir-r4-json/hl7-Bundle-101.json"),
    ("smart", "application/fhir+json", "fhir-r4-json/msfs-SmartPatientA.json"),
    (
        "redox",
        "application/json",
        "redox-json/rjava-clinicalsummary-patient_push-redox-example-patientpush-timothy.json",
    ),
    ("ccd-1", "text/xml", "ccda/hl7ex-Documents-CCD-1.xml"),
    ("discharge", "text/xml", "ccda/hl7ex-Documents-Discharge_Summary.xml"),
    ("cbc", "x-application/hl7-v2+er7", "hl7v2/msfc-LRI_2.0-NG_CBC_Typ_Message.hl7"),
    ("oru", "x-application/hl7-v2+er7", "hl7v2/msfc-ORU-R01-01.hl7"),
    ("adt", "x-application/hl7-v2+er7", "hl7v2/msfc-ADT-A01-01.hl7"),
    ("vxu", "x-application/hl7-v2+er7", "hl7v2/msfc-VXU-V04-01.hl7"),
];

/// The search for matches alone, without judging them.
fn rules(quick: bool) {
    let patterns: Vec<&str> = RuleSet::built_in().detectors.iter().map(|d| d.pattern()).collect();
    let regexes: Vec<Regex> = patterns.iter().map(|p| Regex::new(p).expect("compiled before")).collect();
    let set = RegexSet::new(&patterns).expect("compiled before");
    let custom: Vec<String> = (0..500).map(custom).collect();
    let more = patterns.iter().copied().chain(custom.iter().map(String::as_str));
    let built = cpu();
    let engine = Engine::new(patterns.iter().copied()).expect("compiled before");
    let with_custom = Engine::new(more).expect("rules of the bench compile");
    println!("\nboth engines built in {:.0} ms of CPU", (cpu() - built) * 1e3);
    println!("{:<12} {:<28} {:>12} {:>10} {:>8}", "body", "rules", "µs CPU", "MB/s", "ratio");
    for (name, body) in [
        ("fhir-json", bundle(64 << 10)),
        ("hl7v2", oru(64 << 10)),
        ("xml", markup(64 << 10)),
        ("text", note(64 << 10)),
    ]
    .into_iter()
    .filter(|(name, _)| is_wanted(name))
    {
        let mut first = None;
        let mut measure = |way: &str, work: &mut dyn FnMut()| {
            let seconds = best_of(if quick { 1 } else { 3 }, if quick { 1 } else { 10 }, work);
            let first = *first.get_or_insert(seconds);
            let speed = body.len() as f64 / seconds / 1e6;
            println!("{name:<12} {way:<28} {:>12.1} {speed:>10.1} {:>8.2}", seconds * 1e6, seconds / first);
        };
        measure("one pass", &mut || search(&engine, &body));
        measure("one pass, 500 more rules", &mut || search(&with_custom, &body));
        measure("regex, rule by rule", &mut || {
            for regex in &regexes {
                black_box(regex.find_iter(black_box(&body)).count());
            }
        });
        measure("RegexSet, then what hits", &mut || {
            for hit in &set.matches(black_box(&body)) {
                black_box(regexes.get(hit).map(|regex| regex.find_iter(&body).count()));
            }
        });
        measure("memchr", &mut || {
            black_box(memchr::memchr(0, black_box(body.as_bytes())));
        });
    }
}

fn search(engine: &Engine, body: &str) {
    engine.search(black_box(body), &mut |rule, span| {
        black_box((rule, span));
        true
    });
}

/// CPU seconds of one round, the best of so many times. Not inlined, so that a profiler can be told to count this alone.
#[inline(never)]
fn best_of(times: usize, rounds: usize, mut work: impl FnMut()) -> f64 {
    (0..times)
        .map(|_| {
            let start = cpu();
            (0..rounds).for_each(|_| work());
            (cpu() - start) / rounds as f64
        })
        .fold(f64::MAX, f64::min)
}

/// A rule as sites write them: a prefix of their own and digits, or a word that names a number.
fn custom(n: usize) -> String {
    let letter = |n: usize| char::from(b'A' + (n % 26) as u8);
    let (a, b, c) = (letter(n), letter(n / 26 + 7), letter(n * 7 + 3));
    match n % 5 {
        0 => format!(r"\b{a}{b}{c}-\d{{6}}\b"),
        1 => format!(r"\b{a}{b}\d{{2}}{c}\d{{4,8}}\b"),
        2 => format!(r"(?i)\b{a}{b}{c}(?: no\.?| number)?[ :#]{{1,3}}(?P<v>\d{{5,10}})\b"),
        3 => format!(r"\b\d{{2}}{a}{b}\d{{3}}[A-Z]?\b"),
        _ => format!(r"\bsite{n}[-_ ]?(?P<v>[A-Z0-9]{{6,12}})\b"),
    }
}

/// XML of so many bytes: observations of C-CDA's kind.
fn markup(bytes: usize) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\"?><ClinicalDocument xmlns=\"urn:hl7-org:v3\"><component>");
    while out.len() < bytes {
        out += "<observation classCode=\"OBS\" moodCode=\"EVN\"><templateId root=\"2.16.840.1.113883.10.20.22.4.2\"/><code code=\"2345-7\" codeSystem=\"2.16.840.1.113883.6.1\" displayName=\"Glucose\"/><effectiveTime value=\"20250504144731\"/><value xsi:type=\"PQ\" value=\"92\" unit=\"mg/dL\"/></observation>";
    }
    out + "</component></ClinicalDocument>"
}
