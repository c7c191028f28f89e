//! Search by value: the term comes in a body, is made a token and forgotten. It is never logged, stored or repeated, and
//! what is found are records whose ceiling let them carry tokens.

use super::Admin;
use super::answers::{Answer, bad, problem};
use super::caller::{Caller, Done};
use super::object::Object;
use super::quota::Taken;
use super::words;
use crate::inspect::kind::Kind;
use crate::org::{Flag, Permission};
use crate::store::{Query, ReadScope};
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// What to look for. Holds payload: no `Debug`.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ValueSearch {
    /// One environment.
    environment: String,
    /// The value, as whoever asks has it: case, blanks and punctuation make no difference.
    value: String,
    /// Its kind: mrn, member-id, account, visit-number, device or claim-id; all of them by default.
    kind: Option<String>,
    /// Why; demanded in production, and kept in the audit. It may hold no value either.
    reason: Option<String>,
    /// From this time on, Unix milliseconds.
    from: Option<u64>,
    /// Before this time, Unix milliseconds.
    to: Option<u64>,
    /// Records at most, 1 to 1000.
    #[schema(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Go on behind this record.
    after: Option<String>,
}

/// Finds records by a value of a tokened kind.
#[utoipa::path(post, path = "/v1/records/search", request_body = ValueSearch, tag = "records",
    responses((status = 200, description = "Entries, newest first, and where the next page begins"), (status = 400, description = "Not what is wanted, or a reason that holds a value"),
              (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"), (status = 429, description = "The quota of production is used up")))]
pub(super) async fn search(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    body: Result<Json<Object<ValueSearch>>, JsonRejection>,
) -> Answer {
    // The rejection's own words would quote the body.
    let Json(Object(wanted)) =
        body.map_err(|_| bad("environment, value; kind, reason, from, to, limit, after"))?;
    let (.., flag) = caller.here(&admin, Permission::SearchValues, &wanted.environment)?;
    let kinds = kinds(wanted.kind.as_deref())?;
    super::records::is_cursor(wanted.after.as_deref())?;
    if wanted.limit.is_some_and(|limit| !(1..=super::records::PAGE_MAX).contains(&limit)) {
        return Err(bad("limit: 1 to 1000"));
    }
    let is_needed = flag == Flag::Production;
    let reason = words::reason(
        wanted.reason.as_deref().unwrap_or_default(),
        is_needed,
        &(admin.rules)(&wanted.environment),
    )?;
    if !(VALUE_CHARS_MIN..=VALUE_CHARS_MAX)
        .contains(&wanted.value.chars().filter(|c| c.is_alphanumeric()).count())
    {
        return Err(bad("a value of 3 to 200 letters and digits"));
    }
    if words::repeats(reason, &wanted.value) {
        let detail = "The reason repeats the value that is searched for: the audit keeps it.";
        return Err(problem(StatusCode::BAD_REQUEST, "reason_holds_phi", detail));
    }
    let done = Done {
        action: "search_value",
        environment: &wanted.environment,
        object: wanted.kind.as_deref().filter(|_| kinds.len() == 1).unwrap_or_default(),
        reason,
        ..Done::default()
    };
    counted(&admin, &caller, flag, &done)?;
    caller.did(&admin, &done)?;
    let tokens = kinds
        .iter()
        .flat_map(|kind| admin.tokens.all(&wanted.environment, kind.as_str(), &wanted.value))
        .collect();
    let query = Query {
        environment: Some(wanted.environment.clone()),
        from_ms: wanted.from,
        to_ms: wanted.to,
        limit: wanted.limit,
        after: wanted.after.clone(),
        tokens: Some(tokens),
        ..Query::default()
    };
    let scope = ReadScope { environments: vec![wanted.environment.clone()] };
    let page = super::records::page(&admin, scope, query).await?;
    let entries: Vec<Value> = page.entries.iter().map(super::records::told).collect();
    Ok(Json(super::records::listed(&page, entries)).into_response())
}

/// Counts a search by a value or a token: production has a quota, and many anywhere are an alert.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
pub(super) fn counted(admin: &Admin, caller: &Caller, flag: Flag, done: &Done<'_>) -> Result<(), Response> {
    let told = |action| caller.did(admin, &Done { action, ..*done });
    match admin.quota.take(&caller.principal.name, flag, super::now()) {
        Taken::Yes => Ok(()),
        Taken::Alert => {
            // Told once an hour of each: the search itself goes on.
            told("enumeration_alert")?;
            tracing::warn!(
                principal = caller.principal.name,
                environment = done.environment,
                "Somebody searches for many values: it looks like enumeration."
            );
            Ok(())
        }
        Taken::UsedUp => {
            caller.was_refused(admin, &Done { action: "search_quota_used_up", ..*done })?;
            Err(problem(
                StatusCode::TOO_MANY_REQUESTS,
                "quota",
                "The searches by value that production allows in an hour are used up.",
            ))
        }
    }
}

// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn kinds(word: Option<&str>) -> Result<Vec<Kind>, Response> {
    let tokened = || Kind::ALL.iter().copied().filter(|kind| kind.may_be_token());
    match word {
        None => Ok(tokened().collect()),
        Some(word) => match tokened().find(|kind| kind.as_str() == word) {
            Some(kind) => Ok(vec![kind]),
            None => {
                let words: Vec<&str> = tokened().map(Kind::as_str).collect();
                Err(bad(&format!("kind: one of {}", words.join(", "))))
            }
        },
    }
}

const VALUE_CHARS_MIN: usize = 3;
const VALUE_CHARS_MAX: usize = 200;
