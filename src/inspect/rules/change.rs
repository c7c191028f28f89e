//! A site's changes to the rules: new rules, and other values for the keys of rules that there are, by id.

use super::raw::version;
use super::{AloneNearby, Mode, Raw};
use crate::inspect::check::Validator;
use crate::inspect::field::When;
use crate::inspect::kind::{Kind, Points, Redact, Whose};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Where a change is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// Its line, from 1.
    pub line: usize,
}

/// Something wrong with a change, or with what it makes of the rules. Names rules, and no value of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Where it is written.
    pub origin: Option<Origin>,
    /// The rule's id.
    pub rule: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Origin { file, line }) = &self.origin {
            write!(f, "{file}: line {line}: ")?;
        }
        write!(f, "{}: {}", self.rule, self.what)
    }
}

/// All changes, in the order of files and lines.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// One for each table of a rules file.
    pub edits: Vec<Edit>,
    /// The files' texts, for the digest.
    pub texts: Vec<String>,
}

/// A new rule, or other values for one that there is.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The rule's id.
    pub id: String,
    /// Where it is written.
    pub origin: Origin,
    /// What it says.
    pub what: What,
    /// The rule's mode.
    pub mode: Option<Mode>,
    /// Its own cases.
    pub cases: OwnCases,
}

/// Cases that stand beside a rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnCases {
    /// Texts or messages in which the rule finds something.
    pub find: Vec<String>,
    /// Ones in which it doesn't.
    pub pass: Vec<String>,
}

/// What a change is about.
#[derive(Debug, Clone)]
pub enum What {
    /// A detector, or a rule for names.
    Detector(Box<DetectorChange>),
    /// A row of a field table.
    Field(Box<FieldChange>),
    /// A list of dummies.
    Marker(ListChange),
    /// A word list.
    Words(ListChange),
    /// A weight: its points.
    Weight(Option<Points>),
    /// A threshold: its value.
    Threshold(Option<u32>),
}

impl What {
    /// Whether it says nothing.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Detector(change) => **change == DetectorChange::default(),
            Self::Field(change) => change.is_empty(),
            Self::Marker(change) | Self::Words(change) => change.is_empty(),
            // Whoever names a number is asked for it.
            Self::Weight(_) | Self::Threshold(_) => false,
        }
    }
}

impl FieldChange {
    fn is_empty(&self) -> bool {
        let texts = [&self.format, &self.about, &self.source, &self.reads];
        let is_placed = self.at.is_some() || self.when.is_some() || self.points.is_some();
        let is_told = self.kind.is_some() || self.whose.is_some() || self.redact.is_some();
        !is_placed && !is_told && texts.iter().all(|text| text.is_none())
    }
}

impl ListChange {
    fn is_empty(&self) -> bool {
        let is_told = self.about.is_some() || self.source.is_some();
        !is_told && self.values.is_none() && self.add.is_empty() && self.remove.is_empty()
    }
}

/// Keys of a detector; what isn't given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)] // as in `RawDetector`
pub struct DetectorChange {
    pub about: Option<String>,
    pub source: Option<String>,
    pub kind: Option<Kind>,
    pub pattern: Option<String>,
    pub validate: Option<Validator>,
    pub nearby: Option<Vec<String>>,
    pub nearby_lists: Option<Vec<String>>,
    pub within: Option<usize>,
    pub points: Option<AloneNearby>,
    pub unless_before: Option<Vec<String>>,
}

/// Keys of a row; what isn't given stays.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)] // as in `Field`
pub struct FieldChange {
    pub format: Option<String>,
    pub about: Option<String>,
    pub source: Option<String>,
    pub at: Option<Vec<String>>,
    pub when: Option<When>,
    pub reads: Option<String>,
    pub kind: Option<Kind>,
    pub points: Option<Points>,
    pub whose: Option<Whose>,
    pub redact: Option<Redact>,
}

/// What a list is to hold.
#[derive(Debug, Clone, Default)]
pub struct ListChange {
    /// One line for people.
    pub about: Option<String>,
    /// The document it follows.
    pub source: Option<String>,
    /// All of it anew.
    pub values: Option<Vec<String>>,
    /// What is added.
    pub add: Vec<String>,
    /// What is taken away.
    pub remove: Vec<String>,
}

impl Changes {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// A problem of a rule, with the place where the last change to it is written.
    #[must_use]
    pub fn wrong(&self, id: &str, what: String) -> Wrong {
        let origin = self.edits.iter().rev().find(|edit| edit.id == id).map(|edit| edit.origin.clone());
        Wrong { origin, rule: id.to_owned(), what }
    }

    /// Which rules these make.
    pub(super) fn version(&self) -> String {
        version(&self.texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The built-in rules with these changes.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn applied(&self) -> Result<Raw, Vec<Wrong>> {
        let mut raw = Raw::built_in();
        let mut wrong = Vec::new();
        let mut first: HashMap<&str, &Origin> = HashMap::new();
        for edit in &self.edits {
            if let Some(before) = first.insert(&edit.id, &edit.origin) {
                let what = format!("the id has a table already: {} line {}", before.file, before.line);
                wrong.push(self.at(edit, what));
            } else if let Err(what) = raw.change(edit) {
                wrong.push(self.at(edit, what));
            }
        }
        // A detector's nearby words may be those of a list.
        if raw.changed.contains("words") && raw.detectors.iter().any(|d| !d.nearby_lists.is_empty()) {
            raw.changed.insert("detectors");
        }
        if wrong.is_empty() { Ok(raw) } else { Err(wrong) }
    }

    fn at(&self, edit: &Edit, what: String) -> Wrong {
        Wrong { origin: Some(edit.origin.clone()), rule: edit.id.clone(), what }
    }
}
