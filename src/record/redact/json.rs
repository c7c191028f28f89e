//! JSON by its own syntax.

use super::asked::{
    Question, is_age_word, is_doubtful, is_in_years, is_over_89, is_over_89_of_any, per_year,
};
use super::credential::{STRANGE, is_credential, is_named, look_of, may_hold_more};
use super::leaf::{Pieces, Redactor, SECRET, Shown, fixed, leaf, place_of};
use super::operators::AGE_OVER;
use crate::inspect::walk::json::{NodeId, NodeKind, Tape};
use crate::inspect::walk::{dicom, fhir};
use crate::record::packed::Word;
use std::borrow::Cow;
use std::ops::Range;

/// Which keys a notation has, where its walker doesn't come by each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// All that it doesn't tell as unknown: it goes from node to node.
    AsTold,
    /// Tags and members.
    Dicom,
    /// Of a patch, which is arranged before it is walked: elements of FHIR, and keys of the tables for any object.
    Patch,
}

/// What a key of a document says, wherever it stands.
#[derive(Clone, Copy)]
struct Says {
    /// Whether it names a credential.
    credential: bool,
    /// Whether it has that name and another use.
    may_hold_more: bool,
    /// Whether it is a word of ours, whoever doesn't know it.
    known: bool,
    /// Whether it may stay where the walker knew it.
    stays: bool,
}

/// Keys that came already: most come again and again. One in the place of another is asked anew when it comes again.
struct KnownKeys<'k>([Option<(&'k str, Says)>; PLACES]);

impl Default for KnownKeys<'_> {
    fn default() -> Self {
        Self([None; PLACES])
    }
}

impl<'k> KnownKeys<'k> {
    fn get(&mut self, key: &'k str, ask: impl FnOnce() -> Says) -> Says {
        match &mut self.0[place_of(key, PLACES)] {
            Some((known, says)) if *known == key => *says,
            place => {
                let says = ask();
                *place = Some((key, says));
                says
            }
        }
    }
}

impl Redactor<'_> {
    /// JSON by its own syntax: keys that the walker knew and that are `words` of the notation, punctuation, words and nothing
    /// else stay.
    pub(super) fn json(&self, tape: &Tape<'_>, doc: &[u8], words: Words, out: &mut Pieces) {
        let doc = std::str::from_utf8(doc).unwrap_or_default(); // it is: a tape was read of it
        let text = |span: Range<usize>| doc.get(span).unwrap_or_default();
        let mut known = KnownKeys::default();
        // All before this node stands under a credential's key.
        let mut secret = NodeId::ROOT;
        // Up to where it is written: what lies between keys and values is punctuation, blanks, `true`, `false` and `null`. Keys that
        // stay are written with it.
        let mut at = if doc.starts_with('\u{FEFF}') { 3 } else { 0 };
        for id in tape.nodes() {
            if let Some(span) = tape.key_span(id) {
                let key = text(span.clone());
                let says = known.get(key, || self.says(key, &tape.key(id).unwrap_or_default(), words));
                if says.credential && !(says.may_hold_more && holds_more(tape, id)) {
                    secret = secret.max(tape.after(id));
                }
                let is_unknown =
                    || !self.unknown_keys.is_empty() && self.unknown_keys.contains_key(&span.start);
                if !says.stays || !says.known && is_unknown() {
                    out.text(text(at..span.start));
                    at = span.end;
                    out.leaf(leaf(Word::Key, span.len(), "*"));
                }
            }
            let span = tape.span(id);
            let leaf = match tape.kind(id) {
                NodeKind::String if span.is_empty() => continue,
                NodeKind::String if id < secret => fixed(SECRET),
                NodeKind::Number | NodeKind::Bool if id < secret => Shown { quoted: true, ..fixed(SECRET) },
                NodeKind::String => self.shown(span.clone(), Word::String),
                NodeKind::Number => self.number(tape, id),
                NodeKind::Object | NodeKind::Array | NodeKind::Bool | NodeKind::Null => continue,
            };
            out.text(text(at..span.start));
            out.leaf(leaf);
            at = span.end;
        }
        out.text(text(at..doc.len()));
    }

    /// What a key says, as it is written and as it reads.
    fn says(&self, key: &str, name: &str, words: Words) -> Says {
        let look = look_of(name);
        let credential = is_named(name, look);
        // To the letter: what is read out of it is no word of ours.
        let known = credential && is_credential(key) || is_of_envelope(key);
        let is_word = || match words {
            Words::AsTold => true,
            Words::Dicom => dicom::is_key(name),
            Words::Patch => fhir::is_patch_key(name, &self.rules.fhir, &self.rules.objects),
        };
        Says {
            credential,
            may_hold_more: credential && may_hold_more(name),
            known,
            // Of any other nobody looked at all of it. What was escaped in the key isn't as it reads.
            stays: known || look & STRANGE == 0 && key == name && is_word(),
        }
    }

    /// A masked number is written as a string, so that the document stays JSON.
    fn number(&self, tape: &Tape<'_>, id: NodeId) -> Shown<'_> {
        let shown = self.shown(tape.span(id), Word::QuotedNumber);
        let masked = shown.masked;
        let stays = masked.parse::<f64>().is_ok();
        let instead = if stays && is_doubtful(masked) { asked_for(tape, id) } else { None };
        // `036`, three digits of a ZIP code, is no number of JSON.
        let is_padded =
            masked.len() > 1 && masked.bytes().all(|b| b.is_ascii_digit()) && masked.starts_with('0');
        let is_number = stays && instead.is_none() && !is_padded;
        Shown {
            masked: instead.unwrap_or(masked),
            quoted: !is_number,
            token: shown.token.filter(|_| is_number),
            ..shown
        }
    }
}

