//! HTTP/2 on listeners: what goes through, what is refused, and floods.

use crate::certificates::{Authority, tls};
use crate::support::{Gate, PATIENT, connect, read_http};
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

pub(crate) const CLEARTEXT: &str =
    "[[listener]]\nname = \"h2\"\naddress = \"127.0.0.1:0\"\nhttp2_cleartext = true\n";

pub(crate) struct Answer {
    pub(crate) head: http::response::Parts,
    /// Nothing followed the head.
    pub(crate) is_head_alone: bool,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<http::HeaderMap>,
}

/// Sends messages side by side on one connection.
pub(crate) fn send(
    io: impl FnOnce() -> Io,
    requests: Vec<http::Request<Full<Bytes>>>,
) -> Vec<Result<Answer, String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        let local = tokio::task::LocalSet::new();
        let io = io();
        local
            .run_until(async move {
                let io = TokioIo::new(io().await);
                let (sender, connection) =
                    hyper::client::conn::http2::handshake(Local, io).await.expect("HTTP/2");
                tokio::task::spawn_local(async move {
                    let _ = connection.await;
                });
                let sent = requests.into_iter().map(|request| {
                    let mut sender = sender.clone();
                    tokio::task::spawn_local(async move {
                        let (head, body) =
                            sender.send_request(request).await.map_err(|e| e.to_string())?.into_parts();
                        let is_head_alone = body.is_end_stream();
                        let whole = body.collect().await.map_err(|e| e.to_string())?;
                        let trailers = whole.trailers().cloned();
                        Ok(Answer { head, is_head_alone, body: whole.to_bytes(), trailers })
                    })
                });
                let mut answers = Vec::new();
                for answer in sent.collect::<Vec<_>>() {
                    answers.push(answer.await.expect("ends"));
                }
                answers
            })
            .await
    })
}

type Stream = Box<dyn Both>;
pub(crate) type Io = Box<dyn FnOnce() -> std::pin::Pin<Box<dyn Future<Output = Stream>>>>;
pub(crate) trait Both: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin {}
impl<T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin> Both for T {}

/// What belongs to a connection stays on its thread.
#[derive(Clone)]
pub(crate) struct Local;
impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}

pub(crate) fn plain(address: SocketAddr) -> impl FnOnce() -> Io {
    move || {
        Box::new(move || {
            Box::pin(async move {
                Box::new(tokio::net::TcpStream::connect(address).await.expect("connects")) as Stream
            })
        })
    }
}

fn request(gate: &Gate, environment: usize, method: &str, target: &str) -> http::request::Builder {
    http::Request::builder().method(method).uri(target).header("phigate-key", &gate.keys[environment])
}

#[test]
fn messages_run_side_by_side_and_reach_an_upstream_of_http_1() {
    let gate = Gate::also(CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    let post = |body: &'static str| {
        request(&gate, 1, "POST", "http://a.example/x?y=1")
            .header("content-type", "text/plain")
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .header("te", "trailers")
            .body(Full::from(body))
            .expect("request")
    };
    let answers = send(plain(address), (0..20).map(|_| post("hello")).collect());
    assert_eq!(answers.len(), 20);
    for answer in answers {
        let answer = answer.expect("an answer");
        assert_eq!((answer.head.status.as_u16(), &answer.body[..]), (200, &b"{}"[..]));
        assert!(answer.head.headers.contains_key("phigate-record"));
    }
    let got = gate.upstreams[1].take();
    assert_eq!(got.len(), 20);
    let first = &got[0];
    assert_eq!((first.start.as_str(), &first.body[..]), ("POST /x?y=1 HTTP/1.1", &b"hello"[..]));
    assert_eq!(first.header("x-forwarded-host"), "a.example");
    assert_eq!(first.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case("cookie")).count(), 1);
    assert_eq!((first.header("cookie"), first.header("te")), ("a=1; b=2", ""));
}

