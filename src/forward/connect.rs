//! Opening a connection to an endpoint, and sending messages on it in HTTP/1.1 or HTTP/2.

use super::{
    Endpoint, ForwardError, Http2, Outgoing, Upstream,
    body::{OutBody, Progress, Writers},
    http1::{Http1, SendError, Switched},
    interim::{Counting, Heard},
};
use crate::listen::{BodyError, Duplex, Quiet};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, Version, header, uri::Scheme};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::io::Errno;
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Sleep, sleep_until, timeout};

/// One connection, or a share of one in HTTP/2. Dropping it, or the last share, closes it.
pub(super) struct Connection {
    way: Way,
    address: SocketAddr,
    /// For the limit on the reply's head, left from the message before: it is moved seldom.
    timer: Option<Timer>,
}

enum Way {
    Http1(Http1),
    Http2(Box<Shared>),
}

/// A share of a connection.
struct Shared {
    sender: http2::SendRequest<OutBody>,
    scheme: Scheme,
    driven: Rc<Driven>,
    /// That of the message that has this share; none where it is only kept to be shared.
    place: Option<Rc<Place>>,
}

impl Shared {
    /// Messages at a time: as many as the upstream takes and as may leave their replies untaken without holding up others.
    fn streams_max(&self) -> usize {
        (self.driven.streams_max)().min((CONNECTION_WINDOW_BYTES / STREAM_WINDOW_BYTES) as usize)
    }
}

/// A timer, and whom it will wake.
struct Timer {
    sleep: Pin<Box<Sleep>>,
    wakes: Option<Waker>,
}

impl Timer {
    fn new(due: Instant) -> Self {
        Self { sleep: Box::pin(sleep_until(due.into())), wakes: None }
    }

    /// Waits until `due` or earlier. Only ever set earlier, or when it fired: a message moves no timer, nor tells it once
    /// more whom it wakes.
    fn poll(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if self.sleep.is_elapsed() || self.sleep.deadline() > due.into() {
            self.sleep.as_mut().reset(due.into());
            self.wakes = None;
        }
        if self.wakes.as_ref().is_some_and(|known| known.will_wake(cx.waker())) {
            return Poll::Pending;
        }
        let polled = self.sleep.as_mut().poll(cx);
        // Without budget it hasn't been told yet.
        self.wakes = (polled.is_pending() && has_budget_remaining()).then(|| cx.waker().clone());
        polled
    }
}

/// What messages of HTTP/2 share.
struct Driven {
    task: AbortHandle,
    /// Messages that the upstream takes at a time, as it said last.
    streams_max: Box<dyn Fn() -> usize>,
    load: Rc<Load>,
    heard: Rc<Heard>,
    /// It answered a message too late: others may not get there at all.
    is_retired: Cell<bool>,
}

/// What a connection has to do.
struct Load {
    messages: Cell<usize>,
    idle_since: Cell<Instant>,
}

/// A message's place among those of a connection, as long as anything of it or of its reply is under way.
pub(super) struct Place(Rc<Load>);

