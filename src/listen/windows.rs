//! How much room callers of HTTP/2 give replies: their flow control (RFC 9113, sections 5.2 and 6.9), followed in the frames of
//! both sides. hyper hands a piece of a body to h2 and learns no more of it than that it is gone; what a caller takes of it,
//! and since when it takes nothing, stands in the frames alone.
//!
//! A stream without room for too long is reset from here, to both sides: the caller gets RST_STREAM, and h2 reads the same as
//! if the caller had sent it.
//!
//! - In doubt: waits. A stream that isn't followed is never reset.
//! - Cost: a look at each frame's head; payload is passed over.

use std::time::{Duration, Instant};
use tokio::io::ReadBuf;

/// The windows of one connection.
#[derive(Debug)]
pub(super) struct Windows {
    inward: Reader,
    outward: Reader,
    /// What a new stream has.
    initial: i64,
    connection: Window,
    /// Those whose reply isn't whole, by their ids.
    streams: Vec<Stream>,
    streams_max: usize,
    last: u32,
    has_settings: bool,
    is_leaving: bool,
    /// Resets that are still to be told: to h2, to the caller, and since when.
    for_h2: Vec<u8>,
    for_caller: Vec<u8>,
    untold_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    room: i64,
    /// Since when there is none.
    shut: Option<Instant>,
}

#[derive(Debug)]
struct Stream {
    id: u32,
    window: Window,
    /// The head of its reply is sent: from then on the caller has something to take.
    is_answered: bool,
}

impl Window {
    fn grow(&mut self, by: i64) {
        self.room = self.room.saturating_add(by);
        self.note();
    }

    /// The caller took so much.
    fn take(&mut self, bytes: i64) {
        self.room = self.room.saturating_sub(bytes);
        self.shut = None;
        self.note();
    }

    fn note(&mut self) {
        self.shut = (self.room <= 0).then(|| self.shut.unwrap_or_else(Instant::now));
    }
}

impl Windows {
    pub(super) fn new(streams_max: u32) -> Self {
        Self {
            inward: Reader::behind(PREFACE_BYTES),
            outward: Reader::behind(0),
            initial: INITIAL_WINDOW_BYTES,
            connection: Window { room: INITIAL_WINDOW_BYTES, shut: None },
            streams: Vec::new(),
            // Some more: those that h2 turns away are here until it says so.
            streams_max: 2 * streams_max as usize + 64,
            last: 0,
            has_settings: false,
            is_leaving: false,
            for_h2: Vec::new(),
            for_caller: Vec::new(),
            untold_since: None,
        }
    }

    /// Whether the caller's SETTINGS came: it speaks HTTP/2.
    pub(super) const fn has_settings(&self) -> bool {
        self.has_settings
    }

    /// Since when some reply has had no room.
    pub(super) fn shut_since(&self) -> Option<Instant> {
        let answered = self.streams.iter().filter(|stream| stream.is_answered);
        let streams = answered.clone().filter_map(|stream| stream.window.shut).min();
        let connection = self.connection.shut.filter(|_| answered.clone().next().is_some());
        [streams, connection, self.untold_since].into_iter().flatten().min()
    }

    /// Frames from the caller.
    pub(super) fn came(&mut self, mut bytes: &[u8]) {
        while let Some(seen) = self.inward.next(&mut bytes) {
            match seen {
                Seen::Frame(Frame { kind: HEADERS, id, .. }) if id > self.last => {
                    self.last = id;
                    if self.streams.len() < self.streams_max && !self.is_leaving {
                        let window = Window { room: self.initial, shut: None };
                        self.streams.push(Stream { id, window, is_answered: false });
                    }
                }
                Seen::Frame(Frame { kind: RST_STREAM, id, .. }) => self.ended(id),
                Seen::Frame(Frame { kind: SETTINGS, .. }) => self.has_settings = true,
                Seen::Frame(_) => {}
                Seen::Grant { id: 0, bytes } => self.connection.grow(bytes),
                Seen::Grant { id, bytes } => {
                    if let Some(stream) = self.stream(id) {
                        stream.window.grow(bytes);
                    }
                }
                Seen::Initial(bytes) => {
                    let more = bytes - std::mem::replace(&mut self.initial, bytes);
                    self.streams.iter_mut().for_each(|stream| stream.window.grow(more));
                }
            }
        }
    }

