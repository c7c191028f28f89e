//! A new process in place of the old: nobody's connection is refused or reset, and a start that fails changes nothing.

use crate::binary::{PROGRAM, Run, config, run, started};
use crate::support::{Upstream, admin, connect, metric, read_http};
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

fn next(file: &Path) -> Run {
    started(Command::new(PROGRAM).args(["run", "--take-over", "--config"]).arg(file))
}

/// Asks once on a connection of its own; what came instead of 200.
fn asked(gate: SocketAddr) -> Result<(), String> {
    let mut stream = connect(gate);
    let sent = stream.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    sent.map_err(|error| format!("not sent: {error}"))?;
    match read_http(&mut stream, false) {
        Some(reply) if reply.status() == 200 => Ok(()),
        Some(reply) => Err(format!("{} {}", reply.start, reply.header("phigate-reason"))),
        None => Err("no answer".to_owned()),
    }
}

/// Asks on one connection for as long as it is kept; what came instead of 200.
fn kept(gate: SocketAddr, goes_on: impl Fn() -> bool) -> Vec<String> {
    let mut stream = connect(gate);
    while goes_on() {
        if let Err(error) = stream.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n") {
            return vec![format!("kept, not sent: {error}")];
        }
        match read_http(&mut stream, false) {
            Some(reply) if reply.status() != 200 => return vec![format!("kept: {}", reply.start)],
            Some(reply) if reply.header("connection") == "close" => return Vec::new(),
            Some(_) => {}
            None => return vec!["kept: no answer".to_owned()],
        }
    }
    Vec::new()
}

fn ask(gate: SocketAddr) -> bool {
    asked(gate).is_ok()
}

/// Waits until a process ends by itself.
fn end(run: &mut Run) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = run.child.try_wait().expect("waits") {
            return status.code();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it never ended");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_new_process_takes_the_old_ones_place_under_load_and_no_message_fails() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("phigate.toml");
    let text = config(folder.path(), upstream.address, "production")
        .replace("callers = \"keys\"", "callers = \"any\"");
    // Nothing passes that isn't recorded, and both write into the same files for a while.
    let text = format!("{text}[records]\non_full = \"refuse\"\n");
    std::fs::write(&file, &text).expect("writes");
    let mut runs = vec![run(&file)];
    let (gate, side) = (runs[0].gate, runs[0].admin);
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|n| {
            let (stop, count) = (stop.clone(), count.clone());
            std::thread::spawn(move || {
                let mut failed = Vec::new();
                let goes_on = || {
                    count.fetch_add(1, Relaxed);
                    !stop.load(Relaxed)
                };
                while goes_on() {
                    match n % 2 {
                        0 => failed.extend(asked(gate).err()),
                        _ => failed.extend(kept(gate, goes_on)),
                    }
                }
                failed
            })
        })
        .collect();
    for _ in 0..3 {
        let before = count.load(Relaxed);
        let mut new = next(&file);
        assert_eq!((new.gate, new.admin), (gate, side), "the same sockets");
        let mut old = runs.pop().expect("one");
        assert_eq!(end(&mut old), Some(0));
        while count.load(Relaxed) < before + 50 {
            assert!(new.child.try_wait().expect("waits").is_none(), "it runs");
        }
        runs.push(new);
    }
    stop.store(true, Relaxed);
    let failed: Vec<String> = callers.into_iter().flat_map(|caller| caller.join().expect("ends")).collect();
    assert_eq!(failed, Vec::<String>::new(), "of {}", count.load(Relaxed));
    let metrics = String::from_utf8(admin(side, "/metrics", "").body).expect("text");
    assert_eq!(metric(&metrics, "phigate_foreign_listeners"), 0);
    assert!(
        metric(&metrics, "phigate_requests_total{decision=\"forwarded\",environment=\"one\"}") > 0,
        "it answers itself: {metrics}"
    );
    let _ = runs[0].child.kill();
}

#[test]
fn a_new_process_that_can_not_start_leaves_the_old_one_as_it_is() {
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().expect("folder");
    let (file, wrong) = (folder.path().join("phigate.toml"), folder.path().join("wrong.toml"));
    let text = config(folder.path(), upstream.address, "production")
        .replace("callers = \"keys\"", "callers = \"any\"");
    std::fs::write(&file, &text).expect("writes");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let also = format!(
        "{text}\n[[listener]]\nname = \"taken\"\naddress = \"{}\"\nenvironment = \"one\"\ncallers = \"any\"\n",
        taken.local_addr().expect("address")
    );
    std::fs::write(&wrong, also).expect("writes");
    let mut old = run(&file);
    let out = Command::new(PROGRAM)
        .args(["run", "--take-over", "--config"])
        .arg(&wrong)
        .stdin(Stdio::null())
        .output()
        .expect("runs");
    assert_eq!(out.status.code(), Some(1));
    assert!((0..20).all(|_| ask(old.gate)));
    assert!(old.child.try_wait().expect("waits").is_none(), "it runs");
    let mut new = next(&file);
    assert_eq!(end(&mut old), Some(0));
    assert!((0..20).all(|_| ask(new.gate)));
    let _ = new.child.kill();
}

#[test]
fn a_foreign_socket_on_our_port_is_counted() {
    let gate = crate::support::Gate::start();
    gate.running().look_around();
    assert_eq!(gate.metric("phigate_foreign_listeners"), 0);
    // Another socket of the same user: the system lets it share the port, and doesn't tell.
    let other = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    other.set_reuse_port(true).expect("set");
    other.bind(&gate.address(1).into()).expect("binds");
    other.listen(1).expect("listens");
    gate.running().look_around();
    assert_eq!(gate.metric("phigate_foreign_listeners"), 1);
    drop(other);
    gate.running().look_around();
    assert_eq!(gate.metric("phigate_foreign_listeners"), 0);
}
