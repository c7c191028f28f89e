//! Places in words: `Bundle.entry[0].resource.name[1].family`. Only names of R4 are shown; any other key is `*`.

use super::super::json::{NodeId, Tape};
use super::names::{Name, Names};
use std::fmt::Write;

/// The place of a value.
pub(super) fn place(tape: &Tape<'_>, names: &Names, id: NodeId) -> String {
    let mut steps = Vec::with_capacity(16);
    let mut at = id;
    while let Some(parent) = tape.parent(at) {
        steps.push(at);
        at = parent;
    }
    let root = tape.string(NodeId::ROOT, "resourceType").unwrap_or_default();
    let mut place = String::with_capacity(64);
    place.push_str(if names.resource(&root) == Name::UNKNOWN { "*" } else { &root });
    for step in steps.into_iter().rev() {
        if let Some(number) = tape.element(step) {
            let _ = write!(place, "[{number}]"); // writing to a String doesn't fail
            continue;
        }
        let key = tape.key(step).unwrap_or_default();
        place.push('.');
        place.push_str(if names.outside(&key) == Name::UNKNOWN { "*" } else { &key });
    }
    place
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
