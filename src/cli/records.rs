//! `phigate records`: reading records through the admin API, as the token's role allows.

use super::api::{Api, ApiArgs, encoded};
use super::keys::finish;
use super::out::{self, Pager, Paint};
use serde_json::{Value, json};
use std::fmt::Write;
use std::process::ExitCode;

/// What `phigate records` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Search records, newest first. All of them metadata.
    Search(Box<Search>),
    /// Find records by a value of a record, member, account, visit, claim or device number, which is read from standard
    /// input: it stands in no history and no process list.
    Find {
        /// The environment.
        #[arg(long)]
        environment: String,
        /// mrn, member-id, account, visit-number, device or claim-id; without it, all of them.
        #[arg(long)]
        kind: Option<String>,
        /// Why; needed in production.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Count records by hour and decision.
    Counts(Box<What>),
    /// Print many records as lines of JSON, each as your role sees it; that is audited. What the limit cut off, and what
    /// retention removed meanwhile, is told on standard error.
    Export(Box<Search>),
    /// Print records as they come.
    Tail,
    /// Show one record, with as much of its payload as your role sees; that is audited.
    Show {
        /// The record's id: the `phigate-record` header of the answer.
        id: String,
    },
}

#[derive(Debug, clap::Args)]
struct Search {
    #[command(flatten)]
    what: What,
    /// Records at most: 1 to 1000, 50 by default; of an export 1 to 1000000, 10000 by default.
    #[arg(long)]
    limit: Option<String>,
    /// Go on behind this record.
    #[arg(long)]
    after: Option<String>,
}

/// Which records.
#[derive(Debug, clap::Args)]
struct What {
    /// One environment.
    #[arg(long)]
    environment: Option<String>,
    /// From this time on: 2026-11-30, 2026-11-30T10:00:00Z or Unix milliseconds.
    #[arg(long)]
    from: Option<String>,
    /// Before this time, written in the same way.
    #[arg(long)]
    to: Option<String>,
    /// Connection by name.
    #[arg(long)]
    connection: Option<String>,
    /// Caller by name.
    #[arg(long)]
    caller: Option<String>,
    /// forwarded, would_refuse, refused, withheld, failed or answered.
    #[arg(long)]
    decision: Option<String>,
    /// Why it was refused or failed.
    #[arg(long)]
    reason: Option<String>,
    /// Status of the reply.
    #[arg(long)]
    status: Option<String>,
    /// A rule that found something.
    #[arg(long)]
    rule: Option<String>,
    /// A kind that was found.
    #[arg(long)]
    kind: Option<String>,
    /// A W3C trace id.
    #[arg(long)]
    trace: Option<String>,
    /// A token, as linked views show it.
    #[arg(long)]
    token: Option<String>,
}

/// Runs it. Exit code 0: answered, 1: refused or not there, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let api = Api::new(&args.api.admin)?;
        let answer = match &args.command {
            Command::Search(search) => api.get(&format!("/v1/records?{}", search.query()))?,
            Command::Counts(what) => api.get(&format!("/v1/records/counts?{}", query(&what.pairs())))?,
            Command::Show { id } => api.get(&format!("/v1/records/{}", encoded(id)))?,
            Command::Find { environment, kind, reason } => {
                let body =
                    json!({"environment": environment, "kind": kind, "reason": reason, "value": value()?});
                api.ask("POST", "/v1/records/search", Some(&body), None)?
            }
            Command::Export(search) => {
                return exported(&api, &format!("/v1/records/export?{}", search.query()));
            }
            Command::Tail => return passed_on(&api, "/v1/records/tail", &mut followed),
        };
        if answer.status != 200 {
            return Ok(answer.refused());
        }
        let answer = answer.value;
        let _pager = Pager::start();
        if args.api.json {
            out::line(serde_json::to_string_pretty(&answer).unwrap_or_default());
        } else {
            match &args.command {
                Command::Show { .. } => out::line(shown(&answer)),
                Command::Counts(_) => counted(&answer),
                _ => table(&answer),
            }
        }
        Ok(ExitCode::SUCCESS)
    };
    finish("records", run())
}

/// The first line of standard input.
fn value() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|e| format!("standard input: {}", e.kind()))?;
    match line.trim() {
        "" => Err("the value is read from standard input, and there is none".to_owned()),
        value => Ok(value.to_owned()),
    }
}

