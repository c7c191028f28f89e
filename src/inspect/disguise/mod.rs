//! Disguises: text as a person or the next program reads it, with a map back to where it stands.
//!
//! Undone are characters that nobody sees, digits and letters of other shapes, dashes and blanks of other kinds (Unicode
//! Standard, chapter 6.2 and block FF00; `shapes`), escapes that the format around the text did not ask for (`%41`, `&#65;`,
//! `\u0041`, `\x41`), also in one another, a plus for a blank beside such or in a query, encoded words and lines of mail, underlines
//! around words, colours of a terminal, rich text (`rtf`), digits that are spelled one by one, and a social security number that is spaced out
//! behind its word. What has none of these costs a look at its bytes.

mod rtf;
mod shapes;
mod words;

use super::simd::{BLOCK, Sets};
use super::xhtml;
use shapes::{Fold, folded};
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
            false => SIGNS.any(bytes, |from, [signs]| may_disguise(bytes, from, signs)),
        };
        if is_disguised {
            plain.edit(rtf::edits(text));
        }
        if words::may_have_query(bytes) {
            plain.edit(words::pluses(&plain.text));
        }
        if words::may_have_quoted(bytes) {
            plain.edit(words::quoted(&plain.text));
        }
        if words::is_printable(plain.text.as_bytes()) {
            plain.edit(words::printable(&plain.text));
        }
        if is_disguised {
            // What is undone may be a disguise itself: `&amp;#65;`, `%2541`.
            let mut passes = 0..PASSES_MAX;
            while passes.next().is_some() && plain.pass(one_character) {}
        }
        if is_spelled(plain.text.as_bytes()) {
            plain.pass(one_digit);
        }
        plain.edit(spaced_numbers(&plain.text));
        plain
    }

    /// Takes pieces out of the text, and puts others there; they come in the order of their places.
    fn edit(&mut self, edits: Vec<Edit>) {
        if edits.is_empty() {
            return;
        }
        let mut edits = edits.into_iter().peekable();
        self.pass(|text, at| match edits.peek() {
            Some(edit) if edit.0 == at => {
                let (_, taken, written) = edits.next().unwrap_or_default();
                Step::other(taken, written)
            }
            Some(edit) => Step::same(edit.0 - at),
            None => Step::same(text.len() - at),
        });
    }

    /// A text without the backslashes before its quotes, and what else a string of a program escapes, where it has such
    /// quotes: `{\"a\": 1}`. `None` for any other.
    #[must_use]
    pub fn unquoted(text: &'t str) -> Option<Self> {
        memchr::memmem::find(text.as_bytes(), b"\\\"")?;
        let mut plain = Self { text: Cow::Borrowed(text), origins: None };
        plain.pass(one_escape).then_some(plain)
    }

    /// What is read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same, to be kept.
    #[must_use]
    pub fn into_text(self) -> Cow<'t, str> {
        self.text
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

    /// Reads the text anew, piece by piece; nothing is kept where no piece is another. Gives whether one was.
    fn pass(&mut self, mut step: impl FnMut(&str, usize) -> Step) -> bool {
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
            return false;
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
        true
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
        '\\' => backslash(rest),
        '_' => underline(text, at),
        '\u{1B}' => colour(rest),
        c if u8::try_from(c).is_ok_and(is_hidden) => Step::other(1, None),
        c if c.is_ascii() => {
            // All up to the next that may be something.
            let end = SIGNS.find(rest.as_bytes(), 0);
            let Some(end) = end.filter(|end| *end > 0) else { return Step::same(rest.len()) };
            let behind = rest.get(end..).and_then(|rest| rest.chars().next());
            match behind.filter(|c| shapes::is_combining(*c)) {
                // An accent belongs to the letter before it.
                Some(_) if end > 1 => Step::same(end - 1),
                Some(mark) => match shapes::composed(c, mark) {
                    Some(letter) => Step::other(1 + mark.len_utf8(), Some(letter)),
                    None => Step::same(1),
                },
                None => Step::same(end),
            }
        }
        c => match folded(c, text, at) {
            Fold::Same => Step::same(c.len_utf8()),
            Fold::Nothing => Step::other(c.len_utf8(), None),
            Fold::To(plain) => Step::other(c.len_utf8(), Some(plain)),
        },
    }
}

