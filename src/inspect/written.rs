//! What logs write of messages: HL7v2 whose segments end in a written `\r`, and searches in request lines and links.

use std::ops::Range;

/// A message of HL7v2 that stands in a text, its segments ended as the standard has it.
pub struct Quoted {
    /// Where it stands.
    pub span: Range<usize>,
    /// What is read.
    pub text: String,
    /// Of each byte of it, and one behind the last, where it stands in the text.
    pub origins: Vec<usize>,
    /// Whether an end of a segment is written out: what is read isn't what stands there.
    pub is_written: bool,
}

/// A request's target in a text: the last segment of its path, and its query.
#[derive(Debug, PartialEq, Eq)]
pub struct Search {
    /// Where it stands.
    pub span: Range<usize>,
    /// Where its query begins, behind the `?`.
    pub query: usize,
}

/// Messages of HL7v2 (section 2.4) in a text: from `MSH|` to the end of the line, or of lines that go on with a segment. Other
/// separators are told by what the header has behind the first: `MSH$@%!*$`.
#[must_use]
pub fn messages(text: &str) -> Vec<Quoted> {
    let bytes = text.as_bytes();
    let (mut out, mut from) = (Vec::new(), 0);
    for start in memchr::memmem::find_iter(bytes, HEADER) {
        let Some((separator, rest)) = bytes.get(start + HEADER.len()..).and_then(<[u8]>::split_first) else {
            continue;
        };
        if start < from || *separator != b'|' && !names_separators(*separator, rest) {
            continue;
        }
        let (message, segments) = message_at(text, start, *separator);
        from = message.span.end;
        if segments > 1 {
            out.push(message);
        }
    }
    out
}

/// Whether bytes begin with a message of HL7v2 on one line, the ends of its segments written out.
#[must_use]
pub fn begins_with_one(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
    let line = std::str::from_utf8(bytes.get(..end).unwrap_or_default());
    line.is_ok_and(|text| messages(text).iter().any(|m| m.is_written))
}

/// Whether bytes have a word by which documents speak of a patient, whether they can be read or not.
#[must_use]
pub fn holds_a_patient(bytes: &[u8]) -> bool {
    PATIENTS.iter().any(|word| memchr::memmem::find(bytes, word).is_some())
}

/// Whether the other separators of a message stand behind the first: three to five that differ, and the first once more.
fn names_separators(separator: u8, rest: &[u8]) -> bool {
    let Some(count) = rest.iter().take(ENCODING_MAX + 1).position(|b| *b == separator) else { return false };
    let others = rest.get(..count).unwrap_or_default();
    separator.is_ascii_punctuation()
        && (ENCODING_MIN..=ENCODING_MAX).contains(&count)
        && others
            .iter()
            .enumerate()
            .all(|(at, b)| b.is_ascii_punctuation() && !others.get(..at).unwrap_or_default().contains(b))
}

/// The message that begins at `start`, and how many segments it has.
fn message_at(text: &str, start: usize, separator: u8) -> (Quoted, usize) {
    let mut message =
        Quoted { span: start..start, text: String::new(), origins: Vec::new(), is_written: false };
    let (mut at, mut segments) = (start, 1);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty() && at - start < MESSAGE_BYTES_MAX) {
        let ends = segment_end(rest, separator);
        let (taken, c) = match (ends, rest.chars().next()) {
            (0, None | Some('\r' | '\n')) => break,
            (0, Some(c)) => (c.len_utf8(), c),
            (ends, _) => (ends, '\r'),
        };
        if ends > 0 {
            segments += 1;
            message.is_written |= !rest.starts_with(['\r', '\n']);
        }
        message.text.push(c);
        message.origins.resize(message.text.len(), at);
        at += taken;
    }
    message.origins.push(at);
    message.span.end = at;
    (message, segments)
}

/// How many bytes end a segment at the head of `rest`, so that the next one begins behind them; 0: none.
fn segment_end(rest: &str, separator: u8) -> usize {
    let may_end =
        |b: &u8| matches!(b, b'\r' | b'\n' | b' ' | b'\\' | b'#' | b'^' | b'_' | b'<' | b'[' | b'&' | 0xE2);
    if !rest.as_bytes().first().is_some_and(may_end) {
        return 0;
    }
    let mut taken = 0;
    while let Some(end) = ENDS.iter().find(|end| rest.get(taken..).is_some_and(|t| t.starts_with(**end))) {
        taken += end.len();
        if taken > END_BYTES_MAX {
            return 0;
        }
    }
    let head = rest.as_bytes().get(taken..).and_then(|rest| rest.first_chunk::<4>());
    let is_segment = head.is_some_and(|[a, b, c, bar]| {
        let name = [*a, *b, *c];
        *bar == separator && (SEGMENTS.contains(&&name) || (*a == b'Z' && b.is_ascii_uppercase()))
    });
    if is_segment { taken } else { 0 }
}

