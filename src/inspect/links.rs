//! Links that lead past the gateway: a reply that names a host of another environment takes whoever follows it there
//! without a judgement. Bulk manifests (Bulk Data Access IG, `output[].url`), `Bundle.link`, `Attachment.url`, DICOM's
//! `BulkDataURI`, and the headers `Location`, `Content-Location` and `Link` (RFC 8288).

use super::walk::json::{NodeId, NodeKind, Tape};
use std::sync::Arc;

/// Hosts that links of one environment's replies may lead to, and those that they never may.
#[derive(Clone, Default)]
pub struct Hosts {
    of: Arc<OfEnvironment>,
    /// The gateway, as its caller names it.
    gateway: Option<(String, Option<u16>)>,
}

#[derive(Default)]
struct OfEnvironment {
    own: Vec<(String, u16)>,
    foreign: Vec<(String, u16)>,
    listed: Vec<(String, Option<u16>)>,
}

impl Hosts {
    /// `own`: the environment's upstreams, host and port. `listed`: `host`, which is any port of it, or `host:port`.
    /// `foreign`: upstreams of other environments; no link may lead there, whatever is listed.
    #[must_use]
    pub fn new<'h>(
        own: impl Iterator<Item = (&'h str, u16)>,
        listed: impl Iterator<Item = &'h str>,
        foreign: impl Iterator<Item = (&'h str, u16)>,
    ) -> Self {
        fn plain((host, port): (&str, u16)) -> (String, u16) {
            let host = host.to_ascii_lowercase();
            // A bare address of IPv6 stands in brackets in a link.
            (if host.contains(':') { format!("[{host}]") } else { host }, port)
        }
        let of = OfEnvironment {
            own: own.map(plain).collect(),
            foreign: foreign.map(plain).collect(),
            listed: listed.filter_map(split).collect(),
        };
        Self { of: Arc::new(of), gateway: None }
    }

    /// The same with the gateway, as the `Host` of a request calls it. Without a port it is that of either scheme.
    #[must_use]
    pub fn and_gateway(&self, host: Option<&str>) -> Self {
        Self { of: self.of.clone(), gateway: host.and_then(split) }
    }

    /// Whether a link leads past the gateway, which goes to one of these ports of a host.
    fn is_past(&self, host: &str, ports: &[u16]) -> bool {
        let stands_in = |list: &[(String, u16)], port: u16| list.iter().any(|(h, p)| h == host && *p == port);
        let is_own = |port| stands_in(&self.of.own, port);
        let is_listed = |port| self.of.listed.iter().any(|(h, p)| h == host && p.is_none_or(|p| p == port));
        let is_gateway = |port| {
            let named = self.gateway.as_ref().filter(|(h, _)| h == host);
            named.is_some_and(|(_, p)| p.map_or(USUAL_PORTS.contains(&port), |p| p == port))
        };
        let is_foreign = |port| stands_in(&self.of.foreign, port) && !is_own(port);
        ports.iter().any(|port| is_foreign(*port))
            || !ports.iter().any(|port| is_own(*port) || is_listed(*port) || is_gateway(*port))
    }
}

/// Host and port of an authority; `None` where it has a port that is none.
fn split(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (host, port),
        _ => (authority, ""),
    };
    let port = if port.is_empty() { None } else { Some(port.parse().ok()?) };
    Some((host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(), port))
}