impl Place {
    fn on(load: &Rc<Load>) -> Rc<Self> {
        load.messages.set(load.messages.get() + 1);
        Rc::new(Self(Rc::clone(load)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let left = self.0.messages.get().saturating_sub(1);
        self.0.messages.set(left);
        if left == 0 {
            self.0.idle_since.set(Instant::now());
        }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Connection {
    /// Where it leads.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether another message may follow once those that are on it are done.
    pub(super) fn is_open(&self) -> bool {
        match &self.way {
            Way::Http1(http1) => http1.is_open(),
            // An upstream that takes no messages here any more may not say so again: it gets another connection.
            Way::Http2(shared) => {
                !shared.sender.is_closed() && !shared.driven.is_retired.get() && shared.streams_max() > 0
            }
        }
    }

    /// Whether no message is on it that another one would have to wait for.
    pub(super) fn is_free(&self) -> bool {
        match &self.way {
            Way::Http1(http1) => http1.is_free(),
            Way::Http2(shared) => shared.sender.is_ready(),
        }
    }

    /// Whether it takes a message now: it is free, and its upstream didn't close it.
    pub(super) fn is_ready(&self) -> bool {
        match &self.way {
            Way::Http1(http1) => http1.is_ready(),
            Way::Http2(shared) => shared.sender.is_ready(),
        }
    }

    /// No other message is to share it.
    pub(super) fn retire(&self) {
        if let Way::Http2(shared) = &self.way {
            shared.driven.is_retired.set(true);
        }
    }

    /// It is idle from now on.
    pub(super) fn rest(&self) {
        if let Way::Http1(http1) = &self.way {
            http1.rest();
        }
    }

    /// Whether several messages go over it at a time.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.way, Way::Http2(..))
    }

    /// Messages that it takes at a time, where they share it; a second one waits for its end else.
    pub(super) fn messages_max(&self) -> usize {
        match &self.way {
            Way::Http1(_) => 1,
            Way::Http2(shared) => shared.streams_max(),
        }
    }

    /// A place for a message on the same connection, where messages share it and it has one. Over the peer's limit a message
    /// would wait in it, behind one that may last for hours.
    pub(super) fn share(&self) -> Option<Box<Self>> {
        let Way::Http2(shared) = &self.way else { return None };
        let load = &shared.driven.load;
        if load.messages.get() >= shared.streams_max() {
            return None;
        }
        let (sender, scheme, driven) =
            (shared.sender.clone(), shared.scheme.clone(), Rc::clone(&shared.driven));
        let way = Way::Http2(Box::new(Shared { sender, scheme, driven, place: Some(Place::on(load)) }));
        Some(Box::new(Self { way, address: self.address, timer: None }))
    }

    /// Since when no message is on it, where messages share it.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let Way::Http2(shared) = &self.way else { return None };
        let load = &shared.driven.load;
        (load.messages.get() == 0).then(|| load.idle_since.get())
    }

    /// Waits until it takes a message; gives whether it does.
    pub(super) async fn ready(&mut self) -> bool {
        match &mut self.way {
            Way::Http1(http1) => http1.ready().await,
            Way::Http2(shared) => shared.sender.ready().await.is_ok(),
        }
    }

    /// Takes what is there of a reply's body, where that is the connection's own.
    pub(super) fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match &self.way {
            Way::Http1(http1) => http1.poll_frame(cx),
            Way::Http2(..) => Poll::Ready(None),
        }
    }

    /// Whether all of that body was taken.
    pub(super) fn is_end_stream(&self) -> bool {
        match &self.way {
            Way::Http1(http1) => http1.is_end_stream(),
            Way::Http2(..) => true,
        }
    }

    /// What is still to be taken of it.
    pub(super) fn size_hint(&self) -> SizeHint {
        match &self.way {
            Way::Http1(http1) => http1.size_hint(),
            Way::Http2(..) => SizeHint::with_exact(0),
        }
    }

    /// Whether the reply's end is the connection's, and its message isn't written.
    pub(super) fn leaves_message(&self) -> bool {
        match &self.way {
            Way::Http1(http1) => http1.leaves_message(),
            Way::Http2(..) => false, // a stream ends by itself
        }
    }

    /// What is left of it once it is switched to another protocol.
    pub(super) fn switched(&self) -> Option<Switched> {
        match &self.way {
            Way::Http1(http1) => Some(http1.switched()),
            Way::Http2(..) => None,
        }
    }

    /// Sends the message in `slot` and waits for its reply's head; `None` where its body has not moved for `limit`, while
    /// its sender wasn't waited for: at its end this is the limit on the head. Over HTTP/2 it fails with the message in
    /// `slot` again if nothing of it was written. The reply's body comes along where it isn't the connection's own.
    pub(super) async fn send(
        &mut self,
        slot: &mut Option<Outgoing>,
        progress: &Progress,
        limit: Duration,
    ) -> Option<Result<Response<Option<Incoming>>, SendError>> {
        match &mut self.way {
            Way::Http1(http1) => {
                http1.begin(slot.take()?);
                let sending = pin!(poll_fn(|cx| http1.poll_head(progress, cx)));
                let sent = in_time(sending, &mut self.timer, progress, limit).await?;
                Some(sent.map(|head| head.map(|()| None)))
            }
            Way::Http2(shared) => {
                let Shared { sender, scheme, driven, place } = &mut **shared;
                let message = slot.take()?;
                if let Some(place) = place {
                    message.body.hold(Rc::clone(place));
                }
                let mut sending = Box::pin(sender.try_send_request(for_http2(message.into(), scheme)));
                let sent = in_time(sending.as_mut(), &mut self.timer, progress, limit).await?;
                Some(sent.map(|reply| reply.map(Some)).map_err(|mut failed| {
                    *slot = failed.take_message().map(|request| from_http2(request).into());
                    let error = failed.into_error();
                    if let Some(ended) = driven.heard.ended.get() {
                        ended
                    } else if error.is_parse() || error.is_user() {
                        SendError::Invalid("it breaks rules of HTTP/2")
                    } else if is_unprocessed(&error) {
                        SendError::Unprocessed
                    } else {
                        SendError::Closed
                    }
                }))
            }
        }
    }
}

/// What a message's sending gives; `None` once its body has not moved for so long.
async fn in_time<F: Future>(
    mut sending: Pin<&mut F>,
    timer: &mut Option<Timer>,
    progress: &Progress,
    limit: Duration,
) -> Option<F::Output> {
    poll_fn(|cx| {
        if let Poll::Ready(sent) = sending.as_mut().poll(cx) {
            return Poll::Ready(Some(sent));
        }
        loop {
            let due = progress.since() + limit;
            ready!(timer.get_or_insert_with(|| Timer::new(due)).poll(due, cx));
            if Instant::now() >= due {
                return Poll::Ready(None);
            }
        }
    })
    .await
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

/// Opens a connection within `connect_timeout_ms`, look-up and handshakes and all: for a message that `switches` to another
/// protocol one of HTTP/1.1, where the upstream speaks both.
pub(super) async fn connect(
    upstream: &Upstream,
    endpoint: &Endpoint,
    switches: bool,
) -> Result<Box<Connection>, ForwardError> {
    let limit_ms = upstream.connect_timeout_ms;
    let limit = Duration::from_millis(limit_ms);
    upstream.barred.prepare(endpoint).await; // no time of this endpoint's
    timeout(limit, open(upstream, endpoint, limit, switches))
        .await
        .map_err(|_| ForwardError::ConnectTimeout { upstream: upstream.name.clone(), limit_ms })?
        .map(Box::new)
}

async fn open(
    upstream: &Upstream,
    endpoint: &Endpoint,
    limit: Duration,
    switches: bool,
) -> Result<Connection, ForwardError> {
    let refused = || ForwardError::Connect { upstream: Arc::clone(&upstream.name) };
    let barred = || ForwardError::Barred { upstream: Arc::clone(&upstream.name) };
    let (stream, address) = match reach(upstream, endpoint, limit).await {
        Reached::There(stream, address) => (stream, address),
        Reached::Barred => return Err(barred()),
        Reached::NoRoom => return Err(ForwardError::NoRoom { upstream: Arc::clone(&upstream.name) }),
        Reached::Nothing => return Err(refused()),
    };
    let _ = stream.set_nodelay(true); // slower, and no fault
    let http1 = |stream: Box<dyn Duplex>| {
        let way = Way::Http1(Http1::new(stream, upstream.reply_headers_max));
        Ok(Connection { way, address, timer: None })
    };
    match &endpoint.tls {
        None => match upstream.http2 {
            Http2::Always => http2(Quiet::new(stream), address, Scheme::HTTP).await.map_err(|_| refused()),
            Http2::Off | Http2::Alpn => http1(Box::new(stream)),
        },
        Some(tls) => {
            let failed = |why| ForwardError::Handshake { upstream: Arc::clone(&upstream.name), why };
            let stream = tls.connect(Quiet::new(stream), switches).await.map_err(failed)?;
            let chosen = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            match upstream.http2 {
                Http2::Always if !chosen => Err(failed("it doesn't speak HTTP/2")),
                _ if chosen => http2(stream, address, Scheme::HTTPS).await.map_err(|ended| match ended {
                    Some(SendError::Refused(why)) => failed(why),
                    _ => failed("it doesn't speak HTTP/2"),
                }),
                _ => http1(Box::new(stream)),
            }
        }
    }
}

/// Where the addresses of an endpoint led.
enum Reached {
    There(TcpStream, SocketAddr),
    /// Where it must not, and nowhere else.
    Barred,
    /// The system had nothing to open a connection with.
    NoRoom,
    Nothing,
}

/// The first of its addresses that takes a connection; each but the last gets its share of the time. One that it must not
/// lead to is none of them, and where only the connection tells that, nothing was written on it.
async fn reach(upstream: &Upstream, endpoint: &Endpoint, limit: Duration) -> Reached {
    let mut none = Reached::Nothing;
    let refresh = Duration::from_millis(upstream.dns_refresh_ms);
    let addresses = endpoint.addresses(refresh, limit / 2).await;
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    for address in addresses {
        if upstream.barred.holds(address, endpoint) {
            none = Reached::Barred;
            continue;
        }
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) if upstream.barred.holds_stream(&stream, address, endpoint) => {
                none = Reached::Barred
            }
            Ok(Ok(stream)) => return Reached::There(stream, address),
            Ok(Err(error)) if is_no_room(&error) => return Reached::NoRoom,
            Ok(Err(_)) | Err(_) => {}
        }
    }
    none
}

