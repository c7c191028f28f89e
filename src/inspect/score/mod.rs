//! Scoring: a sink that judges what walkers tell, and adds up points person by person.
//!
//! Points of one person's fields add up, each kind once, at its highest; two people's points never do. Whether a person
//! counts as made up is asked of each person anew, by the rules of the published marker list.
//!
//! Most leaves hold nothing, and most of those were seen before: the codes of the safe vocabulary are known to be silent
//! when the rules are made, and what was looked through and was quiet is not looked through again (`quiet.rs`).

mod again;
mod aside;
mod bare;
mod before;
mod heard;
mod known;
mod packed;
mod person;
mod quiet;
mod records;
mod standing;
mod subject;
mod sum;
mod words;
#[cfg(test)]
mod tests;

use super::disguise::Plain;
use super::embedded::{self, Packing, Whole};
use super::field::Field;
use super::finding::{Counted, Finding, OffPath, Part, Uninspected, UninspectedReason};
use super::kind::{Kind, Points, Whose};
use super::known::{Facts, Known};
use super::links;
use super::marker::{Judged, Sign, cannot_be};
use super::offsets;
use super::rules::{Mode, RuleSet};
use super::trace::Trace;
use super::url;
use super::walk::json::Tape;
use super::walk::{CUE_BYTES_MAX, Declared, Leaf, PersonId, Reads, Role, Sink, start_of};
use super::xhtml;
use before::Before;
use heard::Heard;
use known::KeptText;
use person::{Keys, is_name, is_number, keys};
use quiet::Quiet;
pub(super) use quiet::{Silent, silent};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
pub(super) use words::latin1;

/// Collects the evidence of one message.
pub struct Scorer<'r> {
    rules: &'r RuleSet,
    this_year: u16,
    evidence: Vec<Evidence>,
    people: Vec<Draft>,
    uninspected: Vec<Uninspected>,
    declared: Vec<(Declared, String)>,
    off_path: Vec<OffPath>,
    hosts: Option<links::Hosts>,
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
    quiet: Quiet,
    heard: Heard,
    before: Before,
    // Where we are.
    base: u32,
    part: Part,
    inside: Option<Inside>,
    escapes: offsets::Escapes,
    raw: Option<Arc<[u8]>>,
    trace: Option<Box<Trace>>,
    aim: String,
    record: u32,
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
    /// Whether a text only looks as if it carried something: no field says so.
    pub is_guess: bool,
    /// Of each byte of a plain one, and one behind the last, where it stands in the part.
    origins: Option<Arc<[u32]>>,
}

