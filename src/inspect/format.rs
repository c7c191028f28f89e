//! Formats: what a body is, by its declared type and by its first bytes. The declared type is a hint.
//!
//! PDF is read by a reader of our own (`pdf`), since no other keeps to a bound of a message's bytes and time, and none can be
//! stopped half-way in the process that serves everyone:
//!
//! - `lopdf` (0.47) limits how deep objects nest and what one stream inflates to, but not their sum: a file of 26 KB whose
//!   pages share their fonts takes it 13 s with a limit of 2 MiB a stream (each font's map is inflated anew for each page),
//!   and sixty object streams within the same limit take 3 GB. It reads neither forms nor annotations nor form fields, so
//!   a file would stay unread in part besides. Before 0.42 nesting overflowed the stack (RUSTSEC-2026-0187).
//! - `pdf-extract` (0.12) panics on small files, and a page that is its own parent overflows the stack, which nothing catches.
//! - `pdf_oxide` renders, recognises characters and signs as well: what it pulls in is more than all of this gateway.

use super::embedded::is_html_element;
use super::walk::ncpdp::telecom;
use super::walk::{csv, hl7v2, x12};
use super::{decode, lines, parts};

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Nothing in it.
    #[default]
    Empty,
    /// FHIR R4 as JSON.
    FhirJson,
    /// JSON of the Redox data models.
    Redox,
    /// FHIR R4 as XML.
    FhirXml,
    /// JSON of no known kind.
    Json,
    /// HL7 v2, pipes.
    Hl7v2,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Plain text.
    Text,
    /// NCPDP SCRIPT in XML.
    Ncpdp,
    /// NCPDP Telecommunication.
    Telecom,
    /// XDS.b, XCA, XCPD, PIX/PDQ V3: SOAP.
    Xds,
    /// A page for people: read as text.
    Html,
    /// CDA R2 and C-CDA, whole documents and sections.
    Ccda,
    /// XML of no known kind.
    Xml,
    /// X12 interchanges.
    X12,
    /// Lines of JSON.
    Ndjson,
    /// Comma-separated values, or by another delimiter; columns of fixed width.
    Csv,
    /// Multipart.
    Multipart,
    /// GraphQL: a request, as text or in JSON.
    Graphql,
    /// PDF.
    Pdf,
    /// Images, archives, unknown bytes.
    Binary,
}

