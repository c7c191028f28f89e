//! The names of a document, each numbered once while it is read: documents say the same few hundred words over and over,
//! and what has a number is compared, looked up and checked by it from then on.
//!
//! A name in a tag is told by its first and last eight bytes and its length, eight bytes at a time; only one that wasn't
//! seen before is read letter by letter. The hash has a key of this process, so that no sender chooses names that collide.

use crate::inspect::hash::Keyed;
use std::hash::BuildHasher;
use std::ops::Range;

/// A name of a document, prefix included, by number. Equal numbers, equal names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameId(u32);

impl NameId {
    /// Of what has no name: text, comments, the document.
    pub(super) const NONE: Self = Self(0);

    pub(super) const fn of(number: u32) -> Self {
        Self(number)
    }

    /// Its place among the names of the document.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How a name is spelled, where it was met first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelling {
    start: u32,
    length: u16,
    /// Where in the name the colon stands; 0: there is none.
    colon: u16,
    /// Whether an attribute of this name declares a namespace.
    pub(super) declares: bool,
}

impl Spelling {
    pub(super) const NOTHING: Self = Self { start: 0, length: 0, colon: 0, declares: false };

    pub(super) const fn length(&self) -> usize {
        self.length as usize
    }

    pub(super) const fn colon(&self) -> usize {
        self.colon as usize
    }

    pub(super) fn whole(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.length()
    }

    pub(super) fn prefix(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + self.colon()
    }

    /// How many bytes stand before the name without its prefix.
    pub(super) const fn skipped(&self) -> usize {
        if self.colon == 0 { 0 } else { self.colon() + 1 }
    }
}

/// The names so far.
pub(super) struct Names<'d> {
    doc: &'d [u8],
    keyed: Keyed,
    spellings: Vec<Spelling>,
    /// By number.
    met: Vec<Met>,
    /// A power of two, at most half of them taken; the name 0 is none.
    slots: Vec<Slot>,
}

/// What is compared of a name.
#[derive(Clone, Copy)]
struct Look {
    /// The first eight bytes, blanks of zero behind a shorter one.
    first: u64,
    /// The last eight of one that has more.
    last: u64,
    length: u32,
}

/// What is compared of a known name, and what came behind it last.
#[derive(Clone, Copy)]
struct Met {
    look: Look,
    /// The bits of eight bytes that are of its first.
    mask: u64,
    attribute: NameId,
    /// The last, and one before it.
    elements: [NameId; 2],
}

#[derive(Clone, Copy)]
struct Slot {
    look: Look,
    name: NameId,
}

impl<'d> Names<'d> {
    pub(super) fn new(doc: &'d [u8]) -> Self {
        let mut spellings = Vec::with_capacity(SLOTS_FIRST / 2);
        spellings.push(Spelling::NOTHING);
        let mut met = Vec::with_capacity(SLOTS_FIRST / 2);
        met.push(Met::of(Look::NOTHING));
        Self { doc, keyed: Keyed::default(), spellings, met, slots: vec![Slot::FREE; SLOTS_FIRST] }
    }

    /// The attribute that stands at `at`, where it is the one that came last behind what has this name, and the
    /// length of its name: documents say the same in the same order. What ends it is for the reader to see.
    #[inline]
    pub(super) fn attribute_at(&self, behind: NameId, at: usize) -> Option<(NameId, usize)> {
        self.expected_at(self.met.get(behind.index())?.attribute, at)
    }

    /// The same of an element behind one of this name, of the two that came last there: cells follow cells and rows.
    #[inline]
    pub(super) fn element_at(&self, behind: NameId, at: usize) -> Option<(NameId, usize)> {
        let [one, other] = self.met.get(behind.index())?.elements;
        self.expected_at(one, at).or_else(|| self.expected_at(other, at))
    }

    /// An attribute of this name came behind what has the other.
    pub(super) fn expect_attribute(&mut self, behind: NameId, name: NameId) {
        self.met.get_mut(behind.index()).into_iter().for_each(|met| met.attribute = name);
    }

    /// The same of an element.
    pub(super) fn expect_element(&mut self, behind: NameId, name: NameId) {
        let met = self.met.get_mut(behind.index());
        met.into_iter().for_each(|met| met.elements = [name, met.elements[0]]);
    }

    #[inline]
    fn expected_at(&self, name: NameId, at: usize) -> Option<(NameId, usize)> {
        let Met { look, mask, .. } = self.met.get(name.index())?;
        let length = look.length();
        if eight(self.doc, at) & mask != look.first || length == 0 {
            return None;
        }
        let same = match length {
            ..=8 => true,
            9..=16 => eight(self.doc, at + length - 8) == look.last,
            _ => self.doc.get(at..at + length) == Some(self.text(name)),
        };
        same.then_some((name, length))
    }

    /// The length of a name, where it stands at `at`.
    #[inline]
    pub(super) fn stands_at(&self, name: NameId, at: usize) -> Option<usize> {
        self.expected_at(name, at).map(|(_, length)| length)
    }

