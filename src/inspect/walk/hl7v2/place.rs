//! Places: `PID-5.1`, `OBX[3]-5[2].1`, `MSH[2]:PID-19`, made of segment ids that the standard has and of numbers.

use std::fmt;

/// Where a leaf is. Formatted only where somebody asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Message of the document, from 1.
    pub(super) message: u32,
    /// Segment id in capitals; `*` for one the standard doesn't have, `Z*` for a site's own.
    pub(super) segment: Label,
    /// Which of the segments of this id in the message, from 1.
    pub(super) occurrence: u32,
    /// Field number; 0 stands for the segment itself.
    pub(super) field: u32,
    /// Repetition, from 1.
    pub(super) repetition: u32,
    /// Component, from 1; 0 where the repetition has one only.
    pub(super) component: u32,
    /// Subcomponent, from 1; 0 where the component has one only.
    pub(super) subcomponent: u32,
}

/// What a segment is called in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// A segment of the standard.
    Known([u8; 3]),
    /// A Z segment.
    Site,
    /// Anything else: its name is payload.
    Unknown,
}

impl Place {
    /// The place in words. Written by hand: each thing found has one.
    pub(super) fn text(&self) -> String {
        let mut out = String::with_capacity(TEXT_BYTES);
        let number = |before: &str, number: u32, behind: &str, out: &mut String| {
            out.push_str(before);
            out.push_str(itoa::Buffer::new().format(number));
            out.push_str(behind);
        };
        if self.message > 1 {
            number("MSH[", self.message, "]:", &mut out);
        }
        match self.segment {
            Label::Known(id) => out.push_str(std::str::from_utf8(&id).unwrap_or("*")),
            Label::Site => out.push_str("Z*"),
            Label::Unknown => out.push('*'),
        }
        if self.occurrence > 1 {
            number("[", self.occurrence, "]", &mut out);
        }
        if self.field > 0 {
            number("-", self.field, "", &mut out);
        }
        if self.repetition > 1 {
            number("[", self.repetition, "]", &mut out);
        }
        if self.component > 0 {
            number(".", self.component, "", &mut out);
        }
        if self.subcomponent > 0 {
            number(".", self.subcomponent, "", &mut out);
        }
        out
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A place in the form of ERR-2 (datatype ERL, HL7 v2.5.1 §2.A.28): `PID-5.1` becomes `PID^1^5^1^1`. What isn't
/// a place of a segment that the standard has becomes empty.
#[must_use]
pub fn err_location(place: &str) -> String {
    let place = place.rsplit_once(':').map_or(place, |(_, within)| within);
    let (segment, rest) = place.split_once('-').unwrap_or((place, ""));
    let (id, occurrence) = indexed(segment);
    if id.len() != 3 || !id.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit()) {
        return String::new();
    }
    let mut location = format!("{id}^{}", number(occurrence.unwrap_or("1")));
    let (field, parts) = rest.split_once('.').unwrap_or((rest, ""));
    let (field, repetition) = indexed(field);
    if !field.is_empty() {
        location += &format!("^{}^{}", number(field), number(repetition.unwrap_or("1")));
    }
    for part in parts.split('.').filter(|part| !part.is_empty()).take(2) {
        location += &format!("^{}", number(part));
    }
    location
}

/// The way back from [`err_location`]: a place as the ERR-2 of our acknowledgments tells it: `PID^1^19^1` to `PID-19`, and `PID^1^5^1^2` to `PID-5.2`.
#[must_use]
pub fn of_err_location(place: &str) -> Option<String> {
    let (segment, numbers) = place.trim().split_once('^')?;
    let numbers: Option<Vec<u16>> = numbers.split('^').map(|number| number.parse().ok()).collect();
    let [_, field, _, parts @ ..] = numbers.as_deref()? else { return None };
    let parts: String = parts.iter().map(|part| format!(".{part}")).collect();
    let is_segment = segment.len() == 3 && segment.bytes().all(|b| b.is_ascii_alphanumeric());
    is_segment.then(|| format!("{}-{field}{parts}", segment.to_ascii_uppercase()))
}

/// `OBX[3]` to `OBX` and `3`.
fn indexed(word: &str) -> (&str, Option<&str>) {
    match word.strip_suffix(']').and_then(|w| w.split_once('[')) {
        Some((word, index)) => (word, Some(index)),
        None => (word, None),
    }
}

fn number(digits: &str) -> u32 {
    digits.parse().unwrap_or(1)
}

/// Most places are shorter.
const TEXT_BYTES: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_becomes_an_err_location() {
        for (place, location) in [
            ("PID-5.1", "PID^1^5^1^1"),
            ("PID-19", "PID^1^19^1"),
            ("OBX[3]-5[2].1.4", "OBX^3^5^2^1^4"),
            ("MSH[2]:NK1[2]-2", "NK1^2^2^1"),
            ("NTE", "NTE^1"),
            ("Z*-3", ""),
            ("*", ""),
            ("entry[0].resource", ""),
        ] {
            assert_eq!(err_location(place), location);
        }
    }
}
