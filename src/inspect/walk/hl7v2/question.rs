//! Questions: what an OBX asks, and the row of the key table that it names. The results of a panel, or of a
//! patient over days, ask the same.

use super::encoding::pieces;
use super::message::Walk;
use super::segment::Current;
use crate::inspect::field::Field;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

/// What the OBX that was read last asks.
pub(super) struct Question<'d> {
    /// Its OBX-3.
    field: Range<usize>,
    text: Option<Cow<'d, str>>,
    /// The row that it names, once that was looked for.
    pub(super) row: OnceCell<Option<&'d Field>>,
}

impl<'d> Walk<'d, '_> {
    /// What an OBX asks: OBX-3.2, or OBX-3.1.
    pub(super) fn question(&mut self, current: &Current<'_>) -> Option<Cow<'d, str>> {
        let Some(field) = self.field_span(current, 3) else {
            self.question = None;
            return None;
        };
        if let Some(asked) = &self.question
            && self.doc.get(asked.field.clone()) == self.doc.get(field.clone())
        {
            return asked.text.clone();
        }
        let text = self.asks(&field);
        self.question = Some(Question { field, text: text.clone(), row: OnceCell::new() });
        text
    }

    fn asks(&self, field: &Range<usize>) -> Option<Cow<'d, str>> {
        let mut parts = pieces(self.doc, field.clone(), Some(self.separators.component))
            .take(2)
            .filter(|span| !self.is_blank(span.clone()));
        let span = parts.next()?;
        let span = parts.next().unwrap_or(span);
        Some(self.value(span, false))
    }
}
