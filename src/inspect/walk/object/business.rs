//! Whom a business names: the contact of a connection, a contract or a vendor, who is on call, and who meets about work.
//!
//! - A contact has nothing but how who works there is reached, and no mailbox that anybody may have; what holds it is a
//!   business's by its members or its name, and names nobody.
//! - A roster has a schedule, and what is done when nobody answers; patients have schedules alone.
//! - A meeting is of work by its title, and each who attends it by the mailbox.
//! - Who owns, reviews, approves or signs something has a mailbox of an organisation and nothing but how work is reached, and
//!   nothing around tells of care. Patients sign, too: who signs tells where he works, besides.
//! - In doubt: an individual's.

use super::Walk;
use super::likely::is_name;
use super::payer::is_an_organisation;
use super::side::{Own, names_an_organisation};
use crate::inspect::RuleSet;
use crate::inspect::names;
use crate::inspect::walk::is_a_private_mailbox;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use crate::inspect::walk::staff::Entry;

impl Walk<'_, '_> {
    /// Whether a member of the open object, an object or a list of them under this key (in normal form), is whom a business
    /// names.
    pub(super) fn is_of_a_business(&self, id: NodeId, key: &str) -> bool {
        let contact = CONTACTS.contains(&key);
        let attends = ATTENDEES.contains(&key);
        let owns = OWNERS.contains(&key) || SIGNERS.contains(&key);
        let is_asked = contact || attends || owns;
        let Some(holder) = self.frames.last().map(|frame| frame.object).filter(|_| is_asked) else {
            return false;
        };
        if self.is_of_individuals(id) || Own::of(self, holder).is_an_individuals() {
            return false;
        }
        if owns {
            return !self.tells_of_care()
                && self.are_all(id, &|one| self.is_an_owner(one, SIGNERS.contains(&key)));
        }
        match contact {
            true => self.is_a_businesss(holder) && self.are_all(id, &|one| self.is_reached_at_work(one)),
            false => self.is_a_meeting_of_work(holder) && self.are_all(id, &|one| !self.has_private(one)),
        }
    }

    /// Whether an object tells who is on call: a schedule, and what is done when nobody answers.
    pub(super) fn is_a_roster(&self, id: NodeId) -> bool {
        let has = |keys: &[&str]| self.members(id).any(|child| keys.contains(&self.keys.name(child)));
        has(SCHEDULES)
            && has(ESCALATIONS)
            && !Own::of(self, id).is_an_individuals()
            && !self.is_of_individuals(id)
    }

