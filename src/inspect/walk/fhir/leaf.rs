//! One leaf: its row, its person, how it reads.

use super::super::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use super::super::{Declared, Ends, Leaf, PersonId, Reads};
use super::context::{Frame, Scope};
use super::names::{Class, Name};
use super::paths::Path;
use super::people::Target;
use super::table::{Carry, Phrase, Row, Step, words_of};
use super::{Walk, place};
use crate::inspect::check::{date, ssn};
use crate::inspect::field::{Field, listed};
use crate::inspect::kind::{Kind, Points, Whose};
use crate::inspect::marker::Sign;
use std::borrow::Cow;

/// Members of a value's object that conditions ask for.
#[derive(Clone, Copy)]
pub(super) struct Beside {
    kind: Option<NodeId>,
    system: Option<NodeId>,
    assigner: Option<NodeId>,
}

impl<'t, 'd> Walk<'t, 'd, '_> {
    #[inline]
    pub(super) fn leaf(&mut self, id: NodeId, name: Name, unknown: bool, above: &Frame, frames: &[Frame]) {
        let path = self.paths.step(above.path, Step { name, url: Name::UNKNOWN });
        if !self.passed.again(self.tape, id, path) {
            self.new_leaf(id, path, (name, unknown), above, frames);
        }
    }

    // By itself, so that the loop over all values stays small.
    #[inline(never)]
    fn new_leaf(
        &mut self,
        id: NodeId,
        path: Path,
        (name, unknown): (Name, bool),
        above: &Frame,
        frames: &[Frame],
    ) {
        let uncovered = self.paths.uncovered(path);
        let alone = uncovered.filter(|_| !unknown).and_then(|class| self.alone(id, class));
        if let Some((reads, value)) = alone {
            if self.sink.passes_over(reads, value) {
                self.passed.keep(self.tape, id, path);
                return;
            }
            if !self.sink.asks_whose() {
                self.repeats.stir();
                return self.tell_alone(id, reads, value);
            }
        }
        let value = self.tape.value(id);
        let class = if unknown { Class::Unknown } else { self.table.names.class(name) };
        let led;
        let mut frame = above;
        let coding = class == Class::Display && self.is_coding(above);
        if coding {
            led = Frame { target: Target::None, ..*above };
            frame = &led;
        } else if matches!(class, Class::Display | Class::Reference) {
            let lead = self.lead(above);
            let scope = self.scope_of(lead, above);
            led = Frame { target: lead.target, scope, person: lead.person.or(above.person), ..*above };
            frame = &led;
        } else if above.scope == Scope::Definition && self.table.words.is_contact(name) {
            self.repeats.stir();
            led = Frame { scope: Scope::Provider, ..*above };
            frame = &led;
        }
        // Whether what is told of the value, and that it is told, follows from the object around it, its path and its side: of
        // a Coding no row for References holds.
        let settled = alone.is_some()
            || coding
                && !unknown
                && !self.table.names.is_choice(name)
                && self.tape.element(id).is_none()
                && self.paths.rows(path).all(|row| !row.field.when.reference.is_empty());
        let plain = match self.tape.kind(id) {
            NodeKind::Bool => Reads::Code,
            NodeKind::Number if class == Class::Unknown => Reads::Text,
            NodeKind::Number => Reads::Quantity,
            _ => self.plain(class, coding, &value, above),
        };
        let row = match uncovered {
            Some(_) => None,
            None => self.row(path, name, &value, plain, frame, frames),
        };
        // A row for any text or date says less than a label.
        let says_little =
            |row: &Row| matches!(row.carry, Carry::Text | Carry::Value) && row.field.points <= SAYS_LITTLE;
        let asks = row.is_none_or(says_little);
        let labelled = if asks { self.labelled(id, (name, unknown), &value, frame, frames) } else { None };
        let row = row.filter(|_| labelled.is_none());
        let reads = match row.map_or(if labelled.is_some() { Reads::Value } else { plain }, carried) {
            // A reference that searches says whom by name or number.
            Reads::Value if plain == Reads::Query => Reads::Query,
            // Whom a provider's or a definition's words name is in public.
            Reads::Text | Reads::Xhtml if matches!(frame.scope, Scope::Provider | Scope::Definition) => {
                Reads::Public
            }
            reads => reads,
        };
        let field = row.map(|row| &row.field).or(labelled);
        if field.is_none() && alone.is_none() && self.sink.passes_over(reads, &value) {
            if !settled {
                self.repeats.stir();
            }
            return;
        }
        let person = self.whose(row, frame);
        if settled && field.is_none() && reads == Reads::Code {
            let made = self.sink.made();
            self.tell(id, field, person, reads, value, frames);
            let is_quiet = made.is_some() && made == self.sink.made();
            return self.repeats.spoke(is_quiet);
        }
        self.repeats.stir();
        self.tell(id, field, person, reads, value, frames);
    }

    /// How a value reads that no row covers, and it, where its element alone says so, whosesoever it is: most are codes,
    /// numbers and times. `None` where more is to be looked at.
    fn alone(&self, id: NodeId, class: Class) -> Option<(Reads<'static>, &'d str)> {
        if class == Class::Unknown {
            return None;
        }
        let value = self.tape.plain_value(id)?;
        let reads = match (self.tape.kind(id), class) {
            (NodeKind::Bool, _) => Reads::Code,
            (NodeKind::Number, _) => Reads::Quantity,
            (_, Class::Code) => Reads::Code,
            (_, Class::Uri) if memchr::memchr(b'?', value.as_bytes()).is_none() => Reads::Code,
            (_, Class::Time) if is_time(value) => Reads::Time,
            (_, Class::Opaque) => Reads::Opaque,
            _ => return None,
        };
        Some((reads, value))
    }

    /// Tells a value that no row covers to a sink to which it makes no difference whose it is.
    fn tell_alone(&mut self, id: NodeId, reads: Reads<'static>, value: &str) {
        let is_number = reads == Reads::Quantity;
        let cue = if is_number { self.key_of(id) } else { Cow::Borrowed("") };
        let (doc, told) = (self.doc, &self.told);
        let (span, value, person) = (self.tape.span(id), Cow::Borrowed(value), PersonId::NOBODY);
        let leaf = Leaf { span, value, field: None, person, reads, cue: &cue };
        let place = || place::place(doc, id, told);
        let names = if is_number { place::names(doc, id) } else { None };
        match names {
            Some((above, element)) => {
                self.sink.number_in(&leaf, Ends { above: &above, element: &element }, &place);
            }
            None => self.sink.leaf(&leaf, &place),
        }
    }

    fn tell(
        &mut self,
        id: NodeId,
        field: Option<&'t Field>,
        person: PersonId,
        reads: Reads<'static>,
        value: Cow<'_, str>,
        frames: &[Frame],
    ) {
        let above = frames.last().unwrap_or(&Frame::OUTSIDE);
        self.announce();
        let (tape, table) = (self.tape, self.table);
        let doc = self.doc;
        let told = &self.told;
        let place = || place::place(doc, id, told);
        if field.is_some_and(|field| field.kind == Kind::DeclaredMode) {
            self.sink.declared(Declared::Test, &place);
        }
        let media = match reads {
            Reads::Base64("") => self.doc.string(above.object, table.words.content_type),
            _ => None,
        };
        let reads = match &media {
            Some(media) => Reads::Base64(media),
            None => reads,
        };
        let cue = self.cue(id, reads == Reads::Text, above, frames);
        self.sink.leaf(&Leaf { span: tape.span(id), value, field, person, reads, cue: &cue }, &place);
    }

    /// How a string reads where no row covers it.
    fn plain(&self, class: Class, coding: bool, value: &str, above: &Frame) -> Reads<'static> {
        match class {
            Class::Code => Reads::Code,
            Class::Uri | Class::Reference if value.contains('?') => Reads::Query,
            Class::Uri => Reads::Code,
            Class::Time if is_time(value) => Reads::Time,
            Class::Opaque | Class::Reference => Reads::Opaque,
            Class::Display if coding => Reads::Code,
            Class::Base64 if self.doc.get(above.object, self.table.words.origin).is_some() => {
                if is_sampled(value) { Reads::Quantity } else { Reads::Text }
            }
            Class::Base64 => Reads::Base64(""),
            Class::Xhtml => Reads::Xhtml,
            Class::Structure
            | Class::Time
            | Class::Quantity
            | Class::Display
            | Class::Text
            | Class::Unknown => Reads::Text,
        }
    }

    /// The best row whose conditions hold.
    fn row(
        &self,
        path: Path,
        name: Name,
        value: &str,
        plain: Reads<'_>,
        frame: &Frame,
        frames: &[Frame],
    ) -> Option<&'t Row> {
        self.paths.rows(path).find(|row| {
            let holds = match row.field.whose {
                Whose::Patient | Whose::Relative => frame.scope == Scope::Own,
                _ => true,
            };
            holds
                && (row.carry != Carry::Public || plain == Reads::Text)
                && (!row.conditional || self.meets(row, name, value, frame, frames))
        })
    }

    fn meets(&self, row: &Row, name: Name, value: &str, frame: &Frame, frames: &[Frame]) -> bool {
        let when = &row.field.when;
        (when.reference.is_empty() || leads(row, frame.target))
            && (when.types.is_empty() || self.is_typed(row, name, value, frame, frames))
            && (when.systems.is_empty() || self.is_of_system(row, frame))
    }

    fn is_typed(&self, row: &Row, name: Name, value: &str, frame: &Frame, frames: &[Frame]) -> bool {
        let (tape, words, types) = (self.tape, &self.table.words, &row.field.when.types);
        if name == words.code {
            return listed(types, value);
        }
        let coded = self.beside(frame.object).kind.is_some_and(|kind| match tape.kind(kind) {
            NodeKind::String => listed(types, &tape.value(kind)),
            NodeKind::Object => {
                let text = self.doc.string(kind, words.text);
                let codings =
                    self.doc.get(kind, words.coding).into_iter().flat_map(|list| tape.children(list));
                text.is_some_and(|text| listed(types, &text))
                    || codings
                        .take(MEMBERS_LOOKED_AT_MAX)
                        .filter_map(|coding| self.doc.string(coding, words.code))
                        .any(|code| listed(types, &code))
            }
            _ => false,
        });
        coded
            || types.iter().any(|word| match word.as_str() {
                "=year" => value.len() == 4 && value.bytes().all(|c| c.is_ascii_digit()),
                "=identifier" => {
                    let id = value.rsplit(['/', ':', '#']).next().unwrap_or_default();
                    !is_uuid(id)
                        && (says_who(id)
                            || frame.person.is_some_and(|person| self.people.is_identifier_of(id, person)))
                }
                _ => false,
            })
            || self.is_labelled(&row.labels, frames)
    }

    fn is_of_system(&self, row: &Row, frame: &Frame) -> bool {
        let tape = self.tape;
        let beside = self.beside(frame.object);
        if beside.system.is_some_and(|system| listed(&row.field.when.systems, &tape.value(system))) {
            return true;
        }
        if row.assigners.is_empty() {
            return false;
        }
        let assigner =
            beside.assigner.and_then(|assigner| self.doc.string(assigner, self.table.words.display));
        assigner.is_some_and(|display| {
            let label = words_of(&display);
            row.assigners.iter().any(|phrase| phrase.meets(&label))
        })
    }

    /// What conditions ask of an object: looked for once.
    fn beside(&self, object: NodeId) -> Beside {
        if let Some((known, beside)) = self.beside.get()
            && known == object
        {
            return beside;
        }
        let (tape, words) = (self.tape, &self.table.words);
        let mut beside = Beside { kind: None, system: None, assigner: None };
        if tape.kind(object) == NodeKind::Object {
            for member in tape.children(object).take(MEMBERS_LOOKED_AT_MAX) {
                let found = match self.doc.key(member) {
                    key if key == words.kind => &mut beside.kind,
                    key if key == words.system => &mut beside.system,
                    key if key == words.assigner => &mut beside.assigner,
                    _ => continue,
                };
                found.get_or_insert(member); // the first counts
            }
        }
        beside.system = beside.system.filter(|system| tape.kind(*system) == NodeKind::String);
        self.beside.set(Some((object, beside)));
        beside
    }

    /// Whether the label of the open form item, or the name of the open parameter, meets one of the phrases.
    fn is_labelled(&self, phrases: &[Phrase], frames: &[Frame]) -> bool {
        if phrases.is_empty() {
            return false;
        }
        let words = &self.table.words;
        let labelled = [words.item, words.parameter, words.part];
        let Some(item) = frames.iter().rev().find(|frame| labelled.contains(&frame.name)) else {
            return false;
        };
        let keys: &[Name] =
            if item.name == words.item { &[words.text, words.link_id] } else { &[words.name] };
        let mut read = self.labels.borrow_mut();
        if read.as_ref().is_none_or(|(object, _)| *object != item.object) {
            let labels = keys.iter().filter_map(|key| self.doc.string(item.object, *key));
            *read = Some((item.object, labels.map(|label| words_of(&label)).collect()));
        }
        let labels = read.as_ref().map_or(&[][..], |(_, labels)| labels);
        labels.iter().any(|label| phrases.iter().any(|phrase| phrase.meets(label)))
    }

    /// Whether a `display` is of a Coding rather than of a Reference.
    fn is_coding(&self, frame: &Frame) -> bool {
        let words = &self.table.words;
        let has = |key| self.doc.get(frame.object, key).is_some();
        if has(words.reference) {
            return false;
        }
        has(words.code)
            || has(words.system)
            || (!has(words.kind) && !has(words.identifier) && self.table.words.is_coding(frame.name))
            || frame.scope == Scope::Definition
    }

    fn whose(&mut self, row: Option<&Row>, frame: &Frame) -> PersonId {
        match row.map(|row| row.field.whose) {
            Some(Whose::Provider | Whose::Organisation) => PersonId::NOBODY,
            Some(Whose::Relative) if frame.person.is_none() => match frame.resource {
                Some(facts) if facts.kind != self.table.words.related_person => {
                    self.people.relative_of_resource(facts.number)
                }
                _ => self.person(frame),
            },
            _ => self.person(frame),
        }
    }
}

