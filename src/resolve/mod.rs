//! Resolve: which environment and connection a message belongs to.
//!
//! - Takes: the path, the host, the listener and the [`Caller`].
//! - Gives: a [`Route`]: environment, connection, upstream.
//! - In doubt: refuses. Signals (listener, credential, path segment, host, header) that disagree are
//!   `environment_mismatch`; none is `environment_unknown`; there is no default. Production needs a signal that the
//!   sender can't pick: path, host and header alone can only confirm or disagree.
//! - Cost: no I/O; linear in the path and in the environment's connections.

mod authority;
mod ids;

pub use authority::{host_of, is_misdirected};
pub use ids::Ids;

use crate::config::{Config, ConfiguredEndpoint, Connection, Environment, Listener};
use crate::forward::{Barred, Endpoint, EndpointStates, Upstream, UpstreamTls};
use crate::identify::Caller;
use crate::inspect::decode;
use crate::inspect::links::Hosts;
use crate::org::Flag;
use crate::reason::Reason;
use crate::wire::{PLAIN, all};
use http::{HeaderName, HeaderValue};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Where a message goes.
pub struct Route {
    /// The environment.
    pub environment: Arc<Environment>,
    /// The connection.
    pub connection: Arc<Connection>,
    /// The connection's upstream, as the client wants it.
    pub upstream: Upstream,
    /// Hosts that replies may link to.
    hosts: Hosts,
}

impl Route {
    /// Hosts that a reply may link to, the gateway's among them as its caller names it.
    #[must_use]
    pub fn hosts_for(&self, host: Option<&http::HeaderValue>) -> Hosts {
        self.hosts.and_gateway(host.and_then(|host| host.to_str().ok()))
    }
}

/// Hosts that an environment's replies may link to: its upstreams with their ports, and what it lists; never upstreams of
/// others.
#[must_use]
pub fn linked_hosts(config: &Config, environment: &Environment) -> Hosts {
    let upstreams = |is_own: bool| {
        let of = config.connections.iter().filter(move |c| (c.environment == environment.name) == is_own);
        of.flat_map(|c| c.endpoints.iter().map(|e| (e.host.as_str(), e.port)))
    };
    let listed = environment.known_hosts.iter().map(String::as_str);
    Hosts::new(upstreams(true), listed, upstreams(false))
}

/// Why a message has no route.
#[derive(Debug, PartialEq, Eq)]
pub struct Unrouted {
    /// [`Reason::BadRequest`], [`Reason::EnvironmentMismatch`], [`Reason::EnvironmentUnknown`], [`Reason::PathDenied`] or
    /// [`Reason::NoConnection`]: all of them the sender's or the configuration's to fix.
    pub reason: Reason,
    /// The environment, where that much was resolved.
    pub environment: Option<Arc<str>>,
}

impl From<Reason> for Unrouted {
    fn from(reason: Reason) -> Self {
        Self { reason, environment: None }
    }
}

/// Every route of a configuration.
pub struct Routes {
    routes: Vec<Arc<Route>>,
    names: Vec<(Arc<str>, Flag)>,
    /// Host names that are signals, each with its environment.
    hosts: Vec<(Box<str>, Arc<str>)>,
    /// Ids in bodies that are signals.
    pub ids: Arc<Ids>,
}

/// What of a message's head tells where it wants to go: all of it the sender's to pick.
#[derive(Default)]
pub struct Wish<'m> {
    /// The path.
    pub path: &'m str,
    /// The host's name, without a port.
    pub host: Option<&'m str>,
    /// The value of the listener's `environment_header`; empty where it can't be read as one name.
    pub header: Option<&'m str>,
}

/// What a connection takes from files and elsewhere for its upstream, by the connection's name.
pub type Secrets = HashMap<Arc<str>, UpstreamSecrets>;

/// What an upstream alone may know of us, and how we know it.
#[derive(Debug, Clone)]
pub struct UpstreamSecrets {
    /// TLS to each of its endpoints, in order; none where it is spoken to in plain.
    pub tls: Vec<Arc<UpstreamTls>>,
    /// Headers that it gets.
    pub headers: Arc<[(HeaderName, HeaderValue)]>,
}

