//! Break-glass: sealed originals, one field at a time, to somebody who said why, after owners and security were told, for
//! minutes, and reviewed by somebody else before the next one.

use super::Admin;
use super::answers::{self, Answer, bad, problem};
use super::caller::{Caller, Done};
use super::object::Object;
use super::records::blocking;
use super::words;
use crate::config::BreakGlass;
use crate::inspect::RuleSet;
use crate::org::Permission;
use crate::record;
use crate::secrets::{SealError, SealKeys};
use crate::store::sealing::{Glass, GlassState, GlassWish, Opening, Review};
use crate::store::{ReadScope, Stored};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What originals are opened with, who is told first, and how long what this process opened still holds.
pub struct Originals {
    keys: Option<Arc<SealKeys>>,
    settings: Option<BreakGlass>,
    /// By a clock that nobody sets.
    deadlines: Mutex<HashMap<String, Instant>>,
}

/// What a break-glass is wanted for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GlassBody {
    /// The environment.
    environment: String,
    /// Ids of the records, 20 at most.
    records: Vec<String>,
    /// Why; kept in the audit and told in the notice. It may hold no value.
    reason: String,
    /// Where it is written down: 1 to 60 letters, digits and - _ . # /
    ticket: String,
    /// For how long, 1 to 60; 15 by default.
    minutes: Option<u32>,
    /// Fields at most; as many as the configuration allows by default.
    reveals: Option<u32>,
}

/// One field of a record.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevealBody {
    /// The record's id.
    record: String,
    /// The field, as `GET /v1/records/{id}` lists it: `body/12`.
    field: String,
}

/// What a reviewer found.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewBody {
    /// justified or not_justified.
    outcome: String,
    /// A word on it.
    note: Option<String>,
}

impl Originals {
    /// Opened with these keys, asked for as the settings say; without them nobody can.
    #[must_use]
    pub fn new(keys: Option<Arc<SealKeys>>, settings: Option<BreakGlass>) -> Self {
        Self { keys, settings, deadlines: Mutex::default() }
    }

    pub(super) fn has_key(&self) -> bool {
        self.keys.is_some()
    }

    fn open_for(&self, id: &str, minutes: u32) {
        let until = Instant::now() + Duration::from_secs(u64::from(minutes) * 60);
        let mut deadlines = self.deadlines.lock().unwrap_or_else(PoisonError::into_inner);
        deadlines.retain(|_, until| *until > Instant::now());
        deadlines.insert(id.to_owned(), until);
    }

    /// Whether an open one is over: by the clock of the wall, or by the one that can't be set back.
    fn is_over(&self, glass: &Glass, now: i64) -> bool {
        let deadlines = self.deadlines.lock().unwrap_or_else(PoisonError::into_inner);
        let holds = deadlines.get(&glass.id).is_some_and(|until| Instant::now() < *until);
        !holds || now >= glass.ends || now < glass.opened
    }
}

/// Asks for sealed originals: owners and security are told before it opens.
#[utoipa::path(post, path = "/v1/break-glass", request_body = GlassBody, tag = "originals",
    responses((status = 201, description = "It is open"), (status = 400, description = "Not what is wanted, or a reason that holds a value"), (status = 401, description = "No token that is known"),
              (status = 403, description = "No role that allows it, or sealing was turned on by the caller within seven days"), (status = 404, description = "No such record with sealed originals"),
              (status = 409, description = "Not configured, or the last one awaits review"), (status = 503, description = "The notice can't be delivered: nothing was opened")))]
