//! `phigate scan`: what would be found and decided, without a server, and never a value.

use super::out::{self, Paint};
use super::rules::{self, Loaded, Sources};
use crate::decide::{self, Mode, Policy, Refusal};
use crate::inspect::decode::Budget;
use crate::inspect::finding::{Counted, Finding, Findings};
use crate::inspect::format;
use crate::inspect::known::Remember;
use crate::inspect::rules::Raw;
use crate::inspect::{Inspector, Message, RuleSet};
use crate::org::Flag;
use crate::people::People;
use crate::reason::Reason;
use crate::secrets::Secrets;
use crate::store::Control;
use crate::tune::Checked;
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// What `phigate scan` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files to scan; standard input where there is none. Types are told by name and content.
    files: Vec<PathBuf>,
    /// Whose policy judges: development (the default), staging, or production (which shows what development would say);
    /// with `--config` an environment's name, which may be left out where it has one alone or one called development.
    #[arg(long)]
    environment: Option<String>,
    #[command(flatten)]
    sources: Sources,
    /// Read one JSON object a line (`id`, `text`, optional `format`: a media type, or fhir-json, hl7v2, ccda, x12, redox-json, csv,
    /// form, text), and write one a line (`id`, `verdict`, `points`, `spans`, `reason`, `uninspected`).
    #[arg(long)]
    jsonl: bool,
    /// Ask the registry of test people and the fingerprints of this data folder, too.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Take every file as this media type.
    #[arg(long, value_name = "MEDIA_TYPE")]
    content_type: Option<String>,
}

/// By whose policy and rules a command judges.
pub(super) struct Bench {
    /// The rules as written, with the environment's modes.
    pub(super) raw: Raw,
    /// The rules, with the environment's modes.
    pub(super) rules: Arc<RuleSet>,
    /// The policy.
    pub(super) policy: Policy,
    /// Production would let everything pass: what development would say is what is asked for.
    pub(super) production: bool,
    /// How much carried data is read.
    pub(super) budget: Budget,
}

impl Bench {
    /// That of an environment, or of a flag where no configuration is given.
    pub(super) fn of(sources: &Sources, environment: Option<&str>) -> Result<Self, Vec<String>> {
        let Loaded { checked: Checked { mut raw, rules }, config, thresholds, .. } = rules::load(sources)?;
        let (policy, rules) = match &config {
            Some(config) => {
                let environment = match (environment, config.environments.as_slice()) {
                    (Some(named), _) => named,
                    (None, [one]) => &*one.name,
                    (None, all) if all.iter().any(|e| &*e.name == DEFAULT) => DEFAULT,
                    (None, all) => {
                        let names: Vec<&str> = all.iter().map(|e| &*e.name).collect();
                        return Err(vec![format!("--environment: which of {}?", names.join(", "))]);
                    }
                };
                let known = config.environment(environment);
                let e = known.ok_or_else(|| vec![format!("there is no environment `{environment}`")])?;
                raw.modes = e.modes.before(&raw.modes);
                (e.policy.clone(), rules.with_modes(&e.modes))
            }
            None => {
                let environment = environment.unwrap_or(DEFAULT);
                let flags = [Flag::Development, Flag::Staging, Flag::Production];
                let flag = flags.into_iter().find(|flag| flag.as_str() == environment);
                let wanted = || {
                    vec![format!(
                        "--environment: `{environment}` is none of development, staging, production"
                    )]
                };
                (Policy::with(flag.ok_or_else(wanted)?, &thresholds), rules)
            }
        };
        let production = policy.flag == Flag::Production;
        let policy = if production {
            Policy { flag: Flag::Development, ..Policy::with(Flag::Development, &thresholds) }
        } else {
            policy
        };
        let budget = config.map_or_else(Budget::default, |config| config.budget);
        Ok(Self { raw, rules, policy, production, budget })
    }

    /// Whether the environment refuses what the policy speaks against, rather than count it.
    pub(super) fn acts(&self) -> bool {
        self.policy.mode == Mode::Enforce
    }

    /// Judges by it, in the light of who is known.
    pub(super) fn inspector<'b>(&'b self, known: Option<&'b People>) -> Inspector<'b> {
        let inspector = Inspector::new(&self.rules, self.budget, crate::clock::this_year());
        match known {
            Some(known) => inspector.knowing(known),
            None => inspector,
        }
    }
}

