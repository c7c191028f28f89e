//! What a proxy owes: framing, reuse, streaming, hygiene, and what it refuses.

use crate::support::{Gate, PATIENT, read_http, tries};
use std::io::{Read, Write};

#[test]
fn chunked_bodies_and_trailers_arrive_judged_and_whole() {
    let gate = Gate::start();
    for environment in [1, 2] {
        let mut stream = gate.connect(environment);
        write!(
            stream,
            "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nContent-Type: text/plain\r\n\r\n5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n",
            gate.keys[environment]
        )
        .expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
        let got = gate.upstreams[environment].take();
        assert_eq!(got[0].body, b"hello world");
        assert_eq!(got[0].trailers, [("x-sum".to_owned(), "11".to_owned())]);
    }
}

#[test]
fn a_trailer_is_judged_like_the_rest() {
    let gate = Gate::start();
    let mut stream = gate.connect(1);
    write!(
        stream,
        "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Who\r\nContent-Type: text/plain\r\n\r\n2\r\nok\r\n0\r\nX-Who: Patient: Darnell Okafor, DOB 06/22/1962\r\n\r\n",
        gate.keys[1]
    )
    .expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").header("phigate-reason"), "likely_phi");
    assert!(gate.upstreams[1].take().is_empty());
    // In production it is inspected behind the message.
    let mut stream = gate.connect(2);
    write!(
        stream,
        "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n2\r\nok\r\n0\r\nX-Who: Patient: Darnell Okafor, DOB 06/22/1962\r\n\r\n",
        gate.keys[2]
    )
    .expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    gate.running().flush_records();
    let line = "phigate_findings_total{decision=\"passed\",environment=\"production\",kind=\"birth-date\"}";
    assert_eq!(gate.metric(line), 1);
}

