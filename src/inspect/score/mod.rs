//! Scoring: a sink that judges what walkers tell, and adds up points person by person.
//!
//! Points of one person's fields add up, each kind once, at its highest; two people's points never do. Whether a person
//! counts as made up is asked of each person anew, by the rules of the published marker list.

mod again;
mod known;
mod person;
mod standing;
#[cfg(test)]
mod tests;

use super::disguise::Plain;
use super::embedded::{self, Packing, Whole};
use super::finding::{Counted, Finding, Findings, OffPath, Part, Uninspected, UninspectedReason};
use super::kind::{Kind, Points, Whose};
use super::known::{Facts, Known};
use super::links;
use super::marker::{Judged, Markers, Sign};
use super::names;
use super::offsets;
use super::rules::RuleSet;
use super::text;
use super::walk::json::Tape;
use super::walk::{Declared, Leaf, PersonId, Reads, Role, Sink};
use super::xhtml;
use again::Again;
use known::KeptText;
use person::{agree, is_name, is_number, keys};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Collects the evidence of one message.
pub struct Scorer<'r> {
    rules: &'r RuleSet,
    this_year: u16,
    evidence: Vec<Evidence>,
    people: Vec<Draft>,
    uninspected: Vec<Uninspected>,
    declared: Vec<(Declared, String)>,
    off_path: Vec<OffPath>,
    hosts: Option<Vec<String>>,
    /// Whom the fields of a multipart form tell of.
    form: Option<PersonId>,
    known: Option<&'r dyn Known>,
    facts: HashMap<PersonId, Facts>,
    generator_seen: bool,
    /// The first of the people that it holds for.
    generator_from: usize,
    scanned: u64,
    carriers: Vec<Carrier>,
    texts: Vec<KeptText>,
    kept_bytes: usize,
    // Where we are.
    base: u32,
    part: Part,
    inside: Option<Inside>,
    escapes: offsets::Escapes,
    raw: Option<Vec<u8>>,
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

/// A carrier that a walker met: to be decoded and walked by the caller.
pub struct Carrier {
    /// What is carried, as it stands.
    pub text: String,
    /// How.
    pub packing: Packing,
    /// Media type as declared; may be empty.
    pub media_type: String,
    /// Raw bytes of the carrier in the part.
    pub span: Range<usize>,
    /// Its place.
    pub place: String,
    /// Whose it is.
    pub person: PersonId,
    /// The part of the message.
    pub part: Part,
    /// How deep it lies.
    pub depth: u8,
    /// Of each byte of a plain one, and one behind the last, where it stands in the part.
    origins: Option<Arc<[u32]>>,
}

/// What encloses the document that is being walked.
#[derive(Clone)]
struct Inside {
    span: Range<usize>,
    place: String,
    person: PersonId,
    depth: u8,
    /// Where each byte of a document in a string stands in its part.
    origins: Option<Arc<[u32]>>,
    /// Whether its bytes stand in what encloses it as they are, or by `origins`: nothing was decoded.
    as_is: bool,
    /// Where it begins in what encloses it, then.
    from: usize,
}

/// Where a scorer stands: what it goes back to behind each piece of a document.
#[derive(Clone)]
pub struct Stand {
    part: Part,
    inside: Option<Inside>,
}

impl Inside {
    /// Where bytes of the document stand in the part of the message.
    fn span(&self, span: Range<usize>) -> Range<usize> {
        let at = |at: usize| match &self.origins {
            Some(origins) => origins.get(self.from + at).map_or(self.span.end, |origin| *origin as usize),
            None => self.from + at,
        };
        if self.as_is { at(span.start)..at(span.end) } else { self.span.clone() }
    }
}

impl Stand {
    /// How deep in carriers and containers.
    #[must_use]
    pub fn depth(&self) -> u8 {
        self.inside.as_ref().map_or(0, |inside| inside.depth)
    }
}

struct Draft {
    role: Role,
    clinical: bool,
    document: u32,
    /// Known from running text alone.
    of_text: bool,
    /// Whether a generator's system stands in what is judged with this person: the message, or its line.
    generator: bool,
}

struct Evidence {
    person: PersonId,
    kind: Kind,
    full: Points,
    judged: Judged,
    free_text: bool,
    /// A value of free text that a structured field of the person has, too.
    known: bool,
    keys: Vec<String>,
    finding: Finding,
}

