//! The guard of HTTP/2 connections: sits between socket and hyper, ends what floods, has no target with a fragment pass for one
//! without, and follows how much room the caller gives replies.

use super::counters::{ListenCounters, count};
use super::frames::{Frames, Unfit};
use super::guard::ConnectionState;
use super::outbox::Outbox;
use super::windows::Windows;
use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A socket behind the guard.
#[derive(Debug)]
pub(super) struct FrameGuard {
    out: Rc<Outbox>,
    state: Rc<ConnectionState>,
    frames: Frames,
    windows: Rc<RefCell<Windows>>,
    counters: Arc<ListenCounters>,
}

impl FrameGuard {
    pub(super) fn new(
        out: Rc<Outbox>,
        state: Rc<ConnectionState>,
        control_frames_max: u32,
        windows: Rc<RefCell<Windows>>,
        counters: Arc<ListenCounters>,
    ) -> Self {
        Self { out, state, frames: Frames::new(control_frames_max), windows, counters }
    }
}

impl AsyncRead for FrameGuard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.windows.borrow_mut().tell_h2(this.frames.is_mid_block(), buf) {
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(this.out.poll_read(cx, buf))?;
        let read = this.frames.advance(buf.filled_mut().get_mut(before..).unwrap_or_default());
        if let Err(unfit) = read {
            this.state.flooded.set(unfit == Unfit::Flood);
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        {
            let mut windows = this.windows.borrow_mut();
            windows.came(buf.filled().get(before..).unwrap_or_default());
            this.state.shut_since.set(windows.shut_since());
            this.state.has_settings.set(windows.has_settings());
        }
        (0..this.frames.fragments()).for_each(|_| count(&this.counters.h2_fragments));
        match (this.frames.is_mid_block(), this.state.head_since.get()) {
            (true, None) => this.state.head_since.set(Some(Instant::now())),
            (false, Some(_)) => this.state.head_since.set(None),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

/// What is written is sent by who drives the connection.
impl AsyncWrite for FrameGuard {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.out.poll_write(cx, bufs))?;
        self.frames.wrote(written);
        let mut windows = self.windows.borrow_mut();
        let mut left = written;
        for buf in bufs {
            let taken = buf.get(..left.min(buf.len())).unwrap_or_default();
            windows.went(taken);
            left -= taken.len();
        }
        self.state.shut_since.set(windows.shut_since());
        drop(windows);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.out.poll_shutdown(cx)
    }
}