#[test]
fn one_connection_carries_many_messages_and_a_refusal_does_not_end_it() {
    let gate = Gate::start();
    let mut stream = gate.connect(1);
    let key = &gate.keys[1];
    for body in ["ok", PATIENT, "ok"] {
        write!(stream, "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()).expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        assert_eq!(reply.status(), 422, "no JSON, or a patient");
    }
    // Pipelined.
    let one = format!("GET /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {key}\r\n\r\n");
    stream.write_all(one.repeat(3).as_bytes()).expect("writes");
    for _ in 0..3 {
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    }
}

#[test]
fn production_streams_before_the_body_is_whole() {
    let gate = Gate::start();
    let mut stream = gate.connect(2);
    write!(
        stream,
        "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nContent-Length: 10\r\n\r\nhello",
        gate.keys[2]
    )
    .expect("writes");
    gate.upstreams[2].wait_for_bytes();
    stream.write_all(b"world").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    assert_eq!(gate.upstreams[2].take()[0].body, b"helloworld");
}

#[test]
fn expect_continue_is_answered_after_the_head_was_judged() {
    let gate = Gate::start();
    let mut stream = gate.connect(1);
    write!(stream, "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nExpect: 100-continue\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\n", gate.keys[1]).expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 100);
    stream.write_all(b"ok").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    assert_eq!(gate.upstreams[1].take()[0].header("expect"), "");
    // A head that is refused gets no 100.
    let mut stream = gate.connect(1);
    write!(stream, "POST /x HTTP/1.1\r\nHost: gate\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        .expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 401);
}

#[test]
fn who_waits_to_send_a_body_that_is_none_has_the_upstream_wait_for_nothing() {
    let gate = Gate::start();
    for at in [1, 2] {
        let reply = gate.send(at, "GET", "/x", &[("Expect", "100-continue")], b"");
        assert_eq!(reply.status(), 200);
        let got = &gate.upstreams[at].take()[0];
        assert_eq!((got.header("expect"), got.header("transfer-encoding")), ("", ""), "{at}");
    }
}

#[test]
fn tunnels_and_doubtful_heads_are_refused() {
    let gate = Gate::start();
    let key = &gate.keys[1];
    for (head, status, reason) in [
        (
            "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
            501,
            "upgrade_refused",
        ),
        ("GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: x, h2c\r\nConnection: Upgrade\r\n", 501, "upgrade_refused"),
        ("TRACE /x HTTP/1.1\r\nHost: a\r\n", 400, "bad_request"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n", 501, "connect_refused"),
        ("POST /x HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n", 400, "bad_request"),
        ("GET /x HTTP/1.1\r\n", 400, "bad_request"),
        ("GET http://b/x HTTP/1.1\r\nHost: a\r\n", 400, "bad_request"),
        (
            "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
            400,
            "bad_request",
        ),
        ("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n", 400, "bad_request"),
        ("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n", 400, "bad_request"),
        ("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n", 400, "bad_request"),
        ("POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n", 400, "bad_request"),
        ("GET /x HTTP/1.1\nHost: a\r\n", 400, "bad_request"),
        ("GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n", 400, "bad_request"),
        ("GET /x HTTP/1.1\r\nHost : a\r\n", 400, "bad_request"),
        ("GET /x/../y HTTP/1.1\r\nHost: a\r\n", 400, "bad_request"),
        ("GET /x/%2e%2e/y HTTP/1.1\r\nHost: a\r\n", 400, "bad_request"),
    ] {
        let mut stream = gate.connect(1);
        write!(stream, "{head}Phigate-Key: {key}\r\n\r\n").expect("writes");
        let reply = read_http(&mut stream, false).unwrap_or_else(|| panic!("{head}: no answer"));
        assert_eq!((reply.status(), reply.header("phigate-reason")), (status, reason), "{head}");
    }
    assert!(gate.upstreams[1].take().is_empty());
}

#[test]
fn heads_are_written_anew() {
    let gate = Gate::start();
    gate.upstreams[2].answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\nKeep-Alive: 5\r\nPhigate-Record: forged\r\nPhigate-Reason: likely_phi\r\nX-Own: 1\r\n\r\nok");
    let headers = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"),
        ("X-Original-URL", "/admin"),
        ("X_Remote_User", "root"),
        ("X_SSL-Client-S_DN", "CN=root"),
        ("X-Auth-Request-Email", "root@a.example"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("Connection", "keep-alive, X-Absent"),
        ("X-Secret", "s"),
        ("Authorization", "Bearer theirs"),
    ];
    let reply = gate.send(2, "GET", "/x?q=1", &headers, b"");
    assert_eq!(reply.header("x-own"), "1");
    assert_ne!(reply.header("phigate-record"), "forged");
    assert_eq!(reply.header("phigate-reason"), "", "the gateway refused nothing");
    assert_eq!(reply.header("keep-alive"), "");
    let got = &gate.upstreams[2].take()[0];
    assert_eq!(got.target(), "/x?q=1");
    assert_eq!(got.header("x-forwarded-for"), "127.0.0.1");
    assert_eq!(got.header("x-forwarded-host"), "gate");
    assert_eq!(got.header("host"), gate.upstreams[2].address.to_string());
    for name in [
        "phigate-key",
        "x-real-ip",
        "x-original-url",
        "x_remote_user",
        "x_ssl-client-s_dn",
        "x-auth-request-email",
        "x-http-method-override",
    ] {
        assert_eq!(got.header(name), "", "{name}");
    }
    assert_eq!((got.header("x-secret"), got.header("authorization")), ("s", "Bearer theirs"));
}

#[test]
fn a_key_sent_as_authorization_never_reaches_the_upstream() {
    let gate = Gate::start();
    let config =
        gate.config.replace("name = \"to-staging\"", "name = \"to-staging\"\nkey_in_authorization = true");
    gate.running().reload(&config).expect("reloads");
    let mut stream = gate.connect(1);
    write!(stream, "GET /x HTTP/1.1\r\nHost: gate\r\nAuthorization: bearer {}\r\n\r\n", gate.keys[1])
        .expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    assert_eq!(gate.upstreams[1].take()[0].header("authorization"), "");
}

#[test]
fn upstreams_that_fail_have_their_own_answers() {
    let gate = Gate::start();
    gate.upstreams[2].answer(b"garbage\r\n\r\n");
    let reply = gate.send(2, "POST", "/x", &[], b"a");
    assert_eq!((reply.status(), reply.header("phigate-reason")), (502, "upstream_invalid"));
    let config = gate.config.replace(&gate.upstreams[2].address.to_string(), "127.0.0.1:9");
    gate.running().reload(&config).expect("reloads");
    let reply = gate.send(2, "GET", "/x", &[], b"");
    assert_eq!((reply.status(), reply.header("phigate-reason")), (502, "upstream_connect"));
}

#[test]
fn head_and_bodyless_answers_keep_their_shape() {
    let gate = Gate::start();
    let reply = gate.send(2, "HEAD", "/x", &[], b"");
    assert_eq!((reply.status(), reply.header("content-length")), (200, "2"));
    gate.upstreams[2].answer(b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!(gate.send(2, "DELETE", "/x", &[], b"").status(), 204);
}

#[test]
fn reloads_are_whole_or_not_at_all() {
    let gate = Gate::start();
    let send = || {
        gate.send(1, "POST", "/x", &[("Content-Type", "application/fhir+json")], PATIENT.as_bytes()).status()
    };
    assert_eq!(send(), 422);
    gate.running()
        .reload(&gate.config.replace("flag = \"staging\"", "flag = \"staging\"\nmode = \"shadow\""))
        .expect("reloads");
    assert_eq!(send(), 200);
    assert_eq!(gate.metric("phigate_requests_total{decision=\"would_refuse\",environment=\"staging\"}"), 1);
    let problems = gate
        .running()
        .reload(&gate.config.replace("flag = \"staging\"", "flag = \"stagin\""))
        .expect_err("refused");
    assert!(problems[0].contains("did you mean `staging`"), "{problems:?}");
    assert_eq!(send(), 200, "the old configuration stays");
    assert_eq!(
        (
            gate.metric("phigate_config_reloads_total{result=\"failed\"}"),
            gate.metric("phigate_config_current ")
        ),
        (1, 0)
    );
    assert!(gate.running().reload(&gate.config.replace("threads = 2", "threads = 1")).is_err());
    gate.running().reload(&gate.config).expect("reloads");
    assert_eq!((send(), gate.metric("phigate_config_current ")), (422, 1));
}

#[test]
fn stopping_lets_a_message_finish_and_takes_no_new_ones() {
    let mut gate = Gate::start();
    let address = gate.address(2);
    let mut stream = gate.connect(2);
    write!(
        stream,
        "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nContent-Length: 10\r\n\r\nhello",
        gate.keys[2]
    )
    .expect("writes");
    gate.upstreams[2].wait_for_bytes();
    let idle = gate.connect(2);
    let running = gate.running.take().expect("runs");
    let stopping = std::thread::spawn(move || running.stop());
    // The idle connection's end shows that draining has begun.
    let mut idle = idle;
    assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    stream.write_all(b"world").expect("writes");
    let reply = read_http(&mut stream, false).expect("the message finishes");
    assert_eq!(reply.status(), 200);
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "the connection ends behind it");
    assert_eq!(stopping.join().expect("stops"), 0);
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_reply_may_take_longer_than_a_connection_may_be_idle() {
    use std::sync::mpsc::sync_channel;
    let gate = Gate::with("[limits]\nidle_timeout_ms = 200\nhead_timeout_ms = 200\n", "");
    // An upstream that sends half, and the rest when it is told to.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let (go, wait) = sync_channel::<()>(1);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accepts");
        read_http(&mut stream, false).expect("a request");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello").expect("writes");
        wait.recv().expect("told");
        stream.write_all(b"world").expect("writes");
    });
    let config = gate.config.replace(&gate.upstreams[2].address.to_string(), &address.to_string());
    gate.running().reload(&config).expect("reloads");
    let mut stream = gate.connect(2);
    write!(stream, "GET /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n\r\n", gate.keys[2]).expect("writes");
    let mut half = [0; 1];
    stream.read_exact(&mut half).expect("the head begins");
    // An idle connection that began later is closed meanwhile: then the limit has passed for this one as well.
    for _ in 0..2 {
        let mut idle = gate.connect(2);
        assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0);
    }
    go.send(()).expect("upstream waits");
    let mut rest = Vec::new();
    while !rest.ends_with(b"helloworld") {
        let mut piece = [0; 1024];
        let n = stream.read(&mut piece).expect("reads");
        assert!(n > 0, "the reply was cut");
        rest.extend_from_slice(&piece[..n]);
    }
}

