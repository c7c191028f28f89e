//! HTTP/1.1 to an upstream: one connection, driven by whoever waits for its reply, without a task of its own. Messages are
//! written as they were prepared; replies are read by [`Framing`] alone, strictly.
//!
//! A reply may come before the message's body is through. Then the body goes on in a task, so that neither waits for the
//! other.

use super::body::{OutBody, Progress};
use super::framing::{Framing, HeadStep, Why};
use super::headers::names_in;
use super::outgoing::Outgoing;
use super::tls::refused;
use crate::listen::{BodyError, Duplex, HangUp};
use crate::wire::parse_length;
use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};
use http_body::{Body, Frame, SizeHint};
use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, IoSlice, Write};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::task::AbortHandle;

/// Why no reply came of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendError {
    /// What came is no reply to it, and why.
    Invalid(Why),
    /// The connection ended, or the message's own body broke off.
    Closed,
    /// The upstream says that it did nothing with the message: of HTTP/2 alone.
    Unprocessed,
    /// The upstream refused what the handshake told it: in TLS 1.3 it says so only behind that. Why, in words of ours.
    Refused(&'static str),
}

/// One connection.
pub(super) struct Http1 {
    wire: Rc<RefCell<Wire>>,
    /// What still writes a body whose reply has come.
    writing: Option<AbortHandle>,
}

impl Http1 {
    pub(super) fn new(io: Box<dyn Duplex>, headers_max: usize) -> Self {
        let wire = Wire {
            io,
            framing: Framing::new(headers_max),
            input: BytesMut::new(),
            read_bytes: READ_BYTES,
            is_large: false,
            out: Out::default(),
            going: None,
            is_flushed: true,
            has_moved: false,
            is_open: true,
            is_body_asked: false,
            broke: None,
            reader: None,
            on_written: None,
        };
        Self { wire: Rc::new(RefCell::new(wire)), writing: None }
    }

    /// Whether another message may follow once this one is done.
    pub(super) fn is_open(&self) -> bool {
        self.wire.borrow().is_open
    }

    /// Whether no message is on it.
    pub(super) fn is_free(&self) -> bool {
        self.wire.borrow().is_free()
    }

    /// It is idle from now on: it keeps no large buffer.
    pub(super) fn rest(&self) {
        let mut wire = self.wire.borrow_mut();
        if wire.is_large {
            (wire.input, wire.read_bytes, wire.is_large) = (BytesMut::new(), READ_BYTES, false);
        }
    }

    /// Whether it takes a message: none is on it, and nothing came since the last.
    pub(super) fn is_ready(&self) -> bool {
        self.wire.borrow_mut().is_ready()
    }

    /// Waits until its message is written; gives whether it takes another one.
    pub(super) async fn ready(&self) -> bool {
        poll_fn(|cx| self.wire.borrow_mut().poll_written(cx)).await;
        self.is_ready()
    }

    /// Begins with a message.
    pub(super) fn begin(&mut self, message: Outgoing) {
        self.writing = None;
        self.wire.borrow_mut().begin(message);
    }

    /// Writes the message and waits for its reply's head.
    pub(super) fn poll_head(
        &mut self,
        progress: &Progress,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, SendError>> {
        let mut wire = self.wire.borrow_mut();
        let head = ready!(wire.poll_head(progress, cx));
        if head.is_ok() && !wire.is_written() {
            if progress.is_gated() {
                wire.leave_body(); // whoever holds it back for a 100 got an answer instead
            } else {
                drop(wire);
                self.write_on();
            }
        }
        Poll::Ready(head)
    }

    /// Has a task write the rest of the message.
    fn write_on(&mut self) {
        let wire = Rc::clone(&self.wire);
        let rest = poll_fn(move |cx| wire.borrow_mut().poll_rest(cx));
        self.writing = Some(tokio::task::spawn_local(rest).abort_handle());
    }

    /// Takes what is there of the reply's body.
    pub(super) fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.wire.borrow_mut().poll_frame(cx)
    }

    /// Whether all of the reply's body was taken.
    pub(super) fn is_end_stream(&self) -> bool {
        self.wire.borrow().is_end_stream()
    }

    /// What is still to be taken.
    pub(super) fn size_hint(&self) -> SizeHint {
        let wire = self.wire.borrow();
        match wire.framing.left() {
            _ if wire.is_end_stream() => SizeHint::with_exact(0),
            Some(left) if !wire.framing.is_chunked() => SizeHint::with_exact(left + wire.input.len() as u64),
            _ => SizeHint::default(), // trailers may follow
        }
    }

