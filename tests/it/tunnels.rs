//! Upgrades: what switches, what doesn't, and what a tunnel carries.

use crate::http2::{frame, literal};
use crate::support::{Gate, Http, Upstream, connect, metric, read_http};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: made-up\r\n\r\n";
const ASK: &str = "GET /socket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bWFkZSB1cCBmb3IgYSB0ZXN0\r\n\r\n";

/// Answers each first message with `answer`; gives the message and the connection.
fn upstream(answer: &'static str) -> (SocketAddr, Receiver<(Http, TcpStream)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let (told, came) = sync_channel(16);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
            let Some(message) = read_http(&mut stream, false) else { continue };
            stream.write_all(answer.as_bytes()).expect("writes");
            let _ = told.send((message, stream));
        }
    });
    (address, came)
}

fn start(flag: &str, upstream: SocketAddr, more: &str) -> Gate {
    Gate::also(&format!(
        "[[environment]]\nname = \"sockets\"\nflag = \"{flag}\"\n[[listener]]\nname = \"sockets\"\naddress = \"127.0.0.1:0\"\nenvironment = \"sockets\"\ncallers = \"any\"\n[[connection]]\nname = \"to-sockets\"\nenvironment = \"sockets\"\nupstream = \"http://{upstream}\"\n{more}\n"
    ))
}

fn ask(gate: &Gate, bytes: &str) -> TcpStream {
    let mut stream = connect(gate.running().address("sockets").expect("listens"));
    stream.write_all(bytes.as_bytes()).expect("writes");
    stream
}

fn read(stream: &mut TcpStream, wanted: &str) {
    let mut bytes = vec![0; wanted.len()];
    stream.read_exact(&mut bytes).expect("reads");
    assert_eq!(bytes, wanted.as_bytes());
}

#[test]
fn a_switch_in_a_drain_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let mut gate = start("production", listener.local_addr().expect("address"), "");
    let address = gate.running().address("sockets").expect("listens");
    let mut caller = ask(&gate, ASK);
    let (mut other, _) = listener.accept().expect("accepts");
    read_http(&mut other, false).expect("a message");
    std::thread::scope(|scope| {
        scope.spawn(|| gate.stop());
        // It drains once it takes no connection any more.
        let begun = Instant::now();
        while TcpStream::connect(address).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
        other.write_all(SWITCH.as_bytes()).expect("writes");
        let reply = read_http(&mut caller, false).expect("an answer");
        assert_eq!((reply.status(), reply.header("connection")), (101, "upgrade"));
        drop((caller, other));
    });
}

#[test]
fn a_websocket_passes_into_production_and_its_bytes_go_both_ways() {
    let (address, came) = upstream(SWITCH);
    let gate = start("production", address, "");
    let mut caller = ask(&gate, &format!("{ASK}early"));
    let reply = read_http(&mut caller, false).expect("an answer");
    assert_eq!(
        (reply.status(), reply.header("upgrade"), reply.header("connection")),
        (101, "WebSocket", "upgrade")
    );
    assert_eq!(reply.header("sec-websocket-accept"), "made-up");
    let (message, mut other) = came.recv().expect("a message");
    assert_eq!((message.header("upgrade"), message.header("connection")), ("websocket", "upgrade"));
    assert_eq!(message.header("sec-websocket-key"), "bWFkZSB1cCBmb3IgYSB0ZXN0");
    read(&mut other, "early");
    for _ in 0..3 {
        caller.write_all(b"from the caller").expect("writes");
        read(&mut other, "from the caller");
        other.write_all(b"from the upstream").expect("writes");
        read(&mut caller, "from the upstream");
    }
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"switched\"}"), 1);
    let begun = Instant::now();
    drop(caller);
    assert_eq!(other.read(&mut [0]).expect("an end"), 0);
    assert!(begun.elapsed() < Duration::from_secs(1));
    let bytes = || {
        let text = String::from_utf8(gate.admin("/metrics", "").body).expect("text");
        ["request", "response"].map(|way| {
            metric(&text, &format!("phigate_body_bytes_total{{direction=\"{way}\",environment=\"sockets\"}}"))
        })
    };
    drop(other);
    let begun = Instant::now();
    while bytes() != [5 + 3 * 15, 3 * 17] {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", bytes());
    }
}