impl Format {
    /// The word, as in records and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::FhirJson => "fhir-json",
            Self::Redox => "redox-json",
            Self::FhirXml => "fhir-xml",
            Self::Json => "json",
            Self::Hl7v2 => "hl7v2",
            Self::Form => "form",
            Self::Text => "text",
            Self::Ccda => "ccda",
            Self::Ncpdp => "ncpdp-script",
            Self::Telecom => "ncpdp-telecom",
            Self::Xds => "xds-xcpd",
            Self::Html => "html",
            Self::Xml => "xml",
            Self::X12 => "x12",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Multipart => "multipart",
            Self::Graphql => "graphql",
            Self::Pdf => "pdf",
            Self::Binary => "binary",
        }
    }

    /// What a body is, by its type as declared (empty: none) and its bytes.
    #[must_use]
    pub fn of(declared: &str, body: &[u8]) -> Self {
        let declared = Declared::of(declared);
        let sniffed = Self::sniff(body);
        match (declared, sniffed) {
            (_, Self::Empty) => Self::Empty,
            (Declared::Encrypted, _) => Self::Binary,
            (_, Self::Text | Self::Csv) if is_encrypted(body) => Self::Binary,
            // Bytes that show what they are win over a type that says something else.
            (_, Self::Hl7v2 | Self::X12 | Self::Telecom) => sniffed,
            (Declared::Multipart, _) => Self::Multipart,
            (Declared::Ndjson, _) => Self::Ndjson,
            // `{ … }` begins as JSON does, whose first key is in quotes.
            (Declared::Graphql, Self::Json) if has_quoted_key(body) => Self::Json,
            (Declared::Graphql, Self::Text | Self::Json | Self::Csv | Self::Ndjson) => Self::Graphql,
            (Declared::Json, Self::Json | Self::Binary | Self::Text | Self::Csv) => Self::Json,
            (Declared::Json, other) => other,
            (Declared::Csv, Self::Text) => Self::Csv,
            (Declared::Form, Self::Text | Self::Csv) => Self::Form,
            // Data that is sent as a page is read as data: a page's elements don't say what their texts are.
            (Declared::Html, Self::Xml) if !begins_page(body) => Self::Xml,
            (Declared::Html, Self::Text | Self::Xml | Self::Csv) => Self::Html,
            (Declared::Xml, Self::Text | Self::Xml | Self::Csv) => Self::Xml,
            (Declared::Hl7v2, Self::Text | Self::Csv) => Self::Hl7v2,
            (Declared::X12, Self::Text | Self::Binary | Self::Csv) => Self::X12,
            (Declared::None | Declared::Text | Declared::Opaque, Self::Text) if is_form(body) => Self::Form,
            (Declared::Opaque, Self::Text) => Self::Text,
            // A piece of a page, without the page around it.
            (Declared::None | Declared::Text, Self::Xml) if is_piece_of_page(body) => Self::Html,
            _ => sniffed,
        }
    }

    /// What a body is, by its bytes alone.
    #[must_use]
    pub fn sniff(body: &[u8]) -> Self {
        let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
        let Some(first) = body.iter().position(|b| !b.is_ascii_whitespace() && *b != 0x0B) else {
            return Self::Empty;
        };
        let rest = body.get(first..).unwrap_or_default();
        // Columns of fixed width are counted from the beginning of the line.
        let indent = body.get(..first).unwrap_or_default().iter().rev().take_while(|b| **b == b' ').count();
        let indented = body.get(first - indent..).unwrap_or_default();
        if hl7v2::recognise(rest) {
            return Self::Hl7v2;
        }
        if x12::recognise(rest) {
            return Self::X12;
        }
        if telecom::recognise(rest) {
            return Self::Telecom;
        }
        match rest.first() {
            Some(b'{' | b'[') if lines::recognise(rest) => Self::Ndjson,
            Some(b'{') => Self::Json,
            Some(b'[')
                if rest
                    .iter()
                    .skip(1)
                    .find(|b| !b.is_ascii_whitespace())
                    .is_some_and(|b| b"[{\"]tfn-0123456789".contains(b)) =>
            {
                Self::Json
            }
            Some(b'<') if is_html(rest) => Self::Html,
            Some(b'<')
                if rest.get(1).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'?' | b'!')) =>
            {
                Self::Xml
            }
            Some(b'-') if parts::recognise(rest) => Self::Multipart,
            _ if is_pdf(rest) => Self::Pdf,
            _ if is_binary(rest) => Self::Binary,
            _ if csv::recognise(indented) => Self::Csv,
            _ => Self::Text,
        }
    }
}

/// Whether a body is a message of PGP or CMS in letters, or a JWE in its compact form (RFC 7516, section 3.1).
fn is_encrypted(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    if ARMOURS.iter().any(|armour| body.starts_with(armour.as_bytes())) {
        return true;
    }
    let is_letter = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !body.starts_with(b"eyJ") || !body.iter().all(is_letter) {
        return false;
    }
    let mut parts = body.split(|b| *b == b'.');
    let head = parts.next().and_then(|head| decode::base64(std::str::from_utf8(head).unwrap_or_default()));
    parts.count() == 4 && head.is_some_and(|head| memchr::memmem::find(&head, b"\"enc\"").is_some())
}

/// How what is encrypted begins when it is written as text.
const ARMOURS: &[&str] = &["-----BEGIN PGP MESSAGE-----", "-----BEGIN PKCS7-----", "-----BEGIN CMS-----"];

/// Whether what follows the first brace is a quote: in GraphQL none stands there.
fn has_quoted_key(body: &[u8]) -> bool {
    let mut marks = body.iter().filter(|b| !b.is_ascii_whitespace()).skip_while(|b| **b != b'{').skip(1);
    marks.next().is_some_and(|b| matches!(b, b'"' | b'}'))
}

/// Whether it begins as a page does: XML has no such words.
fn is_html(bytes: &[u8]) -> bool {
    ["<!doctype html", "<html"].iter().any(|begin| {
        let word = bytes.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin.as_bytes()));
        word && bytes.get(begin.len()).is_none_or(|b| !b.is_ascii_alphanumeric())
    })
}

