//! Accounts, staff and clinicians, by what an object says of itself beside their numbers: a role, a login, a user's resource,
//! a doctor's name with nothing but what a directory has.

use super::Walk;
use super::keys::Key;
use super::side::{Says, is_part_of_a_listing, names_an_organisation};
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};

/// What an object says of whom it may be.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(super) struct Heard {
    /// A role of somebody who works there.
    staff: bool,
    /// A role of any sort, or when the user was there last.
    used: bool,
    /// What a user signs in with, and whether that alone tells: `login` is an address.
    login: bool,
    address: bool,
    /// Okta's name of a user, and the name that is shown.
    alternate: bool,
    shown: bool,
    /// A patient or a member.
    individual: bool,
    doctor: bool,
    /// Who pays is an organisation.
    pub(super) customer: bool,
    /// The user's resource is a practitioner's.
    pub(super) clinician: bool,
}

impl Heard {
    pub(super) fn tell(&mut self, walk: &Walk<'_, '_>, child: NodeId, says: Says) {
        let tape = walk.tape;
        if tape.kind(child) != NodeKind::String {
            if says == Says::Role && tape.kind(child) == NodeKind::Array {
                let roles = tape.children(child).take(ROLES_MAX);
                roles.for_each(|role| self.role(&tape.value(role)));
            }
            return;
        }
        match says {
            Says::Role => self.role(&tape.value(child)),
            Says::LastLogin => self.used = true,
            Says::Login => {
                self.login = true;
                self.address |= walk.keys.name(child) == "login" && tape.value(child).contains('@');
            }
            Says::AlternateId => self.alternate = true,
            Says::Shown => self.shown = true,
            Says::User => self.clinician |= is_a_clinicians(&tape.value(child)),
            Says::Doctor => self.doctor |= !tape.raw(child).is_empty(),
            Says::Customer => self.customer |= names_an_organisation(&tape.value(child)),
            _ => {}
        }
    }

    fn role(&mut self, role: &str) {
        self.used = true;
        self.staff |= is_a_role_of_staff(role);
        self.individual |= is_an_individuals_role(role);
    }

    /// Whether any of it may make an object nobody's.
    pub(super) const fn anything(&self) -> bool {
        self.staff || self.login || self.alternate || self.clinician || self.customer || self.doctor
    }
}

impl Walk<'_, '_> {
    /// Whether an object is an account, or somebody's who works there.
    pub(super) fn is_an_account(&self, id: NodeId, heard: &Heard) -> bool {
        let signs_in = heard.login && (heard.used || heard.address) || heard.alternate && heard.shown;
        !heard.individual && (heard.staff || signs_in) && !self.has_a_private_mailbox(id)
    }

    /// Whether an object is a doctor's entry: whoever he is called by, the members are those of a directory.
    pub(super) fn is_a_doctors(&self, id: NodeId, heard: &Heard) -> bool {
        let mut members = self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX);
        let is_of_one = |key: &Key| {
            key.says == Says::Doctor
                || !key.name.ends_with("name") && is_part_of_a_listing(&key.name)
                || ENTRY.contains(&&*key.name)
        };
        heard.doctor
            && members.all(|child| is_of_one(self.keys.get(child)))
            && !self.has_a_private_mailbox(id)
    }

    fn has_a_private_mailbox(&self, id: NodeId) -> bool {
        let mut members = self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX);
        members.any(|child| {
            self.tape.kind(child) == NodeKind::String && is_a_private_mailbox(&self.tape.value(child))
        })
    }
}

/// `https://ehr/Practitioner/8`: a user who is a clinician or a machine. A `Person` may be a patient.
pub(super) fn is_a_clinicians(user: &str) -> bool {
    let kind = user.rsplit('/').nth(1).unwrap_or_default();
    matches!(kind, "Practitioner" | "PractitionerRole" | "Organization" | "Device")
}

/// Whether a role is one of those who work there: `RN`, `admin`, `Cardiologist`.
pub(in crate::inspect::walk) fn is_a_role_of_staff(role: &str) -> bool {
    words(role).any(|word| is_a_specialist(&word) || ROLES.contains(&word.as_str()))
}

