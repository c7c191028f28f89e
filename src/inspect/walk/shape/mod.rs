//! XML in the shape of JSON: a tape that the walkers of FHIR and of objects of no known kind read as they read JSON.
//!
//! - An element is an object, its attributes and elements are members, elements of one name beside each other an array.
//! - An element with nothing but a `value` attribute or text is a string; where it has more, see [`Shape::inner`].
//! - Names go without their prefixes. Comments and instructions are members called `comment`, last of their object.
//! - Every value has its place in the XML; what its references, CDATA sections and comments hide is undone.
//! - Cost: one pass, no recursion; each element's children are sorted by name.

use super::json::{self, Builder, Key, Said};
use super::xml::{NodeId, NodeKind, Tape, reference};
use std::ops::Range;

/// What differs between kinds of XML.
pub trait Shape {
    /// Whether `element` in `parent` is a list even where it stands alone.
    fn is_list(&self, parent: &str, element: &str) -> bool;

    /// Whether the value of `element` in `parent` is a number.
    fn is_number(&self, parent: &str, element: &str) -> bool;

    /// Whether elements with a capital are resources: objects with a `resourceType`, in the place of an element that
    /// holds nothing else.
    fn has_resources(&self) -> bool;

    /// Whether all that an element holds is one text with tags in it.
    fn is_markup(&self, tape: &Tape<'_>, element: NodeId) -> bool;

    /// What the value of an element with members is called among them; `None`: it stands before them, under the name
    /// of the element.
    fn inner(&self, tape: &Tape<'_>, element: NodeId) -> Option<Key>;
}

/// A document in the shape of JSON.
pub fn shaped<'d>(tape: &'d Tape<'_>, shape: &dyn Shape) -> Option<json::Tape<'d>> {
    let out = Builder::new(tape.text(), Some(tape), undone)?;
    let mut shaper = Shaper { tape, shape, out, frames: Vec::new() };
    shaper.run();
    shaper.out.tape()
}

struct Shaper<'d, 's> {
    tape: &'d Tape<'d>,
    shape: &'s dyn Shape,
    out: Builder<'d>,
    frames: Vec<Frame<'d>>,
}

/// An element that is open.
struct Frame<'d> {
    element: NodeId,
    after: NodeId,
    name: &'d str,
    /// The key that its elements take over, where it only holds resources.
    lent: Option<Key>,
    members: Vec<Member<'d>>,
    /// The name whose array is open.
    array: Option<&'d str>,
    /// What the next element of a dictionary is called.
    label: Option<Key>,
    /// Comments and instructions, told at its end.
    asides: Vec<NodeId>,
}

/// The elements of one name in an element.
#[derive(Debug)]
pub(super) struct Member<'d> {
    name: &'d str,
    total: usize,
    seen: usize,
}

impl<'d> Member<'d> {
    /// The number of the next element of a name, where there are several.
    pub(super) fn number(members: &mut [Self], name: &str) -> Option<usize> {
        let member = Self::find(members, name)?;
        member.seen += 1;
        (member.total > 1).then_some(member.seen - 1)
    }

    fn find<'m>(members: &'m mut [Self], name: &str) -> Option<&'m mut Self> {
        let at = members.binary_search_by_key(&name, |member| member.name).ok()?;
        members.get_mut(at)
    }
}

/// The names of the elements that an element holds directly, in order.
pub(super) fn members<'d>(tape: &'d Tape<'_>, id: NodeId) -> Vec<Member<'d>> {
    let mut names: Vec<&'d str> = tape.elements(id).map(|element| tape.local(element)).collect();
    names.sort_unstable();
    let mut members: Vec<Member<'d>> = Vec::new();
    for name in names {
        match members.last_mut().filter(|member| member.name == name) {
            Some(member) => member.total += 1,
            None => members.push(Member { name, total: 1, seen: 0 }),
        }
    }
    members
}

