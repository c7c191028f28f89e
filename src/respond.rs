//! Respond: outcome to HTTP response. The only place that picks a status code.

use crate::decide::{self, Dialect, Refusal, Side, Soap, grpc};
use crate::reason::Reason;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

/// The status of a reason; of a reply that was withheld it is 502: the upstream's answer is at fault.
#[must_use]
pub const fn status(reason: Reason, side: Side) -> StatusCode {
    match reason {
        Reason::LikelyPhi
        | Reason::Bulk
        | Reason::KnownReal
        | Reason::Uninspected
        | Reason::DeclaredMode
        | Reason::OffPathUrl => match side {
            Side::Request => StatusCode::UNPROCESSABLE_ENTITY,
            Side::Reply => StatusCode::BAD_GATEWAY,
        },
        Reason::EnvironmentMismatch | Reason::PathDenied | Reason::CallerRefused => StatusCode::FORBIDDEN,
        Reason::EnvironmentUnknown | Reason::NoConnection => StatusCode::NOT_FOUND,
        Reason::Misdirected => StatusCode::MISDIRECTED_REQUEST,
        Reason::CredentialMissing | Reason::CredentialInvalid => StatusCode::UNAUTHORIZED,
        Reason::UpgradeRefused | Reason::ConnectRefused => StatusCode::NOT_IMPLEMENTED,
        Reason::BadRequest | Reason::BodyCutShort | Reason::CallerGone => StatusCode::BAD_REQUEST,
        Reason::VersionRefused => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        Reason::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::BodyTimeout | Reason::HeadTimeout => StatusCode::REQUEST_TIMEOUT,
        Reason::HeldFull
        | Reason::RecordQueueFull
        | Reason::TooManyConnections
        | Reason::Overloaded
        | Reason::UpstreamUnavailable
        | Reason::UpstreamBusy
        | Reason::Draining => StatusCode::SERVICE_UNAVAILABLE,
        Reason::UpstreamConnect | Reason::UpstreamInvalid | Reason::ReplyTooLarge => StatusCode::BAD_GATEWAY,
        Reason::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Reason::UpstreamTimeout => StatusCode::GATEWAY_TIMEOUT,
        Reason::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The status that a dialect's clients expect of a reason. Faults of SOAP over what a message holds have those of its HTTP
/// bindings (SOAP 1.1, section 6.2; SOAP 1.2 part 2, table 20), and gRPC has one of its own beside HTTP's 200.
#[must_use]
pub const fn status_in(dialect: Dialect, reason: Reason, side: Side) -> StatusCode {
    let status = status(reason, side);
    match (dialect, side) {
        (Dialect::Grpc(_), _) => StatusCode::OK,
        (Dialect::Soap(_), _) if !reason.is_of_content() => status,
        (Dialect::Soap(Soap::V12), Side::Request) => StatusCode::BAD_REQUEST,
        (Dialect::Soap(_), _) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => status,
    }
}

/// The gateway's own answer, in the caller's dialect. `body` is the refused one, for the echoes that HL7v2 demands;
/// `now` is `YYYYMMDDhhmmss`.
#[must_use]
pub fn refusal(
    refusal: &Refusal,
    dialect: Dialect,
    record: &str,
    body: &[u8],
    now: &str,
) -> Response<Vec<u8>> {
    let plain = status(refusal.reason, refusal.side);
    let (content_type, text) = decide::render(refusal, dialect, plain.as_u16(), record, body, now);
    let mut response = Response::new(text);
    *response.status_mut() = status_in(dialect, refusal.reason, refusal.side);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REASON_HEADER, HeaderValue::from_static(refusal.reason.as_str()));
    if let Ok(record) = HeaderValue::from_str(record) {
        headers.insert(RECORD_HEADER, record);
    }
    if let Some(id) = refusal.register.as_deref().and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(REGISTER_HEADER, id);
    }
    let wait_s = refusal.retry_after_s.max(1);
    match (plain, dialect) {
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, Dialect::Grpc(_)) => {
            headers.insert(GRPC_PUSHBACK, HeaderValue::from(u64::from(wait_s) * 1000));
        }
        (StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS, _) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
        }
        (StatusCode::UNAUTHORIZED, dialect) if !matches!(dialect, Dialect::Grpc(_)) => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Phigate-Key"));
        }
        _ => {}
    }
    if let Dialect::Grpc(_) = dialect {
        let code = grpc::status(refusal.reason, refusal.side);
        headers.insert(GRPC_STATUS, HeaderValue::from(u16::from(code)));
        if let Ok(message) = HeaderValue::try_from(grpc::message(refusal, record)) {
            headers.insert(GRPC_MESSAGE, message);
        }
    }
    response
}

