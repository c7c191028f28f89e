//! Connections to upstreams, kept by one thread: the last that came back is the next to go.

use super::barred::Barred;
use super::{
    Ejection, Endpoint, ForwardError, Http2, Outgoing, Upstream,
    body::{OutBody, Progress, Spare, UpstreamBody},
    connect::{Connection, connect},
    endpoint::MOVES,
    framing::{HIGH_STATUS, UNASKED_BODY},
    group::{Group, bit},
    http1::SendError,
    replies::ReplyCounters,
    sharing::Sharing,
};
use crate::counted::{Counted, add};
use crate::wire::parse_length;
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, Version, header};
use http_body::Body;
use hyper::body::Incoming;
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::poll_fn,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Makes a message with a body.
type Make<'m> = &'m dyn Fn(OutBody) -> Outgoing;

/// One thread's connections. Lives and sends where tasks stay on their thread: a `LocalRuntime`, or a `LocalSet`.
#[derive(Debug, Default)]
pub struct Pool {
    groups: RefCell<HashMap<Arc<str>, Rc<Group>>>,
    /// The one of the last message.
    last: RefCell<Option<Rc<Group>>>,
    counters: Arc<ForwardCounters>,
}

/// What one thread's pool did so far. Only its thread adds; anybody may read.
#[derive(Debug, Default)]
pub struct ForwardCounters {
    /// Connections opened.
    pub connected: AtomicU64,
    /// Messages sent on a pooled connection.
    pub reused: AtomicU64,
    /// Messages sent a second time, as their pooled connection was dead.
    pub sent_again: AtomicU64,
    /// Messages sent to another endpoint, as the first failed.
    pub retried: AtomicU64,
    /// Messages that could have been sent to another endpoint, had there been budget left.
    pub retries_over_budget: AtomicU64,
    /// Those of each upstream that it ever sent to: asked for where its group is made, and at a scrape.
    upstreams: Mutex<Vec<Arc<ReplyCounters>>>,
}

