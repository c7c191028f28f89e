//! Inspect: what a message holds.
//!
//! - Takes: a [`Message`], the request's head and whole body (or what a tee copied of it), and the [`RuleSet`].
//! - Gives: [`Findings`]: detections with rule, kind, points, person and place; people; what stayed unread. No value.
//! - In doubt: what can't be read is told as [`finding::Uninspected`] with its reason, never passed over.
//! - Cost: CPU only, linear in the bytes read; no I/O. Free of hyper and tokio.
//!
//! Two layers: [`walk`]ers tell the leaves of a document with the field-table row that covers each; shape detectors
//! ([`text`]) search free text and what no row covers. [`score`] adds points up person by person.

pub mod kind;
pub mod field;
pub mod format;
pub mod walk;
pub mod url;
pub mod charset;
pub mod decode;
pub mod xhtml;
pub mod disguise;
pub mod embedded;
pub mod written;
mod markup;
mod enclosed;
pub(crate) mod wrapped;
pub mod offsets;
pub mod scan;
mod simd;
mod wraps;
pub mod text;
pub mod health;
mod behind;
pub mod keyed;
pub mod names;
pub mod check;
pub mod marker;
pub mod finding;
pub mod score;
pub mod rules;
pub mod vocab;
pub mod links;
pub(crate) mod lines;
pub(crate) mod parts;
pub mod graphql;
pub mod known;
mod pdf;
pub mod trace;
pub mod hash;
pub mod suppress;

pub use finding::Findings;
pub use rules::RuleSet;

use decode::Budget;
use embedded::Packing;
use finding::{Part, UninspectedReason};
use format::Format;
use offsets::Escapes;
use score::Scorer;
use std::borrow::Cow;
use url::Tables;
use walk::json::Tape;
use walk::{PersonId, Role, Sink, WalkError, csv, fhir, hl7v2, ncpdp, x12};

/// What is inspected of a message. All of it is payload.
#[derive(Clone, Copy, Default)]
pub struct Message<'m> {
    /// Path of the target, as sent.
    pub path: &'m str,
    /// Query of the target without its `?`, as sent.
    pub query: &'m str,
    /// Header names (lower case) and values.
    pub headers: &'m [(&'m str, &'m str)],
    /// Trailer names and values.
    pub trailers: &'m [(&'m str, &'m str)],
    /// `Content-Type`, as sent; empty where there is none.
    pub content_type: &'m str,
    /// `Content-Encoding`, as sent; empty where there is none.
    pub content_encoding: &'m str,
    /// Whether `Content-Range` says that this is a part.
    pub partial: bool,
    /// The body without transfer coding.
    pub body: &'m [u8],
    /// Whether the body is cut: more passed than a tee copied.
    pub cut: bool,
    /// Hosts that links may lead to; `None` where links aren't asked, as in requests.
    pub hosts: Option<&'m links::Hosts>,
}

/// Judges messages by one rule set.
pub struct Inspector<'r> {
    rules: &'r RuleSet,
    budget: Budget,
    this_year: u16,
    known: Option<&'r dyn known::Known>,
}

impl<'r> Inspector<'r> {
    /// One that judges by `rules`; `this_year` tells birth dates that lie ahead.
    #[must_use]
    pub fn new(rules: &'r RuleSet, budget: Budget, this_year: u16) -> Self {
        Self { rules, budget, this_year, known: None }
    }

    /// The same, asking who is known.
    #[must_use]
    pub fn knowing(self, known: &'r dyn known::Known) -> Self {
        Self { known: Some(known), ..self }
    }

    /// Everything that `message` holds.
    #[must_use]
    pub fn message(&self, message: &Message<'_>) -> Findings {
        self.judge(message, Scorer::new(self.rules, self.this_year)).0
    }

    /// The same, and what the walkers told, for tests of rules.
    #[must_use]
    pub fn traced(&self, message: &Message<'_>) -> (Findings, trace::Trace) {
        let mut scorer = Scorer::new(self.rules, self.this_year);
        scorer.keep_trace();
        self.judge(message, scorer)
    }

    fn judge(&self, message: &Message<'_>, mut scorer: Scorer<'r>) -> (Findings, trace::Trace) {
        scorer.ask_links(message.hosts);
        scorer.ask_known(self.known);
        let head = self.head(message, &mut scorer);
        let mut left = self.budget.decoded_bytes_max;
        let format = self.body(message, &mut scorer, &mut left);
        self.carriers(&mut scorer, &mut left);
        let trace = scorer.take_trace();
        let mut findings = scorer.finish(Some(head));
        findings.format = format;
        (findings, trace)
    }

