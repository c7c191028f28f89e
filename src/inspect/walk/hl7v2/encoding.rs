//! ER7 encoding: the separators that a header declares, and escapes undone (HL7 v2.5.1 §2.5.4, §2.7; v2.7 for the
//! truncation character).

use crate::inspect::simd::{BLOCK, Sets};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

/// The separators that MSH-1 and MSH-2 (or those of FHS, BHS) declare. All ASCII, all different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Separators {
    /// Between fields.
    pub(crate) field: u8,
    /// Between components.
    pub(crate) component: u8,
    /// Between repetitions.
    pub(crate) repetition: Option<u8>,
    /// Around escapes.
    pub(crate) escape: Option<u8>,
    /// Between subcomponents.
    pub(crate) subcomponent: Option<u8>,
    /// Ends a truncated value (from v2.7).
    pub(crate) truncation: Option<u8>,
}

impl Separators {
    /// Reads the separators of a header segment, and where its third field begins (the segment's length if it has
    /// none). `None` when they are cut short, doubled, or can't be separators.
    pub(crate) fn declared(header: &[u8]) -> Option<(Self, usize)> {
        let field = *header.get(3)?;
        let rest = header.get(4..)?;
        let (chars, third) = match memchr::memchr(field, rest) {
            Some(end) => (rest.get(..end)?, 4 + end + 1),
            None if rest.len() >= 4 => (rest, header.len()),
            None => return None,
        };
        let doubled = |at: usize, c: &u8| *c == field || chars.iter().take(at).any(|before| before == c);
        if chars.len() > 5
            || !may_separate(field)
            || chars.iter().enumerate().any(|(at, c)| !may_separate(*c) || doubled(at, c))
        {
            return None;
        }
        let at = |n: usize| chars.get(n).copied();
        let separators = Self {
            field,
            component: at(0)?,
            repetition: at(1),
            escape: at(2),
            subcomponent: at(3),
            truncation: at(4),
        };
        Some((separators, third))
    }

    /// What ends segments and fields and what parts them.
    pub(super) fn marks(self) -> Marks {
        let own = (self != USUAL).then(|| Box::new(self.sets()));
        Marks { own, block: usize::MAX, bits: [0; 3] }
    }

    fn sets(self) -> Sets<3> {
        let inner = [Some(self.component), self.repetition, self.escape, self.subcomponent];
        Sets::new([
            &|byte| byte == self.field,
            &|byte| byte != self.field && inner.contains(&Some(byte)),
            &|byte| matches!(byte, b'\r' | b'\n' | FS),
        ] as [&dyn Fn(u8) -> bool; 3])
    }

    /// The value of a leaf: escapes undone, bytes that aren't UTF-8 read as Latin-1. Never fails.
    pub(crate) fn decode<'a>(&self, raw: &'a [u8]) -> Cow<'a, str> {
        match self.escape {
            Some(escape) if find(escape, raw).is_some() => {
                let bytes = self.unescape(raw, escape);
                Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|e| latin1(e.as_bytes())))
            }
            _ => match std::str::from_utf8(raw) {
                Ok(text) => Cow::Borrowed(text),
                Err(_) => Cow::Owned(latin1(raw)),
            },
        }
    }

    /// An escape that isn't one (unclosed, unknown) stays as it is written, so that nothing can hide in it.
    fn unescape(&self, raw: &[u8], escape: u8) -> Vec<u8> {
        let mut out = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(open) = memchr::memchr(escape, rest) {
            let (before, from) = rest.split_at(open);
            out.extend_from_slice(before);
            let inside = from.get(1..).unwrap_or_default();
            let undone = memchr::memchr(escape, inside)
                .filter(|close| self.undo(inside.get(..*close).unwrap_or_default(), escape, &mut out));
            rest = match undone {
                Some(close) => inside.get(close + 1..).unwrap_or_default(),
                None => {
                    out.push(escape);
                    inside
                }
            };
        }
        out.extend_from_slice(rest);
        out
    }

    /// Undoes one escape; `false` when it is none.
    fn undo(&self, inside: &[u8], escape: u8, out: &mut Vec<u8>) -> bool {
        match inside {
            b"F" => out.push(self.field),
            b"S" => out.push(self.component),
            b"T" => out.push(self.subcomponent.unwrap_or(b'&')),
            b"R" => out.push(self.repetition.unwrap_or(b'~')),
            b"E" => out.push(escape),
            b"P" => out.push(self.truncation.unwrap_or(b'#')),
            b"H" | b"N" => {}
            [b'X' | b'x', digits @ ..] => return hex(digits, out),
            [b'C', digits @ ..] => return digits.len() == 4 && digits.iter().all(u8::is_ascii_hexdigit),
            [b'M', digits @ ..] => {
                return matches!(digits.len(), 4 | 6) && digits.iter().all(u8::is_ascii_hexdigit);
            }
            [b'Z', local @ ..] => return local.len() <= LOCAL_ESCAPE_BYTES_MAX,
            [b'.', command @ ..] => return format_command(command, out),
            _ => return false,
        }
        true
    }
}

