//! Plain counters: each thread writes its own, and a scrape sums them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        /// What one thread's listeners counted. Only its thread adds; anybody may read.
        #[derive(Debug, Default)]
        pub struct ListenCounters { $($(#[$doc])* pub $name: AtomicU64,)+ }

        /// Sums over threads, at one moment.
        #[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
        pub struct ListenTotals { $($(#[$doc])* pub $name: u64,)+ }

        impl ListenTotals {
            /// Adds one thread's counters.
            pub fn add(&mut self, thread: &ListenCounters) {
                $(self.$name += thread.$name.load(Relaxed);)+
            }
        }
    };
}

counters! {
    /// Connections taken.
    accepted;
    /// Connections that ended, for any cause.
    closed;
    /// Connections over `connections_max`, answered 503 or, far over it, closed.
    turned_away;
    /// Times that accept itself failed: out of file descriptors, mostly.
    accept_errors;
    /// Connections closed after `idle_timeout_ms`.
    idle_timeouts;
    /// Connections closed after `head_timeout_ms`.
    head_timeouts;
    /// Connections closed after `write_timeout_ms`.
    write_timeouts;
    /// Handshakes that failed.
    handshakes_failed;
    /// Connections closed after `handshake_timeout_ms`.
    handshake_timeouts;
    /// Connections of trusted peers without a good PROXY header.
    proxy_refused;
    /// Connections closed at `h2_control_frames_max`.
    h2_floods;
    /// Heads of HTTP/2 whose target has a fragment: each a stream that was reset.
    h2_fragments;
    /// Heads refused before there was a message.
    heads_refused;
    /// Bodies with doubtful chunk framing.
    bodies_malformed;
    /// Messages handed to the service.
    messages;
    /// Connections switched to another protocol.
    tunnels;
}

impl ListenTotals {
    /// What befell connections, in words for a label.
    #[must_use]
    pub fn events(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("accepted", self.accepted),
            ("turned_away", self.turned_away),
            ("accept_error", self.accept_errors),
            ("head_timeout", self.head_timeouts),
            ("idle_timeout", self.idle_timeouts),
            ("write_timeout", self.write_timeouts),
            ("handshake_failed", self.handshakes_failed),
            ("handshake_timeout", self.handshake_timeouts),
            ("proxy_header_refused", self.proxy_refused),
            ("h2_flood", self.h2_floods),
            ("h2_fragment", self.h2_fragments),
            ("switched", self.tunnels),
        ]
    }
}

/// Adds one: a load and a store, as only one thread writes.
pub(super) fn count(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}
