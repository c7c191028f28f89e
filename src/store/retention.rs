//! What is kept of record files, and for how long: files are unlinked whole, by environment, class and day.
//!
//! A clock that jumps must not unlink what it makes look old: a watch freezes retention until it is back.

use super::StoreError;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long records are kept, and in how much space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// Days that records of forwarded messages are kept, and those of refused and failed ones.
    pub days: Days,
    /// The same for environments that have their own.
    pub environments: BTreeMap<String, Days>,
    /// Bytes of all record files. Over it the oldest days are removed, and then nothing is taken. 0: no limit.
    pub disk_bytes_max: u64,
}

/// Days that records are kept, by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    /// Of forwarded messages.
    pub passed: u32,
    /// Of messages that were refused, withheld or failed: metadata alone.
    pub refused: u32,
}

impl Keep {
    /// All records for so many days, in whatever space it takes.
    #[must_use]
    pub fn days(days: u32) -> Self {
        let days = Days { passed: days, refused: days };
        Self { days, environments: BTreeMap::new(), disk_bytes_max: 0 }
    }
}

/// What records of messages are kept together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Passed,
    Refused,
}

impl Class {
    pub(super) const ALL: [Self; 2] = [Self::Passed, Self::Refused];

    pub(crate) fn of(decision: &str) -> Self {
        if matches!(decision, "refused" | "withheld" | "failed") { Self::Refused } else { Self::Passed }
    }

    /// The name of its file of a day.
    pub(super) fn file_name(self, day: &str) -> String {
        match self {
            Self::Passed => format!("{day}.db"),
            Self::Refused => format!("{day}{REFUSED}.db"),
        }
    }
}

/// A record file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DayFile {
    pub(super) environment: String,
    pub(super) day: String,
    pub(super) class: Class,
    pub(super) path: PathBuf,
    /// Damaged, and kept apart for whoever wants to save something of it.
    pub(super) is_set_aside: bool,
}

impl DayFile {
    /// Bytes of it and of what SQLite keeps beside it.
    fn bytes(&self) -> u64 {
        let sizes = SUFFIXES.iter().map(|suffix| fs::metadata(self.with(suffix)).map_or(0, |m| m.len()));
        sizes.sum()
    }

    fn with(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    fn remove(&self) {
        for suffix in SUFFIXES {
            // Only the file itself has to be there.
            if fs::remove_file(self.with(suffix)).is_err() && suffix.is_empty() {
                tracing::warn!("A record file past its retention can't be removed.");
            }
        }
    }
}

/// Files of an environment, newest day first.
pub(super) fn files(folder: &Path, environment: &str) -> Vec<DayFile> {
    let entries = fs::read_dir(folder.join(environment)).into_iter().flatten().flatten();
    let file = |entry: fs::DirEntry| {
        let path = entry.path();
        let name = path.file_name()?.to_str()?;
        let (stem, is_set_aside) = match name.strip_suffix(".db") {
            Some(stem) => (stem, false),
            None => (name.split_once(BROKEN).filter(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()))?.0, true),
        };
        let (day, class) = match stem.strip_suffix(REFUSED) {
            Some(day) => (day, Class::Refused),
            None => (stem, Class::Passed),
        };
        Some(DayFile {
            environment: environment.to_owned(),
            day: day.to_owned(),
            class,
            path: path.clone(),
            is_set_aside,
        })
    };
    let mut files: Vec<DayFile> = entries.filter_map(file).collect();
    files.sort_by(|a, b| (&b.day, b.class).cmp(&(&a.day, a.class)));
    files
}

/// Renames a damaged file, with what SQLite keeps beside it, so that a new one can be made.
pub(super) fn set_aside(path: &Path) -> Result<(), StoreError> {
    let named = |n: u32| {
        let number = if n == 0 { String::new() } else { n.to_string() };
        let mut name = path.as_os_str().to_owned();
        name.push(format!("{}{number}", BROKEN.trim_start_matches(".db")));
        PathBuf::from(name)
    };
    let to = (0..BROKEN_MAX).map(named).find(|to| !to.exists()).unwrap_or_else(|| named(BROKEN_MAX));
    for suffix in SUFFIXES {
        let with = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            name
        };
        match fs::rename(with(path), with(&to)) {
            // Only the file itself has to be there.
            Err(error) if suffix.is_empty() => return Err(StoreError::File(error.kind())),
            _ => {}
        }
    }
    Ok(())
}

