//! Values that were judged before: results of a message say the same time over and over, and what a value is
//! by itself doesn't change from one field of its kind to the next.
//!
//! An entry is the whole value with its kind and weight, compared to the last byte. Entries are few, and kept
//! no longer than the message.

use super::person::Keys;
use crate::inspect::field::Field;
use crate::inspect::kind::{Kind, Points};
use crate::inspect::marker::Judged;

/// What was found out of a few values.
#[derive(Default)]
pub(super) struct Before {
    /// By hash; the last value of a hash stays. Empty until there is one.
    slots: Vec<Option<Entry>>,
}

struct Entry {
    value: String,
    kind: Kind,
    weight: Points,
    judged: Judged,
    keys: Keys,
}

impl Before {
    /// How this value was judged under a row of the same kind and weight, and what it is compared by.
    pub(super) fn judged(&self, field: &Field, value: &str) -> Option<(Judged, Keys)> {
        #[cfg(test)]
        if super::quiet::FORGETS.get() {
            return None;
        }
        if !comes_again(field.kind) || value.len() > VALUE_BYTES_MAX {
            return None;
        }
        let entry = self.slots.get(place(field.kind, value.as_bytes()))?.as_ref()?;
        (entry.kind == field.kind && entry.weight == field.points && entry.value == value)
            .then(|| (entry.judged, entry.keys.clone()))
    }

    /// Keeps how a value that nothing disguises was judged; long ones aren't kept.
    pub(super) fn keep(&mut self, field: &Field, value: &str, judged: Judged, keys: &Keys) {
        if value.len() > VALUE_BYTES_MAX || !comes_again(field.kind) {
            return;
        }
        let entry = Entry {
            value: value.to_owned(),
            kind: field.kind,
            weight: field.points,
            judged,
            keys: keys.clone(),
        };
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        if let Some(slot) = self.slots.get_mut(place(field.kind, value.as_bytes())) {
            *slot = Some(entry);
        }
    }
}

/// Whether values of this kind are often the same: when something was done, of what. Names and numbers are
/// told once or twice.
const fn comes_again(kind: Kind) -> bool {
    matches!(kind, Kind::ServiceDate | Kind::ResourceId)
}

/// The slot of a value: a hash of its last bytes, in which times differ.
fn place(kind: Kind, value: &[u8]) -> usize {
    let last = match value.last_chunk::<8>() {
        Some(last) => u64::from_le_bytes(*last),
        None => value.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let hash = (last ^ kind as u64 ^ (value.len() as u64) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    usize::try_from(hash >> (64 - SLOTS.trailing_zeros())).unwrap_or(0)
}

/// A power of two.
const SLOTS: usize = 16;
/// Longer values seldom come again.
const VALUE_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::marker::Sign;

    fn row(kind: Kind, weight: u16) -> Field {
        let mut row = Field::blank("a.row");
        (row.kind, row.points) = (kind, Points(weight));
        row
    }

    #[test]
    fn a_value_is_known_by_all_its_bytes_its_kind_and_its_weight() {
        let judged = Judged { sign: Sign::Habit, points: Points(7), generated: false, opaque: false };
        let keys = Keys::One("20250504".to_owned());
        let (taken, mut before) = (row(Kind::ServiceDate, 10), Before::default());
        assert!(before.judged(&taken, "20250504144731").is_none());
        before.keep(&taken, "20250504144731", judged, &keys);
        let known = before.judged(&taken, "20250504144731").expect("it was kept");
        assert!(known.0 == judged && *known.1 == *keys);
        assert!(before.judged(&row(Kind::ServiceDate, 9), "20250504144731").is_none());
        assert!(before.judged(&row(Kind::ResourceId, 10), "20250504144731").is_none());
        for other in ["20240504144731", "20250504144732", "2025050414473", ""] {
            assert!(before.judged(&taken, other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_is_long_or_seldom_comes_again_is_not_kept() {
        let judged = Judged { sign: Sign::None, points: Points(7), generated: false, opaque: false };
        let mut before = Before::default();
        for (field, value) in [
            (row(Kind::ResourceId, 10), "7".repeat(VALUE_BYTES_MAX + 1)),
            (row(Kind::FamilyName, 30), "Okafor".to_owned()),
        ] {
            before.keep(&field, &value, judged, &Keys::None);
            assert!(before.judged(&field, &value).is_none());
        }
    }
}
