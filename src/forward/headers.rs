//! What a head loses and gains at the gateway, each way. Bodies and their `Content-Encoding` aren't touched.

use super::outgoing::Fields;
use super::trace::{TRACE_PARENT, TRACE_STATE, trace_of, trace_parent};
use super::{OutBody, Outgoing, Upstream};
use crate::identify;
use crate::listen::Peer;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header, request::Parts, response,
    uri::PathAndQuery,
};
use http_body::Body;
use memchr::memchr;

/// A connection's own rules on request headers. Set wins over remove; framing headers can't be set.
#[derive(Debug, Clone, Default)]
pub struct HeaderRules {
    /// Headers to write, in place of any that came.
    pub set: Vec<(HeaderName, HeaderValue)>,
    /// Headers to take away.
    pub remove: Vec<HeaderName>,
    /// What the upstream sees as `Host`.
    pub host: HostHeader,
    /// How it is told who called.
    pub forwarding: Forwarding,
}

/// How an upstream is told who called, by what, and for which host. What callers write of it never passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Forwarding {
    /// `X-Forwarded-For`, `-Proto`, `-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// Both.
    Both,
    /// Not at all.
    None,
}

/// What the upstream sees as `Host`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum HostHeader {
    /// The endpoint's own authority.
    #[default]
    Upstream,
    /// What the caller sent.
    Keep,
    /// This.
    Set(HeaderValue),
}

/// Makes the message that goes to the upstream: origin-form target, no hop-by-hop headers, nothing of ours, no
/// forwarding headers but those written here, framing by the body at hand. No header that the configuration names trails,
/// `signal` (the listener's `environment_header`) among them. One that belongs to no trace begins one, of its record's
/// `id`.
#[must_use]
pub fn prepare_request(
    head: &Parts,
    mut body: OutBody,
    upstream: &Upstream,
    peer: &Peer,
    rules: &HeaderRules,
    signal: Option<&HeaderName>,
    id: Option<&str>,
) -> Outgoing {
    let sent = &head.headers;
    let set = || {
        let own = rules.set.iter().filter(|(name, _)| !is_framing(name));
        own.chain(upstream.secret_headers.iter())
    };
    let is_configured = |name: &str| {
        rules.remove.iter().chain(set().map(|(name, _)| name)).any(|known| is_spelling(name, known.as_str()))
    };
    let trails = |name: &HeaderName| {
        let is_signal = signal.is_some_and(|signal| is_spelling(name.as_str(), signal.as_str()));
        !is_signal && !is_configured(name.as_str()) && may_trail(name)
    };
    body.keep_trailers(sent, trails);
    let mut fields = Fields::with_capacity(sent.len() + WRITTEN_HEADERS);
    // All that is asked of them, in one look.
    let (mut had_body, mut expects_100, mut sent_host, mut has_key) = (false, None, None, None);
    let mut says_trace = false;
    for (name, value) in sent {
        let text = name.as_str();
        says_trace |= text.starts_with("trace");
        match *name {
            header::HOST => sent_host = sent_host.or(Some(value)),
            header::CONTENT_LENGTH | header::TRANSFER_ENCODING => had_body = true,
            header::EXPECT => expects_100 = expects_100.or(Some(is_100_continue(value))),
            header::FORWARDED => {}
            header::AUTHORIZATION if *has_key.get_or_insert_with(|| has_key_in_authorization(sent)) => {}
            _ if is_hop_by_hop(text)
                || is_ours_or_forwarding(text)
                || is_framing_respelled(text)
                || is_configured(text) => {}
            _ => {
                fields.append(name.clone(), value.clone());
            }
        }
    }
    let sent_host = sent_host.cloned().or_else(|| authority_of(&head.uri));
    write_forwarding(&mut fields, peer, sent_host.as_ref(), rules.forwarding);
    for (name, value) in set() {
        fields.set(name.clone(), value.clone());
    }
    // Where it stays away the pool writes that of the endpoint that it chooses.
    let host = match &rules.host {
        HostHeader::Keep => sent_host,
        HostHeader::Upstream => None,
        HostHeader::Set(host) => Some(host.clone()),
    };
    if let Some(host) = host {
        fields.set(header::HOST, host);
    }
    if let Some(id) = id.filter(|_| !says_trace || trace_of(sent).is_none())
        && let Ok(parent) = HeaderValue::from_bytes(&trace_parent(id))
    {
        fields.set(TRACE_PARENT, parent);
        if says_trace || set().next().is_some() {
            fields.remove(&TRACE_STATE);
        }
    }
    let mut message = Outgoing { method: head.method.clone(), target: origin_form(&head.uri), fields, body };
    write_framing(&mut message, had_body);
    if expects_100 == Some(true) && message.body.is_streaming() {
        wait_for_100(&mut message);
    }
    message
}

