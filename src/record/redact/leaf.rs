//! What the walkers say of each leaf's bytes, and what may be stored of them.

use super::credential;
use super::operators::Stays;
use super::spots::{Said, Spots};
use crate::inspect::hash::Map;
use crate::inspect::url::Tables;
use crate::inspect::walk::{Declared, Ends, Leaf, PersonId, Reads, Role, Sink};
use crate::inspect::{RuleSet, decode::Budget, text};
use crate::record::packed::{CODE, Packer, Shape, Value, Word};
use crate::record::{Draft, View, seal};
use crate::secrets::TokenKeys;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

/// A sink that keeps, for each leaf's bytes, what may be stored of it.
pub(super) struct Redactor<'d> {
    pub(super) rules: &'d RuleSet,
    pub(super) keys: &'d TokenKeys,
    pub(super) environment: &'d str,
    pub(super) linked: bool,
    pub(super) budget: Budget,
    /// Whether originals are kept for a seal, and then the document that spans are of.
    pub(super) seals: bool,
    document: Vec<u8>,
    pub(super) tokens: &'d mut Vec<String>,
    pub(super) said: Spots,
    pub(super) unknown_keys: Map<usize, usize>,
    /// The same by name, without prefix: XML tells the first of a list alone.
    pub(super) unknown_names: HashSet<String>,
    /// The resource type that the target names: of this a patch is.
    pub(super) aim: String,
    /// What the notation says of numbers.
    pub(super) numbers: Numbers,
    /// The cue that was asked about last, and whether it asks for a number of somebody's or for an age.
    pub(super) asked: Option<(String, bool, bool)>,
    pub(super) this_year: u16,
}

/// Which numbers without a row measure or count something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Those that the walker tells as quantities: its grammar says so.
    AsTold,
    /// Those whose place says so: whoever writes JSON or XML can put a number anywhere.
    ByPlace,
}

impl<'d> Redactor<'d> {
    pub(super) fn new(draft: &'d Draft, keys: &'d TokenKeys, tokens: &'d mut Vec<String>) -> Self {
        Self {
            rules: &draft.rules,
            keys,
            environment: &draft.entry.environment,
            linked: draft.ceiling >= View::Linked,
            budget: draft.budget,
            seals: draft.seal.is_some(),
            document: Vec::new(),
            tokens,
            said: Spots::default(),
            unknown_keys: Map::default(),
            unknown_names: HashSet::new(),
            aim: String::new(),
            numbers: Numbers::AsTold,
            asked: None,
            this_year: crate::clock::this_year(),
        }
    }

    /// A new document: offsets begin at 0 again.
    pub(super) fn document(&mut self, bytes: &[u8]) {
        if self.seals {
            self.document = bytes.to_vec();
        }
        self.numbers = Numbers::AsTold;
        self.said.clear();
        self.unknown_keys.clear();
        self.unknown_names.clear();
    }

    pub(super) fn tables(&self) -> Tables<'d> {
        Tables { queries: &self.rules.queries, objects: &self.rules.objects }
    }

    /// What may be stored of these bytes: what was said of just them, else a placeholder.
    pub(super) fn shown(&self, span: Range<usize>, word: Word) -> Shown<'_> {
        let length = span.len();
        let shown = match self.said.get(span.start).filter(|said| said.end == span.end) {
            Some(said) => self.said.shown(said, word, length),
            None => Shown { found: self.is_found_around(&span), ..leaf(word, length, "[text]") },
        };
        if !self.seals {
            return shown;
        }
        self.kept(shown, self.document.get(span).unwrap_or_default())
    }

    /// The same with its original, where that is sealed: what isn't stored of a value as it was sent. Secrets are nobody's, nor
    /// is a text that one stands in.
    pub(super) fn kept<'v>(&self, mut shown: Shown<'v>, raw: &'v [u8]) -> Shown<'v> {
        if self.seals
            && shown.masked != SECRET
            && shown.masked.as_bytes() != raw
            && !raw.is_empty()
            && !credential::stands_in(raw)
        {
            shown.original = Some(raw);
        }
        shown
    }

    /// The same of bytes whose parts may have been told apart; what stands between them stays where it is syntax.
    pub(super) fn pieces(&self, doc: &[u8], span: Range<usize>, out: &mut Pieces) {
        let exact = self.said.get(span.start).is_some_and(|said| said.end == span.end);
        let inside: Vec<(usize, &Said)> = match exact {
            true => Vec::new(),
            false => self.said.within(span.clone()).collect(),
        };
        if inside.is_empty() || inside.iter().any(|(_, said)| said.end > span.end) {
            return out.leaf(self.shown(span, Word::Text));
        }
        let mut from = span.start;
        for (at, said) in inside {
            if at < from {
                continue;
            }
            self.between(doc, from..at, out);
            let shown = self.said.shown(said, Word::Text, said.end - at);
            out.leaf(self.kept(shown, doc.get(at..said.end).unwrap_or_default()));
            from = said.end;
        }
        self.between(doc, from..span.end, out);
    }

    fn between(&self, doc: &[u8], span: Range<usize>, out: &mut Pieces) {
        let raw = doc.get(span).unwrap_or_default();
        let text = std::str::from_utf8(raw).unwrap_or_default();
        let scheme = SCHEMES.iter().find(|scheme| scheme.eq_ignore_ascii_case(text));
        match scheme {
            Some(scheme) => out.text(scheme),
            None if raw.iter().all(|b| b"'^~|() ".contains(b)) => out.text(text),
            None => out.leaf(self.kept(leaf(Word::Text, raw.len(), "[text]"), raw)),
        }
    }

    /// Whether something was found in a leaf that these bytes are a part of.
    fn is_found_around(&self, span: &Range<usize>) -> bool {
        self.said.before(span.start).is_some_and(|said| said.end >= span.end && said.found)
    }
}

