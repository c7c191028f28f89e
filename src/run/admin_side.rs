//! What the admin side is given of a running gateway.

use super::made::Fronts;
use crate::admin::{Admin, Originals, Quota, SignIns, Strangers};
use crate::audit::Audit;
use crate::config::Connection;
use crate::gateway::Shared;
use crate::listen::{ListenCounters, ListenTotals, Pulse};
use crate::org::{Flag, UNRESOLVED};
use crate::record::Recorder;
use crate::secrets::TokenKeys;
use crate::sign_in::Provider;
use crate::store::Control;
use crate::store::sqlite::Records;
use crate::store::wall_clock::WallClock;
use crate::telemetry::access::AccessLog;
use crate::telemetry::metrics::Others;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

pub(super) fn admin_side(
    shared: &Arc<Shared>,
    control: &Arc<Control>,
    (audit, clock): (Arc<Audit>, Arc<WallClock>),
    records: Records,
    draining: &Arc<AtomicBool>,
    (open, counters, pulse): (Arc<AtomicU64>, Vec<Arc<ListenCounters>>, Arc<Pulse>),
    (tokens, address, fronts): (TokenKeys, SocketAddr, Fronts),
) -> Admin {
    let (for_metrics, for_names, draining) = (shared.clone(), shared.clone(), draining.clone());
    let (for_roles, for_connections) = (shared.clone(), shared.clone());
    let (for_rules, for_covered) = (shared.clone(), shared.clone());
    let for_words = shared.clone();
    let (for_base, for_anchors) = (shared.clone(), audit.clone());
    let (for_notes, for_anchor_file) = (shared.clone(), audit.clone());
    let (set_aside, readers) = (records.set_aside(), records.clone());
    let exports_failed = Arc::new(AtomicU64::new(0));
    let for_exports = exports_failed.clone();
    let strangers = Arc::new(AtomicU64::new(0));
    let for_strangers = strangers.clone();
    let limits = shared.snapshot.load().config.search;
    Admin {
        records: Arc::new(records),
        control: control.clone(),
        audit,
        metrics: Box::new(move || {
            let stats = for_metrics.recorder.as_ref().map(Recorder::stats);
            let get = |pick: fn(&crate::record::RecordStats) -> &std::sync::atomic::AtomicU64| {
                stats.map_or(0, |s| pick(s).load(Relaxed))
            };
            let people = for_metrics.snapshot.load().people.clone();
            let mut listen = ListenTotals::default();
            counters.iter().for_each(|thread| listen.add(thread));
            let others = Others {
                connection_events: listen.events(),
                records_written: get(|s| &s.written),
                records_dropped_queue: get(|s| &s.dropped_queue),
                records_dropped_store: get(|s| &s.dropped_store),
                queue_records: get(|s| &s.queue_records),
                queue_bytes: get(|s| &s.queue_bytes),
                connections: open.load(Relaxed),
                held_bytes: for_metrics.held.in_use(),
                listed_tuples: people.listed_count() as u64,
                fingerprints: people.prints().count(),
                people_dropped: for_metrics.notebook.dropped(),
                exports_failed: for_exports.load(Relaxed),
                admin_unauthorized: for_strangers.load(Relaxed),
                anchor_failures: for_anchors.anchor_failures(),
                originals: for_metrics
                    .seals
                    .as_ref()
                    .map_or((0, 0), |s| (s.sealed.load(Relaxed), s.failed.load(Relaxed))),
                issuers: for_metrics.snapshot.load().fetched.clone(),
                fronts: fronts.clone(),
                upstreams: for_metrics.snapshot.load().routes.upstreams().cloned().collect(),
                access_dropped: for_metrics.access.as_ref().map_or(0, AccessLog::dropped),
            };
            let rules = for_metrics.snapshot.load().rules.base().version.clone();
            for_metrics.metrics.text(others, &rules)
        }),
        roles: Box::new(move || for_roles.snapshot.load().config.roles.clone()),
        tokens,
        quota: Quota::new(limits),
        notes: Box::new(move || {
            let is_behind = for_notes.metrics.control_current.load(Relaxed) == 0;
            let snapshot = for_notes.snapshot.load();
            // No reason to be unready: an upstream that waits for its gateway to be ready would wait for ever.
            let is_alone =
                snapshot.routes.upstreams().any(|u| !u.endpoints.iter().any(|e| e.state.is_available()));
            let others = [
                (
                    for_notes.recorder.as_ref().is_some_and(Recorder::is_failing),
                    "records are not taken: phigate_records_dropped_total, and the log says why",
                ),
                (
                    set_aside.load(Relaxed) > 0,
                    "a damaged record file was set aside (*.broken): records of its day can't be read",
                ),
                (
                    readers.damaged() > 0,
                    "a record file is damaged in part: what can't be read is left out, and the log says of which day",
                ),
                (
                    for_anchor_file.is_anchor_failing(),
                    "the end of the audit isn't written to its anchor file: phigate_audit_anchor_failures_total, and the log says why",
                ),
                (is_behind, "keys, people or assets that were changed can't be taken over: the log says why"),
                (
                    is_alone,
                    "an upstream has no endpoint that gets messages: phigate_upstream_endpoint_available",
                ),
            ];
            let others = others.into_iter().filter_map(|(holds, note)| holds.then_some(note));
            clock.is().note().into_iter().chain(others).collect()
        }),
        unready: Box::new(move || draining.load(Relaxed).then_some("draining")),
        dead: Box::new(move || (pulse.owed() >= OWED_MAX).then_some("a data thread takes no turns")),
        originals: Originals::new(shared.seals.clone(), shared.snapshot.load().config.break_glass.clone()),
        sign_in: shared
            .snapshot
            .load()
            .config
            .sign_in
            .clone()
            .map(|s| SignIns::new(Provider::new(s, address))),
        base: Box::new(move || for_base.snapshot.load().base.clone()),
        finds: Box::new(move |environment, rule| {
            let snapshot = for_rules.snapshot.load();
            let known = snapshot.config.environments.iter().find(|e| *e.name == *environment);
            known.is_some_and(|e| snapshot.rules.of(Some(&e.name)).finds(rule))
        }),
        rules: Box::new(move |environment| {
            let snapshot = for_words.snapshot.load();
            let known = snapshot.config.environments.iter().find(|e| *e.name == *environment);
            snapshot.rules.of(known.map(|e| &e.name)).clone()
        }),
        covered: Box::new(move |id| for_covered.snapshot.load().rules.covered(id)),
        exports_failed,
        strangers: Strangers::new(strangers),
        connections: Box::new(move || {
            let snapshot = for_connections.snapshot.load();
            let of = |c: &Arc<Connection>| (c.name.to_string(), c.environment.to_string());
            snapshot.config.connections.iter().map(of).collect()
        }),
        environments: Box::new(move || {
            for_names
                .snapshot
                .load()
                .config
                .environments
                .iter()
                .map(|e| (e.name.to_string(), e.flag))
                // Metadata is all that is kept there: no view depends on the flag.
                .chain([(UNRESOLVED.to_owned(), Flag::Production)])
                .collect()
        }),
    }
}

/// A data thread that has taken no turn for so long does no work any more. The longest that it works at a stretch is a piece
/// of a body, for milliseconds.
const OWED_MAX: Duration = Duration::from_secs(20);
