//! Repairing: a head that can't be read or is absent is signed anew, from a log that verifies without it. What a readable
//! head or an anchor says was cut stays so.

use super::Event;
use super::chain::Tail;
use super::head::Head;
use super::log::{Audit, AuditError, folder, while_still};
use super::verify::held_against;
use crate::secrets::SigningKey;
use std::io;
use std::path::Path;

/// Why nothing was repaired. The operator's to look at.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// A file can't be read or written.
    #[error("an audit file can't be used: {0}")]
    File(io::ErrorKind),
    /// The log was changed or cut, a line each: signing its end would hide that.
    #[error("the log doesn't verify: {}", .0.join("; "))]
    Wrong(Vec<String>),
    /// The event that tells of it.
    #[error(transparent)]
    Audit(#[from] AuditError),
}

/// Signs the end of the log below `data_dir` anew, where its head can't be read or was not signed by `key`, and says so in
/// the log (`audit_repaired`, with the end as its object). Gives the number of the last line that was signed; `None` where
/// the head is good.
///
/// # Errors
/// [`RepairError`]; nothing was changed then.
pub fn repair(data_dir: &Path, key: SigningKey, anchors: Option<&Path>) -> Result<Option<u64>, RepairError> {
    let file = |error: io::Error| RepairError::File(error.kind());
    let time = crate::clock::rfc3339(crate::clock::unix_ms());
    let signed = while_still(data_dir, || {
        let folder = folder(data_dir);
        let head = Head::read(&folder).unwrap_or(None).filter(|head| head.is_signed_by(&key.public()));
        let is_good = head.is_some();
        let (mut report, tail) =
            held_against(&folder, &[key.public()], head.map(Some), anchors).map_err(file)?;
        if report.events == 0 {
            report.problems.push("there is no line whose number could be signed".to_owned());
        }
        if !report.problems.is_empty() {
            return Err(RepairError::Wrong(report.problems));
        }
        if is_good {
            return Ok(None);
        }
        Head::of(&tail, &time, &key).write(&folder).map_err(file)?;
        Ok(Some(tail))
    });
    let Some(Tail { seq, hash }) = signed.map_err(file)?? else { return Ok(None) };
    let object = format!("{seq} {hash}");
    Audit::open(data_dir, key)?.write(&Event {
        time,
        principal: "command line",
        action: "audit_repaired",
        object: &object,
        decision: "allowed",
        ..Event::default()
    })?;
    Ok(Some(seq))
}
