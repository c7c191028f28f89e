//! The rule set: detectors, field tables, markers and words. All of it is TOML in `config/`, compiled in, and checked
//! by tests; a site's own files change it by id. A running gateway holds one compiled set, and one more for each
//! environment that has modes of its own.

mod apply;
mod change;
mod describe;
mod mode;
mod raw;
#[cfg(test)]
mod tests;

pub use change::{Changes, DetectorChange, Edit, FieldChange, ListChange, Origin, OwnCases, What, Wrong};
pub use mode::{Mode, Modes};
pub use raw::{AloneNearby, Raw, RawDetector, Threshold, is_known_format};

use super::keyed;
use super::marker::Markers;
use super::names::Recogniser;
use super::names::words::Words;
use super::scan::Engine;
use super::score;
use super::suppress::Suppressions;
use super::text::{self, Detector};
use super::url::Queries;
use super::walk::{cda, csv, dicom, fhir, hl7v2, named, object, x12};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Everything that inspection judges by. Its parts are shared: a set that differs in one costs no more than that.
#[derive(Clone)]
pub struct RuleSet {
    /// Shape detectors for text, in the order of the file.
    pub detectors: Arc<[Detector]>,
    /// Where they match, all at once.
    pub engine: Arc<Engine>,
    /// The same of those detectors that tell something in codes and their displays.
    pub codes: Arc<Engine>,
    /// Codes and systems of the safe vocabulary in which nothing is found, whatever stands around them.
    pub(super) silent: Arc<score::Silent>,
    /// Names in text.
    pub names: Arc<Recogniser>,
    /// Dummies and reserved values.
    pub markers: Arc<Markers>,
    /// Word lists of text.
    pub words: Arc<Words>,
    /// FHIR R4 rows, compiled.
    pub fhir: Arc<fhir::Table>,
    /// HL7v2 rows, compiled.
    pub hl7v2: Arc<hl7v2::Table>,
    /// X12 rows, compiled.
    pub x12: Arc<x12::Table>,
    /// C-CDA rows, compiled.
    pub cda: Arc<cda::Table>,
    /// Key names of JSON of no known kind, compiled.
    pub objects: Arc<object::Table>,
    /// How those key names end, for texts.
    pub keyed: Arc<keyed::Ends>,
    /// Rows of the Redox data models with those key names behind them, compiled.
    pub redox: Arc<object::Table>,
    /// DICOM rows, compiled.
    pub dicom: Arc<dicom::Table>,
    /// Column names of flat tables beside them, compiled.
    pub columns: Arc<csv::Table>,
    /// NCPDP SCRIPT rows, compiled.
    pub ncpdp: Arc<named::Table>,
    /// XDS and XCPD rows, compiled.
    pub xds: Arc<named::Table>,
    /// Search parameters and headers, compiled.
    pub queries: Arc<Queries>,
    /// Rules that don't act, or only count.
    pub modes: Arc<Modes>,
    /// Findings that count for nothing, of the connection that this set is for.
    pub(super) suppressed: Arc<Suppressions>,
    /// Ids of all rules that find something.
    finding: Arc<BTreeSet<String>>,
    /// A digest of all rule texts and changes: which rules judged a message.
    pub version: String,
    /// What finds other things than another set has another number, in one process.
    number: u64,
}

