//! Active health checks: each endpoint of an upstream is asked in turn, by one thread, whether it is well.

use super::{Endpoint, ForwardError, OutBody, Outgoing, Upstream, connect::connect, outgoing::Fields};
use crate::background::{Background, Stopped};
use http::{HeaderName, HeaderValue, Method, StatusCode, header, uri::PathAndQuery};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How an upstream's endpoints are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is got.
    pub path: PathAndQuery,
    /// Between two questions. Default 5 000.
    pub interval_ms: u64,
    /// From the connection to the reply's head. Default 2 000.
    pub timeout_ms: u64,
    /// Answers in a row that are none, or no 2xx, until it gets no more messages. Default 3.
    pub unhealthy_after: u32,
    /// Good answers in a row until it gets messages again. Default 2.
    pub healthy_after: u32,
}

/// Starts the thread that asks; `upstreams` gives those of the configuration that runs now.
///
/// # Errors
/// The system's, where it has no thread to give.
pub fn check_health(upstreams: impl Fn() -> Vec<Upstream> + Send + 'static) -> std::io::Result<Background> {
    Background::start("health", |stopped| ask_all(upstreams, stopped))
}

async fn ask_all(upstreams: impl Fn() -> Vec<Upstream>, mut stopped: Stopped) {
    // Answers in a row, and when the next question is due, by connection and endpoint.
    let mut asked: HashMap<(Arc<str>, String), (Row, Instant)> = HashMap::new();
    loop {
        let now = Instant::now();
        let mut next = now + LOOK_AGAIN;
        let mut questions = Vec::new();
        let mut known = Vec::new();
        for upstream in upstreams() {
            let Some(check) = upstream.health_check.clone() else { continue };
            for endpoint in upstream.endpoints.iter() {
                let key = (upstream.name.clone(), endpoint.authority());
                known.push(key.clone());
                let (_, due) = asked.entry(key.clone()).or_insert_with(|| (Row::default(), now));
                if *due <= now {
                    *due = now + Duration::from_millis(check.interval_ms);
                    questions.push((key, upstream.clone(), endpoint.clone(), check.clone()));
                }
                next = next.min(*due);
            }
        }
        asked.retain(|key, _| known.contains(key));
        let answers = questions.into_iter().map(|(key, upstream, endpoint, check)| {
            tokio::task::spawn_local(async move {
                let is_well = match ask(&upstream, &endpoint, &check).await {
                    Err(ForwardError::NoRoom { .. }) => None, // it wasn't asked
                    answer => Some(answer.is_ok_and(|status| status.is_success())),
                };
                (key, endpoint, check, is_well)
            })
        });
        for answer in answers.collect::<Vec<_>>() {
            if let Ok((key, endpoint, check, Some(is_well))) = answer.await
                && let Some((row, _)) = asked.get_mut(&key)
            {
                row.take(is_well, &key.0, &endpoint, &check);
            }
        }
        tokio::select! {
            () = tokio::time::sleep_until(next.into()) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Answers in a row of one kind.
#[derive(Default)]
struct Row {
    well: bool,
    length: u32,
}

impl Row {
    fn take(&mut self, well: bool, connection: &str, endpoint: &Endpoint, check: &HealthCheck) {
        self.length = if self.well == well { self.length.saturating_add(1) } else { 1 };
        self.well = well;
        let state = &endpoint.state;
        let authority = || endpoint.authority();
        if !well {
            state.check_failures.fetch_add(1, Relaxed);
            if self.length >= check.unhealthy_after && state.checked(false) {
                tracing::warn!(
                    connection,
                    endpoint = authority(),
                    "An endpoint isn't well: it gets no messages."
                );
            }
        } else if self.length >= check.healthy_after && state.checked(true) {
            tracing::info!(connection, endpoint = authority(), "An endpoint is well again.");
        }
    }
}

/// One question, on a connection of its own: that one can be opened is part of the answer.
async fn ask(
    upstream: &Upstream,
    endpoint: &Endpoint,
    check: &HealthCheck,
) -> Result<StatusCode, ForwardError> {
    endpoint.refresh(Duration::from_millis(upstream.dns_refresh_ms));
    let mut fields = Fields::default();
    if let Some(host) = endpoint.host_value() {
        fields.set(header::HOST, host.clone());
    }
    fields.set(header::USER_AGENT, HeaderValue::from_static("phigate-health"));
    let secrets: &[(HeaderName, HeaderValue)] = &upstream.secret_headers;
    for (name, value) in secrets {
        fields.set(name.clone(), value.clone());
    }
    let (method, target, body) = (Method::GET, check.path.clone(), OutBody::empty());
    let message = Outgoing { method, target, fields, body };
    let upstream_name = || upstream.name.clone();
    let late = || ForwardError::HeadTimeout { upstream: upstream_name(), limit_ms: check.timeout_ms };
    let limit = Duration::from_millis(check.timeout_ms);
    let asking = async {
        let mut connection = connect(upstream, endpoint, false).await?;
        let progress = message.body.progress();
        let answer = connection.send(&mut Some(message), &progress, limit).await.ok_or_else(late)?;
        answer.map(|a| a.status()).map_err(|_| ForwardError::ClosedEarly { upstream: upstream_name() })
    };
    timeout(limit, asking).await.unwrap_or_else(|_| Err(late()))
}

/// A configuration that was taken over shows in so long at most.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