impl<'r> Scorer<'r> {
    /// A new one; `this_year` tells birth dates that lie ahead.
    #[must_use]
    pub fn new(rules: &'r RuleSet, this_year: u16) -> Self {
        Self {
            rules,
            this_year,
            evidence: Vec::new(),
            people: Vec::new(),
            uninspected: Vec::new(),
            declared: Vec::new(),
            off_path: Vec::new(),
            hosts: None,
            form: None,
            known: None,
            facts: HashMap::new(),
            generator_seen: false,
            generator_from: 0,
            scanned: 0,
            carriers: Vec::new(),
            texts: Vec::new(),
            kept_bytes: 0,
            base: 0,
            part: Part::Body,
            inside: None,
            escapes: offsets::Escapes::None,
            raw: None,
        }
    }

    /// Begins a document in `part`: persons that its walker numbers from 0 are new ones.
    pub fn document(&mut self, part: Part, escapes: offsets::Escapes, raw: &[u8]) {
        self.base = u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1);
        self.part = part;
        self.escapes = escapes;
        self.raw = (escapes != offsets::Escapes::None).then(|| raw.to_vec());
        self.inside = None;
        self.scanned += raw.len() as u64;
    }

    /// Begins another part that tells of the same people as the one before: a query behind its path, a header.
    pub fn same_people(&mut self, part: Part, escapes: offsets::Escapes, raw: &[u8]) {
        let base = self.base;
        self.document(part, escapes, raw);
        self.base = base;
    }

    /// Begins a document that a carrier holds; its spans are the carrier's.
    pub fn carried(&mut self, carrier: &Carrier, bytes: usize) {
        self.base = u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1);
        self.part = carrier.part;
        self.escapes = offsets::Escapes::None;
        self.raw = None;
        self.inside = Some(Inside {
            span: carrier.span.clone(),
            place: carrier.place.clone(),
            person: carrier.person,
            depth: carrier.depth,
            origins: carrier.origins.clone(),
            as_is: carrier.origins.is_some(),
            from: 0,
        });
        self.scanned += bytes as u64;
    }

    /// Asks links from here on: `hosts` are those of the environment.
    pub fn ask_links(&mut self, hosts: Option<&[String]>) {
        self.hosts = hosts.map(<[String]>::to_vec);
    }

    /// Links of a document that lead past the gateway.
    pub fn links(&mut self, tape: &Tape<'_>) {
        let Some(hosts) = &self.hosts else { return };
        for place in links::off_path(tape, hosts) {
            let place = self.place(place);
            self.off_path.push(OffPath { part: self.part, place });
        }
    }

    /// The same of a header's value.
    pub fn header_link(&mut self, value: &str) {
        if self.hosts.as_ref().is_some_and(|hosts| links::header_leads_past(value, hosts)) {
            self.off_path.push(OffPath { part: self.part, place: "value".to_owned() });
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn stand(&self) -> Stand {
        Stand { part: self.part, inside: self.inside.clone() }
    }

    /// Begins a document that is a piece of the one at `stand`: a line of NDJSON, a part of a multipart body. `at` are its
    /// bytes there; `as_is` says that it was not decoded, so that its own offsets hold; `deeper` that it counts as carried.
    pub fn piece(&mut self, stand: &Stand, at: Range<usize>, as_is: bool, deeper: bool, place: &str) {
        self.base = u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1);
        self.part = stand.part;
        self.escapes = offsets::Escapes::None;
        self.raw = None;
        let outer = stand.inside.as_ref();
        let span = outer.map_or(at.clone(), |outer| outer.span(at.clone()));
        self.inside = Some(Inside {
            span,
            place: outer.map_or_else(|| place.to_owned(), |outer| format!("{} > {place}", outer.place)),
            person: outer.map_or(PersonId::NOBODY, |outer| outer.person),
            depth: stand.depth().saturating_add(u8::from(deeper)),
            origins: outer.and_then(|outer| outer.origins.clone()),
            as_is: as_is && outer.is_none_or(|outer| outer.as_is),
            from: outer.map_or(0, |outer| outer.from) + at.start,
        });
    }

    /// The person whom the fields of a multipart form tell of: that of the form's documents where those have one alone.
    pub fn form(&mut self) -> PersonId {
        self.base = u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1);
        let person = self.new_person(Role::Patient, false);
        self.form.get_or_insert(person);
        person
    }

    /// Begins a piece that tells of the person of `form`, numbered 0.
    pub fn form_piece(&mut self, form: PersonId, stand: &Stand, at: Range<usize>, as_is: bool, place: &str) {
        self.piece(stand, at, as_is, false, place);
        self.base = form.0;
    }

    /// Ends what is judged together: what was seen of a generator holds for the people so far, and for nobody behind.
    pub fn ends(&mut self) {
        let seen = std::mem::take(&mut self.generator_seen);
        for draft in self.people.iter_mut().skip(self.generator_from) {
            draft.generator |= seen;
        }
        self.generator_from = self.people.len();
    }

    /// The bytes of a carried document or a piece, where its escapes have to be led back.
    pub fn carried_raw(&mut self, escapes: offsets::Escapes, raw: &[u8]) {
        if self.inside.as_ref().is_some_and(|inside| inside.as_is) {
            self.escapes = escapes;
            self.raw = (escapes != offsets::Escapes::None).then(|| raw.to_vec());
        }
    }

    /// Carriers met since the last call.
    pub fn take_carriers(&mut self) -> Vec<Carrier> {
        std::mem::take(&mut self.carriers)
    }

    /// Something stayed unread.
    pub fn unread(&mut self, reason: UninspectedReason, media_type: &'static str, place: String) {
        let place = match &self.inside {
            Some(inside) if place.is_empty() => inside.place.clone(),
            _ => place,
        };
        self.uninspected.push(Uninspected { reason, media_type, place });
    }

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
    fn undisguised_text(&mut self, whole: &str, origin: &dyn Fn(usize) -> usize) {
        let plain = Plain::of(whole);
        let from = |at| origin(plain.origin(at));
        let rest = self.set_aside(plain.text(), PersonId::NOBODY, 0, &from, &|| String::new());
        self.text_from(rest.as_deref().unwrap_or(plain.text()), &from);
    }

    /// The same of a leaf's text; a leaf that is a document, or markup, is read as one.
    fn undisguised_leaf(
        &mut self,
        leaf: &Leaf<'_>,
        text: &str,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) {
        match embedded::whole(text) {
            Some(Whole::Document) => {
                let start = leaf.span.start;
                let origins = (0..=text.len()).map(|at| self.spot(start + origin(at))).collect();
                self.carry(leaf, text.to_owned(), Packing::Plain, leaf.span.clone(), Some(origins), place);
                return;
            }
            Some(Whole::Markup) => {
                let markup = xhtml::plain(text);
                return self.free_text(leaf, &markup.text, &|at| origin(markup.origin(at)), place);
            }
            None => {}
        }
        let plain = Plain::of(text);
        let from = |at| origin(plain.origin(at));
        let rest = self.set_aside(plain.text(), leaf.person, leaf.span.start, &from, place);
        self.free_text(leaf, rest.as_deref().unwrap_or(plain.text()), &from, place);
    }

    /// Makes carriers of a text's base64, and gives the text with blanks for it: encoded text has any shape at random.
    fn set_aside(
        &mut self,
        text: &str,
        person: PersonId,
        start: usize,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) -> Option<String> {
        let runs = embedded::base64_runs(text);
        if runs.is_empty() {
            return None;
        }
        let mut rest = text.to_owned();
        for run in runs {
            let span = start + origin(run.start)..start + origin(run.end);
            let leaf = Leaf {
                span: span.clone(),
                value: "".into(),
                field: None,
                person,
                reads: Reads::Text,
                cue: "",
            };
            let packed = text.get(run.clone()).unwrap_or_default().to_owned();
            self.carry(&leaf, packed, Packing::Base64, span, None, place);
            rest.replace_range(run.clone(), &" ".repeat(run.len()));
        }
        Some(rest)
    }

    fn carry(
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
    fn spot(&self, at: usize) -> u32 {
        let at = self.span(at..at).start;
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// A piece of text is a person, joined where the same full name recurs; a paragraph that names nobody goes on with
    /// the one before, and what stands before the first name belongs to it. An entry of a log stands by itself.
    fn text_from(&mut self, whole: &str, origin: &dyn Fn(usize) -> usize) {
        let owner = self.inside.as_ref().map(|i| i.person).filter(|o| *o != PersonId::NOBODY);
        let mut known: Vec<(Vec<String>, PersonId)> = Vec::new();
        let mut last = None;
        let mut line = Lines::default();
        for text::Piece { span, log } in text::pieces(whole) {
            let Some(paragraph) = whole.get(span.clone()) else { continue };
            let hits = text::scan(paragraph, "", self.rules);
            let before = if log { None } else { last };
            let name = hits
                .iter()
                .filter(|h| h.kind == Kind::FullName && h.points >= NAMES_SOMEBODY)
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

    fn new_person(&mut self, role: Role, of_text: bool) -> PersonId {
        let id = PersonId(u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1));
        self.people.push(Draft { role, clinical: false, document: self.base, of_text, generator: false });
        id
    }

    /// The message-wide number of a walker's person.
    fn global(&self, person: PersonId) -> PersonId {
        match (person, &self.inside) {
            (PersonId::NOBODY, Some(inside)) => inside.person,
            (PersonId::NOBODY, None) => PersonId::NOBODY,
            (PersonId(n), _) => PersonId(n.saturating_add(self.base).min(PERSONS_MAX)),
        }
    }

    fn mark_clinical(&mut self, person: PersonId) {
        if let Some(draft) = self.people.get_mut(person.0 as usize) {
            draft.clinical = true;
        }
    }

    /// A field's value: judged by its row.
    fn value(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        let Some(field) = leaf.field else { return };
        if field.points.0 == 0 && field.kind != Kind::ProviderSsn {
            return;
        }
        let plain = Plain::of(&leaf.value);
        let judged = self.rules.markers.judge(field.kind, plain.text(), field.points, self.this_year);
        let person = match field.whose {
            Whose::Provider | Whose::Organisation => PersonId::NOBODY,
            _ => match self.global(leaf.person) {
                PersonId::NOBODY => self.nobody_known(),
                person => person,
            },
        };
        let keys = keys(field.kind, plain.text());
        let span = self.span(leaf.span.clone());
        let finding = self.finding(field.rule(), field.kind, field.whose, span, self.place(place()));
        self.tell_fact(person, field.kind, plain.text(), judged.sign, &finding.place);
        self.evidence.push(Evidence {
            person,
            kind: field.kind,
            full: field.points,
            judged,
            free_text: false,
            known: false,
            keys,
            finding,
        });
    }

    /// A person for values that a walker gave to nobody though their row says a patient's: one for each document.
    fn nobody_known(&mut self) -> PersonId {
        let base = self.base;
        let mut own = self.people.iter().enumerate().skip(base as usize);
        match own.find(|(_, p)| p.document == base && p.role == Role::Patient) {
            Some((at, _)) => PersonId(u32::try_from(at).unwrap_or(u32::MAX - 1)),
            None => self.new_person(Role::Patient, false),
        }
    }

    fn free_text(
        &mut self,
        leaf: &Leaf<'_>,
        text: &str,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) {
        let mut hits = text::scan(text, leaf.cue, self.rules);
        // Displays of codes are full of eponyms and places that are nobody's.
        if leaf.reads == Reads::Code {
            hits.retain(|h| !matches!(h.kind, Kind::Facility | Kind::City | Kind::Url) && !is_name(h.kind));
        }
        let structured = self.part == Part::Body || self.inside.is_some();
        let keep = structured && matches!(leaf.reads, Reads::Text | Reads::Xhtml) && self.keeps(text);
        if hits.is_empty() && !keep {
            return;
        }
        let person = match self.global(leaf.person) {
            // Inside a carrier, too: a provider's is not the patient's who the carrier belongs to.
            _ if leaf.person == PersonId::NOBODY && leaf.reads == Reads::Public => return,
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
        }
        if keep {
            let same =
                self.inside.is_none() && leaf.span.len() == text.len() && origin(text.len()) == text.len();
            let spot = |at| self.spot(leaf.span.start + origin(at));
            let map = (!same).then(|| (0..=text.len()).map(spot).collect());
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

    fn hit(
        &mut self,
        hit: &text::Hit,
        value: &str,
        span: Range<usize>,
        person: PersonId,
        free: bool,
        place: String,
    ) {
        let mut judged = self.rules.markers.judge(hit.kind, value, hit.points, self.this_year);
        // A text has seldom a second number to agree with: one that spells out what it is stands by itself.
        if judged.sign == Sign::Habit && is_number(hit.kind) && spells_test(value, &self.rules.markers) {
            judged.sign = Sign::Sure;
        }
        // A name that nobody has, a generator's with digits, tells of nobody where it stands alone in a text.
        if is_name(hit.kind) && judged.sign == Sign::Sure {
            judged.points = Points(0);
        }
        let (span, place) = (self.span(span), self.place(place));
        let finding = self.finding(hit.rule.clone(), hit.kind, Whose::Any, span, place);
        self.evidence.push(Evidence {
            person,
            kind: hit.kind,
            full: hit.points,
            judged,
            free_text: free,
            known: false,
            keys: keys(hit.kind, value),
            finding,
        });
    }

    fn finding(
        &self,
        rule: Arc<str>,
        kind: Kind,
        whose: Whose,
        span: Range<usize>,
        place: String,
    ) -> Finding {
        Finding {
            rule,
            kind,
            whose,
            points: Points(0),
            counted: Counted::Yes,
            person: None,
            place,
            part: self.part,
            span,
        }
    }

    fn span(&self, span: Range<usize>) -> Range<usize> {
        match &self.inside {
            Some(inside) => inside.span(span),
            None => span,
        }
    }

    fn place(&self, place: String) -> String {
        match &self.inside {
            None => place,
            Some(inside) => format!("{} > {place}", inside.place),
        }
    }

    /// Adds up, and tells what was found.
    #[must_use]
    pub fn finish(mut self, head: Option<PersonId>) -> Findings {
        self.ends();
        let owner = self.owners(head);
        for evidence in &mut self.evidence {
            if let Some(to) = owner.get(evidence.person.0 as usize) {
                evidence.person = *to;
            }
        }
        self.find_known(&owner);
        self.join_facts(&owner);
        let mut clinical = vec![false; self.people.len()];
        for (from, draft) in self.people.iter().enumerate() {
            let to = owner.get(from).map_or(from, |to| to.0 as usize);
            if let Some(flag) = clinical.get_mut(to) {
                *flag |= draft.clinical;
            }
        }
        let mut persons = Vec::with_capacity(self.people.len());
        let mut index: HashMap<PersonId, usize> = HashMap::new();
        let mut by_person = self.by_person();
        let mut owned = Vec::with_capacity(by_person.len());
        for id in (0..self.people.len()).map(|n| PersonId(u32::try_from(n).unwrap_or(u32::MAX - 1))) {
            let own = by_person.remove(&id).unwrap_or_default();
            let is_clinical = clinical.get(id.0 as usize).copied().unwrap_or(false);
            let of_text = self.people.get(id.0 as usize).is_some_and(|draft| draft.of_text);
            if own.is_empty() || (!of_text && !own.iter().any(|at| self.tells_who(*at))) {
                continue;
            }
            // Who is known from text alone isn't somebody else in another's text: then the text is what is judged.
            let only_text = own.iter().filter_map(|at| self.evidence.get(*at)).all(|e| e.free_text);
            for at in own.iter().filter(|_| only_text) {
                if let Some(evidence) = self.evidence.get_mut(*at) {
                    evidence.free_text = false;
                }
            }
            index.insert(id, persons.len());
            let generator = self.people.get(id.0 as usize).is_some_and(|draft| draft.generator);
            persons.push(self.judge_person(id, &own, is_clinical, generator));
            owned.push((id, own));
        }
        let mut again = Again::default();
        for (id, own) in &owned {
            if let Some(person) = index.get(id).and_then(|at| persons.get_mut(*at)) {
                person.again = again.counts_again(&self.evidence, own, person);
            }
        }
        let findings = self
            .evidence
            .into_iter()
            .map(|e| {
                let person = index.get(&e.person).copied();
                let counted = if person.is_none() { Counted::NotThePatient } else { e.finding.counted };
                Finding { person, counted, ..e.finding }
            })
            .collect();
        Findings {
            format: super::format::Format::Empty,
            findings,
            persons,
            uninspected: self.uninspected,
            declared: self.declared,
            off_path: self.off_path,
            scanned_bytes: self.scanned,
        }
    }

    /// Whether a piece of evidence says that there is somebody: a date of care or a trait alone is of nobody.
    fn tells_who(&self, at: usize) -> bool {
        self.evidence.get(at).is_some_and(|e| {
            !matches!(e.kind, Kind::ServiceDate | Kind::Trait | Kind::GroupNo)
                && e.judged.sign != Sign::Placeholder
        })
    }

    /// Who each numbered person is in the end: a relative that agrees with the patient by name or number is the
    /// patient, and the head's person is the body's where the body has exactly one.
    fn owners(&self, head: Option<PersonId>) -> Vec<PersonId> {
        let count = u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1);
        let mut owner: Vec<PersonId> = (0..count).map(PersonId).collect();
        let relatives = self.people.iter().any(|draft| matches!(draft.role, Role::RelativeOf(_)));
        let by_person = if relatives { self.by_person() } else { HashMap::new() };
        for (from, draft) in self.people.iter().enumerate() {
            if let Role::RelativeOf(patient) = draft.role
                && let Ok(id) = u32::try_from(from)
                && self.agree(&by_person, PersonId(id), patient)
                && let Some(slot) = owner.get_mut(from)
            {
                *slot = patient;
            }
        }
        if head.is_some() || self.form.is_some() {
            let mut in_body: Vec<PersonId> = self
                .evidence
                .iter()
                .filter(|e| e.finding.part == Part::Body && e.person != PersonId::NOBODY)
                .filter(|e| {
                    matches!(self.people.get(e.person.0 as usize).map(|d| d.role), Some(Role::Patient))
                })
                .map(|e| e.person)
                .collect();
            in_body.sort_unstable();
            in_body.dedup();
            if in_body.len() > 1 {
                in_body.retain(|person| Some(*person) != self.form);
            }
            if let [only] = in_body.as_slice() {
                for same in [head, self.form].into_iter().flatten() {
                    if let Some(slot) = owner.get_mut(same.0 as usize) {
                        *slot = *only;
                    }
                }
            }
        }
        owner
    }

    /// Which evidence is of whom.
    fn by_person(&self) -> HashMap<PersonId, Vec<usize>> {
        let mut by_person: HashMap<PersonId, Vec<usize>> = HashMap::new();
        for (at, evidence) in self.evidence.iter().enumerate() {
            if evidence.person != PersonId::NOBODY {
                by_person.entry(evidence.person).or_default().push(at);
            }
        }
        by_person
    }

    /// Whether two people agree by full name or by a number.
    fn agree(&self, by_person: &HashMap<PersonId, Vec<usize>>, one: PersonId, other: PersonId) -> bool {
        let of = |person: PersonId| {
            by_person.get(&person).into_iter().flatten().filter_map(|at| self.evidence.get(*at))
        };
        let name = |person: PersonId| {
            let mut words: Vec<String> = of(person)
                .filter(|e| !e.free_text && is_name(e.kind))
                .flat_map(|e| e.keys.iter().cloned())
                .collect();
            words.sort_unstable();
            words.dedup();
            words
        };
        let numbers = |person: PersonId| {
            of(person)
                .filter(|e| {
                    !e.free_text
                        && is_number(e.kind)
                        && !matches!(
                            e.kind,
                            Kind::Phone
                                | Kind::Email
                                | Kind::Fax
                                | Kind::ClaimId
                                | Kind::Device
                                | Kind::Vehicle
                                | Kind::OtherId
                        )
                })
                .flat_map(|e| e.keys.iter())
        };
        agree(&name(one), &name(other)) || numbers(one).any(|n| numbers(other).any(|o| o == n))
    }
}

impl Sink for Scorer<'_> {
    fn person(&mut self, id: PersonId, role: Role) {
        let role = match role {
            Role::RelativeOf(of) => Role::RelativeOf(PersonId(of.0.saturating_add(self.base))),
            role => role,
        };
        let wanted = id.0.saturating_add(self.base).min(PERSONS_MAX) as usize;
        while self.people.len() <= wanted {
            self.people.push(Draft {
                role,
                clinical: false,
                document: self.base,
                of_text: false,
                generator: false,
            });
        }
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) {
        if leaf.value.is_empty() {
            return;
        }
        if leaf.field.is_none() && self.rules.markers.is_generator_system(&leaf.value) {
            self.generator_seen = true;
        }
        // A row's points count whatever the value reads as: a photograph is base64, a file name is text.
        if leaf.field.is_some() {
            self.value(leaf, place);
        }
        match leaf.reads {
            Reads::Value | Reads::Opaque if leaf.field.is_some() => {}
            Reads::Base64(_) | Reads::Hex(_) => {
                let packing =
                    if matches!(leaf.reads, Reads::Hex(_)) { Packing::Hex } else { Packing::Base64 };
                self.carry(leaf, leaf.value.clone().into_owned(), packing, leaf.span.clone(), None, place);
            }
            Reads::Xhtml => {
                let plain = xhtml::plain(&leaf.value);
                let to_raw = self.raw_map(leaf);
                self.undisguised_leaf(leaf, &plain.text, &|at| to_raw(plain.origin(at)), place);
            }
            Reads::Quantity | Reads::Time | Reads::Opaque => {}
            Reads::Query if leads_to_nobody(&leaf.value) => {}
            // Narrative of a provider or a definition: markup is no document that it carries.
            Reads::Public if leaf.value.starts_with('<') && self.global(leaf.person) == PersonId::NOBODY => {}
            Reads::Code | Reads::Public | Reads::Value | Reads::Text | Reads::Query => {
                if leaf.value.len() >= CODE_SCANNED_FROM || leaf.reads != Reads::Code {
                    let to_raw = self.raw_map(leaf);
                    self.undisguised_leaf(leaf, &leaf.value, &to_raw, place);
                }
            }
        }
    }

    fn clinical(&mut self, person: PersonId) {
        let person = self.global(person);
        self.mark_clinical(person);
    }

    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
        let place = self.place(place());
        self.declared.push((mode, place));
    }

    fn unknown_key(&mut self, key: &str, span: Range<usize>, person: PersonId, place: &dyn Fn() -> String) {
        // A map keyed by record numbers, a column named after somebody: the key is read as text.
        if key.bytes().any(|b| b.is_ascii_digit() || b == b'@') || key.contains(' ') {
            let leaf = Leaf { span, value: key.into(), field: None, person, reads: Reads::Text, cue: "" };
            self.undisguised_leaf(&leaf, key, &|at| at, place);
        }
    }
}

impl Scorer<'_> {
    /// From a byte of the leaf's decoded value to the byte of its raw span, counted from the span's start.
    fn raw_map(&self, leaf: &Leaf<'_>) -> impl Fn(usize) -> usize + use<> {
        let raw = match &self.raw {
            Some(raw) if leaf.value.len() != leaf.span.len() => {
                raw.get(leaf.span.clone()).map(<[u8]>::to_vec)
            }
            _ => None,
        };
        let map = raw.map(|raw| offsets::map(&raw, &leaf.value, self.escapes));
        move |at| map.as_ref().map_or(at, |map| map.get(at).or(map.last()).copied().unwrap_or(at))
    }
}