#[test]
fn likely_phi_is_refused_and_trailers_come_through() {
    let gate = Gate::also(CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    gate.upstreams[2].answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, Phigate-Record\r\n\r\n2\r\nok\r\n0\r\nPhigate-Record: forged\r\nPhigate_Reason: forged\r\nKeep-Alive: 1\r\nX-Sum: 2\r\n\r\n");
    let refused = request(&gate, 1, "POST", "http://a.example/x")
        .header("content-type", "application/fhir+json")
        .body(Full::from(PATIENT))
        .expect("request");
    let passed = request(&gate, 2, "GET", "http://a.example/x").body(Full::default()).expect("request");
    let answers: Vec<_> =
        send(plain(address), vec![refused, passed]).into_iter().map(|a| a.expect("an answer")).collect();
    assert_eq!(answers[0].head.status, 422);
    assert_eq!(answers[0].head.headers["phigate-reason"], "likely_phi");
    assert!(!String::from_utf8_lossy(&answers[0].body).contains("Okafor"));
    assert!(gate.upstreams[1].take().is_empty());
    assert_eq!((answers[1].head.status.as_u16(), &answers[1].body[..]), (200, &b"ok"[..]));
    let trailers = answers[1].trailers.as_ref().expect("trailers");
    assert_eq!((trailers.len(), &trailers["x-sum"]), (1, &http::HeaderValue::from_static("2")));
    assert!(!answers[1].head.headers["trailer"].to_str().expect("text").contains("phigate"));
}

#[test]
fn http_2_is_agreed_by_alpn() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("folder");
    let certificate = authority.issue("a.example").write(folder.path(), "a");
    let gate = Gate::also(&format!(
        "[[listener]]\nname = \"tls\"\naddress = \"127.0.0.1:0\"\n[listener.tls]\ncertificates = [{certificate}]\n"
    ));
    let address = gate.running().address("tls").expect("listens");
    let client = authority.client(None, &["h2", "http/1.1"]);
    let io = move || -> Io {
        Box::new(move || {
            Box::pin(async move {
                let stream = tokio::net::TcpStream::connect(address).await.expect("connects");
                let name = rustls::pki_types::ServerName::try_from("a.example").expect("a name");
                let stream =
                    tokio_rustls::TlsConnector::from(client).connect(name, stream).await.expect("TLS");
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                Box::new(stream) as Stream
            })
        })
    };
    let get = |host: &str| {
        request(&gate, 1, "GET", &format!("https://{host}/x")).body(Full::default()).expect("request")
    };
    let answers = send(io, vec![get("a.example"), get("b.example")]);
    let statuses: Vec<_> = answers.into_iter().map(|a| a.expect("an answer").head.status.as_u16()).collect();
    assert_eq!(statuses, [200, 421]);
    assert_eq!(gate.upstreams[1].take()[0].header("x-forwarded-proto"), "https");
    // Whoever offers nothing speaks HTTP/1.1.
    let mut stream = tls(address, "a.example", authority.client(None, &[]));
    write!(stream, "GET /x HTTP/1.1\r\nHost: a.example\r\nPhigate-Key: {}\r\n\r\n", gate.keys[1])
        .expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
}