/// Searches in a text: what stands around a `?` behind which a parameter begins.
#[must_use]
pub fn searches(text: &str) -> Vec<Search> {
    let bytes = text.as_bytes();
    let mut out: Vec<Search> = Vec::new();
    for mark in memchr::memchr_iter(b'?', bytes) {
        let from = out.last().map_or(0, |search| search.span.end);
        if mark < from {
            continue;
        }
        let low = mark.saturating_sub(SEGMENT_BYTES_MAX).max(from);
        let before = bytes.get(low..mark).unwrap_or_default().iter().rev();
        let segment =
            before.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$'));
        let start = mark - segment.count();
        let slash = start.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b'/');
        if start == mark && !slash {
            continue;
        }
        let behind = bytes.get(mark + 1..).unwrap_or_default();
        // The name first: what is none ends soon.
        let key = behind.iter().take(KEY_BYTES_MAX).take_while(|b| is_key(**b)).count();
        // A word, or the tag of an attribute of DICOM's that is a patient's (PS3.18, section 8.3.4): `?00100030=19620622`.
        let is_name =
            behind.first().is_some_and(u8::is_ascii_alphabetic) || key == 8 && behind.starts_with(b"0010");
        if !is_name || behind.get(key) != Some(&b'=') {
            continue;
        }
        let query = behind.iter().take(QUERY_BYTES_MAX).take_while(|b| is_query(**b)).count();
        let query = behind.get(..query).unwrap_or_default();
        let end = query.iter().rposition(|b| !matches!(b, b'.' | b',' | b';' | b')' | b']' | b'}'));
        let mut end = mark + 1 + end.map_or(0, |last| last + 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        out.push(Search { span: start..end, query: mark + 1 });
    }
    out
}

/// What a query may hold, as browsers and logs write it (RFC 3986, section 3.4, and what isn't ASCII).
const fn is_query(byte: u8) -> bool {
    byte > b' ' && !matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'`' | b'\\' | b'^' | b'#' | 0x7F)
}

const fn is_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'[' | b']')
}