impl Default for UpstreamSecrets {
    fn default() -> Self {
        Self { tls: Vec::new(), headers: Arc::new([]) }
    }
}

impl Routes {
    /// The routes of a checked configuration; `secrets` gives what connections take from files and elsewhere, `states`
    /// what is known of their endpoints.
    #[must_use]
    pub fn new(config: &Config, secrets: &Secrets, states: &EndpointStates) -> Self {
        let mut upstreams: Vec<Upstream> =
            config.connections.iter().map(|c| upstream(c, secrets, states)).collect();
        bar(config, &mut upstreams, states);
        let routes = config
            .connections
            .iter()
            .zip(&upstreams)
            .filter_map(|(connection, upstream)| {
                let environment = config.environment(&connection.environment)?.clone();
                Some(Arc::new(Route {
                    hosts: linked_hosts(config, &environment),
                    environment,
                    connection: connection.clone(),
                    upstream: upstream.clone(),
                }))
            })
            .collect();
        let hosts =
            config.environments.iter().flat_map(|e| e.hosts.iter().map(|h| (h.clone(), e.name.clone())));
        Self {
            routes,
            names: config.environments.iter().map(|e| (e.name.clone(), e.flag)).collect(),
            hosts: hosts.collect(),
            ids: Arc::new(Ids::new(
                config.environments.iter().flat_map(|e| e.ids.iter().map(|id| (id.clone(), e.name.clone()))),
            )),
        }
    }

    /// Every upstream.
    pub fn upstreams(&self) -> impl Iterator<Item = &Upstream> {
        self.routes.iter().map(|route| &route.upstream)
    }

    /// The route of a message.
    ///
    /// # Errors
    /// [`Unrouted`].
    pub fn find(
        &self,
        wish: &Wish<'_>,
        listener: &Listener,
        caller: &Caller,
    ) -> Result<Arc<Route>, Unrouted> {
        let segments = Segments::of(wish.path).ok_or(Reason::BadRequest)?;
        let environment = self.environment(&segments, wish, listener, caller)?;
        let unrouted = |reason| Unrouted { reason, environment: Some(environment.clone()) };
        let in_environment = || self.routes.iter().filter(|r| r.environment.name == environment);
        let best = in_environment()
            .filter_map(|route| {
                let longest = route
                    .connection
                    .allow
                    .iter()
                    .filter(|p| is_prefix(p, segments.iter()))
                    .map(String::len)
                    .max()?;
                Some((longest, route))
            })
            .max_by_key(|(length, _)| *length);
        let Some((_, route)) = best else {
            return Err(unrouted(Reason::NoConnection));
        };
        let is_denied = |p: &String| is_prefix(p, segments.iter()) || is_prefix(p, segments.plain());
        if route.connection.deny.iter().any(is_denied) {
            return Err(unrouted(Reason::PathDenied));
        }
        Ok(route.clone())
    }

    fn environment(
        &self,
        segments: &Segments<'_>,
        wish: &Wish<'_>,
        listener: &Listener,
        caller: &Caller,
    ) -> Result<Arc<str>, Reason> {
        let named = |text: &[u8]| {
            self.names.iter().map(|(name, _)| name).find(|n| n.as_bytes().eq_ignore_ascii_case(text))
        };
        let by_host = wish.host.and_then(|host| {
            self.hosts.iter().find(|(known, _)| known.eq_ignore_ascii_case(host)).map(|(_, name)| name)
        });
        let by_header = match wish.header {
            // A name that nobody has is no word for "any".
            Some(text) => Some(named(text.as_bytes()).ok_or(Reason::EnvironmentUnknown)?),
            None => None,
        };
        let strong = listener.environment.as_ref().or(caller.environment.as_ref());
        let (mut first, mut agree) = (strong, true);
        let mut signal = |name| match first {
            None => first = Some(name),
            Some(first) => agree &= first == name,
        };
        [caller.environment.as_ref(), by_host, by_header].into_iter().flatten().for_each(&mut signal);
        if listener.path_environment {
            segments.plain().filter_map(named).for_each(signal);
        }
        let (first, is_strong) = (first.ok_or(Reason::EnvironmentUnknown)?, strong.is_some());
        if !agree {
            return Err(Reason::EnvironmentMismatch);
        }
        let is_production =
            || self.names.iter().any(|(name, flag)| name == first && *flag == Flag::Production);
        if !is_strong && is_production() {
            return Err(Reason::EnvironmentUnknown);
        }
        Ok(first.clone())
    }
}

