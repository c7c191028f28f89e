//! What the names of one document are to CDA: asked once for each name, by its number on the tape.

use super::super::xml::{ATTRIBUTES_LOOKED_AT_MAX, NameId, NodeId, Tape};
use super::names::{Class, Name, Names};

/// A name of the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Called {
    /// Its number in the table, without the prefix; [`Name::UNKNOWN`] for what isn't there.
    pub(super) local: Name,
    /// The same where it is an element's.
    pub(super) element: Name,
    /// As an attribute's; `None` for what is none.
    pub(super) class: Option<Class>,
    /// Whether it has no prefix.
    pub(super) is_plain: bool,
    /// Whether an attribute of this name declares a namespace.
    pub(super) declares: bool,
    /// Whether an element of this name ends no line of the narrative.
    pub(super) inline: bool,
}

/// The names of a document, by number.
pub(super) struct Calls(Vec<Called>);

impl Calls {
    pub(super) fn new(tape: &Tape<'_>, names: &Names) -> Self {
        Self(tape.names().map(|name| Called::of(tape, name, names)).collect())
    }

    /// What an element or attribute is called.
    #[inline]
    pub(super) fn of(&self, tape: &Tape<'_>, id: NodeId) -> &Called {
        self.0.get(tape.name_id(id).index()).unwrap_or(&Called::NOTHING)
    }

    /// The attribute of this name, which has no prefix, among the first [`ATTRIBUTES_LOOKED_AT_MAX`].
    pub(super) fn attribute(&self, tape: &Tape<'_>, element: NodeId, name: Name) -> Option<NodeId> {
        let is_it = |number: NameId| {
            self.0.get(number.index()).is_some_and(|called| called.local == name && called.is_plain)
        };
        let mut attributes = tape.attribute_names(element).take(ATTRIBUTES_LOOKED_AT_MAX);
        attributes.find(|(_, number)| is_it(*number)).map(|(attribute, _)| attribute)
    }
}

impl Called {
    const NOTHING: Self = Self {
        local: Name::UNKNOWN,
        element: Name::UNKNOWN,
        class: None,
        is_plain: true,
        declares: false,
        inline: false,
    };

    fn of(tape: &Tape<'_>, name: NameId, names: &Names) -> Self {
        let word = tape.local_of(name);
        let local = names.find(word);
        Self {
            local,
            element: names.as_element(local),
            class: names.class(local),
            is_plain: tape.prefix_of(name).is_empty(),
            declares: tape.declares(name),
            inline: INLINE.contains(&word),
        }
    }
}

/// Elements that don't end a line.
const INLINE: &[&str] =
    &["content", "linkHtml", "sub", "sup", "footnote", "footnoteRef", "b", "i", "u", "span", "a"];
