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
    /// From the first byte of a head (on a fresh connection: from accept) to its last. Over it: closed. Default 10 000.
    pub head_timeout_ms: u64,
    /// Between two messages of a connection. Over it: closed. Default 75 000.
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
    /// The peer takes not one byte of a reply for so long. Over it: closed; of HTTP/2, where others are taken, the stream is
    /// reset. Default 60 000.
    pub write_timeout_ms: u64,
    /// Streams of HTTP/2 that one connection has open. More are refused by HTTP/2's own means. Default 100.
    pub h2_streams_max: u32,
    /// Frames of HTTP/2 a minute that carry no part of a message (PING, SETTINGS, RST_STREAM, empty DATA …), beyond one
    /// for each message and piece of body. Over it: closed. Default 1 000.
    pub h2_control_frames_max: u32,
    /// From the start of a drain to the end of the last message. Over it: cut. Default 25 000.
    pub drain_timeout_ms: u64,
}

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
