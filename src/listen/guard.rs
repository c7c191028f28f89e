//! The framing guard: sits between socket and hyper, and lets through only what [`Framing`] follows without doubt.
//!
//! A refused head never reaches hyper. In its place hyper gets a head of ours, numbered, and the connection answers
//! that number with the refusal: so it comes in order behind the replies to pipelined messages before it.
//!
//! hyper gets one message at a time: with bytes of the next at hand it wouldn't look at the socket, nor see that the
//! caller left. What comes behind the message at work is kept here until that one is answered.
//!
//! Where nobody reads, as an upstream takes no more of a message or too much is kept behind one, it is looked now and then
//! whether the caller is still there. That it reset its connection is seen then, and an end right behind what was read; one
//! behind bytes that nobody reads says nothing of a message that may be whole in them, nor is it seen before them where they
//! are more than the system holds.

use super::framing::{Framing, Stop};
use super::io::Io;
use super::limits::Limits;
use super::tunnel::LOOK;
use super::{Duplex, HangUp, Nap, ReplyBody, Tunnel};
use crate::reason::Reason;
use bytes::{Buf, BytesMut};
use http::Version;
use std::{
    cell::{Cell, OnceCell, RefCell},
    io,
    mem::MaybeUninit,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Instant,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What guard, connection and bodies of one connection tell each other. All on one thread.
#[derive(Debug)]
pub(super) struct ConnectionState {
    /// Heads handed to hyper.
    pub delivered: Cell<u64>,
    /// Replies that ended, or were dropped.
    pub ended: Cell<u64>,
    /// The head with this number (from 0) is ours, and stands for a refused one.
    pub refused: Cell<Option<(u64, Reason)>>,
    /// The head with this number (from 0) asks for another protocol, and isn't answered yet.
    pub asks_to_switch: Cell<Option<u64>>,
    /// Whom to wake when a message is answered: bytes of the next one are kept.
    pub waits: RefCell<Option<Waker>>,
    /// The connection is switched: hyper has nothing more to do with it.
    pub is_switched: Cell<bool>,
    /// A message offered to switch: hyper waits for that at the connection's end, and doesn't shut it.
    pub has_offer: Cell<bool>,
    /// Where the bytes of a switched connection go, and the reply that ends with them.
    pub tunnel: RefCell<Option<(Tunnel, ReplyBody)>>,
    /// What hyper left of a switched connection: the socket, and what came behind the head.
    pub left: RefCell<Option<(Io, Vec<u8>)>>,
    /// The body at hand broke its framing.
    pub malformed: Cell<bool>,
    /// The service dropped a body before its end: nothing can follow on this connection.
    pub is_body_left: Cell<bool>,
    /// A body isn't whole, and nobody asks for more of it: nobody reads.
    pub is_unasked: Cell<bool>,
    /// As much as may is kept behind the message at work: nobody reads.
    is_full: Cell<bool>,
    /// When it was last looked whether the caller is still there, since nobody reads.
    looked_at: Cell<Option<Instant>>,
    /// That is to be looked at.
    looks: Cell<bool>,
    /// The caller speaks HTTP/1.0: to it, the end of the connection is the end of a body without a length.
    is_http_10: Cell<bool>,
    /// A reply broke off.
    pub is_reply_broken: Cell<bool>,
    /// The caller waits for a 100 before it sends the body, and none was sent.
    pub awaits_100: Cell<bool>,
    /// A head began and isn't whole.
    pub head_since: Cell<Option<Instant>>,
    /// No message is at work.
    pub idle_since: Cell<Instant>,
    /// The peer takes no bytes.
    pub blocked_since: Cell<Option<Instant>>,
    /// Our side is shut; what still comes is thrown away.
    pub lingering_since: Cell<Option<Instant>>,
    /// Messages run side by side: HTTP/2.
    pub is_multiplexed: Cell<bool>,
    /// The peer sent more frames without use than it may.
    pub flooded: Cell<bool>,
    /// The caller's SETTINGS came, in HTTP/2.
    pub has_settings: Cell<bool>,
    /// Since when some reply has had no room, by HTTP/2's flow control.
    pub shut_since: Cell<Option<Instant>>,
    /// A head has been on its way for too long: it is answered as it stands, in HTTP/1.1.
    pub is_head_late: Cell<bool>,
    /// Wakes the connection, for a drain.
    pub waker: RefCell<Option<Waker>>,
    /// Keeps bodies from waking it to no use, in HTTP/1.1.
    pub nap: OnceCell<Arc<Nap>>,
}

impl ConnectionState {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Self {
            delivered: Cell::new(0),
            ended: Cell::new(0),
            refused: Cell::new(None),
            asks_to_switch: Cell::new(None),
            waits: RefCell::new(None),
            is_switched: Cell::new(false),
            has_offer: Cell::new(false),
            tunnel: RefCell::new(None),
            left: RefCell::new(None),
            malformed: Cell::new(false),
            is_body_left: Cell::new(false),
            is_unasked: Cell::new(false),
            is_full: Cell::new(false),
            looked_at: Cell::new(None),
            looks: Cell::new(false),
            is_http_10: Cell::new(false),
            is_reply_broken: Cell::new(false),
            awaits_100: Cell::new(false),
            head_since: Cell::new(None),
            idle_since: Cell::new(Instant::now()),
            blocked_since: Cell::new(None),
            lingering_since: Cell::new(None),
            is_multiplexed: Cell::new(false),
            flooded: Cell::new(false),
            has_settings: Cell::new(false),
            shut_since: Cell::new(None),
            is_head_late: Cell::new(false),
            waker: RefCell::new(None),
            nap: OnceCell::new(),
        })
    }

    /// Whether a message is at work.
    pub(super) fn is_busy(&self) -> bool {
        self.delivered.get() > self.ended.get()
    }

    /// A message came in HTTP/1.1, or in 1.0.
    pub(super) fn came_in(&self, version: Version) {
        self.is_http_10.set(version == Version::HTTP_10);
    }

    /// When it is to be looked whether the caller is still there; `None` as long as somebody reads, who sees that anyway.
    pub(super) fn look_due(&self) -> Option<Instant> {
        let is_unread = (self.is_unasked.get() || self.is_full.get()) && !self.is_multiplexed.get();
        if !is_unread || !self.is_busy() {
            self.looked_at.set(None);
            return None;
        }
        let since = self.looked_at.get().unwrap_or_else(Instant::now);
        self.looked_at.set(Some(since));
        Some(since + LOOK)
    }

    /// Has it looked at, where hyper flushes next.
    pub(super) fn look(&self) {
        self.looked_at.set(Some(Instant::now()));
        self.looks.set(true);
    }

    /// A reply ended, or was dropped.
    pub(super) fn end_one(&self) {
        self.ended.set(self.ended.get() + 1);
        self.idle_since.set(Instant::now());
        if let Some(waker) = self.waits.take() {
            waker.wake();
        }
    }
}

