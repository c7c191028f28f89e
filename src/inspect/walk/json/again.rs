//! Objects that are written as one before them: the same keys in the same order with the same blanks, and other values.
//! Bundles and lists are made of such, and most of what a reader does for one is to find out again what it found out
//! for the one before.
//!
//! An object is held against the last one under its key that has ended. What stands between the values has to be the
//! same, byte for byte, and is read as it was then; each value is read anew. An object that differs is read as if it
//! had not been held against anything. So the nodes are those that [`super::reader`] gives, whatever the document.
//!
//! In doubt: nothing is the same. Of keys whose objects differ fewer and fewer are tried, so that what is tried in vain
//! stays a part of the whole.

use super::quick::{number, word};
use super::{KeyKind, Node, NodeKind};
use crate::inspect::simd::BLOCK;

/// What a document's objects were like.
pub(super) struct Shapes {
    /// By key.
    last: [Last; SLOTS],
    /// Runs of nodes that are as others.
    pub(super) copies: Vec<Copied>,
}

/// Nodes that have the keys of others before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Copied {
    pub(super) first: u32,
    pub(super) count: u32,
    /// The first of the others.
    pub(super) of: u32,
}

/// The last object of a key that has ended.
#[derive(Clone, Copy)]
struct Last {
    id: u32,
    /// How many containers were around it: one that is tried lies no deeper, so that nothing in it does.
    depth: u32,
    /// How many were tried in vain, one after another.
    misses: u8,
    /// How many are not to be tried for that.
    spared: u8,
}

impl Shapes {
    pub(super) const fn new() -> Self {
        let none = Last { id: NONE, depth: 0, misses: 0, spared: 0 };
        Self { last: [none; SLOTS], copies: Vec::new() }
    }

    /// An object has ended.
    #[inline]
    pub(super) fn ended(&mut self, slot: u8, id: u32, depth: usize) {
        if let Some(last) = self.last.get_mut(usize::from(slot)) {
            (last.id, last.depth) = (id, u32::try_from(depth).unwrap_or(0));
        }
    }

    /// Reads the object that begins at `start`, the last node, if it is written as the last of its slot. Gives the first
    /// byte behind it. `None`: it isn't, and nothing has changed.
    #[inline]
    pub(super) fn again(
        &mut self,
        (doc, blocks): (&[u8], &[u64]),
        slot: u8,
        start: u32,
        depth: usize,
        nodes: &mut Vec<Node>,
    ) -> Option<u32> {
        let last = self.last.get_mut(usize::from(slot))?;
        if last.id == NONE || depth > last.depth as usize {
            return None;
        }
        if last.spared > 0 {
            last.spared -= 1;
            return None;
        }
        let (length, of) = (nodes.len(), last.id);
        match read(doc, blocks, of, start, nodes) {
            Some(end) => {
                last.misses = 0;
                let (first, count) = (u32::try_from(length).ok()?, u32::try_from(nodes.len() - length).ok()?);
                self.copies.push(Copied { first, count, of: of + 1 });
                Some(end)
            }
            None => {
                last.misses = (last.misses + 1).min(MISSES_MAX);
                last.spared = (1 << last.misses) - 1;
                nodes.truncate(length);
                None
            }
        }
    }
}

/// Pushes nodes for what the last node's object holds, which are those of another but for their values.
fn read(doc: &[u8], blocks: &[u64], of: u32, start: u32, nodes: &mut Vec<Node>) -> Option<u32> {
    let length = nodes.len();
    let id = u32::try_from(length).ok()?.checked_sub(1)?;
    let whole = *nodes.get(of as usize)?;
    if whole.after - of > NODES_MAX {
        return None;
    }
    let first = of as usize + 1;
    nodes.extend_from_within(first..whole.after as usize);
    let (before, copies) = nodes.split_at_mut(length);
    let (object, before) = before.split_last_mut()?;
    let others = before.get(first..whole.after as usize)?;
    // Up to where the two were compared, and how far behind the other each byte stands: a place past the end of the
    // document is no place of it, and is found out where bytes are compared.
    let (mut then, mut on) = (whole.start, start.wrapping_sub(whole.start));
    for (other, copy) in others.iter().zip(&mut *copies) {
        copy.parent += id - of;
        copy.after += id - of;
        copy.start = other.start.wrapping_add(on);
        copy.end = other.end.wrapping_add(on);
        if other.key != KeyKind::Element {
            copy.key_start = other.key_start.wrapping_add(on);
            copy.key_end = other.key_end.wrapping_add(on);
        }
        if !matches!(other.kind, NodeKind::Object | NodeKind::Array) {
            same(doc, then..other.start, on)?;
            if other.kind == NodeKind::String {
                copy.end = token(blocks, copy.start)?; // the quote: inside nothing is a token
            } else {
                (copy.kind, copy.end) = unquoted(doc, copy.start)?;
            }
            (then, on) = (other.end, copy.end.wrapping_sub(other.end));
        }
    }
    same(doc, then..whole.end, on)?;
    (object.end, object.after) = (whole.end.wrapping_add(on), whole.after + (id - of));
    // A container ends as far behind the last thing in it as the other does.
    for (at, other) in others.iter().enumerate() {
        let last = (other.after - of) as usize - 2;
        if matches!(other.kind, NodeKind::Object | NodeKind::Array) && last > at {
            let end = copies.get(last)?.end + (other.end - others.get(last)?.end);
            copies.get_mut(at)?.end = end;
        }
    }
    Some(object.end)
}

