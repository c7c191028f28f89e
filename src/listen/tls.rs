//! TLS on listeners: certificates by server name, client certificates, and both read again while running.
//!
//! TLS 1.2 and 1.3; nothing is taken early (no 0-RTT: it can be replayed). A handshake that began goes on with what it
//! began with; so does a connection.

use super::HeldCertificate;
use crate::durable::Why;
use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// TLS of one listener, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Certificates, each with its key. One that names no server that a caller asks for isn't used; the first one is
    /// for callers that name none.
    pub certificates: Vec<CertificateFiles>,
    /// Whether callers show certificates.
    pub client: ClientCertificates,
    /// From accept to the end of the handshake, milliseconds. Over it: closed. Default 10 000.
    pub handshake_timeout_ms: u64,
    /// Whether HTTP/2 is offered, beside HTTP/1.1. Default true.
    pub http2: bool,
}

/// PEM files of a certificate: its chain, leaf first, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain.
    pub chain: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// Whether callers show certificates, and who has to have signed them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientCertificates {
    /// They aren't asked for.
    None,
    /// One that is shown has to be good.
    Optional(PathBuf),
    /// No handshake without one.
    Required(PathBuf),
}

impl TlsSettings {
    /// Every file that it is read from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let ca = match &self.client {
            ClientCertificates::None => None,
            ClientCertificates::Optional(path) | ClientCertificates::Required(path) => Some(path.as_path()),
        };
        self.certificates.iter().flat_map(|c| [c.chain.as_path(), c.key.as_path()]).chain(ca)
    }
}

/// Why files give no TLS. The operator's to fix.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{path}: {}", Why(*.kind))]
    File {
        /// Which.
        path: PathBuf,
        /// The system's word for why.
        kind: io::ErrorKind,
    },
    /// It isn't what it should be.
    #[error("{path}: {wrong}")]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        wrong: &'static str,
    },
}

/// The TLS of a running listener. New handshakes take what was set last.
pub struct TlsFront {
    loaded: ArcSwap<Loaded>,
    handshake_timeout_ms: std::sync::atomic::AtomicU64,
}

/// What was read.
struct Loaded {
    config: Arc<ServerConfig>,
    certificates: Arc<[HeldCertificate]>,
}

impl TlsFront {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        Ok(Self {
            loaded: ArcSwap::from_pointee(load(settings)?),
            handshake_timeout_ms: settings.handshake_timeout_ms.into(),
        })
    }

    /// Takes over what another one holds.
    pub fn take_over(&self, other: &Self) {
        use std::sync::atomic::Ordering::Relaxed;
        self.loaded.store(other.loaded.load_full());
        self.handshake_timeout_ms.store(other.handshake_timeout_ms.load(Relaxed), Relaxed);
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.loaded.load().config)
    }

    /// Its certificates, in their order.
    #[must_use]
    pub fn certificates(&self) -> Arc<[HeldCertificate]> {
        Arc::clone(&self.loaded.load().certificates)
    }

    pub(super) fn handshake_timeout(&self) -> std::time::Duration {
        let ms = self.handshake_timeout_ms.load(std::sync::atomic::Ordering::Relaxed);
        std::time::Duration::from_millis(ms)
    }
}

impl fmt::Debug for TlsFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsFront")
    }
}

/// What a handshake told about the caller.
#[derive(Debug, Default)]
pub struct TlsFacts {
    /// The server name that it asked for, lower case.
    pub server_name: Option<Box<str>>,
    /// Names in its certificate, as `dns:…` and `uri:…`; empty where it showed none.
    pub certificate_names: Vec<Box<str>>,
    /// Whether it showed a certificate, and it was good.
    pub has_certificate: bool,
}

impl TlsFacts {
    pub(super) fn of(connection: &ServerConnection) -> Self {
        let leaf = connection.peer_certificates().and_then(<[_]>::first);
        Self {
            server_name: connection.server_name().map(|name| name.to_ascii_lowercase().into()),
            certificate_names: leaf.map(names_of).unwrap_or_default(),
            has_certificate: leaf.is_some(),
        }
    }
}

/// Names of a certificate, as `dns:…` (lower case) and `uri:…`.
pub(crate) fn names_of(leaf: &CertificateDer<'_>) -> Vec<Box<str>> {
    let Ok(leaf) = webpki::EndEntityCert::try_from(leaf) else { return Vec::new() };
    let dns = leaf.valid_dns_names().map(|name| format!("dns:{}", name.to_ascii_lowercase()));
    let uris = leaf.valid_uri_names().map(|name| format!("uri:{name}"));
    dns.chain(uris).map(String::into_boxed_str).collect()
}

