//! `phigate assets` and `phigate promote`: connections, rules and redaction profiles of environments, through the admin API.

use super::api::{Answer, Api, ApiArgs, encoded};
use super::keys::{audited, finish, now, open};
use super::out;
use crate::assets::Kind;
use crate::store::assets::{AssetKey, AssetVersion};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate assets` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Assets where your roles show them, and what the configuration file owns.
    List {
        /// One environment.
        #[arg(long)]
        environment: Option<String>,
    },
    /// Print an asset's text.
    Show {
        #[command(flatten)]
        asset: Named,
        /// An older version.
        #[arg(value_name = "VERSION")]
        older: Option<i64>,
    },
    /// The versions of an asset, newest first.
    Versions {
        #[command(flatten)]
        asset: Named,
    },
    /// Make an asset of a file, or a new version of one.
    Put {
        #[command(flatten)]
        asset: Named,
        /// TOML: the keys of a connection but name and environment; a rules file; or caller roles and views.
        file: PathBuf,
        /// A file of its own cases, as `phigate test` reads them: they have to hold where it is promoted.
        #[arg(long, value_name = "FILE")]
        tests: Option<PathBuf>,
        /// A word on it.
        #[arg(long)]
        note: Option<String>,
        /// Tell whether it fits, and change nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Take an asset out; its versions stay.
    Remove {
        #[command(flatten)]
        asset: Named,
    },
    /// Have an older version hold again, as a new version.
    Rollback {
        #[command(flatten)]
        asset: Named,
        /// The older version.
        #[arg(value_name = "VERSION")]
        older: i64,
        /// A word on it.
        #[arg(long)]
        note: Option<String>,
    },
    /// Take an asset out beside a gateway that can't start with it.
    Drop {
        /// The gateway's data folder (`data_dir`).
        #[arg(long, value_name = "FOLDER", default_value = "phigate-data")]
        data: PathBuf,
        #[command(flatten)]
        asset: Named,
    },
}

#[derive(Debug, clap::Args)]
struct Named {
    /// The environment.
    environment: String,
    /// What it is.
    kind: Kind,
    /// Its name.
    name: String,
}

impl Named {
    fn path(&self, what: &str) -> String {
        format!(
            "/v1/assets/{}/{}/{}{what}",
            encoded(&self.environment),
            self.kind.as_str(),
            encoded(&self.name)
        )
    }

    fn key(&self) -> AssetKey {
        let (environment, name) = (self.environment.clone(), self.name.clone());
        AssetKey { kind: self.kind.as_str().to_owned(), environment, name }
    }
}

/// What `phigate promote` takes.
#[derive(Debug, clap::Args)]
pub struct PromoteArgs {
    #[command(flatten)]
    api: ApiArgs,
    #[command(subcommand)]
    command: PromoteCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PromoteCommand {
    /// Propose to promote a staging asset's newest version to production.
    Propose {
        /// What it is.
        kind: Kind,
        /// Its name in staging.
        name: String,
        /// The staging environment.
        #[arg(long)]
        from: String,
        /// The production environment.
        #[arg(long)]
        to: String,
        /// Its name there; the same without it.
        #[arg(long = "as", value_name = "NAME")]
        to_name: Option<String>,
        /// A connection's upstream there.
        #[arg(long, value_name = "URL")]
        upstream: Option<String>,
        /// Why; kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// Promotions into production environments that you promote into or audit.
    List,
    /// Print the text that a promotion brings.
    Show {
        /// Its id.
        id: String,
    },
    /// Approve what somebody else proposed.
    Approve {
        /// Its id.
        id: String,
    },
    /// Decline a promotion, or withdraw your own.
    Decline {
        /// Its id.
        id: String,
    },
}

/// Runs `phigate assets`. Exit code 0: done, 1: refused, not there or not fit, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        if let Command::Drop { data, asset } = &args.command {
            return dropped(data, &asset.key());
        }
        let answer = asked(&Api::new(&args.api.admin)?, &args.command)?;
        Ok(answer.told(args.api.json, |value| print(&args.command, value)))
    };
    finish("assets", run())
}

/// Runs `phigate promote`. Exit codes as above.
#[must_use]
pub fn run_promote(args: &PromoteArgs) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let answer = asked_to_promote(&Api::new(&args.api.admin)?, &args.command)?;
        Ok(answer.told(args.api.json, |value| print_promotion(&args.command, value)))
    };
    finish("promote", run())
}

fn asked(api: &Api, command: &Command) -> Result<Answer, String> {
    match command {
        Command::List { environment } => {
            let query = environment.as_ref().map(|e| format!("?environment={}", encoded(e)));
            api.get(&format!("/v1/assets{}", query.unwrap_or_default()))
        }
        Command::Show { asset, older: Some(older) } => api.get(&asset.path(&format!("/versions/{older}"))),
        Command::Show { asset, older: None } | Command::Versions { asset } => api.get(&asset.path("")),
        Command::Put { asset, file, tests, note, dry_run } => {
            let tests = tests.as_deref().map(read).transpose()?;
            let body = json!({"text": read(file)?, "tests": tests, "note": note});
            let now = api.get(&asset.path(""))?;
            match now.status {
                200 | 404 if *dry_run => api.ask("PUT", &asset.path("?dry_run=true"), Some(&body), None),
                404 => api.make("PUT", &asset.path(""), &body),
                200 => api.ask("PUT", &asset.path(""), Some(&body), now.etag.as_deref()),
                _ => Ok(now),
            }
        }
        Command::Remove { asset } => {
            let now = api.get(&asset.path(""))?;
            if now.status != 200 {
                return Ok(now);
            }
            api.ask("DELETE", &asset.path(""), None, now.etag.as_deref())
        }
        Command::Rollback { asset, older, note } => {
            let now = api.get(&asset.path(""))?;
            if now.status != 200 {
                return Ok(now);
            }
            let body = json!({"version": older, "note": note});
            api.ask("POST", &asset.path("/rollback"), Some(&body), now.etag.as_deref())
        }
        Command::Drop { .. } => Err("asked of no gateway".to_owned()),
    }
}

fn asked_to_promote(api: &Api, command: &PromoteCommand) -> Result<Answer, String> {
    let of = |id: &str, what: &str| format!("/v1/promotions/{}{what}", encoded(id));
    match command {
        PromoteCommand::Propose { kind, name, from, to, to_name, upstream, reason } => {
            let body = json!({
                "kind": kind.as_str(), "name": name, "from": from, "to": to, "as": to_name, "upstream": upstream,
                "reason": reason,
            });
            api.ask("POST", "/v1/promotions", Some(&body), None)
        }
        PromoteCommand::List => api.get("/v1/promotions"),
        PromoteCommand::Show { id } => api.get(&of(id, "")),
        PromoteCommand::Approve { id } => api.ask("POST", &of(id, "/approve"), None, None),
        PromoteCommand::Decline { id } => api.ask("DELETE", &of(id, ""), None, None),
    }
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|e| format!("{}: {}", file.display(), e.kind()))
}

/// Takes an asset out of the control file itself.
fn dropped(data: &Path, key: &AssetKey) -> Result<ExitCode, String> {
    let control = open(data)?;
    let versions = control.asset(key).map_err(|e| e.to_string())?;
    let Some(newest) = versions.into_iter().next().filter(|newest| newest.text.is_some()) else {
        out::complain("There is no such asset.");
        return Ok(ExitCode::from(1));
    };
    audited(data, "remove_asset", &key.environment, &format!("{} {}", key.kind, key.name))?;
    let (note, by) = ("dropped".to_owned(), "command line".to_owned());
    let removed = AssetVersion { text: None, note, by, at: now(), ..newest };
    match control.make_asset(&removed).map_err(|e| e.to_string())? {
        true => out::complain("Taken out. Its versions stay."),
        false => return Err("somebody changed it at the same time".to_owned()),
    }
    Ok(ExitCode::SUCCESS)
}

fn print(command: &Command, value: &Value) {
    match command {
        Command::List { .. } => value["assets"].as_array().into_iter().flatten().for_each(line),
        Command::Versions { .. } => value["versions"].as_array().into_iter().flatten().for_each(line),
        Command::Show { .. } => out::line(value["text"].as_str().unwrap_or_default()),
        Command::Put { dry_run: true, .. } => out::complain("It fits. Nothing was changed."),
        Command::Put { .. } | Command::Remove { .. } | Command::Rollback { .. } | Command::Drop { .. } => {
            out::complain(format!("Version {}. It holds within a second.", value["version"]));
        }
    }
}

fn line(asset: &Value) {
    let text = |key: &str| asset[key].as_str().unwrap_or("-").to_owned();
    let state = match () {
        () if asset["owner"] == "file" => "the configuration file's".to_owned(),
        () if asset["removed"] == true => format!("version {} (removed)", asset["version"]),
        () => format!("version {}", asset["version"]),
    };
    let from = &asset["promoted_from"];
    let from = match from {
        Value::Null => String::new(),
        from => format!(
            "  from {} version {}{}",
            from["environment"].as_str().unwrap_or("-"),
            from["version"],
            if asset["out_of_date"] == true { ", out of date" } else { "" }
        ),
    };
    out::line(format!(
        "{:<12} {:<16} {:<24} {state}{from}  {}",
        text("kind"),
        text("environment"),
        text("name"),
        asset["note"].as_str().unwrap_or_default()
    ));
}

fn print_promotion(command: &PromoteCommand, value: &Value) {
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or("-").to_owned();
    match command {
        PromoteCommand::Propose { .. } => {
            out::complain("It waits for a second person: phigate promote approve.");
            out::line(text(value, "id"));
        }
        PromoteCommand::List => {
            for p in value["promotions"].as_array().into_iter().flatten() {
                out::line(format!(
                    "{}  {:<9} {:<12} {} {} version {} to {} {}  by {}  {}",
                    text(p, "id"),
                    text(p, "state"),
                    text(p, "kind"),
                    text(&p["from"], "environment"),
                    text(&p["from"], "name"),
                    p["from"]["version"].as_i64().map_or_else(|| "-".to_owned(), |n| n.to_string()),
                    text(&p["to"], "environment"),
                    text(&p["to"], "name"),
                    text(p, "by"),
                    text(p, "reason"),
                ));
            }
        }
        PromoteCommand::Show { .. } => out::line(text(value, "text")),
        PromoteCommand::Approve { .. } => {
            out::complain(format!("Version {} of production. It holds within a second.", value["version"]));
        }
        PromoteCommand::Decline { .. } => out::complain("Declined."),
    }
}
