//! Checks on a raw request head, line by line as it comes: RFC 9112 read strictly, and what phigate doesn't serve.

use crate::reason::Reason;
use crate::wire::{METHOD, PATH, QUERY, TOKEN, VALUE, all, is_name, is_value_byte, leading, parse_length};
use memchr::memchr;
use std::net::Ipv6Addr;
use std::ops::Range;

/// What body follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFrame {
    None,
    Length(u64),
    Chunked,
    /// None, and its sender asks for another protocol: what follows depends on the answer.
    Switch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadStep {
    /// More bytes are needed.
    Partial,
    /// The head ends before this offset, and this body follows.
    Whole {
        len: usize,
        body: BodyFrame,
    },
    Refused(Reason),
}

/// One head on its way in. Each complete line is looked at once, however the bytes are cut.
#[derive(Debug, Default)]
pub(super) struct HeadCheck {
    line_at: usize,
    scanned: usize,
    blank_before: bool,
    has_request_line: bool,
    fields: usize,
    is_http_10: bool,
    is_connect: bool,
    /// How the head asks for another protocol.
    upgrade: Option<Upgrade>,
    says_upgrade: bool,
    /// Options of `Connection` that no usual one is.
    options: Vec<Range<usize>>,
    is_get: bool,
    authority: Option<Range<usize>>,
    default_port: &'static [u8],
    host: Option<Range<usize>>,
    length: Option<u64>,
    is_chunked: bool,
}

impl HeadCheck {
    /// Reads on. `input` starts with the head's first byte, each time.
    pub(super) fn advance(&mut self, input: &[u8], head_bytes_max: usize, headers_max: usize) -> HeadStep {
        while let Some(rest) = input.get(self.scanned..)
            && let Some(at) = memchr(b'\n', rest)
        {
            let end = self.scanned + at + 1;
            if end > head_bytes_max {
                return HeadStep::Refused(Reason::HeadTooLarge);
            }
            let start = std::mem::replace(&mut self.line_at, end);
            self.scanned = end;
            let line = input.get(start..end).and_then(|line| line.strip_suffix(b"\r\n"));
            let Some(line) = line else { return HeadStep::Refused(Reason::BadRequest) };
            let taken = match line {
                [] if self.has_request_line => {
                    return match self.finish(input) {
                        Ok(body) => HeadStep::Whole { len: end, body },
                        Err(reason) => HeadStep::Refused(reason),
                    };
                }
                // One empty line before a request is forgiven, as old clients send one after a body.
                [] if !self.blank_before => {
                    self.blank_before = true;
                    Ok(())
                }
                [] => Err(Reason::BadRequest),
                _ if self.has_request_line => self.field(line, start, headers_max),
                _ => self.request_line(line, start),
            };
            if let Err(reason) = taken {
                return HeadStep::Refused(reason);
            }
        }
        let fresh = input.get(self.scanned..).unwrap_or_default();
        if fresh.iter().any(|&b| b != b'\r' && !is_value_byte(b)) {
            return HeadStep::Refused(Reason::BadRequest); // a TLS hello, say: no need to wait for its end
        }
        if input.len() > head_bytes_max {
            return HeadStep::Refused(Reason::HeadTooLarge);
        }
        self.scanned = input.len();
        HeadStep::Partial
    }

    /// Whether there is an `Upgrade`.
    pub(super) fn offers_switch(&self) -> bool {
        self.upgrade.is_some()
    }

    fn request_line(&mut self, line: &[u8], start: usize) -> Result<(), Reason> {
        self.has_request_line = true;
        match usual_method(line) {
            Some(method) => {
                self.is_get = method == b"GET";
                Ok(())
            }
            None => self.words(line, start),
        }
    }

