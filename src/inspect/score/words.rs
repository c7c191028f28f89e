//! Running text: whole texts that are documents of their own, and free text of leaves. Disguises are undone and what a
//! text carries is set aside before detectors see the rest.

use super::known::KeptText;
use super::person::{agree, is_name, is_number, keys};
use super::quiet::As;
use super::{Carrier, Evidence, Scorer, leads_to_nobody};
use crate::inspect::disguise::Plain;
use crate::inspect::embedded::{self, Packing, Whole};
use crate::inspect::finding::Part;
use crate::inspect::kind::{Kind, Points, Whose};
use crate::inspect::marker::{Markers, Sign};
use crate::inspect::offsets::Runs;
use crate::inspect::rules::Mode;
use crate::inspect::walk::fhir;
use crate::inspect::walk::json::{JSON_DEPTH_MAX, Tape};
use crate::inspect::walk::{Leaf, PersonId, Reads, Role};
use crate::inspect::{QUERY_TYPE, names, text, url, wrapped, written, xhtml};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

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
        self.undisguised_text(whole, &|at| at);
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
        self.carry_searches(whole, PersonId::NOBODY, 0, origin, &|| String::new());
        let plain = Plain::of(whole);
        let from = |at| origin(plain.origin(at));
        let nowhere = || String::new();
        // Of what is as it was written the format is known already.
        if !plain.is_as_written() && embedded::whole(plain.text()) == Some(Whole::Document) {
            let origins = (0..=plain.text().len()).map(|at| self.spot(from(at))).collect();
            let (leaf, text) = (carried(PersonId::NOBODY), plain.text().to_owned());
            return self.carry(
                &leaf,
                text,
                Packing::Plain,
                origin(0)..origin(whole.len()),
                Some(origins),
                &nowhere,
            );
        }
        let rest = self.set_aside(plain.text(), PersonId::NOBODY, 0, &from, &nowhere);
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
        if self.quiet.knows(how, text, cue) {
            return self.tell_hits(leaf, text, Vec::new(), origin, place);
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
            Some(Whole::Document) if !written::messages(read).iter().any(|m| m.is_written) => {
                let start = leaf.span.start;
                let origins = (0..=read.len()).map(|at| self.spot(start + to(at))).collect();
                self.carry(leaf, read.to_owned(), Packing::Plain, leaf.span.clone(), Some(origins), place);
            }
            Some(Whole::Markup) => {
                let markup = xhtml::plain(read);
                self.look_through(leaf, &Plain::of(&markup.text), &|at| to(markup.origin(at)), place);
            }
            Some(Whole::Document) | None => {
                let searches = leaf.reads != Reads::Code
                    && self.carry_searches(text, leaf.person, leaf.span.start, origin, place);
                let quiet = self.look_through(leaf, &plain, origin, place);
                if quiet && !searches && plain.is_as_written() {
                    self.quiet.learn(how, text, cue);
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
        let rest = self.set_aside(plain.text(), leaf.person, leaf.span.start, &from, place);
        let text = rest.as_deref().unwrap_or(plain.text());
        if embedded::has_markup(text) {
            let markup = xhtml::plain(text);
            self.free_text(leaf, &markup.text, &|at| from(markup.origin(at)), place);
            return false;
        }
        self.free_text(leaf, text, &from, place) && rest.is_none()
    }

    /// Makes carriers of a text's base64, and gives the text with blanks for it: encoded text has any shape at random.
    pub(super) fn set_aside(
        &mut self,
        text: &str,
        person: PersonId,
        start: usize,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) -> Option<String> {
        let mut told = self.carry_objects(text, person, start, origin, place)
            | self.carry_messages(text, person, start, origin, place);
        for run in embedded::document_runs(text) {
            told = true;
            self.carry_piece(text, run, person, start, origin, place);
        }
        let base64 = embedded::base64_runs(text).into_iter().map(|run| (run, Packing::Base64));
        let hex = embedded::hex_runs(text).into_iter().map(|run| (run, Packing::Hex));
        let runs: Vec<_> = base64.chain(hex).collect();
        if runs.is_empty() {
            // What was carried is looked through where it stands, too: who is named beside it may be whose it is.
            return told.then(|| text.to_owned());
        }
        let mut rest = text.to_owned();
        for (run, packing) in runs {
            let span = start + origin(run.start)..start + origin(run.end);
            let packed = text.get(run.clone()).unwrap_or_default().to_owned();
            self.carry(&carried(person), packed, packing, span, None, place);
            rest.replace_range(run.clone(), &" ".repeat(run.len()));
        }
        Some(rest)
    }

    /// Makes carriers of the JSON in a text whose keys tell of an individual, as it is or in a string of a program, or in
    /// a string of that. Gives whether there was such.
    fn carry_objects(
        &mut self,
        text: &str,
        person: PersonId,
        start: usize,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) -> bool {
        if self.carry_json(text, person, start, origin, place) {
            return true;
        }
        let Some(one) = Plain::unquoted(text) else { return false };
        if self.carry_json(one.text(), person, start, &|at| origin(one.origin(at)), place) {
            return true;
        }
        Plain::unquoted(one.text()).is_some_and(|two| {
            self.carry_json(two.text(), person, start, &|at| origin(one.origin(two.origin(at))), place)
        })
    }

    fn carry_json(
        &mut self,
        text: &str,
        person: PersonId,
        start: usize,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) -> bool {
        let mut found = false;
        for run in embedded::json_runs(text) {
            if self.tells_of_somebody(text.get(run.clone()).unwrap_or_default()) {
                found = true;
                self.carry_piece(text, run, person, start, origin, place);
            }
        }
        found
    }

    /// Makes carriers of the HL7v2 in a text. Gives whether there was such.
    fn carry_messages(
        &mut self,
        text: &str,
        person: PersonId,
        start: usize,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) -> bool {
        let messages = written::messages(text);
        let found = !messages.is_empty();
        for message in messages {
            let span = start + origin(message.span.start)..start + origin(message.span.end);
            let origins = message.origins.iter().map(|at| self.spot(start + origin(*at))).collect();
            self.carry(&carried(person), message.text, Packing::Plain, span, Some(origins), place);
        }
        found
    }

    /// Makes carriers of the searches in a text whose parameters tell of an individual. Gives whether there was such.
    fn carry_searches(
        &mut self,
        text: &str,
        person: PersonId,
        start: usize,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) -> bool {
        let mut found = false;
        for search in written::searches(text) {
            let target = text.get(search.span.clone()).unwrap_or_default();
            if !self.searches_for_somebody(target) {
                continue;
            }
            found = true;
            let span = start + origin(search.span.start)..start + origin(search.span.end);
            let origins =
                (search.span.start..=search.span.end).map(|at| self.spot(start + origin(at))).collect();
            let leaf = Leaf { reads: Reads::Base64(QUERY_TYPE), ..carried(person) };
            self.carry(&leaf, target.to_owned(), Packing::Plain, span, Some(origins), place);
        }
        found
    }

    /// Whether a search is for patients, or a parameter names what only an individual has: more than a name, which
    /// anything may have.
    fn searches_for_somebody(&self, target: &str) -> bool {
        let Some((path, query)) = target.split_once('?') else { return false };
        let names =
            || query.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, _)| url::last_name(name));
        !leads_to_nobody(target)
            && (path == "Patient"
                || names().any(|name| name != "name" && self.rules.objects.is_an_individuals(name)))
    }

    /// Makes a carrier of a document that stands in a text as it is.
    fn carry_piece(
        &mut self,
        text: &str,
        run: Range<usize>,
        person: PersonId,
        start: usize,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) {
        let piece = text.get(run.clone()).unwrap_or_default().to_owned();
        let span = start + origin(run.start)..start + origin(run.end);
        let origins = (run.start..=run.end).map(|at| self.spot(start + origin(at))).collect();
        self.carry(&carried(person), piece, Packing::Plain, span, Some(origins), place);
    }

    /// Whether JSON is a resource of FHIR, has two keys and more that name what only an individual has, or holds JSON in
    /// a string.
    fn tells_of_somebody(&self, object: &str) -> bool {
        let Ok(tape) = Tape::read(object.as_bytes(), JSON_DEPTH_MAX) else { return false };
        let keys = || tape.nodes().filter_map(|node| tape.key(node));
        fhir::recognise(&tape)
            || wrapped::holds_any(&tape, self.rules)
            || keys().filter(|key| self.rules.objects.is_an_individuals(key)).nth(1).is_some()
            || memchr::memmem::find(object.as_bytes(), b"{\\").is_some()
    }

    pub(super) fn carry(
        &mut self,
        leaf: &Leaf<'_>,
        text: String,
        packing: Packing,
        span: Range<usize>,
        origins: Option<Arc<[u32]>>,
        place: &dyn Fn() -> String,
    ) {
        let depth = self.inside.as_ref().map_or(0, |i| i.depth) + 1;
        let media_type = match leaf.reads {
            Reads::Base64(media_type) | Reads::Hex(media_type) => media_type.to_owned(),
            _ => String::new(),
        };
        self.carriers.push(Carrier {
            text,
            packing,
            media_type,
            span: self.span(span),
            place: self.place(place()),
            person: self.global(leaf.person),
            part: self.part,
            depth,
            origins,
        });
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
        for text::Piece { span, log } in text::pieces(whole) {
            let Some(paragraph) = whole.get(span.clone()) else { continue };
            let hits = text::scan(paragraph, "", self.rules);
            let speaker = log.then(|| speaker(paragraph)).flatten();
            let spoke = || chats.iter().find(|(who, _)| Some(*who) == speaker).map(|(_, person)| *person);
            let before = if log { spoke() } else { last };
            let name = hits
                .iter()
                .filter(|h| h.kind == Kind::FullName && h.points >= self.rules.markers.weights.names_somebody)
                .max_by_key(|h| (h.points, std::cmp::Reverse(h.span.start)))
                .and_then(|h| paragraph.get(h.span.clone()))
                .map(names::folded);
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
                last = (!log).then_some(person);
                if let Some(speaker) = speaker {
                    chats.retain(|(who, _)| *who != speaker);
                    chats.push((speaker, person));
                }
                if text::clinical_words(paragraph, self.rules) >= 2 {
                    self.mark_clinical(person);
                }
            }
            for hit in hits {
                let value = paragraph.get(hit.span.clone()).unwrap_or_default();
                let at = span.start + hit.span.start..span.start + hit.span.end;
                let place = format!("line {}", line.of(whole, at.start));
                self.hit(&hit, value, origin(at.start)..origin(at.end), person, owner.is_some(), place);
            }
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
        // Nobody's: not the patient's who a carrier belongs to, either.
        if leaf.person == PersonId::NOBODY && leaf.reads == Reads::Public {
            return false;
        }
        if leaf.reads == Reads::Code && self.is_quiet_code(text) {
            return true;
        }
        let mut hits = text::scan(text, leaf.cue, self.rules);
        // Displays of codes are full of eponyms and places that are nobody's.
        if leaf.reads == Reads::Code {
            hits.retain(|h| text::tells_in_code(h.kind));
        }
        let quiet = hits.is_empty() && leaf.reads != Reads::Code;
        self.tell_hits(leaf, text, hits, origin, place);
        quiet
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
            kept_hits.push((self.evidence.len(), hit.span.clone()));
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
        if judged.sign == Sign::Habit
            && tells
            && is_number(hit.kind)
            && spells_test(value, &self.rules.markers)
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
            keys: keys(hit.kind, value),
            finding,
        });
    }
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

/// Whom a piece of a text that is a carrier belongs to; of its kind nothing is declared.
fn carried(person: PersonId) -> Leaf<'static> {
    Leaf { span: 0..0, value: "".into(), field: None, person, reads: Reads::Text, cue: "" }
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

/// Whether a number begins with a whole word that test sets have: `TEST-0001`, not `TST1` or `000000`.
fn spells_test(value: &str, markers: &Markers) -> bool {
    let word: String = value.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    markers.test_id_prefixes.iter().any(|p| p.len() >= TEST_WORD_MIN && word.starts_with(p.as_str()))
}

/// Shorter words may be a facility's letters.
const TEST_WORD_MIN: usize = 4;
/// What chats call whoever asks.
const SPEAKERS: &[&str] =
    &["user", "User", "visitor", "Visitor", "caller", "Caller", "customer", "Customer", "guest", "Guest"];
/// How far from its start the speaker of an entry is looked for.
const SPEAKER_BYTES: usize = 56;
/// Names, latest first, that a paragraph's is compared with.
const NAMES_COMPARED_MAX: usize = 256;
