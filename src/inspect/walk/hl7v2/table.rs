//! The field table compiled for reading: segment, field, then the rows of its components.

use super::grammar::{self, Datatype};
use crate::inspect::field::{Field, FieldTable, listed};
use crate::inspect::kind::Whose;
use std::collections::BTreeSet;

/// Rows and grammar, ready for reading: made once, used for every message.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Field>,
    /// Sorted by id.
    segments: Vec<Segment>,
    site: FieldPlan,
    blank: FieldPlan,
}

impl Table {
    /// Compiles the rows of a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let told = grammar::segments();
        let untold = grammar::untold().map(|id| (id, Vec::new()));
        let mut segments: Vec<Segment> =
            told.chain(untold).map(|(id, types)| Segment::new(id, &types)).collect();
        let sites: BTreeSet<[u8; 3]> =
            table.field.iter().flat_map(|row| &row.at).filter_map(|at| of_a_site(at)).collect();
        segments.extend(sites.iter().map(|id| Segment::new(*id, &[])));
        segments.sort_by_key(|segment| segment.id);
        let mut compiled =
            Self { rows: table.field.clone(), segments, site: FieldPlan::blank(), blank: FieldPlan::blank() };
        for (index, row) in table.field.iter().enumerate() {
            let carry = Carry::parse(&row.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", row.id, row.reads))?;
            for at in &row.at {
                compiled.add(at, index, carry).ok_or_else(|| format!("{}: no such place: {at}", row.id))?;
            }
        }
        // What no row of its own covers in a segment of a site is as in any such segment.
        let site = &compiled.site;
        for segment in compiled.segments.iter_mut().filter(|segment| sites.contains(&segment.id)) {
            for plan in segment.fields.iter_mut().chain([&mut segment.rest]) {
                site.rows.iter().for_each(|placed| plan.add(*placed));
            }
        }
        Ok(compiled)
    }

    /// How many segments the standard has here.
    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    /// The number of a segment of the standard; case doesn't matter.
    pub(super) fn number(&self, id: &[u8]) -> Option<usize> {
        let id: [u8; 3] = id.try_into().ok()?;
        self.segments.binary_search_by_key(&id.map(|c| c.to_ascii_uppercase()), |segment| segment.id).ok()
    }

    /// A segment of the standard, by its number.
    pub(super) fn segment(&self, number: usize) -> Option<&Segment> {
        self.segments.get(number)
    }

    /// The plan of a field; blank where the standard has none.
    pub(super) fn field(&self, id: [u8; 3], field: u32) -> &FieldPlan {
        self.number(&id)
            .and_then(|n| self.segments.get(n))
            .map_or(&self.blank, |segment| segment.field(field))
    }

    /// The plan of every field of a Z segment.
    pub(super) fn site(&self) -> &FieldPlan {
        &self.site
    }

    /// The plan of a field that nothing is known of.
    pub(super) fn blank(&self) -> &FieldPlan {
        &self.blank
    }

    /// The row that covers a component, if one does: of those whose conditions hold the first, of the others one
    /// for the very component before one for the field.
    pub(super) fn row(&self, plan: &FieldPlan, seen: &Seen<'_>) -> Option<(&Field, Carry)> {
        let mut best: Option<(u8, &Field, Carry)> = None;
        let types = letters(seen.types);
        for placed in plan.rows.iter().filter(|placed| placed.types & types != 0 || placed.types == 0) {
            let weight = 2 * u8::from(placed.conditional) + u8::from(placed.component.is_some());
            let covers = match placed.component {
                Some(component) => component == seen.component,
                None => placed.carry != Carry::Value || seen.datatype.carries(seen.component),
            };
            if covers
                && best.is_none_or(|(held, ..)| weight > held)
                && let Some(row) = self.rows.get(placed.row)
                && (!placed.conditional || seen.meets(row))
            {
                best = Some((weight, row, placed.carry));
            }
        }
        best.map(|(_, row, carry)| (row, carry))
    }

    /// `PID-3.1`, `PID-19`, `QPD-3+`, `QRF-*`, `Z*`.
    fn add(&mut self, at: &str, row: usize, carry: Carry) -> Option<()> {
        let when = &self.rows.get(row)?.when;
        let conditional = !when.types.is_empty() || !when.systems.is_empty();
        let types = when.types.iter().fold(0, |letters, name| letters | letter(name.as_bytes()));
        if at == "Z*" {
            self.site.add(Placed { component: None, row, conditional, types, carry });
            return Some(());
        }
        let (id, rest) = at.split_once('-')?;
        let number = self.number(id.as_bytes())?;
        let segment = self.segments.get_mut(number)?;
        let (from, open) = match (rest, rest.strip_suffix('+')) {
            ("*", _) => (1, true),
            (_, Some(from)) => (from.parse().ok()?, true),
            (_, None) => (0, false),
        };
        if open {
            let before = usize::checked_sub(from, 1)?;
            segment.reach(before)?;
            let placed = Placed { component: None, row, conditional, types, carry };
            segment.fields.iter_mut().skip(before).for_each(|plan| plan.add(placed));
            segment.rest.add(placed);
            return Some(());
        }
        let (field, component) = match rest.split_once('.') {
            Some((field, component)) => (field, Some(component.parse().ok()?)),
            None => (rest, None),
        };
        let field: usize = field.parse().ok()?;
        segment.reach(field)?;
        segment.fields.get_mut(field.checked_sub(1)?)?.add(Placed {
            component,
            row,
            conditional,
            types,
            carry,
        });
        Some(())
    }
}

