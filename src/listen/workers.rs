//! Threads, their listening sockets, and the drain.

use super::limits::{TURNED_AWAY_MIN, files_max};
use super::{
    HandedSocket, ListenerConfig, Service,
    connection::{Listener, Thread, serve},
    counters::{ListenCounters, count},
    desk::Desks,
    io::{Address, Socket},
    pulse::{Answering, Pulse},
    quiet::Quiet,
    sockets::{self, Bound},
};
use crate::reason::Reason;
use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::sync_channel,
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::watch;

/// What a thread's service is made with.
#[derive(Debug, Clone)]
pub struct WorkerContext {
    /// Which thread this is, from 0.
    pub index: usize,
    /// How many there are.
    pub threads: usize,
}

/// The running threads. Dropping them without [`Workers::drain`] stops them at once.
#[derive(Debug)]
pub struct Workers {
    threads: Vec<JoinHandle<u64>>,
    stop: watch::Sender<bool>,
    local_addrs: Vec<Address>,
    counters: Vec<Arc<ListenCounters>>,
    open: Arc<AtomicU64>,
    pulse: Arc<Pulse>,
}

/// Why the listeners could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can't be had: in use, not of this machine, or not allowed. The configuration's fault.
    #[error("listener `{listener}` can't bind {address}: {}", bind_words(*kind))]
    Bind {
        /// The listener.
        listener: String,
        /// Its address.
        address: Address,
        /// What the system said.
        kind: io::ErrorKind,
    },
    /// What a service manager handed in is no listening socket, or has no name. Its unit's fault.
    #[error("socket activation: {what}")]
    Activation {
        /// What is wrong with it.
        what: &'static str,
    },
    /// A service manager opened a socket that no listener is named as. Its unit's fault, or the configuration's.
    #[error(
        "socket activation: a socket is named `{socket}`, as no listener is: FileDescriptorName= of a socket's unit names its listener"
    )]
    NoListener {
        /// The socket's name.
        socket: String,
    },
    /// A service manager opened a listener's socket where the configuration doesn't have it. Either one's fault.
    #[error("listener `{listener}` has the address {address}, and the socket that was opened for it {given}")]
    Elsewhere {
        /// The listener.
        listener: String,
        /// Its address.
        address: Address,
        /// The socket's.
        given: String,
    },
    /// A thread or its runtime could not be made. The machine's fault.
    #[error("a data thread can't start: {kind}")]
    Thread {
        /// What the system said.
        kind: io::ErrorKind,
    },
}

impl Workers {
    /// Binds every listener once for each thread, or takes over what the process before had of it, then starts the
    /// threads. `make_service` is called on each. Gives each socket once more, for the process that follows: a socket
    /// listens until all of its copies are dropped.
    ///
    /// # Errors
    /// [`StartError`]; nothing runs then.
    pub fn start<S: Service>(
        listeners: Vec<ListenerConfig>,
        threads: usize,
        handed: Vec<HandedSocket>,
        make_service: impl Fn(WorkerContext) -> S + Send + Clone + 'static,
    ) -> Result<(Self, Vec<HandedSocket>), StartError> {
        let threads = threads.max(1);
        let (bound, local_addrs, copies) = sockets::bind_all(&listeners, threads, handed)?;
        let drain_timeout_ms = listeners.iter().map(|l| l.limits.drain_timeout_ms).max().unwrap_or_default();
        let (stop, stopped) = watch::channel(false);
        let (pulse, answering) = Pulse::of(threads);
        let mut workers = Self {
            threads: Vec::new(),
            stop,
            local_addrs,
            counters: Vec::new(),
            open: Arc::default(),
            pulse: Arc::new(pulse),
        };
        for ((index, sockets), answering) in bound.into_iter().enumerate().zip(answering) {
            let counters = Arc::new(ListenCounters::default());
            workers.counters.push(Arc::clone(&counters));
            let worker = Worker {
                sockets: sockets
                    .into_iter()
                    .filter_map(|(at, socket)| Some((listeners.get(at)?.clone(), socket)))
                    .collect(),
                counters,
                open: Arc::clone(&workers.open),
                stopped: stopped.clone(),
                drain_timeout: Duration::from_millis(drain_timeout_ms),
                answering,
            };
            let (make_service, context) = (make_service.clone(), WorkerContext { index, threads });
            let (tell, told) = sync_channel(1);
            let run = move || {
                // Made here, as it never leaves its thread. It runs tasks by itself: a set of them in a runtime of any
                // thread would be woken, and take its turn, for each of theirs.
                let made = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
                let (runtime, failed) = match made {
                    Ok(runtime) => (Some(runtime), None),
                    Err(error) => (None, Some(error.kind())),
                };
                let _ = tell.send(failed);
                // A task as its connections are: what `block_on` is given itself is asked at each of their wakes, too.
                let run = async move { worker.run(make_service(context)).await };
                runtime.map_or(0, |runtime| {
                    runtime.block_on(async { tokio::task::spawn_local(run).await.unwrap_or_default() })
                })
            };
            let thread = std::thread::Builder::new().name(format!("data-{index}")).spawn(run);
            workers.threads.push(thread.map_err(|e| StartError::Thread { kind: e.kind() })?);
            if let Some(kind) = told.recv().unwrap_or(Some(io::ErrorKind::Other)) {
                return Err(StartError::Thread { kind });
            }
        }
        Ok((workers, copies))
    }

