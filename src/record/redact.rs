//! Redaction: denies by default, and keeps the format. A stored JSON or HL7v2 payload is still that format; what no
//! walker can read is told by size and type alone.
//!
//! Structure is taken from the document by its own syntax here, and every value between is masked unless the walker
//! said of just these bytes that they may stay: a leaf that a walker missed is masked, not kept.

mod flat;

use super::{Draft, Found, Part, Piece, Redacted, StoredPayload, Told, View};
use crate::inspect::check::date;
use crate::inspect::finding::{Findings, UninspectedReason};
use crate::inspect::format::Format;
use crate::inspect::kind::{Kind, Redact};
use crate::inspect::url::{self, Tables};
use crate::inspect::walk::json::{JSON_DEPTH_MAX, Tape};
use crate::inspect::walk::{Declared, Leaf, PersonId, Reads, Role, Sink, dicom, fhir, hl7v2, object, x12};
use crate::inspect::{Inspector, Message, RuleSet, decode, known_header, text, vocab};
use crate::secrets::TokenKeys;
use std::collections::HashMap;
use std::ops::Range;

mod interchange;

/// Makes the stored form of a message; inspects it first where that was left for here.
#[must_use]
pub fn redact(mut draft: Draft, keys: &TokenKeys) -> (Redacted, Option<Findings>) {
    let late = draft.inspect.then(|| inspect(&draft));
    if let Some(findings) = late.as_ref().or(draft.findings.as_ref()) {
        tell(&mut draft.entry, findings);
    }
    draft.entry.reply = draft.reply_findings.as_ref().map(told);
    draft.entry.ceiling = draft.ceiling;
    let mut tokens = Vec::new();
    let payload = (draft.ceiling >= View::Shape).then(|| {
        let mut redactor = Redactor::new(&draft, keys, &mut tokens);
        let payload = redactor.payload(&draft);
        if draft.ceiling < View::Masked { shapes_alone(payload) } else { payload }
    });
    if draft.ceiling < View::Linked {
        tokens.clear();
    }
    tokens.sort_unstable();
    tokens.dedup();
    (Redacted::new(draft.entry, payload, tokens), late)
}

/// What a `shape` caller's message may leave on disk.
fn shapes_alone(mut payload: StoredPayload) -> StoredPayload {
    for piece in payload.parts.iter_mut().flat_map(|part| part.pieces.iter_mut()) {
        if let Piece::Leaf { shape, masked, token, .. } = piece {
            masked.clone_from(shape);
            *token = None;
        }
    }
    payload
}

fn inspect(draft: &Draft) -> Findings {
    let target = draft.target.expose();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(&str, &str)> = draft.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let mut inspector = Inspector::new(&draft.rules, draft.budget, crate::clock::this_year());
    if let Some(known) = &draft.known {
        inspector = inspector.knowing(&**known);
    }
    inspector.message(&Message {
        path,
        query,
        headers: &headers,
        content_type: &draft.content_type,
        content_encoding: &draft.content_encoding,
        body: draft.body.expose(),
        cut: draft.cut,
        ..Message::default()
    })
}

/// Writes into the entry what inspection told, by rule.
fn tell(entry: &mut super::Entry, findings: &Findings) {
    let told = told(findings);
    entry.format = told.format;
    entry.points = told.points;
    entry.persons = told.persons;
    entry.found = told.found;
    entry.uninspected = told.uninspected;
}

fn told(findings: &Findings) -> Told {
    let mut found: Vec<Found> = Vec::new();
    for f in findings.findings.iter().filter(|f| f.person.is_some()) {
        match found.iter_mut().find(|x| x.rule == *f.rule) {
            Some(x) => {
                x.count += 1;
                x.points = x.points.max(f.points.0);
            }
            None => found.push(Found {
                rule: f.rule.to_string(),
                kind: f.kind.as_str().to_owned(),
                count: 1,
                points: f.points.0,
            }),
        }
    }
    let mut uninspected: Vec<String> =
        findings.uninspected.iter().map(|u| u.reason.as_str().to_owned()).collect();
    uninspected.dedup();
    Told {
        format: findings.format.as_str().to_owned(),
        points: findings.points().0,
        persons: u32::try_from(findings.persons.len()).unwrap_or(u32::MAX),
        found,
        uninspected,
    }
}

