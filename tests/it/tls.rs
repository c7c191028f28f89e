//! TLS on listeners: certificates by name, read again while running, and callers known by theirs.

use crate::binary::{PROGRAM, config, phigate, text};
use crate::certificates::{Authority, Issued, Tls, tls};
use crate::support::{Gate, Http, read_http};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

/// A gateway with one more listener, `tls`, that serves `a.example` and `b.example`.
fn start(authority: &Authority, listener: &str, tail: &str) -> (Gate, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).expect("writes");
    let [a, b] = ["a.example", "b.example"].map(|name| authority.issue(name).write(folder.path(), name));
    let listener = listener.replace("CA", &format!("{:?}", folder.path().join("ca.pem")));
    let gate = Gate::also(&format!(
        "[[listener]]\nname = \"tls\"\naddress = \"127.0.0.1:0\"\n[listener.tls]\ncertificates = [{a}, {b}]\n{listener}\n{tail}"
    ));
    (gate, folder)
}

fn ask(stream: &mut Tls, host: &str, key: &str) -> Http {
    let key = if key.is_empty() { String::new() } else { format!("Phigate-Key: {key}\r\n") };
    write!(stream, "GET /x HTTP/1.1\r\nHost: {host}\r\n{key}\r\n").expect("writes");
    read_http(stream, false).expect("an answer")
}

#[test]
fn certificates_are_chosen_by_the_name_that_is_asked_for() {
    let authority = Authority::new();
    let (gate, _folder) = start(&authority, "", "");
    let address = gate.running().address("tls").expect("listens");
    let client = authority.client(None, &["http/1.1"]);
    for host in ["a.example", "b.example"] {
        let mut stream = tls(address, host, client.clone());
        assert_eq!(ask(&mut stream, host, &gate.keys[1]).status(), 200);
        assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
        let got = gate.upstreams[1].take();
        assert_eq!((got[0].header("x-forwarded-proto"), got[0].header("x-forwarded-host")), ("https", host));
    }
    // A name that no certificate has gets the first one, which such a caller doesn't take.
    let mut stream = tls(address, "c.example", client);
    assert!(stream.write_all(b"GET / HTTP/1.1\r\n").is_err());
}

#[test]
fn a_message_for_another_host_than_the_handshake_was_for_is_misdirected() {
    let authority = Authority::new();
    let (gate, _folder) = start(&authority, "", "");
    let address = gate.running().address("tls").expect("listens");
    let mut stream = tls(address, "a.example", authority.client(None, &[]));
    let reply = ask(&mut stream, "b.example", &gate.keys[1]);
    assert_eq!((reply.status(), reply.header("phigate-reason")), (421, "misdirected"));
    assert_eq!(ask(&mut stream, "A.example:8443", &gate.keys[1]).status(), 200, "the connection goes on");
    assert_eq!(gate.upstreams[1].take().len(), 1);
}

#[test]
fn a_host_that_the_listener_does_not_list_is_misdirected() {
    let gate =
        Gate::also("[[listener]]\nname = \"hosts\"\naddress = \"127.0.0.1:0\"\nhosts = [\"a.example\"]");
    let mut stream = crate::support::connect(gate.running().address("hosts").expect("listens"));
    for (host, status) in [("b.example", 421), ("a.example", 200), ("A.EXAMPLE:81", 200)] {
        write!(stream, "GET /x HTTP/1.1\r\nHost: {host}\r\nPhigate-Key: {}\r\n\r\n", gate.keys[1])
            .expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), status, "{host}");
    }
}

#[test]
fn certificates_are_read_again_and_open_connections_go_on() {
    let authority = Authority::new();
    let (gate, folder) = start(&authority, "", "");
    let address = gate.running().address("tls").expect("listens");
    let client = authority.client(None, &[]);
    let leaf = |stream: &Tls| stream.conn.peer_certificates().expect("shown")[0].clone();
    let mut old = tls(address, "a.example", client.clone());
    assert_eq!(ask(&mut old, "a.example", &gate.keys[1]).status(), 200);
    let fresh = authority.issue("a.example");
    fresh.write(folder.path(), "a.example");
    gate.running().reload(&gate.config).expect("reloads");
    let mut new = tls(address, "a.example", authority.client(None, &[]));
    assert_eq!(ask(&mut new, "a.example", &gate.keys[1]).status(), 200);
    assert_ne!(leaf(&old), leaf(&new));
    assert_eq!(ask(&mut old, "a.example", &gate.keys[1]).status(), 200, "it keeps what it began with");
    // A key that doesn't belong to the certificate is told, and nothing changes.
    Issued { key: authority.issue("x.example").key, ..fresh }.write(folder.path(), "a.example");
    let told = gate.running().reload(&gate.config).expect_err("refused");
    assert!(told[0].contains("listener `tls`") && told[0].contains("doesn't belong"), "{told:?}");
    let mut last = tls(address, "a.example", client);
    assert_eq!(ask(&mut last, "a.example", &gate.keys[1]).status(), 200);
    assert_eq!(leaf(&last), leaf(&new));
}