    /// Frames to the caller.
    pub(super) fn went(&mut self, mut bytes: &[u8]) {
        while let Some(seen) = self.outward.next(&mut bytes) {
            let Seen::Frame(frame) = seen else { continue };
            match frame.kind {
                DATA if frame.length > 0 => {
                    self.connection.take(frame.length);
                    if let Some(stream) = self.stream(frame.id) {
                        stream.window.take(frame.length);
                    }
                }
                HEADERS => {
                    if let Some(stream) = self.stream(frame.id) {
                        stream.is_answered = true;
                        // Without room from its beginning: the caller may have given none before there was a reply.
                        stream.window.take(0);
                    }
                }
                RST_STREAM => self.ended(frame.id),
                GOAWAY => self.is_leaving = true,
                _ => {}
            }
            if matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0 {
                self.ended(frame.id);
            }
        }
    }

    /// Resets the streams that have had no room for `limit`; gives how many.
    pub(super) fn reset_shut(&mut self, now: Instant, limit: Duration) -> usize {
        let is_due =
            |stream: &Stream| stream.is_answered && stream.window.shut.is_some_and(|at| now >= at + limit);
        let due: Vec<u32> = self.streams.iter().filter(|stream| is_due(stream)).map(|s| s.id).collect();
        for id in &due {
            let [a, b, c, d] = id.to_be_bytes();
            let frame = [0, 0, 4, RST_STREAM, 0, a, b, c, d, 0, 0, 0, CANCEL];
            self.for_h2.extend(frame);
            self.for_caller.extend(frame);
            self.ended(*id);
        }
        if !due.is_empty() {
            self.untold_since.get_or_insert(now);
        }
        due.len()
    }

    /// Whether h2 is told something before it reads on, which it can't be within a frame or a header block.
    pub(super) fn tell_h2(&mut self, is_mid_block: bool, buf: &mut ReadBuf<'_>) -> bool {
        let is_between = self.inward.is_between() && !is_mid_block;
        if self.for_h2.is_empty() || !is_between {
            return false;
        }
        let count = self.for_h2.len().min(buf.remaining());
        buf.put_slice(self.for_h2.get(..count).unwrap_or_default());
        self.for_h2.drain(..count);
        self.note_told();
        true
    }

    /// What the caller is told, where the frames to it are whole.
    pub(super) fn tell_caller(&mut self) -> Option<Vec<u8>> {
        let is_due = !self.for_caller.is_empty() && self.outward.is_between();
        is_due.then(|| {
            let frames = std::mem::take(&mut self.for_caller);
            self.note_told();
            frames
        })
    }

    fn note_told(&mut self) {
        if self.for_h2.is_empty() && self.for_caller.is_empty() {
            self.untold_since = None;
        }
    }

    fn stream(&mut self, id: u32) -> Option<&mut Stream> {
        let at = self.streams.binary_search_by_key(&id, |stream| stream.id).ok()?;
        self.streams.get_mut(at)
    }

    fn ended(&mut self, id: u32) {
        if let Ok(at) = self.streams.binary_search_by_key(&id, |stream| stream.id) {
            self.streams.remove(at);
        }
    }
}

/// Reads frames as far as it takes here.
#[derive(Debug)]
struct Reader {
    /// Bytes of the frame at hand that are to come.
    left: usize,
    frame: Frame,
    /// Of so many bytes each are the parts of its payload that are looked at; 0: it is passed over.
    part: usize,
    kept: [u8; FRAME_HEAD_BYTES],
    have: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    kind: u8,
    flags: u8,
    id: u32,
    length: i64,
}

