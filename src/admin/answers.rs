//! Answers of the admin API: problem details for everything that isn't what was asked for.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// What was asked for, or a problem.
pub(super) type Answer = Result<Response, Response>;

/// Problem details (RFC 9457).
pub(super) fn problem(status: StatusCode, word: &str, detail: &str) -> Response {
    let body = json!({"type": format!("urn:phigate:admin:{word}"), "title": word, "status": status.as_u16(), "detail": detail});
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// The store failed.
pub(super) fn broken() -> Response {
    tracing::error!("The store failed a reader's request.");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "store", "The store failed. The gateway's log says more.")
}
