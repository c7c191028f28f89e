//! Cases: what a rule finds, and what it doesn't. Those of the built-in rules are TOML in `config/cases/` (lists have
//! theirs beside them), compiled in; those of a site's rules stand in its rules files.

use crate::inspect::kind::Kind;
use crate::inspect::rules::{Changes, Edit, Mode, Raw, What};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// The rule that it is about.
    pub rule: String,
    /// What is inspected.
    pub input: Input,
    /// What has to come of it.
    pub wants: Wants,
    /// Why, for people.
    pub why: String,
}

/// What a case inspects.
#[derive(Debug, Clone)]
pub enum Input {
    /// A text, scanned by detectors.
    Text(String),
    /// A message of a table's format.
    Message(Message),
    /// A value of a kind, judged by the lists of dummies; an identifier system where there is no kind.
    Value(Option<Kind>, String),
    /// Points or people, as a threshold sees them.
    Number(u32),
}

/// A message as a case writes it.
#[derive(Debug, Clone, Default)]
pub struct Message {
    /// The request target.
    pub target: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Media type of the body.
    pub content_type: String,
    /// The body.
    pub body: String,
}

/// What has to come of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants {
    /// The rule finds just these.
    Finds(Vec<String>),
    /// The rule fires.
    Fires,
    /// The rule doesn't.
    Nothing,
}

impl Wants {
    /// Whether the rule has to fire.
    #[must_use]
    pub fn fires(&self) -> bool {
        match self {
            Self::Finds(finds) => !finds.is_empty(),
            Self::Fires => true,
            Self::Nothing => false,
        }
    }
}

/// All cases of a set of rules.
pub struct Suite {
    /// The cases, in order.
    pub cases: Vec<Case>,
}

impl Suite {
    /// The cases of all rules. Rules that are off have none: they find nothing. A change that has cases has no others.
    #[must_use]
    pub fn of(raw: &Raw, changes: &Changes) -> Self {
        let own: Vec<Case> = changes.edits.iter().flat_map(|edit| own(edit, raw)).collect();
        let replaced: BTreeSet<&str> = own.iter().map(|case| case.rule.as_str()).collect();
        let mut cases = built_in();
        cases.extend(of_lists(raw));
        cases.extend(of_numbers(raw));
        cases.retain(|case| !replaced.contains(case.rule.as_str()));
        cases.extend(own.iter().cloned());
        cases.retain(|case| raw.modes.of(&case.rule) != Mode::Off);
        Self { cases }
    }

    /// Rules of `raw` that lack a case that fires (`true`), or one that doesn't.
    #[must_use]
    pub fn missing<'r>(&self, raw: &'r Raw) -> Vec<(&'r str, bool)> {
        let have: BTreeSet<(&str, bool)> =
            self.cases.iter().map(|case| (case.rule.as_str(), case.wants.fires())).collect();
        let needed = raw.ids().filter(|id| raw.modes.of(id) != Mode::Off);
        needed.flat_map(|id| [(id, true), (id, false)]).filter(|one| !have.contains(one)).collect()
    }
}

/// Cases that stand beside word lists, lists of dummies and rules for repeats.
fn of_lists(raw: &Raw) -> Vec<Case> {
    let mut cases = Vec::new();
    for list in &raw.words {
        cases.extend(pair(&list.id, &list.finds, &list.passes, |text| Input::Text(text.clone())));
    }
    for list in &raw.markers {
        let input = |value: &String| Input::Value(list.kind, value.clone());
        cases.extend(pair(&list.id, &list.finds, &list.passes, input));
    }
    for repeat in &raw.repeats {
        let input = |text: &String| Input::Message(Message::of("json-keys", "{}", text));
        cases.extend(pair(&repeat.id, &repeat.finds, &repeat.passes, input));
    }
    cases
}

/// Cases of weights and thresholds.
fn of_numbers(raw: &Raw) -> Vec<Case> {
    let mut cases = Vec::new();
    for weight in &raw.weights {
        let input = |text: &String| match weight.kind {
            Some(kind) => Input::Value(Some(kind), text.clone()),
            None => Input::Message(Message {
                content_type: "text/plain".to_owned(),
                body: text.clone(),
                ..Message::default()
            }),
        };
        cases.extend(pair(&weight.id, &weight.finds, &weight.passes, input));
    }
    for threshold in &raw.thresholds {
        for (number, wants) in [(threshold.finds, Wants::Fires), (threshold.passes, Wants::Nothing)] {
            let input = Input::Number(number);
            cases.push(Case { rule: threshold.id.clone(), input, wants, why: String::new() });
        }
    }
    cases
}

/// The cases of a change.
fn own(edit: &Edit, raw: &Raw) -> Vec<Case> {
    let input = |text: &String| match &edit.what {
        What::Detector(_) | What::Words(_) | What::Weight(_) | What::Threshold(_) => {
            Input::Text(text.clone())
        }
        What::Marker(_) => {
            let kind = raw.markers.iter().find(|list| list.id == edit.id).and_then(|list| list.kind);
            Input::Value(kind, text.clone())
        }
        What::Field(_) => {
            let format = raw.field(&edit.id).map_or("", |(format, _)| format);
            Input::Message(Message::of(format, "{}", text))
        }
    };
    let case =
        |text: &String, wants| Case { rule: edit.id.clone(), input: input(text), wants, why: String::new() };
    let finds = edit.cases.find.iter().map(|text| case(text, Wants::Fires));
    let passes = edit.cases.pass.iter().map(|text| case(text, Wants::Nothing));
    finds.chain(passes).collect()
}

