//! Whether the wall clock can be believed: retention goes by it, and what it removes is gone.
//!
//! It is watched while the process runs, and at a start it has to be near where it last was, which stands in a file of the
//! data folder. Where it isn't, it is believed after a day of running: an idle machine waits no longer.

use super::retention::ClockWatch;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the wall clock is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockIs {
    /// Where it has to be.
    Right,
    /// It jumped by more than an hour while the process ran, and isn't back.
    Jumped,
    /// It was more than a day from where it last was when the process started, which isn't a day ago.
    Waits,
}

/// The wall clock of a data folder. While it isn't right, retention removes nothing.
#[derive(Debug)]
pub struct WallClock {
    watch: ClockWatch,
    /// When the clock of the start is believed.
    believed: Instant,
    file: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    known_ms: u64,
    told: ClockIs,
    /// When the file was written last, and whether it could be.
    written: Option<(Instant, bool)>,
}

/// What the file says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Known {
    /// Where the clock was when it was last right, Unix milliseconds.
    known_ms: u64,
    /// Where it was when it was last looked at.
    seen_ms: u64,
    /// How long it was waited for, milliseconds; 0 where it was right.
    waited_ms: u64,
}

impl ClockIs {
    /// What readiness says of it.
    #[must_use]
    pub const fn note(self) -> Option<&'static str> {
        match self {
            Self::Right => None,
            Self::Jumped => Some("the clock jumped by more than an hour: retention is frozen"),
            Self::Waits => Some(
                "the clock is more than a day from where it was when phigate last ran: retention waits for a day of running",
            ),
        }
    }
}

impl WallClock {
    /// From now on, for the data folder `data_dir`. Without the file, as at a first start, the clock is believed.
    #[must_use]
    pub fn start(data_dir: &Path) -> Self {
        Self::start_at(data_dir, Instant::now(), crate::clock::unix_ms())
    }

    fn start_at(data_dir: &Path, now: Instant, wall_ms: u64) -> Self {
        let file = data_dir.join(NAME);
        let (known_ms, waited_ms) = match Known::read(&file) {
            None => (wall_ms, DAY_MS),
            Some(known) if is_near(known.known_ms, wall_ms) => (known.known_ms, DAY_MS),
            // A restart while it waited; a clock that was set once more begins anew.
            Some(known) if is_near(known.seen_ms, wall_ms) => (known.known_ms, known.waited_ms.min(DAY_MS)),
            Some(known) => (known.known_ms, 0),
        };
        Self {
            watch: ClockWatch::new(now, wall_ms),
            believed: now + Duration::from_millis(DAY_MS - waited_ms),
            file,
            state: Mutex::new(State { known_ms, told: ClockIs::Right, written: None }),
        }
    }

    /// What it is worth now.
    #[must_use]
    pub fn is(&self) -> ClockIs {
        self.is_at(Instant::now(), crate::clock::unix_ms())
    }

    fn is_at(&self, now: Instant, wall_ms: u64) -> ClockIs {
        match self.watch.is_right(now, wall_ms) {
            false => ClockIs::Jumped,
            true if now < self.believed => ClockIs::Waits,
            true => ClockIs::Right,
        }
    }

    /// The time, Unix milliseconds; `None` while it isn't right. What goes by another reading may have jumped since.
    #[must_use]
    pub fn right_ms(&self) -> Option<u64> {
        let wall_ms = crate::clock::unix_ms();
        (self.is_at(Instant::now(), wall_ms) == ClockIs::Right).then_some(wall_ms)
    }

    /// Looks at it: says where it isn't right any more, or again, and keeps where it is in the file. Every few seconds.
    pub fn look(&self) {
        self.look_at(Instant::now(), crate::clock::unix_ms());
    }

    fn look_at(&self, now: Instant, wall_ms: u64) {
        let is = self.is_at(now, wall_ms);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut state.told, is) != is {
            match is {
                ClockIs::Right => tracing::info!("The clock is right: retention goes on."),
                ClockIs::Jumped => {
                    tracing::error!("The clock jumped by more than an hour: retention removes nothing.");
                }
                ClockIs::Waits => tracing::warn!(
                    "The clock is more than a day from where it last was: retention waits for a day of running."
                ),
            }
        }
        let is_due = state.written.is_none_or(|(at, _)| now.saturating_duration_since(at) >= WRITE_EVERY);
        // Where it jumped to isn't where it was.
        if is == ClockIs::Jumped || !is_due {
            return;
        }
        let left = u64::try_from(self.believed.saturating_duration_since(now).as_millis()).unwrap_or(DAY_MS);
        let known = match is {
            ClockIs::Right => Known { known_ms: wall_ms, seen_ms: wall_ms, waited_ms: 0 },
            _ => Known { known_ms: state.known_ms, seen_ms: wall_ms, waited_ms: DAY_MS.saturating_sub(left) },
        };
        state.known_ms = known.known_ms;
        let written = known.write(&self.file);
        let could = state.written.is_none_or(|(_, could)| could);
        if let (Err(error), true) = (&written, could) {
            tracing::error!(kind = %error.kind(), "Where the clock is can't be kept in the data folder.");
        }
        state.written = Some((now, written.is_ok()));
    }
}

