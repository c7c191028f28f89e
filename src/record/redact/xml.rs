//! XML by its own syntax, written anew from what was read: names that the format's tables have, and known namespaces stay.
//! Comments and instructions keep their place; a document type and what it points at are left out.

use super::asked::{
    Question, SAID_BYTES_MAX, is_age_word, is_doubtful, is_in_years, is_over_89, is_over_89_of_any, per_year,
};
use super::credential::{is_credential, may_hold_more, names_credential};
use super::leaf::{Notation, Numbers, Pieces, Redactor, SECRET, fixed, leaf};
use super::operators::AGE_OVER;
use crate::inspect::finding::UninspectedReason;
use crate::inspect::format;
use crate::inspect::walk::start_of;
use crate::inspect::walk::xml::{NodeId, NodeKind, Tape, XML_DEPTH_MAX};
use crate::inspect::walk::{cda, dicom, fhir, hl7v2, ncpdp, object, xds};
use crate::record::packed::Word;
use std::collections::BTreeMap;

impl Redactor<'_> {
    pub(super) fn xml(&mut self, content_type: &str, doc: &[u8], out: &mut Pieces) {
        let Ok(tape) = Tape::read(doc, XML_DEPTH_MAX) else {
            return self.opaque(doc, UninspectedReason::Malformed.as_str(), out);
        };
        let rules = self.rules;
        self.numbers = Numbers::ByPlace;
        let knows: &dyn Fn(&str) -> bool = if cda::recognise(&tape) {
            cda::walk_tape(&tape, &rules.cda, self);
            &|name| rules.cda.knows(name)
        } else if ncpdp::recognise(&tape) {
            ncpdp::walk_tape(&tape, &rules.ncpdp, self);
            &|name| rules.ncpdp.knows(name)
        } else if xds::recognise(&tape) {
            xds::walk_tape(&tape, &rules.xds, self);
            &|name| rules.xds.knows(name)
        } else if hl7v2::recognise_xml(&tape) {
            if hl7v2::walk_xml(&tape, &rules.hl7v2, self).is_err() {
                return self.opaque(doc, UninspectedReason::Malformed.as_str(), out);
            }
            &hl7v2::is_known_element
        } else if dicom::recognise_xml(&tape) {
            dicom::walk_xml(&tape, &rules.dicom, self);
            &dicom::is_known_element
        } else {
            let fhir = fhir::recognise_xml(&tape, format::says_fhir(content_type), &rules.fhir);
            let shaped =
                if fhir { fhir::shaped(&tape, &rules.fhir) } else { object::shaped(&tape, &rules.objects) };
            match shaped {
                Some(shaped) if fhir => fhir::walk_tape(&shaped, &rules.fhir, Some(&rules.objects), self),
                Some(shaped) => object::walk_tape(&shaped, &rules.objects, self),
                None => return self.opaque(doc, UninspectedReason::Malformed.as_str(), out),
            }
            match fhir {
                true => &|name| rules.fhir.shows(name) || rules.fhir.knows(name),
                false => &|name| rules.objects.shown(name).is_some(),
            }
        };
        out.notation(Notation::Xml);
        if doc.trim_ascii_start().starts_with(b"<?xml") || doc.starts_with(b"\xEF\xBB\xBF<?xml") {
            out.text("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        }
        let (redactor, tape, secret) = (&*self, &tape, NodeId::DOCUMENT);
        Writer { redactor, tape, doc, knows, open: Vec::new(), secret, out: &mut *out }.run();
        out.notation(Notation::Plain);
    }
}

struct Writer<'w, 'd> {
    redactor: &'w Redactor<'d>,
    tape: &'w Tape<'w>,
    doc: &'w [u8],
    knows: &'w dyn Fn(&str) -> bool,
    /// Names of open elements as written, with the first node behind each.
    open: Vec<(String, NodeId)>,
    /// All before this node is of an element that is a credential's.
    secret: NodeId,
    out: &'w mut Pieces,
}

impl<'w> Writer<'w, '_> {
    fn run(mut self) {
        let tape = self.tape;
        let mut next = NodeId::DOCUMENT;
        for id in tape.nodes().skip(1) {
            self.close(id);
            if id < next {
                continue; // in what was taken whole
            }
            match tape.kind(id) {
                NodeKind::Element => next = self.element(id),
                NodeKind::Text => self.value(id),
                NodeKind::Comment if id < self.secret => {}
                NodeKind::Comment => {
                    self.out.text("<!--");
                    let span = tape.span(id);
                    let comment = leaf(Word::Comment, span.len(), "[text]");
                    self.out.leaf(self.redactor.kept(comment, self.doc.get(span).unwrap_or_default()));
                    self.out.text("-->");
                }
                NodeKind::Attribute | NodeKind::Instruction | NodeKind::Document => {}
            }
        }
        while let Some((name, _)) = self.open.pop() {
            self.end_tag(&name);
        }
    }

    fn close(&mut self, id: NodeId) {
        while self.open.last().is_some_and(|(_, after)| *after <= id) {
            if let Some((name, _)) = self.open.pop() {
                self.end_tag(&name);
            }
        }
    }

    fn end_tag(&mut self, name: &str) {
        self.out.text("</");
        self.out.text(name);
        self.out.text(">");
    }

    /// Writes a start tag, and all that the element holds where one word was said of it. Gives the first node that is
    /// still to be written.
    fn element(&mut self, id: NodeId) -> NodeId {
        let tape = self.tape;
        if self.is_credential(id) {
            self.secret = self.secret.max(tape.after(id));
        }
        let name = self.name(id, "_");
        self.out.text("<");
        self.out.text(&name);
        let mut used: BTreeMap<String, usize> = BTreeMap::new();
        for attribute in tape.attributes(id) {
            self.attribute(attribute, &mut used);
        }
        let inner = tape.span(id);
        let whole = !inner.is_empty()
            && tape.elements(id).next().is_some()
            && self.redactor.said.get(inner.start).is_some_and(|said| said.end == inner.end);
        if tape.children(id).next().is_none() {
            self.out.text("/>");
            return tape.after(id);
        }
        self.out.text(">");
        if whole {
            let is_secret = id < self.secret;
            self.out.leaf(if is_secret { fixed(SECRET) } else { self.redactor.shown(inner, Word::Text) });
            self.end_tag(&name);
            return tape.after(id);
        }
        self.open.push((name, tape.after(id)));
        NodeId::DOCUMENT
    }

    fn attribute(&mut self, id: NodeId, used: &mut BTreeMap<String, usize>) {
        let tape = self.tape;
        let raw = tape.raw(id);
        if tape.is_declaration(id) {
            let declared = tape.name(id).strip_prefix("xmlns:").map(prefix);
            let mut name = declared.map_or_else(|| "xmlns".to_owned(), |prefix| format!("xmlns:{prefix}"));
            number(&mut name, used);
            self.out.text(&format!(" {name}=\""));
            match NAMESPACES.contains(&raw) {
                true => self.out.text(raw),
                false => self.out.leaf(leaf(Word::Text, raw.len(), "urn:unknown")),
            }
        } else {
            let mut name = self.name(id, "_");
            number(&mut name, used);
            self.out.text(&format!(" {name}=\""));
            match is_credential(tape.local(id)) {
                true => self.out.leaf(fixed(SECRET)),
                false => self.value(id),
            }
        }
        self.out.text("\"");
    }

    /// Whether all that an element holds is a credential, by its name or by the label on it: `<field name="password">`.
    fn is_credential(&self, id: NodeId) -> bool {
        let tape = self.tape;
        let local = tape.local(id);
        let holds_more = || may_hold_more(local) && tape.elements(id).next().is_some();
        names_credential(local) && !holds_more()
            || tape.attributes(id).any(|attribute| {
                LABELS.contains(&tape.local(attribute)) && names_credential(tape.raw(attribute))
            })
    }

    fn value(&mut self, id: NodeId) {
        let span = self.tape.span(id);
        if !span.is_empty() && id < self.secret {
            self.out.leaf(fixed(SECRET));
        } else if let Some(instead) = self.asked_for(id) {
            let raw = self.tape.raw(id);
            self.out.leaf(self.redactor.kept(leaf(Word::Text, raw.len(), instead), raw.as_bytes()));
        } else if !span.is_empty() {
            self.redactor.pieces(self.doc, span, self.out);
        }
    }

    /// What stands for a number that is of years, or that a code beside it asks for: an age over 89, a number of somebody's.
    fn asked_for(&self, id: NodeId) -> Option<&'static str> {
        let tape = self.tape;
        let (value, span) = (tape.raw(id), tape.span(id));
        let is_value = tape.kind(id) == NodeKind::Attribute && tape.local(id) == "value";
        if !is_value || !is_doubtful(value) {
            return None;
        }
        // Of what is kept alone it is asked whether it may be, and a time is none of it.
        let all = &self.redactor.said;
        let is_kept = all
            .get(span.start)
            .is_some_and(|said| said.end == span.end && said.token.is_none() && all.masked(said) == value);
        let element = tape.parent(id)?;
        if is_kept && !is_time(tape.local(element)) { self.asked_for_at(element, value) } else { None }
    }

    /// The same of a value's element: its unit is on it (CDA) or beside it (FHIR), and what asks for it further out.
    fn asked_for_at(&self, element: NodeId, value: &str) -> Option<&'static str> {
        let tape = self.tape;
        let mut units: Vec<&str> = self.said(element, "unit").into_iter().collect();
        let mut at = element;
        for _ in 0..LEVELS {
            at = tape.parent(at)?;
            let mut words = Vec::new();
            for beside in
                tape.elements(at).take(BESIDE_MAX).filter(|at| matches!(tape.local(*at), "unit" | "code"))
            {
                match self.said(beside, "value") {
                    Some(unit) => units.push(unit),
                    None => self.question(beside, &mut words),
                }
            }
            if is_over_89(value) && units.iter().any(|unit| is_in_years(unit)) {
                return Some(AGE_OVER);
            }
            let unit = units.iter().find_map(|unit| per_year(unit));
            if is_age_word(tape.local(at)) {
                return is_over_89_of_any(value, unit).then_some(AGE_OVER);
            }
            if !words.is_empty() {
                return Question::of(words.iter().copied()).instead(value, unit);
            }
        }
        None
    }

    /// Codes and words of a question: of its own attributes, and of the elements in it.
    fn question(&self, code: NodeId, words: &mut Vec<&'w str>) {
        let tape = self.tape;
        let inner = || tape.elements(code).take(BESIDE_MAX);
        let parts = inner().flat_map(|at| tape.elements(at).take(BESIDE_MAX));
        for at in std::iter::once(code).chain(inner()).chain(parts) {
            let said = ["code", "displayName", "value"].into_iter().filter_map(|name| self.said(at, name));
            words.extend(said);
        }
    }

    /// The beginning of an attribute as it is written: it is looked at for each number that stands below.
    fn said(&self, element: NodeId, name: &str) -> Option<&'w str> {
        let tape = self.tape;
        let attribute = tape.attributes(element).find(|attribute| tape.local(*attribute) == name)?;
        Some(start_of(tape.raw(attribute), SAID_BYTES_MAX))
    }

    /// Whether it is an attribute that narrative has. The walkers don't tell of these: what they are called is all that says
    /// whether the name is a word of ours.
    fn is_markup(&self, id: NodeId) -> bool {
        self.tape.kind(id) == NodeKind::Attribute
            && MARKUP.contains(&self.tape.local(id))
            && self.tape.parent(id).is_some_and(|element| self.tape.local(element) == "div")
    }

    /// The name as written where the tables have it.
    fn name(&self, id: NodeId, unknown: &str) -> String {
        let (tape, redactor) = (self.tape, self.redactor);
        let local = tape.local(id);
        let span = tape.name_span(id);
        let at = span.end.saturating_sub(local.len());
        let plain = local.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        let told = redactor.unknown_names.contains(local)
            || redactor.unknown_keys.contains_key(&span.start)
            || redactor.unknown_keys.contains_key(&at);
        // A resource's name is told as a code.
        let all = &redactor.said;
        let masked = all.get(at).is_some_and(|said| said.end == span.end && all.masked(said) != local);
        let known = || (self.knows)(local) || is_common(local) || self.is_markup(id);
        let local = match plain && (!told && !masked && known() || is_credential(local)) {
            true => local,
            false => unknown,
        };
        match tape.prefix(id) {
            "" => local.to_owned(),
            written => format!("{}:{local}", prefix(written)),
        }
    }
}

