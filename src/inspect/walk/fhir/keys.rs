//! A document whose keys are names of R4: members are asked for by number.

use super::super::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape, Vocabulary, Word};
use super::names::{Name, Names};
use super::table::Table;
use std::borrow::Cow;

/// The element of a key stands with and without the underscore of primitives' extensions.
impl Vocabulary for Names {
    fn number(&self) -> u32 {
        self.vocabulary()
    }

    #[inline(always)]
    fn word(&self, text: &[u8], length: usize) -> Word {
        let (word, element) = match text.first() {
            Some(b'_') => self.extended(text, length),
            _ => self.find_key(text, length),
        };
        Word { key: word.number(), element: element.number() }
    }
}

impl Names {
    #[cold]
    fn extended(&self, text: &[u8], length: usize) -> (Name, Name) {
        let (word, element) = self.find_key(text, length);
        match (text.split_first(), length.checked_sub(1)) {
            (Some((_, text)), Some(length)) => (word, self.find_key(text, length).1),
            _ => (word, element),
        }
    }
}

/// A document to be walked, and what it is walked by.
#[derive(Clone, Copy)]
pub(super) struct Doc<'t, 'd> {
    /// Its keys were looked up in [`Table::vocabulary`].
    pub(super) tape: &'t Tape<'d>,
    pub(super) table: &'t Table,
}

impl<'t, 'd> Doc<'t, 'd> {
    /// The key to the letter; [`Name::UNKNOWN`] for what is no name.
    #[inline]
    pub(super) fn key(&self, id: NodeId) -> Name {
        Name::of(self.tape.word(id).key)
    }

    /// Whether the key is this to the letter.
    #[inline]
    pub(super) fn key_is(&self, id: NodeId, word: Name) -> bool {
        self.key(id) == word
    }

    /// The element's name; [`Name::UNKNOWN`] for what is none.
    #[inline]
    pub(super) fn element(&self, id: NodeId) -> Name {
        Name::of(self.tape.word(id).element)
    }

    /// The same outside any resource, where words of envelopes are names as well.
    #[inline]
    pub(super) fn outside(&self, id: NodeId) -> Name {
        match self.element(id) {
            Name::UNKNOWN => self.table.names.as_outside(self.key(id)),
            element => element,
        }
    }

    /// As [`Tape::get`], by the number of the key.
    #[inline]
    pub(super) fn get(&self, id: NodeId, word: Name) -> Option<NodeId> {
        if self.tape.kind(id) != NodeKind::Object {
            return None;
        }
        self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX).find(|child| self.key_is(*child, word))
    }

    /// All members of this key, as [`Self::get`]: of a key that stands twice most parsers take the last.
    pub(super) fn all(self, id: NodeId, word: Name) -> impl Iterator<Item = NodeId> {
        let is_object = self.tape.kind(id) == NodeKind::Object;
        let members = is_object.then(|| self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX));
        members.into_iter().flatten().filter(move |child| self.key_is(*child, word))
    }

    /// As [`Tape::string`], by the number of the key.
    pub(super) fn string(&self, id: NodeId, word: Name) -> Option<Cow<'d, str>> {
        let tape: &'t Tape<'d> = self.tape;
        self.all(id, word).find(|child| tape.kind(*child) == NodeKind::String).map(|child| tape.value(child))
    }
}
