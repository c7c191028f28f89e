//! JSON of no known kind, whose keys are all that tells, and the Redox data models, which have rows of their own. XML of
//! no known kind is read in the shape of JSON ([`shaped`]).
//!
//! - Takes: a document, and the key names of `config/fields/json-keys.toml` as a [`Table`] (its notation is told there);
//!   for Redox with the rows of `config/fields/redox.toml` before them.
//! - Gives: every string, number and boolean once. A string that no key name covers is text with its key as cue, a number
//!   a quantity; every key that isn't in the table is told as unknown.
//! - Persons: the nearest object in an array that has a name or a birth date of its own, else the root (`people.rs`);
//!   each object under a relative's key is one more. What stands under a provider's or an organisation's key is nobody's,
//!   but for an individual in it (`side.rs`); so are accounts, staff and clinicians by what they say of themselves
//!   (`staff.rs`), what an organisation that pays has (`payer.rs`), and whom a business names (`business.rs`). A `name` among medications or tests is a thing's (`things.rs`).
//! - In doubt: text.
//! - Cost: three passes over a flat tape, one for the keys (`keys.rs`).

mod business;
mod columns;
mod forms;
mod included;
mod keys;
mod likely;
mod oauth;
mod payer;
mod pairs;
mod people;
mod records;
mod rows;
mod side;
mod staff;
mod table;
mod things;
mod xml;

#[cfg(test)]
mod found;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod tests;

pub(in crate::inspect) use included::joined;
pub(in crate::inspect) use likely::is_part_of_a_name;
pub(super) use pairs::{DATE_PARTS, date_of};
pub(in crate::inspect) use payer::is_an_organisation;
pub(super) use table::Carry;
pub use table::Table;
pub(in crate::inspect) use table::normal as normal_key;
pub(super) use things::is_called_by_a_thing;
pub use xml::shaped;

use super::json::{JSON_DEPTH_MAX, MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use super::{Declared, Leaf, PersonId, Reads, Role, Sink, WalkError};
use crate::inspect::check::ssn;
use crate::inspect::field::listed;
use crate::inspect::kind::{Kind, Whose};
use keys::{Key, Keys};
use likely::fits;
use pairs::LABELS_MAX;
use records::{Record, Records};
use side::{Side, Told};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use table::Row;

/// Walks a document.
///
/// # Errors
/// As [`Tape::read`]; the sink was told nothing then.
pub fn walk(doc: &[u8], table: &Table, sink: &mut dyn Sink) -> Result<(), WalkError> {
    walk_tape(&Tape::read(doc, JSON_DEPTH_MAX)?, table, sink);
    Ok(())
}

/// Whether a value is a document of the Redox data models: `Meta` tells the model and the event.
#[must_use]
pub fn is_redox(tape: &Tape<'_>, node: NodeId) -> bool {
    tape.kind(node) == NodeKind::Object
        && tape.get(node, "Meta").is_some_and(|meta| {
            tape.kind(meta) == NodeKind::Object
                && tape.get(meta, "DataModel").is_some()
                && tape.get(meta, "EventType").is_some()
        })
}

/// Walks a document that is read already.
pub fn walk_tape(tape: &Tape<'_>, table: &Table, sink: &mut dyn Sink) {
    let keys = &Keys::of(tape, table);
    let mut walk = Walk {
        tape,
        keys,
        table,
        exchange: oauth::Exchange::of(tape),
        own: BTreeSet::new(),
        records: Records::default(),
        roles: Vec::new(),
        announced: 0,
        named: Vec::new(),
        listed: BTreeMap::new(),
        frames: Vec::new(),
        event: OnceCell::new(),
        titles: OnceCell::new(),
    };
    let sides;
    (walk.own, walk.records, sides) = walk.objects_with_a_person();
    walk.run(&sides, sink);
}

/// Whether a value that a key (as written) names, below another, is that of somebody who works there: `provider[phone]`.
pub(in crate::inspect) fn is_of_a_role(above: &str, key: &str, value: &str) -> bool {
    let is_one = |key: &str| {
        keys::of_a_role(key).is_some_and(|kind| fits(kind, value) && value.len() <= ROLES_VALUE_MAX)
    };
    let key = normal_key(key);
    is_one(&key) || !above.is_empty() && is_one(&(normal_key(above) + &key))
}

struct Walk<'t, 'd> {
    tape: &'t Tape<'d>,
    keys: &'t Keys<'t>,
    table: &'t Table,
    /// What of an OAuth exchange the document is.
    exchange: oauth::Exchange,
    /// Objects in arrays that are a person of their own.
    own: BTreeSet<NodeId>,
    records: Records,
    roles: Vec<Role>,
    announced: usize,
    /// Relatives whom keys name: in which object, by which word.
    named: Vec<(NodeId, &'static str, PersonId)>,
    /// People of whom columns tell: in which object, at which place.
    listed: BTreeMap<(NodeId, usize), PersonId>,
    frames: Vec<Frame<'t>>,
    /// Whether what stands at the top says that all is of individuals.
    event: OnceCell<bool>,
    /// What a form asks, by the id of the field.
    titles: OnceCell<forms::Titles<'t>>,
}

/// An object or array that is open.
#[derive(Clone)]
struct Frame<'t> {
    object: NodeId,
    after: NodeId,
    /// An element has its array's.
    key: &'t Key<'t>,
    whose: Side,
    /// An entry of a directory: nobody's with its own parts, and no further.
    is_listing: bool,
    came_back: bool,
    /// Nobody's by what it says of itself: what else is written in it may be about somebody.
    by_content: bool,
    /// Made when it has something to say.
    person: Slot,
    record: Record,
    beside: Beside,
    /// Of an array the last element that is a container, and the one before it.
    last: Option<NodeId>,
    before: Option<NodeId>,
}

/// Members that say what others of the same object are: looked for once, not for each of them.
#[derive(Clone, Default)]
struct Beside {
    /// The first ones that may be a label, and of those the ones of fields.
    labels: OnceCell<[Option<NodeId>; LABELS_MAX]>,
    field_labels: OnceCell<[Option<NodeId>; LABELS_MAX]>,
    /// The first texts that may be a question, and of them the one that tells what is asked.
    asked: OnceCell<[Option<NodeId>; LABELS_MAX]>,
    media: OnceCell<Option<NodeId>>,
    types: OnceCell<Vec<NodeId>>,
    /// Whether it is a table of columns.
    columns: OnceCell<bool>,
    /// Whether an organisation pays.
    payer: OnceCell<bool>,
    /// Whether it tells of care or of an individual.
    care: OnceCell<bool>,
}

/// Where an open container's person is kept: in the frame of this depth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Made(PersonId),
    /// To be made by this frame.
    Due(Role),
    /// That of the frame above.
    Above,
}

