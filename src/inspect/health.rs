//! Health: whether a text tells somebody's.
//!
//! Two words of clinical content do, or one that tells by itself (`text::clinical_words`). A labelled diagnosis or reason for
//! care and an ICD code behind its label do, too; and where somebody is named as a patient, or a birth date or a record
//! number is told, one named disease, procedure or drug, one term of care, or one value that was measured or dosed.

use super::kind::{Kind, Points};
use super::names::words::{Terms, term_words};
use super::names::{self, window_after};
use super::rules::RuleSet;
use super::text::{Hit, clinical_words};

/// Whether `text`, in which the rules find `hits`, tells somebody's health.
#[must_use]
pub fn tells(text: &str, hits: &[Hit], rules: &RuleSet) -> bool {
    if clinical_words(text, rules) >= 2 {
        return true;
    }
    let somebody = hits.iter().any(|hit| !matches!(hit.kind, Kind::Provider | Kind::Facility | Kind::Url));
    somebody && {
        let patient = hits.iter().any(|hit| is_patients(text, hit, rules));
        let words: Vec<(usize, &str)> = term_words(text).collect();
        let has = |terms: &Terms| terms.are_among(text, &words);
        let health = || has(&rules.words.named) || has(&rules.words.care) || is_measured(text, &words, rules);
        let mut labelled = rules.words.clinical_labels.ends_among(text, words.iter().copied());
        (patient && (health() || has_code(text))) || labelled.any(|end| labels(text, end, patient, rules))
    }
}

/// Whether what was found in `text` is a patient's: what is on record, or a full name that is introduced or spoken of as one.
pub(super) fn is_patients(text: &str, hit: &Hit, rules: &RuleSet) -> bool {
    match hit.kind {
        Kind::BirthDate | Kind::Mrn | Kind::MemberId | Kind::Mbi | Kind::Ssn => hit.points >= ON_RECORD,
        Kind::FullName if hit.points >= rules.markers.weights.names_somebody => {
            rules.names.is_on_record(&hit.rule) || names::is_patient(text, &hit.span, &rules.words)
        }
        // `Mr. Kessler denies pain`
        Kind::FamilyName => names::is_patient(text, &hit.span, &rules.words),
        _ => false,
    }
}

/// Whether a diagnosis or a reason stands behind its label, which ends at `end`: a code, or words of which one is clinical
/// or that stand beside a patient.
fn labels(text: &str, end: usize, patient: bool, rules: &RuleSet) -> bool {
    let behind = window_after(text, end, VALUE_BYTES);
    let behind = ["_code", " code"].iter().find_map(|code| behind.strip_prefix(code)).unwrap_or(behind);
    let value = behind.trim_start_matches([' ', '\t', '"', '\'', '(', ':', '=', '#', '|', '*']);
    let mark = behind.get(..behind.len() - value.len()).unwrap_or_default();
    let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '.');
    let first = value.split(ends).next().unwrap_or_default().trim_end_matches('.');
    if !mark.is_empty() && is_icd(first) {
        return true;
    }
    let value = value.split(['\n', '\r', ';']).next().unwrap_or_default();
    mark.contains([':', '='])
        && value.starts_with(char::is_alphabetic)
        && !NOTHING.iter().any(|word| first.eq_ignore_ascii_case(word))
        && (patient
            || rules.words.named.has(value)
            || term_words(value).any(|(_, word)| {
                let word = word.to_lowercase();
                rules.words.telling.contains(&word) || rules.words.is_clinical(&word)
            }))
}

/// Whether a vital sign or a laboratory value is told with its number, or a dose: `BP 168/94`, `K 6.8`, `500 mg`.
fn is_measured(text: &str, words: &[(usize, &str)], rules: &RuleSet) -> bool {
    let is_dose = |&(at, word): &(usize, &str)| {
        let unit = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let before = text.get(..at + word.len() - unit.len()).unwrap_or_default().trim_end_matches(' ');
        UNITS.iter().any(|of| unit.eq_ignore_ascii_case(of)) && before.ends_with(|c: char| c.is_ascii_digit())
    };
    let mut measured = rules.words.measured.ends_among(text, words.iter().copied());
    measured.any(|end| is_valued(text, end)) || words.iter().any(is_dose)
}

