//! Candidates: where one of the heads may begin, 32 positions at once.
//!
//! For each position the nibbles of the byte there and of the next five are looked up in tables of 16 (a shuffle),
//! each entry with a bit for each bucket; what is left of a bucket's bit after all six is a candidate. Several banks of
//! tables are asked at one look at the bytes. The same on 32 lanes (AVX2), on 16 (SSSE3), or one by one.

// Shuffles and unaligned loads are `unsafe` as the instructions must be there and the bytes in bounds: both are
// checked right beside each use, and the safe form below does the same one by one.
#![allow(unsafe_code)]

use super::head::{HEAD_BYTES_MAX, is_word};
use super::pack::Tables;

/// Candidates found so far, in order.
pub(super) struct Candidates {
    at: [usize; CANDIDATES_MAX],
    /// The bank's number, and its buckets.
    buckets: [(u8, u8); CANDIDATES_MAX],
    len: usize,
}

impl Candidates {
    pub(super) const fn new() -> Self {
        Self { at: [0; CANDIDATES_MAX], buckets: [(0, 0); CANDIDATES_MAX], len: 0 }
    }

    /// Positions, each with a bank's number and the buckets that may begin there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, (u8, u8))> + '_ {
        self.at.iter().copied().zip(self.buckets).take(self.len)
    }

    #[inline(always)]
    fn push(&mut self, from: usize, bank: u8, mut positions: u32, buckets: &[u8; LANES]) {
        while positions != 0 {
            let lane = positions.trailing_zeros() as usize;
            if let (Some(at), Some(slot), Some(bits)) =
                (self.at.get_mut(self.len), self.buckets.get_mut(self.len), buckets.get(lane))
            {
                (*at, *slot) = (from + lane, (bank, *bits));
                self.len += 1;
            }
            positions &= positions - 1;
        }
    }

    #[inline(always)]
    fn has_room(&self) -> bool {
        self.len + LANES * BANKS_MAX <= CANDIDATES_MAX
    }
}

/// What the processor can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lanes {
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    One,
}