/// Has a message ask for another protocol, as its caller did.
pub fn ask_to_switch(message: &mut Outgoing, protocol: HeaderValue) {
    message.fields.set(header::CONNECTION, HeaderValue::from_static("upgrade"));
    message.fields.set(header::UPGRADE, protocol);
}

/// Takes hop-by-hop headers from a reply's head, and those that only the gateway may write: an upstream can't pass its
/// answer off as a refusal of ours. Framing is written anew on the way out.
pub fn prepare_reply(head: &mut response::Parts) {
    head.version = Version::HTTP_11;
    head.extensions.clear();
    let is_stripped =
        |name: &HeaderName| is_hop_by_hop(name.as_str()) || starts_as(name.as_str(), "phigate-");
    if !head.headers.keys().any(is_stripped) {
        return;
    }
    // Kept for a chunked body: hyper writes only trailers that are announced, to callers that said `TE: trailers`.
    let is_chunked = head.headers.contains_key(header::TRANSFER_ENCODING);
    let trailers = listed(&head.headers).filter(may_trail_reply).collect::<Vec<_>>();
    let switched =
        head.headers.remove(header::UPGRADE).filter(|_| head.status == StatusCode::SWITCHING_PROTOCOLS);
    strip_where(&mut head.headers, is_stripped);
    if is_chunked {
        head.headers.remove(header::CONTENT_LENGTH);
        if let Some(names) = announced(trailers.iter()) {
            head.headers.insert(header::TRAILER, names);
        }
    }
    if let Some(protocol) = switched {
        head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(header::UPGRADE, protocol);
    }
}

/// Known hop-by-hop names only. What `Connection` of a reply names beside them stays: it is judged with the reply. A request
/// that names what it has is refused before (`listen`), or a caller could take away headers that the upstream trusts.
fn is_hop_by_hop(name: &str) -> bool {
    // Most names are settled by their first letter.
    match name.as_bytes().first() {
        Some(b'c') => name == "connection",
        Some(b'h') => name == "http2-settings",
        Some(b'k') => name == "keep-alive",
        // `Proxy` is none, but CGI makes it the variable that sets a proxy (CVE-2016-5385).
        Some(b'p') => name == "proxy" || name.starts_with("proxy-"),
        Some(b't') => matches!(name, "te" | "trailer" | "transfer-encoding"),
        Some(b'u') => name == "upgrade",
        _ => false,
    }
}

/// With an underline as with a hyphen: CGI and what descends from it can't tell the two apart.
fn is_ours_or_forwarding(name: &str) -> bool {
    // Most of the usual names are settled by their first letter.
    matches!(name.as_bytes().first(), Some(b'c' | b'd' | b'f' | b'p' | b'r' | b's' | b't' | b'w' | b'x'))
        && (starts_as(name, "phigate-")
            || NEVER_BELIEVED_FAMILIES.iter().any(|prefix| starts_as(name, prefix))
            || NEVER_BELIEVED.iter().any(|known| is_spelling(name, known)))
}

/// Framing and hop-by-hop headers with an underline: the guard read none of them, an upstream might.
fn is_framing_respelled(name: &str) -> bool {
    name.contains('_')
        && (starts_as(name, "proxy-")
            || ["content-length", "transfer-encoding", "keep-alive", "http2-settings"]
                .iter()
                .any(|known| is_spelling(name, known)))
}

