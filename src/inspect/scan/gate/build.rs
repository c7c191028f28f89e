//! How a gate is made: level by level, from the automata of all rules at once.

use super::{BEFORE, Before, DEAD, DEPTH_MAX, Gate, LEAF, ROW, THROUGH, closure, is_word, leads};
use crate::inspect::hash::Map;
use crate::inspect::scan::chance::frequency;
use regex_automata::nfa::thompson::NFA;
use regex_automata::util::look::Look;
use std::collections::HashMap;
use std::rc::Rc;

/// Makes the automaton, level by level. What messages hardly ever begin with is not told apart further.
pub(super) struct Builder<'n> {
    rules: &'n [(u16, &'n NFA)],
    /// For each byte its class, and for each class one of its bytes.
    class: [u8; 256],
    bytes: Vec<u8>,
    /// Of each class, how often its bytes are seen.
    shares: Vec<f64>,
    nodes: Vec<Node>,
    numbers: Map<(u16, u32), u32>,
    closures: Map<(u16, u32), Closure>,
    next: Vec<u32>,
    lists: Map<Box<[u16]>, u32>,
    /// Where the automaton can be, and what stands for it: a row that any further byte may lead to again.
    known: Map<Set, u32>,
}

/// A state of a rule that reads a byte.
struct Node {
    /// The rule, an index of `rules`.
    rule: u16,
    state: u32,
    /// By class, where it leads: made when first asked.
    leads: Option<Leads>,
}

/// What a state leads to without a byte: the nodes that are reached, or none where the rule ends.
type Closure = Rc<[u32]>;

/// By class of bytes, what a state leads to.
type Leads = Rc<[(u8, Closure)]>;

/// Where the automaton can be: nodes, in order, and the rules that are let through.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Set {
    alive: Vec<u32>,
    through: Vec<u16>,
}

/// Sets of one level, each with how often a place is there.
#[derive(Default)]
struct Level {
    numbers: Map<Set, u32>,
    shares: Vec<f64>,
}

