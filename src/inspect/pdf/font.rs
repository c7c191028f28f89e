//! Fonts: which characters the codes of a text are, and how wide (ISO 32000-1, sections 9.6 and 9.7).

use super::Room;
use super::cmap::CMap;
use super::file::File;
use super::object::{Dict, Lexer, Object};
use super::tables::{GLYPHS, HELVETICA, HELVETICA_BOLD, MAC_ROMAN, STANDARD, TIMES, TIMES_BOLD, WIN_ANSI};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;

/// A font as far as its text is read.
#[derive(Default)]
pub(super) struct Font {
    codes: Codes,
    says: Option<Rc<CMap>>,
    /// Characters of the codes of a simple font; NUL: not known.
    simple: Option<Box<[char; 256]>>,
    widths: Rc<Widths>,
    /// Whether what isn't known are signs that say nothing.
    is_signs: bool,
    /// Glyph space to text space.
    scale: f64,
}

/// How codes are cut out of a text.
#[derive(Default)]
enum Codes {
    #[default]
    One,
    Two,
    /// As a map of the file says.
    Spaces(Rc<CMap>),
    /// They are UTF-16.
    Units,
    /// By tables that aren't here.
    Unknown,
}

/// Widths of glyphs, in thousandths of the size.
#[derive(Default)]
struct Widths {
    /// First and last code, and the width of each, in order.
    ranges: Vec<(u32, u32, f64)>,
    other: f64,
}

/// What a code of a text says.
pub(super) enum Says<'f> {
    Char(char),
    /// The text, and how much further on its last character is.
    Text(&'f str, u32),
    /// Nothing, by its kind.
    Sign,
    /// Nobody knows.
    Unknown,
}

/// One glyph of a text.
pub(super) struct Glyph<'f> {
    pub(super) says: Says<'f>,
    /// In parts of the size.
    pub(super) width: f64,
    /// Whether word spacing is added: a blank of one byte.
    pub(super) is_blank: bool,
}

impl Font {
    pub(super) fn glyphs<'f>(&'f self, text: &'f [u8]) -> impl Iterator<Item = Glyph<'f>> {
        let mut rest = text;
        std::iter::from_fn(move || {
            let first = *rest.first()?;
            let pair = || u32::from(first) << 8 | u32::from(rest.get(1).copied().unwrap_or_default());
            let (code, bytes) = match &self.codes {
                Codes::One | Codes::Unknown => (u32::from(first), 1),
                Codes::Two | Codes::Units => (pair(), 2),
                Codes::Spaces(map) => map.next(rest),
            };
            rest = rest.get(bytes.max(1)..).unwrap_or_default();
            let width = self.widths.of(code) * self.scale;
            Some(Glyph { says: self.says(code), width, is_blank: bytes == 1 && code == 32 })
        })
    }

    fn says(&self, code: u32) -> Says<'_> {
        if let Some((says, further)) = self.says.as_ref().and_then(|map| map.of(code))
            && says.chars().all(is_readable)
        {
            return Says::Text(says, further);
        }
        let simple = self.simple.as_ref().and_then(|table| table.get(code as usize)).copied();
        let unit = matches!(self.codes, Codes::Units).then(|| char::from_u32(code)).flatten();
        match simple.or(unit).filter(|c| *c != '\0') {
            Some(c) => Says::Char(c),
            None if self.is_signs => Says::Sign,
            None => Says::Unknown,
        }
    }
}

/// Whether a character is one that everybody reads as the same.
const fn is_readable(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{E}'..='\u{1F}' | '\u{E000}'..='\u{F8FF}' | '\u{FFF0}'..='\u{FFFF}' | '\u{F0000}'..)
}

impl Widths {
    fn of(&self, code: u32) -> f64 {
        let behind = self.ranges.partition_point(|(first, _, _)| *first <= code);
        let range = behind.checked_sub(1).and_then(|at| self.ranges.get(at));
        range.filter(|(_, last, _)| code <= *last).map_or(self.other, |(_, _, width)| *width)
    }
}