    fn tables(&self) -> Tables<'r> {
        Tables { queries: &self.rules.queries, objects: &self.rules.objects }
    }

    fn head(&self, message: &Message<'_>, scorer: &mut Scorer<'r>) -> PersonId {
        let person = PersonId(0);
        let tables = self.tables();
        scorer.document(Part::Path, Escapes::Percent, message.path.as_bytes());
        scorer.person(person, Role::Patient);
        // One person for the whole head: its documents share the number.
        let resource = url::walk_path(message.path, &tables, person, scorer);
        scorer.aim_at(resource);
        scorer.same_people(Part::Query, Escapes::Percent, message.query.as_bytes());
        if !message.query.is_empty() {
            if message.path.ends_with("$graphql") {
                let rules = graphql::Rules { tables: &tables, fhir: &self.rules.fhir };
                if let Err(error) = graphql::walk_target(message.query, rules, person, scorer) {
                    scorer.unread(reason_of(error), "none", "query".to_owned());
                }
            } else {
                url::walk_query(message.query, 0, resource, &tables, person, scorer);
            }
        }
        for (name, value) in message.headers {
            if !url::is_protocols(name, value) {
                let part = known_header(name).map_or(Part::OtherHeader, Part::Header);
                scorer.same_people(part, Escapes::None, value.as_bytes());
                url::walk_header(name, value, &tables, person, scorer);
                if LINK_HEADERS.contains(name) {
                    scorer.header_link(name, value);
                }
            }
        }
        for (name, value) in message.trailers {
            scorer.same_people(Part::Trailer, Escapes::None, value.as_bytes());
            url::walk_header(name, value, &tables, person, scorer);
        }
        person
    }

    fn body(&self, message: &Message<'_>, scorer: &mut Scorer<'r>, left: &mut usize) -> Format {
        let media_type = format::known_media_type(message.content_type);
        let body_place = || "body".to_owned();
        if message.partial {
            scorer.unread(UninspectedReason::Partial, media_type, body_place());
        }
        if message.cut {
            scorer.unread(UninspectedReason::TeeLimit, media_type, body_place());
        }
        if message.body.is_empty() {
            return Format::Empty;
        }
        let body = match decode::content(message.content_encoding, message.body, &self.budget, left) {
            Ok(bytes) => bytes,
            Err(reason) => {
                scorer.unread(reason, media_type, body_place());
                return Format::Binary;
            }
        };
        // Spans are those of the text then: what was sent has two bytes for each letter.
        let body = match decode::wide(&body) {
            Some(Ok(text)) => Cow::Owned(text.into_bytes()),
            Some(Err(reason)) => {
                scorer.unread(reason, media_type, body_place());
                return Format::Binary;
            }
            None => body,
        };
        let format = Format::of(message.content_type, &body);
        scorer.document(Part::Body, Escapes::None, b"");
        self.document(format, message.content_type, &body, scorer, true, left)
    }

    /// One document, at the top or carried. Gives what it turned out to be.
    fn document(
        &self,
        format: Format,
        content_type: &str,
        bytes: &[u8],
        scorer: &mut Scorer<'r>,
        top: bool,
        left: &mut usize,
    ) -> Format {
        if !charset::reads(content_type, bytes) {
            let place = if top { "body".to_owned() } else { String::new() };
            scorer.unread(UninspectedReason::Charset, format::known_media_type(content_type), place);
        }
        self.read_as(format, content_type, bytes, scorer, top, left)
    }

    fn read_as(
        &self,
        format: Format,
        content_type: &str,
        bytes: &[u8],
        scorer: &mut Scorer<'r>,
        top: bool,
        left: &mut usize,
    ) -> Format {
        let media_type = format::known_media_type(content_type);
        let body_place = || "body".to_owned();
        let begin = |scorer: &mut Scorer<'r>, escapes, raw: &[u8]| {
            if top {
                scorer.document(Part::Body, escapes, raw);
            } else {
                scorer.carried_raw(escapes, raw);
            }
        };
        match format {
            Format::Empty => {}
            Format::Binary => {
                let place = if top { body_place() } else { String::new() };
                scorer.unread(UninspectedReason::OpaqueType, media_type, place);
            }
            Format::Pdf => self.pdf(content_type, bytes, scorer, top, left),
            Format::FhirJson | Format::Redox | Format::Json => {
                return self.json(content_type, bytes, scorer, top, left);
            }
            Format::FhirXml | Format::Ccda | Format::Ncpdp | Format::Xds | Format::Xml => {
                return self.xml(content_type, bytes, scorer, top, left);
            }
            Format::Hl7v2 if written::begins_with_one(bytes) => {
                begin(scorer, Escapes::None, bytes);
                scorer.plain_bytes(bytes);
            }
            // It breaks off among the separators: nothing is in it that could go unread.
            Format::Hl7v2 if bytes.len() < hl7v2::HEADER_BYTES_MIN => {
                begin(scorer, Escapes::None, bytes);
                scorer.plain_bytes(bytes);
            }
            Format::Hl7v2 => {
                begin(scorer, Escapes::Hl7v2, bytes);
                if let Err(error) = hl7v2::walk(bytes, &self.rules.hl7v2, Some(&self.rules.objects), scorer) {
                    self.unread_walk(error, media_type, bytes, scorer, top);
                }
            }
            Format::X12 => {
                begin(scorer, Escapes::X12, bytes);
                match x12::walk(bytes, &self.rules.x12, scorer) {
                    // The envelope is wrong, and all that is in it was told.
                    Err(_) if x12::can_read(bytes) => {
                        let place = if top { "body" } else { "" };
                        scorer.unread(UninspectedReason::Malformed, media_type, place.to_owned());
                    }
                    Err(error) => self.unread_walk(error, media_type, bytes, scorer, top),
                    Ok(()) => {}
                }
            }
            Format::Telecom => {
                begin(scorer, if bytes.is_ascii() { Escapes::None } else { Escapes::Latin1 }, bytes);
                ncpdp::telecom::walk(bytes, &self.rules.ncpdp, scorer);
            }
            Format::Form => {
                begin(scorer, Escapes::Percent, bytes);
                let (tables, person) = (self.tables(), PersonId(0));
                scorer.person(person, Role::Patient);
                match std::str::from_utf8(bytes) {
                    Ok(text) => url::walk_query(text.trim_end(), 0, "", &tables, person, scorer),
                    Err(_) => {
                        let (text, origins) = score::latin1(bytes);
                        let to = |at: usize| origins.get(at).map_or(bytes.len(), |o| *o as usize);
                        let sink = &mut url::Moved { to: &to, sink: scorer };
                        url::walk_query(text.trim_end(), 0, "", &tables, person, sink);
                    }
                }
            }
            Format::Graphql => {
                begin(scorer, Escapes::None, bytes);
                let tables = self.tables();
                let rules = graphql::Rules { tables: &tables, fhir: &self.rules.fhir };
                let walked = match std::str::from_utf8(bytes) {
                    Ok(text) => graphql::walk_text(text, &|at| at, rules, scorer),
                    Err(e) => Err(WalkError::NotUtf8 { at: e.valid_up_to() }),
                };
                if let Err(error) = walked {
                    self.unread_walk(error, media_type, bytes, scorer, top);
                }
            }
            Format::Html => {
                begin(scorer, Escapes::None, bytes);
                scorer.markup(bytes);
            }
            Format::Text => {
                begin(scorer, Escapes::None, bytes);
                scorer.plain_bytes(bytes);
            }
            Format::Ndjson => {
                begin(scorer, Escapes::None, bytes);
                self.ndjson(bytes, scorer, left);
            }
            Format::Csv => {
                begin(scorer, Escapes::Doubled, bytes);
                if let Err(error) = csv::walk(bytes, &self.rules.columns, &self.rules.objects, scorer)
                    && (format::says_csv(content_type) || matches!(error, WalkError::TooMuch { .. }))
                {
                    let place = if top { body_place() } else { String::new() };
                    scorer.unread(reason_of(error), media_type, place);
                }
                // What is called a table and doesn't look like one is the text that it is, too.
                if !has_rows(bytes) {
                    scorer.plain_bytes(bytes);
                }
            }
            Format::Multipart => {
                begin(scorer, Escapes::None, bytes);
                self.multipart(content_type, bytes, scorer, left);
            }
        }
        format
    }

    fn json(
        &self,
        content_type: &str,
        bytes: &[u8],
        scorer: &mut Scorer<'r>,
        top: bool,
        left: &mut usize,
    ) -> Format {
        let read = fhir::read(bytes, &self.rules.fhir);
        let patch = |tape| fhir::patched(tape, content_type, scorer.aim(), &self.rules.fhir);
        let patch = read.as_ref().ok().and_then(patch);
        // Of resources values are told as they stand, so that nothing has to be led back where none has an escape.
        let plain = |tape: &Tape<'_>| memchr::memchr(b'\\', bytes).is_none() && fhir::recognise(tape);
        let escapes = match &read {
            Ok(tape) if patch.is_none() && plain(tape) => Escapes::None,
            _ => Escapes::Json,
        };
        if top {
            scorer.document(Part::Body, escapes, bytes);
        } else {
            scorer.carried_raw(escapes, bytes);
        }
        if let Ok(tape) = &read
            && let Some(patch) = patch
        {
            scorer.links(tape);
            match patch {
                Ok(patch) => patch.walk(tape, &self.rules.fhir, &self.rules.objects, scorer),
                Err(error) => {
                    self.unread_walk(error, format::known_media_type(content_type), bytes, scorer, top);
                }
            }
            return Format::FhirJson;
        }
        if let Ok(tape) = &read
            && graphql::recognise(tape)
        {
            let tables = self.tables();
            let rules = graphql::Rules { tables: &tables, fhir: &self.rules.fhir };
            if let Err(error) = graphql::walk_tape(tape, bytes, rules, scorer) {
                self.unread_walk(error, format::known_media_type(content_type), bytes, scorer, top);
            }
            return Format::Graphql;
        }
        match read {
            Ok(tape) => {
                scorer.links(&tape);
                wrapped::walk(&tape, self.rules, scorer)
            }
            Err(error)
                if format::says_json(content_type) || !matches!(error, WalkError::Malformed { .. }) =>
            {
                self.unread_walk(error, format::known_media_type(content_type), bytes, scorer, top);
                Format::Json
            }
            Err(_) => {
                // Nothing said JSON: a text that begins with a brace, or lines of JSON.
                let format = if is_ndjson(bytes) { Format::Ndjson } else { Format::Text };
                self.read_as(format, content_type, bytes, scorer, top, left)
            }
        }
    }

    /// What a walker could not read: said so, and what can be is scanned as text. What stood in a string and only began as a
    /// document is the text that it is, unless it has words by which documents speak of a patient.
    fn unread_walk(
        &self,
        error: WalkError,
        media_type: &'static str,
        bytes: &[u8],
        scorer: &mut Scorer<'r>,
        top: bool,
    ) {
        // It only looked like one: it is the text that it is, once, unless there is somebody in it.
        let is_malformed = matches!(error, WalkError::Malformed { .. });
        if is_malformed && !top && scorer.is_guess() && !written::holds_a_patient(bytes) {
            scorer.carried_raw(Escapes::None, bytes);
            return scorer.plain_once(&text_of(bytes));
        }
        scorer.unread(reason_of(error), media_type, if top { "body".to_owned() } else { String::new() });
        if top {
            scorer.document(Part::Body, Escapes::None, bytes);
        } else {
            scorer.carried_raw(Escapes::None, bytes);
        }
        scorer.plain_bytes(bytes);
    }

    /// What was carried inside: decoded, and walked in turn, until depth or budget end it.
    fn carriers(&self, scorer: &mut Scorer<'r>, left: &mut usize) {
        let mut waiting = scorer.take_carriers();
        while let Some(carrier) = waiting.pop() {
            let media_type = format::known_media_type(&carrier.media_type);
            if carrier.depth > self.budget.carrier_depth_max {
                scorer.unread(UninspectedReason::TooDeep, media_type, carrier.place);
                continue;
            }
            let decoded = match carrier.packing {
                Packing::Plain => Some(carrier.text.clone().into_bytes()),
                Packing::Base64 => decode::base64(&carrier.text),
                Packing::Hex => embedded::hex(&carrier.text),
            };
            let Some(bytes) = decoded else {
                // Not base64 after all: then it is what it shows.
                scorer.unread(UninspectedReason::Malformed, media_type, carrier.place.clone());
                scorer.carried(&carrier, carrier.text.len());
                scorer.plain_text(&carrier.text);
                continue;
            };
            if bytes.len() > *left {
                scorer.unread(UninspectedReason::Budget, media_type, carrier.place);
                continue;
            }
            *left -= bytes.len();
            let bytes = match decode::content("", &bytes, &self.budget, left) {
                Ok(bytes) => bytes,
                Err(reason) => {
                    scorer.unread(reason, media_type, carrier.place);
                    continue;
                }
            };
            let bytes = match decode::wide(&bytes).filter(|_| carrier.packing != Packing::Plain) {
                Some(Ok(text)) => Cow::Owned(text.into_bytes()),
                Some(Err(reason)) => {
                    scorer.unread(reason, media_type, carrier.place);
                    continue;
                }
                None => bytes,
            };
            scorer.carried(&carrier, bytes.len());
            if carrier.media_type == QUERY_TYPE {
                scorer.carried_raw(Escapes::Percent, &bytes);
                let text = text_of(&bytes);
                let person = PersonId(0);
                scorer.person(person, Role::Patient);
                url::walk_url(&text, 0, &self.tables(), person, scorer);
            } else {
                let mut format = Format::of(&carrier.media_type, &bytes);
                let mut bytes = bytes;
                if format == Format::Binary
                    && let Some(plain) = decode::bare_deflate(&bytes, &self.budget, left)
                        .or_else(|| decode::bare_brotli(&bytes, left))
                {
                    format = Format::of(&carrier.media_type, &plain);
                    bytes = Cow::Owned(plain);
                }
                // The portrait of a practitioner, the mark of an organisation.
                if format == Format::Binary && carrier.is_nobodys() && embedded::is_picture(&bytes) {
                    continue;
                }
                let is_unknown =
                    format == Format::Binary && carrier.is_guess && !embedded::is_known_file(&bytes);
                match is_unknown.then(|| embedded::strings(&bytes)).flatten() {
                    // A message of a program, or a text with a mark of control in it.
                    Some(text) => scorer.plain_text(&text),
                    None => drop(self.document(format, &carrier.media_type, &bytes, scorer, false, left)),
                }
            }
            waiting.append(&mut scorer.take_carriers());
        }
    }
}

