//! Offsets: from a byte of a decoded value back to the raw byte it came from.

/// How a document writes what it can't write plainly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// Not at all.
    None,
    /// Not at all; each byte is a character.
    Latin1,
    /// `\n`, `\u0041` (RFC 8259, section 7).
    Json,
    /// `\F\`, `\X41\` (HL7 v2, section 2.7).
    Hl7v2,
    /// `?*`, and lines that are wrapped anywhere.
    X12,
    /// `%41`, `+`.
    Percent,
    /// `""` (RFC 4180, section 2).
    Doubled,
    /// `&amp;`, `&#65;` (XML 1.0, section 4.1).
    Xml,
}

/// Where the bytes of a text stand in what it was made from: in runs, since most bytes stand beside each other there, too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runs {
    /// In order; a byte before the first stands where it is.
    runs: Vec<Run>,
    /// Where the text ends; all that is asked for behind it stands where that does.
    end: Option<(usize, usize)>,
}

/// Bytes of a text from `at` on, up to the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    at: u32,
    origin: u32,
    /// Whether each stands one behind the one before; otherwise all stand at the same place.
    moves: bool,
}

impl Runs {
    /// Where byte `at` of the text came from.
    #[must_use]
    pub fn origin(&self, at: usize) -> usize {
        match self.end {
            Some((end, origin)) if at >= end => origin,
            Some((_, most)) => self.inside(at).min(most),
            None => self.inside(at),
        }
    }

    fn inside(&self, at: usize) -> usize {
        let next = self.runs.partition_point(|run| run.at as usize <= at);
        let Some(run) = next.checked_sub(1).and_then(|run| self.runs.get(run)) else { return at };
        run.origin as usize + if run.moves { at - run.at as usize } else { 0 }
    }

    /// Says where the text ends: nothing of it stands behind that.
    pub fn ends(&mut self, at: usize, origin: usize) {
        self.end = Some((at, origin));
    }

    /// Says where the text goes on: from its byte `at`, which isn't before any that was told, bytes stand one behind the
    /// other from `origin` on (`moves`), or all at it.
    pub fn push(&mut self, at: usize, origin: usize, moves: bool) {
        let runs_on = match self.runs.last() {
            Some(run) => moves == run.moves && self.origin(at) == origin,
            None => moves && at == origin,
        };
        if runs_on {
            return;
        }
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let run = Run { at: small(at), origin: small(origin), moves };
        match self.runs.last_mut().filter(|last| last.at == run.at) {
            Some(last) => *last = run,
            None => self.runs.push(run),
        }
    }

    /// Forgets what was said of byte `at` and all behind it.
    pub fn cut(&mut self, at: usize) {
        while self.runs.last().is_some_and(|run| run.at as usize >= at) {
            self.runs.pop();
        }
    }

    /// Of a text, by asking for places: of ASCII whose ends stand as far apart as in the text, what is between isn't asked
    /// for. No such character takes less room than one byte where it came from.
    pub fn sampled(text: &str, origin: &dyn Fn(usize) -> usize) -> Self {
        let mut runs = Self::default();
        let bytes = text.as_bytes();
        let mut from = 0;
        while let Some(rest) = bytes.get(from..).filter(|rest| !rest.is_empty()) {
            let ascii = rest.iter().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
            if ascii > 1 {
                // Up to the last of them: one that isn't ASCII may come behind it.
                runs.sample(from, from + ascii - 1, origin);
            }
            let last = from + ascii.saturating_sub(1);
            runs.push(last, origin(last), true);
            from = last + 1;
        }
        runs.ends(bytes.len(), origin(bytes.len()));
        runs
    }

    /// Asks for the places of a piece by its ends, and in its middle where they aren't as far apart.
    fn sample(&mut self, from: usize, to: usize, origin: &dyn Fn(usize) -> usize) {
        let mut left = vec![(from, to, origin(from), origin(to))];
        while let Some((from, to, first, last)) = left.pop() {
            if to - from <= 1 || first + (to - from) == last {
                self.push(from, first, true);
            } else {
                let middle = from + (to - from) / 2;
                let between = origin(middle);
                left.push((middle, to, between, last));
                left.push((from, middle, first, between));
            }
        }
    }
}

/// Where each byte of `decoded`, and what lies behind the last, came from in `raw`.
#[must_use]
pub fn runs(raw: &[u8], decoded: &str, escapes: Escapes) -> Runs {
    let mut out = Runs::default();
    let (mut done, mut at) = (0, 0);
    let mut special = Special { at: 0, known: false };
    let mut close = None;
    while let Some(rest) = decoded.get(done..).filter(|rest| !rest.is_empty()) {
        // What is written as it is read.
        let plain = match close {
            None => raw.get(at..special.next(raw, at, escapes)).unwrap_or_default(),
            Some(_) => &[],
        };
        let same = same(plain, rest);
        if same > 0 {
            out.push(done, at, true);
            done += same;
            at += same;
            continue;
        }
        let Some(c) = rest.chars().next() else { break };
        let mut bytes = [0; 4];
        let plain = c.encode_utf8(&mut bytes).as_bytes();
        let (from, taken) = character(raw, at, c, plain, escapes, &mut close);
        out.push(done, from.min(raw.len()), taken == plain.len());
        done += plain.len();
        at = from + taken;
    }
    out.ends(done, at.min(raw.len()));
    out
}

