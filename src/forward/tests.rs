//! Forwarding through real sockets: a raw upstream that records bytes, and whole messages from a raw client.

use super::*;
use crate::{
    listen::{
        BodyError, HeldBudget, Inbound, Limits, ListenerConfig, ReplyBody, Service, Tee, Workers, hold,
    },
    payload::Payload,
    reason::Reason,
};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use std::{net::SocketAddr, rc::Rc, sync::atomic::Ordering::Relaxed, task::Poll, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::LocalSet,
    time::timeout,
};

const LONG: Duration = Duration::from_secs(20);
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A socket that plays an upstream, step by step.
struct Played {
    listener: TcpListener,
    upstream: Upstream,
}

impl Played {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("address").port();
        Self { listener, upstream: Upstream::new("u", "127.0.0.1", port) }
    }

    async fn accept(&self) -> TcpStream {
        timeout(LONG, self.listener.accept()).await.expect("in time").expect("accepts").0
    }
}

async fn read_until(stream: &mut TcpStream, words: &str) -> String {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).ends_with(words) {
        bytes.push(timeout(LONG, stream.read_u8()).await.expect("in time").expect("a byte"));
    }
    String::from_utf8(bytes).expect("text")
}

async fn write(stream: &mut TcpStream, words: &str) {
    stream.write_all(words.as_bytes()).await.expect("sends");
}

fn get() -> Request<OutBody> {
    Request::get("/").header("host", "u").body(OutBody::empty()).expect("request")
}

fn post() -> Request<OutBody> {
    let body = OutBody::held(Payload::from(&b"abc"[..]), None);
    Request::post("/").header("host", "u").body(body).expect("request")
}

async fn bytes(response: Response<UpstreamBody>) -> Result<Bytes, BodyError> {
    Ok(response.into_body().collect().await?.to_bytes())
}

#[tokio::test]
async fn a_connection_is_used_again_once_its_reply_ended() {
    LocalSet::new()
        .run_until(async {
            let (played, pool) = (Played::start().await, Pool::new());
            let playing = async {
                let mut stream = played.accept().await;
                for _ in 0..3 {
                    read_until(&mut stream, "\r\n\r\n").await;
                    write(&mut stream, OK).await;
                }
            };
            let sending = async {
                for _ in 0..3 {
                    let response = pool.send(&played.upstream, get()).await.expect("reply");
                    assert_eq!(bytes(response).await.expect("whole"), "ok");
                }
            };
            tokio::join!(playing, sending);
            let counters = pool.counters();
            assert_eq!((counters.connected.load(Relaxed), counters.reused.load(Relaxed)), (1, 2));
        })
        .await;
}

/// HTTP/2 callers send so many at a time over a few connections.
#[tokio::test]
async fn connections_of_two_hundred_messages_at_a_time_are_used_again() {
    const AT_A_TIME: usize = 200;
    LocalSet::new()
        .run_until(async {
            let (Played { listener, upstream }, pool) = (Played::start().await, Rc::new(Pool::new()));
            let (upstream, all_are_there) =
                (Rc::new(upstream), Rc::new(tokio::sync::Barrier::new(AT_A_TIME)));
            tokio::task::spawn_local(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let there = Rc::clone(&all_are_there);
                    tokio::task::spawn_local(async move {
                        loop {
                            read_until(&mut stream, "\r\n\r\n").await;
                            there.wait().await;
                            write(&mut stream, OK).await;
                        }
                    });
                }
            });
            for _ in 0..3 {
                let mut messages = tokio::task::JoinSet::new();
                for _ in 0..AT_A_TIME {
                    let (pool, upstream) = (Rc::clone(&pool), Rc::clone(&upstream));
                    messages.spawn_local(async move {
                        let response = pool.send(&upstream, get()).await.expect("reply");
                        assert_eq!(bytes(response).await.expect("whole"), "ok");
                    });
                }
                while let Some(message) = messages.join_next().await {
                    message.expect("ends");
                }
            }
            let counters = pool.counters();
            let (connected, reused) = (counters.connected.load(Relaxed), counters.reused.load(Relaxed));
            assert_eq!((connected, reused), (AT_A_TIME as u64, 2 * AT_A_TIME as u64));
        })
        .await;
}

