//! Every metric: a field and a doc line each, made once and handed down.
//!
//! Data threads count in plain per-thread cells ([`Cells`]) that no other thread writes; a scrape sums them. Labels are
//! enums or names from the configuration, so that their number is known; small counts name people, so findings are
//! counted by environment, kind and decision, never by connection. Replies of upstreams are: that one came, when and with
//! which status says nothing of what was found in it or in what it answers.

use super::{certificates, upstreams};
use crate::forward::{ForwardCounters, Upstream};
use crate::identify::Fetched;
use crate::inspect::finding::{Counted, MadeUp, Person, UninspectedReason};
use crate::inspect::kind::Kind;
use crate::listen::tls::TlsFront;
use crate::reason::Reason;
use crate::timed::{BOUNDS, Times};
use prometheus::proto::{Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder, TextEncoder};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Forwarded to the upstream.
    Forwarded,
    /// Forwarded, though the policy would refuse it: shadow mode.
    WouldRefuse,
    /// Refused.
    Refused,
    /// The upstream has the request, and its reply was withheld.
    Withheld,
    /// Neither: the gateway or the upstream failed.
    Failed,
    /// About the gateway itself, which answered: `OPTIONS *`.
    Answered,
}

impl Outcome {
    /// Every one, in order.
    pub const ALL: &[Self] =
        &[Self::Forwarded, Self::WouldRefuse, Self::Refused, Self::Withheld, Self::Failed, Self::Answered];

    /// The word, as in labels and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::WouldRefuse => "would_refuse",
            Self::Refused => "refused",
            Self::Withheld => "withheld",
            Self::Failed => "failed",
            Self::Answered => "answered",
        }
    }
}

/// The stages that are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the whole body of a held message.
    Hold,
    /// Inspecting it.
    Inspect,
    /// From forwarding to the reply's head.
    Forward,
    /// The whole message, to the reply's head.
    Total,
}

impl Stage {
    const ALL: &[Self] = &[Self::Hold, Self::Inspect, Self::Forward, Self::Total];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Inspect => "inspect",
            Self::Forward => "forward",
            Self::Total => "total",
        }
    }
}

/// One data thread's counters.
pub struct Cells {
    environments: Vec<EnvironmentCells>,
    unresolved: EnvironmentCells,
    stages: Vec<Times>,
}

struct EnvironmentCells {
    name: Arc<str>,
    requests: Vec<AtomicU64>,
    reasons: Vec<AtomicU64>,
    findings: Vec<AtomicU64>,
    suppressed: Vec<AtomicU64>,
    /// What rules in shadow found, by rule: few are, and where none found anything nothing is locked.
    shadow: Mutex<BTreeMap<Arc<str>, u64>>,
    uninspected: Vec<AtomicU64>,
    declared: AtomicU64,
    listed: AtomicU64,
    known_real: AtomicU64,
    scanned: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
}

/// All metrics of the process.
#[derive(Default)]
pub struct Metrics {
    pools: Mutex<Vec<Arc<ForwardCounters>>>,
    threads: Mutex<Vec<Arc<Cells>>>,
    /// Configurations taken over.
    pub reloads: AtomicU64,
    /// Configurations refused: the old one stayed.
    pub reload_failures: AtomicU64,
    /// 1 while the running configuration is the file's, 0 after a refused reload.
    pub config_current: AtomicU64,
    /// 1 while keys, people, suppressions, sealing and assets are those of the control file, 0 while some can't be taken over.
    pub control_current: AtomicU64,
    /// Keys that are known.
    pub keys: AtomicU64,
    /// Sockets of other processes that listen on ports of ours.
    pub foreign_listeners: AtomicU64,
}

