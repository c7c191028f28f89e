//! The rows compiled for reading: by tag, by the sequence around it, and by the concept of a content item.

use super::Reads;
use crate::inspect::field::{Field, FieldTable};
use std::collections::HashMap;
use std::fmt;

/// Rows, ready for reading: made once, used for every document.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    by_tag: HashMap<(Option<Tag>, Tag), usize>,
    /// By the code of a concept.
    by_concept: HashMap<Box<str>, usize>,
    private: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) field: Field,
    pub(super) carry: Carry,
}

/// Group and element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Tag(u32);

/// The `as` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carry {
    Value,
    Text,
    Clinical,
    Opaque,
    Time,
    Code,
    Public,
    Pixels,
}

impl Table {
    /// Compiles the rows of a table.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote nothing but the table itself.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut compiled =
            Self { rows: Vec::new(), by_tag: HashMap::new(), by_concept: HashMap::new(), private: None };
        for (index, field) in table.field.iter().enumerate() {
            let carry = Carry::parse(&field.reads)
                .ok_or_else(|| format!("{}: `as` has no meaning here: {}", field.id, field.reads))?;
            for at in &field.at {
                if let Some(concept) = at.strip_prefix('@') {
                    if compiled.by_concept.insert(concept.into(), index).is_some() {
                        return Err(format!("{}: {at} has a row already", field.id));
                    }
                    continue;
                }
                let tag = |word: &str| Tag::of(word).ok_or_else(|| format!("{}: no tag: {at}", field.id));
                let key = match at.split_once('.') {
                    _ if at == "odd" => {
                        compiled.private = Some(index);
                        continue;
                    }
                    Some((sequence, last)) => (Some(tag(sequence)?), tag(last)?),
                    None => (None, tag(at)?),
                };
                if compiled.by_tag.insert(key, index).is_some() {
                    return Err(format!("{}: {at} has a row already", field.id));
                }
            }
            compiled.rows.push(Row { field: field.clone(), carry });
        }
        Ok(compiled)
    }

    /// The number of the row for a tag inside a sequence.
    pub(super) fn row(&self, sequence: Option<Tag>, tag: Tag) -> Option<usize> {
        if tag.is_private() {
            return self.private;
        }
        let inside = sequence.and_then(|s| self.by_tag.get(&(Some(s), tag)));
        inside.or_else(|| self.by_tag.get(&(None, tag))).copied()
    }

    /// The number of the row for a content item of a report, by the code of what it tells (PS3.16, DCM), or its meaning.
    pub(super) fn concept(&self, code: &str) -> Option<usize> {
        self.by_concept.get(code).copied()
    }

    pub(super) fn get(&self, row: usize) -> Option<&Row> {
        self.rows.get(row)
    }

    /// Whether the table knows a tag: it may be shown.
    pub(super) fn has(&self, tag: Tag) -> bool {
        self.by_tag.keys().any(|(sequence, last)| *last == tag || *sequence == Some(tag))
    }
}

impl Tag {
    /// Eight hex digits.
    pub(super) fn of(key: &str) -> Option<Self> {
        let hex = key.len() == 8 && key.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u32::from_str_radix(key, 16).ok().map(Self)).flatten()
    }

    /// The same, or an attribute's keyword.
    pub(super) fn called(key: &str) -> Option<Self> {
        Self::of(key).or_else(|| super::keywords::tag(key).map(Self))
    }

    /// The value of a content item (PS3.3, C.18): a date and a time, a date, a name, a text.
    pub(super) fn is_of_content(self) -> bool {
        matches!(self.0, 0x0040_A120 | 0x0040_A121 | 0x0040_A123 | 0x0040_A160)
    }

    /// Of a private group, whose number is odd (PS3.5, section 7.8).
    pub(super) fn is_private(self) -> bool {
        (self.0 >> 16) % 2 == 1
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl Carry {
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" => Self::Value,
            "text" => Self::Text,
            "clinical" => Self::Clinical,
            "opaque" => Self::Opaque,
            "time" => Self::Time,
            "code" => Self::Code,
            "public" => Self::Public,
            "pixels" => Self::Pixels,
            _ => return None,
        })
    }

    pub(super) fn is_clinical(self) -> bool {
        matches!(self, Self::Clinical | Self::Pixels)
    }

    pub(super) fn reads(self) -> Reads<'static> {
        match self {
            Self::Value => Reads::Value,
            Self::Text | Self::Clinical => Reads::Text,
            Self::Opaque => Reads::Opaque,
            Self::Time => Reads::Time,
            Self::Code => Reads::Code,
            Self::Public => Reads::Public,
            Self::Pixels => Reads::Base64(""),
        }
    }
}
