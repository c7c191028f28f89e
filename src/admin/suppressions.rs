//! Suppressions: false positives that are accepted for a while. One asks, with a reason; another, who may, approves.

use super::Admin;
use super::answers::{self, Answer, bad, problem};
use super::caller::{Caller, Done};
use super::members::is_name;
use super::object::Object;
use super::words;
use crate::inspect::suppress::bare;
use crate::inspect::walk::hl7v2;
use crate::inspect::{RuleSet, text};
use crate::org::Permission;
use crate::store::suppressions::SuppressionRow;
use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query as Params, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What is to count for nothing.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuppressionBody {
    /// The environment.
    environment: String,
    /// One connection of it; all of them by default.
    connection: Option<String>,
    /// The rule's id, as refusals and records name it.
    rule: String,
    /// The place, as refusals name it; indices don't matter. Everywhere by default.
    place: Option<String>,
    /// Why it is a false positive; kept in the audit.
    reason: String,
    /// Who answers for it; whoever asks by default.
    owner: Option<String>,
    /// For so many days: 1 to 90, 30 by default.
    days: Option<i64>,
}

/// Parameters of the list.
#[derive(Debug, Deserialize, Default, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct SuppressionParams {
    /// One environment.
    environment: Option<String>,
}

/// Asks for a suppression; it counts once somebody else approved it.
#[utoipa::path(post, path = "/v1/suppressions", request_body = SuppressionBody, tag = "suppressions",
    responses((status = 201, description = "It waits for a second person"), (status = 400, description = "Not what is wanted, or a reason that holds a value"), (status = 401, description = "No token that is known"),
              (status = 403, description = "No role that allows it"), (status = 409, description = "There are too many"), (status = 422, description = "No such rule or connection there")))]
pub(super) async fn propose(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    body: Result<Json<Object<SuppressionBody>>, JsonRejection>,
) -> Answer {
    let Json(Object(wanted)) =
        body.map_err(|_| bad("environment, rule, reason; connection, place, owner, days (1 to 90)"))?;
    caller.here(&admin, Permission::TriageFindings, &wanted.environment)?;
    let days = wanted.days.unwrap_or(DAYS);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(bad("days: 1 to 90"));
    }
    let reason = words::reason(&wanted.reason, true, &(admin.rules)(&wanted.environment))?;
    // One of which nothing is left would stand for everywhere, and that isn't what was asked for.
    let place = wanted
        .place
        .as_deref()
        .map(|place| hl7v2::of_err_location(place).unwrap_or_else(|| place.to_owned()));
    let place = place.as_deref().map(|place| (is_place(place), bare(place)));
    if place.as_ref().is_some_and(|(is_place, bare)| !is_place || bare.is_empty()) {
        return Err(bad("a place as refusals name it: at most 200 characters"));
    }
    let owner = wanted.owner.unwrap_or_else(|| caller.principal.name.clone());
    if !is_name(&owner) {
        return Err(bad("owner: a name, as of a member"));
    }
    let mut problems = Vec::new();
    if !(admin.finds)(&wanted.environment, &wanted.rule) {
        problems.push("rule: there is none of this id that finds something in this environment".to_owned());
    }
    if place.as_ref().is_some_and(|(_, place)| !is_of_a_segment(place)) {
        problems.push("place: no message has such a segment".to_owned());
    }
    let connection = wanted.connection.unwrap_or_default();
    let connections = (admin.connections)();
    if !is_there(&connections, &wanted.environment, &connection) {
        problems.push("connection: there is none of this name in this environment".to_owned());
    }
    if !problems.is_empty() {
        return Err(answers::unfit(&problems));
    }
    let now = super::now();
    let row = SuppressionRow {
        id: String::new(),
        environment: wanted.environment,
        connection,
        rule: wanted.rule,
        place: place.map(|(_, bare)| bare.into_owned()).unwrap_or_default(),
        reason: reason.to_owned(),
        owner,
        member: caller.principal.member.clone().unwrap_or_default(),
        by: caller.principal.name.clone(),
        at: now,
        until: now + days * 86_400,
        state: "pending".to_owned(),
        decided_by: None,
    };
    did(&admin, &caller, "propose_suppression", &row)?;
    match admin.control.propose_suppression(&row).map_err(answers::broken)? {
        Some(id) => {
            let row = SuppressionRow { id, ..row };
            Ok((StatusCode::CREATED, Json(shown(&admin, &connections, &row))).into_response())
        }
        None => Err(problem(
            StatusCode::CONFLICT,
            "too_many",
            "There are 1000 suppressions: end some of them first.",
        )),
    }
}

