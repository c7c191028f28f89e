//! One leaf: its row, its person, how it reads.

use super::super::xml::NodeId;
use super::super::{Leaf, PersonId, Reads};
use super::Walk;
use super::frame::Owner;
use super::names::{Class, Name};
use super::path::Aim;
use super::paths::PathId;
use super::table::{Carry, Seen};
use crate::inspect::field::Field;
use crate::inspect::kind::Whose;
use std::borrow::Cow;
use std::ops::Range;

/// A value on its way to the sink.
pub(super) struct Told<'a> {
    pub(super) span: Range<usize>,
    pub(super) value: Cow<'a, str>,
    pub(super) row: Option<&'a Field>,
    pub(super) reads: Reads<'a>,
    pub(super) cue: &'a str,
    /// What hangs on the element's place: `@value`, `comment()`.
    pub(super) rest: &'a str,
}

impl<'t> Walk<'t, '_, '_> {
    pub(super) fn attribute(&mut self, id: NodeId) {
        let (tape, table) = (self.tape, self.table);
        let Some(top) = self.frames.last() else { return };
        let (element, unknown, path) = (top.node, top.unknown, top.path);
        let called = *self.called(id);
        let local = called.local;
        // Names of declarations have a prefix, or one that is no attribute's.
        let declaration = called.declares && (called.class.is_none() || !called.is_plain);
        if called.class.is_none() && !declaration {
            self.told += 1;
            let person = self.owner();
            let (frames, names, places) = (&self.frames, &table.names, &self.places);
            self.sink
                .unknown_key(tape.name(id), tape.name_span(id), person, &|| places.of(frames, names, "@*"));
        }
        let value = tape.value(id);
        if value.is_empty() {
            return;
        }
        let plain = match called.class {
            _ if declaration => Reads::Opaque,
            _ if unknown => Reads::Text,
            // The term of a published code: what it says of patients is said of all.
            Some(_) if local == table.words.display_name && self.is_term(element) => Reads::Opaque,
            Some(class) => self.plain(local, class, &value),
            None => Reads::Text,
        };
        let aim = if called.class.is_some() { local } else { Name::UNKNOWN };
        let telecom = local == table.words.value && self.innermost() == table.words.telecom;
        let row = match self.paths.may_cover(path, aim) {
            true => self.attribute_row(element, aim, if telecom { Some(&value) } else { None }, plain),
            false => None,
        };
        if row.is_none() && self.is_passed_over(plain, &value) {
            return;
        }
        let reads = self.carried(row.map(|(_, carry)| carry), plain);
        let row = row.map(|(row, _)| row);
        let rest = if called.class.is_some() { table.names.attribute_word(local) } else { "@*" };
        // The number is what is the person's, not the scheme of its URL.
        let skipped = if telecom && row.is_some() && value == tape.raw(id) { scheme(&value) } else { 0 };
        let value = match (skipped, &value) {
            (0, _) => value,
            (_, value) => Cow::Owned(value.get(skipped..).unwrap_or_default().to_owned()),
        };
        let span = tape.span(id);
        let span = span.start + skipped..span.end;
        self.tell(Told { span, value, row, reads, cue: "", rest });
    }

    /// The row that covers an attribute of the innermost element, which is `element`; of a telecom's value the value is asked.
    fn attribute_row(
        &mut self,
        element: NodeId,
        aim: Name,
        telecom: Option<&Cow<'t, str>>,
        plain: Reads<'_>,
    ) -> Option<(&'t Field, Carry)> {
        let (path, name, owner) = self.standing()?;
        let found = self.paths.find(path, Aim::Attribute(aim), name);
        let rows = self.paths.found(found);
        if rows.is_empty() {
            return None;
        }
        let words = &self.table.words;
        let asks = |list: fn(&Field) -> &Vec<String>| rows.iter().any(|(row, _)| !list(row).is_empty());
        let other = |name: Name| self.attr(element, name).unwrap_or_default();
        let system = if asks(|row| &row.when.systems) { other(words.root) } else { Cow::Borrowed("") };
        let kind = match telecom {
            Some(value) => value.clone(),
            None if asks(|row| &row.when.types) => other(words.authority),
            None => Cow::Borrowed(""),
        };
        let is_text = matches!(plain, Reads::Text | Reads::Public);
        let seen = Seen { system: system.trim(), kind: kind.trim(), is_text };
        seen.row(rows, owner)
    }

    /// Whether a leaf without a row reads so that no person is asked of it, and the sink has nothing to ask of it either.
    fn is_passed_over(&self, reads: Reads<'_>, value: &str) -> bool {
        matches!(reads, Reads::Code | Reads::Opaque | Reads::Time | Reads::Quantity)
            && self.sink.passes_over(reads, value)
    }

    /// Path, name and owner of the innermost element.
    fn standing(&self) -> Option<(PathId, Name, Owner)> {
        self.frames.last().map(|top| (top.path, top.name, top.owner))
    }

