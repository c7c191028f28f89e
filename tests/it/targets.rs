//! Targets that aren't a path: `*`, and what has a fragment.

use crate::http2::{CLEARTEXT, first_head, frame, literal};
use crate::support::{Gate, connect, read_http};
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn options_of_everything_are_the_gateway_s_own_and_reach_no_upstream() {
    let gate = Gate::also(&format!(
        "{CLEARTEXT}[[listener]]\nname = \"named\"\naddress = \"127.0.0.1:0\"\ncallers = \"any\"\nhosts = [\"a.example\"]\n"
    ));
    let ask = |listener: &str, host: &str, key: &str| {
        let mut stream = connect(gate.running().address(listener).expect("listens"));
        let asks = format!("OPTIONS * HTTP/1.1\r\nHost: {host}\r\n{key}\r\n");
        // Twice: the connection goes on.
        stream.write_all(asks.repeat(2).as_bytes()).expect("writes");
        let replies = [(); 2].map(|()| read_http(&mut stream, false).expect("an answer"));
        let [one, two] = replies;
        assert_eq!((one.status(), one.header("allow")), (two.status(), two.header("allow")));
        one
    };
    let key = format!("Phigate-Key: {}\r\n", gate.keys[1]);
    let reply = ask("lower", "gate", &key);
    assert_eq!((reply.status(), reply.header("phigate-reason")), (204, ""));
    assert_eq!(reply.header("allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    assert!(!reply.header("phigate-record").is_empty());
    let text = format!("{:?}", reply.headers);
    assert!(!["staging", "development", "production"].iter().any(|name| text.contains(name)), "{text}");
    // Who may not send here isn't answered either.
    assert_eq!(ask("lower", "gate", "").status(), 401);
    assert_eq!(ask("named", "a.example", "").status(), 204);
    assert_eq!(ask("named", "b.example", "").status(), 421);
    let mut stream = gate.connect(1);
    write!(stream, "GET * HTTP/1.1\r\nHost: gate\r\n{key}\r\n").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 400);
    let address = gate.running().address("h2").expect("listens");
    let mut head = [&[0x86][..], &literal(":method", "OPTIONS"), &literal(":path", "*")].concat();
    head.extend([literal(":authority", "gate"), literal("phigate-key", &gate.keys[1])].concat());
    // :status 204 is the ninth of HPACK's table.
    assert_eq!(first_head(address, &frame(1, 5, 1, &head))[0], 0x89);
    assert!(gate.upstreams.iter().all(|upstream| upstream.take_bytes().is_empty()));
    gate.running().flush_records();
    assert_eq!(gate.metric("phigate_requests_total{decision=\"answered\",environment=\"unresolved\"}"), 5);
}

#[test]
fn a_target_with_a_fragment_is_refused_and_reaches_no_upstream() {
    let gate = Gate::also(CLEARTEXT);
    for target in ["/x#y", "/x?a=1#y", "/#", "#y", "http://gate/x#y", "http://gate#y", "*#y"] {
        let mut stream = gate.connect(1);
        let method = if target.starts_with('*') { "OPTIONS" } else { "GET" };
        write!(stream, "{method} {target} HTTP/1.1\r\nHost: gate\r\nPhigate-Key: {}\r\n\r\n", gate.keys[1])
            .expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        assert_eq!((reply.status(), reply.header("phigate-reason")), (400, "bad_request"), "{target}");
    }
    // A malformed head is an error of its stream (RFC 9113, section 8.1.1): the connection goes on.
    let mut stream = connect(gate.running().address("h2").expect("listens"));
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").expect("writes");
    stream.write_all(&frame(4, 0, 0, &[])).expect("writes");
    let head = |path: &[u8]| {
        // :method GET, :scheme http.
        [&[0x82, 0x86][..], path, &literal(":authority", "gate"), &literal("phigate-key", &gate.keys[1])]
            .concat()
    };
    let kept = [&[0x44, 4][..], b"/x#y"].concat(); // enters the table, as its field 62
    let coded = [0x04, 0x84, 0x60, 0x7f, 0xf5, 0x1f]; // /a#b
    let mut ask = |stream_id: u32, path: &[u8]| {
        stream.write_all(&frame(1, 5, stream_id, &head(path))).expect("writes");
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).expect("a frame");
            let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
            stream.read_exact(&mut payload).expect("a payload");
            if matches!(head[3], 1 | 3) {
                return (head[3], payload);
            }
        }
    };
    let reset = (3, vec![0, 0, 0, 1]);
    for (n, path) in
        [&literal(":path", "/x#y")[..], &kept, &[0xbe], &coded, &literal(":path", "/?a#")].iter().enumerate()
    {
        assert_eq!(ask(2 * n as u32 + 1, path), reset, "{n}");
    }
    // One of them is a name for what came before.
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"h2_fragment\"}"), 4);
    assert!(gate.upstreams.iter().all(|upstream| upstream.take_bytes().is_empty()));
    let (kind, payload) = ask(21, &literal(":path", "/x"));
    assert_eq!((kind, payload[0]), (1, 0x88), "the next one is answered");
    assert_eq!(gate.upstreams[1].take().len(), 1);
}