#[test]
fn a_streamed_body_may_take_its_time_as_long_as_it_moves_and_each_fault_has_its_word() {
    let gate = Gate::with(
        "[limits]\nbody_timeout_ms = 1000\nidle_timeout_ms = 600\nhead_timeout_ms = 600\nbody_rate_min = 1\n",
        "",
    );
    let post = |framing: &str, body: &str| {
        let mut stream = gate.connect(2);
        write!(
            stream,
            "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n{framing}\r\n\r\n{body}",
            gate.keys[2]
        )
        .expect("writes");
        stream
    };
    let mut moving = post("Content-Length: 9", "one");
    for piece in ["two", "six"] {
        // A connection without a head is closed after its limit: as long has this body rested.
        assert_eq!(gate.connect(2).read(&mut [0]).unwrap_or(0), 0);
        moving.write_all(piece.as_bytes()).expect("writes");
    }
    assert_eq!(read_http(&mut moving, false).expect("an answer").status(), 200);
    assert_eq!(gate.upstreams[2].take()[0].body, b"onetwosix");
    for (framing, body, status, reason) in [
        ("Content-Length: 9", "half", 408, "body_timeout"),
        ("Transfer-Encoding: chunked", "3\r\nabcd\r\n", 400, "bad_request"),
    ] {
        let reply = read_http(&mut post(framing, body), false).expect("an answer");
        assert_eq!((reply.status(), reply.header("phigate-reason")), (status, reason));
    }
}

