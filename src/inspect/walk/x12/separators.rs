//! X12 encoding: the separators that an ISA declares, where segments and their pieces end, and how a piece reads
//! (ASC X12.5 and X12.6, 005010).

use std::borrow::Cow;
use std::ops::Range;

/// The separators of an interchange: any four bytes but letters, digits and the blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Separators {
    /// Between elements: byte 4 of ISA.
    pub(crate) element: u8,
    /// Between components: ISA16.
    pub(crate) component: Option<u8>,
    /// Between repetitions: ISA11, which holds a letter up to 00401.
    pub(crate) repetition: Option<u8>,
    /// Ends a segment: the byte behind ISA16.
    pub(crate) terminator: u8,
}

impl Separators {
    /// Reads the separators of an interchange header, and where it ends (before its terminator). Elements are counted,
    /// so that a header whose blanks were trimmed is read as well as one of 106 bytes.
    pub(crate) fn declared(isa: &[u8]) -> Option<(Self, usize)> {
        let head = isa.get(..isa.len().min(ISA_BYTES_MAX))?;
        let element = *head.strip_prefix(b"ISA").and_then(<[u8]>::first)?;
        if !may_separate(element) {
            return None;
        }
        let mut ends = memchr::memchr_iter(element, head);
        let eleventh = ends.nth(10)?;
        let twelfth = ends.next()?;
        let last = ends.nth(3)?;
        let component = *head.get(last + 1)?;
        let terminator = *head.get(last + 2)?;
        if !may_separate(terminator) || terminator == element {
            return None;
        }
        let distinct = |c: &u8| may_separate(*c) && *c != element && *c != terminator;
        let component = Some(component).filter(distinct);
        let repetition = match head.get(eleventh + 1..twelfth) {
            Some([c]) if distinct(c) && Some(*c) != component => Some(*c),
            _ => None,
        };
        Some((Self { element, component, repetition, terminator }, last + 2))
    }

    /// Separators of a group or transaction set without its interchange: the element separator stands behind the
    /// first id, and the terminator before the next one; the others are those that nearly everybody uses.
    pub(crate) fn guessed(fragment: &[u8]) -> Option<Self> {
        let id = [b"GS".as_slice(), b"ST"].into_iter().find(|id| fragment.starts_with(id))?;
        let element = *fragment.get(id.len())?;
        let head = fragment.get(..fragment.len().min(ISA_BYTES_MAX))?;
        let marks = |terminator| Self { element, component: None, repetition: None, terminator };
        let ends = |at: usize, c: u8| {
            c != element
                && may_separate(c)
                && marks(c).is_segment_start(fragment, at + 1)
                && fragment.len() > at + 1
        };
        let terminator =
            head.iter().enumerate().skip(id.len()).find(|(at, c)| ends(*at, **c)).map(|(_, c)| *c)?;
        let usual = |c: u8| Some(c).filter(|c| *c != element && *c != terminator);
        Some(Self {
            component: usual(b':').filter(|_| fragment.contains(&b':')).or(usual(b'>')),
            repetition: usual(b'^'),
            ..marks(terminator)
        })
        .filter(|_| may_separate(element))
    }

    /// The next segment at or after `at`; line ends and blanks between segments are passed over.
    pub(crate) fn next_segment(&self, doc: &[u8], at: usize) -> Option<Segment> {
        let start = skip_blanks(doc, at, Some(self.terminator))?;
        let rest = doc.get(start..)?;
        let binary = [b"BIN".as_slice(), b"BDS"]
            .iter()
            .any(|id| rest.starts_with(id) && rest.get(id.len()) == Some(&self.element));
        if binary && let Some(segment) = self.binary_segment(doc, start) {
            return Some(segment);
        }
        let end = self.segment_end(doc, start);
        Some(Segment { span: start..end, data: None, next: end + 1, length_lies: binary })
    }

    /// BIN (length, data) and BDS (filter, length, data): the length tells where the data ends, whatever stands in it.
    fn binary_segment(&self, doc: &[u8], start: usize) -> Option<Segment> {
        let id = start + 3;
        let lengths_at = if doc.get(start..id)? == b"BDS" {
            id + 1 + memchr::memchr(self.element, doc.get(id + 1..)?)?
        } else {
            id
        };
        let digits_at = lengths_at + 1;
        let digits = doc.get(digits_at..)?;
        let count = memchr::memchr(self.element, digits.get(..digits.len().min(LENGTH_DIGITS_MAX))?)?;
        let length: usize = std::str::from_utf8(digits.get(..count)?).ok()?.trim().parse().ok()?;
        let data = digits_at + count + 1;
        let end = data.checked_add(length).filter(|end| *end <= doc.len())?;
        let closes = end == doc.len() || doc.get(end) == Some(&self.terminator);
        closes.then_some(Segment {
            span: start..end,
            data: Some(data..end),
            next: end + 1,
            length_lies: false,
        })
    }

