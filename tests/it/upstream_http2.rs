//! HTTP/2 to an upstream: how many messages share a connection, what is sent again, replies.

use crate::http2::{Local, frame, literal, plain, send};
use crate::support::{connect, read_http};
use crate::tunnels::{fill, reset};
use crate::upstreams::{ask, begin, start};
use bytes::Bytes;
use http_body_util::Full;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

/// Bytes of a field that the answer to `/large` has.
const LARGE: usize = 200_000;

/// Speaks HTTP/2 without TLS; answers with the message's authority, `te` and trailers, and two trailers, one of them forged.
/// Counts connections.
pub(crate) fn http2() -> (SocketAddr, Arc<AtomicUsize>) {
    use http_body_util::BodyExt;
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
pub(crate) fn framed(
    answer: impl Fn(u32, usize) -> Vec<u8> + Send + Sync + 'static,
) -> (String, Arc<AtomicUsize>) {
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
    greet(&mut stream)?;
    loop {
        if let (1, id, _) = next(&mut stream)? {
            stream.write_all(&answer(id)).ok()?;
        }
    }
}

/// Reads the preface, and says that messages are taken.
fn greet(stream: &mut TcpStream) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.read_exact(&mut [0; 24]).ok()?;
    stream.write_all(&frame(4, 0, 0, &[])).ok()
}

/// The next frame: its kind, its stream and its payload.
fn next(stream: &mut TcpStream) -> Option<(u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).ok()?;
    Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

/// A head of HTTP/2 that has a status alone.
pub(crate) fn status(stream: u32, flags: u8, status: &str) -> Vec<u8> {
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
    greet(stream)?;
    while next(stream)?.0 != 1 {}
    stream.write_all(answer).ok()
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

/// Speaks HTTP/2 and takes `streams_max` messages at a time on a connection: answers each with the length of its body, all of
/// which it has read. Counts connections.
fn limited(streams_max: u32) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.set_nonblocking(true).expect("set");
    let address = listener.local_addr().expect("address").to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(tokio::task::LocalSet::new().run_until(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Relaxed);
                tokio::task::spawn_local(async move {
                    let mut server = h2::server::Builder::new();
                    let serving = server.max_concurrent_streams(streams_max).handshake(stream);
                    let mut connection = serving.await.expect("HTTP/2");
                    while let Some(Ok((request, reply))) = connection.accept().await {
                        tokio::task::spawn_local(answer_length(request.into_body(), reply));
                    }
                });
            }
        }));
    });
    (address, count)
}

async fn answer_length(mut body: h2::RecvStream, mut reply: h2::server::SendResponse<Bytes>) {
    let mut length = 0;
    while let Some(Ok(data)) = body.data().await {
        length += data.len();
        body.flow_control().release_capacity(data.len()).expect("its own");
    }
    let head = http::Response::builder().header("content-type", "text/plain");
    let mut answer = reply.send_response(head.body(()).expect("a head"), false).expect("sent");
    answer.send_data(length.to_string().into(), true).expect("sent");
}

/// Over an upstream's limit messages waited inside of its connection, and held the window that those before them needed.
#[test]
fn uploads_side_by_side_to_an_upstream_that_takes_few_at_a_time_open_as_many_connections_as_they_need() {
    const MESSAGES: usize = 20;
    let large = Bytes::from(vec![b' '; 100_000]);
    for flag in ["staging", "production"] {
        for streams_max in [1, 5, 100] {
            let (endpoint, connections) = limited(streams_max);
            let gate = start(flag, &[endpoint], "http2 = \"always\"\nreply_head_timeout_ms = 5000");
            let address = gate.running().address("many").expect("listens");
            let post = || http::Request::post("http://a.example/x").header("content-type", "text/plain");
            // The second time over connections that are there.
            for _ in 0..2 {
                let messages = vec![post().body(Full::new(large.clone())).expect("a message"); MESSAGES];
                for answer in send(plain(address), messages) {
                    let answer = answer.expect("an answer");
                    assert_eq!((answer.head.status.as_u16(), &answer.body[..]), (200, &b"100000"[..]));
                }
            }
            let (opened, most) = (connections.load(Relaxed), MESSAGES.div_ceil(streams_max as usize));
            // The second caller may be another thread's.
            assert!((1..=2 * most).contains(&opened), "{opened} in {flag}, of {streams_max} at a time");
        }
    }
}