/// Slow body (R.U.D.Y.): a byte now and then, each in time, keeps no connection for ever.
#[test]
fn a_streamed_body_that_trickles_is_cut_and_a_stream_of_grpc_may_rest() {
    let gate = Gate::with("[limits]\nbody_timeout_ms = 400\nbody_rate_min = 10\n", "");
    let trickle = |content_type: &str| {
        let mut stream = gate.connect(2);
        write!(
            stream,
            "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nContent-Type: {content_type}\r\nContent-Length: 8\r\n\r\n",
            gate.keys[2]
        )
        .expect("writes");
        stream.set_read_timeout(Some(std::time::Duration::from_millis(250))).expect("set");
        // 400 ms, and 100 ms for each byte: the third is waited for longer than that, though each comes within 400 ms.
        for _ in 0..8 {
            match stream.peek(&mut [0]) {
                Ok(_) => break,
                Err(_) => stream.write_all(b"x").expect("writes"),
            }
        }
        stream.set_read_timeout(None).expect("set");
        read_http(&mut stream, false).expect("an answer")
    };
    let cut = trickle("text/plain");
    assert_eq!((cut.status(), cut.header("phigate-reason")), (408, "body_timeout"));
    assert_eq!(trickle("application/grpc+proto").status(), 200);
}

