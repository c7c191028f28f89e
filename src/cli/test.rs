//! `phigate test`: the cases of the rules, and users' own, run; nothing of a message is printed.

use super::out::{self, Paint};
use super::rules::{self, Sources};
use crate::config::cases;
use crate::inspect::rules::Changes;
use crate::tune::junit::{self, Line};
use crate::tune::{self, Checked, Suite, Trials, users};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate test` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A folder of your own cases: *.toml, each `[[case]]` with `name`, `message` (a file) or `body`, `environment` and
    /// `expect = { decision = "refuse", rules = ["hl7v2.pid-5.1"] }`.
    folder: Option<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// List the rules that fired in no case (of the folder, where there is one).
    #[arg(long)]
    coverage: bool,
    /// Write a JUnit report to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// Runs it. Exit code 0: every case holds, 1: one doesn't, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    match all(args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(problems) => {
            problems.iter().for_each(|problem| out::complain(format!("phigate test: {problem}")));
            ExitCode::from(2)
        }
    }
}

fn all(args: &Args) -> Result<bool, Vec<String>> {
    let loaded = rules::load(&args.sources)?;
    let suite = Suite::of(&loaded.checked.raw, &loaded.changes);
    let mut lines = Vec::new();
    let mut fired = rule_cases(&suite, &loaded.checked, &mut lines);
    let of_rules = lines.len();
    if let Some(folder) = &args.folder {
        fired = user_cases(folder, &loaded, &mut lines)?;
    }
    let paint = Paint::of_stdout();
    for Line { class, name, failure } in &lines {
        if let Some(why) = failure {
            out::line(format!("{}: {class}: {name}: {why}", paint.red("failed")));
        }
    }
    let failures = lines.iter().filter(|line| line.failure.is_some()).count();
    let known: BTreeSet<&str> = loaded.checked.raw.ids().collect();
    let with_cases: BTreeSet<&str> = suite.cases.iter().map(|case| case.rule.as_str()).collect();
    out::line(format!(
        "{of_rules} cases of {} rules, {} of yours: {}",
        with_cases.len(),
        lines.len() - of_rules,
        match failures {
            0 => paint.green("all hold"),
            failures => paint.red(&format!("{failures} failed")),
        }
    ));
    if args.coverage {
        let silent: Vec<&str> = known.iter().filter(|id| !fired.contains(**id)).copied().collect();
        for id in &silent {
            out::line(format!("  never fired: {id}"));
        }
        let share = 100.0 * (known.len() - silent.len()) as f64 / known.len().max(1) as f64;
        out::line(format!(
            "coverage: {} of {} rules fired, {share:.1} %",
            known.len() - silent.len(),
            known.len()
        ));
    }
    if let Some(file) = &args.junit {
        std::fs::write(file, junit::report("phigate test", &lines))
            .map_err(|e| vec![format!("{}: {}", file.display(), e.kind())])?;
    }
    Ok(failures == 0)
}

/// Runs the rules' cases; gives the rules that fired.
fn rule_cases(suite: &Suite, checked: &Checked, lines: &mut Vec<Line>) -> BTreeSet<String> {
    let trials = Trials::new(&checked.raw, &checked.rules);
    let mut fired = BTreeSet::new();
    for (number, case) in suite.cases.iter().enumerate() {
        let outcome = trials.run(case);
        if outcome.fired {
            fired.insert(case.rule.clone());
        }
        let wants = if case.wants.fires() { "finds" } else { "passes" };
        let failure = (!outcome.holds).then(|| match (case.wants.fires(), outcome.fired) {
            (true, false) => "the rule found nothing".to_owned(),
            (true, true) => "the rule found something else".to_owned(),
            (false, _) => "the rule found something".to_owned(),
        });
        let name = format!("{wants}, case {}{}", number + 1, case.why_behind());
        lines.push(Line { class: case.rule.clone(), name, failure });
    }
    for (id, fires) in suite.missing(&checked.raw) {
        let name = if fires { "has a case that fires" } else { "has a case that passes" };
        lines.push(Line {
            class: id.to_owned(),
            name: name.to_owned(),
            failure: Some("there is none".to_owned()),
        });
    }
    fired
}

fn user_cases(
    folder: &Path,
    loaded: &rules::Loaded,
    lines: &mut Vec<Line>,
) -> Result<BTreeSet<String>, Vec<String>> {
    let mut fired = BTreeSet::new();
    let known: BTreeSet<&str> = loaded.checked.raw.ids().collect();
    let (mut problems, cases) = (Vec::new(), cases::load(folder)?);
    for (file, case) in &cases {
        let named = case.expect.rules.iter().chain(&case.expect.not_rules);
        for stranger in named.filter(|id| !known.contains(id.as_str())) {
            problems.push(format!("{}: {}: there is no rule `{stranger}`", file.display(), case.name));
        }
        match users::judge(case, &loaded.checked.rules, loaded.config.as_ref(), &loaded.thresholds) {
            Ok(judgement) => {
                let failure = (!judgement.wrong.is_empty()).then(|| judgement.wrong.join("; "));
                lines.push(Line { class: file.display().to_string(), name: case.name.clone(), failure });
                fired.extend(judgement.rules);
            }
            Err(problem) => problems.push(format!("{}: {}: {problem}", file.display(), case.name)),
        }
    }
    if cases.is_empty() {
        problems.push(format!("{}: no cases: *.toml with [[case]]", folder.display()));
    }
    if problems.is_empty() { Ok(fired) } else { Err(problems) }
}

/// Whether changes shadow rules that they don't name: `phigate check` tells.
pub(super) fn others(checked: &Checked, changes: &Changes) -> Vec<String> {
    tune::check::others(checked, changes).iter().map(ToString::to_string).collect()
}
