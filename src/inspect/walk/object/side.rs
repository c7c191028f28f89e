//! Whose a container is: an individual's, a relative's, or nobody's. Keys tell, and where they don't what stands in it:
//! a record number under `sender` is a patient's, an NPI beside a name makes a provider.

use super::keys::Key;
use super::likely::is_name;
use super::payer::is_a_payers_key;
use super::{Carry, Walk};
use crate::inspect::check::digits;
use crate::inspect::kind::{Kind, Whose};
use crate::inspect::names;
use crate::inspect::walk::is_a_private_mailbox;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use crate::inspect::walk::staff::{is_a_credential, tells_of_own_care};
use std::iter;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Individual,
    Relative,
    /// Those who give care, and staff: they have a name and a birth date of their own.
    Provider,
    /// Organisations, places and systems.
    Organisation,
}

impl Side {
    pub(super) const fn is_nobody(self) -> bool {
        matches!(self, Self::Provider | Self::Organisation)
    }
}

/// Whose a container is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) side: Side,
    /// An entry of a directory: nobody's with its own parts, and no further.
    pub(super) listing: bool,
    /// Whether it is an individual's inside what is nobody's, or by what it holds under a key that says nobody's.
    pub(super) came_back: bool,
    /// Whether what it, or one around it, says of itself makes it nobody's, and no key does.
    pub(super) by_content: bool,
}

impl Walk<'_, '_> {
    /// Whose what stands in a container is.
    pub(super) fn side_of(&self, id: NodeId, key: &Key<'_>) -> Told {
        let above = self.frames.last();
        let outer = above.map_or(Side::Individual, |frame| frame.whose);
        let (mut side, mut listing) = (outer, false);
        match (self.tape.element(id), above) {
            (Some(_), Some(list)) => listing = list.is_listing,
            (None, Some(_)) => (side, listing) = self.side_by_key(id, key, side),
            _ => {}
        }
        let mut came_back = outer.is_nobody() && side == Side::Individual;
        let mut by_content = above.is_some_and(|frame| frame.by_content);
        if self.tape.kind(id) == NodeKind::Object {
            if side.is_nobody() {
                let holder = self.frames.iter().rev().nth(1);
                let is_listed = self.is_element(id) && holder.is_some_and(|holder| holder.whose.is_nobody());
                if self.holds_an_individual(id, side, is_listed) || self.speaks_of_himself(id, &key.name) {
                    (side, listing, came_back) = (Side::Individual, false, true);
                }
            } else if side == Side::Individual && self.is_a_desk(id, &key.name) {
                (side, came_back, by_content) = (Side::Organisation, false, true);
            } else if side == Side::Individual
                && let Some(public) = self.public_by_content(id, &key.name)
            {
                ((side, listing), came_back, by_content) = (public, false, true);
            }
        }
        Told { side, listing, came_back, by_content: by_content && side.is_nobody() }
    }

