//! Audit: what people did. Append-only JSON lines, a file a month, each line hash-chained to the one before and signed by
//! a key that isn't in the store; each durable before the answer that it is about. No value of a message is ever part of
//! one.
//!
//! [`verify()`] finds any change, cut or reorder, with the public key alone. Several processes may write: the gateway and
//! its commands take turns by a lock, and none trusts what it remembers of the file.

mod backwards;
mod chain;
mod fhir;
mod head;
mod log;
mod outside;
mod repair;
mod verify;

#[cfg(test)]
mod tests;

pub use backwards::newest;
pub use fhir::audit_event;
pub use log::{Audit, AuditError, Keep, while_still};
pub use outside::Outside;
pub use repair::{RepairError, Repaired, accept_loss, repair};
pub use verify::{Report, events, verify, verify_by};

use serde::Serialize;

/// How far the log went, as somebody remembers who isn't part of it: one that is gone, an older one or another one in its
/// place is not begun anew or gone on with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The number of the last event; 0: there was none.
    pub seq: u64,
    /// Its hash. Earlier versions remembered the number alone.
    pub hash: Option<String>,
}

/// One thing that somebody did, or was refused.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Event<'e> {
    /// RFC 3339, UTC.
    pub time: String,
    /// Who.
    pub principal: &'e str,
    /// What was done: `view_payload`, `search_records`, `search_value`, `export_records`, `refused_access`, `create_key`,
    /// `create_token`, `revoke`, `set_role` and so on.
    pub action: &'e str,
    /// In which environment.
    pub environment: &'e str,
    /// In which role.
    pub role: &'e str,
    /// To what: a record, key, token or member by id.
    pub object: &'e str,
    /// At which view.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub view: &'e str,
    /// `allowed` or `refused`; `failed` where what was allowed came to nothing after all.
    pub decision: &'e str,
    /// Why, in the words of whoever did it, where a reason is asked for; or what was gained and lost.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub reason: &'e str,
    /// Which rules judged.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub rule_set: &'e str,
    /// The request of the admin side that it was part of.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub request_id: &'e str,
    /// Who, by the member's id: names can be somebody else's later. Those of earlier versions, of commands and of sign-ins
    /// that were refused have none.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub member: &'e str,
    /// With which token, by its id.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub token: &'e str,
}
