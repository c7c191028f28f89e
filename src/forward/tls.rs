//! TLS to an upstream: who has to have signed its certificate, and ours if it asks for one.
//!
//! TLS 1.2 and 1.3, HTTP/1.1 or HTTP/2 by ALPN; nothing is sent early. Files are read when a configuration is taken over; connections that
//! are open go on with what they began with, and are not used again after a reload.

use super::Http2;
use crate::listen::tls::{H2, HTTP_11, TlsError, chain, key, names_of, roots};
use crate::listen::{Duplex, HeldCertificate, Quiet};
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

impl Duplex for TlsStream<Quiet<TcpStream>> {
    fn reset_at_end(&self) {
        self.get_ref().0.get_ref().reset_at_end();
    }
}

/// TLS of one upstream, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// A PEM file of the CAs that sign for it. Default: the system's, [`SYSTEM_CA`].
    pub ca: PathBuf,
    /// The name that its certificate has to have, and that it is asked for. Default: the upstream's host.
    pub server_name: Option<String>,
    /// PEM files of our certificate, leaf first, and its key, where it asks for one.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

impl TlsSettings {
    /// Every file that it is read from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let pair = self.certificate.iter().flat_map(|(chain, key)| [chain.as_path(), key.as_path()]);
        std::iter::once(self.ca.as_path()).chain(pair)
    }
}

/// What a handshake with an upstream takes.
pub struct UpstreamTls {
    connector: TlsConnector,
    /// The same for a message that HTTP/1.1 alone can carry; `None` where the upstream isn't asked for that.
    http1: Option<TlsConnector>,
    name: ServerName<'static>,
    certificate: Option<HeldCertificate>,
}

impl UpstreamTls {
    /// Reads the files of an upstream, for each of the hosts that its endpoints have.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load<'h>(
        settings: &TlsSettings,
        hosts: impl Iterator<Item = &'h str>,
        http2: Http2,
    ) -> Result<Vec<Arc<Self>>, TlsError> {
        let wrong = |path: &Path, wrong| TlsError::Content { path: path.to_owned(), wrong };
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("aws-lc-rs has the suites of TLS 1.2 and 1.3")
            .with_root_certificates(roots(&settings.ca)?);
        let mut certificate = None;
        let mut config = match &settings.certificate {
            None => builder.with_no_client_auth(),
            Some((chain_path, key_path)) => {
                let pem = std::fs::read(key_path)
                    .map_err(|e| TlsError::File { path: key_path.clone(), kind: e.kind() })?;
                let chain = chain(chain_path)?;
                certificate =
                    chain.first().map(|leaf| HeldCertificate::new(chain_path, leaf, &names_of(leaf), &[]));
                builder
                    .with_client_auth_cert(chain, key(key_path, &pem)?)
                    .map_err(|_| wrong(key_path, "the key doesn't belong to the certificate"))?
            }
        };
        config.alpn_protocols = match http2 {
            Http2::Off => vec![HTTP_11.to_vec()],
            Http2::Alpn => vec![H2.to_vec(), HTTP_11.to_vec()],
            Http2::Always => vec![H2.to_vec()],
        };
        let http1 = (http2 == Http2::Alpn).then(|| {
            let mut alone = config.clone();
            alone.alpn_protocols = vec![HTTP_11.to_vec()];
            TlsConnector::from(Arc::new(alone))
        });
        let connector = TlsConnector::from(Arc::new(config));
        let of_host = |host: &'h str| {
            let name = settings.server_name.as_deref().unwrap_or(host);
            let name = ServerName::try_from(name.to_owned())
                .map_err(|_| wrong(&settings.ca, "`server_name` is neither a host name nor an address"))?;
            let (connector, http1, certificate) = (connector.clone(), http1.clone(), certificate.clone());
            Ok(Arc::new(Self { connector, http1, name, certificate }))
        };
        hosts.map(of_host).collect()
    }

    /// Our certificate, where there is one.
    #[must_use]
    pub fn certificate(&self) -> Option<&HeldCertificate> {
        self.certificate.as_ref()
    }

    /// Shakes hands; tells why where that fails: a certificate that isn't good, or no TLS at all. HTTP/2 isn't offered to an
    /// upstream that may choose, where what is to be sent `switches`.
    pub(super) async fn connect(
        &self,
        stream: Quiet<TcpStream>,
        switches: bool,
    ) -> Result<TlsStream<Quiet<TcpStream>>, &'static str> {
        let connector = self.http1.as_ref().filter(|_| switches).unwrap_or(&self.connector);
        connector.connect(self.name.clone(), stream).await.map_err(|error| why(&error))
    }
}

fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// Why an upstream refused a connection whose handshake was over for us, where it says so.
pub(super) fn refused(error: &io::Error) -> Option<&'static str> {
    let is_alert = matches!(of_tls(error), Some(rustls::Error::AlertReceived(_)));
    is_alert.then(|| why(error))
}

/// What a handshake failed for, in words of ours: nothing that the other side sent is in them.
fn why(error: &io::Error) -> &'static str {
    use rustls::{AlertDescription, CertificateError as Wrong, Error};
    let Some(error) = of_tls(error) else {
        return "it broke off";
    };
    match error {
        Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => {
            "its certificate has expired"
        }
        Error::InvalidCertificate(Wrong::NotValidYet | Wrong::NotValidYetContext { .. }) => {
            "its certificate isn't valid yet: are the clocks right?"
        }
        Error::InvalidCertificate(Wrong::NotValidForName | Wrong::NotValidForNameContext { .. }) => {
            "its certificate is for another name"
        }
        Error::InvalidCertificate(Wrong::UnknownIssuer) => "no CA of ours has signed its certificate",
        Error::InvalidCertificate(_) => "its certificate isn't good",
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => "it speaks none of our protocols",
        Error::AlertReceived(AlertDescription::ProtocolVersion) => "it speaks no TLS 1.2 or 1.3",
        Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied,
        ) => "it doesn't take our certificate, or wants one",
        Error::AlertReceived(_) => "it refused",
        Error::InvalidMessage(_) => "it speaks no TLS",
        _ => "the two don't agree",
    }
}

impl fmt::Debug for UpstreamTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamTls")
    }
}

/// Where the system keeps the CAs that it trusts.
pub const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";