/// Whether an element is a time, by what it is called: a year is no number of years.
fn is_time(local: &str) -> bool {
    ["Time", "time", "Date", "date", "DateTime", "Instant"].iter().any(|end| local.ends_with(end))
        || matches!(local, "start" | "end" | "issued" | "sent" | "received" | "created" | "when")
}

/// A second attribute of one name, as two unknown ones have it, would not be well formed.
fn number(name: &mut String, used: &mut BTreeMap<String, usize>) {
    let count = used.entry(name.clone()).or_default();
    *count += 1;
    if *count > 1 {
        name.push_str(&count.to_string());
    }
}

fn prefix(written: &str) -> &str {
    if PREFIXES.contains(&written) { written } else { "x" }
}

/// Names of SOAP and of XML itself.
fn is_common(local: &str) -> bool {
    COMMON.contains(&local)
}

/// From a value's element to what asks for it: its quantity, a range's end, the observation.
const LEVELS: usize = 4;
/// Elements beside it that are looked at.
const BESIDE_MAX: usize = 64;

/// Attributes by which what stands beside them is named.
const LABELS: &[&str] = &["name", "key", "field", "label", "Name", "Key", "Label"];

/// Attributes of XHTML that narrative may have (FHIR R4, Narrative), as far as they name nothing of their own.
const MARKUP: &[&str] = &[
    "abbr",
    "align",
    "alt",
    "axis",
    "border",
    "cellpadding",
    "cellspacing",
    "cite",
    "class",
    "colspan",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "id",
    "lang",
    "rel",
    "rowspan",
    "rules",
    "scope",
    "src",
    "style",
    "summary",
    "title",
    "valign",
    "width",
];