fn all_files(folder: &Path) -> Vec<DayFile> {
    let environments = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = environments.filter_map(|e| e.file_name().into_string().ok());
    names.flat_map(|name| files(folder, &name)).collect()
}

/// Removes what is older than it may be at `now_ms`; gives what was removed.
pub(super) fn expire(folder: &Path, keep: &Keep, now_ms: u64) -> Vec<PathBuf> {
    let is_old = |file: &DayFile| {
        let days = keep.environments.get(&file.environment).unwrap_or(&keep.days);
        let days = match file.class {
            Class::Passed => days.passed,
            Class::Refused => days.refused,
        };
        file.day < crate::clock::day(now_ms.saturating_sub(u64::from(days) * 86_400_000))
    };
    let old: Vec<DayFile> = all_files(folder).into_iter().filter(is_old).collect();
    old.iter().for_each(DayFile::remove);
    old.into_iter().map(|file| file.path).collect()
}

/// Removes the oldest days until all files are within the limit, but never those of `today`; gives what was removed, and
/// whether they are within it now. Days of the future, which a wrong clock left, go behind those of the past.
pub(super) fn make_room(folder: &Path, bytes_max: u64, today: &str) -> (Vec<PathBuf>, bool) {
    let mut files: Vec<(DayFile, u64)> = all_files(folder)
        .into_iter()
        .map(|file| {
            let bytes = file.bytes();
            (file, bytes)
        })
        .collect();
    let age = |file: &DayFile| (file.day.as_str() > today, file.day.clone(), file.path.clone());
    files.sort_by_cached_key(|(file, _)| age(file));
    let mut total: u64 = files.iter().map(|(_, bytes)| bytes).sum();
    let mut removed = Vec::new();
    for (file, bytes) in files {
        if total <= bytes_max {
            break;
        }
        if file.day == today {
            continue;
        }
        if file.day.as_str() > today {
            tracing::warn!(
                day = file.day,
                "Records are over disk_bytes_max: a day that lies in the future is removed. The clock was wrong, or is."
            );
        } else {
            tracing::warn!(day = file.day, "Records are over disk_bytes_max: the oldest day is removed.");
        }
        file.remove();
        total = total.saturating_sub(bytes);
        removed.push(file.path);
    }
    (removed, total <= bytes_max)
}

/// Notices when the wall clock moves otherwise than time does.
#[derive(Debug)]
pub(crate) struct ClockWatch {
    begun: Instant,
    begun_ms: u64,
}

impl ClockWatch {
    /// From now on.
    pub(crate) fn new(now: Instant, wall_ms: u64) -> Self {
        Self { begun: now, begun_ms: wall_ms }
    }

    /// Whether the wall clock is where it has to be, give or take an hour: drift and leap seconds are no jump.
    pub(crate) fn is_right(&self, now: Instant, wall_ms: u64) -> bool {
        let passed = now.saturating_duration_since(self.begun);
        let wanted = self.begun_ms.saturating_add(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX));
        Duration::from_millis(wanted.abs_diff(wall_ms)) <= JUMP
    }
}