impl Case {
    /// Why, behind its name.
    #[must_use]
    pub fn why_behind(&self) -> String {
        if self.why.is_empty() { String::new() } else { format!(": {}", self.why) }
    }
}

impl Message {
    /// A message of a format: what a case writes, in the frame of its file. Of requests a case writes a line: a target,
    /// or a header with its value.
    #[must_use]
    pub fn of(format: &str, frame: &str, text: &str) -> Self {
        if format == "fhir-url" {
            return match text.split_once(": ").filter(|_| !text.starts_with('/')) {
                Some((name, value)) => {
                    Self { headers: vec![(name.to_ascii_lowercase(), value.to_owned())], ..Self::default() }
                }
                None => Self { target: text.to_owned(), ..Self::default() },
            };
        }
        let content_type = match format {
            "fhir-r4" => "application/fhir+json",
            "hl7v2" => "x-application/hl7-v2+er7",
            "x12" => "application/edi-x12",
            "cda" | "ncpdp-script" | "xds-xcpd" => "text/xml",
            "dicomweb" => "application/dicom+json",
            "csv-columns" => "text/csv",
            _ => "application/json",
        };
        // A case that begins as the frame does, or is no markup where that is, is a whole message.
        let whole = frame.get(..4).is_some_and(|head| text.starts_with(head))
            || frame.starts_with('<') && !text.starts_with('<');
        let frame = if whole { "{}" } else { frame };
        // A row of that table may be about the elements of the same resource in XML.
        let content_type = if text.starts_with('<') { "text/xml" } else { content_type };
        Self { content_type: content_type.to_owned(), body: frame.replace("{}", text), ..Self::default() }
    }
}

fn pair(rule: &str, finds: &String, passes: &String, input: impl Fn(&String) -> Input) -> Vec<Case> {
    let case =
        |text: &String, wants| Case { rule: rule.to_owned(), input: input(text), wants, why: String::new() };
    let both = [(finds, Wants::Fires), (passes, Wants::Nothing)];
    both.into_iter().filter(|(text, _)| !text.is_empty()).map(|(text, wants)| case(text, wants)).collect()
}

/// The cases of the built-in detectors and field rows.
fn built_in() -> Vec<Case> {
    let mut cases = Vec::new();
    for text in TEXT {
        let file: TextFile = toml::from_str(text).expect("built-in cases parse: a test parses them");
        cases.extend(file.case.into_iter().map(|case| Case {
            rule: case.rule,
            input: Input::Text(case.text),
            wants: Wants::Finds(case.finds),
            why: case.why,
        }));
    }
    for text in FIELDS {
        let file: FieldFile = toml::from_str(text).expect("built-in cases parse: a test parses them");
        for (rule, FieldCase { finds, passes }) in &file.cases {
            let input = |text: &String| Input::Message(Message::of(&file.format, &file.frame, text));
            cases.extend(pair(rule, finds, passes, input));
        }
    }
    cases
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextFile {
    case: Vec<TextCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextCase {
    rule: String,
    text: String,
    finds: Vec<String>,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldFile {
    format: String,
    /// What stands around each case, which is at `{}`.
    frame: String,
    cases: BTreeMap<String, FieldCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldCase {
    finds: String,
    passes: String,
}

const TEXT: &[&str] = &[
    include_str!("../../config/cases/text/carriers.toml"),
    include_str!("../../config/cases/text/contacts.toml"),
    include_str!("../../config/cases/text/dates.toml"),
    include_str!("../../config/cases/text/fragments.toml"),
    include_str!("../../config/cases/text/names.toml"),
    include_str!("../../config/cases/text/numbers.toml"),
    include_str!("../../config/cases/text/places.toml"),
    include_str!("../../config/cases/text/rows.toml"),
    include_str!("../../config/cases/text/told.toml"),
];
const FIELDS: &[&str] = &[
    include_str!("../../config/cases/fields/fhir-r4.toml"),
    include_str!("../../config/cases/fields/cds-hooks.toml"),
    include_str!("../../config/cases/fields/hl7v2.toml"),
    include_str!("../../config/cases/fields/x12.toml"),
    include_str!("../../config/cases/fields/cda.toml"),
    include_str!("../../config/cases/fields/json-keys.toml"),
    include_str!("../../config/cases/fields/redox.toml"),
    include_str!("../../config/cases/fields/smart-oauth.toml"),
    include_str!("../../config/cases/fields/dicomweb.toml"),
    include_str!("../../config/cases/fields/csv-columns.toml"),
    include_str!("../../config/cases/fields/ncpdp-script.toml"),
    include_str!("../../config/cases/fields/xds-xcpd.toml"),
    include_str!("../../config/cases/fields/fhir-url.toml"),
];
