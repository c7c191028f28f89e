//! Assets: connections, rules and redaction profiles of environments, each with its versions. What the configuration file
//! owns is listed beside them, and read-only here.

use super::Admin;
use super::answers::{self, Answer, bad, if_match, not_here, problem, tagged};
use super::caller::{Caller, Done};
use super::members::{DryRun, is_dry};
use super::object::Object;
use super::records::blocking;
use super::words;
use crate::assets::{Kind, apply, with};
use crate::config;
use crate::inspect::rules::{Mode, Raw, What};
use crate::org::{Flag, Permission};
use crate::store::assets::{AssetKey, AssetVersion};
use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query as Params, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;

/// An asset's text.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AssetBody {
    /// TOML: the keys of a `[[connection]]` but name and environment; a rules file; or caller roles and views.
    text: String,
    /// Its own cases, as `phigate test` reads them, each with its message in `body`. They have to hold where it is promoted.
    tests: Option<String>,
    /// A word on it; kept with the version and in the audit.
    note: Option<String>,
}

/// An older version.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RollbackBody {
    /// The version whose text is to hold again.
    version: i64,
    /// A word on it.
    note: Option<String>,
}

/// Parameters of the list.
#[derive(Debug, Deserialize, Default, utoipa::IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParams {
    /// One environment.
    environment: Option<String>,
}

/// Path of an asset: environment, kind, name.
type Place = Path<(String, String, String)>;

/// Assets of the environments where the caller may see them, and what the configuration file owns there.
#[utoipa::path(get, path = "/v1/assets", params(ListParams), tag = "assets",
    responses((status = 200, description = "Kind, name, version, where it was promoted from and whether that is out of date"), (status = 400, description = "An unknown parameter"),
              (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it")))]
pub(super) async fn list(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    params: Result<Params<ListParams>, QueryRejection>,
) -> Answer {
    let Params(params) = params
        .map_err(|_| problem(StatusCode::BAD_REQUEST, "bad_query", "Known parameters: environment."))?;
    let mut seen: Vec<String> = SEE.iter().flat_map(|what| caller.principal.where_may(*what)).collect();
    seen.retain(|name| params.environment.as_ref().is_none_or(|wanted| wanted == name));
    if seen.is_empty() {
        return Err(caller.refused(&admin, Permission::WriteAssets.as_str(), ""));
    }
    let all = admin.control.assets().map_err(answers::broken)?;
    let own = all.iter().filter(|asset| asset.text.is_some() && seen.contains(&asset.key.environment));
    let mut list: Vec<Value> = own.map(|asset| told(asset, &all)).collect();
    let base = (admin.base)();
    let of_file = |kind: Kind, environment: &str, name: &str| json!({"kind": kind.as_str(), "environment": environment, "name": name, "owner": "file"});
    let connections = base.connections.iter().filter(|c| seen.contains(&c.environment.to_string()));
    list.extend(connections.map(|c| of_file(Kind::Connection, &c.environment, &c.name)));
    // Rules files hold in every environment.
    let names: HashSet<&String> = seen.iter().collect();
    for environment in base.environments.iter().filter(|e| names.contains(&e.name.to_string())) {
        list.extend(
            base.rules.iter().map(|f| of_file(Kind::Rules, &environment.name, &f.display().to_string())),
        );
    }
    Ok(Json(json!({"assets": list})).into_response())
}

/// One asset with its versions.
#[utoipa::path(get, path = "/v1/assets/{environment}/{kind}/{name}", tag = "assets",
    params(("environment" = String, Path, description = "The environment"), ("kind" = String, Path, description = "connection, rules or profile"), ("name" = String, Path, description = "The name")),
    responses((status = 200, description = "Its newest version as ETag, and all of them"), (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"),
              (status = 404, description = "No such asset")))]
pub(super) async fn show(State(admin): State<Arc<Admin>>, caller: Caller, Path(place): Place) -> Answer {
    let key = seen(&admin, &caller, place)?;
    let versions = admin.control.asset(&key).map_err(answers::broken)?;
    let newest = versions.first().ok_or_else(not_here)?;
    let all = admin.control.assets().map_err(answers::broken)?;
    let list: Vec<Value> = versions.iter().map(|version| told(version, &all)).collect();
    let mut answer = told(newest, &all);
    answer["text"] = json!(newest.text);
    answer["tests"] = json!(newest.tests);
    answer["versions"] = json!(list);
    Ok(tagged(newest.version, answer))
}

/// One version of an asset, with its text.
#[utoipa::path(get, path = "/v1/assets/{environment}/{kind}/{name}/versions/{version}", tag = "assets",
    params(("environment" = String, Path, description = "The environment"), ("kind" = String, Path, description = "connection, rules or profile"), ("name" = String, Path, description = "The name"),
           ("version" = String, Path, description = "The version")),
    responses((status = 200, description = "The version"), (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"),
              (status = 404, description = "No such version")))]