    /// What is left of it once it is switched to another protocol.
    pub(super) fn switched(&self) -> Switched {
        let mut wire = self.wire.borrow_mut();
        let early = wire.input.split().freeze();
        wire.leave_body();
        Switched { early, io: wire.take_io() }
    }

    /// Whether the reply's end is the connection's, and its message isn't written: the rest of that is left then.
    pub(super) fn leaves_message(&self) -> bool {
        let wire = self.wire.borrow();
        !wire.is_open && !wire.is_written()
    }
}

impl Drop for Http1 {
    fn drop(&mut self) {
        if let Some(writing) = &self.writing {
            writing.abort();
        }
        // At once: whether the message's body was left is told with the reply.
        if let Ok(mut wire) = self.wire.try_borrow_mut() {
            wire.break_off();
        }
    }
}

struct Wire {
    io: Box<dyn Duplex>,
    framing: Framing,
    /// What was read and isn't handed on yet: the beginning of a head, or data of a body.
    input: BytesMut,
    /// How much is read at a time: more where more came.
    read_bytes: usize,
    /// The input's room has been a large one: a small rest of it holds all of it.
    is_large: bool,
    out: Out,
    going: Option<Going>,
    is_flushed: bool,
    /// Something was written since this was asked last.
    has_moved: bool,
    /// Whether another message may follow.
    is_open: bool,
    /// The reply's body was asked for.
    is_body_asked: bool,
    /// It broke off, and how.
    broke: Option<BodyError>,
    /// Who waits for the reply, while a task writes.
    reader: Option<Waker>,
    /// Who waits for the message to be written.
    on_written: Option<Waker>,
}

/// A body that isn't written to its end.
struct Going {
    body: OutBody,
    framed: Framed,
}

/// How a body's end is known.
enum Framed {
    /// So many bytes are still to come.
    Length(u64),
    /// In chunks, with these trailers at most.
    Chunks(Vec<HeaderName>),
}

/// Why a message couldn't be written.
#[derive(Debug)]
enum Unwritten {
    /// Its body broke off: nothing on the connection means anything now.
    Body,
    /// The upstream takes no more of it. It may have answered all the same.
    Io,
}

impl Wire {
    fn begin(&mut self, message: Outgoing) {
        self.framing.expect(message.method == Method::HEAD);
        let framed = write_head(&message, &mut self.out.before);
        self.going = framed.map(|framed| Going { body: message.body, framed });
        self.is_body_asked = false;
    }

    fn is_written(&self) -> bool {
        self.going.is_none() && self.out.is_empty() && self.is_flushed
    }

    fn is_free(&self) -> bool {
        self.is_open && self.is_written() && self.is_end_stream()
    }

    fn is_ready(&mut self) -> bool {
        if !self.is_free() {
            return false;
        }
        // Nobody waits for anything, so that nobody is woken: the runtime notes what comes, and that is looked at here.
        let mut byte = [0];
        let mut surplus = ReadBuf::new(&mut byte);
        let polled = Pin::new(&mut self.io).poll_read(&mut Context::from_waker(Waker::noop()), &mut surplus);
        self.is_open = polled.is_pending(); // its end, or what nobody asked for
        self.is_open
    }

    /// Nothing follows any more.
    fn close(&mut self) {
        self.break_off();
        drop(self.take_io());
    }

    /// The connection itself, for somebody else.
    fn take_io(&mut self) -> Box<dyn Duplex> {
        std::mem::replace(&mut self.io, Box::new(tokio::io::empty()))
    }

    /// The rest of the message stays unwritten, and the upstream hears of it, also where it takes nothing.
    fn break_off(&mut self) {
        if !self.is_written() {
            self.io.reset_at_end();
            self.leave_body();
        }
        self.is_open = false;
    }

    /// The rest of the message stays unwritten.
    fn leave_body(&mut self) {
        self.is_open = false;
        self.going = None;
        self.out = Out::default();
        self.is_flushed = true;
    }

