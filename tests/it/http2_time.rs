//! HTTP/2 on listeners: limits on time, what counts for them, and how a connection ends.

use crate::http2::{CLEARTEXT, frame, literal};
use crate::support::{Gate, connect, read_http, tries};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn get(gate: &Gate, stream: u32) -> Vec<u8> {
    let head = [&[0x82, 0x86, 0x84, 0x41, 0x01, b'a'][..], &literal("phigate-key", &gate.keys[1])].concat();
    frame(1, 5, stream, &head)
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().expect("four bytes"))
}

/// A connection whose streams have so much room at first.
fn caller(address: SocketAddr, room: u32, frames: &[u8]) -> TcpStream {
    let mut stream = connect(address);
    let settings = frame(4, 0, 0, &[&[0, 4][..], &room.to_be_bytes()].concat());
    stream.write_all(&[PREFACE, &settings, frames].concat()).expect("writes");
    stream
}

/// The next frame: kind, stream, payload; `None` at the end of the connection.
fn next(stream: &mut TcpStream) -> Option<(u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let mut payload = vec![0; number(&[0, head[0], head[1], head[2]]) as usize];
    stream.read_exact(&mut payload).ok()?;
    Some((head[3], number(&head[5..]), payload))
}

#[test]
fn a_reply_of_which_a_little_is_taken_goes_on_and_one_of_which_nothing_is_taken_is_reset_alone() {
    let gate = Gate::with_tail("[limits]\nwrite_timeout_ms = 600\n", CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    let body = "x".repeat(20_000);
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 20000\r\n\r\n{body}");
    gate.upstreams[1].answer(reply.as_bytes());
    // Two replies; the caller takes a byte of the first now and then, and nothing of the second.
    let mut stream = caller(address, 0, &[get(&gate, 1), get(&gate, 3)].concat());
    stream.set_read_timeout(Some(Duration::from_millis(150))).expect("set");
    let began = Instant::now();
    let (mut taken, mut resets) = (0, Vec::new());
    while began.elapsed() < Duration::from_millis(2500) {
        let mut head = [0; 9];
        match stream.peek(&mut head) {
            Ok(0) => panic!("the connection ended after {:?}", began.elapsed()),
            Ok(_) => match next(&mut stream).expect("a frame") {
                (0, 1, data) => taken += data.len(),
                (3, stream, code) => resets.push((stream, number(&code))),
                (7, ..) => panic!("the connection is to end"),
                _ => {}
            },
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
                stream.write_all(&frame(8, 0, 1, &[0, 0, 0, 1])).expect("writes");
            }
        }
    }
    assert!(taken > 5, "{taken} bytes");
    assert_eq!(resets, [(3, 8)]);
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
    // The rest comes once there is room.
    stream.write_all(&frame(8, 0, 1, &[0, 1, 0, 0])).expect("writes");
    while taken < 20_000 {
        if let (0, 1, data) = next(&mut stream).expect("a frame") {
            taken += data.len();
        }
    }
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"write_timeout\"}"), 1);
    assert!(tries().any(|()| gate.metric("phigate_held_bytes ") == 0), "something is still held");
}

#[test]
fn a_connection_without_room_for_any_stream_is_told_that_it_ends() {
    let gate = Gate::with_tail("[limits]\nwrite_timeout_ms = 300\n", CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    let body = "x".repeat(100_000);
    let reply =
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100000\r\n\r\n{body}");
    gate.upstreams[1].answer(reply.as_bytes());
    let mut stream = caller(address, 1 << 20, &get(&gate, 1));
    let (mut taken, mut is_told) = (0, false);
    while let Some((kind, _, payload)) = next(&mut stream) {
        match kind {
            0 => taken += payload.len(),
            7 => is_told = true,
            _ => {}
        }
    }
    assert_eq!((taken, is_told), (65_535, true));
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"write_timeout\"}"), 1);
}

