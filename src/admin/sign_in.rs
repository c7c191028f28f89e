//! Sign-in of people: from the command line to the provider and back, in the browser of whoever sits there (RFC 8252).
//!
//! The command shows a word, sends the browser here with the challenge of a secret of its own, and waits on a port of this
//! machine. The provider's answer is tied to the browser by a cookie; the person sees the word again before the command gets
//! a code, which is good for it alone. What the person is here, groups say: roles of environments that groups are mapped to
//! are given and taken at each sign-in.

use super::Admin;
use super::answers::{self, Answer, bad, problem};
use super::object::Object;
use super::strangers;
use crate::audit::Event;
use crate::config::sign_in::SignIn;
use crate::org::OrgRole;
use crate::sign_in::{Attempt, Person, Provider, SignInError, challenge, word};
use crate::store::MemberRow;
use crate::store::sign_ins::SigningIn;
use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::extract::{Form, Query as Params, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The provider, and who is on the way. All of it is forgotten at a new start.
pub struct SignIns {
    provider: Arc<Provider>,
    begun: Waiting<Begun>,
    known: Waiting<Known>,
    granted: Waiting<Granted>,
}

/// Sent to the provider.
struct Begun {
    attempt: Attempt,
    back: Back,
}

/// Came back from it, and is asked whether that is meant.
struct Known {
    person: Person,
    back: Back,
}

/// Said so.
struct Granted {
    person: Person,
    challenge: String,
}

/// To whom the answer goes: this browser, that command.
struct Back {
    cookie: String,
    challenge: String,
    port: u16,
}

/// Things that wait for a while, by a random name; each is taken once.
struct Waiting<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Waiting<T> {
    fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    /// Where there is no room, the oldest goes: many that were begun by nobody who goes on keep nobody out.
    fn put(&self, name: String, value: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| at.elapsed() < WAIT);
        if all.len() >= WAITING_MAX {
            let oldest = all.iter().min_by_key(|(_, (at, _))| *at).map(|(name, _)| name.clone());
            oldest.and_then(|name| all.remove(&name));
        }
        all.insert(name, (Instant::now(), value));
    }

    fn take(&self, name: &str) -> Option<T> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        found.filter(|(at, _)| at.elapsed() < WAIT).map(|(_, value)| value)
    }
}

impl SignIns {
    /// With a provider.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        let provider = Arc::new(provider);
        Self { provider, begun: Waiting::new(), known: Waiting::new(), granted: Waiting::new() }
    }
}

/// What a command sends the browser with.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct BeginParams {
    /// The S256 challenge of the command's secret (RFC 7636).
    challenge: String,
    /// The port of this machine where it waits.
    port: u16,
}

/// What the provider sends the browser back with.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct CallbackParams {
    /// Of the attempt.
    state: String,
    /// To be exchanged; absent where the provider refused.
    code: Option<String>,
}

/// The answer to the question whether this is meant.
#[derive(Deserialize, utoipa::ToSchema)]
pub(super) struct ConfirmForm {
    /// As the page has it.
    id: String,
}

/// What the command got, and its secret.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    /// As the browser brought it.
    code: String,
    /// The secret whose challenge it began with.
    verifier: String,
}

/// Sends the browser to the provider.
#[utoipa::path(get, path = "/v1/sign-in", params(BeginParams), tag = "sign-in",
    responses((status = 303, description = "To the provider"), (status = 400, description = "Not what is wanted"), (status = 404, description = "No provider is configured"), (status = 403, description = "Another site asks for it"), (status = 503, description = "The provider can't be reached")))]
