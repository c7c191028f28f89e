//! Promotions: a staging asset to production. Whoever proposes and whoever approves have a role in both, and are two people;
//! what is promoted is checked when it is proposed and again when it is approved.

use super::Admin;
use super::answers::{self, Answer, bad, not_here, problem};
use super::assets::{flag, is_asset_name, is_draft, others, told, without_others};
use super::caller::{Caller, Done};
use super::object::Object;
use super::records::blocking;
use super::words;
use crate::assets::{Kind, unfit};
use crate::config::assets::with_upstream;
use crate::org::{Flag, Permission};
use crate::store::assets::{AssetKey, AssetVersion, Promotion};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// What is to be promoted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PromotionBody {
    /// connection, rules or profile.
    kind: String,
    /// The asset's name in staging.
    name: String,
    /// The staging environment.
    from: String,
    /// The production environment.
    to: String,
    /// Its name there; the same by default. Names of connections are used once in all environments.
    #[serde(rename = "as")]
    to_name: Option<String>,
    /// A connection's upstream there: each upstream belongs to one environment.
    upstream: Option<String>,
    /// Why; kept in the audit.
    reason: String,
}

/// Proposes to promote the newest version of a staging asset to production.
#[utoipa::path(post, path = "/v1/promotions", request_body = PromotionBody, tag = "assets",
    responses((status = 201, description = "It waits for a second person"), (status = 400, description = "Not what is wanted, or a reason that holds a value"), (status = 401, description = "No token that is known"),
              (status = 403, description = "No role in both that allows it"), (status = 404, description = "No such asset"), (status = 409, description = "The configuration file owns what it would be"),
              (status = 422, description = "It can't be production's: why, a line each")))]
pub(super) async fn propose(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    body: Result<Json<Object<PromotionBody>>, JsonRejection>,
) -> Answer {
    let Json(Object(wanted)) = body.map_err(|_| bad("kind, name, from, to, reason; as, upstream"))?;
    in_both(&admin, &caller, &wanted.kind, &wanted.from, &wanted.to)?;
    let flags = (flag(&admin, &wanted.from), flag(&admin, &wanted.to));
    if flags != (Some(Flag::Staging), Some(Flag::Production)) {
        return Err(bad("from: a staging environment, to: a production environment"));
    }
    let kind = Kind::of(&wanted.kind).ok_or_else(|| bad("kind: connection, rules or profile"))?;
    let reason = words::reason(&wanted.reason, true, &(admin.rules)(&wanted.to))?;
    let key = |environment: &str, name: &str| AssetKey {
        kind: kind.as_str().to_owned(),
        environment: environment.to_owned(),
        name: name.to_owned(),
    };
    let from = key(&wanted.from, &wanted.name);
    let to_name = wanted.to_name.as_deref().unwrap_or(&wanted.name);
    if !is_asset_name(to_name) {
        return Err(bad("as: 1 to 60 lower case letters, digits and dashes"));
    }
    let to = key(&wanted.to, to_name);
    let newest = admin.control.asset(&from).map_err(answers::broken)?.into_iter().next();
    let source = newest.filter(|newest| newest.text.is_some()).ok_or_else(not_here)?;
    let text = source.text.clone().unwrap_or_default();
    let text = match &wanted.upstream {
        None => text,
        Some(url) if kind == Kind::Connection => with_upstream(&text, url)
            .ok_or_else(|| bad("upstream: of a connection that has just the key `upstream`"))?,
        Some(_) => return Err(bad("upstream: of a connection alone")),
    };
    let to_version = admin.control.asset(&to).map_err(answers::broken)?.first().map_or(0, |v| v.version);
    let promotion = Promotion {
        id: String::new(),
        version: source.version,
        to_version,
        text,
        reason: reason.to_owned(),
        member: caller.principal.member.clone().unwrap_or_default(),
        by: caller.principal.name.clone(),
        at: super::now(),
        state: "pending".to_owned(),
        decided_by: None,
        made: None,
        from,
        to,
    };
    checked(&admin, &caller, &promotion, &source).await?;
    did(&admin, &caller, "propose_promotion", &promotion, reason)?;
    let id = admin.control.propose_promotion(&promotion).map_err(answers::broken)?;
    Ok((StatusCode::CREATED, Json(shown(&caller, &Promotion { id, ..promotion }))).into_response())
}

