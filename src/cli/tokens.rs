//! `phigate tokens`: tokens of people who read records.

use super::keys::{audited, checked, done, finish, now, open, revoke, state, there};
use super::names::{AgainstConfig, OfConfig};
use super::out;
use crate::org::UNRESOLVED;
use crate::store::{Fresh, NewToken};
use std::path::PathBuf;
use std::process::ExitCode;

/// What `phigate tokens` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's data folder (`data_dir`): without it that of `--config`, else phigate-data.
    #[arg(long, value_name = "FOLDER", global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token, and print it: it is shown once. Use it as PHIGATE_TOKEN.
    Create {
        /// The reader's name, as the audit shows it.
        #[arg(long)]
        name: String,
        /// An environment and the role in it, like `staging:engineer`; may be given for several environments. Roles:
        /// viewer, support, engineer, security, auditor, and those of the configuration.
        #[arg(long, value_name = "ENVIRONMENT:ROLE", required = true)]
        environment: Vec<String>,
        /// Days until it expires; without it, never.
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_days: Option<u32>,
        #[command(flatten)]
        against: AgainstConfig,
    },
    /// List tokens: never the token itself.
    List {
        #[command(flatten)]
        of: OfConfig,
    },
    /// Revoke a token by its id.
    Revoke {
        /// The token's id: what stands between the first two `_` of it.
        id: String,
        #[command(flatten)]
        of: OfConfig,
    },
}

/// Runs it. Exit code 0: done, 1: no such token, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    let run = || -> Result<ExitCode, String> {
        let names = match &args.command {
            Command::Create { against, .. } => against.names()?,
            Command::List { of } | Command::Revoke { of, .. } => of.names()?,
        };
        let data = &names.data(args.data.as_deref());
        if !matches!(args.command, Command::Create { .. }) {
            there(data)?;
        }
        let control = open(data)?;
        let now = now();
        match &args.command {
            Command::Create { name, environment, expires_days, .. } => {
                let name = checked(name)?;
                let mut roles: Vec<(String, String)> = Vec::new();
                for pair in environment {
                    let (environment, role) =
                        pair.split_once(':').ok_or("--environment wants ENVIRONMENT:ROLE")?;
                    let role = checked(role)?;
                    // Records of messages that never got an environment have readers, too.
                    if checked(environment)? != UNRESOLVED {
                        names.environment(environment)?;
                    }
                    names.role(role)?;
                    if roles.iter().any(|(e, _)| e == environment) {
                        return Err("one role for each environment".to_owned());
                    }
                    roles.push((checked(environment)?.to_owned(), role.to_owned()));
                }
                let expires = expires_days.map(|days| now + i64::from(days) * 86_400);
                let fresh = Fresh::token().map_err(|e| e.to_string())?;
                let id = fresh.id().to_owned();
                audited(data, "create_token", "", &id)?;
                let new = NewToken { name, roles: &roles, expires, ..NewToken::default() };
                let made = control.keep_token(fresh, &new, now);
                let token = done(data, ("create_token", "", &id), made)?;
                out::complain(format!("Token {id} of {name}. It is shown this once."));
                out::line(token);
            }
            Command::List { .. } => {
                for token in control.tokens().map_err(|e| e.to_string())? {
                    let roles: Vec<String> = token.roles.iter().map(|(e, r)| format!("{e}:{r}")).collect();
                    let state = state(token.revoked, token.expires, now);
                    out::line(format!("{}  {:<20} {:<40} {state}", token.id, token.name, roles.join(" ")));
                }
            }
            Command::Revoke { id, .. } => return revoke(&control, data, id, now),
        }
        Ok(ExitCode::SUCCESS)
    };
    finish("tokens", run())
}
