//! NCPDP Telecommunication (D.0 and its like): segments and fields between separators, a field's id its first two
//! characters.
//!
//! - Takes: a transmission, and the rows of `config/fields/ncpdp-script.toml` as a [`Table`].
//! - Gives: each field once, and the header as a whole. The patient of the transmission is one person, a card holder
//!   that is named a relative.
//! - In doubt: text.

use crate::inspect::walk::named::{Carry, Table};
use crate::inspect::walk::{Leaf, PersonId, Reads, Role, Sink};
use std::borrow::Cow;
use std::ops::Range;

/// Whether bytes begin as a transmission: a header with a version, then a segment's id.
#[must_use]
pub fn recognise(doc: &[u8]) -> bool {
    let head = doc.get(..doc.len().min(HEADER_BYTES_MAX)).unwrap_or_default();
    let version = |at: usize| head.get(at..at + 2).is_some_and(|v| VERSIONS.contains(&v));
    (version(0) || version(6)) && first_segment(head).is_some()
}

/// Walks a transmission; bytes beyond ASCII are read as Latin-1.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) {
    sink.person(PATIENT, Role::Patient);
    let mut walk =
        Walk { doc, table, sink, segment: "AM00".to_owned(), qualifier: String::new(), holder: false };
    let start = first_segment(doc).unwrap_or(doc.len());
    walk.header(0..start);
    let mut at = start;
    while at < doc.len() {
        let length = doc.iter().skip(at).position(|b| SEPARATORS.contains(b)).unwrap_or(doc.len() - at);
        walk.field(at..at + length);
        at += length + 1;
    }
}

struct Walk<'d, 's> {
    doc: &'d [u8],
    table: &'d Table,
    sink: &'s mut dyn Sink,
    segment: String,
    /// The value of the field before.
    qualifier: String,
    /// Whether a card holder was announced.
    holder: bool,
}

impl Walk<'_, '_> {
    fn header(&mut self, span: Range<usize>) {
        let value = self.text(span.clone());
        self.tell(span, &value, "Header");
    }

    fn field(&mut self, span: Range<usize>) {
        let text = self.text(span.clone());
        let Some((id, value)) = text.split_at_checked(2) else {
            return self.tell(span, &text, "");
        };
        if id == "AM" && value.len() == 2 {
            self.segment = text.clone().into_owned();
            if self.table.begins_at(&[&text], Carry::Clinical) {
                self.sink.clinical(PATIENT);
            }
            return;
        }
        // Two characters of ASCII are two bytes of the document, and so is each of Latin-1.
        self.tell(span.start + id.chars().count()..span.end, value, id);
        self.qualifier = value.to_owned();
    }

    fn tell(&mut self, span: Range<usize>, value: &str, id: &str) {
        if value.is_empty() {
            return;
        }
        let path = [self.segment.as_str(), id];
        let public = self.table.begins_at(&[&self.segment], Carry::Public);
        let row = self.table.row_at(&path, value, std::slice::from_ref(&self.qualifier), public);
        let holder = self.table.begins_at(&path, Carry::Relative);
        if holder && !self.holder {
            self.holder = true;
            self.sink.person(HOLDER, Role::RelativeOf(PATIENT));
        }
        let person = match (public, holder) {
            (true, _) => PersonId::NOBODY,
            (_, true) => HOLDER,
            _ => PATIENT,
        };
        let reads = match row.map(|(_, carry)| carry) {
            Some(Carry::Value) => Reads::Value,
            Some(Carry::Code) => Reads::Code,
            Some(Carry::Opaque) => Reads::Opaque,
            None if public => Reads::Public,
            _ => Reads::Text,
        };
        let (segment, word) = (self.table.known(&self.segment), self.table.known(id));
        let place = || format!("{segment}.{word}");
        if word == "*" && row.is_none() && !public {
            self.sink.unknown_key(id, span.start.saturating_sub(id.len())..span.start, person, &place);
        }
        let field = row.map(|(field, _)| field);
        self.sink.leaf(
            &Leaf { span, value: Cow::Borrowed(value.trim_end()), field, person, reads, cue: id },
            &place,
        );
    }

    fn text(&self, span: Range<usize>) -> Cow<'static, str> {
        let bytes = self.doc.get(span).unwrap_or_default();
        Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect())
    }
}

/// Whether two bytes are a version of the standard.
pub(crate) fn is_version(two: &[u8]) -> bool {
    VERSIONS.contains(&two)
}