    fn poll_head(
        &mut self,
        progress: &Progress,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Response<()>, SendError>> {
        if !self.is_written() {
            self.has_moved = false;
            match self.poll_write(cx) {
                Poll::Ready(Err(Unwritten::Body)) => {
                    self.close();
                    return Poll::Ready(Err(SendError::Closed));
                }
                Poll::Ready(Err(Unwritten::Io)) => self.leave_body(),
                Poll::Ready(Ok(())) => {}
                // The upstream takes it, piece by piece: its time for a reply begins behind the last.
                Poll::Pending if self.has_moved => progress.last.set(Instant::now()),
                Poll::Pending => {}
            }
        }
        loop {
            match if self.input.is_empty() { HeadStep::Partial } else { self.framing.head(&self.input) } {
                HeadStep::Partial => {}
                HeadStep::Interim(len, status) => {
                    self.input.advance(len);
                    if status == 100 && progress.is_gated() {
                        progress.go();
                        cx.waker().wake_by_ref(); // to write what it gives now
                    }
                    continue;
                }
                HeadStep::Whole(len) => {
                    let head = self.input.split_to(len).freeze();
                    let response = self.response(&head);
                    let response = response.and_then(|response| {
                        self.framing.body(&mut self.input).map_err(SendError::Invalid)?;
                        Ok(response)
                    });
                    match &response {
                        Ok(_) => self.is_open &= self.framing.keeps_alive() && !self.framing.is_to_the_end(),
                        Err(_) => self.close(),
                    }
                    return Poll::Ready(response);
                }
                HeadStep::Broken(why) => {
                    self.close();
                    return Poll::Ready(Err(SendError::Invalid(why)));
                }
            }
            let filled = ready!(self.poll_fill(cx));
            if !matches!(filled, Ok(1..)) {
                self.close();
                let refused = filled.err().and_then(|error| refused(&error)).map(SendError::Refused);
                return Poll::Ready(Err(refused.unwrap_or(SendError::Closed)));
            }
        }
    }

    /// The head that ended last.
    fn response(&mut self, head: &Bytes) -> Result<Response<()>, SendError> {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(self.framing.status())
            .map_err(|_| SendError::Invalid("its status is none"))?;
        if self.framing.is_http_10() {
            *response.version_mut() = Version::HTTP_10;
        }
        let fields = self.framing.fields();
        let mut headers = HeaderMap::with_capacity(fields.len() + MORE_FIELDS);
        for field in fields {
            let name = head.get(field.name.clone()).and_then(|name| HeaderName::from_bytes(name).ok());
            let value = HeaderValue::from_maybe_shared(head.slice(field.value.clone())).ok();
            let (name, value) = name.zip(value).ok_or(SendError::Invalid("a field of its head is none"))?;
            headers.append(name, value);
        }
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Reads more; gives how many bytes that are, 0 at the connection's end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let want = self.framing.left().map_or(self.read_bytes, |left| {
            // One more than there is: a read that fills its room would have to be followed by another, to find nothing.
            usize::try_from(left)
                .map_or(self.read_bytes, |left| (left + 1).clamp(READ_BYTES, self.read_bytes))
        });
        self.input.reserve(want);
        self.is_large |= self.input.capacity() > 2 * READ_BYTES;
        let room = self.input.capacity() - self.input.len();
        let count = ready!(pin!(self.io.read_buf(&mut self.input)).poll(cx))?;
        if count == room && self.read_bytes < READ_BYTES_MAX {
            self.read_bytes *= 2;
        }
        Poll::Ready(Ok(count))
    }

    /// What breaks off in the middle is told one wake later: by then whoever passes the body on has sent what came before.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let is_first = !std::mem::replace(&mut self.is_body_asked, true);
        if let Some(error) = self.broke {
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(self.poll_piece(cx));
        if matches!(frame, Some(Err(_))) && !is_first {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(frame)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            if !self.input.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(self.input.split().freeze()))));
            }
            if self.framing.is_whole() {
                let trailers = self.framing.take_trailers();
                return Poll::Ready(match trailers.map(|lines| fields(&lines, self.framing.headers_max())) {
                    None => None,
                    Some(Some(trailers)) => Some(Ok(Frame::trailers(trailers))),
                    Some(None) => Some(Err(self.broken())),
                });
            }
            let filled = match self.poll_fill(cx) {
                Poll::Pending => {
                    self.reader = (!self.is_written()).then(|| cx.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(filled) => filled,
            };
            let is_good = match filled {
                Ok(0) => self.framing.end(),
                Ok(_) => self.framing.body(&mut self.input).is_ok(),
                Err(_) => false,
            };
            if !is_good {
                return Poll::Ready(Some(Err(self.broken())));
            }
        }
    }

    /// Nothing of the reply follows.
    fn broken(&mut self) -> BodyError {
        self.broke_by(BodyError::CutShort)
    }

    fn broke_by(&mut self, error: BodyError) -> BodyError {
        self.close();
        self.input.clear();
        self.broke = Some(error);
        error
    }

    fn is_end_stream(&self) -> bool {
        self.broke.is_none()
            && self.framing.is_whole()
            && self.input.is_empty()
            && !self.framing.has_trailers()
    }

    /// Writes what there is of the message.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unwritten>> {
        loop {
            if self.out.takes_a_piece()
                && let Some(going) = &mut self.going
            {
                // Before the head is written, too: what is there of the body goes along.
                match Pin::new(&mut going.body).poll_frame(cx) {
                    Poll::Pending => {
                        ready!(self.poll_out(cx))?;
                        return Poll::Pending;
                    }
                    Poll::Ready(frame) => {
                        if going.queue(frame, &mut self.out)? {
                            self.going = None;
                        }
                    }
                }
            }
            ready!(self.poll_out(cx))?;
            if self.going.is_none() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unwritten>> {
        while !self.out.is_empty() {
            self.is_flushed = false;
            let written = ready!(self.out.poll_write(&mut self.io, cx));
            self.out.advance(written.ok().filter(|count| *count > 0).ok_or(Unwritten::Io)?);
            self.has_moved = true;
        }
        if !self.is_flushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx)).map_err(|_| Unwritten::Io)?;
            self.is_flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the rest of a message whose reply has come.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_written() {
            match self.poll_write(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(Unwritten::Io)) => self.leave_body(),
                Poll::Ready(Err(Unwritten::Body)) if self.framing.is_whole() => self.close(),
                // That isn't where a reply ends that only its connection's end does.
                Poll::Ready(Err(Unwritten::Body)) => _ = self.broke_by(BodyError::Unasked),
            }
        }
        [self.reader.take(), self.on_written.take()].into_iter().flatten().for_each(Waker::wake);
        Poll::Ready(())
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_written() {
            return Poll::Ready(());
        }
        self.on_written = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Going {
    /// Takes a piece of the body to be written; gives whether it was the last.
    fn queue(
        &mut self,
        frame: Option<Result<Frame<Bytes>, BodyError>>,
        out: &mut Out,
    ) -> Result<bool, Unwritten> {
        let frame = frame.transpose().map_err(|_| Unwritten::Body)?;
        match (&mut self.framed, frame.map(Frame::into_data)) {
            (Framed::Length(left), Some(Ok(data))) => {
                *left = left.checked_sub(data.len() as u64).ok_or(Unwritten::Body)?;
                out.piece = data;
                Ok(*left == 0)
            }
            (Framed::Length(0), None | Some(Err(_))) => Ok(true),
            (Framed::Length(_), None | Some(Err(_))) => Err(Unwritten::Body),
            (Framed::Chunks(_), Some(Ok(data))) => {
                let is_last = self.body.is_end_stream();
                if data.is_empty() {
                    out.after = if is_last { b"0\r\n\r\n" } else { b"" };
                } else {
                    let _ = write!(out.before, "{:x}\r\n", data.len()); // there is always room
                    out.piece = data;
                    out.after = if is_last { b"\r\n0\r\n\r\n" } else { b"\r\n" };
                }
                Ok(is_last)
            }
            (Framed::Chunks(_), None) => {
                out.after = b"0\r\n\r\n";
                Ok(true)
            }
            (Framed::Chunks(announced), Some(Err(frame))) => {
                out.before.extend_from_slice(b"0\r\n");
                let trailers = frame.into_trailers().unwrap_or_default();
                trailers
                    .iter()
                    .filter(|(name, _)| announced.contains(name))
                    .for_each(|(name, value)| write_field(name, value, &mut out.before));
                out.before.extend_from_slice(b"\r\n");
                Ok(true)
            }
        }
    }
}

