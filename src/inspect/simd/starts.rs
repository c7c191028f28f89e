//! Starts: places of a text where a match may begin, 64 at once, by the byte there and the one before it. And which bytes
//! of a text are of sets, for whoever looks for some.
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

/// What the byte before a block is: the lowest bits say whether a word goes on there, and whether a line begins.
struct Carry {
    word: u64,
    end: u64,
}

/// Places of a block where matches may begin, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inspect) struct Places {
    /// Every one.
    pub(in crate::inspect) all: u64,
    /// Those where a line begins, among others.
    pub(in crate::inspect) line: u64,
    /// Those behind an ASCII word character, among others.
    pub(in crate::inspect) inside: u64,
}

impl Carry {
    /// The places of a block; what stands at its end counts for the next.
    #[inline]
    fn places(&mut self, bits: Bits) -> Places {
        let (word, end) = (bits.word << 1 | self.word, bits.end << 1 | self.end);
        (self.word, self.end) = (bits.word >> (BLOCK - 1), bits.end >> (BLOCK - 1));
        let all = (bits.outside & !word) | (bits.inside & word) | (bits.line & end);
        Places { all, line: end, inside: word }
    }
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

    /// The places of the block from `from` on; what stands before it counts.
    pub(in crate::inspect) fn of(&self, lanes: Lanes, text: &[u8], from: usize) -> Places {
        let mut padded = [0; BLOCK];
        let (block, inside) = block(text, from, &mut padded);
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
        let mut carry = Carry {
            word: before.is_some_and(is_word).into(),
            end: before.is_none_or(|before| before == b'\n').into(),
        };
        let places = carry.places(bits);
        Places { all: places.all & inside, ..places }
    }

    /// Tells each block of a text that has such places: where it begins, and the places.
    pub(in crate::inspect) fn each(&self, lanes: Lanes, text: &[u8], mut told: impl FnMut(usize, Places)) {
        let (whole, _) = text.as_chunks::<BLOCK>();
        let mut next = 0;
        match lanes {
            #[cfg(target_arch = "x86_64")]
            Lanes::Avx2 if !whole.is_empty() && is_x86_feature_detected!("avx2") => {
                // SAFETY: the processor has AVX2: asked right above.
                unsafe { x86::avx2_each(self, whole, &mut told) }
                next = whole.len() * BLOCK;
            }
            _ => {}
        }
        for from in (next..text.len()).step_by(BLOCK) {
            let places = self.of(lanes, text, from);
            if places.all != 0 {
                told(from, places);
            }
        }
    }

    fn one_by_one(&self, block: &[u8; BLOCK]) -> Bits {
        let mut bits = Bits::default();
        for (lane, byte) in block.iter().enumerate() {
            let of = |members: &Members| u64::from(members.holds(*byte)) << lane;
            bits.line |= of(&self.line);
            bits.outside |= of(&self.outside);
            bits.inside |= of(&self.inside);
            bits.word |= of(&self.word);
            bits.end |= u64::from(*byte == b'\n') << lane;
        }
        bits
    }
}

/// The block from `from` on, and a bit for each of its bytes: `padded` holds one that the text's end cuts off.
fn block<'t>(text: &'t [u8], from: usize, padded: &'t mut [u8; BLOCK]) -> (&'t [u8; BLOCK], u64) {
    let rest = text.get(from..).unwrap_or_default();
    match rest.first_chunk::<BLOCK>() {
        Some(block) => (block, u64::MAX),
        None => {
            if let Some(slots) = padded.get_mut(..rest.len()) {
                slots.copy_from_slice(rest);
            }
            (padded, (1 << rest.len()) - 1)
        }
    }
}

/// Sets of bytes, asked together: what isn't ASCII is of one all or not at all.
pub(in crate::inspect) struct Sets<const N: usize> {
    members: [Members; N],
    lanes: Lanes,
}

impl<const N: usize> Sets<N> {
    /// The sets of the bytes of which these hold.
    pub(in crate::inspect) fn new(has: [impl Fn(u8) -> bool; N]) -> Self {
        let members =
            has.map(|has| Members::new(&std::array::from_fn(|byte| u8::try_from(byte).is_ok_and(&has))));
        Self { members, lanes: Lanes::best() }
    }

    /// For each set a bit for each byte of the block from `from` on.
    pub(in crate::inspect) fn of(&self, text: &[u8], from: usize) -> [u64; N] {
        let mut padded = [0; BLOCK];
        let (block, inside) = block(text, from, &mut padded);
        let mut bits = match self.lanes {
            #[cfg(target_arch = "x86_64")]
            Lanes::Avx2 if is_x86_feature_detected!("avx2") => {
                // SAFETY: the processor has AVX2: asked right above.
                unsafe { x86::avx2_sets(&self.members, block) }
            }
            #[cfg(target_arch = "x86_64")]
            Lanes::Ssse3 if is_x86_feature_detected!("ssse3") => {
                // SAFETY: the processor has SSSE3: asked right above.
                unsafe { x86::ssse3_sets(&self.members, block) }
            }
            _ => self.members.each_ref().map(|members| members.one_by_one(block)),
        };
        for bits in &mut bits {
            *bits &= inside;
        }
        bits
    }