/// Suppressions of the environments whose findings the caller reads; newest first.
#[utoipa::path(get, path = "/v1/suppressions", params(SuppressionParams), tag = "suppressions",
    responses((status = 200, description = "The newest: what they are for, who asked and approved, until when, and how many findings they covered since the gateway started"), (status = 400, description = "An unknown parameter"),
              (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it")))]
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    params: Result<Params<SuppressionParams>, QueryRejection>,
) -> Answer {
    let Params(params) = params
        .map_err(|_| problem(StatusCode::BAD_REQUEST, "bad_query", "Known parameters: environment."))?;
    let seen = caller.somewhere(&admin, Permission::ReadFindings)?.environments;
    let all = admin.control.suppressions().map_err(answers::broken)?;
    let asked = |row: &&SuppressionRow| {
        seen.contains(&row.environment) && params.environment.as_ref().is_none_or(|e| *e == row.environment)
    };
    let connections = (admin.connections)();
    let list: Vec<Value> = all.iter().filter(asked).map(|row| shown(&admin, &connections, row)).collect();
    Ok(Json(json!({"suppressions": list})).into_response())
}

/// Approves a suppression: it counts within a second. Somebody else than who asked for it.
#[utoipa::path(post, path = "/v1/suppressions/{id}/approve", params(("id" = String, Path, description = "Its id")), tag = "suppressions",
    responses((status = 200, description = "It is in force"), (status = 401, description = "No token that is known"), (status = 403, description = "One's own, no member, or no role that allows it"),
              (status = 404, description = "No such one, or none that the caller may see"), (status = 409, description = "It isn't pending, or its time is over")))]
pub(super) async fn approve(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    let row = suppression(&admin, &caller, &id)?;
    caller.here(&admin, Permission::ApproveSuppressions, &row.environment)?;
    if !caller.is_second(&admin, (&row.member, &row.by))? {
        return Err(caller.refused_as_own(&admin, &row.environment));
    }
    let now = super::now();
    if row.state != "pending" || row.until <= now {
        return Err(not_pending());
    }
    did(&admin, &caller, "approve_suppression", &row)?;
    let by = caller.principal.name.clone();
    if !admin.control.approve_suppression(&row.id, &by, now).map_err(answers::broken)? {
        return Err(not_pending());
    }
    let row = SuppressionRow { state: "approved".to_owned(), decided_by: Some(by), ..row };
    Ok(Json(shown(&admin, &(admin.connections)(), &row)).into_response())
}

/// Ends a suppression, or declines or withdraws one that is pending: its findings count again within a second.
#[utoipa::path(delete, path = "/v1/suppressions/{id}", params(("id" = String, Path, description = "Its id")), tag = "suppressions",
    responses((status = 204, description = "Ended"), (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"),
              (status = 404, description = "No such one, or none that the caller may see"), (status = 409, description = "It was ended before")))]
pub(super) async fn end(State(admin): State<Arc<Admin>>, caller: Caller, Path(id): Path<String>) -> Answer {
    let row = suppression(&admin, &caller, &id)?;
    caller.here(&admin, Permission::TriageFindings, &row.environment)?;
    did(&admin, &caller, "end_suppression", &row)?;
    match admin.control.end_suppression(&row.id, &caller.principal.name).map_err(answers::broken)? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(not_pending()),
    }
}

/// One whose environment's findings the caller reads.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn suppression(admin: &Admin, caller: &Caller, id: &str) -> Result<SuppressionRow, Response> {
    let found = admin.control.suppression(id).map_err(answers::broken)?;
    let sees =
        |row: &SuppressionRow| caller.principal.may(Permission::ReadFindings, &row.environment).is_some();
    found.filter(sees).ok_or_else(|| caller.nothing(admin, "suppression"))
}

