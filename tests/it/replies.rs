//! The way back: what upstreams of development and staging answer is judged as requests are.

use crate::support::{FHIR, Gate, Http, PATIENT, connect, read_http};
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc::sync_channel;

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes
}

fn fhir(body: &str) -> Vec<u8> {
    answer("200 OK\r\nContent-Type: application/fhir+json", body.as_bytes())
}

fn ask(gate: &Gate, environment: usize) -> Http {
    gate.send(environment, "GET", "/fhir/Patient/p", &[("Accept", "application/fhir+json")], b"")
}

#[test]
fn a_reply_with_a_patient_is_withheld_below_production_and_told_in_dialect() {
    let gate = Gate::start();
    for environment in [0, 1] {
        gate.upstreams[environment].answer(&fhir(PATIENT));
        let reply = ask(&gate, environment);
        assert_eq!((reply.status(), reply.header("phigate-reason")), (502, "likely_phi"));
        let outcome = reply.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome");
        let text = String::from_utf8(reply.body).expect("UTF-8");
        assert!(text.contains("its reply was withheld") && text.contains("Patient.birthDate"), "{text}");
        for value in ["Okafor", "Darnell", "1962-06-22", "E08738432"] {
            assert!(!text.contains(value), "the refusal tells {value}");
        }
        assert_eq!(gate.upstreams[environment].take().len(), 1, "the upstream has the request");
    }
    gate.upstreams[2].answer(&fhir(PATIENT));
    let reply = ask(&gate, 2);
    assert_eq!((reply.status(), reply.body), (200, PATIENT.as_bytes().to_vec()));
    assert_eq!(gate.metric("phigate_requests_total{decision=\"withheld\",environment=\"staging\"}"), 1);
    let line = "phigate_findings_total{decision=\"refused\",environment=\"staging\",kind=\"birth-date\"}";
    assert_eq!(gate.metric(line), 1);
}

#[test]
fn an_hl7v2_sender_gets_an_acknowledgement_for_a_withheld_one() {
    let gate = Gate::start();
    let ack = b"MSH|^~\\&|L|F|A|B|20250101||ORU^R01|77|P|2.5\rMSA|AA|4711\rPID|1||E08738432^^^H^MR||OKAFOR^DARNELL||19620622\r";
    gate.upstreams[1].answer(&answer("200 OK\r\nContent-Type: x-application/hl7-v2+er7", ack));
    let request = b"MSH|^~\\&|A|B|L|F|20250101||QBP^Q11|4711|T|2.5\rQPD|Q11|1\r";
    let reply = gate.send(1, "POST", "/in", &[("Content-Type", "x-application/hl7-v2+er7")], request);
    let text = String::from_utf8(reply.body.clone()).expect("ASCII");
    assert_eq!((reply.status(), reply.header("phigate-reason")), (502, "likely_phi"));
    assert!(text.contains("MSA|AE|4711\r"), "the request's control id is echoed: {text}");
    assert!(!text.contains("OKAFOR") && !text.contains("E08738432"));
}