/// Segments of HL7v2 and X12, and words of FHIR and CDA, that a patient's data stand in.
const PATIENTS: &[&[u8]] = &[
    b"PID|",
    b"NK1|",
    b"NM1*",
    b"Patient",
    b"patient",
    b"PATIENT",
    b"RelatedPerson",
    b"birthDate",
    b"birthTime",
    b"subject",
    b"recordTarget",
];
const HEADER: &[u8] = b"MSH";
/// How many separators a header has behind the first: version 2.7 has one for what is cut off.
const ENCODING_MIN: usize = 3;
const ENCODING_MAX: usize = 5;
/// A message in a text is read so far.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
/// The longest name of a parameter.
const KEY_BYTES_MAX: usize = 128;
/// The longest segment of a path that says what is searched.
const SEGMENT_BYTES_MAX: usize = 64;
/// A query is read so far.
const QUERY_BYTES_MAX: usize = 4096;
/// What stands between two segments is no longer.
const END_BYTES_MAX: usize = 24;
/// How the end of a segment stands in logs: as it is, and as languages, shells, syslog (RFC 3164's `#015`), HL7 (section
/// 2.7) and Office write a control character. A longer one stands before what it begins with.
const ENDS: &[&str] = &[
    "\r", "\n", " ", "\\r", "\\n", "\\x0d", "\\x0D", "\\x0a", "\\x0A", "\\X0D\\", "\\X0A\\", "\\X0d\\",
    "\\u000d", "\\u000D", "\\u000a", "\\u000A", "\\0d", "\\0D", "\\0a", "\\0A", "\\015", "\\012", "#015",
    "#012", "^M", "^J", "_x000D_", "_x000d_", "_x000A_", "<CR>", "<cr>", "<LF>", "<lf>", "[CR]", "[LF]",
    "&#13;", "&#10;", "\u{240D}", "\u{240A}",
];
/// Segments that an end is told by (HL7 v2.5.1, appendix A); those of a site begin with Z.
const SEGMENTS: &[&[u8; 3]] = &[
    b"ACC", b"AIG", b"AIL", b"AIP", b"AIS", b"AL1", b"CON", b"CTI", b"DB1", b"DG1", b"DRG", b"DSC", b"DSP",
    b"ERR", b"EVN", b"FT1", b"GT1", b"IN1", b"IN2", b"IN3", b"LAN", b"MFE", b"MFI", b"MRG", b"MSA", b"NK1",
    b"NTE", b"OBR", b"OBX", b"ORC", b"PD1", b"PID", b"PR1", b"PRD", b"PV1", b"PV2", b"QAK", b"QPD", b"QRD",
    b"QRF", b"RCP", b"RF1", b"RGS", b"ROL", b"RXA", b"RXC", b"RXD", b"RXE", b"RXG", b"RXO", b"RXR", b"SCH",
    b"SFT", b"SPM", b"STF", b"TQ1", b"TQ2", b"TXA", b"UAC", b"UB1", b"UB2",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::finding::Finding;
    use crate::inspect::kind::Kind;
    use crate::inspect::{Budget, Inspector, Message, RuleSet};

    #[test]
    fn written_ends_of_segments_are_undone_and_places_lead_back() {
        for end in ["\\r", "\\n", "\\r\\n", "\\x0d", "\\0d", "#015", "^M", "_x000D_", " ", "<CR>", "\\X0D\\"]
        {
            let log = format!(
                "sent: MSH|^~\\&|LAB|GH|P|2.5.1{end}PID|1||66^^^GH^MR||Ødegård^A\\S\\B{end}ZLP|1|x\nnext"
            );
            let found = messages(&log);
            let [message] = found.as_slice() else { panic!("{end}: {}", found.len()) };
            assert!(message.is_written, "{end}");
            assert_eq!(
                message.text, "MSH|^~\\&|LAB|GH|P|2.5.1\rPID|1||66^^^GH^MR||Ødegård^A\\S\\B\rZLP|1|x",
                "{end}"
            );
            assert_eq!(log.get(message.span.end..), Some("\nnext"), "{end}");
            assert_eq!(message.origins.len(), message.text.len() + 1, "{end}");
            let at = message.text.find("Ødegård").expect("there");
            assert_eq!(log.get(message.origins[at]..).map(|t| t.starts_with("Ødegård")), Some(true), "{end}");
        }
    }

    #[test]
    fn real_ends_and_several_messages_are_read_too() {
        let text = "a\nMSH|^~\\&|1\nPID|1\r\nOBX|1\nthen MSH|^~\\&|2\rPID|2\n\nMSH|^~\\& alone";
        let found = messages(text);
        let texts: Vec<&str> = found.iter().map(|m| &*m.text).collect();
        assert_eq!(texts, ["MSH|^~\\&|1\rPID|1\rOBX|1", "MSH|^~\\&|2\rPID|2"]);
        assert!(found.iter().all(|m| !m.is_written));
        assert!(begins_with_one(b"MSH|^~\\&|1\\rPID|1\r\nMSH|") && !begins_with_one(b"MSH|^~\\&|1\rPID|1"));
        assert!(messages("MSH is the header; path C:\\reports\\PID|x").is_empty());
    }

    fn found(text: &str) -> Vec<(&str, &str)> {
        let of = |s: &Search| Some((text.get(s.span.start..s.query)?, text.get(s.query..s.span.end)?));
        searches(text).iter().filter_map(of).collect()
    }

    #[test]
    fn searches_end_where_a_link_ends() {
        assert_eq!(
            found(
                "\"GET /fhir/Patient?name=Anna%20K&birthdate=1986 HTTP/1.1\" (see https://a.b/x/?q=1&r=2), Patient?a=b."
            ),
            [("Patient?", "name=Anna%20K&birthdate=1986"), ("?", "q=1&r=2"), ("Patient?", "a=b")]
        );
        for text in ["really? a=b", "what?", "x ? y=z", "?=3", "a?1=2", "is it so?\nname=x"] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    fn inspect(content_type: &str, body: &str) -> (u16, Vec<(Kind, String)>) {
        let message = Message { content_type, body: body.as_bytes(), ..Message::default() };
        let found = Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(&message);
        let of = |f: &Finding| (f.kind, body.get(f.span.clone()).unwrap_or_default().to_owned());
        (found.points().0, found.findings.iter().map(of).collect())
    }

    #[test]
    fn other_separators_are_those_of_the_header() {
        let log = r"sent: MSH$@%!*$LAB$GH\rPID$1$$66@@@GH@MR$$Brown@Ann\rOBX|1";
        let found = messages(log);
        let [message] = found.as_slice() else { panic!("{}", found.len()) };
        assert_eq!(message.text, "MSH$@%!*$LAB$GH\rPID$1$$66@@@GH@MR$$Brown@Ann\\rOBX|1");
        for text in ["MSH$@@!$a\nPID$1", "MSH $@%! a\nPID 1", "MSHA@%!A\nPIDA1", "MSH$@$\nPID$1", "MSH$"] {
            assert!(messages(text).is_empty(), "{text}");
        }
    }

    const LOG: &str = "2024-05-03 11:20:14 INFO sent: MSH|^~\\&|LAB|GH|EHR|GH|20240503112014||ORU^R01|99812|P|2.5.1END\
        PID|1||6671029^^^GH^MR||VANCE-OKORO^ITORO||19880214|FENDOBX|1|NM|2345-7^Glucose||212|mg/dL";

    #[test]
    fn messages_in_logs_tell_of_their_patient() {
        for end in ["\\r", "\\r\\n", "\\x0d", "#015", "^M", "_x000D_"] {
            let log = LOG.replace("END", end);
            let (points, found) = inspect("text/plain", &log);
            assert!(points >= 150, "{end}: {points}");
            assert!(found.contains(&(Kind::Mrn, "6671029".to_owned())), "{end}: {found:?}");
            assert!(found.contains(&(Kind::BirthDate, "19880214".to_owned())), "{end}: {found:?}");
        }
        let (points, _) = inspect(
            "application/json",
            &format!(r#"{{"line":"{}"}}"#, LOG.replace('\\', "\\\\").replace("END", "\\\\r")),
        );
        assert!(points >= 150, "{points}");
        let quiet = "MSH|^~\\&|LAB|GH\\rZLP|1|x\n";
        assert_eq!(messages(&quiet.repeat(200)).len(), 200);
        let (points, _) = inspect("text/plain", &(quiet.repeat(200) + &LOG.replace("END", "\\r")));
        assert!(points >= 150, "behind many that tell of nobody: {points}");
        let body = LOG.replace("END", "\\r");
        let message = body.split_once("sent: ").expect("there").1;
        for body in [message.to_owned(), format!("{message}\n{message}\n")] {
            let (points, _) = inspect("x-application/hl7-v2+er7", &body);
            assert!(points >= 150, "{points}");
        }
    }

    #[test]
    fn searches_in_logs_tell_of_whom_they_seek() {
        let log =
            |query: &str| format!("10.2.0.4 - - [03/May/2024:11:20:14 +0000] \"GET {query} HTTP/1.1\" 200 8");
        for query in [
            "/portal/search?name=Anna%20Kowalski&dob=1986-04-12",
            "/portal/search?patientName=Anna+Kowalski&birthDate=04%2F12%2F1986",
            "/portal/search?email=anna.kowalski%40gmail.com&dob=1986-04-12",
            "/fhir/Patient?name=Okonkwo&birthdate=1986-04-12",
            "/portal/search?phone=%2B19174430682&name=Anna%20Kowalski",
            "/dicom-web/studies?00100010=Kowalski%5EAnna&00100030=19860412",
        ] {
            let (points, found) = inspect("text/plain", &log(query));
            assert!(points >= 90, "{query}: {points} {found:?}");
        }
        let quiet = log("/a?q=flu+shot") + "\n";
        let (points, _) = inspect(
            "text/plain",
            &(quiet.repeat(200) + &log("/p/search?email=a.k%40gmail.com&dob=1986-04-12")),
        );
        assert!(points >= 60, "behind many that tell of nobody: {points}");
        let (_, found) = inspect("text/plain", &log("/s?q=x&dob=04%2F12%2F1986&patientName=Anna+Kowalski"));
        assert!(found.contains(&(Kind::BirthDate, "04%2F12%2F1986".to_owned())), "{found:?}");
        assert!(found.contains(&(Kind::FullName, "Anna+Kowalski".to_owned())), "{found:?}");
        for query in
            ["/fhir/Practitioner?name=Okonkwo&active=true", "/files?name=report&page=2", "/a?q=flu+shot"]
        {
            let (points, found) = inspect("text/plain", &log(query));
            assert_eq!(points, 0, "{query}: {found:?}");
        }
    }
}
