//! Rich text (RTF 1.9.1): control words and the braces of groups are nothing, those that end a line end it, and a control
//! word's own blank goes with it. What a reader skips stays but for the names of fonts: it is sent all the same.

use super::Edit;
use std::cell::OnceCell;

/// What turns rich text that begins anywhere in a text into what it shows; none where there is no such.
pub(super) fn edits(text: &str) -> Vec<Edit> {
    let bytes = text.as_bytes();
    let mut out = Vec::new();
    let (mut from, ends_lines) = (0, OnceCell::new());
    while let Some(start) = memchr::memmem::find(bytes.get(from..).unwrap_or_default(), HEAD) {
        // Of the text alone, so that many of them in one text cost no more.
        let ends_lines = *ends_lines.get_or_init(|| {
            LINE_ENDS.iter().any(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some())
        });
        let mut reader = Reader { text, at: from + start, out: &mut out, fallback: 1, ends_lines };
        reader.group();
        from = reader.at;
    }
    out
}

struct Reader<'t, 'o> {
    text: &'t str,
    at: usize,
    out: &'o mut Vec<Edit>,
    /// How many characters behind `\u` stand for it where it can't be shown.
    fallback: usize,
    /// Whether lines end by control words: then those of the file are nothing.
    ends_lines: bool,
}

/// What is read between two braces.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// A part of the text around it.
    Text,
    /// None: a heading, a note, a file.
    Apart,
    /// How fonts and styles are called.
    Fonts,
}

impl Reader<'_, '_> {
    /// Reads to the end of the group that begins here.
    fn group(&mut self) {
        let mut open: Vec<Group> = Vec::new();
        while let Some(byte) = self.byte(self.at) {
            match byte {
                b'{' => {
                    let group = match self.begins() {
                        Group::Text => open.last().copied().filter(|above| *above == Group::Fonts),
                        group => Some(group),
                    };
                    let group = group.unwrap_or(Group::Text);
                    open.push(group);
                    self.write(1, (group == Group::Apart).then_some('\n'));
                }
                b'}' => {
                    let group = open.pop().unwrap_or(Group::Text);
                    self.write(1, (group == Group::Apart).then_some('\n'));
                    if open.is_empty() {
                        return;
                    }
                }
                b'\\' => self.control(),
                b'\r' | b'\n' if self.ends_lines => self.write(1, None),
                _ => {
                    let rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
                    let end = rest.iter().position(|b| matches!(b, b'{' | b'}' | b'\\' | b'\r' | b'\n'));
                    let length = 1 + end.unwrap_or(rest.len());
                    let text = self.text.as_bytes().get(self.at..self.at + length).unwrap_or_default();
                    let is_font = open.last() == Some(&Group::Fonts) && is_name_of_a_font(text);
                    if is_font { self.write(length, None) } else { self.at += length }
                }
            }
        }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn write(&mut self, taken: usize, written: Option<char>) {
        self.out.push((self.at, taken, written));
        self.at += taken;
    }

    /// What the group is that begins here.
    fn begins(&self) -> Group {
        let rest = self.text.get(self.at + 1..).unwrap_or_default().trim_ascii_start();
        let Some(word) = rest.strip_prefix('\\') else { return Group::Text };
        match word_of(word) {
            "fonttbl" | "stylesheet" => Group::Fonts,
            name if word.starts_with('*') || APART.contains(&name) => Group::Apart,
            _ => Group::Text,
        }
    }

    /// A control word or a control symbol.
    fn control(&mut self) {
        let rest = self.text.get(self.at + 1..).unwrap_or_default();
        let word = word_of(rest);
        if word.is_empty() {
            return self.symbol(rest);
        }
        let number = number_of(rest.get(word.len()..).unwrap_or_default());
        let argument: Option<i32> = rest.get(word.len()..word.len() + number).and_then(|n| n.parse().ok());
        let length = 1 + word.len() + number;
        let blank = usize::from(self.byte(self.at + length) == Some(b' '));
        match (word, argument) {
            ("u", Some(code)) => {
                // Numbers are signed, of 16 bits.
                let code = u32::try_from(if code < 0 { code + 0x1_0000 } else { code }).unwrap_or_default();
                self.write(length + blank, char::from_u32(code));
                for _ in 0..self.fallback {
                    self.skip_one();
                }
            }
            ("uc", Some(many)) => {
                self.fallback = usize::try_from(many).unwrap_or_default().min(FALLBACK_MAX);
                self.write(length + blank, None);
            }
            (word, _) => {
                let shown = SHOWN.iter().find(|(name, _)| *name == word).map(|(_, c)| *c);
                self.write(length + blank, shown);
            }
        }
    }

    /// What a backslash stands for before anything but a letter.
    fn symbol(&mut self, rest: &str) {
        match rest.bytes().next() {
            Some(b'\'') => match super::hex(rest.as_bytes().get(1..3)) {
                Some(byte) => self.write(4, Some(of_windows(byte))),
                None => self.write(1, None),
            },
            Some(b'~') => self.write(2, Some(' ')),
            Some(b'_') => self.write(2, Some('-')),
            Some(b'-' | b'*' | b':' | b'|') => self.write(2, None),
            Some(b'\r' | b'\n') => self.write(2, Some('\n')),
            // `\{`, `\}` and `\\` are the characters themselves.
            Some(c @ (b'{' | b'}' | b'\\')) => self.write(2, Some(char::from(c))),
            _ => self.write(1, None),
        }
    }

    /// Passes over what stands for a character where that can't be shown.
    fn skip_one(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        match rest.chars().next() {
            Some('\\') if rest.as_bytes().get(1) == Some(&b'\'') && rest.is_char_boundary(4) => {
                self.write(4, None)
            }
            Some('\\' | '{' | '}') | None => {}
            Some(c) => self.write(c.len_utf8(), None),
        }
    }
}

/// Whether a text of a table of fonts is no more than a name: nobody's number stands in it.
fn is_name_of_a_font(text: &[u8]) -> bool {
    text.len() <= FONT_BYTES_MAX && text.iter().filter(|b| b.is_ascii_digit()).count() < FONT_DIGITS_MAX
}

/// The letters of a control word behind its backslash.
fn word_of(rest: &str) -> &str {
    let length = rest.bytes().take(WORD_BYTES_MAX).take_while(u8::is_ascii_alphabetic).count();
    rest.get(..length).unwrap_or_default()
}

/// How long the number behind a control word is.
fn number_of(rest: &str) -> usize {
    let sign = usize::from(rest.starts_with('-'));
    let digits = rest.bytes().skip(sign).take(NUMBER_BYTES_MAX).take_while(u8::is_ascii_digit).count();
    if digits == 0 { 0 } else { sign + digits }
}

/// A byte of Windows' Latin: signs stand where ISO 8859-1 has controls.
const fn of_windows(byte: u8) -> char {
    match byte {
        0x91 | 0x92 => '\'',
        0x93 | 0x94 => '"',
        0x96 | 0x97 => '-',
        0x80..=0xA0 => ' ',
        byte => byte as char,
    }
}

const HEAD: &[u8] = b"{\\rtf";
/// Control words that show something, as most don't.
const SHOWN: &[(&str, char)] = &[
    ("par", '\n'),
    ("line", '\n'),
    ("row", '\n'),
    ("nestrow", '\n'),
    ("sect", '\n'),
    ("page", '\n'),
    ("column", '\n'),
    ("softline", '\n'),
    ("cell", '\t'),
    ("nestcell", '\t'),
    ("tab", '\t'),
    ("emspace", ' '),
    ("enspace", ' '),
    ("qmspace", ' '),
    ("emdash", '-'),
    ("endash", '-'),
    ("lquote", '\''),
    ("rquote", '\''),
    ("ldblquote", '"'),
    ("rdblquote", '"'),
];
/// Those that most files end lines by.
const LINE_ENDS: &[&str] = &["\\par", "\\line", "\\row", "\\sect"];
/// Groups that are no part of the text around them.
const APART: &[&str] = &[
    "colortbl",
    "info",
    "title",
    "subject",
    "author",
    "manager",
    "company",
    "operator",
    "keywords",
    "comment",
    "doccomm",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "footnote",
    "annotation",
    "pict",
    "object",
    "objdata",
    "fldinst",
];
/// No control word is longer, and no number behind one.
const WORD_BYTES_MAX: usize = 32;
const NUMBER_BYTES_MAX: usize = 10;
/// A font is not called by more, and not by so many digits.
const FONT_BYTES_MAX: usize = 64;
const FONT_DIGITS_MAX: usize = 4;
/// Characters that stand for one.
const FALLBACK_MAX: usize = 8;

#[cfg(test)]
mod tests {
    use crate::inspect::disguise::Plain;