/// What the gateway says of itself (RFC 9110, section 9.3.7): the methods that it takes. Which of them an upstream serves is
/// asked by a path.
#[must_use]
pub fn options(record: &str) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    if let Ok(record) = HeaderValue::from_str(record) {
        headers.insert(RECORD_HEADER, record);
    }
    response
}

/// Lets a page of that origin read the gateway's own answer (Fetch Standard, section 3.2). Upstreams say for themselves who
/// may read theirs.
pub fn readable_by(headers: &mut HeaderMap, origin: &HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static(
            "phigate-record, phigate-reason, phigate-register, retry-after, grpc-status, grpc-message",
        ),
    );
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// The record of the message, on every answer.
pub const RECORD_HEADER: HeaderName = HeaderName::from_static("phigate-record");
/// What `phigate registry request` takes, where the refused person can be registered as a test person.
pub const REGISTER_HEADER: &str = "phigate-register";
/// Why the gateway answered by itself.
pub const REASON_HEADER: &str = "phigate-reason";

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Milliseconds until a client may try again (gRPC, retry design A6).
const GRPC_PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_tells_reason_and_record_in_its_head() {
        let r = refusal(&Refusal::plain(Reason::HeldFull), Dialect::Problem, "r-1", b"", "20240101000000");
        assert_eq!(r.status(), 503);
        assert_eq!(r.headers()["phigate-reason"], "held_full");
        assert_eq!(r.headers()["phigate-record"], "r-1");
        assert_eq!(r.headers()["retry-after"], "1");
        let body: serde_json::Value = serde_json::from_slice(r.body()).expect("JSON");
        assert_eq!(body["status"], 503);
    }

    #[test]
    fn a_fault_of_soap_has_the_status_of_its_binding_where_the_message_is_at_fault_and_http_s_own_elsewhere()
    {
        let answered = |soap, reason, side| {
            let mut r = Refusal::plain(reason);
            r.side = side;
            let r = refusal(&r, Dialect::Soap(soap), "r-1", b"", "20240101000000");
            (r.status().as_u16(), String::from_utf8(r.into_body()).expect("UTF-8"))
        };
        for (soap, reason, side, status, code) in [
            (Soap::V11, Reason::LikelyPhi, Side::Request, 500, "<faultcode>soap:Client<"),
            (Soap::V11, Reason::LikelyPhi, Side::Reply, 500, "<faultcode>soap:Server<"),
            (Soap::V11, Reason::RateLimited, Side::Request, 429, "<faultcode>soap:Client<"),
            (Soap::V12, Reason::Uninspected, Side::Request, 400, "<env:Value>env:Sender<"),
            (Soap::V12, Reason::Bulk, Side::Reply, 500, "<env:Value>env:Receiver<"),
            (Soap::V12, Reason::CredentialMissing, Side::Request, 401, "<env:Value>env:Sender<"),
            (Soap::V12, Reason::UpstreamTimeout, Side::Request, 504, "<env:Value>env:Receiver<"),
        ] {
            let (told, text) = answered(soap, reason, side);
            assert_eq!(told, status, "{soap:?} {reason}");
            assert!(text.contains(code) && text.contains("Record r-1."), "{soap:?} {reason}: {text}");
        }
    }

    fn head<'r>(r: &'r Response<Vec<u8>>, name: &str) -> &'r str {
        r.headers()[name].to_str().expect("ASCII")
    }

    #[test]
    fn a_call_of_grpc_gets_its_status_and_all_else_in_the_head() {
        let answered = |reason, side, wait| {
            let mut r = Refusal::plain(reason);
            (r.side, r.retry_after_s) = (side, wait);
            refusal(&r, Dialect::Grpc(grpc::Wire::Plain), "r-1", b"", "20240101000000")
        };
        for (reason, side, code) in [
            (Reason::LikelyPhi, Side::Request, "3"),
            (Reason::LikelyPhi, Side::Reply, "9"),
            (Reason::CredentialInvalid, Side::Request, "16"),
            (Reason::PathDenied, Side::Request, "7"),
            (Reason::NoConnection, Side::Request, "12"),
            (Reason::UpstreamTimeout, Side::Request, "4"),
            (Reason::Draining, Side::Request, "14"),
        ] {
            let r = answered(reason, side, 0);
            assert_eq!((r.status().as_u16(), head(&r, "grpc-status")), (200, code), "{reason}");
            assert_eq!((head(&r, "content-type"), r.body().len()), ("application/grpc", 0));
            let message = head(&r, "grpc-message");
            assert!(message.contains(reason.title()) && message.contains("r-1"), "{message}");
            assert!(!r.headers().contains_key("www-authenticate"));
        }
        let limited = answered(Reason::RateLimited, Side::Request, 7);
        assert_eq!((head(&limited, "grpc-status"), head(&limited, "grpc-retry-pushback-ms")), ("8", "7000"));
    }
}
