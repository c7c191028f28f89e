//! Where each reply of a connection begins and ends: heads, lengths, chunks and trailers, read strictly. Pure: bytes in,
//! whether they may be a reply to what was asked, and what is in it.

use crate::wire::{Chunked, Chunks, TOKEN, VALUE, all, is_name, leading, parse_length};
use bytes::{Buf, BytesMut};
use memchr::memchr;
use std::ops::Range;

/// Follows the bytes of one connection.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    head: Head,
    /// Lines of trailers.
    trailers: Vec<u8>,
    headers_max: usize,
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

/// What a look at a head gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadStep {
    /// More bytes are needed.
    Partial,
    /// So many bytes are a head of that status, and the reply's own is still to come.
    Interim(usize, u16),
    /// So many bytes are the reply's head.
    Whole(usize),
    /// It has no place there. What came is worth nothing, and nothing may follow.
    Broken,
}

/// What lines said so far.
#[derive(Debug, Default)]
struct Head {
    /// Where the next line begins, and what is known to be without an end of a line.
    line_at: usize,
    scanned: usize,
    status: Option<u16>,
    is_http_10: bool,
    fields: Vec<Field>,
    length: Option<u64>,
    is_chunked: bool,
    says_close: bool,
    says_keep_alive: bool,
    /// The message asked for the head alone.
    is_alone: bool,
    /// Heads before it that were no final ones.
    interim: u32,
}

/// Where a field of a head stands in it.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub name: Range<usize>,
    /// Without the blanks around it.
    pub value: Range<usize>,
}

impl Framing {
    /// Heads have so many fields at most.
    pub(super) fn new(headers_max: usize) -> Self {
        Self { state: State::Idle, head: Head::default(), trailers: Vec::new(), headers_max }
    }

    /// A message goes out, and its reply is the next; `head_alone`: to HEAD.
    pub(super) fn expect(&mut self, head_alone: bool) {
        self.state = State::Head;
        self.head.begin(0);
        self.head.is_alone = head_alone;
        self.trailers.clear();
    }

    /// Whether the last byte seen was the last of a reply.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Whether only the connection's end is the reply's.
    pub(super) fn is_to_the_end(&self) -> bool {
        matches!(self.state, State::ToTheEnd)
    }

    /// The connection's end is the reply's: whether it may be.
    pub(super) fn end(&mut self) -> bool {
        let may_end = self.is_to_the_end();
        if may_end {
            self.state = State::Idle;
        }
        may_end
    }

    /// Bytes of a body that are still to come, where its head told.
    pub(super) fn left(&self) -> Option<u64> {
        match self.state {
            State::Idle => Some(0),
            State::Length(left) => Some(left),
            State::Head | State::Chunked(_) | State::ToTheEnd => None,
        }
    }

    /// The status of the head that ended last; 0: none did.
    pub(super) fn status(&self) -> u16 {
        self.head.status.unwrap_or(0)
    }

    /// Whether its body comes in chunks.
    pub(super) fn is_chunked(&self) -> bool {
        self.head.is_chunked
    }

    pub(super) fn is_http_10(&self) -> bool {
        self.head.is_http_10
    }

    /// Where the fields of the head stand that ended last.
    pub(super) fn fields(&self) -> &[Field] {
        &self.head.fields
    }

    /// Whether another message may follow on the connection (RFC 9112, section 9.3).
    pub(super) fn keeps_alive(&self) -> bool {
        !self.head.says_close && (!self.head.is_http_10 || self.head.says_keep_alive)
    }

    pub(super) fn headers_max(&self) -> usize {
        self.headers_max
    }

    /// Whether the reply is whole, with trailers that nobody took.
    pub(super) fn has_trailers(&self) -> bool {
        !self.trailers.is_empty()
    }

    /// Lines of trailers, once the reply is whole.
    pub(super) fn take_trailers(&mut self) -> Option<Vec<u8>> {
        (self.is_whole() && !self.trailers.is_empty()).then(|| std::mem::take(&mut self.trailers))
    }

    /// Reads on in a head: `input` begins with its first byte, each time. Each line is looked at once, however the bytes
    /// are cut.
    pub(super) fn head(&mut self, input: &[u8]) -> HeadStep {
        if !matches!(self.state, State::Head) {
            return HeadStep::Broken; // nobody asked for it
        }
        let head = &mut self.head;
        while let Some(at) = input.get(head.scanned..).and_then(|rest| memchr(b'\n', rest)) {
            let end = head.scanned + at + 1;
            if end > HEAD_BYTES_MAX {
                return HeadStep::Broken;
            }
            let start = std::mem::replace(&mut head.line_at, end);
            head.scanned = end;
            let line = input.get(start..end).and_then(|line| line.strip_suffix(b"\r\n"));
            let Some(line) = line else { return HeadStep::Broken };
            let taken = match head.status {
                None => head.status_line(line),
                Some(status) if line.is_empty() => {
                    let Some(state) = head.end(status) else { return HeadStep::Broken };
                    let is_interim = matches!(state, State::Head);
                    self.state = state;
                    return if is_interim { HeadStep::Interim(end, status) } else { HeadStep::Whole(end) };
                }
                Some(_) => head.field(line, start, self.headers_max),
            };
            if taken.is_none() {
                return HeadStep::Broken;
            }
        }
        head.scanned = input.len();
        if input.len() > HEAD_BYTES_MAX { HeadStep::Broken } else { HeadStep::Partial }
    }