pub(super) async fn open(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    body: Result<Json<Object<GlassBody>>, JsonRejection>,
) -> Answer {
    let Json(Object(wanted)) =
        body.map_err(|_| bad("environment, records, reason, ticket; minutes 1 to 60, reveals"))?;
    let environment = wanted.environment.clone();
    let (.., role) = may_reveal(&admin, &caller, &environment)?;
    let (Some(settings), true) = (admin.originals.settings.clone(), admin.originals.has_key()) else {
        let detail = "Break-glass needs [sealing] key and [break_glass] webhook in the configuration.";
        return Err(problem(StatusCode::CONFLICT, "not_configured", detail));
    };
    let rules = (admin.rules)(&environment);
    let wish = wish(&caller, wanted, role, settings.reveals_max, &rules)?;
    for id in &wish.records {
        let Some(record) = sealed_record(&admin, &environment, id).await? else {
            return Err(caller.nothing(&admin, super::shown_id(id)));
        };
        if repeats_any(&admin, &record, &[&wish.reason, &wish.ticket]) {
            return Err(repeated(&admin, &caller, &environment, &record.0.entry.id));
        }
    }
    // From here on it comes to an end of its own, whether or not somebody still waits for the answer.
    #[allow(clippy::result_large_err)] // an answer, made once and sent
    let opened = tokio::task::spawn_blocking(move || opened(&admin, &caller, &settings, &wish));
    let glass = opened.await.map_err(answers::ended)??;
    Ok((StatusCode::CREATED, Json(shown(&glass))).into_response())
}

/// Notes a wish, tells of it and opens it; or has it fail. Takes as long as the notice does.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn opened(
    admin: &Admin,
    caller: &Caller,
    settings: &BreakGlass,
    wish: &GlassWish,
) -> Result<Glass, Response> {
    settle_all(admin)?;
    let id = match admin.control.begin_glass(wish, super::now()).map_err(answers::broken)? {
        Opening::Noted(id) => id,
        Opening::Awaits(other) => {
            let detail =
                format!("{other} is open or awaits review by somebody else: none is new before that.");
            return Err(problem(StatusCode::CONFLICT, "awaits_review", &detail));
        }
    };
    let opened = tell(admin, caller, settings, &id, wish).and_then(|()| {
        // Its deadline first: without one it would be over for whoever looks in between.
        admin.originals.open_for(&id, wish.minutes);
        let moved = admin.control.move_glass(&id, GlassState::Opening, GlassState::Open, super::now());
        moved.map_err(answers::broken)
    });
    if !matches!(opened, Ok(true)) {
        // Whatever failed, it never opens.
        let failed = admin.control.move_glass(&id, GlassState::Opening, GlassState::Failed, super::now());
        if let Err(error) = failed {
            tracing::error!(error = %error, "A break-glass that failed isn't marked so: whoever looks after a minute marks it.");
        }
        return Err(opened.err().unwrap_or_else(answers::missing));
    }
    admin.control.glass(&id).map_err(answers::broken)?.ok_or_else(answers::missing)
}

/// Every break-glass that the caller reviews, and the caller's own; newest first.
#[utoipa::path(get, path = "/v1/break-glass", tag = "originals",
    responses((status = 200, description = "The newest thousand"), (status = 401, description = "No token that is known"), (status = 403, description = "No role that allows it")))]
pub(super) async fn list(State(admin): State<Arc<Admin>>, caller: Caller) -> Answer {
    let may = |what| !caller.principal.where_may(what).is_empty();
    if !may(Permission::ReviewReveals) && !may(Permission::RevealOriginals) {
        return Err(caller.refused(&admin, Permission::ReviewReveals.as_str(), ""));
    }
    settle_all(&admin)?;
    let all = admin.control.glasses().map_err(answers::broken)?;
    let list: Vec<Value> = all.iter().filter(|glass| sees(&caller, glass)).map(shown).collect();
    Ok(Json(json!({"break_glass": list})).into_response())
}

/// One break-glass.
#[utoipa::path(get, path = "/v1/break-glass/{id}", params(("id" = String, Path, description = "Its id")), tag = "originals",
    responses((status = 200, description = "How it stands"), (status = 401, description = "No token that is known"), (status = 404, description = "No such one, or none that the caller may see")))]
pub(super) async fn show(State(admin): State<Arc<Admin>>, caller: Caller, Path(id): Path<String>) -> Answer {
    Ok(Json(shown(&glass(&admin, &caller, &id)?)).into_response())
}

/// Ends one before its time: whoever opened it, or whoever reviews it.
#[utoipa::path(delete, path = "/v1/break-glass/{id}", params(("id" = String, Path, description = "Its id")), tag = "originals",
    responses((status = 204, description = "Over"), (status = 401, description = "No token that is known"), (status = 404, description = "No such one, or none that the caller may see"),
              (status = 409, description = "It isn't open")))]