#[test]
fn a_message_that_an_upstream_says_it_did_nothing_with_is_sent_again_whatever_its_method() {
    let refused = |stream| frame(3, 0, stream, &[0, 0, 0, 7]);
    let goes = |_| frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]); // the last one taken is the first
    for (name, farewell) in [("refused", &refused as &(dyn Fn(u32) -> Vec<u8> + Sync)), ("goes", &goes)] {
        for (flag, method, wanted) in
            [("staging", "POST", 200), ("production", "GET", 200), ("production", "POST", 503)]
        {
            let bytes = farewell(3);
            let (endpoint, connections) =
                framed(
                    move |stream, connection| {
                        if (stream, connection) == (3, 0) { bytes.clone() } else { status(stream, 1, "200") }
                    },
                );
            let gate = start(flag, &[endpoint], "http2 = \"always\"\nejection = { failures = 0 }");
            // One caller, so that one thread has them all.
            let mut caller = connect(gate.running().address("many").expect("listens"));
            let mut ask = |method: &str| {
                let body = if method == "POST" { "Content-Length: 2\r\n\r\n{}" } else { "\r\n" };
                write!(caller, "{method} /x HTTP/1.1\r\nHost: a\r\n{body}").expect("writes");
                read_http(&mut caller, false).expect("an answer")
            };
            assert_eq!(ask("GET").status(), 200);
            let reply = ask(method);
            assert_eq!(reply.status(), wanted, "{name}: {method} in {flag}");
            let sent_again = gate.metric("phigate_upstream_retries_total{how=\"same_endpoint\"}");
            if wanted == 200 {
                assert_eq!((sent_again, connections.load(Relaxed)), (1, 2), "{name}: {method} in {flag}");
            } else {
                // Its body streamed, and is gone.
                assert_eq!(reply.header("phigate-reason"), "upstream_unavailable");
                assert_eq!((sent_again, connections.load(Relaxed)), (0, 1), "{name}");
            }
        }
    }
}

