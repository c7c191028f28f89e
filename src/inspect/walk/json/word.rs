//! Keys by number: for a walker that asks for members again and again each key is looked up once, and numbers are compared
//! from then on.

use super::{KeyKind, Tape};

/// Keys that have numbers.
pub(in crate::inspect::walk) trait Vocabulary {
    /// Which vocabulary it is: each has a number of its own, and none has [`NO_VOCABULARY`].
    fn number(&self) -> u32;
    /// What the key is called that is the first `length` bytes of a text, without escapes.
    fn word(&self, text: &[u8], length: usize) -> Word;
}

/// What a key is called in a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inspect::walk) struct Word {
    /// The key to the letter; 0 for one that the vocabulary doesn't have.
    pub(in crate::inspect::walk) key: u16,
    /// What it stands for, where the vocabulary has several keys for the same; 0 for nothing. In an array, what the array
    /// stands for.
    pub(in crate::inspect::walk) element: u16,
}

impl Word {
    /// Of a key that isn't in the vocabulary, and of what has no key.
    pub(in crate::inspect::walk) const NONE: Self = Self { key: 0, element: 0 };
}

impl Tape<'_> {
    /// Whether its keys have the words of this vocabulary.
    pub(in crate::inspect::walk) fn is_read_by(&self, vocabulary: &impl Vocabulary) -> bool {
        self.words_of == vocabulary.number()
    }

    /// The same document, its keys looked up in this vocabulary.
    #[must_use]
    pub(in crate::inspect::walk) fn by(mut self, vocabulary: &impl Vocabulary) -> Self {
        let mut copies = self.copies.iter().peekable();
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            if let Some(copy) = copies.next_if(|copy| copy.first as usize == at) {
                let (of, count) = (copy.of as usize, copy.count as usize);
                if let Some((before, behind)) = self.nodes.split_at_mut_checked(at)
                    && let Some(others) = before.get(of..of + count)
                {
                    behind.iter_mut().zip(others).for_each(|(node, other)| node.word = other.word);
                }
                at += count;
                continue;
            }
            let word = match node.key {
                KeyKind::Plain => {
                    let text = self.text.as_bytes().get(node.key_start as usize..).unwrap_or_default();
                    vocabulary.word(text, node.key_end.saturating_sub(node.key_start) as usize)
                }
                // What is in an array stands for what the array does. The root has itself around it, and no key.
                KeyKind::Element => {
                    let array = self.nodes.get(node.parent as usize).map_or(Word::NONE, |array| array.word);
                    Word { key: Word::NONE.key, ..array }
                }
                KeyKind::Escaped | KeyKind::Said(_) => {
                    self.key_of(node).map_or(Word::NONE, |key| vocabulary.word(key.as_bytes(), key.len()))
                }
            };
            if let Some(node) = self.nodes.get_mut(at) {
                node.word = word;
            }
            at += 1;
        }
        Self { words_of: vocabulary.number(), ..self }
    }
}

/// The number of a vocabulary that has no key.
pub(in crate::inspect::walk) const NO_VOCABULARY: u32 = 0;

#[cfg(test)]
mod tests {
    use super::super::{JSON_DEPTH_MAX, NodeId};
    use super::*;

    /// Keys by their length, and what they stand for by their last byte.
    struct Lengths;

    impl Vocabulary for Lengths {
        fn number(&self) -> u32 {
            u32::MAX
        }

        fn word(&self, text: &[u8], length: usize) -> Word {
            let element = text[..length].last().copied().unwrap_or(0).into();
            Word { key: u16::try_from(length).unwrap(), element }
        }
    }

    #[test]
    fn keys_have_their_words_however_they_are_written() {
        let doc = r#"{"a":1,"b\u0063\n":[{"":2,"key":[3]},[]],"\"":"\\","é":{"x":{}}}"#;
        let tape = Tape::read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap();
        assert!(!tape.is_read_by(&Lengths) && tape.nodes().all(|id| tape.word(id) == Word::NONE));
        let again = tape.clone().by(&Lengths);
        assert!(again.is_read_by(&Lengths));
        for id in tape.nodes() {
            let array = || Word { key: 0, ..tape.parent(id).map_or(Word::NONE, |array| again.word(array)) };
            let word = tape.key(id).map_or_else(array, |key| Lengths.word(key.as_bytes(), key.len()));
            assert_eq!((again.word(id), again.span(id)), (word, tape.span(id)));
        }
        assert_eq!(again.word(again.children(NodeId::ROOT).nth(1).unwrap()).key, 3);
        // Of objects that are written alike the words are those of the first.
        let alike = r#"[{"a":1,"bb":[{"c\n":2}]},{"a":3,"bb":[{"c\n":4}]}]"#;
        let tape = Tape::read(alike.as_bytes(), JSON_DEPTH_MAX).unwrap().by(&Lengths);
        let keys: Vec<u16> = tape.nodes().map(|id| tape.word(id).key).collect();
        assert_eq!(keys, [0, 0, 1, 2, 0, 2, 0, 1, 2, 0, 2]);
    }
}
