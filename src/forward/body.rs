//! Bodies to and from an upstream.

use super::{
    connect::{Connection, Place},
    group::Entered,
    headers::{listed, may_trail_reply},
    pool::{Shelf, TAKE_BACK_TIMEOUT},
};
use crate::counted::Counted;
use crate::listen::{BodyError, InboundBody, ReplyBody, Tee, Tunnel};
use crate::payload::Payload;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    cell::{Cell, RefCell},
    fmt,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};
use tokio::task::AbortHandle;
use tokio::time::Sleep;

/// A request's body on its way out.
///
/// In a box, with what is known of its progress: a request is moved often.
pub struct OutBody(Rc<Progress>);

/// What an [`OutBody`] is.
#[derive(Default)]
struct Going {
    content: Content,
    /// Which trailers of a body that streams may pass: those that were declared, and that the upstream may get.
    declared: Vec<HeaderName>,
    gate: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// On a connection that messages share.
    place: Option<Rc<Place>>,
}

/// When a body last moved, and how it broke: the time limit on the reply's head starts at its end.
pub(super) struct Progress {
    pub last: Cell<Instant>,
    pub broke: Cell<Option<BodyError>>,
    /// Whether the body's sender is waited for: that is no time of the upstream's.
    pub awaits_sender: Cell<bool>,
    /// What writes the body over HTTP/2, where that is a task of its own.
    writer: RefCell<Option<AbortHandle>>,
    /// Nobody has the body any more.
    is_gone: Cell<bool>,
    /// The body, as long as there is one to go out.
    going: RefCell<Going>,
}

impl Progress {
    /// From when on the limit counts.
    pub(super) fn since(&self) -> Instant {
        if self.awaits_sender.get() { Instant::now() } else { self.last.get() }
    }

    /// Whether all of the body went out.
    pub(super) fn is_sent(&self) -> bool {
        match &self.going.borrow().content {
            Content::Empty => true,
            Content::Held { bytes, trailers } => bytes.is_none() && trailers.is_none(),
            Content::Streaming(body) => body.is_end_stream(),
        }
    }

    /// Ends the writing of a body over HTTP/2: its stream is reset. As long as an upstream gives no window for it nobody else
    /// would see that its message is over.
    fn stop(&self) {
        if let Some(writer) = self.writer.take() {
            writer.abort();
        }
    }

    /// Whether the body waits for the upstream's 100.
    pub(super) fn is_gated(&self) -> bool {
        self.going.borrow().gate.is_some()
    }

    /// The upstream said 100, or won't: the body waits no longer.
    pub(super) fn go(&self) {
        if self.going.borrow_mut().gate.take().is_some() {
            self.last.set(Instant::now());
        }
    }
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Held {
        bytes: Option<Bytes>,
        trailers: Option<Box<HeaderMap>>,
    },
    Streaming(Box<Tee<InboundBody>>),
}

