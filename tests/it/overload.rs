//! What comes faster than it may: rates of connections and callers, messages at work.

use crate::support::{Gate, connect, read_http, tries};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

#[test]
fn a_caller_over_its_rate_waits_and_the_others_do_not() {
    let mut gate = Gate::with_connection("", "", "caller_rate = { per_second = 1, burst = 3 }");
    let other =
        gate.running().control().create_key("staging", "other", "connection", 0, None).expect("made").1;
    let replies: Vec<_> = (0..12).map(|_| gate.send(1, "GET", "/x", &[], b"")).collect();
    assert!(replies.iter().take(3).all(|r| r.status() == 200));
    let over: Vec<_> = replies.iter().filter(|r| r.status() == 429).collect();
    assert!(!over.is_empty());
    for reply in &over {
        assert_eq!((reply.header("phigate-reason"), reply.header("retry-after")), ("rate_limited", "1"));
    }
    assert_eq!(gate.upstreams[1].take().len() + over.len(), 12);
    assert_eq!(gate.send(0, "GET", "/x", &[], b"").status(), 200, "another connection");
    gate.running.as_mut().expect("runs").refresh_keys_now();
    gate.keys[1] = other;
    assert_eq!(gate.send(1, "GET", "/x", &[], b"").status(), 200, "another caller");
    let words = "phigate_refusals_total{environment=\"staging\",reason=\"rate_limited\"}";
    assert_eq!(gate.metric(words), over.len() as u64);
}

#[test]
fn all_callers_together_have_a_rate_that_a_reload_does_not_forget() {
    let mut gate = Gate::with_connection("", "", "rate = { per_second = 1, burst = 6 }");
    let over = |gate: &Gate| (0..12).filter(|_| gate.send(1, "GET", "/x", &[], b"").status() == 429).count();
    assert!(over(&gate) > 0);
    gate.running.as_mut().expect("runs").refresh_keys_now();
    assert!(over(&gate) > 7, "a fresh burst would pass six");
    let text = gate.config.replace("burst = 6", "burst = 8");
    gate.running().reload(&text).expect("good");
    assert_eq!(gate.send(1, "GET", "/x", &[], b"").status(), 200);
}

#[test]
fn more_messages_at_work_than_there_may_be_are_shed() {
    let hanging = TcpListener::bind("127.0.0.1:0").expect("binds");
    let address = hanging.local_addr().expect("address");
    let gate = Gate::with_tail(
        "limits.messages_max = 2",
        &format!(
            "[[environment]]\nname = \"slow\"\nflag = \"staging\"\n[[listener]]\nname = \"slow\"\naddress = \"127.0.0.1:0\"\nenvironment = \"slow\"\ncallers = \"any\"\n[[connection]]\nname = \"to-slow\"\nenvironment = \"slow\"\nupstream = \"http://{address}\"\n"
        ),
    );
    // Two threads with one message each: of three one is too many.
    let mut streams: Vec<_> = (0..3)
        .map(|_| {
            let mut stream = connect(gate.running().address("slow").expect("listens"));
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
            stream.set_read_timeout(Some(Duration::from_millis(500))).expect("set");
            stream
        })
        .collect();
    let shed = streams.iter_mut().filter_map(|stream| read_http(stream, false));
    let shed: Vec<_> =
        shed.map(|reply| (reply.status(), reply.header("phigate-reason").to_owned())).collect();
    assert!(!shed.is_empty() && shed.iter().all(|s| *s == (503, "overloaded".to_owned())), "{shed:?}");
    drop(streams);
}

/// With `on_full = "refuse"` nothing passes unrecorded while the store takes nothing, and it goes on by itself.
#[test]
fn while_the_store_takes_nothing_messages_are_refused_or_dropped_by_policy_and_then_pass_again() {
    for policy in ["refuse", "drop_and_count"] {
        let gate = Gate::with(&format!("records.on_full = \"{policy}\""), "");
        // A file where the folder has to be: what a full disk or a lost mount look like.
        let folder = gate.folder.path().join("data/records");
        std::fs::create_dir_all(&folder).expect("folder");
        std::fs::write(folder.join("staging"), b"").expect("writes");
        assert_eq!(gate.send(1, "GET", "/x", &[], b"").status(), 200, "nobody knows yet");
        gate.running().flush_records();
        assert_eq!(gate.metric("phigate_records_dropped_total{reason=\"store\"}"), 1);
        let reply = gate.send(1, "GET", "/x", &[], b"");
        match policy {
            "refuse" => {
                assert_eq!((reply.status(), reply.header("phigate-reason")), (503, "record_queue_full"));
                assert!(!reply.header("retry-after").is_empty());
                for _ in 0..3 {
                    assert_eq!(gate.send(0, "GET", "/x", &[], b"").status(), 200, "another environment");
                    gate.running().flush_records();
                }
                assert!(gate.metric("phigate_records_written_total") >= 3);
                assert_eq!(
                    gate.send(1, "GET", "/x", &[], b"").status(),
                    503,
                    "what others keep ends nothing"
                );
            }
            _ => assert_eq!(reply.status(), 200),
        }
        std::fs::remove_file(folder.join("staging")).expect("removes");
        let begun = std::time::Instant::now();
        while gate.send(1, "GET", "/x", &[], b"").status() != 200 {
            assert!(begun.elapsed() < Duration::from_secs(20), "it never recovers");
        }
        gate.running().flush_records();
        assert!(gate.metric("phigate_records_written_total") > 0);
    }
}

