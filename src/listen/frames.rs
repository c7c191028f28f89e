//! HTTP/2 frames on their way in: counted, so that a caller can't keep the gateway busy with what costs it nothing.
//!
//! hyper and h2 read the frames; this only follows where each begins. Of frames that carry no part of a message (PING,
//! SETTINGS, PRIORITY, RST_STREAM, empty DATA, CONTINUATION, unknown kinds, WINDOW_UPDATE beyond what its replies ask for) a
//! connection may send so many a minute, and earns more by messages and body bytes. Known floods: CVE-2023-44487 (rapid reset), CVE-2024-27316 (CONTINUATION),
//! CVE-2019-9512, 9515 and 9518 (PING, SETTINGS, empty DATA). Of header blocks it is seen that no target has a fragment, and no
//! trailers have pseudo-header fields (RFC 9113, section 8.1): h2 drops those without a word, and resets the stream of trailers
//! that don't end it, which such trailers are changed to.

use super::hpack::HeaderBlocks;
use std::time::Instant;

/// Follows the frames of one connection.
#[derive(Debug)]
pub(super) struct Frames {
    preface_left: usize,
    head: [u8; FRAME_HEAD_BYTES],
    head_len: usize,
    payload_left: usize,
    /// What stands in a frame before its part of a header block, and how much of that part is to come.
    front_left: usize,
    tells_padding: bool,
    /// That of it, but for the length of padding.
    front: u64,
    block_left: usize,
    blocks: HeaderBlocks,
    /// Frames without use that may still come.
    allowance: u32,
    allowance_max: u32,
    /// Bytes of replies that no window was told for.
    written: usize,
    refilled: Instant,
    /// A header block began and hasn't ended.
    in_block: bool,
    /// The newest stream, and whether the block at hand is of an earlier head's trailers.
    last: u32,
    is_trailers: bool,
    /// Where the flags of the block's frame stand in the bytes at hand.
    flags_at: Option<usize>,
}

/// Why nothing of a connection is read any more.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// More frames without use than it may send.
    Flood,
    /// Trailers with a pseudo-header field, in a frame whose head h2 has already.
    Trailers,
}

impl Frames {
    pub(super) fn new(allowance_max: u32) -> Self {
        Self {
            preface_left: PREFACE_BYTES,
            head: [0; FRAME_HEAD_BYTES],
            head_len: 0,
            payload_left: 0,
            front_left: 0,
            tells_padding: false,
            front: 0,
            block_left: 0,
            blocks: HeaderBlocks::default(),
            allowance: allowance_max,
            allowance_max,
            written: 0,
            refilled: Instant::now(),
            in_block: false,
            last: 0,
            is_trailers: false,
            flags_at: None,
        }
    }

    /// Whether a header block is half here.
    pub(super) const fn is_mid_block(&self) -> bool {
        self.in_block
    }

    /// How many heads had a target with a fragment since this was asked last.
    pub(super) fn fragments(&mut self) -> u64 {
        self.blocks.fragments()
    }

    /// Reads on, and changes what may not pass.
    pub(super) fn advance(&mut self, input: &mut [u8]) -> Result<(), Unfit> {
        let mut at = 0;
        self.flags_at = None;
        while let Some(rest) = input.get_mut(at..)
            && !rest.is_empty()
        {
            if self.front_left + self.block_left > 0 {
                at += self.in_block(rest);
                if self.is_trailers && self.blocks.has_pseudo() {
                    let flags = self.flags_at.and_then(|at| input.get_mut(at)).ok_or(Unfit::Trailers)?;
                    *flags &= !END_STREAM;
                    self.is_trailers = false;
                }
                continue;
            }
            let skipped = if self.preface_left > 0 { &mut self.preface_left } else { &mut self.payload_left };
            if *skipped > 0 {
                let taken = rest.len().min(*skipped);
                *skipped -= taken;
                at += taken;
                continue;
            }
            let taken = rest.len().min(FRAME_HEAD_BYTES - self.head_len);
            for (slot, byte) in self.head.iter_mut().skip(self.head_len).zip(rest.iter().take(taken)) {
                *slot = *byte;
            }
            self.head_len += taken;
            at += taken;
            if self.head_len == FRAME_HEAD_BYTES {
                self.head_len = 0;
                self.frame(at)?;
            }
        }
        Ok(())
    }