#[test]
fn heads_that_would_mean_something_else_downstream_are_refused() {
    let gate = Gate::also(CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    let get = || request(&gate, 1, "GET", "http://a.example/x");
    let requests = [
        get().header("host", "b.example"),
        get().header("x-padded", "a").header("content-length", "0").header("content-length", "0"),
        request(&gate, 1, "GET", "http://a.example/x/../y"),
    ];
    let requests = requests.map(|r| r.body(Full::default()).expect("request"));
    for answer in send(plain(address), requests.into()) {
        assert_eq!(answer.expect("an answer").head.status, 400);
    }
    assert!(gate.upstreams[1].take().is_empty());
}

#[test]
fn without_leave_a_plain_listener_takes_no_http_2_and_http_1_still_works_with_it() {
    let gate = Gate::also(CLEARTEXT);
    let mut stream = gate.connect(1);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("writes");
    let refused = read_http(&mut stream, false).expect("an answer");
    assert_eq!((refused.status(), refused.header("phigate-reason")), (505, "version_refused"));
    let mut stream = connect(gate.running().address("h2").expect("listens"));
    // In two pieces, the first of which both protocols could begin with.
    stream.write_all(b"P").expect("writes");
    write!(
        stream,
        "OST /x HTTP/1.1\r\nHost: a\r\nPhigate-Key: {}\r\nContent-Length: 0\r\n\r\n",
        gate.keys[1]
    )
    .expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
}

#[test]
fn a_host_alone_is_as_good_as_an_authority() {
    let gate = Gate::also(CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    let get = |host: &str| {
        let request = request(&gate, 1, "GET", "/x").header("host", host);
        request.body(Full::default()).expect("request")
    };
    let answers = send(plain(address), vec![get("a.example:8443"), get("a.example:"), get("..")]);
    let statuses: Vec<_> = answers.into_iter().map(|a| a.expect("an answer").head.status.as_u16()).collect();
    assert_eq!(statuses, [200, 400, 400]);
    let got = gate.upstreams[1].take();
    assert_eq!((got.len(), got[0].header("x-forwarded-host")), (1, "a.example:8443"));
}

#[test]
fn a_body_whose_stream_is_reset_without_an_error_has_broken_off() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let upstream = listener.local_addr().expect("address");
    let gate = Gate::also(&format!(
        "[[environment]]\nname = \"two\"\nflag = \"production\"\n[[listener]]\nname = \"two\"\naddress = \"127.0.0.1:0\"\nenvironment = \"two\"\ncallers = \"any\"\nhttp2_cleartext = true\n[[connection]]\nname = \"to-two\"\nenvironment = \"two\"\nupstream = \"http://{upstream}\"\n"
    ));
    let mut caller = connect(gate.running().address("two").expect("listens"));
    let fields = [(":method", "POST"), (":scheme", "http"), (":path", "/x"), (":authority", "a")];
    let head: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let frames = [frame(4, 0, 0, &[]), frame(1, 4, 1, &head), frame(0, 0, 1, b"half")].concat();
    caller.write_all(&[&preface[..], &frames].concat()).expect("writes");
    let (mut stream, _) = listener.accept().expect("accepts");
    let mut came = Vec::new();
    while !came.ends_with(b"half\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("reads");
        came.extend(byte);
    }
    caller.write_all(&frame(3, 0, 1, &[0; 4])).expect("writes");
    // The gateway breaks off; it doesn't end the body.
    let mut rest = [0; 5];
    assert_eq!(stream.read(&mut rest).unwrap_or(0), 0, "nothing more comes");
}

/// A reset behind the answer is an error to callers that are still sending, who never look at the answer then.
#[test]
fn who_is_refused_may_send_the_rest() {
    let gate = Gate::also(CLEARTEXT);
    let mut caller = connect(gate.running().address("h2").expect("listens"));
    let fields = [(":method", "POST"), (":scheme", "http"), (":path", "/x"), (":authority", "a")];
    let head: Vec<u8> = fields.iter().flat_map(|(name, value)| literal(name, value)).collect();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let piece = |end| frame(0, end, 1, &[b'x'; 16 * 1024]);
    let begin = [&preface[..], &frame(4, 0, 0, &[]), &frame(1, 4, 1, &head), &piece(0)].concat();
    caller.write_all(&begin).expect("writes");
    let mut came = caller.try_clone().expect("cloned");
    let mut read = || {
        let mut head = [0; 9];
        came.read_exact(&mut head).expect("a frame");
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        came.read_exact(&mut payload).expect("a payload");
        (head[3], head[4], head[8])
    };
    while !matches!(read(), (0, 1, 1)) {} // all of the answer
    let rest = [piece(0), piece(0), piece(1), frame(6, 0, 0, &[7; 8])].concat();
    caller.write_all(&rest).expect("writes");
    loop {
        let (kind, flags, stream) = read();
        assert!(kind != 3, "stream {stream} is reset");
        if kind == 6 && flags == 1 {
            break; // the ping's answer, behind all that came of the rest
        }
    }
}

/// A field as HPACK writes it without a table (RFC 7541, section 6.2.2).
pub(crate) fn literal(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).expect("short");
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

/// Opens a connection, sends frames, and gives the payload of the first HEADERS that comes.
pub(crate) fn first_head(address: SocketAddr, frames: &[u8]) -> Vec<u8> {
    let mut stream = connect(address);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    stream.write_all(&[preface, &frame(4, 0, 0, &[])[..], frames].concat()).expect("writes");
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).expect("a frame");
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).expect("a payload");
        if head[3] == 1 {
            return payload;
        }
    }
}

