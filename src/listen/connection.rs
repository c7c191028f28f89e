//! One connection: hyper behind a guard, with the limits on time and the drain.

use super::{
    Head, Inbound, InboundBody, Limits, ListenerConfig, Network, Peer, ReplyBody, Service,
    body::ExchangeEnd,
    counters::{ListenCounters, count},
    desk::Desks,
    frame_guard::FrameGuard,
    guard::{ConnectionState, Guarded, LINGER_BYTES_MAX},
    io::{Address, Io, Socket},
    open::{Opened, Protocol, open},
    outbox::Outbox,
    stream_head,
    streams::Streams,
    tls::TlsFront,
    websocket,
    windows::Windows,
};
use crate::reason::Reason;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use hyper::ext::ReasonPhrase;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    convert::Infallible,
    future::poll_fn,
    net::SocketAddr,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::task::coop::has_budget_remaining;

/// What the connections of one thread share.
#[derive(Debug)]
pub(super) struct Thread {
    pub counters: Arc<ListenCounters>,
    pub is_draining: Cell<bool>,
    /// When a drain began, and until when it has connections in use wait for one more message.
    drain: Cell<Option<(Instant, Instant)>>,
    /// Told when a connection ends.
    pub on_end: Notify,
    connections: RefCell<HashMap<u64, Rc<ConnectionState>>>,
    next_id: Cell<u64>,
}

impl Thread {
    pub(super) fn new(counters: Arc<ListenCounters>) -> Rc<Self> {
        Rc::new(Self {
            counters,
            is_draining: Cell::new(false),
            drain: Cell::new(None),
            on_end: Notify::new(),
            connections: RefCell::default(),
            next_id: Cell::new(0),
        })
    }

    /// Connections that still are open.
    pub(super) fn open(&self) -> usize {
        self.connections.borrow().len()
    }

    /// Connections with a message at work.
    pub(super) fn busy(&self) -> u64 {
        let busy = self.connections.borrow().values().filter(|c| c.is_busy()).count();
        busy as u64
    }

