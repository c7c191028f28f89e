//! Request targets, queries, forms and headers: paths, queries and header values are payload too.
//!
//! Form, URL and headers tell of one person. A parameter is judged by its FHIR row; where there is none, its name is
//! looked up as a key name, and else its value is text with the name as cue.

mod names;
mod within;

use super::check::ssn::is_dashed;
use super::decode;
use super::field::{Field, FieldTable, listed};
use super::kind::Kind;
use super::walk::{Leaf, PersonId, Reads, Sink, object};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
pub(super) use within::Within;

/// The rows of targets and headers, compiled.
pub struct Queries {
    parameters: HashMap<String, Vec<Field>>,
    paths: HashMap<String, Field>,
    headers: Vec<(String, Field)>,
    /// Names of parameters, with and without what they are chained to.
    names: HashSet<String>,
}

impl Queries {
    /// Compiles the rows.
    ///
    /// # Errors
    /// The id of a row whose `at` is in no known notation.
    pub fn new(table: &FieldTable) -> Result<Self, String> {
        let mut out = Self {
            parameters: HashMap::new(),
            paths: HashMap::new(),
            headers: Vec::new(),
            names: HashSet::new(),
        };
        for field in &table.field {
            for at in &field.at {
                if let Some(name) = at.strip_suffix(':') {
                    out.headers.push((name.to_ascii_lowercase(), field.clone()));
                } else if let Some(kind) = at.strip_prefix('/') {
                    out.paths.insert(kind.to_owned(), field.clone());
                } else if let Some((_, name)) = at.split_once('?') {
                    out.names.extend(name.split(['.', ':']).map(str::to_owned));
                    out.parameters.entry(at.clone()).or_default().push(field.clone());
                } else {
                    return Err(format!("row `{}`: `at` is no parameter, path or header", field.id));
                }
            }
        }
        // A row with conditions wins over one without.
        for rows in out.parameters.values_mut() {
            rows.sort_by_key(|f| f.when.systems.is_empty());
        }
        Ok(out)
    }

    /// The row of a header, by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Field> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(at, _)| listed(std::slice::from_ref(at), &name)).map(|(_, f)| f)
    }

    /// The rows of a parameter, best first.
    fn parameter(&self, resource: &str, name: &str) -> &[Field] {
        let rows = if let Some((root, last)) = chained(name) {
            let leads_to_patient = root.is_empty()
                || PATIENT_REFERENCES.iter().any(|p| root.starts_with(p))
                || root.contains(":Patient");
            leads_to_patient.then(|| self.parameters.get(&format!("*?*.{last}"))).flatten()
        } else {
            let name = name.split(':').next().unwrap_or(name);
            self.parameters
                .get(&format!("{resource}?{name}"))
                .or_else(|| self.parameters.get(&format!("*?{name}")))
        };
        rows.map_or(&[], Vec::as_slice)
    }
}

/// What a parameter's name says, looked up once for all its values.
struct Meant<'t> {
    rows: &'t [Field],
    /// As the name of a key, where no row holds.
    key: Option<&'t Field>,
}

impl<'t> Meant<'t> {
    /// The row of a value of this system.
    fn field(&self, system: &str) -> Option<&'t Field> {
        let holds = |f: &&Field| f.when.systems.is_empty() || listed(&f.when.systems, system);
        self.rows.iter().find(holds).or(self.key)
    }
}

/// What a query's parameters are looked up in.
pub struct Tables<'a> {
    /// Search parameters, paths and headers.
    pub queries: &'a Queries,
    /// Key names of no known format.
    pub objects: &'a object::Table,
}

impl Tables<'_> {
    /// A parameter's name as a place shows it: words of our tables, `*` for every other.
    pub(super) fn shown(&self, name: &str) -> String {
        let mut out = String::new();
        for part in name.split_inclusive(['.', ':', '[', ']']).take(NAME_PARTS_MAX) {
            let word = part.trim_end_matches(['.', ':', '[', ']']);
            if word.is_empty() {
                continue;
            }
            if !out.is_empty() {
                out.push('.');
            }
            out += &self.word(word).unwrap_or(Cow::Borrowed("*"));
        }
        out
    }

    /// A word of a parameter's name as it may be shown; `None` for one that our tables don't have.
    pub(crate) fn word<'w>(&self, word: &'w str) -> Option<Cow<'w, str>> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        match self.objects.shown(word) {
            _ if self.queries.names.contains(word) || PATIENT_REFERENCES.contains(&word) => Some(word.into()),
            Some(_) if word.bytes().all(plain) => Some(word.into()),
            Some(known) => Some(known.into()),
            None => MODIFIERS.contains(&word).then(|| word.into()),
        }
    }
}