pub(super) async fn end(State(admin): State<Arc<Admin>>, caller: Caller, Path(id): Path<String>) -> Answer {
    let glass = glass(&admin, &caller, &id)?;
    did(&admin, &caller, "end_break_glass", &glass, &glass.id)?;
    let ended = admin.control.move_glass(&id, GlassState::Open, GlassState::Ended, super::now());
    match ended.map_err(answers::broken)? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(not_open()),
    }
}

/// Shows one field of one record as it was sent; counted and audited before it is answered.
#[utoipa::path(post, path = "/v1/break-glass/{id}/reveals", request_body = RevealBody, params(("id" = String, Path, description = "Its id")), tag = "originals",
    responses((status = 200, description = "The value, as it was written in the message"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"),
              (status = 403, description = "No role that allows it any more"), (status = 404, description = "No such one of the caller's, or no such record or field in it"),
              (status = 409, description = "It isn't open, or its reveals are used up"), (status = 410, description = "The key is gone: nobody can open it any more")))]
pub(super) async fn reveal(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Object<RevealBody>>, JsonRejection>,
) -> Answer {
    let glass = glass(&admin, &caller, &id)?;
    if caller.principal.member.as_deref() != Some(&*glass.wish.member) {
        return Err(caller.nothing(&admin, "break-glass"));
    }
    may_reveal(&admin, &caller, &glass.wish.environment)?;
    let Json(Object(wanted)) = body.map_err(|_| bad("record, field"))?;
    if glass.state != GlassState::Open {
        return Err(not_open());
    }
    let of_it = glass.wish.records.contains(&wanted.record);
    let nothing = || caller.nothing(&admin, super::shown_id(&wanted.record));
    let place = wanted.field.rsplit_once('/').and_then(|(part, leaf)| Some((part, leaf.parse().ok()?)));
    let Some((part, leaf)) = place.filter(|_| of_it) else { return Err(nothing()) };
    let scope = ReadScope { environments: vec![glass.wish.environment.clone()] };
    let (records, record) = (admin.records.clone(), wanted.record.clone());
    let found =
        blocking(move || Ok((records.show(&scope, &record)?, records.sealed(&scope, &record)?))).await?;
    let (Some(stored), Some(sealed)) = found else { return Err(nothing()) };
    let has_it = |payload: &record::StoredPayload| record::is_sealed(payload, part, leaf);
    let (Some(keys), true) = (&admin.originals.keys, stored.payload.as_ref().is_some_and(has_it)) else {
        return Err(nothing());
    };
    if !admin.control.count_reveal(&glass.id).map_err(answers::broken)? {
        return Err(problem(
            StatusCode::CONFLICT,
            "reveals_used_up",
            "Its reveals are used up, or it is over.",
        ));
    }
    // A part's name and a number: of our own words, or it wouldn't be there.
    did(&admin, &caller, "reveal", &glass, &format!("{} {part}/{leaf}", stored.entry.id))?;
    let value = record::Originals::open(keys, &stored.entry, &sealed).map_err(|error| match error {
        SealError::Gone => problem(StatusCode::GONE, "key_gone", &error.to_string()),
        _ => {
            tracing::error!(error = %error, "Sealed originals can't be opened.");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "not_opened", &error.to_string())
        }
    })?;
    let value = value.field(part, leaf).ok_or_else(answers::missing)?;
    let answer = json!({"record": stored.entry.id, "field": wanted.field, "value": value.expose()});
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Says of one that is over whether it was right; somebody else than who opened it.
#[utoipa::path(post, path = "/v1/break-glass/{id}/review", request_body = ReviewBody, params(("id" = String, Path, description = "Its id")), tag = "originals",
    responses((status = 200, description = "How it stands"), (status = 400, description = "Not what is wanted"), (status = 401, description = "No token that is known"),
              (status = 403, description = "No role that allows it, one's own, or a token of no member"), (status = 404, description = "No such one, or none that the caller may see"), (status = 409, description = "It isn't over, or was reviewed")))]
