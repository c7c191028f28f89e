//! Bodies: inbound, with the limit on time; and the one type of all replies.

use super::guard::ConnectionState;
use super::{Limits, Nap, Tunnel};
use crate::payload::Payload;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Version, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::time::Sleep;

/// Why a body ended before its end. Which side's fault it is depends on whose body it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The peer closed or broke the connection half-way.
    #[error("the body ended before its declared end")]
    CutShort,
    /// Chunk framing that can be read in two ways, or in none.
    #[error("the body's chunk framing is malformed")]
    Malformed,
    /// It took longer than its limit.
    #[error("the body did not arrive in time")]
    Timeout,
    /// Of a reply: the message that it answers broke off first, so that nobody waits for it.
    #[error("the body's own message broke off")]
    Unasked,
}

/// The body of an inbound message: data and trailers as they come. Its limits on time are between two pieces, and by its
/// rate while the sender is waited for: [`super::hold()`] limits the whole.
pub struct InboundBody {
    /// As long as it isn't dropped.
    inner: Option<Incoming>,
    state: Rc<ConnectionState>,
    pace: Pace,
    /// Since when the sender is waited for.
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    is_whole: bool,
    is_http2: bool,
}

/// How slow a sender may be. Time in which nobody asked for more isn't the sender's.
struct Pace {
    /// Between two pieces.
    timeout: Duration,
    /// Bytes a second; 0: as slow as it likes.
    rate_min: u64,
    received: u64,
    /// How long the sender was waited for so far.
    waited: Duration,
}

impl Pace {
    /// How long the next piece may take.
    fn left(&self) -> Duration {
        let Some(micros) = (self.received * 1_000_000).checked_div(self.rate_min) else {
            return self.timeout;
        };
        let whole = self.timeout.saturating_add(Duration::from_micros(micros));
        self.timeout.min(whole.saturating_sub(self.waited))
    }
}

impl InboundBody {
    pub(super) fn new(inner: Incoming, state: Rc<ConnectionState>, head: &Parts, limits: &Limits) -> Self {
        let is_grpc = |value: &HeaderValue| {
            value.as_bytes().get(..GRPC.len()).is_some_and(|head| head.eq_ignore_ascii_case(GRPC))
        };
        // Both sides of gRPC's streams speak when they have something to say.
        let may_rest = !inner.is_end_stream() && head.headers.get(header::CONTENT_TYPE).is_some_and(is_grpc);
        let pace = Pace {
            timeout: Duration::from_millis(limits.body_timeout_ms),
            rate_min: if may_rest { 0 } else { limits.body_rate_min },
            received: 0,
            waited: Duration::ZERO,
        };
        state.is_unasked.set(!inner.is_end_stream());
        let is_http2 = head.version == Version::HTTP_2;
        Self { inner: Some(inner), state, pace, waiting_since: None, timer: None, is_whole: false, is_http2 }
    }

    /// Whether a head on its connection had an `Upgrade` so far: where none had, nobody needs to look for it.
    #[must_use]
    pub fn has_offer(&self) -> bool {
        self.state.has_offer.get()
    }

    /// Bytes that the head declares; `None` where the body is chunked.
    #[must_use]
    pub fn declared_bytes(&self) -> Option<u64> {
        self.size_hint().exact()
    }
}