    fn segment_end(&self, doc: &[u8], start: usize) -> usize {
        let mut at = start;
        while let Some(found) = memchr::memchr(self.terminator, doc.get(at..).unwrap_or_default()) {
            let end = at + found;
            if !self.is_released(doc, start, end) || self.is_segment_start(doc, end + 1) {
                return end;
            }
            at = end + 1;
        }
        doc.len()
    }

    /// Whether a separator is released: a `?` before it makes it data, as in EDIFACT, which translators write where
    /// data holds a separator. Two of them are a question mark.
    fn is_released(&self, doc: &[u8], start: usize, at: usize) -> bool {
        let before = doc.get(start..at).unwrap_or_default();
        let run = before.iter().rev().take_while(|c| **c == RELEASE).take(RELEASES_MAX).count();
        run % 2 == 1 && !self.all().contains(&Some(RELEASE))
    }

    /// Whether a segment begins at `at`, or nothing more comes: then a terminator before it is no data.
    fn is_segment_start(&self, doc: &[u8], at: usize) -> bool {
        let Some(at) = skip_blanks(doc, at, None) else { return true };
        let rest = doc.get(at..).unwrap_or_default();
        let id = rest.iter().take(4).take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit()).count();
        (2..=3).contains(&id)
            && rest.first().is_some_and(u8::is_ascii_uppercase)
            && rest.get(id).is_some_and(|c| *c == self.element || *c == self.terminator)
    }

    /// The pieces of `within` between separators, as spans of the document. Without a separator: one piece.
    pub(crate) fn pieces<'a>(&'a self, doc: &'a [u8], within: Range<usize>, by: Option<u8>) -> Pieces<'a> {
        Pieces { marks: self, doc, next: Some(within.start), end: within.end, by }
    }

    /// The value of a piece: line ends of wrapped files and releases taken out; bytes that aren't UTF-8 read as
    /// Latin-1. Never fails.
    pub(crate) fn decode<'a>(&self, raw: &'a [u8]) -> Cow<'a, str> {
        let plain = !raw.iter().any(|c| matches!(c, b'\r' | b'\n' | &RELEASE));
        if plain && let Ok(text) = std::str::from_utf8(raw) {
            return Cow::Borrowed(text);
        }
        let marks = self.all();
        let mut bytes = Vec::with_capacity(raw.len());
        for (at, c) in raw.iter().enumerate() {
            let releases = *c == RELEASE
                && raw.get(at + 1).is_some_and(|next| marks.contains(&Some(*next)))
                && self.is_released(raw, 0, at + 1);
            if !releases && !matches!(c, b'\r' | b'\n') {
                bytes.push(*c);
            }
        }
        Cow::Owned(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(e) => e.as_bytes().iter().map(|b| char::from(*b)).collect(),
        })
    }

    fn all(&self) -> [Option<u8>; 4] {
        [Some(self.element), self.component, self.repetition, Some(self.terminator)]
    }
}

/// The segments of a document, each with the separators that hold for it: those of the last ISA, or `first` where a
/// group or transaction set begins it.
pub(crate) fn segments(doc: &[u8], first: Separators) -> impl Iterator<Item = (Separators, Segment)> {
    let mut marks = first;
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = skip_blanks(doc, at, Some(marks.terminator))?;
        let segment = match Separators::declared(doc.get(start..)?) {
            Some((declared, length)) => {
                marks = declared;
                Segment {
                    span: start..start + length,
                    data: None,
                    next: start + length + 1,
                    length_lies: false,
                }
            }
            None => marks.next_segment(doc, start)?,
        };
        at = segment.next;
        Some((marks, segment))
    })
}

/// One segment of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Without its terminator.
    pub(crate) span: Range<usize>,
    /// The data of a binary segment.
    pub(crate) data: Option<Range<usize>>,
    /// Where the next one may begin.
    pub(crate) next: usize,
    /// A binary segment whose length isn't one.
    pub(crate) length_lies: bool,
}

/// See [`Separators::pieces`].
pub(crate) struct Pieces<'a> {
    marks: &'a Separators,
    doc: &'a [u8],
    next: Option<usize>,
    end: usize,
    by: Option<u8>,
}

impl Iterator for Pieces<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.next?;
        let mut at = start;
        while let Some(by) = self.by
            && let Some(found) = memchr::memchr(by, self.doc.get(at..self.end).unwrap_or_default())
        {
            let end = at + found;
            at = end + 1;
            if !self.marks.is_released(self.doc, start, end) {
                self.next = Some(at);
                return Some(start..end);
            }
        }
        self.next = None;
        Some(start..self.end)
    }
}

