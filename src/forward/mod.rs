//! Forward: what was cleared to the upstream, and its reply back.
//!
//! - Takes: a request whose head is written anew ([`headers`]) and the body that was cleared, byte for byte.
//! - Gives: the upstream's reply, its body still streaming; or a [`ForwardError`].
//! - In doubt: fails. A message is sent again only if nothing of it was written to a pooled connection that had died,
//!   or if its method is safe and its body held.
//! - Cost: no lock; each data thread has its own pool.

pub mod headers;
mod pool;

pub use headers::HeaderRules;
pub use pool::{Pool, UpstreamBody};

use crate::listen::Tee;
use crate::reason::Reason;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Where a connection leads.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// The connection's name: what logs and errors show.
    pub name: Arc<str>,
    /// Host, as configured.
    pub host: String,
    /// Port.
    pub port: u16,
    /// To connect, milliseconds. Default 5,000.
    pub connect_timeout_ms: u64,
    /// From sending to the reply's head, milliseconds. Default 60,000.
    pub reply_head_timeout_ms: u64,
    /// Idle connections that each thread keeps. Default 64.
    pub pool_idle_max: usize,
    /// How long one may be idle, milliseconds: shorter than servers wait. Default 30,000.
    pub pool_idle_timeout_ms: u64,
}

impl Default for Upstream {
    fn default() -> Self {
        Self {
            name: Arc::from(""),
            host: String::new(),
            port: 80,
            connect_timeout_ms: 5_000,
            reply_head_timeout_ms: 60_000,
            pool_idle_max: 64,
            pool_idle_timeout_ms: 30_000,
        }
    }
}

/// Why a cleared request got no reply from its upstream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForwardError {
    /// The upstream took no connection. Its fault; safe to try again.
    #[error("upstream `{upstream}` took no connection within {limit_ms} ms")]
    Connect {
        /// The connection's name.
        upstream: Arc<str>,
        /// The limit.
        limit_ms: u64,
    },
    /// No reply head came within the limit. Its fault; not tried again.
    #[error("upstream `{upstream}` sent no reply head within {limit_ms} ms")]
    HeadTimeout {
        /// The connection's name.
        upstream: Arc<str>,
        /// The limit.
        limit_ms: u64,
    },
    /// The connection ended without a reply, or the reply is no HTTP. Not tried again: the message may have run.
    #[error("upstream `{upstream}` ended the connection without a reply")]
    Ended {
        /// The connection's name.
        upstream: Arc<str>,
    },
    /// The caller's body stopped half-way while it streamed. The caller's fault.
    #[error("the body stopped half-way")]
    BodyCutShort,
}

impl From<&ForwardError> for Reason {
    fn from(error: &ForwardError) -> Self {
        match error {
            ForwardError::Connect { .. } => Self::UpstreamConnect,
            ForwardError::HeadTimeout { .. } => Self::UpstreamTimeout,
            ForwardError::Ended { .. } => Self::UpstreamInvalid,
            ForwardError::BodyCutShort => Self::BodyCutShort,
        }
    }
}

/// The body of a request to an upstream.
pub enum OutBody {
    /// None.
    Empty,
    /// Held whole, with its trailers.
    Held(Option<Bytes>, Option<HeaderMap>),
    /// Streaming.
    Streaming(Tee),
}

impl OutBody {
    /// One that was held.
    #[must_use]
    pub fn held(bytes: Bytes, trailers: Option<HeaderMap>) -> Self {
        if bytes.is_empty() && trailers.is_none() { Self::Empty } else { Self::Held(Some(bytes), trailers) }
    }

    /// A second one, where the bytes are at hand.
    fn again(&self) -> Option<Self> {
        match self {
            Self::Empty => Some(Self::Empty),
            Self::Held(bytes, trailers) => Some(Self::Held(bytes.clone(), trailers.clone())),
            Self::Streaming(_) => None,
        }
    }
}

impl Body for OutBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Held(bytes, trailers) => Poll::Ready(match bytes.take().filter(|b| !b.is_empty()) {
                Some(bytes) => Some(Ok(Frame::data(bytes))),
                None => trailers.take().map(|t| Ok(Frame::trailers(t))),
            }),
            Self::Streaming(tee) => Pin::new(tee).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Held(bytes, trailers) => bytes.as_ref().is_none_or(Bytes::is_empty) && trailers.is_none(),
            Self::Streaming(tee) => tee.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            // With trailers the length isn't declared: they need `chunked`.
            Self::Held(bytes, None) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Self::Held(..) => SizeHint::default(),
            Self::Streaming(tee) => tee.size_hint(),
        }
    }
}
