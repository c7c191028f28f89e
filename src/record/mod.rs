//! Record: what happened to a message, to its redacted account.
//!
//! - Takes: a [`Draft`], offered at the end of the reply: the one thing here that holds payload.
//! - Gives: [`Redacted`], the one stored form, made to the ceiling of caller role and environment; [`redact()`] alone
//!   makes one, and [`crate::store`] takes no less.
//! - In doubt: takes away. A leaf stays clear only if its row says so or the walker knows it as a code, a unit or a
//!   number that measures, and its value is of the safe vocabulary.
//! - Cost: none on the way of a message but a place in a bounded queue; the rest is on the writer's thread.

mod entry;
mod packed;
mod redact;
mod room;
mod seal;
mod structure;
mod view;
mod writer;

pub use entry::{Draft, Entry, Found, Redacted, ReplyCopy, Told};
pub use redact::{Late, has_shape, is_credential, redact};
pub use seal::Originals;
pub use structure::{Part, Piece, StoredPayload};
pub use view::{SealedField, View, is_sealed, render, render_findings, sealed_fields};
pub use writer::{OnLate, RecordStats, Recorder, RecorderConfig};

#[cfg(test)]
mod tests;
#[cfg(test)]
mod leftovers;