const IDENTITIES: &str = "[[identity]]\nname = \"feed\"\ncertificate = \"dns:feed.example\"\nenvironment = \"staging\"\n[[identity]]\nname = \"live\"\ncertificate = \"uri:spiffe://lab.example/live\"\nenvironment = \"production\"\nrole = \"partner\"\n";

#[test]
fn a_certificate_is_a_credential_of_one_environment() {
    let authority = Authority::new();
    let (gate, _folder) = start(&authority, "client_ca = CA\nclient_certificate = \"optional\"", IDENTITIES);
    let address = gate.running().address("tls").expect("listens");
    let send = |name: Option<&str>, key: &str| {
        let certificate = name.map(|name| authority.issue(name));
        let mut stream = tls(address, "a.example", authority.client(certificate.as_ref(), &[]));
        let reply = ask(&mut stream, "a.example", key);
        (reply.status(), reply.header("phigate-reason").to_owned())
    };
    let ok = || (200, String::new());
    assert_eq!(send(Some("feed.example"), ""), ok());
    assert_eq!((gate.upstreams[1].take().len(), gate.upstreams[2].take().len()), (1, 0));
    assert_eq!(send(Some("spiffe://lab.example/live"), ""), ok());
    assert_eq!((gate.upstreams[1].take().len(), gate.upstreams[2].take().len()), (0, 1));
    // Somebody else's certificate, or none, is no credential.
    assert_eq!(send(Some("other.example"), ""), (401, "credential_missing".to_owned()));
    assert_eq!(send(None, ""), (401, "credential_missing".to_owned()));
    // Certificate and key have to agree.
    assert_eq!(send(Some("feed.example"), &gate.keys[1]), ok());
    assert_eq!(send(Some("feed.example"), &gate.keys[2]), (403, "environment_mismatch".to_owned()));
}

#[test]
fn a_required_certificate_that_is_absent_or_forged_ends_the_handshake() {
    let authority = Authority::new();
    let (gate, _folder) = start(&authority, "client_ca = CA\nclient_certificate = \"required\"", IDENTITIES);
    let address = gate.running().address("tls").expect("listens");
    let forged = Authority::new().issue("feed.example");
    for certificate in [None, Some(&forged)] {
        let mut stream = tls(address, "a.example", authority.client(certificate, &[]));
        let _ = write!(stream, "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n");
        assert!(read_http(&mut stream, false).is_none());
    }
    let good = authority.issue("feed.example");
    let mut stream = tls(address, "a.example", authority.client(Some(&good), &[]));
    assert_eq!(ask(&mut stream, "a.example", "").status(), 200);
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"handshake_failed\"}"), 2);
}

#[test]
fn a_handshake_that_does_not_end_is_closed() {
    let authority = Authority::new();
    let (gate, _folder) = start(&authority, "handshake_timeout_ms = 200", "");
    let mut stream = crate::support::connect(gate.running().address("tls").expect("listens"));
    stream.write_all(&[0x16, 3, 1]).expect("writes");
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(gate.metric("phigate_connection_events_total{event=\"handshake_timeout\"}"), 1);
}

#[test]
fn nothing_is_taken_early() {
    let authority = Authority::new();
    let (gate, _folder) = start(&authority, "", "");
    let address = gate.running().address("tls").expect("listens");
    let mut client = (*authority.client(None, &[])).clone();
    client.enable_early_data = true;
    let client = std::sync::Arc::new(client);
    for _ in 0..2 {
        let mut stream = tls(address, "a.example", client.clone());
        assert!(stream.conn.early_data().is_none(), "0-RTT can be replayed");
        assert_eq!(ask(&mut stream, "a.example", &gate.keys[1]).status(), 200);
    }
}

