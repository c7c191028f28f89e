//! What commands print: to standard output, colour only on a terminal that wants it.

use std::io::{self, IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Writes one line. Where nobody reads any more, as behind `head`, it is left out, and the command goes on to its verdict;
/// where it can't be written, the program ends with exit code 2: what was asked for isn't there.
pub fn line(text: impl AsRef<str>) {
    if IS_UNREAD.load(Relaxed) {
        return;
    }
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_ref().as_bytes()).and_then(|()| out.write_all(b"\n"));
    match written.map_err(|error| error.kind()) {
        Ok(()) => {}
        Err(io::ErrorKind::BrokenPipe) => IS_UNREAD.store(true, Relaxed),
        Err(kind) => {
            complain(format!("phigate: standard output can't be written: {kind}"));
            std::process::exit(2);
        }
    }
}

/// Writes one line of what a gateway streams, which has no verdict at its end: where nobody reads any more, the program ends
/// quietly, and asks for no more.
pub fn stream_line(text: impl AsRef<str>) {
    line(text);
    if IS_UNREAD.load(Relaxed) {
        std::process::exit(0);
    }
}

/// Writes one line to standard error.
pub fn complain(text: impl AsRef<str>) {
    // Nobody is left to be told.
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Standard output through a pager, where that is a terminal and `PAGER` isn't empty or `cat`; until it is dropped.
pub struct Pager {
    child: Child,
    terminal: OwnedFd,
}

impl Pager {
    /// Starts `PAGER`, or less, which shows what fits on a screen at once. `None` where there is nothing to page for, or
    /// no such program.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !io::stdout().is_terminal() {
            return None;
        }
        // Colours are the terminal's to want: what stands between is none.
        let _ = WANTS_COLOURS.set(std::env::var_os("NO_COLOR").is_none());
        let words = std::env::var("PAGER").unwrap_or_else(|_| "less".to_owned());
        let mut words = words.split_whitespace();
        let program = words.next().filter(|program| *program != "cat")?;
        let mut command = Command::new(program);
        command.args(words).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            command.env("LESS", "FRX");
        }
        let mut child = command.spawn().ok()?;
        let pipe = child.stdin.take()?;
        let terminal = rustix::io::dup(io::stdout()).ok()?;
        rustix::stdio::dup2_stdout(&pipe).ok()?;
        Some(Self { child, terminal })
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        let _ = io::stdout().flush();
        // The pager sees the end, and whoever reads decides when it is over.
        let _ = rustix::stdio::dup2_stdout(&self.terminal);
        let _ = self.child.wait();
    }
}

/// Whoever read standard output is gone.
static IS_UNREAD: AtomicBool = AtomicBool::new(false);

/// Whether the terminal behind a pager wants colours.
static WANTS_COLOURS: OnceLock<bool> = OnceLock::new();

/// Colours of a terminal, or none.
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// Colours where standard output is a terminal and `NO_COLOR` isn't set.
    #[must_use]
    pub fn of_stdout() -> Self {
        let here = || io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self(WANTS_COLOURS.get().copied().unwrap_or_else(here))
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Refused, failed.
    #[must_use]
    pub fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// Passed, held.
    #[must_use]
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Odd.
    #[must_use]
    pub fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// Headings.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// By the way.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }
}