impl Sink for Redactor<'_> {
    fn person(&mut self, _: PersonId, _: Role) {}

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        self.told(leaf, &Place { whole: place, names: None });
    }

    fn number_in(&mut self, leaf: &Leaf<'_>, names: Ends<'_>, place: &dyn Fn() -> String) {
        self.told(leaf, &Place { whole: place, names: Some(names) });
    }

    fn asks_whose(&self) -> bool {
        false
    }

    fn clinical(&mut self, _: PersonId) {}
    fn declared(&mut self, _: Declared, _: &dyn Fn() -> String) {}

    fn unknown_key(&mut self, key: &str, span: Range<usize>, _: PersonId, _: &dyn Fn() -> String) {
        self.unknown_keys.insert(span.start, span.end);
        self.unknown_names.insert(key.rsplit(':').next().unwrap_or(key).to_owned());
    }
}

/// Where a leaf stands.
pub(super) struct Place<'p> {
    /// All of it, in words.
    pub(super) whole: &'p dyn Fn() -> String,
    /// Its end, where the walker has it at hand.
    pub(super) names: Option<Ends<'p>>,
}

impl Redactor<'_> {
    fn told(&mut self, leaf: &Leaf<'_>, place: &Place<'_>) {
        let found = match (leaf.field, leaf.reads) {
            (_, Reads::Text | Reads::Xhtml | Reads::Query) => {
                text::scan(&leaf.value, leaf.cue, self.rules).iter().any(|hit| hit.points.0 > 0)
            }
            (Some(field), _) => field.points.0 > 0,
            (None, _) => false,
        };
        let Stays { masked, token, bare } = self.stays(leaf, place);
        let said = Said { end: leaf.span.end, masked, token, bare, found };
        // Of two words about the same bytes the more careful one stays.
        let careful =
            |before: &Said| before.end == said.end && !said.bare && self.said.masked(before).starts_with('[');
        if !self.said.get(leaf.span.start).is_some_and(careful) {
            self.said.insert(leaf.span.start, said);
        }
    }
}

/// A value on its way into the stored form.
#[derive(Clone, Copy)]
pub(super) struct Shown<'v> {
    pub(super) shape: Shape,
    /// A placeholder, or the value where it may stay.
    pub(super) masked: &'v str,
    /// Whether it is written with quotes that it hasn't.
    pub(super) quoted: bool,
    pub(super) token: Option<&'v str>,
    pub(super) found: bool,
    /// As it was sent, where that is to be sealed.
    pub(super) original: Option<&'v [u8]>,
}

/// Writes the stored form, part by part: syntax and values in the order of the message.
pub(super) struct Pieces {
    out: Packer,
    notation: Notation,
    /// Whether nothing but shapes may be stored.
    shapes_alone: bool,
    /// Originals that are to be sealed.
    originals: seal::Originals,
    /// The part at hand, and how many values it has so far.
    part: [&'static str; 2],
    values: usize,
}

/// What a format takes for syntax: no placeholder and no kept word may have it.
pub(super) enum Notation {
    /// Nothing that they have.
    Plain,
    /// As XML has it: it is escaped.
    Xml,
    /// These bytes: `[code]` stands where one would be.
    Marks(Vec<u8>),
    /// The same, and tokens stand behind their kind with a mark that isn't among them.
    Joined(Vec<u8>),
}

impl Pieces {
    /// For a message of about so many bytes.
    pub(super) fn of(bytes: usize, shapes_alone: bool) -> Self {
        Self {
            out: Packer::of(bytes),
            notation: Notation::Plain,
            shapes_alone,
            originals: seal::Originals::default(),
            part: [""; 2],
            values: 0,
        }
    }

