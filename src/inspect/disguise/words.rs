//! What stands for blanks and letters in words that another program encoded: a plus in a query or a form (WHATWG URL,
//! section 5.1), and the `Q` of encoded words in mail (RFC 2047, section 4.2).

use super::{Edit, PERCENT_ESCAPES_MIN, hex, letter};

/// Whether a text may have a plus that stands for a blank: beside a percent sign or behind a name of a query.
pub(super) fn may_have_query(bytes: &[u8]) -> bool {
    let Some(plus) = memchr::memchr(b'+', bytes) else { return false };
    memchr::memchr(b'=', bytes.get(..plus).unwrap_or_default()).is_some()
        || memchr::memchr(b'%', bytes).is_some()
}

/// The pluses that are blanks: in a run of letters that has escapes, or is the value of a parameter and has words as long
/// as those of a language.
pub(super) fn pluses(text: &str) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut edits = Vec::new();
    let mut at = 0;
    while let Some(plus) = memchr::memchr(b'+', bytes.get(at..).unwrap_or_default()).map(|found| at + found) {
        let is_part = |b: &&u8| !b.is_ascii_whitespace() && !matches!(b, b'"' | b'<' | b'>' | b'\'' | b'\\');
        let before = bytes.get(at..plus).unwrap_or_default().iter().rev().take_while(is_part).count();
        let behind = bytes.get(plus..).unwrap_or_default().iter().take_while(is_part).count();
        let (start, end) = (plus - before, plus + behind);
        let run = bytes.get(start..end).unwrap_or_default();
        let escapes =
            memchr::memchr_iter(b'%', run).filter(|at| hex(run.get(at + 1..at + 3)).is_some()).count();
        let mut from = start;
        for value in run.split(|b| matches!(b, b'&' | b'?' | b'=')) {
            let is_named =
                from.checked_sub(1).filter(|_| from > start).and_then(|at| bytes.get(at)) == Some(&b'=');
            if escapes >= PERCENT_ESCAPES_MIN || is_named && in_query(run, from - start) && has_words(value) {
                read(bytes, from..from + value.len(), &mut edits);
            }
            from += value.len() + 1;
        }
        at = end;
    }
    edits
}

/// What stands for the pluses and escapes of a value.
fn read(bytes: &[u8], value: std::ops::Range<usize>, edits: &mut Vec<Edit>) {
    let mut at = value.start;
    while let Some(b) = bytes.get(at).filter(|_| at < value.end) {
        let taken = match b {
            // One in front of a number is a country's.
            b'+' if at > value.start || !bytes.get(at + 1).is_some_and(u8::is_ascii_digit) => {
                edits.push((at, 1, Some(' ')));
                1
            }
            b'%' => {
                let step = hex(bytes.get(at + 1..at + 3)).map(|byte| letter(bytes, at, byte));
                match step.and_then(|step| Some((step.taken, step.written?))) {
                    Some((taken, written)) => {
                        edits.push((at, taken, written));
                        taken
                    }
                    None => 1,
                }
            }
            _ => 1,
        };
        at += taken;
    }
}

/// Whether the parameter whose value begins at `at` stands behind a `?` or `&`, or begins its run.
fn in_query(run: &[u8], at: usize) -> bool {
    let before = run.get(..at.saturating_sub(1)).unwrap_or_default();
    let is_name = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'[' | b']');
    let name = before.iter().rev().take_while(is_name).count();
    let opens = before.len().checked_sub(name + 1).and_then(|at| before.get(at));
    name > 0 && matches!(opens, None | Some(b'?' | b'&'))
}

/// Whether what stands between pluses is as long as words are, and one of them is: sums and base64 have others.
fn has_words(value: &[u8]) -> bool {
    let is_word = |word: &[u8]| word.len() >= 2 && word.iter().all(u8::is_ascii_alphabetic);
    value.split(|b| *b == b'+').all(|word| word.len() <= WORD_BYTES_MAX)
        && value.split(|b| *b == b'+').any(is_word)
}

/// Whether a text is quoted-printable (RFC 2045, section 6.7): two escapes that only it has, or one and a line that goes on.
/// What a formula or a query says of itself (`mode=3D`) is none. A blank that stands between words may be a length, too
/// (`margin=20px`): three are needed.
pub(super) fn is_printable(bytes: &[u8]) -> bool {
    let (mut escapes, mut breaks, mut blanks) = (0, 0, 0);
    for at in memchr::memchr_iter(b'=', bytes) {
        if line_break(bytes, at).is_some() {
            breaks += 1;
        } else if bytes.get(at + 1..at + 3) == Some(b"20") {
            let is_word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphabetic() || *b == b'=');
            blanks += usize::from(is_word(bytes.get(at + 3)));
        } else if let Some(digits @ [_, b'A'..=b'F']) = bytes.get(at + 1..at + 3) {
            let (_, letter) = escaped(bytes, at, bytes.len(), false);
            let goes_on = bytes.get(at + 3).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'=');
            let is_dimension = matches!(digits, b"2D" | b"3D") && !goes_on;
            escapes +=
                usize::from(letter.is_some_and(|c| !c.is_alphanumeric() || !c.is_ascii()) && !is_dimension);
        }
        if escapes > 1 || escapes > 0 && breaks > 0 || blanks >= PRINTABLE_BLANKS_MIN {
            return true;
        }
    }
    false
}