/// Whether the word that ends at `end` has a number behind that may have been measured: neither a year nor a time, a date or
/// a number of something, and with a decimal where the word is one letter.
fn is_valued(text: &str, end: usize) -> bool {
    let behind = window_after(text, end, MEASURED_BYTES);
    let value = behind.trim_start_matches([' ', '\t', ':', '=', '(', '|', '>', '<', '~']);
    let mark = behind.len() - value.len();
    let spoken =
        value.split_once(' ').filter(|(word, _)| SAID.iter().any(|said| said.eq_ignore_ascii_case(word)));
    let value = spoken.map_or(value, |(_, value)| value.trim_start_matches(['>', '<', '~', ' ']));
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let rest = value.get(digits..).unwrap_or_default();
    let goes_on = |mark: char| {
        rest.strip_prefix(mark).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let is_letter = text.get(..end).is_some_and(|text| {
        let mut letters = text.chars().rev();
        letters.next().is_some_and(char::is_alphanumeric)
            && !letters.next().is_some_and(char::is_alphanumeric)
    });
    (1..=MARK_BYTES_MAX).contains(&mark)
        && (1..=3).contains(&digits)
        && !goes_on(':')
        && !goes_on('-')
        && (!is_letter || goes_on('.'))
        && (!rest.starts_with(char::is_alphabetic)
            || GLUED
                .iter()
                .any(|unit| rest.get(..unit.len()).is_some_and(|own| own.eq_ignore_ascii_case(unit))))
}

/// Whether a text has a code of ICD-10-CM with what stands behind the dot, but for what happened to whom and where (V to Y): of
/// those, releases and rooms have the form.
fn has_code(text: &str) -> bool {
    let is_code = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        word.contains('.') && word.starts_with(|c: char| matches!(c, 'A'..='T' | 'Z')) && is_icd(word)
    };
    text.split_ascii_whitespace().any(is_code)
}

