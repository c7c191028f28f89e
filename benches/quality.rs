//! How good is inspection? The labelled corpora and the samples, in one table.
//!
//!     cargo bench --bench quality
//!     cargo bench --bench quality -- FOLDER    # other corpora with the same file names
//!
//! Predictions come from `phigate scan --jsonl`, figures from the corpora's own `score.py` (Python 3), sample rows from
//! the library. Corpora and samples are looked for in `../shared`.

#![allow(clippy::print_stdout)]

use phigate::decide::{Policy, verdict};
use phigate::inspect::decode::Budget;
use phigate::inspect::{Findings, Inspector, Message, RuleSet};
use phigate::org::Flag;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn main() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared");
    if !shared.exists() {
        assert!(std::env::var("CI").is_err(), "corpora are absent under CI");
        println!("skipped: no corpora here");
        return;
    }
    let folder = std::env::args().skip(1).find(|a| !a.starts_with('-')).map(PathBuf::from);
    let folder = folder.filter(|f| f.is_dir()).unwrap_or_else(|| shared.join("corpora/dev"));
    let score = |file: &str| Score::of(&shared, &folder.join(format!("{file}.jsonl")));
    println!("{:<66} {:>9} {:>9} {:>7}", "what", "figure", "at least", "aim");
    let (messages, hard, edge) = (score("messages"), score("hard"), score("edge"));
    row("block recall, class real", messages.blocked("real"), Goal::Least(99.0, 99.8));
    row("block recall, class hard (encoded)", hard.blocked("hard"), Goal::Least(90.0, 97.0));
    row("false blocks, class test", messages.blocked("test"), Goal::Most(2.0, 0.5));
    row("false blocks, class clean", messages.blocked("clean"), Goal::Most(1.0, 0.2));
    row("edge: block recall", edge.blocked("real"), Goal::Least(95.0, 99.0));
    row("edge: false blocks", edge.blocked("test"), Goal::Most(25.0, 10.0));
    row(
        "mixed (a test marker on real-looking values) blocked",
        hard.blocked("mixed"),
        Goal::Least(95.0, 100.0),
    );
    row("spans in structured messages, F2", messages.spans("overlap", "f2"), Goal::Least(96.0, 99.0));
    let same = messages.spans("overlap_same_category", "recall");
    row("spans in structured messages, same category recall", same, Goal::Least(93.0, 97.0));
    let notes = score("notes");
    row("spans in notes and logs, F2", notes.spans("overlap", "f2"), Goal::Least(88.0, 94.0));
    row("notes and logs: block recall, class real", notes.blocked("real"), Goal::None);
    row("notes and logs: false blocks, class test", notes.blocked("test"), Goal::None);
    let queries = score("asq-phi-dev");
    row("ASQ-PHI queries: block recall", queries.blocked("real"), Goal::Least(85.0, 95.0));
    row("ASQ-PHI queries: false blocks of hard negatives", queries.blocked("clean"), Goal::Most(5.0, 5.0));
    row("ASQ-PHI queries: span F2", queries.spans("overlap", "f2"), Goal::Least(85.0, 92.0));
    row(
        "presidio-v2 sentences: span F2",
        score("presidio-v2").spans("overlap", "f2"),
        Goal::Least(55.0, 70.0),
    );
    samples(&shared.join("samples"));
}

/// What a row has to reach, and is to aim at.
enum Goal {
    Least(f64, f64),
    Most(f64, f64),
    None,
}

fn row(what: &str, figure: Option<f64>, goal: Goal) {
    let figure = figure.map_or_else(|| "-".to_owned(), |f| format!("{f:.2}"));
    let (least, aim) = match goal {
        Goal::Least(least, aim) => (format!(">= {least}"), format!("{aim}")),
        Goal::Most(most, aim) => (format!("<= {most}"), format!("{aim}")),
        Goal::None => (String::new(), String::new()),
    };
    println!("{what:<66} {figure:>9} {least:>9} {aim:>7}");
}

/// What the scorer says of one corpus.
struct Score(Value);