impl<'n> Builder<'n> {
    pub(super) fn new(rules: &'n [(u16, &'n NFA)]) -> Self {
        let mut builder = Self {
            rules,
            class: [0; 256],
            bytes: Vec::new(),
            shares: Vec::new(),
            nodes: Vec::new(),
            numbers: Map::default(),
            closures: Map::default(),
            next: Vec::new(),
            lists: Map::default(),
            known: Map::default(),
        };
        builder.classes();
        builder
    }

    /// Bytes that no rule tells apart are of one class.
    fn classes(&mut self) {
        let mut known: HashMap<Vec<u8>, u8> = HashMap::new();
        for byte in 0..=u8::MAX {
            let told: Vec<u8> = self.rules.iter().map(|(_, nfa)| nfa.byte_classes().get(byte)).collect();
            let fresh = u8::try_from(known.len()).expect("one for each byte before this at most");
            let class = *known.entry(told).or_insert(fresh);
            if usize::from(class) == self.bytes.len() {
                self.bytes.push(byte);
                self.shares.push(0.0);
            }
            self.class[usize::from(byte)] = class;
            self.shares[usize::from(class)] += frequency(byte);
        }
    }

    pub(super) fn build(mut self) -> Gate {
        let columns = self.bytes.len();
        let (mut starts, mut rows, mut level) = ([DEAD; BEFORE], Vec::new(), Level::default());
        for (before, share) in Before::ALL {
            let row = self.push_row(&Set::default());
            for (column, set) in self.first(before) {
                let share = share * self.shares[usize::from(column)];
                self.next[row as usize + usize::from(column)] = level.number(set, share);
            }
            starts[before as usize] = row;
            rows.push(row);
        }
        for depth in 2.. {
            let resolved = self.resolve(level, depth > DEPTH_MAX);
            for row in rows {
                for cell in self.next.iter_mut().skip(row as usize).take(columns) {
                    *cell = resolved.get(*cell as usize).map_or(DEAD, |(to, _, _)| *to);
                }
            }
            level = Level::default();
            rows = Vec::new();
            for (to, share, set) in resolved {
                let Some(set) = set else { continue };
                let row = to & ROW;
                for (column, set) in self.step(&set.alive) {
                    let share = share * self.shares[usize::from(column)];
                    self.next[row as usize + usize::from(column)] = level.number(set, share);
                }
                rows.push(row);
            }
            if rows.is_empty() {
                break;
            }
        }
        let mut lists: Vec<(Box<[u16]>, u32)> = self.lists.into_iter().collect();
        lists.sort_unstable_by_key(|(_, number)| *number);
        let lists = lists.into_iter().map(|(list, _)| list).collect();
        Gate { class: self.class, next: self.next, starts, lists, columns }
    }

    /// What stands for each set of a level: its row if it has one, a new one with the set where it is worth one.
    fn resolve(&mut self, level: Level, is_last: bool) -> Vec<(u32, f64, Option<Set>)> {
        let Level { numbers, shares } = level;
        let mut sets: Vec<(u32, Set)> = numbers.into_iter().map(|(set, number)| (number, set)).collect();
        sets.sort_unstable_by_key(|(number, _)| *number);
        sets.into_iter()
            .zip(shares)
            .map(|((_, set), share)| {
                if let Some(to) = self.known.get(&set) {
                    return (*to, share, None);
                }
                let is_full = set.alive.is_empty() || self.next.len() > CELLS_MAX;
                let set = match () {
                    () if is_full => Err(set),
                    () if !is_last && share >= SHARE_MIN => Ok(set),
                    () if share >= SHARE_MIN / RARER => self.without_one(set),
                    () => Err(set),
                };
                match set {
                    Ok(set) => self.row_of(set, share),
                    Err(set) => (self.leaf(set), share, None),
                }
            })
            .collect()
    }

    fn row_of(&mut self, set: Set, share: f64) -> (u32, f64, Option<Set>) {
        if let Some(to) = self.known.get(&set) {
            return (*to, share, None);
        }
        let flag = if set.through.is_empty() { 0 } else { THROUGH };
        let to = flag | self.push_row(&set);
        self.known.insert(set.clone(), to);
        (to, share, Some(set))
    }

    /// One rule let through, where the others go on as a row does already: `Cont` may begin `Contact`, or be any word with a
    /// capital. The set as it is where there is no such rule.
    fn without_one(&self, set: Set) -> Result<Set, Set> {
        let of = |node: u32| self.nodes.get(node as usize).map(|node| node.rule);
        for rule in self.open(&set) {
            let is_its = |node: &u32| {
                of(*node)
                    .and_then(|index| self.rules.get(usize::from(index)))
                    .is_some_and(|(own, _)| *own == rule)
            };
            let alive: Vec<u32> = set.alive.iter().copied().filter(|node| !is_its(node)).collect();
            let others = Set { alive, through: Vec::new() };
            if !others.alive.is_empty() && self.known.contains_key(&others) {
                let through = set.through.iter().copied().chain([rule]).collect();
                return Ok(self.tidy(Set { through, ..others }));
            }
        }
        Err(set)
    }

    /// All rules that are left are let through.
    fn leaf(&mut self, set: Set) -> u32 {
        let mut rules = self.open(&set);
        rules.extend(set.through);
        rules.sort_unstable();
        rules.dedup();
        if rules.is_empty() { DEAD } else { LEAF | self.list(&rules) }
    }

    /// The rules that have to be read on.
    fn open(&self, set: &Set) -> Vec<u16> {
        let of = |node: &u32| {
            let node = self.nodes.get(*node as usize)?;
            self.rules.get(usize::from(node.rule)).map(|(rule, _)| *rule)
        };
        let mut rules: Vec<u16> = set.alive.iter().filter_map(of).collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// What each class of bytes leads to as the first one: what stands around the start tells which looks hold there.
    fn first(&mut self, before: Before) -> Vec<(u8, Set)> {
        let is_word = |byte: u8| byte.is_ascii().then(|| is_word(byte));
        let left = (before != Before::High).then_some(before == Before::Word);
        let mut first = Vec::new();
        for right in [Some(false), Some(true), None] {
            // What isn't ASCII may be a word character or not.
            let bounds = left.zip(right).map(|(left, right)| left != right);
            let holds = |look: Look| match look {
                Look::Start => before == Before::Nothing,
                Look::StartLF => matches!(before, Before::Nothing | Before::LineEnd),
                Look::WordAscii | Look::WordUnicode => bounds != Some(false),
                Look::WordAsciiNegate | Look::WordUnicodeNegate => bounds != Some(true),
                _ => true,
            };
            let mut nodes = Vec::new();
            for (index, (_, nfa)) in (0..).zip(self.rules) {
                let (states, _) = closure(nfa, nfa.start_anchored().as_u32(), &holds);
                nodes.extend(states.into_iter().map(|state| self.node(index, state)));
            }
            let mut sets = self.step(&nodes);
            sets.retain(|(column, _)| is_word(self.bytes[usize::from(*column)]) == right);
            first.append(&mut sets);
        }
        first
    }

    /// What each class of bytes leads to.
    fn step(&mut self, from: &[u32]) -> Vec<(u8, Set)> {
        let mut to: Vec<Option<Set>> = vec![None; self.bytes.len()];
        for node in from {
            let Some((rule, leads)) = self.leads(*node) else { continue };
            for (column, closure) in leads.iter() {
                if let Some(slot) = to.get_mut(usize::from(*column)) {
                    self.reach(rule, closure, slot.get_or_insert_default());
                }
            }
        }
        let columns = (0..=u8::MAX).zip(to);
        columns.filter_map(|(column, set)| Some((column, self.tidy(set?)))).collect()
    }

    /// Where a node leads, by class; what leads nowhere is left out.
    fn leads(&mut self, number: u32) -> Option<(u16, Leads)> {
        let Node { rule, state, leads: known } = self.nodes.get(number as usize)?;
        let (rule, state) = (*rule, *state);
        if let Some(known) = known {
            return Some((rule, known.clone()));
        }
        let (_, nfa) = self.rules.get(usize::from(rule))?;
        let bytes = self.bytes.clone();
        let columns = (0..=u8::MAX).zip(bytes);
        let made: Leads = columns
            .filter_map(|(column, byte)| Some((column, self.closure(rule, leads(nfa, state, byte)?))))
            .collect();
        self.nodes.get_mut(number as usize)?.leads = Some(made.clone());
        Some((rule, made))
    }

    fn closure(&mut self, rule: u16, state: u32) -> Closure {
        if let Some(known) = self.closures.get(&(rule, state)) {
            return known.clone();
        }
        let (states, ends) = match self.rules.get(usize::from(rule)) {
            Some((_, nfa)) => closure(nfa, state, &|_| true),
            None => (Vec::new(), true),
        };
        let made: Closure = match ends {
            true => Rc::new([]),
            false => states.into_iter().map(|state| self.node(rule, state)).collect(),
        };
        self.closures.insert((rule, state), made.clone());
        made
    }

    fn node(&mut self, rule: u16, state: u32) -> u32 {
        let fresh = u32::try_from(self.nodes.len()).expect("automata are bounded");
        let number = *self.numbers.entry((rule, state)).or_insert(fresh);
        if number == fresh {
            self.nodes.push(Node { rule, state, leads: None });
        }
        number
    }

    fn reach(&self, rule: u16, closure: &Closure, set: &mut Set) {
        if closure.is_empty() {
            set.through.extend(self.rules.get(usize::from(rule)).map(|(rule, _)| *rule));
        } else {
            set.alive.extend_from_slice(closure);
        }
    }

    /// Sorted; a rule that is let through needn't be read on.
    fn tidy(&self, mut set: Set) -> Set {
        set.through.sort_unstable();
        set.through.dedup();
        set.alive.sort_unstable();
        set.alive.dedup();
        if !set.through.is_empty() {
            let through = &set.through;
            set.alive.retain(|node| {
                let rule = self.nodes.get(*node as usize).and_then(|n| self.rules.get(usize::from(n.rule)));
                rule.is_some_and(|(rule, _)| through.binary_search(rule).is_err())
            });
        }
        set
    }

    fn push_row(&mut self, set: &Set) -> u32 {
        let row = u32::try_from(self.next.len()).expect("rows are bounded");
        self.next.resize(self.next.len() + self.bytes.len(), DEAD);
        let lists = [self.list(&set.through), self.list(&self.open(set))];
        self.next.extend(lists);
        row
    }

    fn list(&mut self, rules: &[u16]) -> u32 {
        let fresh = u32::try_from(self.lists.len()).expect("lists are bounded as rows are");
        *self.lists.entry(rules.into()).or_insert(fresh)
    }
}

impl Level {
    /// The number of a set; the empty one has none.
    fn number(&mut self, set: Set, share: f64) -> u32 {
        if set.alive.is_empty() && set.through.is_empty() {
            return DEAD;
        }
        let fresh = u32::try_from(self.shares.len()).expect("sets are bounded");
        let number = *self.numbers.entry(set).or_insert(fresh);
        match self.shares.get_mut(number as usize) {
            Some(known) => *known += share,
            None => self.shares.push(share),
        }
        number
    }
}

/// What fewer places begin with is not told apart further.
const SHARE_MIN: f64 = 4e-7;
/// By so much fewer may be, where all rules but one go on as elsewhere.
const RARER: f64 = 32.0;
/// Size beyond which no further byte is looked at.
const CELLS_MAX: usize = 1 << 20;
