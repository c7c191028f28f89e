//! The short words for why: one list for replies, metric labels and log lines. A word is never renamed.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $title:literal;)+) => {
        /// Why a message was refused, or failed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $name,)+ }

        impl Reason {
            /// Every reason, in order.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word, as in replies, labels and logs.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)+ }
            }

            /// One fixed sentence for people. Holds nothing of the message.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

reasons! {
    /// A person's points reach the policy's threshold. The sender's to fix; sending it again won't help.
    LikelyPhi = "likely_phi", "The message holds likely PHI, which this environment does not accept.";
    /// More identified people, or opaque patient ids with clinical content, than the policy lets through.
    Bulk = "bulk", "The message holds data of more people than this environment accepts.";
    /// A person agrees with a fingerprint that production took: somebody real, whatever else the values look like.
    KnownReal = "known_real", "The message holds a person that production knows, which this environment does not accept.";
    /// Part of the message could not be read, and the environment does not accept what it can't read.
    Uninspected = "uninspected", "Part of the message could not be inspected, and this environment does not accept that.";
    /// The message declares a mode that isn't the environment's, and the policy refuses that.
    DeclaredMode = "declared_mode", "The message declares a mode that does not belong to this environment.";
    /// The message links to a host that doesn't belong to its environment, where whoever follows it passes the gateway.
    OffPathUrl = "off_path_url", "The message links to a host that does not belong to this environment.";
    /// Listener, credential and path disagree about the environment.
    EnvironmentMismatch = "environment_mismatch", "The signals of the message disagree about its environment.";
    /// No signal names an environment, or production is named only by signals that the sender picks.
    EnvironmentUnknown = "environment_unknown", "No signal that may name the environment does.";
    /// No connection of the environment takes this path.
    NoConnection = "no_connection", "No connection of this environment takes this path.";
    /// The connection's path lists refuse this path.
    PathDenied = "path_denied", "The connection does not allow this path.";
    /// The listener wants a key, and none was sent.
    CredentialMissing = "credential_missing", "A key is needed here.";
    /// Unknown, expired, revoked or doubled key: one answer for all.
    CredentialInvalid = "credential_invalid", "The key is not accepted.";
    /// The caller's role may not send into this environment.
    CallerRefused = "caller_refused", "The caller's role may not send into this environment.";
    /// The host is none that the listener serves, or not the one of the connection's handshake.
    Misdirected = "misdirected", "This host is not served here, or not on this connection.";
    /// `Upgrade` is not served.
    UpgradeRefused = "upgrade_refused", "Upgrade is not served here.";
    /// CONNECT is not served.
    ConnectRefused = "connect_refused", "CONNECT is not served here.";
    /// The caller, or all callers of the connection together, sent more than `caller_rate` or `rate`. Try again later.
    RateLimited = "rate_limited", "More messages came than the connection takes. Try again later.";
    /// `messages_max` are at work, or the system gives no descriptor for a connection to the upstream. Try again later.
    Overloaded = "overloaded", "The gateway has as much at work as it may. Try again later.";
    /// The head can't be taken: doubtful framing, two hosts, a target with a fragment or a NUL.
    BadRequest = "bad_request", "The request head is malformed or ambiguous.";
    /// The head is over `head_bytes_max`, or has more than `headers_max` fields.
    HeadTooLarge = "head_too_large", "The request head is over the limit.";
    /// The body is over `body_bytes_max`.
    BodyTooLarge = "body_too_large", "The body is over the limit.";
    /// `held_bytes_max` of the process is in use. Try again later.
    HeldFull = "held_full", "The gateway holds as many bytes as it may. Try again later.";
    /// The body ended before its declared length, or the peer went away.
    BodyCutShort = "body_cut_short", "The body ended before its declared end.";
    /// The head did not arrive within `head_timeout_ms`, in HTTP/1.1.
    HeadTimeout = "head_timeout", "The request head did not arrive in time.";
    /// The head tells a version of HTTP that isn't spoken here.
    VersionRefused = "version_refused", "This version of HTTP is not spoken here.";
    /// The body did not arrive within `body_timeout_ms`.
    BodyTimeout = "body_timeout", "The body did not arrive in time.";
    /// The caller went away before its reply was whole; before its head came, nobody is left to be answered.
    CallerGone = "caller_gone", "The caller went away before it was answered.";
    /// The upstream took no connection. Safe to try again.
    UpstreamConnect = "upstream_connect", "The upstream took no connection.";
    /// None of the upstream's endpoints is well, by checks or as each kept failing. Try again later.
    UpstreamUnavailable = "upstream_unavailable", "The upstream is not well. Try again later.";
    /// `requests_max` of the connection is reached. Try again later.
    UpstreamBusy = "upstream_busy", "The upstream has as many messages as it may. Try again later.";
    /// The upstream took no connection in time, which is tried elsewhere, or sent no response head, or rested in its reply.
    UpstreamTimeout = "upstream_timeout", "The upstream did not answer in time.";
    /// The upstream closed, or answered with what is no HTTP.
    UpstreamInvalid = "upstream_invalid", "The upstream's answer was cut short or is no HTTP.";
    /// The reply is over `body_bytes_max`, and has to be held whole to be judged. Ask for less at a time.
    ReplyTooLarge = "reply_too_large", "The upstream's reply is over the limit of what is held for judgement.";
    /// The record queue is full and the policy is to refuse. Try again later.
    RecordQueueFull = "record_queue_full", "The record of this message could not be taken. Try again later.";
    /// `connections_max` is reached. Try again later.
    TooManyConnections = "too_many_connections", "The gateway has as many connections as it may. Try again later.";
    /// The gateway is stopping. Try again later.
    Draining = "draining", "The gateway is stopping. Try again later.";
    /// A fault of the gateway itself.
    Internal = "internal", "The gateway failed to handle the message.";
}

impl Reason {
    /// Whether it is what a message holds that is refused, and not how, whence or where to it came.
    #[must_use]
    pub const fn is_of_content(self) -> bool {
        matches!(
            self,
            Self::LikelyPhi
                | Self::Bulk
                | Self::KnownReal
                | Self::Uninspected
                | Self::DeclaredMode
                | Self::OffPathUrl
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_distinct_and_label_safe() {
        let mut words: Vec<_> = Reason::ALL.iter().map(|r| r.as_str()).collect();
        assert!(words.iter().all(|w| w.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')));
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reason::ALL.len());
    }
}
