//! Checks on a head that came over HTTP/2, so that it can go on over HTTP/1.1 and means the same there (RFC 9113,
//! sections 8.2, 8.3 and 10.3). h2 has refused connection headers, upper-case names, and CR, LF and NUL in values.

use super::head::{check_path, is_host};
use super::{Limits, websocket};
use crate::reason::Reason;
use crate::wire::{METHOD, all, parse_length};
use http::request::Parts;
use http::{HeaderValue, Method, header};
use hyper::ext::Protocol;

/// Checks it, and writes it as HTTP/1.1 would have it: with `Host`, one `Cookie`, and `Upgrade` for an extended CONNECT.
pub(super) fn check(head: &mut Parts, limits: &Limits) -> Result<(), Reason> {
    let connects = head.method == Method::CONNECT;
    match (connects, head.extensions.get::<Protocol>().is_some()) {
        (true, false) => return Err(Reason::ConnectRefused),
        (false, true) => return Err(Reason::BadRequest), // RFC 8441, section 4
        _ => {}
    }
    // An upstream would say our own credentials back; and the word of the preface is no method.
    let method = head.method.as_str().as_bytes();
    if matches!(method, b"TRACE" | b"PRI") || !all(method, METHOD) {
        return Err(Reason::BadRequest);
    }
    if head.headers.len() > limits.headers_max {
        return Err(Reason::HeadTooLarge);
    }
    // h2 has read the scheme, and gives it along with an authority only.
    if head.uri.authority().is_some() && !matches!(head.uri.scheme_str(), Some("http" | "https")) {
        return Err(Reason::BadRequest);
    }
    let target = head.uri.path_and_query().map_or("", |target| target.as_str()).as_bytes();
    let is_asterisk = target == b"*" && head.method == Method::OPTIONS;
    if !is_asterisk {
        if target.first() != Some(&b'/') {
            return Err(Reason::BadRequest);
        }
        check_path(target)?;
    }
    let is_padded = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        [bytes.first(), bytes.last()].into_iter().flatten().any(u8::is_ascii_whitespace)
    };
    if head.headers.values().any(is_padded) {
        return Err(Reason::BadRequest);
    }
    host(head)?;
    lengths(head)?;
    join_cookies(head);
    // hyper has no way to send a 100 over HTTP/2: the body comes when its sender stops waiting.
    head.headers.remove(header::EXPECT);
    if connects {
        websocket::as_upgrade(head)?;
    }
    Ok(())
}

/// `:authority` and `Host` name one host, and one of them is enough (RFC 9113, section 8.3.1); what goes on has it as
/// `Host`.
fn host(head: &mut Parts) -> Result<(), Reason> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() || host.is_some_and(|host| !is_host(host.as_bytes())) {
        return Err(Reason::BadRequest);
    }
    match (head.uri.authority(), host) {
        (None, None) => Err(Reason::BadRequest),
        (None, Some(_)) => Ok(()),
        (Some(authority), host) => {
            let authority = authority.as_str();
            if !is_host(authority.as_bytes())
                || host.is_some_and(|host| !host.as_bytes().eq_ignore_ascii_case(authority.as_bytes()))
            {
                return Err(Reason::BadRequest);
            }
            if host.is_none() {
                let value = HeaderValue::try_from(authority).map_err(|_| Reason::BadRequest)?;
                head.headers.insert(header::HOST, value);
            }
            Ok(())
        }
    }
}

/// One length that is a number: h2 has compared it with what came.
fn lengths(head: &Parts) -> Result<(), Reason> {
    let mut lengths = head.headers.get_all(header::CONTENT_LENGTH).iter();
    match (lengths.next(), lengths.next()) {
        (Some(_), Some(_)) => Err(Reason::BadRequest),
        (Some(length), None) => parse_length(length.as_bytes()).map(|_| ()).ok_or(Reason::BadRequest),
        _ => Ok(()),
    }
}

/// HTTP/2 may cut a cookie into several fields, HTTP/1.1 may not (RFC 9113, section 8.2.3).
fn join_cookies(head: &mut Parts) {
    if head.headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = head.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        head.headers.insert(header::COOKIE, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn checked(request: http::request::Builder) -> Result<Parts, Reason> {
        let (mut head, ()) = request.body(()).expect("request").into_parts();
        check(&mut head, &Limits::default()).map(|()| head)
    }

    #[test]
    fn a_plain_head_gets_its_host_and_one_cookie() {
        let request = Request::get("https://a.example/x?y=1").header("cookie", "a=1").header("cookie", "b=2");
        let head = checked(request.header("expect", "100-continue")).expect("good");
        assert_eq!(head.headers["host"], "a.example");
        assert_eq!(head.headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
        assert!(!head.headers.contains_key("expect"));
        assert!(checked(Request::get("https://a.example/").header("host", "A.example")).is_ok());
        assert!(checked(Request::options("https://a.example").header("host", "a.example")).is_ok());
        assert!(checked(Request::get("/x").header("host", "a.example:8443")).is_ok());
    }

    #[test]
    fn heads_that_would_mean_something_else_downstream_are_refused() {
        let get = || Request::get("https://a.example/x");
        for request in [
            get().header("host", "b.example"),
            get().header("host", "a.example").header("host", "a.example"),
            get().header("host", "u@a.example"),
            get().header("x", " padded"),
            get().header("x", "padded\t"),
            get().header("content-length", "1").header("content-length", "1"),
            get().header("content-length", "+1"),
            Request::builder().method("PRI").uri("https://a.example/x"),
            Request::get("https://u@a.example/"),
            Request::get("/x"),
            Request::get("ftp://a.example/x"),
            Request::get("/x").header("host", "a.example:"),
            Request::get("/x").header("host", ".."),
            Request::get("https://a..example/x"),
        ] {
            assert_eq!(checked(request).err(), Some(Reason::BadRequest));
        }
        assert_eq!(checked(Request::connect("https://a.example/")).err(), Some(Reason::ConnectRefused));
        let protocol = hyper::ext::Protocol::from_static("websocket");
        let asks = |method: Method| {
            let request = Request::builder().method(method).uri("https://a.example/socket");
            checked(request.extension(protocol.clone()))
        };
        assert_eq!(asks(Method::GET).err(), Some(Reason::BadRequest));
        assert_eq!(asks(Method::CONNECT).map(|head| head.method), Ok(Method::GET));
        let many = (0..101).fold(get(), |request, i| request.header(format!("x-{i}"), "1"));
        assert_eq!(checked(many).err(), Some(Reason::HeadTooLarge));
    }
}
