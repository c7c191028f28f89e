//! Whose a segment is (the guides' loops, told by what opens them): HL levels, INS, CLP and ENT open a person; NM1 and
//! N1 name one; CLM, LX, HD and the like return to the person of the level.

use super::super::{PersonId, Role, Sink};
use super::conditions::Subject;
use crate::inspect::kind::Whose;

/// Who is whom in the current transaction set.
#[derive(Default)]
pub(super) struct People<'d> {
    next: u32,
    /// Who holds the cover: HL 22, INS, ENT, NM1*IL.
    subscriber: Option<Someone<'d>>,
    /// Who is treated: HL 23, CLP, NM1*QC, NM1*03.
    patient: Option<Someone<'d>>,
    /// Who holds another cover of the same patient: SBR inside a claim (2320, 2330A).
    other: Option<Someone<'d>>,
    relative: Option<PersonId>,
    /// Whose text is that stands where there is nobody.
    stray: Option<PersonId>,
    current: Owner,
    in_claim: bool,
    in_levels: bool,
}

/// To whom a segment belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follows {
    /// To whom the last NM1 or N1 named: addresses, contacts, references.
    Named,
    /// To him, if he is a person of the level or a relative: birth date and sex.
    Person,
    /// To the person of the level: claims, services, dates, texts.
    Level,
}

/// Whose the segments are that follow an NM1 or N1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Owner {
    #[default]
    Nobody,
    Subscriber,
    Patient,
    Other,
    Relative,
    Provider,
    Place,
}

/// A person of a level: announced when a first leaf needs him, named when an NM1 comes.
#[derive(Debug, Clone, Default)]
struct Someone<'d> {
    id: Option<PersonId>,
    named: Option<Name<'d>>,
    level: &'d str,
}

/// What an NM1 says of who somebody is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Name<'d> {
    pub(super) family: &'d str,
    pub(super) given: &'d str,
    /// `JR`: what tells a father from his son.
    pub(super) suffix: &'d str,
    pub(super) number: &'d str,
}

impl<'d> People<'d> {
    /// ST, and whatever else ends a set.
    pub(super) fn begin_set(&mut self) {
        *self = Self { next: self.next, ..Self::default() };
    }

    /// HL: a level begins.
    pub(super) fn level(&mut self, code: &str, id: &'d str, parent: &str) {
        self.in_levels = true;
        self.in_claim = false;
        self.other = None;
        self.relative = None;
        let someone = Some(Someone { level: id, ..Someone::default() });
        match code {
            "22" => (self.subscriber, self.patient, self.current) = (someone, None, Owner::Subscriber),
            "23" | "PT" => (self.patient, self.current) = (someone, Owner::Patient),
            // Events, services and line items belong to whom they hang from.
            "EV" | "SS" | "CL" | "I" => {
                if !parent.is_empty() && self.subscriber.as_ref().is_some_and(|s| s.level == parent) {
                    self.patient = None;
                }
                self.current = self.of_level();
            }
            // Who serves a patient may hang from him.
            _ if self.hangs_from_person(parent) => self.current = Owner::Provider,
            _ => (self.subscriber, self.patient, self.current) = (None, None, Owner::Nobody),
        }
    }

    fn hangs_from_person(&self, parent: &str) -> bool {
        let is = |someone: &Option<Someone<'d>>| someone.as_ref().is_some_and(|s| s.level == parent);
        !parent.is_empty() && (is(&self.patient) || is(&self.subscriber))
    }

    /// INS of an enrolment, ENT of a premium payment: a member begins.
    pub(super) fn member(&mut self) {
        self.begin_person();
        self.subscriber = Some(Someone::default());
        self.current = Owner::Subscriber;
    }

    /// Whether levels tell who begins: then an INS is but a remark.
    pub(super) fn has_levels(&self) -> bool {
        self.in_levels
    }

    /// CLP: a claim of a remittance, and with it its patient; `ahead` is whom its NM1*QC will name. The patient of the
    /// claim before goes on where name and number are the same.
    pub(super) fn paid_claim(&mut self, ahead: Option<Name<'d>>) {
        let before = self.patient.take();
        self.begin_person();
        self.in_claim = false;
        let same = before.filter(|b| b.named.is_some_and(|name| ahead == Some(name) && name.is_full()));
        self.patient = Some(same.unwrap_or_default());
        self.current = Owner::Patient;
    }