impl Carrier {
    /// Whether a field has it that is no individual's: a practitioner's, an organisation's, a definition's.
    #[must_use]
    pub fn is_nobodys(&self) -> bool {
        self.person == PersonId::NOBODY && !self.is_guess
    }
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
    /// Whether nothing says what it is: a text that looks like a document.
    is_guess: bool,
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
    /// A number or name of free text that is all there is under its key.
    whole: bool,
    /// A value of free text that a structured field of the person has, too.
    known: bool,
    /// Whether its rule only counts.
    shadow: bool,
    /// Whether it counts for nothing on this connection.
    suppressed: bool,
    /// Whether its sign says something of the person: of what only looks like a number of theirs it doesn't.
    tells: bool,
    /// Whether it is how a reference calls whom it leads to.
    refers: bool,
    /// The record of its person that it stands in; 0: in none of its own.
    record: u32,
    keys: Keys,
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
            quiet: Quiet::new(rules.number()),
            heard: Heard::default(),
            before: Before::default(),
            base: 0,
            part: Part::Body,
            inside: None,
            escapes: offsets::Escapes::None,
            raw: None,
            trace: None,
            aim: String::new(),
            record: 0,
        }
    }

    /// Keeps from here on what walkers tell.
    pub fn keep_trace(&mut self) {
        self.trace = Some(Box::default());
    }

    /// What walkers told, where that was kept.
    pub fn take_trace(&mut self) -> Trace {
        self.trace.take().map_or_else(Trace::default, |trace| *trace)
    }

    /// The resource type that a request's target names; empty: none. Gives the one before.
    pub fn aim_at(&mut self, resource: &str) -> String {
        std::mem::replace(&mut self.aim, resource.to_owned())
    }

    /// The resource type that the request's target names: of this a patch is.
    #[must_use]
    pub fn aim(&self) -> &str {
        &self.aim
    }

    /// Begins a document in `part`: persons that its walker numbers from 0 are new ones.
    pub fn document(&mut self, part: Part, escapes: offsets::Escapes, raw: &[u8]) {
        self.base = u32::try_from(self.people.len()).unwrap_or(u32::MAX - 1);
        self.part = part;
        self.escapes = escapes;
        self.raw = (escapes != offsets::Escapes::None).then(|| Arc::from(raw));
        self.inside = None;
        self.scanned += raw.len() as u64;
        self.evidence.reserve((raw.len() / EVIDENCE_BYTES).min(EVIDENCE_FIRST));
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
            is_guess: carrier.is_guess && carrier.packing == Packing::Plain,
        });
        self.scanned += bytes as u64;
    }

    /// Asks links from here on: `hosts` are those of the environment.
    pub fn ask_links(&mut self, hosts: Option<&links::Hosts>) {
        self.hosts = hosts.cloned();
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
    pub fn header_link(&mut self, name: &str, value: &str) {
        if self.hosts.as_ref().is_some_and(|hosts| links::header_leads_past(name, value, hosts)) {
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
            is_guess: false,
        });
    }

    /// Whether nothing but its looks says of what kind the document is.
    #[must_use]
    pub fn is_guess(&self) -> bool {
        self.inside.as_ref().is_some_and(|inside| inside.is_guess)
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
            self.raw = (escapes != offsets::Escapes::None).then(|| Arc::from(raw));
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

    fn is_clinical(&self, person: PersonId) -> bool {
        self.people.get(person.0 as usize).is_some_and(|draft| draft.clinical)
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
        let mode = self.rules.modes.of(&field.id);
        if mode == Mode::Off {
            return;
        }
        let (plain, judged, keys) = self.judged(field, &leaf.value);
        let person = match field.whose {
            Whose::Provider | Whose::Organisation => PersonId::NOBODY,
            _ => match self.global(leaf.person) {
                PersonId::NOBODY => self.nobody_known(),
                person => person,
            },
        };
        let span = self.span(leaf.span.clone());
        let finding = self.finding(field.rule(), field.kind, field.whose, span, self.place(place()));
        self.tell_fact(person, field.kind, &plain, judged.sign, &finding.place);
        self.evidence.push(Evidence {
            person,
            kind: field.kind,
            full: field.points,
            judged,
            free_text: false,
            whole: false,
            known: false,
            shadow: mode == Mode::Shadow,
            suppressed: false,
            tells: true,
            refers: !field.when.reference.is_empty(),
            record: self.record,
            keys,
            finding,
        });
    }

    /// A value without disguise, what it says of itself, and what it is compared by.
    fn judged<'v>(&mut self, field: &Field, value: &'v str) -> (Cow<'v, str>, Judged, Keys) {
        if let Some((judged, keys)) = self.before.judged(field, value) {
            return (Cow::Borrowed(value), judged, keys);
        }
        let plain = match bare::is_as_written(value) {
            true => Cow::Borrowed(value),
            false => Plain::of(value).into_text(),
        };
        let plain = match packed::of(field.kind, &plain) {
            Some(unpacked) => Cow::Owned(unpacked),
            None => plain,
        };
        let judged = self.rules.markers.judge(field.kind, &plain, field.points, self.this_year);
        let keys = keys(field.kind, &plain);
        if let Cow::Borrowed(value) = plain {
            self.before.keep(field, value, judged, &keys);
        }
        (plain, judged, keys)
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
            sign: Sign::None,
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
}

