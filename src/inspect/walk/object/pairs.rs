//! Values whose key says nothing: the label beside them tells, or the key above. `{"name": "dob", "value": "…"}`,
//! `"mrn": {"value": "…"}`, `{"field": "ssn", "old": "…", "new": "…"}`; and birth dates in three parts.

use super::table::{Row, normal};
use super::{Carry, Frame, Walk, fits};
use crate::inspect::kind::{Kind, Whose};
use crate::inspect::walk::json::{NodeId, NodeKind};
use std::borrow::Cow;

impl<'t> Walk<'t, '_> {
    /// The row that a label or a key above tells of a value whose own key says nothing.
    pub(super) fn paired(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        if ADDRESSED.contains(&key)
            && let Some(row) = self.addressed(id)
        {
            return Some(row);
        }
        if !self.keys.get(id).says_nothing {
            return None; // as most keys
        }
        let row = self.labelled(id, key).or_else(|| self.wrapped())?;
        // A letter under `email` isn't an address: what isn't like a value of its kind is read as text.
        fits(row.field.kind, &self.tape.value(id)).then_some(row)
    }

    fn labelled(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        let (label, _) = self.label(id, key)?;
        let label = self.tape.value(label);
        self.value_row("", &normal(&label)).or_else(|| {
            // `patient.ssn`, `/patient/ssn`
            let (_, last) = label.rsplit_once(['.', '/', ':'])?;
            self.value_row("", &normal(last))
        })
    }

    /// The row of the nearest key above that says something.
    fn wrapped(&self) -> Option<&'t Row> {
        let mut above = self.frames.iter().rev().take(WRAPPED_MAX).peekable();
        while let Some(frame) = above.next() {
            let parent = above.peek().map_or("", |frame| frame.key);
            if let Some(row) = self.value_row(parent, frame.key) {
                return Some(row);
            }
            if !self.keys.get(frame.object).says_nothing {
                return None;
            }
        }
        None
    }

    /// A number of whoever a message goes to.
    fn addressed(&self, id: NodeId) -> Option<&'t Row> {
        let value = self.tape.value(id);
        let phone = self.tape.kind(id) == NodeKind::String
            && value.bytes().all(|b| b.is_ascii_digit() || b" +-().".contains(&b))
            && (10..=13).contains(&value.bytes().filter(u8::is_ascii_digit).count());
        if phone { self.value_row("", "phone") } else { None }
    }

    /// The row of a key that holds one value, whatever stands beside it.
    fn value_row(&self, parent: &str, key: &str) -> Option<&'t Row> {
        let nobody = self.side().is_nobody();
        self.table.rows(parent, key).find(|row| {
            let field = &row.field;
            row.carry == Carry::Value
                && !(nobody && matches!(field.whose, Whose::Patient | Whose::Relative))
                && field.when.systems.is_empty()
                && field.when.types.is_empty()
        })
    }

    /// The key; of a key that says nothing the label beside it, else the key above. `normal_key` is the key in normal form.
    pub(super) fn cue(&self, id: NodeId, normal_key: &str) -> Cow<'t, str> {
        let tape = self.tape;
        let key = |mut at: NodeId| loop {
            if let Some(key) = tape.key_head(at) {
                return key;
            }
            match tape.parent(at) {
                Some(parent) => at = parent,
                None => return Cow::Borrowed(""),
            }
        };
        let own = key(id);
        if !self.keys.get(id).says_nothing {
            return own;
        }
        match (self.label(id, normal_key), self.frames.last()) {
            (Some((label, _)), _) => tape.value_head(label),
            (None, Some(frame)) if VALUE_KEYS.contains(&normal_key) => key(frame.object),
            _ => own,
        }
    }

    /// The label of a value whose key says nothing, and the object that has it: that of the value, or the one around it
    /// (`{"key": "ssn", "value": {"stringValue": "…"}}`).
    pub(super) fn label(&self, id: NodeId, normal_key: &str) -> Option<(NodeId, NodeId)> {
        let labels = match (VALUE_KEYS.contains(&normal_key), WEAK_VALUE_KEYS.contains(&normal_key)) {
            (true, _) => LABEL_KEYS,
            (_, true) => FIELD_LABELS,
            _ => return None,
        };
        let mut frames = self.frames.iter().rev();
        let inner = frames.next()?;
        let found = |frame: &Frame<'_>, not: NodeId| {
            let known = match std::ptr::eq(labels, LABEL_KEYS) {
                true => &frame.beside.labels,
                false => &frame.beside.field_labels,
            };
            let known = known.get_or_init(|| {
                let mut members = self.named(frame.object, labels);
                [members.next(), members.next()]
            });
            let label = known.iter().flatten().find(|label| **label != not);
            label.map(|label| (*label, frame.object))
        };
        found(inner, id).or_else(|| {
            let wrapper = self.tape.element(inner.object).is_none() && inner.key.starts_with("value");
            frames.next().filter(|_| wrapper).and_then(|outer| found(outer, inner.object))
        })
    }

    /// A birth date that is told in three parts: `{"year": 1971, "month": 4, "day": 2}`, `dobYear`. The whole of it, and
    /// its row.
    pub(super) fn date_in_parts(&self, id: NodeId, key: &str) -> Option<(&'t Row, String)> {
        let stem = DATE_PARTS.iter().find_map(|part| key.strip_suffix(part))?;
        let frame = self.frames.last().filter(|_| !self.is_element(id))?;
        let of = match stem {
            "" => frame.key,
            "birth" => "birthdate",
            stem => stem,
        };
        let row = self.value_row("", of).filter(|row| row.field.kind == Kind::BirthDate)?;
        let part = |part: &str| {
            let mut members = self.tape.children(frame.object).take(DATE_MEMBERS_MAX);
            let member = members.find(|child| self.keys.name(*child).strip_prefix(stem) == Some(part))?;
            self.tape.value(member).parse::<u16>().ok()
        };
        let [year, month, day] = DATE_PARTS.map(part);
        let (year, month, day) = (year?, month?, day?);
        let sound = (1000..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
        sound.then(|| (row, format!("{year:04}-{month:02}-{day:02}")))
    }
}

