//! FHIR in XML: the same elements as in JSON, so a document is read in the shape of JSON. What JSON shows and XML
//! doesn't, which elements are lists and which values are numbers, is told by `config/fields/fhir-r4-xml.toml`.

use super::Table;
use super::names::{Name, Names};
use crate::inspect::walk::shape::{self, Shape};
use crate::inspect::walk::{json, xml};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Whether a document is FHIR: by its root's namespace; without one by its name, where `declared` says that it is.
#[must_use]
pub fn recognise_xml(tape: &xml::Tape<'_>, declared: bool, table: &Table) -> bool {
    match tape.namespace(tape.root()) {
        Some(namespace) => namespace == NAMESPACE,
        None => declared && table.names.resource(tape.local(tape.root())) != Name::UNKNOWN,
    }
}

/// A document as JSON has it. `None` only for more than 32 bits can count.
#[must_use]
pub fn shaped<'d>(tape: &'d xml::Tape<'_>, table: &Table) -> Option<json::Tape<'d>> {
    shape::shaped(tape, &FhirShape { names: &table.names, shapes: &table.shapes })
}

impl Table {
    /// Whether R4 has a number in this element of that one, in XML and JSON alike. What a resource holds directly is a number
    /// if it is one anywhere: the key that the resource stands under doesn't say its type.
    #[must_use]
    pub fn is_number(&self, parent: &str, element: &str) -> bool {
        let (parent, element) = (self.names.find(parent), self.names.find(element));
        let of_a_resource = [self.words.resource, self.words.contained].contains(&parent);
        self.shapes.numbers.holds(parent, element) || of_a_resource && self.shapes.numbers.has(element)
    }
}

struct FhirShape<'t> {
    names: &'t Names,
    shapes: &'t Shapes,
}

impl Shape for FhirShape<'_> {
    fn is_list(&self, parent: &str, element: &str) -> bool {
        self.shapes.lists.holds(self.names.find(parent), self.names.find(element))
    }

    fn is_number(&self, parent: &str, element: &str) -> bool {
        self.shapes.numbers.holds(self.names.find(parent), self.names.find(element))
    }

    fn has_resources(&self) -> bool {
        true
    }

    /// Narrative.
    fn is_markup(&self, tape: &xml::Tape<'_>, element: xml::NodeId) -> bool {
        tape.local(element) == "div"
            && (tape.namespace(element).is_some_and(|namespace| namespace == XHTML)
                || tape.parent(element).is_some_and(|parent| tape.local(parent) == "text"))
    }

    fn inner(&self, _: &xml::Tape<'_>, _: xml::NodeId) -> Option<json::Key> {
        None
    }
}

/// Which elements are lists, and which are numbers.
#[derive(Debug)]
pub(super) struct Shapes {
    lists: Elements,
    numbers: Elements,
}

/// A set of elements, by what holds them; each number of a name has its own entry.
#[derive(Debug)]
struct Elements(Vec<Within>);

#[derive(Debug, Clone)]
enum Within {
    Nowhere,
    Anywhere,
    These(Vec<Name>),
    AllBut(Vec<Name>),
}

impl Shapes {
    /// Reads the list that is compiled in.
    pub(super) fn new(names: &Names) -> Result<Self, String> {
        let raw: RawShapes = toml::from_str(include_str!("../../../../../config/fields/fhir-r4-xml.toml"))
            .map_err(|e| e.message().to_owned())?;
        Ok(Self {
            lists: Elements::new(&raw.lists, &raw.list_under, &raw.list_but_under, names)?,
            numbers: Elements::new(&raw.numbers, &raw.number_under, &raw.number_but_under, names)?,
        })
    }
}

impl Elements {
    fn new(
        anywhere: &str,
        these: &BTreeMap<String, String>,
        all_but: &BTreeMap<String, String>,
        names: &Names,
    ) -> Result<Self, String> {
        let known = |word: &str| match names.find(word) {
            Name::UNKNOWN => Err(format!("no name of R4: {word}")),
            name => Ok(name),
        };
        let all = |words: &str| words.split_whitespace().map(known).collect::<Result<Vec<_>, _>>();
        let mut found = Vec::new();
        for name in all(anywhere)? {
            found.push((name, Within::Anywhere));
        }
        for (word, parents) in these {
            found.push((known(word)?, Within::These(all(parents)?)));
        }
        for (word, parents) in all_but {
            found.push((known(word)?, Within::AllBut(all(parents)?)));
        }
        let mut elements = vec![Within::Nowhere; names.len()];
        for (name, within) in found {
            *elements.get_mut(name.index()).ok_or("a name without a number")? = within;
        }
        Ok(Self(elements))
    }

    /// Whether the element is of the set somewhere.
    fn has(&self, element: Name) -> bool {
        self.0.get(element.index()).is_some_and(|within| !matches!(within, Within::Nowhere))
    }

    fn holds(&self, parent: Name, element: Name) -> bool {
        match self.0.get(element.index()) {
            Some(Within::Anywhere) => true,
            Some(Within::These(parents)) => parents.contains(&parent),
            Some(Within::AllBut(parents)) => !parents.contains(&parent),
            Some(Within::Nowhere) | None => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawShapes {
    lists: String,
    numbers: String,
    list_under: BTreeMap<String, String>,
    list_but_under: BTreeMap<String, String>,
    number_under: BTreeMap<String, String>,
    number_but_under: BTreeMap<String, String>,
}

const NAMESPACE: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";

#[cfg(test)]
mod tests;
