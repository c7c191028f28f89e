//! Metrics of certificates that the configuration names: when they end.

use super::metrics::{family, metric};
use crate::forward::Upstream;
use crate::listen::tls::TlsFront;
use prometheus::proto::{Metric, MetricFamily, MetricType};
use std::sync::Arc;

/// Those of listeners, and those that are shown to upstreams.
pub(super) fn ends(fronts: &[(Arc<str>, Arc<TlsFront>)], upstreams: &[Upstream]) -> Vec<MetricFamily> {
    let gauge = MetricType::GAUGE;
    let mut listeners: Vec<Metric> = Vec::new();
    for (listener, front) in fronts {
        for held in front.certificates().iter() {
            let labels = [("certificate", &*held.name), ("listener", &**listener)];
            listeners.extend(held.validity.map(|v| metric(&labels, gauge, v.not_after as f64)));
        }
    }
    let ours = |upstream: &Upstream| {
        // All endpoints of an upstream have the same.
        let validity = upstream.endpoints.first()?.tls.as_ref()?.certificate()?.validity?;
        Some(metric(&[("connection", &*upstream.name)], gauge, validity.not_after as f64))
    };
    vec![
        family(
            "phigate_certificate_expiry_timestamp_seconds",
            "When a listener's certificate ends, Unix time; by its first DNS name, or its place in the listener's list.",
            gauge,
            listeners,
        ),
        family(
            "phigate_upstream_certificate_expiry_timestamp_seconds",
            "When the certificate ends that a connection shows its upstream, Unix time.",
            gauge,
            upstreams.iter().filter_map(ours).collect(),
        ),
    ]
}