    /// Whether what stands under `support` is how whoever keeps things running is reached, and nobody's name.
    fn is_a_desk(&self, id: NodeId, key: &str) -> bool {
        key == "support" && {
            let own = Own::of(self, id);
            let members = || self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX);
            let is_private = |child: NodeId| is_a_private_mailbox(&self.tape.value(child));
            let named = own.name || own.any_name || self.names_somebody(id);
            !(named || own.is_an_individuals() || own.address || own.sex)
                && members().all(|child| {
                    let plain = matches!(self.tape.kind(child), NodeKind::String | NodeKind::Number);
                    plain && !is_private(child) && !self.keys.name(child).starts_with("relation")
                })
        }
    }

    fn side_by_key(&self, id: NodeId, key: &Key<'_>, above: Side) -> (Side, bool) {
        // A hit of a search: what it holds is what was looked for.
        let is_hit = self.tape.key_is(id, "_source");
        let (mut side, mut listing, mut public) = (above, false, false);
        let name = &*key.name;
        for row in &key.below {
            public |= matches!(row.carry, Carry::Public | Carry::Listing);
            match row.carry {
                Carry::Own if above.is_nobody() => return (Side::Individual, false),
                Carry::Public if !side.is_nobody() && !is_hit => side = public_side(row.field.whose),
                Carry::Listing if !side.is_nobody() => (side, listing) = (Side::Organisation, true),
                Carry::Relative
                    if side == Side::Individual && !(name == "contact" && self.reaches_him(id)) =>
                {
                    side = Side::Relative;
                }
                _ => {}
            }
        }
        if side == Side::Individual && self.is_a_payers(id) {
            side = Side::Organisation;
        }
        // Of an API's description.
        let is_apis = || {
            let holder = self.frames.last();
            holder.is_some_and(|frame| &*frame.key.name == "info" || self.is_a_programs(frame.object))
        };
        if name == "contact" && side == Side::Relative && is_apis() {
            side = Side::Organisation;
        }
        if !side.is_nobody() && self.is_of_a_business(id, name) {
            side = Side::Organisation;
        }
        // What an entry of a directory holds besides is its own only where it is a part of it.
        let parts = self.frames.last().is_some_and(|frame| frame.is_listing);
        let other = parts && !public && !is_part_of_a_listing(name);
        if other { (Side::Individual, false) } else { (side, listing) }
    }

    /// Whether an object tells of a program: it has a licence that programs have.
    fn is_a_programs(&self, id: NodeId) -> bool {
        let mut members = self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX);
        members.any(|child| {
            matches!(self.keys.name(child), "license" | "licence" | "licenses") && {
                let value = self.tape.value(child);
                LICENCES.iter().any(|licence| value.starts_with(licence))
            }
        })
    }

    /// Whether what stands under `contact` names nobody: that is how the individual himself is reached.
    fn reaches_him(&self, id: NodeId) -> bool {
        let own = Own::of(self, id);
        let mut members = self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX);
        self.tape.kind(id) == NodeKind::Object
            && !(own.name || own.any_name || own.birth || own.says_individual)
            && !members.any(|child| self.keys.name(child).starts_with("relation"))
    }

    /// Whether an object that is nobody's by its place has what only an individual has. Those who give care have names,
    /// birth dates and tax numbers of their own; those of a list inside what is theirs (`is_listed`) are others.
    fn holds_an_individual(&self, id: NodeId, side: Side, is_listed: bool) -> bool {
        let own = Own::of(self, id);
        own.says_individual
            || own.number
            || ((side == Side::Organisation || is_listed)
                && !own.npi
                && (own.ssn
                    || (own.name || own.any_name) && own.birth
                    || (own.name || is_listed && own.any_name) && own.clinical))
    }

    /// Whether who asks or writes is a patient: he has a mailbox of his own, and what he writes is of his care.
    fn speaks_of_himself(&self, id: NodeId, key: &str) -> bool {
        let tape = self.tape;
        SPEAKERS.contains(&key) && {
            let texts = |of: NodeId| {
                let members = tape.children(of).take(MEMBERS_LOOKED_AT_MAX);
                members.filter(|child| tape.kind(*child) == NodeKind::String)
            };
            texts(id).any(|child| is_a_private_mailbox(&tape.value(child)))
                && self.frames.last().is_some_and(|around| {
                    texts(around.object).any(|child| tells_of_own_care(&tape.value(child)))
                })
        }
    }

    /// Whether an object is a provider's or an organisation's by what it says of itself, an entry of a directory or an account;
    /// and whether what it holds besides may be somebody else's. Of one with more members than are looked at nothing is known.
    fn public_by_content(&self, id: NodeId, key: &str) -> Option<(Side, bool)> {
        let tape = self.tape;
        if tape.children(id).nth(MEMBERS_LOOKED_AT_MAX).is_some() {
            return None;
        }
        if self.is_staffs(id, key) || self.is_a_roster(id) {
            return Some((Side::Organisation, false));
        }
        let (mut listed, mut organisation, mut place, mut account) = (false, false, false, false);
        let (mut team, mut real_name, mut ticket) = (false, false, false);
        let (mut customer, mut company) = (false, false);
        // Who gets his medications there has its number, too, but not before all else.
        let is_first = |child: NodeId| tape.children(id).next() == Some(child);
        let is_text = |child: &NodeId| tape.kind(*child) == NodeKind::String;
        let is_somebody = |child: NodeId| names::is_listed(&tape.value_head(child));
        let names_nobody = || !tape.children(id).filter(is_text).any(is_somebody);
        for child in tape.children(id) {
            let text = tape.kind(child) == NodeKind::String;
            match self.keys.get(child).says {
                Says::Npi => listed |= is_npi(&tape.value(child)),
                Says::NumberType => listed |= tape.raw(child) == "NPI" && self.has_an_npi_for_id(id),
                Says::Credentials => listed |= self.are_a_clinicians(child) && !self.is_of_individuals(id),
                Says::Enumeration => listed |= tape.value(child).starts_with("NPI-"),
                Says::ContactType => account |= CONTACT_TYPES.contains(&&*tape.value(child)),
                Says::Schemas => account |= tape.raw(child).contains(SCIM),
                Says::Name => organisation |= text && names_an_organisation(&tape.value(child)),
                Says::Business => {
                    place |= text && !tape.raw(child).is_empty();
                    organisation |= text && names_an_organisation(&tape.value(child));
                }
                Says::Company => company |= text && names_an_organisation(&tape.value(child)),
                Says::Account => account |= text,
                Says::Payer if &*self.keys.get(child).name == "customername" => {
                    customer |= text && names_an_organisation(&tape.value(child));
                }
                Says::Ticket => ticket |= is_a_tickets(&tape.value(child)),
                Says::Event => account |= id == NodeId::ROOT && text,
                Says::Team => team |= text,
                Says::RealName => real_name |= text,
                Says::DirectoryName => account |= text && is_in_a_provider_directory(&tape.value(child)),
                Says::Pharmacy => {
                    organisation |= is_first(child) && is_a_pharmacys(&tape.value(child)) && names_nobody();
                }
                Says::Place if text => place |= !tape.raw(child).is_empty(),
                Says::NamedPlace if text => place |= names_an_organisation(&tape.value(child)),
                Says::Nothing | Says::Place | Says::NamedPlace | Says::Payer => {}
            }
        }
        // A ticket of whoever keeps the programs running: who calls works there.
        let is_private =
            |child: NodeId| tape.kind(child) == NodeKind::String && is_a_private_mailbox(&tape.value(child));
        let is_worked_at = |child: NodeId| WORKED_AT.contains(&self.keys.name(child));
        ticket = ticket && tape.children(id).any(is_worked_at) && !tape.children(id).any(is_private);
        account |= real_name && (team || self.is_of_slack(id)) || ticket;
        organisation |= customer && !self.names_somebody(id);
        // Whoever works at a company may have told it beside his own address.
        organisation |= company && !self.names_somebody(id) && !tape.children(id).any(is_private);
        if !(listed || organisation || account || place) {
            return None;
        }
        let own = Own::of(self, id);
        if own.is_an_individuals() {
            return None;
        }
        let named = own.name || own.any_name;
        // Its own address and number, and no other's: somebody's visit names a place, too.
        let place = place && own.address && !(own.name || own.email || own.sex) && !self.names_somebody(id);
        match (listed && named, organisation && !own.name && own.contact || place) {
            _ if account => Some((Side::Organisation, false)),
            (true, _) => Some((Side::Provider, true)),
            (_, true) => Some((Side::Organisation, true)),
            _ => None,
        }
    }

    /// Whether an object, or the one around it, has a user's id of Slack: `U8821QX`.
    fn is_of_slack(&self, object: NodeId) -> bool {
        let around = self.frames.last().map(|frame| frame.object);
        let mut members = iter::once(object)
            .chain(around)
            .flat_map(|object| self.tape.children(object).take(MEMBERS_LOOKED_AT_MAX));
        members.any(|child| {
            let id = self.tape.raw(child);
            matches!(self.keys.name(child), "id" | "user" | "userid")
                && id.starts_with(['U', 'W'])
                && id.len() >= SLACK_ID_BYTES_MIN
                && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                && id.bytes().any(|b| b.is_ascii_digit())
        })
    }

    /// Whether the number that an object has is a provider's: `"ID": "…", "IDType": "NPI"`.
    fn has_an_npi_for_id(&self, object: NodeId) -> bool {
        let mut members = self.tape.children(object).take(MEMBERS_LOOKED_AT_MAX);
        members.any(|child| self.keys.name(child) == "id" && digits::npi(&self.tape.value(child)))
    }

    /// Whether a list has nothing but credentials of those who give care.
    fn are_a_clinicians(&self, list: NodeId) -> bool {
        let mut all = self.tape.children(list).take(MEMBERS_LOOKED_AT_MAX).peekable();
        self.tape.kind(list) == NodeKind::Array
            && all.peek().is_some()
            && all.all(|one| is_a_credential(&self.tape.value(one)))
    }

    /// Whether the object that holds an open container tells of an individual.
    pub(super) fn stands_beside_an_individual(&self) -> bool {
        let mut above = self.frames.iter().rev().map(|frame| frame.object);
        let holder = above.find(|id| self.tape.kind(*id) == NodeKind::Object);
        holder.is_some_and(|holder| {
            let own = Own::of(self, holder);
            own.is_an_individuals() || own.name || own.contact || own.email || own.sex
        })
    }

    /// Whether a member is the name of what may be a person: by its key or, whatever the key, by what it is.
    fn names_somebody(&self, id: NodeId) -> bool {
        self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX).any(|child| {
            let key = self.keys.get(child);
            if self.tape.kind(child) != NodeKind::String || key.says.is_a_place() {
                return false;
            }
            let (name, value) = (&key.name, self.tape.value(child));
            let is_public = || key.below.iter().any(|row| row.carry == Carry::Public);
            let is_a_town = || TOWNS.iter().any(|end| name.ends_with(end));
            let somebody = || name.ends_with("name") || is_name(&value) && !is_a_town() && !is_public();
            somebody() && !names_an_organisation(&value)
        })
    }
}

