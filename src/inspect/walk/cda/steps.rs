//! The paths of all rows and roles as one automaton: a step that several paths begin with is one, and stands behind the
//! one before it. Which steps end at an element follows from those that end at its parent, its name and its tags; rows and
//! roles know the step that they end with.

use super::names::Name;
use super::path::{Aim, Path};
use std::collections::HashMap;

/// A step of the automaton, by number.
pub(super) type StepId = u16;

/// All steps.
#[derive(Debug, Default)]
pub(super) struct Steps {
    steps: Vec<Place>,
    /// By the number of the element's name.
    by_name: Vec<Vec<StepId>>,
    numbers: HashMap<Place, StepId>,
    /// Steps that something at any depth below asks for: a bit each, in this order.
    kept: Vec<StepId>,
}

/// Where a step may be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    after: After,
    name: Name,
    /// Of each, one bit must be among the element's tags.
    any_of: Vec<u64>,
}

/// What must be above an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum After {
    /// Whatever.
    Anything,
    /// Its parent is where this step ends.
    Parent(StepId),
    /// It lies, at any depth, in an element where the step with this bit ends.
    Within(u64),
}

/// How a row's path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the element.
    At(StepId),
    /// At it or at any around it: the bit of the step.
    Within(u64),
}

impl Steps {
    /// Adds a path; `None` where there are too many.
    pub(super) fn add(&mut self, path: &Path) -> Option<End> {
        let mut last = None;
        for block in &path.blocks {
            for (at, step) in block.iter().enumerate() {
                let after = match last {
                    None => After::Anything,
                    Some(last) if at > 0 => After::Parent(last),
                    Some(last) => After::Within(self.bit(last)?),
                };
                last = Some(self.step(Place { after, name: step.name, any_of: step.any_of.clone() })?);
            }
        }
        match path.aim {
            Aim::Below => Some(End::Within(self.bit(last?)?)),
            Aim::Element | Aim::Attribute(_) => last.map(End::At),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether any step has this name.
    pub(super) fn has(&self, name: Name) -> bool {
        self.by_name.get(usize::from(name.0)).is_some_and(|steps| !steps.is_empty())
    }

    /// Tells the steps that end at an element: of its parent, `ends` says whether one ends there, and `within` has the bits of
    /// those that end at it or above.
    pub(super) fn here(
        &self,
        (name, tags): (Name, u64),
        within: u64,
        ends: impl Fn(StepId) -> bool,
        mut tell: impl FnMut(StepId),
    ) {
        for (number, step) in self.that_may_end(name, within, ends) {
            if step.any_of.iter().all(|bits| bits & tags != 0) {
                tell(number);
            }
        }
    }

    /// The tags that decide which steps end at an element of this name; its parent is told of as to
    /// [`Self::here`].
    pub(super) fn asks(&self, name: Name, within: u64, ends: impl Fn(StepId) -> bool) -> u64 {
        let steps = self.that_may_end(name, within, ends);
        steps.flat_map(|(_, step)| &step.any_of).fold(0, |all, bits| all | bits)
    }

    /// Steps that end at an element of this name if it has the tags.
    fn that_may_end(
        &self,
        name: Name,
        within: u64,
        ends: impl Fn(StepId) -> bool,
    ) -> impl Iterator<Item = (StepId, &Place)> {
        let named = self.by_name.get(usize::from(name.0)).map(Vec::as_slice).unwrap_or_default();
        let steps = named.iter().filter_map(|number| Some((*number, self.steps.get(usize::from(*number))?)));
        steps.filter(move |(_, step)| match step.after {
            After::Anything => true,
            After::Parent(parent) => ends(parent),
            After::Within(bit) => within & bit != 0,
        })
    }

    /// The bit of a step that is asked for at any depth below it; 0 for most.
    pub(super) fn kept(&self, step: StepId) -> u64 {
        self.kept.iter().position(|kept| *kept == step).map_or(0, |at| 1 << at)
    }

    fn step(&mut self, place: Place) -> Option<StepId> {
        if let Some(known) = self.numbers.get(&place) {
            return Some(*known);
        }
        let number = StepId::try_from(self.steps.len()).ok()?;
        let name = usize::from(place.name.0);
        if self.by_name.len() <= name {
            self.by_name.resize(name + 1, Vec::new());
        }
        self.by_name.get_mut(name)?.push(number);
        self.numbers.insert(place.clone(), number);
        self.steps.push(place);
        Some(number)
    }

    fn bit(&mut self, step: StepId) -> Option<u64> {
        if !self.kept.contains(&step) {
            self.kept.push(step);
        }
        let bit = self.kept(step);
        (self.kept.len() <= 64).then_some(bit)
    }
}
