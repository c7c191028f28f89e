//! Secrets that an upstream wants: they stand in a file, a variable, or what a command prints; never in the configuration.

use crate::durable::Why;
use crate::payload::PayloadText;
use http::HeaderValue;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

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
    #[error("{path}: {}", Why(*.kind))]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word for why.
        kind: std::io::ErrorKind,
    },
    /// Nothing of that name can be run.
    #[error("the command `{0}`: there is no such program, or it may not be run")]
    NoProgram(String),
    /// The command can't be run, or fails.
    #[error("the command `{0}` can't be run, prints too much, or says that it failed")]
    Command(String),
    /// The command took longer than it may, and was killed with all that it had started.
    #[error("the command `{program}` didn't end within {limit_ms} ms, and was killed")]
    CommandTime {
        /// Which.
        program: String,
        /// How long it may take, milliseconds.
        limit_ms: u64,
    },
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

    /// The secret, without blanks at its end. A command has 10 s for it; who asks waits so long.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn text(&self) -> Result<PayloadText, SecretError> {
        self.text_within(COMMAND_TIME_MAX)
    }

    fn text_within(&self, limit: Duration) -> Result<PayloadText, SecretError> {
        let text = match self {
            Self::Variable(name) => std::env::var(name).map_err(|_| SecretError::Unset(name.clone()))?,
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|e| SecretError::File { path: path.clone(), kind: e.kind() })?,
            Self::Command(words) => printed(words, limit)?.lines().next().unwrap_or_default().to_owned(),
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

    /// Whether the program is there that would tell it, and may be run; nothing is run. Of what no command tells: always.
    ///
    /// # Errors
    /// [`SecretError::NoProgram`].
    pub fn program(&self) -> Result<(), SecretError> {
        let Self::Command(words) = self else { return Ok(()) };
        let program = words.first().map_or("", String::as_str);
        let is_there = match program.contains('/') {
            true => may_run(Path::new(program)),
            false => {
                let folders = std::env::var_os("PATH").unwrap_or_else(|| USUAL_FOLDERS.into());
                std::env::split_paths(&folders).any(|folder| may_run(&folder.join(program)))
            }
        };
        if is_there { Ok(()) } else { Err(SecretError::NoProgram(program.to_owned())) }
    }

    /// The file that it stands in.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}

fn may_run(file: &Path) -> bool {
    file.is_file() && rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_ok()
}

/// A command that nobody hears but who asked: what the service manager told this process is none of its business.
fn command(program: &str, words: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(words.iter().skip(1)).stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped());
    for name in MANAGERS {
        command.env_remove(name);
    }
    command
}

/// What a command prints, once it ended well. In a process group of its own, so that at the limit what it started is
/// killed with it.
fn printed(words: &[String], limit: Duration) -> Result<String, SecretError> {
    let program = words.first().cloned().unwrap_or_default();
    let failed = || SecretError::Command(program.clone());
    let until = Instant::now() + limit;
    let mut command = command(&program, words);
    let mut running = Killed(command.process_group(0).spawn().map_err(|_| failed())?);
    let pipe = running.0.stdout.take().ok_or_else(failed)?;
    let (told, read) = sync_channel(1);
    // A read of a pipe has no time limit: on a thread, which ends with the command's group.
    let reader = std::thread::Builder::new().name("secret".to_owned()).spawn(move || {
        let mut text = String::new();
        let read = pipe.take(OUTPUT_BYTES_MAX + 1).read_to_string(&mut text);
        // Nobody waits any more once the time is over.
        let _ = told.send(read.is_ok_and(|bytes| bytes as u64 <= OUTPUT_BYTES_MAX).then_some(text));
    });
    reader.map_err(|_| failed())?;
    let late = || SecretError::CommandTime {
        program: program.clone(),
        limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
    };
    let text = read.recv_timeout(limit).map_err(|_| late())?.ok_or_else(failed)?;
    // Its output has ended, and so will it, as a rule.
    loop {
        match running.0.try_wait().map_err(|_| failed())? {
            Some(status) if status.success() => return Ok(text),
            Some(_) => return Err(failed()),
            None if Instant::now() >= until => return Err(late()),
            None => std::thread::sleep(LOOK_AGAIN),
        }
    }
}