    /// The same of each block of a text.
    pub(in crate::inspect) fn blocks(&self, text: &[u8]) -> Vec<[u64; N]> {
        let (whole, rest) = text.as_chunks::<BLOCK>();
        let mut blocks = Vec::with_capacity(whole.len() + 1);
        match self.lanes {
            #[cfg(target_arch = "x86_64")]
            Lanes::Avx2 if is_x86_feature_detected!("avx2") => {
                // SAFETY: the processor has AVX2: asked right above.
                unsafe { x86::avx2_blocks(&self.members, whole, &mut blocks) }
            }
            _ => blocks.extend((0..whole.len()).map(|block| self.of(text, block * BLOCK))),
        }
        if !rest.is_empty() {
            blocks.push(self.of(text, whole.len() * BLOCK));
        }
        blocks
    }

    /// Whether `told` says yes of a block of a text: it is told where each begins and the bits of its bytes, in order, and
    /// nothing behind the first yes.
    pub(in crate::inspect) fn any(&self, text: &[u8], mut told: impl FnMut(usize, [u64; N]) -> bool) -> bool {
        let (whole, _) = text.as_chunks::<BLOCK>();
        let mut next = 0;
        match self.lanes {
            #[cfg(target_arch = "x86_64")]
            Lanes::Avx2 if !whole.is_empty() && is_x86_feature_detected!("avx2") => {
                // SAFETY: the processor has AVX2: asked right above.
                if unsafe { x86::avx2_any(&self.members, whole, &mut told) } {
                    return true;
                }
                next = whole.len() * BLOCK;
            }
            _ => {}
        }
        (next..text.len()).step_by(BLOCK).any(|from| told(from, self.of(text, from)))
    }

    /// The first place at or behind `at` whose byte is of the first set.
    pub(in crate::inspect) fn find(&self, text: &[u8], at: usize) -> Option<usize> {
        let mut found = None;
        self.any(text.get(at..).unwrap_or_default(), |from, bits| {
            let first = bits.first().copied().filter(|bits| *bits != 0);
            found = first.map(|bits| at + from + bits.trailing_zeros() as usize);
            found.is_some()
        });
        found
    }
}

impl Members {
    fn holds(&self, byte: u8) -> bool {
        self.has[usize::from(byte)]
    }