/// Sends one message over a connection that dies as soon as the second message's head is read.
async fn over_a_connection_that_dies(request: Request<OutBody>) -> (Result<Bytes, ForwardError>, u64) {
    LocalSet::new()
        .run_until(async {
            let (played, pool) = (Played::start().await, Pool::new());
            let playing = async {
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                write(&mut stream, OK).await;
                read_until(&mut stream, "\r\n\r\n").await;
                drop(stream);
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                write(&mut stream, OK).await;
            };
            let sending = async {
                let first = pool.send(&played.upstream, get()).await.expect("reply");
                bytes(first).await.expect("whole");
                match pool.send(&played.upstream, request).await {
                    Ok(response) => Ok(bytes(response).await.expect("whole")),
                    Err(error) => Err(error),
                }
            };
            tokio::select! {
                outcome = sending => (outcome, pool.counters().sent_again.load(Relaxed)),
                () = async { playing.await; std::future::pending().await } => unreachable!("never ends"),
            }
        })
        .await
}

#[tokio::test]
async fn a_get_is_sent_again_when_its_pooled_connection_dies() {
    let (outcome, sent_again) = over_a_connection_that_dies(get()).await;
    assert_eq!((outcome, sent_again), (Ok(Bytes::from_static(b"ok")), 1));
}

#[tokio::test]
async fn a_post_that_was_written_is_not_sent_again() {
    let (outcome, sent_again) = over_a_connection_that_dies(post()).await;
    assert_eq!((outcome, sent_again), (Err(ForwardError::ClosedEarly { upstream: "u".into() }), 0));
}

#[tokio::test]
async fn a_post_goes_on_a_fresh_connection_when_the_pooled_one_was_closed_before() {
    LocalSet::new()
        .run_until(async {
            let (played, pool) = (Played::start().await, Pool::new());
            let first = tokio::join!(pool.send(&played.upstream, get()), async {
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                write(&mut stream, OK).await;
            });
            bytes(first.0.expect("reply")).await.expect("whole");
            let (second, ()) = tokio::join!(pool.send(&played.upstream, post()), async {
                let mut stream = played.accept().await;
                assert!(read_until(&mut stream, "abc").await.contains("content-length: 3"));
                write(&mut stream, OK).await;
            });
            assert_eq!(bytes(second.expect("reply")).await.expect("whole"), "ok");
            assert_eq!(pool.counters().connected.load(Relaxed), 2);
        })
        .await;
}

#[tokio::test]
async fn each_fault_of_an_upstream_has_its_own_error() {
    LocalSet::new()
        .run_until(async {
            let (mut played, pool) = (Played::start().await, Pool::new());
            let upstream: Arc<str> = "u".into();
            let invalid = |why| ForwardError::Invalid { upstream: upstream.clone(), why };
            for (reply, error) in [
                ("", ForwardError::ClosedEarly { upstream: upstream.clone() }),
                ("HTTP/1.1 200 OK\r\nContent-", ForwardError::ClosedEarly { upstream: upstream.clone() }),
                ("what is this\r\n\r\n", invalid("it doesn't begin as one of HTTP/1.1")),
                (
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                    invalid("it has a length and chunks"),
                ),
                (
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                    invalid("its transfer coding is another one than chunked"),
                ),
                (
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
                    invalid("it switches to what it wasn't asked for"),
                ),
            ] {
                let (sent, ()) = tokio::join!(pool.send(&played.upstream, post()), async {
                    let mut stream = played.accept().await;
                    read_until(&mut stream, "abc").await;
                    write(&mut stream, reply).await;
                });
                assert_eq!(sent.expect_err(reply), error, "{reply:?}");
            }
            played.upstream.reply_head_timeout_ms = 50;
            let (sent, _stream) = tokio::join!(pool.send(&played.upstream, get()), played.accept());
            assert_eq!(
                sent.expect_err("silent"),
                ForwardError::HeadTimeout { upstream: upstream.clone(), limit_ms: 50 }
            );

            // Where it must not lead, not even to another server of this machine's.
            for own in ["127.0.0.1", "0.0.0.0", "::"] {
                let barred = Arc::new(Listening::default());
                barred.on(vec![SocketAddr::new(
                    own.parse().expect("an address"),
                    played.upstream.endpoints[0].port,
                )]);
                let mut address = played.upstream.clone();
                address.barred = Barred::new(barred, []);
                assert_eq!(
                    Pool::new().send(&address, get()).await.expect_err("barred"),
                    ForwardError::Barred { upstream: upstream.clone() }
                );
            }

            let address = played.upstream.clone();
            drop(played);
            assert_eq!(
                pool.send(&address, get()).await.expect_err("closed"),
                ForwardError::Connect { upstream }
            );
        })
        .await;
}