/// Fonts and their maps, each read once.
#[derive(Default)]
pub(super) struct Fonts {
    /// By the place of the dictionary in memory, which stays.
    fonts: HashMap<usize, Rc<Font>>,
    maps: HashMap<usize, Rc<CMap>>,
    widths: HashMap<usize, Rc<Widths>>,
    built_in: HashMap<usize, Rc<[char; 256]>>,
}

impl Fonts {
    pub(super) fn of(&mut self, dict: &Dict, file: &File<'_>, room: &mut Room) -> Option<Rc<Font>> {
        let place = std::ptr::from_ref(dict).addr();
        if let Some(font) = self.fonts.get(&place) {
            return Some(Rc::clone(font));
        }
        // Its tables take memory, too.
        if !room.take(FONT_BYTES) {
            return None;
        }
        let font = Rc::new(self.read(dict, file, room));
        self.fonts.insert(place, Rc::clone(&font));
        Some(font)
    }

    fn read(&mut self, dict: &Dict, file: &File<'_>, room: &mut Room) -> Font {
        let says = dict.get("ToUnicode").and_then(|map| self.map(map, file, room));
        let name = file.of(dict, "BaseFont").and_then(Object::name).unwrap_or_default();
        let name = if name.get(6) == Some(&b'+') { name.get(7..).unwrap_or_default() } else { name };
        let is_signs = SIGNS.iter().any(|sign| name.starts_with(sign));
        if dict.is("Subtype", "Type0") {
            let inner = file.of(dict, "DescendantFonts").and_then(Object::list).and_then(<[_]>::first);
            let inner = inner.and_then(|inner| file.resolved(inner)).and_then(Object::dict);
            let encoding = file.of(dict, "Encoding");
            let codes = match encoding.and_then(Object::name) {
                Some(b"Identity-H" | b"Identity-V") => Codes::Two,
                Some(name) if name.starts_with(b"Uni") && has(name, b"UCS2") => Codes::Units,
                Some(name) if name.starts_with(b"Uni") && has(name, b"UTF16") => Codes::Units,
                Some(_) => Codes::Unknown,
                None => match dict.get("Encoding").and_then(|map| self.map(map, file, room)) {
                    Some(map) if map.has_spaces() => Codes::Spaces(map),
                    _ => Codes::Unknown,
                },
            };
            let says = says.filter(|_| !matches!(codes, Codes::Unknown));
            let widths = inner.map_or_else(Rc::default, |inner| self.wide(inner, file));
            return Font { codes, says, simple: None, widths, is_signs, scale: 0.001 };
        }
        let is_type3 = dict.is("Subtype", "Type3");
        let scale = match file.of(dict, "FontMatrix").and_then(Object::list).and_then(<[_]>::first) {
            Some(Object::Number(scale)) if is_type3 => scale.abs(),
            _ => 0.001,
        };
        let simple = (!is_signs).then(|| self.simple(dict, is_type3, file, room));
        let widths = Rc::new(widths(dict, name, file));
        Font { codes: Codes::One, says, simple, widths, is_signs, scale }
    }

    fn map(&mut self, map: &Object, file: &File<'_>, room: &mut Room) -> Option<Rc<CMap>> {
        let at = file.stream_at(map)?;
        if let Some(map) = self.maps.get(&at) {
            return Some(Rc::clone(map));
        }
        let map = match file.plain(at, room) {
            Ok(bytes) => CMap::read(&bytes),
            Err(reason) => {
                room.unread(reason);
                CMap::default()
            }
        };
        let map = Rc::new(map);
        self.maps.insert(at, Rc::clone(&map));
        Some(map)
    }

