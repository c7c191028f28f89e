//! Strings of objects: titles, notes, fields of forms, links, scripts. All but what is no text by its key.

use super::object::{Dict, Object};
use super::tables::PDF_DOC;
use crate::inspect::{embedded, xhtml};

/// The text of a string: UTF-16 or UTF-8 with a mark, else PDFDocEncoding (ISO 32000-1, section 7.9.2). `None` where it has
/// nothing written in it; of bytes that are no text, what is written among them.
pub(super) fn text_of(bytes: &[u8]) -> Option<String> {
    let wide = |rest: &[u8], read: fn([u8; 2]) -> u16| {
        let units = rest.as_chunks::<2>().0.iter().map(|pair| read(*pair));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect::<String>()
    };
    let text = match bytes {
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => {
            let odd = bytes.iter().filter(|b| !matches!(b, b' '..=b'~' | b'\t' | b'\n' | b'\r')).count();
            if odd * 3 > bytes.len() {
                match std::str::from_utf8(bytes) {
                    Ok(text) if !text.contains(|c: char| c.is_control() && !c.is_whitespace()) => {
                        text.to_owned()
                    }
                    _ => return embedded::strings(bytes),
                }
            } else if let Some(text) = std::str::from_utf8(bytes).ok().filter(|_| odd > 0) {
                text.to_owned()
            } else {
                bytes.iter().map(|b| doc_char(*b)).collect()
            }
        }
    };
    let text = text.replace('\r', "\n");
    let is_page = text.trim_start().starts_with('<') && text.contains('>');
    let text = if is_page { xhtml::plain(&text).text.to_string() } else { text };
    text.contains(|c: char| c.is_alphanumeric()).then_some(text)
}

fn doc_char(byte: u8) -> char {
    let own = usize::from(byte).checked_sub(128).and_then(|at| PDF_DOC.get(at));
    own.and_then(|c| char::from_u32(u32::from(*c))).unwrap_or(char::from(byte))
}

/// All strings in an object, a line each; those of a field behind its name.
pub(super) fn all_of(object: &Object) -> String {
    let mut out = String::new();
    let mut waiting = vec![object];
    while let Some(object) = waiting.pop() {
        match object {
            Object::Text(text) => out.extend(text_of(text).iter().flat_map(|text| [text.as_str(), "\n"])),
            // Names have no blanks, unless somebody wrote one.
            Object::Name(name) if name.contains(&b' ') => {
                out.extend(text_of(name).iter().flat_map(|text| [text.as_str(), "\n"]));
            }
            Object::List(list) => waiting.extend(list.iter().rev()),
            Object::Dict(dict) => {
                entries(dict, &mut out);
                let nested = dict.entries().filter(|(key, object)| {
                    matches!(object, Object::List(_) | Object::Dict(_)) && !NO_LISTS.contains(key)
                });
                waiting.extend(nested.map(|(_, object)| object));
            }
            _ => {}
        }
    }
    out
}

/// Strings of a dictionary, by their keys.
fn entries(dict: &Dict, out: &mut String) {
    let text = |key: &str| match dict.get(key) {
        Some(Object::Text(text)) => text_of(text),
        Some(Object::Name(name)) => text_of(name).filter(|text| text != "Off"),
        _ => None,
    };
    let label = dict.get("T").and_then(Object::text).and_then(text_of);
    let is_signed = dict.get("ByteRange").is_some();
    let is_field = label.is_some() && ["V", "DV"].iter().any(|key| dict.get(key).is_some());
    if let Some(label) = &label
        && is_field
    {
        // `Birth_Date[0]` of a form is the label of its value.
        let label = dict.get("TU").and_then(Object::text).and_then(text_of).unwrap_or_else(|| label.clone());
        let label: String = label.chars().map(|c| if matches!(c, '_' | '.') { ' ' } else { c }).collect();
        let label = label.split('[').next().unwrap_or_default();
        let mut values: Vec<String> = ["V", "DV"].iter().filter_map(|key| text(key)).collect();
        values.dedup();
        for value in values {
            out.extend([label.trim(), ": ", value.trim(), "\n"]);
        }
    }
    for (key, object) in dict.entries() {
        let is_known = is_field && matches!(key, b"V" | b"DV");
        let is_bytes = BYTES.contains(&key) || is_signed && key == b"Contents";
        let text = match object {
            Object::Text(text) if !is_known && !is_bytes => text_of(text),
            Object::Name(name) if name.contains(&b' ') && !is_bytes => text_of(name),
            Object::Name(name) if matches!(key, b"V" | b"DV") && !is_known => text_of(name),
            _ => None,
        };
        let Some(text) = text.filter(|text| !is_date(text)) else { continue };
        match std::str::from_utf8(key) {
            Ok(key) if LABELS.contains(&key) => out.extend([key, ": ", text.trim(), "\n"]),
            _ => out.extend([text.trim(), "\n"]),
        }
    }
}

/// A time as files tell when they were made: `D:20250102030405+01'00'`.
fn is_date(text: &str) -> bool {
    let rest = text.strip_prefix("D:").unwrap_or_default();
    !rest.is_empty() && rest.len() <= 24 && rest.bytes().all(|b| b.is_ascii_digit() || b"+-Z'".contains(&b))
}

/// The text of XML, and of its attributes, each behind the name of what holds it. Not by a walker: a form's XML comes in pieces
/// (`XFA`), of which none is well-formed by itself.
pub(super) fn of_xml(bytes: &[u8]) -> String {
    let wide = crate::inspect::decode::wide(bytes).and_then(Result::ok);
    let text = wide.unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
    let mut out = String::new();
    let mut label = "";
    for (number, piece) in text.split('<').enumerate() {
        let (tag, rest) =
            if number == 0 { ("", piece) } else { piece.split_once('>').unwrap_or((piece, "")) };
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let local = name.rsplit(':').next().unwrap_or_default();
        if !name.is_empty() && !name.starts_with("rdf:") && !name.starts_with(['?', '!']) {
            label = local;
        }
        let mut quoted = tag.split(['"', '\'']);
        while let (Some(key), Some(value)) = (quoted.next(), quoted.next()) {
            let key = key.trim().trim_end_matches('=').trim_end();
            let key = key.rsplit(char::is_whitespace).next().unwrap_or_default();
            if !key.starts_with("xmlns") && !key.starts_with("rdf:") && !tag.starts_with('?') {
                out.extend([key.rsplit(':').next().unwrap_or_default(), ": ", value.trim(), "\n"]);
            }
        }
        if tag.starts_with("!--") {
            out.extend([tag.trim_matches(['!', '-', ' ']), "\n"]);
        }
        if !rest.trim().is_empty() {
            out.extend([label, ": ", rest.trim(), "\n"]);
        }
    }
    out
}

/// Keys whose strings are bytes: digests, keys, parts of fonts, appearance strings.
const BYTES: &[&[u8]] = &[
    b"Panose",
    b"CheckSum",
    b"Cert",
    b"DA",
    b"FontFamily",
    b"Ordering",
    b"Registry",
    b"CharSet",
    b"BaseFont",
    b"FontName",
];
/// Keys whose lists have no text of people's: colours, and identifiers of files.
const NO_LISTS: &[&[u8]] = &[b"ID", b"ColorSpace", b"CS"];
/// Keys that say what their strings are.
const LABELS: &[&str] = &["Title", "Author", "Subject", "Keywords"];
