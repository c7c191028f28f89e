//! What benches share: CPU time, an upstream, and the bodies of [`bodies`].

#![allow(dead_code, unused_imports, clippy::print_stdout)]

mod bodies;

pub(crate) use bodies::*;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

/// As the program has it.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// CPU seconds of this process, all threads. None in a test, where nothing is timed: so a bench runs under valgrind, too.
pub(crate) fn cpu() -> f64 {
    if is_test() {
        return 0.0;
    }
    let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    t.tv_sec as f64 + t.tv_nsec as f64 / 1e9
}

/// Whether this is a test that benches run, and not a measurement.
pub(crate) fn is_test() -> bool {
    !std::env::args().any(|a| a == "--bench")
}

/// One line of a table.
pub(crate) fn row(name: &str, bytes: usize, seconds: f64) {
    println!("{name:<12} {bytes:>10} {:>12.1} {:>10.1}", seconds * 1e6, bytes as f64 / seconds / 1e6);
}

/// The bundle with a patient that is made up for certain, so that a lower environment lets it in.
pub(crate) fn made_up(bundle: String) -> String {
    bundle.replace("E08738432", "TEST-0001").replace(
        "birthDate\":\"1962-06-22\"",
        "telecom\":[{\"system\":\"email\",\"value\":\"a@example.com\"}]",
    )
}

/// An upstream of plain threads that answers each request with an object of so many bytes.
pub(crate) fn upstream(bytes: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = listener.local_addr().expect("address");
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n{{{}}}",
        " ".repeat(bytes.saturating_sub(2))
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut have = Vec::new();
                let mut piece = [0; 65536];
                while let Ok(n @ 1..) = stream.read(&mut piece) {
                    have.extend_from_slice(&piece[..n]);
                    let Some(head) = memchr::memmem::find(&have, b"\r\n\r\n") else { continue };
                    let text = String::from_utf8_lossy(&have[..head]).to_ascii_lowercase();
                    let length: usize = text
                        .split("content-length: ")
                        .nth(1)
                        .and_then(|l| l.split("\r\n").next()?.parse().ok())
                        .unwrap_or(0);
                    if have.len() >= head + 4 + length {
                        have.drain(..head + 4 + length);
                        if stream.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    address
}

/// The address in the log line that tells where the gateway listens.
pub(crate) fn listening(line: &str) -> Option<SocketAddr> {
    let line = line.contains("\"Listening.\"").then_some(line)?;
    line.split("\"address\":\"").nth(1)?.split('"').next()?.parse().ok()
}
