//! Records of one person: what says of being made up says it of its own record alone.
//!
//! Walkers tell records where a document has them. A text has them where it tells two birth dates, or two family
//! names: each begins with the name, or the date, that the one before it has already.

use super::person::{is_name, is_number, made_up};
use super::{Evidence, Scorer};
use crate::inspect::finding::MadeUp;
use crate::inspect::kind::Kind;
use crate::inspect::marker::Sign;

impl Scorer<'_> {
    /// Parts what a text tells of one person into records.
    pub(super) fn part_text(&mut self, own: &[usize]) {
        let differ = |kind: Kind| {
            let of_kind = |at: &usize| self.evidence.get(*at).filter(|e| e.kind == kind).map(|e| &*e.keys);
            let mut values = own.iter().filter_map(of_kind);
            values.next().is_some_and(|first| values.any(|value| !agrees(first, value)))
        };
        if ![Kind::BirthDate, Kind::FamilyName, Kind::FullName].into_iter().any(differ) {
            return; // as in nearly every text
        }
        let mut order: Vec<usize> = own.to_vec();
        order.sort_by_key(|at| self.evidence.get(*at).map(|e| (e.finding.part, e.finding.span.start)));
        let mut record = 1;
        let mut said: [Option<Vec<String>>; 3] = Default::default();
        for at in order {
            let Some(e) = self.evidence.get_mut(at) else { continue };
            let part = match e.kind {
                Kind::FamilyName => Some(0),
                Kind::FullName => Some(1),
                Kind::BirthDate => Some(2),
                _ => None,
            };
            if let Some(part) = part {
                if said.get(part).and_then(Option::as_ref).is_some_and(|before| !agrees(before, &e.keys)) {
                    record += 1;
                    said = Default::default();
                }
                said.iter_mut().skip(part).take(1).for_each(|slot| *slot = Some(e.keys.to_vec()));
            }
            e.record = record;
        }
    }
}

/// Whether one is made up by all that is told, and each record in which somebody is named by what stands in it, too.
pub(super) fn made_up_throughout(
    structured: &[&Evidence],
    sign: &dyn Fn(&Evidence) -> Sign,
    generator: bool,
) -> Option<MadeUp> {
    let rule = made_up(structured, sign, generator)?;
    if structured.iter().all(|e| e.record == 0) {
        return Some(rule); // as nearly everybody
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    for e in structured.iter().filter(|e| e.record != 0 && e.record != APART && is_name(e.kind)) {
        let is_its = |group: &Group<'_>| group.records.contains(&e.record) || agrees(&group.words, &e.keys);
        match groups.iter().position(is_its) {
            Some(at) => groups.iter_mut().skip(at).take(1).for_each(|group| group.add(e)),
            None if groups.len() < GROUPS_MAX => groups.push(Group::of(e)),
            None => return None,
        }
    }
    let is_asked = |group: &&Group<'_>| {
        structured
            .iter()
            .any(|e| group.records.contains(&e.record) && (e.kind == Kind::BirthDate || is_number(e.kind)))
    };
    let is_made_up = |group: &Group<'_>| {
        let own = |e: &&&Evidence| e.record == 0 || group.records.contains(&e.record);
        let own: Vec<&Evidence> = structured.iter().filter(own).copied().collect();
        made_up(&own, sign, generator).is_some()
    };
    groups.iter().filter(is_asked).all(is_made_up).then_some(rule)
}

/// Records that name the same person.
struct Group<'e> {
    records: Vec<u32>,
    words: Vec<&'e str>,
}

impl<'e> Group<'e> {
    fn of(e: &'e Evidence) -> Self {
        let mut group = Self { records: Vec::new(), words: Vec::new() };
        group.add(e);
        group
    }

    fn add(&mut self, e: &'e Evidence) {
        if !self.records.contains(&e.record) {
            self.records.push(e.record);
        }
        self.words.extend(e.keys.iter().map(String::as_str));
    }
}

/// Whether two names, or two dates, have a word in common.
fn agrees<A: AsRef<str>, B: AsRef<str>>(one: &[A], other: &[B]) -> bool {
    one.iter().any(|word| word.as_ref().len() > 1 && other.iter().any(|o| o.as_ref() == word.as_ref()))
}

/// The record of what a walker tells apart from its person's.
const APART: u32 = u32::MAX;
/// More people in one are none who is made up.
const GROUPS_MAX: usize = 64;