    /// CLM: a claim for the person of the level.
    pub(super) fn claim(&mut self) {
        self.other = None;
        self.back();
        self.in_claim = true;
        if self.current == Owner::Nobody {
            self.subscriber = Some(Someone::default());
            self.current = Owner::Subscriber;
        }
    }

    /// SBR: the subscriber's cover; inside a claim another one, whose holder `ahead` is named by the NM1*IL to come.
    pub(super) fn cover(&mut self, ahead: Option<Name<'d>>) {
        if !self.in_claim {
            if self.subscriber.is_some() {
                self.current = Owner::Subscriber;
            }
            return;
        }
        self.other = None;
        self.current = ahead.and_then(|name| self.known(name)).unwrap_or_else(|| {
            self.other = Some(Someone::default());
            Owner::Other
        });
    }

    /// A segment that belongs to the level again, whatever was named before it.
    pub(super) fn back(&mut self) {
        self.relative = None;
        self.current = self.of_level();
    }

    /// The end of what is said of people: sums of providers, trailers.
    pub(super) fn leave(&mut self) {
        self.begin_person();
        self.current = Owner::Nobody;
    }

    /// NM1 or N1: `whose` by its code.
    pub(super) fn name(&mut self, code: &str, whose: Whose, name: Name<'d>) {
        self.relative = None;
        self.current = match whose {
            Whose::Patient | Whose::Any => match code {
                "QC" | "03" => self.name_patient(name),
                "IL" | "P2" => self.name_subscriber(name),
                // Corrected and former names, mailing addresses and employers of the same member.
                _ => self.name_again(name),
            },
            // A relative who bears the name or number of somebody here is he.
            Whose::Relative => self.known_to_be(name, true).unwrap_or(Owner::Relative),
            Whose::Provider | Whose::Organisation if PLACES.contains(&code) => Owner::Place,
            Whose::Provider | Whose::Organisation => Owner::Provider,
        };
    }

    fn name_subscriber(&mut self, name: Name<'d>) -> Owner {
        if let Some(other) = self.other.as_mut().filter(|other| other.named.is_none()) {
            other.named = Some(name);
            return Owner::Other;
        }
        if let Some(owner) = self.known(name) {
            return owner;
        }
        match &mut self.subscriber {
            Some(subscriber) if subscriber.named.is_none() && !self.in_claim => {
                subscriber.named = Some(name);
                Owner::Subscriber
            }
            Some(_) if self.in_levels => {
                self.other = Some(Someone::of(name));
                Owner::Other
            }
            // Without levels each name is somebody else: members of a premium payment.
            _ => {
                self.subscriber = Some(Someone::of(name));
                Owner::Subscriber
            }
        }
    }

    fn name_patient(&mut self, name: Name<'d>) -> Owner {
        if let Some(owner) = self.known(name) {
            if owner == Owner::Subscriber
                && self.patient.as_ref().is_some_and(|p| p.named.is_none() && p.id.is_none())
            {
                self.patient = None;
            }
            return owner;
        }
        // Another payer's number for the patient of the claim (2330C).
        if self.in_claim && name.family.is_empty() && self.of_level() != Owner::Nobody {
            return self.of_level();
        }
        match (&mut self.patient, &mut self.subscriber) {
            (Some(patient), _) if patient.named.is_none() => {
                patient.named = Some(name);
                return Owner::Patient;
            }
            // A level of a subscriber who is called patient.
            (None, Some(subscriber)) if subscriber.named.is_none() => {
                subscriber.named = Some(name);
                return Owner::Subscriber;
            }
            _ => {}
        }
        self.patient = Some(Someone::of(name));
        Owner::Patient
    }

    fn name_again(&mut self, name: Name<'d>) -> Owner {
        let owner = match self.of_level() {
            Owner::Nobody => {
                self.subscriber = Some(Someone::default());
                Owner::Subscriber
            }
            owner => owner,
        };
        if let Some(someone) = self.someone(owner).filter(|s| s.named.is_none() && name.is_full()) {
            someone.named = Some(name);
        }
        owner
    }

    /// Who of those that are known has this name.
    fn known(&self, name: Name<'d>) -> Option<Owner> {
        self.known_to_be(name, false)
    }

