//! Forward: a message to its upstream, and the reply's head back; bodies byte for byte.
//!
//! - Takes: an [`Upstream`], a head made by [`prepare_request`], an [`OutBody`] (held, streaming or empty).
//! - Gives: the reply's head and its [`UpstreamBody`], which gives its connection back when it ends.
//! - In doubt: fails. A message is sent a second time only where nothing of the first was written, or where the
//!   method is safe and the body is held; a reply with doubtful framing is [`ForwardError::Invalid`].
//! - Cost: one [`Pool`] for each thread, without locks; the last connection that came back is the next to go.

mod body;
mod headers;
mod pool;
mod secret;
mod tls;

#[cfg(test)]
mod tests;

pub use body::{OutBody, UpstreamBody};
pub use headers::{HeaderRules, HostHeader, prepare_reply, prepare_request};
pub use pool::{ForwardCounters, Pool};
pub use secret::{Secret, SecretError};
pub use tls::{SYSTEM_CA, TlsSettings, UpstreamTls};

use crate::listen::BodyError;
use crate::reason::Reason;
use std::sync::Arc;

/// Where messages go: HTTP/1.1, plain or in TLS.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Its name, as in metrics and records.
    pub name: Arc<str>,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name look-up and connect together. Over it: 504. Default 5 000.
    pub connect_timeout_ms: u64,
    /// From the last byte of the request to the reply's head. Over it: 504. Default 60 000.
    pub reply_head_timeout_ms: u64,
    /// Between two pieces of the reply's body. Over it: the reply is cut. Default 300 000.
    pub reply_idle_timeout_ms: u64,
    /// Idle connections kept, on each thread. More are closed. Default 64.
    pub pool_idle_max: usize,
    /// How long an idle connection is kept: shorter than upstreams keep theirs. Default 30 000.
    pub pool_idle_timeout_ms: u64,
    /// What a handshake with it takes; `None`: plain.
    pub tls: Option<Arc<UpstreamTls>>,
    /// Headers that only it may know: written last, in place of any others.
    pub secret_headers: Arc<[(http::HeaderName, http::HeaderValue)]>,
    /// Its authority as a header's value, made when first asked for.
    pub host_value: std::sync::OnceLock<Option<http::HeaderValue>>,
}

impl Upstream {
    /// An upstream with the default limits.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, host: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            host: host.into(),
            port,
            connect_timeout_ms: 5_000,
            reply_head_timeout_ms: 60_000,
            reply_idle_timeout_ms: 300_000,
            pool_idle_max: 64,
            pool_idle_timeout_ms: 30_000,
            tls: None,
            secret_headers: Arc::new([]),
            host_value: std::sync::OnceLock::new(),
        }
    }

    /// `host:port` as in a `Host` header: brackets around IPv6, no port where it is the scheme's.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let usual = if self.tls.is_some() { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }
}

/// Why a message got no reply from its upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// It took no connection. Its fault; nothing was sent, so trying again is safe.
    #[error("upstream `{upstream}` took no connection")]
    Connect {
        /// Its name.
        upstream: Arc<str>,
    },
    /// It took no connection in time. As above.
    #[error("upstream `{upstream}` took no connection within {limit_ms} ms")]
    ConnectTimeout {
        /// Its name.
        upstream: Arc<str>,
        /// `connect_timeout_ms`.
        limit_ms: u64,
    },
    /// The handshake failed: its certificate isn't good for us, ours isn't for it, or it speaks no TLS. Nothing was sent.
    #[error("the TLS handshake with upstream `{upstream}` failed")]
    Handshake {
        /// Its name.
        upstream: Arc<str>,
    },
    /// It sent no head in time. Its fault; not tried again.
    #[error("upstream `{upstream}` sent no reply head within {limit_ms} ms")]
    HeadTimeout {
        /// Its name.
        upstream: Arc<str>,
        /// `reply_head_timeout_ms`.
        limit_ms: u64,
    },
    /// It closed before its reply's head was whole. Its fault; not tried again.
    #[error("upstream `{upstream}` closed before its reply")]
    ClosedEarly {
        /// Its name.
        upstream: Arc<str>,
    },
    /// Its reply is no HTTP/1.1, or has doubtful framing. Its fault.
    #[error("upstream `{upstream}` sent what is no HTTP reply")]
    Invalid {
        /// Its name.
        upstream: Arc<str>,
    },
    /// The request's own body broke off while it streamed. The caller's fault, or the network's.
    #[error("on its way to upstream `{upstream}`: {error}")]
    RequestBody {
        /// Its name.
        upstream: Arc<str>,
        /// How it broke off.
        error: BodyError,
    },
}

impl ForwardError {
    /// The short word for it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Connect { .. } | Self::ConnectTimeout { .. } | Self::Handshake { .. } => {
                Reason::UpstreamConnect
            }
            Self::HeadTimeout { .. } => Reason::UpstreamTimeout,
            Self::ClosedEarly { .. } | Self::Invalid { .. } => Reason::UpstreamInvalid,
            Self::RequestBody { error: BodyError::CutShort, .. } => Reason::BodyCutShort,
            Self::RequestBody { error: BodyError::Timeout, .. } => Reason::BodyTimeout,
            Self::RequestBody { error: BodyError::Malformed, .. } => Reason::BadRequest,
        }
    }
}
