//! Metrics of what the gateway talks to: pools of all threads, each endpoint and each issuer of the configuration.

use super::metrics::{family, histogram, metric};
use crate::forward::{EndpointState, ForwardCounters, ReplyCounters, STATUSES, Upstream};
use crate::identify::{Fetched, KeySet};
use prometheus::proto::{MetricFamily, MetricType};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What the pools of all threads did.
pub(super) fn pools(pools: &[Arc<ForwardCounters>]) -> Vec<MetricFamily> {
    let sum = |pick: fn(&ForwardCounters) -> &AtomicU64| {
        pools.iter().map(|pool| pick(pool).load(Relaxed)).sum::<u64>() as f64
    };
    let counter = MetricType::COUNTER;
    let one = |how: &str, value| metric(&[("how", how)], counter, value);
    vec![
        family(
            "phigate_upstream_connections_total",
            "Connections to upstreams that messages were sent on: opened for one, or used again.",
            counter,
            vec![one("opened", sum(|p| &p.connected)), one("reused", sum(|p| &p.reused))],
        ),
        family(
            "phigate_upstream_retries_total",
            "Messages sent once more: a pooled connection was dead (same_endpoint), an endpoint failed (other_endpoint); \
             not sent once more, as the budget was spent (over_budget).",
            counter,
            vec![
                one("other_endpoint", sum(|p| &p.retried)),
                one("over_budget", sum(|p| &p.retries_over_budget)),
                one("same_endpoint", sum(|p| &p.sent_again)),
            ],
        ),
    ]
}

/// What came of messages to each upstream, of those that the configuration has no more, too: their totals stay.
pub(super) fn replies(pools: &[Arc<ForwardCounters>], upstreams: &[Upstream]) -> Vec<MetricFamily> {
    let counters: Vec<Arc<ReplyCounters>> = pools.iter().flat_map(|pool| pool.upstreams()).collect();
    // Those that had no message yet, too: who alerts on a rise sees the first one.
    let mut all: BTreeMap<&str, Vec<&ReplyCounters>> =
        upstreams.iter().map(|upstream| (&*upstream.name, Vec::new())).collect();
    counters.iter().for_each(|one| all.entry(&one.upstream).or_default().push(one));
    let (counter, gauge) = (MetricType::COUNTER, MetricType::GAUGE);
    let (mut came, mut took, mut under_way) = (Vec::new(), Vec::new(), Vec::new());
    for (connection, threads) in all {
        for (at, status) in STATUSES.iter().enumerate() {
            let count: u64 = threads.iter().map(|thread| thread.came(at)).sum();
            came.push(metric(&[("connection", connection), ("status", status)], counter, count as f64));
        }
        let times: Vec<_> = threads.iter().map(|thread| &thread.times).collect();
        took.push(histogram(&[("connection", connection)], &times));
        let now: u64 = threads.iter().map(|thread| u64::from(thread.under_way.now())).sum();
        under_way.push(metric(&[("connection", connection)], gauge, now as f64));
    }
    vec![
        family(
            "phigate_upstream_replies_total",
            "Messages sent by a connection, by the status of their reply; none: no connection was taken, or no reply came \
             that is one, in time. Once each, however often it was sent; not where its caller left or broke it off.",
            counter,
            came,
        ),
        family(
            "phigate_upstream_reply_seconds",
            "From sending a message to the head of its reply, with all tries of it.",
            MetricType::HISTOGRAM,
            took,
        ),
        family(
            "phigate_upstream_requests",
            "Messages on their way to an upstream, until the body of their reply ended.",
            gauge,
            under_way,
        ),
    ]
}

/// Keys of issuers of tokens.
pub(super) fn issuers(issuers: &[Fetched]) -> Vec<MetricFamily> {
    let each = |kind, value: fn(&KeySet) -> u64| {
        let one = |(issuer, keys): &Fetched| metric(&[("issuer", &*issuer.name)], kind, value(keys) as f64);
        issuers.iter().map(one).collect()
    };
    vec![
        family(
            "phigate_issuer_keys",
            "Public keys of an issuer that tokens are checked with: with 0 none is taken.",
            MetricType::GAUGE,
            each(MetricType::GAUGE, |keys| keys.count() as u64),
        ),
        family(
            "phigate_issuer_fetch_failures_total",
            "Fetches of an issuer's keys that gave none: the old ones stay.",
            MetricType::COUNTER,
            each(MetricType::COUNTER, |keys| keys.failures.load(Relaxed)),
        ),
    ]
}

/// Each endpoint, by names of the configuration.
pub(super) fn endpoints(upstreams: &[Upstream]) -> Vec<MetricFamily> {
    let each = |kind, value: fn(&EndpointState) -> f64| {
        let endpoints = upstreams.iter().flat_map(|u| u.endpoints.iter().map(move |e| (u, e)));
        let one = |(u, e): (&Upstream, &crate::forward::Endpoint)| {
            let labels = [("connection", &*u.name), ("endpoint", &e.authority())];
            metric(&labels, kind, value(&e.state))
        };
        endpoints.map(one).collect()
    };
    let (counter, gauge) = (MetricType::COUNTER, MetricType::GAUGE);
    vec![
        family(
            "phigate_upstream_endpoint_available",
            "1 while an endpoint gets messages: neither checks nor failures in a row speak against it.",
            gauge,
            each(gauge, |e| f64::from(u8::from(e.is_available()))),
        ),
        family(
            "phigate_upstream_endpoint_ejections_total",
            "How often an endpoint was left out for a while, as it kept failing.",
            counter,
            each(counter, |e| e.ejections.load(Relaxed) as f64),
        ),
        family(
            "phigate_upstream_endpoint_check_failures_total",
            "Health checks of an endpoint that failed.",
            counter,
            each(counter, |e| e.check_failures.load(Relaxed) as f64),
        ),
        family(
            "phigate_upstream_endpoint_lookup_failures_total",
            "Look-ups of an endpoint's name that gave no address: the old ones stay.",
            counter,
            each(counter, |e| e.lookup_failures.load(Relaxed) as f64),
        ),
    ]
}
