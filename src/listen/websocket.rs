//! WebSocket over HTTP/2 (RFC 8441): an extended CONNECT goes on as the upgrade of HTTP/1.1 that it stands for, so that it is
//! judged, recorded and forwarded as that one is; what it gets is told in words of HTTP/2.
//!
//! HTTP/2 has no key of the handshake, and HTTP/1.1 wants one (RFC 6455, section 4.1). So it is made here, and the answer to
//! it is checked here: the caller can't.

use super::ReplyBody;
use super::head::may_follow;
use crate::reason::Reason;
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use hyper::ext::Protocol;

/// Has an extended CONNECT ask as a GET of HTTP/1.1 would.
///
/// # Errors
/// [`Reason::ConnectRefused`] of a plain CONNECT, [`Reason::UpgradeRefused`] where the protocol is HTTP or TLS, or no name.
pub(super) fn as_upgrade(head: &mut Parts) -> Result<(), Reason> {
    let protocol = head.extensions.remove::<Protocol>().ok_or(Reason::ConnectRefused)?;
    if !may_follow(protocol.as_str().as_bytes()) {
        return Err(Reason::UpgradeRefused);
    }
    let protocol = HeaderValue::try_from(protocol.as_str()).map_err(|_| Reason::UpgradeRefused)?;
    head.method = Method::GET;
    if is_websocket(&protocol) {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| Reason::Internal)?;
        let key = HeaderValue::try_from(STANDARD.encode(random)).map_err(|_| Reason::Internal)?;
        head.headers.insert(header::SEC_WEBSOCKET_KEY, key);
    }
    head.headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    head.headers.insert(header::UPGRADE, protocol);
    Ok(())
}

/// What the upstream has to say to the key of a head; `None` where it has none.
pub(super) fn wanted(head: &Parts) -> Option<HeaderValue> {
    if !is_websocket(head.headers.get(header::UPGRADE)?) {
        return None;
    }
    let key = head.headers.get(header::SEC_WEBSOCKET_KEY)?;
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID].concat());
    HeaderValue::try_from(STANDARD.encode(hash)).ok()
}

/// Writes an answer to an extended CONNECT as HTTP/2 has it; gives the body of a switch, with its tunnel. Success means a
/// tunnel there (RFC 9113, section 8.5), so one without, or with another answer to the key, is a bad gateway.
pub(super) fn answered(
    response: &mut Response<ReplyBody>,
    wanted: Option<&HeaderValue>,
) -> Option<ReplyBody> {
    let (status, headers) = (response.status(), response.headers_mut());
    let told = headers.remove(header::SEC_WEBSOCKET_ACCEPT);
    if status == StatusCode::SWITCHING_PROTOCOLS && (wanted.is_none() || told.as_ref() == wanted) {
        for name in [header::UPGRADE, header::CONNECTION, header::CONTENT_LENGTH] {
            headers.remove(name);
        }
        *response.status_mut() = StatusCode::OK;
        return Some(std::mem::replace(response.body_mut(), ReplyBody::empty()));
    }
    if status == StatusCode::SWITCHING_PROTOCOLS || status.is_success() {
        let record = headers.remove(RECORD_HEADER);
        headers.clear();
        headers.extend(record.map(|record| (RECORD_HEADER, record)));
        headers.insert(REASON_HEADER, HeaderValue::from_static(Reason::UpstreamInvalid.as_str()));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response.body_mut().break_off();
    }
    None
}

fn is_websocket(protocol: &HeaderValue) -> bool {
    protocol.as_bytes().eq_ignore_ascii_case(b"websocket")
}

const RECORD_HEADER: HeaderName = HeaderName::from_static("phigate-record");
const REASON_HEADER: HeaderName = HeaderName::from_static("phigate-reason");
/// RFC 6455, section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn asked(protocol: Option<&'static str>) -> (Parts, Result<(), Reason>) {
        let (mut head, ()) =
            Request::connect("https://a.example/socket").body(()).expect("request").into_parts();
        head.extensions.extend(
            protocol
                .map(|protocol| {
                    let mut extensions = http::Extensions::new();
                    extensions.insert(Protocol::from_static(protocol));
                    extensions
                })
                .unwrap_or_default(),
        );
        let asked = as_upgrade(&mut head);
        (head, asked)
    }

    #[test]
    fn an_extended_connect_asks_as_an_upgrade_with_a_key_of_ours() {
        let (head, asks) = asked(Some("websocket"));
        assert_eq!((asks, &head.method), (Ok(()), &Method::GET));
        assert_eq!(
            (&head.headers["upgrade"], &head.headers["connection"]),
            (&HeaderValue::from_static("websocket"), &HeaderValue::from_static("upgrade"))
        );
        assert_eq!(
            STANDARD.decode(head.headers["sec-websocket-key"].as_bytes()).map(|key| key.len()),
            Ok(16)
        );
        let (other, asks) = asked(Some("connect-udp"));
        assert_eq!(
            (asks, other.headers.contains_key("sec-websocket-key"), wanted(&other)),
            (Ok(()), false, None)
        );
        for (protocol, reason) in [
            (None, Reason::ConnectRefused),
            (Some("h2c"), Reason::UpgradeRefused),
            (Some("TLS/1.3"), Reason::UpgradeRefused),
            (Some("websocket, x"), Reason::UpgradeRefused),
        ] {
            assert_eq!(asked(protocol).1, Err(reason), "{protocol:?}");
        }
    }

    #[test]
    fn the_answer_to_a_key_is_that_of_rfc_6455() {
        let (mut head, ()) =
            Request::get("/").header("upgrade", "WebSocket").body(()).expect("request").into_parts();
        head.headers.insert("sec-websocket-key", HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ=="));
        assert_eq!(wanted(&head), Some(HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
    }

    #[test]
    fn success_without_a_tunnel_is_a_bad_gateway_and_a_refusal_stays() {
        let accept = HeaderValue::from_static("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let answer = |status: u16, told: &HeaderValue| {
            let response = Response::builder().status(status).header("sec-websocket-accept", told);
            let mut response =
                response.header("x-of", "upstream").body(ReplyBody::empty()).expect("a response");
            let switched = answered(&mut response, Some(&accept)).is_some();
            (response.status().as_u16(), switched, response.headers().contains_key("x-of"))
        };
        assert_eq!(answer(101, &accept), (200, true, true));
        assert_eq!(answer(101, &HeaderValue::from_static("made-up")), (502, false, false));
        assert_eq!(answer(200, &accept), (502, false, false));
        assert_eq!(answer(501, &accept), (501, false, true));
    }
}
