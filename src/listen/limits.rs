//! Limits of a listener: each with its unit, its default, and what happens at it.

use super::io::Address;
use super::network::Network;
use super::tls::TlsFront;
use std::sync::Arc;

/// One listening address.
#[derive(Debug, Clone)]
pub struct ListenerConfig {
    /// Its name, as in metrics and routes.
    pub name: String,
    /// Where it listens.
    pub address: Address,
    /// Permissions of a Unix socket.
    pub unix_mode: u32,
    /// Its limits.
    pub limits: Limits,
    /// Its TLS; `None`: plain.
    pub tls: Option<Arc<TlsFront>>,
    /// Whether a plain connection may begin with HTTP/2's preface.
    pub http2_cleartext: bool,
    /// Peers that have to begin with a PROXY header, and are believed.
    pub proxy_protocol: Vec<Network>,
}

impl ListenerConfig {
    /// A plain listener for HTTP/1.1.
    #[must_use]
    pub fn plain(name: impl Into<String>, address: impl Into<Address>, limits: Limits) -> Self {
        Self {
            name: name.into(),
            address: address.into(),
            unix_mode: 0o600,
            limits,
            tls: None,
            http2_cleartext: false,
            proxy_protocol: Vec::new(),
        }
    }
}

/// What a listener takes at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections of the whole process. Over it: 503 `too_many_connections` and close. Default 10 000.
    pub connections_max: u64,
    /// Messages at work in the whole process; each thread takes its share. Over it: 503 `overloaded`. Default 20 000.
    pub messages_max: u64,
    /// A request head, request line to empty line, in bytes. Over it: 431. Default 65 536.
    pub head_bytes_max: usize,
    /// Header fields of a head. Over it: 431. Default 100; no more than 10 000.
    pub headers_max: usize,
    /// From the first byte of a head to its last. Over it: 408, of HTTP/2 closed. And from accept to the first byte, of HTTP/2
    /// to its SETTINGS. Over it: closed. Default 10 000.
    pub head_timeout_ms: u64,
    /// Between two messages of a connection, and before the first one of HTTP/2. Over it: closed. Default 75 000.
    pub idle_timeout_ms: u64,
    /// A held body, in bytes. Over it: 413. Default 16 777 216 (16 MiB).
    pub body_bytes_max: u64,
    /// A held body, from its first read to its end; a streamed one, between two pieces. Over it: 408. Default 60 000.
    pub body_timeout_ms: u64,
    /// Bytes a second that a streamed body brings on average while it is waited for, beyond the first `body_timeout_ms`;
    /// gRPC's streams may rest. Under it: 408. Default 64; 0: none.
    pub body_rate_min: u64,
    /// Held bytes of the whole process. Over it: 503 `held_full`. Default 268 435 456 (256 MiB).
    pub held_bytes_max: u64,
    /// What a [`super::Tee`] copies of a streamed body, in bytes, each way. The rest goes on uncopied. Default 1 048 576.
    pub tee_bytes_max: usize,
    /// The peer takes not one byte of a reply for so long. Over it: closed; of HTTP/2, where the stream's own window is shut, the
    /// stream is reset. Default 60 000.
    pub write_timeout_ms: u64,
    /// Streams of HTTP/2 that one connection has open. More are refused by HTTP/2's own means. Default 100.
    pub h2_streams_max: u32,
    /// Frames of HTTP/2 a minute that carry no part of a message (PING, SETTINGS, RST_STREAM, empty DATA …), beyond one
    /// for each message and piece of body. Over it: closed. Default 1 000.
    pub h2_control_frames_max: u32,
    /// From the start of a drain to the end of the last message. Over it: cut. Default 25 000.
    pub drain_timeout_ms: u64,
}

impl Limits {
    /// `connections_max`, or as many as so many open files are enough for; `None`: there is no limit on them. A connection
    /// may need another one to an upstream, and the store, the admin listener and whoever is turned away need some, too.
    #[must_use]
    pub fn connections_within(&self, files: Option<u64>) -> u64 {
        let Some(files) = files else { return self.connections_max };
        // max + max for upstreams + max / 10 and the least that are turned away.
        let room = files.saturating_sub(FILES_RESERVED + TURNED_AWAY_MIN).saturating_mul(10) / 21;
        self.connections_max.min(room.max(1))
    }
}

impl Limits {
    /// Open files without which no caller is served for long: with fewer the store, the admin side and callers would take them
    /// from each other.
    #[must_use]
    pub fn files_needed(threads: usize, listeners: usize) -> u64 {
        let of_threads = threads.saturating_mul(listeners.saturating_add(FILES_A_THREAD));
        FILES_BESIDE + of_threads as u64 + TURNED_AWAY_MIN + 2 * CONNECTIONS_LEAST
    }
}

/// Open files that the process may have; `None`: as many as it likes.
#[must_use]
pub(super) fn files_max() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// Over `connections_max`, besides a tenth of it, so many are still told that there are too many.
pub(super) const TURNED_AWAY_MIN: u64 = 16;
/// What the program has open besides connections of messages: listeners, the store's files, the admin listener's connections.
const FILES_RESERVED: u64 = 64;
/// The same but for data threads, which have their own of each listener, and as many as their runtime takes.
const FILES_BESIDE: u64 = 48;
const FILES_A_THREAD: usize = 4;
/// Connections that a gateway for anybody takes, each with one to its upstream.
const CONNECTIONS_LEAST: u64 = 8;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            messages_max: 20_000,
            head_bytes_max: 64 * 1024,
            headers_max: 100,
            head_timeout_ms: 10_000,
            idle_timeout_ms: 75_000,
            body_bytes_max: 16 * 1024 * 1024,
            body_timeout_ms: 60_000,
            body_rate_min: 64,
            held_bytes_max: 256 * 1024 * 1024,
            tee_bytes_max: 1024 * 1024,
            write_timeout_ms: 60_000,
            h2_streams_max: 100,
            h2_control_frames_max: 1_000,
            drain_timeout_ms: 25_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_no_more_than_open_files_are_enough_for() {
        let limits = Limits { connections_max: 1000, ..Limits::default() };
        assert_eq!(limits.connections_within(None), 1000);
        for files in [0, 64, 80, 120, 1024, 2179, 2180, 1_000_000, u64::MAX] {
            let taken = limits.connections_within(Some(files));
            assert!((1..=1000).contains(&taken), "{files}");
            // What each needs is there, and what the program needs besides.
            let needed = 2 * taken + taken / 10 + TURNED_AWAY_MIN + FILES_RESERVED;
            assert!(taken == 1 || needed <= files, "{files}: {taken}");
        }
        assert_eq!(limits.connections_within(Some(2180)), 1000);
        assert_eq!((Limits::files_needed(1, 1), Limits::files_needed(8, 3)), (85, 136));
    }
}