pub(super) async fn review(
    State(admin): State<Arc<Admin>>,
    caller: Caller,
    Path(id): Path<String>,
    body: Result<Json<Object<ReviewBody>>, JsonRejection>,
) -> Answer {
    let glass = glass(&admin, &caller, &id)?;
    let environment = &glass.wish.environment;
    caller.here(&admin, Permission::ReviewReveals, environment)?;
    if !caller.is_second(&admin, (&glass.wish.member, &glass.wish.name))? {
        return Err(caller.refused(&admin, Permission::ReviewReveals.as_str(), environment));
    }
    let Json(Object(wanted)) = body.map_err(|_| bad("outcome: justified or not_justified; note"))?;
    if !["justified", "not_justified"].contains(&&*wanted.outcome) {
        return Err(bad("outcome: justified or not_justified"));
    }
    let rules = (admin.rules)(environment);
    let note = words::reason(wanted.note.as_deref().unwrap_or_default(), false, &rules)?;
    for id in &glass.wish.records {
        // One that retention removed since has nothing left to repeat.
        let record = sealed_record(&admin, environment, id).await?;
        if record.is_some_and(|record| repeats_any(&admin, &record, &[note])) {
            return Err(repeated(&admin, &caller, environment, &glass.id));
        }
    }
    let review = Review {
        by: caller.principal.name.clone(),
        outcome: wanted.outcome.clone(),
        note: note.to_owned(),
        at: super::now(),
    };
    let reason = format!("{} {note}", review.outcome);
    let done = Done {
        action: "review_break_glass",
        environment,
        object: &glass.id,
        reason: reason.trim(),
        ..Done::default()
    };
    caller.did(&admin, &done)?;
    if !admin.control.review_glass(&id, &review).map_err(answers::broken)? {
        return Err(problem(
            StatusCode::CONFLICT,
            "not_reviewable",
            "It isn't over, or was reviewed before.",
        ));
    }
    let glass = admin.control.glass(&id).map_err(answers::broken)?.ok_or_else(answers::missing)?;
    Ok(Json(shown(&glass)).into_response())
}

/// Refused unless the caller is a member who may reveal originals there now; gives the member and the role.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn may_reveal(admin: &Admin, caller: &Caller, environment: &str) -> Result<(String, String), Response> {
    let what = Permission::RevealOriginals;
    let (_, role, _) = caller.here(admin, what, environment)?;
    let Some(member) = caller.principal.member.clone() else {
        return Err(caller.refused(admin, what.as_str(), environment));
    };
    let since = super::now() - SEALING_DAYS * 86_400;
    let turned_on = admin.control.turned_sealing_on((&member, &caller.principal.name), environment, since);
    if turned_on.map_err(answers::broken)? {
        let refused = caller.refused(admin, "originals.reveal after sealing was turned on", environment);
        let detail = "Whoever turned sealing on can't reveal originals for seven days.";
        return Err(match refused.status() {
            StatusCode::FORBIDDEN => problem(StatusCode::FORBIDDEN, "turned_sealing_on", detail),
            _ => refused,
        });
    }
    Ok((member, role.name.to_string()))
}

// As above.
#[allow(clippy::result_large_err)]
fn wish(
    caller: &Caller,
    wanted: GlassBody,
    role: String,
    reveals_max: u32,
    rules: &RuleSet,
) -> Result<GlassWish, Response> {
    let minutes = wanted.minutes.unwrap_or(MINUTES);
    let reveals = wanted.reveals.unwrap_or(reveals_max);
    let ids: HashSet<&String> = wanted.records.iter().collect();
    if !(1..=MINUTES_MAX).contains(&minutes) || !(1..=reveals_max).contains(&reveals) {
        return Err(bad(&format!("minutes 1 to {MINUTES_MAX}, reveals 1 to {reveals_max}")));
    }
    if !(1..=RECORDS_MAX).contains(&wanted.records.len()) || ids.len() < wanted.records.len() {
        return Err(bad(&format!("1 to {RECORDS_MAX} ids of records, each once")));
    }
    Ok(GlassWish {
        reason: words::reason(&wanted.reason, true, rules)?.to_owned(),
        ticket: words::ticket(&wanted.ticket, rules)?.to_owned(),
        environment: wanted.environment,
        member: caller.principal.member.clone().unwrap_or_default(),
        name: caller.principal.name.clone(),
        role,
        records: wanted.records,
        minutes,
        reveals_max: reveals,
    })
}

