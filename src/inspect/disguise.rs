//! Disguises: text as a person or the next program reads it, with a map back to where it stands.
//!
//! Undone are characters that nobody sees, digits and letters of other shapes, dashes and blanks of other kinds (Unicode
//! Standard, chapter 6.2 and block FF00), escapes that the format around the text did not ask for (`%41`, `&#65;`,
//! `\u0041`: double encoding), and digits that are spelled one by one. What has none of these costs one look at its bytes.

use super::simd::{BLOCK, Sets};
use super::xhtml;
use std::borrow::Cow;
use std::sync::LazyLock;

/// A text without disguise.
pub struct Plain<'t> {
    text: Cow<'t, str>,
    /// Of each byte of the text, and one behind the last; `None` where they are the same.
    origins: Option<Vec<u32>>,
}

impl<'t> Plain<'t> {
    /// Undoes what disguises `text`.
    #[must_use]
    pub fn of(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let mut plain = Self { text: Cow::Borrowed(text), origins: None };
        // Of a short one a look at each byte costs less than a call.
        let is_disguised = match bytes.len() <= SHORT_BYTES_MAX {
            true => bytes.iter().any(|b| is_sign(*b)),
            false => SIGNS.find(bytes, 0).is_some(),
        };
        if is_disguised {
            plain.pass(one_character);
        }
        if is_spelled(plain.text.as_bytes()) {
            plain.pass(one_digit);
        }
        plain
    }

    /// What is read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is read as it is written.
    #[must_use]
    pub fn is_as_written(&self) -> bool {
        self.origins.is_none()
    }

    /// Where byte `at` of what is read stands.
    #[must_use]
    pub fn origin(&self, at: usize) -> usize {
        match &self.origins {
            None => at,
            Some(origins) => origins.get(at).or(origins.last()).map_or(at, |o| *o as usize),
        }
    }

    /// Reads the text anew, piece by piece; nothing is kept where no piece is another.
    fn pass(&mut self, step: fn(&str, usize) -> Step) {
        let text: &str = &self.text;
        let (mut out, mut origins) = (String::new(), Vec::new());
        let mut changed = false;
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let step = step(text, at);
            let taken = step.taken.max(1);
            if let Some(written) = step.written {
                if !changed {
                    changed = true;
                    out.reserve(text.len());
                    out.push_str(text.get(..at).unwrap_or_default());
                    origins.extend((0..at).map(to_u32));
                }
                let before = out.len();
                out.extend(written);
                origins.extend(std::iter::repeat_n(to_u32(at), out.len() - before));
            } else if changed {
                out.push_str(rest.get(..taken).unwrap_or_default());
                origins.extend((at..at + taken).map(to_u32));
            }
            at += taken;
        }
        if !changed {
            return;
        }
        origins.push(to_u32(text.len()));
        let origins = match &self.origins {
            None => origins,
            Some(before) => origins
                .iter()
                .map(|o| before.get(*o as usize).or(before.last()).copied().unwrap_or(*o))
                .collect(),
        };
        *self = Self { text: Cow::Owned(out), origins: Some(origins) };
    }
}

/// Bytes that are read as one piece, and what stands for them; `None`: themselves.
struct Step {
    taken: usize,
    written: Option<Option<char>>,
}

impl Step {
    const fn same(taken: usize) -> Self {
        Self { taken, written: None }
    }

    const fn other(taken: usize, written: Option<char>) -> Self {
        Self { taken, written: Some(written) }
    }
}

fn one_character(text: &str, at: usize) -> Step {
    let rest = text.get(at..).unwrap_or_default();
    let Some(first) = rest.chars().next() else { return Step::same(1) };
    match first {
        '%' => percent(text, at),
        '&' => entity(rest),
        '\\' => unicode_escape(rest),
        c if c.is_ascii() => {
            // All up to the next that may be something.
            Step::same(SIGNS.find(rest.as_bytes(), 0).unwrap_or(rest.len()))
        }
        c => match folded(c) {
            Fold::Same => Step::same(c.len_utf8()),
            Fold::Nothing => Step::other(c.len_utf8(), None),
            Fold::To(plain) => Step::other(c.len_utf8(), Some(plain)),
        },
    }
}

enum Fold {
    Same,
    Nothing,
    To(char),
}

fn folded(c: char) -> Fold {
    let digit = |zero: u32| char::from_digit(u32::from(c) - zero, 10).map_or(Fold::Same, Fold::To);
    match c {
        '\u{AD}'
        | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}'
        | '\u{FEFF}' => Fold::Nothing,
        '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => Fold::To(' '),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' => Fold::To('-'),
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).map_or(Fold::Same, Fold::To),
        '\u{660}'..='\u{669}' => digit(0x660),
        '\u{6F0}'..='\u{6F9}' => digit(0x6F0),
        '\u{966}'..='\u{96F}' => digit(0x966),
        '\u{1D7CE}'..='\u{1D7FF}' => {
            char::from_digit((u32::from(c) - 0x1D7CE) % 10, 10).map_or(Fold::Same, Fold::To)
        }
        _ => Fold::Same,
    }
}