/// Whether `word` has the form of ICD-10-CM: a letter, two places, and up to four behind a dot.
fn is_icd(word: &str) -> bool {
    let (head, tail) = word.split_once('.').unwrap_or((word, ""));
    let [letter, tens, ones] = head.as_bytes() else { return false };
    letter.is_ascii_uppercase()
        && tens.is_ascii_digit()
        && (ones.is_ascii_digit() || matches!(ones, b'A' | b'B'))
        && tail.len() <= 4
        && tail.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// From so many points on, what is on record is somebody's.
const ON_RECORD: Points = Points(35);
/// How far behind its label a diagnosis is read.
const VALUE_BYTES: usize = 80;
/// How far behind a vital sign its value is looked for.
const MEASURED_BYTES: usize = 20;
/// How much may stand between the two.
const MARK_BYTES_MAX: usize = 4;
/// Words between the two: `A1c was 9.1`.
const SAID: &[&str] = &["is", "was", "of", "at", "to", "now"];
/// Units of doses and of what is measured (UCUM).
const UNITS: &[&str] = &["mg", "mcg", "meq", "mmol", "mmhg", "bpm"];
/// Units that are written right behind a number.
const GLUED: &[&str] = &["mg", "mm", "meq", "bpm", "f", "c", "k"];
/// What forms hold where nothing was told.
const NOTHING: &[&str] =
    &["none", "null", "n", "na", "nil", "no", "unknown", "pending", "tbd", "see", "string", "undefined"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::text::scan;

    fn told(text: &str) -> bool {
        let rules = RuleSet::built_in();
        tells(text, &scan(text, "", rules), rules)
    }

    #[test]
    fn one_fact_beside_a_patient_tells_health() {
        for text in [
            "Patient: Wanda Kessler\nDiagnosis: heart failure",
            "Name: Wanda Kessler  Dx F32.1",
            "Wanda Kessler, ICD-10 E11.9",
            "Patient Wanda Kessler has a UTI.",
            "Pt Wanda Kessler had a mammogram.",
            "Patient: Wanda Kessler. Reason for visit: earache",
            "MRN 48210377 has HTN.",
            "My daughter Wanda Kessler has chest pain",
            "Saw Wanda Kessler today for heart failure.",
            "Patient: Wanda Kessler. Denies SI/HI.",
            "Patient: Wanda Kessler, comfort measures only",
            "Patient: Wanda Kessler BP 168/94",
            "Pt Wanda Kessler, SpO2: 88% RA",
            "Pt Wanda Kessler, K 6.8",
            "Patient: Wanda Kessler. A1c was 9.1",
            "Patient: Wanda Kessler, temp 101.2F",
            "Patient: Wanda Kessler 500mg twice",
            "Name:Wanda Kessler Sex:F Age:40 CC:fishhook in finger",
            "Mr. Kessler denies SI/HI.",
            "linda miller 61m short of breath, nausea",
            "Surgery for Wanda Kessler got moved to July.",
            "Text Wanda Kessler that her biopsy is benign",
            "How do I tell Wanda Kessler's family that she has ALS?",
            "Patient: Wanda Kessler, E11.9",
            "Patient: Wanda Kessler, BG 342",
            "Patient: Wanda Kessler on FOLFOX today",
            "Wanda Kessler died last night of sepsis",
            "EKG on Wanda Kessler: STEMI",
            "PMH of Wanda Kessler: CAD, CHF",
            "Dear Wanda Kessler,\nYour stress test was abnormal. Please call us.",
            "Dear Wanda Kessler, you have a DVT.",
            "Wanda Kessler, your colonoscopy is on 11/8/2024",
            "Handoff: Kessler, Wanda rm 12 asthma on BiPAP",
            "What next for Wanda Kessler, whose biopsy shows melanoma?",
            "Schedule Wanda Kessler for a colonoscopy",
        ] {
            assert!(told(text), "{text}");
        }
    }

    #[test]
    fn who_is_no_patient_needs_two() {
        for text in [
            "Thanks, Wanda Kessler. The mammogram queue is down",
            "Wanda Kessler: the colonoscopy page is live",
            "Diagnosis: the cache is stale. Reported by: Wanda Kessler",
            "Patient: Wanda Kessler called about the visit",
            "Diagnosis: none. Contact: Wanda Kessler",
            "Build F32.1 by Wanda Kessler",
            "Karen Kessler: comfort measures only",
            "Wanda Kessler: HR 104",
            "Tell Wanda Kessler that the mammogram queue is down",
            "Name:Wanda Kessler Role:F CC:fishhook in finger",
            "Mr. Kessler wants hearing tests",
            "Dear Wanda Kessler, your mammogram portal login is ready.",
            "Hi Wanda Kessler, the mammogram page is live. Is your team done?",
            // Other numbers behind such words.
            "Patient: Wanda Kessler, build V12.3",
            "Patient: Wanda Kessler, HR 2024 form",
            "Patient: Wanda Kessler, K 401",
            "Patient: Wanda Kessler, temp 12:30",
            "Patient: Wanda Kessler, pulse 3rd edition",
        ] {
            assert!(!told(text), "{text}");
        }
    }

    #[test]
    fn codes_have_the_form_of_icd_10() {
        for code in ["E11.9", "I10", "F32.1", "J45.909", "C7A.00", "U07.1", "S72.001A"] {
            assert!(is_icd(code), "{code}");
        }
        for code in ["", "E1", "e11.9", "E11.90000", "1E1.9", "EE1"] {
            assert!(!is_icd(code), "{code}");
        }
    }
}