#[tokio::test]
async fn a_reply_that_breaks_off_or_stalls_surfaces_and_its_connection_is_dropped() {
    LocalSet::new()
        .run_until(async {
            let (mut played, pool) = (Played::start().await, Pool::new());
            played.upstream.reply_idle_timeout_ms = 50;
            for (closes, error) in [(true, BodyError::CutShort), (false, BodyError::Timeout)] {
                let (sent, stream) = tokio::join!(pool.send(&played.upstream, get()), async {
                    let mut stream = played.accept().await;
                    read_until(&mut stream, "\r\n\r\n").await;
                    write(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await;
                    (!closes).then_some(stream)
                });
                assert_eq!(bytes(sent.expect("head")).await.expect_err("cut"), error);
                if let Some(mut stream) = stream {
                    assert_eq!(
                        timeout(LONG, stream.read_u8()).await.expect("in time").map_err(|e| e.kind()),
                        Err(std::io::ErrorKind::UnexpectedEof)
                    );
                }
            }
            assert_eq!(pool.counters().reused.load(Relaxed), 0);
        })
        .await;
}

#[tokio::test]
async fn a_reply_that_nobody_takes_to_its_end_is_no_failure_and_ends_a_row_of_them() {
    LocalSet::new()
        .run_until(async {
            let (mut played, pool) = (Played::start().await, Pool::new());
            played.upstream.ejection = Ejection { failures: 2, percent_max: 100, ..Ejection::default() };
            let state = played.upstream.endpoints[0].state.clone();
            let mut kept = Vec::new();
            for leaves in [false, true, false] {
                let (sent, stream) = tokio::join!(pool.send(&played.upstream, get()), async {
                    let mut stream = played.accept().await;
                    read_until(&mut stream, "\r\n\r\n").await;
                    write(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await;
                    leaves.then_some(stream)
                });
                kept.push(stream);
                let reply = sent.expect("head");
                match leaves {
                    true => drop(reply),
                    false => assert_eq!(bytes(reply).await.expect_err("cut"), BodyError::CutShort),
                }
                assert_eq!(state.ejections.load(Relaxed), 0, "never two in a row");
            }
            let (sent, ()) = tokio::join!(pool.send(&played.upstream, get()), async {
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                write(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await;
            });
            assert!(bytes(sent.expect("head")).await.is_err());
            assert_eq!(state.ejections.load(Relaxed), 1, "two in a row");
        })
        .await;
}

#[tokio::test]
async fn a_kept_connection_is_not_used_where_another_environments_name_leads_by_now() {
    LocalSet::new()
        .run_until(async {
            let (mut played, pool) = (Played::start().await, Pool::new());
            let port = played.upstream.endpoints[0].port;
            let other = Endpoint::new("prod.example", port, None);
            played.upstream.barred = Barred::new(Arc::default(), [other.clone()]);
            // Nobody answers for the name, and nobody waits for it.
            other.state.resolved_to(vec![SocketAddr::from(([192, 0, 2, 1], port))]);
            let (sent, _stream) = tokio::join!(pool.send(&played.upstream, get()), async {
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                write(&mut stream, OK).await;
                stream
            });
            assert_eq!(bytes(sent.expect("reply")).await.expect("whole"), "ok");
            other.state.resolved_to(vec![SocketAddr::from(([127, 0, 0, 1], port))]);
            assert_eq!(
                pool.send(&played.upstream, get()).await.expect_err("barred"),
                ForwardError::Barred { upstream: "u".into() }
            );
        })
        .await;
}

/// A small gateway: holds what goes to `/held`, streams all else.
struct Through {
    pool: Pool,
    upstream: Upstream,
    seen: mpsc::Sender<String>,
}

impl Service for Through {
    async fn call(&self, inbound: Inbound) -> Response<ReplyBody> {
        let (limits, budget) = (Limits::default(), HeldBudget::new(1_000_000));
        let seen = self.seen.clone();
        let body = if inbound.head.uri.path() == "/held" {
            let held = hold(inbound.body, &limits, &budget).await.expect("held");
            OutBody::held(held.bytes, held.trailers)
        } else {
            OutBody::streaming(Tee::new(inbound.body, limits.tee_bytes_max, move |end| {
                let _ = seen.try_send(format!("{end:?}"));
            }))
        };
        let rules = HeaderRules::default();
        let request =
            prepare_request(&inbound.head.0, body, &self.upstream, &inbound.peer, &rules, None, None);
        match self.pool.send(&self.upstream, request).await {
            Ok(response) => {
                let (mut head, body) = response.into_parts();
                prepare_reply(&mut head);
                let seen = self.seen.clone();
                let body = ReplyBody::streaming(body).on_end(move |end| {
                    let _ = seen.try_send(format!("{end:?}"));
                });
                Response::from_parts(head, body)
            }
            Err(error) => {
                let _ = self.seen.try_send(error.to_string());
                let mut response = Response::new(ReplyBody::empty());
                *response.status_mut() = http::StatusCode::BAD_GATEWAY;
                response
            }
        }
    }

    fn on_refuse(&self, _: &Arc<str>, _: &crate::listen::Peer, _: Reason) -> Response<ReplyBody> {
        Response::new(ReplyBody::empty())
    }

    fn on_gone(&self, _: Inbound) {}
}

/// Client socket, upstream, and what the gateway told, with the gateway between them.
async fn through() -> (Workers, SocketAddr, Played, mpsc::Receiver<String>) {
    let played = Played::start().await;
    let (sender, seen) = mpsc::channel(100);
    let listener = ListenerConfig::plain("test", SocketAddr::from(([127, 0, 0, 1], 0)), Limits::default());
    let upstream = played.upstream.clone();
    let (workers, _) = Workers::start(vec![listener], 1, Vec::new(), move |_| Through {
        pool: Pool::new(),
        upstream: upstream.clone(),
        seen: sender.clone(),
    })
    .expect("starts");
    let address = workers.local_addrs()[0].tcp().expect("TCP");
    (workers, address, played, seen)
}

async fn told(seen: &mut mpsc::Receiver<String>) -> String {
    timeout(LONG, seen.recv()).await.expect("in time").expect("open")
}

#[tokio::test]
async fn a_streamed_body_reaches_the_upstream_before_it_is_whole() {
    let (_workers, address, played, mut seen) = through().await;
    let mut client = TcpStream::connect(address).await.expect("connects");
    write(
        &mut client,
        "POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n",
    )
    .await;
    let mut upstream = played.accept().await;
    let head = read_until(&mut upstream, "3\r\nabc\r\n").await;
    assert!(
        head.starts_with("POST /s HTTP/1.1\r\n") && head.contains("transfer-encoding: chunked\r\n"),
        "{head}"
    );
    write(&mut client, "2\r\nde\r\n0\r\nX-T: 1\r\n\r\n").await;
    assert_eq!(read_until(&mut upstream, "\r\n\r\n").await, "2\r\nde\r\n0\r\nx-t: 1\r\n\r\n");
    assert_eq!(told(&mut seen).await, "TeeEnd(5 of 5 bytes, complete: true)");
    write(&mut upstream, "HTTP/1.1 201 Created\r\nX-Own: Caf\r\nContent-Length: 4\r\n\r\nab").await;
    read_until(&mut client, "\r\n\r\nab").await;
    write(&mut upstream, "cd").await;
    read_until(&mut client, "cd").await;
    assert_eq!(told(&mut seen).await, "ReplyEnd { bytes: 4, received: 0, how: Whole }");
}

#[tokio::test]
async fn a_held_body_goes_on_byte_for_byte_with_a_length_or_its_trailers() {
    let (_workers, address, played, _seen) = through().await;
    let mut client = TcpStream::connect(address).await.expect("connects");
    let head =
        "POST /held HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n";
    write(&mut client, &format!("{head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")).await;
    let mut upstream = played.accept().await;
    let sent = read_until(&mut upstream, "abcde").await;
    assert!(sent.contains("content-length: 5\r\n") && sent.contains("content-encoding: gzip\r\n"), "{sent}");
    assert!(!sent.contains("transfer-encoding"), "{sent}");
    write(&mut upstream, OK).await;
    read_until(&mut client, "ok").await;
    let head = head.replace("Host: a", "Host: a\r\nTrailer: X-T");
    write(&mut client, &format!("{head}3\r\nabc\r\n0\r\nX-T: 1\r\nX-Undeclared: 1\r\n\r\n")).await;
    let sent = read_until(&mut upstream, "0\r\nx-t: 1\r\n\r\n").await;
    assert!(sent.contains("trailer: x-t\r\n") && sent.ends_with("3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n"), "{sent}");
}

#[tokio::test]
async fn a_client_that_leaves_mid_body_surfaces_at_the_tee_and_cuts_the_upstream() {
    let (_workers, address, played, mut seen) = through().await;
    let mut client = TcpStream::connect(address).await.expect("connects");
    write(&mut client, "POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc").await;
    let mut upstream = played.accept().await;
    read_until(&mut upstream, "abc").await;
    drop(client);
    assert_eq!(told(&mut seen).await, "TeeEnd(3 of 3 bytes, complete: false)");
    let closed = timeout(LONG, upstream.read_u8()).await.expect("in time");
    assert!(closed.is_err(), "the upstream never takes it for a whole message");
}

#[tokio::test]
async fn a_client_that_leaves_mid_reply_cuts_the_upstream_and_is_told_of() {
    let (_workers, address, played, mut seen) = through().await;
    let mut client = TcpStream::connect(address).await.expect("connects");
    write(&mut client, "GET /s HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut upstream = played.accept().await;
    read_until(&mut upstream, "\r\n\r\n").await;
    assert_eq!(told(&mut seen).await, "TeeEnd(0 of 0 bytes, complete: true)");
    write(&mut upstream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await;
    read_until(&mut client, "abc").await;
    drop(client);
    assert_eq!(told(&mut seen).await, "ReplyEnd { bytes: 3, received: 0, how: Left }");
    assert!(timeout(LONG, upstream.read_u8()).await.expect("in time").is_err());
}

#[tokio::test]
async fn a_reply_to_head_keeps_its_length_and_has_no_body() {
    let (_workers, address, played, mut seen) = through().await;
    let mut client = TcpStream::connect(address).await.expect("connects");
    write(&mut client, "HEAD /held HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut upstream = played.accept().await;
    read_until(&mut upstream, "\r\n\r\n").await;
    write(&mut upstream, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n").await;
    let reply = read_until(&mut client, "\r\n\r\n").await;
    assert!(reply.contains("content-length: 1234\r\n"), "{reply}");
    assert_eq!(told(&mut seen).await, "ReplyEnd { bytes: 0, received: 0, how: Whole }");
}

#[tokio::test]
async fn a_streaming_client_gets_its_100_after_the_upstreams_or_the_final_reply_without_one() {
    let (_workers, address, played, _seen) = through().await;
    let head = "POST /s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let mut client = TcpStream::connect(address).await.expect("connects");
    write(&mut client, head).await;
    let mut upstream = played.accept().await;
    assert!(read_until(&mut upstream, "\r\n\r\n").await.contains("expect: 100-continue\r\n"));
    write(&mut upstream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    assert_eq!(read_until(&mut client, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    write(&mut client, "abc").await;
    assert_eq!(read_until(&mut upstream, "abc").await, "abc");
    write(&mut upstream, OK).await;
    read_until(&mut client, "ok").await;

    write(&mut client, head).await;
    read_until(&mut upstream, "\r\n\r\n").await;
    write(&mut upstream, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno").await;
    let reply = read_until(&mut client, "no").await;
    assert!(reply.starts_with("HTTP/1.1 401") && reply.contains("connection: close"), "{reply}");
}

#[tokio::test]
async fn a_message_goes_out_with_the_beginning_of_its_body_in_one_piece() {
    let (_workers, address, played, _seen) = through().await;
    let mut client = TcpStream::connect(address).await.expect("connects");
    for _ in 0..5 {
        write(&mut client, "POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc").await;
        let mut upstream = played.accept().await;
        let mut first = [0; 4096];
        let count = timeout(LONG, upstream.read(&mut first)).await.expect("in time").expect("reads");
        assert!(first[..count].ends_with(b"\r\n\r\nabc"), "{count} bytes");
        write(&mut upstream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
        read_until(&mut client, "ok").await;
    }
}

#[tokio::test]
async fn a_body_goes_on_while_nobody_takes_the_reply() {
    const BYTES: usize = 16 << 20;
    let (_workers, address, played, _seen) = through().await;
    let client = TcpStream::connect(address).await.expect("connects");
    let (mut reading, mut writing) = client.into_split();
    let head = format!("POST /s HTTP/1.1\r\nHost: a\r\nContent-Length: {BYTES}\r\n\r\n");
    let echo = tokio::spawn(async move {
        let mut upstream = played.accept().await;
        read_until(&mut upstream, "\r\n\r\n").await;
        write(&mut upstream, &format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n")).await;
        let (mut from, mut to) = upstream.into_split();
        // Its own reading doesn't wait for its writing.
        let answering = tokio::spawn(async move { to.write_all(&vec![b'r'; BYTES]).await.map(|()| to) });
        let mut whole = vec![0; BYTES];
        from.read_exact(&mut whole).await.expect("all of the body");
        answering.await.expect("no panic")
    });
    timeout(LONG, async {
        writing.write_all(head.as_bytes()).await.expect("sends");
        // Nothing is read before all is written.
        writing.write_all(&vec![b'b'; BYTES]).await.expect("sends");
        let mut reply = vec![0; BYTES];
        reading.read_exact(&mut reply).await.expect("the reply");
        echo.await.expect("no panic").expect("wrote");
    })
    .await
    .expect("in time");
}

#[tokio::test]
async fn a_connection_is_used_again_once_both_its_message_and_its_reply_ended() {
    let (_workers, address, played, _seen) = through().await;
    let mut client = TcpStream::connect(address).await.expect("connects");
    let head = "POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
    write(&mut client, head).await;
    let mut upstream = played.accept().await;
    read_until(&mut upstream, "1\r\na\r\n").await;
    write(&mut upstream, OK).await;
    assert!(!read_until(&mut client, "ok").await.contains("connection: close"));
    write(&mut client, "1\r\nb\r\n0\r\n\r\n").await;
    assert_eq!(read_until(&mut upstream, "0\r\n\r\n").await, "1\r\nb\r\n0\r\n\r\n");
    write(&mut client, "GET /s HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(read_until(&mut upstream, "\r\n\r\n").await.starts_with("GET "), "on the same connection");
    write(&mut upstream, OK).await;
    read_until(&mut client, "ok").await;
}

#[tokio::test]
async fn whoever_answers_and_closes_before_it_read_the_body_is_heard() {
    LocalSet::new()
        .run_until(async {
            let (played, pool) = (Played::start().await, Pool::new());
            let body = OutBody::held(Payload::from(vec![b'x'; 32 << 20]), None);
            let request = Request::post("/").header("host", "u").body(body).expect("request");
            let (sent, ()) = tokio::join!(pool.send(&played.upstream, request), async {
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                write(&mut stream, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno").await;
            });
            let response = sent.expect("a reply");
            assert_eq!(response.status(), 413);
            assert_eq!(bytes(response).await.expect("whole"), "no");
            let (again, ()) = tokio::join!(pool.send(&played.upstream, get()), async {
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                write(&mut stream, OK).await;
            });
            assert!(again.is_ok(), "on another connection: half a body is on that one");
        })
        .await;
}

#[tokio::test]
async fn a_connection_goes_on_as_its_reply_says_and_interim_heads_are_none() {
    LocalSet::new()
        .run_until(async {
            for (reply, goes_on) in [
                ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true),
                ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\nok", false),
                ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false),
                ("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", true),
                ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", true),
                (
                    "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                    true,
                ),
            ] {
                let (played, pool) = (Played::start().await, Pool::new());
                let playing = async {
                    let mut stream = played.accept().await;
                    read_until(&mut stream, "\r\n\r\n").await;
                    // In pieces: what is read at once says nothing about what it is.
                    for byte in reply.chars() {
                        write(&mut stream, byte.encode_utf8(&mut [0; 4])).await;
                        tokio::task::yield_now().await;
                    }
                    if !goes_on {
                        stream = played.accept().await;
                    }
                    read_until(&mut stream, "\r\n\r\n").await;
                    write(&mut stream, OK).await;
                };
                let sending = async {
                    for _ in 0..2 {
                        let response = pool.send(&played.upstream, get()).await.expect(reply);
                        assert_eq!((response.status(), response.headers().contains_key("link")), (http::StatusCode::OK, false));
                        assert_eq!(bytes(response).await.expect("whole"), "ok");
                    }
                };
                timeout(LONG, async { tokio::join!(playing, sending) }).await.expect(reply);
                assert_eq!(pool.counters().reused.load(Relaxed), u64::from(goes_on), "{reply}");
            }
        })
        .await;
}

#[tokio::test]
async fn an_idle_connection_on_which_something_comes_or_that_ends_is_let_go() {
    LocalSet::new()
        .run_until(async {
            let (played, pool) = (Played::start().await, Pool::new());
            for surplus in ["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", ""] {
                let (sent, mut stream) = tokio::join!(pool.send(&played.upstream, get()), async {
                    let mut stream = played.accept().await;
                    read_until(&mut stream, "\r\n\r\n").await;
                    write(&mut stream, OK).await;
                    stream
                });
                assert_eq!(bytes(sent.expect("reply")).await.expect("whole"), "ok");
                write(&mut stream, surplus).await;
                if surplus.is_empty() {
                    stream.shutdown().await.expect("our end");
                }
                // Nobody sends anything on it, and it is closed all the same.
                assert!(timeout(LONG, stream.read_u8()).await.expect("in time").is_err(), "{surplus:?}");
            }
            assert_eq!(pool.counters().connected.load(Relaxed), 2);
        })
        .await;
}

#[tokio::test]
async fn what_came_of_a_reply_before_it_broke_off_is_passed_on() {
    LocalSet::new()
        .run_until(async {
            let (played, pool) = (Played::start().await, Pool::new());
            let (sent, ()) = tokio::join!(pool.send(&played.upstream, get()), async {
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                write(&mut stream, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc").await;
            });
            let mut body = std::pin::pin!(sent.expect("head").into_body());
            let mut frame =
                async || std::future::poll_fn(|cx| Poll::Ready(body.as_mut().poll_frame(cx))).await;
            let Poll::Ready(Some(Ok(piece))) = frame().await else { panic!("what is there") };
            assert_eq!(piece.into_data().expect("data"), "abc");
            tokio::task::yield_now().await;
            assert!(frame().await.is_pending(), "whoever passes it on has time to send that");
            assert!(matches!(frame().await, Poll::Ready(Some(Err(BodyError::CutShort)))));
        })
        .await;
}

#[tokio::test]
async fn a_reply_whose_message_broke_off_is_not_whole_where_its_connection_ends() {
    let (_workers, address, played, mut seen) = through().await;
    let mut client = TcpStream::connect(address).await.expect("connects");
    write(&mut client, "POST /s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n").await;
    let mut upstream = played.accept().await;
    read_until(&mut upstream, "1\r\na\r\n").await;
    write(&mut upstream, "HTTP/1.1 200 OK\r\n\r\nab").await;
    read_until(&mut client, "ab\r\n").await;
    write(&mut client, "not a size\r\n").await;
    assert_eq!(told(&mut seen).await, "TeeEnd(1 of 1 bytes, complete: false)");
    let end = told(&mut seen).await;
    assert!(!end.contains("Whole"), "{end}");
    let closed = timeout(LONG, upstream.read_u8()).await.expect("in time");
    assert!(closed.is_err(), "the upstream never takes it for a whole message");
}

#[tokio::test]
async fn a_reply_in_chunks_goes_on_in_chunks_also_where_all_of_it_is_there() {
    LocalSet::new()
        .run_until(async {
            let (played, pool) = (Played::start().await, Pool::new());
            for (reply, length) in [
                ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", None),
                (OK, Some(2)),
            ] {
                let connected = pool.counters().connected.load(Relaxed);
                let (sent, ()) = tokio::join!(pool.send(&played.upstream, get()), async {
                    let mut stream = played.accept().await;
                    read_until(&mut stream, "\r\n\r\n").await;
                    write(&mut stream, reply.replace("OK\r\n", "OK\r\nConnection: close\r\n").as_str()).await;
                });
                let (_, mut body) = sent.expect("a reply").into_parts();
                body.begin().expect("whole");
                assert_eq!(body.size_hint().exact(), length, "{reply}");
                assert_eq!(body.collect().await.expect("whole").to_bytes(), "ok");
                assert_eq!(pool.counters().connected.load(Relaxed), connected + 1);
            }
        })
        .await;
}

#[tokio::test]
async fn a_held_body_that_is_read_slowly_has_its_time_for_a_reply_behind_it() {
    const PIECE: usize = 512 << 10;
    const PIECES: usize = 128; // more than sockets hold
    LocalSet::new()
        .run_until(async {
            let (mut played, pool) = (Played::start().await, Pool::new());
            played.upstream.reply_head_timeout_ms = 1_000;
            let body = OutBody::held(Payload::from(vec![b'a'; PIECE * PIECES]), None);
            let message = Request::post("/").header("host", "u").body(body).expect("request");
            let reading = async {
                let mut stream = played.accept().await;
                read_until(&mut stream, "\r\n\r\n").await;
                let mut piece = vec![0; PIECE];
                for _ in 0..PIECES {
                    stream.read_exact(&mut piece).await.expect("a piece");
                    tokio::time::sleep(Duration::from_millis(20)).await; // the pace of an upstream
                }
                write(&mut stream, OK).await;
            };
            let (sent, ()) = tokio::join!(pool.send(&played.upstream, message), reading);
            assert_eq!(bytes(sent.expect("a reply")).await.expect("whole"), "ok");
        })
        .await;
}
