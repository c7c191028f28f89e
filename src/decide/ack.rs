//! The refusal of an HL7v2 message: an acknowledgment with its errors (HL7 v2.5.1 §2.9.2, §2.9.3, §2.15.1, §2.15.5).
//!
//! - Takes: the request as it came, and what is to be told: code, places, rules.
//! - Gives: MSH, MSA and an ERR for each error, with the usual separators and CR ends.
//! - In doubt: leaves out. An echoed field holds `[A-Za-z0-9._-]` only, and isn't echoed where a finding touches it.

use crate::inspect::walk::hl7v2::{Separators, is_header, next_segment, pieces};
use std::ops::Range;

/// MSA-1, table 0008, as far as a refusal uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AckCode {
    /// Application error: the content is refused.
    AE,
    /// Application reject: message type, processing id or version isn't served here.
    AR,
    /// Commit error: as AE, in enhanced mode.
    CE,
    /// Commit reject: as AR, in enhanced mode.
    CR,
}

impl AckCode {
    /// The code as it is sent.
    #[must_use]
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::AE => "AE",
            Self::AR => "AR",
            Self::CE => "CE",
            Self::CR => "CR",
        }
    }

    /// The code for content that is refused.
    #[must_use]
    pub(super) const fn of_content(mode: Mode) -> Self {
        match mode {
            Mode::Original => Self::AE,
            Mode::Enhanced => Self::CE,
        }
    }

    /// The code for a message type, processing id or version that isn't served.
    #[must_use]
    pub(super) const fn of_header(mode: Mode) -> Self {
        match mode {
            Mode::Original => Self::AR,
            Mode::Enhanced => Self::CR,
        }
    }
}

/// How the sender wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Original mode: one answer, of the application.
    Original,
    /// Enhanced mode: MSH-15 or MSH-16 is valued.
    Enhanced,
}

/// One ERR segment.
#[derive(Debug, Clone)]
pub(super) struct AckError<'a> {
    /// ERR-2, made by `err_location`; empty when no one place is meant.
    pub(super) location: String,
    /// ERR-3, a code of table 0357.
    pub(super) condition: &'static str,
    /// ERR-5: the gateway's rule.
    pub(super) rule: &'a str,
    /// ERR-8: a sentence for people. Never a value of the message.
    pub(super) text: &'a str,
}

/// The mode that a request's first MSH asks for.
#[must_use]
pub(super) fn mode(request: &[u8]) -> Mode {
    let header = Header::of(request);
    let valued =
        |n| header.field(n).is_some_and(|span| !matches!(request.get(span), None | Some(b"" | b"\"\"")));
    if valued(15) || valued(16) { Mode::Enhanced } else { Mode::Original }
}

/// The acknowledgment. `control_id` is our own MSH-10, `now` our MSH-7; both are written as they are, as far as their
/// characters are those of an echo. `blocked_echo` tells whether a finding touches these bytes of the request.
#[must_use]
pub(super) fn ack(
    request: &[u8],
    code: AckCode,
    errors: &[AckError<'_>],
    control_id: &str,
    now: &str,
    blocked_echo: &dyn Fn(Range<usize>) -> bool,
) -> Vec<u8> {
    let header = Header::of(request);
    let echo = |n| header.echo(n, blocked_echo).unwrap_or_default();
    let event = header.component(9, 2, blocked_echo).filter(|event| is_event(event));
    let of_table = |n, table: &[&'static str]| {
        header
            .component(n, 1, blocked_echo)
            .and_then(|value| table.iter().find(|known| **known == value).copied())
    };
    let version = of_table(12, VERSIONS).unwrap_or("2.5.1");
    let mut out = format!(
        "MSH|^~\\&|{}|{}|{}|{}|{}||{}|{}|{}|{}\r",
        echo(5),
        echo(6),
        echo(3),
        echo(4),
        plain(now),
        event.map_or_else(|| "ACK".to_owned(), |event| format!("ACK^{event}^ACK")),
        control_id_of(version, control_id),
        of_table(11, PROCESSING_IDS).unwrap_or("P"),
        version,
    );
    out += &format!("MSA|{}|{}\r", code.as_str(), echo(10));
    for error in errors.iter().take(ERRORS_MAX) {
        let (location, condition) = (location(&error.location), error.condition);
        let rule = escaped(error.rule);
        out += &format!(
            "ERR||{location}|{condition}^{}^HL70357|E|{rule}|||{}\r",
            condition_text(condition),
            escaped(error.text)
        );
    }
    out.into_bytes()
}

/// The first MSH of a request.
struct Header<'a> {
    doc: &'a [u8],
    /// Its separators, and its fields from MSH-3 on.
    parts: Option<(Separators, Range<usize>)>,
}

