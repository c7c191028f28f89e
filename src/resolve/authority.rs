//! The host that a message is for: what it is called, and whether it is served here at all.

use crate::config::Listener;
use crate::listen::Peer;
use http::header;
use http::request::Parts;

/// The host's name, without a port; `None` where there is none, as HTTP/1.0 allows.
#[must_use]
pub fn host_of(head: &Parts) -> Option<&str> {
    // It's among the first of them: a look at each takes less than looking it up.
    let host = match head.headers.iter().find(|(name, _)| **name == header::HOST) {
        Some((_, host)) => host.to_str().ok()?,
        None => head.uri.authority()?.as_str(),
    };
    // Bytes from the end: a port is short, and few hosts have one.
    let digits = host.bytes().rev().take_while(u8::is_ascii_digit).count();
    let name = host.get(..host.len() - digits).and_then(|rest| rest.strip_suffix(':')).unwrap_or(host);
    Some(name.strip_suffix('.').unwrap_or(name))
}

/// Whether a message is for somebody else (RFC 9110, section 15.5.20): its host is none that the listener serves, or not
/// the one that its connection's handshake was for.
#[must_use]
pub fn is_misdirected(host: Option<&str>, listener: &Listener, peer: &Peer) -> bool {
    let is_served = listener.hosts.is_empty()
        || host.is_some_and(|host| listener.hosts.iter().any(|served| served.eq_ignore_ascii_case(host)));
    let server_name = peer.tls.as_ref().and_then(|tls| tls.server_name.as_deref());
    let is_asked_for = match (server_name, host) {
        (Some(name), Some(host)) => name.eq_ignore_ascii_case(host),
        _ => true,
    };
    !(is_served && is_asked_for)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    #[test]
    fn a_host_is_named_without_its_port() {
        let host = |request: http::request::Builder| {
            let (head, ()) = request.body(()).expect("request").into_parts();
            host_of(&head).map(str::to_owned)
        };
        for (sent, name) in [
            ("a.example", "a.example"),
            ("a.example:8443", "a.example"),
            ("a.example.", "a.example"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
        ] {
            assert_eq!(host(Request::get("/").header("host", sent)).as_deref(), Some(name));
        }
        assert_eq!(host(Request::get("http://b.example:1/")).as_deref(), Some("b.example"));
        assert_eq!(host(Request::get("/")), None);
    }
}
