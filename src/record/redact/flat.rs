//! Formats of records: lines of JSON and flat tables stay what they are.

use super::credential::names_credential;
use super::json::Words;
use super::leaf::{Numbers, Pieces, Redactor, SECRET, fixed, leaf, without};
use crate::inspect::walk::csv;
use crate::inspect::walk::json::{JSON_DEPTH_MAX, Tape};
use crate::inspect::{lines, wrapped};
use crate::record::Piece;
use std::collections::BTreeSet;

impl Redactor<'_> {
    /// NDJSON line by line; a broken line is told by its size.
    pub(super) fn ndjson(&mut self, doc: &[u8]) -> Vec<Piece> {
        let mut out = Pieces::default();
        for (_, at) in lines::lines(doc) {
            let line = doc.get(at).unwrap_or_default();
            self.document(line);
            self.numbers = Numbers::ByPlace;
            match Tape::read(line, JSON_DEPTH_MAX) {
                Ok(tape) => {
                    wrapped::walk(&tape, self.rules, self);
                    out.all(self.json(&tape, line, Words::AsTold));
                }
                Err(_) => {
                    out.leaf(self.kept(leaf("line", line.len(), "[line: malformed]", None, false), line));
                }
            }
            out.text("\n");
        }
        out.end()
    }

    /// A flat table by its own syntax: delimiters, quotes, line ends and column names of the tables stay.
    pub(super) fn flat(&mut self, doc: &[u8]) -> Vec<Piece> {
        // A quote that never closes is a letter to the walker, and nothing stays unsaid for it.
        let _ = csv::walk(doc, &self.rules.columns, &self.rules.objects, self);
        let mut out = Pieces::default();
        let mut from = 0;
        // Columns whose name is a credential's, and the record that begins with such a name.
        let (mut columns, mut record) = (BTreeSet::new(), None);
        csv::cells(doc, &self.rules.columns, &self.rules.objects, &mut |(number, column), span, name| {
            syntax(doc.get(from..span.start).unwrap_or_default(), &mut out);
            from = span.end;
            let raw = doc.get(span.clone()).and_then(|raw| std::str::from_utf8(raw).ok()).unwrap_or_default();
            match name {
                Some(name) => out.text(name),
                None if self.unknown_keys.contains_key(&span.start) => {
                    if names_credential(raw) {
                        columns.insert(column);
                    }
                    out.leaf(leaf("column", span.len(), "*", None, false));
                }
                None if columns.contains(&column) || record == Some(number) => out.leaf(fixed(SECRET, false)),
                None if column == 0 && names_credential(raw.trim_end_matches(':')) => {
                    record = Some(number);
                    out.leaf(self.piece(span, "text"));
                }
                None => out.leaf(self.piece(span, "text")),
            }
        });
        syntax(doc.get(from..).unwrap_or_default(), &mut out);
        out.written(without(b",;\t|\"\r\n")).end()
    }
}

/// What stands between cells; nothing else could.
fn syntax(between: &[u8], out: &mut Pieces) {
    for b in between.iter().filter(|b| b",;\t|\"\r\n =".contains(b)) {
        out.text(char::from(*b).encode_utf8(&mut [0; 4]));
    }
}