enum Seen {
    /// A frame began.
    Frame(Frame),
    /// A window grows.
    Grant { id: u32, bytes: i64 },
    /// What new streams have.
    Initial(i64),
}

impl Reader {
    fn behind(preface: usize) -> Self {
        Self { left: preface, frame: Frame::default(), part: 0, kept: [0; FRAME_HEAD_BYTES], have: 0 }
    }

    /// Whether the last byte was a frame's last.
    const fn is_between(&self) -> bool {
        self.left == 0 && self.have == 0
    }

    /// What stands next in the bytes, which it takes off them; `None`: nothing that matters.
    fn next(&mut self, bytes: &mut &[u8]) -> Option<Seen> {
        while !bytes.is_empty() {
            let wanted = match self.left {
                0 => FRAME_HEAD_BYTES,
                left if self.part > 0 && left >= self.part => self.part,
                left => {
                    let taken = left.min(bytes.len());
                    self.left -= taken;
                    *bytes = bytes.get(taken..).unwrap_or_default();
                    continue;
                }
            };
            let taken = bytes.len().min(wanted - self.have);
            let slots = self.kept.iter_mut().skip(self.have);
            slots.zip(bytes.iter().take(taken)).for_each(|(slot, byte)| *slot = *byte);
            self.have += taken;
            *bytes = bytes.get(taken..).unwrap_or_default();
            if self.have < wanted {
                return None;
            }
            self.have = 0;
            if self.left == 0 {
                return Some(Seen::Frame(self.begin()));
            }
            self.left -= wanted;
            if let Some(seen) = self.part() {
                return Some(seen);
            }
        }
        None
    }

    fn begin(&mut self) -> Frame {
        let [a, b, c, kind, flags, id @ ..] = self.kept;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.left = length as usize;
        self.part = match kind {
            WINDOW_UPDATE => 4,
            SETTINGS => 6,
            _ => 0,
        };
        self.frame = Frame { kind, flags, id: u32::from_be_bytes(id) & STREAM_ID, length: length.into() };
        self.frame
    }

    fn part(&self) -> Option<Seen> {
        let [a, b, c, d, e, f, ..] = self.kept;
        match self.frame.kind {
            WINDOW_UPDATE => {
                let bytes = u32::from_be_bytes([a, b, c, d]) & STREAM_ID;
                Some(Seen::Grant { id: self.frame.id, bytes: bytes.into() })
            }
            _ if u16::from_be_bytes([a, b]) == INITIAL_WINDOW_SIZE => {
                Some(Seen::Initial(u32::from_be_bytes([c, d, e, f]).into()))
            }
            _ => None,
        }
    }
}