/// What stands for the escapes and broken lines of quoted-printable. Letters and digits are escaped only in a row.
pub(super) fn printable(text: &str) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut edits = Vec::new();
    let mut behind = 0;
    for at in memchr::memchr_iter(b'=', bytes) {
        if at < behind {
            continue;
        }
        let (taken, letter) = match line_break(bytes, at) {
            Some(taken) => (taken, None),
            None => match escaped(bytes, at, bytes.len(), false) {
                (taken, Some(c))
                    if is_escaped(c) || (at == behind && at > 0) || bytes.get(at + 3) == Some(&b'=') =>
                {
                    (taken, Some(c).filter(|c| !c.is_control() || c.is_ascii_whitespace()))
                }
                _ => continue,
            },
        };
        edits.push((at, taken, letter));
        behind = at + taken;
    }
    edits
}

/// Whether programs escape a letter: not those of ASCII.
fn is_escaped(c: char) -> bool {
    !c.is_ascii_alphanumeric() && (!c.is_control() || c.is_ascii_whitespace())
}

/// How long a mark at `at` is by which a line goes on in the next one. Base64 ends with the same.
fn line_break(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at + 1..)?;
    let blanks = rest.iter().take(BLANKS_MAX).take_while(|b| matches!(b, b' ' | b'\t')).count();
    let end = match rest.get(blanks..)? {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => return None,
    };
    let word =
        bytes.get(..at)?.iter().rev().take(WORD_BYTES_MAX + 1).take_while(|b| b.is_ascii_alphanumeric());
    (word.count() <= WORD_BYTES_MAX && bytes.get(at.checked_sub(1)?) != Some(&b'='))
        .then_some(1 + blanks + end)
}

/// Whether a text may have an encoded word.
pub(super) fn may_have_quoted(bytes: &[u8]) -> bool {
    bytes.len() > MARKS_BYTES && memchr::memmem::find(bytes, b"=?").is_some()
}

/// What stands for the letters of `=?UTF-8?Q?Harold_Vandenberg=2C_DOB?=`.
pub(super) fn quoted(text: &str) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut edits = Vec::new();
    let mut read = 0;
    for start in memchr::memmem::find_iter(bytes, b"=?") {
        let Some((word, latin1)) = encoded_word(bytes, start).filter(|_| start >= read) else { continue };
        edits.push((start, word.start - start, None));
        let mut at = word.start;
        while let Some(b) = bytes.get(at).filter(|_| at < word.end) {
            let (taken, written) = match b {
                b'_' => (1, Some(Some(' '))),
                b'=' => {
                    let (taken, letter) = escaped(bytes, at, word.end, latin1);
                    (taken, letter.map(Some))
                }
                _ => (1, None),
            };
            if let Some(written) = written {
                edits.push((at, taken, written));
            }
            at += taken;
        }
        // Blanks between two encoded words are none of the text.
        let rest = bytes.get(word.end + 2..).unwrap_or_default();
        let blanks = rest.iter().take(BLANKS_MAX).take_while(|b| b.is_ascii_whitespace()).count();
        let more = rest.get(blanks..).is_some_and(|rest| rest.starts_with(b"=?"));
        let taken = 2 + if more { blanks } else { 0 };
        // A blank stands for the last mark: what is found before it ends there.
        edits.push((word.end, taken, if more { None } else { Some(' ') }));
        read = word.end + taken;
    }
    edits
}

/// The text of an encoded word that begins here, and whether its bytes are letters by themselves.
fn encoded_word(bytes: &[u8], start: usize) -> Option<(std::ops::Range<usize>, bool)> {
    let inside = bytes.get(start + 2..bytes.len().min(start + ENCODED_BYTES_MAX))?;
    let charset = memchr::memchr(b'?', inside)?;
    let name = inside.get(..charset)?;
    if name.is_empty() || !name.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b)) {
        return None;
    }
    let text = inside.get(charset..)?;
    let text = [b"?Q?", b"?q?"].iter().find_map(|mark| text.strip_prefix(*mark))?;
    let end = memchr::memmem::find(text, b"?=").filter(|end| *end > 0)?;
    let from = start + 2 + charset + 3;
    Some((from..from + end, name.get(..3).is_none_or(|head| !head.eq_ignore_ascii_case(b"utf"))))
}

