//! Listeners through real sockets.

use super::*;
use crate::payload::Payload;
use std::{
    net::SocketAddr,
    sync::{Mutex, atomic::Ordering::Relaxed},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, mpsc},
    time::timeout,
};

/// Answers by path: `/hold` holds the body, `/echo` streams it back, `/wait` waits to be let go.
struct Probe {
    limits: Limits,
    budget: HeldBudget,
    go: Arc<Notify>,
    seen: mpsc::Sender<String>,
}

impl Service for Probe {
    async fn call(&self, inbound: Inbound) -> Response<ReplyBody> {
        let Inbound { head, body, .. } = inbound;
        let _ = self.seen.try_send(format!("{} {}", head.method, head.uri));
        match head.uri.path() {
            "/hold" => match hold(body, &self.limits, &self.budget).await {
                Ok(held) => {
                    text(200, &format!("{} bytes, trailers: {:?}", held.bytes.len(), held.trailers.is_some()))
                }
                Err(error) => {
                    let _ = self.seen.try_send(format!("{error:?}"));
                    text(400, &format!("{error:?}"))
                }
            },
            "/echo" => {
                let seen = self.seen.clone();
                let tee = Tee::new(body, self.limits.tee_bytes_max, move |end| {
                    let _ = seen.try_send(format!("{end:?}"));
                });
                Response::new(ReplyBody::streaming(tee))
            }
            "/wait" => {
                self.go.notified().await;
                text(200, "gone on")
            }
            "/huge" => {
                let seen = self.seen.clone();
                text(200, &"x".repeat(HUGE_BYTES)).map(|body| {
                    body.on_end(move |end| {
                        let _ = seen.try_send(format!(
                            "{:?}, whole: {}",
                            end.how,
                            end.bytes == HUGE_BYTES as u64
                        ));
                    })
                })
            }
            _ => text(200, "hello"),
        }
    }

    fn on_refuse(&self, _: &Arc<str>, _: &Peer, reason: Reason) -> Response<ReplyBody> {
        let status = if reason == Reason::HeadTooLarge { 431 } else { 400 };
        text(if reason == Reason::TooManyConnections { 503 } else { status }, reason.as_str())
    }

    fn on_gone(&self, inbound: Inbound) {
        let _ = self.seen.try_send(format!("{} {}", inbound.head.method, inbound.head.uri));
    }
}

fn text(status: u16, words: &str) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::full(Payload::from(words.as_bytes().to_vec())));
    *response.status_mut() = http::StatusCode::from_u16(status).expect("status");
    response
}

struct Started {
    workers: Workers,
    address: SocketAddr,
    go: Arc<Notify>,
    seen: mpsc::Receiver<String>,
    budget: HeldBudget,
}

fn start(limits: Limits) -> Started {
    start_with(limits, 1)
}

fn start_with(limits: Limits, threads: usize) -> Started {
    let (go, budget) = (Arc::new(Notify::new()), HeldBudget::new(limits.held_bytes_max));
    let (sender, seen) = mpsc::channel(100);
    let address: SocketAddr = "127.0.0.1:0".parse().expect("address");
    let listener = ListenerConfig::plain("test", address, limits.clone());
    let (waits, held) = (Arc::clone(&go), budget.clone());
    let (workers, _) = Workers::start(vec![listener], threads, Vec::new(), move |_| Probe {
        limits: limits.clone(),
        budget: held.clone(),
        go: Arc::clone(&waits),
        seen: sender.clone(),
    })
    .expect("starts");
    let address = workers.local_addrs()[0].tcp().expect("TCP");
    Started { workers, address, go, seen, budget }
}

impl Started {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    /// Sends bytes, and reads to the end of file.
    async fn talk(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.expect("sends");
        read_to_end(&mut stream).await
    }

    async fn seen(&mut self) -> String {
        timeout(LONG, self.seen.recv()).await.expect("in time").expect("open")
    }

    fn totals(&self) -> ListenTotals {
        let mut totals = ListenTotals::default();
        self.workers.counters().iter().for_each(|c| totals.add(c));
        totals
    }

    async fn drain(self) -> u64 {
        tokio::task::spawn_blocking(move || self.workers.drain()).await.expect("drains")
    }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut reply = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut reply)).await.expect("in time");
    String::from_utf8(reply).expect("text")
}

