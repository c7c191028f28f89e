//! The field table compiled for reading.

use super::frame::{Frame, Owner};
use super::names::{Name, Names, Part, RawNames, Words};
use super::path::{Aim, Path, Tags};
use crate::inspect::field::{Field, FieldTable, listed};
use crate::inspect::kind::Whose;
use std::collections::HashMap;

/// Rows, names and roles, ready for reading: made once, used for every document.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Field>,
    pub(super) names: Names,
    pub(super) words: Words,
    pub(super) tags: Tags,
    /// By what the path leads to and the last element's name, heaviest first.
    placed: HashMap<(Aim, Name), Vec<Placed>>,
    /// Paths to each leaf below.
    below: Vec<Placed>,
    narrative: Option<usize>,
    comment: Option<usize>,
    columns: Vec<usize>,
    /// By the element's name, heaviest first.
    roles: HashMap<Name, Vec<(Path, Part)>>,
}

#[derive(Debug)]
struct Placed {
    path: Path,
    row: usize,
    carry: Carry,
    weight: usize,
}

impl Table {
    /// Compiles the rows of a table, with the names and roles of `config/fields/cda-names.toml`.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let raw: RawNames = toml::from_str(NAMES).map_err(|e| e.message().to_owned())?;
        let names = Names::new(&raw);
        let mut compiled = Self {
            rows: table.field.clone(),
            words: Words::new(&names)?,
            names,
            tags: Tags::default(),
            placed: HashMap::new(),
            below: Vec::new(),
            narrative: None,
            comment: None,
            columns: Vec::new(),
            roles: HashMap::new(),
        };
        for (index, row) in table.field.iter().enumerate() {
            let carry = Carry::parse(&row.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", row.id, row.reads))?;
            for at in &row.at {
                compiled.add(at, index, carry).ok_or_else(|| format!("{}: no such place: {at}", row.id))?;
            }
        }
        for role in &raw.role {
            for at in &role.at {
                let path = Path::parse(at, &compiled.names, &mut compiled.tags)
                    .ok_or_else(|| format!("no such role: {at}"))?;
                compiled.roles.entry(path.last()).or_default().push((path, role.is));
            }
        }
        for list in compiled.placed.values_mut() {
            list.sort_by_key(|placed| std::cmp::Reverse(placed.weight));
        }
        compiled.below.sort_by_key(|placed| std::cmp::Reverse(placed.weight));
        for list in compiled.roles.values_mut() {
            list.sort_by_key(|(path, _)| std::cmp::Reverse(path.weight()));
        }
        Ok(compiled)
    }

    fn add(&mut self, at: &str, row: usize, carry: Carry) -> Option<()> {
        if at == "comment()" {
            self.comment = Some(row);
            return Some(());
        }
        if at == "column()" {
            self.columns.push(row);
            return Some(());
        }
        let path = Path::parse(at, &self.names, &mut self.tags)?;
        if carry == Carry::Narrative {
            self.narrative = Some(row);
            return Some(());
        }
        let when = &self.rows.get(row)?.when;
        let conditional = !when.types.is_empty() || !when.systems.is_empty();
        let weight = path.weight() + if conditional { CONDITION_WEIGHT } else { 0 };
        let list = match path.aim {
            Aim::Below => &mut self.below,
            aim => self.placed.entry((aim, path.last())).or_default(),
        };
        list.push(Placed { path, row, carry, weight });
        Some(())
    }

    /// Whether CDA has a name, of an element or an attribute.
    #[must_use]
    pub fn knows(&self, local: &str) -> bool {
        self.names.element(local) != Name::UNKNOWN || self.names.attribute(local).is_some()
    }

    /// The rows whose paths lead to a leaf of the innermost element, heaviest first, and what each carries.
    pub(super) fn rows<'t>(&'t self, aim: Aim, frames: &[Frame]) -> impl Iterator<Item = (&'t Field, Carry)> {
        let top = frames.last().map_or(Name::UNKNOWN, |top| top.name);
        let placed = self.placed.get(&(aim, top)).map(Vec::as_slice).unwrap_or_default();
        let fits = placed.iter().chain(&self.below).filter(|placed| placed.path.fits(frames));
        fits.filter_map(|placed| Some((self.rows.get(placed.row)?, placed.carry)))
    }

    /// The row of the narrative.
    pub(super) fn narrative(&self) -> Option<&Field> {
        self.narrative.and_then(|row| self.rows.get(row))
    }

    /// The row of comments and processing instructions.
    pub(super) fn comment(&self) -> Option<&Field> {
        self.comment.and_then(|row| self.rows.get(row))
    }

    /// The row of a narrative's column of this head.
    pub(super) fn column(&self, head: &str) -> Option<&Field> {
        let words = head.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let head = words.collect::<Vec<_>>().join(" ");
        self.columns.iter().filter_map(|row| self.rows.get(*row)).find(|row| listed(&row.when.types, &head))
    }

    /// Which part the innermost element plays, where it plays one of its own.
    pub(super) fn part(&self, frames: &[Frame]) -> Option<Part> {
        let roles = self.roles.get(&frames.last()?.name)?;
        roles.iter().find(|(path, _)| path.fits(frames)).map(|(_, part)| *part)
    }
}

/// What a row's conditions are asked about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen<'a> {
    /// The root of an id.
    pub(super) system: &'a str,
    /// The value of a telecom, the authority's name of an id.
    pub(super) kind: &'a str,
    /// Whether the leaf reads as text where no row covers it.
    pub(super) is_text: bool,
}

impl Seen<'_> {
    /// The first of these rows that covers a leaf which belongs to `owner`.
    pub(super) fn row<'t>(&self, rows: &[(&'t Field, Carry)], owner: Owner) -> Option<(&'t Field, Carry)> {
        let holds = |(row, carry): &&(&Field, Carry)| {
            let theirs = match row.whose {
                Whose::Patient | Whose::Relative => owner != Owner::Nobody,
                Whose::Provider | Whose::Organisation => owner == Owner::Nobody,
                Whose::Any => true,
            };
            theirs && (*carry != Carry::Public || self.is_text) && self.meets(row)
        };
        rows.iter().find(holds).copied()
    }

    fn meets(&self, row: &Field) -> bool {
        let (types, systems) = (&row.when.types, &row.when.systems);
        (systems.is_empty() || listed(systems, self.system))
            && (types.is_empty()
                || listed(types, self.kind)
                || self.kind.contains('@') && types.iter().any(|word| word == "@"))
    }
}

/// What a row's `as` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carry {
    /// One value of the row's kind.
    Value,
    /// Free text.
    Text,
    /// A provider's or organisation's.
    Public,
    /// Base64 where `representation` says so, else text.
    Base64,
    /// The narrative block.
    Narrative,
}

impl Carry {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Value,
            "text" => Self::Text,
            "public" => Self::Public,
            "base64" => Self::Base64,
            "narrative" => Self::Narrative,
            _ => return None,
        })
    }
}

/// More than any path weighs.
const CONDITION_WEIGHT: usize = 1 << 20;

/// Names and roles, compiled in.
pub(crate) const NAMES: &str = include_str!("../../../../config/fields/cda-names.toml");