impl OutBody {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Content::Empty)
    }

    /// A body that is all here.
    #[must_use]
    pub fn held(bytes: Payload, trailers: Option<HeaderMap>) -> Self {
        let bytes = Some(bytes.into_exposed()).filter(|b| !b.is_empty());
        Self::new(Content::Held { bytes, trailers: trailers.map(Box::new) })
    }

    /// A body that streams through.
    #[must_use]
    pub fn streaming(body: Tee<InboundBody>) -> Self {
        Self::new(Content::Streaming(Box::new(body)))
    }

    pub(super) fn is_streaming(&self) -> bool {
        matches!(self.0.going.borrow().content, Content::Streaming(_))
    }

    /// Holds its message's place until it is dropped: a reply may end before it.
    pub(super) fn hold(&self, place: Rc<Place>) {
        self.0.going.borrow_mut().place = Some(place);
    }

    /// Reads nothing of the body until the upstream says 100, or a moment has passed: so the caller gets its own 100
    /// after the upstream's, as hyper sends it when a body is first read.
    pub(super) fn wait_for_100(&mut self) {
        self.0.going.borrow_mut().gate = Some(Box::pin(async { tokio::time::sleep(CONTINUE_TIMEOUT).await }));
    }

    /// Lets trailers pass that may and that the head declared. Until then none of a body that streams do.
    pub(super) fn keep_trailers(&mut self, head: &HeaderMap, may_trail: impl Fn(&HeaderName) -> bool) {
        let going = &mut *self.0.going.borrow_mut();
        match &mut going.content {
            Content::Empty => {}
            Content::Held { trailers, .. } => {
                if trailers.is_some() {
                    let declared: Vec<HeaderName> = listed(head).filter(may_trail).collect();
                    let may = |name: &HeaderName| declared.contains(name);
                    *trailers = trailers.take().and_then(|trailers| kept(*trailers, may)).map(Box::new);
                }
            }
            Content::Streaming(_) => going.declared = listed(head).filter(may_trail).collect(),
        }
    }

    /// The trailers that may follow.
    pub(super) fn trailer_names(&self) -> Vec<HeaderName> {
        let going = self.0.going.borrow();
        match &going.content {
            Content::Held { trailers, .. } => trailers.iter().flat_map(|t| t.keys()).cloned().collect(),
            _ => going.declared.clone(),
        }
    }

    /// When it was made.
    #[must_use]
    pub fn begun(&self) -> Instant {
        self.0.last.get()
    }

    pub(super) fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.0)
    }

    /// What the same body is made of once more, where that is possible.
    pub(super) fn spare(&self) -> Option<Spare> {
        let content = match &self.0.going.borrow().content {
            Content::Empty => Content::Empty,
            Content::Held { bytes, trailers } => {
                Content::Held { bytes: bytes.clone(), trailers: trailers.clone() }
            }
            Content::Streaming(body) if body.is_end_stream() => Content::Empty,
            Content::Streaming(_) => return None,
        };
        Some(Spare { content, since: self.0.last.get() })
    }

    fn new(content: Content) -> Self {
        Self::since(content, Instant::now())
    }

    fn since(content: Content, since: Instant) -> Self {
        Self(Rc::new(Progress {
            last: Cell::new(since),
            broke: Cell::new(None),
            awaits_sender: Cell::new(false),
            writer: RefCell::new(None),
            is_gone: Cell::new(false),
            going: RefCell::new(Going { content, ..Going::default() }),
        }))
    }
}

impl Drop for OutBody {
    /// Whoever waits for the reply's head still asks for its progress.
    fn drop(&mut self) {
        self.0.is_gone.set(true);
        drop(self.0.going.take());
    }
}

thread_local! {
    /// The body that was asked last and that nothing writes yet.
    static ASKED: RefCell<Weak<Progress>> = RefCell::default();
}

/// Runs the tasks of a connection of HTTP/2 to an upstream. hyper asks a message's body once before it makes a task of
/// writing it, where it isn't done by then: so it is known which task that is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writers;

impl<F: Future + 'static> hyper::rt::Executor<F> for Writers {
    fn execute(&self, future: F) {
        let asked = ASKED.take().upgrade().filter(|progress| !progress.is_gone.get());
        let task = tokio::task::spawn_local(async move {
            future.await;
        });
        if let Some(progress) = asked {
            progress.writer.replace(Some(task.abort_handle()));
        }
    }
}

/// A body that is made only where it is needed.
pub(super) struct Spare {
    content: Content,
    /// The limit on the reply's head counts from the try before.
    since: Instant,
}

impl Spare {
    pub(super) fn body(self) -> OutBody {
        OutBody::since(self.content, self.since)
    }
}

