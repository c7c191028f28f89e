//! Whether an object that is said to be a resource of a type is one: an input of a GraphQL schema may be called after a
//! resource and have keys of its own, and so may what a log calls `resourceType`.

use super::super::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use super::super::object;
use super::Table;
use super::names::{Category, Name};

/// Whether an object has the keys of a resource of this type: most are elements of R4, and none that isn't names what
/// only an individual has.
#[must_use]
pub fn is_alike(tape: &Tape<'_>, object: NodeId, kind: &str, table: &Table, objects: &object::Table) -> bool {
    let names = &table.names;
    let person = match names.category(names.find(kind)) {
        Some(Category::Patient | Category::Related | Category::Person) => true,
        Some(_) => false,
        None => return false,
    };
    if tape.kind(object) != NodeKind::Object {
        return false;
    }
    let (mut all, mut known) = (0, 0);
    for member in tape.children(object).take(MEMBERS_LOOKED_AT_MAX) {
        let key = tape.key(member).unwrap_or_default();
        if key == "resourceType" {
            continue;
        }
        // A resource has no element of its own name: that is what holds one.
        if key.eq_ignore_ascii_case(kind) {
            return false;
        }
        all += 1;
        if names.element(&key) == Name::UNKNOWN {
            if objects.is_an_individuals(&key) {
                return false;
            }
            continue;
        }
        // These have parts in FHIR.
        if person
            && matches!(&*key, "name" | "address" | "telecom" | "identifier")
            && tape.kind(member) == NodeKind::String
        {
            return false;
        }
        known += 1;
    }
    known * 2 >= all
}
