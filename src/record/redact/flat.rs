//! Formats of records: lines of JSON and flat tables stay what they are.

use super::credential::names_credential;
use super::json::Words;
use super::leaf::{Notation, Numbers, Pieces, Redactor, SECRET, fixed, leaf};
use crate::inspect::walk::{csv, fhir};
use crate::inspect::{lines, wrapped};
use crate::record::packed::Word;
use std::collections::BTreeSet;

impl Redactor<'_> {
    /// NDJSON line by line; a broken line is told by its size.
    pub(super) fn ndjson(&mut self, doc: &[u8], out: &mut Pieces) {
        for (_, at) in lines::lines(doc) {
            let line = doc.get(at).unwrap_or_default();
            self.document(line);
            self.numbers = Numbers::ByPlace;
            match fhir::read(line, &self.rules.fhir) {
                Ok(tape) => {
                    wrapped::walk(&tape, self.rules, self);
                    self.json(&tape, line, Words::AsTold, out);
                }
                Err(_) => {
                    out.leaf(self.kept(leaf(Word::Line, line.len(), "[line: malformed]"), line));
                }
            }
            out.text("\n");
        }
    }

    /// A flat table by its own syntax: delimiters, quotes, line ends and column names of the tables stay.
    pub(super) fn flat(&mut self, doc: &[u8], out: &mut Pieces) {
        // A quote that never closes is a letter to the walker, and nothing stays unsaid for it.
        let _ = csv::walk(doc, &self.rules.columns, &self.rules.objects, self);
        out.notation(Notation::Marks(b",;\t|\"\r\n".to_vec()));
        let mut from = 0;
        // Columns whose name is a credential's, and the record that begins with such a name.
        let (mut columns, mut record) = (BTreeSet::new(), None);
        csv::cells(doc, &self.rules.columns, &self.rules.objects, &mut |(number, column), span, name| {
            syntax(doc.get(from..span.start).unwrap_or_default(), out);
            from = span.end;
            let raw = doc.get(span.clone()).and_then(|raw| std::str::from_utf8(raw).ok()).unwrap_or_default();
            match name {
                Some(name) => out.text(name),
                None if self.unknown_keys.contains_key(&span.start) => {
                    if names_credential(raw) {
                        columns.insert(column);
                    }
                    out.leaf(leaf(Word::Column, span.len(), "*"));
                }
                None if columns.contains(&column) || record == Some(number) => out.leaf(fixed(SECRET)),
                None if column == 0 && names_credential(raw.trim_end_matches(':')) => {
                    record = Some(number);
                    out.leaf(self.shown(span, Word::Text));
                }
                None => out.leaf(self.shown(span, Word::Text)),
            }
        });
        syntax(doc.get(from..).unwrap_or_default(), out);
        out.notation(Notation::Plain);
    }
}

/// What stands between cells; nothing else could.
fn syntax(between: &[u8], out: &mut Pieces) {
    for b in between.iter().filter(|b| b",;\t|\"\r\n =".contains(b)) {
        out.text(char::from(*b).encode_utf8(&mut [0; 4]));
    }
}
