//! OBX-5 of type ED: an encapsulated document (HL7 v2.5.1 §2.A.24).

use super::super::Reads;
use super::encoding::pieces;
use super::message::Walk;
use super::place::Place;
use super::segment::Repetition;
use super::table::Seen;

impl Walk<'_, '_> {
    /// ED: source, type, subtype, encoding, data.
    pub(super) fn tell_attachment(&mut self, whole: &Repetition<'_>, place: Place) {
        let part = |n| self.component(&whole.span, n);
        let media = media_type(part(2), part(3));
        let encoding = part(4);
        let base64 = encoding.eq_ignore_ascii_case("Base64")
            || (encoding.is_empty() && looks_like_base64(part(5).as_bytes()));
        let data = match encoding {
            _ if base64 => Reads::Base64(media),
            _ if encoding.eq_ignore_ascii_case("Hex") => Reads::Hex(media),
            _ => Reads::Text,
        };
        let seen = Seen { types: ["ED", "", ""], ..self.seen(whole, 5) };
        let row = self.table.row(whole.plan, &seen).map(|(row, _)| row);
        let several = self.several(&whole.span);
        for (number, component) in
            (1..).zip(pieces(self.doc, whole.span.clone(), Some(self.separators.component)))
        {
            let place = Place { component: if several { number } else { 0 }, ..place };
            if number < 5 && several {
                self.tell_leaves(component, None, whole.datatype.reads(number), whole, place);
            } else {
                // Data stays whole, so that what says it is encoded is decoded from end to end.
                let reads = if several { data } else { Reads::Text };
                self.tell_leaf(component, row, reads, whole, place);
            }
        }
    }
}

/// The media type that ED.2 and ED.3 name (tables 0191 and 0291); empty when they name none that is known.
fn media_type<'a>(kind: &'a str, subtype: &str) -> &'a str {
    if kind.contains('/') {
        return kind;
    }
    let known = MEDIA_TYPES.iter().find(|(word, _)| subtype.eq_ignore_ascii_case(word));
    match known {
        Some((_, media)) => media,
        None if kind.eq_ignore_ascii_case("TEXT") || kind.eq_ignore_ascii_case("FT") => "text/plain",
        None => "",
    }
}

fn looks_like_base64(data: &[u8]) -> bool {
    data.len() >= BASE64_BYTES_MIN
        && data.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='))
}

const MEDIA_TYPES: &[(&str, &str)] = &[
    ("PDF", "application/pdf"),
    ("RTF", "application/rtf"),
    ("HTML", "text/html"),
    ("XML", "text/xml"),
    ("x-hl7-cda-level-one", "text/xml"),
    ("JPEG", "image/jpeg"),
    ("JPG", "image/jpeg"),
    ("PNG", "image/png"),
    ("GIF", "image/gif"),
    ("TIFF", "image/tiff"),
    ("DICOM", "application/dicom"),
    ("BASIC", "audio/basic"),
    ("PLAIN", "text/plain"),
];
/// Data without a declared encoding is taken for Base64 from this length on.
const BASE64_BYTES_MIN: usize = 24;
