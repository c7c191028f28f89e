//! One person: what the evidence adds up to, and whether the person is made up.

use super::Evidence;
use crate::inspect::check::date;
use crate::inspect::finding::{Counted, MadeUp, Person};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::marker::Sign;
use crate::inspect::names;
use std::collections::BTreeMap;

/// Adds up one person's evidence, and writes into the findings what each counted.
pub(super) fn add_up(evidence: &mut [Evidence], own: &[usize], clinical: bool, generator: bool) -> Person {
    let get = |at: &usize| evidence.get(*at);
    let structured: Vec<&Evidence> = own.iter().filter_map(get).filter(|e| !e.free_text).collect();
    // A tax number's range counts as a dummy only beside another sign.
    let other_sign = structured.iter().any(|e| {
        matches!(e.judged.sign, Sign::Habit | Sign::Sure) || e.judged.generated && e.kind != Kind::Mrn
    });
    let sign = |e: &Evidence| match e.judged.sign {
        Sign::SureWithAnother if other_sign => Sign::Sure,
        Sign::SureWithAnother => Sign::None,
        sign => sign,
    };
    let made_up = made_up(&structured, &sign, generator);
    let mut words: Vec<&str> = Vec::new();
    if own.iter().filter_map(get).any(|e| e.free_text) {
        words.extend(structured.iter().flat_map(|e| e.keys.iter().map(String::as_str)));
        words.sort_unstable();
    }
    let mut heaviest: BTreeMap<Kind, u16> = BTreeMap::new();
    let mut outcome = Vec::with_capacity(own.len());
    for at in own {
        let Some(e) = evidence.get(*at) else { continue };
        let kept =
            if e.judged.sign == Sign::SureWithAnother && !other_sign { e.full } else { e.judged.points };
        let explained = e.free_text
            && !e.keys.is_empty()
            && e.keys.iter().all(|k| words.binary_search(&k.as_str()).is_ok());
        let (points, counted) = match (made_up, sign(e)) {
            (_, Sign::Placeholder) => (kept, Counted::Placeholder),
            (_, Sign::Sure | Sign::Habit) if kept.0 == 0 => (Points(0), Counted::Dummy),
            (Some(rule), _) if !e.free_text || explained => (Points(0), Counted::MadeUp(rule)),
            (_, Sign::Habit) if is_name(e.kind) => (Points(kept.0.min(10)), Counted::Dummy),
            _ => (kept, Counted::Yes),
        };
        let slot = heaviest.entry(e.kind).or_default();
        *slot = (*slot).max(points.0);
        outcome.push((*at, points, counted));
    }
    for (at, points, counted) in outcome {
        if let Some(e) = evidence.get_mut(at) {
            e.finding.points = points;
            e.finding.counted = counted;
        }
    }
    let only_opaque_id = heaviest
        .iter()
        .filter(|(_, p)| **p > 0)
        .all(|(kind, _)| matches!(kind, Kind::ResourceId | Kind::ServiceDate | Kind::Trait))
        && heaviest.get(&Kind::ResourceId).is_some_and(|p| *p > 0);
    // A full name stands for its parts, and a relative's name for the relative's.
    let parts =
        heaviest.remove(&Kind::FamilyName).unwrap_or(0) + heaviest.remove(&Kind::GivenName).unwrap_or(0);
    let whole =
        heaviest.remove(&Kind::FullName).unwrap_or(0).max(heaviest.remove(&Kind::Relative).unwrap_or(0));
    let sum = heaviest.values().fold(u32::from(parts.max(whole)), |sum, p| sum + u32::from(*p));
    Person { points: Points(u16::try_from(sum).unwrap_or(u16::MAX)), clinical, made_up, only_opaque_id }
}

/// Rules b and c of the marker list.
pub(super) fn made_up(
    structured: &[&Evidence],
    sign: &dyn Fn(&Evidence) -> Sign,
    generator: bool,
) -> Option<MadeUp> {
    let numbers: Vec<&&Evidence> = structured
        .iter()
        .filter(|e| is_number(e.kind) && !e.judged.opaque && sign(e) != Sign::Placeholder)
        .collect();
    let impossible_name = structured.iter().any(|e| is_name(e.kind) && sign(e) == Sign::Sure);
    let habit_name = structured.iter().any(|e| is_name(e.kind) && sign(e) == Sign::Habit);
    let counted = |wanted: Sign| numbers.iter().filter(|e| sign(e) == wanted).count();
    if numbers.is_empty() {
        if impossible_name {
            return Some(MadeUp::ValueBorne);
        }
    } else if counted(Sign::Sure) + counted(Sign::Habit) == numbers.len()
        && (counted(Sign::Sure) > 0 || impossible_name || counted(Sign::Habit) + usize::from(habit_name) >= 2)
    {
        return Some(MadeUp::ValueBorne);
    }
    if generator {
        let mut signs: Vec<Kind> = structured
            .iter()
            .filter(|e| sign(e) == Sign::Sure || e.judged.generated && !e.judged.opaque)
            .map(|e| if is_name(e.kind) { Kind::FullName } else { e.kind })
            .collect();
        signs.sort_unstable();
        signs.dedup();
        let unexplained = structured.iter().any(|e| {
            e.full.0 >= 60 && sign(e) == Sign::None && !e.judged.generated && e.judged.points.0 >= 60
        });
        if signs.len() >= 2 && !unexplained {
            return Some(MadeUp::Generator);
        }
    }
    None
}

/// Numbers and contacts, in the sense of rule c.
pub(super) const fn is_number(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Ssn
            | Kind::Mrn
            | Kind::MemberId
            | Kind::Mbi
            | Kind::NationalId
            | Kind::Account
            | Kind::VisitNumber
            | Kind::DriverLicence
            | Kind::Passport
            | Kind::Phone
            | Kind::Fax
            | Kind::Email
    )
}

pub(super) const fn is_name(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FamilyName | Kind::GivenName | Kind::FullName | Kind::Relative | Kind::MotherMaidenName
    )
}

/// A value's words or its folded whole, for comparing within the message.
pub(super) fn keys(kind: Kind, value: &str) -> Vec<String> {
    if is_name(kind) {
        return names::folded(value);
    }
    let folded: String = if matches!(kind, Kind::BirthDate | Kind::DeathDate | Kind::ServiceDate) {
        match date::parse(value) {
            Some(d) => eight_digits(d),
            None => return Vec::new(),
        }
    } else {
        value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    if folded.is_empty() { Vec::new() } else { vec![folded] }
}

/// `YYYYMMDD`; written by hand, as dates are many.
fn eight_digits(date: date::Date) -> String {
    let number = u32::from(date.year) * 10_000 + u32::from(date.month) * 100 + u32::from(date.day);
    let places = [10_000_000, 1_000_000, 100_000, 10_000, 1000, 100, 10, 1];
    places.iter().filter_map(|place| char::from_digit(number / place % 10, 10)).collect()
}

/// Whether two folded names agree: a middle name may be missing on one side, a family or given name may not.
pub(super) fn agree(one: &[String], other: &[String]) -> bool {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    short.iter().filter(|w| w.len() > 1).count() >= 2
        && short.iter().filter(|w| w.len() > 1).all(|w| long.contains(w))
}
