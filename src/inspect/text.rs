//! Text: what shape detectors find in it, with validators and nearby words.
//!
//! Per rule the matches are leftmost-first and don't overlap; a match that its validator refuses restarts one byte
//! later. Where matches of several rules overlap, the one with most points stays, then the longest.

use super::check::Validator;
use super::kind::{Kind, Points};
use super::names;
use super::rules::{RawDetector, RuleSet};
use regex::{Regex, RegexBuilder};
use std::ops::Range;
use std::sync::Arc;

/// A compiled detector.
pub struct Detector {
    /// Stable id.
    pub id: Arc<str>,
    /// What it finds.
    pub kind: Kind,
    regex: Regex,
    validate: Option<Validator>,
    nearby: Vec<String>,
    within: usize,
    alone: Points,
    with_nearby: Points,
    unless_before: Vec<String>,
}

/// One match in a text. The matched words stay in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Bytes of the text.
    pub span: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// Points for one person.
    pub points: Points,
    /// The rule.
    pub rule: Arc<str>,
}

impl Detector {
    /// The pattern, in regex syntax.
    #[must_use]
    pub fn pattern(&self) -> &str {
        self.regex.as_str()
    }

    /// Compiles one.
    ///
    /// # Errors
    /// The rule's id and what is wrong; the pattern itself isn't quoted.
    pub fn compile(raw: RawDetector) -> Result<Self, String> {
        let regex = RegexBuilder::new(&raw.pattern).size_limit(PATTERN_BYTES_MAX).build().map_err(|_| {
            format!("detector `{}`: the pattern is no regex, or over {PATTERN_BYTES_MAX} bytes", raw.id)
        })?;
        if regex.is_match("") {
            return Err(format!("detector `{}`: the pattern matches nothing at all", raw.id));
        }
        if raw.points.alone.0 == 0 && (raw.points.nearby.0 == 0 || raw.nearby.is_empty()) {
            return Err(format!("detector `{}` can't fire: no points alone, and no nearby words", raw.id));
        }
        Ok(Self {
            id: Arc::from(raw.id),
            kind: raw.kind,
            regex,
            validate: raw.validate,
            nearby: raw.nearby,
            within: raw.within,
            alone: raw.points.alone,
            with_nearby: raw.points.nearby,
            unless_before: raw.unless_before,
        })
    }

    fn judge(&self, text: &str, span: Range<usize>, cue: &str, rules: &RuleSet) -> Option<Points> {
        let value = text.get(span.clone())?;
        if self.validate.is_some_and(|v| !v.passes(value)) {
            return None;
        }
        let before = window_before(text, span.start, self.within.max(BEFORE)).to_lowercase();
        let near = tail(&before, BEFORE);
        if self.unless_before.iter().any(|w| ends_with_word(near, w)) {
            return None;
        }
        if self.kind == Kind::FullName && is_provider(text, &span, near, rules) {
            return None;
        }
        let cue = cue.to_ascii_lowercase();
        let nearby = self.nearby.iter().any(|w| before.contains(w.as_str()) || cue.contains(w.as_str()));
        let points = if nearby { self.with_nearby } else { self.alone };
        (points.0 > 0).then_some(points)
    }
}

/// Everything the rules find in `text`, in order of place, without overlaps.
#[must_use]
pub fn scan(text: &str, cue: &str, rules: &RuleSet) -> Vec<Hit> {
    let mut hits = Vec::new();
    if text.len() < SHORTEST {
        return Vec::new();
    }
    rules.engine.search(text, &mut |number, span| {
        let Some(detector) = rules.detectors.get(number) else { return false };
        let points = detector.judge(text, span.clone(), cue, rules);
        if let Some(points) = points {
            hits.push((number, Hit { span, kind: detector.kind, points, rule: detector.id.clone() }));
        }
        points.is_some()
    });
    hits.sort_by_key(|(number, _)| *number);
    without_overlaps(hits.into_iter().map(|(_, hit)| hit).collect())
}

/// How many different words of clinical content `text` has; counts to two and stops.
#[must_use]
pub fn clinical_words(text: &str, rules: &RuleSet) -> usize {
    let mut seen: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|w| (2..=16).contains(&w.len()))
    {
        let word = word.to_ascii_lowercase();
        if rules.words.clinical.contains(&word) && !seen.contains(&word) {
            seen.push(word);
            if seen.len() == 2 {
                break;
            }
        }
    }
    seen.len()
}