/// The next byte that an escape may begin with.
struct Special {
    at: usize,
    known: bool,
}

impl Special {
    /// The first from `from` on, else the end; looked for anew only where it is passed.
    fn next(&mut self, raw: &[u8], from: usize, escapes: Escapes) -> usize {
        if self.known && self.at >= from {
            return self.at;
        }
        let rest = raw.get(from..).unwrap_or_default();
        let next = match escapes {
            Escapes::None => None,
            Escapes::Latin1 => Some(0), // each byte may be a character of two
            Escapes::Json | Escapes::Hl7v2 => memchr::memchr(b'\\', rest),
            Escapes::Percent => memchr::memchr2(b'%', b'+', rest),
            Escapes::Doubled => memchr::memchr(b'"', rest),
            Escapes::Xml => memchr::memchr3(b'&', b'<', b']', rest),
            Escapes::X12 => memchr::memchr3(b'?', b'\r', b'\n', rest),
        };
        *self = Self { at: from + next.unwrap_or(rest.len()), known: true };
        self.at
    }
}

/// How many bytes are the same on both sides; whole characters.
fn same(plain: &[u8], decoded: &str) -> usize {
    let most = plain.len().min(decoded.len());
    let (one, other) = (plain.get(..most), decoded.as_bytes().get(..most));
    let mut many = match one == other {
        true => most,
        false => plain.iter().zip(decoded.bytes()).take_while(|(one, other)| **one == *other).count(),
    };
    while !decoded.is_char_boundary(many) {
        many -= 1;
    }
    many
}

/// Where a character of the decoded text stands from `at` on, and how many raw bytes it takes. `close` is where an escape
/// of several characters ends that `at` lies in.
fn character(
    raw: &[u8],
    mut at: usize,
    c: char,
    plain: &[u8],
    escapes: Escapes,
    close: &mut Option<usize>,
) -> (usize, usize) {
    if close.is_some() {
        return pairs(raw, at, at, plain, close);
    }
    let rest = raw.get(at..).unwrap_or_default();
    at += match escapes {
        Escapes::Xml => unsaid(rest, c),
        Escapes::Hl7v2 => unshown(rest, c),
        _ => 0,
    };
    if escapes == Escapes::Hl7v2
        && let Some(digits) = hex_digits(raw.get(at..).unwrap_or_default())
    {
        *close = Some(at + HEX_HEAD + digits);
        return pairs(raw, at, at + HEX_HEAD, plain, close);
    }
    step(raw, at, plain, escapes)
}

/// How many digits stand in `\X…\`, with which bytes begin: two for each of its bytes.
fn hex_digits(bytes: &[u8]) -> Option<usize> {
    let inside = bytes.strip_prefix(b"\\X").or_else(|| bytes.strip_prefix(b"\\x"))?;
    let digits = memchr::memchr(b'\\', inside)?;
    let sound = digits > 0 && digits % 2 == 0;
    (sound && inside.get(..digits)?.iter().all(u8::is_ascii_hexdigit)).then_some(digits)
}

/// A character that stands from `at` on, as the pairs of hex digits from `digits` on: one for each of its bytes, or one
/// for all of them where the bytes are Latin-1. With the last pair the escape ends.
fn pairs(raw: &[u8], at: usize, digits: usize, plain: &[u8], close: &mut Option<usize>) -> (usize, usize) {
    let end = close.unwrap_or(digits);
    let pair = raw.get(digits..digits + 2).and_then(|pair| std::str::from_utf8(pair).ok());
    let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let many = if byte.is_some() && byte == plain.first().copied() { plain.len() } else { 1 };
    let behind = digits + 2 * many;
    if behind < end {
        return (at, behind - at);
    }
    *close = None;
    (at, end + 1 - at)
}

/// `\X`
const HEX_HEAD: usize = 2;

