//! Records as they come: server-sent events, metadata alone.

use super::Admin;
use super::answers::Answer;
use super::caller::{Caller, Done};
use super::records::{Lines, told};
use crate::org::Permission;
use crate::store::Query;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Follows the records of the caller's environments. A change of roles holds from the next look on.
#[utoipa::path(get, path = "/v1/records/tail", tag = "records",
    responses((status = 200, description = "An event for each record", content_type = "text/event-stream"),
              (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it")))]
pub(super) async fn tail(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    headers: axum::http::HeaderMap,
) -> Answer {
    caller.somewhere(&admin, Permission::ReadRecords)?;
    caller.did(&admin, &Done { action: "search_tail", ..Done::default() })?;
    let (lines, received) = tokio::sync::mpsc::channel(64);
    let headers = Arc::new(headers);
    let begin = crate::clock::unix_ms();
    tokio::spawn(async move {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        loop {
            // Roles are those of now: a token that was revoked ends the stream.
            let (asked, sent) = (admin.clone(), headers.clone());
            #[allow(clippy::result_large_err)] // an answer, made once and sent
            let scope = tokio::task::spawn_blocking(move || {
                super::caller::again(&asked, &sent)?.somewhere(&asked, Permission::ReadRecords)
            });
            let Ok(Ok(scope)) = scope.await else { return };
            let from = crate::clock::unix_ms().saturating_sub(LATE_MS).max(begin);
            let query = Query { from_ms: Some(from), limit: Some(PAGE), ..Query::default() };
            let Ok(page) = super::records::page(&admin, scope, query).await else { return };
            for entry in page.entries.iter().rev().filter(|entry| !seen.contains(&entry.id)) {
                let event = format!("id: {}\ndata: {}\n\n", entry.id, told(entry));
                if lines.send(Ok(event)).await.is_err() {
                    return;
                }
            }
            // Those of the window alone: ids begin with their time.
            seen = page.entries.into_iter().map(|entry| entry.id).collect();
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                () = lines.closed() => return,
            }
        }
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(Lines(received))).into_response())
}

/// A record of a message that took longer than this doesn't appear.
const LATE_MS: u64 = 60_000;
const EVERY: Duration = Duration::from_millis(500);
const PAGE: usize = 1000;
