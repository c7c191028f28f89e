//! Several endpoints behind one connection: shares, retries, checks, ejection, limits, names, HTTP/2.

use crate::http2::{Local, frame, literal};
use crate::support::{Gate, Http, OK, Upstream, connect, read_http};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// A gateway whose environment `many`, of `flag`, leads to these endpoints.
fn start(flag: &str, endpoints: &[String], more: &str) -> Gate {
    let endpoints: String = endpoints
        .iter()
        .map(|e| {
            let (url, weight) = e.split_once(' ').unwrap_or((e, "1"));
            format!("[[connection.endpoint]]\nurl = \"http://{url}\"\nweight = {weight}\n")
        })
        .collect();
    Gate::also(&format!(
        "[[environment]]\nname = \"many\"\nflag = \"{flag}\"\n[[listener]]\nname = \"many\"\naddress = \"127.0.0.1:0\"\nenvironment = \"many\"\ncallers = \"any\"\n[[connection]]\nname = \"to-many\"\nenvironment = \"many\"\n{more}\n{endpoints}"
    ))
}

fn begin(gate: &Gate, method: &str) -> TcpStream {
    let mut stream = connect(gate.running().address("many").expect("listens"));
    let body = if method == "POST" { "Content-Length: 2\r\n\r\n{}" } else { "\r\n" };
    write!(stream, "{method} /fhir/metadata HTTP/1.1\r\nHost: caller.example\r\n{body}").expect("writes");
    stream
}

fn ask(gate: &Gate, method: &str) -> Http {
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

/// Bytes of a field that the answer to `/large` has.
const LARGE: usize = 200_000;

/// Speaks HTTP/2 without TLS; answers with the message's authority, `te` and trailers, and two trailers, one of them forged.
/// Counts connections.
pub(crate) fn http2() -> (SocketAddr, Arc<AtomicUsize>) {
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.set_nonblocking(true).expect("set");
    let (address, count) = (listener.local_addr().expect("address"), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(tokio::task::LocalSet::new().run_until(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Relaxed);
                let service =
                    hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async {
                        let seen = request.uri().authority().map(ToString::to_string).unwrap_or_default();
                        let te =
                            request.headers().get("te").map(|v| v.to_str().unwrap_or_default().to_owned());
                        let has_host = request.headers().contains_key("host");
                        let large = if request.uri().path() == "/large" { "x".repeat(LARGE) } else { String::new() };
                        let body = request.into_body().collect().await.expect("a body");
                        let sent = body.trailers().map(http::HeaderMap::keys).into_iter().flatten();
                        let sent = sent.map(http::HeaderName::as_str).collect::<Vec<_>>().join(" ");
                        let text = format!(
                            "{{\"host\":\"{seen}\",\"te\":\"{}\",\"own\":{has_host},\"length\":{},\"trailers\":\"{sent}\"}}",
                            te.unwrap_or_default(),
                            body.to_bytes().len()
                        );
                        let trailers = ["grpc-status", "phigate-record"].map(|name| {
                            (http::HeaderName::from_static(name), http::HeaderValue::from_static("0"))
                        });
                        let trailers = http::HeaderMap::from_iter(trailers);
                        let body = Full::new(Bytes::from(text))
                            .with_trailers(std::future::ready(Some(Ok(trailers))));
                        let reply = http::Response::builder().header("content-type", "application/json");
                        reply.header("x-large", large).body(body)
                    });
                let io = hyper_util::rt::TokioIo::new(stream);
                tokio::task::spawn_local(async move {
                    let _ =
                        hyper::server::conn::http2::Builder::new(Local).serve_connection(io, service).await;
                });
            }
        }));
    });
    (address, count)
}

