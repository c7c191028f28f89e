//! Holding a body whole, inside a budget of the whole process.

use super::{BodyError, Limits};
use crate::payload::Payload;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Body;
use std::{
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Reads a body whole: a request's, or an upstream's reply. A declared length over the limit is refused before a
/// byte is read (so `Expect: 100-continue` gets its refusal instead of a 100).
///
/// # Errors
/// [`HoldError`]; what was read by then is dropped, and its bytes go back to the budget.
pub async fn hold<B>(body: B, limits: &Limits, budget: &HeldBudget) -> Result<Held, HoldError>
where
    B: Body<Data = Bytes, Error = BodyError>,
{
    let declared = body.size_hint().lower();
    if declared > limits.body_bytes_max {
        return Err(HoldError::TooLarge);
    }
    let reading = read(body, declared, limits.body_bytes_max, budget);
    let limit = Duration::from_millis(limits.body_timeout_ms);
    tokio::time::timeout(limit, reading).await.unwrap_or(Err(HoldError::Timeout))
}

async fn read<B>(body: B, declared: u64, bytes_max: u64, budget: &HeldBudget) -> Result<Held, HoldError>
where
    B: Body<Data = Bytes, Error = BodyError>,
{
    let mut body = pin!(body);
    let mut permit = budget.permit();
    let (mut first, mut joined, mut total) = (Bytes::new(), BytesMut::new(), 0_u64);
    let mut trailers = None;
    while let Some(frame) = next_frame(body.as_mut()).await {
        match frame?.into_data() {
            Ok(data) => {
                total += data.len() as u64;
                if total > bytes_max {
                    return Err(HoldError::TooLarge);
                }
                if !permit.grow_to(total) {
                    return Err(HoldError::HeldFull);
                }
                if first.is_empty() && joined.is_empty() {
                    first = data;
                    continue;
                }
                if joined.is_empty() {
                    let room = declared.max(total).min(JOIN_BYTES_MAX);
                    joined.reserve(usize::try_from(room).unwrap_or_default());
                    joined.extend_from_slice(&std::mem::take(&mut first));
                }
                joined.extend_from_slice(&data);
            }
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    let bytes = if joined.is_empty() { first } else { joined.freeze() };
    Ok(Held { bytes: bytes.into(), trailers, permit })
}

async fn next_frame<B: Body>(mut body: Pin<&mut B>) -> Option<Result<http_body::Frame<B::Data>, B::Error>> {
    std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await
}

/// A whole body. Its bytes count as held until the permit is dropped: keep it until they are sent.
pub struct Held {
    /// The bytes.
    pub bytes: Payload,
    /// Trailers, where there were any: payload, too.
    pub trailers: Option<HeaderMap>,
    /// Its share of the budget.
    pub permit: HeldPermit,
}

impl Held {
    /// The bytes, which count as held for as long as anybody has them: a peer that reads slowly keeps them long after they
    /// were handed to whoever sends them. Copies of [`Held::bytes`] made before don't count.
    #[must_use]
    pub fn into_payload(self) -> Payload {
        if self.bytes.is_empty() {
            return self.bytes;
        }
        Bytes::from_owner(Counted { bytes: self.bytes, _permit: self.permit }).into()
    }
}

/// Bytes and their share of the budget.
struct Counted {
    bytes: Payload,
    _permit: HeldPermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        self.bytes.expose()
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({} bytes)", self.bytes.len())
    }
}

/// Why a body could not be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// Over `body_bytes_max`. The sender's fault; sending it again won't help.
    #[error("the body is over body_bytes_max")]
    TooLarge,
    /// Over `held_bytes_max` of the process. Nobody's fault; try again later.
    #[error("held_bytes_max is in use")]
    HeldFull,
    /// The peer went away half-way.
    #[error("the body ended before its declared end")]
    CutShort,
    /// The chunk framing is malformed. The sender's fault.
    #[error("the body's chunk framing is malformed")]
    Malformed,
    /// Over `body_timeout_ms`. The sender's or the network's fault.
    #[error("the body did not arrive in time")]
    Timeout,
}

impl From<BodyError> for HoldError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::CutShort | BodyError::Unasked => Self::CutShort,
            BodyError::Malformed => Self::Malformed,
            BodyError::Timeout => Self::Timeout,
        }
    }
}