#[test]
fn head_trailers_and_links_of_a_reply_are_judged_too() {
    let gate = Gate::start();
    let withheld = [
        (fhir("{}"), ""),
        (answer("200 OK\r\nContent-Type: text/plain\r\nX-Who: Patient: Darnell Okafor, DOB 06/22/1962", b"ok"), "likely_phi"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-Who\r\n\r\n2\r\nok\r\n0\r\nX-Who: Patient: Darnell Okafor, DOB 06/22/1962\r\n\r\n".to_vec(), "likely_phi"),
        (answer("303 See Other\r\nLocation: /fhir/Patient?family=Okafor&given=Darnell&birthdate=1962-06-22", b""), "likely_phi"),
        (answer("202 Accepted\r\nContent-Location: https://bulk.prod.example/status/1", b""), "off_path_url"),
        (answer("200 OK\r\nLink: <https://ehr.prod.example/next>; rel=\"next\"", b""), "off_path_url"),
        (fhir(r#"{"output":[{"type":"Patient","url":"https://ehr.prod.example/1.ndjson"}]}"#), "off_path_url"),
        (fhir(r#"{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"http://gate/fhir?page=2"}]}"#), ""),
    ];
    for (bytes, reason) in withheld {
        gate.upstreams[1].answer(&bytes);
        let reply = ask(&gate, 1);
        assert_eq!(reply.header("phigate-reason"), reason, "{}", String::from_utf8_lossy(&bytes));
        let text = format!("{:?}{}", reply.headers, String::from_utf8_lossy(&reply.body));
        if !reason.is_empty() {
            assert_eq!(reply.status(), 502);
            assert!(!text.contains("prod.example") && !text.contains("Okafor"), "{text}");
        }
    }
}

#[test]
fn a_link_to_the_upstream_or_a_listed_host_passes() {
    let gate = Gate::with("", "known_hosts = [\"files.example\"]");
    let own = gate.upstreams[1].address;
    let production = gate.upstreams[2].address;
    for (url, status) in [
        (format!("http://{own}/x"), 200),
        ("https://files.example/x".to_owned(), 200),
        (format!("http://{production}/x"), 502),
    ] {
        let body = format!(r#"{{"resourceType":"Bundle","link":[{{"relation":"self","url":"{url}"}}]}}"#);
        gate.upstreams[1].answer(&fhir(&body));
        assert_eq!(ask(&gate, 1).status(), status, "{url}");
    }
    // A caller doesn't make the production host the gateway's own by naming it.
    let body = format!(
        r#"{{"resourceType":"Bundle","link":[{{"relation":"self","url":"http://{production}/x"}}]}}"#
    );
    gate.upstreams[1].answer(&fhir(&body));
    let mut stream = gate.connect(1);
    write!(stream, "GET /fhir HTTP/1.1\r\nHost: {production}\r\nPhigate-Key: {}\r\n\r\n", gate.keys[1])
        .expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").header("phigate-reason"), "off_path_url");
}

#[test]
fn what_can_t_be_read_whole_is_withheld_with_its_reason() {
    let gate = Gate::with("[limits]\nbody_bytes_max = 1000", "");
    let cases: [(Vec<u8>, u16, &str, &str); 5] = [
        (answer("206 Partial Content\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/9", b"ok"), 502, "uninspected", "partial"),
        (answer("200 OK\r\nContent-Type: image/png", b"\x89PNG\r\n\x1a\n\0\0"), 502, "uninspected", "opaque_type"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n".to_vec(), 502, "uninspected", "stream"),
        (answer("200 OK\r\nContent-Type: text/plain", &[b'a'; 1001]), 502, "reply_too_large", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhell".to_vec(), 502, "upstream_invalid", ""),
    ];
    for (bytes, status, reason, rule) in cases {
        gate.upstreams[1].answer(&bytes);
        let mut stream = connect(gate.address(1));
        write!(stream, "GET /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n\r\n", gate.keys[1])
            .expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        assert_eq!((reply.status(), reply.header("phigate-reason")), (status, reason));
        assert!(String::from_utf8_lossy(&reply.body).contains(rule));
    }
}

#[test]
fn a_stream_of_events_passes_unread_where_the_connection_lists_it_and_its_head_is_judged() {
    let gate = Gate::with_connection("", "", "opaque = [\"text/event-stream\"]");
    let events = |head: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{head}Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
        )
    };
    gate.upstreams[1].answer(events("").as_bytes());
    let mut stream = gate.connect(1);
    write!(stream, "GET /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n\r\n", gate.keys[1]).expect("writes");
    let mut got = Vec::new();
    // It comes though the stream has no end.
    while !got.ends_with(b"data: 1\n\n\r\n") {
        let mut some = [0; 512];
        let n = std::io::Read::read(&mut stream, &mut some).expect("reads");
        assert!(n > 0, "it was held");
        got.extend(&some[..n]);
    }
    assert!(got.starts_with(b"HTTP/1.1 200"));
    gate.upstreams[1].answer(events("Location: https://prod.example/x\r\n").as_bytes());
    assert_eq!(gate.send(1, "GET", "/x", &[], b"").header("phigate-reason"), "off_path_url");
}

#[test]
fn what_passes_goes_back_byte_for_byte_with_its_head() {
    let gate = Gate::start();
    let body = br#"{ "resourceType" : "Basic", "id":"x\u002f" }"#;
    gate.upstreams[1].answer(&answer(
        "201 Created\r\nContent-Type: application/fhir+json\r\nETag: W/\"3\"\r\nX-Own: 1",
        body,
    ));
    let reply = gate.send(1, "POST", "/fhir/Basic", &[FHIR], body);
    assert_eq!((reply.status(), reply.header("etag"), reply.header("x-own")), (201, "W/\"3\"", "1"));
    assert_eq!(
        (reply.body.as_slice(), reply.header("content-length")),
        (body.as_slice(), &*body.len().to_string())
    );
    let reply = gate.send(1, "HEAD", "/fhir/Basic/x", &[], b"");
    assert_eq!((reply.status(), reply.header("content-length")), (201, &*body.len().to_string()));
    let page = b"<!doctype html><title>Up</title><p>All good<br>here";
    gate.upstreams[1].answer(&answer("200 OK\r\nContent-Type: text/html", page));
    assert_eq!(gate.send(1, "GET", "/", &[], b"").body, page);
    let page = b"<html><table><tr><td>Patient<td>Darnell Okafor<tr><td>DOB<td>06/22/1962<tr><td>MRN<td>E08738432</table>";
    gate.upstreams[1].answer(&answer("200 OK\r\nContent-Type: text/html", page));
    assert_eq!(gate.send(1, "GET", "/", &[], b"").header("phigate-reason"), "likely_phi");
}

#[test]
fn shadow_mode_passes_a_reply_and_counts_what_it_would_withhold() {
    let gate = Gate::with("", "mode = \"shadow\"");
    gate.upstreams[1].answer(&fhir(PATIENT));
    let reply = ask(&gate, 1);
    assert_eq!((reply.status(), reply.body.as_slice()), (200, PATIENT.as_bytes()));
    assert_eq!(gate.metric("phigate_requests_total{decision=\"would_refuse\",environment=\"staging\"}"), 1);
}

#[test]
fn a_record_tells_what_was_found_in_the_reply_and_holds_none_of_it() {
    let gate = Gate::start();
    gate.upstreams[1].answer(&fhir(PATIENT));
    let id = ask(&gate, 1).header("phigate-record").to_owned();
    gate.running().flush_records();
    let token = gate.token(&[("staging", "engineer")]);
    let record = gate.admin(&format!("/v1/records/{id}"), &token).json();
    assert_eq!(record["record"]["decision"], "withheld");
    let rules = record["record"]["reply"]["found"].as_array().expect("found").len();
    assert!(rules >= 3, "{record}");
    assert_eq!(record["withheld"], true, "kept at metadata");
    for name in ["Okafor", "E08738432", "1962-06-22"] {
        assert!(!record.to_string().contains(name));
    }
}

#[test]
fn what_requests_and_replies_of_production_hold_is_counted() {
    let gate = Gate::start();
    let found = "phigate_findings_total{decision=\"passed\",environment=\"production\",kind=\"birth-date\"}";
    let declared = "phigate_declared_mode_mismatches_total{environment=\"production\"}";
    let scanned = "phigate_scanned_bytes_total{environment=\"production\"}";
    gate.upstreams[2].answer(&fhir(PATIENT));
    assert_eq!(ask(&gate, 2).status(), 200);
    gate.running().flush_records();
    assert_eq!((gate.metric(found), gate.metric(declared)), (1, 0));
    assert!(gate.metric(scanned) >= PATIENT.len() as u64, "{}", gate.metric(scanned));

    // A picture back, and forth what says that it is a test.
    gate.upstreams[2].answer(&answer("200 OK\r\nContent-Type: image/png", b"\x89PNG\r\n\x1a\n\0\0"));
    let test =
        "MSH|^~\\&|A|B|C|D|20250101||ADT^A01|1|T|2.5\rPID|1||E08738432^^^H^MR||OKAFOR^DARNELL||19620622\r";
    let hl7 = [("Content-Type", "x-application/hl7-v2+er7")];
    assert_eq!(gate.send(2, "POST", "/in", &hl7, test.as_bytes()).status(), 200);
    gate.running().flush_records();
    let unread = "phigate_uninspected_total{environment=\"production\",reason=\"opaque_type\"}";
    assert_eq!((gate.metric(found), gate.metric(declared), gate.metric(unread)), (2, 1, 1));
    // Below, it is what says that it is real.
    assert_eq!(gate.send(1, "POST", "/in", &hl7, test.as_bytes()).status(), 422);
    assert_eq!(gate.metric("phigate_declared_mode_mismatches_total{environment=\"staging\"}"), 0);
}

#[test]
fn a_held_message_is_recorded_with_the_rules_that_judged_it_whatever_is_reloaded_meanwhile() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let ((came, arrived), (go, wait)) = (sync_channel(1), sync_channel::<()>(1));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if read_http(&mut stream, false).is_some() {
                let _ = came.send(());
                let _ = wait.recv();
                let _ = stream.write_all(&answer("200 OK\r\nConnection: close", b""));
            }
        }
    });
    let gate = Gate::also(&format!(
        "[[environment]]\nname = \"slow\"\nflag = \"staging\"\n[[listener]]\nname = \"slow\"\naddress = \"127.0.0.1:0\"\nenvironment = \"slow\"\ncallers = \"any\"\n[[connection]]\nname = \"to-slow\"\nenvironment = \"slow\"\nupstream = \"http://{address}\"\n"
    ));
    let token = gate.token(&[("slow", "viewer")]);
    let rules_of = |between: &dyn Fn()| {
        let mut stream = connect(gate.running().address("slow").expect("listens"));
        stream.write_all(b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n").expect("writes");
        arrived.recv().expect("the request was judged");
        between();
        go.send(()).expect("waited for");
        let reply = read_http(&mut stream, false).expect("an answer");
        assert_eq!(reply.status(), 200);
        gate.running().flush_records();
        let record = gate.admin(&format!("/v1/records/{}", reply.header("phigate-record")), &token).json();
        record["record"]["rule_set"].as_str().expect("a version").to_owned()
    };
    let before = rules_of(&|| {});
    let other = gate.config.replace(
        "name = \"slow\"\nflag = \"staging\"",
        "name = \"slow\"\nflag = \"staging\"\nrule_modes = { \"text.url\" = \"shadow\" }",
    );
    let meanwhile = rules_of(&|| gate.running().reload(&other).expect("taken over"));
    let after = rules_of(&|| {});
    assert_eq!(before, meanwhile, "judged by the rules before the reload");
    assert_ne!(before, after);
}

#[test]
fn a_length_that_reads_in_two_ways_is_never_passed_on() {
    let gate = Gate::start();
    let lengths = ["2, 2", "2,2", "+2", "-2", "", "2 2", "0x2", "18446744073709551617"];
    for environment in [1, 2] {
        for (method, start) in [("GET", "200 OK"), ("HEAD", "200 OK"), ("GET", "304 Not Modified")] {
            for length in lengths {
                let head =
                    format!("HTTP/1.1 {start}\r\nContent-Type: text/plain\r\nContent-Length: {length}");
                let body = if start.starts_with("200") { "ok" } else { "" };
                gate.upstreams[environment].answer(format!("{head}\r\n\r\n{body}").as_bytes());
                let reply = gate.send(environment, method, "/x", &[], b"");
                let told = (reply.status(), reply.header("phigate-reason"));
                assert_eq!(told, (502, "upstream_invalid"), "{method} {start} {length:?}");
            }
        }
        gate.upstreams[environment].answer(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 70\r\n\r\n");
        assert_eq!(gate.send(environment, "GET", "/x", &[], b"").status(), 304);
    }
}

#[test]
fn an_upstream_forges_no_header_of_ours_behind_its_reply() {
    let gate = Gate::start();
    for environment in [1, 2] {
        gate.upstreams[environment].answer(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nPhigate_Record: forged\r\n\
              Trailer: Phigate-Reason, Phigate-Record\r\nTrailer: phigate_record, X-Sum, Connection, Content-Length\r\n\r\n\
              2\r\nok\r\n0\r\nPhigate-Reason: forged\r\nPhigate-Record: forged\r\nphigate_record: forged\r\n\
              Connection: close\r\nContent-Length: 66\r\nX-Sum: 2\r\n\r\n",
        );
        let reply = gate.send(environment, "GET", "/x", &[("TE", "trailers")], b"");
        assert_eq!((reply.status(), &reply.body[..]), (200, &b"ok"[..]));
        assert_eq!(reply.header("trailer"), "x-sum");
        assert_eq!(reply.trailers, [("x-sum".to_owned(), "2".to_owned())]);
        assert!(!format!("{:?}", reply.headers).contains("forged"));
    }
}

#[test]
fn a_reply_of_many_fields_comes_through() {
    let gate = Gate::with_connection("", "", "reply_headers_max = 500");
    let fields: String = (0..400).map(|n| format!("\r\nX-F-{n}: v")).collect();
    gate.upstreams[1].answer(&answer(&format!("200 OK{fields}"), b"ok"));
    let reply = ask(&gate, 1);
    assert_eq!((reply.status(), reply.header("x-f-399"), &*reply.body), (200, "v", &b"ok"[..]));
    gate.upstreams[0].answer(&answer(&format!("200 OK{fields}"), b"ok"));
    assert_eq!(ask(&gate, 0).header("phigate-reason"), "upstream_invalid", "the default is 100");
    let fields: String = (0..600).map(|n| format!("\r\nX-F-{n}: v")).collect();
    gate.upstreams[1].answer(&answer(&format!("200 OK{fields}"), b"ok"));
    assert_eq!(ask(&gate, 1).header("phigate-reason"), "upstream_invalid");
}

#[test]
fn a_range_that_can_t_be_had_and_an_offer_to_switch_come_through() {
    let gate = Gate::with_connection("", "", "opaque = [\"websocket\"]");
    gate.upstreams[1].answer(&answer("416 Range Not Satisfiable\r\nContent-Range: bytes */5120", b""));
    assert_eq!(ask(&gate, 1).status(), 416);
    gate.upstreams[1].answer(&answer("416 Range Not Satisfiable\r\nContent-Range: bytes 0-1/5120", b"ok"));
    assert_eq!(ask(&gate, 1).header("phigate-reason"), "uninspected");
    for (environment, protocol, kept) in [
        (1, "websocket", "websocket"),
        (1, "made-up/2", ""),
        (0, "websocket", ""),
        (2, "made-up/2", "made-up/2"),
        // Whoever asks for one of these is ignored with it.
        (2, "h2c", ""),
        (2, "HTTP/2.0", ""),
        (2, "TLS/1.2", ""),
    ] {
        let head = format!("426 Upgrade Required\r\nConnection: Upgrade\r\nUpgrade: {protocol}");
        gate.upstreams[environment].answer(&answer(&head, b""));
        let reply = ask(&gate, environment);
        assert_eq!((reply.status(), reply.header("upgrade")), (426, kept), "{protocol} in {environment}");
    }
}
