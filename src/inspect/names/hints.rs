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
