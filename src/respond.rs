//! Respond: outcome to HTTP response. The only place that picks a status code.

use crate::decide::{self, Dialect, Refusal, Side};
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
        Reason::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Reason::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
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
    let status = status(refusal.reason, refusal.side);
    let (content_type, text) = decide::render(refusal, dialect, status.as_u16(), record, body, now);
    let mut response = Response::new(text);
    *response.status_mut() = status;
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
    match status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Phigate-Key"));
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(refusal.retry_after_s.max(1)));
        }
        _ => {}
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
        HeaderValue::from_static("phigate-record, phigate-reason, phigate-register, retry-after"),
    );
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

/// The record of the message, on every answer.
pub const RECORD_HEADER: HeaderName = HeaderName::from_static("phigate-record");
/// What `phigate registry request` takes, where the refused person can be registered as a test person.
pub const REGISTER_HEADER: &str = "phigate-register";
/// Why the gateway answered by itself.
pub const REASON_HEADER: &str = "phigate-reason";

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
}