/// What a member says, by its key, of whose its object may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Says {
    #[default]
    Nothing,
    Npi,
    /// What the number beside is: `IDType`.
    NumberType,
    Credentials,
    Enumeration,
    ContactType,
    Schemas,
    Name,
    /// A business's name, whatever it says.
    Business,
    /// A company's, if it says so.
    Company,
    Account,
    Event,
    Team,
    RealName,
    /// Where an entry stands in a directory (RFC 4514).
    DirectoryName,
    /// The number of a pharmacy.
    Pharmacy,
    /// The number of what somebody works at.
    Ticket,
    /// A place's name.
    Place,
    /// The same if it names an organisation: somebody's home has a location, and an order a site.
    NamedPlace,
    /// What one who pays has.
    Payer,
}

impl Says {
    pub(super) fn of(key: &str) -> Self {
        match key {
            "npi" => Self::Npi,
            "idtype" => Self::NumberType,
            "credentials" => Self::Credentials,
            "enumerationtype" => Self::Enumeration,
            "contacttype" => Self::ContactType,
            "schemas" => Self::Schemas,
            "name" => Self::Name,
            "userprincipalname" | "samaccountname" => Self::Account,
            "objectkind" | "webhookevent" => Self::Event,
            "teamid" => Self::Team,
            "realname" => Self::RealName,
            "dn" | "distinguishedname" => Self::DirectoryName,
            "ncpdpid" | "ncpdpnumber" | "ncpdpproviderid" | "ncpdp" => Self::Pharmacy,
            "number" | "ticketnumber" | "incidentnumber" => Self::Ticket,
            _ if is_a_payers_key(key) => Self::Payer,
            "companyname" => Self::Name,
            "businessname" | "suppliername" => Self::Business,
            "company" | "organization" | "organisation" => Self::Company,
            _ if PLACES.contains(&key) => Self::Place,
            _ if NAMED_PLACES.contains(&key) => Self::NamedPlace,
            _ => Self::Nothing,
        }
    }