pub(super) async fn version(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path((environment, kind, name, version)): Path<(String, String, String, String)>,
) -> Answer {
    let key = seen(&admin, &caller, (environment, kind, name))?;
    let versions = admin.control.asset(&key).map_err(answers::broken)?;
    let found = versions.iter().find(|v| v.version.to_string() == version).ok_or_else(not_here)?;
    let all = admin.control.assets().map_err(answers::broken)?;
    let mut answer = told(found, &all);
    answer["text"] = json!(found.text);
    answer["tests"] = json!(found.tests);
    Ok(Json(answer).into_response())
}

/// Makes an asset, or a new version of one; it holds within a second. A new asset is made with `If-None-Match: *`.
#[utoipa::path(put, path = "/v1/assets/{environment}/{kind}/{name}", request_body = AssetBody, tag = "assets",
    params(("environment" = String, Path, description = "The environment"), ("kind" = String, Path, description = "connection, rules or profile"), ("name" = String, Path, description = "1 to 60 lower case letters, digits and dashes"), DryRun),
    responses((status = 200, description = "The new version"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"),
              (status = 404, description = "No such kind"), (status = 409, description = "The configuration file owns it, there are too many, or it is rules that come to production by promotion"), (status = 412, description = "Somebody changed it since"),
              (status = 422, description = "It doesn't fit: why, a line each"), (status = 428, description = "If-Match or If-None-Match is needed")))]
pub(super) async fn put(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(place): Place,
    dry: Result<Params<DryRun>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Json<Object<AssetBody>>, JsonRejection>,
) -> Answer {
    let dry = is_dry(dry)?;
    if !is_asset_name(&place.2) {
        return Err(bad("a name of 1 to 60 lower case letters, digits and dashes"));
    }
    let key = named(place)?;
    may_write_some(&admin, &caller, &key)?;
    let Json(Object(body)) = body.map_err(|_| bad("text; tests, note: together at most 512 KiB"))?;
    let before = newest(&admin, &key)?;
    may_write(&admin, &caller, &key, Some(&body.text), before.as_ref().and_then(|b| b.text.as_deref()))?;
    if key.kind == "rules"
        && flag(&admin, &key.environment) == Some(Flag::Production)
        && !is_draft(&body.text)
    {
        // There it takes two. The way back, to what held before, takes one.
        let detail = "Rules that are enforced come to production by promotion: somebody else approves them.";
        return Err(problem(StatusCode::CONFLICT, "by_promotion", detail));
    }
    owned_by_no_file(&admin, &key)?;
    let new = AssetVersion {
        version: before.as_ref().map_or(0, |b| b.version),
        text: Some(body.text),
        tests: body.tests.unwrap_or_default(),
        note: words::reason(
            body.note.as_deref().unwrap_or_default(),
            false,
            &(admin.rules)(&key.environment),
        )?
        .to_owned(),
        by: caller.principal.name.clone(),
        at: super::now(),
        from: None,
        key,
    };
    made(&admin, &caller, "write_asset", new, (!dry).then_some(&headers)).await
}

