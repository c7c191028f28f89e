//! Replies: one body type for all answers, with a word at its end.

use super::socket::{Phase, Watch};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};

/// How a reply's body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyEnd {
    /// Bytes that were handed to the connection.
    pub bytes: u64,
    /// Whether the body came to its end.
    pub complete: bool,
}

/// The upstream's body as forward gives it.
pub type Streamed = Pin<Box<dyn Body<Data = Bytes, Error = std::io::Error>>>;

/// The body of an answer. Calls its guard once, at the end or when dropped.
pub struct ReplyBody {
    kind: Kind,
    bytes: u64,
    complete: bool,
    on_end: Option<Box<dyn FnOnce(ReplyEnd)>>,
    watch: Option<Watch>,
}

enum Kind {
    Full(Option<Bytes>),
    Streamed(Streamed),
}

impl ReplyBody {
    /// A body of the gateway's own.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            complete: bytes.is_empty(),
            kind: Kind::Full(Some(bytes).filter(|b| !b.is_empty())),
            bytes: 0,
            on_end: None,
            watch: None,
        }
    }

    /// The upstream's body.
    #[must_use]
    pub fn streamed(body: Streamed) -> Self {
        Self {
            complete: body.is_end_stream(),
            kind: Kind::Streamed(body),
            bytes: 0,
            on_end: None,
            watch: None,
        }
    }

    /// Keeps the connection's phase at busy until the body has ended: a long reply isn't an idle connection.
    pub(super) fn watched(mut self, watch: Watch) -> Self {
        self.watch = Some(watch);
        self
    }

    /// Has `on_end` called at the end, or when the connection drops the body.
    #[must_use]
    pub fn on_end(mut self, on_end: impl FnOnce(ReplyEnd) + 'static) -> Self {
        self.on_end = Some(Box::new(on_end));
        self
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let frame = match &mut this.kind {
            Kind::Full(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Kind::Streamed(body) => body.as_mut().poll_frame(cx),
        };
        match &frame {
            Poll::Ready(Some(Ok(frame))) => {
                this.bytes += frame.data_ref().map_or(0, |d| d.len() as u64);
                this.complete = this.is_end_stream();
            }
            Poll::Ready(None) => this.complete = true,
            _ => {}
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Full(bytes) => bytes.is_none(),
            Kind::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Kind::Streamed(body) => body.size_hint(),
        }
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        if let Some(watch) = self.watch.take() {
            watch.set(Phase::Idle);
        }
        if let Some(on_end) = self.on_end.take() {
            on_end(ReplyEnd { bytes: self.bytes, complete: self.complete });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn the_end_is_told_once_with_what_was_sent() {
        let told = Rc::new(Cell::new(None));
        let keep = told.clone();
        let mut body = ReplyBody::full("hello").on_end(move |end| keep.set(Some(end)));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        assert!(matches!(Pin::new(&mut body).poll_frame(&mut cx), Poll::Ready(Some(Ok(_)))));
        drop(body);
        assert_eq!(told.take(), Some(ReplyEnd { bytes: 5, complete: true }));
    }

    #[test]
    fn a_connection_is_busy_until_its_reply_has_ended() {
        let watch = Watch::new();
        watch.set(Phase::Busy);
        let body = ReplyBody::full("hello").watched(watch.clone());
        assert_eq!(watch.phase(), Phase::Busy);
        drop(body);
        assert_eq!(watch.phase(), Phase::Idle);
    }
}
