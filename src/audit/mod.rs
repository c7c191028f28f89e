//! Audit: what people did. Append-only JSON lines, each durable before the answer that it is about. No value of a
//! message is ever part of one.

use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// One thing that somebody did, or was refused.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Event<'e> {
    /// RFC 3339, UTC.
    pub time: String,
    /// Who.
    pub principal: &'e str,
    /// What was done: `view_payload`, `search_records`, `refused_access`, `create_key`, `create_token`, `revoke`.
    pub action: &'e str,
    /// In which environment.
    pub environment: &'e str,
    /// In which role.
    pub role: &'e str,
    /// To what: a record, key or token by id.
    pub object: &'e str,
    /// At which view.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub view: &'e str,
    /// `allowed` or `refused`.
    pub decision: &'e str,
}

/// The file.
pub struct Audit {
    file: Mutex<File>,
}

impl Audit {
    /// Opens `audit.jsonl` below `data_dir`, or makes it.
    ///
    /// # Errors
    /// The file can't be had.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(data_dir)?;
        let file =
            OpenOptions::new().append(true).create(true).mode(0o600).open(data_dir.join("audit.jsonl"))?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Writes an event; when it returns, the event is durable.
    ///
    /// # Errors
    /// The event isn't durable: what it is about must not be answered.
    pub fn write(&self, event: &Event<'_>) -> io::Result<()> {
        let mut line = serde_json::to_vec(event).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line)?;
        file.sync_data()
    }
}