/// Which bytes end a field, which are a separator or an escape inside of one, and which end a segment.
pub(super) struct Marks {
    /// Where others are declared than nearly all messages declare.
    own: Option<Box<Sets<3>>>,
    /// The block that was looked at last, and where its marks are: segments are short, and the next one
    /// begins where one ends.
    block: usize,
    bits: [u64; 3],
}

/// A field of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldAt {
    pub(super) span: Range<usize>,
    /// Whether it is one value without separators and escapes, as most are.
    pub(super) plain: bool,
}

/// Where fields end.
enum Stop {
    /// With their segment, here.
    End(usize),
    /// There are enough of them, and the next begins here.
    Enough(usize),
}

impl Marks {
    /// Puts the fields from `start` to the end of a segment in `out`, until it has `most`. Gives where the
    /// segment ends, and where the next field begins, if there is one.
    pub(super) fn segment(
        &mut self,
        doc: &[u8],
        start: usize,
        most: usize,
        out: &mut Vec<FieldAt>,
    ) -> (usize, Option<usize>) {
        match self.fields(doc, start, most, out) {
            Stop::End(end) => (end, None),
            Stop::Enough(next) => (segment_end(doc, next), Some(next)),
        }
    }

    /// The field that begins at `start`, and where the next begins, if the segment has one.
    pub(super) fn field(&mut self, doc: &[u8], start: usize) -> (FieldAt, Option<usize>) {
        let mut field = Vec::with_capacity(1);
        let next = match self.fields(doc, start, 1, &mut field) {
            Stop::End(_) => None,
            Stop::Enough(next) => Some(next),
        };
        (field.pop().unwrap_or(FieldAt { span: start..start, plain: false }), next)
    }

    fn fields(&mut self, doc: &[u8], start: usize, most: usize, out: &mut Vec<FieldAt>) -> Stop {
        let (mut start, mut plain) = (start, true);
        let mut at = start;
        loop {
            let block = at - at % BLOCK;
            let [mut ends, mut inner, breaks] = self.from(doc, at);
            if breaks != 0 {
                let own = !(u64::MAX << breaks.trailing_zeros());
                (ends, inner) = (ends & own, inner & own);
            }
            while ends != 0 {
                let before = ends.trailing_zeros();
                let own = !(u64::MAX << before);
                let end = block + before as usize;
                out.push(FieldAt { span: start..end, plain: plain && inner & own == 0 });
                (start, plain) = (end + 1, true);
                (ends, inner) = (ends & (ends - 1), inner & !own);
                if out.len() == most {
                    return Stop::Enough(start);
                }
            }
            plain &= inner == 0;
            at = block + BLOCK;
            if breaks != 0 || at >= doc.len() {
                let end = doc.len().min(block + breaks.trailing_zeros() as usize);
                out.push(FieldAt { span: start..end, plain });
                return Stop::End(end);
            }
        }
    }

    /// The marks in the block of `at`, without those before it.
    fn from(&mut self, doc: &[u8], at: usize) -> [u64; 3] {
        let (block, before) = (at - at % BLOCK, at % BLOCK);
        if block != self.block {
            let sets = self.own.as_deref().unwrap_or_else(|| &USUAL_SETS);
            (self.block, self.bits) = (block, sets.of(doc, block));
        }
        let ([ends, inner, breaks], behind) = (self.bits, u64::MAX << before);
        [ends & behind, inner & behind, breaks & behind]
    }
}

/// Where a byte stands first. Most values are short: a call would cost more than a look at each byte.
#[inline]
pub(super) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let short = bytes.get(..SHORT_BYTES_MAX).unwrap_or(bytes);
    match short.iter().position(|b| *b == byte) {
        None if bytes.len() > short.len() => {
            let rest = bytes.get(short.len()..).unwrap_or_default();
            memchr::memchr(byte, rest).map(|at| at + short.len())
        }
        found => found,
    }
}

/// The pieces of `within` between separators, as spans of the document. Without a separator: one piece.
pub(crate) fn pieces(doc: &[u8], within: Range<usize>, separator: Option<u8>) -> Pieces<'_> {
    Pieces { doc, next: Some(within.start), end: within.end, separator }
}

/// See [`pieces`].
pub(crate) struct Pieces<'a> {
    doc: &'a [u8],
    next: Option<usize>,
    end: usize,
    separator: Option<u8>,
}