impl ForwardCounters {
    /// Those of each upstream that it ever sent to.
    #[must_use]
    pub fn upstreams(&self) -> Vec<Arc<ReplyCounters>> {
        self.upstreams.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those of an upstream: as they were, where it had some.
    fn of(&self, name: &Arc<str>) -> Arc<ReplyCounters> {
        let mut all = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(|known| known.upstream == *name) {
            return Arc::clone(known);
        }
        let new = Arc::new(ReplyCounters::new(Arc::clone(name)));
        all.push(Arc::clone(&new));
        new
    }
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends one message of our own and waits for the reply's head.
    ///
    /// # Errors
    /// As [`Pool::send_made`].
    pub async fn send(
        &self,
        upstream: &Upstream,
        message: impl Into<Outgoing>,
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        let Outgoing { method, target, fields, body } = message.into();
        let make =
            |body| Outgoing { method: method.clone(), target: target.clone(), fields: fields.clone(), body };
        let protocol = fields.values(&header::UPGRADE).next();
        self.send_made(upstream, &make, body, protocol).await
    }

    /// Sends one message and waits for the reply's head. `make` makes it with a body: once, and again where it is sent
    /// again, so that nothing is copied beforehand. `protocol` is what it asks to switch to.
    ///
    /// # Errors
    /// [`ForwardError`]. A pooled connection that proves dead is none: the message goes out on another one where that shows
    /// before it is written, and once more where its method is safe, or nothing was done with it, and its body is held. Nor is an endpoint
    /// that takes no connection, or that closes on a safe message, while the upstream has another that wasn't asked yet,
    /// up to `retries_max` and the budget of retries.
    pub async fn send_made(
        &self,
        upstream: &Upstream,
        make: Make<'_>,
        body: OutBody,
        protocol: Option<&HeaderValue>,
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        let group = self.group(upstream);
        let entered = group.enter(upstream)?;
        let began = body.begun();
        // Lent to each try, so that it is moved once: it is here again where it may be sent again.
        let mut slot = Some(make(body));
        let mut needs_host = None;
        let (mut tried, mut retries, mut failed) = (0, 0, None);
        loop {
            let Some((at, endpoint, shelf)) = group.pick(tried) else {
                let none = || ForwardError::Unavailable { upstream: upstream.name.clone() };
                let error = failed.unwrap_or_else(none);
                group.counters().failed(&error);
                return Err(error);
            };
            tried |= bit(at);
            let mut host = endpoint.host_value();
            if let (Some(host), Some(message)) = (host, &mut slot) {
                let fields = &mut message.fields;
                if *needs_host.get_or_insert_with(|| fields.values(&header::HOST).next().is_none()) {
                    fields.set(header::HOST, host.clone());
                }
            }
            host = host.filter(|_| needs_host == Some(true));
            let again = |body| {
                let mut message = make(body);
                if let Some(host) = host {
                    message.fields.set(header::HOST, host.clone());
                }
                message
            };
            let counted = shelf.borrow().counted();
            let error = match self.attempt(upstream, endpoint, shelf, &mut slot, (&again, protocol)).await {
                Ok(mut response) => {
                    group.counters().replied(response.status(), began.elapsed());
                    match response.status() {
                        status if is_bad(status) => blame(upstream, endpoint),
                        StatusCode::SWITCHING_PROTOCOLS => endpoint.state.succeeded(),
                        _ => {} // a success once its body has come whole
                    }
                    response.body_mut().counts(at, (entered, counted));
                    return Ok(response);
                }
                Err(error) => error,
            };
            match error {
                ForwardError::NoRoom { .. } => return Err(error), // nor is there for another endpoint
                ForwardError::RequestBody { .. } => {}
                _ => blame(upstream, endpoint),
            }
            let may_go_on = slot.is_some() && retries < upstream.retries_max && group.pick(tried).is_some();
            if !may_go_on || !group.may_retry() {
                if may_go_on {
                    add(&self.counters.retries_over_budget, 1);
                }
                group.counters().failed(&error);
                return Err(error);
            }
            add(&self.counters.retried, 1);
            retries += 1;
            failed = Some(error);
        }
    }

    /// One endpoint's try: on a pooled connection, and on a fresh one where there is none or it proves dead. Fails with
    /// the message in `slot` where it may be sent again.
    async fn attempt(
        &self,
        upstream: &Upstream,
        endpoint: &Endpoint,
        shelf: &Rc<RefCell<Shelf>>,
        slot: &mut Option<Outgoing>,
        again: (Make<'_>, Option<&HeaderValue>),
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        endpoint.refresh(Duration::from_millis(upstream.dns_refresh_ms));
        let now = slot.as_ref().map_or_else(Instant::now, |message| message.body.begun());
        // HTTP/2 has no way to switch that an upstream of both needs to know.
        let switches = again.1.is_some() && upstream.http2 == Http2::Alpn;
        let mut pooled = shelf.borrow_mut().take(upstream, endpoint, now, switches);
        let mut is_again = false;
        loop {
            let is_pooled = pooled.is_some();
            let connection = match pooled.take() {
                Some(connection) => {
                    add(&self.counters.reused, 1);
                    connection
                }
                None => Box::pin(self.open(upstream, endpoint, shelf, switches)).await?,
            };
            match exchange(upstream, connection, slot, shelf, again).await {
                Err(error) if slot.is_some() && !is_again && (is_pooled || error.is_unprocessed()) => {
                    is_again = true;
                    add(&self.counters.sent_again, 1);
                }
                answer => return answer,
            }
        }
    }

    /// A fresh connection, for one message; where messages may share it a place on one that another message opens, if that
    /// will have one.
    async fn open(
        &self,
        upstream: &Upstream,
        endpoint: &Endpoint,
        shelf: &Rc<RefCell<Shelf>>,
        switches: bool,
    ) -> Result<Box<Connection>, ForwardError> {
        if switches || upstream.http2 == Http2::Off {
            let connection = connect(upstream, endpoint, switches).await?;
            add(&self.counters.connected, 1);
            return Ok(connection);
        }
        if let Some(place) = wait_for_place(shelf, endpoint).await? {
            add(&self.counters.reused, 1);
            return Ok(place);
        }
        let opener = shelf.borrow_mut().sharing.begin();
        let connected = connect(upstream, endpoint, switches).await;
        opener.ended(connected.as_ref().map(|_| ()).map_err(Clone::clone));
        let connection = connected?;
        add(&self.counters.connected, 1);
        if connection.is_shared() {
            Shelf::sweep(shelf);
        }
        let place = shelf.borrow_mut().sharing.add(connection);
        place.ok_or_else(|| ForwardError::Unavailable { upstream: Arc::clone(&upstream.name) })
    }

    /// What it did so far.
    #[must_use]
    pub fn counters(&self) -> Arc<ForwardCounters> {
        Arc::clone(&self.counters)
    }

    fn group(&self, upstream: &Upstream) -> Rc<Group> {
        let mut last = self.last.borrow_mut();
        if let Some(group) = last.as_ref().filter(|group| group.is_for(upstream)) {
            return Rc::clone(group);
        }
        let group = self.known_or_new(upstream);
        *last = Some(Rc::clone(&group));
        group
    }

    fn known_or_new(&self, upstream: &Upstream) -> Rc<Group> {
        let mut groups = self.groups.borrow_mut();
        let old = groups.get(&upstream.name);
        if let Some(group) = old.filter(|group| group.is_for(upstream)) {
            return Rc::clone(group);
        }
        // New, or other endpoints since a reload: the connections of those that are gone go with the old group.
        let counters = self.counters.of(&upstream.name);
        let group = Rc::new(Group::new(upstream, old.map(Rc::as_ref), counters));
        groups.insert(Arc::clone(&upstream.name), Rc::clone(&group));
        group
    }
}

/// Counts a failure of an endpoint against it.
fn blame(upstream: &Upstream, endpoint: &Endpoint) {
    Blames::of(upstream).blame(endpoint);
}

impl Blames {
    fn of(upstream: &Upstream) -> Self {
        let (connection, endpoints) = (upstream.name.clone(), upstream.endpoints.clone());
        Self { connection, ejection: upstream.ejection, endpoints }
    }

    fn blame(&self, endpoint: &Endpoint) {
        if endpoint.state.failed(self.ejection, &self.endpoints) {
            let (connection, authority) = (&*self.connection, endpoint.authority());
            tracing::warn!(
                connection,
                endpoint = authority,
                "An endpoint keeps failing and is out for a while."
            );
        }
    }
}

/// The connections to one endpoint: the idle ones, oldest first, and those that messages share.
#[derive(Debug)]
pub(super) struct Shelf {
    endpoint: Endpoint,
    http2: Http2,
    idle_max: usize,
    idle_timeout: Duration,
    headers_max: usize,
    /// In boxes, as they come and go with each message.
    idle: Vec<(Box<Connection>, Instant)>,
    sharing: Sharing,
    in_flight: Rc<Cell<u32>>,
    is_swept: bool,
    /// What its connections were held against.
    barred: Barred,
    /// How often names had moved then.
    moves: u64,
    /// By what a failure is counted, as it was when it was asked for a connection last.
    blames: Blames,
}

/// What counting a failure asks of an upstream.
#[derive(Debug, Clone)]
struct Blames {
    connection: Arc<str>,
    ejection: Ejection,
    endpoints: Arc<[Endpoint]>,
}

impl Shelf {
    pub(super) fn new(upstream: &Upstream, endpoint: &Endpoint) -> Self {
        Self {
            endpoint: endpoint.clone(),
            http2: upstream.http2,
            idle_max: upstream.pool_idle_max,
            idle_timeout: Duration::from_millis(upstream.pool_idle_timeout_ms),
            headers_max: upstream.reply_headers_max,
            idle: Vec::new(),
            sharing: Sharing::default(),
            in_flight: Rc::default(),
            is_swept: false,
            barred: upstream.barred.clone(),
            moves: MOVES.load(Relaxed),
            blames: Blames::of(upstream),
        }
    }

    /// Counts a reply that broke off against the endpoint.
    pub(super) fn blame(&self) {
        self.blames.blame(&self.endpoint);
    }

    /// Counts one that came whole for it.
    pub(super) fn succeeded(&self) {
        self.endpoint.state.succeeded();
    }

    /// Whether its connections are what `endpoint` would open now.
    pub(super) fn is_for(&self, upstream: &Upstream, endpoint: &Endpoint) -> bool {
        self.endpoint.is_same(endpoint)
            && self.http2 == upstream.http2
            && self.idle_max == upstream.pool_idle_max
            && self.idle_timeout == Duration::from_millis(upstream.pool_idle_timeout_ms)
            && self.headers_max == upstream.reply_headers_max
    }

    /// Messages that it has to do with.
    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.get()
    }

    /// One more of them.
    pub(super) fn counted(&self) -> Counted {
        Counted::one_more(&self.in_flight)
    }

    /// A connection that is open; one that messages share not where they are to `be_alone`.
    fn take(
        &mut self,
        upstream: &Upstream,
        endpoint: &Endpoint,
        now: Instant,
        be_alone: bool,
    ) -> Option<Box<Connection>> {
        let moves = MOVES.load(Relaxed);
        if !self.barred.is_same(&upstream.barred) || endpoint.is_address() && moves != self.moves {
            // Another configuration, or a name leads elsewhere: where a connection leads may belong to another environment
            // by now.
            self.moves = moves;
            self.barred = upstream.barred.clone();
            self.blames = Blames::of(upstream);
            let may = |connection: &Connection| !self.barred.holds(connection.address(), endpoint);
            self.idle.retain(|(connection, _)| may(connection));
            self.sharing.keep(|address| !self.barred.holds(address, endpoint));
        }
        if !be_alone && let Some(place) = self.sharing.place(endpoint) {
            return Some(place);
        }
        while let Some((connection, since)) = self.idle.pop() {
            if now.saturating_duration_since(since) >= self.idle_timeout {
                self.idle.clear(); // those below are older
                return None;
            }
            let leads_there = endpoint.is_address() || endpoint.state.leads_to(connection.address());
            if connection.is_ready() && leads_there {
                return Some(connection);
            }
        }
        None
    }

    /// Takes a connection whose reply ended. One whose request still is on its way gets a moment to finish it.
    pub(super) fn take_back(shelf: &Rc<RefCell<Self>>, mut connection: Box<Connection>) {
        if !connection.is_open() || connection.is_shared() {
            return;
        }
        if connection.is_free() {
            Self::put(shelf, connection);
            return;
        }
        let shelf = Rc::downgrade(shelf);
        tokio::task::spawn_local(async move {
            if let Ok(true) = timeout(TAKE_BACK_TIMEOUT, connection.ready()).await
                && let Some(shelf) = shelf.upgrade()
            {
                Self::put(&shelf, connection);
            }
        });
    }

    fn put(shelf: &Rc<RefCell<Self>>, connection: Box<Connection>) {
        let mut this = shelf.borrow_mut();
        if this.idle.len() >= this.idle_max {
            return;
        }
        connection.rest();
        this.idle.push((connection, Instant::now()));
        drop(this);
        Self::sweep(shelf);
    }

    /// Closes idle connections from now on, as long as there are any.
    fn sweep(shelf: &Rc<RefCell<Self>>) {
        let mut this = shelf.borrow_mut();
        if std::mem::replace(&mut this.is_swept, true) {
            return;
        }
        let (weak, idle_timeout) = (Rc::downgrade(shelf), this.idle_timeout);
        let pause = idle_timeout.min(SWEEP_PAUSE);
        tokio::task::spawn_local(async move {
            loop {
                tokio::time::sleep(pause).await;
                let Some(shelf) = weak.upgrade() else { return };
                let mut this = shelf.borrow_mut();
                this.idle.retain(|(c, since)| since.elapsed() < idle_timeout && c.is_ready());
                let shares = this.sharing.sweep(idle_timeout);
                if this.idle.is_empty() && !shares {
                    this.is_swept = false;
                    return;
                }
            }
        });
    }
}

async fn wait_for_place(
    shelf: &Rc<RefCell<Shelf>>,
    endpoint: &Endpoint,
) -> Result<Option<Box<Connection>>, ForwardError> {
    loop {
        let Some(opening) = shelf.borrow_mut().sharing.opening() else { return Ok(None) };
        opening.wait().await?;
        let place = shelf.borrow_mut().sharing.place(endpoint);
        if place.is_some() {
            return Ok(place);
        }
    }
}

/// Fails with the message in `slot` again where it may be sent once more: nothing of it was written, as HTTP/2 tells, or it is
/// safe and held and its connection was closed before the head of a reply was whole.
async fn exchange(
    upstream: &Upstream,
    mut connection: Box<Connection>,
    slot: &mut Option<Outgoing>,
    shelf: &Rc<RefCell<Shelf>>,
    (again, protocol): (Make<'_>, Option<&HeaderValue>),
) -> Result<Response<UpstreamBody>, ForwardError> {
    let name = || Arc::clone(&upstream.name);
    let limit_ms = upstream.reply_head_timeout_ms;
    let late = || ForwardError::HeadTimeout { upstream: name(), limit_ms };
    let message = slot.as_ref().ok_or_else(late)?; // it is there: each try begins with it
    let is_head = message.method == Method::HEAD;
    let progress = message.body.progress();
    // With a body at hand: safe methods for a connection that proves dead, any for one that says that it did nothing.
    let is_safe = is_safe(&message.method);
    let spare = (is_safe || connection.is_shared()).then(|| message.body.spare()).flatten();
    let sent = connection.send(slot, &progress, Duration::from_millis(limit_ms)).await;
    if sent.is_none() {
        connection.retire();
    }
    let mut response = match sent.ok_or_else(late)? {
        Ok(response) => response,
        Err(error) => {
            let spare = spare.filter(|_| is_safe || error == SendError::Unprocessed);
            return Err(failure(upstream, error, &progress, spare, slot, again));
        }
    };
    let switches = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let invalid = |why| ForwardError::Invalid { upstream: name(), why };
    // Those of HTTP/1.1 passed their guard.
    if connection.is_shared() && !has_one_length(&response) {
        return Err(invalid("it has two lengths, or one that is no number"));
    }
    if connection.is_shared() && response.status().as_u16() > STATUS_MAX {
        return Err(invalid(HIGH_STATUS));
    }
    if switches && !is_to(&response, protocol) {
        return Err(invalid("it switches to what it wasn't asked for"));
    }
    // A 205 has none either (RFC 9110, section 15.3.6).
    let has_none = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED]
        .contains(&response.status());
    if (is_head || has_none)
        && let Some(body) = response.body_mut().take() // with it what length it would have had
        && !body.is_end_stream()
    {
        match timeout(Duration::from_millis(limit_ms), Box::pin(is_empty(body))).await {
            Ok(true) => {}
            Ok(false) => return Err(invalid(UNASKED_BODY)),
            Err(_) => return Err(late()),
        }
    }
    let idle_timeout = Duration::from_millis(upstream.reply_idle_timeout_ms);
    let shelf = Rc::downgrade(shelf);
    let is_good = !is_bad(response.status());
    let message = connection.is_shared().then_some(progress);
    Ok(response.map(|body| {
        UpstreamBody::new(body, connection, (shelf, is_good), idle_timeout, switches).answering(message)
    }))
}

/// What a failure is called; makes the message anew where it may be sent again and isn't in `slot`.
fn failure(
    upstream: &Upstream,
    error: SendError,
    progress: &Progress,
    spare: Option<Spare>,
    slot: &mut Option<Outgoing>,
    again: Make<'_>,
) -> ForwardError {
    let upstream = Arc::clone(&upstream.name);
    let is_dead = progress.broke.get().is_none() && !matches!(error, SendError::Invalid(_));
    if slot.is_none() && is_dead {
        *slot = spare.map(|spare| again(spare.body()));
    }
    if let Some(error) = progress.broke.get() {
        ForwardError::RequestBody { upstream, error }
    } else if let SendError::Refused(why) = error {
        ForwardError::Handshake { upstream, why }
    } else if error == SendError::Unprocessed {
        ForwardError::Unprocessed { upstream }
    } else if let SendError::Invalid(why) = error {
        ForwardError::Invalid { upstream, why }
    } else {
        ForwardError::ClosedEarly { upstream }
    }
}

/// Whether a reply switches to the protocol that was asked for, and to nothing else.
fn is_to<B>(response: &Response<B>, asked: Option<&HeaderValue>) -> bool {
    let mut protocols = response.headers().get_all(header::UPGRADE).iter();
    let protocol = protocols.next();
    let is_it =
        |(p, asked): (&HeaderValue, &HeaderValue)| p.as_bytes().eq_ignore_ascii_case(asked.as_bytes());
    response.version() == Version::HTTP_11
        && protocols.next().is_none()
        && protocol.zip(asked).is_some_and(is_it)
}

/// Whether a reply of HTTP/2 has one length at most, and that a number: it goes on to the caller, whose next reader may see
/// one in it.
fn has_one_length<B>(response: &Response<B>) -> bool {
    let mut lengths = response.headers().get_all(header::CONTENT_LENGTH).iter();
    let length = lengths.next();
    lengths.next().is_none() && length.is_none_or(|length| parse_length(length.as_bytes()).is_some())
}

/// Whether a body of HTTP/2 is none, but for its end: behind the head of a reply that has no body (RFC 9110, section 6.4.1).
/// In HTTP/1.1 the framing sees to that.
async fn is_empty(mut body: Incoming) -> bool {
    loop {
        match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            None => return true,
            Some(Ok(frame)) if frame.data_ref().is_none_or(Bytes::is_empty) => {}
            Some(_) => return false,
        }
    }
}

/// Whether a message of that method may be sent twice.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a status says that the endpoint serves nobody.
const fn is_bad(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

/// RFC 9110, section 15.
const STATUS_MAX: u16 = 599;
/// Between two looks at idle connections: one that its upstream closed keeps a descriptor for so long.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);
/// How long a request may go on after its reply has ended, before the connection is given up.
pub(super) const TAKE_BACK_TIMEOUT: Duration = Duration::from_secs(1);