impl<'a> Header<'a> {
    fn of(doc: &'a [u8]) -> Self {
        let mut at = 0;
        while let Some(span) = next_segment(doc, at) {
            at = span.end;
            let bytes = doc.get(span.clone()).unwrap_or_default();
            if is_header(bytes) && bytes.first().is_some_and(|c| c.eq_ignore_ascii_case(&b'M')) {
                let parts = Separators::declared(bytes).map(|(s, third)| (s, span.start + third..span.end));
                return Self { doc, parts };
            }
        }
        Self { doc, parts: None }
    }

    fn field(&self, number: usize) -> Option<Range<usize>> {
        let (separators, fields) = self.parts.as_ref()?;
        pieces(self.doc, fields.clone(), Some(separators.field)).nth(number.checked_sub(3)?)
    }

    /// A field whose every component may be echoed, with our separators; `None` where one may not.
    fn echo(&self, number: usize, blocked: &dyn Fn(Range<usize>) -> bool) -> Option<String> {
        let (separators, _) = self.parts.as_ref()?;
        let field = self.field(number)?;
        if field.len() > ECHO_BYTES_MAX || blocked(field.clone()) {
            return None;
        }
        let components: Option<Vec<&str>> =
            pieces(self.doc, field, Some(separators.component)).map(|span| self.restricted(span)).collect();
        Some(components?.join("^"))
    }

    fn component(
        &self,
        number: usize,
        nth: usize,
        blocked: &dyn Fn(Range<usize>) -> bool,
    ) -> Option<&'a str> {
        let (separators, _) = self.parts.as_ref()?;
        let span =
            pieces(self.doc, self.field(number)?, Some(separators.component)).nth(nth.checked_sub(1)?)?;
        if blocked(span.clone()) {
            return None;
        }
        self.restricted(span)
    }

    fn restricted(&self, span: Range<usize>) -> Option<&'a str> {
        let text = std::str::from_utf8(self.doc.get(span)?).ok()?;
        text.bytes().all(may_echo).then_some(text)
    }
}

fn may_echo(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-')
}

/// Table 0003: a letter and two characters.
fn is_event(event: &str) -> bool {
    event.len() == 3
        && event.starts_with(|c: char| c.is_ascii_uppercase())
        && event.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| u8::try_from(*c).is_ok_and(may_echo) || *c == '+').collect()
}

/// Our MSH-10: of versions that have no room for a record's id its first digits. ERR-8 has all of it.
fn control_id_of(version: &str, id: &str) -> String {
    let id = plain(id);
    if version == "2.9" || id.len() <= CONTROL_ID_CHARS_MAX {
        return id;
    }
    // Time to the millisecond, and random digits behind it.
    id.chars().filter(|c| *c != '-').take(CONTROL_ID_CHARS_MAX).collect()
}

fn location(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '^').collect()
}

/// Text with our separators escaped; control characters become spaces.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => out += "\\F\\",
            '^' => out += "\\S\\",
            '&' => out += "\\T\\",
            '~' => out += "\\R\\",
            '\\' => out += "\\E\\",
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// Table 0357.
fn condition_text(code: &str) -> &'static str {
    match code {
        "100" => "Segment sequence error",
        "101" => "Required field missing",
        "102" => "Data type error",
        "103" => "Table value not found",
        "200" => "Unsupported message type",
        "201" => "Unsupported event code",
        "202" => "Unsupported processing id",
        "203" => "Unsupported version id",
        "204" => "Unknown key identifier",
        "205" => "Duplicate key identifier",
        "206" => "Application record locked",
        // HL7 v2.9 and THO: an error of the application, which ERR-5 tells; "internal" is what earlier versions called it.
        _ => "Application error",
    }
}

