//! Names of elements and attributes, and how what they hold reads where no row covers it.

use crate::inspect::field::listed;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// A name of the table `config/fields/cda-names.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name(u16);

impl Name {
    /// Not of the table.
    pub(super) const UNKNOWN: Self = Self(0);
}

/// How an attribute reads where no row covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A code, a flag, a unit.
    Code,
    /// An OID, a UUID, a name inside the document.
    Opaque,
    /// Anything.
    Text,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawNames {
    elements: String,
    code_elements: String,
    codes: String,
    opaque: String,
    texts: String,
    terminologies: String,
    provider_columns: String,
    pub(super) role: Vec<RawRole>,
}

/// Who plays which part, as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRole {
    pub(super) is: Part,
    pub(super) at: Vec<String>,
}

/// Which part an element plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Part {
    /// The first is the document's patient, each further one is another person.
    Patient,
    /// The document's patient.
    #[serde(rename = "self")]
    Patients,
    /// A person of the patient's side.
    Relative,
    /// A provider, an organisation, a place, a product.
    Nobody,
}

/// The names, numbered.
#[derive(Debug)]
pub(super) struct Names {
    by_word: HashMap<String, Name>,
    words: Vec<String>,
    elements: HashSet<Name>,
    code_elements: HashSet<Name>,
    attributes: HashMap<Name, Class>,
    terminologies: Vec<String>,
    provider_columns: HashSet<String>,
}

impl Names {
    pub(super) fn new(raw: &RawNames) -> Self {
        let mut names = Self {
            by_word: HashMap::new(),
            words: vec!["*".to_owned()],
            elements: HashSet::new(),
            code_elements: HashSet::new(),
            attributes: HashMap::new(),
            terminologies: raw.terminologies.split_whitespace().map(str::to_owned).collect(),
            provider_columns: raw.provider_columns.split_whitespace().map(str::to_owned).collect(),
        };
        for word in raw.elements.split_whitespace().chain(raw.code_elements.split_whitespace()) {
            let name = names.number(word);
            names.elements.insert(name);
        }
        for word in raw.code_elements.split_whitespace() {
            let name = names.number(word);
            names.code_elements.insert(name);
        }
        for (list, class) in
            [(&raw.codes, Class::Code), (&raw.opaque, Class::Opaque), (&raw.texts, Class::Text)]
        {
            for word in list.split_whitespace() {
                let name = names.number(word);
                names.attributes.insert(name, class);
            }
        }
        names
    }

    fn number(&mut self, word: &str) -> Name {
        if let Some(name) = self.by_word.get(word) {
            return *name;
        }
        let name = Name(u16::try_from(self.words.len()).unwrap_or(0));
        self.words.push(word.to_owned());
        self.by_word.insert(word.to_owned(), name);
        name
    }

    /// An element's name, by its name without prefix.
    pub(super) fn element(&self, local: &str) -> Name {
        self.by_word.get(local).copied().filter(|name| self.elements.contains(name)).unwrap_or(Name::UNKNOWN)
    }

    /// An attribute's name and class, by its name without prefix.
    pub(super) fn attribute(&self, local: &str) -> Option<(Name, Class)> {
        let name = self.by_word.get(local)?;
        Some((*name, *self.attributes.get(name)?))
    }

    /// Whether an element's text is a code.
    pub(super) fn is_code(&self, element: Name) -> bool {
        self.code_elements.contains(&element)
    }

    /// Whether a code system is a published terminology.
    pub(super) fn is_terminology(&self, system: &str) -> bool {
        listed(&self.terminologies, system)
    }

    /// Whether a column of this head tells of providers or organisations.
    pub(super) fn is_providers(&self, head: &str) -> bool {
        head.split(|c: char| !c.is_alphanumeric())
            .any(|word| self.provider_columns.contains(&word.to_ascii_lowercase()))
    }

    /// The word; `*` for what isn't known.
    pub(super) fn word(&self, name: Name) -> &str {
        self.words.get(usize::from(name.0)).map_or("*", String::as_str)
    }
}