#[test]
fn http2_is_spoken_to_an_upstream_that_is_said_to_speak_it_and_messages_share_its_connection() {
    let (endpoint, connections) = http2();
    for flag in ["staging", "production"] {
        let gate = start(flag, &[endpoint.to_string()], "http2 = \"always\"");
        let mut stream = connect(gate.running().address("many").expect("listens"));
        let before = connections.load(Relaxed);
        for method in ["GET", "POST", "GET"] {
            let body = if method == "POST" { "Content-Length: 2\r\n\r\n{}" } else { "\r\n" };
            write!(stream, "{method} /x HTTP/1.1\r\nHost: a\r\n{body}").expect("writes");
            let reply = read_http(&mut stream, false).expect("an answer");
            assert_eq!(reply.status(), 200);
            let told = reply.json();
            assert_eq!(told["host"], endpoint.to_string());
            assert_eq!((&told["te"], &told["own"]), (&"trailers".into(), &false.into()));
            assert_eq!(told["length"], if method == "POST" { 2 } else { 0 });
        }
        stream.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        assert_eq!((reply.status(), reply.header("x-large").len()), (200, LARGE), "a head up to 256 KiB");
        assert_eq!(connections.load(Relaxed), before + 1, "one connection for all of them");
    }
}

#[test]
fn trailers_to_an_upstream_of_http2_are_those_that_may_pass() {
    let (endpoint, _) = http2();
    let rules =
        "http2 = \"always\"\nremove_headers = [\"X-User-Id\"]\nset_headers = { X-Source = \"phigate\" }";
    let names = [
        "X-Forwarded-For",
        "X_Real_IP",
        "Forwarded",
        "Authorization",
        "Cookie",
        "Host",
        "Phigate-Record",
        "Phigate_Key",
        "Proxy-Authorization",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Upgrade",
        "TE",
        "Trailer",
        "X-User-Id",
        "X_User_Id",
        "X-Source",
        "X_Source",
    ];
    for flag in ["staging", "production"] {
        let gate = start(flag, &[endpoint.to_string()], rules);
        let mut stream = connect(gate.running().address("many").expect("listens"));
        // One by one: each that belongs to a connection would have the stream hang.
        for name in names.iter().map(|name| vec![*name]).chain([names.to_vec()]) {
            let (declared, fields) = (name.join(", "), name.join(": 1\r\n"));
            write!(
                stream,
                "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, {declared}\r\n\r\n2\r\nok\r\n0\r\n{fields}: 1\r\nX-Sum: 2\r\n\r\n"
            )
            .expect("writes");
            let reply = read_http(&mut stream, false).expect("an answer");
            assert_eq!((reply.status(), &reply.json()["trailers"]), (200, &"x-sum".into()), "{declared}");
        }
    }
}

/// Speaks HTTP/2 by its frames: sends what `answer` makes of each head, by its stream and the number of its connection.
fn framed(answer: impl Fn(u32, usize) -> Vec<u8> + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address").to_string();
    let (count, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(answer));
    let counted = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (number, answer) = (counted.fetch_add(1, Relaxed), answer.clone());
            std::thread::spawn(move || speak(stream, |id| answer(id, number)));
        }
    });
    (address, count)
}

fn speak(mut stream: TcpStream, answer: impl Fn(u32) -> Vec<u8>) -> Option<()> {
    stream.read_exact(&mut [0; 24]).ok()?; // the preface
    stream.write_all(&frame(4, 0, 0, &[])).ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).ok()?;
        if head[3] == 1 {
            let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
            stream.write_all(&answer(id)).ok()?;
        }
    }
}

/// A head of HTTP/2 that has a status alone.
fn status(stream: u32, flags: u8, status: &str) -> Vec<u8> {
    frame(1, 4 | flags, stream, &literal(":status", status))
}

#[test]
fn a_row_of_interim_heads_over_http2_is_as_short_as_over_http_1() {
    for (heads, wanted) in [(32, 200), (34, 502), (100_000, 502)] {
        let (endpoint, connections) = framed(move |stream, _| {
            let mut bytes = status(stream, 0, "103").repeat(heads);
            bytes.extend(status(stream, 1, "200"));
            bytes
        });
        let gate = start("production", &[endpoint], "http2 = \"always\"");
        let reply = ask(&gate, "GET");
        assert_eq!(reply.status(), wanted, "{heads}");
        if wanted != 200 {
            assert_eq!(reply.header("phigate-reason"), "upstream_invalid");
        }
        assert_eq!(connections.load(Relaxed), 1, "it isn't asked again");
    }
}

