//! The access log: a JSON line for each message, written by a thread of its own.
//!
//! Names of the configuration, ids, addresses, sizes, times, the decision and whose fault it was; no target, no header value,
//! nothing of a body. A message never waits for it: where its queue is full, lines are dropped and counted. A file that was
//! moved away is made anew at the next reload.

use crate::reason::Reason;
use serde::{Serialize, Serializer};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessSettings {
    /// The file; `-` is standard output.
    pub file: PathBuf,
    /// Lines that wait to be written; further ones are dropped and counted. Default 8192.
    pub queue_lines_max: usize,
}

/// One message.
#[derive(Debug, Clone, Serialize)]
pub struct AccessLine {
    /// When its head came, Unix milliseconds.
    pub time_ms: u64,
    /// The id of the message and its record.
    pub id: String,
    /// The listener.
    #[serde(serialize_with = "word")]
    pub listener: Arc<str>,
    /// Who sent it: address and port of the socket's peer, or those that a trusted PROXY header named; none of a Unix socket.
    pub peer: Option<SocketAddr>,
    /// The environment, where one was resolved.
    #[serde(serialize_with = "maybe")]
    pub environment: Option<Arc<str>>,
    /// The connection, where there is one.
    #[serde(serialize_with = "maybe")]
    pub connection: Option<Arc<str>>,
    /// The authority of the endpoint that answered, where one did.
    pub endpoint: Option<String>,
    /// The caller's name.
    #[serde(serialize_with = "word")]
    pub caller: Arc<str>,
    /// The method, if it is a known one.
    pub method: &'static str,
    /// The status that was answered; 0 where nobody was left to be answered.
    pub status: u16,
    /// What became of it.
    pub decision: &'static str,
    /// Why it was not forwarded, or would not be.
    pub reason: Option<&'static str>,
    /// Whose fault that is: `caller`, `policy`, `upstream`, `gateway`.
    pub fault: Option<&'static str>,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the reply's body.
    pub reply_bytes: u64,
    /// From its head to the end of its answer, microseconds.
    pub duration_us: u64,
}

/// A running access log.
pub struct AccessLog {
    lines: Mutex<Option<JoinHandle<()>>>,
    sender: SyncSender<Said>,
    told: Arc<Told>,
}

enum Said {
    Line(Box<AccessLine>),
    Stop,
}

#[derive(Default)]
struct Told {
    dropped: AtomicU64,
    anew: AtomicBool,
}

impl AccessLog {
    /// Opens the file, and starts the thread.
    ///
    /// # Errors
    /// The file can't be opened for appending, or the system gives no thread.
    pub fn start(settings: &AccessSettings) -> io::Result<Self> {
        let mut out = Lines::open(&settings.file)?;
        let (sender, receiver) = sync_channel(settings.queue_lines_max);
        let told = Arc::new(Told::default());
        let (file, for_thread) = (settings.file.clone(), told.clone());
        let writer = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write(&receiver, &file, &mut out, &for_thread))?;
        Ok(Self { lines: Mutex::new(Some(writer)), sender, told })
    }

    /// Offers a line.
    pub fn offer(&self, line: AccessLine) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.sender.try_send(Said::Line(Box::new(line)))
        {
            self.told.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Opens the file anew before the next line: it may have been moved away.
    pub fn reopen(&self) {
        self.told.anew.store(true, Relaxed);
    }

    /// Lines that were dropped, or could not be written.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.told.dropped.load(Relaxed)
    }

    /// Writes what waits, and ends the thread.
    pub fn stop(&self) {
        let writer = self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // Full: the thread takes one soon. Closed: it ended by itself.
            let _ = self.sender.send(Said::Stop);
            let _ = writer.join();
        }
    }
}

/// Whose fault it is that a message was not forwarded.
#[must_use]
pub const fn fault(reason: Reason) -> &'static str {
    match reason {
        Reason::LikelyPhi
        | Reason::Bulk
        | Reason::KnownReal
        | Reason::Uninspected
        | Reason::DeclaredMode
        | Reason::OffPathUrl
        | Reason::PathDenied
        | Reason::CallerRefused
        | Reason::UpgradeRefused
        | Reason::RateLimited
        | Reason::ConnectRefused => "policy",
        Reason::UpstreamConnect
        | Reason::UpstreamTimeout
        | Reason::UpstreamUnavailable
        | Reason::UpstreamInvalid
        | Reason::ReplyTooLarge => "upstream",
        Reason::HeldFull
        | Reason::RecordQueueFull
        | Reason::TooManyConnections
        | Reason::Overloaded
        | Reason::UpstreamBusy
        | Reason::Draining
        | Reason::Internal => "gateway",
        _ => "caller",
    }
}

fn word<S: Serializer>(word: &Arc<str>, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(word)
}

fn maybe<S: Serializer>(word: &Option<Arc<str>>, out: S) -> Result<S::Ok, S::Error> {
    word.as_deref().serialize(out)
}

/// Where lines go, whole: several processes may append to one file, as while one takes another's place.
struct Lines {
    file: File,
    /// Whole lines that wait to be written.
    waiting: Vec<u8>,
    /// The last line in the file broke off, as on a full disk.
    is_torn: bool,
}

impl Lines {
    fn open(file: &Path) -> io::Result<Self> {
        let file = match file.as_os_str() == "-" {
            true => File::from(io::stdout().as_fd().try_clone_to_owned()?),
            false => append(file)?,
        };
        Ok(Self { file, waiting: Vec::with_capacity(WAITING_BYTES_MAX), is_torn: false })
    }