    /// Reads on in a frame that has a part of a header block (RFC 9113, sections 6.2, 6.6 and 6.10); gives how far.
    fn in_block(&mut self, input: &mut [u8]) -> usize {
        let taken = if self.front_left > 0 {
            let byte = input.first().copied().unwrap_or_default();
            if std::mem::take(&mut self.tells_padding) {
                self.block_left = self.block_left.saturating_sub(usize::from(byte));
            } else {
                self.front = self.front << 8 | u64::from(byte);
            }
            self.front_left -= 1;
            if self.front_left == 0 && self.depends_on_itself() {
                self.block_left = 0;
            }
            1
        } else {
            let taken = self.block_left.min(input.len());
            self.blocks.advance(input.get_mut(..taken).unwrap_or_default());
            self.block_left -= taken;
            taken
        };
        self.payload_left -= taken;
        taken
    }

    /// Whether it is a head that depends on itself: h2 resets its stream and leaves its block unread, which its table then
    /// knows nothing of.
    fn depends_on_itself(&self) -> bool {
        let [_, _, _, kind, flags, a, b, c, d] = self.head;
        let id = u64::from(u32::from_be_bytes([a, b, c, d]) & STREAM_ID);
        // Behind the stream that it depends on stands its weight.
        kind == HEADERS && flags & PRIORITY != 0 && self.front >> 8 & u64::from(STREAM_ID) == id
    }

    /// A frame's head ends there.
    fn frame(&mut self, at: usize) -> Result<(), Unfit> {
        let [a, b, c, kind, flags, id @ ..] = self.head;
        let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        self.payload_left = length;
        let ends_block = flags & END_HEADERS != 0;
        if matches!(kind, HEADERS | PUSH_PROMISE | CONTINUATION) {
            self.tells_padding = kind != CONTINUATION && flags & PADDED != 0;
            let front = match kind {
                HEADERS if flags & PRIORITY != 0 => PRIORITY_BYTES,
                PUSH_PROMISE => PROMISE_BYTES,
                _ => 0,
            };
            self.front = 0;
            self.front_left = length.min(usize::from(self.tells_padding) + front);
            self.block_left = length - self.front_left;
        }
        match kind {
            DATA if length > 0 => self.earn(1),
            DATA if flags & END_STREAM != 0 => {}
            HEADERS => {
                self.in_block = !ends_block;
                let id = u32::from_be_bytes(id) & STREAM_ID;
                self.is_trailers = id <= self.last;
                self.last = self.last.max(id);
                self.flags_at = at.checked_sub(FLAGS_FROM_END);
                self.blocks.begin_block();
                self.earn(1);
            }
            // No caller may send one, but h2 reads its block before it says so.
            PUSH_PROMISE => {
                self.in_block = !ends_block;
                self.is_trailers = false;
                return self.spend(1);
            }
            // A reset costs more than its message earned.
            RST_STREAM => return self.spend(2),
            // Two for each DATA frame of a reply, the shortest frame too, cost nothing.
            WINDOW_UPDATE => match self.written.checked_sub(WINDOW_BYTES) {
                Some(left) => self.written = left,
                None => return self.spend(1),
            },
            CONTINUATION => {
                self.in_block &= !ends_block;
                return self.spend(1);
            }
            _ => return self.spend(1),
        }
        Ok(())
    }

    /// So much was written to the caller, which has it tell its windows.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written = self.written.saturating_add(bytes).min(WRITTEN_MAX);
    }

    fn earn(&mut self, frames: u32) {
        self.allowance = self.allowance.saturating_add(frames).min(self.allowance_max);
    }

    fn spend(&mut self, frames: u32) -> Result<(), Unfit> {
        if self.allowance < frames {
            // The clock is asked only here: whoever stays under the allowance pays nothing for it.
            let passed = self.refilled.elapsed().as_millis().min(MINUTE_MS);
            let refill = u128::from(self.allowance_max) * passed / MINUTE_MS;
            self.refilled = Instant::now();
            self.earn(u32::try_from(refill).unwrap_or(u32::MAX));
        }
        self.allowance = self.allowance.checked_sub(frames).ok_or(Unfit::Flood)?;
        Ok(())
    }
}