/// Bytes as Latin-1, and where each byte of the text stands, and one behind the last.
fn latin1(bytes: &[u8]) -> (String, Vec<u32>) {
    let (mut text, mut origins) = (String::with_capacity(bytes.len()), Vec::with_capacity(bytes.len() + 1));
    for (at, byte) in bytes.iter().enumerate() {
        text.push(char::from(*byte));
        origins.resize(text.len(), u32::try_from(at).unwrap_or(u32::MAX));
    }
    origins.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    (text, origins)
}

/// Whether a reference by search leads to somebody or something that is no individual: `Practitioner?identifier=…`.
fn leads_to_nobody(reference: &str) -> bool {
    let Some((path, _)) = reference.split_once('?') else { return false };
    NOBODYS_RESOURCES.contains(&path.rsplit('/').next().unwrap_or_default())
}

/// Resources of providers, places and products.
const NOBODYS_RESOURCES: &[&str] = &[
    "Practitioner",
    "PractitionerRole",
    "Organization",
    "Location",
    "HealthcareService",
    "Endpoint",
    "Medication",
    "Substance",
    "InsurancePlan",
];

/// Whether a number begins with a whole word that test sets have: `TEST-0001`, not `TST1` or `000000`.
fn spells_test(value: &str, markers: &Markers) -> bool {
    let word: String = value.chars().take_while(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect();
    markers.test_id_prefixes.iter().any(|p| p.len() >= TEST_WORD_MIN && word.starts_with(p.as_str()))
}

/// Shorter words may be a facility's letters.
const TEST_WORD_MIN: usize = 4;
/// Points from which a full name tells one person's paragraphs from another's.
const NAMES_SOMEBODY: Points = Points(40);
/// Names, latest first, that a paragraph's is compared with.
const NAMES_COMPARED_MAX: usize = 256;
/// People of one message that are told apart; further ones are counted with the last.
const PERSONS_MAX: u32 = 1 << 20;
/// Codes shorter than this hold nothing that a detector could find.
const CODE_SCANNED_FROM: usize = 9;
