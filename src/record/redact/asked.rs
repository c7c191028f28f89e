//! What a number is asked for: an age, of whatever unit, or a number that somebody has.

use crate::inspect::walk::start_of;

/// Whether a measured number is an age over 89, as the words of its place tell.
pub(super) fn is_old_age(value: &str, place: &dyn Fn() -> String) -> bool {
    is_over_89(value) && place().split(|c: char| !c.is_ascii_alphabetic()).any(is_age_word)
}

/// Whether an element is of ages, by what it is called: `age`, `onsetAge`, `ageRange`, `deceasedRange`.
pub(super) fn is_age_word(word: &str) -> bool {
    word.eq_ignore_ascii_case("age")
        || word.ends_with("Age")
        || word.starts_with("age") && !word.starts_with("agen")
        || AGE_RANGES.contains(&word)
}

/// Whether a number, or one of a range, is of years that few reach.
pub(super) fn is_over_89(value: &str) -> bool {
    any_number(value, |years| years > 89.0 && years <= f64::from(OLDEST))
}

/// Whether an age is over 89 years: by how many of its unit make a year, and years where that isn't known.
pub(super) fn is_over_89_of_any(age: &str, per_year: Option<f64>) -> bool {
    any_number(age, |number| number / per_year.unwrap_or(1.0) > 89.0)
}

/// Whether a number may be an answer that isn't shown: some age over 89, or of as many digits as numbers of people have.
pub(super) fn is_doubtful(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    any_number(value, |number| number > 89.0 || digits >= OWN_NUMBER_MIN)
}

/// Of a number, or of those of a range.
fn any_number(value: &str, fits: impl Fn(f64) -> bool) -> bool {
    // `9.3e1` is one, too.
    if let Ok(number) = value.trim().parse::<f64>() {
        return fits(number);
    }
    let is_number = value.len() <= NUMBER_BYTES_MAX
        && value
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'<' | b'>' | b'=' | b' '));
    let mut numbers = value.split(|c: char| !c.is_ascii_digit() && c != '.');
    is_number && numbers.any(|number| number.parse::<f64>().is_ok_and(&fits))
}

/// Whether a code asks for an age (LOINC, SNOMED CT).
pub(super) fn asks_age(code: &str) -> bool {
    AGE_CODES.contains(&code.trim())
}

/// Whether a question asks for an age in its words.
pub(super) fn asks_age_in_words(question: &str) -> bool {
    asks_age(question) || words(question).any(|word| word.eq_ignore_ascii_case("age"))
}

/// Whether a question asks for a number that somebody has, and not for what is measured.
pub(super) fn asks_number(question: &str) -> bool {
    let mut before = "";
    NUMBER_CODES.contains(&question.trim())
        || words(question).any(|word| {
            let is_it = |own: &str| {
                own.eq_ignore_ascii_case(word)
                    || own.len() == before.len() + 1 + word.len()
                        && own.split_once(' ').is_some_and(|(first, second)| {
                            first.eq_ignore_ascii_case(before) && second.eq_ignore_ascii_case(word)
                        })
            };
            let asks = OWN_NUMBERS.iter().any(|own| is_it(own));
            before = word;
            asks
        })
}

/// What words and codes ask for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Question {
    age: bool,
    number: bool,
    /// It goes on behind what is read: it may ask for either.
    cut: bool,
}

impl Question {
    /// Of their beginnings: they are read for each value that stands below.
    pub(super) fn of<'q>(said: impl IntoIterator<Item = &'q str>) -> Self {
        said.into_iter().fold(Self::default(), |all, whole| {
            let said = start_of(whole, SAID_BYTES_MAX);
            Self {
                age: all.age || asks_age_in_words(said),
                number: all.number || asks_number(said),
                cut: all.cut || said.len() < whole.len(),
            }
        })
    }

    /// The same question, of which more was said than was read, or not.
    pub(super) fn or_cut(self, cut: bool) -> Self {
        Self { cut: self.cut || cut, ..self }
    }

    /// What stands for a number of some unit that is the answer.
    pub(super) fn instead(self, value: &str, per_year: Option<f64>) -> Option<&'static str> {
        match self.age && is_over_89_of_any(value, per_year) {
            true => Some(super::operators::AGE_OVER),
            false => (self.number || self.cut && is_doubtful(value)).then_some("[number]"),
        }
    }
}

/// Whether a unit is the year (UCUM, and as people write it).
pub(super) fn is_in_years(unit: &str) -> bool {
    per_year(unit) == Some(1.0)
}