/// The media type of a search, with or without the path before it (FHIR R4, AuditEvent.entity.query).
const QUERY_TYPE: &str = "text/x-fhir-query";

const fn reason_of(error: WalkError) -> UninspectedReason {
    match error {
        WalkError::Malformed { .. } => UninspectedReason::Malformed,
        WalkError::TooDeep { .. } => UninspectedReason::TooDeep,
        WalkError::TooMuch { .. } => UninspectedReason::Budget,
        WalkError::NotUtf8 { .. } => UninspectedReason::Charset,
    }
}

/// The bytes as text: UTF-8, or else Latin-1, in which every byte is a character.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect()),
    }
}

/// Whether the first lines have as many cells each, two and more, or columns with blanks between, or quotes, in which lines
/// and delimiters may stand.
fn has_rows(bytes: &[u8]) -> bool {
    let lines = || {
        let lines = bytes.split(|b| matches!(b, b'\n' | b'\r')).map(<[u8]>::trim_ascii);
        lines.filter(|line| !line.is_empty()).take(ROWS_LOOKED_AT)
    };
    let are_apart = |line: &&[u8]| memchr::memmem::find(line, b"  ").is_some();
    memchr::memchr(b'"', bytes).is_some()
        || lines().filter(are_apart).nth(1).is_some()
        || b",;\t|".iter().any(|delimiter| {
            let cells = |line: &[u8]| memchr::memchr_iter(*delimiter, line).count();
            let first = lines().next().map_or(0, cells);
            first > 0 && lines().count() > 1 && lines().all(|line| cells(line) == first)
        })
}

/// Lines that tell whether a body is a table.
const ROWS_LOOKED_AT: usize = 8;

/// Whether more than one line begins as a JSON object.
fn is_ndjson(bytes: &[u8]) -> bool {
    bytes.split(|b| *b == b'\n').filter(|line| line.first() == Some(&b'{')).count() > 1
}

/// Headers that clients follow.
const LINK_HEADERS: &[&str] = &["location", "content-location", "link", "refresh"];

/// Header names that refusals and records may show.
#[must_use]
pub fn known_header(name: &str) -> Option<&'static str> {
    const KNOWN: &[&str] = &[
        "if-none-exist",
        "referer",
        "link",
        "location",
        "content-location",
        "refresh",
        "x-forwarded-uri",
        "x-original-url",
        "content-disposition",
        "cookie",
        "x-forwarded-for",
        "forwarded",
        "x-real-ip",
        "x-correlation-id",
        "x-trace-id",
    ];
    KNOWN.iter().find(|k| k.eq_ignore_ascii_case(name)).copied()
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod costs;
#[cfg(test)]
mod hidden;