#[test]
fn a_caller_that_goes_away_frees_the_upstream_and_is_counted() {
    let gate = Gate::start();
    // An upstream that never answers, and tells when its connection ends.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let (told, tell) = std::sync::mpsc::sync_channel::<bool>(2);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("accepts");
        read_http(&mut stream, false).expect("a request");
        told.send(false).expect("the test waits");
        let ended = stream.read(&mut [0]).is_ok_and(|n| n == 0);
        told.send(ended).expect("the test waits");
    });
    let config = gate.config.replace(&gate.upstreams[2].address.to_string(), &address.to_string());
    gate.running().reload(&config).expect("reloads");
    let mut stream = gate.connect(2);
    write!(stream, "GET /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n\r\n", gate.keys[2]).expect("writes");
    assert!(!tell.recv().expect("the request arrives"));
    drop(stream);
    assert!(tell.recv().expect("the upstream is freed"));
    let line = "phigate_refusals_total{environment=\"production\",reason=\"caller_gone\"}";
    assert!(tries().any(|()| gate.metric(line) == 1));
}

/// Whether the end comes with the message or behind it is chance: each is counted, answered or not.
#[test]
fn messages_whose_callers_close_behind_them_are_counted() {
    let gate = Gate::start();
    for _ in 0..40 {
        let mut stream = gate.connect(2);
        let (key, length) = (&gate.keys[2], "Content-Length: 4");
        write!(stream, "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {key}\r\n{length}\r\n\r\nbody")
            .expect("writes");
    }
    let counted = || {
        let text = String::from_utf8(gate.admin("/metrics", "").body).expect("text");
        let lines = text.lines().filter(|line| line.starts_with("phigate_requests_total{"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum::<u64>()
    };
    assert!(tries().any(|()| counted() == 40));
}

#[test]
fn a_trace_goes_on_and_begins_here_where_there_is_none() {
    let gate = Gate::start();
    let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (header, goes_on) in [
        (format!("traceparent: {sent}\r\ntracestate: a=1\r\n"), Some(sent)),
        (String::new(), None),
        ("traceparent: Okafor-Darnell\r\ntracestate: a=1\r\n".to_owned(), None),
        (format!("traceparent: {sent}\r\ntraceparent: {sent}\r\ntracestate: a=1\r\n"), None),
    ] {
        let mut stream = gate.connect(1);
        write!(stream, "GET /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n{header}\r\n", gate.keys[1])
            .expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        assert_eq!(reply.status(), 200);
        let record: String = reply.header("phigate-record").chars().filter(|c| *c != '-').collect();
        let begun = format!("00-{record}-{}-00", record.get(16..).expect("32 digits"));
        let got = gate.upstreams[1].take();
        assert_eq!(got[0].header("traceparent"), goes_on.unwrap_or(&begun));
        // What other systems said of a trace goes on with it alone.
        assert_eq!(got[0].header("tracestate"), goes_on.map_or("", |_| "a=1"));
    }
}

#[test]
fn the_access_log_has_a_line_for_each_message_and_nothing_of_it() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("access.jsonl");
    let mut gate = Gate::with_tail("", &format!("[access_log]\nfile = {file:?}\n"));
    for (path, extra) in [
        ("/fhir/ok", ""),
        ("/fhir/Patient?family=Okafor&given=Darnell&birthdate=1962-06-22", "X-Note: secret\r\n"),
    ] {
        let mut stream = gate.connect(1);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n{extra}\r\n", gate.keys[1])
            .expect("writes");
        read_http(&mut stream, false).expect("an answer");
    }
    gate.stop();
    let text = std::fs::read_to_string(&file).expect("the log");
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let word = |at: usize, key: &str| lines[at][key].as_str().map(str::to_owned);
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0]["status"].as_u64(), word(0, "decision").as_deref()), (Some(200), Some("forwarded")));
    assert_eq!(word(0, "connection").as_deref(), Some("to-staging"));
    assert_eq!(
        (word(1, "reason").as_deref(), word(1, "fault").as_deref()),
        (Some("likely_phi"), Some("policy"))
    );
    for secret in ["Okafor", "1962-06-22", "secret", "/fhir", &gate.keys[1]] {
        assert!(!text.contains(secret), "payload in the access log");
    }
}