/// Promotions into production environments where the caller promotes or audits; newest first.
#[utoipa::path(get, path = "/v1/promotions", tag = "assets",
    responses((status = 200, description = "The newest thousand; `from` is null where the caller has no role there"), (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it")))]
pub(super) async fn list(State(admin): State<Arc<Admin>>, caller: Caller) -> Answer {
    let seen: Vec<String> = SEE.iter().flat_map(|what| caller.principal.where_may(*what)).collect();
    if seen.is_empty() {
        return Err(caller.refused(&admin, Permission::PromoteAssets.as_str(), ""));
    }
    let all = admin.control.promotions().map_err(answers::broken)?;
    let list: Vec<Value> =
        all.iter().filter(|p| seen.contains(&p.to.environment)).map(|p| shown(&caller, p)).collect();
    Ok(Json(json!({"promotions": list})).into_response())
}

/// One promotion, with the text as it is to be and as it is.
#[utoipa::path(get, path = "/v1/promotions/{id}", params(("id" = String, Path, description = "Its id")), tag = "assets",
    responses((status = 200, description = "The promotion; `from` is null where the caller has no role there"), (status = 401, description = "No token that is known"), (status = 404, description = "No such one, or none that the caller may see")))]
pub(super) async fn show(State(admin): State<Arc<Admin>>, caller: Caller, Path(id): Path<String>) -> Answer {
    let promotion = promotion(&admin, &caller, &id)?;
    let now = admin.control.asset(&promotion.to).map_err(answers::broken)?.into_iter().next();
    let mut answer = shown(&caller, &promotion);
    answer["text"] = json!(promotion.text);
    answer["text_now"] = json!(now.and_then(|now| now.text));
    Ok(Json(answer).into_response())
}

/// Approves a promotion: the asset is production's within a second. Somebody else than who proposed it.
#[utoipa::path(post, path = "/v1/promotions/{id}/approve", params(("id" = String, Path, description = "Its id")), tag = "assets",
    responses((status = 200, description = "The version that it made"), (status = 401, description = "No token that is known"), (status = 403, description = "One's own, no member, no role in both, or rules to be enforced and no role for that"),
              (status = 404, description = "No such one, or none that the caller may see"), (status = 409, description = "It isn't pending, or production's asset changed since"), (status = 422, description = "It doesn't fit any more: why, a line each")))]
pub(super) async fn approve(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    let promotion = promotion(&admin, &caller, &id)?;
    in_both(&admin, &caller, &promotion.to.kind, &promotion.from.environment, &promotion.to.environment)?;
    if promotion.to.kind == "rules" && !is_draft(&promotion.text) {
        caller.here(&admin, Permission::EnforceRules, &promotion.to.environment)?;
    }
    if !caller.is_second(&admin, (&promotion.member, &promotion.by))? {
        return Err(caller.refused_as_own(&admin, &promotion.to.environment));
    }
    if promotion.state != "pending" {
        return Err(not_pending());
    }
    let versions = admin.control.asset(&promotion.from).map_err(answers::broken)?;
    let source =
        versions.into_iter().find(|v| v.version == promotion.version).ok_or_else(answers::missing)?;
    let new = checked(&admin, &caller, &promotion, &source).await?;
    did(&admin, &caller, "promote", &promotion, &format!("{} {}", promotion.id, promotion.reason))?;
    let done = admin.control.promote(&promotion, &caller.principal.name, &new);
    if !done.map_err(answers::broken)? {
        return Err(not_pending());
    }
    let all = admin.control.assets().map_err(answers::broken)?;
    Ok(Json(told(&AssetVersion { version: new.version + 1, ..new }, &all)).into_response())
}

/// Declines a promotion, or withdraws one's own.
#[utoipa::path(delete, path = "/v1/promotions/{id}", params(("id" = String, Path, description = "Its id")), tag = "assets",
    responses((status = 204, description = "Declined"), (status = 401, description = "No token that is known"), (status = 403, description = "No role in both"),
              (status = 404, description = "No such one, or none that the caller may see"), (status = 409, description = "It isn't pending")))]
pub(super) async fn decline(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    let promotion = promotion(&admin, &caller, &id)?;
    in_both(&admin, &caller, &promotion.to.kind, &promotion.from.environment, &promotion.to.environment)?;
    did(&admin, &caller, "decline_promotion", &promotion, &promotion.id)?;
    match admin.control.decline_promotion(&id, &caller.principal.name).map_err(answers::broken)? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(not_pending()),
    }
}