/// Walks a path. `resource` of what follows in the query is given back: `Patient` for `/fhir/Patient`.
pub fn walk_path<'p>(path: &'p str, tables: &Tables<'_>, person: PersonId, sink: &mut dyn Sink) -> &'p str {
    let mut resource = "";
    let mut before: Cow<'_, str> = Cow::Borrowed("");
    let mut at = 0;
    for (index, segment) in path.split('/').enumerate() {
        let span = at..at + segment.len();
        at = span.end + 1;
        if segment.is_empty() {
            continue;
        }
        let value = if segment.contains('%') {
            Cow::Owned(decode::percent(segment, false))
        } else {
            Cow::Borrowed(segment)
        };
        let row = tables.queries.paths.get(before.as_ref());
        let place = || format!("segment {index}");
        if let Some(field) = row.filter(|_| !value.starts_with(['_', '$'])) {
            let reads = if looks_like_identifier(&value) { Reads::Text } else { Reads::Opaque };
            if reads == Reads::Text {
                let leaf = Leaf {
                    span: span.clone(),
                    value: value.clone(),
                    field: None,
                    person,
                    reads,
                    cue: "patient id",
                };
                sink.leaf(&leaf, &place);
            }
            sink.leaf(
                &Leaf {
                    span,
                    value: value.clone(),
                    field: Some(field),
                    person,
                    reads: Reads::Opaque,
                    cue: "",
                },
                &place,
            );
        } else {
            let reads = if is_word(&value) { Reads::Code } else { Reads::Text };
            let cue = before.as_ref();
            sink.leaf(&Leaf { span, value: value.clone(), field: None, person, reads, cue }, &place);
        }
        if segment.starts_with(|c: char| c.is_ascii_uppercase()) && is_word(segment) {
            resource = segment;
        }
        before = value;
    }
    resource
}

/// Walks `a=1&b=2`: a query without its `?`, or a form. Spans are bytes of `query`, moved by `offset`.
pub fn walk_query(
    query: &str,
    offset: usize,
    resource: &str,
    tables: &Tables<'_>,
    person: PersonId,
    sink: &mut dyn Sink,
) {
    let resource = if resource.is_empty() { "Patient" } else { resource };
    let has_names = names::has_first_and_last(query, tables.objects);
    let is_staffs = names::is_staffs(query);
    let mut at = 0;
    for (index, pair) in query.split('&').enumerate() {
        let start = at;
        at += pair.len() + 1;
        if pair.is_empty() {
            continue;
        }
        let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = one_of(decode::percent(raw_name, true), tables.objects);
        let value_start = offset + start + raw_name.len() + 1;
        let meant = Meant {
            rows: tables.queries.parameter(resource, &name),
            key: field_of_key(tables.objects, &name)
                .or_else(|| names::part(&name, tables.objects).filter(|_| has_names)),
        };
        let known = meant.field("").is_some();
        let shown = OnceCell::new();
        let show = || if known { tables.shown(&name) } else { format!("*[{index}]") };
        let place = || shown.get_or_init(show).clone();
        if !known {
            let span = offset + start..offset + start + raw_name.len();
            sink.unknown_key(&name, span, person, &place);
        }
        for (raw, span) in pieces(raw_value, value_start) {
            let value = decode::percent(raw, true);
            if is_staffs || meant.rows.is_empty() && is_of_a_role(&name, &value) {
                let (value, person, reads) = (Cow::Owned(value), PersonId::NOBODY, Reads::Public);
                sink.leaf(&Leaf { span, value, field: None, person, reads, cue: &name }, &place);
                continue;
            }
            parameter_value(&value, span, &meant, person, &name, &place, sink);
        }
    }
}

