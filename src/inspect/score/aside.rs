//! What a text carries: documents, JSON, messages of HL7v2, searches, and what is packed in base64 or hex. Each becomes a
//! carrier, to be walked by itself.

use super::{Carrier, NOBODYS_RESOURCES, Scorer, leads_to_nobody};
use crate::inspect::disguise::Plain;
use crate::inspect::embedded::{self, Packing};
use crate::inspect::finding::UninspectedReason;
use crate::inspect::walk::fhir;
use crate::inspect::walk::json::{JSON_DEPTH_MAX, NodeId, Tape};
use crate::inspect::walk::{Leaf, PersonId, Reads};
use crate::inspect::{QUERY_TYPE, url, wrapped, written};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// A text, whose it is, and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) person: PersonId,
    /// Where the leaf starts that has it, in the document that is walked.
    pub(super) start: usize,
    /// How far behind that each byte of the text stands.
    pub(super) origin: &'a dyn Fn(usize) -> usize,
    pub(super) place: &'a dyn Fn() -> String,
}

impl<'a> Source<'a> {
    /// A leaf's text.
    pub(super) fn of(
        leaf: &Leaf<'_>,
        text: &'a str,
        origin: &'a dyn Fn(usize) -> usize,
        place: &'a dyn Fn() -> String,
    ) -> Self {
        Self { text, person: leaf.person, start: leaf.span.start, origin, place }
    }

    fn get(&self, run: &Range<usize>) -> &'a str {
        self.text.get(run.clone()).unwrap_or_default()
    }

    fn at(&self, at: usize) -> usize {
        self.start + (self.origin)(at)
    }

    fn span(&self, run: &Range<usize>) -> Range<usize> {
        self.at(run.start)..self.at(run.end)
    }
}

/// A text with blanks in these places.
fn blanked<'t>(text: &'t str, places: &[Range<usize>]) -> Cow<'t, str> {
    let mut out = Cow::Borrowed(text);
    for place in places {
        out.to_mut().replace_range(place.clone(), &" ".repeat(place.len()));
    }
    out
}

/// Strings of programs one in the other that JSON is read out of, as logs of logs have it.
const STRINGS_MAX: usize = 4;

