//! Decide: whether a message may go on, given what was found in it.
//!
//! - Takes: [`Findings`], and the [`Policy`] of the route's environment.
//! - Gives: [`Cleared`], the very bytes that were judged with their route; or a [`Refusal`] with rule and place.
//! - In doubt: refuses, unless the environment is production.
//! - Cost: no I/O; linear in findings.

mod ack;
mod dialect;
mod graphql;
pub mod grpc;
mod refusal;
mod reply;
mod soap;
mod thresholds;

pub use dialect::{Dialect, Spoken};
pub use refusal::{Refusal, Side, Spot, render};
pub use reply::{ClearedReply, judged_reply, may_switch, streamed_reply, switched_reply};
pub use soap::Soap;
pub use thresholds::Thresholds;

use crate::forward::OutBody;
use crate::inspect::Findings;
use crate::inspect::finding::{Counted, Person};
pub use crate::inspect::rules::Mode;
use crate::inspect::walk::Declared;
use crate::org::Flag;
use crate::reason::Reason;
use crate::resolve::Route;
use std::sync::Arc;

/// What an environment does with findings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What the environment is for.
    pub flag: Flag,
    /// Whether to act.
    pub mode: Mode,
    /// A person with this many points is refused. Default 90.
    pub block: u16,
    /// A person with this many points is reported. Default 50.
    pub report: u16,
    /// A person with this many points is identified. Default 50.
    pub identified: u16,
    /// Whether an identified person with clinical content is refused under `block`, too. Default true.
    pub clinical: bool,
    /// More identified people than this are refused. Default 10.
    pub bulk_people_max: usize,
    /// More opaque patient ids with clinical content than this are refused. Default 25.
    pub bulk_ids_max: usize,
    /// What happens to what can't be read.
    pub uninspected: OnUninspected,
    /// What happens where a declaration disagrees with the environment.
    pub declared_mode: OnDeclared,
    /// What happens to a reply that links past the gateway.
    pub off_path_url: OnOffPath,
}

/// What happens to what can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUninspected {
    /// Refused. The default of development and staging.
    Refuse,
    /// Passed and counted. Always so in production.
    Pass,
}

/// What happens where a declaration disagrees with the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDeclared {
    /// Counted and reported. The default.
    Report,
    /// Refused.
    Refuse,
}

/// What happens to a reply that links past the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnOffPath {
    /// Withheld. The default of development and staging.
    Refuse,
    /// Passed and counted. Always so in production.
    Pass,
}

impl Policy {
    /// The built-in policy of an environment's flag.
    #[must_use]
    pub fn of(flag: Flag) -> Self {
        Self::with(flag, &Thresholds::built_in())
    }

    /// The same with other thresholds.
    #[must_use]
    pub const fn with(flag: Flag, thresholds: &Thresholds) -> Self {
        let Thresholds { block, report, identified, bulk_people_max, bulk_ids_max } = *thresholds;
        Self {
            flag,
            mode: Mode::Enforce,
            block,
            report,
            identified,
            clinical: true,
            bulk_people_max,
            bulk_ids_max,
            uninspected: match flag {
                Flag::Production => OnUninspected::Pass,
                Flag::Development | Flag::Staging => OnUninspected::Refuse,
            },
            declared_mode: OnDeclared::Report,
            off_path_url: match flag {
                Flag::Production => OnOffPath::Pass,
                Flag::Development | Flag::Staging => OnOffPath::Refuse,
            },
        }
    }

    /// Whether messages are held until they are judged.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.flag != Flag::Production && self.mode != Mode::Off
    }
}

/// What the policy says of a message, before mode and flag are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why it is refused; `None` where it may pass.
    pub reason: Option<Reason>,
    /// Why it would be refused if the rules that are in shadow acted; `None` where it would pass.
    pub with_shadow: Option<Reason>,
    /// Whether a person has as many points as are reported.
    pub reported: bool,
    /// Whether a declaration disagrees with the environment.
    pub mismatch: bool,
}

/// Whether a message declares a mode that isn't that of such an environment.
#[must_use]
pub fn is_mismatch(findings: &Findings, flag: Flag) -> bool {
    let wrong = match flag {
        Flag::Production => Declared::Test,
        Flag::Development | Flag::Staging => Declared::Production,
    };
    findings.declared.iter().any(|(mode, _)| *mode == wrong)
}