    /// The number of the innermost element's name, whatever its namespace.
    fn innermost(&self) -> Name {
        self.frames.last().map_or(Name::UNKNOWN, |top| top.local)
    }

    /// How an attribute reads where no row covers it.
    fn plain(&self, attribute: Name, class: Class, value: &str) -> Reads<'static> {
        let words = &self.table.words;
        let element = || self.innermost();
        let is_query = || value.contains('?');
        let by_class = match attribute {
            // Those of which more is asked are of the class of texts.
            _ if class == Class::Code => Reads::Code,
            at if at == words.value && element() == words.telecom => Reads::Text,
            at if at == words.value
                && element() == words.reference
                && value.starts_with('#')
                && is_opaque(value) =>
            {
                Reads::Opaque
            }
            at if (at == words.value || at == words.href) && is_query() => Reads::Query,
            at if at == words.value => by_shape(value),
            at if at == words.extension && words.is_machines_id(element()) && is_opaque(value) => {
                Reads::Opaque
            }
            // Of a document, an order, a consent; those of persons and acts have rows.
            at if at == words.extension && element() == words.id && self.is_documents() => Reads::Opaque,
            _ => match class {
                Class::Code => Reads::Code,
                Class::Opaque if is_opaque(value) => Reads::Opaque,
                Class::Opaque | Class::Text => Reads::Text,
            },
        };
        match by_class {
            Reads::Text if self.is_nobodys() => Reads::Public,
            reads => reads,
        }
    }

    /// Whether an element is a code of a published terminology.
    fn is_term(&self, element: NodeId) -> bool {
        let words = &self.table.words;
        let system = self.attr(element, words.code_system);
        system.is_some_and(|system| self.table.names.is_terminology(&system))
            && self.calls.attribute(self.tape, element, words.code).is_some()
    }

    /// Whether what the innermost element says is said of the document rather than of a person.
    fn is_documents(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.owner == Owner::Patient && !frame.of_target)
    }

    fn is_nobodys(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.owner == Owner::Nobody)
    }

    /// A text outside the narrative.
    pub(super) fn plain_text(&mut self, id: NodeId) {
        let table = self.table;
        let Some((element, name, unknown)) = self.frames.last().map(|f| (f.node, f.name, f.unknown)) else {
            return;
        };
        let words = &table.words;
        let base64 = self.attr(element, words.representation).is_some_and(|r| r.trim() == "B64");
        let media = self.attr(element, words.media_type).unwrap_or_default();
        let plain = match () {
            () if base64 => Reads::Base64(media.trim()),
            () if !unknown && table.names.is_code(name) => Reads::Code,
            () => Reads::Text,
        };
        let seen = Seen { is_text: plain == Reads::Text, ..Seen::default() };
        let row = self.standing().and_then(|(path, name, owner)| {
            let rows = self.paths.rows(path, Aim::Element, name);
            seen.row(rows, owner)
        });
        let reads = match row.map(|(_, carry)| carry) {
            _ if base64 => plain,
            carry => self.carried(carry, plain),
        };
        let cue = if reads == Reads::Text { self.question() } else { Cow::Borrowed("") };
        let (span, value) = self.trimmed(id);
        self.tell(Told { span, value, row: row.map(|(row, _)| row), reads, cue: &cue, rest: "" });
    }

    pub(super) fn comment(&mut self, id: NodeId) {
        self.flush();
        let (span, value) = self.trimmed(id);
        let row = self.table.comment();
        self.tell(Told { span, value, row, reads: Reads::Text, cue: "", rest: "comment()" });
    }

    /// A text without the blanks around it.
    pub(super) fn trimmed(&self, id: NodeId) -> (Range<usize>, Cow<'t, str>) {
        let tape = self.tape;
        let (raw, span) = (tape.raw(id), tape.span(id));
        let from = raw.trim_ascii_start();
        let plain = from.trim_ascii_end();
        let start = (span.start + raw.len() - from.len()).min(span.end);
        let end = span.end.saturating_sub(from.len() - plain.len()).max(span.start);
        if start >= end {
            return (start..start, Cow::Borrowed(""));
        }
        let value = match tape.value(id) {
            Cow::Borrowed(_) => Cow::Borrowed(plain),
            Cow::Owned(value) => Cow::Owned(value.trim_ascii().to_owned()),
        };
        (start..end, value)
    }

    /// What an observation asks: its code in words.
    fn question(&self) -> Cow<'t, str> {
        let (tape, words) = (self.tape, &self.table.words);
        let [.., asks, value] = self.frames.as_slice() else { return Cow::Borrowed("") };
        if value.local != words.value {
            return Cow::Borrowed("");
        }
        let mut children = tape.elements(asks.node).take(CHILDREN_LOOKED_AT_MAX);
        let code = children.find(|child| self.local(*child) == words.code);
        code.and_then(|code| self.attr(code, words.display_name)).unwrap_or_default()
    }

    fn carried<'a>(&self, carry: Option<Carry>, plain: Reads<'a>) -> Reads<'a> {
        match carry {
            Some(Carry::Value) => Reads::Value,
            Some(Carry::Text | Carry::Narrative) => Reads::Text,
            Some(Carry::Public) => Reads::Public,
            Some(Carry::Base64) | None if plain == Reads::Text && self.is_nobodys() => Reads::Public,
            Some(Carry::Base64) | None => plain,
        }
    }

    /// Tells the sink one leaf of the innermost element.
    pub(super) fn tell(&mut self, told: Told<'_>) {
        if told.value.is_empty() {
            return;
        }
        let person = self.whose(told.row, told.reads);
        let (frames, names, places) = (&self.frames, &self.table.names, &self.places);
        let leaf = Leaf {
            span: told.span,
            value: told.value,
            field: told.row,
            person,
            reads: told.reads,
            cue: told.cue,
        };
        let made = self.sink.made();
        self.sink.leaf(&leaf, &|| places.of(frames, names, told.rest));
        if made.is_none() || self.sink.made() != made {
            self.told += 1;
        }
    }

    fn whose(&mut self, row: Option<&Field>, reads: Reads<'_>) -> PersonId {
        match (row.map(|row| row.whose), reads) {
            (Some(Whose::Provider | Whose::Organisation), _)
            | (None, Reads::Public | Reads::Opaque | Reads::Time) => PersonId::NOBODY,
            (None, Reads::Code | Reads::Quantity) => match self.frames.last().map(|frame| frame.owner) {
                Some(Owner::Person(person)) => person,
                Some(Owner::Patient) => self.patient.unwrap_or(PersonId::NOBODY),
                _ => PersonId::NOBODY,
            },
            // Of any, in what is a provider's: somebody may have written the patient there.
            (Some(Whose::Any), _) if self.is_nobodys() => self.patient(),
            _ => self.owner(),
        }
    }
}

