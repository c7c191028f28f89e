//! Documents inside strings: JSON in a JSON string, an HL7v2 message in a field, base64 in the middle of a note.

use super::decode;
use super::format::Format;
use super::simd::Sets;
use super::walk::xml::{self, XML_DEPTH_MAX};
use super::walk::{start_of, x12};
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// How a document is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is: its bytes stand in the string.
    Plain,
    /// Base64.
    Base64,
    /// Hex digits.
    Hex,
}

/// What a whole string is, beside free text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// A document of a format that has a structure.
    Document,
    /// A piece of markup.
    Markup,
}

/// What a string is, where it isn't free text. What begins like a document and turns out to be none is told by its walker.
#[must_use]
pub fn whole(text: &str) -> Option<Whole> {
    let trimmed = text.trim_ascii();
    if trimmed.len() < DOCUMENT_BYTES_MIN || !may_be_document(trimmed.as_bytes()) {
        return None;
    }
    let closes = |open: char, close: char| trimmed.starts_with(open) && trimmed.ends_with(close);
    match Format::sniff(trimmed.as_bytes()) {
        Format::Hl7v2 | Format::X12 | Format::Ndjson | Format::Csv | Format::Multipart | Format::Pdf => {
            Some(Whole::Document)
        }
        Format::Json if (closes('{', '}') || closes('[', ']')) && trimmed.contains('"') => {
            Some(Whole::Document)
        }
        Format::Xml | Format::Html if trimmed.contains('>') => {
            let first_tag = trimmed.split('>').next().unwrap_or_default();
            let is_xml = first_tag.starts_with("<?xml") || first_tag.contains("xmlns");
            Some(if is_xml || is_data(trimmed, first_tag) { Whole::Document } else { Whole::Markup })
        }
        _ => None,
    }
}

/// Whether a string begins as some document does: with a bracket, a dash, a mark or blank of control, or the first letter of
/// an HL7v2 or X12 header. All else is a document in lines or none.
pub(super) fn may_be_document(trimmed: &[u8]) -> bool {
    match trimmed.first() {
        Some(b'{' | b'[' | b'<' | b'-' | 0..b' ' | 0xEF) => true,
        Some(b'M' | b'm' | b'F' | b'f' | b'B' | b'b' | b'I') => true,
        Some(_) => memchr::memchr2(b'\n', b'\r', trimmed).is_some(),
        None => false,
    }
}

/// Whether a string is XML whose elements say what their texts are: well formed, and its root no element of HTML.
fn is_data(text: &str, first_tag: &str) -> bool {
    let name = first_tag.trim_start_matches('<');
    let name = name.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
    !is_html_element(name) && xml::Tape::read(text.as_bytes(), XML_DEPTH_MAX).is_ok()
}

/// Whether an element of this name, in any case, is one of HTML.
pub(super) fn is_html_element(name: &str) -> bool {
    HTML_ELEMENTS.iter().any(|element| element.eq_ignore_ascii_case(name))
}

/// Whether a text that is no piece of markup has tags of HTML in it: one of its elements is closed there.
#[must_use]
pub fn has_markup(text: &str) -> bool {
    let bytes = text.as_bytes();
    if memchr::memchr(b'<', bytes).is_none() {
        return false; // as most texts
    }
    let mut closes = memchr::memmem::find_iter(bytes, b"</").take(TAGS_LOOKED_AT_MAX);
    let is_element = |at: usize| {
        let name = bytes.get(at + 2..).unwrap_or_default();
        let length = name.iter().take(12).take_while(|b| b.is_ascii_alphanumeric()).count();
        name.get(length) == Some(&b'>') && text.get(at + 2..at + 2 + length).is_some_and(is_html_element)
    };
    closes.any(is_element) || memchr::memmem::find(bytes, b"<wbr").is_some()
}

/// Objects of JSON that stand in a text: the body of a request in a line of a log. Such as are whole, and begin with a key;
/// an object in another isn't told by itself. One pass: a quote that stays open ends at its line, since no string has a line
/// end, and from behind a brace that nothing closes the rest is read again, a few times.
#[must_use]
pub fn json_runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    for pass in 1..=JSON_PASSES_MAX {
        let Some(unclosed) = objects(bytes, at, &mut out) else { break };
        if pass == JSON_PASSES_MAX {
            break; // what the last one found stays
        }
        out.retain(|run: &Range<usize>| run.end <= unclosed);
        at = unclosed + 1;
    }
    out
}