/// Runs it. Exit code 0: nothing to block, 1: something, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let known = match known(args.data.as_deref()) {
        Ok(known) => known,
        Err(problem) => {
            out::complain(format!("phigate scan: {problem}"));
            return ExitCode::from(2);
        }
    };
    let bench = match Bench::of(&args.sources, args.environment.as_deref()) {
        Ok(bench) => bench,
        Err(problems) => {
            problems.iter().for_each(|problem| out::complain(format!("phigate scan: {problem}")));
            return ExitCode::from(2);
        }
    };
    let scan = Scan {
        inspector: bench.inspector(known.as_ref()),
        policy: bench.policy.clone(),
        content_type: args.content_type.clone(),
        production: bench.production,
        acts: bench.acts(),
    };
    match if args.jsonl { scan.lines(&args.files) } else { scan.files(&args.files) } {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(1),
        Err(problem) => {
            out::complain(format!("phigate scan: {problem}"));
            ExitCode::from(2)
        }
    }
}

/// Who is known in a data folder, for commands that judge.
pub(super) fn known(data: Option<&Path>) -> Result<Option<People>, String> {
    let Some(data) = data else { return Ok(None) };
    // A folder that isn't there would be made, and would know nobody.
    super::keys::there(data)?;
    let secrets = Secrets::open_or_create(data).map_err(|e| e.to_string())?;
    let control = Control::open(data, secrets.pepper.clone()).map_err(|e| e.to_string())?;
    People::of_folder(data, &control, &secrets, Remember::Nobody).map(Some).map_err(|e| e.to_string())
}

struct Scan<'k> {
    inspector: Inspector<'k>,
    policy: Policy,
    content_type: Option<String>,
    production: bool,
    acts: bool,
}

/// One line of `--jsonl`, as written.
#[derive(Deserialize)]
struct Line {
    id: Value,
    text: String,
    #[serde(default)]
    format: String,
}

