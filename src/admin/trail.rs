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
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Parameters of a look into the audit.
#[derive(Debug, Deserialize, Default, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrailParams {
    /// Events at most, 1 to 1000; 100 by default.
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
    let Params(params) = params
        .map_err(|_| problem(StatusCode::BAD_REQUEST, "bad_query", "Known parameters: limit, before."))?;
    let all = caller.principal.where_may(Permission::AuditAll);
    if all.is_empty() && caller.principal.where_may(Permission::AuditOwn).is_empty() {
        return Err(caller.refused(&admin, Permission::AuditOwn.as_str(), ""));
    }
    caller.did(&admin, &Done { action: "search_audit", ..Done::default() })?;
    let limit = params.limit.unwrap_or(100).clamp(1, 1000);
    let own = caller.principal.name.as_str();
    let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
    let fits = |event: &Value| {
        let environment = text(event, "environment");
        text(event, "principal") == own
            || (!all.is_empty() && (environment.is_empty() || all.contains(&environment)))
    };
    let mut page = newest(admin.audit.folder(), params.before, limit + 1, fits)
        .map_err(|error| answers::broken(StoreError::File(error.kind())))?;
    let more = page.len() > limit;
    page.truncate(limit);
    let next = if more { page.last().map(|event| event["seq"].clone()) } else { None };
    Ok(Json(json!({"events": page, "next": next})).into_response())
}
