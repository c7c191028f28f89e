//! Scoring: a sink that judges what walkers tell, and adds up points person by person.
//!
//! Points of one person's fields add up, each kind once, at its highest; two people's points never do. Whether a person
//! counts as made up is asked of each person anew, by the rules of the published marker list.

mod person;

use super::disguise::Plain;
use super::embedded::{self, Packing, Whole};
use super::finding::{Counted, Finding, Findings, OffPath, Part, Uninspected, UninspectedReason};
use super::kind::{Kind, Points, Whose};
use super::links;
use super::marker::Judged;
use super::names;
use super::offsets;
use super::rules::RuleSet;
use super::text;
use super::walk::json::Tape;
use super::walk::{Declared, Leaf, PersonId, Reads, Role, Sink};
use super::xhtml;
use person::{add_up, agree, is_name, is_number, keys};
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
    generator_seen: bool,
    scanned: u64,
    carriers: Vec<Carrier>,
    // Where we are.
    base: u32,
    part: Part,
    inside: Option<Inside>,
    escapes: offsets::Escapes,
    raw: Option<Vec<u8>>,
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
    origins: Option<Arc<[u32]>>,
}

struct Draft {
    role: Role,
    clinical: bool,
    document: u32,
}

struct Evidence {
    person: PersonId,
    kind: Kind,
    full: Points,
    judged: Judged,
    free_text: bool,
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
            generator_seen: false,
            scanned: 0,
            carriers: Vec::new(),
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

