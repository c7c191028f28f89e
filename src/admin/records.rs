//! Records: search by what is known of them, one record, counts.

use super::Admin;
use super::answers::{self, Answer, problem};
use super::caller::{Caller, Done};
use crate::inspect::kind::Kind;
use crate::org::{Flag, Permission, Sight};
use crate::reason::Reason;
use crate::record::{Entry, View, render, render_findings, sealed_fields};
use crate::spelling::closest;
use crate::store::{Page, Query, ReadScope, StoreError, Stored};
use crate::telemetry::metrics::Outcome;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as Params, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Parameters of a search.
#[derive(Debug, Clone, Deserialize, Default, utoipa::IntoParams, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchParams {
    /// One environment.
    environment: Option<String>,
    /// From this time on: `2026-11-30`, `2026-11-30T10:00:00Z` or Unix milliseconds. A time without an offset is UTC.
    #[serde(deserialize_with = "moment")]
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    from: Option<u64>,
    /// Before this time, written in the same way.
    #[serde(deserialize_with = "moment")]
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    to: Option<u64>,
    /// Connection by name.
    connection: Option<String>,
    /// Caller by name.
    caller: Option<String>,
    /// `forwarded`, `would_refuse`, `refused`, `withheld`, `failed` or `answered`.
    decision: Option<String>,
    /// Why it was refused or failed.
    reason: Option<String>,
    /// Status of the reply.
    #[param(maximum = 999)]
    status: Option<u16>,
    /// A rule that found something.
    rule: Option<String>,
    /// A kind that was found.
    kind: Option<String>,
    /// A W3C trace id.
    trace: Option<String>,
    /// A token as linked views show it: where values may be searched.
    token: Option<String>,
    /// Records at most: 1 to 1000, 50 by default; of an export 1 to 1000000, 10000 by default. Counts heed neither this nor
    /// `after`: they are of all that fits.
    #[param(minimum = 1, maximum = 1_000_000)]
    limit: Option<usize>,
    /// Go on behind this record: `next` of the page before.
    after: Option<String>,
}

impl SearchParams {
    pub(super) fn limit(&self) -> Option<usize> {
        self.limit
    }

    pub(super) fn query(self, admin: &Admin) -> Query {
        Query {
            environment: self.environment,
            from_ms: self.from,
            to_ms: self.to,
            connection: self.connection,
            caller: self.caller,
            decision: self.decision,
            reason: self.reason,
            status: self.status,
            rule: self.rule,
            kind: self.kind,
            traces: self.trace.map(|id| admin.tokens.traces(&id)),
            tokens: self.token.map(|token| vec![token]),
            limit: self.limit,
            after: self.after,
        }
    }
}

/// Searches records, newest first. All of them metadata.
#[utoipa::path(get, path = "/v1/records", params(SearchParams), tag = "records",
    responses((status = 200, description = "Entries, newest first, and where the next page begins"),
              (status = 400, description = "An unknown parameter, or an `after` that is no record's id"), (status = 401, description = "No token that is known"),
              (status = 403, description = "No role that allows it")))]
pub(super) async fn search(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    params: Result<Params<SearchParams>, QueryRejection>,
) -> Answer {
    let params = known(params, PAGE_MAX)?;
    let scope = scope(&admin, &caller, &params, Permission::ReadRecords)?;
    let query = params.query(&admin);
    caller.did(&admin, &Done { action: "search_records", environment: only(&scope), ..Done::default() })?;
    let page = page(&admin, scope, query).await?;
    let entries: Vec<Value> = page.entries.iter().map(told).collect();
    Ok(axum::Json(listed(&page, entries)).into_response())
}

/// A page as it is answered; where records can't be read it says of which environments and days.
pub(super) fn listed(page: &Page, entries: Vec<Value>) -> Value {
    let mut answer = json!({"records": entries, "next": page.next});
    if !page.unread.is_empty() {
        let unread: Vec<Value> = page
            .unread
            .iter()
            .map(|(environment, day)| json!({"environment": environment, "day": day}))
            .collect();
        answer["unread"] = json!(unread);
    }
    answer
}