/// Prints an export, and says on standard error what it lacks.
fn exported(api: &Api, path: &str) -> Result<ExitCode, String> {
    let mut end = None;
    let code = passed_on(api, path, &mut |line| match export_end(line) {
        Some(told) => end = Some(told),
        None => out::stream_line(line),
    })?;
    if code != ExitCode::SUCCESS {
        return Ok(code);
    }
    let end = end.ok_or("the export ended early: it isn't whole")?;
    if end["gone"].as_u64().is_some_and(|gone| gone > 0) {
        out::complain(format!("Retention removed {} records before they could be read.", end["gone"]));
    }
    for day in end["unread"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        out::complain(format!("Records of {day} can't be read: the file is damaged."));
    }
    if let Some(next) = end["next"].as_str() {
        out::complain(format!("Cut by the limit, at {} records. More: --after {next}", end["records"]));
    }
    Ok(code)
}

/// What the last line of an export tells; `None` for a record's.
fn export_end(line: &str) -> Option<Value> {
    // A record's line begins with another key, and may be long: it isn't read.
    let end = line.strip_prefix("{\"export\":")?.strip_suffix('}')?;
    serde_json::from_str(end).ok()
}

/// Hands on an answer as it comes: lines of JSON, or events without their field names.
fn passed_on(api: &Api, path: &str, each: &mut dyn FnMut(&str)) -> Result<ExitCode, String> {
    let (mut lines, mut wrong) = (Lines::default(), None);
    let answer = api.stream(path, &mut |piece| {
        let taken = lines.take(piece, &mut |line| {
            let data = line.strip_prefix("data: ").unwrap_or(line);
            if data.starts_with('{') {
                each(data);
            }
        });
        wrong = taken.err();
        wrong.is_none()
    })?;
    match wrong {
        Some(why) => Err(why),
        None if answer.status == 200 => Ok(ExitCode::SUCCESS),
        None => Ok(answer.refused()),
    }
}

/// Prints a record that came; that some may be missing is told on standard error.
fn followed(line: &str) {
    match gap(line) {
        Some(told) => out::complain(told),
        None => out::stream_line(line),
    }
}

fn gap(line: &str) -> Option<String> {
    let told: Value = line.starts_with("{\"gap\":").then(|| serde_json::from_str(line).ok())??;
    let (from, to) = (told["gap"]["from"].as_str()?, told["gap"]["to"].as_str()?);
    Some(format!(
        "There were more records at once than are followed: some from {from} to {to} may be missing."
    ))
}

/// Lines out of pieces that end anywhere, in the middle of a character too.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes a piece, and gives each line that it ends.
    fn take(&mut self, piece: &[u8], each: &mut dyn FnMut(&str)) -> Result<(), String> {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            if part.ends_with(b"\n") {
                let line = std::str::from_utf8(&self.rest).map_err(|_| "the answer isn't UTF-8")?;
                each(line.trim_end());
                self.rest.clear();
            }
        }
        Ok(())
    }
}

fn counted(answer: &Value) {
    for count in answer["counts"].as_array().into_iter().flatten() {
        let text = |key: &str| count[key].as_str().unwrap_or("-").to_owned();
        out::line(format!("{}  {:<14} {:>8}", text("from"), text("decision"), count["records"]));
    }
}

impl Search {
    fn query(&self) -> String {
        let page = [("limit", &self.limit), ("after", &self.after)];
        query(&[&self.what.pairs() as &[_], &page].concat())
    }
}

