//! What the walk knows where it stands.

use super::super::PersonId;
use super::super::json::NodeId;
use super::names::Name;
use super::paths::Path;
use super::people::{Facts, Target};
use super::repeats::Opened;

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
    /// How many elements it lies in, itself counted; arrays aren't.
    pub(super) depth: u32,
    /// How many of them lie around its resource, the resource counted.
    pub(super) base: u32,
    /// Its path from there.
    pub(super) path: Path,
    /// Whether its resource stands in a list of contained ones.
    pub(super) contained: bool,
    pub(super) resource: Option<Facts>,
    pub(super) scope: Scope,
    /// What the Reference around it leads to; elsewhere what the resource's subject leads to.
    pub(super) target: Target,
    /// Whose it is, where that isn't the resource's owner.
    pub(super) person: Option<PersonId>,
    /// Below a key that R4 doesn't know.
    pub(super) unknown: bool,
    /// What was known when it was opened.
    pub(super) opened: Opened,
}

impl Frame {
    /// Around the whole document.
    pub(super) const OUTSIDE: Self = Self {
        object: NodeId::ROOT,
        after: NodeId::ROOT,
        name: Name::UNKNOWN,
        depth: 0,
        base: 0,
        path: Path::OUTSIDE,
        contained: false,
        resource: None,
        scope: Scope::Own,
        target: Target::None,
        person: None,
        unknown: false,
        opened: Opened::ONCE,
    };
}