impl Sink for Scorer<'_> {
    fn person(&mut self, id: PersonId, role: Role) {
        if let Some(trace) = &mut self.trace {
            trace.person(id, role);
        }
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
        if leaf.cue.len() > CUE_BYTES_MAX {
            // It is looked at for each of its leaves, which may be as many as the message has bytes.
            let (value, cue) = (Cow::Borrowed(&*leaf.value), start_of(leaf.cue, CUE_BYTES_MAX));
            let Leaf { field, person, reads, ref span, .. } = *leaf;
            return self.leaf(&Leaf { span: span.clone(), value, field, person, reads, cue }, place);
        }
        if let Some(trace) = &mut self.trace {
            trace.leaf(leaf);
        }
        if leaf.field.is_none() && self.tells_generator(&leaf.value) {
            self.generator_seen = true;
        }
        // A row's points count whatever the value reads as: a photograph is base64, a file name is text.
        if leaf.field.is_some() {
            self.value(leaf, place);
        }
        match leaf.reads {
            // `BROWN, HAROLD (MRN 48210377)` is more than a name.
            Reads::Value if leaf.field.is_some_and(|field| has_more(field, &leaf.value)) => {
                let to_raw = self.raw_map(leaf);
                self.undisguised_leaf(leaf, &leaf.value, &to_raw, place);
            }
            // An id of no meaning has none: `MRN00482913` is a record number.
            Reads::Value | Reads::Opaque
                if leaf.field.is_some_and(|field| says_record(field, &leaf.value)) =>
            {
                let to_raw = self.raw_map(leaf);
                self.undisguised_leaf(leaf, &leaf.value, &to_raw, place);
            }
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
            Reads::Query if self.searched(leaf, place) => {}
            // Narrative of a provider or a definition: markup is no document that it carries, as other XML is.
            Reads::Public
                if leaf.value.starts_with('<')
                    && self.global(leaf.person) == PersonId::NOBODY
                    && (leaf.value.starts_with("<div")
                        || embedded::whole(&leaf.value) != Some(Whole::Document)) =>
            {
                let plain = xhtml::plain(&leaf.value);
                let to_raw = self.raw_map(leaf);
                self.publics(leaf, &plain.text, &|at| to_raw(plain.origin(at)), place);
            }
            Reads::Code | Reads::Public | Reads::Value | Reads::Text | Reads::Query => {
                if leaf.reads != Reads::Code || !self.is_silent(&leaf.value) {
                    let to_raw = self.raw_map(leaf);
                    self.undisguised_leaf(leaf, &leaf.value, &to_raw, place);
                }
            }
        }
    }

    fn passes_over(&self, reads: Reads<'_>, value: &str) -> bool {
        #[cfg(test)]
        if quiet::FORGETS.get() {
            return false;
        }
        let nothing = match reads {
            Reads::Quantity | Reads::Time | Reads::Opaque => true,
            Reads::Code => self.is_silent(value),
            _ => false,
        };
        nothing && self.trace.is_none() && !self.tells_generator(value)
    }

    fn made(&self) -> Option<usize> {
        #[cfg(test)]
        if quiet::FORGETS.get() {
            return None;
        }
        let found = self.evidence.len() + self.carriers.len() + self.texts.len() + self.uninspected.len();
        self.trace.is_none().then(|| found + usize::from(self.generator_seen))
    }

    fn record(&mut self, record: u32) {
        self.record = record;
    }

    fn clinical(&mut self, person: PersonId) {
        if let Some(trace) = &mut self.trace {
            trace.clinical(person);
        }
        let person = self.global(person);
        self.mark_clinical(person);
    }

    fn declared(&mut self, mode: Declared, place: &dyn Fn() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.declared(mode);
        }
        let place = self.place(place());
        self.declared.push((mode, place));
    }

    fn elsewhere(&mut self, media_type: &'static str, place: &dyn Fn() -> String) {
        let place = self.place(place());
        self.unread(UninspectedReason::Elsewhere, media_type, place);
    }

    fn unknown_key(&mut self, key: &str, span: Range<usize>, person: PersonId, place: &dyn Fn() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.unknown_key(&span, person);
        }
        // A map keyed by record numbers, a column named after somebody: the key is read as text.
        if key.bytes().any(|b| b.is_ascii_digit() || b == b'@') || key.contains(' ') {
            let leaf = Leaf { span, value: key.into(), field: None, person, reads: Reads::Text, cue: "" };
            let to_raw = self.raw_map(&leaf);
            self.undisguised_leaf(&leaf, key, &to_raw, place);
        }
    }
}

