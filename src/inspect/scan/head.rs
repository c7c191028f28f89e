//! Heads: the ways in which a match of a rule can begin, as byte classes for its first bytes.
//!
//! Every match begins as one of its rule's heads says; what begins so needn't be a match. They come from the rule's
//! automaton, byte by byte: a step that splits by where bytes lead gives one head for each way, a step that would give
//! too many is taken as one.

use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;
use std::collections::BTreeMap;

/// One way to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// What the first bytes are: 1 to [`HEAD_BYTES_MAX`] classes.
    pub(super) classes: Vec<Class>,
    /// Whether what stands before is no ASCII word character: a word boundary in front of a word character.
    pub(super) word_start: bool,
}

impl Head {
    /// Whether a match may begin so at `at`.
    pub(super) fn fits(&self, text: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        !(self.word_start && before.is_some_and(|b| is_word(*b)))
            && self
                .classes
                .iter()
                .enumerate()
                .all(|(depth, class)| text.get(at + depth).is_some_and(|b| class.has(*b)))
    }
}

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Class([u64; 4]);

impl Class {
    pub(super) fn add(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] & 1 << (byte & 63) != 0
    }

    pub(super) fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|b| self.has(*b))
    }

    fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    fn join(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

impl std::fmt::Debug for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.bytes().map(char::from)).finish()
    }
}

/// The heads of a rule, at most [`HEADS_MAX`]; none where it can match nothing at all.
pub(super) fn heads(nfa: &NFA) -> Vec<Head> {
    let start = closure(nfa, &[nfa.start_anchored()]);
    if start.ends {
        return Vec::new();
    }
    let mut open =
        vec![Way { head: Head { classes: Vec::new(), word_start: false }, at: start, whole: false }];
    let mut done = Vec::new();
    for depth in 0..HEAD_BYTES_MAX {
        let mut next = Vec::new();
        let waiting = open.len();
        for (number, way) in open.drain(..).enumerate() {
            let room = HEADS_MAX.saturating_sub(done.len() + next.len() + waiting - number - 1);
            step(nfa, &way, depth, room, &mut next);
        }
        for way in next {
            if way.at.ends || depth + 1 == HEAD_BYTES_MAX {
                done.push(way.head);
            } else {
                open.push(way);
            }
        }
    }
    done
}

/// A byte that every match has, among its first so many bytes; the automaton without the byte can't end.
pub(super) fn required(nfa: &NFA, byte: u8) -> Option<usize> {
    let mut at = closure(nfa, &[nfa.start_anchored()]);
    let bytes = one_of_each_class(nfa, byte);
    for reach in 1..=REACH_MAX {
        if at.ends {
            return None;
        }
        let mut targets: Vec<StateID> = Vec::new();
        for b in &bytes {
            targets.extend(at.states.iter().flat_map(|(state, _)| leads(nfa, *state, *b)));
        }
        targets.sort_unstable();
        targets.dedup();
        if targets.is_empty() {
            return Some(reach);
        }
        at = closure(nfa, &targets);
    }
    None
}

/// A byte of each class that the automaton tells apart; never `but`.
fn one_of_each_class(nfa: &NFA, but: u8) -> Vec<u8> {
    let mut seen = [false; 256];
    let fresh =
        |b: &u8| *b != but && !std::mem::replace(&mut seen[usize::from(nfa.byte_classes().get(*b))], true);
    (0..=u8::MAX).filter(fresh).collect()
}

/// A head that isn't complete, and where the automaton is behind it.
struct Way {
    head: Head,
    at: Closure,
    /// Behind a byte that isn't ASCII: what follows is taken as one.
    whole: bool,
}

/// States that read a byte, each with whether a word boundary lies on every way to it.
struct Closure {
    states: Vec<(StateID, bool)>,
    ends: bool,
}

