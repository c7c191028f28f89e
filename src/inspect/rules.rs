//! The rule set: detectors, field tables, markers and words. All of it is TOML in `config/`, compiled in, and checked
//! by a test; a running gateway holds one compiled set.

use super::check::Validator;
use super::field::FieldTable;
use super::kind::{Kind, Points};
use super::marker::Markers;
use super::names::words::Words;
use super::names::{self, Recogniser};
use super::scan::Engine;
use super::score;
use super::text::{self, Detector};
use super::url::Queries;
use super::walk::{cda, csv, dicom, fhir, hl7v2, named, object, x12};
use serde::Deserialize;
use std::sync::{Arc, OnceLock};

/// Everything that inspection judges by.
pub struct RuleSet {
    /// Shape detectors for text, in the order of the file.
    pub detectors: Vec<Detector>,
    /// Where they match, all at once.
    pub engine: Engine,
    /// The same of those detectors that tell something in codes and their displays.
    pub codes: Engine,
    /// Codes and systems of the safe vocabulary in which nothing is found, whatever stands around them.
    pub(super) silent: score::Silent,
    /// Names in text.
    pub names: Recogniser,
    /// Dummies and reserved values.
    pub markers: Markers,
    /// Word lists of text.
    pub words: Words,
    /// FHIR R4 rows, compiled.
    pub fhir: fhir::Table,
    /// HL7v2 rows, compiled.
    pub hl7v2: hl7v2::Table,
    /// X12 rows, compiled.
    pub x12: x12::Table,
    /// C-CDA rows, compiled.
    pub cda: cda::Table,
    /// Key names of JSON of no known kind, compiled.
    pub objects: object::Table,
    /// Rows of the Redox data models with those key names behind them, compiled.
    pub redox: object::Table,
    /// DICOM rows, compiled.
    pub dicom: dicom::Table,
    /// Column names of flat tables beside them, compiled.
    pub columns: csv::Table,
    /// NCPDP SCRIPT rows, compiled.
    pub ncpdp: named::Table,
    /// XDS and XCPD rows, compiled.
    pub xds: named::Table,
    /// Search parameters and headers, compiled.
    pub queries: Queries,
    /// A digest of all rule texts: which rules judged a message.
    pub version: String,
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
    /// How far, in bytes. Default 40.
    #[serde(default = "forty")]
    pub within: usize,
    /// Points for one person.
    pub points: AloneNearby,
    /// Words right before the value that make it somebody else's.
    #[serde(default)]
    pub unless_before: Vec<String>,
}

/// Points without and with a nearby word; 0 means that it isn't reported.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AloneNearby {
    /// Without a nearby word.
    pub alone: Points,
    /// With one.
    pub nearby: Points,
}