    const fn is_a_place(self) -> bool {
        matches!(self, Self::Place | Self::NamedPlace | Self::Business | Self::Company)
    }
}

pub(super) fn public_side(whose: Whose) -> Side {
    if whose == Whose::Provider { Side::Provider } else { Side::Organisation }
}

/// What the members of one object say that it is.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(super) struct Own {
    /// A type, or a key with an owner's word in it.
    says_individual: bool,
    /// A record, member or Medicare number.
    number: bool,
    ssn: bool,
    name: bool,
    birth: bool,
    npi: bool,
    pub(super) clinical: bool,
    /// A name of whatever has one.
    any_name: bool,
    /// An address, or a number to call.
    contact: bool,
    address: bool,
    email: bool,
    sex: bool,
}

impl Own {
    pub(super) const fn is_an_individuals(&self) -> bool {
        self.says_individual || self.number || self.ssn || self.birth || self.clinical
    }

    pub(super) fn of(walk: &Walk<'_, '_>, id: NodeId) -> Self {
        let tape = walk.tape;
        let mut own = Self::default();
        for child in tape.children(id).take(MEMBERS_LOOKED_AT_MAX) {
            let key = walk.keys.get(child);
            let full = tape.children(child).next().is_some();
            match tape.kind(child) {
                NodeKind::String | NodeKind::Number if !tape.raw(child).is_empty() => {
                    own.tell(key, &tape.value(child));
                }
                NodeKind::Object | NodeKind::Array if full => {
                    own.clinical |= key.below.iter().any(|row| row.carry == Carry::Clinical);
                    let key = &*key.name;
                    own.any_name |= matches!(key, "basic" | "name");
                    own.contact |= CONTACTS.contains(&key);
                    own.address |= key.ends_with("address") || key.ends_with("addresses");
                }
                _ => {}
            }
        }
        own
    }

