//! The field table compiled for reading.

use super::frame::Owner;
use super::names::{Name, Names, Part, RawNames, Words};
use super::path::{Aim, Path, Tags};
use super::steps::{End, StepId, Steps};
use crate::inspect::field::{Field, FieldTable, listed};
use crate::inspect::hash::Map;
use crate::inspect::kind::Whose;

/// Rows, names and roles, ready for reading: made once, used for every document.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Field>,
    pub(super) names: Names,
    pub(super) words: Words,
    pub(super) tags: Tags,
    pub(super) steps: Steps,
    /// By what the path leads to and the last element's name, heaviest first.
    placed: Map<(Aim, Name), Vec<Placed>>,
    /// Paths to each leaf below.
    below: Vec<Placed>,
    /// Bits of the steps that those end with.
    below_bits: u64,
    /// By the number of an attribute's name, whether any path leads to it.
    aimed_at: Vec<bool>,
    narrative: Option<usize>,
    comment: Option<usize>,
    columns: Vec<usize>,
    /// By the element's name, heaviest first.
    roles: Map<Name, Vec<Playing>>,
}

/// Where a row holds.
#[derive(Debug)]
pub(super) struct Placed {
    end: End,
    row: usize,
    carry: Carry,
    weight: usize,
    #[cfg(test)]
    pub(super) path: Path,
}

/// Where a role is played.
#[derive(Debug)]
pub(super) struct Playing {
    end: StepId,
    pub(super) part: Part,
    weight: usize,
    #[cfg(test)]
    pub(super) path: Path,
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
            steps: Steps::default(),
            placed: Map::default(),
            below: Vec::new(),
            below_bits: 0,
            aimed_at: Vec::new(),
            narrative: None,
            comment: None,
            columns: Vec::new(),
            roles: Map::default(),
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
                compiled.play(at, role.is).ok_or_else(|| format!("no such role: {at}"))?;
            }
        }
        for list in compiled.placed.values_mut() {
            list.sort_by_key(|placed| std::cmp::Reverse(placed.weight));
        }
        compiled.below.sort_by_key(|placed| std::cmp::Reverse(placed.weight));
        for list in compiled.roles.values_mut() {
            list.sort_by_key(|playing| std::cmp::Reverse(playing.weight));
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
        let end = self.steps.add(&path)?;
        let list = match (path.aim, end) {
            (Aim::Below, End::Within(bit)) => {
                self.below_bits |= bit;
                &mut self.below
            }
            (aim, _) => self.placed.entry((aim, path.last())).or_default(),
        };
        if let Aim::Attribute(name) = path.aim {
            let at = usize::from(name.0);
            self.aimed_at.resize(self.aimed_at.len().max(at + 1), false);
            *self.aimed_at.get_mut(at)? = true;
        }
        list.push(Placed {
            end,
            row,
            carry,
            weight,
            #[cfg(test)]
            path,
        });
        Some(())
    }

    fn play(&mut self, at: &str, part: Part) -> Option<()> {
        let path = Path::parse(at, &self.names, &mut self.tags)?;
        let End::At(end) = self.steps.add(&path)? else { return None };
        self.roles.entry(path.last()).or_default().push(Playing {
            end,
            part,
            weight: path.weight(),
            #[cfg(test)]
            path,
        });
        Some(())
    }

    /// Whether CDA has a name, of an element or an attribute.
    #[must_use]
    pub fn knows(&self, local: &str) -> bool {
        self.names.element(local) != Name::UNKNOWN || self.names.attribute(local).is_some()
    }

    /// The rows whose paths lead to a leaf of an element of this name, heaviest first, and what each carries. `ends` says
    /// whether a step ends at the element, and `within` has the bits of those that end at it or above.
    pub(super) fn rows(
        &self,
        aim: Aim,
        name: Name,
        within: u64,
        ends: impl Fn(StepId) -> bool,
    ) -> impl Iterator<Item = (&Field, Carry)> {
        let placed = self.placed.get(&(aim, name)).map(Vec::as_slice).unwrap_or_default();
        let fits = placed.iter().chain(&self.below).filter(move |placed| match placed.end {
            End::At(step) => ends(step),
            End::Within(bit) => within & bit != 0,
        });
        fits.filter_map(|placed| Some((self.rows.get(placed.row)?, placed.carry)))
    }

    /// Whether any row's path leads to an attribute of this name.
    pub(super) fn aims_at(&self, attribute: Name) -> bool {
        self.aimed_at.get(usize::from(attribute.0)).copied().unwrap_or(false)
    }

    /// Whether a row covers each leaf below an element in which these steps end, or which lies in one where they do.
    pub(super) const fn covers_below(&self, within: u64) -> bool {
        within & self.below_bits != 0
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

    /// Which part an element of this name plays, where it plays one of its own; `ends` says whether a step ends at it.
    pub(super) fn part(&self, name: Name, ends: impl Fn(StepId) -> bool) -> Option<Part> {
        self.roles.get(&name)?.iter().find(|playing| ends(playing.end)).map(|playing| playing.part)
    }

    /// All rows' places with their paths, in the order in which they hold, and those of roles.
    #[cfg(test)]
    pub(super) fn paths(&self, aim: Aim, name: Name) -> (Vec<(&Field, &Path)>, Vec<&Playing>) {
        let placed = self.placed.get(&(aim, name)).map(Vec::as_slice).unwrap_or_default();
        let rows = placed.iter().chain(&self.below).map(|p| (&self.rows[p.row], &p.path)).collect();
        (rows, self.roles.get(&name).map(|roles| roles.iter().collect()).unwrap_or_default())
    }

    /// Every path, of rows and of roles.
    #[cfg(test)]
    pub(super) fn all_paths(&self) -> Vec<&Path> {
        let rows = self.placed.values().flatten().chain(&self.below).map(|placed| &placed.path);
        rows.chain(self.roles.values().flatten().map(|playing| &playing.path)).collect()
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