#[test]
fn a_preflight_needs_no_key_where_the_listener_says_so_and_nothing_else_goes_without() {
    let ask = |gate: &Gate, method: &str, more: &str| {
        let mut stream = gate.connect(2);
        write!(stream, "{method} /fhir HTTP/1.1\r\nHost: a\r\n{more}\r\n").expect("writes");
        read_http(&mut stream, false).expect("an answer").status()
    };
    const ASKS: &str = "Origin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n";
    let gate = Gate::start();
    assert_eq!(ask(&gate, "OPTIONS", ASKS), 200);
    assert_eq!(gate.upstreams[2].take().len(), 1);
    for (method, more) in [
        ("GET", ASKS.to_owned()),
        ("OPTIONS", "Origin: https://app.example\r\n".to_owned()),
        ("OPTIONS", format!("{ASKS}Content-Length: 1\r\n")),
        ("OPTIONS", format!("{ASKS}Transfer-Encoding: chunked\r\n")),
        ("OPTIONS", format!("{ASKS}Phigate-Key: wrong\r\n")),
    ] {
        assert_eq!(ask(&gate, method, &more), 401, "{method} {more}");
    }
    let off = gate.config.replace(
        "environment = \"production\"\n[[listener]]\nname = \"open\"",
        "environment = \"production\"\ncors_preflight = false\n[[listener]]\nname = \"open\"",
    );
    assert_ne!(off, gate.config);
    gate.running().reload(&off).expect("good");
    assert_eq!(ask(&gate, "OPTIONS", ASKS), 401);
}

#[test]
fn pages_of_known_origins_may_read_why_the_gateway_refused_and_no_others() {
    let gate = Gate::start();
    let known = gate.config.replace(
        "environment = \"production\"\n[[listener]]\nname = \"open\"",
        "environment = \"production\"\ncors_origins = [\"https://app.example\"]\n[[listener]]\nname = \"open\"",
    );
    assert_ne!(known, gate.config);
    gate.running().reload(&known).expect("good");
    let ask = |origin: &str, key: &str| {
        let mut stream = gate.connect(2);
        write!(stream, "GET /fhir HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\nPhigate-Key: {key}\r\n\r\n")
            .expect("writes");
        read_http(&mut stream, false).expect("an answer")
    };
    let refused = ask("https://app.example", "wrong");
    assert_eq!(
        (refused.status(), refused.header("access-control-allow-origin")),
        (401, "https://app.example")
    );
    assert_eq!(refused.header("vary"), "origin");
    assert!(refused.header("access-control-expose-headers").contains("phigate-record"));
    for other in ["https://other.example", "null", "https://app.example.evil", "http://app.example"] {
        let refused = ask(other, "wrong");
        assert_eq!((refused.status(), refused.header("access-control-allow-origin")), (401, ""), "{other}");
    }
    let passed = ask("https://app.example", &gate.keys[2]);
    assert_eq!(
        (passed.status(), passed.header("access-control-allow-origin")),
        (200, ""),
        "the upstream's to say"
    );
    for bad in [
        "*",
        "https://app.example/",
        "https://App.example",
        "app.example",
        "https://u@app.example",
        "https://*.example",
        "https://app.example:443",
    ] {
        let config = known.replace("https://app.example", bad);
        assert!(gate.running().reload(&config).expect_err(bad)[0].contains("cors_origins"), "{bad}");
    }
}

