//! Rules as written: what the files in `config/` say, before a site's changes and before compiling.

use super::{Modes, RuleSet};
use crate::inspect::check::Validator;
use crate::inspect::field::{Field, FieldTable};
use crate::inspect::kind::{Kind, Points};
use crate::inspect::marker::{MarkerList, Weight};
use crate::inspect::names::{self, words::WordList};
use crate::inspect::walk::cda;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// All rules as written.
#[derive(Clone)]
pub struct Raw {
    /// Shape detectors for text.
    pub detectors: Vec<RawDetector>,
    /// Rules of the recogniser of names.
    pub names: Vec<names::Rule>,
    /// Repeats of what fields tell.
    pub repeats: Vec<Repeat>,
    /// Word lists.
    pub words: Vec<WordList>,
    /// Lists of dummies.
    pub markers: Vec<MarkerList>,
    /// Weights that hold across rules.
    pub weights: Vec<Weight>,
    /// From where on an environment acts.
    pub thresholds: Vec<Threshold>,
    /// Field tables, one for each format.
    pub tables: Vec<FieldTable>,
    /// Rules that have a mode of their own.
    pub modes: Modes,
    /// What changes have touched: `detectors`, `names`, `words`, `markers`, or a table's format.
    pub changed: BTreeSet<&'static str>,
}

/// One detector as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawDetector {
    /// Stable id, never reused.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// The document it follows.
    pub source: String,
    /// What it finds.
    pub kind: Kind,
    /// Regex syntax; the group `v` is the value, or the whole match.
    pub pattern: String,
    /// A check of the value.
    pub validate: Option<Validator>,
    /// Words that raise belief, looked for before the value.
    #[serde(default)]
    pub nearby: Vec<String>,
    /// More of them, by name: word lists, or detectors whose words are taken.
    #[serde(default)]
    pub nearby_lists: Vec<String>,
    /// How far, in bytes. Default 40.
    #[serde(default = "forty")]
    pub within: usize,
    /// Points for one person.
    pub points: AloneNearby,
    /// Words right before the value that make it somebody else's.
    #[serde(default)]
    pub unless_before: Vec<String>,
    /// Whether nearby words are looked for behind the value, too.
    #[serde(default)]
    pub around: bool,
    /// What has to stand right before the value, with no more than a sex between them: something found of this kind.
    pub behind: Option<Kind>,
}

/// Points without and with a nearby word; 0 means that it isn't reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AloneNearby {
    /// Without a nearby word.
    pub alone: Points,
    /// With one.
    pub nearby: Points,
}

/// How far nearby words are looked for, unless a detector says otherwise.
pub(super) const fn forty() -> usize {
    40
}

/// A rule for what fields tell and texts repeat, as written in `config/detectors/repeats.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// Stable id, never reused: `text.known-name`.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// The document it follows.
    pub source: String,
    /// A message in which a text repeats what a field tells.
    pub finds: String,
    /// One in which none does.
    pub passes: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeats {
    repeat: Vec<Repeat>,
}

