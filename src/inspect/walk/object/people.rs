//! Which objects are a person of their own: elements of a list, and what stands under a provider's or an organisation's
//! key and is an individual's all the same.
//!
//! A list may hold the parts of one person instead: names and aliases, the conditions of a query, the steps of a form. Its
//! elements are one person, that of whoever has the list, where no two of them, and not whoever has it, have the same
//! part: so two people never add up.
//!
//! Members of an object are several people where their keys are those of several things, all of one sort (ids, single
//! letters, one word with numbers behind it that isn't a step's), and two of them tell the same part differently. What
//! tells different parts, or one part alike, is one person's: a form in pieces, the visits of a patient. So is one such
//! member alone.

use super::likely::is_name;
use super::records::Records;
use super::side::{Side, Told};
use super::table::normal;
use super::{Frame, Key, Walk};
use crate::inspect::check::date;
use crate::inspect::hash::Keyed;
use crate::inspect::kind::Kind;
use crate::inspect::walk::json::{NodeId, NodeKind, Tape};
use crate::inspect::walk::{CUE_BYTES_MAX, start_of};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;

/// What of a person is told somewhere: a bit for each part.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    /// Keys, whether they have a value or not: a row of a table may lack some.
    keys: u16,
    values: u16,
    /// By bit: the first value's mark.
    marks: [u64; BITS],
}

impl Parts {
    fn bit(kind: Kind) -> u16 {
        match kind {
            Kind::FamilyName => FAMILY,
            Kind::GivenName => GIVEN,
            Kind::FullName => FAMILY | GIVEN,
            Kind::BirthDate => BIRTH,
            Kind::Ssn => 8,
            Kind::Mrn => 16,
            Kind::MemberId => 32,
            Kind::Mbi => 64,
            _ => 0,
        }
    }

    /// A value of some parts.
    fn of(bits: u16, value: &str) -> Self {
        if value.is_empty() {
            return Self { keys: bits, ..Self::default() };
        }
        // One day is written in many ways.
        let day = if bits == BIRTH { date::parse(value) } else { None };
        let mark = day.map_or_else(
            || {
                let plain = value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
                Keyed::default().hash_one(plain.collect::<String>())
            },
            |day| Keyed::default().hash_one((day.year, day.month, day.day)),
        );
        Self { keys: bits, values: bits, marks: [mark; BITS] }
    }

    fn add(&mut self, other: Self) {
        for (at, (mine, theirs)) in self.marks.iter_mut().zip(other.marks).enumerate() {
            if self.values & 1 << at == 0 {
                *mine = theirs;
            }
        }
        self.keys |= other.keys;
        self.values |= other.values;
    }

    const fn agree(self, other: Self) -> bool {
        self.keys & other.keys == 0
    }

    /// Whether no part has another value than the other's.
    fn says_the_same(self, other: Self) -> bool {
        let both = self.values & other.values;
        let mut marks = self.marks.iter().zip(other.marks).enumerate();
        marks.all(|(at, (mine, theirs))| both & 1 << at == 0 || *mine == theirs)
    }

    /// Whether it is somebody: a number alone is of whoever holds the list.
    const fn is_somebody(self) -> bool {
        self.values & (FAMILY | GIVEN | BIRTH) != 0
    }

    const fn is_name_alone(self) -> bool {
        self.keys & !(FAMILY | GIVEN) == 0
    }
}

const FAMILY: u16 = 1;
const GIVEN: u16 = 2;
const BIRTH: u16 = 4;
/// How many parts there are.
const BITS: usize = 7;

/// What the first pass gathers.
#[derive(Default)]
pub(super) struct People {
    parts: BTreeMap<NodeId, Parts>,
    /// Elements by their list, and what came back to an individual by who holds it.
    together: BTreeMap<NodeId, BTreeSet<NodeId>>,
    came_back: BTreeSet<NodeId>,
    /// Members of an object whose keys are those of several things.
    entries: BTreeSet<NodeId>,
    records: Records,
}