/// Numbers that other parts keep, as a scrape finds them.
#[derive(Debug, Clone, Default)]
pub struct Others {
    /// Records made durable.
    pub records_written: u64,
    /// Records dropped because the queue was full.
    pub records_dropped_queue: u64,
    /// Records dropped because the store failed.
    pub records_dropped_store: u64,
    /// Records that wait.
    pub queue_records: u64,
    /// Their bytes.
    pub queue_bytes: u64,
    /// Open connections.
    pub connections: u64,
    /// What befell connections, each with its word.
    pub connection_events: Vec<(&'static str, u64)>,
    /// Bytes of bodies held now.
    pub held_bytes: u64,
    /// Tuples of test people that are listed.
    pub listed_tuples: u64,
    /// Fingerprints that are asked.
    pub fingerprints: u64,
    /// Notes of people that were not kept, and fingerprints that were not taken.
    pub people_dropped: (u64, u64),
    /// Records whose originals were sealed, and those whose originals couldn't be.
    pub originals: (u64, u64),
    /// Signed ends of the audit that those who are told didn't take.
    pub anchor_failures: u64,
    /// Exports of records that the store broke off.
    pub exports_failed: u64,
    /// Requests of the admin side without a token that holds.
    pub admin_unauthorized: u64,
    /// Lines of the access log that were dropped.
    pub access_dropped: u64,
    /// The TLS of each listener that has it.
    pub fronts: Vec<(Arc<str>, Arc<TlsFront>)>,
    /// Every upstream of the running configuration.
    pub upstreams: Vec<Upstream>,
    /// Every issuer of tokens.
    pub issuers: Vec<Fetched>,
}

impl Metrics {
    /// A new data thread's counters, for these environments.
    #[must_use]
    pub fn thread(&self, environments: &[Arc<str>]) -> Arc<Cells> {
        let cells = Arc::new(Cells {
            environments: environments.iter().map(|name| EnvironmentCells::new(name.clone())).collect(),
            unresolved: EnvironmentCells::new(Arc::from(crate::org::UNRESOLVED)),
            stages: Stage::ALL.iter().map(|_| Times::default()).collect(),
        });
        lock(&self.threads).push(cells.clone());
        cells
    }

    /// Takes the counters of a new data thread's pool.
    pub fn pool(&self, counters: Arc<ForwardCounters>) {
        lock(&self.pools).push(counters);
    }