    fn one_by_one(&self, block: &[u8; BLOCK]) -> u64 {
        block.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(self.holds(*byte)))
    }

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
    use super::{BLOCK, Bits, Carry, Members, Places, Starts};
    use std::arch::x86_64::*;

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn avx2(starts: &Starts, block: &[u8; BLOCK]) -> Bits {
        let (first, second) = (avx2_half(starts, block, 0), avx2_half(starts, block, 32));
        join(first, second, 32)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn avx2_half(starts: &Starts, block: &[u8; BLOCK], at: usize) -> Bits {
        let nibble = _mm256_set1_epi8(15);
        let bytes = load_wide(block, at);
        let mask = |bytes: __m256i| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
        let low = _mm256_and_si256(bytes, nibble);
        let rows = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
        let row = _mm256_shuffle_epi8(load_wide(&ROWS, 0), rows);
        let high = mask(bytes);
        let of = |members: &Members| {
            let there = _mm256_and_si256(_mm256_shuffle_epi8(load_wide(&members.low, 0), low), row);
            // What isn't ASCII has no row, which every set has.
            mask(_mm256_cmpeq_epi8(there, row)) & (!high | members.high)
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

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2_blocks<const N: usize>(
        sets: &[Members; N],
        text: &[[u8; BLOCK]],
        blocks: &mut Vec<[u64; N]>,
    ) {
        for block in text {
            blocks.push(avx2_sets(sets, block));
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2_any<const N: usize>(
        sets: &[Members; N],
        text: &[[u8; BLOCK]],
        told: &mut impl FnMut(usize, [u64; N]) -> bool,
    ) -> bool {
        let mut from = 0;
        for block in text {
            if told(from, avx2_sets(sets, block)) {
                return true;
            }
            from += BLOCK;
        }
        false
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn avx2_each(starts: &Starts, text: &[[u8; BLOCK]], told: &mut impl FnMut(usize, Places)) {
        let (mut from, mut carry) = (0, Carry { word: 0, end: 1 });
        for block in text {
            let places = carry.places(avx2(starts, block));
            if places.all != 0 {
                told(from, places);
            }
            from += BLOCK;
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) fn avx2_sets<const N: usize>(sets: &[Members; N], block: &[u8; BLOCK]) -> [u64; N] {
        let nibble = _mm256_set1_epi8(15);
        let mask = |bytes: __m256i| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
        let (mut bits, mut high) = ([0; N], 0);
        for at in [0, 32] {
            let bytes = load_wide(block, at);
            let low = _mm256_and_si256(bytes, nibble);
            let rows = _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
            let row = _mm256_shuffle_epi8(load_wide(&ROWS, 0), rows);
            high |= mask(bytes) << at;
            for (number, members) in sets.iter().enumerate() {
                let there = _mm256_and_si256(_mm256_shuffle_epi8(load_wide(&members.low, 0), low), row);
                // What isn't ASCII has no row, which every set has.
                bits[number] |= mask(_mm256_cmpeq_epi8(there, row)) << at;
            }
        }
        for (bits, members) in bits.iter_mut().zip(sets) {
            *bits &= !high | members.high;
        }
        bits
    }

    #[target_feature(enable = "ssse3")]
    pub(super) fn ssse3_sets<const N: usize>(sets: &[Members; N], block: &[u8; BLOCK]) -> [u64; N] {
        let (nibble, zero) = (_mm_set1_epi8(15), _mm_setzero_si128());
        let mask = |bytes: __m128i| u64::from(_mm_movemask_epi8(bytes).cast_unsigned());
        let mut bits = [0; N];
        for at in [0, 16, 32, 48] {
            let bytes = load(block, at);
            let low = _mm_and_si128(bytes, nibble);
            let rows = _mm_and_si128(_mm_srli_epi16::<4>(bytes), nibble);
            let row = _mm_shuffle_epi8(load(&ROWS, 0), rows);
            let high = mask(bytes);
            for (number, members) in sets.iter().enumerate() {
                let there = _mm_and_si128(_mm_shuffle_epi8(load(&members.low, 0), low), row);
                let none = mask(_mm_cmpeq_epi8(there, zero));
                bits[number] |= ((!none & 0xFFFF) | (high & members.high)) << at;
            }
        }
        bits
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
    fn every_width_tells_the_same_bytes_of_sets() {
        let text: Vec<u8> = (0..=u8::MAX).chain(*b"4 1 2\xC3\x84B").chain((0..=u8::MAX).rev()).collect();
        let mut sets = Sets::new([
            |b: u8| b.is_ascii_digit() || b == b' ',
            |b: u8| b.is_ascii_uppercase() || !b.is_ascii(),
            |_: u8| true,
        ]);
        let holds = |set: usize, b: u8| match set {
            0 => b.is_ascii_digit() || b == b' ',
            1 => b.is_ascii_uppercase() || b >= 0x80,
            _ => true,
        };
        for length in [0, 1, 63, 64, 65, text.len()] {
            let text = &text[..length];
            for from in (0..=length).step_by(5) {
                let block = &text[from..length.min(from + BLOCK)];
                let bits = |set| {
                    block.iter().enumerate().fold(0, |bits, (at, b)| bits | u64::from(holds(set, *b)) << at)
                };
                for lanes in Lanes::all() {
                    sets.lanes = lanes;
                    assert_eq!(sets.of(text, from), [bits(0), bits(1), bits(2)], "{lanes:?} from {from}");
                    let found = text.iter().skip(from).position(|b| holds(0, *b)).map(|at| from + at);
                    assert_eq!(sets.find(text, from), found);
                    let mut blocks = Vec::new();
                    assert!(!sets.any(&text[from..], |at, bits| {
                        blocks.push((from + at, bits));
                        false
                    }));
                    let all = (from..length).step_by(BLOCK).map(|at| (at, sets.of(text, at)));
                    assert_eq!(blocks, all.collect::<Vec<_>>(), "{lanes:?} from {from}");
                    let (mut told, last) = (0, (from + 2 * BLOCK).min(length));
                    let is_found = sets.any(&text[from..], |at, _| {
                        told += 1;
                        from + at + BLOCK >= last
                    });
                    assert_eq!((told, is_found), ((last - from).div_ceil(BLOCK), last > from));
                }
            }
        }
    }

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
                for lanes in Lanes::all() {
                    let mut told = Vec::new();
                    starts.each(lanes, text, |from, places| told.push((from, places.all)));
                    let of = |from| (from, starts.of(lanes, text, from).all);
                    let all = (0..length).step_by(BLOCK).map(of).filter(|(_, places)| *places != 0);
                    assert_eq!(told, all.collect::<Vec<_>>(), "{lanes:?} of {length}");
                }
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
                    let of = |is: &dyn Fn(Option<u8>) -> bool| {
                        let places = from..length.min(from + BLOCK);
                        let places = places.filter(|at| is(at.checked_sub(1).map(|before| text[before])));
                        places.fold(0, |bits, at| bits | 1 << (at - from)) & want
                    };
                    let line = of(&|before| before.is_none_or(|before| before == b'\n'));
                    let inside = of(&|before| before.is_some_and(is_word));
                    for lanes in Lanes::all() {
                        let told = starts.of(lanes, text, from);
                        let told = (told.all, told.line & told.all, told.inside & told.all);
                        assert_eq!(told, (want, line, inside), "{lanes:?} from {from} of {length}");
                    }
                }
            }
        }
    }
}