/// Judges findings by a policy. `opaque` lists the media types that may pass unread.
#[must_use]
pub fn verdict(findings: &Findings, policy: &Policy, opaque: &[String]) -> Verdict {
    let mismatch = is_mismatch(findings, policy.flag);
    let reason = |points: fn(&Person) -> u16| reason(findings, policy, opaque, mismatch, points);
    let acting = reason(|person| person.points.0);
    let in_shadow = findings.persons.iter().any(|person| person.shadow_points > person.points);
    let with_shadow = if in_shadow { reason(|person| person.shadow_points.0) } else { acting };
    let reported = findings.persons.iter().any(|person| person.points.0 >= policy.report);
    Verdict { reason: acting, with_shadow, reported, mismatch }
}

/// Why the policy refuses, with people who weigh so much.
fn reason(
    findings: &Findings,
    policy: &Policy,
    opaque: &[String],
    mismatch: bool,
    points: fn(&Person) -> u16,
) -> Option<Reason> {
    let over = |person: &Person| {
        points(person) >= policy.block
            || (policy.clinical && person.clinical && points(person) >= policy.identified)
    };
    let people = || findings.persons.iter().filter(|person| !person.again);
    let identified = people().filter(|p| points(p) >= policy.identified).count();
    let opaque_ids = people().filter(|p| p.only_opaque_id && p.clinical).count();
    let unread = findings.uninspected.iter().any(|u| !opaque.iter().any(|o| o == u.media_type));
    if findings.persons.iter().any(|p| p.known_real) {
        Some(Reason::KnownReal)
    } else if findings.persons.iter().any(over) {
        Some(Reason::LikelyPhi)
    } else if identified > policy.bulk_people_max || opaque_ids > policy.bulk_ids_max {
        Some(Reason::Bulk)
    } else if mismatch && policy.declared_mode == OnDeclared::Refuse {
        Some(Reason::DeclaredMode)
    } else if !findings.off_path.is_empty() && policy.off_path_url == OnOffPath::Refuse {
        Some(Reason::OffPathUrl)
    } else if unread && policy.uninspected == OnUninspected::Refuse {
        Some(Reason::Uninspected)
    } else {
        None
    }
}

/// Proof that a message may leave the gateway, with the very bytes that were judged: this module alone makes one, and
/// [`crate::forward`]'s caller takes no less.
///
/// ```compile_fail
/// let cleared = phigate::decide::Cleared { body: unreachable!(), route: unreachable!() }; // private fields
/// ```
pub struct Cleared {
    body: OutBody,
    route: Arc<Route>,
    would_refuse: Option<Reason>,
}

impl Cleared {
    /// The body and the route that it was cleared for.
    #[must_use]
    pub fn into_parts(self) -> (OutBody, Arc<Route>) {
        (self.body, self.route)
    }

    /// What shadow mode would have refused it for.
    #[must_use]
    pub const fn would_refuse(&self) -> Option<Reason> {
        self.would_refuse
    }
}

/// Judges a held message.
///
/// # Errors
/// A refusal, where the environment's mode is to enforce.
pub fn judged(body: OutBody, findings: &Findings, route: &Arc<Route>) -> Result<Cleared, Box<Refusal>> {
    let policy = &route.environment.policy;
    let verdict = verdict(findings, policy, &route.connection.opaque);
    match (verdict.reason, policy.mode) {
        (Some(reason), Mode::Enforce) => {
            Err(Box::new(Refusal::of(reason, findings, policy, &route.connection.opaque)))
        }
        _ => Ok(Cleared { body, route: route.clone(), would_refuse: verdict.with_shadow }),
    }
}

/// Lets a message stream: production, or an environment whose mode is off.
///
/// # Errors
/// None today; a policy that holds is a bug of the caller, and is refused as one.
pub fn streamed(body: OutBody, route: &Arc<Route>) -> Result<Cleared, Box<Refusal>> {
    if route.environment.policy.holds() {
        return Err(Box::new(Refusal::plain(Reason::Internal)));
    }
    Ok(Cleared { body, route: route.clone(), would_refuse: None })
}

/// Whether a finding counted for its person.
#[must_use]
pub fn counts(finding: &crate::inspect::finding::Finding) -> bool {
    finding.person.is_some()
        && finding.points.0 > 0
        && !matches!(finding.counted, Counted::MadeUp(_) | Counted::Shadow | Counted::Suppressed)
}

#[cfg(test)]
mod tests;