/// The letter that one or more escapes stand for, and how long they are.
fn escaped(bytes: &[u8], at: usize, end: usize, latin1: bool) -> (usize, Option<char>) {
    let byte = |number: usize| {
        let at = at + 3 * number;
        let digits = bytes.get(at + 1..at + 3).filter(|_| bytes.get(at) == Some(&b'=') && at + 3 <= end);
        hex(digits)
    };
    let width = match byte(0) {
        None => return (1, None),
        Some(b) if latin1 || b.is_ascii() => return (3, Some(char::from(b))),
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(_) => 4,
    };
    let sequence: Option<Vec<u8>> = (0..width).map(byte).collect();
    let letter = sequence.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.chars().next());
    (if letter.is_some() { 3 * width } else { 3 }, letter)
}

/// A longer piece between two pluses is no word.
const WORD_BYTES_MAX: usize = 24;
/// The marks of an encoded word: `=?a?Q??=`.
const MARKS_BYTES: usize = 8;
/// An encoded word has 75 at most; programs write longer ones.
const ENCODED_BYTES_MAX: usize = 1024;
const BLANKS_MAX: usize = 8;
/// So many escaped blanks before words are no lengths.
const PRINTABLE_BLANKS_MIN: usize = 3;

#[cfg(test)]
mod tests {
    use super::super::Plain;

    #[test]
    fn a_plus_is_a_blank_beside_escapes_and_in_a_query() {
        for (written, read) in [
            (
                "POST /sms?body=Patient+Bartholomew+Nakagawa%2C+DOB+05%2F09%2F1955%2C+MRN+300482",
                "POST /sms?body=Patient Bartholomew Nakagawa, DOB 05/09/1955, MRN 300482",
            ),
            ("GET /p?name=Anna+Brown&x=1 200", "GET /p?name=Anna Brown&x=1 200"),
            ("name=Anna+Brown&x=1", "name=Anna Brown&x=1"),
        ] {
            let plain = Plain::of(written);
            assert_eq!(plain.text(), read);
            for (at, letter) in read.char_indices().filter(|(_, c)| c.is_ascii_uppercase()) {
                assert_eq!(written[plain.origin(at)..].chars().next(), Some(letter), "{written}");
            }
        }
        for text in [
            "call +1 253 552 0917",
            "GET /p?phone=+12535520917 200",
            "a+b=c+d",
            "x=1+2+3",
            "token=aGVsbG8gd29ybGQgYW5kIGFsbCB0aGF0+IGFuZCBtb3JlIG9mIGl0IGluIGhlcmU=",
            "C++ and 5%+ of 10%",
            "https://example.org/a+b/c",
        ] {
            assert_eq!(Plain::of(text).text(), text);
        }
    }

    #[test]
    fn quoted_printable_is_read() {
        for (written, read) in [
            (
                "Patient Yesenia Tur=\r\nsunov, SSN=20449=2D38=2D0073",
                "Patient Yesenia Tursunov, SSN 449-38-0073",
            ),
            ("Patient=3A Ren=C3=A9 Roe=2C seen", "Patient: René Roe, seen"),
            ("DOB=3A=\n 03/04/1965", "DOB: 03/04/1965"),
            ("SSN=3A=34=34=39=2D38=2D0073", "SSN:449-38-0073"),
            ("Patient=20name:=20Ann=20Roe, SSN 449-38-0073", "Patient name: Ann Roe, SSN 449-38-0073"),
        ] {
            let plain = Plain::of(written);
            assert_eq!(plain.text(), read);
            let last = read.len() - 1;
            assert_eq!(plain.origin(last), written.len() - 1, "{written}");
        }
        for text in [
            "mode=3D view=2D x=20",
            "a=20 b=30",
            "margin=20px padding=20px",
            "let x =\n  5",
            "aGVsbG8gd29ybGQgYW5kIGFsbCB0aGF0IGFuZA=\nnext=2D",
            "/?a=2D&b=3D",
        ] {
            assert_eq!(Plain::of(text).text(), text);
        }
    }

    #[test]
    fn quoted_words_of_mail_are_read() {
        let written =
            "Subject: =?UTF-8?Q?Results_for_patient_Harold_Vandenberg=2C_DOB_06=2F22=2F1962?=\nTo: x";
        let plain = Plain::of(written);
        assert_eq!(plain.text(), "Subject: Results for patient Harold Vandenberg, DOB 06/22/1962 \nTo: x");
        let at = plain.text().find("Vandenberg").expect("read");
        assert_eq!(plain.origin(at), written.find("Vandenberg").expect("written"));
        let split = Plain::of("=?utf-8?q?J=C3=BCrgen_?=\r\n =?iso-8859-1?Q?M=FCller?= ok");
        assert_eq!(split.text(), "Jürgen Müller  ok");
        // What is found at its end doesn't take its mark in.
        let written = "=?UTF-8?Q?Harold_Vandenberg?=";
        let end = Plain::of(written).text().find("berg").expect("read") + 4;
        assert_eq!(Plain::of(written).origin(end), written.len() - 2);
        for text in ["a=?b", "x =?UTF-8?Q? y", "if (a=?1:2) =?"] {
            assert_eq!(Plain::of(text).text(), text);
        }
    }
}
