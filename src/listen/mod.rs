//! Listen: socket to [`Inbound`].
//!
//! - Takes: TCP connections speaking HTTP/1.1, on one socket for each thread and listener (`SO_REUSEPORT`).
//! - Gives: an [`Inbound`]: the head, checked, and a body that is still to be read.
//! - In doubt: refuses. Doubtful framing is answered before the service sees it; what hyper itself can't parse it
//!   answers with a bare 400 or 431 of its own.
//! - Cost: no lock and no counter that threads share on the way of a message; two on the way of a connection.

mod head;
mod hold;
mod limits;
mod reply;
mod socket;
mod tee;
mod workers;

pub use hold::{Held, HeldBudget, HeldBytes, HoldError, hold};
pub use limits::Limits;
pub use reply::{ReplyBody, ReplyEnd, Streamed};
pub use tee::{Tee, TeeEnd, TeeHandle};
pub use workers::{Open, Service, StartError, Workers};

use http::request::Parts;
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// One message, as a listener took it.
pub struct Inbound {
    /// The listener's name.
    pub listener: Arc<str>,
    /// Who is at the other end of the socket.
    pub peer: SocketAddr,
    /// When its head was whole.
    pub received: Instant,
    /// Its head. Target and header values are payload.
    pub head: Parts,
    /// Its body, still to be read.
    pub body: Incoming,
}

/// One socket to listen on.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Its name.
    pub name: Arc<str>,
    /// Address and port; port 0 is any free one.
    pub address: SocketAddr,
}
