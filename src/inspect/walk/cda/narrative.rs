//! The narrative block: marked-up text, read a line at a time.
//!
//! What stands in one paragraph, item or cell is one text, whatever is emphasised in it; what stands in two is never
//! read across. A row of two cells, or of heads and cells by turns, is of labels and values: each two are read as one. The head of a column names its cells: those
//! of a column of providers, places or organisations are public.

use super::super::Reads;
use super::super::xml::NodeId;
use super::Walk;
use super::called::Called;
use super::frame::Narrative;
use super::leaf::Told;
use super::names::Name;
use crate::inspect::field::Field;
use crate::inspect::hash::Map;
use crate::inspect::kind::Kind;
use std::borrow::Cow;
use std::rc::Rc;

/// The line that is being read.
#[derive(Debug, Default)]
pub(super) struct Lines<'t> {
    /// Its texts so far.
    texts: Vec<NodeId>,
    /// Whether it is of a section's own text.
    of_section: bool,
    /// Heads of the table's columns; bounded by [`COLUMNS_MAX`].
    heads: Vec<Head<'t>>,
    /// Heads that came before, by their words: tables of a document have the same. Bounded by
    /// [`HEADS_KNOWN_MAX`].
    known: Map<Rc<str>, Head<'t>>,
    /// The column of the next cell.
    next: usize,
    /// The column of the open cell, and whether it is a head.
    cell: Option<(usize, bool)>,
}

/// The head of a column.
#[derive(Debug, Clone, Default)]
struct Head<'t> {
    words: Rc<str>,
    /// Whether its cells are of providers or organisations.
    providers: bool,
    /// The row of its cells.
    column: Option<&'t Field>,
}

impl<'t> Walk<'t, '_, '_> {
    /// How an element that begins now, of this name as known and as written, stands in the narrative.
    pub(super) fn narrative(&self, name: Name, called: &Called, id: NodeId) -> Narrative {
        let (words, local) = (&self.table.words, called.local);
        let above = self.frames.last();
        let is_cell = words.is_cell(local);
        match above.map_or(Narrative::Outside, |above| above.narrative) {
            Narrative::Outside if local != words.text => Narrative::Outside,
            Narrative::Outside => {
                let apart = above.is_some_and(|above| above.local == words.non_xml_body);
                let base64 = || self.attr(id, words.representation).is_some_and(|r| r.trim() == "B64");
                if name != Name::UNKNOWN && !apart && !base64() {
                    Narrative::Block
                } else {
                    Narrative::Outside
                }
            }
            Narrative::Pairs if is_cell && self.lines.next.is_multiple_of(2) => Narrative::Label,
            Narrative::Pairs if is_cell => Narrative::Inline,
            _ if is_cell => Narrative::Block,
            _ if called.inline => Narrative::Inline,
            _ if local == words.tr && self.is_pairs(id) => Narrative::Pairs,
            _ => Narrative::Block,
        }
    }

    /// Whether a row's cells are labels and values by turns.
    fn is_pairs(&self, row: NodeId) -> bool {
        let words = &self.table.words;
        let mut cells = self.tape.elements(row).map(|cell| self.local(cell)).take(CELLS_LOOKED_AT_MAX);
        let (mut count, mut by_turns) = (0, true);
        for cell in cells.by_ref() {
            by_turns &= cell == if count % 2 == 0 { words.th } else { words.td };
            count += 1;
        }
        count == 2 || by_turns && count > 0 && count % 2 == 0
    }

    /// Before an element is entered; `local` is the number of its name.
    pub(super) fn begin_lines(&mut self, narrative: Narrative, local: Name) {
        let words = &self.table.words;
        let above = self.frames.last().map_or(Narrative::Outside, |above| above.narrative);
        if narrative == Narrative::Outside && above == Narrative::Outside {
            return;
        }
        let in_pairs = above == Narrative::Pairs;
        if in_pairs && words.is_cell(local) {
            self.lines.next += 1;
        }
        if matches!(narrative, Narrative::Outside | Narrative::Inline) {
            return;
        }
        self.flush();
        match local {
            local if local == words.text => {
                self.lines.of_section = self.frames.last().is_none_or(|above| above.local == words.section);
            }
            local if local == words.table => self.lines.heads.clear(),
            local if local == words.tr => self.lines.next = 0,
            local if words.is_cell(local) && !in_pairs => {
                self.lines.cell = Some((self.lines.next, local == words.th));
                self.lines.next += 1;
            }
            _ => {}
        }
    }