#[test]
fn a_fresh_connection_may_wait_as_long_as_one_between_messages_and_is_told_of_its_end() {
    let gate = Gate::with_tail("[limits]\nhead_timeout_ms = 200\nidle_timeout_ms = 1200\n", CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    let began = Instant::now();
    let mut stream = caller(address, 100, &[]);
    let is_told = std::iter::from_fn(|| next(&mut stream)).any(|(kind, ..)| kind == 7);
    assert!(is_told && began.elapsed() >= Duration::from_millis(1200), "{:?}", began.elapsed());
    // Whoever says nothing, or half a preface, has as long as a head may take, once.
    for begun in [&b""[..], b"PRI * HT", b"PRI * HTTP/2.0\r\n\r\nSM"] {
        let began = Instant::now();
        let mut stream = connect(address);
        stream.write_all(begun).expect("writes");
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let took = began.elapsed();
        assert!(
            took >= Duration::from_millis(200) && took < Duration::from_millis(390),
            "{begun:?}: {took:?}"
        );
        let is_answered = String::from_utf8_lossy(&all).contains("head_timeout");
        assert_eq!(is_answered, begun.len() == 8, "{begun:?}");
    }
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"idle_timeout\"}"), 1);
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"head_timeout\"}"), 3);
}

#[test]
fn trailers_with_a_pseudo_header_field_are_their_streams_error() {
    let gate = Gate::also(CLEARTEXT);
    let address = gate.running().address("h2").expect("listens");
    let post = |stream: u32| {
        let fields = [0x83, 0x86, 0x84, 0x41, 0x01, b'a'];
        let head =
            [&fields[..], &literal("phigate-key", &gate.keys[1]), &literal("content-type", "text/plain")];
        [frame(1, 4, stream, &head.concat()), frame(0, 0, stream, b"hello")].concat()
    };
    for (at, trailers) in [(1, literal(":path", "/y")), (3, vec![0x84]), (5, literal(":status", "200"))] {
        let sent = [post(at), frame(1, 5, at, &trailers), get(&gate, at + 2)].concat();
        let mut stream = caller(address, 1 << 16, &sent);
        let mut told = Vec::new();
        while let Some((kind, id, payload)) = next(&mut stream) {
            match kind {
                3 => told.push((id, number(&payload))),
                1 => {
                    assert_eq!(id, at + 2, "the message is answered");
                    break;
                }
                _ => {}
            }
        }
        assert_eq!(told, [(at, 1)], "PROTOCOL_ERROR");
    }
    assert!(gate.upstreams[1].take().iter().all(|got| got.target() == "/" && got.body.is_empty()));
    // Without one they are trailers.
    let good = [post(1), frame(1, 5, 1, &literal("x-sum", "1"))].concat();
    let mut stream = caller(address, 1 << 16, &good);
    assert!(std::iter::from_fn(|| next(&mut stream)).any(|(kind, id, _)| (kind, id) == (1, 1)));
}

#[test]
fn fields_that_connection_names_and_versions_that_nobody_speaks_are_refused() {
    let gate = Gate::start();
    let ask = |head: String| {
        let mut stream = gate.connect(1);
        stream.write_all(head.as_bytes()).expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        (reply.status(), reply.header("phigate-reason").to_owned())
    };
    let key = &gate.keys[1];
    let get = |version: &str, fields: &str| {
        ask(format!("GET /x HTTP/{version}\r\nHost: a\r\nPhigate-Key: {key}\r\n{fields}\r\n"))
    };
    let refused = |status, reason: &str| (status, reason.to_owned());
    assert_eq!(get("1.1", "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n"), refused(400, "bad_request"));
    assert_eq!(get("1.1", "Connection: Phigate-Key\r\n"), refused(400, "bad_request"));
    assert_eq!(get("1.2", ""), refused(505, "version_refused"));
    assert_eq!(get("2.0", ""), refused(505, "version_refused"));
    assert!(gate.upstreams[1].take().is_empty());
    assert_eq!(get("1.1", "Connection: keep-alive, X-Hop\r\n").0, 200, "it names nothing");
    // An empty line before the first request, as before a later one.
    assert_eq!(ask(format!("\r\nGET /x HTTP/1.1\r\nHost: a\r\nPhigate-Key: {key}\r\n\r\n")).0, 200);
}
