//! What the walkers say of each leaf's bytes, and what may be stored of them.

use super::credential;
use super::spots::Spots;
use crate::inspect::hash::Map;
use crate::inspect::url::Tables;
use crate::inspect::walk::{Declared, Leaf, PersonId, Reads, Role, Sink};
use crate::inspect::{RuleSet, decode::Budget, text};
use crate::payload::PayloadText;
use crate::record::{Draft, Piece, View};
use crate::secrets::TokenKeys;
use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// What the walker said of the bytes of one leaf.
pub(super) struct Said {
    pub(super) end: usize,
    pub(super) masked: Cow<'static, str>,
    pub(super) token: Option<String>,
    pub(super) bare: bool,
    pub(super) found: bool,
}

/// A sink that keeps, for each leaf's bytes, what may be stored of it.
pub(super) struct Redactor<'d> {
    pub(super) rules: &'d RuleSet,
    pub(super) keys: &'d TokenKeys,
    pub(super) environment: &'d str,
    pub(super) linked: bool,
    pub(super) budget: Budget,
    /// Whether originals are kept for a seal, and then the document that spans are of.
    seals: bool,
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
    pub(super) fn piece(&self, span: Range<usize>, shape: &str) -> Piece {
        let length = span.len();
        let piece = match self.said.get(span.start).filter(|said| said.end == span.end) {
            Some(said) => said.piece(shape, length),
            None => leaf(shape, length, "[text]", None, self.is_found_around(&span)),
        };
        self.kept(piece, self.document.get(span).unwrap_or_default())
    }

    /// A piece with its original, where that is sealed: what isn't stored of a value as it was sent. Secrets are nobody's, nor
    /// is a text that one stands in.
    pub(super) fn kept(&self, mut piece: Piece, raw: &[u8]) -> Piece {
        if self.seals
            && let Piece::Leaf { masked, original, .. } = &mut piece
            && &**masked != SECRET
            && masked.as_bytes() != raw
            && !raw.is_empty()
            && !credential::stands_in(raw)
        {
            *original = Some(PayloadText::from(String::from_utf8_lossy(raw).into_owned()));
        }
        piece
    }

    /// The same of bytes whose parts may have been told apart; what stands between them stays where it is syntax.
    pub(super) fn pieces(&self, doc: &[u8], span: Range<usize>, out: &mut Pieces) {
        let exact = self.said.get(span.start).is_some_and(|said| said.end == span.end);
        let inside: Vec<(usize, &Said)> = match exact {
            true => Vec::new(),
            false => self.said.within(span.clone()).collect(),
        };
        if inside.is_empty() || inside.iter().any(|(_, said)| said.end > span.end) {
            return out.leaf(self.piece(span, "text"));
        }
        let mut from = span.start;
        for (at, said) in inside {
            if at < from {
                continue;
            }
            self.between(doc, from..at, out);
            out.leaf(self.kept(said.piece("text", said.end - at), doc.get(at..said.end).unwrap_or_default()));
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
            None => out.leaf(self.kept(leaf("text", raw.len(), "[text]", None, false), raw)),
        }
    }

    /// Whether something was found in a leaf that these bytes are a part of.
    fn is_found_around(&self, span: &Range<usize>) -> bool {
        self.said.before(span.start).is_some_and(|said| said.end >= span.end && said.found)
    }
}

impl Said {
    fn piece(&self, shape: &str, length: usize) -> Piece {
        match self.bare {
            true => fixed(self.masked.clone(), self.found),
            false => leaf(shape, length, self.masked.clone(), self.token.clone(), self.found),
        }
    }
}

impl Sink for Redactor<'_> {
    fn person(&mut self, _: PersonId, _: Role) {}

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        let found = match (leaf.field, leaf.reads) {
            (_, Reads::Text | Reads::Xhtml | Reads::Query) => {
                text::scan(&leaf.value, leaf.cue, self.rules).iter().any(|hit| hit.points.0 > 0)
            }
            (Some(field), _) => field.points.0 > 0,
            (None, _) => false,
        };
        let stays = self.stays(leaf, place);
        let said =
            Said { end: leaf.span.end, masked: stays.masked, token: stays.token, bare: stays.bare, found };
        // Of two words about the same bytes the more careful one stays.
        let careful = |before: &Said| before.end == said.end && before.masked.starts_with('[') && !said.bare;
        if !self.said.get(leaf.span.start).is_some_and(careful) {
            self.said.insert(leaf.span.start, said);
        }
    }

    fn clinical(&mut self, _: PersonId) {}
    fn declared(&mut self, _: Declared, _: &dyn Fn() -> String) {}

    fn unknown_key(&mut self, key: &str, span: Range<usize>, _: PersonId, _: &dyn Fn() -> String) {
        self.unknown_keys.insert(span.start, span.end);
        self.unknown_names.insert(key.rsplit(':').next().unwrap_or(key).to_owned());
    }
}

