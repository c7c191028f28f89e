//! One request and its whole answer, on a connection of its own: for what the gateway itself asks of others.

use super::{Endpoint, Http2, OutBody, Pool, TlsSettings, Upstream, UpstreamTls};
use crate::payload::Payload;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Where it goes: a URL of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Remote {
    /// Whether in TLS.
    pub is_tls: bool,
    /// Host.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Path and query.
    pub path: String,
    /// Who signs for the host.
    pub ca: PathBuf,
}

impl Remote {
    /// Reads `https://…`, or `http://…` on this machine: what anybody on the way could change is nobody's.
    #[must_use]
    pub fn parse(text: &str, ca: PathBuf) -> Option<Self> {
        let uri: http::Uri = text.parse().ok()?;
        let is_tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = uri.host()?.trim_matches(['[', ']']).to_owned();
        let is_here =
            host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if !is_tls && !is_here {
            return None;
        }
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |p| p.as_str()).to_owned();
        Some(Self { is_tls, host, port, path, ca })
    }

    /// Sends a request there, to its own path, and reads the whole answer; `None` where there is none within ten seconds.
    pub async fn ask(&self, request: Request<Bytes>) -> Option<(StatusCode, Bytes)> {
        tokio::time::timeout(ASK, self.exchange(request)).await.ok().flatten()
    }

    /// The same from a thread that may wait.
    #[must_use]
    pub fn ask_and_wait(&self, request: Request<Bytes>) -> Option<(StatusCode, Bytes)> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        tokio::task::LocalSet::new().block_on(&runtime, self.ask(request))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Option<(StatusCode, Bytes)> {
        let settings = TlsSettings { ca: self.ca.clone(), server_name: None, certificate: None };
        let tls = match self.is_tls {
            true => UpstreamTls::load(&settings, std::iter::once(self.host.as_str()), Http2::Off).ok()?.pop(),
            false => None,
        };
        let mut upstream = Upstream::new(Arc::from(self.host.as_str()), self.host.clone(), self.port);
        upstream.endpoints = Arc::new([Endpoint::new(self.host.clone(), self.port, tls)]);
        let (mut head, body) = request.into_parts();
        head.uri = self.path.parse().ok()?;
        let body = if body.is_empty() { OutBody::empty() } else { OutBody::held(Payload::from(body), None) };
        let reply = Pool::new().send(&upstream, Request::from_parts(head, body)).await.ok()?;
        let status = reply.status();
        let body = Limited::new(reply.into_body(), ANSWER_BYTES_MAX).collect().await.ok()?;
        Some((status, body.to_bytes()))
    }
}

/// From the look-up of the name to the end of the answer.
const ASK: Duration = Duration::from_secs(10);
/// A longer answer is none.
const ANSWER_BYTES_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_nowhere_but_to_this_machine() {
        let of = |text: &str| Remote::parse(text, PathBuf::new()).map(|r| (r.is_tls, r.host, r.port, r.path));
        assert_eq!(of("https://a.example/x?y=1"), Some((true, "a.example".into(), 443, "/x?y=1".into())));
        assert_eq!(of("http://[::1]:81"), Some((false, "::1".into(), 81, "/".into())));
        for no in ["http://a.example/", "ftp://localhost/", "a.example", ""] {
            assert_eq!(of(no), None, "{no}");
        }
    }
}
