//! `phigate run`: the gateway, from a configuration file or in front of one upstream.

use super::check::EX_CONFIG;
use super::out;
use crate::config::Config;
use crate::durable::Why;
use crate::listen::{Limits, Predecessor, activated};
use crate::org::Flag;
use crate::run::{Manager, RunError, Running, files_of, handover_path, missing};
use crate::telemetry::log::{self, LogFormat};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What `phigate run` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The configuration file; read again on SIGHUP, and when it or a certificate changes.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["upstream", "environment"], required_unless_present = "upstream")]
    config: Option<PathBuf>,
    /// Guard this one upstream, without a configuration file.
    #[arg(long, value_name = "URL", requires = "environment")]
    upstream: Option<String>,
    /// The environment that the upstream belongs to.
    #[arg(long, value_name = "FLAG")]
    environment: Option<EnvironmentFlag>,
    /// Where to listen, without a configuration file.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8090", conflicts_with = "config")]
    listen: SocketAddr,
    /// Where records and keys are kept, without a configuration file.
    #[arg(long, value_name = "FOLDER", default_value = "phigate-data", conflicts_with = "config")]
    data: PathBuf,
    /// A rules file, or a folder of them, without a configuration file. May be given again.
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    rules: Vec<PathBuf>,
    /// Take the listening sockets over from the process that runs on the same data folder, if one does: it drains once
    /// this one serves, and no connection is refused or reset between.
    #[arg(long)]
    take_over: bool,
    /// How log lines look.
    #[arg(long, default_value = "json")]
    log: LogFormat,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum EnvironmentFlag {
    Development,
    Staging,
    Production,
}