/// A threshold as written in `config/thresholds.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// Stable id, never reused: `threshold.block`.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// What it rests on.
    pub source: String,
    /// Points, or people.
    pub value: u32,
    /// The least number that it acts on.
    pub finds: u32,
    /// The greatest that it doesn't.
    pub passes: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ThresholdList {
    threshold: Vec<Threshold>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightList {
    weight: Vec<Weight>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Detectors {
    detector: Vec<RawDetector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    name: Vec<names::Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordLists {
    words: Vec<WordList>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkerLists {
    marker: Vec<MarkerList>,
}

impl Raw {
    /// The rules that are compiled in.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            detectors: [DETECTORS, ROWS].iter().flat_map(|text| read::<Detectors>(text).detector).collect(),
            names: read::<Names>(NAME_RULES).name,
            repeats: read::<Repeats>(REPEATS).repeat,
            words: read::<WordLists>(WORDS).words,
            markers: read::<MarkerLists>(MARKERS).marker,
            weights: read::<WeightList>(WEIGHTS).weight,
            thresholds: Self::thresholds_built_in(),
            tables: TABLES.iter().map(|text| read(text)).collect(),
            modes: Modes::default(),
            changed: BTreeSet::new(),
        }
    }

    /// The thresholds that are compiled in.
    #[must_use]
    pub fn thresholds_built_in() -> Vec<Threshold> {
        read::<ThresholdList>(THRESHOLDS).threshold
    }

    /// The rules without one of them, compiled: what is told otherwise by them is what the rule is for. `rules` are these
    /// rules, compiled. `None` where what is left doesn't compile.
    #[must_use]
    pub fn without(&self, id: &str, rules: &RuleSet) -> Option<Arc<RuleSet>> {
        let mut raw = self.clone();
        raw.changed.clear();
        for table in &mut raw.tables {
            let before = table.field.len();
            table.field.retain(|row| row.id != id);
            if let Some(format) = is_known_format(&table.format).filter(|_| table.field.len() < before) {
                raw.changed.insert(format);
            }
        }
        if let Some(list) = raw.words.iter_mut().find(|list| list.id == id) {
            list.words.clear();
            raw.changed.insert("words");
            if raw.detectors.iter().any(|detector| detector.nearby_lists.iter().any(|name| name == id)) {
                raw.changed.insert("detectors");
            }
        }
        if let Some(list) = raw.markers.iter_mut().find(|list| list.id == id) {
            list.values.clear();
            raw.changed.insert("markers");
        }
        if let Some(weight) = raw.weights.iter_mut().find(|weight| weight.id == id) {
            weight.points = Points(u16::MAX);
            raw.changed.insert("markers");
        }
        RuleSet::compile(&raw, Some((rules, &raw.changed))).ok().map(Arc::new)
    }

    /// The rows of these formats, in this order.
    pub(super) fn rows(&self, formats: &[&str]) -> FieldTable {
        let mut tables =
            formats.iter().filter_map(|format| self.tables.iter().find(|t| t.format == *format)).cloned();
        let first =
            tables.next().expect("each format that is asked for has a table: a test compiles them all");
        tables.fold(first, FieldTable::before)
    }

    /// A field row, with its format.
    #[must_use]
    pub fn field(&self, id: &str) -> Option<(&str, &Field)> {
        self.tables.iter().find_map(|t| Some((&*t.format, t.field.iter().find(|f| f.id == id)?)))
    }

    /// Every id, in order of the files.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        let lists = self.words.iter().map(|l| &*l.id).chain(self.markers.iter().map(|l| &*l.id));
        let numbers = self.weights.iter().map(|w| &*w.id).chain(self.thresholds.iter().map(|t| &*t.id));
        let lists = lists.chain(numbers).chain(self.repeats.iter().map(|r| &*r.id));
        self.finding_ids().chain(lists)
    }

    /// Why what has this id has no mode, where that is so: a list or a number always does what it does.
    #[must_use]
    pub fn without_mode(&self, id: &str) -> Option<&'static str> {
        let is_list = self.words.iter().any(|l| l.id == id) || self.markers.iter().any(|l| l.id == id);
        let is_number = self.weights.iter().any(|w| w.id == id) || self.thresholds.iter().any(|t| t.id == id);
        match () {
            () if is_list => Some("a list has no mode: take its words away instead"),
            () if is_number => Some("a number has no mode"),
            () => None,
        }
    }

    /// Those of rules that find something: detectors, and rows of tables.
    pub fn finding_ids(&self) -> impl Iterator<Item = &str> {
        let detectors = self.detectors.iter().map(|d| &*d.id).chain(self.names.iter().map(|n| &*n.id));
        detectors.chain(self.tables.iter().flat_map(|t| t.field.iter().map(|f| &*f.id)))
    }

    /// A detector with the words of the lists that it names.
    pub(super) fn with_lists(&self, detector: &RawDetector) -> Result<RawDetector, String> {
        let mut detector = detector.clone();
        for name in std::mem::take(&mut detector.nearby_lists) {
            let list = self.words.iter().find(|l| l.id == name).map(|l| &l.words);
            let words = list.or_else(|| self.detectors.iter().find(|d| d.id == name).map(|d| &d.nearby));
            match words {
                Some(words) => detector.nearby.extend(words.iter().cloned()),
                None => return Err(format!("nearby_lists: there is no word list and no detector `{name}`")),
            }
        }
        Ok(detector)
    }
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> T {
    toml::from_str(text).expect("built-in rules parse: a test parses them")
}

/// Whether there is a table for this format.
#[must_use]
pub fn is_known_format(format: &str) -> Option<&'static str> {
    FORMATS.iter().find(|known| **known == format).copied()
}

