//! Several endpoints behind one connection: shares, retries, checks, ejection, limits, names.

use crate::support::{Gate, Http, OK, Upstream, connect, read_http};
use crate::upstream_http2::{framed, status};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A gateway whose environment `many`, of `flag`, leads to these endpoints.
pub(crate) fn start(flag: &str, endpoints: &[String], more: &str) -> Gate {
    let endpoints: String = endpoints
        .iter()
        .map(|e| {
            let (url, weight) = e.split_once(' ').unwrap_or((e, "1"));
            format!("[[connection.endpoint]]\nurl = \"http://{url}\"\nweight = {weight}\n")
        })
        .collect();
    Gate::also(&format!(
        "[[environment]]\nname = \"many\"\nflag = \"{flag}\"\n[[listener]]\nname = \"many\"\naddress = \"127.0.0.1:0\"\nenvironment = \"many\"\ncallers = \"any\"\nhttp2_cleartext = true\n[[connection]]\nname = \"to-many\"\nenvironment = \"many\"\n{more}\n{endpoints}"
    ))
}

pub(crate) fn begin(gate: &Gate, method: &str) -> TcpStream {
    let mut stream = connect(gate.running().address("many").expect("listens"));
    let body = if method == "POST" { "Content-Length: 2\r\n\r\n{}" } else { "\r\n" };
    write!(stream, "{method} /fhir/metadata HTTP/1.1\r\nHost: caller.example\r\n{body}").expect("writes");
    stream
}

pub(crate) fn ask(gate: &Gate, method: &str) -> Http {
    read_http(&mut begin(gate, method), false).expect("an answer")
}

fn address(upstream: &Upstream) -> String {
    upstream.address.to_string()
}

/// An address that takes no connection: its socket is closed.
fn nowhere() -> String {
    TcpListener::bind("127.0.0.1:0").expect("binds").local_addr().expect("address").to_string()
}

/// Reads each message's head and closes; counts them.
fn closing() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let (address, count) =
        (listener.local_addr().expect("address").to_string(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if read_http(&mut stream, false).is_some() {
                counted.fetch_add(1, Relaxed);
            }
        }
    });
    (address, count)
}

/// Waits until `what` holds.
fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn messages_are_spread_over_the_endpoints_by_weight() {
    let (light, heavy) = (Upstream::start(), Upstream::start());
    let gate = start("production", &[address(&light), format!("{} 9", address(&heavy))], "");
    for _ in 0..60 {
        assert_eq!(ask(&gate, "POST").status(), 200);
    }
    let (light, heavy) = (light.take().len(), heavy.take().len());
    assert_eq!(light + heavy, 60);
    assert!(light >= 1 && heavy > 2 * light, "{light} and {heavy}");
}

#[test]
fn where_an_endpoint_takes_no_connection_another_is_asked_whatever_the_method() {
    for flag in ["staging", "production"] {
        let there = Upstream::start();
        let gate = start(flag, &[nowhere(), address(&there)], "ejection = { failures = 0 }");
        for _ in 0..12 {
            assert_eq!(ask(&gate, "POST").status(), 200);
        }
        assert_eq!(there.take().len(), 12);
        assert!(gate.metric("phigate_upstream_retries_total{how=\"other_endpoint\"}") > 0);
    }
}

#[test]
fn what_may_have_run_is_never_sent_again_and_a_safe_message_is() {
    let ((a, first), (b, second)) = (closing(), closing());
    let gate = start("staging", &[a, b], "ejection = { failures = 0 }");
    for _ in 0..6 {
        assert_eq!(ask(&gate, "POST").header("phigate-reason"), "upstream_invalid");
    }
    assert_eq!(first.load(Relaxed) + second.load(Relaxed), 6, "each once");
    assert_eq!(ask(&gate, "GET").status(), 502);
    assert_eq!(first.load(Relaxed) + second.load(Relaxed), 8, "once to each");
}