/// How the value of a quantity, a time, a flag reads.
fn by_shape(value: &str) -> Reads<'static> {
    let value = value.trim();
    let bytes = || value.bytes();
    if value == "true" || value == "false" {
        return Reads::Code;
    }
    let digits = bytes().filter(u8::is_ascii_digit).count();
    let is_date = matches!(value.len(), 8 | 12 | 14) && digits == value.len();
    if is_date && (value.starts_with("19") || value.starts_with("20")) {
        return Reads::Time;
    }
    if digits > 0 && value.len() <= NUMBER_BYTES_MAX {
        let sign = usize::from(value.starts_with(['+', '-']));
        if bytes().skip(sign).all(|c| c.is_ascii_digit() || c == b'.') {
            return Reads::Quantity;
        }
    }
    let is_time = digits >= 4
        && value.len() <= TIME_BYTES_MAX
        && bytes().next().is_some_and(|c| c.is_ascii_digit())
        && bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'+' | b'-'));
    if is_time { Reads::Time } else { Reads::Text }
}

/// Whether it may be an OID, a UUID, a date of a template, a name inside the document.
fn is_opaque(value: &str) -> bool {
    let are_of_one =
        |bytes: &[u8]| bytes.iter().fold(true, |all, byte| all & OPAQUE_BYTES[usize::from(*byte)]);
    let (eights, rest) = value.as_bytes().as_chunks::<8>();
    value.len() <= OPAQUE_BYTES_MAX && eights.iter().all(|eight| are_of_one(eight)) && are_of_one(rest)
}

/// How long the scheme of a telecom's URL is, with the blanks behind it.
fn scheme(value: &str) -> usize {
    let Some(colon) = value.find(':') else { return 0 };
    let word = value.get(..colon).unwrap_or_default().trim();
    if !SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(word)) {
        return 0;
    }
    let rest = value.get(colon + 1..).unwrap_or_default();
    colon + 1 + rest.len() - rest.trim_ascii_start().len()
}

/// Schemes of telephone numbers and mail addresses; those of pages belong to the page.
const SCHEMES: &[&str] = &["tel", "fax", "x-text-fax", "mailto", "sms", "callto", "modem"];

/// A longer run of digits is no measured number.
const NUMBER_BYTES_MAX: usize = 16;

/// HL7 v3 TS: 14 digits, a fraction, a zone.
const TIME_BYTES_MAX: usize = 28;

/// Bytes that an identifier of a machine has.
const OPAQUE_BYTES: [bool; 256] = {
    let mut bytes = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        // In a constant an index is checked when it is compiled.
        bytes[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'#' | b'/');
        byte += 1;
    }
    bytes
};

/// An OID may have 128 characters in HL7 v3.
const OPAQUE_BYTES_MAX: usize = 128;

/// Among how many elements of an act its code is looked for.
const CHILDREN_LOOKED_AT_MAX: usize = 64;
