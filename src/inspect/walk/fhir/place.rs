//! Places in words: `Bundle.entry[0].resource.name[1].family`. Only names of R4 are shown; any other key is `*`.

use super::super::json::NodeId;
use super::keys::Doc;
use super::names::Name;
use std::cell::RefCell;

/// The place of the resource that was told last, in words: what is told next mostly lies in it, too.
#[derive(Default)]
pub(super) struct Memo(RefCell<Option<(NodeId, String)>>);

/// The place of a value.
pub(super) fn place(doc: Doc<'_, '_>, id: NodeId, memo: &Memo) -> String {
    let tape = doc.tape;
    let mut memo = memo.0.borrow_mut();
    // From the value up; what lies deeper than most goes on in a list.
    let (mut near, mut count, mut far) = ([NodeId::ROOT; STEPS_NEAR], 0, Vec::new());
    let mut at = id;
    let told = memo.as_ref().map(|(told, _)| *told);
    while Some(at) != told
        && let Some(parent) = tape.parent(at)
    {
        match near.get_mut(count) {
            Some(slot) => *slot = at,
            None => far.push(at),
        }
        count += 1;
        at = parent;
    }
    let near = near.get(..count).unwrap_or(&near);
    let mut place = String::with_capacity(96);
    match memo.as_ref().filter(|_| Some(at) == told) {
        Some((_, told)) => place.push_str(told),
        None => {
            let root = doc.string(NodeId::ROOT, doc.table.words.resource_type).unwrap_or_default();
            let known = doc.table.names.resource(&root) != Name::UNKNOWN;
            place.push_str(if known { &root } else { "*" });
        }
    }
    for step in far.iter().rev().chain(near.iter().rev()) {
        push_step(&mut place, doc, *step);
        if doc.key_is(*step, doc.table.words.resource) {
            let (told, text) = memo.get_or_insert_with(|| (NodeId::ROOT, String::new()));
            *told = *step;
            text.clone_from(&place);
        }
    }
    place
}

/// `.name` of a member, `[12]` of an element.
fn push_step(place: &mut String, doc: Doc<'_, '_>, step: NodeId) {
    if let Some(number) = doc.tape.element(step) {
        return push_number(place, number);
    }
    place.push('.');
    if doc.outside(step) == Name::UNKNOWN {
        place.push('*');
    } else {
        place.push_str(&doc.tape.key(step).unwrap_or_default());
    }
}

/// Deeper places are few.
const STEPS_NEAR: usize = 16;

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