/// For each byte of `decoded`, and one behind the last, the offset in `raw` of what it came from: character by character,
/// for tests to compare with.
#[cfg(test)]
fn map(raw: &[u8], decoded: &str, escapes: Escapes) -> Vec<usize> {
    let mut out = Vec::with_capacity(decoded.len() + 1);
    let mut at = 0;
    let mut close = None;
    for c in decoded.chars() {
        let mut bytes = [0; 4];
        let plain = c.encode_utf8(&mut bytes).as_bytes();
        let (from, taken) = character(raw, at, c, plain, escapes, &mut close);
        for i in 0..plain.len() {
            out.push(if taken == plain.len() { from + i } else { from }.min(raw.len()));
        }
        at = from + taken;
    }
    out.push(at.min(raw.len()));
    let found = runs(raw, decoded, escapes);
    let by_runs: Vec<usize> = (0..=decoded.len()).map(|at| found.origin(at)).collect();
    assert_eq!(by_runs, out);
    out
}

/// How many raw bytes of XML before a character say nothing: comments, instructions, the marks of CDATA sections.
fn unsaid(raw: &[u8], next: char) -> usize {
    let mut at = 0;
    while let Some(rest) = raw.get(at..).filter(|rest| rest.first().is_some_and(|b| b"<]".contains(b))) {
        let past = |mark: &[u8]| memchr::memmem::find(rest, mark).map_or(rest.len(), |end| end + mark.len());
        at += match rest {
            [b'<', b'!', b'[', ..] if next != '<' => past(b"[CDATA["),
            [b'<', b'!', b'-', b'-', ..] if next != '<' => past(b"-->"),
            [b'<', b'?', ..] if next != '<' => past(b"?>"),
            [b']', b']', b'>', ..] if next != ']' => 3,
            _ => return at,
        };
    }
    at
}

/// How many raw bytes of HL7 v2 before a character show nothing: highlighting, character sets, sites' own.
fn unshown(raw: &[u8], next: char) -> usize {
    let mut at = 0;
    while next != '\\'
        && let Some(inside) = raw.get(at..).and_then(|rest| rest.strip_prefix(b"\\"))
        && let Some(close) = memchr::memchr(b'\\', inside)
    {
        match inside.get(..close) {
            Some(b"H" | b"N" | [b'C' | b'M' | b'Z', ..] | [b'.', b'f' | b'n', ..]) => at += close + 2,
            _ => break,
        }
    }
    at
}

