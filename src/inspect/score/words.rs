//! Running text: whole texts that are documents of their own, and free text of leaves. Disguises are undone and what a
//! text carries is set aside (`aside.rs`) before detectors see the rest.

use super::aside::{Source, carried};
use super::bare::is_bare;
use super::known::KeptText;
use super::person::{agree, is_name, is_number, keys};
use super::quiet::{As, Mark};
use super::subject::{Standing, Subject};
use super::{Evidence, Scorer};
use crate::inspect::disguise::Plain;
use crate::inspect::embedded::{self, Packing, Whole};
use crate::inspect::finding::Part;
use crate::inspect::kind::{Kind, Points, Whose};
use crate::inspect::marker::Sign;
use crate::inspect::names::words::{LOWER_BYTES, lower};
use crate::inspect::offsets::Runs;
use crate::inspect::rules::{Mode, RuleSet};
use crate::inspect::walk::json::{JSON_DEPTH_MAX, Tape};
use crate::inspect::walk::{Leaf, PersonId, Reads, Role};
use crate::inspect::{health, names, text, written, xhtml};
use std::borrow::Cow;
use std::ops::Range;

/// A label as it is sent to a printer (ZPL II): each field is a line of its own, where it stands.
fn fields_of_a_label(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with("^XA") {
        return Cow::Borrowed(text);
    }
    // Of the same length, so that every place is what it was.
    Cow::Owned(text.replace("^FD", "\n  ").replace("^FS", "\n  "))
}

/// Counts lines up to places that come in order.
#[derive(Default)]
struct Lines {
    at: usize,
    line: usize,
}

impl Lines {
    /// The line, from 1, of a byte that doesn't lie before the last one asked for.
    fn of(&mut self, text: &str, at: usize) -> usize {
        let new = text.as_bytes().get(self.at..at).unwrap_or_default();
        self.line += memchr::memchr_iter(b'\n', new).count();
        self.at = self.at.max(at);
        self.line + 1
    }
}