#[test]
fn retries_can_be_turned_off() {
    let there = Upstream::start();
    let gate =
        start("staging", &[nowhere(), address(&there)], "retries_max = 0\nejection = { failures = 0 }");
    let refused = (0..24).filter(|_| ask(&gate, "GET").status() == 502).count();
    assert_eq!(refused + there.take().len(), 24);
    assert!(refused > 0);
}

#[test]
fn an_endpoint_that_keeps_failing_is_left_out_and_shown() {
    let (good, bad) = (Upstream::start(), Upstream::start());
    bad.answer(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    let gate =
        start("staging", &[address(&good), address(&bad)], "ejection = { failures = 3, base_ms = 600000 }");
    until(|| ask(&gate, "GET").status() != 503 && gate.metric(&series("ejections_total", &bad)) == 1);
    assert_eq!(bad.take().len(), 3);
    assert!((0..20).all(|_| ask(&gate, "GET").status() == 200));
    assert_eq!(gate.metric(&series("available", &bad)), 0);
    assert_eq!(gate.metric(&series("available", &good)), 1);
}

/// Answers each message with these bytes and closes.
fn breaking(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if read_http(&mut stream, false).is_some() {
                stream.write_all(answer).expect("writes");
            }
        }
    });
    address
}

#[test]
fn a_reply_that_breaks_off_is_told_as_such_and_counted_against_its_endpoint() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("access.jsonl");
    let log = format!("ejection = {{ failures = 9 }}\n[access_log]\nfile = {file:?}");
    // Nothing of the body had come: the caller gets an answer of ours.
    for (answer, status) in [
        (&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n"[..], 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok", 200),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 200),
    ] {
        let mut gate = start("production", &[breaking(answer)], &log);
        let mut got = Vec::new();
        let _ = begin(&gate, "GET").read_to_end(&mut got); // closed or reset
        let head = String::from_utf8_lossy(&got).into_owned();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        gate.stop();
        let line = std::fs::read_to_string(&file).expect("the log");
        let line: serde_json::Value =
            serde_json::from_str(line.lines().last().expect("a line")).expect("JSON");
        assert_eq!(
            (&line["status"], &line["decision"], &line["reason"], &line["fault"]),
            (&status.into(), &"failed".into(), &"upstream_invalid".into(), &"upstream".into())
        );
    }
    let bad = breaking(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok");
    let ejecting = "ejection = { failures = 3, base_ms = 600000, percent_max = 100 }";
    let gate = start("production", std::slice::from_ref(&bad), ejecting);
    until(|| {
        let _ = begin(&gate, "POST").read_to_end(&mut Vec::new());
        gate.metric(&format!(
            "phigate_upstream_endpoint_ejections_total{{connection=\"to-many\",endpoint=\"{bad}\"}}"
        )) == 1
    });
}

#[test]
fn a_caller_that_breaks_its_message_off_counts_against_no_endpoint() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let endpoint = listener.local_addr().expect("address").to_string();
    let (told, ended) = std::sync::mpsc::sync_channel(16);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            while !head.ends_with(b"1\r\na\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).expect("reads");
                head.extend(byte);
            }
            // It answers before it has all of the message.
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab").expect("writes");
            let _ = stream.read(&mut [0]);
            let _ = told.send(());
        }
    });
    let ejecting = "ejection = { failures = 3, base_ms = 600000, percent_max = 100 }";
    let gate = start("production", std::slice::from_ref(&endpoint), ejecting);
    for _ in 0..6 {
        let mut caller = connect(gate.running().address("many").expect("listens"));
        caller
            .write_all(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
            .expect("writes");
        let mut seen = Vec::new();
        while !seen.ends_with(b"ab") {
            let mut byte = [0];
            caller.read_exact(&mut byte).expect("reads");
            seen.extend(byte);
        }
        caller.write_all(b"no size\r\n").expect("writes");
        ended.recv_timeout(Duration::from_secs(20)).expect("the upstream is let go");
        let _ = caller.read_to_end(&mut Vec::new());
    }
    let ejections = format!(
        "phigate_upstream_endpoint_ejections_total{{connection=\"to-many\",endpoint=\"{endpoint}\"}}"
    );
    assert_eq!(gate.metric(&ejections), 0);
}

