//! What is fuzzed, and what has to hold whatever comes: no panic, spans inside the body, places in words of our tables.
//! The fuzzer runs these over what it makes; the tests replay them over samples and past findings.

use phigate::forward::{canonical_path, replied};
use phigate::inspect::decode::{self, Budget};
use phigate::inspect::disguise::Plain;
use phigate::inspect::field::{Field, FieldTable};
use phigate::inspect::finding::Part;
use phigate::inspect::links::Hosts;
use phigate::inspect::offsets::Escapes;
use phigate::inspect::score::Scorer;
use phigate::inspect::walk::{Leaf, PersonId, Reads, Role, Sink};
use phigate::inspect::{Findings, Inspector, Message, RuleSet, embedded};
use phigate::listen::followed;
use phigate::resolve::segments;
use std::sync::OnceLock;

/// One target.
#[derive(Clone, Copy)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// The type that bodies are declared as; empty where the bytes tell.
    pub(crate) content_type: &'static str,
    pub(crate) run: fn(&Target, &[u8]),
}

pub(crate) const ALL: &[Target] = &[
    walker("any", ""),
    walker("fhir-json", "application/fhir+json"),
    walker("json", "application/json"),
    walker("hl7v2", "x-application/hl7-v2+er7"),
    walker("form", "application/x-www-form-urlencoded"),
    walker("text", "text/plain"),
    walker("html", "text/html"),
    walker("fhir-xml", "application/fhir+xml"),
    walker("xml", "text/xml"),
    walker("x12", "application/edi-x12"),
    walker("csv", "text/csv"),
    walker("ndjson", "application/fhir+ndjson"),
    walker("multipart", "multipart/form-data; boundary=b"),
    walker("json-patch", "application/json-patch+json"),
    walker("merge-patch", "application/merge-patch+json"),
    walker("graphql", "application/graphql"),
    walker("soap", "application/soap+xml"),
    walker("dicom", "application/dicom+json"),
    walker("pdf", "application/pdf"),
    Target { name: "scorer", content_type: "", run: scorer },
    Target { name: "head", content_type: "", run: head },
    Target { name: "guard", content_type: "", run: guard },
    Target { name: "replies", content_type: "", run: replies },
    Target { name: "path", content_type: "", run: path },
    Target { name: "decode", content_type: "", run: decoders },
    Target { name: "disguise", content_type: "", run: disguises },
];

const fn walker(name: &'static str, content_type: &'static str) -> Target {
    Target { name, content_type, run: body }
}

fn inspector() -> Inspector<'static> {
    Inspector::new(RuleSet::built_in(), Budget { decoded_bytes_max: 1 << 20, ..Budget::default() }, 2026)
}

/// Compiles the rules.
#[allow(dead_code, reason = "the fuzzer's alone")]
pub(crate) fn ready() {
    let _ = inspector();
    let _ = rows();
}

/// A body through walker, detectors and scorer.
fn body(target: &Target, bytes: &[u8]) {
    let hosts = Hosts::default();
    let found = inspector().message(&Message {
        path: PATHS.get(bytes.len() % PATHS.len()).copied().unwrap_or_default(),
        content_type: target.content_type,
        body: bytes,
        hosts: Some(&hosts),
        ..Message::default()
    });
    let is_sent_plain = decode::content("", bytes, &Budget::default(), &mut (1 << 20))
        .is_ok_and(|plain| plain.as_ref() == bytes)
        && decode::wide(bytes).is_none();
    holds(&found, is_sent_plain.then_some(bytes.len()));
}

