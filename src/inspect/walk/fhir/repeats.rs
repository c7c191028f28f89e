//! What says again, byte for byte, what was said before: the category of an Observation, the coding of its code, what its
//! meta has. Of such a value nothing was made the first time, so it needn't be looked into again.
//!
//! It was settled by its own bytes, its path and its side alone: whatever else had a part in how it was told, or was made
//! of it, stirs. Then there is no row that may cover any of it, no resource in it, no key that R4 doesn't know, and nobody
//! else's in it than whose the element around it is.

use super::super::json::{NodeId, Tape};
use super::context::{Frame, Scope};
use super::paths::Path;

/// Values of which nothing was made.
pub(super) struct Repeats<'d> {
    known: [Known<'d>; SLOTS],
    /// How often something was made, or hung on more than a value's own bytes.
    stirs: u32,
    /// How often something was told of which nothing was made.
    spoken: u32,
}

#[derive(Clone, Copy)]
struct Known<'d> {
    member: Path,
    scope: Scope,
    /// Whether any of it was told: it was somebody's, who was somebody from there on.
    spoke: bool,
    /// An object or an array as written; `None`: there was none. All of it is nought then, which is made ready at once.
    raw: Option<&'d str>,
}

/// What was known when an object or an array was opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opened {
    value: NodeId,
    member: Path,
    scope: Scope,
    stirs: u32,
    spoken: u32,
}

impl Opened {
    /// Of what isn't kept.
    pub(super) const ONCE: Self =
        Self { value: NodeId::ROOT, member: Path::OUTSIDE, scope: Scope::Own, stirs: u32::MAX, spoken: 0 };
}

/// What an object or an array is when it is opened.
pub(super) enum Opens {
    /// What was there before.
    Again {
        /// Whether any of it was told then.
        spoke: bool,
    },
    New(Opened),
}

impl<'d> Repeats<'d> {
    pub(super) fn new() -> Self {
        let none = Known { member: Path::OUTSIDE, scope: Scope::Own, spoke: false, raw: None };
        Self { known: [none; SLOTS], stirs: 0, spoken: 0 }
    }

    /// Something was made, or how it was told hung on more than itself.
    #[inline]
    pub(super) fn stir(&mut self) {
        // As many would take as many values.
        self.stirs = self.stirs.saturating_add(1).min(u32::MAX - 1);
    }

    /// Something was told: quietly, where nothing was made of it.
    pub(super) fn spoke(&mut self, quietly: bool) {
        if quietly {
            self.spoken = self.spoken.wrapping_add(1);
        } else {
            self.stir();
        }
    }

    /// Whether an object or an array is one that is looked for. Of `_status` the path is that of `status`, and what is in an
    /// array comes again with the array.
    #[inline]
    pub(super) fn may_be_one(tape: &Tape<'_>, value: NodeId) -> bool {
        let word = tape.word(value);
        word.key == word.element && tape.raw_bytes(value) <= BYTES_MAX && tape.is_json()
    }

    /// Whether one that may be was there before. `member` is the path that its elements have.
    #[inline]
    pub(super) fn opens(&self, tape: &Tape<'d>, value: NodeId, member: Path, scope: Scope) -> Opens {
        let raw = tape.raw(value);
        match self.known.get(slot(member, raw)) {
            Some(known) if known.member == member && known.scope == scope && known.raw == Some(raw) => {
                Opens::Again { spoke: known.spoke }
            }
            _ => Opens::New(Opened { value, member, scope, stirs: self.stirs, spoken: self.spoken }),
        }
    }

    /// Keeps what ends here, if nothing stirred in it.
    #[inline]
    pub(super) fn closes(&mut self, tape: &Tape<'d>, frame: &Frame) {
        let Opened { value, member, scope, stirs, spoken } = frame.opened;
        if stirs != self.stirs {
            return;
        }
        let raw = tape.raw(value);
        if let Some(known) = self.known.get_mut(slot(member, raw)) {
            *known = Known { member, scope, spoke: spoken != self.spoken, raw: Some(raw) };
        }
    }
}

/// Of one path those of a length share a slot.
#[inline]
fn slot(member: Path, raw: &str) -> usize {
    (member.index() * 29 + raw.len()) % SLOTS
}

/// A power of two.
const SLOTS: usize = 64;
/// Longer values seldom come again.
const BYTES_MAX: usize = 512;