impl Body for InboundBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        this.state.awaits_100.set(false); // hyper sends it now
        this.state.is_unasked.set(false);
        match Nap::poll_body(this.state.nap.get().map(Arc::as_ref), inner, cx) {
            Poll::Ready(Some(Err(_))) if this.state.malformed.get() => {
                Poll::Ready(Some(Err(BodyError::Malformed)))
            }
            Poll::Ready(frame) => {
                if let Some(since) = this.waiting_since.take() {
                    this.pace.waited += since.elapsed();
                }
                let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                this.pace.received += data.map_or(0, |data| data.len() as u64);
                // A stream that its caller reset without an error ends as if its body were whole.
                let is_reset = frame.is_none() && this.is_http2 && !inner.is_end_stream();
                let frame = if is_reset { Some(Err(())) } else { frame.map(|frame| frame.map_err(|_| ())) };
                this.is_whole = is_last(frame.as_ref());
                this.state.is_unasked.set(!this.is_whole && !inner.is_end_stream());
                Poll::Ready(frame.map(|f| f.map_err(|()| BodyError::CutShort)))
            }
            Poll::Pending => {
                // A timer only for bodies that don't come at once.
                let now = Instant::now();
                let deadline = (now + this.pace.left()).into();
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
                if this.waiting_since.is_none() {
                    this.waiting_since = Some(now);
                    timer.as_mut().reset(deadline);
                }
                ready!(timer.as_mut().poll(cx));
                Poll::Ready(Some(Err(BodyError::Timeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for InboundBody {
    fn drop(&mut self) {
        self.state.is_unasked.set(false);
        if self.is_whole || self.is_end_stream() {
            return;
        }
        self.state.is_body_left.set(true);
        if let (true, Some(inner)) = (self.is_http2, self.inner.take()) {
            tokio::task::spawn_local(waste(inner));
        }
    }
}

/// Throws away what still comes of a body that nobody reads. Where its stream is reset behind the answer, as it would be at
/// once, many callers that are still sending take that for their error, and never look at the answer.
async fn waste(mut body: Incoming) {
    let wasting = async {
        let mut left = WASTED_BYTES_MAX;
        while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(WASTED_FOR, wasting).await; // then it is reset
}

const WASTED_BYTES_MAX: usize = 1024 * 1024;
const WASTED_FOR: Duration = Duration::from_secs(1);

impl fmt::Debug for InboundBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InboundBody")
    }
}

const GRPC: &[u8] = b"application/grpc";

/// How a reply's body went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyEnd {
    /// Bytes that were taken from it, to be written to the peer.
    pub bytes: u64,
    /// Bytes that a tunnel brought from the peer.
    pub received: u64,
    /// Whether it was taken to its end.
    pub how: Ended,
}

/// How far a reply's body came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// To its end.
    Whole,
    /// Whoever sent it broke off.
    Broke(BodyError),
    /// The peer took no more of it.
    Left,
}

/// The body of any reply.
pub struct ReplyBody {
    content: Content,
    bytes: u64,
    received: u64,
    how: Ended,
    on_end: Option<Box<dyn FnOnce(ReplyEnd)>>,
    exchange: Option<ExchangeEnd>,
    piece_bytes: usize,
}

enum Content {
    Full(Option<Bytes>),
    /// With trailers, so in chunks.
    Trailed(Option<Bytes>, Option<Box<HeaderMap>>),
    Streaming(Pin<Box<dyn Body<Data = Bytes, Error = BodyError>>>),
    /// None; the connection goes on in another protocol.
    Tunnel(Option<Box<Tunnel>>),
}

impl ReplyBody {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Content::Full(None))
    }

    /// A body that is all here.
    #[must_use]
    pub fn full(body: Payload) -> Self {
        Self::new(Content::Full(Some(body.into_exposed()).filter(|b| !b.is_empty())))
    }

    /// A body that was held whole, with its trailers.
    #[must_use]
    pub fn held(body: Payload, trailers: Option<HeaderMap>) -> Self {
        match trailers.filter(|trailers| !trailers.is_empty()) {
            None => Self::full(body),
            trailers => {
                let bytes = Some(body.into_exposed()).filter(|b| !b.is_empty());
                Self::new(Content::Trailed(bytes, trailers.map(Box::new)))
            }
        }
    }

    /// A body that goes on as it comes.
    #[must_use]
    pub fn streaming(body: impl Body<Data = Bytes, Error = BodyError> + 'static) -> Self {
        Self::streaming_pinned(Box::pin(body))
    }

    /// The same of one that is in a box already.
    #[must_use]
    pub fn streaming_pinned(body: Pin<Box<dyn Body<Data = Bytes, Error = BodyError>>>) -> Self {
        Self::new(Content::Streaming(body))
    }

    /// No body: the connection is switched to what the tunnel's other end speaks.
    #[must_use]
    pub fn tunnel(tunnel: Tunnel) -> Self {
        Self::new(Content::Tunnel(Some(Box::new(tunnel))))
    }

    pub(super) fn take_tunnel(&mut self) -> Option<Tunnel> {
        match &mut self.content {
            Content::Tunnel(tunnel) => tunnel.take().map(|tunnel| *tunnel),
            _ => None,
        }
    }

    /// Notes what a tunnel carried: `bytes` to the peer, `received` from it.
    pub(super) fn carried(&mut self, bytes: u64, received: u64) {
        (self.bytes, self.received) = (bytes, received);
    }

    /// It turned out to be no answer: nothing of it is sent, and its end is told as the upstream's failure.
    pub(super) fn break_off(&mut self) {
        self.how = Ended::Broke(BodyError::Malformed);
        self.content = Content::Full(None);
    }

    /// Calls `on_end` once, when the body ended or was dropped half-way.
    #[must_use]
    pub fn on_end(mut self, on_end: impl FnOnce(ReplyEnd) + 'static) -> Self {
        self.on_end = match self.on_end.take() {
            None => Some(Box::new(on_end)),
            Some(earlier) => Some(Box::new(move |end| {
                earlier(end);
                on_end(end);
            })),
        };
        self
    }

    pub(super) fn set_exchange(&mut self, exchange: ExchangeEnd) {
        self.exchange = Some(exchange);
    }

    /// Has it come in pieces of a frame, as HTTP/2 writes them.
    pub(super) fn in_frames(&mut self) {
        self.piece_bytes = FRAME_BYTES;
    }

    fn new(content: Content) -> Self {
        Self {
            content,
            bytes: 0,
            received: 0,
            how: Ended::Left,
            on_end: None,
            exchange: None,
            piece_bytes: PIECE_BYTES,
        }
    }

    /// hyper drops a body at its declared length without asking for its end, and never asks where there is none to
    /// send (HEAD, 204, 304).
    fn is_at_end(&self) -> bool {
        match &self.content {
            Content::Full(bytes) => bytes.is_none(),
            Content::Trailed(bytes, trailers) => bytes.is_none() && trailers.is_none(),
            Content::Streaming(body) => body.is_end_stream(),
            Content::Tunnel(_) => true,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let frame = match &mut this.content {
            Content::Full(bytes) => next_piece(bytes, this.piece_bytes).map(|b| Ok(Frame::data(b))),
            Content::Trailed(bytes, trailers) => {
                let data = next_piece(bytes, this.piece_bytes).map(Frame::data);
                data.or_else(|| trailers.take().map(|trailers| Frame::trailers(*trailers))).map(Ok)
            }
            Content::Streaming(body) => ready!(body.as_mut().poll_frame(cx)),
            Content::Tunnel(_) => None,
        };
        this.how = match &frame {
            Some(Err(error)) => {
                if let Some(exchange) = &this.exchange {
                    exchange.0.is_reply_broken.set(true);
                }
                Ended::Broke(*error)
            }
            frame if is_last(frame.as_ref()) => Ended::Whole,
            _ => Ended::Left,
        };
        if let Some(Ok(frame)) = &frame {
            this.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Content::Trailed(..) => SizeHint::default(),
            Content::Streaming(body) => body.size_hint(),
            Content::Tunnel(_) => SizeHint::with_exact(0),
        }
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        // hyper drops one at its declared length, also where its end was still to be told (HTTP/2).
        let has_all = || match &self.content {
            Content::Streaming(body) => body.size_hint().exact() == Some(0),
            _ => false,
        };
        let is_whole = self.how == Ended::Left && (self.is_at_end() || has_all());
        let how = if is_whole { Ended::Whole } else { self.how };
        // First, what copies the content tells of it.
        self.content = Content::Full(None);
        if let Some(on_end) = self.on_end.take() {
            on_end(ReplyEnd { bytes: self.bytes, received: self.received, how });
        }
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyBody")
    }
}

/// The next bytes, in pieces: a body has ended once its last bytes were taken, and what is taken waits to be sent. The last
/// is a copy: where it waits for a peer, it is no part of all the others any more.
fn next_piece(bytes: &mut Option<Bytes>, piece_bytes: usize) -> Option<Bytes> {
    let mut rest = bytes.take()?;
    if rest.len() <= piece_bytes {
        return Some(rest);
    }
    let piece = rest.split_to(piece_bytes);
    *bytes = Some(if rest.len() <= piece_bytes { Bytes::copy_from_slice(&rest) } else { rest });
    Some(piece)
}

/// A frame of HTTP/2, as it is written.
const FRAME_BYTES: usize = 16 * 1024;
/// Over HTTP/1.1 hyper takes as much as it has room for.
const PIECE_BYTES: usize = 64 * 1024;

/// Whether nothing follows this frame: hyper asks for none after trailers.
fn is_last<E>(frame: Option<&Result<Frame<Bytes>, E>>) -> bool {
    match frame {
        None => true,
        Some(Ok(frame)) => frame.is_trailers(),
        Some(Err(_)) => false,
    }
}

/// Tells the connection, on drop, that a reply ended.
#[derive(Debug)]
pub(super) struct ExchangeEnd(pub Rc<ConnectionState>);

impl Drop for ExchangeEnd {
    fn drop(&mut self) {
        self.0.end_one();
    }
}