#[test]
fn when_a_certificate_ends_is_a_metric_and_follows_a_reload() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("folder");
    let write = |name: &str, days| authority.issue_for(name, -10..days).write(folder.path(), name);
    let (a, b) = (write("a.example", 100), write("b.example", 200));
    let client = write("me.example", 300).replace("chain =", "certificate =").replace(['{', '}'], "");
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).expect("writes");
    let gate = Gate::also(&format!(
        "[[environment]]\nname = \"secure\"\nflag = \"staging\"\n[[connection]]\nname = \"to-secure\"\nenvironment = \"secure\"\nupstream = \"https://127.0.0.1:9\"\nupstream_tls = {{ ca = {:?}, {client} }}\n[[listener]]\nname = \"tls\"\naddress = \"127.0.0.1:0\"\nenvironment = \"secure\"\n[listener.tls]\ncertificates = [{a}, {b}]\n",
        folder.path().join("ca.pem")
    ));
    let now = u64::try_from(time::OffsetDateTime::now_utc().unix_timestamp()).expect("later");
    let ends_in = |series: &str| {
        let series = format!("{series}}} ");
        (gate.metric(&series) + 3_600).saturating_sub(now) / 86_400
    };
    let of = |name: &str| {
        ends_in(&format!(
            "phigate_certificate_expiry_timestamp_seconds{{certificate=\"{name}\",listener=\"tls\""
        ))
    };
    assert_eq!((of("a.example"), of("b.example")), (100, 200));
    let ours = "phigate_upstream_certificate_expiry_timestamp_seconds{connection=\"to-secure\"";
    assert_eq!(ends_in(ours), 300);
    write("a.example", 150);
    gate.running().reload(&gate.config).expect("good");
    assert_eq!(of("a.example"), 150);
}

#[test]
fn certificates_that_do_not_hold_are_refused_by_check_and_served_with_a_warning() {
    let authority = Authority::new();
    let folder = tempfile::tempdir().expect("folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("ca.pem"), authority.pem()).expect("writes");
    let of = config(folder.path(), "127.0.0.1:9".parse().expect("address"), "staging");
    let of = of.replace("http://127.0.0.1:9", "https://127.0.0.1:9").replace(
        "callers = \"any\"\n",
        &format!(
            "callers = \"any\"\n[listener.tls]\ncertificates = [{{ chain = {:?}, key = {:?} }}]\n",
            at("own.pem"),
            at("own.key")
        ),
    );
    let tls = format!("ca = {:?}, certificate = {:?}, key = {:?}", at("ca.pem"), at("me.pem"), at("me.key"));
    let file = at("p.toml");
    std::fs::write(&file, format!("{of}upstream_tls = {{ {tls} }}\n")).expect("writes");
    let check = |own: std::ops::Range<i64>, me: std::ops::Range<i64>| {
        authority.issue_for("own.example", own).write(folder.path(), "own");
        authority.issue_for("me.example", me).write(folder.path(), "me");
        let out = phigate(&["check", file.to_str().expect("path")]);
        (out.status.code(), text(&out.stdout))
    };
    let (code, told) = check(-9..300, -9..300);
    assert!(code == Some(0) && !told.contains("warning"), "{told}");
    let (code, told) = check(-9..10, -9..13);
    assert_eq!((code, told.matches(", within 14 days").count()), (Some(0), 2), "{told}");
    assert!(told.contains("p.toml: warning: line 13: listener `l`, tls: "), "{told}");
    let (code, told) = check(5..300, 5..300);
    assert_eq!((code, told.matches(" isn't valid before ").count()), (Some(78), 2), "{told}");
    let (code, told) = check(-9..-1, -9..-1);
    assert_eq!((code, told.matches(" expired on ").count()), (Some(78), 2), "{told}");
    for part in [
        "line 13: listener `l`, tls: ",
        "own.pem: the certificate (own.example)",
        "connection `c`, upstream_tls: ",
        "me.pem: the certificate (me.example)",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(phigate(&["check", "--offline", file.to_str().expect("path")]).status.code(), Some(0));
    // A restart takes no site down.
    let mut command = Command::new(PROGRAM);
    let mut child =
        command.args(["run", "--config"]).arg(&file).stderr(Stdio::piped()).spawn().expect("runs");
    let mut warned = Vec::new();
    for line in BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok) {
        let event: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        let word = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        match &*word("message") {
            "A certificate has expired." => {
                warned.push([word("listener"), word("connection"), word("certificate"), word("at")]);
            }
            "Listening." => break,
            _ => {}
        }
    }
    child.kill().and_then(|()| child.wait()).expect("ends");
    let wanted = [["l", "", "own.example", "line 13"], ["", "c", "me.example", "line 19"]];
    assert_eq!(warned, wanted.map(|words| words.map(str::to_owned)));
}
