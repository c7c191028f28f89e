//! NCPDP SCRIPT in XML: prescriptions and what is answered to them.
//!
//! - Takes: a [`Tape`] of XML, and the rows of `config/fields/ncpdp-script.toml` as a [`Table`].
//! - Gives: what [`named`] gives. The Patient is the one person of a message; a card holder and an alternate contact
//!   are relatives; prescribers, pharmacies and payers are nobody.
//! - In doubt: text.

pub mod telecom;

use super::Declared;
use super::Sink;
use super::named::{self, Dialect, Table};
use super::xml::{NodeId, Tape};

/// Whether a document is a SCRIPT message: a `Message` in a namespace of NCPDP, or with a version, or with header and
/// body.
#[must_use]
pub fn recognise(tape: &Tape<'_>) -> bool {
    is_message(tape, tape.root())
}

/// Whether an element is a SCRIPT message.
#[must_use]
pub fn is_message(tape: &Tape<'_>, element: NodeId) -> bool {
    if tape.local(element) != MESSAGE {
        return false;
    }
    let has = |name: &str| {
        tape.elements(element).take(SIBLINGS_LOOKED_AT_MAX).any(|child| tape.local(child) == name)
    };
    let ncpdp = || tape.namespace(element).is_some_and(|name| name.to_ascii_lowercase().contains("ncpdp"));
    has("Body") && (ncpdp() || has("Header") || tape.attr_id(element, "version").is_some())
}

/// Walks a message.
pub fn walk_tape(tape: &Tape<'_>, table: &Table, sink: &mut dyn Sink) {
    named::walk(tape, table, &Script, sink);
}

struct Script;

impl Dialect for Script {
    /// The `Qualifier` of the element, or beside it.
    fn types(&self, tape: &Tape<'_>, element: NodeId) -> Vec<String> {
        let own = tape.attr(element, QUALIFIER).map(|value| value.into_owned());
        let beside = tape.parent(element).and_then(|parent| {
            let mut beside = tape.elements(parent).take(SIBLINGS_LOOKED_AT_MAX);
            beside
                .find(|sibling| tape.local(*sibling) == QUALIFIER)
                .map(|found| tape.text_of(found).into_owned())
        });
        own.into_iter().chain(beside).collect()
    }

    fn declares(&self, value: &str) -> Option<Declared> {
        match value {
            "1" | "true" | "Y" => Some(Declared::Test),
            "0" | "false" | "N" => Some(Declared::Production),
            _ => None,
        }
    }

    fn media(&self, _: &Tape<'_>, _: NodeId) -> String {
        String::new()
    }
}

/// What a message is called.
pub const MESSAGE: &str = "Message";

const QUALIFIER: &str = "Qualifier";

/// Among how many elements beside a value one is looked for.
const SIBLINGS_LOOKED_AT_MAX: usize = 16;

#[cfg(test)]
mod tests;