    /// Characters of a simple font's codes.
    fn simple(&mut self, dict: &Dict, is_type3: bool, file: &File<'_>, room: &mut Room) -> Box<[char; 256]> {
        let encoding = file.of(dict, "Encoding");
        let base = match encoding {
            Some(Object::Dict(encoding)) => file.of(encoding, "BaseEncoding").and_then(Object::name),
            other => other.and_then(Object::name),
        };
        let mut table = match base {
            Some(b"WinAnsiEncoding") => Box::new(table(&WIN_ANSI)),
            Some(b"MacRomanEncoding") => Box::new(table(&MAC_ROMAN)),
            Some(b"StandardEncoding") => Box::new(table(&STANDARD)),
            _ if is_type3 => Box::new(['\0'; 256]),
            _ => Box::new(*self.built_in(dict, file, room)),
        };
        let differences = encoding.and_then(Object::dict).and_then(|dict| file.of(dict, "Differences"));
        let mut code = 0;
        for object in differences.and_then(Object::list).unwrap_or_default().iter().take(DIFFERENCES_MAX) {
            match object {
                Object::Number(number) => code = *number as usize,
                Object::Name(name) => {
                    if let Some(place) = table.get_mut(code) {
                        *place = character(name).unwrap_or('\0');
                    }
                    code = code.saturating_add(1);
                }
                _ => {}
            }
        }
        table
    }

    /// The encoding that a font program has of its own: in a Type 1 font its lines `dup 65 /A put`.
    fn built_in(&mut self, dict: &Dict, file: &File<'_>, room: &mut Room) -> Rc<[char; 256]> {
        let Some(descriptor) = file.dict_of(dict, "FontDescriptor") else { return Rc::new(table(&STANDARD)) };
        let program = ["FontFile", "FontFile3", "FontFile2"].iter().find_map(|key| descriptor.get(key));
        let Some(at) = program.and_then(|program| file.stream_at(program)) else {
            return Rc::new(table(&STANDARD));
        };
        if descriptor.get("FontFile").is_none() {
            let flags = file.of(descriptor, "Flags").and_then(Object::count).unwrap_or_default();
            let is_symbolic = flags & 4 != 0 || descriptor.get("FontFile3").is_some();
            return Rc::new(if is_symbolic { ['\0'; 256] } else { table(&STANDARD) });
        }
        if let Some(table) = self.built_in.get(&at) {
            return Rc::clone(table);
        }
        let own = Rc::new(file.plain(at, room).map_or(['\0'; 256], |program| type1(&program)));
        self.built_in.insert(at, Rc::clone(&own));
        own
    }

    /// Widths of a composite font's glyphs: `/W [1 [500 600] 10 20 700]`.
    fn wide(&mut self, inner: &Dict, file: &File<'_>) -> Rc<Widths> {
        let list = file.of(inner, "W").and_then(Object::list).unwrap_or_default();
        let other = file.of(inner, "DW").and_then(Object::number).unwrap_or(1000.0);
        let place = list.as_ptr().addr();
        if let Some(widths) = self.widths.get(&place).filter(|_| !list.is_empty()) {
            return Rc::clone(widths);
        }
        let mut ranges = Vec::new();
        let mut at = 0;
        let number = |at: usize| list.get(at).and_then(|o| file.resolved(o)).and_then(Object::number);
        while let Some(first) = number(at).map(|first| first as u32) {
            if let Some(each) = list.get(at + 1).and_then(|o| file.resolved(o)).and_then(Object::list) {
                let each = each.iter().take(CODES_MAX).filter_map(Object::number);
                ranges.extend((first..).zip(each).map(|(code, width)| (code, code, width)));
                at += 2;
            } else {
                let (last, width) = (number(at + 1), number(at + 2));
                ranges.extend(last.zip(width).map(|(last, width)| (first, last as u32, width)));
                at += 3;
            }
            if ranges.len() > CODES_MAX {
                break;
            }
        }
        ranges.sort_by_key(|(first, _, _)| *first);
        let widths = Rc::new(Widths { ranges, other });
        self.widths.insert(place, Rc::clone(&widths));
        widths
    }
}

fn has(name: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(name, part).is_some()
}

