//! What codes of a font say: ToUnicode maps, and the lengths of codes (ISO 32000-1, sections 9.7.5 and 9.10.3).

use super::object::{Lexer, Object};

/// A map from codes to text. What it says of a code is payload.
#[derive(Default)]
pub(super) struct CMap {
    spaces: Vec<Space>,
    /// In order of their first codes.
    ranges: Vec<Range>,
}

/// Codes of one length.
struct Space {
    bytes: usize,
    first: u32,
    last: u32,
}

/// Codes in a row, and what the first of them says; each next one ends in the next character.
struct Range {
    first: u32,
    last: u32,
    says: Box<str>,
}

impl CMap {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut lexer = Lexer::new(bytes, bytes.len());
        let mut held: Vec<Object> = Vec::new();
        while let Some(object) = lexer.object() {
            let Object::Word(word) = &object else {
                held.push(object);
                continue;
            };
            match &**word {
                b"endcodespacerange" => {
                    for [from, to] in held.as_chunks::<2>().0 {
                        let (Some(from), Some(to)) = (from.text(), to.text()) else { continue };
                        let bytes = from.len().min(CODE_BYTES_MAX);
                        map.spaces.push(Space { bytes, first: code(from), last: code(to) });
                    }
                }
                b"endbfchar" => {
                    for [from, says] in held.as_chunks::<2>().0 {
                        let (Some(from), Some(says)) = (from.text(), said(says)) else { continue };
                        map.ranges.push(Range { first: code(from), last: code(from), says });
                    }
                }
                b"endbfrange" => {
                    for [from, to, says] in held.as_chunks::<3>().0 {
                        let (Some(from), Some(to)) = (from.text(), to.text()) else { continue };
                        let (first, last) = (code(from), code(to));
                        if let Some(says) = said(says) {
                            map.ranges.push(Range { first, last, says });
                        }
                        for (code, says) in (first..=last).zip(says.list().unwrap_or_default()) {
                            map.ranges.extend(said(says).map(|says| Range { first: code, last: code, says }));
                        }
                    }
                }
                _ => {}
            }
            held.clear();
        }
        map.spaces.truncate(SPACES_MAX);
        map.ranges.sort_by_key(|range| range.first);
        map
    }

    /// What a code says, and by how many characters the last one is further on.
    pub(super) fn of(&self, code: u32) -> Option<(&str, u32)> {
        let behind = self.ranges.partition_point(|range| range.first <= code);
        let range = self.ranges.get(behind.checked_sub(1)?)?;
        (code <= range.last).then_some((&*range.says, code - range.first))
    }

    pub(super) fn has_spaces(&self) -> bool {
        !self.spaces.is_empty()
    }

    /// The code that text begins with, and its length.
    pub(super) fn next(&self, text: &[u8]) -> (u32, usize) {
        for bytes in 1..=CODE_BYTES_MAX.min(text.len()) {
            let own = code(text.get(..bytes).unwrap_or_default());
            if self.spaces.iter().any(|s| s.bytes == bytes && (s.first..=s.last).contains(&own)) {
                return (own, bytes);
            }
        }
        let bytes = self.spaces.iter().map(|s| s.bytes).min().unwrap_or(1).clamp(1, text.len().max(1));
        (code(text.get(..bytes).unwrap_or_default()), bytes)
    }
}

fn code(bytes: &[u8]) -> u32 {
    bytes.iter().take(CODE_BYTES_MAX).fold(0, |code, byte| code << 8 | u32::from(*byte))
}

/// UTF-16 of a map's text.
fn said(object: &Object) -> Option<Box<str>> {
    let bytes = object.text()?;
    // Old writers give one byte.
    if let [byte] = bytes {
        return Some(char::from(*byte).to_string().into());
    }
    let units = bytes.as_chunks::<2>().0.iter().take(UNITS_MAX).map(|pair| u16::from_be_bytes(*pair));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    (!text.is_empty()).then(|| text.into())
}

const CODE_BYTES_MAX: usize = 4;
/// Kinds of codes in one map.
const SPACES_MAX: usize = 64;
/// No ligature says more.
const UNITS_MAX: usize = 16;