#[test]
fn a_caller_that_leaves_a_reply_is_told_as_the_one_who_left() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("access.jsonl");
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address").to_string();
    let (told, asked) = std::sync::mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accepts");
        read_http(&mut stream, false).expect("a message");
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 90\r\n\r\nDOB 06/22/1962, ok")
            .expect("writes");
        told.send(stream.read(&mut [0])).expect("told");
    });
    let mut gate = start("production", &[address], &format!("[access_log]\nfile = {file:?}"));
    let mut caller = begin(&gate, "GET");
    let mut seen = Vec::new();
    while !seen.ends_with(b"ok") {
        let mut byte = [0];
        caller.read_exact(&mut byte).expect("reads");
        seen.extend(byte);
    }
    drop(caller);
    let _ = asked.recv_timeout(Duration::from_secs(20)).expect("the upstream is let go");
    // What streamed till then is inspected all the same.
    let found = "phigate_findings_total{decision=\"passed\",environment=\"many\",kind=\"birth-date\"}";
    until(|| gate.metric(found) == 1);
    gate.stop();
    let line = std::fs::read_to_string(&file).expect("the log");
    let line: serde_json::Value = serde_json::from_str(line.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (&line["status"], &line["decision"], &line["reason"], &line["fault"]),
        (&200.into(), &"forwarded".into(), &"caller_gone".into(), &"caller".into())
    );
}