    fn tell(&mut self, key: &Key<'_>, value: &str) {
        self.clinical |= key.is_clinical;
        let (key, kind) = (&*key.name, key.kind);
        self.npi |= key.ends_with("npi") && is_npi(value);
        self.any_name |= key.ends_with("name");
        // Who reports of himself.
        let himself = key.starts_with("relation") && value.eq_ignore_ascii_case("self");
        if himself
            || ROLE_KEYS.contains(&key) && INDIVIDUALS.iter().any(|word| value.eq_ignore_ascii_case(word))
        {
            self.says_individual = true;
        }
        self.sex |= matches!(key, "sex" | "gender" | "birthsex");
        // Whom a list of somebody's day calls so.
        if matches!(key, "patient" | "pt") && may_be_a_name(value) {
            (self.name, self.says_individual) = (true, true);
        }
        let Some(kind) = kind else { return };
        let of_a_patient = OWNERS.iter().any(|word| key.starts_with(word));
        match kind {
            Kind::Mrn | Kind::Mbi | Kind::MemberId => self.number = true,
            Kind::Ssn => self.ssn = true,
            Kind::BirthDate => self.birth = true,
            Kind::FullName if names_an_organisation(value) => self.any_name = true,
            Kind::FamilyName | Kind::GivenName | Kind::FullName => self.name = true,
            Kind::Phone | Kind::Street | Kind::Zip => {
                self.contact = true;
                self.address |= kind != Kind::Phone;
                return;
            }
            Kind::Email => {
                self.email = true;
                return;
            }
            _ => return,
        }
        self.says_individual |= of_a_patient;
    }
}

/// Whether a value is two to five words of letters, as a name is, the first of them with a capital.
fn may_be_a_name(value: &str) -> bool {
    let is_letter = |c: char| c.is_alphabetic() || matches!(c, ' ' | ',' | '.' | '-' | '\'' | '\u{2019}');
    value.starts_with(char::is_uppercase)
        && value.chars().all(is_letter)
        && (2..=5).contains(&value.split_whitespace().count())
}

/// Whether a name in a directory is that of one who gives care, or of where it is given (IHE ITI TF-2, 3.58.4.1.2.2.1).
fn is_in_a_provider_directory(name: &str) -> bool {
    let mut parts = name.split(',').filter_map(|part| part.trim().split_once('='));
    parts.any(|(key, value)| {
        key.trim().eq_ignore_ascii_case("ou")
            && PROVIDER_UNITS.iter().any(|unit| value.trim().eq_ignore_ascii_case(unit))
    })
}

/// Whether it is a pharmacy's number: seven digits (NCPDP).
fn is_a_pharmacys(number: &str) -> bool {
    number.len() == 7 && number.bytes().all(|b| b.is_ascii_digit())
}

