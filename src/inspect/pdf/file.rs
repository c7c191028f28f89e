//! A file as a row of objects (ISO 32000-1, section 7.5): all that stand in it, old revisions too. No table says where.

use super::Room;
use super::filter;
use super::object::{Dict, Lexer, Object};
use crate::inspect::finding::UninspectedReason;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

/// One definition of an object.
pub(super) struct Entry {
    pub(super) number: u32,
    pub(super) object: Object,
    /// Bytes of its stream, where it is one.
    pub(super) stream: Option<Range<usize>>,
}

/// All objects of a file.
pub(super) struct File<'b> {
    bytes: &'b [u8],
    pub(super) entries: Vec<Entry>,
    /// The last definition of each number.
    latest: HashMap<u32, usize>,
    /// Trailers: they are no objects.
    pub(super) trailers: Vec<Object>,
    /// What stands between objects, and in comments.
    pub(super) strays: Vec<u8>,
}

impl<'b> File<'b> {
    pub(super) fn read(bytes: &'b [u8], room: &mut Room) -> Self {
        let mut file = Self {
            bytes,
            entries: Vec::new(),
            latest: HashMap::new(),
            trailers: Vec::new(),
            strays: Vec::new(),
        };
        let mut lexer = Lexer::new(bytes, OBJECTS_MAX);
        let (mut stray_bytes, mut last_end) = (0, 0);
        loop {
            lexer.blanks();
            let from = lexer.at;
            if let Some(number) = head(&mut lexer) {
                file.entry(number, &mut lexer, room);
                last_end = lexer.at;
                continue;
            }
            match lexer.object() {
                None => break,
                Some(Object::Word(word)) if &*word == b"xref" => table(&mut lexer),
                Some(Object::Word(word)) if &*word == b"startxref" => table(&mut lexer),
                Some(Object::Word(word)) if &*word == b"trailer" => {
                    file.trailers.extend(lexer.object().filter(|object| object.dict().is_some()));
                }
                // Of an object that was read to its end, or broke off.
                Some(Object::Word(word)) if &*word == b"endobj" => {}
                Some(Object::Word(word)) if word.starts_with(b"endobj") => lexer.at = from + 6,
                Some(_) => {
                    let stray = bytes.get(from..lexer.at).unwrap_or_default();
                    stray_bytes += stray.iter().filter(|b| b.is_ascii_graphic()).count();
                    file.strays.extend_from_slice(stray);
                    file.strays.push(b' ');
                }
            }
        }
        // Cut between two objects nothing else tells of it.
        let is_whole =
            bytes.get(last_end..).is_some_and(|rest| memchr::memmem::find(rest, b"%%EOF").is_some());
        if stray_bytes > STRAY_BYTES_MAX || !is_whole {
            room.unread(UninspectedReason::Malformed);
        }
        lexer.fault.into_iter().for_each(|fault| room.unread(fault));
        file.strays.push(b'\n');
        file.strays.append(&mut lexer.comments);
        file
    }

    /// What follows the head of an object: it, its stream, the end.
    fn entry(&mut self, number: u32, lexer: &mut Lexer<'b>, room: &mut Room) {
        let before = lexer.at;
        let object = match lexer.object() {
            None => return room.unread(UninspectedReason::Malformed),
            // An empty one.
            Some(Object::Word(word)) if &*word == b"endobj" => {
                lexer.at = before;
                Object::Nothing
            }
            Some(Object::Word(_)) => {
                room.unread(UninspectedReason::Malformed);
                Object::Nothing
            }
            Some(object) => object,
        };
        lexer.blanks();
        let stream = match object.dict() {
            Some(dict) if lexer.rest().starts_with(b"stream") => {
                lexer.at += b"stream".len();
                let stream = self.stream(dict, lexer);
                if stream.is_none() {
                    room.unread(UninspectedReason::Malformed);
                }
                stream
            }
            _ => None,
        };
        let packed = stream.clone().zip(object.dict()).filter(|(_, dict)| dict.is("Type", "ObjStm"));
        let packed = packed.map(|(stream, dict)| {
            let raw = self.bytes.get(stream).unwrap_or_default();
            let count = dict.get("N").and_then(|n| self.resolved(n)).and_then(Object::count);
            let first = dict.get("First").and_then(|n| self.resolved(n)).and_then(Object::count);
            (self.undone(dict, raw, room), count.unwrap_or(usize::MAX), first.unwrap_or(usize::MAX))
        });
        self.push(number, object, stream);
        if let Some((bytes, count, first)) = packed {
            match bytes {
                Ok(bytes) => self.packed(&bytes, count, first, &mut lexer.room, room),
                Err(reason) => room.unread(reason),
            }
        }
    }

