//! Sockets: binding for several threads, and deadlines for heads and idle connections under hyper.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Binds a socket that other threads can share the port of.
pub(super) fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What a connection is doing, as far as deadlines are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Between messages: `idle_timeout_ms`.
    Idle,
    /// A head has begun: `head_timeout_ms`.
    Head,
    /// A message is being handled: its own deadlines hold.
    Busy,
}

/// The phase, shared by the socket and the service of one connection.
#[derive(Clone)]
pub(super) struct Watch(Rc<Cell<Phase>>);

impl Watch {
    pub(super) fn new() -> Self {
        Self(Rc::new(Cell::new(Phase::Idle)))
    }

    pub(super) fn phase(&self) -> Phase {
        self.0.get()
    }

    pub(super) fn set(&self, phase: Phase) {
        self.0.set(phase);
    }
}

/// A connection whose reads end with an error where a head or the next message takes too long.
pub(super) struct Socket {
    stream: TcpStream,
    watch: Watch,
    seen: Phase,
    head: Duration,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, watch: Watch, head: Duration, idle: Duration) -> Self {
        // The first head has to come as quickly as any other.
        let timer = Box::pin(tokio::time::sleep(head));
        Self { stream, watch, seen: Phase::Idle, head, idle, timer }
    }

    fn expired(&mut self, cx: &mut Context<'_>) -> bool {
        let phase = self.watch.phase();
        if phase != self.seen {
            self.seen = phase;
            match phase {
                Phase::Idle => self.timer.as_mut().reset(Instant::now() + self.idle),
                Phase::Head => self.timer.as_mut().reset(Instant::now() + self.head),
                Phase::Busy => {}
            }
        }
        phase != Phase::Busy && self.timer.as_mut().poll(cx).is_ready()
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending() {
            return if self.expired(cx) {
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            } else {
                Poll::Pending
            };
        }
        if buf.filled().len() > before && self.watch.phase() == Phase::Idle {
            self.watch.set(Phase::Head);
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Connections that wait to be accepted, for each thread's socket.
const BACKLOG: i32 = 1024;