/// Whether a body is a form that nobody called so: two parameters at least, each with a name, and no blanks (WHATWG URL,
/// section 5.1). A name that has the digits of somebody's number is none of a parameter.
fn is_form(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    let is_letter = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'{' | b'}');
    if memchr::memchr(b'&', body).is_none() || !body.iter().all(is_letter) {
        return false;
    }
    let is_name =
        |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'$');
    body.split(|b| *b == b'&').all(|pair| {
        let name = pair.iter().take_while(|b| is_name(b)).count();
        let digits = pair.iter().take(name).filter(|b| b.is_ascii_digit()).count();
        (1..=PARAMETER_BYTES_MAX).contains(&name)
            && digits <= PARAMETER_DIGITS_MAX
            && pair.get(name) == Some(&b'=')
    })
}

/// Whether a body without head begins with an element that pages lay out texts by, and has none that pages don't have:
/// XML of some kind has sections, forms and tables of its own, and what stands around it hides none of its elements.
fn is_piece_of_page(body: &[u8]) -> bool {
    let head = body.get(..body.len().min(HEAD_BYTES)).unwrap_or_default();
    let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
    let name = head.trim_ascii_start().get(1..).unwrap_or_default();
    let length = name.iter().take_while(|b| b.is_ascii_alphanumeric()).count();
    let name = name.get(..length).unwrap_or_default();
    let lays_out = PIECES.iter().any(|piece| piece.as_bytes().eq_ignore_ascii_case(name));
    let cells = || ["<td", "<th", "<TD", "<TH"].iter().any(|cell| has(cell.as_bytes()));
    (lays_out || name.eq_ignore_ascii_case(b"table") && cells()) && !has(b"xmlns") && is_all_html(body)
}

/// Whether every element of a body is one of HTML, in one pass. A bracket that begins no tag is one of a text.
fn is_all_html(body: &[u8]) -> bool {
    let mut at = 0;
    while let Some(found) = body.get(at..).and_then(|rest| memchr::memchr(b'<', rest)) {
        let tag = body.get(at + found + 1..).unwrap_or_default();
        at += found + 1;
        let name = tag.strip_prefix(b"/").unwrap_or(tag);
        match name.first() {
            Some(b'!') if tag.starts_with(b"!--") => {
                let Some(end) = memchr::memmem::find(tag, b"-->") else { return true };
                at += end;
            }
            // Declarations of XML, and sections of raw text.
            Some(b'!' | b'?') => return false,
            Some(first) if first.is_ascii_alphabetic() => {
                let ends = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'>' | b'/');
                let length = name.iter().take(NAME_BYTES_MAX + 1).take_while(|b| !ends(b)).count();
                let name = name.get(..length).unwrap_or_default();
                // Word ends its paragraphs with an element of its own, and templates have some.
                let is_a_templates = TEMPLATES.iter().any(|front| name.starts_with(front));
                if !is_a_templates && !std::str::from_utf8(name).is_ok_and(is_html_element) {
                    return false;
                }
            }
            _ => {}
        }
    }
    true
}

/// What elements of programs that write pages begin with: Word, JSTL, Angular, Ionic.
const TEMPLATES: &[&[u8]] = &[b"o:p", b"O:P", b"c:", b"fmt:", b"app-", b"ng-", b"mat-", b"ion-"];

/// Whether the first element is one of HTML.
fn begins_page(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(..bytes.len().min(HEAD_BYTES)).unwrap_or_default();
    loop {
        let Some(at) = memchr::memchr(b'<', rest) else { return true };
        rest = rest.get(at + 1..).unwrap_or_default();
        match rest.first() {
            Some(b'!' | b'?') => {
                let end: &[u8] = if rest.starts_with(b"!--") { b"-->" } else { b">" };
                let Some(end) = memchr::memmem::find(rest, end) else { return true };
                rest = rest.get(end..).unwrap_or_default();
            }
            _ => {
                let name = rest.iter().take_while(|b| !b.is_ascii_whitespace() && !matches!(b, b'>' | b'/'));
                let name: Vec<u8> = name.take(NAME_BYTES_MAX).copied().collect();
                return std::str::from_utf8(&name).is_ok_and(is_html_element);
            }
        }
    }
}