#[test]
fn a_caller_that_rests_in_its_upload_is_none_of_the_upstreams_faults() {
    let there = Upstream::start();
    let gate = start(
        "production",
        &[address(&there)],
        "reply_head_timeout_ms = 300\nejection = { failures = 1, base_ms = 600000, percent_max = 100 }",
    );
    let mut stream = connect(gate.running().address("many").expect("listens"));
    write!(stream, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabcde").expect("writes");
    // Longer than the upstream may take for its head.
    std::thread::sleep(Duration::from_millis(900));
    write!(stream, "fghij").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    assert_eq!(gate.metric(&series("ejections_total", &there)), 0);
}

fn series(what: &str, endpoint: &Upstream) -> String {
    format!("phigate_upstream_endpoint_{what}{{connection=\"to-many\",endpoint=\"{}\"}}", endpoint.address)
}

#[test]
fn checks_take_endpoints_out_and_in_again_and_where_none_is_well_the_caller_is_told_to_wait() {
    let (a, b) = (Upstream::start(), Upstream::start());
    let gate = start(
        "staging",
        &[address(&a), address(&b)],
        "health_check = { path = \"/health?of=it\", interval_ms = 20, unhealthy_after = 2, healthy_after = 1 }\nejection = { failures = 0 }",
    );
    until(|| a.take().iter().any(|m| m.target() == "/health?of=it"));
    let down = b"HTTP/1.1 500 Down\r\nContent-Length: 0\r\n\r\n";
    a.answer(down);
    until(|| gate.metric(&series("available", &a)) == 0);
    assert!(gate.metric(&series("check_failures_total", &a)) >= 2);
    assert!((0..20).all(|_| ask(&gate, "GET").status() == 200));
    b.answer(down);
    until(|| gate.metric(&series("available", &b)) == 0);
    let reply = ask(&gate, "GET");
    assert_eq!((reply.status(), reply.header("phigate-reason")), (503, "upstream_unavailable"));
    assert!(!reply.header("retry-after").is_empty());
    a.answer(OK);
    until(|| ask(&gate, "GET").status() == 200);
}

#[test]
fn messages_over_the_limit_are_refused_and_told_to_wait() {
    let hanging = TcpListener::bind("127.0.0.1:0").expect("binds");
    let endpoint = hanging.local_addr().expect("address").to_string();
    let gate = start("staging", &[endpoint], "requests_max = 2");
    // Two threads with one message each: of the third at the latest somebody has one too many.
    let mut streams: Vec<TcpStream> = (0..3).map(|_| begin(&gate, "GET")).collect();
    let refused = streams.iter_mut().position(|stream| {
        stream.set_read_timeout(Some(Duration::from_millis(500))).expect("set");
        read_http(stream, false).is_some_and(|reply| reply.header("phigate-reason") == "upstream_busy")
    });
    assert!(refused.is_some());
    let (mut taken, _) = hanging.accept().expect("accepts");
    let mut byte = [0];
    assert_eq!(taken.read(&mut byte).expect("a message"), 1);
}

#[test]
fn the_host_is_the_endpoints_or_the_callers_or_a_given_one() {
    let upstream = Upstream::start();
    let own = address(&upstream);
    for (more, host) in [
        ("", own.as_str()),
        ("host = \"upstream\"", &own),
        ("host = \"caller\"", "caller.example"),
        ("host = \"ehr.example:8443\"", "ehr.example:8443"),
    ] {
        let gate = start("staging", std::slice::from_ref(&own), more);
        assert_eq!(ask(&gate, "GET").status(), 200);
        assert_eq!(upstream.take().pop().expect("a message").header("host"), host);
    }
}

#[test]
fn a_name_leads_to_whichever_of_its_addresses_takes_a_connection() {
    let upstream = Upstream::start();
    let gate = start("staging", &[format!("localhost:{}", upstream.address.port())], "dns_refresh_ms = 1");
    for _ in 0..4 {
        assert_eq!(ask(&gate, "GET").status(), 200);
    }
    assert_eq!(upstream.take().len(), 4);
    let gate = start("staging", &["nowhere.invalid:80".to_owned()], "");
    assert_eq!(ask(&gate, "GET").header("phigate-reason"), "upstream_connect");
}

#[test]
fn no_status_is_over_599_and_one_without_a_name_has_none() {
    for (answer, wanted) in [("440 Login Time-out", 440), ("599 x", 599), ("600 x", 502), ("999 x", 502)] {
        let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
        let gate = start("production", &[breaking(answer.leak().as_bytes())], "ejection = { failures = 0 }");
        let mut caller = connect(gate.running().address("many").expect("listens"));
        caller.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("writes");
        let mut got = String::new();
        caller.read_to_string(&mut got).expect("reads");
        let line = got.lines().next().expect("a line");
        assert!(line.starts_with(&format!("HTTP/1.1 {wanted} ")) && !line.contains("none"), "{line}");
    }
    for (code, wanted) in [("599", 599), ("600", 502)] {
        let (endpoint, _) = framed(move |stream, _| status(stream, 1, code));
        let gate = start("production", &[endpoint], "http2 = \"always\"\nejection = { failures = 0 }");
        assert_eq!(ask(&gate, "GET").status(), wanted, "{code}");
    }
}

#[test]
fn a_reply_that_breaks_off_has_no_end_for_a_caller_of_http_1_0() {
    for (answer, is_cut) in [
        (&b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"[..], true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false),
    ] {
        let gate = start("production", &[breaking(answer)], "ejection = { failures = 0 }");
        let mut caller = connect(gate.running().address("many").expect("listens"));
        caller.write_all(b"GET /x HTTP/1.0\r\nHost: a\r\n\r\n").expect("writes");
        let ended = caller.read_to_end(&mut Vec::new());
        let is_reset = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset);
        assert_eq!(is_reset, is_cut);
    }
}

#[test]
fn a_reply_that_leaves_its_message_unread_says_that_nothing_follows() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let endpoint = listener.local_addr().expect("address").to_string();
    let gate = start("production", &[endpoint], "");
    for (closes, is_split) in [(true, false), (true, true), (false, false)] {
        for _ in 0..10 {
            let mut caller = connect(gate.running().address("many").expect("listens"));
            write!(caller, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\nseven b")
                .expect("writes");
            let (mut upstream, _) = listener.accept().expect("accepts");
            let mut head = Vec::new();
            while !head.ends_with(b"seven b") {
                let mut byte = [0];
                upstream.read_exact(&mut byte).expect("reads");
                head.extend(byte);
            }
            let close = if closes { "Connection: close\r\n" } else { "" };
            write!(upstream, "HTTP/1.1 200 OK\r\n{close}Content-Length: 2\r\n\r\n").expect("writes");
            if !is_split {
                upstream.write_all(b"ok").expect("writes");
            }
            let mut got = Vec::new();
            while !got.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                caller.read_exact(&mut byte).expect("reads");
                got.extend(byte);
            }
            if is_split {
                upstream.write_all(b"ok").expect("writes");
            }
            caller.read_exact(&mut [0; 2]).expect("reads");
            let said = String::from_utf8_lossy(&got).to_ascii_lowercase();
            assert_eq!(said.contains("connection: close"), closes, "{said}");
            caller.write_all(b"seven b").expect("writes");
            if !closes {
                let mut rest = [0; 7];
                upstream.read_exact(&mut rest).expect("reads");
                assert_eq!(&rest, b"seven b", "the rest goes on");
            }
        }
    }
}