/// Has no upstream lead to a listener of ours or to what another environment has.
fn bar(config: &Config, upstreams: &mut [Upstream], states: &EndpointStates) {
    let of = |environment: &Environment| {
        let all = config.connections.iter().zip(upstreams.iter());
        let others = all.filter(|(c, _)| c.environment != environment.name);
        let endpoints = others.flat_map(|(_, upstream)| upstream.endpoints.iter().cloned());
        (environment.name.clone(), Barred::new(states.listening.clone(), endpoints))
    };
    let barred: HashMap<Arc<str>, Barred> = config.environments.iter().map(|e| of(e)).collect();
    for (c, upstream) in config.connections.iter().zip(upstreams) {
        upstream.barred = barred.get(&c.environment).cloned().unwrap_or_default();
    }
}

/// A connection's upstream, as the client wants it.
fn upstream(c: &Connection, secrets: &Secrets, states: &EndpointStates) -> Upstream {
    let secrets = secrets.get(&c.name).cloned().unwrap_or_default();
    let endpoint = |(at, e): (usize, &ConfiguredEndpoint)| {
        let mut endpoint = Endpoint::new(e.host.clone(), e.port, secrets.tls.get(at).cloned());
        endpoint.weight = e.weight;
        endpoint.state = states.of(&c.name, endpoint.authority());
        endpoint.state.is_asked(c.health_check.is_some());
        endpoint
    };
    let d = Upstream::new(c.name.clone(), "", 0);
    Upstream {
        endpoints: c.endpoints.iter().enumerate().map(endpoint).collect(),
        http2: c.http2,
        requests_max: c.requests_max,
        in_flight: states.in_flight(&c.name),
        retries_max: c.retries_max,
        ejection: c.ejection,
        health_check: c.health_check.clone(),
        dns_refresh_ms: c.dns_refresh_ms,
        connect_timeout_ms: c.connect_timeout_ms,
        reply_head_timeout_ms: c.reply_head_timeout_ms,
        reply_idle_timeout_ms: c.reply_idle_timeout_ms,
        pool_idle_max: c.pool_idle_max,
        reply_headers_max: c.reply_headers_max,
        pool_idle_timeout_ms: c.pool_idle_timeout_ms,
        secret_headers: secrets.headers,
        ..d
    }
}

/// A path's segments, decoded once.
enum Segments<'p> {
    /// A path that can't be read in two ways: they are what stands between its slashes.
    Literal(&'p str),
    Decoded(Vec<Cow<'p, str>>),
}

impl<'p> Segments<'p> {
    /// `None` where a segment could be read in two ways: an encoded slash, backslash or NUL, a dot segment (with a parameter
    /// too: servers of Java drop that, then follow the dots), an escape that isn't one, a character in more bytes than it
    /// takes.
    fn of(path: &'p str) -> Option<Self> {
        if !path.starts_with('/') {
            return None;
        }
        if all(path.as_bytes(), PLAIN) {
            return Some(Self::Literal(path));
        }
        let is_any = |found: fn(u8) -> bool| path.bytes().fold(false, |any, b| any | found(b));
        if is_any(|b| matches!(b, b'%' | b'\\' | 0 | b';')) {
            return decoded(path).map(Self::Decoded);
        }
        let has_dots = is_any(|b| b == b'.') && path.split('/').any(|segment| matches!(segment, "." | ".."));
        (!has_dots).then_some(Self::Literal(path))
    }

    fn iter(&self) -> Each<'_> {
        match self {
            Self::Literal(path) => Each::Literal(path.as_bytes().get(1..)),
            Self::Decoded(segments) => Each::Decoded(segments.iter()),
        }
    }

    /// The segments as the most forgiving upstream may read them: empty ones dropped, parameters behind a `;` cut off
    /// (servers of Java do both). What is denied, or names an environment, is looked for in these.
    fn plain(&self) -> impl Iterator<Item = &[u8]> {
        let bare = |segment| cut(segment, b';').0;
        self.iter().map(bare).filter(|segment| !segment.is_empty())
    }
}

