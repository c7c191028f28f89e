//! The audit, read through the admin side: one's own events, or those of the environments where one audits.

use super::Admin;
use super::answers::{self, Answer, problem};
use super::caller::{Caller, Done};
use crate::audit::newest;
use crate::org::Permission;
use crate::store::StoreError;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Params, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Parameters of a look into the audit.
#[derive(Debug, Deserialize, Default, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrailParams {
    /// Events at most, 1 to 1000; 100 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Go on before this number.
    before: Option<u64>,
}

/// Events, newest first: all of an environment and of the organization for who audits, else one's own.
#[utoipa::path(get, path = "/v1/audit", params(TrailParams), tag = "audit",
    responses((status = 200, description = "Events, and where the next page begins"), (status = 400, description = "An unknown parameter"),
              (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it")))]
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    params: Result<Params<TrailParams>, QueryRejection>,
) -> Answer {
    let wrong = |detail: &str| problem(StatusCode::BAD_REQUEST, "bad_query", detail);
    let Params(params) = params.map_err(|_| wrong("limit: wanted 1 to 1000; before: a number."))?;
    let limit = params.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(wrong("limit: wanted 1 to 1000."));
    }
    let all = caller.principal.where_may(Permission::AuditAll);
    if all.is_empty() && caller.principal.where_may(Permission::AuditOwn).is_empty() {
        return Err(caller.refused(&admin, Permission::AuditOwn.as_str(), ""));
    }
    caller.did(&admin, &Done { action: "search_audit", ..Done::default() })?;
    let own = Own::of(&admin, &caller)?;
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let fits = |event: &Value| {
        let environment = text(event, "environment");
        own.is(event) || (!all.is_empty() && (environment.is_empty() || all.contains(&environment)))
    };
    let mut page = newest(admin.audit.folder(), params.before, limit + 1, fits)
        .map_err(|error| answers::broken(StoreError::File(error.kind())))?;
    let more = page.len() > limit;
    page.truncate(limit);
    let next = if more { page.last().map(|event| event["seq"].clone()) } else { None };
    Ok(Json(json!({"events": page, "next": next})).into_response())
}

/// Whose events are one's own: names can have been somebody else's before.
struct Own {
    name: String,
    member: Option<String>,
    token: String,
    /// Since when the name is the caller's, as events tell times: those of earlier versions have nothing but the name.
    since: String,
}

impl Own {
    // An error here is an answer, made once and sent.
    #[allow(clippy::result_large_err)]
    fn of(admin: &Admin, caller: &Caller) -> Result<Self, Response> {
        let principal = &caller.principal;
        let created = match &principal.member {
            Some(id) => admin.control.member(id).map_err(answers::broken)?.map(|member| member.created),
            None => {
                let tokens = admin.control.tokens().map_err(answers::broken)?;
                tokens.into_iter().find(|token| token.id == principal.token).map(|token| token.created)
            }
        };
        let since = u64::try_from(created.unwrap_or(i64::MAX)).unwrap_or(0).min(YEAR_9999);
        Ok(Self {
            name: principal.name.clone(),
            member: principal.member.clone(),
            token: principal.token.clone(),
            since: crate::clock::rfc3339(since * 1000),
        })
    }

    fn is(&self, event: &Value) -> bool {
        let word = |key: &str| event[key].as_str().filter(|word| !word.is_empty());
        match (word("member"), word("token")) {
            (Some(member), _) => self.member.as_deref() == Some(member),
            (None, Some(token)) => self.member.is_none() && self.token == token,
            (None, None) => {
                let is_program = matches!(&*self.name, "phigate" | "nobody");
                !is_program
                    && word("principal") == Some(&self.name)
                    && word("time").is_some_and(|time| *time >= *self.since)
            }
        }
    }
}

/// Seconds to a time that events don't reach.
const YEAR_9999: u64 = 253_370_764_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_whoever_had_the_name_before_are_not_ones_own() {
        let of = |member: Option<&str>| Own {
            name: "ann".into(),
            member: member.map(str::to_owned),
            token: "tk_1".into(),
            since: "2026-03-01T00:00:00Z".into(),
        };
        for (event, ann, token) in [
            (json!({"principal": "ann", "member": "mb_1", "token": "tk_9"}), true, false),
            (json!({"principal": "ann", "member": "mb_0", "token": "tk_1"}), false, false),
            (json!({"principal": "anna", "member": "mb_1", "token": "tk_9"}), true, false),
            (json!({"principal": "ann", "token": "tk_1"}), false, true),
            (json!({"principal": "ann", "token": "tk_0"}), false, false),
            (json!({"principal": "ann", "time": "2026-03-02T10:00:00.000Z"}), true, true),
            (json!({"principal": "ann", "time": "2026-02-02T10:00:00.000Z"}), false, false),
            (json!({"principal": "bob", "time": "2026-03-02T10:00:00.000Z"}), false, false),
        ] {
            assert_eq!((of(Some("mb_1")).is(&event), of(None).is(&event)), (ann, token), "{event}");
        }
    }
}