/// A digest of the built-in texts and of others behind them.
pub(super) fn version(others: &[&str]) -> String {
    let texts = [
        DETECTORS,
        ROWS,
        NAME_RULES,
        REPEATS,
        WORDS,
        MARKERS,
        WEIGHTS,
        THRESHOLDS,
        NAMES,
        SHAPES,
        cda::NAMES,
    ];
    digest(texts.iter().chain(TABLES).chain(&names::list::TEXTS).chain(others).copied())
}

/// A digest of texts, in twelve letters.
pub(super) fn digest<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text);
    }
    hash.finalize().iter().take(6).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Ids of rules that there were.
#[must_use]
pub(super) fn retired() -> Vec<String> {
    #[derive(Deserialize)]
    struct Retired {
        ids: Vec<String>,
    }
    toml::from_str::<Retired>(RETIRED).map_or_else(|_| Vec::new(), |retired| retired.ids)
}

const RETIRED: &str = include_str!("../../../config/retired.toml");
const DETECTORS: &str = include_str!("../../../config/detectors/text.toml");
const ROWS: &str = include_str!("../../../config/detectors/rows.toml");
const NAME_RULES: &str = include_str!("../../../config/detectors/names.toml");
const REPEATS: &str = include_str!("../../../config/detectors/repeats.toml");
const WORDS: &str = include_str!("../../../config/words.toml");
const MARKERS: &str = include_str!("../../../config/markers.toml");
const WEIGHTS: &str = include_str!("../../../config/weights.toml");
const THRESHOLDS: &str = include_str!("../../../config/thresholds.toml");
const NAMES: &str = include_str!("../../../config/fields/fhir-r4-names.toml");
const SHAPES: &str = include_str!("../../../config/fields/fhir-r4-xml.toml");
const TABLES: &[&str] = &[
    include_str!("../../../config/fields/fhir-r4.toml"),
    include_str!("../../../config/fields/cds-hooks.toml"),
    include_str!("../../../config/fields/hl7v2.toml"),
    include_str!("../../../config/fields/x12.toml"),
    include_str!("../../../config/fields/cda.toml"),
    include_str!("../../../config/fields/json-keys.toml"),
    include_str!("../../../config/fields/redox.toml"),
    include_str!("../../../config/fields/smart-oauth.toml"),
    include_str!("../../../config/fields/dicomweb.toml"),
    include_str!("../../../config/fields/csv-columns.toml"),
    include_str!("../../../config/fields/ncpdp-script.toml"),
    include_str!("../../../config/fields/xds-xcpd.toml"),
    include_str!("../../../config/fields/fhir-url.toml"),
];

/// The formats that have a table.
const FORMATS: &[&str] = &[
    "fhir-r4",
    "cds-hooks",
    "hl7v2",
    "x12",
    "cda",
    "json-keys",
    "redox",
    "smart-oauth",
    "dicomweb",
    "csv-columns",
    "ncpdp-script",
    "xds-xcpd",
    "fhir-url",
];
