//! What has to hold of any message: how it is cut changes nothing, what is taken out is gone, and nobody's points are
//! somebody else's.

use crate::support::{Gate, PATIENT, read_http, shared};
use phigate::inspect::decode::Budget;
use phigate::inspect::finding::{Counted, Finding, Part, UninspectedReason};
use phigate::inspect::{Findings, Inspector, Message, RuleSet};
use std::io::Write;
use std::ops::Range;

const HL7V2: &str = "x-application/hl7-v2+er7";
const ADT: &str =
    "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|P|2.5\rPID|1||E08738432^^^H^MR||OKAFOR^DARNELL||19620622|M\r";

fn inspect(content_type: &str, body: &[u8]) -> Findings {
    message(&Message { content_type, body, ..Message::default() })
}

fn message(message: &Message<'_>) -> Findings {
    Inspector::new(RuleSet::built_in(), Budget::default(), 2026).message(message)
}

/// Messages of the dev corpora: format, class and text.
fn corpus() -> Option<Vec<(String, String, String)>> {
    let folder = shared("corpora/dev")?;
    let mut out = Vec::new();
    for name in ["messages", "hard", "edge", "notes"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).expect("reads");
        for line in text.lines() {
            let record: serde_json::Value = serde_json::from_str(line).expect("a record");
            let word = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
            out.push((word("format"), word("class"), word("text")));
        }
    }
    Some(out)
}

fn by_format(format: &str) -> &'static str {
    match format {
        "fhir-json" => "application/fhir+json",
        "hl7v2" => HL7V2,
        "ccda" => "text/xml",
        "x12" => "application/edi-x12",
        "redox-json" => "application/json",
        "csv" => "text/csv",
        "form" => "application/x-www-form-urlencoded",
        _ => "text/plain",
    }
}

