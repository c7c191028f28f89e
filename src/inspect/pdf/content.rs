//! Contents of pages, forms, patterns and glyphs (ISO 32000-1, sections 8 and 9): what text they show, and where.

use super::Room;
use super::file::File;
use super::font::{Font, Fonts, Says};
use super::layout::{Canvas, Place};
use super::object::{Dict, Lexer, Object, is_blank};
use super::said;
use crate::inspect::finding::UninspectedReason;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// Reads contents. Fonts and streams are read once.
pub(super) struct Painter<'f, 'b> {
    pub(super) file: &'f File<'b>,
    pub(super) room: &'f mut Room,
    fonts: Fonts,
    streams: HashMap<usize, Option<Rc<[u8]>>>,
    /// Streams that were drawn.
    pub(super) drawn: HashSet<usize>,
    /// What is said beside the text: alternative texts, comments.
    pub(super) aside: String,
}

/// A transformation: six numbers of a matrix.
pub(super) type Matrix = [f64; 6];
pub(super) const AS_IT_IS: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// How text is shown.
#[derive(Clone)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    letter_gap: f64,
    word_gap: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

/// Marked content that is open: what it says instead of its glyphs, and where its text began.
struct Marked {
    says: Option<String>,
    unread: usize,
    place: Option<Place>,
}

/// What a content is read with.
struct Run<'f> {
    resources: Option<&'f Dict>,
    state: State,
    kept: Vec<State>,
    text: Matrix,
    line: Matrix,
    marked: Vec<Marked>,
    is_lenient: bool,
    depth: usize,
    unknown: usize,
    is_glyph: bool,
}

impl<'f, 'b> Painter<'f, 'b> {
    pub(super) fn new(file: &'f File<'b>, room: &'f mut Room) -> Self {
        Self {
            file,
            room,
            fonts: Fonts::default(),
            streams: HashMap::new(),
            drawn: HashSet::new(),
            aside: String::new(),
        }
    }

    /// Plain bytes of a stream, undone once; each time they are drawn counts.
    fn stream(&mut self, at: usize) -> Option<Rc<[u8]>> {
        self.drawn.insert(at);
        if let Some(known) = self.streams.get(&at) {
            let known = known.clone();
            let bytes = known.as_ref().map_or(0, |bytes| bytes.len());
            return known.filter(|_| self.room.take(bytes + DRAWN_BYTES));
        }
        let plain = match self.file.plain(at, self.room) {
            Ok(plain) => Some(Rc::from(&*plain)),
            Err(reason) => {
                self.room.unread(reason);
                None
            }
        };
        self.streams.insert(at, plain.clone());
        plain
    }

    /// A page: its contents are one, wherever they are cut.
    pub(super) fn page(&mut self, contents: &Object, resources: Option<&'f Dict>, canvas: &mut Canvas) {
        let (list, one);
        let streams: &[Object] = match self.file.resolved(contents) {
            Some(Object::List(streams)) => {
                list = streams;
                list
            }
            _ => {
                one = contents;
                std::slice::from_ref(one)
            }
        };
        let streams: Vec<usize> = streams.iter().filter_map(|stream| self.file.stream_at(stream)).collect();
        let mut whole: Vec<u8> = Vec::new();
        for at in streams {
            if let Some(bytes) = self.stream(at) {
                whole.extend_from_slice(&bytes);
                whole.push(b'\n');
            }
        }
        self.content(&whole, resources, AS_IT_IS, 0, false, canvas);
    }

    /// One stream by itself: a form, a pattern, a glyph, contents that no page has any more.
    pub(super) fn alone(&mut self, at: usize, or: Option<&'f Dict>, is_glyph: bool, canvas: &mut Canvas) {
        let own = self.file.entries.get(at).and_then(|entry| entry.object.dict());
        let resources = own.and_then(|own| self.file.dict_of(own, "Resources")).or(or);
        if let Some(bytes) = self.stream(at) {
            self.content(&bytes, resources, AS_IT_IS, 0, is_glyph, canvas);
        }
    }