/// A socket behind the guard.
#[derive(Debug)]
pub(super) struct Guarded {
    io: Io,
    state: Rc<ConnectionState>,
    framing: Framing,
    /// `ready` bytes that may go on, then what isn't followed yet: the beginning of a head that isn't whole, or what came
    /// behind the message at work.
    kept: BytesMut,
    ready: usize,
    /// What is kept isn't followed yet.
    is_behind: bool,
    stop: Option<Stop>,
    is_silent: bool,
    refuse_first: Option<Reason>,
    lingered_bytes: usize,
    is_shut: bool,
}

impl Guarded {
    /// Guards a socket. `refuse_first` refuses the first head whatever it says.
    pub(super) fn new(
        io: Io,
        state: Rc<ConnectionState>,
        limits: &Limits,
        refuse_first: Option<Reason>,
    ) -> Self {
        Self {
            io,
            state,
            framing: Framing::new(limits.head_bytes_max, limits.headers_max),
            kept: BytesMut::new(),
            ready: 0,
            is_behind: false,
            stop: None,
            is_silent: false,
            refuse_first,
            lingered_bytes: 0,
            is_shut: false,
        }
    }

    /// Follows `input` and notes what it saw; gives how many bytes may go on.
    fn follow(&mut self, from_kept: bool, input: &[u8]) -> usize {
        if let Some(reason) = self.refuse_first {
            self.stop = Some(Stop::Refused(reason));
            return 0;
        }
        let step = if from_kept { self.framing.advance(&self.kept) } else { self.framing.advance(input) };
        let total = if from_kept { self.kept.len() } else { input.len() };
        self.stop = step.stop;
        self.state.delivered.set(self.state.delivered.get() + step.heads);
        if step.heads > 0 && self.framing.offers_switch() {
            self.state.has_offer.set(true);
            if self.framing.is_switching() {
                self.state.asks_to_switch.set(Some(self.state.delivered.get() - 1));
            }
        }
        // Nothing is followed behind the end of a message, so what is left over is the next one.
        self.is_behind = step.stop.is_none() && step.released > 0 && step.released < total;
        let is_mid_head = step.stop.is_none() && step.released == 0 && total > 0;
        match self.state.head_since.get() {
            None if is_mid_head => self.state.head_since.set(Some(Instant::now())),
            Some(_) if !is_mid_head => self.state.head_since.set(None),
            _ => {}
        }
        step.released
    }

