//! Listen: socket to inbound message.
//!
//! - Takes: [`ListenerConfig`]s with their [`Limits`], and a [`Service`] made once on each thread.
//! - Gives: [`Inbound`] messages whose head is beyond doubt; [`hold()`] and [`Tee`] for their bodies.
//! - In doubt: refuses. hyper is lenient about framing (a bare LF, Content-Length with Transfer-Encoding, equal
//!   double lengths pass it unseen), so `guard` reads each head and follows each body before hyper gets the bytes,
//!   and what it doubts reaches the service as [`Service::on_refuse`], in order with the replies before it. HTTP/2 is
//!   read by h2; `frame_guard` bounds floods and sees fragments of targets, and `stream_head` checks that a head means the
//!   same over HTTP/1.1.
//! - Cost: one pass over heads and chunk lines; bodies with a length are only counted. No lock is taken and no
//!   counter is shared on the way of a message, but for [`HeldBudget`] where bodies are held.
//!
//! Threads: a single-threaded runtime each, with its own listening sockets (SO_REUSEPORT), so nothing of a
//! connection ever changes threads and futures need not be `Send`.

mod activation;
mod body;
mod connection;
mod counters;
mod desk;
mod frame_guard;
mod frames;
mod framing;
mod guard;
mod handover;
mod head;
mod hold;
mod hpack;
mod io;
mod limits;
mod nap;
mod network;
mod open;
mod outbox;
mod peer;
mod proxy;
mod pulse;
mod quiet;
mod sockets;
mod stream_head;
mod streams;
mod tee;
pub mod tls;
mod tunnel;
mod validity;
mod websocket;
mod windows;
mod workers;

#[cfg(test)]
mod tests;

pub use activation::activated;
pub use body::{BodyError, Ended, InboundBody, ReplyBody, ReplyEnd};
pub use counters::{ListenCounters, ListenTotals};
pub use handover::{HandedSocket, Predecessor, Successors};
pub(crate) use head::{asked_protocol, may_follow};
pub use hold::{Held, HeldBudget, HeldPermit, HoldError, hold};
pub use io::Address;
pub use limits::{Limits, ListenerConfig};
use nap::Nap;
pub use network::Network;
pub use peer::Peer;
pub use pulse::Pulse;
pub(crate) use quiet::Quiet;
pub use sockets::{check_given, foreign_listeners};
pub use tee::{Tee, TeeEnd};
pub use tunnel::{Duplex, HangUp, Tunnel};
pub use validity::{HeldCertificate, Standing, Validity};
pub use workers::{StartError, WorkerContext, Workers};

use crate::reason::Reason;
use framing::{Framing, Stop};
use http::Response;
use std::{rc::Rc, sync::Arc, time::Instant};

/// What answers messages: made once on each thread, and shared by its connections.
#[allow(async_fn_in_trait, reason = "a thread's futures stay on it: no `Send` is wanted")]
pub trait Service: 'static {
    /// Answers one message.
    async fn call(&self, inbound: Inbound) -> Response<ReplyBody>;

    /// Answers a head that was refused before there was a message: doubtful framing, CONNECT, a doubtful `Upgrade`, a head
    /// over its limit, a connection too many. The connection is closed after it.
    fn on_refuse(&self, listener: &Arc<str>, peer: &Peer, reason: Reason) -> Response<ReplyBody>;

    /// Is told of a message whose caller had left by the time that it was read.
    fn on_gone(&self, inbound: Inbound);
}

/// How the guard follows the bytes of a connection that come in pieces of so many: how many go on, how many heads were
/// among them, and why it stops. For fuzzers, and whoever asks what a head comes to.
#[must_use]
pub fn followed(bytes: &[u8], piece: usize) -> (usize, u64, Option<Reason>) {
    let limits = Limits::default();
    let mut framing = Framing::new(limits.head_bytes_max, limits.headers_max);
    let (mut done, mut seen, mut heads) = (0, 0, 0);
    while seen < bytes.len() {
        seen = seen.saturating_add(piece.max(1)).min(bytes.len());
        loop {
            let step = framing.advance(bytes.get(done..seen).unwrap_or_default());
            done += step.released;
            heads += step.heads;
            match step.stop {
                None if step.released == 0 => break,
                None => {}
                Some(Stop::Refused(reason)) => return (done, heads, Some(reason)),
                Some(Stop::Malformed) => return (done, heads, Some(Reason::BadRequest)),
            }
        }
    }
    (done, heads, None)
}

/// One message on its way in.
#[derive(Debug)]
pub struct Inbound {
    /// The listener it came through.
    pub listener: Arc<str>,
    /// The other end of the connection.
    pub peer: Rc<Peer>,
    /// When its head was complete.
    pub received: Instant,
    /// Request line and headers: payload, so never to be printed.
    pub head: Head,
    /// The body, unread.
    pub body: InboundBody,
}

/// A request head that can't be printed by accident: `Debug` shows the number of headers.
pub struct Head(pub http::request::Parts);

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Head({} headers)", self.0.headers.len())
    }
}

impl std::ops::Deref for Head {
    type Target = http::request::Parts;
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