/// Walks one argument of a GraphQL request by its name: as a search parameter (`address_city` is `address-city`), else as
/// a key; `reads` is how it reads where nothing tells.
pub(super) fn walk_argument(
    name: &str,
    value: &str,
    span: Range<usize>,
    (reads, person): (Reads<'_>, PersonId),
    resource: &str,
    tables: &Tables<'_>,
    sink: &mut dyn Sink,
) {
    let dashed = match name.strip_prefix('_') {
        Some(rest) => format!("_{}", rest.replace('_', "-")),
        None => name.replace('_', "-"),
    };
    let meant = Meant { rows: tables.queries.parameter(resource, &dashed), key: tables.objects.lookup(name) };
    let known = meant.field("").is_some();
    let place = || if known { format!("query.{}", tables.shown(name)) } else { "query.*".to_owned() };
    if known || reads == Reads::Text {
        parameter_value(value, span, &meant, person, name, &place, sink);
    } else {
        let value = Cow::Borrowed(value);
        sink.leaf(&Leaf { span, value, field: None, person, reads, cue: name }, &place);
    }
}

fn parameter_value(
    value: &str,
    span: Range<usize>,
    meant: &Meant<'_>,
    person: PersonId,
    name: &str,
    place: &dyn Fn() -> String,
    sink: &mut dyn Sink,
) {
    let (system, bare) = value.rsplit_once('|').unwrap_or(("", value));
    let Some(field) = meant.field(system) else {
        let leaf =
            Leaf { span, value: Cow::Borrowed(value), field: None, person, reads: Reads::Text, cue: name };
        sink.leaf(&leaf, place);
        return;
    };
    let (value, reads) = match field.reads.as_str() {
        "date" => (strip_prefix(value), Reads::Value),
        "identifier" => (bare, Reads::Value),
        "reference" => (value, Reads::Opaque),
        "text" => (value, Reads::Text),
        _ => (value, Reads::Value),
    };
    sink.leaf(
        &Leaf { span, value: Cow::Borrowed(value), field: Some(field), person, reads, cue: name },
        place,
    );
}

/// Walks one header value that isn't on the safe list.
pub fn walk_header(name: &str, value: &str, tables: &Tables<'_>, person: PersonId, sink: &mut dyn Sink) {
    let field = tables.queries.header(name);
    if field.is_none()
        && let Some(field) = own_header(name, tables)
    {
        let leaf = Leaf {
            span: 0..value.len(),
            value: Cow::Owned(decode::percent(value, false)),
            field: Some(field),
            person,
            reads: Reads::Value,
            cue: name,
        };
        return sink.leaf(&leaf, &|| "value".to_owned());
    }
    let place = || "value".to_owned();
    let leaf = |reads, field| Leaf {
        span: 0..value.len(),
        value: Cow::Borrowed(value),
        field,
        person,
        reads,
        cue: name,
    };
    match field.map(|f| f.reads.as_str()) {
        Some("query") => walk_query(value.trim_start_matches('?'), 0, "", tables, person, sink),
        Some("url") => drop(walk_url(value, 0, tables, person, sink)),
        Some("ip") => {
            let mut at = 0;
            for piece in value.split([',', ';', '"', '=', ' ']) {
                let span = at..at + piece.len();
                at = span.end + 1;
                let bare = piece.trim_matches(['[', ']']);
                let bare = if bare.matches(':').count() == 1 {
                    bare.split(':').next().unwrap_or(bare)
                } else {
                    bare
                };
                if bare.parse::<std::net::IpAddr>().is_ok() {
                    let leaf = Leaf {
                        span,
                        value: Cow::Borrowed(bare),
                        field,
                        person,
                        reads: Reads::Value,
                        cue: "",
                    };
                    sink.leaf(&leaf, &place);
                }
            }
        }
        Some(_) => sink.leaf(&leaf(Reads::Text, field), &place),
        None => sink.leaf(&leaf(Reads::Text, None), &place),
    }
}

/// The row of a header of an application's own that is named as what only an individual has: `X-Last-Name`, `Patient-MRN`.
/// `Name` alone is what a program is called.
fn own_header<'t>(name: &str, tables: &Tables<'t>) -> Option<&'t Field> {
    let bare = match name.get(..2) {
        Some(mark) if mark.eq_ignore_ascii_case("x-") => name.get(2..).unwrap_or_default(),
        _ => name,
    };
    let tells = !bare.eq_ignore_ascii_case("name") && tables.objects.is_an_individuals(bare);
    tells.then(|| tables.objects.lookup(bare)).flatten()
}

/// Walks a URL, absolute or not, or a bare `a=1&b=2`. Gives the resource type that its path names.
pub fn walk_url<'u>(
    url: &'u str,
    offset: usize,
    tables: &Tables<'_>,
    person: PersonId,
    sink: &mut dyn Sink,
) -> &'u str {
    let url = url.split('#').next().unwrap_or(url);
    match url.split_once('?') {
        Some((before, query)) => {
            let path = before.rsplit_once("://").map_or(before, |(_, p)| p);
            let to = |at: usize| at + offset + before.len() - path.len();
            let resource = walk_path(path, tables, person, &mut Moved { to: &to, sink });
            walk_query(query, offset + before.len() + 1, resource, tables, person, sink);
            resource
        }
        None if url.contains('=') && !url.contains('/') => {
            walk_query(url, offset, "", tables, person, sink);
            ""
        }
        None => {
            let path = url.rsplit_once("://").map_or(url, |(_, p)| p);
            let to = |at: usize| at + offset + url.len() - path.len();
            walk_path(path, tables, person, &mut Moved { to: &to, sink })
        }
    }
}

