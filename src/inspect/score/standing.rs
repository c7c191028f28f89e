//! The scorer's side of known people: keeps each person's facts, and asks who is known once all is read.

use super::person::add_up;
use super::{Evidence, Facts, Known, PersonId, Scorer};
use crate::inspect::finding::Person;
use crate::inspect::hash::Keyed;
use crate::inspect::kind::{Kind, Points};
use crate::inspect::known::{Remember, Standing};
use crate::inspect::marker::{Judged, Sign};
use std::collections::HashSet;

impl<'r> Scorer<'r> {
    /// Asks `known` about people from here on.
    pub fn ask_known(&mut self, known: Option<&'r dyn Known>) {
        self.known = known.filter(|k| k.knows_anybody() || k.remember() != Remember::Nobody);
    }

    /// Keeps what a structured field says; the evidence that it makes comes next.
    pub(super) fn tell_fact(&mut self, person: PersonId, kind: Kind, value: &str, sign: Sign, place: &str) {
        if self.known.is_some() && person != PersonId::NOBODY && sign != Sign::Placeholder {
            let at = self.evidence.len();
            self.facts.entry(person).or_default().tell(kind, value, place, at);
        }
    }

    /// Gives the facts of one person under several numbers to that person.
    pub(super) fn join_facts(&mut self, owner: &[PersonId]) {
        if self.facts.is_empty() {
            return;
        }
        let mut told: Vec<(PersonId, Facts)> = self.facts.drain().collect();
        told.sort_by_key(|(person, _)| *person);
        for (from, facts) in told {
            let to = owner.get(from.0 as usize).copied().unwrap_or(from);
            self.facts.entry(to).or_default().absorb(facts);
        }
    }

    /// Adds one person up, in the light of who is known.
    /// A number that is the person's social security number, too, is judged as that: one that was never issued is no more
    /// somebody's where it stands for a member.
    fn same_number(&mut self, own: &[usize], dummies: &HashSet<String, Keyed>) {
        let numbers: Vec<(String, Judged)> = own
            .iter()
            .filter_map(|at| self.evidence.get(*at))
            .filter(|e| e.kind == Kind::Ssn && !e.free_text && e.judged.points.0 == 0)
            .filter(|e| matches!(e.judged.sign, Sign::Sure | Sign::Habit | Sign::SureWithAnother))
            .filter_map(|e| Some((e.keys.first()?.clone(), e.judged)))
            .collect();
        if numbers.is_empty() && dummies.is_empty() {
            return;
        }
        for at in own {
            let Some(e) = self.evidence.get_mut(*at) else { continue };
            let may_be = matches!(
                e.kind,
                Kind::MemberId | Kind::NationalId | Kind::OtherId | Kind::Mrn | Kind::Account
            );
            if may_be
                && e.judged.sign == Sign::None
                && let Some(key) = e.keys.first()
            {
                match numbers.iter().find(|(number, _)| number == key) {
                    Some((_, judged)) => e.judged = *judged,
                    None if dummies.contains(key) => {
                        (e.judged.points, e.judged.sign) = (Points(0), Sign::Placeholder);
                    }
                    None => {}
                }
            }
        }
    }

    /// Social security numbers of anybody in the message that were never issued: as the number of another, who has cover by the
    /// same member, one weighs nothing, and says nothing of him either.
    pub(super) fn never_issued(&self) -> HashSet<String, Keyed> {
        let never = |e: &&Evidence| {
            e.kind == Kind::Ssn && !e.free_text && e.judged.points.0 == 0 && e.judged.sign == Sign::Sure
        };
        self.evidence.iter().filter(never).filter_map(|e| e.keys.first().cloned()).collect()
    }

    pub(super) fn judge_person(
        &mut self,
        id: PersonId,
        own: &[usize],
        clinical: bool,
        generator: bool,
        dummies: &HashSet<String, Keyed>,
    ) -> Person {
        self.same_number(own, dummies);
        let known = self.known.zip(self.facts.get(&id));
        let standing = known.map(|(known, facts)| Standing::of(facts, known)).unwrap_or_default();
        let mut person = add_up(
            &mut self.evidence,
            own,
            clinical,
            generator,
            &standing,
            self.rules.markers.weights.dummy_name,
        );
        if let Some((known, facts)) = known {
            let wanted = match known.remember() {
                Remember::Nobody => false,
                Remember::Unknown => person.made_up.is_none() && !standing.real && person.points.0 > 0,
                Remember::Everybody => !standing.listed,
            };
            if wanted {
                person.tags = facts.listing(known);
                person.prints = facts.prints(known);
            }
        }
        person
    }
}
