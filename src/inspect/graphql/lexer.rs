//! GraphQL's tokens (GraphQL, October 2021, section 2.1): strict, so that what isn't GraphQL is told and read as text.

use std::borrow::Cow;
use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Name,
    /// `$name`; its span is the name's.
    Variable,
    /// A string; its span lies between the quotes.
    String,
    /// A string between three quotes.
    Block,
    Number,
    Comment,
    /// `{`, `(`, `:` and the like; `...` is one `.`.
    Mark(u8),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

/// The tokens of a text; `None` where a character begins none, a string doesn't end, or brackets don't match.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let mut open = Vec::new();
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    while let Some(first) = bytes.get(at) {
        let rest = bytes.get(at..)?;
        let run = |what: fn(&u8) -> bool| rest.iter().take_while(|b| what(b)).count();
        let (kind, span, next) = match first {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                let end = at + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
                (Kind::Comment, at + 1..end, end)
            }
            b'"' if rest.starts_with(b"\"\"\"") => {
                let end = block_end(rest)?;
                (Kind::Block, at + 3..at + end, at + end + 3)
            }
            b'"' => {
                let end = string_end(rest)?;
                (Kind::String, at + 1..at + end, at + end + 1)
            }
            b'-' | b'0'..=b'9' => {
                let end = at + run(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b));
                (Kind::Number, at..end, end)
            }
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                let end = at + run(is_name);
                (Kind::Name, at..end, end)
            }
            b'$' => {
                let end = at + 1 + rest.iter().skip(1).take_while(|b| is_name(b)).count();
                (Kind::Variable, at + 1..end, end)
            }
            b'.' if rest.starts_with(b"...") => (Kind::Mark(b'.'), at..at + 3, at + 3),
            mark if b"!&():=@[]{|}".contains(mark) => {
                match mark {
                    b'(' | b'[' | b'{' => open.push(*mark),
                    b')' => (open.pop() == Some(b'(')).then_some(())?,
                    b']' => (open.pop() == Some(b'[')).then_some(())?,
                    b'}' => (open.pop() == Some(b'{')).then_some(())?,
                    _ => {}
                }
                (Kind::Mark(*mark), at..at + 1, at + 1)
            }
            _ => return None,
        };
        out.push(Token { kind, span });
        at = next;
    }
    (open.is_empty() && out.iter().any(|token| token.kind == Kind::Mark(b'{'))).then_some(out)
}

/// A string's value, its escapes undone.
pub(super) fn value<'t>(text: &'t str, token: &Token) -> Cow<'t, str> {
    let raw = text.get(token.span.clone()).unwrap_or_default();
    match token.kind {
        Kind::String if raw.contains('\\') => Cow::Owned(crate::inspect::walk::json::unescape(raw)),
        Kind::Block if raw.contains('\\') => Cow::Owned(raw.replace("\\\"\"\"", "\"\"\"")),
        _ => Cow::Borrowed(raw),
    }
}

fn is_name(b: &u8) -> bool {
    b.is_ascii_alphanumeric() || *b == b'_'
}

/// Where the quotes stand that end a string.
fn string_end(rest: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match rest.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            b'\n' | b'\r' => return None,
            _ => at += 1,
        }
    }
}

fn block_end(rest: &[u8]) -> Option<usize> {
    let mut at = 3;
    loop {
        at += memchr::memmem::find(rest.get(at..)?, b"\"\"\"")?;
        if rest.get(at - 1) != Some(&b'\\') {
            return Some(at);
        }
        at += 3;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_with_their_places() {
        let text = "query Q($id: ID!) { # who\n Patient(name: \"A\\\"b\", n: -1.5e3, d: \"\"\"x \\\"\"\" \"y\"\"\") { ...F } }";
        let tokens = tokens(text).unwrap();
        let words: Vec<_> = tokens.iter().map(|token| value(text, token).into_owned()).collect();
        assert_eq!(words.get(..8).unwrap(), ["query", "Q", "(", "id", ":", "ID", "!", ")"]);
        assert!(words.contains(&"A\"b".to_owned()) && words.contains(&"-1.5e3".to_owned()));
        assert!(words.contains(&"x \"\"\" \"y".to_owned()) && words.contains(&" who".to_owned()));
    }

    #[test]
    fn what_is_no_graphql_has_none() {
        for text in [
            "",
            "Patient: Ann",
            "{ a",
            "{ a(b: \"x) }",
            "{ a(b: \"\"\"x\"\") }",
            "{ a ] }",
            "{ 06/22 }",
            "{ a. }",
            "{\"a\": 'b'}",
        ] {
            assert!(tokens(text).is_none(), "{text}");
        }
    }
}
