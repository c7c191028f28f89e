//! Interim heads of HTTP/2: as many before a reply as in HTTP/1.1. h2 reads them without a word to anybody, however many.
//!
//! - Takes: what an upstream sends, cut anywhere.
//! - Gives: the same, until a stream has more heads without an end than a reply and its interim ones. Of that the connection
//!   ends, with all that is on it, as in HTTP/1.1. Tells why a connection ended where that gets lost in h2.
//! - Cost: nine bytes of each frame are read, and a short list is searched for some.

use super::framing::{INTERIM_HEADS_MAX, MANY_INTERIM};
use super::http1::SendError;
use super::tls::refused;
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What an upstream's bytes tell of which h2 says nothing.
#[derive(Default)]
pub(super) struct Heard {
    /// Why the connection ended, where one of the two here knows.
    pub ended: Cell<Option<SendError>>,
    /// Who is woken, once, when something is read.
    pub wakes: Cell<Option<Waker>>,
}

/// An upstream's bytes, whose interim heads are counted.
pub(super) struct Counting<T> {
    io: T,
    heads: Heads,
    heard: Rc<Heard>,
}

impl<T> Counting<T> {
    /// Counts those of `io`; where there are too many, or a TLS alert refuses the connection, `heard` says so before it ends.
    pub(super) fn new(io: T, heard: Rc<Heard>) -> Self {
        Self { io, heads: Heads::default(), heard }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Counting<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut this.io).poll_read(cx, buf));
        if let Some(waker) = this.heard.wakes.take() {
            waker.wake();
        }
        if let Err(error) = read {
            this.heard.ended.set(refused(&error).map(SendError::Refused));
            return Poll::Ready(Err(error));
        }
        if !this.heads.advance(buf.filled().get(before..).unwrap_or_default()) {
            this.heard.ended.set(Some(SendError::Invalid(MANY_INTERIM)));
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Counting<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Follows the frames of an upstream (RFC 9113, section 4.1).
#[derive(Default)]
struct Heads {
    head: [u8; FRAME_HEAD_BYTES],
    head_len: usize,
    payload_left: usize,
    /// Streams whose last frame was a head without an end, and how many of them they have had in a row.
    rows: Vec<(u32, u32)>,
}

impl Heads {
    /// Reads on; gives whether it may go on.
    fn advance(&mut self, mut input: &[u8]) -> bool {
        loop {
            let skipped = self.payload_left.min(input.len());
            self.payload_left -= skipped;
            input = input.get(skipped..).unwrap_or_default();
            if input.is_empty() {
                return true;
            }
            let taken = input.len().min(FRAME_HEAD_BYTES - self.head_len);
            for (slot, byte) in self.head.iter_mut().skip(self.head_len).zip(input.iter().take(taken)) {
                *slot = *byte;
            }
            self.head_len += taken;
            input = input.get(taken..).unwrap_or_default();
            if self.head_len == FRAME_HEAD_BYTES {
                self.head_len = 0;
                if !self.frame() {
                    return false;
                }
            }
        }
    }

    fn frame(&mut self) -> bool {
        let [a, b, c, kind, flags, stream @ ..] = self.head;
        self.payload_left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let stream = u32::from_be_bytes(stream) & STREAM_ID;
        match kind {
            HEADERS if flags & END_STREAM == 0 => return self.head(stream),
            DATA | HEADERS | RST_STREAM => self.rows.retain(|(known, _)| *known != stream),
            _ => {}
        }
        true
    }

    /// A head that something follows: an interim one, or a reply's.
    fn head(&mut self, stream: u32) -> bool {
        if let Some((_, heads)) = self.rows.iter_mut().find(|(known, _)| *known == stream) {
            *heads += 1;
            return *heads <= INTERIM_HEADS_MAX + 1;
        }
        if self.rows.len() >= ROWS_MAX {
            // Of streams that we reset nothing follows: the oldest has the lowest number.
            let oldest = self.rows.iter().enumerate().min_by_key(|(_, (known, _))| *known);
            if let Some((at, _)) = oldest {
                self.rows.swap_remove(at);
            }
        }
        self.rows.push((stream, 1));
        true
    }
}

const FRAME_HEAD_BYTES: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
const STREAM_ID: u32 = 0x7fff_ffff;
/// Streams at a time of which it is known how many heads they have had.
const ROWS_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8) -> Vec<u8> {
        [&[0, 0, 3, kind, flags, 0, 0, 0, stream][..], b"abc"].concat()
    }

    /// All pieces of every size must agree.
    fn may_go_on(frames: &[Vec<u8>]) -> bool {
        let bytes = frames.concat();
        let outcomes = [1, 2, 9, 13, bytes.len()].map(|piece| {
            let mut heads = Heads::default();
            bytes.chunks(piece).all(|chunk| heads.advance(chunk))
        });
        assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "cutting changes the outcome");
        outcomes[0]
    }

    #[test]
    fn a_reply_has_as_many_interim_heads_as_in_http_1_and_no_more() {
        let max = INTERIM_HEADS_MAX as usize;
        let heads = |count| vec![frame(HEADERS, 4, 1); count];
        let whole = [heads(max + 1), vec![frame(DATA, 0, 1), frame(HEADERS, 5, 1)]].concat();
        assert!(may_go_on(&whole));
        assert!(!may_go_on(&heads(max + 2)));
        // Other streams' frames don't make a row short, nor those that belong to none.
        let between = heads(max + 2).into_iter().flat_map(|head| {
            [head, frame(HEADERS, 4, 3), frame(DATA, 0, 3), frame(6, 0, 0), frame(8, 0, 1), frame(9, 4, 1)]
        });
        assert!(!may_go_on(&between.collect::<Vec<_>>()));
    }

    #[test]
    fn replies_one_behind_the_other_are_counted_apart() {
        for end in [frame(DATA, 1, 1), frame(HEADERS, 5, 1), frame(RST_STREAM, 0, 1)] {
            let replies = vec![[frame(HEADERS, 4, 1), frame(HEADERS, 4, 1), end].concat(); 100];
            assert!(may_go_on(&replies));
        }
    }

    #[test]
    fn of_streams_that_never_went_on_the_oldest_are_forgotten() {
        let mut heads = Heads::default();
        for stream in 0..3000_u32 {
            let [_, _, c, d] = stream.to_be_bytes();
            assert!(heads.advance(&[0, 0, 0, HEADERS, 4, 0, 0, c, d]));
        }
        assert_eq!(heads.rows.len(), ROWS_MAX);
        assert_eq!(heads.rows.iter().map(|(stream, _)| *stream).min(), Some(3000 - 1024));
    }
}