    /// The text of `/metrics`.
    #[must_use]
    pub fn text(&self, others: Others, rules: &str) -> String {
        let threads = lock(&self.threads).clone();
        let mut families = by_environment(&threads);
        families.push(stages(&threads));
        let pools = lock(&self.pools).clone();
        families.extend(super::process::families());
        families.extend(upstreams::pools(&pools));
        families.extend(upstreams::replies(&pools, &others.upstreams));
        families.extend(upstreams::endpoints(&others.upstreams));
        families.extend(upstreams::issuers(&others.issuers));
        families.extend(certificates::ends(&others.fronts, &others.upstreams));
        let plain = |name: &str, help: &str, kind, value: u64| {
            family(name, help, kind, vec![metric(&[], kind, value as f64)])
        };
        let counter = MetricType::COUNTER;
        let gauge = MetricType::GAUGE;
        families.extend([
            plain("phigate_records_written_total", "Records made durable.", counter, others.records_written),
            family(
                "phigate_records_dropped_total",
                "Records that were not kept.",
                counter,
                vec![
                    metric(&[("reason", "queue_full")], counter, others.records_dropped_queue as f64),
                    metric(&[("reason", "store")], counter, others.records_dropped_store as f64),
                ],
            ),
            plain(
                "phigate_record_queue_records",
                "Records that wait to be written.",
                gauge,
                others.queue_records,
            ),
            plain(
                "phigate_record_queue_bytes",
                "Bytes of records that wait to be written.",
                gauge,
                others.queue_bytes,
            ),
            plain("phigate_connections", "Open connections of callers.", gauge, others.connections),
            family(
                "phigate_connection_events_total",
                "Connections accepted, turned away over the limit, closed at a time limit; failures to accept.",
                counter,
                others
                    .connection_events
                    .iter()
                    .filter(|(event, _)| !event.is_empty())
                    .map(|(event, value)| metric(&[("event", event)], counter, *value as f64))
                    .collect(),
            ),
            plain("phigate_held_bytes", "Bytes of bodies held for judgement.", gauge, others.held_bytes),
            plain(
                "phigate_registry_tuples",
                "Tuples of approved test people that have not expired.",
                gauge,
                others.listed_tuples,
            ),
            plain("phigate_fingerprints", "Fingerprints that are asked.", gauge, others.fingerprints),
            family(
                "phigate_people_dropped_total",
                "Notes of people that were not kept (notes), fingerprints that found their filter full (fingerprints).",
                counter,
                vec![
                    metric(&[("what", "fingerprints")], counter, others.people_dropped.1 as f64),
                    metric(&[("what", "notes")], counter, others.people_dropped.0 as f64),
                ],
            ),
            family(
                "phigate_originals_total",
                "Records whose originals were sealed, and those that were kept without because they could not be.",
                counter,
                vec![
                    metric(&[("outcome", "failed")], counter, others.originals.1 as f64),
                    metric(&[("outcome", "sealed")], counter, others.originals.0 as f64),
                ],
            ),
            plain(
                "phigate_audit_anchor_failures_total",
                "Signed ends of the audit that the anchor file, an endpoint or a syslog did not take; they are tried again.",
                counter,
                others.anchor_failures,
            ),
            plain(
                "phigate_exports_failed_total",
                "Exports of records that were broken off because the store failed.",
                counter,
                others.exports_failed,
            ),
            plain(
                "phigate_admin_unauthorized_total",
                "Requests of the admin side that had no token, or none that holds.",
                counter,
                others.admin_unauthorized,
            ),
            plain(
                "phigate_access_log_dropped_total",
                "Lines of the access log that were dropped, or could not be written.",
                counter,
                others.access_dropped,
            ),
            plain(
                "phigate_log_lines_lost_total",
                "Lines of the program's own log that could not be written.",
                counter,
                super::log::lost(),
            ),
            plain(
                "phigate_foreign_listeners",
                "Sockets of other processes that listen on ports of this one, and get a share of its connections.",
                gauge,
                self.foreign_listeners.load(Relaxed),
            ),
            plain("phigate_keys", "API keys that are known and not revoked.", gauge, self.keys.load(Relaxed)),
            family(
                "phigate_config_reloads_total",
                "Configurations taken over (ok) or refused (failed: the old one stays).",
                counter,
                vec![
                    metric(&[("result", "ok")], counter, self.reloads.load(Relaxed) as f64),
                    metric(&[("result", "failed")], counter, self.reload_failures.load(Relaxed) as f64),
                ],
            ),
            plain(
                "phigate_config_current",
                "1 while the running configuration is the file's.",
                gauge,
                self.config_current.load(Relaxed),
            ),
            plain(
                "phigate_control_current",
                "1 while keys, people, suppressions, sealing and assets are as they were last changed, 0 while some of it can't be taken over.",
                gauge,
                self.control_current.load(Relaxed),
            ),
            family(
                "phigate_build_info",
                "Version of the program and of its rule set.",
                gauge,
                vec![metric(&[("rules", rules), ("version", env!("CARGO_PKG_VERSION"))], gauge, 1.0)],
            ),
        ]);
        families.retain(|f| !f.get_metric().is_empty());
        families.sort_by(|a, b| a.name().cmp(b.name()));
        let mut out = Vec::new();
        // Writing to memory doesn't fail; an empty text would show in the scrape.
        let _ = TextEncoder::new().encode(&families, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

impl Cells {
    fn of(&self, environment: Option<&str>) -> &EnvironmentCells {
        environment
            .and_then(|name| self.environments.iter().find(|e| &*e.name == name))
            .unwrap_or(&self.unresolved)
    }

    /// Counts a message; `environment` is `None` where none was resolved.
    pub fn message(
        &self,
        environment: Option<&str>,
        outcome: Outcome,
        reason: Option<Reason>,
        request: u64,
        response: u64,
    ) {
        let cells = self.of(environment);
        bump(&cells.requests, outcome as usize, 1);
        if let Some(reason) = reason {
            bump(&cells.reasons, reason as usize, 1);
        }
        cells.request_bytes.fetch_add(request, Relaxed);
        cells.response_bytes.fetch_add(response, Relaxed);
    }

    /// Counts what inspection told of a message.
    pub fn inspected(
        &self,
        environment: &str,
        refused: bool,
        findings: &crate::inspect::Findings,
        mismatch: bool,
    ) {
        let cells = self.of(Some(environment));
        let half = if refused { Kind::ALL.len() } else { 0 };
        for finding in &findings.findings {
            match finding.counted {
                Counted::Suppressed => bump(&cells.suppressed, finding.kind as usize, 1),
                Counted::Shadow => *lock(&cells.shadow).entry(finding.rule.clone()).or_default() += 1,
                _ if finding.person.is_some() => bump(&cells.findings, half + finding.kind as usize, 1),
                _ => {}
            }
        }
        for unread in &findings.uninspected {
            bump(&cells.uninspected, unread.reason as usize, 1);
        }
        let people = |pick: fn(&Person) -> bool| findings.persons.iter().filter(|p| pick(p)).count() as u64;
        cells.listed.fetch_add(people(|p| p.made_up == Some(MadeUp::Listed)), Relaxed);
        cells.known_real.fetch_add(people(|p| p.known_real), Relaxed);
        cells.declared.fetch_add(u64::from(mismatch), Relaxed);
        cells.scanned.fetch_add(findings.scanned_bytes, Relaxed);
    }

    /// Counts a stage's time.
    pub fn time(&self, stage: Stage, took: Duration) {
        if let Some(times) = self.stages.get(stage as usize) {
            times.took(took);
        }
    }
}

impl EnvironmentCells {
    fn new(name: Arc<str>) -> Self {
        Self {
            name,
            requests: zeros(Outcome::ALL.len()),
            reasons: zeros(Reason::ALL.len()),
            findings: zeros(2 * Kind::ALL.len()),
            suppressed: zeros(Kind::ALL.len()),
            shadow: Mutex::default(),
            uninspected: zeros(UninspectedReason::ALL.len()),
            declared: AtomicU64::new(0),
            listed: AtomicU64::new(0),
            known_real: AtomicU64::new(0),
            scanned: AtomicU64::new(0),
            request_bytes: AtomicU64::new(0),
            response_bytes: AtomicU64::new(0),
        }
    }
}

fn by_environment(threads: &[Arc<Cells>]) -> Vec<MetricFamily> {
    let counter = MetricType::COUNTER;
    let mut names: Vec<Arc<str>> = Vec::new();
    for cells in threads.iter().flat_map(|t| t.environments.iter().chain([&t.unresolved])) {
        if !names.contains(&cells.name) {
            names.push(cells.name.clone());
        }
    }
    let sum = |name: &str, pick: &dyn Fn(&EnvironmentCells) -> u64| -> u64 {
        threads
            .iter()
            .flat_map(|t| t.environments.iter().chain([&t.unresolved]))
            .filter(|c| &*c.name == name)
            .map(pick)
            .sum()
    };
    let at = |cells: &[AtomicU64], i: usize| cells.get(i).map_or(0, |c| c.load(Relaxed));
    let mut requests = Vec::new();
    let mut refusals = Vec::new();
    let (mut findings, mut suppressed) = (Vec::new(), Vec::new());
    let (mut uninspected, mut shadow) = (Vec::new(), Vec::new());
    let (mut declared, mut scanned, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    let mut people = Vec::new();
    for name in &names {
        for outcome in Outcome::ALL {
            let value = sum(name, &|c| at(&c.requests, *outcome as usize));
            requests.push(metric(
                &[("decision", outcome.as_str()), ("environment", name)],
                counter,
                value as f64,
            ));
        }
        for reason in Reason::ALL {
            // Zeros, too: who alerts on a rise sees the first one.
            let value = sum(name, &|c| at(&c.reasons, *reason as usize));
            refusals.push(metric(
                &[("environment", name), ("reason", reason.as_str())],
                counter,
                value as f64,
            ));
        }
        for kind in Kind::ALL {
            let value = sum(name, &|c| at(&c.suppressed, *kind as usize));
            if value > 0 {
                let labels = [("environment", &**name), ("kind", kind.as_str())];
                suppressed.push(metric(&labels, counter, value as f64));
            }
            for (half, word) in [(0, "passed"), (Kind::ALL.len(), "refused")] {
                let value = sum(name, &|c| at(&c.findings, half + *kind as usize));
                if value > 0 {
                    let labels = [("decision", word), ("environment", &**name), ("kind", kind.as_str())];
                    findings.push(metric(&labels, counter, value as f64));
                }
            }
        }
        let mut by_rule: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        let all = threads.iter().flat_map(|t| t.environments.iter().chain([&t.unresolved]));
        for cells in all.filter(|c| c.name == *name) {
            lock(&cells.shadow).iter().for_each(|(rule, n)| *by_rule.entry(rule.clone()).or_default() += n);
        }
        for (rule, value) in by_rule {
            shadow.push(metric(&[("environment", name), ("rule", &rule)], counter, value as f64));
        }
        for reason in UninspectedReason::ALL {
            let value = sum(name, &|c| at(&c.uninspected, *reason as usize));
            uninspected.push(metric(
                &[("environment", name), ("reason", reason.as_str())],
                counter,
                value as f64,
            ));
        }
        let one = |value: u64| metric(&[("environment", name)], counter, value as f64);
        for (standing, value) in [
            ("known_real", sum(name, &|c| c.known_real.load(Relaxed))),
            ("listed", sum(name, &|c| c.listed.load(Relaxed))),
        ] {
            people.push(metric(&[("environment", name), ("standing", standing)], counter, value as f64));
        }
        declared.push(one(sum(name, &|c| c.declared.load(Relaxed))));
        scanned.push(one(sum(name, &|c| c.scanned.load(Relaxed))));
        for (direction, value) in [
            ("request", sum(name, &|c| c.request_bytes.load(Relaxed))),
            ("response", sum(name, &|c| c.response_bytes.load(Relaxed))),
        ] {
            bytes.push(metric(&[("direction", direction), ("environment", name)], counter, value as f64));
        }
    }
    vec![
        family(
            "phigate_requests_total",
            "Messages by environment and what became of them.",
            counter,
            requests,
        ),
        family(
            "phigate_refusals_total",
            "Messages refused or failed (in shadow mode: that would be), by reason.",
            counter,
            refusals,
        ),
        family(
            "phigate_findings_total",
            "Detections by kind, and what became of their message.",
            counter,
            findings,
        ),
        family(
            "phigate_suppressed_findings_total",
            "Detections that counted for nothing by a suppression, by kind.",
            counter,
            suppressed,
        ),
        family(
            "phigate_shadow_findings_total",
            "What rules in shadow found, by rule: it counted for nothing.",
            counter,
            shadow,
        ),
        family("phigate_uninspected_total", "What stayed unread, by reason.", counter, uninspected),
        family(
            "phigate_declared_mode_mismatches_total",
            "Messages whose declared mode isn't the environment's.",
            counter,
            declared,
        ),
        family(
            "phigate_known_people_total",
            "People that the registry of test people lists, or that agree with a fingerprint of production.",
            counter,
            people,
        ),
        family(
            "phigate_scanned_bytes_total",
            "Bytes that were inspected, decoded ones too.",
            counter,
            scanned,
        ),
        family("phigate_body_bytes_total", "Bytes of bodies, by direction.", counter, bytes),
    ]
}

fn stages(threads: &[Arc<Cells>]) -> MetricFamily {
    let metrics = Stage::ALL
        .iter()
        .map(|stage| {
            let times = threads.iter().filter_map(|t| t.stages.get(*stage as usize));
            histogram(&[("stage", stage.as_str())], &times.collect::<Vec<_>>())
        })
        .collect();
    family(
        "phigate_stage_duration_seconds",
        "Time of a message in each stage.",
        MetricType::HISTOGRAM,
        metrics,
    )
}

/// The times of all threads together.
pub(super) fn histogram(labels: &[(&str, &str)], times: &[&Times]) -> Metric {
    let in_bucket = |at: usize| times.iter().map(|times| times.in_bucket(at)).sum::<u64>();
    let mut histogram = Histogram::default();
    let mut cumulative = 0;
    let mut buckets = Vec::with_capacity(BOUNDS.len());
    for (at, bound) in BOUNDS.iter().enumerate() {
        cumulative += in_bucket(at);
        let mut bucket = prometheus::proto::Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(cumulative);
        buckets.push(bucket);
    }
    histogram.set_sample_count(cumulative + in_bucket(BOUNDS.len()));
    histogram.set_sample_sum(times.iter().map(|times| times.sum_ns()).sum::<u64>() as f64 / 1e9);
    histogram.set_bucket(buckets);
    let mut metric = metric(labels, MetricType::HISTOGRAM, 0.0);
    metric.set_histogram(histogram);
    metric
}

pub(super) fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

pub(super) fn metric(labels: &[(&str, &str)], kind: MetricType, value: f64) -> Metric {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    let mut metric = Metric::default();
    metric.set_label(labels.iter().map(pair).collect());
    match kind {
        MetricType::COUNTER => {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        }
        MetricType::GAUGE => {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        _ => {}
    }
    metric
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn zeros(n: usize) -> Vec<AtomicU64> {
    (0..n).map(|_| AtomicU64::new(0)).collect()
}

fn bump(cells: &[AtomicU64], at: usize, by: u64) {
    if let Some(cell) = cells.get(at) {
        cell.fetch_add(by, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_sums_the_threads() {
        let metrics = Metrics::default();
        let names = [Arc::from("staging")];
        let (one, two) = (metrics.thread(&names), metrics.thread(&names));
        one.message(Some("staging"), Outcome::Refused, Some(Reason::LikelyPhi), 10, 2);
        two.message(Some("staging"), Outcome::Refused, Some(Reason::LikelyPhi), 10, 2);
        two.message(None, Outcome::Refused, Some(Reason::EnvironmentUnknown), 0, 0);
        one.time(Stage::Inspect, Duration::from_micros(20));
        let text = metrics.text(Others::default(), "abc");
        assert!(
            text.contains("phigate_requests_total{decision=\"refused\",environment=\"staging\"} 2"),
            "{text}"
        );
        assert!(
            text.contains(
                "phigate_refusals_total{environment=\"unresolved\",reason=\"environment_unknown\"} 1"
            )
        );
        assert!(text.contains("phigate_stage_duration_seconds_count{stage=\"inspect\"} 1"));
        assert!(text.contains("rules=\"abc\""));
    }

    #[test]
    fn what_is_alerted_on_is_there_before_its_first_event() {
        let metrics = Metrics::default();
        let _cells = metrics.thread(&[Arc::from("staging")]);
        let text = metrics.text(Others::default(), "abc");
        for line in [
            "phigate_refusals_total{environment=\"staging\",reason=\"likely_phi\"} 0",
            "phigate_refusals_total{environment=\"unresolved\",reason=\"environment_unknown\"} 0",
            "phigate_uninspected_total{environment=\"staging\",reason=\"opaque_type\"} 0",
            "phigate_log_lines_lost_total ",
            "process_resident_memory_bytes ",
            "process_open_fds ",
            "process_max_fds ",
            "process_cpu_seconds_total ",
            "process_start_time_seconds 1",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
