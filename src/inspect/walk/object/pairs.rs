//! Values whose key says nothing: the label beside them tells, or the key above. `{"name": "dob", "value": "…"}`,
//! `"mrn": {"value": "…"}`, `{"field": "ssn", "old": "…", "new": "…"}`; and birth dates in three parts.

use super::likely::{fits, is_name, is_number, is_part_of_a_name, is_phone, is_surely};
use super::table::{Row, Rows, normal, without_remark};
use super::{Carry, Frame, Key, Walk};
use crate::inspect::kind::{Kind, Whose};
use crate::inspect::names;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind, Tape};
use crate::inspect::walk::{CUE_BYTES_MAX, start_of};
use std::borrow::Cow;

impl<'t> Walk<'t, '_> {
    /// The row that a label or a key above tells of a value whose own key says nothing.
    pub(super) fn paired(&self, id: NodeId, key: &Key<'t>) -> Option<&'t Row> {
        let name = &*key.name;
        if ADDRESSED.contains(&name)
            && let Some(row) = self.addressed(id)
        {
            return Some(row);
        }
        if tape_element_is(self.tape, id, 1)
            && let Some(row) = self.coupled(id)
        {
            return Some(row);
        }
        if let Some(row) = self.of_a_segment(id, name) {
            return Some(row);
        }
        if !key.says_nothing {
            let row = self.enclosed(id, name).or_else(|| self.by_title(id, false));
            return row.or_else(|| self.answered(id, name)); // as most keys
        }
        let told = self.labelled(id, name).or_else(|| self.wrapped()).or_else(|| self.by_title(id, true));
        let Some(row) = told else {
            return self.enclosed(id, name).or_else(|| self.answered(id, name));
        };
        // A letter under `email` isn't an address: what isn't like a value of its kind is read as text.
        fits(row.field.kind, &self.tape.value(id)).then_some(row)
    }

    fn labelled(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        let (label, _) = self.label(id, key)?;
        self.label_row(label)
    }

    /// The row that a label tells: `Patient's date of birth (MM/DD/YYYY)`, `patient.ssn`, `/patient/ssn`.
    fn label_row(&self, label: NodeId) -> Option<&'t Row> {
        let label = self.tape.value_head(label);
        let label = start_of(&label, CUE_BYTES_MAX);
        let label = without_remark(label);
        self.value_row(&normal(label)).or_else(|| {
            let (_, last) = label.trim_end_matches([':', '?', ' ']).rsplit_once(['.', '/', ':'])?;
            self.value_row(&normal(last))
        })
    }

    /// The row of a value whose key has none, by the key above or the members beside it: only where the value can hardly be
    /// anything else. `"ssn": {"number": "…"}`, `"name": {"full": "…"}`, `{"first": "…", "last": "…", "dob": "…"}`.
    fn enclosed(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        if matches!(key, "first" | "last" | "middle" | "given" | "family") {
            return self.part_of_a_name(id, key);
        }
        let mut frames = self.frames.iter().rev();
        let frame = frames.next()?;
        if !frame.key.tells || self.tape.kind(id) == NodeKind::Bool {
            return None;
        }
        let row = match &*frame.key.name {
            "name" | "names" => self.value_row("fullname").filter(|_| WHOLES.contains(&key))?,
            _ => self.value_row_of(frames.next().map_or("", |frame| &*frame.key.name), frame.key.rows)?,
        };
        let (kind, value) = (row.field.kind, self.tape.value(id));
        let likely = match kind {
            Kind::Mrn | Kind::MemberId | Kind::Passport | Kind::DriverLicence | Kind::NationalId => {
                NUMBERS.contains(&key) && is_number(&value)
            }
            Kind::FamilyName | Kind::GivenName => WHOLES.contains(&key) && is_part_of_a_name(&value),
            Kind::Phone | Kind::Fax if self.tape.kind(id) != NodeKind::String => false,
            kind => is_surely(kind, &value),
        };
        (likely && !MOMENTS.iter().any(|word| key.contains(word))).then_some(row)
    }

    /// `first` and `last` of somebody, or `given` and `family`: both are names, in an object that has something else of a person, or lies in one.
    fn part_of_a_name(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        let frame = self.frames.last().filter(|_| !self.is_element(id))?;
        if self.tape.kind(id) != NodeKind::String || !is_part_of_a_name(&self.tape.value(id)) {
            return None;
        }
        let members = |of: NodeId| self.tape.children(of).take(MEMBERS_LOOKED_AT_MAX);
        let kind_of = |child: NodeId| self.keys.get(child).kind;
        let is_name = |child: NodeId| {
            self.tape.kind(child) == NodeKind::String && is_part_of_a_name(&self.tape.value(child))
        };
        let named =
            |word: &str| members(frame.object).any(|child| self.keys.name(child) == word && is_name(child));
        let known = |kind: Kind| members(frame.object).any(|child| kind_of(child) == Some(kind));
        let given = named("first") || named("given") || known(Kind::GivenName);
        let both = given && (named("last") || named("family") || known(Kind::FamilyName));
        let tells = |of: NodeId| {
            members(of)
                .filter_map(kind_of)
                .any(|kind| kind.tells_who() || matches!(kind, Kind::Phone | Kind::Email))
        };
        let around = || {
            let outer = self.tape.parent(frame.object).filter(|_| self.tape.element(frame.object).is_none());
            frame.key.name.contains("name") || outer.is_some_and(tells)
        };
        let is_family = matches!(key, "last" | "family");
        let row = || self.value_row(if is_family { "lastname" } else { "firstname" });
        (both && (tells(frame.object) || around())).then(row).flatten()
    }

    /// The row of the second of two: `["dob", "1967-11-02"]` in a list of such.
    fn coupled(&self, id: NodeId) -> Option<&'t Row> {
        let label = self.tape.children(self.couple(id)?).next()?;
        if self.tape.raw(label).len() > COUPLED_BYTES_MAX {
            return None;
        }
        let row = self.label_row(label)?;
        let value = self.tape.value(id);
        let likely = match row.field.kind {
            Kind::FamilyName | Kind::GivenName => {
                is_part_of_a_name(&value) && value.starts_with(char::is_uppercase)
            }
            Kind::FullName => is_name(&value),
            kind => fits(kind, &value) && value.bytes().any(|b| b.is_ascii_digit() || b == b'@'),
        };
        // A list of names of fields is none of values.
        (likely && !self.table.has(&normal(&value))).then_some(row)
    }

    /// The pair that a value is the second of.
    pub(super) fn couple(&self, id: NodeId) -> Option<NodeId> {
        let pair = self.frames.last()?.object;
        if !tape_element_is(self.tape, id, 1)
            || self.tape.element(pair).is_none()
            || self.keys.get(id).head.is_some()
        {
            return None;
        }
        let mut members = self.tape.children(pair);
        let label = members.next()?;
        let two = members.next().is_some() && members.next().is_none();
        (two && self.tape.kind(label) == NodeKind::String).then_some(pair)
    }

    /// The row of the nearest key above that says something.
    fn wrapped(&self) -> Option<&'t Row> {
        let mut above = self.frames.iter().rev().take(WRAPPED_MAX).peekable();
        while let Some(frame) = above.next() {
            let parent = above.peek().map_or("", |frame| &*frame.key.name);
            if let Some(row) = self.value_row_of(parent, frame.key.rows) {
                return Some(row);
            }
            if !frame.key.says_nothing {
                return None;
            }
        }
        None
    }

    /// The bytes of `{"type": "Buffer", "data": [80, 97, …]}`, as hex digits: what Node.js writes of bytes.
    pub(super) fn buffer(&self, id: NodeId, key: &str) -> Option<String> {
        let frame = self.frames.last().filter(|_| key == "data" && self.tape.kind(id) == NodeKind::Array)?;
        let mut types = self.named(frame.object, &["type"]);
        if !types.any(|kind| self.tape.value(kind) == "Buffer") {
            return None;
        }
        let bytes = self.tape.children(id).map(|byte| self.tape.value(byte).parse::<u8>().ok());
        let digits: Option<Vec<String>> = bytes.map(|byte| byte.map(|byte| format!("{byte:02x}"))).collect();
        digits.map(|digits| digits.concat()).filter(|digits| digits.len() >= BUFFER_DIGITS_MIN)
    }

    /// A number of whoever a message goes to.
    fn addressed(&self, id: NodeId) -> Option<&'t Row> {
        let phone = self.tape.kind(id) == NodeKind::String && is_phone(&self.tape.value(id));
        if phone { self.value_row("phone") } else { None }
    }

    /// The row of a key that holds one value, whatever stands beside it.
    fn value_row(&self, key: &str) -> Option<&'t Row> {
        self.value_row_of("", self.table.look_up(key))
    }

    fn value_row_of(&self, parent: &str, rows: Rows<'t>) -> Option<&'t Row> {
        let nobody = self.side().is_nobody();
        rows.inside(parent).find(|row| {
            let field = &row.field;
            row.carry == Carry::Value
                && !(nobody && matches!(field.whose, Whose::Patient | Whose::Relative))
                && field.when.systems.is_empty()
                && field.when.types.is_empty()
        })
    }

    /// The key; of a key that says nothing the label beside it, else the key above. `normal_key` is the key in normal form.
    pub(super) fn cue(&self, id: NodeId, of: &Key<'t>) -> Cow<'t, str> {
        let tape = self.tape;
        let key = |mut at: NodeId| loop {
            if let Some(key) = tape.key_head(at) {
                return key;
            }
            match tape.parent(at) {
                Some(parent) => at = parent,
                None => return Cow::Borrowed(""),
            }
        };
        let normal_key = &*of.name;
        if of.is_bound {
            return Cow::Owned(normal_key.to_owned());
        }
        if let Some(head) = of.head {
            return tape.value_head(head);
        }
        if let Some(question) = self.asked_before(id, normal_key) {
            return match tape.value_head(question) {
                Cow::Borrowed(asked) => Cow::Borrowed(asked.trim_end_matches(['?', ' '])),
                Cow::Owned(asked) => Cow::Owned(asked.trim_end_matches(['?', ' ']).to_owned()),
            };
        }
        let own = key(id);
        if !of.says_nothing {
            // Whose it is says more than that it is a name.
            let holder =
                self.frames.last().filter(|_| normal_key == "name").map_or("", |frame| &frame.key.name);
            return match holder {
                "patient" | "member" | "subscriber" | "insured" => Cow::Borrowed("patient name"),
                _ if self.names_a_thing(id, normal_key) => Cow::Borrowed(""),
                _ => own,
            };
        }
        match (self.label(id, normal_key), self.frames.last()) {
            (Some((label, _)), _) => tape.value_head(label),
            (None, Some(frame)) if VALUE_KEYS.contains(&normal_key) => key(frame.object),
            _ => own,
        }
    }

    /// What was asked in the turn before, of a conversation as a list: `{"speaker": "agent", "text": "Your date of birth?"}`.
    pub(super) fn asked_before(&self, id: NodeId, key: &str) -> Option<NodeId> {
        let [.., list, turn] = self.frames.as_slice() else { return None };
        let before = list.before.filter(|_| TURNS.contains(&key) && self.is_element(turn.object))?;
        let mut members = self.tape.children(before).take(MEMBERS_LOOKED_AT_MAX);
        let said = members.find(|child| self.keys.name(*child) == key)?;
        let is_asked = self.tape.raw(said).trim_end().ends_with('?');
        (is_asked && self.tape.raw(id).len() <= ANSWER_BYTES_MAX).then_some(said)
    }

    /// The row that the question of the turn before tells, where the answer is a value of its kind and nothing else.
    fn answered(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        let question = self.tape.value_head(self.asked_before(id, key)?);
        let question = start_of(&question, CUE_BYTES_MAX).trim_end_matches(['?', ' ']);
        let mut heads = ["your ", "the ", "their ", "his ", "her ", "patient's ", "confirm "].iter();
        let asked = heads.find_map(|head| question.rsplit_once(head)).map_or(question, |(_, asked)| asked);
        let (asked, value) = (normal(asked), self.tape.value(id));
        let row = self.value_row(if asked == "name" { "fullname" } else { &asked })?;
        // People type their names in small letters there.
        let is_it = is_surely(row.field.kind, &value)
            || row.field.kind == Kind::FullName && is_name(&names::titled(value.trim_end_matches('.')));
        is_it.then_some(row)
    }

    /// The label of a value whose key says nothing, and the object that has it: that of the value, or the one around it
    /// (`{"key": "ssn", "value": {"stringValue": "…"}}`).
    pub(super) fn label(&self, id: NodeId, normal_key: &str) -> Option<(NodeId, NodeId)> {
        let of_a_value = VALUE_KEYS.contains(&normal_key);
        if !of_a_value && !WEAK_VALUE_KEYS.contains(&normal_key) {
            return None;
        }
        if let Some(asked) = self.asked(id, normal_key) {
            return Some(asked);
        }
        let found = |frame: &Frame<'_>, not: NodeId| {
            let (known, labels) = match of_a_value {
                true => (&frame.beside.labels, LABEL_KEYS),
                false => (&frame.beside.field_labels, FIELD_LABELS),
            };
            let known = known.get_or_init(|| {
                let mut members = self.named(frame.object, labels).chain(self.wrapped_label(frame.object));
                std::array::from_fn(|_| members.next())
            });
            let mut beside = known.iter().flatten().copied().filter(|label| *label != not);
            let strong = |label: &NodeId| !WEAK_LABELS.contains(&self.keys.name(*label));
            let first = beside.clone().find(strong);
            let telling = beside.find(|label| self.label_row(*label).is_some());
            Some((telling.or(first)?, frame.object, telling.is_some()))
        };
        let (mut not, mut near) = (id, None);
        for (climbed, frame) in self.frames.iter().rev().take(LABEL_CLIMB_MAX).enumerate() {
            if let Some((label, object, tells)) = found(frame, not)
                && (climbed == 0 || tells || climbed == 1 && wraps_a_value(self.tape, self.frames.last()))
            {
                // What a value is made of says less than what it is: `{"_type": "DV_TEXT", "value": …}`.
                if tells || !wraps_a_value(self.tape, Some(frame)) {
                    return near.filter(|_| !tells).or(Some((label, object)));
                }
                near = near.or(Some((label, object)));
            }
            if !frame.key.says_nothing && !frame.key.name.starts_with("value") {
                return near;
            }
            not = frame.object;
        }
        near
    }

    /// A label that is an object of its own, if it says what stands beside it: `"name": {"value": "Date of birth"}`, as openEHR
    /// has it.
    fn wrapped_label(&self, object: NodeId) -> Option<NodeId> {
        let members = self.tape.children(object).take(MEMBERS_LOOKED_AT_MAX);
        let mut wraps = members.filter(|child| {
            self.tape.kind(*child) == NodeKind::Object && WRAPPED_LABELS.contains(&self.keys.name(*child))
        });
        let mut labels = self.named(wraps.next()?, WRAPPED_AS).take(LABELS_MAX);
        labels.find(|label| self.label_row(*label).is_some())
    }

    /// The row of a field of a segment that is JSON: `{"PID": [{"5": [{"1": "…"}], "7": "…"}]}`, `{"name": "PID", "fields":
    /// ["1", "", "…"]}` of HL7v2, `{"NM1": ["IL", "1", "…"], "DMG": ["D8", "…"]}` of X12.
    fn of_a_segment(&self, id: NodeId, key: &str) -> Option<&'t Row> {
        let tape = self.tape;
        let digits = |key: &str| !key.is_empty() && key.len() <= 2 && key.bytes().all(|b| b.is_ascii_digit());
        let text = |id: NodeId| if tape.kind(id) == NodeKind::String { tape.raw(id) } else { "" };
        let element = tape.element(id);
        let row = if digits(key) && element.is_none() {
            let mut path = key.to_owned();
            for frame in self.frames.iter().rev().take(SEGMENT_FRAMES_MAX) {
                match &*frame.key.name {
                    "pid" => {
                        return self.value_row(&format!("pid{path}")).filter(|row| self.is_like(row, id));
                    }
                    _ if tape.element(frame.object).is_some() => {}
                    above if digits(above) => path.insert_str(0, above),
                    _ => return None,
                }
            }
            return None;
        } else if let Some(number) = element {
            let list = self.frames.last()?.object;
            let first = || tape.children(list).next().map_or("", text);
            match key {
                "fields" => {
                    let mut called = self.named(tape.parent(list)?, SEGMENT_NAMES);
                    called.any(|name| tape.raw(name) == "PID").then_some(())?;
                    let number = number + usize::from(first() != "PID");
                    self.value_row(&format!("pid{number}"))
                }
                "pid" if first() == "PID" => self.value_row(&format!("pid{number}")),
                "nm1" if INDIVIDUALS.contains(&first()) => match number {
                    2 => self.value_row("lastname"),
                    3 => self.value_row("firstname"),
                    8 => self.value_row("memberid"),
                    _ => None,
                },
                "dmg" if number == 1 => self.value_row("birthdate"),
                _ => None,
            }
        } else {
            let (place, row) = X12_PLACES.iter().find(|(place, _)| *place == key)?;
            let whom = || self.named(self.frames.last()?.object, &["nm101"]).next().map(text);
            let is_anothers =
                place.starts_with("nm1") && whom().is_some_and(|whom| !INDIVIDUALS.contains(&whom));
            self.value_row(row).filter(|_| !is_anothers)
        };
        row.filter(|row| self.is_like(row, id))
    }

    /// Whether a value is like one of its row's kind.
    fn is_like(&self, row: &Row, id: NodeId) -> bool {
        let value = self.tape.value(id);
        match row.field.kind {
            Kind::FamilyName | Kind::GivenName => is_part_of_a_name(&value),
            kind => fits(kind, &value.replace('^', " ")),
        }
    }

    /// The text that is asked beside its answer, if it says what that is: `{"text": "Date of birth", "answer": "…"}`.
    fn asked(&self, id: NodeId, normal_key: &str) -> Option<(NodeId, NodeId)> {
        let frame = self.frames.last().filter(|_| ANSWERS.contains(&normal_key))?;
        let asked = frame.beside.asked.get_or_init(|| {
            let mut labels = self
                .named(frame.object, ASKED)
                .take(LABELS_MAX)
                .filter(|label| self.label_row(*label).is_some());
            std::array::from_fn(|_| labels.next())
        });
        let label = asked.iter().flatten().find(|label| **label != id)?;
        Some((*label, frame.object))
    }

    /// Whether an object has no label of a field.
    pub(super) fn has_no_label(&self, frame: &Frame<'_>) -> bool {
        let labels = frame.beside.field_labels.get_or_init(|| {
            let mut members = self.named(frame.object, FIELD_LABELS);
            std::array::from_fn(|_| members.next())
        });
        labels.iter().flatten().all(|label| self.label_row(*label).is_none())
    }

    /// A birth date that is told in three parts: `{"year": 1971, "month": 4, "day": 2}`, `dobYear`. The whole of it, and
    /// its row.
    pub(super) fn date_in_parts(&self, id: NodeId, key: &Key<'t>) -> Option<(&'t Row, String)> {
        let key = &*key.name;
        if !matches!(key.as_bytes().last(), Some(b'r' | b'h' | b'y' | b'm' | b'd')) {
            return None;
        }
        let (spelt, parts) =
            DATE_PARTS.iter().enumerate().find(|(_, parts)| parts.iter().any(|part| key.ends_with(part)))?;
        let stem = parts.iter().find_map(|part| key.strip_suffix(part))?;
        let frame = self.frames.last().filter(|_| !self.is_element(id))?;
        let of = match stem {
            "" => &*frame.key.name,
            "birth" => "birthdate",
            stem => stem,
        };
        // Most keys end in one of these letters.
        if spelt > 0 && !["dob", "birth", "dateofbirth"].iter().any(|word| of.starts_with(word)) {
            return None;
        }
        let row = self.value_row(of).filter(|row| row.field.kind == Kind::BirthDate)?;
        let part = |part: &str| {
            let mut members = self.tape.children(frame.object).take(DATE_MEMBERS_MAX);
            let member = members.find(|child| self.keys.name(*child).strip_prefix(stem) == Some(part))?;
            self.tape.value(member).parse::<u16>().ok()
        };
        let [year, month, day] = parts.map(part);
        let (year, month, day) = (year?, month?, day?);
        Some((row, date_of(year, month, day)?))
    }

    /// A social security number that is told in its three parts: `{"area": "412", "group": "21", "serial": "3456"}`. The whole
    /// of it, and its row.
    pub(super) fn ssn_in_parts(&self, id: NodeId, key: &Key<'t>) -> Option<(&'t Row, String)> {
        if !SSN_PARTS.iter().any(|(part, _)| *part == &*key.name) {
            return None; // as most keys
        }
        let frame = self.frames.last().filter(|_| !self.is_element(id))?;
        let mut whole = String::new();
        for (part, digits) in SSN_PARTS {
            let mut members = self.tape.children(frame.object).take(DATE_MEMBERS_MAX);
            let member = members.find(|child| self.keys.name(*child) == *part)?;
            let value = self.tape.value(member);
            if value.len() != *digits || !value.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let dash = if whole.is_empty() { "" } else { "-" };
            whole.push_str(dash);
            whole.push_str(&value);
        }
        Some((self.value_row("ssn").filter(|row| row.field.kind == Kind::Ssn)?, whole))
    }
}