const COMMON: &[&str] = &["Envelope", "Header", "Body", "type", "schemaLocation", "nil", "lang", "space"];

const PREFIXES: &[&str] = &[
    "xml", "xsi", "xsd", "xs", "soap", "soapenv", "SOAP-ENV", "s", "env", "wsa", "a", "sdtc", "hl7", "cda",
    "voc", "rim", "rs", "query", "lcm", "xdsb", "xds", "ihe", "urn", "fhir", "f", "xop", "xhtml", "h", "ns0",
    "ns1", "ns2", "ns3", "ns4", "ns5", "ns6", "ns7", "ns8", "ns9", "tns", "mif", "ncpdp", "script",
];

const NAMESPACES: &[&str] = &[
    "http://hl7.org/fhir",
    "http://www.w3.org/1999/xhtml",
    "http://www.w3.org/2001/XMLSchema-instance",
    "http://www.w3.org/2001/XMLSchema",
    "http://www.w3.org/2003/05/soap-envelope",
    "http://www.w3.org/2005/08/addressing",
    "http://www.w3.org/2004/08/xop/include",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://www.ncpdp.org/schema/SCRIPT",
    "http://www.ncpdp.org/schema/transport",
    "urn:hl7-org:v2xml",
    "urn:hl7-org:v3",
    "urn:hl7-org:sdtc",
    "urn:hl7-org:v3/voc",
    "urn:ihe:iti:xds-b:2007",
    "urn:ihe:iti:xcpd:2009",
    "urn:ihe:pharm",
    "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0",
    "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0",
    "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0",
    "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0",
];
