//! The names that FHIR R4 knows: elements, each with how its value reads where no row covers it, and resource types.

use serde::Deserialize;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A name, as a number; `Name::UNKNOWN` is no name of R4 and no word of the field table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name(u16);

impl Name {
    pub(super) const UNKNOWN: Self = Self(0);

    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// How the value of an element reads where no row covers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Structure,
    Code,
    Uri,
    Time,
    Quantity,
    Opaque,
    Reference,
    Display,
    Base64,
    Xhtml,
    Text,
    /// No element of R4.
    Unknown,
}

/// What a resource of a type is to the individual.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    Patient,
    Related,
    Person,
    /// Of providers and organisations.
    Provider,
    /// Defines, describes, licenses.
    Definition,
    /// Clinical content of its subject.
    Clinical,
    Other,
}

/// All names of R4 and of the field table.
pub(super) struct Names {
    numbers: HashMap<Box<str>, Name, BuildHasherDefault<ShortHasher>>,
    meanings: Vec<Meaning>,
}

#[derive(Clone, Copy)]
struct Meaning {
    class: Class,
    resource: Option<Category>,
}

impl Names {
    /// Reads the list that is compiled in.
    pub(super) fn new() -> Result<Self, String> {
        let raw: RawNames = toml::from_str(include_str!("../../../../config/fields/fhir-r4-names.toml"))
            .map_err(|e| e.message().to_owned())?;
        let mut names = Self { numbers: HashMap::default(), meanings: Vec::new() };
        names.intern("")?; // number 0: unknown
        let classes = [
            (&raw.structure, Class::Structure),
            (&raw.code, Class::Code),
            (&raw.uri, Class::Uri),
            (&raw.time, Class::Time),
            (&raw.quantity, Class::Quantity),
            (&raw.opaque, Class::Opaque),
            (&raw.reference, Class::Reference),
            (&raw.display, Class::Display),
            (&raw.base64, Class::Base64),
            (&raw.xhtml, Class::Xhtml),
            (&raw.text, Class::Text),
        ];
        for (list, class) in classes {
            for word in list.split_whitespace() {
                names.meaning(word, |meaning| meaning.class = class)?;
            }
        }
        let categories = [
            (&raw.resources, Category::Other),
            (&raw.provider_resources, Category::Provider),
            (&raw.definition_resources, Category::Definition),
            (&raw.clinical_resources, Category::Clinical),
        ];
        for (list, category) in categories {
            for word in list.split_whitespace() {
                let category = match word {
                    "Patient" => Category::Patient,
                    "RelatedPerson" => Category::Related,
                    "Person" => Category::Person,
                    _ => category,
                };
                names.meaning(word, |meaning| meaning.resource = Some(category))?;
            }
        }
        Ok(names)
    }

    /// The number of a name, made where it has none.
    pub(super) fn intern(&mut self, word: &str) -> Result<Name, String> {
        if let Some(name) = self.numbers.get(word) {
            return Ok(*name);
        }
        let name = Name(u16::try_from(self.meanings.len()).map_err(|_| "more than 65536 names".to_owned())?);
        self.numbers.insert(word.into(), name);
        self.meanings.push(Meaning { class: Class::Unknown, resource: None });
        Ok(name)
    }

    /// The number of a name.
    pub(super) fn find(&self, word: &str) -> Name {
        self.numbers.get(word).copied().unwrap_or(Name::UNKNOWN)
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.meanings.len()
    }

    /// The class of an element; [`Class::Unknown`] for what is none.
    pub(super) fn class(&self, name: Name) -> Class {
        self.meanings.get(name.index()).map_or(Class::Unknown, |meaning| meaning.class)
    }

    /// The category of a resource type, if it is one.
    pub(super) fn category(&self, name: Name) -> Option<Category> {
        self.meanings.get(name.index()).and_then(|meaning| meaning.resource)
    }

    /// The number of a key: that of the element, with and without the underscore of primitives' extensions.
    pub(super) fn element(&self, key: &str) -> Name {
        let name = self.find(key.strip_prefix('_').unwrap_or(key));
        if self.class(name) == Class::Unknown { Name::UNKNOWN } else { name }
    }

    /// The number of a resource type.
    pub(super) fn resource(&self, word: &str) -> Name {
        let name = self.find(word);
        if self.category(name).is_none() { Name::UNKNOWN } else { name }
    }

    fn meaning(&mut self, word: &str, set: impl FnOnce(&mut Meaning)) -> Result<(), String> {
        let name = self.intern(word)?;
        self.meanings.get_mut(name.index()).map(set).ok_or_else(|| "a name without a meaning".to_owned())
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Names({})", self.meanings.len())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNames {
    structure: String,
    code: String,
    uri: String,
    time: String,
    quantity: String,
    opaque: String,
    reference: String,
    display: String,
    base64: String,
    xhtml: String,
    text: String,
    provider_resources: String,
    definition_resources: String,
    clinical_resources: String,
    resources: String,
}

/// For short keys of a map that doesn't change: callers' keys are looked up in it, never put in.
#[derive(Default)]
pub(super) struct ShortHasher(u64);

impl Hasher for ShortHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    /// Length, first and last bytes: no two names of R4 share them, or nearly none.
    fn write(&mut self, bytes: &[u8]) {
        let word = |piece: Option<&[u8; 8]>| piece.copied().map_or(0, u64::from_le_bytes);
        let (first, last) = match bytes.first_chunk::<8>() {
            first @ Some(_) => (word(first), word(bytes.last_chunk())),
            None => (bytes.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte)), 0),
        };
        self.mix(first);
        self.mix(last ^ (bytes.len() as u64) << 56);
    }

    fn write_u8(&mut self, _: u8) {} // the mark after a str: the length is mixed in already
}

impl ShortHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_primitives_extensions_are_those_of_their_elements() {
        let names = Names::new().unwrap();
        assert_eq!(names.element("_birthDate"), names.element("birthDate"));
        assert_eq!(names.class(names.element("lastUpdated")), Class::Time);
        assert_eq!(names.element("ssn"), Name::UNKNOWN);
        assert_eq!(names.element("Patient"), Name::UNKNOWN);
        assert_eq!(names.element(""), Name::UNKNOWN);
        assert_eq!(names.category(names.resource("Patient")), Some(Category::Patient));
        assert_eq!(names.resource("gender"), Name::UNKNOWN);
    }
}
