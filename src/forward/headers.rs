//! Heads written anew: hop-by-hop fields end here, ours are set, and what claims to be ours is never believed.

use super::Upstream;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, HeaderName, HeaderValue, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, Method, Uri, Version};
use std::net::SocketAddr;

/// Request headers that a connection sets and removes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderRules {
    /// Set on the way to the upstream, over what the caller sent.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Removed on the way to the upstream.
    pub remove: Vec<HeaderName>,
}

/// The head for the upstream. `framed` says whether the message has a body that isn't empty.
#[must_use]
pub fn request(
    head: &Parts,
    upstream: &Upstream,
    peer: SocketAddr,
    rules: &HeaderRules,
    framed: bool,
) -> http::Request<()> {
    let mut headers = head.headers.clone();
    let host = headers.get(HOST).cloned();
    hop_by_hop(&mut headers);
    // What only we say, in every spelling that some server reads as the same: `_` for `-`.
    let ours: Vec<HeaderName> = headers.keys().filter(|name| is_ours(name.as_str())).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
    // A key of ours in `Authorization` ends here, too.
    if headers.get(AUTHORIZATION).is_some_and(|v| v.as_bytes().starts_with(b"Bearer phk_")) {
        headers.remove(AUTHORIZATION);
    }
    headers.remove(EXPECT);
    // hyper writes the length of what it sends; an empty POST has to say so by itself.
    headers.remove(CONTENT_LENGTH);
    if !framed && matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    if let Some(host) = host {
        headers.insert(FORWARDED_HOST, host);
    }
    if let Ok(peer) = HeaderValue::from_str(&peer.ip().to_string()) {
        headers.insert(FORWARDED_FOR, peer);
    }
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    for name in &rules.remove {
        headers.remove(name);
    }
    for (name, value) in &rules.set {
        headers.insert(name, value.clone());
    }
    let authority = if upstream.host.contains(':') {
        format!("[{}]:{}", upstream.host, upstream.port)
    } else {
        format!("{}:{}", upstream.host, upstream.port)
    };
    if let Ok(authority) = HeaderValue::try_from(authority) {
        headers.insert(HOST, authority);
    }
    let mut request = http::Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = origin_form(&head.uri);
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    request
}

/// Takes off a reply what belongs to the connection to the upstream.
pub fn reply(headers: &mut HeaderMap) {
    hop_by_hop(headers);
    let ours: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with("phigate-")).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

/// Fields of one connection. `Connection` may name known ones only: else a caller could take off what others set.
fn hop_by_hop(headers: &mut HeaderMap) {
    // `Trailer` stays: it announces fields that stay behind the body.
    for name in [CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
    for name in ["keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"] {
        headers.remove(name);
    }
}

fn is_ours(name: &str) -> bool {
    let folded = name.replace('_', "-");
    folded.starts_with("phigate-")
        || folded.starts_with("x-forwarded-")
        || folded == "x-real-ip"
        || folded == FORWARDED.as_str()
}

fn origin_form(uri: &Uri) -> Uri {
    match (uri.scheme(), uri.path_and_query()) {
        (None, _) => uri.clone(),
        (Some(_), Some(target)) => Uri::from(target.clone()),
        (Some(_), None) => Uri::from_static("/"),
    }
}

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> http::Request<()> {
        let head =
            build(http::Request::builder().header("host", "gate")).body(()).expect("builds").into_parts().0;
        let upstream = Upstream { host: "up".to_owned(), port: 8, ..Upstream::default() };
        let rules = HeaderRules {
            set: vec![(HeaderName::from_static("x-source"), HeaderValue::from_static("gate"))],
            remove: vec![HeaderName::from_static("x-drop")],
        };
        request(&head, &upstream, ([10, 0, 0, 7], 1).into(), &rules, false)
    }

    #[test]
    fn what_claims_to_be_ours_is_replaced() {
        let r = rewritten(|b| {
            b.uri("/x?y")
                .header("phigate-key", "phk_a_b")
                .header("X-Forwarded-For", "1.1.1.1")
                .header("x_forwarded_proto", "https")
                .header("forwarded", "for=1.1.1.1")
                .header("x-real-ip", "1.1.1.1")
        });
        assert_eq!(r.headers()["x-forwarded-for"], "10.0.0.7");
        assert_eq!(r.headers()["x-forwarded-host"], "gate");
        assert_eq!(r.headers()["host"], "up:8");
        for gone in ["phigate-key", "x_forwarded_proto", "forwarded", "x-real-ip"] {
            assert!(!r.headers().contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn hop_by_hop_fields_end_here_and_connection_names_nothing_else() {
        let r = rewritten(|b| {
            b.uri("http://gate/x")
                .header("connection", "close, authorization")
                .header("authorization", "Bearer u")
                .header("te", "trailers")
                .header("x-drop", "1")
                .header("keep-alive", "5")
        });
        assert_eq!(r.uri(), "/x");
        assert_eq!(r.headers()["authorization"], "Bearer u");
        assert_eq!(r.headers()["x-source"], "gate");
        for gone in ["connection", "te", "x-drop", "keep-alive"] {
            assert!(!r.headers().contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn an_empty_post_says_that_it_is_empty() {
        assert_eq!(rewritten(|b| b.method("POST").uri("/")).headers()["content-length"], "0");
        assert!(!rewritten(|b| b.uri("/")).headers().contains_key("content-length"));
    }
}
