//! What entries of a list look like: most values look otherwise, and need not be compared with each.

/// The looks of a list whose entries are whole values or, with a trailing `*`, prefixes; case doesn't matter.
#[derive(Debug, Clone)]
pub(super) struct Looks {
    /// A bit for each length of an entry; those from 63 on share one.
    lengths: u64,
    /// A bit for how long an entry is and which bytes stand in its middle and at its end.
    wholes: [u64; WORDS],
    /// Of prefixes: a bit for the first byte, and one for some of the first.
    firsts: u64,
    heads: u64,
}

impl Looks {
    pub(super) fn of(list: &[String]) -> Self {
        let mut looks = Self { lengths: 0, wholes: [0; WORDS], firsts: 0, heads: 0 };
        for entry in list {
            match entry.strip_suffix('*') {
                // A shorter one may stand before anything.
                Some(prefix) => {
                    looks.firsts |= prefix.as_bytes().first().map_or(u64::MAX, |byte| first(*byte));
                    looks.heads |= head(prefix.as_bytes()).unwrap_or(u64::MAX);
                }
                None => {
                    looks.lengths |= length(entry.as_bytes());
                    let (word, bit) = whole(entry.as_bytes());
                    looks.wholes.iter_mut().skip(word).take(1).for_each(|bits| *bits |= bit);
                }
            }
        }
        looks
    }

    /// Whether a value may be one of them, or begin as one.
    #[inline]
    pub(super) fn may_be(&self, value: &str) -> bool {
        let bytes = value.as_bytes();
        let is_long = || {
            let (word, bit) = whole(bytes);
            self.wholes.get(word).is_some_and(|bits| bits & bit != 0)
        };
        let begins = || self.heads == u64::MAX || self.heads & head(bytes).unwrap_or(0) != 0;
        let may_begin = bytes.first().map_or(self.firsts == u64::MAX, |byte| self.firsts & first(*byte) != 0);
        (self.lengths & length(bytes) != 0 && is_long()) || (may_begin && begins())
    }
}

#[inline]
fn length(bytes: &[u8]) -> u64 {
    1 << bytes.len().min(63)
}

/// The bit of a byte, in either case.
#[inline]
fn first(byte: u8) -> u64 {
    1 << ((byte | 0x20) & 63)
}

/// The word and the bit of a whole value, in either case.
#[inline]
fn whole(bytes: &[u8]) -> (usize, u64) {
    let folded = |at: usize| usize::from(bytes.get(at).map_or(0, |b| b | 0x20));
    let look = bytes.len() * 7 + folded(bytes.len() / 2) * 3 + folded(bytes.len().saturating_sub(1)) * 37;
    (look / 64 % WORDS, 1 << (look % 64))
}

/// The bit of what tells beginnings apart, `ur` and `oi` of `urn:oid:`, in either case; `None` of less than six bytes.
#[inline]
fn head(bytes: &[u8]) -> Option<u64> {
    let [a, b, _, _, c, d] = bytes.first_chunk::<6>()?;
    let mixed = [a, b, c, d].iter().fold(0_u8, |sum, byte| sum.wrapping_mul(37).wrapping_add(**byte | 0x20));
    Some(1 << (mixed & 63))
}

const WORDS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::field::listed;

    #[test]
    fn what_is_listed_has_its_looks_and_most_other_values_have_not() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let values = [
            "urn:oid:2.999.1",
            "URN:OID:2.999.",
            "urn:uuid:1",
            "urn:o",
            "2.999.5",
            "2.999",
            "x",
            "",
            "Unknown",
            "UNKNOWN",
            "unknown ",
            "http://loinc.org",
            "HTTP://HOSPITAL.example",
            "http://hospital.example",
            "é",
            "ur",
            "u",
        ];
        let mut passed = 0;
        for list in [
            words(&["urn:oid:2.999.*", "2.999.*", "http://hospital.example"]),
            words(&["unknown", "n/a", "x"]),
            words(&["u*"]),
            words(&["*"]),
            words(&[]),
        ] {
            let looks = Looks::of(&list);
            for value in values {
                assert!(looks.may_be(value) || !listed(&list, value), "{value} of {list:?}");
                passed += usize::from(looks.may_be(value));
            }
        }
        assert!(passed < 50, "{passed}");
        assert!(!Looks::of(&words(&["urn:oid:2.999.*"])).may_be("urn:uuid:3f2504e0"));
    }
}