impl Scorer<'_> {
    /// Judges a text that is a document of its own: a paragraph is a person, joined where the same full name recurs;
    /// a paragraph that names nobody goes on with the one before.
    pub fn plain_text(&mut self, whole: &str) {
        self.undisguised_text(&fields_of_a_label(whole), &|at| at);
    }

    /// The same without looking for what it carries: it was taken for that before.
    pub fn plain_once(&mut self, whole: &str) {
        self.text_from(whole, &|at| at);
    }

    /// The same of bytes; what isn't UTF-8 is read as Latin-1, in which every byte is a character.
    pub fn plain_bytes(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.plain_text(text),
            Err(_) => {
                let (text, origins) = latin1(bytes);
                self.undisguised_text(&text, &|at| origins.get(at).map_or(bytes.len(), |o| *o as usize));
            }
        }
    }

    /// Judges an HTML page as a text: its tags taken out, its entities undone.
    pub fn markup(&mut self, page: &[u8]) {
        let (page, origins) = match std::str::from_utf8(page) {
            Ok(page) => (Cow::Borrowed(page), None),
            Err(_) => {
                let (page, origins) = latin1(page);
                (Cow::Owned(page), Some(origins))
            }
        };
        let plain = xhtml::plain(&page);
        let raw = |at: usize| match &origins {
            None => at,
            Some(origins) => origins.get(at).or(origins.last()).map_or(at, |o| *o as usize),
        };
        self.undisguised_text(&plain.text, &|at| raw(plain.origin(at)));
    }

    /// Undoes what disguises a text, sets aside what it carries, and judges the rest.
    pub(super) fn undisguised_text(&mut self, whole: &str, origin: &dyn Fn(usize) -> usize) {
        let nowhere = || String::new();
        let source = Source { text: whole, person: PersonId::NOBODY, start: 0, origin, place: &nowhere };
        self.carry_searches(source);
        let plain = Plain::of(whole);
        let from = |at| origin(plain.origin(at));
        // Of what is as it was written the format is known already.
        if !plain.is_as_written() && embedded::whole(plain.text()) == Some(Whole::Document) {
            let origins = (0..=plain.text().len()).map(|at| self.spot(from(at))).collect();
            let (leaf, text) = (carried(PersonId::NOBODY, Reads::Text), plain.text().to_owned());
            return self.carry(
                &leaf,
                text,
                Packing::Plain,
                origin(0)..origin(whole.len()),
                Some(origins),
                &nowhere,
            );
        }
        // XML is none any more where its entities were undone.
        if !plain.is_as_written() && embedded::documents(plain.text()).runs.is_empty() {
            self.carry_documents(source);
        }
        let rest = self.set_aside(Source { text: plain.text(), origin: &from, ..source });
        let text = rest.as_deref().unwrap_or(plain.text());
        if embedded::has_markup(text) {
            let markup = xhtml::plain(text);
            self.text_from(&markup.text, &|at| from(markup.origin(at)));
        } else {
            self.text_from(text, &from);
        }
    }

    /// The same of a leaf's text; a leaf that is a document, or markup, is read as one.
    pub(super) fn undisguised_leaf(
        &mut self,
        leaf: &Leaf<'_>,
        text: &str,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) {
        // Of a code no cue is asked: it is quiet only where no rule matches at all.
        let (how, cue) = if leaf.reads == Reads::Code { (As::Code, "") } else { (As::Text, leaf.cue) };
        let mark = self.quiet.mark(how, text, cue);
        if mark.is_some_and(Mark::is_quiet) {
            return self.tell_hits(leaf, text, Vec::new(), origin, place);
        }
        if is_bare(text) {
            if self.free_text(leaf, text, origin, place) {
                mark.into_iter().for_each(Mark::keep);
            }
            return;
        }
        let plain = Plain::of(text);
        let from = |at| origin(plain.origin(at));
        // What JSON and XML escape they undo themselves; all else is a document only without its disguise.
        let own_escapes = plain.is_as_written() || text.trim_ascii_start().starts_with(['{', '[', '<']);
        let (whole, as_written) = match embedded::whole(text).filter(|_| own_escapes) {
            None if !plain.is_as_written() => (embedded::whole(plain.text()), false),
            whole => (whole, true),
        };
        let read = if as_written { text } else { plain.text() };
        let to = |at| if as_written { origin(at) } else { from(at) };
        match whole {
            // A message as a log writes it begins as a document does, and is one when its segments end.
            // JSON that holds one undoes its own escapes.
            Some(Whole::Document)
                if !written::messages(read).iter().any(|m| m.is_written)
                    || Tape::read(read.as_bytes(), JSON_DEPTH_MAX).is_ok() =>
            {
                let start = leaf.span.start;
                let origins = (0..=read.len()).map(|at| self.spot(start + to(at))).collect();
                self.carry(leaf, read.to_owned(), Packing::Plain, leaf.span.clone(), Some(origins), place);
            }
            Some(Whole::Markup) => {
                let markup = xhtml::plain(read);
                self.look_through(leaf, &Plain::of(&markup.text), &|at| to(markup.origin(at)), place);
            }
            Some(Whole::Document) | None => {
                let searches =
                    leaf.reads != Reads::Code && self.carry_searches(Source::of(leaf, text, origin, place));
                let quiet = self.look_through(leaf, &plain, origin, place);
                if quiet && !searches && plain.is_as_written() {
                    mark.into_iter().for_each(Mark::keep);
                }
            }
        }
    }

    /// Sets aside what a leaf's text carries, and looks through the rest. Gives whether it holds nothing at all.
    fn look_through(
        &mut self,
        leaf: &Leaf<'_>,
        plain: &Plain<'_>,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) -> bool {
        let from = |at| origin(plain.origin(at));
        let rest = self.set_aside(Source::of(leaf, plain.text(), &from, place));
        let text = rest.as_deref().unwrap_or(plain.text());
        if embedded::has_markup(text) {
            let markup = xhtml::plain(text);
            self.free_text(leaf, &markup.text, &|at| from(markup.origin(at)), place);
            return false;
        }
        self.free_text(leaf, text, &from, place) && rest.is_none()
    }

    /// Where a byte of the document that is walked stands in its part.
    pub(super) fn spot(&self, at: usize) -> u32 {
        let at = self.span(at..at).start;
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// A piece of text is a person, joined where the same full name recurs; a paragraph that names nobody goes on with
    /// the one before, and what stands before the first name belongs to it. An entry of a log stands by itself.
    pub(super) fn text_from(&mut self, whole: &str, origin: &dyn Fn(usize) -> usize) {
        let owner = self.inside.as_ref().map(|i| i.person).filter(|o| *o != PersonId::NOBODY);
        let mut known: Vec<(Vec<String>, PersonId)> = Vec::new();
        let mut last = None;
        let mut chats: Vec<(&str, PersonId)> = Vec::new();
        let mut line = Lines::default();
        let (mut only, mut is_one) = (None, true);
        let mut lead: Vec<&str> = Vec::new();
        let pieces = text::pieces(whole);
        let rules = self.rules;
        let scan =
            |piece: &text::Piece| text::scan(whole.get(piece.span.clone()).unwrap_or_default(), "", rules);
        // Who writes to whom in a mail is told by all of it.
        let mail = if whole.len() <= names::MAIL_BYTES_MAX { pieces.as_slice() } else { &[] };
        let mut mail: Vec<Vec<text::Hit>> = mail.iter().map(scan).collect();
        names::leave_writers(whole, &pieces, &mut mail, &rules.words);
        let mut mail = mail.into_iter();
        let mut subject = Subject::default();
        for text::Piece { span, log } in pieces {
            let Some(paragraph) = whole.get(span.clone()) else { continue };
            let mut hits = mail.next().unwrap_or_else(|| text::scan(paragraph, "", rules));
            let signed = !log && names::raise_lone(whole, &span, &mut hits, subject.is_nobody(), self.rules);
            let speaker = log.then(|| speaker(paragraph)).flatten();
            let spoke = || chats.iter().find(|(who, _)| Some(*who) == speaker).map(|(_, person)| *person);
            let before = if log { spoke() } else { last };
            let named = hits
                .iter()
                .filter(|h| h.kind == Kind::FullName && h.points >= self.rules.markers.weights.names_somebody)
                .max_by_key(|h| (h.points, std::cmp::Reverse(h.span.start)));
            let standing = named.map(|named| self.standing(paragraph, named, &hits));
            let name = named.and_then(|h| paragraph.get(h.span.clone())).map(names::folded);
            let person = match (owner, name) {
                (Some(owner), _) => owner,
                (None, Some(name)) => {
                    match known.iter().rev().take(NAMES_COMPARED_MAX).find(|(n, _)| agree(n, &name)) {
                        Some((_, person)) => *person,
                        None => {
                            let first = before.filter(|_| known.is_empty());
                            let person = first.unwrap_or_else(|| self.new_person(Role::Patient, true));
                            known.push((name, person));
                            person
                        }
                    }
                }
                (None, None) if hits.is_empty() => before.unwrap_or(PersonId::NOBODY),
                (None, None) => before.unwrap_or_else(|| self.new_person(Role::Patient, true)),
            };
            if person != PersonId::NOBODY {
                is_one &= !log && *only.get_or_insert(person) == person;
                last = (!log).then_some(person);
                if let Some(speaker) = speaker {
                    chats.retain(|(who, _)| *who != speaker);
                    chats.push((speaker, person));
                }
                if let Some(standing) = standing.filter(|_| !log) {
                    subject.named(person, standing);
                }
                let told_of = [Some(person), subject.told_of(person, standing).filter(|_| !log)];
                let told_of = || told_of.into_iter().flatten();
                // Of whom it is known already nothing more is asked: of most paragraphs of a long note.
                if !told_of().all(|person| self.is_clinical(person))
                    && health::tells(paragraph, &hits, self.rules)
                {
                    told_of().for_each(|person| self.mark_clinical(person));
                }
                if signed {
                    self.mark_clinical(person);
                }
            } else if !log && lead.len() < LEAD_MAX {
                lead.push(paragraph);
            }
            for hit in hits {
                let value = paragraph.get(hit.span.clone()).unwrap_or_default();
                let at = span.start + hit.span.start..span.start + hit.span.end;
                let place = format!("line {}", line.of(whole, at.start));
                self.hit(&hit, value, origin(at.start)..origin(at.end), person, owner.is_some(), place);
            }
        }
        // `My asthma is worse`, and the name below: it is said of the only person who is named.
        let tells = |p: &&str| speaks_of_somebody(p, self.rules) && text::clinical_words(p, self.rules) >= 2;
        if let Some(person) = only.filter(|_| is_one)
            && lead.iter().any(tells)
        {
            self.mark_clinical(person);
        }
    }

    /// What a paragraph makes of whom it names: any of its hits may say that it is of a patient.
    fn standing(&self, paragraph: &str, named: &text::Hit, hits: &[text::Hit]) -> Standing {
        if hits.iter().any(|hit| health::is_patients(paragraph, hit, self.rules)) {
            Standing::Patient
        } else if named.points > self.rules.markers.weights.names_somebody {
            Standing::Introduced
        } else {
            Standing::Named
        }
    }

    /// Looks through the free text of a leaf. Gives whether nothing was found in it, and nothing ever is, whoever's it is.
    pub(super) fn free_text(
        &mut self,
        leaf: &Leaf<'_>,
        text: &str,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) -> bool {
        if leaf.person == PersonId::NOBODY && leaf.reads == Reads::Public {
            self.publics(leaf, text, origin, place);
            return false;
        }
        if leaf.reads == Reads::Code && self.is_quiet_code(text) {
            return true;
        }
        let mut hits = self.scanned(text, leaf.cue);
        // Displays of codes are full of eponyms and places that are nobody's.
        if leaf.reads == Reads::Code {
            hits.retain(|h| text::tells_in_code(h.kind));
        }
        let quiet = hits.is_empty() && leaf.reads != Reads::Code;
        self.tell_hits(leaf, text, hits, origin, place);
        quiet
    }

    /// A text of nobody's. What a provider or a place says of itself is public: nothing is found there, not for the patient
    /// who a carrier belongs to, either. But whoever keeps a log or hands over writes of others: a text that tells of an
    /// individual is his, whatever it lies in.
    pub(super) fn publics(
        &mut self,
        leaf: &Leaf<'_>,
        text: &str,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) {
        if text.split_ascii_whitespace().nth(SAYS_WORDS_MIN - 1).is_none() {
            return;
        }
        let hits = self.scanned(text, "");
        let is_narrative = leaf.value.starts_with("<div") && leaf.value.contains(XHTML);
        if !tells_of_an_individual(text, &hits, is_narrative, self.rules) {
            return;
        }
        let own = Leaf { reads: Reads::Text, ..leaf.clone() };
        self.tell_hits(&own, text, hits, origin, place);
    }

    /// What the rules find in a text; of a short one it is known when it comes again.
    fn scanned(&mut self, text: &str, cue: &str) -> Vec<text::Hit> {
        #[cfg(test)]
        if super::quiet::FORGETS.get() {
            return text::scan(text, cue, self.rules);
        }
        if let Some(hits) = self.heard.find(text, cue) {
            return hits;
        }
        let hits = text::scan(text, cue, self.rules);
        self.heard.learn(text, cue, &hits);
        hits
    }

    /// Whether no rule that tells something in a code matches, so that it need not be looked through by all.
    fn is_quiet_code(&self, text: &str) -> bool {
        #[cfg(test)]
        if super::quiet::FORGETS.get() {
            return false;
        }
        !text::may_tell(text, self.rules)
    }

    /// Tells what was found in a leaf's text, and keeps the text.
    fn tell_hits(
        &mut self,
        leaf: &Leaf<'_>,
        text: &str,
        hits: Vec<text::Hit>,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) {
        let structured = self.part == Part::Body || self.inside.is_some();
        let keep = structured && matches!(leaf.reads, Reads::Text | Reads::Xhtml) && self.keeps(text);
        if hits.is_empty() && !keep {
            return;
        }
        let person = match self.global(leaf.person) {
            PersonId::NOBODY if hits.is_empty() => return,
            PersonId::NOBODY => self.nobody_known(),
            person => person,
        };
        let mut kept_hits = Vec::new();
        for hit in hits {
            let span = leaf.span.start + origin(hit.span.start)..leaf.span.start + origin(hit.span.end);
            let value = text.get(hit.span.clone()).unwrap_or_default().to_owned();
            if keep {
                kept_hits.push((self.evidence.len(), hit.span.clone()));
            }
            self.hit(&hit, &value, span, person, structured, place());
            // A number or a name that is all that a key has is the key's value, whether a table has the key or not.
            let kind =
                is_number(hit.kind) || (hit.kind == Kind::FullName && leaf.cue.eq_ignore_ascii_case("name"));
            if let Some(evidence) = self.evidence.last_mut() {
                evidence.whole = kind && leaf.reads == Reads::Text && text.trim().len() == hit.span.len();
            }
        }
        if keep {
            let same =
                self.inside.is_none() && leaf.span.len() == text.len() && origin(text.len()) == text.len();
            let spot = |at| self.spot(leaf.span.start + origin(at)) as usize;
            let map = (!same).then(|| Runs::sampled(text, &spot));
            self.kept_bytes += text.len();
            if self.texts.is_empty() {
                // Growing step by step costs as much as a good part of them.
                let bytes = usize::try_from(self.scanned).unwrap_or(usize::MAX);
                self.texts.reserve((bytes / KEPT_TEXT_BYTES).min(KEPT_TEXTS_FIRST));
            }
            self.texts.push(KeptText {
                person,
                text: text.to_owned(),
                map,
                start: leaf.span.start,
                place: self.place(place()),
                part: self.part,
                has_place: self.inside.as_ref().is_none_or(|inside| inside.as_is || inside.origins.is_some()),
                hits: kept_hits,
            });
        }
    }

    pub(super) fn hit(
        &mut self,
        hit: &text::Hit,
        value: &str,
        span: Range<usize>,
        person: PersonId,
        free: bool,
        place: String,
    ) {
        let mut judged = self.rules.markers.judge(hit.kind, value, hit.points, self.this_year);
        let tells = hit.labelled && is_asked(hit);
        // A text has seldom a second number to agree with: one that spells out what it is stands by itself.
        if judged.sign == Sign::Habit && tells && is_number(hit.kind) && self.rules.markers.spells_test(value)
        {
            judged.sign = Sign::Sure;
        }
        // A name that nobody has, a generator's with digits, tells of nobody where it stands alone in a text.
        if is_name(hit.kind) && judged.sign == Sign::Sure {
            judged.points = Points(0);
        }
        let (span, place) = (self.span(span), self.place(place));
        let (person, whose) = match hit.kind {
            Kind::Provider => (PersonId::NOBODY, Whose::Provider),
            _ => (person, Whose::Any),
        };
        let finding = self.finding(hit.rule.clone(), hit.kind, whose, span, place);
        self.evidence.push(Evidence {
            person,
            kind: hit.kind,
            full: hit.points,
            judged,
            free_text: free,
            whole: false,
            known: false,
            shadow: self.rules.modes.of(&hit.rule) == Mode::Shadow,
            suppressed: false,
            tells,
            refers: false,
            record: self.record,
            keys: keys(hit.kind, value),
            finding,
        });
    }
}

