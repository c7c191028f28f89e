//! Tokens of JSON: a bit for each byte that a reader has to look at, 64 bytes at once, without reading those between.
//!
//! Strings are what stands between quotes that no backslash escapes: a running exclusive-or over the quotes' bits tells
//! which bytes are inside. Outside, brackets, colons and commas are tokens, and the first byte of whatever else isn't
//! blank. What the tokens mean is for the reader to say.

use super::{BLOCK, Lanes};

/// Where the tokens of a document are.
pub(in crate::inspect) struct Tokens {
    /// A bit for each byte: a quote that begins or ends a string, and outside of strings a bracket, a colon, a comma, or
    /// the first byte of a run of anything else but blanks.
    pub(in crate::inspect) blocks: Vec<u64>,
    /// Each backslash that begins an escape, in order.
    pub(in crate::inspect) escapes: Vec<u32>,
}

/// What the bytes of a block are, a bit each.
#[derive(Clone, Copy)]
struct Classes {
    quote: u64,
    backslash: u64,
    /// Brackets, colon, comma.
    operator: u64,
    blank: u64,
    control: u64,
}

/// What goes over from one block to the next.
#[derive(Default)]
struct Carry {
    /// All bits: the block begins inside of a string.
    inside: u64,
    /// Whether its first byte is escaped.
    escaped: bool,
    /// Whether the byte before it is of a run.
    run: bool,
}

/// The tokens of a document of less than 4 GiB. `None` where a string isn't ended or has a control character in it, and
/// where the processor looks at no 32 bytes at once: then somebody else has to read it.
pub(in crate::inspect) fn tokens(lanes: Lanes, doc: &[u8]) -> Option<Tokens> {
    match lanes {
        #[cfg(target_arch = "x86_64")]
        Lanes::Avx2 if is_x86_feature_detected!("avx2") => {
            // SAFETY: the processor has AVX2: asked right above.
            unsafe { x86::tokens(doc) }
        }
        _ => None,
    }
}

impl Tokens {
    #[inline(always)]
    fn of(doc: &[u8], classes: impl Fn(&[u8; BLOCK]) -> Classes) -> Option<Self> {
        let mut tokens = Self { blocks: Vec::with_capacity(doc.len() / BLOCK + 1), escapes: Vec::new() };
        let mut carry = Carry::default();
        let (blocks, rest) = doc.as_chunks::<BLOCK>();
        let mut at = 0;
        for block in blocks {
            tokens.block(at, classes(block), &mut carry)?;
            at += BLOCK;
        }
        let mut last = [b' '; BLOCK];
        last.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
        tokens.block(at, classes(&last), &mut carry)?;
        (carry.inside == 0).then_some(tokens)
    }

    #[inline(always)]
    fn block(&mut self, at: usize, classes: Classes, carry: &mut Carry) -> Option<()> {
        let escaped = self.escaped(at, classes.backslash, carry);
        let quote = classes.quote & !escaped;
        // From each quote that begins a string up to the one that ends it.
        let inside = prefix_xor(quote) ^ carry.inside;
        carry.inside = if inside >> 63 == 0 { 0 } else { u64::MAX };
        if classes.control & inside != 0 {
            return None;
        }
        let run = !(inside | quote | classes.operator | classes.blank);
        let first = run & !(run << 1 | u64::from(carry.run));
        carry.run = run >> 63 != 0;
        self.blocks.push(quote | first | classes.operator & !inside);
        Some(())
    }

    /// The bytes that a backslash escapes. Outside of strings there is none in JSON: there it only has to be a token.
    #[inline(always)]
    fn escaped(&mut self, at: usize, backslash: u64, carry: &mut Carry) -> u64 {
        let mut escaped = u64::from(carry.escaped);
        carry.escaped = false;
        let mut left = backslash & !escaped;
        while left != 0 {
            let lane = left.trailing_zeros();
            self.escapes.push(u32::try_from(at + lane as usize).ok().unwrap_or(u32::MAX));
            if lane == 63 {
                carry.escaped = true;
                break;
            }
            escaped |= 2 << lane;
            left &= !(3 << lane);
        }
        escaped
    }
}

