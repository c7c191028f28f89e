//! Hold: a whole body in memory, within the limits of one message and of the process.

use super::Limits;
use crate::reason::Reason;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Bytes of bodies that the whole process may hold.
#[derive(Clone, Default)]
pub struct HeldBudget(Arc<AtomicU64>);

impl HeldBudget {
    /// Bytes held now.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.0.load(Relaxed)
    }

    fn take(&self, bytes: u64, max: u64) -> bool {
        self.0
            .fetch_update(Relaxed, Relaxed, |held| held.checked_add(bytes).filter(|sum| *sum <= max))
            .is_ok()
    }
}

/// A share of the budget, given back when dropped.
pub struct HeldBytes {
    budget: HeldBudget,
    bytes: u64,
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.budget.0.fetch_sub(self.bytes, Relaxed);
    }
}

/// Why a body could not be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// Over `body_bytes_max`. The sender's to fix.
    #[error("the body is over the limit")]
    TooLarge,
    /// `held_bytes_max` is in use. Trying later helps.
    #[error("the process holds as many bytes as it may")]
    HeldFull,
    /// It ended before its declared end.
    #[error("the body was cut short")]
    CutShort,
    /// It took longer than `body_timeout_ms`.
    #[error("the body took too long")]
    Timeout,
}

impl From<HoldError> for Reason {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::TooLarge => Self::BodyTooLarge,
            HoldError::HeldFull => Self::HeldFull,
            HoldError::CutShort => Self::BodyCutShort,
            HoldError::Timeout => Self::BodyTimeout,
        }
    }
}

/// A whole body.
pub struct Held {
    /// Its bytes, transfer coding undone.
    pub bytes: Bytes,
    /// Its trailers.
    pub trailers: Option<HeaderMap>,
    /// Its share of the budget.
    pub share: HeldBytes,
}

/// Reads a body whole.
///
/// # Errors
/// [`HoldError`]; a declared length over a limit is refused before anything is read.
pub async fn hold<B: Body<Data = Bytes> + Unpin>(
    mut body: B,
    limits: &Limits,
    budget: &HeldBudget,
) -> Result<Held, HoldError> {
    let declared = body.size_hint().exact();
    if declared.is_some_and(|n| n > limits.body_bytes_max) {
        return Err(HoldError::TooLarge);
    }
    let mut share = HeldBytes { budget: budget.clone(), bytes: 0 };
    let grow = |share: &mut HeldBytes, bytes: u64| {
        let granted = budget.take(bytes, limits.held_bytes_max);
        share.bytes += if granted { bytes } else { 0 };
        granted.then_some(()).ok_or(HoldError::HeldFull)
    };
    let reserved = declared.unwrap_or(0);
    grow(&mut share, reserved)?;
    let read = async {
        let mut first: Option<Bytes> = None;
        let mut joined = BytesMut::new();
        let mut trailers = None;
        let mut total = 0;
        while let Some(frame) = body.frame().await {
            match frame.map_err(|_| HoldError::CutShort)?.into_data() {
                Ok(data) => {
                    total += data.len() as u64;
                    if total > limits.body_bytes_max {
                        return Err(HoldError::TooLarge);
                    }
                    if total > share.bytes {
                        let missing = total - share.bytes;
                        grow(&mut share, missing)?;
                    }
                    // One piece, the common case, isn't copied.
                    match first.take() {
                        None if joined.is_empty() => first = Some(data),
                        Some(before) => {
                            joined.reserve(
                                usize::try_from(reserved).unwrap_or(0).max(before.len() + data.len()),
                            );
                            joined.extend_from_slice(&before);
                            joined.extend_from_slice(&data);
                        }
                        None => joined.extend_from_slice(&data),
                    }
                }
                Err(frame) => trailers = frame.into_trailers().ok(),
            }
        }
        Ok((first.unwrap_or_else(|| joined.freeze()), trailers))
    };
    match tokio::time::timeout(Duration::from_millis(limits.body_timeout_ms), read).await {
        Ok(Ok((bytes, trailers))) => Ok(Held { bytes, trailers, share }),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(HoldError::Timeout),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;

    fn limits() -> Limits {
        Limits { body_bytes_max: 10, held_bytes_max: 12, ..Limits::default() }
    }

    /// A body of several pieces without a declared length.
    struct Pieces(Vec<&'static str>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            let next = if self.0.is_empty() { None } else { Some(self.0.remove(0)) };
            std::task::Poll::Ready(next.map(|p| Ok(http_body::Frame::data(Bytes::from_static(p.as_bytes())))))
        }
    }

    #[tokio::test]
    async fn budget_is_taken_and_given_back() {
        let budget = HeldBudget::default();
        let held =
            hold(Pieces(vec!["12345", "678"]), &limits(), &budget).await.unwrap_or_else(|_| panic!("fits"));
        assert_eq!((&held.bytes[..], budget.held()), (&b"12345678"[..], 8));
        let refused = hold(Full::new(Bytes::from_static(b"12345")), &limits(), &budget).await.err();
        assert_eq!(refused, Some(HoldError::HeldFull));
        drop(held);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn a_body_over_its_limit_is_refused_declared_or_not() {
        let budget = HeldBudget::default();
        let declared = hold(Full::new(Bytes::from_static(b"12345678901")), &limits(), &budget).await.err();
        assert_eq!(declared, Some(HoldError::TooLarge));
        let streamed = hold(Pieces(vec!["123456", "78901"]), &limits(), &budget).await.err();
        assert_eq!((streamed, budget.held()), (Some(HoldError::TooLarge), 0));
    }
}