#[test]
fn where_the_upstream_goes_on_in_http_so_does_the_connection() {
    let (address, _came) = upstream("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    let gate = start("production", address, "");
    let mut caller = ask(&gate, &format!("{ASK}GET /next HTTP/1.1\r\nHost: a\r\n\r\n"));
    for _ in 0..2 {
        let reply = read_http(&mut caller, false).expect("an answer");
        assert_eq!((reply.status(), &*reply.body), (200, &b"no"[..]));
    }
    // What stands behind such a head is read as strictly as any other.
    let mut caller = ask(&gate, &format!("{ASK}GET /next HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"));
    let statuses = [(); 2].map(|()| read_http(&mut caller, false).expect("an answer").status());
    assert_eq!(statuses, [200, 400]);
}

#[test]
fn lower_environments_refuse_unless_the_connection_lists_the_protocol_and_judge_the_handshake() {
    let (address, came) = upstream(SWITCH);
    let gate = start("staging", address, "");
    let reply = read_http(&mut ask(&gate, ASK), false).expect("an answer");
    assert_eq!((reply.status(), reply.header("phigate-reason")), (501, "upgrade_refused"));
    let gate = start("staging", address, "opaque = [\"websocket\"]");
    let with_person =
        ASK.replace("/socket", "/socket?name=Darnell+Okafor&ssn=219-09-4721&birthdate=1962-06-22");
    assert_eq!(read_http(&mut ask(&gate, &with_person), false).expect("an answer").status(), 422);
    assert!(came.try_recv().is_err(), "nothing reached the upstream");
    let mut caller = ask(&gate, ASK);
    assert_eq!(read_http(&mut caller, false).expect("an answer").status(), 101);
    let (_, mut other) = came.recv().expect("a message");
    other.write_all(b"x").expect("writes");
    read(&mut caller, "x");
}

#[test]
fn an_upstream_that_switches_to_something_else_is_a_bad_gateway() {
    let (address, _came) =
        upstream("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    let gate = start("production", address, "");
    assert_eq!(read_http(&mut ask(&gate, ASK), false).expect("an answer").status(), 502);
    let (address, _came) = upstream(SWITCH);
    let gate = start("production", address, "");
    let plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(read_http(&mut ask(&gate, plain), false).expect("an answer").status(), 502);
}

#[test]
fn a_tunnel_in_which_nothing_moves_is_closed_at_both_ends() {
    let (address, came) = upstream(SWITCH);
    let gate = start("production", address, "reply_idle_timeout_ms = 200");
    let mut caller = ask(&gate, ASK);
    assert_eq!(read_http(&mut caller, false).expect("an answer").status(), 101);
    let (_, mut other) = came.recv().expect("a message");
    assert_eq!(other.read(&mut [0]).expect("an end"), 0);
    assert_eq!(caller.read(&mut [0]).expect("an end"), 0);
}

#[test]
fn bytes_behind_a_head_that_asks_to_switch_wait_for_its_answer_and_no_longer() {
    let upstream = Upstream::start();
    let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
    for (flag, first) in [("production", 200), ("staging", 501)] {
        let gate = start(flag, upstream.address, "");
        let mut caller = ask(&gate, &format!("{ASK}{next}{next}"));
        let statuses = [(); 3].map(|()| read_http(&mut caller, false).expect("an answer").status());
        assert_eq!(statuses, [first, 200, 200]);
    }
}

#[test]
fn a_caller_that_leaves_before_the_answer_frees_the_upstream_whatever_it_sent_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let get = "GET /x HTTP/1.1\r\nHost: a\r\n\r\n";
    let post = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
    for flag in ["production", "staging"] {
        let gate = start(flag, address, if flag == "staging" { "opaque = [\"websocket\"]" } else { "" });
        for sent in [
            get.to_owned(),
            format!("{get}{get}"),
            format!("{get}GET /y HTTP/1.1\r\nHo"),
            format!("{get}POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc"),
            format!("{get}GET /y HTTP/1.1\r\n\r\n"),
            format!("{get}{}", get.repeat(3000)), // more than is kept
            format!("{post}{get}"),
            format!("{post}\r\n"),
            ASK.to_owned(),
            format!("{ASK}early bytes"),
            format!("{ASK}{get}"),
        ] {
            let caller = ask(&gate, &sent);
            let (mut taken, _) = listener.accept().expect("accepts");
            taken.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
            read_http(&mut taken, false).expect("a message");
            drop(caller);
            assert_eq!(taken.read(&mut [0]).expect("an end"), 0, "{flag}: {} bytes", sent.len());
        }
    }
}

/// Sends until nothing is taken any more.
pub(crate) fn fill(stream: &mut TcpStream) {
    stream.set_write_timeout(Some(Duration::from_millis(300))).expect("set");
    while stream.write(&[b'x'; 64 << 10]).is_ok() {}
}

/// Leaves without an end.
pub(crate) fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("set");
}

