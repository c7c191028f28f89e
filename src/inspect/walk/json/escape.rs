//! The escapes of JSON strings.

/// The escapes of a JSON string undone. A surrogate without its other half becomes U+FFFD, and so does what is no
/// escape (a [`Tape`](super::Tape) has none).
#[must_use]
pub fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        match chars.next() {
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(c @ ('"' | '\\' | '/')) => out.push(c),
            Some('u') => {
                let (c, length) = unicode(escape);
                out.push(c);
                rest = escape.get(length..).unwrap_or_default();
                continue;
            }
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out
}

/// The character of `uXXXX` or `uXXXX\uXXXX`, and how many bytes it took.
fn unicode(escape: &str) -> (char, usize) {
    let unit = |at: usize| escape.get(at..at + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let Some(high) = unit(1) else { return (char::REPLACEMENT_CHARACTER, 1) };
    if (0xD800..0xDC00).contains(&high)
        && escape.get(5..7) == Some("\\u")
        && let Some(low) = unit(7)
        && (0xDC00..0xE000).contains(&low)
    {
        let c = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}
