//! Suppressions: accepted false positives. What a rule finds at a place of a connection's messages counts for nothing, for a
//! while: somebody asked for it with a reason, somebody else approved.
//!
//! - Takes: what is in force for one connection, and findings.
//! - Gives: whether a finding is one of them. Never a value: a suppression is of a rule and a place.
//! - In doubt: the finding counts. One whose time is over covers nothing from that second on.
//! - Cost: a comparison for each finding of its rule; nothing where there are none.
//!
//! It takes points away, and nothing else: a value stays masked in records, and whoever production knows stays known.

use super::finding::Finding;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// One that is in force.
#[derive(Debug, Clone)]
pub struct Suppression {
    /// The rule whose findings count for nothing.
    pub rule: Arc<str>,
    /// The place without indices; empty: everywhere.
    pub place: String,
    /// Unix seconds; from then on it covers nothing.
    pub until: i64,
    /// Findings that it covered since the gateway started.
    pub covered: Arc<AtomicU64>,
}

/// Those of one connection, by rule.
#[derive(Debug, Clone, Default)]
pub struct Suppressions(HashMap<Arc<str>, Vec<Suppression>>);

impl Suppressions {
    /// A list of them.
    #[must_use]
    pub fn new(list: impl IntoIterator<Item = Suppression>) -> Self {
        let mut by_rule: HashMap<Arc<str>, Vec<Suppression>> = HashMap::new();
        for one in list {
            by_rule.entry(one.rule.clone()).or_default().push(one);
        }
        Self(by_rule)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a finding is covered at `now` (Unix seconds), and counts that it was.
    #[must_use]
    pub fn covers(&self, finding: &Finding, now: i64) -> bool {
        let Some(of_rule) = self.0.get(&finding.rule) else { return false };
        let place = bare(&finding.place);
        let found =
            of_rule.iter().find(|one| now < one.until && (one.place.is_empty() || one.place == place));
        if let Some(one) = found {
            one.covered.fetch_add(1, Relaxed);
        }
        found.is_some()
    }
}

/// A place without its indices and line numbers: `OBX[3]-5[2].1` to `OBX-5.1`, `line 12` to `line`.
#[must_use]
pub fn bare(place: &str) -> Cow<'_, str> {
    let place = place.trim();
    if !place.contains(['[', ' ']) {
        return Cow::Borrowed(place);
    }
    let mut out = String::with_capacity(place.len());
    let mut rest = place;
    while let Some(at) = rest.find(['[', ' ']) {
        let (before, from) = rest.split_at(at);
        let number = from.get(1..).unwrap_or_default();
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let behind = number.get(digits..).unwrap_or_default();
        out.push_str(before);
        rest = match (from.starts_with('['), behind.strip_prefix(']')) {
            (true, Some(behind)) => behind,
            (false, _) if digits > 0 => behind,
            _ => {
                out.push_str(from.get(..1).unwrap_or_default());
                number
            }
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::decode::Budget;
    use crate::inspect::finding::Counted;
    use crate::inspect::known::{Known, Remember, Tag, Tuple};
    use crate::inspect::{Findings, Inspector, Message, RuleSet};

    /// Production knows everybody.
    struct Everybody;

    impl Known for Everybody {
        fn is_listed(&self, _: &Tuple<'_>) -> bool {
            false
        }
        fn is_real(&self, _: &Tuple<'_>) -> bool {
            true
        }
        fn tag(&self, _: &Tuple<'_>) -> Tag {
            Tag([0; 32])
        }
        fn remember(&self) -> Remember {
            Remember::Nobody
        }
        fn knows_anybody(&self) -> bool {
            true
        }
    }

    const PID: &str = "MSH|^~\\&|A|B|C|D|20250504||ADT^A01|1|P|2.5.1\rPID|1||E08738432^^^MERCY^MR||OKAFOR^DARNELL||19620622\r";

    #[test]
    fn a_place_is_the_same_wherever_in_a_list_it_is() {
        for (place, want) in [
            ("OBX[3]-5[2].1", "OBX-5.1"),
            ("MSH[2]:PID-19", "MSH:PID-19"),
            ("Bundle.entry[0].resource.name[12].family", "Bundle.entry.resource.name.family"),
            ("OBX[3]-5 > line 12", "OBX-5 > line"),
            ("patient.*", "patient.*"),
            ("line 7", "line"),
            ("[", "["),
            ("a[b] c", "a[b] c"),
            ("é[1] 2", "é"),
        ] {
            assert_eq!(bare(place), want);
            assert_eq!(bare(&bare(place)), want);
        }
    }

    fn judged(suppressions: Vec<(&str, &str, i64)>, body: &str) -> (Findings, Vec<u64>) {
        let covered: Vec<Arc<AtomicU64>> = suppressions.iter().map(|_| Arc::default()).collect();
        let list = suppressions.into_iter().zip(&covered).map(|((rule, place, until), covered)| {
            Suppression { rule: rule.into(), place: place.to_owned(), until, covered: covered.clone() }
        });
        let rules = RuleSet::built_in().suppressing(Suppressions::new(list));
        let message = Message { body: body.as_bytes(), ..Message::default() };
        let found = Inspector::new(&rules, Budget::default(), 2026).message(&message);
        (found, covered.iter().map(|n| n.load(Relaxed)).collect())
    }

    #[test]
    fn what_is_suppressed_weighs_nothing_and_all_else_what_it_did() {
        let far = i64::MAX;
        let (plain, _) = judged(Vec::new(), PID);
        let weight = |found: &Findings, rule: &str| {
            let mut of = found.findings.iter().filter(|f| *f.rule == *rule);
            of.next().map(|f| (f.points.0, f.counted)).expect("found")
        };
        let mrn = weight(&plain, "hl7v2.pid-3");
        assert!(mrn.0 > 0 && mrn.1 == Counted::Yes);
        for (place, until, covers) in
            [("PID-3.1", far, true), ("", far, true), ("PID-4.1", far, false), ("PID-3.1", 1, false)]
        {
            let (found, covered) = judged(vec![("hl7v2.pid-3", place, until)], PID);
            let want = if covers { (0, Counted::Suppressed) } else { mrn };
            assert_eq!(weight(&found, "hl7v2.pid-3"), want, "{place} {until}");
            assert_eq!(covered, [u64::from(covers)]);
            let less = if covers { mrn.0 } else { 0 };
            assert_eq!(found.points().0, plain.points().0 - less);
            assert_eq!(weight(&found, "hl7v2.pid-7"), weight(&plain, "hl7v2.pid-7"));
        }
    }

    #[test]
    fn whoever_production_knows_stays_known_whatever_is_suppressed() {
        let all = ["hl7v2.pid-3", "hl7v2.pid-5.1", "hl7v2.pid-5.2", "hl7v2.pid-7"];
        let list = all.map(|rule| Suppression {
            rule: rule.into(),
            place: String::new(),
            until: i64::MAX,
            covered: Arc::default(),
        });
        let rules = RuleSet::built_in().suppressing(Suppressions::new(list));
        let message = Message { body: PID.as_bytes(), ..Message::default() };
        let found = Inspector::new(&rules, Budget::default(), 2026).knowing(&Everybody).message(&message);
        let [person] = found.persons.as_slice() else { panic!("one person") };
        assert!(person.known_real && person.points.0 == 0);
    }

    #[test]
    fn whoever_is_told_of_by_suppressed_findings_alone_is_nobody() {
        let note = "ticket for SSN 412-21-3456";
        let (found, _) = judged(Vec::new(), note);
        let rule = found.findings.iter().find(|f| f.kind.as_str() == "ssn").expect("found").rule.clone();
        let (found, covered) = judged(vec![(&rule, "line", i64::MAX)], note);
        assert_eq!((found.persons.len(), covered), (0, vec![1]));
        assert!(found.findings.iter().any(|f| f.counted == Counted::Suppressed));
    }
}