/// What is to be written: a head or a chunk's size, a piece of a body, and what ends it.
#[derive(Default)]
struct Out {
    before: Vec<u8>,
    /// How much of that is written.
    written: usize,
    piece: Bytes,
    after: &'static [u8],
}

impl Out {
    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.takes_a_piece()
    }

    /// Whether there is none, and nothing to end it.
    fn takes_a_piece(&self) -> bool {
        self.piece.is_empty() && self.after.is_empty()
    }

    fn poll_write(&self, io: &mut Box<dyn Duplex>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let before = self.before.get(self.written..).unwrap_or_default();
        if self.takes_a_piece() {
            return Pin::new(io).poll_write(cx, before);
        }
        let parts = [before, &self.piece, self.after].map(IoSlice::new);
        let first = if before.is_empty() { 1 } else { 0 };
        Pin::new(io).poll_write_vectored(cx, parts.get(first..).unwrap_or_default())
    }

    /// So much was written.
    fn advance(&mut self, count: usize) {
        let of_before = count.min(self.before.len() - self.written);
        self.written += of_before;
        if self.written == self.before.len() {
            self.written = 0;
            self.before.clear();
            if self.before.capacity() > KEPT_BYTES_MAX {
                self.before = Vec::new(); // an idle connection keeps no large one
            }
        }
        let rest = count - of_before;
        let of_piece = rest.min(self.piece.len());
        self.piece.advance(of_piece);
        if self.piece.is_empty() {
            self.piece = Bytes::new(); // lets go of what it was a piece of
        }
        self.after = self.after.get(rest - of_piece..).unwrap_or_default();
    }
}