/// Whether two names in small letters are one to whoever can't tell an underline from a hyphen.
#[must_use]
pub fn is_spelling(name: &str, known: &str) -> bool {
    name.len() == known.len() && starts_as(name, known)
}

fn starts_as(name: &str, prefix: &str) -> bool {
    let hyphened = |b: u8| if b == b'_' { b'-' } else { b };
    let mut bytes = name.bytes();
    prefix.bytes().all(|known| bytes.next().map(hyphened) == Some(hyphened(known)))
}

/// A key of ours ends here, wherever it was sent; another `Authorization` is the upstream's.
fn has_key_in_authorization(headers: &HeaderMap) -> bool {
    let is_key =
        |value: &HeaderValue| value.to_str().is_ok_and(|v| identify::key_in_authorization(v).is_some());
    headers.get_all(header::AUTHORIZATION).iter().any(is_key)
}

/// Whether a header is written anew for each message, so that no configuration sets it: framing, and the trace.
#[must_use]
pub fn is_written_anew(name: &HeaderName) -> bool {
    is_framing(name) || is_hop_by_hop(name.as_str()) || *name == TRACE_PARENT || *name == TRACE_STATE
}

fn is_framing(name: &HeaderName) -> bool {
    HOP_BY_HOP.contains(name) || name == header::CONTENT_LENGTH || name == header::EXPECT
}

fn strip_where(headers: &mut HeaderMap, is_stripped: impl Fn(&HeaderName) -> bool) {
    let names: Vec<_> = headers.keys().filter(|name| is_stripped(name)).cloned().collect();
    for name in names {
        headers.remove(name);
    }
}

fn write_forwarding(fields: &mut Fields, peer: &Peer, sent_host: Option<&HeaderValue>, how: Forwarding) {
    if matches!(how, Forwarding::Forwarded | Forwarding::Both)
        && let Ok(value) = HeaderValue::try_from(forwarded(peer, sent_host))
    {
        fields.set(header::FORWARDED, value);
    }
    if matches!(how, Forwarding::Forwarded | Forwarding::None) {
        return;
    }
    // None that was sent is there, so nothing has to make way.
    if let Some(address) = peer.forwarded_for() {
        fields.append(X_FORWARDED_FOR, address.clone());
    }
    fields.append(X_FORWARDED_PROTO, HeaderValue::from_static(peer.scheme()));
    if let Some(host) = sent_host {
        fields.append(X_FORWARDED_HOST, host.clone());
    }
}

/// `for=192.0.2.7;proto=https;host="a:8443"`: an address of IPv6 and a host with a port are quoted (RFC 7239, section 4).
fn forwarded(peer: &Peer, sent_host: Option<&HeaderValue>) -> String {
    let address = match peer.ip().map(|ip| ip.to_canonical()) {
        Some(std::net::IpAddr::V4(ip)) => ip.to_string(),
        Some(std::net::IpAddr::V6(ip)) => format!("\"[{ip}]\""),
        None => "unknown".to_owned(),
    };
    let host = sent_host.and_then(|host| host.to_str().ok()).filter(|host| !host.contains(['"', '\\']));
    let host = host.map_or(String::new(), |host| format!(";host=\"{host}\""));
    format!("for={address};proto={}{host}", peer.scheme())
}

fn write_framing(message: &mut Outgoing, had_body: bool) {
    let (body, fields) = (&message.body, &mut message.fields);
    let length = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
    match length {
        Some(0) if !had_body && !matches!(message.method, Method::POST | Method::PUT | Method::PATCH) => {}
        Some(length) => {
            fields.set(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        None => {
            // Trailers are written that are listed, and no others.
            fields.set(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            if let Some(names) = announced(body.trailer_names().iter()) {
                fields.set(header::TRAILER, names);
            }
        }
    }
}

/// What a head says of the trailers that follow; `None` where none do.
fn announced<'n>(names: impl Iterator<Item = &'n HeaderName>) -> Option<HeaderValue> {
    let names = names.map(HeaderName::as_str).collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(names).ok().filter(|names| !names.is_empty())
}

/// The names in `Trailer`, those that are none left out.
pub(super) fn listed(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    names_in(headers.get_all(header::TRAILER).iter())
}

/// The names in values of `Trailer`.
pub(super) fn names_in<'v>(
    values: impl Iterator<Item = &'v HeaderValue>,
) -> impl Iterator<Item = HeaderName> {
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|names| names.split(',')).filter_map(|name| name.trim().parse().ok())
}

