//! Documents inside strings: JSON in a JSON string, an HL7v2 message in a field, base64 in the middle of a note.

use super::decode;
use super::format::Format;
use super::simd::{BLOCK, Sets};
use super::walk::xml::{self, XML_DEPTH_MAX};
use std::ops::Range;
use std::sync::LazyLock;

/// How a document is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is: its bytes stand in the string.
    Plain,
    /// Base64.
    Base64,
    /// Hex digits.
    Hex,
}

/// What a whole string is, beside free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// A document of a format that has a structure.
    Document,
    /// A piece of markup.
    Markup,
}

/// What a string is, where it isn't free text. What begins like a document and turns out to be none is told by its walker.
#[must_use]
pub fn whole(text: &str) -> Option<Whole> {
    let trimmed = text.trim_ascii();
    if trimmed.len() < DOCUMENT_BYTES_MIN || !may_be_document(trimmed.as_bytes()) {
        return None;
    }
    let closes = |open: char, close: char| trimmed.starts_with(open) && trimmed.ends_with(close);
    match Format::sniff(trimmed.as_bytes()) {
        Format::Hl7v2 | Format::X12 | Format::Ndjson | Format::Csv | Format::Multipart => {
            Some(Whole::Document)
        }
        Format::Json if (closes('{', '}') || closes('[', ']')) && trimmed.contains('"') => {
            Some(Whole::Document)
        }
        Format::Xml | Format::Html if trimmed.contains('>') => {
            let first_tag = trimmed.split('>').next().unwrap_or_default();
            let is_xml = first_tag.starts_with("<?xml") || first_tag.contains("xmlns");
            Some(if is_xml || is_data(trimmed, first_tag) { Whole::Document } else { Whole::Markup })
        }
        _ => None,
    }
}

/// Whether a string begins as some document does: with a bracket, a dash, a mark or blank of control, or the first letter of
/// an HL7v2 or X12 header. All else is a document in lines or none.
pub(super) fn may_be_document(trimmed: &[u8]) -> bool {
    match trimmed.first() {
        Some(b'{' | b'[' | b'<' | b'-' | 0..b' ' | 0xEF) => true,
        Some(b'M' | b'm' | b'F' | b'f' | b'B' | b'b' | b'I') => true,
        Some(_) => memchr::memchr2(b'\n', b'\r', trimmed).is_some(),
        None => false,
    }
}

/// Whether a string is XML whose elements say what their texts are: well formed, and its root no element of HTML.
fn is_data(text: &str, first_tag: &str) -> bool {
    let name = first_tag.trim_start_matches('<');
    let name = name.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    !HTML_ELEMENTS.iter().any(|element| element.eq_ignore_ascii_case(name))
        && xml::Tape::read(text.as_bytes(), XML_DEPTH_MAX).is_ok()
}

/// Objects of JSON that stand in a text: the body of a request in a line of a log. Such as are whole, and begin with a key.
#[must_use]
pub fn json_runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut out, mut at, mut tries) = (Vec::new(), 0, 0);
    while let Some(start) = memchr::memchr(b'{', bytes.get(at..).unwrap_or_default()).map(|step| at + step) {
        at = start + 1;
        let key = bytes.get(at..).unwrap_or_default().trim_ascii_start().first() == Some(&b'"');
        if !key {
            continue;
        }
        tries += 1;
        if tries > JSON_TRIES_MAX {
            break;
        }
        if let Some(end) = object_end(bytes, start) {
            out.push(start..end);
            at = end;
        }
    }
    out
}

