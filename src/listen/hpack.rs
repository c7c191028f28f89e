//! Header blocks of HTTP/2 on their way in (HPACK, RFC 7541), followed as far as it takes to see a `#` in a `:path`, and
//! pseudo-header fields in trailers.
//!
//! A target has no fragment (RFC 9113, section 8.3.1), but `http::Uri` drops one without a word: what was asked for and what
//! is judged would be two things. So its `#` goes on as `>`: no target has that byte, and its code differs in the last bit
//! alone. h2 takes the head for malformed then, as it is (section 8.1.1), whoever refers to it later in its table, too.
//!
//! - In doubt: ends the connection. What can't be followed is malformed to h2, too; should h2 read on all the same, it meets
//!   fields that nobody has.
//! - Cost: one pass. Values that are neither a path nor kept in the table are skipped; the table holds lengths alone.

use std::collections::VecDeque;

/// Follows the header blocks of one connection, one behind the other.
#[derive(Debug)]
pub(super) struct HeaderBlocks {
    step: Step,
    field: Field,
    text: Text,
    /// Fields that later ones refer to, the newest first.
    table: VecDeque<Entry>,
    table_bytes: usize,
    table_bytes_max: usize,
    /// Paths with a fragment that nobody was told of.
    untold: u64,
    /// The block at hand has a pseudo-header field.
    has_pseudo: bool,
}

/// What the next byte is.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The first of a field.
    Field,
    /// More of a number, which is for this.
    Number { of: Wanted, value: usize, shift: u32 },
    /// The first of a string.
    Length,
    /// One of a string of which so many bytes are left.
    Inside { left: usize },
    /// Nobody knows, and nothing passes any more.
    Lost,
}

/// What a number is for.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// The whole of a field that the table has.
    Whole,
    /// The most that the table holds.
    TableBytes,
    /// The name of a field whose value follows.
    Name,
    /// The length of a string.
    Length,
}

/// The field at hand.
#[derive(Debug, Clone, Copy, Default)]
struct Field {
    /// It enters the table.
    is_kept: bool,
    is_path: bool,
    is_pseudo: bool,
    /// `None` as long as its name is still to come.
    name_len: Option<usize>,
}

/// The string at hand.
#[derive(Debug, Clone, Copy, Default)]
struct Text {
    is_coded: bool,
    /// Letters of it so far.
    len: usize,
    /// So far it is `:path`.
    is_path: bool,
    /// It begins with a colon.
    is_pseudo: bool,
    /// It has a letter that may not pass.
    is_marked: bool,
    /// Bits of a letter that isn't whole.
    code: u32,
    bits: usize,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    name_len: usize,
    bytes: usize,
    is_path: bool,
    is_pseudo: bool,
}

impl Default for HeaderBlocks {
    fn default() -> Self {
        Self {
            step: Step::Field,
            field: Field::default(),
            text: Text::default(),
            table: VecDeque::new(),
            table_bytes: 0,
            table_bytes_max: TABLE_BYTES_MAX,
            untold: 0,
            has_pseudo: false,
        }
    }
}

impl HeaderBlocks {
    /// Reads on, and changes what may not pass.
    pub(super) fn advance(&mut self, mut input: &mut [u8]) {
        loop {
            if let Step::Inside { left } = self.step
                && !self.is_read()
            {
                let taken = left.min(input.len());
                self.text.len += taken;
                input = input.get_mut(taken..).unwrap_or_default();
                self.step =
                    if left == taken { self.text_ended() } else { Step::Inside { left: left - taken } };
            }
            let Some((byte, rest)) = input.split_first_mut() else { return };
            self.step = self.next(byte);
            input = rest;
        }
    }

    /// How many paths had a fragment since this was asked last.
    pub(super) fn fragments(&mut self) -> u64 {
        std::mem::take(&mut self.untold)
    }

    /// A block begins.
    pub(super) const fn begin_block(&mut self) {
        self.has_pseudo = false;
    }

    /// Whether the block so far has a pseudo-header field: its name begins with a colon.
    pub(super) const fn has_pseudo(&self) -> bool {
        self.has_pseudo
    }

