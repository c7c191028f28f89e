//! What comes before HTTP: the PROXY header, the handshake, and the choice of a protocol.

use super::connection::Listener;
use super::counters::{ListenCounters, count};
use super::io::{Io, Socket};
use super::tls::{self, TlsFacts};
use super::{Peer, proxy};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::timeout;

/// A connection that is ready for HTTP.
pub(super) struct Opened {
    pub io: Io,
    pub peer: Rc<Peer>,
    pub protocol: Protocol,
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
        return Some(Opened { io: Io::Plain(socket), peer, protocol: Protocol::Http1 });
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
        let protocol = match listener.http2_cleartext {
            true => sniff(&socket, Duration::from_millis(listener.limits.head_timeout_ms)).await?,
            false => Protocol::Http1,
        };
        return Some(Opened { io: Io::Plain(socket), peer: Rc::new(Peer::new(address, None)), protocol });
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
    Some(Opened { io: Io::Tls(Box::new(stream)), peer, protocol })
}

/// Looks whether the caller begins with HTTP/2's preface (RFC 9113, section 3.4); `None` where it went away.
async fn sniff(socket: &Socket, limit: Duration) -> Option<Protocol> {
    let look = async {
        let mut start = [0; PREFACE_START.len()];
        loop {
            let count = socket.peek(&mut start).await.ok()?;
            let seen = start.get(..count)?;
            if seen.is_empty() {
                return None;
            }
            if seen == PREFACE_START {
                return Some(Protocol::Http2);
            }
            if !PREFACE_START.starts_with(seen) {
                return Some(Protocol::Http1);
            }
            tokio::time::sleep(PEEK_AGAIN).await; // what was seen stays readable: there is nothing to wait on
        }
    };
    // Whoever sends no whole line in time is left to the limits of HTTP/1.1.
    timeout(limit, look).await.unwrap_or(Some(Protocol::Http1))
}

/// No method of HTTP/1.1 begins so: `PRI` is reserved.
const PREFACE_START: &[u8] = b"PRI * HTTP/2.0\r\n";
const PEEK_AGAIN: Duration = Duration::from_millis(5);
