//! Commands: one file each.

mod api;
pub mod assets;
pub mod audit;
pub mod backup;
mod call;
pub mod check;
pub mod demo;
pub mod explain;
pub mod fingerprints;
pub mod glass;
pub mod keys;
pub mod names;
pub mod org;
pub mod out;
pub mod records;
pub mod registry;
pub mod rules;
pub mod run;
pub mod scan;
pub mod secrets;
pub mod sign_in;
pub mod suppressions;
mod table;
pub mod test;
pub mod tokens;

use std::process::ExitCode;

/// A gateway that keeps an organization's environments apart, and likely PHI out of development and staging.
#[derive(Debug, clap::Parser)]
#[command(name = "phigate", version, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// A tour of what it does: no configuration, no other service.
    Demo(demo::Args),
    /// Run the gateway: from a configuration file, or in front of one upstream.
    Run(run::Args),
    /// Tell every problem of a configuration file.
    Check(check::Args),
    /// Tell what would be found and decided in files, without a server.
    Scan(scan::Args),
    /// Tell why files are judged as they are: person by person, field, points, and what was not counted.
    Explain(explain::Args),
    /// Run the cases of the rules, and a folder of your own.
    Test(test::Args),
    /// Make, list and revoke API keys of callers.
    Keys(keys::Args),
    /// Make, list and revoke tokens of readers.
    Tokens(tokens::Args),
    /// Keep the registry of test people: who may be sent into development and staging.
    Registry(registry::Args),
    /// Take fingerprints of the people that production sees to development and staging.
    Fingerprints(fingerprints::Args),
    /// Environments, members and their roles, through the admin API.
    Org(org::Args),
    /// Sign in by the organization's provider, and print your token.
    SignIn(sign_in::Args),
    /// Connections, rules and redaction profiles of environments, with their versions, through the admin API.
    Assets(assets::Args),
    /// Bring a staging asset to production: one proposes, another approves.
    Promote(assets::PromoteArgs),
    /// Accept false positives of a rule for a while: one asks, another approves.
    Suppressions(suppressions::Args),
    /// Rotate the keys that stand beside the data folder.
    Secrets(secrets::Args),
    /// Verify and export the audit of what people did.
    Audit(audit::Args),
    /// Read records through the admin API, as your role allows.
    Records(records::Args),
    /// Show sealed originals to whoever says why: a field at a time, told to others, reviewed.
    BreakGlass(glass::Args),
    /// Write a backup of the data folder, without its keys.
    Backup(backup::BackupArgs),
    /// Make a data folder from a backup.
    Restore(backup::RestoreArgs),
}

/// Runs a command.
#[must_use]
pub fn run(cli: &Cli) -> ExitCode {
    match &cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::run(args),
        Command::Scan(args) => scan::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Test(args) => test::run(args),
        Command::Keys(args) => keys::run(args),
        Command::Tokens(args) => tokens::run(args),
        Command::Registry(args) => registry::run(args),
        Command::Backup(args) => backup::run(args),
        Command::Restore(args) => backup::run_restore(args),
        Command::Fingerprints(args) => fingerprints::run(args),
        Command::Org(args) => org::run(args),
        Command::SignIn(args) => sign_in::run(args),
        Command::Assets(args) => assets::run(args),
        Command::Promote(args) => assets::run_promote(args),
        Command::Suppressions(args) => suppressions::run(args),
        Command::Secrets(args) => secrets::run(args),
        Command::Audit(args) => audit::run(args),
        Command::Records(args) => records::run(args),
        Command::BreakGlass(args) => glass::run(args),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_can_be_read() {
        super::Cli::command().debug_assert();
    }
}
