//! Sockets of all kinds as one type, so that the code that serves connections exists once.

use super::quiet::Quiet;
use super::tunnel::{Duplex, HangUp};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// An address and port; port 0 takes a free one (the same on all threads).
    Tcp(SocketAddr),
    /// A Unix socket's path.
    Unix(PathBuf),
}

impl Address {
    /// Address and port, where it has them.
    #[must_use]
    pub const fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// An accepted socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(Quiet<TcpStream>),
    Unix(Quiet<UnixStream>),
}

impl Socket {
    /// Looks at the first bytes without taking them; waits for at least one.
    pub(super) async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.get_ref().peek(buffer).await,
            Self::Unix(stream) => loop {
                let stream = stream.get_ref();
                stream.readable().await?;
                let peeked = stream.try_io(Interest::READABLE, || {
                    rustix::net::recv(stream, &mut *buffer, rustix::net::RecvFlags::PEEK)
                        .map(|(count, _)| count)
                        .map_err(io::Error::from)
                });
                match peeked {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                    other => return other,
                }
            },
        }
    }

    fn hang_up(&self) -> HangUp {
        match self {
            Self::Tcp(stream) => hang_up(stream.get_ref(), stream.get_ref().ready(ANY)),
            Self::Unix(stream) => hang_up(stream.get_ref(), stream.get_ref().ready(ANY)),
        }
    }

    fn reset_at_end(&self) {
        if let Self::Tcp(stream) = self {
            let _ = stream.get_ref().set_zero_linger(); // gone already, at worst
        }
    }
}

/// What the runtime has heard of a socket's other side: nobody is woken for it, and only of an end it is asked what stands
/// before it.
fn hang_up(socket: &impl AsFd, ready: impl Future<Output = io::Result<Ready>>) -> HangUp {
    let known = match pin!(ready).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(ready)) => ready,
        _ => Ready::EMPTY,
    };
    if known.is_error() || known.is_write_closed() {
        return HangUp::Gone;
    }
    if !known.is_read_closed() {
        return HangUp::None;
    }
    let flags = rustix::net::RecvFlags::PEEK | rustix::net::RecvFlags::DONTWAIT;
    match rustix::net::recv(socket, &mut [0_u8; 1], flags) {
        Ok((0, _)) => HangUp::Ended,
        Ok(_) => HangUp::EndsBehind,
        Err(_) => HangUp::None,
    }
}

/// With it, a socket's readiness tells of both its ends, too.
const ANY: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::ERROR);

/// What HTTP is spoken over.
#[derive(Debug)]
pub(super) enum Io {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
    /// It went elsewhere.
    Gone(tokio::io::Empty),
}

macro_rules! delegate {
    ($type:ident { $($variant:ident),+ }) => {
        impl AsyncRead for $type {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() { $(Self::$variant(io) => Pin::new(io).poll_read(cx, buf),)+ }
            }
        }

        impl AsyncWrite for $type {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                match self.get_mut() { $(Self::$variant(io) => Pin::new(io).poll_write(cx, buf),)+ }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() { $(Self::$variant(io) => Pin::new(io).poll_write_vectored(cx, bufs),)+ }
            }

            fn is_write_vectored(&self) -> bool {
                match self { $(Self::$variant(io) => io.is_write_vectored(),)+ }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $(Self::$variant(io) => Pin::new(io).poll_flush(cx),)+ }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() { $(Self::$variant(io) => Pin::new(io).poll_shutdown(cx),)+ }
            }
        }
    };
}

delegate!(Socket { Tcp, Unix });
delegate!(Io { Plain, Tls, Gone });

impl Duplex for Io {
    fn hang_up(&self) -> HangUp {
        match self {
            Self::Plain(socket) => socket.hang_up(),
            // What TLS has read and not given yet stands before the end, too.
            Self::Tls(stream) => match stream.get_ref().0.hang_up() {
                HangUp::Ended => HangUp::EndsBehind,
                other => other,
            },
            Self::Gone(_) => HangUp::None,
        }
    }

    fn reset_at_end(&self) {
        match self {
            Self::Plain(socket) => socket.reset_at_end(),
            Self::Tls(stream) => stream.get_ref().0.reset_at_end(),
            Self::Gone(_) => {}
        }
    }
}
