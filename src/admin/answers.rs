//! Answers of the admin API: problem details for everything that isn't what was asked for.

use crate::store::StoreError;
use axum::Json;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What was asked for, or a problem.
pub(super) type Answer = Result<Response, Response>;

/// Problem details (RFC 9457).
pub(super) fn problem(status: StatusCode, word: &str, detail: &str) -> Response {
    let body = json!({"type": format!("urn:phigate:admin:{word}"), "title": word, "status": status.as_u16(), "detail": detail});
    (status, [(header::CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response()
}

/// The store failed: the log tells how, in words that quote nothing of what is stored.
pub(super) fn broken(error: StoreError) -> Response {
    tracing::error!(error = %error, "The store failed a reader's request.");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "store", "The store failed. The gateway's log says more.")
}

/// What has to be there isn't.
pub(super) fn missing() -> Response {
    broken(StoreError::Broken)
}

/// Something else of ours failed: the log tells what.
pub(super) fn fault(what: &str) -> Response {
    tracing::error!(error = what, "A reader's request can't be answered.");
    problem(StatusCode::INTERNAL_SERVER_ERROR, "fault", "The gateway failed. Its log says more.")
}

/// A task of ours that panicked, or was stopped with the gateway.
pub(super) fn ended(_: tokio::task::JoinError) -> Response {
    fault("its task ended before its time")
}

/// A body that isn't what is wanted.
pub(super) fn bad(wanted: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "bad_body", &format!("Wanted in JSON: {wanted}."))
}

/// What is asked for doesn't fit: why, a line each.
pub(super) fn unfit(problems: &[String]) -> Response {
    let mut body = json!({
        "type": "urn:phigate:admin:unfit", "title": "unfit", "status": 422,
        "detail": "It doesn't fit: `problems` tells why.",
    });
    body["problems"] = json!(problems);
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (StatusCode::UNPROCESSABLE_ENTITY, kind, body.to_string()).into_response()
}

/// There is no such thing, or none that the caller may see.
pub(super) fn not_here() -> Response {
    problem(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
}

/// Somebody else was first.
pub(super) fn stale() -> Response {
    problem(StatusCode::PRECONDITION_FAILED, "changed_since", "Somebody changed it since it was read.")
}

/// Whether a change is made to what is there now, as the caller names it (RFC 9110, If-Match).
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
pub(super) fn if_match(headers: &HeaderMap, version: i64) -> Result<(), Response> {
    let mut named = headers.get_all(header::IF_MATCH).iter().peekable();
    if named.peek().is_none() {
        let detail = "If-Match is needed: the ETag of what is changed, as it was read.";
        return Err(problem(StatusCode::PRECONDITION_REQUIRED, "if_match", detail));
    }
    // A list of them; ours have no comma in them.
    let current = etag(version);
    let mut tags = named.flat_map(|line| line.to_str().unwrap_or_default().split(',')).map(str::trim);
    match tags.any(|tag| tag == "*" || tag == current) {
        true => Ok(()),
        false => Err(stale()),
    }
}

/// An answer with its version as ETag.
pub(super) fn tagged(version: i64, value: Value) -> Response {
    ([(header::ETAG, etag(version))], Json(value)).into_response()
}

fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn if_match_takes_one_tag_a_list_and_any() {
        for (lines, fits) in [
            (vec!["\"3\""], true),
            (vec!["*"], true),
            (vec!["\"1\", \"3\""], true),
            (vec!["\"1\"", "\"3\""], true),
            (vec!["\"1\",\"2\""], false),
            (vec!["W/\"3\""], false),
            (vec![""], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(header::IF_MATCH, HeaderValue::from_static(line));
            }
            assert_eq!(if_match(&headers, 3).is_ok(), fits, "{lines:?}");
        }
        assert!(if_match(&HeaderMap::new(), 3).is_err());
    }
}