/// A writer that pauses, as each does while another process writes into its files, delays messages; it fails none.
#[test]
fn a_queue_of_records_that_is_full_for_a_moment_holds_messages_back_and_refuses_none() {
    let gate = Gate::with("records.on_full = \"refuse\"\nrecords.queue_records_max = 64", "");
    assert_eq!(gate.send(1, "GET", "/x", &[], b"").status(), 200);
    gate.running().flush_records();
    let files = std::fs::read_dir(gate.folder.path().join("data/records/staging")).expect("a folder");
    let is_database = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "db");
    let file = files.flatten().map(|file| file.path()).find(is_database).expect("a file of the day");
    let other = rusqlite::Connection::open(file).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("begins");
    std::thread::scope(|scope| {
        let caller = scope.spawn(|| {
            (0..500).map(|_| gate.send(1, "GET", "/x", &[], b"").status()).find(|status| *status != 200)
        });
        // Seen more than once: by then the next message has come.
        let mut seen = 0;
        while seen < 10 && !caller.is_finished() {
            seen += u32::from(gate.metric("phigate_record_queue_records ") >= 64);
        }
        other.execute_batch("COMMIT").expect("ends");
        assert_eq!((caller.join().expect("ends"), seen), (None, 10), "a status, and how often it was full");
    });
    gate.running().flush_records();
    assert_eq!(gate.metric("phigate_records_dropped_total{reason=\"queue_full\"}"), 0);
    assert_eq!(gate.metric("phigate_records_written_total"), 501);
}

#[test]
fn a_reply_counts_as_held_until_its_caller_has_taken_it() {
    let gate = Gate::with_all(
        "[limits]\nheld_bytes_max = 14000000\nbody_bytes_max = 14000000\n",
        "",
        "opaque = [\"application/octet-stream\"]",
        "",
        "[[listener]]\nname = \"both\"\naddress = \"127.0.0.1:0\"\nenvironment = \"staging\"\ncallers = \"any\"\nhttp2_cleartext = true\n",
    );
    // More than sockets take by themselves.
    let length = 12_000_000;
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
    )
    .into_bytes();
    answer.resize(answer.len() + length, 1);
    gate.upstreams[1].answer(&answer);
    let address = gate.running().address("both").expect("listens");
    let get = || {
        let mut stream = connect(address);
        stream.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
        stream
    };
    let is_full = || read_http(&mut get(), false).expect("an answer").header("phigate-reason") == "held_full";
    let mut slow = get();
    let mut status = [0; 12];
    slow.read_exact(&mut status).expect("the first bytes");
    assert_eq!(&status, b"HTTP/1.1 200");
    assert!(is_full(), "an answer that nobody took isn't counted");
    std::io::copy(&mut std::io::Read::by_ref(&mut slow).take(length as u64), &mut std::io::sink())
        .expect("reads");
    drop(slow);
    let begun = std::time::Instant::now();
    while gate.metric("phigate_held_bytes ") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never comes back");
    }
    assert!(!is_full());
    // A stream of HTTP/2 that gets no more room than at first.
    let mut slow = connect(address);
    slow.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("writes");
    slow.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a").expect("writes");
    let mut window = vec![0; 65_535];
    slow.read_exact(&mut window).expect("the first window");
    assert!(is_full(), "a stream that nobody takes isn't counted");
    drop(slow);
    let begun = std::time::Instant::now();
    while gate.metric("phigate_held_bytes ") > 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never comes back");
    }
}

/// A caller that leaves ends no inspection: what it takes is taken until then, or the next one would begin beside it.
#[test]
fn an_inspection_whose_caller_left_keeps_its_bytes_until_its_end() {
    let gate = Gate::start();
    let line = "Pt Wanda Kessler, DOB 06/22/1962, MRN 48210377, seen by Dr. Iyer for chest pain, call (915) 927-8377.\n";
    let body = line.repeat((8 << 20) / line.len());
    let head = format!(
        "POST /x HTTP/1.1\r\nHost: a\r\nPhigate-Key: {}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        gate.keys[1],
        body.len()
    );
    // More than the body where the last read made room for more.
    let held = || gate.metric("phigate_held_bytes ");
    let until = |what: &dyn Fn() -> bool| assert!(tries().any(|()| what()), "it never came");
    let refused = |reason: &str| {
        gate.metric(&format!("phigate_refusals_total{{environment=\"staging\",reason=\"{reason}\"}}"))
    };
    // Its inspection begins when its body is whole. On a machine that has much to do it may not have begun, or be over, when
    // it is seen that its caller left: then once more.
    let whole = || gate.metric("phigate_stage_duration_seconds_count{stage=\"hold\"}");
    let is_kept = (0..10).any(|_| {
        let (gone, judged, read) = (refused("caller_gone"), refused("likely_phi"), whole());
        let mut stream = gate.connect(1);
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).expect("writes");
        until(&|| whole() > read);
        drop(stream);
        until(&|| refused("caller_gone") > gone || refused("likely_phi") > judged);
        let is_kept = held() >= body.len() as u64 && refused("caller_gone") > gone;
        until(&|| held() == 0);
        is_kept
    });
    assert!(is_kept, "its bytes are free while it is inspected");
}