    fn push(&mut self, number: u32, object: Object, stream: Option<Range<usize>>) {
        self.latest.insert(number, self.entries.len());
        self.entries.push(Entry { number, object, stream });
    }

    /// Bytes of a stream: as many as its dictionary says, if the end stands there, else up to the end that comes.
    fn stream(&self, dict: &Dict, lexer: &mut Lexer<'b>) -> Option<Range<usize>> {
        let rest = lexer.rest();
        let line_end = match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => 0,
        };
        let from = lexer.at + line_end;
        let ends = |at: usize| {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let blanks = rest.iter().take(4).take_while(|b| b.is_ascii_whitespace()).count();
            rest.get(blanks..).is_some_and(|rest| rest.starts_with(END)).then_some(at + blanks)
        };
        let told = dict.get("Length").and_then(|length| self.resolved(length)).and_then(Object::count);
        let told = told.and_then(|length| from.checked_add(length)).and_then(|end| Some((end, ends(end)?)));
        let found = || {
            let at = from + memchr::memmem::find(self.bytes.get(from..)?, END)?;
            Some((at, at))
        };
        let (end, mark) = told.or_else(found).unwrap_or((self.bytes.len(), self.bytes.len()));
        lexer.at = (mark + END.len()).min(self.bytes.len());
        (mark < self.bytes.len()).then_some(from..end)
    }

    /// Objects of an object stream (section 7.5.7): their numbers and places, then they themselves, in order.
    fn packed(&mut self, bytes: &[u8], count: usize, first: usize, nodes: &mut usize, room: &mut Room) {
        let mut lexer = Lexer::new(bytes.get(..first.min(bytes.len())).unwrap_or_default(), *nodes);
        let mut heads = Vec::new();
        while heads.len() < count {
            let number = lexer.object().and_then(|n| n.count());
            let Some((number, at)) = number.zip(lexer.object().and_then(|n| n.count())) else { break };
            heads.push((u32::try_from(number).unwrap_or_default(), at));
        }
        if heads.len() < count {
            room.unread(UninspectedReason::Malformed);
        }
        self.strays.append(&mut lexer.comments);
        let mut lexer = Lexer::new(bytes, lexer.room);
        lexer.at = first.min(bytes.len());
        for (number, at) in heads {
            let at = first.saturating_add(at).min(bytes.len());
            // Places that lead back would be read over and over.
            if at < lexer.at {
                room.unread(UninspectedReason::Malformed);
            } else {
                self.strays.extend_from_slice(bytes.get(lexer.at..at).unwrap_or_default().trim_ascii());
                lexer.at = at;
            }
            match lexer.object() {
                Some(object) => self.push(number, object, None),
                None => {
                    room.unread(UninspectedReason::Malformed);
                    break;
                }
            }
        }
        self.strays.extend_from_slice(lexer.rest().trim_ascii());
        self.strays.append(&mut lexer.comments);
        lexer.fault.into_iter().for_each(|fault| room.unread(fault));
        *nodes = lexer.room;
    }

    /// What a reference leads to; all else is itself.
    pub(super) fn resolved<'f>(&'f self, object: &'f Object) -> Option<&'f Object> {
        let mut object = object;
        for _ in 0..REFERENCES_MAX {
            let Object::Ref(number) = object else { return Some(object) };
            object = &self.entries.get(*self.latest.get(number)?)?.object;
        }
        None
    }

    /// The entry of a dictionary, led on.
    pub(super) fn of<'f>(&'f self, dict: &'f Dict, key: &str) -> Option<&'f Object> {
        self.resolved(dict.get(key)?)
    }

    pub(super) fn dict_of<'f>(&'f self, dict: &'f Dict, key: &str) -> Option<&'f Dict> {
        self.of(dict, key)?.dict()
    }

    /// The index of the entry that a reference leads to, a stream.
    pub(super) fn stream_at(&self, object: &Object) -> Option<usize> {
        let mut object = object;
        for _ in 0..REFERENCES_MAX {
            let Object::Ref(number) = object else { return None };
            let at = *self.latest.get(number)?;
            let entry = self.entries.get(at)?;
            if entry.stream.is_some() {
                return Some(at);
            }
            object = &entry.object;
        }
        None
    }

    pub(super) fn is_latest(&self, at: usize) -> bool {
        self.entries.get(at).is_some_and(|entry| self.latest.get(&entry.number) == Some(&at))
    }

    /// The plain bytes of a stream.
    pub(super) fn plain(&self, at: usize, room: &mut Room) -> Result<Cow<'b, [u8]>, UninspectedReason> {
        let entry = self.entries.get(at).ok_or(UninspectedReason::Malformed)?;
        let (Some(dict), Some(stream)) = (entry.object.dict(), entry.stream.clone()) else {
            return Err(UninspectedReason::Malformed);
        };
        self.undone(dict, self.bytes.get(stream).unwrap_or_default(), room)
    }

    fn undone(
        &self,
        dict: &Dict,
        raw: &'b [u8],
        room: &mut Room,
    ) -> Result<Cow<'b, [u8]>, UninspectedReason> {
        // What stands in another file isn't here.
        if dict.get("F").is_some_and(|f| !matches!(f, Object::Name(_))) || dict.get("FFilter").is_some() {
            return Err(UninspectedReason::Elsewhere);
        }
        let plain = filter::undone(self, dict, raw, room.left)?;
        if room.take(plain.len()) { Ok(plain) } else { Err(UninspectedReason::Bomb) }
    }
}

