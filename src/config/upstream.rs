//! What a connection tells of its upstream: where it is, how it is spoken to, when it is left alone.

use super::ConfiguredEndpoint;
use super::reader::{Problems, Table};
use super::sections::OTHER_HEADER_WANTED;
use crate::forward::{
    ENDPOINTS_MAX, Ejection, HealthCheck, Http2, SYSTEM_CA, Secret, TlsSettings, Upstream as Defaults,
    is_written_anew,
};
use http::HeaderName;
use http::uri::PathAndQuery;
use std::path::PathBuf;
use std::sync::Arc;

/// One connection's upstream, checked.
pub(super) struct Upstream {
    pub(super) endpoints: Vec<ConfiguredEndpoint>,
    pub(super) requests_max: u32,
    pub(super) retries_max: u32,
    pub(super) ejection: Ejection,
    pub(super) health_check: Option<Arc<HealthCheck>>,
    pub(super) dns_refresh_ms: u64,
    pub(super) http2: Http2,
    pub(super) reply_idle_timeout_ms: u64,
    pub(super) pool_idle_max: usize,
    pub(super) reply_headers_max: usize,
    pub(super) pool_idle_timeout_ms: u64,
    pub(super) tls: Option<TlsSettings>,
    pub(super) secret_headers: Vec<(HeaderName, Secret)>,
    pub(super) connect_timeout_ms: u64,
    pub(super) reply_head_timeout_ms: u64,
}

impl Upstream {
    /// Reads its keys from a connection's table; nothing where it has no endpoint.
    pub(super) fn read(t: &mut Table<'_, '_>, problems: &mut Problems) -> Option<Self> {
        let endpoints = endpoints(t, problems);
        let is_tls = endpoints.as_ref().is_some_and(|(is_tls, _)| *is_tls);
        let tls = upstream_tls(t, is_tls, problems);
        let secret_headers = secret_headers(t, problems);
        let d = Defaults::new("", "", 0);
        let mut ms = |key, default, end| t.number(key, default, 1..end, "milliseconds", problems);
        let connect_timeout_ms = ms("connect_timeout_ms", d.connect_timeout_ms, 600_001);
        let reply_head_timeout_ms = ms("reply_head_timeout_ms", d.reply_head_timeout_ms, 3_600_001);
        let reply_idle_timeout_ms = ms("reply_idle_timeout_ms", d.reply_idle_timeout_ms, 86_400_001);
        let pool_idle_timeout_ms = ms("pool_idle_timeout_ms", d.pool_idle_timeout_ms, 3_600_001);
        let dns_refresh_ms = ms("dns_refresh_ms", d.dns_refresh_ms, 86_400_001);
        let pool_idle_max =
            t.number("pool_idle_max", d.pool_idle_max as u64, 0..100_001, "connections", problems) as usize;
        let headers_max = d.reply_headers_max as u64;
        let reply_headers_max =
            t.number("reply_headers_max", headers_max, 1..10_001, "fields", problems) as usize;
        let requests_max =
            small(t.number("requests_max", 0, 0..10_000_001, "messages (0: no limit)", problems));
        let retries_max = small(t.number("retries_max", d.retries_max.into(), 0..11, "times", problems));
        let http2 = t.choice(
            "http2",
            Http2::Off,
            &[("off", Http2::Off), ("alpn", Http2::Alpn), ("always", Http2::Always)],
            problems,
        );
        if http2 == Http2::Alpn && endpoints.is_some() && !is_tls {
            let at = t.value("http2").map(|value| value.span());
            let wanted = "an https:// upstream, or \"always\": without TLS nothing is negotiated";
            problems.add(at, t.key("http2"), wanted, "`alpn`");
        }
        let ejection = ejection(t.table("ejection", problems), problems);
        let health_check = t.value("health_check").is_some().then(|| t.table("health_check", problems));
        let health_check = health_check.and_then(|table| health_check_of(table, problems));
        let (_, endpoints) = endpoints?;
        Some(Self {
            endpoints,
            requests_max,
            retries_max,
            ejection,
            health_check: health_check.map(Arc::new),
            dns_refresh_ms,
            http2,
            reply_idle_timeout_ms,
            pool_idle_max,
            reply_headers_max,
            pool_idle_timeout_ms,
            tls: tls.filter(|_| is_tls),
            secret_headers,
            connect_timeout_ms,
            reply_head_timeout_ms,
        })
    }
}