    /// The bytes of a carried document, where its escapes have to be led back.
    pub fn carried_raw(&mut self, escapes: offsets::Escapes, raw: &[u8]) {
        if self.inside.as_ref().is_some_and(|inside| inside.origins.is_some()) {
            self.escapes = escapes;
            self.raw = Some(raw.to_vec());
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

    /// Judges an HTML page as a text: its tags taken out, its entities undone.
    pub fn markup(&mut self, page: &str) {
        let plain = xhtml::plain(page);
        self.undisguised_text(&plain.text, &|at| plain.origin(at));
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

    fn text_from(&mut self, whole: &str, origin: &dyn Fn(usize) -> usize) {
        let owner = self.inside.as_ref().map(|i| i.person);
        let mut known: Vec<(Vec<String>, PersonId)> = Vec::new();
        let mut last = None;
        for range in text::paragraphs(whole) {
            let Some(paragraph) = whole.get(range.clone()) else { continue };
            let hits = text::scan(paragraph, "", self.rules);
            let name = hits
                .iter()
                .find(|h| h.kind == Kind::FullName && h.points.0 >= 50)
                .and_then(|h| paragraph.get(h.span.clone()))
                .map(names::folded);
            let person = match (owner, name) {
                (Some(owner), _) if owner != PersonId::NOBODY => owner,
                (_, Some(name)) => match known.iter().find(|(n, _)| agree(n, &name)) {
                    Some((_, person)) => *person,
                    // What stood before the first name belongs to it: a header line, a greeting.
                    None if known.is_empty() && last.is_some() => {
                        let person = last.unwrap_or(PersonId::NOBODY);
                        known.push((name, person));
                        person
                    }
                    None => {
                        let person = self.new_person(Role::Patient);
                        known.push((name, person));
                        person
                    }
                },
                (_, None) if hits.is_empty() => last.unwrap_or(PersonId::NOBODY),
                (_, None) => last.unwrap_or_else(|| self.new_person(Role::Patient)),
            };
            if person != PersonId::NOBODY {
                last = Some(person);
                if text::clinical_words(paragraph, self.rules) >= 2 {
                    self.mark_clinical(person);
                }
            }
            let free = owner.is_some_and(|o| o != PersonId::NOBODY);
            for hit in hits {
                let line = 1 + memchr::memchr_iter(
                    b'\n',
                    whole.as_bytes().get(..range.start + hit.span.start).unwrap_or_default(),
                )
                .count();
                let span = origin(range.start + hit.span.start)..origin(range.start + hit.span.end);
                self.hit(
                    &hit,
                    paragraph.get(hit.span.clone()).unwrap_or_default(),
                    span,
                    person,
                    free,
                    format!("line {line}"),
                );
            }
        }
    }

    fn new_person(&mut self, role: Role) -> PersonId {
        let id = PersonId(u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1));
        self.people.push(Draft { role, clinical: false, document: self.base });
        id
    }

    /// The message-wide number of a walker's person.
    fn global(&self, person: PersonId) -> PersonId {
        match (person, &self.inside) {
            (PersonId::NOBODY, Some(inside)) => inside.person,
            (PersonId::NOBODY, None) => PersonId::NOBODY,
            (PersonId(n), _) => PersonId(n.saturating_add(self.base)),
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
        self.evidence.push(Evidence {
            person,
            kind: field.kind,
            full: field.points,
            judged,
            free_text: false,
            keys,
            finding,
        });
    }

    /// A person for values that a walker gave to nobody though their row says a patient's: one for each document.
    fn nobody_known(&mut self) -> PersonId {
        let base = self.base;
        match self.people.iter().position(|p| p.document == base && p.role == Role::Patient) {
            Some(at) => PersonId(u32::try_from(at).unwrap_or(u32::MAX - 1)),
            None => self.new_person(Role::Patient),
        }
    }

    fn free_text(
        &mut self,
        leaf: &Leaf<'_>,
        text: &str,
        origin: &dyn Fn(usize) -> usize,
        place: &dyn Fn() -> String,
    ) {
        let hits = text::scan(text, leaf.cue, self.rules);
        if hits.is_empty() {
            return;
        }
        let person = match self.global(leaf.person) {
            PersonId::NOBODY if leaf.reads == Reads::Public => return,
            PersonId::NOBODY => self.nobody_known(),
            person => person,
        };
        for hit in hits {
            let span = leaf.span.start + origin(hit.span.start)..leaf.span.start + origin(hit.span.end);
            let value = text.get(hit.span.clone()).unwrap_or_default().to_owned();
            let structured = self.part == Part::Body || self.inside.is_some();
            self.hit(&hit, &value, span, person, structured, place());
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
        let judged = self.rules.markers.judge(hit.kind, value, hit.points, self.this_year);
        let (span, place) = (self.span(span), self.place(place));
        let finding = self.finding(hit.rule.clone(), hit.kind, Whose::Any, span, place);
        self.evidence.push(Evidence {
            person,
            kind: hit.kind,
            full: hit.points,
            judged,
            free_text: free,
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
            None => span,
            Some(Inside { origins: Some(origins), span: whole, .. }) => {
                let at = |at: usize| origins.get(at).map_or(whole.end, |o| *o as usize);
                at(span.start)..at(span.end)
            }
            Some(inside) => inside.span.clone(),
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
        let owner = self.owners(head);
        for evidence in &mut self.evidence {
            if let Some(to) = owner.get(evidence.person.0 as usize) {
                evidence.person = *to;
            }
        }
        let mut clinical = vec![false; self.people.len()];
        for (from, draft) in self.people.iter().enumerate() {
            let to = owner.get(from).map_or(from, |to| to.0 as usize);
            if let Some(flag) = clinical.get_mut(to) {
                *flag |= draft.clinical;
            }
        }
        let mut persons = Vec::with_capacity(self.people.len());
        let mut index: Vec<Option<usize>> = vec![None; self.people.len()];
        let mut by_person: Vec<Vec<usize>> = vec![Vec::new(); self.people.len()];
        for (at, evidence) in self.evidence.iter().enumerate() {
            if let Some(own) = by_person.get_mut(evidence.person.0 as usize) {
                own.push(at);
            }
        }
        for ((own, is_clinical), slot) in by_person.into_iter().zip(clinical).zip(&mut index) {
            if own.is_empty() {
                continue;
            }
            *slot = Some(persons.len());
            persons.push(add_up(&mut self.evidence, &own, is_clinical, self.generator_seen));
        }
        let findings = self
            .evidence
            .into_iter()
            .map(|e| {
                let person = index.get(e.person.0 as usize).copied().flatten();
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

    /// Who each numbered person is in the end: a relative that agrees with the patient by name or number is the
    /// patient, and the head's person is the body's where the body has exactly one.
    fn owners(&self, head: Option<PersonId>) -> Vec<PersonId> {
        let count = u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1);
        let mut owner: Vec<PersonId> = (0..count).map(PersonId).collect();
        for (from, draft) in self.people.iter().enumerate() {
            if let Role::RelativeOf(patient) = draft.role
                && let Ok(id) = u32::try_from(from)
                && self.agree(PersonId(id), patient)
                && let Some(slot) = owner.get_mut(from)
            {
                *slot = patient;
            }
        }
        if let Some(head) = head {
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
            if let ([only], Some(slot)) = (in_body.as_slice(), owner.get_mut(head.0 as usize)) {
                *slot = *only;
            }
        }
        owner
    }

    /// Whether two people agree by full name or by a number.
    fn agree(&self, one: PersonId, other: PersonId) -> bool {
        let name = |person: PersonId| {
            let mut words: Vec<String> = self
                .evidence
                .iter()
                .filter(|e| e.person == person && !e.free_text && is_name(e.kind))
                .flat_map(|e| e.keys.iter().cloned())
                .collect();
            words.sort_unstable();
            words.dedup();
            words
        };
        let numbers = |person: PersonId| {
            self.evidence
                .iter()
                .filter(move |e| {
                    e.person == person
                        && !e.free_text
                        && is_number(e.kind)
                        && e.kind != Kind::Phone
                        && e.kind != Kind::Email
                        && e.kind != Kind::Fax
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
        let wanted = id.0.saturating_add(self.base) as usize;
        while self.people.len() <= wanted.min(PERSONS_MAX) {
            self.people.push(Draft { role, clinical: false, document: self.base });
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

/// People of one message that are told apart; further ones are counted with the last.
const PERSONS_MAX: usize = 1 << 20;
/// Codes shorter than this hold nothing that a detector could find.
const CODE_SCANNED_FROM: usize = 9;
