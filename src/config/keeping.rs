//! What is kept, and how long: sections of the file beside those of messages.

use super::reader::{Problems, Table};
use crate::audit::Keep;
use std::path::PathBuf;

/// `[audit]`
pub(super) fn audit(mut t: Table<'_, '_>, problems: &mut Problems) -> Keep {
    let d = Keep::default();
    let retention = t.number("retention_days", d.retention_days.into(), 1..36_501, "days", problems);
    let keep = Keep {
        retention_days: u32::try_from(retention).unwrap_or(d.retention_days),
        anchor_file: t.text("anchor_file", problems).map(|(path, _)| PathBuf::from(path)),
        anchor_every: t.number("anchor_every", d.anchor_every, 1..1_000_001, "events", problems),
    };
    t.done(problems);
    keep
}