#[test]
fn a_reply_over_http2_that_has_no_body_has_none() {
    for (method, code, body, wanted) in [
        ("GET", "204", "", 204),
        ("GET", "204", "no", 502),
        ("GET", "304", "", 304),
        ("GET", "304", "no", 502),
        ("HEAD", "200", "", 200),
        ("HEAD", "200", "no", 502),
        ("GET", "200", "ok", 200),
    ] {
        let (endpoint, _) =
            framed(move |stream, _| [status(stream, 0, code), frame(0, 1, stream, body.as_bytes())].concat());
        for flag in ["staging", "production"] {
            let more = "http2 = \"always\"\nejection = { failures = 0 }";
            let gate = start(flag, std::slice::from_ref(&endpoint), more);
            let reply = read_http(&mut begin(&gate, method), method == "HEAD").expect("an answer");
            assert_eq!(reply.status(), wanted, "{method} {code} {body:?} in {flag}");
        }
    }
}

#[test]
fn an_http2_upstream_that_takes_no_more_messages_on_a_connection_gets_another() {
    let (endpoint, connections) = framed(|stream, connection| {
        let none_more = frame(4, 0, 0, &[0, 3, 0, 0, 0, 0]);
        let first = if connection == 0 { none_more } else { Vec::new() };
        [first, status(stream, 1, "200")].concat()
    });
    let gate = start("production", &[endpoint], "http2 = \"always\"\nreply_head_timeout_ms = 5000");
    // One caller, so that one thread has them all.
    let mut caller = connect(gate.running().address("many").expect("listens"));
    for _ in 0..3 {
        caller.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
        assert_eq!(read_http(&mut caller, false).expect("an answer").status(), 200);
    }
    assert_eq!(connections.load(Relaxed), 2);
}

#[test]
fn an_http2_upstream_that_closes_gets_another_connection() {
    // It says that it goes, or doesn't; a connection that is closed hears of the next head, too.
    for farewell in [frame(7, 0, 0, &[0; 8]), Vec::new()] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let endpoint = listener.local_addr().expect("address").to_string();
        let (closed, is_closed) = std::sync::mpsc::sync_channel(1);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let answer = [status(1, 1, "200"), farewell.clone()].concat();
                answer_one(&mut stream, &answer).expect("a message");
                let _ = stream.shutdown(std::net::Shutdown::Write);
                // It closes, too.
                let _ = stream.read_to_end(&mut Vec::new());
                let _ = closed.send(());
            }
        });
        let gate = start("production", &[endpoint], "http2 = \"always\"\nreply_head_timeout_ms = 5000");
        // One caller, so that one thread has them all.
        let mut caller = connect(gate.running().address("many").expect("listens"));
        for _ in 0..3 {
            caller.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
            assert_eq!(read_http(&mut caller, false).expect("an answer").status(), 200);
            is_closed.recv().expect("the gateway closes its end");
        }
    }
}

/// Answers the first message of a connection of HTTP/2.
fn answer_one(stream: &mut TcpStream, answer: &[u8]) -> Option<()> {
    stream.read_exact(&mut [0; 24]).ok()?; // the preface
    stream.write_all(&frame(4, 0, 0, &[])).ok()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).ok()?;
        if head[3] == 1 {
            return stream.write_all(answer).ok();
        }
    }
}

#[test]
fn a_reply_whose_stream_is_reset_without_an_error_has_broken_off() {
    let (endpoint, _) = framed(|stream, _| {
        let begins = [status(stream, 0, "200"), frame(0, 0, stream, b"[1,2]")].concat();
        [begins, frame(3, 0, stream, &[0; 4])].concat()
    });
    for (flag, wanted) in [("staging", &[502][..]), ("production", &[502, 200])] {
        let gate =
            start(flag, std::slice::from_ref(&endpoint), "http2 = \"always\"\nejection = { failures = 0 }");
        let mut caller = begin(&gate, "GET");
        let reply = read_http(&mut caller, false);
        // What was passed on already breaks off.
        let status = reply.map_or(200, |reply| reply.status());
        assert!(wanted.contains(&status), "{status} in {flag}");
        if status == 200 {
            let mut rest = Vec::new();
            let _ = caller.read_to_end(&mut rest);
            assert!(!rest.ends_with(b"0\r\n\r\n"));
        }
    }
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
