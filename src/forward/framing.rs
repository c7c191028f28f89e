//! Where each reply of a connection begins and ends: heads, lengths, chunks and trailers, read strictly. Pure: bytes in,
//! whether they may be a reply to what was asked, and what is in it; why they may not, in words of ours alone.

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
    /// It has no place there, and why. What came is worth nothing, and nothing may follow.
    Broken(Why),
}

/// Why bytes are no reply, for operators: nothing that was sent is in it.
pub(super) type Why = &'static str;

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
            return HeadStep::Broken("bytes that nobody asked for");
        }
        let head = &mut self.head;
        while let Some(at) = input.get(head.scanned..).and_then(|rest| memchr(b'\n', rest)) {
            let end = head.scanned + at + 1;
            if end > HEAD_BYTES_MAX {
                return HeadStep::Broken(LONG_HEAD);
            }
            let start = std::mem::replace(&mut head.line_at, end);
            head.scanned = end;
            let line = input.get(start..end).and_then(|line| line.strip_suffix(b"\r\n"));
            let Some(line) = line else { return HeadStep::Broken("a bare LF in its head") };
            let taken = match head.status {
                None => head.status_line(line),
                Some(status) if line.is_empty() => {
                    let state = match head.end(status) {
                        Ok(state) => state,
                        Err(why) => return HeadStep::Broken(why),
                    };
                    let is_interim = matches!(state, State::Head);
                    self.state = state;
                    return if is_interim { HeadStep::Interim(end, status) } else { HeadStep::Whole(end) };
                }
                Some(_) => head.field(line, start, self.headers_max),
            };
            if let Err(why) = taken {
                return HeadStep::Broken(why);
            }
        }
        head.scanned = input.len();
        if input.len() > HEAD_BYTES_MAX { HeadStep::Broken(LONG_HEAD) } else { HeadStep::Partial }
    }

    /// Reads on in a body, in all of `input`, and leaves in it what is data.
    ///
    /// # Errors
    /// Why not all of it may be the body's.
    pub(super) fn body(&mut self, input: &mut BytesMut) -> Result<(), Why> {
        match &mut self.state {
            State::Idle | State::Head if input.is_empty() => {}
            State::Idle | State::Head if self.head.has_no_body() => return Err(UNASKED_BODY),
            State::Idle | State::Head => return Err(SURPLUS),
            State::ToTheEnd => {}
            State::Length(left) => match left.checked_sub(input.len() as u64) {
                Some(0) => self.state = State::Idle,
                Some(rest) => *left = rest,
                None => return Err(SURPLUS),
            },
            State::Chunked(chunked) => match chunked.unwrap(input, &mut self.trailers) {
                Chunks::Broken if chunked.is_ended() => return Err(SURPLUS),
                Chunks::Broken => return Err("a chunk or a trailer of it is broken"),
                Chunks::Open => {}
                Chunks::Ended => self.state = State::Idle,
            },
        }
        // Its framing may say that a body ends here; there is none (RFC 9110, section 15.3.6).
        if self.head.status == Some(205) && !input.is_empty() {
            return Err(UNASKED_BODY);
        }
        Ok(())
    }

    /// Reads on, heads and bodies, with more bytes behind what it left in `input` before: the beginning of a head.
    ///
    /// # Errors
    /// Why not all of it may be what was asked for.
    pub(super) fn follow(&mut self, input: &mut BytesMut) -> Result<(), Why> {
        while matches!(self.state, State::Head) {
            match self.head(input) {
                HeadStep::Partial => return Ok(()),
                HeadStep::Interim(len, _) | HeadStep::Whole(len) => input.advance(len),
                HeadStep::Broken(why) => return Err(why),
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
    fn status_line(&mut self, line: &[u8]) -> Result<(), Why> {
        let (version, rest) = line.split_at_checked(VERSION_BYTES).unwrap_or_default();
        self.is_http_10 = match version {
            b"HTTP/1.1 " => false,
            b"HTTP/1.0 " => true,
            _ => return Err("it doesn't begin as one of HTTP/1.1"),
        };
        let (hundreds, tens, ones, reason) = match rest {
            [a @ b'1'..=b'5', b @ b'0'..=b'9', c @ b'0'..=b'9', reason @ ..] => (a, b, c, reason),
            [b'6'..=b'9', b'0'..=b'9', b'0'..=b'9', ..] => return Err(HIGH_STATUS),
            _ => return Err("its status is no number of three digits"),
        };
        let digit = |byte: &u8| u16::from(byte - b'0');
        self.status = Some(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones));
        match reason {
            [] => Ok(()),
            [b' ', words @ ..] if all(words, VALUE) => Ok(()),
            _ => Err("something else stands behind its status than a reason"),
        }
    }

    fn field(&mut self, line: &[u8], start: usize, headers_max: usize) -> Result<(), Why> {
        // A name of token bytes only: this refuses folded lines and a space before the colon, too.
        let (name, rest) = line.split_at_checked(leading(line, TOKEN)).unwrap_or_default();
        let value = match rest {
            [b':', value @ ..] if (1..=NAME_BYTES_MAX).contains(&name.len()) => value,
            [b' ' | b'\t', ..] if name.is_empty() => return Err("a folded line in its head"),
            _ => return Err("a line of its head is no field"),
        };
        if !all(value, VALUE) {
            return Err("a field of its head has a byte that none may have");
        }
        if self.fields.len() >= headers_max {
            return Err("its head has too many fields");
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
                Ok(())
            }
            14 if is_name(name, b"content-length") => {
                // Even equal ones are refused: the next hop may read them otherwise.
                let length = parse_length(value).ok_or("its length is no number")?;
                if self.length.replace(length).is_some() { Err("it has two lengths") } else { Ok(()) }
            }
            17 if is_name(name, b"transfer-encoding") => {
                let is_second = std::mem::replace(&mut self.is_chunked, true);
                match !is_second && value.eq_ignore_ascii_case(b"chunked") {
                    true => Ok(()),
                    false => Err("its transfer coding is another one than chunked"),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether no body follows, whatever it says of one.
    fn has_no_body(&self) -> bool {
        self.is_alone || matches!(self.status, Some(204 | 304))
    }

    /// What follows the head (RFC 9112, section 6.3).
    fn end(&mut self, status: u16) -> Result<State, Why> {
        if self.is_chunked && self.length.is_some() {
            return Err("it has a length and chunks");
        }
        if self.is_chunked && self.is_http_10 {
            return Err("it is of HTTP/1.0 and has chunks");
        }
        let has_body = self.is_chunked || self.length.is_some_and(|length| length > 0);
        match status {
            100..=199 if has_body => Err("an interim head that tells of a body"),
            101 => Ok(State::ToTheEnd),
            100..=199 if self.interim >= INTERIM_HEADS_MAX => Err(MANY_INTERIM),
            100..=199 => {
                self.begin(self.interim + 1);
                Ok(State::Head)
            }
            // Said of a body that never comes, as of 304; one that does come is surplus.
            204 | 205 if has_body && !self.is_chunked => Err(UNASKED_BODY),
            _ if self.has_no_body() => Ok(State::Idle),
            _ if self.is_chunked => Ok(State::Chunked(Chunked::of_reply())),
            _ => Ok(match self.length {
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

/// What is wrong with replies of HTTP/2, too.
pub(super) const HIGH_STATUS: Why = "its status is over 599";
pub(super) const MANY_INTERIM: Why = "too many interim heads";
pub(super) const UNASKED_BODY: Why = "a body behind a head that has none";
const LONG_HEAD: Why = "its head is over 256 KiB";
const SURPLUS: Why = "bytes behind its end";

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(head_alone: bool, bytes: &str) -> Option<bool> {
        outcome(head_alone, bytes).ok()
    }

    /// Follows it in pieces of every size, which must agree: why it is no reply, or whether it is whole.
    fn outcome(head_alone: bool, bytes: &str) -> Result<bool, Why> {
        let outcomes = [1, 2, 3, 7, bytes.len().max(1)].map(|piece| {
            let (mut framing, mut input) = (Framing::new(100), BytesMut::new());
            framing.expect(head_alone);
            let mut pieces = bytes.as_bytes().chunks(piece);
            let followed = pieces.try_for_each(|piece| {
                input.extend_from_slice(piece);
                framing.follow(&mut input)
            });
            followed.map(|()| framing.is_whole())
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
            "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
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
            "HTTP/1.1 205 Reset Content\r\nContent-Length: 3\r\n\r\n",
            "HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "HTTP/1.1 205 Reset Content\r\nConnection: close\r\n\r\na",
            "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert_eq!(follow(false, reply), None, "{reply:?}");
        }
    }

    #[test]
    fn why_it_is_no_reply_is_told_in_words_of_ours() {
        let ok = "HTTP/1.1 200 OK\r\n";
        let many = format!("{ok}{}", "A: b\r\n".repeat(101));
        let long = format!("{ok}A: {}", "a".repeat(HEAD_BYTES_MAX));
        let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(INTERIM_HEADS_MAX as usize + 1);
        for (reply, why) in [
            ("garbage\r\n\r\n", "it doesn't begin as one of HTTP/1.1"),
            ("HTTP/1.1 600 OK\r\n\r\n", "its status is over 599"),
            ("HTTP/1.1 20 OK\r\n\r\n", "its status is no number of three digits"),
            ("HTTP/1.1 2000\r\n\r\n", "something else stands behind its status than a reason"),
            (&format!("{ok}A: b\nB: c\r\n\r\n"), "a bare LF in its head"),
            (&format!("{ok}A: b\r\n c\r\n\r\n"), "a folded line in its head"),
            (&format!("{ok}A : b\r\n\r\n"), "a line of its head is no field"),
            (&format!("{ok}A: b\0\r\n\r\n"), "a field of its head has a byte that none may have"),
            (&many, "its head has too many fields"),
            (&long, "its head is over 256 KiB"),
            (&format!("{ok}Content-Length: 1, 1\r\n\r\n"), "its length is no number"),
            (&format!("{ok}Content-Length: 1\r\nContent-Length: 1\r\n\r\n"), "it has two lengths"),
            (
                &format!("{ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
                "it has a length and chunks",
            ),
            (
                &format!("{ok}Transfer-Encoding: gzip, chunked\r\n\r\n"),
                "its transfer coding is another one than chunked",
            ),
            ("HTTP/1.0 200\r\nTransfer-Encoding: chunked\r\n\r\n", "it is of HTTP/1.0 and has chunks"),
            (
                &format!("{ok}Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n"),
                "a chunk or a trailer of it is broken",
            ),
            (&format!("{ok}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nH"), "bytes behind its end"),
            (&format!("{ok}Content-Length: 1\r\n\r\nabc"), "bytes behind its end"),
            ("HTTP/1.1 304 X\r\nContent-Length: 3\r\n\r\nabc", "a body behind a head that has none"),
            ("HTTP/1.1 204 X\r\nContent-Length: 3\r\n\r\n", "a body behind a head that has none"),
            ("HTTP/1.1 103 X\r\nContent-Length: 3\r\n\r\n", "an interim head that tells of a body"),
            (&hints, "too many interim heads"),
        ] {
            assert_eq!(outcome(false, reply), Err(why), "{:?}", reply.get(..60).unwrap_or(reply));
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
        let follow = |framing: &mut Framing, bytes: &[u8]| framing.follow(&mut BytesMut::from(bytes)).is_ok();
        assert!(!follow(&mut Framing::new(100), b"H"));
        let mut framing = Framing::new(100);
        framing.expect(false);
        assert!(follow(&mut framing, b"HTTP/1.1 204 No Content\r\n\r\n") && !follow(&mut framing, b"H"));
        framing.expect(false);
        assert!(follow(&mut framing, b"HTTP/1.1 204 No Content\r\n\r\n"));
    }
}