/// Whether it is the system that has no room for one more socket, whoever it would lead to.
fn is_no_room(error: &io::Error) -> bool {
    let known = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|error| known.contains(&error))
}

async fn http2(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    address: SocketAddr,
    scheme: Scheme,
) -> Result<Connection, Option<SendError>> {
    let mut builder = http2::Builder::new(Writers);
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES_MAX)
        .initial_max_send_streams(0) // none before it said how many
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    let heard: Rc<Heard> = Rc::default();
    let stream = Counting::new(stream, Rc::clone(&heard));
    let (sender, mut connection) =
        builder.handshake(TokioIo::new(stream)).await.map_err(|_| heard.ended.get())?;
    // Its SETTINGS tell that it speaks HTTP/2 and how many messages it takes: until then nothing of a message is written, so
    // that any may go elsewhere.
    let is_there = poll_fn(|cx| {
        heard.wakes.set(Some(cx.waker().clone())); // what reads it is a task of its own
        let polled = Pin::new(&mut connection).poll(cx);
        let is_there = connection.current_max_send_streams() > 0;
        if polled.is_ready() || is_there { Poll::Ready(polled.is_pending()) } else { Poll::Pending }
    });
    if !is_there.await {
        return Err(heard.ended.get());
    }
    let connection = Rc::new(RefCell::new(Some(connection)));
    let driving = Rc::clone(&connection);
    // Its errors reach whoever waits for a reply. Once it has ended it is dropped: as long as it is there, it takes messages
    // that nobody sends.
    let drive = poll_fn(move |cx| {
        let mut known = driving.borrow_mut();
        if let Some(connection) = &mut *known {
            let _ = ready!(Pin::new(connection).poll(cx));
        }
        let ended = known.take();
        drop(known);
        drop(ended);
        Poll::Ready(())
    });
    let task = tokio::task::spawn_local(drive);
    let streams_max = Box::new(move || {
        let asked = connection.try_borrow();
        asked.map_or(usize::MAX, |known| known.as_ref().map_or(0, |known| known.current_max_send_streams()))
    });
    let load = Rc::new(Load { messages: Cell::new(0), idle_since: Cell::new(Instant::now()) });
    let driven =
        Rc::new(Driven { task: task.abort_handle(), streams_max, load, heard, is_retired: Cell::new(false) });
    let way = Way::Http2(Box::new(Shared { sender, scheme, driven, place: None }));
    Ok(Connection { way, address, timer: None })
}