impl Scan<'_> {
    fn files(&self, files: &[PathBuf]) -> Result<bool, String> {
        let paint = Paint::of_stdout();
        let mut blocked = false;
        let mut failed = None;
        let read = |path: &Path| std::fs::read(path).map_err(|e| format!("{}: {}", path.display(), e.kind()));
        let mut one = |name: &str, content_type: &str, body: Result<Vec<u8>, String>| match body {
            Ok(body) => blocked |= self.report(name, content_type, &body, paint),
            Err(problem) => {
                out::complain(format!("phigate scan: {problem}"));
                failed = Some("not every file could be read".to_owned());
            }
        };
        if files.is_empty() {
            let mut body = Vec::new();
            let read = io::stdin()
                .lock()
                .read_to_end(&mut body)
                .map_err(|e| format!("standard input: {}", e.kind()));
            one("standard input", self.content_type.as_deref().unwrap_or_default(), read.map(|_| body));
        }
        for path in files {
            let content_type =
                self.content_type.clone().unwrap_or_else(|| format::by_file_name(path).to_owned());
            one(&path.display().to_string(), &content_type, read(path));
        }
        failed.map_or(Ok(blocked), Err)
    }

    fn judge(&self, content_type: &str, body: &[u8]) -> (Findings, Option<Reason>) {
        let findings = self.inspector.message(&Message { content_type, body, ..Message::default() });
        let reason = decide::verdict(&findings, &self.policy, &[]).reason;
        (findings, reason)
    }

    fn report(&self, name: &str, content_type: &str, body: &[u8], paint: Paint) -> bool {
        let (findings, reason) = self.judge(content_type, body);
        let verdict = match reason {
            Some(reason) if self.production => {
                paint.yellow(&format!("would block in development ({reason})"))
            }
            Some(reason) if !self.acts => {
                let mode = self.policy.mode.as_str();
                paint.yellow(&format!("allow: mode is {mode}, enforced it would block ({reason})"))
            }
            Some(reason) => paint.red(&format!("block ({reason})")),
            None => paint.green("allow"),
        };
        out::line(format!(
            "{}: {verdict}  {}",
            paint.bold(name),
            paint.dim(&format!(
                "{}, {} points for the heaviest of {} persons, threshold {}",
                findings.format.as_str(),
                findings.points(),
                findings.persons.len(),
                self.policy.block
            ))
        ));
        if let Some(reason) = reason {
            for spot in Refusal::of(reason, &findings, &self.policy, &[])
                .spots
                .iter()
                .filter(|s| s.kind == "uninspected")
            {
                out::line(format!("  {:<28} {:<18} {}", spot.rule, spot.place, paint.dim(&spot.advice)));
            }
        }
        let told = findings
            .findings
            .iter()
            .filter(|f| f.person.is_some() && (f.points.0 > 0 || f.counted != Counted::Yes));
        for (index, f) in told.enumerate() {
            if index == LINES_MAX {
                out::line(paint.dim("  ... further findings are not listed"));
                break;
            }
            out::line(format!(
                "  {:<28} {:<18} {:>4}  person {:<3} {:<20} {}",
                f.rule,
                f.kind.as_str(),
                f.points,
                f.person.map_or(0, |p| p + 1),
                f.counted.as_str(),
                f.place
            ));
        }
        for u in &findings.uninspected {
            if reason != Some(Reason::Uninspected) {
                out::line(paint.yellow(&format!("  uninspected: {} at {}", u.reason.as_str(), u.place)));
            }
        }
        reason.is_some() && self.acts
    }

    fn lines(&self, files: &[PathBuf]) -> Result<bool, String> {
        let mut blocked = false;
        if files.is_empty() {
            return self.stream(io::stdin().lock(), "standard input");
        }
        for path in files {
            let file = std::fs::File::open(path).map_err(|e| format!("{}: {}", path.display(), e.kind()))?;
            blocked |= self.stream(io::BufReader::new(file), &path.display().to_string())?;
        }
        Ok(blocked)
    }

    fn stream(&self, input: impl BufRead, name: &str) -> Result<bool, String> {
        let (mut blocked, mut unknown) = (false, 0);
        for (number, line) in input.lines().enumerate() {
            let line = line.map_err(|e| format!("{name}: {}", e.kind()))?;
            if line.trim().is_empty() {
                continue;
            }
            // The parser's own words would quote the line.
            let line: Line = serde_json::from_str(&line)
                .map_err(|_| format!("{name}: line {}: no JSON object with `id` and `text`", number + 1))?;
            let media_type = by_format(&line.format);
            unknown += usize::from(media_type.is_none());
            let (findings, reason) = self.judge(media_type.unwrap_or_default(), line.text.as_bytes());
            let blocks = reason.is_some() && self.acts;
            blocked |= blocks;
            out::line(answer(&line, &findings, blocks, reason).to_string());
        }
        if unknown > 0 {
            out::complain(format!(
                "phigate scan: {name}: {unknown} lines have an unknown `format`, and were read by what they are"
            ));
        }
        Ok(blocked)
    }
}

fn answer(line: &Line, findings: &Findings, block: bool, reason: Option<Reason>) -> Value {
    let span = |f: &Finding| {
        let category = f.kind.category().as_str()?;
        let known = f.person.is_some() && f.span.end <= line.text.len() && f.counted != Counted::Placeholder;
        known.then(|| {
            json!({"start": f.span.start, "end": f.span.end, "category": category, "kind": f.kind.as_str(), "rule": &*f.rule})
        })
    };
    let in_body = |f: &&Finding| f.part == crate::inspect::finding::Part::Body;
    json!({
        "id": line.id,
        "verdict": if block { "block" } else { "allow" },
        "points": findings.points().0,
        "spans": findings.findings.iter().filter(in_body).filter_map(span).collect::<Vec<_>>(),
        "reason": reason.map(Reason::as_str),
        "uninspected": findings.uninspected.iter().map(|u| u.reason.as_str()).collect::<Vec<_>>(),
    })
}

/// The media type that a corpus format stands for; of none there is none to be told, and `None` is one that nobody knows.
fn by_format(format: &str) -> Option<&str> {
    Some(match format {
        "" => "",
        "fhir-json" => "application/fhir+json",
        "hl7v2" => "x-application/hl7-v2+er7",
        "ccda" => "text/xml",
        "x12" => "application/edi-x12",
        "redox-json" => "application/json",
        "csv" => "text/csv",
        "form" => "application/x-www-form-urlencoded",
        "text" => "text/plain",
        media_type if media_type.contains('/') => media_type,
        _ => return None,
    })
}

/// The environment that judges where none is told.
const DEFAULT: &str = "development";
/// Findings that one file's report lists.
const LINES_MAX: usize = 60;