/// Whether a text in which the rules find `hits` tells of an individual by what no provider says of himself. The narrative of
/// a provider's own record has his birth date.
fn tells_of_an_individual(text: &str, hits: &[text::Hit], is_narrative: bool, rules: &RuleSet) -> bool {
    hits.iter().any(|hit| match hit.kind {
        Kind::BirthDate if is_narrative => false,
        Kind::FamilyName => false,
        Kind::FullName => {
            names::is_patient(text, &hit.span, &rules.words) && health::is_patients(text, hit, rules)
        }
        _ => health::is_patients(text, hit, rules),
    })
}

/// Whether a text speaks of one individual, or somebody of himself.
fn speaks_of_somebody(text: &str, rules: &RuleSet) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '’'))).any(|word| {
        let mut buffer = [0; LOWER_BYTES];
        let word = lower(word, &mut buffer);
        (&*word != "old" && rules.words.is_individual(&word))
            || matches!(&*word, "my" | "i'm" | "i’m" | "i've" | "i’ve")
    })
}

/// Who speaks in an entry of a chat with a time stamp: whoever asks, not who answers. All that one says in a chat is of one.
fn speaker(entry: &str) -> Option<&str> {
    let head = names::window_after(entry, 0, SPEAKER_BYTES);
    let mut from = 0;
    let mut words = head.split_inclusive(|c: char| !c.is_alphanumeric());
    words.find_map(|word| {
        let who = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        from += word.len();
        let behind = head.get(from - (word.len() - who.len())..)?;
        let behind = behind.strip_prefix(" said").unwrap_or(behind);
        (SPEAKERS.contains(&who) && behind.starts_with([':', '>'])).then_some(who)
    })
}

