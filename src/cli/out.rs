//! What commands print: to standard output, colour only on a terminal that wants it.

use std::io::{self, IsTerminal, Write};

/// Writes one line; a closed pipe ends the program quietly, as `head` expects.
pub fn line(text: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    if out.write_all(text.as_ref().as_bytes()).and_then(|()| out.write_all(b"\n")).is_err() {
        std::process::exit(0);
    }
}

/// Writes one line to standard error.
pub fn complain(text: impl AsRef<str>) {
    // Nobody is left to be told.
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Colours of a terminal, or none.
#[derive(Debug, Clone, Copy)]
pub struct Paint(bool);

impl Paint {
    /// Colours where standard output is a terminal and `NO_COLOR` isn't set.
    #[must_use]
    pub fn of_stdout() -> Self {
        Self(io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
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
