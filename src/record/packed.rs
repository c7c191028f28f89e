//! How the stored form is written: as it reads, without escapes or lengths, so that what stays of a document is copied and
//! nothing else.
//!
//! All of it is UTF-8, in which no byte is `F8` or above: these mark where things begin and end.
//!
//! | bytes | what it is |
//! | --- | --- |
//! | `F8` name `FF` | a part: what follows belongs to it |
//! | text | syntax of its format, and words of our tables |
//! | `F9` flags \[word class\] masked `FF` \[token `FF`\] | a value: see [`StoredPayload`] |
//!
//! Files of versions 1 and 2 hold JSON, whose first byte is a brace.

use super::{Part, Piece, StoredPayload};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What a value is, and how long about: `text:9-16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A word, and the power of two above the length.
    Of(Word, u8),
    /// Nothing that isn't shown in its place: not even its length.
    AsMasked,
    /// `[code]`: the shape has what the format takes for syntax.
    Code,
}

impl Shape {
    pub(super) fn of(word: Word, length: usize) -> Self {
        Self::Of(word, u8::try_from(length.max(1).next_power_of_two().trailing_zeros()).unwrap_or(u8::MAX))
    }

    /// As it is shown; `None` where it is what is shown in its place.
    pub(super) fn text(self) -> Option<&'static str> {
        match self {
            Self::Of(word, class) => shapes().get(word as usize)?.get(usize::from(class)).map(String::as_str),
            Self::AsMasked => None,
            Self::Code => Some(CODE),
        }
    }
}

/// What a value is to its format. Their numbers are stored: none is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    String = 0,
    Text = 1,
    Number = 2,
    /// A number that is written as a string.
    QuotedNumber = 3,
    Key = 4,
    Column = 5,
    Comment = 6,
    Line = 7,
    Body = 8,
    Binary = 9,
}

impl Word {
    const ALL: [(Self, &'static str); 10] = [
        (Self::String, "string"),
        (Self::Text, "text"),
        (Self::Number, "number"),
        (Self::QuotedNumber, "number"),
        (Self::Key, "key"),
        (Self::Column, "column"),
        (Self::Comment, "comment"),
        (Self::Line, "line"),
        (Self::Body, "body"),
        (Self::Binary, "binary"),
    ];
}

/// All shapes, by word and class: every value has one, and they are few.
fn shapes() -> &'static [Vec<String>] {
    static SHAPES: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
        let text = |word: Word, name: &str, class| match word {
            Word::QuotedNumber => format!("\"{name}:{}\"", length_class(class)),
            _ => format!("{name}:{}", length_class(class)),
        };
        Word::ALL
            .iter()
            .map(|(word, name)| (0..CLASSES).map(|class| text(*word, name, class)).collect())
            .collect()
    });
    &SHAPES
}

/// The lengths that have the same power of two above them, so that a length says little.
fn length_class(class: u32) -> String {
    let high = 1_usize << class;
    if high <= 2 { high.to_string() } else { format!("{}-{high}", high / 2 + 1) }
}

/// A value as it is stored.
pub(super) struct Value<'v> {
    pub(super) shape: Shape,
    /// What is shown in its place.
    pub(super) masked: &'v str,
    /// Whether that is written with quotes that it hasn't.
    pub(super) quoted: bool,
    /// Its token, behind a mark or none.
    pub(super) token: Option<[&'v str; 2]>,
    pub(super) found: bool,
    pub(super) sealed: bool,
}

/// Writes the stored form.
pub(super) struct Packer(Vec<u8>);

impl Packer {
    /// One for a message of about so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// A part begins.
    pub(super) fn part(&mut self, name: [&str; 2]) {
        self.0.push(PART);
        name.iter().for_each(|text| self.text(text));
        self.0.push(END);
    }

    /// Syntax, and words of our tables.
    #[inline]
    pub(super) fn text(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A value.
    #[inline]
    pub(super) fn value(&mut self, value: &Value<'_>) {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags =
            flag(value.found, FOUND) | flag(value.sealed, SEALED) | flag(value.token.is_some(), TOKEN);
        self.0.reserve(value.masked.len() + VALUE_BYTES);
        match value.shape {
            Shape::Of(word, class) => self.0.extend_from_slice(&[LEAF, flags, word as u8, class]),
            Shape::AsMasked => self.0.extend_from_slice(&[LEAF, flags | AS_MASKED]),
            Shape::Code => self.0.extend_from_slice(&[LEAF, flags | IS_CODE]),
        }
        if value.quoted {
            self.0.push(b'"');
        }
        self.text(value.masked);
        if value.quoted {
            self.0.push(b'"');
        }
        self.0.push(END);
        if let Some(token) = value.token {
            token.iter().for_each(|text| self.text(text));
            self.0.push(END);
        }
    }

    /// All that was written, in no more room than it takes: hundreds wait for their batch, and what this one was written in is
    /// the room of the next.
    pub(super) fn end(mut self) -> Vec<u8> {
        self.0.shrink_to_fit();
        self.0
    }
}

impl StoredPayload {
    /// Reads what is stored; `None` where it is damaged.
    #[must_use]
    pub fn read(stored: &[u8]) -> Option<Self> {
        match stored.first() {
            Some(b'{') => serde_json::from_slice(stored).ok(),
            _ => unpacked(stored),
        }
    }
}

fn unpacked(stored: &[u8]) -> Option<StoredPayload> {
    let mut rest = Rest(stored);
    let mut parts: Vec<Part> = Vec::new();
    while let Some(byte) = rest.0.first() {
        if *byte == PART {
            rest.byte()?;
            parts.push(Part { name: rest.field()?.to_owned(), pieces: Vec::new() });
            continue;
        }
        let pieces = &mut parts.last_mut()?.pieces;
        pieces.push(match *byte {
            LEAF => {
                rest.byte()?;
                rest.leaf()?
            }
            MARKS.. => return None,
            _ => Piece::Text(rest.text()?.to_owned()),
        });
    }
    Some(StoredPayload { parts })
}

/// What is still to be read.
struct Rest<'s>(&'s [u8]);

impl<'s> Rest<'s> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    /// Up to the next mark.
    fn text(&mut self) -> Option<&'s str> {
        let end = self.0.iter().position(|b| *b >= MARKS).unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    /// The same, where the mark is an end.
    fn field(&mut self) -> Option<&'s str> {
        let text = self.text()?;
        (self.byte()? == END).then_some(text)
    }

    fn leaf(&mut self) -> Option<Piece> {
        let flags = self.byte()?;
        let shape = match flags & (AS_MASKED | IS_CODE) {
            0 => {
                let (word, class) = (self.byte()?, self.byte()?);
                Some(shapes().get(usize::from(word))?.get(usize::from(class))?.as_str())
            }
            AS_MASKED => None,
            IS_CODE => Some(CODE),
            _ => return None,
        };
        let masked: Cow<'static, str> = Cow::Owned(self.field()?.to_owned());
        let token = if flags & TOKEN == 0 { None } else { Some(self.field()?.to_owned()) };
        Some(Piece::Leaf {
            shape: shape.map_or_else(|| masked.clone(), Cow::Borrowed),
            masked,
            token,
            found: flags & FOUND != 0,
            sealed: flags & SEALED != 0,
        })
    }
}

const PART: u8 = 0xF8;
const LEAF: u8 = 0xF9;
const END: u8 = 0xFF;
/// All marks, those that there will be among them.
const MARKS: u8 = 0xF8;

/// What a value takes besides what is shown, at most, and without its token.
const VALUE_BYTES: usize = 7;

/// A detector or a row found something in it.
const FOUND: u8 = 1;
/// Its original is sealed beside the record.
const SEALED: u8 = 2;
/// A token follows.
const TOKEN: u8 = 4;
/// Its shape is what is shown; neither word nor class follow.
const AS_MASKED: u8 = 8;
/// Its shape is [`CODE`]; likewise.
const IS_CODE: u8 = 16;

/// What stands where a word would be taken for syntax.
pub(super) const CODE: &str = "[code]";
/// No value is longer than two to the power of the last.
const CLASSES: u32 = usize::BITS;

#[cfg(test)]
mod tests {
    use super::*;

    fn value(shape: Shape, masked: &str) -> Value<'_> {
        Value { shape, masked, quoted: false, token: None, found: false, sealed: false }
    }

    fn leaf(shape: &str, masked: &str, token: Option<&str>, found: bool, sealed: bool) -> Piece {
        Piece::Leaf {
            shape: shape.to_owned().into(),
            masked: masked.to_owned().into(),
            token: token.map(str::to_owned),
            found,
            sealed,
        }
    }

    fn example() -> (Vec<u8>, StoredPayload) {
        let odd: String = (0..0x80_u8).map(char::from).chain("é\u{2028}日\u{1F600}".chars()).collect();
        let mut out = Packer::of(0);
        out.part(["target", ""]);
        out.part(["reply ", &odd]);
        out.text(&odd);
        out.text("é");
        out.value(&value(Shape::of(Word::Text, 0), &odd));
        out.value(&Value { token: Some([":", "t1"]), ..value(Shape::of(Word::QuotedNumber, 9), "[mrn]") });
        out.text("x");
        out.value(&Value { found: true, ..value(Shape::AsMasked, "[secret]") });
        out.value(&Value { sealed: true, ..value(Shape::Code, "") });
        out.value(&Value { quoted: true, ..value(Shape::of(Word::Binary, 1 << 20), "") });
        out.part(["body", ""]);
        let part = |name: &str, pieces: Vec<Piece>| Part { name: name.to_owned(), pieces };
        let pieces = vec![
            Piece::Text(format!("{odd}é")),
            leaf("text:1", &odd, None, false, false),
            leaf("\"number:9-16\"", "[mrn]", Some(":t1"), false, false),
            Piece::Text("x".to_owned()),
            leaf("[secret]", "[secret]", None, true, false),
            leaf("[code]", "", None, false, true),
            leaf("binary:524289-1048576", "\"\"", None, false, false),
        ];
        let parts = vec![part("target", vec![]), part(&format!("reply {odd}"), pieces), part("body", vec![])];
        (out.end(), StoredPayload { parts })
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (stored, payload) = example();
        assert_eq!(StoredPayload::read(&stored), Some(payload));
        assert_eq!(StoredPayload::read(&[]), Some(StoredPayload::default()));
    }

    #[test]
    fn what_versions_1_and_2_wrote_is_read() {
        let stored = r#"{"parts":[{"n":"target","p":[]},{"n":"body","p":["{\"a\":\"",{"s":"string:5-8","m":"[mrn]","t":"t1","f":true,"o":true},"\"}",{"s":"text:2","m":"x"}]}]}"#;
        let body = vec![
            Piece::Text("{\"a\":\"".to_owned()),
            leaf("string:5-8", "[mrn]", Some("t1"), true, true),
            Piece::Text("\"}".to_owned()),
            leaf("text:2", "x", None, false, false),
        ];
        let parts = vec![
            Part { name: "target".to_owned(), pieces: vec![] },
            Part { name: "body".to_owned(), pieces: body },
        ];
        assert_eq!(StoredPayload::read(stored.as_bytes()), Some(StoredPayload { parts }));
    }

    #[test]
    fn damage_is_told_and_no_byte_of_it_leads_to_a_panic() {
        let (stored, _) = example();
        for at in 0..stored.len() {
            let _ = StoredPayload::read(&stored[..at]);
            for byte in [0, 1, 0x7B, 0x80, PART, LEAF, 0xFA, END] {
                let mut damaged = stored.clone();
                damaged[at] = byte;
                let _ = StoredPayload::read(&damaged);
            }
        }
        for damaged in [
            &b"text before a part"[..],
            b"\xF8name without an end",
            b"\xF8n\xFF\xF9",
            b"\xF8n\xFF\xF9\x00\x0A\x00m\xFF",
            b"\xF8n\xFF\xF9\x00\x00\x40m\xFF",
            b"\xF8n\xFF\xF9\x18m\xFF",
            b"\xF8n\xFF\xF9\x0Cm\xFF",
            b"\xF8n\xFF\xFF",
            b"\xF8n\xFF\x80",
            b"{\"parts\":",
        ] {
            assert_eq!(StoredPayload::read(damaged), None, "{damaged:?}");
        }
    }

    #[test]
    fn numbers_that_are_stored_stay_what_they_are() {
        for (number, (word, name)) in Word::ALL.iter().enumerate() {
            assert_eq!(*word as usize, number, "{name}");
        }
        let shape = |length| Shape::of(Word::Text, length).text();
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 1000].map(shape),
            ["1", "1", "2", "3-4", "3-4", "5-8", "513-1024"].map(|s| Some(&*format!("text:{s}").leak()))
        );
    }
}