    /// Whether the letters of the string at hand matter: of a value in letters as they are their number is its length.
    const fn is_read(&self) -> bool {
        self.field.name_len.is_none() || self.field.is_path || self.field.is_kept && self.text.is_coded
    }

    fn next(&mut self, byte: &mut u8) -> Step {
        match self.step {
            Step::Field => self.begin(*byte),
            Step::Number { of, value, shift } => {
                let more = usize::from(*byte & 0x7f) << shift;
                let value = value.saturating_add(more);
                match *byte & 0x80 != 0 {
                    true if shift < SHIFT_MAX => Step::Number { of, value, shift: shift + 7 },
                    true => Step::Lost,
                    false => self.number(of, value),
                }
            }
            Step::Length => {
                self.text = Text { is_coded: *byte & 0x80 != 0, is_path: true, ..Text::default() };
                self.short(Wanted::Length, *byte, 0x7f)
            }
            Step::Inside { left } => {
                self.letters(byte);
                if left > 1 { Step::Inside { left: left - 1 } } else { self.text_ended() }
            }
            Step::Lost => {
                *byte = NO_FIELD;
                Step::Lost
            }
        }
    }

    /// The first byte of a field (RFC 7541, section 6).
    fn begin(&mut self, byte: u8) -> Step {
        self.field = Field { is_kept: byte & 0xc0 == 0x40, ..Field::default() };
        match byte {
            0x80.. => self.short(Wanted::Whole, byte, 0x7f),
            0x40.. => self.short(Wanted::Name, byte, 0x3f),
            0x20.. => self.short(Wanted::TableBytes, byte, 0x1f),
            _ => self.short(Wanted::Name, byte, 0x0f),
        }
    }

    /// A number that begins in the low bits of this byte (RFC 7541, section 5.1).
    fn short(&mut self, of: Wanted, byte: u8, mask: u8) -> Step {
        match byte & mask {
            value if value == mask => Step::Number { of, value: usize::from(value), shift: 0 },
            value => self.number(of, usize::from(value)),
        }
    }

    fn number(&mut self, of: Wanted, value: usize) -> Step {
        match (of, value) {
            (Wanted::Whole, _) => {
                // One that nobody knows is malformed to h2, too.
                self.has_pseudo |= self.known(value).is_some_and(|known| known.is_pseudo);
                Step::Field
            }
            (Wanted::TableBytes, _) => {
                self.table_bytes_max = value.min(TABLE_BYTES_MAX);
                self.evict(0);
                Step::Field
            }
            (Wanted::Name, 0) => Step::Length,
            (Wanted::Name, _) => {
                let Some(Entry { name_len, is_path, is_pseudo, .. }) = self.known(value) else {
                    return Step::Lost;
                };
                self.has_pseudo |= is_pseudo;
                self.field = Field { name_len: Some(name_len), is_path, is_pseudo, ..self.field };
                Step::Length
            }
            (Wanted::Length, 0) => self.text_ended(),
            (Wanted::Length, _) => Step::Inside { left: value },
        }
    }

    /// What a table has at that place, but for the length of a value of the static one.
    fn known(&self, index: usize) -> Option<Entry> {
        let at = index.checked_sub(1)?;
        match STATIC_NAME_LENGTHS.get(at) {
            Some(length) => Some(Entry {
                name_len: usize::from(*length),
                bytes: 0,
                is_path: PATHS.contains(&index),
                is_pseudo: at < STATIC_PSEUDO,
            }),
            None => self.table.get(at - STATIC_NAME_LENGTHS.len()).copied(),
        }
    }

    /// One byte of a string; the mark of a fragment is changed in it.
    fn letters(&mut self, byte: &mut u8) {
        if !self.text.is_coded {
            let letter = *byte;
            self.text.is_pseudo |= self.text.len == 0 && letter == b':';
            if self.letter(|at| PATH.get(at) == Some(&letter), letter == b'#') {
                *byte = b'>';
            }
            return;
        }
        for bit in (0..8).rev() {
            self.text.code = self.text.code << 1 | u32::from(*byte >> bit & 1);
            self.text.bits += 1;
            let (code, bits) = (self.text.code, self.text.bits);
            match CODES.get(bits) {
                Some((first, count)) if code.wrapping_sub(*first) < *count => {
                    (self.text.code, self.text.bits) = (0, 0);
                    let is_mark = (code, bits) == CODED_MARK;
                    self.text.is_pseudo |= self.text.len == 0 && (code, bits) == CODED_COLON;
                    if self.letter(|at| CODED_PATH.get(at) == Some(&(code, bits)), is_mark) {
                        *byte |= 1 << bit;
                    }
                }
                // No letter is as long; what is left at a string's end is padding.
                _ if bits >= CODE_BITS_MAX => (self.text.code, self.text.bits) = (0, 0),
                _ => {}
            }
        }
    }