    /// Reads on in a body, in all of `input`, and leaves in it what is data; gives whether all of it may be the body's.
    pub(super) fn body(&mut self, input: &mut BytesMut) -> bool {
        match &mut self.state {
            State::Idle | State::Head => input.is_empty(),
            State::ToTheEnd => true,
            State::Length(left) => match left.checked_sub(input.len() as u64) {
                Some(0) => {
                    self.state = State::Idle;
                    true
                }
                Some(rest) => {
                    *left = rest;
                    true
                }
                None => false,
            },
            State::Chunked(chunked) => match chunked.unwrap(input, &mut self.trailers) {
                Chunks::Broken => false,
                Chunks::Open => true,
                Chunks::Ended => {
                    self.state = State::Idle;
                    true
                }
            },
        }
    }

    /// Reads on, heads and bodies, with more bytes behind what it left in `input` before: the beginning of a head; gives
    /// whether all of it may be what was asked for.
    pub(super) fn follow(&mut self, input: &mut BytesMut) -> bool {
        while matches!(self.state, State::Head) {
            match self.head(input) {
                HeadStep::Partial => return true,
                HeadStep::Interim(len, _) | HeadStep::Whole(len) => input.advance(len),
                HeadStep::Broken => return false,
            }
        }
        let is_good = self.body(input);
        input.clear();
        is_good
    }
}

impl Head {
    /// The next one, with so many interim heads before it.
    fn begin(&mut self, interim: u32) {
        let mut fields = std::mem::take(&mut self.fields);
        fields.clear();
        *self = Self { fields, is_alone: self.is_alone, interim, ..Self::default() };
    }

    /// `HTTP/1.1 200 OK`; the reason and the blank before it may be missing, as of old servers they are. No status is over 599
    /// (RFC 9110, section 15).
    fn status_line(&mut self, line: &[u8]) -> Option<()> {
        let (version, rest) = line.split_at_checked(VERSION_BYTES)?;
        self.is_http_10 = match version {
            b"HTTP/1.1 " => false,
            b"HTTP/1.0 " => true,
            _ => return None,
        };
        let ([hundreds @ b'1'..=b'5', tens @ b'0'..=b'9', ones @ b'0'..=b'9'], reason) =
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

    fn field(&mut self, line: &[u8], start: usize, headers_max: usize) -> Option<()> {
        // A name of token bytes only: this refuses folded lines and a space before the colon, too.
        let (name, rest) = line.split_at_checked(leading(line, TOKEN))?;
        let [b':', value @ ..] = rest else { return None };
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !all(value, VALUE) {
            return None;
        }
        if self.fields.len() >= headers_max {
            return None;
        }
        let value = value.trim_ascii_start();
        let at = start + line.len() - value.len();
        let value = value.trim_ascii_end();
        self.fields.push(Field { name: start..start + name.len(), value: at..at + value.len() });
        match name.len() {
            10 if is_name(name, b"connection") => {
                for option in value.split(|&b| b == b',').map(<[u8]>::trim_ascii) {
                    self.says_close |= option.eq_ignore_ascii_case(b"close");
                    self.says_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
                Some(())
            }
            14 if is_name(name, b"content-length") => {
                // Even equal ones are refused: the next hop may read them otherwise.
                let earlier = self.length.replace(parse_length(value)?);
                earlier.is_none().then_some(())
            }
            17 if is_name(name, b"transfer-encoding") => {
                let is_second = std::mem::replace(&mut self.is_chunked, true);
                (!is_second && value.eq_ignore_ascii_case(b"chunked")).then_some(())
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
                self.begin(interim);
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
/// What a name may have at most to be one for whoever reads it behind here.
const NAME_BYTES_MAX: usize = (1 << 16) - 1;
/// One head, interim ones apart; over it: the reply is invalid.
const HEAD_BYTES_MAX: usize = 256 << 10;
/// Interim heads (100, 102, 103) before a final one; over it: the reply is invalid, as an endless row of them would keep a
/// thread busy.
pub(super) const INTERIM_HEADS_MAX: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// Follows it in pieces of every size, which must agree: whether it may be a reply, and whether that is whole.
    fn follow(head_alone: bool, bytes: &str) -> Option<bool> {
        let outcomes = [1, 2, 3, 7, bytes.len().max(1)].map(|piece| {
            let (mut framing, mut input) = (Framing::new(100), BytesMut::new());
            framing.expect(head_alone);
            let mut pieces = bytes.as_bytes().chunks(piece);
            let is_good = pieces.all(|piece| {
                input.extend_from_slice(piece);
                framing.follow(&mut input)
            });
            is_good.then(|| framing.is_whole())
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
        let follow = |framing: &mut Framing, bytes: &[u8]| framing.follow(&mut BytesMut::from(bytes));
        assert!(!follow(&mut Framing::new(100), b"H"));
        let mut framing = Framing::new(100);
        framing.expect(false);
        assert!(follow(&mut framing, b"HTTP/1.1 204 No Content\r\n\r\n") && !follow(&mut framing, b"H"));
        framing.expect(false);
        assert!(follow(&mut framing, b"HTTP/1.1 204 No Content\r\n\r\n"));
    }
}