/// Segments, one after the other.
enum Each<'s> {
    /// What is left behind the last slash.
    Literal(Option<&'s [u8]>),
    Decoded(std::slice::Iter<'s, Cow<'s, str>>),
}

impl<'s> Iterator for Each<'s> {
    type Item = &'s [u8];

    fn next(&mut self) -> Option<&'s [u8]> {
        match self {
            Self::Literal(left) => {
                let (segment, rest) = cut((*left)?, b'/');
                *left = rest;
                Some(segment)
            }
            Self::Decoded(segments) => segments.next().map(|segment| segment.as_bytes()),
        }
    }
}

/// What stands before a byte, and behind it, where it is there.
fn cut(text: &[u8], byte: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|b| *b == byte) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

fn decoded(path: &str) -> Option<Vec<Cow<'_, str>>> {
    path.split('/')
        .skip(1)
        .map(|raw| {
            let decoded = match raw.contains('%') {
                true => Cow::Owned(decode::percent(raw, false)),
                false => Cow::Borrowed(raw),
            };
            let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
            let doubtful = !raw.split('%').skip(1).all(is_escape)
                || decoded.contains(['/', '\\', '\0'])
                || matches!(without_parameter(&decoded), "." | "..")
                || raw.contains('\\')
                || decode::is_overlong(raw);
            (!doubtful).then_some(decoded)
        })
        .collect()
}

/// The segments that policy sees of a path; `None` where it is refused. For fuzzers, and whoever asks.
#[must_use]
pub fn segments(path: &str) -> Option<Vec<String>> {
    let text = |segment: &[u8]| String::from_utf8_lossy(segment).into_owned();
    Segments::of(path).map(|segments| segments.iter().map(text).collect())
}

fn without_parameter(segment: &str) -> &str {
    segment.split_once(';').map_or(segment, |(before, _)| before)
}

