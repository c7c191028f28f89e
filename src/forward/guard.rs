//! The framing guard of replies: sits between an upstream's socket and hyper, and lets through only what [`Framing`] follows
//! without doubt. hyper takes a bare LF, and hands over a reply before it sees that more than that came.

use super::framing::Framing;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What a connection and its guard tell each other. Both are on one thread; hyper wants what it reads from to be `Send`.
#[derive(Debug, Default)]
pub(super) struct Asked {
    next: AtomicU8,
    is_broken: AtomicBool,
}

impl Asked {
    /// A message goes out; `head_alone`: with HEAD.
    pub(super) fn ask(&self, head_alone: bool) {
        self.next.store(if head_alone { HEAD_ALONE } else { WHOLE }, Relaxed);
    }

    /// Whether what came is no reply to it.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Relaxed)
    }
}

/// A socket whose bytes were looked at.
#[derive(Debug)]
pub(super) struct Guard<T> {
    io: T,
    framing: Framing,
    asked: Arc<Asked>,
}

impl<T> Guard<T> {
    pub(super) fn new(io: T, asked: Arc<Asked>) -> Self {
        Self { io, framing: Framing::default(), asked }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Guard<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        let next = this.asked.next.load(Relaxed);
        if next != NOTHING {
            this.asked.next.store(NOTHING, Relaxed);
            this.framing.expect(next == HEAD_ALONE);
        }
        if !this.asked.is_broken() && this.framing.follow(buf.filled().get(before..).unwrap_or_default()) {
            return Poll::Ready(Ok(()));
        }
        buf.set_filled(before);
        this.asked.is_broken.store(true, Relaxed);
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Guard<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

const NOTHING: u8 = 0;
const WHOLE: u8 = 1;
const HEAD_ALONE: u8 = 2;