/// Whether a key (in normal form) doesn't say what its value is.
pub(super) fn says_nothing(key: &str) -> bool {
    VALUE_KEYS.contains(&key) || WEAK_VALUE_KEYS.contains(&key)
}

/// Among how many members the parts of a date are looked for.
const DATE_MEMBERS_MAX: usize = 64;
const DATE_PARTS: [&str; 3] = ["year", "month", "day"];
/// Keys that say nothing in a row: `"ssn": {"value": {"string": "…"}}`.
const WRAPPED_MAX: usize = 4;
const ADDRESSED: &[&str] = &["to", "from", "recipient", "recipients", "destination"];
const VALUE_KEYS: &[&str] = &[
    "value",
    "answer",
    "text",
    "content",
    "val",
    "data",
    "valuestring",
    "stringvalue",
    "valuedate",
    "s",
    "string",
    "fieldvalue",
    "intvalue",
    "longvalue",
    "oldvalue",
    "newvalue",
];
/// Of these only what a field is called tells: a period of a thing of some type has them, too.
const WEAK_VALUE_KEYS: &[&str] = &[
    "n",
    "date",
    "eq",
    "query",
    "old",
    "new",
    "from",
    "to",
    "before",
    "after",
    "previous",
    "current",
    "long",
    "numberlong",
];
const LABEL_KEYS: &[&str] = &[
    "label",
    "question",
    "key",
    "field",
    "name",
    "code",
    "description",
    "type",
    "fieldname",
    "attribute",
    "attributename",
    "property",
    "path",
    "column",
];
const FIELD_LABELS: &[&str] = &[
    "label",
    "question",
    "key",
    "field",
    "name",
    "fieldname",
    "attribute",
    "attributename",
    "property",
    "path",
    "column",
];