    /// Starts the drain: each connection closes when its message ends, at once if it has had none for a while. Of one whose
    /// caller is at work the next message may be on its way already: it is waited for, for a share of `limit`, and answered
    /// with `Connection: close`.
    pub(super) fn drain(&self, limit: Duration) {
        self.is_draining.set(true);
        let now = Instant::now();
        self.drain.set(Some((now, now + IN_USE.min(limit / 4))));
        let wakers: Vec<_> = self.connections.borrow().values().filter_map(|c| c.waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Until when a connection is waited for in a drain; `None`: no longer.
    fn waits_for(&self, state: &ConnectionState) -> Option<Instant> {
        let (began, until) = self.drain.get()?;
        let is_in_use = state.is_busy() || state.idle_since.get() + IN_USE > began;
        (is_in_use && Instant::now() < until).then_some(until)
    }

    fn enter(self: &Rc<Self>, state: Rc<ConnectionState>) -> Entered {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        self.connections.borrow_mut().insert(id, Rc::clone(&state));
        Entered { thread: Rc::clone(self), state, id }
    }
}

/// A place in the thread's list, given up on drop.
struct Entered {
    thread: Rc<Thread>,
    state: Rc<ConnectionState>,
    id: u64,
}

impl Entered {
    fn set_waker(&self, waker: &Waker) {
        let mut known = self.state.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.thread.connections.borrow_mut().remove(&self.id);
        self.state.waker.take(); // a body of it may live on
        count(&self.thread.counters.closed);
        self.thread.on_end.notify_one();
    }
}

/// What the connections of one listener share on one thread.
#[derive(Debug)]
pub(super) struct Listener {
    pub name: Arc<str>,
    pub limits: Limits,
    pub tls: Option<Arc<TlsFront>>,
    pub http2_cleartext: bool,
    is_unix: bool,
    proxies: Vec<Network>,
    http1: http1::Builder,
    http2: http2::Builder<Streams>,
}

impl Listener {
    pub(super) fn new(config: ListenerConfig) -> Rc<Self> {
        let limits = config.limits;
        let mut http1 = http1::Builder::new();
        // The guard has checked heads by the same limits; hyper only has to have room.
        http1.max_buf_size(limits.head_bytes_max.max(BUFFER_BYTES_MIN) + SLACK_BYTES);
        http1.header_read_timeout(None);
        if limits.headers_max > 100 {
            http1.max_headers(limits.headers_max.min(HEADERS_MAX));
        }
        let mut http2 = http2::Builder::new(Streams);
        http2
            .enable_connect_protocol()
            .max_concurrent_streams(limits.h2_streams_max)
            .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
            .max_local_error_reset_streams(RESET_STREAMS_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_send_buf_size(SEND_BUFFER_BYTES);
        Rc::new(Self {
            name: config.name.into(),
            limits,
            tls: config.tls,
            http2_cleartext: config.http2_cleartext,
            is_unix: matches!(config.address, Address::Unix(_)),
            proxies: config.proxy_protocol,
            http1,
            http2,
        })
    }

    /// Whether HTTP/1.1 begins with the first byte.
    pub(super) fn is_plain(&self) -> bool {
        self.tls.is_none() && !self.http2_cleartext && self.proxies.is_empty()
    }

    /// Whether this peer has to name its caller in a PROXY header. A Unix socket's peers are trusted alike.
    pub(super) fn speaks_for_others(&self, address: Option<SocketAddr>) -> bool {
        match address {
            Some(address) => self.proxies.iter().any(|network| network.contains(address.ip())),
            None => self.is_unix && !self.proxies.is_empty(),
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<S: Service>(
    socket: Socket,
    address: Option<SocketAddr>,
    listener: Rc<Listener>,
    thread: Rc<Thread>,
    desks: Rc<Desks<S>>,
    refuse_first: Option<Reason>,
) {
    let state = ConnectionState::new();
    let entered = thread.enter(Rc::clone(&state));
    let opening =
        open(socket, address, &listener, &thread.counters, |prelude| unless_drained(prelude, &entered));
    let Some(Opened { io, peer, protocol, since, has_begun }) = opening.await else { return };
    state.idle_since.set(since);
    if has_begun {
        state.head_since.set(Some(since));
    }
    let calls = Calls {
        listener: Rc::clone(&listener),
        thread: Rc::clone(&thread),
        state: Rc::clone(&state),
        peer,
        called: Cell::new(0),
    };
    match protocol {
        Protocol::Http1 => serve_http1(io, calls, desks, refuse_first, &entered).await,
        Protocol::Http2 => {
            let service = Rc::clone(&desks.service);
            Box::pin(serve_http2(io, calls, service, refuse_first, &entered)).await;
        }
    }
}

async fn serve_http1<S: Service>(
    io: Io,
    calls: Calls,
    desks: Rc<Desks<S>>,
    refuse_first: Option<Reason>,
    entered: &Entered,
) {
    let (listener, state) = (Rc::clone(&calls.listener), Rc::clone(&calls.state));
    let io = TokioIo::new(Guarded::new(io, Rc::clone(&state), &listener.limits, refuse_first));
    let calls = Rc::new(calls);
    let answer = service_fn(move |request| desks.answer(&calls, request));
    {
        state.nap.get_or_init(Arc::default);
        let connection = pin!(listener.http1.serve_connection(io, answer));
        drive(connection, &state, &listener.limits, entered).await;
    }
    let (tunnel, left) = (state.tunnel.take(), state.left.take());
    match (tunnel, left) {
        (Some((tunnel, body)), Some((io, early))) => {
            count(&entered.thread.counters.tunnels);
            Box::pin(tunnel.run(io, early, body)).await;
        }
        (None, Some((io, _))) => Box::pin(linger(io)).await,
        _ => {}
    }
}

/// Ends a connection that hyper left open: our side is shut, and what still comes is thrown away for a while, so that the
/// last answer reaches whoever is still sending.
async fn linger(mut io: Io) {
    let ending = async {
        io.shutdown().await?;
        let (mut waste, mut left) = ([0; 4096], LINGER_BYTES_MAX);
        while left > 0 {
            match io.read(&mut waste).await? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
        }
        Ok::<_, std::io::Error>(())
    };
    let _ = tokio::time::timeout(Duration::from_millis(LINGER_MS), ending).await; // gone already, or soon
}

async fn serve_http2<S: Service>(
    io: Io,
    calls: Calls,
    service: Rc<S>,
    refuse_first: Option<Reason>,
    entered: &Entered,
) {
    let (listener, state) = (Rc::clone(&calls.listener), Rc::clone(&calls.state));
    let out = Outbox::new(io, Rc::clone(&state));
    let control_frames_max = listener.limits.h2_control_frames_max;
    let windows = Rc::new(RefCell::new(Windows::new(listener.limits.h2_streams_max)));
    let io = FrameGuard::new(
        Rc::clone(&out),
        Rc::clone(&state),
        control_frames_max,
        Rc::clone(&windows),
        Arc::clone(&entered.thread.counters),
    );
    state.is_multiplexed.set(true);
    let calls = Rc::new(calls);
    let answer = service_fn(move |request| {
        let (calls, service) = (Rc::clone(&calls), Rc::clone(&service));
        Box::pin(
            async move { Ok::<_, Infallible>(calls.answer_stream(&*service, request, refuse_first).await) },
        )
    });
    let connection = pin!(listener.http2.serve_connection(TokioIo::new(io), answer));
    let multiplexed = pin!(Multiplexed { connection, out: &out, windows: &windows, state: &state });
    drive(multiplexed, &state, &listener.limits, entered).await;
    if state.flooded.get() {
        count(&entered.thread.counters.h2_floods);
    }
}

/// What hyper's two kinds of connection have in common.
trait Drivable {
    const SAYS_GOODBYE: bool;
    fn poll_connection(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
    fn wind_down(self: Pin<&mut Self>);

    /// Resets the streams whose replies have had no room for so long; gives how many.
    fn reset_shut(self: Pin<&mut Self>, _limit: Duration) -> usize {
        0
    }
}

impl<S, B> Drivable for http1::Connection<TokioIo<Guarded>, S>
where
    S: hyper::service::HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    const SAYS_GOODBYE: bool = false;

    fn poll_connection(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll(cx).map(|_| ())
    }

    fn wind_down(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// A connection of HTTP/2, what it wrote, and what its caller lets out of it.
struct Multiplexed<'c, C> {
    connection: Pin<&'c mut C>,
    out: &'c Outbox,
    windows: &'c RefCell<Windows>,
    state: &'c ConnectionState,
}

impl<S, B> Drivable for Multiplexed<'_, http2::Connection<TokioIo<FrameGuard>, S, Streams>>
where
    S: hyper::service::HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: 'static,
    B: Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    const SAYS_GOODBYE: bool = true;

    fn poll_connection(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let polled = self.connection.as_mut().poll(cx);
        if let Some(frames) = self.windows.borrow_mut().tell_caller() {
            self.out.add(&frames);
        }
        match self.out.poll_send(cx) {
            Poll::Ready(Err(_)) => Poll::Ready(()), // nothing reaches the caller any more
            _ => polled.map(|_| ()),
        }
    }

    fn wind_down(mut self: Pin<&mut Self>) {
        self.connection.as_mut().graceful_shutdown();
    }

    fn reset_shut(self: Pin<&mut Self>, limit: Duration) -> usize {
        let mut windows = self.windows.borrow_mut();
        let count = windows.reset_shut(Instant::now(), limit);
        self.state.shut_since.set(windows.shut_since());
        count
    }
}

/// How long a connection that was accepted just before a drain may take to bring its first message: whoever opened it
/// can't know.
const FRESH: Duration = Duration::from_secs(1);

/// A connection whose last message ended no longer ago is in use: its caller has the next one ready, as a rule.
const IN_USE: Duration = Duration::from_secs(1);

/// What comes before a connection's first message: `None` where a drain doesn't wait for it any longer.
async fn unless_drained(prelude: impl Future<Output = Option<Opened>>, entered: &Entered) -> Option<Opened> {
    let mut prelude = pin!(prelude);
    let fresh = Instant::now() + FRESH;
    let mut timer = pin!(tokio::time::sleep_until(fresh.into()));
    poll_fn(|cx| {
        entered.set_waker(cx.waker());
        if let Poll::Ready(opened) = prelude.as_mut().poll(cx) {
            return Poll::Ready(opened);
        }
        match entered.thread.is_draining.get() {
            true => timer.as_mut().poll(cx).map(|()| None),
            false => Poll::Pending,
        }
    })
    .await
}

/// Drives a connection to its end, its limits on time, or the end of the drain.
async fn drive<C: Drivable>(
    mut connection: Pin<&mut C>,
    state: &ConnectionState,
    limits: &Limits,
    entered: &Entered,
) {
    let thread = &entered.thread;
    let begun = Instant::now();
    let (first, fresh) = (begun + Duration::from_millis(limits.head_timeout_ms), begun + FRESH);
    let mut timer = pin!(tokio::time::sleep_until(first.into()));
    let mut is_told = false;
    // A timer that waits, and knows whom to wake: the task, which has one waker as long as it lives.
    let mut is_set = false;
    let nap = state.nap.get().map(|nap| (nap, Waker::from(Arc::clone(nap))));
    poll_fn(|cx| {
        entered.set_waker(cx.waker());
        if let Some((nap, _)) = &nap {
            nap.is_of(cx.waker());
        }
        loop {
            let waker = nap.as_ref().map_or(cx.waker(), |(_, waker)| waker);
            if connection.as_mut().poll_connection(&mut Context::from_waker(waker)).is_ready() {
                return Poll::Ready(());
            }
            // A head that has begun is let in, and answered with `Connection: close`; one that is still on its way, too.
            if !is_told && thread.is_draining.get() && state.head_since.get().is_none() {
                let waits = match state.delivered.get() {
                    0 => Some(fresh).filter(|fresh| Instant::now() < *fresh),
                    // Callers of HTTP/2 are told at any time.
                    _ if C::SAYS_GOODBYE => None,
                    _ => thread.waits_for(state),
                };
                if let Some(until) = waits {
                    is_set = false;
                    timer.as_mut().reset(until.into());
                    if timer.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    continue;
                }
                is_told = true;
                connection.as_mut().wind_down();
                continue;
            }
            let (ends, looks) = (due(state, limits, &thread.counters), state.look_due());
            let Some(due) = ends.as_ref().map(|ends| ends.at).into_iter().chain(looks).min() else {
                return Poll::Pending;
            };
            // Only ever set earlier, or when it fired: a message moves no timer.
            if timer.is_elapsed() || timer.deadline() > due.into() {
                is_set = false;
                timer.as_mut().reset(due.into());
            }
            if is_set {
                return Poll::Pending;
            }
            if timer.as_mut().poll(cx).is_pending() {
                // Without budget nobody is known to it yet.
                is_set = has_budget_remaining();
                return Poll::Pending;
            }
            let now = Instant::now();
            if looks.is_some_and(|at| now >= at) {
                state.look();
                continue;
            }
            let Some(ends) = ends.filter(|ends| now >= ends.at) else { continue };
            if matches!(ends.how, Ending::Streams) {
                let limit = Duration::from_millis(limits.write_timeout_ms);
                let streams = connection.as_mut().reset_shut(limit);
                if streams > 0 {
                    (0..streams).for_each(|_| count(&thread.counters.write_timeouts));
                    continue;
                }
            }
            if let Some(counter) = ends.counter {
                count(counter);
            }
            if matches!(ends.how, Ending::Head) {
                state.is_head_late.set(true);
                continue;
            }
            if C::SAYS_GOODBYE && !matches!(ends.how, Ending::AtOnce) {
                // Callers of HTTP/2 are told, so that no message of theirs meets a closed connection.
                state.lingering_since.set(Some(Instant::now()));
                is_told = true;
                connection.as_mut().wind_down();
                continue;
            }
            return Poll::Ready(());
        }
    })
    .await;
}

/// What ends at a limit on time, when, and what to count at it.
struct Ends<'a> {
    at: Instant,
    counter: Option<&'a std::sync::atomic::AtomicU64>,
    how: Ending,
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    /// The connection, without a word: none would reach anybody, or all has been said.
    AtOnce,
    /// The connection, and callers of HTTP/2 are told.
    Told,
    /// Streams without room; where they are none, it is the connection that has none.
    Streams,
    /// The head that isn't whole: it is answered, and the connection ends behind that.
    Head,
}

/// The limit on time that holds first for the state at hand.
fn due<'a>(state: &ConnectionState, limits: &Limits, counters: &'a ListenCounters) -> Option<Ends<'a>> {
    let after = |since: Instant, ms: u64| since + Duration::from_millis(ms);
    if let Some(since) = state.lingering_since.get() {
        return Some(Ends { at: after(since, LINGER_MS), counter: None, how: Ending::AtOnce });
    }
    let (write, counter) = (limits.write_timeout_ms, Some(&counters.write_timeouts));
    if let Some(since) = state.blocked_since.get() {
        return Some(Ends { at: after(since, write), counter, how: Ending::AtOnce });
    }
    let shut =
        state.shut_since.get().map(|since| Ends { at: after(since, write), counter, how: Ending::Streams });
    shut.into_iter().chain(unasked(state, limits, counters)).min_by_key(|ends| ends.at)
}

/// The limit on time that what the peer sends is under.
fn unasked<'a>(state: &ConnectionState, limits: &Limits, counters: &'a ListenCounters) -> Option<Ends<'a>> {
    let after = |since: Instant, ms: u64| since + Duration::from_millis(ms);
    // Other messages don't buy time for a header block that doesn't end.
    let is_block_open = state.is_multiplexed.get() && state.head_since.get().is_some();
    if state.is_busy() && !is_block_open {
        return None; // bodies and upstreams have limits of their own
    }
    let (head, counter) = (limits.head_timeout_ms, Some(&counters.head_timeouts));
    if let Some(since) = state.head_since.get() {
        let how = if state.is_multiplexed.get() { Ending::Told } else { Ending::Head };
        return Some(Ends { at: after(since, head), counter, how });
    }
    if state.delivered.get() == 0 && !state.has_settings.get() {
        return Some(Ends { at: after(state.idle_since.get(), head), counter, how: Ending::AtOnce });
    }
    let at = after(state.idle_since.get(), limits.idle_timeout_ms);
    Some(Ends { at, counter: Some(&counters.idle_timeouts), how: Ending::Told })
}

/// Answers the messages of one connection.
pub(super) struct Calls {
    pub listener: Rc<Listener>,
    pub thread: Rc<Thread>,
    state: Rc<ConnectionState>,
    pub peer: Rc<Peer>,
    called: Cell<u64>,
}

impl Calls {
    /// A message of HTTP/1.1 came: why its head is refused, if it is, and its number, which ends with it.
    pub(super) fn begin(&self) -> (Option<Reason>, (u64, ExchangeEnd)) {
        let number = self.called.replace(self.called.get() + 1);
        let end = ExchangeEnd(Rc::clone(&self.state));
        let refused = self.state.refused.get().filter(|(refused, _)| *refused == number);
        (refused.map(|(_, reason)| reason), (number, end))
    }