/// Whether a header's values are the protocol's own, never anybody's data; its name in lower case.
fn is_protocol_header(name: &str) -> bool {
    matches!(
        name,
        "accept"
            | "accept-charset"
            | "accept-encoding"
            | "accept-language"
            | "authorization"
            | "cache-control"
            | "connection"
            | "content-encoding"
            | "content-length"
            | "content-type"
            | "date"
            | "expect"
            | "host"
            | "if-match"
            | "if-modified-since"
            | "if-none-match"
            | "if-unmodified-since"
            | "keep-alive"
            | "origin"
            | "pragma"
            | "prefer"
            | "proxy-authorization"
            | "range"
            | "te"
            | "trailer"
            | "traceparent"
            | "tracestate"
            | "transfer-encoding"
            | "user-agent"
            | "via"
            | "x-request-id"
            | "phigate-key"
    )
}

/// Whether a header is the protocol's own by its name, and its value is what the protocol has there: in those that take
/// words of the sender's anybody's data may stand.
#[must_use]
pub fn is_protocols(name: &str, value: &str) -> bool {
    let name = match name.bytes().any(|b| b.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name), // as they are read
    };
    is_protocol_header(&name) && has_protocols_words(&name, value)
}

/// Whether a value keeps to the grammar of its header (RFC 9110; RFC 7240 for `Prefer`), seen from afar.
fn has_protocols_words(name: &str, value: &str) -> bool {
    match name {
        // Credentials are looked at by who knows them; words are none.
        "authorization" | "proxy-authorization" => are_credentials(value),
        "phigate-key" => true,
        "date" | "if-modified-since" | "if-unmodified-since" => {
            value.len() <= DATE_BYTES_MAX && value.ends_with("GMT")
        }
        "user-agent" | "via" => products(value),
        _ => {
            let piece = |piece: &str| {
                let piece = piece.trim();
                !piece.contains([' ', '\t', '@', '%', '&']) && !is_dashed(piece.trim_matches(['"', 'W', '/']))
            };
            value.split([',', ';']).all(piece)
        }
    }
}

/// Whether a value is a scheme and a token, or a scheme and parameters (RFC 9110, section 11.4).
fn are_credentials(value: &str) -> bool {
    let mut words = value.split_ascii_whitespace().skip(1);
    let is_token = |word: &str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
    match (words.next(), words.next()) {
        (None, _) => true,
        (Some(token), None) if is_token(token) => true,
        (Some(first), second) => {
            first.contains('=') && second.into_iter().chain(words).all(|word| word.contains('='))
        }
    }
}

/// Names of programs with their versions, and what stands in brackets of their systems: no mailbox, no number as people have.
fn products(value: &str) -> bool {
    let mut depth = 0_usize;
    value.split_ascii_whitespace().all(|word| {
        let inside = depth > 0 || word.starts_with('(');
        for b in word.bytes() {
            match b {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        let bare = word.trim_matches(['(', ')', ';', ',']);
        let is_version = bare.contains(['/', '.', '_', ':']) && !bare.contains("://");
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        let tells = is_dashed(bare) || bare.contains('@') || !is_version && digits > VERSION_DIGITS_MAX;
        !tells && (inside || !word.ends_with([':', ',', ';']))
    })
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, or the forms before it.
const DATE_BYTES_MAX: usize = 34;
/// A number of more digits that is no version is somebody's.
const VERSION_DIGITS_MAX: usize = 6;

/// A sink that moves spans.
pub(super) struct Moved<'s> {
    /// From a byte of what is walked to where it stands.
    pub(super) to: &'s dyn Fn(usize) -> usize,
    pub(super) sink: &'s mut dyn Sink,
}

impl Sink for Moved<'_> {
    fn person(&mut self, id: PersonId, role: super::walk::Role) {
        self.sink.person(id, role);
    }
    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        let span = (self.to)(leaf.span.start)..(self.to)(leaf.span.end);
        self.sink.leaf(&Leaf { span, ..leaf.clone() }, place);
    }
    fn clinical(&mut self, person: PersonId) {
        self.sink.clinical(person);
    }
    fn elsewhere(&mut self, media_type: &'static str, place: &dyn Fn() -> String) {
        self.sink.elsewhere(media_type, place);
    }
    fn declared(&mut self, mode: super::walk::Declared, place: &dyn Fn() -> String) {
        self.sink.declared(mode, place);
    }
    fn unknown_key(&mut self, key: &str, span: Range<usize>, person: PersonId, place: &dyn Fn() -> String) {
        self.sink.unknown_key(key, (self.to)(span.start)..(self.to)(span.end), person, place);
    }
}

