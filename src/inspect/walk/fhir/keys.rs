//! The keys of a document as names: each is looked up once, and asked for by number from then on.

use super::super::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use super::names::{Name, Names};
use super::table::Table;
use std::borrow::Cow;

/// For each value of a tape the names of its key.
pub(super) struct Keys {
    keys: Vec<Key>,
    /// The members that say of what type a resource is, in order.
    types: Vec<NodeId>,
}

#[derive(Clone, Copy)]
struct Key {
    /// The key to the letter.
    word: Name,
    /// The element, with and without the underscore of primitives' extensions.
    element: Name,
}

impl Keys {
    /// Looks up the keys of a tape; elements of arrays have none.
    pub(super) fn of(tape: &Tape<'_>, table: &Table) -> Self {
        let mut keys = Self { keys: Vec::with_capacity(tape.len()), types: Vec::new() };
        for id in tape.nodes() {
            let key = match tape.plain_key(id) {
                Some(key) => Key::of(key, &table.names),
                None => tape.key(id).map_or(Key::NONE, |key| Key::of(key.as_bytes(), &table.names)),
            };
            if key.word == table.words.resource_type {
                keys.types.push(id);
            }
            keys.keys.push(key);
        }
        keys
    }

    /// The members that say of what type a resource is, in order.
    pub(super) fn types(&self) -> &[NodeId] {
        &self.types
    }

    #[inline]
    fn get(&self, id: NodeId) -> Key {
        self.keys.get(id.index()).copied().unwrap_or(Key::NONE)
    }
}

impl Key {
    const NONE: Self = Self { word: Name::UNKNOWN, element: Name::UNKNOWN };

    #[inline]
    fn of(key: &[u8], names: &Names) -> Self {
        let (word, element) = names.find_key(key);
        match key.split_first() {
            Some((b'_', key)) => Self { word, element: names.element_of(key) },
            _ => Self { word, element },
        }
    }
}

/// A document to be walked, and what it is walked by.
#[derive(Clone, Copy)]
pub(super) struct Doc<'t, 'd> {
    pub(super) tape: &'t Tape<'d>,
    pub(super) keys: &'t Keys,
    pub(super) table: &'t Table,
}

impl<'t, 'd> Doc<'t, 'd> {
    /// Whether the key is this to the letter.
    #[inline]
    pub(super) fn key_is(&self, id: NodeId, word: Name) -> bool {
        self.keys.get(id).word == word
    }

    /// The element's name; [`Name::UNKNOWN`] for what is none.
    #[inline]
    pub(super) fn element(&self, id: NodeId) -> Name {
        self.keys.get(id).element
    }

    /// The same outside any resource, where words of envelopes are names as well.
    #[inline]
    pub(super) fn outside(&self, id: NodeId) -> Name {
        let key = self.keys.get(id);
        if key.element == Name::UNKNOWN { self.table.names.as_outside(key.word) } else { key.element }
    }

    /// As [`Tape::get`], by the number of the key.
    #[inline]
    pub(super) fn get(&self, id: NodeId, word: Name) -> Option<NodeId> {
        if self.tape.kind(id) != NodeKind::Object {
            return None;
        }
        self.tape.children(id).take(MEMBERS_LOOKED_AT_MAX).find(|child| self.key_is(*child, word))
    }

    /// As [`Tape::string`], by the number of the key.
    pub(super) fn string(&self, id: NodeId, word: Name) -> Option<Cow<'d, str>> {
        let tape: &'t Tape<'d> = self.tape;
        self.get(id, word)
            .filter(|child| tape.kind(*child) == NodeKind::String)
            .map(|child| tape.value(child))
    }
}