/// Whether the upstream says that it did nothing with a message: it refused the stream, or the stream is behind the last that
/// it takes on this connection (RFC 9113, section 8.7). Any message may be sent again then.
fn is_unprocessed(error: &hyper::Error) -> bool {
    let error = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    error.is_some_and(|error| {
        error.is_remote() && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
    })
}

/// The head as HTTP/2 wants it: the host is in the target, framing is the protocol's.
fn for_http2(mut request: Request<OutBody>, scheme: &Scheme) -> Request<OutBody> {
    let host = request.headers_mut().remove(header::HOST);
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        request.headers_mut().remove(name);
    }
    // Trailers are passed on; servers of gRPC want to be told.
    request.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(scheme.clone());
    parts.authority = host.and_then(|host| host.to_str().ok()?.parse().ok());
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.version_mut() = Version::HTTP_2;
    request.body().progress().go(); // no 100 is waited for: a stream that isn't read holds nothing up
    request
}

/// Back again, for a connection that may speak HTTP/1.1.
fn from_http2(mut request: Request<OutBody>) -> Request<OutBody> {
    request.headers_mut().remove(header::TE);
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = None;
    if let Some(host) = parts.authority.take()
        && let Ok(host) = HeaderValue::try_from(host.as_str())
    {
        request.headers_mut().insert(header::HOST, host);
    }
    *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    *request.version_mut() = Version::HTTP_11;
    let length = request.body().size_hint();
    if length.exact().is_none() {
        request.headers_mut().insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    request
}

/// The head of a reply in HTTP/2.
const HEAD_BYTES_MAX: u32 = 256 << 10;
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 64 << 20;
/// Servers of gRPC end a connection on which PINGs come more often than every five minutes while nothing else does.
const KEEP_ALIVE: Duration = Duration::from_secs(310);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn a_timer_left_from_an_earlier_message_moves_no_limit() {
        let (short, long) = (Duration::from_millis(30), Duration::from_secs(600));
        let mut timer = None;
        let mut sent = async |millis: Option<u64>, limit| {
            let sending = pin!(async {
                match millis {
                    Some(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
                    None => pending().await,
                }
            });
            let progress = OutBody::empty().progress();
            let answer = in_time(sending, &mut timer, &progress, limit);
            timeout(Duration::from_secs(60), answer).await.expect("in time")
        };
        assert_eq!(sent(Some(1), short).await, Some(()), "before its limit");
        assert_eq!(sent(Some(90), long).await, Some(()), "the timer of the first fires, and isn't its limit");
        assert_eq!(sent(None, short).await, None, "the timer of the second fires too late, and is moved");
        assert_eq!(sent(None, short).await, None, "a timer that fired is set anew");
    }

    #[tokio::test]
    async fn while_a_bodys_sender_is_waited_for_no_limit_of_the_upstream_runs() {
        let body = OutBody::empty();
        let (progress, limit) = (body.progress(), Duration::from_millis(50));
        progress.awaits_sender.set(true);
        let began = Instant::now();
        let sending = pin!(async {
            tokio::time::sleep(limit * 5).await;
            progress.awaits_sender.set(false);
            progress.last.set(Instant::now());
            pending::<()>().await
        });
        assert_eq!(in_time(sending, &mut None, &progress, limit).await, None);
        assert!(began.elapsed() >= limit * 6, "from when its sender went on");
    }

    #[tokio::test]
    async fn a_body_that_moves_moves_the_limit() {
        let body = OutBody::empty();
        let (progress, limit) = (body.progress(), Duration::from_millis(200));
        let moved = progress.last.get() + Duration::from_millis(100);
        let sending = pin!(async {
            tokio::task::yield_now().await;
            progress.last.set(moved);
            pending::<()>().await
        });
        assert_eq!(in_time(sending, &mut None, &progress, limit).await, None);
        assert!(Instant::now() >= moved + limit, "from when it moved last");
    }
}
