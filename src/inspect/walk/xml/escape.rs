//! References: the five entities of XML and characters by number. There are no others: a document can't declare any.

/// The references of a run of text undone. What is no reference stays as it is (a [`Tape`](super::Tape) has none).
/// Line ends and blanks aren't normalised: each byte of the value has its place in the raw bytes.
#[must_use]
pub fn unescape(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('&') {
        let (plain, escape) = rest.split_at(at);
        out.push_str(plain);
        match reference(escape) {
            Some((c, length)) => {
                out.push(c);
                rest = escape.get(length..).unwrap_or_default();
            }
            None => {
                out.push('&');
                rest = escape.get(1..).unwrap_or_default();
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character of the reference that `text` begins with, and how many bytes it takes, `&` and `;` included
/// (XML 1.0, sections 4.1 and 4.6).
#[must_use]
pub fn reference(text: &str) -> Option<(char, usize)> {
    for (name, c) in [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')] {
        if text.starts_with(name) {
            return Some((c, name.len()));
        }
    }
    let number = text.strip_prefix("&#")?;
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |hex| (hex, 16));
    let mut code = 0_u32;
    for (at, c) in digits.char_indices() {
        if c == ';' {
            let c = char::from_u32(code).filter(|c| at > 0 && is_char(*c))?;
            return Some((c, text.len() - digits.len() + at + 1));
        }
        code = code.saturating_mul(radix).saturating_add(c.to_digit(radix)?);
    }
    None
}

/// What may stand in a document (XML 1.0, section 2.2).
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}