/// Takes an asset out; its versions stay, and it can be rolled back to one of them.
#[utoipa::path(delete, path = "/v1/assets/{environment}/{kind}/{name}", tag = "assets",
    params(("environment" = String, Path, description = "The environment"), ("kind" = String, Path, description = "connection, rules or profile"), ("name" = String, Path, description = "The name"), DryRun),
    responses((status = 200, description = "The version that says so"), (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"), (status = 404, description = "No such asset"),
              (status = 409, description = "The configuration file owns it"), (status = 412, description = "Somebody changed it since"), (status = 422, description = "What is left doesn't fit"), (status = 428, description = "If-Match is needed")))]
pub(super) async fn remove(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(place): Place,
    dry: Result<Params<DryRun>, QueryRejection>,
    headers: HeaderMap,
) -> Answer {
    let dry = is_dry(dry)?;
    let key = named(place)?;
    may_write_some(&admin, &caller, &key)?;
    owned_by_no_file(&admin, &key)?;
    let before = newest(&admin, &key)?.filter(|before| before.text.is_some()).ok_or_else(not_here)?;
    may_write(&admin, &caller, &key, None, before.text.as_deref())?;
    let new = AssetVersion { text: None, ..renewed(before, &caller, "removed") };
    made(&admin, &caller, "remove_asset", new, (!dry).then_some(&headers)).await
}

/// Has an older version's text hold again, as a new version.
#[utoipa::path(post, path = "/v1/assets/{environment}/{kind}/{name}/rollback", request_body = RollbackBody, tag = "assets",
    params(("environment" = String, Path, description = "The environment"), ("kind" = String, Path, description = "connection, rules or profile"), ("name" = String, Path, description = "The name")),
    responses((status = 200, description = "The new version"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it"),
              (status = 404, description = "No such asset or version"), (status = 412, description = "Somebody changed it since"), (status = 422, description = "It doesn't fit any more: why, a line each"), (status = 428, description = "If-Match is needed")))]
pub(super) async fn roll_back(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(place): Place,
    headers: HeaderMap,
    body: Result<Json<Object<RollbackBody>>, JsonRejection>,
) -> Answer {
    let key = named(place)?;
    may_write_some(&admin, &caller, &key)?;
    let Json(Object(wanted)) = body.map_err(|_| bad("version; note"))?;
    let versions = admin.control.asset(&key).map_err(answers::broken)?;
    let before = versions.first().ok_or_else(not_here)?;
    let old =
        versions.iter().find(|v| v.version == wanted.version && v.text.is_some()).ok_or_else(not_here)?;
    may_write(&admin, &caller, &key, old.text.as_deref(), before.text.as_deref())?;
    let note =
        words::reason(wanted.note.as_deref().unwrap_or_default(), false, &(admin.rules)(&key.environment))?;
    let note = format!("rolled back to {} {note}", old.version);
    let new = AssetVersion { version: before.version, ..renewed(old.clone(), &caller, note.trim()) };
    made(&admin, &caller, "roll_back_asset", new, Some(&headers)).await
}

fn renewed(old: AssetVersion, caller: &Caller, note: &str) -> AssetVersion {
    AssetVersion { note: note.to_owned(), by: caller.principal.name.clone(), at: super::now(), ..old }
}

/// Checks a version, and keeps it unless it was only asked for (`headers` is `None`).
async fn made(
    admin: &Arc<Admin>,
    caller: &Caller,
    action: &str,
    new: AssetVersion,
    headers: Option<&HeaderMap>,
) -> Answer {
    let all = admin.control.assets().map_err(answers::broken)?;
    let is_new = !all.iter().any(|asset| asset.key == new.key && asset.text.is_some());
    if is_new && all.iter().filter(|asset| asset.text.is_some()).count() >= ASSETS_MAX {
        let detail = format!("There are {ASSETS_MAX} assets: no more are taken.");
        return Err(problem(StatusCode::CONFLICT, "too_many", &detail));
    }
    if !new.tests.trim().is_empty()
        && let Err(wrong) = config::cases::parse(&new.tests)
    {
        let told: Vec<String> = wrong.iter().map(|problem| format!("tests: {problem}")).collect();
        return Err(answers::unfit(&told));
    }
    let (base, candidate) = ((admin.base)(), new.clone());
    let others = others(admin, caller, &all);
    let problems = blocking(move || Ok(apply(&base, &with(all, candidate)).err())).await?;
    if let Some(problems) = problems {
        return Err(answers::unfit(&without_others(&new.key, &others, problems)));
    }
    let Some(headers) = headers else {
        return Ok(Json(json!({"dry_run": true, "problems": []})).into_response());
    };
    match new.version {
        0 if headers.get(header::IF_NONE_MATCH).is_some_and(|v| v == "*") => {}
        version => if_match(headers, version)?,
    }
    let object = format!("{} {}", new.key.kind, new.key.name);
    let done = Done {
        action,
        environment: &new.key.environment,
        object: &object,
        reason: &new.note,
        ..Done::default()
    };
    caller.did(admin, &done)?;
    if !admin.control.make_asset(&new).map_err(answers::broken)? {
        return Err(answers::stale());
    }
    let all = admin.control.assets().map_err(answers::broken)?;
    let version = AssetVersion { version: new.version + 1, ..new };
    Ok(tagged(version.version, told(&version, &all)))
}