/// What a backslash stands for in a string of a program (RFC 8259, section 7).
fn one_escape(text: &str, at: usize) -> Step {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let written = match rest {
        [b'\\', c @ (b'"' | b'\\' | b'/'), ..] => char::from(*c),
        [b'\\', b'n', ..] => '\n',
        [b'\\', b'r', ..] => '\r',
        [b'\\', b't', ..] => '\t',
        [b'\\', ..] => return Step::same(1),
        _ => return Step::same(memchr::memchr(b'\\', rest).unwrap_or(rest.len())),
    };
    Step::other(2, Some(written))
}

/// What a disguise in ASCII begins with.
const fn is_mark(b: u8) -> bool {
    matches!(b, b'%' | b'&' | b'\\' | b'_' | ESCAPE) || is_hidden(b)
}

/// Characters of control that nobody sees (ECMA-48, section 8.3), as the noughts of UTF-16 that is read as ASCII are. Those
/// by which programs part fields (from `\x01` to `\x03`, from `\x1C` on) and lines stay.
const fn is_hidden(b: u8) -> bool {
    matches!(b, 0 | 0x04..=0x08 | 0x0E..=0x1A | 0x7F)
}

/// Underlines around a word or a line, as in Markdown or a form, and beside a number that is grouped, as in a file's name.
fn underline(text: &str, at: usize) -> Step {
    let bytes = text.as_bytes();
    let marks = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take_while(|b| **b == b'_').count();
    let end = at + marks(&mut bytes.get(at..).unwrap_or_default().iter().take(MARKS_MAX));
    let start = at - marks(&mut bytes.get(..at).unwrap_or_default().iter().rev().take(MARKS_MAX));
    let is_word = |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(|b| b.is_ascii_alphanumeric() || !b.is_ascii())
    };
    let behind = bytes.get(end..).unwrap_or_default();
    let before = bytes.get(..start).unwrap_or_default();
    let is_group = |near: &mut dyn Iterator<Item = &u8>| {
        let near: Vec<u8> = near.take(5).copied().collect();
        let digits = near.iter().take_while(|b| b.is_ascii_digit()).count();
        (2..=4).contains(&digits) && near.get(digits).is_some_and(|b| matches!(b, b'-' | b'/'))
    };
    let alone = !(is_word(start.checked_sub(1)) && is_word(Some(end)));
    if alone || is_group(&mut behind.iter()) || is_group(&mut before.iter().rev()) {
        Step::other(1, Some(' '))
    } else {
        Step::same(1)
    }
}

/// `ESC [ 31 m`: the colours of a terminal (ECMA-48, section 8.3.117), and other sequences of it.
fn colour(rest: &str) -> Step {
    let Some(inside) = rest.get(1..).and_then(|rest| rest.strip_prefix('[')) else { return Step::same(1) };
    let length = inside.bytes().take(SEQUENCE_BYTES_MAX).take_while(|b| (0x20..0x40).contains(b)).count();
    match inside.as_bytes().get(length) {
        Some(0x40..=0x7E) => Step::other(length + 3, None),
        _ => Step::same(1),
    }
}

/// `%41` in a word that has several: one alone is a percentage or a pattern.
fn percent(text: &str, at: usize) -> Step {
    // `%u0041`, as scripts of pages write it.
    if text.as_bytes().get(at + 1) == Some(&b'u')
        && let Some(c) = text.get(at + 2..at + 6).and_then(code)
    {
        return Step::other(6, Some(c));
    }
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
    letter(bytes, at, byte)
}