/// Runs it until SIGTERM or SIGINT. Exit code 0: stopped as told, 78: configuration, 74: no space, 1: could not start.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    // Before there are other threads.
    let given = activated();
    log::start(args.log, "info");
    // Before it is read: what changes from then on is taken over later.
    let file = args.config.as_deref().map(stamp);
    let config = match load(args) {
        Ok(config) => config,
        Err(problems) => {
            for problem in problems {
                out::complain(problem);
            }
            return ExitCode::from(EX_CONFIG);
        }
    };
    let stamps: Vec<Stamp> = file.into_iter().chain(files_of(&config).into_iter().map(stamp)).collect();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::complain(format!("phigate run: no runtime: {}", error.kind()));
            return ExitCode::FAILURE;
        }
    };
    // Before anything listens: a signal that comes sooner would end the process by itself.
    let Some(signals) = runtime.block_on(async { Signals::new() }) else {
        out::complain("phigate run: signals can't be handled");
        return ExitCode::FAILURE;
    };
    let connections_max = config.limits.connections_max;
    let have = descriptors();
    let needed = Limits::files_needed(config.threads_used(), config.listeners.len());
    if let Some(have) = have.filter(|have| *have < needed) {
        out::complain(format!(
            "phigate run: the system gives {have} open files (ulimit -n, LimitNOFILE=), and {needed} are needed at least"
        ));
        return ExitCode::FAILURE;
    }
    let taken = config.limits.connections_within(have);
    if taken < connections_max {
        tracing::warn!(
            have,
            connections_max,
            taken,
            "The system gives too few open files for connections_max: so many are taken, and further ones turned away."
        );
    }
    let before = match args.take_over.then(|| Predecessor::ask(&handover_path(&config.data_dir))) {
        None => None,
        Some(Ok(before)) => before,
        Some(Err(error)) => {
            let kind = error.kind();
            out::complain(format!(
                "phigate run: the process that runs doesn't hand over its sockets: {kind}"
            ));
            return ExitCode::FAILURE;
        }
    };
    let given = match given {
        Ok(given) => given,
        Err(error) => {
            out::complain(format!("phigate run: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let (asked, manager, took_over) = (config.clone(), Manager::of_environment(), before.is_some());
    let running = match Running::start_on(config, before, given) {
        Ok(running) => running,
        // Of files and secrets all that are missing are told, not the first alone.
        Err(error) if error.is_of_the_configuration() => {
            let mut problems = missing(&asked, true);
            if problems.is_empty() {
                problems.push(error.to_string());
            }
            let file = args.config.as_ref().map(|file| format!("{}: ", file.display())).unwrap_or_default();
            problems.iter().for_each(|problem| out::complain(format!("phigate run: {file}{problem}")));
            return ExitCode::from(EX_CONFIG);
        }
        Err(RunError::Rules(problems)) => {
            problems.iter().for_each(out::complain);
            return ExitCode::from(EX_CONFIG);
        }
        Err(error) if error.is_no_space() => {
            let folder = asked.data_dir.display();
            out::complain(format!(
                "phigate run: no space in {folder}, or a limit on file sizes there: {error}. What judges is written into its audit first: nothing starts without"
            ));
            return ExitCode::from(EX_IOERR);
        }
        Err(error) => {
            out::complain(format!("phigate run: {error}"));
            return ExitCode::FAILURE;
        }
    };
    for (listener, address) in running.addresses() {
        tracing::info!(listener = &**listener, address = %address, "Listening.");
    }
    tracing::info!(address = %running.admin_address(), "The admin side listens.");
    manager.ready(took_over);
    let files = Files::started_from(stamps);
    runtime.block_on(watch(running, signals, args.config.as_deref(), files, &manager))
}

fn load(args: &Args) -> Result<Config, Vec<String>> {
    let told = |name: String| {
        move |problems: Vec<crate::config::Problem>| {
            problems.iter().map(|p| format!("{name}: {p}")).collect::<Vec<_>>()
        }
    };
    match (&args.config, &args.upstream, args.environment) {
        (Some(file), ..) => {
            let text = std::fs::read_to_string(file)
                .map_err(|e| vec![format!("{}: {}", file.display(), Why(e.kind()))])?;
            let config = Config::parse(&text).map_err(told(file.display().to_string()))?;
            Ok(config.beside(file))
        }
        (None, Some(upstream), Some(flag)) => {
            let flag = match flag {
                EnvironmentFlag::Development => Flag::Development,
                EnvironmentFlag::Staging => Flag::Staging,
                EnvironmentFlag::Production => Flag::Production,
            };
            let config = Config::sidecar(upstream, flag, args.listen, args.data.clone())
                .map_err(told("--upstream, --listen".to_owned()))?;
            Ok(Config { rules: args.rules.clone(), ..config })
        }
        _ => Err(vec!["phigate run: --config FILE, or --upstream URL with --environment".to_owned()]),
    }
}

/// What the process is told from outside.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    /// `None` where the system doesn't let them be handled.
    fn new() -> Option<Self> {
        let handler = |kind| signal(kind).ok();
        // Handled once, it is for good: a write beyond the limit on file sizes fails as one on a full disk does, and doesn't end
        // the process.
        drop(handler(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?);
        Some(Self {
            term: handler(SignalKind::terminate())?,
            int: handler(SignalKind::interrupt())?,
            hup: handler(SignalKind::hangup())?,
        })
    }
}

/// Signals, and new keys, until told to stop.
async fn watch(
    mut running: Running,
    mut signals: Signals,
    file: Option<&Path>,
    mut files: Files,
    manager: &Manager,
) -> ExitCode {
    let mut keys = tokio::time::interval(KEYS_EVERY);
    let mut looks = tokio::time::interval(FILES_EVERY);
    let mut around = tokio::time::interval(AROUND_EVERY);
    let watchdog = manager.watchdog().map(|longest| longest / 2);
    let mut pulse = tokio::time::interval(watchdog.unwrap_or(AROUND_EVERY).max(Duration::from_millis(1)));
    loop {
        tokio::select! {
            () = running.released() => {
                // The service goes on: its manager isn't told that it stops.
                tracing::info!("Another process serves in place of this one.");
                return drained(running);
            }
            _ = around.tick() => running.look_around(),
            _ = pulse.tick() => tell_alive(&running, watchdog, manager),
            _ = signals.term.recv() => break,
            _ = signals.int.recv() => break,
            _ = signals.hup.recv() => {
                // Whatever becomes of the configuration: it may have been moved away.
                running.reopen_access_log();
                let before = Files::of(&running, file);
                manager.reloading();
                reload(&running, file);
                manager.ready(false);
                files = before.taken_over(&running, file);
            }
            _ = keys.tick() => running.refresh_keys(),
            _ = looks.tick() => {
                let now = Files::of(&running, file);
                // Twice the same: whoever writes them is done.
                if files.settled(&now) {
                    reload(&running, file);
                    files = now.taken_over(&running, file);
                }
            }
        }
    }
    manager.stopping();
    drained(running)
}

/// Tells the manager that the process does its work, where its data threads do: whose answer is late, it isn't told.
fn tell_alive(running: &Running, watchdog: Option<Duration>, manager: &Manager) {
    let owed = running.owed();
    if owed > STUCK_SAID_FROM {
        tracing::error!(
            seconds = owed.as_secs(),
            "A data thread takes no turns: what is connected to it waits."
        );
    }
    if watchdog.is_some_and(|every| owed <= every) {
        manager.alive();
    }
}

fn drained(running: Running) -> ExitCode {
    tracing::info!("Draining.");
    let cut = running.stop();
    tracing::info!(connections_cut = cut, "Stopped.");
    ExitCode::SUCCESS
}

/// What the files that the configuration is read from look like: looked at, since links that are switched (as mounted
/// secrets are) give a watcher nothing to see.
struct Files {
    taken: Vec<Stamp>,
    last: Vec<Stamp>,
}

/// Path, change time, length and number of a file; `None` where it is absent.
type Stamp = (PathBuf, Option<(std::time::SystemTime, u64, u64)>);

fn stamp(path: impl Into<PathBuf>) -> Stamp {
    let path = path.into();
    let found = std::fs::metadata(&path).ok();
    let seen = found.and_then(|f| Some((f.modified().ok()?, f.len(), f.ino())));
    (path, seen)
}

impl Files {
    /// Those of a start, as they were before they were read.
    fn started_from(stamps: Vec<Stamp>) -> Self {
        Self { taken: stamps.clone(), last: stamps }
    }

    fn of(running: &Running, file: Option<&Path>) -> Self {
        let paths = file.map(Path::to_owned).into_iter().chain(running.files());
        Self::started_from(paths.map(stamp).collect())
    }

    /// What was taken over, where this was seen before: a change since then is still to be seen.
    fn taken_over(self, running: &Running, file: Option<&Path>) -> Self {
        let mut now = Self::of(running, file);
        for (path, stamp) in &mut now.taken {
            if let Some((_, before)) = self.taken.iter().find(|(other, _)| other == path) {
                *stamp = *before;
            }
        }
        now
    }

    /// Whether they differ from what was taken over, and have not changed since the last look.
    fn settled(&mut self, now: &Self) -> bool {
        let is_still = self.last == now.taken;
        self.last.clone_from(&now.taken);
        is_still && self.taken != now.taken
    }
}

fn reload(running: &Running, file: Option<&Path>) {
    let Some(file) = file else {
        tracing::warn!("SIGHUP: there is no configuration file to read again.");
        return;
    };
    let result = std::fs::read_to_string(file)
        .map_err(|e| {
            running.missed_reload();
            vec![format!("the file can't be read: {}", Why(e.kind()))]
        })
        .and_then(|text| running.reload(&text));
    match result {
        Ok(()) => tracing::info!(file = %file.display(), "The configuration was read again."),
        Err(problems) => {
            for problem in problems {
                let file = file.display();
                tracing::error!(file = %file, problem, "The configuration isn't taken over; the old one stays.");
            }
        }
    }
}

/// Open files that the process may have, after asking for as many as there are: the usual soft limit of 1024 is far
/// under `connections_max`. `None` for no limit.
fn descriptors() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok() { maximum } else { current }
}

/// No core files, and no debugger of the same user: memory holds payload. What the process makes on disk is its user's
/// alone: records are PHI, tokens or not.
pub fn harden() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let core = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    let dumpable = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
    if core.is_err() || dumpable.is_err() {
        out::complain("phigate: core files can't be switched off here");
    }
}

/// sysexits.h: an error occurred while doing I/O on some file.
const EX_IOERR: u8 = 74;
/// How often it is looked whether another process listens on our ports, and whom rates may forget.
const AROUND_EVERY: Duration = Duration::from_secs(10);
/// How long a data thread may be at one piece of work before it is said.
const STUCK_SAID_FROM: Duration = Duration::from_secs(5);
/// How often keys that a command made are looked for.
const KEYS_EVERY: Duration = Duration::from_millis(250);
/// How often the configuration file, certificates and keys are looked at.
const FILES_EVERY: Duration = Duration::from_millis(1000);