/// The hosts of absolute links in a document that aren't among `known`, each with its place.
#[must_use]
pub fn off_path(tape: &Tape<'_>, known: &Hosts) -> Vec<String> {
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

/// Whether a header's value has a link to a host that isn't among `known`: a URL, `<url>; rel=next, …`, or what browsers
/// load after a while (`5; url='…'`).
#[must_use]
pub fn header_leads_past(name: &str, value: &str, known: &Hosts) -> bool {
    if name == REFRESH {
        let url = value.split_once([';', ',']).map_or("", |(_, url)| url.trim_start());
        let named = url.get(..3).filter(|word| word.eq_ignore_ascii_case("url"));
        let named = named.and_then(|_| url.get(3..)?.trim_start().strip_prefix('='));
        return leads_past(named.unwrap_or(url).trim().trim_matches(['"', '\'']), known);
    }
    if !value.contains('<') {
        return leads_past(value.trim(), known);
    }
    value
        .split('<')
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .any(|(url, _)| leads_past(url.trim(), known))
}

/// Whether a URL is absolute, and leads past the gateway. It is read as browsers read it (URL Standard, section 4.4): of
/// blanks around it, tabs and line ends in it nothing is left, `\` is `/`, and behind the scheme any number of them stands
/// before the host, or none.
fn leads_past(url: &str, known: &Hosts) -> bool {
    let is_left = |c: &char| !matches!(c, '\t' | '\n' | '\r');
    let url: String = url.trim_matches(|c: char| c <= ' ').chars().filter(is_left).collect();
    let scheme = url.split_once(':').and_then(|(scheme, rest)| {
        let (_, ports) = SCHEMES.iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name))?;
        Some((*ports, rest))
    });
    let is_slash = |c: char| matches!(c, '/' | '\\');
    let (usual, rest) = match scheme {
        Some((ports, rest)) => (ports, rest.trim_start_matches(is_slash)),
        // By the scheme that the reply is asked with, which is the caller's.
        None if url.bytes().take_while(|b| is_slash(char::from(*b))).count() > 1 => {
            (&USUAL_PORTS[..], url.trim_start_matches(is_slash))
        }
        None => return false,
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // What stands before an `@` is no host, though it may look like one.
    let authority = authority.rsplit('@').next().unwrap_or_default();
    match split(authority) {
        Some((host, Some(port))) => known.is_past(&host, &[port]),
        Some((host, None)) => known.is_past(&host, usual),
        None => true,
    }
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

/// The name of the header that has them load another page.
const REFRESH: &str = "refresh";
const LISTS: &[&str] = &["link", "output", "deleted", "error"];
/// Those of http and https.
const USUAL_PORTS: [u16; 2] = [80, 443];
/// Schemes whose URLs a client or a browser goes to, with the ports that they are of where none is named. What names
/// something (`urn:`), holds it (`data:`) or opens a program leads to no host.
const SCHEMES: &[(&str, &[u16])] = &[
    ("http", &[80]),
    ("https", &[443]),
    ("ws", &[80]),
    ("wss", &[443]),
    ("ftp", &[21]),
    ("ftps", &[990]),
    ("sftp", &[22]),
    // Buckets, in manifests of bulk exports: the host is the bucket.
    ("s3", &[443]),
    ("gs", &[443]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::walk::json::JSON_DEPTH_MAX;

    fn listed(hosts: &[&str]) -> Hosts {
        Hosts::new([].into_iter(), hosts.iter().copied(), [].into_iter())
    }

    fn places(json: &str) -> Vec<String> {
        let tape = Tape::read(json.as_bytes(), JSON_DEPTH_MAX).expect("JSON");
        off_path(&tape, &listed(&["gate.example:8080", "fhir.example"]))
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
        let known = listed(&["good.example"]);
        assert!(!leads_past("https://GOOD.example:443/x", &known));
        assert!(leads_past("https://good.example@bad.example/x", &known));
        assert!(leads_past("https://good.example.bad.example/", &known));
        assert!(leads_past("https://bad.example\\@good.example/", &known));
        assert!(leads_past("//bad.example/x", &known));
        assert!(header_leads_past("link", "<https://bad.example/2>; rel=\"next\"", &known));
        for (value, leads) in [
            ("0;url=https://bad.example/2", true),
            ("5; URL = 'https://bad.example/2'", true),
            ("5, https://bad.example/2", true),
            ("5; url=https://good.example/2", false),
            ("5; url=/2", false),
            ("5", false),
        ] {
            assert_eq!(header_leads_past("refresh", value, &known), leads, "{value}");
        }
        assert!(!header_leads_past(
            "link",
            "</2>; rel=\"next\", <https://good.example/1>; rel=\"prev\"",
            &known
        ));
    }

    #[test]
    fn what_a_browser_takes_for_an_absolute_url_is_one() {
        let known = listed(&["good.example"]);
        for url in [
            " https://bad.example/x",
            "\u{1}https://bad.example/x",
            "ht\ttps://bad.example/x",
            "https:/bad.example/x",
            "https:bad.example/x",
            "https:\\\\bad.example",
            "https:////bad.example/x",
            "/\\bad.example/x",
            "\\\\bad.example/x",
            "/\t/bad.example/x",
            "///bad.example/x",
            "HTTPS://good.example\t.bad.example/x",
            "wss://bad.example/socket",
            "ws:bad.example",
            "s3://bucket/export/1.ndjson",
        ] {
            assert!(leads_past(url, &known), "{url:?}");
            assert!(
                !leads_past(
                    &url.replace("bad.", "good.")
                        .replace("good.example\t.", "")
                        .replace("bucket", "good.example"),
                    &known
                ),
                "{url:?}"
            );
        }
        for url in [
            "urn:uuid:5a",
            "data:text/plain,https://bad.example",
            "/https://bad.example",
            "Patient/1?x=//bad.example",
            "mailto:a@bad.example",
            "?next=https://bad.example",
            "",
        ] {
            assert!(!leads_past(url, &known), "{url:?}");
        }
        assert_eq!(places("{\"link\":[{\"url\":\"\\thttps://bad.example/2\"}]}"), ["link[0].url"]);
    }

    #[test]
    fn a_port_is_part_of_an_upstream_and_another_environment_s_is_never_led_to() {
        let own = [("EHR.example", 443), ("::1", 8080)];
        let foreign = [("ehr.example", 8443), ("live.example", 443), ("ehr.example", 443)];
        let hosts =
            |listed: &[&str]| Hosts::new(own.into_iter(), listed.iter().copied(), foreign.into_iter());
        let all = hosts(&["ehr.example", "live.example:443", "files.example"]);
        for (url, plain, with_listed) in [
            ("https://ehr.example/Patient/1", false, false),
            ("https://ehr.example.:443/x", false, false),
            ("https://ehr.example:8443/Patient/1", true, true),
            ("https://ehr.example:08443/Patient/1", true, true),
            ("https://ehr.example:9443/x", true, false),
            ("http://ehr.example/x", true, false),
            ("//ehr.example/x", false, false),
            ("https://live.example/x", true, true),
            ("//live.example/x", true, true),
            ("https://live.example:444/x", true, true),
            ("http://[::1]:8080/x", false, false),
            ("http://[::1]/x", true, true),
            ("https://files.example:5/x", true, false),
            ("https://ehr.example:99999/x", true, true),
        ] {
            assert_eq!(leads_past(url, &hosts(&[])), plain, "{url}");
            assert_eq!(leads_past(url, &all), with_listed, "{url}, listed");
        }
    }

    #[test]
    fn the_gateway_is_what_its_caller_calls_it_but_no_other_environment() {
        let hosts = Hosts::new([].into_iter(), [].into_iter(), [("live.example", 443)].into_iter());
        for (host, url, is_past) in [
            ("gate.example", "https://gate.example/x", false),
            ("GATE.example", "http://gate.example/x", false),
            ("gate.example", "http://gate.example:8082/x", true),
            ("gate.example:8081", "http://gate.example:8081/x", false),
            ("gate.example:8081", "http://gate.example/x", true),
            ("live.example", "https://live.example/x", true),
            ("live.example:443", "https://live.example/x", true),
        ] {
            assert_eq!(leads_past(url, &hosts.and_gateway(Some(host))), is_past, "{host}: {url}");
        }
        assert!(leads_past("https://gate.example/x", &hosts.and_gateway(None)));
    }
}