    /// Forms in forms end at a depth, so that this calls itself only so often.
    fn content(
        &mut self,
        bytes: &[u8],
        resources: Option<&'f Dict>,
        matrix: Matrix,
        depth: usize,
        is_glyph: bool,
        canvas: &mut Canvas,
    ) {
        let state = State {
            matrix,
            font: None,
            size: 0.0,
            letter_gap: 0.0,
            word_gap: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        let mut run = Run {
            resources,
            state,
            kept: Vec::new(),
            text: AS_IT_IS,
            line: AS_IT_IS,
            marked: Vec::new(),
            is_lenient: false,
            depth,
            unknown: 0,
            is_glyph,
        };
        let mut lexer = Lexer::new(bytes, bytes.len().saturating_add(1));
        let mut held: Vec<Object> = Vec::new();
        while let Some(object) = lexer.object() {
            let Object::Word(word) = object else {
                held.push(object);
                if held.len() > OPERANDS_MAX {
                    self.room.unread(UninspectedReason::Malformed);
                    held.drain(..).for_each(|object| self.say(&said::all_of(&object)));
                }
                continue;
            };
            if &*word == b"BI" {
                self.inline_picture(&mut lexer, &run);
            } else {
                self.operator(&word, &held, &mut run, canvas);
            }
            held.clear();
        }
        held.iter().for_each(|object| self.say(&said::all_of(object)));
        if run.unknown > UNKNOWN_MAX {
            self.room.unread(UninspectedReason::Malformed);
        }
        lexer.fault.into_iter().for_each(|fault| self.room.unread(fault));
        self.say(&said::text_of(&lexer.comments).unwrap_or_default());
        while let Some(marked) = run.marked.pop() {
            self.unmarked(marked, canvas);
        }
    }

    fn say(&mut self, text: &str) {
        if !text.trim().is_empty() && self.room.take(text.len()) {
            self.aside.push_str(text.trim());
            self.aside.push('\n');
        }
    }

    fn operator(&mut self, word: &[u8], held: &[Object], run: &mut Run<'f>, canvas: &mut Canvas) {
        let number = |at: usize| held.get(at).and_then(Object::number).unwrap_or_default();
        let matrix = || [number(0), number(1), number(2), number(3), number(4), number(5)];
        let last = held.last();
        let shown = held.iter().rposition(|object| matches!(object, Object::Text(_) | Object::List(_)));
        let text = shown.and_then(|at| held.get(at));
        let state = &mut run.state;
        match word {
            b"q" if run.kept.len() < KEPT_MAX => run.kept.push(state.clone()),
            b"q" => self.room.unread(UninspectedReason::TooDeep),
            b"Q" => {
                if let Some(kept) = run.kept.pop() {
                    run.state = kept;
                }
            }
            b"cm" => state.matrix = times(&matrix(), &state.matrix),
            b"BT" => (run.text, run.line) = (AS_IT_IS, AS_IT_IS),
            b"ET" => {}
            b"Tc" => state.letter_gap = number(0),
            b"Tw" => state.word_gap = number(0),
            b"Tz" => state.stretch = number(0) / 100.0,
            b"TL" => state.leading = number(0),
            b"Ts" => state.rise = number(0),
            b"Tf" => {
                state.size = number(1);
                let name = held.first().and_then(Object::name).unwrap_or_default();
                run.state.font = self.font(name, run.resources);
            }
            b"Td" => run.next_line(number(0), number(1)),
            b"TD" => {
                state.leading = -number(1);
                run.next_line(number(0), number(1));
            }
            b"Tm" => (run.text, run.line) = (matrix(), matrix()),
            b"T*" => run.next_line(0.0, -run.state.leading),
            b"Tj" => self.show(text, run, canvas),
            b"'" => {
                run.next_line(0.0, -run.state.leading);
                self.show(text, run, canvas);
            }
            b"\"" => {
                (state.word_gap, state.letter_gap) = (number(0), number(1));
                run.next_line(0.0, -run.state.leading);
                self.show(text, run, canvas);
            }
            b"TJ" => {
                for piece in text.and_then(Object::list).unwrap_or_default() {
                    match piece {
                        Object::Number(back) => {
                            let by = -back / 1000.0 * run.state.size * run.state.stretch;
                            run.text = times(&[1.0, 0.0, 0.0, 1.0, by, 0.0], &run.text);
                        }
                        piece => self.show(Some(piece), run, canvas),
                    }
                }
            }
            b"Do" => self.draw(last.and_then(Object::name).unwrap_or_default(), run, canvas),
            b"gs" => {
                let name = last.and_then(Object::name).unwrap_or_default();
                let set = self.resource(run.resources, "ExtGState", name).and_then(Object::dict);
                let set = set.and_then(|set| self.file.of(set, "Font")).and_then(Object::list);
                if let Some([font, size]) = set {
                    let font = self.file.resolved(font).and_then(Object::dict);
                    run.state.size = size.number().unwrap_or_default();
                    run.state.font = font.and_then(|font| self.read_font(font));
                }
            }
            b"BDC" | b"BMC" => self.mark(held, run, canvas),
            b"EMC" => {
                if let Some(marked) = run.marked.pop() {
                    self.unmarked(marked, canvas);
                }
            }
            b"DP" => held.iter().for_each(|object| self.say(&said::all_of(object))),
            b"BX" => run.is_lenient = true,
            b"EX" => run.is_lenient = false,
            b"c" | b"v" | b"y" => canvas.curves += 1,
            b"l" | b"re" => canvas.segments += 1,
            _ if NO_TEXT.contains(&word) => {}
            _ if run.is_lenient => {}
            _ => run.unknown += 1,
        }
        // Strings that nobody shows are read, too.
        let is_shown = matches!(word, b"Tj" | b"TJ" | b"'" | b"\"");
        for (at, object) in held.iter().enumerate() {
            let is_read = is_shown && Some(at) == shown || matches!(word, b"BDC" | b"DP");
            if !is_read && !matches!(object, Object::Number(_) | Object::Name(_) | Object::Nothing) {
                self.say(&said::all_of(object));
            }
        }
    }

    fn resource(&self, resources: Option<&'f Dict>, kind: &str, name: &[u8]) -> Option<&'f Object> {
        let file = self.file;
        file.resolved(file.dict_of(resources?, kind)?.find(name)?)
    }

    fn font(&mut self, name: &[u8], resources: Option<&'f Dict>) -> Option<Rc<Font>> {
        let dict = self.resource(resources, "Font", name)?.dict()?;
        self.read_font(dict)
    }

    fn read_font(&mut self, dict: &Dict) -> Option<Rc<Font>> {
        self.fonts.of(dict, self.file, self.room)
    }

    fn show(&mut self, text: Option<&Object>, run: &mut Run<'f>, canvas: &mut Canvas) {
        let Some(text) = text.and_then(Object::text).filter(|text| !text.is_empty()) else { return };
        let state = &run.state;
        let Some(font) = &state.font else {
            canvas.unread += text.len();
            return;
        };
        let is_marked = run.marked.iter().any(|marked| marked.says.is_some());
        let (mut shown, mut unread, mut lone, mut glyphs) = (String::new(), 0, 0, 0_usize);
        let (mut advance, mut tail) = (0.0, 0.0);
        for glyph in font.glyphs(text) {
            glyphs += 1;
            match glyph.says {
                Says::Char(c) => push(&mut shown, c),
                Says::Text(says, further) => {
                    let mut chars = says.chars();
                    let last = chars.next_back().map(|c| char::from_u32(u32::from(c) + further).unwrap_or(c));
                    chars.chain(last).for_each(|c| push(&mut shown, c));
                }
                Says::Sign => shown.push(' '),
                Says::Unknown => {
                    shown.push(' ');
                    unread += 1;
                    lone += usize::from(glyphs == 1);
                }
            }
            let gap = state.letter_gap + if glyph.is_blank { state.word_gap } else { 0.0 };
            tail = advance;
            advance += (glyph.width * state.size + gap) * state.stretch;
        }
        let base = [state.size * state.stretch, 0.0, 0.0, state.size, 0.0, state.rise];
        let place = Place::of(&times(&base, &times(&run.text, &state.matrix)));
        let end = times(&[1.0, 0.0, 0.0, 1.0, advance, 0.0], &run.text);
        let (from, to) = (times(&run.text, &state.matrix), times(&end, &state.matrix));
        let width = (to[4] - from[4]).hypot(to[5] - from[5]).copysign(advance);
        let last_width = if advance == 0.0 { 0.0 } else { width * (advance - tail) / advance };
        run.text = end;
        // A bullet of an unknown font stands by itself.
        if glyphs == 1 && lone == 1 {
            canvas.signs += 1;
        } else {
            canvas.unread += unread;
        }
        for marked in run.marked.iter_mut().rev().filter(|marked| marked.says.is_some()) {
            marked.place.get_or_insert(place);
        }
        if !self.room.take(shown.len()) {
            return;
        }
        // What is said instead stands there when it ends, if its glyphs can't be read.
        if !(is_marked && unread > 0) {
            self.room.take(canvas.show(place, width, last_width, shown));
        }
    }

    fn draw(&mut self, name: &[u8], run: &Run<'f>, canvas: &mut Canvas) {
        let file = self.file;
        let object = run.resources.and_then(|resources| file.dict_of(resources, "XObject"));
        let Some(at) = object.and_then(|objects| objects.find(name)).and_then(|o| file.stream_at(o)) else {
            return;
        };
        let Some(dict) = file.entries.get(at).and_then(|entry| entry.object.dict()) else { return };
        if !dict.is("Subtype", "Form") {
            return; // pictures are told of once, by whoever looks through all streams
        }
        if run.depth == DEPTH_MAX {
            return self.room.unread(UninspectedReason::TooDeep);
        }
        let Some(bytes) = self.stream(at) else { return };
        let own = file.of(dict, "Matrix").and_then(Object::list).unwrap_or_default();
        let number = |at: usize| own.get(at).and_then(Object::number).unwrap_or_default();
        let own = match own.len() {
            6 => [number(0), number(1), number(2), number(3), number(4), number(5)],
            _ => AS_IT_IS,
        };
        let matrix = times(&own, &run.state.matrix);
        let resources = file.dict_of(dict, "Resources").or(run.resources);
        self.content(&bytes, resources, matrix, run.depth + 1, run.is_glyph, canvas);
    }

    /// A picture inside of a content. One of a few rows shows no letters; in glyphs they are the letters themselves.
    fn inline_picture(&mut self, lexer: &mut Lexer<'_>, run: &Run<'_>) {
        let (mut width, mut height, mut key) = (f64::MAX, f64::MAX, Vec::new());
        loop {
            match lexer.object() {
                Some(Object::Word(word)) if &*word == b"ID" => break,
                Some(Object::Name(name)) if key.is_empty() => key = name.into(),
                Some(object) => {
                    match (key.as_slice(), object.number()) {
                        (b"W" | b"Width", Some(number)) => width = number,
                        (b"H" | b"Height", Some(number)) => height = number,
                        _ => {}
                    }
                    self.say(&said::all_of(&object));
                    key.clear();
                }
                None => return self.room.unread(UninspectedReason::Malformed),
            }
        }
        let side_max = if run.is_glyph { GLYPH_SIDE_MAX } else { 0.0 };
        if width.min(height) > BLIND_SIDE_MAX && width.max(height) > side_max {
            self.room.unread(UninspectedReason::Picture);
        }
        let from = lexer.at;
        let mut ends = memchr::memmem::find_iter(lexer.bytes.get(from..).unwrap_or_default(), b"EI");
        let is_end = |at: &usize| {
            let byte = |at: usize| lexer.bytes.get(at).copied();
            let before = (from + at).checked_sub(1).and_then(byte);
            before.is_some_and(is_blank) && byte(from + at + 2).is_none_or(is_blank)
        };
        match ends.find(is_end) {
            Some(at) => lexer.at = from + at + 2,
            None => {
                lexer.at = lexer.bytes.len();
                self.room.unread(UninspectedReason::Malformed);
            }
        }
    }

    fn mark(&mut self, held: &[Object], run: &mut Run<'f>, canvas: &Canvas) {
        if run.marked.len() == KEPT_MAX {
            return self.room.unread(UninspectedReason::TooDeep);
        }
        let properties = match held.get(1) {
            Some(Object::Name(name)) => self.resource(run.resources, "Properties", name),
            properties => properties,
        };
        let says = properties.and_then(Object::dict).and_then(|dict| self.file.of(dict, "ActualText"));
        let says = says.and_then(Object::text).and_then(said::text_of);
        // All else that it says; the same by name is read with the objects.
        if let Some(dict @ Object::Dict(own)) = held.get(1)
            && own.entries().any(|(key, _)| key != b"MCID" && key != b"ActualText")
        {
            self.say(&said::all_of(dict));
        }
        run.marked.push(Marked { says, unread: canvas.unread + canvas.signs, place: None });
    }

    /// Where the glyphs of a marked content couldn't be read, what it says is read instead; else beside them, if it's a word.
    fn unmarked(&mut self, marked: Marked, canvas: &mut Canvas) {
        let Some(says) = marked.says else { return };
        let unread = (canvas.unread + canvas.signs).saturating_sub(marked.unread);
        if unread == 0 {
            if says.chars().filter(|c| c.is_alphanumeric()).count() > SAID_BESIDE {
                self.say(&says);
            }
            return;
        }
        canvas.signs = canvas.signs.saturating_sub(unread);
        canvas.unread = canvas.unread.min(marked.unread);
        if let Some(place) = marked.place.filter(|_| self.room.take(says.len())) {
            self.room.take(canvas.show(place, 0.0, 0.0, says));
        }
    }
}

impl Run<'_> {
    fn next_line(&mut self, x: f64, y: f64) {
        self.line = times(&[1.0, 0.0, 0.0, 1.0, x, y], &self.line);
        self.text = self.line;
    }
}

/// A character as it is written: ligatures as letters, blanks of any kind as one.
fn push(out: &mut String, c: char) {
    match c {
        '\u{FB00}' => out.push_str("ff"),
        '\u{FB01}' => out.push_str("fi"),
        '\u{FB02}' => out.push_str("fl"),
        '\u{FB03}' => out.push_str("ffi"),
        '\u{FB04}' => out.push_str("ffl"),
        '\u{FB05}' | '\u{FB06}' => out.push_str("st"),
        '\u{AD}' | '\u{2010}' | '\u{2011}' => out.push('-'),
        c if c.is_whitespace() => out.push(' '),
        c => out.push(c),
    }
}

/// The first transformation, then the other. What is no number any more is none.
fn times(first: &Matrix, then: &Matrix) -> Matrix {
    let [a, b, c, d, e, f] = *first;
    let [p, q, r, s, t, u] = *then;
    let out =
        [a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u];
    if out.iter().all(|n| n.is_finite()) { out } else { AS_IT_IS }
}

/// Operators that show no text: paths, colours, clipping, marks.
const NO_TEXT: &[&[u8]] = &[
    b"b", b"B", b"b*", b"B*", b"CS", b"cs", b"d", b"d0", b"d1", b"f", b"F", b"f*", b"G", b"g", b"h", b"i",
    b"j", b"J", b"K", b"k", b"m", b"M", b"MP", b"n", b"RG", b"rg", b"ri", b"s", b"S", b"SC", b"sc", b"SCN",
    b"scn", b"sh", b"Tr", b"w", b"W", b"W*",
];
/// What drawing a stream once more costs beside its bytes.
const DRAWN_BYTES: usize = 64;
/// Operands of one operator: `scn` has 33 at most.
const OPERANDS_MAX: usize = 64;
/// States that are kept at once.
const KEPT_MAX: usize = 1024;
/// Forms in forms.
const DEPTH_MAX: usize = 12;
/// Words that are no operators, in one content: slips of writers.
const UNKNOWN_MAX: usize = 4;
/// Rows, or columns, of a picture too low for letters: lines, spacers, shades.
pub(super) const BLIND_SIDE_MAX: f64 = 4.0;
/// Side of a glyph that is a picture, in dots.
const GLYPH_SIDE_MAX: f64 = 128.0;
/// What is said instead of glyphs that are read: up to so many letters a ligature or a hyphen.
const SAID_BESIDE: usize = 3;