/// Where the object that begins at `start` is closed again.
fn object_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let run = bytes.get(start..bytes.len().min(start + JSON_RUN_BYTES_MAX))?;
    for (at, byte) in run.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' if !quoted => depth += 1,
            b'}' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(start + at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Runs of base64 in a text that hold text, a document or a file: the parts of a JWT (RFC 7519) among them.
#[must_use]
pub fn base64_runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    if bytes.len() < RUN_BYTES_MIN || !may_have_run(bytes) {
        return out;
    }
    let mut at = 0;
    while at < bytes.len() {
        // No run of the shortest length lies over a byte that none has: most texts are passed over in such steps.
        let ahead = bytes.get(at..at + RUN_LETTERS_MIN).unwrap_or_default();
        if let Some(last) = ahead.iter().rposition(|b| !is_letter(*b)) {
            at += last + 1;
            continue;
        }
        let run = run_at(bytes, at);
        if run.is_empty() {
            at += 1;
            continue;
        }
        at = run.end;
        if run.len() >= RUN_BYTES_MIN && text.get(run.clone()).is_some_and(holds_something) {
            out.push(run);
        }
    }
    out
}

/// Whether letters of base64 stand in a row somewhere, so many as the shortest run has. Few texts have such words.
fn may_have_run(bytes: &[u8]) -> bool {
    // Letters at the end of the block before.
    let mut open = 0;
    (0..bytes.len()).step_by(BLOCK).any(|from| {
        let [letters] = LETTERS.of(bytes, from);
        let joined = open + letters.trailing_ones() as usize;
        open = if letters == u64::MAX { joined } else { letters.leading_ones() as usize };
        // Where a row of 2 begins, of 4, 8, 16, and of as many as are wanted.
        let row = [1, 2, 4, 8, RUN_LETTERS_MIN - 16].iter().fold(letters, |row, by| row & (row >> by));
        joined >= RUN_LETTERS_MIN || row != 0
    })
}

/// The run that begins here. Base64 of mail is broken into lines (RFC 2045, section 6.8): a long line goes on in the next.
fn run_at(bytes: &[u8], start: usize) -> Range<usize> {
    let mut end = start;
    loop {
        let line = bytes.get(end..).unwrap_or_default().iter().take_while(|b| is_letter(**b)).count();
        end += line;
        let rest = bytes.get(end..).unwrap_or_default();
        let blank = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
        if line < LINE_BYTES_MIN || blank == 0 || !rest.get(blank).is_some_and(|b| is_letter(*b)) {
            break;
        }
        end += blank;
    }
    if end > start {
        end += bytes.get(end..).unwrap_or_default().iter().take(2).take_while(|b| **b == b'=').count();
    }
    start..end
}

const fn is_letter(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_')
}

/// Whether it decodes to what somebody wrote: random numbers, digests and long words don't.
fn holds_something(run: &str) -> bool {
    let has = |what: fn(&u8) -> bool| run.as_bytes().iter().any(what);
    if !(has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)) {
        return false;
    }
    if !may_begin(run.as_bytes()) {
        return false;
    }
    let Some(bytes) = decode::base64(run) else { return false };
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
        || std::str::from_utf8(&bytes).is_ok_and(|text| {
            let odd =
                text.chars().filter(|c| c.is_control() && !c.is_ascii_whitespace() && *c != '\u{1c}').count();
            odd == 0 && text.bytes().any(|b| b.is_ascii_whitespace() || b.is_ascii_punctuation())
        })
}

/// Whether the first letters can be those of something: names of files and words of a URL mostly can't.
fn may_begin(run: &[u8]) -> bool {
    let mut bytes = [0; HEAD_BYTES];
    for (four, three) in run.chunks_exact(4).zip(bytes.chunks_exact_mut(3)) {
        let mut word = 0;
        for letter in four {
            let value = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' | b'-' => 62,
                _ => 63,
            };
            word = word << 6 | u32::from(value);
        }
        three.copy_from_slice(&word.to_be_bytes()[1..]);
    }
    let is_odd = |c: char| c.is_control() && !c.is_ascii_whitespace() && c != '\u{1c}';
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        // A character that goes on behind the last byte is no error.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..e.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return MAGIC.iter().any(|magic| bytes.starts_with(magic)),
    };
    !text.contains(is_odd) || MAGIC.iter().any(|magic| bytes.starts_with(magic))
}