    /// Hands on what is ready.
    fn hand_on(&mut self, buf: &mut ReadBuf<'_>) {
        let count = self.ready.min(buf.remaining());
        buf.put_slice(self.kept.get(..count).unwrap_or_default());
        self.kept.advance(count);
        self.ready -= count;
        if self.kept.is_empty() {
            self.kept = BytesMut::new(); // an idle connection keeps no buffer here
        }
    }

    /// Does what the stop says, once what came before it is handed on.
    fn halt(&mut self, stop: Stop) -> io::Result<()> {
        self.is_silent = true;
        match stop {
            Stop::Refused(reason) => {
                let number = self.state.delivered.get();
                self.state.refused.set(Some((number, reason)));
                self.state.delivered.set(number + 1);
                self.kept = BytesMut::from(STAND_IN);
                self.ready = STAND_IN.len();
                Ok(())
            }
            Stop::Malformed => {
                self.state.malformed.set(true);
                Err(io::ErrorKind::InvalidData.into())
            }
        }
    }

    /// Whether nothing more is handed on before the message at work is answered.
    fn must_wait(&self) -> bool {
        let state = &self.state;
        match self.framing.is_switching() {
            true => state.asks_to_switch.get().is_some() || state.is_switched.get() || state.is_busy(),
            false => self.framing.is_between_messages() && state.is_busy(),
        }
    }