/// Puts the objects from `at` on behind the others. Gives where a brace stands that nothing closes; what lies inside is told.
fn objects(bytes: &[u8], mut at: usize, out: &mut Vec<Range<usize>>) -> Option<usize> {
    let is_key = |at: usize| {
        bytes.get(at + 1..).and_then(|rest| rest.iter().find(|b| !b.is_ascii_whitespace())) == Some(&b'"')
    };
    // Where the open braces stand.
    let mut open: Vec<usize> = Vec::new();
    let mut unclosed = None;
    let mut quoted = false;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let step = match (open.is_empty(), quoted) {
            (true, _) => memchr::memchr(b'{', rest),
            (false, true) => memchr::memchr3(b'"', b'\\', b'\n', rest),
            (false, false) => memchr::memchr3(b'"', b'{', b'}', rest),
        };
        let Some(found) = step.map(|step| at + step) else { break };
        at = found + 1;
        match bytes.get(found) {
            Some(b'"') => quoted = !quoted,
            Some(b'\\') => at += 1,
            Some(b'\n') => {
                unclosed = unclosed.or(open.first().copied());
                open.clear();
                quoted = false;
            }
            Some(b'{') if !open.is_empty() || is_key(found) => open.push(found),
            Some(b'}') => {
                if let Some(start) = open.pop() {
                    while out.last().is_some_and(|run| run.start > start) {
                        out.pop();
                    }
                    if is_key(start) {
                        out.push(start..found + 1);
                    }
                }
            }
            _ => {}
        }
    }
    unclosed.or(open.first().copied())
}

/// Documents inside a text.
#[derive(Debug, Default)]
pub struct Documents {
    /// Where they stand, those of X12 first.
    pub runs: Vec<Range<usize>>,
    /// Whether it was given up to look for more, after as much as looked like one and was none.
    pub is_cut: bool,
}

/// X12 interchanges, and elements of XML that declare a namespace, where they stand inside a text.
#[must_use]
pub fn documents(text: &str) -> Documents {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    if bytes.len() < DOCUMENT_RUN_BYTES_MIN {
        return Documents::default();
    }
    let ahead = |from: usize, mark: &[u8]| {
        memchr::memmem::find(bytes.get(from..).unwrap_or_default(), mark).map(|at| from + at)
    };
    let mut at = 0;
    while let Some(start) = ahead(at, b"ISA") {
        at = start + 3;
        let stands_alone =
            start.checked_sub(1).is_none_or(|at| !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric));
        if stands_alone && x12::recognise(bytes.get(start..).unwrap_or_default()) {
            // Up to the end of its last segment, or all.
            let end = ahead(start, b"IEA").and_then(|trailer| {
                let rest = bytes.get(trailer..)?;
                let end = rest
                    .iter()
                    .take(X12_TRAILER_BYTES_MAX)
                    .position(|b| matches!(b, b'~' | b'\n' | b'\r'))?;
                Some(trailer + end + 1)
            });
            let end = end.unwrap_or(bytes.len());
            out.push(start..end);
            at = end;
        }
    }
    let (interchanges, mut at, mut read) = (out.len(), 0, 0);
    // Only what is read for nothing counts.
    let (mut spent, limit) = (0, bytes.len().saturating_mul(FAILED_PASSES_MAX));
    let mut endless = HashSet::new();
    // In order and apart: a text may have one in every few of its bytes.
    let is_inside = |out: &[Range<usize>], start: usize| {
        let interchanges = out.get(..interchanges).unwrap_or_default();
        let next = interchanges.partition_point(|run| run.end <= start);
        interchanges.get(next).is_some_and(|run| run.contains(&start))
    };
    while let Some(mark) = ahead(at, b"xmlns") {
        if spent > limit {
            return Documents { runs: out, is_cut: true };
        }
        at = mark + 5;
        let from = mark.saturating_sub(TAG_BYTES_MAX);
        let Some(start) =
            memchr::memrchr(b'<', bytes.get(from..mark).unwrap_or_default()).map(|at| from + at)
        else {
            continue;
        };
        if start < read {
            continue; // in the one before
        }
        let name = bytes.get(start + 1..mark).unwrap_or_default();
        let length = name.iter().take_while(|b| !b.is_ascii_whitespace() && **b != b'>').count();
        let name = text.get(start + 1..start + 1 + length).unwrap_or_default();
        if name.is_empty() || is_html_element(name) || is_inside(&out, start) || endless.contains(name) {
            continue;
        }
        let close = format!("</{name}>");
        let Some(end) = ahead(mark, close.as_bytes()).map(|at| at + close.len()) else {
            // Nor has one behind it an end. To look for bytes costs a part of what it costs to read.
            endless.insert(name);
            spent += (bytes.len() - mark) / SOUGHT_TO_READ;
            continue;
        };
        let element = bytes.get(start..end).unwrap_or_default();
        if xml::Tape::read(element, XML_DEPTH_MAX).is_ok() {
            out.push(start..end);
            (at, read) = (end, end);
        } else {
            spent += element.len();
        }
    }
    Documents { runs: out, is_cut: false }
}