impl Known {
    /// `None` where there is no file. One that can't be read says nothing that a clock would be near to.
    fn read(file: &Path) -> Option<Self> {
        match fs::read_to_string(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            text => Some(text.ok().and_then(|text| Self::parse(&text)).unwrap_or_default()),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self { known_ms: next()?, seen_ms: next()?, waited_ms: next()? })
    }

    /// Over what stood there, always as long: no other file comes and goes, which a backup would miss.
    fn write(&self, file: &Path) -> io::Result<()> {
        let Self { known_ms, seen_ms, waited_ms } = self;
        let line = format!("{known_ms:020} {seen_ms:020} {waited_ms:020}\n");
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(file)?;
        file.write_all(line.as_bytes())?;
        file.sync_data()
    }
}

fn is_near(one_ms: u64, other_ms: u64) -> bool {
    one_ms.abs_diff(other_ms) <= DAY_MS
}

/// In the data folder.
const NAME: &str = "clock";
pub(super) const DAY_MS: u64 = 86_400_000;
const WRITE_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: u64 = 20_000 * DAY_MS;
    const HOUR: Duration = Duration::from_secs(3_600);

    /// A process that starts with the clock at `wall_ms`, runs for so long, and looks every hour.
    fn runs(folder: &Path, wall_ms: u64, hours: u32) -> (ClockIs, ClockIs) {
        let now = Instant::now();
        let clock = WallClock::start_at(folder, now, wall_ms);
        let at = |hour: u32| (now + HOUR * hour, wall_ms + u64::from(hour) * 3_600_000);
        let first = clock.is_at(now, wall_ms);
        (0..=hours).map(at).for_each(|(now, wall_ms)| clock.look_at(now, wall_ms));
        let (now, wall_ms) = at(hours);
        (first, clock.is_at(now, wall_ms))
    }

    #[test]
    fn a_first_start_and_one_near_the_last_are_believed_at_once() {
        let dir = tempfile::tempdir().expect("dir");
        assert_eq!(runs(dir.path(), NOW_MS, 1), (ClockIs::Right, ClockIs::Right));
        assert_eq!(runs(dir.path(), NOW_MS + DAY_MS, 1), (ClockIs::Right, ClockIs::Right));
        assert_eq!(fs::read_dir(dir.path()).expect("lists").count(), 1);
    }

    #[test]
    fn a_start_far_from_the_last_waits_for_a_day_of_running_restarts_or_not() {
        let dir = tempfile::tempdir().expect("dir");
        runs(dir.path(), NOW_MS, 0);
        let later = NOW_MS + 40 * DAY_MS;
        assert_eq!(runs(dir.path(), later, 20), (ClockIs::Waits, ClockIs::Waits));
        let hour = 3_600_000;
        assert_eq!(runs(dir.path(), later + 21 * hour, 3), (ClockIs::Waits, ClockIs::Waits));
        assert_eq!(runs(dir.path(), later + 25 * hour, 1), (ClockIs::Waits, ClockIs::Right));
        assert_eq!(runs(dir.path(), later + 27 * hour, 0), (ClockIs::Right, ClockIs::Right));
        // One that is set once more begins anew, and one that is set back is where it was.
        let again = later + 80 * DAY_MS;
        assert_eq!(runs(dir.path(), again, 20), (ClockIs::Waits, ClockIs::Waits));
        assert_eq!(runs(dir.path(), again + 40 * DAY_MS, 23), (ClockIs::Waits, ClockIs::Waits));
        assert_eq!(runs(dir.path(), later + 30 * hour, 0), (ClockIs::Right, ClockIs::Right));
    }

    #[test]
    fn where_a_clock_jumped_to_is_not_where_it_was() {
        let dir = tempfile::tempdir().expect("dir");
        let now = Instant::now();
        let clock = WallClock::start_at(dir.path(), now, NOW_MS);
        clock.look_at(now, NOW_MS);
        let (later, jumped) = (now + HOUR, NOW_MS + 40 * DAY_MS);
        clock.look_at(later, jumped);
        assert_eq!(clock.is_at(later, jumped), ClockIs::Jumped);
        assert_eq!(runs(dir.path(), jumped, 1), (ClockIs::Waits, ClockIs::Waits));
        assert_eq!(clock.is_at(later, NOW_MS + 3_600_000), ClockIs::Right, "and it may come back");
    }

    #[test]
    fn a_file_that_can_not_be_read_says_nothing_and_is_written_anew() {
        let dir = tempfile::tempdir().expect("dir");
        for bytes in ["", "nonsense", "1 2"] {
            fs::write(dir.path().join(NAME), bytes).expect("writes");
            assert_eq!(runs(dir.path(), NOW_MS, 1), (ClockIs::Waits, ClockIs::Waits), "{bytes:?}");
            assert_eq!(runs(dir.path(), NOW_MS, 24), (ClockIs::Waits, ClockIs::Right), "{bytes:?}");
            assert_eq!(runs(dir.path(), NOW_MS + DAY_MS, 0), (ClockIs::Right, ClockIs::Right), "{bytes:?}");
        }
    }
}