/// One record, with as much of its payload as the caller's role sees.
#[utoipa::path(get, path = "/v1/records/{id}", params(("id" = String, Path, description = "The record's id")), tag = "records",
    responses((status = 200, description = "The record"), (status = 401, description = "No token that is known"),
              (status = 403, description = "No role that allows it"), (status = 404, description = "No such record in the caller's environments")))]
pub(super) async fn show(State(admin): State<Arc<Admin>>, caller: Caller, Path(id): Path<String>) -> Answer {
    let scope = caller.somewhere(&admin, Permission::ReadRecords)?;
    let (records, wanted) = (admin.records.clone(), id.clone());
    let found = blocking(move || records.show(&scope, &wanted)).await?;
    let Some(stored) = found else {
        return Err(caller.nothing(&admin, super::shown_id(&id)));
    };
    let seen = seen(&caller, &stored).ok_or_else(answers::missing)?;
    let action = if seen.parts.is_empty() { "view_metadata" } else { "view_payload" };
    caller.did(
        &admin,
        &Done {
            action,
            environment: &stored.entry.environment,
            object: &stored.entry.id,
            view: seen.view.as_str(),
            rule_set: &stored.entry.rule_set,
            ..Done::default()
        },
    )?;
    let view = seen.view;
    let mut answer = seen.json(&caller, &stored.entry);
    // Whoever may break glass sees what could be asked for.
    if let Some(payload) = stored.payload.as_ref().filter(|_| stored.entry.sealed)
        && let Some((grant, _)) = caller.principal.may(Permission::RevealOriginals, &stored.entry.environment)
        && grant.sight != Sight::Findings
    {
        answer["fields"] = json!(sealed_fields(payload, view));
    }
    Ok(axum::Json(answer).into_response())
}