/// What comes next of the answer to a stream, by the kind of its frame: a head, a reset, or the connection's end.
fn answer(stream: &mut TcpStream, id: u32) -> u8 {
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).is_err() {
            return GOAWAY;
        }
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).expect("a payload");
        let is_its = head[5..] == id.to_be_bytes();
        if head[3] == GOAWAY || is_its && matches!(head[3], HEADERS | RST_STREAM) {
            return head[3];
        }
    }
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;

#[test]
fn a_fragment_is_seen_behind_heads_that_h2_reads_otherwise_than_they_are_written() {
    let gate = Gate::also(CLEARTEXT);
    let rest = [literal(":authority", "gate"), literal("phigate-key", &gate.keys[1])].concat();
    let kept = |name: &str, value: &str| [&[0x40], &literal(name, value)[1..]].concat();
    // `:path` is field 62 of the table then, and `w` is field 63.
    let first = [&[0x82, 0x86, 0x44, 2][..], b"/a", &rest].concat();
    let before = [&[0x82, 0x86, 0x84][..], &rest, &kept("w", "1")].concat();
    // A `:path` by the name of a field.
    let asks = |field: u8| [&[0x82, 0x86, 0x0f, field - 15, 4][..], b"/x#y", &rest].concat();
    let of_itself = [&[0, 0, 0, 5, 0][..], &kept("x", "1")].concat();
    let unknown = [0, 0, 0, 5, 0, 0x0f, 0x7f, 1, b'1'];
    let pushed = [&[0, 0, 0, 2][..], &kept("connection", "x")].concat();
    let nameless = [0x82, 0x86, 0x40, 0, 0];
    for (how, between, id, field, wanted) in [
        // h2 doesn't read the block of a head that depends on itself.
        ("its own", frame(HEADERS, 0x25, 5, &of_itself), 7, 62, RST_STREAM),
        ("its own, of a field that nobody has", frame(HEADERS, 0x25, 5, &unknown), 7, 62, RST_STREAM),
        // It does read that of a promise, and resets its stream alone where that is malformed.
        ("a promise", frame(5, 4, 5, &pushed), 7, 63, RST_STREAM),
        // A field without a name it passes over, where the block goes on in another frame.
        ("no name", frame(HEADERS, 1, 5, &nameless), 5, 62, GOAWAY),
    ] {
        let mut stream = connect(gate.running().address("h2").expect("listens"));
        let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(4, 0, 0, &[])].concat();
        stream.write_all(&preface).expect("writes");
        for (id, head) in [(1, &before), (3, &first)] {
            stream.write_all(&frame(HEADERS, 5, id, head)).expect("writes");
            assert_eq!(answer(&mut stream, id), HEADERS, "{how}");
        }
        gate.upstreams[1].take();
        let last = match wanted {
            GOAWAY => frame(9, 4, id, &asks(field)[2..]),
            _ => frame(HEADERS, 5, id, &asks(field)),
        };
        stream.write_all(&[between, last].concat()).expect("writes");
        assert_eq!(answer(&mut stream, id), wanted, "{how}");
        assert!(gate.upstreams[1].take().is_empty(), "{how}");
    }
}

#[test]
fn a_target_with_a_query_and_no_path_gets_one() {
    let gate = Gate::start();
    let mut stream = gate.connect(1);
    let key = &gate.keys[1];
    write!(stream, "GET http://a?q=1 HTTP/1.1\r\nHost: a\r\nPhigate-Key: {key}\r\n\r\n").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    assert_eq!(gate.upstreams[1].take()[0].target(), "/?q=1");
}