impl Body for OutBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let progress = &*self.0;
        let going = &mut *progress.going.borrow_mut();
        let is_shared = going.place.is_some();
        if is_shared && progress.writer.borrow().is_none() {
            ASKED.set(Rc::downgrade(&self.0));
        }
        if let Some(gate) = &mut going.gate {
            ready!(gate.as_mut().poll(cx));
            going.gate = None;
            progress.last.set(Instant::now());
        }
        let frame = match &mut going.content {
            Content::Empty => None,
            Content::Held { bytes, trailers } => {
                // In pieces where each waits for its window: the limit on the reply's head counts from the last.
                let piece = match bytes {
                    Some(all) if is_shared && all.len() > PIECE_BYTES => Some(all.split_to(PIECE_BYTES)),
                    rest => rest.take(),
                };
                if is_shared {
                    progress.last.set(Instant::now());
                }
                let data = piece.map(Frame::data);
                data.or_else(|| trailers.take().map(|trailers| Frame::trailers(*trailers))).map(Ok)
            }
            Content::Streaming(body) => {
                let frame = Pin::new(&mut **body).poll_frame(cx);
                progress.awaits_sender.set(frame.is_pending());
                let frame = ready!(frame);
                progress.last.set(Instant::now());
                if let Some(Err(error)) = &frame {
                    progress.broke.set(Some(*error));
                }
                let declared = &going.declared;
                frame.and_then(|frame| trailing(frame, |name| declared.contains(name)))
            }
        };
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_sent()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0.going.borrow().content {
            Content::Empty => SizeHint::with_exact(0),
            Content::Held { bytes, trailers: None } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Content::Held { .. } => SizeHint::default(), // trailers need chunks
            Content::Streaming(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for OutBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0.going.borrow().content {
            Content::Empty => "OutBody(empty)",
            Content::Held { .. } => "OutBody(held)",
            Content::Streaming(_) => "OutBody(streaming)",
        })
    }
}

/// A frame, with those of its trailers that may pass; `None`, the body's end, where it had trailers and none may.
fn trailing<E>(
    frame: Result<Frame<Bytes>, E>,
    may_trail: impl Fn(&HeaderName) -> bool,
) -> Option<Result<Frame<Bytes>, E>> {
    match frame.map(Frame::into_trailers) {
        Ok(Ok(trailers)) => kept(trailers, may_trail).map(|trailers| Ok(Frame::trailers(trailers))),
        Ok(Err(frame)) => Some(Ok(frame)),
        Err(error) => Some(Err(error)),
    }
}

fn kept(mut trailers: HeaderMap, may_trail: impl Fn(&HeaderName) -> bool) -> Option<HeaderMap> {
    let gone: Vec<HeaderName> = trailers.keys().filter(|name| !may_trail(name)).cloned().collect();
    for name in gone {
        trailers.remove(name);
    }
    Some(trailers).filter(|trailers| !trailers.is_empty())
}

/// A reply's body on its way in. At its end the connection goes back to its pool; dropped before, it is closed.
///
/// In a box from its beginning: a reply is moved often.
pub struct UpstreamBody(Pin<Box<Reading>>);

/// What an [`UpstreamBody`] is.
struct Reading {
    /// The body, where it isn't the connection's own.
    incoming: Option<Incoming>,
    /// Until the body's end.
    connection: Option<Box<Connection>>,
    counted: Option<(Entered, Counted)>,
    /// Which of its upstream's endpoints it comes from.
    endpoint: usize,
    shelf: Weak<RefCell<Shelf>>,
    /// Whether its end is a success of the endpoint: its status says that it serves.
    is_good: bool,
    idle_timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// The upstream has switched protocols: the connection is no other message's any more.
    is_switched: bool,
    /// Whether its length is known: one in chunks goes on in chunks, however much of it is there.
    is_sized: bool,
    /// What [`UpstreamBody::begin`] found there.
    first: Option<Frame<Bytes>>,
    /// The message that it answers, over HTTP/2.
    message: Option<Rc<Progress>>,
}