impl Lanes {
    /// The most that this processor has.
    pub(super) fn best() -> Self {
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
    pub(super) fn all() -> Vec<Self> {
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

/// Collects candidates of up to [`BANKS_MAX`] banks at and after `from`, until `out` is full; gives where to go on, the
/// text's length at its end.
pub(super) fn candidates(
    lanes: Lanes,
    banks: &[Tables],
    text: &[u8],
    from: usize,
    out: &mut Candidates,
) -> usize {
    out.len = 0;
    match lanes {
        #[cfg(target_arch = "x86_64")]
        Lanes::Avx2 if is_x86_feature_detected!("avx2") => {
            // SAFETY: the processor has AVX2: asked right above.
            unsafe { x86::avx2(banks, text, from, out) }
        }
        #[cfg(target_arch = "x86_64")]
        Lanes::Ssse3 if is_x86_feature_detected!("ssse3") => {
            // SAFETY: the processor has SSSE3: asked right above.
            unsafe { x86::ssse3(banks, text, from, out) }
        }
        _ => one_by_one(banks, text, from, out),
    }
}

fn one_by_one(banks: &[Tables], text: &[u8], mut from: usize, out: &mut Candidates) -> usize {
    let mut padded = [0; WINDOW];
    while from < text.len() && out.has_room() {
        let (window, inside) = window(text, from, &mut padded);
        for (number, tables) in (0..).zip(banks) {
            let mut buckets = [0; LANES];
            let mut positions = 0;
            for (lane, slot) in buckets.iter_mut().enumerate() {
                let mut bits = u8::MAX;
                for at in 0..HEAD_BYTES_MAX {
                    let byte = window[lane + 1 + at];
                    bits &= tables.low[at][usize::from(byte & 15)] & tables.high[at][usize::from(byte >> 4)];
                }
                if is_word(window[lane]) {
                    bits &= !tables.word_start;
                }
                *slot = bits;
                positions |= u32::from(bits != 0) << lane;
            }
            out.push(from, number, positions & inside, &buckets);
        }
        from += LANES;
    }
    from.min(text.len())
}

/// The bytes from one before `from` to five behind the last position, and a bit for each position that is in the
/// text. Where the text has no byte there is a zero.
#[inline(always)]
fn window<'a>(text: &'a [u8], from: usize, padded: &'a mut [u8; WINDOW]) -> (&'a [u8; WINDOW], u32) {
    let whole = from.checked_sub(1).and_then(|before| text.get(before..before + WINDOW));
    if let Some(whole) = whole.and_then(|bytes| <&[u8; WINDOW]>::try_from(bytes).ok()) {
        return (whole, u32::MAX);
    }
    *padded = [0; WINDOW];
    let there = text.get(from.saturating_sub(1)..).unwrap_or_default();
    let before = usize::from(from == 0);
    padded.iter_mut().skip(before).zip(there).for_each(|(slot, byte)| *slot = *byte);
    let left = text.len().saturating_sub(from).min(LANES);
    (padded, u32::try_from((1u64 << left) - 1).unwrap_or(u32::MAX))
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::head::HEAD_BYTES_MAX;
    use super::super::pack::Tables;
    use super::{Candidates, LANES, WINDOW, window};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(banks: &[Tables], text: &[u8], mut from: usize, out: &mut Candidates) -> usize {
        let nibble = _mm256_set1_epi8(15);
        let zero = _mm256_setzero_si256();
        let mut padded = [0; WINDOW];
        while from < text.len() && out.has_room() {
            let (window, inside) = window(text, from, &mut padded);
            let mut low = [zero; 1 + HEAD_BYTES_MAX];
            let mut high = [zero; 1 + HEAD_BYTES_MAX];
            for at in 0..=HEAD_BYTES_MAX {
                let bytes = load_wide(window, at);
                low[at] = _mm256_and_si256(bytes, nibble);
                high[at] = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
            }
            let look = |at: usize, low_table: &[u8; 32], high_table: &[u8; 32]| {
                let lows = _mm256_shuffle_epi8(load_wide(low_table, 0), low[at]);
                let highs = _mm256_shuffle_epi8(load_wide(high_table, 0), high[at]);
                _mm256_and_si256(lows, highs)
            };
            let no_word = _mm256_cmpeq_epi8(look(0, &WORD_LOW, &WORD_HIGH), zero);
            for (number, tables) in (0..).zip(banks) {
                let anywhere = _mm256_set1_epi8((!tables.word_start).cast_signed());
                let mut bits = _mm256_or_si256(no_word, anywhere);
                for at in 0..HEAD_BYTES_MAX {
                    bits = _mm256_and_si256(bits, look(at + 1, &tables.low[at], &tables.high[at]));
                }
                let none = _mm256_movemask_epi8(_mm256_cmpeq_epi8(bits, zero));
                let positions = !none.cast_unsigned() & inside;
                if positions != 0 {
                    let mut buckets = [0; LANES];
                    // SAFETY: 32 bytes are written to an array of 32.
                    unsafe { _mm256_storeu_si256(buckets.as_mut_ptr().cast(), bits) };
                    out.push(from, number, positions, &buckets);
                }
            }
            from += LANES;
        }
        from.min(text.len())
    }

    #[target_feature(enable = "ssse3")]
    pub(super) fn ssse3(banks: &[Tables], text: &[u8], mut from: usize, out: &mut Candidates) -> usize {
        let nibble = _mm_set1_epi8(15);
        let zero = _mm_setzero_si128();
        let mut padded = [0; WINDOW];
        while from < text.len() && out.has_room() {
            let (window, inside) = window(text, from, &mut padded);
            for (number, tables) in (0..).zip(banks) {
                let mut buckets = [0; LANES];
                let mut positions = 0;
                for half in [0, LANES / 2] {
                    let look = |at: usize, low: &[u8; 32], high: &[u8; 32]| {
                        let bytes = load(window, half + at);
                        let lows = _mm_shuffle_epi8(load(low, 0), _mm_and_si128(bytes, nibble));
                        let rows = _mm_and_si128(_mm_srli_epi16::<4>(bytes), nibble);
                        _mm_and_si128(lows, _mm_shuffle_epi8(load(high, 0), rows))
                    };
                    let no_word = _mm_cmpeq_epi8(look(0, &WORD_LOW, &WORD_HIGH), zero);
                    let anywhere = _mm_set1_epi8((!tables.word_start).cast_signed());
                    let mut bits = _mm_or_si128(no_word, anywhere);
                    for at in 0..HEAD_BYTES_MAX {
                        bits = _mm_and_si128(bits, look(at + 1, &tables.low[at], &tables.high[at]));
                    }
                    let none = _mm_movemask_epi8(_mm_cmpeq_epi8(bits, zero));
                    positions |= (!none.cast_unsigned() & 0xFFFF) << half;
                    // SAFETY: 16 bytes are written to an array of 32, from byte 0 or 16 on.
                    unsafe { _mm_storeu_si128(buckets.as_mut_ptr().add(half).cast(), bits) };
                }
                out.push(from, number, positions & inside, &buckets);
            }
            from += LANES;
        }
        from.min(text.len())
    }

    /// 16 bytes from byte `at` on.
    #[inline]
    #[target_feature(enable = "ssse3")]
    fn load<const N: usize>(bytes: &[u8; N], at: usize) -> __m128i {
        assert!(at + 16 <= N, "a window holds what positions read");
        // SAFETY: the 16 bytes are in bounds, as asserted; the load needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().add(at).cast()) }
    }

    /// 32 bytes from byte `at` on.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_wide<const N: usize>(bytes: &[u8; N], at: usize) -> __m256i {
        assert!(at + 32 <= N, "a window holds what positions read");
        // SAFETY: the 32 bytes are in bounds, as asserted; the load needs no alignment.
        unsafe { _mm256_loadu_si256(bytes.as_ptr().add(at).cast()) }
    }

    /// ASCII word characters by nibbles: digits, the letters of two pairs of rows, the underscore.
    static WORD_LOW: [u8; 32] = twice([5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 6, 2, 2, 2, 2, 10]);
    static WORD_HIGH: [u8; 32] = twice([0, 0, 0, 1, 2, 12, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0]);

    const fn twice(table: [u8; 16]) -> [u8; 32] {
        let mut out = [0; 32];
        let mut at = 0;
        while at < 32 {
            out[at] = table[at % 16];
            at += 1;
        }
        out
    }
}

/// Positions that are looked at together.
const LANES: usize = 32;

/// The byte before, the positions, and the bytes behind the last that it asks for.
const WINDOW: usize = 1 + LANES + HEAD_BYTES_MAX - 1;

/// Banks that are looked for together.
pub(super) const BANKS_MAX: usize = 4;

/// Candidates that are collected before they are checked.
const CANDIDATES_MAX: usize = LANES * BANKS_MAX + 32;

#[cfg(test)]
mod tests {
    use super::super::head::Class;
    use super::super::head::Head;
    use super::super::pack::pack;
    use super::*;

    /// Heads of one byte: any, at the start of a word or not.
    fn tables(word_start: bool) -> [Tables; 1] {
        let mut any = Class::default();
        (0..=u8::MAX).for_each(|b| any.add(b));
        let heads = [Head { classes: vec![any], word_start }];
        [Tables::new(&heads, &pack(&heads))]
    }

    #[test]
    fn every_width_knows_word_characters_and_ends() {
        let text: Vec<u8> = (0..=u8::MAX).chain(*b"ab cd\xFFe").collect();
        for lanes in Lanes::all() {
            for length in 0..text.len() {
                let text = &text[..length];
                for word_start in [false, true] {
                    let tables = tables(word_start);
                    let (mut found, mut at) = (Vec::new(), 0);
                    let mut out = Candidates::new();
                    while at < text.len() {
                        at = candidates(lanes, &tables, text, at, &mut out);
                        found.extend(out.iter().map(|(at, _)| at));
                    }
                    let free = |at: &usize| !at.checked_sub(1).is_some_and(|b| is_word(text[b]));
                    let want: Vec<usize> = (0..text.len()).filter(|at| !word_start || free(at)).collect();
                    assert_eq!(found, want, "{lanes:?}");
                }
            }
        }
    }
}
