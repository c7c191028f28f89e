//! The rows of a format that is read by the names of its elements, compiled for reading.

use crate::inspect::field::{Field, FieldTable, listed};
use crate::inspect::kind::Whose;
use std::collections::HashMap;

/// A word of the table, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::inspect::walk) struct Word(u16);

impl Word {
    /// No word of the table.
    pub(in crate::inspect::walk) const UNKNOWN: Self = Self(0);
}

/// Rows ready for reading: made once, used for every document.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    numbers: HashMap<Box<str>, Word>,
    words: Vec<Box<str>>,
    /// Of values, by the number of the last word, best first.
    values: Vec<Vec<Pattern>>,
    /// Of elements that begin something, by the number of the last word.
    scopes: Vec<Vec<Pattern>>,
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
    Code,
    Quantity,
    Time,
    Opaque,
    Base64,
    /// The first component of an HL7 v2 value.
    Cx,
    /// `PID-5|Doe^Ann`.
    Pid,
    /// Words that are no value.
    Names,
    Public,
    Relative,
    Person,
    Clinical,
}

impl Carry {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Value,
            "text" => Self::Text,
            "code" => Self::Code,
            "quantity" => Self::Quantity,
            "time" => Self::Time,
            "opaque" => Self::Opaque,
            "base64" => Self::Base64,
            "cx" => Self::Cx,
            "pid" => Self::Pid,
            "names" => Self::Names,
            "public" => Self::Public,
            "relative" => Self::Relative,
            "person" => Self::Person,
            "clinical" => Self::Clinical,
            _ => return None,
        })
    }

    const fn is_scope(self) -> bool {
        matches!(self, Self::Public | Self::Relative | Self::Person | Self::Clinical)
    }
}

/// One `at`: its last word is that of the list it stands in.
#[derive(Debug)]
struct Pattern {
    /// Words that stand above, in this order, others between.
    above: Vec<Word>,
    row: usize,
    rank: (bool, usize, u16),
}

/// What conditions ask of a value.
pub(super) struct Beside<'v> {
    /// The value itself.
    pub(super) value: &'v str,
    /// What tells its type.
    pub(super) types: &'v [String],
    /// The `root` beside it.
    pub(super) system: Option<&'v str>,
}

