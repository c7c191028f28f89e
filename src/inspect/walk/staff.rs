//! Entries of lists of users, of staff and of clinicians, in objects and in rows of tables alike. Patients have names, logins
//! and doctors, too: so all that an entry has must be of a closed list, and enough of it tell whose it is.
//!
//! - An account: a role of staff, or a login and when it was used; a number to call only where both login and role are told.
//! - A clinician: his specialty, credentials or department beside his name.
//! - Whoever is employed: a job, and where.
//! - In doubt: an individual's.

use super::csv::words;
use super::start_of;
use crate::inspect::RuleSet;
use crate::inspect::hash::{Keyed, Map};
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

/// What a member or a column is in such an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Name,
    /// A name, as directories have it.
    Common,
    Email,
    /// Whom a user works as, and what sort of user he is.
    Role,
    Sort,
    /// What he belongs to, as directories have it.
    Group,
    /// What he signs in with, whether that is an address, and when he did.
    Login,
    Address,
    Visit,
    /// Okta's name of a user.
    Alternate,
    /// The name of a clinician, by its key.
    Doctor,
    Specialty,
    Credential,
    /// A department, a team.
    Unit,
    /// Whom he works for.
    Company,
    /// A title that is a role of staff; what only who is employed has.
    Title,
    Job,
    Employed,
    Phone,
    /// How a place of work is reached, and where it is.
    Office,
    Place,
    Street,
    /// Who signed in, as OpenID Connect has it.
    Subject,
    /// The resource of a user, and where his own page is or what he tells of himself.
    User,
    Profile,
    /// What he may do.
    Grant,
    /// How it is with the account.
    Status,
    /// Ids, flags and times.
    Plain,
}

impl Part {
    /// What a key or a column (in normal form) is; `None` of what isn't on the list.
    pub(super) fn of(key: &str) -> Option<Self> {
        BY_KEY.get(key).copied()
    }

    /// Whether it comes as a list of objects that each have a value (RFC 7643, section 2.4).
    pub(super) const fn may_be_valued(self) -> bool {
        matches!(self, Self::Role | Self::Group | Self::Email | Self::Phone)
    }

    /// Whether there may be several values of it.
    pub(super) const fn may_be_several(self) -> bool {
        matches!(self, Self::Role | Self::Sort | Self::Group | Self::Grant | Self::Office)
    }
}

/// What the values of an entry say.
#[derive(Default)]
pub(super) struct Entry {
    /// A bit for each part.
    parts: u32,
    /// A role of somebody who works there.
    staff: bool,
    /// The user's resource is a practitioner's.
    practitioner: bool,
    /// A patient's role, a mailbox that anybody may have, or what ails somebody.
    individual: bool,
    /// Members that only who is employed has.
    employed: u8,
}

impl Entry {
    pub(super) fn hear(&mut self, part: Part, value: &str) {
        // A role that is left out tells nothing, as one does that isn't staff's.
        if value.trim().is_empty() && part != Part::Role {
            return;
        }
        self.individual |= is_a_private_mailbox(value)
            || matches!(part, Part::Status | Part::Sort) && tells_health(value)
            || value.split_whitespace().count() > WORDS_MAX;
        match part {
            Part::Employed => self.employed = self.employed.saturating_add(1),
            Part::Role => {
                self.staff |= is_a_role_of_staff(value);
                self.individual |= value.len() > ROLE_BYTES_MAX || is_an_individuals_word(value);
            }
            Part::Sort => self.individual |= is_an_individuals_word(value),
            Part::Group => {
                self.individual |= is_an_individuals_word(value);
                self.staff |= words(value).iter().any(|word| {
                    let one = word.strip_suffix('s').unwrap_or(word);
                    is_a_specialist(word) || ROLES.contains(one)
                });
            }
            Part::Login if value.contains('@') => self.add(Part::Address),
            Part::Title if !is_a_role_of_staff(value) => return,
            Part::User | Part::Profile => {
                let practitioner = is_a_practitioner(value);
                self.practitioner |= practitioner;
                self.individual |= part == Part::User && !practitioner;
            }
            Part::Name | Part::Doctor if has_credentials(value) => self.add(Part::Credential),
            _ => {}
        }
        self.add(part);
    }

    const fn add(&mut self, part: Part) {
        self.parts |= 1 << part as u32;
    }

    const fn has(&self, part: Part) -> bool {
        self.parts & 1 << part as u32 != 0
    }

