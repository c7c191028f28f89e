//! The names that FHIR R4 knows: elements, each with how its value reads where no row covers it, and resource types.

use super::super::json::NO_VOCABULARY;
use serde::Deserialize;
use std::sync::atomic::{AtomicU32, Ordering};

/// A name, as a number; `Name::UNKNOWN` is no name of R4 and no word of the field table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Name(u16);

impl Name {
    pub(super) const UNKNOWN: Self = Self(0);

    #[inline]
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }

    /// The name of this number.
    #[inline]
    pub(super) fn of(number: u16) -> Self {
        Self(number)
    }

    #[inline]
    pub(super) fn number(self) -> u16 {
        self.0
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
    numbers: Numbers,
    meanings: Vec<Meaning>,
    /// No other list of names has this number.
    vocabulary: u32,
}

#[derive(Clone, Copy)]
struct Meaning {
    class: Class,
    resource: Option<Category>,
    /// Whether it is a word of an envelope around resources.
    outside: bool,
    /// Whether it is `value` with a type behind it: `valueString`.
    is_choice: bool,
}

impl Names {
    /// Reads the list that is compiled in.
    pub(super) fn new() -> Result<Self, String> {
        let raw: RawNames = toml::from_str(include_str!("../../../../config/fields/fhir-r4-names.toml"))
            .map_err(|e| e.message().to_owned())?;
        static MADE: AtomicU32 = AtomicU32::new(NO_VOCABULARY + 1);
        let vocabulary = MADE.fetch_add(1, Ordering::Relaxed);
        let mut names = Self { numbers: Numbers::default(), meanings: Vec::new(), vocabulary };
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
        let known = self.find(word);
        if known != Name::UNKNOWN {
            return Ok(known);
        }
        let name = Name(u16::try_from(self.meanings.len()).map_err(|_| "more than 65536 names".to_owned())?);
        self.numbers.insert(word, name);
        let is_choice = word.strip_prefix("value").is_some_and(|kind| !kind.is_empty());
        self.meanings.push(Meaning { class: Class::Unknown, resource: None, outside: false, is_choice });
        Ok(name)
    }

    /// The number of a name.
    pub(super) fn find(&self, word: &str) -> Name {
        self.numbers.find(word.as_bytes())
    }

    /// The same of a key that is the first bytes of a text, and the name again where it is an element's.
    #[inline(always)]
    pub(super) fn find_key(&self, text: &[u8], length: usize) -> (Name, Name) {
        let slot = self.numbers.slot(Head::of(text, length), text);
        slot.map_or((Name::UNKNOWN, Name::UNKNOWN), |slot| (slot.name, slot.element))
    }

    /// Notes which names are elements': once, when all have their meaning.
    pub(super) fn settle(&mut self) {
        let mut numbers = std::mem::take(&mut self.numbers);
        for slot in &mut numbers.slots {
            slot.element = self.as_element(slot.name);
        }
        self.numbers = numbers;
    }

    /// Which vocabulary it is to a document that is read by it.
    pub(super) fn vocabulary(&self) -> u32 {
        self.vocabulary
    }

    /// How many numbers there are.
    pub(super) fn len(&self) -> usize {
        self.meanings.len()
    }

    /// The class of an element; [`Class::Unknown`] for what is none.
    #[inline]
    pub(super) fn class(&self, name: Name) -> Class {
        self.meanings.get(name.index()).map_or(Class::Unknown, |meaning| meaning.class)
    }

    /// The same, where the element alone says how its value reads: a label may say what a choice is, and of whom a
    /// Reference is the first to tell, that one is somebody from there on.
    pub(super) fn class_alone(&self, name: Name) -> Class {
        match self.class(name) {
            Class::Reference | Class::Display => Class::Unknown,
            _ if self.is_choice(name) => Class::Unknown,
            class => class,
        }
    }

    /// Whether an element is `value` with a type behind it.
    #[inline]
    pub(super) fn is_choice(&self, name: Name) -> bool {
        self.meanings.get(name.index()).is_some_and(|meaning| meaning.is_choice)
    }

    /// The category of a resource type, if it is one.
    #[inline]
    pub(super) fn category(&self, name: Name) -> Option<Category> {
        self.meanings.get(name.index()).and_then(|meaning| meaning.resource)
    }

    /// The number of a key: that of the element, with and without the underscore of primitives' extensions.
    pub(super) fn element(&self, key: &str) -> Name {
        self.as_element(self.find(key.strip_prefix('_').unwrap_or(key)))
    }

    /// The name, if it is an element's.
    #[inline]
    pub(super) fn as_element(&self, name: Name) -> Name {
        if self.class(name) == Class::Unknown { Name::UNKNOWN } else { name }
    }

    /// The name, if it is a word of an envelope.
    pub(super) fn as_outside(&self, name: Name) -> Name {
        let outside = self.meanings.get(name.index()).is_some_and(|meaning| meaning.outside);
        if outside { name } else { Name::UNKNOWN }
    }

    /// Makes a name a word of an envelope.
    pub(super) fn intern_outside(&mut self, word: &str) -> Result<Name, String> {
        self.meaning(word, |meaning| meaning.outside = true)?;
        Ok(self.find(word))
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

/// Names to numbers: every key of a document is looked up here. A name of up to 16 bytes is known by its head alone.
#[derive(Default)]
struct Numbers {
    /// A power of two of them, at most half taken; a free one has no name.
    slots: Vec<Slot>,
    /// By number.
    texts: Vec<Box<str>>,
}

/// The first bytes of a name, with noughts behind a shorter one, and how many it has.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Head {
    bytes: u128,
    length: usize,
}

#[derive(Clone, Copy)]
struct Slot {
    head: Head,
    name: Name,
    /// The name, if it is an element's: [`Names::settle`].
    element: Name,
}

impl Numbers {
    fn find(&self, word: &[u8]) -> Name {
        self.slot(Head::of(word, word.len()), word).map_or(Name::UNKNOWN, |slot| slot.name)
    }