    /// Takes a line; gives how many lines were lost by it.
    fn take(&mut self, line: &AccessLine) -> u64 {
        let before = self.waiting.len();
        if serde_json::to_writer(&mut self.waiting, line).is_err() {
            self.waiting.truncate(before);
            return 1;
        }
        self.waiting.push(b'\n');
        match self.waiting.len() {
            ..WAITING_BYTES_MAX => 0,
            // The line that goes over it waits for the next time: no line is cut.
            _ if before > 0 => {
                let last = self.waiting.split_off(before);
                let lost = self.flush();
                self.waiting.extend_from_slice(&last);
                lost
            }
            _ => self.flush(),
        }
    }

    /// Writes what waits, at once where the system takes it so; gives how many lines were lost.
    fn flush(&mut self) -> u64 {
        let lines = std::mem::take(&mut self.waiting);
        let written = match self.is_torn && !lines.is_empty() {
            true => self.write(&[b"\n", &*lines].concat()).saturating_sub(1),
            false => self.write(&lines),
        };
        let (whole, rest) = lines.split_at_checked(written).unwrap_or((&lines, &[]));
        let lost = memchr::memchr_iter(b'\n', rest).count() as u64;
        if written > 0 {
            self.is_torn = whole.last() != Some(&b'\n');
        }
        self.waiting = lines;
        self.waiting.clear();
        lost
    }

    /// How many of the bytes were taken.
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
            match self.file.write(rest) {
                Ok(0) => break,
                Ok(more) => written += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        written
    }
}

/// Its owner alone reads it: names of callers and connections stand in it.
fn append(file: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().create(true).append(true).mode(0o600).open(file)
}

fn write(lines: &Receiver<Said>, file: &Path, out: &mut Lines, told: &Told) {
    let lost = |lines: u64| {
        told.dropped.fetch_add(lines, Relaxed);
    };
    loop {
        let said = match lines.recv_timeout(IDLE) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => {
                lost(out.flush());
                match lines.recv() {
                    Ok(said) => said,
                    Err(_) => return,
                }
            }
            Err(RecvTimeoutError::Disconnected) => return lost(out.flush()),
        };
        let line = match said {
            Said::Line(line) => line,
            Said::Stop => return lost(out.flush()),
        };
        if told.anew.swap(false, Relaxed) {
            lost(out.flush());
            match Lines::open(file) {
                Ok(fresh) => *out = fresh,
                Err(error) => {
                    let kind = error.kind();
                    tracing::error!(%kind, "The access log can't be opened anew; the old one stays.");
                }
            }
        }
        lost(out.take(&line));
    }
}

/// Lines are written together up to so many bytes.
const WAITING_BYTES_MAX: usize = 8 << 10;
/// Lines are flushed when none comes for so long.
const IDLE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str) -> AccessLine {
        AccessLine {
            time_ms: 1,
            id: id.to_owned(),
            listener: "l".into(),
            peer: None,
            environment: None,
            connection: None,
            endpoint: None,
            caller: "nobody".into(),
            method: "GET",
            status: 200,
            decision: "forwarded",
            reason: None,
            fault: None,
            request_bytes: 0,
            reply_bytes: 2,
            duration_us: 3,
        }
    }

    #[test]
    fn lines_are_appended_and_a_moved_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("access.jsonl");
        let settings = AccessSettings { file: file.clone(), queue_lines_max: 8 };
        for id in ["a", "b"] {
            let log = AccessLog::start(&settings).unwrap();
            log.offer(line(id));
            log.stop();
        }
        let ids = |file: &Path| -> Vec<String> {
            let text = std::fs::read_to_string(file).unwrap();
            let id = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string();
            text.lines().map(id).collect()
        };
        assert_eq!(ids(&file), ["\"a\"", "\"b\""]);
        let log = AccessLog::start(&settings).unwrap();
        std::fs::rename(&file, folder.path().join("old")).unwrap();
        log.reopen();
        log.offer(line("c"));
        log.stop();
        assert_eq!(ids(&file), ["\"c\""]);
        assert_eq!(log.dropped(), 0);
        log.offer(line("d"));
        assert_eq!(log.dropped(), 1, "what comes behind the end is counted");
    }

    #[test]
    fn a_full_disk_is_counted() {
        let settings = AccessSettings { file: "/dev/full".into(), queue_lines_max: 8 };
        let log = AccessLog::start(&settings).unwrap();
        for id in ["a", "b", "c"] {
            log.offer(line(id));
        }
        log.stop();
        assert_eq!(log.dropped(), 3);
    }

    #[test]
    fn two_processes_that_append_tear_no_line_of_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("access.jsonl");
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut out = Lines::open(&file).unwrap();
                    let lost: u64 = (0..2000).map(|n| out.take(&line(&format!("{n}")))).sum();
                    assert_eq!(lost + out.flush(), 0);
                });
            }
        });
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 4000);
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }

    #[test]
    fn behind_a_line_that_broke_off_the_next_ones_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("access.jsonl");
        std::fs::write(&file, "{\"half").unwrap();
        let mut out = Lines::open(&file).unwrap();
        out.is_torn = true;
        assert_eq!(out.take(&line("a")) + out.flush() + out.take(&line("b")) + out.flush(), 0);
        let text = std::fs::read_to_string(&file).unwrap();
        let ids: Vec<_> = text.lines().map(|line| line.contains("\"id\":")).collect();
        assert_eq!(ids, [false, true, true], "{text}");
    }
}
