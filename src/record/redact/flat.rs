//! Formats of records: lines of JSON and flat tables stay what they are.

use super::leaf::{Pieces, Redactor, leaf, without};
use crate::inspect::lines;
use crate::inspect::walk::json::{JSON_DEPTH_MAX, Tape};
use crate::inspect::walk::{csv, fhir, object};
use crate::record::Piece;

impl Redactor<'_> {
    /// NDJSON line by line; a broken line is told by its size.
    pub(super) fn ndjson(&mut self, doc: &[u8]) -> Vec<Piece> {
        let mut out = Pieces::default();
        for (_, at) in lines::lines(doc) {
            let line = doc.get(at).unwrap_or_default();
            self.document(line);
            match Tape::read(line, JSON_DEPTH_MAX) {
                Ok(tape) => {
                    if fhir::recognise(&tape) {
                        fhir::walk_tape(&tape, &self.rules.fhir, self);
                    } else {
                        object::walk_tape(&tape, &self.rules.objects, self);
                    }
                    out.all(self.json(&tape, line));
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
        csv::cells(doc, &self.rules.columns, &self.rules.objects, &mut |span, name| {
            syntax(doc.get(from..span.start).unwrap_or_default(), &mut out);
            from = span.end;
            match name {
                Some(name) => out.text(name),
                None if self.unknown_keys.contains_key(&span.start) => {
                    out.leaf(leaf("column", span.len(), "*", None, false));
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