    /// A request line, word by word.
    fn words(&mut self, line: &[u8], start: usize) -> Result<(), Reason> {
        let mut words = line.split(|&b| b == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Reason::BadRequest);
        };
        if method.is_empty() || method.len() > METHOD_BYTES_MAX || !all(method, METHOD) {
            return Err(Reason::BadRequest);
        }
        self.is_http_10 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
                if major.is_ascii_digit() && minor.is_ascii_digit() =>
            {
                return Err(Reason::VersionRefused);
            }
            _ => return Err(Reason::BadRequest),
        };
        // An upstream would say our own credentials back; and the word of HTTP/2's preface is no method.
        if matches!(method, b"TRACE" | b"PRI") {
            return Err(Reason::BadRequest);
        }
        self.is_connect = method == b"CONNECT";
        self.is_get = method == b"GET";
        if target.len() > TARGET_BYTES_MAX {
            return Err(Reason::HeadTooLarge);
        }
        self.target(target, method, start + method.len() + 1)
    }

    fn target(&mut self, target: &[u8], method: &[u8], start: usize) -> Result<(), Reason> {
        if self.is_connect {
            return Ok(()); // refused anyway, by a better word
        }
        if target == b"*" {
            return if method == b"OPTIONS" { Ok(()) } else { Err(Reason::BadRequest) };
        }
        if target.first() == Some(&b'/') {
            return check_path(target);
        }
        let (scheme_len, default_port) = match target {
            [s @ .., _] if starts_with_ignoring_case(s, b"http://") => (7, &b":80"[..]),
            [s @ .., _] if starts_with_ignoring_case(s, b"https://") => (8, &b":443"[..]),
            _ => return Err(Reason::BadRequest),
        };
        let rest = target.get(scheme_len..).unwrap_or_default();
        let len = rest.iter().position(|&b| b == b'/' || b == b'?').unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(len).ok_or(Reason::BadRequest)?;
        if !is_host(authority) {
            return Err(Reason::BadRequest);
        }
        check_path(path)?;
        self.default_port = default_port;
        self.authority = Some(start + scheme_len..start + scheme_len + len);
        Ok(())
    }

    fn field(&mut self, line: &[u8], start: usize, headers_max: usize) -> Result<(), Reason> {
        self.fields += 1;
        if self.fields > headers_max {
            return Err(Reason::HeadTooLarge);
        }
        // A name of token bytes only: this refuses folded lines and a space before the colon, too.
        let colon = leading(line, TOKEN);
        let (name, rest) = line.split_at_checked(colon).ok_or(Reason::BadRequest)?;
        let [b':', value @ ..] = rest else {
            let is_long = memchr(b':', line).is_some_and(|colon| colon > NAME_BYTES_MAX);
            return Err(if is_long { Reason::HeadTooLarge } else { Reason::BadRequest });
        };
        if name.len() > NAME_BYTES_MAX {
            return Err(Reason::HeadTooLarge);
        }
        if name.is_empty() || !all(value, VALUE) {
            return Err(Reason::BadRequest);
        }
        let trimmed = value.trim_ascii();
        match name.len() {
            4 if is_name(name, b"host") => {
                let lead = value.len() - value.trim_ascii_start().len();
                let at = start + colon + 1 + lead;
                if self.host.replace(at..at + trimmed.len()).is_some() || !is_host(trimmed) {
                    return Err(Reason::BadRequest);
                }
            }
            7 if is_name(name, b"upgrade") => {
                self.upgrade = Some(match self.upgrade {
                    None if hides_messages(trimmed) => Upgrade::Ignored,
                    None if is_protocol(trimmed) => Upgrade::Good,
                    _ => Upgrade::Doubtful,
                });
            }
            10 if is_name(name, b"connection") => {
                let mut at = start + line.len() - value.len();
                for option in value.split(|&b| b == b',') {
                    self.says_upgrade |= option.trim_ascii().eq_ignore_ascii_case(b"upgrade");
                    if !is_usual_option(option.trim_ascii()) {
                        self.options.push(at..at + option.len());
                    }
                    at += option.len() + 1;
                }
                if self.options.len() > OPTIONS_MAX {
                    return Err(Reason::BadRequest);
                }
            }
            14 if is_name(name, b"content-length") => {
                // Even equal ones are refused: the next hop may read them otherwise.
                let earlier = self.length.replace(parse_length(trimmed).ok_or(Reason::BadRequest)?);
                return if earlier.is_some() { Err(Reason::BadRequest) } else { Ok(()) };
            }
            17 if is_name(name, b"transfer-encoding") => {
                let is_second = std::mem::replace(&mut self.is_chunked, true);
                let is_plain = !is_second && trimmed.eq_ignore_ascii_case(b"chunked");
                return if is_plain { Ok(()) } else { Err(Reason::BadRequest) };
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&self, input: &[u8]) -> Result<BodyFrame, Reason> {
        let host = self.host.clone().and_then(|at| input.get(at));
        let authority = self.authority.clone().and_then(|at| input.get(at));
        if self.is_connect {
            return Err(Reason::ConnectRefused);
        }
        if self.names_a_field(input) {
            return Err(Reason::BadRequest);
        }
        if host.is_none() && !self.is_http_10 {
            return Err(Reason::BadRequest);
        }
        if let (Some(host), Some(authority)) = (host, authority) {
            let bare =
                |name: &'_ [u8]| name.strip_suffix(self.default_port).unwrap_or(name).to_ascii_lowercase();
            if bare(host) != bare(authority) {
                return Err(Reason::BadRequest);
            }
        }
        let body = match (self.length, self.is_chunked) {
            (Some(_), true) => return Err(Reason::BadRequest),
            (None, true) if self.is_http_10 => return Err(Reason::BadRequest),
            (None, true) => BodyFrame::Chunked,
            (Some(0) | None, false) => BodyFrame::None,
            (Some(length), false) => BodyFrame::Length(length),
        };
        match self.upgrade {
            None | Some(Upgrade::Ignored) => Ok(body),
            Some(Upgrade::Good)
                if self.says_upgrade && self.is_get && !self.is_http_10 && body == BodyFrame::None =>
            {
                Ok(BodyFrame::Switch)
            }
            Some(_) => Err(Reason::UpgradeRefused),
        }
    }
}

impl HeadCheck {
    /// Whether `Connection` names a field that is there: it would have to go (RFC 9110, section 7.6.1), and whoever sends it
    /// could take from the upstream what that leans on.
    fn names_a_field(&self, input: &[u8]) -> bool {
        if self.options.is_empty() {
            return false;
        }
        let head = input.get(..self.scanned).unwrap_or_default();
        let names = head.split(|&b| b == b'\n').skip(1).filter_map(|line| line.split(|&b| b == b':').next());
        let options = || self.options.iter().filter_map(|at| input.get(at.clone())).map(<[u8]>::trim_ascii);
        names.filter(|name| !name.is_empty()).any(|name| options().any(|o| o.eq_ignore_ascii_case(name)))
    }
}

/// An option that is no field's name, or names one that goes no further anyway.
fn is_usual_option(option: &[u8]) -> bool {
    let usual = [
        &b"close"[..],
        b"keep-alive",
        b"upgrade",
        b"te",
        b"trailer",
        b"http2-settings",
        b"proxy-connection",
        b"proxy-authorization",
        b"",
    ];
    usual.iter().any(|known| option.eq_ignore_ascii_case(known))
}

/// What an `Upgrade` header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Upgrade {
    /// One protocol that may follow.
    Good,
    /// HTTP or TLS, which common clients offer with any message: it is answered as HTTP/1.1 (RFC 9110, section 7.8), and
    /// nobody behind hears of the offer.
    Ignored,
    /// Several, or none.
    Doubtful,
}

