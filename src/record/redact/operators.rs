//! What is done with a value, kind by kind: dropped, a placeholder, a keyed token, the year, three digits, kept.

use super::leaf::{Numbers, Redactor};
use crate::inspect::check::date;
use crate::inspect::kind::{Kind, Redact};
use crate::inspect::vocab;
use crate::inspect::walk::{Leaf, Reads};
use std::borrow::Cow;
use std::sync::LazyLock;

/// What may be stored of a value.
pub(super) struct Stays {
    pub(super) masked: Cow<'static, str>,
    pub(super) token: Option<String>,
    /// Whether not even its length is told.
    pub(super) bare: bool,
}

impl Stays {
    fn masked(masked: impl Into<Cow<'static, str>>) -> Self {
        Self { masked: masked.into(), token: None, bare: false }
    }
}

impl Redactor<'_> {
    /// What may be stored of a leaf.
    pub(super) fn stays(&mut self, leaf: &Leaf<'_>, place: &dyn Fn() -> String) -> Stays {
        let value = leaf.value.as_ref();
        match (leaf.field, leaf.reads) {
            (_, Reads::Base64(_) | Reads::Hex(_)) => Stays::masked("[attachment]"),
            (Some(field), _) if field.kind == Kind::Secret => {
                Stays { bare: true, ..Stays::masked(super::leaf::SECRET) }
            }
            (_, Reads::Text | Reads::Xhtml | Reads::Query) => Stays::masked("[text]"),
            (Some(field), _) => self.field(field.kind, field.redact, value),
            (None, Reads::Code) if vocab::is_safe_code(value) => Stays::masked(value.to_owned()),
            (None, Reads::Quantity) if is_old_age(value, place) => Stays::masked(AGE_OVER),
            (None, Reads::Quantity)
                if vocab::is_safe_quantity(value) && !asks_number(leaf.cue) && self.is_measured(place) =>
            {
                let is_old = is_over_89(value) && asks_age_in_words(leaf.cue);
                Stays::masked(if is_old { Cow::Borrowed(AGE_OVER) } else { Cow::Owned(value.to_owned()) })
            }
            (None, Reads::Time) => Stays::masked(year(value).map_or(Cow::Borrowed("[time]"), Cow::Owned)),
            (None, Reads::Code) => Stays::masked("[code]"),
            (None, Reads::Quantity) => Stays::masked("[number]"),
            (None, Reads::Opaque) => Stays::masked("[id]"),
            (None, Reads::Public) => Stays::masked("[provider]"),
            (None, Reads::Value) => Stays::masked("[text]"),
        }
    }

    /// Whether a number measures or counts something, as its place tells. Keys of no known notation say nothing of theirs,
    /// nor does what each sender has words of his own for: an extension, a parameter, an answer.
    fn is_measured(&self, place: &dyn Fn() -> String) -> bool {
        if self.numbers == Numbers::AsTold {
            return true;
        }
        let place = place();
        if place.starts_with('$') {
            // An attribute of DICOM, whose representation is one of numbers: places in objects have no capitals.
            return place.contains(".Value[") && !place.contains('*');
        }
        let mut steps = place.rsplit('.').map(|step| step.split('[').next().unwrap_or(step));
        let (element, parent) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
        self.rules.fhir.is_number(parent, element) && !OF_A_SENDER.contains(&parent)
    }

    fn field(&mut self, kind: Kind, redact: Redact, value: &str) -> Stays {
        let placeholder = placeholder(kind);
        // What was redacted before holds no number of which a token could be made.
        if redact == Redact::Hash
            && let Some(token) = redacted_before(value)
        {
            return Stays { token: token.filter(|_| self.linked), ..Stays::masked(placeholder) };
        }
        match redact {
            Redact::Drop => Stays { bare: true, ..Stays::masked(placeholder) },
            Redact::Keep if kind == Kind::Age => Stays::masked(age(value).map_or(placeholder, Cow::Owned)),
            // A name of one letter is no code.
            Redact::Keep if kind != Kind::Provider && vocab::is_safe_code(value) => {
                Stays::masked(value.to_owned())
            }
            Redact::Hash if kind.may_be_token() && self.linked => {
                let token = self.keys.token(self.environment, kind.as_str(), value);
                self.tokens.push(token.clone());
                Stays { token: Some(token), ..Stays::masked(placeholder) }
            }
            Redact::Year => Stays::masked(year(value).map_or(placeholder, Cow::Owned)),
            Redact::Zip3 => Stays::masked(zip3(value).map_or(placeholder, Cow::Owned)),
            _ => Stays::masked(placeholder),
        }
    }
}

/// `[mrn]`: written once for each kind.
fn placeholder(kind: Kind) -> Cow<'static, str> {
    static ALL: LazyLock<Vec<String>> =
        LazyLock::new(|| Kind::ALL.iter().map(|kind| format!("[{}]", kind.as_str())).collect());
    // `Kind::ALL` is in order.
    ALL.get(kind as usize).map_or(Cow::Borrowed("[text]"), |text| Cow::Borrowed(text.as_str()))
}

/// Of a placeholder its token, or that it has none: `[mrn]`, `[mrn:…]`. `None` for any other value.
fn redacted_before(value: &str) -> Option<Option<String>> {
    let inner = value.strip_prefix('[')?.strip_suffix(']')?;
    let (word, token) = match inner.split_once([':', '=', '.', '_']) {
        Some((word, token)) => (word, Some(token)),
        None => (inner, None),
    };
    let is_token =
        |token: &str| token.len() == 32 && token.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_ours = Kind::ALL.iter().any(|kind| kind.as_str() == word) && token.is_none_or(is_token);
    is_ours.then(|| token.map(str::to_owned))
}