/// Counts records by time and decision.
#[utoipa::path(get, path = "/v1/records/counts", params(SearchParams), tag = "records",
    responses((status = 200, description = "Counts by hour and decision, newest first"), (status = 400, description = "An unknown parameter"),
              (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it")))]
pub(super) async fn counts(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    params: Result<Params<SearchParams>, QueryRejection>,
) -> Answer {
    let params = known(params, PAGE_MAX)?;
    let scope = scope(&admin, &caller, &params, Permission::ReadRecords)?;
    let query = params.query(&admin);
    caller.did(&admin, &Done { action: "search_counts", environment: only(&scope), ..Done::default() })?;
    let records = admin.records.clone();
    let counts = blocking(move || records.counts(&scope, &query, HOUR_MS)).await?;
    let list: Vec<Value> = counts
        .iter()
        .rev()
        .map(|((at, decision), n)| json!({"from": crate::clock::rfc3339(*at), "decision": decision, "records": n}))
        .collect();
    Ok(axum::Json(json!({"counts": list})).into_response())
}

/// What one caller sees of a record.
pub(super) struct Seen {
    pub(super) view: View,
    pub(super) parts: Vec<(String, String)>,
    /// There is a payload that can't be read.
    is_damaged: bool,
}

/// `None` where the role doesn't read records there: never, behind a scope.
pub(super) fn seen(caller: &Caller, stored: &Stored) -> Option<Seen> {
    let entry = &stored.entry;
    let (grant, _) = caller.principal.may(Permission::ReadRecords, &entry.environment)?;
    let (view, parts) = match (grant.sight, &stored.payload) {
        (_, None) => (View::Metadata, Vec::new()),
        (Sight::View(view), Some(payload)) => {
            let view = view.min(entry.ceiling);
            (view, render(payload, view))
        }
        (Sight::Findings, Some(payload)) => {
            (View::Masked.min(entry.ceiling), render_findings(payload, entry.ceiling))
        }
    };
    Some(Seen { view, parts, is_damaged: stored.payload_is_damaged })
}

impl Seen {
    pub(super) fn json(self, caller: &Caller, entry: &Entry) -> Value {
        let withheld = self.parts.is_empty();
        let parts: Vec<Value> =
            self.parts.into_iter().map(|(name, text)| json!({"part": name, "text": text})).collect();
        let mut told = json!({
            "record": told(entry),
            "role": caller.principal.role_in(&entry.environment),
            "view": self.view.as_str(),
            "payload": if withheld { Value::Null } else { Value::Array(parts) },
            "withheld": withheld && !self.is_damaged,
        });
        if self.is_damaged {
            told["unread"] = json!(true);
        }
        told
    }
}

// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
pub(super) fn known(
    params: Result<Params<SearchParams>, QueryRejection>,
    limit_max: usize,
) -> Result<SearchParams, Response> {
    // The rejection's own words would quote the query.
    let Params(params) = params.map_err(|rejection| {
        let detail = match misread(&rejection) {
            Some((name, wanted)) => format!("{name}: wanted {wanted}."),
            None => SEARCH_HELP.to_owned(),
        };
        problem(StatusCode::BAD_REQUEST, "bad_query", &detail)
    })?;
    if params.limit.is_some_and(|limit| !(1..=limit_max).contains(&limit)) {
        let detail = format!("limit: wanted 1 to {limit_max}.");
        return Err(problem(StatusCode::BAD_REQUEST, "bad_query", &detail));
    }
    is_cursor(params.after.as_deref())?;
    is_word("decision", params.decision.as_deref(), Outcome::ALL.iter().map(|outcome| outcome.as_str()))?;
    is_word("reason", params.reason.as_deref(), Reason::ALL.iter().map(|reason| reason.as_str()))?;
    is_word("kind", params.kind.as_deref(), Kind::ALL.iter().map(|kind| kind.as_str()))?;
    Ok(params)
}

/// The parameter that can't be read, and what is wanted of it; `None` where the rejection doesn't say which. Of its words
/// only the name of one of ours is taken: the others may be the query's.
fn misread(rejection: &QueryRejection) -> Option<(&'static str, &'static str)> {
    let text = rejection.body_text();
    let (_, behind) = text.split_once(": ")?;
    let (name, _) = behind.split_once(": ")?;
    WANTED.iter().find(|(known, _)| *known == name).copied()
}

/// Refuses a word that no record has: an empty result would say that there were none.
// As above.
#[allow(clippy::result_large_err)]
fn is_word(
    name: &str,
    word: Option<&str>,
    known: impl Iterator<Item = &'static str> + Clone,
) -> Result<(), Response> {
    let Some(word) = word.filter(|word| !known.clone().any(|one| one == *word)) else { return Ok(()) };
    let close = closest(word, known.clone());
    let close = close.map(|one| format!(" Did you mean `{one}`?")).unwrap_or_default();
    let known = known.collect::<Vec<_>>().join(", ");
    Err(problem(StatusCode::BAD_REQUEST, "bad_query", &format!("{name}: none of {known}.{close}")))
}

/// A time of a query.
fn moment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(from)?;
    // What was sent is not repeated.
    ms_of(&text).map(Some).ok_or_else(|| D::Error::custom("no time"))
}

/// Unix milliseconds of a time: they themselves, a day, or RFC 3339, which in UTC may go without its offset, and then without
/// its seconds.
fn ms_of(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // `20261130` would be a moment of 1970.
        let is_day = text.len() == 8 && (text.starts_with("19") || text.starts_with("20"));
        return text.parse().ok().filter(|_| !is_day);
    }
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        16 => format!("{text}:00Z"),
        19 => format!("{text}Z"),
        // A `+` that wasn't encoded came as a blank.
        _ => text.replace(' ', "+"),
    };
    let time = OffsetDateTime::parse(&whole, &Rfc3339).ok()?;
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok()
}

/// Refuses an `after` that is no record's id: page one again would send whoever follows `next` round for ever.
// As above.
#[allow(clippy::result_large_err)]
pub(super) fn is_cursor(after: Option<&str>) -> Result<(), Response> {
    crate::store::cursor(after).map(drop).map_err(|_| {
        let detail = "after: a record's id, as `next` of the page before gives it.";
        problem(StatusCode::BAD_REQUEST, "bad_cursor", detail)
    })
}