/// Waits until a connection of which nothing is read is reset.
fn is_reset(stream: &TcpStream) {
    let begun = Instant::now();
    while stream.take_error().expect("asked").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it isn't freed");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Listens for connections of which little is taken unread.
fn narrow() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    socket2::SockRef::from(&listener).set_recv_buffer_size(4096).expect("set");
    listener
}

const UPLOAD: &str = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n";

#[test]
fn a_caller_that_resets_its_upload_frees_an_upstream_that_takes_nothing() {
    let listener = narrow();
    let gate = start("production", listener.local_addr().expect("address"), "");
    for replies_first in [false, true] {
        let mut caller = ask(&gate, UPLOAD);
        let (mut taken, _) = listener.accept().expect("accepts");
        taken.read_exact(&mut [0]).expect("a message");
        if replies_first {
            taken.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab").expect("writes");
            caller.read_exact(&mut [0]).expect("reads");
        }
        fill(&mut caller);
        reset(caller);
        is_reset(&taken);
    }
}

#[test]
fn a_message_that_broke_off_frees_an_upstream_that_takes_nothing() {
    let listener = narrow();
    let gate = start("production", listener.local_addr().expect("address"), "");
    // All of it is on its way to the upstream, which doesn't read as far as to its end.
    let mut caller = ask(&gate, UPLOAD);
    let (mut taken, _) = listener.accept().expect("accepts");
    taken.read_exact(&mut [0]).expect("a message");
    caller.write_all(&[b'x'; 128 << 10]).expect("writes");
    drop(caller);
    is_reset(&taken);
}

#[test]
fn a_caller_that_resets_a_websocket_frees_an_upstream_that_takes_nothing() {
    let listener = narrow();
    let gate = start("production", listener.local_addr().expect("address"), "");
    let mut caller = ask(&gate, ASK);
    let (mut taken, _) = listener.accept().expect("accepts");
    read_http(&mut taken, false).expect("a message");
    taken.write_all(SWITCH.as_bytes()).expect("writes");
    assert_eq!(read_http(&mut caller, false).expect("an answer").status(), 101);
    fill(&mut caller);
    reset(caller);
    is_reset(&taken);
}

#[test]
fn an_end_behind_what_nobody_took_yet_cuts_no_upload() {
    let listener = narrow();
    let gate = start("production", listener.local_addr().expect("address"), "");
    let mut caller = ask(&gate, &UPLOAD.replace("50000000", "4000000"));
    let (mut taken, _) = listener.accept().expect("accepts");
    let sender = std::thread::spawn(move || {
        caller.write_all(&vec![b'x'; 4_000_000]).expect("writes");
        caller.shutdown(std::net::Shutdown::Write).expect("ends");
        caller
    });
    // Longer than between two looks: meanwhile nothing is taken.
    std::thread::sleep(Duration::from_millis(1500));
    // A part of it: behind the last of it the caller's end is one.
    taken.read_exact(&mut vec![0; 1 << 16]).expect("it goes on");
    drop(taken);
    drop(sender.join().expect("sends"));
}

#[test]
fn a_stream_of_events_reaches_its_caller_as_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    for (flag, more) in [("production", ""), ("staging", "opaque = [\"text/event-stream\"]")] {
        let gate = start(flag, address, more);
        let mut caller = ask(&gate, "GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
        let (mut taken, _) = listener.accept().expect("accepts");
        read_http(&mut taken, false).expect("a message");
        taken
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n8\r\ndata: 1\n\r\n")
            .expect("writes");
        let mut text = String::new();
        while !text.contains("data: 1") {
            let mut piece = [0; 256];
            let count = caller.read(&mut piece).expect("a piece");
            assert!(count > 0);
            text += &String::from_utf8_lossy(&piece[..count]);
        }
    }
}