/// One protocol's name, with or without a version.
fn is_protocol(value: &[u8]) -> bool {
    let mut parts = value.split(|&b| b == b'/');
    let is_token = |part: &[u8]| !part.is_empty() && all(part, TOKEN);
    value.len() <= PROTOCOL_BYTES_MAX
        && parts.next().is_some_and(is_token)
        && parts.next().is_none_or(is_token)
        && parts.next().is_none()
}

/// Whether it is one protocol that is HTTP itself (`h2c`, `HTTP/2.0`) or TLS: behind it messages would pass unseen.
fn hides_messages(value: &[u8]) -> bool {
    let name = value.split(|&b| b == b'/').next().unwrap_or_default();
    is_protocol(value) && [&b"h2c"[..], b"h2", b"http", b"tls"].iter().any(|p| name.eq_ignore_ascii_case(p))
}

/// Whether it is one protocol that a message may ask to switch to.
pub(crate) fn may_follow(value: &[u8]) -> bool {
    is_protocol(value) && !hides_messages(value)
}

/// The protocol that a head asks to switch to, which the guard took for one; `None` where it asks for none, or for one
/// that is ignored.
pub(crate) fn asked_protocol(headers: &http::HeaderMap) -> Option<&http::HeaderValue> {
    headers.get(http::header::UPGRADE).filter(|protocol| !hides_messages(protocol.as_bytes()))
}