/// Where to search: the environment that is named, or all that the caller may read.
// As above.
#[allow(clippy::result_large_err)]
pub(super) fn scope(
    admin: &Admin,
    caller: &Caller,
    params: &SearchParams,
    what: Permission,
) -> Result<ReadScope, Response> {
    let mut scope = match &params.environment {
        Some(environment) => {
            caller.here(admin, what, environment)?;
            ReadScope { environments: vec![environment.clone()] }
        }
        None => caller.somewhere(admin, what)?,
    };
    if params.token.is_some() {
        let may = caller.principal.where_may(Permission::SearchValues);
        scope.environments.retain(|environment| may.contains(environment));
        if scope.environments.is_empty() {
            return Err(caller.refused(admin, Permission::SearchValues.as_str(), ""));
        }
        let is_production = |name: &String| caller.principal.flag(name) == Some(Flag::Production);
        let flag =
            if scope.environments.iter().any(is_production) { Flag::Production } else { Flag::Staging };
        let done = Done { action: "search_token", environment: only(&scope), ..Done::default() };
        super::values::counted(admin, caller, flag, &done)?;
    }
    Ok(scope)
}

/// The environment, where there is one alone.
pub(super) fn only(scope: &ReadScope) -> &str {
    match scope.environments.as_slice() {
        [one] => one,
        _ => "",
    }
}

pub(super) async fn page(admin: &Admin, scope: ReadScope, query: Query) -> Result<Page, Response> {
    let records = admin.records.clone();
    blocking(move || records.search(&scope, &query)).await
}

/// Asks the store on a thread that has no connections.
pub(super) async fn blocking<T: Send + 'static>(
    f: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Response> {
    tokio::task::spawn_blocking(f).await.map_err(answers::ended)?.map_err(answers::broken)
}

/// An entry, with its time readable.
pub(super) fn told(entry: &Entry) -> Value {
    let mut value = serde_json::to_value(entry).unwrap_or_default();
    value["started"] = json!(crate::clock::rfc3339(entry.started_ms));
    value
}

/// Lines as they are made.
pub(super) struct Lines(pub(super) tokio::sync::mpsc::Receiver<Result<String, std::io::Error>>);

impl futures_core::Stream for Lines {
    type Item = Result<String, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// Records of one page.
pub(super) const PAGE_MAX: usize = 1000;
/// Parameters that are no plain text.
const WANTED: [(&str, &str); 4] = [
    ("from", TIME_WANTED),
    ("to", TIME_WANTED),
    ("status", "a number, as of an HTTP status"),
    ("limit", "a number"),
];
const TIME_WANTED: &str = "a time: 2026-11-30, 2026-11-30T10:00:00Z or Unix milliseconds";
const SEARCH_HELP: &str = "Known parameters: environment, from and to (2026-11-30, 2026-11-30T10:00:00Z or Unix milliseconds), connection, caller, decision, reason, status, rule, kind, trace, token, limit (1 to 1000), after.";
const HOUR_MS: u64 = 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_taken_as_people_write_them() {
        for (text, ms) in [
            ("1790000000000", Some(1_790_000_000_000)),
            ("2026-09-21", Some(1_789_948_800_000)),
            ("2026-09-21T14:13:20Z", Some(1_790_000_000_000)),
            ("2026-09-21T14:13:20", Some(1_790_000_000_000)),
            ("2026-09-21T14:13", Some(1_789_999_980_000)),
            ("2026-09-21T16:13:20.250 02:00", Some(1_790_000_000_250)),
            ("2026-09-21T16:13:20+02:00", Some(1_790_000_000_000)),
            ("2026-13-21", None),
            ("yesterday", None),
            ("", None),
            ("-1", None),
        ] {
            assert_eq!(ms_of(text), ms, "{text}");
        }
    }

    #[test]
    fn words_that_no_record_has_are_refused() {
        let known = || ["refused", "forwarded"].into_iter();
        assert!(is_word("decision", None, known()).is_ok());
        assert!(is_word("decision", Some("refused"), known()).is_ok());
        assert!(is_word("decision", Some("refusd"), known()).is_err());
    }
}
