//! Repairing: a head that can't be read or is absent is signed anew, from a log that verifies without it. What a readable
//! head, an anchor or the gateway's memory says was cut or replaced stays so, unless somebody accepts the loss.

use super::chain::Tail;
use super::head::Head;
use super::log::{Audit, AuditError, folder, while_still};
use super::verify::{Against, Held, LOST, REPAIRED, held_against};
use super::{Event, Known};
use crate::durable;
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

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repaired {
    /// The head is good, and nothing is gone.
    Nothing,
    /// The end of the log, of this number, was signed anew, and an event says so.
    Head(u64, Known),
    /// What this says is gone, and an event says so.
    Loss(String, Known),
}

/// Signs the end of the log below `data_dir` anew, where its head can't be read or was not signed by `key`, and says so in
/// the log (`audit_repaired`, with the end as its object).
///
/// # Errors
/// [`RepairError`]; nothing was changed then. [`RepairError::Wrong`] where the log was cut or replaced against the head, an
/// anchor or what is known.
pub fn repair(
    data_dir: &Path,
    key: SigningKey,
    anchors: Option<&Path>,
    known: &Known,
) -> Result<Repaired, RepairError> {
    done(data_dir, key, anchors, known, |_, held| match held.report.problems {
        problems if !problems.is_empty() => Err(RepairError::Wrong(problems)),
        _ if held.tail.seq == 0 => {
            Err(RepairError::Wrong(vec!["there is no line whose number could be signed".to_owned()]))
        }
        _ => Ok(None),
    })
}

/// The same, and where the log verifies by itself but was cut or replaced against what else there is, it is gone on with:
/// the log says what is gone (`audit_lost`).
///
/// # Errors
/// [`RepairError`]; [`RepairError::Wrong`] where what is left doesn't verify by itself.
pub fn accept_loss(
    data_dir: &Path,
    key: SigningKey,
    anchors: Option<&Path>,
    known: &Known,
) -> Result<Repaired, RepairError> {
    let public = key.public();
    // Where all of it is gone there is no folder, either.
    durable::create_folder(&folder(data_dir), 0o777).map_err(file)?;
    done(data_dir, key, anchors, known, |folder, held| {
        let alone = held_against(folder, &[public], &Against::NONE).map_err(file)?;
        let last = alone.tail.seq;
        if !alone.report.problems.is_empty() {
            return Err(RepairError::Wrong(alone.report.problems));
        }
        Ok(match held.other_at {
            // Those before it may be others, too: the least that is known to be is told.
            Some(at) => Some(format!("{at} to {}, in whose place others stand", held.furthest)),
            None => (held.furthest > last).then(|| format!("{} to {}", last + 1, held.furthest)),
        })
    })
}

/// Holds the log against all there is, and does what `judged` makes of it: a loss, or none.
fn done(
    data_dir: &Path,
    key: SigningKey,
    anchors: Option<&Path>,
    known: &Known,
    judged: impl FnOnce(&Path, Held) -> Result<Option<String>, RepairError>,
) -> Result<Repaired, RepairError> {
    let time = crate::clock::rfc3339(crate::clock::unix_ms());
    let signed = while_still(data_dir, || -> Result<_, RepairError> {
        let folder = folder(data_dir);
        let head = Head::read(&folder).unwrap_or(None).filter(|head| head.is_signed_by(&key.public()));
        let is_good = head.is_some();
        let against = Against { head: head.map(Some), anchors, known };
        let held = held_against(&folder, &[key.public()], &against).map_err(file)?;
        let tail = held.tail.clone();
        let lost = judged(&folder, held)?;
        if is_good && lost.is_none() {
            return Ok(None);
        }
        Head::of(&tail, &time, &key).write(&folder).map_err(file)?;
        Ok(Some((tail, lost)))
    });
    let Some((Tail { seq, hash }, lost)) = signed.map_err(file)?? else { return Ok(Repaired::Nothing) };
    let object = lost.clone().unwrap_or_else(|| format!("{seq} {hash}"));
    let audit = Audit::open(data_dir, key)?;
    audit.write(&Event {
        time,
        principal: "command line",
        action: if lost.is_some() { LOST } else { REPAIRED },
        object: &object,
        decision: "allowed",
        ..Event::default()
    })?;
    Ok(match lost {
        Some(lost) => Repaired::Loss(lost, audit.known()),
        None => Repaired::Head(seq, audit.known()),
    })
}

fn file(error: io::Error) -> RepairError {
    RepairError::File(error.kind())
}