/// The first byte at or after `at` that is no blank, line end or byte order mark; `keep` ends empty segments.
pub(crate) fn skip_blanks(doc: &[u8], at: usize, empty: Option<u8>) -> Option<usize> {
    let mut at = at;
    loop {
        match doc.get(at..)? {
            [] => return None,
            [0xEF, 0xBB, 0xBF, ..] => at += 3,
            [b'\r' | b'\n' | b' ' | b'\t' | 0x0B | 0x0C | 0x1A | 0, ..] => at += 1,
            [c, ..] if Some(*c) == empty => at += 1,
            _ => return Some(at),
        }
    }
}

fn may_separate(c: u8) -> bool {
    !c.is_ascii_alphanumeric() && c != b' ' && c != 0
}

/// Makes the separator behind it data.
const RELEASE: u8 = b'?';
/// A longer run of question marks is no release.
const RELEASES_MAX: usize = 8;
/// ISA has 106 bytes; more, where fields are longer than they may be.
const ISA_BYTES_MAX: usize = 256;
/// A binary length has no more digits (element 784).
const LENGTH_DIGITS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const ISA: &[u8] =
        b"ISA*00*          *00*          *ZZ*A              *ZZ*B              *260101*1200*^*00501*000000001*0*T*:~";

    #[test]
    fn separators_are_those_the_header_declares() {
        let (s, end) = Separators::declared(ISA).unwrap();
        assert_eq!(
            (s.element, s.component, s.repetition, s.terminator),
            (b'*', Some(b':'), Some(b'^'), b'~')
        );
        assert_eq!((end, ISA.len()), (105, 106));
        let odd = b"ISA|||||||||||U|00401|1|0|T|\x1f\n";
        let (s, end) = Separators::declared(odd).unwrap();
        assert_eq!((s.element, s.component, s.repetition, s.terminator), (b'|', Some(0x1f), None, b'\n'));
        assert_eq!(end, odd.len() - 1);
    }

    #[test]
    fn what_declares_none_is_refused() {
        for bad in [
            &b"ISA"[..],
            b"ISA*",
            b"ISAx",
            &ISA[..100],
            &ISA[..105],
            b"ISA is a standard, and a long one at that",
        ] {
            assert_eq!(Separators::declared(bad), None);
        }
    }

    #[test]
    fn a_fragment_shows_its_separators() {
        let s = Separators::guessed(b"ST|270|1\nBHT|0022|13\n").unwrap();
        assert_eq!((s.element, s.terminator), (b'|', b'\n'));
        let s = Separators::guessed(b"GS*HC*A-B*C.D*2026~ST*837*1~").unwrap();
        assert_eq!((s.element, s.terminator, s.component), (b'*', b'~', Some(b'>')));
        assert_eq!(Separators::guessed(b"ST"), None);
        assert_eq!(Separators::guessed(b"STATUS unknown"), None);
    }

    #[test]
    fn a_released_separator_is_data_unless_a_segment_follows() {
        let (s, _) = Separators::declared(ISA).unwrap();
        let doc = b"REF*EA*A?*B??*C~NTE*ADD*WHY?~REF*EA*D?~E~";
        let mut at = 0;
        let mut found = Vec::new();
        while let Some(segment) = s.next_segment(doc, at) {
            at = segment.next;
            let pieces: Vec<_> =
                s.pieces(doc, segment.span, Some(b'*')).map(|p| s.decode(&doc[p]).into_owned()).collect();
            found.push(pieces.join(","));
        }
        assert_eq!(found, ["REF,EA,A*B??,C", "NTE,ADD,WHY?", "REF,EA,D~E"]);
    }

    #[test]
    fn binary_data_ends_where_its_length_says() {
        let (s, _) = Separators::declared(ISA).unwrap();
        let doc = b"BIN*7*a~b*c~d~SE*1~BDS*B64*4*QUJD~BIN*99*x~";
        let first = s.next_segment(doc, 0).unwrap();
        assert_eq!(&doc[first.data.clone().unwrap()], b"a~b*c~d");
        let third = s.next_segment(doc, s.next_segment(doc, first.next).unwrap().next).unwrap();
        assert_eq!(&doc[third.data.clone().unwrap()], b"QUJD");
        let last = s.next_segment(doc, third.next).unwrap();
        assert!(last.length_lies && last.data.is_none());
    }

    #[test]
    fn bytes_that_are_not_utf8_are_read_as_latin1_and_wrapped_lines_join() {
        let (s, _) = Separators::declared(ISA).unwrap();
        assert_eq!(s.decode(b"Jos\xE9"), "José");
        assert_eq!(s.decode("José".as_bytes()), "José");
        assert_eq!(s.decode(b"SMI\r\nTH"), "SMITH");
    }
}
