//! Tokens of members: made, rotated with an overlap, revoked. A token is shown once.

use super::Admin;
use super::answers::{self, Answer, not_here, problem};
use super::caller::{Caller, Done};
use super::object::Object;
use crate::org::OrgRole;
use crate::store::Until;
use crate::store::tokens::earliest;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// How long a token holds.
#[derive(Debug, Deserialize, Default, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Lifetime {
    /// Days until it expires, 1 to 3650; never by default. Whoever is neither owner nor admin gets none that ends after the
    /// token that asks.
    expires_days: Option<u32>,
    /// Hours that the old one still holds when it is rotated, 0 to 168; 24 by default.
    overlap_hours: Option<u32>,
}

/// Makes a token of a member: for oneself, or for somebody whose role the caller may give. One that an admin makes for
/// another gives no role in production, nor does anybody's of a member who signs in: whoever makes it knows it.
#[utoipa::path(post, path = "/v1/members/{id}/tokens", request_body = Lifetime, params(("id" = String, Path, description = "The member's id")), tag = "organization",
    responses((status = 201, description = "The token, this once, when it ends, and whether it gives roles in production"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"),
              (status = 403, description = "Not allowed"), (status = 404, description = "No such member")))]
pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Object<Lifetime>>, JsonRejection>,
) -> Answer {
    let own = caller.principal.member.as_deref() == Some(&*id);
    if !own {
        caller.manages(&admin)?;
    }
    let mut expires = expires(body)?.0;
    let asks = admin.control.token(&caller.principal.token).map_err(answers::broken)?.ok_or_else(not_here)?;
    if !caller.principal.org.manages_members() {
        // For oneself: what was given for a while doesn't become more by that.
        expires = earliest(expires, asks.expires);
    }
    let member = admin.control.member(&id).map_err(answers::broken)?.ok_or_else(not_here)?;
    let of = OrgRole::of(&member.org_role).unwrap_or(OrgRole::Owner);
    if !own && !caller.principal.org.assigns(of) {
        return Err(caller.refused(&admin, "members", ""));
    }
    caller.did(&admin, &Done { action: "create_token", object: &member.id, ..Done::default() })?;
    let mut known = asks.known;
    if !own {
        known.to.extend(caller.principal.member.clone());
        known.below_production |= caller.principal.org != OrgRole::Owner
            || admin.control.signs_in(&member.id).map_err(answers::broken)?;
    }
    let production = !known.below_production;
    let (id, token) =
        admin.control.create_known_token(&member, super::now(), expires, known).map_err(answers::broken)?;
    let told = json!({"id": id, "token": token, "expires": time(expires), "production": production});
    Ok((StatusCode::CREATED, Json(told)).into_response())
}

/// Makes a new token in the place of the one that asks, which still holds for the overlap. It ends with that one at the
/// latest, unless an owner or admin asks.
#[utoipa::path(post, path = "/v1/tokens/rotate", request_body = Lifetime, tag = "organization",
    responses((status = 201, description = "The token, this once, and when it ends"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known")))]
pub(super) async fn rotate(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    body: Result<Json<Object<Lifetime>>, JsonRejection>,
) -> Answer {
    let (expires, overlap) = expires(body)?;
    let old = &caller.principal.token;
    caller.did(&admin, &Done { action: "rotate_token", object: old, ..Done::default() })?;
    let until = match caller.principal.org.manages_members() {
        true => Until::Asked(expires),
        false => Until::WithTheOld(expires),
    };
    let fresh = admin.control.rotate_token(old, super::now(), overlap, until).map_err(answers::broken)?;
    let fresh = fresh.ok_or_else(not_here)?;
    Ok(made(&fresh.id, &fresh.token, fresh.expires))
}

/// Revokes a token: one's own, or anybody's whose role the caller may give.
#[utoipa::path(delete, path = "/v1/tokens/{id}", params(("id" = String, Path, description = "The token's id")), tag = "organization",
    responses((status = 204, description = "Revoked"), (status = 401, description = "No token that is known"), (status = 403, description = "Not allowed"), (status = 404, description = "No such token")))]
pub(super) async fn revoke(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    let token = admin.control.token(&id).map_err(answers::broken)?.filter(|t| t.revoked.is_none());
    let own = token.as_ref().is_some_and(|t| {
        t.id == caller.principal.token || (t.member.is_some() && t.member == caller.principal.member)
    });
    if !own {
        caller.manages(&admin)?;
    }
    let token = token.ok_or_else(not_here)?;
    if let Some(member) = token.member.as_deref().filter(|_| !own) {
        let member = admin.control.member(member).map_err(answers::broken)?;
        let of = member.and_then(|member| OrgRole::of(&member.org_role)).unwrap_or(OrgRole::Member);
        if !caller.principal.org.assigns(of) {
            return Err(caller.refused(&admin, "members", ""));
        }
    }
    caller.did(&admin, &Done { action: "revoke", object: &token.id, ..Done::default() })?;
    admin.control.revoke(&token.id, super::now()).map_err(answers::broken)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// A new token with its end; `null` where it has none.
fn made(id: &str, token: &str, expires: Option<i64>) -> Response {
    (StatusCode::CREATED, Json(json!({"id": id, "token": token, "expires": time(expires)}))).into_response()
}

fn time(at: Option<i64>) -> Option<String> {
    at.map(|at| crate::clock::rfc3339(u64::try_from(at).unwrap_or(0) * 1000))
}

/// When a new one expires, and the seconds of the overlap.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn expires(body: Result<Json<Object<Lifetime>>, JsonRejection>) -> Result<(Option<i64>, i64), Response> {
    let wanted = "expires_days, 1 to 3650; overlap_hours, 0 to 168";
    let bad = || problem(StatusCode::BAD_REQUEST, "bad_body", &format!("Wanted in JSON: {wanted}."));
    let Json(Object(lifetime)) = body.map_err(|_| bad())?;
    let overlap = lifetime.overlap_hours.unwrap_or(24);
    if lifetime.expires_days.is_some_and(|days| !(1..=3650).contains(&days)) || overlap > 168 {
        return Err(bad());
    }
    let expires = lifetime.expires_days.map(|days| super::now() + i64::from(days) * 86_400);
    Ok((expires, i64::from(overlap) * 3600))
}
