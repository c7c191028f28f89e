//! TLS to upstreams: who signs for them, what they are called, our own certificate, and secrets that they alone get.

use crate::certificates::{Authority, Issued, server};
use crate::http2::Local;
use crate::support::{Gate, Http, OK, connect, read_http};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Answers each message on each connection, and tells what came; handshakes that fail are no messages.
fn upstream(config: Arc<ServerConfig>) -> (SocketAddr, Receiver<Http>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let (told, came) = sync_channel(16);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(config.clone()).expect("a server");
            let (mut stream, told) = (StreamOwned::new(connection, stream), told.clone());
            std::thread::spawn(move || {
                while let Some(message) = read_http(&mut stream, false) {
                    let _ = told.send(message);
                    if stream.write_all(OK).and_then(|()| stream.flush()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, came)
}

/// A gateway whose environment `secure` leads to `upstream`, with the CA's file; `CA` in `more` is that file.
fn start(upstream: SocketAddr, authority: &Authority, more: &str) -> (Gate, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).expect("writes");
    let more = more.replace("CA", &format!("{:?}", folder.path().join("ca.pem")));
    let gate = Gate::also(&format!(
        "[[environment]]\nname = \"secure\"\nflag = \"staging\"\n[[listener]]\nname = \"secure\"\naddress = \"127.0.0.1:0\"\nenvironment = \"secure\"\ncallers = \"any\"\n[[connection]]\nname = \"to-secure\"\nenvironment = \"secure\"\nupstream = \"https://{upstream}\"\n{more}"
    ));
    (gate, folder)
}

fn ask(gate: &Gate) -> Http {
    let mut stream = connect(gate.running().address("secure").expect("listens"));
    stream.write_all(b"GET /fhir/metadata HTTP/1.1\r\nHost: b\r\n\r\n").expect("writes");
    read_http(&mut stream, false).expect("an answer")
}

#[test]
fn an_upstream_is_spoken_to_in_tls_where_its_ca_and_its_name_are_as_configured() {
    let authority = Authority::new();
    let (address, came) = upstream(server(&authority.issue("ehr.example"), None));
    let (gate, _folder) =
        start(address, &authority, "upstream_tls = { ca = CA, server_name = \"ehr.example\" }");
    for _ in 0..2 {
        assert_eq!(ask(&gate).status(), 200);
        let message = came.recv().expect("a message");
        assert_eq!(message.header("host"), address.to_string());
    }
}

#[test]
fn connections_to_an_upstream_in_tls_outlive_new_keys() {
    let authority = Authority::new();
    let (address, _came) = upstream(server(&authority.issue("ehr.example"), None));
    let (mut gate, _folder) =
        start(address, &authority, "upstream_tls = { ca = CA, server_name = \"ehr.example\" }");
    // One connection, so that one thread has all of its messages.
    let mut stream = connect(gate.running().address("secure").expect("listens"));
    for _ in 0..3 {
        stream.write_all(b"GET /fhir/metadata HTTP/1.1\r\nHost: b\r\n\r\n").expect("writes");
        assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
        gate.running().control().create_key("secure", "new", "connection", 0, None).expect("made");
        gate.running.as_mut().expect("runs").refresh_keys_now();
    }
    assert_eq!(gate.metric("phigate_upstream_connections_total{how=\"opened\"}"), 1);
    assert_eq!(gate.metric("phigate_upstream_connections_total{how=\"reused\"}"), 2);
}

#[test]
fn a_wrong_name_and_an_unknown_ca_are_a_bad_gateway_and_no_byte_is_sent() {
    let authority = Authority::new();
    let (address, came) = upstream(server(&authority.issue("ehr.example"), None));
    for (ca, name) in [(&authority, "other.example"), (&Authority::new(), "ehr.example")] {
        let tls = format!("upstream_tls = {{ ca = CA, server_name = \"{name}\" }}");
        let (gate, _folder) = start(address, ca, &tls);
        let reply = ask(&gate);
        assert_eq!((reply.status(), reply.header("phigate-reason")), (502, "upstream_connect"));
        assert!(came.try_recv().is_err(), "nothing was sent");
    }
}

#[test]
fn an_upstream_that_asks_for_a_certificate_gets_ours() {
    let (authority, ours) = (Authority::new(), Authority::new());
    let (address, came) = upstream(server(&authority.issue("ehr.example"), Some(&ours)));
    let keys = tempfile::tempdir().expect("folder");
    let files = |issued: &Issued| {
        let (chain, key) = (keys.path().join("me.pem"), keys.path().join("me.key"));
        std::fs::write(&chain, &issued.chain).expect("writes");
        std::fs::write(&key, &issued.key).expect("writes");
        format!("certificate = {chain:?}, key = {key:?}")
    };
    let tls = |files: &str| format!("upstream_tls = {{ ca = CA, server_name = \"ehr.example\", {files} }}");
    let (gate, _folder) = start(address, &authority, &tls(&files(&ours.issue("phigate.example"))));
    assert_eq!(ask(&gate).status(), 200);
    came.recv().expect("a message");
    let (gate, _folder) =
        start(address, &authority, "upstream_tls = { ca = CA, server_name = \"ehr.example\" }");
    let reply = ask(&gate);
    assert_eq!((reply.status(), reply.header("phigate-reason")), (502, "upstream_connect"));
    assert!(came.try_recv().is_err(), "nothing was taken");
}

#[test]
fn secret_headers_reach_the_upstream_and_win_over_what_came() {
    let authority = Authority::new();
    let (address, came) = upstream(server(&authority.issue("ehr.example"), None));
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "Bearer made-up\n").expect("writes");
    let more = format!(
        "secret_headers = {{ Authorization = \"file:{}\" }}\nupstream_tls = {{ ca = CA, server_name = \"ehr.example\" }}",
        secret.path().display()
    );
    let (gate, _folder) = start(address, &authority, &more);
    let mut stream = connect(gate.running().address("secure").expect("listens"));
    stream.write_all(b"GET /x HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer caller\r\n\r\n").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    assert_eq!(came.recv().expect("a message").header("authorization"), "Bearer made-up");
}

/// Speaks HTTP/2 where that is offered, and switches to what it is asked for in HTTP/1.1; then it says what it hears.
fn upstream_of_both(config: Arc<ServerConfig>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    listener.set_nonblocking(true).expect("set");
    let mut config = ServerConfig::clone(&config);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener).expect("listens");
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::task::spawn_local(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    let ok =
                        |_| async { Ok::<_, std::convert::Infallible>(http::Response::new(String::new())) };
                    let io = hyper_util::rt::TokioIo::new(stream);
                    let service = hyper::service::service_fn(ok);
                    let _ =
                        hyper::server::conn::http2::Builder::new(Local).serve_connection(io, service).await;
                    return;
                }
                let mut bytes = Vec::new();
                while !bytes.ends_with(b"\r\n\r\n") {
                    bytes.push(stream.read_u8().await.expect("a head"));
                }
                stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await.expect("writes");
                let (mut heard, mut said) = tokio::io::split(stream);
                let _ = tokio::io::copy(&mut heard, &mut said).await;
            });
        }
    };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
        tokio::task::LocalSet::new().block_on(&runtime, serve);
    });
    address
}

#[test]
fn a_message_that_switches_goes_over_http_1_to_an_upstream_that_speaks_both() {
    let authority = Authority::new();
    let address = upstream_of_both(server(&authority.issue("ehr.example"), None));
    let more = "opaque = [\"websocket\"]\nhttp2 = \"alpn\"\nupstream_tls = { ca = CA, server_name = \"ehr.example\" }";
    let (gate, _folder) = start(address, &authority, more);
    // One connection, so that one thread has both messages: there is one of HTTP/2 when the second comes.
    let mut stream = connect(gate.running().address("secure").expect("listens"));
    stream.write_all(b"GET /fhir/metadata HTTP/1.1\r\nHost: b\r\n\r\n").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 200);
    stream.write_all(b"GET /socket HTTP/1.1\r\nHost: b\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bWFkZSB1cCBmb3IgYSB0ZXN0\r\n\r\n").expect("writes");
    assert_eq!(read_http(&mut stream, false).expect("an answer").status(), 101);
    stream.write_all(b"made up").expect("writes");
    let mut heard = [0; 7];
    stream.read_exact(&mut heard).expect("reads");
    assert_eq!(&heard, b"made up");
}