/// Where the first element of a document is looked for.
const HEAD_BYTES: usize = 4096;
/// Elements of pages that no XML of data begins with.
const PIECES: &[&str] = &[
    "address",
    "article",
    "button",
    "dl",
    "fieldset",
    "footer",
    "form",
    "input",
    "label",
    "main",
    "nav",
    "select",
    "textarea",
    "ul",
    "ol",
    "p",
    "div",
    "span",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "pre",
    "center",
    "font",
    "blockquote",
    "strong",
    "em",
    "br",
    "hr",
];
/// No parameter has a longer name.
const PARAMETER_BYTES_MAX: usize = 64;
/// Nor one with more digits: `items[120][line2]`.
const PARAMETER_DIGITS_MAX: usize = 5;
/// No element of HTML has a longer name.
const NAME_BYTES_MAX: usize = 16;

/// Bytes that no text has: NUL, or many control characters among the first; and such as are letters of another character set
/// than walkers read, as in EBCDIC.
fn is_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    let control = head
        .iter()
        .filter(|b| **b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0B | 0x0C | 0x1C | 0x1B))
        .count();
    let high = head.iter().filter(|b| !b.is_ascii()).count();
    memchr::memchr(0, bytes).is_some()
        || control * 50 > head.len()
        || high * 3 > head.len() && std::str::from_utf8(head).is_err_and(|e| e.error_len().is_some())
}

/// Whether a PDF begins here, or further on at a line's begin as readers take it (ISO 32000-1, annex H, note 13), with an object
/// behind.
fn is_pdf(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    // Most texts have no such mark at all.
    if memchr::memchr(b'%', head).is_none() {
        return false;
    }
    let has = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        at == 0
            || matches!(head.get(at - 1), Some(b'\n' | b'\r'))
                && memchr::memmem::find(rest, b" obj").is_some()
    };
    memchr::memmem::find(head, b"%PDF-").is_some_and(has)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    None,
    Json,
    Ndjson,
    Xml,
    Hl7v2,
    X12,
    Csv,
    Form,
    Text,
    Html,
    Multipart,
    Graphql,
    /// Letters that nobody reads without a key.
    Encrypted,
    Opaque,
}

impl Declared {
    fn of(media_type: &str) -> Self {
        let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "" => Self::None,
            "application/x-www-form-urlencoded" => Self::Form,
            "text/csv"
            | "application/csv"
            | "text/x-csv"
            | "application/x-csv"
            | "text/comma-separated-values"
            | "text/tab-separated-values" => Self::Csv,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/fhir+ndjson"
            | "application/jsonl"
            | "application/x-jsonl"
            | "application/jsonlines"
            | "application/x-jsonlines"
            | "application/json-seq"
            | "text/x-ndjson" => Self::Ndjson,
            "application/hl7-v2" | "x-application/hl7-v2+er7" | "application/hl7-v2+er7" | "text/hl7v2" => {
                Self::Hl7v2
            }
            "application/edi-x12" | "application/x12" => Self::X12,
            "application/jose"
            | "application/jose+json"
            | "application/pgp-encrypted"
            | "application/pkcs7-mime"
            | "application/x-pkcs7-mime"
            | "application/cms" => Self::Encrypted,
            "text/html" => Self::Html,
            "application/graphql" => Self::Graphql,
            e if e.starts_with("multipart/") => Self::Multipart,
            e if e.ends_with("/json") || e.ends_with("+json") => Self::Json,
            e if e.ends_with("/xml") || e.ends_with("+xml") => Self::Xml,
            e if e.starts_with("text/") => Self::Text,
            _ => Self::Opaque,
        }
    }
}

/// Whether a declared type says JSON: then a body that doesn't parse is reported.
#[must_use]
pub fn says_json(media_type: &str) -> bool {
    Declared::of(media_type) == Declared::Json
}

/// Whether a declared type says CSV: then a body whose quotes don't close is reported.
#[must_use]
pub fn says_csv(media_type: &str) -> bool {
    Declared::of(media_type) == Declared::Csv
}

/// Whether a declared type says XML: then a body that isn't well formed is reported as such.
#[must_use]
pub fn says_xml(media_type: &str) -> bool {
    Declared::of(media_type) == Declared::Xml
}