async fn read_until(stream: &mut TcpStream, words: &str) -> String {
    let mut reply = Vec::new();
    while !String::from_utf8_lossy(&reply).contains(words) {
        let byte = timeout(LONG, stream.read_u8()).await.expect("in time").expect("a byte");
        reply.push(byte);
    }
    String::from_utf8(reply).expect("text")
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn answers_pipelined_messages_in_order_on_one_connection() {
    let started = start_with(Limits::default(), 2);
    let reply = started
        .talk(concat!(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
            "POST /hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\nX-T: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ))
        .await;
    assert_eq!(reply.matches("HTTP/1.1 200 OK").count(), 4, "{reply}");
    let order = ["hello", "3 bytes, trailers: false", "5 bytes, trailers: true", "hello"];
    let mut rest = reply.as_str();
    for words in order {
        rest = rest.split_once(words).expect(words).1;
    }
    assert_eq!(started.totals().messages, 4);
}

#[tokio::test]
async fn a_caller_that_leaves_is_noticed_at_once_and_its_message_stands_in_nobodys_way() {
    let mut started = start(Limits::default());
    // One that leaves without more, and one that has sent the next message by then.
    for behind in ["", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut stream = started.connect().await;
        let bytes = format!("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n{behind}");
        stream.write_all(bytes.as_bytes()).await.expect("sends");
        assert_eq!(started.seen().await, "GET /wait");
        let closed = started.totals().closed;
        drop(stream);
        let noticed = async {
            while started.totals().closed == closed {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, noticed).await.expect("nobody waits for it");
        for _ in 0..2 {
            let reply = started.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
            assert!(reply.ends_with("hello"), "{reply}");
            assert_eq!(started.seen().await, "GET /");
        }
    }
    assert_eq!(started.totals().messages, 6, "what came behind a message that was left isn't one");
}

#[tokio::test]
async fn messages_at_work_side_by_side_get_their_own_answers() {
    let mut started = start(Limits::default());
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let mut stream = started.connect().await;
        stream.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sends");
        assert_eq!(started.seen().await, "GET /wait");
        let reply = started.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert!(reply.ends_with("hello"), "{reply}");
        assert_eq!(started.seen().await, "GET /");
        waiting.push(stream);
    }
    for stream in &mut waiting {
        started.go.notify_one();
        assert!(read_until(stream, "gone on").await.starts_with("HTTP/1.1 200 OK"));
    }
}

#[tokio::test]
async fn takes_heads_and_bodies_byte_by_byte() {
    let started = start(Limits::default());
    let mut stream = started.connect().await;
    for byte in b"POST /hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nab\r\n0\r\n\r\n" {
        stream.write_all(&[*byte]).await.expect("sends");
        tokio::task::yield_now().await;
    }
    assert!(read_to_end(&mut stream).await.contains("2 bytes"));
}

#[tokio::test]
async fn refuses_smuggling_shapes_in_order_and_closes() {
    let started = start(Limits::default());
    let good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (bad, word) in [
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "bad_request",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n",
            "bad_request",
        ),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n", "bad_request"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "bad_request"),
        ("GET / HTTP/1.1\r\n\r\n", "bad_request"),
        ("GET / HTTP/1.1\nHost: a\n\n", "bad_request"),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", "bad_request"),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "connect_refused"),
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c, x\r\n\r\n", "upgrade_refused"),
    ] {
        let reply = started.talk(&format!("{good}{bad}{good}")).await;
        assert_eq!(reply.matches("HTTP/1.1 ").count(), 2, "{bad:?}: {reply}");
        assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("hello"), "{reply}");
        assert!(reply.ends_with(word) && reply.contains("connection: close"), "{bad:?}: {reply}");
    }
    assert_eq!(started.totals().heads_refused, 9);
    assert_eq!(started.totals().messages, 9);
}

#[tokio::test]
async fn refuses_large_heads_with_431() {
    let started = start(Limits { head_bytes_max: 2000, headers_max: 5, ..Limits::default() });
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(3000));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(5));
    for head in [long, many] {
        let reply = started.talk(&head).await;
        assert!(reply.starts_with("HTTP/1.1 431") && reply.ends_with("head_too_large"), "{reply}");
    }
}