impl What {
    fn pairs(&self) -> [(&'static str, &Option<String>); 12] {
        [
            ("environment", &self.environment),
            ("from", &self.from),
            ("to", &self.to),
            ("connection", &self.connection),
            ("caller", &self.caller),
            ("decision", &self.decision),
            ("reason", &self.reason),
            ("status", &self.status),
            ("rule", &self.rule),
            ("kind", &self.kind),
            ("trace", &self.trace),
            ("token", &self.token),
        ]
    }
}

/// What is given of these parameters.
fn query(pairs: &[(&str, &Option<String>)]) -> String {
    let given = pairs.iter().filter_map(|(name, value)| Some(format!("{name}={}", encoded(value.as_ref()?))));
    given.collect::<Vec<_>>().join("&")
}

/// Asks for something of the admin side.
pub(super) fn get(admin: &str, path: &str, token: &str) -> Result<(u16, Value), String> {
    let answer = Api::with(admin, token.to_owned()).get(path)?;
    Ok((answer.status, answer.value))
}

fn table(answer: &Value) {
    let paint = Paint::of_stdout();
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or("-").to_owned();
    let records = answer["records"].as_array().cloned().unwrap_or_default();
    for r in &records {
        let decision = text(r, "decision");
        let padded = format!("{decision:<12}");
        let painted = match decision.as_str() {
            "refused" | "failed" => paint.red(&padded),
            "would_refuse" => paint.yellow(&padded),
            _ => paint.green(&padded),
        };
        out::line(format!(
            "{}  {}  {:<12} {painted} {:>3}  {:>4} points  {:<10} {}",
            text(r, "started"),
            text(r, "id"),
            text(r, "environment"),
            r["status"],
            r["points"],
            text(r, "format"),
            text(r, "reason"),
        ));
    }
    if records.is_empty() {
        out::complain("No records fit, in the environments where you have a role.");
    }
    for day in answer["unread"].as_array().into_iter().flatten() {
        let word = |key: &str| day[key].as_str().unwrap_or("-").to_owned();
        let (environment, day) = (word("environment"), word("day"));
        out::complain(format!("Records of {environment} {day} can't be read: the file is damaged."));
    }
    if let Some(next) = answer["next"].as_str() {
        out::complain(format!("More: --after {next}"));
    }
}

/// One record for people.
pub(super) fn shown(answer: &Value) -> String {
    let mut out = String::new();
    let record = &answer["record"];
    let text = |key: &str| match &record[key] {
        Value::String(s) => s.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    for key in [
        "id",
        "started",
        "environment",
        "connection",
        "caller",
        "caller_role",
        "method",
        "decision",
        "reason",
        "status",
        "format",
        "points",
        "request_bytes",
        "reply_bytes",
        "rule_set",
    ] {
        let _ = writeln!(out, "{key:<14} {}", text(key));
    }
    let of_request = record["found"].as_array().into_iter().flatten().map(|f| ("found", f));
    let of_reply = record["reply"]["found"].as_array().into_iter().flatten().map(|f| ("found in reply", f));
    for (label, found) in of_request.chain(of_reply) {
        let _ = writeln!(
            out,
            "{label:<14} {} {} x{} ({} points)",
            found["rule"].as_str().unwrap_or("-"),
            found["kind"].as_str().unwrap_or("-"),
            found["count"],
            found["points"]
        );
    }
    for reason in record["uninspected"].as_array().into_iter().flatten() {
        let _ = writeln!(out, "{:<14} {}", "uninspected", reason.as_str().unwrap_or("-"));
    }
    let _ = writeln!(
        out,
        "{:<14} {} as {}",
        "view",
        answer["view"].as_str().unwrap_or("-"),
        answer["role"].as_str().unwrap_or("-")
    );
    if answer["unread"] == true {
        let _ = writeln!(out, "{:<14} damaged: it can't be read back", "payload");
    }
    if answer["withheld"] == true {
        let _ =
            writeln!(out, "{:<14} withheld: your role sees metadata, or nothing else is stored", "payload");
    }
    for part in answer["payload"].as_array().into_iter().flatten() {
        let _ = writeln!(
            out,
            "--- {}\n{}",
            part["part"].as_str().unwrap_or("-"),
            part["text"].as_str().unwrap_or("").replace('\r', "\n")
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_of_the_tail_is_no_record() {
        let told = gap(r#"{"gap":{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T00:01:00Z"}}"#);
        assert!(told.is_some_and(|told| told.contains("00:01:00")));
        assert_eq!(gap(r#"{"id":"x","gap":1}"#), None);
    }

    #[test]
    fn a_record_tells_what_was_found_and_what_stayed_unread() {
        let record = serde_json::json!({
            "id": "r-1",
            "found": [{"rule": "text.ssn", "kind": "ssn", "count": 2, "points": 100}],
            "uninspected": ["opaque_type"],
        });
        let text = shown(&serde_json::json!({"record": record, "view": "metadata", "withheld": true}));
        for line in [
            "found          text.ssn ssn x2 (100 points)",
            "uninspected    opaque_type",
            "payload        withheld",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }

    #[test]
    fn lines_come_out_whole_wherever_their_pieces_end() {
        let text = "{\"city\":\"Zürich — 東京\"}\r\n\ndata: {}\n{\"rest\"";
        for first in 0..=text.len() {
            for second in first..=text.len() {
                let (mut lines, mut told) = (Lines::default(), Vec::new());
                let bytes = text.as_bytes();
                for piece in [&bytes[..first], &bytes[first..second], &bytes[second..]] {
                    lines.take(piece, &mut |line| told.push(line.to_owned())).expect("UTF-8");
                }
                assert_eq!(told, ["{\"city\":\"Zürich — 東京\"}", "", "data: {}"], "{first} {second}");
            }
        }
        assert!(Lines::default().take(b"\xff\n", &mut |_| {}).is_err());
    }

    #[test]
    fn the_end_of_an_export_is_no_record() {
        let end = export_end(r#"{"export":{"gone":1,"next":null,"records":2}}"#).expect("an end");
        assert_eq!((end["gone"].as_u64(), end["records"].as_u64()), (Some(1), Some(2)));
        assert!(export_end(r#"{"payload":null,"record":{"export":1}}"#).is_none());
    }
}