/// The year, unless it shows an age over 89 (45 CFR 164.514(b)(2)(i)(C)) or lies ahead.
fn year(value: &str) -> Option<String> {
    let year = date::parse(value)?.year;
    let now = crate::clock::this_year();
    (year + 89 >= now && year <= now + 1).then(|| year.to_string())
}

/// The first three digits; 000 for areas of 20,000 people or fewer (HHS guidance, 2000 census).
fn zip3(value: &str) -> Option<String> {
    let head = value.get(..3).filter(|h| h.bytes().all(|b| b.is_ascii_digit()))?;
    Some(if SMALL.contains(&head) { "000" } else { head }.to_owned())
}

/// An age in years up to 89; all others are one class (45 CFR 164.514(b)(2)(i)(C)).
fn age(value: &str) -> Option<String> {
    let years: u16 = value.trim().parse().ok().filter(|years| *years <= OLDEST)?;
    Some(if years > 89 { AGE_OVER.to_owned() } else { years.to_string() })
}

/// Whether a measured number is an age over 89, as the words of its place tell.
fn is_old_age(value: &str, place: &dyn Fn() -> String) -> bool {
    is_over_89(value)
        && place().split(|c: char| !c.is_ascii_alphabetic()).any(|word| {
            word.eq_ignore_ascii_case("age")
                || word.ends_with("Age")
                || word.starts_with("age")
                || AGE_RANGES.contains(&word)
        })
}

/// Whether a number, or one of a range, is of years that few reach.
pub(super) fn is_over_89(value: &str) -> bool {
    // `9.3e1` is one, too.
    if let Ok(number) = value.trim().parse::<f64>() {
        return number > 89.0 && number <= f64::from(OLDEST);
    }
    let is_number = value.len() <= NUMBER_BYTES_MAX
        && value
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'<' | b'>' | b'=' | b' '));
    if !is_number {
        return false;
    }
    let mut numbers = value.split(|c: char| !c.is_ascii_digit() && c != '.');
    let years = |number: &str| number.parse::<f64>().is_ok_and(|n| n > 89.0 && n <= f64::from(OLDEST));
    numbers.any(years)
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
    let mut before = String::new();
    words(question).any(|word| {
        let word = word.to_ascii_lowercase();
        let asks = OWN_NUMBERS.contains(&&*word) || OWN_NUMBERS.contains(&&*format!("{before} {word}"));
        before = word;
        asks
    })
}

/// Whether a unit is the year (UCUM, and as people write it).
pub(super) fn is_in_years(unit: &str) -> bool {
    YEARS.contains(&&*unit.trim().trim_end_matches('.').to_ascii_lowercase())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

/// A year has no more than this many people.
const OLDEST: u16 = 130;
/// A longer text is no number of years, nor a range of two.
const NUMBER_BYTES_MAX: usize = 16;
/// Elements whose url, name or question says what their value is.
const OF_A_SENDER: [&str; 7] =
    ["extension", "modifierExtension", "parameter", "part", "answer", "initial", "answerOption"];
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
/// UCUM's a and its kinds, and others' words.
const YEARS: [&str; 12] =
    ["a", "a_j", "a_g", "a_t", "y", "yr", "yrs", "year", "years", "yo", "y/o", "year(s)"];
/// Words, and two that follow each other, of numbers that people have.
const OWN_NUMBERS: [&str; 24] = [
    "mrn",
    "ssn",
    "identifier",
    "identification",
    "medical record",
    "record number",
    "social security",
    "patient id",
    "patient number",
    "id number",
    "chart number",
    "account number",
    "visit number",
    "encounter number",
    "member id",
    "subscriber id",
    "policy number",
    "phone",
    "telephone",
    "fax",
    "passport",
    "license number",
    "licence number",
    "zip code",
];
pub(super) const AGE_OVER: &str = "[age-over-89]";
const SMALL: [&str; 17] = [
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884",
    "890", "893",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_areas_and_ages_that_point_at_few_are_not_shown() {
        let now = crate::clock::this_year();
        assert_eq!(year(&format!("{}-05-06", now - 89)), Some((now - 89).to_string()));
        assert_eq!(year(&format!("{}-05-06", now - 90)), None);
        assert_eq!(
            (zip3("83702").as_deref(), zip3("03601").as_deref(), zip3("AB1")),
            (Some("837"), Some("000"), None)
        );
        assert_eq!(
            (age("89").as_deref(), age("90").as_deref(), age("1962")),
            (Some("89"), Some(AGE_OVER), None)
        );
        for (value, place, old) in [
            ("93", "Condition.onsetAge.value", true),
            ("89", "Condition.onsetAge.value", false),
            ("93", "Observation.valueQuantity.value", false),
            ("93", "Claim.page", false),
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
    }

    #[test]
    fn questions_for_numbers_of_people_are_told_from_those_for_measured_ones() {
        for question in ["MRN", "Medical record number", "Patient ID", "SSN (last 4)", "Home phone"] {
            assert!(asks_number(question), "{question}");
        }
        for question in
            ["Hemoglobin", "Number of births", "Platelets", "HIV 1 Ab ID", "Record", "Account of pain"]
        {
            assert!(!asks_number(question), "{question}");
        }
        assert!(["a", "yr", "Years", "yrs."].into_iter().all(is_in_years));
        assert!(!["mo", "mg", "", "day"].into_iter().any(is_in_years));
    }
}
