//! Workers: one single-threaded runtime for each thread, each with its own sockets, service and connections.

use super::socket::{self, Phase, Socket, Watch};
use super::{Inbound, Limits, ListenerConfig, ReplyBody, head};
use crate::reason::Reason;
use http::{HeaderValue, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::LocalSet;

/// What handles messages. One for each thread; its futures stay on that thread.
pub trait Service: 'static {
    /// Handles one message whose head passed its checks.
    fn call(self: Rc<Self>, inbound: Inbound) -> impl Future<Output = Response<ReplyBody>> + 'static;

    /// Answers a head that didn't, or a connection too many (then the answer is only counted).
    fn refuse(&self, reason: Reason, listener: &Arc<str>) -> Response<ReplyBody>;
}

/// Open connections of the process.
#[derive(Clone, Default)]
pub struct Open(Arc<AtomicUsize>);

impl Open {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// Why the workers could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be had. Ours to configure.
    #[error("listener `{listener}` can't listen on {address}: {kind}")]
    Bind {
        /// The listener.
        listener: Arc<str>,
        /// Its address.
        address: SocketAddr,
        /// The system's word for why.
        kind: std::io::ErrorKind,
    },
    /// A thread or its runtime can't be had.
    #[error("a data thread can't start: {0}")]
    Thread(std::io::ErrorKind),
}

/// Running threads.
pub struct Workers {
    threads: Vec<std::thread::JoinHandle<usize>>,
    drain: watch::Sender<bool>,
    addresses: Vec<(Arc<str>, SocketAddr)>,
    open: Open,
}

impl Workers {
    /// Binds every listener for every thread, and starts them. `make` is called once on each thread.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start<S: Service>(
        listeners: &[ListenerConfig],
        limits: &Limits,
        threads: usize,
        open: &Open,
        make: impl Fn() -> S + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let mut addresses = Vec::new();
        let mut sockets: Vec<Vec<(Arc<str>, std::net::TcpListener)>> =
            (0..threads).map(|_| Vec::new()).collect();
        for listener in listeners {
            let failed = |e: std::io::Error| StartError::Bind {
                listener: listener.name.clone(),
                address: listener.address,
                kind: e.kind(),
            };
            // A port that somebody else has is an error even where he lets it be shared.
            if listener.address.port() != 0 {
                drop(std::net::TcpListener::bind(listener.address).map_err(failed)?);
            }
            let mut address = listener.address;
            for own in &mut sockets {
                let socket = socket::bind(address).map_err(failed)?;
                address = socket.local_addr().map_err(failed)?;
                own.push((listener.name.clone(), socket));
            }
            addresses.push((listener.name.clone(), address));
        }
        let (drain, drained) = watch::channel(false);
        let make = Arc::new(make);
        let mut running = Vec::with_capacity(threads);
        for (number, sockets) in sockets.into_iter().enumerate() {
            let (make, drained, limits, open) = (make.clone(), drained.clone(), limits.clone(), open.clone());
            let thread = std::thread::Builder::new()
                .name(format!("data-{number}"))
                .spawn(move || run(sockets, &limits, &open, drained, &*make))
                .map_err(|e| StartError::Thread(e.kind()))?;
            running.push(thread);
        }
        Ok(Self { threads: running, drain, addresses, open: open.clone() })
    }

    /// Where each listener listens.
    #[must_use]
    pub fn addresses(&self) -> &[(Arc<str>, SocketAddr)] {
        &self.addresses
    }

    /// Open connections.
    #[must_use]
    pub fn open(&self) -> &Open {
        &self.open
    }

    /// Takes no more connections, ends idle ones, lets the rest finish until `drain_timeout_ms`. Gives how many
    /// connections were cut then.
    #[must_use]
    pub fn drain(self) -> usize {
        // Nobody listens any more: then there is nothing to drain.
        let _ = self.drain.send(true);
        self.threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
    }
}

