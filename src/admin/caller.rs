//! Who asks: a token to a [`Principal`], and the audit of what was answered and refused.

use super::Admin;
use super::answers::{self, problem};
use super::strangers;
use crate::audit::{Audit, Event};
use crate::org::{Flag, Grant, OrgRole, Permission, Principal, Role};
use crate::store::ReadScope;
use crate::store::tokens::Known;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Somebody known.
pub(super) struct Caller {
    pub(super) principal: Principal,
    /// Names this request in the audit and in the answer.
    pub(super) request_id: String,
    written: Arc<Written>,
}

/// What a request wrote down as allowed last, which may still fail; how to write down that it did.
#[derive(Default)]
pub(super) struct Written(Mutex<Option<Failing>>);

type Failing = Box<dyn FnOnce() -> Result<(), Response> + Send>;

/// What is allowed is written down before it is done. Of what then isn't, a second event of the same request says so.
pub(super) async fn tells_what_failed(mut request: Request, next: Next) -> Response {
    let written = Arc::new(Written::default());
    request.extensions_mut().insert(written.clone());
    let answer = next.run(request).await;
    let is_done = !answer.status().is_client_error() && !answer.status().is_server_error();
    let Some(tell) = written.take().filter(|_| !is_done) else { return answer };
    match tell() {
        Ok(()) => answer,
        Err(unwritten) => unwritten,
    }
}

impl Written {
    fn take(&self) -> Option<Failing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, failing: Option<Failing>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failing;
    }
}

impl FromRequestParts<Arc<Admin>> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, admin: &Arc<Admin>) -> Result<Self, Response> {
        let written = parts.extensions.get::<Arc<Written>>().cloned().unwrap_or_default();
        Ok(Self { principal: principal(admin, &parts.headers)?, request_id: crate::clock::new_id(), written })
    }
}

/// The same caller once more: roles are those of now.
// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
pub(super) fn again(admin: &Admin, headers: &HeaderMap) -> Result<Caller, Response> {
    let (principal, request_id) = (principal(admin, headers)?, crate::clock::new_id());
    Ok(Caller { principal, request_id, written: Arc::default() })
}

/// One thing that was done, for the audit.
#[derive(Clone, Copy, Default)]
pub(super) struct Done<'d> {
    pub(super) action: &'d str,
    pub(super) environment: &'d str,
    pub(super) object: &'d str,
    pub(super) view: &'d str,
    pub(super) reason: &'d str,
    pub(super) rule_set: &'d str,
}

// An error here is an answer, made once and sent.
#[allow(clippy::result_large_err)]
impl Caller {
    /// Writes down what is about to be answered; where that can't be, it isn't answered.
    pub(super) fn did(&self, admin: &Admin, done: &Done<'_>) -> Result<(), Response> {
        self.write(&admin.audit, done, "allowed")?;
        let (audit, principal, request_id) =
            (admin.audit.clone(), self.principal.clone(), self.request_id.clone());
        let Done { action, environment, object, view, reason, rule_set } = *done;
        let told = [action, environment, object, view, reason, rule_set].map(str::to_owned);
        self.written.set(Some(Box::new(move || {
            let [action, environment, object, view, reason, rule_set] = told.each_ref().map(String::as_str);
            let done = Done { action, environment, object, view, reason, rule_set };
            Self { principal, request_id, written: Arc::default() }.write(&audit, &done, "failed")
        })));
        Ok(())
    }

    /// Writes down what was asked for and isn't done.
    pub(super) fn was_refused(&self, admin: &Admin, done: &Done<'_>) -> Result<(), Response> {
        self.written.set(None); // this tells it
        self.write(&admin.audit, done, "refused")
    }

    /// Writes down that something was refused, and refuses it.
    pub(super) fn refused(&self, admin: &Admin, what: &str, environment: &str) -> Response {
        self.refused_since(admin, what, environment, "Your roles don't allow this.")
    }

    /// The same with what would be allowed instead.
    pub(super) fn refused_since(
        &self,
        admin: &Admin,
        what: &str,
        environment: &str,
        detail: &str,
    ) -> Response {
        let known = self.principal.role_in(environment);
        // A name that isn't one of the caller's environments is what the caller wrote: not repeated.
        let environment = if known.is_empty() { "" } else { environment };
        let done = Done { action: "refused_access", environment, object: what, ..Done::default() };
        match self.was_refused(admin, &done) {
            Ok(()) => problem(StatusCode::FORBIDDEN, "forbidden", detail),
            Err(answer) => answer,
        }
    }

    /// The same of an approval of one's own, with who it takes instead.
    pub(super) fn refused_as_own(&self, admin: &Admin, environment: &str) -> Response {
        let (object, detail) = match self.principal.member {
            Some(_) => (
                "approval of one's own",
                "Somebody else has to approve this: a member who didn't ask for it, knows no token of who did, and whose token they don't know.",
            ),
            None => (
                "approval by no member",
                "Only members approve, and this token is no member's: `phigate org add` makes one, whose own tokens do.",
            ),
        };
        let done = Done { action: "refused_access", environment, object, ..Done::default() };
        match self.was_refused(admin, &done) {
            Ok(()) => problem(StatusCode::FORBIDDEN, "forbidden", detail),
            Err(answer) => answer,
        }
    }

    /// The one answer for a record that isn't there and for one that the caller may not see.
    pub(super) fn nothing(&self, admin: &Admin, what: &str) -> Response {
        let done = Done { action: "refused_access", object: what, ..Done::default() };
        match self.was_refused(admin, &done) {
            Ok(()) => problem(StatusCode::NOT_FOUND, "not_found", "There is nothing here."),
            Err(answer) => answer,
        }
    }