    /// Counts a letter; whether it is one that may not pass.
    fn letter(&mut self, is_of_path: impl Fn(usize) -> bool, is_mark: bool) -> bool {
        self.text.is_path &= is_of_path(self.text.len);
        self.text.len += 1;
        let is_barred = is_mark && self.field.is_path;
        if is_barred && !std::mem::replace(&mut self.text.is_marked, true) {
            self.untold += 1;
        }
        is_barred
    }

    fn text_ended(&mut self) -> Step {
        let Some(name_len) = self.field.name_len else {
            self.field.is_path = self.text.is_path && self.text.len == PATH.len();
            self.field.is_pseudo = self.text.is_pseudo;
            self.has_pseudo |= self.text.is_pseudo;
            self.field.name_len = Some(self.text.len);
            // h2 takes it for the end of a frame, and forgets parts of it: what its table has then is anybody's guess.
            return if self.text.len == 0 { Step::Lost } else { Step::Length };
        };
        if self.field.is_kept {
            let bytes = name_len + self.text.len + ENTRY_BYTES;
            self.evict(bytes);
            if bytes <= self.table_bytes_max {
                self.table_bytes += bytes;
                let Field { is_path, is_pseudo, .. } = self.field;
                self.table.push_front(Entry { name_len, bytes, is_path, is_pseudo });
            }
        }
        Step::Field
    }

    /// Makes room (RFC 7541, section 4.4).
    fn evict(&mut self, room: usize) {
        while self.table_bytes.saturating_add(room) > self.table_bytes_max
            && let Some(oldest) = self.table.pop_back()
        {
            self.table_bytes -= oldest.bytes;
        }
    }
}