/// How many of a unit of time make a year.
pub(super) fn per_year(unit: &str) -> Option<f64> {
    let unit = unit.trim().trim_end_matches('.').to_ascii_lowercase();
    UNITS.iter().find(|(names, _)| names.contains(&&*unit)).map(|(_, per_year)| *per_year)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

/// So much of a question, or of a unit, is read.
pub(super) const SAID_BYTES_MAX: usize = 512;
/// A year has no more than this many people.
pub(super) const OLDEST: u16 = 130;
/// A number of somebody's has so many digits at least.
const OWN_NUMBER_MIN: usize = 4;
/// A longer text is no number of years, nor a range of two.
const NUMBER_BYTES_MAX: usize = 16;
/// Ranges of FHIR that may be of years, whatever their unit.
const AGE_RANGES: [&str; 4] = ["onsetRange", "abatementRange", "deceasedRange", "whenRange"];
/// Age, reported, estimated, calculated, at death, current or at death, at the taking of a specimen (LOINC); age, current
/// chronological age, age at onset (SNOMED CT).
const AGE_CODES: [&str; 10] = [
    "30525-0",
    "21612-7",
    "21611-9",
    "29553-5",
    "39016-1",
    "63900-5",
    "35659-2",
    "397669002",
    "424144002",
    "445518008",
];
/// Postal code (LOINC).
const NUMBER_CODES: [&str; 1] = ["45401-7"];
/// Units of UCUM and their kinds, and others' words; how many of them make a year.
const UNITS: [(&[&str], f64); 6] = [
    (&["a", "a_j", "a_g", "a_t", "y", "yr", "yrs", "year", "years", "yo", "y/o", "year(s)"], 1.0),
    (
        &["mo", "mo_j", "mo_s", "mo_g", "mos", "mon", "mons", "mth", "mths", "month", "months", "month(s)"],
        12.0,
    ),
    (&["wk", "wks", "w", "week", "weeks", "week(s)"], 52.18),
    (&["d", "dy", "day", "days", "day(s)"], 365.25),
    (&["h", "hr", "hrs", "hour", "hours", "hour(s)"], 8766.0),
    (&["min", "mins", "minute", "minutes", "minute(s)"], 525_960.0),
];
/// Words, and two that follow each other, of numbers that people have.
const OWN_NUMBERS: [&str; 55] = [
    "mrn",
    "ssn",
    "identifier",
    "identification",
    "medical record",
    "record number",
    "record no",
    "social security",
    "patient id",
    "patient number",
    "patient no",
    "id number",
    "id no",
    "national id",
    "tax id",
    "chart number",
    "chart no",
    "account number",
    "account no",
    "visit number",
    "encounter number",
    "accession number",
    "case number",
    "case no",
    "case id",
    "claim number",
    "claim id",
    "serial number",
    "serial no",
    "certificate number",
    "student number",
    "student id",
    "employee number",
    "employee id",
    "member id",
    "member number",
    "subscriber id",
    "subscriber number",
    "policy number",
    "group number",
    "medicare number",
    "medicaid number",
    "insurance number",
    "phone",
    "telephone",
    "mobile number",
    "fax",
    "passport",
    "license number",
    "licence number",
    "zip",
    "zipcode",
    "postal code",
    "postcode",
    "post code",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_over_89_are_told_by_place_question_and_unit() {
        for (value, place, old) in [
            ("93", "Condition.onsetAge.value", true),
            ("89", "Condition.onsetAge.value", false),
            ("93", "Observation.valueQuantity.value", false),
            ("93", "Claim.page", false),
            ("93", "Provenance.agent.count", false),
            ("93", "age", true),
            ("93", "Condition.onsetRange.low.value", true),
            ("93", "FamilyMemberHistory.condition.deceasedRange.high.value", true),
        ] {
            assert_eq!(is_old_age(value, &|| place.to_owned()), old, "{value} {place}");
        }
        for (value, question, old) in [
            ("93", "Age", true),
            (">93", "Reported Age", true),
            ("85-95", "30525-0", true),
            ("9.3e1", "Age", true),
            ("8.9e1", "Age", false),
            ("NaN", "Age", false),
            ("89", "Age", false),
            ("93", "Dosage", false),
            ("131", "Age", false),
            ("93", "Glucose", false),
        ] {
            assert_eq!(is_over_89(value) && asks_age_in_words(question), old, "{value} {question}");
        }
        for (value, unit, old) in [
            ("1145", "mo", true),
            ("1145", "Months", true),
            ("200", "mo", false),
            ("34800", "d", true),
            ("4900", "wk", true),
            ("900000", "h", true),
            ("9000", "h", false),
            (">1100", "months", true),
            ("1145", "pts", true),
            ("88", "", false),
            ("93", "a", true),
        ] {
            assert_eq!(is_over_89_of_any(value, per_year(unit)), old, "{value} {unit}");
        }
    }

    #[test]
    fn questions_for_numbers_of_people_are_told_from_those_for_measured_ones() {
        for question in [
            "MRN",
            "Medical record number",
            "Patient ID",
            "SSN (last 4)",
            "Home phone",
            "ZIP",
            "Postal code",
            "Case number",
            "Device serial number",
            "Student no, student ID",
            "45401-7",
        ] {
            assert!(asks_number(question), "{question}");
        }
        for question in [
            "Hemoglobin",
            "Number of births",
            "Platelets",
            "HIV 1 Ab ID",
            "Record",
            "Account of pain",
            "Number of cases",
            "Serial creatinine",
            "Zipf slope",
        ] {
            assert!(!asks_number(question), "{question}");
        }
        assert!(["a", "yr", "Years", "yrs."].into_iter().all(is_in_years));
        assert!(!["mo", "mg", "", "day"].into_iter().any(is_in_years));
    }
}