/// Whether a declared type says HTML: then what isn't well formed is a page all the same.
#[must_use]
pub fn says_html(media_type: &str) -> bool {
    Declared::of(media_type) == Declared::Html
}

/// Whether a declared type says text: then nobody reads the body as anything else, whatever it begins with.
#[must_use]
pub fn says_text(media_type: &str) -> bool {
    Declared::of(media_type) == Declared::Text
}

/// The type of a JSON Patch (RFC 6902).
pub const JSON_PATCH: &str = "application/json-patch+json";

/// Whether a declared type says FHIR, in JSON or XML.
#[must_use]
pub fn says_fhir(media_type: &str) -> bool {
    media_type.trim_start().to_ascii_lowercase().starts_with("application/fhir+")
}

/// Whether a media type is one that is told apart: what a connection passes unread has to be.
#[must_use]
pub fn is_known_media_type(media_type: &str) -> bool {
    KNOWN_TYPES.contains(&media_type)
}

/// Whether it is the second part of one of them: `pdf`.
#[must_use]
pub fn is_part_of_media_type(word: &str) -> bool {
    KNOWN_TYPES.iter().filter_map(|known| known.split_once('/')).any(|(_, part)| part == word)
}

/// The media type of the list that we write down, or `other`: what a sender writes is payload.
#[must_use]
pub fn known_media_type(media_type: &str) -> &'static str {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if essence.is_empty() {
        return "none";
    }
    KNOWN_TYPES.iter().find(|t| t.eq_ignore_ascii_case(essence)).copied().unwrap_or("other")
}

const KNOWN_TYPES: &[&str] = &[
    "application/fhir+json",
    "application/fhir+xml",
    "application/fhir+ndjson",
    "application/json",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/graphql",
    "application/graphql-response+json",
    "application/problem+json",
    "application/xml",
    "application/soap+xml",
    "application/hl7-v2",
    "x-application/hl7-v2+er7",
    "application/edi-x12",
    "application/x-www-form-urlencoded",
    "application/x-ndjson",
    "application/octet-stream",
    "application/pdf",
    "application/cbor",
    "application/gzip",
    "application/grpc",
    "application/grpc+json",
    "application/grpc+proto",
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/msgpack",
    "application/msword",
    "application/protobuf",
    "application/rtf",
    "application/vnd.apache.parquet",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/x-protobuf",
    "application/x-tar",
    "application/zip",
    "application/dicom",
    "application/dicom+json",
    "application/dicom+xml",
    "application/xml-patch+xml",
    "multipart/form-data",
    "multipart/related",
    "multipart/mixed",
    "message/http",
    "application/http",
    "text/tab-separated-values",
    "text/plain",
    "text/csv",
    "text/xml",
    "text/html",
    "text/event-stream",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/tiff",
    "image/webp",
    "video/mp4",
    "video/mpeg",
    "video/webm",
];

