//! What is removed once its time is over, beside what the record writer does: months of the audit, keys of sealed
//! originals, and records where none are written any more.

use crate::audit::Audit;
use crate::config::Config;
use crate::secrets;
use crate::store::sqlite::Records;
use crate::store::wall_clock::WallClock;
use crate::store::{Control, StoreError};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Retention of one data folder: of the process that holds the configuration, and of no command.
pub(super) struct Keeping {
    clock: Arc<WallClock>,
    audit: Arc<Audit>,
    audit_fails: AtomicBool,
    /// Remembers how far the audit went, and how far that is.
    control: Arc<Control>,
    remembered: AtomicU64,
    data_dir: PathBuf,
    /// Days that keys of sealed originals are kept; `None`: there never were any.
    seal_days: Option<u64>,
    /// Where no writer keeps them.
    records: Option<Records>,
}

impl Keeping {
    pub(super) fn new(
        config: &Config,
        (clock, audit): (Arc<WallClock>, Arc<Audit>),
        control: &Arc<Control>,
        records: &Records,
    ) -> Result<Self, StoreError> {
        // Without [sealing] keys that it left go all the same, when it said.
        if let Some(sealing) = &config.sealing {
            control.set(SEAL_DAYS, sealing.retention_days.into())?;
        }
        Ok(Self {
            clock,
            audit,
            audit_fails: AtomicBool::new(false),
            control: control.clone(),
            remembered: AtomicU64::new(0),
            data_dir: config.data_dir.clone(),
            seal_days: control.setting(SEAL_DAYS)?.and_then(|days| u64::try_from(days).ok()),
            records: (!config.records.enabled).then(|| records.clone()),
        })
    }

    /// Removes what is past its time, while the clock is right; looks at the clock first. At start, and every few seconds.
    pub(super) fn tidy(&self) {
        self.clock.look();
        self.remember();
        let Some(now_ms) = self.clock.right_ms() else { return };
        if let Some(days) = self.seal_days {
            let before_ms = now_ms.saturating_sub(days.saturating_mul(86_400_000));
            let removed = secrets::expire(&self.data_dir, &crate::clock::day(before_ms));
            if removed > 0 {
                tracing::info!(keys = removed, "Keys of sealed originals past their retention were removed.");
            }
        }
        if let Some(records) = &self.records {
            records.expire(now_ms);
        }
        match self.audit.retire(now_ms) {
            Ok(months) => {
                self.audit_fails.store(false, Relaxed);
                if months > 0 {
                    tracing::info!(months, "Months of the audit past their retention were removed.");
                }
            }
            // Tried again at the next look, and said once.
            Err(error) if !self.audit_fails.swap(true, Relaxed) => {
                tracing::error!(error = %error, "Months of the audit past their retention can't be removed.");
            }
            Err(_) => {}
        }
    }

    /// Has control.db know how far the audit went: where the log is gone or another one at the next start, that is no first
    /// one.
    pub(super) fn remember(&self) {
        let known = self.audit.known();
        if known.seq > self.remembered.load(Relaxed) && self.control.remember_audit(&known).is_ok() {
            self.remembered.store(known.seq, Relaxed);
        }
    }
}

/// The setting that remembers how long keys of sealed originals are kept.
const SEAL_DAYS: &str = "seal_retention_days";