/// Whether the bytes of a place stand so far behind it, too.
#[inline(always)]
fn same(doc: &[u8], place: std::ops::Range<u32>, on: u32) -> Option<()> {
    let one = doc.get(place.start as usize..place.end as usize)?;
    let (start, end) = (place.start.wrapping_add(on), place.end.wrapping_add(on));
    (one == doc.get(start as usize..end as usize)?).then_some(())
}

/// The first token from a place on.
#[inline(always)]
fn token(blocks: &[u64], from: u32) -> Option<u32> {
    let mut block = from as usize / BLOCK;
    let mut bits = *blocks.get(block)? & u64::MAX << (from as usize % BLOCK);
    while bits == 0 {
        block += 1;
        bits = *blocks.get(block)?;
    }
    u32::try_from(block * BLOCK + bits.trailing_zeros() as usize).ok()
}

/// A number or a word: where there was one there may be another.
fn unquoted(doc: &[u8], at: u32) -> Option<(NodeKind, u32)> {
    Some(match doc.get(at as usize)? {
        b't' => (NodeKind::Bool, word(doc, at, b"true")?),
        b'f' => (NodeKind::Bool, word(doc, at, b"false")?),
        b'n' => (NodeKind::Null, word(doc, at, b"null")?),
        _ => (NodeKind::Number, number(doc, at)?),
    })
}

/// The slot of a key.
#[inline]
pub(super) fn slot(doc: &[u8], key: std::ops::Range<u32>) -> u8 {
    let bytes = doc.get(key.start as usize..key.end as usize).unwrap_or_default();
    let head = match bytes.first_chunk() {
        Some(head) => u64::from_le_bytes(*head),
        None => bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let mixed = (head ^ (bytes.len() as u64) << 56).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> (64 - SLOTS.trailing_zeros())) as u8
}

const NONE: u32 = u32::MAX;
/// A power of two, at most 256. Keys that share one spoil each other's shapes, and nothing else.
const SLOTS: usize = 64;
/// Nodes of an object that another is held against; larger ones are seldom written alike.
const NODES_MAX: u32 = 512;
/// Misses that are counted: so many twos are multiplied for how many objects aren't tried.
const MISSES_MAX: u8 = 5;

#[cfg(test)]
mod tests {
    use super::super::{JSON_DEPTH_MAX, quick, reader};
    use super::*;
    use crate::inspect::simd::Lanes;

    /// What the quick reader gives, which has to be what the other does; `None` where it leaves the document to that.
    fn read(doc: &[u8], depth_max: usize) -> Option<(Vec<Node>, Vec<Copied>)> {
        let quick = quick::read(Lanes::best(), doc, depth_max);
        if let Some((nodes, _)) = &quick {
            assert_eq!(Some(nodes), reader::read(doc, depth_max).ok().as_ref());
        }
        quick
    }

    /// Two of one shape, whose values are of other lengths and, where they aren't strings, of other kinds.
    const ALIKE: &str = r#"[{"a":"one","b":{"c":[1,{"d":true}],"e":[],"f":{} , "\n":"x\"y"},"g":"é"},
        {"a":"","b":{"c":[-2.5e3,{"d":null}],"e":[],"f":{} , "\n":"\\"},"g":"and more than a block of letters, 64 of them at least, in here"}]"#;

    #[test]
    fn what_is_written_as_one_before_it_is_read_as_that() {
        if Lanes::best() == Lanes::One {
            return;
        }
        let (nodes, copies) = read(ALIKE.as_bytes(), JSON_DEPTH_MAX).unwrap();
        let whole = Copied { first: 13, count: 10, of: 2 };
        assert_eq!((nodes.len(), copies), (23, vec![whole]));
        // Whatever byte is another, no node is.
        for at in 0..ALIKE.len() {
            for byte in *b"\"\\{}[]:,0-.e tn\x1A" {
                let mut doc = ALIKE.as_bytes().to_vec();
                doc[at] = byte;
                read(&doc, JSON_DEPTH_MAX);
                doc.insert(at, ALIKE.as_bytes()[at]);
                read(&doc, JSON_DEPTH_MAX);
            }
            read(&ALIKE.as_bytes()[..at], JSON_DEPTH_MAX);
        }
    }

    #[test]
    fn it_lies_no_deeper_than_the_one_before() {
        if Lanes::best() == Lanes::One {
            return;
        }
        let (flat, deep) =
            (r#"[{"k":{"a":[[1]]}},{"k":{"a":[[2]]}}]"#, r#"[{"k":{"a":[[1]]}},[{"k":{"a":[[2]]}}]]"#);
        assert_eq!(read(flat.as_bytes(), 5).unwrap().1.len(), 1);
        assert!(read(deep.as_bytes(), 6).unwrap().1.is_empty());
        assert!(read(deep.as_bytes(), 5).is_none() && reader::read(deep.as_bytes(), 5).is_err());
    }

    #[test]
    fn what_always_differs_is_tried_less_and_less() {
        let mut shapes = Shapes::new();
        let doc: String = (0..1000).map(|n| format!(r#"{{"k":"{n}","k{n}":1}},"#)).collect();
        let doc = format!("[{}0]", doc);
        let mut tried = 0;
        shapes.ended(0, 0, 9);
        for _ in 0..1000 {
            let before = shapes.last[0].misses;
            let spared = shapes.last[0].spared;
            let mut nodes = Vec::new();
            assert!(shapes.again((doc.as_bytes(), &[]), 0, 1, 1, &mut nodes).is_none() && nodes.is_empty());
            tried += usize::from(spared == 0);
            assert!(shapes.last[0].misses >= before);
        }
        assert!((5..60).contains(&tried), "{tried}");
        assert!(read(doc.as_bytes(), JSON_DEPTH_MAX).unwrap().1.is_empty());
    }
}