/// What makes an object one that may be somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Element,
    /// Its key is an id, or one of several that differ in a number: `{"E4471902": {…}, "E4471990": {…}}`.
    Entry,
    CameBack,
}

impl<'t> Walk<'t, '_> {
    /// The objects that are a person of their own, not counting what relatives, providers and objects inside them have; and
    /// whose each container is, in the order of the document.
    pub(super) fn objects_with_a_person(&mut self) -> (BTreeSet<NodeId>, Records, Vec<Told>) {
        let (mut people, mut sides) = (People::default(), Vec::new());
        for id in self.tape.nodes() {
            self.leave(id);
            let key = self.keys.get(id);
            match self.tape.kind(id) {
                NodeKind::Object | NodeKind::Array => {
                    let told = self.side_of(id, key);
                    sides.push(told);
                    self.enter(id, key, told, false);
                }
                NodeKind::String | NodeKind::Number | NodeKind::Null if self.side() == Side::Individual => {
                    self.gather(id, key, &mut people);
                }
                _ => {}
            }
        }
        self.frames.clear();
        let records = std::mem::take(&mut people.records);
        (people.told_apart(self), records, sides)
    }

    fn gather(&self, id: NodeId, key: &Key<'t>, people: &mut People) {
        // Turns of a conversation are one's who answers.
        let Some(row) = self.row(id, key).filter(|_| self.asked_before(id, &key.name).is_none()) else {
            if &*key.name == "name" && is_name(&self.tape.value(id)) {
                people.records.note(self, Kind::FullName);
            }
            return;
        };
        let bit = Parts::bit(row.field.kind);
        if bit == 0 || self.relative_beside(key).is_some() {
            return;
        }
        // A label and its value in a list are no person: that is who has the list.
        let pair = match self.own_row(id, key) {
            Some(_) => self.titled(&key.name),
            None => self.label(id, &key.name).map(|(_, object)| object).or_else(|| self.couple(id)),
        };
        let value = if self.tape.kind(id) == NodeKind::Null { "".into() } else { self.tape.value(id) };
        if !value.is_empty() {
            people.records.note(self, row.field.kind);
        }
        let parts = Parts::of(bit, &value);
        let mut units = self.units().filter(|(object, _)| pair.is_none_or(|pair| *object < pair));
        let unit = units.next();
        people.parts.entry(unit.map_or(NodeId::ROOT, |(object, _)| object)).or_default().add(parts);
        let mut at = unit;
        while let Some((object, why)) = at {
            let outer = units.next();
            let group = match (why, self.tape.parent(object)) {
                (Unit::Element | Unit::Entry, Some(list)) => list,
                _ => outer.map_or(NodeId::ROOT, |(object, _)| object),
            };
            match why {
                Unit::CameBack => people.came_back.insert(object),
                Unit::Entry => people.entries.insert(object),
                Unit::Element => false,
            };
            if !people.together.entry(group).or_default().insert(object) {
                break; // and so are those around it
            }
            at = outer;
        }
    }

    /// The element whose own attribute says what its text is: `<col name="PAT_NAME">…</col>` among others of a row.
    fn titled(&self, key: &str) -> Option<NodeId> {
        let object = self.frames.last()?.object;
        let mut titles = self.named(object, super::xml::LABELS).filter(|_| self.is_element(object));
        titles
            .any(|title| normal(start_of(&self.tape.value_head(title), CUE_BYTES_MAX)) == key)
            .then_some(object)
    }

    /// The open objects that may be somebody, the innermost first.
    fn units(&self) -> impl Iterator<Item = (NodeId, Unit)> + '_ {
        self.frames.iter().rev().filter_map(|frame| {
            let id = frame.object;
            let object = self.tape.kind(id) == NodeKind::Object;
            let unit = match self.is_element(id) {
                true if self.keys.get(id).head.is_some() => return None,
                true => Unit::Element,
                false if object && frame.came_back => Unit::CameBack,
                false if object && self.is_entry(id, frame) => Unit::Entry,
                false => return None,
            };
            Some((id, unit))
        })
    }

    /// Whether a member of an object is one of several things; not what a form asks for, which has a label.
    fn is_entry(&self, id: NodeId, frame: &Frame<'_>) -> bool {
        self.keys.get(id).entry.is_some() && self.has_no_label(frame)
    }
}

