//! Objects and their syntax (ISO 32000-1, section 7.3): one lexer for files, object streams and page contents.

use crate::inspect::finding::UninspectedReason;

/// One object. What it holds is payload.
pub(super) enum Object {
    /// Null, true, false, and what can't be read.
    Nothing,
    Number(f64),
    Name(Box<[u8]>),
    Text(Box<[u8]>),
    List(Vec<Object>),
    Dict(Dict),
    /// An object of this number.
    Ref(u32),
    /// An operator, or a keyword of the file.
    Word(Box<[u8]>),
}

/// A dictionary, its entries in order of their names.
#[derive(Default)]
pub(super) struct Dict(Vec<(Box<[u8]>, Object)>);

impl Dict {
    pub(super) fn get(&self, name: &str) -> Option<&Object> {
        self.find(name.as_bytes())
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<&Object> {
        let at = self.0.partition_point(|(own, _)| **own < *name);
        self.0.get(at).filter(|(own, _)| **own == *name).map(|(_, object)| object)
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], &Object)> {
        self.0.iter().map(|(name, object)| (&**name, object))
    }

    /// Whether an entry is this name.
    pub(super) fn is(&self, key: &str, name: &str) -> bool {
        self.get(key).and_then(Object::name) == Some(name.as_bytes())
    }
}

impl Object {
    pub(super) fn name(&self) -> Option<&[u8]> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A number as a count, where it is one.
    pub(super) fn count(&self) -> Option<usize> {
        self.number().filter(|n| *n >= 0.0 && *n <= f64::from(u32::MAX)).map(|n| n as usize)
    }

    pub(super) fn dict(&self) -> Option<&Dict> {
        if let Self::Dict(dict) = self { Some(dict) } else { None }
    }

    pub(super) fn list(&self) -> Option<&[Object]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    pub(super) fn text(&self) -> Option<&[u8]> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Reads objects and words in turn.
pub(super) struct Lexer<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) at: usize,
    /// What comments said.
    pub(super) comments: Vec<u8>,
    /// Why something was passed over.
    pub(super) fault: Option<UninspectedReason>,
    /// Objects that there is room for.
    pub(super) room: usize,
}