const PREFACE_BYTES: usize = 24;
const FRAME_HEAD_BYTES: usize = 9;
/// Of a connection, and of streams until SETTINGS say otherwise (RFC 9113, section 6.9.2).
const INITIAL_WINDOW_BYTES: i64 = 65_535;
const STREAM_ID: u32 = 0x7fff_ffff;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const INITIAL_WINDOW_SIZE: u16 = 4;
/// The stream is no longer needed (RFC 9113, section 7).
const CANCEL: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
        [&length[1..], &[kind, flags], &id.to_be_bytes(), payload].concat()
    }

    /// Of a caller that gave streams no room at first.
    fn begun(piece: usize) -> Windows {
        let mut windows = Windows::new(10);
        let settings = frame(SETTINGS, 0, 0, &[0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0]);
        let came = [&[0; PREFACE_BYTES][..], &settings, &frame(HEADERS, 5, 1, b"head")].concat();
        came.chunks(piece).for_each(|bytes| windows.came(bytes));
        windows
    }

    fn went(windows: &mut Windows, frames: &[u8], piece: usize) {
        frames.chunks(piece).for_each(|bytes| windows.went(bytes));
    }

    #[test]
    fn a_reply_without_room_is_told_and_each_byte_that_is_taken_counts_anew() {
        for piece in [1, 5, 1000] {
            let mut windows = begun(piece);
            assert!(windows.has_settings() && windows.shut_since().is_none(), "there is no reply yet");
            went(&mut windows, &frame(HEADERS, 4, 1, b"head"), piece);
            let first = windows.shut_since().expect("no room");
            windows.came(&frame(WINDOW_UPDATE, 0, 1, &[0, 0, 0, 2]));
            assert!(windows.shut_since().is_none(), "there is");
            went(&mut windows, &frame(DATA, 0, 1, b"a"), piece);
            assert!(windows.shut_since().is_none(), "there still is");
            went(&mut windows, &frame(DATA, 0, 1, b"b"), piece);
            assert!(windows.shut_since().expect("used up") > first);
            windows.came(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 1]));
            assert!(windows.shut_since().is_none(), "all streams have one more");
            windows.came(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
            assert!(windows.shut_since().is_some());
            went(&mut windows, &frame(DATA, END_STREAM, 1, b""), piece);
            assert!(windows.shut_since().is_none(), "it is whole");
        }
    }

    #[test]
    fn a_stream_alone_is_reset_and_both_sides_are_told_between_frames() {
        let mut windows = begun(1000);
        windows.came(&frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 9]));
        windows.came(&frame(HEADERS, 5, 3, b"head"));
        for id in [1, 3] {
            windows.went(&frame(HEADERS, 4, id, b"head"));
        }
        windows.went(&frame(DATA, 0, 1, b"nine byte"));
        let now = Instant::now();
        assert_eq!(windows.reset_shut(now, Duration::from_secs(1)), 0);
        assert_eq!(windows.reset_shut(now, Duration::ZERO), 1);
        let reset = [&frame(RST_STREAM, 0, 1, &[0, 0, 0])[..], &[CANCEL]].concat();
        let reset = [&[0, 0, 4][..], &reset[3..]].concat();
        let ping = frame(6, 0, 0, &[0; 8]);
        windows.came(&ping[..10]);
        windows.went(&ping[..10]);
        let (mut space, mut told) = ([0; 8], Vec::new());
        assert!(!windows.tell_h2(false, &mut ReadBuf::new(&mut space)), "within a frame");
        assert_eq!(windows.tell_caller(), None, "within a frame");
        windows.came(&ping[10..]);
        windows.went(&ping[10..]);
        assert!(!windows.tell_h2(true, &mut ReadBuf::new(&mut space)), "within a block");
        assert!(windows.shut_since().is_some(), "nobody is told yet");
        loop {
            let mut buf = ReadBuf::new(&mut space);
            if !windows.tell_h2(false, &mut buf) {
                break;
            }
            told.extend_from_slice(buf.filled());
        }
        assert_eq!(told, reset);
        assert_eq!(windows.tell_caller(), Some(reset));
        assert_eq!((windows.shut_since(), windows.tell_caller()), (None, None));
    }

    #[test]
    fn a_connection_without_room_is_told_as_long_as_there_is_a_reply() {
        let mut windows = Windows::new(10);
        windows.came(&[&[0; PREFACE_BYTES][..], &frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0])].concat());
        windows.came(&frame(HEADERS, 5, 1, b"head"));
        windows.went(&frame(HEADERS, 4, 1, b"head"));
        let all = vec![0; 65_535];
        windows.went(&frame(DATA, 0, 1, &all));
        assert!(windows.shut_since().is_some());
        assert_eq!(windows.reset_shut(Instant::now(), Duration::ZERO), 0, "the stream has room");
        windows.came(&frame(RST_STREAM, 0, 1, &[0; 4]));
        assert_eq!(windows.shut_since(), None);
    }
}