    /// Whether it is an account's, staff's or a clinician's: what is on the list, under a key (in normal form).
    pub(super) fn is_one(&self, key: &str) -> bool {
        // Who has a doctor is no doctor; and a role that isn't staff's is anybody's.
        let two = self.has(Part::Doctor) && self.has(Part::Name);
        if self.individual || two || self.has(Part::Role) && !self.staff {
            return false;
        }
        let lives = self.has(Part::Street) || self.has(Part::Place);
        let called = self.has(Part::Phone) || self.has(Part::Office);
        // A patient has no role of staff: whoever signs in with one may be called.
        let called = called && !(self.staff && self.has(Part::Login));
        // An address among the claims of a user is the user's.
        if self.practitioner && self.has(Part::Subject) {
            return true;
        }
        if !lives && (self.practitioner || !called && self.is_an_account()) {
            return true;
        }
        let specialty = self.has(Part::Specialty) || is_a_specialist(key);
        let credential = self.has(Part::Credential);
        let is_reached = (!self.has(Part::Street) || specialty && credential)
            && (!self.has(Part::Place) || specialty)
            && (!self.has(Part::Login)
                || !self.has(Part::Phone)
                || self.staff
                || self.has(Part::Title)
                || self.has(Part::Unit));
        is_reached && (self.is_a_clinician(key, specialty, credential) || self.is_employed(key))
    }

    /// Whether it is a name and how to reach it, and not where somebody lives or what he signs in with.
    pub(super) fn is_reached_at_work(&self) -> bool {
        !self.individual
            && self.has(Part::Name)
            && (self.staff || !self.has(Part::Role))
            && ![Part::Street, Part::Place, Part::Login, Part::Sort].iter().any(|part| self.has(*part))
    }

    /// Whether it has a mailbox of an organisation with it.
    pub(super) fn is_written_to_at_work(&self) -> bool {
        self.has(Part::Email) && self.is_reached_at_work()
    }

    /// Whether a role, a job, a department or a company says where he works.
    pub(super) fn tells_where_he_works(&self) -> bool {
        let parts = [Part::Unit, Part::Company, Part::Title, Part::Job];
        self.staff || parts.iter().any(|part| self.has(*part))
    }

    fn is_an_account(&self) -> bool {
        self.staff
            || self.has(Part::Login) && (self.has(Part::Visit) || self.has(Part::Address))
            || self.has(Part::Alternate) && self.has(Part::Name)
    }

    /// Who is referred to a department has its name beside his own: only a clinician has credentials, and an office.
    fn is_a_clinician(&self, key: &str, specialty: bool, credential: bool) -> bool {
        let unit = self.has(Part::Unit);
        match self.has(Part::Doctor) || is_a_specialist(key) {
            true => specialty || credential || unit,
            false => {
                credential && (specialty || unit)
                    || specialty && self.has(Part::Office) && !self.has(Part::Phone)
                    || self.staff && (specialty || credential || is_a_teams_key(key))
            }
        }
    }

    fn is_employed(&self, key: &str) -> bool {
        let works = [Part::Job, Part::Title].map(|part| self.has(part));
        let works = works.iter().filter(|has| **has).count() + usize::from(self.staff);
        let works = works + usize::from(self.employed);
        // Where: a department, a company whose mailbox is told with it, or an office's number and no other.
        let company = self.has(Part::Company) && self.has(Part::Email);
        let office = self.has(Part::Office) && !self.has(Part::Phone) && !self.has(Part::Place);
        let office = office && (self.has(Part::Job) || self.has(Part::Title));
        // Who signs in, and where he works.
        if self.has(Part::Login) && (self.has(Part::Unit) || company) {
            return true;
        }
        // A user of a program, whose mailbox is that of where he works.
        let is_user = USERS.contains(&key) && self.has(Part::Unit) && self.has(Part::Email);
        if is_user && !self.has(Part::Place) {
            return true;
        }
        // An entry of a directory (RFC 4519) of who has a title.
        let entry = self.has(Part::Common) && self.has(Part::Title);
        works > 0 && works + usize::from(self.has(Part::Unit) || company || office || entry) > 1
    }

    /// Whether nothing but a login says it: that is a patient's as well, beside whom it stands.
    pub(super) fn only_signs_in(&self) -> bool {
        !self.staff && (self.has(Part::Login) || self.has(Part::Alternate))
    }
}