    /// Keeps what comes while the message at work isn't answered; ready at the caller's end, which is its leaving.
    fn poll_behind(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.kept.is_empty() {
                // Without any, hyper looks at the socket by itself when the message is answered.
                *self.state.waits.borrow_mut() = Some(cx.waker().clone());
            }
            self.state.is_full.set(self.kept.len() >= BEHIND_BYTES_MAX);
            if self.state.is_full.get() {
                return Poll::Pending; // the caller has to wait
            }
            let mut space = [MaybeUninit::uninit(); SPLIT_HEAD_READ_BYTES];
            let mut early = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut early))?;
            if early.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            self.kept.extend_from_slice(early.filled());
            self.is_behind = true;
        }
    }

    /// Whether the caller is known to be gone while nobody reads. Behind a message that is read whole its end is its leaving;
    /// one that isn't may be whole in what is still to be read.
    fn is_left(&self) -> bool {
        match self.io.hang_up() {
            HangUp::Gone => true,
            HangUp::Ended => self.state.is_full.get() || !self.framing.is_between_messages(),
            HangUp::EndsBehind => self.state.is_full.get(),
            HangUp::None => false,
        }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let is_cut = self.state.is_reply_broken.get() || self.state.is_busy();
        if is_cut && self.state.is_http_10.get() {
            self.io.reset_at_end(); // an end would have the reply look whole
        } else if self.state.is_switched.get() || self.state.has_offer.get() && !self.is_shut {
            let io = std::mem::replace(&mut self.io, Io::Gone(tokio::io::empty()));
            *self.state.left.borrow_mut() = Some((io, std::mem::take(&mut self.kept).into()));
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.ready > 0 {
                this.hand_on(buf);
                return Poll::Ready(Ok(()));
            }
            if this.is_silent {
                return Poll::Pending; // no end of file: hyper would take it for a peer that left
            }
            if this.state.is_head_late.take() && this.stop.is_none() {
                this.state.head_since.set(None);
                this.stop = Some(Stop::Refused(Reason::HeadTimeout));
            }
            if let Some(stop) = this.stop {
                this.halt(stop)?;
                continue;
            }
            if this.must_wait() {
                return this.poll_behind(cx);
            }
            if this.framing.is_switching() {
                this.framing.go_on();
            }
            if this.is_behind {
                this.state.is_full.set(false);
                this.ready = this.follow(true, &[]);
                if this.stop.is_some() {
                    this.kept.truncate(this.ready);
                }
                continue;
            }
            if this.kept.is_empty() {
                let before = buf.filled().len();
                ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
                let fresh = buf.filled().get(before..).unwrap_or_default();
                if fresh.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                let released = this.follow(false, fresh);
                if this.stop.is_none() {
                    this.kept.extend_from_slice(fresh.get(released..).unwrap_or_default());
                }
                buf.set_filled(before + released);
                if released > 0 {
                    return Poll::Ready(Ok(()));
                }
            } else {
                let mut space = [MaybeUninit::uninit(); SPLIT_HEAD_READ_BYTES];
                let mut more = ReadBuf::uninit(&mut space);
                ready!(Pin::new(&mut this.io).poll_read(cx, &mut more))?;
                if more.filled().is_empty() {
                    this.kept = BytesMut::new();
                    return Poll::Ready(Ok(()));
                }
                this.kept.extend_from_slice(more.filled());
                this.ready = this.follow(true, &[]);
                if this.stop.is_some() {
                    this.kept.truncate(this.ready);
                }
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write(cx, buf);
        note_blocked(&self.state, polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        note_blocked(&self.state, polled.is_pending());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.state.looks.get() {
            self.state.looks.set(false);
            if self.is_left() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Shuts our side; where the peer was stopped half-way, goes on reading for a while: closing on unread bytes
    /// makes the kernel send a reset, and the peer may lose the reply that tells it why.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.is_shut {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.is_shut = true;
        }
        let is_peer_done = this.framing.is_between_messages() && this.kept.is_empty() && !this.is_silent;
        if is_peer_done {
            return Poll::Ready(Ok(()));
        }
        if this.state.lingering_since.get().is_none() {
            this.state.lingering_since.set(Some(Instant::now()));
        }
        let mut space = [MaybeUninit::uninit(); SPLIT_HEAD_READ_BYTES];
        while this.lingered_bytes < LINGER_BYTES_MAX {
            let mut waste = ReadBuf::uninit(&mut space);
            match ready!(Pin::new(&mut this.io).poll_read(cx, &mut waste)) {
                Ok(()) if !waste.filled().is_empty() => this.lingered_bytes += waste.filled().len(),
                _ => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

pub(super) fn note_blocked(state: &ConnectionState, is_blocked: bool) {
    match (is_blocked, state.blocked_since.get()) {
        (true, None) => state.blocked_since.set(Some(Instant::now())),
        (false, Some(_)) => state.blocked_since.set(None),
        _ => {}
    }
}

/// What hyper reads in place of a refused head.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n\r\n";
const SPLIT_HEAD_READ_BYTES: usize = 4096;
/// How much is kept behind the message at work.
const BEHIND_BYTES_MAX: usize = 64 * 1024;
/// How much is read and thrown away after our side is shut; `connection` limits the time.
pub(super) const LINGER_BYTES_MAX: usize = 64 * 1024 * 1024;
