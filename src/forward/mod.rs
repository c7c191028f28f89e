//! Forward: a message to its upstream, and the reply's head back; bodies byte for byte.
//!
//! - Takes: an [`Upstream`], a head made by [`prepare_request`], an [`OutBody`] (held, streaming or empty).
//! - Gives: the reply's head and its [`UpstreamBody`], which gives its connection back when it ends.
//! - An upstream has one endpoint or several: a message goes to the one of two that has less to do, of those that checks
//!   and failures in a row leave in; where one takes no connection, another is asked.
//! - In doubt: fails. A message is sent a second time only where its connection proves closed before it is written, where an
//!   upstream of HTTP/2 says that it did nothing with it, or where the method is safe; its body is held. `framing` reads replies of HTTP/1.1 strictly: one with doubtful framing, or with
//!   bytes that came with it behind its end, is [`ForwardError::Invalid`].
//! - Cost: one [`Pool`] for each thread, without locks; the last connection that came back is the next to go.

mod barred;
mod body;
mod connect;
mod endpoint;
mod framing;
mod group;
mod health;
mod headers;
mod host;
mod http1;
mod interim;
mod once;
mod outgoing;
mod pool;
mod replies;
mod secret;
mod sharing;
mod tls;
mod trace;

#[cfg(test)]
mod tests;

pub use barred::{Barred, Listening, listens_at};
pub use body::{OutBody, UpstreamBody};
pub use endpoint::{Ejection, Endpoint, EndpointState, EndpointStates};
pub use headers::{
    Forwarding, HeaderRules, HostHeader, ask_to_switch, canonical_path, is_spelling, is_written_anew,
    prepare_reply, prepare_request,
};
pub use health::{HealthCheck, check_health};
pub use host::{Host, address_of};
pub use once::Remote;
pub use outgoing::Outgoing;
pub use pool::{ForwardCounters, Pool};
pub use replies::{ReplyCounters, STATUSES};
pub use secret::{Secret, SecretError};
pub use tls::{SYSTEM_CA, TlsSettings, UpstreamTls};
pub(crate) use trace::trace_of;

use crate::listen::BodyError;
use crate::reason::Reason;
use bytes::BytesMut;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

/// Where messages go: HTTP/1.1 or HTTP/2, plain or in TLS.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Its name, as in metrics and records.
    pub name: Arc<str>,
    /// Where it is: one at least, [`ENDPOINTS_MAX`] at most.
    pub endpoints: Arc<[Endpoint]>,
    /// Whether HTTP/2 is spoken to it. Default off.
    pub http2: Http2,
    /// Messages that are on their way to it at a time. Over it: 503. 0, the default: no limit.
    pub requests_max: u32,
    /// How many are, where there is a limit.
    pub in_flight: Arc<AtomicU32>,
    /// How often a message is sent to another endpoint, where that is safe. Default 1.
    pub retries_max: u32,
    /// When an endpoint that keeps failing is left out.
    pub ejection: Ejection,
    /// How its endpoints are asked whether they are well; `None`: not at all.
    pub health_check: Option<Arc<HealthCheck>>,
    /// The oldest that a name's addresses may be before it is looked up anew. Default 30 000.
    pub dns_refresh_ms: u64,
    /// Name look-up and connect together. Over it: 504. Default 5 000.
    pub connect_timeout_ms: u64,
    /// From the last byte of the request to the reply's head. Over it: 504. Default 60 000.
    pub reply_head_timeout_ms: u64,
    /// Between two pieces of the reply's body. Over it: the reply is cut. Default 300 000.
    pub reply_idle_timeout_ms: u64,
    /// Idle connections kept, on each thread: as many messages at a time find one again. More are closed. Default 256.
    pub pool_idle_max: usize,
    /// Fields that a reply's head may have in HTTP/1.1; one with more is invalid. Default 100.
    pub reply_headers_max: usize,
    /// How long an idle connection is kept: shorter than upstreams keep theirs. Default 30 000.
    pub pool_idle_timeout_ms: u64,
    /// Headers that only it may know: written last, in place of any others.
    pub secret_headers: Arc<[(http::HeaderName, http::HeaderValue)]>,
    /// Where it must not lead. Default nowhere.
    pub barred: Barred,
}

/// Whether HTTP/2 is spoken to an upstream. Over HTTP/1.1 each message has a connection for itself, which is cheaper and
/// keeps one message's trouble from others; gRPC needs HTTP/2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Http2 {
    /// HTTP/1.1 only.
    #[default]
    Off,
    /// Where the endpoint chooses it in the TLS handshake.
    Alpn,
    /// Always: in TLS nothing else is offered, and plain connections begin with its preface.
    Always,
}