/// `upstream`, or `[[connection.endpoint]]` where there are several: all in TLS, or none of them.
fn endpoints(t: &mut Table<'_, '_>, problems: &mut Problems) -> Option<(bool, Vec<ConfiguredEndpoint>)> {
    let tables = t.tables("endpoint", problems);
    let read = |t: &mut Table<'_, '_>, key: &'static str, problems: &mut Problems| {
        let (text, span) = t.required(key, URL_WANTED, problems)?;
        match url(&text) {
            Ok((is_tls, host, port)) => Some((is_tls, ConfiguredEndpoint { host, port, weight: 1 })),
            Err(wanted) => {
                problems.add(Some(span), t.key(key), wanted, format!("`{text}`"));
                None
            }
        }
    };
    if tables.is_empty() {
        return read(t, "upstream", problems).map(|(is_tls, endpoint)| (is_tls, vec![endpoint]));
    }
    if let Some(value) = t.value("upstream") {
        let wanted = "either `upstream` or [[connection.endpoint]]";
        problems.add(Some(value.span()), t.key("upstream"), wanted, "both");
    }
    let at = t.span();
    if tables.len() > ENDPOINTS_MAX {
        let got = tables.len().to_string();
        problems.add(at.clone(), t.key("endpoint"), format!("{ENDPOINTS_MAX} endpoints at most"), got);
    }
    let mut found: Vec<(bool, ConfiguredEndpoint)> = Vec::new();
    for mut table in tables {
        let endpoint = read(&mut table, "url", problems);
        let weight = table.number("weight", 1, 1..101, "a share beside the others' weights", problems);
        table.done(problems);
        let Some((is_tls, endpoint)) = endpoint else { continue };
        let is_double =
            |(_, e): &(bool, ConfiguredEndpoint)| (&e.host, e.port) == (&endpoint.host, endpoint.port);
        if found.iter().any(is_double) {
            problems.add(at.clone(), t.key("endpoint"), "endpoints that differ", "one of them twice");
        }
        found.push((is_tls, ConfiguredEndpoint { weight: u16::try_from(weight).unwrap_or(1), ..endpoint }));
    }
    let is_tls = found.first()?.0;
    if found.iter().any(|(other, _)| *other != is_tls) {
        problems.add(at, t.key("endpoint"), "all of them https://, or none", "some of them");
    }
    Some((is_tls, found.into_iter().map(|(_, endpoint)| endpoint).collect()))
}

fn ejection(mut t: Table<'_, '_>, problems: &mut Problems) -> Ejection {
    let d = Ejection::default();
    let failures =
        t.number("failures", d.failures.into(), 0..1_001, "failures in a row (0: never)", problems);
    let ejection = Ejection {
        failures: small(failures),
        base_ms: t.number("base_ms", d.base_ms, 1..3_600_001, "milliseconds", problems),
        percent_max: t.number("percent_max", d.percent_max, 0..101, "percent of the endpoints", problems),
    };
    t.done(problems);
    ejection
}