    pub(super) fn inbound(&self, request: Request<Incoming>) -> Inbound {
        count(&self.thread.counters.messages);
        let (head, body) = request.into_parts();
        self.state.came_in(head.version);
        self.state.awaits_100.set(!body.is_end_stream() && head.headers.contains_key(header::EXPECT));
        let body = InboundBody::new(body, Rc::clone(&self.state), &head, &self.listener.limits);
        Inbound {
            listener: Arc::clone(&self.listener.name),
            peer: Rc::clone(&self.peer),
            received: Instant::now(),
            head: Head(head),
            body,
        }
    }

    /// Its answer, as the connection goes on or ends behind it.
    pub(super) fn answered(
        &self,
        mut response: Response<ReplyBody>,
        (number, end): (u64, ExchangeEnd),
    ) -> Response<ReplyBody> {
        if self.state.malformed.get() {
            count(&self.thread.counters.bodies_malformed);
        }
        // hyper would close without saying so, or take the next head for the body; and a drain lets no more in. A connection
        // that switches is no other message's anyway, and what is said of that stays.
        let is_last =
            self.state.is_body_left.get() || self.state.awaits_100.get() || self.thread.is_draining.get();
        if is_last && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().append(header::CONNECTION, HeaderValue::from_static("close"));
        }
        if response.status().canonical_reason().is_none() {
            response.extensions_mut().insert(ReasonPhrase::from_static(b"")); // hyper writes `<none>`
        }
        response.body_mut().set_exchange(end);
        if self.state.asks_to_switch.get() == Some(number) {
            self.state.asks_to_switch.set(None);
            if let Some(tunnel) = response.body_mut().take_tunnel() {
                self.state.is_switched.set(true);
                let body = std::mem::replace(response.body_mut(), ReplyBody::empty());
                *self.state.tunnel.borrow_mut() = Some((tunnel, body));
            }
        }
        response
    }