const REFUSED: &str = ".refused";
/// Behind the day of a damaged file; a number follows where there is one already.
const BROKEN: &str = ".db.broken";
/// Damaged files of one day that are kept; the last is written over.
const BROKEN_MAX: u32 = 9;
/// What SQLite keeps beside a database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];
const JUMP: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn touch(folder: &Path, environment: &str, name: &str, bytes: usize) {
        fs::create_dir_all(folder.join(environment)).expect("folder");
        fs::write(folder.join(environment).join(name), vec![0; bytes]).expect("writes");
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = all_files(folder)
            .iter()
            .map(|f| format!("{}/{}", f.environment, f.path.file_name().expect("name").to_string_lossy()))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn each_environment_and_class_is_kept_for_its_own_time() {
        let folder = tempfile::tempdir().expect("folder");
        let now = 20_000 * DAY_MS;
        let day = |ago: u64| crate::clock::day(now - ago * DAY_MS);
        for environment in ["a", "b"] {
            for ago in [0, 2, 5, 20] {
                touch(folder.path(), environment, &Class::Passed.file_name(&day(ago)), 1);
                touch(folder.path(), environment, &Class::Refused.file_name(&day(ago)), 1);
            }
        }
        let mut keep = Keep { days: Days { passed: 3, refused: 10 }, ..Keep::days(0) };
        keep.environments.insert("b".to_owned(), Days { passed: 1, refused: 30 });
        expire(folder.path(), &keep, now);
        let mut wanted: Vec<String> =
            [("a", 0, false), ("a", 2, false), ("a", 0, true), ("a", 2, true), ("a", 5, true)]
                .into_iter()
                .chain([("b", 0, false), ("b", 0, true), ("b", 2, true), ("b", 5, true), ("b", 20, true)])
                .map(|(environment, ago, refused)| {
                    let class = if refused { Class::Refused } else { Class::Passed };
                    format!("{environment}/{}", class.file_name(&day(ago)))
                })
                .collect();
        wanted.sort();
        assert_eq!(names(folder.path()), wanted);
    }

    #[test]
    fn over_the_limit_the_oldest_days_go_and_never_todays() {
        let folder = tempfile::tempdir().expect("folder");
        for (name, bytes) in [
            ("2026-01-01.db", 100),
            ("2026-01-02.db", 100),
            ("2026-01-03.db", 100),
            ("2026-01-03.refused.db", 50),
        ] {
            touch(folder.path(), "a", name, bytes);
        }
        touch(folder.path(), "a", "2026-01-01.db-wal", 40);
        let (removed, fits) = make_room(folder.path(), 250, "2026-01-03");
        assert_eq!((removed.len(), fits), (1, true), "the log beside a file counts and goes with it");
        assert!(!folder.path().join("a/2026-01-01.db-wal").exists());
        let (removed, fits) = make_room(folder.path(), 149, "2026-01-03");
        assert_eq!((removed.len(), fits), (1, false), "what is left is of today");
        assert_eq!(names(folder.path()), ["a/2026-01-03.db", "a/2026-01-03.refused.db"]);
    }

    #[test]
    fn a_day_of_the_future_costs_today_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["2026-01-01.db", "2026-01-02.db", "2099-01-01.db", "2099-01-02.db"] {
            touch(folder.path(), "a", name, 100);
        }
        assert!(make_room(folder.path(), 300, "2026-01-02").1);
        assert_eq!(names(folder.path()), ["a/2026-01-02.db", "a/2099-01-01.db", "a/2099-01-02.db"]);
        assert!(make_room(folder.path(), 150, "2026-01-02").1);
        assert_eq!(names(folder.path()), ["a/2026-01-02.db"]);
        assert_eq!(make_room(folder.path(), 50, "2026-01-02"), (Vec::new(), false));
    }

    #[test]
    fn a_clock_that_jumps_by_more_than_an_hour_is_noticed_and_so_is_its_return() {
        let (now, wall) = (Instant::now(), 1_000_000 * DAY_MS);
        let watch = ClockWatch::new(now, wall);
        let later = now + Duration::from_secs(600);
        let is_right = |offset_ms: i64| {
            watch.is_right(later, (wall + 600_000).checked_add_signed(offset_ms).expect("a time"))
        };
        let hour = 3_600_000;
        assert!(is_right(0) && is_right(hour) && is_right(-hour));
        assert!(
            !is_right(hour + 1) && !is_right(-hour - 1) && !is_right(i64::try_from(DAY_MS).expect("small"))
        );
    }
}