impl Iterator for Pieces<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.next?;
        let rest = self.doc.get(start..self.end).unwrap_or_default();
        match self.separator.and_then(|separator| find(separator, rest)) {
            Some(length) => {
                self.next = Some(start + length + 1);
                Some(start..start + length)
            }
            None => {
                self.next = None;
                Some(start..self.end)
            }
        }
    }
}

/// The next segment at or after `at`: ends are CR, LF, CRLF and the frame bytes of MLLP; blank lines, byte order
/// marks and indents are passed over.
pub(crate) fn next_segment(doc: &[u8], at: usize) -> Option<Range<usize>> {
    let start = segment_start(doc, at)?;
    Some(start..segment_end(doc, start))
}

/// Where the segment ends that has `at` in it.
fn segment_end(doc: &[u8], at: usize) -> usize {
    let rest = doc.get(at..).unwrap_or_default();
    memchr::memchr3(b'\r', b'\n', FS, rest).map_or(doc.len(), |length| at + length)
}

/// Where the next segment at or after `at` begins.
pub(super) fn segment_start(doc: &[u8], at: usize) -> Option<usize> {
    let mut start = at;
    loop {
        match doc.get(start..)? {
            [] => return None,
            [0xEF, 0xBB, 0xBF, ..] => start += 3,
            [b'\r' | b'\n' | VT | FS | b' ' | b'\t', ..] => start += 1,
            _ => return Some(start),
        }
    }
}

/// Whether the first segment is a header; looks no further than that takes.
pub(crate) fn begins_with_header(doc: &[u8]) -> bool {
    let Some(rest) = segment_start(doc, 0).and_then(|start| doc.get(start..)) else { return false };
    let head = rest.get(..rest.len().min(4)).unwrap_or_default();
    is_header(head.split(|c| matches!(c, b'\r' | b'\n') || *c == FS).next().unwrap_or_default())
}

/// Whether a segment is a header, which declares separators: MSH, FHS or BHS and then what may be one, or nothing.
pub(crate) fn is_header(segment: &[u8]) -> bool {
    let named = segment
        .get(..3)
        .is_some_and(|id| [b"MSH", b"FHS", b"BHS"].iter().any(|header| id.eq_ignore_ascii_case(*header)));
    named && segment.get(3).is_none_or(|c| may_separate(*c))
}

fn may_separate(c: u8) -> bool {
    c.is_ascii()
        && !c.is_ascii_alphanumeric()
        && !matches!(c, 0 | b' ' | b'\t' | b'"' | b'\r' | b'\n' | VT | FS)
}

fn latin1(raw: &[u8]) -> String {
    raw.iter().map(|b| char::from(*b)).collect()
}

fn hex(digits: &[u8], out: &mut Vec<u8>) -> bool {
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let before = out.len();
    let (pairs, odd) = digits.as_chunks::<2>();
    for [high, low] in pairs {
        match (digit(*high), digit(*low)) {
            (Some(high), Some(low)) => out.push(high << 4 | low),
            _ => {
                out.truncate(before);
                return false;
            }
        }
    }
    if !odd.is_empty() || pairs.is_empty() {
        out.truncate(before);
        return false;
    }
    true
}

/// Formatting of FT (§2.7.6): lines break, indents and skips are a space.
fn format_command(command: &[u8], out: &mut Vec<u8>) -> bool {
    let Some((name, count)) = command.split_at_checked(2) else { return false };
    if count.len() > 3 || !count.iter().all(|c| c.is_ascii_digit() || matches!(c, b'+' | b'-' | b' ')) {
        return false;
    }
    match name.to_ascii_lowercase().as_slice() {
        b"br" | b"sp" | b"ce" => out.push(b'\n'),
        b"in" | b"ti" | b"sk" => out.push(b' '),
        b"fi" | b"nf" => {}
        _ => return false,
    }
    true
}

