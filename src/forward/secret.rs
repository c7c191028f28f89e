//! Secrets that an upstream wants: they stand in a file, a variable, or what a command prints; never in the configuration.

use crate::payload::PayloadText;
use http::HeaderValue;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Where a secret stands. The secret itself isn't kept here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// `env:NAME`.
    Variable(String),
    /// `file:PATH`; blanks at its end don't count.
    File(PathBuf),
    /// `command:PROGRAM ARGUMENTS`: run without a shell, its first line of output.
    Command(Vec<String>),
}

/// Why there is no secret. Tells where it should stand, never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The variable isn't set.
    #[error("the variable `{0}` isn't set")]
    Unset(String),
    /// The file can't be read.
    #[error("{path}: {kind}")]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word for why.
        kind: std::io::ErrorKind,
    },
    /// The command can't be run, or fails.
    #[error("the command `{0}` can't be run, or says that it failed")]
    Command(String),
    /// It can't stand in a header.
    #[error("it is empty, or has characters that no header may have")]
    NoHeader,
}

impl Secret {
    /// Reads where it stands; `None` where that is none of the three.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        if rest.trim().is_empty() {
            return None;
        }
        match kind {
            "env" => Some(Self::Variable(rest.to_owned())),
            "file" => Some(Self::File(PathBuf::from(rest))),
            "command" => Some(Self::Command(rest.split_whitespace().map(str::to_owned).collect())),
            _ => None,
        }
    }

    /// The secret, without blanks at its end.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn text(&self) -> Result<PayloadText, SecretError> {
        let text = match self {
            Self::Variable(name) => std::env::var(name).map_err(|_| SecretError::Unset(name.clone()))?,
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|e| SecretError::File { path: path.clone(), kind: e.kind() })?,
            Self::Command(words) => {
                let failed = || SecretError::Command(words.first().cloned().unwrap_or_default());
                let (program, arguments) = words.split_first().ok_or_else(failed)?;
                let mut command = Command::new(program);
                command.args(arguments).stdin(Stdio::null()).stderr(Stdio::null());
                let output = command.output().ok().filter(|output| output.status.success());
                let output = output.and_then(|output| String::from_utf8(output.stdout).ok());
                output.ok_or_else(failed)?.lines().next().unwrap_or_default().to_owned()
            }
        };
        Ok(PayloadText::from(text.trim_end()))
    }

    /// The secret, for a header; marked so that no log shows it.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn header(&self) -> Result<HeaderValue, SecretError> {
        let mut value = HeaderValue::try_from(self.text()?.expose()).map_err(|_| SecretError::NoHeader)?;
        if value.is_empty() {
            return Err(SecretError::NoHeader);
        }
        value.set_sensitive(true);
        Ok(value)
    }

    /// The file that it stands in.
    #[must_use]
    pub fn file(&self) -> Option<&std::path::Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_stands_in_a_file_a_variable_or_what_a_command_prints() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "Bearer made-up\n").unwrap();
        let of = |text: &str| Secret::parse(text).unwrap().header();
        assert_eq!(of(&format!("file:{}", file.display())).unwrap(), "Bearer made-up");
        assert_eq!(of("command:echo Bearer made-up").unwrap(), "Bearer made-up");
        assert_eq!(of("env:PATH").unwrap().to_str().unwrap(), std::env::var("PATH").unwrap());
    }

    #[test]
    fn what_is_missing_is_told_by_where_it_should_stand() {
        let of = |text: &str| Secret::parse(text).unwrap().header().unwrap_err();
        assert_eq!(of("env:PHIGATE_NOT_SET"), SecretError::Unset("PHIGATE_NOT_SET".to_owned()));
        assert!(matches!(of("file:/nowhere"), SecretError::File { .. }));
        assert_eq!(of("command:false"), SecretError::Command("false".to_owned()));
        assert_eq!(of("command:printf a\\1b"), SecretError::NoHeader);
        assert_eq!(Secret::parse("Bearer abc"), None);
        assert_eq!(Secret::parse("env:"), None);
    }

    #[test]
    fn a_header_that_is_shown_hides_it() {
        let value = Secret::parse("command:echo made-up").unwrap().header().unwrap();
        assert_eq!(format!("{value:?}"), "Sensitive");
    }
}