/// Bytes as Latin-1, and where each byte of the text stands, and one behind the last.
pub(in crate::inspect) fn latin1(bytes: &[u8]) -> (String, Vec<u32>) {
    let (mut text, mut origins) = (String::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() + 1));
    for (at, byte) in bytes.iter().enumerate() {
        text.push(char::from(*byte));
        origins.resize(text.len(), u32::try_from(at).unwrap_or(u32::MAX));
    }
    origins.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    (text, origins)
}

/// Whether a dummy says something of who is spoken of: a specimen's, a device's or a payment card's is somebody else's, and
/// is tried out beside real people.
fn is_asked(hit: &text::Hit) -> bool {
    !matches!(hit.kind, Kind::OtherId | Kind::Device) && &*hit.rule != "text.card"
}

/// What chats call whoever asks.
const SPEAKERS: &[&str] =
    &["user", "User", "visitor", "Visitor", "caller", "Caller", "customer", "Customer", "guest", "Guest"];
/// How far from its start the speaker of an entry is looked for.
const SPEAKER_BYTES: usize = 56;
/// A name, an address line or a code of nobody's has fewer words than a text that tells of somebody.
const SAYS_WORDS_MIN: usize = 4;
/// What narratives of FHIR declare.
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Paragraphs before the first name that are looked at for what is told of who is named: letters are short.
const LEAD_MAX: usize = 32;
/// So many bytes of a document have one text that is kept, or more.
const KEPT_TEXT_BYTES: usize = 256;
/// So many of them there is room for at once.
const KEPT_TEXTS_FIRST: usize = 256;
/// Names, latest first, that a paragraph's is compared with.
const NAMES_COMPARED_MAX: usize = 256;