    /// Where each listener listens, in the order of the configuration.
    #[must_use]
    pub fn local_addrs(&self) -> &[Address] {
        &self.local_addrs
    }

    /// Each thread's counters.
    #[must_use]
    pub fn counters(&self) -> &[Arc<ListenCounters>] {
        &self.counters
    }

    /// Open connections of the process: what `connections_max` limits.
    #[must_use]
    pub fn open_connections(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.open)
    }

    /// Whether they take turns.
    #[must_use]
    pub fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }

    /// Stops accepting, closes idle connections, lets messages end, and after `drain_timeout_ms` (the longest of
    /// the listeners') cuts the rest. Blocks until then; gives how many messages were cut.
    #[must_use]
    pub fn drain(mut self) -> u64 {
        self.stop.send_replace(true);
        self.threads.drain(..).map(|thread| thread.join().unwrap_or_default()).sum()
    }
}

/// One thread's part.
struct Worker {
    sockets: Vec<(ListenerConfig, Bound)>,
    counters: Arc<ListenCounters>,
    open: Arc<AtomicU64>,
    stopped: watch::Receiver<bool>,
    drain_timeout: Duration,
    answering: Answering,
}

impl Worker {
    async fn run<S: Service>(self, service: S) -> u64 {
        let desks = Desks::new(service);
        let thread = Thread::new(self.counters);
        let mut stopped = self.stopped;
        tokio::task::spawn_local(self.answering.run());
        let mut accepting = Vec::new();
        for (config, socket) in self.sockets {
            let Ok(socket) = Acceptor::new(socket) else {
                count(&thread.counters.accept_errors);
                continue;
            };
            let listener = Listener::new(config);
            let accept =
                accept(socket, listener, Rc::clone(&thread), Rc::clone(&desks), Arc::clone(&self.open));
            accepting.push(tokio::task::spawn_local(accept));
        }
        let is_drain = stopped.wait_for(|stop| *stop).await.is_ok();
        if is_drain {
            thread.drain(self.drain_timeout);
        }
        for accept in accepting {
            accept.abort();
            let _ = accept.await; // the socket is closed now
        }
        if is_drain {
            let all_ended = async {
                while thread.open() > 0 {
                    thread.on_end.notified().await;
                }
            };
            let _ = tokio::time::timeout(self.drain_timeout, all_ended).await;
        }
        thread.busy()
    }
}

/// A listening socket on its thread.
enum Acceptor {
    Tcp(tokio::net::TcpListener),
    Unix(tokio::net::UnixListener),
}

impl Acceptor {
    fn new(bound: Bound) -> io::Result<Self> {
        Ok(match bound {
            Bound::Tcp(listener) => Self::Tcp(tokio::net::TcpListener::from_std(listener)?),
            Bound::Unix(listener) => Self::Unix(tokio::net::UnixListener::from_std(listener)?),
        })
    }

    async fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok((Socket::Tcp(Quiet::new(stream)), Some(peer)))
            }
            Self::Unix(listener) => Ok((Socket::Unix(Quiet::new(listener.accept().await?.0)), None)),
        }
    }
}

async fn accept<S: Service>(
    socket: Acceptor,
    listener: Rc<Listener>,
    thread: Rc<Thread>,
    desks: Rc<Desks<S>>,
    open: Arc<AtomicU64>,
) {
    let connections_max = listener.limits.connections_within(files_max());
    loop {
        let (stream, peer) = match socket.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                count(&thread.counters.accept_errors);
                tokio::time::sleep(ACCEPT_PAUSE).await; // out of descriptors: a spin would not free one
                continue;
            }
        };
        let counted = Counted::one_more(&open);
        let refuse_first = (counted.before >= connections_max).then_some(Reason::TooManyConnections);
        if refuse_first.is_some() {
            count(&thread.counters.turned_away);
            // A flood isn't even answered: those that are turned away wait for their head, too.
            if counted.before
                >= connections_max.saturating_add(connections_max / 10).saturating_add(TURNED_AWAY_MIN)
            {
                continue;
            }
        }
        count(&thread.counters.accepted);
        let (listener, thread, desks) = (Rc::clone(&listener), Rc::clone(&thread), Rc::clone(&desks));
        tokio::task::spawn_local(async move {
            let _counted = counted;
            serve(stream, peer, listener, thread, desks, refuse_first).await;
        });
    }
}

/// One open connection of the process.
struct Counted {
    open: Arc<AtomicU64>,
    before: u64,
}

impl Counted {
    fn one_more(open: &Arc<AtomicU64>) -> Self {
        Self { before: open.fetch_add(1, Relaxed), open: Arc::clone(open) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Relaxed);
    }
}

fn bind_words(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AlreadyExists => "a file that is no socket is there",
        io::ErrorKind::NotFound => "its folder doesn't exist",
        io::ErrorKind::AddrInUse => "the address is in use",
        io::ErrorKind::AddrNotAvailable => "the address is not of this machine",
        io::ErrorKind::PermissionDenied => "not allowed (ports under 1024 need a privilege)",
        _ => "the system refuses it",
    }
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