/// An upstream may take a trailer for a header: what may not come as a header may not trail either, nor what says how a
/// message is read (RFC 9110, section 6.5.1). HTTP/2 has a stream fail over what belongs to a connection (RFC 9113,
/// section 8.2.2).
fn may_trail(name: &HeaderName) -> bool {
    let name = name.as_str();
    !reads_as_framing(name)
        && !is_ours_or_forwarding(name)
        && !["authorization", "cookie", "forwarded"].iter().any(|known| is_spelling(name, known))
}

/// The same of a reply: an upstream can't forge behind a body what it can't before it.
pub(super) fn may_trail_reply(name: &HeaderName) -> bool {
    let name = name.as_str();
    !reads_as_framing(name) && !starts_as(name, "phigate-")
}

/// Names by which a message is framed, routed, traced or decoded, and those of a connection, however they are spelled.
fn reads_as_framing(name: &str) -> bool {
    starts_as(name, "proxy-") || NEVER_TRAILING.iter().any(|known| is_spelling(name, known))
}

/// A streamed body that its caller holds back until a 100: the upstream decides.
fn wait_for_100(message: &mut Outgoing) {
    message.fields.set(header::EXPECT, HeaderValue::from_static("100-continue"));
    message.body.wait_for_100();
}

fn is_100_continue(value: &HeaderValue) -> bool {
    value.as_bytes().eq_ignore_ascii_case(b"100-continue")
}

fn authority_of(uri: &Uri) -> Option<HeaderValue> {
    uri.authority().and_then(|authority| HeaderValue::try_from(authority.as_str()).ok())
}

/// Path and query. A path has one form, the one that was judged: escapes of characters that need none are undone
/// (RFC 3986, section 6.2.2), and the others are written in capitals.
fn origin_form(uri: &Uri) -> PathAndQuery {
    let sent = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    if sent.as_str().starts_with('?') {
        // `http://host?query` has no path; a target has one.
        return PathAndQuery::try_from(sent.to_string()).unwrap_or(sent); // with a `/` in front
    }
    if memchr(b'%', sent.path().as_bytes()).is_none() {
        return sent;
    }
    let mut target = canonical_path(sent.path());
    if let Some(query) = sent.query() {
        target.push('?');
        target.push_str(query);
    }
    PathAndQuery::try_from(target).unwrap_or(sent)
}