/// `%41` in a word that has several: one alone is a percentage or a pattern.
fn percent(text: &str, at: usize) -> Step {
    let Some(byte) = hex(text.as_bytes().get(at + 1..at + 3)) else { return Step::same(1) };
    let is_part = |b: u8| !b.is_ascii_whitespace() && b != b'"' && b != b'<';
    let bytes = text.as_bytes();
    let from = at.saturating_sub(WORD_BYTES_MAX);
    let to = (at + WORD_BYTES_MAX).min(bytes.len());
    let before = bytes.get(from..at).unwrap_or_default().iter().rev().take_while(|b| is_part(**b)).count();
    let after = bytes.get(at..to).unwrap_or_default().iter().take_while(|b| is_part(**b)).count();
    let word = bytes.get(at - before..at + after).unwrap_or_default();
    let escapes = memchr::memchr_iter(b'%', word).filter(|i| hex(word.get(i + 1..i + 3)).is_some()).count();
    if escapes < PERCENT_ESCAPES_MIN {
        return Step::same(1);
    }
    // A sequence of UTF-8, or one byte of ASCII; anything else stays as it is.
    let width = match byte {
        0..=0x7F => return Step::other(3, Some(char::from(byte))),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return Step::same(1),
    };
    let mut sequence = [0; 4];
    for (i, slot) in sequence.iter_mut().take(width).enumerate() {
        let start = at + 3 * i;
        match (bytes.get(start), hex(bytes.get(start + 1..start + 3))) {
            (Some(b'%'), Some(byte)) => *slot = byte,
            _ => return Step::same(1),
        }
    }
    let read = std::str::from_utf8(sequence.get(..width).unwrap_or_default()).ok();
    match read.and_then(|s| s.chars().next()) {
        Some(c) => Step::other(3 * width, Some(c)),
        None => Step::same(1),
    }
}

/// `&#65;`, `&#x41;`, `&lt;`: in text whose format has no entities.
fn entity(rest: &str) -> Step {
    let read = || {
        let end = rest.bytes().take(ENTITY_BYTES_MAX).position(|b| b == b';')?;
        Some((end + 1, xhtml::entity(rest.get(1..end)?)?))
    };
    match read() {
        Some((taken, c)) => Step::other(taken, Some(c)),
        None => Step::same(1),
    }
}

/// `\u0041`, a pair of surrogates too.
fn unicode_escape(rest: &str) -> Step {
    let unit = |at: usize| {
        let escape = rest.get(at..at + 6)?;
        let digits = escape.strip_prefix("\\u")?;
        digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let Some(first) = unit(0) else { return Step::same(1) };
    let (units, taken) = match unit(6) {
        Some(second) if (0xD800..0xDC00).contains(&first) => (vec![first, second], 12),
        _ => (vec![first], 6),
    };
    match char::decode_utf16(units).next() {
        Some(Ok(c)) => Step::other(taken, Some(c)),
        _ => Step::same(1),
    }
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    match digits? {
        [high, low] => {
            let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
            Some(digit(high)? << 4 | digit(low)?)
        }
        _ => None,
    }
}

/// Whether a byte may be a disguise, or begin one.
const fn is_sign(b: u8) -> bool {
    !b.is_ascii() || matches!(b, b'%' | b'&' | b'\\')
}

/// Whether digits stand one by one somewhere, three at least: `4 1 2`.
fn is_spelled(bytes: &[u8]) -> bool {
    let is_short = bytes.len() <= SHORT_BYTES_MAX;
    if bytes.len() < 2 * SPELLED_DIGITS_MIN || (is_short && !bytes.contains(&b' ')) {
        return false;
    }
    // Of each block where a digit, a blank, a digit, a blank and a digit end that stand in a row: what ends at the last byte
    // of a block goes on in the next.
    let mut before = [false; 4];
    (0..bytes.len()).step_by(BLOCK).any(|from| {
        let [digits, blanks] = DIGITS.of(bytes, from);
        let mut row = digits;
        for (next, before) in [blanks, digits, blanks, digits].into_iter().zip(&mut before) {
            let ends = row >> (BLOCK - 1) == 1;
            row = next & (row << 1 | u64::from(std::mem::replace(before, ends)));
        }
        row != 0
    })
}

/// Takes out the blanks between digits that are spelled one by one.
fn one_digit(text: &str, at: usize) -> Step {
    let bytes = text.as_bytes();
    if bytes.get(at) != Some(&b' ') {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        return Step::same(1 + memchr::memchr(b' ', rest).unwrap_or(rest.len()));
    }
    let single = |blank: usize| {
        // A blank between two digits, each of which has no other digit or letter at its other side.
        let alone = |digit: Option<usize>, beyond: Option<usize>| {
            digit.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit)
                && beyond.and_then(|at| bytes.get(at)).is_none_or(|b| !b.is_ascii_alphanumeric())
        };
        bytes.get(blank) == Some(&b' ')
            && alone(blank.checked_sub(1), blank.checked_sub(2))
            && alone(Some(blank + 1), Some(blank + 2))
    };
    if !single(at) {
        return Step::same(1);
    }
    let before = (1..SPELLED_DIGITS_MIN).take_while(|n| at.checked_sub(2 * n).is_some_and(single)).count();
    let after = (1..SPELLED_DIGITS_MIN).take_while(|n| single(at + 2 * n)).count();
    if before + after + 2 >= SPELLED_DIGITS_MIN { Step::other(1, None) } else { Step::same(1) }
}

