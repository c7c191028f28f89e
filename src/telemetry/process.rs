//! What the system tells of this process, by the names that Prometheus' own clients use. Read at a scrape; where the
//! system tells nothing (no `/proc`), there is nothing.

use super::metrics::{family, metric};
use prometheus::proto::{MetricFamily, MetricType};
use rustix::process::{Resource, getrlimit};
use std::fs;

/// Memory, open files, start and processor time.
pub(super) fn families() -> Vec<MetricFamily> {
    let plain = |name: &str, help: &str, kind, value: Option<f64>| {
        value.map(|value| family(name, help, kind, vec![metric(&[], kind, value)]))
    };
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let memory = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let (gauge, counter) = (MetricType::GAUGE, MetricType::COUNTER);
    [
        plain(
            "process_resident_memory_bytes",
            "Memory that the process has in use, bytes.",
            gauge,
            kib(&memory, "VmRSS:"),
        ),
        plain(
            "process_virtual_memory_bytes",
            "Memory that the process has mapped, bytes.",
            gauge,
            kib(&memory, "VmSize:"),
        ),
        plain("process_open_fds", "Open files and sockets.", gauge, open_files()),
        plain(
            "process_max_fds",
            "Open files and sockets that the process may have.",
            gauge,
            getrlimit(Resource::Nofile).current.map(|max| max as f64),
        ),
        plain(
            "process_cpu_seconds_total",
            "Processor time of the process, seconds.",
            counter,
            ticks(&stat, USER_TIME).zip(ticks(&stat, SYSTEM_TIME)).map(|(user, system)| user + system),
        ),
        plain(
            "process_start_time_seconds",
            "When the process started, Unix seconds.",
            gauge,
            booted().zip(ticks(&stat, START_TIME)).map(|(booted, after)| booted + after),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A line of `/proc/self/status` in KiB, as bytes.
fn kib(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok().map(|kib: f64| kib * 1024.0)
}

/// A field of `/proc/self/stat` (proc(5), counted from 1) in seconds. The second one, a name, may hold blanks.
fn ticks(stat: &str, field: usize) -> Option<f64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let ticks: f64 = behind.split_whitespace().nth(field.checked_sub(3)?)?.parse().ok()?;
    Some(ticks / TICKS_PER_SECOND)
}

fn open_files() -> Option<f64> {
    // Without the one that it is counted by.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
}

/// When the system started, Unix seconds.
fn booted() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

const USER_TIME: usize = 14;
const SYSTEM_TIME: usize = 15;
const START_TIME: usize = 22;
/// What Linux tells programs, whatever it runs at itself.
const TICKS_PER_SECOND: f64 = 100.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_counted_behind_a_name_of_any_kind() {
        let stat = "7 (a) b c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 3 0 1234 99 100";
        assert_eq!(ticks(stat, USER_TIME), Some(2.5));
        assert_eq!(ticks(stat, SYSTEM_TIME), Some(0.5));
        assert_eq!(ticks(stat, START_TIME), Some(12.34));
        assert_eq!(ticks("", USER_TIME), None);
        assert_eq!(kib("Name:\tx\nVmRSS:\t    12 kB\n", "VmRSS:"), Some(12288.0));
    }
}
