//! The lists of dummies and the weights, as files write them and as they are looked up.

use super::Looks;
use crate::inspect::kind::{Kind, Points};
use serde::Deserialize;

/// A list of dummies as written in `config/markers.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkerList {
    /// Stable id, never reused: `marker.test-names`.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// The document it follows.
    pub source: String,
    /// The kind that its cases are judged as; none for identifier systems.
    pub kind: Option<Kind>,
    /// A value that the list marks.
    pub finds: String,
    /// One that it doesn't.
    pub passes: String,
    /// The values.
    pub values: Vec<String>,
}

/// A weight as written in `config/weights.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// Stable id, never reused: `weight.birth-year`.
    pub id: String,
    /// One line for people.
    pub about: String,
    /// What it rests on.
    pub source: String,
    /// The kind that its cases are judged as; none where they are texts.
    pub kind: Option<Kind>,
    /// What a value keeps at most.
    pub points: Points,
    /// A value, or a text, that the weight changes.
    pub finds: String,
    /// One that it doesn't.
    pub passes: String,
}

/// What values keep at most that tell less than they could.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weights {
    /// A social security number that is masked.
    pub ssn_masked: Points,
    /// Its last four digits.
    pub ssn_last_four: Points,
    /// More of it, but not nine digits.
    pub ssn_part: Points,
    /// A year where a birth date belongs.
    pub birth_year: Points,
    /// A value that is masked but for its initials, its last digits or its year.
    pub masked: Points,
    /// A name that hospitals give test patients.
    pub dummy_name: Points,
    /// From so many on, a full name in a text tells one person's paragraphs from another's.
    pub names_somebody: Points,
}

impl Weights {
    /// The weights by their ids.
    #[must_use]
    pub fn of(list: &[Weight]) -> Self {
        let points = |id: &str| list.iter().find(|weight| weight.id == id).map_or(Points(0), |w| w.points);
        Self {
            ssn_masked: points("weight.ssn-masked"),
            ssn_last_four: points("weight.ssn-last-four"),
            ssn_part: points("weight.ssn-part"),
            birth_year: points("weight.birth-year"),
            masked: points("weight.masked"),
            dummy_name: points("weight.dummy-name"),
            names_somebody: points("weight.names-somebody"),
        }
    }
}

/// Lists of dummies: TOML in `config/markers.toml`, compiled in.
#[derive(Debug, Clone)]
pub struct Markers {
    /// Words that stand for "not known" as a whole value. Lower case.
    pub unknown_words: Vec<String>,
    /// Words of which a placeholder in square brackets is made. Lower case.
    pub bracket_words: Vec<String>,
    /// Whole name parts that hospitals give test patients. Lower case.
    pub test_names: Vec<String>,
    /// Prefixes of such name parts: `zztest`. Lower case.
    pub test_name_prefixes: Vec<String>,
    /// Words that a record, member or account number of a test set has as a run of letters, or begins one with.
    /// Lower case.
    pub test_id_prefixes: Vec<String>,
    /// Shorter ones, which have to be the whole run of letters. Lower case.
    pub test_id_words: Vec<String>,
    /// Those of them that name an environment. Lower case.
    pub test_environments: Vec<String>,
    /// Words of which two that differ are a name that is nobody's. Lower case.
    pub paired_names: Vec<String>,
    /// Letters in front of a number that say what it is: `pat`. Lower case.
    pub id_labels: Vec<String>,
    /// What laboratories and imaging call what they measure in place of a person: `control`. Lower case.
    pub control_names: Vec<String>,
    /// Words beside those: `level`. Lower case.
    pub control_words: Vec<String>,
    /// Domains reserved for documentation, with all under them.
    pub reserved_domains: Vec<String>,
    /// Top-level domains that are never delegated.
    pub reserved_tlds: Vec<String>,
    /// Domains that people use for throw-away mail.
    pub habit_domains: Vec<String>,
    /// Mailbox names that people use for "none".
    pub habit_mailboxes: Vec<String>,
    /// Mailbox names for "none", of real people, too.
    pub filler_mailboxes: Vec<String>,
    /// Words that a mailbox name of a test set has between its dots. Lower case.
    pub test_mailbox_words: Vec<String>,
    /// Identifier systems of generators of made-up people; a trailing `*` is a prefix.
    pub generator_systems: Vec<String>,
    /// Street lines that people type as a dummy. Lower case.
    pub habit_streets: Vec<String>,
    /// Towns that don't exist. Lower case.
    pub habit_cities: Vec<String>,
    /// Published test numbers of card networks: digits.
    pub test_cards: Vec<String>,
    /// Vehicle numbers that regulation and standards print as examples.
    pub test_vehicles: Vec<String>,
    /// What values keep that tell less than they could.
    pub weights: Weights,
    /// What the unknown words look like, the systems of generators, and the names of test patients.
    pub(super) unknown_looks: Looks,
    pub(super) generator_looks: Looks,
    pub(super) test_looks: Looks,
    /// The shortest of the words that ids of test sets begin with has so many bytes.
    pub(super) test_bytes_min: usize,
}

impl Markers {
    /// The lists by their ids; one that isn't there is empty.
    #[must_use]
    pub fn of(lists: &[MarkerList], weights: &[Weight]) -> Self {
        let values = |id: &str| -> Vec<String> {
            lists.iter().filter(|list| list.id == id).flat_map(|list| list.values.iter().cloned()).collect()
        };
        let (unknown_words, generator_systems) =
            (values("marker.unknown-words"), values("marker.generator-systems"));
        let (test_names, test_id_prefixes) = (values("marker.test-names"), values("marker.test-id-prefixes"));
        Self {
            unknown_looks: Looks::of(&unknown_words),
            generator_looks: Looks::of(&generator_systems),
            test_looks: Looks::of(&test_names),
            test_bytes_min: test_id_prefixes.iter().map(String::len).min().unwrap_or(0),
            unknown_words,
            generator_systems,
            test_names,
            test_id_prefixes,
            bracket_words: values("marker.bracket-words"),
            test_name_prefixes: values("marker.test-name-prefixes"),
            test_id_words: values("marker.test-id-words"),
            test_environments: values("marker.test-environments"),
            paired_names: values("marker.paired-names"),
            id_labels: values("marker.id-labels"),
            control_names: values("marker.control-names"),
            control_words: values("marker.control-words"),
            reserved_domains: values("marker.reserved-domains"),
            reserved_tlds: values("marker.reserved-tlds"),
            habit_domains: values("marker.habit-domains"),
            habit_mailboxes: values("marker.habit-mailboxes"),
            filler_mailboxes: values("marker.filler-mailboxes"),
            test_mailbox_words: values("marker.test-mailbox-words"),
            habit_streets: values("marker.habit-streets"),
            habit_cities: values("marker.habit-cities"),
            test_cards: values("marker.test-cards"),
            test_vehicles: values("marker.test-vehicles"),
            weights: Weights::of(weights),
        }
    }
}
