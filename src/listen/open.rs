//! What comes before HTTP: the PROXY header, the handshake, and the choice of a protocol.

use super::connection::Listener;
use super::counters::{ListenCounters, count};
use super::io::{Io, Socket};
use super::tls::{self, TlsFacts};
use super::{Peer, proxy};
use std::cell::Cell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A connection that is ready for HTTP.
pub(super) struct Opened {
    pub io: Io,
    pub peer: Rc<Peer>,
    pub protocol: Protocol,
    /// Since when it is waited for a head.
    pub since: Instant,
    /// A part of one came, and no more in its time.
    pub has_begun: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Opens a connection; `None` where it ends here, which was counted. What has to be waited for is waited for by `wait`.
pub(super) async fn open<'w, W: Future<Output = Option<Opened>> + 'w>(
    socket: Socket,
    address: Option<SocketAddr>,
    listener: &'w Listener,
    counters: &'w ListenCounters,
    wait: impl FnOnce(Pin<Box<dyn Future<Output = Option<Opened>> + 'w>>) -> W,
) -> Option<Opened> {
    if listener.is_plain() {
        let peer = Rc::new(Peer::new(address, None));
        let (io, protocol, since) = (Io::Plain(socket), Protocol::Http1, Instant::now());
        return Some(Opened { io, peer, protocol, since, has_begun: false });
    }
    // In a box: the task of an idle connection should not have room for a handshake all its life.
    Box::pin(wait(Box::pin(prelude(socket, address, listener, counters)))).await
}

async fn prelude(
    mut socket: Socket,
    mut address: Option<SocketAddr>,
    listener: &Listener,
    counters: &ListenCounters,
) -> Option<Opened> {
    if listener.speaks_for_others(address) {
        let limit = Duration::from_millis(listener.limits.head_timeout_ms);
        match timeout(limit, proxy::read(&mut socket)).await {
            Ok(Ok(caller)) => address = caller.or(address),
            Ok(Err(_)) | Err(_) => {
                count(&counters.proxy_refused);
                return None;
            }
        }
    }
    let Some(front) = &listener.tls else {
        let since = Instant::now();
        let limit = Duration::from_millis(listener.limits.head_timeout_ms);
        let (protocol, has_begun) = match listener.http2_cleartext {
            true => match sniff(&socket, limit).await? {
                Sniffed::Protocol(protocol) => (protocol, false),
                // What it is in is left to the limits of HTTP/1.1.
                Sniffed::Part => (Protocol::Http1, true),
                Sniffed::Nothing => {
                    count(&counters.head_timeouts);
                    return None;
                }
            },
            false => (Protocol::Http1, false),
        };
        let peer = Rc::new(Peer::new(address, None));
        return Some(Opened { io: Io::Plain(socket), peer, protocol, since, has_begun });
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(front.config());
    let stream = match timeout(front.handshake_timeout(), acceptor.accept(socket)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(_)) => {
            count(&counters.handshakes_failed);
            return None;
        }
        Err(_) => {
            count(&counters.handshake_timeouts);
            return None;
        }
    };
    let connection = stream.get_ref().1;
    let is_h2 = connection.alpn_protocol() == Some(tls::H2);
    let peer = Rc::new(Peer::new(address, Some(TlsFacts::of(connection))));
    let protocol = if is_h2 { Protocol::Http2 } else { Protocol::Http1 };
    let (io, since) = (Io::Tls(Box::new(stream)), Instant::now());
    Some(Opened { io, peer, protocol, since, has_begun: false })
}

/// What a connection begins with.
#[derive(Debug, Clone, Copy)]
enum Sniffed {
    Protocol(Protocol),
    /// What both may begin with, and no more in time.
    Part,
    /// Not one byte in time.
    Nothing,
}

/// Looks whether the caller begins with HTTP/2's preface (RFC 9113, section 3.4); `None` where it went away.
async fn sniff(socket: &Socket, limit: Duration) -> Option<Sniffed> {
    let has_part = Cell::new(false);
    let look = async {
        let mut start = [0; PREFACE_START.len()];
        loop {
            let count = socket.peek(&mut start).await.ok()?;
            let seen = start.get(..count)?;
            if seen.is_empty() {
                return None;
            }
            if seen == PREFACE_START {
                return Some(Sniffed::Protocol(Protocol::Http2));
            }
            if !PREFACE_START.starts_with(seen) {
                return Some(Sniffed::Protocol(Protocol::Http1));
            }
            has_part.set(true);
            tokio::time::sleep(PEEK_AGAIN).await; // what was seen stays readable: there is nothing to wait on
        }
    };
    match timeout(limit, look).await {
        Ok(sniffed) => sniffed,
        Err(_) if has_part.get() => Some(Sniffed::Part),
        Err(_) => Some(Sniffed::Nothing),
    }
}

/// No method of HTTP/1.1 begins so: `PRI` is reserved.
const PREFACE_START: &[u8] = b"PRI * HTTP/2.0\r\n";
const PEEK_AGAIN: Duration = Duration::from_millis(5);