/// Whether what a form sends, names (in normal form) and values, is all of somebody who works there, or of a provider by his number.
pub(in crate::inspect) fn is_a_form_of_staff<'f>(
    pairs: impl Iterator<Item = (String, Cow<'f, str>)>,
) -> bool {
    let (mut entry, mut provider, mut count) = (Entry::default(), false, 0);
    for (key, value) in pairs {
        let Some(part) = Part::of(&key) else { return false };
        provider |= key == "npi" && value.len() == 10 && value.bytes().all(|b| b.is_ascii_digit());
        entry.hear(part, &value);
        count += 1;
    }
    let licensed = provider && entry.has(Part::Specialty) && !entry.individual && !entry.has(Part::Street);
    count >= FORM_PARTS_MIN && (licensed || entry.is_one(""))
}

/// `https://ehr/Practitioner/8`: a user who is a clinician or a machine. A `Person` may be a patient.
fn is_a_practitioner(user: &str) -> bool {
    let kind = user.rsplit('/').nth(1).unwrap_or_default();
    matches!(kind, "Practitioner" | "PractitionerRole" | "Organization" | "Device")
}

/// Whether a role is one of those who work there: `RN`, `admin`, `Cardiologist`.
pub(in crate::inspect) fn is_a_role_of_staff(role: &str) -> bool {
    words(role).iter().any(|word| is_a_specialist(word) || ROLES.contains(word.as_str()))
}

/// Whether a word of a role, a sort or an event is a patient's, a member's or a relative's: `patient.created`.
pub(super) fn is_an_individuals_word(value: &str) -> bool {
    static WORDS: LazyLock<List> = LazyLock::new(|| list(INDIVIDUALS));
    let is_one = |word: &str| WORDS.contains(word) || WORDS.contains(word.trim_end_matches('s'));
    words(value).iter().any(|word| is_one(word))
}

/// Whether what stands under a key (in normal form) is an individual's: `patients`, `memberProfile`, `visits`.
pub(super) fn is_an_individuals_key(key: &str) -> bool {
    let mut words = INDIVIDUALS.split_ascii_whitespace().chain(CARE.split_ascii_whitespace());
    words.any(|word| key.contains(word))
}

/// Whether a value of a word or more tells somebody's health: `TB positive`.
fn tells_health(value: &str) -> bool {
    let list = &RuleSet::built_in().words;
    let told = |word: &String| list.is_clinical(word) || list.telling.contains(word);
    value.contains(' ') && value.len() <= ROLE_BYTES_MAX && words(value).iter().any(told)
        || value.len() <= ROLE_BYTES_MAX && list.telling.contains(&value.to_lowercase())
}

/// Whether who writes a text tells of his own care: `I ran out of my metformin`.
pub(super) fn tells_of_own_care(text: &str) -> bool {
    let list = &RuleSet::built_in().words;
    let text = start_of(text, OWN_CARE_BYTES_MAX);
    if !text.contains("my ") && !text.contains("My ") {
        return false;
    }
    let words: Vec<String> = text.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect();
    let told = |word: &String| list.is_clinical(word) || list.telling.contains(word);
    words.iter().any(told) || words.windows(3).any(|three| three == ["date", "of", "birth"])
}

/// Whether what stands under a key (in normal form) is a team, whosever it is.
pub(super) fn is_a_teams_key(key: &str) -> bool {
    key.contains("team")
}

/// Whether a word is what a specialist is called.
fn is_a_specialist(word: &str) -> bool {
    let one = word.strip_suffix('s').unwrap_or(word);
    one.ends_with("ologist") || SPECIALISTS.contains(one)
}

/// `Kathleen Vandermeer, MD`
fn has_credentials(name: &str) -> bool {
    is_a_credential(name.trim_end().rsplit([' ', ',']).next().unwrap_or_default())
}

/// Whether a word is what only who gives care has behind his name: `M.D.`
pub(super) fn is_a_credential(word: &str) -> bool {
    CREDENTIALS.contains(&word.replace('.', "").as_str())
}

/// Whether an address in a value is one where anybody may have a mailbox: no organisation's.
pub(in crate::inspect) fn is_a_private_mailbox(value: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    value.split('@').skip(1).any(|rest| {
        let domain = rest.split(|c| !letter(c)).next().unwrap_or_default();
        let mut labels = domain.trim_end_matches('.').rsplit('.');
        let (last, second) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
        let two = last.len() == 2 && SECONDS.iter().any(|known| second.eq_ignore_ascii_case(known));
        let label = if two { labels.next().unwrap_or_default() } else { second };
        MAILBOXES.contains(label.to_ascii_lowercase().as_str())
    })
}

/// Words in lower case, of which each key or value is asked.
type List = HashSet<&'static str, Keyed>;