/// Whether a role is a patient's, a member's or a relative's.
pub(in crate::inspect::walk) fn is_an_individuals_role(role: &str) -> bool {
    words(role).any(|word| NO_STAFF.contains(&word.as_str()))
}

/// Whether a word is what a specialist is called.
pub(super) fn is_a_specialist(word: &str) -> bool {
    let one = word.strip_suffix('s').unwrap_or(word);
    one.ends_with("ologist") || SPECIALISTS.contains(&one)
}

/// Whether a value is an address where anybody may have a mailbox: no organisation's.
pub(in crate::inspect::walk) fn is_a_private_mailbox(value: &str) -> bool {
    let domain = value.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches(['>', ' ']));
    domain.is_some_and(|domain| {
        let label = domain.split('.').next().unwrap_or_default();
        MAILBOXES.iter().any(|known| label.eq_ignore_ascii_case(known))
    })
}

fn words(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(ROLES_MAX).map(str::to_lowercase)
}

/// Roles, and words of one, looked at.
const ROLES_MAX: usize = 16;
/// Not `support`, `caregiver` and `resident`: patients have them, and are them.
const ROLES: &[&str] = &[
    "admin",
    "administrator",
    "analyst",
    "attending",
    "auditor",
    "biller",
    "cardiology",
    "clerk",
    "clinician",
    "cna",
    "coder",
    "coordinator",
    "developer",
    "director",
    "doctor",
    "editor",
    "engineer",
    "hospitalist",
    "lpn",
    "manager",
    "md",
    "np",
    "nurse",
    "operator",
    "pcp",
    "pharmacist",
    "physician",
    "practitioner",
    "provider",
    "receptionist",
    "registrar",
    "rn",
    "scheduler",
    "staff",
    "superuser",
    "supervisor",
    "surgeon",
    "technical",
    "technician",
    "technologist",
    "therapist",
];
const NO_STAFF: &[&str] = &[
    "patient",
    "member",
    "subscriber",
    "beneficiary",
    "enrollee",
    "dependent",
    "insured",
    "policyholder",
    "guardian",
    "parent",
    "caregiver",
    "spouse",
    "customer",
    "client",
    "participant",
    "subject",
    "guarantor",
    "proxy",
    "resident",
];
const SPECIALISTS: &[&str] = &[
    "surgeon",
    "pediatrician",
    "psychiatrist",
    "podiatrist",
    "hospitalist",
    "anesthetist",
    "optometrist",
    "internist",
    "obstetrician",
    "physiatrist",
    "dietitian",
    "midwife",
    "chiropractor",
    "intensivist",
];
/// What an entry of a directory has beside the parts of a listing.
const ENTRY: &[&str] = &[
    "cell",
    "city",
    "country",
    "degree",
    "department",
    "extension",
    "fax",
    "id",
    "mobile",
    "npi",
    "officefax",
    "officephone",
    "pager",
    "state",
    "street",
    "title",
    "type",
    "website",
    "workemail",
    "workphone",
    "zip",
    "zipcode",
];
/// Where people have mailboxes of their own: the first label of the domain.
const MAILBOXES: &[&str] = &[
    "gmail",
    "googlemail",
    "yahoo",
    "ymail",
    "rocketmail",
    "hotmail",
    "outlook",
    "live",
    "msn",
    "icloud",
    "me",
    "mac",
    "aol",
    "comcast",
    "verizon",
    "att",
    "sbcglobal",
    "bellsouth",
    "cox",
    "charter",
    "earthlink",
    "frontier",
    "frontiernet",
    "centurylink",
    "optonline",
    "roadrunner",
    "juno",
    "netzero",
    "proton",
    "protonmail",
    "gmx",
    "mail",
    "zoho",
    "fastmail",
    "hey",
    "web",
    "orange",
    "btinternet",
    "sky",
    "rogers",
    "shaw",
    "bigpond",
];