/// Whether `prefix` (`/fhir/R4`) is the path's first whole segments.
fn is_prefix<'s>(prefix: &str, mut segments: impl Iterator<Item = &'s [u8]>) -> bool {
    prefix == "/" || prefix.split('/').skip(1).all(|wanted| segments.next() == Some(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(extra: &str) -> (Config, Routes) {
        let text = format!(
            r#"
            [[environment]]
            name = "staging"
            flag = "staging"
            [[environment]]
            name = "production"
            flag = "production"
            [[listener]]
            name = "shared"
            address = "127.0.0.1:1"
            callers = "any"
            [[listener]]
            name = "prod"
            address = "127.0.0.1:2"
            environment = "production"
            callers = "any"
            [[connection]]
            name = "fhir"
            environment = "staging"
            upstream = "http://127.0.0.1:9001"
            allow = ["/fhir", "/Staging"]
            deny = ["/fhir/admin"]
            [[connection]]
            name = "labs"
            environment = "staging"
            upstream = "http://127.0.0.1:9003"
            allow = ["/fhir/labs"]
            [[connection]]
            name = "live"
            environment = "production"
            upstream = "http://127.0.0.1:9002"
            {extra}"#
        );
        let config = Config::parse(&text).expect("checked");
        let routes = Routes::new(&config, &Secrets::new(), &EndpointStates::default());
        (config, routes)
    }

    fn find(path: &str, listener: usize, key: Option<&str>) -> Result<String, Reason> {
        let (config, routes) = routes("");
        let caller = Caller { environment: key.map(Arc::from), ..Caller::nobody() };
        let found = routes.find(&Wish { path, ..Wish::default() }, &config.listeners[listener], &caller);
        found.map(|r| r.connection.name.to_string()).map_err(|e| e.reason)
    }

    #[test]
    fn signals_have_to_agree() {
        assert_eq!(find("/fhir/Patient", 0, Some("staging")).as_deref(), Ok("fhir"));
        assert_eq!(find("/fhir/Patient", 1, Some("staging")), Err(Reason::EnvironmentMismatch));
        assert_eq!(find("/fhir/PRODUCTION/Patient", 0, Some("staging")), Err(Reason::EnvironmentMismatch));
        assert_eq!(find("/fhir/%70roduction/Patient", 0, Some("staging")), Err(Reason::EnvironmentMismatch));
        assert_eq!(find("/fhir/Patient", 0, None), Err(Reason::EnvironmentUnknown));
    }

    #[test]
    fn a_reply_never_links_to_another_environment_s_upstream_on_the_same_host() {
        let (config, _) = routes("");
        let mut config = config;
        for c in &mut config.connections {
            let mut new = (**c).clone();
            new.endpoints[0].host = "ehr.example".to_owned();
            new.endpoints[0].port = if &*c.environment == "staging" { 443 } else { 8443 };
            *c = Arc::new(new);
        }
        let routes = Routes::new(&config, &Secrets::new(), &EndpointStates::default());
        let leads_past = |connection: &str, host: &'static str, url: &str| {
            let route = routes.routes.iter().find(|r| &*r.connection.name == connection).expect("is there");
            let hosts = route.hosts_for(Some(&HeaderValue::from_static(host)));
            crate::inspect::links::header_leads_past("location", url, &hosts)
        };
        assert!(!leads_past("fhir", "gate", "https://ehr.example/Patient/1"));
        assert!(leads_past("fhir", "gate", "https://ehr.example:8443/Patient/1"));
        assert!(leads_past("fhir", "ehr.example:8443", "https://ehr.example:8443/Patient/1"));
        assert!(!leads_past("live", "gate", "https://ehr.example:8443/Patient/1"));
    }

    #[test]
    fn a_path_alone_leads_to_staging_but_never_to_production() {
        assert_eq!(find("/Staging/x", 0, None).as_deref(), Ok("fhir"));
        assert_eq!(find("/Production/x", 0, None), Err(Reason::EnvironmentUnknown));
        assert_eq!(find("/Production/x", 1, None).as_deref(), Ok("live"));
    }

    #[test]
    fn host_and_header_confirm_disagree_and_lead_but_never_to_production() {
        let (config, _) = routes("");
        let mut config = config;
        for e in &mut config.environments {
            let host = if &*e.name == "staging" { "stage.example" } else { "live.example" };
            *e = Arc::new(Environment { hosts: vec![host.into()], ..(**e).clone() });
        }
        let routes = Routes::new(&config, &Secrets::new(), &EndpointStates::default());
        let found = |host: Option<&str>, header: Option<&str>, listener: usize, key: Option<&str>| {
            let caller = Caller { environment: key.map(Arc::from), ..Caller::nobody() };
            let path = if listener == 1 { "/x" } else { "/fhir/x" };
            let wish = Wish { path, host, header };
            routes
                .find(&wish, &config.listeners[listener], &caller)
                .map(|r| r.connection.name.to_string())
                .map_err(|e| e.reason)
        };
        assert_eq!(found(Some("STAGE.example"), None, 0, None).as_deref(), Ok("fhir"));
        assert_eq!(found(Some("stage.example"), Some("staging"), 0, Some("staging")).as_deref(), Ok("fhir"));
        assert_eq!(found(Some("other.example"), None, 0, None), Err(Reason::EnvironmentUnknown));
        assert_eq!(found(Some("live.example"), None, 0, None), Err(Reason::EnvironmentUnknown));
        assert_eq!(found(Some("live.example"), Some("Production"), 1, None).as_deref(), Ok("live"));
        for (host, header) in [
            (Some("live.example"), None),
            (None, Some("production")),
            (Some("stage.example"), Some("production")),
        ] {
            assert_eq!(found(host, header, 0, Some("staging")), Err(Reason::EnvironmentMismatch));
        }
        assert_eq!(found(None, Some("elsewhere"), 0, Some("staging")), Err(Reason::EnvironmentUnknown));
    }

    #[test]
    fn the_longest_prefix_of_whole_segments_wins() {
        assert_eq!(find("/fhir/labs/1", 0, Some("staging")).as_deref(), Ok("labs"));
        assert_eq!(find("/fhir/labsX/1", 0, Some("staging")).as_deref(), Ok("fhir"));
        assert_eq!(find("/fhirX", 0, Some("staging")), Err(Reason::NoConnection));
        assert_eq!(find("/fhir/admin/x", 0, Some("staging")), Err(Reason::PathDenied));
    }

    #[test]
    fn what_is_denied_stays_denied_however_it_is_written() {
        for path in
            ["/fhir//admin/x", "/fhir/;x/admin", "/fhir;v=1/admin;y", "/fhir/%61dmin", "/fhir/admin%3Bx"]
        {
            assert!(
                [Err(Reason::PathDenied), Err(Reason::NoConnection)].contains(&find(
                    path,
                    0,
                    Some("staging")
                )),
                "{path}"
            );
        }
        assert_eq!(find("/fhir//admin", 0, Some("staging")), Err(Reason::PathDenied));
        assert_eq!(find("/fhir/x;admin", 0, Some("staging")).as_deref(), Ok("fhir"));
        assert_eq!(find("/fhir/production;v=1/x", 0, Some("staging")), Err(Reason::EnvironmentMismatch));
    }

    #[test]
    fn a_message_without_a_connection_still_has_its_environment() {
        let (config, routes) = routes("");
        let caller = Caller { environment: Some(Arc::from("staging")), ..Caller::nobody() };
        for (path, environment) in
            [("/fhir/admin", Some("staging")), ("/else", Some("staging")), ("/a/../b", None)]
        {
            let wish = Wish { path, ..Wish::default() };
            let unrouted = routes.find(&wish, &config.listeners[0], &caller).err().expect("refused");
            assert_eq!(unrouted.environment.as_deref(), environment, "{path}");
        }
    }

    #[test]
    fn dots_parameters_and_other_character_sets_pass_where_they_read_in_one_way() {
        for path in [
            "/fhir/..x;/a",
            "/fhir/a;..",
            "/fhir/...;/a",
            "/fhir/caf%c3%a9",
            "/fhir/caf%e9",
            "/fhir/%e2%82%ac",
        ] {
            assert_eq!(find(path, 0, Some("staging")).as_deref(), Ok("fhir"), "{path}");
        }
    }

    #[test]
    fn a_path_without_escapes_is_read_as_one_with_them() {
        for path in
            ["/", "/a", "/a/", "//a//b", "/./a", "/a/..", "/a/../b", "/.", "/...", "/.a/b..", "/a:b=c"]
        {
            let escaped = segments(&format!("{path}/%61"));
            let plain = segments(path).map(|mut segments| {
                segments.push("a".to_owned());
                segments
            });
            assert_eq!(plain, escaped, "{path}");
        }
        assert_eq!(segments("/a//b").map(|s| s.len()), Some(3));
    }

    #[test]
    fn paths_that_read_in_two_ways_are_refused() {
        for path in [
            "/fhir/..%2fadmin",
            "/fhir/../admin",
            "/fhir/%2e%2e/admin",
            "/fhir%5cadmin",
            "/fhir/%00",
            "fhir",
            "/fhir/%zz",
            "/fhir/%4",
            "/fhir/%",
            "/fhir/%+4",
            "/fhir/..;/admin",
            "/fhir/..;x=1/admin",
            "/fhir/%2e%2e;/admin",
            "/fhir/..%3b/admin",
            "/fhir/%2E.%3Bv/admin",
            "/fhir/.;/admin",
            "/fhir/x/..;",
            "/fhir/%c0%ae%c0%ae/admin",
            "/fhir/%c0%afadmin",
            "/fhir/%e0%80%afadmin",
            "/fhir/%f0%80%80%afadmin",
        ] {
            assert_eq!(find(path, 0, Some("staging")), Err(Reason::BadRequest), "{path}");
        }
    }
}