const PATH: &[u8] = b":path";
/// Its letters in the code of RFC 7541, appendix B: code and bits.
const CODED_PATH: [(u32, usize); 5] = [(0x5c, 7), (0x2b, 6), (0x3, 5), (0x9, 5), (0x27, 6)];
const CODED_COLON: (u32, usize) = (0x5c, 7);
/// `#`; `>` is the next code.
const CODED_MARK: (u32, usize) = (0xffa, 12);
/// Where `:path` stands in the static table.
const PATHS: [usize; 2] = [4, 5];
/// The field 0, at which h2 ends the connection (RFC 7541, section 6.1).
const NO_FIELD: u8 = 0x80;
/// What h2 offers, and hyper leaves so (RFC 9113, section 6.5.2).
const TABLE_BYTES_MAX: usize = 4096;
/// What an entry counts beside its letters.
const ENTRY_BYTES: usize = 32;
/// No number that h2 takes is longer.
const SHIFT_MAX: u32 = 28;
const CODE_BITS_MAX: usize = 30;
/// The code is canonical: of each length the first code, and how many there are. The last of 30 bits is the end of a string,
/// which doesn't stand in one.
const CODES: [(u32, u32); CODE_BITS_MAX + 1] = [
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 0),
    (0x0, 10),
    (0x14, 26),
    (0x5c, 32),
    (0xf8, 6),
    (0, 0),
    (0x3f8, 5),
    (0x7fa, 3),
    (0xffa, 2),
    (0x1ff8, 6),
    (0x3ffc, 2),
    (0x7ffc, 3),
    (0, 0),
    (0, 0),
    (0, 0),
    (0x7fff0, 3),
    (0xfffe6, 8),
    (0x1fffdc, 13),
    (0x3fffd2, 26),
    (0x7fffd8, 29),
    (0xffffea, 12),
    (0x1ffffec, 4),
    (0x3ffffe0, 15),
    (0x7ffffde, 19),
    (0xfffffe2, 29),
    (0, 0),
    (0x3ffffffc, 3),
];
/// So many of the static table are pseudo-header fields, and they come first.
const STATIC_PSEUDO: usize = 14;
/// Of the static table (RFC 7541, appendix A).
const STATIC_NAME_LENGTHS: [u8; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13,
    12, 6, 4, 4, 6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3,
    16,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).expect("a byte")).collect()
    }

    /// Letters in the code, with its padding.
    fn coded(letters: &[(u32, usize)]) -> Vec<u8> {
        let mut bits: Vec<u8> = Vec::new();
        for (code, length) in letters {
            bits.extend((0..*length).rev().map(|at| u8::try_from(code >> at & 1).expect("a bit")));
        }
        bits.resize(bits.len().next_multiple_of(8), 1);
        bits.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
    }

    fn text(is_coded: bool, letters: &[u8]) -> Vec<u8> {
        let length = u8::try_from(letters.len()).expect("short");
        [&[if is_coded { 0x80 | length } else { length }][..], letters].concat()
    }

    /// What goes on of blocks, however they are cut.
    fn passed(blocks: &[u8]) -> Vec<u8> {
        let pieces = [1, 2, 3, 7, blocks.len().max(1)].map(|piece| {
            let (mut follower, mut bytes) = (HeaderBlocks::default(), blocks.to_vec());
            bytes.chunks_mut(piece).for_each(|piece| follower.advance(piece));
            let is_lost = matches!(follower.step, Step::Lost);
            assert!(is_lost || (follower.fragments() > 0) == (bytes != blocks), "what is changed is told");
            bytes
        });
        assert!(pieces.windows(2).all(|pair| pair[0] == pair[1]), "cutting changes the outcome");
        pieces.into_iter().next().expect("five")
    }

    #[test]
    fn the_table_is_as_large_as_rfc_7541_says() {
        let follow = |follower: &mut HeaderBlocks, block: &str| {
            let mut bytes = hex(block);
            follower.advance(&mut bytes);
            assert!(bytes == hex(block) && matches!(follower.step, Step::Field), "{block}");
            follower.table_bytes
        };
        // Appendix C.4: requests in the code.
        let mut follower = HeaderBlocks::default();
        assert_eq!(follow(&mut follower, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"), 57);
        assert_eq!(follow(&mut follower, "8286 84be 5886 a8eb 1064 9cbf"), 110);
        assert_eq!(follow(&mut follower, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"), 164);
        // Appendix C.6: in a table of 256 bytes, which has to be made room in.
        let mut follower = HeaderBlocks::default();
        assert_eq!(follow(&mut follower, "3f e1 01"), 0);
        assert_eq!(follower.table_bytes_max, 256);
        let first = "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3";
        assert_eq!(follow(&mut follower, first), 222);
        assert_eq!(follow(&mut follower, "4883 640e ffc1 c0bf"), 222);
        assert_eq!(follow(&mut follower, "20"), 0);
        assert!(follower.table.is_empty());
    }

    #[test]
    fn the_mark_of_a_fragment_is_changed_in_a_path_and_nowhere_else() {
        let (slash, a, mark, after) = ((0x18, 6), (0x3, 5), CODED_MARK, (0xffb, 12));
        let raw = |mark: u8| text(false, &[b'/', b'a', mark, b'b', mark]);
        let in_code = |mark| text(true, &coded(&[slash, a, mark, a, mark, slash]));
        let values = [(raw(b'#'), raw(b'>')), (in_code(mark), in_code(after))];
        let names = [
            vec![0x04],
            vec![0x05],
            vec![0x14],
            [&[0x00][..], &text(false, PATH)].concat(),
            [&[0x10][..], &text(true, &coded(&CODED_PATH))].concat(),
        ];
        for (value, wanted) in &values {
            for name in &names {
                let block = |value: &[u8]| [&[0x82, 0x86][..], name, value, &[0x84]].concat();
                assert_eq!(passed(&block(value)), block(wanted), "{name:02x?}");
            }
            // Kept in the table, its name is a path's for later ones, and what stands before it, too.
            for name in [vec![0x44], [&[0x40][..], &text(true, &coded(&CODED_PATH))].concat()] {
                let other = [&[0x40][..], &text(false, b"x"), &text(true, &coded(&[a; 9]))].concat();
                let block =
                    |value: &[u8]| [&*name, &text(false, b"/"), &other, &[0x0f, 63 - 15], value].concat();
                assert_eq!(passed(&block(value)), block(wanted), "{name:02x?}");
                let not_its = [&*name, &text(false, b"/"), &other, &[0x0f, 62 - 15], value].concat();
                assert_eq!(passed(&not_its), not_its);
            }
            // :authority, a header of another name, and one whose name goes on.
            for name in
                [vec![0x01], vec![0x41], vec![0x0f, 0x00], [&[0x00][..], &text(false, b":path#")].concat()]
            {
                let block = [&[0x82][..], &name, value].concat();
                assert_eq!(passed(&block), block, "{name:02x?}");
            }
        }
    }

    #[test]
    fn a_pseudo_header_field_is_seen_however_it_is_written() {
        let has = |follower: &mut HeaderBlocks, block: &[u8]| {
            follower.begin_block();
            follower.advance(&mut block.to_vec());
            follower.has_pseudo()
        };
        let mut follower = HeaderBlocks::default();
        let coded_name = text(true, &coded(&CODED_PATH));
        for block in [
            vec![0x84],
            [&[0x08][..], &text(false, b"200")].concat(),
            [&[0x00][..], &text(false, b":foo"), &text(false, b"x")].concat(),
            [&[0x10][..], &coded_name, &text(false, b"/")].concat(),
            [&[0x40][..], &text(false, b":status"), &text(false, b"200")].concat(),
            // What was kept just now, whole and by its name.
            vec![0xbe],
            [&[0x0f, 62 - 15][..], &text(false, b"404")].concat(),
        ] {
            assert!(has(&mut follower, &block), "{block:02x?}");
        }
        for block in [
            [&[0x40][..], &text(false, b"x:"), &text(false, b":x")].concat(),
            vec![0xbe, 0x8f],
            [&[0x0f, 0][..], &text(false, b":")].concat(),
            vec![],
        ] {
            assert!(!has(&mut follower, &block), "{block:02x?}");
        }
    }

    #[test]
    fn behind_what_is_no_block_nothing_passes() {
        let path = [&[0x04][..], &text(false, b"/#")].concat();
        for (block, is_lost) in [
            ("7f ff ff ff ff ff", true),
            // An index that nobody has, in a name.
            ("7e", true),
            ("0f 7f", true),
            // A field without a name.
            ("40 00", true),
            ("00 80", true),
            ("10 81 ff", true),
            // Of these h2 says so itself, or waits for more.
            ("be", false),
            ("80", false),
            ("04", false),
            ("04 ff", false),
            ("44 85 ff ff ff ff ff", false),
        ] {
            let mut bytes = hex(block);
            if is_lost {
                bytes.extend(&path);
                let gone = passed(&bytes);
                let (front, behind) = gone.split_at(gone.len() - path.len());
                assert!(front == hex(block) && behind.iter().all(|byte| *byte == NO_FIELD), "{gone:02x?}");
            } else {
                assert_eq!(passed(&bytes), bytes);
            }
        }
    }

    #[test]
    fn whatever_comes_is_followed_to_its_end_however_it_is_cut() {
        let mut seed: u64 = 7;
        let mut random = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u8::try_from(seed >> 56).expect("a byte")
        };
        for _ in 0..5000 {
            // Beginnings of fields are more frequent than chance has them.
            let begins = [0x04, 0x44, 0x40, 0x00, 0x0f, 0x3f, 0xbe, b'#'];
            let length = usize::from(random() % 48);
            let block: Vec<u8> = (0..length)
                .map(|_| match random() {
                    pick @ 0..=127 => begins[usize::from(pick % 8)],
                    _ => random() & 0x8f,
                })
                .collect();
            let gone = passed(&block);
            assert!(
                block
                    .iter()
                    .zip(&gone)
                    .all(|(sent, goes)| (sent | goes) == *goes || matches!(*goes, b'>' | NO_FIELD))
            );
        }
    }
}