impl People {
    /// Settles each group, the inner ones first.
    fn told_apart(mut self, walk: &Walk<'_, '_>) -> BTreeSet<NodeId> {
        let mut own = BTreeSet::new();
        let together = std::mem::take(&mut self.together);
        for (group, members) in together.into_iter().rev() {
            let parts = |at: &NodeId| self.parts.get(at).copied().unwrap_or_default();
            let told: Vec<(NodeId, Parts)> = members.iter().map(|at| (*at, parts(at))).collect();
            let holder = self.holder(walk.tape, group);
            let mut all = parts(&holder);
            let (back, list): (Vec<_>, Vec<_>) =
                told.into_iter().partition(|(at, _)| self.came_back.contains(at));
            // One entry alone, or keys of several sorts, are parts of who holds them.
            let entry = |at: &NodeId| walk.keys.get(*at).entry.as_deref();
            let entries = list.first().is_some_and(|(at, _)| self.entries.contains(at));
            let first = list.first().and_then(|(at, _)| entry(at));
            let alike = list.len() > 1 && list.iter().all(|(at, _)| entry(at) == first);
            if !list.is_empty() {
                let whole = match entries {
                    true => told_together(&list, alike),
                    false => one_person(walk, group, all, &list),
                };
                match whole {
                    Some(whole) => all.add(whole),
                    None => own.extend(list.iter().filter(|(_, p)| p.is_somebody()).map(|(at, _)| *at)),
                }
            }
            for (at, parts) in &back {
                match all.agree(*parts) {
                    true => all.add(*parts),
                    false => {
                        own.insert(*at);
                    }
                }
            }
            self.parts.insert(holder, all);
        }
        own
    }

    /// Who holds a list: the nearest object that may be somebody.
    fn holder(&self, tape: &Tape<'_>, list: NodeId) -> NodeId {
        let mut at = Some(list);
        while let Some(id) = at {
            if tape.element(id).is_some() || self.came_back.contains(&id) || self.entries.contains(&id) {
                return id;
            }
            at = tape.parent(id);
        }
        NodeId::ROOT
    }
}

/// What entries tell together; of those that are alike only where none says of a part what another doesn't.
fn told_together(entries: &[(NodeId, Parts)], alike: bool) -> Option<Parts> {
    let mut whole = Parts::default();
    for (_, parts) in entries {
        if alike && !whole.says_the_same(*parts) {
            return None;
        }
        whole.add(*parts);
    }
    Some(whole)
}

/// What the elements of a list tell together, where they are parts of one person.
fn one_person(walk: &Walk<'_, '_>, list: NodeId, holder: Parts, told: &[(NodeId, Parts)]) -> Option<Parts> {
    let key = if walk.is_element(list) { "" } else { walk.keys.name(list) };
    let mut whole = Parts::default();
    let names = NAMES.contains(&key) && told.iter().all(|(_, parts)| parts.is_name_alone());
    // Two that tell different things of somebody may well be two people.
    if !names && told.len() < PARTED_MIN {
        return None;
    }
    for (_, parts) in told {
        let fits = names || whole.agree(*parts) && holder.agree(*parts);
        if !fits {
            return None;
        }
        whole.add(*parts);
    }
    let several = told.iter().filter(|(_, parts)| parts.values != 0).nth(1).is_some();
    (names || several).then_some(whole)
}

/// In so many elements, and more, one person is told part by part.
const PARTED_MIN: usize = 3;
/// Lists of the names of one person.
const NAMES: &[&str] = &[
    "name",
    "names",
    "humanname",
    "humannames",
    "alias",
    "aliases",
    "othername",
    "othernames",
    "formername",
    "formernames",
    "previousnames",
    "legalname",
    "legalnames",
    "patientname",
    "patientnames",
    "pid5",
    "5",
];