    /// Before an element is left.
    pub(super) fn end_lines(&mut self) {
        let Some(frame) = self.frames.last().filter(|frame| frame.narrative != Narrative::Outside) else {
            return;
        };
        let cell = self.table.words.is_cell(frame.local);
        if matches!(frame.narrative, Narrative::Block | Narrative::Pairs) {
            self.flush();
            if cell {
                self.lines.cell = None;
            }
        }
    }

    pub(super) fn text(&mut self, id: NodeId) {
        if self.frames.last().is_none_or(|frame| frame.narrative == Narrative::Outside) {
            return self.plain_text(id);
        }
        if self.tape.is_cdata(id) {
            self.flush();
            self.lines.texts.push(id);
            return self.flush();
        }
        self.lines.texts.push(id);
    }

    /// Tells what the line holds.
    pub(super) fn flush(&mut self) {
        if self.lines.texts.is_empty() {
            return;
        }
        let mut texts = std::mem::take(&mut self.lines.texts);
        self.tell_line(&texts);
        texts.clear();
        self.lines.texts = texts;
    }

    fn tell_line(&mut self, texts: &[NodeId]) {
        let (tape, table) = (self.tape, self.table);
        let (Some(first), Some(last)) = (texts.first(), texts.last()) else { return };
        let head = match self.lines.cell {
            Some((column, true)) => {
                self.name_column(column, texts);
                Head::default()
            }
            Some((column, false)) => self.lines.heads.get(column).cloned().unwrap_or_default(),
            None => Head::default(),
        };
        let (cue, providers) = (&*head.words, head.providers);
        // A column says what its cells are, where they have what it takes.
        let holds = |row: &&Field| {
            let digits = texts.iter().any(|text| tape.raw(*text).bytes().any(|b| b.is_ascii_digit()));
            row.kind == Kind::FullName || digits
        };
        let column = head.column.filter(holds);
        let row = match column {
            Some(row) => Some(row),
            None if self.lines.of_section && !providers => table.narrative(),
            None => None,
        };
        match tape.between(*first, *last) {
            Some((span, raw)) if texts.len() > 1 && !providers && column.is_none() => {
                let value = Cow::Borrowed(raw);
                self.tell(Told { span, value, row, reads: Reads::Xhtml, cue, rest: "" });
            }
            _ => {
                let reads = if providers { Reads::Public } else { Reads::Text };
                for text in texts {
                    let (span, value) = self.trimmed(*text);
                    self.tell(Told { span, value, row, reads, cue, rest: "" });
                }
            }
        }
    }

    fn name_column(&mut self, column: usize, texts: &[NodeId]) {
        if column >= COLUMNS_MAX {
            return;
        }
        if self.lines.heads.len() <= column {
            self.lines.heads.resize(column + 1, Head::default());
        }
        let words = match texts {
            [text] if self.tape.raw(*text).len() <= HEAD_CHARS_MAX => Cow::Borrowed(self.tape.raw(*text)),
            _ => texts.iter().flat_map(|text| self.tape.raw(*text).chars()).take(HEAD_CHARS_MAX).collect(),
        };
        let head = self.head(&words);
        self.lines.heads.get_mut(column).into_iter().for_each(|known| *known = head.clone());
    }

    /// What a head of these words says of its column.
    fn head(&mut self, words: &str) -> Head<'t> {
        if let Some(known) = self.lines.known.get(words) {
            return known.clone();
        }
        let (providers, column) = (self.table.names.is_providers(words), self.table.column(words));
        let head = Head { providers, column, words: words.into() };
        if self.lines.known.len() < HEADS_KNOWN_MAX {
            self.lines.known.insert(head.words.clone(), head.clone());
        }
        head
    }
}

/// Cells of a row that are looked at.
const CELLS_LOOKED_AT_MAX: usize = 16;
/// Columns of which heads are remembered.
const COLUMNS_MAX: usize = 64;
/// Different heads that are remembered of a document.
const HEADS_KNOWN_MAX: usize = 256;
/// So much of a head is remembered.
const HEAD_CHARS_MAX: usize = 64;
