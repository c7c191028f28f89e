//! Logs: JSON lines or text on standard error. An event is a fixed sentence with fields; none of them is payload.

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Starts logging. `PHIGATE_LOG` picks the level (`level` by default) of the gateway's own events; libraries stay at `warn`
/// or above whatever it says, since their debug lines quote what passes through them.
pub fn start(format: LogFormat, level: &str) {
    let own = std::env::var("PHIGATE_LOG").ok();
    let own = own.as_deref().filter(|level| LEVELS.contains(level)).unwrap_or(level);
    let filter = EnvFilter::new(format!("off,phigate={own}"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, as in tests, keeps the first.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => builder.with_target(false).try_init(),
    };
}

/// A panic tells its place and nothing else: its message could quote what was being handled.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("unknown", 0), |at| (at.file(), at.line()));
        tracing::error!(file, line, "A task panicked; its message isn't shown, it might hold payload.");
        if !tracing::dispatcher::has_been_set() {
            // A command that keeps no log.
            let told = format!("phigate: stopped by a fault of its own at {file}:{line}\n");
            let _ = std::io::Write::write_all(&mut std::io::stderr(), told.as_bytes()); // nothing is left to tell then
        }
    }));
}

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace", "off"];
