//! The syntax of multipart bodies: boundaries, parts, headers and their parameters.

use std::ops::Range;

/// A multipart body, divided.
pub(crate) struct Parts {
    /// The parts, headers and all, without the line end in front of a boundary.
    pub(crate) parts: Vec<Range<usize>>,
    /// What stands in front of the first boundary and behind the last, where that is more than blanks.
    pub(crate) around: Vec<Range<usize>>,
    /// Whether the last boundary is there.
    pub(crate) closed: bool,
}

/// A header of a part.
pub(crate) struct Header {
    /// Lower case.
    pub(crate) name: String,
    /// Unfolded.
    pub(crate) value: String,
    /// Whether its bytes are those of the body at `span`: in one line, and ASCII.
    pub(crate) as_is: bool,
    /// Where the value stands.
    pub(crate) span: Range<usize>,
}

impl Parts {
    /// Divides `bytes`. Line ends may be bare, as programs write them.
    pub(crate) fn of(bytes: &[u8], boundary: &[u8]) -> Self {
        let mut out = Self { parts: Vec::new(), around: Vec::new(), closed: false };
        let mark = [b"--".as_slice(), boundary].concat();
        let mut open = None;
        let mut around_from = 0;
        for found in memchr::memmem::find_iter(bytes, &mark) {
            let Some((line_end, last)) = delimiter(bytes, found, mark.len()) else { continue };
            let end = found - line_end_before(bytes, found);
            match open {
                Some(from) => out.parts.push(from..end.max(from)),
                None => out.around_of(bytes, around_from..found),
            }
            open = (!last).then_some(line_end);
            around_from = line_end;
            if last {
                out.closed = true;
                break;
            }
        }
        match open {
            Some(from) => out.parts.push(from..bytes.len()),
            None if out.closed => out.around_of(bytes, around_from..bytes.len()),
            None => {}
        }
        out
    }

    fn around_of(&mut self, bytes: &[u8], at: Range<usize>) {
        if bytes.get(at.clone()).is_some_and(|text| !text.trim_ascii().is_empty()) {
            self.around.push(at);
        }
    }
}

/// Where the line of a boundary ends, if it is one, and whether it is the last.
fn delimiter(bytes: &[u8], found: usize, length: usize) -> Option<(usize, bool)> {
    let begins = found == 0 || bytes.get(found - 1).is_some_and(|b| matches!(b, b'\r' | b'\n'));
    let mut at = found + length;
    let last = bytes.get(at..at + 2) == Some(b"--");
    at += if last { 2 } else { 0 };
    while bytes.get(at).is_some_and(|b| matches!(b, b' ' | b'\t')) {
        at += 1;
    }
    let end = match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\r'), Some(b'\n')) => at + 2,
        (Some(b'\r' | b'\n'), _) => at + 1,
        (None, _) => bytes.len(),
        _ => return None,
    };
    begins.then_some((end, last))
}

fn line_end_before(bytes: &[u8], at: usize) -> usize {
    match (at.checked_sub(2).and_then(|i| bytes.get(i)), at.checked_sub(1).and_then(|i| bytes.get(i))) {
        (Some(b'\r'), Some(b'\n')) => 2,
        (_, Some(b'\r' | b'\n')) => 1,
        _ => 0,
    }
}

/// The boundary that a body itself shows: its first line, where a header of a part follows.
pub(crate) fn shown_boundary(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.trim_ascii_start();
    let line = bytes.get(..bytes.len().min(BOUNDARY_BYTES_MAX + 4))?;
    let end = memchr::memchr2(b'\r', b'\n', line)?;
    let boundary = line.get(..end)?.strip_prefix(b"--")?.trim_ascii_end();
    let behind = bytes.get(end..)?.trim_ascii_start();
    let header = behind.get(..8).is_some_and(|head| head.eq_ignore_ascii_case(b"content-"));
    (header && !boundary.is_empty()).then_some(boundary)
}

/// Headers of the part at `at`, and where its body stands. A part without a blank line is all body.
pub(crate) fn headers(bytes: &[u8], at: Range<usize>) -> (Vec<Header>, Range<usize>) {
    let mut out: Vec<Header> = Vec::new();
    let mut from = at.start;
    while from < at.end {
        let rest = bytes.get(from..at.end).unwrap_or_default();
        let length = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let line = rest.get(..length).unwrap_or_default();
        let next = from + length + if rest.get(length..length + 2) == Some(b"\r\n") { 2 } else { 1 };
        if line.is_empty() {
            return (out, next.min(at.end)..at.end);
        }
        let text: String = String::from_utf8_lossy(line).into_owned();
        match text.split_once(':') {
            _ if line.first().is_some_and(|b| matches!(b, b' ' | b'\t')) && !out.is_empty() => {
                if let Some(header) = out.last_mut() {
                    header.value.push(' ');
                    header.value.push_str(text.trim());
                    header.span.end = from + length;
                    header.as_is = false;
                }
            }
            Some((name, value)) if out.len() < HEADERS_MAX && is_token(name) => {
                let blanks = value.len() - value.trim_start().len();
                let start = from + name.len() + 1 + blanks;
                let value = value.trim();
                out.push(Header {
                    name: name.to_ascii_lowercase(),
                    value: value.to_owned(),
                    as_is: line.is_ascii(),
                    span: start.min(from + length)..(start + value.len()).min(from + length),
                });
            }
            // No headers at all: the part is its body.
            _ => return (Vec::new(), at),
        }
        from = next;
    }
    if at.is_empty() { (out, at) } else { (Vec::new(), at) }
}