#[tokio::test]
async fn heads_up_to_a_raised_limit_reach_the_service() {
    let started = start(Limits { head_bytes_max: 200_000, headers_max: 300, ..Limits::default() });
    let fields = (0..250).map(|n| format!("X-{n}: {}\r\n", "x".repeat(700))).collect::<String>();
    let reply =
        started.talk(&format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n")).await;
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
}

#[tokio::test]
async fn every_fault_of_a_held_body_has_its_own_word() {
    let limits = Limits { body_bytes_max: 10, body_timeout_ms: 50, ..Limits::default() };
    let mut started = start(limits);
    let post = "POST /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    let chunked = format!("{post}Transfer-Encoding: chunked\r\n\r\n");
    assert!(
        started.talk(&format!("{post}Content-Length: 11\r\n\r\n0123456789a")).await.ends_with("TooLarge")
    );
    assert!(started.talk(&format!("{chunked}b\r\n0123456789a\r\n0\r\n\r\n")).await.ends_with("TooLarge"));
    assert!(started.talk(&format!("{post}Content-Length: 9\r\n\r\nabc")).await.ends_with("Timeout"));
    assert!(started.talk(&format!("{chunked}3\r\nabcd\r\n0\r\n\r\n")).await.ends_with("Malformed"));
    assert_eq!(started.totals().bodies_malformed, 1);

    while started.seen.try_recv().is_ok() {}
    let mut stream = started.connect().await;
    stream.write_all(format!("{post}Content-Length: 9\r\n\r\nabc").as_bytes()).await.expect("sends");
    assert_eq!(started.seen().await, "POST /hold");
    stream.shutdown().await.expect("half-way");
    assert_eq!(started.seen().await, "CutShort");
    assert!(read_to_end(&mut stream).await.ends_with("CutShort"));
    assert_eq!(started.budget.in_use(), 0);
}

#[tokio::test]
async fn bodies_over_the_budget_of_the_process_are_told_so() {
    let started = start(Limits { held_bytes_max: 5, ..Limits::default() });
    let reply = started
        .talk("POST /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\n012345")
        .await;
    assert!(reply.contains("HeldFull"), "{reply}");
    assert_eq!(started.budget.in_use(), 0);
}

#[tokio::test]
async fn a_client_that_sends_all_of_a_refused_body_still_reads_the_refusal() {
    let started = start(Limits { body_bytes_max: 10, ..Limits::default() });
    let body = "x".repeat(8 * 1024 * 1024);
    let head = format!("POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut stream = started.connect().await;
    stream.write_all(head.as_bytes()).await.expect("sends");
    stream.write_all(body.as_bytes()).await.expect("sends all");
    stream.shutdown().await.expect("shuts");
    let reply = read_to_end(&mut stream).await;
    assert!(reply.ends_with("TooLarge") && reply.contains("connection: close"), "{reply}");
}

#[tokio::test]
async fn a_100_is_sent_when_the_body_is_first_read_and_not_before_a_refusal() {
    let started = start(Limits { body_bytes_max: 10, ..Limits::default() });
    let head = "POST /hold HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n";
    let mut stream = started.connect().await;
    stream.write_all(format!("{head}Content-Length: 3\r\n\r\n").as_bytes()).await.expect("sends");
    assert_eq!(read_until(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"abc").await.expect("sends");
    assert!(read_to_end(&mut stream).await.contains("3 bytes"));

    let reply = started.talk(&format!("{head}Content-Length: 11\r\n\r\n")).await;
    assert!(reply.starts_with("HTTP/1.1 400") && reply.ends_with("TooLarge"), "{reply}");
}

#[tokio::test]
async fn a_tee_passes_bytes_before_the_body_is_whole_and_tells_its_end() {
    let mut started = start(Limits { tee_bytes_max: 4, ..Limits::default() });
    let mut stream = started.connect().await;
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(format!("{head}3\r\nabc\r\n").as_bytes()).await.expect("sends");
    read_until(&mut stream, "3\r\nabc\r\n").await;
    stream.write_all(b"3\r\ndef\r\n0\r\n\r\n").await.expect("sends");
    read_until(&mut stream, "3\r\ndef\r\n0\r\n\r\n").await;
    assert_eq!(started.seen().await, "POST /echo");
    assert_eq!(started.seen().await, "TeeEnd(4 of 6 bytes, complete: true)");

    stream.write_all(format!("{head}3\r\nabc\r\n").as_bytes()).await.expect("sends");
    read_until(&mut stream, "3\r\nabc\r\n").await;
    drop(stream);
    assert_eq!(started.seen().await, "POST /echo");
    assert_eq!(started.seen().await, "TeeEnd(3 of 3 bytes, complete: false)");
}

#[tokio::test]
async fn connections_over_the_limit_are_told_so_and_counted() {
    let started = start(Limits { connections_max: 1, ..Limits::default() });
    let mut first = started.connect().await;
    first.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sends");
    read_until(&mut first, "hello").await;
    let reply = started.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(reply.starts_with("HTTP/1.1 503") && reply.ends_with("too_many_connections"), "{reply}");
    assert!(reply.contains("connection: close"), "{reply}");
    assert_eq!(started.totals().turned_away, 1);
    drop(first);
    while started.workers.open_connections().load(Relaxed) > 0 {
        tokio::task::yield_now().await;
    }
    assert!(started.talk("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.contains("hello"));
}

#[tokio::test]
async fn slow_heads_and_idle_connections_are_closed_and_counted() {
    let started = start(Limits { head_timeout_ms: 50, idle_timeout_ms: 60, ..Limits::default() });
    assert_eq!(started.talk("").await, "");
    let late = started.talk("GET / HTTP/1.1\r\nHo").await;
    assert!(late.contains("\r\nconnection: close") && late.ends_with("head_timeout"), "{late}");
    assert!(started.talk("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.contains("hello"));
    assert_eq!((started.totals().head_timeouts, started.totals().idle_timeouts), (2, 1));
}

#[tokio::test]
async fn a_peer_that_takes_no_bytes_is_cut_and_counted() {
    let mut started = start(Limits { write_timeout_ms: 50, ..Limits::default() });
    let mut stream = started.connect().await;
    stream.write_all(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sends");
    while started.totals().write_timeouts == 0 {
        tokio::task::yield_now().await;
    }
    assert!(read_to_end(&mut stream).await.len() < HUGE_BYTES);
    assert_eq!(started.seen().await, "GET /huge");
    assert_eq!(started.seen().await, "Left, whole: false", "what wasn't sent isn't told as taken");
}

/// More than all buffers between two ends take.
const HUGE_BYTES: usize = 32 * 1024 * 1024;

#[tokio::test]
async fn a_drain_ends_messages_at_work_and_closes_idle_connections_at_once() {
    let mut started = start_with(Limits::default(), 2);
    let mut idle = started.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sends");
    read_until(&mut idle, "hello").await;
    let mut busy = started.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sends");
    assert_eq!(started.seen().await, "GET /");
    assert_eq!(started.seen().await, "GET /wait");
    let (go, address) = (Arc::clone(&started.go), started.address);
    let draining = tokio::spawn(started.drain());
    assert_eq!(read_to_end(&mut idle).await, "");
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    let reply = read_to_end(&mut busy).await;
    assert!(reply.contains("connection: close") && reply.ends_with("gone on"), "{reply}");
    assert_eq!(draining.await.expect("drains"), 0);
}

#[tokio::test]
async fn a_connection_that_was_just_opened_still_brings_its_message_into_a_drain() {
    let started = start(Limits::default());
    let mut fresh = started.connect().await;
    let open = started.workers.open_connections();
    while open.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let address = started.address;
    let draining = tokio::spawn(started.drain());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    fresh.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sends");
    let reply = read_to_end(&mut fresh).await;
    assert!(reply.starts_with("HTTP/1.1 200") && reply.ends_with("hello"), "{reply}");
    assert_eq!(draining.await.expect("drains"), 0);
}

#[tokio::test]
async fn a_drain_waits_for_the_next_message_of_connections_in_use_and_closes_the_others_at_once() {
    let started = start(Limits::default());
    let say = async |stream: &mut TcpStream| {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sends");
        read_until(stream, "hello").await
    };
    let (mut idle, mut used, mut left) =
        (started.connect().await, started.connect().await, started.connect().await);
    say(&mut idle).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for stream in [&mut used, &mut left] {
        assert!(!say(stream).await.contains("connection: close"));
    }
    let begun = std::time::Instant::now();
    let draining = tokio::spawn(started.drain());
    assert_eq!(read_to_end(&mut idle).await, "");
    // What is waited for a second would be closed, too, if the idle one had been.
    assert!(say(&mut used).await.contains("connection: close"));
    assert_eq!(read_to_end(&mut used).await, "");
    assert_eq!(read_to_end(&mut left).await, "");
    assert_eq!(draining.await.expect("drains"), 0);
    assert!(begun.elapsed() < LONG / 2, "nobody is waited for much longer");
}

#[tokio::test]
async fn a_drain_cuts_what_outlives_its_limit() {
    let mut started = start(Limits { drain_timeout_ms: 50, ..Limits::default() });
    let mut busy = started.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sends");
    assert_eq!(started.seen().await, "GET /wait");
    assert_eq!(started.drain().await, 1);
    assert_eq!(read_to_end(&mut busy).await, "");
}

#[tokio::test]
async fn an_address_in_use_is_told_by_name() {
    let started = start(Limits::default());
    let listener = ListenerConfig::plain("second", started.address, Limits::default());
    struct Nothing;
    impl Service for Nothing {
        async fn call(&self, _: Inbound) -> Response<ReplyBody> {
            text(200, "")
        }
        fn on_refuse(&self, _: &Arc<str>, _: &Peer, _: Reason) -> Response<ReplyBody> {
            text(400, "")
        }
        fn on_gone(&self, _: Inbound) {}
    }
    let error = Workers::start(vec![listener], 1, Vec::new(), |_| Nothing).expect_err("in use");
    assert_eq!(
        error.to_string(),
        format!("listener `second` can't bind {}: the address is in use", started.address)
    );
}

/// Whether its end comes with the message or behind it is chance.
#[tokio::test]
async fn a_message_whose_caller_closes_behind_it_is_seen() {
    let mut started = start(Limits::default());
    for _ in 0..50 {
        let mut stream = started.connect().await;
        let message = b"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";
        stream.write_all(message).await.expect("writes");
    }
    for _ in 0..50 {
        assert_eq!(started.seen().await, "POST /wait");
    }
}

/// A body of so many bytes, one at a time, whose end is still to be told behind the last.
struct Pieces(u64);

impl http_body::Body for Pieces {
    type Data = bytes::Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, BodyError>>> {
        let piece = self.0.checked_sub(1).map(|left| {
            self.0 = left;
            Ok(http_body::Frame::data(bytes::Bytes::from_static(b"x")))
        });
        std::task::Poll::Ready(piece)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn reply_bodies_tell_their_end() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&ends);
    drop(ReplyBody::full(Payload::from(&b"abc"[..])).on_end(move |end| told.lock().expect("lock").push(end)));
    let told = Arc::clone(&ends);
    let mut body =
        ReplyBody::full(Payload::from(&b"abc"[..])).on_end(move |end| told.lock().expect("lock").push(end));
    let frame =
        std::future::poll_fn(|cx| http_body::Body::poll_frame(std::pin::Pin::new(&mut body), cx)).await;
    assert!(frame.is_some());
    drop(body);
    // Of one with a length hyper asks no end (HTTP/2).
    for pieces in [1, 2] {
        let told = Arc::clone(&ends);
        let mut body =
            ReplyBody::streaming(Pieces(2)).on_end(move |end| told.lock().expect("lock").push(end));
        for _ in 0..pieces {
            let frame =
                std::future::poll_fn(|cx| http_body::Body::poll_frame(std::pin::Pin::new(&mut body), cx))
                    .await;
            assert!(frame.is_some());
        }
    }
    let expected = [
        ReplyEnd { bytes: 0, received: 0, how: Ended::Left },
        ReplyEnd { bytes: 3, received: 0, how: Ended::Whole },
        ReplyEnd { bytes: 1, received: 0, how: Ended::Left },
        ReplyEnd { bytes: 2, received: 0, how: Ended::Whole },
    ];
    assert_eq!(*ends.lock().expect("lock"), expected);
}