/// Where the first segment's id stands.
pub(crate) fn first_segment(doc: &[u8]) -> Option<usize> {
    let head = doc.get(..doc.len().min(HEADER_BYTES_MAX)).unwrap_or_default();
    head.windows(5).position(|five| {
        matches!(five, [b'A', b'M', tens, ones, FIELD] if tens.is_ascii_digit() && ones.is_ascii_digit())
    })
}

const PATIENT: PersonId = PersonId(0);
const HOLDER: PersonId = PersonId(1);

/// Between fields, groups and segments.
pub(crate) const SEPARATORS: [u8; 3] = [FIELD, 0x1D, 0x1E];
const FIELD: u8 = 0x1C;

/// Versions of the standard, as headers have them.
const VERSIONS: [&[u8]; 4] = [b"D0", b"51", b"F2", b"F6"];

/// The first segment begins before.
const HEADER_BYTES_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::walk::named::reference::{Keep, rows_are_carried_out, shared};
    use crate::inspect::walk::ncpdp::tests::rows;

    fn walked(doc: &[u8]) -> Keep {
        let table = Table::new(&rows()).unwrap();
        assert!(recognise(doc));
        let mut keep = Keep::default();
        walk(doc, &table, &mut keep);
        for leaf in &keep.leaves {
            let raw: String = doc.get(leaf.span.clone()).unwrap().iter().map(|b| char::from(*b)).collect();
            assert_eq!(raw.trim_end(), leaf.value);
        }
        keep
    }

    #[test]
    fn a_claim_tells_of_its_patient() {
        let kept = walked(
            b"999999D0B1PCN000000010112345678900     20260629SW00000000\x1e\x1cAM01\x1cCX01\x1cCY412550187\x1cC419850722\x1cC51\x1cCAJO\xcbL\
            \x1cCBPITT\x1cCM1 WEIR RD\x1cCNLODI\x1cCOWI\x1cCP53555\x1cCQ6083017742\x1cHNj@pitt.net\x1cZZodd\x1e\x1cAM04\x1cC2XQ1\x1cCCANN\x1cCDPITT\
            \x1c9Z\x1d\x1e\x1cAM07\x1cEM1\x1cD2RX9\x1cD700093505601\x1cE730000\x1e\x1cAM03\x1cEZ01\x1cDB1888888888\x1cDRONO\x1e\x1cAM13\x1cDOE119",
        );
        for (value, row) in [
            ("412550187", "d0-id-ssn"),
            ("19850722", "d0-birth-date"),
            ("JO\u{cb}L", "d0-first"),
            ("PITT", "d0-last"),
            ("1 WEIR RD", "d0-street"),
            ("53555", "d0-zip"),
            ("6083017742", "d0-phone"),
            ("j@pitt.net", "d0-email"),
            ("odd", ""),
            ("XQ1", "d0-member"),
            ("RX9", "d0-order"),
            ("00093505601", "d0-code"),
        ] {
            assert_eq!(kept.row(value), (row, PATIENT), "{value}");
        }
        assert_eq!(kept.row("ANN"), ("d0-holder-first", HOLDER));
        assert_eq!(kept.roles, [Role::Patient, Role::RelativeOf(PATIENT)]);
        assert_eq!(kept.of("ONO").person, PersonId::NOBODY);
        assert_eq!(kept.row("1888888888").0, "d0-provider-id");
        assert_eq!(kept.clinical, [PATIENT, PATIENT]);
        assert_eq!((kept.of("odd").place.as_str(), kept.of("odd").reads.as_str()), ("AM01.*", "Text"));
        assert_eq!(kept.unknown, ["ZZ"]);
    }

    #[test]
    fn other_bytes_are_not_taken_and_cut_ones_do_not_matter() {
        for doc in [&b""[..], b"D0", b"999999D0B1 AM01", b"xx AM01\x1cC4", b"\x1c\x1e"] {
            assert!(!recognise(doc));
        }
        let whole = b"D0B11A011234567890     20260629\x1d\x1e\x1cAM21\x1cANP\x1eA\x1c\x1c";
        let table = Table::new(&rows()).unwrap();
        for end in 0..whole.len() {
            walk(whole.get(..end).unwrap(), &table, &mut Keep::default());
        }
    }

    #[test]
    fn every_row_of_the_field_map_is_carried_out() {
        let Some(shared) = shared("the field map") else { return };
        rows_are_carried_out(&shared, "ncpdp-script", &rows().field, |path| path.starts_with("D.0"));
    }
}
