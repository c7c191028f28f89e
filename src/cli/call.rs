//! A small HTTP client for commands: one request, one answer.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use std::time::Duration;

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: http::HeaderMap,
    pub(super) body: Bytes,
}

/// Sends one request to `authority`, and reads the whole answer.
pub(super) async fn call(
    authority: &str,
    request: http::Request<Full<Bytes>>,
) -> Result<Reply, &'static str> {
    let exchange = async {
        let stream = tokio::net::TcpStream::connect(authority).await.map_err(|_| "nobody listens there")?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| "no HTTP is spoken there")?;
        let exchange = async {
            let reply =
                sender.send_request(request).await.map_err(|_| "the connection ended without an answer")?;
            let (head, body) = reply.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX)
                .collect()
                .await
                .map_err(|_| "the answer is cut short or too long")?;
            Ok(Reply { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
        };
        tokio::pin!(exchange);
        tokio::pin!(connection);
        tokio::select! {
            reply = &mut exchange => reply,
            _ = &mut connection => exchange.await,
        }
    };
    tokio::time::timeout(Duration::from_secs(60), exchange)
        .await
        .map_err(|_| "no answer within 60 seconds")?
}

/// Sends one request, and hands on the pieces of a 200's body until `each` has enough. Gives the status, and the body of
/// any other answer.
pub(super) async fn stream(
    authority: &str,
    request: http::Request<Full<Bytes>>,
    each: &mut dyn FnMut(&[u8]) -> bool,
) -> Result<(u16, Bytes), &'static str> {
    let stream = tokio::net::TcpStream::connect(authority).await.map_err(|_| "nobody listens there")?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|_| "no HTTP is spoken there")?;
    let exchange = async {
        let reply =
            sender.send_request(request).await.map_err(|_| "the connection ended without an answer")?;
        let (head, mut body) = reply.into_parts();
        let status = head.status.as_u16();
        if status != 200 {
            let body = Limited::new(body, ANSWER_BYTES_MAX)
                .collect()
                .await
                .map_err(|_| "the answer is cut short")?;
            return Ok((status, body.to_bytes()));
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| "the answer is cut short")?;
            if frame.data_ref().is_some_and(|data| !each(data)) {
                break;
            }
        }
        Ok((status, Bytes::new()))
    };
    tokio::pin!(exchange);
    tokio::pin!(connection);
    tokio::select! {
        reply = &mut exchange => reply,
        _ = &mut connection => exchange.await,
    }
}

const ANSWER_BYTES_MAX: usize = 64 << 20;