pub(super) async fn begin(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    params: Result<Params<BeginParams>, QueryRejection>,
) -> Answer {
    let sign_ins = configured(&admin)?;
    if headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(problem(StatusCode::FORBIDDEN, "wrong_origin", "Open the command's address yourself."));
    }
    let Params(params) = params
        .map_err(|_| problem(StatusCode::BAD_REQUEST, "bad_query", "Wanted: challenge (S256), port."))?;
    let is_challenge = params.challenge.len() == 43
        && params.challenge.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if !is_challenge || params.port < 1024 {
        return Err(problem(
            StatusCode::BAD_REQUEST,
            "bad_query",
            "Wanted: challenge (S256), port from 1024 on.",
        ));
    }
    let attempt = Attempt::new().map_err(|_| answers::fault(NO_RANDOM))?;
    let (provider, state) = (sign_ins.provider.clone(), attempt.state.clone());
    let begun = tokio::task::spawn_blocking(move || {
        let url = provider.begin(&attempt);
        url.map(|url| (url, attempt))
    });
    let (url, attempt) = begun.await.map_err(answers::ended)?.map_err(|e| not_now(&e))?;
    let cookie = random()?;
    let set = format!("{COOKIE}={cookie}; Path=/v1/sign-in; HttpOnly; SameSite=Lax; Max-Age=600");
    let back = Back { cookie, challenge: params.challenge, port: params.port };
    sign_ins.begun.put(state, Begun { attempt, back });
    let location = HeaderValue::try_from(url).map_err(|_| answers::fault(NO_HEADER))?;
    let set = HeaderValue::try_from(set).map_err(|_| answers::fault(NO_HEADER))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::SET_COOKIE, set)]).into_response())
}

/// Takes the provider's answer, and asks the person whether it is meant.
#[utoipa::path(get, path = "/v1/sign-in/callback", params(CallbackParams), tag = "sign-in",
    responses((status = 200, description = "A page that asks", content_type = "text/html"), (status = 400, description = "Not what is wanted"), (status = 403, description = "Nobody signed in"), (status = 404, description = "No provider is configured"),
              (status = 503, description = "The provider can't be reached")))]
pub(super) async fn callback(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    params: Result<Params<CallbackParams>, QueryRejection>,
) -> Answer {
    let sign_ins = configured(&admin)?;
    let Params(params) =
        params.map_err(|_| problem(StatusCode::BAD_REQUEST, "bad_query", "Wanted: state, code."))?;
    let begun = sign_ins.begun.take(&params.state).filter(|begun| is_of(&headers, &begun.back));
    let Some(Begun { attempt, back }) = begun else { return Err(stranger()) };
    let Some(code) = params.code else {
        failed(&admin, "the provider refused")?;
        return Err(problem(StatusCode::FORBIDDEN, "refused", "The provider refused the sign-in."));
    };
    let provider = sign_ins.provider.clone();
    let finished = tokio::task::spawn_blocking(move || provider.finish(&attempt, &code));
    let person = match finished.await.map_err(answers::ended)? {
        Ok(person) => person,
        Err(error @ SignInError::Provider(_)) => return Err(not_now(&error)),
        Err(error) => {
            let told = error.to_string();
            failed(&admin, &told)?;
            return Err(problem(StatusCode::FORBIDDEN, "not_signed_in", &told));
        }
    };
    let id = random()?;
    let page = page(&person.name, &word(&back.challenge), &id);
    sign_ins.known.put(id, Known { person, back });
    let safe = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // With `no-referrer` browsers would send the form with `Origin: null`, which is some other site's.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; form-action 'self' http://127.0.0.1:*",
        ),
    ];
    Ok((safe, page).into_response())
}

/// Sends the browser back to the command, with a code for it.
#[utoipa::path(post, path = "/v1/sign-in/confirm", request_body(content = ConfirmForm, content_type = "application/x-www-form-urlencoded"), tag = "sign-in",
    responses((status = 303, description = "To the command"), (status = 400, description = "Not what is wanted"), (status = 403, description = "Nobody signed in from this browser"), (status = 404, description = "No provider is configured"),
              (status = 503, description = "Too many sign in at once")))]
pub(super) async fn confirm(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    form: Result<Form<ConfirmForm>, FormRejection>,
) -> Answer {
    let sign_ins = configured(&admin)?;
    let Form(form) =
        form.map_err(|_| problem(StatusCode::BAD_REQUEST, "bad_body", "Wanted as a form: id."))?;
    let known = sign_ins.known.take(&form.id).filter(|known| is_of(&headers, &known.back));
    let Some(Known { person, back }) = known else { return Err(stranger()) };
    let code = random()?;
    let location = format!("http://127.0.0.1:{}/?code={code}", back.port);
    sign_ins.granted.put(code, Granted { person, challenge: back.challenge });
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response())
}

