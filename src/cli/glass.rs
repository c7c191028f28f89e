//! `phigate break-glass`: sealed originals, one field at a time, through the admin API.

use super::api::{Answer, Api, ApiArgs, encoded};
use super::keys::finish;
use super::out;
use serde_json::{Value, json};
use std::process::ExitCode;

/// What `phigate break-glass` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Ask for originals of some records: owners and security are told before it opens.
    Open {
        /// The environment.
        #[arg(long)]
        environment: String,
        /// Why; it may hold no value of the records.
        #[arg(long)]
        reason: String,
        /// Where that is written down.
        #[arg(long)]
        ticket: String,
        /// For how long, 1 to 60.
        #[arg(long, default_value_t = 15)]
        minutes: u32,
        /// Fields at most; without it as many as the configuration allows.
        #[arg(long)]
        reveals: Option<u32>,
        /// Ids of the records, 20 at most.
        #[arg(required = true)]
        records: Vec<String>,
    },
    /// Print one field as it was sent; `phigate records show --json` lists a record's fields.
    Reveal {
        /// The id that `open` gave.
        id: String,
        /// The record's id.
        record: String,
        /// The field: body/12.
        field: String,
    },
    /// End one before its time.
    End {
        /// Its id.
        id: String,
    },
    /// Say of one that is over whether it was right: not one's own.
    Review {
        /// Its id.
        id: String,
        /// justified or not_justified.
        outcome: String,
        /// A word on it.
        #[arg(long)]
        note: Option<String>,
    },
    /// Those that you review, and your own.
    List,
}

/// Runs it. Exit code 0: done, 1: refused or not there, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let answer = asked(&Api::new(&args.api.admin)?, &args.command)?;
        Ok(answer.told(args.api.json, |value| print(&args.command, value)))
    };
    finish("break-glass", run())
}

fn asked(api: &Api, command: &Command) -> Result<Answer, String> {
    let of = |id: &str, what: &str| format!("/v1/break-glass/{}{what}", encoded(id));
    match command {
        Command::Open { environment, reason, ticket, minutes, reveals, records } => {
            let body = json!({
                "environment": environment, "reason": reason, "ticket": ticket, "minutes": minutes, "reveals": reveals,
                "records": records,
            });
            api.ask("POST", "/v1/break-glass", Some(&body), None)
        }
        Command::Reveal { id, record, field } => {
            api.ask("POST", &of(id, "/reveals"), Some(&json!({"record": record, "field": field})), None)
        }
        Command::End { id } => api.ask("DELETE", &of(id, ""), None, None),
        Command::Review { id, outcome, note } => {
            api.ask("POST", &of(id, "/review"), Some(&json!({"outcome": outcome, "note": note})), None)
        }
        Command::List => api.get("/v1/break-glass"),
    }
}

fn print(command: &Command, value: &Value) {
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or("-").to_owned();
    match command {
        Command::Open { .. } => {
            out::complain(format!("Open until {}. Somebody else has to review it.", text(value, "ends")));
            out::line(text(value, "id"));
        }
        Command::Reveal { .. } => out::line(text(value, "value")),
        Command::End { .. } => out::complain("Over."),
        Command::Review { .. } => out::complain("Reviewed."),
        Command::List => {
            for glass in value["break_glass"].as_array().into_iter().flatten() {
                let review = match &glass["review"] {
                    Value::Null => "not reviewed".to_owned(),
                    review => format!("{} by {}", text(review, "outcome"), text(review, "by")),
                };
                out::line(format!(
                    "{}  {}  {:<12} {:<8} {:<16} {}/{} fields  {}  {review}",
                    text(glass, "id"),
                    text(glass, "opened"),
                    text(glass, "environment"),
                    text(glass, "state"),
                    text(glass, "member"),
                    glass["reveals"],
                    glass["reveals_max"],
                    text(glass, "ticket"),
                ));
            }
        }
    }
}