impl UpstreamBody {
    pub(super) fn new(
        incoming: Option<Incoming>,
        connection: Box<Connection>,
        (shelf, is_good): (Weak<RefCell<Shelf>>, bool),
        idle_timeout: Duration,
        is_switched: bool,
    ) -> Self {
        let sized = incoming.as_ref().map_or_else(|| connection.size_hint(), Body::size_hint);
        let connection = Some(connection);
        let mut reading = Box::pin(Reading {
            incoming,
            connection,
            counted: None,
            endpoint: 0,
            shelf,
            is_good,
            idle_timeout,
            timer: None,
            is_switched,
            is_sized: sized.exact().is_some(),
            first: None,
            message: None,
        });
        reading.give_back_at_end();
        Self(reading)
    }

    /// Of a reply to this message, which is over with it.
    #[must_use]
    pub(super) fn answering(mut self, message: Option<Rc<Progress>>) -> Self {
        self.0.message = message;
        if self.0.connection.is_none() {
            self.0.end_message();
        }
        self
    }

    /// The body of a reply that goes on as it comes.
    #[must_use]
    pub fn into_reply(self) -> ReplyBody {
        ReplyBody::streaming_pinned(self.0)
    }

    /// Which of its upstream's endpoints it comes from.
    #[must_use]
    pub fn endpoint(&self) -> usize {
        self.0.endpoint
    }

    /// Counts as on its way to its upstream and that endpoint of it until it ends.
    pub(super) fn counts(&mut self, endpoint: usize, counted: (Entered, Counted)) {
        self.0.endpoint = endpoint;
        if self.0.connection.is_some() {
            self.0.counted = Some(counted);
        }
    }

    /// Whether the upstream closes behind it and has not all of its message: the caller's body is left unread then.
    #[must_use]
    pub fn leaves_message(&self) -> bool {
        self.0.connection.as_ref().is_some_and(|connection| connection.leaves_message())
    }

    /// Looks whether the body's first piece is broken where it is there already: then the head is not worth passing on.
    /// Waits for nothing, so that nobody is woken: whoever passes the body on asks again.
    ///
    /// # Errors
    /// As its frames have them.
    pub fn begin(&mut self) -> Result<(), BodyError> {
        match self.0.as_mut().poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Some(Err(error))) => return Err(error),
            Poll::Ready(Some(Ok(frame))) => self.0.first = Some(frame),
            Poll::Ready(None) | Poll::Pending => {}
        }
        Ok(())
    }

    /// The tunnel of a reply that switches; `None` for another one.
    #[must_use]
    pub fn into_tunnel(mut self) -> Option<Tunnel> {
        let this = &mut *self.0;
        let connection = this.connection.take().filter(|_| this.is_switched)?;
        let switched = connection.switched()?;
        Some(Tunnel::new(async move { Some(switched) }, this.idle_timeout, this.counted.take()))
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.0.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Reading {
    fn give_back_at_end(&mut self) {
        if !self.is_switched && self.is_at_end() {
            self.give_back();
        }
    }

    /// Whether nothing of it is left in the connection.
    fn is_at_end(&self) -> bool {
        match (&self.incoming, &self.connection) {
            (Some(incoming), _) => incoming.is_end_stream(),
            (None, connection) => connection.as_ref().is_none_or(|connection| connection.is_end_stream()),
        }
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match (&mut self.incoming, &self.connection) {
            (Some(incoming), _) => match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                // A stream that is reset without an error before its end: only behind it, it says that the rest of the message
                // isn't wanted (RFC 9113, section 8.1).
                None if !incoming.is_end_stream() => Poll::Ready(Some(Err(BodyError::CutShort))),
                frame => Poll::Ready(frame.map(|frame| frame.map_err(|_| BodyError::CutShort))),
            },
            (None, Some(connection)) => connection.poll_frame(cx),
            (None, None) => Poll::Ready(None),
        }
    }

    /// Closes the connection, and counts a reply that broke off against the endpoint, once.
    fn give_up(&mut self, broke: bool) {
        if let Some(shelf) = self.shelf.upgrade().filter(|_| broke && self.is_good) {
            shelf.borrow().blame();
        }
        self.counted = None;
        self.connection = None;
        if let Some(message) = self.message.take() {
            message.stop();
        }
    }

    /// The reply has ended: what still goes out of its message gets a moment.
    fn end_message(&mut self) {
        if let Some(message) = self.message.take().filter(|message| !message.is_gone.get()) {
            tokio::task::spawn_local(async move {
                tokio::time::sleep(TAKE_BACK_TIMEOUT).await;
                message.stop();
            });
        }
    }

    fn give_back(&mut self) {
        self.counted = None;
        self.end_message();
        if let (Some(connection), Some(shelf)) = (self.connection.take(), self.shelf.upgrade()) {
            if self.is_good {
                shelf.borrow().succeeded();
            }
            Shelf::take_back(&shelf, connection);
        }
    }
}