/// gzip, zstd, PDF, ZIP, PNG, JPEG, GIF, TIFF of both orders.
const MAGIC: &[&[u8]] = &[
    &[0x1F, 0x8B, 8],
    &[0x28, 0xB5, 0x2F, 0xFD],
    b"%PDF-",
    b"PK\x03\x04",
    b"\x89PNG\r\n",
    &[0xFF, 0xD8, 0xFF],
    b"GIF8",
    b"II*\0",
    b"MM\0*",
];
/// A shorter string is no document that tells of anybody.
const DOCUMENT_BYTES_MIN: usize = 16;
/// A shorter run is a word.
const RUN_BYTES_MIN: usize = 24;
/// What the first 16 letters of a run decode to.
const HEAD_BYTES: usize = 12;
/// Of these the last two may be `=`.
const RUN_LETTERS_MIN: usize = RUN_BYTES_MIN - 2;
/// Letters of base64.
static LETTERS: LazyLock<Sets<1>> = LazyLock::new(|| Sets::new([is_letter]));
/// Lines of broken base64 have 64 or 76 letters.
const LINE_BYTES_MIN: usize = 60;

/// Elements of HTML that a piece of markup may begin with.
const HTML_ELEMENTS: &[&str] = &[
    "a",
    "article",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "center",
    "code",
    "div",
    "dl",
    "em",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "i",
    "img",
    "input",
    "label",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "script",
    "section",
    "small",
    "span",
    "strong",
    "style",
    "sub",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "!doctype",
];
/// How many places of a text are tried for JSON.
const JSON_TRIES_MAX: usize = 64;
/// The longest object that is looked for in a text.
const JSON_RUN_BYTES_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    #[test]
    fn a_string_that_is_a_document_is_told_from_text_and_from_markup() {
        assert_eq!(whole(r#" {"resourceType":"Patient"} "#), Some(Whole::Document));
        assert_eq!(whole("MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|P|2.5\rPID|1"), Some(Whole::Document));
        assert_eq!(whole("<?xml version=\"1.0\"?><a/>"), Some(Whole::Document));
        assert_eq!(whole("<Patient xmlns=\"http://hl7.org/fhir\"/>"), Some(Whole::Document));
        assert_eq!(whole("<p>Seen today <b>again</b></p>"), Some(Whole::Markup));
        for text in
            ["{not json, but a brace}", "[see above]", "a < b and c > d", "{}", "<5 mg/dL, repeat in a week"]
        {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn runs_that_hold_text_are_found_and_digests_are_not() {
        let note =
            STANDARD.encode("Patient Harold Brown, DOB 06/22/1962, seen for chest pain and more of the same");
        let wrapped: Vec<String> =
            note.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).expect("ASCII")).collect();
        let text = format!("see: {note}, or\n{}\nend", wrapped.join("\r\n"));
        let runs = base64_runs(&text);
        assert_eq!(runs.len(), 2, "{runs:?}");
        assert_eq!(&text[runs[0].clone()], note);
        assert_eq!(decode::base64(&text[runs[1].clone()]), decode::base64(&note));
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"x","name":"Harold Brown","birthdate":"1962-06-22"}"#);
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
        let signature = URL_SAFE_NO_PAD
            .encode((0..64_u8).map(|n| n.wrapping_mul(37).wrapping_add(131)).collect::<Vec<u8>>());
        assert_eq!(base64_runs(&format!("Bearer {header}.{claims}.{signature}")).len(), 2);
        let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        for text in [
            hex,
            "https://example.org/fhir/StructureDefinition/us-core-patient-profile",
            "Pneumonoultramicroscopicsilicovolcanoconiosis",
            &signature,
        ] {
            assert!(base64_runs(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_picture_in_a_text_is_found_so_that_it_can_be_told() {
        let picture = STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01");
        assert_eq!(base64_runs(&format!("data:image/png;base64,{picture}")).len(), 1);
    }
}