enum Token<'b> {
    Number(f64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Open,
    Close,
    OpenDict,
    CloseDict,
    Word(&'b [u8]),
}

/// A list or dictionary that is still open.
struct Open {
    is_dict: bool,
    held: Vec<Object>,
}

impl<'b> Lexer<'b> {
    pub(super) fn new(bytes: &'b [u8], room: usize) -> Self {
        Self { bytes, at: 0, comments: Vec::new(), fault: None, room }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'b [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Passes over blanks and comments.
    pub(super) fn blanks(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let line = memchr::memchr2(b'\n', b'\r', self.rest()).unwrap_or(self.rest().len());
                let comment = self.rest().get(1..line).unwrap_or_default();
                if !comment.starts_with(b"PDF-") && !comment.starts_with(b"%EOF") {
                    self.comments.extend_from_slice(comment);
                    self.comments.push(b'\n');
                }
                self.at += line;
            } else if is_blank(byte) {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// The next object or word; `None` at the end. A list or dictionary that breaks off is nothing, and told.
    pub(super) fn object(&mut self) -> Option<Object> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.blanks();
            let from = self.at;
            let token = self.token();
            if token.is_none() {
                if open.is_empty() {
                    return None;
                }
                self.failed(UninspectedReason::Malformed);
                return Some(Object::Nothing);
            }
            let Some(room) = self.room.checked_sub(1) else {
                self.failed(UninspectedReason::Budget);
                self.at = self.bytes.len();
                return None;
            };
            self.room = room;
            let object = match token? {
                Token::Number(number) => Object::Number(number),
                Token::Name(name) => Object::Name(name.into()),
                Token::Text(text) => Object::Text(text.into()),
                Token::Open | Token::OpenDict if open.len() == DEPTH_MAX => {
                    self.failed(UninspectedReason::TooDeep);
                    return Some(Object::Nothing);
                }
                Token::Open => {
                    open.push(Open { is_dict: false, held: Vec::new() });
                    continue;
                }
                Token::OpenDict => {
                    open.push(Open { is_dict: true, held: Vec::new() });
                    continue;
                }
                close @ (Token::Close | Token::CloseDict) => match open.pop() {
                    Some(done) if done.is_dict == matches!(close, Token::CloseDict) => self.closed(done),
                    _ => {
                        self.failed(UninspectedReason::Malformed);
                        return Some(Object::Nothing);
                    }
                },
                Token::Word(word) => match (open.last_mut(), word) {
                    (_, b"true" | b"false" | b"null") => Object::Nothing,
                    (None, word) => return Some(Object::Word(word.into())),
                    (Some(open), b"R") => match (open.held.pop(), open.held.pop()) {
                        (Some(Object::Number(_)), Some(Object::Number(number))) => Object::Ref(number as u32),
                        _ => {
                            self.failed(UninspectedReason::Malformed);
                            Object::Nothing
                        }
                    },
                    // It ends before it is closed.
                    (Some(_), b"obj" | b"endobj" | b"stream" | b"endstream") => {
                        self.failed(UninspectedReason::Malformed);
                        self.at = from;
                        return Some(Object::Nothing);
                    }
                    (Some(_), _) => {
                        self.failed(UninspectedReason::Malformed);
                        Object::Nothing
                    }
                },
            };
            match open.last_mut() {
                Some(open) => open.held.push(object),
                None => return Some(object),
            }
        }
    }

    fn closed(&mut self, done: Open) -> Object {
        if !done.is_dict {
            return Object::List(done.held);
        }
        let mut entries = Vec::with_capacity(done.held.len() / 2);
        let mut held = done.held.into_iter();
        while let Some(key) = held.next() {
            match (key, held.next()) {
                (Object::Name(name), Some(object)) => entries.push((name, object)),
                _ => self.failed(UninspectedReason::Malformed),
            }
        }
        // Of two of one name both stay, and are read; the first is the one that is found.
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        Object::Dict(Dict(entries))
    }

    pub(super) fn failed(&mut self, reason: UninspectedReason) {
        self.fault.get_or_insert(reason);
    }

    fn token(&mut self) -> Option<Token<'b>> {
        let byte = self.peek()?;
        self.at += 1;
        Some(match byte {
            b'[' => Token::Open,
            b']' => Token::Close,
            b'<' if self.peek() == Some(b'<') => {
                self.at += 1;
                Token::OpenDict
            }
            b'>' if self.peek() == Some(b'>') => {
                self.at += 1;
                Token::CloseDict
            }
            b'<' => Token::Text(self.hex()),
            b'(' => Token::Text(self.string()),
            b'/' => Token::Name(self.name()),
            b'>' | b')' | b'{' | b'}' => Token::Word(self.bytes.get(self.at - 1..self.at)?),
            _ => {
                let from = self.at - 1;
                let length = self.rest().iter().take_while(|b| is_regular(**b)).count();
                self.at += length;
                let word = self.bytes.get(from..self.at)?;
                number(word).map_or(Token::Word(word), Token::Number)
            }
        })
    }

    fn hex(&mut self) -> Vec<u8> {
        let end = memchr::memchr(b'>', self.rest());
        if end.is_none() {
            self.failed(UninspectedReason::Malformed);
        }
        let digits = self.rest().get(..end.unwrap_or(self.rest().len())).unwrap_or_default();
        self.at += digits.len() + usize::from(end.is_some());
        let mut out = Vec::with_capacity(digits.len() / 2);
        let mut high = None;
        for byte in digits {
            let Some(digit) = hex_digit(*byte) else {
                if !is_blank(*byte) {
                    self.failed(UninspectedReason::Malformed);
                }
                continue;
            };
            match high.take() {
                Some(high) => out.push(high << 4 | digit),
                None => high = Some(digit),
            }
        }
        out.extend(high.map(|high| high << 4));
        out
    }

    fn string(&mut self) -> Vec<u8> {
        let (mut out, mut depth) = (Vec::new(), 0_usize);
        loop {
            let Some(byte) = self.peek() else {
                self.failed(UninspectedReason::Malformed);
                return out;
            };
            self.at += 1;
            match byte {
                b'(' => depth += 1,
                b')' if depth == 0 => return out,
                b')' => depth -= 1,
                b'\\' => {
                    self.escape(&mut out);
                    continue;
                }
                b'\r' => {
                    if self.peek() == Some(b'\n') {
                        self.at += 1;
                    }
                    out.push(b'\n');
                    continue;
                }
                _ => {}
            }
            out.push(byte);
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.at += 1;
        out.push(match byte {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => 8,
            b'f' => 12,
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek() else { break };
                    code = code << 3 | u32::from(digit - b'0');
                    self.at += 1;
                }
                (code & 0xFF) as u8
            }
            b'\n' => return,
            b'\r' => {
                if self.peek() == Some(b'\n') {
                    self.at += 1;
                }
                return;
            }
            other => other,
        });
    }

    fn name(&mut self) -> Vec<u8> {
        let length = self.rest().iter().take_while(|b| is_regular(**b)).count();
        let raw = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        let mut out = Vec::with_capacity(length);
        let mut at = 0;
        while let Some(byte) = raw.get(at) {
            let digit = |at: usize| raw.get(at).and_then(|b| hex_digit(*b));
            at += match (byte, digit(at + 1), digit(at + 2)) {
                (b'#', Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    3
                }
                _ => {
                    out.push(*byte);
                    1
                }
            };
        }
        out
    }
}

pub(super) const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Blanks of PDF (ISO 32000-1, table 1).
pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

const fn is_regular(byte: u8) -> bool {
    !is_blank(byte) && !matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// A number: digits with a point, no exponent. Signs in a row are one, as readers take them.
fn number(word: &[u8]) -> Option<f64> {
    let digits = word.iter().position(|b| !matches!(b, b'+' | b'-'))?;
    let (signs, digits) = word.split_at_checked(digits)?;
    let (mut value, mut scale, mut seen, mut is_behind) = (0.0_f64, 1.0_f64, false, false);
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                value = value * 10.0 + f64::from(byte - b'0');
                if is_behind {
                    scale *= 10.0;
                }
            }
            b'.' if !is_behind => is_behind = true,
            // `12-34`: what stands behind is passed over by readers.
            b'-' if seen => break,
            _ => return None,
        }
    }
    if !seen && !is_behind {
        return None;
    }
    let value = if scale.is_finite() && value.is_finite() { value / scale } else { 0.0 };
    Some(if signs.first() == Some(&b'-') { -value } else { value })
}

/// Lists and dictionaries in one another.
const DEPTH_MAX: usize = 64;
