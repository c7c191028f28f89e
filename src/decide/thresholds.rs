//! Thresholds: `config/thresholds.toml` and a site's changes to it, as a policy's defaults.

use super::{Policy, verdict};
use crate::inspect::Findings;
use crate::inspect::finding::Person;
use crate::inspect::kind::Points;
use crate::inspect::rules::{Raw, Threshold};
use crate::org::Flag;
use std::sync::OnceLock;

/// From where on an environment acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// A person with this many points is refused.
    pub block: u16,
    /// A person with this many points is reported.
    pub report: u16,
    /// A person with this many points is identified.
    pub identified: u16,
    /// More identified people than this are refused.
    pub bulk_people_max: usize,
    /// More opaque patient ids with clinical content than this are refused.
    pub bulk_ids_max: usize,
}

impl Thresholds {
    /// Those that are compiled in.
    #[must_use]
    pub fn built_in() -> Self {
        static BUILT_IN: OnceLock<Thresholds> = OnceLock::new();
        *BUILT_IN.get_or_init(|| Self::of(&Raw::thresholds_built_in()))
    }

    /// Those of a list.
    #[must_use]
    pub fn of(list: &[Threshold]) -> Self {
        let value = |id: &str| list.iter().find(|t| t.id == id).map_or(0, |t| t.value);
        let points = |id: &str| u16::try_from(value(id)).unwrap_or(u16::MAX);
        Self {
            block: points("threshold.block"),
            report: points("threshold.report"),
            identified: points("threshold.identified"),
            bulk_people_max: value("threshold.bulk-people") as usize,
            bulk_ids_max: value("threshold.bulk-ids") as usize,
        }
    }

    /// Whether the threshold of this id acts on a number: on so many points of one person, or so many people.
    #[must_use]
    pub fn acts(&self, id: &str, number: u32) -> bool {
        let policy = Policy::with(Flag::Development, self);
        // Each by itself: what another one makes of the same number is not its doing.
        let policy = match id {
            "threshold.block" => Policy { bulk_people_max: usize::MAX, ..policy },
            "threshold.report" => policy,
            _ => Policy { block: u16::MAX, ..policy },
        };
        let points = Points(u16::try_from(number).unwrap_or(u16::MAX));
        let one = |person: Person| Findings { persons: vec![person], ..Findings::default() };
        let many =
            |person: Person| Findings { persons: vec![person; number as usize], ..Findings::default() };
        let person = Person { points, ..Person::default() };
        let findings = match id {
            "threshold.report" => return verdict(&one(person), &policy, &[]).reported,
            "threshold.block" => one(person),
            "threshold.identified" => one(Person { clinical: true, ..person }),
            "threshold.bulk-people" => many(Person { points: Points(self.identified), ..Person::default() }),
            _ => many(Person { only_opaque_id: true, clinical: true, ..Person::default() }),
        };
        verdict(&findings, &policy, &[]).reason.is_some()
    }
}