    fn members(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX)
    }

    /// Whether an object, or each of a list, is such a one.
    fn are_all(&self, id: NodeId, is_one: &dyn Fn(NodeId) -> bool) -> bool {
        match self.tape.kind(id) {
            NodeKind::Object => is_one(id),
            NodeKind::Array => {
                self.tape.children(id).nth(MEMBERS_LOOKED_AT_MAX).is_none()
                    && self.members(id).all(|one| self.tape.kind(one) == NodeKind::Object && is_one(one))
            }
            _ => false,
        }
    }

    fn is_reached_at_work(&self, id: NodeId) -> bool {
        let mut entry = Entry::default();
        self.hear(id, &mut entry, true) && entry.is_reached_at_work()
    }

    /// Whether an object, or its one member that is the user, is somebody who is written to at work.
    fn is_an_owner(&self, id: NodeId, signs: bool) -> bool {
        let is_one = |id: NodeId| {
            let mut entry = Entry::default();
            self.hear(id, &mut entry, true)
                && entry.is_written_to_at_work()
                && (!signs || entry.tells_where_he_works())
        };
        let is_user = |child: &NodeId| {
            self.tape.kind(*child) == NodeKind::Object && matches!(self.keys.name(*child), "user" | "account")
        };
        let plain = |child: NodeId| !matches!(self.tape.kind(child), NodeKind::Object | NodeKind::Array);
        let user = || {
            let user = self.members(id).find(is_user)?;
            self.members(id)
                .all(|child| child == user || plain(child) && self.keys.get(child).kind.is_none())
                .then_some(user)
        };
        is_one(id) || user().is_some_and(is_one)
    }

    /// Whether an object around tells of care or of an individual: of somebody's consent an owner may be he himself.
    fn tells_of_care(&self) -> bool {
        let mut around = self.frames.iter().rev();
        around.any(|frame| *frame.beside.care.get_or_init(|| self.is_of_care(frame.object)))
    }

    fn is_of_care(&self, object: NodeId) -> bool {
        let words = &RuleSet::built_in().words;
        let is_one = |word: &str| {
            let word = word.to_lowercase();
            CARED.contains(&&*word)
                || words.is_individual(&word)
                || words.is_clinical(&word)
                || words.telling.contains(&*word)
        };
        let tells = |child: NodeId| {
            let says = || self.tape.value_head(child).split(|c: char| !c.is_alphanumeric()).any(is_one);
            HAS.iter().any(|word| self.keys.name(child).contains(word))
                || self.tape.kind(child) == NodeKind::String && says()
        };
        Own::of(self, object).clinical || self.members(object).any(tells)
    }

    fn has_private(&self, id: NodeId) -> bool {
        let text = |child: &NodeId| self.tape.kind(*child) == NodeKind::String;
        self.members(id).filter(text).any(|child| is_a_private_mailbox(&self.tape.value(child)))
    }

    /// Whether an object is a business's, by what only such have or by its name, and nobody is named in it.
    fn is_a_businesss(&self, id: NodeId) -> bool {
        let (mut business, mut somebody) = (false, false);
        for child in self.members(id) {
            let key = self.keys.name(child);
            business |= BUSINESS.contains(&key);
            if self.tape.kind(child) == NodeKind::String && key.ends_with("name") {
                let value = self.tape.value(child);
                business |= is_an_organisation(&value);
                somebody |= (is_name(&value) || names::is_listed(&value)) && !names_an_organisation(&value);
            }
        }
        business && !somebody
    }

    /// Whether an object is an entry of a calendar whose title is of work.
    fn is_a_meeting_of_work(&self, id: NodeId) -> bool {
        let words = &RuleSet::built_in().words;
        let mut titles = self.members(id).filter(|child| {
            TITLES.contains(&self.keys.name(*child)) && self.tape.kind(*child) == NodeKind::String
        });
        titles.any(|title| names::is_of_work(&self.tape.value(title), words))
    }
}

const CONTACTS: &[&str] = &["contact", "contacts", "primarycontact", "contactinfo", "sitecontact"];
const ATTENDEES: &[&str] = &["attendees", "attendee", "invitees", "participants", "creator"];
/// Who minds what is worked on, or signs it.
const OWNERS: &[&str] = &[
    "approver",
    "approvers",
    "assignee",
    "assignees",
    "codeowner",
    "codeowners",
    "maintainer",
    "maintainers",
    "owner",
    "owners",
    "reviewer",
    "reviewers",
];
const SIGNERS: &[&str] = &["signer", "signers", "signatory", "signatories"];
/// Words of keys of what somebody has, or has done to him.
const HAS: &[&str] = &[
    "claim", "consent", "coverage", "device", "health", "implant", "medical", "policy", "reading", "record",
    "sensor", "serial",
];
/// What tells that it is for somebody's care.
const CARED: &[&str] = &[
    "consent",
    "consents",
    "hipaa",
    "intake",
    "enrollment",
    "enrolment",
    "care",
    "health",
    "medical",
    "coverage",
    "claim",
];
/// What connections, contracts and those who sell have. Not `vendor` and `payer`: somebody's device and cover have one.
const BUSINESS: &[&str] = &[
    "connection",
    "connections",
    "connectiontype",
    "contract",
    "contractid",
    "contractnumber",
    "endpoint",
    "endpoints",
    "feeschedule",
    "host",
    "interfaceid",
    "interfacename",
    "interfaces",
    "rates",
    "sla",
];
const TITLES: &[&str] = &["summary", "subject", "title", "topic"];
const SCHEDULES: &[&str] =
    &["oncall", "oncallschedule", "roster", "rotation", "rotations", "schedule", "schedulename", "schedules"];
const ESCALATIONS: &[&str] =
    &["escalation", "escalationpolicies", "escalationpolicy", "escalationrules", "escalations", "layers"];

#[cfg(test)]
mod tests {
    use super::super::found::each;

    const KATHLEEN: &str =
        r#"{"name":"Kathleen Vandermeer","phone":"312-695-4965","email":"kv@lakeshore.org"}"#;

