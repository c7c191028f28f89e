//! The signed head, told to others: an HTTP endpoint, a syslog. On a thread of its own: whoever acts doesn't wait for them.
//! Only the newest matters, since each holds all that came before; one that can't be told is tried again.

use crate::forward::{Remote, Secret};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, ToSocketAddrs, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Where heads are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outside {
    /// Posted as JSON; any 2xx is taken for kept.
    Http {
        /// Where to.
        remote: Remote,
        /// The header `Authorization`.
        authorization: Option<Secret>,
    },
    /// A syslog's socket on this machine.
    SyslogSocket(PathBuf),
    /// A syslog's host and port, by UDP.
    SyslogUdp(String),
}

/// Tells heads. Ends with the last of its copies.
pub(super) struct Teller {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    next: Mutex<Next>,
    woken: Condvar,
    failures: AtomicU64,
}

#[derive(Default)]
struct Next {
    /// What is to be told: the newest alone.
    line: Option<String>,
    is_over: bool,
}

impl Teller {
    pub(super) fn start(places: Vec<Outside>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let told = shared.clone();
        std::thread::Builder::new().name("anchors".to_owned()).spawn(move || told.run(&places))?;
        Ok(Self { shared })
    }

    /// Has a head told as soon as it can be.
    pub(super) fn tell(&self, line: String) {
        self.shared.next.lock().unwrap_or_else(PoisonError::into_inner).line = Some(line);
        self.shared.woken.notify_one();
    }

    /// Heads that a place didn't take, tried again or not.
    pub(super) fn failures(&self) -> u64 {
        self.shared.failures.load(Relaxed)
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        self.shared.next.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
        self.shared.woken.notify_one();
    }
}

impl Shared {
    fn run(&self, places: &[Outside]) {
        // Where a head still has to go.
        let mut left: Vec<&Outside> = Vec::new();
        let mut line = String::new();
        loop {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            while next.line.is_none() && !next.is_over {
                let waited = if left.is_empty() {
                    (self.woken.wait(next).unwrap_or_else(PoisonError::into_inner), false)
                } else {
                    let (next, timeout) =
                        self.woken.wait_timeout(next, AGAIN).unwrap_or_else(PoisonError::into_inner);
                    (next, timeout.timed_out())
                };
                next = waited.0;
                if waited.1 {
                    break;
                }
            }
            if let Some(newest) = next.line.take() {
                line = newest;
                left = places.iter().collect();
            } else if next.is_over {
                return;
            }
            drop(next);
            left.retain(|place| {
                let told = place.tell(&line);
                if let Err(why) = &told {
                    self.failures.fetch_add(1, Relaxed);
                    tracing::error!(
                        place = place.name(),
                        why,
                        "The audit's end can't be anchored; it is tried again."
                    );
                }
                told.is_err()
            });
        }
    }
}

impl Outside {
    /// Reads a syslog's place: a path, or `udp:HOST:PORT`.
    #[must_use]
    pub fn syslog(text: &str) -> Option<Self> {
        match text.strip_prefix("udp:") {
            Some(place) => {
                let (host, port) = place.rsplit_once(':')?;
                (!host.is_empty() && port.parse::<u16>().is_ok()).then(|| Self::SyslogUdp(place.to_owned()))
            }
            None => text.starts_with('/').then(|| Self::SyslogSocket(PathBuf::from(text))),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Http { .. } => "http",
            Self::SyslogSocket(_) | Self::SyslogUdp(_) => "syslog",
        }
    }

    fn tell(&self, line: &str) -> Result<(), String> {
        let io = |error: io::Error| error.kind().to_string();
        match self {
            Self::Http { remote, authorization } => {
                let mut request = Request::new(Bytes::from(line.to_owned()));
                *request.method_mut() = Method::POST;
                let headers = request.headers_mut();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                if let Some(secret) = authorization {
                    let value = secret.header().map_err(|error| error.to_string())?;
                    headers.insert(header::AUTHORIZATION, value);
                }
                match remote.ask_and_wait(request) {
                    Some((status, _)) if status.is_success() => Ok(()),
                    Some((status, _)) => Err(format!("status {}", status.as_u16())),
                    None => Err("no answer".to_owned()),
                }
            }
            Self::SyslogSocket(path) => {
                let socket = UnixDatagram::unbound().map_err(io)?;
                socket.send_to(syslog_line(line).as_bytes(), path).map(drop).map_err(io)
            }
            Self::SyslogUdp(place) => {
                let address = place.to_socket_addrs().map_err(io)?.next().ok_or("no address")?;
                let own = match address.is_ipv4() {
                    true => (Ipv4Addr::UNSPECIFIED, 0).into(),
                    false => std::net::SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
                };
                let socket = UdpSocket::bind(own).map_err(io)?;
                socket.send_to(syslog_line(line).as_bytes(), address).map(drop).map_err(io)
            }
        }
    }
}

/// RFC 5424: facility 13 (log audit), severity 6 (informational).
fn syslog_line(line: &str) -> String {
    let time = crate::clock::rfc3339(crate::clock::unix_ms());
    format!("<110>1 {time} - phigate {} audit-head - {}", std::process::id(), line.trim_end())
}

/// How long until what failed is tried again.
const AGAIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syslog_is_a_socket_or_a_host_and_port() {
        assert_eq!(Outside::syslog("/dev/log"), Some(Outside::SyslogSocket("/dev/log".into())));
        assert_eq!(Outside::syslog("udp:[::1]:514"), Some(Outside::SyslogUdp("[::1]:514".to_owned())));
        for none in ["", "log", "udp:host", "udp::514", "tcp:host:1"] {
            assert_eq!(Outside::syslog(none), None, "{none}");
        }
    }

    #[test]
    fn the_newest_head_reaches_a_syslog() {
        let dir = tempfile::tempdir().expect("dir");
        let path = dir.path().join("log");
        let unix = UnixDatagram::bind(&path).expect("binds");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("binds");
        let place = udp.local_addr().expect("an address").to_string();
        let teller =
            Teller::start(vec![Outside::SyslogSocket(path), Outside::SyslogUdp(place)]).expect("starts");
        teller.tell("{\"seq\":7}\n".to_owned());
        let mut bytes = [0; 256];
        let count = unix.recv(&mut bytes).expect("comes");
        let line = String::from_utf8_lossy(&bytes[..count]).into_owned();
        assert!(line.starts_with("<110>1 2") && line.ends_with(" audit-head - {\"seq\":7}"), "{line}");
        let count = udp.recv(&mut bytes).expect("comes");
        assert!(bytes[..count].ends_with(b"{\"seq\":7}"));
        assert_eq!(teller.failures(), 0);
    }
}