/// Whether what a Reference leads to is of a type that the row asks for.
fn leads(row: &Row, target: Target) -> bool {
    match target {
        Target::None => false,
        Target::Unknown => row.leads_anywhere,
        Target::Resource(kind) => row.kinds.contains(&kind),
    }
}

/// How a row says that its value reads.
fn carried(row: &Row) -> Reads<'static> {
    match row.carry {
        Carry::Value => Reads::Value,
        Carry::Text => Reads::Text,
        Carry::Xhtml => Reads::Xhtml,
        Carry::Base64 => Reads::Base64(""),
        Carry::Base64Query => Reads::Base64("text/x-fhir-query"),
        Carry::Query => Reads::Query,
        Carry::Code => Reads::Code,
        Carry::Public => Reads::Public,
    }
}

/// Whether every character may stand in a FHIR date, time or instant, the first of them a digit.
fn is_time(value: &str) -> bool {
    value.len() <= TIME_BYTES_MAX
        && value.bytes().next().is_some_and(|c| c.is_ascii_digit())
        && value.bytes().all(|c| IS_OF_A_TIME.get(c as usize).copied().unwrap_or(false))
}

/// Whether it is SampledData: numbers, and E, L and U for what couldn't be measured.
fn is_sampled(value: &str) -> bool {
    value.bytes().all(|c| {
        c.is_ascii_digit() || c.is_ascii_whitespace() || matches!(c, b'-' | b'.' | b'E' | b'L' | b'U')
    })
}

