//! Where each reply of a connection begins and ends: heads, lengths, chunks and trailers, read strictly. Pure: bytes in,
//! whether they may be a reply to what was asked.

use crate::wire::{Chunked, Chunks, TOKEN, VALUE, all, leading, parse_length};
use memchr::memchr;

/// Follows the bytes of one connection, in pieces as they come.
#[derive(Debug, Default)]
pub(super) struct Framing {
    state: State,
    head: Head,
    /// The line of a head that isn't whole yet.
    line: Vec<u8>,
}

#[derive(Debug, Default)]
enum State {
    /// Nothing was asked, or the reply is whole.
    #[default]
    Idle,
    Head,
    Length(u64),
    Chunked(Chunked),
    /// What comes is the body, or another protocol.
    ToTheEnd,
}

/// What lines said so far.
#[derive(Debug, Default)]
struct Head {
    status: Option<u16>,
    is_http_10: bool,
    length: Option<u64>,
    is_chunked: bool,
    bytes: usize,
    /// The message asked for the head alone.
    is_alone: bool,
    /// Heads before it that were no final ones.
    interim: u32,
}

impl Framing {
    /// A message goes out, and its reply is the next; `head_alone`: to HEAD.
    pub(super) fn expect(&mut self, head_alone: bool) {
        self.state = State::Head;
        self.head = Head { is_alone: head_alone, ..Head::default() };
        self.line.clear();
    }

    /// Whether the last byte seen was the last of a reply.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Reads on; gives whether all of it may be what was asked for. Where it isn't, the bytes are worth nothing, and none may
    /// follow.
    pub(super) fn follow(&mut self, input: &[u8]) -> bool {
        let mut rest = input;
        while !rest.is_empty() {
            let taken = match &mut self.state {
                State::Idle => return false,
                State::ToTheEnd => return true,
                State::Head => match self.line(rest) {
                    Some(taken) => taken,
                    None => return false,
                },
                State::Length(left) => {
                    let taken = (rest.len() as u64).min(*left);
                    *left -= taken;
                    if *left == 0 {
                        self.state = State::Idle;
                    }
                    usize::try_from(taken).unwrap_or(rest.len())
                }
                State::Chunked(chunked) => match chunked.take(rest) {
                    (_, Chunks::Broken) => return false,
                    (taken, Chunks::Open) => taken,
                    (taken, Chunks::Ended) => {
                        self.state = State::Idle;
                        taken
                    }
                },
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        true
    }

    /// Reads to the end of a line, or of what is there; gives how many bytes that are. `None`: it has no place there.
    fn line(&mut self, rest: &[u8]) -> Option<usize> {
        let end = memchr(b'\n', rest).map(|at| at + 1);
        let piece = rest.get(..end.unwrap_or(rest.len()))?;
        self.head.bytes += piece.len();
        if self.head.bytes > HEAD_BYTES_MAX {
            return None;
        }
        if end.is_none() || !self.line.is_empty() {
            self.line.extend_from_slice(piece);
        }
        if end.is_some() {
            let joined = std::mem::take(&mut self.line);
            let line = if joined.is_empty() { piece } else { &joined };
            let line = line.strip_suffix(b"\r\n")?;
            match self.head.status {
                None => self.head.status_line(line)?,
                Some(status) if line.is_empty() => self.state = self.head.end(status)?,
                Some(_) => self.head.field(line)?,
            }
        }
        Some(piece.len())
    }
}

impl Head {
    /// `HTTP/1.1 200 OK`; the reason and the blank before it may be missing, as of old servers they are.
    fn status_line(&mut self, line: &[u8]) -> Option<()> {
        let (version, rest) = line.split_at_checked(VERSION_BYTES)?;
        self.is_http_10 = match version {
            b"HTTP/1.1 " => false,
            b"HTTP/1.0 " => true,
            _ => return None,
        };
        let ([hundreds @ b'1'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'], reason) =
            rest.split_first_chunk()?
        else {
            return None;
        };
        let digit = |byte: &u8| u16::from(byte - b'0');
        self.status = Some(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones));
        match reason {
            [] => Some(()),
            [b' ', words @ ..] if all(words, VALUE) => Some(()),
            _ => None,
        }
    }

    fn field(&mut self, line: &[u8]) -> Option<()> {
        // A name of token bytes only: this refuses folded lines and a space before the colon, too.
        let (name, rest) = line.split_at_checked(leading(line, TOKEN))?;
        let [b':', value @ ..] = rest else { return None };
        if name.is_empty() || !all(value, VALUE) {
            return None;
        }
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                // Even equal ones are refused: the next hop may read them otherwise.
                let earlier = self.length.replace(parse_length(value.trim_ascii())?);
                earlier.is_none().then_some(())
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let is_second = std::mem::replace(&mut self.is_chunked, true);
                (!is_second && value.trim_ascii().eq_ignore_ascii_case(b"chunked")).then_some(())
            }
            _ => Some(()),
        }
    }

    /// What follows the head (RFC 9112, section 6.3).
    fn end(&mut self, status: u16) -> Option<State> {
        if self.is_chunked && (self.length.is_some() || self.is_http_10) {
            return None;
        }
        let has_body = self.is_chunked || self.length.is_some_and(|length| length > 0);
        match status {
            101 if has_body => None,
            101 => Some(State::ToTheEnd),
            100..=199 => {
                let interim = self.interim + 1;
                *self = Self { is_alone: self.is_alone, interim, ..Self::default() };
                (!has_body && interim <= INTERIM_HEADS_MAX).then_some(State::Head)
            }
            // Said of a body that never comes, as of 304; one that does come is surplus.
            204 if has_body && !self.is_chunked => None,
            204 | 304 => Some(State::Idle),
            _ if self.is_alone => Some(State::Idle),
            _ if self.is_chunked => Some(State::Chunked(Chunked::of_reply())),
            _ => Some(match self.length {
                Some(0) => State::Idle,
                Some(length) => State::Length(length),
                None => State::ToTheEnd,
            }),
        }
    }
}

/// `HTTP/1.1 `
const VERSION_BYTES: usize = 9;
/// One head, interim ones apart; over it: the reply is invalid.
pub(super) const HEAD_BYTES_MAX: usize = 256 << 10;
/// Interim heads (100, 102, 103) before a final one; over it: the reply is invalid, as an endless row of them would keep a
/// thread busy.
const INTERIM_HEADS_MAX: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows it in pieces of every size, which must agree: whether it may be a reply, and whether that is whole.
    fn follow(head_alone: bool, bytes: &str) -> Option<bool> {
        let outcomes = [1, 2, 3, 7, bytes.len().max(1)].map(|piece| {
            let mut framing = Framing::default();
            framing.expect(head_alone);
            bytes.as_bytes().chunks(piece).all(|piece| framing.follow(piece)).then(|| framing.is_whole())
        });
        assert!(
            outcomes.windows(2).all(|pair| pair[0] == pair[1]),
            "cutting changes the outcome: {outcomes:?}"
        );
        outcomes[0]
    }