/// A command that doesn't outlive whoever waits for it.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // Once it was waited for its number may be somebody else's.
        if let Ok(None) = self.0.try_wait() {
            let _ = rustix::process::kill_process_group(
                rustix::process::Pid::from_child(&self.0),
                rustix::process::Signal::KILL,
            );
            let _ = self.0.wait();
        }
    }
}

/// By which systemd is told, and told this process, whose it is alone.
const MANAGERS: [&str; 4] = ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"];
/// Where programs are looked for without `PATH`, as execvp(3) does.
const USUAL_FOLDERS: &str = "/bin:/usr/bin";
/// How long a command may take to tell a secret.
const COMMAND_TIME_MAX: Duration = Duration::from_secs(10);
/// How much it may print.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;
/// How often it is asked whether it ended, after its output did.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

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
    fn a_command_isnt_told_how_the_service_manager_is_spoken_to() {
        let command = command("true", &[]);
        let removed: Vec<_> =
            command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for name in MANAGERS {
            assert!(removed.contains(&std::ffi::OsStr::new(name)), "{name}");
        }
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
    fn whether_a_program_may_be_run_is_told_without_running_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("tell");
        let made = folder.path().join("made");
        std::fs::write(&file, format!("#!/bin/sh\ntouch {}\n", made.display())).unwrap();
        let of = |text: &str| Secret::parse(text).unwrap().program();
        let at = format!("command:{} --now", file.display());
        let mode = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        mode(0o600);
        assert_eq!(of(&at), Err(SecretError::NoProgram(file.display().to_string())));
        mode(0o700);
        assert_eq!(of(&at), Ok(()));
        assert_eq!(of("command:sh -c true"), Ok(()));
        for text in ["command:no-such-program x".to_owned(), format!("command:{}", folder.path().display())] {
            assert!(matches!(of(&text), Err(SecretError::NoProgram(_))), "{text}");
        }
        assert_eq!(of("env:PHIGATE_NOT_SET"), Ok(()), "no command");
        assert!(!made.exists(), "it was run");
    }

    #[test]
    fn a_command_that_hangs_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let started = folder.path().join("started");
        // Its own child holds its output open, too.
        let script = format!("sleep 600 & echo $$ $! > {0}.new; mv {0}.new {0}; wait", started.display());
        let hangs = Secret::Command(["sh", "-c", &script].map(str::to_owned).to_vec());
        let limit = Duration::from_secs(2);
        let error = hangs.text_within(limit).err().unwrap();
        assert_eq!(error, SecretError::CommandTime { program: "sh".to_owned(), limit_ms: 2000 });
        let ids = std::fs::read_to_string(started).unwrap();
        let mut ids = ids.split_whitespace();
        let state = |id: &str| std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        assert_eq!(state(ids.next().unwrap()), "", "the command still runs");
        // Nobody waits for that one here: it is gone, or only its number is left, a moment later.
        let child = ids.next().unwrap();
        let is_gone = (0..1_000_000).any(|_| state(child).is_empty() || state(child).contains(") Z "));
        assert!(is_gone, "what it started still runs: {}", state(child));
        let quiet = Secret::Command(["sh", "-c", "exec >&-; exec sleep 600"].map(str::to_owned).to_vec());
        assert!(matches!(
            quiet.text_within(Duration::from_millis(300)),
            Err(SecretError::CommandTime { .. })
        ));
    }

    #[test]
    fn a_command_that_prints_without_end_is_no_secret() {
        assert_eq!(
            Secret::parse("command:yes").unwrap().header(),
            Err(SecretError::Command("yes".to_owned()))
        );
    }

    #[test]
    fn a_header_that_is_shown_hides_it() {
        let value = Secret::parse("command:echo made-up").unwrap().header().unwrap();
        assert_eq!(format!("{value:?}"), "Sensitive");
    }
}