    /// The known name that stands at `at`, up to what no name goes on over, and its length.
    #[inline]
    pub(super) fn known_at(&self, at: usize) -> Option<(NameId, usize)> {
        let look = Look::at(self.doc, at)?;
        Some((self.find(look, at)?, look.length()))
    }

    /// The number of a name that was read letter by letter; `None` where there are too many.
    pub(super) fn number(&mut self, name: Range<usize>, colon: usize) -> Option<NameId> {
        let look = Look::of(self.doc.get(name.clone())?);
        if let Some(known) = self.find(look, name.start) {
            return Some(known);
        }
        let number = NameId(u32::try_from(self.spellings.len()).ok()?);
        let text = self.doc.get(name.clone())?;
        self.spellings.push(Spelling {
            start: u32::try_from(name.start).ok()?,
            length: u16::try_from(name.len()).ok()?,
            colon: u16::try_from(colon).ok()?,
            declares: text == b"xmlns" || text.starts_with(b"xmlns:"),
        });
        self.met.push(Met::of(look));
        if self.spellings.len() * 2 > self.slots.len() {
            let taken = std::mem::take(&mut self.slots);
            self.slots = vec![Slot::FREE; taken.len() * 2];
            for slot in taken.into_iter().filter(|slot| slot.name != NameId::NONE) {
                let start = self.spelling(slot.name).start as usize;
                self.put(slot, start);
            }
        }
        self.put(Slot { look, name: number }, name.start);
        Some(number)
    }

    pub(super) fn spelling(&self, name: NameId) -> &Spelling {
        self.spellings.get(name.index()).unwrap_or(&Spelling::NOTHING)
    }

    pub(super) fn text(&self, name: NameId) -> &'d [u8] {
        self.doc.get(self.spelling(name).whole()).unwrap_or_default()
    }

    pub(super) fn into_spellings(self) -> Vec<Spelling> {
        self.spellings
    }

    #[inline]
    fn find(&self, look: Look, at: usize) -> Option<NameId> {
        let mut next = self.hash(look, at);
        // Half of the slots are free: this ends.
        loop {
            let slot = self.slots.get(next & (self.slots.len() - 1))?;
            if slot.name == NameId::NONE {
                return None;
            }
            let same = slot.look.first == look.first
                && slot.look.last == look.last
                && slot.look.length == look.length;
            if same && (look.is_whole() || self.doc.get(at..at + look.length()) == Some(self.text(slot.name)))
            {
                return Some(slot.name);
            }
            next += 1;
        }
    }

    fn put(&mut self, slot: Slot, start: usize) {
        let mut next = self.hash(slot.look, start);
        let mask = self.slots.len() - 1;
        while let Some(there) = self.slots.get_mut(next & mask) {
            if there.name == NameId::NONE {
                *there = slot;
                return;
            }
            next += 1;
        }
    }

    /// Where a name's slot is looked for first.
    #[inline]
    fn hash(&self, look: Look, at: usize) -> usize {
        let hash = match look.is_whole() {
            true => self.keyed.pair(look.first, look.last),
            false => self.keyed.hash_one(self.doc.get(at..at + look.length()).unwrap_or_default()),
        };
        (hash >> 32) as usize
    }
}

impl Look {
    const NOTHING: Self = Self { first: 0, last: 0, length: 0 };

    /// Of what stands at `at` up to a byte that ends a name in every tag; `None` where that is far.
    #[inline]
    fn at(doc: &[u8], at: usize) -> Option<Self> {
        let first = eight(doc, at);
        let end = ending(first);
        if end != 0 {
            // The lowest bit that is set is the highest of a byte: below it are the name's bytes and 7 bits of this one.
            let bits = end.trailing_zeros() - 7;
            return Some(Self { first: first & ((1 << bits) - 1), last: 0, length: bits / 8 });
        }
        let mut length = 8;
        while length < LENGTH_LOOKED_AT_MAX {
            let end = ending(eight(doc, at + length as usize));
            if end != 0 {
                length += end.trailing_zeros() / 8;
                let last = if length > 8 { eight(doc, at + length as usize - 8) } else { 0 };
                return Some(Self { first, last, length });
            }
            length += 8;
        }
        None
    }

    fn of(name: &[u8]) -> Self {
        let last = if name.len() > 8 { eight(name, name.len() - 8) } else { 0 };
        Self { first: eight(name, 0), last, length: u32::try_from(name.len()).unwrap_or(u32::MAX) }
    }

    const fn length(self) -> usize {
        self.length as usize
    }

    /// Whether it holds all bytes of the name.
    const fn is_whole(&self) -> bool {
        self.length <= 16
    }
}

impl Met {
    const fn of(look: Look) -> Self {
        let mask = if look.length < 8 { (1 << (8 * look.length)) - 1 } else { u64::MAX };
        Self { look, mask, attribute: NameId::NONE, elements: [NameId::NONE; 2] }
    }
}