    /// A part begins, whose name is these.
    pub(super) fn part(&mut self, name: [&'static str; 2]) {
        self.part_again(name, 0);
    }

    /// The same where parts of that name came before, with so many values: each value has a number of its own.
    pub(super) fn part_again(&mut self, name: [&'static str; 2], before: usize) {
        self.out.part(name);
        (self.part, self.values) = (name, before);
    }

    /// What follows is written in a notation, until the next.
    pub(super) fn notation(&mut self, notation: Notation) {
        self.notation = notation;
    }

    #[inline]
    pub(super) fn text(&mut self, text: &str) {
        self.out.text(text);
    }

    pub(super) fn leaf(&mut self, shown: Shown<'_>) {
        if let (Notation::Plain, false, None) = (&self.notation, self.shapes_alone, shown.original) {
            // Most are nothing else.
            self.values += 1;
            let Shown { shape, masked, quoted, token, found, .. } = shown;
            let token = token.map(|token| ["", token]);
            return self.out.value(&Value { shape, masked, quoted, token, found, sealed: false });
        }
        let sealed = shown.original.is_some();
        if let Some(raw) = shown.original {
            self.originals.keep(self.part, self.values, raw);
        }
        self.values += 1;
        let masked = if self.shapes_alone { shown.shape.text() } else { None };
        let token = shown.token.filter(|_| !self.shapes_alone);
        // A shape has its own quotes.
        let quoted = shown.quoted && masked.is_none();
        let masked = masked.unwrap_or(shown.masked);
        let token = token.map(|token| [self.notation.token_mark(), token]);
        let value = Value { shape: shown.shape, masked, quoted, token, found: shown.found, sealed };
        match &self.notation {
            Notation::Plain => self.out.value(&value),
            Notation::Xml => self.out.value(&Value { masked: &escaped(masked), ..value }),
            Notation::Marks(marks) | Notation::Joined(marks) => {
                let is_syntax = shown.shape.text().is_some_and(|text| without(marks, text) != text);
                let shape = if is_syntax { Shape::Code } else { shown.shape };
                self.out.value(&Value { shape, masked: without(marks, masked), ..value });
            }
        }
    }

    /// A body that can't be read: why, how large it is, and the digest by which it is known again.
    pub(super) fn unread(&mut self, length: usize, why: &str, digest: Option<&str>) {
        self.leaf(Shown { token: digest, ..leaf(Word::Body, length, &format!("[body: {why}]")) });
    }

    /// All of it, and the originals that are to be sealed.
    pub(super) fn end(self) -> (Vec<u8>, seal::Originals) {
        (self.out.end(), self.originals)
    }
}

impl Notation {
    /// What stands between a kind and its token where the colon would be syntax.
    fn token_mark(&self) -> &'static str {
        match self {
            Self::Joined(marks) => {
                let free = TOKEN_MARKS.into_iter().find(|mark| !mark.bytes().any(|b| marks.contains(&b)));
                free.filter(|mark| *mark != ":").unwrap_or_default()
            }
            _ => "",
        }
    }
}

pub(super) fn leaf(word: Word, length: usize, masked: &str) -> Shown<'_> {
    Shown { shape: Shape::of(word, length), masked, quoted: false, token: None, found: false, original: None }
}

/// A value of which not even the length is told.
pub(super) fn fixed(masked: &str) -> Shown<'_> {
    Shown { shape: Shape::AsMasked, ..leaf(Word::Text, 0, masked) }
}

/// A placeholder where a kept word has a character that the format takes for syntax.
fn without<'t>(syntax: &[u8], text: &'t str) -> &'t str {
    let is_plain = || !text.bytes().any(|b| syntax.contains(&b));
    if text.starts_with('[') || is_plain() { text } else { CODE }
}

/// As XML writes a text, and an attribute in quotes.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| matches!(b, b'&' | b'<' | b'>' | b'"')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The place of a word in a small table of those that came already, whose size is a power of two, by a few of its bytes:
/// whoever chooses them so that all have one place gains that each is asked for anew.
#[inline]
pub(super) fn place_of(word: &str, places: usize) -> usize {
    let byte = |at: usize| word.as_bytes().get(at).map_or(0, |b| u32::from(*b));
    let length = word.len();
    let some = byte(0) | byte(length / 2) << 8 | byte(length.wrapping_sub(1)) << 16;
    ((some ^ (length as u32) << 24).wrapping_mul(0x9E37_79B1) >> (u32::BITS - places.ilog2())) as usize
        % places
}

/// What is shown of a credential, to everybody.
pub(super) const SECRET: &str = "[secret]";
/// What may stand between a kind and its token.
const TOKEN_MARKS: [&str; 4] = [":", "=", ".", "_"];
const SCHEMES: [&str; 4] = ["tel:", "fax:", "sms:", "mailto:"];