fn list(words: &'static str) -> List {
    words.split_ascii_whitespace().collect()
}

/// What each key of the closed list is.
static BY_KEY: LazyLock<Map<&str, Part>> = LazyLock::new(|| {
    let keys = |(part, keys): &(Part, &'static str)| {
        let part = *part;
        keys.split_ascii_whitespace().map(move |key| (key, part))
    };
    PARTS.iter().flat_map(keys).collect()
});

/// More words are prose, which may be about somebody.
const WORDS_MAX: usize = 6;
/// A form with fewer parts tells too little.
const FORM_PARTS_MIN: usize = 4;
/// How much of a text is read for whose care it tells of.
const OWN_CARE_BYTES_MAX: usize = 1 << 10;
/// A longer role is prose.
const ROLE_BYTES_MAX: usize = 64;
/// Who has such an entry in a program.
const USERS: &[&str] = &["employee", "employees", "user", "users"];
/// The closed list, in normal form.
const PARTS: &[(Part, &str)] = &[
    (
        Part::Name,
        "name fullname displayname firstname lastname first last fname lname givenname familyname \
         sn surname middlename nickname preferredname realname legalname initials prefix suffix",
    ),
    (Part::Common, "cn commonname"),
    (Part::Email, "email emails emailaddress mail useremail primaryemail"),
    (Part::Role, "role roles userrole userroles realmroles rolename careteamrole"),
    (Part::Sort, "type usertype accounttype persontype kind category"),
    (Part::Group, "group groups"),
    (Part::Login, "username login loginid loginname userlogin preferredusername"),
    (Part::Visit, "lastlogin lastloginat lastlogindate lastlogintime lastsignin lastsigninat lastsignindate"),
    (Part::Alternate, "alternateid"),
    (
        Part::Doctor,
        "clinician clinicianname dentist dentistname doctor doctorname nurse nursename physician \
         physicianname practitioner practitionername provider providername staff staffmember \
         staffname surgeon surgeonname",
    ),
    (Part::Specialty, "specialty speciality primaryspecialty subspecialty taxonomy taxonomycode"),
    (Part::Credential, "credential credentials degree degrees"),
    (
        Part::Unit,
        "department departmentname dept deptname division unit team teamname supervisoryorganization \
         businessunit",
    ),
    (Part::Company, "company companyname organization organizationname"),
    (Part::Title, "title position"),
    (Part::Job, "jobtitle positiontitle jobcode jobprofile"),
    (
        Part::Employed,
        "employee employeeid employeename employeenumber employeestatus employeetype employmentstatus empid \
         empno empnumber hiredate terminationdate costcenter workemail hourly hourlyrate payrate paygrade \
         salary",
    ),
    (Part::Phone, "phone phonenumber phonenumbers phonenumberverified telephone telephonenumber mobilephone"),
    (
        Part::Office,
        "officephone officefax officeemail workphone businessphone businessphones clinicphone practicephone fax \
         faxnumber pager extension ext",
    ),
    (
        Part::Place,
        "officeaddress officestreet officecity officestate officezip clinicaddress practiceaddress \
         city state country",
    ),
    (
        Part::Street,
        "address address1 address2 addressline1 addressline2 street streetaddress zip zipcode \
         postalcode locality region",
    ),
    (Part::Subject, "sub"),
    (Part::User, "fhiruser"),
    (Part::Profile, "profile"),
    (Part::Grant, "permissions privileges scope scopes authorities teams aud amr languages"),
    (
        Part::Plain,
        "id uid uuid guid user userid key externalid npi iss azp jti sid acr nonce clientid tokentype \
         teamid orgid organizationid tenantid departmentid facilityid locationid managerid \
         managername manager url href website avatar avatarurl picture image imageurl",
    ),
    (
        Part::Plain,
        "clinic clinicname facility facilityname hospital hospitalname location \
         locationname office practice practicename shift shiftdate \
         shiftstart shiftend shiftcode acceptingnewpatients",
    ),
    (
        Part::Plain,
        "active isactive enabled isenabled disabled locked islocked lockedout blocked suspended \
         deleted archived verified emailverified mfa mfaenabled twofactorenabled admin isadmin \
         isstaff issuperuser identityprovider authprovider",
    ),
    (Part::Status, "status userstatus accountstatus"),
    (
        Part::Plain,
        "created createdat createdon createddate createdby updated updatedat updatedon updatedby \
         lastupdated modified modifiedat lastmodified datejoined joinedat startdate enddate activated \
         statuschanged passwordchanged passwordchangedat lastactive lastactivity lastseen authtime \
         signedat signedon signeddate signeddatetime sentdatetime approvedat approvedon routingorder \
         dealstage leadstatus leadsource lifecyclestage opportunitystage industry annualrevenue \
         exp iat nbf locale language timezone tz zoneinfo",
    ),
];
/// Not `support`, `caregiver` and `resident`: patients have them, and are them.
static ROLES: LazyLock<List> = LazyLock::new(|| {
    list(
        "admin administrator analyst attending auditor biller cardiology clerk clinician cna coder \
    coordinator developer director doctor editor engineer hospitalist lpn manager md np nurse operator \
    pcp pharmacist physician practitioner provider receptionist registrar rn scheduler staff superuser \
    cio ceo cfo cto cmo cno cmio vp president controller founder cofounder supervisor surgeon tech technical technician technologist therapist viewer",
    )
});
const INDIVIDUALS: &str = "\
    patient member subscriber beneficiary beneficiaries enrollee dependent insured policyholder guardian \
    parent caregiver spouse customer client participant subject guarantor proxy resident applicant \
    claimant";
