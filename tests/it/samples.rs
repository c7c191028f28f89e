//! Every sample through the running gateway.

use crate::support::{Gate, read_http, shared};
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("reads").flatten().map(|e| e.path()).collect();
    out.sort();
    out
}

fn content_type(folder: &str) -> &'static str {
    match folder {
        "hl7v2" => "x-application/hl7-v2+er7",
        "fhir-r4-json" | "cms-fhir-stu3" => "application/fhir+json",
        "fhir-r4-xml" => "application/fhir+xml",
        "fhir-ndjson" => "application/fhir+ndjson",
        "ccda" | "ncpdp" => "text/xml",
        "x12" => "application/edi-x12",
        _ => "application/json",
    }
}

#[test]
fn into_production_every_byte_arrives_and_into_staging_nothing_refused_does() {
    let Some(samples) = shared("samples") else {
        eprintln!("skipped 889 samples: none here");
        return;
    };
    let gate = Gate::start();
    let (mut sent, mut refused, mut through) = (0, 0, 0);
    for folder in [
        "hl7v2",
        "fhir-r4-json",
        "fhir-r4-xml",
        "cms-fhir-stu3",
        "fhir-ndjson",
        "ccda",
        "x12",
        "ncpdp",
        "redox-json",
    ] {
        for path in files(&samples.join(folder)) {
            let body = std::fs::read(&path).expect("reads");
            let headers = [("Content-Type", content_type(folder))];
            let target = if folder == "hl7v2" { "/in" } else { "/fhir" };
            let name = path.display();
            let reply = gate.send(2, "POST", target, &headers, &body);
            let got = gate.upstreams[2].take();
            assert_eq!((reply.status(), got.len()), (200, 1), "{name}");
            assert!(got[0].body == body, "{name}: not byte for byte");

            let reply = gate.send(1, "POST", target, &headers, &body);
            let got = gate.upstreams[1].take();
            sent += 1;
            match reply.status() {
                200 => {
                    through += 1;
                    assert!(got.len() == 1 && got[0].body == body, "{name}: not byte for byte");
                }
                422 => {
                    refused += 1;
                    assert!(got.is_empty(), "{name}: refused, and forwarded all the same");
                    let reason = reply.header("phigate-reason");
                    assert!(["likely_phi", "bulk", "uninspected"].contains(&reason), "{name}: {reason}");
                    parses(reply.header("content-type"), &reply.body, &name.to_string());
                    // What can't be read is told in so many words: what has no walker, by that word.
                    if reason == "uninspected" {
                        let word = "uninspected.";
                        assert!(String::from_utf8_lossy(&reply.body).contains(word), "{name}");
                    }
                }
                status => panic!("{name}: {status}"),
            }
        }
    }
    eprintln!("{sent} samples into staging: {through} through, {refused} refused");
    assert!(sent > 800 && refused > 400 && through > 20);
}

