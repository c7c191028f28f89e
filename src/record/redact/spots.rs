//! What was said of a document's bytes, by where they begin. Walkers tell most documents in order: then it is a list, at
//! whose end the next is put. The first that comes out of order makes it a tree.

use super::leaf::Shown;
use crate::record::packed::{Shape, Word};
use std::cell::Cell;
use std::collections::{BTreeMap, btree_map};
use std::num::NonZeroU32;
use std::ops::Range;

/// What the walker said of the bytes of one leaf. Small, and copied as a whole: a document has hundreds.
#[derive(Clone, Copy)]
pub(super) struct Said {
    pub(super) end: usize,
    pub(super) masked: Masked,
    pub(super) token: Option<Made>,
    /// Whether not even its length is told.
    pub(super) bare: bool,
    pub(super) found: bool,
}

/// What is shown in a value's place.
#[derive(Clone, Copy)]
pub(super) enum Masked {
    /// A word of ours.
    Word(&'static str),
    /// What was made of the value.
    Made(Made),
}

/// Where a text lies among those that were made of values.
#[derive(Clone, Copy)]
pub(super) struct Made {
    start: u32,
    end: NonZeroU32,
}

/// What was said of a document.
#[derive(Default)]
pub(super) struct Spots {
    said: Order,
    /// What was made of values, one behind the other.
    made: String,
}

/// What was said, by first byte.
enum Order {
    List(List),
    Any(BTreeMap<usize, Said>),
}

/// A list in order.
#[derive(Default)]
struct List {
    list: Vec<(usize, Said)>,
    /// What was asked for last: the next is mostly the one behind it.
    last: Cell<usize>,
}

impl List {
    fn find(&self, start: usize) -> Option<&Said> {
        let last = self.last.get();
        let is_it = |n: &usize| self.list.get(*n).is_some_and(|(at, _)| *at == start);
        let found = [last.wrapping_add(1), last].into_iter().find(is_it);
        let found = found.or_else(|| self.list.binary_search_by_key(&start, |(at, _)| *at).ok())?;
        self.last.set(found);
        self.list.get(found).map(|(_, said)| said)
    }
}

impl Default for Order {
    fn default() -> Self {
        Self::List(List::default())
    }
}

impl Spots {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.made.clear();
        match &mut self.said {
            Order::List(all) => all.list.clear(),
            Order::Any(_) => self.said = Order::default(),
        }
    }

    /// Keeps a text that was made of a value; `None` for one without length, and where there are 4 GiB of them.
    pub(super) fn make(&mut self, text: &str) -> Option<Made> {
        let start = u32::try_from(self.made.len()).ok()?;
        let end = NonZeroU32::new(start.checked_add(u32::try_from(text.len()).ok()?)?)?;
        (end.get() > start).then_some(())?;
        self.made.push_str(text);
        Some(Made { start, end })
    }

    /// The same, to be shown; what isn't kept isn't shown.
    pub(super) fn mask(&mut self, text: &str) -> Masked {
        self.make(text).map_or(Masked::Word(if text.is_empty() { "" } else { "[text]" }), Masked::Made)
    }

    fn text(&self, made: Made) -> &str {
        self.made.get(made.start as usize..made.end.get() as usize).unwrap_or("[text]")
    }

    /// What is shown in a value's place.
    pub(super) fn masked(&self, said: &Said) -> &str {
        match said.masked {
            Masked::Word(word) => word,
            Masked::Made(made) => self.text(made),
        }
    }