    /// Where the caller has a permission; refused where that is nowhere.
    pub(super) fn somewhere(&self, admin: &Admin, what: Permission) -> Result<ReadScope, Response> {
        let environments = self.principal.where_may(what);
        if environments.is_empty() {
            return Err(self.refused(admin, what.as_str(), ""));
        }
        Ok(ReadScope { environments })
    }

    /// What the caller has in an environment; refused where that doesn't give the permission.
    pub(super) fn here(
        &self,
        admin: &Admin,
        what: Permission,
        environment: &str,
    ) -> Result<(&Grant, &Role, Flag), Response> {
        let found = self.principal.may(what, environment).zip(self.principal.flag(environment));
        match found {
            Some(((grant, role), flag)) => Ok((grant, role, flag)),
            None => Err(self.refused(admin, what.as_str(), environment)),
        }
    }

    /// Whether the caller is a member, and another one than who asked for it: nobody approves their own. Neither may know a
    /// token of the other: who made one may have been both.
    pub(super) fn is_second(&self, admin: &Admin, (member, by): (&str, &str)) -> Result<bool, Response> {
        let another = self.principal.member.as_deref().filter(|own| *own != member);
        let Some(own) = another.filter(|_| self.principal.name != by) else { return Ok(false) };
        let tokens = admin.control.tokens().map_err(answers::broken)?;
        let is_both = tokens.iter().any(|token| {
            token.id == self.principal.token && token.known.is_to(member)
                || token.member.as_deref() == Some(member) && token.known.is_to(own)
        });
        Ok(!is_both)
    }

    /// Who else knows the token that is asked with.
    pub(super) fn known(&self, admin: &Admin) -> Result<Known, Response> {
        let own = admin.control.token(&self.principal.token).map_err(answers::broken)?;
        Ok(own.map(|token| token.known).unwrap_or_default())
    }

    /// Refused unless the caller manages members.
    pub(super) fn manages(&self, admin: &Admin) -> Result<(), Response> {
        match self.principal.org.manages_members() {
            true => Ok(()),
            false => Err(self.refused(admin, "members", "")),
        }
    }

    fn write(&self, audit: &Audit, done: &Done<'_>, decision: &str) -> Result<(), Response> {
        let role = match self.principal.role_in(done.environment) {
            "" => self.principal.org.as_str(),
            role => role,
        };
        let event = Event {
            time: crate::clock::rfc3339(crate::clock::unix_ms()),
            principal: &self.principal.name,
            action: done.action,
            environment: done.environment,
            role,
            object: done.object,
            view: done.view,
            decision,
            reason: done.reason,
            rule_set: done.rule_set,
            request_id: &self.request_id,
            member: self.principal.member.as_deref().unwrap_or_default(),
            token: &self.principal.token,
        };
        audit.write(&event).map_err(|error| {
            tracing::error!(error = %error, "A request of the admin side is refused: the audit can't be written.");
            problem(StatusCode::SERVICE_UNAVAILABLE, "audit", "This can't be audited now, and isn't answered.")
        })
    }
}

// As above.
#[allow(clippy::result_large_err)]
fn principal(admin: &Admin, headers: &HeaderMap) -> Result<Principal, Response> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.strip_prefix("Bearer "))
        .unwrap_or_default();
    let token = token.trim();
    let row = admin.control.reader(token, super::now()).map_err(answers::broken)?;
    let Some(row) = row else {
        stranger(admin, token);
        return Err(unauthorised());
    };
    let (known, roles) = ((admin.environments)(), (admin.roles)());
    let roles = row
        .roles
        .iter()
        .filter_map(|(name, role)| {
            let flag = known.iter().find(|(n, _)| n == name)?.1;
            if row.known.below_production && flag == Flag::Production {
                return None;
            }
            Some((name.clone(), flag, roles.get(role)?.clone()))
        })
        .collect();
    Ok(Principal {
        name: row.name,
        member: row.member,
        token: row.id,
        org: row.org_role.as_deref().and_then(OrgRole::of).unwrap_or(OrgRole::Member),
        roles,
    })
}

/// Writes down that somebody asked without a token that holds. Where that can't be, they are refused all the same.
fn stranger(admin: &Admin, token: &str) {
    let Some(untold) = admin.strangers.take(Instant::now()) else { return };
    // The id of a token that there is or was, and nothing else of what was sent.
    let id = token.split('_').nth(1).unwrap_or_default();
    let known = admin.control.token(id).ok().flatten().map(|row| row.id);
    let why = if token.is_empty() { "no token" } else { "no token that holds" };
    let reason = strangers::reason(why, untold);
    tracing::warn!(reason, "A request of the admin side is refused: it has no token that holds.");
    let event = Event {
        time: crate::clock::rfc3339(crate::clock::unix_ms()),
        principal: "nobody",
        action: "refused_access",
        object: known.as_deref().unwrap_or("token"),
        decision: "refused",
        reason: &reason,
        ..Event::default()
    };
    if let Err(error) = admin.audit.write(&event) {
        tracing::error!(error = %error, "A request without a token that holds can't be written down in the audit.");
    }
}

fn unauthorised() -> Response {
    let detail = "A reader's token is needed: Authorization: Bearer.";
    let mut answer = problem(StatusCode::UNAUTHORIZED, "unauthorized", detail);
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    answer
}