/// Names of the environments in which the caller has no role, and of their connections.
pub(super) fn others(admin: &Admin, caller: &Caller, all: &[AssetVersion]) -> Vec<String> {
    let is_other = |environment: &str| caller.principal.role_in(environment).is_empty();
    let environments = (admin.environments)().into_iter().map(|(name, _)| name);
    let base = (admin.base)();
    let of_file = base.connections.iter().map(|c| (c.name.to_string(), c.environment.to_string()));
    let assets = all.iter().filter(|asset| asset.key.kind == Kind::Connection.as_str());
    let assets = assets.map(|asset| (asset.key.name.clone(), asset.key.environment.clone()));
    let connections = of_file.chain(assets).filter(|(_, environment)| is_other(environment));
    environments.filter(|name| is_other(name)).chain(connections.map(|(name, _)| name)).collect()
}

/// What is wrong, without what it would tell of environments that the caller knows nothing of.
pub(super) fn without_others(key: &AssetKey, others: &[String], problems: Vec<String>) -> Vec<String> {
    let others: Vec<String> =
        others.iter().filter(|name| **name != key.name).map(|name| format!("`{name}`")).collect();
    let untold = format!(
        "{} `{}`: wanted what is of one environment only, got what another environment has",
        key.kind, key.name
    );
    let told = |problem: String| match others.iter().any(|name| problem.contains(name)) {
        true => untold.clone(),
        false => problem,
    };
    let mut told: Vec<String> = problems.into_iter().map(told).collect();
    told.dedup();
    told
}

/// What names an asset: a kind and a name that there may be.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn named((environment, kind, name): (String, String, String)) -> Result<AssetKey, Response> {
    match Kind::of(&kind).filter(|_| is_asset_name(&name)) {
        Some(kind) => Ok(AssetKey { kind: kind.as_str().to_owned(), environment, name }),
        None => Err(not_here()),
    }
}

/// 1 to 60 lower case letters, digits and dashes: as names of connections are.
pub(super) fn is_asset_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The key of an asset that the caller may see.
// As above.
#[allow(clippy::result_large_err)]
fn seen(admin: &Admin, caller: &Caller, place: (String, String, String)) -> Result<AssetKey, Response> {
    let key = named(place)?;
    match SEE.iter().any(|what| caller.principal.may(*what, &key.environment).is_some()) {
        true => Ok(key),
        false => Err(caller.refused(admin, Permission::WriteAssets.as_str(), &key.environment)),
    }
}

/// Refused where the caller could write no asset of the kind there, whatever it says.
// As above.
#[allow(clippy::result_large_err)]
fn may_write_some(admin: &Admin, caller: &Caller, key: &AssetKey) -> Result<(), Response> {
    let needs: &[Permission] = match key.kind.as_str() {
        "rules" => &[Permission::EnforceRules, Permission::DraftRules],
        _ => &[Permission::WriteAssets],
    };
    match needs.iter().any(|what| caller.principal.may(*what, &key.environment).is_some()) {
        true => Ok(()),
        false => Err(caller.refused(admin, needs[0].as_str(), &key.environment)),
    }
}