/// What is done for an individual.
const CARE: &str = "\
    appointment visit encounter admission referral screening vaccination immunization prescription \
    symptom";
static SPECIALISTS: LazyLock<List> = LazyLock::new(|| {
    list(
        "surgeon pediatrician psychiatrist podiatrist hospitalist anesthetist optometrist internist \
    obstetrician physiatrist dietitian midwife chiropractor intensivist",
    )
});
const CREDENTIALS: &[&str] = &[
    "MD", "DO", "DDS", "DMD", "DPM", "OD", "NP", "FNP", "APRN", "CRNA", "PA", "PA-C", "RN", "PharmD", "PhD",
];
/// The first of two labels under which a country's names are given.
const SECONDS: &[&str] = &["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"];
/// Where people have mailboxes of their own: the label before the public suffix.
static MAILBOXES: LazyLock<List> = LazyLock::new(|| {
    list(
        "gmail googlemail yahoo ymail rocketmail hotmail outlook live msn icloud me mac aol comcast verizon \
    att sbcglobal bellsouth cox charter earthlink frontier frontiernet centurylink windstream optonline \
    roadrunner rr juno netzero pm proton protonmail tutanota duck gmx mail zoho fastmail hey web \
    t-online free orange yandex qq btinternet sky rogers shaw bigpond",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_told_from_those_of_patients() {
        for role in ["RN", "Attending Physician", "admin", "pediatric cardiologist", "Surgeon"] {
            assert!(is_a_role_of_staff(role) && !is_an_individuals_word(role), "{role}");
        }
        for role in [
            "patient",
            "Primary Member",
            "caregiver",
            "emergency contact",
            "support",
            "user",
            "portal_user",
            "",
        ] {
            assert!(!is_a_role_of_staff(role), "{role}");
        }
        for word in ["Patient Proxy", "patient.created", "PatientCreated", "members", "beneficiaries"] {
            assert!(is_an_individuals_word(word), "{word}");
        }
        assert!(!is_an_individuals_word("group.user_membership.add"));
    }

    #[test]
    fn mailboxes_of_people_are_told_from_those_of_organisations() {
        for private in [
            "o.quispe@Gmail.com",
            "<a@yahoo.co.uk>",
            "a@mail.yahoo.co.uk",
            "a@pm.me",
            "kv@lakeshore.org; a@t-online.de",
            "a@tampabay.rr.com",
            "a@qq.com.",
        ] {
            assert!(is_a_private_mailbox(private), "{private}");
        }
        for other in
            ["kv@lakeshore.org", "kv@mail.lakeshore.org", "kv@yahoo.lakeshore.co.uk", "gmail", "@", "a@"]
        {
            assert!(!is_a_private_mailbox(other), "{other}");
        }
    }

    #[test]
    fn no_key_is_two_parts_and_none_is_a_number_of_a_person() {
        let keys: Vec<&str> = PARTS.iter().flat_map(|(_, keys)| keys.split_ascii_whitespace()).collect();
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{key}");
        }
        let table = &crate::inspect::RuleSet::built_in().objects;
        for key in keys.into_iter().filter(|key| table.is_an_individuals(key)) {
            let part = Part::of(key).unwrap();
            let is_reached = matches!(part, Part::Phone | Part::Office | Part::Street | Part::Place);
            assert!(is_reached || matches!(part, Part::Name | Part::Email | Part::Employed), "{key}");
        }
    }
}