/// The method of a request line as nearly all are, in one look: `GET /path?query HTTP/1.1`. `None`: it's another, or none.
fn usual_method(line: &[u8]) -> Option<&[u8]> {
    let (method, rest) = line.split_at_checked(leading(line, METHOD))?;
    let target = rest.strip_prefix(b" ").filter(|target| target.first() == Some(&b'/'))?;
    let rest = target.get(leading(target, PATH)..)?;
    let rest = if rest.first() == Some(&b'?') { rest.get(leading(rest, QUERY)..)? } else { rest };
    let is_usual = rest == b" HTTP/1.1"
        && matches!(method.len(), 1..=METHOD_BYTES_MAX)
        && target.len() <= TARGET_BYTES_MAX
        && !matches!(method, b"CONNECT" | b"TRACE" | b"PRI");
    is_usual.then_some(method)
}

/// Path and query: the bytes that `http::Uri` takes too, so that hyper never answers a target by itself.
pub(super) fn check_path(path: &[u8]) -> Result<(), Reason> {
    let query = path.get(leading(path, PATH)..).unwrap_or_default();
    let is_good = matches!(query, [] | [b'?', ..]) && all(query, QUERY);
    if is_good { Ok(()) } else { Err(Reason::BadRequest) }
}

fn starts_with_ignoring_case(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// A host name or address, with or without a port (RFC 9110, section 7.2): no user info, no list, no escapes.
pub(super) fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host.iter().rposition(|&b| b == b':' || b == b']') {
        Some(at) if host.get(at) == Some(&b':') => (host.get(..at), host.get(at + 1..)),
        _ => (Some(host), None),
    };
    name.is_some_and(is_host_name) && port.is_none_or(is_port)
}

fn is_host_name(name: &[u8]) -> bool {
    if let Some(address) = name.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]")) {
        return std::str::from_utf8(address).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok());
    }
    // A last dot is the root's: `example.org.` is a full name.
    let is_name_byte = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~');
    let name = name.strip_suffix(b".").unwrap_or(name);
    name.split(|&b| b == b'.').all(|label| !label.is_empty() && label.iter().all(is_name_byte))
}

fn is_port(digits: &[u8]) -> bool {
    matches!(digits.len(), 1..=5)
        && digits.iter().all(u8::is_ascii_digit)
        && std::str::from_utf8(digits).is_ok_and(|port| port.parse::<u16>().is_ok())
}