/// The letter of escapes that begin here with this byte: a sequence of UTF-8, or one byte of ASCII; anything else stays as
/// it is.
fn letter(bytes: &[u8], at: usize, first: u8) -> Step {
    let width = match first {
        0..=0x7F => return Step::other(3, Some(char::from(first))),
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

/// `&#65;`, `&#x41;`, `&lt;`: in text whose format has no entities. Pages show a number without its end, too.
fn entity(rest: &str) -> Step {
    let read = || {
        let end = rest.bytes().take(ENTITY_BYTES_MAX).position(|b| b == b';')?;
        Some((end + 1, xhtml::entity(rest.get(1..end)?)?))
    };
    let unended = || {
        let rest = rest.get(1..).filter(|rest| rest.starts_with('#'))?.as_bytes();
        let (start, is_digit): (usize, fn(&u8) -> bool) = match rest.get(1)? {
            b'x' | b'X' => (2, u8::is_ascii_hexdigit),
            _ => (1, u8::is_ascii_digit),
        };
        let digits = rest.iter().skip(start).take(ENTITY_BYTES_MAX).take_while(|b| is_digit(b)).count();
        let number = rest.get(..start + digits).filter(|_| digits >= 2)?;
        Some((1 + number.len(), xhtml::entity(std::str::from_utf8(number).ok()?)?))
    };
    match read().or_else(unended) {
        Some((taken, c)) => Step::other(taken, Some(c)),
        None => Step::same(1),
    }
}

/// `\u0041`, a pair of surrogates too; `\u{41}`, `\x41`, and `\'41` of RTF.
fn backslash(rest: &str) -> Step {
    let low = |digits: Option<&str>| {
        let byte = hex(digits.map(str::as_bytes)).filter(u8::is_ascii)?;
        (byte >= b' ').then(|| char::from(byte))
    };
    match rest.as_bytes().get(1) {
        Some(b'u') if rest.as_bytes().get(2) == Some(&b'{') => {
            let inside = rest.get(3..).unwrap_or_default();
            let end = inside.bytes().take(BRACED_DIGITS_MAX + 1).position(|b| b == b'}');
            match end.and_then(|end| Some((end, code(inside.get(..end)?)?))) {
                Some((end, c)) => Step::other(end + 4, Some(c)),
                None => Step::same(1),
            }
        }
        Some(b'u') => unicode_escape(rest),
        Some(b'x' | b'\'') => match low(rest.get(2..4)) {
            Some(c) => Step::other(4, Some(c)),
            None => Step::same(1),
        },
        _ => Step::same(1),
    }
}

/// The character of a number in hex digits.
fn code(digits: &str) -> Option<char> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten().and_then(char::from_u32)
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
    !b.is_ascii() || is_mark(b)
}

/// Whether one of these signs of a block may be a disguise: most are of percentages, as nothing of a code stands behind.
fn may_disguise(bytes: &[u8], block: usize, mut signs: u64) -> bool {
    while signs != 0 {
        let at = block + signs.trailing_zeros() as usize;
        signs &= signs - 1;
        let is_code = || bytes.get(at + 1).is_some_and(|b| b.is_ascii_hexdigit() || *b == b'u');
        if bytes.get(at) != Some(&b'%') || is_code() {
            return true;
        }
    }
    false
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
    DIGITS.any(bytes, |_, [digits, blanks]| {
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

/// A piece of a text: where it stands, how long it is, what stands for it.
type Edit = (usize, usize, Option<char>);

/// What makes nine digits behind a word for a social security number one number: `417 - 62 - 8093`, `4 1 7 - 6 2 - 8 0 9 3`,
/// `417/62/8093`, `4.1.7.6.2.8.0.9.3`.
fn spaced_numbers(text: &str) -> Vec<Edit> {
    let bytes = text.as_bytes();
    // Most texts haven't so many digits.
    if bytes.len() < SSN_TEXT_BYTES_MIN || !has_digits(bytes, SSN_DIGITS) {
        return Vec::new();
    }
    let mut edits = Vec::new();
    let mut read = 0;
    cues(bytes, |cue| {
        let Some(from) = SSN_CUES.iter().find_map(|word| {
            let end = cue + word.len();
            bytes.get(cue..end).filter(|there| there.eq_ignore_ascii_case(word.as_bytes())).map(|_| end)
        }) else {
            return;
        };
        let near = bytes.get(from..bytes.len().min(from + SSN_CUE_BYTES)).unwrap_or_default();
        let Some(start) =
            near.iter().position(u8::is_ascii_digit).map(|at| from + at).filter(|at| *at >= read)
        else {
            return;
        };
        if let Some((end, pieces)) = nine_digits(bytes, start) {
            edits.extend(pieces);
            read = end;
        }
    });
    edits
}

/// Whether a text has so many digits. It isn't looked at behind the block that has the last of them.
fn has_digits(bytes: &[u8], least: usize) -> bool {
    let mut many = 0;
    DIGITS.any(bytes, |_, [digits, _]| {
        many += digits.count_ones() as usize;
        many >= least
    })
}

/// Tells where a word of [`SSN_CUES`] may begin: by its first two letters.
fn cues(bytes: &[u8], mut told: impl FnMut(usize)) {
    CUES.any(bytes, |from, [first, second]| {
        // What is the second of the last byte stands in the next block.
        let mut begins = first & (second >> 1 | 1 << (BLOCK - 1));
        while begins != 0 {
            told(from + begins.trailing_zeros() as usize);
            begins &= begins - 1;
        }
        false // on to the end
    });
}

/// The end of a number of nine digits that begins here, and what stands between them, where that is more than in one that
/// is written as usual.
fn nine_digits(bytes: &[u8], start: usize) -> Option<(usize, Vec<Edit>)> {
    let (mut at, mut digits, mut between, mut singles) = (start, 0, Vec::new(), 0);
    loop {
        digits += 1;
        at += 1;
        if digits == SSN_DIGITS {
            break;
        }
        let rest = bytes.get(at..)?;
        let gap = rest.iter().take(SSN_GAP_BYTES_MAX + 1).take_while(|b| b" -/.,_|".contains(b)).count();
        if gap > SSN_GAP_BYTES_MAX || !rest.get(gap)?.is_ascii_digit() {
            return None;
        }
        let group = matches!(digits, 3 | 5);
        let dash = rest.first() == Some(&b'-') && gap == 1;
        match gap {
            0 => {}
            _ if group => between.push((at, gap, (!dash).then_some('-'), true)),
            _ => {
                singles += 1;
                between.push((at, gap, None, false));
            }
        }
        at += gap;
    }
    let next = bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric());
    // Spelled one by one, or by the groups that such a number has.
    let whole = matches!(singles, 0 | 6) && between.len() >= if singles == 6 { 6 } else { 2 };
    let edits: Vec<Edit> = between
        .iter()
        .filter(|(_, _, written, group)| !group || written.is_some())
        .map(|(at, gap, written, _)| (*at, *gap, *written))
        .collect();
    (whole && !next && !edits.is_empty()).then_some((at, edits))
}

fn to_u32(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What may be a disguise.
static SIGNS: LazyLock<Sets<1>> = LazyLock::new(|| Sets::new([is_sign]));
/// Digits, and blanks.
static DIGITS: LazyLock<Sets<2>> =
    LazyLock::new(|| Sets::new([|b: u8| b.is_ascii_digit(), |b: u8| b == b' ']));
/// The first letter of the words for a social security number, and the second.
static CUES: LazyLock<Sets<2>> =
    LazyLock::new(|| Sets::new([|b: u8| matches!(b, b's' | b'S'), |b: u8| b"sSoO".contains(&b)]));
/// Escapes of one word from which on they are taken for encoding.
const PERCENT_ESCAPES_MIN: usize = 3;
/// How far a word is looked at for them, to each side.
const WORD_BYTES_MAX: usize = 64;
/// So many bytes are looked at one by one.
const SHORT_BYTES_MAX: usize = 32;
/// An entity with zeros in front of its number has many.
const ENTITY_BYTES_MAX: usize = 24;
/// Inside `\u{…}`.
const BRACED_DIGITS_MAX: usize = 6;
const ESCAPE: u8 = 0x1B;
/// Between the bracket of a terminal's sequence and its last letter.
const SEQUENCE_BYTES_MAX: usize = 24;
/// Disguises in disguises.
const PASSES_MAX: usize = 4;
/// Underlines to each side of one are looked at no further.
const MARKS_MAX: usize = 64;
/// Words for a social security number, from their `s` on.
const SSN_CUES: &[&str] = &["ssn", "social security", "soc sec", "ss#", "soc. sec"];
/// How far behind one its number begins.
const SSN_CUE_BYTES: usize = 24;
const SSN_DIGITS: usize = 9;
/// A word for one, and one that is spelled.
const SSN_TEXT_BYTES_MIN: usize = 14;
/// What stands between two digits at most.
const SSN_GAP_BYTES_MAX: usize = 3;
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
        for text in [
            "",
            "Patient Núñez, 50% better & well \\ fine",
            "1 2 3",
            "4 mg 2 x 1",
            "日本",
            "first_name",
            "a_1",
        ] {
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
    fn escapes_of_escapes_and_of_other_languages_are_undone() {
        for text in [
            "&amp;amp;#52;12-21-3456",
            "%2534%2531%2532-21-3456",
            "%u0034%u0031%u0032-21-3456",
            r"\x34\x31\x32-21-3456",
            r"\u{34}\u{31}\u{000032}-21-3456",
            r"\'34\'31\'32-21-3456",
            "&#52&#49&#50-21-3456",
            "&#x34&#X31&#x32-21-3456",
            "&#0000000000052;12-21-3456",
        ] {
            assert_eq!(reads(text), "412-21-3456", "{text}");
        }
        for text in ["100%", r"C:\xampp\new", "R&#x", "a &# b", r"it\'s", "&#1 x", "&#x4 x", "&#xg0"] {
            assert_eq!(reads(text), text);
        }
    }

    #[test]
    fn controls_that_nobody_sees_are_taken_out_and_those_that_part_fields_stay() {
        assert_eq!(reads("4\u{8}12-\u{0}\u{0}2\u{7F}1-34\u{1A}56"), "412-21-3456");
        assert_eq!(reads("\0A\0n\0n\0 \0R\0o\0e"), "Ann Roe");
        assert_eq!(reads("ssn=%004%001%002%00-%002%001%00-%003%004%005%006"), "ssn=412-21-3456");
        for text in ["412\u{1}21\u{2}3456", "(01)0\u{1D}10A", "a\u{B}b\u{C}c\td\r\ne"] {
            assert_eq!(reads(text), text);
        }
    }

    #[test]
    fn underlines_and_colours_around_words_are_no_part_of_them() {
        assert_eq!(reads("_412-21-3456_ and __Ann Roe__"), " 412-21-3456  and   Ann Roe  ");
        assert_eq!(reads("ssn_412-21-3456_front.pdf"), "ssn 412-21-3456 front.pdf");
        assert_eq!(reads("\u{1B}[1;31mAnn\u{1B}[0m Roe"), "Ann Roe");
        for text in ["first_name last_name_2", "scan_20240102_001.pdf", "snake_case"] {
            assert_eq!(reads(text), text);
        }
    }

    #[test]
    fn marks_letters_and_digits_of_other_scripts_are_read_as_they_look() {
        assert_eq!(reads("Jose\u{301} Nu\u{301}n\u{303}ez"), "Jos\u{e9} N\u{fa}\u{f1}ez");
        assert_eq!(reads("4\u{336}1\u{332}2-\u{E52}1-\u{17E3}\u{BEA}56"), "412-21-3456");
        assert_eq!(reads("\u{2463}\u{2460}\u{2461}-\u{2082}\u{2081}-3456"), "412-21-3456");
        assert_eq!(reads("B\u{434}"), "B\u{434}");
        assert_eq!(
            reads("Bl\u{430}nk\u{435}nship \u{0421}\u{0435}\u{0440}\u{0433}\u{0435}\u{0439}"),
            "Blankenship \u{0421}\u{0435}\u{0440}\u{0433}\u{0435}\u{0439}"
        );
        assert_eq!(reads("\u{1D40D}\u{1D41A}me 4\u{2066}1\u{61C}2"), "Name 412");
        // A power is none of its number.
        assert_eq!(reads("4.5 x10\u{b3}/L"), "4.5 x10\u{b3}/L");
    }

    #[test]
    fn a_number_that_is_spaced_out_behind_its_word_is_one() {
        for text in [
            "412 - 21 - 3456",
            "4 1 2 - 2 1 - 3 4 5 6",
            "412/21/3456",
            "412--21--3456",
            "4.1.2.2.1.3.4.5.6",
            "4-1-2-2-1-3-4-5-6",
        ] {
            let read = reads(&format!("SSN: {text}, ok"));
            assert!(read == "SSN: 412-21-3456, ok" || read == "SSN: 412213456, ok", "{text}: {read}");
        }
        for text in [
            "412 - 21 - 3456",
            "ssn 412-21-3456",
            "ssn field, 4 of 12 pages, 3456 rows and 2 more 1",
            "sessions 12/21/3456/7",
        ] {
            assert_eq!(reads(text), text);
        }
        for before in 0..150 {
            let front = "x".repeat(before);
            assert_eq!(reads(&format!("{front} SSN 412 - 21 - 3456")), format!("{front} SSN 412-21-3456"));
        }
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
