//! Connections to upstreams, kept by one thread: the last that came back is the next to go.

use super::{
    ForwardError, Upstream, UpstreamTls,
    body::{OutBody, Progress, UpstreamBody},
};
use http::{Method, Request, Response, StatusCode, header};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1},
};
use hyper_util::rt::TokioIo;
use std::{
    cell::RefCell,
    collections::HashMap,
    fmt,
    net::IpAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::AbortHandle,
    time::{sleep_until, timeout},
};

/// One thread's connections. Lives and sends on a `LocalSet`.
#[derive(Debug, Default)]
pub struct Pool {
    shelves: RefCell<HashMap<Arc<str>, Rc<RefCell<Shelf>>>>,
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
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends one message and waits for the reply's head.
    ///
    /// # Errors
    /// [`ForwardError`]. A pooled connection that proves dead is none: the message goes out once more, on a fresh
    /// connection, where nothing of it was written, or where its method is safe and its body is held.
    pub async fn send(
        &self,
        upstream: &Upstream,
        request: Request<OutBody>,
    ) -> Result<Response<UpstreamBody>, ForwardError> {
        let shelf = self.shelf(upstream);
        let pooled = shelf.borrow_mut().take();
        let request = match pooled {
            None => request,
            Some(connection) => {
                add_one(&self.counters.reused);
                let spare = spare(&request);
                let request = match exchange(upstream, connection, request, &shelf).await {
                    Ok(response) => return Ok(response),
                    Err(Failure { unsent: Some(request), .. }) => *request,
                    Err(Failure { error, is_dead, .. }) => match spare {
                        Some(request) if is_dead => request,
                        _ => return Err(error),
                    },
                };
                add_one(&self.counters.sent_again);
                request
            }
        };
        let connection = connect(upstream).await?;
        add_one(&self.counters.connected);
        exchange(upstream, connection, request, &shelf).await.map_err(|failure| failure.error)
    }

    /// What it did so far.
    #[must_use]
    pub fn counters(&self) -> Arc<ForwardCounters> {
        Arc::clone(&self.counters)
    }

    fn shelf(&self, upstream: &Upstream) -> Rc<RefCell<Shelf>> {
        let mut shelves = self.shelves.borrow_mut();
        if let Some(shelf) = shelves.get(&upstream.name)
            && shelf.borrow().is_for(upstream)
        {
            return Rc::clone(shelf);
        }
        // New, or another address since a reload: the old connections go with the old shelf.
        let shelf = Rc::new(RefCell::new(Shelf::new(upstream)));
        shelves.insert(Arc::clone(&upstream.name), Rc::clone(&shelf));
        shelf
    }
}

/// The idle connections to one upstream, oldest first.
#[derive(Debug)]
pub(super) struct Shelf {
    host: String,
    port: u16,
    idle_max: usize,
    idle_timeout: Duration,
    tls: Option<Arc<UpstreamTls>>,
    idle: Vec<(Connection, Instant)>,
    is_swept: bool,
}

impl Shelf {
    fn new(upstream: &Upstream) -> Self {
        Self {
            host: upstream.host.clone(),
            port: upstream.port,
            idle_max: upstream.pool_idle_max,
            idle_timeout: Duration::from_millis(upstream.pool_idle_timeout_ms),
            tls: upstream.tls.clone(),
            idle: Vec::new(),
            is_swept: false,
        }
    }

    fn is_for(&self, upstream: &Upstream) -> bool {
        self.host == upstream.host
            && self.port == upstream.port
            && self.idle_max == upstream.pool_idle_max
            && self.idle_timeout == Duration::from_millis(upstream.pool_idle_timeout_ms)
            && self.tls.as_ref().map(Arc::as_ptr) == upstream.tls.as_ref().map(Arc::as_ptr)
    }