impl<'t> Walk<'t, '_> {
    /// Tells all there is, given whose each container is.
    fn run(&mut self, sides: &[Told], sink: &mut dyn Sink) {
        let (mut told, mut sides) = (Record::Shared, sides.iter());
        for id in self.tape.nodes() {
            self.leave(id);
            let key = self.keys.get(id);
            let record = self.frames.last().map_or(Record::Shared, |frame| frame.record);
            if record != told {
                sink.record(record.number());
                told = record;
            }
            match self.tape.kind(id) {
                NodeKind::Object | NodeKind::Array => {
                    self.tell_unknown(id, sink); // a record keeps no key that is none, whatever it says besides
                    let numbered = self.row_of_entry(id);
                    if let Some(digits) = self.buffer(id, &key.name) {
                        let person = self.person();
                        self.announce(sink);
                        let (span, value, reads) = (self.tape.span(id), digits.into(), Reads::Hex(""));
                        let leaf = Leaf { span, value, field: None, person, reads, cue: "" };
                        sink.leaf(&leaf, &|| self.place(id));
                    }
                    let side = sides.next().copied().unwrap_or_else(|| self.side_of(id, key));
                    self.enter(id, key, side, true);
                    if let Some(row) = numbered {
                        self.tell_entry(id, row, sink);
                    }
                    self.tell_clinical(sink);
                }
                NodeKind::Null => self.tell_unknown(id, sink),
                NodeKind::String | NodeKind::Number | NodeKind::Bool => {
                    self.tell_unknown(id, sink);
                    self.leaf(id, key, sink);
                    self.tell_clinical_value(id, key, sink);
                }
            }
        }
        if told != Record::Shared {
            sink.record(Record::Shared.number());
        }
    }

    fn leave(&mut self, id: NodeId) {
        while self.frames.last().is_some_and(|frame| frame.after <= id) {
            self.frames.pop();
        }
    }

    fn enter(&mut self, id: NodeId, key: &'t Key<'t>, told: Told, persons: bool) {
        let tape = self.tape;
        let object = tape.kind(id) == NodeKind::Object;
        let Told { side: whose, listing: is_listing, came_back, by_content } = told;
        let above = self.frames.last();
        let begins_relative = object
            && whose == Side::Relative
            && above.is_some_and(|f| {
                f.whose == Side::Individual || (self.is_element(id) && self.is_relatives_list(f))
            });
        let record = match above.map_or(Record::Shared, |above| above.record) {
            above if !persons || self.records.is_one() => above,
            above => self.records.of(self, id, above),
        };
        let mut person = if above.is_none() { Slot::Due(Role::Patient) } else { Slot::Above };
        if persons && begins_relative {
            person = Slot::Due(Role::RelativeOf(self.person()));
        } else if self.own.contains(&id) {
            person = Slot::Due(Role::Patient);
        }
        if let Some(list) = self.frames.last_mut().filter(|_| tape.element(id).is_some()) {
            list.before = list.last.replace(id);
        }
        let (after, beside) = (tape.after(id), Beside::default());
        let frame = Frame {
            object: id,
            after,
            key,
            whose,
            is_listing,
            came_back,
            by_content,
            person,
            record,
            beside,
            last: None,
            before: None,
        };
        self.frames.push(frame);
    }

    /// Whether an open array is the list under a relative's key itself.
    fn is_relatives_list(&self, frame: &Frame<'_>) -> bool {
        self.tape.kind(frame.object) == NodeKind::Array
            && frame.key.below.iter().any(|row| row.carry == Carry::Relative)
    }

    fn leaf(&mut self, id: NodeId, key: &Key<'t>, sink: &mut dyn Sink) {
        let tape = self.tape;
        let parts = self.date_in_parts(id, key).or_else(|| self.ssn_in_parts(id, key));
        let pays = self.is_a_payers(id) || key.is_nobodys || self.is_of_a_role(id);
        let row = parts.as_ref().map(|(row, _)| *row).or_else(|| self.row(id, key).filter(|_| !pays));
        let is_prose = || {
            self.frames.last().is_some_and(|frame| frame.by_content)
                && !["address", "addresses", "location", "name", "street"]
                    .iter()
                    .any(|end| key.name.ends_with(end))
                && tape.value(id).split_whitespace().nth(3).is_some()
        };
        let note = row.map_or_else(is_prose, |row| row.carry == Carry::Text);
        let person = match row.map(|row| row.field.whose) {
            _ if pays => PersonId::NOBODY,
            Some(Whose::Provider | Whose::Organisation) => PersonId::NOBODY,
            // Whoever wrote a note: it tells of the individual.
            _ if note && self.side().is_nobody() => self.holder(),
            Some(_) => match self.relative_named(key) {
                Some(relative) => relative,
                None => self.listed(id).unwrap_or_else(|| self.person()),
            },
            None => self.listed(id).unwrap_or_else(|| self.person()),
        };
        self.announce(sink);
        let value = parts.map_or_else(|| tape.value(id), |(_, whole)| Cow::Owned(whole));
        let place = || self.place(id);
        if let Some(mode) = row.filter(|row| row.field.kind == Kind::DeclaredMode).map(|_| &*value) {
            match mode {
                "true" => sink.declared(Declared::Test, &place),
                "false" => sink.declared(Declared::Production, &place),
                _ => {}
            }
        }
        let media = match row {
            Some(row) if row.carry == Carry::Base64 => self.media(),
            _ => Cow::Borrowed(""),
        };
        let payload = match row {
            Some(row) if row.carry == Carry::Jwt => oauth::payload(&value).map(str::to_owned),
            _ => None,
        };
        let reads = match (row.map(|row| row.carry), tape.kind(id)) {
            (_, NodeKind::Bool) => Reads::Code,
            (Some(Carry::Base64), _) if is_base64(&value) => Reads::Base64(&media),
            (Some(Carry::Jwt), _) if payload.is_some() => Reads::Base64("application/json"),
            (Some(Carry::Jwt), _) => Reads::Value,
            (Some(Carry::Opaque), _) => Reads::Opaque,
            (Some(Carry::Time), _) if value.bytes().any(|c| c.is_ascii_digit()) => Reads::Time,
            (Some(Carry::Value), _) => Reads::Value,
            (_, NodeKind::Number) => Reads::Quantity,
            _ if pays || self.side().is_nobody() && !note => Reads::Public,
            _ => Reads::Text,
        };
        let value = payload.map_or(value, Cow::Owned);
        let cue = self.cue(id, key);
        let field = row.map(|row| &row.field);
        sink.leaf(&Leaf { span: tape.span(id), value, field, person, reads, cue: &cue }, &place);
    }

    /// The best row of a key whose conditions hold; of a key that says nothing but `value` that of the label beside it,
    /// else that of the key above.
    fn row(&self, id: NodeId, key: &Key<'t>) -> Option<&'t Row> {
        self.own_row(id, key).or_else(|| self.paired(id, key))
    }

    fn own_row(&self, id: NodeId, key: &Key<'t>) -> Option<&'t Row> {
        let side = self.side();
        let (parent, object) = match self.frames.last() {
            // an element's parent is the object that holds its array
            Some(frame) if self.tape.element(id).is_some() => {
                let above = self.frames.len().checked_sub(2).and_then(|at| self.frames.get(at));
                (above.map_or("", |f| &*f.key.name), frame.object)
            }
            Some(frame) => (&*frame.key.name, frame.object),
            None => ("", NodeId::ROOT),
        };
        let nobody = side.is_nobody();
        let row = key.rows.inside(parent).find(|row| {
            let field = &row.field;
            !(nobody && matches!(field.whose, Whose::Patient | Whose::Relative))
                && row.carry != Carry::Clinical
                && (field.when.systems.is_empty() || self.exchange.is_any(&field.when.systems))
                && (field.when.types.is_empty() || self.is_typed(object, &field.when.types))
        })?;
        // `verifyLastName: "on"`: of a key that only ends so the value has a say.
        let fits = || self.tape.kind(id) != NodeKind::Bool && fits(row.field.kind, &self.tape.value(id));
        if key.rows.only_end_it() && !fits() {
            return None;
        }
        self.by_value(id, key, row)
    }

    /// The row of a value that its key has, but for values that are plainly something else.
    fn by_value(&self, id: NodeId, key: &Key<'t>, row: &'t Row) -> Option<&'t Row> {
        match row.field.kind {
            _ if key.fitted && self.tape.kind(id) != NodeKind::Null => {
                likely::fits_its_key(&key.name, row.field.kind, &self.tape.value(id)).then_some(row)
            }
            // A social security number is one wherever somebody typed it.
            Kind::Phone | Kind::Fax | Kind::Mrn | Kind::MemberId | Kind::Account | Kind::OtherId
                if ssn::is_dashed(self.tape.raw(id)) =>
            {
                self.table.rows("", "ssn").next()
            }
            // Who signs in by an address is known by it; a mail has one of each who writes and reads.
            Kind::ResourceId | Kind::Street if likely::fits(Kind::Email, &self.tape.value_head(id)) => {
                self.table.rows("", "email").next()
            }
            _ => Some(row),
        }
    }

    /// Whether a value is that of somebody who works there, by the role in front of what its key names.
    fn is_of_a_role(&self, id: NodeId) -> bool {
        let Some(kind) = self.keys.get(id).of_a_role else { return false };
        let value = self.tape.value(id);
        fits(kind, &value) && value.len() <= ROLES_VALUE_MAX
    }

    fn is_typed(&self, object: NodeId, types: &[String]) -> bool {
        let find = || self.named(object, TYPE_KEYS).take(TYPES_MAX).collect();
        let is_listed = |child: &NodeId| listed(types, &self.tape.value(*child));
        match self.frames.last() {
            Some(frame) => frame.beside.types.get_or_init(find).iter().any(is_listed),
            None => self.named(object, TYPE_KEYS).any(|child| is_listed(&child)),
        }
    }

    /// Texts of an object, in order, whose key is one of these.
    fn named(&self, object: NodeId, keys: &'static [&'static str]) -> impl Iterator<Item = NodeId> {
        let (tape, normal) = (self.tape, self.keys);
        tape.children(object).take(MEMBERS_LOOKED_AT_MAX).filter(move |child| {
            tape.kind(*child) == NodeKind::String
                && tape.element(*child).is_none()
                && keys.contains(&normal.name(*child))
        })
    }

    /// The type that stands beside a file.
    fn media(&self) -> Cow<'t, str> {
        let beside = self.frames.last().and_then(|frame| {
            *frame.beside.media.get_or_init(|| self.named(frame.object, MEDIA_KEYS).next())
        });
        beside.map_or(Cow::Borrowed(""), |child| self.tape.value(child))
    }

    fn side(&self) -> Side {
        self.frames.last().map_or(Side::Individual, |frame| frame.whose)
    }

    fn is_element(&self, id: NodeId) -> bool {
        self.tape.element(id).is_some()
    }

    /// Whose the open container is.
    fn person(&mut self) -> PersonId {
        if self.side().is_nobody() {
            return PersonId::NOBODY;
        }
        self.holder()
    }

    /// The person whom the open containers tell of, whatever nobody's they lie in.
    fn holder(&mut self) -> PersonId {
        let next =
            PersonId(u32::try_from(self.roles.len()).expect("persons are fewer than 32 bits can count"));
        for frame in self.frames.iter_mut().rev() {
            match frame.person {
                Slot::Made(person) => return person,
                Slot::Due(role) => {
                    frame.person = Slot::Made(next);
                    self.roles.push(role);
                    return next;
                }
                Slot::Above => {}
            }
        }
        if self.roles.is_empty() {
            self.roles.push(Role::Patient); // the document is one value
        }
        PersonId(0)
    }

    /// Whom a key with a relative's word in front tells of (`spouseFirstName`), where somebody else is told beside it.
    fn relative_named(&mut self, key: &Key<'t>) -> Option<PersonId> {
        let word = self.relative_beside(key)?;
        let object = self.frames.last()?.object;
        let mut made = self.named.iter().rev().take(NAMED_LOOKED_AT_MAX);
        if let Some((_, _, person)) = made.find(|(at, of, _)| (*at, *of) == (object, word)) {
            return Some(*person);
        }
        let of = self.person();
        let person =
            PersonId(u32::try_from(self.roles.len()).expect("persons are fewer than 32 bits can count"));
        self.roles.push(Role::RelativeOf(of));
        self.named.push((object, word, person));
        Some(person)
    }

    /// The relative's word in front of a key, where another key of the object names somebody else.
    fn relative_beside(&self, key: &Key<'t>) -> Option<&'static str> {
        let word = key.relative?;
        let mut beside = self.tape.children(self.frames.last()?.object).take(MEMBERS_LOOKED_AT_MAX);
        let tells = |child: NodeId| {
            let key = self.keys.get(child);
            let named = !self.is_element(child) || key.head.is_some();
            named && key.kind.is_some_and(Kind::tells_who) && key.relative != Some(word)
        };
        beside.any(tells).then_some(word)
    }

    fn announce(&mut self, sink: &mut dyn Sink) {
        while let Some(role) = self.roles.get(self.announced) {
            let id = u32::try_from(self.announced).expect("persons are fewer than 32 bits can count");
            sink.person(PersonId(id), *role);
            self.announced += 1;
        }
    }

    fn tell_unknown(&mut self, id: NodeId, sink: &mut dyn Sink) {
        let (Some(span), Some(raw)) = (self.tape.key_span(id), self.tape.key(id)) else { return };
        if !self.keys.get(id).is_known {
            let person = self.person();
            self.announce(sink);
            sink.unknown_key(&raw, span, person, &|| self.place(id));
        }
    }

    /// The row of the numbers by which a map calls its entries: `"mrns": {"00482913": {…}}`, `"byMrn": {…}`.
    fn row_of_entry(&self, id: NodeId) -> Option<&'t Row> {
        if self.keys.get(id).is_known || self.tape.element(id).is_some() {
            return None; // as most
        }
        let map = self.frames.last().filter(|_| self.tape.key_span(id).is_some())?;
        if !likely::is_number(&self.tape.key(id)?) || self.side().is_nobody() {
            return None;
        }
        let is_numbers =
            |row: &&Row| matches!(row.field.kind, Kind::Mrn | Kind::MemberId | Kind::Mbi | Kind::Ssn);
        let find = |name: &str| self.table.look_up(name).inside("").find(is_numbers);
        let name = &*map.key.name;
        find(name).or_else(|| find(name.strip_suffix('s')?))
    }

    /// Tells the number by which a map calls the entry that has just begun.
    fn tell_entry(&mut self, id: NodeId, row: &Row, sink: &mut dyn Sink) {
        let (Some(span), Some(value)) = (self.tape.key_span(id), self.tape.key(id)) else { return };
        let person = self.person();
        self.announce(sink);
        let field = Some(&row.field);
        let leaf = Leaf { span, value, field, person, reads: Reads::Value, cue: "" };
        sink.leaf(&leaf, &|| self.place(id));
    }

    /// Clinical content begins where a container under such a key holds something.
    fn tell_clinical(&mut self, sink: &mut dyn Sink) {
        let Some(frame) = self.frames.last() else { return };
        let holds = self.tape.children(frame.object).next().is_some();
        // An element of such a list may be somebody by himself.
        let keyed = self.tape.key_span(frame.object).is_some() || matches!(frame.person, Slot::Due(_));
        let begins = || frame.key.below.iter().any(|row| row.carry == Carry::Clinical);
        let is_column = || self.tape.kind(frame.object) == NodeKind::Array && frame.key.is_clinical;
        let (begins, is_column) = (holds && keyed && begins(), holds && keyed && is_column());
        if !(is_column && self.tell_clinical_of_rows(sink)) && begins {
            self.clinical_begins(sink);
        }
    }

    /// The same of one value: a diagnosis in words, a blood pressure.
    fn tell_clinical_value(&mut self, id: NodeId, key: &Key<'t>, sink: &mut dyn Sink) {
        let parent = || self.frames.last().map_or("", |frame| &*frame.key.name);
        let is_here = || key.rows.inside(parent()).any(|row| row.carry == Carry::Clinical);
        if !(key.is_clinical || key.is_known && is_here()) {
            return;
        }
        let says = match self.tape.kind(id) {
            NodeKind::String => !says_none(&self.tape.value(id)),
            NodeKind::Number => !self.table.has_below(&key.name), // how many there are
            _ => false,
        };
        let named = !self.is_element(id) || key.head.is_some();
        if says && named {
            self.clinical_begins(sink);
        }
    }

    fn clinical_begins(&mut self, sink: &mut dyn Sink) {
        let person = self.person();
        if person != PersonId::NOBODY {
            self.announce(sink);
            sink.clinical(person);
        }
    }

    /// Keys of the table, `*` for any other.
    fn place(&self, id: NodeId) -> String {
        let above = std::iter::successors(Some(id), |at| self.tape.parent(*at));
        let steps: Vec<NodeId> = above.collect();
        let mut place = String::with_capacity(1 + STEP_BYTES * steps.len());
        place.push('$');
        for at in steps.into_iter().rev().skip(1) {
            let key = self.keys.get(at);
            match self.tape.element(at) {
                Some(number) => {
                    place.push('[');
                    place.push_str(itoa::Buffer::new().format(number));
                    place.push(']');
                }
                None if key.is_known => {
                    place.push('.');
                    place.push_str(&key.name);
                }
                None => place.push_str(".*"),
            }
        }
        place
    }
}