/// Whether an id is not opaque: a social security number in its groups, a record number that says so, or a name and a
/// date (`541-72-6638`, `MRN-4471902`, `okafor-darnell-19620622`).
fn says_who(id: &str) -> bool {
    let digits = |part: &str, count: usize| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = id.split(['-', '_', '.']);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(area), Some(group), Some(serial), None) if digits(area, 3) => {
            digits(group, 2) && digits(serial, 4) && ssn::sign(id) == Sign::None
        }
        (Some(word), Some(number), None, None) if word.eq_ignore_ascii_case("mrn") => {
            (4..=12).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit())
        }
        (Some(family), Some(given), Some(date), None) => {
            let is_word = |word: &str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphabetic());
            is_word(family) && is_word(given) && digits(date, 8) && date::parse(date).is_some()
        }
        _ => false,
    }
}

/// 8-4-4-4-12 hexadecimal digits.
fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == b'-',
            _ => c.is_ascii_hexdigit(),
        })
}

/// Digits and what stands between them in a time, by their bytes.
static IS_OF_A_TIME: [bool; 256] = {
    let (mut is, mut at) = ([false; 256], 0);
    while at < 256 {
        let c = at as u8;
        is[at] = c.is_ascii_digit() || matches!(c, b'-' | b':' | b'T' | b'Z' | b'+' | b'.');
        at += 1;
    }
    is
};
const SAYS_LITTLE: Points = Points(10);
/// The longest FHIR instant has 35 characters; a little more for fractions.
const TIME_BYTES_MAX: usize = 40;