/// What the walker said of the bytes of one leaf.
struct Said {
    end: usize,
    masked: String,
    token: Option<String>,
    found: bool,
}

/// A sink that keeps, for each leaf's bytes, what may be stored of it.
struct Redactor<'d> {
    rules: &'d RuleSet,
    keys: &'d TokenKeys,
    environment: &'d str,
    linked: bool,
    tokens: &'d mut Vec<String>,
    said: HashMap<usize, Said>,
    unknown_keys: HashMap<usize, usize>,
    /// The resource type that the target names.
    aim: String,
}

impl<'d> Redactor<'d> {
    fn new(draft: &'d Draft, keys: &'d TokenKeys, tokens: &'d mut Vec<String>) -> Self {
        Self {
            rules: &draft.rules,
            keys,
            environment: &draft.entry.environment,
            linked: draft.ceiling >= View::Linked,
            tokens,
            said: HashMap::new(),
            unknown_keys: HashMap::new(),
            aim: String::new(),
        }
    }

    fn tables(&self) -> Tables<'d> {
        Tables { queries: &self.rules.queries, objects: &self.rules.objects }
    }

    fn payload(&mut self, draft: &Draft) -> StoredPayload {
        let mut parts = vec![Part { name: "target".to_owned(), pieces: self.target(draft.target.expose()) }];
        for (name, value) in &draft.headers {
            // A header that isn't known by name is payload whole.
            if let Some(known) = known_header(name) {
                parts.push(Part {
                    name: format!("header {known}"),
                    pieces: vec![leaf("text", value.len(), "[text]", None, false)],
                });
            }
        }
        if !draft.body.is_empty() {
            parts.push(Part { name: "body".to_owned(), pieces: self.body(draft) });
        }
        StoredPayload { parts }
    }

    fn target(&mut self, target: &str) -> Vec<Piece> {
        let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
        self.said.clear();
        self.unknown_keys.clear();
        let tables = self.tables();
        let resource = url::walk_path(path, &tables, PersonId(0), self);
        resource.clone_into(&mut self.aim);
        let mut out = self.split(path, 0, b"/");
        if let Some(query) = query {
            out.push(Piece::Text("?".to_owned()));
            out.extend(self.pairs(query, resource));
        }
        out
    }

    /// `a=1&b=2`, names that our tables don't have masked like values.
    fn pairs(&mut self, query: &str, resource: &str) -> Vec<Piece> {
        self.said.clear();
        self.unknown_keys.clear();
        let tables = self.tables();
        url::walk_query(query, 0, resource, &tables, PersonId(0), self);
        let mut out = Vec::new();
        let mut at = 0;
        for (index, pair) in query.split('&').enumerate() {
            if index > 0 {
                out.push(Piece::Text("&".to_owned()));
            }
            let name = pair.split('=').next().unwrap_or_default();
            // A name is kept only as our tables write it: letters of a known parameter.
            let known = !self.unknown_keys.contains_key(&at)
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:".contains(&b));
            out.push(if known {
                Piece::Text(name.to_owned())
            } else {
                leaf("key", name.len(), "*", None, false)
            });
            if pair.len() > name.len() {
                out.push(Piece::Text("=".to_owned()));
                let from = at + name.len() + 1;
                out.extend(self.split(pair.get(name.len() + 1..).unwrap_or_default(), from, b","));
            }
            at += pair.len() + 1;
        }
        out
    }

    /// Values between separators.
    fn split(&self, text: &str, offset: usize, separators: &[u8]) -> Vec<Piece> {
        let mut out = Vec::new();
        let bytes = text.as_bytes();
        let mut start = 0;
        for at in 0..=bytes.len() {
            let separator = bytes.get(at).filter(|b| separators.contains(b));
            if separator.is_some() || at == bytes.len() {
                if at > start {
                    out.push(self.piece(offset + start..offset + at, "text"));
                }
                if let Some(b) = separator {
                    out.push(Piece::Text(char::from(*b).to_string()));
                }
                start = at + 1;
            }
        }
        out
    }

    fn body(&mut self, draft: &Draft) -> Vec<Piece> {
        let unread = |why: &str| vec![leaf("body", draft.body.len(), &format!("[body: {why}]"), None, false)];
        if draft.cut {
            return unread("not whole");
        }
        let mut left = draft.budget.decoded_bytes_max;
        let decoded = decode::content(&draft.content_encoding, draft.body.expose(), &draft.budget, &mut left);
        let body: &[u8] = match &decoded {
            Ok(bytes) => bytes,
            Err(reason) => return unread(reason.as_str()),
        };
        self.said.clear();
        self.unknown_keys.clear();
        match Format::of(&draft.content_type, body) {
            Format::Json | Format::Redox | Format::FhirJson => {
                let Ok(tape) = Tape::read(body, JSON_DEPTH_MAX) else {
                    return unread(UninspectedReason::Malformed.as_str());
                };
                let patch = fhir::patched(&tape, &draft.content_type, &self.aim, &self.rules.fhir);
                if let Some(Ok(patch)) = patch {
                    patch.walk(&tape, &self.rules.fhir, &self.rules.objects, self);
                } else if fhir::recognise(&tape) || fhir::recognise_cds_hooks(&tape) {
                    fhir::walk_tape(&tape, &self.rules.fhir, self);
                } else if dicom::recognise(&tape) {
                    dicom::walk_tape(&tape, &self.rules.dicom, self);
                } else if object::is_redox(&tape) {
                    object::walk_tape(&tape, &self.rules.redox, self);
                } else {
                    object::walk_tape(&tape, &self.rules.objects, self);
                }
                self.json(body)
            }
            Format::Hl7v2 => match hl7v2::walk(body, &self.rules.hl7v2, self) {
                Ok(()) => self.hl7v2(body),
                Err(_) => unread(UninspectedReason::Malformed.as_str()),
            },
            Format::X12 => match x12::walk(body, &self.rules.x12, self) {
                Ok(()) => self.interchange(body),
                Err(_) => unread(UninspectedReason::Malformed.as_str()),
            },
            Format::Form => match std::str::from_utf8(body) {
                Ok(text) => self.pairs(text, ""),
                Err(_) => unread(UninspectedReason::Charset.as_str()),
            },
            Format::Ndjson => self.ndjson(body),
            Format::Csv => self.flat(body),
            Format::Text => vec![leaf("text", body.len(), "[text]", None, true)],
            format => unread(format.as_str()),
        }
    }

    /// JSON by its own syntax: keys that the walker knew, punctuation, words and nothing else stay.
    fn json(&self, doc: &[u8]) -> Vec<Piece> {
        let mut out = Pieces::default();
        let mut at = if doc.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        while let Some(b) = doc.get(at) {
            match b {
                b'"' => {
                    let start = at + 1;
                    let mut end = start;
                    while doc.get(end).is_some_and(|b| *b != b'"') {
                        end += if doc.get(end) == Some(&b'\\') { 2 } else { 1 };
                    }
                    let end = end.min(doc.len());
                    let behind = doc.get(end + 1..).unwrap_or_default();
                    let is_key = behind.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b':');
                    out.text("\"");
                    if is_key {
                        let key =
                            doc.get(start..end).and_then(|k| std::str::from_utf8(k).ok()).unwrap_or("*");
                        if self.unknown_keys.contains_key(&start) || key.contains('\\') {
                            out.leaf(leaf("key", end - start, "*", None, false));
                        } else {
                            out.text(key);
                        }
                    } else if start < end {
                        out.leaf(self.piece(start..end, "string"));
                    }
                    out.text("\"");
                    at = end + 1;
                }
                b'-' | b'0'..=b'9' => {
                    let rest = doc.get(at..).unwrap_or_default();
                    let length =
                        rest.iter().take_while(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b)).count();
                    // A masked number is written as a string, so that the document stays JSON.
                    out.leaf(match self.piece(at..at + length, "number") {
                        Piece::Leaf { shape, masked, token, found } if masked.parse::<f64>().is_err() => {
                            Piece::Leaf {
                                shape: format!("\"{shape}\""),
                                masked: format!("\"{masked}\""),
                                token: token.filter(|_| false),
                                found,
                            }
                        }
                        Piece::Leaf { shape, masked, token, found } => {
                            Piece::Leaf { shape: format!("\"{shape}\""), masked, token, found }
                        }
                        text => text,
                    });
                    at += length;
                }
                b if b"{}[]:, \t\r\ntruefalsn".contains(b) => {
                    out.text(char::from(*b).encode_utf8(&mut [0; 4]));
                    at += 1;
                }
                _ => at += 1,
            }
        }
        out.0
    }

    /// HL7v2 by its own separators: known segment names and separators stay.
    fn hl7v2(&self, doc: &[u8]) -> Vec<Piece> {
        let mut out = Pieces::default();
        let start = doc.windows(3).position(|w| matches!(w, b"MSH" | b"FHS" | b"BHS")).unwrap_or(0);
        let Some((marks, _)) = hl7v2::Separators::declared(doc.get(start..).unwrap_or_default()) else {
            return vec![leaf("body", doc.len(), "[body: malformed]", None, false)];
        };
        let field = marks.field;
        let splits = |b: u8| {
            b == field || b == marks.component || [marks.repetition, marks.subcomponent].contains(&Some(b))
        };
        let declared = 2 + [marks.repetition, marks.escape, marks.subcomponent, marks.truncation]
            .iter()
            .filter(|m| m.is_some())
            .count();
        let ends = |b: u8| matches!(b, b'\r' | b'\n');
        let mut at = start;
        while at < doc.len() {
            let rest = doc.get(at..).unwrap_or_default();
            let line = rest.iter().position(|b| ends(*b)).unwrap_or(rest.len());
            let segment = rest.get(..line).unwrap_or_default();
            let name_end = segment.iter().position(|b| *b == field).unwrap_or(segment.len());
            let name = segment.get(..name_end).and_then(|n| std::str::from_utf8(n).ok()).unwrap_or_default();
            let is_header = matches!(name, "MSH" | "FHS" | "BHS");
            if hl7v2::is_known_segment(name) {
                out.text(name);
            } else if name_end > 0 {
                out.leaf(leaf("segment", name_end, "*", None, false));
            }
            let mut from = name_end;
            if is_header {
                // The separators themselves, which are no values.
                for b in segment.iter().skip(name_end).take(declared) {
                    out.text(char::from(*b).encode_utf8(&mut [0; 4]));
                }
                from = (name_end + declared).min(segment.len());
            }
            let mut value = from;
            for i in from..=segment.len() {
                let separator = segment.get(i).copied().filter(|b| splits(*b));
                if separator.is_some() || i == segment.len() {
                    if i > value {
                        out.leaf(self.piece(at + value..at + i, "text"));
                    }
                    if let Some(b) = separator {
                        out.text(char::from(b).encode_utf8(&mut [0; 4]));
                    }
                    value = i + 1;
                }
            }
            at += line;
            while doc.get(at).is_some_and(|b| ends(*b)) {
                out.text(if doc.get(at) == Some(&b'\r') { "\r" } else { "\n" });
                at += 1;
            }
        }
        out.0
    }

    /// What may be stored of these bytes: what was said of just them, else a placeholder.
    fn piece(&self, span: Range<usize>, shape: &str) -> Piece {
        let length = span.len();
        match self.said.get(&span.start).filter(|s| s.end == span.end) {
            Some(said) => leaf(shape, length, &said.masked, said.token.clone(), said.found),
            None => leaf(shape, length, "[text]", None, false),
        }
    }

    fn field(&mut self, kind: Kind, redact: Redact, value: &str) -> (String, Option<String>) {
        let placeholder = format!("[{}]", kind.as_str());
        match redact {
            Redact::Keep if vocab::is_safe_code(value) => (value.to_owned(), None),
            Redact::Hash if kind.may_be_token() && self.linked => {
                let token = self.keys.token(self.environment, kind.as_str(), value);
                self.tokens.push(token.clone());
                (placeholder, Some(token))
            }
            Redact::Year => (year(value).unwrap_or(placeholder), None),
            Redact::Zip3 => (zip3(value).unwrap_or(placeholder), None),
            _ => (placeholder, None),
        }
    }
}