    /// Answers a message of HTTP/2. Its frames were followed on the way in; its head is judged here.
    async fn answer_stream<S: Service>(
        &self,
        service: &S,
        mut request: Request<Incoming>,
        refuse_first: Option<Reason>,
    ) -> Response<ReplyBody> {
        self.state.delivered.set(self.state.delivered.get() + 1);
        let end = ExchangeEnd(Rc::clone(&self.state));
        let caller = (request.method() == Method::CONNECT).then(|| hyper::upgrade::on(&mut request));
        let (mut head, body) = request.into_parts();
        let checked = match refuse_first {
            Some(reason) => Err(reason),
            None => stream_head::check(&mut head, &self.listener.limits),
        };
        if caller.is_some() {
            self.state.has_offer.set(true); // its head has an `Upgrade` now, which no guard saw
        }
        let wanted = caller.as_ref().and_then(|_| websocket::wanted(&head));
        let mut response = match checked {
            Err(reason) => {
                count(&self.thread.counters.heads_refused);
                service.on_refuse(&self.listener.name, &self.peer, reason)
            }
            Ok(()) => {
                count(&self.thread.counters.messages);
                let body = InboundBody::new(body, Rc::clone(&self.state), &head, &self.listener.limits);
                let inbound = Inbound {
                    listener: Arc::clone(&self.listener.name),
                    peer: Rc::clone(&self.peer),
                    received: Instant::now(),
                    head: Head(head),
                    body,
                };
                service.call(inbound).await
            }
        };
        response.headers_mut().remove(header::CONNECTION);
        response.body_mut().set_exchange(end);
        if let Some(caller) = caller
            && let Some(body) = websocket::answered(&mut response, wanted.as_ref())
        {
            self.switch(caller, body);
        }
        response.body_mut().in_frames();
        response
    }

    /// Carries the bytes of a stream that switched, and of what it leads to; hyper gives the stream once its head is sent.
    fn switch(&self, caller: OnUpgrade, mut body: ReplyBody) {
        let Some(tunnel) = body.take_tunnel() else { return };
        count(&self.thread.counters.tunnels);
        tokio::task::spawn_local(async move {
            if let Ok(caller) = caller.await {
                tunnel.run(TokioIo::new(caller), Vec::new(), body).await;
            }
        });
    }
}

/// How long a peer that was stopped half-way is listened to after our side is shut, so that it can read why.
const LINGER_MS: u64 = 5_000;
const BUFFER_BYTES_MIN: usize = 64 * 1024;
const SLACK_BYTES: usize = 1024;
const HEADERS_MAX: usize = 10_000;
/// Streams that a caller reset before they were answered, and that errors of its own reset: h2 closes the connection
/// over it.
const RESET_STREAMS_MAX: usize = 50;
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
const SEND_BUFFER_BYTES: usize = 64 * 1024;