/// `INC7955525`: what ServiceNow and those like it number their tickets by.
fn is_a_tickets(value: &str) -> bool {
    let digits = TICKETS.iter().find_map(|front| value.strip_prefix(front));
    digits
        .is_some_and(|digits| digits.len() >= TICKET_DIGITS_MIN && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Ten digits, the first of which is 1 or 2.
fn is_npi(value: &str) -> bool {
    value.len() == 10 && value.starts_with(['1', '2']) && value.bytes().all(|b| b.is_ascii_digit())
}

pub(super) fn names_an_organisation(name: &str) -> bool {
    let mut words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.any(|word| ORGANISATIONS.binary_search_by(|known| known.bytes().cmp(folded(word))).is_ok())
}

fn folded(word: &str) -> impl Iterator<Item = u8> {
    word.bytes().map(|b| b.to_ascii_lowercase())
}

pub(super) fn is_part_of_a_listing(key: &str) -> bool {
    let bare = ["hospital", "facility", "clinic", "location"].iter().find_map(|word| key.strip_prefix(word));
    PARTS_OF_A_LISTING.contains(&key) || bare.is_some_and(|bare| PARTS_OF_A_LISTING.contains(&bare))
}

/// Who may write of himself, though most who do work there.
const SPEAKERS: &[&str] =
    &["author", "reporter", "requestedby", "requester", "sender", "submittedby", "submitter"];
/// Incidents, items and tasks of requests, problems. Not `REQ` and `CHG`: requisitions and charges are a patient's.
const TICKETS: &[&str] = &["INC", "RITM", "SCTASK", "PRB"];
const WORKED_AT: &[&str] = &["shortdescription", "assignmentgroup", "assignedto"];
const TICKET_DIGITS_MIN: usize = 5;
const SLACK_ID_BYTES_MIN: usize = 5;
/// How the names of licences of programs begin (SPDX).
const LICENCES: &[&str] =
    &["MIT", "Apache-", "BSD-", "ISC", "MPL-", "GPL-", "LGPL-", "AGPL-", "CC0-", "CC-BY", "Unlicense"];
/// What a SAML contact is for.
const CONTACT_TYPES: &[&str] = &["technical", "support", "administrative", "billing", "other"];
/// Keys of a place's name. Not `pharmacy`, `insurer` and `employer`: somebody has one.
const PLACES: &[&str] = &[
    "clinic",
    "clinicname",
    "facility",
    "facilityname",
    "hospital",
    "hospitalname",
    "storename",
    "branchname",
    "practicename",
    "departmentname",
    "officename",
    "organizationname",
    "organisationname",
    "pharmacyname",
    "labname",
    "venuename",
    "schoolname",
];
const NAMED_PLACES: &[&str] = &["location", "locationname", "site", "sitename", "store", "branch", "venue"];
/// Ends of keys of names that people have, too.
const TOWNS: &[&str] = &["city", "town", "county", "state", "country", "province", "region"];
const PROVIDER_UNITS: &[&str] = &["HCProfessional", "HCRegulatedOrganization"];
const SCIM: &str = "urn:ietf:params:scim:";
const ROLE_KEYS: &[&str] =
    &["type", "role", "usertype", "persontype", "kind", "resourcetype", "relationship"];
/// Not `member`: of a team.
const INDIVIDUALS: &[&str] =
    &["patient", "subscriber", "beneficiary", "enrollee", "dependent", "insured", "policyholder"];
const OWNERS: &[&str] = &["patient", "subscriber", "beneficiary", "enrollee", "policyholder", "dependent"];
/// Words that names of organisations have and names of people don't; in order.
const ORGANISATIONS: &[&str] = &[
    "associates",
    "care",
    "center",
    "centre",
    "clinic",
    "clinics",
    "community",
    "company",
    "corporation",
    "dental",
    "dentistry",
    "dermatology",
    "diagnostics",
    "dialysis",
    "foundation",
    "group",
    "health",
    "healthcare",
    "hospice",
    "hospital",
    "hospitals",
    "imaging",
    "inc",
    "institute",
    "laboratories",
    "laboratory",
    "labs",
    "llc",
    "ltd",
    "medical",
    "nephrology",
    "network",
    "ophthalmology",
    "orthopaedics",
    "orthopedics",
    "partners",
    "pediatrics",
    "pharmacies",
    "pharmacy",
    "physicians",
    "pllc",
    "practice",
    "radiology",
    "regional",
    "rehabilitation",
    "services",
    "solutions",
    "specialists",
    "supplies",
    "supply",
    "system",
    "systems",
    "technologies",
    "university",
];
const CONTACTS: &[&str] = &["address", "addresses", "phone", "phones", "telecom", "contact", "contacts"];
/// What an entry of a directory has of its own.
const PARTS_OF_A_LISTING: &[&str] = &[
    "address",
    "addresses",
    "affiliations",
    "basic",
    "contact",
    "contacts",
    "credentials",
    "education",
    "email",
    "emailaddresses",
    "emails",
    "endpoints",
    "hours",
    "identifier",
    "identifiers",
    "languages",
    "license",
    "licenses",
    "location",
    "locations",
    "name",
    "names",
    "othernames",
    "owner",
    "phone",
    "phonenumber",
    "phonenumbers",
    "phones",
    "practicelocations",
    "specialties",
    "specialty",
    "taxonomies",
    "taxonomy",
    "telecom",
];

#[cfg(test)]
mod tests {
    use super::super::found::each;
    use super::*;

    #[test]
    fn every_word_of_an_organisation_is_found_in_any_case() {
        for word in ORGANISATIONS {
            for name in [word.to_uppercase(), format!("Ottilie-{word}, 4"), format!("\u{e9}t\u{e9} {word}")] {
                assert!(names_an_organisation(&name), "{name}");
            }
            for name in [&word[1..], &word[..word.len() - 1], &format!("{word}\u{e9}")] {
                let known = ORGANISATIONS.iter().any(|known| known.eq_ignore_ascii_case(name));
                assert_eq!(names_an_organisation(name), known, "{name}");
            }
        }
        assert!(!names_an_organisation(""));
    }

    const CONTACT: &str =
        r#""street":"1200 Hospital Dr","city":"Duluth","zip":"55805","phone":"218-726-5100""#;

    #[test]
    fn who_writes_of_his_own_care_is_somebody() {
        let mine = r#"{"name":"Ottilie Quispe","email":"o.quispe@gmail.com"}"#;
        let works = r#"{"name":"Ottilie Quispe","email":"oq@lakeshore.org"}"#;
        each(
            &[
                &format!(
                    r#"{{"message":{{"author":{mine},"text":"I ran out of my metformin, what should I do?"}}}}"#
                ),
                &format!(
                    r#"{{"ticket":{{"subject":"Refill","description":"I ran out of my metformin","requester":{mine}}}}}"#
                ),
                &format!(r#"{{"submitter":{mine},"complaint":"Billing for my MRI"}}"#),
            ],
            true,
        );
        each(
            &[
                &format!(r#"{{"commit":{{"author":{mine},"message":"Fix the parser"}}}}"#),
                &format!(
                    r#"{{"ticket":{{"subject":"VPN","description":"my laptop is broken","requester":{mine}}}}}"#
                ),
                &format!(
                    r#"{{"ticket":{{"subject":"Lab","description":"my lab interface is down","requester":{works}}}}}"#
                ),
            ],
            false,
        );
    }

    #[test]
    fn desks_and_companies_are_nobody() {
        each(
            &[
                r#"{"service":"intake","support":{"email":"help@lakeshore.org","phone":"719-584-4000"}}"#,
                r#"{"helpdesk":{"name":"IT Service Desk","email":"desk@lakeshore.org","phone":"719-584-4000"}}"#,
                &format!(
                    r#"{{"bill_to":{{"company":"Cedar Ridge Medical Center","email":"ap@cedarridge.org",{CONTACT}}}}}"#
                ),
                &format!(
                    r#"{{"registrant":{{"organization":"Summit Valley Health","email":"h@svh.org",{CONTACT}}}}}"#
                ),
                &format!(r#"{{"businessName":"ACME DME",{CONTACT}}}"#),
                &format!(r#"[{{"hospital":"Cedar Ridge","ceo":"Dominic Ostrander",{CONTACT}}}]"#),
            ],
            false,
        );
        each(
            &[
                r#"{"support":{"name":"Ottilie Quispe","email":"oq@lakeshore.org","phone":"719-584-4000"}}"#,
                r#"{"support":{"relationship":"sister","email":"oq@lakeshore.org","phone":"719-584-4000"}}"#,
                &format!(
                    r#"{{"bill_to":{{"name":"Ottilie Quispe","company":"Cedar Ridge Medical Center",{CONTACT}}}}}"#
                ),
                &format!(
                    r#"{{"bill_to":{{"company":"Cedar Ridge Medical Center","email":"o.quispe@gmail.com",{CONTACT}}}}}"#
                ),
                &format!(r#"{{"businessName":"ACME DME","contact":"Ottilie Quispe",{CONTACT}}}"#),
            ],
            true,
        );
    }

    #[test]
    fn a_provider_by_number_or_credentials_is_nobody_under_any_key() {
        let model = r#""Meta":{"DataModel":"Notes","EventType":"New"},"Patient":{"Identifiers":[]}"#;
        let name = r#""FirstName":"Angela","LastName":"Hensley""#;
        let reached = r#""Address":{"StreetAddress":"915 E 1st St","ZIP":"55805"},"EmailAddresses":["ah@lakewalk.org"],"PhoneNumber":{"Office":"+12187864411"},"Location":{"Facility":"Lakewalk"}"#;
        let npi = r#""ID":"1497758544","IDType":"NPI""#;
        let note =
            |key: &str, of: &str| format!(r#"{{{model},"Note":{{"{key}":{{{of},{name},{reached}}}}}}}"#);
        each(
            &[
                &note("ReferredTo", npi),
                &note("ReferredTo", r#""Credentials":["MD","PhD"]"#),
                &note("OrderedBy", r#""Type":"Physician""#),
                &format!(r#"{{{model},"Note":{{"Notifications":[{{{name},{reached}}}]}}}}"#),
                &format!(r#"{{"escalation":[{{{npi},{name},{reached}}}]}}"#),
            ],
            false,
        );
        each(
            &[
                // Not a provider's number, and what no provider has beside his.
                &note("ReferredTo", r#""ID":"1497758545","IDType":"NPI""#),
                &note("ReferredTo", r#""ID":"1497758544","IDType":"MR""#),
                &note("ReferredTo", r#""Credentials":["none"]"#),
                &note("ReferredTo", r#""Credentials":[]"#),
                &note("ReferredTo", &format!(r#"{npi},"MRN":"8834127""#)),
                &note("ReferredTo", r#""Credentials":["MD"],"DOB":"1971-04-02""#),
                &note("OrderedBy", r#""MRN":"8834127""#),
                // A patient may give care himself.
                &format!(r#"{{"patient":{{{name},{reached},"Credentials":["RN"]}}}}"#),
                &format!(r#"{{"patient":{{"Demographics":{{{name},{reached},"Credentials":["RN"]}}}}}}"#),
                &format!(
                    r#"{{{model},"Note":{{"Observer":{{{npi},{name},"Patient":{{{name},"DOB":"1971-04-02"}}}}}}}}"#
                ),
            ],
            true,
        );
    }

    #[test]
    fn entries_of_provider_directories_and_pharmacies_are_nobody() {
        let own = r#""cn":["Angela Hensley"],"sn":["Hensley"],"givenName":["Angela"],"mail":["ah@lakewalk.org"],"telephoneNumber":["218-786-4411"]"#;
        let dn = |unit: &str| format!(r#""dn":"uid=1497758544,ou={unit},dc=HPD""#);
        let pharmacy = r#""address":"1202 E Superior St","zip":"55802","phone":"218-724-4412""#;
        each(
            &[
                &format!(r#"{{{},"attributes":{{{own}}}}}"#, dn("HCProfessional")),
                &format!(r#"[{{{},{own}}}]"#, dn("hcRegulatedOrganization")),
                &format!(r#"[{{"ncpdpId":"2403117","name":"Superior Drug",{pharmacy}}}]"#),
            ],
            false,
        );
        each(
            &[
                &format!(r#"{{{},"attributes":{{{own}}}}}"#, dn("Patients")),
                &format!(r#"{{{},"attributes":{{{own},"ssn":"541-72-6638"}}}}"#, dn("HCProfessional")),
                &format!(r#"[{{"ncpdpId":"2403117","name":"Barbara Miller",{pharmacy}}}]"#),
                &format!(r#"[{{"name":"Superior Drug",{pharmacy},"ncpdpId":"2403117"}}]"#),
                &format!(r#"[{{"ncpdpId":"2403117","name":"Superior Drug",{pharmacy},"dob":"1971-04-02"}}]"#),
            ],
            true,
        );
    }

    #[test]
    fn roles_in_front_of_keys_and_of_objects_are_nobody() {
        each(
            &[
                r#"{"providerName":"Ruth Falkenberg","providerNpi":"1528060753","providerPhone":"719-584-4471","providerEmail":"rf@svh.org"}"#,
                r#"{"manager_name":"Helen Ibarra","manager_email":"hi@svh.org"}"#,
                r#"{"firstName":"Bridget","lastName":"Zztest","dob":"1970-02-16","phone":"419-555-0143","orderingProviderPhone":"419-345-6789"}"#,
                r#"{"phlebotomist":{"name":"Gregory Ibarra","email":"gi@baxter.com","phone":"847-948-2000"}}"#,
                r#"{"signers":[{"name":"Dominic Ostrander","email":"do@svh.org","title":"CIO","company":"Summit Valley Health"}]}"#,
                r#"{"status":"ACTIVE","profile":{"firstName":"Ruth","lastName":"Falkenberg","email":"rf@svh.org","login":"rf@svh.org","mobilePhone":"719-584-4471","title":"RN","department":"ICU"}}"#,
            ],
            false,
        );
        each(
            &[
                r#"{"providerName":"Ruth Falkenberg","firstName":"Ottilie","lastName":"Quispe","phone":"719-584-4471","email":"oq@svh.org"}"#,
                r#"{"providerPhone":"Ottilie Quispe, DOB 04/02/1971, SSN 418-52-7731"}"#,
                r#"{"driver":{"name":"Ottilie Quispe","dob":"1971-04-02","phone":"847-948-2000"}}"#,
                r#"{"name":"Ottilie Quispe","email":"o.quispe@gmail.com","title":"CIO","company":"Summit Valley Health"}"#,
                r#"{"name":"Ottilie Quispe","email":"oq@svh.org","jobTitle":"Nurse","company":"Summit","dob":"1971-04-02"}"#,
            ],
            true,
        );
    }
}
