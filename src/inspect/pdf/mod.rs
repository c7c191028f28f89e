//! PDF (ISO 32000-1): the text of a file, and what in it can't be read.
//!
//! - Takes: the bytes of a file, and what there is room for.
//! - Gives: the text of its pages as somebody reads them, then all that its other objects say; files that are attached; and
//!   why something stayed unread.
//! - In doubt: says so. A stream is read, or of a kind that says nothing (fonts, colours), or told as unread; pictures are,
//!   and text by fonts that don't say what their codes are, and pages that draw much and write nothing.
//! - Cost: linear in the bytes that come out of its streams, which are charged like all that is decoded, each time it is
//!   drawn. Nothing follows the trees of a file: objects are read in the order in which they stand, old revisions too.
//!
//! What is found is blamed on the whole file: its text stands in it nowhere as such. Where the text is drawn in another order
//! than it is read, `layout.rs` puts it together by its places.

mod cmap;
mod content;
mod file;
mod filter;
mod font;
mod layout;
mod object;
mod roles;
mod said;
mod tables;
#[cfg(test)]
mod tests;

use super::Inspector;
use super::decode::Budget;
use super::finding::UninspectedReason;
use super::format::{self, Format};
use super::score::Scorer;
use content::{BLIND_SIDE_MAX, Painter};
use file::File;
use layout::Canvas;
use object::{Dict, Object};
use roles::{Role, Roles};
use std::collections::BTreeSet;

/// What there is room for, and what stayed unread.
pub(super) struct Room {
    left: usize,
    unread: BTreeSet<UninspectedReason>,
}

impl Room {
    /// Takes so many bytes. Gives whether they were there.
    fn take(&mut self, bytes: usize) -> bool {
        let left = self.left.checked_sub(bytes);
        if left.is_none() {
            self.unread(UninspectedReason::Bomb);
        }
        self.left = left.unwrap_or(0);
        left.is_some()
    }

    fn unread(&mut self, reason: UninspectedReason) {
        self.unread.insert(reason);
    }
}

/// What a file says.
#[derive(Default)]
pub(super) struct Said {
    /// Its text. Payload.
    pub(super) text: String,
    /// Files that are attached.
    pub(super) attached: Vec<Vec<u8>>,
    /// Why not all was read, each reason once.
    pub(super) unread: BTreeSet<UninspectedReason>,
}

impl<'r> Inspector<'r> {
    /// Judges the text of a file, and what is attached to it.
    pub(super) fn pdf(
        &self,
        content_type: &str,
        bytes: &[u8],
        scorer: &mut Scorer<'r>,
        top: bool,
        left: &mut usize,
    ) {
        let said = read(bytes, &self.budget, left);
        let media_type = format::known_media_type(content_type);
        let place = if top { "body" } else { "" };
        for reason in said.unread {
            scorer.unread(reason, media_type, place.to_owned());
        }
        let stand = scorer.stand();
        scorer.piece(&stand, 0..bytes.len(), false, false, "pdf");
        scorer.plain_text(&said.text);
        for file in said.attached {
            if stand.depth() >= self.budget.carrier_depth_max {
                scorer.unread(UninspectedReason::TooDeep, media_type, place.to_owned());
                break;
            }
            scorer.piece(&stand, 0..bytes.len(), false, true, "attachment");
            self.document(Format::of("", &file), "", &file, scorer, false, left);
            self.carriers(scorer, left);
        }
    }
}

/// Reads a file. What comes out of its streams is taken from `left`.
pub(super) fn read(bytes: &[u8], budget: &Budget, left: &mut usize) -> Said {
    let room_bytes = (*left).min(bytes.len().saturating_mul(budget.inflate_ratio_max).max(ROOM_BYTES_MIN));
    let mut room = Room { left: room_bytes, unread: BTreeSet::new() };
    let mut said = Said::default();
    let file = File::read(bytes, &mut room);
    if is_encrypted(&file) {
        room.unread = BTreeSet::from([UninspectedReason::Encrypted]);
    } else {
        if file.entries.iter().all(|entry| entry.stream.is_none()) {
            room.unread(UninspectedReason::Malformed);
        }
        whole(&file, &mut room, &mut said);
    }
    *left = left.saturating_sub(room_bytes - room.left);
    said.unread = room.unread;
    said
}

fn is_encrypted(file: &File<'_>) -> bool {
    let in_streams = file.entries.iter().filter(|entry| entry.stream.is_some()).map(|entry| &entry.object);
    let in_streams = in_streams.filter(|object| object.dict().is_some_and(|dict| dict.is("Type", "XRef")));
    file.trailers.iter().chain(in_streams).filter_map(Object::dict).any(|dict| dict.get("Encrypt").is_some())
}