/// Widths of a simple font; of the fonts that no file has to hold they are known.
fn widths(dict: &Dict, name: &[u8], file: &File<'_>) -> Widths {
    let first = file.of(dict, "FirstChar").and_then(Object::number).unwrap_or_default() as u32;
    if let Some(list) = file.of(dict, "Widths").and_then(Object::list) {
        let each =
            list.iter().take(256).map(|o| file.resolved(o).and_then(Object::number).unwrap_or_default());
        let ranges = (first..).zip(each).map(|(code, width)| (code, code, width)).collect();
        let other = file.dict_of(dict, "FontDescriptor").and_then(|d| file.of(d, "MissingWidth"));
        return Widths { ranges, other: other.and_then(Object::number).unwrap_or_default() };
    }
    let is_bold = has(name, b"Bold");
    let table = match (has(name, b"Times") || has(name, b"Serif"), is_bold) {
        _ if has(name, b"Courier") => return Widths { ranges: Vec::new(), other: 600.0 },
        (true, false) => &TIMES,
        (true, true) => &TIMES_BOLD,
        (false, false) => &HELVETICA,
        (false, true) => &HELVETICA_BOLD,
    };
    let ranges = (32..).zip(table).map(|(code, width)| (code, code, f64::from(*width))).collect();
    Widths { ranges, other: 550.0 }
}

fn table(high: &[u16; 128]) -> [char; 256] {
    let mut out = ['\0'; 256];
    for (code, place) in out.iter_mut().enumerate() {
        *place = match code {
            0..32 | 127 => '\0',
            ..127 => char::from(code as u8),
            _ => high.get(code - 128).and_then(|c| char::from_u32(u32::from(*c))).unwrap_or('\0'),
        };
    }
    out
}

/// The encoding of a Type 1 font, from the part of it that isn't encrypted.
fn type1(program: &[u8]) -> [char; 256] {
    let head = memchr::memmem::find(program, b"eexec").unwrap_or(program.len());
    let head = program.get(..head).unwrap_or_default();
    let Some(at) = memchr::memmem::find(head, b"/Encoding") else { return ['\0'; 256] };
    let mut lexer = Lexer::new(head, head.len());
    lexer.at = at + b"/Encoding".len();
    let mut out = ['\0'; 256];
    let mut code = None;
    while let Some(object) = lexer.object() {
        match object {
            Object::Word(word) if &*word == b"StandardEncoding" => return table(&STANDARD),
            Object::Word(word) if matches!(&*word, b"def" | b"readonly") => break,
            Object::Word(word) if &*word == b"dup" => code = None,
            Object::Number(number) => code = Some(number as usize),
            Object::Name(name) => {
                if let Some(place) = code.take().and_then(|code| out.get_mut(code)) {
                    *place = character(&name).unwrap_or('\0');
                }
            }
            _ => {}
        }
    }
    out
}

/// The character of a glyph's name (Adobe Glyph List Specification, section 2).
fn character(name: &[u8]) -> Option<char> {
    let name = std::str::from_utf8(name).ok()?;
    if let Some(c) = NAMES.get(name) {
        return Some(*c);
    }
    let own = name.split('.').next().filter(|own| !own.is_empty())?;
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    let by_number = || match (own.strip_prefix("uni"), own.strip_prefix('u')) {
        (Some(digits), _) if digits.len() == 4 => hex(digits),
        (_, Some(digits)) if (4..=6).contains(&digits.len()) => hex(digits),
        _ => None,
    };
    let plain = own.strip_suffix("small").or_else(|| own.strip_suffix("oldstyle")).unwrap_or(own);
    NAMES.get(own).or_else(|| NAMES.get(plain)).copied().or_else(by_number).filter(|c| is_readable(*c))
}

static NAMES: LazyLock<HashMap<&'static str, char>> = LazyLock::new(|| {
    let mut words = GLYPHS.split_ascii_whitespace();
    let mut names = HashMap::new();
    while let (Some(name), Some(code)) = (words.next(), words.next()) {
        names.extend(u32::from_str_radix(code, 16).ok().and_then(char::from_u32).map(|c| (name, c)));
    }
    names
});

/// What a font takes.
const FONT_BYTES: usize = 8 << 10;
/// Fonts of bullets, ticks and arrows.
const SIGNS: &[&[u8]] = &[b"Symbol", b"ZapfDingbats", b"Wingdings", b"Webdings"];
/// A simple font has 256 codes.
const DIFFERENCES_MAX: usize = 1024;
/// A composite font has so many.
const CODES_MAX: usize = 1 << 16;