fn parses(content_type: &str, body: &[u8], name: &str) {
    match content_type {
        "x-application/hl7-v2+er7" => {
            let text = std::str::from_utf8(body).expect("ASCII");
            let segments: Vec<&str> = text.split_terminator('\r').collect();
            assert!(segments[0].starts_with("MSH|^~\\&|") && segments[0].contains("|ACK"), "{name}");
            let code = segments[1].split('|').nth(1).expect("MSA-1");
            assert!(segments[1].starts_with("MSA|") && ["AE", "CE"].contains(&code), "{name}");
            assert!(
                segments.len() > 2
                    && segments[2..].iter().all(|s| s.starts_with("ERR|") && s.matches('|').count() >= 8),
                "{name}"
            );
        }
        "application/fhir+json" => {
            let outcome: serde_json::Value = serde_json::from_slice(body).expect("JSON");
            assert_eq!(outcome["resourceType"], "OperationOutcome", "{name}");
            let issues = outcome["issue"].as_array().expect("issues");
            assert!(
                !issues.is_empty()
                    && issues.iter().all(|i| i["severity"].is_string() && i["code"].is_string()),
                "{name}"
            );
        }
        "application/fhir+xml" => {
            let text = std::str::from_utf8(body).expect("UTF-8");
            assert!(
                text.contains("<OperationOutcome xmlns=\"http://hl7.org/fhir\">")
                    && text.ends_with("</OperationOutcome>"),
                "{name}"
            );
        }
        "application/problem+json" => {
            let problem: serde_json::Value = serde_json::from_slice(body).expect("JSON");
            assert!(
                problem["type"].is_string() && problem["status"] == 422 && problem["record"].is_string(),
                "{name}"
            );
        }
        "application/json" if name.contains("redox-json") => {
            let answer: serde_json::Value = serde_json::from_slice(body).expect("JSON");
            let errors = answer["Meta"]["Errors"].as_array().expect("errors");
            assert!(!errors.is_empty() && errors.iter().all(|e| e["Text"].is_string()), "{name}");
        }
        other => panic!("{name}: answered as {other}"),
    }
}

/// Whole requests as they stand in `http/`, but for the key and a way out: where their path says.
#[test]
fn whole_requests_go_where_their_path_says_and_upstream_answers_come_back() {
    let Some(folder) = shared("samples/http") else {
        eprintln!("skipped 40 exchanges: none here");
        return;
    };
    let gate = Gate::start();
    let (mut played, mut whole) = (0, 0);
    for path in files(&folder) {
        let bytes = std::fs::read(&path).expect("reads");
        let name = path.file_name().and_then(|n| n.to_str()).expect("name").to_owned();
        if name.ends_with(".request.http") {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let line = text.split("\r\n").next().expect("line").to_ascii_lowercase();
            let environment =
                ["development", "staging", "production"].iter().position(|e| line.contains(e)).unwrap_or(1);
            let mut raw = bytes.clone();
            let at = raw.windows(2).position(|w| w == b"\r\n").expect("a line") + 2;
            raw.splice(
                at..at,
                format!("Phigate-Key: {}\r\nConnection: close\r\n", gate.keys[environment]).into_bytes(),
            );
            let mut stream = gate.connect(environment);
            std::io::Write::write_all(&mut stream, &raw).expect("writes");
            let mut reply = read_http(&mut stream, line.starts_with("head"))
                .unwrap_or_else(|| panic!("{name}: no answer"));
            if reply.status() == 100 {
                reply = read_http(&mut stream, false).unwrap_or_else(|| panic!("{name}: no answer"));
            }
            let got = gate.upstreams[environment].take();
            let refused = !reply.header("phigate-reason").is_empty();
            assert_eq!(got.is_empty(), refused, "{name}: {}", reply.start);
            if name.contains("websocket") {
                assert_eq!(got.first().map(|m| m.header("upgrade")), Some("websocket"), "{name}");
            }
            if environment == 2 && !refused {
                let sent = read_http(&mut &bytes[..], false).unwrap_or_else(|| panic!("{name}: no request"));
                assert!(
                    got[0].body == sent.body && got[0].target() == sent.target(),
                    "{name}: not byte for byte"
                );
                whole += 1;
            }
            for other in (0..3).filter(|e| *e != environment) {
                assert!(gate.upstreams[other].take().is_empty(), "{name}: reached another environment");
            }
            played += 1;
        } else if name.ends_with(".response.http") {
            gate.upstreams[2].answer(&bytes);
            let reply = gate.send(2, "GET", "/x", &[], b"");
            gate.upstreams[2].take();
            let played_back =
                read_http(&mut &bytes[..], false).unwrap_or_else(|| panic!("{name}: no answer"));
            assert_eq!(reply.status(), played_back.status(), "{name}");
            assert!(reply.body == played_back.body, "{name}: not byte for byte");
            played += 1;
        }
    }
    assert!(played > 35 && whole > 0, "{played}, {whole} into production");
}
