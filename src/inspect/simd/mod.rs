//! Bytes looked at many at once: the one place of the program with `unsafe`.

// Shuffles and unaligned loads are `unsafe` as the instructions must be there and the bytes in bounds: both are
// checked right beside each use, and a safe form does the same one by one.
#![allow(unsafe_code)]

mod json;
mod starts;

pub(in crate::inspect) use json::tokens;
pub(in crate::inspect) use starts::{Places, Sets, Starts};

/// Bytes that are looked at together.
pub(in crate::inspect) const BLOCK: usize = 64;

/// What the processor can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inspect) enum Lanes {
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    One,
}

impl Lanes {
    /// The most that this processor has.
    pub(in crate::inspect) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                return Self::Avx2;
            }
            if is_x86_feature_detected!("ssse3") {
                return Self::Ssse3;
            }
        }
        Self::One
    }

    /// All that this processor has.
    #[cfg(test)]
    pub(in crate::inspect) fn all() -> Vec<Self> {
        let mut all = vec![Self::One];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("ssse3") {
                all.push(Self::Ssse3);
            }
            if is_x86_feature_detected!("avx2") {
                all.push(Self::Avx2);
            }
        }
        all
    }
}

#[cfg(target_arch = "x86_64")]
mod loads {
    use std::arch::x86_64::{__m128i, __m256i, _mm_loadu_si128, _mm256_loadu_si256};

    /// 16 bytes from byte `at` on.
    #[inline]
    #[target_feature(enable = "ssse3")]
    pub(super) fn load<const N: usize>(bytes: &[u8; N], at: usize) -> __m128i {
        assert!(at + 16 <= N, "a block holds what is loaded");
        // SAFETY: the 16 bytes are in bounds, as asserted; the load needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().add(at).cast()) }
    }

    /// 32 bytes from byte `at` on.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn load_wide<const N: usize>(bytes: &[u8; N], at: usize) -> __m256i {
        assert!(at + 32 <= N, "a block holds what is loaded");
        // SAFETY: the 32 bytes are in bounds, as asserted; the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().add(at).cast()) }
    }
}
