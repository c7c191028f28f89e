//! The field table compiled for reading: segment, element, then the rows of its components.

use super::conditions::{Asks, Code, Seen};
use super::grammar::{self, Classes};
use super::place::{Id, Label, id};
use crate::inspect::field::{Field, FieldTable};
use crate::inspect::kind::Whose;
use std::collections::HashMap;

/// Rows and grammar, ready for reading: made once, used for every message.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Field>,
    /// Sorted by id.
    segments: Vec<Known>,
    blank: Plan,
    entities: HashMap<Code, Whose>,
}

impl Table {
    /// Compiles the rows of a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut segments: Vec<Known> = grammar::segments()
            .filter_map(|(name, elements, rest)| {
                let elements = elements.into_iter().map(Plan::of).collect();
                Some(Known { id: id(name)?, elements, rest: Plan::of(rest) })
            })
            .collect();
        segments.sort_by_key(|segment| segment.id);
        let names = table.field.iter().filter(|row| row.at.iter().any(|at| at == "NM1-03"));
        let entities = names
            .flat_map(|row| row.when.types.iter().filter_map(|code| Some((Code::of(code)?, row.whose))))
            .collect();
        let mut compiled =
            Self { rows: table.field.clone(), segments, blank: Plan::of(Classes::TEXT), entities };
        for (index, row) in table.field.iter().enumerate() {
            let carry = Carry::parse(&row.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", row.id, row.reads))?;
            for at in &row.at {
                compiled
                    .add(at, index, carry)
                    .ok_or_else(|| format!("{}: no such place, or conditions: {at}", row.id))?;
            }
        }
        Ok(compiled)
    }

    /// How many segments the standard has here.
    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    /// The number of a segment of the standard; case doesn't matter.
    pub(super) fn number(&self, word: &str) -> Option<usize> {
        let id = id(word)?;
        self.segments.binary_search_by_key(&id, |known| known.id).ok()
    }

    /// Whether the standard has a segment of this name: then records and places may show it.
    #[must_use]
    pub fn knows(&self, word: &str) -> bool {
        self.number(word).is_some()
    }

    /// What a segment of this number is called.
    pub(super) fn label(&self, number: Option<usize>) -> Label {
        number.and_then(|n| self.segments.get(n)).map_or(Label::Unknown, |known| Label::Known(known.id))
    }

    /// The plan of an element, by its number from 1; text where nothing is known of it.
    pub(super) fn element(&self, segment: Option<usize>, element: u32) -> &Plan {
        let Some(known) = segment.and_then(|n| self.segments.get(n)) else { return &self.blank };
        usize::try_from(element)
            .ok()
            .and_then(|n| n.checked_sub(1))
            .and_then(|at| known.elements.get(at))
            .unwrap_or(&known.rest)
    }

    /// The row that covers a component, if one does: of those whose conditions hold the one with most of them, and of
    /// several the first of the table.
    pub(super) fn row(&self, plan: &Plan, seen: &Seen) -> Option<(&Field, Carry)> {
        let mut best: Option<(u8, &Placed)> = None;
        for placed in &plan.rows {
            let asks = &placed.asks;
            if asks.meets(seen) && best.is_none_or(|(held, _)| asks.count() > held) {
                best = Some((asks.count(), placed));
            }
        }
        best.and_then(|(_, placed)| Some((self.rows.get(placed.row)?, placed.carry)))
    }

    /// Whose an NM1 or N1 of this code is, by the rows of NM1-03 that name it.
    pub(super) fn entity(&self, code: &str) -> Option<Whose> {
        self.entities.get(&Code::of(code)?).copied()
    }

    /// `NM1-03`, `HI-*`, `HI-*.4`, `REF-04.2`.
    fn add(&mut self, at: &str, row: usize, carry: Carry) -> Option<()> {
        let (word, rest) = at.split_once('-')?;
        let number = self.number(word)?;
        let segment = self.segments.get_mut(number)?;
        let (element, component) = match rest.split_once('.') {
            Some((element, component)) => (element, Some(component.parse().ok().filter(|c| *c > 0)?)),
            None => (rest, None),
        };
        let asks = Asks::new(component, &self.rows.get(row)?.when)?;
        let placed = Placed { asks, row, carry };
        if element == "*" {
            segment.elements.iter_mut().for_each(|plan| plan.rows.push(placed.clone()));
            segment.rest.rows.push(placed);
            return Some(());
        }
        let index = element.parse::<usize>().ok().filter(|_| element.len() == 2)?.checked_sub(1)?;
        segment.elements.get_mut(index)?.rows.push(placed);
        Some(())
    }
}

/// A segment of the standard.
#[derive(Debug)]
struct Known {
    id: Id,
    elements: Vec<Plan>,
    rest: Plan,
}

/// What is known of an element.
#[derive(Debug)]
pub(super) struct Plan {
    /// How its components read.
    pub(super) classes: Classes,
    rows: Vec<Placed>,
}

impl Plan {
    fn of(classes: Classes) -> Self {
        Self { classes, rows: Vec::new() }
    }
}

#[derive(Debug, Clone)]
struct Placed {
    asks: Asks,
    row: usize,
    carry: Carry,
}

/// What a row's `as` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carry {
    /// One value of the row's kind.
    Value,
    /// Free text.
    Text,
    /// As the segment's grammar says.
    Type,
    /// A provider's or organisation's.
    Public,
    /// A control number.
    Opaque,
    /// A document: the data of a binary segment.
    Attachment,
}

impl Carry {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Value,
            "text" => Self::Text,
            "type" => Self::Type,
            "public" => Self::Public,
            "opaque" => Self::Opaque,
            "attachment" => Self::Attachment,
            _ => return None,
        })
    }
}

/// Whether a value of this row is nobody's.
pub(super) fn nobodys(row: &Field) -> bool {
    matches!(row.whose, Whose::Provider | Whose::Organisation)
}
