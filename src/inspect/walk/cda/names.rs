//! Names of elements and attributes, and how what they hold reads where no row covers it.

use crate::inspect::field::listed;
use crate::inspect::hash::Map;
use serde::Deserialize;
use std::collections::HashSet;

/// A name of the table `config/fields/cda-names.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Name(pub(super) u16);

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
    by_word: Map<String, Name>,
    /// By number.
    meanings: Vec<Meaning>,
    terminologies: Vec<String>,
    /// Those of them that have no letters and stand for all that begin so: branches of object identifiers.
    branches: Vec<String>,
    /// Those that have none and stand for themselves alone.
    oids: Map<String, ()>,
    provider_columns: HashSet<String>,
}

#[derive(Debug)]
struct Meaning {
    word: String,
    /// As a place shows an attribute: `@word`.
    attribute: String,
    is_element: bool,
    is_code: bool,
    class: Option<Class>,
}

impl Names {
    pub(super) fn new(raw: &RawNames) -> Self {
        let terminologies: Vec<String> = raw.terminologies.split_whitespace().map(str::to_owned).collect();
        let is_oid = |system: &&str| system.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let words = || terminologies.iter().map(String::as_str);
        let mut names = Self {
            by_word: Map::default(),
            meanings: Vec::new(),
            oids: words().filter(is_oid).map(|oid| (oid.to_owned(), ())).collect(),
            branches: words().filter_map(|t| t.strip_suffix('*')).filter(is_oid).map(str::to_owned).collect(),
            terminologies,
            provider_columns: raw.provider_columns.split_whitespace().map(str::to_owned).collect(),
        };
        names.meanings.push(Meaning::of("*"));
        for word in raw.elements.split_whitespace().chain(raw.code_elements.split_whitespace()) {
            names.meaning(word, |meaning| meaning.is_element = true);
        }
        for word in raw.code_elements.split_whitespace() {
            names.meaning(word, |meaning| meaning.is_code = true);
        }
        for (list, class) in
            [(&raw.codes, Class::Code), (&raw.opaque, Class::Opaque), (&raw.texts, Class::Text)]
        {
            for word in list.split_whitespace() {
                names.meaning(word, |meaning| meaning.class = Some(class));
            }
        }
        names
    }

    fn meaning(&mut self, word: &str, set: impl FnOnce(&mut Meaning)) {
        let next = Name(u16::try_from(self.meanings.len()).unwrap_or(0));
        let name = *self.by_word.entry(word.to_owned()).or_insert(next);
        if name == next {
            self.meanings.push(Meaning::of(word));
        }
        if let Some(meaning) = self.of(name) {
            set(meaning);
        }
    }

    fn of(&mut self, name: Name) -> Option<&mut Meaning> {
        self.meanings.get_mut(usize::from(name.0))
    }

    /// The number of a word, whatever it names.
    pub(super) fn find(&self, local: &str) -> Name {
        self.by_word.get(local).copied().unwrap_or(Name::UNKNOWN)
    }

    /// An element's name, by its name without prefix.
    pub(super) fn element(&self, local: &str) -> Name {
        self.as_element(self.find(local))
    }

    /// The name, if it is an element's.
    pub(super) fn as_element(&self, name: Name) -> Name {
        let is_element = self.meanings.get(usize::from(name.0)).is_some_and(|meaning| meaning.is_element);
        if is_element { name } else { Name::UNKNOWN }
    }

    /// An attribute's name and class, by its name without prefix.
    pub(super) fn attribute(&self, local: &str) -> Option<(Name, Class)> {
        let name = self.find(local);
        Some((name, self.class(name)?))
    }

    /// The class of an attribute; `None` for what is none.
    pub(super) fn class(&self, name: Name) -> Option<Class> {
        self.meanings.get(usize::from(name.0)).and_then(|meaning| meaning.class)
    }

    /// Whether an element's text is a code.
    pub(super) fn is_code(&self, element: Name) -> bool {
        self.meanings.get(usize::from(element.0)).is_some_and(|meaning| meaning.is_code)
    }

    /// Whether a code system is a published terminology.
    pub(super) fn is_terminology(&self, system: &str) -> bool {
        self.branches.iter().any(|branch| system.starts_with(branch.as_str()))
            || self.oids.contains_key(system)
            || listed(&self.terminologies, system)
    }

    /// Whether a column of this head tells of providers or organisations.
    pub(super) fn is_providers(&self, head: &str) -> bool {
        head.split(|c: char| !c.is_alphanumeric())
            .any(|word| !word.is_empty() && self.provider_columns.contains(&word.to_ascii_lowercase()))
    }

    /// The word; `*` for what isn't known.
    pub(super) fn word(&self, name: Name) -> &str {
        self.meanings.get(usize::from(name.0)).map_or("*", |meaning| &meaning.word)
    }

    /// The same as an attribute's: `@word`.
    pub(super) fn attribute_word(&self, name: Name) -> &str {
        self.meanings.get(usize::from(name.0)).map_or("@*", |meaning| &meaning.attribute)
    }
}

impl Meaning {
    fn of(word: &str) -> Self {
        let attribute = format!("@{word}");
        Self { word: word.to_owned(), attribute, is_element: false, is_code: false, class: None }
    }
}

macro_rules! words {
    ($($field:ident = $word:literal,)+) => {
        /// Names that the walker itself asks for.
        #[derive(Debug)]
        pub(super) struct Words {
            $(pub(super) $field: Name,)+
        }

        impl Words {
            /// # Errors
            /// A word that the table of names doesn't have.
            pub(super) fn new(names: &Names) -> Result<Self, String> {
                let known = |word: &str| match names.find(word) {
                    Name::UNKNOWN => Err(format!("the walker asks for a word that is no name: {word}")),
                    name => Ok(name),
                };
                Ok(Self { $($field: known($word)?,)+ })
            }
        }
    };
}

words! {
    record_target = "recordTarget",
    section = "section",
    non_xml_body = "nonXMLBody",
    text = "text",
    td = "td",
    th = "th",
    tr = "tr",
    code = "code",
    value = "value",
    telecom = "telecom",
    display_name = "displayName",
    reference = "reference",
    href = "href",
    extension = "extension",
    id = "id",
    template_id = "templateId",
    type_id = "typeId",
    set_id = "setId",
    code_system = "codeSystem",
    class_code = "classCode",
    type_code = "typeCode",
    kind = "type",
    entry = "entry",
    table = "table",
    root = "root",
    authority = "assigningAuthorityName",
    representation = "representation",
    media_type = "mediaType",
    patient_role = "patientRole",
    assigned_author = "assignedAuthor",
    assigned_entity = "assignedEntity",
}

impl Words {
    /// Whether an attribute tells of which kind an element is.
    pub(super) fn is_type(&self, attribute: Name) -> bool {
        attribute == self.class_code || attribute == self.type_code || attribute == self.kind
    }

    /// Whether an element is a cell of a table.
    pub(super) fn is_cell(&self, element: Name) -> bool {
        element == self.td || element == self.th
    }

    /// Whether an element's extension is the machine's own.
    pub(super) fn is_machines_id(&self, element: Name) -> bool {
        element == self.template_id || element == self.type_id || element == self.set_id
    }
}