    fn reads(text: &str) -> String {
        let plain = Plain::of(text);
        let origins: Vec<usize> = (0..=plain.text().len()).map(|at| plain.origin(at)).collect();
        assert!(origins.is_sorted() && *origins.last().expect("one") == text.len(), "{text}");
        plain.text().to_owned()
    }

    #[test]
    fn control_words_vanish_and_lines_end_where_they_say() {
        assert_eq!(
            reads(
                r"{\rtf1\ansi\deff0{\fonttbl{\f0\fswiss Arial;}}\pard\f0 {\b Patient:} Ng\b0 ozi Eze\par{\b DOB:}\tab 03/04/1961\par}"
            ),
            "Patient: Ngozi Eze\nDOB:\t03/04/1961\n"
        );
        assert_eq!(
            reads(r"{\rtf1{\fonttbl{\f0 Arial 12;}{\f1 412-21-3456;}}{\info{\author Eze}}x}"),
            "412-21-3456;\n\nEze\n\nx"
        );
        assert_eq!(reads("{\\rtf1 Ngo\r\nzi Eze\\par x\\line y}"), "Ngozi Eze\nx\ny");
        assert_eq!(reads("{\\rtf1 Ngozi Eze\nDOB: 03/04/1961}"), "Ngozi Eze\nDOB: 03/04/1961");
    }

    #[test]
    fn characters_are_those_that_a_reader_shows() {
        assert_eq!(
            reads(r"{\rtf1 Jos\'e9 Nu\u241?ez \{a\\b\} 412\_21\endash 3456\~x}"),
            r"José Nuñez {a\b} 412-21-3456 x"
        );
        assert_eq!(reads(r"{\rtf1\uc2 \u21517\'96\'bc\uc0\u-3913 x}"), "名\u{F0B7}x");
    }

    #[test]
    fn rich_text_stands_in_other_text_and_may_have_no_end() {
        assert_eq!(reads(r"Note: {\rtf1\b Eze\b0, Ngozi} end \b"), r"Note: Eze, Ngozi end \b");
        assert_eq!(reads(r"{\rtf1\b Eze {\i Ngozi"), "Eze Ngozi");
        for text in
            [r"{\rtf", r"{\rtf1\", r"{\rtf1\'", r"{\rtf1\'e", r"{\rtf1\u8", r"{\rtf1\u8é", "{\\rtf1\\é}"]
        {
            reads(text);
        }
    }
}
