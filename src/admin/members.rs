//! Environments and members: who belongs, and to what. Changes name the version that they change (RFC 9110, If-Match), are
//! durable in the audit before they hold, and hold from the next request.

use super::Admin;
use super::answers::{self, Answer, bad, if_match, not_here, problem, tagged};
use super::caller::{Caller, Done};
use super::object::Object;
use crate::org::{Change, Flag, Grant, OrgRole};
use crate::store::{Changed, MemberRow};
use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query as Params, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Whether to tell what a change would do instead of doing it.
#[derive(Debug, Deserialize, Default, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct DryRun {
    /// Tell what would be gained and lost, and change nothing.
    dry_run: bool,
}

/// What a library says of a query repeats it: not shown.
#[allow(clippy::result_large_err, reason = "an error here is an answer, made once and sent")]
pub(super) fn is_dry(asked: Result<Params<DryRun>, QueryRejection>) -> Result<bool, Response> {
    asked.map(|Params(asked)| asked.dry_run).map_err(|_| bad("dry_run: true or false, once"))
}

/// A role by name.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleBody {
    /// The role.
    role: String,
}

/// A new member.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMember {
    /// 1 to 60 letters, digits and - _ . @
    name: String,
    /// owner, admin or member; member by default.
    role: Option<String>,
}

/// The environments in which the caller has a role, and no others.
#[utoipa::path(get, path = "/v1/environments", tag = "organization",
    responses((status = 200, description = "Id, name, flag and role"), (status = 401, description = "No token that is known")))]
pub(super) async fn environments(caller: Caller) -> Answer {
    let list: Vec<Value> = caller
        .principal
        .roles
        .iter()
        .map(|(name, flag, role)| json!({"id": name, "name": name, "flag": flag.as_str(), "role": &*role.name}))
        .collect();
    Ok(Json(json!({"environments": list})).into_response())
}

/// Who asks: name, roles, what they allow.
#[utoipa::path(get, path = "/v1/me", tag = "organization",
    responses((status = 200, description = "The caller"), (status = 401, description = "No token that is known")))]
pub(super) async fn me(caller: Caller) -> Answer {
    let p = &caller.principal;
    let list: Vec<Value> = p
        .roles
        .iter()
        .map(|(name, flag, role)| {
            let grant = role.grant(*flag);
            let may: Vec<&str> = grant.may.iter().map(|p| p.as_str()).collect();
            json!({"environment": name, "role": &*role.name, "view": grant.sight.as_str(), "may": may})
        })
        .collect();
    Ok(Json(json!({"name": p.name, "member": p.member, "organization_role": p.org.as_str(), "roles": list}))
        .into_response())
}

/// All members, for those who manage them.
#[utoipa::path(get, path = "/v1/members", tag = "organization",
    responses((status = 200, description = "Members, by name"), (status = 401, description = "No token that is known"),
              (status = 403, description = "Neither owner nor admin")))]
pub(super) async fn list(State(admin): State<Arc<Admin>>, caller: Caller) -> Answer {
    caller.manages(&admin)?;
    let members = admin.control.members().map_err(answers::broken)?;
    let list: Vec<Value> = members.iter().map(told).collect();
    Ok(Json(json!({"members": list})).into_response())
}

/// One member.
#[utoipa::path(get, path = "/v1/members/{id}", params(("id" = String, Path, description = "The member's id")), tag = "organization",
    responses((status = 200, description = "The member, with its version as ETag"), (status = 401, description = "No token that is known"),
              (status = 403, description = "Neither owner nor admin"), (status = 404, description = "No such member")))]
pub(super) async fn show(State(admin): State<Arc<Admin>>, caller: Caller, Path(id): Path<String>) -> Answer {
    caller.manages(&admin)?;
    let member = member(&admin, &id)?;
    Ok(tagged(member.version, told(&member)))
}

/// Makes a member without any role in an environment.
#[utoipa::path(post, path = "/v1/members", request_body = NewMember, tag = "organization",
    responses((status = 201, description = "The member"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"),
              (status = 403, description = "Not allowed to give this role"), (status = 409, description = "The name is somebody's")))]
pub(super) async fn create(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    body: Result<Json<Object<NewMember>>, JsonRejection>,
) -> Answer {
    caller.manages(&admin)?;
    let Json(Object(new)) = body.map_err(|_| bad("name, and role: owner, admin or member"))?;
    if !is_name(&new.name) {
        return Err(bad("a name of 1 to 60 letters, digits and - _ . @"));
    }
    let role = OrgRole::of(new.role.as_deref().unwrap_or("member"))
        .ok_or_else(|| bad("role: owner, admin or member"))?;
    if !caller.principal.org.assigns(role) {
        return Err(caller.refused(&admin, "members", ""));
    }
    caller.did(
        &admin,
        &Done { action: "create_member", object: &new.name, reason: role.as_str(), ..Done::default() },
    )?;
    let made =
        admin.control.create_member(&new.name, role.as_str(), super::now()).map_err(answers::broken)?;
    let Some(id) = made else {
        return Err(problem(StatusCode::CONFLICT, "name_taken", "This name is somebody's."));
    };
    let member = member(&admin, &id)?;
    let mut answer = tagged(member.version, told(&member));
    *answer.status_mut() = StatusCode::CREATED;
    Ok(answer)
}