/// What stands for a number that an observation asks for, or that is of years: an age over 89, a number of somebody's.
fn asked_for(tape: &Tape<'_>, id: NodeId) -> Option<&'static str> {
    let value = tape.value(id);
    let (mut at, mut unit) = (id, None);
    for _ in 0..LEVELS {
        at = tape.parent(at)?;
        let word = |key: &str| said(tape, at, key);
        for written in ["code", "unit"].iter().filter_map(|key| word(key)) {
            if is_in_years(&written) && is_over_89(&value) {
                return Some(AGE_OVER);
            }
            unit = unit.or_else(|| per_year(&written));
        }
        if tape.key(at).is_some_and(|key| is_age_word(&key)) {
            return is_over_89_of_any(&value, unit).then_some(AGE_OVER);
        }
        if let Some(code) = tape.get(at, "code").filter(|code| tape.kind(*code) == NodeKind::Object) {
            let codings = tape.get(code, "coding").into_iter().flat_map(|list| tape.children(list));
            let codes = codings.take(CODINGS).chain([code]);
            let words: Vec<_> = codes
                .flat_map(|at| ["text", "display", "code"].map(|key| said(tape, at, key)))
                .flatten()
                .collect();
            return Question::of(words.iter().map(|word| &**word)).instead(&value, unit);
        }
        // The question of an answer, the url of an extension, the name of a parameter; a resource's own are none.
        if tape.get(at, "resourceType").is_none() {
            let words = ["text", "url", "name"].map(word);
            let found = Question::of(words.iter().flatten().map(|word| &**word)).instead(&value, unit);
            if found.is_some() {
                return found;
            }
        }
    }
    None
}

/// The beginning of a member's text: it is looked at for each number that stands below.
fn said<'d>(tape: &Tape<'d>, at: NodeId, key: &str) -> Option<Cow<'d, str>> {
    let text = tape.get(at, key).filter(|node| tape.kind(*node) == NodeKind::String)?;
    Some(tape.value_head(text))
}

/// Whether it is an object, or a list that begins with one.
fn holds_more(tape: &Tape<'_>, id: NodeId) -> bool {
    let is_object = |id| tape.kind(id) == NodeKind::Object;
    is_object(id) || tape.kind(id) == NodeKind::Array && tape.children(id).next().is_some_and(is_object)
}

/// Whether by this a Redox message is known to be one.
fn is_of_envelope(key: &str) -> bool {
    matches!(key, "Meta" | "DataModel" | "EventType")
}

/// Keys of a document that are known again.
const PLACES: usize = 64;
/// From a value to what asks for it: its quantity, a range's end, the observation or its component.
const LEVELS: usize = 4;
/// Codings of a question that are looked at.
const CODINGS: usize = 16;