#[test]
fn a_preflight_that_has_a_body_needs_a_key() {
    let gate = Gate::also(
        "[[listener]]\nname = \"browsers\"\naddress = \"127.0.0.1:0\"\nenvironment = \"production\"\ncors_preflight = true\nhttp2_cleartext = true\n",
    );
    let address = gate.running().address("browsers").expect("listens");
    // :scheme http, :path /, :authority a.
    let head = [
        &[0x02, 7][..],
        b"OPTIONS",
        &[0x86, 0x84, 0x41, 1, b'a'],
        &literal("origin", "http://b"),
        &literal("access-control-request-method", "POST"),
    ]
    .concat();
    let with_body = [frame(1, 4, 1, &head), frame(0, 1, 1, b"smuggled")].concat();
    // :status 200 stands in HPACK's table, 401 doesn't.
    assert_ne!(first_head(address, &with_body)[0], 0x88);
    assert!(gate.upstreams[2].take_bytes().is_empty(), "a body came through without a key");
    assert_eq!(first_head(address, &frame(1, 5, 1, &head))[0], 0x88);
    assert_eq!(gate.upstreams[2].take().len(), 1);
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

#[test]
fn floods_end_their_connection_and_are_counted() {
    let gate = Gate::with_tail("[limits]\nh2_control_frames_max = 100\nhead_timeout_ms = 1000\n", CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    // :method GET, :scheme http, :path /, :authority a: HPACK, RFC 7541, appendix A.
    let head = [0x82, 0x86, 0x84, 0x41, 0x01, b'a'];
    let flood = |make: &dyn Fn(u32) -> Vec<u8>| {
        let mut stream = connect(address);
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("writes");
        stream.write_all(&frame(4, 0, 0, &[])).expect("writes");
        for n in 0..100_000 {
            if stream.write_all(&make(n)).is_err() {
                return;
            }
        }
        panic!("a flood is taken");
    };
    let mut floods = 0;
    let mut counted = |name: &str| {
        floods += 1;
        let line = "phigate_connection_events_total{event=\"h2_flood\"}";
        assert!((0..2000).any(|_| gate.metric(line) == floods), "{name} isn't counted");
    };
    flood(&|_| frame(6, 0, 0, b"12345678"));
    counted("PING");
    flood(&|_| frame(4, 0, 0, &[]));
    counted("SETTINGS");
    flood(&|_| frame(2, 0, 1, &[0, 0, 0, 0, 1]));
    counted("PRIORITY");
    flood(&|_| frame(8, 0, 0, &[0, 0, 0, 1]));
    counted("WINDOW_UPDATE");
    // Headers that never end: CVE-2024-27316.
    flood(&|n| if n == 0 { frame(1, 0, 1, &head) } else { frame(9, 0, 1, &[0x40, 1, b'a', 1, b'b']) });
    // h2 may be first to see this one.
    floods = gate.metric("phigate_connection_events_total{event=\"h2_flood\"}");
    // A body of nothing: CVE-2019-9518.
    flood(&|n| if n == 0 { frame(1, 4, 1, &head) } else { frame(0, 0, 1, &[]) });
    // Rapid reset: CVE-2023-44487.
    flood(&|n| [frame(1, 5, 2 * n + 1, &head), frame(3, 0, 2 * n + 1, &[0, 0, 0, 8])].concat());
    // MadeYouReset, CVE-2025-8671: errors that make the gateway itself reset streams that are at work. A window that
    // overflows, and one that grows by nothing.
    for growth in [[0x7f, 0xff, 0xff, 0xff], [0, 0, 0, 0]] {
        flood(&|n| [frame(1, 4, 2 * n + 1, &head), frame(8, 0, 2 * n + 1, &growth)].concat());
    }
    assert!(
        gate.upstreams.iter().all(|upstream| upstream.take_bytes().is_empty()),
        "a flood reaches an upstream"
    );
    // A head that is never ended is closed like any slow head.
    let mut stream = connect(address);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("writes");
    stream.write_all(&[frame(4, 0, 0, &[]), frame(1, 0, 1, &head)].concat()).expect("writes");
    let mut sink = Vec::new();
    let _ = stream.read_to_end(&mut sink);
    // And the gateway still answers.
    let get = request(&gate, 1, "GET", "http://a.example/x").body(Full::default()).expect("request");
    assert_eq!(send(plain(address), vec![get]).remove(0).expect("an answer").head.status, 200);
    let _ = floods;
}

#[test]
fn a_call_of_grpc_passes_with_its_trailers_from_end_to_end() {
    let (upstream, _) = crate::upstream_http2::http2();
    for (flag, more) in [("production", ""), ("staging", "opaque = [\"application/grpc\"]")] {
        let gate = Gate::also(&format!(
            "[[environment]]\nname = \"grpc\"\nflag = \"{flag}\"\n[[listener]]\nname = \"grpc\"\naddress = \"127.0.0.1:0\"\nenvironment = \"grpc\"\ncallers = \"any\"\nhttp2_cleartext = true\n[[connection]]\nname = \"to-grpc\"\nenvironment = \"grpc\"\nupstream = \"http://{upstream}\"\nhttp2 = \"always\"\n{more}\n"
        ));
        let address = gate.running().address("grpc").expect("listens");
        let call = http::Request::post(format!("http://{address}/made.Up/Call"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(Bytes::from_static(b"\0\0\0\0\x02hi")))
            .expect("a request");
        let answer = send(plain(address), vec![call]).pop().expect("one").expect("an answer");
        assert_eq!(answer.head.status, 200, "{flag}");
        let told: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(told["length"], 7);
        let trailers = answer.trailers.expect("trailers");
        assert_eq!(trailers["grpc-status"], "0");
        assert!(!trailers.contains_key("phigate-record"), "an upstream's forgery");
    }
}

/// Answers each message of a call with itself, as soon as it is there. Counts calls.
fn echo() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    listener.set_nonblocking(true).expect("set");
    let (address, calls) = (listener.local_addr().expect("address"), Arc::new(AtomicUsize::new(0)));
    let counted = calls.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        runtime.block_on(tokio::task::LocalSet::new().run_until(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let counted = counted.clone();
                let service =
                    hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                        counted.fetch_add(1, Relaxed);
                        let reply = http::Response::builder().header("content-type", "application/grpc");
                        std::future::ready(reply.body(request.into_body()))
                    });
                tokio::task::spawn_local(async move {
                    let serving = hyper::server::conn::http2::Builder::new(Local);
                    let _ = serving.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        }));
    });
    (address, calls)
}