    fn known_to_be(&self, name: Name<'d>, by_number: bool) -> Option<Owner> {
        let is = |someone: &Option<Someone<'d>>| {
            let known = someone.as_ref().and_then(|s| s.named);
            known.is_some_and(|known| known.agrees(&name) || by_number && same(known.number, name.number))
        };
        [(Owner::Patient, &self.patient), (Owner::Subscriber, &self.subscriber), (Owner::Other, &self.other)]
            .into_iter()
            .find(|(_, someone)| is(someone))
            .map(|(owner, _)| owner)
    }

    fn begin_person(&mut self) {
        (self.subscriber, self.patient, self.other) = (None, None, None);
        (self.relative, self.stray) = (None, None);
        self.in_claim = false;
    }

    fn of_level(&self) -> Owner {
        match (&self.patient, &self.subscriber) {
            (Some(_), _) => Owner::Patient,
            (None, Some(_)) => Owner::Subscriber,
            (None, None) => Owner::Nobody,
        }
    }

    /// Whose a segment is.
    pub(super) fn subject(&self, follows: Follows) -> Subject {
        match self.owner(follows) {
            Owner::Subscriber | Owner::Patient | Owner::Other => Subject::Patient,
            Owner::Relative => Subject::Relative,
            Owner::Provider => Subject::Provider,
            Owner::Place => Subject::Place,
            Owner::Nobody => Subject::Nobody,
        }
    }

    fn owner(&self, follows: Follows) -> Owner {
        match (self.current, follows) {
            (Owner::Relative, Follows::Level) => self.of_level(),
            (Owner::Provider | Owner::Place | Owner::Nobody, Follows::Level | Follows::Person) => {
                self.of_level()
            }
            (owner, _) => owner,
        }
    }

    /// The person to whom a value belongs; announced on demand.
    pub(super) fn person(&mut self, follows: Follows, sink: &mut dyn Sink) -> PersonId {
        let owner = match self.owner(follows) {
            Owner::Provider | Owner::Place => self.of_level(),
            owner => owner,
        };
        if owner == Owner::Relative {
            return self.relative(sink);
        }
        let known = match self.someone(owner) {
            Some(someone) => someone.id,
            None => self.stray,
        };
        if let Some(id) = known {
            return id;
        }
        let id = self.announce(Role::Patient, sink);
        match self.someone(owner) {
            Some(someone) => someone.id = Some(id),
            None => self.stray = Some(id),
        }
        id
    }

    /// The person, if one was announced: for values that say nothing about who somebody is.
    pub(super) fn person_if_any(&self, follows: Follows) -> PersonId {
        let of = |someone: &Option<Someone<'d>>| someone.as_ref().and_then(|s| s.id);
        match self.owner(follows) {
            Owner::Subscriber => of(&self.subscriber),
            Owner::Patient => of(&self.patient),
            Owner::Other => of(&self.other),
            Owner::Relative => self.relative,
            _ => None,
        }
        .unwrap_or(PersonId::NOBODY)
    }

    fn relative(&mut self, sink: &mut dyn Sink) -> PersonId {
        if let Some(id) = self.relative {
            return id;
        }
        // Whether he is the patient was asked when he was named.
        let id = self.announce(Role::Relative, sink);
        self.relative = Some(id);
        id
    }

    fn announce(&mut self, role: Role, sink: &mut dyn Sink) -> PersonId {
        let id = PersonId(self.next);
        self.next = self.next.saturating_add(1);
        sink.person(id, role);
        id
    }

    fn someone(&mut self, owner: Owner) -> Option<&mut Someone<'d>> {
        match owner {
            Owner::Subscriber => self.subscriber.as_mut(),
            Owner::Patient => self.patient.as_mut(),
            Owner::Other => self.other.as_mut(),
            _ => None,
        }
    }
}

impl<'d> Someone<'d> {
    fn of(name: Name<'d>) -> Self {
        Self { named: Some(name), ..Self::default() }
    }
}

impl Name<'_> {
    /// Family and given name.
    fn is_full(&self) -> bool {
        !self.family.is_empty() && !self.given.is_empty()
    }

    /// Whether two NM1 mean one person: by full name, or by number where one of them tells no full name. A number
    /// alone says little beside two names: a family shares its member id.
    fn agrees(&self, other: &Self) -> bool {
        if self.is_full() && other.is_full() {
            return same(self.family, other.family)
                && same(self.given, other.given)
                && (same(self.suffix, other.suffix) || self.suffix.is_empty() || other.suffix.is_empty());
        }
        let family = same(self.family, other.family) || self.family.is_empty() || other.family.is_empty();
        let given = same(self.given, other.given) || self.given.is_empty() || other.given.is_empty();
        same(self.number, other.number) && family && given
    }
}

fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && a.eq_ignore_ascii_case(b)
}

/// Where an ambulance took somebody up or set him down; a member's drop-off.
const PLACES: [&str; 2] = ["PW", "45"];