/// Gives the command a token of the member that signed in, for as long as the sign-in holds.
#[utoipa::path(post, path = "/v1/sign-in/token", request_body = TokenBody, tag = "sign-in",
    responses((status = 201, description = "The token, this once"), (status = 400, description = "Not what is wanted"), (status = 403, description = "No such code, another's, or no group that gives a role here"), (status = 404, description = "No provider is configured"),
              (status = 409, description = "Another member has that name")))]
pub(super) async fn token(
    State(admin): State<Arc<Admin>>,
    body: Result<Json<Object<TokenBody>>, JsonRejection>,
) -> Answer {
    let sign_ins = configured(&admin)?;
    let Json(Object(body)) = body.map_err(|_| bad("code, verifier"))?;
    let granted = sign_ins.granted.take(&body.code);
    let granted = granted.filter(|granted| granted.challenge == challenge(&body.verifier));
    let Some(Granted { person, .. }) = granted else { return Err(stranger()) };
    let settings = sign_ins.provider.settings();
    let given = given(settings, &person.groups);
    let before = admin.control.signed_in_as(&person.issuer, &person.subject).map_err(answers::broken)?;
    let before = before.map(|id| admin.control.member(&id)).transpose().map_err(answers::broken)?.flatten();
    let now = super::now();
    let signing_in = SigningIn {
        issuer: &person.issuer,
        subject: &person.subject,
        name: &person.name,
        org_role: given.organization.map(OrgRole::as_str),
        roles: &given.roles,
        until: now + i64::from(settings.session_hours) * 3600,
    };
    if !has_group(settings, &person.groups) {
        return Err(no_group(&admin, before.as_ref(), &given, &signing_in));
    }
    let is_taken = || Ok(admin.control.members()?.iter().any(|m| m.name.eq_ignore_ascii_case(&person.name)));
    if before.is_none() && is_taken().map_err(answers::broken)? {
        let wrote = Wrote { decision: "refused", reason: "name taken", ..Wrote::default() };
        written(&admin, &person.name, &wrote)?;
        return Err(name_taken());
    }
    let object = before.as_ref().map_or("", |member| &member.id);
    let begun = Wrote { decision: "allowed", object, ..Wrote::default() };
    let changes = changes(before.as_ref(), &given);
    let wrote: Vec<Wrote<'_>> = [begun].into_iter().chain(changes.iter().map(|c| c.wrote(object))).collect();
    each_written(&admin, &person.name, &wrote)?;
    let id = match admin.control.sign_in(&signing_in, now) {
        Ok(Some(id)) => id,
        // Somebody took the name just now, or nothing could be kept.
        done => {
            each_failed(&admin, &person.name, &wrote)?;
            return Err(done.map_or_else(answers::broken, |_| name_taken()));
        }
    };
    match token_of(&admin, &id, &signing_in, now) {
        Ok(answer) => Ok(answer),
        Err(answer) => {
            // The roles hold; the sign-in came to nothing.
            each_failed(
                &admin,
                &person.name,
                &[Wrote { object: &id, reason: "no token was made", ..begun }],
            )?;
            Err(answer)
        }
    }
}

// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn token_of(admin: &Admin, id: &str, signing_in: &SigningIn<'_>, now: i64) -> Answer {
    let member = admin.control.member(id).map_err(answers::broken)?.ok_or_else(answers::missing)?;
    let until = signing_in.until;
    let (id, token) =
        admin.control.create_member_token(&member, now, Some(until)).map_err(answers::broken)?;
    let expires = crate::clock::rfc3339(u64::try_from(until).unwrap_or(0) * 1000);
    let answer = json!({"id": id, "token": token, "name": member.name, "expires": expires});
    Ok((StatusCode::CREATED, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

/// Ends what earlier sign-ins gave to somebody whom the provider has in no group any more, and refuses this one.
fn no_group(
    admin: &Admin,
    before: Option<&MemberRow>,
    given: &Given,
    signing_in: &SigningIn<'_>,
) -> Response {
    let wrote = Wrote { decision: "refused", reason: "no group", ..Wrote::default() };
    if let Err(answer) = written(admin, signing_in.name, &wrote) {
        return answer;
    }
    if let Some(member) = before
        && let Err(answer) = ended(admin, member, given, signing_in)
    {
        return answer;
    }
    problem(StatusCode::FORBIDDEN, "no_group", "None of your groups gives a role here.")
}

// As above.
#[allow(clippy::result_large_err)]
fn ended(
    admin: &Admin,
    member: &MemberRow,
    given: &Given,
    signing_in: &SigningIn<'_>,
) -> Result<(), Response> {
    let now = super::now();
    let changes = changes(Some(member), given);
    if changes.is_empty() && admin.control.is_signed_out(&member.id, now).map_err(answers::broken)? {
        return Ok(());
    }
    let object = &*member.id;
    let reason = "no group: tokens are revoked";
    let over = Wrote { action: "end_sign_in", decision: "allowed", object, reason, ..Wrote::default() };
    let wrote: Vec<Wrote<'_>> = [over].into_iter().chain(changes.iter().map(|c| c.wrote(object))).collect();
    each_written(admin, signing_in.name, &wrote)?;
    if let Err(error) = admin.control.sign_in(&SigningIn { until: now, ..signing_in.clone() }, now) {
        each_failed(admin, signing_in.name, &wrote)?;
        return Err(answers::broken(error));
    }
    Ok(())
}

fn name_taken() -> Response {
    let detail =
        "A member of that name was made here and is not tied to the provider: rename or remove it first.";
    problem(StatusCode::CONFLICT, "name_taken", detail)
}

/// What groups make of somebody here.
struct Given {
    organization: Option<OrgRole>,
    /// Every environment that some group is mapped to, and the role there: of the first group that gives one.
    roles: Vec<(String, Option<String>)>,
}

/// Whether any of the groups is mapped to something.
fn has_group(settings: &SignIn, groups: &[String]) -> bool {
    settings.groups.iter().any(|group| groups.contains(&group.group))
}

fn given(settings: &SignIn, groups: &[String]) -> Given {
    let is_in = |name: &String| groups.contains(name);
    let mut roles: BTreeMap<&String, Option<String>> = BTreeMap::new();
    for group in &settings.groups {
        let Some((environment, role)) = &group.role else { continue };
        let here = roles.entry(environment).or_default();
        if here.is_none() && is_in(&group.group) {
            *here = Some(role.clone());
        }
    }
    // Where groups say who is an admin, whoever is in none of them is a member.
    let says = settings.groups.iter().any(|group| group.organization.is_some());
    let said =
        settings.groups.iter().filter(|group| is_in(&group.group)).filter_map(|group| group.organization);
    let most = said.min_by_key(|role| OrgRole::ALL.iter().position(|one| one == role));
    Given {
        organization: says.then(|| most.unwrap_or(OrgRole::Member)),
        roles: roles.into_iter().map(|(environment, role)| (environment.clone(), role)).collect(),
    }
}

/// A role that a sign-in gives and takes, in words for the audit.
#[derive(Debug, PartialEq, Eq)]
struct RoleChange {
    /// `None`: in the organization.
    environment: Option<String>,
    change: String,
}

impl RoleChange {
    fn wrote<'w>(&'w self, object: &'w str) -> Wrote<'w> {
        let (action, environment) = match &self.environment {
            Some(environment) => ("set_role", environment.as_str()),
            None => ("set_organization_role", ""),
        };
        Wrote { action, environment, object, decision: "allowed", reason: &self.change }
    }
}

/// All of them.
fn changes(before: Option<&MemberRow>, given: &Given) -> Vec<RoleChange> {
    let had = |environment: &str| {
        let mut roles = before.into_iter().flat_map(|member| &member.roles);
        roles.find(|(name, _)| name == environment).map(|(_, role)| role.as_str())
    };
    let mut out = Vec::new();
    for (environment, role) in &given.roles {
        match (had(environment), role.as_deref()) {
            (old, new) if old == new => {}
            (old, new) => {
                let lost = old.map(|old| format!("-{old}"));
                let gained = new.map(|new| format!("+{new}"));
                let change = [gained, lost].into_iter().flatten().collect::<Vec<_>>().join(" ");
                out.push(RoleChange { environment: Some(environment.clone()), change });
            }
        }
    }
    let of_all = organization_change(before, given);
    out.extend(of_all.map(|change| RoleChange { environment: None, change }));
    out
}

/// The role in the organization that a sign-in gives and takes, in words for the audit. An owner stays one.
fn organization_change(before: Option<&MemberRow>, given: &Given) -> Option<String> {
    let role = given.organization?.as_str();
    let had = before.map(|member| member.org_role.as_str());
    let is_new = !matches!(had, Some(had) if had == role || had == OrgRole::Owner.as_str());
    is_new.then(|| {
        [format!("+{role}")].into_iter().chain(had.map(|had| format!("-{had}"))).collect::<Vec<_>>().join(" ")
    })
}

#[derive(Clone, Copy, Default)]
struct Wrote<'w> {
    action: &'w str,
    environment: &'w str,
    object: &'w str,
    decision: &'w str,
    reason: &'w str,
}

// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
fn written(admin: &Admin, who: &str, wrote: &Wrote<'_>) -> Result<(), Response> {
    let event = Event {
        time: crate::clock::rfc3339(crate::clock::unix_ms()),
        principal: who,
        action: if wrote.action.is_empty() { "sign_in" } else { wrote.action },
        environment: wrote.environment,
        object: wrote.object,
        decision: wrote.decision,
        reason: wrote.reason,
        // Of one that isn't refused the object is the member.
        member: if wrote.decision == "refused" { "" } else { wrote.object },
        ..Event::default()
    };
    admin.audit.write(&event).map_err(|_| {
        problem(StatusCode::SERVICE_UNAVAILABLE, "audit", "This can't be audited now, and isn't answered.")
    })
}

// As above.
#[allow(clippy::result_large_err)]
fn each_written(admin: &Admin, who: &str, all: &[Wrote<'_>]) -> Result<(), Response> {
    all.iter().try_for_each(|wrote| written(admin, who, wrote))
}

/// Of what was written down as allowed, that it isn't done after all.
// As above.
#[allow(clippy::result_large_err)]
fn each_failed(admin: &Admin, who: &str, all: &[Wrote<'_>]) -> Result<(), Response> {
    all.iter().try_for_each(|wrote| written(admin, who, &Wrote { decision: "failed", ..*wrote }))
}

/// Written down as often as requests without a token are: whoever may ask begins as many as they like.
// As above.
#[allow(clippy::result_large_err)]
fn failed(admin: &Admin, why: &str) -> Result<(), Response> {
    let Some(untold) = admin.strangers.take(Instant::now()) else { return Ok(()) };
    let why = &*strangers::reason(why, untold);
    tracing::warn!(why, "A sign-in failed.");
    written(admin, "nobody", &Wrote { decision: "refused", reason: why, ..Wrote::default() })
}

// As above.
#[allow(clippy::result_large_err)]
fn configured(admin: &Admin) -> Result<&SignIns, Response> {
    let detail = "No provider is configured: [sign_in]. Members use tokens.";
    admin.sign_in.as_ref().ok_or_else(|| problem(StatusCode::NOT_FOUND, "not_configured", detail))
}

/// Whether the browser is the one that began.
fn is_of(headers: &HeaderMap, back: &Back) -> bool {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|v| v.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.any(|(name, value)| name == COOKIE && value == back.cookie)
}

fn stranger() -> Response {
    let detail =
        "This belongs to no sign-in of this browser and command, or to one that is over: begin again.";
    problem(StatusCode::FORBIDDEN, "no_sign_in", detail)
}

fn not_now(error: &SignInError) -> Response {
    tracing::error!(error = %error, "Nobody can sign in.");
    problem(StatusCode::SERVICE_UNAVAILABLE, "provider", &error.to_string())
}

// As above.
#[allow(clippy::result_large_err)]
fn random() -> Result<String, Response> {
    crate::secrets::random().map(|bytes| crate::secrets::hex(&bytes)).map_err(|_| answers::fault(NO_RANDOM))
}

/// Names and words are of letters, digits and `-_.@`: nothing to be escaped.
fn page(name: &str, word: &str, id: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>phigate: sign in</title>\
         <h1>Sign in as {name}?</h1>\
         <p>A command on this machine asks to act as you. It shows the word <strong>{word}</strong>.</p>\
         <p>Go on only if you started it just now, and it shows the same word.</p>\
         <form method=\"post\" action=\"/v1/sign-in/confirm\"><input type=\"hidden\" name=\"id\" value=\"{id}\">\
         <button type=\"submit\">Go on</button></form></html>"
    )
}

const NO_RANDOM: &str = "the system gives no random bytes";
const NO_HEADER: &str = "an answer does not fit into a header";
const COOKIE: &str = "phigate-sign-in";
/// How long somebody may take for each step.
const WAIT: Duration = Duration::from_secs(600);
/// People at one step at once.
const WAITING_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::sign_in::Group;
    use std::path::PathBuf;

    fn settings() -> SignIn {
        let group = |group: &str, role: Option<(&str, &str)>, organization| Group {
            group: group.to_owned(),
            role: role.map(|(environment, role)| (environment.to_owned(), role.to_owned())),
            organization,
        };
        SignIn {
            issuer: String::new(),
            ca: PathBuf::new(),
            client_id: String::new(),
            client_secret: None,
            redirect: None,
            scopes: Vec::new(),
            name_claim: String::new(),
            groups_claim: String::new(),
            session_hours: 8,
            groups: vec![
                group("support", Some(("production", "support")), None),
                group("staff", Some(("production", "viewer")), None),
                group("staff", Some(("staging", "viewer")), None),
                group("leads", None, Some(OrgRole::Admin)),
            ],
        }
    }

    #[test]
    fn groups_give_the_first_role_of_each_environment_and_take_what_they_dont_give() {
        let of_all = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|g| (*g).to_owned()).collect();
            given(&settings(), &groups)
        };
        let of = |groups: &[&str]| (of_all(groups).organization, of_all(groups).roles);
        let roles = |production: Option<&str>, staging: Option<&str>| {
            let role = |name: &str, role: Option<&str>| (name.to_owned(), role.map(str::to_owned));
            vec![role("production", production), role("staging", staging)]
        };
        let member = Some(OrgRole::Member);
        assert_eq!(of(&["staff", "support"]), (member, roles(Some("support"), Some("viewer"))));
        assert_eq!(of(&["staff"]), (member, roles(Some("viewer"), Some("viewer"))));
        assert_eq!(of(&["leads"]), (Some(OrgRole::Admin), roles(None, None)));
        assert_eq!(of(&["others"]), (member, roles(None, None)));
        let is_any = |group: &str| has_group(&settings(), &[group.to_owned()]);
        assert!(is_any("leads") && !is_any("others"));
        let ann = MemberRow {
            id: "mb_1".into(),
            name: "ann".into(),
            org_role: "member".into(),
            roles: vec![("production".into(), "support".into()), ("own".into(), "viewer".into())],
            created: 0,
            version: 1,
        };
        let given = given(&settings(), &["staff".to_owned()]);
        let change = |environment: &str, change: &str| RoleChange {
            environment: Some(environment.to_owned()),
            change: change.to_owned(),
        };
        let told = changes(Some(&ann), &given);
        assert_eq!(told, [change("production", "+viewer -support"), change("staging", "+viewer")]);
        let organization = |had: Option<&str>, groups: &[&str]| {
            let had = had.map(|role| MemberRow { org_role: role.to_owned(), ..ann.clone() });
            organization_change(had.as_ref(), &of_all(groups))
        };
        for (had, groups, told) in [
            (Some("member"), ["leads"], Some("+admin -member")),
            (Some("admin"), ["staff"], Some("+member -admin")),
            (Some("admin"), ["leads"], None),
            (Some("owner"), ["staff"], None),
            (None, ["leads"], Some("+admin")),
        ] {
            assert_eq!(organization(had, &groups).as_deref(), told, "{had:?} {groups:?}");
        }
    }

    #[test]
    fn what_waits_is_taken_once() {
        let waiting = Waiting::new();
        waiting.put("a".to_owned(), 1);
        assert_eq!((waiting.take("b"), waiting.take("a"), waiting.take("a")), (None, Some(1), None));
        (0..WAITING_MAX).for_each(|n| waiting.put(n.to_string(), n));
        waiting.put("more".to_owned(), 7);
        assert_eq!((waiting.take("0"), waiting.take("1"), waiting.take("more")), (None, Some(1), Some(7)));
    }
}
