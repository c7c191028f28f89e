//! A sidecar as a process, from its start before its upstream to its end while a message is on its way.

use crate::binary::{config, run, signal, text};
use crate::support::{admin, connect, read_http};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Begins to listen: health checks and messages get an answer, `/slow` once `go` says so.
fn begin(socket: Socket, came: SyncSender<()>, go: Receiver<()>) {
    socket.listen(64).expect("listens");
    let listener = TcpListener::from(socket);
    std::thread::spawn(move || {
        let mut slow = Some((came, go));
        for mut stream in listener.incoming().flatten() {
            let slow = slow.take_if(|_| is_slow(&stream));
            std::thread::spawn(move || {
                while let Some(message) = read_http(&mut stream, false) {
                    if let (true, Some((came, go))) = (message.target() == "/slow", &slow) {
                        let _ = stream.write_all(&ANSWER[..ANSWER.len() - 4]);
                        let _ = came.send(());
                        let _ = go.recv();
                        let _ = stream.write_all(&ANSWER[ANSWER.len() - 4..]);
                    } else if stream.write_all(ANSWER).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// Whether a connection's first message is the slow one.
fn is_slow(stream: &TcpStream) -> bool {
    let mut first = [0; 9];
    matches!(stream.peek(&mut first), Ok(9)) && &first == b"GET /slow"
}

fn get(stream: &mut TcpStream, path: &str) {
    write!(stream, "GET {path} HTTP/1.1\r\nHost: g\r\n\r\n").expect("writes");
}

#[test]
fn a_sidecar_starts_before_its_upstream_and_ends_after_its_last_message() {
    let folder = tempfile::tempdir().expect("folder");
    // Bound and not listening: the port is nobody else's, and connections to it are refused.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("binds");
    let upstream = socket.local_addr().expect("bound").as_socket().expect("an address");
    let checks = "health_check = { path = \"/health\", interval_ms = 10, unhealthy_after = 1, healthy_after = 1 }\npool_idle_max = 0\n";
    let file = folder.path().join("p.toml");
    std::fs::write(&file, config(folder.path(), upstream, "staging") + checks).expect("writes");
    let mut run = run(&file);
    let ready = || {
        let answer = admin(run.admin, "/readyz", "");
        (answer.status(), text(&answer.body))
    };
    let until = |what: &str, holds: &dyn Fn(u16, &str) -> bool| {
        let is_told = (0..20_000).any(|_| {
            let (status, told) = ready();
            holds(status, &told)
        });
        assert!(is_told, "{what}: {:?}", ready());
    };

    // Started first: ready for whoever waits for it, and says that there is nobody behind it.
    until("no upstream", &|status, told| status == 200 && told.contains("no endpoint that gets messages"));
    let mut early = connect(run.gate);
    get(&mut early, "/early");
    let refused = read_http(&mut early, false).expect("an answer");
    assert_eq!((refused.status(), refused.header("phigate-reason")), (503, "upstream_unavailable"));

    let (came, arrived) = sync_channel(1);
    let (go, wait) = sync_channel(1);
    begin(socket, came, wait);
    until("ready", &|status, told| (status, told) == (200, "ok\n"));
    get(&mut early, "/x");
    assert_eq!(read_http(&mut early, false).expect("an answer").status(), 200);

    // The pause before SIGTERM (preStop): who still sends is served as before.
    let mut slow = connect(run.gate);
    get(&mut slow, "/slow");
    arrived.recv().expect("the slow message is on its way");
    let mut late = connect(run.gate);
    get(&mut late, "/x");
    assert_eq!(read_http(&mut late, false).expect("an answer").status(), 200);
    assert_eq!(ready(), (200, "ok\n".to_owned()));

    signal(&run.child, "-TERM");
    until("draining", &|status, told| (status, told) == (503, "draining\n"));
    for mut idle in [early, late] {
        assert_eq!(idle.read(&mut [0]).expect("closed in order"), 0, "an idle connection stays open");
    }
    let refused = (0..20_000).find_map(|_| TcpStream::connect(run.gate).err());
    assert_eq!(refused.map(|error| error.kind()), Some(ErrorKind::ConnectionRefused));
    assert!(run.child.try_wait().expect("asks").is_none(), "it ended before its last message");
    assert_eq!(ready().0, 503);

    go.send(()).expect("waited for");
    let whole = read_http(&mut slow, false).expect("the slow answer");
    assert_eq!((whole.status(), whole.body.as_slice()), (200, &b"{\"a\": 1}"[..]));
    assert!(whole.header("connection").eq_ignore_ascii_case("close"), "{whole:?}");
    assert_eq!(run.child.wait().expect("ends").code(), Some(0));
}

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"a\": 1}";