/// What an element has of its own.
struct Own {
    value: Option<NodeId>,
    /// Its text where no element stands in it, the pieces around comments and CDATA sections in one.
    text: Option<(Range<usize>, bool)>,
    /// Elements, comments, attributes that say something.
    has_more: bool,
    has_elements: bool,
    resources_only: bool,
}

impl<'d> Shaper<'d, '_> {
    fn run(&mut self) {
        let tape = self.tape;
        let asides = tape.children(NodeId::DOCUMENT).filter(|id| *id != tape.root()).collect();
        if self.shape.has_resources() {
            self.resource(tape.root(), &Key::Root);
            if let Some(root) = self.frames.last_mut() {
                root.asides = asides;
            }
        } else {
            self.out.open(json::NodeKind::Object, &Key::Root, tape.written(NodeId::DOCUMENT));
            self.enter(NodeId::DOCUMENT, None);
            if let Some(document) = self.frames.last_mut() {
                document.asides = asides;
            }
            self.element(tape.root());
        }
        let mut next = tape.root().index() + 1;
        for id in tape.nodes().skip(next) {
            self.leave(id);
            if id.index() < next {
                continue; // in what was taken whole
            }
            let Some(frame) = self.frames.last() else { return };
            // What stands around the root was put off at the start.
            let direct = tape.parent(id) == Some(frame.element) && frame.element != NodeId::DOCUMENT;
            match tape.kind(id) {
                NodeKind::Element => next = self.element(id).index(),
                NodeKind::Attribute if direct && says_something(tape, id) => self.attribute(id),
                NodeKind::Text | NodeKind::Comment | NodeKind::Instruction if direct => self.aside(id),
                _ => {}
            }
        }
        while !self.frames.is_empty() {
            self.close();
        }
    }

    fn leave(&mut self, id: NodeId) {
        while self.frames.last().is_some_and(|frame| frame.after <= id) {
            self.close();
        }
    }

    /// Ends the element that is open, and tells what was put off.
    fn close(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        if frame.array.is_some() {
            self.out.close();
        }
        if frame.lent.is_some() {
            if let Some(above) = self.frames.last_mut() {
                above.asides.extend(frame.asides);
            }
            return;
        }
        for id in frame.asides {
            let key = match self.tape.kind(id) {
                NodeKind::Text => {
                    self.shape.inner(self.tape, frame.element).unwrap_or(Key::Said(Said::Value))
                }
                _ => Key::Said(Said::Comment),
            };
            self.out.value(json::NodeKind::String, &key, self.tape.written(id), self.tape.is_escaped(id));
        }
        self.out.close();
    }

    /// Tells an element or opens it. Gives the first node that is still to be told.
    fn element(&mut self, id: NodeId) -> NodeId {
        let tape = self.tape;
        if let Some(after) = self.label(id) {
            return after;
        }
        let key = self.key(id);
        if self.shape.is_markup(tape, id) {
            self.out.value(json::NodeKind::String, &key, tape.written(id), false);
            return tape.after(id);
        }
        let own = Own::of(tape, id);
        if self.shape.has_resources() && has_capital(tape.local(id)) {
            self.resource(id, &key);
        } else if self.shape.has_resources() && own.resources_only {
            self.enter(id, Some(key));
        } else if own.has_more {
            let inner = self.shape.inner(tape, id);
            if inner.is_none() {
                self.own(id, &own, &key);
            }
            self.out.open(json::NodeKind::Object, &key, tape.written(id));
            self.enter(id, None);
            if let Some(inner) = inner {
                self.own(id, &own, &inner);
            }
        } else if own.value.is_some() || own.text.is_some() {
            self.own(id, &own, &key);
        } else {
            self.out.open(json::NodeKind::Object, &key, tape.written(id));
            self.out.close();
        }
        NodeId::DOCUMENT // all that comes
    }

    /// Keeps the key of a dictionary for the element behind it, as property lists are written: `<dict><key>dob</key>
    /// <string>1992-03-03</string></dict>`. Gives the first node that is still to be told.
    fn label(&mut self, id: NodeId) -> Option<NodeId> {
        let (tape, frame) = (self.tape, self.frames.last_mut()?);
        if frame.name != DICTIONARY || tape.local(id) != DICTIONARY_KEY || self.shape.has_resources() {
            return None;
        }
        let own = Own::of(tape, id);
        let (span, escaped) = own.text.filter(|_| !own.has_more && own.value.is_none())?;
        let mut behind = std::iter::successors(Some(tape.after(id)), |at| Some(tape.after(*at)))
            .take(ASIDES_LOOKED_AT_MAX)
            .take_while(|at| at.index() < frame.after.index());
        let next = behind.find(|at| tape.kind(*at) == NodeKind::Element)?;
        if escaped || tape.local(next) == DICTIONARY_KEY {
            return None;
        }
        frame.label = Some(Key::At(span));
        Some(tape.after(id))
    }

    fn resource(&mut self, id: NodeId, key: &Key) {
        let tape = self.tape;
        self.out.open(json::NodeKind::Object, key, tape.written(id));
        let word = Key::Said(Said::ResourceType);
        self.out.value(json::NodeKind::String, &word, tape.local_written(id), false);
        self.enter(id, None);
        self.own(id, &Own::of(tape, id), &Key::Said(Said::Value));
    }

    fn enter(&mut self, id: NodeId, lent: Option<Key>) {
        let tape = self.tape;
        self.frames.push(Frame {
            element: id,
            after: tape.after(id),
            name: tape.local(id),
            lent,
            members: members(tape, id),
            array: None,
            label: None,
            asides: Vec::new(),
        });
    }

    /// What an element is called; opens and ends arrays.
    fn key(&mut self, id: NodeId) -> Key {
        let at = Key::At(self.tape.local_written(id));
        let name = self.tape.local(id);
        let Some(frame) = self.frames.last_mut() else { return Key::Root };
        if let Some(lent) = &frame.lent {
            return lent.clone();
        }
        if let Some(label) = frame.label.take() {
            if frame.array.take().is_some() {
                self.out.close();
            }
            return label;
        }
        let Some(member) = Member::find(&mut frame.members, name) else { return at };
        let number = member.seen;
        member.seen += 1;
        if frame.array == Some(name) {
            return Key::Element(number);
        }
        if frame.array.take().is_some() {
            self.out.close();
        }
        if member.total > 1 || self.shape.is_list(frame.name, name) {
            self.out.open(json::NodeKind::Array, &at, self.tape.written(id));
            frame.array = Some(name);
            return Key::Element(number);
        }
        at
    }

    /// The value that an element itself has.
    fn own(&mut self, id: NodeId, own: &Own, key: &Key) {
        let tape = self.tape;
        let attribute = own.value.map(|value| (tape.written(value), tape.is_escaped(value)));
        for (span, escaped) in attribute.into_iter().chain(own.text.clone()) {
            let kind = match tape.text().get(span.clone()).unwrap_or_default() {
                "true" | "false" => json::NodeKind::Bool,
                raw if self.is_number(id, raw) => json::NodeKind::Number,
                _ => json::NodeKind::String,
            };
            self.out.value(kind, key, span, escaped);
        }
    }

    fn is_number(&self, id: NodeId, raw: &str) -> bool {
        let parent = self.tape.parent(id).map_or("", |parent| self.tape.local(parent));
        self.shape.is_number(parent, self.tape.local(id)) && is_json_number(raw)
    }

    fn attribute(&mut self, id: NodeId) {
        let tape = self.tape;
        if tape.name(id) != VALUE {
            let key = Key::At(tape.local_written(id));
            self.out.value(json::NodeKind::String, &key, tape.written(id), tape.is_escaped(id));
        }
    }

    /// Comments, and text between elements.
    fn aside(&mut self, id: NodeId) {
        if let Some(frame) = self.frames.last_mut() {
            let text = self.tape.kind(id) == NodeKind::Text;
            if !text || frame.has_elements() {
                frame.asides.push(id);
            }
        }
    }
}

