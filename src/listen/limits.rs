//! Limits of the listeners, each with its default, its unit and what happens at it.

/// Limits, for all listeners of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Open connections. Further ones get 503 and are closed. Default 10,000.
    pub connections_max: usize,
    /// Bytes of a request head, at least 8,192. 431 over it. Default 64 KiB.
    pub head_bytes_max: usize,
    /// Header fields of a head. 431 over it. Default 100.
    pub headers_max: usize,
    /// Milliseconds from a head's first byte to its last; the connection is closed after. Default 10,000.
    pub head_timeout_ms: u64,
    /// Milliseconds that a kept-alive connection may be idle; it is closed after. Default 75,000.
    pub idle_timeout_ms: u64,
    /// Bytes of a held body. 413 over it. Default 16 MiB.
    pub body_bytes_max: u64,
    /// Milliseconds for a whole held body, and between two pieces of a streamed one. 408, or the connection is closed.
    /// Default 60,000.
    pub body_timeout_ms: u64,
    /// Bytes of all bodies held at once in the process. 503 beyond it. Default 256 MiB.
    pub held_bytes_max: u64,
    /// Bytes of a streamed body that are copied for inspection and record; the rest is told as unread. Default 1 MiB.
    pub tee_bytes_max: usize,
    /// Milliseconds from the order to stop until what is left is cut. Default 25,000.
    pub drain_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            head_bytes_max: 64 << 10,
            headers_max: 100,
            head_timeout_ms: 10_000,
            idle_timeout_ms: 75_000,
            body_bytes_max: 16 << 20,
            body_timeout_ms: 60_000,
            held_bytes_max: 256 << 20,
            tee_bytes_max: 1 << 20,
            drain_timeout_ms: 25_000,
        }
    }
}