impl Slot {
    const FREE: Self = Self { look: Look::NOTHING, name: NameId::NONE };
}

/// The eight bytes at `at`, the first in the lowest; behind the end there are zeros.
#[inline]
pub(super) fn eight(doc: &[u8], at: usize) -> u64 {
    let rest = doc.get(at..).unwrap_or_default();
    match rest.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// The highest bit of the first byte that ends a name: a blank, a zero, `/`, `=`, `>`. Bits above it mean nothing.
const fn ending(word: u64) -> u64 {
    let blank = word.wrapping_sub(ONES * 0x21) & !word;
    (blank | equal(word, b'/') | equal(word, b'=') | equal(word, b'>')) & ONES << 7
}

/// The same of the first byte that is this one, before other bits than the highest of each byte are taken away.
const fn equal(word: u64, byte: u8) -> u64 {
    let other = word ^ (ONES * byte as u64);
    other.wrapping_sub(ONES) & !other
}

const ONES: u64 = 0x0101_0101_0101_0101;

/// A power of two.
const SLOTS_FIRST: usize = 256;

/// Names that are longer are read letter by letter each time.
const LENGTH_LOOKED_AT_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_where_a_tag_goes_on_and_has_one_number() {
        let words =
            ["a", "b-1", "cda:text", "eight888", "nine99999", "sixteen888888888", "sixteen888888889", "é"];
        let long = ["x".repeat(17), "x".repeat(18), "y".repeat(63), format!("x{}x", "y".repeat(16))];
        let more = (0..400).map(|n| format!("name{n}"));
        let words: Vec<String> = words.into_iter().map(str::to_owned).chain(long).chain(more).collect();
        for end in [" ", "=", ">", "/>", "\n", "\t", ""] {
            let mut doc = String::new();
            let mut places = Vec::new();
            for _ in 0..2 {
                for word in &words {
                    places.push(doc.len()..doc.len() + word.len());
                    doc.push_str(word);
                    doc.push_str(if end.is_empty() { ">" } else { end });
                }
            }
            doc.truncate(doc.len() - usize::from(end.is_empty()));
            let mut names = Names::new(doc.as_bytes());
            let (first, again) = places.split_at(words.len());
            let mut numbers = Vec::new();
            for place in first {
                assert_eq!(names.known_at(place.start), None, "{}", &doc[place.clone()]);
                numbers.push(names.number(place.clone(), 0).unwrap());
            }
            for (place, number) in again.iter().zip(&numbers) {
                assert_eq!(names.known_at(place.start), Some((*number, place.len())));
                assert_eq!(names.number(place.clone(), 0), Some(*number));
                assert_eq!(names.text(*number), &doc.as_bytes()[place.clone()]);
            }
            assert_eq!(names.spellings.len(), words.len() + 1);
        }
    }

    #[test]
    fn a_name_is_expected_where_it_stands_to_its_last_byte() {
        let words = ["a", "seven77", "eight888", "nine99999", "sixteen888888888", "seventeen88888888"];
        for word in words {
            let mut other = word.to_owned();
            other.replace_range(word.len() - 1.., "x");
            let doc = format!("tag {word}={word}={other}={}", &word[..word.len() - 1]);
            let mut names = Names::new(doc.as_bytes());
            let tag = names.number(0..3, 0).unwrap();
            let name = names.number(4..4 + word.len(), 0).unwrap();
            let again = 5 + word.len();
            assert_eq!(names.attribute_at(tag, again), None, "{word}: nothing came behind it yet");
            names.expect_attribute(tag, name);
            assert_eq!(names.attribute_at(tag, again), Some((name, word.len())), "{word}");
            assert_eq!(names.attribute_at(tag, again + word.len() + 1), None, "{word}");
            assert_eq!(names.attribute_at(tag, again + 2 * word.len() + 2), None, "{word}");
            assert_eq!(names.attribute_at(tag, doc.len()), None, "{word}");
            assert_eq!(names.element_at(tag, again), None, "{word}: no element came behind it");
            names.expect_element(tag, name);
            assert_eq!(names.element_at(tag, again), Some((name, word.len())), "{word}");
        }
    }

    #[test]
    fn every_byte_that_ends_a_name_is_seen_in_every_place() {
        for byte in 0..=u8::MAX {
            let ends = byte <= b' ' || matches!(byte, b'/' | b'=' | b'>');
            for place in 0..8 {
                // What comes first counts, whatever stands behind it.
                for behind in [b'a', b'>', 0, 0xFF, byte] {
                    let mut bytes = [behind; 8];
                    bytes[..place].fill(b'z');
                    bytes[place] = byte;
                    let first = bytes.iter().position(|b| *b <= b' ' || b"/=>".contains(b)).unwrap_or(8);
                    assert_eq!(ending(u64::from_le_bytes(bytes)).trailing_zeros() as usize / 8, first);
                    assert!(first == place || !ends);
                }
            }
        }
    }
}
