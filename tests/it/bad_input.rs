//! Bad input: each kind has its own clear answer and counter.

use crate::support::{FHIR, Gate, PATIENT, connect, read_http, tries};
use std::io::Write;
use std::net::Shutdown;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).expect("memory");
    out.finish().expect("memory")
}

#[test]
fn what_cannot_be_read_is_refused_in_staging_passed_in_production_and_counted_in_both() {
    let gate = Gate::start();
    let packed = gzip(PATIENT.as_bytes());
    let json = ("Content-Type", "application/json");
    let zip = ("Content-Encoding", "gzip");
    // Reason, headers, body.
    type Case = (&'static str, Vec<(&'static str, &'static str)>, Vec<u8>);
    let cases: Vec<Case> = vec![
        ("malformed", vec![json], b"{\"a\": [1, 2".to_vec()),
        ("malformed", vec![FHIR], b"not json at all".to_vec()),
        ("broken_encoding", vec![json, zip], packed[..packed.len() - 9].to_vec()),
        ("bomb", vec![json, zip], gzip(&vec![b' '; 64 << 20])),
        ("encoding", vec![json, ("Content-Encoding", "compress")], b"xx".to_vec()),
        ("broken_encoding", vec![json, ("Content-Encoding", "br")], b"xx".to_vec()),
        ("malformed", vec![("Content-Type", "x-application/hl7-v2+er7")], b"MSH|||\rPID|1\r".to_vec()),
        ("charset", vec![json], b"{\"a\": \"\xff\xfe\"}".to_vec()),
        ("too_deep", vec![json], [vec![b'['; 300], vec![b']'; 300]].concat()),
        ("malformed", vec![("Content-Type", "text/xml")], b"<a>b</c>".to_vec()),
        ("opaque_type", vec![("Content-Type", "image/png")], b"\x89PNG\r\n\x1a\n\0\0\0".to_vec()),
        ("malformed", vec![("Content-Type", "application/pdf")], b"%PDF-1.7\n".to_vec()),
        (
            "encrypted",
            vec![("Content-Type", "application/pdf")],
            b"%PDF-1.7\ntrailer<</Encrypt 1 0 R>>\n%%EOF\n".to_vec(),
        ),
    ];
    for (word, headers, body) in cases {
        let counter = |e: &str| {
            gate.metric(&format!("phigate_uninspected_total{{environment=\"{e}\",reason=\"{word}\"}}"))
        };
        let before = (counter("staging"), counter("production"));
        let reply = gate.send(1, "POST", "/x", &headers, &body);
        assert_eq!((reply.status(), reply.header("phigate-reason")), (422, "uninspected"), "{word}");
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(text.contains(&format!("uninspected.{word}")), "{word}: {text}");
        assert!(gate.upstreams[1].take().is_empty(), "{word}");
        let reply = gate.send(2, "POST", "/x", &headers, &body);
        assert_eq!(reply.status(), 200, "{word}");
        assert!(gate.upstreams[2].take()[0].body == body, "{word}");
        gate.running().flush_records();
        assert!(counter("staging") > before.0 && counter("production") > before.1, "{word} isn't counted");
    }
}

#[test]
fn odd_separators_and_latin_1_are_read() {
    let gate = Gate::start();
    let odd =
        "MSH*%$!?*A*B*C*D*20240101**ADT%A01*1*P*2.5\rPID*1**E08738432%%%H%MR**OKAFOR%DARNELL**19620622*M\r";
    let reply = gate.send(1, "POST", "/x", &[("Content-Type", "text/plain")], odd.as_bytes());
    assert_eq!(reply.header("phigate-reason"), "likely_phi");
    let latin = b"MSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\rPID|1||E08738432^^^H^MR||M\xfcller^Jos\xe9||19620622|M\r";
    let reply = gate.send(1, "POST", "/x", &[("Content-Type", "x-application/hl7-v2+er7")], latin);
    assert_eq!(reply.header("phigate-reason"), "likely_phi");
}

#[test]
fn an_empty_body_passes() {
    let gate = Gate::start();
    assert_eq!(gate.send(1, "POST", "/x", &[FHIR], b"").status(), 200);
    assert_eq!(gate.upstreams[1].take()[0].header("content-length"), "0");
}

#[test]
fn keys_that_are_not_good_get_one_answer_before_the_body_is_read() {
    let gate = Gate::start();
    for (key, reason) in [
        ("Phigate-Key: phk_00_wrong\r\n", "credential_invalid"),
        ("", "credential_missing"),
        ("Phigate-Key: a\r\nPhigate-Key: a\r\n", "credential_invalid"),
    ] {
        let mut stream = gate.connect(1);
        write!(stream, "POST /x HTTP/1.1\r\nHost: gate\r\n{key}Content-Length: 100000\r\n\r\n")
            .expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer without the body");
        assert_eq!((reply.status(), reply.header("phigate-reason")), (401, reason));
    }
    assert_eq!(
        gate.metric("phigate_refusals_total{environment=\"unresolved\",reason=\"credential_invalid\"}"),
        2
    );
}

#[test]
fn a_key_of_another_environment_is_refused_by_name() {
    let gate = Gate::start();
    let mut stream = gate.connect(2);
    write!(stream, "GET /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n\r\n", gate.keys[1]).expect("writes");
    let reply = read_http(&mut stream, false).expect("an answer");
    assert_eq!((reply.status(), reply.header("phigate-reason")), (403, "environment_mismatch"));
    assert!(gate.upstreams.iter().all(|u| u.take().is_empty()));
}

#[test]
fn a_body_that_stops_half_way_reaches_nobody_in_staging_and_is_counted() {
    let gate = Gate::start();
    let mut stream = gate.connect(1);
    write!(
        stream,
        "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nContent-Length: 100\r\n\r\nhalf",
        gate.keys[1]
    )
    .expect("writes");
    stream.shutdown(Shutdown::Write).expect("half closed");
    // The answer may or may not find its reader; what counts is that it is counted.
    let _ = read_http(&mut stream, false);
    let line = "phigate_refusals_total{environment=\"staging\",reason=\"body_cut_short\"}";
    for _ in 0..500 {
        if gate.metric(line) == 1 {
            break;
        }
        std::thread::yield_now();
    }
    assert_eq!(gate.metric(line), 1);
    assert!(gate.upstreams[1].take().is_empty());
}

#[test]
fn a_body_that_stops_half_way_into_production_is_no_copy_that_was_cut() {
    let gate = Gate::start();
    let mut stream = gate.connect(2);
    write!(
        stream,
        "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf",
        gate.keys[2]
    )
    .expect("writes");
    stream.shutdown(Shutdown::Write).expect("half closed");
    let _ = read_http(&mut stream, false);
    drop(stream);
    let token = gate.token(&[("production", "viewer")]);
    let records = || {
        gate.running().flush_records();
        gate.admin("/v1/records", &token).json()["records"].as_array().cloned().unwrap_or_default()
    };
    let told = tries().map(|()| records()).find(|all| !all.is_empty()).expect("a record");
    assert_eq!(told[0]["uninspected"].as_array().map(Vec::len).unwrap_or_default(), 0, "{told:?}");
    assert_eq!(gate.metric("phigate_uninspected_total{environment=\"production\",reason=\"tee_limit\"}"), 0);
}

#[test]
fn limits_have_their_own_answers() {
    let gate = Gate::with(
        "[limits]\nbody_bytes_max = 1000\nheld_bytes_max = 1500\nbody_timeout_ms = 300\nhead_timeout_ms = 300\nhead_bytes_max = 8192\nconnections_max = 40\n",
        "",
    );
    let over = gate.send(1, "POST", "/x", &[("Content-Type", "text/plain")], &[b'x'; 1001]);
    assert_eq!((over.status(), over.header("phigate-reason")), (413, "body_too_large"));
    // A body on its way holds what has come of it.
    let mut slow = gate.connect(1);
    write!(
        slow,
        "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nContent-Length: 900\r\n\r\n{}",
        gate.keys[1],
        "x".repeat(899)
    )
    .expect("writes");
    while gate.metric("phigate_held_bytes ") < 899 {
        std::thread::yield_now();
    }
    let full = gate.send(1, "POST", "/x", &[("Content-Type", "text/plain")], &[b'x'; 900]);
    assert_eq!(
        (full.status(), full.header("phigate-reason"), full.header("retry-after")),
        (503, "held_full", "1")
    );
    let late = read_http(&mut slow, false).expect("an answer");
    assert_eq!((late.status(), late.header("phigate-reason")), (408, "body_timeout"));
    // A head that doesn't end is answered, and nothing at all isn't.
    let mut stream = gate.connect(1);
    stream.write_all(b"GET /x HTTP/1.1\r\nHo").expect("writes");
    let late = read_http(&mut stream, false).expect("an answer");
    assert_eq!((late.status(), late.header("phigate-reason")), (408, "head_timeout"));
    assert_eq!(late.header("connection"), "close");
    assert!(read_http(&mut gate.connect(1), false).is_none());
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"head_timeout\"}"), 2);
    // A head over the limit.
    let mut stream = gate.connect(1);
    let _ = stream
        .write_all(format!("GET /x HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "y".repeat(20_000)).as_bytes());
    assert_eq!(read_http(&mut stream, false).map(|r| r.status()), Some(431));
    // Connections over the limit.
    let open: Vec<_> = (0..50).map(|_| connect(gate.address(1))).collect();
    // Refused may be any of them: a thread accepts in its own time.
    let answers = open.into_iter().filter_map(|mut one| {
        one.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").ok()?;
        read_http(&mut one, false)
    });
    let refused =
        answers.filter(|r| r.header("phigate-reason") == "too_many_connections" && r.status() == 503);
    assert!(refused.count() > 0);
}

#[test]
fn what_inflates_past_what_a_data_thread_reads_is_read_elsewhere() {
    let gate = Gate::start();
    let long = |resource: &str| {
        let filler = format!("{{\"language\":\"{}\",", "x ".repeat(400_000));
        gzip(resource.replacen('{', &filler, 1).as_bytes())
    };
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    let harmless = long("{\"resourceType\":\"Basic\"}");
    assert!(harmless.len() < 10_000);
    assert_eq!(gate.send(1, "POST", "/x", &headers, &harmless).status(), 200);
    let reply = gate.send(1, "POST", "/x", &headers, &long(PATIENT));
    assert_eq!(reply.header("phigate-reason"), "likely_phi");
}

#[test]
fn an_id_of_another_environment_isn_t_hidden_by_what_stands_beside_it() {
    let gate = Gate::with_production("", "ids = [\"src-stage\"]", "", "ids = [\"src-live\", \"4711\"]");
    let meta = "\"Meta\":{\"Source\":{\"ID\":\"src-live\"}";
    let bodies = [
        format!("{{{meta}}}}}"),
        format!("{{{meta},\"Destinations\":[{{\"ID\":7}}]}}}}"),
        format!("{{{meta},\"Destinations\":{{\"ID\":\"x\"}}}}}}"),
        format!("{{{meta},\"Destinations\":[null]}}}}"),
        "{\"Meta\":{\"Source\":{\"ID\":\"src-live\",\"ID\":\"src-stage\"}}}".to_owned(),
        format!("{{\"Meta\":{{}},{meta}}}}}"),
        format!("\u{feff}{{{meta}}}}}"),
        format!("[{{{meta}}}}}]"),
        format!("{{{meta}}}}} {{}}"),
        "{\"Meta\":{\"Destinations\":[{\"ID\":4711}]}}".to_owned(),
    ];
    for body in bodies {
        let reply = gate.send(1, "POST", "/x", &[("Content-Type", "application/json")], body.as_bytes());
        // A body that is no JSON is told as that; what matters is that it goes nowhere.
        assert!([403, 422].contains(&reply.status()), "{body}");
        assert!(gate.upstreams[1].take().is_empty(), "{body}");
        if serde_json::from_str::<serde_json::Value>(&body).is_ok() {
            assert_eq!(reply.header("phigate-reason"), "environment_mismatch", "{body}");
        }
    }
    let own = "{\"Meta\":{\"Source\":{\"ID\":\"src-stage\"},\"Destinations\":[{\"ID\":7}]}}";
    let reply = gate.send(1, "POST", "/x", &[("Content-Type", "application/json")], own.as_bytes());
    assert_eq!(reply.status(), 200);
}