/// Bytes of replies for one WINDOW_UPDATE.
const WINDOW_BYTES: usize = 4;
/// Of a gibibyte in DATA frames of 16 KiB, a window for each of them and for each on the connection.
const WRITTEN_MAX: usize = 1 << 19;
const MINUTE_MS: u128 = 60_000;
const PREFACE_BYTES: usize = 24;
const FRAME_HEAD_BYTES: usize = 9;
/// Flags and what stands behind them in a frame's head.
const FLAGS_FROM_END: usize = 5;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const PUSH_PROMISE: u8 = 5;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
const PRIORITY: u8 = 0x20;
const PRIORITY_BYTES: usize = 5;
const PROMISE_BYTES: usize = 4;
const STREAM_ID: u32 = 0x7fff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
    }

    /// All pieces of every size must agree.
    fn follow(frames: &[Vec<u8>]) -> Result<(), Unfit> {
        let mut bytes = [&[0; PREFACE_BYTES][..], &frames.concat()].concat();
        let outcomes = [1, 2, 9, 1000, bytes.len()].map(|piece| {
            let mut follower = Frames::new(10);
            bytes.chunks_mut(piece).try_for_each(|chunk| follower.advance(chunk))
        });
        assert!(outcomes.windows(2).all(|pair| pair[0] == pair[1]), "cutting changes the outcome");
        outcomes.into_iter().next().expect("five")
    }

    #[test]
    fn floods_of_every_kind_are_told() {
        for (kind, flags) in [(6, 0), (4, 0), (2, 0), (3, 0), (0, 0), (9, 0), (77, 0)] {
            let flood = vec![frame(kind, flags, if kind == 0 { b"" } else { b"12345678" }); 11];
            assert_eq!(follow(&flood), Err(Unfit::Flood), "kind {kind}");
        }
        // Each message reset at once: it earns one and costs two.
        let rapid = vec![[frame(HEADERS, 5, b"x"), frame(RST_STREAM, 0, b"1234")].concat(); 11];
        assert_eq!(follow(&rapid), Err(Unfit::Flood));
    }

    #[test]
    fn messages_and_bodies_earn_what_control_costs() {
        let long = vec![
            [
                frame(HEADERS, 4, b"x"),
                frame(DATA, 0, b"abc"),
                frame(DATA, 1, b""),
                frame(6, 0, b"12345678")
            ]
            .concat();
            1000
        ];
        assert_eq!(follow(&long), Ok(()));
    }

    #[test]
    fn windows_are_told_as_replies_need_them_and_no_more() {
        let one = frame(WINDOW_UPDATE, 0, b"1234");
        assert_eq!(follow(&vec![one.clone(); 10]), Ok(()));
        assert_eq!(follow(&vec![one.clone(); 11]), Err(Unfit::Flood));
        let mut frames = Frames::new(10);
        frames.advance(&mut [0; PREFACE_BYTES]).expect("no flood");
        for _ in 0..1000 {
            frames.wrote(10); // a DATA frame of one byte
            frames
                .advance(&mut [&one[..], &one].concat())
                .expect("one for its stream, one for the connection");
        }
        frames.wrote(usize::MAX);
        let mut flood = one.repeat(WRITTEN_MAX / WINDOW_BYTES + 11);
        assert_eq!(frames.advance(&mut flood), Err(Unfit::Flood), "what was earned long ago has an end");
    }

    #[test]
    fn trailers_with_a_pseudo_header_field_do_not_end_their_stream() {
        let follow = |pieces: &[usize], sent: &[u8]| {
            let (mut frames, mut bytes) = (Frames::new(10), sent.to_vec());
            frames.advance(&mut [0; PREFACE_BYTES]).expect("no flood");
            let mut rest = &mut bytes[..];
            let mut all = Ok(());
            for piece in pieces.iter().copied().chain([usize::MAX]) {
                let (now, later) = rest.split_at_mut(piece.min(rest.len()));
                all = all.and_then(|()| frames.advance(now));
                rest = later;
            }
            all.map(|()| bytes)
        };
        let head = frame(HEADERS, 4, &[0x82, 0x84]);
        for (block, is_pseudo) in
            [(&b"\x84"[..], true), (b"\0\x07:status\x03200", true), (b"\0\x01x\x01:", false)]
        {
            let sent = [head.clone(), frame(HEADERS, 5, block)].concat();
            let flags = head.len() + 4;
            let mut wanted = sent.clone();
            if is_pseudo {
                wanted[flags] = 4;
            }
            assert_eq!(follow(&[], &sent), Ok(wanted.clone()), "{block:02x?}");
            assert_eq!(follow(&[flags], &sent), Ok(wanted.clone()), "{block:02x?}");
            // h2 has the flags by then.
            let late = if is_pseudo { Err(Unfit::Trailers) } else { Ok(wanted) };
            assert_eq!(follow(&[flags + 1], &sent), late, "{block:02x?}");
        }
    }

    #[test]
    fn a_header_block_is_open_until_its_end() {
        let mut frames = Frames::new(10);
        frames.advance(&mut [0; PREFACE_BYTES]).expect("no flood");
        for (mut bytes, open) in [
            (frame(HEADERS, 0, b"x"), true),
            (frame(CONTINUATION, 0, b"x"), true),
            (frame(CONTINUATION, 4, b"x"), false),
        ] {
            frames.advance(&mut bytes).expect("no flood");
            assert_eq!(frames.is_mid_block(), open);
        }
    }

    #[test]
    fn the_block_of_a_head_that_depends_on_itself_is_not_followed() {
        let path = [&[0x04, 4][..], b"/a#b"].concat();
        for (depends_on, is_followed) in [(1, false), (3, true)] {
            let front = [2, 0x80, 0, 0, depends_on, 7];
            let sent = frame(HEADERS, 5 | PADDED | PRIORITY, &[&front[..], &path, b"##"].concat());
            for piece in [1, 4, sent.len()] {
                let (mut frames, mut bytes) = (Frames::new(10), sent.clone());
                frames.advance(&mut [0; PREFACE_BYTES]).expect("no flood");
                bytes.chunks_mut(piece).for_each(|chunk| frames.advance(chunk).expect("no flood"));
                assert_eq!((bytes != sent, frames.payload_left), (is_followed, 0), "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_fragment_in_a_head_is_seen_wherever_the_frames_have_it() {
        let path = |mark: u8| [&[0x04, 4][..], &[b'/', b'a', mark, b'b']].concat();
        let padded = |mark: u8| [&[3, 0, 0, 0, 0, 7][..], &path(mark), b"##\x04"].concat();
        let parts = |mark: u8| {
            let path = path(mark);
            let (one, two) = path.split_at(3);
            let on = |stream: u8, mut bytes: Vec<u8>| {
                bytes[FRAME_HEAD_BYTES - 1] = stream;
                bytes
            };
            [
                frame(HEADERS, 1, one),
                frame(CONTINUATION, 0, b""),
                frame(CONTINUATION, 4, two),
                on(3, frame(HEADERS, 5 | PADDED | PRIORITY, &padded(mark))),
                on(5, frame(HEADERS, 5 | PADDED, &[&[0][..], &path].concat())),
                frame(PUSH_PROMISE, 4 | PADDED, &[&[1, 0, 0, 0, 2][..], &path, b"#"].concat()),
                frame(DATA, 1, &path),
            ]
            .concat()
        };
        let (mut wanted, sent) = (parts(b'>'), parts(b'#'));
        // A body's bytes are its own.
        let body = wanted.len() - 6;
        wanted[body..].copy_from_slice(&sent[body..]);
        for piece in [1, 5, 10, sent.len()] {
            let (mut frames, mut bytes) = (Frames::new(10), sent.clone());
            frames.advance(&mut [0; PREFACE_BYTES]).expect("no flood");
            bytes.chunks_mut(piece).for_each(|chunk| frames.advance(chunk).expect("no flood"));
            assert_eq!(bytes, wanted, "in pieces of {piece}");
        }
    }
}
