//! `phigate org`: environments, members, roles and their tokens, through the admin API; and the first owner, made beside
//! the data folder.

use super::api::{ADMIN, Answer, Api, ApiArgs, encoded};
use super::keys::{audited, checked, done, finish, now, open};
use super::out;
use crate::store::{Fresh, NewToken};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate org` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make the first owner, and print its token: only where there is no member yet.
    Init {
        /// The gateway's data folder (`data_dir`): phigate-data by default. No gateway is asked.
        #[arg(long, value_name = "FOLDER")]
        data: Option<PathBuf>,
        /// The owner's name.
        #[arg(long)]
        owner: String,
    },
    /// Who you are, and what your roles allow.
    Me,
    /// The environments in which you have a role.
    Environments,
    /// All members.
    Members,
    /// Make a member without any role in an environment.
    Add {
        /// The name, as the audit shows it.
        name: String,
        /// owner, admin or member.
        #[arg(long, default_value = "member")]
        role: String,
    },
    /// Give a member a role in an environment.
    Assign {
        /// The member's name or id.
        member: String,
        /// The environment.
        environment: String,
        /// The role.
        role: String,
        /// Tell what would be gained and lost, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Take a member's role in an environment.
    Unassign {
        /// The member's name or id.
        member: String,
        /// The environment.
        environment: String,
        /// Tell what would be lost, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Give a member another role in the organization.
    Role {
        /// The member's name or id.
        member: String,
        /// owner, admin or member.
        role: String,
        /// Tell what would be gained and lost, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove a member, and revoke its tokens.
    Remove {
        /// The member's name or id.
        member: String,
    },
    /// Make a token of a member, and print it: it is shown once.
    Token {
        /// The member's name or id.
        member: String,
        /// Days until it expires; without it, never.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_days: Option<u32>,
    },
    /// Whether the originals of a production connection's messages are sealed beside its records; without a change, list them.
    Seal {
        /// The connection.
        connection: Option<String>,
        /// Have them sealed from now on, or not any more. An owner's to decide.
        #[arg(requires = "reason")]
        state: Option<Switch>,
        /// Why; kept in the audit.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Put a new token in the place of yours, and print it; the old one holds for a while.
    Rotate {
        /// Hours that the old one still holds.
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap_hours: u32,
        /// Days until the new one expires; without it, never. Unless you are an owner or admin, it ends with the old one.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_days: Option<u32>,
    },
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Switch {
    /// From now on.
    On,
    /// Not any more.
    Off,
}

/// Runs it. Exit code 0: done, 1: refused or not there, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        if let Command::Init { data, owner } = &args.command {
            if args.api.admin != ADMIN && data.is_none() {
                let told = "init works beside the data folder and asks no gateway: --data FOLDER in the place of --admin";
                return Err(told.to_owned());
            }
            return init(data.as_deref().unwrap_or(Path::new("phigate-data")), owner);
        }
        let api = Api::new(&args.api.admin)?;
        let answer = asked(&api, &args.command)?;
        Ok(answer.told(args.api.json, |value| print(&args.command, value)))
    };
    finish("org", run())
}

fn asked(api: &Api, command: &Command) -> Result<Answer, String> {
    match command {
        Command::Init { .. } | Command::Me => api.get("/v1/me"),
        Command::Environments => api.get("/v1/environments"),
        Command::Members => api.get("/v1/members"),
        Command::Add { name, role } => {
            api.ask("POST", "/v1/members", Some(&json!({"name": name, "role": role})), None)
        }
        Command::Assign { member, environment, role, dry_run } => {
            let path = format!("environments/{}", encoded(environment));
            change(api, "PUT", member, &path, Some(&json!({"role": role})), *dry_run)
        }
        Command::Unassign { member, environment, dry_run } => {
            change(api, "DELETE", member, &format!("environments/{}", encoded(environment)), None, *dry_run)
        }
        Command::Role { member, role, dry_run } => {
            change(api, "PUT", member, "role", Some(&json!({"role": role})), *dry_run)
        }
        Command::Remove { member } => change(api, "DELETE", member, "", None, false),
        Command::Token { member, expires_days } => {
            let id = id(api, member)?;
            let body = json!({"expires_days": expires_days});
            api.ask("POST", &format!("/v1/members/{}/tokens", encoded(&id)), Some(&body), None)
        }
        Command::Seal { connection: None, .. } => api.get("/v1/sealing"),
        Command::Seal { connection: Some(connection), state, reason } => {
            let path = format!("/v1/sealing/{}", encoded(connection));
            let now = api.get(&path)?;
            let Some(state) = state.filter(|_| now.status == 200) else { return Ok(now) };
            let body = json!({"on": state == Switch::On, "reason": reason});
            api.ask("PUT", &path, Some(&body), now.etag.as_deref())
        }
        Command::Rotate { overlap_hours, expires_days } => {
            let body = json!({"overlap_hours": overlap_hours, "expires_days": expires_days});
            api.ask("POST", "/v1/tokens/rotate", Some(&body), None)
        }
    }
}

/// A change of a member as it is now.
fn change(
    api: &Api,
    method: &str,
    member: &str,
    what: &str,
    body: Option<&Value>,
    dry_run: bool,
) -> Result<Answer, String> {
    let id = id(api, member)?;
    let path = format!("/v1/members/{}", encoded(&id));
    let now = api.get(&path)?;
    if now.status != 200 {
        return Ok(now);
    }
    let what = if what.is_empty() { String::new() } else { format!("/{what}") };
    let query = if dry_run { "?dry_run=true" } else { "" };
    api.ask(method, &format!("{path}{what}{query}"), body, now.etag.as_deref())
}

/// The id of a member by its name; what is no name is taken for an id.
fn id(api: &Api, member: &str) -> Result<String, String> {
    // One's own id is known without being allowed to see others.
    for list in [api.get("/v1/members")?.value["members"].clone(), json!([api.get("/v1/me")?.value])] {
        for known in list.as_array().into_iter().flatten() {
            if known["name"] == member {
                let id = known["id"].as_str().or_else(|| known["member"].as_str());
                return Ok(id.unwrap_or(member).to_owned());
            }
        }
    }
    Ok(member.to_owned())
}

fn init(data: &Path, owner: &str) -> Result<ExitCode, String> {
    let owner = checked(owner)?;
    let control = open(data)?;
    if !control.members().map_err(|e| e.to_string())?.is_empty() {
        out::complain("There are members already: an owner or admin makes more (phigate org add).");
        return Ok(ExitCode::from(1));
    }
    // Both events come first, the member by its name as in the admin API: it has no id before.
    let fresh = Fresh::token().map_err(|e| e.to_string())?;
    audited(data, "create_member", "", owner)?;
    audited(data, "create_token", "", fresh.id())?;
    let made = control.create_member(owner, "owner", now());
    let made = done(data, ("create_member", "", owner), made)?;
    let member = made.ok_or("somebody else made the first member at the same time")?;
    let new = NewToken { name: owner, member: Some(&member), ..NewToken::default() };
    let id = fresh.id().to_owned();
    let token = done(data, ("create_token", "", &id), control.keep_token(fresh, &new, now()))?;
    out::complain(format!(
        "{owner} is the owner. An owner has no role in any environment. The token is shown this once."
    ));
    out::line(token);
    Ok(ExitCode::SUCCESS)
}

fn print(command: &Command, value: &Value) {
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or("-").to_owned();
    let list = |v: &Value, key: &str| v[key].as_array().cloned().unwrap_or_default();
    match command {
        Command::Environments => {
            for e in list(value, "environments") {
                out::line(format!("{:<24} {:<12} {}", text(&e, "name"), text(&e, "flag"), text(&e, "role")));
            }
        }
        Command::Members => {
            for m in list(value, "members") {
                let roles: Vec<String> = list(&m, "roles")
                    .iter()
                    .map(|r| format!("{}:{}", text(r, "environment"), text(r, "role")))
                    .collect();
                out::line(format!(
                    "{}  {:<24} {:<8} {}",
                    text(&m, "id"),
                    text(&m, "name"),
                    text(&m, "organization_role"),
                    roles.join(" ")
                ));
            }
        }
        Command::Token { .. } | Command::Rotate { .. } => {
            let end = value["expires"].as_str().map(|at| format!(" It ends at {at}."));
            let end = end.unwrap_or_default();
            let below = if value["production"] == false { " It gives no role in production." } else { "" };
            out::complain(format!("Token {}. It is shown this once.{end}{below}", text(value, "id")));
            out::line(text(value, "token"));
        }
        Command::Seal { connection, .. } => {
            let one = connection.is_some().then(|| value.clone());
            for c in one.into_iter().chain(list(value, "connections")) {
                let state = if c["on"] == true { "on" } else { "off" };
                let set = &c["set"];
                let set = if set.is_null() {
                    String::new()
                } else {
                    format!("by {} at {}", text(set, "by"), text(set, "at"))
                };
                out::line(format!(
                    "{:<24} {:<16} {state:<4} {set}",
                    text(&c, "connection"),
                    text(&c, "environment")
                ));
            }
        }
        Command::Remove { .. } => out::complain("Removed."),
        Command::Add { .. } => out::line(text(value, "id")),
        Command::Assign { .. } | Command::Unassign { .. } | Command::Role { .. } => {
            for (sign, key) in [("+", "gained"), ("-", "lost")] {
                for what in list(&value["change"], key) {
                    out::line(format!("{sign} {}", what.as_str().unwrap_or("-")));
                }
            }
            out::complain(if value["dry_run"] == true { "Nothing was changed." } else { "Done." });
        }
        Command::Me | Command::Init { .. } => {
            out::line(serde_json::to_string_pretty(value).unwrap_or_default());
        }
    }
}
