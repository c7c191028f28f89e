//! Paths of rows and roles: `entry//participant[COV]/participantRole/id/@extension`.

use super::super::xml::{ATTRIBUTES_LOOKED_AT_MAX, NodeId, Tape};
use super::called::Calls;
use super::names::{Name, Names, Words};
use crate::inspect::hash::Map;

/// Where something stands, whatever is around its first step.
#[derive(Debug)]
pub(super) struct Path {
    /// Steps that follow each other; between two of these blocks any number of elements.
    pub(super) blocks: Vec<Vec<Step>>,
    pub(super) aim: Aim,
}

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Aim {
    /// The last element itself, or its text.
    Element,
    /// This attribute of it.
    Attribute(Name),
    /// Each leaf in it.
    Below,
}

#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: Name,
    /// Of each, one bit must be among the element's tags.
    pub(super) any_of: Vec<u64>,
}

impl Path {
    /// Reads a path; `None` for a name or a form that there isn't.
    pub(super) fn parse(text: &str, names: &Names, tags: &mut Tags) -> Option<Self> {
        let (text, aim) = match text.rsplit_once('/') {
            Some((text, "*")) => (text.strip_suffix('/')?, Aim::Below),
            Some((text, last)) if last.starts_with('@') => {
                (text, Aim::Attribute(names.attribute(last.strip_prefix('@')?)?.0))
            }
            _ => (text, Aim::Element),
        };
        let step = |step: &str, tags: &mut Tags| {
            let (word, conditions) = step.split_once('[').map_or((step, ""), |(word, rest)| (word, rest));
            let name = names.element(word);
            let mut any_of = Vec::new();
            for condition in conditions.split('[').filter(|c| !c.is_empty()) {
                let words = condition.strip_suffix(']')?.split('|');
                any_of.push(words.map(|word| tags.bit(word, names)).sum::<Option<u64>>()?);
                tags.ask(name);
            }
            (name != Name::UNKNOWN).then_some(Step { name, any_of })
        };
        let blocks = text
            .split("//")
            .map(|block| block.split('/').map(|word| step(word, tags)).collect::<Option<Vec<_>>>())
            .collect::<Option<Vec<_>>>()?;
        Some(Self { blocks, aim })
    }

    /// The last element's name.
    pub(super) fn last(&self) -> Name {
        self.blocks.last().and_then(|block| block.last()).map_or(Name::UNKNOWN, |step| step.name)
    }

    /// How much it asks: conditions first, then steps.
    pub(super) fn weight(&self) -> usize {
        let steps = self.blocks.iter().flatten();
        steps.map(|step| 1 + 100 * step.any_of.len()).sum()
    }
}

/// The words that conditions ask for, a bit each.
#[derive(Debug, Default)]
pub(super) struct Tags {
    words: Map<String, u64>,
    /// The bytes that they begin with and how long they are, a bit each: most values of a document are none of them.
    firsts: [u64; 4],
    lengths: u64,
    /// `+name` and `!name`: a child, whether it is wanted, the bit.
    children: Vec<(Name, bool, u64)>,
    /// By the number of an element's name, whether any is asked of it.
    asked: Vec<bool>,
}

impl Tags {
    fn bit(&mut self, word: &str, names: &Names) -> Option<u64> {
        if let Some(bit) = self.words.get(word) {
            return Some(*bit);
        }
        let bit = 1_u64.checked_shl(u32::try_from(self.words.len()).ok()?)?;
        self.words.insert(word.to_owned(), bit);
        let first = word.as_bytes().first().copied().unwrap_or_default();
        self.firsts[usize::from(first / 64)] |= 1 << (first % 64);
        self.lengths |= 1 << (word.len() % 64);
        if let Some(child) = word.strip_prefix(['+', '!']) {
            let name = names.element(child);
            self.children.push((name, word.starts_with('+'), bit));
            (name != Name::UNKNOWN).then_some(bit)
        } else {
            Some(bit)
        }
    }

    fn ask(&mut self, name: Name) {
        let at = usize::from(name.0);
        if self.asked.len() <= at {
            self.asked.resize(at + 1, false);
        }
        if let Some(asked) = self.asked.get_mut(at) {
            *asked = true;
        }
    }

    /// Whether any condition asks of elements of this name.
    pub(super) fn ask_of(&self, name: Name) -> bool {
        self.asked.get(usize::from(name.0)).copied().unwrap_or(false)
    }

    /// The bit of a word; 0 where no condition asks for it.
    fn bit_of(&self, word: &str) -> u64 {
        let first = word.as_bytes().first().copied().unwrap_or_default();
        let begins = self.firsts[usize::from(first / 64)] >> (first % 64) & 1 != 0;
        if !begins || self.lengths >> (word.len() % 64) & 1 == 0 {
            return 0;
        }
        self.words.get(word).copied().unwrap_or(0)
    }

    /// Which of the words that conditions ask for, `asks`, this element has.
    pub(super) fn of(&self, tape: &Tape<'_>, calls: &Calls, id: NodeId, asks: u64, words: &Words) -> u64 {
        if asks == 0 {
            return 0;
        }
        let mut tags = 0;
        let mut seen = |word: &str| tags |= self.bit_of(word);
        for attribute in tape.attributes(id).take(ATTRIBUTES_LOOKED_AT_MAX) {
            if words.is_type(calls.of(tape, attribute).local) {
                seen(&tape.value(attribute));
            }
        }
        // A bit for each name that is asked for as a child, where any is asked for here.
        let mut there = 0_u64;
        let asks_children = self.children.iter().any(|(.., bit)| asks & bit != 0);
        for child in tape.elements(id).take(CHILDREN_LOOKED_AT_MAX) {
            let called = calls.of(tape, child);
            if called.local == words.code {
                for attribute in [words.code, words.code_system] {
                    if let Some(attribute) = calls.attribute(tape, child, attribute) {
                        seen(&tape.value(attribute));
                    }
                }
            }
            if asks_children {
                let bits = self.children.iter().filter(|(c, ..)| *c == called.element);
                there |= bits.fold(0, |all, (.., bit)| all | bit);
            }
        }
        for (_, wanted, bit) in &self.children {
            if (there & bit != 0) == *wanted {
                tags |= bit;
            }
        }
        tags & asks
    }
}

/// Among how many elements inside one its code is looked for.
const CHILDREN_LOOKED_AT_MAX: usize = 64;
