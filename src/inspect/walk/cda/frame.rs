//! What the walk knows where it stands, and places in words.

use super::super::PersonId;
use super::super::xml::NodeId;
use super::names::{Name, Names};
use super::paths::PathId;
use std::cell::RefCell;

/// An element that is open.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) node: NodeId,
    /// The first node behind it.
    pub(super) after: NodeId,
    pub(super) name: Name,
    /// The number of its name in the table, whether an element's or not.
    pub(super) local: Name,
    /// Which of the elements of this name beside it, from 1.
    number: u32,
    pub(super) owner: Owner,
    /// Below a name that CDA doesn't have.
    pub(super) unknown: bool,
    pub(super) narrative: Narrative,
    pub(super) path: PathId,
    /// Whether it lies in a recordTarget, or is one.
    pub(super) of_target: bool,
    /// Where the counts of the elements in it begin.
    counts: usize,
}

/// How many elements of each name there are so far in each that is open, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Counts(Vec<(Name, u32)>);

/// Whose what an element holds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// The document's patient's.
    Patient,
    /// This person's.
    Person(PersonId),
    /// A provider's, an organisation's: nobody's PHI.
    Nobody,
}

/// How an element stands in the narrative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Narrative {
    /// Not in it.
    Outside,
    /// Its text stands apart from what is around it.
    Block,
    /// A row of labels, each with its value behind it.
    Pairs,
    /// The label: its value goes on in the same line.
    Label,
    /// Part of the line that it stands in.
    Inline,
}

impl Frame {
    /// An element in `above`, or the root.
    pub(super) fn new(
        node: NodeId,
        after: NodeId,
        (name, local): (Name, Name),
        above: Option<&Self>,
        counts: &mut Counts,
    ) -> Self {
        let number = above.map_or(1, |above| counts.next(above, name));
        Self {
            node,
            after,
            name,
            local,
            number,
            owner: above.map_or(Owner::Patient, |above| above.owner),
            unknown: above.is_some_and(|above| above.unknown) || name == Name::UNKNOWN,
            narrative: Narrative::Outside,
            path: PathId::OUTSIDE,
            of_target: above.is_some_and(|above| above.of_target),
            counts: counts.0.len(),
        }
    }
}

impl Frame {
    /// Whether it isn't of the narrative.
    pub(super) fn is_outside(&self) -> bool {
        self.narrative == Narrative::Outside
    }
}

impl Counts {
    /// The number of the next element of this name in the innermost.
    pub(super) fn next(&mut self, innermost: &Frame, name: Name) -> u32 {
        let own = self.0.get_mut(innermost.counts..).unwrap_or_default();
        match own.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => {
                *count = count.saturating_add(1);
                *count
            }
            None => {
                self.0.push((name, 1)); // at most one for each name of the table
                1
            }
        }
    }

    /// An element ends.
    pub(super) fn leave(&mut self, frame: &Frame) {
        self.0.truncate(frame.counts);
    }
}

/// Places in words. Of the elements that are open each is written once: a row of a table has many cells, and each is asked
/// for its place.
#[derive(Debug, Default)]
pub(super) struct Places(RefCell<Written>);

#[derive(Debug, Default)]
struct Written {
    text: String,
    /// Where each of the elements ends that are written so far.
    ends: Vec<usize>,
}

impl Places {
    /// `ClinicalDocument/recordTarget/patientRole/id[2]`, and what hangs on it.
    pub(super) fn of(&self, frames: &[Frame], names: &Names, rest: &str) -> String {
        let mut written = self.0.borrow_mut();
        let Written { text, ends } = &mut *written;
        for frame in frames.get(ends.len()..).unwrap_or_default() {
            if !text.is_empty() {
                text.push('/');
            }
            text.push_str(names.word(frame.name));
            if frame.number > 1 {
                push_number(text, frame.number);
            }
            ends.push(text.len());
        }
        let mut place = String::with_capacity(text.len() + 1 + rest.len());
        place.push_str(text);
        if !rest.is_empty() && !place.is_empty() {
            place.push('/');
        }
        place.push_str(rest);
        place
    }

    /// Elements end: so many are open still.
    pub(super) fn leave(&mut self, open: usize) {
        let Written { text, ends } = self.0.get_mut();
        if ends.len() > open {
            ends.truncate(open);
            text.truncate(ends.last().copied().unwrap_or(0));
        }
    }
}

/// `[12]`: most of what a place is made of are numbers, and many places are.
fn push_number(place: &mut String, mut number: u32) {
    place.push('[');
    let mut power = 1;
    while number / power > 9 {
        power *= 10;
    }
    while power > 0 {
        place.push(char::from(b"0123456789".get((number / power) as usize).copied().unwrap_or(b'0')));
        number %= power;
        power /= 10;
    }
    place.push(']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_that_of_the_elements_which_are_open() {
        let table = super::super::tests::table();
        let (mut places, mut counts) = (Places::default(), Counts::default());
        let (mut frames, mut words) = (Vec::<Frame>::new(), Vec::new());
        let enter = |word: &'static str, frames: &mut Vec<Frame>, counts: &mut Counts| {
            let name = table.names.element(word);
            let node = NodeId::DOCUMENT;
            let frame = Frame::new(node, node, (name, name), frames.last(), counts);
            frames.push(frame);
        };
        for word in
            ["ClinicalDocument", "component", "section", "text", "table", "tr", "tr", "tr", "td", "td"]
        {
            if frames.last().is_some_and(|frame| frame.name == table.names.element(word)) {
                counts.leave(&frames.pop().unwrap());
                places.leave(frames.len());
                words.pop();
            }
            enter(word, &mut frames, &mut counts);
            let number = frames.last().map_or(1, |frame| frame.number);
            words.push(if number > 1 { format!("{word}[{number}]") } else { word.to_owned() });
            assert_eq!(places.of(&frames, &table.names, "@ID"), format!("{}/@ID", words.join("/")));
            assert_eq!(places.of(&frames, &table.names, ""), words.join("/"));
        }
        places.leave(0);
        assert_eq!(places.of(&[], &table.names, "comment()"), "comment()");
    }

    #[test]
    fn numbers_of_a_place_are_written_in_full() {
        for number in [1, 2, 9, 10, 11, 99, 100, 101, 12_345, 1_000_000, u32::MAX] {
            let mut place = String::new();
            push_number(&mut place, number);
            assert_eq!(place, format!("[{number}]"));
        }
    }
}