fn load(settings: &TlsSettings) -> Result<Loaded, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let (certificates, held) = Certificates::load(&settings.certificates, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has the suites of TLS 1.2 and 1.3");
    let builder = match &settings.client {
        ClientCertificates::None => builder.with_no_client_auth(),
        ClientCertificates::Optional(path) | ClientCertificates::Required(path) => {
            let wrong = |wrong| TlsError::Content { path: path.clone(), wrong };
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(path)?), provider);
            let verifier = match settings.client {
                ClientCertificates::Required(_) => verifier,
                _ => verifier.allow_unauthenticated(),
            };
            builder.with_client_cert_verifier(verifier.build().map_err(|_| wrong("no usable CA in it"))?)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(certificates));
    config.alpn_protocols =
        if settings.http2 { vec![H2.to_vec(), HTTP_11.to_vec()] } else { vec![HTTP_11.to_vec()] };
    // Tickets that need no memory and no lock on this side; keys of their own for each load, so that nobody resumes
    // past a changed CA.
    if let Ok(ticketer) = aws_lc_rs::Ticketer::new() {
        config.ticketer = ticketer;
    }
    config.send_tls13_tickets = 1;
    Ok(Loaded { config: Arc::new(config), certificates: held.into() })
}

/// CA certificates of a PEM file.
pub(crate) fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        let wrong =
            TlsError::Content { path: path.to_owned(), wrong: "a CA certificate in it can't be read" };
        roots.add(certificate).map_err(|_| wrong)?;
    }
    Ok(roots)
}

/// Certificates of a PEM file, one at least.
pub(crate) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |wrong| TlsError::Content { path: path.to_owned(), wrong };
    let bytes = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|_| wrong("it is no PEM file"))?;
    if chain.is_empty() { Err(wrong("there is no certificate in it")) } else { Ok(chain) }
}

/// The first private key of PEM text.
pub(crate) fn key(path: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| TlsError::Content { path: path.to_owned(), wrong: "there is no private key in it" })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|e| TlsError::File { path: path.to_owned(), kind: e.kind() })
}

/// Certificates by the names in them.
#[derive(Debug)]
struct Certificates {
    by_name: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    first: Arc<CertifiedKey>,
}

impl Certificates {
    fn load(
        files: &[CertificateFiles],
        provider: &CryptoProvider,
    ) -> Result<(Self, Vec<HeldCertificate>), TlsError> {
        let mut held = Vec::new();
        let mut by_name: HashMap<Box<str>, Vec<Arc<CertifiedKey>>> = HashMap::new();
        let mut first = None;
        for CertificateFiles { chain: chain_path, key: key_path } in files {
            let chain = chain(chain_path)?;
            let key = key(key_path, &read(key_path)?)?;
            let names = chain.first().map(names_of).unwrap_or_default();
            held.extend(chain.first().map(|leaf| HeldCertificate::new(chain_path, leaf, &names, &held)));
            let certified = CertifiedKey::from_der(chain, key, provider).map_err(|error| {
                let (path, wrong) = match error {
                    rustls::Error::InconsistentKeys(_) => {
                        (key_path, "the key doesn't belong to the certificate")
                    }
                    rustls::Error::InvalidCertificate(_) => {
                        (chain_path, "its certificate can't be read, or is none of X.509 version 3")
                    }
                    _ => (key_path, "the key is of a kind that isn't supported"),
                };
                TlsError::Content { path: path.clone(), wrong }
            })?;
            let certified = Arc::new(certified);
            first.get_or_insert_with(|| certified.clone());
            for name in names.iter().filter_map(|name| name.strip_prefix("dns:")) {
                by_name.entry(name.into()).or_default().push(certified.clone());
            }
        }
        let nothing =
            TlsError::Content { path: PathBuf::new(), wrong: "a listener with TLS has no certificate" };
        Ok((Self { by_name, first: first.ok_or(nothing)? }, held))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().and_then(|name| {
            let name = name.to_ascii_lowercase();
            let exact = self.by_name.get(name.as_str());
            exact.or_else(|| self.by_name.get(format!("*.{}", name.split_once('.')?.1).as_str()))
        });
        // Of an RSA and an ECDSA certificate for one name, the one that the caller can check.
        let fits = |key: &&Arc<CertifiedKey>| key.key.choose_scheme(hello.signature_schemes()).is_some();
        let fitting = named.and_then(|keys| keys.iter().find(fits).or(keys.first()));
        Some(fitting.unwrap_or(&self.first).clone())
    }
}

/// As registered for ALPN: RFC 7301, section 6, and RFC 9113, section 3.1.
pub(crate) const H2: &[u8] = b"h2";
pub(crate) const HTTP_11: &[u8] = b"http/1.1";

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    #[test]
    fn a_certificate_of_another_version_is_blamed_and_not_its_key() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec!["gate.example".to_owned()]).expect("parameters");
        let mut der = params.self_signed(&key).expect("signs").der().to_vec();
        // RFC 5280, section 4.1: version [0] EXPLICIT, 2 for the third and 0 for the first.
        let version = der.windows(5).position(|w| w == [0xA0, 3, 2, 1, 2]).expect("a version");
        der[version + 4] = 0;
        let folder = tempfile::tempdir().expect("folder");
        let files = CertificateFiles { chain: folder.path().join("s.pem"), key: folder.path().join("s.key") };
        let pem =
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(&der));
        std::fs::write(&files.chain, pem).expect("writes");
        std::fs::write(&files.key, key.serialize_pem()).expect("writes");
        let provider = aws_lc_rs::default_provider();
        let told = Certificates::load(&[files], &provider).map(|_| ()).expect_err("no version 3").to_string();
        assert!(told.contains("s.pem: ") && told.contains("version 3"), "{told}");
    }
}
