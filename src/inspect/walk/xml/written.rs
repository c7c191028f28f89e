//! Places in the text of a tape, for those who make another tape of it.

use super::encoding::BOM;
use super::{NodeId, Tape};
use crate::inspect::walk::json::Origins;
use std::ops::Range;

/// Whether bytes begin as only XML does: with its declaration.
#[must_use]
pub fn begins(doc: &[u8]) -> bool {
    doc.strip_prefix(BOM).unwrap_or(doc).trim_ascii_start().starts_with(b"<?xml")
}

impl Tape<'_> {
    /// The document as text: what places in it count in. Bytes as they came, but for Latin-1.
    pub(in crate::inspect::walk) fn text(&self) -> &str {
        &self.doc.text
    }

    /// Where in the text stands what [`Self::span`] gives.
    pub(in crate::inspect::walk) fn written(&self, id: NodeId) -> Range<usize> {
        let node = self.node(id);
        node.start as usize..node.end as usize
    }

    /// Where in the text the name without its prefix stands.
    pub(in crate::inspect::walk) fn local_written(&self, id: NodeId) -> Range<usize> {
        let start = self.node(id).name_start as usize;
        let spelling = self.spelling(self.name_id(id));
        start + spelling.skipped()..start + spelling.length()
    }

    /// Whether the value has references to be undone.
    pub(in crate::inspect::walk) fn is_escaped(&self, id: NodeId) -> bool {
        self.node(id).escaped
    }
}

impl Origins for Tape<'_> {
    fn origin(&self, at: usize) -> usize {
        self.doc.origin(at)
    }
}