impl Score {
    fn of(shared: &Path, corpus: &Path) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let (predictions, figures) = (folder.path().join("pred.jsonl"), folder.path().join("score.json"));
        let out = std::fs::File::create(&predictions).expect("file");
        let scanned = Command::new(env!("CARGO_BIN_EXE_phigate"))
            .args(["scan", "--jsonl"])
            .arg(corpus)
            .stdout(out)
            .status()
            .expect("phigate runs");
        assert!(matches!(scanned.code(), Some(0 | 1)), "phigate scan failed");
        let scored = Command::new("python3")
            .arg(shared.join("corpora/score.py"))
            .arg(corpus)
            .arg("--pred")
            .arg(&predictions)
            .arg("--json")
            .arg(&figures)
            .stdout(Stdio::null())
            .status()
            .expect("python3 runs");
        assert!(scored.success(), "score.py failed");
        Self(serde_json::from_slice(&std::fs::read(figures).expect("figures")).expect("JSON"))
    }

    /// Blocked share of a class, in percent.
    fn blocked(&self, class: &str) -> Option<f64> {
        let sections = self.0.as_object()?;
        let verdict = sections
            .iter()
            .filter(|(name, _)| !name.starts_with("format"))
            .find_map(|(_, section)| section["verdicts"].get(class))?;
        Some(100.0 * verdict["blocked"].as_f64()? / verdict["n"].as_f64()?)
    }

    /// A figure of the spans of everything but synthetic messages, in percent.
    fn spans(&self, way: &str, figure: &str) -> Option<f64> {
        let (_, section) = self.0.as_object()?.iter().find(|(name, _)| name.starts_with("everything"))?;
        Some(100.0 * section["all"][way][figure].as_f64()?)
    }
}

fn samples(folder: &Path) {
    let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
    let policy = Policy::of(Flag::Development);
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).expect("manifest");
    let (mut impersonal, mut named, mut synthea) = (Share::default(), Share::default(), Share::default());
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [file, _, subject, marking, ..] = columns.as_slice() else { continue };
        if file.starts_with("http/") {
            continue; // Whole exchanges: the tests play them.
        }
        let body = std::fs::read(folder.join(file)).expect("sample");
        let found = inspector.message(&Message {
            content_type: content_type(file),
            body: &body,
            ..Message::default()
        });
        let blocked = verdict(&found, &policy, &[]).reason.is_some();
        match *subject {
            "provider-or-organisation" | "none" => impersonal.count(blocked, file),
            "patient" => named.count(tells_somebody(&found), file),
            _ => {}
        }
        if marking.contains("synthea") && file.contains("fhir") {
            synthea.count(blocked, file);
        }
    }
    let none = "samples: files whose subject is a provider, organization or none, blocked";
    row(none, impersonal.percent(), Goal::Most(2.0, 0.0));
    row(
        "samples: files that name a patient, with a finding on that person",
        named.percent(),
        Goal::Least(97.0, 100.0),
    );
    row("samples: Synthea's bundles blocked", synthea.percent(), Goal::Most(0.0, 0.0));
    if std::env::var_os("QUALITY_LIST").is_some() {
        println!("blocked without a patient: {:?}", impersonal.yes);
        println!("a patient, and no finding: {:?}", named.no);
        println!("Synthea, blocked: {:?}", synthea.yes);
    }
}

#[derive(Default)]
struct Share {
    yes: Vec<String>,
    no: Vec<String>,
}

impl Share {
    fn count(&mut self, yes: bool, file: &str) {
        if yes { &mut self.yes } else { &mut self.no }.push(file.to_owned());
    }

    fn percent(&self) -> Option<f64> {
        let all = self.yes.len() + self.no.len();
        (all > 0).then(|| 100.0 * self.yes.len() as f64 / all as f64)
    }
}

/// Whether something is found that says who somebody is.
fn tells_somebody(found: &Findings) -> bool {
    found.findings.iter().any(|f| f.person.is_some() && f.kind.category().as_str().is_some())
}

/// The type that a sender would declare.
fn content_type(file: &str) -> &'static str {
    match file.split('/').next().unwrap_or_default() {
        "hl7v2" => "x-application/hl7-v2+er7",
        "fhir-r4-json" | "cms-fhir-stu3" => "application/fhir+json",
        "fhir-r4-xml" => "application/fhir+xml",
        "fhir-ndjson" => "application/fhir+ndjson",
        "ccda" | "ncpdp" if file.ends_with(".xml") => "text/xml",
        "x12" => "application/edi-x12",
        "redox-json" => "application/json",
        _ => "",
    }
}
