//! Columns: fields of which nothing was made, so that they needn't be told when they come again. Segments of one kind
//! say the same in most of their fields: types, units, flags, statuses.

use std::ops::Range;

/// For each field of each segment of the standard what stood there last, where nothing was made of it.
#[derive(Default)]
pub(super) struct Columns {
    /// By segment, then by field.
    fields: Vec<Vec<Quiet>>,
    /// Counts changes of who is whom and of separators: what was learnt before one holds no longer.
    era: u32,
}

#[derive(Clone, Default)]
struct Quiet {
    span: Range<usize>,
    era: u32,
}

impl Columns {
    /// Whether this field stood here last, byte for byte, and nothing was made of it.
    pub(super) fn knows(&self, doc: &[u8], segment: usize, field: usize, span: &Range<usize>) -> bool {
        let known = self.fields.get(segment).and_then(|fields| fields.get(field));
        known.is_some_and(|known| {
            known.era == self.era
                && known.span.len() == span.len()
                && !span.is_empty()
                && doc.get(known.span.clone()) == doc.get(span.clone())
        })
    }

    /// What [`Self::learn`] is told with: asked before the field is told.
    pub(super) fn era(&self) -> u32 {
        self.era
    }

    /// Keeps that nothing was made of a field that was told in this `era`.
    pub(super) fn learn(&mut self, segment: usize, field: usize, span: Range<usize>, era: u32) {
        if era != self.era || field >= FIELDS_MAX {
            return; // somebody was announced meanwhile
        }
        if self.fields.len() <= segment {
            self.fields.resize(segment + 1, Vec::new());
        }
        let Some(fields) = self.fields.get_mut(segment) else { return };
        if fields.len() <= field {
            fields.resize(field + 1, Quiet::default());
        }
        if let Some(known) = fields.get_mut(field) {
            *known = Quiet { span, era };
        }
    }

    /// Others begin, or are read otherwise.
    pub(super) fn forget(&mut self) {
        self.era += 1;
    }
}

/// Further fields are always told.
const FIELDS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_known_by_its_bytes_its_column_and_its_era() {
        let doc = b"mg/dL|mg/dL|mg/dl";
        let (first, again, other) = (0..5, 6..11, 12..17);
        let mut columns = Columns::default();
        columns.forget();
        assert!(!columns.knows(doc, 7, 3, &first));
        columns.learn(7, 3, first.clone(), columns.era());
        assert!(columns.knows(doc, 7, 3, &again));
        assert!(!columns.knows(doc, 7, 3, &other));
        assert!(!columns.knows(doc, 7, 2, &again) && !columns.knows(doc, 6, 3, &again));
        let era = columns.era();
        columns.forget();
        assert!(!columns.knows(doc, 7, 3, &again));
        columns.learn(7, 3, first, era);
        assert!(!columns.knows(doc, 7, 3, &again));
    }
}
