//! What the walk knows where it stands.

use super::super::PersonId;
use super::super::json::NodeId;
use super::names::Name;
use super::people::{Facts, Target};

/// Whose side an element is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The individual's: rows for patients and relatives hold.
    Own,
    /// A provider's or an organisation's: names and numbers are public.
    Provider,
    /// Of what defines and describes.
    Definition,
    /// Of an animal: no individual.
    Nobody,
}

/// An object or array that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    /// The object; of an array the one that holds it.
    pub(super) object: NodeId,
    /// The first node behind it.
    pub(super) after: NodeId,
    /// Of its key; elements have the array's.
    pub(super) name: Name,
    /// How long the path was before it.
    pub(super) path_before: usize,
    /// Where the path of its resource begins.
    pub(super) base: usize,
    pub(super) resource: Option<Facts>,
    pub(super) scope: Scope,
    /// What the Reference around it leads to; elsewhere what the resource's subject leads to.
    pub(super) target: Target,
    /// Whose it is, where that isn't the resource's owner.
    pub(super) person: Option<PersonId>,
    /// Below a key that R4 doesn't know.
    pub(super) unknown: bool,
}

impl Frame {
    /// Around the whole document.
    pub(super) const OUTSIDE: Self = Self {
        object: NodeId::ROOT,
        after: NodeId::ROOT,
        name: Name::UNKNOWN,
        path_before: 0,
        base: 0,
        resource: None,
        scope: Scope::Own,
        target: Target::None,
        person: None,
        unknown: false,
    };
}
