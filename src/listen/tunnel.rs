//! A connection that was switched to another protocol: its bytes go both ways, unread, until either end is done.

use super::ReplyBody;
use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{sleep_until, timeout};

/// What bytes come from and go to.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

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
    /// behind its head; `body` is told how much was carried.
    pub(super) async fn run(self, caller: impl Duplex, early: Vec<u8>, mut body: ReplyBody) {
        let Ok(Some(mut upstream)) = timeout(OPENING, self.opening).await else { return };
        let (up, down) = (Moved::new(), Moved::new());
        up.moved(early.len());
        if upstream.write_all(&early).await.is_err() {
            return;
        }
        drop(early);
        let (from_caller, to_caller) = split(caller);
        let (from_upstream, to_upstream) = split(upstream);
        {
            let mut upward = pin!(pump(from_caller, to_upstream, &up));
            let mut downward = pin!(pump(from_upstream, to_caller, &down));
            // At a time limit there is nothing more to do: both ends are closed.
            tokio::select! {
                () = &mut upward => { let _ = timeout(REST, downward).await; }
                () = &mut downward => { let _ = timeout(REST, upward).await; }
                () = idle(&up, &down, self.idle_timeout) => {}
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

/// How much moved one way, and when last.
struct Moved {
    bytes: Cell<u64>,
    last: Cell<Instant>,
}

impl Moved {
    fn new() -> Self {
        Self { bytes: Cell::new(0), last: Cell::new(Instant::now()) }
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
        let sent = to.write_all(buffer.get(..count).unwrap_or_default()).await;
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

/// The upstream has said that it switches: what is left is to take over its connection.
const OPENING: Duration = Duration::from_secs(5);
/// What one end may still have to say after the other is done.
const REST: Duration = Duration::from_secs(1);
const BUFFER_BYTES: usize = 16 << 10;
