//! `[[listener]]` and `[[identity]]`: sockets that callers connect to, and who they are by their certificates.

use super::callers::caller_role;
use super::reader::{Problems, Table};
use super::sections::name;
use super::{Callers, Identity, Listener};
use crate::listen::tls::{CertificateFiles, ClientCertificates, TlsSettings};
use crate::listen::{Address, Network};
use crate::org::CallerRole;
use http::HeaderName;
use std::path::PathBuf;
use std::sync::Arc;

pub(super) fn listener(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<Arc<Listener>> {
    let name = name(&mut t, "listener", problems);
    let address = address(&mut t, problems);
    let told = problems.count();
    let unix_mode = unix_mode(&mut t, problems);
    let has_socket = !matches!(address, Some(Address::Tcp(_))) || problems.count() > told;
    t.beside("socket_mode", has_socket, "address = \"unix:…\"", problems);
    let environment = t.text("environment", problems).map(|(e, _)| Arc::<str>::from(e));
    if let (Some(name), Some(environment)) = (&name, &environment) {
        problems.refers(format!("listener `{name}`.environment"), environment);
    }
    let callers =
        t.choice("callers", Callers::Keys, &[("keys", Callers::Keys), ("any", Callers::Any)], problems);
    let path_environment = t.flag("path_environment", true, problems);
    let cors_preflight = t.flag("cors_preflight", true, problems);
    let cors_origins = origins(&mut t, problems);
    let environment_header = environment_header(&mut t, problems);
    let hosts = hosts(&mut t, "hosts", problems);
    let proxy_protocol = networks(&mut t, "proxy_protocol", problems);
    let http2_cleartext = t.flag("http2_cleartext", false, problems);
    let tls = match t.value("tls") {
        None => None,
        Some(_) => tls(t.table("tls", problems), problems),
    };
    if http2_cleartext && tls.is_some() {
        let at = t.value("http2_cleartext").map(|v| v.span());
        problems.add(at, t.key("http2_cleartext"), "false: with TLS, HTTP/2 is agreed by ALPN", "true");
    }
    t.done(problems);
    Some(Arc::new(Listener {
        name: name?,
        address: address?,
        unix_mode,
        environment,
        callers,
        path_environment,
        environment_header,
        hosts,
        proxy_protocol,
        cors_preflight,
        cors_origins,
        http2_cleartext,
        tls,
    }))
}

fn address(t: &mut Table<'_, '_>, problems: &mut Problems) -> Option<Address> {
    const WANTED: &str = "an address and port, like 127.0.0.1:8081 or [::1]:8081, or unix:/path/of/a/socket";
    let (text, span) = t.required("address", WANTED, problems)?;
    let address = match text.strip_prefix("unix:") {
        Some(path) if (1..=UNIX_PATH_BYTES_MAX).contains(&path.len()) => {
            Some(Address::Unix(PathBuf::from(path)))
        }
        Some(_) => None,
        None => text.parse().ok().map(Address::Tcp),
    };
    if address.is_none() {
        problems.add(Some(span), t.key("address"), WANTED, format!("`{text}`"));
    }
    address
}

fn unix_mode(t: &mut Table<'_, '_>, problems: &mut Problems) -> u32 {
    let Some((text, span)) = t.text("socket_mode", problems) else { return 0o600 };
    match u32::from_str_radix(&text, 8) {
        Ok(mode) if mode <= 0o777 && text.len() <= 4 => mode,
        _ => {
            problems.add(
                Some(span),
                t.key("socket_mode"),
                "permissions in octal, like 0660",
                format!("`{text}`"),
            );
            0o600
        }
    }
}

fn environment_header(t: &mut Table<'_, '_>, problems: &mut Problems) -> Option<HeaderName> {
    let (text, span) = t.text("environment_header", problems)?;
    let name = HeaderName::try_from(text.as_str()).ok();
    if name.is_none() {
        problems.add(Some(span), t.key("environment_header"), "a header name", format!("`{text}`"));
    }
    name
}

/// Host names without a port, lower case.
pub(super) fn hosts(t: &mut Table<'_, '_>, key: &'static str, problems: &mut Problems) -> Vec<Box<str>> {
    let path = t.key(key);
    let mut hosts = Vec::new();
    for (host, span) in t.list(key, problems) {
        let good = host.parse::<http::uri::Authority>().is_ok_and(|a| a.port().is_none() && a.host() == host);
        if good && !host.contains('*') {
            hosts.push(host.to_ascii_lowercase().into());
        } else {
            let wanted = "host names without a port, each in full: there are no patterns";
            problems.add(Some(span), path.clone(), wanted, format!("`{host}`"));
        }
    }
    hosts
}

/// Scheme, host and port as browsers write them (Fetch Standard, section 3.2): lower case, nothing behind.
fn origins(t: &mut Table<'_, '_>, problems: &mut Problems) -> Vec<Box<str>> {
    const WANTED: &str =
        "origins as browsers write them, like https://app.example.org or http://localhost:3000";
    let path = t.key("cors_origins");
    let mut origins = Vec::new();
    for (text, span) in t.list("cors_origins", problems) {
        let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_authority = |a: &str| {
            a.parse::<http::uri::Authority>().is_ok_and(|a| !a.host().is_empty() && !a.as_str().contains('@'))
        };
        // As they send it: no port that is the scheme's own, no star.
        let own_port = if text.starts_with("https://") { ":443" } else { ":80" };
        let is_sent = !text.bytes().any(|b| b.is_ascii_uppercase() || b == b'*') && !text.ends_with(own_port);
        if authority.is_some_and(is_authority) && is_sent {
            origins.push(text.into());
        } else {
            problems.add(Some(span), path.clone(), WANTED, format!("`{text}`"));
        }
    }
    origins
}

fn networks(t: &mut Table<'_, '_>, key: &'static str, problems: &mut Problems) -> Vec<Network> {
    let path = t.key(key);
    let mut networks = Vec::new();
    for (text, span) in t.list(key, problems) {
        match text.parse() {
            Ok(network) => networks.push(network),
            Err(()) => {
                problems.add(
                    Some(span),
                    path.clone(),
                    "addresses or networks, like 10.0.0.0/8",
                    format!("`{text}`"),
                );
            }
        }
    }
    networks
}

fn tls(mut t: Table<'_, '_>, problems: &mut Problems) -> Option<TlsSettings> {
    let mut certificates = Vec::new();
    for mut pair in t.tables("certificates", problems) {
        let chain =
            pair.required("chain", "the path of a PEM file: the certificate, then its issuers", problems);
        let key = pair.required("key", "the path of a PEM file with its private key", problems);
        pair.done(problems);
        if let (Some((chain, _)), Some((key, _))) = (chain, key) {
            certificates.push(CertificateFiles { chain: chain.into(), key: key.into() });
        }
    }
    let wanted = "at least one { chain = …, key = … }";
    match t.value("certificates") {
        None => problems.add(t.span(), t.key("certificates"), wanted, "nothing"),
        // It would be served in plain text.
        Some(list) if list.get_ref().as_array().is_some_and(|list| list.is_empty()) => {
            problems.add(Some(list.span()), t.key("certificates"), wanted, "an empty list");
        }
        Some(_) => {}
    }
    let ca = t.text("client_ca", problems).map(|(path, _)| PathBuf::from(path));
    let words = [("optional", false), ("required", true)];
    let required = t.choice("client_certificate", true, &words, problems);
    if ca.is_none() && t.value("client_certificate").is_some() {
        let at = t.value("client_certificate").map(|v| v.span());
        problems.add(at, t.key("client_certificate"), "a client_ca beside it: who signs them", "none");
    }
    let client = match ca {
        None => ClientCertificates::None,
        Some(path) if required => ClientCertificates::Required(path),
        Some(path) => ClientCertificates::Optional(path),
    };
    let handshake_timeout_ms = t.number("handshake_timeout_ms", 10_000, 1..600_001, "milliseconds", problems);
    let http2 = t.flag("http2", true, problems);
    t.done(problems);
    (!certificates.is_empty()).then_some(TlsSettings { certificates, client, handshake_timeout_ms, http2 })
}

pub(super) fn identity(
    mut t: Table<'_, '_>,
    roles: &[CallerRole],
    problems: &mut Problems,
) -> Option<Arc<Identity>> {
    const WANTED: &str = "a name in the certificate: dns:feed.lab.example or uri:spiffe://lab.example/feed";
    let name = name(&mut t, "identity", problems);
    let certificate =
        t.required("certificate", WANTED, problems).and_then(|(text, span)| match text.split_once(':') {
            Some(("dns", host)) if !host.is_empty() && !host.contains('*') => {
                Some(text.to_ascii_lowercase().into_boxed_str())
            }
            Some(("uri", uri)) if uri.contains(':') => Some(text.into_boxed_str()),
            _ => {
                problems.add(Some(span), t.key("certificate"), WANTED, format!("`{text}`"));
                None
            }
        });
    let environment =
        t.required("environment", "the name of an environment", problems).map(|(e, _)| Arc::from(e));
    let role = caller_role(&mut t, roles, problems);
    t.done(problems);
    Some(Arc::new(Identity { name: name?, certificate: certificate?, environment: environment?, role }))
}

/// `sun_path` of Linux has 108 bytes, the last one is NUL.
const UNIX_PATH_BYTES_MAX: usize = 107;