    /// The slot of the name that has this head and begins this text; a free one for no name at all.
    #[inline(always)]
    fn slot(&self, head: Head, text: &[u8]) -> Option<&Slot> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = head.hash() & mask;
        // Half of the slots are free at least: this ends.
        while let Some(slot) = self.slots.get(at) {
            if slot.head == head && (head.length <= HEAD_BYTES || self.begins(slot.name, text)) {
                return Some(slot);
            }
            if slot.name == Name::UNKNOWN {
                break;
            }
            at = (at + 1) & mask;
        }
        None
    }

    #[inline(never)]
    fn begins(&self, name: Name, text: &[u8]) -> bool {
        self.texts.get(name.index()).is_some_and(|name| text.starts_with(name.as_bytes()))
    }

    /// Puts in a name that isn't there; numbers come in order.
    fn insert(&mut self, word: &str, name: Name) {
        self.texts.push(word.into());
        if self.texts.len() * 2 > self.slots.len() {
            let free = Slot { head: Head::default(), name: Name::UNKNOWN, element: Name::UNKNOWN };
            let taken =
                std::mem::replace(&mut self.slots, vec![free; (self.texts.len() * 4).next_power_of_two()]);
            taken.into_iter().filter(|slot| slot.name != Name::UNKNOWN).for_each(|slot| self.place(slot));
        }
        if name != Name::UNKNOWN {
            let head = Head::of(word.as_bytes(), word.len());
            self.place(Slot { head, name, element: Name::UNKNOWN });
        }
    }

    fn place(&mut self, slot: Slot) {
        let taken = self.slots_from(slot.head).take_while(|slot| slot.name != Name::UNKNOWN).count();
        let at = (slot.head.hash() + taken) & (self.slots.len() - 1);
        if let Some(free) = self.slots.get_mut(at) {
            *free = slot;
        }
    }

    fn slots_from(&self, head: Head) -> impl Iterator<Item = &Slot> {
        let mask = self.slots.len().saturating_sub(1);
        let from = head.hash();
        (0..self.slots.len()).filter_map(move |step| self.slots.get((from + step) & mask))
    }
}

impl Head {
    /// That of the first bytes of a text.
    #[inline(always)]
    fn of(text: &[u8], length: usize) -> Self {
        let bytes = match text.first_chunk() {
            Some(bytes) => u128::from_le_bytes(*bytes) & MASKS.get(length).copied().unwrap_or(u128::MAX),
            None => Self::at_the_end(text.get(..length).unwrap_or_default()),
        };
        Self { bytes, length }
    }

    /// The bytes of one behind which no more text stands.
    #[cold]
    fn at_the_end(name: &[u8]) -> u128 {
        name.iter().take(HEAD_BYTES).rev().fold(0, |sum, byte| sum << 8 | u128::from(*byte))
    }

    /// The high half of a product, as it is mixed best.
    #[inline(always)]
    fn hash(self) -> usize {
        let (first, second) = (self.bytes as u64, (self.bytes >> 64) as u64);
        let word = first ^ second.rotate_left(23) ^ (self.length as u64) << 56;
        (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize
    }
}

/// So many bytes of a name are looked at together.
const HEAD_BYTES: usize = 16;

/// The bytes of a name of each length.
const MASKS: [u128; HEAD_BYTES] = {
    let mut masks = [0; HEAD_BYTES];
    let mut length = 1;
    while length < HEAD_BYTES {
        masks[length] = masks[length - 1] << 8 | 0xFF;
        length += 1;
    }
    masks
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_nothing_near_it() {
        let names = Names::new().unwrap();
        assert!(names.numbers.texts.len() > 1000);
        for (number, text) in names.numbers.texts.iter().enumerate() {
            assert_eq!(names.find(text).index(), number, "{text}");
            for near in [format!("{text}x"), format!("x{text}"), text.replace('e', "E")] {
                let known = names.numbers.texts.iter().position(|text| **text == near);
                assert_eq!(names.find(&near).index(), known.unwrap_or(0), "{near}");
            }
        }
    }

    #[test]
    fn keys_of_primitives_extensions_are_those_of_their_elements() {
        let mut names = Names::new().unwrap();
        names.settle();
        for word in ["lastUpdated", "Patient", "ssn", "", "_birthDate", "birthDate"] {
            let name = names.find(word);
            for text in [format!("{word}\":"), format!("{word}\": \"more of the text\""), word.to_owned()] {
                let found = names.find_key(text.as_bytes(), word.len());
                assert_eq!(found, (name, names.as_element(name)), "{text}");
            }
        }
        assert_eq!(names.element("_birthDate"), names.element("birthDate"));
        assert_eq!(names.class(names.element("lastUpdated")), Class::Time);
        for (word, class) in [
            ("status", Class::Code),
            ("value", names.class(names.find("value"))),
            ("valueString", Class::Unknown),
            ("reference", Class::Unknown),
            ("display", Class::Unknown),
            ("ssn", Class::Unknown),
        ] {
            assert_eq!(names.class_alone(names.element(word)), class, "{word}");
        }
        assert_eq!(names.element("ssn"), Name::UNKNOWN);
        assert_eq!(names.element("Patient"), Name::UNKNOWN);
        assert_eq!(names.element(""), Name::UNKNOWN);
        assert_eq!(names.category(names.resource("Patient")), Some(Category::Patient));
        assert_eq!(names.resource("gender"), Name::UNKNOWN);
    }
}