/// One end of a stream of HTTP/2, by its frames.
struct Stream(TcpStream);

impl Stream {
    /// Asks for a protocol by an extended CONNECT (RFC 8441, section 5), or by a plain one.
    fn ask(gate: &Gate, protocol: Option<&str>, path: &str) -> Self {
        Self::ask_of_type(gate, protocol, path, None)
    }

    fn ask_of_type(gate: &Gate, protocol: Option<&str>, path: &str, content_type: Option<&str>) -> Self {
        let mut stream = connect(gate.running().address("sockets").expect("listens"));
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("writes");
        let mut head = [literal(":method", "CONNECT"), literal(":authority", "a")].concat();
        if let Some(protocol) = protocol {
            let more = [
                (":protocol", protocol),
                (":scheme", "http"),
                (":path", path),
                ("sec-websocket-version", "13"),
            ];
            head.extend(more.iter().flat_map(|(name, value)| literal(name, value)));
        }
        head.extend(content_type.map(|value| literal("content-type", value)).unwrap_or_default());
        stream.write_all(&[frame(4, 0, 0, &[]), frame(1, 4, 1, &head)].concat()).expect("writes");
        Self(stream)
    }

    /// The next frame of a kind: flags and payload.
    fn next(&mut self, kind: u8) -> (u8, Vec<u8>) {
        loop {
            let mut head = [0; 9];
            self.0.read_exact(&mut head).expect("a frame");
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            self.0.read_exact(&mut payload).expect("a payload");
            if head[3] == kind {
                return (head[4], payload);
            }
        }
    }

    fn send(&mut self, flags: u8, bytes: &[u8]) {
        self.0.write_all(&frame(0, flags, 1, bytes)).expect("writes");
    }

    fn read(&mut self, wanted: &str) {
        let mut bytes = Vec::new();
        while bytes.len() < wanted.len() {
            bytes.extend(self.next(0).1);
        }
        assert_eq!(bytes, wanted.as_bytes());
    }

    /// Status of the answer, as far as HPACK's table or letters tell it.
    fn status(&mut self) -> String {
        let (_, head) = self.next(1);
        match head[0] {
            0x88 => "200".to_owned(),
            // A name of the table, and three letters in the code or as they are.
            _ => match head[1] {
                3 => String::from_utf8_lossy(&head[2..5]).into_owned(),
                _ => DIGITS
                    .iter()
                    .find(|(_, coded)| head[2..].starts_with(coded))
                    .map_or("?", |(text, _)| text)
                    .to_owned(),
            },
        }
    }
}

/// In the code of RFC 7541, appendix B.
const DIGITS: [(&str, &[u8]); 3] = [("422", &[0x68, 0x42]), ("501", &[0x6c, 0x01]), ("502", &[0x6c, 0x02])];

fn start_http2(flag: &str, upstream: SocketAddr, more: &str) -> Gate {
    Gate::also(&format!(
        "[[environment]]\nname = \"sockets\"\nflag = \"{flag}\"\n[[listener]]\nname = \"sockets\"\naddress = \"127.0.0.1:0\"\nenvironment = \"sockets\"\ncallers = \"any\"\nhttp2_cleartext = true\n[[connection]]\nname = \"to-sockets\"\nenvironment = \"sockets\"\nupstream = \"http://{upstream}\"\n{more}\n"
    ))
}

/// What a server says to a key (RFC 6455, section 4.2.2).
fn accepted(key: &str) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    STANDARD.encode(hash)
}

/// Takes the next handshake, and switches as RFC 6455 says.
fn switch(listener: &TcpListener) -> (Http, TcpStream) {
    let (mut other, _) = listener.accept().expect("accepts");
    other.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let message = read_http(&mut other, false).expect("a message");
    let accept = accepted(message.header("sec-websocket-key"));
    let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ";
    write!(other, "{head}{accept}\r\n\r\n").expect("writes");
    (message, other)
}