/// Whether a word says that there is nothing.
fn says_none(value: &str) -> bool {
    let value = value.trim();
    value.is_empty() || NONE.iter().any(|none| value.eq_ignore_ascii_case(none))
}

/// Whether it can be base64 of something: long enough, and of its letters only.
fn is_base64(value: &str) -> bool {
    value.len() >= 8
        && value.bytes().all(|c| {
            c.is_ascii_alphanumeric()
                || c.is_ascii_whitespace()
                || matches!(c, b'+' | b'/' | b'=' | b'-' | b'_')
        })
}

/// A step of a place has about so many.
const STEP_BYTES: usize = 12;
/// Of more members that tell a type none is looked at.
const TYPES_MAX: usize = 16;
/// A longer value of somebody's who works there has more in it.
const ROLES_VALUE_MAX: usize = 64;
const TYPE_KEYS: &[&str] =
    &["idtype", "type", "identifiertype", "typecode", "system", "kind", "valuetype", "aliastype"];
const MEDIA_KEYS: &[&str] = &["contenttype", "mimetype", "mediatype", "filetype"];
/// Relatives that keys name, looked through from the last.
const NAMED_LOOKED_AT_MAX: usize = 16;
const NONE: &[&str] =
    &["none", "n/a", "na", "nil", "null", "no", "unknown", "-", "not applicable", "false", "string"];