fn health_check_of(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<HealthCheck> {
    let wanted = "a path, like /metadata";
    let path = t.required("path", wanted, problems).and_then(|(text, span)| {
        let path = PathAndQuery::try_from(text.as_str()).ok().filter(|_| text.starts_with('/'));
        if path.is_none() {
            problems.add(Some(span), t.key("path"), wanted, format!("`{text}`"));
        }
        path
    });
    let interval_ms = t.number("interval_ms", 5_000, 10..3_600_001, "milliseconds", problems);
    let timeout_ms = t.number("timeout_ms", 2_000, 1..60_001, "milliseconds", problems);
    let unhealthy_after = small(t.number("unhealthy_after", 3, 1..101, "answers in a row", problems));
    let healthy_after = small(t.number("healthy_after", 2, 1..101, "answers in a row", problems));
    t.done(problems);
    Some(HealthCheck { path: path?, interval_ms, timeout_ms, unhealthy_after, healthy_after })
}

/// A number that its range keeps small.
fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// TLS to the upstream: read where it is an `https://` one, refused elsewhere.
fn upstream_tls(t: &mut Table<'_, '_>, is_tls: bool, problems: &mut Problems) -> Option<TlsSettings> {
    let at = t.value("upstream_tls").map(|v| v.span());
    let key = t.key("upstream_tls");
    if at.is_some() && !is_tls {
        problems.add(at.clone(), key, "an https:// upstream beside it", "http://");
    }
    let mut tls = t.table("upstream_tls", problems);
    let path = |text: Option<(String, _)>| {
        text.map(|(path, _): (String, std::ops::Range<usize>)| PathBuf::from(path))
    };
    let ca = path(tls.text("ca", problems)).unwrap_or_else(|| PathBuf::from(SYSTEM_CA));
    let server_name = tls.text("server_name", problems).map(|(name, _)| name);
    let (chain, private) = (path(tls.text("certificate", problems)), path(tls.text("key", problems)));
    if chain.is_some() != private.is_some() {
        problems.add(at, tls.key("certificate"), "`certificate` and `key` together", "one of them");
    }
    tls.done(problems);
    Some(TlsSettings { ca, server_name, certificate: chain.zip(private) })
}

/// Headers whose values stand in a file, a variable, or what a command prints.
fn secret_headers(t: &mut Table<'_, '_>, problems: &mut Problems) -> Vec<(HeaderName, Secret)> {
    let mut table = t.table("secret_headers", problems);
    let mut out = Vec::new();
    for (name, value, span) in table.pairs(problems) {
        match (HeaderName::try_from(name.as_str()), Secret::parse(&value)) {
            (Ok(name), Some(_)) if is_written_anew(&name) => {
                let key = table.key(name.as_str());
                problems.add(Some(span), key, OTHER_HEADER_WANTED, format!("`{name}`"));
            }
            (Ok(name), Some(secret)) => out.push((name, secret)),
            // What stands there may be the secret itself: it isn't shown.
            _ => problems.add(Some(span), table.key(&name), SECRET_WANTED, "another"),
        }
    }
    out
}

/// Whether it is `https`, host and port of `http[s]://host[:port]`.
fn url(text: &str) -> Result<(bool, String, u16), &'static str> {
    let (is_tls, authority) = match text.strip_prefix("https://") {
        Some(authority) => (true, authority),
        None => (false, text.strip_prefix("http://").ok_or(URL_WANTED)?),
    };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    let parsed: http::uri::Authority = authority.parse().map_err(|_| URL_WANTED)?;
    if authority.contains('@') || authority.is_empty() || parsed.host().is_empty() {
        return Err(URL_WANTED);
    }
    if parsed.port().is_none() && authority.rsplit(']').next().is_some_and(|rest| rest.contains(':')) {
        return Err(URL_WANTED);
    }
    let port = parsed.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
    Ok((is_tls, parsed.host().trim_matches(['[', ']']).to_owned(), port))
}

const SECRET_WANTED: &str =
    "a header name, and where its value stands: env:NAME, file:PATH or command:PROGRAM ARGUMENTS";
const URL_WANTED: &str =
    "a URL of host and port without a path, like http://127.0.0.1:8080 or https://ehr.example.org";
