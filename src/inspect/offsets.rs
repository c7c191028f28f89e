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

/// For each byte of `decoded`, and one behind the last, the offset in `raw` of what it came from.
#[must_use]
pub fn map(raw: &[u8], decoded: &str, escapes: Escapes) -> Vec<usize> {
    let mut out = Vec::with_capacity(decoded.len() + 1);
    let mut at = 0;
    for c in decoded.chars() {
        let mut bytes = [0; 4];
        let plain = c.encode_utf8(&mut bytes).as_bytes();
        if escapes == Escapes::Xml {
            at += unsaid(raw.get(at..).unwrap_or_default(), c);
        }
        if escapes == Escapes::Hl7v2 {
            at += unshown(raw.get(at..).unwrap_or_default(), c);
        }
        let (from, taken) = step(raw, at, plain, escapes);
        for i in 0..plain.len() {
            out.push(if taken == plain.len() { from + i } else { from }.min(raw.len()));
        }
        at = from + taken;
    }
    out.push(at.min(raw.len()));
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
        // One escape of two letters: no place lies behind the value.
        assert_eq!(map(br"\X4142\", "AB", Escapes::Hl7v2), [0, 7, 7]);
        assert_eq!(map(b"a%20b", "a b", Escapes::Percent), [0, 1, 4, 5]);
        assert_eq!(map(b"a\"\"b\xFC", "a\"b\u{fc}", Escapes::Doubled), [0, 1, 3, 4, 4, 5]);
    }

    #[test]
    fn each_byte_of_latin1_is_a_character_whatever_it_looks_like() {
        assert_eq!(map(b"a\xC3\x83b", "a\u{c3}\u{83}b", Escapes::Latin1), [0, 1, 1, 2, 2, 3, 4]);
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
