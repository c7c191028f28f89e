//! Of whom a text tells where a paragraph names nobody: findings stand below the name of whoever referred, reviewed or called,
//! and are the patient's all the same.

use super::PersonId;

/// How sure it is that somebody who is named is who the text is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Named.
    Named,
    /// Introduced, as by `Re:`.
    Introduced,
    /// Introduced as a patient, spoken of as one, or on record.
    Patient,
}

/// The one whom a text is of, as far as it was read.
#[derive(Default)]
pub(super) struct Subject(Option<(PersonId, Standing)>);

impl Subject {
    /// A paragraph names somebody: who stands for less leaves the one before.
    pub(super) fn named(&mut self, person: PersonId, standing: Standing) {
        if self.0.is_none_or(|(_, before)| standing >= before) {
            self.0 = Some((person, standing));
        }
    }

    /// Whether no patient was named.
    pub(super) fn is_nobody(&self) -> bool {
        self.0.is_none_or(|(_, standing)| standing != Standing::Patient)
    }

    /// Of whom else than `person` health is told that a paragraph tells which names somebody of `standing`, or nobody.
    pub(super) fn told_of(&self, person: PersonId, standing: Option<Standing>) -> Option<PersonId> {
        let (subject, own) = self.0?;
        let goes_on = match standing {
            None => true,
            // `Sepsis, discussed with Karen Whitfield`
            Some(standing) => standing == Standing::Named && own == Standing::Patient,
        };
        (goes_on && subject != person).then_some(subject)
    }
}

#[cfg(test)]
mod tests {
    use crate::inspect::decode::Budget;
    use crate::inspect::{Inspector, Message, RuleSet};

    /// Of how many people of 50 points and more health is told.
    fn told(text: &str) -> usize {
        let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), 2026);
        let message = Message { content_type: "text/plain", body: text.as_bytes(), ..Message::default() };
        let persons = inspector.message(&message).persons;
        persons.iter().filter(|person| person.clinical && person.points.0 >= 50).count()
    }

    #[test]
    fn findings_stay_the_patients_below_another_name() {
        for text in [
            "Patient: Wanda Kessler\n\nReviewed with Karen Whitfield.\n\nHe has HIV and hepatitis C, on ART.",
            "Patient: Wanda Kessler\n\nTech: Karen Whitfield\n\nIMPRESSION:\nSepsis, pneumonia.",
            "RE: Wanda Kessler\n\nCONTACT PERSON: Karen Whitfield\n\nDIAGNOSIS: sepsis",
            "Patient: Wanda Kessler\n\nSepsis, pneumonia. Discussed with Karen Whitfield.",
        ] {
            assert_eq!(told(text), 1, "{text}");
        }
    }

    #[test]
    fn another_patient_takes_the_findings() {
        let text = "Patient: Wanda Kessler\n\nPatient: Karen Whitfield\n\nSepsis, pneumonia.";
        assert_eq!(told(text), 1);
        assert_eq!(told("Wanda Kessler called.\n\nKaren Whitfield called.\n\nThe sepsis alert is back."), 0);
    }
}
