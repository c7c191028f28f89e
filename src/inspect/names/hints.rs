//! Hints: by a few letters, whether a word may be one of a list at all. Most aren't, and then nothing is looked up.

/// How words of a list begin: by their first two bytes.
pub(super) struct Beginnings(Box<[u64; 1 << 10]>);

impl Beginnings {
    pub(super) fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut bits = Box::new([0; 1 << 10]);
        let mut mark = |at: usize| bits[at / 64] |= 1 << (at % 64);
        for word in words {
            match *word.as_bytes() {
                [] => (0..1 << 16).for_each(&mut mark),
                // Anything may stand behind it.
                [only] => (0..1 << 8).for_each(|next| mark(usize::from(only) << 8 | next)),
                [first, second, ..] => mark(usize::from(first) << 8 | usize::from(second)),
            }
        }
        Self(bits)
    }

    /// Whether `text` may begin with one of the words.
    pub(super) fn may_begin(&self, text: &str) -> bool {
        let Some([first, second]) = text.as_bytes().first_chunk::<2>() else { return true };
        let at = usize::from(*first) << 8 | usize::from(*second);
        self.0[at / 64] >> (at % 64) & 1 == 1
    }
}

/// How words of a list end: by their last three letters, in either case.
pub(super) struct Endings(Box<[u64; 1 << 9]>);

impl Endings {
    pub(super) fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut bits = Box::new([0; 1 << 9]);
        for word in words {
            // What isn't ASCII in either text is always looked up.
            if let Some(at) = ending(word.as_bytes()) {
                bits[at / 64] |= 1 << (at % 64);
            }
        }
        Self(bits)
    }

    /// Whether `text` may end in one of the words: only letters, digits and apostrophes are of a word.
    pub(super) fn may_end(&self, text: &[u8]) -> bool {
        ending(text).is_none_or(|at| self.0[at / 64] >> (at % 64) & 1 == 1)
    }
}

/// How words of a list are built: by their first two letters, in either case, their last, and their length.
pub(super) struct Outlines(Box<[u64; 1 << 10]>);

impl Outlines {
    pub(super) fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut bits = Box::new([0; 1 << 10]);
        for at in words.filter_map(outline) {
            bits[at / 64] |= 1 << (at % 64);
        }
        Self(bits)
    }

    /// Whether `word` may be one of the words: none has a single byte.
    pub(super) fn may_have(&self, word: &str) -> bool {
        outline(word).is_some_and(|at| self.0[at / 64] >> (at % 64) & 1 == 1)
    }
}

/// The place of a word among all outlines.
fn outline(word: &str) -> Option<usize> {
    let bytes = word.as_bytes();
    let ([first, second], last) = (bytes.first_chunk::<2>()?, bytes.last()?);
    let length = u8::try_from(word.len()).unwrap_or(u8::MAX);
    // The bit that letters in either case differ by.
    let either = u32::from_le_bytes([first | 0x20, second | 0x20, last | 0x20, length]);
    Some((either.wrapping_mul(0x9E37_79B1) >> 16) as usize)
}

/// The last three letters of the word that stands at the end, as a number; `None` where one of them isn't ASCII.
fn ending(text: &[u8]) -> Option<usize> {
    let mut number = 0;
    for (byte, place) in text.iter().rev().zip([0, 5, 10]) {
        number |= match byte {
            b'a'..=b'z' => usize::from(byte - b'a') + 1,
            b'A'..=b'Z' => usize::from(byte - b'A') + 1,
            b'0'..=b'9' => 27,
            b'\'' => 28,
            b if b.is_ascii() => break,
            _ => return None,
        } << place;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginnings_are_told_by_two_bytes() {
        let hints = Beginnings::of(["called", "s"].into_iter());
        for (text, may) in
            [("called", true), ("cab", true), ("so", true), ("Called", false), ("to", false), ("c", true)]
        {
            assert_eq!(hints.may_begin(text), may, "{text}");
        }
    }

    #[test]
    fn a_word_has_its_outline_in_either_case() {
        let listed = ["hiv", "beta-blocker", "señal", "b12", "ok"];
        let hints = Outlines::of(listed.into_iter());
        for word in listed {
            assert!(hints.may_have(word) && hints.may_have(&word.to_ascii_uppercase()), "{word}");
        }
        for word in ["", "h", "hi", "hip", "hive", "beta-blockers"] {
            assert!(!hints.may_have(word), "{word}");
        }
    }

    #[test]
    fn endings_are_told_by_three_letters_in_either_case() {
        let hints = Endings::of(["patient", "mr", "", "señ"].into_iter());
        for (text, may) in [
            ("the Patient", true),
            ("PARENT", true),
            ("from mr", true),
            ("Mr", true),
            ("hmr", false),
            ("seen", false),
            ("94%", true),
            ("señ", true),
            ("año", true),
        ] {
            assert_eq!(hints.may_end(text.as_bytes()), may, "{text}");
        }
    }
}