/// Runs of base64 in a text that hold text, a document or a file: the parts of a JWT (RFC 7519) among them.
#[must_use]
pub fn base64_runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    if bytes.len() < RUN_BYTES_MIN || !may_have_row(&LETTERS, bytes, RUN_LETTERS_MIN) {
        return out;
    }
    let mut at = 0;
    while at < bytes.len() {
        // No run of the shortest length lies over a byte that none has: most texts are passed over in such steps.
        let ahead = bytes.get(at..at + RUN_LETTERS_MIN).unwrap_or_default();
        if let Some(last) = ahead.iter().rposition(|b| !is_letter(*b)) {
            at += last + 1;
            continue;
        }
        let run = run_at(bytes, at);
        if run.is_empty() {
            at += 1;
            continue;
        }
        at = run.end;
        if run.len() >= RUN_BYTES_MIN
            && let Some(found) = that_holds(text, &run, holds_something)
        {
            at = found.end;
            out.push(found);
        }
    }
    out
}

/// Whether so many bytes of the set, 16 to 32, stand in a row somewhere.
fn may_have_row(set: &Sets<1>, bytes: &[u8], least: usize) -> bool {
    // Those at the end of the block before.
    let mut open = 0;
    set.any(bytes, |_, [own]| {
        let joined = open + own.trailing_ones() as usize;
        open = if own == u64::MAX { joined } else { own.leading_ones() as usize };
        // Where a row of 2 begins, of 4, 8, 16, and of as many as are wanted.
        let row = [1, 2, 4, 8, least - 16].iter().fold(own, |row, by| row & (row >> by));
        joined >= least || row != 0
    })
}

/// Runs of hex digits in a text that hold text, a document or a file: digests and other numbers don't.
#[must_use]
pub fn hex_runs(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    if bytes.len() >= ROW_TEXT_BYTES_MIN && !may_have_row(&HEX_DIGITS, bytes, HEX_DIGITS_MIN) {
        return out; // as most texts: those with blanks between them are such a row, too
    }
    while at + HEX_DIGITS_MIN <= bytes.len() {
        let ahead = bytes.get(at..at + HEX_DIGITS_MIN).unwrap_or_default();
        if let Some(last) = ahead.iter().rposition(|b| !b.is_ascii_hexdigit()) {
            at += last + 1;
            continue;
        }
        let run = broken_run(bytes, at, u8::is_ascii_hexdigit, HEX_DIGITS_MIN);
        at = run.end;
        if let Some(found) = that_holds(text, &run, hex_holds_something) {
            at = found.end;
            out.push(found);
        }
    }
    spaced_hex(text, &mut out);
    out.sort_by_key(|run: &Range<usize>| run.start);
    out
}

/// Bytes in hex digits with a blank or a colon between them, as programs show them.
fn spaced_hex(text: &str, out: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + SPACED_BYTES_MIN <= bytes.len() {
        let ahead = bytes.get(at..at + SPACED_BYTES_MIN).unwrap_or_default();
        if let Some(last) = ahead.iter().rposition(|b| !is_hex_or_between(*b)) {
            at += last + 1;
            continue;
        }
        let is_pair =
            |at: usize| bytes.get(at..at + 2).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let mark = bytes.get(at + 2).copied().unwrap_or_default();
        let begins =
            at.checked_sub(1).and_then(|at| bytes.get(at)).is_none_or(|b| !b.is_ascii_alphanumeric());
        if !begins || !is_pair(at) || mark.is_ascii_hexdigit() {
            at += 1;
            continue;
        }
        let mut end = at + 2;
        while bytes.get(end) == Some(&mark) && is_pair(end + 1) {
            end += 3;
        }
        // The last two may begin a word.
        if bytes.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            end = end.saturating_sub(3).max(at);
        }
        if end >= at + SPACED_BYTES_MIN && text.get(at..end).is_some_and(hex_holds_something) {
            out.push(at..end);
        }
        at = end.max(at + 1);
    }
}

