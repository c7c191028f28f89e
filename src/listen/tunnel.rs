//! A connection that was switched to another protocol: its bytes go both ways, unread, until either end is done.

use super::ReplyBody;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until, timeout};

/// What bytes come from and go to.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin {
    /// What is known of its other side without reading what that sent. Where there is no socket: nothing.
    fn hang_up(&self) -> HangUp {
        HangUp::None
    }

    /// Has its other side hear of our end at once, as of a reset, and not behind bytes that it doesn't take.
    fn reset_at_end(&self) {}
}

/// What is known of a socket's other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HangUp {
    /// No end of it.
    None,
    /// It sends no more, and what it sent isn't all read. An end behind more than the system holds unread can't be seen: it
    /// is still over there.
    EndsBehind,
    /// It sends no more, and what it sent is read.
    Ended,
    /// It reset the connection: nobody is there.
    Gone,
}

impl Duplex for TcpStream {
    fn reset_at_end(&self) {
        let _ = self.set_zero_linger(); // gone already, at worst
    }
}

impl Duplex for tokio::io::Empty {}

impl Duplex for TokioIo<Upgraded> {}

#[cfg(test)]
impl Duplex for tokio::io::DuplexStream {}

impl Duplex for Box<dyn Duplex> {
    fn hang_up(&self) -> HangUp {
        (**self).hang_up()
    }

    fn reset_at_end(&self) {
        (**self).reset_at_end();
    }
}

type Opening = Pin<Box<dyn Future<Output = Option<Box<dyn Duplex>>>>>;

/// The way to an upstream that has switched.
pub struct Tunnel {
    opening: Opening,
    idle_timeout: Duration,
    /// Lives as long as the tunnel.
    _kept: Box<dyn Any>,
}

impl Tunnel {
    /// A tunnel that ends when no byte moved for `idle_timeout`. `kept` is dropped at its end.
    pub fn new<T: Duplex + 'static>(
        opening: impl Future<Output = Option<T>> + 'static,
        idle_timeout: Duration,
        kept: impl Any,
    ) -> Self {
        let opening = async move { opening.await.map(|io| Box::new(io) as Box<dyn Duplex>) };
        Self { opening: Box::pin(opening), idle_timeout, _kept: Box::new(kept) }
    }

    /// Carries bytes until either end is done, then what the other still has for a moment. `early` came from the caller
    /// behind its head; `body` is told how much was carried. A caller that resets its connection is noticed while the
    /// upstream takes nothing, too; over HTTP/2 only once it takes something.
    pub(super) async fn run(self, caller: impl Duplex, early: Vec<u8>, mut body: ReplyBody) {
        let Ok(Some(mut upstream)) = timeout(OPENING, self.opening).await else { return };
        let (up, down) = (Moved::new(), Moved::new());
        up.moved(early.len());
        if upstream.write_all(&early).await.is_err() {
            return;
        }
        drop(early);
        let (caller, upstream) = (Shared::new(caller), Shared::new(upstream));
        {
            let mut upward = pin!(pump(caller.clone(), upstream.clone(), &up));
            let mut downward = pin!(pump(upstream.clone(), caller.clone(), &down));
            // At a time limit there is nothing more to do: both ends are closed.
            tokio::select! {
                biased; // whether the upstream takes nothing shows once it was tried
                () = &mut upward => { let _ = timeout(REST, downward).await; }
                () = &mut downward => { let _ = timeout(REST, upward).await; }
                () = idle(&up, &down, self.idle_timeout) => {}
                () = gone(&caller, &up) => upstream.0.borrow().reset_at_end(),
            }
        }
        body.carried(down.bytes.get(), up.bytes.get());
    }
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tunnel")
    }
}

/// An end that is read and written at a time, by one task.
struct Shared<T>(Rc<RefCell<T>>);

impl<T> Shared<T> {
    fn new(io: T) -> Self {
        Self(Rc::new(RefCell::new(io)))
    }

    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T: Duplex> AsyncRead for Shared<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_read(cx, buf)
    }
}

impl<T: Duplex> AsyncWrite for Shared<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_shutdown(cx)
    }
}

/// How much moved one way, and when last.
struct Moved {
    bytes: Cell<u64>,
    last: Cell<Instant>,
    /// Bytes wait to be taken at the far end, so that nobody reads at the near one.
    is_held_up: Cell<bool>,
}

impl Moved {
    fn new() -> Self {
        Self { bytes: Cell::new(0), last: Cell::new(Instant::now()), is_held_up: Cell::new(false) }
    }

    fn moved(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
        self.last.set(Instant::now());
    }
}

/// Carries bytes one way to their end, and says at the other side that it was the end.
async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, moved: &Moved) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        moved.is_held_up.set(true);
        let sent = to.write_all(buffer.get(..count).unwrap_or_default()).await;
        moved.is_held_up.set(false);
        if sent.is_err() || to.flush().await.is_err() {
            return;
        }
        moved.moved(count);
    }
    let _ = to.shutdown().await; // gone already, at worst
}

async fn idle(up: &Moved, down: &Moved, limit: Duration) {
    loop {
        let due = up.last.get().max(down.last.get()) + limit;
        if due <= Instant::now() {
            return;
        }
        sleep_until(due.into()).await;
    }
}

/// Waits until the caller is gone while nobody reads what it sent. Asked behind what carries its bytes, in the same task.
async fn gone(caller: &Shared<impl Duplex>, up: &Moved) {
    let mut timer = pin!(sleep(LOOK));
    poll_fn(|cx| {
        while up.is_held_up.get() {
            ready!(timer.as_mut().poll(cx));
            if caller.0.borrow().hang_up() == HangUp::Gone {
                return Poll::Ready(());
            }
            timer.as_mut().reset((Instant::now() + LOOK).into());
        }
        Poll::Pending
    })
    .await;
}

/// The upstream has said that it switches: what is left is to take over its connection.
const OPENING: Duration = Duration::from_secs(5);
/// What one end may still have to say after the other is done.
const REST: Duration = Duration::from_secs(1);
const BUFFER_BYTES: usize = 16 << 10;
/// While nobody reads what a caller sent, it is looked so often whether it is still there.
pub(super) const LOOK: Duration = Duration::from_millis(500);
