//! What does the gateway add to a request? CPU µs of the whole process, beside a direct call of the same client to the
//! same upstream: the difference is the gateway's.
//!
//!     cargo bench --bench gateway

#![allow(clippy::print_stdout)]

mod common;

use common::{bundle, cpu, made_up, upstream};
use phigate::config::Config;
use phigate::run::Running;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

fn main() {
    let rounds = if common::is_test() { 20 } else { 20_000 };
    let upstream = upstream(2);
    let body = made_up(bundle(4 << 10));
    let direct = measure(upstream, &body, rounds);
    println!("{:<44} {:>10}", "post4k, one connection", "µs CPU");
    println!("{:<44} {direct:>10.1}", "direct: client and upstream alone");
    for (what, flag, mode, records) in [
        ("forwarding: production, inspection and records off", "production", "off", false),
        ("staging: held, inspected, decided", "staging", "enforce", false),
        ("staging: and redacted, recorded, durable", "staging", "enforce", true),
    ] {
        let folder = tempfile::tempdir().expect("folder");
        let config = format!(
            "data_dir = {:?}\nthreads = 1\n[admin]\naddress = \"127.0.0.1:0\"\n[records]\nenabled = {records}\n[[environment]]\nname = \"e\"\nflag = \"{flag}\"\nmode = \"{mode}\"\n[[listener]]\nname = \"l\"\naddress = \"127.0.0.1:0\"\nenvironment = \"e\"\ncallers = \"any\"\n[[connection]]\nname = \"c\"\nenvironment = \"e\"\nupstream = \"http://{upstream}\"\n",
            folder.path().join("data")
        );
        let running = Running::start(Config::parse(&config).expect("good")).expect("starts");
        let through = measure(running.address("l").expect("listens"), &body, rounds);
        println!("{what:<44} {through:>10.1}   gateway {:.1}", through - direct);
        let _ = running.stop();
    }
}

/// CPU µs of the process for each request.
fn measure(address: SocketAddr, body: &str, rounds: u32) -> f64 {
    let mut stream = TcpStream::connect(address).expect("connects");
    let request = format!(
        "POST /fhir HTTP/1.1\r\nHost: b\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut answer = [0; 4096];
    let mut best = f64::MAX;
    for _ in 0..3 {
        let start = cpu();
        for _ in 0..rounds {
            stream.write_all(request.as_bytes()).expect("writes");
            let mut have = 0;
            while !answer.get(..have).unwrap_or_default().ends_with(b"}") {
                have += stream.read(answer.get_mut(have..).expect("room")).expect("reads");
            }
            assert!(answer.starts_with(b"HTTP/1.1 200"), "not forwarded");
        }
        best = best.min((cpu() - start) / f64::from(rounds) * 1e6);
    }
    best
}
