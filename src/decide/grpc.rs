//! The refusal of a call of gRPC: a status and a message in the head, and no body ("Trailers-Only" of gRPC over HTTP/2;
//! gRPC-Web reads the same). The status of HTTP is 200: clients read no other's `grpc-status`.

use super::refusal::{Refusal, Side};
use crate::reason::Reason;

/// How calls are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// gRPC.
    Plain,
    /// gRPC-Web.
    Web,
    /// gRPC-Web in base64.
    WebText,
}

impl Wire {
    /// By the type of a request, in lower case; `None`: no call.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let rest = essence.strip_prefix("application/grpc")?;
        let (name, _) = rest.split_once('+').unwrap_or((rest, ""));
        match name {
            "" => Some(Self::Plain),
            "-web" => Some(Self::Web),
            "-web-text" => Some(Self::WebText),
            _ => None,
        }
    }

    /// Content type of the answer.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Plain => "application/grpc",
            Self::Web => "application/grpc-web+proto",
            Self::WebText => "application/grpc-web-text+proto",
        }
    }
}

/// Whether a type, in whatever case, is that of gRPC over HTTP/2: both sides may speak before either has ended.
#[must_use]
pub fn is_call(content_type: &str) -> bool {
    Wire::of(&content_type.to_ascii_lowercase()) == Some(Wire::Plain)
}

/// The code of a refusal (gRPC, status codes). What the message holds is `INVALID_ARGUMENT`, what a reply holds
/// `FAILED_PRECONDITION`, until somebody loads other data: no client sends either again by itself.
#[must_use]
pub const fn status(reason: Reason, side: Side) -> u8 {
    match reason {
        Reason::LikelyPhi
        | Reason::Bulk
        | Reason::KnownReal
        | Reason::Uninspected
        | Reason::DeclaredMode
        | Reason::OffPathUrl => match side {
            Side::Request => INVALID_ARGUMENT,
            Side::Reply => FAILED_PRECONDITION,
        },
        Reason::CallerGone => CANCELLED,
        Reason::BodyTimeout | Reason::HeadTimeout | Reason::UpstreamTimeout => DEADLINE_EXCEEDED,
        Reason::EnvironmentMismatch | Reason::PathDenied | Reason::CallerRefused => PERMISSION_DENIED,
        Reason::RateLimited | Reason::HeadTooLarge | Reason::BodyTooLarge | Reason::ReplyTooLarge => {
            RESOURCE_EXHAUSTED
        }
        // As clients read 404: nobody serves such a method here.
        Reason::EnvironmentUnknown
        | Reason::NoConnection
        | Reason::Misdirected
        | Reason::UpgradeRefused
        | Reason::VersionRefused
        | Reason::ConnectRefused => UNIMPLEMENTED,
        Reason::BadRequest | Reason::BodyCutShort | Reason::Internal => INTERNAL,
        Reason::Overloaded
        | Reason::HeldFull
        | Reason::RecordQueueFull
        | Reason::TooManyConnections
        | Reason::Draining
        | Reason::UpstreamConnect
        | Reason::UpstreamUnavailable
        | Reason::UpstreamBusy
        | Reason::UpstreamInvalid => UNAVAILABLE,
        Reason::CredentialMissing | Reason::CredentialInvalid => UNAUTHENTICATED,
    }
}

/// `grpc-message`: what is wrong and what to fix, percent-encoded. What doesn't fit is counted.
#[must_use]
pub fn message(refusal: &Refusal, record: &str) -> String {
    let mut out = encoded(&format!("{} Record {record}.", refusal.sentence()));
    let mut left_out = refusal.more;
    for spot in &refusal.spots {
        let place = spot.whole_place();
        let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
        let line =
            encoded(&format!(" {}{at} ({}, {} points): {}", spot.rule, spot.kind, spot.points, spot.advice));
        if out.len() + line.len() > MESSAGE_BYTES_MAX {
            left_out += 1;
        } else {
            out += &line;
        }
    }
    if left_out > 0 {
        out += &format!(" {left_out} more.");
    }
    out
}

/// Printable ASCII stands for itself, but for the percent sign (gRPC over HTTP/2, "Percent-Encoded").
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => out.push(char::from(byte)),
            _ => out += &format!("%{byte:02X}"),
        }
    }
    out
}

const CANCELLED: u8 = 1;
const INVALID_ARGUMENT: u8 = 3;
const DEADLINE_EXCEEDED: u8 = 4;
const PERMISSION_DENIED: u8 = 7;
const RESOURCE_EXHAUSTED: u8 = 8;
const FAILED_PRECONDITION: u8 = 9;
const UNIMPLEMENTED: u8 = 12;
const INTERNAL: u8 = 13;
const UNAVAILABLE: u8 = 14;
const UNAUTHENTICATED: u8 = 16;
/// Clients take 8 KiB of metadata, the message among it.
const MESSAGE_BYTES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Spot;
    use crate::inspect::finding::Part;

    #[test]
    fn a_call_is_told_by_its_type() {
        for (content_type, wire) in [
            ("application/grpc", Some(Wire::Plain)),
            ("application/grpc+proto", Some(Wire::Plain)),
            ("application/grpc;charset=utf-8", Some(Wire::Plain)),
            ("application/grpc-web+proto", Some(Wire::Web)),
            ("application/grpc-web-text", Some(Wire::WebText)),
            ("application/grpcx", None),
            ("application/json", None),
        ] {
            assert_eq!(Wire::of(content_type), wire, "{content_type}");
        }
    }

    #[test]
    fn a_message_has_bounds_and_is_ascii() {
        let spot = Spot {
            part: Part::Body,
            place: "körper 100%".to_owned(),
            rule: "r".to_owned(),
            kind: "mrn".to_owned(),
            points: 60,
            advice: "x".repeat(1000),
        };
        let mut refusal = Refusal::plain(Reason::LikelyPhi);
        refusal.spots = vec![spot; 6];
        refusal.more = 2;
        let told = message(&refusal, "r-1");
        assert!(told.len() <= MESSAGE_BYTES_MAX + 32 && told.is_ascii());
        assert!(
            told.contains("Record r-1.") && told.contains("k%C3%B6rper 100%25 (mrn, 60 points)"),
            "{told}"
        );
        assert!(told.ends_with(" 5 more."), "{told}");
    }
}
