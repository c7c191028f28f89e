//! Logs: JSON lines or text on standard error. An event is a fixed sentence with fields; none of them is payload.
//!
//! A log that can't be written (its disk is full, its reader is gone) stops nothing: lines are lost, and counted.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
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
    let asked = std::env::var("PHIGATE_LOG").ok().filter(|asked| !asked.is_empty());
    let known = asked.as_deref().filter(|level| LEVELS.contains(level));
    let own = known.unwrap_or(level);
    let filter = EnvFilter::new(format!("off,phigate={own}"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lossy(io::stderr()));
    // What it says of its own errors, it says with a panic where standard error is gone.
    let builder = builder.log_internal_errors(false);
    // A second start, as in tests, keeps the first.
    let is_first = match format {
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init().is_ok(),
        LogFormat::Text => builder.with_target(false).with_ansi(is_colourful()).try_init().is_ok(),
    };
    if is_first {
        let _ = FORMAT.set((own != "off").then_some(format));
        if asked.is_some() && known.is_none() {
            tracing::warn!(level = own, "PHIGATE_LOG is none of error, warn, info, debug, trace and off.");
        }
    }
}

/// Codes of a terminal are for one.
fn is_colourful() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// Lines of the log that could not be written.
#[must_use]
pub fn lost() -> u64 {
    LOST.load(Relaxed)
}

/// A panic tells its place and nothing else: its message could quote what was being handled. It goes to standard error by
/// itself: what is half-way through an event may not begin another one.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let (file, line) = info.location().map_or(("unknown", 0), |at| (at.file(), at.line()));
        let time = crate::clock::rfc3339(crate::clock::unix_ms());
        let told = match FORMAT.get() {
            Some(Some(LogFormat::Json)) => {
                let told = serde_json::json!({"timestamp": time, "level": "ERROR", "message": PANICKED, "file": file, "line": line, "target": module_path!()});
                format!("{told}\n")
            }
            Some(Some(LogFormat::Text)) => format!("{time} ERROR {PANICKED} file={file:?} line={line}\n"),
            // Nothing is to be told.
            Some(None) => return,
            // A command that keeps no log.
            None => format!("phigate: stopped by a fault of its own at {file}:{line}\n"),
        };
        let _ = Lossy(io::stderr()).write_all(told.as_bytes()); // it never fails
    }));
}

/// Takes whole lines, and never fails: one that can't be written is counted.
struct Lossy<W>(W);

impl<W: Write> Write for Lossy<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // Behind a line that broke off the next one begins anew.
        let begun = if IS_TORN.swap(false, Relaxed) { self.0.write_all(b"\n") } else { Ok(()) };
        if begun.and_then(|()| self.0.write_all(line)).is_err() {
            LOST.fetch_add(1, Relaxed);
            IS_TORN.store(true, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush(); // what was lost is counted
        Ok(())
    }
}

static LOST: AtomicU64 = AtomicU64::new(0);
static IS_TORN: AtomicBool = AtomicBool::new(false);
/// Of the log that was started; `None`: it is off.
static FORMAT: OnceLock<Option<LogFormat>> = OnceLock::new();
const PANICKED: &str = "A task panicked; its message isn't shown, it might hold payload.";
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace", "off"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_can_t_be_written_is_counted_and_nobody_fails() {
        /// Takes some bytes, then none.
        struct Full(Vec<u8>, usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let taken = bytes.len().min(self.1);
                self.1 -= taken;
                self.0.extend_from_slice(bytes.get(..taken).unwrap_or_default());
                if taken == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(taken) }
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }
        let before = lost();
        let mut log = Lossy(Full(Vec::new(), 3));
        assert_eq!(log.write(b"one\n").expect("never fails"), 4);
        log.flush().expect("never fails");
        assert!(lost() > before);
        log.0.1 = 100;
        log.write_all(b"two\n").expect("never fails");
        assert_eq!(log.0.0, b"one\ntwo\n", "it begins on a line of its own");
    }
}
