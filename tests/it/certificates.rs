//! Certificates made for a test, and a client that speaks TLS.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Somebody who signs certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("signs itself") }
    }

    /// For a host's name, or a URI.
    pub(crate) fn issue(&self, name: &str) -> Issued {
        let (dns, uri) =
            if name.contains("://") { (Vec::new(), Some(name)) } else { (vec![name.to_owned()], None) };
        let params = CertificateParams::new(dns).expect("parameters");
        self.sign(params, uri)
    }

    /// For a host's name, from and until so many days from now.
    pub(crate) fn issue_for(&self, name: &str, days: std::ops::Range<i64>) -> Issued {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let at = |days| time::OffsetDateTime::now_utc() + time::Duration::days(days);
        (params.not_before, params.not_after) = (at(days.start), at(days.end));
        self.sign(params, None)
    }

    fn sign(&self, mut params: CertificateParams, uri: Option<&str>) -> Issued {
        params.subject_alt_names.extend(uri.map(|u| SanType::URI(u.try_into().expect("ASCII"))));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signs");
        Issued { chain: certificate.pem(), key: key.serialize_pem() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.as_ref().pem()
    }

    /// A client's configuration that trusts this authority.
    pub(crate) fn client(&self, certificate: Option<&Issued>, alpn: &[&str]) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.as_ref().der().clone()).expect("a CA");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let mut config = match certificate {
            None => builder.with_no_client_auth(),
            Some(issued) => {
                let chain = CertificateDer::pem_slice_iter(issued.chain.as_bytes()).map(|c| c.expect("PEM"));
                let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("PEM");
                builder.with_client_auth_cert(chain.collect(), key).expect("fits")
            }
        };
        config.alpn_protocols = alpn.iter().map(|p| p.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}

/// A server's configuration; `clients` have to show a certificate of that authority.
pub(crate) fn server(issued: &Issued, clients: Option<&Authority>) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.issuer.as_ref().der().clone()).expect("a CA");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a CA"))
        }
    };
    let chain = CertificateDer::pem_slice_iter(issued.chain.as_bytes()).map(|c| c.expect("PEM")).collect();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).expect("PEM");
    Arc::new(builder.with_single_cert(chain, key).expect("fits"))
}

impl Issued {
    /// Writes both beside each other; gives their paths as the configuration wants them.
    pub(crate) fn write(&self, folder: &Path, name: &str) -> String {
        let (chain, key) = self.paths(folder, name);
        std::fs::write(&chain, &self.chain).expect("writes");
        std::fs::write(&key, &self.key).expect("writes");
        format!("{{ chain = {chain:?}, key = {key:?} }}")
    }

    fn paths(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")))
    }
}

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Connects, and names `host` in its handshake, which comes with the first bytes.
pub(crate) fn tls(address: SocketAddr, host: &str, config: Arc<ClientConfig>) -> Tls {
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    let connection = ClientConnection::new(config, name).expect("a client");
    StreamOwned::new(connection, crate::support::connect(address))
}
