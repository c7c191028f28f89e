//! Where each message of a connection begins and ends: heads, lengths, chunks and trailers, read strictly. Pure:
//! bytes in, how many of them may go on.

use super::head::{BodyFrame, HeadCheck, HeadStep};
use crate::reason::Reason;
use crate::wire::{Chunked, Chunks};

/// Follows the bytes of one connection.
#[derive(Debug)]
pub(super) struct Framing {
    state: State,
    check: HeadCheck,
    /// Whether the last head has an `Upgrade`, of whatever kind.
    offers_switch: bool,
    head_bytes_max: usize,
    headers_max: usize,
}

/// What one look at the bytes gave.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// So many bytes, from the first, may go on. The others are to be given again, with more behind them.
    pub released: usize,
    /// Heads that ended within them.
    pub heads: u64,
    /// After those nothing of this connection is read any more.
    pub stop: Option<Stop>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The next head is refused.
    Refused(Reason),
    /// The chunk framing of the body at hand is broken.
    Malformed,
}

impl Framing {
    pub(super) fn new(head_bytes_max: usize, headers_max: usize) -> Self {
        Self {
            state: State::Head,
            check: HeadCheck::default(),
            offers_switch: false,
            head_bytes_max,
            headers_max,
        }
    }

    /// Whether the head that ended last offers to switch to another protocol, also where that is ignored.
    pub(super) fn offers_switch(&self) -> bool {
        self.offers_switch
    }

    /// Whether a head asked for another protocol, and nothing behind it is read until that is decided.
    pub(super) fn is_switching(&self) -> bool {
        matches!(self.state, State::Switch)
    }

    /// No other protocol: the next bytes are a head.
    pub(super) fn go_on(&mut self) {
        self.state = State::Head;
    }

    /// Whether the last byte seen was the last of a message.
    pub(super) fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Head)
    }

    /// Reads on, to the end of the message at hand at most.
    pub(super) fn advance(&mut self, input: &[u8]) -> Step {
        let mut step = Step { released: 0, heads: 0, stop: None };
        while let Some(rest) = input.get(step.released..)
            && !rest.is_empty()
        {
            match &mut self.state {
                State::Head if step.released > 0 => return step,
                State::Head => match self.check.advance(rest, self.head_bytes_max, self.headers_max) {
                    HeadStep::Partial => return step,
                    HeadStep::Refused(reason) => {
                        step.stop = Some(Stop::Refused(reason));
                        return step;
                    }
                    HeadStep::Whole { len, body } => {
                        step.released += len;
                        step.heads += 1;
                        self.offers_switch = self.check.offers_switch();
                        self.check = HeadCheck::default();
                        self.state = match body {
                            BodyFrame::None => State::Head,
                            BodyFrame::Length(left) => State::Length(left),
                            BodyFrame::Chunked => State::Chunked(Chunked::default()),
                            BodyFrame::Switch => State::Switch,
                        };
                    }
                },
                State::Switch => return step,
                State::Length(left) => {
                    let taken = (rest.len() as u64).min(*left);
                    *left -= taken;
                    step.released += usize::try_from(taken).unwrap_or(rest.len());
                    if *left == 0 {
                        self.state = State::Head;
                    }
                }
                State::Chunked(chunked) => {
                    let (taken, chunks) = chunked.take(rest);
                    step.released += taken;
                    match chunks {
                        Chunks::Open => {}
                        Chunks::Ended => self.state = State::Head,
                        Chunks::Broken => {
                            step.stop = Some(Stop::Malformed);
                            return step;
                        }
                    }
                }
            }
        }
        step
    }
}

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(Chunked),
    Switch,
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

    /// Feeds in pieces of every size; all must agree.
    fn follow(bytes: &str) -> (usize, u64, Option<Stop>, bool) {
        let outcomes: Vec<_> = [1, 2, 3, 7, bytes.len().max(1)]
            .map(|piece| {
                let mut framing = Framing::new(65_536, 100);
                let (mut done, mut seen, mut heads, mut stop) = (0, 0, 0, None);
                while seen < bytes.len() && stop.is_none() {
                    seen = (seen + piece).min(bytes.len());
                    while stop.is_none() {
                        let step = framing.advance(&bytes.as_bytes()[done..seen]);
                        done += step.released;
                        heads += step.heads;
                        stop = step.stop;
                        if step.released == 0 {
                            break;
                        }
                    }
                }
                (done, heads, stop, framing.is_between_messages())
            })
            .into();
        assert!(
            outcomes.windows(2).all(|pair| pair[0] == pair[1]),
            "cutting changes the outcome: {outcomes:?}"
        );
        outcomes[0]
    }

    #[test]
    fn follows_pipelined_messages_of_every_framing() {
        let length = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        let chunked = format!("{HEAD}3;x=y\r\na\r\n\r\nA\r\n0123456789\r\n0\r\nT: v\r\n\r\n");
        let all = format!("{length}{chunked}GET / HTTP/1.1\r\nHost: a\r\n\r\n{length}");
        assert_eq!(follow(&all), (all.len(), 4, None, true));
    }

    #[test]
    fn gives_one_message_at_a_time() {
        let length = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        let chunked = format!("{HEAD}3\r\nabc\r\n0\r\n\r\n");
        let all = format!("{length}{chunked}GET / HTTP/1.1\r\nHost: a\r\n\r\n{length}");
        let mut framing = Framing::new(65_536, 100);
        let mut rest = all.as_bytes();
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let step = framing.advance(rest);
            assert_eq!((step.heads, framing.is_between_messages()), (1, true));
            steps.push(step.released);
            rest = &rest[step.released..];
        }
        assert_eq!(steps, [length.len(), chunked.len(), 27, length.len()]);
    }

    #[test]
    fn stops_at_broken_chunks() {
        for body in [
            "3\nabc\r\n0\r\n\r\n",
            "3\r\nabcd\r\n0\r\n\r\n",
            "3\r\nabc\n0\r\n\r\n",
            "3 \r\nabc\r\n0\r\n\r\n",
            "0x3\r\nabc\r\n",
            "\r\n",
            "-1\r\n",
            ";x\r\n",
            "3;a\nb\r\nabc\r\n",
            "3;a\rb\r\nabc\r\n",
            "1000000000000000\r\n",
            "0\r\nbad name: 1\r\n\r\n",
            "0\r\n folded\r\n\r\n",
            "0\r\nT: 1\n\r\n",
            "0\r\nT: 1\x002\r\n\r\n",
        ] {
            let (_, heads, stop, _) = follow(&format!("{HEAD}{body}"));
            assert_eq!((heads, stop), (1, Some(Stop::Malformed)), "{body:?}");
        }
        let long = format!("{HEAD}1;{}\r\na\r\n0\r\n\r\n", "x".repeat(9000));
        assert_eq!(follow(&long).2, Some(Stop::Malformed));
    }

    #[test]
    fn releases_what_comes_before_a_refused_head_and_nothing_of_it() {
        let good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let all = format!("{good}GET / HTTP/1.1\r\n\r\n{good}");
        assert_eq!(follow(&all), (good.len(), 1, Some(Stop::Refused(Reason::BadRequest)), true));
    }
}
