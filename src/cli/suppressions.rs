//! `phigate suppressions`: false positives that are accepted for a while, through the admin API.

use super::api::{Api, ApiArgs, encoded};
use super::keys::finish;
use super::out;
use serde_json::{Value, json};
use std::process::ExitCode;

/// What `phigate suppressions` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Suppressions where your roles show findings, newest first.
    List {
        /// One environment.
        #[arg(long)]
        environment: Option<String>,
    },
    /// Ask that what a rule finds counts for nothing, for a while.
    Propose {
        /// The environment.
        environment: String,
        /// The rule's id, as refusals and records name it.
        rule: String,
        /// One connection of the environment; all of them without it.
        #[arg(long)]
        connection: Option<String>,
        /// The place, as refusals name it; indices don't matter. Everywhere without it.
        #[arg(long)]
        place: Option<String>,
        /// For so many days, up to 90.
        #[arg(long, default_value_t = 30)]
        days: i64,
        /// Who answers for it; you without it.
        #[arg(long)]
        owner: Option<String>,
        /// Why it is a false positive; kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// Approve what somebody else asked for.
    Approve {
        /// Its id.
        id: String,
    },
    /// End one, or decline or withdraw one that is pending.
    End {
        /// Its id.
        id: String,
    },
}

/// Runs `phigate suppressions`. Exit code 0: done, 1: refused, not there or not fit, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let api = Api::new(&args.api.admin)?;
        let of = |id: &str, what: &str| format!("/v1/suppressions/{}{what}", encoded(id));
        let answer = match &args.command {
            Command::List { environment } => {
                let query = environment.as_ref().map(|e| format!("?environment={}", encoded(e)));
                api.get(&format!("/v1/suppressions{}", query.unwrap_or_default()))
            }
            Command::Propose { environment, rule, connection, place, days, owner, reason } => {
                let body = json!({
                    "environment": environment, "rule": rule, "connection": connection, "place": place, "days": days,
                    "owner": owner, "reason": reason,
                });
                api.ask("POST", "/v1/suppressions", Some(&body), None)
            }
            Command::Approve { id } => api.ask("POST", &of(id, "/approve"), None, None),
            Command::End { id } => api.ask("DELETE", &of(id, ""), None, None),
        }?;
        Ok(answer.told(args.api.json, |value| print(&args.command, value)))
    };
    finish("suppressions", run())
}

fn print(command: &Command, value: &Value) {
    match command {
        Command::List { .. } => value["suppressions"].as_array().into_iter().flatten().for_each(line),
        Command::Propose { .. } => {
            out::complain("It waits for a second person: phigate suppressions approve.");
            out::line(value["id"].as_str().unwrap_or("-"));
        }
        Command::Approve { .. } => out::complain("Approved. It holds within a second."),
        Command::End { .. } => out::complain("Ended. Its findings count again within a second."),
    }
}

fn line(one: &Value) {
    let text = |key: &str| one[key].as_str().unwrap_or("-");
    let until = text("until").split('T').next().unwrap_or_default();
    let problem = one["problem"].as_str().map(|problem| format!("  ({problem})")).unwrap_or_default();
    out::line(format!(
        "{}  {:<9} until {until}  {:<12} {:<16} {} at {}  covered {}  owner {}  {}{problem}",
        text("id"),
        text("state"),
        text("environment"),
        text("connection"),
        text("rule"),
        text("place"),
        one["covered"],
        text("owner"),
        text("reason"),
    ));
}
