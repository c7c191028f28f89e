//! Places in words: `Bundle.entry[0].resource.name[1].family`. Only names of R4 are shown; any other key is `*`.

use super::super::json::{NodeId, NodeKind};
use super::keys::Doc;
use super::names::Name;
use std::borrow::Cow;
use std::cell::RefCell;

/// Places that were told, in words: what is told next mostly lies in one of them, too.
#[derive(Default)]
pub(super) struct Memo(RefCell<Told>);

#[derive(Default)]
struct Told {
    /// The last resource.
    resource: Option<(NodeId, String)>,
    /// The outermost list that something lay in.
    list: Option<(NodeId, String)>,
}

impl Told {
    fn of(&self, node: NodeId) -> Option<&str> {
        let is_it = |told: &&(NodeId, String)| told.0 == node;
        let told = self.resource.as_ref().filter(is_it).or(self.list.as_ref().filter(is_it));
        told.map(|(_, place)| place.as_str())
    }
}

/// Keeps a place in the room of the one before.
fn keep(told: &mut Option<(NodeId, String)>, node: NodeId, place: &str) {
    let (of, text) = told.get_or_insert_with(|| (node, String::new()));
    *of = node;
    text.clear();
    text.push_str(place);
}

/// The place of a value.
pub(super) fn place(doc: Doc<'_, '_>, id: NodeId, memo: &Memo) -> String {
    let (tape, words) = (doc.tape, &doc.table.words);
    let mut memo = memo.0.borrow_mut();
    if let Some(told) = tape.parent(id).and_then(|parent| memo.of(parent))
        && tape.element(id).is_none()
        && !doc.key_is(id, words.resource)
    {
        // As most of a resource's.
        let name = name(doc, id);
        let mut place = String::with_capacity(told.len() + 1 + name.len());
        place.push_str(told);
        place.push('.');
        place.push_str(&name);
        return place;
    }
    // From the value up; what lies deeper than most goes on in a list.
    let (mut near, mut count, mut far) = ([NodeId::ROOT; STEPS_NEAR], 0, Vec::new());
    let mut at = id;
    let mut place = String::with_capacity(PLACE_BYTES);
    let told = loop {
        if let Some(told) = memo.of(at) {
            break Some(told);
        }
        let Some(parent) = tape.parent(at) else { break None };
        match near.get_mut(count) {
            Some(slot) => *slot = at,
            None => far.push(at),
        }
        count += 1;
        at = parent;
    };
    match told {
        Some(told) => place.push_str(told),
        None => place.push_str(&root(doc)),
    }
    let near = near.get(..count).unwrap_or(&near);
    for step in far.iter().rev().chain(near.iter().rev()) {
        if let Some(number) = tape.element(*step) {
            if at == NodeId::ROOT {
                at = tape.parent(*step).unwrap_or(at); // the outermost list
                keep(&mut memo.list, at, &place);
            }
            push_number(&mut place, number);
            continue;
        }
        place.push('.');
        place.push_str(&name(doc, *step));
        if doc.key_is(*step, words.resource) {
            keep(&mut memo.resource, *step, &place);
        }
    }
    place
}

/// The last name of a value's place and the one before, without making it; `None` where there is one alone.
pub(super) fn names<'d>(doc: Doc<'_, 'd>, id: NodeId) -> Option<(Cow<'d, str>, Cow<'d, str>)> {
    let named = |mut at: NodeId| {
        while doc.tape.element(at).is_some() {
            at = doc.tape.parent(at)?;
        }
        Some(at)
    };
    let element = named(id)?;
    let above = named(doc.tape.parent(element)?)?;
    let name = match doc.tape.parent(above) {
        Some(_) => name(doc, above),
        None if doc.tape.kind(above) == NodeKind::Object => root(doc),
        None => return None,
    };
    Some((name, self::name(doc, element)))
}

/// What a document's place begins with.
fn root<'d>(doc: Doc<'_, 'd>) -> Cow<'d, str> {
    let root = doc.string(NodeId::ROOT, doc.table.words.resource_type).unwrap_or_default();
    let known = doc.table.names.resource(&root) != Name::UNKNOWN;
    if known { root } else { Cow::Borrowed("*") }
}

/// The name of a step.
fn name<'d>(doc: Doc<'_, 'd>, step: NodeId) -> Cow<'d, str> {
    match doc.outside(step) {
        Name::UNKNOWN => Cow::Borrowed("*"),
        _ => doc.tape.key(step).unwrap_or_default(),
    }
}

/// Deeper places are few.
const STEPS_NEAR: usize = 16;
/// Longer places are few.
const PLACE_BYTES: usize = 96;

/// `[12]`
fn push_number(place: &mut String, number: usize) {
    place.push('[');
    place.push_str(itoa::Buffer::new().format(number));
    place.push(']');
}

/// The place as `OperationOutcome.issue.expression` wants it (FHIRPath): primitives' extensions hang on the element
/// itself, and what has no name ends it. `None` where nothing is left.
#[must_use]
pub fn expression(place: &str) -> Option<String> {
    let named = place.split_once('*').map_or(place, |(head, _)| head).trim_end_matches('.');
    (!named.is_empty()).then(|| named.replace("._", "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, 99, 100, 1_234_567, usize::MAX] {
            let mut place = String::new();
            push_number(&mut place, number);
            assert_eq!(place, format!("[{number}]"));
        }
    }

    #[test]
    fn an_expression_ends_where_names_end() {
        assert_eq!(expression("Patient.name[0].family").unwrap(), "Patient.name[0].family");
        assert_eq!(
            expression("Patient._birthDate.extension[0].valueDateTime").unwrap(),
            "Patient.birthDate.extension[0].valueDateTime"
        );
        assert_eq!(expression("Patient.*.value").unwrap(), "Patient");
        assert_eq!(expression("*[0].name"), None);
    }
}
