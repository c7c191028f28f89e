//! Dialects: which of them a caller speaks, by what the message is, says of itself and asks for.

use super::grpc::Wire;
use super::soap::Soap;
use crate::inspect::format::Format;

/// How the caller speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// FHIR: OperationOutcome as JSON.
    Fhir,
    /// FHIR, asked for as XML.
    FhirXml,
    /// HL7v2: an acknowledgement.
    Hl7v2,
    /// The Redox data models: `Meta.Errors`.
    Redox,
    /// SOAP: a fault.
    Soap(Soap),
    /// GraphQL: `errors`, as `application/json`.
    Graphql,
    /// GraphQL, asked for as `application/graphql-response+json`.
    GraphqlResponse,
    /// gRPC: a status, in the head alone.
    Grpc(Wire),
    /// Anything else: problem details (RFC 9457).
    Problem,
}

/// What of a message tells its dialect: payload, all of it.
#[derive(Clone, Copy, Default)]
pub struct Spoken<'a> {
    /// What its body turned out to be; `Empty` where nobody looked.
    pub format: Format,
    /// `Content-Type`.
    pub content_type: &'a str,
    /// `Accept`.
    pub accept: &'a str,
    /// Whether it has a `SOAPAction`.
    pub has_soap_action: bool,
    /// The path of its target.
    pub path: &'a str,
    /// The query of its target.
    pub query: &'a str,
    /// Its body as it came; empty where it wasn't held.
    pub body: &'a [u8],
}

impl Dialect {
    /// The caller's dialect, by what the body is, its declared type, what is accepted and where it goes. Of FHIR the
    /// format is that of `_format`, else what is accepted best, else what was sent (FHIR R4, section 3.1.0.1.11).
    #[must_use]
    pub fn of(spoken: &Spoken<'_>) -> Self {
        let content_type = spoken.content_type.to_ascii_lowercase();
        let accept = spoken.accept.to_ascii_lowercase();
        let format = spoken.format;
        // First: such a caller reads a status, and no body whatever it says.
        if let Some(wire) = Wire::of(&content_type) {
            return Self::Grpc(wire);
        }
        // Whoever sends it in XML wants no delimiters back, and its header is not where an acknowledgement looks.
        let is_er7 = content_type.contains("hl7-v2") && !content_type.contains("xml");
        if format == Format::Hl7v2 || is_er7 {
            return Self::Hl7v2;
        }
        if format == Format::Redox {
            return Self::Redox;
        }
        if let Some(soap) = Soap::of(&content_type, &accept, spoken.has_soap_action, spoken.body) {
            return Self::Soap(soap);
        }
        let wants_response = accepts(&accept, GRAPHQL_RESPONSE);
        let is_graphql = format == Format::Graphql
            || content_type.starts_with("application/graphql")
            || wants_response
            || is_graphql_path(spoken.path);
        if is_graphql {
            return if wants_response { Self::GraphqlResponse } else { Self::Graphql };
        }
        let is_fhir = matches!(format, Format::FhirJson | Format::FhirXml)
            || content_type.contains("fhir+")
            || accept.contains("fhir+")
            || spoken.path.split('/').any(|s| s.eq_ignore_ascii_case("fhir"));
        if !is_fhir {
            return Self::Problem;
        }
        let sent_xml = format == Format::FhirXml || content_type.contains("fhir+xml");
        let asked = form_urlencoded::parse(spoken.query.as_bytes()).find(|(name, _)| name == "_format");
        let asked = asked.and_then(|(_, wanted)| is_xml(&wanted.to_ascii_lowercase()));
        match asked.or_else(|| accepts_xml(&accept)).unwrap_or(sent_xml) {
            true => Self::FhirXml,
            false => Self::Fhir,
        }
    }
}

/// Whether the path ends where GraphQL is served: of a message that streams nobody has read the body.
fn is_graphql_path(path: &str) -> bool {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    last.eq_ignore_ascii_case("graphql") || last.eq_ignore_ascii_case("$graphql")
}

/// Whether a media type, or a word of `_format`, means FHIR in XML; `None`: neither XML nor JSON.
fn is_xml(media_type: &str) -> Option<bool> {
    // A plus that wasn't escaped came as a blank.
    match media_type.split(';').next().unwrap_or_default().trim() {
        "xml" | "text/xml" | "application/xml" | "application/fhir+xml" | "application/fhir xml" => {
            Some(true)
        }
        "json" | "text/json" | "application/json" | "application/fhir+json" | "application/fhir json" => {
            Some(false)
        }
        _ => None,
    }
}

/// Whether XML is accepted better than JSON; `None` where neither is named. Of equals the first counts.
fn accepts_xml(accept: &str) -> Option<bool> {
    let mut best: Option<(bool, f32)> = None;
    for range in accept.split(',') {
        let Some(xml) = is_xml(range) else { continue };
        let quality = quality(range);
        if quality > best.map_or(0.0, |(_, most)| most) {
            best = Some((xml, quality));
        }
    }
    best.map(|(xml, _)| xml)
}

/// Whether a media type is accepted by its name.
pub(super) fn accepts(accept: &str, media_type: &str) -> bool {
    accept
        .split(',')
        .any(|range| range.split(';').next().unwrap_or_default().trim() == media_type && quality(range) > 0.0)
}

fn quality(range: &str) -> f32 {
    let quality = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
    quality.map_or(1.0, |q| q.trim().parse().unwrap_or(0.0))
}

const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";