/// Joins texts that follow each other.
#[derive(Default)]
pub(super) struct Pieces {
    list: Vec<Piece>,
    /// The text since the last leaf: one buffer for all of them.
    text: String,
}

impl Pieces {
    /// For about so many leaves.
    pub(super) fn of(leaves: usize) -> Self {
        Self { list: Vec::with_capacity(2 * leaves), text: String::new() }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn leaf(&mut self, leaf: Piece) {
        self.flush();
        self.list.push(leaf);
    }

    /// All of them.
    pub(super) fn end(mut self) -> Vec<Piece> {
        self.flush();
        self.list
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.list.push(Piece::Text(self.text.as_str().to_owned()));
            self.text.clear();
        }
    }

    pub(super) fn all(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.text(&text),
                piece => self.leaf(piece),
            }
        }
    }

    /// Has tokens stand behind their kind with a mark that the format doesn't take for syntax.
    pub(super) fn joined(mut self, syntax: &[u8]) -> Self {
        self.flush();
        let mark = TOKEN_MARKS.into_iter().find(|mark| !syntax.contains(mark)).unwrap_or(b':');
        if mark != b':' {
            for piece in &mut self.list {
                if let Piece::Leaf { token: Some(token), .. } = piece {
                    token.insert(0, char::from(mark));
                }
            }
        }
        self
    }

    /// Has values written as the format wants them: what a placeholder or a kept word holds is no syntax.
    pub(super) fn written(mut self, write: impl Fn(&str) -> String) -> Self {
        self.flush();
        for piece in &mut self.list {
            if let Piece::Leaf { shape, masked, .. } = piece {
                *shape = write(shape).into();
                *masked = write(masked).into();
            }
        }
        self
    }
}

pub(super) fn leaf(
    shape: &str,
    length: usize,
    masked: impl Into<Cow<'static, str>>,
    token: Option<String>,
    found: bool,
) -> Piece {
    Piece::Leaf {
        shape: shape_of(shape, length),
        masked: masked.into(),
        token,
        found,
        sealed: false,
        original: None,
    }
}

/// A value of which not even the length is told.
pub(super) fn fixed(masked: impl Into<Cow<'static, str>>, found: bool) -> Piece {
    let masked = masked.into();
    Piece::Leaf { shape: masked.clone(), masked, token: None, found, sealed: false, original: None }
}

/// A body that can't be read: why, and how large it is.
pub(super) fn unread(length: usize, why: &str) -> Vec<Piece> {
    vec![leaf("body", length, format!("[body: {why}]"), None, false)]
}

/// A placeholder where a kept word has a character that the format takes for syntax.
pub(super) fn without(syntax: &[u8]) -> impl Fn(&str) -> String + '_ {
    |text| match text.starts_with('[') || !text.bytes().any(|b| syntax.contains(&b)) {
        true => text.to_owned(),
        false => "[code]".to_owned(),
    }
}

/// `text:9-16`: powers of two, so that a length says little. Written once: every leaf has one.
fn shape_of(shape: &str, length: usize) -> Cow<'static, str> {
    static SHAPES: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| {
        let classes = |shape: &&str| {
            (0..SHAPE_CLASSES).map(|class| format!("{shape}:{}", length_class(class))).collect()
        };
        COMMON_SHAPES.iter().map(classes).collect()
    });
    let class = length.max(1).next_power_of_two().trailing_zeros();
    let known = COMMON_SHAPES.iter().position(|common| *common == shape).and_then(|n| SHAPES.get(n));
    match known.and_then(|classes| classes.get(class as usize)) {
        Some(text) => Cow::Borrowed(text.as_str()),
        None => Cow::Owned(format!("{shape}:{}", length_class(class))),
    }
}

/// The lengths that have the same power of two above them.
fn length_class(class: u32) -> String {
    let high = 1_usize << class;
    if high <= 2 { high.to_string() } else { format!("{}-{high}", high / 2 + 1) }
}

const COMMON_SHAPES: [&str; 3] = ["string", "text", "number"];
/// Up to a mebibyte.
const SHAPE_CLASSES: u32 = 21;
/// What is shown of a credential, to everybody.
pub(super) const SECRET: &str = "[secret]";
/// What may stand between a kind and its token.
const TOKEN_MARKS: [u8; 4] = [b':', b'=', b'.', b'_'];
const SCHEMES: [&str; 4] = ["tel:", "fax:", "sms:", "mailto:"];
