//! Sockets of other kinds: Unix, IPv6, and behind a balancer that speaks the PROXY protocol.

use crate::support::{Gate, connect, read_http};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

fn get(gate: &Gate) -> String {
    format!("GET /x HTTP/1.1\r\nHost: a\r\nPhigate-Key: {}\r\n\r\n", gate.keys[1])
}

#[test]
fn a_trusted_balancer_names_the_caller() {
    let gate = Gate::also(
        "[[listener]]\nname = \"proxied\"\naddress = \"127.0.0.1:0\"\nproxy_protocol = [\"127.0.0.0/8\"]\n",
    );
    let address = gate.running().address("proxied").expect("listens");
    let v2 = |command: u8| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        header.extend([command, 0x11, 0, 12, 192, 0, 2, 9, 192, 0, 2, 1, 0xdc, 4, 1, 0xbb]);
        header
    };
    for (header, caller) in [
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n".to_vec(), "192.0.2.7"),
        (v2(0x21), "192.0.2.9"),
        (v2(0x20), "127.0.0.1"),
    ] {
        let mut stream = connect(address);
        stream.write_all(&[header, get(&gate).into_bytes()].concat()).expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
        assert_eq!(gate.upstreams[1].take()[0].header("x-forwarded-for"), caller);
    }
    // It has to name somebody: a peer that doesn't is closed, and counted.
    let mut stream = connect(address);
    stream.write_all(get(&gate).as_bytes()).expect("writes");
    assert!(read_http(&mut stream, false).is_none());
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"proxy_header_refused\"}"), 1);
    assert!(gate.upstreams[1].take().is_empty());
}

#[test]
fn nobody_else_is_believed() {
    let gate = Gate::also(
        "[[listener]]\nname = \"proxied\"\naddress = \"127.0.0.1:0\"\nproxy_protocol = [\"10.0.0.0/8\"]\n",
    );
    let address = gate.running().address("proxied").expect("listens");
    let mut stream = connect(address);
    write!(stream, "PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n{}", get(&gate)).expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 400);
    let mut stream = connect(address);
    stream.write_all(get(&gate).as_bytes()).expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    assert_eq!(gate.upstreams[1].take()[0].header("x-forwarded-for"), "127.0.0.1");
}

#[test]
fn a_unix_socket_and_ipv6_are_listened_on() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("gate.sock");
    // What a process left behind that ended doesn't stand in the way.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("binds"));
    let gate = Gate::also(&format!(
        "[[listener]]\nname = \"unix\"\naddress = \"unix:{}\"\nsocket_mode = \"0660\"\n[[listener]]\nname = \"v6\"\naddress = \"[::1]:0\"\n",
        path.display()
    ));
    assert_eq!(std::fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o660);
    for _ in 0..8 {
        let mut stream = UnixStream::connect(&path).expect("connects");
        stream.write_all(get(&gate).as_bytes()).expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
        assert_eq!(gate.upstreams[1].take()[0].header("x-forwarded-for"), "");
    }
    let mut stream = connect(gate.running().address("v6").expect("listens"));
    stream.write_all(get(&gate).as_bytes()).expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    assert_eq!(gate.upstreams[1].take()[0].header("x-forwarded-for"), "::1");
}

#[test]
fn a_host_and_a_header_are_signals_that_have_to_agree() {
    let gate = Gate::with_all(
        "",
        "hosts = [\"stage.example\"]",
        "",
        "hosts = [\"live.example\"]",
        "[[listener]]\nname = \"signals\"\naddress = \"127.0.0.1:0\"\ncallers = \"any\"\nenvironment_header = \"X-Environment\"\n",
    );
    let address = gate.running().address("signals").expect("listens");
    let ask = |host: &str, more: &str| {
        let mut stream = connect(address);
        write!(stream, "GET /x HTTP/1.1\r\nHost: {host}\r\n{more}\r\n").expect("writes");
        let reply = read_http(&mut stream, false).expect("an answer");
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read(&mut [0]);
        (reply.status(), reply.header("phigate-reason").to_owned())
    };
    let told = |status: u16, reason: &str| (status, reason.to_owned());
    assert_eq!(ask("stage.example", ""), told(200, ""));
    assert_eq!(ask("other.example", "X-Environment: Staging\r\n"), told(200, ""));
    assert_eq!(ask("stage.example", "X-Environment: production\r\n"), told(403, "environment_mismatch"));
    assert_eq!(ask("live.example", ""), told(404, "environment_unknown"), "the sender can't pick production");
    let key = format!("Phigate-Key: {}\r\n", gate.keys[2]);
    assert_eq!(ask("live.example", &key), told(200, ""));
    assert_eq!(ask("stage.example", &key), told(403, "environment_mismatch"));
    let doubled = "X-Environment: staging\r\nX-Environment: production\r\n";
    assert_eq!(ask("other.example", doubled), told(404, "environment_unknown"));
    assert_eq!((gate.upstreams[1].take().len(), gate.upstreams[2].take().len()), (2, 1));
}