const fn forty() -> usize {
    40
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDetectors {
    detector: Vec<RawDetector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNames {
    name: Vec<names::Rule>,
}

impl RuleSet {
    /// The rules that are compiled in.
    pub fn built_in() -> &'static Arc<Self> {
        static BUILT_IN: OnceLock<Arc<RuleSet>> = OnceLock::new();
        BUILT_IN
            .get_or_init(|| Arc::new(Self::parse().expect("built-in rules compile: a test compiles them")))
    }

    fn parse() -> Result<Self, String> {
        let detectors: RawDetectors = read(DETECTORS)?;
        let names: RawNames = read(NAME_RULES)?;
        let table = |text| FieldTable::parse(text);
        let detectors: Vec<Detector> =
            detectors.detector.into_iter().map(Detector::compile).collect::<Result<_, _>>()?;
        let engine = Engine::new(detectors.iter().map(Detector::pattern))
            .map_err(|number| format!("detector {number} of the list can't be compiled"))?;
        let in_codes = detectors.iter().filter(|detector| text::tells_in_code(detector.kind));
        let codes = Engine::new(in_codes.map(Detector::pattern))
            .map_err(|number| format!("detector {number} of those for codes can't be compiled"))?;
        let rules = Self {
            detectors,
            engine,
            codes,
            silent: score::Silent::default(),
            names: Recogniser::new(names.name),
            markers: read(MARKERS)?,
            words: Words::parse(WORDS)?,
            fhir: fhir::Table::new(&table(FHIR)?.before(table(CDS_HOOKS)?))?,
            hl7v2: hl7v2::Table::new(&table(HL7V2)?)?,
            x12: x12::Table::new(&table(X12)?)?,
            cda: cda::Table::new(&table(CDA)?)?,
            objects: object::Table::new(&table(OAUTH)?.before(table(OBJECTS)?))?,
            redox: object::Table::new(&table(REDOX)?.before(table(OBJECTS)?))?,
            dicom: dicom::Table::new(&table(DICOM)?)?,
            columns: csv::Table::new(&table(COLUMNS)?)?,
            ncpdp: named::Table::new(&table(NCPDP)?)?,
            xds: named::Table::new(&table(XDS)?)?,
            queries: Queries::new(&table(QUERIES)?)?,
            version: version(),
        };
        Ok(Self { silent: score::silent(&rules), ..rules })
    }
}

fn version() -> String {
    use sha2::{Digest, Sha256};
    use std::fmt::Write;
    let mut hash = Sha256::new();
    let rules = [
        DETECTORS,
        NAME_RULES,
        WORDS,
        MARKERS,
        FHIR,
        CDS_HOOKS,
        NAMES,
        SHAPES,
        HL7V2,
        X12,
        CDA,
        cda::NAMES,
        OBJECTS,
        OAUTH,
        REDOX,
        DICOM,
        COLUMNS,
        NCPDP,
        XDS,
        QUERIES,
    ];
    for text in rules.iter().chain(&names::list::TEXTS) {
        hash.update(text);
    }
    hash.finalize().iter().take(6).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn read<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|e| e.message().to_owned())
}

const DETECTORS: &str = include_str!("../../config/detectors/text.toml");
const NAME_RULES: &str = include_str!("../../config/detectors/names.toml");
const WORDS: &str = include_str!("../../config/words.toml");
const MARKERS: &str = include_str!("../../config/markers.toml");
const FHIR: &str = include_str!("../../config/fields/fhir-r4.toml");
const CDS_HOOKS: &str = include_str!("../../config/fields/cds-hooks.toml");
const NAMES: &str = include_str!("../../config/fields/fhir-r4-names.toml");
const SHAPES: &str = include_str!("../../config/fields/fhir-r4-xml.toml");
const HL7V2: &str = include_str!("../../config/fields/hl7v2.toml");
const X12: &str = include_str!("../../config/fields/x12.toml");
const CDA: &str = include_str!("../../config/fields/cda.toml");
const OBJECTS: &str = include_str!("../../config/fields/json-keys.toml");
const REDOX: &str = include_str!("../../config/fields/redox.toml");
const OAUTH: &str = include_str!("../../config/fields/smart-oauth.toml");
const DICOM: &str = include_str!("../../config/fields/dicomweb.toml");
const COLUMNS: &str = include_str!("../../config/fields/csv-columns.toml");
const NCPDP: &str = include_str!("../../config/fields/ncpdp-script.toml");
const XDS: &str = include_str!("../../config/fields/xds-xcpd.toml");
const QUERIES: &str = include_str!("../../config/fields/fhir-url.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_rules_compile_and_ids_are_unique() {
        let rules = RuleSet::parse().expect("rules");
        let mut ids: Vec<_> = rules.detectors.iter().map(|d| d.id.to_string()).collect();
        ids.extend(rules.names.ids().map(str::to_owned));
        for text in [FHIR, HL7V2, X12, CDA, OBJECTS, OAUTH, REDOX, DICOM, COLUMNS, NCPDP, XDS, QUERIES] {
            ids.extend(FieldTable::parse(text).expect("table").field.into_iter().map(|f| f.id));
        }
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "a rule id is used twice");
    }

    #[test]
    fn word_lists_are_lower_case() {
        let words = &RuleSet::built_in().words;
        assert!(words.all_single().iter().all(|w| **w == w.to_lowercase()));
    }
}