#[test]
fn a_held_body_that_names_an_id_of_another_environment_is_refused_by_that_word() {
    let gate = Gate::with_production("", "ids = [\"src-stage\"]", "", "ids = [\"dst-live\"]");
    let body = |id: &str| {
        format!(
            "{{\"Meta\":{{\"DataModel\":\"Results\",\"Source\":{{\"ID\":\"src-stage\"}},\"Destinations\":[{{\"ID\":\"{id}\"}}]}}}}"
        )
    };
    let send = |id: &str| {
        let reply = gate.send(1, "POST", "/x", &[("Content-Type", "application/json")], body(id).as_bytes());
        (reply.status(), reply.header("phigate-reason").to_owned())
    };
    assert_eq!(send("other").0, 200);
    assert_eq!(send("dst-live"), (403, "environment_mismatch".to_owned()));
    assert_eq!(gate.upstreams[1].take().len(), 1);
    // However it comes: coded, or too large for a thread that has connections.
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body("dst-live").as_bytes()).expect("writes");
    let coded = gzip.finish().expect("ends");
    let json = ("Content-Type", "application/json");
    let reply = gate.send(1, "POST", "/x", &[json, ("Content-Encoding", "gzip")], &coded);
    assert_eq!(reply.header("phigate-reason"), "environment_mismatch");
    // As inspection reads it: gzip that nothing tells of, and UTF-16.
    let wide: Vec<u8> = body("dst-live").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for body in [&coded, &wide] {
        assert_eq!(
            gate.send(1, "POST", "/x", &[json], body).header("phigate-reason"),
            "environment_mismatch"
        );
    }
    for (id, reason) in [("dst-live", "environment_mismatch"), ("other", "")] {
        let large = format!("{}{}", body(id), " ".repeat(300 << 10));
        assert_eq!(gate.send(1, "POST", "/x", &[json], large.as_bytes()).header("phigate-reason"), reason);
    }
}

#[test]
fn a_key_in_authorization_is_one_for_the_connection_that_says_so_alone() {
    let upstream = crate::support::Upstream::start();
    let gate = Gate::also(&format!(
        "[[connection]]\nname = \"by-bearer\"\nenvironment = \"staging\"\nupstream = \"http://{}\"\nallow = [\"/bearer\"]\nkey_in_authorization = true\n",
        upstream.address
    ));
    let ask = |path: &str| {
        let mut stream = gate.connect(1);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {}\r\n\r\n", gate.keys[1])
            .expect("writes");
        read_http(&mut stream, false).expect("an answer").status()
    };
    assert_eq!((ask("/bearer/x"), ask("/fhir")), (200, 401));
    assert_eq!(upstream.take().pop().expect("a message").header("authorization"), "");
    assert!(gate.upstreams[1].take().is_empty());
}

/// Answers each message with its own target, on as many connections as come.
fn echoing() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                while let Some(message) = read_http(&mut stream, false) {
                    let target = message.target();
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{target}",
                        target.len()
                    );
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn many_pipelined_messages_are_answered_in_order() {
    let upstream = echoing();
    for flag in ["staging", "production"] {
        let gate = Gate::also(&format!(
            "[[environment]]\nname = \"echo\"\nflag = \"{flag}\"\n[[listener]]\nname = \"echo\"\naddress = \"127.0.0.1:0\"\nenvironment = \"echo\"\ncallers = \"any\"\n[[connection]]\nname = \"to-echo\"\nenvironment = \"echo\"\nupstream = \"http://{upstream}\"\n"
        ));
        // Short ones come in one piece; long ones are more than is kept behind a message at work.
        for body in ["ok".to_owned(), "a ".repeat(1000)] {
            let sent: String = (0..200)
                .map(|n| {
                    let head = format!("/x/{n} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n");
                    let length = body.len();
                    match n % 3 {
                        0 => format!("GET {head}\r\n"),
                        1 => format!("POST {head}Content-Length: {length}\r\n\r\n{body}"),
                        _ => format!(
                            "POST {head}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\n\r\n"
                        ),
                    }
                })
                .collect();
            let mut stream = crate::support::connect(gate.running().address("echo").expect("listens"));
            let mut writer = stream.try_clone().expect("a second handle");
            let writing = std::thread::spawn(move || {
                // In pieces that end anywhere.
                sent.as_bytes().chunks(7001).for_each(|piece| writer.write_all(piece).expect("writes"));
            });
            for n in 0..200 {
                let reply = read_http(&mut stream, false).expect("an answer");
                assert_eq!((reply.status(), &reply.body[..]), (200, format!("/x/{n}").as_bytes()));
            }
            writing.join().expect("writes");
        }
    }
}