impl RuleSet {
    /// The rules that are compiled in.
    pub fn built_in() -> &'static Arc<Self> {
        static BUILT_IN: OnceLock<Arc<RuleSet>> = OnceLock::new();
        BUILT_IN.get_or_init(|| {
            let raw = Raw::built_in();
            Arc::new(Self::compile(&raw, None).expect("built-in rules compile: a test compiles them"))
        })
    }

    /// The built-in rules with a site's changes.
    ///
    /// # Errors
    /// Everything that is wrong with the changes.
    pub fn with(changes: &Changes) -> Result<Arc<Self>, Vec<Wrong>> {
        if changes.is_empty() {
            return Ok(Self::built_in().clone());
        }
        Self::of(&changes.applied()?, changes)
    }

    /// A changed set of rules, compiled; what the changes don't touch is shared with the built-in rules.
    ///
    /// # Errors
    /// Everything that doesn't compile.
    pub fn of(raw: &Raw, changes: &Changes) -> Result<Arc<Self>, Vec<Wrong>> {
        let base = (Self::built_in().as_ref(), &raw.changed);
        let mut rules = Self::compile(raw, Some(base)).map_err(|wrong| {
            wrong.into_iter().map(|(id, what)| changes.wrong(&id, what)).collect::<Vec<_>>()
        })?;
        rules.version = changes.version();
        Ok(Arc::new(rules))
    }

    /// The same rules with an environment's own modes before theirs.
    #[must_use]
    pub fn with_modes(self: &Arc<Self>, modes: &Modes) -> Arc<Self> {
        if modes.is_empty() {
            return self.clone();
        }
        let modes = modes.before(&self.modes);
        let version = raw::digest([self.version.as_str(), format!("{modes:?}").as_str()].into_iter());
        Arc::new(Self { modes: Arc::new(modes), version, number: next_number(), ..Self::clone(self) })
    }

    /// The same rules for a connection with suppressions.
    #[must_use]
    pub fn suppressing(&self, suppressed: Suppressions) -> Arc<Self> {
        Arc::new(Self { suppressed: Arc::new(suppressed), ..self.clone() })
    }

    /// Of two sets that find the same in a text it may be the same; of others it isn't.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Whether a rule of this id, a detector or the row of a table, finds something.
    #[must_use]
    pub fn finds(&self, id: &str) -> bool {
        self.finding.contains(id)
    }

    /// Whether a rule of this id is among them.
    #[must_use]
    pub fn is_detector(&self, id: &str) -> bool {
        self.detectors.iter().any(|d| *d.id == *id) || self.names.ids().any(|name| name == id)
    }

    /// Compiles; problems are told with the id of the rule, as far as one can be blamed.
    fn compile(
        raw: &Raw,
        base: Option<(&Self, &std::collections::BTreeSet<&str>)>,
    ) -> Result<Self, Vec<(String, String)>> {
        let mut wrong = Vec::new();
        // What the base has, where none of these parts was changed.
        let kept = |parts: &[&str]| {
            base.filter(|(_, changed)| !parts.iter().any(|part| changed.contains(part))).map(|(base, _)| base)
        };
        let shapes = match kept(&["detectors"]) {
            Some(base) => Some((base.detectors.clone(), base.engine.clone(), base.codes.clone())),
            None => detectors(raw, &mut wrong),
        };
        macro_rules! table {
            ($part:ident, $make:path, $formats:expr) => {
                match kept($formats) {
                    Some(base) => Some(base.$part.clone()),
                    None => $make(&raw.rows($formats))
                        .map(Arc::new)
                        .map_err(|what| wrong.push(blamed(&what)))
                        .ok(),
                }
            };
        }
        let fhir = table!(fhir, fhir::Table::new, &["fhir-r4", "cds-hooks"]);
        let hl7v2 = table!(hl7v2, hl7v2::Table::new, &["hl7v2"]);
        let x12 = table!(x12, x12::Table::new, &["x12"]);
        let cda = table!(cda, cda::Table::new, &["cda"]);
        let objects = table!(objects, object::Table::new, &["smart-oauth", "json-keys"]);
        let keyed = table!(keyed, keyed::Ends::new, &["smart-oauth", "json-keys"]);
        let redox = table!(redox, object::Table::new, &["redox", "json-keys"]);
        let dicom = table!(dicom, dicom::Table::new, &["dicomweb"]);
        let columns = table!(columns, csv::Table::new, &["csv-columns"]);
        let ncpdp = table!(ncpdp, named::Table::new, &["ncpdp-script"]);
        let xds = table!(xds, named::Table::new, &["xds-xcpd"]);
        let queries = table!(queries, Queries::new, &["fhir-url"]);
        let whole = || {
            let (detectors, engine, codes) = shapes?;
            let rules = Self {
                detectors,
                engine,
                codes,
                silent: Arc::default(),
                names: match kept(&["names"]) {
                    Some(base) => base.names.clone(),
                    None => Arc::new(Recogniser::new(raw.names.clone())),
                },
                markers: match kept(&["markers"]) {
                    Some(base) => base.markers.clone(),
                    None => Arc::new(Markers::of(&raw.markers, &raw.weights)),
                },
                words: match kept(&["words"]) {
                    Some(base) => base.words.clone(),
                    None => Arc::new(Words::of(&raw.words)),
                },
                fhir: fhir?,
                hl7v2: hl7v2?,
                x12: x12?,
                cda: cda?,
                objects: objects?,
                keyed: keyed?,
                redox: redox?,
                dicom: dicom?,
                columns: columns?,
                ncpdp: ncpdp?,
                xds: xds?,
                queries: queries?,
                modes: Arc::new(raw.modes.clone()),
                suppressed: Arc::default(),
                finding: Arc::new(raw.finding_ids().map(str::to_owned).collect()),
                version: raw::version(&[]),
                number: next_number(),
            };
            let silent = match kept(&["detectors", "names", "words", "markers"]) {
                Some(base) => base.silent.clone(),
                None => Arc::new(score::silent(&rules)),
            };
            Some(Self { silent, ..rules })
        };
        whole().ok_or_else(|| {
            // Rows that several tables are made of are told once.
            let mut told = BTreeSet::new();
            wrong.retain(|problem| told.insert(problem.clone()));
            wrong
        })
    }
}

/// One that no set of rules has.
fn next_number() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(0);
    NUMBERS.fetch_add(1, Ordering::Relaxed)
}

/// All detectors, and the engines that find where they match: in text, and in codes.
type Shapes = (Arc<[Detector]>, Arc<Engine>, Arc<Engine>);

/// Compiles them.
fn detectors(raw: &Raw, wrong: &mut Vec<(String, String)>) -> Option<Shapes> {
    let before = wrong.len();
    let mut compiled = Vec::with_capacity(raw.detectors.len());
    for detector in &raw.detectors {
        let resolved = raw.with_lists(detector);
        match resolved.and_then(Detector::compile) {
            Ok(detector) => compiled.push(detector),
            Err(what) => wrong.push((detector.id.clone(), what)),
        }
    }
    if wrong.len() > before {
        return None;
    }
    let engine = |of: &dyn Fn(&&Detector) -> bool| {
        Arc::new(Engine::of(compiled.iter().filter(of).map(|detector| detector.shape.clone()).collect()))
    };
    let (whole, codes) = (engine(&|_| true), engine(&|detector| text::tells_in_code(detector.kind)));
    Some((compiled.into(), whole, codes))
}

/// The rule that a table's words blame: they begin with its id.
fn blamed(what: &str) -> (String, String) {
    match what.split_once(": ") {
        Some((id, why)) => (id.to_owned(), why.to_owned()),
        None => (String::new(), what.to_owned()),
    }
}