impl Scorer<'_> {
    /// Whether a code is known to hold nothing.
    fn is_silent(&self, code: &str) -> bool {
        code.len() < CODE_SCANNED_FROM || self.rules.silent.contains(code)
    }

    /// A reference that searches, read by the rows of what it searches by. Gives whether it is one.
    fn searched(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) -> bool {
        let rules = self.rules;
        let Some((path, query)) = leaf.value.split_once('?') else { return false };
        let resource = path.rsplit('/').next().unwrap_or_default();
        if !rules.fhir.knows(resource) {
            return false;
        }
        let to_raw = self.raw_map(leaf);
        if path.len() > resource.len() {
            self.undisguised_leaf(leaf, path, &to_raw, place);
        }
        let tables = url::Tables { queries: &rules.queries, objects: &rules.objects };
        let to = |at| leaf.span.start + to_raw(at);
        let outer = place();
        let sink = &mut url::Within { place: &outer, sink: self };
        let sink = &mut url::Moved { to: &to, sink };
        url::walk_query(query, path.len() + 1, resource, &tables, leaf.person, sink);
        true
    }

    /// Whether a value is the first that tells of a generator of made-up people.
    fn tells_generator(&self, value: &str) -> bool {
        !self.generator_seen && self.rules.markers.is_generator_system(value)
    }

    /// From a byte of the leaf's decoded value to the byte of its raw span, counted from the span's start.
    fn raw_map<'l>(&self, leaf: &'l Leaf<'_>) -> impl Fn(usize) -> usize + use<'l> {
        let raw = self.raw.as_ref().filter(|_| leaf.value.len() != leaf.span.len()).cloned();
        let (map, escapes) = (OnceCell::new(), self.escapes);
        move |at| {
            let Some(raw) = raw.as_ref().and_then(|raw| raw.get(leaf.span.clone())) else { return at };
            // Most leaves have nothing whose place is asked for.
            map.get_or_init(|| offsets::runs(raw, &leaf.value, escapes)).origin(at)
        }
    }
}

/// Whether an individual's value is looked through besides: a name with a number in it, a number among words, and what is
/// no value of its kind.
fn has_more(field: &Field, value: &str) -> bool {
    !matches!(field.whose, Whose::Provider | Whose::Organisation)
        && ((is_name(field.kind) && has_number(value))
            || (is_number(field.kind) && value.split_whitespace().nth(3).is_some())
            || cannot_be(field.kind, value.trim()))
}

/// Whether what should be the id of a resource, or leads to it by one, begins with the word for a record number.
fn says_record(field: &Field, value: &str) -> bool {
    field.kind == Kind::ResourceId && {
        let id = value.rsplit('/').next().unwrap_or_default();
        id.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("mrn"))
            && id.bytes().filter(u8::is_ascii_digit).count() >= RECORD_DIGITS_MIN
    }
}

/// Whether three digits stand in a row.
fn has_number(value: &str) -> bool {
    value.as_bytes().windows(3).any(|three| three.iter().all(u8::is_ascii_digit))
}

/// Whether a reference by search leads to somebody or something that is no individual: `Practitioner?identifier=…`.
fn leads_to_nobody(reference: &str) -> bool {
    let Some((path, _)) = reference.split_once('?') else { return false };
    NOBODYS_RESOURCES.contains(&path.rsplit('/').next().unwrap_or_default())
}

/// A record number has so many digits.
const RECORD_DIGITS_MIN: usize = 5;
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

/// So many bytes of a document have one piece of evidence, or more.
const EVIDENCE_BYTES: usize = 96;
/// So many pieces there is room for at once.
const EVIDENCE_FIRST: usize = 512;
/// People of one message that are told apart; further ones are counted with the last.
const PERSONS_MAX: u32 = 1 << 20;
/// Codes shorter than this hold nothing that a detector could find.
const CODE_SCANNED_FROM: usize = 9;
