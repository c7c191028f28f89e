//! Attacks on the framing of requests, by the byte: each test is named after its class, and looks at the very bytes
//! that reached the upstream.

use crate::support::{Gate, OK, read_http};
use std::io::{Read, Write};

/// What an attacker wants to reach the upstream as a message of its own.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: gate\r\n\r\n";

/// Sends heads with the key, each with a smuggled message behind, to staging and production: the answer is a 400, the
/// last of its connection, and no byte reaches an upstream.
fn refused(cases: &[&str]) {
    let gate = Gate::start();
    for environment in [1, 2] {
        for case in cases {
            let bytes =
                case.replace("KEY", &format!("Host: gate\r\nPhigate-Key: {}", gate.keys[environment]));
            let mut stream = gate.connect(environment);
            let _ = stream.write_all((bytes + SMUGGLED).as_bytes());
            let reply = read_http(&mut stream, false).expect("an answer");
            assert_eq!((reply.status(), reply.header("phigate-reason")), (400, "bad_request"), "{case:?}");
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            assert!(rest.is_empty(), "{case:?} is answered twice");
            assert!(gate.upstreams[environment].take_bytes().is_empty(), "{case:?} reaches the upstream");
        }
    }
}

#[test]
fn cl_te_a_length_with_chunks() {
    refused(&[
        "POST /x HTTP/1.1\r\nKEY\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nKEY\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]);
}

#[test]
fn te_cl_chunks_with_a_length() {
    refused(&["POST /x HTTP/1.1\r\nKEY\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n"]);
}

#[test]
fn te_te_codings_that_one_side_may_not_see() {
    refused(
        &[
            "chunked\r\nTransfer-Encoding: chunked",
            "chunked\r\nTransfer-Encoding: identity",
            "identity",
            "xchunked",
            "chunked, chunked",
            "gzip, chunked",
            "chunked, identity",
            "\"chunked\"",
            "chunked;q=1",
            "\x0bchunked",
            "",
        ]
        .map(|te| format!("POST /x HTTP/1.1\r\nKEY\r\nTransfer-Encoding: {te}\r\n\r\n0\r\n\r\n"))
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>(),
    );
    refused(&[
        "POST /x HTTP/1.1\r\nKEY\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nKEY\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nKEY\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ]);
}

#[test]
fn te_0_chunks_in_http_1_0() {
    refused(&["POST /x HTTP/1.0\r\nKEY\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]);
}

#[test]
fn cl_cl_lengths_that_read_in_two_ways() {
    refused(
        &[
            "1\r\nContent-Length: 2",
            "1\r\nContent-Length: 1",
            "1, 1",
            "+1",
            "-1",
            "0x1",
            "1 1",
            "1.0",
            "",
            "1_0",
        ]
        .map(|cl| format!("POST /x HTTP/1.1\r\nKEY\r\nContent-Length: {cl}\r\n\r\nx"))
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>(),
    );
    refused(&["POST /x HTTP/1.1\r\nKEY\r\nContent-Length: 18446744073709551616\r\n\r\nx"]);
}

#[test]
fn line_ends_folds_and_controls_that_split_a_head() {
    refused(&[
        "GET /x HTTP/1.1\nKEY\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nX: a\n\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nX: a\rb\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nX: a\r\n folded\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nX: a\r\n\tfolded\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nX: a\0b\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nX\0: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\n: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nno colon\r\n\r\n",
    ]);
}

#[test]
fn methods_and_targets_that_are_none() {
    refused(&[
        "G(T /x HTTP/1.1\r\nKEY\r\n\r\n",
        "GET  /x HTTP/1.1\r\nKEY\r\n\r\n",
        "GET /x y HTTP/1.1\r\nKEY\r\n\r\n",
        "GET\t/x HTTP/1.1\r\nKEY\r\n\r\n",
        "GET x HTTP/1.1\r\nKEY\r\n\r\n",
        "GET * HTTP/1.1\r\nKEY\r\n\r\n",
        "GET /x#y HTTP/1.1\r\nKEY\r\n\r\n",
        "GET /\u{e9} HTTP/1.1\r\nKEY\r\n\r\n",
        "GET /x http/1.1\r\nKEY\r\n\r\n",
        "GET /x\r\nKEY\r\n\r\n",
    ]);
}

#[test]
fn host_confusion_two_names_for_one_message() {
    refused(&[
        "GET http://other/x HTTP/1.1\r\nKEY\r\n\r\n",
        "GET http://gate@other/x HTTP/1.1\r\nKEY\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nHost: gate\r\n\r\n",
        "GET /x HTTP/1.1\r\nKEY\r\nhost: other\r\n\r\n",
    ]);
}

#[test]
fn path_confusion_segments_that_read_in_two_ways() {
    let gate = Gate::start();
    for environment in [1, 2] {
        for path in [
            "/a/..%2fb",
            "/a%5cb",
            "/a%00",
            "/a/../b",
            "/a/%2e%2e/b",
            "/a/.%2E/b",
            "/a/..;/b",
            "/a/%2e%2e;/b",
            "/a/..%3b/b",
            "/a/.;/b",
            "/a/..;x=1/b",
            "/a/%c0%ae%c0%ae/b",
        ] {
            let reply = gate.send(environment, "GET", path, &[], b"");
            assert_eq!((reply.status(), reply.header("phigate-reason")), (400, "bad_request"), "{path}");
            assert!(gate.upstreams[environment].take_bytes().is_empty(), "{path} reaches the upstream");
        }
    }
}

#[test]
fn identity_spoofing_in_every_spelling_and_connection_as_an_eraser() {
    let gate = Gate::start();
    for environment in [1, 2] {
        let sent = [
            ("Authorization", "Bearer theirs"),
            ("X-Kept", "1"),
            ("X-Forwarded-For", "198.51.100.66"),
            ("x_forwarded_for", "198.51.100.66"),
            ("X-Forwarded_Proto", "198.51.100.66"),
            ("Forwarded", "for=198.51.100.66"),
            ("X_Real_IP", "198.51.100.66"),
            ("PHIGATE_ENVIRONMENT", "198.51.100.66"),
            ("Transfer_Encoding", "198.51.100.66"),
        ];
        for erased in ["X-Forwarded-For", "authorization", "close, X-Kept"] {
            let eraser = [&[("Connection", erased)], &sent[..]].concat();
            let reply = gate.send(environment, "GET", "/x", &eraser, b"");
            assert_eq!((reply.status(), reply.header("phigate-reason")), (400, "bad_request"), "{erased}");
        }
        assert!(gate.upstreams[environment].take_bytes().is_empty());
        assert_eq!(gate.send(environment, "GET", "/x", &sent, b"").status(), 200);
        let bytes = String::from_utf8(gate.upstreams[environment].take_bytes()).expect("text");
        let bytes = bytes.to_ascii_lowercase();
        assert!(!bytes.contains("198.51.100.66") && !bytes.contains("phigate"), "{bytes}");
        for kept in ["x-forwarded-for: 127.0.0.1\r\n", "authorization: bearer theirs\r\n", "x-kept: 1\r\n"] {
            assert!(bytes.contains(kept), "{kept} is lost: {bytes}");
        }
    }
}

#[test]
fn trailer_smuggling_headers_behind_a_body() {
    let gate = Gate::start();
    for environment in [1, 2] {
        let names = "X-Sum, X-Forwarded-For, x_real_ip, Phigate-Record, Authorization, Content-Length, Host";
        let sent = format!(
            "POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\nContent-Type: text/plain\r\nTrailer: {names}\r\n\
             Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Unlisted: 198.51.100.66\r\n\
             X-Forwarded-For: 198.51.100.66\r\nx_real_ip: 198.51.100.66\r\nPhigate-Record: 66\r\n\
             Authorization: spoofed\r\nContent-Length: 66\r\nHost: spoofed\r\n\r\n",
            gate.keys[environment]
        );
        let mut stream = gate.connect(environment);
        stream.write_all(sent.as_bytes()).expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
        let bytes = String::from_utf8(gate.upstreams[environment].take_bytes()).expect("text");
        let bytes = bytes.to_ascii_lowercase();
        let spoofs = ["spoofed", "phigate", ": 66", "x_real_ip"];
        assert!(spoofs.iter().all(|spoof| !bytes.contains(spoof)), "{bytes}");
        assert!(!bytes.contains("x-forwarded-for: 198"), "{bytes}");
        assert!(bytes.contains("x-sum: 1\r\n"), "the listed trailer is lost: {bytes}");
    }
}

#[test]
fn chunk_extensions_and_broken_chunks_never_reach_the_upstream() {
    let gate = Gate::start();
    for environment in [1, 2] {
        for chunks in
            ["2;a=b\r\nok\r\n0;c\r\n\r\n", "2\nok\r\n0\r\n\r\n", "0x2\r\nok\r\n0\r\n\r\n", "2\r\nok0\r\n\r\n"]
        {
            let head = format!("POST /x HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}", gate.keys[environment]);
            let head = format!("{head}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n");
            let mut stream = gate.connect(environment);
            stream.write_all(format!("{head}{chunks}").as_bytes()).expect("writes");
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut reply = Vec::new();
            let _ = stream.read_to_end(&mut reply);
            let bytes = gate.upstreams[environment].take_bytes();
            let text = String::from_utf8_lossy(&bytes);
            assert!(
                !text.contains(';') && !text.contains("0x2") && !text.contains("ok0"),
                "{chunks:?}: {text}"
            );
        }
    }
}

#[test]
fn h2c_smuggling_an_upgrade_that_hides_a_connection() {
    let gate = Gate::start();
    for environment in [1, 2] {
        for asked in ["Upgrade, HTTP2-Settings", "Upgrade", "close"] {
            // Common clients offer it with any message: that is answered as HTTP/1.1, and the upstream hears of no offer.
            let headers = [("Connection", asked), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAARAAAAA")];
            for (method, body) in [("GET", &b""[..]), ("POST", b"{}")] {
                let reply = gate.send(environment, method, "/x", &headers, body);
                assert_eq!(reply.status(), 200, "{asked}: {}", reply.start);
                let bytes = gate.upstreams[environment].take_bytes();
                let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                assert!(text.starts_with(&format!("{} /x http/1.1\r\n", method.to_lowercase())));
                assert!(
                    ["h2c", "upgrade", "http2-settings"].iter().all(|word| !text.contains(word)),
                    "{text}"
                );
            }
            // An answer reaches who is still sending, as without the offer.
            let mut stream = gate.connect(environment);
            let head = format!(
                "Connection: {asked}\r\nUpgrade: h2c\r\nPhigate-Key: wrong\r\nContent-Length: 3000000\r\n"
            );
            write!(stream, "POST /x HTTP/1.1\r\nHost: gate\r\n{head}\r\n").expect("writes");
            let body = vec![b'x'; 3_000_000];
            let _ = stream.write_all(&body); // until it is refused
            assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 401, "{asked}");
            // Beside another protocol it is an attempt.
            let headers = [("Connection", asked), ("Upgrade", "websocket, h2c")];
            assert!(gate.send(environment, "GET", "/x", &headers, b"").status() >= 400, "{asked}");
            assert!(gate.upstreams[environment].take_bytes().is_empty(), "{asked} reaches the upstream");
        }
    }
}

#[test]
fn rules_on_headers_hold_in_every_spelling_and_behind_the_body() {
    let rules = "remove_headers = [\"X-User-Id\"]\nset_headers = { X-Source = \"phigate\" }";
    let gate = Gate::with_all(
        "",
        "",
        rules,
        "",
        "[[listener]]\nname = \"named\"\naddress = \"127.0.0.1:0\"\nenvironment = \"staging\"\ncallers = \"any\"\nenvironment_header = \"X-Environment\"\n",
    );
    let spoofs = ["X-User-Id", "X_User_Id", "x-user_id", "X-Source", "x_source", "X_Environment"];
    let send = |fields: String, trailers: &[&str]| {
        let mut stream = crate::support::connect(gate.running().address("named").expect("listens"));
        let listed = trailers.join(", ");
        let trailers: String = trailers.iter().map(|name| format!("{name}: spoofed\r\n")).collect();
        write!(
            stream,
            "POST /x HTTP/1.1\r\nHost: gate\r\nContent-Type: text/plain\r\n{fields}Trailer: X-Sum, {listed}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{trailers}X-Sum: 1\r\n\r\n"
        )
        .expect("writes");
        read_http(&mut stream, false).expect("an answer")
    };
    let fields = spoofs[..5].iter().map(|name| format!("{name}: spoofed\r\n")).collect();
    assert_eq!(send(fields, &spoofs).status(), 200);
    let bytes = String::from_utf8(gate.upstreams[1].take_bytes()).expect("text").to_ascii_lowercase();
    assert!(!bytes.contains("spoofed") && !bytes.contains("user"), "{bytes}");
    assert!(bytes.contains("x-source: phigate\r\n") && bytes.contains("x-sum: 1\r\n"), "{bytes}");
    for name in ["X-Environment", "X_Environment", "x_environment"] {
        let reply = send(format!("{name}: production\r\n"), &[]);
        assert_eq!((reply.status(), reply.header("phigate-reason")), (403, "environment_mismatch"), "{name}");
    }
    let both = send("X-Environment: staging\r\nX_Environment: production\r\n".to_owned(), &[]);
    assert_eq!((both.status(), both.header("phigate-reason")), (404, "environment_unknown"));
    assert!(gate.upstreams[1].take_bytes().is_empty());
}

#[test]
fn response_splitting_and_desync_by_an_upstream_are_its_fault_and_nothing_of_them_is_passed_on() {
    let gate = Gate::start();
    let flood =
        "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(20_000) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for reply in [
        // Surplus bytes: whoever asks next would get them.
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok\r\n",
        "HTTP/1.1 204 No Content\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nX",
        // A bare LF, a folded line, a blank before the colon: one reader's header is another's text.
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        "HTTP/1.1 200 OK\r\nX: a\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 205 Reset Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        &flood,
    ] {
        for environment in [1, 2] {
            gate.upstreams[environment].answer(reply.as_bytes());
            let got = gate.send(environment, "GET", "/x", &[], b"");
            let what: String = reply.chars().take(80).collect();
            assert_eq!((got.status(), got.header("phigate-reason")), (502, "upstream_invalid"), "{what:?}");
            assert!(got.header("set-cookie").is_empty(), "{what:?}");
        }
    }
    for environment in [1, 2] {
        gate.upstreams[environment].answer(OK);
        assert_eq!(gate.send(environment, "GET", "/x", &[], b"").status(), 200, "on a fresh connection");
        for empty in ["Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"] {
            gate.upstreams[environment].answer(format!("HTTP/1.1 205 Reset Content\r\n{empty}").as_bytes());
            assert_eq!(gate.send(environment, "GET", "/x", &[], b"").status(), 205, "{empty}");
        }
    }
}

#[test]
fn hosts_that_are_none_are_refused_by_our_own_answer() {
    let gate = Gate::with_connection("", "", "host = \"caller\"");
    let key = &gate.keys[1];
    let hosts = [
        "gate:80:80",
        "gate:80:evil",
        "[gate",
        "gate]",
        "[::1",
        "::1",
        "[]",
        ":80",
        "gate:",
        "gate:x",
        "gate:99999",
        "..",
        "a..b",
    ];
    let before = gate.metric("phigate_refusals_total{environment=\"unresolved\",reason=\"bad_request\"}");
    for host in hosts {
        for head in [
            format!("GET /x HTTP/1.1\r\nHost: {host}"),
            format!("GET http://{host}/x HTTP/1.1\r\nHost: {host}"),
        ] {
            let mut stream = gate.connect(1);
            write!(stream, "{head}\r\nPhigate-Key: {key}\r\n\r\n").expect("writes");
            let reply = read_http(&mut stream, false).expect("an answer");
            assert_eq!((reply.status(), reply.header("phigate-reason")), (400, "bad_request"), "{head:?}");
            assert!(!reply.header("phigate-record").is_empty(), "{head:?}");
        }
    }
    let after = gate.metric("phigate_refusals_total{environment=\"unresolved\",reason=\"bad_request\"}");
    assert_eq!(after - before, 2 * hosts.len() as u64);
    assert!(gate.upstreams[1].take_bytes().is_empty());
    for host in ["gate", "gate:8080", "[2001:db8::1]:80", "gate.example."] {
        let mut stream = gate.connect(1);
        write!(stream, "GET /x HTTP/1.1\r\nHost: {host}\r\nPhigate-Key: {key}\r\n\r\n").expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
        assert_eq!(gate.upstreams[1].take()[0].header("host"), host);
    }
}
