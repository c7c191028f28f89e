//! Dialects: which of them a caller speaks, by what the message is, says of itself and asks for.

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
    /// Anything else: problem details (RFC 9457).
    Problem,
}

impl Dialect {
    /// The caller's dialect, by what the body is, its declared type, what is accepted and where it goes. Of FHIR the
    /// format is that of `_format`, else what is accepted best, else what was sent (FHIR R4, section 3.1.0.1.11).
    #[must_use]
    pub fn of(format: Format, content_type: &str, accept: &str, path: &str, query: &str) -> Self {
        let (content_type, accept) = (content_type.to_ascii_lowercase(), accept.to_ascii_lowercase());
        // Whoever sends it in XML wants no delimiters back, and its header is not where an acknowledgement looks.
        let is_er7 = content_type.contains("hl7-v2") && !content_type.contains("xml");
        if format == Format::Hl7v2 || is_er7 {
            return Self::Hl7v2;
        }
        if format == Format::Redox {
            return Self::Redox;
        }
        let is_fhir = matches!(format, Format::FhirJson | Format::FhirXml)
            || content_type.contains("fhir+")
            || accept.contains("fhir+")
            || path.split('/').any(|s| s.eq_ignore_ascii_case("fhir"));
        if !is_fhir {
            return Self::Problem;
        }
        let sent_xml = format == Format::FhirXml || content_type.contains("fhir+xml");
        let asked = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "_format");
        let asked = asked.and_then(|(_, wanted)| is_xml(&wanted.to_ascii_lowercase()));
        match asked.or_else(|| accepts_xml(&accept)).unwrap_or(sent_xml) {
            true => Self::FhirXml,
            false => Self::Fhir,
        }
    }
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
        let quality = range.split(';').skip(1).find_map(|parameter| parameter.trim().strip_prefix("q="));
        let quality = quality.map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        if quality > best.map_or(0.0, |(_, most)| most) {
            best = Some((xml, quality));
        }
    }
    best.map(|(xml, _)| xml)
}
