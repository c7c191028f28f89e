//! Starts: places of a text where a match may begin, 64 at once, by the byte there and the one before it.
//!
//! Whether a byte is of a set is told by its nibbles: the low one gives the rows of the set that have it (a bit for each
//! of the eight rows of ASCII), the high one its row. Both are shuffles, on 32 bytes (AVX2) or 16 (SSSE3); elsewhere the
//! same is asked byte by byte. A byte that isn't ASCII is of all sets or of none.

use super::{BLOCK, Lanes};
use crate::inspect::scan::{Firsts, is_word};

/// What matches may begin with, as tables.
pub(in crate::inspect) struct Starts {
    line: Members,
    outside: Members,
    inside: Members,
    word: Members,
}

/// A set of bytes.
struct Members {
    /// For each low nibble the rows that have it; twice over, as wide shuffles want it.
    low: [u8; 32],
    /// All bits: what isn't ASCII is of it.
    high: u64,
    has: [bool; 256],
}

/// For each byte of a block whether it is of a set, a bit each.
#[derive(Clone, Copy, Default)]
struct Bits {
    line: u64,
    outside: u64,
    inside: u64,
    word: u64,
    /// Whether it ends a line.
    end: u64,
}

impl Starts {
    pub(in crate::inspect) fn new(firsts: &Firsts) -> Self {
        let word = std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(is_word));
        Self {
            line: Members::new(&firsts.line),
            outside: Members::new(&firsts.outside),
            inside: Members::new(&firsts.inside),
            word: Members::new(&word),
        }
    }

    /// The places of the block from `from` on, a bit each; what stands before it counts.
    pub(in crate::inspect) fn of(&self, lanes: Lanes, text: &[u8], from: usize) -> u64 {
        let rest = text.get(from..).unwrap_or_default();
        let mut padded = [0; BLOCK];
        let (block, inside) = match rest.first_chunk::<BLOCK>() {
            Some(block) => (block, u64::MAX),
            None => {
                padded.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
                (&padded, (1 << rest.len()) - 1)
            }
        };
        let bits = match lanes {
            #[cfg(target_arch = "x86_64")]
            Lanes::Avx2 if is_x86_feature_detected!("avx2") => {
                // SAFETY: the processor has AVX2: asked right above.
                unsafe { x86::avx2(self, block) }
            }
            #[cfg(target_arch = "x86_64")]
            Lanes::Ssse3 if is_x86_feature_detected!("ssse3") => {
                // SAFETY: the processor has SSSE3: asked right above.
                unsafe { x86::ssse3(self, block) }
            }
            _ => self.one_by_one(block),
        };
        let before = from.checked_sub(1).and_then(|before| text.get(before)).copied();
        let (mut word, mut end) = (bits.word << 1, bits.end << 1);
        word |= u64::from(before.is_some_and(is_word));
        end |= u64::from(before.is_none_or(|before| before == b'\n'));
        ((bits.outside & !word) | (bits.inside & word) | (bits.line & end)) & inside
    }

    fn one_by_one(&self, block: &[u8; BLOCK]) -> Bits {
        let mut bits = Bits::default();
        for (lane, byte) in block.iter().enumerate() {
            let of = |members: &Members| u64::from(members.has[usize::from(*byte)]) << lane;
            bits.line |= of(&self.line);
            bits.outside |= of(&self.outside);
            bits.inside |= of(&self.inside);
            bits.word |= of(&self.word);
            bits.end |= u64::from(*byte == b'\n') << lane;
        }
        bits
    }
}

impl Members {
    fn new(has: &[bool; 256]) -> Self {
        let mut low = [0; 32];
        for (byte, _) in has.iter().enumerate().take(0x80).filter(|(_, has)| **has) {
            low[byte % 16] |= 1 << (byte / 16);
            low[16 + byte % 16] |= 1 << (byte / 16);
        }
        // One that isn't ASCII and begins a match makes all of them begin one.
        let any = has.iter().skip(0x80).any(|has| *has);
        let mut has = *has;
        has[0x80..].fill(any);
        Self { low, high: if any { u64::MAX } else { 0 }, has }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::loads::{load, load_wide};
    use super::{BLOCK, Bits, Members, Starts};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(starts: &Starts, block: &[u8; BLOCK]) -> Bits {
        let (first, second) = (avx2_half(starts, block, 0), avx2_half(starts, block, 32));
        join(first, second, 32)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn avx2_half(starts: &Starts, block: &[u8; BLOCK], at: usize) -> Bits {
        let nibble = _mm256_set1_epi8(15);
        let zero = _mm256_setzero_si256();
        let bytes = load_wide(block, at);
        let mask = |bytes: __m256i| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
        let low = _mm256_and_si256(bytes, nibble);
        let rows = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
        let row = _mm256_shuffle_epi8(load_wide(&ROWS, 0), rows);
        let high = mask(bytes);
        let of = |members: &Members| {
            let there = _mm256_and_si256(_mm256_shuffle_epi8(load_wide(&members.low, 0), low), row);
            let none = mask(_mm256_cmpeq_epi8(there, zero));
            (!none & 0xFFFF_FFFF) | (high & members.high)
        };
        Bits {
            line: of(&starts.line),
            outside: of(&starts.outside),
            inside: of(&starts.inside),
            word: of(&starts.word),
            end: mask(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'\n'.cast_signed()))),
        }
    }