/// What social security numbers have had as parts, and how many digits each has.
const SSN_PARTS: &[(&str, usize)] = &[("area", 3), ("group", 2), ("serial", 4)];

/// A date that is told in three parts.
pub(in crate::inspect::walk) fn date_of(year: u16, month: u16, day: u16) -> Option<String> {
    let sound = (1000..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    sound.then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn tape_element_is(tape: &Tape<'_>, id: NodeId, number: usize) -> bool {
    tape.element(id) == Some(number)
}

/// Whether a container is the object of a value: `"value": {"stringValue": "…"}`.
fn wraps_a_value(tape: &Tape<'_>, frame: Option<&Frame<'_>>) -> bool {
    frame.is_some_and(|frame| tape.element(frame.object).is_none() && frame.key.name.starts_with("value"))
}

/// Whether a key (in normal form) doesn't say what its value is.
pub(super) fn says_nothing(key: &str) -> bool {
    let number = || key.len() <= NUMBER_KEY_MAX && key.bytes().all(|b| b.is_ascii_digit());
    VALUE_KEYS.contains(&key) || WEAK_VALUE_KEYS.contains(&key) || !key.is_empty() && number()
}

/// How many labels of one object are looked at, and through how many containers one is looked for.
pub(super) const LABELS_MAX: usize = 4;
const LABEL_CLIMB_MAX: usize = 4;
/// A key of more digits is an id.
const NUMBER_KEY_MAX: usize = 4;
/// Keys of the whole of what the key above names.
const WHOLES: &[&str] = &[
    "full",
    "fullname",
    "formatted",
    "display",
    "raw",
    "legal",
    "official",
    "current",
    "complete",
    "namefullformatted",
];
/// Keys of the number that the key above names.
const NUMBERS: &[&str] = &[
    "id",
    "number",
    "num",
    "no",
    "nbr",
    "extension",
    "identifier",
    "idnumber",
    "raw",
    "full",
    "formatted",
    "display",
    "external",
    "internal",
    "primary",
    "current",
    "local",
    "enterprise",
    "mrn",
];
/// Words of keys that tell when something was said, not what.
const MOMENTS: &[&str] = &[
    "updat",
    "creat",
    "modif",
    "record",
    "verif",
    "sent",
    "received",
    "expir",
    "issue",
    "start",
    "end",
    "since",
    "until",
    "assigned",
    "entered",
    "changed",
    "captured",
    "collected",
    "last",
    "timestamp",
    "effective",
    "valid",
];
/// Among how many members the parts of a date are looked for.
const DATE_MEMBERS_MAX: usize = 64;
/// `dobYear`, `dob_yyyy`, `dob_y`: the longer ones first.
pub(in crate::inspect::walk) const DATE_PARTS: [[&str; 3]; 3] =
    [["year", "month", "day"], ["yyyy", "mm", "dd"], ["y", "m", "d"]];
/// Keys that say nothing in a row: `"ssn": {"value": {"string": "…"}}`.
const WRAPPED_MAX: usize = 4;
const ADDRESSED: &[&str] = &["to", "from", "recipient", "recipients", "destination"];
const VALUE_KEYS: &[&str] = &[
    "value",
    "answer",
    "text",
    "content",
    "val",
    "data",
    "valuestring",
    "stringvalue",
    "valuedate",
    "s",
    "string",
    "fieldvalue",
    "attributevalue",
    "columnvalue",
    "parametervalue",
    "propertyvalue",
    "intvalue",
    "longvalue",
    "oldvalue",
    "newvalue",
    "v",
    "answers",
    "answertext",
    "answervalue",
    "response",
    "responses",
    "responsetext",
    "customfieldvalue",
    "valuetext",
    "varcharvalue",
    "input",
    "userinput",
    "reply",
    "interpretedvalue",
    "originalvalue",
];
/// Of these only what a field is called tells: a period of a thing of some type has them, too.
const WEAK_VALUE_KEYS: &[&str] = &[
    "n",
    "date",
    "eq",
    "query",
    "old",
    "new",
    "from",
    "to",
    "before",
    "after",
    "previous",
    "current",
    "long",
    "numberlong",
    "equals",
    "contains",
    "startswith",
    "ilike",
    "like",
    "in",
    "values",
    "gt",
    "gte",
    "lt",
    "lte",
    "term",
    "match",
    "iso",
    "formatted",
    "raw",
    "exactdate",
    "exactdatetime",
];
/// Keys of what is said in a turn of a conversation.
const TURNS: &[&str] = &["text", "content", "message", "utterance", "transcript", "body"];
/// A longer turn has its own words for what it tells.
const ANSWER_BYTES_MAX: usize = 96;
/// Fewer bytes tell of nobody.
const BUFFER_DIGITS_MIN: usize = 32;
/// The first of two is no label if it is longer.
const COUPLED_BYTES_MAX: usize = 64;
/// Labels only where they name a row: everything has an id and a title.
const WEAK_LABELS: &[&str] = &["id", "title", "k", "fieldid", "heading", "caption", "header"];
const LABEL_KEYS: &[&str] = &[
    "code",
    "description",
    "type",
    "label",
    "question",
    "key",
    "field",
    "name",
    "fieldname",
    "attribute",
    "attributename",
    "columnname",
    "fieldlabel",
    "parametername",
    "propertyname",
    "property",
    "path",
    "column",
    "title",
    "id",
    "k",
    "fieldid",
    "questiontext",
    "heading",
    "prompt",
    "caption",
    "header",
    "customfieldname",
];
/// Labels that have a value of their own.
const WRAPPED_LABELS: &[&str] = &["name", "code", "label", "question", "field", "title"];
const WRAPPED_AS: &[&str] = &["value", "text", "display", "ref", "label", "title", "name", "key"];
/// How the name of a segment is called, and how deep a component lies in it.
const SEGMENT_NAMES: &[&str] = &["name", "segment", "segmentname", "segmentid", "id", "type", "tag"];
const SEGMENT_FRAMES_MAX: usize = 6;
/// Entity identifier codes of individuals (X12 data element 98): insured, patient, corrected insured, dependent.
const INDIVIDUALS: &[&str] = &["IL", "QC", "74", "03", "QD", "S1"];
/// Elements of X12 by their places, and what they are.
const X12_PLACES: &[(&str, &str)] = &[
    ("nm103", "lastname"),
    ("nm104", "firstname"),
    ("nm105", "middlename"),
    ("nm109", "memberid"),
    ("dmg02", "birthdate"),
];
/// Keys of what somebody answers, and of what is asked beside it.
const ANSWERS: &[&str] = &["answer", "answertext", "answervalue", "response"];
const ASKED: &[&str] = &["text", "display"];
/// Without those of things of some type.
const FIELD_LABELS: &[&str] = LABEL_KEYS.split_at(3).1;