    fn take(&mut self) -> Option<Connection> {
        while let Some((connection, since)) = self.idle.pop() {
            if since.elapsed() >= self.idle_timeout {
                self.idle.clear(); // those below are older
                return None;
            }
            if connection.sender.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    /// Takes a connection whose reply ended. One whose request still is on its way gets a moment to finish it.
    pub(super) fn take_back(shelf: &Rc<RefCell<Self>>, mut connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        if connection.sender.is_ready() {
            Self::put(shelf, connection);
            return;
        }
        let shelf = Rc::downgrade(shelf);
        tokio::task::spawn_local(async move {
            if let Ok(Ok(())) = timeout(TAKE_BACK_TIMEOUT, connection.sender.ready()).await
                && let Some(shelf) = shelf.upgrade()
            {
                Self::put(&shelf, connection);
            }
        });
    }

    fn put(shelf: &Rc<RefCell<Self>>, connection: Connection) {
        let mut this = shelf.borrow_mut();
        if this.idle.len() >= this.idle_max {
            return;
        }
        this.idle.push((connection, Instant::now()));
        if !std::mem::replace(&mut this.is_swept, true) {
            let (weak, pause) = (Rc::downgrade(shelf), this.idle_timeout);
            tokio::task::spawn_local(async move {
                loop {
                    tokio::time::sleep(pause).await;
                    let Some(shelf) = weak.upgrade() else { return };
                    let mut this = shelf.borrow_mut();
                    this.idle.retain(|(c, since)| since.elapsed() < pause && !c.sender.is_closed());
                    if this.idle.is_empty() {
                        this.is_swept = false;
                        return;
                    }
                }
            });
        }
    }
}

/// One connection. Dropping it closes it.
pub(super) struct Connection {
    sender: http1::SendRequest<OutBody>,
    task: AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

async fn connect(upstream: &Upstream) -> Result<Connection, ForwardError> {
    let name = || Arc::clone(&upstream.name);
    let opening = async {
        match upstream.host.parse::<IpAddr>() {
            Ok(address) => TcpStream::connect((address, upstream.port)).await,
            Err(_) => TcpStream::connect((upstream.host.as_str(), upstream.port)).await,
        }
    };
    let limit_ms = upstream.connect_timeout_ms;
    let opening = async {
        let stream = opening.await.map_err(|_| ForwardError::Connect { upstream: name() })?;
        let _ = stream.set_nodelay(true);
        match &upstream.tls {
            None => speak(stream).await,
            Some(tls) => {
                let stream = tls.connect(stream).await;
                speak(stream.ok_or_else(|| ForwardError::Handshake { upstream: name() })?).await
            }
        }
        .map_err(|_| ForwardError::Connect { upstream: name() })
    };
    timeout(Duration::from_millis(limit_ms), opening)
        .await
        .map_err(|_| ForwardError::ConnectTimeout { upstream: name(), limit_ms })?
}

/// HTTP/1.1 on an open stream.
async fn speak(stream: impl AsyncRead + AsyncWrite + Unpin + 'static) -> Result<Connection, hyper::Error> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER_BYTES_MAX);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    let task = tokio::task::spawn_local(async move {
        let _ = connection.await; // its errors reach whoever waits for a reply
    });
    Ok(Connection { sender, task: task.abort_handle() })
}

/// A failed exchange.
struct Failure {
    error: ForwardError,
    /// The message, if nothing of it was written.
    unsent: Option<Box<Request<OutBody>>>,
    /// The connection was closed, and no byte of a reply had come.
    is_dead: bool,
}

async fn exchange(
    upstream: &Upstream,
    mut connection: Connection,
    request: Request<OutBody>,
    shelf: &Rc<RefCell<Shelf>>,
) -> Result<Response<UpstreamBody>, Failure> {
    let name = || Arc::clone(&upstream.name);
    let progress = request.body().progress();
    let limit_ms = upstream.reply_head_timeout_ms;
    let sent = tokio::select! {
        biased;
        sent = connection.sender.try_send_request(request) => sent,
        () = stalled(&progress, Duration::from_millis(limit_ms)) => {
            let error = ForwardError::HeadTimeout { upstream: name(), limit_ms };
            return Err(Failure { error, unsent: None, is_dead: false });
        }
    };
    let response = sent.map_err(|failed| failure(upstream, failed, &progress))?;
    if !is_plain(&response) {
        return Err(Failure {
            error: ForwardError::Invalid { upstream: name() },
            unsent: None,
            is_dead: false,
        });
    }
    let idle_timeout = Duration::from_millis(upstream.reply_idle_timeout_ms);
    Ok(response.map(|body| UpstreamBody::new(body, connection, Rc::downgrade(shelf), idle_timeout)))
}

/// Ends when the request's body has not moved for so long: at its end this is the limit on the reply's head.
async fn stalled(progress: &Progress, limit: Duration) {
    loop {
        let due = progress.last.get() + limit;
        if due <= Instant::now() {
            return;
        }
        sleep_until(due.into()).await;
    }
}

fn failure(upstream: &Upstream, mut failed: TrySendError<Request<OutBody>>, progress: &Progress) -> Failure {
    let upstream = Arc::clone(&upstream.name);
    let unsent = failed.take_message().map(Box::new);
    let error = failed.error();
    let is_dead = progress.broke.get().is_none() && !error.is_parse() && !error.is_user();
    let error = if let Some(error) = progress.broke.get() {
        ForwardError::RequestBody { upstream, error }
    } else if is_dead {
        ForwardError::ClosedEarly { upstream }
    } else {
        ForwardError::Invalid { upstream }
    };
    Failure { error, unsent, is_dead }
}

/// Whether a reply's framing is beyond doubt: no switched protocol, no coding but `chunked`, one length.
fn is_plain(response: &Response<Incoming>) -> bool {
    let headers = response.headers();
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let coding = codings.next();
    let is_chunked = coding.is_none_or(|c| c.as_bytes().eq_ignore_ascii_case(b"chunked"));
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let length = lengths.next();
    response.status() != StatusCode::SWITCHING_PROTOCOLS
        && is_chunked
        && codings.next().is_none()
        && lengths.next().is_none()
        && !(coding.is_some() && length.is_some())
}

/// The message once more, for a pooled connection that may be dead: safe methods with a body at hand only.
fn spare(request: &Request<OutBody>) -> Option<Request<OutBody>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE) {
        return None;
    }
    let mut spare = Request::new(request.body().again()?);
    *spare.method_mut() = request.method().clone();
    *spare.uri_mut() = request.uri().clone();
    *spare.headers_mut() = request.headers().clone();
    Some(spare)
}

/// A load and a store, as only one thread writes.
fn add_one(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

/// How long a request may go on after its reply has ended, before the connection is given up.
const TAKE_BACK_TIMEOUT: Duration = Duration::from_secs(1);
/// hyper's read buffer: limits a reply's head, too.
const BUFFER_BYTES_MAX: usize = 256 * 1024;