// As above.
#[allow(clippy::result_large_err)]
fn did(admin: &Admin, caller: &Caller, action: &str, row: &SuppressionRow) -> Result<(), Response> {
    let of = |word: &str, text: &str| if text.is_empty() { String::new() } else { format!(" {word} {text}") };
    let object = format!("{}{}{}", row.rule, of("at", &row.place), of("on", &row.connection));
    let reason = format!("{} {}", row.id, row.reason);
    let done = Done {
        action,
        environment: &row.environment,
        object: &object,
        reason: reason.trim(),
        ..Done::default()
    };
    caller.did(admin, &done)
}

fn shown(admin: &Admin, connections: &[(String, String)], row: &SuppressionRow) -> Value {
    let time = |seconds: i64| crate::clock::rfc3339(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000));
    let is_over = row.state != "ended" && row.until <= super::now();
    // One that can cover nothing says so.
    let problem = match () {
        () if row.state == "ended" || is_over => None,
        () if !(admin.finds)(&row.environment, &row.rule) => Some("the rule is gone"),
        () if !is_there(connections, &row.environment, &row.connection) => Some("the connection is gone"),
        () => None,
    };
    json!({
        "id": row.id, "environment": row.environment,
        "connection": (!row.connection.is_empty()).then_some(&row.connection), "rule": row.rule,
        "place": (!row.place.is_empty()).then_some(&row.place), "reason": row.reason, "owner": row.owner, "by": row.by,
        "at": time(row.at), "until": time(row.until), "state": if is_over { "expired" } else { &row.state },
        "decided_by": row.decided_by, "covered": (admin.covered)(&row.id), "problem": problem,
    })
}

/// Whether an environment has the connection; empty stands for all of them.
fn is_there(connections: &[(String, String)], environment: &str, connection: &str) -> bool {
    connection.is_empty() || connections.iter().any(|(c, e)| c == connection && e == environment)
}

/// Words of tables, numbers of fields, and what joins them; nothing that detectors find.
fn is_place(place: &str) -> bool {
    place.len() <= PLACE_BYTES_MAX
        && place.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.*>:$/@[], ".contains(&b))
        && text::scan(place, "", RuleSet::built_in()).is_empty()
}

/// Whether a place that is written like one of a segment (`PID-19`, `NM1-9`) is of one that HL7v2 or X12 has.
fn is_of_a_segment(place: &str) -> bool {
    let last = place.rsplit(" > ").next().unwrap_or(place);
    let last = last.strip_prefix("MSH:").unwrap_or(last);
    let Some((segment, rest)) = last.split_once('-') else { return true };
    let is_segment = (2..=3).contains(&segment.len())
        && segment.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        && rest.starts_with(|c: char| c.is_ascii_digit());
    !is_segment || hl7v2::is_known_segment(segment) || RuleSet::built_in().x12.knows(segment)
}

fn not_pending() -> Response {
    problem(
        StatusCode::CONFLICT,
        "not_pending",
        "It isn't pending: it was approved or ended, or its time is over.",
    )
}

/// By default.
const DAYS: i64 = 30;
/// A false positive that lasts longer wants a better rule.
const DAYS_MAX: i64 = 90;
const PLACE_BYTES_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_taken_as_acknowledgments_and_refusals_tell_them() {
        for (err, place) in [
            ("PID^1^19^1", Some("PID-19")),
            ("PID^1^5^1^2", Some("PID-5.2")),
            ("OBX^3^5^2^1^4", Some("OBX-5.1.4")),
            ("PID^1", None),
            ("PID-19", None),
            ("PID^1^19^x", None),
        ] {
            assert_eq!(hl7v2::of_err_location(err).as_deref(), place, "{err}");
        }
        for place in ["row 2, column ssn", "PID-19", "line", "Patient.identifier.value", "$.patient.ssn"] {
            assert!(is_place(place), "{place}");
        }
        for (place, holds) in [
            ("PID-19", true),
            ("MSH:PID-3.1", true),
            ("OBX-5 > PID-3", true),
            ("NM1-09", true),
            ("Z*-3", true),
            ("*-3", true),
            ("row, column ssn", true),
            ("Patient.birthDate", true),
            ("XYZ-99", false),
            ("MSH:XYZ-99", false),
        ] {
            assert_eq!(is_of_a_segment(place), holds, "{place}");
        }
    }
}
