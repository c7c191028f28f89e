//! `phigate explain`: why a message is judged as it is, person by person, and never a value.

use super::out::{self, Paint};
use super::rules::Sources;
use super::scan::{self, Bench};
use crate::decide::{Verdict, verdict};
use crate::inspect::finding::{Counted, Finding, Findings, MadeUp, Part, Person, UninspectedReason};
use crate::inspect::rules::{Mode, Raw};
use crate::inspect::trace::Trace;
use crate::inspect::walk::Declared;
use crate::inspect::{Message, format};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate explain` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The messages' bodies. Types are told by name and content.
    #[arg(required_unless_present = "rule")]
    files: Vec<PathBuf>,
    /// Tell of a rule what it is, what it follows, and what it weighs. May be given again.
    #[arg(long, value_name = "ID")]
    rule: Vec<String>,
    /// Whose policy judges: development (the default), staging, or production (which shows what development would say);
    /// with `--config` an environment's name, which may be left out where it has one alone or one called development.
    #[arg(long)]
    environment: Option<String>,
    #[command(flatten)]
    sources: Sources,
    /// Ask the registry of test people and the fingerprints of this data folder, too.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Take every file as this media type.
    #[arg(long, value_name = "MEDIA_TYPE")]
    content_type: Option<String>,
}

/// Runs it. Exit code 0: all were explained, 2: a file could not be read.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let known = match scan::known(args.data.as_deref()) {
        Ok(known) => known,
        Err(problem) => {
            out::complain(format!("phigate explain: {problem}"));
            return ExitCode::from(2);
        }
    };
    let bench = match Bench::of(&args.sources, args.environment.as_deref()) {
        Ok(bench) => bench,
        Err(problems) => {
            problems.iter().for_each(|problem| out::complain(format!("phigate explain: {problem}")));
            return ExitCode::from(2);
        }
    };
    let (inspector, paint) = (bench.inspector(known.as_ref()), Paint::of_stdout());
    let mut code = ExitCode::SUCCESS;
    for id in &args.rule {
        match bench.raw.describe(id).or_else(|| unread(id)) {
            Some(lines) => {
                out::line(paint.bold(id));
                lines.iter().for_each(|line| out::line(format!("  {line}")));
            }
            None => {
                out::complain(format!("phigate explain: there is no rule `{id}`"));
                code = ExitCode::from(2);
            }
        }
    }
    for path in &args.files {
        match std::fs::read(path) {
            Ok(body) => {
                let content_type = args.content_type.as_deref().unwrap_or_else(|| format::by_file_name(path));
                let message = Message { content_type, body: &body, ..Message::default() };
                let (found, trace) = inspector.traced(&message);
                explain(path, &found, &bench, paint);
                not_counted(&found, &trace, &bench.raw, paint);
            }
            Err(error) => {
                out::complain(format!("phigate explain: {}: {}", path.display(), error.kind()));
                code = ExitCode::from(2);
            }
        }
    }
    code
}

/// What `uninspected.…` of refusals and records is: no rule of the tables.
fn unread(id: &str) -> Option<Vec<String>> {
    let word = id.strip_prefix("uninspected.")?;
    let reason = UninspectedReason::ALL.iter().find(|reason| reason.as_str() == word)?;
    Some(vec![
        "about   a part of a message that can't be inspected".to_owned(),
        format!("fix     {}", reason.advice()),
        "policy  uninspected of an environment: refuse (the default below production) or pass".to_owned(),
    ])
}

fn explain(path: &Path, found: &Findings, bench: &Bench, paint: Paint) {
    let (policy, version) = (&bench.policy, &bench.rules.version);
    let decision = match verdict(found, policy, &[]) {
        Verdict { reason: Some(reason), .. } if bench.production => {
            paint.yellow(&format!("passes; development would refuse it: {reason}"))
        }
        Verdict { reason: Some(reason), .. } if !bench.acts() => paint.yellow(&format!(
            "passes, mode is {}; enforced it would be refused: {reason}",
            policy.mode.as_str()
        )),
        Verdict { reason: Some(reason), .. } => paint.red(&format!("refused: {reason}")),
        Verdict { with_shadow: Some(reason), .. } => {
            paint.yellow(&format!("passes; refused if the rules in shadow acted: {reason}"))
        }
        Verdict { reported: true, .. } => paint.yellow("passes, and is reported"),
        _ => paint.green("passes"),
    };
    out::line(format!(
        "{}: {decision}  {}",
        paint.bold(&path.display().to_string()),
        paint.dim(&format!(
            "{}; {} points of one person are refused, {} with clinical content; rules {version}",
            found.format.as_str(),
            policy.block,
            policy.identified
        ))
    ));
    for (number, person) in found.persons.iter().enumerate() {
        explain_person(number, person, found, paint);
    }
    let nobody: Vec<&Finding> = found.findings.iter().filter(|f| f.person.is_none()).collect();
    if !nobody.is_empty() {
        out::line("  nobody's: a provider's, an organisation's, or of no one in particular");
        fields(&nobody, &BTreeMap::new(), paint);
    }
    for (mode, place) in &found.declared {
        let says = match mode {
            Declared::Test => "test data",
            Declared::Production => "production data",
        };
        out::line(format!("  declared {says} at {place}: counts for nothing, either way"));
    }
    for unread in &found.uninspected {
        out::line(paint.yellow(&format!(
            "  unread at {}: {}. {}",
            unread.place,
            unread.reason.as_str(),
            unread.reason.advice()
        )));
    }
    for link in &found.off_path {
        out::line(paint.yellow(&format!("  leads past the gateway: {}", link.place)));
    }
}

/// What was read by a rule that gives no points: providers', organisations', codes, times.
fn not_counted(found: &Findings, trace: &Trace, raw: &Raw, paint: Paint) {
    let told: BTreeSet<&str> = found.findings.iter().map(|f| &*f.rule).collect();
    let silent = trace.rows.iter().filter(|row| !told.contains(&***row)).filter_map(|row| {
        let (_, field) = raw.field(row)?;
        let mode = if raw.modes.of(row) == Mode::Off { ", off" } else { "" };
        Some(format!("{row} ({}, {}{mode})", field.kind, field.whose.as_str()))
    });
    let silent: Vec<String> = silent.collect();
    if !silent.is_empty() {
        out::line(paint.dim(&format!("  read, and weighs nothing: {}", silent.join(", "))));
    }
}

fn explain_person(number: usize, person: &Person, found: &Findings, paint: Paint) {
    let own: Vec<&Finding> = found.findings.iter().filter(|f| f.person == Some(number)).collect();
    let mut notes = Vec::new();
    if person.clinical {
        notes.push("clinical content");
    }
    match person.made_up {
        Some(MadeUp::Generator) => {
            notes.push("made up: a generator's identifier system and two independent signs")
        }
        Some(MadeUp::Listed) => notes.push("made up: the registry of test people has it"),
        Some(MadeUp::ValueBorne) => notes.push("made up: no number and no contact can be a real person's"),
        None => {}
    }
    if person.known_real {
        notes.push("known real: production has seen this person");
    }
    if person.only_opaque_id {
        notes.push("known by an opaque id alone");
    }
    out::line(
        paint.bold(&format!("  person {}: {} points", number + 1, person.points))
            + &paint.dim(&prefixed(&notes)),
    );
    // Each kind counts once, at its highest.
    let mut highest = BTreeMap::new();
    for finding in &own {
        let most = highest.entry(finding.kind).or_insert(finding.points);
        *most = finding.points.max(*most);
    }
    fields(&own, &highest, paint);
}

fn fields(
    findings: &[&Finding],
    highest: &BTreeMap<crate::inspect::kind::Kind, crate::inspect::kind::Points>,
    paint: Paint,
) {
    let mut counted = std::collections::BTreeSet::new();
    for (index, finding) in findings.iter().enumerate() {
        if index == LINES_MAX {
            out::line(paint.dim(&format!("    ... {} more", findings.len() - LINES_MAX)));
            break;
        }
        let why = match finding.counted {
            Counted::Yes if finding.points.0 == 0 => "weighs nothing".to_owned(),
            Counted::Yes
                if Some(&finding.points) == highest.get(&finding.kind) && counted.insert(finding.kind) =>
            {
                "counts".to_owned()
            }
            Counted::Yes => format!("not again: a {} counts once", finding.kind),
            Counted::Shadow => "not counted: the rule is in shadow".to_owned(),
            other => format!("not counted: {}", other.as_str()),
        };
        let marker = finding.sign.as_str().map(|sign| format!("; marker: {sign}")).unwrap_or_default();
        let place = if finding.part == Part::Body {
            finding.place.clone()
        } else {
            format!("{}: {}", finding.part, finding.place)
        };
        out::line(format!(
            "    {:>4}  {:<18} {:<32} {:<34} {place}{marker}",
            finding.points,
            finding.kind.as_str(),
            finding.rule,
            why
        ));
    }
}

fn prefixed(notes: &[&str]) -> String {
    notes.iter().map(|note| format!("; {note}")).collect()
}

/// Fields of one person that are listed.
const LINES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_refusals_name_beside_rules_is_explained_too() {
        for reason in UninspectedReason::ALL {
            assert!(unread(&format!("uninspected.{}", reason.as_str())).is_some());
        }
        assert_eq!((unread("uninspected.x"), unread("text.ssn")), (None, None));
    }
}
