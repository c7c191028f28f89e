//! What was said of a document's bytes, by where they begin. Walkers tell most documents in order: then it is a list, at
//! whose end the next is put. The first that comes out of order makes it a tree.

use super::leaf::Said;
use std::cell::Cell;
use std::collections::{BTreeMap, btree_map};
use std::ops::Range;

/// What was said, by first byte.
pub(super) enum Spots {
    InOrder(InOrder),
    Any(BTreeMap<usize, Said>),
}

/// A list of them.
#[derive(Default)]
pub(super) struct InOrder {
    list: Vec<(usize, Said)>,
    /// What was asked for last: the next is mostly the one behind it.
    last: Cell<usize>,
}

impl InOrder {
    fn find(&self, start: usize) -> Option<&Said> {
        let last = self.last.get();
        let is_it = |n: &usize| self.list.get(*n).is_some_and(|(at, _)| *at == start);
        let found = [last.wrapping_add(1), last].into_iter().find(is_it);
        let found = found.or_else(|| self.list.binary_search_by_key(&start, |(at, _)| *at).ok())?;
        self.last.set(found);
        self.list.get(found).map(|(_, said)| said)
    }
}

impl Default for Spots {
    fn default() -> Self {
        Self::InOrder(InOrder::default())
    }
}

impl Spots {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        match self {
            Self::InOrder(all) => all.list.clear(),
            Self::Any(_) => *self = Self::default(),
        }
    }

    /// Says it of bytes that begin at `start`, in place of what was said of such before.
    pub(super) fn insert(&mut self, start: usize, said: Said) {
        match self {
            Self::InOrder(all) => match all.list.last_mut() {
                Some((last, before)) if *last == start => *before = said,
                Some((last, _)) if *last > start => {
                    let mut tree: BTreeMap<usize, Said> = std::mem::take(&mut all.list).into_iter().collect();
                    tree.insert(start, said);
                    *self = Self::Any(tree);
                }
                Some(_) => all.list.push((start, said)),
                None => {
                    all.list.reserve(SPOTS_FIRST);
                    all.list.push((start, said));
                }
            },
            Self::Any(tree) => drop(tree.insert(start, said)),
        }
    }

    /// What was said of bytes that begin at `start`.
    pub(super) fn get(&self, start: usize) -> Option<&Said> {
        match self {
            Self::InOrder(all) => match all.list.last() {
                // A walker asks of what it says next.
                Some((last, _)) if *last < start => None,
                _ => all.find(start),
            },
            Self::Any(tree) => tree.get(&start),
        }
    }

    /// What was said of bytes that begin within `span`, in order.
    pub(super) fn within(&self, span: Range<usize>) -> Within<'_> {
        match self {
            Self::InOrder(InOrder { list, .. }) => {
                let from = list.partition_point(|(at, _)| *at < span.start);
                let to = list.partition_point(|(at, _)| *at < span.end);
                Within::InOrder(list.get(from..to).unwrap_or_default().iter())
            }
            Self::Any(tree) if span.is_empty() => Within::Any(tree.range(span.start..span.start)),
            Self::Any(tree) => Within::Any(tree.range(span)),
        }
    }

    /// What was said last of bytes that begin at or before `start`.
    pub(super) fn before(&self, start: usize) -> Option<&Said> {
        match self {
            Self::InOrder(InOrder { list, .. }) => {
                let behind = list.partition_point(|(at, _)| *at <= start);
                list.get(behind.checked_sub(1)?).map(|(_, said)| said)
            }
            Self::Any(tree) => tree.range(..=start).next_back().map(|(_, said)| said),
        }
    }
}

/// Documents of some KiB have about so many.
const SPOTS_FIRST: usize = 128;

/// See [`Spots::within`].
pub(super) enum Within<'s> {
    InOrder(std::slice::Iter<'s, (usize, Said)>),
    Any(btree_map::Range<'s, usize, Said>),
}

impl<'s> Iterator for Within<'s> {
    type Item = (usize, &'s Said);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::InOrder(list) => list.next().map(|(at, said)| (*at, said)),
            Self::Any(tree) => tree.next().map(|(at, said)| (*at, said)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(end: usize) -> Said {
        Said { end, masked: "[text]".into(), token: None, bare: false, found: false }
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
            assert_eq!(matches!(spots, Spots::Any(_)), out_of_order);
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
}