impl Sink for Redactor<'_> {
    fn person(&mut self, _: PersonId, _: Role) {}

    fn leaf(&mut self, leaf: &Leaf<'_>, _: &dyn Fn() -> String) {
        let value = leaf.value.as_ref();
        let mut found = false;
        let (masked, token) = match (leaf.field, leaf.reads) {
            (_, Reads::Base64(_) | Reads::Hex(_)) => ("[attachment]".to_owned(), None),
            (_, Reads::Text | Reads::Xhtml | Reads::Query) => {
                found = text::scan(value, leaf.cue, self.rules).iter().any(|hit| hit.points.0 > 0);
                ("[text]".to_owned(), None)
            }
            (Some(field), _) => {
                found = field.points.0 > 0;
                self.field(field.kind, field.redact, value)
            }
            (None, Reads::Code) if vocab::is_safe_code(value) => (value.to_owned(), None),
            (None, Reads::Quantity) if vocab::is_safe_quantity(value) => (value.to_owned(), None),
            (None, Reads::Time) => (year(value).unwrap_or_else(|| "[time]".to_owned()), None),
            (None, Reads::Code) => ("[code]".to_owned(), None),
            (None, Reads::Quantity) => ("[number]".to_owned(), None),
            (None, Reads::Opaque) => ("[id]".to_owned(), None),
            (None, Reads::Public) => ("[provider]".to_owned(), None),
            (None, Reads::Value) => ("[text]".to_owned(), None),
        };
        let said = Said { end: leaf.span.end, masked, token, found };
        // Of two words about the same bytes the more careful one stays.
        if self
            .said
            .get(&leaf.span.start)
            .is_none_or(|before| !before.masked.starts_with('[') || before.end != said.end)
        {
            self.said.insert(leaf.span.start, said);
        }
    }

    fn clinical(&mut self, _: PersonId) {}
    fn declared(&mut self, _: Declared, _: &dyn Fn() -> String) {}

    fn unknown_key(&mut self, _: &str, span: Range<usize>, _: PersonId, _: &dyn Fn() -> String) {
        self.unknown_keys.insert(span.start, span.end);
    }
}

