//! Columns: fields of which nothing was made, so that they needn't be told when they come again. Segments of one kind
//! say the same in most of their fields: types, units, flags, statuses.

use std::ops::Range;

/// For each field of each segment of the standard what stood there last, where nothing was made of it.
#[derive(Default)]
pub(super) struct Columns {
    /// By segment, then by field.
    fields: Vec<Vec<Column>>,
    /// Counts changes of who is whom and of separators: what was learnt before one holds no longer.
    era: u32,
}

/// What stood in a field of a segment.
#[derive(Clone, Default)]
pub(super) struct Column {
    span: Range<usize>,
    /// The first bytes of it.
    head: u64,
    era: u32,
}

impl Columns {
    /// The columns of a segment, while its fields are told.
    pub(super) fn take(&mut self, segment: usize) -> Vec<Column> {
        self.fields.get_mut(segment).map(std::mem::take).unwrap_or_default()
    }

    /// The way back from [`Self::take`].
    pub(super) fn put_back(&mut self, segment: usize, columns: Vec<Column>) {
        if self.fields.len() <= segment {
            self.fields.resize(segment + 1, Vec::new());
        }
        if let Some(fields) = self.fields.get_mut(segment) {
            *fields = columns;
        }
    }

    /// What is learnt and known now: asked before a field is told and after it, since somebody may be
    /// announced meanwhile.
    pub(super) fn era(&self) -> u32 {
        self.era
    }

    /// Others begin, or are read otherwise.
    pub(super) fn forget(&mut self) {
        self.era += 1;
    }
}

impl Column {
    /// A field of which nothing was made in this `era`.
    pub(super) fn of(doc: &[u8], span: Range<usize>, era: u32) -> Self {
        Self { head: head(doc, &span), span, era }
    }

    /// Whether this field stood here last, byte for byte, and nothing was made of it.
    pub(super) fn stood(&self, doc: &[u8], span: &Range<usize>, era: u32) -> bool {
        self.era == era
            && self.span.len() == span.len()
            && !span.is_empty()
            && self.head == head(doc, span)
            && (span.len() <= HEAD_BYTES || doc.get(self.span.clone()) == doc.get(span.clone()))
    }
}

/// Keeps what stood in a field.
pub(super) fn learn(columns: &mut Vec<Column>, field: usize, column: Column) {
    if field >= FIELDS_MAX {
        return;
    }
    if columns.len() <= field {
        columns.resize(field + 1, Column::default());
    }
    if let Some(known) = columns.get_mut(field) {
        *known = column;
    }
}

/// The first bytes of a field: most have no more, and a call to compare them would cost more than they do.
fn head(doc: &[u8], span: &Range<usize>) -> u64 {
    let bytes = doc.get(span.start..).unwrap_or_default();
    match bytes.first_chunk::<HEAD_BYTES>() {
        Some(head) => {
            let beyond = HEAD_BYTES.saturating_sub(span.len());
            u64::from_be_bytes(*head).checked_shr(8 * u32::try_from(beyond).unwrap_or(0)).unwrap_or(0)
        }
        None => bytes.iter().take(span.len()).fold(0, |head, byte| head << 8 | u64::from(*byte)),
    }
}

/// Further fields are always told.
const FIELDS_MAX: usize = 64;
const HEAD_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_known_by_its_bytes_its_column_and_its_era() {
        let doc = b"mg/dL|mg/dL|mg/dl|mg/dL/min|mg/dL/max|mg/dL/min|mg/d|mg/dL";
        let all: Vec<Range<usize>> =
            vec![0..5, 6..11, 12..17, 18..27, 28..37, 38..47, 48..52, 53..58, 53..53];
        for (learnt, known) in [(0, vec![0, 1, 7]), (3, vec![3, 5]), (7, vec![0, 1, 7]), (8, vec![])] {
            let column = Column::of(doc, all[learnt].clone(), 3);
            for (at, span) in all.iter().enumerate() {
                assert_eq!(column.stood(doc, span, 3), known.contains(&at), "{learnt} {at}");
                assert!(!column.stood(doc, span, 4));
            }
        }
        assert!(!Column::default().stood(doc, &(0..0), 0));
    }

    #[test]
    fn a_segment_has_its_own_columns_up_to_a_bound() {
        let mut columns = Columns::default();
        columns.forget();
        let mut own = columns.take(7);
        learn(&mut own, 3, Column::of(b"mg/dL", 0..5, columns.era()));
        learn(&mut own, FIELDS_MAX, Column::of(b"mg/dL", 0..5, columns.era()));
        columns.put_back(7, own);
        assert!(columns.take(6).is_empty() && columns.take(8).is_empty());
        let own = columns.take(7);
        assert_eq!(own.len(), 4);
        let known = |field: usize| own[field].stood(b"mg/dL", &(0..5), columns.era());
        assert!(known(3) && !known(2));
    }
}
