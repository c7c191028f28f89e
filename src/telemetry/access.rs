//! The access log: a JSON line for each message, written by a thread of its own.
//!
//! Names of the configuration, ids, sizes, times, the decision and whose fault it was; no target, no header value, nothing
//! of a body. A message never waits for it: where its queue is full, lines are dropped and counted. A file that was
//! moved away is made anew at the next reload.

use crate::reason::Reason;
use serde::{Serialize, Serializer};
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
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
    /// The environment, where one was resolved.
    #[serde(serialize_with = "maybe")]
    pub environment: Option<Arc<str>>,
    /// The connection, where there is one.
    #[serde(serialize_with = "maybe")]
    pub connection: Option<Arc<str>>,
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
        let mut out = open(&settings.file)?;
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

fn open(file: &Path) -> io::Result<BufWriter<Box<dyn Write + Send>>> {
    let out: Box<dyn Write + Send> =
        if file.as_os_str() == "-" { Box::new(io::stdout()) } else { Box::new(append(file)?) };
    Ok(BufWriter::new(out))
}

/// Its owner alone reads it: names of callers and connections stand in it.
fn append(file: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().create(true).append(true).mode(0o600).open(file)
}

fn write(lines: &Receiver<Said>, file: &Path, out: &mut BufWriter<Box<dyn Write + Send>>, told: &Told) {
    let failed = |result: io::Result<()>| {
        if result.is_err() {
            told.dropped.fetch_add(1, Relaxed);
        }
    };
    loop {
        let said = match lines.recv_timeout(IDLE) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => {
                failed(out.flush());
                match lines.recv() {
                    Ok(said) => said,
                    Err(_) => return,
                }
            }
            Err(RecvTimeoutError::Disconnected) => return failed(out.flush()),
        };
        let line = match said {
            Said::Line(line) => line,
            Said::Stop => return failed(out.flush()),
        };
        if told.anew.swap(false, Relaxed) {
            failed(out.flush());
            match open(file) {
                Ok(fresh) => *out = fresh,
                Err(error) => {
                    let kind = error.kind();
                    tracing::error!(%kind, "The access log can't be opened anew; the old one stays.");
                }
            }
        }
        let written = serde_json::to_writer(&mut *out, &line).map_err(io::Error::from);
        failed(written.and_then(|()| out.write_all(b"\n")));
    }
}

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
            environment: None,
            connection: None,
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
        log.offer(line("a"));
        log.stop();
        assert!(log.dropped() > 0);
    }
}