/// Joins texts that follow each other.
#[derive(Default)]
struct Pieces(Vec<Piece>);

impl Pieces {
    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ => self.0.push(Piece::Text(text.to_owned())),
        }
    }

    fn leaf(&mut self, leaf: Piece) {
        self.0.push(leaf);
    }
}

fn leaf(shape: &str, length: usize, masked: &str, token: Option<String>, found: bool) -> Piece {
    Piece::Leaf {
        shape: format!("{shape}:{}", length_class(length)),
        masked: masked.to_owned(),
        token,
        found,
    }
}

/// `9-16`: powers of two, so that a length says little.
fn length_class(length: usize) -> String {
    let high = length.max(1).next_power_of_two();
    if high <= 2 { high.to_string() } else { format!("{}-{high}", high / 2 + 1) }
}

/// The year, unless it shows an age over 89 (45 CFR 164.514(b)(2)(i)(C)) or lies ahead.
fn year(value: &str) -> Option<String> {
    let year = date::parse(value)?.year;
    let now = crate::clock::this_year();
    (year + 89 >= now && year <= now + 1).then(|| year.to_string())
}

/// The first three digits; 000 for areas of 20,000 people or fewer (HHS guidance, 2000 census).
fn zip3(value: &str) -> Option<String> {
    const SMALL: [&str; 17] = [
        "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879",
        "884", "890", "893",
    ];
    let head = value.get(..3).filter(|h| h.bytes().all(|b| b.is_ascii_digit()))?;
    Some(if SMALL.contains(&head) { "000" } else { head }.to_owned())
}
