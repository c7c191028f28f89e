//! Adding up: whose each piece of evidence is in the end, and what each person comes to.

use super::again::Again;
use super::person::{agree, is_name, is_number, is_of_the_message};
use super::{Evidence, Scorer};
use crate::inspect::finding::{Counted, Finding, Findings, Part};
use crate::inspect::format::Format;
use crate::inspect::kind::Kind;
use crate::inspect::marker::Sign;
use crate::inspect::walk::{PersonId, Role};

/// Numbers of evidence, person by person, each one's in order.
#[derive(Default)]
pub(super) struct ByPerson {
    numbers: Vec<usize>,
    /// Where each person's begin, and one behind the last.
    starts: Vec<usize>,
}

impl ByPerson {
    pub(super) fn of(&self, person: PersonId) -> &[usize] {
        let person = person.0 as usize;
        let bounds = self.starts.get(person).zip(self.starts.get(person.saturating_add(1)));
        bounds.and_then(|(from, to)| self.numbers.get(*from..*to)).unwrap_or_default()
    }
}

impl Scorer<'_> {
    /// Adds up, and tells what was found.
    #[must_use]
    pub fn finish(mut self, head: Option<PersonId>) -> Findings {
        self.ends();
        let owner = self.owners(head);
        for evidence in &mut self.evidence {
            if let Some(to) = owner.get(evidence.person.0 as usize) {
                evidence.person = *to;
            }
        }
        self.find_clinical(&owner);
        self.find_known(&owner);
        self.join_facts(&owner);
        self.suppress();
        let mut clinical = vec![false; self.people.len()];
        for (from, draft) in self.people.iter().enumerate() {
            let to = owner.get(from).map_or(from, |to| to.0 as usize);
            if let Some(flag) = clinical.get_mut(to) {
                *flag |= draft.clinical;
            }
        }
        let dummies = self.never_issued();
        let mut persons = Vec::with_capacity(self.people.len());
        let mut index: Vec<Option<usize>> = vec![None; self.people.len()];
        let by_person = self.by_person();
        let mut told = Vec::with_capacity(self.people.len());
        for id in (0..self.people.len()).map(|n| PersonId(u32::try_from(n).unwrap_or(u32::MAX - 1))) {
            let own = by_person.of(id);
            if own.is_empty() {
                continue;
            }
            let is_clinical = clinical.get(id.0 as usize).copied().unwrap_or(false);
            let of_text = self.people.get(id.0 as usize).is_some_and(|draft| draft.of_text);
            // Of whom there are facts it is asked whether production knows them, whatever counts for nothing.
            let is_asked = self.facts.contains_key(&id);
            let counts = |at: &usize| self.evidence.get(*at).is_some_and(|e| is_asked || !e.suppressed);
            if !own.iter().any(|at| counts(at) && (of_text || self.tells_who(*at))) {
                continue;
            }
            // Who is known from text alone isn't somebody else in another's text: then the text is what is judged. A
            // reference to somebody says nothing of who that is.
            let of_own = || own.iter().filter_map(|at| self.evidence.get(*at));
            let only_text = of_own().all(|e| e.free_text || e.kind == Kind::ResourceId)
                || !of_text && self.only_carries(own);
            let is_referred = only_text && !of_text && of_own().any(|e| e.free_text);
            for at in own.iter().filter(|_| only_text) {
                if let Some(evidence) = self.evidence.get_mut(*at) {
                    evidence.free_text = false;
                }
            }
            if of_text || is_referred {
                self.part_text(own);
            }
            self.weigh_name_by_birth_date(own);
            if let Some(slot) = index.get_mut(id.0 as usize) {
                *slot = Some(persons.len());
            }
            let generator = self.people.get(id.0 as usize).is_some_and(|draft| draft.generator);
            persons.push(self.judge_person(id, own, is_clinical, generator, &dummies));
            told.push(id);
        }
        let mut again = Again::default();
        // One who is alone, and counts, comes for the first time.
        let alone = matches!(persons.as_slice(), [person] if person.points.0 > 0);
        for (id, person) in told.into_iter().zip(&mut persons).filter(|_| !alone) {
            person.again = again.counts_again(&self.evidence, by_person.of(id), person);
        }
        let findings = self
            .evidence
            .into_iter()
            .map(|e| {
                let person = index.get(e.person.0 as usize).copied().flatten();
                let counted = match person {
                    _ if e.suppressed => Counted::Suppressed,
                    None => Counted::NotThePatient,
                    Some(_) => e.finding.counted,
                };
                Finding { person, counted, ..e.finding }
            })
            .collect();
        Findings {
            format: Format::Empty,
            findings,
            persons,
            uninspected: self.uninspected,
            declared: self.declared,
            off_path: self.off_path,
            scanned_bytes: self.scanned,
        }
    }

    /// A name that the lists know weighs as one that is introduced where it is told when its person was born.
    fn weigh_name_by_birth_date(&mut self, own: &[usize]) {
        let of_own = || own.iter().filter_map(|at| self.evidence.get(*at));
        let somebody = self.rules.markers.weights.names_somebody;
        let (name, birth) = (Kind::FullName.points(), Kind::BirthDate.points());
        let is_listed =
            |e: &Evidence| e.kind == Kind::FullName && (somebody..name).contains(&e.judged.points);
        if !of_own().any(is_listed)
            || !of_own().any(|e| e.kind == Kind::BirthDate && e.judged.points >= birth)
        {
            return;
        }
        for at in own {
            if let Some(e) = self.evidence.get_mut(*at).filter(|e| is_listed(e)) {
                (e.full, e.judged.points) = (name, name);
            }
        }
    }

    /// Marks what counts for nothing on this connection.
    fn suppress(&mut self) {
        let suppressed = &self.rules.suppressed;
        if suppressed.is_empty() {
            return;
        }
        let now = i64::try_from(crate::clock::unix_ms() / 1000).unwrap_or(i64::MAX);
        for evidence in &mut self.evidence {
            evidence.suppressed = suppressed.covers(&evidence.finding, now);
        }
    }

    /// Whether a piece of evidence says that there is somebody: a date of care or a trait alone is of nobody.
    pub(super) fn tells_who(&self, at: usize) -> bool {
        self.evidence.get(at).is_some_and(|e| {
            !matches!(e.kind, Kind::ServiceDate | Kind::Trait | Kind::GroupNo)
                && e.judged.sign != Sign::Placeholder
        })
    }

    /// Whether all that the fields of one say is about the text that they carry, and about whom that is: when it was written, how
    /// its file is called, what was ordered, what is counted up for it, and the name that it has itself. In the text a number that is no
    /// contact has to say that nobody has it, or that somebody typed it as a dummy beside another such number.
    fn only_carries(&self, own: &[usize]) -> bool {
        let of_own = || own.iter().filter_map(|at| self.evidence.get(*at));
        // As near every text has none, nothing more is asked.
        let signed = || of_own().filter(|e| e.free_text && is_number(e.kind) && e.judged.sign >= Sign::Habit);
        let is_contact = |e: &Evidence| matches!(e.kind, Kind::Phone | Kind::Fax | Kind::Email);
        let is_another = |e: &Evidence| signed().any(|other| *other.keys != *e.keys);
        let says_nobody =
            |e: &Evidence| !is_contact(e) && e.tells && (e.judged.sign == Sign::Sure || is_another(e));
        if !signed().take(NUMBERS_ASKED_MAX).any(says_nobody) {
            return false;
        }
        let names = || of_own().filter(|e| e.free_text && e.kind == Kind::FullName).map(|e| &*e.keys);
        let has = |word: &String| word.chars().count() < 2 || names().any(|name| name.contains(word));
        of_own().all(|e| match e.kind {
            _ if e.free_text => true,
            Kind::ResourceId | Kind::ServiceDate | Kind::OrderNumber | Kind::FileName => true,
            Kind::VisitNumber | Kind::ClaimId | Kind::OtherId => is_of_the_message(e),
            Kind::FullName => names().any(|name| agree(&e.keys, name)),
            Kind::FamilyName | Kind::GivenName => !e.keys.is_empty() && e.keys.iter().all(has),
            _ => e.judged.sign == Sign::Placeholder,
        })
    }

    /// Who each numbered person is in the end: a relative that agrees with the patient by name or number is the
    /// patient, as is one of whom nothing but a cover's number is told, and the head's person is the body's where the body has exactly one and neither says otherwise.
    pub(super) fn owners(&self, head: Option<PersonId>) -> Vec<PersonId> {
        let count = u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1);
        let mut owner: Vec<PersonId> = (0..count).map(PersonId).collect();
        let relatives = self.people.iter().any(|draft| matches!(draft.role, Role::RelativeOf(_)));
        let has_others = head.is_some() || self.form.is_some();
        let by_person = if relatives || has_others { self.by_person() } else { ByPerson::default() };
        for (from, draft) in self.people.iter().enumerate() {
            if let Role::RelativeOf(patient) = draft.role
                && let Ok(id) = u32::try_from(from)
                && (self.is_a_number_of_cover(&by_person, PersonId(id))
                    || self.agree(&by_person, PersonId(id), patient))
                && let Some(slot) = owner.get_mut(from)
            {
                *slot = patient;
            }
        }
        if has_others {
            let mut in_body: Vec<PersonId> = Vec::new();
            for e in self.evidence.iter().filter(|e| e.finding.part == Part::Body) {
                // What one person has mostly stands together.
                if e.person != PersonId::NOBODY
                    && in_body.last() != Some(&e.person)
                    && matches!(self.people.get(e.person.0 as usize).map(|d| d.role), Some(Role::Patient))
                {
                    in_body.push(e.person);
                }
            }
            in_body.sort_unstable();
            in_body.dedup();
            if in_body.len() > 1 {
                in_body.retain(|person| Some(*person) != self.form);
            }
            if let [only] = in_body.as_slice() {
                for same in [head, self.form].into_iter().flatten() {
                    if !self.contradict(&by_person, same, *only)
                        && let Some(slot) = owner.get_mut(same.0 as usize)
                    {
                        *slot = *only;
                    }
                }
            }
        }
        owner
    }

    /// Whether all that is told of somebody is the number of a cover: whoever holds it, it covers the patient.
    fn is_a_number_of_cover(&self, by_person: &ByPerson, person: PersonId) -> bool {
        let mut own = by_person.of(person).iter().filter_map(|at| self.evidence.get(*at)).peekable();
        own.peek().is_some() && own.all(|e| !e.free_text && matches!(e.kind, Kind::MemberId | Kind::Mbi))
    }

    /// Which evidence is of whom.
    pub(super) fn by_person(&self) -> ByPerson {
        let people = self.people.len();
        // How much each has, moved one on; then where each one's begins.
        let mut starts = vec![0; people + 1];
        for evidence in &self.evidence {
            if let Some(count) = starts.get_mut((evidence.person.0 as usize).saturating_add(1)) {
                *count += 1;
            }
        }
        let mut before = 0;
        for start in &mut starts {
            before += *start;
            *start = before;
        }
        let mut numbers = vec![0; before];
        let mut next = starts.clone();
        for (at, evidence) in self.evidence.iter().enumerate() {
            let person = evidence.person.0 as usize;
            if person < people
                && let Some(next) = next.get_mut(person)
                && let Some(slot) = numbers.get_mut(*next)
            {
                *slot = at;
                *next += 1;
            }
        }
        ByPerson { numbers, starts }
    }

    /// Whether two people agree by full name or by a number.
    fn agree(&self, by_person: &ByPerson, one: PersonId, other: PersonId) -> bool {
        let of = |person: PersonId| by_person.of(person).iter().filter_map(|at| self.evidence.get(*at));
        let name = |person: PersonId| self.words_of(by_person, person, is_name);
        let numbers = |person: PersonId| {
            of(person)
                .filter(|e| {
                    !e.free_text
                        && is_number(e.kind)
                        && !matches!(
                            e.kind,
                            Kind::Phone
                                | Kind::Email
                                | Kind::Fax
                                | Kind::ClaimId
                                | Kind::Device
                                | Kind::Vehicle
                                | Kind::OtherId
                        )
                })
                .flat_map(|e| e.keys.iter())
        };
        agree(&name(one), &name(other)) || numbers(one).any(|n| numbers(other).any(|o| o == n))
    }

    /// Whether two people have other names or birth dates: a search may have a part of a name, or its beginning.
    fn contradict(&self, by_person: &ByPerson, one: PersonId, other: PersonId) -> bool {
        let words = |is_of: fn(Kind) -> bool| {
            let [one, other] = [one, other].map(|person| self.words_of(by_person, person, is_of));
            if one.len() <= other.len() { (one, other) } else { (other, one) }
        };
        let begins = |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
        let (few, many) = words(is_name);
        let (dates, others) = words(|kind| kind == Kind::BirthDate);
        !few.iter().all(|word| many.iter().any(|other| begins(word, other)))
            || !dates.is_empty() && !dates.iter().any(|date| others.contains(date))
    }

    /// What one person has of such kinds in fields, each once.
    fn words_of(&self, by_person: &ByPerson, person: PersonId, is_of: fn(Kind) -> bool) -> Vec<String> {
        let own = by_person.of(person).iter().filter_map(|at| self.evidence.get(*at));
        let mut words: Vec<String> =
            own.filter(|e| !e.free_text && is_of(e.kind)).flat_map(|e| e.keys.iter().cloned()).collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// Of so many numbers of a text it is asked whether nobody has them.
const NUMBERS_ASKED_MAX: usize = 64;
