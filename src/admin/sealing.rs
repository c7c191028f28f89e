//! Sealing of connections: whether the originals of what production sends and gets are kept, sealed, beside its records.
//! An owner decides, and whoever does can't look at any of them for a week.

use super::Admin;
use super::answers::{self, Answer, bad, if_match, not_here, problem, tagged};
use super::caller::{Caller, Done};
use super::object::Object;
use super::words;
use crate::org::{Flag, OrgRole};
use crate::store::sealing::SealingRow;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Whether originals are to be sealed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SealingBody {
    /// On or off.
    on: bool,
    /// Why; kept in the audit.
    reason: String,
}

/// Every production connection, and whether its originals are sealed.
#[utoipa::path(get, path = "/v1/sealing", tag = "originals",
    responses((status = 200, description = "Connections, by name"), (status = 401, description = "No token that is known"), (status = 403, description = "Neither owner nor admin")))]
pub(super) async fn list(State(admin): State<Arc<Admin>>, caller: Caller) -> Answer {
    caller.manages(&admin)?;
    let rows: Vec<Value> = rows(&admin)?.iter().map(told).collect();
    Ok(Json(json!({"connections": rows})).into_response())
}

/// Whether a connection's originals are sealed.
#[utoipa::path(get, path = "/v1/sealing/{connection}", params(("connection" = String, Path, description = "The connection's name")), tag = "originals",
    responses((status = 200, description = "How it stands, with its version as ETag"), (status = 401, description = "No token that is known"),
              (status = 403, description = "Neither owner nor admin"), (status = 404, description = "No such production connection")))]
pub(super) async fn show(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(connection): Path<String>,
) -> Answer {
    caller.manages(&admin)?;
    let row = row(&admin, &connection)?;
    Ok(tagged(row.version, told(&row)))
}

/// Turns sealing of a connection's originals on or off. It holds within a second.
#[utoipa::path(put, path = "/v1/sealing/{connection}", request_body = SealingBody, params(("connection" = String, Path, description = "The connection's name")), tag = "originals",
    responses((status = 200, description = "How it stands"), (status = 400, description = "Not what is wanted, or a reason that holds a value"), (status = 401, description = "No token that is known"),
              (status = 403, description = "No owner, or no member"), (status = 404, description = "No such production connection"),
              (status = 409, description = "There is no sealing key in the configuration"), (status = 412, description = "Somebody changed it since"), (status = 428, description = "If-Match is needed")))]
pub(super) async fn set(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Result<Json<Object<SealingBody>>, JsonRejection>,
) -> Answer {
    let (OrgRole::Owner, Some(member)) = (caller.principal.org, caller.principal.member.clone()) else {
        return Err(caller.refused(&admin, "sealing", ""));
    };
    let known = caller.known(&admin)?;
    if known.below_production {
        return Err(caller.refused(&admin, "sealing by a token below production", ""));
    }
    let Json(Object(wanted)) = body.map_err(|_| bad("on: true or false; reason"))?;
    let before = row(&admin, &connection)?;
    let reason = words::reason(&wanted.reason, true, &(admin.rules)(&before.environment))?;
    if wanted.on && !admin.originals.has_key() {
        let detail = "There is no [sealing] key in the configuration: nothing could be sealed.";
        return Err(problem(StatusCode::CONFLICT, "no_sealing_key", detail));
    }
    if_match(&headers, before.version)?;
    let action = if wanted.on { "turn_sealing_on" } else { "turn_sealing_off" };
    caller.did(
        &admin,
        &Done { action, environment: &before.environment, object: &connection, reason, ..Done::default() },
    )?;
    let name = caller.principal.name.clone();
    let row = SealingRow { is_on: wanted.on, member, name, known_to: known.to, at: super::now(), ..before };
    if !admin.control.set_sealing(&row).map_err(answers::broken)? {
        return Err(answers::stale());
    }
    let row = self::row(&admin, &connection)?;
    Ok(tagged(row.version, told(&row)))
}

/// How sealing stands for each production connection of the running configuration, by name.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn rows(admin: &Admin) -> Result<Vec<SealingRow>, Response> {
    let set = admin.control.sealing().map_err(answers::broken)?;
    let flags = (admin.environments)();
    let is_production =
        |environment: &str| flags.iter().any(|(name, flag)| name == environment && *flag == Flag::Production);
    let connections = (admin.connections)().into_iter().filter(|(_, environment)| is_production(environment));
    let mut rows: Vec<SealingRow> = connections
        .map(|(connection, environment)| {
            let row = set.iter().find(|row| row.connection == connection).cloned();
            let unset = SealingRow {
                connection,
                environment: environment.clone(),
                is_on: false,
                member: String::new(),
                name: String::new(),
                known_to: Vec::new(),
                at: 0,
                version: 0,
            };
            let row = row.unwrap_or(unset);
            // A connection that moved to another environment isn't sealed there by what was said of it elsewhere.
            SealingRow { is_on: row.is_on && row.environment == environment, environment, ..row }
        })
        .collect();
    rows.sort_by(|a, b| a.connection.cmp(&b.connection));
    Ok(rows)
}

// As above.
#[allow(clippy::result_large_err)]
fn row(admin: &Admin, connection: &str) -> Result<SealingRow, Response> {
    rows(admin)?.into_iter().find(|row| row.connection == connection).ok_or_else(not_here)
}

fn told(row: &SealingRow) -> Value {
    let set = (row.version > 0).then(
        || json!({"by": row.name, "at": crate::clock::rfc3339(u64::try_from(row.at).unwrap_or(0) * 1000)}),
    );
    json!({"connection": row.connection, "environment": row.environment, "on": row.is_on, "set": set})
}