/// Bytes of a connection: however they are cut they come to the same, and a head that goes on is one to hyper's parser.
/// Of a head with two faults the one that is met first is told, and that may depend on the cut.
fn guard(_: &Target, bytes: &[u8]) {
    let whole = followed(bytes, usize::MAX);
    let told = |(released, heads, reason): (usize, u64, Option<_>)| (released, heads, reason.is_some());
    for piece in [1, 2, 3, 7, 64] {
        assert_eq!(told(followed(bytes, piece)), told(whole), "in pieces of {piece}");
    }
    let (released, heads, _) = whole;
    if heads == 0 {
        return;
    }
    let mut headers = vec![httparse::EMPTY_HEADER; 200];
    let mut request = httparse::Request::new(&mut headers);
    let parsed = request.parse(bytes.get(..released).unwrap_or_default());
    assert!(matches!(parsed, Ok(httparse::Status::Complete(_))), "the guard takes what hyper doesn't");
    let names: Vec<&str> = request.headers.iter().map(|h| h.name).collect();
    let count = |name: &str| names.iter().filter(|n| n.eq_ignore_ascii_case(name)).count();
    assert!(count("content-length") + count("transfer-encoding") <= 1, "two framings");
    assert!(count("host") <= 1, "two hosts");
}

/// Bytes of an upstream: however they are cut they come to the same, and a whole reply is one to hyper's parser.
fn replies(_: &Target, bytes: &[u8]) {
    let whole = replied(bytes, usize::MAX);
    for piece in [1, 2, 3, 7, 64] {
        assert_eq!(replied(bytes, piece), whole, "in pieces of {piece}");
    }
    if whole != Some(true) || bytes.starts_with(b"HTTP/1.1 1") || bytes.starts_with(b"HTTP/1.0 1") {
        return;
    }
    let lines = bytes.iter().filter(|b| **b == b'\n').count();
    let mut headers = vec![httparse::EMPTY_HEADER; lines];
    let mut reply = httparse::Response::new(&mut headers);
    let parsed = reply.parse(bytes);
    assert!(matches!(parsed, Ok(httparse::Status::Complete(_))), "the guard takes what hyper doesn't");
    let names: Vec<&str> = reply.headers.iter().map(|h| h.name).collect();
    let count = |name: &str| names.iter().filter(|n| n.eq_ignore_ascii_case(name)).count();
    assert!(count("content-length") + count("transfer-encoding") <= 1, "two framings");
}

/// A path: what goes on is what was judged, and judged again it is the same.
fn path(_: &Target, bytes: &[u8]) {
    let Ok(path) = std::str::from_utf8(bytes) else { return };
    let Some(judged) = segments(path) else { return };
    for segment in &judged {
        assert!(
            !segment.contains(['/', '\\', '\0']) && segment != "." && segment != "..",
            "a segment in two ways"
        );
    }
    let sent = canonical_path(path);
    assert_eq!(segments(&sent).as_ref(), Some(&judged), "what goes on isn't what was judged");
    assert_eq!(canonical_path(&sent), sent, "not one form");
}

/// Leaves of any row, person and reading, as no walker would tell them.
fn scorer(_: &Target, bytes: &[u8]) {
    let rows = rows();
    let mut scorer = Scorer::new(RuleSet::built_in(), 2026);
    scorer.document(Part::Body, Escapes::Json, bytes);
    let mut at = 0;
    for line in bytes.split(|b| *b == b'\n') {
        let span = at..at + line.len();
        at = span.end + 1;
        let ([how, who, which], value) = line.split_first_chunk().unwrap_or((&[0; 3], line));
        let person = PersonId(u32::from(*who % 5));
        let role = match who / 64 {
            0 => Role::Patient,
            1 => Role::Relative,
            _ => Role::RelativeOf(PersonId(u32::from(who % 3))),
        };
        let reads = match how % 11 {
            0 => Reads::Value,
            1 => Reads::Text,
            2 => Reads::Xhtml,
            3 => Reads::Base64("text/plain"),
            4 => Reads::Hex(""),
            5 => Reads::Query,
            6 => Reads::Code,
            7 => Reads::Quantity,
            8 => Reads::Time,
            9 => Reads::Opaque,
            _ => Reads::Public,
        };
        let field = rows.get(usize::from(*which) * 7 % rows.len()).filter(|_| how & 16 == 0);
        scorer.person(person, role);
        let value = String::from_utf8_lossy(value);
        let person = if how & 32 == 0 { person } else { PersonId::NOBODY };
        scorer
            .leaf(&Leaf { span: span.clone(), value, field, person, reads, cue: "name" }, &|| "*".to_owned());
        if how & 64 != 0 {
            scorer.clinical(person);
            scorer.unknown_key(&String::from_utf8_lossy(line), span, person, &|| "*".to_owned());
        }
        if how & 128 != 0 {
            scorer.document(Part::Body, Escapes::Json, bytes);
        }
    }
    holds(&scorer.finish(bytes.len().is_multiple_of(2).then_some(PersonId(0))), Some(bytes.len()));
}