#[cfg(test)]
mod tests {
    use super::super::found::each;
    use super::*;

    #[test]
    fn roles_are_told_from_those_of_patients() {
        for role in ["RN", "Attending Physician", "admin", "pediatric cardiologist", "Surgeon"] {
            assert!(is_a_role_of_staff(role) && !is_an_individuals_role(role), "{role}");
        }
        for role in ["patient", "Primary Member", "caregiver", "emergency contact", "support", "user", ""] {
            assert!(!is_a_role_of_staff(role), "{role}");
        }
        assert!(is_an_individuals_role("Patient Proxy"));
    }

    #[test]
    fn mailboxes_of_people_are_told_from_those_of_organisations() {
        assert!(is_a_private_mailbox("o.quispe@Gmail.com") && is_a_private_mailbox("<a@yahoo.co.uk>"));
        assert!(!is_a_private_mailbox("kv@lakeshore.org") && !is_a_private_mailbox("gmail"));
    }

    #[test]
    fn a_user_who_is_a_practitioner_is_nobody() {
        let user = r#""sub":"1","name":"Kathleen Vandermeer","email":"kv@lakeshore.org","phone_number":"+1 312 867 2201""#;
        each(
            &[
                &format!(r#"{{{user},"fhirUser":"https://f.org/r4/Practitioner/8"}}"#),
                &format!(r#"{{{user},"profile":"https://f.org/r4/PractitionerRole/8"}}"#),
                &format!(r#"{{"user":{{{user},"fhirUser":"Practitioner/8"}}}}"#),
            ],
            false,
        );
        each(
            &[
                &format!(r#"{{{user},"fhirUser":"https://f.org/r4/Patient/8"}}"#),
                &format!(r#"{{{user},"fhirUser":"https://f.org/r4/RelatedPerson/8"}}"#),
                &format!(r#"{{{user},"fhirUser":"https://f.org/r4/Person/8"}}"#),
                &format!(r#"{{{user},"profile":"https://f.org/people/8"}}"#),
                &format!(r#"{{{user},"fhirUser":"Practitioner/8","mrn":"8834127"}}"#),
                &format!(r#"{{"fhirUser":"Practitioner/8","name":"Celine Delacroix","patient":{{{user}}}}}"#),
            ],
            true,
        );
    }

    #[test]
    fn clinicians_without_a_number_are_nobody() {
        let contact = r#""phone":"312-695-4965","email":"kv@lakeshore.org""#;
        each(
            &[
                &format!(r#"{{"doctor":"Kathleen Vandermeer",{contact}}}"#),
                &format!(
                    r#"[{{"physicianName":"Kathleen Vandermeer","specialty":"Cardiology","department":"Heart",{contact}}}]"#
                ),
                &format!(r#"{{"careTeam":[{{"role":"Physician","name":"Kathleen Vandermeer",{contact}}}]}}"#),
                &format!(r#"{{"cardiologist":{{"name":"Kathleen Vandermeer",{contact}}}}}"#),
                &format!(
                    r#"{{"fellow":1,"oncologists":[{{"firstName":"Kathleen","lastName":"Vandermeer",{contact}}}]}}"#
                ),
            ],
            false,
        );
        each(
            &[
                // Whoever asks for an appointment has a doctor, too.
                r#"{"doctor":"Kathleen Vandermeer","phone":"617-432-2291","email":"o.quispe@gmail.com"}"#,
                &format!(r#"{{"doctor":"Kathleen Vandermeer","name":"Ottilie Quispe",{contact}}}"#),
                &format!(r#"{{"doctor":"Kathleen Vandermeer","reason":"chest pain",{contact}}}"#),
                &format!(
                    r#"{{"doctor":"Kathleen Vandermeer","firstName":"Ottilie","lastName":"Quispe",{contact}}}"#
                ),
                &format!(r#"{{"doctor":"Kathleen Vandermeer","dob":"1971-04-02",{contact}}}"#),
                &format!(
                    r#"{{"role":"nurse","firstName":"Ottilie","lastName":"Quispe","dob":"1971-04-02",{contact}}}"#
                ),
                &format!(r#"{{"role":"patient","firstName":"Ottilie","lastName":"Quispe",{contact}}}"#),
                r#"{"role":"Manager","name":"Ottilie Quispe","phone":"617-432-2291","email":"o.quispe@gmail.com"}"#,
                &format!(
                    r#"{{"cardiologist":{{"name":"Kathleen Vandermeer","patients":[{{"firstName":"Ottilie","lastName":"Quispe",{contact}}}]}}}}"#
                ),
                &format!(r#"{{"firstName":"Ottilie","lastName":"Quispe","occupation":"Nurse",{contact}}}"#),
            ],
            true,
        );
    }

    #[test]
    fn accounts_of_programs_are_nobody() {
        let name = r#""firstName":"Priya","lastName":"Raman","email":"praman@lakeshore.org""#;
        each(
            &[
                &format!(
                    r#"{{"users":[{{"id":101,"username":"praman",{name},"role":"admin","lastLogin":"2026-11-28T15:14:02Z"}}]}}"#
                ),
                &format!(r#"{{"username":"praman",{name},"roles":["viewer"]}}"#),
                &format!(r#"{{"users":[{{{name},"role":"admin"}}]}}"#),
                r#"{"actor":{"id":"00u1","type":"User","alternateId":"mbell@lakeshore.org","displayName":"Marcus Bell"}}"#,
                r#"{"id":"00u1","profile":{"firstName":"Priya","lastName":"Raman","email":"praman@lakeshore.org","login":"praman@lakeshore.org"}}"#,
            ],
            false,
        );
        each(
            &[
                r#"{"username":"oquispe","firstName":"Ottilie","lastName":"Quispe","email":"o.quispe@gmail.com","lastLogin":"2026-11-28"}"#,
                &format!(r#"{{"username":"praman",{name},"role":"patient"}}"#),
                &format!(r#"{{"username":"praman",{name},"roles":["member"]}}"#),
                &format!(r#"{{"username":"praman",{name},"role":"admin","mrn":"8834127"}}"#),
                &format!(r#"{{"username":"praman",{name},"role":"admin","dob":"1971-04-02"}}"#),
                &format!(r#"{{"username":"praman",{name}}}"#),
                r#"{"username":"mbell","role":"nurse","action":"view","target":"SSN 541-72-6638"}"#,
                r#"{"username":"praman","role":"admin","payload":{"firstName":"Ottilie","lastName":"Quispe","phone":"617-432-2291"}}"#,
                r#"{"actor":{"alternateId":"o.quispe@gmail.com","displayName":"Ottilie Quispe","firstName":"Ottilie","lastName":"Quispe"}}"#,
                r#"{"profile":{"firstName":"Ottilie","lastName":"Quispe","email":"o.quispe@gmail.com","login":"o.quispe@gmail.com"}}"#,
            ],
            true,
        );
    }

    #[test]
    fn an_organisation_that_pays_is_nobody() {
        let rest = r#""customer_email":"ap@lakeshore.org","customer_phone":"+13126954965","customer_address":{"line1":"251 E Huron St","city":"Chicago","state":"IL","postal_code":"60611"}"#;
        each(
            &[
                &format!(
                    r#"{{"type":"invoice.paid","data":{{"object":{{"customer_name":"Lakeshore Health System",{rest},"total":129900}}}}}}"#
                ),
                &format!(r#"{{"customerName":"Meridian Dental Inc",{rest}}}"#),
            ],
            false,
        );
        each(
            &[
                &format!(r#"{{"customer_name":"Ottilie Quispe",{rest}}}"#),
                &format!(
                    r#"{{"customer_name":"Lakeshore Health System","firstName":"Ottilie","lastName":"Quispe",{rest},"phone":"617-432-2291"}}"#
                ),
                &format!(
                    r#"{{"customer_name":"Lakeshore Health System",{rest},"patient":{{"firstName":"Ottilie","lastName":"Quispe","dob":"1971-04-02"}}}}"#
                ),
            ],
            true,
        );
    }
}
