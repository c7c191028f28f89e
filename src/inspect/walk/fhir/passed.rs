//! What was passed over: most codes of a document stand at the same path in each of its resources, and say the same there.

use super::super::json::{NodeId, NodeKind, Tape};
use super::paths::Path;

/// The values that the sink passed over last, by their paths: how they read follows from those alone.
pub(super) struct Passed<'d>([Last<'d>; SLOTS]);

/// A value and where it stood.
#[derive(Clone, Copy)]
struct Last<'d> {
    path: Path,
    /// As of a number that is written as a text is it isn't known how that reads.
    kind: NodeKind,
    /// Without escapes; `None`: there was none. All of it is nought then, which is made ready at once.
    value: Option<&'d str>,
}

impl<'d> Passed<'d> {
    pub(super) fn new() -> Self {
        Self([Last { path: Path::OUTSIDE, kind: NodeKind::Object, value: None }; SLOTS])
    }

    /// Whether a value is the one that was passed over last at its path.
    #[inline]
    pub(super) fn again(&self, tape: &Tape<'d>, id: NodeId, path: Path) -> bool {
        let Some(last) = self.0.get(path.index() % SLOTS) else { return false };
        last.path == path
            && last.kind == tape.kind(id)
            && last.value.is_some()
            && tape.plain_value(id) == last.value
    }

    pub(super) fn keep(&mut self, tape: &Tape<'d>, id: NodeId, path: Path) {
        if let Some(last) = self.0.get_mut(path.index() % SLOTS)
            && let Some(value) = tape.plain_value(id)
        {
            *last = Last { path, kind: tape.kind(id), value: Some(value) };
        }
    }
}

/// A power of two: documents have few paths whose values are codes.
const SLOTS: usize = 64;