/// The version that a promotion makes, once nothing speaks against it.
async fn checked(
    admin: &Arc<Admin>,
    caller: &Caller,
    promotion: &Promotion,
    source: &AssetVersion,
) -> Result<AssetVersion, Response> {
    let base = (admin.base)();
    if promotion.to.kind == "connection" && base.connections.iter().any(|c| *c.name == *promotion.to.name) {
        let detail = "The configuration file owns a connection of that name: it is changed there, or promoted `as` another.";
        return Err(problem(StatusCode::CONFLICT, "file_owned", detail));
    }
    let new = AssetVersion {
        key: promotion.to.clone(),
        version: promotion.to_version,
        text: Some(promotion.text.clone()),
        tests: source.tests.clone(),
        note: promotion.reason.clone(),
        by: caller.principal.name.clone(),
        at: super::now(),
        from: Some((promotion.from.clone(), promotion.version)),
    };
    let (all, candidate) = (admin.control.assets().map_err(answers::broken)?, new.clone());
    let others = others(admin, caller, &all);
    let problems = blocking(move || Ok(unfit(&base, &all, &candidate))).await?;
    if !problems.is_empty() {
        caller.was_refused(
            admin,
            &Done {
                action: "promotion_not_fit",
                environment: &promotion.to.environment,
                object: &object(promotion),
                ..Done::default()
            },
        )?;
        return Err(answers::unfit(&without_others(&new.key, &others, problems)));
    }
    Ok(new)
}

/// Refused unless the caller promotes in both environments; rules, also whoever has them enforced there.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn in_both(admin: &Admin, caller: &Caller, kind: &str, from: &str, to: &str) -> Result<(), Response> {
    for environment in [from, to] {
        let enforces = || caller.principal.may(Permission::EnforceRules, environment).is_some();
        if kind != Kind::Rules.as_str() || !enforces() {
            caller.here(admin, Permission::PromoteAssets, environment)?;
        }
    }
    Ok(())
}

// As above.
#[allow(clippy::result_large_err)]
fn promotion(admin: &Admin, caller: &Caller, id: &str) -> Result<Promotion, Response> {
    let found = admin.control.promotion(id).map_err(answers::broken)?;
    let sees =
        |p: &Promotion| SEE.iter().any(|what| caller.principal.may(*what, &p.to.environment).is_some());
    found.filter(sees).ok_or_else(|| caller.nothing(admin, "promotion"))
}

// As above.
#[allow(clippy::result_large_err)]
fn did(
    admin: &Admin,
    caller: &Caller,
    action: &str,
    promotion: &Promotion,
    reason: &str,
) -> Result<(), Response> {
    let (environment, object) = (&promotion.to.environment, object(promotion));
    caller.did(admin, &Done { action, environment, object: &object, reason, ..Done::default() })
}

/// What a promotion is about, for the audit.
fn object(Promotion { to, from, version, .. }: &Promotion) -> String {
    format!("{} {} from {} version {version}", to.kind, to.name, from.environment)
}

/// Where it comes from is told to those alone who have a role there.
fn shown(caller: &Caller, promotion: &Promotion) -> Value {
    let of = |key: &AssetKey, version: i64| match caller.principal.role_in(&key.environment) {
        "" => Value::Null,
        _ => json!({"environment": key.environment, "name": key.name, "version": version}),
    };
    json!({
        "id": promotion.id, "kind": promotion.from.kind, "from": of(&promotion.from, promotion.version),
        "to": of(&promotion.to, promotion.to_version), "reason": promotion.reason, "by": promotion.by,
        "at": crate::clock::rfc3339(u64::try_from(promotion.at).unwrap_or(0) * 1000), "state": promotion.state,
        "decided_by": promotion.decided_by, "made": promotion.made,
    })
}

fn not_pending() -> Response {
    problem(
        StatusCode::CONFLICT,
        "not_pending",
        "It isn't pending any more, or what it would replace changed since.",
    )
}

/// Whoever has one of these in production sees what is promoted into it.
const SEE: [Permission; 3] = [Permission::PromoteAssets, Permission::EnforceRules, Permission::AuditAll];