const fn is_hex_or_between(b: u8) -> bool {
    b.is_ascii_hexdigit() || matches!(b, b' ' | b':')
}

/// The bytes of a run of hex digits, blanks and colons between them passed over. `None` where it is none.
#[must_use]
pub fn hex(run: &str) -> Option<Vec<u8>> {
    match run.contains(':') {
        true => decode::hex(&run.replace(':', "")),
        false => decode::hex(run),
    }
}

/// The run, or what it is without its last line, which may be a word of the text behind, if that holds something.
fn that_holds(text: &str, run: &Range<usize>, holds: fn(&str) -> bool) -> Option<Range<usize>> {
    let whole = text.get(run.clone())?;
    if holds(whole) {
        return Some(run.clone());
    }
    let shorter = whole.get(..whole.rfind('\n')?)?.trim_ascii_end();
    holds(shorter).then(|| run.start..run.start + shorter.len())
}

/// Whether hex digits decode to what somebody wrote.
fn hex_holds_something(run: &str) -> bool {
    let head = hex(start_of(run, HEX_DIGITS_MIN)).unwrap_or_default();
    let odd = |b: &u8| !b.is_ascii_graphic() && !b.is_ascii_whitespace() && *b != 0x1C && *b != 0x0B;
    let is_long = run.len() >= 2 * LONG_RUN_BYTES;
    if !is_long && !is_known_file(&head) && (head.is_empty() || head.iter().any(odd)) {
        return false;
    }
    let Some(bytes) = hex(run) else { return false };
    is_known_file(&bytes)
        || is_long && strings(&bytes).is_some()
        || std::str::from_utf8(&bytes).is_ok_and(|text| {
            text.chars().any(char::is_alphabetic)
                && text.bytes().any(|b| b.is_ascii_whitespace() || b.is_ascii_punctuation())
                || is_packed(text)
        })
}

/// The run that begins here. Base64 of mail is broken into lines (RFC 2045, section 6.8): a long line goes on in the next.
fn run_at(bytes: &[u8], start: usize) -> Range<usize> {
    let mut run = broken_run(bytes, start, |b| is_letter(*b), LINE_BYTES_MIN);
    if !run.is_empty() {
        run.end +=
            bytes.get(run.end..).unwrap_or_default().iter().take(2).take_while(|b| **b == b'=').count();
    }
    run
}

/// A run of letters that is broken into lines of one length, with blanks in front of each; the last may be shorter.
fn broken_run(
    bytes: &[u8],
    start: usize,
    is_letter: impl Fn(&u8) -> bool,
    line_bytes_min: usize,
) -> Range<usize> {
    let mut end = start;
    let mut first = 0;
    loop {
        let line = bytes.get(end..).unwrap_or_default().iter().take_while(|b| is_letter(b)).count();
        end += line;
        if first == 0 {
            first = line;
        }
        let rest = bytes.get(end..).unwrap_or_default();
        let blank = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
        if line < line_bytes_min || line != first || blank == 0 {
            break;
        }
        let indent = rest.iter().skip(blank).take(INDENT_BYTES_MAX).take_while(|b| matches!(b, b' ' | b'\t'));
        let blank = blank + indent.count();
        let next = rest.iter().skip(blank).take_while(|b| is_letter(b)).take(first + 1).count();
        // A last line that is shorter than a run by itself may be a word of the text behind.
        if next == 0 || next > first {
            break;
        }
        end += blank;
    }
    start..end
}

const fn is_letter(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_')
}

/// Whether it decodes to what somebody wrote: random numbers, digests and long words don't.
fn holds_something(run: &str) -> bool {
    let has = |what: fn(&u8) -> bool| run.as_bytes().iter().any(what);
    if !(has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase)) {
        return false;
    }
    let is_long = run.len() >= LONG_RUN_BYTES;
    if !is_long && !may_begin(run.as_bytes()) {
        return false;
    }
    let Some(bytes) = decode::base64(run) else { return false };
    is_known_file(&bytes)
        || is_long && strings(&bytes).is_some()
        || is_zlib(&bytes) && decode::is_zlib(&bytes)
        || is_latin1(&bytes)
        || std::str::from_utf8(&bytes).is_ok_and(|text| is_written(text) || is_packed(text))
        || matches!(decode::wide(&bytes), Some(Ok(text)) if is_written(&text))
        || is_long && decode::is_packed_text(&bytes)
}