impl Frame<'_> {
    fn has_elements(&self) -> bool {
        !self.members.is_empty()
    }
}

impl Own {
    fn of(tape: &Tape<'_>, id: NodeId) -> Self {
        let mut own =
            Self { value: None, text: None, has_more: false, has_elements: false, resources_only: true };
        for attribute in tape.attributes(id) {
            if tape.name(attribute) == VALUE {
                own.value = Some(attribute);
                own.resources_only = false;
            } else if says_something(tape, attribute) {
                own.has_more = true;
                own.resources_only = false;
            }
        }
        let mut texts: Option<(NodeId, NodeId)> = None;
        for child in tape.children(id) {
            match tape.kind(child) {
                NodeKind::Text => {
                    texts = Some((texts.map_or(child, |(first, _)| first), child));
                    own.resources_only = false;
                }
                NodeKind::Element => {
                    own.has_elements = true;
                    own.has_more = true;
                    own.resources_only &= has_capital(tape.local(child));
                }
                _ => own.has_more = true,
            }
        }
        own.resources_only &= own.has_elements;
        own.text = texts.filter(|_| !own.has_elements).map(|(first, last)| whole(tape, first, last));
        own
    }
}

/// The text from one piece to another, and whether anything is to be undone in it.
pub(super) fn whole(tape: &Tape<'_>, first: NodeId, last: NodeId) -> (Range<usize>, bool) {
    if first == last {
        return (tape.written(first), tape.is_escaped(first));
    }
    let (mut start, mut end) = (tape.written(first).start, tape.written(last).end);
    if tape.text().get(..start).is_some_and(|before| before.ends_with(CDATA)) {
        start -= CDATA.len();
    }
    if tape.text().get(end..).is_some_and(|behind| behind.starts_with(CDATA_END)) {
        end += CDATA_END.len();
    }
    (start..end, true)
}