/// A record with what is sealed of it, where there is something.
async fn sealed_record(
    admin: &Admin,
    environment: &str,
    id: &str,
) -> Result<Option<(Stored, Vec<u8>)>, Response> {
    let scope = ReadScope { environments: vec![environment.to_owned()] };
    let (records, wanted) = (admin.records.clone(), id.to_owned());
    let found =
        blocking(move || Ok((records.show(&scope, &wanted)?, records.sealed(&scope, &wanted)?))).await?;
    let (Some(stored), Some(sealed)) = found else { return Ok(None) };
    Ok(stored.entry.sealed.then_some((stored, sealed)))
}

/// Whether one of these texts repeats what a record's originals say of somebody. The audit, the notice and control.db keep
/// those texts, and originals are kept nowhere else.
fn repeats_any(admin: &Admin, (stored, sealed): &(Stored, Vec<u8>), texts: &[&str]) -> bool {
    let (Some(keys), Some(payload)) = (&admin.originals.keys, &stored.payload) else { return false };
    // Where nobody can open them any more, nobody can say what they were; a reveal tells that.
    let Ok(originals) = record::Originals::open(keys, &stored.entry, sealed) else { return false };
    let shown = record::sealed_fields(payload, record::View::Masked).into_iter();
    let names: HashSet<String> = shown
        .filter(|field| NAMES.iter().any(|name| field.shows.starts_with(name)))
        .map(|field| field.field)
        .collect();
    originals.each().any(|(part, leaf, value)| {
        let is_name = names.contains(&format!("{part}/{leaf}"));
        texts.iter().any(|text| words::tells_of(text, value.expose(), is_name))
    })
}

/// Refuses a text that repeats a value. It is written down: who asks often enough would learn values by it.
fn repeated(admin: &Admin, caller: &Caller, environment: &str, object: &str) -> Response {
    let reason = "the words given repeat a value of a record";
    let done = Done { action: "refused_access", environment, object, reason, ..Done::default() };
    let detail =
        "A value of the record stands in the reason, the ticket or the note: name a ticket, not the person.";
    match caller.was_refused(admin, &done) {
        Ok(()) => problem(StatusCode::BAD_REQUEST, "reason_holds_phi", detail),
        Err(answer) => answer,
    }
}

/// Writes down that it is asked for, and delivers the notice: both before anything opens.
// As above.
#[allow(clippy::result_large_err)]
fn tell(
    admin: &Admin,
    caller: &Caller,
    settings: &BreakGlass,
    id: &str,
    wish: &GlassWish,
) -> Result<(), Response> {
    let reason = format!("{} {}", wish.ticket, wish.reason);
    let done = |action| Done {
        action,
        environment: &wish.environment,
        object: id,
        reason: &reason,
        ..Done::default()
    };
    caller.did(admin, &done("break_glass"))?;
    let notice = json!({
        "event": "break_glass", "id": id, "environment": wish.environment, "member": wish.name, "role": wish.role,
        "records": wish.records, "reason": wish.reason, "ticket": wish.ticket, "minutes": wish.minutes,
        "reveals": wish.reveals_max,
    });
    if deliver(settings, &notice) {
        return Ok(());
    }
    tracing::error!("A break-glass didn't open: its notice can't be delivered.");
    caller.was_refused(admin, &done("break_glass_not_opened"))?;
    let detail = "The notice to owners and security can't be delivered: nothing was opened.";
    Err(problem(StatusCode::SERVICE_UNAVAILABLE, "notice", detail))
}

/// Whether whoever stands behind the webhook took the notice.
fn deliver(settings: &BreakGlass, notice: &Value) -> bool {
    let mut request = Request::new(Bytes::from(notice.to_string()));
    *request.method_mut() = Method::POST;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(secret) = &settings.authorization {
        let Ok(value) = secret.header() else { return false };
        headers.insert(header::AUTHORIZATION, value);
    }
    settings.webhook.ask_and_wait(request).is_some_and(|(status, _)| status.is_success())
}