/// Whether a text is more than one word, and has no marks of control.
fn is_written(text: &str) -> bool {
    let odd = text.chars().filter(|c| c.is_control() && !c.is_ascii_whitespace() && *c != '\u{1c}').count();
    odd == 0 && text.bytes().any(|b| b.is_ascii_whitespace() || b.is_ascii_punctuation())
}

/// Whether a text of one word is packed again: base64 without padding, or hex digits. Each packing is a quarter shorter than
/// the one around it, so that all of them cost a few times the first.
fn is_packed(text: &str) -> bool {
    text.len() >= RUN_BYTES_MIN
        && text.bytes().all(|b| b.is_ascii_alphanumeric())
        && (holds_something(text) || hex_holds_something(text))
}

/// Whether bytes begin as UTF-16 does, of which every other byte is zero, or its mark stands first.
const fn begins_utf16(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xFF, 0xFE, ..]
            | [0xFE, 0xFF, ..]
            | [0, 1..=255, 0, 1..=255, 0, 1..=255, ..]
            | [1..=255, 0, 1..=255, 0, 1..=255, 0, ..]
    )
}

/// Whether bytes begin as a zlib stream (RFC 1950, section 2.2): deflate in a window of 32 KiB.
const fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [0x78, 0x01 | 0x5E | 0x9C | 0xDA, ..])
}

/// Whether bytes that aren't UTF-8 are words in Latin-1: letters of ASCII nearly all, and blanks.
fn is_latin1(bytes: &[u8]) -> bool {
    let high = bytes.iter().filter(|b| !b.is_ascii()).count();
    let is_word = |b: &u8| *b >= 0xC0 || b.is_ascii_graphic() || b.is_ascii_whitespace() || *b == 0x1C;
    high > 0 && high * 5 <= bytes.len() && bytes.iter().all(is_word)
}

/// Whether the first letters can be those of something: names of files and words of a URL mostly can't.
fn may_begin(run: &[u8]) -> bool {
    let mut bytes = [0; HEAD_BYTES];
    for (four, three) in run.chunks_exact(4).zip(bytes.chunks_exact_mut(3)) {
        let mut word = 0;
        for letter in four {
            let value = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' | b'-' => 62,
                _ => 63,
            };
            word = word << 6 | u32::from(value);
        }
        three.copy_from_slice(&word.to_be_bytes()[1..]);
    }
    if begins_utf16(&bytes) {
        return true;
    }
    let is_odd = |c: char| c.is_control() && !c.is_ascii_whitespace() && c != '\u{1c}';
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        // A character that goes on behind the last byte is no error.
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..e.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => {
            return is_known_file(&bytes) || is_zlib(&bytes) || is_latin1(&bytes);
        }
    };
    !text.contains(is_odd) || is_known_file(&bytes)
}

/// Whether bytes begin as a file does that nobody reads here, or that is read when it is taken out.
#[must_use]
pub fn is_known_file(bytes: &[u8]) -> bool {
    let stands = |at: usize, mark: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(mark));
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
        || FURTHER_IN.iter().any(|(at, mark)| stands(*at, mark))
}

/// Whether bytes begin as a picture for a page does.
#[must_use]
pub fn is_picture(bytes: &[u8]) -> bool {
    let is_webp = || bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    PICTURES.iter().any(|magic| bytes.starts_with(magic)) || is_webp()
}

/// What is written in bytes that are no text: their runs of letters, a line each. `None` where there is no run so long that
/// it doesn't come about by chance. Letters of four bytes each, as in UTF-32, are read without the noughts between them.
#[must_use]
pub fn strings(bytes: &[u8]) -> Option<String> {
    let is_written = |b: &u8| b.is_ascii_graphic() || *b == b' ';
    let noughts = memchr::memchr_iter(0, bytes).count();
    let bytes: Cow<'_, [u8]> = match noughts * 2 >= bytes.len() {
        true => Cow::Owned(bytes.iter().copied().filter(|b| *b != 0).collect()),
        false => Cow::Borrowed(bytes),
    };
    let says = |run: &&[u8]| {
        run.len() >= STRING_BYTES_MIN
            && run.iter().filter(|b| b.is_ascii_alphabetic()).count() * 3 >= run.len()
            && run.iter().any(|b| matches!(b, b' ' | b',' | b'^' | b'|' | b'=' | b':' | b'"'))
    };
    let runs = || bytes.split(|b| !is_written(b)).filter(|run| run.len() >= WORD_BYTES_MIN);
    runs().any(|run| says(&run)).then(|| {
        let lines: Vec<&str> = runs().filter_map(|run| std::str::from_utf8(run).ok()).collect();
        lines.join("\n")
    })
}

