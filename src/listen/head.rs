//! Heads: what is refused before anything else looks at a message. hyper has parsed it by now; what it lets pass that
//! two parsers could read in two ways stops here.

use crate::reason::Reason;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Method, Version};

/// Checks a head.
///
/// # Errors
/// Why it is refused: [`Reason::ConnectRefused`], [`Reason::UpgradeRefused`] or [`Reason::BadRequest`].
pub(super) fn check(head: &Parts) -> Result<(), Reason> {
    if head.method == Method::CONNECT {
        return Err(Reason::ConnectRefused);
    }
    if head.headers.contains_key(UPGRADE) {
        return Err(Reason::UpgradeRefused);
    }
    let good = host_is_one(head) && framing_is_plain(head) && target_is_plain(head);
    if good { Ok(()) } else { Err(Reason::BadRequest) }
}

/// Exactly one Host in HTTP/1.1, which an absolute target agrees with.
fn host_is_one(head: &Parts) -> bool {
    let mut hosts = head.headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), Some(_)) => false,
        (None, _) => head.version == Version::HTTP_10,
        (Some(host), None) => {
            head.uri.authority().is_none_or(|a| a.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes()))
        }
    }
}

/// One length, or one `chunked`, and never both.
fn framing_is_plain(head: &Parts) -> bool {
    let mut lengths = head.headers.get_all(CONTENT_LENGTH).iter();
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (lengths.next(), codings.next()) {
        (Some(_), Some(_)) => false,
        (Some(length), None) => {
            lengths.next().is_none() && !length.is_empty() && length.as_bytes().iter().all(u8::is_ascii_digit)
        }
        (None, Some(coding)) => {
            codings.next().is_none()
                && head.version == Version::HTTP_11
                && coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
        }
        (None, None) => true,
    }
}

/// `/path?query` (or `*` of OPTIONS) in visible ASCII, without a fragment.
fn target_is_plain(head: &Parts) -> bool {
    let target = head.uri.path_and_query().map_or("/", |t| t.as_str());
    (target.starts_with('/') || (target == "*" && head.method == Method::OPTIONS))
        && target.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn checked(build: impl FnOnce(http::request::Builder) -> http::request::Builder) -> Result<(), Reason> {
        check(
            &build(Request::builder().uri("/x").header("host", "a")).body(()).expect("builds").into_parts().0,
        )
    }

    #[test]
    fn doubtful_framing_is_refused() {
        assert_eq!(checked(|b| b.header("content-length", "3")), Ok(()));
        assert_eq!(checked(|b| b.header("transfer-encoding", "Chunked")), Ok(()));
        for (name, value) in [
            ("content-length", "+3"),
            ("content-length", "3, 3"),
            ("transfer-encoding", "gzip, chunked"),
            ("transfer-encoding", "identity"),
            ("host", "b"),
        ] {
            assert_eq!(checked(|b| b.header(name, value)), Err(Reason::BadRequest), "{name}: {value}");
        }
        assert_eq!(
            checked(|b| b.header("content-length", "3").header("transfer-encoding", "chunked")),
            Err(Reason::BadRequest)
        );
        assert_eq!(
            checked(|b| b.version(Version::HTTP_10).header("transfer-encoding", "chunked")),
            Err(Reason::BadRequest)
        );
        assert_eq!(checked(|b| b.uri("http://b/x")), Err(Reason::BadRequest));
    }

    #[test]
    fn tunnels_are_refused() {
        assert_eq!(checked(|b| b.header("upgrade", "h2c")), Err(Reason::UpgradeRefused));
        assert_eq!(checked(|b| b.method("CONNECT").uri("a:1")), Err(Reason::ConnectRefused));
    }
}