/// The one form of a path in which it goes on.
#[must_use]
pub fn canonical_path(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(before);
        let escape = behind.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escape {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte))
            }
            _ => {
                out.push('%');
                out.push_str(&behind.get(..2).unwrap_or_default().to_ascii_uppercase());
            }
        }
        rest = behind.get(2..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Headers that are written here, at most about so many.
const WRITTEN_HEADERS: usize = 8;
const HOP_BY_HOP: [HeaderName; 5] =
    [header::CONNECTION, header::TE, header::TRAILER, header::TRANSFER_ENCODING, header::UPGRADE];
/// By which servers and frameworks are told by a proxy who calls, with which certificate, for which host, target and method.
/// Of callers nobody believes it: a target or method that stands beside the one that was judged goes round all that was judged
/// by it.
const NEVER_BELIEVED: [&str; 54] = [
    "cf-access-authenticated-user-email",
    "cf-access-jwt-assertion",
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "cf-visitor",
    "client-cert",
    "client-cert-chain",
    "client-ip",
    "cloudfront-forwarded-proto",
    "cloudfront-viewer-address",
    "do-connecting-ip",
    "fastly-client-ip",
    "fastly-ssl",
    "fly-client-ip",
    "front-end-https",
    "remote-addr",
    "remote-email",
    "remote-groups",
    "remote-name",
    "remote-user",
    "true-client-ip",
    "x-arr-clientcert",
    "x-arr-ssl",
    "x-azure-clientip",
    "x-azure-socketip",
    "x-client-cert",
    "x-client-dn",
    "x-client-ip",
    "x-client-verify",
    "x-cluster-client-ip",
    "x-envoy-external-address",
    "x-envoy-original-path",
    "x-goog-iap-jwt-assertion",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-forwarded-for",
    "x-original-host",
    "x-original-method",
    "x-original-proto",
    "x-original-scheme",
    "x-original-uri",
    "x-original-url",
    "x-proxyuser-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-email",
    "x-remote-groups",
    "x-remote-user",
    "x-rewrite-url",
    "x-scheme",
    "x-ssl-cert",
    "x-url-scheme",
];
/// The same, whatever stands behind: of nginx and HAProxy (`X-SSL-Client-S-DN`), Azure (`X-MS-Client-Principal-Name`), Grafana
/// and others (`X-WebAuth-User`), oauth2-proxy (`X-Auth-Request-Email`), the load balancers of AWS (`X-Amzn-Oidc-Identity`) and
/// Google (`X-Goog-Authenticated-User-Email`), WebLogic (`WL-Proxy-Client-Cert`) and Tailscale.
const NEVER_BELIEVED_FAMILIES: [&str; 12] = [
    "ssl-client-",
    "tailscale-user-",
    "wl-proxy-",
    "x-amzn-mtls-",
    "x-amzn-oidc-",
    "x-auth-request-",
    "x-authenticated-user",
    "x-forwarded-",
    "x-goog-authenticated-user-",
    "x-ms-client-principal",
    "x-ssl-client-",
    "x-webauth-",
];
const NEVER_TRAILING: [&str; 17] = [
    "baggage",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    const ID: &str = "019302c1-9a41-7c3e-8d02-5f60718293a4";

    #[test]
    fn a_trace_goes_on_and_one_without_begins_one_with_no_state_of_another() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let own = "00-019302c19a417c3e8d025f60718293a4-8d025f60718293a4-00";
        let set = |name| (HeaderName::from_static(name), HeaderValue::from_static("set"));
        for (sent, state, is_set, parent, kept) in [
            (&[good][..], true, false, good, &["a=1"][..]),
            (&[], false, false, own, &[]),
            (&[], true, false, own, &[]),
            (&["00-x"], true, false, own, &[]),
            (&[good, good], true, false, own, &[]),
            (&[], false, true, own, &[]),
        ] {
            let mut request = Request::get("/");
            for value in sent {
                request = request.header("traceparent", *value);
            }
            if state {
                request = request.header("tracestate", "a=1");
            }
            let all = vec![set("tracestate"), set("traceparent")];
            let rules = HeaderRules { set: if is_set { all } else { Vec::new() }, ..HeaderRules::default() };
            let out = prepared(request, OutBody::empty(), &rules);
            assert_eq!(
                (header(&out, "traceparent"), header(&out, "tracestate")),
                (vec![parent], kept.to_vec())
            );
        }
    }

    #[test]
    fn a_path_goes_on_in_the_form_that_was_judged_and_its_query_as_it_came() {
        let form = |target: &'static str| origin_form(&Uri::from_static(target)).to_string();
        assert_eq!(form("/f%68ir/%7ex?a=%61"), "/fhir/~x?a=%61");
        assert_eq!(form("/a%20b%c3%a9"), "/a%20b%C3%A9");
        assert_eq!(form("/plain?x=%41"), "/plain?x=%41");
        assert_eq!(form("http://h/%41"), "/A");
    }
    use crate::payload::Payload;

    fn prepared(request: http::request::Builder, body: OutBody, rules: &HeaderRules) -> Request<OutBody> {
        let (head, ()) = request.body(()).expect("request").into_parts();
        let upstream = Upstream::new("u", "fhir.example.org", 8080);
        let peer = Peer::new(Some("192.0.2.7:5000".parse().expect("address")), None);
        prepare_request(&head, body, &upstream, &peer, rules, None, Some(ID)).into()
    }

    fn header<'a>(request: &'a Request<OutBody>, name: &str) -> Vec<&'a str> {
        request.headers().get_all(name).iter().map(|v| v.to_str().expect("ASCII")).collect()
    }

    #[test]
    fn each_hop_by_hop_name_is_known_and_none_that_only_begins_like_one() {
        let of = is_hop_by_hop;
        assert!(HOP_BY_HOP.iter().all(|name| of(name.as_str())));
        for name in
            ["keep-alive", "http2-settings", "proxy-connection", "proxy-authenticate", "proxy-x", "proxy"]
        {
            assert!(of(name), "{name}");
        }
        for name in
            ["connections", "cookie", "tee", "t", "upgrade-insecure-requests", "proxies", "priority", "host"]
        {
            assert!(!of(name), "{name}");
        }
    }

    #[test]
    fn a_reply_leaves_as_http_11_and_without_what_hyper_noted_whatever_its_headers() {
        for name in ["content-type", "connection"] {
            let reply =
                http::Response::builder().version(Version::HTTP_2).header(name, "x").extension(7_u8).body(());
            let (mut head, ()) = reply.expect("reply").into_parts();
            prepare_reply(&mut head);
            assert_eq!((head.version, head.extensions.len()), (Version::HTTP_11, 0), "{name}");
            assert_eq!(head.headers.contains_key(name), name == "content-type");
        }
    }

    #[test]
    fn hop_by_hop_ours_and_forwarding_headers_stay_behind() {
        let request = Request::get("http://caller.example/p?q=1")
            .header("Host", "caller.example")
            .header("Connection", "close, Authorization, X-Kept")
            .header("Keep-Alive", "1")
            .header("Proxy-Authorization", "p")
            .header("TE", "trailers")
            .header("Trailer", "X-T")
            .header("Upgrade", "h2c")
            .header("HTTP2-Settings", "x")
            .header("Expect", "100-continue")
            .header("Phigate-Key", "k")
            .header("X-Forwarded-For", "10.0.0.1")
            .header("X-Forwarded-Anything", "1")
            .header("X-Real-IP", "10.0.0.1")
            .header("X_Real_IP", "10.0.0.1")
            .header("X-Original-URL", "/admin")
            .header("X_Rewrite-URL", "/admin")
            .header("Client-Cert", ":MII=:")
            .header("Remote_User", "root")
            .header("True-Client-IP", "10.0.0.1")
            .header("CF-Connecting-IP", "10.0.0.1")
            .header("SSL-Client-Cert", "MII")
            .header("SSL_CLIENT_S_DN", "CN=root")
            .header("X_ARR-SSL", "1")
            .header("Front-End-Https", "on")
            .header("X_Url_Scheme", "https")
            .header("X-Amzn-Oidc-Identity", "root")
            .header("WL-Proxy-SSL", "true")
            .header("DO_Connecting_IP", "10.0.0.1")
            .header("X-SSL-Client-S-DN", "CN=root")
            .header("X_SSL-Client_Verify", "SUCCESS")
            .header("X-ARR-ClientCert", "MII")
            .header("X-MS-CLIENT-PRINCIPAL", "e30=")
            .header("X_MS_Client_Principal_Name", "root")
            .header("X-WebAuth-User", "root")
            .header("X-WEBAUTH-ROLE", "root")
            .header("X-Authenticated-User", "root")
            .header("X-Authenticated_UserId", "root")
            .header("X-Auth-Request-Email", "root@a.example")
            .header("X_Auth_Request_User", "root")
            .header("X-HTTP-Method-Override", "DELETE")
            .header("X_HTTP_Method", "DELETE")
            .header("X-Method-Override", "DELETE")
            .header("X-Auth-Token", "theirs")
            .header("X-Webauthn", "theirs")
            .header("X-MS-Client-Request-Id", "theirs")
            .header("X_Forwarded-For", "10.0.0.1")
            .header("Phigate_Key", "k")
            .header("Transfer_Encoding", "chunked")
            .header("Content_Length", "1")
            .header("Proxy_Authorization", "p")
            .header("Forwarded", "for=10.0.0.1")
            .header("Authorization", "Bearer up")
            .header("X-Kept", "1")
            .header("X-Kept", "2");
        let request = prepared(request, OutBody::empty(), &HeaderRules::default());
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let expected = [
            "authorization",
            "traceparent",
            "x-auth-token",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-kept",
            "x-ms-client-request-id",
            "x-webauthn",
        ];
        assert_eq!(names, expected);
        assert_eq!(header(&request, "x-forwarded-for"), ["192.0.2.7"]);
        assert_eq!(header(&request, "x-forwarded-host"), ["caller.example"]);
        assert_eq!(header(&request, "x-kept"), ["1", "2"]);
        assert_eq!(request.uri().to_string(), "/p?q=1");
    }

    #[test]
    fn who_called_is_told_as_the_connection_says() {
        let told = |forwarding| {
            let request =
                Request::get("/").header("Host", "a.example:8443").header("Forwarded", "for=10.0.0.1");
            let rules = HeaderRules { forwarding, ..HeaderRules::default() };
            let request = prepared(request, OutBody::empty(), &rules);
            let all = |name: &str| header(&request, name).join("|");
            (all("forwarded"), all("x-forwarded-for"))
        };
        let ours = "for=192.0.2.7;proto=http;host=\"a.example:8443\"".to_owned();
        let x = "192.0.2.7".to_owned();
        assert_eq!(told(Forwarding::XForwarded), (String::new(), x.clone()));
        assert_eq!(told(Forwarding::Forwarded), (ours.clone(), String::new()));
        assert_eq!(told(Forwarding::Both), (ours, x));
        assert_eq!(told(Forwarding::None), (String::new(), String::new()));
        let peer = Peer::new(Some("[2001:db8::1]:5000".parse().expect("address")), None);
        assert_eq!(forwarded(&peer, None), "for=\"[2001:db8::1]\";proto=http");
    }

    #[test]
    fn a_key_in_authorization_ends_here_and_other_credentials_go_on() {
        let sent = |values: &[&str]| {
            let request = values.iter().fold(Request::get("/"), |r, v| r.header("Authorization", *v));
            let request = prepared(request, OutBody::empty(), &HeaderRules::default());
            header(&request, "authorization").iter().map(|v| (*v).to_owned()).collect::<Vec<_>>()
        };
        for key in ["Bearer phk_a_secret", "bearer phk_a_secret", "BEARER  phk_a_secret"] {
            assert!(sent(&[key]).is_empty(), "{key}");
            assert!(sent(&["Basic eDp5", key]).is_empty(), "{key}");
        }
        for other in ["Bearer theirs", "Basic phk_a_secret", "Bearer", "phk"] {
            assert_eq!(sent(&[other]), [other]);
        }
    }

    #[test]
    fn framing_is_written_by_the_body_at_hand() {
        let held = || OutBody::held(Payload::from(&b"abc"[..]), None);
        let chunked = Request::post("/").header("Transfer-Encoding", "chunked");
        let request = prepared(chunked, held(), &HeaderRules::default());
        assert_eq!(header(&request, "content-length"), ["3"]);
        assert!(header(&request, "transfer-encoding").is_empty());

        let trailers =
            HeaderMap::from_iter([(HeaderName::from_static("x-t"), HeaderValue::from_static("1"))]);
        let body = OutBody::held(Payload::from(&b"abc"[..]), Some(trailers));
        let request = prepared(Request::post("/").header("trailer", "x-t"), body, &HeaderRules::default());
        assert_eq!(header(&request, "transfer-encoding"), ["chunked"]);
        assert_eq!(header(&request, "trailer"), ["x-t"]);
        assert!(header(&request, "content-length").is_empty());

        let request = prepared(Request::post("/"), OutBody::empty(), &HeaderRules::default());
        assert_eq!(header(&request, "content-length"), ["0"]);
        let request = prepared(Request::get("/"), OutBody::empty(), &HeaderRules::default());
        assert!(header(&request, "content-length").is_empty());
    }

    #[test]
    fn rules_set_and_remove_but_never_touch_framing() {
        let name = HeaderName::from_static;
        let rules = HeaderRules {
            set: vec![
                (name("authorization"), HeaderValue::from_static("Bearer own")),
                (name("transfer-encoding"), HeaderValue::from_static("chunked")),
            ],
            remove: vec![name("cookie"), name("authorization")],
            host: HostHeader::Keep,
            ..HeaderRules::default()
        };
        let request =
            Request::get("/").header("Host", "h").header("Cookie", "c").header("Authorization", "a");
        let request = prepared(request, OutBody::empty(), &rules);
        assert_eq!(header(&request, "authorization"), ["Bearer own"]);
        assert_eq!(header(&request, "host"), ["h"]);
        assert!(header(&request, "cookie").is_empty() && header(&request, "transfer-encoding").is_empty());
    }

    #[test]
    fn rules_hold_for_every_spelling_and_for_trailers() {
        let name = HeaderName::from_static;
        let rules = HeaderRules {
            set: vec![(name("x-source"), HeaderValue::from_static("phigate"))],
            remove: vec![name("x-user-id"), name("x_role")],
            ..HeaderRules::default()
        };
        let request = Request::post("/")
            .header("X_User_Id", "1")
            .header("X-User_Id", "1")
            .header("X-Role", "admin")
            .header("X_Source", "caller")
            .header("X-Source", "caller")
            .header("X-User-Idx", "kept")
            .header(
                "Trailer",
                "x_user_id, x-role, x_source, x-sum, keep-alive, te, forwarded, content_length, traceparent, \
                 TraceState, baggage, via, x-arr-ssl, front_end_https",
            );
        let trailers = HeaderMap::from_iter(
            [
                "x_user_id",
                "x-role",
                "x_source",
                "x-sum",
                "keep-alive",
                "te",
                "forwarded",
                "content_length",
                "x-undeclared",
                "traceparent",
                "tracestate",
                "baggage",
                "via",
                "x-arr-ssl",
                "front_end_https",
            ]
            .map(|trailer| (name(trailer), HeaderValue::from_static("1"))),
        );
        let request = prepared(request, OutBody::held(Payload::from(&b"a"[..]), Some(trailers)), &rules);
        assert_eq!(header(&request, "x-source"), ["phigate"]);
        assert_eq!(header(&request, "x-user-idx"), ["kept"]);
        assert_eq!(header(&request, "trailer"), ["x-sum"]);
        assert_eq!(request.body().trailer_names(), ["x-sum"]);
        for gone in ["x_user_id", "x-user_id", "x-role", "x_source"] {
            assert!(!request.headers().contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn replies_lose_hop_by_hop_headers_and_keep_their_own() {
        let reply = http::Response::builder()
            .header("Connection", "close")
            .header("Keep-Alive", "timeout=5")
            .header("Proxy-Authenticate", "x")
            .header("Transfer-Encoding", "chunked")
            .header("Trailer", "X-T")
            .header("Phigate-Reason", "likely_phi")
            .header("Phigate-Record", "forged")
            .header("Phigate_Record", "forged")
            .header(
                "Trailer",
                "Phigate_Reason, phigate-record, Keep-Alive, not a name, Content-Length, Via, traceparent",
            )
            .header("Content-Encoding", "gzip")
            .header("Set-Cookie", "a=1")
            .header("Set-Cookie", "b=2");
        let (mut head, ()) = reply.body(()).expect("reply").into_parts();
        prepare_reply(&mut head);
        let mut names: Vec<_> = head.headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-encoding", "set-cookie", "trailer"]);
        assert_eq!(head.headers["trailer"], "x-t");
        assert_eq!(head.headers.get_all("set-cookie").iter().count(), 2);
    }
}