fn closure(nfa: &NFA, from: &[StateID]) -> Closure {
    let mut seen: BTreeMap<StateID, bool> = BTreeMap::new();
    let mut waiting: Vec<(StateID, bool)> = from.iter().map(|state| (*state, false)).collect();
    let mut out = Closure { states: Vec::new(), ends: false };
    while let Some((state, bounded)) = waiting.pop() {
        match seen.get(&state) {
            // A way without a boundary says less: it is followed again.
            Some(known) if !*known || bounded => continue,
            _ => seen.insert(state, bounded),
        };
        match nfa.state(state) {
            State::Look { look, next } => waiting.push((*next, bounded || is_boundary(*look))),
            State::Union { alternates } => waiting.extend(alternates.iter().map(|next| (*next, bounded))),
            State::BinaryUnion { alt1, alt2 } => waiting.extend([(*alt1, bounded), (*alt2, bounded)]),
            State::Capture { next, .. } => waiting.push((*next, bounded)),
            State::Match { .. } => out.ends = true,
            State::Fail => {}
            State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => {}
        }
    }
    let reads = |state: &StateID| {
        matches!(nfa.state(*state), State::ByteRange { .. } | State::Sparse(_) | State::Dense(_))
    };
    out.states = seen.into_iter().filter(|(state, _)| reads(state)).collect();
    out
}

/// Whether it holds, in front of a word character, only where none stands before.
fn is_boundary(look: Look) -> bool {
    matches!(
        look,
        Look::WordAscii
            | Look::WordUnicode
            | Look::WordStartAscii
            | Look::WordStartUnicode
            | Look::WordStartHalfAscii
            | Look::WordStartHalfUnicode
    )
}

fn leads(nfa: &NFA, state: StateID, byte: u8) -> Option<StateID> {
    match nfa.state(state) {
        State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
        State::Sparse(sparse) => sparse.matches_byte(byte),
        State::Dense(dense) => dense.matches_byte(byte),
        _ => None,
    }
}

/// The ways on from `way` by one byte.
fn step(nfa: &NFA, way: &Way, depth: usize, room: usize, out: &mut Vec<Way>) {
    // By where they lead; what isn't ASCII is one group, so that scripts don't multiply ways.
    let mut groups: BTreeMap<(bool, Vec<StateID>, bool), Class> = BTreeMap::new();
    let (mut high, mut high_to) = (Class::default(), Vec::new());
    let mut by_class: [Option<(Vec<StateID>, bool)>; 256] = [const { None }; 256];
    for byte in 0..=u8::MAX {
        let class = usize::from(nfa.byte_classes().get(byte));
        let (mut to, bounded) = by_class[class]
            .get_or_insert_with(|| {
                let mut bounded = true;
                let ways = way.at.states.iter().filter_map(|(state, boundary)| {
                    let next = leads(nfa, *state, byte)?;
                    bounded &= *boundary;
                    Some(next)
                });
                (ways.collect(), bounded)
            })
            .clone();
        if to.is_empty() {
            continue;
        }
        if byte < 0x80 {
            to.sort_unstable();
            to.dedup();
            let word_start = depth == 0 && bounded && is_word(byte);
            groups.entry((false, to, word_start)).or_default().add(byte);
        } else {
            high.add(byte);
            high_to.extend(to);
        }
    }
    if !high.is_empty() {
        high_to.sort_unstable();
        high_to.dedup();
        groups.insert((true, high_to, false), high);
    }
    if groups.len() > 1 && (way.whole || groups.len() > room.max(1)) {
        let (mut class, mut to) = (Class::default(), Vec::new());
        let mut word_start = true;
        for ((_, more, bounded), bytes) in groups {
            class.join(bytes);
            to.extend(more);
            word_start &= bounded;
        }
        to.sort_unstable();
        to.dedup();
        groups = BTreeMap::from([((way.whole, to, word_start), class)]);
    }
    for ((high, to, word_start), class) in groups {
        let mut head = way.head.clone();
        head.classes.push(class);
        head.word_start |= word_start;
        out.push(Way { head, at: closure(nfa, &to), whole: way.whole || high });
    }
}

pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// How many bytes a head tells of at most.
pub(super) const HEAD_BYTES_MAX: usize = 6;

/// How many heads a rule has at most.
const HEADS_MAX: usize = 24;

/// How far a byte may lie from the start that a rule is looked for by.
const REACH_MAX: usize = 256;