/// Sends a body in two chunks over a connection that stays open, and gives status and reason.
fn in_chunks(
    gate: &Gate,
    stream: &mut std::net::TcpStream,
    content_type: &str,
    body: &[u8],
    at: usize,
) -> (u16, Vec<u8>) {
    let (one, two) = body.split_at(at);
    let mut request = format!(
        "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nTransfer-Encoding: chunked\r\nContent-Type: {content_type}\r\n\r\n",
        gate.keys[1]
    )
    .into_bytes();
    for piece in [one, two].iter().filter(|piece| !piece.is_empty()) {
        request.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        request.extend(*piece);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    stream.write_all(&request).expect("writes");
    let reply = read_http(stream, false).expect("an answer");
    (reply.status(), reply.body)
}

/// An answer without its record's number.
fn told(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let is_number = |word: &&str| {
        let bare = word.strip_prefix("rq_").unwrap_or(word);
        bare.len() >= 16 && bare.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    };
    text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .filter(|w| !is_number(w))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_body_cut_into_chunks_anywhere_is_refused_in_the_same_words() {
    let gate = Gate::start();
    let lines = format!("{{\"a\":1}}\n{PATIENT}\n");
    for (content_type, body) in [
        ("application/fhir+json", PATIENT),
        ("application/fhir+ndjson", &lines),
        ("text/csv", "mrn,last name,dob\nE08738432,Okafor,1962-06-22\n"),
    ] {
        let mut stream = gate.connect(1);
        let (status, whole) = in_chunks(&gate, &mut stream, content_type, body.as_bytes(), body.len());
        assert_eq!(status, 422, "{content_type}");
        for at in 1..body.len() {
            let (status, answer) = in_chunks(&gate, &mut stream, content_type, body.as_bytes(), at);
            assert_eq!((status, told(&answer)), (422, told(&whole)), "{content_type} cut at {at}");
        }
    }
}

#[test]
fn what_streams_into_production_in_pieces_is_found_as_whole() {
    let gate = Gate::start();
    for at in [1, 40, 77, ADT.len() - 9] {
        let mut stream = gate.connect(2);
        let (one, two) = ADT.split_at(at);
        write!(
            stream,
            "POST /in HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nTransfer-Encoding: chunked\r\nContent-Type: {HL7V2}\r\n\r\n{:x}\r\n{one}\r\n",
            gate.keys[2],
            one.len()
        )
        .expect("writes");
        gate.upstreams[2].wait_for_bytes();
        write!(stream, "{:x}\r\n{two}\r\n0\r\n\r\n", two.len()).expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    }
    gate.running().flush_records();
    for kind in ["mrn", "family-name", "given-name", "birth-date"] {
        let line = format!(
            "phigate_findings_total{{decision=\"passed\",environment=\"production\",kind=\"{kind}\"}}"
        );
        assert_eq!(gate.metric(&line), 4, "{kind}");
    }
}

/// Rules of structured fields, which tell nothing of what comes later: (rule, span).
fn of_fields(findings: &Findings, format: &str) -> Vec<(String, Range<usize>)> {
    let own = findings.findings.iter().filter(|f| f.rule.starts_with(format));
    own.map(|f| (f.rule.to_string(), f.span.clone())).collect()
}

#[test]
fn the_beginning_of_a_cut_body_tells_what_the_whole_told_there() {
    let Some(corpus) = corpus() else { return println!("skipped: no corpora here") };
    let mut seen = 0;
    for (format, _, text) in corpus.iter().filter(|(format, ..)| format == "hl7v2").step_by(7) {
        let whole = of_fields(&inspect(by_format(format), text.as_bytes()), format);
        for at in (0..text.len()).step_by(text.len() / 23 + 1).filter(|at| text.is_char_boundary(*at)) {
            let (cut, body) = (true, text.as_bytes().get(..at).unwrap_or_default());
            let found = message(&Message { content_type: HL7V2, body, cut, ..Message::default() });
            assert!(found.uninspected.iter().any(|u| u.reason == UninspectedReason::TeeLimit));
            let begun = of_fields(&found, format);
            // The leaf that is cut may read as something else, and the segment that is open may lack what tells of whom.
            let segment = text.get(..at).and_then(|t| t.rfind(['\r', '\n'])).unwrap_or(0);
            let closed = |found: &[(String, Range<usize>)]| {
                let mut closed: Vec<_> =
                    found.iter().filter(|(_, span)| span.end <= segment).cloned().collect();
                closed.sort_by(|a, b| (&a.0, a.1.start).cmp(&(&b.0, b.1.start)));
                closed
            };
            if text.starts_with("MSH") {
                assert_eq!(closed(&begun), closed(&whole), "cut at {at} of {}", text.len());
                seen += 1;
            }
        }
    }
    assert!(seen > 200, "{seen}");
}

/// Bytes that may be taken out: what counts, in the body.
fn counted(findings: &Findings) -> impl Iterator<Item = &Finding> {
    findings.findings.iter().filter(|f| f.part == Part::Body && f.counted == Counted::Yes && f.points.0 > 0)
}

/// The same body with something neutral in the place of each span, as long as it was.
fn without(body: &[u8], spans: &[Range<usize>]) -> Vec<u8> {
    let mut out = body.to_vec();
    for span in spans {
        // A number in JSON stays a value of JSON.
        let quoted =
            |at: Option<usize>| at.and_then(|at| body.get(at)).is_some_and(|b| !b":, []{}\n\r\t".contains(b));
        let is_number = body
            .get(span.clone())
            .is_some_and(|v| v.iter().all(|b| b.is_ascii_digit() || b".-+eE".contains(b)))
            && !quoted(span.start.checked_sub(1))
            && !quoted(Some(span.end))
            && body.first().is_some_and(|b| b"[{".contains(b));
        let place = out.get_mut(span.clone()).expect("inside");
        place.fill(if is_number { b'0' } else { b'x' });
        if let (true, Some(first)) = (is_number && place.len() > 1, place.first_mut()) {
            *first = b'1';
        }
    }
    out
}

#[test]
fn what_is_taken_out_is_not_found_again() {
    let Some(corpus) = corpus() else { return println!("skipped: no corpora here") };
    let (mut spans_seen, mut left) = (0, Vec::new());
    for (number, (format, class, text)) in corpus.iter().enumerate() {
        let found = inspect(by_format(format), text.as_bytes());
        let spans: Vec<_> = counted(&found).map(|f| f.span.clone()).collect();
        spans_seen += spans.len();
        let rest = inspect(by_format(format), &without(text.as_bytes(), &spans));
        let overlaps = |f: &Finding| spans.iter().any(|s| s.start < f.span.end && f.span.start < s.end);
        for f in counted(&rest).filter(|f| overlaps(f)) {
            left.push(format!("{number} {format} {class}: {} of {} points", f.rule, f.points.0));
        }
    }
    assert!(spans_seen > 5_000, "{spans_seen}");
    assert!(left.is_empty(), "{} of {spans_seen}:\n{}", left.len(), left.join("\n"));
}

/// Two people, a birth date and a name apart, in each format that can hold two: of 40 and of 50 points and less, and 90
/// and more together.
const TWO: &[(&str, &str)] = &[
    (
        "application/fhir+json",
        r#"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"a","name":[{"family":"Okafor","given":["Darnell"]}]}},{"resource":{"resourceType":"Patient","id":"b","birthDate":"1962-06-22"}}]}"#,
    ),
    (
        "application/fhir+xml",
        r#"<Bundle xmlns="http://hl7.org/fhir"><entry><resource><Patient><id value="a"/><name><family value="Okafor"/><given value="Darnell"/></name></Patient></resource></entry><entry><resource><Patient><id value="b"/><birthDate value="1962-06-22"/></Patient></resource></entry></Bundle>"#,
    ),
    (
        "application/fhir+ndjson",
        "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Okafor\",\"given\":[\"Darnell\"]}]}\n{\"resourceType\":\"Patient\",\"birthDate\":\"1962-06-22\"}\n",
    ),
    (
        "application/json",
        r#"{"hook":"x","hookInstance":"y","context":{},"prefetch":{"a":{"resourceType":"Patient","id":"a","name":[{"family":"Okafor","given":["Darnell"]}]},"b":{"resourceType":"Patient","id":"b","birthDate":"1962-06-22"}}}"#,
    ),
    ("application/json", r#"[{"firstName":"Darnell","lastName":"Okafor"},{"dob":"1962-06-22"}]"#),
    (
        "application/graphql",
        r#"{ a: PatientList(family: "Okafor", given: "Darnell") { id } b: PatientList(birthdate: "1962-06-22") { id } }"#,
    ),
    (HL7V2, "MSH|^~\\&|A|B|C|D|20250101||ORU^R01|1|P|2.5\rPID|1||||OKAFOR^DARNELL\rPID|2||||||19620622\r"),
    ("text/csv", "first name,last name,dob\nDarnell,Okafor,\n,,1962-06-22\n"),
    (
        "text/xml",
        "<people><person><firstName>Darnell</firstName><lastName>Okafor</lastName></person><person><dob>1962-06-22</dob></person></people>",
    ),
    (
        "application/dicom+json",
        r#"[{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Okafor^Darnell"}]}},{"00100030":{"vr":"DA","Value":["19620622"]}}]"#,
    ),
    (
        "multipart/mixed; boundary=b",
        "--b\r\nContent-Type: application/fhir+json\r\n\r\n{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Okafor\",\"given\":[\"Darnell\"]}]}\r\n--b\r\nContent-Type: application/fhir+json\r\n\r\n{\"resourceType\":\"Patient\",\"birthDate\":\"1962-06-22\"}\r\n--b--\r\n",
    ),
    (
        "application/soap+xml",
        r#"<e><Patient xmlns="http://hl7.org/fhir"><name><family value="Okafor"/><given value="Darnell"/></name></Patient><Patient xmlns="http://hl7.org/fhir"><birthDate value="1962-06-22"/></Patient></e>"#,
    ),
    ("text/plain", "Patient: Darnell Okafor was here.\n\nPatient: Maria Nguyen, DOB 06/22/1962."),
];

#[test]
fn two_people_s_points_never_add_up() {
    for (content_type, body) in TWO {
        let found = inspect(content_type, body.as_bytes());
        let points = found.points().0;
        let most = if *content_type == "text/plain" { 100 } else { 55 };
        assert!((40..=most).contains(&points), "{content_type}: {points}, {:?}", found.persons);
        assert!(found.persons.len() >= 2, "{content_type}: {:?}", found.persons);
    }
}

#[test]
fn messages_side_by_side_come_to_what_the_heavier_one_comes_to() {
    let Some(corpus) = corpus() else { return println!("skipped: no corpora here") };
    let real: Vec<_> =
        corpus.iter().filter(|(format, class, _)| class == "real" && format != "text").step_by(9).collect();
    let mut seen = 0;
    for pair in real.windows(2) {
        let [(one_format, _, one), (other_format, _, other)] = pair else { continue };
        let of = |format: &str, text: &str| inspect(by_format(format), text.as_bytes()).points().0;
        let mut body = String::new();
        for (format, text) in [(one_format, one), (other_format, other)] {
            body += &format!("--phigate-b\r\nContent-Type: {}\r\n\r\n{text}\r\n", by_format(format));
        }
        body += "--phigate-b--\r\n";
        let together = inspect("multipart/mixed; boundary=phigate-b", body.as_bytes()).points().0;
        assert_eq!(
            together,
            of(one_format, one).max(of(other_format, other)),
            "{one_format} and {other_format}"
        );
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}
