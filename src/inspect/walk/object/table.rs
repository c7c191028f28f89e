//! The key table compiled for reading.

use crate::inspect::field::{Field, FieldTable};
use crate::inspect::hash::Map;
use crate::inspect::kind::Kind;

/// Key names, ready for reading: made once, used for every document.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    by_key: Map<Box<str>, Vec<Placed>>,
    below: Map<Box<str>, Vec<usize>>,
    /// `*word*.**`: few.
    below_word: Vec<(Box<str>, usize)>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) field: Field,
    pub(super) carry: Carry,
}

/// The `as` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inspect::walk) enum Carry {
    Value,
    Text,
    Base64,
    Jwt,
    Opaque,
    Time,
    Public,
    Relative,
    Clinical,
}

impl Row {
    /// Whether it says, whatever stands beside it, that a value is what only an individual has.
    fn is_an_individuals(&self) -> bool {
        let when = &self.field.when;
        self.carry == Carry::Value
            && when.types.is_empty()
            && when.systems.is_empty()
            && is_an_individuals(self.field.kind)
    }
}

#[derive(Debug)]
struct Placed {
    parent: Option<Box<str>>,
    row: usize,
}

impl Table {
    /// Compiles the rows of a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut compiled =
            Self { rows: Vec::new(), by_key: Map::default(), below: Map::default(), below_word: Vec::new() };
        for (index, field) in table.field.iter().enumerate() {
            let carry = Carry::parse(&field.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", field.id, field.reads))?;
            compiled.rows.push(Row { field: field.clone(), carry });
            for at in &field.at {
                compiled.add(at, index).ok_or_else(|| format!("{}: no key name: {at}", field.id))?;
            }
        }
        let rows = &compiled.rows;
        for placed in compiled.by_key.values_mut() {
            placed.sort_by_key(|placed| {
                let field = rows.get(placed.row).map(|row| &row.field);
                let conditional =
                    field.is_some_and(|f| !f.when.types.is_empty() || !f.when.systems.is_empty());
                std::cmp::Reverse((conditional, placed.parent.is_some(), field.map(|f| f.points.0)))
            });
        }
        Ok(compiled)
    }

    /// The row of a key as written, where nothing else is known: form fields, query parameters.
    #[must_use]
    pub fn lookup(&self, key: &str) -> Option<&Field> {
        let plain = |row: &&Row| {
            row.carry == Carry::Value && row.field.when.types.is_empty() && row.field.when.systems.is_empty()
        };
        self.rows("", &normal(key)).find(plain).map(|row| &row.field)
    }

    /// Whether a key as written names what only an individual has: a name, a birth date, a number, an address.
    #[must_use]
    pub fn is_an_individuals(&self, key: &str) -> bool {
        let key = normal(key);
        self.rows("", &key).any(Row::is_an_individuals)
    }

    /// The row of a key as written whose value is free text: a file's name, a note.
    #[must_use]
    pub fn free_text(&self, key: &str) -> Option<&Field> {
        self.rows("", &normal(key)).find(|row| row.carry == Carry::Text).map(|row| &row.field)
    }

    /// What a column of this name (in normal form) carries: a flat table has no parents and no types beside a value.
    pub(in crate::inspect::walk) fn column(&self, key: &str) -> Option<(&Field, Carry)> {
        let plain = |row: &&Row| row.field.when.types.is_empty() && row.field.when.systems.is_empty();
        let below = self.below.get(key).into_iter().flatten().filter_map(|row| self.rows.get(*row));
        let row = self.exact("", key).find(plain).or_else(|| below.into_iter().find(plain))?;
        Some((&row.field, row.carry))
    }

    /// Whether a key (in normal form) has a word in it that makes it a provider's or an organisation's.
    pub(in crate::inspect::walk) fn says_public(&self, key: &str) -> bool {
        self.below_word.iter().any(|(word, row)| {
            key.contains(&**word) && self.rows.get(*row).is_some_and(|row| row.carry == Carry::Public)
        })
    }

