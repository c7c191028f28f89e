//! People that come again: lines and rows are told apart, and the same patient has many of them. What is counted over
//! the message (`bulk`) is people.

use super::Evidence;
use crate::inspect::finding::Person;
use crate::inspect::hash::Map;
use crate::inspect::kind::Kind;

/// Who was counted before.
#[derive(Default)]
pub(super) struct Again<'e> {
    /// The most points, with clinical content and without it.
    numbers: Map<(Kind, &'e str, bool), u16>,
    named: Map<(Vec<&'e str>, bool), u16>,
}

impl<'e> Again<'e> {
    /// Whether an earlier person has each number of this one that only one person has; of one without such a number, the
    /// same names and birth date. One without either is new, and so is one of whom more is told than before: an opaque
    /// id may come first, and the name with it later.
    pub(super) fn counts_again(&mut self, evidence: &'e [Evidence], own: &[usize], person: &Person) -> bool {
        let (points, clinical) = (person.points.0, person.clinical);
        let counted = || own.iter().filter_map(|at| evidence.get(*at)).filter(|e| e.finding.points.0 > 0);
        let numbers = || {
            counted()
                .filter(|e| is_one_persons(e.kind))
                .flat_map(|e| e.keys.iter().map(|key| (e.kind, key.as_str(), clinical)))
        };
        let (mut has_number, mut again) = (false, true);
        for number in numbers() {
            has_number = true;
            again &= self.numbers.get(&number).is_some_and(|before| *before >= points);
        }
        if has_number {
            for number in numbers() {
                let most = self.numbers.entry(number).or_default();
                *most = points.max(*most);
            }
            return again;
        }
        let named = |e: &&Evidence| super::is_name(e.kind) && e.kind != Kind::MotherMaidenName;
        let born = |e: &&Evidence| e.kind == Kind::BirthDate;
        if !counted().any(|e| named(&e)) || !counted().any(|e| born(&e)) {
            return false;
        }
        let mut words: Vec<&str> = counted()
            .filter(|e| named(e) || born(e))
            .flat_map(|e| e.keys.iter().map(String::as_str))
            .collect();
        words.sort_unstable();
        words.dedup();
        let most = self.named.entry((words, clinical)).or_default();
        let again = *most >= points;
        *most = points.max(*most);
        again
    }
}

/// Numbers that a family doesn't share.
const fn is_one_persons(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Mrn
            | Kind::Ssn
            | Kind::Mbi
            | Kind::NationalId
            | Kind::DriverLicence
            | Kind::Passport
            | Kind::ResourceId
    )
}