/// Gives a member another role in the organization.
#[utoipa::path(put, path = "/v1/members/{id}/role", request_body = RoleBody, params(("id" = String, Path, description = "The member's id"), DryRun), tag = "organization",
    responses((status = 200, description = "The member"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"),
              (status = 403, description = "Not allowed to give or take this role"), (status = 404, description = "No such member"),
              (status = 409, description = "The last owner stays one"), (status = 412, description = "Somebody changed it since"), (status = 428, description = "If-Match is needed")))]
pub(super) async fn set_org_role(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
    dry: Result<Params<DryRun>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Json<Object<RoleBody>>, JsonRejection>,
) -> Answer {
    let dry = is_dry(dry)?;
    caller.manages(&admin)?;
    let Json(Object(RoleBody { role })) = body.map_err(|_| bad("role: owner, admin or member"))?;
    let role = OrgRole::of(&role).ok_or_else(|| bad("role: owner, admin or member"))?;
    let member = member(&admin, &id)?;
    let before = OrgRole::of(&member.org_role).unwrap_or(OrgRole::Member);
    if !caller.principal.org.assigns(role) || !caller.principal.org.assigns(before) {
        return Err(caller.refused(&admin, "members", ""));
    }
    let change = match role == before {
        true => Change::default(),
        false => Change { gained: vec![role.as_str().to_owned()], lost: vec![before.as_str().to_owned()] },
    };
    if dry {
        return Ok(tagged(member.version, json!({"dry_run": true, "change": change})));
    }
    if_match(&headers, member.version)?;
    told_change(&admin, &caller, "set_organization_role", "", &member.id, &change)?;
    let done = admin.control.set_org_role(&id, role.as_str(), member.version).map_err(answers::broken)?;
    changed(&admin, &id, done, &change)
}

/// Gives a member a role in an environment.
#[utoipa::path(put, path = "/v1/members/{id}/environments/{environment}", request_body = RoleBody,
    params(("id" = String, Path, description = "The member's id"), ("environment" = String, Path, description = "The environment"), DryRun), tag = "organization",
    responses((status = 200, description = "The member, and what is gained and lost"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"),
              (status = 403, description = "Neither owner nor admin, or oneself in production"), (status = 404, description = "No such member or environment"),
              (status = 412, description = "Somebody changed it since"), (status = 428, description = "If-Match is needed")))]
pub(super) async fn set_role(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path((id, environment)): Path<(String, String)>,
    dry: Result<Params<DryRun>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Json<Object<RoleBody>>, JsonRejection>,
) -> Answer {
    let dry = is_dry(dry)?;
    let Json(Object(RoleBody { role })) = body.map_err(|_| bad("role: one of the organization's"))?;
    assign(&admin, &caller, (&id, &environment), Some(&role), dry, &headers)
}

/// Takes a member's role in an environment.
#[utoipa::path(delete, path = "/v1/members/{id}/environments/{environment}",
    params(("id" = String, Path, description = "The member's id"), ("environment" = String, Path, description = "The environment"), DryRun), tag = "organization",
    responses((status = 200, description = "The member, and what is lost"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"),
              (status = 403, description = "Neither owner nor admin, or oneself in production"), (status = 404, description = "No such member or environment"),
              (status = 412, description = "Somebody changed it since"), (status = 428, description = "If-Match is needed")))]
pub(super) async fn take_role(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path((id, environment)): Path<(String, String)>,
    dry: Result<Params<DryRun>, QueryRejection>,
    headers: HeaderMap,
) -> Answer {
    let dry = is_dry(dry)?;
    assign(&admin, &caller, (&id, &environment), None, dry, &headers)
}

/// Removes a member: its tokens are revoked.
#[utoipa::path(delete, path = "/v1/members/{id}", params(("id" = String, Path, description = "The member's id"), DryRun), tag = "organization",
    responses((status = 200, description = "Who would go"), (status = 204, description = "Gone"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"), (status = 403, description = "Not allowed to take this role"),
              (status = 404, description = "No such member"), (status = 409, description = "The last owner stays"),
              (status = 412, description = "Somebody changed it since"), (status = 428, description = "If-Match is needed")))]
pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
    dry: Result<Params<DryRun>, QueryRejection>,
    headers: HeaderMap,
) -> Answer {
    let dry = is_dry(dry)?;
    caller.manages(&admin)?;
    let member = member(&admin, &id)?;
    if !caller.principal.org.assigns(OrgRole::of(&member.org_role).unwrap_or(OrgRole::Owner)) {
        return Err(caller.refused(&admin, "members", ""));
    }
    if dry {
        let is_owner = |member: &MemberRow| OrgRole::of(&member.org_role) == Some(OrgRole::Owner);
        let members = admin.control.members().map_err(answers::broken)?;
        if is_owner(&member) && !members.iter().any(|other| other.id != member.id && is_owner(other)) {
            return Err(unchanged(Changed::LastOwner));
        }
        return Ok(tagged(member.version, json!({"dry_run": true, "member": told(&member)})));
    }
    if_match(&headers, member.version)?;
    caller.did(&admin, &Done { action: "remove_member", object: &member.id, ..Done::default() })?;
    match admin.control.remove_member(&id, member.version, super::now()).map_err(answers::broken)? {
        Changed::Yes => Ok(StatusCode::NO_CONTENT.into_response()),
        other => Err(unchanged(other)),
    }
}

// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn assign(
    admin: &Admin,
    caller: &Caller,
    (id, environment): (&str, &str),
    role: Option<&str>,
    dry_run: bool,
    headers: &HeaderMap,
) -> Answer {
    caller.manages(admin)?;
    let known = (admin.environments)();
    let Some((_, flag)) = known.iter().find(|(name, _)| name == environment) else {
        return Err(not_here());
    };
    let member = member(admin, id)?;
    if *flag == Flag::Production {
        // Whoever knows the token may be who asks.
        let known = caller.known(admin)?;
        if caller.principal.member.as_deref() == Some(id) || known.is_to(id) {
            return Err(caller.refused(admin, "own role in production", environment));
        }
        if known.below_production {
            return Err(caller.refused(admin, "role in production by a token below it", environment));
        }
    }
    let roles = (admin.roles)();
    let of = |name: Option<&str>| {
        name.and_then(|name| roles.get(name)).map_or_else(Grant::none, |r| r.grant(*flag).clone())
    };
    if role.is_some_and(|role| roles.get(role).is_none()) {
        return Err(bad(&format!("role: one of {}", roles.names())));
    }
    let had = member.roles.iter().find(|(name, _)| name == environment).map(|(_, role)| role.as_str());
    let change = Change::between(&of(had), &of(role));
    if dry_run {
        return Ok(tagged(member.version, json!({"dry_run": true, "change": change})));
    }
    if_match(headers, member.version)?;
    let action = if role.is_some() { "set_role" } else { "remove_role" };
    told_change(admin, caller, action, environment, &member.id, &change)?;
    let done =
        admin.control.set_environment_role(id, environment, role, member.version).map_err(answers::broken)?;
    changed(admin, id, done, &change)
}

// As above.
#[allow(clippy::result_large_err)]
fn told_change(
    admin: &Admin,
    caller: &Caller,
    action: &str,
    environment: &str,
    object: &str,
    change: &Change,
) -> Result<(), Response> {
    let gained = change.gained.iter().map(|what| format!("+{what}"));
    let lost = change.lost.iter().map(|what| format!("-{what}"));
    let reason = gained.chain(lost).collect::<Vec<_>>().join(" ");
    caller.did(admin, &Done { action, environment, object, reason: &reason, ..Done::default() })
}

// As above.
#[allow(clippy::result_large_err)]
fn changed(admin: &Admin, id: &str, done: Changed, change: &Change) -> Answer {
    match done {
        Changed::Yes => {
            let member = member(admin, id)?;
            Ok(tagged(member.version, json!({"member": told(&member), "change": change})))
        }
        other => Err(unchanged(other)),
    }
}

fn unchanged(why: Changed) -> Response {
    match why {
        Changed::LastOwner => {
            problem(StatusCode::CONFLICT, "last_owner", "The organization's last owner stays one.")
        }
        Changed::Unknown => not_here(),
        Changed::Stale | Changed::Yes => answers::stale(),
    }
}

// As above.
#[allow(clippy::result_large_err)]
fn member(admin: &Admin, id: &str) -> Result<MemberRow, Response> {
    admin.control.member(id).map_err(answers::broken)?.ok_or_else(not_here)
}

fn told(member: &MemberRow) -> Value {
    let roles: Vec<Value> = member
        .roles
        .iter()
        .map(|(environment, role)| json!({"environment": environment, "role": role}))
        .collect();
    json!({
        "id": member.id,
        "name": member.name,
        "organization_role": member.org_role,
        "roles": roles,
        "created": crate::clock::rfc3339(u64::try_from(member.created).unwrap_or(0) * 1000),
    })
}

/// Names that records, labels and the audit may show.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=60).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@".contains(&b))
}
