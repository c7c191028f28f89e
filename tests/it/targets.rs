//! Targets that aren't a path: `*`, and what has a fragment.

use crate::http2::{CLEARTEXT, first_head, frame, literal};
use crate::support::{Gate, connect, read_http};
use std::io::Write;

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