    #[test]
    fn replies_of_every_framing_are_followed_to_their_end() {
        for reply in [
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 200\r\ncontent-length:0\r\n\r\n",
            "HTTP/1.1 200 \r\nX: caf\u{e9}\t1\r\nEmpty:\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\na\r\n\r\n0\r\nT: v\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3 ; x=y\r\nabc\r\n00000000000000000000\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 90\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
        ] {
            assert_eq!(follow(false, reply), Some(true), "{reply}");
            assert_eq!(follow(false, &format!("{reply}H")), None, "surplus: {reply}");
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        assert_eq!((follow(true, head), follow(true, &format!("{head}abc"))), (Some(true), None));
        for open in [
            "HTTP/1.0 200 OK\r\n\r\nall of it\nHTTP/1.1",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\n\0",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
        ] {
            assert_eq!(follow(false, open), Some(false), "{open}");
        }
    }

    #[test]
    fn what_may_be_read_in_two_ways_is_no_reply() {
        for reply in [
            "\r\nHTTP/1.1 200 OK\r\n\r\n",
            "garbage\r\n\r\n",
            "HTTP/1.1 200 OK\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\n",
            "HTTP/1.1  200 OK\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "HTTP/1.2 200 OK\r\n\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 200 O\0K\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            "HTTP/1.1 200 OK\r\n folded\r\n\r\n",
            "HTTP/1.1 200 OK\r\nnone\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n",
            "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(follow(false, reply), None, "{reply:?}");
        }
    }

    #[test]
    fn heads_have_limits() {
        let long = |bytes: usize| format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "a".repeat(bytes));
        assert_eq!(follow(false, &long(HEAD_BYTES_MAX - 24)), Some(false));
        assert_eq!(follow(false, &long(HEAD_BYTES_MAX)), None);
        let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(INTERIM_HEADS_MAX as usize);
        assert_eq!(follow(false, &hints), Some(false));
        assert_eq!(follow(false, &format!("{hints}HTTP/1.1 103 Early Hints\r\n\r\n")), None, "a flood");
    }

    #[test]
    fn what_nobody_asked_for_is_no_reply() {
        assert!(!Framing::default().follow(b"H"));
        let mut framing = Framing::default();
        framing.expect(false);
        assert!(framing.follow(b"HTTP/1.1 204 No Content\r\n\r\n") && !framing.follow(b"H"));
        framing.expect(false);
        assert!(framing.follow(b"HTTP/1.1 204 No Content\r\n\r\n"));
    }
}