/// The paragraphs of a text: bounds of the pieces between blank lines.
#[must_use]
pub fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut blank_since = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            blank_since.get_or_insert(at);
        } else if let Some(end) = blank_since.take() {
            if end > start {
                out.push(start..end);
            }
            start = at;
        }
        at += line.len();
    }
    if start < text.len() {
        out.push(start..text.len());
    }
    out
}

fn without_overlaps(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|h| (std::cmp::Reverse(h.points), std::cmp::Reverse(h.span.len()), h.span.start));
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        // `kept` is sorted by start and free of overlaps, so only the two neighbours can collide.
        let at = kept.partition_point(|k| k.span.start < hit.span.start);
        let after = kept.get(at).is_some_and(|k| k.span.start < hit.span.end);
        let before = at.checked_sub(1).and_then(|i| kept.get(i)).is_some_and(|k| k.span.end > hit.span.start);
        if !after && !before {
            kept.insert(at, hit);
        }
    }
    kept
}

fn is_provider(text: &str, span: &Range<usize>, before: &str, rules: &RuleSet) -> bool {
    let after = window_after(text, span.end, AFTER).to_lowercase();
    let after = after.trim_start_matches([',', ' ', '(']);
    let value = text.get(span.clone()).unwrap_or_default().to_lowercase();
    let credential = |w: &String| {
        after.strip_prefix(w.as_str()).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
    };
    rules.words.provider_before.iter().any(|w| ends_with_word(before, w))
        || rules.words.provider_after.iter().any(credential)
        || value.split_whitespace().next().is_some_and(|w| matches!(w, "dr" | "dr." | "doctor"))
        || names::folded(&value).is_empty()
}

/// Whether `before` ends in the word `w`, with nothing but blanks and `:`, `=`, `,` behind it.
fn ends_with_word(before: &str, w: &str) -> bool {
    let before = before.trim_end_matches([' ', ':', '=', '\t', '"', ',', '-']);
    let w = w.trim_end_matches(['.', ' ']);
    let before = before.trim_end_matches('.');
    before.strip_suffix(w).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
}

fn window_before(text: &str, end: usize, bytes: usize) -> &str {
    let mut start = end.saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text.get(start..end).unwrap_or_default()
}

fn window_after(text: &str, start: usize, bytes: usize) -> &str {
    let mut end = (start + bytes).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(start..end).unwrap_or_default()
}

fn tail(text: &str, bytes: usize) -> &str {
    window_before(text, text.len(), bytes)
}

/// Compiled size of one pattern.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Shorter texts hold nothing that a detector could find.
const SHORTEST: usize = 4;
/// How far words are looked for that make a value somebody else's.
const BEFORE: usize = 24;
const AFTER: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, &str)> {
        scan(text, "", RuleSet::built_in()).iter().map(|h| (h.kind.as_str(), &text[h.span.clone()])).collect()
    }

    #[test]
    fn finds_what_a_note_says_of_its_patient() {
        let hits = found(
            "Patient: Harold Brown  MRN: E08738432  DOB: 06/22/1962, call (915) 927-8377, SSN 412-21-3456",
        );
        assert!(hits.contains(&("full-name", "Harold Brown")), "{hits:?}");
        assert!(hits.contains(&("mrn", "E08738432")), "{hits:?}");
        assert!(hits.contains(&("birth-date", "06/22/1962")), "{hits:?}");
        assert!(hits.contains(&("phone", "(915) 927-8377")), "{hits:?}");
        assert!(hits.contains(&("ssn", "412-21-3456")), "{hits:?}");
    }

    #[test]
    fn providers_and_schema_words_are_no_patients() {
        assert_eq!(found("Attending: Dr. Anita Iyer, Lakeside Family Practice"), []);
        assert_eq!(found("CREATE TABLE patient (mrn VARCHAR(20), last_name VARCHAR(80), dob DATE)"), []);
    }

    #[test]
    fn a_refused_match_restarts_one_byte_later() {
        let hits = found("for Patient John Smith");
        assert!(hits.contains(&("full-name", "John Smith")), "{hits:?}");
    }

    #[test]
    fn paragraphs_are_split_at_blank_lines() {
        let text = "one\ntwo\n\nthree\n \n\nfour";
        let parts: Vec<_> = paragraphs(text).into_iter().map(|r| text[r].trim().to_owned()).collect();
        assert_eq!(parts, ["one\ntwo", "three", "four"]);
    }
}
