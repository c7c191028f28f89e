//! Copying the first bytes of a body that streams through unchanged.

use super::BodyError;
use crate::payload::Payload;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A body with a copy taken of its first bytes. What passes is never changed or held back.
pub struct Tee<B> {
    body: B,
    copied: BytesMut,
    bytes_max: usize,
    total_bytes: u64,
    trailers: Option<HeaderMap>,
    complete: bool,
    on_end: Option<Box<dyn FnOnce(TeeEnd)>>,
}

/// What a tee saw.
pub struct TeeEnd {
    /// The first `tee_bytes_max` bytes.
    pub copied: Payload,
    /// Trailers, where there were any.
    pub trailers: Option<HeaderMap>,
    /// Bytes that passed.
    pub total_bytes: u64,
    /// Whether the body passed to its end.
    pub complete: bool,
    /// Whether more passed than was copied.
    pub overflowed: bool,
}

impl<B: Body<Data = Bytes, Error = BodyError> + Unpin> Tee<B> {
    /// Copies up to `tee_bytes_max` bytes; calls `on_end` once, when the body ended or was dropped half-way.
    pub fn new(body: B, tee_bytes_max: usize, on_end: impl FnOnce(TeeEnd) + 'static) -> Self {
        let complete = body.is_end_stream();
        Self {
            body,
            copied: BytesMut::new(),
            bytes_max: tee_bytes_max,
            total_bytes: 0,
            trailers: None,
            complete,
            on_end: Some(Box::new(on_end)),
        }
    }

    fn note(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.total_bytes += data.len() as u64;
            let room = self.bytes_max - self.copied.len().min(self.bytes_max);
            self.copied.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        } else if let Some(trailers) = frame.trailers_ref() {
            self.trailers = Some(trailers.clone());
        }
    }
}

impl<B> Tee<B> {
    fn end(&mut self) {
        if let Some(on_end) = self.on_end.take() {
            on_end(TeeEnd {
                overflowed: self.total_bytes > self.copied.len() as u64,
                copied: match self.copied.is_empty() {
                    true => Payload::default(),
                    false => std::mem::take(&mut self.copied).freeze().into(),
                },
                trailers: self.trailers.take(),
                total_bytes: self.total_bytes,
                complete: self.complete,
            });
        }
    }
}

impl<B: Body<Data = Bytes, Error = BodyError> + Unpin> Body for Tee<B> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            None => this.complete = true,
            Some(Ok(frame)) => {
                this.note(frame);
                // Trailers are the last frame, and hyper asks for none after them.
                this.complete = frame.is_trailers() || this.body.is_end_stream();
            }
            Some(Err(_)) => {}
        }
        if this.complete || matches!(frame, Some(Err(_))) {
            this.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Tee<B> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<B> fmt::Debug for Tee<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tee({} bytes)", self.total_bytes)
    }
}

impl fmt::Debug for TeeEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TeeEnd({} of {} bytes, complete: {})", self.copied.len(), self.total_bytes, self.complete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, collections::VecDeque, rc::Rc};

    struct Frames(VecDeque<Result<Frame<Bytes>, BodyError>>);

    impl Body for Frames {
        type Data = Bytes;
        type Error = BodyError;
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            Poll::Ready(self.0.pop_front())
        }
    }

    async fn pass(frames: Vec<Result<Frame<Bytes>, BodyError>>, take: usize) -> (Vec<u8>, TeeEnd) {
        let end = Rc::new(RefCell::new(None));
        let told = Rc::clone(&end);
        let mut tee = Tee::new(Frames(frames.into()), 4, move |e| *told.borrow_mut() = Some(e));
        let mut passed = Vec::new();
        for _ in 0..take {
            if let Some(Ok(frame)) = std::future::poll_fn(|cx| Pin::new(&mut tee).poll_frame(cx)).await {
                passed.extend_from_slice(&frame.into_data().unwrap_or_default());
            }
        }
        drop(tee);
        let end = end.borrow_mut().take().expect("told");
        (passed, end)
    }

    fn data(bytes: &'static [u8]) -> Result<Frame<Bytes>, BodyError> {
        Ok(Frame::data(Bytes::from_static(bytes)))
    }

    #[tokio::test]
    async fn passes_all_and_copies_the_first_bytes() {
        let (passed, end) = pass(vec![data(b"abc"), data(b"def")], 3).await;
        assert_eq!((&passed[..], end.copied.expose(), end.total_bytes), (&b"abcdef"[..], &b"abcd"[..], 6));
        assert!(end.complete && end.overflowed);
    }

    #[tokio::test]
    async fn tells_when_a_body_is_dropped_or_breaks_half_way() {
        let (_, end) = pass(vec![data(b"abc"), data(b"def")], 1).await;
        assert!(!end.complete && !end.overflowed && end.total_bytes == 3);
        let (_, end) = pass(vec![data(b"abc"), Err(BodyError::CutShort)], 3).await;
        assert!(!end.complete && end.total_bytes == 3);
    }
}