impl Body for Reading {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        match this.poll_inner(cx) {
            Poll::Ready(frame) => {
                this.timer = None;
                match &frame {
                    None => this.give_back(),
                    Some(Ok(frame)) if frame.is_trailers() => this.give_back(), // the last frame
                    Some(Ok(_)) => this.give_back_at_end(),
                    // Who sent the message that it answers broke that off: no fault of the upstream's.
                    Some(Err(error)) => this.give_up(*error != BodyError::Unasked),
                }
                Poll::Ready(frame.and_then(|frame| trailing(frame, may_trail_reply)))
            }
            Poll::Pending => {
                let timeout = this.idle_timeout;
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
                ready!(timer.as_mut().poll(cx));
                this.give_up(false); // some rest: events may be seldom
                Poll::Ready(Some(Err(BodyError::Timeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        if !self.is_sized {
            return SizeHint::default();
        }
        let inner = match (&self.incoming, &self.connection) {
            (Some(incoming), _) => incoming.size_hint(),
            (None, Some(connection)) => connection.size_hint(),
            (None, None) => SizeHint::with_exact(0),
        };
        let mut hint = SizeHint::new();
        let first = self.first.as_ref().and_then(Frame::data_ref).map_or(0, |data| data.len() as u64);
        hint.set_lower(inner.lower() + first);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint
    }
}

impl Drop for Reading {
    /// One that nobody took to its end is no failure: it didn't break.
    fn drop(&mut self) {
        if self.connection.is_some()
            && self.is_good
            && let Some(shelf) = self.shelf.upgrade()
            && let Ok(shelf) = shelf.try_borrow()
        {
            shelf.succeeded();
        }
        if let Some(message) = self.message.take() {
            message.stop();
        }
    }
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpstreamBody")
    }
}

/// Of a held body over HTTP/2.
const PIECE_BYTES: usize = 64 << 10;
/// As clients do that wait for a 100 which may never come.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_spare_body_says_the_same_and_its_time_began_when_it_was_kept() {
        use http_body_util::BodyExt;
        let trailers = HeaderMap::from_iter([(http::header::ETAG, http::HeaderValue::from_static("t"))]);
        let body = OutBody::held(Payload::from(&b"abc"[..]), Some(trailers.clone()));
        let spare = body.spare().expect("held");
        let kept = Instant::now();
        let again = spare.body();
        assert!(
            again.progress().last.get() <= kept,
            "the try before is part of the limit on the reply's head"
        );
        let whole = again.collect().await.expect("whole");
        assert_eq!(whole.trailers(), Some(&trailers));
        assert_eq!(whole.to_bytes(), "abc");
        assert!(OutBody::empty().spare().expect("empty").body().is_end_stream());
    }

    #[test]
    fn a_body_that_is_dropped_lets_go_of_its_bytes_while_its_progress_is_asked() {
        let bytes = Bytes::from(vec![1; 8]);
        let body = OutBody::held(bytes.clone().into(), None);
        let progress = body.progress();
        drop(body);
        assert!(bytes.is_unique() && progress.broke.get().is_none());
    }
}
