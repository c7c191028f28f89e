//! Sockets of other kinds: Unix, IPv6, and behind a balancer that speaks the PROXY protocol.

use crate::support::{Gate, PATIENT, connect, read_http};
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
fn the_access_log_tells_who_sent_a_message_and_which_endpoint_answered_it() {
    let folder = tempfile::tempdir().expect("folder");
    let (file, path) = (folder.path().join("access.jsonl"), folder.path().join("gate.sock"));
    let mut gate = Gate::also(&format!(
        "[access_log]\nfile = {file:?}\n[[listener]]\nname = \"proxied\"\naddress = \"[::]:0\"\nproxy_protocol = [\"127.0.0.0/8\"]\n[[listener]]\nname = \"unix\"\naddress = \"unix:{}\"\n",
        path.display()
    ));
    let endpoint = gate.upstreams[1].address.to_string();
    let mut wanted = Vec::new();
    let mut plain = gate.connect(1);
    let peer = plain.local_addr().expect("an address").to_string();
    for (bytes, status, answered) in [
        (get(&gate), 200, Some(&endpoint)),
        ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(), 401, None),
        // Refused before anything of it was taken in.
        ("GET /x HTTP/1.1\nHost: a\n\n".to_owned(), 400, None),
    ] {
        plain.write_all(bytes.as_bytes()).expect("writes");
        assert_eq!(read_http(&mut plain, false).expect("an answer").status(), status);
        wanted.push((u64::from(status), Some(peer.clone()), answered.cloned()));
    }
    let port = gate.running().address("proxied").expect("listens").port();
    let mut proxied = connect(([127, 0, 0, 1], port).into());
    write!(proxied, "PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n{}", get(&gate)).expect("writes");
    assert_eq!(read_http(&mut proxied, false).expect("an answer").status(), 200);
    wanted.push((200, Some("192.0.2.7:56324".to_owned()), Some(endpoint.clone())));
    let mut unix = UnixStream::connect(&path).expect("connects");
    unix.write_all(get(&gate).as_bytes()).expect("writes");
    assert_eq!(read_http(&mut unix, false).expect("an answer").status(), 200);
    wanted.push((200, None, Some(endpoint.clone())));
    // What answered is told where the answer is withheld, too; where it is no reply nobody answered.
    let phi = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{PATIENT}",
        PATIENT.len()
    );
    for (answer, answered) in [(&*phi, Some(&endpoint)), ("none\r\n\r\n", None)] {
        gate.upstreams[1].answer(answer.as_bytes());
        let mut stream = gate.connect(1);
        stream.write_all(get(&gate).as_bytes()).expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 502);
        let peer = stream.local_addr().expect("an address").to_string();
        wanted.push((502, Some(peer), answered.cloned()));
    }
    gate.stop();
    let text = std::fs::read_to_string(&file).expect("the log");
    let told = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let word = |key: &str| line.as_object().expect("an object")[key].as_str().map(str::to_owned);
        (line["status"].as_u64().expect("a status"), word("peer"), word("endpoint"))
    });
    assert_eq!(told.collect::<Vec<_>>(), wanted);
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