/// A call whose sides speak in turn: neither ends before the other has said something.
#[test]
fn a_call_of_grpc_streams_both_ways_where_its_connection_takes_it_unread_and_is_refused_at_once_elsewhere() {
    let (upstream, calls) = echo();
    for (flag, more, passes) in [
        ("production", "", true),
        ("staging", "opaque = [\"application/grpc\"]", true),
        ("staging", "opaque = [\"application/pdf\"]", false),
    ] {
        let before = calls.load(Relaxed);
        let gate = Gate::also(&format!(
            "[[environment]]\nname = \"grpc\"\nflag = \"{flag}\"\n[[listener]]\nname = \"grpc\"\naddress = \"127.0.0.1:0\"\nenvironment = \"grpc\"\ncallers = \"any\"\nhttp2_cleartext = true\n[[connection]]\nname = \"to-grpc\"\nenvironment = \"grpc\"\nupstream = \"http://{upstream}\"\nhttp2 = \"always\"\n{more}\n"
        ));
        let address = gate.running().address("grpc").expect("listens");
        let call = async {
            let stream = tokio::net::TcpStream::connect(address).await.expect("connects");
            let (mut sender, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
            tokio::task::spawn_local(connection);
            let head = http::Request::post(format!("http://{address}/made.Up/Talk"))
                .header("content-type", "application/grpc")
                .header("te", "trailers");
            let (reply, mut speak) =
                sender.send_request(head.body(()).expect("a head"), false).expect("sent");
            let first = Bytes::from_static(b"\0\0\0\0\x02hi");
            speak.send_data(first.clone(), false).expect("sent");
            let (head, mut hear) = reply.await.expect("an answer before the end").into_parts();
            assert_eq!(head.status, 200);
            if !passes {
                assert_eq!(head.headers["grpc-status"], "3");
                assert_eq!(head.headers["phigate-reason"], "uninspected");
                return;
            }
            assert_eq!(hear.data().await.expect("more").expect("data"), first);
            let last = Bytes::from_static(b"\0\0\0\0\x03bye");
            speak.send_data(last.clone(), true).expect("sent");
            assert_eq!(hear.data().await.expect("more").expect("data"), last);
            while let Some(data) = hear.data().await {
                assert!(data.expect("an end").is_empty());
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        let (local, in_time) = (tokio::task::LocalSet::new(), Duration::from_secs(20));
        let ended = runtime.block_on(local.run_until(async { tokio::time::timeout(in_time, call).await }));
        ended.expect("nobody waits for the other");
        assert_eq!(calls.load(Relaxed) - before, usize::from(passes), "{flag}");
    }
}

#[test]
fn a_stream_that_nobody_takes_is_reset_beside_a_lively_one() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let upstream = listener.local_addr().expect("address");
    for flag in ["production", "staging"] {
        let gate = Gate::with_tail(
            "[limits]\nwrite_timeout_ms = 300\n",
            &format!(
                "[[environment]]\nname = \"two\"\nflag = \"{flag}\"\n[[listener]]\nname = \"two\"\naddress = \"127.0.0.1:0\"\nenvironment = \"two\"\ncallers = \"any\"\nhttp2_cleartext = true\n[[connection]]\nname = \"to-two\"\nenvironment = \"two\"\nupstream = \"http://{upstream}\"\nopaque = [\"image/png\"]\n"
            ),
        );
        let mut stream = connect(gate.running().address("two").expect("listens"));
        // Room on the connection, and the usual 65535 bytes on each stream.
        let start = [
            &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
            &frame(4, 0, 0, &[]),
            &frame(8, 0, 0, &[0x3f, 0, 0, 0]),
        ];
        stream.write_all(&start.concat()).expect("writes");
        let get = |n: u32| frame(1, 5, n, &[0x82, 0x86, 0x84, 0x41, 0x01, b'a']);
        stream.write_all(&get(1)).expect("writes");
        let (mut large, _) = listener.accept().expect("accepts");
        read_http(&mut large, false).expect("a message");
        stream.write_all(&get(3)).expect("writes");
        let (mut other, _) = listener.accept().expect("accepts");
        read_http(&mut other, false).expect("another message");
        let answer = |stream: &mut std::net::TcpStream, bytes: usize| {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: {bytes}\r\n\r\n");
            let _ = stream.write_all(&[head.as_bytes(), &vec![1; bytes]].concat());
        };
        let writing = std::thread::spawn(move || answer(&mut large, 300_000));
        // The next frame on a stream, other than DATA.
        let mut next = || loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).expect("a frame");
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            stream.read_exact(&mut payload).expect("a payload");
            if head[8] > 0 && head[3] != 0 {
                return (head[3], head[8]);
            }
        };
        assert_eq!(next(), (1, 1), "{flag}");
        assert_eq!(next(), (3, 1), "{flag}: it is reset");
        answer(&mut other, 2);
        assert_eq!(next(), (1, 3), "{flag}: the other goes on");
        writing.join().expect("writes");
        assert!((0..2000).any(|_| gate.metric("phigate_held_bytes ") == 0), "{flag}: it is still held");
        assert_eq!(gate.metric("phigate_connection_events_total{event=\"write_timeout\"}"), 1);
    }
}