fn to_u32(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What may be a disguise.
static SIGNS: LazyLock<Sets<1>> = LazyLock::new(|| Sets::new([is_sign]));
/// Digits, and blanks.
static DIGITS: LazyLock<Sets<2>> =
    LazyLock::new(|| Sets::new([|b: u8| b.is_ascii_digit(), |b: u8| b == b' ']));
/// Escapes of one word from which on they are taken for encoding.
const PERCENT_ESCAPES_MIN: usize = 3;
/// How far a word is looked at for them, to each side.
const WORD_BYTES_MAX: usize = 64;
/// So many bytes are looked at one by one.
const SHORT_BYTES_MAX: usize = 32;
const ENTITY_BYTES_MAX: usize = 12;
/// The shortest number that tells somebody.
const SPELLED_DIGITS_MIN: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str) -> String {
        let plain = Plain::of(text);
        // Every byte has its place, in order, and what is the same stands where it stood.
        let origins: Vec<usize> = (0..=plain.text().len()).map(|at| plain.origin(at)).collect();
        assert!(origins.is_sorted() && *origins.last().expect("one") == text.len(), "{text}");
        plain.text().to_owned()
    }

    #[test]
    fn what_has_no_disguise_is_borrowed() {
        for text in ["", "Patient Núñez, 50% better & well \\ fine", "1 2 3", "4 mg 2 x 1", "日本"] {
            let plain = Plain::of(text);
            assert!(plain.origins.is_none() && matches!(plain.text, Cow::Borrowed(_)), "{text}");
        }
    }

    #[test]
    fn shapes_of_digits_and_hidden_characters_are_undone() {
        assert_eq!(reads("\u{FF14}\u{FF11}\u{FF12}\u{FF0D}21-\u{663}456"), "412-21-3456");
        assert_eq!(reads("4\u{200B}12\u{AD}\u{2011}21\u{2013}34\u{FEFF}56"), "412-21-3456");
        assert_eq!(reads("John\u{A0}Smith \u{1D7D2}"), "John Smith 4");
    }

    #[test]
    fn escapes_that_the_format_did_not_ask_for_are_undone() {
        assert_eq!(reads("%34%31%32%2D21%2D3456 and 100%25"), "412-21-3456 and 100%25");
        assert_eq!(reads("a%20b%C3%A9%20c"), "a b\u{e9} c");
        assert_eq!(reads("&#52;&#x31;2-21&#45;3456 &lt;b&gt; &nope; AT&T"), "412-21-3456 <b> &nope; AT&T");
        assert_eq!(reads(r"\u0034\u00312-21\ud83d\ude00 \u12 C:\users"), "412-21\u{1F600} \\u12 C:\\users");
    }

    #[test]
    fn digits_spelled_one_by_one_are_a_number() {
        assert_eq!(reads("ssn 8 6 7 6 7 7 9 3 7 / 5 5 9 4 9 1 3 2 9 9 ok"), "ssn 867677937 / 5594913299 ok");
        assert_eq!(reads("scores 1 2 3 4 5 6 then 12 3 4 5 6 7 8 9"), "scores 1 2 3 4 5 6 then 12 3456789");
        assert_eq!(reads("\u{FF14} 1 2 2 1 3 4 5 6"), "412213456");
    }

    #[test]
    fn digits_are_seen_wherever_they_stand_among_blocks() {
        for before in 0..150 {
            let text = format!("{}4 1 2 2 1 3 4 5 6{}", "x ".repeat(before / 2), ".".repeat(before % 2));
            assert!(is_spelled(text.as_bytes()), "{before}");
            assert!(reads(&text).contains("412213456"), "{before}");
            let text = text.replace("4 1 2 2 1 3 4 5 6", "4 1 x 2 2 x 3 44 55 6");
            assert!(!is_spelled(text.as_bytes()), "{before}");
        }
    }

    #[test]
    fn spans_lead_back_to_what_stands_there() {
        let raw = "x\u{200B}&#52;12 y";
        let plain = Plain::of(raw);
        let at = plain.text().find("412").expect("there");
        assert_eq!(&raw[plain.origin(at)..plain.origin(at + 3)], "&#52;12");
    }
}
