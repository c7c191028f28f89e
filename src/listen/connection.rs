//! One connection: hyper behind the guard, with the limits on time and the drain.

use super::{
    Head, Inbound, InboundBody, Limits, ReplyBody, Service,
    body::ExchangeEnd,
    counters::{ListenCounters, count},
    guard::{ConnectionState, Guarded},
};
use crate::reason::Reason;
use http::{HeaderValue, Request, Response, header};
use http_body::Body;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    convert::Infallible,
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
    time::{Duration, Instant},
};
use tokio::{net::TcpStream, sync::Notify};

/// What the connections of one thread share.
#[derive(Debug)]
pub(super) struct Thread {
    pub counters: Arc<ListenCounters>,
    pub is_draining: Cell<bool>,
    /// Told when a connection ends.
    pub on_end: Notify,
    connections: RefCell<HashMap<u64, Open>>,
    next_id: Cell<u64>,
}

#[derive(Debug)]
struct Open {
    state: Rc<ConnectionState>,
    waker: Option<Waker>,
}

impl Thread {
    pub(super) fn new(counters: Arc<ListenCounters>) -> Rc<Self> {
        Rc::new(Self {
            counters,
            is_draining: Cell::new(false),
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
        let busy = self.connections.borrow().values().filter(|c| c.state.is_busy()).count();
        busy as u64
    }

    /// Starts the drain: each connection closes when its message ends, at once if it has none.
    pub(super) fn drain(&self) {
        self.is_draining.set(true);
        let wakers: Vec<_> =
            self.connections.borrow_mut().values_mut().filter_map(|c| c.waker.take()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn enter(self: &Rc<Self>, state: Rc<ConnectionState>) -> Entered {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        self.connections.borrow_mut().insert(id, Open { state, waker: None });
        Entered { thread: Rc::clone(self), id }
    }
}

/// A place in the thread's list, given up on drop.
struct Entered {
    thread: Rc<Thread>,
    id: u64,
}

impl Entered {
    fn set_waker(&self, waker: &Waker) {
        if let Some(open) = self.thread.connections.borrow_mut().get_mut(&self.id) {
            open.waker = Some(waker.clone());
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.thread.connections.borrow_mut().remove(&self.id);
        count(&self.thread.counters.closed);
        self.thread.on_end.notify_one();
    }
}

/// What the connections of one listener share on one thread.
#[derive(Debug)]
pub(super) struct Listener {
    pub name: Arc<str>,
    pub limits: Limits,
    pub http: http1::Builder,
}

impl Listener {
    pub(super) fn new(name: Arc<str>, limits: Limits) -> Rc<Self> {
        let mut http = http1::Builder::new();
        // The guard has checked heads by the same limits; hyper only has to have room.
        http.max_buf_size(limits.head_bytes_max.max(BUFFER_BYTES_MIN) + SLACK_BYTES);
        http.header_read_timeout(None);
        if limits.headers_max > 100 {
            http.max_headers(limits.headers_max.min(HEADERS_MAX));
        }
        Rc::new(Self { name, limits, http })
    }
}

/// Serves one connection to its end.
pub(super) async fn serve<S: Service>(
    stream: TcpStream,
    peer: SocketAddr,
    listener: Rc<Listener>,
    thread: Rc<Thread>,
    service: Rc<S>,
    refuse_first: Option<Reason>,
) {
    let state = ConnectionState::new();
    let entered = thread.enter(Rc::clone(&state));
    let io = TokioIo::new(Guarded::new(stream, Rc::clone(&state), &listener.limits, refuse_first));
    let calls = Calls {
        listener: Rc::clone(&listener),
        thread: Rc::clone(&thread),
        state: Rc::clone(&state),
        peer,
        called: Cell::new(0),
    };
    let calls = Rc::new(calls);
    let answer = service_fn(move |request| {
        let (calls, service) = (Rc::clone(&calls), Rc::clone(&service));
        async move { Ok::<_, Infallible>(calls.answer(&*service, request).await) }
    });
    let mut connection = pin!(listener.http.serve_connection(io, answer));
    let first = Instant::now() + Duration::from_millis(listener.limits.head_timeout_ms);
    let mut timer = pin!(tokio::time::sleep_until(first.into()));
    let mut is_told = false;
    poll_fn(|cx| {
        entered.set_waker(cx.waker());
        loop {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            // A head that has begun is let in, and answered with `Connection: close`.
            if !is_told && thread.is_draining.get() && state.head_since.get().is_none() {
                is_told = true;
                connection.as_mut().graceful_shutdown();
                continue;
            }
            let Some((due, counter)) = due(&state, &listener.limits, &thread.counters) else {
                return Poll::Pending;
            };
            // Only ever set earlier, or when it fired: a message moves no timer.
            if timer.is_elapsed() || timer.deadline() > due.into() {
                timer.as_mut().reset(due.into());
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= due {
                if let Some(counter) = counter {
                    count(counter);
                }
                return Poll::Ready(());
            }
        }
    })
    .await;
}

/// The one limit on time that holds for the state at hand, and what to count at it.
fn due<'a>(
    state: &ConnectionState,
    limits: &Limits,
    counters: &'a ListenCounters,
) -> Option<(Instant, Option<&'a std::sync::atomic::AtomicU64>)> {
    let after = |since: Instant, ms: u64| since + Duration::from_millis(ms);
    if let Some(since) = state.lingering_since.get() {
        return Some((after(since, LINGER_MS), None));
    }
    if let Some(since) = state.blocked_since.get() {
        return Some((after(since, limits.write_timeout_ms), Some(&counters.write_timeouts)));
    }
    if state.is_busy() {
        return None; // bodies and upstreams have limits of their own
    }
    if let Some(since) = state.head_since.get() {
        return Some((after(since, limits.head_timeout_ms), Some(&counters.head_timeouts)));
    }
    if state.delivered.get() == 0 {
        return Some((after(state.idle_since.get(), limits.head_timeout_ms), Some(&counters.head_timeouts)));
    }
    Some((after(state.idle_since.get(), limits.idle_timeout_ms), Some(&counters.idle_timeouts)))
}

/// Answers the messages of one connection.
struct Calls {
    listener: Rc<Listener>,
    thread: Rc<Thread>,
    state: Rc<ConnectionState>,
    peer: SocketAddr,
    called: Cell<u64>,
}

impl Calls {
    async fn answer<S: Service>(&self, service: &S, request: Request<Incoming>) -> Response<ReplyBody> {
        let number = self.called.replace(self.called.get() + 1);
        let end = ExchangeEnd(Rc::clone(&self.state));
        let mut response = match self.state.refused.get() {
            Some((refused, reason)) if refused == number => {
                count(&self.thread.counters.heads_refused);
                service.on_refuse(&self.listener.name, reason)
            }
            _ => {
                count(&self.thread.counters.messages);
                let (head, body) = request.into_parts();
                self.state.awaits_100.set(head.headers.contains_key(header::EXPECT) && !body.is_end_stream());
                let timeout = Duration::from_millis(self.listener.limits.body_timeout_ms);
                let inbound = Inbound {
                    listener: Arc::clone(&self.listener.name),
                    peer: self.peer,
                    received: Instant::now(),
                    head: Head(head),
                    body: InboundBody::new(body, Rc::clone(&self.state), timeout),
                };
                service.call(inbound).await
            }
        };
        if self.state.malformed.get() {
            count(&self.thread.counters.bodies_malformed);
        }
        if self.state.is_body_left.get() || self.state.awaits_100.get() {
            // hyper would close without saying so, or take the next head for the body.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response.body_mut().set_exchange(end);
        response
    }
}

/// How long a peer that was stopped half-way is listened to after our side is shut, so that it can read why.
const LINGER_MS: u64 = 5_000;
const BUFFER_BYTES_MIN: usize = 64 * 1024;
const SLACK_BYTES: usize = 1024;
const HEADERS_MAX: usize = 10_000;