/// How many body bytes the whole process may hold. Clones share one budget.
#[derive(Debug, Clone)]
pub struct HeldBudget(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    bytes_max: u64,
    in_use: AtomicU64,
}

impl HeldBudget {
    /// A budget of `held_bytes_max` bytes.
    #[must_use]
    pub fn new(held_bytes_max: u64) -> Self {
        Self(Arc::new(Budget { bytes_max: held_bytes_max, in_use: AtomicU64::new(0) }))
    }

    /// Bytes in use.
    #[must_use]
    pub fn in_use(&self) -> u64 {
        self.0.in_use.load(Relaxed)
    }

    /// A permit for nothing yet.
    #[must_use]
    pub fn permit(&self) -> HeldPermit {
        HeldPermit { budget: self.clone(), bytes: 0 }
    }
}

/// A share of the budget, given back on drop.
#[derive(Debug)]
pub struct HeldPermit {
    budget: HeldBudget,
    bytes: u64,
}

impl HeldPermit {
    /// Widens the share to at least `bytes`; `false`, and no change, where the budget doesn't allow it. Steps of
    /// 64 KiB after the first, so that a long body asks rarely.
    #[must_use]
    pub fn grow_to(&mut self, bytes: u64) -> bool {
        let Some(missing) = bytes.checked_sub(self.bytes).filter(|missing| *missing > 0) else { return true };
        let budget = &self.budget.0;
        let step = if self.bytes == 0 { missing } else { missing.max(STEP_BYTES) };
        let taken = [step, missing].into_iter().find(|more| {
            budget
                .in_use
                .fetch_update(Relaxed, Relaxed, |used| {
                    used.checked_add(*more).filter(|sum| *sum <= budget.bytes_max)
                })
                .is_ok()
        });
        self.bytes += taken.unwrap_or_default();
        taken.is_some()
    }
}

impl Drop for HeldPermit {
    fn drop(&mut self) {
        self.budget.0.in_use.fetch_sub(self.bytes, Relaxed);
    }
}

/// What is set aside at most on the word of a declared length.
const JOIN_BYTES_MAX: u64 = 1024 * 1024;
const STEP_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_stay_inside_the_budget_and_come_back() {
        let budget = HeldBudget::new(100_000);
        let (mut a, mut b) = (budget.permit(), budget.permit());
        assert!(a.grow_to(10) && a.grow_to(11));
        assert_eq!(budget.in_use(), 10 + STEP_BYTES);
        assert!(b.grow_to(30_000));
        assert!(!b.grow_to(90_000));
        assert!(b.grow_to(30_001), "the last bytes are taken without the step");
        drop(a);
        assert!(b.grow_to(90_000));
        drop(b);
        assert_eq!(budget.in_use(), 0);
    }

    #[test]
    fn a_payload_counts_as_held_until_its_last_piece_is_gone() {
        let budget = HeldBudget::new(10);
        let held = |bytes: &'static [u8]| {
            let mut permit = budget.permit();
            assert!(permit.grow_to(bytes.len() as u64));
            Held { bytes: bytes.into(), trailers: None, permit }.into_payload()
        };
        let bytes = held(b"abcdef").into_exposed();
        assert_eq!((&bytes[..], budget.in_use()), (&b"abcdef"[..], 6));
        let piece = bytes.slice(2..3);
        drop(bytes);
        assert_eq!(budget.in_use(), 6);
        drop(piece);
        assert!(held(b"").is_empty());
        assert_eq!(budget.in_use(), 0);
    }
}