/// Where the character stands, and how many raw bytes it takes.
fn step(raw: &[u8], at: usize, plain: &[u8], escapes: Escapes) -> (usize, usize) {
    let rest = raw.get(at..).unwrap_or_default();
    match (escapes, rest.first()) {
        (Escapes::Latin1, _) => (at, 1),
        (Escapes::Json, Some(b'\\')) => match rest.get(1) {
            Some(b'u') if plain.len() == 4 => (at, 12),
            Some(b'u') => (at, 6),
            _ => (at, 2),
        },
        // What is no escape stays as it is written.
        (Escapes::Hl7v2, Some(b'\\'))
            if plain == b"\\" && !matches!(rest.get(1), Some(b'E' | b'X' | b'x')) =>
        {
            (at, 1)
        }
        (Escapes::Hl7v2, Some(b'\\')) => {
            let end = rest.iter().skip(1).position(|b| *b == b'\\').map_or(1, |e| e + 2);
            (at, end)
        }
        (Escapes::X12, Some(b'\r' | b'\n' | b'?')) if !rest.starts_with(plain) => {
            let skipped = rest.iter().take_while(|b| matches!(b, b'\r' | b'\n' | b'?')).count();
            (at + skipped, plain.len())
        }
        (Escapes::Percent, Some(b'%')) => (at, 3 * plain.len()),
        (Escapes::Percent, Some(b'+')) => (at, 1),
        (Escapes::Doubled, Some(b'"')) if rest.starts_with(b"\"\"") => (at, 2),
        (Escapes::Xml, Some(b'&')) => {
            let name = rest.iter().skip(1).take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
            // A bare ampersand stands in CDATA.
            if name > 0 && rest.get(name + 1) == Some(&b';') { (at, name + 2) } else { (at, 1) }
        }
        // Latin-1 or windows-1252 in the raw bytes: one byte a character.
        (_, Some(b)) if plain.len() >= 2 && !rest.starts_with(plain) && *b >= 0x80 => (at, 1),
        _ => (at, plain.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_escapes_map_to_where_they_stand() {
        let raw = br"a\n412\u002d21";
        let m = map(raw, "a\n412-21", Escapes::Json);
        assert_eq!(m, [0, 1, 3, 4, 5, 6, 12, 13, 14]);
    }

    #[test]
    fn hl7v2_and_percent_escapes_map_too() {
        assert_eq!(map(br"A\T\B", "A&B", Escapes::Hl7v2), [0, 1, 4, 5]);
        assert_eq!(map(br"a\ \b\E\c", r"a\ \b\c", Escapes::Hl7v2), [0, 1, 2, 3, 4, 5, 8, 9]);
        assert_eq!(map(br"\H\a\N\b", "ab", Escapes::Hl7v2), [3, 7, 8]);
        // One escape of several letters: each has its digits, so that none has no place of its own.
        assert_eq!(map(br"\X4142\", "AB", Escapes::Hl7v2), [0, 4, 7]);
        assert_eq!(map(br"a\X414243\4", "aABC4", Escapes::Hl7v2), [0, 1, 5, 7, 10, 11]);
        assert_eq!(map(br"\XC3A941\b", "\u{e9}Ab", Escapes::Hl7v2), [0, 0, 6, 9, 10]);
        assert_eq!(map(br"\XE941\b", "\u{e9}Ab", Escapes::Hl7v2), [0, 0, 4, 7, 8]);
        assert_eq!(map(b"a%20b", "a b", Escapes::Percent), [0, 1, 4, 5]);
        assert_eq!(map(b"a\"\"b\xFC", "a\"b\u{fc}", Escapes::Doubled), [0, 1, 3, 4, 4, 5]);
    }

    #[test]
    fn each_byte_of_latin1_is_a_character_whatever_it_looks_like() {
        assert_eq!(map(b"a\xC3\x83b", "a\u{c3}\u{83}b", Escapes::Latin1), [0, 1, 1, 2, 2, 3, 4]);
    }

    #[test]
    fn runs_are_those_of_each_byte_of_any_text() {
        let pieces = [
            "a",
            "bc",
            " ",
            "\u{e9}",
            "\u{20ac}",
            "\\",
            "\\n",
            "\\u00e9",
            "%41",
            "+",
            "\"\"",
            "&amp;",
            "<!--x-->",
            "\n",
            "?",
            "]",
            "\\T\\",
            "\\H\\",
            "\\X4142\\",
        ];
        let all = [
            Escapes::None,
            Escapes::Latin1,
            Escapes::Json,
            Escapes::Hl7v2,
            Escapes::X12,
            Escapes::Percent,
            Escapes::Doubled,
            Escapes::Xml,
        ];
        let mut state = 11_u64;
        let mut next = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for _ in 0..5000 {
            let raw: String = (0..next(12)).map(|_| pieces[next(pieces.len())]).collect();
            // What it says, what it might say, and something else altogether.
            let decoded = match next(3) {
                0 => raw.clone(),
                1 => raw
                    .replace("&amp;", "&")
                    .replace("%41", "A")
                    .replace("\\n", "\n")
                    .replace("\\u00e9", "\u{e9}")
                    .replace("\"\"", "\""),
                _ => (0..next(12)).map(|_| pieces[next(pieces.len())]).collect(),
            };
            for escapes in all {
                map(raw.as_bytes(), &decoded, escapes);
            }
        }
    }

    #[test]
    fn places_that_are_asked_for_are_those_of_all_bytes() {
        let raw = "ab&amp;cd<!-- x -->efghijkl&#xE9;mn\u{e9}op";
        let decoded = "ab&cdefghijkl\u{e9}mn\u{e9}op";
        let exact = map(raw.as_bytes(), decoded, Escapes::Xml);
        let asked = std::cell::Cell::new(0);
        let sampled = Runs::sampled(decoded, &|at| exact[at]);
        assert_eq!((0..=decoded.len()).map(|at| sampled.origin(at)).collect::<Vec<_>>(), exact);
        let plain = "x".repeat(5000);
        let sampled = Runs::sampled(&plain, &|at| {
            asked.set(asked.get() + 1);
            at
        });
        assert_eq!((sampled.runs, asked.get()), (Vec::new(), 4));
        assert_eq!(Runs::sampled("", &|at| at + 7).origin(0), 7);
        // Characters that are longer than what they came from, and an escape that makes up for them.
        let (raw, decoded) = (b"M\xFC\xFC\\T\\ller x", "M\u{fc}\u{fc}&ller x");
        let exact = map(raw, decoded, Escapes::Hl7v2);
        let sampled = Runs::sampled(decoded, &|at| exact[at]);
        assert_eq!((0..=decoded.len()).map(|at| sampled.origin(at)).collect::<Vec<_>>(), exact);
    }

    #[test]
    fn xml_references_and_latin1_map_too() {
        let raw = "a&amp;b&#xE9;éc";
        assert_eq!(map(raw.as_bytes(), "a&bééc", Escapes::Xml), [0, 1, 6, 7, 7, 13, 14, 15, 16]);
        assert_eq!(map(b"M\xfc&#38;\x80l", "Mü&€l", Escapes::Xml), [0, 1, 1, 2, 7, 7, 7, 8, 9]);
        assert_eq!(map(b"a & b", "a & b", Escapes::Xml), [0, 1, 2, 3, 4, 5]);
        let raw = "4<!-- - -->1<![CDATA[2&]]>-";
        assert_eq!(map(raw.as_bytes(), "412&-", Escapes::Xml), [0, 11, 21, 22, 26, 27]);
    }
}