impl Table {
    /// Compiles the rows of a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut compiled = Self {
            rows: Vec::new(),
            numbers: HashMap::new(),
            words: vec!["*".into()],
            values: vec![Vec::new()],
            scopes: vec![Vec::new()],
        };
        for field in &table.field {
            let carry = Carry::parse(&field.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", field.id, field.reads))?;
            for at in &field.at {
                compiled.add(at, field, carry).map_err(|why| format!("{}: {at}: {why}", field.id))?;
            }
            compiled.rows.push(Row { field: field.clone(), carry });
        }
        for patterns in compiled.values.iter_mut().chain(&mut compiled.scopes) {
            patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.rank));
        }
        Ok(compiled)
    }

    /// The number of a word.
    pub(in crate::inspect::walk) fn word(&self, word: &str) -> Word {
        self.numbers.get(word).copied().unwrap_or(Word::UNKNOWN)
    }

    /// The word of a number; `*` for no word of the table.
    pub(super) fn spelled(&self, word: Word) -> &str {
        self.words.get(usize::from(word.0)).map_or("*", |word| word)
    }

    /// The best row for a value: of those whose last word is the nearest to it.
    pub(super) fn value(
        &self,
        path: &[Word],
        beside: &Beside<'_>,
        holds: impl Fn(&Row) -> bool,
    ) -> Option<&Row> {
        let rows = (0..path.len()).rev().take(LEVELS_MAX).flat_map(|at| self.ending(&self.values, path, at));
        rows.filter(|row| meets(&row.field, beside)).find(|row| holds(row))
    }

    /// What begins at the last element of a path.
    pub(super) fn begins<'t, 'p>(&'t self, path: &'p [Word]) -> impl Iterator<Item = Carry> + use<'t, 'p> {
        let last = path.len().checked_sub(1);
        last.into_iter().flat_map(move |at| self.ending(&self.scopes, path, at)).map(|row| row.carry)
    }

    /// The best row for a value at words of a path, for formats that have no tape.
    pub(in crate::inspect::walk) fn row_at(
        &self,
        path: &[&str],
        value: &str,
        types: &[String],
        public: bool,
    ) -> Option<(&Field, Carry)> {
        let path: Vec<Word> = path.iter().map(|word| self.word(word)).collect();
        let row = self.value(&path, &Beside { value, types, system: None }, |row| row.holds(public));
        row.map(|row| (&row.field, row.carry))
    }

    /// Whether something begins at words of a path, for formats that have no tape.
    pub(in crate::inspect::walk) fn begins_at(&self, path: &[&str], what: Carry) -> bool {
        let path: Vec<Word> = path.iter().map(|word| self.word(word)).collect();
        self.begins(&path).any(|carry| carry == what)
    }

    /// A word if it is one of the table; else `*`.
    pub(in crate::inspect::walk) fn known(&self, word: &str) -> &str {
        self.spelled(self.word(word))
    }

    /// Whether the table has a name, of an element or an attribute.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.word(name) != Word::UNKNOWN || self.word(&format!("@{name}")) != Word::UNKNOWN
    }

    /// The rows of a list whose last word is that at a place of a path.
    fn ending<'t, 'p>(
        &'t self,
        lists: &'t [Vec<Pattern>],
        path: &'p [Word],
        at: usize,
    ) -> impl Iterator<Item = &'t Row> + use<'t, 'p> {
        let last = path.get(at).filter(|word| **word != Word::UNKNOWN);
        let list =
            last.and_then(|word| lists.get(usize::from(word.0))).map(Vec::as_slice).unwrap_or_default();
        let above = path.get(..at).unwrap_or_default();
        list.iter()
            .filter(move |pattern| pattern.is_under(above))
            .filter_map(|pattern| self.rows.get(pattern.row))
    }

    fn add(&mut self, at: &str, field: &Field, carry: Carry) -> Result<(), &'static str> {
        let mut words = Vec::new();
        for word in at.split('/') {
            words.push(self.intern(word)?);
        }
        let last = words.pop().ok_or("no word")?;
        let conditional = !(field.when.types.is_empty() && field.when.systems.is_empty());
        let rank = (conditional, words.len(), field.points.0);
        let pattern = Pattern { above: words, row: self.rows.len(), rank };
        let lists = if carry.is_scope() { &mut self.scopes } else { &mut self.values };
        if carry != Carry::Names {
            lists.get_mut(usize::from(last.0)).ok_or("a word without a number")?.push(pattern);
        }
        Ok(())
    }

    fn intern(&mut self, word: &str) -> Result<Word, &'static str> {
        if word.is_empty() {
            return Err("an empty word");
        }
        if let Some(known) = self.numbers.get(word) {
            return Ok(*known);
        }
        let number = Word(u16::try_from(self.words.len()).map_err(|_| "more than 65536 words")?);
        self.numbers.insert(word.into(), number);
        self.words.push(word.into());
        self.values.push(Vec::new());
        self.scopes.push(Vec::new());
        Ok(number)
    }
}

impl Row {
    /// Rows of patients and relatives don't hold for providers and organisations.
    pub(super) fn holds(&self, public: bool) -> bool {
        !(public && matches!(self.field.whose, Whose::Patient | Whose::Relative))
    }
}

impl Pattern {
    fn is_under(&self, path: &[Word]) -> bool {
        let mut wanted = self.above.iter();
        let mut next = wanted.next();
        for word in path {
            if next == Some(word) {
                next = wanted.next();
            }
        }
        next.is_none()
    }
}

fn meets(field: &Field, beside: &Beside<'_>) -> bool {
    let when = &field.when;
    let typed = || {
        when.types.iter().map(std::slice::from_ref).any(|wanted| match wanted {
            [prefix] if prefix.contains(':') => listed(wanted, beside.value),
            _ => beside.types.iter().any(|have| listed(wanted, have)),
        })
    };
    (when.types.is_empty() || typed())
        && (when.systems.is_empty() || beside.system.is_some_and(|root| listed(&when.systems, root)))
}

/// How many levels above a value a row may stand that covers it.
const LEVELS_MAX: usize = 8;
