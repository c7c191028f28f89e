//! Where the audit ends, signed: `head.json` beside the log, and the same line in a file elsewhere every so many events.
//! Whoever cuts the log has to bring an older head, and the file elsewhere tells then.

use super::chain::Tail;
use crate::durable;
use crate::secrets::{SigningKey, VerifyingKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A signed statement of where the log ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) seq: u64,
    pub(super) hash: String,
    time: String,
    sig: String,
}

impl Head {
    pub(super) fn of(tail: &Tail, time: &str, key: &SigningKey) -> Self {
        let sig = STANDARD.encode(key.sign(&statement(tail.seq, &tail.hash, time)));
        Self { seq: tail.seq, hash: tail.hash.clone(), time: time.to_owned(), sig }
    }

    pub(super) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let signature = STANDARD.decode(&self.sig).unwrap_or_default();
        key.verifies(&statement(self.seq, &self.hash, &self.time), &signature)
    }

    /// The month of the event that it stands for, as it was signed.
    pub(super) fn month(&self) -> &str {
        self.time.get(..7).unwrap_or_default()
    }

    /// Reads `head.json`; `None` where there is none.
    pub(super) fn read(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(folder.join(NAME)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|_| io::Error::from(io::ErrorKind::InvalidData)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Replaces `head.json`, whole or not at all, after a power loss, too. The log is durable before: where the old one
    /// comes back, it lags.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let fresh = folder.join("head.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(self.line()?.as_bytes())?;
        // Or the name might outlive the bytes: an empty head opens no log.
        durable::sync(&fresh)?;
        let to = folder.join(NAME);
        let is_first = !to.exists();
        fs::rename(&fresh, to)?;
        // An old head that comes back only lags; a log without any is one that was cut.
        if is_first { durable::sync(folder) } else { Ok(()) }
    }

    /// Appends itself to the file elsewhere, durably.
    pub(super) fn anchor(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(self.line()?.as_bytes())?;
        file.sync_data()
    }

    pub(super) fn line(&self) -> io::Result<String> {
        let json = serde_json::to_string(self).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        Ok(json + "\n")
    }
}

/// The statements of a file elsewhere; `None` for a line that is none.
pub(super) fn anchors(path: &Path) -> io::Result<Vec<Option<Head>>> {
    let bytes = fs::read(path)?;
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    // What a syslog puts before a line is no part of it.
    let head = |line: &[u8]| {
        let at = memchr::memchr(b'{', line)?;
        serde_json::from_slice(line.get(at..)?).ok()
    };
    Ok(lines.map(head).collect())
}

fn statement(seq: u64, hash: &str, time: &str) -> Vec<u8> {
    format!("phigate audit head\n{seq}\n{hash}\n{time}").into_bytes()
}

const NAME: &str = "head.json";