/// Options of `Connection` beside the usual ones: each is held against each field.
const OPTIONS_MAX: usize = 16;
const PROTOCOL_BYTES_MAX: usize = 64;
const METHOD_BYTES_MAX: usize = 64;
/// What `http::Uri` takes.
const TARGET_BYTES_MAX: usize = 65_534 - 8;
const NAME_BYTES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str) -> HeadStep {
        let whole = HeadCheck::default().advance(head.as_bytes(), 65_536, 100);
        let mut piecewise = HeadCheck::default();
        let pieces = (0..=head.len()).map(|n| piecewise.advance(&head.as_bytes()[..n], 65_536, 100));
        let last = pieces.take_while(|s| *s == HeadStep::Partial).count();
        if whole == HeadStep::Partial {
            assert_eq!(last, head.len() + 1, "cutting changes the outcome");
        } else {
            assert!(last <= head.len(), "cutting changes the outcome");
        }
        whole
    }

    fn refused(head: &str) -> Option<Reason> {
        match check(head) {
            HeadStep::Refused(reason) => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn takes_plain_heads_and_tells_their_body() {
        for (head, body) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", BodyFrame::None),
            ("GET / HTTP/1.0\r\n\r\n", BodyFrame::None),
            ("POST /x?y=%20 HTTP/1.1\r\nhost:a:8080\r\ncontent-length: 12\r\n\r\n", BodyFrame::Length(12)),
            ("POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: Chunked\r\n\r\n", BodyFrame::Chunked),
            ("GET http://A.example:80/p HTTP/1.1\r\nHost: a.example\r\n\r\n", BodyFrame::None),
            ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", BodyFrame::None),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Upgrade\r\nUpgrade: WebSocket\r\n\r\n",
                BodyFrame::Switch,
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-gone, keep-alive, TE\r\nKeep-Alive: 1\r\nTE: trailers\r\n\r\n",
                BodyFrame::None,
            ),
            ("\r\nGET / HTTP/1.1\r\nHost: a\r\nX: caf\u{e9}\t1\r\n\r\n", BodyFrame::None),
        ] {
            assert_eq!(check(head), HeadStep::Whole { len: head.len(), body }, "{head}");
        }
    }

    #[test]
    fn a_usual_request_line_is_one_word_by_word_and_doubtful_ones_are_not_usual() {
        let long = format!("{} /x HTTP/1.1", "M".repeat(METHOD_BYTES_MAX));
        for line in [
            "GET / HTTP/1.1",
            "POST /a/b;c?d=%20&e=`?/ HTTP/1.1",
            "OPTIONS /%ZZ HTTP/1.1",
            "M /? HTTP/1.1",
            &long,
        ] {
            let mut check = HeadCheck::default();
            assert_eq!(check.words(line.as_bytes(), 0), Ok(()), "{line}");
            let is_get = usual_method(line.as_bytes()).map(|method| method == b"GET");
            assert_eq!(
                (is_get, check.is_connect, check.is_http_10),
                (Some(check.is_get), false, false),
                "{line}"
            );
        }
        let (longer, far) = (format!("M{long}"), format!("GET /{} HTTP/1.1", "x".repeat(TARGET_BYTES_MAX)));
        for line in [
            "GET / HTTP/1.0",
            "GET / HTTP/1.1 ",
            "GET  / HTTP/1.1",
            " GET / HTTP/1.1",
            "GET /a b HTTP/1.1",
            "GET /` HTTP/1.1",
            "GET /?\" HTTP/1.1",
            "GET /# HTTP/1.1",
            "GET http://a/ HTTP/1.1",
            "GET ?x HTTP/1.1",
            "OPTIONS * HTTP/1.1",
            "CONNECT /x HTTP/1.1",
            "TRACE / HTTP/1.1",
            "PRI / HTTP/1.1",
            "G(T / HTTP/1.1",
            "get / HTTP/1.1",
            "512-47-0150 / HTTP/1.1",
            "GET /",
            "",
            &longer,
            &far,
        ] {
            assert_eq!(usual_method(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_a_port() {
        for host in
            ["a", "a.example", "A-b_c.example.", "192.0.2.7:80", "[::1]", "[2001:db8::1]:65535", "xn--a:0"]
        {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            ":",
            ":80",
            "a:",
            "a:x",
            "a:80:80",
            "a:65536",
            "a:000080",
            "a:+1",
            "a:-1",
            "a: 1",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[]:80",
            "[::1]80",
            "[::1]:",
            "[a]",
            "[1.2.3.4]",
            "[::1%25x]",
            "[[::1]]",
            "u@a",
            "a/b",
            "a,b",
            "a b",
            "a%41",
            "a\u{e9}",
            "gate:80:evil",
            "[gate",
            "gate]",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn refuses_doubtful_heads() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Hop\r\nx-hop: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nX-Hop: 1\r\nHost: a\r\nConnection: close\r\nConnection: ,x-hop ,\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: 1\x002\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
            "GET / http/1.1\r\nHost: a\r\n\r\n",
            "PRI / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\r\n\r\n",
            "GET /#frag HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET http://a:80:80/ HTTP/1.1\r\nHost: a:80:80\r\n\r\n",
            "GET http://[a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a:80:80\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: ..\r\n\r\n",
            "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\x16\x03\x01\x02",
        ] {
            assert_eq!(refused(head), Some(Reason::BadRequest), "{head:?}");
        }
    }

    #[test]
    fn an_offer_of_http_or_tls_is_no_switch_and_trace_is_no_method() {
        for offer in ["h2c", "H2C", "HTTP/2.0", "TLS/1.2"] {
            let head =
                format!("Host: a\r\nConnection: Upgrade\r\nUpgrade: {offer}\r\nContent-Length: 1\r\n\r\n");
            let whole = format!("POST / HTTP/1.1\r\n{head}");
            assert_eq!(
                check(&whole),
                HeadStep::Whole { len: whole.len(), body: BodyFrame::Length(1) },
                "{offer}"
            );
            let headers =
                http::HeaderMap::from_iter([(http::header::UPGRADE, offer.parse().expect("a value"))]);
            assert_eq!(asked_protocol(&headers), None);
        }
        assert_eq!(refused("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), Some(Reason::BadRequest));
    }

    #[test]
    fn refuses_connect_upgrade_and_large_heads_by_their_own_words() {
        assert_eq!(refused("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), Some(Reason::ConnectRefused));
        for head in [
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n",
        ] {
            assert_eq!(refused(head), Some(Reason::UpgradeRefused), "{head:?}");
        }
        let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000));
        assert_eq!(
            HeadCheck::default().advance(long.as_bytes(), 65_536, 100),
            HeadStep::Refused(Reason::HeadTooLarge)
        );
        let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(100));
        assert_eq!(refused(&many), Some(Reason::HeadTooLarge));
    }

    #[test]
    fn versions_other_than_1_0_and_1_1_are_told_as_such() {
        for version in ["0.9", "1.2", "2.0", "3.0"] {
            let head = format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n");
            assert_eq!(refused(&head), Some(Reason::VersionRefused), "{version}");
        }
        assert_eq!(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Some(Reason::VersionRefused));
    }

    #[test]
    fn targets_hold_what_their_grammar_has() {
        for byte in 0_u8..=255 {
            let in_target = |not: &[u8]| byte.is_ascii_graphic() && !not.contains(&byte);
            let (path, query) = ([b'/', byte], [b'/', b'?', byte]);
            // A question mark begins the query, and may be in it.
            assert_eq!(check_path(&path).is_ok(), in_target(b"#<>`"), "path {byte:#x}");
            assert_eq!(check_path(&query).is_ok(), in_target(b"#<>\""), "query {byte:#x}");
        }
    }

    #[test]
    fn every_target_that_is_taken_is_one_for_hyper_too() {
        for byte in 0_u8..=255 {
            for lead in ["/a", "/a?"] {
                let target = [lead.as_bytes(), &[byte], b"c"].concat();
                if check_path(&target).is_ok() {
                    assert!(http::Uri::try_from(&target[..]).is_ok(), "{lead} {byte:#x}");
                }
            }
        }
    }
}