/// For each bit whether an odd number of bits up to it are set.
#[inline(always)]
fn prefix_xor(bits: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].iter().fold(bits, |bits, by| bits ^ bits << by)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::loads::load_wide;
    use super::{BLOCK, Classes, Tokens};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2")]
    pub(super) fn tokens(doc: &[u8]) -> Option<Tokens> {
        Tokens::of(doc, |block| {
            let (low, high) = (half(block, 0), half(block, 32));
            Classes {
                quote: low.quote | high.quote << 32,
                backslash: low.backslash | high.backslash << 32,
                operator: low.operator | high.operator << 32,
                blank: low.blank | high.blank << 32,
                control: low.control | high.control << 32,
            }
        })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn half(block: &[u8; BLOCK], at: usize) -> Classes {
        let bytes = load_wide(block, at);
        let mask = |bytes: __m256i| u64::from(_mm256_movemask_epi8(bytes).cast_unsigned());
        let is = |byte: u8| mask(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte.cast_signed())));
        // Each low nibble is that of one blank, or of one operator once brackets have become braces.
        let blank = _mm256_shuffle_epi8(load_wide(&BLANKS, 0), bytes);
        let operator = _mm256_shuffle_epi8(load_wide(&OPERATORS, 0), bytes);
        let folded = _mm256_or_si256(bytes, _mm256_set1_epi8(0x20));
        let last_control = _mm256_set1_epi8(0x1F);
        let control = mask(_mm256_cmpeq_epi8(_mm256_max_epu8(bytes, last_control), last_control));
        Classes {
            quote: is(b'"'),
            backslash: is(b'\\'),
            // Two control characters fold to operators.
            operator: mask(_mm256_cmpeq_epi8(operator, folded)) & !control,
            blank: mask(_mm256_cmpeq_epi8(blank, bytes)),
            control,
        }
    }

    /// The blank of each low nibble; elsewhere a byte of another nibble. Twice over, as wide shuffles want it.
    static BLANKS: [u8; 32] = twice(&[(0x0, b' '), (0x9, b'\t'), (0xA, b'\n'), (0xD, b'\r')]);

    /// The operator of each low nibble, as it is with bit 5 set.
    static OPERATORS: [u8; 32] = twice(&[(0xC, b','), (0xA, b':'), (0xB, b'{'), (0xD, b'}')]);

    /// A table that has at each other nibble what no byte of that nibble equals.
    const fn twice(of: &[(usize, u8)]) -> [u8; 32] {
        let mut table = [0xFF; 32];
        table[0x0F] = 0xF0;
        table[0x1F] = 0xF0;
        let mut at = 0;
        while at < of.len() {
            table[of[at].0] = of[at].1;
            table[16 + of[at].0] = of[at].1;
            at += 1;
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, byte by byte.
    fn slow(doc: &[u8]) -> Option<(Vec<usize>, Vec<u32>)> {
        let (mut places, mut escapes) = (Vec::new(), Vec::new());
        let (mut inside, mut escaped, mut run) = (false, false, false);
        for (at, byte) in doc.iter().enumerate() {
            if inside && *byte < 0x20 {
                return None;
            }
            let was_escaped = std::mem::take(&mut escaped);
            if *byte == b'\\' && !was_escaped {
                escaped = true;
                escapes.push(u32::try_from(at).unwrap());
            }
            let quote = *byte == b'"' && !was_escaped;
            let operator = b"{}[]:,".contains(byte) && !inside;
            let blank = b" \t\r\n".contains(byte);
            let first = !inside && !quote && !operator && !blank && !run;
            if quote || operator || first {
                places.push(at);
            }
            inside ^= quote;
            run = !inside && !quote && !operator && !blank;
        }
        (!inside).then_some((places, escapes))
    }

    #[test]
    fn tokens_are_those_of_reading_byte_by_byte() {
        let mut state = 7_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut read = 0;
        for round in 0..4000 {
            let length = next(300);
            let rare = round % 3 == 0;
            let doc: Vec<u8> = (0..length)
                .map(|_| match next(if rare { 40 } else { 12 }) {
                    0 | 1 => b'"',
                    2 => b'\\',
                    3 => b"{}[]:,"[next(6)],
                    4 => b" \n\r\t"[next(40).saturating_sub(36)],
                    5 if rare => u8::try_from(next(256)).unwrap(),
                    _ => b"ax19-.+\xC3\xA9\x7F?"[next(11)],
                })
                .collect();
            let Some(tokens) = tokens(Lanes::best(), &doc) else {
                assert!(Lanes::best() == Lanes::One || slow(&doc).is_none(), "{doc:?}");
                continue;
            };
            let places: Vec<usize> = (0..doc.len() + BLOCK)
                .filter(|at| tokens.blocks.get(at / BLOCK).is_some_and(|bits| bits >> (at % BLOCK) & 1 == 1))
                .collect();
            assert_eq!(Some((places, tokens.escapes)), slow(&doc), "{doc:?}");
            read += 1;
        }
        assert!(read > 500 || tokens(Lanes::best(), b"").is_none());
    }
}
