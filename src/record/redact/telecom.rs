//! NCPDP Telecommunication by its own separators: segments and ids of known fields stay.

use super::leaf::{Notation, Pieces, Redactor, leaf};
use crate::inspect::walk::ncpdp::telecom;
use crate::record::packed::Word;

impl Redactor<'_> {
    pub(super) fn telecom(&mut self, doc: &[u8], out: &mut Pieces) {
        telecom::walk(doc, &self.rules.ncpdp, self);
        out.notation(Notation::Marks(telecom::SEPARATORS.to_vec()));
        let start = telecom::first_segment(doc).unwrap_or(doc.len());
        header(doc.get(..start).unwrap_or_default(), out);
        let mut at = start;
        while at < doc.len() {
            let rest = doc.get(at..).unwrap_or_default();
            let length = rest.iter().position(|b| telecom::SEPARATORS.contains(b)).unwrap_or(rest.len());
            self.telecom_field(doc, at, length, out);
            at += length;
            if let Some(separator) = doc.get(at) {
                out.text(char::from(*separator).encode_utf8(&mut [0; 4]));
            }
            at += 1;
        }
        out.notation(Notation::Plain);
    }

    fn telecom_field(&self, doc: &[u8], at: usize, length: usize, out: &mut Pieces) {
        let field = doc.get(at..at + length).unwrap_or_default();
        match field {
            [] => {}
            [b'A', b'M', tens, ones] if tens.is_ascii_digit() && ones.is_ascii_digit() => {
                out.text(&String::from_utf8_lossy(field));
            }
            [a, b, value @ ..] => {
                let id = [*a, *b];
                let known = std::str::from_utf8(&id).ok().filter(|id| self.rules.ncpdp.knows(id));
                out.text(known.unwrap_or("**"));
                if !value.is_empty() {
                    out.leaf(self.shown(at + 2..at + length, Word::Text));
                }
            }
            other => out.leaf(self.kept(leaf(Word::Text, other.len(), "[text]"), other)),
        }
    }
}

/// The header has fields of fixed width: version and kind of transaction stay, where they are known, all else is blanked.
fn header(head: &[u8], out: &mut Pieces) {
    let version = [0, 6].into_iter().find(|at| head.get(*at..at + 2).is_some_and(telecom::is_version));
    for (n, b) in head.iter().enumerate() {
        let kept = version.is_some_and(|at| (at..at + 4).contains(&n)) && b.is_ascii_alphanumeric();
        match b {
            b if telecom::SEPARATORS.contains(b) || kept => {
                out.text(char::from(*b).encode_utf8(&mut [0; 4]));
            }
            _ => out.text("*"),
        }
    }
}