/// A longer run is decoded whatever it begins with.
const LONG_RUN_BYTES: usize = 64;
/// A run of letters so long doesn't come about by chance.
const STRING_BYTES_MIN: usize = 16;
/// A shorter one says nothing beside such.
const WORD_BYTES_MIN: usize = 4;
/// What somebody packed or wrote begins so: gzip, zstd, PDF, ZIP, PNG, JPEG, GIF, TIFF of both orders, OLE, SQLite, 7z, RAR,
/// xz, RIFF.
const MAGIC: &[&[u8]] = &[
    &[0x1F, 0x8B, 8],
    &[0x28, 0xB5, 0x2F, 0xFD],
    b"%PDF-",
    b"PK\x03\x04",
    b"\x89PNG\r\n",
    &[0xFF, 0xD8, 0xFF],
    b"GIF8",
    b"II*\0",
    b"MM\0*",
    b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
    b"SQLite format 3\0",
    b"7z\xBC\xAF\x27\x1C",
    b"Rar!\x1A\x07",
    &[0xFD, b'7', b'z', b'X', b'Z', 0],
    b"RIFF",
];
/// Of these the pictures that pages have: PNG, JPEG, GIF.
const PICTURES: &[&[u8]] = &[b"\x89PNG\r\n", &[0xFF, 0xD8, 0xFF], b"GIF8"];
/// The same further in: DICOM, tar, HEIC and what else has boxes.
const FURTHER_IN: &[(usize, &[u8])] = &[(128, b"DICM"), (257, b"ustar"), (4, b"ftyp")];
/// A shorter string is no document that tells of anybody.
const DOCUMENT_BYTES_MIN: usize = 16;
/// A shorter run is a word.
const RUN_BYTES_MIN: usize = 24;
/// What the first 16 letters of a run decode to.
const HEAD_BYTES: usize = 12;
/// Of these the last two may be `=`.
const RUN_LETTERS_MIN: usize = RUN_BYTES_MIN - 2;
/// Letters of base64.
static LETTERS: LazyLock<Sets<1>> = LazyLock::new(|| Sets::new([is_letter]));
/// Lines of broken base64 have 64 or 76 letters, some 40.
const LINE_BYTES_MIN: usize = 32;
/// Blanks in front of a line of it.
const INDENT_BYTES_MAX: usize = 16;
/// Hex digits, and what stands between two of them.
static HEX_DIGITS: LazyLock<Sets<1>> = LazyLock::new(|| Sets::new([is_hex_or_between]));
/// A shorter text is stepped through as quickly.
const ROW_TEXT_BYTES_MIN: usize = 256;
/// Fewer hex digits hold nothing that tells of anybody.
const HEX_DIGITS_MIN: usize = 32;
/// Sixteen of them, two by two.
const SPACED_BYTES_MIN: usize = 16 * 3 - 1;

