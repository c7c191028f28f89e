//! Tee: a body that streams through unchanged while its first bytes are copied.

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// What a tee copied, told by the handle that was given out with it.
#[derive(Debug, Clone, Default)]
pub struct TeeEnd {
    /// The first bytes, at most the limit.
    pub copied: Bytes,
    /// Bytes that passed.
    pub total_bytes: u64,
    /// Whether the body passed to its end.
    pub complete: bool,
}

#[derive(Default)]
struct Shared {
    copied: BytesMut,
    total_bytes: u64,
    complete: bool,
}

/// Asks a tee what passed, while it runs and after.
pub struct TeeHandle(Rc<RefCell<Shared>>);

impl TeeHandle {
    /// What passed until now; the copy is taken out.
    #[must_use]
    pub fn end(&self) -> TeeEnd {
        let mut shared = self.0.borrow_mut();
        TeeEnd {
            copied: shared.copied.split().freeze(),
            total_bytes: shared.total_bytes,
            complete: shared.complete,
        }
    }
}

/// A request's body on its way to the upstream.
pub struct Tee {
    body: Incoming,
    copy_max: usize,
    shared: Rc<RefCell<Shared>>,
    stall: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Tee {
    /// A tee that copies at most `copy_max` bytes, and fails where no piece comes for `stall`.
    #[must_use]
    pub fn new(body: Incoming, copy_max: usize, stall: Duration) -> (Self, TeeHandle) {
        let shared = Rc::new(RefCell::new(Shared { complete: body.is_end_stream(), ..Shared::default() }));
        let handle = TeeHandle(shared.clone());
        (Self { body, copy_max, shared, stall, timer: Box::pin(tokio::time::sleep(stall)) }, handle)
    }
}

impl Body for Tee {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                ready!(this.timer.as_mut().poll(cx));
                return Poll::Ready(Some(Err(std::io::ErrorKind::TimedOut.into())));
            }
        };
        let next = Instant::now() + this.stall;
        // Moving the timer at every piece would cost more than it is worth.
        if this.timer.deadline() + Duration::from_secs(1) < next {
            this.timer.as_mut().reset(next);
        }
        let mut shared = this.shared.borrow_mut();
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    shared.total_bytes += data.len() as u64;
                    let room = this.copy_max.saturating_sub(shared.copied.len());
                    let copied = data.get(..room.min(data.len())).unwrap_or_default();
                    shared.copied.extend_from_slice(copied);
                }
                shared.complete = this.body.is_end_stream();
                Some(Ok(frame))
            }
            // The peer went away: its words for it aren't shown.
            Some(Err(_)) => Some(Err(std::io::ErrorKind::UnexpectedEof.into())),
            None => {
                shared.complete = true;
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