/// Values of a parameter: split at commas that aren't escaped.
fn pieces(raw: &str, start: usize) -> impl Iterator<Item = (&str, Range<usize>)> {
    let mut at = start;
    raw.split(',').map(move |piece| {
        let span = at..at + piece.len();
        at = span.end + 1;
        (piece, span)
    })
}

/// `patient.name` and `_has:Observation:patient:code`: the root and the last segment.
fn chained(name: &str) -> Option<(&str, &str)> {
    if name.starts_with("_has:") {
        return name.rsplit_once(':').map(|(_, last)| ("", last));
    }
    let (root, last) = name.rsplit_once('.')?;
    Some((root, last.split(':').next().unwrap_or(last)))
}

/// The name of one of several, where that is a key and that of all isn't: `dobs[]` is `dob[]`.
fn one_of(name: String, objects: &object::Table) -> String {
    let Some(one) = name.strip_suffix("s[]").map(|stem| format!("{stem}[]")) else { return name };
    let is_one = last_name(&one).eq_ignore_ascii_case("name") || field_of_key(objects, &one).is_some();
    if is_one && field_of_key(objects, &name).is_none() { one } else { name }
}

/// The row of a name as a key of the last of its parts that is a word, below the one before: `last_name[]`,
/// `patients[0].last_name`, `patient[name][last]`.
pub(crate) fn field_of_key<'t>(objects: &'t object::Table, name: &str) -> Option<&'t Field> {
    let mut words = words_of(name);
    let last = words.next()?;
    let above = words.next().unwrap_or_default();
    // `patient[name]` is `patient_name`: of `name` alone nothing is known.
    let joined = || {
        let is_name = !above.is_empty() && last.eq_ignore_ascii_case("name");
        let field = is_name.then(|| objects.lookup(&format!("{above}{last}"))).flatten();
        field.filter(|field| field.kind == Kind::FullName)
    };
    objects.lookup_below(above, last).or_else(joined)
}

/// Longer names say no role: they are read for each of their values.
const ROLE_BYTES_MAX: usize = 64;

/// Whether a parameter is that of somebody who works there: `providerPhone=…`, `provider[phone]=…`.
fn is_of_a_role(name: &str, value: &str) -> bool {
    if value.is_empty() || name.len() > ROLE_BYTES_MAX {
        return false;
    }
    let mut words = words_of(name);
    let last = words.next().unwrap_or_default();
    object::is_of_a_role(words.next().unwrap_or_default(), last, value)
}

/// The last part of a name that is a word.
pub(crate) fn last_name(name: &str) -> &str {
    words_of(name).next().unwrap_or_default()
}

/// The parts of a name that are words, the last one first.
fn words_of(name: &str) -> impl Iterator<Item = &str> {
    // But for a tag of DICOM's group of the patient.
    let is_tag = |part: &str| part.len() == 8 && part.starts_with("0010");
    let is_word = move |part: &&str| is_tag(part) || !part.bytes().all(|b| b.is_ascii_digit());
    name.rsplit(['.', '[']).map(|part| part.trim_end_matches(']')).filter(is_word)
}

/// Takes a search prefix off: `ge1970-01-01`.
fn strip_prefix(value: &str) -> &str {
    const PREFIXES: &[&str] = &["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"];
    PREFIXES.iter().find_map(|p| value.strip_prefix(p)).unwrap_or(value)
}

/// Letters, `$`, `_`, `-` and a version number: a route's word, not a value.
fn is_word(segment: &str) -> bool {
    segment.bytes().all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'-' | b'$' | b'.'))
        && segment.len() <= 32
        || segment.len() <= 4 && !segment.bytes().all(|b| b.is_ascii_digit())
}

fn looks_like_identifier(id: &str) -> bool {
    id.len() == 11 && id.bytes().filter(|b| *b == b'-').count() == 2
}

/// Of a name no more parts are shown.
pub(crate) const NAME_PARTS_MAX: usize = 6;
/// What may stand behind a search parameter, beside a resource type.
const MODIFIERS: &[&str] =
    &["contains", "exact", "identifier", "missing", "not", "of-type", "text", "Patient"];
const PATIENT_REFERENCES: &[&str] = &["patient", "subject", "beneficiary", "individual", "member"];

#[cfg(test)]
mod tests;