/// The media type that a file's name says; empty where it says none.
#[must_use]
pub fn by_file_name(path: &std::path::Path) -> &'static str {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("json") => "application/json",
        Some("ndjson" | "jsonl") => "application/x-ndjson",
        Some("xml") => "text/xml",
        Some("hl7") => "x-application/hl7-v2+er7",
        Some("x12" | "edi") => "application/edi-x12",
        Some("csv") => "text/csv",
        Some("pdf") => "application/pdf",
        Some("tsv") => "text/tab-separated-values",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_win_over_a_type_that_lies() {
        assert_eq!(
            Format::of("application/json", b"MSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\r"),
            Format::Hl7v2
        );
        assert_eq!(Format::of("text/plain", b"{\"a\":1}"), Format::Json);
        assert_eq!(Format::of("image/png", b"hello there"), Format::Text);
        assert_eq!(Format::of("application/json", b"not json"), Format::Json);
    }

    #[test]
    fn a_page_is_one_by_its_elements() {
        for data in [
            "<?xml version=\"1.0\"?><!-- x --><ClinicalDocument/>",
            "<Patient xmlns=\"x\"/>",
            "<ADT_A01><MSH/></ADT_A01>",
        ] {
            assert_eq!(Format::of("text/html", data.as_bytes()), Format::Xml, "{data}");
        }
        for page in
            ["<p>a</p>", "<!DOCTYPE html>\n<HTML>", "<div/>", "<!-- a", "<?xml version=\"1.0\"?><html/>"]
        {
            assert_eq!(Format::of("text/html", page.as_bytes()), Format::Html, "{page}");
        }
    }

    #[test]
    fn a_form_and_a_piece_of_a_page_are_told_from_text() {
        for form in ["id=1&note=Pt+Halvorsen%2C+54F", "a=1&b[]=&c.d=2\n"] {
            assert_eq!(Format::of("", form.as_bytes()), Format::Form, "{form}");
            assert_eq!(Format::of("text/plain", form.as_bytes()), Format::Form, "{form}");
        }
        for text in [
            "a=1",
            "a=1 & b=2",
            "see a=1&b=2",
            "https://a/?x=1&y=2",
            "a&b",
            "R&D=x&",
            "a=1&b",
            "SSN-532-19-8840=1&b=2",
            "a=1&MRN.4481902=2",
        ] {
            assert_eq!(Format::of("", text.as_bytes()), Format::Text, "{text}");
        }
        assert_eq!(Format::of("application/json", b"a=1&b=2"), Format::Json);
        for page in ["<table><tr><td>Patient Name</td></tr></table>", "<dl><dt>MRN</dt></dl>", " <p>a</p>"] {
            assert_eq!(Format::of("", page.as_bytes()), Format::Html, "{page}");
            assert_eq!(Format::of("text/plain", page.as_bytes()), Format::Html, "{page}");
            assert_eq!(Format::of("application/xml", page.as_bytes()), Format::Xml, "{page}");
        }
        for data in [
            "<?xml version=\"1.0\"?><table/>",
            "<Patient/>",
            "<section><code/></section>",
            "<table><row/></table>",
            "<table xmlns=\"urn:hl7-org:v3\"/>",
            "<div><Patient/></div>",
            "<form><patientName/></form>",
            "<address><line/></address>",
            "<p>a</p><x:name>b</x:name>",
            "<center><!-- <p> --><patientName>a</patientName></center>",
            "<div><![CDATA[<p>]]></div>",
        ] {
            assert_eq!(Format::of("", data.as_bytes()), Format::Xml, "{data}");
        }
        let late = format!("<div>{}<birthDate>1971-04-02</birthDate></div>", "<p>a</p>".repeat(HEAD_BYTES));
        assert_eq!(Format::of("text/plain", late.as_bytes()), Format::Xml);
        for page in [
            "<DIV>a<BR/>b</DIV>",
            "<p>a < b, <5 mg</p><!-- <x> -->",
            "<dl><dt>a<dd>b</dl>",
            "<p>a<o:p></o:p></p>",
            "<p>a</p><!-- b",
            "<label for=\"a\">b</label><input id=\"a\">",
            "<footer>&copy; a</footer>",
            "<FORM><input name=\"a\"></FORM>",
        ] {
            assert_eq!(Format::of("", page.as_bytes()), Format::Html, "{page}");
        }
    }

    #[test]
    fn bytes_that_no_text_has_are_found_wherever_they_stand() {
        let mut body = vec![b'a'; 5000];
        assert_eq!(Format::sniff(&body), Format::Text);
        body[4000] = 0;
        assert_eq!(Format::sniff(&body), Format::Binary);
        // `PATIENT` and digits in EBCDIC.
        let ebcdic = [0xD7, 0xC1, 0xE3, 0xC9, 0xC5, 0xD5, 0xE3, 0x40, 0xF4, 0xF1, 0xF2];
        assert_eq!(Format::sniff(&ebcdic), Format::Binary);
        assert_eq!(Format::sniff("\u{414}\u{430}\u{440}\u{44c}\u{44f}".as_bytes()), Format::Text);
        assert_eq!(Format::sniff(b"M\xFCller, Z\xF6e"), Format::Text);
    }

    #[test]
    fn types_that_we_do_not_know_are_not_repeated() {
        assert_eq!(known_media_type("Application/JSON; charset=utf-8"), "application/json");
        assert_eq!(known_media_type("application/vnd.smith-john"), "other");
    }
}