/// Elements of HTML that a piece of markup may begin with.
const HTML_ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "article",
    "b",
    "big",
    "blockquote",
    "body",
    "br",
    "button",
    "caption",
    "center",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "fieldset",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "i",
    "img",
    "input",
    "ins",
    "label",
    "legend",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "q",
    "s",
    "script",
    "section",
    "select",
    "small",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "u",
    "ul",
    "wbr",
    "!doctype",
];
/// A shorter text holds no such document beside other words.
const DOCUMENT_RUN_BYTES_MIN: usize = 48;
/// How often a text is read for JSON: once more for each of so many braces that stay open.
const JSON_PASSES_MAX: usize = 16;
/// How many closing tags of a text are looked at.
const TAGS_LOOKED_AT_MAX: usize = 256;
/// How often a text may be read for elements that are no documents: as many as it is long, so often.
const FAILED_PASSES_MAX: usize = 16;
/// Bytes in which something is sought cost as much as one that is read.
const SOUGHT_TO_READ: usize = 16;
/// The last segment of an interchange with its delimiter.
const X12_TRAILER_BYTES_MAX: usize = 64;
/// How far behind its bracket a tag's first namespace stands.
const TAG_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    #[test]
    fn a_string_that_is_a_document_is_told_from_text_and_from_markup() {
        assert_eq!(whole(r#" {"resourceType":"Patient"} "#), Some(Whole::Document));
        assert_eq!(whole("MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|P|2.5\rPID|1"), Some(Whole::Document));
        assert_eq!(whole("<?xml version=\"1.0\"?><a/>"), Some(Whole::Document));
        assert_eq!(whole("<Patient xmlns=\"http://hl7.org/fhir\"/>"), Some(Whole::Document));
        assert_eq!(whole("<p>Seen today <b>again</b></p>"), Some(Whole::Markup));
        for text in
            ["{not json, but a brace}", "[see above]", "a < b and c > d", "{}", "<5 mg/dL, repeat in a week"]
        {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn runs_that_hold_text_are_found_and_digests_are_not() {
        let note =
            STANDARD.encode("Patient Harold Brown, DOB 06/22/1962, seen for chest pain and more of the same");
        let wrapped: Vec<String> =
            note.as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).expect("ASCII")).collect();
        let text = format!("see: {note}, or\n{}\nend", wrapped.join("\r\n"));
        let runs = base64_runs(&text);
        assert_eq!(runs.len(), 2, "{runs:?}");
        assert_eq!(&text[runs[0].clone()], note);
        assert_eq!(decode::base64(&text[runs[1].clone()]), decode::base64(&note));
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"x","name":"Harold Brown","birthdate":"1962-06-22"}"#);
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256","typ":"JWT"}"#);
        let signature = URL_SAFE_NO_PAD
            .encode((0..64_u8).map(|n| n.wrapping_mul(37).wrapping_add(131)).collect::<Vec<u8>>());
        assert_eq!(base64_runs(&format!("Bearer {header}.{claims}.{signature}")).len(), 2);
        let hex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        for text in [
            hex,
            "https://example.org/fhir/StructureDefinition/us-core-patient-profile",
            "Pneumonoultramicroscopicsilicovolcanoconiosis",
            &signature,
        ] {
            assert!(base64_runs(text).is_empty(), "{text}");
        }
    }

    fn objects_of(text: &str) -> Vec<&str> {
        json_runs(text).into_iter().map(|run| &text[run]).collect()
    }

    #[test]
    fn objects_are_found_however_many_and_whatever_stays_open_before_them() {
        let many = "INFO {\"a\":1}\n".repeat(500) + "INFO {\"b\": {\"c\": \"}\"}}";
        assert_eq!(objects_of(&many).len(), 501);
        assert_eq!(objects_of(&many).last(), Some(&"{\"b\": {\"c\": \"}\"}}"));
        let long = format!("x {{\"a\": \"{}\"}} y", "b".repeat(100_000));
        assert_eq!(objects_of(&long).len(), 1);
        assert_eq!(
            objects_of("f { x {\"a\": 1} } {\"b: {\"c\": 2}\n {\"d\":3}"),
            ["{\"a\": 1}", "{\"c\": 2}", "{\"d\":3}"]
        );
        assert_eq!(objects_of("{\"a\": {\"b\": 1}, {\"c\": 2}"), ["{\"b\": 1}", "{\"c\": 2}"]);
        let open = "{\"a\": ".repeat(2 * JSON_PASSES_MAX);
        assert_eq!(objects_of(&format!("{open}{{\"c\": 2}}")), ["{\"c\": 2}"]);
        // Braces that stay open cost no more the more of them there are.
        assert!(objects_of(&"{\"a".repeat(200_000)).is_empty());
    }

    #[test]
    fn hex_digits_that_hold_text_are_found_and_digests_are_not() {
        let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        let note = hex("Patient Harold Brown, DOB 06/22/1962");
        let text = format!("see {note}, ok");
        assert_eq!(hex_runs(&text), vec![4..4 + note.len(); 1]);
        assert_eq!(hex_runs(&note.to_uppercase()).len(), 1);
        assert_eq!(hex_runs(&format!("{note}\nabc")), vec![0..note.len(); 1], "and a word of the text");
        for text in [
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "2024010120240102202401032024010420240105",
            &hex("short"),
            "00000000000000000000000000000000000000",
        ] {
            assert!(hex_runs(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn hex_digits_with_marks_between_them_are_found() {
        for mark in [" ", ":"] {
            let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(mark);
            let note = hex("Patient Harold Brown, DOB 06/22/1962");
            assert_eq!(hex_runs(&format!("see {note}, ok")), vec![4..4 + note.len(); 1]);
            assert_eq!(hex_runs(&format!("see {note} added")).len(), 1);
            assert_eq!(super::hex(&note).as_deref(), Some(&b"Patient Harold Brown, DOB 06/22/1962"[..]));
            let digest: Vec<String> =
                (0..32_u8).map(|n| format!("{:02X}", n.wrapping_mul(37) | 0x81)).collect();
            assert!(hex_runs(&format!("SHA256 {}", digest.join(mark))).is_empty());
            // Where a long text has it, across the bounds of blocks too.
            for words in 60..80 {
                let before = "seen ".repeat(words);
                let span = before.len()..before.len() + note.len();
                assert_eq!(hex_runs(&format!("{before}{note}, ok {before}")), vec![span; 1], "{words}");
            }
        }
        assert!(hex_runs(&"12 34 ".repeat(20)).is_empty());
        assert!(hex_runs(&"1 2 3 4 ".repeat(20)).is_empty());
    }

    #[test]
    fn what_is_packed_more_than_once_is_found_with_padding_and_without() {
        let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
        for note in [
            "Patient Harold Brown, DOB 06/22/1962",
            "Patient Harold Brown, DOB 06/22/1962.",
            "Patient Harold Brown, DOB 06/22/1962..",
        ] {
            let mut packed = STANDARD.encode(note);
            for depth in 2..6 {
                packed = STANDARD.encode(packed);
                assert_eq!(base64_runs(&format!("see {packed} ok")).len(), 1, "{depth} {note}");
            }
            assert_eq!(base64_runs(&STANDARD.encode(hex(note))).len(), 1, "{note}");
            assert_eq!(hex_runs(&hex(&STANDARD.encode(note))).len(), 1, "{note}");
        }
        assert!(base64_runs(&STANDARD.encode("Pneumonoultramicroscopicsilicovolcanoconiosis")).is_empty());
    }

    #[test]
    fn base64_of_utf16_is_found() {
        let note = "Patient Harold Brown, DOB 06/22/1962";
        let little: Vec<u8> = note.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = note.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = [b"\xFF\xFE".to_vec(), little.clone()].concat();
        for bytes in [little, big, marked] {
            assert_eq!(base64_runs(&format!("see {} ok", STANDARD.encode(bytes))).len(), 1);
        }
        assert!(base64_runs(&STANDARD.encode([0, 7, 0, 9, 0, 3, 0, 1].repeat(8))).is_empty());
    }

    #[test]
    fn base64_in_short_and_in_indented_lines_is_one_run() {
        let note =
            STANDARD.encode("Patient Harold Brown, DOB 06/22/1962, seen for chest pain and more of the same");
        for (length, end) in [(40, "\n"), (40, "\r\n  "), (72, "\n ")] {
            let lines: Vec<&str> =
                note.as_bytes().chunks(length).map(|l| std::str::from_utf8(l).expect("ASCII")).collect();
            let text = lines.join(end);
            let runs = base64_runs(&text);
            assert_eq!(runs.len(), 1, "{length} {end:?}");
            assert_eq!(decode::base64(&text[runs[0].clone()]), decode::base64(&note));
            let before_a_word = base64_runs(&format!("{text}{end}Regards"));
            assert_eq!(before_a_word, runs, "{length} {end:?}");
        }
    }

    #[test]
    fn documents_that_begin_inside_a_text_are_found() {
        let patient = "<Patient xmlns=\"http://hl7.org/fhir\"><birthDate value=\"1962-06-22\"/></Patient>";
        let text = format!("received {patient}, then no more");
        assert_eq!(documents(&text).runs, vec![9..9 + patient.len(); 1]);
        assert!(documents("see xmlns and <p xmlns=\"x\">a</p> and ISA or VISA*1").runs.is_empty());
        // Marks that begin none hide none behind them, however many they are.
        for mark in
            ["VISA <p xmlns=\"x\">a</p> ", "<Encounter xmlns=\"x\"><a> ", "<Ack xmlns=\"x\"><a></Ack> "]
        {
            let marks = mark.repeat(256);
            let found = documents(&format!("{marks}{patient}"));
            assert_eq!(found.runs, vec![marks.len()..marks.len() + patient.len(); 1], "{mark}");
            assert!(!found.is_cut);
        }
        // What is given up is told.
        let inside: String = (0..400).map(|n| format!("<a{n} xmlns=\"x\">")).collect();
        let ends: String = (0..400).rev().map(|n| format!("<b></a{n}>")).collect();
        assert!(documents(&format!("{inside}{ends}{patient}")).is_cut);
    }

    #[test]
    fn a_picture_in_a_text_is_found_so_that_it_can_be_told() {
        let picture = STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01");
        assert_eq!(base64_runs(&format!("data:image/png;base64,{picture}")).len(), 1);
    }
}