/// One thread's life.
fn run<S: Service>(
    sockets: Vec<(Arc<str>, std::net::TcpListener)>,
    limits: &Limits,
    open: &Open,
    mut drained: watch::Receiver<bool>,
    make: &(impl Fn() -> S + ?Sized),
) -> usize {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(kind = %error.kind(), "A data thread has no runtime and ends.");
            return 0;
        }
    };
    let local = LocalSet::new();
    local.block_on(&runtime, async move {
        let thread = Rc::new(Thread {
            service: Rc::new(make()),
            limits: limits.clone(),
            open: open.clone(),
            here: Cell::new(0),
            ended: Notify::new(),
            drained: drained.clone(),
        });
        let mut accepting = Vec::new();
        for (name, socket) in sockets {
            match TcpListener::from_std(socket) {
                Ok(listener) => {
                    accepting.push(tokio::task::spawn_local(accept(thread.clone(), name, listener)))
                }
                Err(error) => tracing::error!(kind = %error.kind(), "A socket can't be used."),
            }
        }
        // An error means that the sender is gone: stop as well.
        let _ = drained.wait_for(|stop| *stop).await;
        for task in accepting {
            task.abort();
        }
        let deadline = tokio::time::sleep(Duration::from_millis(limits.drain_timeout_ms));
        tokio::pin!(deadline);
        while thread.here.get() > 0 {
            tokio::select! {
                () = thread.ended.notified() => {}
                () = &mut deadline => break,
            }
        }
        thread.here.get()
    })
}

struct Thread<S> {
    service: Rc<S>,
    limits: Limits,
    open: Open,
    here: Cell<usize>,
    ended: Notify,
    drained: watch::Receiver<bool>,
}

async fn accept<S: Service>(thread: Rc<Thread<S>>, name: Arc<str>, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::task::spawn_local(connection(thread.clone(), name.clone(), stream, peer));
            }
            Err(error) => {
                // Out of files, most likely: others end meanwhile.
                tracing::warn!(kind = %error.kind(), "A connection can't be accepted.");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection<S: Service>(
    thread: Rc<Thread<S>>,
    name: Arc<str>,
    mut stream: TcpStream,
    peer: SocketAddr,
) {
    let limits = &thread.limits;
    let _count = Count::new(&thread);
    if thread.open.count() > limits.connections_max {
        let answer = thread.service.refuse(Reason::TooManyConnections, &name);
        drop(answer);
        // The peer may be gone already.
        let _ = stream.write_all(TOO_MANY).await;
        let _ = stream.shutdown().await;
        return;
    }
    // Without it small replies wait for acknowledgements; where it can't be set they do.
    let _ = stream.set_nodelay(true);
    let watch = Watch::new();
    let ms = Duration::from_millis;
    let io = Socket::new(stream, watch.clone(), ms(limits.head_timeout_ms), ms(limits.idle_timeout_ms));
    let draining = Rc::new(Cell::new(false));
    let service = service_fn({
        let (thread, draining) = (thread.clone(), draining.clone());
        move |request: http::Request<Incoming>| {
            watch.set(Phase::Busy);
            let (thread, name, watch, draining) =
                (thread.clone(), name.clone(), watch.clone(), draining.clone());
            async move {
                let (head, body) = request.into_parts();
                let mut response = match head::check(&head) {
                    Err(reason) => {
                        let mut response = thread.service.refuse(reason, &name);
                        // Where a message ends is doubtful: nothing behind it is read.
                        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                        response
                    }
                    Ok(()) => {
                        let inbound = Inbound { listener: name, peer, received: Instant::now(), head, body };
                        thread.service.clone().call(inbound).await
                    }
                };
                if draining.get() {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                // The next message's time begins when this one's answer has ended.
                Ok::<_, Infallible>(response.map(|body| body.watched(watch)))
            }
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.head_bytes_max.max(8192));
    let serving = builder.serve_connection(TokioIo::new(io), service);
    tokio::pin!(serving);
    let mut drained = thread.drained.clone();
    let stop = async {
        let _ = drained.wait_for(|stop| *stop).await;
    };
    tokio::pin!(stop);
    tokio::select! {
        // Errors of one connection are its peer's: counted where they touch a message.
        _ = &mut serving => {}
        () = &mut stop => {
            draining.set(true);
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}

/// Counts a connection while it is open.
struct Count<S>(Rc<Thread<S>>);

impl<S> Count<S> {
    fn new(thread: &Rc<Thread<S>>) -> Self {
        thread.here.set(thread.here.get() + 1);
        thread.open.0.fetch_add(1, Relaxed);
        Self(thread.clone())
    }
}

impl<S> Drop for Count<S> {
    fn drop(&mut self) {
        self.0.here.set(self.0.here.get() - 1);
        self.0.open.0.fetch_sub(1, Relaxed);
        self.0.ended.notify_one();
    }
}

const TOO_MANY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: 93\r\nretry-after: 1\r\nconnection: close\r\nphigate-reason: too_many_connections\r\n\r\n{\"title\":\"The gateway has as many connections as it may. Try again later.\",\"status\":503    }\n";