    /// The rows for a key (in normal form) inside the object of another, best first. Of a key that has none those of what
    /// stands behind an owner's word: `subscriberSSN`, `PatientDateOfBirth`.
    pub(super) fn rows<'t>(&'t self, parent: &str, key: &str) -> impl Iterator<Item = &'t Row> {
        let (parent, key) = match self.by_key.contains_key(key) {
            true => (parent, key),
            false => ("", self.behind_owner(key).unwrap_or_default()),
        };
        self.exact(parent, key)
    }

    /// What stands behind a word for an individual, where it names something that only an individual has.
    fn behind_owner<'k>(&self, key: &'k str) -> Option<&'k str> {
        let tells = |key: &&str| {
            let mut rows = self.exact("", key);
            rows.any(Row::is_an_individuals)
        };
        owners(key).iter().filter_map(|owner| key.strip_prefix(owner)).find(tells)
    }

    fn exact<'t>(&'t self, parent: &str, key: &str) -> impl Iterator<Item = &'t Row> {
        let placed = self.by_key.get(key).map(Vec::as_slice).unwrap_or_default();
        placed
            .iter()
            .filter(move |placed| placed.parent.as_deref().is_none_or(|wanted| wanted == parent))
            .filter_map(|placed| self.rows.get(placed.row))
    }

    /// The rows for all below a key (in normal form).
    pub(super) fn below(&self, key: &str) -> impl Iterator<Item = &Row> {
        let exact = self.below.get(key).into_iter().flatten();
        let words = self.below_word.iter().filter(move |(word, _)| key.contains(&**word)).map(|(_, row)| row);
        exact.chain(words).filter_map(|row| self.rows.get(*row))
    }

    /// Whether a key, as it is written, is one of the table's.
    pub(in crate::inspect::walk) fn has_key(&self, key: &str) -> bool {
        self.has(&normal(key))
    }

    /// Whether the table has the key (in normal form): it may be shown.
    pub(in crate::inspect::walk) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key) || self.below.contains_key(key) || self.behind_owner(key).is_some()
    }

    /// A key as a place shows it, if the table has it.
    pub(crate) fn shown(&self, key: &str) -> Option<String> {
        Some(normal(key)).filter(|known| self.has(known))
    }

    /// Whether a key (in normal form) says by itself what its value is.
    pub(super) fn names_a_value(&self, key: &str) -> bool {
        self.rows("", key).any(|row| row.field.when.types.is_empty())
    }

    fn add(&mut self, at: &str, row: usize) -> Option<()> {
        let normal =
            |key: &str| !key.is_empty() && key.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let (first, last) = at.split_once('.').map_or((None, at), |(first, last)| (Some(first), last));
        match (first, last) {
            (Some(key), "**") => match key.strip_prefix('*').and_then(|key| key.strip_suffix('*')) {
                Some(word) => self.below_word.push((Some(word).filter(|w| normal(w))?.into(), row)),
                None => self.below.entry(Some(key).filter(|k| normal(k))?.into()).or_default().push(row),
            },
            (parent, key) => {
                if !normal(key) || !parent.is_none_or(normal) {
                    return None;
                }
                let placed = Placed { parent: parent.map(Into::into), row };
                self.by_key.entry(key.into()).or_default().push(placed);
            }
        }
        Some(())
    }
}

impl Carry {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Value,
            "text" => Self::Text,
            "base64" => Self::Base64,
            "jwt" => Self::Jwt,
            "opaque" => Self::Opaque,
            "time" => Self::Time,
            "public" => Self::Public,
            "relative" => Self::Relative,
            "clinical" => Self::Clinical,
            _ => return None,
        })
    }
}

/// Kinds that only an individual has, and no list, message or account of a program.
const fn is_an_individuals(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::FamilyName
            | Kind::GivenName
            | Kind::FullName
            | Kind::MotherMaidenName
            | Kind::BirthDate
            | Kind::DeathDate
            | Kind::Ssn
            | Kind::Mbi
            | Kind::Mrn
            | Kind::MemberId
            | Kind::NationalId
            | Kind::Passport
            | Kind::DriverLicence
            | Kind::Phone
            | Kind::Email
            | Kind::Street
            | Kind::Zip
    )
}

/// Words for the individual that may stand in front of a key, by its first letter: most keys begin otherwise. Not `client`,
/// `user` and `subject`, which are a program's, too.
fn owners(key: &str) -> &'static [&'static str] {
    match key.as_bytes().first() {
        Some(b'b') => &["beneficiary"],
        Some(b'c') => &["cardholder"],
        Some(b'e') => &["enrollee"],
        Some(b'i') => &["insured"],
        Some(b'm') => &["member"],
        Some(b'p') => &["patient", "policyholder", "person", "pat", "pt"],
        Some(b'r') => &["resident"],
        Some(b's') => &["subscriber"],
        _ => &[],
    }
}

/// A key in normal form: lower case, letters and digits of ASCII only.
pub(in crate::inspect::walk) fn normal(key: &str) -> String {
    if key.len() > KEY_BYTES_MAX {
        return String::new();
    }
    let mut normal = String::with_capacity(key.len());
    let plain = key.bytes().filter(u8::is_ascii_alphanumeric);
    plain.for_each(|c| normal.push(char::from(c.to_ascii_lowercase())));
    normal
}

/// A longer key is no name of the table.
const KEY_BYTES_MAX: usize = 64;
