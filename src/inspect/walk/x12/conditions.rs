//! What rows ask: the segment's first element, the element in front of the value, whose the segment is.

use crate::inspect::field::When;

/// A qualifier of up to four characters, in capitals: compared as one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Code([u8; 4]);

impl Code {
    /// The code that a word is; `None` where it is empty or too long to be one.
    pub(super) fn of(word: &str) -> Option<Self> {
        let mut code = [0; 4];
        if word.is_empty() || word.len() > code.len() {
            return None;
        }
        code.iter_mut().zip(word.bytes()).for_each(|(slot, c)| *slot = c.to_ascii_uppercase());
        Some(Self(code))
    }
}

/// What a row's conditions are asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Component that is judged, from 1.
    pub(super) component: u32,
    /// The segment's first element.
    pub(super) code: Option<Code>,
    /// The element (of a composite, the component) in front of the value, what the walker sees in the value, and the segment
    /// that an acknowledgement quotes.
    pub(super) systems: [Option<Code>; 3],
    /// Whose the segment is.
    pub(super) subject: Subject,
}

/// Whose a segment is, to the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A subscriber, member, patient or dependent.
    Patient,
    /// A relative of one.
    Relative,
    /// A patient's NM1 that names no person: an employer who is the insured.
    Organisation,
    /// A provider, payer, submitter, sponsor.
    Provider,
    /// Where an ambulance took a patient up or set him down.
    Place,
    /// Nobody yet.
    Nobody,
}

impl Subject {
    fn named(word: &str) -> Option<Self> {
        Some(match word {
            "patient" => Self::Patient,
            "relative" => Self::Relative,
            "organisation" => Self::Organisation,
            "provider" => Self::Provider,
            "place" => Self::Place,
            "nobody" => Self::Nobody,
            _ => return None,
        })
    }
}

/// A row's conditions, compiled. Empty lists ask nothing.
#[derive(Debug, Clone)]
pub(super) struct Asks {
    component: Option<u32>,
    types: Vec<Code>,
    systems: Vec<Code>,
    subjects: Vec<Subject>,
}

impl Asks {
    /// Compiles them. `None` where a code is too long, or a word names nobody.
    pub(super) fn new(component: Option<u32>, when: &When) -> Option<Self> {
        let sorted = |list: &[String]| {
            let mut codes = list.iter().map(|word| Code::of(word)).collect::<Option<Vec<_>>>()?;
            codes.sort_unstable();
            Some(codes)
        };
        let subjects = when.reference.iter().map(|word| Subject::named(word)).collect::<Option<_>>()?;
        Some(Self { component, types: sorted(&when.types)?, systems: sorted(&when.systems)?, subjects })
    }

    /// How many they are.
    pub(super) fn count(&self) -> u8 {
        let asked = [
            self.component.is_some(),
            !self.types.is_empty(),
            !self.systems.is_empty(),
            !self.subjects.is_empty(),
        ];
        asked.into_iter().map(u8::from).sum()
    }

    /// Whether they hold.
    pub(super) fn meets(&self, seen: &Seen) -> bool {
        let of =
            |list: &[Code], code: Option<Code>| code.is_some_and(|code| list.binary_search(&code).is_ok());
        self.component.is_none_or(|component| component == seen.component)
            && (self.subjects.is_empty() || self.subjects.contains(&seen.subject))
            && (self.systems.is_empty() || seen.systems.iter().any(|code| of(&self.systems, *code)))
            && (self.types.is_empty() || of(&self.types, seen.code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_has_to_hold_and_each_counts_once() {
        let words = |list: &[&str]| list.iter().map(|w| (*w).to_owned()).collect();
        let when =
            When { types: words(&["SY", "EA"]), systems: words(&["MI"]), reference: words(&["patient"]) };
        let asks = Asks::new(Some(2), &when).unwrap();
        let seen = Seen {
            component: 2,
            code: Code::of("ea"),
            systems: [None, Code::of("MI"), None],
            subject: Subject::Patient,
        };
        assert!(asks.meets(&seen) && asks.count() == 4);
        for other in [
            Seen { component: 1, ..seen },
            Seen { code: Code::of("EAX"), ..seen },
            Seen { code: None, ..seen },
            Seen { systems: [None; 3], ..seen },
            Seen { subject: Subject::Provider, ..seen },
        ] {
            assert!(!asks.meets(&other));
        }
        let nothing = Asks::new(None, &When::default()).unwrap();
        assert!(nothing.meets(&seen) && nothing.count() == 0);
        assert!(Asks::new(None, &When { types: words(&["LONGER"]), ..When::default() }).is_none());
        assert!(Asks::new(None, &When { reference: words(&["somebody"]), ..When::default() }).is_none());
    }
}