/// Table 0103.
const PROCESSING_IDS: &[&str] = &["D", "P", "T", "N", "V"];
/// Table 0104.
const VERSIONS: &[&str] = &[
    "2.0", "2.0D", "2.1", "2.2", "2.3", "2.3.1", "2.3.2", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1",
    "2.8", "2.8.1", "2.8.2", "2.9",
];
/// Errors of one acknowledgment; any further are left out.
const ERRORS_MAX: usize = 64;
/// MSH-10 up to HL7 v2.6 (chapter 2, attribute table of MSH); in between it is said either way.
const CONTROL_ID_CHARS_MAX: usize = 20;
/// A longer field isn't echoed. MSH-3 to MSH-6 are HD (227), MSH-10 is 199 at most.
const ECHO_BYTES_MAX: usize = 227;

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &[u8] =
        b"\x0BMSH|^~\\&|LAB|MAIN^1.2.3^ISO|EHR|JOHN DOE|20260101||ADT^A08^ADT_A01|MSG-7|T|2.5.1\rPID|1||7\r";

    fn refusal(request: &[u8], blocked: &dyn Fn(Range<usize>) -> bool) -> String {
        let errors = [AckError {
            location: "PID^1^19^1".into(),
            condition: "207",
            rule: "hl7v2.pid-19",
            text: "A | B",
        }];
        String::from_utf8(ack(request, AckCode::AE, &errors, "0198", "20260102030405+0000", blocked)).unwrap()
    }

    /// An acknowledgment has three kinds of segments, each with its required fields.
    fn parses(ack: &str) -> bool {
        let mut segments = ack.split_terminator('\r').map(|segment| segment.split('|').collect::<Vec<_>>());
        let header =
            segments.next().is_some_and(|f| f.len() == 12 && f[0] == "MSH" && f[8].starts_with("ACK"));
        let answer = segments.next().is_some_and(|f| f.len() == 3 && f[0] == "MSA" && f[1].len() == 2);
        header
            && answer
            && segments.all(|f| f.len() == 9 && f[0] == "ERR" && f[4] == "E" && !f[3].is_empty())
            && ack.ends_with('\r')
    }

    #[test]
    fn tells_place_and_rule_with_sender_and_receiver_swapped() {
        let told = refusal(REQUEST, &|_| false);
        assert_eq!(
            told,
            "MSH|^~\\&|EHR||LAB|MAIN^1.2.3^ISO|20260102030405+0000||ACK^A08^ACK|0198|T|2.5.1\rMSA|AE|MSG-7\r\
             ERR||PID^1^19^1|207^Application error^HL70357|E|hl7v2.pid-19|||A \\F\\ B\r"
        );
        assert!(parses(&told));
    }

    #[test]
    fn the_control_id_is_no_longer_than_its_version_allows() {
        let id = "0198c0de-1234-7abc-8def-0123456789ab";
        let told = |version: &str| {
            let request = format!("MSH|^~\\&|A|B|C|D|1||ADT^A08|MSG-7|T|{version}\r");
            let ack = ack(request.as_bytes(), AckCode::AE, &[], id, "2026", &|_| false);
            let ack = String::from_utf8(ack).unwrap();
            assert!(ack.contains("\rMSA|AE|MSG-7\r"), "{ack}");
            ack.split('|').nth(9).unwrap_or_default().to_owned()
        };
        for version in ["2.3", "2.5.1", "2.7", "2.8.2", "x", ""] {
            assert_eq!(told(version), "0198c0de12347abc8def", "{version}");
        }
        assert_eq!(told("2.9"), id);
    }

    #[test]
    fn echoes_nothing_that_a_finding_touches() {
        let told = refusal(REQUEST, &|_| true);
        assert!(told.starts_with("MSH|^~\\&|||||20260102030405+0000||ACK|0198|P|2.5.1\rMSA|AE|\r"));
        assert!(parses(&told));
    }

    #[test]
    fn an_unreadable_request_is_answered_too() {
        for end in 0..REQUEST.len() {
            assert!(parses(&refusal(&REQUEST[..end], &|_| false)));
        }
        assert!(parses(&refusal(b"\xFF\xFE{}", &|_| false)));
        assert!(parses(&refusal(b"MSH|^~\\&|a\\X0D\\b|\xE9|c&d|~||| |x|Z|9.9|\r", &|_| false)));
    }

    #[test]
    fn enhanced_mode_is_told_by_msh_15_and_16() {
        assert_eq!(mode(REQUEST), Mode::Original);
        assert_eq!(mode(b"MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5||||AL|"), Mode::Enhanced);
        assert_eq!(mode(b"FHS|^~\\&|A\rMSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.5|||\"\"|AL"), Mode::Enhanced);
        assert_eq!(
            (AckCode::of_content(Mode::Enhanced), AckCode::of_header(Mode::Original)),
            (AckCode::CE, AckCode::AR)
        );
    }
}