#[test]
fn nothing_of_a_message_is_written_before_an_upstream_has_said_that_it_speaks_http2() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("binds");
    let other = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = |listener: &TcpListener| listener.local_addr().expect("address").to_string();
    let endpoints = [address(&silent), address(&other)];
    std::thread::spawn(move || {
        for mut stream in other.incoming().flatten() {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let more = "http2 = \"always\"\nconnect_timeout_ms = 300\nejection = { failures = 0 }";
    for (endpoint, reason) in endpoints.iter().zip(["upstream_timeout", "upstream_connect"]) {
        let gate = start("production", std::slice::from_ref(endpoint), more);
        assert_eq!(ask(&gate, "POST").header("phigate-reason"), reason);
    }
    let mut heard = Vec::new();
    let (mut stream, _) = silent.accept().expect("a connection");
    stream.read_to_end(&mut heard).expect("it is closed");
    assert!(heard.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    let mut frames = &heard[24..];
    while let [a, b, c, kind, ..] = *frames {
        assert_ne!(kind, 1, "a head");
        frames = &frames[9 + u32::from_be_bytes([0, a, b, c]) as usize..];
    }
    // So another endpoint may have it, whatever its method.
    let (there, _) = framed(|stream, _| status(stream, 1, "200"));
    let gate = start(
        "production",
        &[endpoints[0].clone(), endpoints[1].clone(), there],
        &format!("{more}\nretries_max = 2"),
    );
    for _ in 0..6 {
        assert_eq!(ask(&gate, "POST").status(), 200);
    }
}

#[test]
fn a_connection_of_http2_that_is_idle_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let endpoint = listener.local_addr().expect("address").to_string();
    let gate = start("production", &[endpoint], "http2 = \"always\"\npool_idle_timeout_ms = 50");
    let caller = begin(&gate, "GET");
    let (mut stream, _) = listener.accept().expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    answer_one(&mut stream, &status(1, 1, "200")).expect("a message");
    stream.read_to_end(&mut Vec::new()).expect("the gateway closes it");
    drop(caller);
}

/// Of the first upload 65535 bytes are taken, and no window is given for more: by its reply's end or its caller's alone it is
/// known that nothing of the rest is wanted.
#[test]
fn an_upload_over_http2_that_nobody_wants_any_more_is_reset_though_its_upstream_takes_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let endpoint = listener.local_addr().expect("address").to_string();
    let gate = start("production", &[endpoint], "http2 = \"always\"");
    for replies_whole in [false, true] {
        let mut caller = connect(gate.running().address("many").expect("listens"));
        caller.write_all(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n").expect("writes");
        caller.write_all(&[b'x'; 128 << 10]).expect("writes");
        let (mut stream, _) = listener.accept().expect("a connection");
        greet(&mut stream).expect("HTTP/2");
        let mut taken = 0;
        while taken < 65_535 {
            let (kind, _, payload) = next(&mut stream).expect("a frame");
            taken += if kind == 0 { payload.len() } else { 0 };
        }
        let reply = [status(1, 0, "200"), frame(0, u8::from(replies_whole), 1, b"ok")].concat();
        stream.write_all(&reply).expect("writes");
        caller.read_exact(&mut [0; 12]).expect("a head");
        if !replies_whole {
            fill(&mut caller);
            reset(caller);
        }
        loop {
            if let (3, 1, _) = next(&mut stream).expect("a frame") {
                break; // RST_STREAM
            }
        }
    }
}

#[test]
fn a_head_over_http2_that_names_the_length_of_what_it_hasnt_is_no_large_reply() {
    for (method, code) in [("HEAD", "200"), ("GET", "304")] {
        let (endpoint, _) = framed(move |stream, _| {
            let head = [literal(":status", code), literal("content-length", "50000000")].concat();
            frame(1, 5, stream, &head)
        });
        let gate = start("staging", &[endpoint], "http2 = \"always\"");
        let reply = read_http(&mut begin(&gate, method), true).expect("an answer");
        assert_eq!(reply.status().to_string(), code, "{method}");
    }
}

/// An upstream that takes what is sent slowly has its time for a reply behind the last of it.
#[test]
fn the_limit_on_a_reply_over_http2_begins_behind_the_last_of_a_held_body() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let endpoint = listener.local_addr().expect("address").to_string();
    let gate = start("staging", &[endpoint], "http2 = \"always\"\nreply_head_timeout_ms = 1500");
    let address = gate.running().address("many").expect("listens");
    let body = Bytes::from(vec![b' '; 400_000]);
    let post = http::Request::post("http://a.example/x").header("content-type", "text/plain");
    let post = post.body(Full::new(body.clone())).expect("a message");
    let caller = std::thread::spawn(move || send(plain(address), vec![post]).remove(0).expect("an answer"));
    let (mut stream, _) = listener.accept().expect("a connection");
    greet(&mut stream).expect("HTTP/2");
    let (mut taken, mut told) = (0, 0);
    while taken < body.len() {
        let (kind, _, payload) = next(&mut stream).expect("a frame");
        taken += if kind == 0 { payload.len() } else { 0 };
        // Windows for another 64 KiB, slower than the limit on a reply for all of them together.
        if kind == 0 && taken - told >= 65_535 {
            std::thread::sleep(Duration::from_millis(500));
            told = taken;
            let window = [frame(8, 0, 0, &[0, 0, 0xff, 0xff]), frame(8, 0, 1, &[0, 0, 0xff, 0xff])].concat();
            stream.write_all(&window).expect("writes");
        }
    }
    stream.write_all(&status(1, 5, "200")).expect("writes");
    assert_eq!(caller.join().expect("ends").head.status, 200);
}

#[test]
fn what_a_fresh_connection_over_http2_refuses_is_sent_on_another_one() {
    let (endpoint, connections) = framed(|stream, connection| match connection {
        0 => frame(7, 0, 0, &[0; 8]), // it goes, and took none
        _ => status(stream, 1, "200"),
    });
    let gate = start("staging", &[endpoint], "http2 = \"always\"\nejection = { failures = 0 }");
    assert_eq!(ask(&gate, "POST").status(), 200);
    assert_eq!(connections.load(Relaxed), 2);
}

#[test]
fn a_connection_over_http2_that_answered_too_late_gets_no_other_message() {
    let (endpoint, connections) = framed(|stream, connection| match connection {
        0 => Vec::new(),
        _ => status(stream, 1, "200"),
    });
    let more = "http2 = \"always\"\nreply_head_timeout_ms = 300\nejection = { failures = 0 }";
    let gate = start("production", &[endpoint], more);
    let mut caller = connect(gate.running().address("many").expect("listens"));
    for wanted in [504, 200] {
        caller.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
        assert_eq!(read_http(&mut caller, false).expect("an answer").status(), wanted);
    }
    assert_eq!(connections.load(Relaxed), 2);
}

/// Replies that their callers don't take fill windows of their own: others on the same connection go on.
#[test]
fn callers_that_take_nothing_hold_up_no_other_reply_over_http2() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let endpoint = listener.local_addr().expect("address").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || serve_large(&mut stream));
        }
    });
    let gate = start("production", &[endpoint], "http2 = \"always\"");
    let address = gate.running().address("many").expect("listens");
    // As many on each thread as filled the window of a connection.
    let slow: Vec<_> = (0..40)
        .map(|_| {
            let mut caller = connect(address);
            caller.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
            caller.read_exact(&mut [0; 12]).expect("a head");
            caller
        })
        .collect();
    for _ in 0..8 {
        let mut caller = connect(address);
        caller.write_all(b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
        assert_eq!(read_http(&mut caller, false).expect("an answer").body, b"ok");
    }
    drop(slow);
}

/// Answers each message by its path: with more than a window has, or with two bytes. Sends what windows allow.
fn serve_large(stream: &mut TcpStream) -> Option<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    stream.set_nonblocking(true).ok()?;
    let stream = stream.try_clone().ok()?;
    runtime.block_on(tokio::task::LocalSet::new().run_until(async move {
        let stream = tokio::net::TcpStream::from_std(stream).ok()?;
        let mut connection = h2::server::handshake(stream).await.ok()?;
        while let Some(Ok((request, mut reply))) = connection.accept().await {
            let body = if request.uri().path() == "/large" { vec![b'x'; 16 << 20] } else { b"ok".to_vec() };
            let mut sending = reply.send_response(http::Response::new(()), false).ok()?;
            sending.send_data(body.into(), true).ok()?;
        }
        Some(())
    }))
}