    /// What was said of a value, on its way into the stored form.
    pub(super) fn shown(&self, said: &Said, word: Word, length: usize) -> Shown<'_> {
        let shape = if said.bare { Shape::AsMasked } else { Shape::of(word, length) };
        let token = said.token.map(|token| self.text(token));
        Shown { shape, masked: self.masked(said), quoted: false, token, found: said.found, original: None }
    }

    /// Says it of bytes that begin at `start`, in place of what was said of such before.
    #[inline]
    pub(super) fn insert(&mut self, start: usize, said: Said) {
        if let Order::List(all) = &mut self.said {
            if all.list.is_empty() {
                all.list.reserve(SPOTS_FIRST);
            }
            if all.list.last().is_none_or(|(last, _)| *last < start) {
                return all.list.push((start, said));
            }
        }
        self.insert_before(start, said);
    }

    /// The same where something was said of bytes that begin there or behind.
    fn insert_before(&mut self, start: usize, said: Said) {
        match &mut self.said {
            Order::List(all) => match all.list.last_mut() {
                Some((last, before)) if *last == start => *before = said,
                _ => {
                    let mut tree: BTreeMap<usize, Said> = std::mem::take(&mut all.list).into_iter().collect();
                    tree.insert(start, said);
                    self.said = Order::Any(tree);
                }
            },
            Order::Any(tree) => drop(tree.insert(start, said)),
        }
    }

    /// What was said of bytes that begin at `start`.
    #[inline]
    pub(super) fn get(&self, start: usize) -> Option<&Said> {
        match &self.said {
            Order::List(all) => match all.list.last() {
                // A walker asks of what it says next.
                Some((last, _)) if *last < start => None,
                _ => all.find(start),
            },
            Order::Any(tree) => tree.get(&start),
        }
    }

    /// What was said of bytes that begin within `span`, in order.
    pub(super) fn within(&self, span: Range<usize>) -> Within<'_> {
        match &self.said {
            Order::List(List { list, .. }) => {
                let from = list.partition_point(|(at, _)| *at < span.start);
                let to = list.partition_point(|(at, _)| *at < span.end);
                Within::List(list.get(from..to).unwrap_or_default().iter())
            }
            Order::Any(tree) if span.is_empty() => Within::Any(tree.range(span.start..span.start)),
            Order::Any(tree) => Within::Any(tree.range(span)),
        }
    }

    /// What was said last of bytes that begin at or before `start`.
    pub(super) fn before(&self, start: usize) -> Option<&Said> {
        match &self.said {
            Order::List(List { list, .. }) => {
                let behind = list.partition_point(|(at, _)| *at <= start);
                list.get(behind.checked_sub(1)?).map(|(_, said)| said)
            }
            Order::Any(tree) => tree.range(..=start).next_back().map(|(_, said)| said),
        }
    }
}

/// Documents of some KiB have about so many.
const SPOTS_FIRST: usize = 128;

/// See [`Spots::within`].
pub(super) enum Within<'s> {
    List(std::slice::Iter<'s, (usize, Said)>),
    Any(btree_map::Range<'s, usize, Said>),
}

impl<'s> Iterator for Within<'s> {
    type Item = (usize, &'s Said);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::List(list) => list.next().map(|(at, said)| (*at, said)),
            Self::Any(tree) => tree.next().map(|(at, said)| (*at, said)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(end: usize) -> Said {
        Said { end, masked: Masked::Word("[text]"), token: None, bare: false, found: false }
    }

    #[test]
    fn in_order_or_not_the_same_is_found() {
        let mut random = 7_usize;
        for out_of_order in [false, true] {
            let (mut spots, mut tree) = (Spots::default(), BTreeMap::new());
            for n in 0..200 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let start = if out_of_order && n > 100 { (random >> 33) % 400 } else { n * 2 };
                spots.insert(start, said(start + n));
                tree.insert(start, start + n);
            }
            assert_eq!(matches!(spots.said, Order::Any(_)), out_of_order);
            let ends = |list: Within<'_>| list.map(|(at, said)| (at, said.end)).collect::<Vec<_>>();
            for at in 0..410 {
                assert_eq!(spots.get(at).map(|s| s.end), tree.get(&at).copied());
                assert_eq!(spots.before(at).map(|s| s.end), tree.range(..=at).next_back().map(|(_, e)| *e));
                let span = at..at + at % 9;
                let want: Vec<_> = tree.range(span.clone()).map(|(at, end)| (*at, *end)).collect();
                assert_eq!(ends(spots.within(span)), want);
            }
            spots.clear();
            assert!(spots.get(0).is_none() && spots.within(0..usize::MAX).next().is_none());
        }
    }

    #[test]
    fn what_was_made_of_values_is_kept_until_the_next_document() {
        let mut spots = Spots::default();
        let masked = ["1962", "", "é", "837"].map(|text| spots.mask(text));
        let token = spots.make("t1");
        for (at, masked) in masked.into_iter().enumerate() {
            spots.insert(at, Said { masked, token, ..said(9) });
        }
        let shown =
            |at: usize| spots.get(at).map(|said| (spots.masked(said), spots.shown(said, Word::Text, 1)));
        let all = [0, 1, 2, 3].map(|at| shown(at).map(|(masked, shown)| (masked, shown.masked, shown.token)));
        assert_eq!(all, ["1962", "", "é", "837"].map(|text| Some((text, text, Some("t1")))));
        let old = spots.get(3).copied().expect("is there");
        spots.clear();
        assert_eq!(spots.masked(&old), "[text]", "of another document");
        assert!(spots.make("").is_none());
    }
}