/// The segment of a site that a row names: `ZLP-4`.
fn of_a_site(at: &str) -> Option<[u8; 3]> {
    let (id, _) = at.split_once('-')?;
    let id: [u8; 3] = id.as_bytes().try_into().ok()?;
    (id.starts_with(b"Z") && id.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())).then_some(id)
}

/// A segment of the standard, or one of a site that rows name.
#[derive(Debug)]
pub(super) struct Segment {
    /// In capitals.
    pub(super) id: [u8; 3],
    fields: Vec<FieldPlan>,
    rest: FieldPlan,
}

impl Segment {
    fn new(id: [u8; 3], types: &[&'static Datatype]) -> Self {
        let fields = types.iter().map(|datatype| FieldPlan { datatype, ..FieldPlan::blank() }).collect();
        Self { id, fields, rest: FieldPlan::blank() }
    }

    /// The plan of a field, by its number from 1.
    pub(super) fn field(&self, number: u32) -> &FieldPlan {
        usize::try_from(number)
            .ok()
            .and_then(|n| n.checked_sub(1))
            .and_then(|at| self.fields.get(at))
            .unwrap_or(&self.rest)
    }

    /// Makes room for so many fields.
    fn reach(&mut self, fields: usize) -> Option<()> {
        while self.fields.len() < fields {
            if fields > FIELDS_MAX {
                return None;
            }
            self.fields.push(self.rest.clone());
        }
        Some(())
    }
}

/// What is known of a field.
#[derive(Debug, Clone)]
pub(super) struct FieldPlan {
    /// Its datatype; that of OBX-5 is told by OBX-2.
    pub(super) datatype: &'static Datatype,
    rows: Vec<Placed>,
    /// What the types begin with of which its rows ask for one.
    types: u64,
    /// Whether a row asks for none.
    untyped: bool,
    /// Whether a row asks for something beside the place.
    conditional: bool,
}

impl FieldPlan {
    /// Whether any row may cover its components.
    pub(super) fn has_rows(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Whether any may beside these types.
    pub(super) fn may_cover(&self, types: [&str; 3]) -> bool {
        self.untyped || self.types != 0 && self.types & letters(types) != 0
    }

    /// Whether a row asks what stands beside the value.
    pub(super) fn asks_beside(&self) -> bool {
        self.conditional
    }

    fn add(&mut self, placed: Placed) {
        self.types |= placed.types;
        self.untyped |= placed.types == 0;
        self.conditional |= placed.conditional;
        self.rows.push(placed);
    }

    fn blank() -> Self {
        Self { datatype: grammar::TEXT, rows: Vec::new(), types: 0, untyped: false, conditional: false }
    }
}

#[derive(Debug, Clone, Copy)]
struct Placed {
    component: Option<u32>,
    row: usize,
    /// Whether its row asks for something beside the place.
    conditional: bool,
    /// The letters that the types begin with of which it asks for one; 0: it asks for none.
    types: u64,
    carry: Carry,
}

/// A bit for what a type begins with: mostly it is another letter than any that a row asks for. One that begins with
/// anything may be all of them; none has no bit.
fn letter(name: &[u8]) -> u64 {
    match name.first() {
        Some(b'*') => u64::MAX,
        Some(first) => 1 << (first.to_ascii_uppercase() & 63),
        None => 0,
    }
}

/// The bits of what these types begin with.
fn letters(types: [&str; 3]) -> u64 {
    types.iter().fold(0, |letters, name| letters | letter(name.as_bytes()))
}

/// What a row's conditions are asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Component that is judged, from 1.
    pub(super) component: u32,
    /// Its field's datatype.
    pub(super) datatype: &'static Datatype,
    /// Types beside it, and what the walker sees in the value.
    pub(super) types: [&'a str; 3],
    /// Authorities beside it.
    pub(super) systems: [&'a str; 4],
    /// A text of which each word is a system.
    pub(super) words: &'a str,
}

impl Seen<'_> {
    fn meets(&self, row: &Field) -> bool {
        let of = |list: &[String], value: &str| !value.is_empty() && listed(list, value);
        let types = &row.when.types;
        let systems = &row.when.systems;
        (types.is_empty() || self.types.iter().any(|value| of(types, value)))
            && (systems.is_empty()
                || self.systems.iter().any(|value| of(systems, value))
                || self.words.split(|c: char| !c.is_alphanumeric()).any(|word| of(systems, word)))
    }
}

/// What a row's `as` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carry {
    /// One value of the row's kind.
    Value,
    /// Free text.
    Text,
    /// As the datatype says.
    Type,
    /// A provider's or organisation's.
    Public,
    /// A code.
    Code,
    /// OBX-5 of type ED.
    Attachment,
    /// A query's parameter, where its name leads to no other row: free text.
    Query,
    /// SCH-12.
    Contact,
}

impl Carry {
    pub(super) fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Value,
            "text" => Self::Text,
            "type" => Self::Type,
            "public" => Self::Public,
            "code" => Self::Code,
            "attachment" => Self::Attachment,
            "query" => Self::Query,
            "contact" => Self::Contact,
            _ => return None,
        })
    }
}

/// Whether a value of this row is nobody's.
pub(super) fn nobodys(row: &Field) -> bool {
    matches!(row.whose, Whose::Provider | Whose::Organisation)
}

/// Highest field number that a row may name.
const FIELDS_MAX: usize = 256;