/// A run of text with references undone, CDATA sections unwrapped, comments and instructions left out.
pub(super) fn undone(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<']) {
        let (plain, marked) = rest.split_at(at);
        out.push_str(plain);
        rest = if let Some((c, length)) = reference(marked) {
            out.push(c);
            marked.get(length..).unwrap_or_default()
        } else if let Some(inside) = marked.strip_prefix(CDATA) {
            let (text, behind) = inside.split_once(CDATA_END).unwrap_or((inside, ""));
            out.push_str(text);
            behind
        } else if let Some(inside) = marked.strip_prefix("<!--") {
            inside.split_once("-->").map_or("", |(_, behind)| behind)
        } else if let Some(inside) = marked.strip_prefix("<?") {
            inside.split_once("?>").map_or("", |(_, behind)| behind)
        } else {
            out.extend(marked.chars().next());
            marked.get(1..).unwrap_or_default()
        };
    }
    out.push_str(rest);
    out
}

/// Whether an attribute is more than the declaration of a namespace that everybody knows.
pub(super) fn says_something(tape: &Tape<'_>, attribute: NodeId) -> bool {
    !tape.is_declaration(attribute) || !NAMESPACES.iter().any(|known| tape.raw(attribute).starts_with(known))
}

fn has_capital(name: &str) -> bool {
    name.bytes().next().is_some_and(|c| c.is_ascii_uppercase())
}

/// Whether JSON would take it for a number.
fn is_json_number(raw: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let unsigned = raw.strip_prefix('-').unwrap_or(raw);
    let (mantissa, exponent) =
        unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}

const VALUE: &str = "value";
/// Elements of property lists: values with their keys before them, and what stands between the two.
const DICTIONARY: &str = "dict";
const DICTIONARY_KEY: &str = "key";
const ASIDES_LOOKED_AT_MAX: usize = 4;
const CDATA: &str = "<![CDATA[";
const CDATA_END: &str = "]]>";

/// Declarations of these say nothing.
const NAMESPACES: &[&str] = &[
    "http://hl7.org/",
    "http://www.w3.org/",
    "http://schemas.xmlsoap.org/",
    "http://www.ncpdp.org/",
    "urn:hl7-org:",
    "urn:ihe:",
    "urn:oasis:names:",
];

#[cfg(test)]
mod tests;