/// Rows of all kinds.
fn rows() -> &'static [Field] {
    static ROWS: OnceLock<Vec<Field>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let table = include_str!("../../config/fields/fhir-r4.toml");
        FieldTable::parse(table).expect("the table parses: a test reads it").field
    })
}

/// Path, query and a header.
fn head(_: &Target, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, '\n');
    let (path, query) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (value, hosts) = (parts.next().unwrap_or_default(), Hosts::default());
    for name in ["link", "if-none-exist", "x-forwarded-for", "x-any", "content-disposition"] {
        let headers = [(name, value)];
        let message = Message { path, query, headers: &headers, hosts: Some(&hosts), ..Message::default() };
        holds(&inspector().message(&message), None);
    }
}

/// Decoders: by themselves, whole or not at all.
fn decoders(_: &Target, bytes: &[u8]) {
    let budget = Budget { decoded_bytes_max: 1 << 20, ..Budget::default() };
    for encodings in ["", "gzip", "deflate", "br", "zstd", "gzip, br"] {
        if let Ok(plain) = decode::content(encodings, bytes, &budget, &mut (1 << 20)) {
            assert!(plain.len() <= (1 << 20) + bytes.len());
        }
    }
    let _ = decode::wide(bytes);
    let text = String::from_utf8_lossy(bytes);
    let _ = (decode::base64(&text), decode::hex(&text), decode::percent(&text, true));
}

/// Disguises: every byte of what is read has its place, in order.
fn disguises(_: &Target, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let plain = Plain::of(&text);
    let mut last = 0;
    for at in 0..=plain.text().len() {
        let origin = plain.origin(at);
        assert!(origin >= last && origin <= text.len());
        last = origin;
    }
    for run in embedded::base64_runs(&text) {
        assert!(run.start < run.end && run.end <= text.len());
    }
    let _ = embedded::whole(&text);
}

/// What a body may be sent to.
const PATHS: &[&str] = &["", "/fhir/Patient/1", "/fhir/Observation", "/x/$graphql"];

fn holds(found: &Findings, body_bytes: Option<usize>) {
    for f in &found.findings {
        assert!(f.span.start <= f.span.end, "{}: a span ends before it begins", f.rule);
        if let (Part::Body, Some(bytes)) = (f.part, body_bytes) {
            assert!(f.span.end <= bytes, "{}: a span ends behind the body", f.rule);
        }
        assert!(f.person.is_none_or(|person| person < found.persons.len()), "{}: nobody", f.rule);
        is_ours(&f.place);
    }
    found.uninspected.iter().for_each(|u| is_ours(&u.place));
    found.declared.iter().for_each(|(_, place)| is_ours(place));
    found.off_path.iter().for_each(|link| is_ours(&link.place));
}

/// A place is made of our words and of indices: short ASCII, no long number.
fn is_ours(place: &str) {
    assert!(place.is_ascii() && !place.bytes().any(|b| b.is_ascii_control()), "a place that isn't ours");
    let longest = place.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
    assert!(longest <= 8, "a place with a number longer than a tag of DICOM");
}