    #[target_feature(enable = "ssse3")]
    pub(super) fn ssse3(starts: &Starts, block: &[u8; BLOCK]) -> Bits {
        let (first, second) = (ssse3_quarter(starts, block, 0), ssse3_quarter(starts, block, 16));
        let (third, fourth) = (ssse3_quarter(starts, block, 32), ssse3_quarter(starts, block, 48));
        join(join(first, second, 16), join(third, fourth, 16), 32)
    }

    #[inline]
    #[target_feature(enable = "ssse3")]
    fn ssse3_quarter(starts: &Starts, block: &[u8; BLOCK], at: usize) -> Bits {
        let nibble = _mm_set1_epi8(15);
        let zero = _mm_setzero_si128();
        let bytes = load(block, at);
        let mask = |bytes: __m128i| u64::from(_mm_movemask_epi8(bytes).cast_unsigned());
        let low = _mm_and_si128(bytes, nibble);
        let rows = _mm_and_si128(_mm_srli_epi16::<4>(bytes), nibble);
        let row = _mm_shuffle_epi8(load(&ROWS, 0), rows);
        let high = mask(bytes);
        let of = |members: &Members| {
            let there = _mm_and_si128(_mm_shuffle_epi8(load(&members.low, 0), low), row);
            let none = mask(_mm_cmpeq_epi8(there, zero));
            (!none & 0xFFFF) | (high & members.high)
        };
        Bits {
            line: of(&starts.line),
            outside: of(&starts.outside),
            inside: of(&starts.inside),
            word: of(&starts.word),
            end: mask(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\n'.cast_signed()))),
        }
    }

    #[inline]
    fn join(first: Bits, second: Bits, by: u32) -> Bits {
        Bits {
            line: first.line | second.line << by,
            outside: first.outside | second.outside << by,
            inside: first.inside | second.inside << by,
            word: first.word | second.word << by,
            end: first.end | second.end << by,
        }
    }

    /// For each high nibble the bit of its row; none for those beyond ASCII. Twice over.
    static ROWS: [u8; 32] = [
        1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0,
        0, 0,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_tells_the_same_starts() {
        let pick = |n: usize| std::array::from_fn(|byte: usize| (byte * 37 + n * 11) % 5 < 2);
        let ascii =
            |n: usize| std::array::from_fn(|byte: usize| byte < 0x80 && (byte * 29 + n).is_multiple_of(3));
        let text: Vec<u8> = (0..=u8::MAX).chain(*b"ab cd\n\nef\xFFe_9").chain((0..=u8::MAX).rev()).collect();
        for firsts in [
            Firsts { line: pick(1), outside: pick(2), inside: pick(3) },
            Firsts { line: ascii(1), outside: ascii(2), inside: ascii(3) },
        ] {
            let starts = Starts::new(&firsts);
            for length in [0, 1, 63, 64, 65, 200, text.len()] {
                let text = &text[..length];
                for from in (0..length.max(1)).step_by(7) {
                    let want = (from..length.min(from + BLOCK)).filter(|at| {
                        let byte = usize::from(text[*at]);
                        let before = at.checked_sub(1).map(|before| text[before]);
                        let here =
                            |has: &[bool; 256]| has[byte] || byte >= 0x80 && has[0x80..].contains(&true);
                        let in_word = before.is_some_and(is_word);
                        let at_line = before.is_none_or(|before| before == b'\n');
                        here(if in_word { &firsts.inside } else { &firsts.outside })
                            || at_line && here(&firsts.line)
                    });
                    let want = want.fold(0, |bits, at| bits | 1 << (at - from));
                    for lanes in Lanes::all() {
                        assert_eq!(starts.of(lanes, text, from), want, "{lanes:?} from {from} of {length}");
                    }
                }
            }
        }
    }
}