#[test]
fn a_websocket_over_http_2_that_goes_on_is_cut_at_the_end_of_a_drain() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let mut gate = start_http2("production", address, "[limits]\ndrain_timeout_ms = 300");
    let mut caller = Stream::ask(&gate, Some("websocket"), "/socket");
    let (_, mut other) = switch(&listener);
    assert_eq!(caller.status(), "200");
    let begun = Instant::now();
    gate.stop();
    assert!(begun.elapsed() >= Duration::from_millis(300), "it had its time");
    assert_eq!(other.read(&mut [0]).expect("an end"), 0);
}

#[test]
fn a_websocket_over_http_2_is_an_upgrade_to_its_upstream_and_judged_as_one() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let gate = start_http2("production", address, "");
    let mut caller = Stream::ask(&gate, Some("websocket"), "/socket?a=1");
    // Whoever asks may know by then that it is served (section 3).
    let settings = caller.next(4).1;
    assert!(settings.chunks(6).any(|setting| setting == [0, 8, 0, 0, 0, 1]), "{settings:?}");
    let (message, mut other) = switch(&listener);
    assert_eq!(message.start, "GET /socket?a=1 HTTP/1.1");
    assert_eq!((message.header("upgrade"), message.header("connection")), ("websocket", "upgrade"));
    assert_eq!(
        (message.header("sec-websocket-version"), message.header("sec-websocket-key").len()),
        ("13", 24)
    );
    assert_eq!(caller.status(), "200");
    for _ in 0..3 {
        caller.send(0, b"from the caller");
        read(&mut other, "from the caller");
        other.write_all(b"from the upstream").expect("writes");
        caller.read("from the upstream");
    }
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"switched\"}"), 1);
    caller.send(1, b"");
    assert_eq!(other.read(&mut [0]).expect("an end"), 0);
    drop(other);
    while caller.next(0).0 & 1 == 0 {}
    let begun = Instant::now();
    let line = "phigate_body_bytes_total{direction=\"request\",environment=\"sockets\"}";
    while gate.metric(line) != 3 * 15 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", gate.metric(line));
    }
    // Elsewhere only where its connection lists it, and the head is judged.
    let gate = start_http2("staging", address, "");
    assert_eq!(Stream::ask(&gate, Some("websocket"), "/socket").status(), "501");
    // A call's refusal would have the status of a tunnel.
    let call = Some("application/grpc");
    assert_eq!(Stream::ask_of_type(&gate, Some("websocket"), "/socket", call).status(), "501");
    let gate = start_http2("staging", address, "opaque = [\"websocket\"]");
    let who = "/socket?name=Darnell+Okafor&ssn=219-09-4721&birthdate=1962-06-22";
    assert_eq!(Stream::ask(&gate, Some("websocket"), who).status(), "422");
    assert_eq!(Stream::ask(&gate, Some("h2c"), "/socket").status(), "501");
    assert_eq!(Stream::ask(&gate, None, "").status(), "501", "a plain CONNECT");
    listener.set_nonblocking(true).expect("set");
    assert!(listener.accept().is_err(), "nothing reached the upstream");
    listener.set_nonblocking(false).expect("set");
    let mut caller = Stream::ask(&gate, Some("websocket"), "/socket");
    let (_, mut other) = switch(&listener);
    assert_eq!(caller.status(), "200");
    other.write_all(b"x").expect("writes");
    caller.read("x");
    // A caller that leaves ends it.
    drop(caller);
    assert_eq!(other.read(&mut [0]).expect("an end"), 0);
}

#[test]
fn an_upstream_that_does_not_switch_as_asked_over_http_2_is_a_bad_gateway() {
    for answer in [SWITCH, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"] {
        let (address, _came) = upstream(answer);
        let gate = start_http2("production", address, "");
        assert_eq!(Stream::ask(&gate, Some("websocket"), "/socket").status(), "502", "{answer}");
        let line = "phigate_refusals_total{environment=\"sockets\",reason=\"upstream_invalid\"}";
        let begun = Instant::now();
        while gate.metric(line) != 1 {
            assert!(begun.elapsed() < Duration::from_secs(20), "it isn't counted");
        }
    }
}