/// Rules that are enforced, now or before, are of those who enforce, and so is what passes unread that did not before; new
/// detectors in shadow are of those who write them.
// As above.
#[allow(clippy::result_large_err)]
fn may_write(
    admin: &Admin,
    caller: &Caller,
    key: &AssetKey,
    new: Option<&str>,
    before: Option<&str>,
) -> Result<(), Response> {
    let is_enforcing = key.kind == "rules" && [new, before].iter().flatten().any(|text| !is_draft(text));
    if is_enforcing {
        let what = Permission::EnforceRules;
        if caller.principal.may(what, &key.environment).is_none() {
            let detail = "Your roles don't allow rules that are enforced, or changes of such: new detectors with mode = \"shadow\" they do.";
            return Err(caller.refused_since(admin, what.as_str(), &key.environment, detail));
        }
    }
    let opaque = |text: Option<&str>| text.map(config::assets::opaque).unwrap_or_default();
    let passed = opaque(before);
    let what = Permission::EnforceRules;
    if key.kind == "connection"
        && opaque(new).iter().any(|kind| !passed.contains(kind))
        && caller.principal.may(what, &key.environment).is_none()
    {
        let detail = "What passes unread (`opaque`) is for whoever enforces rules there, or for the configuration file.";
        return Err(caller.refused_since(admin, what.as_str(), &key.environment, detail));
    }
    Ok(())
}

/// Whether a text has nothing but new detectors in shadow: anything else may take a value from a rule that is enforced. One
/// that can't be read has nothing at all.
pub(super) fn is_draft(text: &str) -> bool {
    let Ok(edits) = config::rules::parse("", text) else { return true };
    let built_in = Raw::built_in();
    let known: HashSet<&str> = built_in.ids().collect();
    edits.iter().all(|edit| {
        matches!(edit.what, What::Detector(_))
            && edit.mode == Some(Mode::Shadow)
            && !known.contains(edit.id.as_str())
    })
}

// As above.
#[allow(clippy::result_large_err)]
fn owned_by_no_file(admin: &Admin, key: &AssetKey) -> Result<(), Response> {
    let base = (admin.base)();
    match key.kind == "connection" && base.connections.iter().any(|c| *c.name == *key.name) {
        false => Ok(()),
        true => Err(problem(
            StatusCode::CONFLICT,
            "file_owned",
            "The configuration file owns a connection of this name: it is read-only here, and changed there.",
        )),
    }
}

// As above.
#[allow(clippy::result_large_err)]
fn newest(admin: &Admin, key: &AssetKey) -> Result<Option<AssetVersion>, Response> {
    Ok(admin.control.asset(key).map_err(answers::broken)?.into_iter().next())
}

/// A version, and whether what it was promoted from has a newer one.
pub(super) fn told(asset: &AssetVersion, all: &[AssetVersion]) -> Value {
    let from = asset
        .from
        .as_ref()
        .map(|(key, version)| json!({"environment": key.environment, "name": key.name, "version": version}));
    let out_of_date = asset.from.as_ref().map(|(key, version)| {
        all.iter().find(|other| other.key == *key).is_some_and(|newest| newest.version > *version)
    });
    json!({
        "kind": asset.key.kind, "environment": asset.key.environment, "name": asset.key.name, "owner": "api",
        "version": asset.version, "removed": asset.text.is_none(), "note": asset.note, "by": asset.by,
        "at": crate::clock::rfc3339(u64::try_from(asset.at).unwrap_or(0) * 1000),
        "promoted_from": from, "out_of_date": out_of_date,
    })
}

/// Whether an environment is production, as the running configuration has it.
pub(super) fn flag(admin: &Admin, environment: &str) -> Option<Flag> {
    (admin.environments)().into_iter().find(|(name, _)| name == environment).map(|(_, flag)| flag)
}

/// Whoever has one of these in an environment sees its assets.
const SEE: [Permission; 4] =
    [Permission::WriteAssets, Permission::PromoteAssets, Permission::DraftRules, Permission::AuditAll];
/// Assets that there may be.
const ASSETS_MAX: usize = 1000;
/// Of a request with an asset's text and tests.
pub(super) const ASSET_BODY_BYTES_MAX: usize = 512 << 10;