/// Writes a message's head; gives how its body is framed, where there is one. What its preparation said of that holds.
fn write_head(message: &Outgoing, out: &mut Vec<u8>) -> Option<Framed> {
    out.extend_from_slice(message.method.as_str().as_bytes());
    out.extend_from_slice(b" ");
    out.extend_from_slice(message.target.as_str().as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let (mut length, mut is_chunked) = (None, false);
    for (name, value) in message.fields.iter() {
        match *name {
            header::CONTENT_LENGTH => length = parse_length(value.as_bytes()),
            header::TRANSFER_ENCODING => is_chunked = true,
            _ => {}
        }
        write_field(name, value, out);
    }
    let body = &message.body;
    if !is_chunked && length.is_none() && !body.is_end_stream() {
        length = body.size_hint().exact();
        is_chunked = length.is_none();
        match length {
            Some(length) => write_field(&header::CONTENT_LENGTH, &HeaderValue::from(length), out),
            None => write_field(&header::TRANSFER_ENCODING, &HeaderValue::from_static("chunked"), out),
        }
    }
    out.extend_from_slice(b"\r\n");
    match length {
        _ if is_chunked => Some(Framed::Chunks(names_in(message.fields.values(&header::TRAILER)).collect())),
        None | Some(0) => None,
        Some(length) => Some(Framed::Length(length)),
    }
}

fn write_field(name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
    // One by one: copies of a known size are a store.
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Trailers, of lines that were read strictly; `None` where there are too many.
fn fields(lines: &[u8], fields_max: usize) -> Option<HeaderMap> {
    let mut fields = HeaderMap::new();
    for line in lines.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        let (name, value) = line.split_at_checked(line.iter().position(|&b| b == b':')?)?;
        let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
        fields.append(HeaderName::from_bytes(name).ok()?, value);
        if fields.len() > fields_max {
            return None;
        }
    }
    Some(fields)
}

/// A connection that is switched to another protocol: first what came behind the head.
pub(super) struct Switched {
    early: Bytes,
    io: Box<dyn Duplex>,
}

impl Duplex for Switched {
    fn hang_up(&self) -> HangUp {
        self.io.hang_up()
    }

    fn reset_at_end(&self) {
        self.io.reset_at_end();
    }
}

impl AsyncRead for Switched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let count = self.early.len().min(buf.remaining());
        buf.put_slice(&self.early.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Switched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// What a reply's head gains at the gateway.
const MORE_FIELDS: usize = 2;
/// What is read at a time, at first and at most.
const READ_BYTES: usize = 8 << 10;
const READ_BYTES_MAX: usize = 128 << 10;
/// Of what a head was written into, so much is kept for the next.
const KEPT_BYTES_MAX: usize = 4 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn an_idle_connection_keeps_no_large_buffer() {
        let large = "x".repeat(200 << 10);
        for (reply, is_chunked) in [
            (format!("HTTP/1.1 204 No Content\r\nX-Large: {large}\r\n\r\n"), false),
            (
                format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{large}\r\n",
                    large.len()
                ),
                true,
            ),
        ] {
            let (ours, mut theirs) = tokio::io::duplex(1 << 20);
            let mut http1 = Http1::new(Box::new(ours), 100);
            let request = Request::get("/").body(OutBody::empty()).expect("request");
            let progress = request.body().progress();
            http1.begin(request.into());
            theirs.write_all(reply.as_bytes()).await.expect("sends");
            poll_fn(|cx| http1.poll_head(&progress, cx)).await.expect("a head");
            let mut came = 0;
            while is_chunked && came < large.len() {
                let frame = poll_fn(|cx| http1.poll_frame(cx)).await.expect("a piece").expect("whole");
                came += frame.into_data().expect("data").len();
            }
            if is_chunked {
                theirs.write_all(b"0\r\n\r\n").await.expect("sends");
                assert!(poll_fn(|cx| http1.poll_frame(cx)).await.is_none());
            }
            assert!(http1.is_free() && http1.wire.borrow().is_large);
            http1.rest();
            let wire = http1.wire.borrow();
            assert_eq!((wire.input.capacity(), wire.read_bytes), (0, READ_BYTES));
        }
    }
}