/// The number of an object whose head stands here, `12 0 obj`.
fn head(lexer: &mut Lexer<'_>) -> Option<u32> {
    if !lexer.rest().first()?.is_ascii_digit() {
        return None;
    }
    let from = lexer.at;
    let rest = lexer.rest();
    let mut at = 0;
    let mut digits = |max: usize| {
        let rest = rest.get(at..).unwrap_or_default();
        let length = rest.iter().take(max + 1).take_while(|b| b.is_ascii_digit()).count();
        let blanks =
            rest.iter().skip(length).take(BLANKS_MAX).take_while(|b| b.is_ascii_whitespace()).count();
        at += length + blanks;
        std::str::from_utf8(rest.get(..length)?).ok()?.parse::<u32>().ok().filter(|_| length <= max)
    };
    let number = digits(10)?;
    digits(5)?;
    let is_head = rest.get(at..).is_some_and(|rest| rest.starts_with(b"obj"));
    lexer.at = if is_head { from + at + b"obj".len() } else { from };
    is_head.then_some(number)
}

/// Passes over a cross-reference table: numbers, `n` and `f`.
fn table(lexer: &mut Lexer<'_>) {
    loop {
        lexer.blanks();
        let from = lexer.at;
        let is_head = head(lexer).is_some();
        if !is_head {
            match lexer.object() {
                Some(Object::Number(_)) => continue,
                Some(Object::Word(word)) if matches!(&*word, b"n" | b"f") => continue,
                _ => {}
            }
        }
        lexer.at = from;
        return;
    }
}

const END: &[u8] = b"endstream";
/// Objects and their parts in one file.
const OBJECTS_MAX: usize = 1 << 20;
/// References that lead to references.
const REFERENCES_MAX: usize = 8;
/// Bytes that are of no object, before a file counts as one that isn't read.
const STRAY_BYTES_MAX: usize = 64;
/// Between the numbers of an object's head.
const BLANKS_MAX: usize = 8;