/// What nearly all messages declare, and what holds until a header says otherwise.
pub(super) const USUAL: Separators = Separators {
    field: b'|',
    component: b'^',
    repetition: Some(b'~'),
    escape: Some(b'\\'),
    subcomponent: Some(b'&'),
    truncation: None,
};
static USUAL_SETS: LazyLock<Sets<3>> = LazyLock::new(|| USUAL.sets());
/// So many bytes are looked at one by one.
const SHORT_BYTES_MAX: usize = 24;
/// Start of an MLLP frame.
const VT: u8 = 0x0B;
/// End of an MLLP frame.
const FS: u8 = 0x1C;
/// A `\Z..\` escape of up to so many bytes is dropped; a longer one could carry a value, and stays.
const LOCAL_ESCAPE_BYTES_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Separators {
        Separators::declared(b"MSH|^~\\&|A").unwrap().0
    }

    #[test]
    fn separators_are_those_the_header_declares() {
        let (s, third) = Separators::declared(b"MSH@~&#\\%@APP").unwrap();
        assert_eq!((s.field, s.component, s.repetition, s.escape), (b'@', b'~', Some(b'&'), Some(b'#')));
        assert_eq!((s.subcomponent, s.truncation, third), (Some(b'\\'), Some(b'%'), 10));
        assert_eq!(Separators::declared(b"MSH|^~|A").unwrap().0.escape, None);
    }

    #[test]
    fn separators_that_are_doubled_or_cut_short_are_refused() {
        for header in [
            &b"MSH"[..],
            b"MSH|",
            b"MSH|^~",
            b"MSH||",
            b"MSH|^^|",
            b"MSH|^~\\\\&|",
            b"MSHA^~\\&A",
            b"MSH|^~\\&#%|",
        ] {
            assert_eq!(Separators::declared(header), None);
        }
    }

    #[test]
    fn fields_end_at_their_separator_and_are_plain_without_any_other() {
        let doc = b"a|b^c||d\\F\\|e&f|g~|h\rb|^";
        let mut marks = usual().marks();
        let (mut at, mut fields) = (Some(0), Vec::new());
        while let Some(start) = at {
            let (field, next) = marks.field(doc, start);
            fields.push((&doc[field.span], field.plain));
            at = next;
        }
        let want: [(&[u8], bool); 7] = [
            (b"a", true),
            (b"b^c", false),
            (b"", true),
            (b"d\\F\\", false),
            (b"e&f", false),
            (b"g~", false),
            (b"h", true),
        ];
        assert_eq!(fields, want);
    }

    #[test]
    fn segments_and_their_fields_are_the_same_wherever_they_lie() {
        for before in 0..2 * BLOCK {
            for length in [0, 1, 7, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
                let (pad, value) = ("x\r".repeat(before / 2 + 1), "v".repeat(length));
                let pad = &pad[before % 2..];
                for end in ["", "\r", "\nPID|9^", "\x1C\r"] {
                    let doc = format!("{pad}OBX|{value}|a^{value}|{end}");
                    let segment = next_segment(doc.as_bytes(), pad.len()).unwrap();
                    let (mut marks, mut fields) = (usual().marks(), Vec::new());
                    let told = marks.segment(doc.as_bytes(), pad.len(), 64, &mut fields);
                    assert_eq!(told, (segment.end, None));
                    let spans: Vec<_> = fields.iter().map(|field| field.span.clone()).collect();
                    let want: Vec<_> = pieces(doc.as_bytes(), segment.clone(), Some(b'|')).collect();
                    assert_eq!(spans, want);
                    assert_eq!(fields.iter().map(|f| f.plain).collect::<Vec<_>>(), [true, true, false, true]);
                    fields.clear();
                    let told = marks.segment(doc.as_bytes(), pad.len(), 2, &mut fields);
                    assert_eq!(told, (segment.end, Some(want[2].start)));
                }
            }
        }
    }

    #[test]
    fn escapes_are_undone() {
        for (raw, value) in [
            (r"a\F\b\S\c\T\d\R\e\E\f\P\", "a|b^c&d~e\\f#"),
            (r"\X4a6F\hn \X0D\", "John \r"),
            (r"caf\XC3A9\", "café"),
            (r"one\.br\two\.sp3\three\.in+4\four", "one\ntwo\nthree four"),
            (r"Jo\H\hn\N\ \Z01\x\C1A2B\y\M1A2B3C\", "John xy"),
            (r"\Zpatient\ \foo\F\ \Xzz\ open\", r"\Zpatient\ \foo| \Xzz\ open\"),
        ] {
            assert_eq!(usual().decode(raw.as_bytes()), value);
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_are_read_as_latin1() {
        assert_eq!(usual().decode(b"Jos\xE9"), "José");
        assert_eq!(usual().decode(b"Jos\\XE9\\ M"), "José M");
        assert!(matches!(usual().decode("José".as_bytes()), Cow::Borrowed("José")));
    }

    #[test]
    fn segments_end_at_cr_lf_crlf_and_frame_bytes() {
        let doc = b"\xEF\xBB\xBF\x0B\r\nMSH|1\rPID|2\nNTE|3\r\n\r\nOBX|4\x1C\r";
        let mut at = 0;
        let mut found = Vec::new();
        while let Some(span) = next_segment(doc, at) {
            at = span.end;
            found.push(&doc[span]);
        }
        assert_eq!(found, [&b"MSH|1"[..], b"PID|2", b"NTE|3", b"OBX|4"]);
    }
}