#[test]
fn replies_are_counted_by_connection_and_status_whatever_is_reloaded() {
    let (first, second) = (Upstream::start(), Upstream::start());
    let gate = start("staging", &[address(&first)], "requests_max = 5");
    let came = |status: &str| {
        gate.metric(&format!("phigate_upstream_replies_total{{connection=\"to-many\",status=\"{status}\"}}"))
    };
    let all = || ["1xx", "2xx", "3xx", "4xx", "5xx", "none"].map(came);
    let under_way = || gate.metric("phigate_upstream_requests{connection=\"to-many\"}");
    let text = String::from_utf8(gate.admin("/metrics", "").body).expect("text");
    let zero = "phigate_upstream_replies_total{connection=\"to-many\",status=\"none\"} 0";
    assert!(text.contains(zero), "there before the first message: {text}");
    for status in [200, 200, 302, 404, 500] {
        first.answer(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n").as_bytes());
        assert_eq!(ask(&gate, "GET").status(), status);
    }
    first.answer(b"none\r\n\r\n");
    assert_eq!(ask(&gate, "POST").status(), 502);
    assert_eq!((all(), under_way()), ([0, 2, 1, 1, 1, 1], 0));
    // Other endpoints make the group of each thread anew.
    let elsewhere = gate.config.replace(&address(&first), &address(&second));
    gate.running().reload(&elsewhere).expect("good");
    let held = second.hold();
    let mut waiting = begin(&gate, "GET");
    second.wait_for_bytes();
    assert_eq!(under_way(), 1);
    drop(held);
    assert_eq!(read_http(&mut waiting, false).expect("an answer").status(), 200);
    assert_eq!((all(), under_way()), ([0, 3, 1, 1, 1, 1], 0));
    gate.running().reload(&gate.config.replace(&address(&first), &nowhere())).expect("good");
    assert_eq!(ask(&gate, "GET").status(), 502);
    assert_eq!(all(), [0, 3, 1, 1, 1, 2]);
    assert_eq!(gate.metric("phigate_upstream_reply_seconds_count{connection=\"to-many\"}"), 6);
    // One that is gone keeps its totals, and goes on with them when it comes back.
    let without = gate.config.split("[[connection]]\nname = \"to-many\"").next().expect("the rest");
    gate.running().reload(without).expect("good");
    assert_eq!(ask(&gate, "GET").status(), 404);
    assert_eq!(all(), [0, 3, 1, 1, 1, 2]);
    gate.running().reload(&elsewhere).expect("good");
    assert_eq!(ask(&gate, "GET").status(), 200);
    assert_eq!(all(), [0, 4, 1, 1, 1, 2]);
}