/// One that the caller may see: the same answer for what isn't there.
// As above.
#[allow(clippy::result_large_err)]
fn glass(admin: &Admin, caller: &Caller, id: &str) -> Result<Glass, Response> {
    settle_all(admin)?;
    let found = admin.control.glass(id).map_err(answers::broken)?;
    found.filter(|glass| sees(caller, glass)).ok_or_else(|| caller.nothing(admin, "break-glass"))
}

fn sees(caller: &Caller, glass: &Glass) -> bool {
    caller.principal.may(Permission::ReviewReveals, &glass.wish.environment).is_some()
        || caller.principal.member.as_deref() == Some(&*glass.wish.member)
}

/// Ends what is over, and has fail what never opened: whoever asks next sees it so.
// As above.
#[allow(clippy::result_large_err)]
fn settle_all(admin: &Admin) -> Result<(), Response> {
    let now = super::now();
    admin.control.fail_stuck_glass(now, OPENING_SECONDS_MAX).map_err(answers::broken)?;
    let all = admin.control.glasses().map_err(answers::broken)?;
    for glass in all.iter().filter(|glass| glass.state == GlassState::Open) {
        if admin.originals.is_over(glass, now) {
            let ended = admin.control.move_glass(&glass.id, GlassState::Open, GlassState::Ended, now);
            ended.map_err(answers::broken)?;
        }
    }
    Ok(())
}

// As above.
#[allow(clippy::result_large_err)]
fn did(admin: &Admin, caller: &Caller, action: &str, glass: &Glass, object: &str) -> Result<(), Response> {
    let reason = format!("{} {}", glass.id, glass.wish.ticket);
    let environment = &glass.wish.environment;
    caller.did(admin, &Done { action, environment, object, reason: &reason, ..Done::default() })
}

fn shown(glass: &Glass) -> Value {
    let time = |at: i64| crate::clock::rfc3339(u64::try_from(at).unwrap_or(0) * 1000);
    let wish = &glass.wish;
    let review = glass.review.as_ref().map(
        |review| json!({"by": review.by, "outcome": review.outcome, "note": review.note, "at": time(review.at)}),
    );
    json!({
        "id": glass.id, "environment": wish.environment, "member": wish.name, "role": wish.role, "records": wish.records,
        "reason": wish.reason, "ticket": wish.ticket, "state": glass.state.as_str(), "opened": time(glass.opened),
        "ends": time(glass.ends), "reveals": glass.reveals, "reveals_max": wish.reveals_max, "review": review,
    })
}

fn not_open() -> Response {
    problem(StatusCode::CONFLICT, "not_open", "It isn't open, or not any more.")
}

/// What is shown in the place of names.
const NAMES: [&str; 5] = ["[full-name", "[family-name", "[given-name", "[mother-maiden-name", "[relative"];
const MINUTES: u32 = 15;
const MINUTES_MAX: u32 = 60;
const RECORDS_MAX: usize = 20;
/// Longer than any notice takes: what opens for longer is stuck.
const OPENING_SECONDS_MAX: i64 = 60;
/// How long whoever turned sealing on can't reveal.
const SEALING_DAYS: i64 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn glass(opened: i64, ends: i64) -> Glass {
        let wish = GlassWish {
            environment: "production".to_owned(),
            member: "mb_1".to_owned(),
            name: "ann".to_owned(),
            role: "support".to_owned(),
            records: Vec::new(),
            reason: String::new(),
            ticket: String::new(),
            minutes: 15,
            reveals_max: 1,
        };
        Glass { id: "bg_1".to_owned(), wish, state: GlassState::Open, opened, ends, reveals: 0, review: None }
    }

    #[test]
    fn it_ends_by_itself_whatever_is_done_to_the_clock() {
        let originals = Originals::new(None, None);
        assert!(originals.is_over(&glass(100, 1000), 500), "of a process before this one");
        originals.open_for("bg_1", 15);
        assert!(!originals.is_over(&glass(100, 1000), 500));
        assert!(originals.is_over(&glass(100, 1000), 1000), "its time is over");
        assert!(originals.is_over(&glass(100, 1000), 99), "set back behind its beginning");
        originals.open_for("bg_1", 0);
        assert!(originals.is_over(&glass(100, 1000), 500), "time went by, and the clock was set back");
    }
}
