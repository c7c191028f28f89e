//! What a connection of HTTP/2 writes, in few pieces. h2 has each piece of a body written before it makes the next frame, so
//! that the replies of as many streams would take as many writes to the socket (and as many records of TLS): here they are
//! gathered while the connection is polled, and sent behind that.

use super::guard::{ConnectionState, note_blocked};
use super::io::Io;
use std::cell::{Cell, RefCell};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A socket, and what waits to be sent through it. hyper writes to it; who drives hyper sends.
#[derive(Debug)]
pub(super) struct Outbox {
    inner: RefCell<Inner>,
    state: Rc<ConnectionState>,
}

#[derive(Debug)]
struct Inner {
    io: Io,
    waiting: Vec<u8>,
    /// Something was written that the socket may not have yet.
    is_open: bool,
}

impl Outbox {
    pub(super) fn new(io: Io, state: Rc<ConnectionState>) -> Rc<Self> {
        Rc::new(Self { inner: RefCell::new(Inner { io, waiting: Vec::new(), is_open: false }), state })
    }

    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner.borrow_mut().io).poll_read(cx, buf)
    }

    /// Takes bytes to be sent: all of them where there is room, else what the socket takes of them.
    pub(super) fn poll_write(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let mut inner = self.inner.borrow_mut();
        inner.is_open = true;
        let count = bufs.iter().map(|buf| buf.len()).sum::<usize>();
        if inner.waiting.len() + count > WAITING_BYTES_MAX {
            ready!(inner.poll_waiting(cx, &self.state))?;
        }
        if count > WAITING_BYTES_MAX {
            return inner.poll_io(cx, &self.state, |io, cx| io.poll_write_vectored(cx, bufs));
        }
        if inner.waiting.capacity() == 0 {
            inner.waiting = SPARE.take();
        }
        bufs.iter().for_each(|buf| inner.waiting.extend_from_slice(buf));
        Poll::Ready(Ok(count))
    }

    /// Takes frames of the gateway's own, behind what waits.
    pub(super) fn add(&self, frames: &[u8]) {
        let mut inner = self.inner.borrow_mut();
        inner.is_open = true;
        inner.waiting.extend_from_slice(frames);
    }

    /// Sends what waits.
    pub(super) fn poll_send(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.inner.borrow_mut();
        if !inner.is_open {
            return Poll::Ready(Ok(()));
        }
        ready!(inner.poll_waiting(cx, &self.state))?;
        ready!(inner.poll_io(cx, &self.state, |io, cx| io.poll_flush(cx)))?;
        inner.is_open = false;
        Poll::Ready(Ok(()))
    }

    pub(super) fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.inner.borrow_mut().io).poll_shutdown(cx)
    }
}

impl Inner {
    fn poll_waiting(&mut self, cx: &mut Context<'_>, state: &ConnectionState) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            let polled = self.poll_io(cx, state, |io, cx| io.poll_write(cx, &waiting));
            self.waiting = waiting;
            match ready!(polled)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => drop(self.waiting.drain(..count)),
            }
        }
        // Connections that have nothing to send need no room for it.
        SPARE.set(std::mem::take(&mut self.waiting));
        Poll::Ready(Ok(()))
    }

    /// Asks the socket to take something, and notes whether it does.
    fn poll_io<T>(
        &mut self,
        cx: &mut Context<'_>,
        state: &ConnectionState,
        ask: impl FnOnce(Pin<&mut Io>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let polled = ask(Pin::new(&mut self.io), cx);
        note_blocked(state, polled.is_pending());
        polled
    }
}

thread_local! {
    /// Room for the next connection that has something to send.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// So much is gathered: what one record of TLS takes. Larger pieces go as they are.
const WAITING_BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::super::io::Socket;
    use super::super::quiet::Quiet;
    use super::*;
    use std::future::poll_fn;
    use std::task::Waker;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    async fn pair() -> (Rc<Outbox>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let far = TcpStream::connect(listener.local_addr().expect("address")).await.expect("connects");
        let near = listener.accept().await.expect("accepts").0;
        (Outbox::new(Io::Plain(Socket::Tcp(Quiet::new(near))), ConnectionState::new()), far)
    }

    async fn write(out: &Outbox, pieces: &[&[u8]]) -> usize {
        let bufs: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        poll_fn(|cx| out.poll_write(cx, &bufs)).await.expect("writes")
    }

    /// What has come without waiting.
    fn came(far: &TcpStream) -> usize {
        far.try_read(&mut [0; 64 * 1024]).unwrap_or(0)
    }

    #[tokio::test]
    async fn small_pieces_wait_to_be_sent_together_and_large_ones_go_behind_them() {
        let (out, mut far) = pair().await;
        assert_eq!(write(&out, &[b"one ", b"two "]).await, 8);
        assert_eq!(write(&out, &[b"three "]).await, 6);
        assert_eq!(came(&far), 0);
        poll_fn(|cx| out.poll_send(cx)).await.expect("sends");
        let mut all = [0; 14];
        far.read_exact(&mut all).await.expect("comes");
        assert_eq!(&all, b"one two three ");
        assert_eq!(out.inner.borrow().waiting.capacity(), 0, "what has nothing to send keeps no room");

        write(&out, &[b"before"]).await;
        let large = vec![b'x'; WAITING_BYTES_MAX + 1];
        let mut left = large.len();
        while left > 0 {
            left -= write(&out, &[&large[..left]]).await;
        }
        poll_fn(|cx| out.poll_send(cx)).await.expect("sends");
        let mut all = vec![0; 6 + large.len()];
        far.read_exact(&mut all).await.expect("comes");
        assert!(all.starts_with(b"before") && all[6..] == large);
    }

    #[tokio::test]
    async fn what_the_socket_does_not_take_is_told_and_sent_later() {
        let (out, mut far) = pair().await;
        let mut cx = Context::from_waker(Waker::noop());
        let piece = [b'x'; 4096];
        let mut taken = 0;
        while let Poll::Ready(count) = out.poll_write(&mut cx, &[IoSlice::new(&piece)]) {
            taken += count.expect("writes");
        }
        assert!(out.poll_send(&mut cx).is_pending());
        assert!(out.state.blocked_since.get().is_some());
        assert!(out.inner.borrow().waiting.len() <= WAITING_BYTES_MAX);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.map(|_| all.len())
        });
        poll_fn(|cx| out.poll_shutdown(cx)).await.expect("sends the rest first");
        assert!(out.state.blocked_since.get().is_none());
        assert_eq!(reading.await.expect("runs").expect("reads"), taken);
    }
}