impl Scorer<'_> {
    /// Makes carriers of what a text carries, and gives the text with blanks for what is packed: encoded text has any
    /// shape at random.
    pub(super) fn set_aside(&mut self, source: Source<'_>) -> Option<String> {
        let text = source.text;
        let mut nobodys = Vec::new();
        let told = self.carry_objects(source, &mut nobodys, STRINGS_MAX)
            | self.carry_messages(source)
            | self.carry_documents(source);
        let base64 = embedded::base64_runs(text).into_iter().map(|run| (run, Packing::Base64));
        let hex = embedded::hex_runs(text).into_iter().map(|run| (run, Packing::Hex));
        let runs: Vec<_> = base64.chain(hex).collect();
        if runs.is_empty() && nobodys.is_empty() {
            // What was carried is looked through where it stands, too: who is named beside it may be whose it is.
            return told.then(|| text.to_owned());
        }
        let mut rest = blanked(text, &nobodys).into_owned();
        for (run, packing) in runs {
            let packed = source.get(&run).to_owned();
            let leaf = carried(source.person, Reads::Text);
            self.carry(&leaf, packed, packing, source.span(&run), None, source.place);
            rest.replace_range(run.clone(), &" ".repeat(run.len()));
        }
        Some(rest)
    }

    /// Makes carriers of the JSON in a text whose keys tell of an individual, as it is, and in `strings` strings of programs
    /// one in the other. Gives whether there was such, and tells of those that are nobody's where they stand.
    fn carry_objects(&mut self, source: Source<'_>, nobodys: &mut Vec<Range<usize>>, strings: usize) -> bool {
        if memchr::memchr(b'{', source.text.as_bytes()).is_none() {
            return false;
        }
        let runs = self.carry_json(source, nobodys);
        let rest = blanked(source.text, &runs);
        let Some(plain) = Plain::unquoted(&rest) else { return !runs.is_empty() };
        if strings == 0 {
            let place = (source.place)();
            self.unread(UninspectedReason::TooDeep, "application/json", place);
            return !runs.is_empty();
        }
        let origin = |at| (source.origin)(plain.origin(at));
        // Places in what was undone are none of the text's.
        let mut elsewhere = Vec::new();
        let inside = Source { text: plain.text(), origin: &origin, ..source };
        self.carry_objects(inside, &mut elsewhere, strings - 1) | !runs.is_empty()
    }

    /// The objects that it made carriers of.
    fn carry_json(&mut self, source: Source<'_>, nobodys: &mut Vec<Range<usize>>) -> Vec<Range<usize>> {
        let mut carried = Vec::new();
        for run in embedded::json_runs(source.text) {
            let object = source.get(&run);
            let Ok(tape) = Tape::read(object.as_bytes(), JSON_DEPTH_MAX) else { continue };
            if self.tells_of_somebody(object, &tape) {
                self.carry_piece(source, &run, Reads::Text);
                if is_nobodys(&tape) {
                    nobodys.push(run.clone());
                }
                carried.push(run);
            }
        }
        carried
    }

    /// Makes carriers of the XML and X12 in a text, as they are, and in strings of programs one in the other. Gives whether
    /// there was such.
    pub(super) fn carry_documents(&mut self, source: Source<'_>) -> bool {
        self.carry_documents_in(source, STRINGS_MAX)
    }

    fn carry_documents_in(&mut self, source: Source<'_>, strings: usize) -> bool {
        let found = embedded::documents(source.text);
        found.runs.iter().for_each(|run| self.carry_piece(source, run, Reads::Text));
        if found.is_cut {
            let place = (source.place)();
            self.unread(UninspectedReason::Budget, "application/xml", place);
        }
        let rest = blanked(source.text, &found.runs);
        let is_found = !found.runs.is_empty();
        if memchr::memmem::find(rest.as_bytes(), b"=\\").is_none() {
            return is_found;
        }
        let Some(plain) = Plain::unquoted(&rest) else { return is_found };
        if strings == 0 {
            if memchr::memmem::find(rest.as_bytes(), b"xmlns=\\").is_some() {
                let place = (source.place)();
                self.unread(UninspectedReason::TooDeep, "application/xml", place);
            }
            return is_found;
        }
        let origin = |at| (source.origin)(plain.origin(at));
        self.carry_documents_in(Source { text: plain.text(), origin: &origin, ..source }, strings - 1)
            | is_found
    }

    /// Makes carriers of the HL7v2 in a text. Gives whether there was such.
    fn carry_messages(&mut self, source: Source<'_>) -> bool {
        let messages = written::messages(source.text);
        let found = !messages.is_empty();
        for message in messages {
            let origins = message.origins.iter().map(|at| self.spot(source.at(*at))).collect();
            let (leaf, span) = (carried(source.person, Reads::Text), source.span(&message.span));
            self.carry(&leaf, message.text, Packing::Plain, span, Some(origins), source.place);
        }
        found
    }

    /// Makes carriers of the searches in a text whose parameters tell of an individual. Gives whether there was such.
    pub(super) fn carry_searches(&mut self, source: Source<'_>) -> bool {
        let mut found = false;
        for search in written::searches(source.text) {
            if self.searches_for_somebody(source.get(&search.span)) {
                found = true;
                self.carry_piece(source, &search.span, Reads::Base64(QUERY_TYPE));
            }
        }
        found
    }

    /// Makes a carrier of what stands in a text as it is.
    fn carry_piece(&mut self, source: Source<'_>, run: &Range<usize>, reads: Reads<'_>) {
        let origins = (run.start..=run.end).map(|at| self.spot(source.at(at))).collect();
        let (leaf, piece) = (carried(source.person, reads), source.get(run).to_owned());
        self.carry(&leaf, piece, Packing::Plain, source.span(run), Some(origins), source.place);
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

    /// Whether JSON is a resource of FHIR, has two keys and more that name what only an individual has, or holds JSON in
    /// a string.
    fn tells_of_somebody(&self, object: &str, tape: &Tape<'_>) -> bool {
        let keys = || tape.nodes().filter_map(|node| tape.key(node));
        fhir::recognise(tape)
            || wrapped::holds_any(tape, self.rules)
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
        // In what was decoded no byte has a place of its own: each value stands where the outer carrier does.
        let origins = origins.filter(|_| self.inside.as_ref().is_none_or(|i| i.as_is));
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
            is_guess: !matches!(leaf.reads, Reads::Base64(_) | Reads::Hex(_)),
            depth,
            origins,
        });
    }
}

/// Whether a resource of FHIR or a message of Redox is a provider's or a place's: read as such, its names and phones are no
/// patient's, as they would be in a text.
fn is_nobodys(tape: &Tape<'_>) -> bool {
    let model = || tape.string(tape.get(NodeId::ROOT, "Meta")?, "DataModel");
    tape.string(NodeId::ROOT, "resourceType").is_some_and(|kind| NOBODYS_RESOURCES.contains(&&*kind))
        || model().is_some_and(|model| NOBODYS_MODELS.contains(&&*model))
}

/// Models of Redox that tell of nobody but providers and places.
const NOBODYS_MODELS: &[&str] = &["Provider", "Organization"];

/// Whom a piece of a text that is a carrier belongs to; of its kind nothing is declared but how it reads.
pub(super) fn carried(person: PersonId, reads: Reads<'_>) -> Leaf<'_> {
    Leaf { span: 0..0, value: "".into(), field: None, person, reads, cue: "" }
}