/// A parameter of a header's value: `name="a;\"b\""`, `name=a`.
pub(crate) fn parameter(value: &str, wanted: &str) -> Option<String> {
    parameters(value).find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, found)| found)
}

/// The same with where it stands: inside its quotes.
pub(super) fn placed_parameter(value: &str, wanted: &str) -> Option<(String, Range<usize>)> {
    let mut all = placed_parameters(value);
    all.find(|(name, ..)| name.eq_ignore_ascii_case(wanted)).map(|(_, found, at)| (found, at))
}

/// All parameters of a header's value, in order.
pub(in crate::inspect) fn parameters(value: &str) -> impl Iterator<Item = (&str, String)> {
    placed_parameters(value).map(|(name, found, _)| (name, found))
}

fn placed_parameters(value: &str) -> impl Iterator<Item = (&str, String, Range<usize>)> {
    let mut rest = value.split_once(';').map(|(_, rest)| rest);
    std::iter::from_fn(move || {
        let (name, behind) = rest?.split_once('=')?;
        // A word without a value in front of this one.
        let name = name.rsplit(';').next().unwrap_or(name).trim();
        let behind = behind.trim_start();
        let start = value.len() - behind.len();
        let (found, next, at) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let (found, next) = unquoted(quoted);
                // Its quote, where it has one.
                let end = value.len() - next.len();
                let quote = value.get(..end).is_some_and(|all| end > start + 1 && all.ends_with('"'));
                (found, next, start + 1..end - usize::from(quote))
            }
            None => {
                let (found, next) = behind.split_once(';').unwrap_or((behind, ""));
                let found = found.trim_end();
                (found.to_owned(), next, start..start + found.len())
            }
        };
        rest = Some(next);
        Some((name, found, at))
    })
}

/// A quoted string without its opening quote, and what follows it.
fn unquoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return (out, text.get(at + 1..).unwrap_or_default()),
            '\\' if !escaped => escaped = true,
            c => {
                out.push(c);
                escaped = false;
            }
        }
    }
    (out, "")
}

fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!#$%&'*+^`|~".contains(&b))
}

const BOUNDARY_BYTES_MAX: usize = 74;
const HEADERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str, boundary: &str) -> (Vec<String>, Vec<String>, bool) {
        let parts = Parts::of(body.as_bytes(), boundary.as_bytes());
        let text = |at: &Range<usize>| body[at.clone()].to_owned();
        (parts.parts.iter().map(text).collect(), parts.around.iter().map(text).collect(), parts.closed)
    }

    #[test]
    fn parts_stand_between_boundaries_at_line_starts() {
        let (parts, around, closed) =
            texts("hello\r\n--b\r\nA: 1\r\n\r\nx --b y\r\n--b \r\n\r\nz\r\n\r\n--b--\r\nbye", "b");
        assert_eq!(parts, ["A: 1\r\n\r\nx --b y", "\r\nz\r\n"]);
        assert_eq!(around, ["hello\r\n", "bye"]);
        assert!(closed);
        assert_eq!(texts("--b\n\nx", "b"), (vec!["\nx".to_owned()], vec![], false));
        assert_eq!(texts("--bc\n\nx\n--b--\n", "b").0, Vec::<String>::new());
    }

    #[test]
    fn headers_unfold_and_end_at_a_blank_line() {
        let part = b"Content-Type: text/plain;\r\n charset=utf-8\r\nX: y\r\n\r\nbody";
        let (headers, body) = super::headers(part, 0..part.len());
        assert_eq!(headers[0].value, "text/plain; charset=utf-8");
        assert_eq!((headers[1].name.as_str(), &part[body]), ("x", b"body".as_slice()));
        assert_eq!(super::headers(b"just text", 0..9).1, 0..9);
    }

    #[test]
    fn parameters_are_read_with_and_without_quotes() {
        let value = r#"form-data; name="a;b \"c\""; filename=x.txt ; filename*=UTF-8''y.txt"#;
        assert_eq!(parameter(value, "name").as_deref(), Some("a;b \"c\""));
        assert_eq!(parameter(value, "filename").as_deref(), Some("x.txt"));
        assert_eq!(parameter(value, "FILENAME*").as_deref(), Some("UTF-8''y.txt"));
        assert_eq!(parameter("multipart/mixed", "boundary"), None);
        for (name, at) in [("name", r#"a;b \"c\""#), ("filename", "x.txt"), ("filename*", "UTF-8''y.txt")] {
            let (_, place) = placed_parameter(value, name).expect("there");
            assert_eq!(value.get(place), Some(at));
        }
        for (value, at) in [(r#"a; b="c"#, 6..7), (r#"a; b=""#, 6..6), (r#"a; b="""#, 6..6), ("a; b=", 5..5)]
        {
            assert_eq!(placed_parameter(value, "b").map(|(_, at)| at), Some(at), "{value}");
        }
    }

    #[test]
    fn a_body_shows_its_boundary() {
        assert_eq!(shown_boundary(b"--x7\r\nContent-Type: text/plain\r\n\r\n"), Some(b"x7".as_slice()));
        assert_eq!(shown_boundary(b"-- \nselect 1"), None);
    }
}