/// Pages first, then what else is drawn, then what objects say.
fn whole(file: &File<'_>, room: &mut Room, said: &mut Said) {
    let roles = Roles::of(file);
    let mut painter = Painter::new(file, room);
    let mut sheets = Sheets::default();
    for (at, entry) in file.entries.iter().enumerate() {
        let Some(page) = entry.object.dict().filter(|dict| dict.is("Type", "Page")) else { continue };
        let contents = page.get("Contents").filter(|_| file.is_latest(at));
        let mut canvas = Canvas::default();
        if let Some(contents) = contents {
            painter.page(contents, roles::resources(file, page), &mut canvas);
        }
        sheets.put(canvas, &mut painter);
    }
    let mut beside: Vec<(usize, Beside)> = Vec::new();
    for (at, entry) in file.entries.iter().enumerate() {
        let Some(dict) = entry.object.dict().filter(|_| entry.stream.is_some()) else { continue };
        let drawn = |is_glyph| (!painter.drawn.contains(&at)).then_some((at, Beside::Drawn { is_glyph }));
        match roles.of_stream(entry.number, dict) {
            Role::Nothing => {}
            Role::Content => beside.extend(drawn(false)),
            Role::Glyph => beside.extend(drawn(true)),
            Role::Text => beside.push((at, Beside::Text)),
            Role::Xml => beside.push((at, Beside::Xml)),
            Role::Attached => beside.push((at, Beside::Attached)),
            Role::Picture if is_blind(file, dict) => {}
            Role::Picture => painter.room.unread(UninspectedReason::Picture),
            Role::Unknown if entry.stream.as_ref().is_some_and(|stream| stream.is_empty()) => {}
            Role::Unknown => painter.room.unread(UninspectedReason::OpaqueType),
        }
    }
    let mut aside = String::new();
    for (at, what) in beside {
        if let Beside::Drawn { is_glyph } = what {
            // One that was drawn since is no more by itself.
            if !painter.drawn.contains(&at) {
                let number = file.entries.get(at).map_or(0, |entry| entry.number);
                let mut canvas = Canvas::default();
                painter.alone(at, roles.resources_of(number), is_glyph, &mut canvas);
                sheets.put(canvas, &mut painter);
            }
            continue;
        }
        let plain = match file.plain(at, painter.room) {
            Ok(plain) => plain,
            Err(reason) => {
                painter.room.unread(reason);
                continue;
            }
        };
        match what {
            Beside::Attached => said.attached.push(plain.into_owned()),
            Beside::Xml => aside.push_str(&said::of_xml(&plain)),
            _ => aside.extend(said::text_of(&plain)),
        }
        aside.push_str("\n\n");
    }
    sheets.judge(&mut painter);
    said.text = sheets.text;
    said.text.push_str(&std::mem::take(&mut painter.aside));
    for object in file.entries.iter().map(|entry| &entry.object).chain(&file.trailers) {
        said.text.push_str(&said::all_of(object));
    }
    said.text.push_str("\n\n");
    said.text.push_str(&aside);
    for line in file.strays.split(|b| matches!(b, b'\n' | b'\r')) {
        said.text.extend(said::text_of(line).iter().flat_map(|text| [text.trim(), "\n"]));
    }
}

/// What is read beside the pages.
enum Beside {
    Drawn { is_glyph: bool },
    Text,
    Xml,
    Attached,
}

/// A picture of a few rows or columns shows no letters.
fn is_blind(file: &File<'_>, dict: &Dict) -> bool {
    let side = |key: &str| file.of(dict, key).and_then(Object::number).unwrap_or(f64::MAX);
    side("Width").min(side("Height")) <= BLIND_SIDE_MAX
}

/// Pages so far, and what could not be read on them.
#[derive(Default)]
struct Sheets {
    text: String,
    letters: usize,
    unread: usize,
    signs: usize,
}

impl Sheets {
    fn put(&mut self, canvas: Canvas, painter: &mut Painter<'_, '_>) {
        self.letters += canvas.letters;
        self.unread += canvas.unread;
        self.signs += canvas.signs;
        // Letters that are drawn have some ten curves each, and a page of them has little else.
        let is_drawn = canvas.curves > CURVES_MAX.max(CURVES_A_LETTER * canvas.letters)
            || canvas.letters < FEW_LETTERS && canvas.curves + canvas.segments > LINES_MAX;
        if is_drawn {
            painter.room.unread(UninspectedReason::Drawn);
        }
        self.text.push_str(&canvas.text());
    }

    /// A few characters that nobody knows are bullets and such.
    fn judge(&self, painter: &mut Painter<'_, '_>) {
        if self.unread > UNREAD_MAX || self.signs > SIGNS_MAX && self.signs * SIGNS_SHARE > self.letters {
            painter.room.unread(UninspectedReason::Font);
        }
    }
}

/// A file may say so much however short it is.
const ROOM_BYTES_MIN: usize = 1 << 20;
/// Curves of a page without text: a few words that are drawn have more.
const CURVES_MAX: usize = 150;
/// Curves beside each letter that is written: charts and logos beside text have fewer.
const CURVES_A_LETTER: usize = 6;
/// Curves, lines and boxes of a page that writes nothing.
const LINES_MAX: usize = 200;
/// A page with fewer letters writes nothing.
const FEW_LETTERS: usize = 20;
/// Characters in words that nobody knows, in a file.
const UNREAD_MAX: usize = 2;
/// Signs by themselves that nobody knows, and of how many letters one may be such.
const SIGNS_MAX: usize = 20;
const SIGNS_SHARE: usize = 20;