/// Whether bytes of an upstream, in pieces of so many, may be its reply to a message, and whether it is whole then; `None`:
/// they are none. For fuzzers, and whoever asks what a reply comes to.
#[must_use]
pub fn replied(bytes: &[u8], piece: usize) -> Option<bool> {
    let mut framing = framing::Framing::new(HEADERS_MAX);
    framing.expect(false);
    let mut input = BytesMut::new();
    let mut pieces = bytes.chunks(piece.max(1));
    let is_good = pieces.all(|piece| {
        input.extend_from_slice(piece);
        framing.follow(&mut input).is_ok()
    });
    is_good.then(|| framing.is_whole())
}

/// Fields that a reply's head may have in HTTP/1.1, where nothing else is said.
const HEADERS_MAX: usize = 100;

/// Endpoints that one upstream may have.
pub const ENDPOINTS_MAX: usize = 64;

impl Upstream {
    /// An upstream of one plain endpoint, with the default limits.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, host: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            endpoints: Arc::new([Endpoint::new(host, port, None)]),
            http2: Http2::Off,
            requests_max: 0,
            in_flight: Arc::default(),
            retries_max: 1,
            ejection: Ejection::default(),
            health_check: None,
            dns_refresh_ms: 30_000,
            connect_timeout_ms: 5_000,
            reply_head_timeout_ms: 60_000,
            reply_idle_timeout_ms: 300_000,
            pool_idle_max: 256,
            reply_headers_max: HEADERS_MAX,
            pool_idle_timeout_ms: 30_000,
            secret_headers: Arc::new([]),
            barred: Barred::default(),
        }
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
    /// The system gives the gateway no descriptor for a connection. No fault of the upstream's; nothing was sent, try again
    /// later.
    #[error("the system has no room for a connection to upstream `{upstream}`")]
    NoRoom {
        /// Its name.
        upstream: Arc<str>,
    },
    /// It leads to this gateway itself or to what is another environment's. The operator's fault; nothing was sent.
    #[error("upstream `{upstream}` leads to this gateway or to an upstream of another environment")]
    Barred {
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
    #[error("the TLS handshake with upstream `{upstream}` failed: {why}")]
    Handshake {
        /// Its name.
        upstream: Arc<str>,
        /// What it failed for.
        why: &'static str,
    },
    /// None of its endpoints is well. Nothing was sent; try again later.
    #[error("upstream `{upstream}` has no endpoint that is well")]
    Unavailable {
        /// Its name.
        upstream: Arc<str>,
    },
    /// It has as many messages as it may. Nothing was sent; try again later.
    #[error("upstream `{upstream}` has as many messages as it may")]
    Busy {
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
    /// It says that it did nothing with the message, over HTTP/2. Trying again is safe.
    #[error("upstream `{upstream}` refused the message unread")]
    Unprocessed {
        /// Its name.
        upstream: Arc<str>,
    },
    /// It closed before its reply's head was whole. Its fault; not tried again.
    #[error("upstream `{upstream}` closed before its reply")]
    ClosedEarly {
        /// Its name.
        upstream: Arc<str>,
    },
    /// Its reply is no HTTP/1.1, or has doubtful framing. Its fault.
    #[error("upstream `{upstream}` sent what is no HTTP reply: {why}")]
    Invalid {
        /// Its name.
        upstream: Arc<str>,
        /// Why it is none, in words of ours.
        why: &'static str,
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
    /// Whether the upstream says that it did nothing with the message.
    pub(crate) const fn is_unprocessed(&self) -> bool {
        matches!(self, Self::Unprocessed { .. })
    }

    /// The short word for it.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Connect { .. } | Self::Barred { .. } | Self::Handshake { .. } => Reason::UpstreamConnect,
            Self::NoRoom { .. } => Reason::Overloaded,
            Self::Unavailable { .. } | Self::Unprocessed { .. } => Reason::UpstreamUnavailable,
            Self::Busy { .. } => Reason::UpstreamBusy,
            Self::ConnectTimeout { .. } | Self::HeadTimeout { .. } => Reason::UpstreamTimeout,
            Self::ClosedEarly { .. } | Self::Invalid { .. } => Reason::UpstreamInvalid,
            Self::RequestBody { error: BodyError::CutShort | BodyError::Unasked, .. } => Reason::BodyCutShort,
            Self::RequestBody { error: BodyError::Timeout, .. } => Reason::BodyTimeout,
            Self::RequestBody { error: BodyError::Malformed, .. } => Reason::BadRequest,
        }
    }
}