    #[test]
    fn whoever_owns_reviews_or_signs_something_is_nobody() {
        let email = r#""email":"kv@lakeshore.org""#;
        each(
            &[
                &format!(r#"{{"repository":"gateway","owner":{KATHLEEN}}}"#),
                &format!(
                    r#"{{"document":{{"title":"Vendor agreement","signer":{{"name":"Kathleen Vandermeer",{email},"title":"VP Operations","signedAt":"2026-05-26"}}}}}}"#
                ),
                &format!(
                    r#"{{"reviewers":[{{"user":{{"displayName":"Kathleen Vandermeer",{email}}},"approved":true}}]}}"#
                ),
                &format!(
                    r#"{{"lead":{{"name":"Kathleen Vandermeer","company":"Lakeshore Inc","jobTitle":"CTO",{email},"phone":"312-695-4965","dealStage":"qualified"}}}}"#
                ),
            ],
            false,
        );
        each(
            &[
                r#"{"repository":"gateway","owner":{"name":"Kathleen Vandermeer","email":"kv@gmail.com"}}"#,
                r#"{"repository":"gateway","owner":{"name":"Kathleen Vandermeer","phone":"312-695-4965"}}"#,
                &format!(r#"{{"owner":{{"name":"Kathleen Vandermeer",{email},"dob":"1971-04-02"}}}}"#),
                &format!(r#"{{"document":"Consent to treatment","signer":{KATHLEEN}}}"#),
                &format!(r#"{{"title":"Intake form","signers":[{KATHLEEN}]}}"#),
                &format!(r#"{{"title":"Release of records","signer":{KATHLEEN}}}"#),
                &format!(r#"{{"title":"Waiver","signers":[{KATHLEEN}]}}"#),
                &format!(r#"{{"serialNumber":"PX12345","owner":{KATHLEEN}}}"#),
                &format!(r#"{{"patient":{{"owner":{KATHLEEN}}}}}"#),
                &format!(r#"{{"diagnosis":"asthma","owner":{KATHLEEN}}}"#),
                &format!(r#"{{"reviewers":[{{"user":{KATHLEEN},"dob":"1971-04-02"}}]}}"#),
            ],
            true,
        );
    }

    #[test]
    fn whom_a_business_names_is_nobody() {
        let attends = r#""attendees":[{"displayName":"Kathleen Vandermeer","email":"kv@lakeshore.org","responseStatus":"accepted"}]"#;
        each(
            &[
                &format!(
                    r#"{{"name":"Northside - ADT","connection":{{"host":"10.2.1.4","port":6661}},"contact":{KATHLEEN}}}"#
                ),
                &format!(r#"{{"name":"Lakeshore Imaging Center","contacts":[{KATHLEEN}]}}"#),
                &format!(
                    r#"{{"payer":"ACME","contract":"2026-01","rates":[{{"cpt":"93306","allowed":112.4}}],"contact":{KATHLEEN}}}"#
                ),
                &format!(
                    r#"{{"schedule":"Primary","layers":[{{"users":[{KATHLEEN}]}}],"escalation":[{{"minutes":15,"target":"Ottilie Quispe"}}]}}"#
                ),
                &format!(r#"{{"account":{{"name":"Lakeshore Cardiology Associates","csm":{KATHLEEN}}}}}"#),
                &format!(r#"{{"summary":"Interface standup",{attends}}}"#),
            ],
            false,
        );
        each(
            &[
                // Who has such a contact is somebody, or it tells more than how work is reached.
                &format!(r#"{{"name":"Ottilie Quispe","endpoint":"x","contact":{KATHLEEN}}}"#),
                &format!(r#"{{"mrn":"8834127","host":"x","contact":{KATHLEEN}}}"#),
                &format!(r#"{{"patient":{{"host":"10.2.1.4","contact":{KATHLEEN}}}}}"#),
                &format!(r#"{{"payer":"ACME","contact":{KATHLEEN}}}"#),
                r#"{"host":"10.2.1.4","contact":{"name":"Kathleen Vandermeer","phone":"312-695-4965","email":"kv@gmail.com"}}"#,
                r#"{"host":"10.2.1.4","contact":{"name":"Kathleen Vandermeer","phone":"312-695-4965","email":"kv@lakeshore.org","relationship":"mother"}}"#,
                &format!(r#"{{"schedule":"8:00","contact":{KATHLEEN}}}"#),
                &format!(r#"{{"schedule":"x","escalation":[],"patient":{KATHLEEN}}}"#),
                // A visit is no meeting of work.
                &format!(r#"{{"summary":"Annual physical",{attends}}}"#),
                r#"{"summary":"Interface standup","attendees":[{"displayName":"Kathleen Vandermeer","email":"kv@gmail.com"}]}"#,
            ],
            true,
        );
    }
}
