//! Links that lead past the gateway: a reply that names a host of another environment takes whoever follows it there
//! without a judgement. Bulk manifests (Bulk Data Access IG, `output[].url`), `Bundle.link`, `Attachment.url`, DICOM's
//! `BulkDataURI`, and the headers `Location`, `Content-Location` and `Link` (RFC 8288).

use super::walk::json::{NodeId, NodeKind, Tape};

/// The hosts of absolute links in a document that aren't among `known`, each with its place.
#[must_use]
pub fn off_path(tape: &Tape<'_>, known: &[String]) -> Vec<String> {
    let mut places = Vec::new();
    for id in tape.nodes() {
        if tape.kind(id) == NodeKind::String
            && let Some(place) = link(tape, id)
            && leads_past(&tape.value(id), known)
        {
            places.push(place);
        }
    }
    places
}

/// Whether a header's value has a link to a host that isn't among `known`: a URL, or `<url>; rel=next, …`.
#[must_use]
pub fn header_leads_past(value: &str, known: &[String]) -> bool {
    if !value.contains('<') {
        return leads_past(value.trim(), known);
    }
    value
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .any(|(url, _)| leads_past(url.trim(), known))
}

/// Whether a URL is absolute, and its host none of `known`: `host` of any port, or `host:port`.
fn leads_past(url: &str, known: &[String]) -> bool {
    let lower = url.to_ascii_lowercase();
    let (default_port, rest) = if let Some(rest) = lower.strip_prefix("http://") {
        (":80", rest)
    } else if let Some(rest) = lower.strip_prefix("https://") {
        (":443", rest)
    } else if let Some(rest) = lower.strip_prefix("//") {
        ("", rest)
    } else {
        return false;
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // What stands before an `@` is no host, though it may look like one.
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let authority = authority.strip_suffix(default_port).unwrap_or(authority);
    let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let host = host.map_or(authority, |(host, _)| host);
    !known.iter().any(|known| known == authority || known == host)
}

/// The place of a string that somebody follows.
fn link(tape: &Tape<'_>, id: NodeId) -> Option<String> {
    if tape.key_is(id, "BulkDataURI") {
        return Some("BulkDataURI".to_owned());
    }
    if !tape.key_is(id, "url") {
        return None;
    }
    let object = tape.parent(id)?;
    let holder = tape.element(object).and_then(|_| tape.parent(object)).unwrap_or(object);
    let known = LISTS.iter().find(|list| tape.key_is(holder, list));
    if let (Some(list), Some(number)) = (known, tape.element(object)) {
        return Some(format!("{list}[{number}].url"));
    }
    let key = tape.key(holder).unwrap_or_default();
    let is_attachment = key.to_ascii_lowercase().ends_with("attachment")
        || key == "photo"
        || tape.get(object, "contentType").is_some();
    is_attachment.then(|| "attachment.url".to_owned())
}

const LISTS: &[&str] = &["link", "output", "deleted", "error"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::walk::json::JSON_DEPTH_MAX;

    fn places(json: &str) -> Vec<String> {
        let tape = Tape::read(json.as_bytes(), JSON_DEPTH_MAX).expect("JSON");
        off_path(&tape, &["gate.example:8080".to_owned(), "fhir.example".to_owned()])
    }

    #[test]
    fn a_manifest_s_files_and_a_page_s_links_are_asked() {
        let manifest = r#"{"output":[{"type":"Patient","url":"https://bulk.prod.example/1"},{"url":"https://fhir.example/2"}]}"#;
        assert_eq!(places(manifest), ["output[0].url"]);
        let page = r#"{"resourceType":"Bundle","link":[{"relation":"self","url":"http://gate.example:8080/a"},{"relation":"next","url":"http://gate.example:9090/a"}]}"#;
        assert_eq!(places(page), ["link[1].url"]);
        let attachment = r#"{"content":[{"attachment":{"contentType":"application/pdf","url":"https://files.prod.example/1"}}],"photo":[{"url":"https://files.prod.example/2"}]}"#;
        assert_eq!(places(attachment), ["attachment.url", "attachment.url"]);
    }

    #[test]
    fn names_that_nobody_follows_and_relative_links_are_not() {
        let names = r#"{"url":"http://hl7.org/fhir/StructureDefinition/x","meta":{"profile":["http://a.example/p"]},"extension":[{"url":"http://hl7.org/x"}],"link":[{"url":"Patient?page=2"}],"fullUrl":"http://else.example/1"}"#;
        assert_eq!(places(names), [] as [String; 0]);
    }

    #[test]
    fn a_host_is_read_as_a_client_reads_it() {
        let known = ["good.example".to_owned()];
        assert!(!leads_past("https://GOOD.example:443/x", &known));
        assert!(leads_past("https://good.example@bad.example/x", &known));
        assert!(leads_past("https://good.example.bad.example/", &known));
        assert!(leads_past("https://bad.example\\@good.example/", &known));
        assert!(leads_past("//bad.example/x", &known));
        assert!(header_leads_past("<https://bad.example/2>; rel=\"next\"", &known));
        assert!(!header_leads_past("</2>; rel=\"next\", <https://good.example/1>; rel=\"prev\"", &known));
    }
}
