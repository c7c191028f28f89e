//! Judging an upstream's reply: by the same policy as a request, since a lower environment's application that reads from
//! a production server brings real people in by its replies.

use super::{Mode, Refusal, verdict};
use crate::forward::UpstreamBody;
use crate::inspect::Findings;
use crate::listen::ReplyBody;
use crate::payload::Payload;
use crate::reason::Reason;
use crate::resolve::Route;
use http::{HeaderMap, response};

/// Proof that a reply may go back to its caller, with the very bytes that were judged: [`judged_reply`] and
/// [`streamed_reply`] alone make one.
///
/// ```compile_fail
/// let reply = phigate::decide::ClearedReply { head: unreachable!(), body: unreachable!(), would_refuse: None }; // private fields
/// ```
pub struct ClearedReply {
    head: response::Parts,
    body: ReplyBody,
    would_refuse: Option<Reason>,
}

impl ClearedReply {
    /// The head and the body.
    #[must_use]
    pub fn into_parts(self) -> (response::Parts, ReplyBody) {
        (self.head, self.body)
    }

    /// What shadow mode would have withheld it for.
    #[must_use]
    pub const fn would_refuse(&self) -> Option<Reason> {
        self.would_refuse
    }
}

/// Judges a reply that was held whole. `request` is what was found in its request.
///
/// # Errors
/// A refusal, where the environment's mode is to enforce.
pub fn judged_reply(
    head: response::Parts,
    held: (Payload, Option<HeaderMap>),
    findings: &Findings,
    request: Option<&Findings>,
    route: &Route,
) -> Result<ClearedReply, Box<Refusal>> {
    let (policy, opaque) = (&route.environment.policy, &route.connection.opaque);
    let verdict = verdict(findings, policy, opaque);
    match (verdict.reason, policy.mode) {
        (Some(reason), Mode::Enforce) => {
            Err(Box::new(Refusal::withheld(reason, findings, request, policy, opaque)))
        }
        _ => {
            let would_refuse = verdict.with_shadow;
            Ok(ClearedReply { head, body: ReplyBody::held(held.0, held.1), would_refuse })
        }
    }
}

/// Lets a connection switch to another protocol: in production, in an environment whose mode is off, or where its
/// connection lists the protocol as opaque. The heads of both sides were judged as others are.
///
/// # Errors
/// A reply that doesn't switch is a bug of the caller, and is refused as one.
pub fn switched_reply(
    head: response::Parts,
    body: UpstreamBody,
    protocol: &str,
    route: &Route,
) -> Result<ClearedReply, Box<Refusal>> {
    if !may_switch(protocol, route) {
        return Err(Box::new(Refusal::plain(Reason::UpgradeRefused)));
    }
    let tunnel = body.into_tunnel().ok_or_else(|| Box::new(Refusal::plain(Reason::Internal)))?;
    Ok(ClearedReply { head, body: ReplyBody::tunnel(tunnel), would_refuse: None })
}

/// Whether the bytes of a protocol may go both ways unread on this route. A version behind a slash is not asked.
#[must_use]
pub fn may_switch(protocol: &str, route: &Route) -> bool {
    let name = protocol.split('/').next().unwrap_or_default();
    !route.environment.policy.holds()
        || route.connection.opaque.iter().any(|opaque| opaque.eq_ignore_ascii_case(name))
}

/// Lets a reply stream: production, an environment whose mode is off, or a stream that its connection lists as opaque
/// (whose head was judged).
///
/// # Errors
/// A reply that has to be held is a bug of the caller, and is refused as one.
pub fn streamed_reply(
    head: response::Parts,
    body: UpstreamBody,
    is_opaque: bool,
    route: &Route,
) -> Result<ClearedReply, Box<Refusal>> {
    if route.environment.policy.holds() && !is_opaque {
        return Err(Box::new(Refusal::plain(Reason::Internal)));
    }
    Ok(ClearedReply { head, body: body.into_reply(), would_refuse: None })
}
